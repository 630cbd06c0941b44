"""Scoring example rows with the saved PyTorch model."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import AutoTokenizer, PreTrainedTokenizerBase

from data.errors import InputError
from data.records import STANCES, Example
from data.spans import MarkedSentence
from eval.calibration import softmax
from train.forward import Forward
from train.model_files import check_model_files
from train.settings import ModelSettings
from train.tagging import Offsets, Tagger, find_spans
from train.transformer import KINDS, build_reader, use_bf16
from train.weights import quieten
from train.windows import Reader, Window, doubtful

BATCH_SIZES = {"cpu": 16, "cuda": 256}
"""Windows a pass; on a GPU a small pass takes as long as a large one."""


BF16_DOUBT = 0.01
"""Answers in bfloat16 whose first two stances lie closer than this are asked again in fp32."""


@dataclass(frozen=True)
class TorchScorer:
    """The saved model, its tokenizer and its reader; in `bf16` products are computed in bfloat16 and doubtful answers once more in fp32."""

    model: Any
    tokenizer: PreTrainedTokenizerBase
    reader: Reader
    bf16: bool = False

    @property
    def batch_size(self) -> int:
        """Return how many windows go into a pass on the model's device, unless asked otherwise."""
        return BATCH_SIZES.get(self.model.device.type, BATCH_SIZES["cpu"])

    @cached_property
    def exact(self) -> Forward:
        """The model in fp32."""
        return Forward(self.model, self.tokenizer.pad_token_id)

    @cached_property
    def fast(self) -> Forward:
        """The model in bfloat16."""
        return Forward(self.model, self.tokenizer.pad_token_id, torch.bfloat16)

    def score(self, rows: Sequence[Example], batch_size: int | None = None) -> np.ndarray:
        """Return uncalibrated probabilities, shape (n, 3)."""
        windows = self.reader.encode(rows)
        logits = np.zeros((len(rows), len(STANCES)))

        def run(forward: Forward, asked: Sequence[Window]) -> None:
            for window, output in forward(asked, batch_size or self.batch_size):
                logits[list(window.examples)] = self.reader.read(window, output)

        run(self.fast if self.bf16 else self.exact, windows)
        if self.bf16:
            run(self.exact, doubtful(windows, logits, BF16_DOUBT))
        return softmax(logits)

    def detect(self, sentences: Sequence[MarkedSentence], settings: ModelSettings, batch_size: int | None = None) -> list[list[Offsets]]:
        """Return the mentions found in each sentence, in fp32 always; for models of `model.detect_actors`."""
        tagger = Tagger(self.tokenizer, settings)
        return find_spans(tagger, sentences, lambda windows: self.exact(windows, batch_size or self.batch_size))


def load_scorer(folder: Path, settings: ModelSettings, *, bf16: bool = False) -> TorchScorer:
    """Load the model that a seed's folder holds, on the GPU if there is one.

    Raises:
        InputError: the weights are missing, damaged, ask for code, or do not fit the installed transformers; or bf16 gains nothing.
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
    scorer = TorchScorer(model.to("cuda" if torch.cuda.is_available() else "cpu"), tokenizer, build_reader(settings, tokenizer), bf16)
    if bf16 and not (use_bf16("auto") and scorer.fast.packed):
        raise InputError(f"{folder}: torch-bf16 needs a span model of BERT's kind and a processor with bfloat16; use --backend torch")
    return scorer
