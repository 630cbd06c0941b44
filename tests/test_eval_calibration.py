"""Calibration figures agree with torchmetrics and scikit-learn."""

import json
from pathlib import Path

import numpy as np
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss

from data.errors import InputError
from data.records import STANCES, Prediction
from eval.calibration import (
    Calibration,
    brier,
    calibrate,
    choose_threshold,
    expected_calibration_error,
    fit_temperature,
    negative_log_likelihood,
    reliability,
    scale,
    selective_curve,
)
from eval.metrics import Floats, Ints


def overconfident(n: int = 600, seed: int = 0, sharpness: float = 2.5) -> tuple[Floats, Ints]:
    """Return probabilities that are `sharpness` times too sharp, and gold labels drawn from the honest ones."""
    rng = np.random.default_rng(seed)
    honest = scale(rng.dirichlet((1.0, 1.0, 1.0), n), 1.0)
    gold = np.array([rng.choice(3, p=row) for row in honest])
    return scale(honest, 1 / sharpness), gold


def as_predictions(probs: Floats, gold: Ints) -> list[Prediction]:
    """Return prediction rows of probabilities and gold labels."""
    return [
        Prediction.model_validate(
            {
                "id": str(index), "doc_id": "d", "actor": "a", "gold": STANCES[label], "pred": STANCES[int(row.argmax())],
                "probs": dict(zip(STANCES, row.tolist(), strict=True)),
            }
        )
        for index, (row, label) in enumerate(zip(probs, gold, strict=True))
    ]  # fmt: skip


def test_ece_equals_torchmetrics() -> None:
    """The expected calibration error is torchmetrics' l1 norm over 15 bins."""
    torch = pytest.importorskip("torch")
    functional = pytest.importorskip("torchmetrics.functional.classification")
    probs, gold = overconfident()
    reference = functional.multiclass_calibration_error(torch.tensor(probs), torch.tensor(gold), num_classes=3, n_bins=15, norm="l1")
    found = expected_calibration_error(probs.max(-1), probs.argmax(-1) == gold)
    assert found == pytest.approx(float(reference), abs=1e-5)


def test_temperature_equals_sklearn() -> None:
    """The temperature is that of CalibratedClassifierCV(method='temperature') on a frozen classifier."""
    rng = np.random.default_rng(4)
    features = rng.normal(size=(900, 4))
    gold = (features @ rng.normal(size=(4, 3)) + rng.gumbel(size=(900, 3)) * 2).argmax(-1)
    model = LogisticRegression(C=1e3).fit(features[:30], gold[:30])
    scaled = CalibratedClassifierCV(FrozenEstimator(model), method="temperature").fit(features[30:], gold[30:])
    mine = fit_temperature(model.predict_proba(features[30:]), gold[30:])
    np.testing.assert_allclose(scale(model.predict_proba(features), mine), scaled.predict_proba(features), atol=2e-3)


def test_temperature_finds_the_sharpness() -> None:
    """Probabilities made 2.5 times too sharp need a temperature of 2.5."""
    probs, gold = overconfident(6_000)
    assert fit_temperature(probs, gold) == pytest.approx(2.5, rel=0.06)


def test_likelihood_and_brier_have_their_reference_values() -> None:
    """The likelihood is scikit-learn's log loss; the Brier score of hand-computed rows holds."""
    probs, gold = overconfident(50)
    assert negative_log_likelihood(probs, gold) == pytest.approx(log_loss(gold, probs, labels=[0, 1, 2]))
    assert brier(np.array([[1.0, 0, 0], [0.5, 0.5, 0]]), np.array([0, 2])) == pytest.approx((0 + 1.5) / 2)


def test_calibrate_keeps_answers_and_survives_json(tmp_path: Path) -> None:
    """Temperature scaling changes no answer, and calibration.json reads back as it was."""
    probs, gold = overconfident()
    found = calibrate(as_predictions(probs, gold))
    assert (found.apply(probs).argmax(-1) == probs.argmax(-1)).all()
    np.testing.assert_allclose(found.apply(probs).sum(-1), 1)
    (tmp_path / "calibration.json").write_text(json.dumps(found.to_json()))
    assert Calibration.read(tmp_path / "calibration.json") == found


def test_calibrated_probabilities_are_better_calibrated() -> None:
    """Held-out calibration error falls."""
    found = calibrate(as_predictions(*overconfident(800, seed=1)))
    probs, gold = overconfident(3_000, seed=2)
    right = probs.argmax(-1) == gold
    assert expected_calibration_error(found.apply(probs).max(-1), right) < expected_calibration_error(probs.max(-1), right) / 2


def test_threshold_reaches_its_target_with_most_coverage() -> None:
    """The threshold is the lowest whose answers are right often enough."""
    confidence = np.linspace(0.99, 0.4, 100)
    correct = np.arange(100) % 10 != 9  # 90 % right all along
    correct[60:] = False
    threshold, target = choose_threshold(confidence, correct)
    answered = confidence >= threshold
    assert target == 0.9
    assert correct[answered].mean() >= 0.9
    assert answered.sum() == 60


def test_unreachable_target_steps_down() -> None:
    """A model right in 70 % at any confidence is asked for no more than that, and answers everything."""
    correct = np.arange(100) % 10 < 7
    assert choose_threshold(np.linspace(0.9, 0.5, 100), correct) == (0.0, 0.7)


def test_lucky_few_set_no_threshold() -> None:
    """Ten right answers at the top do not make a threshold."""
    correct = np.array([True] * 10 + [False, True] * 45)
    threshold, target = choose_threshold(np.linspace(0.9, 0.5, 100), correct)
    assert target == 0.6
    assert (np.linspace(0.9, 0.5, 100) >= threshold).sum() >= 50


def test_good_model_answers_everything() -> None:
    """Accuracy above the target needs no threshold."""
    assert choose_threshold(np.array([0.5, 0.6, 0.7]), np.array([True, True, True])) == (0.0, 0.9)


def test_ties_in_confidence_are_answered_together() -> None:
    """A threshold cannot separate answers of the same confidence."""
    confidence = np.array([0.9] * 50 + [0.6] * 20)
    correct = np.array([True] * 50 + [True] * 10 + [False] * 10)
    assert choose_threshold(confidence, correct, 0.9) == (0.9, 0.9)


def test_reliability_bins_hold_every_answer() -> None:
    """Confidence 1 falls into the last bin, empty bins have no accuracy."""
    bins = reliability(np.array([1.0, 0.5, 0.5]), np.array([True, False, True]), bins=10)
    assert [each.n for each in bins] == [0, 0, 0, 0, 0, 2, 0, 0, 0, 1]
    assert bins[0].accuracy is None
    assert bins[5].accuracy == 0.5


def test_selective_curve_ends_at_full_coverage() -> None:
    """The curve's last point is the accuracy of all answers."""
    curve = selective_curve(np.array([0.9, 0.5, 0.7]), np.array([True, False, True]))
    assert [(round(each.coverage, 3), round(each.accuracy, 3)) for each in curve] == [(0.333, 1.0), (0.667, 1.0), (1.0, 0.667)]


def test_calibrate_needs_gold() -> None:
    """Without labels there is nothing to fit to."""
    rows = [row.model_copy(update={"gold": None}) for row in as_predictions(*overconfident(5))]
    with pytest.raises(InputError, match="gold labels"):
        calibrate(rows)


@pytest.mark.parametrize("text", ["{}", "[]", '{"temperature": 0, "threshold": 0.5, "target_accuracy": 0.9}', "nonsense"])
def test_faulty_calibration_file_is_named(tmp_path: Path, text: str) -> None:
    """A broken calibration.json is refused by its path."""
    (tmp_path / "calibration.json").write_text(text)
    with pytest.raises(InputError, match=r"calibration\.json"):
        Calibration.read(tmp_path / "calibration.json")
