"""Windows as the Trainer takes them, all versions of the training data one after the other."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from datasets import Dataset, concatenate_datasets

from data.records import Example
from train.windows import Window


def to_dataset(windows: Sequence[Window]) -> Dataset:
    """Return the windows as a dataset the Trainer takes, with lengths for grouping."""
    return Dataset.from_dict(
        {
            "input_ids": [window.input_ids for window in windows],
            "labels": [window.labels for window in windows],
            "length": [len(window.input_ids) for window in windows],
        }
    )


@dataclass(frozen=True)
class TrainingData:
    """The training windows of all versions, one version after the other.

    Attributes:
        windows: as the Trainer takes them.
        examples: of each window the ids of the examples that are read off it.
        versions: how many windows each version has.
    """

    windows: Dataset
    examples: Sequence[tuple[str, ...]]
    versions: Sequence[int]

    def labels(self) -> np.ndarray:
        """Return the labels of all windows, shape (n,)."""
        return np.concatenate([np.atleast_1d(labels) for labels in self.windows["labels"]])


def encode_versions(versions: Iterable[Sequence[Example]], encode: Callable[[Sequence[Example]], list[Window]]) -> TrainingData:
    """Encode one version after the other, so that rows and windows of a single one are in memory at a time."""
    parts: list[Dataset] = []
    examples: list[tuple[str, ...]] = []
    for rows in versions:
        windows = encode(rows)
        parts.append(to_dataset(windows))
        examples += [tuple(rows[index].id for index in window.examples) for window in windows]
    return TrainingData(concatenate_datasets(parts), examples, [len(part) for part in parts])
