"""How far confidences can be trusted: ECE, Brier score, temperature scaling and when to answer "unsure"."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from data.errors import InputError
from data.files import read_json
from data.records import STANCE_ID, Prediction
from eval.metrics import Bools, Floats, Ints

BINS = 15
TARGET_ACCURACY = 0.9
TARGET_STEP = 0.05
MIN_ANSWERED = 50
"""A threshold must leave this many dev answers (or all of them), so that a lucky few do not set it."""
LOG_TEMPERATURE_RANGE = (-3.0, 3.0)
TINY = 1e-12


@dataclass(frozen=True)
class Calibration:
    """What dev says about confidences: divide logits by `temperature`, call an answer below `threshold` unsure.

    `target_accuracy` is the accuracy that answers at or above the threshold reached on dev: 0.9 or, where no threshold
    reaches that, the highest step of 0.05 below it that one does.
    """

    temperature: float
    threshold: float
    target_accuracy: float

    def apply(self, probs: Floats) -> Floats:
        """Return calibrated probabilities of shape (..., 3)."""
        return scale(probs, self.temperature)

    def to_json(self) -> dict[str, float]:
        """Return the plain values of calibration.json."""
        return {"temperature": self.temperature, "threshold": self.threshold, "target_accuracy": self.target_accuracy}

    @classmethod
    def from_json(cls, value: Any) -> "Calibration":
        """Read what `to_json` returned.

        Raises:
            ValueError: a key is missing, no number or out of range.
        """
        keys = ("temperature", "threshold", "target_accuracy")
        if not isinstance(value, dict) or any(not isinstance(value.get(key), int | float) for key in keys):
            raise ValueError(f"expected numbers for {', '.join(keys)}")
        temperature, threshold, target = (float(value[key]) for key in keys)
        if not (temperature > 0 and 0 <= threshold <= 1 and 0 <= target <= 1):
            raise ValueError("expected temperature > 0, threshold and target_accuracy within 0 and 1")
        return cls(temperature, threshold, target)

    @classmethod
    def read(cls, path: Path) -> "Calibration":
        """Read a calibration file.

        Raises:
            InputError: missing, not JSON, or values out of range.
        """
        try:
            return cls.from_json(read_json(path))
        except ValueError as error:
            raise InputError(f"{path}: {error}") from None


def scale(probs: Floats, temperature: float) -> Floats:
    """Return softmax(log(probs) / temperature) over the last axis (temperature scaling, Guo et al. 2017)."""
    return softmax(np.log(np.clip(probs, TINY, None)) / temperature)


def softmax(logits: np.ndarray) -> np.ndarray:
    """Turn logits into probabilities along the last axis."""
    weights = np.exp(logits - logits.max(axis=-1, keepdims=True))
    probabilities: np.ndarray = weights / weights.sum(axis=-1, keepdims=True)
    return probabilities


def calibrate(predictions: Sequence[Prediction], target_accuracy: float = TARGET_ACCURACY) -> Calibration:
    """Fit temperature and threshold on labelled dev predictions.

    Raises:
        InputError: no prediction has a gold label.
    """
    labelled = [row for row in predictions if row.gold is not None]
    if not labelled:
        raise InputError("calibration needs dev predictions with gold labels, got none")
    gold = np.array([STANCE_ID[row.gold or ""] for row in labelled])
    probs = np.array([[row.probs.against, row.probs.neutral, row.probs.favor] for row in labelled])
    temperature = fit_temperature(probs, gold)
    calibrated = scale(probs, temperature)
    correct = np.array([STANCE_ID[row.pred] for row in labelled]) == gold
    threshold, reached = choose_threshold(calibrated.max(-1), correct, target_accuracy)
    return Calibration(temperature, threshold, reached)


def fit_temperature(probs: Floats, gold: Ints) -> float:
    """Return the temperature that minimises the negative log-likelihood of `gold`, shape (n,), under `probs`, shape (n, 3)."""
    from scipy.optimize import minimize_scalar

    def loss(log_temperature: float) -> float:
        return negative_log_likelihood(scale(probs, float(np.exp(log_temperature))), gold)

    found = minimize_scalar(loss, bounds=LOG_TEMPERATURE_RANGE, method="bounded", options={"xatol": 1e-6})
    return float(np.exp(found.x))


def choose_threshold(confidence: Floats, correct: Bools, target: float = TARGET_ACCURACY) -> tuple[float, float]:
    """Return the lowest threshold whose answers reach the target accuracy, and the target that could be reached."""
    order = np.argsort(-confidence, kind="stable")
    accuracy = np.cumsum(correct[order]) / np.arange(1, len(order) + 1)
    sorted_confidence = confidence[order]
    last_of_tie = np.append(sorted_confidence[1:] < sorted_confidence[:-1], True)
    enough = np.arange(1, len(order) + 1) >= min(MIN_ANSWERED, len(order))
    while target > accuracy[-1]:
        reaching = np.flatnonzero(last_of_tie & enough & (accuracy >= target - TINY))
        if len(reaching):
            return float(sorted_confidence[reaching[-1]]), round(target, 6)
        target -= TARGET_STEP
    return 0.0, round(target, 6) if target >= 0 else 0.0


def negative_log_likelihood(probs: Floats, gold: Ints) -> float:
    """Return the mean of -log p(gold)."""
    return float(-np.log(np.clip(probs[np.arange(len(gold)), gold], TINY, None)).mean())


def brier(probs: Floats, gold: Ints) -> float:
    """Return the multi-class Brier score (Brier 1950): mean squared distance to the one-hot gold, between 0 and 2."""
    distance = probs.copy()
    distance[np.arange(len(gold)), gold] -= 1
    return float((distance**2).sum(-1).mean())


@dataclass(frozen=True)
class ReliabilityBin:
    """Answers whose confidence lies in [low, high): how many, their mean confidence and accuracy (None when empty)."""

    low: float
    high: float
    n: int
    confidence: float | None
    accuracy: float | None


def reliability(confidence: Floats, correct: Bools, bins: int = BINS) -> list[ReliabilityBin]:
    """Sort answers into equal-width bins of confidence."""
    index = np.minimum((confidence * bins).astype(np.int64), bins - 1)
    count = np.bincount(index, minlength=bins)
    sure = np.bincount(index, weights=confidence, minlength=bins)
    hits = np.bincount(index, weights=correct.astype(np.float64), minlength=bins)
    return [
        ReliabilityBin(
            each / bins,
            (each + 1) / bins,
            int(count[each]),
            float(sure[each] / count[each]) if count[each] else None,
            float(hits[each] / count[each]) if count[each] else None,
        )
        for each in range(bins)
    ]


def expected_calibration_error(confidence: Floats, correct: Bools, bins: int = BINS) -> float:
    """Return the ECE of the top label (Naeini et al. 2015): mean |accuracy - confidence| over bins, weighted by their size."""
    gaps = [
        each.n * abs(each.accuracy - each.confidence)
        for each in reliability(confidence, correct, bins)
        if each.accuracy is not None and each.confidence is not None
    ]
    return float(sum(gaps) / len(confidence))


@dataclass(frozen=True)
class SelectivePoint:
    """Answering the share `coverage` of items, those of at least `confidence`, gives `accuracy`."""

    coverage: float
    confidence: float
    accuracy: float


def selective_curve(confidence: Floats, correct: Bools, points: int = 100) -> list[SelectivePoint]:
    """Return accuracy against coverage, most confident answers first (El-Yaniv & Wiener 2010)."""
    order = np.argsort(-confidence, kind="stable")
    accuracy = np.cumsum(correct[order]) / np.arange(1, len(order) + 1)
    ranks = np.unique(np.ceil(np.linspace(1 / points, 1, points) * len(order)).astype(np.int64)) - 1
    return [SelectivePoint(float((rank + 1) / len(order)), float(confidence[order[rank]]), float(accuracy[rank])) for rank in ranks]
