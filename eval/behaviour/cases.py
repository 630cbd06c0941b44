"""Suites of behaviour cases: a folder of YAML files, one a capability, read into rows that a model predicts like any others.

A case is one of CheckList's three kinds. MFT (minimum functionality): a sentence whose stances must all be read right. INV
(invariance): a sentence and rewordings of it that must get the same stances. DIR (direction): a sentence and a change of it that
must move the stances the way the labels move. Sentences carry the markup of the corpus. An INV case with `names:` is a template:
its slots {1}, {2}, ... are filled from a list of names.yaml, or the original from one list and the variants from another.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from data.errors import InputError, InputFaults, nearest
from data.files import ROOT, read_yaml
from data.markup import MarkedText, MarkupError, parse_line
from data.records import Example, Name

SUITES = ROOT / "eval" / "behaviour"
NAMES = "names.yaml"
MAX_SUITE = 1_000_000
"""Characters of a file of cases."""
BEHAVIOUR = "behaviour"
"""What the cases are called among the splits that a model predicts."""

VARIANTS = 6
"""Fillings of a template beside the original."""

Check = Literal["MFT", "INV", "DIR"]
CHECKS: tuple[Check, ...] = ("MFT", "INV", "DIR")


class BehaviourRow(Example):
    """One actor in one sentence of a case; variant 0 is the original, the others are rewordings or changes of it."""

    capability: Name
    about: str
    check: Check
    case: Name
    variant: int


class Case(BaseModel):
    """A case as a file has it: one of the three kinds, and for a template the lists its names come from."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    MFT: str | None = None
    INV: str | tuple[str, ...] | None = None
    DIR: tuple[str, str] | None = None
    names: str | tuple[str, str] | None = None

    @property
    def check(self) -> Check:
        """The kind of the case.

        Raises:
            ValueError: none is given, or several are.
        """
        given = [check for check in CHECKS if getattr(self, check) is not None]
        if len(given) != 1:
            raise ValueError(f"expected one of {', '.join(CHECKS)}, got {', '.join(given) or 'none'}")
        return given[0]


class Capability(BaseModel):
    """A file of cases about one capability."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    target: Name
    capability: Name
    about: Name
    cases: tuple[Case, ...]


Names = dict[str, tuple[str, ...]]


@dataclass(frozen=True)
class Suite:
    """The cases for one target."""

    folder: Path
    target: str
    rows: tuple[BehaviourRow, ...]


def find_suite(setting: str, targets: Iterable[str | None]) -> Suite | None:
    """Return the suite that a config asks for: a folder, "none", or "auto" for the one whose target a run's rows have.

    Raises:
        InputError: no such folder, or its cases are about another target.
    """
    wanted = {target for target in targets if target}
    if setting == "none":
        return None
    if setting != "auto":
        suite = read_suite(Path(setting) if Path(setting).is_dir() else ROOT / setting)
        if suite.target not in wanted:
            raise InputError(
                f"data.behaviour: {setting} is about {suite.target!r}, the data about {', '.join(sorted(wanted)) or 'no target'}"
            )
        return suite
    folders = [path.parent for path in sorted(SUITES.glob(f"*/{NAMES}"))]
    return next((suite for suite in map(read_suite, folders) if suite.target in wanted), None)


def read_suite(folder: Path) -> Suite:
    """Read a folder of cases.

    Raises:
        InputFaults: every faulty case, with its file and number.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder of behaviour cases")
    names = _read_names(folder / NAMES)
    rows: list[BehaviourRow] = []
    faults: list[str] = []
    targets: dict[str, Path] = {}
    for path in sorted(folder.glob("*.yaml")):
        if path.name == NAMES:
            continue
        capability = _read_capability(path)
        targets.setdefault(capability.target, path)
        for number, case in enumerate(capability.cases, 1):
            try:
                rows += case_rows(capability, f"{path.stem}-{number:02}", case, names)
            except (MarkupError, ValueError) as error:
                faults.append(f"{path}: case {number}: {error}")
    if len(targets) > 1:
        faults.append(f"{folder}: the files are about several targets: {', '.join(targets)}")
    if faults:
        raise InputFaults(faults)
    if not rows:
        raise InputError(f"{folder}: no behaviour cases")
    return Suite(folder, next(iter(targets)), tuple(rows))


def case_rows(capability: Capability, name: str, case: Case, names: Names) -> list[BehaviourRow]:
    """Return the rows of a case, sentence by sentence.

    Raises:
        ValueError: the case is malformed or its labels do not fit its kind.
    """
    sentences = [parse_line(text) for text in sentence_texts(case, names)]
    check_labels(case.check, sentences)
    return [
        BehaviourRow(
            id=f"{name}:{variant}:{mention.actor}",
            doc_id=name,
            sent_id=variant,
            text=sentence.text,
            actor=mention.actor,
            mention=mention.text,
            start=mention.start,
            end=mention.end,
            stance=mention.decided,
            target=capability.target,
            capability=capability.capability,
            about=capability.about,
            check=case.check,
            case=name,
            variant=variant,
        )
        for variant, sentence in enumerate(sentences)
        for mention in sentence.mentions
        if mention.decided
    ]


def sentence_texts(case: Case, names: Names) -> Iterator[str]:
    """Yield the marked sentences of a case, the original first; a template is filled with names."""
    content = getattr(case, case.check)
    if case.names is None:
        yield from [content] if isinstance(content, str) else content
        return
    if case.check != "INV" or not isinstance(content, str):
        raise ValueError("names: expected a single INV sentence with slots {1}, {2}")
    original, *rewordings = (fill(content, _name_list(case.names, names, variant), variant) for variant in range(VARIANTS + 1))
    if original in rewordings:
        raise ValueError(f"names: a rewording has the names of the original again; expected a list of {VARIANTS + 1} names or more")
    yield from (original, *rewordings)


def fill(template: str, names: tuple[str, ...], variant: int) -> str:
    """Put names into the slots of a template; every variant moves on by one name, and the slots hold different ones.

    Raises:
        ValueError: there are no slots, or too few names for them to differ.
    """
    slots = [slot for slot in range(1, 10) if f"{{{slot}}}" in template]
    if not slots:
        raise ValueError("a template needs slots {1}, {2}")
    chosen = {slot: names[(variant + 3 * (slot - 1)) % len(names)] for slot in slots}
    if len(set(chosen.values())) < len(slots):
        raise ValueError(f"names: several slots hold the same name ({', '.join(chosen.values())}); expected a longer list")
    for slot, name in chosen.items():
        template = template.replace(f"{{{slot}}}", name)
    return template


def check_labels(check: Check, sentences: list[MarkedText]) -> None:
    """Check that the labels of a case's sentences fit its kind.

    Raises:
        ValueError: no label; an INV case whose sentences differ in actors or labels; a DIR case without a label that moves.
    """
    labels = [{mention.actor: mention.stance for mention in sentence.mentions if mention.stance} for sentence in sentences]
    if any("?" in each.values() for each in labels):
        raise ValueError("an actor is not labelled yet")
    if not all(labels):
        raise ValueError("a sentence without a labelled actor")
    if check != "MFT" and len(labels) < 2:
        raise ValueError(f"{check} needs an original and a variant")
    if check == "INV" and any(each != labels[0] for each in labels):
        raise ValueError("the actors and labels of an INV case must be the same in all its sentences")
    if check == "DIR" and not any(labels[0].get(actor, stance) != stance for actor, stance in labels[1].items()):
        raise ValueError("no actor of this DIR case has another label in the changed sentence")


def _name_list(given: str | tuple[str, str], names: Names, variant: int) -> tuple[str, ...]:
    name = given if isinstance(given, str) else given[min(variant, 1)]
    if name not in names:
        raise ValueError(f"{NAMES} has no list {name!r}{nearest(name, names)}")
    return names[name]


def _read_capability(path: Path) -> Capability:
    try:
        return Capability.model_validate(_read_yaml(path))
    except ValidationError as error:
        fault = error.errors()[0]
        raise InputError(f"{path}: {'.'.join(map(str, fault['loc']))}: {fault['msg']}") from None


def _read_names(path: Path) -> Names:
    lists = _read_yaml(path)
    for name, values in lists.items():
        if not isinstance(values, list) or not values or not all(isinstance(each, str) for each in values):
            raise InputError(f"{path}: {name}: expected a list of names")
    return {name: tuple(values) for name, values in lists.items()}


def _read_yaml(path: Path) -> dict[str, Any]:
    fields = read_yaml(path, MAX_SUITE)
    if not isinstance(fields, dict):
        raise InputError(f"{path}:1: expected a mapping")
    return fields
