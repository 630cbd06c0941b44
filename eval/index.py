"""List all runs on one page: python eval/index.py runs/

Reads every report.json beneath the folder and writes index.html into it, with checkboxes that give the compare command.
"""

import argparse
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

if not __package__:
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from data.errors import InputError, run_command
from data.files import read_object, write_text
from eval.splits import in_order

INDEX = "index.html"
DEPTH = 3


def build_index(folder: Path) -> dict[str, Any]:
    """Return what the leaderboard shows: runs by test macro-F1, comparisons, folders that could not be read.

    Raises:
        InputError: no such folder, or no run in it.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder of runs")
    runs: list[dict[str, Any]] = []
    faults: list[str] = []
    for path in _find(folder, "config.yaml"):
        try:
            runs.append(read_entry(path.parent, folder))
        except InputError as error:
            faults.append(str(error))
    if not runs and not faults:
        raise InputError(f"{folder}: no runs in it; python train/run.py writes them to runs/<name>")
    splits = in_order({name for run in runs for name in run["scores"]})
    runs.sort(key=lambda run: (-_score(run, splits[:1]), run["name"], run["path"]))
    comparisons = [path.parent.relative_to(folder).as_posix() for path in _find(folder, "compare.html")]
    return {
        "runs": runs,
        "comparisons": comparisons,
        "splits": splits,
        "faults": faults,
        "fingerprints": sorted({run["data_fingerprint"] for run in runs}),
    }


def read_report(run: Path) -> dict[str, Any]:
    """Return a run's report.

    Raises:
        InputError: it is missing or of another schema.
    """
    path = run / "report.json"
    if not path.exists():
        raise InputError(f"{run}: no report yet; python eval/report.py {shlex.quote(str(run))} writes it")
    report = read_object(path)
    if report.get("schema") != 1 or not isinstance(report.get("splits"), dict):
        raise InputError(f"{path}: not a report of schema 1; python eval/report.py {shlex.quote(str(run))} writes it anew")
    return report


def read_entry(run: Path, root: Path) -> dict[str, Any]:
    """Return a leaderboard row from a run's report.

    Raises:
        InputError: the report is missing or of another schema.
    """
    report = read_report(run)
    try:
        return _entry(report, run, root)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        again = f"python eval/report.py {shlex.quote(str(run))} writes it anew"
        raise InputError(f"{run / 'report.json'}: not a report of schema 1 ({type(error).__name__}: {error}); {again}") from None


def _entry(report: dict[str, Any], run: Path, root: Path) -> dict[str, Any]:
    return {
        **{key: str(report[key]) for key in ("name", "config_hash", "data_fingerprint")},
        **{key: str(report[key]) if report.get(key) else None for key in ("kind", "date")},
        "path": run.relative_to(root).as_posix(),
        "command_path": shlex.quote(str(run)),
        "seeds": len(report["seeds"]),
        "wall_seconds": None if report["cost"]["wall_seconds"] is None else float(report["cost"]["wall_seconds"]),
        "parameters": report["cost"]["parameters"],
        "scores": {name: _number(split["macro_f1"]) for name, split in report["splits"].items()},
        "baselines": {name: _best(report["baselines"], name) for name in report["splits"]},
    }


def _number(estimate: dict[str, Any]) -> dict[str, Any]:
    mean, sd, interval = (estimate[key] for key in ("mean", "sd", "ci95"))
    low_high = None if interval is None else tuple(map(float, interval))
    return {"mean": None if mean is None else float(mean), "sd": None if sd is None else float(sd), "ci95": low_high}


def _best(baselines: dict[str, Any], split: str) -> float | None:
    means = [scores[split]["macro_f1"]["mean"] for scores in baselines.values() if split in scores]
    return max((mean for mean in means if mean is not None), default=None)


def _score(run: dict[str, Any], splits: Sequence[str]) -> float:
    means = [run["scores"][split]["mean"] for split in splits if split in run["scores"]]
    return -1.0 if not means or means[0] is None else float(means[0])


def _find(folder: Path, name: str) -> list[Path]:
    return sorted(path for depth in range(1, DEPTH + 1) for path in folder.glob("/".join(["*"] * depth + [name])))


def write_index(folder: Path) -> Path:
    """Write the leaderboard page of a folder of runs and return its path.

    Raises:
        InputError: no such folder, or no run in it.
    """
    from eval.render import render_index

    write_text(folder / INDEX, render_index(build_index(folder)))
    return folder / INDEX


def main() -> None:
    """Write the leaderboard of a folder of runs."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?", default=Path("runs"), help="folder of runs (default: runs)")
    print(f"index: {write_index(parser.parse_args().folder)}")


if __name__ == "__main__":
    run_command(main)
