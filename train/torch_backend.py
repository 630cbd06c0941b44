"""Scoring example rows with the saved PyTorch model."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import AutoTokenizer, PreTrainedTokenizerBase

from data.errors import InputError
from data.records import Example
from data.spans import MarkedSentence
from train.model_files import check_model_files
from train.settings import ModelSettings
from train.tagging import Offsets, Tagger, find_spans
from train.transformer import KINDS, build_reader, predict, run_windows
from train.weights import quieten
from train.windows import Reader

BATCH_SIZES = {"cpu": 16, "cuda": 256}
"""Windows a pass, which all threads share; on a GPU a small pass takes as long as a large one."""


@dataclass(frozen=True)
class TorchScorer:
    """The saved model, its tokenizer and its reader."""

    model: Any
    tokenizer: PreTrainedTokenizerBase
    reader: Reader

    @property
    def batch_size(self) -> int:
        """Return how many windows go into a pass on the model's device, unless asked otherwise."""
        return BATCH_SIZES.get(self.model.device.type, BATCH_SIZES["cpu"])

    def score(self, rows: Sequence[Example], batch_size: int | None = None) -> np.ndarray:
        """Return uncalibrated probabilities, shape (n, 3)."""
        return predict(self.model, self.tokenizer, self.reader, rows, batch_size or self.batch_size)

    def detect(self, sentences: Sequence[MarkedSentence], settings: ModelSettings, batch_size: int | None = None) -> list[list[Offsets]]:
        """Return the mentions found in each sentence; for models of `model.detect_actors`."""
        tagger = Tagger(self.tokenizer, settings)
        size = batch_size or self.batch_size
        return find_spans(tagger, sentences, lambda windows: run_windows(self.model, self.tokenizer, windows, size))


def load_scorer(folder: Path, settings: ModelSettings) -> TorchScorer:
    """Load the model that a seed's folder holds, on the GPU if there is one.

    Raises:
        InputError: the weights are missing, damaged, ask for code, or do not fit the installed transformers.
    """
    quieten()
    check_model_files(folder / "model")
    try:
        tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(folder / "model", trust_remote_code=False, local_files_only=True)
        model = KINDS[settings.kind].auto_class.from_pretrained(
            folder / "model", use_safetensors=True, trust_remote_code=False, local_files_only=True
        )
    except Exception as error:  # a damaged file makes torch, safetensors and tokenizers raise whatever they like
        raise InputError(f"{folder / 'model'}: cannot be opened: {' '.join(str(error).split())[:200]}") from None
    return TorchScorer(model.to("cuda" if torch.cuda.is_available() else "cpu"), tokenizer, build_reader(settings, tokenizer))
