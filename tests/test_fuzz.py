"""The short form of `make fuzz`: a few dozen damaged inputs for every reader of files, the same ones each time."""

from pathlib import Path

import pytest
from fuzz_inputs import inputs
from fuzz_targets import Fault, Target, attempt, targets
from hypothesis import HealthCheck, given, settings

from data.errors import InputError

EXAMPLES = {"article": 6, "config": 12, "run-folder": 8}
"""The slow ones get fewer; others 40."""


@pytest.mark.parametrize("name", targets())
@pytest.mark.filterwarnings("ignore")
def test_no_input_breaks_a_reader(name: str, tmp_path: Path) -> None:
    target = targets()[name]
    for sample in target.samples:
        assert attempt(target, sample, tmp_path / "case")

    @settings(max_examples=EXAMPLES.get(name, 40), deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
    @given(inputs(target))
    def one(data: bytes) -> None:
        attempt(target, data, tmp_path / "case")

    one()


def _crash(path: Path) -> None:
    raise IndexError(path.name)


def _write_half(path: Path) -> None:
    (path.parent / ".report.json.x").write_text("{")
    raise InputError("wrong")


def _say_nothing(path: Path) -> None:
    raise InputError(" ")


@pytest.mark.parametrize(("read", "message"), [(_crash, "IndexError"), (_write_half, "left behind"), (_say_nothing, "without a message")])
def test_the_rule_is_seen_when_it_is_broken(read: object, message: str, tmp_path: Path) -> None:
    with pytest.raises(Fault, match=message):
        attempt(Target("t", ".x", read, (b"",)), b"data", tmp_path / "case")  # type: ignore[arg-type]
