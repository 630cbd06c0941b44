"""Scoring the mentions that a model found: exact spans, and exact spans with the right stance, as in CoNLL-2003's entity F1.

Everything follows from four counts a unit of resampling and seed, in the order of `COUNTS`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from data.errors import InputFaults
from data.records import MAX_FAULTS, read_rows
from data.spans import MarkedSentence, Span, TaggedSentence
from eval.bootstrap import RESAMPLES, estimate, resample_sums
from eval.metrics import Floats, divide
from eval.scores import FEW_UNITS

COUNTS = ("marked", "found", "hits", "stance_hits")
MARKED, FOUND, HITS, STANCE_HITS = range(len(COUNTS))
FOLDER = "mentions"


@dataclass(frozen=True)
class Mentions:
    """A split's sentences with their marks, and what each seed found in them, in the same order."""

    split: str
    sentences: tuple[MarkedSentence, ...]
    found: tuple[tuple[TaggedSentence, ...], ...]

    @property
    def documents(self) -> int:
        """How many documents the sentences come from."""
        return len({sentence.doc_id for sentence in self.sentences})

    @property
    def unit_name(self) -> str:
        """What is resampled: documents, or the sentences of a single document."""
        return "document" if self.documents > 1 else "sentence"

    def counts(self) -> Floats:
        """Count per unit and seed; shape (units, seeds, 4)."""
        keys = [sentence.doc_id if self.documents > 1 else sentence.id for sentence in self.sentences]
        number = {key: index for index, key in enumerate(dict.fromkeys(keys))}
        counts = np.zeros((len(number), len(self.found), len(COUNTS)))
        for seed, tagged in enumerate(self.found):
            for key, sentence, row in zip(keys, self.sentences, tagged, strict=True):
                counts[number[key], seed] += count_spans(sentence.spans, row.spans)
        return counts


def count_spans(marked: Sequence[Span], found: Sequence[Span]) -> tuple[int, int, int, int]:
    """Count a sentence's marks, the spans found in it, those that are marks, and those that have a mark's stance too."""
    gold = {(span.start, span.end): span.stance for span in marked}
    hits = [span for span in found if (span.start, span.end) in gold]
    right = [span for span in hits if span.stance is not None and span.stance == gold[span.start, span.end]]
    return len(gold), len(found), len(hits), len(right)


def precision_of(counts: Floats) -> Floats:
    """Return the share of found spans that are marked."""
    return divide(counts[..., HITS], counts[..., FOUND])


def recall_of(counts: Floats) -> Floats:
    """Return the share of marked spans that are found."""
    return divide(counts[..., HITS], counts[..., MARKED])


def span_f1_of(counts: Floats) -> Floats:
    """Return the F1 of exact spans."""
    return divide(2 * counts[..., HITS], counts[..., MARKED] + counts[..., FOUND])


def stance_f1_of(counts: Floats) -> Floats:
    """Return the F1 of exact spans whose stance is right."""
    return divide(2 * counts[..., STANCE_HITS], counts[..., MARKED] + counts[..., FOUND])


SPAN_METRICS: dict[str, Callable[[Floats], Floats]] = {
    "precision": precision_of,
    "recall": recall_of,
    "f1": span_f1_of,
    "stance_f1": stance_f1_of,
}
"""The metrics of found mentions, by their key in report.json."""


def read_mentions(folder: Path, seeds: Sequence[Path]) -> dict[str, Mentions]:
    """Read what was marked and found in every split of a run folder; nothing where the run did not look for mentions.

    Raises:
        InputFaults: faulty rows, or sentences that a seed has not searched.
    """
    paths = sorted((folder / FOLDER).glob("*.jsonl"))
    return {path.stem: _read_split(path, [seed / FOLDER / path.name for seed in seeds]) for path in paths}


def _read_split(path: Path, found: Sequence[Path]) -> Mentions:
    sentences = tuple(read_rows(path, MarkedSentence))
    return Mentions(path.stem, sentences, tuple(_read_found(each, sentences) for each in found))


def _read_found(path: Path, sentences: Sequence[MarkedSentence]) -> tuple[TaggedSentence, ...]:
    by_id = {row.id: row for row in read_rows(path, TaggedSentence)}
    missing = [sentence.id for sentence in sentences if sentence.id not in by_id]
    extra = sorted(by_id.keys() - {sentence.id for sentence in sentences})
    faults = [f"{path}: sentence {each!r} was not searched" for each in missing[:MAX_FAULTS]]
    faults += [f"{path}: sentence {each!r} is not in the split" for each in extra[:MAX_FAULTS]]
    if faults:
        raise InputFaults(faults)
    return tuple(by_id[sentence.id] for sentence in sentences)


def score_mentions(mentions: Mentions, rng: np.random.Generator, resamples: int = RESAMPLES) -> dict[str, Any]:
    """Return size and metrics of the mentions found in a split, as they stand in report.json."""
    counts = mentions.counts()
    units, seeds = counts.shape[:2]
    resampled = None
    if units > 1:
        resampled = resample_sums(counts.reshape(units, -1), rng, resamples).reshape(-1, seeds, len(COUNTS))
    return {
        "sentences": len(mentions.sentences),
        "documents": mentions.documents,
        "marked": int(counts[:, 0, MARKED].sum()),
        "found": float(counts[..., FOUND].sum(0).mean()),
        "resampled_by": mentions.unit_name,
        "notes": _notes(mentions, units),
        **{name: estimate(counts, metric, resampled).to_json() for name, metric in SPAN_METRICS.items()},
    }


def _notes(mentions: Mentions, units: int) -> list[str]:
    """Say in words what a reader must know before trusting the figures."""
    notes = []
    if all(sentence.spans for sentence in mentions.sentences) and units > 1:
        notes.append("no sentence without a mark: what would be found in such sentences does not count against precision")
    if open_marks := sum(span.stance is None for sentence in mentions.sentences for span in sentence.spans):
        notes.append(f"{open_marks} marks have no stance and count as misses where the stance counts")
    if mentions.documents < FEW_UNITS:
        number = "one document" if mentions.documents == 1 else f"{mentions.documents} documents"
        notes.append(f"{number}, resampled by {mentions.unit_name}: rough intervals")
    return notes
