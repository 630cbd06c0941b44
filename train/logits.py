"""Models as they are exported, plain tensors in and logits out; the last layer is computed only where they are read."""

from copy import deepcopy
from typing import Any

import torch
from torch import nn
from transformers.models.bert.modeling_bert import BertLayer


class ReadLayer(nn.Module):
    """A BERT layer that looks at every token and answers at `positions`, token positions of shape (windows, reads)."""

    positions: torch.Tensor

    def __init__(self, layer: BertLayer) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, hidden: torch.Tensor, attention_mask: torch.Tensor | None, *_: Any, **__: Any) -> torch.Tensor:
        """Return the layer's output at the positions, shape (windows, reads, channels)."""
        read = take(hidden, self.positions)
        attention = self.layer.attention.self

        def heads(states: torch.Tensor) -> torch.Tensor:
            return states.view(*states.shape[:-1], -1, attention.attention_head_size).transpose(1, 2)

        scores = heads(attention.query(read)) @ heads(attention.key(hidden)).transpose(2, 3) * attention.scaling
        if attention_mask is not None:
            scores = scores + attention_mask[:, :, :1]  # the same for whatever token looks
        attended = (scores.softmax(dim=-1) @ heads(attention.value(hidden))).transpose(1, 2).flatten(2)
        read = self.layer.attention.output(attended, read)
        output: torch.Tensor = self.layer.output(self.layer.intermediate(read), read)
        return output


class TokenLogits(nn.Module):
    """A model that labels tokens, as a function of plain tensors: its logits at the positions asked for.

    Where the encoder is BERT's the last layer is computed at these alone, elsewhere everywhere.
    """

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = deepcopy(model)
        layers = getattr(getattr(self.model.base_model, "encoder", None), "layer", None)
        self.last = ReadLayer(layers[-1]) if layers and isinstance(layers[-1], BertLayer) else None
        if layers and self.last:
            layers[-1] = self.last

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor, positions: torch.Tensor) -> torch.Tensor:
        """Return logits of shape (windows, reads, labels)."""
        if self.last:
            self.last.positions = positions
        logits: torch.Tensor = self.model(input_ids=input_ids, attention_mask=attention_mask).logits
        return logits if self.last else take(logits, positions)


class WindowLogits(nn.Module):
    """A model that labels windows as wholes, as a function of plain tensors."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = deepcopy(model)

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        """Return logits of shape (windows, labels)."""
        logits: torch.Tensor = self.model(input_ids=input_ids, attention_mask=attention_mask).logits
        return logits


def take(states: torch.Tensor, positions: torch.Tensor) -> torch.Tensor:
    """Return what stands at the positions, shape (windows, reads, channels), of states of shape (windows, tokens, channels)."""
    return states.gather(1, positions.unsqueeze(-1).expand(-1, -1, states.shape[-1]))
