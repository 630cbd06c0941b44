"""Averages of seeds: a model whose weights are the mean of those of a run's finished seeds.

Seeds of one config start at the same encoder and end close to each other, so that the mean of their weights answers about as well as all
of them together, in a single pass ("model soups", Wortsman et al. 2022). `model.weights: average:runs/NAME` asks for it. Nothing here
imports torch before weights are read, so that a wrong name is refused at once.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from data.errors import InputError
from train.loading import seeds_of

if TYPE_CHECKING:
    import torch

PREFIX = "average:"
KEY = "model.weights"


def averaged_seeds(weights: str) -> list[Path]:
    """Return the folders of the seeds that `model.weights` asks to average, none where it asks for something else.

    Raises:
        InputError: no finished run, or a single seed.
    """
    if not weights.startswith(PREFIX):
        return []
    seeds = seeds_of([weights.removeprefix(PREFIX)], KEY)
    if len(seeds) < 2:
        raise InputError(f"{KEY}: {weights}: one finished seed, expected two or more to average")
    return seeds


def mean_weights(seeds: Sequence[Path]) -> "dict[str, torch.Tensor]":
    """Return the mean of each parameter over the models of some seeds, summed in double precision and in their order."""
    import torch
    from safetensors.torch import load_file

    states = [load_file(folder / "model" / "model.safetensors") for folder in seeds]
    return {name: torch.stack([state[name].double() for state in states]).mean(0).to(first.dtype) for name, first in states[0].items()}
