"""Shards of example rows as files: which there are, their rows one by one, and what is wrong with each."""

import codecs
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from data.errors import InputError, nearest
from data.parsing import parse_json
from data.records import Example, explain

MAX_LINE = 1_000_000
"""Bytes of a JSONL row; one row of the largest allowed text has an eighth of them."""
SUFFIXES = (".jsonl", ".parquet")
BATCH = 1024
"""Rows of a Parquet file that are in memory together."""
Fields = dict[str, Any] | str | None
RawRow = tuple[int, Fields]
"""A row's number in its shard, counted from 1, and its fields, what is wrong with it, or None for an empty line."""


def find_shards(folder: Path) -> list[Path]:
    """Return the shards of a folder, whose endings may be in capitals, in the order of their names.

    Raises:
        InputError: no such folder, no shards, or two whose outputs would have one name.
    """
    if not folder.is_dir():
        raise InputError(f"--input {folder}: no such folder of .jsonl or .parquet shards")
    shards = sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES and not path.name.startswith("."))
    for path in shards:
        _check_shard(path)
    if not shards:
        others = sorted(path.suffix for path in folder.iterdir() if path.is_file())
        raise InputError(f"--input {folder}: holds no .jsonl or .parquet file{nearest(others[0], SUFFIXES) if others else ''}")
    stems = [path.stem for path in shards]
    for path in shards:
        if stems.count(path.stem) > 1 or path.stem in {"rejects", "score"}:
            raise InputError(f"{path}: another file's output would have the same name; rename it")
    return shards


def _check_shard(path: Path) -> None:
    if path.is_symlink():
        raise InputError(f"{path}: is a link; name the folder that holds the shard itself")
    if not path.is_file():
        raise InputError(f"{path}: is no plain file")
    if not path.name.isprintable():
        raise InputError(f"{str(path)!r}: control characters in a name; rename it")


def read_shard(shard: Path) -> Iterator[RawRow]:
    """Yield the rows of a shard one by one; where it cannot be read on, the last row says so."""
    number = 0
    try:
        for number, fields in enumerate(_READERS[shard.suffix.lower()](shard), 1):
            yield number, fields
    except (OSError, ValueError) as error:
        yield number + 1, f"cannot be read: {' '.join(str(error).split())[:200]}"


def _read_jsonl(shard: Path) -> Iterator[Fields]:
    with shard.open("rb") as file:
        if file.read(len(codecs.BOM_UTF8)) != codecs.BOM_UTF8:
            file.seek(0)
        while line := file.readline(MAX_LINE):
            if len(line) == MAX_LINE and not line.endswith(b"\n"):
                while (rest := file.readline(MAX_LINE)) and not rest.endswith(b"\n"):
                    pass
                yield f"a line of more than {MAX_LINE:,} bytes"
                continue
            try:
                value = parse_json(line) if line.strip() else None
            except ValueError as error:
                yield f"not JSON: {' '.join(str(error).split())[:200]}"
                continue
            yield value if value is None or isinstance(value, dict) else f"expected a JSON object, got {type(value).__name__}"


def _read_parquet(shard: Path) -> Iterator[Fields]:
    import pyarrow.parquet

    try:
        with pyarrow.parquet.ParquetFile(shard) as file:
            for batch in file.iter_batches(batch_size=BATCH):
                yield from batch.to_pylist()
    except (pyarrow.ArrowException, ArithmeticError) as error:  # a type or a date that Python has not
        raise ValueError(str(error)) from None


_READERS: dict[str, Callable[[Path], Iterator[Fields]]] = {".jsonl": _read_jsonl, ".parquet": _read_parquet}


def check_rows(shard: Path, chunk: Sequence[RawRow]) -> tuple[list[Example], list[dict[str, Any]]]:
    """Divide a chunk into example rows and reject rows, which name shard, row and fault."""
    good: list[Example] = []
    bad: list[dict[str, Any]] = []
    for number, fields in chunk:
        if fields is None:
            continue
        if isinstance(fields, str):
            bad.append({"shard": shard.name, "row": number, "fault": fields})
            continue
        try:
            good.append(Example.model_validate(fields))
        except ValidationError as error:
            bad.append({"shard": shard.name, "row": number, "fault": explain(error)})
    return good, bad


def count_rows(shard: Path) -> int:
    """Return how many rows a shard has without reading them; 0 for one that cannot be read."""
    if shard.suffix.lower() == ".parquet":
        import pyarrow.parquet

        try:
            return int(pyarrow.parquet.read_metadata(shard).num_rows)
        except (OSError, ValueError, pyarrow.ArrowException):
            return 0
    try:
        with shard.open("rb") as file:
            return sum(block.count(b"\n") for block in iter(lambda: file.read(1 << 20), b""))
    except OSError:
        return 0
