"""A BERT that labels tokens, made to be fast on a CPU: no padding, and the last layer only where labels are read.

The tokens of all windows stand one below the other, so that padding takes part in no product; attention alone lays them out as a grid.
The weights are those of transformers' model, and so is what is computed (tests/test_packed.py).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.nn import functional
from transformers.models.bert.modeling_bert import BertForTokenClassification, BertLayer

ROUND_TOKENS, ROUND_LENGTH, ROUND_READS = 32, 8, 4
"""Numbers of rows are rounded up to these: oneDNN makes a kernel anew for every shape, which takes as long as a third of a product."""
_LOWEST = torch.iinfo(torch.int64).min

Weights = Callable[..., torch.Tensor]
"""Returns some of a model's parameters, one below the other, as the tensor that this reader learns."""


@dataclass(frozen=True)
class Rows:
    """Some rows among others: n of them, at `index`, which as a table of their own are followed by zeros up to `count`."""

    index: torch.Tensor
    count: int

    @classmethod
    def at(cls, index: torch.Tensor) -> "Rows":
        """Return the rows at `index`, their table rounded up."""
        return cls(index, round_up(len(index), ROUND_TOKENS))

    def take(self, table: torch.Tensor) -> torch.Tensor:
        """Return the rows of a table as a table of their own, shape (count, channels)."""
        taken: torch.Tensor = Take.apply(table, self)  # type: ignore[no-untyped-call]
        return taken

    def put(self, rows: torch.Tensor, into: int) -> torch.Tensor:
        """Return a table of `into` rows that has these at their places and zeros elsewhere."""
        table: torch.Tensor = Put.apply(rows, self, into)  # type: ignore[no-untyped-call]
        return table


class Take(torch.autograd.Function):
    """`Rows.take`."""

    @staticmethod
    def forward(ctx: Any, table: torch.Tensor, rows: Rows) -> torch.Tensor:
        """Copy the rows."""
        ctx.rows, ctx.into = rows, len(table)
        taken = table.new_zeros(rows.count, table.shape[1])
        torch.index_select(table, 0, rows.index, out=taken[: len(rows.index)])
        return taken

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor, None]:
        """Put the gradients where the rows were."""
        return Put.forward(ctx, gradients[0], ctx.rows, ctx.into), None


class Put(torch.autograd.Function):
    """`Rows.put`."""

    @staticmethod
    def forward(ctx: Any, table: torch.Tensor, rows: Rows, into: int) -> torch.Tensor:
        """Copy the rows."""
        ctx.rows = rows
        return table.new_zeros(into, table.shape[1]).index_copy_(0, rows.index, table[: len(rows.index)])

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor, None, None]:
        """Take the gradients from where the rows are."""
        return Take.forward(ctx, gradients[0], ctx.rows), None, None


class Dropout(nn.Module):
    """Dropout that draws from a generator of its own: four values at a time, from the quarters of a 64-bit number."""

    def __init__(self, share: float) -> None:
        super().__init__()
        self.generator = torch.Generator()
        self.scale = 1 / (1 - share)
        self.lowest_kept = round(share * 2**16) - 2**15

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        """Zero a share of the values and scale up the others, in training only."""
        if not self.training or self.scale == 1:
            return states
        numbers = torch.empty(-(-states.numel() // 4), dtype=torch.int64).random_(_LOWEST, None, generator=self.generator)
        kept = numbers.view(torch.int16)[: states.numel()].view(states.shape) >= self.lowest_kept
        return states * kept.to(states.dtype).mul_(self.scale)


class Dense(nn.Module):
    """Linear layers of the same input as one product."""

    def __init__(self, weights: Weights, *layers: nn.Linear) -> None:
        super().__init__()
        self.weight = weights(*(layer.weight for layer in layers))
        self.bias = weights(*(layer.bias for layer in layers))

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        """Return what the layers make of the states, side by side."""
        return functional.linear(states, self.weight, self.bias)


class Norm(nn.Module):
    """Layer normalisation."""

    def __init__(self, weights: Weights, layer: nn.LayerNorm) -> None:
        super().__init__()
        self.weight, self.bias = weights(layer.weight), weights(layer.bias)
        self.eps = layer.eps

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        """Return the states normalised."""
        return functional.layer_norm(states, states.shape[-1:], self.weight, self.bias, self.eps)


@dataclass(frozen=True)
class Grid:
    """Where the tokens of some windows stand: `rows` of a table of (windows * length) tokens."""

    rows: Rows
    windows: int
    length: int

    def heads(self, states: torch.Tensor, size: int) -> torch.Tensor:
        """Return the tokens' states as every head has them, shape (windows * heads, length, size)."""
        table = self.rows.put(states, self.windows * self.length)
        return table.view(self.windows, self.length, -1, size).transpose(1, 2).reshape(-1, self.length, size)

    def tokens(self, heads: torch.Tensor) -> torch.Tensor:
        """Return the states of the tokens from those of every head."""
        size = heads.shape[-1]
        table = heads.view(self.windows, -1, self.length, size).transpose(1, 2).reshape(self.windows * self.length, -1)
        return self.rows.take(table)


@dataclass(frozen=True)
class Reads:
    """Which tokens are read, and the grid in which they stand among themselves."""

    at: Rows
    grid: Grid

    @classmethod
    def of(cls, at: Rows, windows_read: torch.Tensor, windows: int) -> "Reads":
        """Return the grid that has room for the most reads of any window; `windows_read` is the window of each, shape (reads,)."""
        reads = torch.bincount(windows_read, minlength=windows)
        most = round_up(int(reads.max()), ROUND_READS)
        first = reads.cumsum(0) - reads
        places = windows_read * most + torch.arange(len(windows_read)) - first[windows_read]
        return cls(at, Grid(Rows(places, at.count), windows, most))


class Layer(nn.Module):
    """A BERT layer."""

    def __init__(self, weights: Weights, layer: BertLayer, dropout: Dropout) -> None:
        super().__init__()
        attention = layer.attention.self
        self.size, self.scaling = attention.attention_head_size, attention.scaling
        self.query = Dense(weights, attention.query)
        self.key_value = Dense(weights, attention.key, attention.value)
        self.attended = Dense(weights, layer.attention.output.dense)
        self.attended_norm = Norm(weights, layer.attention.output.LayerNorm)
        self.inner = Dense(weights, layer.intermediate.dense)
        self.outer = Dense(weights, layer.output.dense)
        self.outer_norm = Norm(weights, layer.output.LayerNorm)
        self.dropout = dropout

    def forward(self, states: torch.Tensor, grid: Grid, bias: torch.Tensor, reads: Reads | None = None) -> torch.Tensor:
        """Return the layer's output at every token, or at those that are read."""
        asking, asked = (reads.at.take(states), reads.grid) if reads else (states, grid)
        query = asked.heads(self.query(asking), self.size)
        key, value = (grid.heads(half, self.size) for half in self.key_value(states).chunk(2, dim=-1))
        scores = torch.baddbmm(bias, query, key.transpose(1, 2), alpha=self.scaling)
        shares = scores.softmax(-1, dtype=torch.float32).to(value.dtype)
        attended = self.attended_norm(asking + self.dropout(self.attended(asked.tokens(shares @ value))))
        inner = functional.gelu(self.inner(attended))
        output: torch.Tensor = self.outer_norm(attended + self.dropout(self.outer(inner)))
        return output


class PackedReader(nn.Module):
    """Reads a batch as transformers' model does and returns its logits where they are wanted.

    Args:
        model: a BERT with absolute positions whose activation is GELU (see `fits`).
        weights: says which tensors stand for its parameters.
        dtype: of the products.
    """

    def __init__(self, model: BertForTokenClassification, weights: Weights, dtype: torch.dtype) -> None:
        super().__init__()
        embeddings = model.bert.embeddings
        self.dtype = dtype
        self.words = weights(embeddings.word_embeddings.weight)
        self.places = weights(embeddings.position_embeddings.weight)
        self.segments = weights(embeddings.token_type_embeddings.weight)
        self.norm = Norm(weights, embeddings.LayerNorm)
        self.dropout = Dropout(model.config.hidden_dropout_prob)
        layers: Any = model.bert.encoder.layer
        self.heads = model.config.num_attention_heads
        self.layers = nn.ModuleList([Layer(weights, layer, self.dropout) for layer in layers])
        self.classifier = Dense(weights, model.classifier)

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor, read: torch.Tensor) -> torch.Tensor:
        """Return logits of shape (reads, classes), window after window.

        Args:
            input_ids: shape (windows, longest), as `attention_mask` and `read`.
            read: true at the tokens whose logits are wanted.
        """
        windows, longest = input_ids.shape
        length = round_up(longest, ROUND_LENGTH)
        input_ids, attention_mask, read = (functional.pad(each, (0, length - longest)) for each in (input_ids, attention_mask, read))
        places = attention_mask.flatten().nonzero().squeeze(1)
        grid = Grid(Rows.at(places), windows, length)
        at = Rows.at(read.flatten()[places].nonzero().squeeze(1))
        reads = Reads.of(at, places[at.index] // length, windows)
        bias = torch.zeros(attention_mask.shape, dtype=self.dtype).masked_fill_(attention_mask == 0, torch.finfo(self.dtype).min)
        bias = bias.repeat_interleave(self.heads, 0).unsqueeze(1)
        words = functional.pad(input_ids.flatten()[places], (0, grid.rows.count - len(places)))
        places = functional.pad(places % length, (0, grid.rows.count - len(places)))
        states = functional.embedding(words, self.words) + functional.embedding(places, self.places) + self.segments[0]
        states = self.dropout(self.norm(states).to(self.dtype))
        *lower, last = self.layers
        for layer in lower:
            states = layer(states, grid, bias)
        logits: torch.Tensor = self.classifier(self.dropout(last(states, grid, bias, reads)))
        return logits[: len(at.index)]


def fits(model: Any) -> bool:
    """Tell whether `PackedReader` computes what this model does."""
    if not isinstance(model, BertForTokenClassification):
        return False
    config = model.config
    return (
        config.hidden_act == "gelu"
        and not config.is_decoder
        and not config.attention_probs_dropout_prob
        and config.classifier_dropout in (None, config.hidden_dropout_prob)
    )


def product_weights(model: nn.Module) -> set[int]:
    """Return the ids of the parameters that take part in matrix products, which may be computed in fewer bits."""
    return {id(each) for layer in model.modules() if isinstance(layer, nn.Linear) for each in layer.parameters()}


def stack(sources: Sequence[nn.Parameter], dtype: torch.dtype) -> torch.Tensor:
    """Return weights one below the other in a type; the values of a single one that has it already are not copied."""
    values = sources[0].detach() if len(sources) == 1 else torch.cat([source.detach() for source in sources])
    return values.to(dtype)


def round_up(number: int, multiple: int) -> int:
    """Return the next multiple; of nothing the first, since an empty product has no kernel."""
    return max(1, -(-number // multiple)) * multiple
