"""Training and scoring of models that also find mentions: what they learn from, and what is written of a run."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from data.files import write_jsonl
from data.records import STANCES, Example
from data.spans import MarkedSentence, Span, TaggedSentence, marked_sentences, sentences_of, span_examples
from eval.behaviour.cases import BEHAVIOUR
from train.settings import RunConfig
from train.sources import Source
from train.tagging import Offsets

Detect = Callable[[Sequence[MarkedSentence]], list[list[Offsets]]]
Predict = Callable[[Sequence[Example]], np.ndarray]
Searched = Iterator[tuple[str, list[MarkedSentence]]]
"""The sentences of each split."""


@dataclass(frozen=True)
class Marked:
    """Sentences with all their marks: those that are learned, and those by which a checkpoint is chosen."""

    train: Sequence[MarkedSentence] = ()
    dev: Sequence[MarkedSentence] = ()


NOTHING_MARKED = Marked()


def marked_sentences_of(config: RunConfig, source: Source, splits: Mapping[str, Sequence[Example]]) -> Marked:
    """Return every sentence of the documents that the rows to learn from come from, those that name nobody among them."""
    if not config.model.detect_actors:
        return NOTHING_MARKED

    def sentences(rows: Sequence[Example]) -> list[MarkedSentence]:
        documents = dict.fromkeys(row.doc_id for row in rows)
        return [each for doc_id in documents for each in marked_sentences(source.by_id[doc_id], config.data.context_sentences)]

    return Marked(sentences(splits["train"]), sentences(splits["dev"]))


def sentences_to_search(source: Source, splits: Mapping[str, Sequence[Example]], context: int) -> Searched:
    """Yield the sentences of every split that is scored; those of a file of rows are the sentences of its rows."""
    for name, rows in splits.items():
        if name in source.splits and name != "train":
            documents = [source.by_id[doc_id] for doc_id in source.splits[name]]
            yield name, [sentence for document in documents for sentence in marked_sentences(document, context)]
        elif name not in {"train", BEHAVIOUR}:
            yield name, list(sentences_of(rows))


def write_marks(folder: Path, source: Source, splits: Mapping[str, Sequence[Example]], context: int) -> None:
    """Write into a run folder what is to be found in every split."""
    for name, sentences in sentences_to_search(source, splits, context):
        write_jsonl(folder / "mentions" / f"{name}.jsonl", (sentence.model_dump() for sentence in sentences))


def write_found(folder: Path, searched: Searched, detect: Detect, predict: Predict) -> None:
    """Write into a seed's folder what is found in every split, with the stance read at each found mention."""
    for name, sentences in searched:
        found = detect(sentences)
        write_jsonl(folder / "mentions" / f"{name}.jsonl", (row.model_dump() for row in with_stances(sentences, found, predict)))


def with_stances(sentences: Sequence[MarkedSentence], found: Sequence[Sequence[Offsets]], predict: Predict) -> Iterator[TaggedSentence]:
    """Yield the found spans of each sentence with their stances; `predict` gives probabilities of shape (n, 3)."""
    rows = [row for sentence, spans in zip(sentences, found, strict=True) for row in span_examples(sentence, spans)]
    stances = iter([STANCES[index] for index in predict(rows).argmax(axis=1)] if rows else [])
    for sentence, spans in zip(sentences, found, strict=True):
        tagged = tuple(Span(start=start, end=end, stance=next(stances)) for start, end in spans)
        yield TaggedSentence(id=sentence.id, doc_id=sentence.doc_id, spans=tagged)
