"""YAML and JSON from files that strangers may have written, parsed within limits; nothing else in the project parses either."""

import json
import re
from pathlib import Path
from typing import Any

import yaml

from data.errors import InputError

try:
    from yaml import CSafeLoader as SafeLoader  # ten times faster, where libyaml is built in
except ImportError:
    from yaml import SafeLoader  # type: ignore[assignment]

MAX_YAML = 100_000
"""Characters of a config or front matter; a registry may be longer."""
MAX_DEPTH = 40
"""Nested collections, in YAML and JSON; ours have at most six."""

_SURROGATE = re.compile("[\ud800-\udfff]")
_SURROGATE_ESCAPE = re.compile(r"\\u[dD][89a-fA-F]")


class PlainLoader(SafeLoader):
    """The safe loader; it keeps dates as text and refuses a key that a mapping has twice instead of keeping the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Build a mapping whose keys differ."""
        seen: set[str] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value in seen:
                raise yaml.constructor.ConstructorError(None, None, f"key {key.value!r} is given twice", key.start_mark)
            seen.add(str(key.value))
        return super().construct_mapping(node, deep)


PlainLoader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in SafeLoader.yaml_implicit_resolvers.items()
}


def parse_yaml(text: str, path: Path, *, first_line: int = 1, limit: int = MAX_YAML) -> Any:
    """Parse plain YAML: values, lists and mappings, without aliases, tags or keys given twice.

    Args:
        text: what to parse.
        path: the file it comes from, for messages.
        first_line: the line of the file on which `text` begins.
        limit: the most characters that are parsed.

    Raises:
        InputError: too long, nested too deeply, with an alias or a tag, or not YAML; names the line.
    """
    if len(text) > limit:
        raise InputError(f"{path}: {len(text):,} characters of YAML, expected at most {limit:,}")
    try:
        _check_events(text, path, first_line)
        return yaml.load(text, Loader=PlainLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = first_line + (mark.line if mark else 0)
        problem = getattr(error, "problem", None) or getattr(error, "reason", None) or error
        raise InputError(f"{path}:{line}: not YAML: {' '.join(str(problem).split())}") from None
    except (ValueError, OverflowError, RecursionError) as error:  # a number of 5,000 digits
        raise InputError(f"{path}:{first_line}: not YAML: {' '.join(str(error).split())[:200]}") from None


def _check_events(text: str, path: Path, first_line: int) -> None:
    """Refuse what makes a small file large or slow, before any value is built."""
    depth = 0
    for event in yaml.parse(text, Loader=PlainLoader):
        place = f"{path}:{first_line + (event.start_mark.line if event.start_mark else 0)}"
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise InputError(f"{place}: YAML aliases and anchors are not allowed")
        if tag := getattr(event, "tag", None):
            raise InputError(f"{place}: YAML tags are not allowed, found {tag!r}")
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > MAX_DEPTH:
            raise InputError(f"{place}: YAML nested more than {MAX_DEPTH} deep")


def parse_json(text: str | bytes) -> Any:
    """Parse one JSON value.

    Raises:
        ValueError: not JSON, NaN or Infinity (JSON has neither), nested too deeply, or text that UTF-8 cannot hold.
    """
    plain = text if isinstance(text, str) else text.decode("utf-8")
    try:
        value = json.loads(plain, parse_constant=_refuse_constant)
    except RecursionError:
        raise ValueError(f"nested more than {MAX_DEPTH} deep") from None
    if plain.count("[") + plain.count("{") > MAX_DEPTH:
        _check_depth(value)
    if _SURROGATE_ESCAPE.search(plain):
        _check_characters(value)
    return value


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON number")


def _check_depth(value: Any) -> None:
    level, depth = [value], 0
    while level := [each for each in level if isinstance(each, dict | list)]:
        depth += 1
        if depth > MAX_DEPTH:
            raise ValueError(f"nested more than {MAX_DEPTH} deep")
        level = [inner for each in level for inner in (each.values() if isinstance(each, dict) else each)]


def _check_characters(value: Any) -> None:
    """Refuse one half of a surrogate pair, which JSON can write and no text file can hold."""
    if isinstance(value, str):
        if _SURROGATE.search(value):
            raise ValueError("half of a surrogate pair (\\ud800 to \\udfff) is no character")
    elif isinstance(value, dict):
        for key, inner in value.items():
            _check_characters(key)
            _check_characters(inner)
    elif isinstance(value, list):
        for inner in value:
            _check_characters(inner)
