"""Judge a run and write its report: python eval/report.py runs/base [--export csv,latex]

Reads the prediction files of a run folder and writes report.json, report.md and report.html beside them; no model is loaded.
"""

import argparse
import sys
from pathlib import Path
from typing import Any

if not __package__:
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

import numpy as np

from data.errors import InputError, nearest, run_command, seed_argument
from data.files import format_json, write_text
from eval.bootstrap import RESAMPLES
from eval.charts import figure, interval_text

EXPORTS = {"csv": "report.csv", "latex": "report.tex"}


def write_report(run_folder: Path, *, resamples: int = RESAMPLES, seed: int = 1, exports: tuple[str, ...] = ()) -> dict[str, Any]:
    """Score a run folder and write report.json, report.md and report.html into it; return what report.json holds.

    Args:
        run_folder: a folder as `train/run.py` writes it, at least one seed finished.
        resamples: bootstrap resamples behind each interval.
        seed: of the resampling.
        exports: further forms of the results table, of `EXPORTS`.

    Raises:
        InputError: not a run folder, or files in it are missing or faulty; nothing is written then.
    """
    from eval.render import render_report
    from eval.runs import read_run
    from eval.sections import build_report
    from eval.tables import results_csv, results_latex

    report = build_report(read_run(run_folder), np.random.default_rng(seed), resamples)
    pages = {"report.md": render_report(report, "md"), "report.html": render_report(report, "html")}
    tables = {"csv": results_csv, "latex": results_latex}
    pages |= {EXPORTS[name]: tables[name](report) for name in exports}
    pages["report.json"] = format_json(report)
    for name, text in pages.items():
        write_text(run_folder / name, text)
    return report


def summary(report: dict[str, Any], run_folder: Path | None = None) -> str:
    """Return a few plain lines for the terminal: macro-F1 a split beside its baselines, and where the page is."""
    lines = []
    for name, split in report["splits"].items():
        lines.append(f"{name:<8} macro-F1 {_figures(split['macro_f1'])}  n={split['n']} in {split['documents']} documents")
        for kind, scores in report["baselines"].items():
            if name in scores:
                lines.append(f"  {kind:<14}   {_figures(scores[name]['macro_f1'])}")
    if report["behaviour"]:
        totals = ", ".join(f"{row['check']} {row['rate']['mean']:.1%} of {row['n']}" for row in report["behaviour"]["totals"])
        lines.append(f"behaviour checks passed: {totals}")
    for name, found in (report.get("detection") or {}).items():
        lines.append(f"{name:<8} mentions found: span F1 {_figures(found['f1'])}, with the right stance {_figures(found['stance_f1'])}")
    lines += [f"note: {note}" for note in report["notes"]]
    lines.append(f"seeds {', '.join(str(each['seed']) for each in report['seeds'])}, data {report['data_fingerprint']}")
    if run_folder:
        lines.append(f"report: {run_folder / 'report.html'}")
    return "\n".join(lines)


def _figures(estimate: dict[str, Any]) -> str:
    sd = f" ± {figure(estimate['sd'])}" if estimate["sd"] is not None else ""
    return f"{figure(estimate['mean'])}{sd} {interval_text(estimate['ci95'])}"


def parse_exports(text: str) -> tuple[str, ...]:
    """Read a comma-separated list of exports.

    Raises:
        InputError: an unknown one.
    """
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    for name in names:
        if name not in EXPORTS:
            raise InputError(f"--export: unknown format {name!r}, expected {', '.join(EXPORTS)}{nearest(name, EXPORTS)}")
    return names


def main() -> None:
    """Re-render the report of a run folder."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, help="run folder")
    parser.add_argument("--export", default="", help="also write the results table as: csv, latex (comma-separated)")
    parser.add_argument("--resamples", type=int, default=RESAMPLES, help=f"bootstrap resamples (default: {RESAMPLES})")
    parser.add_argument("--seed", type=seed_argument, default=1, help="seed of the resampling (default: 1)")
    given = parser.parse_args()
    if given.resamples < 100:
        raise InputError(f"--resamples: {given.resamples} is too few for a 95 % interval, expected at least 100")
    report = write_report(given.run, resamples=given.resamples, seed=given.seed, exports=parse_exports(given.export))
    print(summary(report, given.run))


if __name__ == "__main__":
    run_command(main)
