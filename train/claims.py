"""Who works on a trial: a file that its process keeps locked and touches, so that the trials of the dead are known.

A journal has no heartbeat, and a trial whose process was killed stays "running" in it for ever. The lock is the operating system's: it
ends with its process however that ends. Between hosts whose file system has no locks, the file's age decides.
"""

import fcntl
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from train.run_lock import HELD

BEAT = 20.0
"""Seconds between two touches of the file."""
SILENCE = 300.0
"""Seconds without a touch after which a process on another host counts as dead."""
CLAIM = "claim"


@contextmanager
def claiming(folder: Path) -> Iterator[None]:
    """Hold the claim on a trial's folder for the length of the block."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / CLAIM
    with path.open("w", encoding="utf-8") as file:
        with suppress(OSError):  # no locks here: the file's age must do
            fcntl.lockf(file, fcntl.LOCK_EX)
        file.write(socket.gethostname())
        file.flush()
        ended = threading.Event()
        beat = threading.Thread(target=_touch, args=(path, ended), daemon=True)
        beat.start()
        try:
            yield
        finally:
            ended.set()
            path.unlink(missing_ok=True)


def _touch(path: Path, ended: threading.Event) -> None:
    while not ended.wait(BEAT):
        if path.exists():
            os.utime(path)


def is_abandoned(folder: Path, started: float) -> bool:
    """Tell whether nobody works on a trial any more; it was started at `started`, seconds since the epoch."""
    path = folder / CLAIM
    try:
        with path.open("r+", encoding="utf-8") as file:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            same_host = file.read() == socket.gethostname()
            return same_host or time.time() - path.stat().st_mtime > SILENCE
    except FileNotFoundError:  # not claimed yet, or given up by a process that could not finish it
        return time.time() - started > SILENCE
    except OSError as error:
        return error.errno not in HELD and time.time() - path.stat().st_mtime > SILENCE
