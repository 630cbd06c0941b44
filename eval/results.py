"""Set runs side by side in one Markdown table, as docs/results.md holds it: python eval/results.py runs/base runs/pair

Reads each run's report.json; a row is a system on a split, with its interval, its seeds and the data it was measured on.
"""

import argparse
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

if not __package__:
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from data.errors import InputError, nearest, run_command
from eval.index import read_report
from eval.splits import in_order
from eval.tables import ResultRow, result_rows

COLUMNS = ("system", "split", "labels", "macro-F1", "95 % interval", "accuracy", "seeds", "data", "config")


def results_markdown(reports: Iterable[dict[str, Any]], splits: set[str]) -> str:
    """Return the table of all reports; a baseline that several runs share stands once, and `splits` says which, all if empty."""
    rows: dict[tuple[str, ...], list[str]] = {}
    for report in reports:
        for row in result_rows(report):
            if not splits or row.split in splits:
                config = report["config_hash"] if row.system == report["name"] else ""
                rows.setdefault((row.system, row.split, report["data_fingerprint"], config), _cells(row, report))
    return "".join(f"| {' | '.join(cells)} |\n" for cells in [list(COLUMNS), ["---"] * len(COLUMNS), *rows.values()])


def _cells(row: ResultRow, report: dict[str, Any]) -> list[str]:
    score, accuracy = row.estimates["macro_f1"], row.estimates["accuracy"]
    own = row.system == report["name"]
    spread = f" ± {score['sd']:.3f}" if score["sd"] is not None else ""
    interval = "[{:.3f}, {:.3f}]".format(*score["ci95"]) if score["ci95"] else "–"
    seeds = ", ".join(str(seed["seed"]) for seed in report["seeds"]) if own else "–"
    mean = "–" if score["mean"] is None else f"{score['mean']:.3f}{spread}"
    exact = "–" if accuracy["mean"] is None else f"{accuracy['mean']:.3f}"
    config = f"`{report['config_hash']}`" if own else "–"
    return [row.system, row.split, f"{row.n:,}", mean, interval, exact, seeds, f"`{report['data_fingerprint']}`", config]


def main() -> None:
    """Print the table of the runs given."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", type=Path, nargs="+", help="run folders with a report.json")
    parser.add_argument("--splits", type=str, default="", help="splits shown, separated by commas (default: all)")
    given = parser.parse_args()
    splits = {name.strip() for name in given.splits.split(",") if name.strip()}
    reports = [read_report(run) for run in given.runs]
    known = {name for report in reports for name in report["splits"]}
    for name in splits - known:
        raise InputError(f"--splits {name}: no such split in these runs; they have {', '.join(in_order(known))}{nearest(name, known)}")
    print(results_markdown(reports, splits), end="")


if __name__ == "__main__":
    run_command(main)
