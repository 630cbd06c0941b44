"""The short form of `make fuzz`: a few dozen damaged inputs for every reader of files, the same ones each time."""

from pathlib import Path

import pytest
from fuzz_inputs import inputs
from fuzz_targets import Fault, Target, attempt, targets
from hypothesis import HealthCheck, Phase, Verbosity, given, settings

from data.errors import InputError

EXAMPLES = {"article": 6, "config": 12, "run-folder": 8}
"""The slow ones get fewer; others 25."""


def quiet(examples: int) -> settings:
    """Make the same inputs each time, and neither shrink nor print them: some have 60,000 characters."""
    return settings(
        max_examples=examples,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        verbosity=Verbosity.quiet,
        suppress_health_check=list(HealthCheck),
    )


@pytest.mark.parametrize("name", targets())
@pytest.mark.filterwarnings("ignore")
def test_no_input_breaks_a_reader(name: str, tmp_path: Path) -> None:
    target = targets()[name]
    for sample in target.samples:
        assert attempt(target, sample, tmp_path / "case")

    @quiet(EXAMPLES.get(name, 25))
    @given(inputs(target))
    def one(data: bytes) -> None:
        try:
            attempt(target, data, tmp_path / "case")
        except Fault as fault:
            (tmp_path / "input").write_bytes(data)
            pytest.fail(f"{fault} ({len(data)} bytes, kept in {tmp_path / 'input'})")

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
