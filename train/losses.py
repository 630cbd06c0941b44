"""What a training step costs: cross-entropy of stances and, where mentions are found too, of tags; and how dev is scored."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch.nn.functional import cross_entropy, kl_div
from transformers import EvalPrediction

from data.records import STANCES, Example
from eval.metrics import macro_f1
from train.settings import RunConfig
from train.tagging import DETECTING_LABELS
from train.windows import IGNORED

FIRST_TAUGHT = len(DETECTING_LABELS)
"""Labels from here on are no classes but the numbers of rows whose stance is learned as a distribution."""


@dataclass(frozen=True)
class WeightedLoss:
    """Cross-entropy of each label over the logits of its own group: a stance's over three, a tag's over the other three.

    There are ten words to a mention, so a word's loss is scaled down until both groups weigh the same over the training windows.

    Attributes:
        weights: of the stances, shape (3,).
        smoothing: probability mass moved from the wanted stance to the others.
        taught: the distributions that the labels from FIRST_TAUGHT on stand for, shape (rows, 3).
        tag_weight: of a word, against 1 for a stance.
        mean_weight: over all labels of the training windows.
        agreement: weight of the divergence between the two halves of a training batch, which are two passes of the same windows.
    """

    weights: torch.Tensor
    smoothing: float = 0.0
    taught: torch.Tensor = field(default_factory=lambda: torch.zeros(0, len(STANCES)))
    tag_weight: float = 1.0
    mean_weight: float = 1.0
    agreement: float = 0.0

    def __call__(self, outputs: Any, labels: torch.Tensor, num_items_in_batch: Any = None) -> torch.Tensor:
        """Return the loss a label, over those of the step, or of the batch if their number is not given."""
        logits, labels = outputs["logits"].float().flatten(0, -2), labels.flatten()
        is_tag = (labels >= len(STANCES)) & (labels < FIRST_TAUGHT)
        is_stance = (labels != IGNORED) & ~is_tag
        weights, wanted = self.weights.to(logits.device), self.wanted(labels[is_stance])
        settings: Any = {"label_smoothing": self.smoothing, "reduction": "sum"}
        loss: torch.Tensor = cross_entropy(logits[is_stance, : len(STANCES)], wanted, weights, **settings)
        if is_tag.any():
            tags = cross_entropy(logits[is_tag, len(STANCES) :], labels[is_tag] - len(STANCES), reduction="sum")
            loss = loss + self.tag_weight * tags
        if self.agreement and torch.is_grad_enabled():
            apart = divergence(logits[is_stance, : len(STANCES)])
            apart = apart + self.tag_weight * divergence(logits[is_tag, len(STANCES) :])
            loss = loss + self.agreement * apart
        total: Any = num_items_in_batch
        if total is None or (self.mean_weight != 1.0 and not torch.is_grad_enabled()):  # the mix of labels is that of training only
            total = (is_stance.sum() + self.tag_weight * is_tag.sum()) / self.mean_weight
        mean: torch.Tensor = loss / (total * self.mean_weight)
        return mean

    def wanted(self, labels: torch.Tensor) -> torch.Tensor:
        """Return the distributions that stance labels stand for, shape (n, 3)."""
        table = torch.cat([torch.eye(FIRST_TAUGHT, len(STANCES)), self.taught])
        return table.to(labels.device)[labels]


def divergence(logits: torch.Tensor) -> torch.Tensor:
    """Return how far two passes are apart, summed: their Kullback-Leibler divergence both ways (Wu et al. 2021, equation 2).

    Args:
        logits: of both passes over the same n positions, one after the other; shape (2n, classes).
    """
    first, second = logits.log_softmax(-1).chunk(2)
    settings: Any = {"reduction": "sum", "log_target": True}
    both_ways: torch.Tensor = kl_div(first, second, **settings) + kl_div(second, first, **settings)
    return both_ways


def build_loss(config: RunConfig, rows: Sequence[Example], labels: np.ndarray, taught: Sequence[np.ndarray]) -> WeightedLoss:
    """Return the loss of a training; stances and tags weigh the same over `labels`, those of all its windows, shape (n,)."""
    tags = int(((labels >= len(STANCES)) & (labels < FIRST_TAUGHT)).sum())
    stances = int((labels != IGNORED).sum()) - tags
    tag_weight = stances / tags if tags else 1.0
    return WeightedLoss(
        class_weights(rows, config.model.class_weights),
        config.trainer.label_smoothing_factor,
        torch.tensor(np.reshape(taught, (-1, len(STANCES))), dtype=torch.float32),
        tag_weight,
        (stances + tag_weight * tags) / max(1, stances + tags),
        config.trainer.rdrop_alpha,
    )


def class_weights(rows: Sequence[Example], exponent: float) -> torch.Tensor:
    """Return inverse class frequencies raised to `exponent`, scaled to a mean of one over the rows; shape (3,)."""
    counts = np.array([max(1, sum(row.stance == stance for row in rows)) for stance in STANCES], dtype=np.float64)
    weights = counts**-exponent
    weights *= counts.sum() / (weights * counts).sum()
    return torch.tensor(weights, dtype=torch.float32)


def choose_labels(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Return the likeliest label of the group that each gold label is of, from logits of shape (..., 3 or 6)."""
    stances = logits[..., : len(STANCES)].argmax(dim=-1)
    if logits.shape[-1] == len(STANCES):
        return stances
    return torch.where(labels >= len(STANCES), logits[..., len(STANCES) :].argmax(dim=-1) + len(STANCES), stances)


def dev_metrics(prediction: EvalPrediction) -> dict[str, float]:
    """Score the labelled positions of the dev windows; where there are tags, their macro-F1 and the mean of both as well."""
    labels = np.asarray(prediction.label_ids).reshape(-1)
    predicted = np.asarray(prediction.predictions).reshape(-1)
    tagged = labels >= len(STANCES)
    kept = (labels != IGNORED) & ~tagged
    stances = macro_f1(labels[kept], predicted[kept])
    if not tagged.any():
        return {"macro_f1": stances}
    tags = macro_f1(labels[tagged] - len(STANCES), predicted[tagged] - len(STANCES))
    return {"macro_f1": stances, "tag_f1": tags, "mean_f1": (stances + tags) / 2}
