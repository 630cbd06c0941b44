"""Percentile intervals by resampling whole documents: counts per document once, then matrix products."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from eval.metrics import CLASSES, CONFIDENCE_LEVEL, Floats, Ints, Metric

RESAMPLES = 2_000
MAX_CELLS = 4_000_000
"""Cells of the (resamples, units) weight matrix that are held at once."""
MIN_DEFINED = 0.5
"""An interval is left out when more of the resamples than this have no defined value."""


@dataclass(frozen=True)
class Estimate:
    """A metric over seeds with its interval; None stands for what is undefined."""

    mean: float | None
    sd: float | None
    ci95: tuple[float, float] | None
    seeds: tuple[float | None, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the estimate as it stands in report.json."""
        ci95 = list(self.ci95) if self.ci95 else None
        return {"mean": self.mean, "sd": self.sd, "ci95": ci95, "seeds": list(self.seeds)}


def resample_sums(statistics: Floats, rng: np.random.Generator, resamples: int = RESAMPLES) -> Floats:
    """Draw units with replacement and sum their statistics.

    Args:
        statistics: one row a unit, shape (units, k).
        rng: source of the draws.
        resamples: how many times as many units as there are get drawn.

    Returns:
        Sums of shape (resamples, k).
    """
    units = len(statistics)
    chunk = max(1, MAX_CELLS // units)
    sums = []
    for start in range(0, resamples, chunk):
        rows = min(chunk, resamples - start)
        sums.append(draw_weights(units, rows, rng) @ statistics)
    return np.concatenate(sums)


def draw_weights(units: int, rows: int, rng: np.random.Generator) -> Floats:
    """Return how often each unit is drawn in each resample, shape (rows, units)."""
    drawn: Ints = rng.integers(0, units, size=(rows, units))
    drawn += np.arange(rows)[:, None] * units
    return np.bincount(drawn.ravel(), minlength=rows * units).reshape(rows, units).astype(np.float64)


def resample_confusions(counts: Floats, rng: np.random.Generator, resamples: int = RESAMPLES) -> Floats:
    """Resample the units of `counts`, shape (units, seeds, 3, 3), into confusions of shape (resamples, seeds, 3, 3)."""
    units, seeds = counts.shape[:2]
    sums = resample_sums(counts.reshape(units, -1), rng, resamples)
    return sums.reshape(-1, seeds, CLASSES, CLASSES)


def estimate(counts: Floats, metric: Metric, resampled: Floats | None) -> Estimate:
    """Estimate a metric: mean and sd over seeds, percentile interval of the mean over resampled units.

    Args:
        counts: confusions of shape (units, seeds, 3, 3).
        metric: one of `eval.metrics`.
        resampled: what `resample_confusions` drew from `counts`; None for no interval.
    """
    per_seed = metric(counts.sum(0))
    defined = per_seed[~np.isnan(per_seed)]
    return Estimate(
        mean=float(defined.mean()) if len(defined) else None,
        sd=float(defined.std(ddof=1)) if len(defined) > 1 else None,
        ci95=None if resampled is None else percentile_interval(mean_over_seeds(metric(resampled))),
        seeds=tuple(None if np.isnan(value) else float(value) for value in per_seed),
    )


def mean_over_seeds(values: Floats) -> Floats:
    """Average shape (resamples, seeds) over the seeds with a defined value; NaN where there is none."""
    defined = ~np.isnan(values)
    count = defined.sum(-1)
    return np.where(count > 0, np.where(defined, values, 0.0).sum(-1) / np.maximum(count, 1), np.nan)


def percentile_interval(samples: Floats, level: float = CONFIDENCE_LEVEL) -> tuple[float, float] | None:
    """Return the central interval of bootstrap samples (Efron 1979), or None when most are undefined."""
    defined = samples[~np.isnan(samples)]
    if len(defined) == 0 or len(defined) < MIN_DEFINED * len(samples):
        return None
    low, high = np.quantile(defined, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
