"""What each epoch reads: the training rows with other names, or without some of their contexts, drawn anew."""

from collections.abc import Iterator, Sequence

import numpy as np

from data.records import Example
from data.registry import Registry
from train.renaming import group_names, rename_some
from train.settings import DataSettings


def training_versions(
    rows: Sequence[Example], registry: Registry, settings: DataSettings, count: int, seed: int
) -> Iterator[list[Example]]:
    """Yield `count` versions of the rows, one an epoch, by `data.renamed` and `data.context_dropout`; a single one without either."""
    if not settings.renamed and not settings.context_dropout:
        yield list(rows)
        return
    names = group_names(rows, registry) if settings.renamed else {}
    for version in range(count):
        renamed = rename_some(rows, registry, names, settings.renamed, np.random.default_rng([seed, version]))
        yield drop_contexts(renamed, settings.context_dropout, np.random.default_rng([seed, version, 1]))


def drop_contexts(rows: Sequence[Example], share: float, rng: np.random.Generator) -> list[Example]:
    """Return the rows with a random share of the sentences without context, the same for all actors of a sentence.

    A model that has met both reads a sentence on its own as well as one within an article.
    """
    if not share:
        return list(rows)
    sentences = dict.fromkeys((row.doc_id, row.sent_id) for row in rows)
    alone = dict(zip(sentences, rng.random(len(sentences)) < share, strict=True))
    return [row.model_copy(update={"context": ""}) if row.context and alone[row.doc_id, row.sent_id] else row for row in rows]
