"""The search space of a sweep: a YAML file that gives settings of the config a range or a list of choices."""

import math
import re
import sys
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Protocol

from data.errors import InputError, nearest
from data.files import ROOT, read_yaml
from train.settings import SECTIONS

FIXED = (
    "data.source",
    "data.corpus",
    "data.path",
    "data.dev_share",
    "data.documents",
    "data.behaviour",
    "data.extra_test",
    "trainer.report_to",
)
"""Settings that say what is measured, not how well; a sweep leaves them alone."""
RANGE_KEYS = ("low", "high", "log", "step")

Value = bool | int | float | str


class Suggester(Protocol):
    """What a trial of Optuna is asked for values with."""

    def suggest_float(self, name: str, low: float, high: float, *, step: float | None = None, log: bool = False) -> float:
        """Return a number of a range."""

    def suggest_int(self, name: str, low: int, high: int, *, step: int = 1, log: bool = False) -> int:
        """Return a whole number of a range."""

    def suggest_categorical(self, name: str, choices: tuple[Value, ...]) -> Any:
        """Return one of the choices."""


@dataclass(frozen=True)
class Range:
    """Numbers from low to high, both included; whole ones where the bounds are."""

    low: float
    high: float
    log: bool = False
    step: float | None = None

    def suggest(self, trial: Suggester, name: str) -> Value:
        """Ask a trial for a value."""
        if self.whole:
            return trial.suggest_int(name, int(self.low), int(self.high), step=int(self.step or 1), log=self.log)
        return trial.suggest_float(name, self.low, self.high, step=self.step, log=self.log)

    @property
    def whole(self) -> bool:
        """Whether only whole numbers are meant."""
        return isinstance(self.low, int) and isinstance(self.high, int) and isinstance(self.step, int | None)

    def holds(self, value: Any) -> bool:
        """Tell whether a value can be suggested."""
        if not isinstance(value, int | float) or not self.low <= value <= self.high:
            return False
        steps = (value - self.low) / (self.step or (1 if self.whole else math.inf))
        return math.isclose(steps, round(steps), abs_tol=1e-9)

    @property
    def ends(self) -> tuple[Value, ...]:
        """The values that show whether the config takes this range; as fractions where such are suggested, which whole numbers refuse."""
        return (self.low, self.high) if self.whole else (float(self.low), float(self.high))


@dataclass(frozen=True)
class Choice:
    """A list of values."""

    choices: tuple[Value, ...]

    def suggest(self, trial: Suggester, name: str) -> Value:
        """Ask a trial for a value."""
        value: Value = trial.suggest_categorical(name, self.choices)
        return value

    def holds(self, value: Any) -> bool:
        """Tell whether a value can be suggested."""
        return value in self.choices

    @property
    def ends(self) -> tuple[Value, ...]:
        """The values that show whether the config takes these choices."""
        return self.choices


Space = dict[str, Range | Choice]


def read_space(name: str) -> Space:
    """Read a search space: an existing path, else a file under configs/.

    Raises:
        InputError: no such file, an unknown setting, or a range that is none.
    """
    path = next((path for path in (Path(name), ROOT / "configs" / name) if path.is_file()), None)
    if path is None:
        known = [str(each.relative_to(ROOT / "configs")) for each in (ROOT / "configs" / "sweeps").glob("*.yaml")]
        raise InputError(f"--space {name}: no such file, here or under configs/{nearest(name, known)}")
    settings = read_yaml(path)
    if not isinstance(settings, dict) or not settings:
        raise InputError(f"{path}: expected settings with low and high, or choices")
    return {str(key): _read_dimension(path, str(key), value) for key, value in settings.items()}


def _read_dimension(path: Path, key: str, value: Any) -> Range | Choice:
    known = [f"{section}.{each.name}" for section, kind in SECTIONS.items() for each in fields(kind)]
    if key not in known or key in FIXED:
        raise InputError(f"{path}: {key!r} is no setting that a sweep can vary{nearest(key, set(known) - set(FIXED))}")
    if isinstance(value, dict) and value.keys() == {"choices"}:
        choices = value["choices"]
        if isinstance(choices, list) and choices and all(isinstance(each, str) or _is_number(each) for each in choices):
            return Choice(tuple(choices))
    elif isinstance(value, dict) and {"low", "high"} <= value.keys() <= set(RANGE_KEYS):
        numbers = [value[name] for name in ("low", "high", "step") if name in value]
        plain = all(_is_number(each) and not isinstance(each, bool) for each in numbers)
        if plain and value["low"] < value["high"] and isinstance(value.get("log", False), bool):
            fits = not value.get("log") or (value["low"] > 0 and "step" not in value)
            if fits and value.get("step", 1) > 0:
                return Range(**value)
    expected = "{low, high, log, step} of finite numbers with low < high (log: low > 0, no step), or {choices: [...]}"
    raise InputError(f"{path}: {key}: expected {expected}{_exponent_hint(value)}")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and abs(value) <= sys.float_info.max


def _exponent_hint(value: Any) -> str:
    """Say how to write a number that YAML 1.1 takes for text, as it does 5e-4."""
    texts = [each for each in value.values() if isinstance(each, str)] if isinstance(value, dict) else []
    found = next(filter(None, (re.fullmatch(r"([+-]?\d+)(\.\d*)?e([+-]?)(\d+)", each, re.I) for each in texts)), None)
    return f"; YAML reads {found[0]} as text, write {found[1]}{found[2] or '.0'}e{found[3] or '+'}{found[4]}" if found else ""
