"""A training step dealt out to lanes: each reads its share of the windows on a thread of its own.

Where all threads share every operation instead, they wait for each other at its end, and what does not divide weighs double. What a
lane reads, and how the lanes are summed, does not depend on the number of threads: neither do the bits, up to as many as there are lanes.
"""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar

import torch
from torch import nn
from torch.nn.utils import clip_grads_with_norm_, get_total_norm

from train.batches import derived_seed
from train.packed import PackedReader, product_weights, stack
from train.windows import IGNORED

LANES = 2

Thing = TypeVar("Thing")
Loss = Callable[[dict[str, torch.Tensor], torch.Tensor], torch.Tensor]
"""Returns what a share of a batch adds to its loss, from {"logits": shape (reads, classes)} and labels of shape (reads,)."""


@dataclass(frozen=True)
class Shared:
    """Some weights of a model one below the other, as all lanes read them, and the parameter that each lane has a gradient for."""

    sources: tuple[nn.Parameter, ...]
    values: torch.Tensor
    copies: list[nn.Parameter] = field(default_factory=list)

    def parts(self, stacked: torch.Tensor) -> Sequence[torch.Tensor]:
        """Return what belongs to each source."""
        parts: Sequence[torch.Tensor] = stacked.split([len(source) for source in self.sources])  # type: ignore[no-untyped-call]
        return parts

    @cached_property
    def total(self) -> torch.Tensor:
        """The place of the sources' gradients: memory that is taken anew at every step costs as much as the sum."""
        return torch.empty(self.values.shape, dtype=self.sources[0].dtype)

    def refresh(self) -> None:
        """Take over what the optimizer made of the weights."""
        if self.values.data_ptr() != self.sources[0].data_ptr():
            for part, source in zip(self.parts(self.values), self.sources, strict=True):
                part.copy_(source.detach())

    def collect(self) -> None:
        """Add the gradients of all lanes to those of the weights, in the lanes' order."""
        gradients = [copy.grad for copy in self.copies if copy.grad is not None]
        if gradients:
            if self.sources[0].grad is None:
                self.total.copy_(gradients.pop(0))
            for gradient in gradients:
                self.total.add_(gradient)
            for source, part in zip(self.sources, self.parts(self.total), strict=True):
                source.grad = part
        for copy in self.copies:
            copy.grad = None


def dealt(things: Iterable[Thing], lane: int, size: Callable[[Thing], int]) -> list[Thing]:
    """Return the things that fall to a lane, which add up to about as much in each."""
    return sorted(things, key=size, reverse=True)[lane::LANES]


class Lanes:
    """Readers that share a model's weights and have gradients of their own.

    Args:
        model: whose weights are trained, on the CPU (`train.packed.fits`).
        dtype: of matrix products; their weights are cast once a step, for all lanes.
        threads: of this process.
    """

    def __init__(self, model: Any, dtype: torch.dtype, threads: int) -> None:
        self.dtype = dtype
        self.shared: dict[tuple[int, ...], Shared] = {}
        self.products = product_weights(model)
        self.readers = [PackedReader(model, self._weights, dtype).train() for _ in range(LANES)]
        self.halves = [dealt(self.shared.values(), lane, lambda shared: shared.values.numel()) for lane in range(LANES)]
        self.pool = ThreadPoolExecutor(min(LANES, threads), initializer=torch.set_num_threads, initargs=(max(1, threads // LANES),))

    def __enter__(self) -> "Lanes":
        return self

    def __exit__(self, *_: object) -> None:
        """End the threads: what memory they kept is taken over by those that come next."""
        self.pool.shutdown()

    def learn(self, seed: int, inputs: dict[str, torch.Tensor], passes: int, loss: Loss) -> torch.Tensor:
        """Add the gradients of a batch to those of the model; return its loss.

        Args:
            seed: of dropout.
            inputs: input_ids, attention_mask and labels, dealt out along the first dimension.
            passes: how often each window is read, each time under other dropout.
        """

        def read(lane: int) -> torch.Tensor:
            reader = self.readers[lane]
            reader.dropout.generator.manual_seed(derived_seed("lane", seed, lane))
            words, mask, labels = (torch.cat([inputs[name][lane::LANES]] * passes) for name in ("input_ids", "attention_mask", "labels"))
            read = labels != IGNORED
            value = loss({"logits": reader(words, mask, read)}, labels[read])
            value.backward()  # type: ignore[no-untyped-call]
            return value.detach()

        list(self.pool.map(self._refresh, range(LANES)))
        losses = list(self.pool.map(read, range(min(LANES, len(inputs["labels"])))))
        list(self.pool.map(self._collect, range(LANES)))
        return torch.stack(losses).sum()

    def answer(self, inputs: dict[str, torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
        """Return what the model says where a batch has labels, shape (reads, classes), and these labels; without dropout."""

        def read(lane: int) -> tuple[torch.Tensor, torch.Tensor]:
            reader = self.readers[lane].eval()
            words, mask, labels = (inputs[name][lane::LANES] for name in ("input_ids", "attention_mask", "labels"))
            with torch.no_grad():
                logits = reader(words, mask, labels != IGNORED)
            reader.train()
            return logits.float(), labels[labels != IGNORED]

        list(self.pool.map(self._refresh, range(LANES)))
        logits, labels = zip(*self.pool.map(read, range(min(LANES, len(inputs["labels"])))), strict=True)
        return torch.cat(logits), torch.cat(labels)

    def clip(self, most: float) -> torch.Tensor:
        """Scale the gradients down to a norm of at most so much; return the norm they had."""
        sources = [[source for shared in half for source in shared.sources if source.grad is not None] for half in self.halves]
        norms = self.pool.map(lambda half: get_total_norm([source.grad for source in half]), sources)
        norm: torch.Tensor = torch.linalg.vector_norm(torch.stack(list(norms)))
        list(self.pool.map(lambda half: clip_grads_with_norm_(half, most, norm), sources))
        return norm

    def _refresh(self, lane: int) -> None:
        for shared in self.halves[lane]:
            shared.refresh()

    def _collect(self, lane: int) -> None:
        for shared in self.halves[lane]:
            shared.collect()

    def _weights(self, *sources: nn.Parameter) -> nn.Parameter:
        """Return the parameter of the next lane for these weights."""
        dtype = self.dtype if id(sources[0]) in self.products else sources[0].dtype
        key = tuple(map(id, sources))
        shared = self.shared.get(key) or self.shared.setdefault(key, Shared(sources, stack(sources, dtype)))
        copy = nn.Parameter(shared.values, requires_grad=sources[0].requires_grad)
        shared.copies.append(copy)
        return copy
