"""A scored split in arrays: the items with their gold labels, and what a system says of them in each seed."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from data.items import Item
from data.records import STANCE_ID, STANCES, Prediction
from eval.calibration import Calibration
from eval.metrics import CLASSES, Floats, Ints, unit_confusions


@dataclass(frozen=True)
class Split:
    """The labelled items of a split, and the ids of those left out because nobody labelled them."""

    name: str
    items: tuple[Item, ...]
    unlabelled: frozenset[str] = frozenset()

    @cached_property
    def ids(self) -> tuple[str, ...]:
        """The ids in the order of the items."""
        return tuple(item.id for item in self.items)

    @cached_property
    def gold(self) -> Ints:
        """Gold class ids, shape (n,)."""
        return np.array([STANCE_ID[item.stance or ""] for item in self.items], dtype=np.int64)

    @cached_property
    def documents(self) -> int:
        """How many documents the items come from."""
        return len({item.doc_id for item in self.items})

    @property
    def unit_name(self) -> str:
        """What is resampled: documents, or the sentences of a single document."""
        return "document" if self.documents > 1 else "sentence"

    @cached_property
    def sentences(self) -> tuple[tuple[str, int], ...]:
        """The (document, sentence) of each item."""
        return tuple((item.doc_id, item.sent_id) for item in self.items)

    @cached_property
    def units(self) -> Ints:
        """The unit of resampling of each item, shape (n,), numbered from 0."""
        keys = [item.doc_id for item in self.items] if self.documents > 1 else list(self.sentences)
        number = {key: index for index, key in enumerate(dict.fromkeys(keys))}
        return np.array([number[key] for key in keys], dtype=np.int64)

    @property
    def unit_count(self) -> int:
        """How many units there are to resample."""
        return int(self.units.max()) + 1

    def keep(self, ids: Sequence[str]) -> "Split":
        """Return the split with only the items of these ids, in their order."""
        by_id = {item.id: item for item in self.items}
        return Split(self.name, tuple(by_id[each] for each in ids), self.unlabelled)


@dataclass(frozen=True)
class System:
    """What a system says of a split's items, a row a seed.

    Attributes:
        name: run name, baseline kind or file stem.
        ids: the items, in the order of the columns.
        seeds: one number a row; (0,) for deterministic systems.
        pred: class ids, shape (seeds, n).
        probs: raw probabilities, shape (seeds, n, 3); None where a file holds labels only.
        calibrations: one a seed, fitted on dev; empty where there are none.
    """

    name: str
    ids: tuple[str, ...]
    seeds: tuple[int, ...]
    pred: Ints
    probs: Floats | None
    calibrations: tuple[Calibration, ...] = ()

    @cached_property
    def calibrated(self) -> Floats | None:
        """Probabilities after temperature scaling, shape (seeds, n, 3); the raw ones without a calibration."""
        if self.probs is None or not self.calibrations:
            return self.probs
        return np.stack([each.apply(probs) for each, probs in zip(self.calibrations, self.probs, strict=True)])

    @cached_property
    def mean_probs(self) -> Floats:
        """Calibrated probabilities averaged over seeds, shape (n, 3); shares of votes where there are no probabilities."""
        return self.votes / len(self.seeds) if self.calibrated is None else np.asarray(self.calibrated.mean(0))

    @cached_property
    def votes(self) -> Floats:
        """How many seeds chose each class, shape (n, 3)."""
        return np.asarray((self.pred[:, :, None] == np.arange(CLASSES)).sum(0), dtype=np.float64)

    @cached_property
    def vote(self) -> Ints:
        """The class most seeds chose, shape (n,); ties go to the higher mean probability."""
        return np.asarray((self.votes + 0.5 * self.mean_probs).argmax(-1), dtype=np.int64)

    def confusions(self, split: Split) -> Floats:
        """Count confusions per unit of resampling and seed, shape (units, seeds, 3, 3)."""
        return unit_confusions(split.units, split.gold, self.pred, split.unit_count)

    def keep(self, ids: Sequence[str]) -> "System":
        """Return the system with only the predictions of these ids, in their order."""
        column = {each: index for index, each in enumerate(self.ids)}
        columns = np.array([column[each] for each in ids], dtype=np.int64)
        probs = None if self.probs is None else self.probs[:, columns]
        return replace(self, ids=tuple(ids), pred=self.pred[:, columns], probs=probs)


def stack_predictions(name: str, rows_by_seed: dict[int, list[Prediction]], calibrations: Sequence[Calibration] = ()) -> System:
    """Put the predictions of all seeds, rows in the same order, into arrays."""
    seeds = tuple(rows_by_seed)
    ids = tuple(row.id for row in rows_by_seed[seeds[0]])
    pred = np.array([[STANCE_ID[row.pred] for row in rows] for rows in rows_by_seed.values()], dtype=np.int64)
    probs = np.array([[(row.probs.against, row.probs.neutral, row.probs.favor) for row in rows] for rows in rows_by_seed.values()])
    return System(name, ids, seeds, pred, probs / probs.sum(-1, keepdims=True), tuple(calibrations))


def stance_name(index: int | np.int64) -> str:
    """Return the stance of a class id."""
    return STANCES[int(index)]
