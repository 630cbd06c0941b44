"""Fuzz everything that opens somebody else's file: python tests/fuzz.py --seconds 120

Half of the time hypothesis makes inputs (damaged samples, any JSON, long repetitions), half of it atheris looks for inputs that reach
new code (extra [fuzz]; left out with a line where it is not installed). Prints how many inputs each reader was given and what broke the
rule of tests/fuzz_targets.py; such inputs are kept in build/fuzz/. Exit code 1 if there is any.
"""

import argparse
import hashlib
import math
import re
import subprocess
import sys
import tempfile
import time
import warnings
from contextlib import suppress
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

if not __package__:
    sys.path[:1] = [str(Path(__file__).resolve().parent.parent), str(Path(__file__).resolve().parent)]

from fuzz_inputs import inputs
from fuzz_targets import Fault, Target, attempt, targets
from hypothesis import HealthCheck, Phase, given, seed, settings

from data.errors import InputError, nearest, run_command
from data.extras import install_command
from data.files import ROOT

KEPT = ROOT / "build" / "fuzz"
GRACE = 240
"""Seconds that atheris gets on top to load and instrument the code."""


@dataclass
class Tally:
    """What one engine did with one target: inputs tried and accepted, the first input of every kind of fault."""

    tried: int = 0
    accepted: int = 0
    faults: dict[str, bytes] = field(default_factory=dict)


class OutOfTimeError(Exception):
    """The target's share of the time is spent."""


def run_hypothesis(target: Target, seconds: float, number: int) -> Tally:
    """Give a target generated inputs for some seconds, the same ones for the same `number` as far as time allows."""
    tally, end = Tally(), math.inf

    def one(data: bytes) -> None:
        if time.monotonic() > end:
            raise OutOfTimeError
        tally.tried += 1
        try:
            tally.accepted += attempt(target, data, folder / "case")
        except Fault as fault:
            tally.faults.setdefault(str(fault)[:80], data)

    quiet = settings(max_examples=10**6, deadline=None, database=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
    with tempfile.TemporaryDirectory(prefix="fuzz-", dir=scratch()) as name:
        folder = Path(name)
        for sample in target.samples:
            one(sample)
        end = time.monotonic() + seconds  # from here: the first sample loads what is read with
        with suppress(OutOfTimeError):
            seed(number)(quiet(given(inputs(target))(one)))()
    return tally


def run_atheris(target: Target, seconds: float, number: int) -> Tally:
    """Let atheris look for inputs that reach new code, in a process of its own that ends at the first fault."""
    with tempfile.TemporaryDirectory(prefix="fuzz-", dir=scratch()) as name:
        folder = Path(name)
        corpus = folder / "corpus"
        corpus.mkdir()
        for index, sample in enumerate(target.samples):
            (corpus / str(index)).write_bytes(sample)
        tokens = ["".join(f"\\x{byte:02x}" for byte in token) for token in target.tokens if len(token) < 64]
        (folder / "tokens").write_text("".join(f'"{token}"\n' for token in tokens))
        command = [sys.executable, str(ROOT / "tests" / "fuzz_coverage.py"), target.name, str(folder / "case"), str(corpus)]
        command += [f"-max_total_time={max(1, round(seconds))}", f"-seed={number}", "-timeout=30", "-max_len=4000", "-print_final_stats=1"]
        command += [f"-dict={folder / 'tokens'}", f"-artifact_prefix={folder}/broken-", "-verbosity=1"]
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, errors="replace", check=False, timeout=seconds + GRACE, cwd=folder
            )
        except subprocess.TimeoutExpired:  # a hang would have ended by -timeout with the input kept
            print(f"{target.name}: atheris did not end in time; the machine is too busy")
            return Tally()
        tally = Tally(int((re.findall(r"number_of_executed_units:\s*(\d+)", done.stderr) or ["0"])[-1]))
        tally.accepted = int((re.findall(r"accepted (\d+)", done.stdout) or ["0"])[-1])
        for path in (path for path in folder.glob("broken-*") if "slow-unit" not in path.name):
            said = done.stdout + done.stderr
            message = re.findall(r"Fault: (.*)", said) or re.findall(r"ERROR: libFuzzer: (.*)", said) or [" ".join(said.split())[-400:]]
            tally.faults[message[0][:400]] = path.read_bytes()
        if done.returncode and not tally.faults:
            tally.faults[f"ended with {done.returncode}: {done.stderr.strip().splitlines()[-1][:60] if done.stderr else ''}"] = b""
    return tally


def scratch() -> str | None:
    """Return a folder in memory where there is one: a fuzzer writes a file an input."""
    return "/dev/shm" if Path("/dev/shm").is_dir() else None


def keep(target: Target, tally: Tally) -> None:
    """Keep the inputs that broke the rule and say how to try one again."""
    for message, data in tally.faults.items():
        path = KEPT / f"{target.name}-{hashlib.sha256(data).hexdigest()[:8]}{target.suffix}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        print(f"  FAULT {message}\n        python tests/fuzz.py --target {target.name} --input {path}")


def fuzz(names: list[str], seconds: float, number: int) -> int:
    """Fuzz the named targets for so many seconds in all and return how many faults were found."""
    engines = {"hypothesis": run_hypothesis, "atheris": run_atheris}
    if find_spec("atheris") is None:
        engines.pop("atheris")
        print(f"atheris is not installed ({install_command('fuzz')}): hypothesis alone")
    share = seconds / len(names) / len(engines)
    totals = {engine: Tally() for engine in engines}
    for name in names:
        target = targets()[name]
        for engine, run in engines.items():
            tally = run(target, share, number)
            print(f"{name:14} {engine:11} {tally.tried:8,} inputs, {tally.accepted:8,} accepted, {len(tally.faults)} faults", flush=True)
            keep(target, tally)
            totals[engine].tried += tally.tried
            totals[engine].faults |= {f"{name}: {message}": data for message, data in tally.faults.items()}
    faults = sum(len(each.faults) for each in totals.values())
    parts = ", ".join(f"{engine} {each.tried:,}" for engine, each in totals.items())
    print(f"inputs tried {sum(each.tried for each in totals.values()):,} ({parts}), faults found {faults}")
    return faults


def main() -> int:
    """Fuzz, or try one kept input again."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False)
    parser.add_argument("--seconds", type=float, default=120, help="time for all targets together (default: 120)")
    parser.add_argument("--target", help=f"one of {', '.join(targets())} (default: all)")
    parser.add_argument("--input", type=Path, help="give this file to the target once and show what happens")
    parser.add_argument("--seed", type=int, default=int(time.time()) % 10**6, help="of the inputs (default: a new one, printed)")
    given_ = parser.parse_args()
    if given_.target and given_.target not in targets():
        raise InputError(f"--target {given_.target}: unknown{nearest(given_.target, targets())}")
    if given_.input:
        if not given_.target:
            raise InputError("--input needs --target")
        with tempfile.TemporaryDirectory() as name:
            print("accepted" if attempt(targets()[given_.target], given_.input.read_bytes(), Path(name) / "case") else "refused")
        return 0
    print(f"seed {given_.seed}")
    return 1 if fuzz([given_.target] if given_.target else list(targets()), given_.seconds, given_.seed) else 0


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    run_command(main)
