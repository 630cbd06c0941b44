"""Score many example rows: python train/score.py --run runs/base --input shards/ --output scored/

Every .jsonl and .parquet file of the input folder is a shard of example rows; its prediction rows go to a .jsonl file of the same
name. A killed run goes on after the last chunk written; no row is lost or written twice, and a second command on the same output folder
is refused. Rows and shards that cannot be read are named in rejects.jsonl, counted, and make the exit code 2. --engine ray spreads the
shards over a Ray cluster (extra [ray]).
"""

import argparse
import sys
from pathlib import Path

if not __package__:
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from data.errors import InputError, run_command
from train.backends import BACKENDS
from train.progress import Progress
from train.run_lock import holding
from train.shard_files import find_shards
from train.shards import Job, collect_rejects, open_job, rows_left, score_shard

ENGINES = ("local", "ray")


def main() -> None:
    """Score all shards and say what was done and what was rejected."""
    given = parse()
    shards = find_shards(given.input)
    with holding(given.output, "--output"):
        job = open_job(given.run, given.seed, given.backend, given.output, batch_size=given.batch_size, threads=given.threads)
        if given.engine == "ray":
            from train.score_ray import score_on_ray

            score_on_ray(job, shards, address=given.ray_address, workers=given.workers)
        else:
            score_locally(job, shards)
        rejected = collect_rejects(given.output)
    if rejected:
        raise InputError(
            f"{given.output / 'rejects.jsonl'}: {rejected} rows or shards of {given.input} were rejected; all others are scored"
        )


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False)
    parser.add_argument("--run", type=Path, required=True, help="run folder, e.g. runs/base")
    parser.add_argument("--input", type=Path, required=True, help="folder of .jsonl and .parquet shards")
    parser.add_argument("--output", type=Path, required=True, help="folder for the prediction rows")
    parser.add_argument("--seed", type=int, help="seed to use (default: the first finished one)")
    parser.add_argument("--backend", choices=("auto", *BACKENDS), default="auto", help="auto takes the fastest checked export, or torch")
    parser.add_argument("--engine", choices=ENGINES, default="local", help="where to score (default: local)")
    parser.add_argument("--batch-size", type=int, help="windows a pass (default: 4, with torch 16, on a GPU 256)")
    parser.add_argument("--threads", type=int, default=0, help="threads of onnxruntime; 0 is all cores (default)")
    parser.add_argument("--ray-address", help="address of a Ray cluster (default: the one at hand, else a local one)")
    parser.add_argument("--workers", type=int, default=2, help="Ray worker processes (default: 2)")
    given = parser.parse_args()
    for option, value, least in (("--batch-size", given.batch_size, 1), ("--workers", given.workers, 1), ("--threads", given.threads, 0)):
        if value is not None and value < least:
            raise InputError(f"{option}: expected {least} or more, got {value}")
    if given.output.resolve() == given.input.resolve():
        raise InputError(f"--output {given.output}: is the folder of --input; predictions of a shard have its name, so give another folder")
    return given


def score_locally(job: Job, shards: list[Path]) -> None:
    """Score shard after shard in this process, with a progress line and the time left."""
    progress = Progress(sum(rows_left(shard, job.output) for shard in shards))
    for shard in shards:
        score_shard(job, shard, progress.advance)
    progress.close()


if __name__ == "__main__":
    run_command(main)
