"""Writing a run folder: what was scored, what was predicted, and the manifest that says how it came about."""

import hashlib
import platform
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from data.errors import InputError
from data.files import ROOT, read_text, write_json, write_jsonl, write_text
from data.items import to_item
from data.records import STANCES, Example
from eval.behaviour.cases import BEHAVIOUR
from train.config import RunConfig
from train.sources import Source

DONE = "DONE"
PACKAGES = ("torch", "transformers", "datasets", "accelerate", "scikit-learn", "numpy", "tokenizers", "safetensors")


def open_run(config: RunConfig, runs: Path) -> Path:
    """Return the folder of a run, made if need be; an unfinished run of the same config is continued.

    Raises:
        InputError: the folder holds a run of another config.
    """
    folder = runs / config.name
    path = folder / "config.yaml"
    if path.is_file():
        theirs, ours = read_text(path), config.to_yaml()
        if _without_seeds(theirs) != _without_seeds(ours):
            changed = [line.strip() for line in ours.splitlines() if line not in theirs.splitlines()]
            raise InputError(
                f"{folder}: holds a run of another config (differs in {', '.join(changed) or 'removed keys'}); "
                "give --overwrite to replace it, or --name for a folder of its own"
            )
    write_text(path, config.to_yaml())
    return folder


def _without_seeds(text: str) -> list[str]:
    kept = text.partition("seeds:")
    return [kept[0], *[line for line in kept[2].splitlines() if not line.startswith("- ")]]


def write_items(folder: Path, source: Source, splits: dict[str, list[Example]]) -> None:
    """Write the behaviour cases, and the scored examples with what reports break figures down by: genre, setting, title, phenomena."""
    for name, rows in splits.items():
        if name == BEHAVIOUR:
            write_jsonl(folder / f"{name}.jsonl", (row.model_dump() for row in rows))
        elif name != "train":
            write_jsonl(folder / "items" / f"{name}.jsonl", (to_item(row, source.by_id.get(row.doc_id)).model_dump() for row in rows))


def prediction_rows(rows: Sequence[Example], probabilities: np.ndarray) -> list[dict[str, Any]]:
    """Return prediction rows from probabilities of shape (n, 3), rounded to six digits."""
    return [
        {
            "id": row.id,
            "doc_id": row.doc_id,
            "actor": row.actor,
            "gold": row.stance,
            "pred": STANCES[int(np.argmax(values))],
            "probs": {stance: round(float(value), 6) for stance, value in zip(STANCES, values, strict=True)},
        }
        for row, values in zip(rows, probabilities, strict=True)
    ]


@dataclass(frozen=True)
class Cost:
    """What training one seed took."""

    wall_seconds: float
    cpu_seconds: float
    tokens_per_second: float | None
    parameters: int | None
    peak_memory_mb: float


def write_manifest(folder: Path, config: RunConfig, fingerprint: str, seed: int, cost: Cost, threads: int) -> None:
    """Write `run.json`: everything needed to tell whether another run should give the same bits."""
    commit, dirty = git_state()
    weights = folder / "model" / "model.safetensors"
    write_json(
        folder / "run.json",
        {
            "kind": config.model.kind,
            "config_hash": config.hash(),
            "data_fingerprint": fingerprint,
            "git_commit": commit,
            "git_dirty": dirty,
            "versions": {"python": platform.python_version(), **{name: version(name) for name in PACKAGES}},
            "hardware": {
                "processor": processor_name(),
                "cores": psutil.cpu_count(),
                "memory_gb": round(psutil.virtual_memory().total / 2**30),
            },
            "threads": threads,
            "seed": seed,
            **{key: round(value, 2) if isinstance(value, float) else value for key, value in asdict(cost).items()},
            "model_sha256": hashlib.sha256(weights.read_bytes()).hexdigest() if weights.is_file() else None,
            "finished": datetime.now(UTC).isoformat(timespec="seconds"),
            "command": [Path(sys.argv[0]).name, *sys.argv[1:]],
        },
    )


def git_state() -> tuple[str | None, bool | None]:
    """Return the commit of the source tree and whether it has uncommitted changes; None outside git."""

    def git(*arguments: str) -> str:
        return subprocess.run(["git", "-C", str(ROOT), *arguments], capture_output=True, text=True, check=True).stdout.strip()

    try:
        return git("rev-parse", "HEAD"), bool(git("status", "--porcelain", "--untracked-files=no"))
    except (OSError, subprocess.CalledProcessError):
        return None, None


def processor_name() -> str:
    """Return the processor's name as the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())
