"""The metrics, each defined once on confusion counts; the trainer chooses checkpoints by the same function that reports use.

A confusion has the gold class in its rows and the predicted class in its columns, in the order of `STANCES`. The
functions take arrays of shape (..., 3, 3) and return shape (...), so that thousands of resampled confusions cost one call.
NaN stands for "undefined" inside the program and becomes null with a note in every file.
"""

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from data.records import STANCE_ID, STANCES

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
Metric = Callable[[Floats], Floats]

CLASSES = len(STANCES)
CONFIDENCE_LEVEL = 0.95


def confusion(gold: Sequence[int] | Ints, pred: Sequence[int] | Ints) -> Floats:
    """Count (gold, predicted) pairs of class ids into a matrix of shape (3, 3)."""
    cells = np.asarray(gold, dtype=np.int64) * CLASSES + np.asarray(pred, dtype=np.int64)
    return np.bincount(cells, minlength=CLASSES * CLASSES).reshape(CLASSES, CLASSES).astype(np.float64)


def unit_confusions(units: Ints, gold: Ints, pred: Ints, unit_count: int) -> Floats:
    """Count confusions per unit of resampling and seed.

    Args:
        units: unit (document) of each item, shape (n,).
        gold: class ids, shape (n,).
        pred: class ids, shape (seeds, n).
        unit_count: number of units.

    Returns:
        Counts of shape (units, seeds, 3, 3).
    """
    size = unit_count * CLASSES * CLASSES
    cells = (units * CLASSES + gold)[None, :] * CLASSES + pred
    counts = [np.bincount(row, minlength=size).reshape(unit_count, CLASSES, CLASSES) for row in cells]
    return np.stack(counts, axis=1).astype(np.float64)


def class_f1(confusions: Floats) -> Floats:
    """Return the F1 of each class, shape (..., 3); NaN for a class in neither gold nor prediction."""
    hits = np.diagonal(confusions, axis1=-2, axis2=-1)
    return divide(2 * hits, confusions.sum(-1) + confusions.sum(-2))


def class_precision(confusions: Floats) -> Floats:
    """Return the precision of each class, shape (..., 3); NaN for a class never predicted."""
    return divide(np.diagonal(confusions, axis1=-2, axis2=-1), confusions.sum(-2))


def class_recall(confusions: Floats) -> Floats:
    """Return the recall of each class, shape (..., 3); NaN for a class without support."""
    return divide(np.diagonal(confusions, axis1=-2, axis2=-1), confusions.sum(-1))


def macro_f1_of(confusions: Floats) -> Floats:
    """Return the unweighted mean F1 over the classes that occur in gold or prediction (sklearn's `f1_score` default)."""
    return _mean_of_defined(class_f1(confusions))


def f1_favor_against_of(confusions: Floats) -> Floats:
    """Return the mean F1 of favor and against, the measure of SemEval-2016 Task 6 (Mohammad et al. 2016)."""
    return _mean_of_defined(class_f1(confusions)[..., [STANCE_ID["against"], STANCE_ID["favor"]]])


def accuracy_of(confusions: Floats) -> Floats:
    """Return the share of correct items."""
    return divide(np.trace(confusions, axis1=-2, axis2=-1), confusions.sum((-1, -2)))


def mcc_of(confusions: Floats) -> Floats:
    """Return the multi-class Matthews correlation (Gorodkin 2004); 0 where gold or prediction is constant, as in sklearn."""
    total = confusions.sum((-1, -2))
    gold, pred = confusions.sum(-1), confusions.sum(-2)
    covariance = np.trace(confusions, axis1=-2, axis2=-1) * total - (gold * pred).sum(-1)
    spread = (total**2 - (gold**2).sum(-1)) * (total**2 - (pred**2).sum(-1))
    return np.where(spread > 0, covariance / np.sqrt(np.where(spread > 0, spread, 1.0)), np.where(total > 0, 0.0, np.nan))


HEADLINES: dict[str, Metric] = {
    "macro_f1": macro_f1_of,
    "accuracy": accuracy_of,
    "f1_favor_against": f1_favor_against_of,
    "mcc": mcc_of,
}
"""The metrics of every results table, by their key in report.json."""

METRIC_TITLES = {
    "macro_f1": "macro-F1",
    "accuracy": "accuracy",
    "f1_favor_against": "F1 favor/against",
    "mcc": "MCC",
}


def macro_f1(gold: Sequence[int] | Ints, pred: Sequence[int] | Ints) -> float:
    """Return the macro-F1 of class ids, each of shape (n,), over the classes that occur in either.

    Raises:
        ValueError: no items, or lengths differ.
    """
    if len(gold) != len(pred) or len(gold) == 0:
        raise ValueError(f"macro-F1 needs as many predictions as gold labels and at least one, got {len(pred)} and {len(gold)}")
    return float(macro_f1_of(confusion(gold, pred)))


def divide(numerator: Floats, denominator: Floats) -> Floats:
    """Divide elementwise; NaN where the denominator is zero."""
    return np.where(denominator > 0, numerator / np.where(denominator > 0, denominator, 1.0), np.nan)


def _mean_of_defined(values: Floats) -> Floats:
    defined = ~np.isnan(values)
    return divide(np.where(defined, values, 0.0).sum(-1), defined.sum(-1).astype(np.float64))
