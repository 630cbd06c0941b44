"""The measuring programs work on a tiny run; how fast anything is, only their long forms say."""

import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from conftest import write_corpus
from tiny_run import make_run

from bench import article, gpu, infer, score, startup
from bench import train as training
from bench.record import Line, record
from bench.repeat import Times, interleave, ratio
from bench.rows import repeated
from data.corpus import load_corpus
from data.errors import InputError
from data.files import ROOT, read_json
from data.records import Example, read_rows


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_run(tmp_path_factory.mktemp("runs") / "tiny")


def measure(program: ModuleType, run: Path, output: Path, monkeypatch: pytest.MonkeyPatch, *more: str) -> dict[str, Any]:
    monkeypatch.setattr(sys, "argv", ["bench", "--run", str(run), "--quick", "--output", str(output), *more])
    program.main()
    (section,) = read_json(output)["sections"].values()
    return section


def test_training_of_all_contestants(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    section = measure(training, run, tmp_path / "bench.json", monkeypatch)
    assert list(section["contestants"]) == [training.STOCK, training.DYNAMIC, training.OURS]
    assert all(len(each["wall_seconds"]) == 1 and each["per_second"] > 0 for each in section["contestants"].values())
    assert section["lines"][0]["wanted"] == 10 and section["lines"][0]["holds"] in (True, False)


def test_inference_of_all_contestants(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    section = measure(infer, run, tmp_path / "bench.json", monkeypatch)
    assert {"ours, torch", infer.PIPELINE, infer.BATCHED} <= set(section["contestants"])
    assert section["machine"]["versions"]["torch"]


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_without_a_gpu_none_is_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["bench", "--output", str(tmp_path / "bench.json")])
    with pytest.raises(InputError, match="no GPU here"):
        gpu.main()
    assert not (tmp_path / "bench.json").exists()


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")
def test_a_gpu_is_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["bench", "--quick", "--output", str(tmp_path / "bench.json")])
    gpu.main()
    assert all(line["value"] > 0 for line in read_json(tmp_path / "bench.json")["sections"]["gpu"]["lines"])


def test_starts_are_timed_and_their_exit_codes_checked(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = {name: startup.STARTS[name] for name in ("compare.py --help", "run.py, misspelt setting")}
    monkeypatch.setattr(startup, "STARTS", chosen)
    section = measure(startup, run, tmp_path / "bench.json", monkeypatch, "--backend", "torch")
    assert len(section["commands"]) == 3 and all(each["wall_seconds"][0] > 0 for each in section["commands"].values())
    with pytest.raises(InputError, match="exit code 0"):
        startup.start(startup.Start(("eval/compare.py", "--help"), 2, 1.0))


def test_the_article_is_judged_by_its_marks(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    section = measure(article, run, tmp_path / "bench.json", monkeypatch)
    recall, precision, *_ = (line["value"] for line in section["lines"])
    assert recall >= 0.9 and precision >= 0.85
    gold = article.gold_verdicts(load_corpus(ROOT / "data").examples("seeds", 0))
    assert list(gold.items())[:2] == [("united-states", "favor"), ("russia", "against")] and gold["kremlin"] == "neutral"


def test_an_article_in_which_nobody_is_found_has_no_precision(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(article, "found_spans", lambda reading: set())
    section = measure(article, run, tmp_path / "bench.json", monkeypatch)
    assert [line["value"] for line in section["lines"][:2]] == [0.0, 0.0]


def test_a_corpus_of_several_seed_articles_is_refused(tmp_path: Path) -> None:
    corpus = load_corpus(write_corpus(tmp_path / "issue"))
    corpus.splits["seeds"] = corpus.splits["train"]
    with pytest.raises(InputError, match=r"splits\.json: seeds: expected one document with marks"):
        article.single_document(corpus)


@pytest.mark.parametrize("repetitions", ["-1", "0", "many"])
def test_repetitions_are_counted_from_one(monkeypatch: pytest.MonkeyPatch, repetitions: str) -> None:
    for program in (startup, gpu):
        monkeypatch.setattr(sys, "argv", ["bench", "--repetitions", repetitions])
        with pytest.raises(InputError, match=f"--repetitions {repetitions}: expected a whole number from 1"):
            program.main()


@pytest.mark.parametrize("text", ["[]", "{}", "nothing"])
def test_a_file_that_cannot_take_the_results_is_told_before_measuring(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr(startup, "interleave", pytest.fail)
    path = tmp_path / "bench.json"
    path.write_text(text, encoding="utf-8")
    for output in (path, tmp_path):
        monkeypatch.setattr(sys, "argv", ["bench", "--output", str(output)])
        for program in (startup, gpu):
            with pytest.raises(InputError, match=re.escape(str(output))):
                program.main()
    assert path.read_text(encoding="utf-8") == text


def test_shards_repeat_rows_under_ids_of_their_own(tmp_path: Path) -> None:
    rows = load_corpus(ROOT / "data").examples("seeds", 0)
    shard = score.write_shard(tmp_path, rows, 150) / "rows.jsonl"
    written = read_rows(shard, Example)
    assert len({row.id for row in written}) == 150 and {row.text for row in written} == {row.text for row in rows}
    assert len(list(repeated(rows, 0))) == 0


def test_a_scoring_that_fails_says_why(tmp_path: Path) -> None:
    (tmp_path / "shards").mkdir()
    (tmp_path / "shards" / "rows.jsonl").write_text("", encoding="utf-8")
    with pytest.raises(InputError, match="not a run folder"):
        score.score(tmp_path, tmp_path / "shards", "torch")


def test_a_scoring_that_says_much_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "train").mkdir()
    program = "import sys; sys.stderr.write('x' * 2**20 + 'the end'); sys.exit(2)"
    (tmp_path / "train" / "score.py").write_text(program, encoding="utf-8")
    monkeypatch.setattr(score, "ROOT", tmp_path)
    with pytest.raises(InputError, match=r"xthe end$"):
        score.score(tmp_path, tmp_path, "torch")


@pytest.mark.parametrize("text", ["10", "20,10", "ten,20", "0,5"])
def test_sizes_ascend(text: str) -> None:
    with pytest.raises(InputError, match="--sizes"):
        score.parse_sizes(text)


@pytest.mark.slow
def test_bulk_scoring_is_watched(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    section = measure(score, run, tmp_path / "bench.json", monkeypatch, "--backend", "torch")
    assert set(section["sizes"]) == {"20", "60"} and all(0.05 < each["memory_gb"] < 4 for each in section["sizes"].values())


def test_ratios_and_limits(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    order: list[str] = []

    def contestant(name: str, seconds: float) -> Any:
        return lambda: order.append(name) or (seconds, 2 * seconds)

    times = interleave({"a": contestant("a", 1.0), "b": contestant("b", 4.0)}, 3)
    assert order == ["a", "b"] * 4 and times["a"].wall == [1.0] * 3
    assert ratio(times["a"], times["b"]).wall == 4.0 and Times([2.0], [1.0]).to_json(10)["per_second"] == 5.0
    lines = [Line("fast", 4.0, "x", 4.0), Line("large", 2.1, "GB", 2.0, at_most=True), Line("told", 1.0, "s")]
    assert [line.holds for line in lines] == [True, False, None]
    for section in ("one", "two"):
        record(tmp_path / "bench.json", section, lines, {})
    assert set(read_json(tmp_path / "bench.json")["sections"]) == {"one", "two"}
    assert "does not hold" in capsys.readouterr().out
