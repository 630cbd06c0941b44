"""Kill a program at random moments, give the same command again, and see that it ends with the same bits as if left alone:

    python tests/chaos.py --of training --kills 25 --seed 1 --minutes 20

Signals are SIGKILL, SIGTERM and SIGINT; half of the kills wait for the moment in which the next file is written. Now and then what was
saved last is damaged as well. Prints kills survived and faults found, and leaves with 1 if there was any fault.
"""

import argparse
import hashlib
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

if not __package__:
    sys.path[0:1] = [str(Path(__file__).resolve().parent), str(Path(__file__).resolve().parent.parent)]

from data.files import ROOT

SIGNALS = (signal.SIGKILL, signal.SIGKILL, signal.SIGTERM, signal.SIGINT)
CLEAN_ENDS = {130, -signal.SIGKILL, -signal.SIGTERM, -signal.SIGINT}
"""A signal that comes while Python itself starts ends the process in the system's way; nothing has been touched then."""
DAMAGE_SHARE = 0.2
LONGEST = 300.0


@dataclass(frozen=True)
class Victim:
    """A program that is killed.

    Attributes:
        command: makes the output in a folder, and continues there when given again.
        digests: name and hash of everything in the folder that must come out the same.
        damage: spoils something that was saved; True if there was anything to spoil.
    """

    command: Callable[[Path], list[str]]
    digests: Callable[[Path], dict[str, str]]
    damage: Callable[[Path, random.Random], bool] = lambda folder, rng: False


@dataclass
class Tally:
    """What happened so far."""

    kills: int = 0
    damages: int = 0
    finished: int = 0
    signals: dict[str, int] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)

    def describe(self, of: str, seconds: float) -> str:
        """Return the figures in a line."""
        by = ", ".join(f"{name} {count}" for name, count in sorted(self.signals.items()))
        return (
            f"{of}: {self.kills} kills survived ({by}), {self.damages} damaged files noticed, "
            f"{self.finished} ends compared, {len(self.faults)} faults found, {seconds:.0f} s"
        )


def training(workshop: Path) -> Victim:
    """A training of two epochs on the tests' small corpus that saves at nearly every step."""
    from conftest import write_corpus

    corpus = write_corpus(workshop / "issue")

    def command(folder: Path) -> list[str]:
        settings = "--trainer.num_train_epochs 3 --trainer.per_device_train_batch_size 2 --trainer.threads 1"
        settings += " --data.behaviour none --data.documents 1"
        return [
            *(sys.executable, str(ROOT / "train/run.py"), "--config", "smoke.yaml", "--runs", str(folder), "--save_seconds", "0.02"),
            *("--data.corpus", str(corpus), *settings.split()),
        ]

    return Victim(command, training_digests, damage_checkpoint)


def training_digests(folder: Path) -> dict[str, str]:
    """Hash weights, predictions, curve and report of a run, the report without its times and dates."""
    run = folder / "smoke"
    paths = [*run.glob("seed-*/model/*.safetensors"), *run.glob("seed-*/predictions/*"), *run.glob("seed-*/*.json*"), run / "report.json"]
    return {
        path.relative_to(run).as_posix(): hashlib.sha256(without_times(path).encode("latin-1")).hexdigest()
        for path in sorted(paths)
        if path.name != "run.json"
    }


TIMES = re.compile(r'"(date|started|finished|\w+_seconds\w*|\w+_per_second|peak_memory_mb)": [^,\n]*')
"""Fields of a report that tell times, speed and memory."""


def without_times(path: Path) -> str:
    """Return a file's bytes as text, a report's without its times."""
    text = path.read_bytes().decode("latin-1")
    return TIMES.sub("", text) if path.name.startswith("report") else text


def damage_checkpoint(folder: Path, rng: random.Random) -> bool:
    """Cut off or alter a file of the newest sealed checkpoint, if an older one is there to go back to."""
    sealed = sorted(folder.rglob("checkpoint-*/seal.json"), key=lambda path: int(path.parent.name.split("-")[1]))
    if len(sealed) < 2:
        return False
    path = rng.choice([path for path in sorted(sealed[-1].parent.iterdir()) if path.stat().st_size])
    content = bytearray(path.read_bytes())
    if rng.random() < 0.5:
        del content[rng.randrange(len(content)) :]
    else:
        content[rng.randrange(len(content))] ^= 0xFF
    path.write_bytes(content)
    return True


PROGRAMS: dict[str, Callable[[Path], Victim]] = {"training": training}


def start(victim: Victim, folder: Path) -> "subprocess.Popen[str]":
    """Start the victim in a process group of its own."""
    environment = {"PATH": os.environ["PATH"], "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        victim.command(folder),
        env=environment,
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def finish(process: "subprocess.Popen[str]") -> tuple[int, str]:
    """Wait for the end of a process and return its exit code and the end of what it said."""
    try:
        _, said = process.communicate(timeout=LONGEST)
    except subprocess.TimeoutExpired:
        process.kill()
        _, said = process.communicate()
        return 124, f"still running after {LONGEST:.0f} s: {said[-500:]}"
    return process.returncode, said[-1500:]


def snapshot(folder: Path) -> set[str]:
    """Return the names in a folder tree; it may change while it is read."""
    return {os.path.join(place, name) for place, _, names in os.walk(folder) for name in names}  # noqa: PTH118


def wait_to_kill(process: "subprocess.Popen[str]", folder: Path, delay: float, at_a_write: bool) -> None:
    """Wait for a while, then perhaps until the next file appears or goes."""
    deadline = time.monotonic() + delay
    while process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
    before = snapshot(folder)
    while at_a_write and process.poll() is None and snapshot(folder) == before:
        time.sleep(0.002)


def chaos(victim: Victim, workshop: Path, kills: int, rng: random.Random, seconds: float) -> Tally:
    """Kill the victim `kills` times, or as often as the time allows, over as many whole runs as that takes."""
    tally, began = Tally(), time.monotonic()
    code, said = finish(start(victim, workshop / "alone"))
    if code:
        return Tally(faults=[f"left alone it ended with {code}: {said}"])
    length, expected = time.monotonic() - began, victim.digests(workshop / "alone")
    while not tally.faults and tally.kills < kills and time.monotonic() - began < seconds:
        one_run(victim, workshop / "killed", expected, tally, kills=kills, rng=rng, length=length, deadline=began + seconds)
    return tally


def one_run(
    victim: Victim, folder: Path, expected: dict[str, str], tally: Tally, *, kills: int, rng: random.Random, length: float, deadline: float
) -> None:
    """Start, kill and start again until the victim ends by itself; then compare."""
    shutil.rmtree(folder, ignore_errors=True)
    while not tally.faults:
        process = start(victim, folder)
        if tally.kills < kills and time.monotonic() < deadline:
            wait_to_kill(process, folder, rng.uniform(0, length), rng.random() < 0.5)
            chosen = rng.choice(SIGNALS)
            if process.poll() is None:
                process.send_signal(chosen)
                tally.kills += 1
                tally.signals[chosen.name] = tally.signals.get(chosen.name, 0) + 1
        code, said = finish(process)
        if code == 0:
            compare(victim.digests(folder), expected, tally)
            return
        if code not in CLEAN_ENDS or "Traceback" in said:
            tally.faults.append(f"ended with {code} after {tally.kills} kills: {said}")
        elif rng.random() < DAMAGE_SHARE:
            tally.damages += victim.damage(folder, rng)


def compare(found: dict[str, str], expected: dict[str, str], tally: Tally) -> None:
    """Note what came out otherwise than when left alone."""
    tally.finished += 1
    differing = sorted(name for name in expected.keys() | found.keys() if expected.get(name) != found.get(name))
    if differing:
        tally.faults.append(f"after {tally.kills} kills these differ: {', '.join(differing)}")


def main() -> int:
    """Run the program against the chosen victims."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--of", choices=[*PROGRAMS, "all"], default="all", help="what is killed (default: all)")
    parser.add_argument("--kills", type=int, default=25, help="kills of each (default: 25)")
    parser.add_argument("--seed", type=int, default=1, help="of the moments and signals (default: 1)")
    parser.add_argument("--minutes", type=float, default=20.0, help="longest time for each (default: 20)")
    given = parser.parse_args()
    faults = 0
    for name in PROGRAMS if given.of == "all" else [given.of]:
        began = time.monotonic()
        with tempfile.TemporaryDirectory() as workshop:
            tally = chaos(PROGRAMS[name](Path(workshop)), Path(workshop), given.kills, random.Random(given.seed), given.minutes * 60)
        print(tally.describe(name, time.monotonic() - began), *tally.faults, sep="\n", flush=True)
        faults += len(tally.faults)
    return min(faults, 1)


if __name__ == "__main__":
    sys.exit(main())
