"""Groups, subsets and target confusion on hand-counted sentences."""

import numpy as np
import pytest

from data.items import Item
from data.records import STANCE_ID
from eval.calibration import Calibration
from eval.scores import score_groups, score_system
from eval.subsets import grouping, subsets, target_confusion
from eval.systems import Split, System
from eval.trust import calibration_section, selective_section

A, N, F = STANCE_ID["against"], STANCE_ID["neutral"], STANCE_ID["favor"]


def item(doc: str, sent: int, actor: str, stance: str, **more: object) -> Item:
    return Item(
        id=f"{doc}:{sent}:{actor}", doc_id=doc, sent_id=sent, text=f"{actor} speaks", actor=actor, mention=actor, start=0,
        end=len(actor), stance=stance, **more,
    )  # type: ignore[arg-type]  # fmt: skip


@pytest.fixture
def split() -> Split:
    return Split(
        "test",
        (
            item("d1", 1, "x", "against", genre="wire", phenomena=("negation",)),
            item("d1", 1, "y", "favor", genre="wire", phenomena=("negation",)),
            item("d1", 2, "x", "neutral", genre="wire"),
            item("d2", 1, "x", "neutral", genre="op-ed"),
            item("d2", 1, "y", "neutral", genre="op-ed"),
            item("d2", 2, "y", "against", genre="op-ed"),
            item("d2", 2, "z", "neutral", genre="op-ed"),
        ),
    )


def system_of(split: Split, *rows: list[int], probs: np.ndarray | None = None) -> System:
    return System("toy", split.ids, tuple(range(len(rows))), np.array(rows), probs)


def test_subsets_by_hand(split: Split) -> None:
    found = subsets(split)
    assert found["single_actor"].tolist() == [2]
    assert found["multi_actor"].tolist() == [0, 1, 3, 4, 5, 6]
    assert found["mixed_stance"].tolist() == [0, 1, 5, 6]


def test_target_confusion_by_hand(split: Split) -> None:
    # d1:1:x gets y's stance, d1:1:y gets neutral (nobody's), d2:2:y gets z's stance; the rest is right
    found = target_confusion(split, system_of(split, [F, N, N, N, N, N, N]))
    assert found == {"eligible": 4, "errors": 3.0, "confused": 2.0, "rate": 0.5, "share_of_errors": 2 / 3, "chance": 0.5}


def test_target_confusion_averages_over_seeds(split: Split) -> None:
    right = split.gold.tolist()
    found = target_confusion(split, system_of(split, right, [F, F, N, N, N, A, N]))
    assert (found["errors"], found["confused"], found["rate"], found["share_of_errors"]) == (0.5, 0.5, 0.125, 1.0)


def test_no_mixed_sentence_leaves_target_confusion_undefined(split: Split) -> None:
    alone = Split("test", split.items[2:5])
    found = target_confusion(alone, system_of(alone, [A, A, A]))
    assert (found["eligible"], found["rate"], found["share_of_errors"], found["chance"]) == (0, None, None, None)


def test_groups_are_scored_apart(split: Split) -> None:
    system = system_of(split, [A, F, A, N, N, A, A])
    groups = score_groups(split, system, grouping(split, "per_actor"), np.random.default_rng(0), 100)
    assert list(groups) == ["x", "y", "z"]
    assert groups["x"]["accuracy"]["mean"] == pytest.approx(2 / 3)
    assert groups["x"]["gold"] == {"against": 1, "neutral": 2, "favor": 0}
    assert groups["z"]["macro_f1"] == {"mean": 0.0, "sd": None, "ci95": None, "seeds": [0.0]}
    assert list(score_groups(split, system, grouping(split, "per_phenomenon"), np.random.default_rng(0), 100)) == ["negation"]
    assert score_groups(split, system, grouping(split, "per_genre"), np.random.default_rng(0), 100)["wire"]["documents"] == 1


def test_class_without_support_and_equal_answers_have_notes_and_no_nan(split: Split) -> None:
    one = Split("test", split.items[2:5])
    found = score_system(one, system_of(one, [N, N, N]), np.random.default_rng(0), 100)
    assert found["macro_f1"]["mean"] == 1.0
    assert found["mcc"]["mean"] == 0.0
    assert found["per_class"]["favor"] == {"precision": None, "recall": None, "f1": None, "f1_ci95": None, "support": 0}
    notes = " ".join(found["notes"])
    assert "no item has the gold stance favor" in notes
    assert "same stance" in notes


def test_single_document_is_resampled_by_sentence(split: Split) -> None:
    one = Split("seeds", split.items[3:])
    found = score_system(one, system_of(one, [N, A, A, N]), np.random.default_rng(0), 100)
    assert found["resampled_by"] == "sentence"
    assert any("resampled by sentence: one document (2 sentences)" in note for note in found["notes"])


def test_single_sentence_has_no_interval(split: Split) -> None:
    one = Split("seeds", split.items[:2])
    found = score_system(one, system_of(one, [A, F]), np.random.default_rng(0), 100)
    assert found["macro_f1"]["ci95"] is None
    assert "one sentence only: no intervals" in found["notes"]


def test_vote_breaks_ties_by_probability(split: Split) -> None:
    one = Split("test", split.items[:1])
    probs = np.array([[[0.6, 0.3, 0.1]], [[0.05, 0.05, 0.9]]])
    assert system_of(one, [A], [F], probs=probs).vote.tolist() == [F]
    assert system_of(one, [A], [F]).vote.tolist() == [A]


def test_threshold_is_judged_on_what_it_answers(split: Split) -> None:
    probs = np.array([[[0.9, 0.05, 0.05], [0.8, 0.1, 0.1], *[[0.2, 0.5, 0.3]] * 5]])
    system = system_of(split, [A, A, N, N, N, N, N], probs=probs)
    sure = System("toy", system.ids, (0,), system.pred, probs, (Calibration(1.0, 0.7, 0.9),))
    found = selective_section(split, sure)
    assert found is not None
    assert (found["threshold"], found["coverage"], found["accuracy"]) == (0.7, pytest.approx(2 / 7), 0.5)
    nothing = System("toy", system.ids, (0,), system.pred, probs, (Calibration(1.0, 0.99, 0.9),))
    found = selective_section(split, nothing)
    assert found is not None
    assert (found["coverage"], found["accuracy"]) == (0.0, None)


def test_labels_alone_give_no_calibration(split: Split) -> None:
    system = system_of(split, split.gold.tolist())
    assert calibration_section(split, system) is None
    assert selective_section(split, system) is None
