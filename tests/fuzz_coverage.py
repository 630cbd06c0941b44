"""One target under atheris, as tests/fuzz.py starts it: python tests/fuzz_coverage.py TARGET SCRATCH CORPUS [libFuzzer options]"""

import os
import sys
import warnings
from pathlib import Path

if not __package__:
    sys.path[:1] = [str(Path(__file__).resolve().parent.parent), str(Path(__file__).resolve().parent)]

import atheris

with atheris.instrument_imports(include=["data", "eval", "train", "yaml", "csv"]):
    from fuzz_targets import attempt, targets


def main() -> None:
    """Fuzz until the time is over or an input breaks the rule."""
    warnings.simplefilter("ignore")
    name, scratch, *options = sys.argv[1:]
    target, folder = targets()[name], Path(scratch)
    accepted = 0

    def one(data: bytes) -> None:
        nonlocal accepted
        accepted += attempt(target, data, folder)
        if accepted % 100 == 1:
            print(f"accepted {accepted}", flush=True)

    os.environ["PYTHONWARNINGS"] = "ignore"
    for sample in target.samples:
        attempt(target, sample, folder)  # what is loaded at first use is loaded before the clock runs
    atheris.Setup([sys.argv[0], *options], one)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
