"""Which of the processes of a run this is: alone, or one of those that torchrun, accelerate or Slurm started together."""

import os


def rank() -> int:
    """Return the number of this process among all of the run, over all hosts."""
    return int(os.environ.get("RANK", "0"))


def processes() -> int:
    """Return how many processes train together."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def is_first() -> bool:
    """Tell whether this process is the one that writes."""
    return rank() == 0


def backend() -> str:
    """Return how the processes talk to each other."""
    from torch.cuda import is_available

    return "nccl" if is_available() else "gloo"


def wait_for_all() -> None:
    """Wait until every process of the run has come here."""
    if processes() > 1:
        from accelerate import PartialState

        PartialState(cpu=backend() == "gloo", backend=backend()).wait_for_everyone()
