"""Fine-tuning of the transformer kinds: span and pair in one loop on transformers' Trainer."""

import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import (
    AutoModelForSequenceClassification,
    AutoModelForTokenClassification,
    DataCollatorForTokenClassification,
    DataCollatorWithPadding,
    EarlyStoppingCallback,
    PreTrainedTokenizerBase,
    TrainerCallback,
    TrainingArguments,
    set_seed,
)

from data.records import STANCES, Example
from train.checkpoints import Carried
from train.detection import NOTHING_MARKED, Marked
from train.faults import naming_examples
from train.losses import FIRST_TAUGHT, build_loss, choose_labels, dev_metrics
from train.optimisation import freeze, optimizer
from train.ranks import backend, processes
from train.settings import ModelSettings, RunConfig
from train.steady_trainer import SAVE_SECONDS, SteadyTrainer
from train.tagging import DETECTING_LABELS, Tagger
from train.training_data import encode_versions, to_dataset
from train.weights import load_model, load_tokenizer
from train.windows import PairReader, Reader, SpanReader, Window, teach


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


def use_bf16(choice: str) -> bool:
    """Decide whether to compute in bfloat16; auto says yes on GPUs and CPUs that have instructions for it.

    A step took three quarters of its time on a CPU with AVX512_BF16; where bfloat16 is emulated it took twice its time.
    """
    if choice != "auto":
        return choice == "yes"
    if torch.cuda.is_available():
        return bool(torch.cuda.is_bf16_supported())
    return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())


def training_arguments(config: RunConfig, seed: int, folder: Path, best_by: str = "macro_f1") -> TrainingArguments:
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
        metric_for_best_model=best_by,
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
    tokens_per_second: float | None
    earlier: Carried


def train(
    config: RunConfig,
    versions: Iterable[Sequence[Example]],
    dev_rows: Sequence[Example],
    seed: int,
    checkpoints: Path,
    callbacks: Sequence[TrainerCallback] = (),
    save_seconds: float = SAVE_SECONDS,
    marked: Marked = NOTHING_MARKED,
    soft: Mapping[str, np.ndarray] | None = None,
) -> Trained:
    """Fine-tune one seed, continuing from the last checkpoint in `checkpoints` if there is one.

    The training rows may come in several versions, of which each epoch reads the next; of those after the first nothing is kept but their
    windows. `marked` is for finding mentions; `soft` has distributions to learn in place of stances, by row id (`train.teachers`). With
    no epoch the model is as it starts.
    """
    set_seed(seed)
    tokenizer = load_tokenizer(config.model.weights)
    spec = KINDS[config.model.kind]
    labels = DETECTING_LABELS if config.model.detect_actors else STANCES
    model = load_model(spec.auto_class, config.model.weights, tokenizer, config.model.dropout, labels)
    freeze(model, config.model)
    if not torch.cuda.is_available():
        model.set_attn_implementation("eager")  # the backward pass of the CPU's fused attention took a third of a step
    reader = build_reader(config.model, tokenizer)
    if not config.trainer.num_train_epochs:
        return Trained(model, tokenizer, reader, [], None, Carried())
    tagger = Tagger(tokenizer, config.model)
    rest = iter(versions)
    first = next(rest)
    soft = soft or {}
    numbers = {row: FIRST_TAUGHT + index for index, row in enumerate(soft)}

    def encode(rows: Sequence[Example]) -> list[Window]:
        return [*(teach(window, rows, numbers) for window in reader.encode(rows)), *tagger.encode(marked.train)]

    data = encode_versions(chain([first], rest), encode)
    trainer = SteadyTrainer(
        batch_size=config.trainer.per_device_train_batch_size,
        versions=data.versions,
        passes=2 if config.trainer.rdrop_alpha else 1,
        save_seconds=save_seconds,
        model=model,
        args=training_arguments(config, seed, checkpoints, "mean_f1" if marked.dev else "macro_f1"),
        data_collator=spec.collator(tokenizer),
        train_dataset=data.windows,
        eval_dataset=to_dataset([*reader.encode(dev_rows), *tagger.encode(marked.dev)]),
        processing_class=tokenizer,
        compute_loss_func=build_loss(config, first, data.labels(), list(soft.values())),
        optimizer_cls_and_kwargs=optimizer(model, config.model.layer_decay, config.trainer),
        compute_metrics=dev_metrics,
        preprocess_logits_for_metrics=choose_labels,
        callbacks=[EarlyStoppingCallback(config.trainer.early_stopping_patience), *callbacks],
    )
    started = time.perf_counter()
    with naming_examples(zip(data.windows["input_ids"], data.examples, strict=True), config):
        earlier = trainer.train_or_continue()
    model.zero_grad()  # gradients are of no more use
    seconds = earlier.wall_seconds + time.perf_counter() - started
    tokens = sum(data.windows["length"]) / len(data.versions) * (trainer.state.epoch or 0)
    return Trained(trainer.model, tokenizer, reader, trainer.curve(), tokens / seconds, earlier)
