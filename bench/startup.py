"""How long a user waits for a first answer: python bench/startup.py --run runs/base

Starts the commands anew each time: help and refusals in under 0.7 s, an article read in under 2 s through ONNX.
"""

import resource
import subprocess
import sys
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median

if not __package__:
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from bench.record import Line, record
from bench.repeat import bench_parser, interleave
from data.errors import InputError, run_command
from data.files import ROOT

HELP_SECONDS, ANSWER_SECONDS = 0.7, 2.0


@dataclass(frozen=True)
class Start:
    """A command line, the exit code it must have and the seconds it may take."""

    arguments: tuple[str, ...]
    code: int
    limit: float


STARTS = {
    "run.py --help": Start(("train/run.py", "--help"), 0, HELP_SECONDS),
    "run.py, config that is not there": Start(("train/run.py", "--config", "bsae.yaml"), 2, HELP_SECONDS),
    "run.py, misspelt setting": Start(("train/run.py", "--config", "base.yaml", "--trainer.learning_rat", "1e-4"), 2, HELP_SECONDS),
    "compare.py --help": Start(("eval/compare.py", "--help"), 0, HELP_SECONDS),
    "compare.py, run that is not there": Start(("eval/compare.py", "runs/nowhere", "runs/elsewhere"), 2, HELP_SECONDS),
    "report.py --help": Start(("eval/report.py", "--help"), 0, HELP_SECONDS),
    "predict.py --help": Start(("train/predict.py", "--help"), 0, HELP_SECONDS),
}


def main() -> None:
    """Measure, judge and record."""
    parser = bench_parser(__doc__)
    parser.add_argument("--backend", default="onnx-int8", help="backend that reads the article (default: onnx-int8)")
    given = parser.parse_args()
    article = next(iter(sorted((ROOT / "seeds").glob("*.txt"))))
    reading = ("train/predict.py", "--run", str(given.run.resolve()), "--input", str(article), "--backend", given.backend)
    starts = STARTS | {f"predict.py, the seed article, {given.backend}": Start(reading, 0, ANSWER_SECONDS)}
    times = interleave({name: partial(start, each) for name, each in starts.items()}, 0 if given.quick else given.repetitions)
    lines = []
    for name, each in starts.items():
        lines.append(Line(name, median(times[name].wall), "s", each.limit, at_most=True))
        lines.append(Line("the same in processor time", median(times[name].cpu), "s"))
    details = {"what": "process start to end", "commands": {name: each.to_json(1) for name, each in times.items()}, "quick": given.quick}
    record(given.output, "startup", lines, details)


def start(command: Start) -> tuple[float, float]:
    """Run a command and return its wall and processor seconds.

    Raises:
        InputError: it ended with another code than it should.
    """
    before, begun = _children_seconds(), time.perf_counter()
    done = subprocess.run([sys.executable, *command.arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    wall = time.perf_counter() - begun
    if done.returncode != command.code:
        raise InputError(f"{' '.join(command.arguments)}: exit code {done.returncode}: {done.stderr.strip()[-400:]}")
    return wall, _children_seconds() - before


def _children_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    run_command(main)
