"""Training and scoring of models that also find mentions: the loss over both groups of labels, and what is written of a run."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn.functional import cross_entropy

from data.files import write_jsonl
from data.records import STANCES, Example
from data.spans import MarkedSentence, Span, TaggedSentence, marked_sentences, sentences_of, span_examples
from eval.behaviour.cases import BEHAVIOUR
from train.config import RunConfig
from train.sources import Source
from train.tagging import DETECTING_LABELS, Offsets
from train.windows import IGNORED, Window

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


@dataclass(frozen=True)
class DetectingLoss:
    """Cross-entropy of each label over the logits of its own group: a stance's over three, a tag's over the other three.

    There are ten words to a mention, so a word's loss is scaled down until both groups weigh the same over the training windows.

    Attributes:
        weights: of the stances, shape (3,).
        smoothing: probability mass moved from the gold stance to the others.
        tag_weight: of a word, against 1 for a stance.
        mean_weight: over all labels of the training windows.
    """

    weights: torch.Tensor
    smoothing: float
    tag_weight: float
    mean_weight: float

    def __call__(self, outputs: Any, labels: torch.Tensor, num_items_in_batch: Any = None) -> torch.Tensor:
        """Return the loss a label, over those of the step, or of the batch if their number is not given."""
        logits = outputs["logits"].float().reshape(-1, len(DETECTING_LABELS))
        labels = labels.reshape(-1)
        is_tag = labels >= len(STANCES)
        stances, tags = labels.masked_fill(is_tag, IGNORED), (labels - len(STANCES)).masked_fill(~is_tag, IGNORED)
        summed: Any = {"ignore_index": IGNORED, "reduction": "sum"}
        weights = self.weights.to(logits.device)
        loss: torch.Tensor = cross_entropy(logits[:, : len(STANCES)], stances, weights, label_smoothing=self.smoothing, **summed)
        loss += self.tag_weight * cross_entropy(logits[:, len(STANCES) :], tags, **summed)
        total: Any = num_items_in_batch
        if total is None or not torch.is_grad_enabled():  # the mix of labels is that of the training windows only
            total = ((stances != IGNORED).sum() + self.tag_weight * is_tag.sum()) / self.mean_weight
        mean: torch.Tensor = loss / (total * self.mean_weight)
        return mean


def detecting_loss(weights: torch.Tensor, smoothing: float, windows: Sequence[Window]) -> DetectingLoss:
    """Return the loss that lets the stances and the tags of the training windows weigh the same."""
    labels = np.concatenate([np.atleast_1d(window.labels) for window in windows])
    stances, tags = int(((labels >= 0) & (labels < len(STANCES))).sum()), int((labels >= len(STANCES)).sum())
    tag_weight = stances / max(1, tags)
    return DetectingLoss(weights, smoothing, tag_weight, (stances + tag_weight * tags) / max(1, stances + tags))


def choose_labels(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Return the likeliest label of the group that each gold label is of, from logits of shape (..., 3 or 6)."""
    stances = logits[..., : len(STANCES)].argmax(dim=-1)
    if logits.shape[-1] == len(STANCES):
        return stances
    return torch.where(labels >= len(STANCES), logits[..., len(STANCES) :].argmax(dim=-1) + len(STANCES), stances)


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
