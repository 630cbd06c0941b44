"""Which windows a step learns from: sentences of like length together, the same ones however many processes share a step."""

import hashlib
from collections.abc import Iterator, Sequence
from itertools import cycle, islice

import torch
from torch.utils.data import Sampler
from transformers.trainer_pt_utils import get_length_grouped_indices


def derived_seed(*parts: object) -> int:
    """Return a seed that depends on its parts alone, so that nothing needs to be remembered to continue."""
    return int.from_bytes(hashlib.sha256(repr(parts).encode()).digest()[:4], "big")


class RankBatches(Sampler[list[int]]):
    """The share of one process in every step of an epoch; the order depends on seed and epoch only.

    A step's windows are dealt out in turn, so that all processes get long and short ones. Where the last step has fewer windows than
    there are processes, those left without read its first one again.

    The data may come in several versions, whose lengths follow one another; each epoch reads the next of them. One that has fewer windows
    than the largest begins anew, so that all epochs have as many steps.
    """

    def __init__(
        self, versions: Sequence[Sequence[int]], batch_size: int, accumulation: int, seed: int, *, rank: int = 0, processes: int = 1
    ) -> None:
        self.versions = [list(lengths) for lengths in versions]
        self.windows = max(map(len, self.versions))
        self.batch_size = batch_size
        self.accumulation = accumulation
        self.seed = seed
        self.rank = rank
        self.processes = processes
        self.epoch = 0

    def __len__(self) -> int:
        """Return the batches of an epoch."""
        return -(-self.windows // self.batch_size)

    def __iter__(self) -> Iterator[list[int]]:
        """Yield this process's share of each batch of the current epoch."""
        generator = torch.Generator().manual_seed(derived_seed("order", self.seed, self.epoch))
        version = self.epoch % len(self.versions)
        first = sum(map(len, self.versions[:version]))
        lengths = self.versions[version]
        order: list[int] = get_length_grouped_indices(  # type: ignore[no-untyped-call]
            lengths, self.batch_size * self.accumulation, generator=generator
        )
        order = [first + index for index in islice(cycle(order), self.windows)]
        for start in range(0, len(order), self.batch_size):
            batch = order[start : start + self.batch_size]
            yield batch[self.rank :: self.processes] or batch[:1]
