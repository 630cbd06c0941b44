"""Opening a finished run: its config, its model and what reads with it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from transformers import AutoTokenizer, PreTrainedTokenizerBase

from data.errors import InputError
from data.files import ROOT, read_json
from train.config import BASELINES, RunConfig, load_config
from train.runs import DONE
from train.transformer import KINDS, build_reader
from train.windows import Reader


@dataclass(frozen=True)
class OpenRun:
    """A trained model with its settings; `temperature` and `threshold` are those fitted on dev."""

    folder: Path
    config: RunConfig
    model: Any
    tokenizer: PreTrainedTokenizerBase
    reader: Reader
    temperature: float
    threshold: float

    @property
    def corpus_folder(self) -> Path:
        """Return the corpus that the run was trained on."""
        return ROOT / self.config.data.corpus


def open_run(folder: Path, seed: int | None = None) -> OpenRun:
    """Open a seed of a run; the first finished one unless `seed` says which.

    Raises:
        InputError: no such run, no finished seed, or a kind that saves no model.
    """
    if not (folder / "config.yaml").is_file():
        raise InputError(f"{folder}: not a run folder (no config.yaml); train one with make train")
    config = load_config(folder / "config.yaml")
    if config.model.kind in BASELINES:
        raise InputError(f"{folder}: {config.model.kind} is a baseline and saves no model")
    finished = [path for path in sorted(folder.glob("seed-*")) if (path / DONE).is_file()]
    chosen = [path for path in finished if seed is None or path.name == f"seed-{seed}"]
    if not chosen:
        have = ", ".join(path.name for path in finished) or "none"
        raise InputError(f"{folder}: incomplete, no finished seed{'' if seed is None else f' {seed}'} (finished: {have})")
    calibration = read_json(chosen[0] / "calibration.json")
    tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(chosen[0] / "model")
    model = KINDS[config.model.kind].auto_class.from_pretrained(chosen[0] / "model", use_safetensors=True)
    reader = build_reader(config.model, tokenizer)
    return OpenRun(chosen[0], config, model, tokenizer, reader, calibration["temperature"], calibration["threshold"])
