"""Write the reference of every config key from the code: python train/reference.py

The keys, types and defaults are those of the settings' dataclasses in `train/settings.py`, the sentences their docstrings. A test
fails when docs/configuration.md is stale.
"""

import argparse
import dataclasses
import sys
import typing
from pathlib import Path
from typing import Any

if not __package__:
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from data.errors import run_command
from data.files import ROOT, write_text
from train.settings import SECTIONS, RunConfig, describe

PAGE = ROOT / "docs" / "configuration.md"

OPENING = """\
# Configuration

Every key of a config file, with its type, its default and what it does. This page is written by
`.venv/bin/python train/reference.py`; do not edit it. A config is YAML; what it leaves out has the default below.

- `--config NAME` takes a path, or a name under `configs/`; it may be given several times, and later files win over earlier ones.
- A file may build on another: `_base_: ../base.yaml` (relative to itself) is read first.
- The command line wins over files: `--trainer.learning_rate 3e-5 --data.documents 0.5`.
- An unknown key, a wrong type or a value that makes no sense is refused with the nearest valid name.
- `--print_config` shows what would run; a finished run keeps it as `config.yaml`, and running that again gives the same weights.

`configs/base.yaml` sets what was found to work on the shield corpus; [experiments.md](experiments.md) says how.
"""


def type_name(hint: Any) -> str:
    """Name a type as a user would: its choices, or a plain word."""
    if typing.get_origin(hint) is typing.Literal:
        return " or ".join(f"`{choice}`" for choice in typing.get_args(hint))
    if typing.get_origin(hint) is list:
        return f"list of {type_name(typing.get_args(hint)[0])}s"
    if options := [each for each in typing.get_args(hint) if each is not type(None)]:
        return " or ".join([*map(type_name, options), "nothing"])
    return {int: "whole number", float: "number", bool: "true or false", str: "text"}[hint]


def default_of(field: "dataclasses.Field[Any]") -> str:
    """Show a field's default as YAML would."""
    value = field.default_factory() if field.default_factory is not dataclasses.MISSING else field.default
    if value is None:
        return "nothing"
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def table(settings: type, prefix: str) -> str:
    """Tabulate the keys of a settings class."""
    sentences, hints = describe(settings), typing.get_type_hints(settings)
    lines = ["| key | type | default | what it does |", "|---|---|---|---|"]
    for field in dataclasses.fields(settings):
        if field.name not in SECTIONS:
            cells = (f"`{prefix}{field.name}`", type_name(hints[field.name]), default_of(field), sentences[field.name])
            lines.append("| " + " | ".join(cell.replace("|", "\\|").replace("<", "&lt;") for cell in cells) + " |")
    return "\n".join(lines)


def render() -> str:
    """Return the whole page."""
    parts = [OPENING, f"## The run\n\n{table(RunConfig, '')}\n"]
    for name, settings in SECTIONS.items():
        summary = (settings.__doc__ or "").split("\n")[0]
        parts.append(f"## `{name}`\n\n{summary}\n\n{table(settings, f'{name}.')}\n")
    return "\n".join(parts)


def main() -> None:
    """Write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False)
    parser.parse_args()
    write_text(PAGE, render())
    print(PAGE.relative_to(ROOT))


if __name__ == "__main__":
    run_command(main)
