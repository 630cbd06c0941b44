"""Learning from finished runs: a row's gold stance is mixed with what they say of it (Hinton et al. 2015).

Teachers are finished runs. What they are unsure of tells a student more than the label does, and averaged over several it keeps the
student from learning by heart what any one of them got wrong.
"""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from data.errors import InputError
from data.files import read_object
from data.records import STANCE_ID, STANCES, Example
from train import averaging
from train.checkpoints import sha256
from train.config import load_config
from train.loading import open_run, seed_number, seeds_of
from train.settings import DataSettings, RunConfig
from train.sources import same_data

BATCH_SIZE = 64
KEY = "data.teachers"


def taught(rows: Sequence[Example], settings: DataSettings) -> dict[str, np.ndarray]:
    """Return the distribution over stances, shape (3,), that is learned for each row, by its id; none without teachers.

    Args:
        rows: the training rows as they are labelled, with their own names and contexts.
        settings: say who the teachers are and how much they count.

    Raises:
        InputError: a teacher is no finished run.
    """
    if not settings.teachers:
        return {}
    share = settings.teachers_weight
    gold = np.eye(len(STANCES))[[STANCE_ID[row.stance] if row.stance else 0 for row in rows]]
    mixed = (1 - share) * gold + share * probabilities(rows, settings.teachers)
    return {row.id: distribution for row, distribution in zip(rows, mixed, strict=True)}


def probabilities(rows: Sequence[Example], teachers: Sequence[str]) -> np.ndarray:
    """Return the mean of what all finished seeds of the teachers say, uncalibrated, shape (n, 3).

    Raises:
        InputError: a teacher is no finished run.
    """
    said = [open_run(path.parent, seed_number(path)).uncalibrated(rows, BATCH_SIZE) for path in seeds_of(teachers, KEY)]
    mean: np.ndarray = np.mean(said, axis=0)
    return mean


def check_learned(config: RunConfig, fingerprint: str) -> None:
    """Refuse seeds to learn from, to average or to start at that are not there, or saw another state of the same data.

    Its test split may be another, so that they may have learned from what the run is tested on.

    Raises:
        InputError: so it is.
    """
    for key, seeds in [*_learned(config).items(), (averaging.KEY, _seed_around(Path(config.model.weights)))]:
        for path in seeds:
            theirs = load_config(path.parent / "config.yaml").data
            learned = read_object(path / "run.json").get("data_fingerprint")
            if same_data(theirs, config.data) and learned != fingerprint:
                raise InputError(
                    f"{key}: {path.parent} learned from another state of the data ({learned}, now {fingerprint}), in which "
                    "test documents may have been for training; train it again with --overwrite"
                )


def learned_sha256(config: RunConfig) -> str | None:
    """Return a hash of the weights of all seeds that a run learns from or averages, None where there are none."""
    hashes = [sha256(path / "model" / "model.safetensors") for seeds in _learned(config).values() for path in seeds]
    return hashlib.sha256(" ".join(hashes).encode()).hexdigest() if hashes else None


def _learned(config: RunConfig) -> dict[str, list[Path]]:
    return {KEY: seeds_of(config.data.teachers, KEY), averaging.KEY: averaging.averaged_seeds(config.model.weights)}


def _seed_around(weights: Path) -> list[Path]:
    """Return the folder of the finished seed that a path of weights lies in, none where it lies elsewhere."""
    if not weights.exists():
        return []
    path = weights.resolve()
    return [seed for seed in (path, *path.parents) if (seed / "run.json").is_file() and (seed.parent / "config.yaml").is_file()][:1]
