import json
import random
import subprocess
from pathlib import Path

from chaos_scoring import Chaos, compare_folders, kill_at_random, score_command, write_shards
from tiny_run import make_run

from train.shard_files import find_shards
from train.shards import collect_rejects, open_job, score_shard


def test_a_killed_command_begun_again_ends_as_if_undisturbed(tmp_path: Path) -> None:
    """The short form of `make chaos`: one SIGKILL while it writes."""
    run, shards, whole, output = make_run(tmp_path / "tiny"), tmp_path / "shards", tmp_path / "whole", tmp_path / "output"
    write_shards(shards, 1_300)
    job = open_job(run, None, "torch", whole, batch_size=256, threads=0)
    for shard in find_shards(shards):
        score_shard(job, shard)
    assert collect_rejects(whole) == 4
    command, rng, chaos = score_command(run, shards, output), random.Random(3), Chaos()
    assert kill_at_random(command, output, rng) is None
    assert list(output.glob(".*.part")), "killed in the middle"
    assert subprocess.run(command, capture_output=True, check=False).returncode == 2
    compare_folders(whole, output, chaos)
    assert (chaos.lost, chaos.doubled, chaos.faults) == (0, 0, [])


def test_lost_and_doubled_rows_are_counted(tmp_path: Path) -> None:
    lines = [json.dumps({"id": str(number)}) + "\n" for number in range(5)]
    for name, held in (("whole", lines), ("out", [*lines[:3], lines[0]])):
        (tmp_path / name).mkdir()
        (tmp_path / name / "shard-0.jsonl").write_text("".join(held))
    chaos = Chaos()
    compare_folders(tmp_path / "whole", tmp_path / "out", chaos)
    assert (chaos.lost, chaos.doubled, chaos.faults) == (2, 1, ["shard-0.jsonl differs"])
    assert "rows lost 2, rows doubled 1, faults 1" in str(chaos)
