"""What is known of a public set - its origin, licence and labels - and its rows divided into splits.

The sets are not part of the project; each is read from a folder that the user downloaded from its authors.
"""

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path

import numpy as np

from data.documents import Document
from data.errors import InputError, nearest
from data.records import Example, Stance
from data.registry import Registry

DIVISION_SEED = 1
"""Decides which training documents a set without a development split of its own gives up; the same in every run."""

Splits = dict[str, list[Example]]


@dataclass(frozen=True)
class PublicSet:
    """A public set and how it becomes example rows.

    Attributes:
        name: as in the config's data.source.
        title: what its authors call it.
        url: where it is to be had.
        licence: under which terms.
        labels: the set's own labels and the stances they are read as.
        read: turns a folder of the set into example rows by split; train among them.
    """

    name: str
    title: str
    url: str
    licence: str
    labels: Mapping[str, Stance]
    read: Callable[[Path], Splits]

    @property
    def variable(self) -> str:
        """The environment variable that may hold the set's folder."""
        return f"{self.name.upper()}_PATH"

    @property
    def origin(self) -> str:
        """Where the set is to be had and how its folder is given, for error messages."""
        given = f"give its folder as --data.path or in {self.variable}"
        return f"{self.title} is to be had at {self.url} ({self.licence}); {given}"

    def stance(self, label: str) -> Stance:
        """Translate a label.

        Raises:
            ValueError: the set has no such label.
        """
        if label not in self.labels:
            raise ValueError(f"label {label!r} is not one of {', '.join(self.labels)}{nearest(label, self.labels)}")
        return self.labels[label]

    def folder(self, path: str | None) -> Path:
        """Return the set's folder as the config or the environment gives it.

        Raises:
            InputError: given nowhere, or no such folder.
        """
        given = path or os.environ.get(self.variable)
        if not given:
            raise InputError(f"data.path: not set; {self.origin}")
        if not Path(given).is_dir():
            raise InputError(f"{given}: no such folder; {self.origin}")
        return Path(given)

    def locate(self, folder: Path, *places: str) -> Path | None:
        """Return the first of some places in a folder where a file lies."""
        return next((folder / place for place in places if (folder / place).is_file()), None)

    def require(self, folder: Path, *places: str) -> Path:
        """Return the first of some places in a folder where a file lies.

        Raises:
            InputError: none of them has one.
        """
        found = self.locate(folder, *places)
        if found is None:
            raise InputError(f"{folder / places[0]}: no such file; {self.origin}")
        return found


@dataclass(frozen=True)
class PublicRows:
    """The rows of a public set by split; to train and report it looks like a corpus without documents and registry."""

    name: str
    rows: Splits

    @property
    def by_id(self) -> Mapping[str, Document]:
        """No annotated documents."""
        return {}

    @property
    def registry(self) -> Registry:
        """No registry of actors."""
        return {}

    @cached_property
    def splits(self) -> dict[str, list[str]]:
        """The document ids of every split in a random order that is always the same."""
        return {name: shuffled_documents(rows) for name, rows in self.rows.items()}

    def examples(self, split: str, context_sentences: int = 1) -> list[Example]:
        """Return the rows of a split; what precedes a sentence is part of the set, so 0 leaves it out and any other number keeps it.

        Raises:
            InputError: no such split.
        """
        if not self.rows.get(split):
            raise InputError(f"{self.name}: no split {split!r}{nearest(split, self.rows)}, has {list(self.rows)}")
        rows = self.rows[split]
        return rows if context_sentences else [row.model_copy(update={"context": ""}) for row in rows]

    def fingerprint(self) -> str:
        """Return a hash of all text, labels and splits; twelve hex digits."""
        digest = sha256()
        for name, rows in self.rows.items():
            for row in rows:
                digest.update(repr((name, row.id, row.context, row.text, row.start, row.end, row.stance, row.target)).encode())
        return digest.hexdigest()[:12]


def load_public_set(public: PublicSet, path: str | None, dev_share: float) -> PublicRows:
    """Read a public set; without a development split of its own, a share of its training documents becomes one.

    Raises:
        InputError: folder or files missing, with where the set is to be had, or faulty rows.
    """
    rows = public.read(public.folder(path))
    if "dev" not in rows:
        documents = shuffled_documents(rows["train"])
        held = set(documents[: max(1, round(dev_share * len(documents)))])
        if len(held) == len(documents):
            raise InputError(f"{public.name}: {len(documents)} training documents, too few to hold some out for development")
        parts = {"train": [r for r in rows["train"] if r.doc_id not in held], "dev": [r for r in rows["train"] if r.doc_id in held]}
        rows = parts | {name: split for name, split in rows.items() if name != "train"}
    return PublicRows(public.name, rows)


def shuffled_documents(rows: Iterable[Example]) -> list[str]:
    """Return the ids of the rows' documents in a random order that is always the same."""
    documents = sorted({row.doc_id for row in rows})
    return [documents[index] for index in np.random.default_rng(DIVISION_SEED).permutation(len(documents))]
