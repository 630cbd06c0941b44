"""Stance shares of an actor over a document or the corpus, corrected for the classifier's known confusions.

Counting predicted labels is biased where the classifier confuses classes (Forman 2008). The adjusted count solves
``observed = M' true`` for the true shares, with ``M[g, p] = P(pred p | gold g)`` measured on dev, and takes the nearest
point of the probability simplex. Its interval resamples the documents of dev (which measure M) and the units counted.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from data.records import STANCES
from eval.bootstrap import percentile_interval, resample_sums
from eval.metrics import CLASSES, Floats, Ints
from eval.systems import Split, System

RESAMPLES = 1_000
MAX_ACTORS = 40
MAX_DOCUMENTS = 40
SMOOTHING = 0.5
RIDGE = 1e-3
"""Keeps the system solvable when dev cannot tell two classes apart; far below any count that matters."""


@dataclass(frozen=True)
class Confusability:
    """P(predicted | gold) on dev: the point estimate, shape (3, 3), and resamples of it, shape (resamples, 3, 3)."""

    point: Floats
    samples: Floats


def measure_confusability(dev: Split, system: System, rng: np.random.Generator, resamples: int = RESAMPLES) -> Confusability:
    """Estimate P(predicted | gold) from dev, over all seeds, resampling its documents."""
    counts = system.confusions(dev).mean(1)
    samples = resample_sums(counts.reshape(len(counts), -1), rng, resamples).reshape(-1, CLASSES, CLASSES)
    return Confusability(row_shares(counts.sum(0)), row_shares(samples))


def row_shares(confusions: Floats) -> Floats:
    """Turn counts into shares of each gold class, smoothed toward the diagonal so that no class is impossible."""
    smoothed = confusions + SMOOTHING * np.eye(CLASSES)
    return np.asarray(smoothed / smoothed.sum(-1, keepdims=True))


def adjusted_shares(observed: Floats, confusability: Floats) -> Floats:
    """Solve for the true shares.

    Args:
        observed: shares of predicted classes, shape (..., 3).
        confusability: P(predicted | gold), shape (..., 3, 3).

    Returns:
        Shares of shape (..., 3) on the simplex.
    """
    matrix = confusability
    transposed = np.swapaxes(matrix, -1, -2)
    normal = matrix @ transposed + RIDGE * np.eye(CLASSES)
    right = matrix @ observed[..., None] + RIDGE * observed[..., None]
    solved: Floats = np.asarray(np.linalg.solve(normal, right)[..., 0], dtype=np.float64)
    return project_to_simplex(solved)


def project_to_simplex(values: Floats) -> Floats:
    """Return the nearest points, in Euclidean distance, with non-negative parts that sum to one (Duchi et al. 2008)."""
    size = values.shape[-1]
    ordered = -np.sort(-values, axis=-1)
    surplus = (np.cumsum(ordered, axis=-1) - 1) / np.arange(1, size + 1)
    kept = (ordered > surplus).sum(-1, keepdims=True)
    return np.maximum(values - np.take_along_axis(surplus, kept - 1, axis=-1), 0.0)


def aggregate_section(split: Split, system: System, confusability: Confusability, rng: np.random.Generator) -> dict[str, Any]:
    """Return stance shares over the corpus, per actor and per document: counted, corrected with interval, and gold."""
    everything = np.arange(len(split.items))
    return {
        "resamples": len(confusability.samples),
        "corpus": shares(split, system, everything, confusability, rng),
        "per_actor": _shares_by([item.actor for item in split.items], MAX_ACTORS, split, system, confusability, rng),
        "per_document": _shares_by([item.doc_id for item in split.items], MAX_DOCUMENTS, split, system, confusability, rng),
    }


def _shares_by(
    names: list[str], limit: int, split: Split, system: System, confusability: Confusability, rng: np.random.Generator
) -> dict[str, Any]:
    members: dict[str, list[int]] = {}
    for index, name in enumerate(names):
        members.setdefault(name, []).append(index)
    largest = sorted(members, key=lambda name: (-len(members[name]), name))[:limit]
    return {name: shares(split, system, np.array(members[name]), confusability, rng) for name in largest}


def shares(split: Split, system: System, index: Ints, confusability: Confusability, rng: np.random.Generator) -> dict[str, Any]:
    """Return the stance shares of some items.

    The units resampled are documents where the items come from several, else sentences, else no interval is given.
    """
    predicted = (system.pred[:, index, None] == np.arange(CLASSES)).mean(0)
    counts = _unit_sums(predicted, _units(split, index))
    corrected = adjusted_shares(predicted.mean(0), confusability.point)
    gold = np.bincount(split.gold[index], minlength=CLASSES) / len(index)
    return {
        "n": len(index),
        "predicted": _named(predicted.mean(0)),
        "corrected": _named(corrected),
        "ci95": interval_of(counts, confusability, rng),
        "gold": _named(gold),
    }


def interval_of(counts: Floats, confusability: Confusability, rng: np.random.Generator) -> dict[str, list[float]] | None:
    """Return each stance's interval from predicted counts a unit, shape (units, 3); None for a single unit."""
    if len(counts) < 2:
        return None
    sums = resample_sums(counts, rng, len(confusability.samples))
    samples = adjusted_shares(sums / sums.sum(-1, keepdims=True), confusability.samples)
    intervals = {stance: percentile_interval(samples[:, each]) for each, stance in enumerate(STANCES)}
    return {stance: list(interval) for stance, interval in intervals.items() if interval}


def _units(split: Split, index: Ints) -> list[Any]:
    documents = [split.items[each].doc_id for each in index]
    return documents if len(set(documents)) > 1 else [split.items[each].sent_id for each in index]


def _unit_sums(predicted: Floats, units: list[Any]) -> Floats:
    number = {key: each for each, key in enumerate(dict.fromkeys(units))}
    sums = np.zeros((len(number), CLASSES))
    np.add.at(sums, [number[key] for key in units], predicted)
    return sums


def _named(values: Floats) -> dict[str, float]:
    return {stance: float(value) for stance, value in zip(STANCES, values, strict=True)}
