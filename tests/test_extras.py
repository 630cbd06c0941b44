"""What is said where a package of an extra is missing."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tiny_run import make_run

from data import cells
from data.errors import InputError
from data.files import write_json, write_text
from train import app, contrastive, export, onnx_backend, score_ray, study
from train.loading import find_seed


def open_export(folder: Path) -> Any:
    config, seed = find_seed(make_run(folder))
    write_text(seed / "onnx" / "model.onnx", "")
    write_json(seed / "onnx" / "parity.json", {"fp32": {"passed": True}})
    return onnx_backend.load_session(seed, config.model, "fp32")


@pytest.mark.parametrize(
    ("module", "extra", "act"),
    [
        ("gradio", "app", lambda folder: app.import_gradio()),
        ("optuna", "sweep", lambda folder: study.import_optuna()),
        ("ray", "ray", lambda folder: score_ray.score_on_ray(None, [], address=None, workers=1)),  # type: ignore[arg-type]
        ("setfit", "setfit", lambda folder: contrastive.import_setfit()),
        ("openpyxl", "xlsx", lambda folder: cells.write_table(folder / "x.xlsx", ["a"], [["1"]])),
        ("onnxscript", "onnx", lambda folder: export.export(folder, None, [], [])),
        ("onnxruntime", "onnx", lambda folder: export.export(folder, None, [], [])),
        ("onnxruntime", "onnx", open_export),
    ],
)
def test_a_missing_package_is_named_with_the_command_that_installs_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, module: str, extra: str, act: Callable[[Path], Any]
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(InputError, match=rf"needs {module}: .*pip install --constraint constraints.txt --editable '.\[{extra}\]'"):
        act(tmp_path)
