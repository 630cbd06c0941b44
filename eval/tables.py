"""The results table of a report as CSV and LaTeX."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from data.cells import format_csv
from eval.metrics import HEADLINES, METRIC_TITLES

LATEX_ESCAPES = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
}


@dataclass(frozen=True)
class ResultRow:
    """A system on a split: its headline estimates by metric, and whether it is the run itself and no baseline."""

    system: str
    split: str
    n: int
    estimates: dict[str, Any]
    own: bool


def result_rows(report: dict[str, Any]) -> Iterator[ResultRow]:
    """Yield the run and its baselines, split by split."""
    for split, scores in report["splits"].items():
        yield ResultRow(report["name"], split, scores["n"], {key: scores[key] for key in HEADLINES}, own=True)
        for kind, by_split in report["baselines"].items():
            if split in by_split:
                yield ResultRow(kind, split, by_split[split]["n"], {key: by_split[split][key] for key in HEADLINES}, own=False)


def results_csv(report: dict[str, Any]) -> str:
    """Return a row a system and split with mean, sd and interval of each headline metric; undefined cells are empty."""
    figures = [f"{key}_{part}" for key in HEADLINES for part in ("mean", "sd", "low", "high")]
    rows: list[list[Any]] = []
    for row in result_rows(report):
        cells: list[Any] = []
        for estimate in row.estimates.values():
            cells += [estimate["mean"], estimate["sd"], *(estimate["ci95"] or (None, None))]
        seeds = len(row.estimates["macro_f1"]["seeds"])
        rows.append([row.system, row.split, row.n, seeds, report["config_hash"], report["data_fingerprint"], *cells])
    return format_csv(["system", "split", "n", "seeds", "config_hash", "data_fingerprint", *figures], rows)


def results_latex(report: dict[str, Any]) -> str:
    r"""Return a booktabs tabular, ready for ``\input``; settings stand in a comment above it."""
    lines = [
        f"% {latex_escape(report['name'])}: config {report['config_hash']}, data {report['data_fingerprint']}, "
        f"seeds {', '.join(str(seed['seed']) for seed in report['seeds'])}; mean \\pm sd over seeds, 95 % interval over documents",
        r"\begin{tabular}{ll" + "r" * len(HEADLINES) + "}",
        r"\toprule",
        " & ".join(["system", "split", *METRIC_TITLES.values()]) + r" \\",
        r"\midrule",
    ]
    for row in result_rows(report):
        cells = [latex_escape(row.system), latex_escape(row.split), *map(_latex_cell, row.estimates.values())]
        lines.append(" & ".join(cells) + r" \\")
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}"]) + "\n"


def latex_escape(text: str) -> str:
    """Escape the characters that LaTeX reads as commands."""
    return "".join(LATEX_ESCAPES.get(character, character) for character in text)


def _latex_cell(estimate: dict[str, Any]) -> str:
    if estimate["mean"] is None:
        return "--"
    sd = rf" \pm {estimate['sd']:.3f}" if estimate["sd"] is not None else ""
    interval = r"\;[{:.3f}, {:.3f}]".format(*estimate["ci95"]) if estimate["ci95"] else ""
    return f"${estimate['mean']:.3f}{sd}{interval}$"
