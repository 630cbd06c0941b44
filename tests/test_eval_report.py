"""Reports: complete, byte-identical, escaped, documented, and refused where the run is faulty."""

import base64
import csv
import hashlib
import io
import json
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from eval_fakes import FakeRun, make_items, write_run

from data.errors import InputError
from data.files import ROOT, write_jsonl
from eval.calibration import scale
from eval.durations import duration
from eval.metrics import HEADLINES, macro_f1
from eval.render import markdown_cell
from eval.report import parse_exports, summary, write_report
from eval.runs import read_run
from eval.sections import curve_points
from eval.tables import latex_escape, results_csv

ESTIMATE = {"mean", "sd", "ci95", "seeds"}


@pytest.fixture(scope="module")
def reported(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    run = write_run(
        tmp_path_factory.mktemp("runs") / "base", FakeRun(documents={"test": 6, "dev": 6, "seeds": 1}, behaviour=True, mentions=True)
    )
    return run, write_report(run, resamples=200, exports=("csv", "latex"))


def documented_keys(section: str) -> list[str]:
    text = (ROOT / "docs/report-schema.md").read_text(encoding="utf-8").split(f"## {section}\n")[1].split("\n## ")[0]
    return re.findall(r"^\| `([^`]+)` \|", text, flags=re.MULTILINE)


def leads_to(value: Any, parts: list[str]) -> list[Any]:
    if not parts:
        return [value]
    head, rest = parts[0], parts[1:]
    if head == "*":
        return [found for each in value.values() for found in leads_to(each, rest)] if isinstance(value, dict) else []
    name, is_list = head.removesuffix("[]"), head.endswith("[]")
    if not isinstance(value, dict) or name not in value:
        return []
    return [found for each in value[name] for found in leads_to(each, rest)] if is_list else leads_to(value[name], rest)


def undocumented(value: Any, keys: list[str], at: str = "") -> list[str]:
    """Return the paths in `value` that no documented key covers."""
    if at in keys:
        below = [key for key in keys if key.startswith(at + ".")]
        if not below:
            return []
    if isinstance(value, dict) and (any(key.startswith(at + "." if at else "") for key in keys)):
        result = []
        for name, each in value.items():
            exact, wild = f"{at}.{name}".lstrip("."), f"{at}.*".lstrip(".")
            listed = f"{exact}[]"
            if isinstance(each, list) and any(key.startswith(listed + ".") for key in keys):
                result += [fault for entry in each for fault in undocumented(entry, keys, listed)]
            elif any(key == exact or key.startswith(exact + ".") for key in keys):
                result += undocumented(each, keys, exact)
            else:
                result += undocumented(each, keys, wild) if any(key == wild or key.startswith(wild + ".") for key in keys) else [exact]
        return result
    return [] if at in keys else [at]


def test_schema_is_documented_both_ways(reported: tuple[Path, dict[str, Any]]) -> None:
    report = json.loads((reported[0] / "report.json").read_text())
    keys = documented_keys("report.json")
    assert len(keys) > 60
    assert not [key for key in keys if not leads_to(report, key.split("."))]
    assert undocumented(report, keys) == []


def test_schema_check_can_fail(reported: tuple[Path, dict[str, Any]]) -> None:
    report = json.loads((reported[0] / "report.json").read_text())
    report["splits"]["test"]["surprise"] = 1
    assert undocumented(report, documented_keys("report.json")) == ["splits.*.surprise"]


def test_macro_f1_is_that_of_the_files(reported: tuple[Path, dict[str, Any]]) -> None:
    run, report = reported
    for name in ("test", "seeds"):
        gold = {row.id: row.stance for row in make_items(name, {"test": 6, "seeds": 1}[name])}
        for seed, found in zip((1, 2, 3), report["splits"][name]["macro_f1"]["seeds"], strict=True):
            rows = [json.loads(line) for line in (run / f"seed-{seed}/predictions/{name}.jsonl").read_text().splitlines()]
            ids = ("against", "neutral", "favor")
            assert found == pytest.approx(macro_f1([ids.index(gold[row["id"]]) for row in rows], [ids.index(row["pred"]) for row in rows]))


def test_report_has_every_part(reported: tuple[Path, dict[str, Any]]) -> None:
    _, report = reported
    split = report["splits"]["test"]
    for metric in ("macro_f1", "accuracy", "f1_favor_against", "mcc"):
        assert set(split[metric]) == ESTIMATE
        low, high = split[metric]["ci95"]
        assert low <= split[metric]["mean"] <= high
        assert set(report["baselines"]["tfidf"]["test"][metric]) == ESTIMATE
    assert sum(map(sum, split["confusion"])) == pytest.approx(split["n"])
    assert sum(row["support"] for row in split["per_class"].values()) == split["n"]
    assert sum(row["n"] for row in split["per_actor"].values()) == split["n"]
    assert split["subsets"]["single_actor"]["n"] + split["subsets"]["multi_actor"]["n"] == split["n"]
    assert split["calibration"]["scaled"]
    assert report["splits"]["seeds"]["resampled_by"] == "sentence"
    assert report["behaviour"]["checks"] == sum(row["n"] for row in report["behaviour"]["capabilities"])
    assert len(report["curve"]) == 3
    assert report["cost"]["wall_seconds_total"] == pytest.approx(61.5 * 3 + 6)


def test_rendering_twice_gives_the_same_bytes(reported: tuple[Path, dict[str, Any]]) -> None:
    run, _ = reported
    names = ("report.json", "report.md", "report.html", "report.csv", "report.tex")
    before = {name: (run / name).read_bytes() for name in names}
    write_report(run, resamples=200, exports=("csv", "latex"))
    assert before == {name: (run / name).read_bytes() for name in names}


def test_another_process_gives_the_same_bytes(reported: tuple[Path, dict[str, Any]]) -> None:
    run, _ = reported
    before = (run / "report.html").read_bytes()
    command = [sys.executable, ROOT / "eval/report.py", run, "--resamples", "200"]
    done = subprocess.run(command, cwd=run, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "macro-F1" in done.stdout
    assert (run / "report.html").read_bytes() == before


class Page(HTMLParser):
    """Collects what a page would load or run."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.policy = ""
        self.links: list[str] = []
        self.attributes: set[str] = set()
        self.blocks: list[tuple[dict[str, str | None], str]] = []
        self.tags: list[str] = []
        self._open: dict[str, str | None] | None = None
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.tags.append(tag)
        self.attributes |= set(given)
        self.links += [value or "" for key, value in attrs if key in {"src", "href", "action", "data", "xlink:href"}]
        if given.get("http-equiv") == "Content-Security-Policy":
            self.policy = given["content"] or ""
        self._open = {"tag": tag, **given} if tag in {"script", "style"} else None

    def handle_data(self, data: str) -> None:
        if self._open:
            self.blocks.append((self._open, data))
            self._open = None


def test_page_is_self_contained_under_its_policy(reported: tuple[Path, dict[str, Any]]) -> None:
    page = Page((reported[0] / "report.html").read_text(encoding="utf-8"))
    assert "default-src 'none'" in page.policy
    assert "unsafe" not in page.policy
    assert all(link.startswith("#") for link in page.links)
    assert not {name for name in page.attributes if name.startswith("on") or name == "style"}
    for block, text in page.blocks:
        if block.get("type") != "application/json":
            digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
            assert f"'sha256-{digest}'" in page.policy
    assert not {"iframe", "object", "embed", "link", "img"} & set(page.tags)


def test_tables_have_captions_and_scopes(reported: tuple[Path, dict[str, Any]]) -> None:
    text = (reported[0] / "report.html").read_text(encoding="utf-8")
    tables = re.findall(r"<table.*?</table>", text, flags=re.DOTALL)
    assert len(tables) > 10
    for table in tables:
        assert "<caption>" in table
        assert all("scope=" in head for head in re.findall(r"<th\b[^>]*>", table))
    for svg in re.findall(r"<svg[^>]*>", text):
        assert 'aria-label="' in svg or 'aria-hidden="true"' in svg


def test_nothing_is_nan(reported: tuple[Path, dict[str, Any]]) -> None:
    run, _ = reported
    for name in ("report.json", "report.md", "report.html", "report.csv", "report.tex"):
        text = re.sub(r"<(script|style)>.*?</\1>", "", (run / name).read_text(encoding="utf-8"), flags=re.DOTALL)
        assert not re.search(r"\b(nan|NaN|None|Infinity|Undefined)\b", text), name


HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)> {{ 7*7 }} | \u2028 & \"quoted\" 'single'"


def test_text_from_data_is_escaped(tmp_path: Path) -> None:
    run = write_run(tmp_path / "base", FakeRun(seeds=(1,), documents={"test": 3, "dev": 3}))
    path = run / "items/test.jsonl"
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    for row in rows:
        row.update(text=row["text"] + HOSTILE, title=HOSTILE, genre=HOSTILE, phenomena=[HOSTILE])
    write_jsonl(path, rows)
    report = write_report(run, resamples=100)
    text = (run / "report.html").read_text(encoding="utf-8")
    page = Page(text)
    assert "img" not in page.tags
    assert page.tags.count("script") == 2
    assert "alert(1)</script>" not in text
    data = next(block for attributes, block in page.blocks if attributes.get("type") == "application/json")
    assert json.loads(data) == json.loads(json.dumps(report["sentences"]))
    markdown = (run / "report.md").read_text(encoding="utf-8")
    assert "<script>" not in markdown
    assert "49" not in re.findall(r"\{\{ 7\\?\*7 \}\}|\b49\b", markdown)


def test_actor_names_are_escaped(tmp_path: Path) -> None:
    run = write_run(tmp_path / "base", FakeRun(seeds=(1,), documents={"test": 3}))
    for path in run.rglob("test.jsonl"):
        write_jsonl(path, [json.loads(line.replace('"actor": "moscow"', '"actor": "<b>moscow"')) for line in path.read_text().splitlines()])
    write_report(run, resamples=100)
    assert "<b>moscow" not in (run / "report.html").read_text(encoding="utf-8")


def test_run_of_one_seed_and_one_split_without_extras(tmp_path: Path) -> None:
    run = write_run(tmp_path / "x", FakeRun(seeds=(4,), documents={"test": 2}, baselines=(), calibrated=False))
    for name in ("log.jsonl", "run.json"):
        (run / "seed-4" / name).unlink()
    (run / "seed-4/run.json").write_text('{"config_hash": "c", "data_fingerprint": "d", "seed": 4}')
    report = write_report(run, resamples=100)
    assert report["splits"]["test"]["macro_f1"]["sd"] is None
    assert report["splits"]["test"]["aggregates"] is None
    assert not report["splits"]["test"]["calibration"]["scaled"]
    assert report["notes"] == ["no baselines in this run folder"]
    assert "one seed: no standard deviation over seeds" in report["splits"]["test"]["notes"]


def test_unfinished_seed_is_noted(tmp_path: Path) -> None:
    run = write_run(tmp_path / "x", FakeRun(documents={"test": 2, "dev": 2}))
    (run / "seed-2/DONE").unlink()
    assert "not finished and left out: seed 2" in write_report(run, resamples=100)["notes"]


def test_faulty_run_leaves_no_report(tmp_path: Path) -> None:
    run = write_run(tmp_path / "x", FakeRun(seeds=(1,), documents={"test": 2, "dev": 2}))
    (run / "seed-1/predictions/dev.jsonl").write_text("{}\n")
    with pytest.raises(InputError):
        write_report(run)
    assert not list(run.glob("report.*"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere"], "no such run folder"),
        ([".", "--export", "cvs"], "did you mean 'csv'"),
        ([".", "--resamples", "3"], "too few"),
        ([".", "--seed", "-1"], "from 0"),
    ],
)
def test_command_line_faults_exit_with_two(tmp_path: Path, arguments: list[str], message: str) -> None:
    done = subprocess.run([sys.executable, ROOT / "eval/report.py", *arguments], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_summary_names_metric_split_n_seeds_and_data(reported: tuple[Path, dict[str, Any]]) -> None:
    run, report = reported
    text = summary(report, run)
    for part in ("test", "macro-F1", "±", "n=", "tfidf", "majority", "seeds 1, 2, 3", "data fedcba987654", "report.html"):
        assert part in text


def test_a_name_that_a_spreadsheet_would_run_is_disarmed_and_a_negative_figure_is_not(reported: tuple[Path, dict[str, Any]]) -> None:
    estimate = {"mean": -0.25, "sd": None, "ci95": None, "seeds": [-0.25]}
    report = reported[1] | {"name": "=HYPERLINK(1)", "baselines": {}, "splits": {"test": {"n": 3, **dict.fromkeys(HEADLINES, estimate)}}}
    system, split, *rest = results_csv(report).splitlines()[1].split(",")
    assert (system, split) == ("'=HYPERLINK(1)", "test") and "-0.25" in rest


def test_csv_reads_back(reported: tuple[Path, dict[str, Any]]) -> None:
    run, report = reported
    rows = list(csv.DictReader(io.StringIO((run / "report.csv").read_text())))
    assert [(row["system"], row["split"]) for row in rows[:3]] == [("base", "test"), ("majority", "test"), ("tfidf", "test")]
    assert float(rows[0]["macro_f1_mean"]) == report["splits"]["test"]["macro_f1"]["mean"]
    assert float(rows[0]["mcc_high"]) == report["splits"]["test"]["mcc"]["ci95"][1]
    assert rows[1]["macro_f1_sd"] == ""


def test_latex_is_escaped_and_complete(reported: tuple[Path, dict[str, Any]]) -> None:
    text = (reported[0] / "report.tex").read_text()
    body = [line for line in text.splitlines() if line.endswith(r"\\")]
    assert len({line.count(" & ") for line in body}) == 1
    assert latex_escape("a_b&c%{}") == r"a\_b\&c\%\{\}"


def test_exports_are_checked() -> None:
    assert parse_exports(" csv, latex ") == ("csv", "latex")
    with pytest.raises(InputError, match="unknown format 'tex'"):
        parse_exports("tex")


def test_calibrated_confidences_use_the_saved_temperature(reported: tuple[Path, dict[str, Any]]) -> None:
    found = read_run(reported[0])
    system, seed = found.systems["test"], found.seeds[0]
    assert seed.calibration is not None
    assert system.calibrated is not None
    assert system.probs is not None
    assert system.calibrated[0] == pytest.approx(scale(system.probs[0], seed.calibration.temperature))
    assert seed.calibration.temperature > 1.05


def test_curve_keeps_evaluations_and_thins_steps() -> None:
    log = [{"step": step, "loss": 1.0, "epoch": step / 1000} for step in range(1000)] + [{"epoch": 1.0, "eval_macro_f1": 0.5, "other": 1}]
    points = curve_points(log)
    assert len(points) == 201
    assert points[-1] == {"epoch": 1.0, "eval_macro_f1": 0.5}
    assert curve_points([{"epoch": 1, "loss": float("nan")}]) == []


def test_sentences_beyond_the_room_show_errors_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("eval.sections.MAX_BYTES", 9_000)
    run = write_run(tmp_path / "x", FakeRun(seeds=(1,), documents={"test": 8}))
    held = write_report(run, resamples=100)["sentences"]["test"]
    assert 0 < held["shown"] == len(held["rows"]) < held["total"]
    assert all(any(actor["says"][0]["pred"] != actor["gold"] for actor in row["actors"]) for row in held["rows"])


def test_small_writers() -> None:
    assert [duration(value) for value in (None, 3.21, 75, 7380)] == ["–", "3.2 s", "1 min 15 s", "2 h 03 min"]
    assert markdown_cell("a|b\n<c> *d*") == r"a\|b &lt;c&gt; \*d\*"


@pytest.mark.slow
def test_hundred_thousand_predictions(tmp_path: Path) -> None:
    """Under 30 s of processor time (a busy machine takes longer on the clock), 1 GB and 10 MB."""
    run = write_run(tmp_path / "big", FakeRun(seeds=(1,), documents={"test": 2_500, "dev": 30}, sentences=20, baselines=("majority",)))
    code = (
        "import resource, sys, time; sys.argv = ['report.py', sys.argv[1]]\n"
        "from eval.report import main; main()\n"
        "print(time.process_time(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6)"
    )
    done = subprocess.run([sys.executable, "-c", code, run], cwd=ROOT, capture_output=True, text=True, check=True)
    seconds, gigabytes = map(float, done.stdout.splitlines()[-1].split())
    assert seconds < 30
    assert gigabytes < 1
    assert (run / "report.html").stat().st_size < 10_000_000
