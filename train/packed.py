"""A BERT that labels tokens, made to be fast on a CPU: no padding, and the last layer only where labels are read.

The tokens of all windows stand one below the other, so that padding takes part in no product; attention alone lays them out as a grid.
The weights are those of transformers' model, and so is what is computed (tests/test_packed.py).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
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
    """Some rows of a table, and how they make a table of their own.

    The table of their own has `count` rows, of which those after the last one taken are padding: zeros when taken, without gradient.

    Attributes:
        index: where the rows stand, shape (n,).
        inverse: for every row of the table which of the n it is; n, the first row of padding, where it is none of them.
        count: more than n.
    """

    index: torch.Tensor
    inverse: torch.Tensor
    count: int

    @classmethod
    def at(cls, index: torch.Tensor, among: int) -> "Rows":
        """Return the rows at `index` of a table of `among` rows."""
        inverse = torch.full((among,), len(index)).index_copy_(0, index, torch.arange(len(index)))
        return cls(index, inverse, round_up(len(index) + 1, ROUND_TOKENS))

    def take(self, table: torch.Tensor) -> torch.Tensor:
        """Return the rows of a table as a table of their own, shape (count, channels)."""
        taken: torch.Tensor = Take.apply(table, self)  # type: ignore[no-untyped-call]
        return taken

    def put(self, rows: torch.Tensor) -> torch.Tensor:
        """Return a table that has these rows at their places, and a row of padding elsewhere."""
        table: torch.Tensor = Put.apply(rows, self)  # type: ignore[no-untyped-call]
        return table


class Take(torch.autograd.Function):
    """`Rows.take`."""

    @staticmethod
    def forward(ctx: Any, table: torch.Tensor, rows: Rows) -> torch.Tensor:
        """Copy the rows."""
        ctx.rows = rows
        taken = table.new_empty(rows.count, table.shape[1])
        torch.index_select(table, 0, rows.index, out=taken[: len(rows.index)])
        taken[len(rows.index) :] = 0
        return taken

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor, None]:
        """Put the gradients where the rows were; those of padding are zeros."""
        return Put.forward(ctx, gradients[0], ctx.rows), None


class Put(torch.autograd.Function):
    """`Rows.put`."""

    @staticmethod
    def forward(ctx: Any, rows: torch.Tensor, to: Rows) -> torch.Tensor:
        """Copy the rows."""
        ctx.rows = to
        return rows.index_select(0, to.inverse)

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor, None]:
        """Take the gradients from where the rows are."""
        return Take.forward(ctx, gradients[0], ctx.rows), None


class Dropout(nn.Module):
    """Dropout that draws from a generator of its own: four values at a time, from the quarters of a 64-bit number."""

    def __init__(self, share: float) -> None:
        super().__init__()
        self.generator = torch.Generator()
        self.scale = 1 / (1 - share)
        self.dropped = round(share * 2**16) - 2**15 - 1

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        """Zero a share of the values and scale up the others, in training only."""
        if not self.training or self.scale == 1:
            return states
        numbers = torch.empty(-(-states.numel() // 4), dtype=torch.int64).random_(_LOWEST, None, generator=self.generator)
        kept = numbers.view(torch.int16)[: states.numel()].clamp_(self.dropped, self.dropped + 1).sub_(self.dropped)  # 1, else 0
        return states * kept.view(states.shape).to(states.dtype).mul_(self.scale)


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
    """Where the tokens of a table stand among the (windows * length) of windows of like length.

    Every head of a token, of which a row of the table has `heads` for each of its parts (query, key, value), is a row in its own right.
    """

    tokens: Rows
    windows: int
    length: int
    heads: int
    _rows: dict[int, Rows] = field(default_factory=dict, repr=False)

    def split(self, states: torch.Tensor, parts: int) -> Sequence[torch.Tensor]:
        """Return the parts that stand side by side in the tokens' states, each of shape (windows * heads, length, size)."""
        rows = self.rows(parts)
        table = rows.put(states.view(rows.count, -1))
        return table.view(parts, self.windows * self.heads, self.length, -1).unbind()

    def join(self, heads: torch.Tensor) -> torch.Tensor:
        """Return the states of the tokens from those of every head."""
        return self.rows(1).take(heads.view(-1, heads.shape[-1])).view(self.tokens.count, -1)

    def rows(self, parts: int) -> Rows:
        """Return the heads of every part of the tokens as rows among those of the grid, part by part, window by window, head by head."""
        if parts not in self._rows:
            part, head = torch.arange(parts)[:, None], torch.arange(self.heads)
            place = self.tokens.index[:, None, None]
            index = ((part * self.windows + place // self.length) * self.heads + head) * self.length + place % self.length
            token = self.tokens.inverse.view(self.windows, 1, self.length)
            inverse = (token * parts + part[:, :, None, None]) * self.heads + head[:, None]
            self._rows[parts] = Rows(index.flatten(), inverse.flatten(), self.tokens.count * parts * self.heads)
        return self._rows[parts]


@dataclass(frozen=True)
class Reads:
    """Which tokens are read, and the grid in which they stand among themselves."""

    at: Rows
    grid: Grid

    @classmethod
    def of(cls, at: Rows, windows_read: torch.Tensor, grid: Grid) -> "Reads":
        """Return the grid that has room for the most reads of any window; `windows_read` is the window of each, shape (reads,)."""
        reads = torch.bincount(windows_read, minlength=grid.windows)
        most = round_up(int(reads.max()), ROUND_READS)
        first = reads.cumsum(0) - reads
        places = windows_read * most + torch.arange(len(windows_read)) - first[windows_read]
        return cls(at, Grid(Rows.at(places, grid.windows * most), grid.windows, most, grid.heads))


class Layer(nn.Module):
    """A BERT layer; the last answers only at the tokens that are read, and asks the others for keys and values alone."""

    def __init__(self, weights: Weights, layer: BertLayer, dropout: Dropout, *, last: bool) -> None:
        super().__init__()
        attention = layer.attention.self
        self.scaling, self.last = attention.scaling, last
        asked = attention.key, attention.value
        self.query = Dense(weights, attention.query) if last else nn.Identity()
        self.asked = Dense(weights, *asked) if last else Dense(weights, attention.query, *asked)
        self.attended = Dense(weights, layer.attention.output.dense)
        self.attended_norm = Norm(weights, layer.attention.output.LayerNorm)
        self.inner = Dense(weights, layer.intermediate.dense)
        self.outer = Dense(weights, layer.output.dense)
        self.outer_norm = Norm(weights, layer.output.LayerNorm)
        self.dropout = dropout

    def forward(self, states: torch.Tensor, grid: Grid, bias: torch.Tensor, reads: Reads) -> torch.Tensor:
        """Return the layer's output at every token, or at those that are read."""
        asking, answered = states, grid
        if self.last:
            asking, answered = reads.at.take(states), reads.grid
            (query,) = answered.split(self.query(asking), 1)
            key, value = grid.split(self.asked(states), 2)
        else:
            query, key, value = grid.split(self.asked(states), 3)
        scores = torch.baddbmm(bias, query, key.transpose(1, 2), alpha=self.scaling)
        shares = scores.softmax(-1, dtype=torch.float32).to(value.dtype)
        attended = self.attended_norm(asking + self.dropout(self.attended(answered.join(shares @ value))))
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
        self.heads = model.config.num_attention_heads
        layers: Any = model.bert.encoder.layer
        self.layers = nn.ModuleList([Layer(weights, layer, self.dropout, last=layer is layers[-1]) for layer in layers])
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
        tokens = Rows.at(places, windows * length)
        count = tokens.count
        grid = Grid(tokens, windows, length, self.heads)
        at = Rows.at(read.flatten()[places].nonzero().squeeze(1), count)
        reads = Reads.of(at, places[at.index] // length, grid)
        bias = torch.zeros(attention_mask.shape, dtype=self.dtype).masked_fill_(attention_mask == 0, torch.finfo(self.dtype).min)
        bias = bias.repeat_interleave(self.heads, 0).unsqueeze(1)
        words = functional.pad(input_ids.flatten()[places], (0, count - len(places)))
        places = functional.pad(places % length, (0, count - len(places)))
        states = functional.embedding(words, self.words) + functional.embedding(places, self.places) + self.segments[0]
        states = self.dropout(self.norm(states).to(self.dtype))
        for layer in self.layers:
            states = layer(states, grid, bias, reads)
        logits: torch.Tensor = self.classifier(self.dropout(states))
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
