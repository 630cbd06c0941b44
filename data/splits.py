"""Divide the documents into train, dev and test, and write `splits.json`.

    python data/splits.py my-issue          divides the labelled documents anew
    python data/splits.py my-issue --keep   leaves the splits as they are and adds documents labelled since, to train

Documents that share a near-duplicate sentence, or a state that exists only among the invented ones, stay together, so
that the test split holds worlds that training never saw; where the whole corpus is invented its states are what the news
is about, and tie nothing. Seed documents are a test set of their own. Documents with a mark that is still to be labelled
are in no split.
"""

import argparse
import sys
import warnings
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path

if not __package__:
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

import numpy as np
from sklearn.model_selection import StratifiedGroupKFold

from data.corpus import SPLITS, read_splits, unregistered
from data.documents import Document, read_documents
from data.errors import InputError, InputFaults, run_command, seed_argument
from data.files import write_json
from data.leaks import duplicate_documents, duplicate_sentences
from data.registry import Registry, read_registry

FOLDS, FEW_FOLDS, FEW_GROUPS, FEWEST_GROUPS = 8, 5, 40, 3
"""One fold is dev, one is test: an eighth each, a fifth where under forty documents would leave too little to test on."""

TIES = ("state", "government")
"""Kinds of actors that tie invented documents together: they make a world."""


def make_splits(documents: Sequence[Document], registry: Registry, seed: int) -> dict[str, list[str]]:
    """Assign every document to train, dev, test or seeds, stratified over genre, setting and class.

    Raises:
        InputError: too few documents for the folds.
    """
    finished = [document for document in documents if not document.open_lines]
    divided = [document for document in finished if document.meta.origin != "seed"]
    groups = group_documents(divided, registry)
    rows = [
        (document.meta.id, f"{document.meta.genre}|{document.meta.setting}|{mention.stance}")
        for document in divided
        for sentence in document.sentences
        for mention in sentence.labelled
    ]
    row_groups = [groups[doc_id] for doc_id, _ in rows]
    count = len(set(row_groups))
    if count < FEWEST_GROUPS:
        raise InputError(f"{count} independent labelled documents; {FEWEST_GROUPS} are needed to make splits")
    folds = FOLDS if count >= FEW_GROUPS else min(FEW_FOLDS, count)
    strata = [stratum for _, stratum in rows]
    if max(Counter(strata).values()) < folds:  # too few labels of each stratum for stratification: by document alone
        strata = [""] * len(rows)
    folder = StratifiedGroupKFold(n_splits=folds, shuffle=True, random_state=seed)
    fold_of: dict[str, int] = {}
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The least populated class")  # strata of a small corpus may hold one label
        for fold, (_, held_out) in enumerate(folder.split(np.zeros(len(rows)), strata, row_groups)):
            fold_of |= {rows[index][0]: fold for index in held_out}
    names = {0: "test", 1: "dev"}
    splits: dict[str, list[str]] = {name: [] for name in SPLITS}
    for document in finished:
        name = "seeds" if document.meta.origin == "seed" else names.get(fold_of.get(document.meta.id, 2), "train")
        splits.setdefault(name, []).append(document.meta.id)
    return {name: sorted(ids) for name, ids in splits.items()}


def extend_splits(splits: dict[str, list[str]], documents: Sequence[Document], registry: Registry) -> dict[str, list[str]]:
    """Add the finished documents that no split has: to the split of a document they are tied to, else to train; seed documents to seeds."""
    finished = [document for document in documents if not document.open_lines]
    seeds = {document.meta.id for document in finished if document.meta.origin == "seed"}
    groups = group_documents([document for document in finished if document.meta.id not in seeds], registry)
    split_of = {doc_id: name for name, ids in splits.items() for doc_id in ids}
    split_of_group = {groups[doc_id]: name for doc_id, name in split_of.items() if doc_id in groups}
    extended = {name: list(ids) for name, ids in splits.items()}
    for doc_id in sorted(groups.keys() - split_of.keys()):
        extended.setdefault(split_of_group.get(groups[doc_id], "train"), []).append(doc_id)
    if added := seeds - split_of.keys():
        extended.setdefault("seeds", []).extend(added)
    return {name: sorted(ids) for name, ids in extended.items()}


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


def _worlds(documents: Sequence[Document], registry: Registry) -> list[list[str]]:
    if all(document.meta.setting == "invented" for document in documents):
        return []
    real = {actor for document in documents if document.meta.setting == "real" for actor in _actors(document)}
    worlds: dict[str, list[str]] = defaultdict(list)
    for document in documents:
        if document.meta.setting == "invented":
            for actor in _actors(document) - real:
                if registry[actor].kind in TIES:
                    worlds[actor].append(document.meta.id)
    return list(worlds.values())


def _actors(document: Document) -> set[str]:
    return {mention.actor for sentence in document.sentences for mention in sentence.marked.mentions}


def _duplicates(documents: Sequence[Document]) -> list[list[str]]:
    pairs = [[a.document.meta.id, b.document.meta.id] for a, b, _ in duplicate_sentences(documents)]
    return pairs + [[a.meta.id, b.meta.id] for a, b, _ in duplicate_documents(documents)]


def main() -> None:
    """Write the splits of a corpus folder."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False)
    parser.add_argument("folder", type=Path, nargs="?", default=Path("data"), help="corpus folder (default: data)")
    parser.add_argument("--seed", type=seed_argument, default=1, help="seed of the division (default: 1)")
    parser.add_argument("--keep", action="store_true", help="keep the splits; documents labelled since go to train, or where a tie leads")
    given = parser.parse_args()
    documents, registry, path = (
        read_documents(given.folder / "corpus"),
        read_registry(given.folder / "actors.yaml"),
        given.folder / "splits.json",
    )
    if faults := unregistered(documents, registry):
        raise InputFaults(faults)
    splits = extend_splits(read_splits(path), documents, registry) if given.keep else make_splits(documents, registry, given.seed)
    write_json(path, splits)
    unfinished = sum(bool(document.open_lines) for document in documents)
    left_out = f"; left out, since a mark is still to be labelled: {unfinished}" if unfinished else ""
    print(", ".join(f"{name} {len(ids)} documents" for name, ids in splits.items()) + left_out)


if __name__ == "__main__":
    run_command(main)
