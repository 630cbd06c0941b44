import json
import shutil
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tiny_run import ARTICLE, make_run, rows
from transformers import AutoModelForTokenClassification, BertConfig, DistilBertConfig

from data.errors import InputError
from data.files import ROOT
from data.records import Example
from train.export import Parity, compare, export
from train.loading import find_seed, open_run
from train.logits import TokenLogits
from train.onnx_backend import DOUBT, EARLIER_DOUBT, load_session, pad
from train.quantise import balance, measure_peaks, narrows, weight_products
from train.settings import ModelSettings
from train.tagging import DETECTING_LABELS
from train.windows import Window, spread

pytest.importorskip("onnxruntime")
pytest.importorskip("onnxscript")


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


def test_models_that_read_a_window_as_a_whole_are_exported_too(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "pair", "pair")
    config, seed = find_seed(folder)
    parity = export(seed, config.model, rows(), rows()[:10])["fp32"]
    assert parity.passed and parity.largest_difference < 1e-4
    inputs = open_run(folder, backend="onnx").scorer.session.get_inputs()  # type: ignore[attr-defined]
    assert [each.name for each in inputs] == ["input_ids", "attention_mask"]


def test_the_number_of_threads_changes_no_bit(exported: Path) -> None:
    alone, together = (open_run(exported, backend="onnx-int8", threads=threads).probabilities(rows(), 4) for threads in (1, 3))
    assert (alone == together).all()


def test_chunks_that_are_scored_at_once_share_the_threads(exported: Path) -> None:
    scorer = load_session(exported / "seed-1", find_seed(exported)[0].model, "fp32", threads=2)
    started: set[str] = set()

    class Watched:
        def get_inputs(self) -> list[Any]:
            return real.get_inputs()  # type: ignore[no-any-return]

        def run(self, *arguments: Any) -> Any:
            started.add(threading.current_thread().name)
            return real.run(*arguments)

    real = scorer.session
    vars(scorer)["session"] = Watched()
    with ThreadPoolExecutor(2) as chunks:
        answers = list(chunks.map(lambda _: scorer.score(rows(), 1), range(2)))
    assert (answers[0] == answers[1]).all() and len(started) == 2


def test_an_export_is_read_with_the_doubt_that_it_was_checked_with(exported: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(exported, copy)
    model = find_seed(copy)[0].model
    assert load_session(copy / "seed-1", model, "int8").doubt == DOUBT
    path = copy / "seed-1" / "onnx" / "parity.json"
    fields = json.loads(path.read_text())
    del fields["int8"]["doubt"]
    path.write_text(json.dumps(fields))
    assert load_session(copy / "seed-1", model, "int8").doubt == EARLIER_DOUBT


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


def test_logits_of_positions_go_back_to_their_tokens() -> None:
    windows = [Window([1, 2, 3, 4], [0, 0, 0, 0], (0, 1), ((3,), (1, 3))), Window([5, 6], [0, 0], (2,), ((1,),))]
    inputs = pad(windows, 9)
    assert inputs["positions"].tolist() == [[1, 3], [1, 0]]
    first, second = spread(windows, np.array([[[1.0], [2.0]], [[3.0], [4.0]]]))
    assert (first.tolist(), second.tolist()) == ([[0], [1], [0], [2]], [[0], [3]])


@pytest.mark.parametrize("architecture", [BertConfig, DistilBertConfig])
def test_the_exported_logits_are_the_models_own_at_the_positions_read(architecture: Any) -> None:
    torch.manual_seed(1)
    sizes = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
    small = {"dim": 16, "n_layers": 2, "n_heads": 2, "hidden_dim": 32}
    config = architecture(vocab_size=50, num_labels=3, attn_implementation="eager", **(sizes if architecture is BertConfig else small))
    model = AutoModelForTokenClassification.from_config(config).eval()
    ids, mask = torch.randint(1, 50, (3, 9)), torch.ones(3, 9, dtype=torch.int64)
    mask[1, 6:] = 0
    positions = torch.tensor([[1, 4, 8], [0, 5, 2], [7, 7, 0]])
    with torch.inference_mode():
        own = model(input_ids=ids, attention_mask=mask).logits
        exported = TokenLogits(model).eval()(ids, mask, positions)
        again = model(input_ids=ids, attention_mask=mask).logits
    expected = torch.stack([own[row, places] for row, places in enumerate(positions)])
    torch.testing.assert_close(exported, expected)
    assert torch.equal(own, again), "the model itself is left as it is"


def test_scaling_changes_no_answer_before_rounding(exported: Path) -> None:
    import onnx
    import onnxruntime

    seed = exported / "seed-1"
    model, balanced = onnx.load(seed / "onnx" / "model.onnx"), onnx.load(seed / "onnx" / "model.onnx")
    reader = load_session(seed, find_seed(exported)[0].model, "fp32").reader
    batch = pad(reader.encode(rows())[:6], 0)
    peaks = measure_peaks(model, [batch])
    balance(balanced, peaks, [])
    assert (
        sum(node.name.endswith("_unit") for node in balanced.graph.node) == sum(narrows(model, node) for node in weight_products(model)) > 0
    )
    first, second = (
        onnxruntime.InferenceSession(each.SerializeToString(), providers=["CPUExecutionProvider"]).run(None, batch)[0]
        for each in (model, balanced)
    )
    np.testing.assert_allclose(first, second, atol=1e-5)


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


def test_weights_that_layers_share_and_heads_are_not_scaled_like_others() -> None:
    from onnx import TensorProto, helper, numpy_helper

    shared, head = np.eye(8, dtype=np.float32), np.ones((8, len(DETECTING_LABELS)), dtype=np.float32)
    nodes = [
        helper.make_node("MatMul", ["x", "shared"], ["first"], "one"),
        helper.make_node("MatMul", ["first", "shared"], ["second"], "two"),
        helper.make_node("MatMul", ["second", "head"], ["logits"], "last"),
    ]
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in ("x", "logits")]
    weights = [numpy_helper.from_array(shared, "shared"), numpy_helper.from_array(head, "head")]
    model = helper.make_model(helper.make_graph(nodes, "layers", ends[:1], ends[1:], weights))
    assert not any(narrows(model, node) for node in weight_products(model))
    balance(model, dict.fromkeys(("x", "first", "second"), np.arange(1.0, 9.0)), [])
    left = {weight.name: numpy_helper.to_array(weight) for weight in model.graph.initializer}
    assert (left["shared"] == shared).all() and not (left["head"] == head).all()
