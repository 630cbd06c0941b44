"""The loss of two passes over a batch, and the trainer that makes them."""

import numpy as np
import pytest
import torch
from scipy.special import log_softmax
from torch import nn
from transformers import TrainingArguments

from train.losses import WeightedLoss, divergence
from train.steady_trainer import SteadyTrainer
from train.windows import IGNORED


def logits_of(seed: int, *shape: int) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def test_passes_that_differ_cost_their_divergence_a_label() -> None:
    first, second = logits_of(1, 2, 3, 3), logits_of(2, 2, 3, 3)
    labels = torch.tensor([[0, IGNORED, 2], [IGNORED, 1, IGNORED]])
    twice, labels_twice = torch.cat([first, second]).requires_grad_(), torch.cat([labels, labels])
    plain, strict = WeightedLoss(torch.ones(3)), WeightedLoss(torch.ones(3), agreement=0.5)
    read = (labels != IGNORED).numpy()
    p, q = log_softmax(first.numpy()[read], axis=-1), log_softmax(second.numpy()[read], axis=-1)
    apart = ((np.exp(p) - np.exp(q)) * (p - q)).sum(-1)  # both ways in one: sum of (p - q) log(p / q)
    expected = plain({"logits": twice}, labels_twice, 6).item() + 0.5 * apart.mean() / 2
    assert strict({"logits": twice}, labels_twice, 6).item() == pytest.approx(expected, rel=1e-5)
    with torch.no_grad():
        assert torch.equal(strict({"logits": first}, labels), plain({"logits": first}, labels)), "an evaluation makes one pass"


def test_the_same_pass_twice_costs_nothing_more() -> None:
    logits = logits_of(3, 4, 3)
    assert divergence(torch.cat([logits, logits])).item() == 0
    assert divergence(torch.zeros(0, 3)).item() == 0


class Recorder(nn.Module):
    """Notes the windows it gets."""

    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Linear(1, 3)
        self.seen: list[list[float]] = []

    def forward(self, input_ids: torch.Tensor) -> dict[str, torch.Tensor]:
        """Return three logits a window."""
        self.seen.append(input_ids.flatten().tolist())
        return {"logits": self.head(input_ids)}


def test_the_trainer_repeats_a_batch_in_training_only(tmp_path: object) -> None:
    model = Recorder()
    arguments = TrainingArguments(output_dir=str(tmp_path), use_cpu=True, report_to="none")
    trainer = SteadyTrainer(
        batch_size=2, versions=[2], passes=2, model=model, args=arguments, compute_loss_func=WeightedLoss(torch.ones(3))
    )
    batch = {"input_ids": torch.tensor([[1.0], [2.0]]), "labels": torch.tensor([0, 2])}
    learned = trainer.compute_loss(model.train(), dict(batch), num_items_in_batch=torch.tensor(2))
    scored = trainer.compute_loss(model.eval(), dict(batch), num_items_in_batch=torch.tensor(2))
    assert model.seen == [[1, 2, 1, 2], [1, 2]]
    assert learned.item() == pytest.approx(scored.item()), "without dropout, two passes cost what one does"
