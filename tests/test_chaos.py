"""The short form of `make chaos`."""

import random
from pathlib import Path

import chaos


def test_a_training_survives_a_kill(tmp_path: Path) -> None:
    tally = chaos.chaos(chaos.training(tmp_path), tmp_path, 1, random.Random(4), 240)
    assert tally.faults == []
    assert tally.finished >= 1


def test_a_difference_is_a_fault(tmp_path: Path) -> None:
    victim = chaos.Victim(
        lambda folder: ["bash", "-c", f"mkdir -p {folder}; sleep 0.3; echo $RANDOM$RANDOM > {folder}/out"],
        lambda folder: {"out": (folder / "out").read_text()},
    )
    tally = chaos.chaos(victim, tmp_path, 1, random.Random(1), 20)
    assert "these differ: out" in tally.faults[0]
