"""Scoring example rows with an exported model through onnxruntime; torch is not needed."""

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

import numpy as np

from data.errors import InputError
from data.extras import import_extra
from data.files import read_object
from data.records import STANCES, Example
from data.spans import MarkedSentence
from eval.calibration import softmax
from train.settings import ModelSettings
from train.tagging import Offsets, Tagger, find_spans
from train.windows import PairReader, Reader, SpanReader, Window, doubtful, spread

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

Precision = Literal["fp32", "int8"]
FILES: dict[Precision, str] = {"fp32": "model.onnx", "int8": "model-int8.onnx"}
DOUBT = 0.06
"""int8 answers whose first two stances lie closer than this are asked again in fp32: a window in twenty, and most of those it changes."""
EARLIER_DOUBT = 0.08
"""That of exports whose check does not say which it was made with."""
BATCH_SIZE = 4
"""Windows a pass, which one thread reads: as fast as 16, and in 0.35 instead of 0.55 GB; the threads end together even on an article."""
POSITIONS = "positions"
"""The input of span models that says where logits are wanted, token positions of shape (windows, reads)."""
INPUTS = ("input_ids", "attention_mask", POSITIONS)
SLOWING = ["SkipLayerNormFusion"]
"""Rewrites of the graph that onnxruntime is told to leave: its fused addition and layer norm takes thrice the time of the two."""
READERS: dict[str, Any] = {"span": SpanReader, "pair": PairReader}


@dataclass(frozen=True)
class PlainTokenizer:
    """The saved tokenizer without transformers; it is called as `train.windows.tokenise` does."""

    inner: Any
    cls_token_id: int
    sep_token_id: int
    pad_token_id: int

    def __call__(self, texts: list[str], **_: object) -> dict[str, Any]:
        """Return token ids and character offsets of every text, no special tokens added."""
        encodings = self.inner.encode_batch(texts, add_special_tokens=False)
        return {"input_ids": [each.ids for each in encodings], "offset_mapping": [each.offsets for each in encodings]}


def load_tokenizer(folder: Path) -> PlainTokenizer:
    """Load the tokenizer of a saved model.

    Raises:
        InputError: its files are missing or of another version.
    """
    from tokenizers import Tokenizer

    path = folder / "tokenizer.json"
    if not path.is_file():
        raise InputError(f"{path}: no such file; the run is of another version, train it again")
    settings = read_object(folder / "tokenizer_config.json")
    try:
        inner = Tokenizer.from_file(str(path))
        cls, sep, padding = (int(inner.token_to_id(settings[f"{name}_token"]) or 0) for name in ("cls", "sep", "pad"))
    except Exception as error:  # tokenizers raises plain Exception for a faulty file
        raise InputError(f"{folder}: its tokenizer cannot be opened: {' '.join(str(error).split())[:200]}") from None
    inner.no_truncation()
    inner.no_padding()
    return PlainTokenizer(inner, cls, sep, padding)


@dataclass(frozen=True)
class OnnxScorer:
    """An exported model, read with the same windows as the trained one; 0 threads takes all cores of this process.

    Each thread reads batches of its own: a batch is too small to be shared, and so its answers do not depend on the number of threads.
    Where `exact` names the fp32 export beside an int8 one, windows with an answer less certain than `doubt` are read once more with it.
    """

    path: Path
    tokenizer: PlainTokenizer
    reader: Reader
    threads: int = 0
    exact: Path | None = None
    doubt: float = DOUBT

    @cached_property
    def pool(self) -> ThreadPoolExecutor:
        """The threads, shared by all that is scored at once."""
        return ThreadPoolExecutor(self.threads or own_cores())

    @cached_property
    def session(self) -> Any:
        """The onnxruntime session, opened at first use."""
        return open_session(self.path)

    @cached_property
    def exact_session(self) -> Any:
        """The session of the fp32 export, opened at the first doubtful answer."""
        return open_session(self.exact or self.path)

    def score(self, rows: Sequence[Example], batch_size: int | None = None) -> np.ndarray:
        """Return uncalibrated probabilities, shape (n, 3); windows of like length go together, the longest first."""
        windows = sorted(self.reader.encode(rows), key=lambda window: len(window.input_ids), reverse=True)
        logits = np.zeros((len(rows), len(STANCES)))
        self._run(self.session, windows, logits, batch_size)
        if self.exact and (again := doubtful(windows, logits, self.doubt)):
            self._run(self.exact_session, again, logits, batch_size)
        return softmax(logits)

    def detect(self, sentences: Sequence[MarkedSentence], settings: ModelSettings, batch_size: int | None = None) -> list[list[Offsets]]:
        """Return the mentions found in each sentence, in fp32 always: the check of int8 looks at stances only."""
        tagger = Tagger(cast("PreTrainedTokenizerBase", self.tokenizer), settings)
        return find_spans(tagger, sentences, lambda windows: self._outputs(self.exact_session, windows, batch_size))

    def _run(self, session: Any, windows: Sequence[Window], logits: np.ndarray, batch_size: int | None) -> None:
        for window, output in self._outputs(session, windows, batch_size):
            logits[list(window.examples)] = self.reader.read(window, output)

    def _outputs(self, session: Any, windows: Sequence[Window], batch_size: int | None) -> Iterator[tuple[Window, np.ndarray]]:
        """Yield every window with the model's logits, batches of like length where the windows are in that order."""
        size = batch_size or BATCH_SIZE
        batches = [windows[start : start + size] for start in range(0, len(windows), size)]
        names = {each.name for each in session.get_inputs()}

        def read(batch: Sequence[Window]) -> list[np.ndarray]:
            inputs = pad(batch, self.tokenizer.pad_token_id)
            (outputs,) = session.run(None, {name: inputs[name] for name in names})
            return spread(batch, outputs) if POSITIONS in names else list(outputs)

        for batch, outputs in zip(batches, self.pool.map(read, batches), strict=True):
            yield from zip(batch, outputs, strict=True)


def own_cores() -> int:
    """Return the number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def open_session(path: Path) -> Any:
    """Open an exported model, to be run in one thread at a time or in several at once.

    Raises:
        InputError: onnxruntime cannot read it.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    options.enable_mem_pattern = False  # keeps a plan of memory for every shape it meets, and batches have hundreds
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"], disabled_optimizers=SLOWING)
    except Exception as error:  # onnxruntime has an exception of its own for every kind of damage
        raise InputError(f"{path}: cannot be opened: {' '.join(str(error).split())[:200]}") from None


def pad(windows: Sequence[Window], pad_token_id: int) -> dict[str, np.ndarray]:
    """Return the model's inputs for some windows: ids and mask of shape (windows, longest), positions of shape (windows, most reads)."""
    longest = max(len(window.input_ids) for window in windows)
    reads = max(1, *(len(window.read_at) for window in windows))
    arrays = {name: np.zeros((len(windows), reads if name == POSITIONS else longest), dtype=np.int64) for name in INPUTS}
    arrays["input_ids"][:] = pad_token_id
    for index, window in enumerate(windows):
        length = len(window.input_ids)
        arrays["input_ids"][index, :length] = window.input_ids
        arrays["attention_mask"][index, :length] = 1
        arrays[POSITIONS][index, : len(window.read_at)] = window.read_at
    return arrays


def precision_of(backend: str) -> Precision:
    """Return the precision of an ONNX backend."""
    return "int8" if backend == "onnx-int8" else "fp32"


def passed_parity(path: Path, precision: Precision) -> bool:
    """Tell whether an export's parity.json says that its answers are those of the trained model."""
    result = read_object(path).get(precision)
    return isinstance(result, dict) and result.get("passed") is True


def load_session(folder: Path, settings: ModelSettings, precision: Precision, threads: int = 0) -> OnnxScorer:
    """Open the export of a seed's folder.

    Raises:
        InputError: it was not exported, the export did not pass its parity check, or onnxruntime is not installed.
    """
    path = folder / "onnx" / FILES[precision]
    command = f"python train/export.py --run {folder.parent} --seed {folder.name.removeprefix('seed-')}"
    if not path.is_file() or not (folder / "onnx" / "parity.json").is_file():
        raise InputError(f"{path}: not exported yet; run: {command}")
    if not passed_parity(folder / "onnx" / "parity.json", precision):
        raise InputError(f"{path}: its answers differ from the trained model's (see parity.json beside it); use another --backend")
    import_extra("onnxruntime", "onnx", f"{path}: it")
    tokenizer = load_tokenizer(folder / "model")
    doubt = read_object(folder / "onnx" / "parity.json")[precision].get("doubt", EARLIER_DOUBT)
    return build_scorer(folder, settings, precision, tokenizer, threads, doubt)


def build_scorer(
    folder: Path, settings: ModelSettings, precision: Precision, tokenizer: PlainTokenizer, threads: int = 0, doubt: float = DOUBT
) -> OnnxScorer:
    """Put the export of a seed's folder together with what reads it; int8 has the fp32 export for its doubts."""
    exact = folder / "onnx" / FILES["fp32"] if precision == "int8" else None
    reader = READERS[settings.kind](tokenizer, settings)
    return OnnxScorer(folder / "onnx" / FILES[precision], tokenizer, reader, threads, exact, doubt)
