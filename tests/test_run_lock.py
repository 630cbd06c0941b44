"""Two processes and one run folder."""

import errno
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from data.errors import InputError
from data.files import ROOT
from train.run_lock import LOCK, clear, holding

HOLDER = """
import sys, time
sys.path[0] = sys.argv[2]
from pathlib import Path
from train.run_lock import holding
with holding(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def test_the_second_process_is_told_who_holds_the_folder_and_a_dead_holder_is_no_obstacle(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "base"
    holder = subprocess.Popen([sys.executable, "-c", HOLDER, str(folder), str(ROOT)], stdout=subprocess.PIPE, text=True)
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        told = rf"base: in use by process {holder.pid} on \S+ since 20.*; wait for it.*--output"
        with pytest.raises(InputError, match=told), holding(folder, "--output"):
            pass
    finally:
        holder.send_signal(signal.SIGKILL)
        holder.wait()
    assert (folder / LOCK).is_file()
    with holding(folder):
        assert f"process {holder.pid} on" in capsys.readouterr().err
    assert not (folder / LOCK).exists()


def test_a_file_system_without_locks_is_not_called_in_use(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(handle: int, operation: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr("train.run_lock.fcntl.lockf", refuse)
    with pytest.raises(InputError, match=r"base: cannot be made or locked \(No locks available\)"), holding(tmp_path / "base"):
        pass


def test_a_lock_that_is_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("keep me")
    (tmp_path / LOCK).symlink_to(tmp_path / "secret")
    with pytest.raises(InputError, match="cannot be made or locked"), holding(tmp_path):
        pass
    assert (tmp_path / "secret").read_text() == "keep me"


def test_clearing_keeps_the_lock_and_a_folder_made_for_nothing_goes(tmp_path: Path) -> None:
    with holding(tmp_path / "base"):
        (tmp_path / "base" / "seed-1").mkdir()
        (tmp_path / "base" / "config.yaml").write_text("name: base\n")
        clear(tmp_path / "base")
        assert [path.name for path in (tmp_path / "base").iterdir()] == [LOCK]
    assert not (tmp_path / "base").exists()
