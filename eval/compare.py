"""Compare runs, or runs with other systems' answers: python eval/compare.py runs/base runs/pair answers.csv --output runs/compare

Prints a verdict for each pair and metric and writes compare.json, compare.md and compare.html. Deltas are second minus first.
"""

import argparse
import sys
from pathlib import Path
from typing import Any

if not __package__:
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from data.errors import InputError, run_command, seed_argument
from data.files import format_json, write_text


def compare_paths(
    paths: list[Path], output: Path | None = None, *, splits: tuple[str, ...] = ("test",), intersect: bool = False, seed: int = 1
) -> tuple[dict[str, Any], Path]:
    """Compare run folders and prediction files and write the pages; return compare.json's content and their folder.

    Raises:
        InputError: the systems cannot be compared; nothing is written then.
    """
    import numpy as np

    from eval.comparison import compare
    from eval.contenders import read_contenders
    from eval.render import render_comparison

    contenders = read_contenders(paths)
    folder = output or default_output(paths)
    if folder.exists() and not folder.is_dir():
        raise InputError(f"--output {folder}: is a file, expected a folder")
    comparison = compare(contenders, splits, np.random.default_rng(seed), intersect=intersect)
    pages = {"compare.md": render_comparison(comparison, "md"), "compare.html": render_comparison(comparison, "html")}
    pages["compare.json"] = format_json(comparison)
    for name, text in pages.items():
        write_text(folder / name, text)
    return comparison, folder


def default_output(paths: list[Path]) -> Path:
    """Return the folder ``compare-a-b`` beside the first run."""
    first = next(path for path in paths if path.is_dir()).resolve()
    names = [path.resolve().stem if path.is_file() else path.resolve().name for path in paths]
    folder = first.parent / "-".join(["compare", *names])
    return folder.relative_to(Path.cwd()) if folder.is_relative_to(Path.cwd()) else folder


def print_verdicts(comparison: dict[str, Any]) -> None:
    """Print a table of each pair and split, narrow enough for any terminal, and what the test set can see."""
    from itertools import groupby

    from rich.console import Console

    console = Console(width=None if sys.stdout.isatty() else 200, highlight=False, markup=False)
    for _, rows in groupby(comparison["pairs"], key=lambda row: (row["a"], row["b"], row["split"])):
        console.print(verdict_table(list(rows)))
        console.print()
    for row in comparison["pairs"]:
        if row["metric"] == "macro_f1" and row["detectable"] is not None:
            console.print(
                f"{row['a']} / {row['b']}: {row['split']} can see differences in macro-F1 from {row['detectable']:.3f} (80 % power)"
            )
    for note in comparison["notes"]:
        console.print(f"note: {note}")
    for name, split in comparison["splits"].items():
        for note in split["notes"]:
            console.print(f"note ({name}): {note}")


def verdict_table(rows: list[dict[str, Any]]) -> Any:
    """Return the tests of one pair on one split as a table."""
    from rich.table import Table

    from eval.charts import figure, interval_text, p_text
    from eval.metrics import METRIC_TITLES

    first = rows[0]
    title = f"{first['b']} compared with {first['a']}, {first['split']}, n = {first['n']:,}"
    table = Table(title=title, title_justify="left", box=None, pad_edge=False)
    for name in ("metric", "delta", "95 %", "p", "p (Holm)", "verdict"):
        table.add_column(name, justify="left" if name in ("metric", "verdict") else "right", no_wrap=name != "verdict")
    for row in rows:
        metric = METRIC_TITLES[row["metric"]] + (", McNemar" if row["test"].startswith("McNemar") else "")
        delta, interval = figure(row["delta"], signed=True), interval_text(row["ci95"], signed=True)
        verdict = {"a better": f"{row['a']} better", "b better": f"{row['b']} better"}.get(row["verdict"], row["verdict"])
        table.add_row(metric, delta, interval, p_text(row["p_value"]), p_text(row["p_holm"]), verdict)
    return table


def main() -> None:
    """Compare what the command line names."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("systems", type=Path, nargs="+", help="run folders and prediction files (.csv, .jsonl with id and label)")
    parser.add_argument("--output", type=Path, help="folder of the pages (default: compare-a-b beside the first run)")
    parser.add_argument("--split", default="test", help="split, or several separated by commas (default: test)")
    parser.add_argument("--intersect", action="store_true", help="compare the items that all systems have")
    parser.add_argument("--seed", type=seed_argument, default=1, help="seed of the resampling (default: 1)")
    given = parser.parse_args()
    splits = tuple(dict.fromkeys(name.strip() for name in given.split.split(",") if name.strip()))
    if not splits:
        raise InputError("--split: expected the name of a split")
    comparison, folder = compare_paths(given.systems, given.output, splits=splits, intersect=given.intersect, seed=given.seed)
    print_verdicts(comparison)
    print(f"comparison: {folder / 'compare.html'}")


if __name__ == "__main__":
    run_command(main)
