"""What has been mentioned so far in a document, and which of it a pronoun can mean."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from data.mentions import FoundMention, MentionFinder
from data.words import FEMALE_TITLES, MALE_TITLES

BODIES = frozenset({"state", "government", "organisation", "party"})
REACH = 3
"""How many sentences back a pronoun may look for its actor."""
OPENING = 3
"""Characters before a mention that still opens its sentence (a quotation mark, a dash)."""


@dataclass
class Trail:
    """The actors of a document in the order of their mentions, as far as it has been read."""

    finder: MentionFinder
    mentions: list[tuple[int, FoundMention]] = field(default_factory=list)
    by_sentence: defaultdict[int, list[FoundMention]] = field(default_factory=lambda: defaultdict(list))
    sexes: dict[str, str] = field(default_factory=dict)
    speaker: str | None = None
    speaker_sentence: int = -9
    bodies: dict[str, str] = field(default_factory=dict)

    def note(self, index: int, mention: FoundMention) -> None:
        """Add a mention; a title may tell the person's sex and state."""
        self.mentions.append((index, mention))
        self.by_sentence[index].append(mention)
        words = mention.title.split()
        if words and words[-1] in MALE_TITLES | FEMALE_TITLES:
            self.sexes[mention.actor] = "he" if words[-1] in MALE_TITLES else "she"
        for word in words:
            if state := self.finder.states.get(word):
                self.bodies.setdefault(mention.actor, state)

    def nearest(self, index: int, kinds: Iterable[str], *, sex: str | None = None) -> str | None:
        """Return the actor that a pronoun at the end of the trail means.

        In its own sentence that is the last mention of a fitting kind, in those before it the first, which mostly is the subject.
        """
        wanted = set(kinds)
        for back in range(REACH + 1):
            fitting = [
                each.actor
                for each in self.by_sentence.get(index - back, ())
                if (self.finder.kind(each.actor) or "person") in wanted and (sex is None or self.sexes.get(each.actor, sex) == sex)
            ]
            if fitting:
                return fitting[0] if back else fitting[-1]
        return None

    def subject(self, index: int, kinds: Iterable[str]) -> str | None:
        """Return the actor that opens a sentence, if it is of a fitting kind."""
        first = min(self.by_sentence.get(index, ()), key=lambda each: each.start, default=None)
        fits = first is not None and first.start <= OPENING and (self.finder.kind(first.actor) or "person") in set(kinds)
        return first.actor if first and fits else None

    def body_of(self, speaker: str) -> str | None:
        """Return for whom a speaker says "we": the state above a person, or the speaking body itself."""
        if self.finder.kind(speaker) not in {"person", None}:
            return speaker
        return self.finder.state_above(speaker) or self.bodies.get(speaker)
