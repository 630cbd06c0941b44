"""What is said of two runs that are not the same."""

from pathlib import Path

import pytest

from data.errors import InputError
from data.files import write_json, write_jsonl, write_text
from data.records import STANCES
from train.reproduce import check_output, judge, pinned
from train.settings import RunConfig

MANIFEST = {"model_sha256": "a" * 64, "data_fingerprint": "d1", "versions": {"torch": "2.0"}, "hardware": {"cores": 2}, "threads": 2}


def write_run(folder: Path, labels: str, macro_f1: float, **manifest: object) -> Path:
    """Write what is judged of a run; `labels` holds a letter a prediction."""
    preds = [next(stance for stance in STANCES if stance.startswith(letter)) for letter in labels]
    probs = {stance: macro_f1 if stance == "favor" else (1 - macro_f1) / 2 for stance in STANCES}
    rows = ({"id": str(n), "doc_id": "d", "actor": "a", "gold": "favor", "pred": pred, "probs": probs} for n, pred in enumerate(preds))
    write_jsonl(folder / "seed-1/predictions/test.jsonl", rows)
    write_json(folder / "seed-1/run.json", MANIFEST | manifest)
    split = {"n": 4, "macro_f1": {"mean": macro_f1, "ci95": [macro_f1 - 0.1, macro_f1 + 0.1]}}
    write_json(folder / "report.json", {"date": str(folder), "cost": {"wall_seconds": len(str(folder))}, "splits": {"test": split}})
    return folder


@pytest.mark.parametrize(
    ("labels", "macro_f1", "manifest", "name", "line"),
    [
        ("ffna", 0.7, {}, "identical", "report: equal but for times"),
        ("ffna", 0.7, {"model_sha256": "b" * 64, "threads": 4}, "same labels", "changed since: threads (threads 2 -> 4)"),
        ("ffnn", 0.65, {"data_fingerprint": "d2"}, "within interval", "changed since: data (data_fingerprint d1 -> d2)"),
        ("aaaa", 0.2, {"hardware": {"cores": 8}}, "different", "test: macro-F1 0.7000 [0.6000, 0.8000], now 0.2000"),
    ],
)
def test_the_verdict_and_its_reason(tmp_path: Path, labels: str, macro_f1: float, manifest: dict, name: str, line: str) -> None:
    first, second = write_run(tmp_path / "first", "ffna", 0.7), write_run(tmp_path / "second", labels, macro_f1, **manifest)
    verdict = judge(first, second, {1: MANIFEST})
    assert verdict.name == name
    assert line in verdict.lines


def test_the_versions_of_the_manifest_are_installed() -> None:
    assert pinned("numpy==2.4\ntorch==2.13.0\ntorchmetrics==1.9\n", {"torch": "2.12.0+cpu", "python": "3.11"}) == (
        "numpy==2.4\ntorch==2.12.0\ntorchmetrics==1.9\n"
    )


def test_a_run_is_not_compared_with_itself(tmp_path: Path) -> None:
    config, first, second = RunConfig(name="x", seeds=[1, 2]), tmp_path / "runs" / "x", tmp_path / "again" / "x"
    check_output(first, second, config, {1: MANIFEST})
    with pytest.raises(InputError, match="is the run that is judged"):
        check_output(first, first.parent / ".." / "runs" / "x", config, {1: MANIFEST})
    write_json(second / "report.json", {"seeds": [{"seed": 1}]})
    check_output(first, second, config, {1: MANIFEST})
    write_text(second / "seed-1" / "DONE", "")
    with pytest.raises(InputError, match="is complete, nothing would be run again"):
        check_output(first, second, config, {1: MANIFEST})
