"""Intervals agree with scipy's bootstrap and cover what they promise."""

import numpy as np
import pytest
from scipy import stats

from eval.bootstrap import draw_weights, estimate, percentile_interval, resample_confusions, resample_sums
from eval.metrics import Floats, accuracy_of, f1_favor_against_of, macro_f1_of, unit_confusions


def clustered_counts(documents: int, rng: np.random.Generator, *, seeds: int = 1, size: int = 8) -> Floats:
    """Simulate documents whose items share a difficulty, so that rows within a document are correlated."""
    units = np.repeat(np.arange(documents), size)
    gold = rng.integers(0, 3, documents * size)
    right = rng.beta(4, 2, documents)
    pred = np.where(rng.random((seeds, len(gold))) < right[units], gold, (gold + rng.integers(1, 3, (seeds, len(gold)))) % 3)
    return unit_confusions(units, gold, pred, documents)


def test_interval_equals_scipy_on_cluster_sums() -> None:
    """Accuracy's percentile interval is that of scipy.stats.bootstrap over documents, up to resampling noise."""
    counts = clustered_counts(40, np.random.default_rng(5))
    hits, sizes = np.trace(counts[:, 0], axis1=-2, axis2=-1), counts[:, 0].sum((-1, -2))

    def ratio(hit: Floats, size: Floats, axis: int) -> Floats:
        return hit.sum(axis) / size.sum(axis)

    reference = stats.bootstrap(
        (hits, sizes), ratio, paired=True, method="percentile", n_resamples=20_000, rng=np.random.default_rng(1), vectorized=True
    ).confidence_interval
    drawn = resample_confusions(counts, np.random.default_rng(2), 20_000)
    found = estimate(counts, accuracy_of, drawn).ci95
    assert found is not None
    assert found == pytest.approx((reference.low, reference.high), abs=0.004)


def test_weights_draw_with_replacement() -> None:
    """Each resample draws as many units as there are, every unit once on average."""
    weights = draw_weights(7, 4_000, np.random.default_rng(0))
    assert (weights.sum(1) == 7).all()
    np.testing.assert_allclose(weights.mean(0), 1, atol=0.06)
    assert weights.var() == pytest.approx(6 / 7, abs=0.03)


def test_chunks_make_no_difference_to_the_shape(monkeypatch: pytest.MonkeyPatch) -> None:
    """Many units are resampled in pieces that together have all resamples."""
    monkeypatch.setattr("eval.bootstrap.MAX_CELLS", 30)
    sums = resample_sums(np.ones((10, 2)), np.random.default_rng(0), 25)
    assert sums.shape == (25, 2)
    assert (sums == 10).all()


def test_estimate_over_seeds() -> None:
    """Mean and sd are those of the seeds' values; one seed has no sd."""
    counts = clustered_counts(12, np.random.default_rng(3), seeds=3)
    values = [float(macro_f1_of(counts[:, seed].sum(0))) for seed in range(3)]
    found = estimate(counts, macro_f1_of, None)
    assert found.seeds == pytest.approx(values)
    assert found.mean == pytest.approx(np.mean(values))
    assert found.sd == pytest.approx(np.std(values, ddof=1))
    assert found.ci95 is None
    assert estimate(counts[:, :1], macro_f1_of, None).sd is None


def test_undefined_metric_is_none_and_never_nan() -> None:
    """Only neutral items: F1 of favor and against does not exist, and says so by None."""
    counts = np.zeros((3, 1, 3, 3))
    counts[:, :, 1, 1] = 5
    found = estimate(counts, f1_favor_against_of, resample_confusions(counts, np.random.default_rng(0), 200))
    assert found.to_json() == {"mean": None, "sd": None, "ci95": None, "seeds": [None]}


def test_same_rng_same_interval() -> None:
    """The randomness is the generator's alone."""
    counts = clustered_counts(15, np.random.default_rng(8))
    first, second = (estimate(counts, macro_f1_of, resample_confusions(counts, np.random.default_rng(4), 300)) for _ in range(2))
    assert first == second


@pytest.mark.slow
def test_intervals_cover_the_truth() -> None:
    """95 % intervals of macro-F1 hold the true value in 93 to 97 % of simulated test sets of clustered documents."""
    truth = float(macro_f1_of(clustered_counts(150_000, np.random.default_rng(0)).sum((0, 1))))
    rng = np.random.default_rng(99)
    covered, rounds = 0, 4_000
    for _ in range(rounds):
        counts = clustered_counts(80, rng)
        interval = percentile_interval(macro_f1_of(resample_confusions(counts, rng, 600))[:, 0])
        assert interval is not None
        covered += interval[0] <= truth <= interval[1]
    assert 0.93 <= covered / rounds <= 0.97
