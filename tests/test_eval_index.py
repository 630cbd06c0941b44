"""The leaderboard: order, links, commands, and folders that cannot be read."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from eval_fakes import FakeRun, write_run

from data.errors import InputError
from data.files import ROOT
from eval.compare import compare_paths
from eval.index import build_index, write_index
from eval.report import write_report


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("my runs")
    for name, accuracy in (("weak", 0.4), ("strong", 0.9)):
        write_run(folder / name, FakeRun(name=name, accuracy=accuracy, seeds=(1, 2), documents={"test": 4, "dev": 3}))
        write_report(folder / name, resamples=100)
    write_run(folder / "new", FakeRun(name="new", seeds=(1,), documents={"test": 2}, calibrated=False))
    compare_paths([folder / "weak", folder / "strong"], folder / "compare-weak-strong")
    return folder


def test_best_run_comes_first_with_all_its_figures(runs: Path) -> None:
    index = build_index(runs)
    assert [run["name"] for run in index["runs"]] == ["strong", "weak"]
    first = index["runs"][0]
    assert first["scores"]["test"]["mean"] > 0.8
    assert first["scores"]["test"]["sd"] is not None
    assert (first["config_hash"], first["date"][:10], first["seeds"]) == ("0123456789ab", "2026-11-24", 2)
    assert index["comparisons"] == ["compare-weak-strong"]
    assert len(index["faults"]) == 1
    assert "new: no report yet" in index["faults"][0]


def test_page_links_and_quotes_paths(runs: Path) -> None:
    text = write_index(runs).read_text(encoding="utf-8")
    assert 'href="strong/report.html"' in text
    assert 'href="compare-weak-strong/compare.html"' in text
    assert f'value="&#39;{runs / "strong"}&#39;"' in text
    assert text == write_index(runs).read_text(encoding="utf-8")


def test_any_scored_split_is_listed(tmp_path: Path) -> None:
    run = FakeRun(seeds=(1,), documents={"zeta": 2, "seeds": 2, "extra": 2}, calibrated=False)
    write_report(write_run(tmp_path / "a", run), resamples=100)
    assert build_index(tmp_path)["splits"] == ["seeds", "extra", "zeta"]
    assert "extra" in write_index(tmp_path).read_text(encoding="utf-8")


def test_runs_without_the_first_split_come_last(tmp_path: Path) -> None:
    weak = FakeRun(name="weak", seeds=(1,), accuracy=0.5, documents={"test": 4, "dev": 4}, calibrated=False)
    other = FakeRun(name="other", seeds=(1,), accuracy=0.9, documents={"dev": 4}, calibrated=False)
    for run in (weak, other):
        write_report(write_run(tmp_path / run.name, run), resamples=100)
    assert [run["name"] for run in build_index(tmp_path)["runs"]] == ["weak", "other"]


def test_different_data_is_pointed_out(tmp_path: Path) -> None:
    for name in ("a", "b"):
        run = FakeRun(name=name, seeds=(1,), documents={"test": 2}, calibrated=False, data_fingerprint=f"data-{name}")
        write_report(write_run(tmp_path / name, run), resamples=100)
    assert "different data (data-a, data-b)" in write_index(tmp_path).read_text(encoding="utf-8")


def test_report_of_another_schema_is_a_fault_and_no_crash(tmp_path: Path) -> None:
    run = write_run(tmp_path / "a", FakeRun(seeds=(1,), documents={"test": 2}, calibrated=False))
    (run / "report.json").write_text('{"schema": 99}')
    assert "not a report of schema 1" in build_index(tmp_path)["faults"][0]
    assert "not a report of schema 1" in write_index(tmp_path).read_text(encoding="utf-8")


@pytest.mark.parametrize("broken", [{"name": None}, {"data_fingerprint": None}, {"mean": "high"}])
def test_a_report_with_a_value_missing_is_a_fault_and_no_crash(tmp_path: Path, broken: dict[str, Any]) -> None:
    run = write_run(tmp_path / "a", FakeRun(seeds=(1,), documents={"test": 2}, calibrated=False))
    write_report(run, resamples=100)
    report = json.loads((run / "report.json").read_text())
    for key, value in broken.items():
        if value is None:
            del report[key]
        else:
            report["splits"]["test"]["macro_f1"][key] = value
    (run / "report.json").write_text(json.dumps(report))
    assert "not a report of schema 1" in build_index(tmp_path)["faults"][0]


def test_folder_without_runs(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no runs in it"):
        build_index(tmp_path)
    with pytest.raises(InputError, match="no such folder"):
        build_index(tmp_path / "x")
    done = subprocess.run([sys.executable, ROOT / "eval/index.py", tmp_path], capture_output=True, text=True, check=False)
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
