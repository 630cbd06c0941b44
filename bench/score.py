"""Bulk scoring: speed against transformers.pipeline, memory and time a row as shards grow: python bench/score.py --run runs/base

Scores shards of 10,000, 100,000 and 1,000,000 rows with train/score.py in a process of its own, whose memory is watched, and
pipeline("text-classification") on (sentence, actor) pairs of the same rows in between. Takes about an hour; --sizes says otherwise.
"""

import json
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

if not __package__:
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

import psutil

from bench.peers import pair_pipeline, pairs
from bench.record import Line, record
from bench.repeat import Times, bench_parser, clocked
from bench.rows import load_rows, repeated
from data.errors import InputError, run_command
from data.files import ROOT
from data.records import Example
from train.loading import find_seed

TEN_TIMES, MEMORY_GB, FLAT, SAME_TIME = 10.0, 1.0, 1.1, 1.05
SIZES, QUICK_SIZES = (10_000, 100_000, 1_000_000), (20, 60)
PIPELINE_ROWS, QUICK_PIPELINE_ROWS = 256, 8
SAMPLED_EVERY = 0.2


@dataclass(frozen=True)
class Scored:
    """One run of train/score.py: seconds on the clock and of the processor, and the largest resident size in GB."""

    wall: float
    cpu: float
    memory: float


def main() -> None:
    """Measure, judge and record."""
    parser = bench_parser(__doc__)
    parser.add_argument("--sizes", help=f"rows a shard, smallest first (default: {','.join(map(str, SIZES))})")
    parser.add_argument("--backend", default="auto", help="backend of train/score.py (default: auto, the fastest export)")
    given = parser.parse_args()
    sizes = parse_sizes(given.sizes) if given.sizes else QUICK_SIZES if given.quick else SIZES
    config, _ = find_seed(given.run)
    rows = load_rows(config, None, "test", 10**9)
    sample = rows[: QUICK_PIPELINE_ROWS if given.quick else PIPELINE_ROWS]
    pipe, given_pairs = pair_pipeline(config.model.weights), pairs(sample)
    pipe(given_pairs, truncation=True)
    piped, smallest = Times(), Times()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        opening = score(given.run, write_shard(folder, rows, 1), given.backend)
        for _ in range(1 if given.quick else given.repetitions):
            piped.add(*clocked(lambda: pipe(given_pairs, truncation=True)))
            once = score(given.run, write_shard(folder, rows, sizes[0]), given.backend)
            smallest.add(once.wall - opening.wall, once.cpu - opening.cpu)
        grown = {sizes[0]: once}
        grown |= {size: score(given.run, write_shard(folder, rows, size), given.backend) for size in sizes[1:]}
    per_row = {size: (each.cpu - opening.cpu) / size for size, each in grown.items()}
    first, last = sizes[0], sizes[-1]
    lines = [
        Line("rows a second, ours / pipeline", (sizes[0] / median(smallest.wall)) / (len(sample) / median(piped.wall)), "x", TEN_TIMES),
        Line("the same by processor time", (sizes[0] / median(smallest.cpu)) / (len(sample) / median(piped.cpu)), "x", None),
        Line(f"largest resident size, {last:,} rows", grown[last].memory, "GB", MEMORY_GB, at_most=True),
        Line(f"resident size at {last:,} / at {first:,} rows", grown[last].memory / grown[first].memory, "x", FLAT, at_most=True),
        Line(f"processor time a row at {last:,} / at {first:,} rows", per_row[last] / per_row[first], "x", SAME_TIME, at_most=True),
    ]
    details = {
        "what": f"{config.name}, backend {given.backend}",
        "opening_seconds": round(opening.wall, 2),
        "pipeline": piped.to_json(len(sample)),
        "smallest": smallest.to_json(sizes[0]),
        "sizes": {
            str(size): {"wall_seconds": round(each.wall, 2), "cpu_seconds": round(each.cpu, 2), "memory_gb": round(each.memory, 3)}
            for size, each in grown.items()
        },
        "quick": given.quick,
    }
    record(given.output, "score", lines, details)


def parse_sizes(text: str) -> tuple[int, ...]:
    """Read row counts separated by commas.

    Raises:
        InputError: no ascending positive numbers.
    """
    try:
        sizes = tuple(int(each.replace("_", "")) for each in text.split(","))
    except ValueError:
        raise InputError(f"--sizes {text}: expected numbers separated by commas, e.g. 10000,1000000") from None
    if list(sizes) != sorted(set(sizes)) or sizes[0] < 1 or len(sizes) < 2:
        raise InputError(f"--sizes {text}: expected two or more ascending numbers from 1")
    return sizes


def write_shard(folder: Path, rows: Sequence[Example], size: int) -> Path:
    """Write a folder with one shard of `size` rows and return it."""
    target = folder / f"shards-{size}"
    path = target / "rows.jsonl"
    if not path.is_file():
        target.mkdir()
        with path.open("w", encoding="utf-8") as file:
            file.writelines(json.dumps(row.model_dump(exclude_none=True), ensure_ascii=False) + "\n" for row in repeated(rows, size))
    return target


def score(run: Path, shards: Path, backend: str) -> Scored:
    """Score a folder of shards with train/score.py, watching its memory.

    Raises:
        InputError: it failed; what it said is passed on.
    """
    with tempfile.TemporaryDirectory() as output, tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as said:
        command = [sys.executable, str(ROOT / "train" / "score.py"), "--run", str(run), "--input", str(shards)]
        started = time.perf_counter()
        process = psutil.Popen([*command, "--output", output, "--backend", backend], stderr=said)  # a full pipe would halt it
        largest, cpu = 0, 0.0
        while process.poll() is None:
            try:
                largest = max(largest, process.memory_info().rss)
                cpu = sum(process.cpu_times()[:2])
            except psutil.NoSuchProcess:
                break
            time.sleep(SAMPLED_EVERY)
        if process.wait():
            said.seek(0)
            raise InputError(f"train/score.py failed: {said.read().strip()[-400:]}")
    return Scored(time.perf_counter() - started, cpu, largest / 2**30)


if __name__ == "__main__":
    run_command(main)
