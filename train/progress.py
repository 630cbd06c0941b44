"""A progress line with rate and time left: redrawn on a terminal, plain lines now and then in a log."""

import sys
import time
from dataclasses import dataclass, field

from eval.durations import duration

SECONDS = {True: 0.5, False: 30.0}
"""Seconds between two lines, on a terminal and in a log."""


@dataclass
class Progress:
    """How many of `total` rows are done; rate and time left count from the start of this process."""

    total: int
    rows: int = 0
    started: float = field(default_factory=time.monotonic)
    shown: float = 0.0

    def advance(self, rows: int) -> None:
        """Note that more rows are done, and show it when it is time."""
        self.rows += rows
        now = time.monotonic()
        if now - self.shown >= SECONDS[sys.stderr.isatty()]:
            self.shown = now
            self._show(now)

    def close(self) -> None:
        """Show the last state and end the line."""
        self._show(time.monotonic())
        if sys.stderr.isatty():
            print(file=sys.stderr)

    def describe(self, seconds: float) -> str:
        """Return the line after some seconds of work."""
        rate = self.rows / max(seconds, 1e-9)
        left = (self.total - self.rows) / rate if rate else 0.0
        tail = f", {duration(left, 0)} left" if left > 0 else f" in {duration(seconds, 0)}"
        return f"{self.rows:,} of {max(self.total, self.rows):,} rows, {rate:,.0f} rows/s{tail}"

    def _show(self, now: float) -> None:
        text = self.describe(now - self.started)
        terminal = sys.stderr.isatty()
        print(f"\r{text}\x1b[K" if terminal else text, end="" if terminal else "\n", file=sys.stderr, flush=True)
