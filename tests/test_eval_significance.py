"""Paired tests agree with statsmodels and scipy, and keep their error rate on clustered data."""

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.contingency_tables import mcnemar as statsmodels_mcnemar
from statsmodels.stats.multitest import multipletests

from eval.metrics import Floats, accuracy_of, macro_f1_of, unit_confusions
from eval.significance import detectable_difference, holm, mcnemar, pair_seeds, randomisation_test, smallest_p

ACCURACY = {"accuracy": accuracy_of}
MACRO_F1 = {"macro_f1": macro_f1_of}


def two_systems(
    documents: int, rng: np.random.Generator, *, gain: float = 0.0, seeds: tuple[int, int] = (1, 1), size: int = 8
) -> tuple[Floats, Floats]:
    """Simulate two systems whose success depends on the document in each its own way; b is better by `gain`."""
    units = np.repeat(np.arange(documents), size)
    gold = rng.integers(0, 3, documents * size)
    counts = []
    for number, extra in zip(seeds, (0.0, gain), strict=True):
        right = np.clip(rng.beta(3, 2, documents) + extra, 0, 1)[units]
        wrong = (gold + rng.integers(1, 3, (number, len(gold)))) % 3
        counts.append(unit_confusions(units, gold, np.where(rng.random((number, len(gold))) < right, gold, wrong), documents))
    return counts[0], counts[1]


def test_randomisation_equals_scipy_on_document_accuracies() -> None:
    """With documents of one size the test on accuracy is scipy's paired permutation test of per-document hits."""
    a, b = two_systems(10, np.random.default_rng(11), gain=0.15)
    hits = [np.trace(each[:, 0], axis1=-2, axis2=-1) for each in (a, b)]
    reference = stats.permutation_test(hits, lambda x, y: np.mean(y) - np.mean(x), permutation_type="samples", n_resamples=np.inf)
    found = randomisation_test(a, b, ACCURACY, np.random.default_rng(0), 40_000)["accuracy"]
    assert found == pytest.approx(reference.pvalue, abs=0.01)


def test_randomisation_equals_full_enumeration_for_macro_f1() -> None:
    """For few documents, p is the share of all swaps that are at least as extreme."""
    a, b = two_systems(8, np.random.default_rng(2), gain=0.2, seeds=(2, 2))

    def statistic(swaps: Floats) -> float:
        moved = np.tensordot(swaps, b - a, axes=1)
        return float(abs(np.mean(macro_f1_of(b.sum(0) - moved) - macro_f1_of(a.sum(0) + moved))))

    swaps = [np.array([number >> bit & 1 for bit in range(8)], dtype=float) for number in range(256)]
    exact = np.mean([statistic(each) >= statistic(np.zeros(8)) - 1e-12 for each in swaps])
    assert randomisation_test(a, b, MACRO_F1, np.random.default_rng(0), 256)["macro_f1"] == exact
    assert randomisation_test(a, b, MACRO_F1, np.random.default_rng(0), 255)["macro_f1"] == pytest.approx(exact, abs=0.1)


def test_identical_systems_have_p_one() -> None:
    """No difference at all is no evidence."""
    a, _ = two_systems(6, np.random.default_rng(1))
    assert randomisation_test(a, a, MACRO_F1, np.random.default_rng(0), 500) == {"macro_f1": 1.0}


def test_p_is_never_zero() -> None:
    """However extreme the difference, a hundred rounds cannot show more than one in a hundred and one."""
    a, b = two_systems(60, np.random.default_rng(4), gain=0.5)
    assert randomisation_test(a, b, MACRO_F1, np.random.default_rng(0), 100) == {"macro_f1": pytest.approx(1 / 101)}


def test_clear_difference_is_found_with_unequal_seeds() -> None:
    """Three seeds against two are compared as they are."""
    a, b = two_systems(40, np.random.default_rng(4), gain=0.25, seeds=(3, 2))
    assert randomisation_test(a, b, MACRO_F1, np.random.default_rng(0), 2_000)["macro_f1"] < 0.01


def test_pairing_seeds_keeps_the_mean() -> None:
    """Repeating seeds up to a common number leaves the mean over seeds as it was; absurd numbers are averaged."""
    a, b = two_systems(9, np.random.default_rng(6), seeds=(3, 2))
    paired_a, paired_b = pair_seeds(a, b)
    assert paired_a.shape[1] == paired_b.shape[1] == 6
    assert macro_f1_of(paired_a.sum(0)).mean() == pytest.approx(macro_f1_of(a.sum(0)).mean())
    assert macro_f1_of(paired_b.sum(0)).mean() == pytest.approx(macro_f1_of(b.sum(0)).mean())
    many_a, many_b = two_systems(4, np.random.default_rng(6), seeds=(11, 13))
    assert pair_seeds(many_a, many_b)[0].shape[1] == 1


@pytest.mark.parametrize(("only_a", "only_b", "both"), [(3, 12, 40), (0, 5, 2), (7, 7, 0), (30, 55, 200)])
def test_mcnemar_equals_statsmodels(only_a: int, only_b: int, both: int) -> None:
    """The exact p-value is that of statsmodels."""
    right_a = [True] * both + [True] * only_a + [False] * only_b
    right_b = [True] * both + [False] * only_a + [True] * only_b
    reference = statsmodels_mcnemar([[both, only_a], [only_b, 0]], exact=True).pvalue
    assert mcnemar(right_a, right_b) == pytest.approx(reference)


def test_mcnemar_without_discordant_items_is_one() -> None:
    """Systems right and wrong together cannot be told apart."""
    assert mcnemar([True, False], [True, False]) == 1.0


@pytest.mark.parametrize("p_values", [[0.01, 0.04, 0.03], [0.5], [0.9, 0.001, 0.2, 0.2], [0.02, 0.02, 0.02]])
def test_holm_equals_statsmodels(p_values: list[float]) -> None:
    """Adjusted p-values are those of statsmodels, in the given order."""
    assert holm(p_values) == pytest.approx(multipletests(p_values, method="holm")[1])


def test_detectable_difference_gives_eighty_percent_power() -> None:
    """A true difference of the given size is significant in 80 % of normal samples with the same standard error."""
    samples = np.random.default_rng(0).normal(0.1, 0.03, 20_000)
    smallest = detectable_difference(samples)
    assert smallest is not None
    power = stats.norm.sf(1.96 - smallest / 0.03) + stats.norm.cdf(-1.96 - smallest / 0.03)
    assert power == pytest.approx(0.8, abs=0.01)


def test_no_p_lies_below_the_smallest() -> None:
    a, b = two_systems(5, np.random.default_rng(4), gain=0.9)
    assert all(randomisation_test(a, b, MACRO_F1, np.random.default_rng(1), rounds)["macro_f1"] >= 0.0625 for rounds in (31, 32, 10_000))


def test_smallest_p_of_few_documents() -> None:
    """Four documents allow no p-value under one eighth."""
    assert smallest_p(4) == 0.125
    assert smallest_p(200, rounds=999) == 0.001


@pytest.mark.slow
def test_false_positive_rate_on_clustered_data() -> None:
    """Two equally good systems are called different in 3.5 to 6.5 % of simulated test sets."""
    rng = np.random.default_rng(2026)
    rounds = 4_000
    found = sum(randomisation_test(*two_systems(40, rng, seeds=(2, 2)), MACRO_F1, rng, 400)["macro_f1"] < 0.05 for _ in range(rounds))
    assert 0.035 <= found / rounds <= 0.065
