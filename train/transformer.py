"""Fine-tuning and prediction of the transformer kinds: span and pair in one loop on transformers' Trainer."""

import itertools
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from datasets import Dataset
from transformers import (
    AutoModelForSequenceClassification,
    AutoModelForTokenClassification,
    DataCollatorForTokenClassification,
    DataCollatorWithPadding,
    EarlyStoppingCallback,
    EvalPrediction,
    PreTrainedTokenizerBase,
    TrainerCallback,
    TrainingArguments,
    set_seed,
)

from data.records import STANCES, Example
from eval.metrics import macro_f1
from train.checkpoints import Carried
from train.config import ModelSettings, RunConfig
from train.faults import naming_examples
from train.optimisation import freeze, optimizer
from train.ranks import backend, processes
from train.steady_trainer import SAVE_SECONDS, SteadyTrainer
from train.targets import gold, taught
from train.weights import load_model, load_tokenizer
from train.windows import IGNORED, PairReader, Reader, SpanReader, Window, row_numbers


@dataclass(frozen=True)
class KindSpec:
    """What makes a transformer kind: its Auto class, its reader and its collator."""

    auto_class: Any
    reader: Callable[[PreTrainedTokenizerBase, ModelSettings], Reader]
    collator: Any


KINDS = {
    "span": KindSpec(AutoModelForTokenClassification, SpanReader, DataCollatorForTokenClassification),
    "pair": KindSpec(AutoModelForSequenceClassification, PairReader, DataCollatorWithPadding),
}


def build_reader(settings: ModelSettings, tokenizer: PreTrainedTokenizerBase) -> Reader:
    """Return the reader of the configured kind."""
    return KINDS[settings.kind].reader(tokenizer, settings)


def to_dataset(windows: Sequence[Window], labels: Sequence[list[int] | int]) -> Dataset:
    """Return windows and what stands for their labels as a dataset the Trainer takes, with lengths for grouping."""
    return Dataset.from_dict(
        {
            "input_ids": [window.input_ids for window in windows],
            "labels": labels,
            "length": [len(window.input_ids) for window in windows],
        }
    )


def class_weights(rows: Sequence[Example], exponent: float) -> torch.Tensor:
    """Return inverse class frequencies raised to `exponent`, scaled to a mean of one over the rows; shape (3,)."""
    counts = np.array([max(1, sum(row.stance == stance for row in rows)) for stance in STANCES], dtype=np.float64)
    weights = counts**-exponent
    weights *= counts.sum() / (weights * counts).sum()
    return torch.tensor(weights, dtype=torch.float32)


@dataclass(frozen=True)
class WeightedLoss:
    """Class-weighted, smoothed cross-entropy over the positions that carry a label, which is the number of a row of `targets`.

    Attributes:
        targets: the distribution that each row should get, shape (rows, 3).
        weights: of the classes, shape (3,).
        smoothing: mass that every target gives up to be shared by all classes.
    """

    targets: torch.Tensor
    weights: torch.Tensor
    smoothing: float

    def __call__(self, outputs: Any, labels: torch.Tensor, num_items_in_batch: Any = None) -> torch.Tensor:
        """Return the mean loss over the labelled positions of the step, or of the batch if their number is not given."""
        numbers = labels.reshape(-1)
        kept = numbers != IGNORED
        logits = outputs["logits"].float().reshape(-1, len(STANCES))[kept]
        targets = self.targets.to(logits.device)[numbers[kept]]
        settings: Any = {"label_smoothing": self.smoothing, "reduction": "sum"}
        loss = torch.nn.functional.cross_entropy(logits, targets, self.weights.to(logits.device), **settings)
        return loss / (len(logits) if num_items_in_batch is None else num_items_in_batch)


def dev_metrics(prediction: EvalPrediction, targets: np.ndarray) -> dict[str, float]:
    """Score the labelled positions of the dev windows, whose labels are row numbers of `targets`."""
    numbers = np.asarray(prediction.label_ids).reshape(-1)
    predicted = np.asarray(prediction.predictions).reshape(-1)
    kept = numbers != IGNORED
    return {"macro_f1": macro_f1(targets[numbers[kept]].argmax(axis=-1), predicted[kept])}


def use_bf16(choice: str) -> bool:
    """Decide whether to compute in bfloat16; auto says yes on GPUs and CPUs that have instructions for it.

    A step took three quarters of its time on a CPU with AVX512_BF16; where bfloat16 is emulated it took twice its time.
    """
    if choice != "auto":
        return choice == "yes"
    if torch.cuda.is_available():
        return bool(torch.cuda.is_bf16_supported())
    return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())


def training_arguments(config: RunConfig, seed: int, folder: Path) -> TrainingArguments:
    """Translate the config into transformers' TrainingArguments."""
    settings = config.trainer
    return TrainingArguments(
        output_dir=str(folder),
        seed=seed,
        data_seed=seed,
        learning_rate=settings.learning_rate,
        num_train_epochs=settings.num_train_epochs,
        per_device_train_batch_size=-(-settings.per_device_train_batch_size // processes()),
        per_device_eval_batch_size=settings.per_device_eval_batch_size,
        gradient_accumulation_steps=settings.gradient_accumulation_steps,
        lr_scheduler_type=settings.lr_scheduler_type,
        warmup_steps=settings.warmup_steps,
        weight_decay=settings.weight_decay,
        max_grad_norm=settings.max_grad_norm,
        bf16=use_bf16(settings.bf16),
        use_cpu=not torch.cuda.is_available(),
        ddp_backend=backend() if processes() > 1 else None,
        ddp_find_unused_parameters=False,
        dataloader_pin_memory=torch.cuda.is_available(),
        dataloader_num_workers=settings.dataloader_num_workers,
        report_to=settings.report_to or "none",
        eval_strategy="epoch",
        save_strategy="epoch",
        restore_callback_states_from_checkpoint=True,
        load_best_model_at_end=True,
        metric_for_best_model="macro_f1",
        logging_steps=20,
        disable_tqdm=not sys.stderr.isatty(),
        project="actor-stance",
        run_name=f"{config.name}-seed-{seed}",
    )


@dataclass(frozen=True)
class Trained:
    """A fine-tuned model in memory, its training curve and what it cost."""

    model: Any
    tokenizer: PreTrainedTokenizerBase
    reader: Reader
    log: list[dict[str, float]]
    tokens_per_second: float
    earlier: Carried


def train(
    config: RunConfig,
    versions: Sequence[Sequence[Example]],
    dev_rows: Sequence[Example],
    seed: int,
    checkpoints: Path,
    callbacks: Sequence[TrainerCallback] = (),
    save_seconds: float = SAVE_SECONDS,
) -> Trained:
    """Fine-tune one seed, continuing from the last checkpoint in `checkpoints` if there is one.

    The training rows may come in several versions, of which each epoch reads the next.
    """
    set_seed(seed)
    tokenizer = load_tokenizer(config.model.weights)
    spec = KINDS[config.model.kind]
    model = load_model(spec.auto_class, config.model.weights, tokenizer, config.model.dropout)
    freeze(model, config.model)
    if not torch.cuda.is_available():
        model.set_attn_implementation("eager")  # the backward pass of the CPU's fused attention took a third of a step
    reader = build_reader(config.model, tokenizer)
    encoded = [reader.encode(rows) for rows in versions]
    held_out = reader.encode(dev_rows)
    targets = np.concatenate([taught(rows, config.trainer) for rows in versions] + [gold(dev_rows)])
    firsts = list(itertools.accumulate(map(len, versions), initial=0))
    windows = [window for version in encoded for window in version]
    labels = [row_numbers(window, first) for version, first in zip(encoded, firsts, strict=False) for window in version]
    trainer = SteadyTrainer(
        batch_size=config.trainer.per_device_train_batch_size,
        versions=[len(version) for version in encoded],
        save_seconds=save_seconds,
        model=model,
        args=training_arguments(config, seed, checkpoints),
        data_collator=spec.collator(tokenizer),
        train_dataset=to_dataset(windows, labels),
        eval_dataset=to_dataset(held_out, [row_numbers(window, firsts[-1]) for window in held_out]),
        processing_class=tokenizer,
        compute_loss_func=WeightedLoss(
            torch.tensor(targets, dtype=torch.float32),
            class_weights(versions[0], config.model.class_weights),
            config.trainer.label_smoothing_factor,
        ),
        optimizer_cls_and_kwargs=optimizer(model, config.model.layer_decay, config.trainer),
        compute_metrics=partial(dev_metrics, targets=targets),
        preprocess_logits_for_metrics=lambda logits, labels: logits.argmax(dim=-1),
        callbacks=[EarlyStoppingCallback(config.trainer.early_stopping_patience), *callbacks],
    )
    started = time.perf_counter()
    with naming_examples(zip(encoded, versions, strict=True), config):
        earlier = trainer.train_or_continue()
    seconds = earlier.wall_seconds + time.perf_counter() - started
    tokens = sum(len(window.input_ids) for window in windows) / len(versions) * (trainer.state.epoch or 0)
    return Trained(trainer.model, tokenizer, reader, trainer.curve(), tokens / seconds, earlier)


def predict(model: Any, tokenizer: PreTrainedTokenizerBase, reader: Reader, rows: Sequence[Example], batch_size: int = 64) -> np.ndarray:
    """Return the stance probabilities of `rows`, shape (n, 3); windows of like length go together."""
    windows = reader.encode(rows)
    order = sorted(range(len(windows)), key=lambda index: len(windows[index].input_ids))
    logits = np.zeros((len(rows), len(STANCES)))
    model.eval()
    with torch.inference_mode():
        for start in range(0, len(order), batch_size):
            batch = [windows[index] for index in order[start : start + batch_size]]
            inputs = tokenizer.pad({"input_ids": [window.input_ids for window in batch]}, return_tensors="pt").to(model.device)
            outputs = model(**inputs).logits.float().cpu().numpy()
            for window, output in zip(batch, outputs, strict=True):
                logits[list(window.examples)] = reader.read(window, output)
    return softmax(logits)


def softmax(logits: np.ndarray) -> np.ndarray:
    """Turn logits into probabilities along the last axis."""
    exponents = np.exp(logits - logits.max(axis=-1, keepdims=True))
    result: np.ndarray = exponents / exponents.sum(axis=-1, keepdims=True)
    return result
