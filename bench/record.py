"""One claim a line: what was measured, what was wanted, and whether it holds; printed as a table and kept in bench.json."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import psutil
from rich.console import Console
from rich.table import Table

from data.errors import InputError
from data.files import read_object, write_json
from train.origin import processor_name

SCHEMA = 1
PACKAGES = ("torch", "transformers", "onnxruntime", "tokenizers", "numpy", "setfit")


@dataclass(frozen=True)
class Line:
    """A measured value beside its limit; `wanted` None stands for a value that is only told."""

    name: str
    value: float
    unit: str
    wanted: float | None = None
    at_most: bool = False

    @property
    def holds(self) -> bool | None:
        """Whether the value keeps its limit; None where there is none."""
        if self.wanted is None:
            return None
        return self.value <= self.wanted if self.at_most else self.value >= self.wanted

    def cells(self) -> tuple[str, str, str, str]:
        """Return the line as the table shows it."""
        limit = "" if self.wanted is None else f"{'≤' if self.at_most else '≥'} {self.wanted:g} {self.unit}"
        verdict = {None: "", True: "holds", False: "does not hold"}[self.holds]
        return self.name, f"{self.value:,.3g} {self.unit}" if self.value < 1000 else f"{self.value:,.0f} {self.unit}", limit, verdict


def describe_machine() -> dict[str, Any]:
    """Return processor, cores, memory, what else the machine is doing, and the versions that matter for speed."""
    return {
        "processor": processor_name(),
        "cores": psutil.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 2**30),
        "load_average": [round(each, 2) for each in psutil.getloadavg()],
        "versions": {name: found for name in PACKAGES if (found := _version(name))},
    }


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def read_results(path: Path) -> dict[str, Any]:
    """Read bench.json; one that is not there has no sections yet.

    Raises:
        InputError: the file is something else.
    """
    held = read_object(path) if path.exists() else {"schema": SCHEMA, "sections": {}}
    if not isinstance(held.get("sections"), dict):
        raise InputError(f"{path}: no results of bench/ (no sections); name another --output")
    return held


def results_argument(text: str) -> Path:
    """Read the path of bench.json as argparse's `type`, so that a file that cannot take the results is told before anything is measured."""
    read_results(Path(text))
    return Path(text)


def record(path: Path, section: str, lines: Sequence[Line], details: dict[str, Any]) -> None:
    """Print the lines and put them into their section of bench.json; the other sections stay as they are."""
    table = Table(title=f"{section}: {details.get('what', '')}".rstrip(": "), title_justify="left", box=None, pad_edge=False)
    for heading, justify in (("measured", "left"), ("value", "right"), ("wanted", "right"), ("", "left")):
        table.add_column(heading, justify=justify)  # type: ignore[arg-type]
    for line in lines:
        table.add_row(*line.cells())
    Console(width=None if Console().is_terminal else 140, highlight=False, markup=False).print(table)
    held = read_results(path)
    held["sections"][section] = {
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": describe_machine(),
        "lines": [asdict(line) | {"holds": line.holds} for line in lines],
        **details,
    }
    write_json(path, held)
