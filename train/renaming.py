"""Renaming actors in training sentences, so that a stance is read off the sentence and not remembered with a name."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import groupby, pairwise

import numpy as np

from data.records import Example
from data.registry import Registry

Names = Mapping[tuple[str, int], Sequence[str]]
"""Names by the kind of actor and the number of words."""


def rename_some(rows: Sequence[Example], registry: Registry, names: Names, share: float, rng: np.random.Generator) -> list[Example]:
    """Return the rows with a random share of the sentences having their named actors called otherwise.

    A name is replaced by one of as many words of an actor of its kind. Pronouns and descriptions ("the minister") stay, as do the
    labels; the context keeps the old names.
    """
    if not share:
        return list(rows)
    version: list[Example] = []
    for _, group in groupby(rows, key=lambda row: (row.doc_id, row.sent_id)):
        sentence = list(group)
        version += rename_sentence(sentence, registry, names, rng) if rng.random() < share else sentence
    return version


def group_names(rows: Sequence[Example], registry: Registry) -> dict[tuple[str, int], list[str]]:
    """Collect the names that training text uses, by the kind of actor they name and their words: a longer text costs time."""
    found: dict[tuple[str, int], set[str]] = defaultdict(set)
    for row in rows:
        if is_name(row.mention):
            found[name_group(row, registry)].add(row.mention)
    return {group: sorted(names) for group, names in found.items()}


def name_group(row: Example, registry: Registry) -> tuple[str, int]:
    """Return the kind of a row's actor and the number of words of its mention."""
    return registry[row.actor].kind, len(row.mention.split())


def is_name(mention: str) -> bool:
    """Tell names from pronouns and descriptions: the last word is capitalised and no pronoun stands alone."""
    words = mention.split()
    return words[-1][0].isupper() and mention not in {"I", "He", "She", "It", "They", "We", "You", "One", "Both", "Others", "Some"}


def rename_sentence(sentence: Sequence[Example], registry: Registry, names: Names, rng: np.random.Generator) -> list[Example]:
    """Replace each named mention of one sentence and move the offsets of all of them along; overlapping mentions stay as they are."""
    ordered = sorted(sentence, key=lambda row: row.start)
    if any(left.end > right.start for left, right in pairwise(ordered)):
        return list(ordered)
    parts: list[str] = []
    spans: list[tuple[int, int]] = []
    position = length = 0
    for row in ordered:
        pool = names.get(name_group(row, registry), ()) if is_name(row.mention) else ()
        name = pool[int(rng.integers(len(pool)))] if pool else row.mention
        start = length + row.start - position
        parts += [row.text[position : row.start], name]
        spans.append((start, start + len(name)))
        position, length = row.end, start + len(name)
    text = "".join([*parts, ordered[0].text[position:]])
    return [
        row.model_copy(update={"text": text, "mention": text[start:end], "start": start, "end": end})
        for row, (start, end) in zip(ordered, spans, strict=True)
    ]
