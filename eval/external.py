"""Prediction files of other systems: a CSV or JSONL with an id and a label, probabilities if there are any."""

import csv
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from data.errors import InputError, InputFaults, nearest
from data.files import read_text
from data.parsing import parse_json
from data.records import MAX_FAULTS, PROBABILITY_TOLERANCE, STANCE_ID, STANCES
from eval.systems import System

LABEL_KEYS = ("pred", "label", "prediction", "stance")
"""Column names of the answer, the first that is there counts."""
SUFFIXES = (".csv", ".jsonl")


@dataclass(frozen=True)
class Answer:
    """One answer of another system; `gold` only where its file repeats it."""

    id: str
    pred: str
    probs: tuple[float, ...] | None
    gold: str | None


def read_answers(path: Path) -> dict[str, Answer]:
    """Read a prediction file by id.

    Raises:
        InputFaults: faulty rows with their lines: no id or label, unknown labels, duplicates, probabilities that do not
            sum to one.
    """
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise InputError(f"{path}: expected a run folder or a prediction file ({', '.join(SUFFIXES)})")
    answers: dict[str, Answer] = {}
    faults: list[str] = []
    for line, row in _csv_rows(path) if suffix == ".csv" else _json_rows(path):
        try:
            answer = _read_answer(row)
            if answer.id in answers:
                raise ValueError(f"duplicate id {answer.id!r}")
            answers[answer.id] = answer
        except ValueError as error:
            faults.append(f"{path}:{line}: {error}")
    if faults:
        more = [f"{path}: and {len(faults) - MAX_FAULTS} more faults"] if len(faults) > MAX_FAULTS else []
        raise InputFaults(faults[:MAX_FAULTS] + more)
    if not answers:
        raise InputError(f"{path}: no predictions")
    return answers


def answer_system(name: str, answers: Mapping[str, Answer]) -> System:
    """Put answers into arrays, one row as for one seed."""
    rows = list(answers.values())
    pred = np.array([[STANCE_ID[row.pred] for row in rows]], dtype=np.int64)
    complete = all(row.probs for row in rows)
    probs = np.array([[row.probs for row in rows]], dtype=np.float64) if complete else None
    if probs is not None:
        probs /= probs.sum(-1, keepdims=True)
    return System(name, tuple(answers), (0,), pred, probs)


def _csv_rows(path: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    reader = csv.DictReader(io.StringIO(read_text(path), newline=""), strict=True)
    try:
        header = [name.strip() for name in reader.fieldnames or []]
        _check_header(path, header)
        reader.fieldnames = header
        for row in reader:
            yield reader.line_num, row
    except csv.Error as error:
        raise InputError(f"{path}:{max(1, reader.line_num)}: not CSV: {error}") from None


def _check_header(path: Path, header: list[str]) -> None:
    if "id" not in header or not set(LABEL_KEYS) & set(header):
        missing = "id" if "id" not in header else "pred"
        hint = nearest(missing, header)
        raise InputError(f"{path}:1: expected the columns id and one of {', '.join(LABEL_KEYS)}, got {', '.join(header) or 'none'}{hint}")


def _json_rows(path: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    for number, line in enumerate(read_text(path).split("\n"), 1):
        if line.strip():
            try:
                row = parse_json(line)
            except ValueError as error:
                raise InputError(f"{path}:{number}: not JSON: {error}") from None
            if not isinstance(row, dict):
                raise InputError(f"{path}:{number}: expected a JSON object, got {type(row).__name__}")
            yield number, row


def _read_answer(row: Mapping[str, Any]) -> Answer:
    if None in row:
        raise ValueError("more cells than columns")
    name = row.get("id")
    if not isinstance(name, str) or not name:
        raise ValueError(f"id: expected a text, got {name!r}")
    key = next((key for key in LABEL_KEYS if row.get(key) is not None), None)
    if key is None:
        raise ValueError(f"expected a label under one of {', '.join(LABEL_KEYS)}")
    gold = row.get("gold") or None
    return Answer(name, _read_stance(key, row[key]), _read_probs(row), _read_stance("gold", gold) if gold else None)


def _read_stance(key: str, value: Any) -> str:
    stance = str(value).strip().lower()
    if stance not in STANCES:
        raise ValueError(f"{key}: {value!r} is not one of {', '.join(STANCES)}{nearest(stance, STANCES)}")
    return stance


def _read_probs(row: Mapping[str, Any]) -> tuple[float, ...] | None:
    source = row if row.get("probs") is None else row["probs"]
    if not isinstance(source, Mapping):
        raise ValueError(f"probs: expected a number for each of {', '.join(STANCES)}, got {source!r}"[:200])
    given = [source.get(stance) for stance in STANCES]
    if all(value in (None, "") for value in given):
        return None
    try:
        probs = tuple(float(str(value)) for value in given)
    except ValueError:
        raise ValueError(f"probabilities: expected a number for each of {', '.join(STANCES)}, got {given}") from None
    if not all(0 <= value <= 1 for value in probs) or abs(sum(probs) - 1) > PROBABILITY_TOLERANCE:
        raise ValueError(f"probabilities sum to {sum(probs):.4f}, expected three within 0 and 1 that sum to 1")
    return probs
