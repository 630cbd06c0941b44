"""Sweeps with real Optuna: several processes on one journal, killed trials retried, the best trial a config like any other."""

import errno
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import datetime
from operator import attrgetter
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
from test_run import issue  # noqa: F401
from tiny_run import make_run

from data.errors import InputError
from data.files import ROOT, read_text, write_json
from data.records import Example
from train.claims import CLAIM, claiming, is_abandoned
from train.config import load_config
from train.search_space import Choice, Range, read_space
from train.settings import DataSettings, ModelSettings, RunConfig
from train.sources import Source, load_source
from train.study import Sweep, cut_unfinished_line, open_sweep, propose_first
from train.sweep import check_space, run_trial

optuna = pytest.importorskip("optuna")
SPACE = {"trainer.learning_rate": Range(1e-4, 1e-2, log=True), "model.dropout": Choice((0.0, 0.1))}


def sweep_in(folder: Path, **identity: str) -> Sweep:
    return open_sweep(folder, "s", SPACE, {"config": "a", "data": "b"} | identity)  # type: ignore[arg-type]


def command(issue: Path, runs: Path, *arguments: str) -> list[str]:  # noqa: F811
    sweep = [sys.executable, str(ROOT / "train" / "sweep.py"), "--config", "smoke.yaml", "--space", "sweeps/smoke.yaml", "--study", "s"]
    return [*sweep, "--data.corpus", str(issue), "--data.documents", "1", "--runs", str(runs), *arguments]


def dead_process_trial(sweep: Sweep) -> Any:
    """Leave a trial behind as a killed process does: running in the journal, its claim on disk and unlocked."""
    trial = sweep.ask()
    trial.set_user_attr("folder", sweep.folder_of(trial).name)
    sweep.suggest(trial)
    folder = sweep.folder_of(trial)
    folder.mkdir()
    (folder / CLAIM).write_text(os.uname().nodename)
    return trial


def test_the_trial_of_a_dead_process_is_begun_again_once_in_its_folder(tmp_path: Path) -> None:
    sweep = sweep_in(tmp_path)
    killed = dead_process_trial(sweep)
    other = sweep_in(tmp_path)
    assert other.retry_abandoned() == [killed.number]
    assert sweep.retry_abandoned() == []
    again = other.ask()
    assert (other.suggest(again), other.folder_of(again)) == (killed.params, sweep.folder_of(killed))
    assert [trial.state.name for trial in sweep.trials("FAIL", "RUNNING")] == ["FAIL", "RUNNING"]


def test_a_trial_that_kills_its_process_every_time_is_given_up(tmp_path: Path) -> None:
    sweep = sweep_in(tmp_path)
    dead_process_trial(sweep)
    for _ in range(2):
        assert len(sweep.retry_abandoned()) == 1
        trial = sweep.ask()
        sweep.suggest(trial)
    assert sweep.retry_abandoned() == [] and not sweep.trials("WAITING", "RUNNING")


@pytest.fixture
def foreign_claim(tmp_path: Path) -> Iterator[Path]:
    """A folder that another, living process has claimed."""
    code = "import sys, time; from pathlib import Path; from train.claims import claiming\n"
    code += "with claiming(Path(sys.argv[1])): print('held', flush=True); time.sleep(60)"
    holder = subprocess.Popen([sys.executable, "-c", code, str(tmp_path / "t")], cwd=ROOT, stdout=subprocess.PIPE)
    assert holder.stdout and holder.stdout.readline()
    yield tmp_path / "t"
    holder.kill()
    holder.wait()


def test_a_claim_lives_as_long_as_its_process(foreign_claim: Path, tmp_path: Path) -> None:
    assert not is_abandoned(foreign_claim, 0.0)
    with claiming(tmp_path / "mine"):
        pass
    assert is_abandoned(tmp_path / "mine", 0.0), "given up long ago"
    assert not is_abandoned(tmp_path / "mine", datetime.now().timestamp()), "just begun, not claimed yet"
    (tmp_path / "mine" / CLAIM).write_text("another-host")
    assert not is_abandoned(tmp_path / "mine", 0.0), "its host still touches it"
    os.utime(tmp_path / "mine" / CLAIM, (0, 0))
    assert is_abandoned(tmp_path / "mine", 0.0)


def test_where_the_file_system_has_no_locks_the_age_of_a_claim_decides(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_locks(*arguments: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr("fcntl.lockf", no_locks)
    with claiming(tmp_path):
        assert not is_abandoned(tmp_path, 0.0)
        os.utime(tmp_path / CLAIM, (0, 0))
        assert is_abandoned(tmp_path, 0.0)


def test_a_journal_cut_off_in_its_last_line_is_read_on(tmp_path: Path) -> None:
    trial = sweep_in(tmp_path).ask()
    journal = tmp_path / "journal.log"
    whole = journal.read_bytes()
    journal.write_bytes(whole + b'{"op_code":6,"wor')
    assert [each.number for each in sweep_in(tmp_path).trials("RUNNING")] == [trial.number]
    journal.write_bytes(whole + b'{"op')
    cut_unfinished_line(journal)
    assert journal.read_bytes() == whole


def test_a_study_of_something_else_is_not_continued(tmp_path: Path) -> None:
    sweep_in(tmp_path)
    with pytest.raises(InputError, match="another data"):
        sweep_in(tmp_path, data="c")


def test_the_configs_own_values_are_tried_first(tmp_path: Path) -> None:
    sweep = sweep_in(tmp_path)
    own = {"trainer.learning_rate": 1e-3, "model.dropout": 0.1}
    propose_first(sweep, own)
    propose_first(sweep, own)
    assert sweep.suggest(sweep.ask()) == own and not sweep.trials("WAITING")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("trainer.lerning_rate: {low: 1, high: 2}", "did you mean 'trainer.learning_rate'"),
        ("data.extra_test: {choices: [a]}", "no setting that a sweep can vary"),
        ("data.source: {choices: [corpus, vast]}", "no setting that a sweep can vary"),
        ("data.path: {choices: [a, b]}", "no setting that a sweep can vary"),
        ("data.dev_share: {low: 0.1, high: 0.2}", "no setting that a sweep can vary"),
        ("data.behaviour: {choices: [auto, none]}", "no setting that a sweep can vary"),
        ("model.class_weights: {low: 0.0, high: .inf}", "finite"),
        ("model.class_weights: {low: .nan, high: 1.0}", "finite"),
        ("model.class_weights: {low: 0.0, high: 1.0, step: .inf}", "finite"),
        ("model.class_weights: {choices: [.nan, 1]}", "finite"),
        (f"data.labels_per_class: {{low: 1, high: 1{'0' * 400}}}", "finite"),
        ("trainer.learning_rate: {low: 3.0e-5, high: 5e-4}", r"YAML reads 5e-4 as text, write 5\.0e-4"),
        ("trainer.learning_rate: {low: 3.0e-5, high: 1.5e2}", r"YAML reads 1\.5e2 as text, write 1\.5e\+2"),
        ("model.dropout: {low: 1, high: 0}", "low < high"),
        ("model.dropout: {low: 0, high: 1, log: true}", "low > 0"),
        ("model.dropout: {choices: []}", "choices"),
        ("model.dropout: 3", "choices"),
        ("[]", "expected settings"),
    ],
)
def test_faulty_spaces_name_file_and_setting(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "space.yaml").write_text(text)
    with pytest.raises(InputError, match=message):
        read_space(str(tmp_path / "space.yaml"))


@pytest.mark.parametrize(
    ("dimension", "held", "missed"),
    [
        (Range(2, 6, step=1), (2, 3.0, 6), (1, 7, 2.5)),
        (Range(2, 6), (4,), (2.5,)),
        (Range(0.0, 0.3, step=0.05), (0.1, 0.3), (0.12,)),
        (Range(3e-5, 5e-4, log=True), (2e-4,), (1e-3,)),
        (Choice((8, 16)), (16,), (32,)),
    ],
)
def test_a_dimension_knows_what_it_can_suggest(dimension: Range | Choice, held: tuple[float, ...], missed: tuple[float, ...]) -> None:
    assert all(map(dimension.holds, held)) and not any(map(dimension.holds, missed))


def test_base_is_the_first_trial_of_its_own_space(tmp_path: Path) -> None:
    space = read_space("sweeps/base.yaml")
    own = {name: attrgetter(name)(load_config(ROOT / "configs" / "base.yaml")) for name in space}
    sweep = open_sweep(tmp_path / "study", "study", space, {})
    propose_first(sweep, own)
    assert sweep.suggest(sweep.ask()) == own


@pytest.mark.parametrize("path", sorted((ROOT / "configs" / "sweeps").glob("*.yaml")), ids=lambda path: path.stem)
def test_every_space_fits_the_config_its_first_line_names(path: Path) -> None:
    line = path.read_text().splitlines()[0].split()
    assert line[1:3] == ["python", "train/sweep.py"] and line[line.index("--space") + 1] == f"sweeps/{path.name}"
    check_space(load_config(ROOT / "configs" / line[line.index("--config") + 1]), read_space(str(path)))


@pytest.mark.parametrize("dimension", [Range(8, 32, step=0.5), Range(8.0, 32), Range(8, 32, step=1.0)])
def test_fractions_are_no_values_of_a_whole_setting(dimension: Range) -> None:
    with pytest.raises(InputError, match=r"per_device_train_batch_size.*int"):
        check_space(RunConfig(), {"trainer.per_device_train_batch_size": dimension})
    check_space(RunConfig(), {"trainer.per_device_train_batch_size": Range(8, 32, step=8), "trainer.weight_decay": Range(0, 1, step=0.5)})


def test_every_trial_reads_as_many_sentences_of_context_as_it_says(
    issue: Path,  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    read: list[bool] = []

    def score_seed(config: RunConfig, source: Source, splits: dict[str, list[Example]], seed: int, folder: Path) -> float:
        assert set(splits) == {"train", "dev"}
        read.append(any(row.context for rows in splits.values() for row in rows))
        return 0.5

    monkeypatch.setattr("train.sweep.score_seed", score_seed)
    space = {"data.context_sentences": Choice((0, 1))}
    sweep = open_sweep(tmp_path, "s", space, {})  # type: ignore[arg-type]
    config = RunConfig(data=DataSettings(corpus=str(issue)), model=ModelSettings(weights="tiny"))
    for count in (0, 1):
        sweep.study.enqueue_trial({"data.context_sentences": count})
        assert run_trial(sweep, sweep.ask(), config, load_source(config.data))
    assert read == [False, True]


def test_a_trial_that_starts_at_a_run_of_other_data_fails(issue: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:  # noqa: F811
    seed = make_run(tmp_path / "run", corpus=str(issue)) / "seed-1"
    write_json(seed / "run.json", {"data_fingerprint": "of another state"})
    sweep = open_sweep(tmp_path / "study", "s", {"model.weights": Choice((str(seed / "model"),))}, {})
    config = RunConfig(data=DataSettings(corpus=str(issue)), model=ModelSettings(weights="tiny"))
    assert not run_trial(sweep, sweep.ask(), config, load_source(config.data))
    assert "failed: model.weights: " in capsys.readouterr().out


def test_wrong_values_are_refused_before_anything_is_trained(issue: Path, tmp_path: Path) -> None:  # noqa: F811
    (tmp_path / "space.yaml").write_text("model.kind: {choices: [span, spam]}")
    arguments = command(issue, tmp_path / "runs", "--trials", "1", "--space", str(tmp_path / "space.yaml"))
    done = subprocess.run(arguments, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1), done.stderr
    assert "spam" in done.stderr and not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("error", "message"), [(OSError(errno.ENOSPC, "No space left on device"), "disk full"), (MemoryError(), "out of memory: lower")]
)
def test_a_trial_that_lacks_room_fails_with_a_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: Exception, message: str
) -> None:
    monkeypatch.setattr("train.sweep.score_seed", Mock(side_effect=error))
    monkeypatch.setattr("train.sweep.collect_splits", Mock(return_value={}))
    sweep = sweep_in(tmp_path)
    config = RunConfig(model=ModelSettings(weights="tiny"))
    assert not run_trial(sweep, sweep.ask(), config, Mock())
    assert f"trial 0: failed: {message}" in capsys.readouterr().out.replace(f"{tmp_path / 'trial-0000'}: ", "")
    assert [trial.state.name for trial in sweep.trials("FAIL", "RUNNING")] == ["FAIL"]


def test_two_processes_share_a_study_and_one_is_killed(issue: Path, tmp_path: Path) -> None:  # noqa: F811
    runs = tmp_path / "runs"
    study = runs / "sweeps" / "s"
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    doomed = subprocess.Popen(command(issue, runs, "--trials", "3"), env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while not list(study.glob(f"trial-*/{CLAIM}")):
        assert doomed.poll() is None
        time.sleep(0.02)
    survivor = subprocess.Popen(command(issue, runs, "--trials", "3"), env=environment, stdout=subprocess.PIPE, text=True)
    (claim,) = study.glob(f"trial-*/{CLAIM}")
    while not (claim.parent / "trial.yaml").exists():
        time.sleep(0.01)
    doomed.send_signal(signal.SIGKILL)
    doomed.wait()
    output, _ = survivor.communicate(timeout=240)
    assert survivor.returncode == 0, output
    assert "its process has died, it is tried again" in output
    trials = sweep_trials(study)
    complete = [trial for trial in trials if trial.state.name == "COMPLETE"]
    assert len(complete) == 3 and not [trial for trial in trials if trial.state.name == "RUNNING"]
    retried = [trial for trial in complete if "retry_of" in trial.user_attrs]
    assert [trial.user_attrs["folder"] for trial in retried] == [claim.parent.name]
    check_best(study, complete, issue)


def sweep_trials(study: Path) -> list[Any]:
    storage = optuna.storages.JournalStorage(optuna.storages.journal.JournalFileBackend(str(study / "journal.log")))
    trials: list[Any] = optuna.load_study(study_name="s", storage=storage).trials
    return trials


def check_best(study: Path, complete: list[Any], issue: Path) -> None:  # noqa: F811
    """The best trial is a config that builds on the base and gives the trial's settings; no test split was touched."""
    best = max(complete, key=lambda trial: trial.value)
    text = read_text(study / "best.yaml")
    config = load_config(study / "best.yaml")
    assert "_base_: " in text and f"{best.value:.4f}" in text.splitlines()[1]
    assert (config.name, config.data.corpus, config.model.weights) == ("s-best", str(issue), "tiny")
    assert config.trainer.learning_rate == best.params["trainer.learning_rate"]
    assert "num_train_epochs" not in text, "only what differs from the base"
    predicted = {path.name for path in study.glob("trial-*/seed-*/predictions/*")}
    assert predicted == {"dev.jsonl"} and not list(study.glob("trial-*/seed-*/model"))
    manifest = json.loads(read_text(study / best.user_attrs["folder"] / "seed-1" / "run.json"))
    assert manifest["seed"] == 1
