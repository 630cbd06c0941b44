"""One process at a time in a folder that is written to: the second is told who holds it, and a dead holder is no obstacle.

A record lock of the operating system is held on `.lock` in the folder; it ends with its process however that ends, so the file's
presence alone means nothing. It works between hosts where the file system has locks (NFSv4, Lustre with flock).
"""

import errno
import fcntl
import json
import os
import shutil
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from data.errors import InputError
from data.parsing import parse_json

LOCK = ".lock"
HELD = (errno.EACCES, errno.EAGAIN)
"""What the system answers where somebody else has the lock; ENOLCK and others say that there are no locks here."""


@contextmanager
def holding(folder: Path, option: str = "--name") -> Iterator[None]:
    """Hold a folder, made if need be, for the length of the block; `option` is what names another one.

    Raises:
        InputError: another process holds it, or it cannot be made or locked.
    """
    path = folder / LOCK
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle = _acquire(path, option)
    except OSError as error:
        raise InputError(f"{folder}: cannot be made or locked ({error.strerror}); name a folder whose file system has locks") from None
    try:
        if left := _describe(os.pread(handle, 4096, 0)):
            print(f"note: {folder}: the last process, {left}, ended without finishing; this one continues", file=sys.stderr)
        os.ftruncate(handle, 0)
        os.pwrite(handle, json.dumps(_holder()).encode(), 0)
        yield
    finally:
        path.unlink(missing_ok=True)  # while the lock is held, so that nobody else's file is removed
        os.close(handle)
        with suppress(OSError):  # a folder made for nothing; one that holds a run is not empty
            folder.rmdir()


def clear(folder: Path) -> None:
    """Remove everything in a held run folder but the lock."""
    for path in folder.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        elif path.name != LOCK:
            path.unlink()


def _acquire(path: Path, option: str) -> int:
    """Return a locked descriptor of the file that has the name `path` now, not of one removed by its last holder meanwhile."""
    while True:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o644)
        try:
            fcntl.lockf(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = _describe(os.pread(handle, 4096, 0)) or "another process"
            os.close(handle)
            if error.errno not in HELD:
                raise
            raise InputError(f"{path.parent}: in use by {holder}; wait for it, stop it, or give {option} for a folder of its own") from None
        with suppress(FileNotFoundError):
            if path.stat().st_ino == os.fstat(handle).st_ino:
                return handle
        os.close(handle)


def _holder() -> dict[str, str | int]:
    return {"pid": os.getpid(), "host": socket.gethostname(), "since": datetime.now(UTC).isoformat(timespec="seconds")}


def _describe(content: bytes) -> str | None:
    try:
        holder = parse_json(content)
        return f"process {holder['pid']} on {holder['host']} since {holder['since']}"
    except (ValueError, KeyError, TypeError):
        return None
