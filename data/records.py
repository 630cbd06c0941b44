"""The rows that everything else passes around: stances, examples and predictions, checked at the boundary."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from data.errors import InputError, InputFaults, nearest
from data.files import read_text
from data.parsing import parse_json

Stance = Literal["against", "neutral", "favor"]
STANCES: tuple[Stance, ...] = ("against", "neutral", "favor")
"""The labels in the order of their ids 0, 1, 2; this order holds in every file, head and matrix."""
STANCE_ID: dict[str, int] = {stance: index for index, stance in enumerate(STANCES)}

PROBABILITY_TOLERANCE = 1e-3
MAX_FAULTS = 20
MAX_QUOTED = 80
"""Characters of a wrong value that a message repeats."""

MAX_TEXT = 20_000
"""Characters of a sentence; ten times what the article reader cuts at."""
MAX_CONTEXT = 5 * MAX_TEXT

Name = Annotated[str, Field(min_length=1, max_length=500)]
Text = Annotated[str, Field(max_length=MAX_TEXT)]


class Row(BaseModel):
    """Base of all rows: immutable, and an unknown field is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


R = TypeVar("R", bound=Row)


class Example(Row):
    """One actor in one sentence; `start` and `end` are character offsets into `text`, end exclusive."""

    id: Name
    doc_id: Name
    sent_id: int
    context: Annotated[str, Field(max_length=MAX_CONTEXT)] = ""
    text: Annotated[Text, Field(min_length=1)]
    actor: Name
    mention: Annotated[Text, Field(min_length=1)]
    start: int
    end: int
    stance: Stance | None = None
    target: Text | None = None

    @model_validator(mode="after")
    def _offsets_match(self) -> Self:
        found = self.text[self.start : self.end] if 0 <= self.start < self.end else ""
        if found != self.mention:
            shown, expected = found[:MAX_QUOTED], self.mention[:MAX_QUOTED]
            raise ValueError(f"text[{self.start}:{self.end}] is {shown!r}, expected the mention {expected!r}")
        return self


def limit_context(rows: Iterable[Example], sentences: int) -> list[Example]:
    """Return the rows as a model sees them that was trained with so many preceding sentences.

    A model trained without context misreads rows that have one. Where it was trained with some, a row's own is kept as it is.
    """
    return [row if sentences or not row.context else row.model_copy(update={"context": ""}) for row in rows]


class Probabilities(Row):
    """One probability a stance; they sum to one."""

    against: Annotated[float, Field(ge=0, le=1)]
    neutral: Annotated[float, Field(ge=0, le=1)]
    favor: Annotated[float, Field(ge=0, le=1)]

    @model_validator(mode="after")
    def _sum_to_one(self) -> Self:
        total = self.against + self.neutral + self.favor
        if abs(total - 1) > PROBABILITY_TOLERANCE:
            raise ValueError(f"probabilities sum to {total:.4f}, expected 1")
        return self


class Prediction(Row):
    """What a model says of one example; `gold` is null where nobody labelled it."""

    id: Name
    doc_id: Name
    actor: Name
    gold: Stance | None = None
    pred: Stance
    probs: Probabilities


def explain(error: ValidationError) -> str:
    """Put a row's faults into one line: field, what was found, what was expected."""
    parts = []
    for fault in error.errors():
        field = ".".join(str(part)[:MAX_QUOTED] for part in fault["loc"])
        value = fault["input"] if isinstance(fault["input"], str | int | float) else ""
        value = value[:MAX_QUOTED] if isinstance(value, str) else value
        message = fault["msg"].removeprefix("Value error, ")
        if fault["type"] == "literal_error" and isinstance(value, str):
            message = f"{value!r} is not one of {', '.join(STANCES)}{nearest(value, STANCES)}"
        elif fault["type"] not in {"missing", "value_error"}:
            message = f"{message}, got {value!r}"
        parts.append(f"{field}: {message}" if field else message)
    return "; ".join(parts)


def read_rows(path: Path, kind: type[R], key: Callable[[R], str] | None = None) -> list[R]:
    """Read a JSONL file of `kind` rows whose keys are unique.

    Raises:
        InputFaults: every faulty line (at most 20), each with file and line.
    """
    rows: list[R] = []
    faults: list[str] = []
    seen: dict[str, int] = {}
    for number, row in parse_rows(path, kind):
        if isinstance(row, str):
            faults.append(row)
            continue
        name = key(row) if key else str(getattr(row, "id", number))
        if name in seen:
            faults.append(f"{path}:{number}: duplicate id {name!r}, first on line {seen[name]}")
        seen[name] = number
        rows.append(row)
    if faults:
        more = [f"{path}: and {len(faults) - MAX_FAULTS} more faults"] if len(faults) > MAX_FAULTS else []
        raise InputFaults(faults[:MAX_FAULTS] + more)
    if not rows:
        raise InputError(f"{path}: no rows")
    return rows


def parse_rows(path: Path, kind: type[R]) -> Iterator[tuple[int, R | str]]:
    """Yield (line number, row or the line's fault) for every non-empty line."""
    for number, line in enumerate(read_text(path).split("\n"), 1):
        if not line.strip():
            continue
        try:
            value: Any = parse_json(line)
            if not isinstance(value, dict):
                yield number, f"{path}:{number}: expected a JSON object, got {type(value).__name__}"
                continue
            yield number, kind.model_validate(value)
        except ValidationError as error:
            yield number, f"{path}:{number}: {explain(error)}"
        except ValueError as error:
            yield number, f"{path}:{number}: not JSON: {error}"
