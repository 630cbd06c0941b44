"""One seed of a run: train, calibrate, predict every split, write the manifest, and DONE last."""

import contextlib
import ctypes
import resource
import shutil
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from data.files import write_json, write_jsonl, write_text
from data.records import Example, Prediction
from eval.calibration import calibrate
from train.config import BASELINES, RunConfig
from train.runs import DONE, Cost, prediction_rows, write_manifest
from train.sources import Source

Splits = dict[str, list[Example]]


def run_seed(config: RunConfig, source: Source, splits: Splits, seed: int, folder: Path) -> None:
    """Complete the folder of one seed; a finished one is left alone."""
    if (folder / DONE).is_file():
        print(f"{folder}: done before, kept (--overwrite to redo)")
        return
    keep_freed_memory()
    started = time.perf_counter(), time.process_time()
    train_kind = run_baseline if config.model.kind in BASELINES else run_transformer
    tokens_per_second, parameters = train_kind(config, source, splits, seed, folder)
    cost = Cost(
        wall_seconds=time.perf_counter() - started[0],
        cpu_seconds=time.process_time() - started[1],
        tokens_per_second=tokens_per_second,
        parameters=parameters,
        peak_memory_mb=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    )
    write_manifest(folder, config, source.fingerprint(), seed, cost, torch.get_num_threads())
    shutil.rmtree(folder / "checkpoints", ignore_errors=True)
    write_text(folder / DONE, "")


def run_baseline(config: RunConfig, source: Source, splits: Splits, seed: int, folder: Path) -> tuple[None, None]:
    """Fit and score a baseline; it has no weights to save."""
    from data import blind

    model = blind.fit(config.model.kind, splits["train"])
    for name, rows in held_out(splits):
        write_jsonl(folder / "predictions" / f"{name}.jsonl", prediction_rows(rows, blind.predict(config.model.kind, model, rows)))
    return None, None


def run_transformer(config: RunConfig, source: Source, splits: Splits, seed: int, folder: Path) -> tuple[float, int]:
    """Fine-tune, save, calibrate on dev and score a transformer."""
    from train.model_card import write_model_card
    from train.renaming import renamed_copies
    from train.transformer import predict, train

    copies = renamed_copies(splits["train"], source.registry, config.data.renamed, np.random.default_rng(seed))
    trained = train(config, [*splits["train"], *copies], splits["dev"], seed, folder / "checkpoints")
    trained.model.save_pretrained(folder / "model")
    trained.tokenizer.save_pretrained(folder / "model")
    write_jsonl(folder / "log.jsonl", trained.log)
    for name, rows in held_out(splits):
        probabilities = predict(trained.model, trained.tokenizer, trained.reader, rows, config.trainer.per_device_eval_batch_size)
        write_jsonl(folder / "predictions" / f"{name}.jsonl", prediction_rows(rows, probabilities))
        if name == "dev":
            calibration = calibrate([Prediction.model_validate(row) for row in prediction_rows(rows, probabilities)])
            write_json(folder / "calibration.json", calibration.to_json())
    write_model_card(folder, config, {row.target for row in splits["train"] if row.target})
    return trained.tokens_per_second, sum(parameter.numel() for parameter in trained.model.parameters())


def keep_freed_memory() -> None:
    """Tell glibc to keep large freed blocks; page-faulting them in anew at every step costs a tenth of the training time."""
    trim_threshold, mmap_threshold, bytes_kept = -1, -3, 2**30
    with contextlib.suppress(OSError, AttributeError):  # another C library
        libc = ctypes.CDLL("libc.so.6")
        libc.mallopt(mmap_threshold, bytes_kept)
        libc.mallopt(trim_threshold, bytes_kept)


def held_out(splits: Splits) -> Sequence[tuple[str, list[Example]]]:
    """Return the splits that are scored: all but train."""
    return [(name, rows) for name, rows in splits.items() if name != "train"]
