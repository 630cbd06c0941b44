"""SIGTERM and SIGINT: a training saves at its next step and leaves, anything else leaves at once; both end with exit code 130."""

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

ECHO_SECONDS = 2.0
"""A signal this soon after another is the same one: launchers pass on what the terminal has sent to everyone already."""


class Interrupted(KeyboardInterrupt):
    """The process was asked to stop; the message says what was saved and how to go on."""


@dataclass
class Interrupts:
    """What was asked of this process, and whether a training loop is going to notice by itself."""

    signal: str | None = None
    received: float = 0.0
    deferring: bool = False

    def listen(self) -> None:
        """Take over SIGTERM and SIGINT; later signals find the handlers in place."""
        signal.signal(signal.SIGTERM, self._receive)
        signal.signal(signal.SIGINT, self._receive)

    @contextmanager
    def deferred(self) -> Iterator[None]:
        """Let the block look at `signal` by itself; a second signal still ends it at once."""
        self.check()
        self.deferring = True
        try:
            yield
        finally:
            self.deferring = False

    def check(self) -> None:
        """Leave if a signal has come whose exception got lost, as it does in finalisers.

        Raises:
            Interrupted: it has.
        """
        if self.signal:
            raise Interrupted(f"interrupted by {self.signal}")

    def _receive(self, number: int, frame: FrameType | None) -> None:
        now = time.monotonic()
        echo, again = now - self.received < ECHO_SECONDS, self.signal is not None
        self.signal, self.received = signal.Signals(number).name, now
        if not self.deferring or (again and not echo):
            raise Interrupted(f"interrupted by {self.signal}")


INTERRUPTS = Interrupts()
"""Signals belong to the process, so there is one."""
