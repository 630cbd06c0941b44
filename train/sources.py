"""Where a run's rows come from: a corpus folder of the project, or a public set read by its adapter."""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Protocol

import numpy as np

from data.corpus import SPLIT_NAME, load_corpus
from data.documents import Document
from data.errors import InputError
from data.files import ROOT
from data.newsmtsc import NEWSMTSC
from data.public_sets import PublicSet, load_public_set, shuffled_documents
from data.records import STANCES, Example, limit_context, read_rows
from data.registry import Registry
from data.seesaw import SEESAW
from data.semeval import SEMEVAL
from data.vast import VAST
from eval.behaviour.cases import BEHAVIOUR, find_suite
from train.settings import DataSettings

PUBLIC_SETS: dict[str, PublicSet] = {public.name: public for public in (NEWSMTSC, SEESAW, SEMEVAL, VAST)}


def draw_labels(rows: list[Example], per_class: int, seed: int) -> list[Example]:
    """Draw as many rows of each stance at random, in their order; all for 0, and all of a stance that has fewer."""
    if not per_class:
        return rows
    order = np.random.default_rng(seed).permutation(len(rows))
    drawn: set[int] = set()
    for stance in STANCES:
        drawn |= set([index for index in order if rows[index].stance == stance][:per_class])
    return [row for index, row in enumerate(rows) if index in drawn]


def share_of_documents(rows: list[Example], share: float) -> list[Example]:
    """Return the rows, in their order, of a share of their documents at random; a smaller share always lies within a larger one."""
    documents = shuffled_documents(rows)
    kept = set(documents[: max(1, round(share * len(documents)))])
    return [row for row in rows if row.doc_id in kept]


class Source(Protocol):
    """What a run needs of its data; a public set has no documents and no registry."""

    @property
    def by_id(self) -> Mapping[str, Document]:
        """The annotated documents by their ids."""

    @property
    def registry(self) -> Registry:
        """Who is who."""

    @property
    def splits(self) -> Mapping[str, list[str]]:
        """The document ids of every split."""

    def examples(self, split: str, context_sentences: int = 1) -> list[Example]:
        """Return the example rows of a split."""

    def fingerprint(self) -> str:
        """Return a hash of all text, labels and splits."""


def same_data(ours: DataSettings, theirs: DataSettings) -> bool:
    """Tell whether two settings name the same data, in whatever words: a public set, or the folder of a corpus."""
    if ours.source != theirs.source:
        return False
    return ours.source != "corpus" or (ROOT / ours.corpus).resolve() == (ROOT / theirs.corpus).resolve()


def load_source(settings: DataSettings) -> Source:
    """Read the corpus or the public set that the config names."""
    if settings.source == "corpus":
        return load_corpus(ROOT / settings.corpus)
    return load_public_set(PUBLIC_SETS[settings.source], settings.path, settings.dev_share)


def collect_splits(source: Source, settings: DataSettings) -> dict[str, list[Example]]:
    """Return the example rows of every split that has any, of the extra test file, and of the behaviour cases.

    Raises:
        InputError: nothing to learn from or to choose a checkpoint by, a name that stands for two splits, an extra test without labels.
    """
    named = [name for name, documents in source.splits.items() if documents and name not in {"train", "dev"}]
    if BEHAVIOUR in named:
        raise InputError(f"a split of the data is called {BEHAVIOUR!r}, as the behaviour cases are; give it another name")
    rows = {name: source.examples(name, settings.context_sentences) for name in ("train", "dev", *named)}
    for name in ("train", "dev"):
        if not rows[name]:
            raise InputError(f"the split {name!r} has no labelled actor; training needs some")
    splits = {name: each for name, each in rows.items() if each}
    splits["train"] = share_of_documents(splits["train"], settings.documents)
    if settings.extra_test:
        path = Path(settings.extra_test)
        splits[path.stem] = read_extra_test(path, {*source.splits, *splits, BEHAVIOUR}, settings.context_sentences)
    if suite := find_suite(settings.behaviour, (row.target for row in splits["train"])):
        splits[BEHAVIOUR] = limit_context(suite.rows, settings.context_sentences)
    return splits


def read_extra_test(path: Path, taken: Collection[str], context_sentences: int) -> list[Example]:
    """Return the rows of a file that is scored as one more split, which bears the file's name.

    Raises:
        InputError: the name cannot be a split's or is taken, or no row has a stance.
    """
    if not SPLIT_NAME.fullmatch(path.stem) or path.stem in taken:
        others = f"{', '.join(sorted(taken))} are taken; " if path.stem in taken else ""
        raise InputError(f"data.extra_test: {path}: its name becomes a split's; {others}rename it to letters, digits, - and _")
    rows = read_rows(path, Example)
    if not any(row.stance for row in rows):
        raise InputError(f"data.extra_test: {path}: no row has a stance to be scored by; train/predict.py reads rows without")
    return limit_context(rows, context_sentences)
