"""The registry of actors, `actors.yaml`: who is who, by which names they are called, and whose part they are."""

from pathlib import Path
from typing import Annotated, Literal, get_args

import yaml
from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError

from data.errors import InputError, InputFaults
from data.files import read_yaml

Kind = Literal["person", "government", "state", "organisation", "party", "public", "group"]
KINDS: tuple[Kind, ...] = get_args(Kind)

MAX_REGISTRY = 5_000_000
"""Characters; ten times the corpus's own registry."""


Called = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
"""An empty name would be found everywhere."""


class Actor(BaseModel):
    """One entry; `parent` is the actor that this one belongs to, `aliases` are names that mean it in any text."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: Called
    name: Called
    kind: Kind
    aliases: tuple[Called, ...] = ()
    parent: str | None = None


Registry = dict[str, Actor]


def read_registry(path: Path) -> Registry:
    """Read `actors.yaml`, a list of entries.

    Raises:
        InputFaults: every entry that is malformed, doubled, or whose parent is not there.
    """
    entries = read_yaml(path, MAX_REGISTRY)
    if not isinstance(entries, list):
        raise InputError(f"{path}:1: expected a list of actors")
    registry: Registry = {}
    faults: list[str] = []
    for number, entry in enumerate(entries, 1):
        try:
            actor = Actor.model_validate(entry)
        except ValidationError as error:
            fault = error.errors()[0]
            faults.append(f"{path}: actor {number}: {'.'.join(map(str, fault['loc']))}: {fault['msg']}")
            continue
        if actor.id in registry:
            faults.append(f"{path}: duplicate actor id {actor.id!r}")
        registry[actor.id] = actor
    for actor in registry.values():
        if actor.parent and actor.parent not in registry:
            faults.append(f"{path}: parent {actor.parent!r} of {actor.id!r} is not in the registry")
    if faults:
        raise InputFaults(faults)
    return registry


def format_registry(registry: Registry) -> str:
    """Write the registry, one flow-style entry a line so that diffs stay readable."""
    lines = ["# Who is who: id, name, kind, aliases (names that mean the actor in any text), parent.\n"]
    for actor in registry.values():
        fields = {key: value for key, value in actor.model_dump().items() if value}
        if "aliases" in fields:
            fields["aliases"] = list(fields["aliases"])
        flow = yaml.safe_dump(fields, sort_keys=False, default_flow_style=True, allow_unicode=True, width=10**6)
        lines.append(f"- {flow}")
    return "".join(lines)
