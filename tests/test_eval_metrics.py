"""The metrics agree with scikit-learn and have defined values at the edges."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, f1_score, matthews_corrcoef, precision_recall_fscore_support

from eval.metrics import (
    accuracy_of,
    class_f1,
    class_precision,
    class_recall,
    confusion,
    f1_favor_against_of,
    macro_f1,
    macro_f1_of,
    mcc_of,
    unit_confusions,
)

labels = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), min_size=1, max_size=40)


@settings(deadline=None)  # a busy machine is no fault of the metrics
@given(labels)
def test_metrics_equal_sklearn(pairs: list[tuple[int, int]]) -> None:
    """Headline metrics are scikit-learn's on any labels."""
    gold, pred = (np.array(each) for each in zip(*pairs, strict=True))
    matrix = confusion(gold, pred)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert macro_f1(gold, pred) == pytest.approx(f1_score(gold, pred, average="macro"))
        assert accuracy_of(matrix) == pytest.approx(accuracy_score(gold, pred))
        assert mcc_of(matrix) == pytest.approx(matthews_corrcoef(gold, pred), abs=1e-9)
        present = [each for each in (0, 2) if each in gold or each in pred]
        if present:
            assert f1_favor_against_of(matrix) == pytest.approx(f1_score(gold, pred, labels=present, average="macro", zero_division=0))
        else:
            assert np.isnan(f1_favor_against_of(matrix))


def test_per_class_figures_equal_sklearn() -> None:
    """Precision, recall and F1 of each class are scikit-learn's."""
    rng = np.random.default_rng(3)
    gold, pred = rng.integers(0, 3, 200), rng.integers(0, 3, 200)
    matrix = confusion(gold, pred)
    precision, recall, f1, support = precision_recall_fscore_support(gold, pred)
    np.testing.assert_allclose(class_precision(matrix), precision)
    np.testing.assert_allclose(class_recall(matrix), recall)
    np.testing.assert_allclose(class_f1(matrix), f1)
    np.testing.assert_allclose(matrix.sum(1), support)


def test_the_semeval_score_is_the_published_one() -> None:
    """The majority baseline of SemEval-2016 Task 6 A scores 52.01 (favor), 78.44 (against) and 65.22 (Mohammad et al. 2016, table 3).

    Gold counts (against, none, favor) of the test tweets and the majority stance of the training tweets, target by target.
    """
    targets = {
        "atheism": ((160, 28, 32), 0),
        "climate": ((11, 35, 123), 2),
        "feminism": ((183, 44, 58), 0),
        "clinton": ((172, 78, 45), 0),
        "abortion": ((189, 45, 46), 0),
    }
    gold = [stance for counts, _ in targets.values() for stance, count in enumerate(counts) for _ in range(count)]
    pred = [majority for counts, majority in targets.values() for _ in range(sum(counts))]
    matrix = confusion(gold, pred)
    assert len(gold) == 1249
    assert class_f1(matrix)[[2, 0]].round(4).tolist() == [0.5201, 0.7844]
    assert f1_favor_against_of(matrix).round(4) == 0.6522


def test_macro_f1_leaves_out_a_class_in_neither_gold_nor_prediction() -> None:
    """Two perfect classes and an absent third give 1, a false third costs."""
    assert macro_f1([0, 1, 0], [0, 1, 0]) == 1.0
    assert macro_f1([0, 1, 0], [0, 1, 2]) == pytest.approx((2 / 3 + 1 + 0) / 3)


@pytest.mark.parametrize(("gold", "pred"), [([], []), ([0, 1], [0])])
def test_macro_f1_refuses_nothing_to_score(gold: list[int], pred: list[int]) -> None:
    """No items, or unequal lengths, are an error and never NaN."""
    with pytest.raises(ValueError, match="macro-F1 needs"):
        macro_f1(gold, pred)


def test_constant_predictions_have_defined_values() -> None:
    """All-equal predictions: MCC 0 as in scikit-learn, precision of the others undefined."""
    matrix = confusion([0, 1, 2], [1, 1, 1])
    assert mcc_of(matrix) == 0.0
    assert np.isnan(class_precision(matrix)[[0, 2]]).all()
    assert macro_f1_of(matrix) == pytest.approx(0.5 / 3)


def test_unit_confusions_add_up_to_the_whole() -> None:
    """Counts per document and seed sum to each seed's confusion."""
    rng = np.random.default_rng(1)
    units, gold, pred = rng.integers(0, 5, 60), rng.integers(0, 3, 60), rng.integers(0, 3, (2, 60))
    counts = unit_confusions(units, gold, pred, 5)
    assert counts.shape == (5, 2, 3, 3)
    for seed in range(2):
        np.testing.assert_array_equal(counts[:, seed].sum(0), confusion(gold, pred[seed]))
        np.testing.assert_array_equal(counts[2, seed], confusion(gold[units == 2], pred[seed][units == 2]))
