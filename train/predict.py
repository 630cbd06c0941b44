"""Who stands where: python train/predict.py --run runs/base --input seeds/*.txt --html out.html

The input is articles (.txt files, folders of them, or - for standard input) or example rows (one .jsonl file). Prints a table
of actors; --output writes a file by its ending: .jsonl prediction rows (one per actor and sentence), .json everything, .csv
one line per actor and article.
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if not __package__:
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from data.articles import read_article, read_standard_input
from data.errors import InputError, nearest, printable, run_command
from data.files import write_json, write_jsonl, write_text
from data.records import Example, read_rows
from train.backends import BACKENDS

if TYPE_CHECKING:
    from train.reading import Reading
    from train.verdicts import Verdict

OUTPUTS = (".jsonl", ".json", ".csv")


def main() -> None:
    """Read the input, predict, print and write."""
    given = parse()
    names: list[str] = list(dict.fromkeys(given.input))
    rows, paths = names[0].endswith(".jsonl"), find_inputs(names)
    check_outputs(given, paths, rows=rows)
    if rows:
        predict_rows(given, paths[0])
    else:
        predict_articles(given, collect_articles(paths, standard_input="-" in names))


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False)
    parser.add_argument("--run", type=Path, required=True, help="run folder, e.g. runs/base")
    parser.add_argument(
        "--input", required=True, nargs="+", metavar="FILE", help="articles (.txt, a folder, or -) or one file of rows (.jsonl)"
    )
    parser.add_argument("--corpus", type=Path, help="corpus folder whose actors and target articles are read for (default: the run's)")
    parser.add_argument("--output", type=Path, help="file to write: .jsonl, .json or .csv")
    parser.add_argument("--html", type=Path, help="write the article view to this file")
    parser.add_argument("--seed", type=int, help="seed to use (default: the first finished one)")
    parser.add_argument(
        "--backend",
        choices=BACKENDS,
        default="torch",
        help="torch-bf16 is faster, and so are the others, after train/export.py (default: torch)",
    )
    return parser.parse_args()


def find_inputs(names: Sequence[str]) -> list[Path]:
    """Return the files that the names stand for, each once: a folder stands for its .txt files, - for none.

    Raises:
        InputError: a folder without articles, or rows beside something else.
    """
    if len(names) > 1 and any(name.endswith(".jsonl") for name in names):
        raise InputError("--input: give one file of rows (.jsonl), or articles")
    found: dict[Path, Path] = {}
    for path in (Path(name) for name in names if name != "-"):
        files = sorted(path.rglob("*.txt")) if path.is_dir() else [path]
        if not files:
            raise InputError(f"--input {path}: the folder holds no .txt file")
        for file in files:
            found.setdefault(file.resolve(), file)
    return list(found.values())


def check_outputs(given: argparse.Namespace, paths: Sequence[Path], *, rows: bool) -> None:
    """Refuse output files of an unknown kind or in the place of another file, and what does not go with rows, before anything is loaded.

    Raises:
        InputError: an ending that says no format, a folder, an input or the other output; an article view or a corpus for example rows.
    """
    if given.output and given.output.suffix not in OUTPUTS:
        raise InputError(f"--output {given.output}: expected {', '.join(OUTPUTS)}{nearest(given.output.suffix, OUTPUTS)}")
    if rows and given.corpus:
        raise InputError("--corpus: example rows name their actors and target themselves; --corpus is for articles")
    if rows and (given.html or (given.output and given.output.suffix != ".jsonl")):
        raise InputError("--input: example rows have no article to show; --output writes .jsonl for them, and --html is for articles")
    taken = {path.resolve(): "--input" for path in paths}
    for option, path in (("--output", given.output), ("--html", given.html)):
        if path and path.is_dir():
            raise InputError(f"{option} {path}: is a folder, expected a file to write")
        if path and (other := taken.setdefault(path.resolve(), option)) != option:
            raise InputError(f"{option} {path}: would overwrite {other}; give another name")


def collect_articles(paths: Sequence[Path], *, standard_input: bool = False) -> dict[str, str]:
    """Return the texts of articles by their document ids, which their names give.

    Raises:
        InputError: a file is missing or no article; nothing is read half.
    """
    texts = {"stdin": read_standard_input()} if standard_input else {}
    stems = [path.stem for path in paths]
    for path in paths:
        unique = path.stem if stems.count(path.stem) == 1 else "-".join(path.with_suffix("").parts[-2:])
        texts[unique if unique not in texts else str(path)] = read_article(path)
    return texts


def predict_rows(given: argparse.Namespace, path: Path) -> None:
    """Score example rows, print their actors and write prediction rows."""
    rows = read_rows(path, Example)
    from train.loading import open_run
    from train.runs import prediction_rows
    from train.verdicts import judge_actors

    run = open_run(given.run, given.seed, given.backend)
    probabilities = run.probabilities(rows)
    if given.output:
        write_jsonl(given.output, prediction_rows(rows, probabilities))
    print_verdicts(judge_actors(rows, probabilities, run.calibration.threshold, {}), str(path))


def predict_articles(given: argparse.Namespace, texts: Mapping[str, str]) -> None:
    """Read articles, print their actors, and write what was asked for."""
    from train.reading import load

    reader = load(given.run, corpus=given.corpus, seed=given.seed, backend=given.backend)
    readings = reader.read_many(texts)
    if given.output:
        write_output(given.output, readings, str(given.run))
    if given.html:
        from train.article_view import render_view

        write_text(given.html, render_view(readings, str(given.run), reader.run.calibration.threshold, reader.names_from))
    for reading in readings:
        print_verdicts(reading.verdicts, reading.article.title)


def write_output(path: Path, readings: Sequence["Reading"], run: str) -> None:
    """Write readings in the format that the file's ending names."""
    if path.suffix == ".jsonl":
        from train.runs import prediction_rows

        write_jsonl(path, (row for reading in readings for row in prediction_rows(reading.rows, reading.probs)))
    elif path.suffix == ".json":
        from train.collection import to_json

        write_json(path, to_json(readings, run))
    else:
        from train.collection import to_csv

        write_text(path, to_csv(readings))


def print_verdicts(verdicts: Sequence["Verdict"], title: str) -> None:
    """Print the table of who stands where."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    styles = {"against": ("red", "▼"), "neutral": ("dim", "●"), "favor": ("cyan", "▲")}
    table = Table(title=escape(printable(title)), title_justify="left")
    for heading, justify in (("actor", "left"), ("stance", "left"), ("sure", "right"), ("▼ ● ▲", "right"), ("clearest sentence", "left")):
        table.add_column(heading, justify=justify, overflow="fold")  # type: ignore[arg-type]
    for verdict in verdicts:
        colour, sign = styles[verdict.stance]
        doubts = "".join(f" ({doubt})" for doubt in ("unsure", "mixed") if getattr(verdict, doubt))
        evidence = printable(verdict.evidence[0].text) if verdict.evidence else ""
        table.add_row(
            escape(printable(verdict.name)),
            f"[{colour}]{sign} {verdict.stance}[/]{doubts}",
            f"{verdict.confidence:.2f}",
            f"{verdict.against} {verdict.neutral} {verdict.favor}",
            escape(evidence if len(evidence) < 90 else evidence[:87] + "..."),
        )
    Console().print(table)


if __name__ == "__main__":
    run_command(main)
