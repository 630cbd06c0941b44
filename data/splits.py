"""Divide the documents into train, dev and test, and write `splits.json`: python data/splits.py data

Documents that share a near-duplicate sentence, or a state that exists only among the invented ones, stay together, so
that the test split holds worlds that training never saw. Seed documents are a test set of their own.
"""

import argparse
import sys
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

if not __package__:
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

import numpy as np
from sklearn.model_selection import StratifiedGroupKFold

from data.documents import Document, read_documents
from data.errors import InputError, run_command
from data.files import write_json
from data.leaks import duplicate_documents, duplicate_sentences
from data.registry import Registry, read_registry

FOLDS = 8
"""One fold is dev, one is test: an eighth each."""

TIES = ("state", "government")
"""Kinds of actors that tie invented documents together: they make a world."""


def make_splits(documents: Sequence[Document], registry: Registry, seed: int) -> dict[str, list[str]]:
    """Assign every document to train, dev, test or seeds, stratified over genre, setting and class.

    Raises:
        InputError: too few documents for the folds.
    """
    written = [document for document in documents if document.meta.origin == "written"]
    groups = group_documents(written, registry)
    if len(set(groups.values())) < FOLDS:
        raise InputError(f"{len(set(groups.values()))} independent documents; {FOLDS} are needed to make splits")
    rows = [
        (document.meta.id, f"{document.meta.genre}|{document.meta.setting}|{mention.stance}")
        for document in written
        for sentence in document.sentences
        for mention in sentence.labelled
    ]
    strata = [stratum for _, stratum in rows]
    row_groups = [groups[doc_id] for doc_id, _ in rows]
    folder = StratifiedGroupKFold(n_splits=FOLDS, shuffle=True, random_state=seed)
    fold_of: dict[str, int] = {}
    for fold, (_, held_out) in enumerate(folder.split(np.zeros(len(rows)), strata, row_groups)):
        fold_of |= {rows[index][0]: fold for index in held_out}
    names = {0: "test", 1: "dev"}
    splits: dict[str, list[str]] = {"train": [], "dev": [], "test": [], "seeds": []}
    for document in documents:
        seed_document = document.meta.origin == "seed"
        splits["seeds" if seed_document else names.get(fold_of.get(document.meta.id, 2), "train")].append(document.meta.id)
    return {name: sorted(ids) for name, ids in splits.items()}


def group_documents(documents: Sequence[Document], registry: Registry) -> dict[str, str]:
    """Return for every document id the name of the group that must not be split."""
    parent = {document.meta.id: document.meta.id for document in documents}

    def find(doc_id: str) -> str:
        while parent[doc_id] != doc_id:
            doc_id = parent[doc_id]
        return doc_id

    for cluster in [*_worlds(documents, registry), *_duplicates(documents)]:
        for doc_id in cluster[1:]:
            parent[find(doc_id)] = find(cluster[0])
    return {doc_id: find(doc_id) for doc_id in parent}


def _worlds(documents: Sequence[Document], registry: Registry) -> Iterable[list[str]]:
    real = {actor for document in documents if document.meta.setting == "real" for actor in _actors(document)}
    worlds: dict[str, list[str]] = defaultdict(list)
    for document in documents:
        if document.meta.setting == "invented":
            for actor in _actors(document) - real:
                if registry[actor].kind in TIES:
                    worlds[actor].append(document.meta.id)
    return worlds.values()


def _actors(document: Document) -> set[str]:
    return {mention.actor for sentence in document.sentences for mention in sentence.marked.mentions}


def _duplicates(documents: Sequence[Document]) -> list[list[str]]:
    pairs = [[a.document.meta.id, b.document.meta.id] for a, b, _ in duplicate_sentences(documents)]
    return pairs + [[a.meta.id, b.meta.id] for a, b, _ in duplicate_documents(documents)]


def main() -> None:
    """Write the splits of a corpus folder."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("folder", type=Path, nargs="?", default=Path("data"), help="corpus folder (default: data)")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    splits = make_splits(read_documents(given.folder / "corpus"), read_registry(given.folder / "actors.yaml"), given.seed)
    write_json(given.folder / "splits.json", splits)
    print(", ".join(f"{name} {len(ids)} documents" for name, ids in splits.items()))


if __name__ == "__main__":
    run_command(main)
