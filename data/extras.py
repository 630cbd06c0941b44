"""Packages that only some commands need; each belongs to an extra of pyproject.toml."""

from importlib import import_module
from typing import Any

from data.errors import InputError


def import_extra(module: str, extra: str, need: str) -> Any:
    """Import a module of an extra; `need` says what it is for.

    Raises:
        InputError: it is not installed; the message has the command that installs it.
    """
    try:
        return import_module(module)
    except ImportError as error:
        raise InputError(f"{need} needs {error.name or module}: {install_command(extra)}") from None


def install_command(extra: str) -> str:
    """Return the command that installs an extra in its locked versions."""
    return f".venv/bin/python -m pip install --constraint constraints.txt --editable '.[{extra}]'"
