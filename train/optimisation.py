"""Which weights are trained, and how fast: frozen parts and learning rates that fall towards the input."""

import re
from collections.abc import Callable
from concurrent.futures import Executor
from typing import Any

import torch

from train.lanes import LANES, dealt
from train.settings import ModelSettings, TrainerSettings

_LAYER = re.compile(r"\.layers?\.(\d+)\.")
_NO_DECAY = ("bias", "LayerNorm.weight", "layer_norm.weight")


def freeze(model: Any, settings: ModelSettings) -> None:
    """Exclude from training what the settings leave as it was pre-trained."""
    if settings.freeze_embeddings:
        model.get_input_embeddings().weight.requires_grad_(False)
    for name, parameter in model.named_parameters():
        if settings.freeze_layers and depth(name, settings.freeze_layers) < settings.freeze_layers:
            parameter.requires_grad_(False)


def depth(name: str, head: int) -> int:
    """Return the encoder layer of a parameter by its name; -1 for the embeddings, `head` for what stands above all layers."""
    if match := _LAYER.search(name):
        return int(match[1])
    return -1 if ".embeddings." in name else head


class AdamW(torch.optim.AdamW):
    """torch's AdamW; with a `pool` its weights are dealt out to threads, which wait for memory side by side. The bits are the same."""

    pool: Executor | None = None

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Take a step: the first on one thread, so that checkpoints have the state of all weights in their order."""
        if self.pool is None or closure or not self.state:
            return super().step(closure)
        list(self.pool.map(torch.optim.AdamW.step, map(self._share, range(LANES))))
        return None

    def _share(self, lane: int) -> torch.optim.AdamW:
        """Return an optimizer of a share of the weights, which works on the state of this one."""
        share = torch.optim.AdamW.__new__(torch.optim.AdamW)
        groups = [group | {"params": dealt(group["params"], lane, torch.Tensor.numel)} for group in self.param_groups]
        share.__dict__ = self.__dict__ | {"param_groups": groups}
        return share


def optimizer(model: Any, decay: float, settings: TrainerSettings) -> tuple[type[torch.optim.Optimizer], dict[str, Any]]:
    """Return what transformers' Trainer makes its optimizer from."""
    groups = parameter_groups(model, decay, settings)
    return AdamW, {"params": groups, "lr": settings.learning_rate, "fused": True}


def parameter_groups(model: Any, decay: float, settings: TrainerSettings) -> list[dict[str, Any]]:
    """Return the optimizer's groups: learning rate by depth, no weight decay on biases and layer norms.

    The rate of encoder layer l of n is the peak rate times decay ** (n - l); the head has the peak rate.
    """
    layers = model.config.num_hidden_layers
    groups: dict[tuple[int, bool], list[torch.nn.Parameter]] = {}
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            groups.setdefault((depth(name, layers), not name.endswith(_NO_DECAY)), []).append(parameter)
    return [
        {
            "params": parameters,
            "lr": settings.learning_rate * decay ** (layers - place),
            "weight_decay": settings.weight_decay if decays else 0.0,
        }
        for (place, decays), parameters in groups.items()
    ]
