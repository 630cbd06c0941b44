"""Checkpoints that are known to be whole: sealed with the hash of every file, checked before use, pruned."""

import hashlib
import shutil
import sys
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from data.errors import InputError
from data.files import read_json, write_json

SEAL = "seal.json"
STATE = "trainer_state.json"
KEPT = 2
"""How many of the newest checkpoints stay: the last one may turn out damaged."""


@dataclass(frozen=True)
class Carried:
    """What the checkpoint holds beside the files of transformers.

    Attributes:
        wall_seconds: spent so far, over all processes that had a share in it.
        cpu_seconds: likewise.
        loss_sums: losses since the last line of the training curve, one a process.
        logged_step: the step of that line.
        logged_sum: losses before it.
    """

    wall_seconds: float = 0.0
    cpu_seconds: float = 0.0
    loss_sums: list[float] = field(default_factory=list)
    logged_step: int = 0
    logged_sum: float = 0.0


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint that can be used."""

    folder: Path
    carried: Carried
    state: dict[str, Any]

    @property
    def ends_training(self) -> bool:
        """Tell whether nothing is left to train after it: all steps are done, or early stopping said so."""
        control = self.state.get("stateful_callbacks", {}).get("TrainerControl", {}).get("args", {})
        return bool(control.get("should_training_stop")) or self.state["global_step"] >= self.state["max_steps"]


def seal(folder: Path, carried: Carried) -> None:
    """Mark a checkpoint as whole; the last file that is written into it."""
    files = {path.name: sha256(path) for path in sorted(folder.iterdir()) if path.name != SEAL}
    write_json(folder / SEAL, {"files": files, "carried": asdict(carried)})


def latest_usable(folder: Path) -> Checkpoint | None:
    """Return the newest checkpoint that is whole, as is the best one that it builds on; say which ones are not.

    Those that were being written when the process was killed have no seal and are removed without a word.
    """
    for path in newest_first(folder):
        if not (path / SEAL).is_file():
            shutil.rmtree(path)
            continue
        fault = find_fault(path)
        if fault is None:
            state = read_json(path / STATE)
            best = folder / f"checkpoint-{state['best_global_step']}" if state.get("best_global_step") else path
            fault = find_fault(best)
            if fault is None:
                return Checkpoint(path, Carried(**read_json(path / SEAL).get("carried", {})), state)
        print(f"note: {fault}; going back to the checkpoint before", file=sys.stderr)
        shutil.rmtree(path)
    return None


def find_fault(folder: Path) -> str | None:
    """Return what is wrong with a checkpoint, None if every file is as it was sealed."""
    try:
        sealed = read_json(folder / SEAL)["files"]
    except (InputError, KeyError, TypeError):
        return f"{folder}: damaged, {SEAL} cannot be read"
    for name, expected in sealed.items():
        path = folder / name
        if not path.is_file():
            return f"{path}: missing"
        if sha256(path) != expected:
            return f"{path}: damaged, its SHA-256 is not the one it was saved with"
    return None


def prune(folder: Path) -> None:
    """Remove all but the newest checkpoints and the best ones that they build on."""
    found = newest_first(folder)
    kept = {path.name for path in found[:KEPT]}
    kept |= {f"checkpoint-{read_json(path / STATE).get('best_global_step')}" for path in found[:KEPT]}
    for path in found:
        if path.name not in kept:
            shutil.rmtree(path)


def newest_first(folder: Path) -> list[Path]:
    """Return the checkpoint folders, latest step first."""
    found = [path for path in folder.glob("checkpoint-*") if path.name.removeprefix("checkpoint-").isdigit()]
    return sorted(found, key=lambda path: int(path.name.removeprefix("checkpoint-")), reverse=True)


def sha256(path: Path) -> str:
    """Return the hash of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
