"""SetFit as a peer: a sentence encoder learns to tell stances apart from pairs of examples, then logistic regression reads it.

Each actor is a text of its own, marked as the pair reader marks it (Tunstall et al. 2022, the setfit package, extra [setfit]).
"""

import math
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from transformers import set_seed

from data.errors import InputError
from data.extras import import_extra
from data.files import write_json
from data.records import STANCE_ID, STANCES, Example
from train.passages import MARKERS, crop, leading_text, mark_mentions
from train.settings import ModelSettings, RunConfig
from train.weights import load_tokenizer, quieten, resolve_weights

MAX_CHARACTERS_A_TOKEN = 6
"""A sentence of more characters than this for every token of the window is cut to the neighbourhood of its mention."""


@dataclass(frozen=True)
class SetFit:
    """A trained encoder with its head."""

    model: Any
    settings: ModelSettings

    @property
    def encoder(self) -> Any:
        """The sentence encoder."""
        return self.model.model_body

    def probabilities(self, rows: Sequence[Example]) -> np.ndarray:
        """Return stance probabilities, shape (n, 3); stances that training never saw get zero."""
        texts = [actor_text(row, self.settings) for row in rows]
        found = self.model.predict_proba(texts, as_numpy=True, show_progress_bar=False)
        probabilities = np.zeros((len(rows), len(STANCES)))
        probabilities[:, self.model.model_head.classes_] = found
        return probabilities


def actor_text(row: Example, settings: ModelSettings) -> str:
    """Return what stands before a sentence, the sentence with one actor marked, and the actor's mention again."""
    if len(row.text) > MAX_CHARACTERS_A_TOKEN * settings.max_length:
        row = crop(row)
    marked, _ = mark_mentions(row.text, [(row.start, row.end)])
    return " ".join(part for part in (leading_text(row, settings.target_text), marked, row.mention) if part)


def train(config: RunConfig, rows: Sequence[Example], seed: int, checkpoints: Path) -> SetFit:
    """Train encoder and head on the labelled rows of one seed.

    Raises:
        InputError: setfit is not installed, or only one stance to learn.
    """
    package = import_setfit()
    labelled = [row for row in rows if row.stance]
    if len({row.stance for row in labelled}) < 2:
        raise InputError("model.kind: setfit needs labels of two stances at least")
    set_seed(seed)
    quieten()
    model = package.SetFitModel(model_body=load_encoder(config.model), model_head=logistic_regression(seed))
    arguments = training_arguments(package, config, len(labelled), seed, checkpoints)
    trainer = package.Trainer(model=model, args=arguments)
    texts = [actor_text(row, config.model) for row in labelled]
    labels = [STANCE_ID[str(row.stance)] for row in labelled]
    order = np.random.default_rng(seed).permutation(len(labelled))[: config.setfit.contrastive_labels]
    trainer.train_embeddings([texts[each] for each in order], [labels[each] for each in order], args=arguments)
    trainer.train_classifier(texts, labels, args=arguments)
    return SetFit(model, config.model)


def import_setfit() -> Any:
    """Import the package, which is an extra.

    Raises:
        InputError: it is not installed.
    """
    return import_extra("setfit", "setfit", "model.kind setfit")


def logistic_regression(seed: int) -> Any:
    """Return the head that SetFit uses by default."""
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(max_iter=1000, random_state=seed)


def load_encoder(settings: ModelSettings) -> Any:
    """Open the configured weights as a sentence encoder that knows the markers; "tiny" is a random one."""
    from sentence_transformers import SentenceTransformer

    encoder: Any = tiny_encoder() if settings.weights == "tiny" else SentenceTransformer(resolve_weights(settings.weights))
    encoder.tokenizer.add_special_tokens({"additional_special_tokens": list(MARKERS)})
    encoder[0].auto_model.resize_token_embeddings(len(encoder.tokenizer))
    encoder.max_seq_length = settings.max_length
    return encoder


def tiny_encoder() -> Any:
    """Make a small random sentence encoder, for smoke tests."""
    from sentence_transformers import SentenceTransformer
    from transformers import BertConfig, BertModel

    tokenizer = load_tokenizer("tiny")
    config = BertConfig(vocab_size=len(tokenizer), hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64)
    with tempfile.TemporaryDirectory() as folder:
        BertModel(config).save_pretrained(folder)
        tokenizer.save_pretrained(folder)
        return SentenceTransformer(folder)


def training_arguments(package: Any, config: RunConfig, labels: int, seed: int, checkpoints: Path) -> Any:
    """Translate the config into setfit's TrainingArguments; the number of steps is that of the pairs, or its limit."""
    settings = config.setfit
    pairs = 2 * settings.num_iterations * min(labels, settings.contrastive_labels)
    return package.TrainingArguments(
        output_dir=str(checkpoints),
        batch_size=settings.batch_size,
        num_epochs=1,
        num_iterations=settings.num_iterations,
        max_steps=min(settings.max_steps, math.ceil(pairs / settings.batch_size)),
        body_learning_rate=settings.body_learning_rate,
        report_to="none",
        save_strategy="no",
        seed=seed,
        show_progress_bar=sys.stderr.isatty(),
    )


def save(trained: SetFit, folder: Path) -> None:
    """Save the encoder, which sentence-transformers opens, and the head as plain numbers."""
    head = trained.model.model_head
    trained.encoder.save_pretrained(str(folder))
    write_json(
        folder / "head.json",
        {
            "stances": [STANCES[index] for index in head.classes_],
            "coefficients": head.coef_.tolist(),
            "intercepts": head.intercept_.tolist(),
        },
    )
