"""Finding actors by name: the registry's aliases with titles, possessives, demonyms and capitals, each on word boundaries."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from data.errors import InputError
from data.registry import Actor, Kind, Registry
from data.words import ABBREVIATED_STATES, DEMONYMS, HELD, TITLE_MODIFIERS, TITLES

How = Literal["name", "description", "pronoun", "tagged"]
"""How a mention was found; a tagged one by a model (data/newcomers.py)."""

_DEMONYM = "|".join(sorted(DEMONYMS, key=len, reverse=True))
_MODIFIER = rf"(?:{_DEMONYM}|US|U\.S\.|UK|EU|Nato|NATO|{TITLE_MODIFIERS})"
TITLE = rf"(?:(?:[Tt]he\s+)?(?:{_MODIFIER}[\s-]+)*(?:(?:{TITLES})\s+)+)"
"""Titles before a person's name belong to the mention: "Czech Prime Minister Mirek Topolanek" is one, "Spokesman Lt. Col. Roe" too."""

_PLACE = re.compile(
    r"(?:^|\W)(?:in|near|at|outside|inside|across|throughout|around|through|via)"
    r"(?: the| central| eastern| western| northern| southern)*\s$",
    re.I,
)
_JOINED = re.compile(r"\s*(?:,|and|or|, and|, or)\s*(?:the\s+)?")


@dataclass(frozen=True)
class FoundMention:
    """An actor's mention in a sentence, character offsets end-exclusive; `title` is what stands before a person's name."""

    start: int
    end: int
    actor: str
    how: How = "name"
    title: str = ""


class MentionFinder:
    """Finds the registry's names in text: longest first, on word boundaries, titles before persons included."""

    def __init__(self, registry: Registry, held: frozenset[str] = frozenset()) -> None:
        self.registry = dict(registry)
        self.held = HELD | held
        self._actor_of: dict[str, str] = {}
        persons: list[str] = []
        others: list[str] = []
        for actor in registry.values():
            for alias in actor.aliases:
                for form in _forms(alias):
                    self._actor_of.setdefault(form, actor.id)
                    (persons if actor.kind == "person" else others).append(form)
        self._folded = {actor.name.casefold(): actor.id for actor in registry.values()}
        self._folded |= {alias.casefold(): actor for alias, actor in self._actor_of.items()}
        if not self._actor_of:
            raise InputError("actors.yaml: no actor has aliases, so none can be found in an article")
        by_name = {actor.name: actor.id for actor in registry.values()}
        self.states = {adjective: by_name[state] for adjective, state in DEMONYMS.items() if state in by_name}
        for adjective, state in self.states.items():
            self._actor_of.setdefault(adjective, state)
        for short in ABBREVIATED_STATES:
            if short in self._actor_of:
                self.states[short] = self._actor_of[short]
        others += self.states
        self._pattern = re.compile(
            rf"(?<![\w-])(?:{TITLE}?(?P<person>{_alternation(persons)})|(?:[Tt]he\s+)?(?P<other>{_alternation(others)}))"
            r"(?!\w|-\w)"
        )

    def kind(self, actor: str) -> Kind | None:
        """Return the kind of an actor; None for one that the registry lacks."""
        return self.registry[actor].kind if actor in self.registry else None

    def find(self, sentence: str) -> list[FoundMention]:
        """Return the mentions in their order, without overlaps; names of mere places and kinds are left out."""
        found: list[FoundMention] = []
        place_end = -1
        for match in self._pattern.finditer(sentence):
            name = match["other"] or match["person"]
            if match["other"] and self._is_place(sentence, match, place_end):
                place_end = match.end()
            elif match["person"] or self._names_actor(sentence, name, match.end()):
                title = sentence[match.start() : match.start("person")].strip() if match["person"] else ""
                start = match.start("other") if name in DEMONYMS else match.start()
                found.append(FoundMention(start, match.end(), self._actor_of[name], "name", title))
        return found

    def with_actors(self, actors: Iterable[Actor]) -> "MentionFinder":
        """Return a finder that also knows the actors of one document, and by their aliases those whom the registry gives none."""
        extra = {}
        for actor in actors:
            known = self.registry.get(actor.id, actor)
            if actor.id not in self.registry or not known.aliases:
                extra[actor.id] = known.model_copy(update={"aliases": actor.aliases})
        return MentionFinder(self.registry | extra, self.held) if extra else self

    def state_of(self, word: str) -> str | None:
        """Return the state that an adjective, an abbreviation or a one-word name means."""
        if word in self.states:
            return self.states[word]
        actor = self._actor_of.get(word)
        return actor if actor in self.states.values() else None

    def adjective_of(self, state: str) -> str:
        """Return the adjective of a state: "Iranian" for Iran, "US" for the United States."""
        short = next((each for each in ABBREVIATED_STATES if self.states.get(each) == state), None)
        return short or next(adjective for adjective, actor in self.states.items() if actor == state)

    def called(self, name: str) -> str | None:
        """Return the actor of a name or alias, whatever its capitals."""
        return self._folded.get(name.casefold())

    def state_above(self, actor: str) -> str | None:
        """Return the state among an actor's parents, None where the registry names none."""
        return next((each for each in self._line_of(actor) if self.kind(each) == "state"), None)

    def _line_of(self, actor: str) -> list[str]:
        line: list[str] = []
        while actor in self.registry and actor not in line:
            line.append(actor)
            actor = self.registry[actor].parent or ""
        return line

    def government_of(self, person: str) -> str | None:
        """Return the government that a person belongs to, or that of the person's state."""
        parent = self.registry[person].parent if person in self.registry else None
        if parent and self.kind(parent) == "government":
            return parent
        state = self.state_above(person)
        governments = [each.id for each in self.registry.values() if state and each.parent == state and each.kind == "government"]
        return next((each for each in governments if each.endswith("-government")), None)

    def knows(self, name: str) -> bool:
        """Tell whether the registry has an actor of this name, or of its last word as a surname."""
        return name in self._actor_of or name.split()[-1] in self._actor_of or name.split()[0] in self._actor_of

    def _is_place(self, sentence: str, match: re.Match[str], place_end: int) -> bool:
        if self.kind(self._actor_of[match["other"]]) != "state" or match["other"] in self.states:
            return False
        if sentence[match.end() :].startswith(("'s", "’s")):
            return False
        joined = place_end >= 0 and _JOINED.fullmatch(sentence[place_end : match.start("other")])
        return bool(joined or _PLACE.search(sentence[: match.start()]))

    def _names_actor(self, sentence: str, name: str, end: int) -> bool:
        """Tell a name from the head of a longer one ("Washington Post"), and a holder's adjective from one that tells a kind."""
        joined = r"(?:and \w+ )?" if name in DEMONYMS else ""  # "Russian and Polish fears"
        following = re.match(rf"\s+{joined}([\w-]+)", sentence[end:])
        word = following[1] if following else ""
        if name in DEMONYMS:
            return any(part in self.held for part in word.lower().split("-"))
        capitalised = word[:1].isupper() and not sentence.istitle() and not sentence.isupper()
        return not (capitalised and self.kind(self._actor_of[name]) == "state" and not word.isupper() and not _is_headline(sentence))


def _is_headline(sentence: str) -> bool:
    words = [word for word in re.findall(r"[A-Za-z]+", sentence) if len(word) > 3]
    return bool(words) and sum(word[0].isupper() for word in words) > 0.7 * len(words)


def _forms(alias: str) -> set[str]:
    """Return an alias and, for one that opens with a small letter, its form at the head of a sentence."""
    return {alias, alias[:1].upper() + alias[1:]}


def _alternation(names: Sequence[str]) -> str:
    longest_first = sorted(set(names), key=lambda name: (-len(name), name))
    return "|".join(re.escape(name) for name in longest_first) or r"(?!)"


def slug(name: str) -> str:
    """Return a name in small letters, digits and hyphens."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "unnamed"


def actor_id(name: str) -> str:
    """Return an actor id made from a name; a possessive does not fall apart."""
    return slug(re.sub(r"['’]", "", name))


def without_overlaps(mentions: Iterable[FoundMention]) -> list[FoundMention]:
    """Return mentions in their order; of two that overlap the longer one stays."""
    kept: list[FoundMention] = []
    for mention in sorted(mentions, key=lambda each: (each.start - each.end, each.start)):
        if all(mention.end <= other.start or mention.start >= other.end for other in kept):
            kept.append(mention)
    return sorted(kept, key=lambda each: each.start)
