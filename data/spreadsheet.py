"""Labelling in a spreadsheet, without a server: one row per (sentence, actor), as .csv or .xlsx.

    python data/spreadsheet.py export --output anna.csv --predictions predictions.json
    python data/spreadsheet.py import anna.csv ben.csv --output labelled

The options are those of `data/label_studio.py`. An annotator fills the column `stance` with against, neutral, favor, or with none where
the row is no actor, and adds rows for actors that are missing (`start` may stay empty where the mention occurs once in the sentence).
A file is named after its annotator, or give `--annotator` a name for each file.
"""

import argparse
import sys
from pathlib import Path

if not __package__:
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from data.assignment import add_export_options, announce_new_actors, prepare_round
from data.cells import write_table
from data.errors import InputError, run_command
from data.files import check_output
from data.intake import add_import_options, finish
from data.labelling import file_annotators, open_workspace
from data.spreadsheet_rows import COLUMNS, read_sheets, sheet_rows

SUFFIXES = (".csv", ".xlsx")


def export(given: argparse.Namespace) -> None:
    """Write one sheet, the most uncertain document first."""
    if given.output.suffix.lower() not in SUFFIXES:
        raise InputError(f"--output {given.output}: expected a file that ends in {' or '.join(SUFFIXES)}")
    if given.output.exists():
        raise InputError(f"--output {given.output}: exists; an annotator may have worked in it, name another file")
    round_ = prepare_round(given)
    rows = [row for assignment in round_.assignments for row in sheet_rows(assignment)]
    write_table(given.output, COLUMNS, rows)
    print(f"{given.output}: {len(round_.assignments)} documents, {len(rows)} rows")
    announce_new_actors(given.output.parent, round_.new_actors)


def import_labels(given: argparse.Namespace) -> None:
    """Read sheets and write layers, agreed documents and what is left to adjudicate."""
    check_output(given.output)
    names = file_annotators(given.sheets, given.annotator)
    workspace = open_workspace(given.corpus)
    finish(read_sheets(given.sheets, names, workspace, given.encoding), workspace, given, rejects="rejects.csv")


def main() -> None:
    """Export or import."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False)
    actions = parser.add_subparsers(required=True, metavar="export|import")
    out = actions.add_parser("export", help="write a sheet", allow_abbrev=False)
    add_export_options(out)
    out.add_argument("--output", type=Path, required=True, help="new file: .csv or .xlsx")
    out.set_defaults(action=export)
    back = actions.add_parser("import", help="read sheets", allow_abbrev=False)
    back.add_argument("sheets", type=Path, nargs="+", metavar="SHEET", help="filled sheets (.csv, .tsv, .xlsx)")
    back.add_argument("--annotator", action="append", default=[], metavar="NAME", help="who filled each file (default: its name)")
    back.add_argument("--encoding", help="encoding of CSV files that are not UTF-8, e.g. cp1252")
    add_import_options(back)
    back.set_defaults(action=import_labels)
    given = parser.parse_args()
    given.action(given)


if __name__ == "__main__":
    run_command(main)
