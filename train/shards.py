"""Bulk scoring, shard by shard in constant memory, resumable after a kill.

Beside an unfinished output stands `.NAME.state`, written by rename after every chunk: how many input rows were read and how
long output and rejects were then. A new start cuts both files back to these lengths and goes on with the next row.
"""

import dataclasses
import hashlib
import json
import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

from pydantic import ValidationError

from data.errors import InputError, nearest
from data.files import check_links, read_object, read_text, write_json, write_text
from data.parsing import parse_json
from data.records import Example, explain
from train.loading import Backend, OpenRun, find_seed, open_run
from train.onnx_backend import passed_parity
from train.runs import prediction_rows

CHUNK = 1024
"""Rows read, scored and written together; a kill loses those being written and those scored ahead, which a restart does again."""
MAX_LINE = 1_000_000
"""Bytes of a JSONL row; one row of the largest allowed text has an eighth of them."""
SUFFIXES = (".jsonl", ".parquet")
AUTO: tuple[Backend, ...] = ("onnx-int8", "onnx", "torch")
Fields = dict[str, Any] | str | None
RawRow = tuple[int, Fields]
"""A row's number in its shard, counted from 1, and its fields, what is wrong with it, or None for an empty line."""
Scored = tuple[int, list[dict[str, Any]], list[dict[str, Any]]]
"""A chunk's last row number, its prediction rows and its reject rows."""


@dataclass(frozen=True)
class Job:
    """What scores the shards and where the predictions go; it can be sent to another process, which opens the run itself."""

    run: Path
    seed: int | None
    backend: Backend
    output: Path
    batch_size: int = 16
    threads: int = 0

    @cached_property
    def opened(self) -> OpenRun:
        """The run, opened at first use."""
        return open_run(self.run, self.seed, self.backend, self.threads)

    @property
    def chunks_at_once(self) -> int:
        """How many chunks are scored together: two fill each other's gaps where there are threads for both; torch shares out each alone."""
        return 1 if self.backend == "torch" or self.threads == 1 else 2

    def __getstate__(self) -> dict[str, Any]:
        """Leave the open run behind when the job goes to another process."""
        return {key: value for key, value in vars(self).items() if key != "opened"}


def open_job(run: Path, seed: int | None, backend: str, output: Path, *, batch_size: int, threads: int) -> Job:
    """Open the run and the output folder; a folder with results of another model is refused.

    Raises:
        InputError: no such run, no usable backend, or an output folder that belongs to another job.
    """
    config, folder = find_seed(run, seed)
    if output.is_dir():
        check_links(output)
    chosen = next(each for each in AUTO if usable(folder, each)) if backend == "auto" else backend
    job = Job(run.resolve(), seed, chosen, output.resolve(), batch_size, threads)  # type: ignore[arg-type]
    _ = job.opened
    weights = hashlib.sha256((folder / "model" / "model.safetensors").read_bytes()).hexdigest()[:12]
    manifest = {"run": config.name, "seed": folder.name, "backend": chosen, "config_hash": config.hash(), "model_sha256": weights}
    path = output / "score.json"
    if path.is_file() and (theirs := read_object(path)) != manifest:
        changed = [key for key in manifest if theirs.get(key) != manifest[key]]
        raise InputError(f"{output}: holds predictions of another job (differs in {', '.join(changed)}); give another --output")
    write_json(path, manifest)
    return job


def usable(folder: Path, backend: Backend) -> bool:
    """Tell whether a seed can be opened with a backend: an export must have passed its check."""
    if backend == "torch":
        return True
    path = folder / "onnx" / "parity.json"
    return path.is_file() and passed_parity(path, "int8" if backend == "onnx-int8" else "fp32")


def find_shards(folder: Path) -> list[Path]:
    """Return the shards of a folder in the order of their names.

    Raises:
        InputError: no such folder, no shards, or two whose outputs would have one name.
    """
    if not folder.is_dir():
        raise InputError(f"--input {folder}: no such folder of .jsonl or .parquet shards")
    shards = sorted(path for path in folder.iterdir() if path.suffix in SUFFIXES and not path.name.startswith("."))
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


@dataclass(frozen=True)
class State:
    """How far a shard has come: input rows read, bytes of output and rejects written, and the input's size as a check."""

    rows: int = 0
    output_bytes: int = 0
    reject_bytes: int = 0
    shard_bytes: int = 0

    @classmethod
    def read(cls, path: Path) -> "State":
        """Read what was written after the last chunk.

        Raises:
            InputError: the file is not one of ours.
        """
        fields = read_object(path)
        if fields.keys() != {each.name for each in dataclasses.fields(cls)} or not all(type(value) is int for value in fields.values()):
            raise InputError(f"{path}: not the state of a shard; remove it to score the shard anew")
        return cls(**fields)


def score_shard(job: Job, shard: Path, advance: Callable[[int], None] = lambda rows: None) -> None:
    """Score one shard, from where an earlier try stopped; a finished one is left alone.

    Raises:
        InputError: the shard changed since the earlier try.
    """
    final, rejects = job.output / f"{shard.stem}.jsonl", job.output / f".{shard.stem}.rejects"
    part, state_path = job.output / f".{shard.stem}.part", job.output / f".{shard.stem}.state"
    if final.is_file():
        return
    state = State.read(state_path) if state_path.is_file() else State(shard_bytes=shard.stat().st_size)
    if state.shard_bytes != shard.stat().st_size:
        raise InputError(f"{shard}: has changed since scoring it began; remove {state_path} to start it anew")
    with _cut(part, state.output_bytes) as output, _cut(rejects, state.reject_bytes) as refused:
        for last, good, bad in _scored_ahead(job, shard, state.rows):
            for row in good:
                output.write(_line(row))
            for fault in bad:
                refused.write(_line(fault))
            for file in (output, refused):
                file.flush()
                os.fsync(file.fileno())
            rows = last - state.rows
            state = State(last, output.tell(), refused.tell(), state.shard_bytes)
            write_json(state_path, asdict(state))
            advance(rows)
    part.replace(final)
    state_path.unlink(missing_ok=True)


def _scored_ahead(job: Job, shard: Path, skip: int) -> Iterator[Scored]:
    """Yield the chunks after the first `skip` rows in their order, each scored in a thread while others are read and written."""
    with ThreadPoolExecutor(job.chunks_at_once) as pool:
        waiting: deque[Future[Scored]] = deque()
        for chunk in _chunks(shard, skip):
            waiting.append(pool.submit(_score, job, shard, chunk))
            if len(waiting) > job.chunks_at_once:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def _score(job: Job, shard: Path, chunk: Sequence[RawRow]) -> Scored:
    good, bad = check_rows(shard, chunk)
    return chunk[-1][0], prediction_rows(good, job.opened.probabilities(good, job.batch_size)), bad


def _line(row: dict[str, Any]) -> bytes:
    return (json.dumps(row, ensure_ascii=False, allow_nan=False) + "\n").encode("utf-8", "backslashreplace")


def _cut(path: Path, size: int) -> BinaryIO:
    """Open a file for appending, cut to its first `size` bytes; a link is not followed.

    Raises:
        InputError: it is shorter, so rows that the state counts are lost.
    """
    file = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, 0o644), "ab")
    if os.fstat(file.fileno()).st_size < size:
        file.close()
        raise InputError(f"{path}: shorter than its .state says; remove both to score the shard anew")
    file.truncate(size)
    return file


def _chunks(shard: Path, skip: int) -> Iterator[list[RawRow]]:
    """Yield the rows after the first `skip` ones, in chunks that lie the same after every restart."""
    rows = islice(read_shard(shard), skip, None)
    while chunk := list(islice(rows, CHUNK)):
        yield chunk


def read_shard(shard: Path) -> Iterator[RawRow]:
    """Yield the rows of a shard one by one; where it cannot be read on, the last row says so."""
    number = 0
    try:
        for number, fields in enumerate(_READERS[shard.suffix](shard), 1):
            yield number, fields
    except (OSError, ValueError) as error:
        yield number + 1, f"cannot be read: {' '.join(str(error).split())[:200]}"


def _read_jsonl(shard: Path) -> Iterator[Fields]:
    with shard.open("rb") as file:
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
            for batch in file.iter_batches(batch_size=CHUNK):
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


def collect_rejects(output: Path) -> int:
    """Write all shards' rejects to rejects.jsonl and return how many there are; the file is absent when there are none."""
    text = "".join(read_text(path) for path in sorted(output.glob(".*.rejects")))
    if text:
        write_text(output / "rejects.jsonl", text)
    return text.count("\n")


def count_rows(shard: Path) -> int:
    """Return how many rows a shard has without reading them; 0 for one that cannot be read."""
    if shard.suffix == ".parquet":
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


def rows_left(shard: Path, output: Path) -> int:
    """Return how many rows of a shard are still to be scored."""
    if (output / f"{shard.stem}.jsonl").is_file():
        return 0
    state = output / f".{shard.stem}.state"
    return count_rows(shard) - (State.read(state).rows if state.is_file() else 0)
