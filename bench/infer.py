"""Answers a second against transformers.pipeline: python bench/infer.py --run runs/base

The run answers whole sentences (one pass for all their actors) with PyTorch and its ONNX exports; the pipeline answers (sentence,
actor) pairs with the same encoder, one by one as it does by default and in batches of 32; SetFit takes part where it is installed.
How many labels our faster backends change is told beside.
"""

import contextlib
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

if not __package__:
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from bench.peers import pair_pipeline, pairs, setfit_predictor
from bench.record import Line, record
from bench.repeat import bench_parser, clocked, interleave, ratio
from bench.rows import load_rows
from data.errors import InputError, run_command
from data.records import Example
from train.backends import BACKENDS, Backend
from train.loading import Scorer, find_seed, open_scorer
from train.settings import RunConfig

WANTED = 15.0
EXACT: Backend = "torch"
CHANGED = 0.005
"""The share of labels that an export may change (train/export.py)."""
ROWS, QUICK_ROWS = 512, 16
BATCH = 32
PIPELINE, BATCHED, SETFIT = "pipeline", f"pipeline, batches of {BATCH}", "SetFit"


def main() -> None:
    """Measure, judge and record."""
    import torch

    parser = bench_parser(__doc__)
    parser.add_argument("--answers", type=int, default=ROWS, help=f"answers a repetition (default: {ROWS})")
    parser.add_argument("--rows", type=Path, help="example rows to answer instead of the corpus' test split (.jsonl)")
    given = parser.parse_args()
    config, folder = find_seed(given.run)
    rows = load_rows(config, given.rows, "test", QUICK_ROWS if given.quick else given.answers)
    scorers = our_scorers(config, folder)
    ours = {f"ours, {name}": partial(clocked, partial(scorer.score, rows)) for name, scorer in scorers.items()}
    theirs = peer_contestants(config.model.weights, rows)
    times = interleave(ours | theirs, 0 if given.quick else given.repetitions)
    lines = changed_lines(scorers, rows)
    for mine in ours:
        for name in theirs:
            against = ratio(times[mine], times[name])
            lines.append(Line(f"answers a second, {mine} / {name}", against.wall, "x", WANTED if name in (PIPELINE, BATCHED) else None))
            lines.append(Line("the same by processor time", against.cpu, "x"))
    details = {
        "what": f"{len(rows)} answers, {config.model.weights}, {config.model.kind}",
        "threads": torch.get_num_threads(),
        "contestants": {name: each.to_json(len(rows)) for name, each in times.items()},
        "quick": given.quick,
    }
    record(given.output, f"infer {given.rows.stem}" if given.rows else "infer", lines, details)


def our_scorers(config: RunConfig, folder: Path) -> dict[Backend, Scorer]:
    """Return the run's backends that can be opened."""
    scorers: dict[Backend, Scorer] = {}
    for name in BACKENDS:
        with contextlib.suppress(InputError):
            scorers[name] = open_scorer(folder, config.model, name)
    return scorers


def changed_lines(scorers: Mapping[Backend, Scorer], rows: Sequence[Example]) -> list[Line]:
    """Return the share of labels that differ from those of the exact backend."""
    labels = {name: scorer.score(rows).argmax(axis=1) for name, scorer in scorers.items()}
    exact = labels.pop(EXACT)
    return [
        Line(f"labels that {name} changes", float((found != exact).mean()), "", CHANGED, at_most=True) for name, found in labels.items()
    ]


def peer_contestants(weights: str, rows: Sequence[Example]) -> dict[str, Callable[[], tuple[float, float]]]:
    """Return the pipeline, as it comes and batched, and SetFit where it is installed."""
    pipe, given = pair_pipeline(weights), pairs(rows)
    found: dict[str, Callable[[], tuple[float, float]]] = {
        PIPELINE: partial(clocked, lambda: pipe(given, truncation=True)),
        BATCHED: partial(clocked, lambda: pipe(given, truncation=True, batch_size=BATCH)),
    }
    setfit = setfit_predictor(weights, rows)
    return found | ({SETFIT: partial(clocked, lambda: setfit(rows))} if setfit else {})


if __name__ == "__main__":
    run_command(main)
