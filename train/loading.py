"""Opening a finished run: its config, its calibration and what scores example rows with it (PyTorch or ONNX)."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from data.errors import InputError
from data.files import ROOT, check_links
from data.records import Example, limit_context
from data.spans import MarkedSentence
from eval.calibration import Calibration
from train.backends import Backend, is_torch
from train.config import load_config
from train.runs import DONE
from train.settings import BASELINES, ModelSettings, RunConfig
from train.tagging import Offsets


class Scorer(Protocol):
    """What turns example rows into stance probabilities, in passes of as many windows as suit it unless `batch_size` is given."""

    def score(self, rows: Sequence[Example], batch_size: int | None = None) -> np.ndarray:
        """Return uncalibrated probabilities in the order of STANCES, shape (n, 3)."""

    def detect(self, sentences: Sequence[MarkedSentence], settings: ModelSettings, batch_size: int | None = None) -> list[list[Offsets]]:
        """Return the mentions found in each sentence."""


@dataclass(frozen=True)
class OpenRun:
    """A trained model with its settings and what dev said about its confidences; `folder` is that of the seed."""

    folder: Path
    config: RunConfig
    scorer: Scorer
    calibration: Calibration

    @property
    def corpus_folder(self) -> Path:
        """Return the corpus that the run was trained on."""
        return ROOT / self.config.data.corpus

    @property
    def detects(self) -> bool:
        """Tell whether the model finds mentions too."""
        return self.config.model.detect_actors

    def detect(self, sentences: Sequence[MarkedSentence]) -> list[list[Offsets]]:
        """Return the mentions found in each sentence, by a run of `model.detect_actors`."""
        return self.scorer.detect(sentences, self.config.model)

    def probabilities(self, rows: Sequence[Example], batch_size: int | None = None) -> np.ndarray:
        """Return calibrated probabilities, shape (n, 3)."""
        if not rows:
            return np.zeros((0, 3))
        return self.calibration.apply(self.uncalibrated(rows, batch_size))

    def uncalibrated(self, rows: Sequence[Example], batch_size: int | None = None) -> np.ndarray:
        """Return probabilities as the model gives them, shape (n, 3); without context it was trained without, contexts are left out."""
        return self.scorer.score(limit_context(rows, self.config.data.context_sentences), batch_size)


def open_run(folder: Path, seed: int | None = None, backend: Backend = "torch", threads: int = 0) -> OpenRun:
    """Open a seed of a run; the first finished one unless `seed` says which.

    Raises:
        InputError: no such run, no finished seed, a kind that saves no model, or no export for an ONNX backend.
    """
    config, path = find_seed(folder, seed)
    calibration = Calibration.read(path / "calibration.json")
    return OpenRun(path, config, open_scorer(path, config.model, backend, threads), calibration)


def find_seed(folder: Path, seed: int | None = None) -> tuple[RunConfig, Path]:
    """Return a run's config and the folder of a finished seed.

    Raises:
        InputError: no such run, no finished seed, or a kind that saves no model.
    """
    if not (folder / "config.yaml").is_file():
        raise InputError(f"{folder}: not a run folder (no config.yaml); train one with make train")
    check_links(folder)
    config = load_config(folder / "config.yaml")
    if config.model.kind in BASELINES:
        raise InputError(f"{folder}: {config.model.kind} is a baseline and saves no model")
    if config.model.kind == "setfit":
        raise InputError(f"{folder}: setfit is a peer to compare with; only span and pair models are opened")
    finished = finished_seeds(folder)
    chosen = [path for path in finished if seed is None or seed_number(path) == seed]
    if not chosen:
        have = ", ".join(path.name for path in finished) or "none"
        raise InputError(f"{folder}: incomplete, no finished seed{'' if seed is None else f' {seed}'} (finished: {have})")
    if not (chosen[0] / "model" / "config.json").is_file():
        raise InputError(f"{chosen[0] / 'model'}: no saved model; the run is of another version, train it again")
    return config, chosen[0]


def finished_seeds(folder: Path) -> list[Path]:
    """Return the folders of a run's finished seeds in their order."""
    return sorted((path for path in folder.glob("seed-*") if (path / DONE).is_file()), key=seed_number)


def seeds_of(runs: Sequence[str], key: str) -> list[Path]:
    """Return the folders of all finished seeds of runs that the setting `key` names, relative to the project's root.

    Raises:
        InputError: one of them is no finished run; the setting is named.
    """
    for name in runs:
        try:
            find_seed(ROOT / name)
        except InputError as error:
            raise InputError(f"{key}: {error}") from None
    return [path for name in runs for path in finished_seeds(ROOT / name)]


def seed_number(path: Path) -> int:
    """Return the seed of a seed's folder."""
    number = path.name.removeprefix("seed-")
    return int(number) if number.isdigit() else 0


def open_scorer(folder: Path, settings: ModelSettings, backend: Backend, threads: int = 0) -> Scorer:
    """Load the model of a seed's folder with the given backend; only those of torch import it."""
    if is_torch(backend):
        from train.torch_backend import load_scorer

        return load_scorer(folder, settings, bf16=backend == "torch-bf16")
    from train.onnx_backend import load_session, precision_of

    return load_session(folder, settings, precision_of(backend), threads)
