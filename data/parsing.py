"""YAML and JSON from files that strangers may have written, parsed within limits; nothing else in the project parses either."""

import json
import math
import re
from collections.abc import Callable
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
    """The safe loader's reading of numbers, truth values and null; dates stay text."""


PlainLoader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in SafeLoader.yaml_implicit_resolvers.items()
}
_STRING = "tag:yaml.org,2002:str"
_MERGE = "tag:yaml.org,2002:merge"


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
        return _ValueBuilder(text, path, first_line).build()
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = first_line + (mark.line if mark else 0)
        problem = getattr(error, "problem", None) or getattr(error, "reason", None) or error
        raise InputError(f"{path}:{line}: not YAML: {' '.join(str(problem).split())}") from None
    except (ValueError, OverflowError, RecursionError) as error:  # a number of 5,000 digits
        raise InputError(f"{path}:{first_line}: not YAML: {' '.join(str(error).split())[:200]}") from None


class _ValueBuilder:
    """Build values from the parser's events in one pass, which refuses what makes a small file large or slow.

    Going through PyYAML's tree of nodes takes three times as long on a registry of thousands of actors.
    """

    def __init__(self, text: str, path: Path, first_line: int) -> None:
        self.loader = PlainLoader(text)
        self.path = path
        self.first_line = first_line
        self.open: list[_Collection] = [_Collection([])]

    def build(self) -> Any:
        """Return the value of the only document, None for an empty one."""
        handlers: dict[type[yaml.Event], Callable[[Any], None]] = {
            yaml.ScalarEvent: self._scalar,
            yaml.SequenceStartEvent: self._start_list,
            yaml.MappingStartEvent: self._start_mapping,
            yaml.SequenceEndEvent: self._end,
            yaml.MappingEndEvent: self._end,
            yaml.DocumentStartEvent: self._start_document,
            yaml.AliasEvent: self._refuse_alias,
        }
        try:
            while (event := self.loader.get_event()) is not None:
                if handler := handlers.get(type(event)):
                    handler(event)
        finally:
            self.loader.dispose()
        documents = self.open[0].value
        return documents[0] if documents else None

    def _scalar(self, event: yaml.ScalarEvent) -> None:
        if event.anchor or event.tag:
            self._check_node(event)
        text = event.value
        tag = _STRING
        if event.implicit[0]:
            for candidate, pattern in PlainLoader.yaml_implicit_resolvers.get(text[:1], ()):
                if pattern.match(text):
                    tag = candidate
                    break
        if tag == _STRING:
            self._add(text, text, event)
        elif tag == _MERGE:
            raise InputError(f"{self._place(event)}: YAML merge keys (<<) are not allowed")
        else:
            node = yaml.ScalarNode(tag, text)
            self._add(self.loader.construct_object(node), text, event)

    def _start_list(self, event: yaml.SequenceStartEvent) -> None:
        self._open([], event)

    def _start_mapping(self, event: yaml.MappingStartEvent) -> None:
        self._open({}, event)

    def _open(self, value: list[Any] | dict[Any, Any], event: yaml.CollectionStartEvent) -> None:
        self._check_node(event)
        if len(self.open) > MAX_DEPTH:
            raise InputError(f"{self._place(event)}: YAML nested more than {MAX_DEPTH} deep")
        self._add(value, None, event)
        self.open.append(_Collection(value))

    def _end(self, event: yaml.CollectionEndEvent) -> None:
        self.open.pop()

    def _start_document(self, event: yaml.DocumentStartEvent) -> None:
        if self.open[0].value:
            raise InputError(f"{self._place(event)}: not YAML: expected a single document, found another")

    def _refuse_alias(self, event: yaml.NodeEvent) -> None:
        raise InputError(f"{self._place(event)}: YAML aliases and anchors are not allowed")

    def _check_node(self, event: yaml.ScalarEvent | yaml.CollectionStartEvent) -> None:
        if event.anchor:
            self._refuse_alias(event)
        if event.tag:
            raise InputError(f"{self._place(event)}: YAML tags are not allowed, found {event.tag!r}")

    def _add(self, value: Any, written: str | None, event: yaml.NodeEvent) -> None:
        """Put a value into the innermost open collection: an item, or a key and then its value."""
        collection = self.open[-1]
        if isinstance(collection.value, list):
            collection.value.append(value)
        elif collection.awaits_value:
            collection.value[collection.key] = value
            collection.awaits_value = False
        else:
            self._add_key(collection, value, written, event)

    def _add_key(self, collection: "_Collection", key: Any, written: str | None, event: yaml.NodeEvent) -> None:
        if written is None:
            raise InputError(f"{self._place(event)}: not YAML: a key is a list or mapping, expected text")
        if written in collection.keys:
            raise InputError(f"{self._place(event)}: not YAML: key {written!r} is given twice")
        collection.keys.add(written)
        collection.key, collection.awaits_value = key, True

    def _place(self, event: yaml.Event) -> str:
        return f"{self.path}:{self.first_line + (event.start_mark.line if event.start_mark else 0)}"


class _Collection:
    """A list or mapping whose end has not come; `keys` are those of a mapping as they are written."""

    __slots__ = ("awaits_value", "key", "keys", "value")

    def __init__(self, value: list[Any] | dict[Any, Any]) -> None:
        self.value = value
        self.keys: set[str] = set()
        self.key: Any = None
        self.awaits_value = False


def parse_json(text: str | bytes) -> Any:
    """Parse one JSON value.

    Raises:
        ValueError: not JSON, NaN or Infinity (JSON has neither), a number as large as that, nested too deeply, or text that UTF-8
            cannot hold.
    """
    plain = text if isinstance(text, str) else text.decode("utf-8")
    try:
        value = json.loads(plain, parse_float=_finite, parse_constant=_refuse_constant)
    except RecursionError:
        raise ValueError(f"nested more than {MAX_DEPTH} deep") from None
    if plain.count("[") + plain.count("{") > MAX_DEPTH:
        _check_depth(value)
    if _SURROGATE_ESCAPE.search(plain):
        _check_characters(value)
    return value


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON number")


def _finite(digits: str) -> float:
    """Read a number; 1e999 would become infinity."""
    value = float(digits)
    if math.isinf(value):
        raise ValueError(f"{digits[:20]} is too large a number")
    return value


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
