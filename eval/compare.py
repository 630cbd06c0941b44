"""Compare runs, or runs with other systems' answers: python eval/compare.py runs/base runs/pair answers.csv --output runs/compare

Prints a verdict a pair and writes compare.json, compare.md and compare.html. Deltas are second minus first.
"""

import argparse
import sys
from pathlib import Path
from typing import Any

if not __package__:
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from data.errors import InputError, run_command, seed_argument
from data.files import write_json, write_text


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
    for name, text in pages.items():
        write_text(folder / name, text)
    write_json(folder / "compare.json", comparison)
    return comparison, folder


def default_output(paths: list[Path]) -> Path:
    """Return the folder ``compare-a-b`` beside the first run."""
    first = next(path for path in paths if path.is_dir()).resolve()
    names = [path.resolve().stem if path.is_file() else path.resolve().name for path in paths]
    folder = first.parent / "-".join(["compare", *names])
    return folder.relative_to(Path.cwd()) if folder.is_relative_to(Path.cwd()) else folder


def print_verdicts(comparison: dict[str, Any]) -> None:
    """Print a table of all pairs, macro-F1 first, and what the test set can see."""
    from rich.console import Console
    from rich.table import Table

    from eval.charts import figure, interval_text, p_text
    from eval.metrics import METRIC_TITLES

    table = Table(box=None, pad_edge=False, title_justify="left")
    columns = ("a", "b", "split", "metric", "delta (b - a)", "95 %", "p", "p (Holm)", "test", "n", "verdict")
    for name in columns:
        table.add_column(name, justify="right" if name.startswith(("delta", "p", "n")) else "left", no_wrap=name != "test")
    for row in comparison["pairs"]:
        figures = [
            figure(row["delta"], signed=True),
            interval_text(row["ci95"], signed=True),
            p_text(row["p_value"]),
            p_text(row["p_holm"]),
        ]
        table.add_row(row["a"], row["b"], row["split"], METRIC_TITLES[row["metric"]], *figures, row["test"], str(row["n"]), row["verdict"])
    console = Console(width=None if sys.stdout.isatty() else 200, highlight=False, markup=False)
    console.print(table)
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
