"""A corpus folder as one object: `corpus/**/*.md`, `actors.yaml`, `splits.json`."""

import re
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path

from data.documents import Document, read_documents
from data.errors import InputError, InputFaults, nearest
from data.files import read_object
from data.records import Example
from data.registry import Registry, read_registry

SPLITS = ("train", "dev", "test")
"""The splits that training needs; every other one that `splits.json` names is scored as a further test set."""
SPLIT_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,79}")
"""A split names files of a run folder, so nothing that leads out of it."""


@dataclass(frozen=True)
class Corpus:
    """Documents, registry and the committed division of the documents into splits."""

    folder: Path
    documents: list[Document]
    registry: Registry
    splits: dict[str, list[str]]

    @property
    def finished(self) -> list[Document]:
        """The documents without a mark that is still to be labelled."""
        return [document for document in self.documents if not document.open_lines]

    @cached_property
    def by_id(self) -> dict[str, Document]:
        """The documents by their ids."""
        return {document.meta.id: document for document in self.documents}

    def split(self, name: str) -> list[Document]:
        """Return the documents of a split.

        Raises:
            InputError: no such split, or it is empty.
        """
        path = self.folder / "splits.json"
        if name not in self.splits:
            known = sorted(self.splits)
            raise InputError(f"{path}: no split {name!r}{nearest(name, known)}, has {known}")
        if not self.splits[name]:
            raise InputError(f"{path}: the split {name!r} is empty; label documents, then run data/splits.py {self.folder}")
        return [self.by_id[doc_id] for doc_id in self.splits[name]]

    def examples(self, split: str, context_sentences: int = 1) -> list[Example]:
        """Return the example rows of a split in the order of the documents."""
        return [row for document in self.split(split) for row in document.examples(context_sentences)]

    def fingerprint(self) -> str:
        """Return a hash of the splits and of the text and labels in them; twelve hex digits."""
        digest = sha256(repr(sorted(self.splits.items())).encode())
        placed = {doc_id for ids in self.splits.values() for doc_id in ids}
        for document in (each for each in self.documents if each.meta.id in placed):
            digest.update(repr((document.meta.id, document.meta.target)).encode())
            for sentence in document.sentences:
                digest.update(repr((sentence.text, sentence.labelled)).encode())
        return digest.hexdigest()[:12]


def load_corpus(folder: Path) -> Corpus:
    """Read a corpus folder and check that its parts fit together.

    Raises:
        InputFaults: malformed documents, actors outside the registry, splits that name unknown or unfinished documents or leave
            finished ones out.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: no such corpus folder")
    documents = read_documents(folder / "corpus")
    registry = read_registry(folder / "actors.yaml")
    splits = read_splits(folder / "splits.json")
    faults = [*unregistered(documents, registry), *_split_faults(folder / "splits.json", splits, documents)]
    if faults:
        raise InputFaults(faults)
    return Corpus(folder, documents, registry, splits)


def read_splits(path: Path) -> dict[str, list[str]]:
    """Read the committed splits: lists of document ids by split name."""
    splits = read_object(path)
    for name, ids in splits.items():
        if not SPLIT_NAME.fullmatch(name):
            raise InputError(f"{path}: split name {name!r}: expected letters, digits, - and _, for it names files")
        if not isinstance(ids, list) or not all(isinstance(each, str) for each in ids):
            raise InputError(f"{path}: split {name!r}: expected a list of document ids")
    return splits


def unregistered(documents: list[Document], registry: Registry) -> list[str]:
    """Name every marked actor that the registry lacks, with file and line."""
    return [
        f"{document.path}:{sentence.line}: actor {mention.actor!r} is not in actors.yaml{nearest(mention.actor, registry)}"
        for document in documents
        for sentence in document.sentences
        for mention in sentence.marked.mentions
        if mention.actor not in registry
    ]


def _split_faults(path: Path, splits: dict[str, list[str]], documents: list[Document]) -> list[str]:
    known = {document.meta.id for document in documents}
    finished = {document.meta.id for document in documents if not document.open_lines}
    placed = [doc_id for ids in splits.values() for doc_id in ids]
    faults = [f"{path}: {doc_id!r} stands in two splits" for doc_id in sorted({i for i in placed if placed.count(i) > 1})]
    faults += [f"{path}: no document {doc_id!r}{nearest(doc_id, known)}" for doc_id in placed if doc_id not in known]
    faults += [f"{path}: document {doc_id!r} is in no split" for doc_id in sorted(finished - set(placed))]
    for document in documents:
        if document.open_lines and document.meta.id in placed:
            count = f"{len(document.open_lines)} marks are" if len(document.open_lines) > 1 else "1 mark is"
            remedy = f"label them, or leave the document out of {path}"
            faults.append(f"{document.path}:{document.open_lines[0]}: {count} still to be labelled (?); {remedy}")
    return faults
