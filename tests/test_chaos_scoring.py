import json
from pathlib import Path

from chaos_scoring import Chaos, compare_folders, torment
from tiny_run import make_run


def test_a_few_kills_lose_and_double_no_row(tmp_path: Path) -> None:
    """The short form of `make chaos`."""
    chaos = torment(make_run(tmp_path / "tiny"), 1, rows=1_300)
    assert (chaos.survived, chaos.lost, chaos.doubled, chaos.faults) == (1, 0, 0, [])


def test_lost_and_doubled_rows_are_counted(tmp_path: Path) -> None:
    lines = [json.dumps({"id": str(number)}) + "\n" for number in range(5)]
    for name, held in (("whole", lines), ("out", [*lines[:3], lines[0]])):
        (tmp_path / name).mkdir()
        (tmp_path / name / "shard-0.jsonl").write_text("".join(held))
    chaos = Chaos()
    compare_folders(tmp_path / "whole", tmp_path / "out", chaos)
    assert (chaos.lost, chaos.doubled, chaos.faults) == (2, 1, ["shard-0.jsonl differs"])
    assert "rows lost 2, rows doubled 1, faults 1" in str(chaos)
