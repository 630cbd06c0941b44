"""Kill bulk scoring again and again: python tests/chaos_scoring.py --kills 25

Scores shards with train/score.py and a small saved run, kills it with SIGKILL at random moments, most of them while it writes, and
starts the same command again until the shards are done; then anew into another folder until there were enough kills. Every finished
folder must equal, byte for byte, that of a run nobody disturbed: no row lost, none doubled, none changed.
"""

import argparse
import json
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

if not __package__:
    sys.path[:1] = [str(Path(__file__).resolve().parent.parent), str(Path(__file__).resolve().parent)]

from data.files import ROOT, write_jsonl
from data.records import Example, Prediction, read_rows

SHARDS, ROWS = 4, 4_000
BAD_EVERY = 997
"""One row in so many is faulty, so that rejects are killed too."""


@dataclass
class Chaos:
    """What a chaos run came to."""

    survived: int = 0
    finished: int = 0
    lost: int = 0
    doubled: int = 0
    faults: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        """Return the line that `make chaos` ends with."""
        return (
            f"bulk scoring: kills survived {self.survived}, finished {self.finished} times, rows lost {self.lost}, "
            f"rows doubled {self.doubled}, faults {len(self.faults)}"
        )


def write_shards(folder: Path, rows: int) -> None:
    """Write shards of rows with different texts, JSONL and Parquet, some rows faulty."""
    import pyarrow
    import pyarrow.parquet

    for shard in range(SHARDS):
        made = [_row(shard, number) for number in range(rows)]
        if shard % 2:
            folder.mkdir(parents=True, exist_ok=True)
            pyarrow.parquet.write_table(pyarrow.Table.from_pylist(made), folder / f"shard-{shard}.parquet", row_group_size=1000)
        else:
            write_jsonl(folder / f"shard-{shard}.jsonl", made)


def _row(shard: int, number: int) -> dict[str, object]:
    text = f"Rovia said on day {number} of year {shard} that the radar is a {'threat' if number % 3 else 'gift'}."
    end = 4 if number % BAD_EVERY == BAD_EVERY - 1 else 5
    fields = {"id": f"s{shard}-{number}:1:rovia", "doc_id": f"s{shard}-{number}", "sent_id": 1, "text": text}
    return fields | {"actor": "rovia", "mention": "Rovia", "start": 0, "end": end}


def score_command(run: Path, shards: Path, output: Path) -> list[str]:
    """Return the command that is killed and repeated."""
    command = [sys.executable, str(ROOT / "train" / "score.py"), "--run", str(run), "--input", str(shards), "--output", str(output)]
    return [*command, "--backend", "torch", "--batch-size", "256"]


def kill_at_random(command: list[str], output: Path, rng: random.Random) -> int | None:
    """Start the command and kill it; return its exit code if it ended before, None if it was killed."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    if rng.random() < 0.15:
        deadline = time.monotonic() + rng.uniform(0, 4)  # anywhere, while it loads too
    else:
        before = _progress(output)
        while process.poll() is None and _progress(output) == before:
            time.sleep(0.005)
        deadline = time.monotonic() + rng.expovariate(4)  # while it writes
    while process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.001)
    if process.poll() is None:
        process.send_signal(signal.SIGKILL)
    code = process.wait()
    return None if code == -signal.SIGKILL else code


def _progress(output: Path) -> list[tuple[str, int]]:
    found = []
    for path in output.glob(".*.state") if output.is_dir() else []:
        try:
            found.append((path.name, path.stat().st_mtime_ns))
        except FileNotFoundError:
            continue
    return sorted(found)


def compare_folders(whole: Path, output: Path, chaos: Chaos) -> None:
    """Hold a finished folder against the undisturbed one, rows and bytes."""
    names = sorted(path.name for path in whole.iterdir())
    if sorted(path.name for path in output.iterdir()) != names:
        chaos.faults.append(f"files {sorted(path.name for path in output.iterdir())}, expected {names}")
    for name in names:
        theirs = (output / name).read_bytes() if (output / name).is_file() else b""
        if theirs == (whole / name).read_bytes():
            continue
        chaos.faults.append(f"{name} differs")
        if name.startswith("shard-"):
            expected, found = _ids((whole / name).read_bytes()), _ids(theirs)
            chaos.lost += sum((expected - found).values())
            chaos.doubled += sum((found - expected).values())


def _ids(content: bytes) -> Counter[str]:
    """Count the ids of a file of prediction rows; what is no row counts as itself."""
    counted: Counter[str] = Counter()
    for line in content.splitlines():
        try:
            counted[json.loads(line)["id"]] += 1
        except (ValueError, KeyError, TypeError):
            counted[repr(line)] += 1
    return counted


def torment(run: Path, kills: int, *, rows: int = ROWS, number: int = 1) -> Chaos:
    """Kill scoring so many times and say what became of the rows."""
    chaos, rng = Chaos(), random.Random(number)
    with tempfile.TemporaryDirectory(prefix="chaos-") as name:
        folder = Path(name)
        shards, whole = folder / "shards", folder / "whole"
        write_shards(shards, rows)
        done = subprocess.run(score_command(run, shards, whole), capture_output=True, text=True, check=False)
        if done.returncode != 2:  # 2: the faulty rows are named
            raise RuntimeError(done.stderr)
        _check_reference(shards, whole, rows)
        while chaos.survived < kills:
            chaos.finished += 1
            output = folder / f"output-{chaos.finished}"
            _one_life(score_command(run, shards, output), output, kills, rng, chaos)
            compare_folders(whole, output, chaos)
    return chaos


def _check_reference(shards: Path, whole: Path, rows: int) -> None:
    """The undisturbed folder itself must hold every good row once."""
    for path in shards.iterdir():
        found = [row.id for row in read_rows(whole / f"{path.stem}.jsonl", Prediction)]
        shard = int(path.stem.removeprefix("shard-"))
        expected = [str(row["id"]) for number in range(rows) if (row := _row(shard, number))["end"] == 5]
        if found != expected:
            raise RuntimeError(f"{path.name}: the undisturbed run itself lost rows")
    Example.model_validate(_row(0, 0))


def _one_life(command: list[str], output: Path, kills: int, rng: random.Random, chaos: Chaos) -> None:
    """Kill and repeat a command until it ends by itself."""
    while chaos.survived < kills:
        code = kill_at_random(command, output, rng)
        if code is not None:
            break
        chaos.survived += 1
    else:
        code = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False).returncode
    if code != 2:
        chaos.faults.append(f"exit code {code}")


def main(kills: int = 25) -> int:
    """Make a small run, torment its scoring, print the figures; 1 if anything went wrong."""
    from tiny_run import make_run

    with tempfile.TemporaryDirectory(prefix="chaos-run-") as name:
        started = time.monotonic()
        chaos = torment(make_run(Path(name) / "tiny"), kills)
    print(f"{chaos}  ({time.monotonic() - started:.0f} s)")
    for fault in chaos.faults:
        print(f"  FAULT {fault}")
    return 1 if chaos.faults or chaos.lost or chaos.doubled else 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False)
    parser.add_argument("--kills", type=int, default=25, help="SIGKILLs to survive (default: 25)")
    sys.exit(main(parser.parse_args().kills))
