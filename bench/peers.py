"""How the same is usually done: stock text classification on (sentence, actor) pairs, trained, piped and with SetFit."""

import time
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
from datasets import Dataset
from transformers import (
    AutoModelForSequenceClassification,
    AutoTokenizer,
    DataCollatorWithPadding,
    Trainer,
    TrainerCallback,
    TrainingArguments,
    pipeline,
    set_seed,
)

from data.records import STANCE_ID, Example
from train.weights import LABELS, load_model, load_tokenizer, quieten, resolve_weights

PADDED_LENGTH = 128
"""What the text-classification examples of transformers pad every pair to."""


class StepClock(TrainerCallback):
    """Clocks a training from its first step to its last, without what evaluations and checkpoints take."""

    def __init__(self) -> None:
        self.wall = self.cpu = 0.0
        self._begun = (0.0, 0.0)

    def on_step_begin(self, *_: Any, **__: Any) -> None:
        """Start the clock before a step's forward pass."""
        self._begun = time.perf_counter(), time.process_time()

    def on_step_end(self, *_: Any, **__: Any) -> None:
        """Add what the step took."""
        self.wall += time.perf_counter() - self._begun[0]
        self.cpu += time.process_time() - self._begun[1]


def load_pair_classifier(weights: str) -> tuple[Any, Any]:
    """Return tokenizer and model as `from_pretrained` gives them, with a fresh head for three classes."""
    quieten()
    if weights == "tiny":
        tokenizer = load_tokenizer("tiny")
        return tokenizer, load_model(AutoModelForSequenceClassification, "tiny", tokenizer, 0.1)
    source = resolve_weights(weights)
    return AutoTokenizer.from_pretrained(source), AutoModelForSequenceClassification.from_pretrained(source, **LABELS)


def pairs(rows: Sequence[Example]) -> list[dict[str, str]]:
    """Return the rows as the pipeline takes pairs."""
    return [{"text": row.text, "text_pair": row.mention} for row in rows]


def stock_trainer(
    weights: str, rows: Sequence[Example], *, padded: bool, epochs: float, folder: Path, learning_rate: float, clock: StepClock
) -> Trainer:
    """Return the stock recipe: padding to 128 in fp32, or dynamic padding in bf16; everything else by default."""
    set_seed(1)
    tokenizer, model = load_pair_classifier(weights)
    arguments = TrainingArguments(
        output_dir=str(folder), num_train_epochs=epochs, learning_rate=learning_rate, bf16=not padded, save_strategy="no",
        report_to="none", use_cpu=not torch.cuda.is_available(), disable_tqdm=True, logging_strategy="no",
    )  # fmt: skip
    return Trainer(
        model=model,
        args=arguments,
        train_dataset=pair_dataset(tokenizer, rows, padded=padded),
        data_collator=DataCollatorWithPadding(tokenizer),
        processing_class=tokenizer,
        callbacks=[clock],
    )


def pair_dataset(tokenizer: Any, rows: Sequence[Example], *, padded: bool) -> Dataset:
    """Return the tokenised pairs with their labels."""
    encoded = tokenizer(
        [row.text for row in rows],
        [row.mention for row in rows],
        padding="max_length" if padded else False,
        max_length=PADDED_LENGTH,
        truncation=True,
    )
    return Dataset.from_dict({**encoded, "labels": [STANCE_ID[row.stance or "neutral"] for row in rows]})


def pair_pipeline(weights: str) -> Any:
    """Return `transformers.pipeline("text-classification")` over the pair classifier."""
    tokenizer, model = load_pair_classifier(weights)
    return pipeline("text-classification", model=model, tokenizer=tokenizer, device="cuda" if torch.cuda.is_available() else "cpu")


def setfit_predictor(weights: str, rows: Sequence[Example]) -> Callable[[Sequence[Example]], object] | None:
    """Return what answers with SetFit (its body, a logistic head fitted on `rows`), or None where it is not installed."""
    if find_spec("setfit") is None:
        return None
    from setfit import SetFitModel

    model = SetFitModel.from_pretrained(resolve_weights(weights))
    texts = [f"{row.mention}: {row.text}" for row in rows]
    labels = [STANCE_ID[row.stance or "neutral"] for row in rows]
    model.model_head.fit(np.asarray(model.encode(texts)), labels)
    return lambda given: model.predict([f"{row.mention}: {row.text}" for row in given])
