"""Learning from finished runs: what is learned, and which teachers are refused."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from tiny_run import make_run

from data.errors import InputError
from data.files import ROOT, write_json
from data.records import Example
from train.loading import open_run
from train.losses import FIRST_TAUGHT, WeightedLoss
from train.seed import run_transformer
from train.settings import DataSettings, ModelSettings, RunConfig, SourceName, TrainerSettings
from train.sources import collect_splits, load_source
from train.teachers import check_learned, learned_sha256, taught
from train.windows import IGNORED, Window, teach

Make = Callable[..., Example]


@pytest.fixture(scope="module")
def teacher(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = make_run(tmp_path_factory.mktemp("runs") / "teacher")
    write_json(folder / "seed-1" / "run.json", {"data_fingerprint": "aaa"})
    return folder


def test_gold_is_mixed_with_what_the_teachers_say(teacher: Path, make_example: Make) -> None:
    rows = [
        make_example("Moscow objects to the radar.", "Moscow", id=str(number), stance=stance)
        for number, stance in enumerate(("favor", "against"))
    ]
    said = open_run(teacher).scorer.score(rows)
    mixed = taught(rows, DataSettings(teachers=[str(teacher)], teachers_weight=0.25))
    assert list(mixed) == ["0", "1"]
    np.testing.assert_allclose(list(mixed.values()), 0.75 * np.array([[0, 0, 1], [1, 0, 0]]) + 0.25 * said, atol=1e-6)
    assert taught(rows, DataSettings()) == {}


def test_teachers_are_asked_about_the_rows_as_they_are_labelled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Example] = []
    monkeypatch.setattr("train.teachers.taught", lambda rows, settings: asked.extend(rows) or {})
    data = DataSettings(corpus=str(ROOT / "docs" / "example"), renamed=1.0, context_sentences=1, context_dropout=0.5)
    config = RunConfig(data=data, model=ModelSettings(weights="tiny"), trainer=TrainerSettings(num_train_epochs=0))
    source = load_source(data)
    splits = {name: rows[:20] for name, rows in collect_splits(source, data).items()}
    run_transformer(config, source, splits, 1, tmp_path, 600.0)
    assert asked == splits["train"]


def test_the_loss_finds_the_row_that_a_label_stands_for(make_example: Make) -> None:
    rows = [make_example("Moscow objects.", "Moscow", id=name) for name in "abc"]
    numbers = {"b": FIRST_TAUGHT + 1, "a": FIRST_TAUGHT + 2, "c": FIRST_TAUGHT}
    plain = Window([1, 2, 3, 4], [IGNORED, 2, 0, IGNORED], (0, 1, 2), ((2,), (1,), (3,)))
    window = teach(plain, rows, numbers)
    assert window.labels == [IGNORED, FIRST_TAUGHT + 1, FIRST_TAUGHT + 2, IGNORED]
    assert teach(Window([1], 2, (2,), ()), rows, numbers).labels == FIRST_TAUGHT
    assert teach(plain, rows, {}) is plain
    distributions = torch.tensor([[0.0, 1, 0], [0.6, 0.3, 0.1], [0.1, 0.1, 0.8]])
    logits = torch.randn((1, 4, 3), generator=torch.Generator().manual_seed(1))
    loss = WeightedLoss(torch.ones(3), taught=distributions)({"logits": logits}, torch.tensor([window.labels]))
    expected = -(distributions[1:] * logits[0, 1:3].log_softmax(-1)).sum(-1).mean()
    assert loss.item() == pytest.approx(expected.item(), rel=1e-5)


def test_missing_teachers_and_those_of_other_data_are_refused(teacher: Path, tmp_path: Path) -> None:
    def learning_from(*runs: Path, source: SourceName = "corpus") -> RunConfig:
        return RunConfig(data=DataSettings(source=source, teachers=[str(run) for run in runs]))

    check_learned(learning_from(teacher), "aaa")
    check_learned(learning_from(teacher, source="seesaw"), "bbb")  # another set: it cannot have seen this one's test split
    with pytest.raises(InputError, match="another state of the data"):
        check_learned(learning_from(teacher), "bbb")
    for corpus in ("./data", "data/", "eval/../data", str(ROOT / "data")):
        same = learning_from(teacher)
        same.data.corpus = corpus
        with pytest.raises(InputError, match="another state of the data"):
            check_learned(same, "bbb")
    with pytest.raises(InputError, match=r"data\.teachers: .*not a run folder"):
        check_learned(learning_from(tmp_path / "none"), "aaa")
    assert learned_sha256(learning_from()) is None
    assert learned_sha256(learning_from(teacher)) != learned_sha256(learning_from(teacher, teacher))


def test_an_average_of_other_data_is_refused(teacher: Path, tmp_path: Path) -> None:
    shutil.copytree(teacher, tmp_path / "two")
    shutil.copytree(teacher / "seed-1", tmp_path / "two" / "seed-2")
    config = RunConfig(model=ModelSettings(weights=f"average:{tmp_path / 'two'}"))
    check_learned(config, "aaa")
    with pytest.raises(InputError, match=r"model\.weights: .*another state of the data"):
        check_learned(config, "bbb")
    assert learned_sha256(config)


def test_a_start_at_a_run_of_other_data_is_refused(teacher: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def starting_at(weights: str | Path, corpus: str = "data") -> RunConfig:
        return RunConfig(data=DataSettings(corpus=corpus), model=ModelSettings(weights=str(weights)))

    model = teacher / "seed-1" / "model"
    check_learned(starting_at(model), "aaa")
    check_learned(starting_at(model, corpus=str(tmp_path)), "bbb")
    shutil.copytree(model, tmp_path / "model")
    check_learned(starting_at(tmp_path / "model"), "bbb")  # no run says what it learned from
    (tmp_path / "link").symlink_to(model)
    monkeypatch.chdir(teacher.parent)
    for weights in (model, f"{teacher.name}/seed-1/model/", tmp_path / "link"):
        with pytest.raises(InputError, match=r"model\.weights: .*another state of the data"):
            check_learned(starting_at(weights), "bbb")
    monkeypatch.chdir(model)
    check_learned(starting_at("embedded"), "bbb")
