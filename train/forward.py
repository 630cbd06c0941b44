"""Windows through a trained model with PyTorch: on a CPU each thread reads passes of its own, without padding where the model allows it."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import numpy as np
import torch
from torch import nn

from train.packed import PackedReader, fits, product_weights, stack
from train.windows import Window, spread

FEWEST_PASSES = 2
"""A few windows, those of an article, are shared by two threads; how many there are decides no bit of the answers."""


@dataclass(frozen=True)
class Forward:
    """A model as what windows are put through; on a CPU its products may be computed in bfloat16."""

    model: Any
    pad_token_id: int
    dtype: torch.dtype = torch.float32

    @cached_property
    def packed(self) -> PackedReader | None:
        """The reader of the model's weights, where it can read them."""
        if self.model.device.type != "cpu" or not fits(self.model):
            return None
        products = product_weights(self.model)

        def weights(*sources: nn.Parameter) -> torch.Tensor:
            return stack(sources, self.dtype if id(sources[0]) in products else sources[0].dtype)

        return PackedReader(self.model, weights, self.dtype).eval()

    def __call__(self, windows: Sequence[Window], batch_size: int) -> Iterator[tuple[Window, np.ndarray]]:
        """Yield every window with its logits by token, those of like length together, the longest first; unread tokens may have 0."""
        order = sorted(windows, key=lambda window: len(window.input_ids), reverse=True)
        size = batch_size if self.packed is None else min(batch_size, max(1, -(-len(order) // FEWEST_PASSES)))
        batches = [order[start : start + size] for start in range(0, len(order), size)]
        if self.packed is None:
            self.model.eval()
            outputs: Iterator[Any] = map(self._read_padded, batches)
            yield from (pair for batch, logits in zip(batches, outputs, strict=True) for pair in zip(batch, logits, strict=True))
            return
        with ThreadPoolExecutor(torch.get_num_threads(), initializer=torch.set_num_threads, initargs=(1,)) as pool:
            for batch, read in zip(batches, pool.map(partial(self._read_packed, self.packed), batches), strict=True):
                yield from zip(batch, read, strict=True)

    @torch.inference_mode()
    def _read_padded(self, batch: Sequence[Window]) -> np.ndarray:
        words, mask = (each.to(self.model.device) for each in self._pad(batch))
        logits: np.ndarray = self.model(input_ids=words, attention_mask=mask).logits.float().cpu().numpy()
        return logits

    @torch.inference_mode()
    def _read_packed(self, packed: PackedReader, batch: Sequence[Window]) -> list[np.ndarray]:
        words, mask = self._pad(batch)
        read = torch.zeros_like(mask, dtype=torch.bool)
        for row, window in zip(read, batch, strict=True):
            row[list(window.read_at)] = True
        logits = packed(words, mask, read).float().numpy()
        ends = np.cumsum([len(window.read_at) for window in batch])
        return spread(batch, np.split(logits, ends[:-1]))

    def _pad(self, batch: Sequence[Window]) -> tuple[torch.Tensor, torch.Tensor]:
        """Return token ids and attention mask, shape (windows, longest)."""
        lengths = [len(window.input_ids) for window in batch]
        words = torch.full((len(batch), max(lengths)), self.pad_token_id)
        for row, window in zip(words, batch, strict=True):
            row[: len(window.input_ids)] = torch.tensor(window.input_ids)
        return words, (torch.arange(max(lengths)) < torch.tensor(lengths)[:, None]).long()
