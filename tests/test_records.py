import json
from pathlib import Path
from typing import Any

import pytest

from data.errors import InputError, InputFaults
from data.records import Example, Prediction, read_rows

ROW = {"id": "a", "doc_id": "d", "sent_id": 1, "text": "Moscow objects.", "actor": "russia", "mention": "Moscow", "start": 0, "end": 6}
PREDICTION = {"id": "a", "doc_id": "d", "actor": "russia", "pred": "against", "probs": {"against": 0.7, "neutral": 0.2, "favor": 0.1}}


def write(path: Path, *rows: dict[str, Any] | str) -> Path:
    path.write_text("\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows), encoding="utf-8")
    return path


def test_rows_are_read(tmp_path: Path) -> None:
    rows = read_rows(write(tmp_path / "rows.jsonl", ROW, "", ROW | {"id": "b", "stance": "favor"}), Example)
    assert [row.stance for row in rows] == [None, "favor"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"start": 1}, "rows.jsonl:2: text\\[1:6\\] is 'oscow'"),
        ({"end": 99, "start": -3}, "rows.jsonl:2: "),
        ({"stance": "favour"}, "did you mean 'favor'"),
        ({"colour": "red"}, "colour"),
        ({"id": "a"}, "duplicate id 'a', first on line 1"),
        ({"sent_id": "x"}, "sent_id"),
    ],
)
def test_faulty_rows_name_file_and_line(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    path = write(tmp_path / "rows.jsonl", ROW, ROW | {"id": "b"} | change)
    with pytest.raises(InputFaults, match=message):
        read_rows(path, Example)


@pytest.mark.parametrize("line", ["{", "[1]", "nonsense", "[" * 100_000])
def test_lines_that_are_no_objects(tmp_path: Path, line: str) -> None:
    with pytest.raises(InputFaults, match=r"rows\.jsonl:1: (not JSON|expected a JSON object)"):
        read_rows(write(tmp_path / "rows.jsonl", line), Example)


def test_probabilities_must_sum_to_one(tmp_path: Path) -> None:
    bad = PREDICTION | {"probs": {"against": 0.7, "neutral": 0.7, "favor": 0.1}}
    with pytest.raises(InputFaults, match=r"sum to 1\.5"):
        read_rows(write(tmp_path / "p.jsonl", bad), Prediction)


def test_missing_empty_and_binary_files(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        read_rows(tmp_path / "none.jsonl", Example)
    with pytest.raises(InputError, match="no rows"):
        read_rows(write(tmp_path / "empty.jsonl", ""), Example)
    (tmp_path / "binary.jsonl").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="not UTF-8"):
        read_rows(tmp_path / "binary.jsonl", Example)


def test_many_faults_are_counted_not_all_listed(tmp_path: Path) -> None:
    with pytest.raises(InputFaults) as caught:
        read_rows(write(tmp_path / "rows.jsonl", *["{"] * 50), Example)
    assert len(caught.value.faults) == 21
    assert "30 more" in caught.value.faults[-1]
