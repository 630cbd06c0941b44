"""A training that is stopped, killed or damaged ends with the bits of one that was left alone; faults stop it with a clear line."""

import dataclasses
import hashlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from conftest import write_corpus
from transformers import TrainerCallback

from data.corpus import load_corpus
from data.errors import InputError
from data.records import Example
from train import steady_trainer
from train.batches import RankBatches
from train.checkpoints import latest_usable, newest_first, prune
from train.faults import explained
from train.interrupts import INTERRUPTS, Interrupted
from train.losses import FIRST_TAUGHT, WeightedLoss
from train.run import run
from train.runs import check_origin, open_run
from train.settings import DataSettings, ModelSettings, RunConfig, TrainerSettings
from train.sources import collect_splits, load_source
from train.transformer import Trained, train
from train.windows import IGNORED

CONFIG = RunConfig(
    name="tiny",
    model=ModelSettings(weights="tiny"),
    trainer=TrainerSettings(num_train_epochs=2.0, learning_rate=1e-3, per_device_train_batch_size=4, threads=1, early_stopping_patience=1),
)

Rows = dict[str, list[Example]]


class Killed(BaseException):
    """Ends a training as kill -9 would: nothing more is written."""


class At(TrainerCallback):
    """Does something at the end of a step."""

    def __init__(self, step: int, act: Callable[..., None]) -> None:
        self.step, self.act = step, act

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if state.global_step == self.step:
            self.act(**kwargs)


def die(**_: Any) -> None:
    raise Killed


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> Rows:
    corpus = load_corpus(write_corpus(tmp_path_factory.mktemp("issue")))
    return {name: corpus.examples(name) for name in ("train", "dev")}


@pytest.fixture(scope="module")
def alone(rows: Rows, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    return fit(rows, tmp_path_factory.mktemp("alone"))


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    """Let this process listen to signals for the length of a test."""
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    INTERRUPTS.listen()
    yield
    INTERRUPTS.signal = None
    for number, handler in before.items():
        signal.signal(number, handler)


def fit(rows: Rows, folder: Path, *callbacks: TrainerCallback, config: RunConfig = CONFIG, save_seconds: float = 0.0) -> Trained:
    torch.rand(3)  # whatever was drawn before must not matter
    return train(config, [rows["train"]], rows["dev"], 1, folder, callbacks, save_seconds)


def digest(trained: Trained) -> str:
    content = b"".join(tensor.detach().numpy().tobytes() for tensor in trained.model.state_dict().values())
    return hashlib.sha256(content + repr(trained.log).encode()).hexdigest()


def test_a_training_killed_three_times_ends_with_the_same_bits(
    rows: Rows, alone: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(Killed):
        fit(rows, tmp_path, At(3, die))
    with monkeypatch.context() as patch, pytest.raises(Killed):  # while a checkpoint is being written
        patch.setattr(steady_trainer, "seal", lambda folder, carried: die())
        fit(rows, tmp_path)
    with pytest.raises(Interrupted, match="interrupted by SIGTERM; saved step 6 of"):
        fit(rows, tmp_path, At(6, lambda **_: os.kill(os.getpid(), signal.SIGTERM)))
    INTERRUPTS.signal = None
    again = fit(rows, tmp_path)
    assert digest(again) == digest(alone)
    assert again.earlier.wall_seconds > 0
    assert len(newest_first(tmp_path)) <= 3


def test_workers_that_prepare_batches_change_no_bit(rows: Rows, alone: Trained, tmp_path: Path) -> None:
    trainer = dataclasses.replace(CONFIG.trainer, dataloader_num_workers=2)
    assert digest(fit(rows, tmp_path, config=dataclasses.replace(CONFIG, trainer=trainer), save_seconds=99)) == digest(alone)


@pytest.fixture(scope="module")
def killed(rows: Rows, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The checkpoints of a training that was killed after its third step."""
    folder = tmp_path_factory.mktemp("killed")
    with pytest.raises(Killed):
        fit(rows, folder, At(4, die))
    return folder


@pytest.mark.parametrize("name", ["model.safetensors", "optimizer.pt", "trainer_state.json", "seal.json"])
def test_a_damaged_checkpoint_is_named_and_the_one_before_is_used(
    killed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    shutil.copytree(killed, tmp_path, dirs_exist_ok=True)
    newest, before = newest_first(tmp_path)[:2]
    content = (newest / name).read_bytes()
    (newest / name).write_bytes(content[: len(content) // 2])
    found = latest_usable(tmp_path)
    assert found is not None
    assert (found.folder, newest.exists()) == (before, False)
    assert str(newest) in capsys.readouterr().err


def test_a_training_goes_on_with_the_same_bits_from_the_one_before_a_damaged_checkpoint(
    rows: Rows, alone: Trained, killed: Path, tmp_path: Path
) -> None:
    shutil.copytree(killed, tmp_path, dirs_exist_ok=True)
    (newest_first(tmp_path)[0] / "optimizer.pt").write_bytes(b"")
    assert digest(fit(rows, tmp_path, save_seconds=99)) == digest(alone)


class AtTheEnd(TrainerCallback):
    """Kills a training whose last step is done."""

    def on_train_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        raise Killed


def test_a_training_that_early_stopping_ended_is_not_trained_on(rows: Rows, tmp_path: Path) -> None:
    config = dataclasses.replace(CONFIG, trainer=dataclasses.replace(CONFIG.trainer, learning_rate=1e-9, num_train_epochs=9))
    left_alone = fit(rows, tmp_path / "alone", config=config, save_seconds=99)
    assert max(row["epoch"] for row in left_alone.log) < 9
    with pytest.raises(Killed):
        fit(rows, tmp_path / "killed", AtTheEnd(), config=config, save_seconds=99)
    steps: list[int] = []
    again = fit(rows, tmp_path / "killed", At(1, lambda **_: steps.append(1)), config=config)
    assert (digest(again), steps) == (digest(left_alone), [])
    found = latest_usable(tmp_path / "killed")
    assert found is not None and found.ends_training
    (tmp_path / "killed" / f"checkpoint-{found.state['best_global_step']}" / "model.safetensors").write_bytes(b"")
    assert latest_usable(tmp_path / "killed") is None  # all later ones build on the best


def test_a_loss_that_is_no_number_names_the_examples(rows: Rows, tmp_path: Path) -> None:
    def spoil(model: Any, **_: Any) -> None:
        with torch.no_grad():
            model.classifier.weight.fill_(float("nan"))

    with pytest.raises(InputError, match=r"step 3: the loss is not a number; the batch held .*doc-\d+.*learning_rate") as fault:
        fit(rows, tmp_path, At(2, spoil))
    named = str(fault.value).partition("held ")[2].partition(";")[0].partition(" and ")[0].split(", ")
    assert set(named) <= {row.id for row in rows["train"]}
    assert latest_usable(tmp_path) is not None


def test_a_full_disk_stops_with_a_line_and_keeps_what_was_saved(rows: Rows, alone: Trained, tmp_path: Path) -> None:
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=60m", "tmpfs", str(tmp_path)], capture_output=True, check=False)
    if done.returncode:
        pytest.skip("no permission to mount a small file system")
    try:
        ballast = tmp_path / "ballast"
        with pytest.raises(InputError, match=r"disk full \(\d+ MB free\).*what was saved before is intact"), explained(CONFIG, tmp_path):
            fit(rows, tmp_path / "c", At(3, lambda **_: ballast.write_bytes(bytes(shutil.disk_usage(tmp_path).free - 5_000_000))))
        found = latest_usable(tmp_path / "c")
        assert found is not None and found.state["global_step"] == 2
        ballast.unlink()
        assert digest(fit(rows, tmp_path / "c", save_seconds=99)) == digest(alone)
    finally:
        subprocess.run(["umount", "--lazy", str(tmp_path)], check=False)


def test_a_lack_of_memory_says_what_to_lower(tmp_path: Path) -> None:
    advice = r"per_device_train_batch_size \(now 4\) to 2 with trainer.gradient_accumulation_steps 2"
    with pytest.raises(InputError, match=advice), explained(CONFIG, tmp_path):
        torch.empty(2**52, dtype=torch.uint8)


@pytest.mark.parametrize("processes", [1, 2, 3])
def test_processes_share_the_same_global_batches(processes: int) -> None:
    lengths = [5 + index * 7 % 23 for index in range(41)]
    single = RankBatches([lengths], 8, 1, seed=1)
    shares = [RankBatches([lengths], 8, 1, seed=1, rank=rank, processes=processes) for rank in range(processes)]
    for epoch in (0, 1):
        for batches in (single, *shares):
            batches.epoch = epoch
        together = [sorted({index for part in parts for index in part}) for parts in zip(*shares, strict=True)]
        assert together == [sorted(batch) for batch in single]
        assert sorted(index for batch in single for index in batch) == list(range(41))
    assert all(len(part) > 0 for share in shares for part in share)
    assert [*RankBatches([lengths], 8, 1, seed=1)] != [*single]  # an order of its own for every epoch


def test_each_epoch_reads_the_next_version_in_as_many_steps() -> None:
    batches = RankBatches([[9] * 20, [7] * 17], 8, 1, seed=1)
    for epoch, read in enumerate([set(range(20)), set(range(20, 37)), set(range(20))]):
        batches.epoch = epoch
        steps = list(batches)
        assert [len(step) for step in steps] == [8, 8, 4]
        assert {index for step in steps for index in step} == read


def test_the_loss_of_a_step_is_the_same_in_one_batch_and_in_parts() -> None:
    logits = torch.randn(6, 3, generator=torch.Generator().manual_seed(1))
    labels = torch.tensor([0, 1, 2, IGNORED, FIRST_TAUGHT, IGNORED])
    loss = WeightedLoss(torch.ones(3), 0.1, taught=torch.tensor([[0.2, 0.5, 0.3]]))
    parts = [loss({"logits": logits[part]}, labels[part], torch.tensor(4)) for part in (slice(0, 1), slice(1, 6))]
    assert torch.allclose(sum(parts), loss({"logits": logits}, labels))


def test_pruning_keeps_the_newest_and_what_they_build_on(tmp_path: Path) -> None:
    for step, best in ((10, 10), (20, 10), (30, 10), (40, 20)):
        (tmp_path / f"checkpoint-{step}").mkdir()
        (tmp_path / f"checkpoint-{step}" / "trainer_state.json").write_text(f'{{"best_global_step": {best}}}')
    prune(tmp_path)
    assert [path.name for path in newest_first(tmp_path)] == ["checkpoint-40", "checkpoint-30", "checkpoint-20", "checkpoint-10"]
    (tmp_path / "checkpoint-30" / "trainer_state.json").write_text('{"best_global_step": 20}')
    prune(tmp_path)
    assert [path.name for path in newest_first(tmp_path)] == ["checkpoint-40", "checkpoint-30", "checkpoint-20"]


def test_a_signal_ends_at_once_outside_a_training_and_the_second_one_inside() -> None:
    with pytest.raises(Interrupted, match="interrupted by SIGINT"):
        os.kill(os.getpid(), signal.SIGINT)
    INTERRUPTS.signal, INTERRUPTS.received = None, 0.0
    with pytest.raises(Interrupted, match="interrupted by SIGTERM"), INTERRUPTS.deferred():
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)  # the same one, passed on by a launcher
        INTERRUPTS.received = time.monotonic() - 60
        os.kill(os.getpid(), signal.SIGTERM)


def test_the_threads_of_a_run_are_written_down_and_taken_up_again(tmp_path: Path) -> None:
    auto = dataclasses.replace(CONFIG, trainer=dataclasses.replace(CONFIG.trainer, threads=0))
    torch.set_num_threads(1)
    assert open_run(dataclasses.replace(CONFIG, trainer=dataclasses.replace(CONFIG.trainer, threads=3)), tmp_path, "d").trainer.threads == 3
    assert open_run(auto, tmp_path, "d").trainer.threads == 3
    assert open_run(auto, tmp_path / "other", "d").trainer.threads == 1
    with pytest.raises(InputError, match="differs in threads: 2"):
        open_run(dataclasses.replace(CONFIG, trainer=dataclasses.replace(CONFIG.trainer, threads=2)), tmp_path, "d")
    assert open_run(dataclasses.replace(auto, seeds=[2]), tmp_path, "d").seeds == [1, 2]


def test_other_data_refuses_and_other_code_is_noted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    origin = {"data_fingerprint": "a", "code_sha256": "c" * 64, "versions": {"torch": "1"}, "threads": 1}
    check_origin(tmp_path, origin)
    check_origin(tmp_path, origin)
    assert capsys.readouterr().err == ""
    check_origin(tmp_path, origin | {"code_sha256": "d" * 64, "versions": {"torch": "2"}})
    assert "begun with other code (code_sha256 cccccccccccc -> dddddddddddd); versions (torch 1 -> 2)" in capsys.readouterr().err
    with pytest.raises(InputError, match=r"made from other data .*--overwrite"):
        check_origin(tmp_path, origin | {"data_fingerprint": "b"})


def test_a_run_of_other_data_is_refused_with_every_file_as_it_was(tmp_path: Path) -> None:
    corpus, folder = write_corpus(tmp_path / "issue"), tmp_path / "runs" / "x"
    config = RunConfig(name="x", data=DataSettings(corpus=str(corpus)), model=ModelSettings(kind="majority"))

    def again(**changes: Any) -> None:
        source = load_source(config.data)
        run(dataclasses.replace(config, **changes), source, collect_splits(source, config.data), folder, overwrite=False, save_seconds=300)

    again()
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    for path in (corpus / "corpus").glob("*.md"):
        path.write_text(path.read_text().replace("(rovia: against)", "(rovia: favor)"))
    with pytest.raises(InputError, match=r"seed-1: made from other data .*--overwrite"):
        again(seeds=[1, 2])
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before
