"""Quantification: the adjusted count recovers true shares that counting misses, and its intervals hold them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize

from data.items import Item
from data.records import STANCES
from eval.aggregates import (
    Confusability,
    adjusted_shares,
    aggregate_section,
    interval_of,
    measure_confusability,
    project_to_simplex,
    row_shares,
)
from eval.bootstrap import resample_sums
from eval.metrics import Floats
from eval.systems import Split, System

BIASED = np.array([[0.6, 0.35, 0.05], [0.1, 0.8, 0.1], [0.05, 0.45, 0.5]])
"""A classifier that hides behind neutral."""


def make_item(number: int, sent: int, stance: str) -> Item:
    actor = "xy"[sent % 2]
    shared = {"doc_id": f"d{number}", "sent_id": sent, "text": actor, "actor": actor, "mention": actor, "start": 0, "end": 1}
    return Item.model_validate({"id": f"{number}:{sent}", "stance": stance, **shared})


def simulate(documents: int, shares: Floats, rng: np.random.Generator, name: str = "test") -> tuple[Split, System]:
    items, pred = [], []
    for number in range(documents):
        for sent in range(10):
            gold = int(rng.choice(3, p=shares))
            pred.append(int(rng.choice(3, p=BIASED[gold])))
            items.append(make_item(number, sent, STANCES[gold]))
    split = Split(name, tuple(items))
    return split, System("toy", split.ids, (1,), np.array([pred]), None)


def test_correction_inverts_known_confusions() -> None:
    truth = np.array([[0.5, 0.2, 0.3], [0.1, 0.8, 0.1], [1.0, 0.0, 0.0]])
    np.testing.assert_allclose(adjusted_shares(truth @ BIASED, BIASED), truth, atol=0.02)


@given(st.lists(st.floats(-2, 3), min_size=3, max_size=3))
def test_projection_is_the_nearest_point_of_the_simplex(values: list[float]) -> None:
    point = np.array(values)
    found = project_to_simplex(point)
    assert found.sum() == pytest.approx(1)
    assert (found >= 0).all()
    constraint = {"type": "eq", "fun": lambda each: each.sum() - 1}
    best = minimize(lambda each: ((each - point) ** 2).sum(), np.full(3, 1 / 3), bounds=[(0, 1)] * 3, constraints=[constraint])
    assert ((found - point) ** 2).sum() <= best.fun + 1e-5


def test_correction_beats_counting_on_shifted_data() -> None:
    rng = np.random.default_rng(0)
    dev, dev_system = simulate(400, np.array([0.3, 0.4, 0.3]), rng, "dev")
    test, system = simulate(400, np.array([0.6, 0.2, 0.2]), rng)
    found = aggregate_section(test, system, measure_confusability(dev, dev_system, rng), rng)["corpus"]
    error = {kind: sum(abs(found[kind][stance] - found["gold"][stance]) for stance in STANCES) for kind in ("predicted", "corrected")}
    assert error["corrected"] < error["predicted"] / 2
    assert sum(found["corrected"].values()) == pytest.approx(1)
    for stance in STANCES:
        assert found["ci95"][stance][0] <= found["gold"][stance] <= found["ci95"][stance][1]


def test_perfect_classifier_is_left_alone() -> None:
    confusability = row_shares(np.diag([40.0, 50.0, 60.0]))
    np.testing.assert_allclose(adjusted_shares(np.array([0.2, 0.5, 0.3]), confusability), [0.2, 0.5, 0.3], atol=1e-6)


def test_class_missing_on_dev_gives_defined_shares() -> None:
    confusability = row_shares(np.array([[5.0, 2, 0], [1, 8, 0], [0, 0, 0]]))
    found = adjusted_shares(np.array([0.3, 0.5, 0.2]), confusability)
    assert np.isfinite(found).all()
    assert found.sum() == pytest.approx(1)


def test_useless_classifier_gives_defined_shares() -> None:
    found = adjusted_shares(np.array([0.2, 0.5, 0.3]), np.full((3, 3), 1 / 3))
    assert np.isfinite(found).all()
    assert found.sum() == pytest.approx(1)


def test_units_are_documents_then_sentences_then_none() -> None:
    rng = np.random.default_rng(1)
    split, system = simulate(2, np.array([0.3, 0.4, 0.3]), rng)
    sure = Confusability(np.eye(3), np.repeat(np.eye(3)[None], 50, axis=0))
    found = aggregate_section(split, system, sure, rng)
    assert found["corpus"]["ci95"] is not None
    assert found["per_document"]["d0"]["ci95"] is not None
    single = Split("test", split.items[:1])
    alone = aggregate_section(single, system.keep(single.ids), sure, rng)
    assert alone["corpus"]["ci95"] is None
    assert alone["corpus"]["n"] == 1


def draw_clustered(documents: int, shares: Floats, rng: np.random.Generator) -> Floats:
    """Draw confusions a document, shape (documents, 3, 3): stances and confusions both differ from document to document."""
    stances = rng.multinomial(10, rng.dirichlet(shares * 6, documents))
    confusions = np.stack([rng.dirichlet(row * 12, documents) for row in BIASED], axis=1)
    return np.stack([rng.multinomial(stances[:, gold], confusions[:, gold]) for gold in range(3)], axis=1).astype(np.float64)


@pytest.mark.slow
def test_intervals_cover_the_true_shares() -> None:
    """95 % intervals hold the share that clustered documents were drawn with in 93 to 97 % of simulations, each stance alone too."""
    rng, truth = np.random.default_rng(5), np.array([0.5, 0.3, 0.2])
    covered, rounds = np.zeros(3), 4_000
    for _ in range(rounds):
        dev, test = draw_clustered(60, np.array([0.3, 0.4, 0.3]), rng), draw_clustered(60, truth, rng)
        samples = resample_sums(dev.reshape(60, 9), rng, 600).reshape(-1, 3, 3)
        found = interval_of(test.sum(1), Confusability(row_shares(dev.sum(0)), row_shares(samples)), rng)
        assert found is not None
        covered += [found[stance][0] <= share <= found[stance][1] for stance, share in zip(STANCES, truth, strict=True)]
    assert 0.93 <= covered.mean() / rounds <= 0.97
    assert (np.abs(covered / rounds - 0.95) <= 0.02).all()
