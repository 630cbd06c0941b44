"""Export a run's model to ONNX, fp32 and int8: python train/export.py --run runs/base

Writes onnx/model.onnx, onnx/model-int8.onnx and onnx/parity.json into the seed's folder. An export passes when at least
99.5 % of its answers on dev equal the trained model's and its macro-F1 is within 0.005; exit code 1 if fp32 does not.
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

if not __package__:
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

import numpy as np

from data.errors import run_command
from data.extras import import_extra
from data.files import replacing, write_json
from data.records import STANCE_ID, Example
from train.loading import Scorer, find_seed, open_scorer
from train.quantise import RECIPES, measure_peaks, write_int8
from train.settings import ModelKind
from train.sources import load_source

SAME_LABELS = 0.995
MACRO_F1_MARGIN = 0.005
OPSET = 20  # the first with GELU as one operation
CALIBRATION_ROWS = 400
"""Training rows whose activations set the scales of int8."""


def main() -> int:
    """Export, check against the trained model on dev, and say what passed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False)
    parser.add_argument("--run", type=Path, required=True, help="run folder, e.g. runs/base")
    parser.add_argument("--seed", type=int, help="seed to export (default: the first finished one)")
    given = parser.parse_args()
    config, folder = find_seed(given.run, given.seed)
    source = load_source(config.data)
    rows, seen = (source.examples(split, config.data.context_sentences) for split in ("dev", "train"))
    parities = export(folder, config.model, rows, seen[:CALIBRATION_ROWS])
    for precision, parity in parities.items():
        print(parity.describe(f"{folder / 'onnx'} {precision}"))
    return 0 if parities["fp32"].passed else 1


@dataclass(frozen=True)
class Parity:
    """How an export's answers compare with the trained model's on the same rows."""

    rows: int
    same_labels: float
    macro_f1: float
    macro_f1_trained: float
    largest_difference: float
    megabytes: float

    @property
    def passed(self) -> bool:
        """Whether the export may stand for the trained model."""
        return self.same_labels >= SAME_LABELS and abs(self.macro_f1 - self.macro_f1_trained) <= MACRO_F1_MARGIN

    def describe(self, name: str) -> str:
        """Return one line for the terminal."""
        verdict = "passed" if self.passed else f"FAILED (needs {SAME_LABELS:.1%} and ±{MACRO_F1_MARGIN})"
        return (
            f"{name}: {verdict}: {self.same_labels:.2%} same labels, dev macro-F1 {self.macro_f1:.4f} "
            f"(trained {self.macro_f1_trained:.4f}), n = {self.rows}, {self.megabytes:.1f} MB"
        )


def export(folder: Path, settings: Any, rows: Sequence[Example], calibration: Sequence[Example]) -> dict[str, Parity]:
    """Write both exports of a seed's folder and what the check on `rows` says of them; `calibration` sets the scales of int8.

    Raises:
        InputError: the packages of the extra [onnx] are not installed.
    """
    from train.onnx_backend import DOUBT, FILES, READERS, Precision, build_scorer, load_tokenizer, pad

    onnx, *_ = (import_extra(module, "onnx", "the export") for module in ("onnx", "onnxscript", "onnxruntime"))
    trained = open_scorer(folder, settings, "torch")
    target = folder / "onnx"
    tokenizer = load_tokenizer(folder / "model")
    reference = trained.score(rows)
    (target / "parity.json").unlink(missing_ok=True)  # what an earlier export passed says nothing of files replaced from here on
    write_fp32(trained.model.cpu(), settings.kind, target / FILES["fp32"])  # type: ignore[attr-defined]

    def check(precision: Precision) -> Parity:
        scorer = build_scorer(folder, settings, precision, tokenizer)
        return compare(scorer, reference, rows, scorer.path.stat().st_size)

    parities = {"fp32": check("fp32")}
    model = onnx.load(target / FILES["fp32"])
    windows = READERS[settings.kind](tokenizer, settings).encode(calibration)
    peaks = measure_peaks(model, [pad(windows[start : start + 16], tokenizer.pad_token_id) for start in range(0, len(windows), 16)])
    for recipe in RECIPES:
        write_int8(model, target / FILES["int8"], recipe, peaks)
        parities["int8"] = check("int8")
        if parities["int8"].passed:
            break
    written = {name: {**asdict(parity), "passed": parity.passed, "doubt": DOUBT} for name, parity in parities.items()}
    write_json(target / "parity.json", written)
    return parities


def compare(scorer: Scorer, reference: np.ndarray, rows: Sequence[Example], size: int) -> Parity:
    """Score `rows` and compare with the trained model's probabilities, shape (n, 3)."""
    from eval.metrics import macro_f1

    probabilities = scorer.score(rows)
    gold = np.array([STANCE_ID[row.stance or "neutral"] for row in rows])
    return Parity(
        rows=len(rows),
        same_labels=float((probabilities.argmax(axis=1) == reference.argmax(axis=1)).mean()),
        macro_f1=float(macro_f1(gold, probabilities.argmax(axis=1))),
        macro_f1_trained=float(macro_f1(gold, reference.argmax(axis=1))),
        largest_difference=float(np.abs(probabilities - reference).max()),
        megabytes=size / 1e6,
    )


def _hush() -> None:
    """Silence what the exporter says about packages and axis names that do not matter here."""
    import logging
    import warnings

    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    logging.getLogger().setLevel(logging.ERROR)
    for kind in (UserWarning, FutureWarning):
        warnings.filterwarnings("ignore", category=kind)


def write_fp32(model: Any, kind: ModelKind, path: Path) -> None:
    """Export the model with free numbers of windows, tokens and, for span, positions read."""
    import torch

    from train.logits import TokenLogits, WindowLogits
    from train.onnx_backend import INPUTS

    _hush()
    module = TokenLogits(model) if kind == "span" else WindowLogits(model)
    module.model.set_attn_implementation("eager")  # the fused one exports guards against rows of nothing but padding
    windows = torch.export.Dim("windows")
    tokens = {0: windows, 1: torch.export.Dim("tokens", max=model.config.max_position_embeddings)}
    given = 3 if kind == "span" else 2
    axes = (tokens, tokens, {0: windows, 1: torch.export.Dim("reads")})[:given]
    shapes = ((2, 16), (2, 16), (2, 5))[:given]
    with replacing(path) as temporary, torch.inference_mode():
        torch.onnx.export(
            module.eval(),
            tuple(torch.ones(shape, dtype=torch.int64) for shape in shapes),  # inputs that are one object would be merged into one
            str(temporary),
            input_names=list(INPUTS[:given]),
            output_names=["logits"],
            dynamic_shapes=axes,
            opset_version=OPSET,
            dynamo=True,
            external_data=False,
            verbose=False,
        )


if __name__ == "__main__":
    run_command(main)
