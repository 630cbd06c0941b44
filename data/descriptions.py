"""Definite and indefinite descriptions of actors: "the US president", "his government", "the head of the port authority"."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from data.mentions import FoundMention, MentionFinder, actor_id
from data.registry import Actor, Kind
from data.words import BODY_ROLES, DEMONYMS, GROUP_ROLES, PERSON_ROLES, ROLE_MODIFIERS

_DEMONYM = "|".join(sorted(DEMONYMS, key=len, reverse=True))
_OWNER = rf"(?:{_DEMONYM}|US|U\.S\.|UK|EU|Nato|NATO)"
_NAME = r"(?:[A-Z][\w-]*(?:U\.S\.)?(?:\s(?:[A-Z][\w-]*|U\.S\.))*|U\.S\.(?:\s[A-Z][\w-]*)*)"
_HEAD = "|".join(f"[{role[0].upper()}{role[0]}]{role[1:]}" for role in f"{PERSON_ROLES}|{BODY_ROLES}".split("|")) + f"|{GROUP_ROLES}"
_COMPLEMENT = (
    rf"\sof\s(?:the\s|its\s)?(?:{_NAME}['’]s\s)?(?:{_OWNER}\s(?:[a-z-]+\s)?(?:ministry|parliament|government|staff|party|council|committee)"
    rf"|{_NAME}|state|defence|defense|general staff)|(?<=envoy|egate)\sto\s(?:the\s[a-z]+|{_NAME})|(?<=sador)\sto\s{_NAME}"
)
_DESCRIPTION = re.compile(
    rf"(?<![\w-])(?:(?P<determiner>[Tt]he|[Aa]n?|[Ss]ome|[Ss]everal|[Hh]is|[Hh]er|(?:[Tt]he\s)?{_NAME}['’]s)\s|(?={_OWNER}\b))"
    rf"(?P<modifiers>(?:(?:{_OWNER}|{ROLE_MODIFIERS}|{_HEAD}|{_NAME})[\s-]){{0,6}})"
    rf"(?P<head>{_HEAD})(?![\w-])"
    rf"(?!\s(?:to|{PERSON_ROLES}|{GROUP_ROLES}|{BODY_ROLES}|party|staff)\b(?<!envoy to)(?<!ambassador to)(?<!delegate to))"
    rf"(?P<complement>{_COMPLEMENT})?(?!\s[A-Z][a-z]+\s[A-Z][a-z])"
)
_GROUP = re.compile(rf"(?:{GROUP_ROLES})", re.I)
_BODY = re.compile(rf"(?:{BODY_ROLES})", re.I)
_IGNORED = frozenset(["the", "a", "an", "of", "for", "to", "his", "her", "its", "some", "several", "former", "acting"])


@dataclass(frozen=True)
class Description:
    """A noun phrase that describes an actor: its words without determiners and states, its head, the state it names."""

    start: int
    end: int
    text: str
    determiner: str
    head: str
    words: frozenset[str]
    state: str | None

    @property
    def kind(self) -> Kind:
        """The kind of actor that the head noun means."""
        return "group" if _GROUP.fullmatch(self.head) else "government" if _BODY.fullmatch(self.head) else "person"

    @property
    def bare(self) -> bool:
        """Whether nothing but a determiner stands beside the head: "the minister"."""
        return self.words == {self.head} and self.state is None


def find_descriptions(sentence: str, finder: MentionFinder) -> list[Description]:
    """Return the descriptions of a sentence that open with a determiner, a possessive or a demonym."""
    found = []
    for match in _DESCRIPTION.finditer(sentence):
        text = match.group().strip()
        start = match.start() + len(match.group()) - len(match.group().lstrip())
        determiner = (match["determiner"] or "").strip()
        words, state = _content(text.removeprefix(determiner) if determiner.lower() in _IGNORED else text, finder)
        if determiner or state:
            head = match["head"].lower()
            found.append(Description(start, start + len(text), text, determiner.lower(), head, words, state))
    return found


def _content(text: str, finder: MentionFinder) -> tuple[frozenset[str], str | None]:
    """Return the content words of a phrase in small letters and the state that it names, if any."""
    state: str | None = None
    words: set[str] = set()
    for word in re.findall(r"[A-Za-z][A-Za-z.]*", re.sub(r"['’]s\b", "", text)):
        actor = finder.state_of(word)
        if actor:
            state = state or actor
        elif word.lower() not in _IGNORED:
            words.add(word.lower().rstrip("."))
    return frozenset(words), state


def entitle(sentence: str, names: Sequence[FoundMention], finder: MentionFinder) -> list[FoundMention]:
    """Give persons the description that stands beside their name between commas as a title: "the envoy, Ada Roe, said"."""
    described = [each for each in find_descriptions(sentence, finder) if each.kind == "person"]

    def beside(mention: FoundMention) -> str:
        for each in described:
            first, second = sorted([(each.start, each.end), (mention.start, mention.end)])
            if sentence[first[1] : second[0]] == ", " and sentence[second[1] :][:1] in {",", "."}:
                return each.text
        return ""

    return [replace(each, title=each.title or beside(each)) if finder.kind(each.actor) == "person" else each for each in names]


@dataclass
class Offices:
    """Who holds which office in one document, from titles before names and from the registry's names."""

    finder: MentionFinder
    titles: list[tuple[str, frozenset[str], str | None]] = field(default_factory=list)

    def learn(self, names: Sequence[Sequence[FoundMention]]) -> None:
        """Note the titles of all persons of a document, those that come later included."""
        known: set[tuple[str, frozenset[str], str | None]] = set()
        for mention in (each for sentence in names for each in sentence if self.finder.kind(each.actor) == "person"):
            for text in (mention.title, self._registered_role(mention.actor)):
                words, state = _content(text, self.finder)
                if words:
                    known.add((mention.actor, words, state or self.finder.state_above(mention.actor)))
        self.titles = sorted(known, key=lambda each: (each[0], sorted(each[1])))

    def holder(self, description: Description, recent: Sequence[str]) -> str | None:
        """Return the one person whom a description means; of several the one mentioned last, None if there is none."""
        definite = description.determiner in {"the", ""} or (description.state and description.determiner.endswith(("'s", "’s")))
        if not definite or description.kind != "person":
            return None
        holders = {actor for actor, words, state in self.titles if _means(description, words, state)}
        if len(holders) == 1 and not description.bare:
            return holders.pop()
        return next((actor for actor in reversed(recent) if actor in holders), None)

    def _registered_role(self, actor: str) -> str:
        entry = self.finder.registry.get(actor)
        return entry.name.partition(", ")[2] if entry else ""


def _means(description: Description, words: frozenset[str], state: str | None) -> bool:
    if description.head not in words or (description.state and state != description.state):
        return False
    return description.words <= words or (words <= description.words and len(words) > 1)


@dataclass(frozen=True)
class DescribedActor:
    """A description and who it means; `new` is an actor made for it when the document knows no other."""

    mention: FoundMention
    new: Actor | None = None


def resolve_description(
    description: Description, offices: Offices, recent: Sequence[str], person: Callable[[], str | None]
) -> DescribedActor | None:
    """Return who a description means; `recent` are the actors mentioned so far, `person` whom "his" would mean.

    A description that fits nobody stands for a new actor where it says enough to be told from others, else for none.
    """
    finder = offices.finder
    actor = offices.holder(description, recent)
    if actor is None and description.determiner in {"his", "her"}:
        owner = person()
        actor = finder.government_of(owner) if owner and description.head in {"government", "cabinet"} else None
        if actor is None:
            return None
    if actor is None and description.head == "side" and description.state:
        actor = description.state
    if actor is not None:
        return DescribedActor(FoundMention(description.start, description.end, actor, "description"))
    if description.head == "side" or description.bare:
        return None
    name = canonical_name(description, finder)
    if actor := finder.called(name):
        return DescribedActor(FoundMention(description.start, description.end, actor, "description"))
    if description.kind == "group" or (description.kind == "government" and description.determiner in {"a", "an"}):
        return None  # under six in ten of these were marked (docs/articles.md)
    new = Actor(id=actor_id(name), name=name, kind=description.kind)
    return DescribedActor(FoundMention(description.start, description.end, new.id, "description"), new)


def canonical_name(description: Description, finder: MentionFinder) -> str:
    """Return one name for "Iran's foreign minister" and "the Iranian foreign minister"."""
    name = re.sub(r"^(?:the|an?)\s", "", description.text, flags=re.I)
    owner = re.match(r"((?:[A-Z][\w.-]*\s?)+)['’]s\s", name)
    state = finder.state_of(owner[1].strip()) if owner else finder.state_of(name.split()[0])
    if state is None:
        return name
    rest = name[owner.end() :] if owner else name.partition(" ")[2]
    return f"{finder.adjective_of(state)} {rest}"
