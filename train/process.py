"""Settings of this process that decide its bits and its speed: threads, deterministic kernels, memory kept for the next step."""

import contextlib
import ctypes
import gc
import os
from collections.abc import Iterator

import torch
from threadpoolctl import threadpool_limits

KERNELS_KEPT = "512"
"""Compiled CPU kernels that oneDNN keeps, one for every shape of a product: more than lanes meet, since they round up (train/packed.py)."""


def prepare_process(threads: int) -> None:
    """Set this process up for training; 0 threads leaves their number alone."""
    os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", KERNELS_KEPT)  # read at the first matrix product
    if threads:
        threadpool_limits(threads)  # also those of NumPy and SciPy, whose sums depend on them as well
        torch.set_num_threads(threads)
    if torch.cuda.is_available():
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        torch.use_deterministic_algorithms(True, warn_only=True)
    keep_freed_memory()


@contextlib.contextmanager
def using_threads(number: int) -> Iterator[None]:
    """Compute on so many threads within."""
    before = torch.get_num_threads()
    torch.set_num_threads(number)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def keep_freed_memory() -> None:
    """Tell glibc to keep large freed blocks; page-faulting them in anew at every step costs a tenth of the training time."""
    trim_threshold, mmap_threshold, bytes_kept = -1, -3, 2**30
    _tell_glibc("mallopt", mmap_threshold, bytes_kept)
    _tell_glibc("mallopt", trim_threshold, bytes_kept)


def return_freed_memory() -> None:
    """Collect garbage and have glibc return what it kept, after what took the most."""
    gc.collect()
    _tell_glibc("malloc_trim", 0)


def _tell_glibc(function: str, *arguments: int) -> None:
    with contextlib.suppress(OSError, AttributeError):  # another C library
        getattr(ctypes.CDLL("libc.so.6"), function)(*arguments)
