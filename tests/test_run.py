"""The main job end to end on a small corpus with a tiny random model, and what wrong input gets."""

import json
import subprocess
import sys
from pathlib import Path
from unittest.mock import Mock

import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModelForTokenClassification

from data.corpus import load_corpus
from data.files import ROOT, read_text
from data.records import Prediction, read_rows
from train.config import load_config
from train.seed import TRAINED, run_seed
from train.settings import DataSettings, ModelSettings, RunConfig
from train.sources import collect_splits, load_source


def command(*arguments: str, cwd: Path = ROOT, stdin: str = "") -> subprocess.CompletedProcess[str]:
    environment = {"PATH": "/usr/bin:/bin", "HF_HUB_OFFLINE": "1", "PYTHONHASHSEED": "7"}
    return subprocess.run(
        [sys.executable, *arguments], cwd=cwd, env=environment, input=stdin, capture_output=True, text=True, timeout=300, check=False
    )


@pytest.fixture(scope="module")
def issue(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A corpus folder of its own, outside the project, with splits."""
    from conftest import write_corpus

    return write_corpus(tmp_path_factory.mktemp("issue"))


@pytest.fixture(scope="module")
def runs(issue: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A runs folder with one finished run of two seeds, made from a foreign working directory."""
    folder = tmp_path_factory.mktemp("runs")
    done = command(str(ROOT / "train/run.py"), *settings(issue, folder), "--seeds", "1,2", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert "report.html" in done.stdout
    return folder


def settings(issue: Path, runs: Path) -> list[str]:
    return ["--config", "smoke.yaml", "--data.corpus", str(issue), "--data.documents", "1", "--runs", str(runs)]


def test_a_run_leaves_the_whole_folder(runs: Path) -> None:
    folder = runs / "smoke"
    names = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    seed = {
        "run.json",
        "model/model.safetensors",
        "model/README.md",
        "predictions/dev.jsonl",
        "predictions/test.jsonl",
        "log.jsonl",
        "DONE",
    }
    assert {"config.yaml", "report.json", "report.md", "report.html", *(f"seed-{n}/{name}" for n in (1, 2) for name in seed)} <= names
    assert not [name for name in names if "checkpoint" in name or name.endswith((".bin", ".pt", ".pkl"))]
    manifest = json.loads(read_text(folder / "seed-1" / "run.json"))
    assert manifest["seed"] == 1
    assert len(manifest["model_sha256"]) == 64


def test_predictions_cover_the_split(runs: Path, issue: Path) -> None:
    rows = read_rows(runs / "smoke" / "seed-1" / "predictions" / "test.jsonl", Prediction)
    assert [row.id for row in rows] == [row.id for row in load_corpus(issue).examples("test")]


def test_the_model_opens_with_a_stock_class_and_readable_labels(runs: Path) -> None:
    model = AutoModelForTokenClassification.from_pretrained(runs / "smoke" / "seed-1" / "model")
    assert model.config.id2label == {0: "against", 1: "neutral", 2: "favor"}


def test_a_run_is_reproduced_from_its_folder_elsewhere(runs: Path, tmp_path: Path) -> None:
    again = command("train/reproduce.py", str(runs / "smoke"), "--no-fresh-env", "--output", str(tmp_path))
    assert again.returncode == 0, again.stderr
    assert f"{runs / 'smoke'}: identical\n" in again.stdout
    assert "changed since: nothing" in again.stdout
    for name in ("model/model.safetensors", "predictions/test.jsonl", "log.jsonl"):
        assert (tmp_path / "smoke/seed-1" / name).read_bytes() == (runs / "smoke/seed-1" / name).read_bytes(), name


def test_a_finished_run_is_kept_and_another_config_is_refused(runs: Path, issue: Path) -> None:
    weights = runs / "smoke/seed-1/model/model.safetensors"
    before = weights.stat().st_mtime_ns
    kept = command("train/run.py", *settings(issue, runs), "--seeds", "1,2")
    assert (kept.returncode, weights.stat().st_mtime_ns) == (0, before)
    assert "report.html" in kept.stdout
    refused = command("train/run.py", *settings(issue, runs), "--trainer.learning_rate", "1e-5")
    assert refused.returncode == 2
    assert "learning_rate" in refused.stderr
    assert "--overwrite" in refused.stderr


def test_a_seed_that_is_killed_after_its_last_word_is_finished(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = DataSettings(corpus=str(ROOT / "docs" / "example"))
    config = RunConfig(data=data, model=ModelSettings(kind="majority"))
    source = load_source(data)
    arguments = config, source, collect_splits(source, data), 1, tmp_path
    (tmp_path / "checkpoints").mkdir()
    monkeypatch.setattr("train.seed.remove_checkpoints", Mock(side_effect=KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        run_seed(*arguments)
    monkeypatch.undo()
    monkeypatch.setitem(TRAINED, "majority", pytest.fail)
    run_seed(*arguments)
    assert (tmp_path / "predictions" / "test.jsonl").is_file() and not (tmp_path / "checkpoints").exists()


def test_the_seeds_of_a_run_are_averaged_into_one_model(runs: Path, issue: Path) -> None:
    average = ["--model.weights", f"average:{runs / 'smoke'}", "--trainer.num_train_epochs", "0", "--name", "mean"]
    done = command("train/run.py", *settings(issue, runs), *average)
    assert done.returncode == 0, done.stderr
    first, second, mean = (load_file(runs / seed / "model/model.safetensors") for seed in ("smoke/seed-1", "smoke/seed-2", "mean/seed-1"))
    assert all(torch.allclose(mean[name], (first[name] + second[name]) / 2, atol=1e-7) for name in mean) and mean.keys() == first.keys()
    assert json.loads(read_text(runs / "mean/seed-1/run.json"))["teachers_sha256"]
    single = command("train/run.py", *settings(issue, runs), "--model.weights", f"average:{runs / 'mean'}", "--name", "single")
    assert (single.returncode, len(single.stderr.splitlines())) == (2, 1)
    assert "expected two or more to average" in single.stderr and not (runs / "single").exists()


def test_predict_reads_an_article_and_rows(runs: Path, issue: Path, tmp_path: Path) -> None:
    article = "Arvon signed the treaty.\nThe Rovians did not, and Rovia said so.\n"
    done = command("train/predict.py", "--run", str(runs / "smoke"), "--input", "-", "--output", str(tmp_path / "p.jsonl"), stdin=article)
    assert done.returncode == 0, done.stderr
    assert "Arvon" in done.stdout
    assert [row.actor for row in read_rows(tmp_path / "p.jsonl", Prediction)] == ["state-0", "rovia"]
    rows = "\n".join(row.model_dump_json() for row in load_corpus(issue).examples("test"))
    (tmp_path / "rows.jsonl").write_text(rows, encoding="utf-8")
    again = command(
        "train/predict.py", "--run", str(runs / "smoke"), "--input", str(tmp_path / "rows.jsonl"), "--output", str(tmp_path / "q.jsonl")
    )
    assert again.returncode == 0, again.stderr
    expected = read_rows(runs / "smoke/seed-1/predictions/test.jsonl", Prediction)
    assert [row.pred for row in read_rows(tmp_path / "q.jsonl", Prediction)] == [row.pred for row in expected]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["train/run.py", "--trainer.lerning_rate", "1"], "did you mean 'trainer.learning_rate'"),
        (["train/run.py", "--config", "none.yaml"], "no such file"),
        (["train/run.py", "--config", "smoke.yaml", "--data.corpus", "nowhere"], "no such corpus folder"),
        (["train/predict.py", "--run", "nowhere", "--input", "README.md"], "not a run folder"),
        (["train/predict.py", "--run", "nowhere", "--input", "none.txt"], "none.txt: no such file"),
        (["eval/compare.py", "nowhere", "elsewhere"], "nowhere"),
        (["data/validate.py", "nowhere"], "no such corpus folder"),
    ],
)
def test_wrong_input_ends_with_exit_2_and_one_line(tmp_path: Path, arguments: list[str], message: str) -> None:
    done = command(*arguments, *(["--runs", str(tmp_path)] if "run.py" in arguments[0] else []))
    assert done.returncode == 2, done.stderr
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


def test_an_interrupted_or_unfinished_run_is_no_run(runs: Path, tmp_path: Path) -> None:
    folder = tmp_path / "half"
    folder.mkdir()
    (folder / "config.yaml").write_text(read_text(runs / "smoke" / "config.yaml"))
    done = command("train/predict.py", "--run", str(folder), "--input", "README.md")
    assert done.returncode == 2
    assert "no finished seed" in done.stderr


def test_the_resolved_config_is_printed_and_nothing_run(tmp_path: Path) -> None:
    done = command("train/run.py", "--config", "base.yaml", "--print_config", "--seeds", "3", "--runs", str(tmp_path))
    assert "seeds:\n- 3\n" in done.stdout
    (tmp_path / "printed.yaml").write_text(done.stdout)
    assert load_config(tmp_path / "printed.yaml").to_yaml() == done.stdout
    assert [path.name for path in tmp_path.iterdir()] == ["printed.yaml"]
