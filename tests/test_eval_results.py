"""The Markdown table of several runs."""

import subprocess
import sys
from pathlib import Path

import pytest
from eval_fakes import FakeRun, write_run

from data.errors import InputError
from data.files import ROOT, write_json
from eval.index import read_report
from eval.report import write_report
from eval.results import results_markdown


def test_every_system_stands_once_with_interval_seeds_and_data(tmp_path: Path) -> None:
    for name, config_hash in (("weak", "0" * 12), ("strong", "1" * 12)):
        run = FakeRun(name=name, config_hash=config_hash, seeds=(1, 2), documents={"test": 4, "dev": 3}, calibrated=False)
        write_report(write_run(tmp_path / name, run), resamples=100)
    reports = [read_report(tmp_path / name) for name in ("weak", "strong")]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in results_markdown(reports, {"test"}).splitlines()]
    assert [row[:2] for row in rows[2:]] == [["weak", "test"], ["majority", "test"], ["tfidf", "test"], ["strong", "test"]]
    scores = reports[1]["splits"]["test"]
    assert rows[-1][3] == f"{scores['macro_f1']['mean']:.3f} ± {scores['macro_f1']['sd']:.3f}"
    assert rows[-1][4] == "[{:.3f}, {:.3f}]".format(*scores["macro_f1"]["ci95"])
    assert rows[-1][6:] == ["1, 2", "`fedcba987654`", f"`{'1' * 12}`"]
    assert rows[3][6] == "–"


def test_baselines_that_scored_otherwise_stand_apart(tmp_path: Path) -> None:
    write_run(tmp_path / "all", FakeRun(name="all", seeds=(1,), documents={"test": 4}, calibrated=False))
    less = write_run(tmp_path / "less", FakeRun(name="less", seeds=(1,), documents={"test": 4}, calibrated=False))
    (less / "baselines/tfidf/test.jsonl").write_text((less / "baselines/majority/test.jsonl").read_text())
    for run in ("all", "less"):
        write_report(tmp_path / run, resamples=100)
    table = results_markdown([read_report(tmp_path / run) for run in ("all", "less")], set())
    assert [line.split(" | ")[0] for line in table.splitlines()[2:]] == ["| all", "| majority", "| tfidf", "| tfidf (less)", "| less"]


def test_a_run_named_as_its_baseline_stands_beside_it(tmp_path: Path) -> None:
    run = FakeRun(name="tfidf", seeds=(1,), documents={"test": 4}, calibrated=False, config={"model": {"kind": "tfidf"}})
    report = write_report(write_run(tmp_path / "tfidf", run), resamples=100)
    rows = [line.split(" | ") for line in results_markdown([report], set()).splitlines()[2:]]
    assert [(row[0], row[6]) for row in rows] == [("| tfidf", "1"), ("| majority", "–"), ("| tfidf", "–")]


def test_a_report_with_values_missing_is_refused(tmp_path: Path) -> None:
    run = write_run(tmp_path / "a", FakeRun(seeds=(1,), documents={"test": 3}, calibrated=False))
    write_report(run, resamples=100)
    held = read_report(run)
    del held["splits"]["test"]["n"]
    write_json(run / "report.json", held)
    done = subprocess.run([sys.executable, ROOT / "eval/results.py", run], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (2, "", 1) and "not of schema 1" in done.stderr


def test_a_split_that_no_run_has_is_refused(tmp_path: Path) -> None:
    run = write_run(tmp_path / "a", FakeRun(seeds=(1,), documents={"test": 3, "dev": 3}, calibrated=False))
    write_report(run, resamples=100)
    command = [sys.executable, ROOT / "eval/results.py", run, "--splits"]
    assert "| dev |" in subprocess.run([*command, "test, dev"], capture_output=True, text=True, check=True).stdout
    refused = subprocess.run([*command, "tset"], capture_output=True, text=True, check=False)
    assert (refused.returncode, refused.stdout) == (2, "") and "did you mean 'test'" in refused.stderr


def test_run_without_report_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no report yet"):
        read_report(tmp_path)
