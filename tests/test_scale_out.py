"""Several processes share a run: the same figures, one writer, and the group's death loses nothing."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from conftest import write_corpus

from data.files import ROOT, read_json

pytestmark = pytest.mark.slow

ENVIRONMENT = {"PATH": os.environ["PATH"], "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
SETTINGS = "--config smoke.yaml --data.documents 1 --trainer.num_train_epochs 4 --trainer.per_device_train_batch_size 4 --trainer.threads 1"


def settings(corpus: Path, runs: Path) -> list[str]:
    return [str(ROOT / "train/run.py"), *SETTINGS.split(), "--model.dropout", "0", "--data.corpus", str(corpus), "--runs", str(runs)]


def torchrun(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "torch.distributed.run", *arguments]


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def finish(command: list[str]) -> str:
    done = subprocess.run(command, cwd=ROOT, env=ENVIRONMENT, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_corpus(tmp_path_factory.mktemp("issue"))


@pytest.fixture(scope="module")
def together(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    runs = tmp_path_factory.mktemp("together")
    finish([*torchrun("--nproc-per-node", "2", "--master-port", str(free_port())), *settings(corpus, runs)])
    return runs / "smoke"


def curve(run: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in (run / "seed-1/log.jsonl").read_text().splitlines()]


def test_two_processes_learn_from_the_same_global_batches_as_one(corpus: Path, together: Path, tmp_path: Path) -> None:
    finish([sys.executable, *settings(corpus, tmp_path)])
    alone = tmp_path / "smoke"
    assert [row["step"] for row in curve(together)] == [row["step"] for row in curve(alone)]
    for ours, theirs in zip(curve(together), curve(alone), strict=True):
        for key in ours.keys() & {"loss", "grad_norm"}:
            assert ours[key] == pytest.approx(theirs[key], rel=1e-3)  # without dropout only the order of sums differs
    assert read_json(together / "seed-1/run.json")["processes"] == 2


def test_only_the_first_process_writes(together: Path) -> None:
    assert not [path for path in together.rglob("*") if path.name.startswith("rng_state") or path.name == ".lock"]
    assert (together / "seed-1/DONE").is_file()


def test_the_death_of_a_worker_ends_the_group_and_the_same_command_continues(corpus: Path, together: Path, tmp_path: Path) -> None:
    command = [*torchrun("--nproc-per-node", "2", "--master-port", str(free_port())), *settings(corpus, tmp_path), "--save_seconds", "0"]
    launcher = subprocess.Popen(command, cwd=ROOT, env=ENVIRONMENT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_for(lambda: list(tmp_path.rglob("checkpoint-*/seal.json")), launcher)
    workers = [each for each in psutil.Process(launcher.pid).children(recursive=True) if "run.py" in " ".join(each.cmdline())]
    workers[-1].send_signal(signal.SIGKILL)
    assert launcher.wait(timeout=120) != 0
    assert not [each for each in workers if each.is_running() and each.status() != psutil.STATUS_ZOMBIE]
    finish(command)
    for name in ("seed-1/model/model.safetensors", "seed-1/predictions/test.jsonl", "seed-1/log.jsonl"):
        assert (tmp_path / "smoke" / name).read_bytes() == (together / name).read_bytes(), name


def wait_for(happened: Callable[[], object], process: "subprocess.Popen[bytes]") -> None:
    while not happened():
        assert process.poll() is None, "ended before"
        time.sleep(0.02)


def test_several_hosts_share_a_run(corpus: Path, together: Path, tmp_path: Path) -> None:
    """Two network namespaces joined by a virtual cable stand for two hosts with a common disk."""
    if shutil.which("ip") is None or subprocess.run(["ip", "netns", "add", "stance-a"], capture_output=True, check=False).returncode:
        pytest.skip("no permission to make network namespaces")
    try:
        for line in (
            "netns add stance-b",
            "link add stance-va netns stance-a type veth peer name stance-vb netns stance-b",
            "-n stance-a address add 10.231.7.1/24 dev stance-va",
            "-n stance-b address add 10.231.7.2/24 dev stance-vb",
            *(f"-n stance-{host} link set {device} up" for host in "ab" for device in ("lo", f"stance-v{host}")),
        ):
            subprocess.run(["ip", *line.split()], check=True)
        group = "--nnodes 2 --nproc-per-node 1 --master-addr 10.231.7.1 --master-port 29531"
        hosts = []
        for rank, host in enumerate("ab"):
            command = [*torchrun(*group.split(), "--node-rank", str(rank)), *settings(corpus, tmp_path)]
            inside = ["ip", "netns", "exec", f"stance-{host}", *command]
            environment = ENVIRONMENT | {"GLOO_SOCKET_IFNAME": f"stance-v{host}"}
            hosts.append(subprocess.Popen(inside, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True))
        said = [host.communicate(timeout=600)[1][-3000:] for host in hosts]
        assert [host.returncode for host in hosts] == [0, 0], said
    finally:
        for host in "ab":
            subprocess.run(["ip", "netns", "delete", f"stance-{host}"], check=False)
    weights = "seed-1/model/model.safetensors"
    assert (tmp_path / "smoke" / weights).read_bytes() == (together / weights).read_bytes()
