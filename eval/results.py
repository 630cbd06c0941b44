"""Set runs side by side in one Markdown table, as docs/results.md holds it: python eval/results.py runs/base runs/pair

Reads each run's report.json; a row is a system on a split, with its interval, its seeds and the data it was measured on.
"""

import argparse
import sys
from collections.abc import Iterable
from itertools import chain
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
    """Return the table of all reports, of the splits named or of all; a baseline stands once for all runs in which it scored the same."""
    rows: dict[tuple[str, str, str, bool], list[list[str]]] = {}
    for report in reports:
        for row in result_rows(report):
            if not splits or row.split in splits:
                cells = _cells(row, report)
                others = rows.setdefault((row.system, row.split, report["data_fingerprint"], row.own), [])
                if any(cells[1:] == other[1:] for other in others):
                    continue
                if others and not row.own:
                    cells[0] = f"{row.system} ({report['name']})"  # it learned from another share of the data
                others.append(cells)
    lines = [list(COLUMNS), ["---"] * len(COLUMNS), *chain.from_iterable(rows.values())]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def _cells(row: ResultRow, report: dict[str, Any]) -> list[str]:
    score, accuracy = row.estimates["macro_f1"], row.estimates["accuracy"]
    spread = f" ± {score['sd']:.3f}" if score["sd"] is not None else ""
    interval = "[{:.3f}, {:.3f}]".format(*score["ci95"]) if score["ci95"] else "–"
    seeds = ", ".join(str(seed["seed"]) for seed in report["seeds"]) if row.own else "–"
    mean = "–" if score["mean"] is None else f"{score['mean']:.3f}{spread}"
    exact = "–" if accuracy["mean"] is None else f"{accuracy['mean']:.3f}"
    config = f"`{report['config_hash']}`" if row.own else "–"
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
    try:
        print(results_markdown(reports, splits), end="")
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(
            f"a report.json is not of schema 1 ({type(error).__name__}: {error}); python eval/report.py RUN writes it anew"
        ) from None


if __name__ == "__main__":
    run_command(main)
