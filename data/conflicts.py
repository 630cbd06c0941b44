"""Several annotators of the same documents: where they differ, how far they agree, and one document made of them.

Annotators mark for themselves, so they may differ in who is marked, too; `data/agreement.py` compares annotations of the same marks.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise

from data.agreement import Agreement, Judgement, measure
from data.documents import Document, Sentence
from data.labelling import UNMARKED, Annotation, corpus_marks
from data.markup import Mention
from data.records import Stance

Key = tuple[str, int, str]
"""Document, sentence number and actor: what one label is about."""
Decisions = Mapping[Key, Stance | None]
"""What an adjudicator decided; None takes the mark away."""

ADJUDICATED = "adjudicated"


@dataclass(frozen=True)
class Conflict:
    """Annotators that differ about one actor of one sentence; `answers` are their stances, `none` for no mark."""

    document: Document
    sentence: Sentence
    mention: Mention
    answers: tuple[tuple[str, str], ...]
    remark: str = ""

    @property
    def key(self) -> Key:
        """What the conflict is about."""
        return self.document.meta.id, self.sentence.sent_id, self.mention.actor

    def __str__(self) -> str:
        answers = ", ".join(f"{annotator} {answer}" for annotator, answer in self.answers)
        remark = f" ({self.remark})" if self.remark else ""
        return f"{self.document.path}:{self.sentence.line}: {self.mention.actor}: {answers}{remark}"


@dataclass(frozen=True)
class Merged:
    """One document made of all its annotations; it is complete when no conflict is left."""

    document: Document
    annotators: tuple[str, ...]
    marks: Mapping[int, tuple[Mention, ...]]
    conflicts: tuple[Conflict, ...]
    adjudicated: bool

    @property
    def changed(self) -> bool:
        """Whether the marks differ from those that the corpus has."""
        return dict(self.marks) != corpus_marks(self.document)


@dataclass(frozen=True)
class Pair:
    """Two annotators over the documents that both labelled: agreement on the stance of shared marks, and how many are shared."""

    names: tuple[str, str]
    documents: int
    shared: int
    either: int
    agreement: Agreement | None


def merge(annotations: Sequence[Annotation], decisions: Decisions) -> list[Merged]:
    """Make one document of the annotations of each."""
    groups: dict[str, list[Annotation]] = {}
    for annotation in annotations:
        groups.setdefault(annotation.document.meta.id, []).append(annotation)
    return [_merge_document(group, decisions) for _, group in sorted(groups.items())]


def _merge_document(group: Sequence[Annotation], decisions: Decisions) -> Merged:
    document, names = group[0].document, tuple(annotation.annotator for annotation in group)
    marks: dict[int, tuple[Mention, ...]] = {}
    conflicts: list[Conflict] = []
    for sentence in document.sentences:
        by_name = {annotation.annotator: annotation.marks.get(sentence.sent_id, ()) for annotation in group}
        chosen, differing = _merge_sentence(document, sentence, by_name, decisions)
        conflicts += differing
        if chosen:
            marks[sentence.sent_id] = chosen
    adjudicated = any(doc_id == document.meta.id for doc_id, _, _ in decisions)
    return Merged(document, names, marks, tuple(conflicts), adjudicated)


def _merge_sentence(
    document: Document, sentence: Sentence, by_name: Mapping[str, Sequence[Mention]], decisions: Decisions
) -> tuple[tuple[Mention, ...], list[Conflict]]:
    labelled: list[Mention] = []
    conflicts: list[Conflict] = []
    answers = _answers(by_name)
    for actor, given in answers.items():
        mention = _common_span([m for marks in by_name.values() for m in marks if m.actor == actor and m.stance])
        stances = {answer for _, answer in given}
        key = (document.meta.id, sentence.sent_id, actor)
        if len(stances) > 1 and key not in decisions:
            conflicts.append(Conflict(document, sentence, mention, given))
            continue
        stance = decisions.get(key, mention.stance)
        if stance:
            labelled.append(Mention(mention.start, mention.end, mention.text, actor, stance))
    labelled.sort(key=lambda mention: mention.start)
    for first, second in pairwise(labelled):
        if second.start < first.end:
            for one, other in ((first, second), (second, first)):
                conflicts.append(Conflict(document, sentence, one, answers[one.actor], f"overlaps {other.text!r}: only one can stay"))
    return _with_further(labelled, by_name), conflicts


def _answers(by_name: Mapping[str, Sequence[Mention]]) -> dict[str, tuple[tuple[str, str], ...]]:
    stances = {name: {m.actor: str(m.stance) for m in marks if m.stance} for name, marks in by_name.items()}
    actors = dict.fromkeys(m.actor for marks in by_name.values() for m in sorted(marks, key=lambda m: m.start) if m.stance)
    return {actor: tuple((name, stances[name].get(actor, UNMARKED)) for name in by_name) for actor in actors}


def _common_span(mentions: Sequence[Mention]) -> Mention:
    """Return the mention whose span most annotators chose, the first annotator's among equals."""
    (start, end), _ = Counter((mention.start, mention.end) for mention in mentions).most_common(1)[0]
    return next(mention for mention in mentions if (mention.start, mention.end) == (start, end))


def _with_further(labelled: Sequence[Mention], by_name: Mapping[str, Sequence[Mention]]) -> tuple[Mention, ...]:
    """Add the further mentions that at least half of the annotators marked and that overlap nothing."""
    marks, actors = list(labelled), {mention.actor for mention in labelled}
    votes = Counter(mention for mentions in by_name.values() for mention in mentions if not mention.stance)
    for mention, count in votes.most_common():
        free = all(mention.end <= other.start or other.end <= mention.start for other in marks)
        if free and mention.actor in actors and 2 * count >= len(by_name):
            marks.append(mention)
    return tuple(sorted(marks, key=lambda mention: mention.start))


def compare_annotators(annotations: Sequence[Annotation]) -> list[Pair]:
    """Measure the agreement of every two annotators that share documents."""
    by_name: dict[str, dict[str, Annotation]] = {}
    for annotation in annotations:
        by_name.setdefault(annotation.annotator, {})[annotation.document.meta.id] = annotation
    pairs = []
    for first, second in combinations(sorted(by_name), 2):
        common = sorted(by_name[first].keys() & by_name[second].keys())
        if common:
            pairs.append(_compare((first, second), [(by_name[first][doc], by_name[second][doc]) for doc in common]))
    return pairs


def _compare(names: tuple[str, str], twins: Sequence[tuple[Annotation, Annotation]]) -> Pair:
    judgements: list[Judgement] = []
    either = 0
    for first, second in twins:
        for sentence in first.document.sentences:
            one, other = _stances(first, sentence), _stances(second, sentence)
            either += len(one.keys() | other.keys())
            judgements += [
                Judgement(first.document, sentence.line, actor, sentence.marked.phenomena, one[actor], other[actor])
                for actor in one
                if actor in other
            ]
    return Pair(names, len(twins), len(judgements), either, measure(judgements) if judgements else None)


def _stances(annotation: Annotation, sentence: Sentence) -> dict[str, str]:
    return {mention.actor: str(mention.stance) for mention in annotation.marks.get(sentence.sent_id, ()) if mention.stance}


def describe_pairs(pairs: Sequence[Pair]) -> Iterator[str]:
    """Put the agreement of each pair into a line."""
    for pair in pairs:
        line = f"{' / '.join(pair.names)}: {pair.documents} documents, {pair.shared} of {pair.either} actors marked by both"
        if pair.agreement:
            alpha, kappa = (f"{v:.3f}" if v is not None else "-" for v in (pair.agreement.alpha, pair.agreement.kappa))
            line += f"; same stance {pair.agreement.same:.3f}, alpha (interval) {alpha}, kappa {kappa}"
        yield line
