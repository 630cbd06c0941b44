"""What can go wrong in a training besides the input, told in one line: full disk, no memory, a loss that is not a number."""

import errno
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from pickle import UnpicklingError  # noqa: TID251 - the name of torch's refusal, nothing is unpickled

import torch
from safetensors import SafetensorError

from data.errors import InputError
from train.ranks import processes
from train.settings import RunConfig

DISK_FULL = ("No space left on device", "Disk quota exceeded", "PytorchStreamWriter failed", "unexpected pos", "iostream error")
NO_MEMORY = ("out of memory", "not enough memory", "can't allocate memory", "Cannot allocate memory", "bad_alloc")
PEER_LOST = ("Connection closed by peer", "Connection reset by peer", "Broken pipe", "NCCL", "Timed out waiting")
SHOWN = 12
"""Example ids named at most."""


class NotANumber(Exception):
    """The loss became NaN or infinite; holds the step and the token ids of the batch's windows."""

    def __init__(self, step: int, windows: Sequence[Sequence[int]]) -> None:
        super().__init__(f"step {step}: the loss is not a number")
        self.step = step
        self.windows = [list(window) for window in windows]


@contextmanager
def explained(config: RunConfig, folder: Path) -> Iterator[None]:
    """Turn a full disk, a lack of memory and the death of another process into a line that says what to do.

    Raises:
        InputError: in place of these.
    """
    try:
        yield
    except (OSError, RuntimeError, MemoryError, SafetensorError) as error:
        if is_disk_full(error):
            free = shutil.disk_usage(folder).free / 2**20
            raise InputError(
                f"{folder}: disk full ({free:.0f} MB free); what was saved before is intact: make room and give the same command again"
            ) from error
        if is_out_of_memory(error):
            raise InputError(out_of_memory_advice(config)) from error
        if processes() > 1 and any(text in str(each) for each in chain(error) for text in PEER_LOST):
            raise InputError(f"{folder}: another process of the run has ended; the same command continues") from error
        raise
    except UnpicklingError:  # torch opens checkpoints for weights only
        raise InputError(f"{folder}: a checkpoint asks for code and was not opened; remove its checkpoints/ to train anew") from None


def chain(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an exception and those that led to it."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def is_disk_full(error: BaseException) -> bool:
    """Tell whether a write failed for lack of room; the libraries that write each have their own words for it."""
    return any(
        (isinstance(each, OSError) and each.errno in {errno.ENOSPC, errno.EDQUOT}) or any(text in str(each) for text in DISK_FULL)
        for each in chain(error)
    )


def is_out_of_memory(error: BaseException) -> bool:
    """Tell whether the processor's or the accelerator's memory did not suffice."""
    return any(
        isinstance(each, (MemoryError, torch.OutOfMemoryError)) or any(text in str(each) for text in NO_MEMORY) for each in chain(error)
    )


def out_of_memory_advice(config: RunConfig) -> str:
    """Say which settings to lower, with what they are now."""
    trainer, batch = config.trainer, config.trainer.per_device_train_batch_size
    half = max(1, batch // 2)
    settings = f"trainer.per_device_train_batch_size (now {batch})"
    if batch > 1:
        doubled = trainer.gradient_accumulation_steps * 2
        settings += f" to {half} with trainer.gradient_accumulation_steps {doubled}, which learns the same"
    return (
        f"out of memory: lower {settings}; or trainer.per_device_eval_batch_size (now {trainer.per_device_eval_batch_size}) "
        f"if it was evaluating, or model.max_length (now {config.model.max_length})"
    )


@contextmanager
def naming_examples(windows: Iterable[tuple[Sequence[int], Sequence[str]]], config: RunConfig) -> Iterator[None]:
    """Say which examples the batch held whose loss was not a number; of each window of the training data its token ids and example ids.

    Raises:
        InputError: in place of NotANumber.
    """
    try:
        yield
    except NotANumber as error:
        ids = list(dict.fromkeys(each for tokens, examples in windows if tokens in error.windows for each in examples))
        raise InputError(
            f"step {error.step}: the loss is not a number; the batch held {name_examples(ids)}; "
            f"lower trainer.learning_rate (now {config.trainer.learning_rate:g}) or look at these examples"
        ) from error


def name_examples(ids: Sequence[str]) -> str:
    """Return ids for a message, the first ones if there are many."""
    return ", ".join(ids[:SHOWN]) + (f" and {len(ids) - SHOWN} more" if len(ids) > SHOWN else "")
