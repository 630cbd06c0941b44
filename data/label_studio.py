"""To and from Label Studio, the labelling server: spans, a stance for each, and the registry's actors.

    python data/label_studio.py export --output to-label --predictions predictions.json   tasks and labelling interface
    python data/label_studio.py import export.json --annotator 1=anna --annotator ben@example.org=ben --output labelled

`--prefill` says what a task begins with: `marks` (the corpus's, stances hidden: a blind second labelling), `labels` (with stances, to
correct), `model` (a model's marks and stances, from `--predictions`) or `none`. With `--predictions` the tasks the model is least sure of
come first, whatever they begin with. docs/labelling.md is the how-to.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

if not __package__:
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from data.assignment import add_export_options, announce_new_actors, prepare_round
from data.errors import InputError, run_command
from data.files import check_output, write_json, write_text
from data.intake import add_import_options, finish
from data.label_studio_results import read_exports
from data.label_studio_tasks import labelling_config, make_tasks
from data.labelling import check_annotator, open_workspace


def export(given: argparse.Namespace) -> None:
    """Write the labelling interface and the tasks."""
    check_output(given.output)
    round_ = prepare_round(given)
    write_json(given.output / "tasks.json", make_tasks(round_))
    write_text(given.output / "interface.xml", labelling_config())
    print(f"{given.output}: {len(round_.assignments)} tasks (tasks.json), labelling interface (interface.xml)")
    announce_new_actors(given.output, round_.new_actors)


def parse_annotators(pairs: Sequence[str]) -> dict[str, str]:
    """Read `USER=NAME` pairs: a Label Studio user's id or e-mail address, and the annotator's name.

    Raises:
        InputError: a pair that is none.
    """
    annotators: dict[str, str] = {}
    for pair in pairs:
        user, mark, name = pair.rpartition("=")
        if not mark or not user:
            raise InputError(f"--annotator {pair}: expected USER=NAME, e.g. 1=anna or anna@example.org=anna")
        annotators[user.strip()] = check_annotator(name.strip())
    return annotators


def import_labels(given: argparse.Namespace) -> None:
    """Read exports and write layers, agreed documents and what is left to adjudicate."""
    check_output(given.output)
    workspace = open_workspace(given.corpus)
    intake = read_exports(given.exports, workspace, parse_annotators(given.annotator))
    finish(intake, workspace, given, rejects="rejects.json")


def main() -> None:
    """Export or import."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False)
    actions = parser.add_subparsers(required=True, metavar="export|import")
    out = actions.add_parser("export", help="write tasks and the labelling interface", allow_abbrev=False)
    add_export_options(out)
    out.add_argument("--output", type=Path, required=True, help="new folder")
    out.set_defaults(action=export)
    back = actions.add_parser("import", help="read exports", allow_abbrev=False)
    back.add_argument("exports", type=Path, nargs="+", metavar="EXPORT", help="files that Label Studio exported as JSON")
    back.add_argument("--annotator", action="append", default=[], metavar="USER=NAME", help="a user's id or e-mail address, and a name")
    add_import_options(back)
    back.set_defaults(action=import_labels)
    given = parser.parse_args()
    given.action(given)


if __name__ == "__main__":
    run_command(main)
