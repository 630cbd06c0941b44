"""The one exception for wrong user input, and how every command turns it into exit code 2."""

import difflib
import sys
from collections.abc import Callable, Iterable

MAX_LINES = 200
"""Faults that a message lists; `InputFaults.faults` holds all."""
MAX_LINE = 1_000
"""Characters of a message's line; more is a value quoted whole."""


class InputError(Exception):
    """Something the user gave is wrong: the message names file, line or key and what was expected."""


class InputFaults(InputError):
    """Several faults in one input, so that all of them are seen at once."""

    def __init__(self, faults: list[str]) -> None:
        more = [f"and {len(faults) - MAX_LINES:,} more faults"] if len(faults) > MAX_LINES else []
        super().__init__("\n".join([*faults[:MAX_LINES], *more]))
        self.faults = faults


def nearest(name: str, valid: Iterable[str]) -> str:
    """Return `` (did you mean 'x'?)`` for the closest valid name, or an empty string."""
    matches = difflib.get_close_matches(name, list(valid), n=1, cutoff=0.5)
    return f" (did you mean {matches[0]!r}?)" if matches else ""


def seed_argument(text: str) -> int:
    """Read a seed of the command line, as argparse's `type`; NumPy and scikit-learn take none below 0 or of more than 32 bits.

    Raises:
        InputError: it is no such number.
    """
    if not text.isdecimal() or int(text) >= 2**32:
        raise InputError(f"--seed {text}: expected a whole number from 0 to {2**32 - 1}")
    return int(text)


def printable(text: str) -> str:
    """Escape control characters, which could steer the reader's terminal, and shorten lines that quote a very long value."""
    shown = "".join(each if each.isprintable() or each == "\n" else repr(each)[1:-1] for each in text)
    return "\n".join(line if len(line) <= MAX_LINE else f"{line[:MAX_LINE]} …" for line in shown.split("\n"))


def run_command(main: Callable[[], int | None]) -> None:
    """Run an entry point and leave with its exit code: 2 and the message for `InputError` or a file that cannot be used, 130 for Ctrl-C."""
    try:
        code = main() or 0
    except InputError as error:
        print(printable(str(error)), file=sys.stderr)
        code = 2
    except KeyboardInterrupt as error:
        print(str(error) or "interrupted", file=sys.stderr)
        code = 130
    except BrokenPipeError:  # the reader of our output (head, less) has left
        sys.stderr.close()
        code = 0
    except OSError as error:
        if error.filename is None:  # no file that the user named: a fault of ours
            raise
        print(printable(f"{error.filename}: {error.strerror}"), file=sys.stderr)
        code = 2
    sys.exit(code)
