"""Proposing who the actors of unread articles are: capitalised names by frequency, with a guess at what kind of actor each is."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from data.bodies import kind_of_body
from data.mentions import actor_id
from data.persons import NOT_A_NAME, discover_persons
from data.registry import Actor, Kind, Registry
from data.words import DEMONYMS, FUNCTION_WORDS, ROLE_MODIFIERS, TITLES

FEWEST = 2
"""A name that occurs once is not proposed; a person is, since a title or a verb of speech speaks for it."""

_WORD = r"[A-Z][\w-]*(?:['’](?!s\b)\w+)?"
_NAME = re.compile(rf"(?<![\w'’.-]){_WORD}(?:(?:['’]s?)?\s(?:(?:of|for)\s(?:the\s)?)?{_WORD})*")
_OWNER = re.compile(r"['’]s?\s")
_OF = re.compile(r"\s(?:of|for)\s(?:the\s)?")
_STATES = frozenset(DEMONYMS.values())
_NOT_NAMES = frozenset(word.lower() for word in f"{TITLES}|{ROLE_MODIFIERS}".replace("\\", "").split("|")) | FUNCTION_WORDS


@dataclass(frozen=True)
class Proposal:
    """An actor that articles seem to name, and how often."""

    actor: Actor
    count: int


def propose_actors(articles: Sequence[Sequence[str]], known: Registry, limit: int) -> list[Proposal]:
    """Return the actors that articles, given as lists of sentences, name and `known` lacks: the most frequent `limit` ones.

    Kinds are guesses: who speaks, bears a title or is also called by the last word alone is a person, what ends in "Ministry"
    or "Union" is a body, a single word is a state.
    """
    sentences = [sentence for article in articles for sentence in article]
    names = count_names(sentences)
    taken = {alias for actor in known.values() for alias in (actor.name, *actor.aliases)}
    found = [*_states(names, sentences), *_bodies(names)]
    taken |= {alias for proposal in found for alias in proposal.actor.aliases}
    found += _persons(names, sentences, taken)
    taken |= {word for proposal in found if proposal.actor.kind == "person" for word in proposal.actor.name.split()}
    taken |= {alias for proposal in found for alias in proposal.actor.aliases}
    rest = [name for name in names if names[name] >= FEWEST and name not in taken and name not in _STATES and name not in DEMONYMS]
    for name in rest:
        kind = _guess(name, sentences)
        found.append(Proposal(_actor(name, kind, *(name.split()[-1:] if kind == "person" else ())), names[name]))
    return _distinct(sorted(found, key=lambda each: (-each.count, each.actor.id)), known)[:limit]


def count_names(sentences: Iterable[str]) -> Counter[str]:
    """Count capitalised names; a single word that opens a sentence counts where it is a name elsewhere too."""
    inside: Counter[str] = Counter()
    opening: Counter[str] = Counter()
    for sentence in sentences:
        for match in _NAME.finditer(sentence):
            for name in _parts(match.group()):
                (opening if " " not in name and _opens(sentence, match.start()) else inside)[name] += 1
    return Counter({name: count + opening[name] for name, count in inside.items()})


def _parts(match: str) -> list[str]:
    """Take an owner off ("Arlonde's Green League") unless what is left would say too little ("the Bargemen's Union")."""
    parts = _OWNER.split(match)
    if len(parts) > 1 and (" " in parts[-1] or kind_of_body(parts[-1]) is None):
        return [name for part in parts if (name := _without_titles(part))]
    whole = kind_of_body(_OF.split(match)[0].split()[-1]) is not None  # "Bank of Besk" is one name, "Lawyers for the Commission" are not
    return [name for part in ([match] if whole else _OF.split(match)) if (name := _without_titles(part))]


def _without_titles(name: str) -> str:
    """Take titles, articles and adjectives of states off a name; nothing is left of a weekday or a bare title."""
    words = name.split()
    while words and " ".join(words) not in _STATES:
        if words[0].lower() in FUNCTION_WORDS or (kind_of_body(" ".join(words)) is None and _is_title(words[0])):
            words.pop(0)
        else:
            break
    if not words or (len(words) == 1 and words[0] in NOT_A_NAME) or len(words[0]) < 2 or any(character.isdigit() for character in words[0]):
        return ""
    return " ".join(words)


def _is_title(word: str) -> bool:
    return word.lower() in _NOT_NAMES or word in DEMONYMS


def _opens(sentence: str, start: int) -> bool:
    before = sentence[:start].rstrip("\"'“”‘’ ")
    return not before or before[-1] in ".:!?" or before[-1].isdigit()


def _states(names: Counter[str], sentences: Sequence[str]) -> list[Proposal]:
    """Propose real states by their names and adjectives."""
    counts = Counter({name: names[name] for name in _STATES if names[name]})
    counts.update(DEMONYMS[word] for word in re.findall(r"\b[A-Z][a-z]+\b", " ".join(sentences)) if word in DEMONYMS)
    return [Proposal(_actor(name, "state"), count) for name, count in counts.items() if count >= FEWEST]


def _bodies(names: Counter[str]) -> list[Proposal]:
    """Propose bodies; "Commission" alone is an alias of the one body that ends so."""
    full = [name for name in names if " " in name and kind_of_body(name)]
    found = []
    for name in full:
        short = name.split()[-1]
        alone = [short] if names[short] and [other for other in full if other.split()[-1] == short] == [name] else []
        count = names[name] + sum(names[each] for each in alone)
        if count >= FEWEST:
            found.append(Proposal(_actor(name, kind_of_body(name) or "organisation", *alone), count))
    return found


def _persons(names: Counter[str], sentences: Sequence[str], taken: set[str]) -> list[Proposal]:
    """Propose who bears a title or speaks, and who is called by a full name here and by its last word there."""

    def knows(name: str) -> bool:
        return name in taken or name in _STATES or kind_of_body(name) is not None

    persons = {person.name: person for person in discover_persons(sentences, knows)}
    surnames = {person.aliases[-1] for person in persons.values()}
    for name in names:
        words = name.split()
        if (
            len(words) in {2, 3}
            and names[words[-1]]
            and words[-1] not in surnames | taken
            and not knows(name)
            and not _is_place(name, sentences)
        ):
            persons[name] = _actor(name, "person", words[-1])
    return [Proposal(person, max(1, sum(names[alias] for alias in person.aliases))) for person in persons.values()]


def _is_place(name: str, sentences: Sequence[str]) -> bool:
    place = re.compile(rf"\b(?:in|near|at|from|across|outside|above|below|to)\s{re.escape(name)}\b")
    return any(place.search(sentence) for sentence in sentences)


def _guess(name: str, sentences: Sequence[str]) -> Kind:
    """Guess the kind of a name that does not tell it."""
    if kind := kind_of_body(name):
        return kind
    if _is_place(name, sentences):
        return "state"
    if name.isupper() or any(f"the {name}" in sentence for sentence in sentences):
        return "group" if name.endswith("s") and not name.isupper() else "organisation"
    return "person" if " " in name else "state"


def _actor(name: str, kind: Kind, *aliases: str) -> Actor:
    return Actor(id=actor_id(name), name=name, kind=kind, aliases=tuple(dict.fromkeys([name, *aliases])))


def _distinct(proposals: Sequence[Proposal], known: Registry) -> list[Proposal]:
    """Leave out ids that are there already, in the registry or further up."""
    ids = set(known)
    kept = []
    for proposal in proposals:
        if proposal.actor.id not in ids:
            ids.add(proposal.actor.id)
            kept.append(proposal)
    return kept
