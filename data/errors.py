"""The one exception for wrong user input, and how every command turns it into exit code 2."""

import difflib
import sys
from collections.abc import Callable, Iterable


class InputError(Exception):
    """Something the user gave is wrong: the message names file, line or key and what was expected."""


class InputFaults(InputError):
    """Several faults in one input, so that all of them are seen at once."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


def nearest(name: str, valid: Iterable[str]) -> str:
    """Return `` (did you mean 'x'?)`` for the closest valid name, or an empty string."""
    matches = difflib.get_close_matches(name, list(valid), n=1, cutoff=0.5)
    return f" (did you mean {matches[0]!r}?)" if matches else ""


def run_command(main: Callable[[], int | None]) -> None:
    """Run an entry point and leave with its exit code: 2 and the message for `InputError`, 130 for Ctrl-C."""
    try:
        code = main() or 0
    except InputError as error:
        print(error, file=sys.stderr)
        code = 2
    except KeyboardInterrupt as error:
        print(str(error) or "interrupted", file=sys.stderr)
        code = 130
    except BrokenPipeError:  # the reader of our output (head, less) has left
        sys.stderr.close()
        code = 0
    sys.exit(code)
