"""Persons of an article whom the registry lacks: found by a title before the name or a verb of speech after it."""

import re
from collections.abc import Callable, Sequence

from data.bodies import kind_of_body
from data.mentions import TITLE, actor_id
from data.registry import Actor
from data.words import DEEDS, DEMONYMS, SPEECH, TITLE_MODIFIERS, TITLES

_WORD = r"[A-Z][\w-]*[a-z]"
_NEXT = rf"\s(?:[A-Z]\.\s|von\s|van\s|de\s)?{_WORD}"
_TITLED = re.compile(rf"(?<![\w-]){TITLE}(?P<name>{_WORD}(?:{_NEXT}){{0,2}})")
_APPOSITION = r"(?:, (?:an?|the|former|[A-Z]\w+['’]s)\s[^,;:\"“”]{1,80},)"
_SPEAKER = re.compile(rf"(?<![\w-])(?P<name>{_WORD}(?:{_NEXT})+)(?={_APPOSITION}?,? (?:{SPEECH}|{DEEDS})\b)")
_SPEAKER_AFTER = re.compile(rf"[,\"”] (?:{SPEECH}) (?P<name>{_WORD}(?:{_NEXT})+)(?=[,.])")
LONGEST_NAME = 3
"""Words of a person's name without initials; a longer run of capitalised words is something else."""

NOT_A_NAME = frozenset((
    "The", "This", "That", "These", "Those", "But", "And", "Or", "If", "When", "While", "In", "On", "At", "By", "For", "From",
    "He", "She", "It", "They", "We", "You", "I", "His", "Her", "Its", "Their", "Our", "As", "After", "Before", "Monday",
    "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday", "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December", "Yesterday", "Today", "Tomorrow", "Last", "Next", "No",
    "Not", "One", "Two", "Three", "Some", "Many", "Most", "Several", "Other", "Another", "Foreign", "Defence", "Defense",
    "Interior", "Prime", "State", "European", "North", "South", "East", "West", "New", "Dynamics", "Electric", "Motors",
    "Staff",
))  # fmt: skip
"""Capitalised words that are no part of a person's name: openers of sentences, days, and what makes a title's word a firm's."""

_BEFORE_NAMES = frozenset(f"{TITLES}|{TITLE_MODIFIERS}".replace("\\", "").replace("|", " ").split()) | DEMONYMS.keys() | NOT_A_NAME
_STATES = frozenset(DEMONYMS.values())


def discover_persons(sentences: Sequence[str], knows: Callable[[str], bool]) -> list[Actor]:
    """Return persons that a text names with a title or as speakers and that nobody `knows` yet; the surname is an alias."""
    found: dict[str, str] = {}
    for sentence in sentences:
        for pattern in (_TITLED, _SPEAKER, _SPEAKER_AFTER):
            for match in pattern.finditer(sentence):
                name = _person(match["name"])
                if not name or knows(name) or (pattern is not _TITLED and " " not in name):
                    continue
                surname = name.split()[-1]
                if len(name) > len(found.get(surname, "")):
                    found[surname] = name
    whole = "\n".join(sentences)
    return [_actor(_with_first_name(name, whole)) for name in found.values()]


def _person(run: str) -> str | None:
    """Return the person's name at the end of a run of capitalised words, None where it names a state, a body or nobody."""
    words = run.split()
    before = [place for place, word in enumerate(words) if word in _BEFORE_NAMES and (len(words) == 1 or place < len(words) - 1)]
    words = words[before[-1] + 1 :] if before else words
    name = " ".join(words)
    if not name or name in _STATES or kind_of_body(name) or words[-1] in NOT_A_NAME or words[-1] in DEMONYMS:
        return None
    return name if sum(word.isalpha() and word[0].isupper() for word in words) <= LONGEST_NAME else None


def _with_first_name(name: str, text: str) -> str:
    """Complete a surname with the first name that stands before it elsewhere in the text."""
    if " " in name:
        return name
    before = re.finditer(rf"(?<![\w-])({_WORD})\s{re.escape(name)}(?![\w-])", text)
    return next((match.group() for match in before if match[1] not in _BEFORE_NAMES), name)


def _actor(name: str) -> Actor:
    return Actor(id=actor_id(name), name=name, kind="person", aliases=tuple(dict.fromkeys([name, name.split()[-1]])))
