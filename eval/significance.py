"""Paired tests between two systems on the same items, and what a test set can tell apart at all."""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from eval.bootstrap import MAX_CELLS, mean_over_seeds
from eval.metrics import CLASSES, Floats, Ints, Metric

ROUNDS = 10_000
POWER_FACTOR = 2.8
"""z(0.975) + z(0.80): a difference this many standard errors wide is found in 80 % of test sets at the 5 % level."""
MAX_SEED_PAIRS = 100
TIE = 1e-12


def pair_seeds(a: Floats, b: Floats) -> tuple[Floats, Floats]:
    """Give both systems the same number of seeds by repeating theirs up to the least common multiple.

    Args:
        a: confusions of shape (units, seeds of a, 3, 3).
        b: confusions of shape (units, seeds of b, 3, 3).
    """
    pairs = math.lcm(a.shape[1], b.shape[1])
    if pairs > MAX_SEED_PAIRS:  # every repetition is a further matrix product; the mean confusion says nearly the same
        return a.mean(1, keepdims=True), b.mean(1, keepdims=True)
    return a[:, np.arange(pairs) % a.shape[1]], b[:, np.arange(pairs) % b.shape[1]]


def randomisation_test(
    a: Floats, b: Floats, metrics: Mapping[str, Metric], rng: np.random.Generator, rounds: int = ROUNDS
) -> dict[str, float]:
    """Test each metric by paired approximate randomisation (Noreen 1989; Yeh 2000), two-sided.

    A round swaps all predictions of each document, in every seed, between the systems with probability one half; the
    statistic is the difference of the mean over seeds. p = (1 + rounds at least as extreme) / (1 + rounds). Where there are no more
    ways to swap than rounds, each is taken once and p is exact.

    Args:
        a: confusions of shape (units, seeds of a, 3, 3).
        b: confusions of shape (units, seeds of b, 3, 3).
        metrics: the statistics, all tested on the same swaps.
        rng: source of the swaps.
        rounds: how many.
    """
    a, b = pair_seeds(a, b)
    units, seeds = a.shape[:2]
    exact = 2**units <= rounds
    difference = (b - a).reshape(units, -1)
    total_a, total_b = a.sum(0), b.sum(0)
    observed = {name: abs(_difference(metric, total_a, total_b)) for name, metric in metrics.items()}
    extreme = dict.fromkeys(metrics, 0)
    chunk = max(1, MAX_CELLS // max(units, seeds * CLASSES * CLASSES))
    total = 2**units if exact else rounds
    for start in range(0, total, chunk):
        size = min(chunk, total - start)
        drawn = every_swap(start, size, units) if exact else rng.integers(0, 2, size=(size, units))
        swaps = drawn.astype(np.float64)
        moved = (swaps @ difference).reshape(-1, seeds, CLASSES, CLASSES)
        for name, metric in metrics.items():
            extreme[name] += int((np.abs(_difference(metric, total_a + moved, total_b - moved)) >= observed[name] - TIE).sum())
    least = smallest_p(units, rounds)
    return {name: count / total if exact else max(least, (1 + count) / (1 + rounds)) for name, count in extreme.items()}


def every_swap(start: int, size: int, units: int) -> Ints:
    """Return the rows from `start` on of the table of all ways to swap `units` documents, shape (size, units)."""
    return np.arange(start, start + size)[:, None] >> np.arange(units) & 1


def _difference(metric: Metric, a: Floats, b: Floats) -> Floats:
    return np.nan_to_num(mean_over_seeds(metric(b)) - mean_over_seeds(metric(a)))


def smallest_p(units: int, rounds: int = ROUNDS) -> float:
    """Return the smallest p-value that swapping `units` documents can give."""
    return max(2.0 ** (1 - units), 1 / (1 + rounds)) if units < 60 else 1 / (1 + rounds)


def mcnemar(correct_a: Sequence[bool], correct_b: Sequence[bool]) -> float:
    """Return the exact two-sided p-value of McNemar's test; 1 when the systems never differ in correctness."""
    from scipy.stats import binomtest

    only_a = int(sum(x and not y for x, y in zip(correct_a, correct_b, strict=True)))
    only_b = int(sum(y and not x for x, y in zip(correct_a, correct_b, strict=True)))
    return float(binomtest(only_a, only_a + only_b, 0.5).pvalue) if only_a + only_b else 1.0


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjust p-values for testing several hypotheses (Holm 1979); the order is kept."""
    adjusted = [0.0] * len(p_values)
    running = 0.0
    for rank, index in enumerate(sorted(range(len(p_values)), key=lambda each: p_values[each])):
        running = max(running, min(1.0, (len(p_values) - rank) * p_values[index]))
        adjusted[index] = running
    return adjusted


def detectable_difference(delta_samples: Floats) -> float | None:
    """Return the smallest true difference found with 80 % power at the 5 % level, from bootstrap samples of the delta."""
    defined = delta_samples[~np.isnan(delta_samples)]
    return float(POWER_FACTOR * defined.std(ddof=1)) if len(defined) > 1 else None
