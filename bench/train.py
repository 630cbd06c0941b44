"""Training speed against the stock recipes: python bench/train.py --run runs/base

Trains the run's config, the stock text-classification recipe (padding to 128, fp32) and the same with dynamic padding and bf16 on
the same sentences from the same weights, in turn, and compares targets (actors of sentences) a second. --quality also trains each
to its end on a share of the documents and compares dev macro-F1. --rows takes example rows of another data set.
"""

import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

if not __package__:
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

import numpy as np
import torch

from bench.peers import StepClock, pair_dataset, stock_trainer
from bench.record import Line, record
from bench.repeat import bench_parser, clocked, interleave, ratio
from bench.rows import load_rows
from data.errors import InputError, run_command
from data.files import read_json
from data.records import STANCE_ID, Example
from eval.metrics import macro_f1
from train.config import load_config
from train.process import keep_freed_memory
from train.settings import RunConfig
from train.sources import share_of_documents
from train.torch_backend import TorchScorer
from train.transformer import Trained, train, use_bf16

STOCK, DYNAMIC, OURS = "stock recipe (128, fp32)", "dynamic padding, bf16", "ours"
TEN_TIMES, FOUR_TIMES, UTILISATION, MEMORY_GB = 10.0, 4.0, 0.55, 2.0
TARGETS, QUICK_TARGETS = 768, 16
"""Some twenty steps of ours: what the first ones prepare should weigh little, as it does in a training of thousands."""
QUALITY_DOCUMENTS = 0.1
MATRIX, QUICK_MATRIX = 2048, 256


def main() -> None:
    """Measure, judge and record."""
    parser = bench_parser(__doc__)
    parser.add_argument("--rows", type=Path, help="example rows to train on instead of the corpus (.jsonl)")
    parser.add_argument("--targets", type=int, default=TARGETS, help=f"targets a repetition (default: {TARGETS})")
    parser.add_argument("--quality", type=float, default=0.0, help="also compare dev macro-F1 after training on this share of documents")
    given = parser.parse_args()
    if not (given.run / "config.yaml").is_file():
        raise InputError(f"--run {given.run}: not a run folder (no config.yaml); train one with make train")
    config = load_config(given.run / "config.yaml")
    rows = load_rows(config, given.rows, "train", QUICK_TARGETS if given.quick else given.targets)
    keep_freed_memory()
    times = interleave(contestants(config, rows), 0 if given.quick else given.repetitions)
    peaks = {str(dtype).removeprefix("torch."): peak(dtype, QUICK_MATRIX if given.quick else MATRIX) for dtype in DTYPES}
    stock, dynamic = ratio(times[OURS], times[STOCK]), ratio(times[OURS], times[DYNAMIC])
    whole, computed = (encoder_flops(config, rows, read_only=each) / median(times[OURS].wall) for each in (False, True))
    lines = [
        Line("targets a second, ours / stock recipe", stock.wall, "x", TEN_TIMES),
        Line("the same by processor time", stock.cpu, "x"),
        Line("targets a second, ours / dynamic padding + bf16", dynamic.wall, "x", FOUR_TIMES),
        Line("the same by processor time", dynamic.cpu, "x"),
        Line("model FLOP utilisation of the encoder, of the measured bf16 peak", whole / peaks["bfloat16"], "", UTILISATION),
        Line("the same without what is skipped of the last layer", computed / peaks["bfloat16"], ""),
        Line("the same of the measured fp32 peak", computed / peaks["float32"], ""),
        *memory_lines(given.run),
        *(quality_lines(config, given.rows, given.quality) if given.quality else []),
    ]
    section = f"train {given.rows.stem}" if given.rows else "train"
    details = {
        "what": f"{len(rows)} targets, {config.model.weights} weights, {config.model.kind}",
        "bf16": use_bf16(config.trainer.bf16),
        "threads": torch.get_num_threads(),
        "peak_gflops": {name: round(value / 1e9, 1) for name, value in peaks.items()},
        "contestants": {name: each.to_json(len(rows)) for name, each in times.items()},
        "quick": given.quick,
    }
    record(given.output, section, lines, details)


DTYPES = (torch.float32, torch.bfloat16)


def contestants(config: RunConfig, rows: Sequence[Example]) -> dict[str, Callable[[], tuple[float, float]]]:
    """Return what trains one epoch and says how long its steps took."""

    def ours() -> tuple[float, float]:
        clock = StepClock()
        with tempfile.TemporaryDirectory() as folder:
            train(one_epoch(config), [rows], rows[:2], 1, Path(folder), [clock])
        return clock.wall, clock.cpu

    def peer(*, padded: bool) -> tuple[float, float]:
        clock = StepClock()
        with tempfile.TemporaryDirectory() as folder:
            settings: Any = {"epochs": 1.0, "folder": Path(folder), "learning_rate": config.trainer.learning_rate, "clock": clock}
            stock_trainer(config.model.weights, rows, padded=padded, **settings).train()
        return clock.wall, clock.cpu

    return {STOCK: partial(peer, padded=True), DYNAMIC: partial(peer, padded=False), OURS: ours}


def one_epoch(config: RunConfig) -> RunConfig:
    """Return the config with a single pass over the data."""
    return replace(config, trainer=replace(config.trainer, num_train_epochs=1.0))


def peak(dtype: torch.dtype, size: int, device: str = "cpu") -> float:
    """Return the floating-point operations a second of square matrix products."""
    a, b = (torch.randn(size, size).to(device, dtype) for _ in range(2))

    def multiply() -> None:
        a @ b
        if device != "cpu":
            torch.cuda.synchronize()

    multiply()
    return float(2 * size**3 / min(clocked(multiply)[0] for _ in range(7)))


def encoder_flops(config: RunConfig, rows: Sequence[Example], *, read_only: bool = False) -> float:
    """Return the operations of one epoch over the windows' own tokens: products of weights and attention, three passes' worth.

    They are those of the whole encoder, as model FLOP utilisation counts them (Chowdhery et al. 2022, appendix B), or with `read_only`
    what lanes compute of it: the last layer answers only where a stance is read, and takes the other tokens' keys and values. A frozen
    embedding saves nothing here: it takes part in no product. Padding and markers' bookkeeping do not count as useful.
    """
    from transformers import AutoConfig

    from train.transformer import build_reader
    from train.weights import load_tokenizer, resolve_weights

    windows = build_reader(config.model, load_tokenizer(config.model.weights)).encode(rows)
    lengths = np.array([len(window.input_ids) for window in windows], dtype=np.float64)
    reads = np.array([len(window.read_at) for window in windows], dtype=np.float64) if read_only else lengths
    width, layers, inner = 32, 2, 64
    if config.model.weights != "tiny":
        shape = AutoConfig.from_pretrained(resolve_weights(config.model.weights))
        width, layers, inner = shape.hidden_size, shape.num_hidden_layers, shape.intermediate_size

    def layer(answering: np.ndarray) -> Any:
        """Return the operations of a layer that answers at so many of a window's tokens: weights' products, then attention's."""
        at_every_token, where_it_answers = 2 * width**2, 2 * width**2 + 2 * width * inner
        return 2 * (at_every_token * lengths + where_it_answers * answering) + 4 * width * answering * lengths

    return float(3 * ((layers - 1) * layer(lengths) + layer(reads)).sum())


def memory_lines(run: Path) -> list[Line]:
    """Return the largest resident size that the run's seeds noted while training."""
    manifests = [read_json(path) for path in sorted(run.glob("seed-*/run.json"))]
    peaks = [each["peak_memory_mb"] / 1024 for each in manifests if each.get("peak_memory_mb")]
    return [Line("largest resident size while training the run", max(peaks), "GB", MEMORY_GB, at_most=True)] if peaks else []


def quality_lines(config: RunConfig, file: Path | None, share: float) -> list[Line]:
    """Train every contestant to its end on a share of the documents and return dev macro-F1 of each."""
    rows = share_of_documents(load_rows(config, file, "train", 10**9), share)
    dev = load_rows(config, None, "dev", 10**9)
    gold = [STANCE_ID[row.stance or "neutral"] for row in dev]
    with tempfile.TemporaryDirectory() as folder:
        trained: Trained = train(config, [rows], dev, 1, Path(folder) / "ours")
        ours = TorchScorer(trained.model, trained.tokenizer, trained.reader).score(dev).argmax(1)
        answers = {name: _stock_answers(config, rows, dev, Path(folder) / name, padded=name == STOCK) for name in (STOCK, DYNAMIC)}
    scores = {name: float(macro_f1(gold, answer)) for name, answer in answers.items()}
    what = f"dev macro-F1 after {len(rows)} targets, {config.trainer.num_train_epochs:g} epochs"
    told = [Line(f"{what}: {name}", score, "") for name, score in scores.items()]
    return [*told, Line(f"{what}: {OURS}", float(macro_f1(gold, ours)), "", max(scores.values()))]


def _stock_answers(config: RunConfig, rows: Sequence[Example], dev: Sequence[Example], folder: Path, *, padded: bool) -> Any:
    settings: Any = {"epochs": config.trainer.num_train_epochs, "learning_rate": config.trainer.learning_rate}
    trainer = stock_trainer(config.model.weights, rows, padded=padded, folder=folder, clock=StepClock(), **settings)
    trainer.train()
    return np.asarray(trainer.predict(pair_dataset(trainer.processing_class, dev, padded=padded)).predictions).argmax(1)


if __name__ == "__main__":
    run_command(main)
