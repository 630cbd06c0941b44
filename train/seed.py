"""One seed of a run: train, calibrate, predict every split, write the manifest, and DONE last."""

import math
import resource
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np

from data.files import write_json, write_jsonl, write_text
from data.records import Example, Prediction
from eval.calibration import calibrate
from train.checkpoints import Carried
from train.interrupts import INTERRUPTS
from train.origin import describe_origin
from train.process import prepare_process, return_freed_memory
from train.ranks import is_first
from train.runs import BEGUN, DONE, Cost, check_origin, prediction_rows, write_manifest
from train.settings import BASELINES, RunConfig
from train.sources import Source, draw_labels
from train.steady_trainer import SAVE_SECONDS
from train.teachers import learned_sha256

Splits = dict[str, list[Example]]


@dataclass(frozen=True)
class Outcome:
    """What training one seed came to, beside the files."""

    tokens_per_second: float | None = None
    parameters: int | None = None
    earlier: Carried = field(default_factory=Carried)


def run_seed(config: RunConfig, source: Source, splits: Splits, seed: int, folder: Path, save_seconds: float = SAVE_SECONDS) -> None:
    """Complete the folder of one seed; a finished one is left alone."""
    origin = describe_origin(config, source.fingerprint(), learned_sha256(config))
    if is_first():
        check_origin(folder, origin)
    if (folder / DONE).is_file():
        if is_first():
            remove_checkpoints(folder)  # of a process that was killed after its last word
        print(f"{folder}: done before, kept (--overwrite to redo)")
        return
    if not is_first() and TRAINED[config.model.kind] is not run_transformer:
        return  # the others are small: the first process trains them alone
    prepare_process(config.trainer.threads)
    started = time.perf_counter(), time.process_time()
    drawn = splits | {"train": draw_labels(splits["train"], config.data.labels_per_class, seed)}
    outcome = TRAINED[config.model.kind](config, source, drawn, seed, folder, save_seconds)
    if not is_first():
        return
    cost = Cost(
        wall_seconds=outcome.earlier.wall_seconds + time.perf_counter() - started[0],
        cpu_seconds=outcome.earlier.cpu_seconds + time.process_time() - started[1],
        tokens_per_second=outcome.tokens_per_second,
        parameters=outcome.parameters,
        peak_memory_mb=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    )
    write_manifest(folder, origin, config.model.kind, seed, cost)
    (folder / BEGUN).unlink(missing_ok=True)
    write_text(folder / DONE, "")  # before the checkpoints go: killed between the two the seed would be trained again
    remove_checkpoints(folder)


def remove_checkpoints(folder: Path) -> None:
    """Remove what a finished seed no longer needs."""
    shutil.rmtree(folder / "checkpoints", ignore_errors=True)


def run_baseline(config: RunConfig, source: Source, splits: Splits, seed: int, folder: Path, save_seconds: float) -> Outcome:
    """Fit and score a baseline; it has no weights to save."""
    from data import blind

    model = blind.fit(config.model.kind, splits["train"])
    for name, rows in held_out(splits):
        write_jsonl(folder / "predictions" / f"{name}.jsonl", prediction_rows(rows, blind.predict(config.model.kind, model, rows)))
    return Outcome()


def run_transformer(config: RunConfig, source: Source, splits: Splits, seed: int, folder: Path, save_seconds: float) -> Outcome:
    """Fine-tune, save, calibrate on dev and score a transformer."""
    from train.detection import marked_sentences_of, sentences_to_search, write_found
    from train.model_card import write_model_card
    from train.teachers import taught
    from train.torch_backend import TorchScorer
    from train.transformer import train
    from train.versions import training_versions

    epochs = math.ceil(config.trainer.num_train_epochs)
    versions = training_versions(splits["train"], source.registry, config.data, epochs, seed)
    marked = marked_sentences_of(config, source, splits)
    soft = taught(splits["train"], config.data)
    trained = train(config, versions, splits["dev"], seed, folder / "checkpoints", save_seconds=save_seconds, marked=marked, soft=soft)
    return_freed_memory()
    if not is_first():
        return Outcome()
    trained.model.save_pretrained(folder / "model")
    trained.tokenizer.save_pretrained(folder / "model")
    write_jsonl(folder / "log.jsonl", trained.log)
    batch_size = config.trainer.per_device_eval_batch_size
    scorer = TorchScorer(trained.model, trained.tokenizer, trained.reader)
    write_predictions(folder, splits, lambda rows: scorer.score(rows, batch_size))
    if config.model.detect_actors:
        detect = partial(scorer.detect, settings=config.model, batch_size=batch_size)
        predict = partial(scorer.score, batch_size=batch_size)
        write_found(folder, sentences_to_search(source, splits, config.data.context_sentences), detect, predict)
    write_model_card(folder, config, {row.target for row in splits["train"] if row.target})
    return Outcome(trained.tokens_per_second, sum(parameter.numel() for parameter in trained.model.parameters()), trained.earlier)


def run_setfit(config: RunConfig, source: Source, splits: Splits, seed: int, folder: Path, save_seconds: float) -> Outcome:
    """Train the SetFit peer, save its encoder, calibrate on dev and score it; an interrupted one starts anew."""
    from train.contrastive import save, train

    model = train(config, splits["train"], seed, folder / "checkpoints")
    save(model, folder / "model")
    write_predictions(folder, splits, model.probabilities)
    return Outcome(parameters=sum(parameter.numel() for parameter in model.encoder.parameters()))


def write_predictions(folder: Path, splits: Splits, predict: Callable[[Sequence[Example]], np.ndarray]) -> None:
    """Write the predictions of every split that is scored, and the calibration that dev gives."""
    for name, rows in held_out(splits):
        INTERRUPTS.check()
        predicted = prediction_rows(rows, predict(rows))
        write_jsonl(folder / "predictions" / f"{name}.jsonl", predicted)
        if name == "dev":
            calibration = calibrate([Prediction.model_validate(row) for row in predicted])
            write_json(folder / "calibration.json", calibration.to_json())


TRAINED: dict[str, Callable[[RunConfig, Source, Splits, int, Path, float], Outcome]] = {
    "span": run_transformer,
    "pair": run_transformer,
    "setfit": run_setfit,
    **dict.fromkeys(BASELINES, run_baseline),
}
"""How each kind of model is trained and scored."""


def held_out(splits: Splits) -> Sequence[tuple[str, list[Example]]]:
    """Return the splits that are scored: all but train."""
    return [(name, rows) for name, rows in splits.items() if name != "train"]
