"""Who "he", "it", "we" and "the minister" are, by recency, number and kind: python data/coreference.py --measure data

The program prints how often each pronoun and kind of description is resolved to an actor that the annotators marked in the
same sentence. Kinds that were right too rarely are switched off (`SWITCHED_ON`).
"""

import argparse
import re
import sys
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

if not __package__:
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from data.descriptions import Offices, entitle, find_descriptions, resolve_description
from data.documents import Document, read_documents
from data.errors import run_command
from data.issue import open_finder
from data.mentions import TITLE, FoundMention, MentionFinder, without_overlaps
from data.persons import discover_persons
from data.registry import Actor
from data.trail import BODIES, REACH, Trail
from data.words import DEEDS, SPEECH

PRONOUNS = {
    "he": "he", "him": "him", "his": "his", "she": "he", "her": "his", "it": "it", "they": "they", "them": "them",
    "we": "we", "us": "we", "i": "i", "me": "i", "our": "our", "my": "my", "its": "its", "their": "their",
}  # fmt: skip
"""Pronouns and the family whose rule resolves them."""

SWITCHED_ON = frozenset({"description", "he", "it", "they", "we", "i"})
"""Families of pronouns, and the descriptions, that the measurement speaks for; docs/articles.md has the figures."""

_PRONOUN = re.compile(r"(?<![\w’'-])(?!US\b)(?:" + "|".join(PRONOUNS) + r")(?![\w-])", re.I)
_ACTS = re.compile(
    r"\s(?:also\s|would\s|will\s|had\s|has\s|did not\s|does not\s|is\s|was\s)?"
    rf"(?:{SPEECH}|{DEEDS}|see|sees|saw|accept|oppose|would|will|could|had|has|does|did)\b"
)
_EXPLETIVE = re.compile(
    r"\s(?:is|was|would be|will be|may be|might be|has been|had been|takes|took|seems|seemed|appears|appeared|remains)\b"
    r"(?!\s(?:ready|willing|prepared|open|opposed|seeking|considering|concerned|developing))"
)
_SAID_AFTER = re.compile(rf"(?:,? [\w ,-]{{0,60}})?\s(?:has |had |also |later )?(?:{SPEECH})\b")
_INVERTED = re.compile(rf"[\"”],?\s(?:{SPEECH})\s(?:the\s)?$")
_SAID_BEFORE = re.compile(rf"\b(?:{SPEECH})\s(?:the\s)?$")
_OWN_WORDS = re.compile(rf"(?:\b(?:{SPEECH}|saying|hoped|hopes|believes|believed|thinks|feared|fears)(?: that)?|\bwhat|\bwhich)\s$")
_SAYS_OR_DOES = re.compile(rf"\b(?:{SPEECH}|{DEEDS})\b")
QUOTES = re.compile(r"[\"“”]")
_OPENS_QUOTE = re.compile(r"“|(?<![^\s(\[—–-])\"(?=\S)")


Span = tuple[int, int]


@dataclass(frozen=True)
class Resolved:
    """The mentions of every sentence, and the actors that a document adds to the registry."""

    mentions: list[list[FoundMention]]
    new_actors: dict[str, Actor]


def find_mentions(
    sentences: Sequence[str], finder: MentionFinder, families: frozenset[str] = SWITCHED_ON, paragraphs: Sequence[int] | None = None
) -> Resolved:
    """Return all mentions of a document's sentences: names, descriptions and pronouns; `paragraphs` says in which each stands."""
    persons = discover_persons(sentences, finder.knows)
    local = finder.with_actors(persons)
    names = [local.find(sentence) for sentence in sentences]
    new = {actor.id: actor for actor in persons if actor.id not in finder.registry}
    return resolve(sentences, names, local, families, new, paragraphs)


def resolve(
    sentences: Sequence[str],
    names: Sequence[Sequence[FoundMention]],
    finder: MentionFinder,
    families: frozenset[str] = SWITCHED_ON,
    new_actors: dict[str, Actor] | None = None,
    paragraphs: Sequence[int] | None = None,
) -> Resolved:
    """Add descriptions and pronouns to the names that were found in the sentences of a document."""
    offices = Offices(finder)
    names = [entitle(sentence, own, finder) for sentence, own in zip(sentences, names, strict=True)]
    offices.learn(names)
    trail, new, found = Trail(finder), dict(new_actors or {}), []
    quotes = quoted_spans(sentences, paragraphs or [1] * len(sentences))
    for index, sentence in enumerate(sentences):
        described = _descriptions(sentence, index, offices, trail, names[index], new) if "description" in families else []
        mentions = without_overlaps([*described, *names[index]])
        found.append(_pronouns(sentence, index, mentions, quotes[index], trail, families))
    return Resolved(found, new)


def _descriptions(
    sentence: str, index: int, offices: Offices, trail: Trail, names: Sequence[FoundMention], new: dict[str, Actor]
) -> list[FoundMention]:
    found = []
    for description in find_descriptions(sentence, offices.finder):
        before = [each for each in names if each.end <= description.start]
        recent = [each.actor for _, each in trail.mentions] + [each.actor for each in before]
        own = [each.actor for each in before if offices.finder.kind(each.actor) == "person"]
        described = resolve_description(
            description,
            offices,
            recent,
            lambda own=own: own[-1] if own else trail.nearest(index, {"person"}),  # type: ignore[misc]
        )
        if described is None:
            continue
        if described.new:
            new.setdefault(described.new.id, described.new)
        found.append(described.mention)
    return found


def _pronouns(
    sentence: str, index: int, mentions: list[FoundMention], quoted: Sequence[Span], trail: Trail, families: frozenset[str]
) -> list[FoundMention]:
    """Read a sentence from left to right, what stands outside quotation marks first, and resolve its pronouns."""
    found: list[FoundMention] = []
    first_person: list[re.Match[str]] = []
    events: list[tuple[int, FoundMention | re.Match[str]]] = [(each.start, each) for each in mentions]
    events += [(match.start(), match) for match in _PRONOUN.finditer(sentence) if not _covered(match, mentions)]
    for _, event in sorted(events, key=lambda each: each[0]):
        if isinstance(event, FoundMention):
            trail.note(index, event)
            found.append(event)
            continue
        family = PRONOUNS[event.group().lower()]
        if family in {"we", "i", "our", "my"}:
            first_person.append(event)
        elif family in families and (actor := _third_person(event, family, sentence, index, trail)):
            found.append(FoundMention(event.start(), event.end(), actor, "pronoun"))
            trail.note(index, found[-1])
    speaker = _speaker(sentence, found, quoted)
    if speaker or not quoted or _SAYS_OR_DOES.search(_outside(sentence, quoted)):  # an unknown speaker is not the one before
        trail.speaker, trail.speaker_sentence = speaker, index
    if quoted and trail.speaker and index - trail.speaker_sentence <= REACH:
        found += _first_person(first_person, quoted, trail, families)
        trail.speaker_sentence = index
    return sorted(found, key=lambda each: each.start)


def _third_person(match: re.Match[str], family: str, sentence: str, index: int, trail: Trail) -> str | None:
    word = match.group().lower()
    if family in {"he", "him", "his"}:
        sex = "she" if word in {"she", "her"} else "he"
        actor = trail.nearest(index, {"person"}, sex=sex)
        if actor and family == "he":
            trail.sexes.setdefault(actor, sex)
        return actor
    kinds = {"group", "public"} if family in {"they", "them", "their"} else BODIES
    if family in {"its", "their", "them"}:
        return trail.nearest(index, kinds)
    return _subject_pronoun(match, sentence, index, trail, kinds)


def _subject_pronoun(match: re.Match[str], sentence: str, index: int, trail: Trail, kinds: frozenset[str] | set[str]) -> str | None:
    """Resolve "it" or "they" where they act: at the head of a sentence, or in what the sentence's own subject says."""
    before, after = sentence[: match.start()], sentence[match.end() :]
    if _EXPLETIVE.match(after) or not _ACTS.match(after):
        return None
    if not before.strip(' "“”'):
        return trail.subject(index - 1, kinds)
    return trail.subject(index, kinds) if _OWN_WORDS.search(before) else None


def _first_person(matches: Sequence[re.Match[str]], quoted: Sequence[Span], trail: Trail, families: frozenset[str]) -> list[FoundMention]:
    speaker = trail.speaker or ""
    found = []
    for match in matches:
        family = PRONOUNS[match.group().lower()]
        if family not in families or not any(start <= match.start() < end for start, end in quoted):
            continue
        person = trail.finder.kind(speaker) in {"person", None}
        actor = trail.body_of(speaker) if family in {"we", "our"} else (speaker if person else None)
        if actor:
            found.append(FoundMention(match.start(), match.end(), actor, "pronoun"))
    return found


def _speaker(sentence: str, mentions: Sequence[FoundMention], quoted: Sequence[Span]) -> str | None:
    """Return who says what a sentence quotes: the mention beside a verb of speech, outside the quotation marks."""
    outside = [each for each in mentions if not any(start <= each.start < end for start, end in quoted)]
    for mention in outside:
        if _INVERTED.search(sentence[: mention.start]):
            return mention.actor
    for mention in outside:
        if not _SAID_BEFORE.search(sentence[: mention.start]) and _SAID_AFTER.match(sentence[mention.end :]):
            return mention.actor
    return None


def quoted_spans(sentences: Sequence[str], paragraphs: Sequence[int]) -> list[list[Span]]:
    """Return what is quoted in each sentence; a quotation goes on over sentences until it is closed or its paragraph ends."""
    found: list[list[Span]] = []
    opened, paragraph = False, None
    for sentence, own in zip(sentences, paragraphs, strict=True):
        opened, paragraph = opened and own == paragraph, own
        spans, start = [], 0
        for mark in QUOTES.finditer(sentence):
            if _OPENS_QUOTE.match(sentence, mark.start()):  # some open anew what is still open
                opened, start = True, start if opened else mark.start()
            elif opened:
                opened = False
                spans.append((start, mark.start()))
        found.append([*spans, (start, len(sentence))] if opened else spans)
    return found


def _outside(sentence: str, quoted: Sequence[Span]) -> str:
    """Return what stands outside the quotation marks."""
    starts, ends = [0, *(end for _, end in quoted)], [*(start for start, _ in quoted), len(sentence)]
    return " ".join(sentence[start:end] for start, end in zip(starts, ends, strict=True))


def _covered(match: re.Match[str], mentions: Sequence[FoundMention]) -> bool:
    return any(each.start <= match.start() < each.end for each in mentions)


@dataclass
class Tally:
    """What became of a family's pronouns.

    `marked` were annotated, `found` of them were resolved to the annotated actor, `resolved` is how many were resolved at all,
    annotated or not. `added` counts those that bring an actor whom the sentence does not name, `right` those of them where
    the annotators have this actor in the sentence.
    """

    marked: int = 0
    found: int = 0
    resolved: int = 0
    added: int = 0
    right: int = 0


def measure(documents: Sequence[Document], finder: MentionFinder) -> dict[str, Tally]:
    """Resolve the pronouns of annotated documents, given their marked names and descriptions, and count by pronoun family."""
    tallies: dict[str, Tally] = defaultdict(Tally)
    everything = frozenset(PRONOUNS.values())
    for document in documents:
        texts = [sentence.text for sentence in document.sentences]
        names = [_marked_names(sentence.marked.mentions) for sentence in document.sentences]
        paragraphs = [sentence.paragraph for sentence in document.sentences]
        found = resolve(texts, names, finder, everything, paragraphs=paragraphs).mentions
        for sentence, mentions in zip(document.sentences, found, strict=True):
            spans = {(each.start, each.end): each.actor for each in sentence.marked.mentions}
            labelled = {each.actor for each in sentence.marked.mentions}
            named = {each.actor for each in mentions if each.how == "name"}
            for (start, end), _ in spans.items():
                if sentence.text[start:end].lower() in PRONOUNS and sentence.text[start:end] != "US":
                    tallies[PRONOUNS[sentence.text[start:end].lower()]].marked += 1
            for mention in mentions:
                if mention.how == "pronoun":
                    tally = tallies[PRONOUNS[sentence.text[mention.start : mention.end].lower()]]
                    tally.resolved += 1
                    tally.found += spans.get((mention.start, mention.end)) == mention.actor
                    tally.added += mention.actor not in named
                    tally.right += mention.actor not in named and mention.actor in labelled
    return dict(tallies)


def _marked_names(mentions: Iterable[object]) -> list[FoundMention]:
    names = []
    for mention in mentions:
        text, start, end, actor = mention.text, mention.start, mention.end, mention.actor  # type: ignore[attr-defined]
        if text.lower() not in PRONOUNS or text == "US":
            title = re.match(TITLE, text)
            names.append(FoundMention(start, end, actor, "name", title.group().strip() if title else ""))
    return names


def main() -> None:
    """Measure the pronoun step on a corpus folder and print a line a family."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False)
    parser.add_argument("--measure", type=Path, required=True, metavar="FOLDER", help="corpus folder (corpus/, actors.yaml)")
    folder = parser.parse_args().measure
    finder = open_finder(folder)
    documents = [each for each in read_documents(folder / "corpus") if each.meta.origin != "seed" and not each.open_lines]
    print(f"pronouns of {len(documents)} documents, marked names given")
    print(f"{'family':8} {'marked':>6} {'found':>6} {'resolved':>8} {'added':>6} {'precision':>9}  on")
    for family, tally in sorted(measure(documents, finder).items()):
        precision = tally.right / max(1, tally.added)
        on = "yes" if family in SWITCHED_ON else "no"
        print(f"{family:8} {tally.marked:6} {tally.found:6} {tally.resolved:8} {tally.added:6} {precision:9.2f}  {on}")


if __name__ == "__main__":
    run_command(main)
