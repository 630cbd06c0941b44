"""Training and scoring on a GPU: python bench/gpu.py --config base.yaml

Trains the config with its own steps and with wider ones, and scores the test split, on the first GPU. There is no peer here: the
figures are absolute, beside the share that they are of what the card's matrix products reach in the same minute.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from statistics import median

if not __package__:
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

import torch

from bench.peers import StepClock
from bench.record import Line, record
from bench.repeat import add_measuring_options, clocked
from bench.rows import load_rows
from bench.train import encoder_flops, one_epoch, peak
from data.errors import InputError, run_command
from data.records import Example
from train.config import find_config, load_config
from train.settings import RunConfig
from train.torch_backend import TorchScorer
from train.transformer import Trained, train

MATRIX = 8192
TARGETS, QUICK_TARGETS = 8000, 64
STEPS = (1, 16)
"""How many times the config's windows a step takes."""


def main() -> None:
    """Measure and record."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False)
    parser.add_argument("--config", default="base.yaml", help="config to train (default: base.yaml)")
    add_measuring_options(parser)
    given = parser.parse_args()
    if not torch.cuda.is_available():
        raise InputError("bench/gpu.py: PyTorch sees no GPU here; bench/train.py and bench/infer.py measure processors")
    config = load_config(find_config(given.config))
    wanted = QUICK_TARGETS if given.quick else TARGETS
    rows, asked = load_rows(config, None, "train", wanted), load_rows(config, None, "test", wanted)
    peaks = {name: peak(dtype, MATRIX, device="cuda") for name, dtype in (("bf16", torch.bfloat16), ("fp32", torch.float32))}
    lines = []
    for factor in STEPS:
        trained, seconds = train_steps(config, rows, factor)
        size = factor * config.trainer.per_device_train_batch_size
        lines.append(Line(f"training, targets a second, {size} windows a step", len(rows) / seconds, ""))
        lines.append(Line("the encoder's share of the measured bf16 peak", encoder_flops(config, rows) / seconds / peaks["bf16"], ""))
    scorer = TorchScorer(trained.model, trained.tokenizer, trained.reader)
    lines += scoring_lines(config, scorer, asked, given.repetitions, peaks["fp32"])
    details = {
        "what": f"{torch.cuda.get_device_name()}, {len(rows)} targets trained, {len(asked)} scored",
        "peak_tflops": {name: round(value / 1e12, 1) for name, value in peaks.items()},
        "quick": given.quick,
    }
    record(given.output, "gpu", lines, details)


def train_steps(config: RunConfig, rows: Sequence[Example], factor: int) -> tuple[Trained, float]:
    """Train one epoch with steps `factor` times as wide; return the model and the seconds from the first step to the last."""
    wide = replace(config.trainer, per_device_train_batch_size=factor * config.trainer.per_device_train_batch_size)
    once = one_epoch(replace(config, trainer=wide))
    clock = StepClock()
    with tempfile.TemporaryDirectory() as folder:
        train(once, [rows[: len(rows) // 8]], rows[:2], 1, Path(folder) / "warm")
        trained = train(once, [rows], rows[:2], 1, Path(folder) / "timed", [clock])
    return trained, clock.wall


def scoring_lines(config: RunConfig, scorer: TorchScorer, rows: Sequence[Example], repetitions: int, peak_fp32: float) -> list[Line]:
    """Return rows a second from text to answers, what the processor's part of it alone does, and the card's share when it is fed."""
    scorer.score(rows)
    whole = median(clocked(partial(scorer.score, rows))[0] for _ in range(repetitions))
    encoding = median(clocked(partial(scorer.reader.encode, rows))[0] for _ in range(repetitions))
    card = median(card_seconds(scorer, rows) for _ in range(repetitions))
    return [
        Line(f"scoring, rows a second, {scorer.batch_size} windows a pass, fp32", len(rows) / whole, ""),
        Line("making windows of rows alone, rows a second of one core", len(rows) / encoding, ""),
        Line("the passes alone, rows a second", len(rows) / card, ""),
        Line("the encoder's share of the measured fp32 peak in them", encoder_flops(config, rows) / 3 / card / peak_fp32, ""),
    ]


def card_seconds(scorer: TorchScorer, rows: Sequence[Example]) -> float:
    """Return the seconds of all passes over windows that lie ready on the card."""
    windows = sorted(scorer.reader.encode(rows), key=lambda window: len(window.input_ids))
    starts = range(0, len(windows), scorer.batch_size)
    batches = [
        scorer.tokenizer.pad({"input_ids": [window.input_ids for window in windows[at : at + scorer.batch_size]]}, return_tensors="pt")
        for at in starts
    ]
    ready = [batch.to(scorer.model.device) for batch in batches]
    torch.cuda.synchronize()
    started = time.perf_counter()
    with torch.inference_mode():
        for batch in ready:
            scorer.model(**batch)
    torch.cuda.synchronize()
    return time.perf_counter() - started


if __name__ == "__main__":
    run_command(main)
