import argparse
import importlib
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from data.files import ROOT

COMMANDS = sorted(
    f"{path.parent.name}.{path.stem}"
    for folder in ("data", "eval", "train")
    for path in (ROOT / folder).glob("*.py")
    if "argparse.ArgumentParser(" in path.read_text(encoding="utf-8")
)


class SeenError(Exception):
    """Ends a command once its parser is made."""


def unexplained(parser: argparse.ArgumentParser) -> Iterator[str]:
    """Yield the options and arguments of a command and of its actions that have no help text."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for inner in action.choices.values():
                yield from unexplained(inner)
        elif not action.help:
            yield "/".join(action.option_strings) or action.dest


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_is_explained(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    missing: list[str] = []

    def look(parser: argparse.ArgumentParser, *arguments: Any) -> None:
        missing.extend(unexplained(parser))
        raise SeenError

    monkeypatch.setattr(sys, "argv", [name])
    monkeypatch.setattr(argparse.ArgumentParser, "parse_args", look)
    with pytest.raises(SeenError):
        importlib.import_module(name).main()
    assert missing == []
