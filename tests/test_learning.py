"""The programs that measure few, chosen and no labels: draws, intervals, pictures, and a quick round of each."""

import sys
import xml.etree.ElementTree as ElementTree
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from conftest import write_corpus
from tiny_run import make_run

from bench import few_labels, selection, zero_labels
from bench.curves import Point, learning_curves
from bench.learning import (
    Predictor,
    confusions,
    difference_with_interval,
    draw,
    fit_tfidf,
    hold_back,
    in_sentences,
    kept,
    macro_f1_with_interval,
)
from data.corpus import load_corpus
from data.errors import InputError
from data.files import ROOT, read_json
from data.records import STANCE_ID, STANCES, Example
from train.settings import DataSettings, ModelSettings, RunConfig
from train.transformer import KINDS
from train.weights import load_model, load_tokenizer


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_corpus(tmp_path_factory.mktemp("corpora") / "issue")


@pytest.fixture(scope="module")
def rows(corpus: Path) -> list[Example]:
    return load_corpus(corpus).examples("train", 0)


def quick(program: Any, corpus: Path, output: Path, monkeypatch: pytest.MonkeyPatch, *more: str) -> dict[str, Any]:
    settings = ["--config", "smoke.yaml", "--data.corpus", str(corpus), "--data.context_sentences", "0", "--quick"]
    monkeypatch.setattr(sys, "argv", ["bench", *settings, "--output", str(output), *more])
    program.main()
    return dict(read_json(output.with_suffix(".json")))


def test_a_smaller_draw_begins_a_larger_one_and_sentences_stay_whole(rows: list[Example]) -> None:
    assert draw(rows, 30, seed=1)[:12] == draw(rows, 12, seed=1) != draw(rows, 12, seed=2)
    learned, held = hold_back(draw(rows, 30, seed=1))
    assert len(learned) + len(held) == 30 and held
    assert not {row.text for row in learned} & {row.text for row in held}
    assert len(in_sentences(held)) == round(0.2 * len(in_sentences([*learned, *held])))


def test_a_model_that_is_always_right_is_better_by_what_the_other_lacks(rows: list[Example]) -> None:
    right = [STANCE_ID[str(row.stance)] for row in rows]
    wrong = [(each + 1) % 3 for each in right]
    good, bad = confusions(rows, [right, right]), confusions(rows, [wrong, wrong])
    assert macro_f1_with_interval(good)["mean"] == 1.0 and macro_f1_with_interval(good)["ci95"] == [1.0, 1.0]
    assert difference_with_interval(good, bad) == {"mean": 1.0, "ci95": [1.0, 1.0]}
    assert difference_with_interval(good, good) == {"mean": 0.0, "ci95": [0.0, 0.0]}


def test_one_document_has_no_interval(rows: list[Example]) -> None:
    alone = [row for row in rows if row.doc_id == rows[0].doc_id]
    counts = confusions(alone, [[STANCE_ID[str(row.stance)] for row in alone]])
    assert macro_f1_with_interval(counts)["ci95"] is None and difference_with_interval(counts, counts)["ci95"] is None


def test_what_is_held_back_is_not_what_was_chosen_last(rows: list[Example], monkeypatch: pytest.MonkeyPatch) -> None:
    learned: list[list[str]] = []

    def fit(config: Any, labelled: Sequence[Example], seed: int, min_steps: int) -> Any:
        learned.append([row.id for row in labelled])
        return SimpleNamespace(score=lambda given, size: np.eye(3)[[0] * len(given)])

    monkeypatch.setattr(selection, "fit_transformer", fit)
    monkeypatch.setitem(selection.WAYS, "last", lambda scorer, left, labels, seed: list(left)[:labels])
    selection.play_seed(RunConfig(), [20, 40], rows, rows[:2], 1, "last", 1)
    assert len(learned[1]) == 40 and set(learned[1][20:]) & set(learned[0])


def test_one_stance_alone_can_be_learned_from(rows: list[Example]) -> None:
    only = [row for row in rows if row.stance == "favor"]
    assert (fit_tfidf(only)(rows).argmax(1) == STANCE_ID["favor"]).all()


def test_what_was_computed_is_kept_under_its_key(tmp_path: Path) -> None:
    calls: list[int] = []

    def compute() -> dict[str, Any]:
        calls.append(1)
        return {"answers": [len(calls)]}

    path = tmp_path / "a" / "b.json"
    assert kept(path, {"seed": 1}, compute) == kept(path, {"seed": 1}, compute) == {"answers": [1]}
    assert kept(path, {"seed": 2}, compute) == {"answers": [2]}


def test_the_picture_names_every_curve_and_escapes(tmp_path: Path) -> None:
    curves = {"a < b": [Point(50, 0.4, (0.3, 0.5)), Point(100, 0.5, None)], "c": [Point(50, 0.41, None), Point(100, 0.5, None)]}
    root = ElementTree.fromstring(learning_curves(curves, "what & why"))
    space = "{http://www.w3.org/2000/svg}"
    assert root.tag == f"{space}svg" and root.findtext(f"{space}title") == "what & why"
    assert {"a < b", "c", "50", "100"} <= {each.text for each in root.iter(f"{space}text")}
    names = [float(each.attrib["y"]) for each in root.iter(f"{space}text") if each.text in curves]
    assert abs(names[0] - names[1]) >= 17 and len(list(root.iter(f"{space}circle"))) == 4


def test_a_saved_run_is_the_start_of_another_head_included(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "first") / "seed-1" / "model"
    saved = KINDS["span"].auto_class.from_pretrained(folder)
    model = load_model(KINDS["span"].auto_class, str(folder), load_tokenizer(str(folder)), 0.1)
    assert torch.equal(model.classifier.weight, saved.classifier.weight)
    assert torch.equal(model.get_input_embeddings().weight, saved.get_input_embeddings().weight)


def test_few_labels(corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(few_labels, "find_spec", lambda name: None)
    start = make_run(tmp_path / "first")
    report = quick(few_labels, corpus, tmp_path / "few", monkeypatch, "--start", str(start), "--model.reading", "both")
    assert list(report["curves"]) == ["ours", "ours, from first", "TF-IDF"]
    assert [point["labels"] for point in report["curves"]["TF-IDF"]] == [20, 40]
    assert all(0 <= point["macro_f1"]["mean"] <= 1 for curve in report["curves"].values() for point in curve)
    assert "TF-IDF" in (tmp_path / "few.svg").read_text(encoding="utf-8")
    monkeypatch.setattr(few_labels, "answer", pytest.fail)  # all answers are there: a second call computes nothing
    assert (
        quick(few_labels, corpus, tmp_path / "few", monkeypatch, "--start", str(start), "--model.reading", "both")["curves"]
        == report["curves"]
    )


def test_few_labels_of_each_stance(corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    learned: list[Counter[str | None]] = []

    def fit(rows: Sequence[Example], seed: int) -> Predictor:
        learned.append(Counter(row.stance for row in rows))
        return fit_tfidf(rows)

    monkeypatch.setattr(few_labels, "QUICK_SIZES", "4,5")
    monkeypatch.setattr(few_labels, "learners", lambda *given: {"watched": fit})
    report = quick(few_labels, corpus, tmp_path / "few", monkeypatch, "--per-class")
    assert [point["labels"] for point in report["curves"]["watched"]] == [4, 5]
    assert learned == [dict.fromkeys(STANCES, 4), dict.fromkeys(STANCES, 5)]


def test_chosen_against_random_labels(corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(selection, "WAYS", {name: way for name, way in selection.WAYS.items() if name != selection.UNSURE})
    report = quick(selection, corpus, tmp_path / "chosen", monkeypatch)
    assert list(report["curves"]) == [selection.RANDOM, selection.SELECTED]
    first, second = report["curves"][selection.SELECTED]
    assert first["macro_f1"] == report["curves"][selection.RANDOM][0]["macro_f1"] and "difference" not in first
    assert second["labels"] == 40 and -1 <= second["difference"]["mean"] <= 1


def test_choosing_leaves_what_is_labelled_and_takes_the_unsure(rows: list[Example]) -> None:
    class Scorer:
        def score(self, given: list[Example]) -> np.ndarray:
            return np.array([[1 / 3] * 3 if row.actor == "reporters" else [1.0, 0.0, 0.0] for row in given])

    left = selection.unseen(rows, rows[:10])
    assert left == rows[10:]
    assert {row.actor for row in selection.choose_unsure(Scorer(), left, 3, 1)} == {"reporters"}


def test_zero_labels(corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    run, output = make_run(tmp_path / "tiny"), tmp_path / "zero.json"
    monkeypatch.setattr(sys, "argv", ["bench", "--run", str(run), "--source", "corpus", "--path", str(corpus), "--output", str(output)])
    zero_labels.main()
    test = read_json(output)["splits"]["test"]
    assert list(test["contenders"]) == ["most frequent stance", "TF-IDF", "tiny (does not read the target)"]
    assert [each["labels"] > 0 for each in test["contenders"].values()] == [True, True, False]
    assert f"corpus test: {test['n']} labels" in capsys.readouterr().out


def test_a_choice_of_two_where_nothing_is_neutral(rows: list[Example]) -> None:
    class Run:
        config = RunConfig(name="r", model=ModelSettings(target_text=True))

        def probabilities(self, given: list[Example]) -> np.ndarray:
            return np.tile([0.1, 0.7, 0.2], (len(given), 1))

    plain, asked = zero_labels.answers_of(Run(), rows, neutral=False)  # type: ignore[arg-type]
    assert (plain.name, asked.name) == ("r", "r, never neutral")
    assert set(plain.probabilities.argmax(1)) == {1} and set(asked.probabilities.argmax(1)) == {2}


def test_mistakes_are_told(tmp_path: Path) -> None:
    run = make_run(tmp_path / "tiny")
    with pytest.raises(InputError, match="has learned from all labels of corpus"):
        few_labels.start_config(RunConfig(), run)
    other = RunConfig(data=DataSettings(corpus="elsewhere"), model=ModelSettings(kind="pair"))
    with pytest.raises(InputError, match=r"model.kind is 'span', expected 'pair'"):
        few_labels.start_config(other, run)
    for sizes in ("50,20", "5,50", "many"):
        with pytest.raises(InputError, match="expected ascending numbers of 10 or more"):
            few_labels.parse_sizes(sizes, 1000)
    with pytest.raises(InputError, match="at most 40, as many as the training split has"):
        few_labels.parse_sizes("20,50", 40)
    with pytest.raises(InputError, match=r"no such split.*mean 'test'"):
        zero_labels.splits_of(load_corpus(write_corpus(tmp_path / "c")), ["tets"])
    with pytest.raises(InputError, match="--split train: TF-IDF learns from it"):
        zero_labels.splits_of(load_corpus(tmp_path / "c"), ["test", "train"])


@pytest.mark.parametrize("pool", ["-5", "0"])
def test_a_pool_holds_something(corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pool: str) -> None:
    with pytest.raises(InputError, match=f"--pool {pool}: expected 1 or more"):
        quick(selection, corpus, tmp_path / "chosen", monkeypatch, "--pool", pool)


@pytest.mark.parametrize("same", ["data", "./data/", "eval/../data", str(ROOT / "data")])
def test_a_start_has_learned_from_another_folder_however_it_is_written(tmp_path: Path, same: str) -> None:
    run = make_run(tmp_path / "tiny")
    with pytest.raises(InputError, match="has learned from all labels of corpus"):
        few_labels.start_config(RunConfig(data=DataSettings(corpus=same)), run)
