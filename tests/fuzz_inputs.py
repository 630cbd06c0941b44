"""Inputs that hypothesis makes for a fuzz target: damaged samples, JSON of any shape, long repetitions, noise."""

import json
from typing import Any

from fuzz_targets import ROW, Target
from hypothesis import strategies as st

LONG = 60_000
"""Characters of a repeated piece: enough for quadratic work to show."""

SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4), max_leaves=8
)


def inputs(target: Target) -> st.SearchStrategy[bytes]:
    """Return the strategy of a target's inputs."""
    kinds = [damaged(target), repeated(target), st.binary(max_size=400), st.text(max_size=400).map(lambda text: text.encode("utf-8"))]
    if target.suffix == ".jsonl":
        kinds.append(json_rows(target))
    return st.one_of(kinds)


@st.composite
def damaged(draw: Any, target: Target) -> bytes:
    """Change a correct sample in a few places: cut, double, overwrite, put a telling piece in."""
    data = draw(st.sampled_from(target.samples))
    pieces = st.sampled_from(target.tokens) | st.binary(max_size=4) if target.tokens else st.binary(max_size=4)
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(data)))
        end = min(len(data), start + draw(st.integers(0, 12)))
        data = data[:start] + draw(pieces) + draw(st.sampled_from([data[end:], data[start:], data[end:] * 2]))
    return data


@st.composite
def repeated(draw: Any, target: Target) -> bytes:
    """Repeat a piece of a sample until the input is long."""
    data = draw(st.sampled_from(target.samples))
    start = draw(st.integers(0, len(data) - 1))
    piece = (
        draw(st.sampled_from(target.tokens)) if target.tokens and draw(st.booleans()) else data[start : start + draw(st.integers(1, 30))]
    )
    return data[:start] + piece * (LONG // len(piece)) + data[start:]


@st.composite
def json_rows(draw: Any, target: Target) -> bytes:
    """Write rows whose fields have any JSON value."""
    sample = json.loads(target.samples[0].splitlines()[0])
    changes = st.dictionaries(st.sampled_from([*sample, *ROW, "surprise"]), VALUES, max_size=3)
    return b"".join(json.dumps(sample | draw(changes)).encode() + b"\n" for _ in range(draw(st.integers(1, 3))))
