"""Reading the settings of a run from layered YAML files and the command line.

Later layers win over earlier ones and the command line over files. A file may name what it builds on with ``_base_:``
(a path relative to itself). Nothing here imports torch, so that a wrong config is refused at once.
"""

import dataclasses
import itertools
import re
from argparse import RawDescriptionHelpFormatter
from pathlib import Path
from typing import Any

from jsonargparse import ArgumentError, ArgumentParser, DefaultHelpFormatter, Namespace

from data.errors import InputError, nearest
from data.files import ROOT, read_yaml
from train.settings import SECTIONS, RunConfig, check_values, describe

MAX_BASES = 8
MAX_LIST = 100


class SettingsHelp(RawDescriptionHelpFormatter, DefaultHelpFormatter):
    """Types and defaults beside each setting, and descriptions in their own lines."""


def build_parser(description: str) -> ArgumentParser:
    """Return the parser of all settings; entry points add their own flags to it."""
    parser = ArgumentParser(
        usage="%(prog)s --config NAME [--SETTING VALUE ...]",
        description=description,
        formatter_class=SettingsHelp,
        exit_on_error=False,
        allow_abbrev=False,
    )
    parser.add_argument("--config", action="append", default=[], help="YAML layer; a path, or a name under configs/")
    parser.add_argument("--name", type=str, default=None, help="folder under runs/ (default: the config's stem)")
    parser.add_argument("--seeds", type=list[int], default=[1], help="seeds, e.g. 1,2,3")
    told: dict[str, str] = {}
    for section, settings in SECTIONS.items():
        parser.add_class_arguments(settings, section)
        (parser.groups or {})[section].title = f"{section}: {(settings.__doc__ or '').splitlines()[0].rstrip('.')}"
        told |= {f"{section}.{name}": sentence for name, sentence in describe(settings).items()}
    for action in parser._actions:
        action.help = told.get(action.dest, action.help)
    return parser


def parse_config(parser: ArgumentParser, arguments: list[str]) -> tuple[RunConfig, Namespace]:
    """Read the layers that `arguments` name and the overrides they hold.

    Raises:
        InputError: unknown key (with the nearest valid one), wrong type, missing file, circular bases.
    """
    arguments = [_list_literal(previous, value) for previous, value in zip(["", *arguments], arguments, strict=False)]
    layers = [find_config(name) for name in _config_names(arguments)]
    fields: dict[str, Any] = {}
    for path in layers:
        merge(fields, read_layer(path))
    try:
        defaults = parser.parse_object(fields) if fields else parser.get_defaults()
        parser.set_defaults({key: value for key, value in vars(defaults.as_flat()).items() if key != "config"})
    except (ArgumentError, TypeError) as error:
        raise InputError(f"{', '.join(map(str, layers))}: {_first_line(error)}") from None
    try:
        given = parser.parse_args(arguments)
    except ArgumentError as error:
        raise InputError(_command_line_fault(error)) from None
    config = RunConfig(
        name=given.name or (layers[-1].stem if layers else "run"),
        seeds=list(given.seeds),
        **{section: settings(**vars(given[section])) for section, settings in SECTIONS.items()},
    )
    check_values(config)
    return config, given


def load_config(path: Path) -> RunConfig:
    """Read one config file without a command line."""
    return parse_config(build_parser(""), ["--config", str(path)])[0]


def find_config(name: str) -> Path:
    """Resolve a config's name: an existing path, else a file under configs/."""
    for path in (Path(name), ROOT / "configs" / name):
        if path.is_file():
            return path
    known = [str(path.relative_to(ROOT / "configs")) for path in (ROOT / "configs").rglob("*.yaml") if path.parent.name != "sweeps"]
    raise InputError(f"--config {name}: no such file, here or under configs/{nearest(name, known)}")


def read_layer(path: Path, depth: int = 0) -> dict[str, Any]:
    """Read a config file on top of what its ``_base_`` holds; every key is checked against the settings."""
    if depth > MAX_BASES:
        raise InputError(f"{path}: _base_ goes in a circle")
    fields = read_yaml(path)
    if not isinstance(fields, dict):
        raise InputError(f"{path}: expected a mapping of settings")
    base = fields.pop("_base_", None)
    if base is not None and not isinstance(base, str):
        raise InputError(f"{path}: _base_: expected the path of a config, got {base!r}")
    _check_keys(path, fields)
    layer = read_layer(path.parent / base, depth + 1) if base else {}
    merge(layer, fields)
    return layer


def merge(into: dict[str, Any], layer: dict[str, Any]) -> None:
    """Lay `layer` over `into`, section by section."""
    for key, value in layer.items():
        if isinstance(value, dict):
            merge(into.setdefault(key, {}), value)
        else:
            into[key] = value


def _check_keys(path: Path, fields: dict[str, Any]) -> None:
    top = [each.name for each in dataclasses.fields(RunConfig)]
    for key, value in fields.items():
        if key not in top:
            hint = " (to build on another file use _base_:)" if key == "config" else nearest(str(key), top)
            raise InputError(f"{path}: unknown key {key!r}{hint}")
        if key in SECTIONS:
            if not isinstance(value, dict):
                raise InputError(f"{path}: {key}: expected a mapping of settings, got {value!r}")
            defaults = {each.name: each.default for each in dataclasses.fields(SECTIONS[key])}
            for name, setting in value.items():
                if name not in defaults:
                    raise InputError(f"{path}: unknown key '{key}.{name}'{nearest(str(name), list(defaults))}")
                _check_value(path, f"{key}.{name}", setting, may_be_none=defaults[name] is None)
        _check_value(path, key, value)


def _check_value(path: Path, key: str, value: Any, *, may_be_none: bool = False) -> None:
    """Refuse what the parser would take: nothing for something, and a list that would keep it busy for minutes."""
    if value is None and not may_be_none:
        raise InputError(f"{path}: {key}: expected a value, got none")
    if isinstance(value, list) and len(value) > MAX_LIST:
        raise InputError(f"{path}: {key}: {len(value):,} values, expected at most {MAX_LIST}")


def _config_names(arguments: list[str]) -> list[str]:
    """Return the layers in the order of the command line, whichever way each is given."""
    return [
        argument.removeprefix("--config=")
        for previous, argument in itertools.pairwise(["", *arguments])
        if previous == "--config" or argument.startswith("--config=")
    ]


def _list_literal(previous: str, value: str) -> str:
    """Let ``--seeds 1,2,3`` stand for the list that the parser wants."""
    if value.startswith("--seeds="):
        return "--seeds=" + _list_literal("--seeds", value.removeprefix("--seeds="))
    return f"[{value}]" if previous == "--seeds" and re.fullmatch(r"\d+(,\d+)*", value) else value


def _first_line(error: Exception) -> str:
    return " ".join(str(error).split())[:300]


def _command_line_fault(error: ArgumentError) -> str:
    message = _first_line(error)
    if unknown := re.search(r"--([A-Za-z_][\w.]*)", message):
        known = ["config", "name", "seeds"]
        known += [f"{section}.{each.name}" for section, kind in SECTIONS.items() for each in dataclasses.fields(kind)]
        if unknown[1] not in known:
            return f"--{unknown[1]}: unknown setting{nearest(unknown[1], known)}"
    return message
