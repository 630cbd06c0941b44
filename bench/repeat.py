"""Interleaved repetitions: all contestants once, then all again, so that a busy minute of the machine hits each alike."""

import argparse
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from bench.record import results_argument
from data.errors import InputError

REPETITIONS = 5


@dataclass
class Times:
    """Seconds of each repetition, on the clock and of the processor (all threads)."""

    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)

    def add(self, wall: float, cpu: float) -> None:
        """Note one repetition."""
        self.wall.append(wall)
        self.cpu.append(cpu)

    def to_json(self, count: int) -> dict[str, object]:
        """Return both series, and how many of `count` things were done a second at the median."""
        return {
            "wall_seconds": [round(each, 4) for each in self.wall],
            "cpu_seconds": [round(each, 4) for each in self.cpu],
            "per_second": round(count / median(self.wall), 2),
        }


@dataclass(frozen=True)
class Ratio:
    """How many times faster one contestant is than another, at the medians of their repetitions."""

    wall: float
    cpu: float


def clocked(work: Callable[[], object]) -> tuple[float, float]:
    """Return the wall and processor seconds that some work takes."""
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - wall, time.process_time() - cpu


def interleave(contestants: Mapping[str, Callable[[], tuple[float, float]]], repetitions: int) -> dict[str, Times]:
    """Measure all contestants in turn, `repetitions` times after one round that does not count; 0 is that round alone."""
    times = {name: Times() for name in contestants}
    for turn in range(repetitions + 1):
        for name, measure in contestants.items():
            seconds = measure()
            if turn or not repetitions:
                times[name].add(*seconds)
    return times


def ratio(ours: Times, theirs: Times) -> Ratio:
    """Compare two contestants that did the same work."""
    return Ratio(median(theirs.wall) / median(ours.wall), median(theirs.cpu) / max(median(ours.cpu), 1e-9))


def repetitions_argument(text: str) -> int:
    """Read a number of repetitions as argparse's `type`.

    Raises:
        InputError: it is no whole number from 1.
    """
    if not text.isdecimal() or int(text) < 1:
        raise InputError(f"--repetitions {text}: expected a whole number from 1; --quick makes a single short round")
    return int(text)


def bench_parser(description: str | None) -> argparse.ArgumentParser:
    """Return the flags of the programs that measure a run."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False)
    parser.add_argument("--run", type=Path, default=Path("runs/base"), help="finished run to measure (default: runs/base)")
    add_measuring_options(parser)
    return parser


def add_measuring_options(parser: argparse.ArgumentParser) -> None:
    """Add the flags that all programs share."""
    parser.add_argument(
        "--output", type=results_argument, default="bench.json", help="file whose section is written anew (default: bench.json)"
    )
    parser.add_argument(
        "--repetitions", type=repetitions_argument, default=REPETITIONS, help=f"interleaved repetitions (default: {REPETITIONS})"
    )
    parser.add_argument("--quick", action="store_true", help="one short round: says that the program works, not how fast anything is")
