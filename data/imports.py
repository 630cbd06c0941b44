"""Labels from other tools, CoNLL files and doccano's JSONL, into annotated documents: layers, agreed documents, adjudication.

    python data/imports.py conll anna.conll --corpus my-issue --target "the pipeline" --output labelled
    python data/imports.py doccano anna.jsonl ben.jsonl --corpus my-issue --output labelled

Texts that the corpus lacks become new documents with the genre, setting and target given. docs/labelling.md describes both formats.
"""

import argparse
import sys
from pathlib import Path
from typing import get_args

if not __package__:
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from data.conll import read_conll
from data.doccano import read_doccano
from data.documents import Genre
from data.errors import run_command
from data.files import check_output
from data.foreign import NewTexts
from data.intake import add_import_options, finish
from data.labelling import file_annotators, open_workspace

READERS = {"conll": (read_conll, "rejects.conll"), "doccano": (read_doccano, "rejects.jsonl")}


def main() -> None:
    """Read files of one format and write what annotators said."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False)
    parser.add_argument("format", choices=READERS, help="what the files are")
    parser.add_argument("files", type=Path, nargs="+", metavar="FILE", help="labelled files, one annotator's each")
    parser.add_argument("--annotator", action="append", default=[], metavar="NAME", help="who made each file (default: its name)")
    parser.add_argument("--genre", choices=get_args(Genre), default="wire", help="genre of new texts (default: wire)")
    parser.add_argument("--setting", choices=("real", "invented"), default="real", help="setting of new texts (default: real)")
    parser.add_argument("--target", help="what the stances of new texts are about (default: that of issue.yaml)")
    add_import_options(parser)
    given = parser.parse_args()
    check_output(given.output)
    names = file_annotators(given.files, given.annotator)
    workspace = open_workspace(given.corpus)
    read, rejects = READERS[given.format]
    finish(
        read(given.files, names, workspace, NewTexts(workspace, given.genre, given.setting, given.target)),
        workspace,
        given,
        rejects=rejects,
    )


if __name__ == "__main__":
    run_command(main)
