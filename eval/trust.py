"""The calibration and selective-prediction sections of a report."""

from dataclasses import asdict
from typing import Any

import numpy as np

from eval.calibration import (
    BINS,
    brier,
    expected_calibration_error,
    negative_log_likelihood,
    reliability,
    selective_curve,
)
from eval.metrics import Bools, Floats
from eval.systems import Split, System


def calibration_section(split: Split, system: System) -> dict[str, Any] | None:
    """Return ECE, Brier score and reliability bins after and before temperature scaling; None without probabilities."""
    if system.probs is None or system.calibrated is None:
        return None
    return {
        **_figures(split, system, system.calibrated),
        "bin_count": BINS,
        "temperature": [each.temperature for each in system.calibrations],
        "scaled": bool(system.calibrations),
        "raw": _figures(split, system, system.probs),
    }


def _figures(split: Split, system: System, probs: Floats) -> dict[str, Any]:
    confidence, correct = probs.max(-1), system.pred == split.gold
    return {
        "ece": float(np.mean([expected_calibration_error(*pair) for pair in zip(confidence, correct, strict=True)])),
        "brier": float(np.mean([brier(each, split.gold) for each in probs])),
        "nll": float(np.mean([negative_log_likelihood(each, split.gold) for each in probs])),
        "confidence": float(confidence.mean()),
        "bins": [asdict(each) for each in reliability(confidence.ravel(), correct.ravel())],
    }


def selective_section(split: Split, system: System) -> dict[str, Any] | None:
    """Return accuracy against coverage over all seeds and what the thresholds fitted on dev give here."""
    if system.calibrated is None:
        return None
    confidence, correct = system.calibrated.max(-1), system.pred == split.gold
    curve = selective_curve(confidence.ravel(), correct.ravel())
    return {
        "threshold": _mean([each.threshold for each in system.calibrations]),
        "target_accuracy": _mean([each.target_accuracy for each in system.calibrations]),
        **_at_thresholds(confidence, correct, [each.threshold for each in system.calibrations]),
        "curve": [asdict(point) for point in curve],
    }


def _at_thresholds(confidence: Floats, correct: Bools, thresholds: list[float]) -> dict[str, float | None]:
    if not thresholds:
        return {"coverage": None, "accuracy": None}
    answered = confidence >= np.array(thresholds)[:, None]
    hits = int((answered & correct).sum())
    return {
        "coverage": float(answered.mean()),
        "accuracy": hits / int(answered.sum()) if answered.any() else None,
    }


def _mean(values: list[float]) -> float | None:
    return float(np.mean(values)) if values else None
