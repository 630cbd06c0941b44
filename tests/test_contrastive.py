"""The SetFit peer on a few sentences, and the draw of a few labels a class."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from data.records import STANCES, Example
from train.settings import DataSettings, ModelSettings, RunConfig, SetFitSettings
from train.sources import draw_labels

needs_setfit = pytest.mark.skipif(importlib.util.find_spec("setfit") is None, reason="extra [setfit] not installed")
WORDS = {"against": "rejected", "neutral": "described", "favor": "praised"}


def example(number: int) -> Example:
    stance = STANCES[number % 3]
    name = f"Ann{number}"
    text = f"In spring {name} {WORDS[stance]} the toll."
    return Example(
        id=f"r{number}", doc_id="d", sent_id=number, text=text, actor=name, mention=name, start=10, end=10 + len(name), stance=stance
    )


ROWS = [example(number) for number in range(30)]


def test_a_draw_takes_as_many_of_each_stance_and_is_the_seeds_own() -> None:
    drawn = draw_labels(ROWS, 4, seed=1)
    assert [sum(row.stance == stance for row in drawn) for stance in STANCES] == [4, 4, 4]
    assert [row.id for row in drawn] == [row.id for row in ROWS if row in drawn]
    assert drawn == draw_labels(ROWS, 4, seed=1) != draw_labels(ROWS, 4, seed=2)
    assert draw_labels(ROWS, 0, seed=1) == ROWS
    assert len(draw_labels(ROWS[:4], 2, seed=1)) == 4


def test_an_actors_text_marks_it_alone_and_names_it_last() -> None:
    from train.contrastive import actor_text

    assert actor_text(ROWS[0], ModelSettings()) == "In spring <actor>Ann0</actor> rejected the toll. Ann0"
    row = ROWS[0].model_copy(update={"target": "the toll", "context": "Before."})
    assert actor_text(row, ModelSettings(target_text=True)).startswith("the toll: Before. In spring <actor>")


@needs_setfit
@pytest.mark.slow
def test_setfit_learns_three_verbs_and_saves_encoder_and_head(tmp_path: Path) -> None:
    from train.contrastive import save, train

    config = RunConfig(model=ModelSettings(kind="setfit"), setfit=SetFitSettings(num_iterations=4), data=DataSettings())
    trained = train(config, ROWS, seed=1, checkpoints=tmp_path / "checkpoints")
    probabilities = trained.probabilities([example(number) for number in range(30, 36)])
    assert probabilities.sum(1) == pytest.approx(np.ones(6), abs=1e-5)
    assert [STANCES[each] for each in probabilities.argmax(1)] == ["against", "neutral", "favor"] * 2
    save(trained, tmp_path / "model")
    names = {path.name for path in (tmp_path / "model").rglob("*")}
    assert {"head.json", "model.safetensors", "modules.json"} <= names
    assert not [name for name in names if name.endswith((".pkl", ".bin"))]


@needs_setfit
@pytest.mark.slow
def test_stances_that_training_never_saw_get_no_probability(tmp_path: Path) -> None:
    from train.contrastive import train

    config = RunConfig(model=ModelSettings(kind="setfit", weights="tiny"), setfit=SetFitSettings(num_iterations=1, max_steps=2))
    trained = train(config, [row for row in ROWS if row.stance != "neutral"], seed=1, checkpoints=tmp_path)
    assert trained.probabilities(ROWS[:2])[:, 1].tolist() == [0.0, 0.0]
