"""Reading user files with helpful errors, and writing files that appear whole or not at all."""

import contextlib
import json
import os
import stat
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from data.errors import InputError
from data.parsing import MAX_YAML, parse_json, parse_yaml

MAX_TEXT = 2**29
"""Bytes of a file that is read whole; more rows than that go through train/score.py, which reads shards row by row."""

ROOT = Path(__file__).resolve().parent.parent


def read_text(path: Path) -> str:
    """Read a UTF-8 text file.

    Raises:
        InputError: the file is missing, no plain file (a pipe or device may never end), too large, unreadable or not UTF-8.
    """
    try:
        check_plain(path, path.stat())
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not UTF-8 text (byte {error.start})") from None
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from None
    except ValueError as error:  # a NUL in the path
        raise InputError(f"{str(path)!r}: {error}") from None


def check_plain(path: Path, found: os.stat_result) -> None:
    """Refuse what is no plain file of a size that can be read whole.

    Raises:
        InputError: a folder, a pipe or device, or too large.
    """
    if stat.S_ISDIR(found.st_mode):
        raise InputError(f"{path}: is a folder, expected a file")
    if not stat.S_ISREG(found.st_mode):
        raise InputError(f"{path}: is a pipe or device, expected a plain file")
    if found.st_size > MAX_TEXT:
        raise InputError(f"{path}: {found.st_size / 2**20:,.0f} MB, expected at most {MAX_TEXT / 2**20:,.0f} MB")


def check_links(folder: Path) -> None:
    """Refuse a folder in which a symbolic link leads out of it, so that nothing outside is read or written through it.

    Raises:
        InputError: there is such a link.
    """
    inside = folder.resolve()
    for path in folder.rglob("*"):
        if path.is_symlink() and not Path(os.path.realpath(path)).is_relative_to(inside):
            raise InputError(f"{path}: is a link that leads out of {folder}; remove it, or put the file itself there")


def check_output(output: Path) -> None:
    """Refuse an output folder that holds something.

    Raises:
        InputError: it does.
    """
    if output.exists() and (not output.is_dir() or any(output.iterdir())):
        raise InputError(f"--output {output}: not empty; name a new folder")


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path` that takes its place by rename when the block ends well."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        temporary.chmod(0o644)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text with newline endings; the file appears by rename."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")


def write_json(path: Path, value: Any) -> None:
    """Write readable JSON with a stable layout; NaN is refused."""
    write_text(path, format_json(value))


def format_json(value: Any) -> str:
    """Return what `write_json` writes."""
    return json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def write_jsonl(path: Path, rows: Iterable[dict[str, Any]]) -> None:
    """Write one JSON object a line; NaN is refused."""
    with replacing(path) as temporary, temporary.open("w", encoding="utf-8", newline="\n") as file:
        for row in rows:
            file.write(json.dumps(row, ensure_ascii=False, allow_nan=False) + "\n")


def read_json(path: Path) -> Any:
    """Read a JSON file.

    Raises:
        InputError: missing, not JSON, nested too deeply or with half a character; names the line.
    """
    try:
        return parse_json(read_text(path))
    except json.JSONDecodeError as error:
        raise InputError(f"{path}:{error.lineno}: not JSON: {error.msg}") from None
    except ValueError as error:
        raise InputError(f"{path}: not JSON: {error}") from None


def read_object(path: Path) -> dict[str, Any]:
    """Read a JSON file that holds an object.

    Raises:
        InputError: as `read_json`, or another kind of value.
    """
    value = read_json(path)
    if not isinstance(value, dict):
        raise InputError(f"{path}: expected a JSON object, got {type(value).__name__}")
    return value


def read_yaml(path: Path, limit: int = MAX_YAML) -> Any:
    """Read a YAML file within the limits of `data.parsing`.

    Raises:
        InputError: missing, or not plain YAML; names the line.
    """
    return parse_yaml(read_text(path), path, limit=limit)
