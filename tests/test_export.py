import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from tiny_run import ARTICLE, make_run

from data.errors import InputError
from data.files import ROOT
from data.records import STANCES, Example
from train.export import Parity, compare, export
from train.loading import find_seed, open_run
from train.onnx_backend import load_session, pad
from train.settings import ModelSettings
from train.windows import Window

pytest.importorskip("onnxruntime")
pytest.importorskip("onnxscript")


def rows() -> list[Example]:
    """Forty rows of growing length in sentences that share windows."""
    made = []
    for number in range(20):
        text = f"Rovia told Belmora {'once more ' * number}that the radar is a threat number {number}."
        for actor in ("Rovia", "Belmora"):
            start = text.index(actor)
            fields = {"id": f"d:{number}:{actor}", "doc_id": "d", "sent_id": number, "actor": actor, "mention": actor}
            made.append(Example(**fields, text=text, start=start, end=start + len(actor), stance=STANCES[number % 3]))
    return made


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = make_run(tmp_path_factory.mktemp("runs") / "tiny")
    config, seed = find_seed(folder)
    parities = export(seed, config.model, rows(), rows()[:10])
    assert parities["fp32"].passed and parities["fp32"].largest_difference < 1e-4
    assert parities["int8"].megabytes < 0.5 * parities["fp32"].megabytes
    return folder


def test_both_backends_answer_alike_whatever_the_batch(exported: Path) -> None:
    trained, fast = open_run(exported), open_run(exported, backend="onnx")
    expected = trained.probabilities(rows())
    assert len(set(expected.argmax(axis=1))) > 1, "a model with one answer would hide mistakes"
    for batch_size in (1, 7, 64):
        np.testing.assert_allclose(fast.probabilities(rows(), batch_size), expected, atol=1e-4)


def test_the_number_of_threads_changes_no_bit(exported: Path) -> None:
    alone, together = (open_run(exported, backend="onnx-int8", threads=threads).probabilities(rows(), 4) for threads in (1, 3))
    assert (alone == together).all()


def test_an_export_that_failed_its_check_is_refused(exported: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(exported, copy)
    path = copy / "seed-1" / "onnx" / "parity.json"
    fields = json.loads(path.read_text())
    fields["int8"]["passed"] = False
    path.write_text(json.dumps(fields))
    with pytest.raises(InputError, match="differ from the trained model's"):
        open_run(copy, backend="onnx-int8")
    assert open_run(copy, backend="onnx")


def test_an_export_that_was_cut_short_leaves_no_earlier_verdict(exported: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*arguments: object) -> None:
        raise KeyboardInterrupt

    copy = tmp_path / "copy"
    shutil.copytree(exported, copy)
    config, seed = find_seed(copy)
    monkeypatch.setattr("train.export.write_fp32", stop)
    with pytest.raises(KeyboardInterrupt):
        export(seed, config.model, rows(), rows()[:10])
    for backend in ("onnx", "onnx-int8"):
        with pytest.raises(InputError, match=r"train/export.py --run"):
            open_run(copy, backend=backend)


def test_a_run_without_export_names_the_command(exported: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"train/export.py --run .* --seed 1"):
        load_session(make_run(tmp_path / "bare") / "seed-1", ModelSettings(), "fp32")


def test_the_check_sees_a_different_model() -> None:
    class Contrary:
        def score(self, rows: list[Example], batch_size: int = 32) -> np.ndarray:
            return np.tile([0.8, 0.1, 0.1], (len(rows), 1))

    reference = np.tile([0.8, 0.1, 0.1], (40, 1))
    assert compare(Contrary(), reference, rows(), 1).passed
    reference[0] = [0.1, 0.1, 0.8]
    parity = compare(Contrary(), reference, rows(), 1)
    assert (parity.same_labels, parity.passed) == (39 / 40, False)
    assert "FAILED" in parity.describe("x")


def test_equal_labels_are_not_enough_when_macro_f1_moves() -> None:
    assert not Parity(1000, 0.996, 0.70, 0.71, 0.1, 1.0).passed


def test_padding_masks_what_is_not_there() -> None:
    windows = [Window([1, 2, 3], 0, (0,), ()), Window([4], 0, (1,), ())]
    inputs = pad(windows, 9)
    assert inputs["input_ids"].tolist() == [[1, 2, 3], [4, 9, 9]]
    assert inputs["attention_mask"].tolist() == [[1, 1, 1], [1, 0, 0]]


@pytest.mark.skipif(
    "\nfrom transformers import" in (ROOT / "train" / "windows.py").read_text(),
    reason="train/windows.py imports transformers, and that imports torch",
)
def test_the_onnx_backend_never_imports_torch(exported: Path, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(ARTICLE, encoding="utf-8")
    arguments = ["predict", "--run", str(exported), "--backend", "onnx", "--input", str(tmp_path / "a.txt")]
    code = (
        f"import sys, runpy\nsys.argv = {arguments!r}\n"
        f"try: runpy.run_path({str(ROOT / 'train' / 'predict.py')!r}, run_name='__main__')\n"
        "except SystemExit as end: print('code', end.code, 'torch' in sys.modules, 'transformers' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip().endswith("code 0 False False"), done.stderr
