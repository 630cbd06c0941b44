"""Bulk scoring, shard by shard in constant memory, resumable after a kill.

Beside every output stands `.NAME.state`, written by rename after every chunk: which input it is of, how many of its rows were read and
how long output and rejects were then. A new start cuts both files back to these lengths and goes on with the next row; a finished
output is left alone, and another input of the same name is refused.
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

from data.errors import InputError
from data.files import check_links, read_object, read_text, write_json, write_text
from train.backends import Backend, is_torch
from train.checkpoints import sha256
from train.loading import OpenRun, find_seed, open_run
from train.onnx_backend import FILES, passed_parity, precision_of
from train.runs import prediction_rows
from train.shard_files import RawRow, check_rows, count_rows, read_shard

CHUNK = 1024
"""Rows read, scored and written together; a kill loses those being written and those scored ahead, which a restart does again."""
HASHED = 64 * 1024
"""Bytes hashed at the beginning and at the end of a shard, which with its size tell it from others in no time."""
AUTO: tuple[Backend, ...] = ("onnx-int8", "onnx", "torch")
Scored = tuple[int, list[dict[str, Any]], list[dict[str, Any]]]
"""A chunk's last row number, its prediction rows and its reject rows."""


@dataclass(frozen=True)
class Job:
    """What scores the shards and where the predictions go; it can be sent to another process, which opens the run itself."""

    run: Path
    seed: int | None
    backend: Backend
    output: Path
    batch_size: int | None = None
    threads: int = 0

    @cached_property
    def opened(self) -> OpenRun:
        """The run, opened at first use."""
        return open_run(self.run, self.seed, self.backend, self.threads)

    @property
    def chunks_at_once(self) -> int:
        """How many chunks are scored together: two fill each other's gaps if there are threads for both; torch starts its own for each."""
        return 1 if is_torch(self.backend) or self.threads == 1 else 2

    def __getstate__(self) -> dict[str, Any]:
        """Leave the open run behind when the job goes to another process."""
        return {key: value for key, value in vars(self).items() if key != "opened"}


def open_job(run: Path, seed: int | None, backend: str, output: Path, *, batch_size: int | None, threads: int) -> Job:
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
    weights = sha256(folder / "model" / "model.safetensors" if is_torch(chosen) else folder / "onnx" / FILES[precision_of(chosen)])[:12]
    manifest = {"run": config.name, "seed": folder.name, "backend": chosen, "config_hash": config.hash(), "model_sha256": weights}
    path = output / "score.json"
    if path.is_file() and (theirs := read_object(path)) != manifest:
        changed = [key for key in manifest if theirs.get(key) != manifest[key]]
        raise InputError(f"{output}: holds predictions of another job (differs in {', '.join(changed)}); give another --output")
    write_json(path, manifest)
    return job


def usable(folder: Path, backend: Backend) -> bool:
    """Tell whether a seed can be opened with a backend: an export must have passed its check."""
    if is_torch(backend):
        return True
    path = folder / "onnx" / "parity.json"
    return path.is_file() and passed_parity(path, precision_of(backend))


@dataclass(frozen=True)
class State:
    """How far a shard has come: input rows read, bytes of output and rejects written, and the fingerprint of the input."""

    rows: int = 0
    output_bytes: int = 0
    reject_bytes: int = 0
    shard: str = ""

    @classmethod
    def read(cls, path: Path) -> "State":
        """Read what was written after the last chunk.

        Raises:
            InputError: the file is not one of ours.
        """
        fields = read_object(path)
        if {key: type(value) for key, value in fields.items()} != {each.name: type(each.default) for each in dataclasses.fields(cls)}:
            raise InputError(f"{path}: not the state of a shard; remove it and the shard's output to score it anew")
        return cls(**fields)


def read_state(shard: Path, output: Path) -> State:
    """Return how far a shard has come in an output folder.

    Raises:
        InputError: what the folder holds under this name is of another file, or of this one before it changed.
    """
    final, path, fingerprint = output / f"{shard.stem}.jsonl", output / f".{shard.stem}.state", fingerprint_of(shard)
    if not path.is_file():
        if final.is_file():
            raise InputError(f"{final}: nothing says that it is of {shard}; remove it, or give another --output")
        return State(shard=fingerprint)
    state = State.read(path)
    if state.shard != fingerprint:
        raise InputError(
            f"{shard}: {output} holds predictions of another file of this name, or it has changed since; give another --output, "
            f"or remove {path} and {final.name}"
        )
    return state


def fingerprint_of(shard: Path) -> str:
    """Return a shard's size and a hash of its beginning and end; its folder may move."""
    size = shard.stat().st_size
    with shard.open("rb") as file:
        digest = hashlib.sha256(file.read(HASHED))
        file.seek(max(0, size - HASHED))
        digest.update(file.read(HASHED))
    return f"{size}-{digest.hexdigest()[:16]}"


def score_shard(job: Job, shard: Path, advance: Callable[[int], None] = lambda rows: None) -> None:
    """Score one shard, from where an earlier try stopped; a finished one is left alone.

    Raises:
        InputError: the output is of another input.
    """
    final, rejects = job.output / f"{shard.stem}.jsonl", job.output / f".{shard.stem}.rejects"
    part, state_path = job.output / f".{shard.stem}.part", job.output / f".{shard.stem}.state"
    state = read_state(shard, job.output)
    if final.is_file():
        return
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
            state = State(last, output.tell(), refused.tell(), state.shard)
            write_json(state_path, asdict(state))
            advance(rows)
    if not state.rows:  # an empty shard, which had no chunk to write it after
        write_json(state_path, asdict(state))
    part.replace(final)


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


def collect_rejects(output: Path) -> int:
    """Write all shards' rejects to rejects.jsonl and return how many there are; the file is absent when there are none."""
    text = "".join(read_text(path) for path in sorted(output.glob(".*.rejects")))
    if text:
        write_text(output / "rejects.jsonl", text)
    else:
        (output / "rejects.jsonl").unlink(missing_ok=True)
    return text.count("\n")


def rows_left(shard: Path, output: Path) -> int:
    """Return how many rows of a shard are still to be scored.

    Raises:
        InputError: as `read_state`.
    """
    state = read_state(shard, output)
    return 0 if (output / f"{shard.stem}.jsonl").is_file() else count_rows(shard) - state.rows
