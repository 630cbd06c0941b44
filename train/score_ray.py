"""The Ray engine of bulk scoring: the same function as the local engine, a shard at a time, in worker processes of a cluster.

Input and output folders must lie where all workers reach them. Every shard keeps its own state, so a killed job goes on too.
"""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from data.errors import InputError
from data.extras import import_extra
from train.progress import Progress
from train.shards import Job, rows_left, score_shard


class ShardScorer:
    """A worker: opens the run once and scores the shards it is given."""

    def __init__(self, job: Job) -> None:
        self.job = job

    def __call__(self, row: dict[str, Any]) -> dict[str, Any]:
        """Score the shard that a row names and return how many rows that were."""
        shard = Path(str(row["shard"]))
        rows = 0

        def count(more: int) -> None:
            nonlocal rows
            rows += more

        try:
            score_shard(self.job, shard, count)
        except InputError as error:
            return {"shard": shard.name, "rows": rows, "fault": str(error)}
        return {"shard": shard.name, "rows": rows, "fault": ""}


def score_on_ray(job: Job, shards: Sequence[Path], *, address: str | None, workers: int) -> None:
    """Score the shards with Ray Data on a cluster, or on a local one when there is none.

    Raises:
        InputError: Ray is not installed, the cluster cannot be reached, or a worker met wrong input.
    """
    ray = _start(address)
    progress = Progress(sum(rows_left(shard, job.output) for shard in shards))
    open_shards = [{"shard": str(shard.resolve())} for shard in shards if not (job.output / f"{shard.stem}.jsonl").is_file()]
    faults = []
    if open_shards:
        rows = ray.data.from_items(open_shards, override_num_blocks=len(open_shards)).map(
            ShardScorer, fn_constructor_args=(job,), compute=ray.data.ActorPoolStrategy(size=min(workers, len(open_shards))), num_cpus=1
        )
        for result in rows.iter_rows():
            progress.advance(result["rows"])
            faults += [result["fault"]] if result["fault"] else []
    progress.close()
    if faults:
        raise InputError("\n".join(faults))


def _start(address: str | None) -> Any:
    ray = import_extra("ray", "ray", "--engine ray")
    import_extra("ray.data", "ray", "--engine ray")
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    ray.data.DataContext.get_current().enable_progress_bars = False
    if not ray.is_initialized():
        root = str(Path(__file__).resolve().parent.parent)
        try:
            ray.init(address=address, runtime_env={"env_vars": {"PYTHONPATH": root}}, log_to_driver=False, logging_level=logging.ERROR)
        except (ConnectionError, ValueError, RuntimeError) as error:
            raise InputError(f"--ray-address {address}: no Ray cluster there: {' '.join(str(error).split())[:200]}") from None
    return ray
