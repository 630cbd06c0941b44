"""Which texts to label next: those that a model is unsure of, spread over what the texts talk about."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.cluster import kmeans_plusplus

from data.records import Example
from data.suggestions import entropy

LEAST_WEIGHT = 1e-6
"""What a text of no uncertainty weighs, so that k-means++ can draw it where nothing else is left."""


@dataclass(frozen=True)
class Candidate:
    """A sentence or a document that can be labelled next, and where its rows stand among those that were scored."""

    rows: tuple[Example, ...]
    indices: tuple[int, ...]

    @property
    def texts(self) -> list[str]:
        """The candidate's sentences, each once."""
        return list(dict.fromkeys(row.text for row in self.rows))


def by_sentence(rows: Sequence[Example]) -> list[Candidate]:
    """Group rows into sentences, in order of appearance."""
    return _group(rows, ((row.doc_id, row.sent_id, row.text, row.target) for row in rows))


def by_document(rows: Sequence[Example]) -> list[Candidate]:
    """Group rows into documents, in order of appearance."""
    return _group(rows, (row.doc_id for row in rows))


def _group(rows: Sequence[Example], keys: Iterable[object]) -> list[Candidate]:
    indices: dict[object, list[int]] = {}
    for index, key in enumerate(keys):
        indices.setdefault(key, []).append(index)
    return [Candidate(tuple(rows[index] for index in group), tuple(group)) for group in indices.values()]


def margin(probabilities: np.ndarray) -> np.ndarray:
    """Return how near the second stance comes to the first: 0 sure, 1 a tie (Scheffer et al. 2001)."""
    ascending = np.sort(probabilities, axis=-1)
    nearness: np.ndarray = 1 - (ascending[..., -1] - ascending[..., -2])
    return nearness


UNCERTAINTY: Mapping[str, Callable[[np.ndarray], np.ndarray]] = {"entropy": entropy, "margin": margin}


def mean_of(values: np.ndarray, candidates: Sequence[Candidate]) -> np.ndarray:
    """Average what the rows have over the rows of each candidate: each label of it costs the same."""
    return np.array([values[list(each.indices)].mean(axis=0) for each in candidates])


def rank(uncertainty: np.ndarray, vectors: np.ndarray, number: int, seed: int) -> list[int]:
    """Return `number` candidates in labelling order: k-means++ seeding weighted by uncertainty (Arthur and Vassilvitskii 2007).

    Each one is drawn in proportion to its uncertainty and to its squared distance from those drawn before, the best of several draws.

    Args:
        uncertainty: shape (n,), at least 0.
        vectors: what the texts talk about, shape (n, d).
        number: how many are wanted; at most n are returned.
        seed: of the draws.
    """
    number = min(number, len(uncertainty))
    weights = np.maximum(uncertainty, LEAST_WEIGHT)
    _, drawn = kmeans_plusplus(vectors, number, sample_weight=weights, random_state=seed)
    by_uncertainty = np.argsort(-uncertainty, kind="stable")
    order = dict.fromkeys([*drawn.tolist(), *by_uncertainty.tolist()])  # equal texts can be drawn twice; the unsure ones take their place
    return list(order)[:number]
