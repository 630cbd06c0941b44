"""Comparisons: deltas and tests by hand, external files, refusals, pages."""

import json
import subprocess
import sys
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from eval_fakes import FakeRun, write_run
from rich.console import Console
from test_eval_report import documented_keys, leads_to, undocumented

from data.errors import InputError
from data.files import ROOT, write_jsonl
from eval.compare import compare_paths, default_output, verdict_table
from eval.comparison import adjust, config_differences, verdict
from eval.contenders import contender_names, read_contenders
from eval.external import read_answers
from eval.metrics import macro_f1
from eval.runs import read_run
from eval.significance import mcnemar

SHAPE = {"test": 8, "dev": 3, "seeds": 1}


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs")
    write_run(folder / "base", FakeRun(accuracy=0.6, seeds=(1, 2, 3), documents=SHAPE))
    pair = FakeRun(name="pair", accuracy=0.85, seeds=(1, 2), documents=SHAPE, config={"model": {"kind": "pair"}}, config_hash="c2")
    write_run(folder / "pair", pair)
    write_run(folder / "other", FakeRun(name="other", seeds=(1,), documents={"test": 9, "dev": 3}, config_hash="c3"))
    return folder


@pytest.fixture(scope="module")
def comparison(runs: Path) -> dict[str, Any]:
    return compare_paths([runs / "base", runs / "pair"], runs / "out", splits=("test", "seeds"))[0]


def answers_of(run: Path, path: Path, **changes: str) -> Path:
    """Write the first seed's answers as another system's file."""
    rows = [json.loads(line) for line in (run / "seed-1/predictions/test.jsonl").read_text().splitlines()]
    if path.suffix == ".csv":
        header = changes.get("header", "id,label")
        path.write_text(header + "\n" + "".join(f"{row['id']},{row['pred'].title()}\n" for row in rows))
    else:
        write_jsonl(path, ({"id": row["id"], "label": row["pred"]} for row in rows))
    return path


def head(comparison: dict[str, Any], split: str = "test", metric: str = "macro_f1") -> dict[str, Any]:
    return next(row for row in comparison["pairs"] if (row["split"], row["metric"]) == (split, metric))


def test_delta_is_second_minus_first_over_seeds(runs: Path, comparison: dict[str, Any]) -> None:
    means = []
    for name in ("base", "pair"):
        run = read_run(runs / name)
        means.append(np.mean([macro_f1(run.splits["test"].gold, row) for row in run.systems["test"].pred]))
    row = head(comparison)
    assert row["delta"] == pytest.approx(means[1] - means[0])
    assert row["ci95"][0] < row["delta"] < row["ci95"][1]
    assert row["p_value"] < 0.05
    assert row["verdict"] == "b better"
    assert row["n"] == len(read_run(runs / "base").splits["test"].items)


def test_order_turns_the_sign_and_keeps_the_p_value(runs: Path, comparison: dict[str, Any]) -> None:
    turned, _ = compare_paths([runs / "pair", runs / "base"], runs / "turned")
    assert head(turned)["delta"] == pytest.approx(-head(comparison)["delta"])
    assert head(turned)["p_value"] == pytest.approx(head(comparison)["p_value"], abs=0.01)
    assert head(turned)["verdict"] == "a better"


def test_mcnemar_row_is_that_of_the_votes(runs: Path, comparison: dict[str, Any]) -> None:
    base, pair = (read_run(runs / name) for name in ("base", "pair"))
    right = [run.systems["test"].vote == run.splits["test"].gold for run in (base, pair)]
    row = next(row for row in comparison["pairs"] if row["test"] == "McNemar exact")
    assert row["p_value"] == mcnemar(right[0].tolist(), right[1].tolist())
    assert (row["only_a_right"], row["only_b_right"]) == (int((right[0] & ~right[1]).sum()), int((right[1] & ~right[0]).sum()))
    changed = next(each for each in comparison["changes"] if each["split"] == "test")
    assert (changed["fixed_count"], changed["broken_count"]) == (row["only_b_right"], row["only_a_right"])
    for item in changed["fixed"]:
        assert item["pred_a"] != item["gold"] == item["pred_b"]
        assert item["text"][item["start"] : item["end"]]


def test_seed_article_is_resampled_by_sentence(comparison: dict[str, Any]) -> None:
    assert head(comparison, "seeds")["resampled_by"] == "sentence"
    assert any("resampled by sentence" in note for note in comparison["splits"]["seeds"]["notes"])


def test_schema_is_documented_both_ways(runs: Path, comparison: dict[str, Any]) -> None:
    written = json.loads((runs / "out/compare.json").read_text())
    assert written == json.loads(json.dumps(comparison))
    keys = documented_keys("compare.json")
    assert not [key for key in keys if not leads_to(written, key.split("."))]
    assert undocumented(written, keys) == []


def test_pages_are_the_same_twice(runs: Path, comparison: dict[str, Any]) -> None:
    compare_paths([runs / "base", runs / "pair"], runs / "again", splits=("test", "seeds"))
    for name in ("compare.json", "compare.md", "compare.html"):
        assert (runs / "out" / name).read_bytes() == (runs / "again" / name).read_bytes()


def test_config_differences(comparison: dict[str, Any]) -> None:
    assert comparison["config_differences"]["model.kind"] == {"base": "span", "pair": "pair"}
    assert "trainer.learning_rate" not in comparison["config_differences"]


def test_identical_systems_are_not_told_apart(runs: Path, tmp_path: Path) -> None:
    answers = answers_of(runs / "other", tmp_path / "same.csv")
    found, _ = compare_paths([runs / "other", answers], tmp_path / "out")
    row = head(found)
    assert (row["delta"], row["ci95"], row["p_value"], row["verdict"]) == (0.0, [0.0, 0.0], 1.0, "not told apart")
    assert "other and same give identical answers" in found["splits"]["test"]["notes"]
    assert found["systems"][1] | {"scores": None, "path": None} == {
        "name": "same", "path": None, "kind": "file", "config_hash": None, "data_fingerprint": None, "seeds": [], "scores": None,
    }  # fmt: skip


def test_system_that_always_says_the_same_is_noted(runs: Path, tmp_path: Path) -> None:
    rows = [json.loads(line) for line in (runs / "base/seed-1/predictions/test.jsonl").read_text().splitlines()]
    write_jsonl(tmp_path / "flat.jsonl", ({"id": row["id"], "label": "neutral"} for row in rows))
    found = compare_paths([runs / "base", tmp_path / "flat.jsonl"], tmp_path / "out")[0]
    assert "flat gives every item the same stance: its MCC is 0" in found["splits"]["test"]["notes"]


def test_holm_over_three_systems(runs: Path, tmp_path: Path) -> None:
    answers = answers_of(runs / "base", tmp_path / "llm.jsonl")
    found, _ = compare_paths([runs / "base", runs / "pair", answers], tmp_path / "out")
    rows = [row for row in found["pairs"] if row["metric"] == "macro_f1"]
    assert [(row["a"], row["b"]) for row in rows] == [("base", "pair"), ("base", "llm"), ("pair", "llm")]
    assert min(row["p_holm"] for row in rows) == pytest.approx(3 * min(row["p_value"] for row in rows))


def test_families_are_split_metric_and_test() -> None:
    rows = [{"split": "test", "metric": metric, "test": "t", "delta": 0.1, "p_value": 0.04} for metric in ("x", "y")]
    adjust(rows)
    assert [row["p_holm"] for row in rows] == [0.04, 0.04]
    assert [verdict(*each) for each in ((0.1, 0.01), (-0.1, 0.01), (0.1, 0.05), (None, 0.01))] == [
        "b better", "a better", "not told apart", "not told apart",
    ]  # fmt: skip


def test_different_items_are_refused_unless_intersected(runs: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"other: has \d+ items that .*base lacks, first .*--intersect") as caught:
        compare_paths([runs / "base", runs / "other"], tmp_path / "out")
    assert "have another" in str(caught.value)  # documents of the two splits share names, not texts
    assert not (tmp_path / "out").exists()


def test_intersect_compares_the_common_items(runs: Path, tmp_path: Path) -> None:
    answers = answers_of(runs / "base", tmp_path / "part.csv")
    lines = answers.read_text().splitlines()
    answers.write_text("\n".join([*lines[:40], "foreign,favor"]) + "\n")
    with pytest.raises(InputError, match=r"part.csv: lacks \d+ of the \d+ items.*\n.*part.csv: has 1 items"):
        compare_paths([runs / "base", answers], tmp_path / "out")
    found, _ = compare_paths([runs / "base", answers], tmp_path / "out", intersect=True)
    assert found["splits"]["test"]["n"] == 39
    assert any("left out (--intersect)" in note for note in found["splits"]["test"]["notes"])


def test_nothing_in_common(runs: Path, tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("id,label\nforeign,favor\n")
    with pytest.raises(InputError, match="no item in common"):
        compare_paths([runs / "base", tmp_path / "x.csv"], intersect=True)


def test_other_gold_is_refused_even_intersected(runs: Path, tmp_path: Path) -> None:
    changed = write_run(tmp_path / "relabelled", FakeRun(seeds=(1,), documents=SHAPE, accuracy=0.6))
    for path in (changed / "items/test.jsonl", *changed.rglob("predictions/test.jsonl"), *changed.glob("baselines/*/test.jsonl")):
        rows = [json.loads(line) for line in path.read_text().splitlines()]
        key = "stance" if "items" in path.parts else "gold"
        rows[0][key] = "favor" if rows[0][key] != "favor" else "against"
        write_jsonl(path, rows)
    with pytest.raises(InputError, match="1 items of split 'test' have another gold stance"):
        compare_paths([runs / "base", changed], tmp_path / "out", intersect=True)


def test_gold_in_a_prediction_file_is_checked(runs: Path, tmp_path: Path) -> None:
    gold = json.loads((runs / "base/items/test.jsonl").read_text().splitlines()[0])
    wrong = "favor" if gold["stance"] != "favor" else "against"
    write_jsonl(tmp_path / "x.jsonl", [{"id": gold["id"], "pred": "favor", "gold": wrong}])
    with pytest.raises(InputError, match="another gold stance"):
        compare_paths([runs / "base", tmp_path / "x.jsonl"], intersect=True)


def test_incomplete_run_is_refused(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_run(tmp_path / name, FakeRun(name=name, documents={"test": 2}, calibrated=False))
    (tmp_path / "b/seed-3/DONE").unlink()
    with pytest.raises(InputError, match=r"b: incomplete run, seed 3 has no DONE"):
        compare_paths([tmp_path / "a", tmp_path / "b"])


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["base"], "at least two"),
        (["base", "base"], "given twice"),
        (["base", "nowhere"], "no such run folder"),
        (["missing.csv", "gone.jsonl"], "missing.csv: no such run folder"),
    ],
)
def test_systems_that_cannot_be_read(runs: Path, names: list[str], message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_contenders([runs / name for name in names])


def test_unknown_split_offers_the_nearest(runs: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"has no split 'tset' \(did you mean 'test'\?\)"):
        compare_paths([runs / "base", runs / "pair"], tmp_path / "out", splits=("tset",))


def test_output_that_is_a_file(runs: Path, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("")
    with pytest.raises(InputError, match="is a file"):
        compare_paths([runs / "base", runs / "pair"], tmp_path / "out")


def test_different_training_data_is_noted(runs: Path, tmp_path: Path) -> None:
    other = write_run(tmp_path / "new", FakeRun(name="new", seeds=(1,), documents=SHAPE, data_fingerprint="newer"))
    found, _ = compare_paths([runs / "base", other], tmp_path / "out")
    assert "different data (base fedcba987654, new newer)" in found["notes"][0]


def test_names_stay_apart(tmp_path: Path) -> None:
    paths = [tmp_path / "x" / "base", tmp_path / "y" / "base", tmp_path / "z" / "pair"]
    assert contender_names(paths) == [str(paths[0]), str(paths[1]), "pair"]


def test_config_differences_of_files_are_none() -> None:
    assert config_differences([]) == {}


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.csv", "id,label\nx,favour\n", r"a.csv:2: label: 'favour' is not one of .*did you mean 'favor'"),
        ("a.csv", "id,label\nx,favor\nx,against\n", "a.csv:3: duplicate id 'x'"),
        ("a.csv", "ident,label\nx,favor\n", "expected the columns id and one of"),
        ("a.csv", "id,answer\nx,favor\n", "expected the columns id and one of pred"),
        ("a.csv", "", "expected the columns"),
        ("a.csv", "id,label\n", "no predictions"),
        ("a.csv", "id,label\n,favor\n", "id: expected a text"),
        ("a.csv", "id,label,against,neutral,favor\nx,favor,0.5,0.4,0.4\n", "sum to 1.3"),
        ("a.csv", "id,label,against,neutral,favor\nx,favor,0.5,0.5,\n", "expected a number for each"),
        ("a.jsonl", '{"id": "x", "label": "favor"\n', "a.jsonl:1: not JSON"),
        ("a.jsonl", "[1]\n", "expected a JSON object"),
        ("a.jsonl", '{"id": "x"}\n', "a.jsonl:1: expected a label"),
        ("a.jsonl", '{"id": 3, "label": "favor"}\n', "id: expected a text"),
        ("a.jsonl", '{"id": "x", "pred": "favor", "probs": {"against": NaN, "neutral": 0, "favor": 1}}\n', "NaN is no JSON number"),
        ("a.txt", "x", "expected a run folder or a prediction file"),
    ],
)
def test_faulty_prediction_files(tmp_path: Path, name: str, text: str, message: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(InputError, match=message):
        read_answers(tmp_path / name)


def test_prediction_files_are_read_generously(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text('\ufeffid , pred,against,neutral,favor\n"x,1", Favor ,0.1,0.2,0.7\ny,NEUTRAL,,,\n')
    found = read_answers(tmp_path / "a.csv")
    assert [(row.id, row.pred, row.probs) for row in found.values()] == [("x,1", "favor", (0.1, 0.2, 0.7)), ("y", "neutral", None)]


def test_only_line_ends_end_a_line_of_csv(tmp_path: Path) -> None:
    odd = "a\u2028b\x0bc\x0cd\x85e"
    (tmp_path / "a.csv").write_text(f'id,pred\n{odd},favor\n"y\nz",against\n', encoding="utf-8")
    assert list(read_answers(tmp_path / "a.csv")) == [odd, "y\nz"]


def test_command_line(runs: Path, tmp_path: Path) -> None:
    command = [sys.executable, ROOT / "eval/compare.py", runs / "base", runs / "pair", "--output", tmp_path / "c", "--split", "test,seeds"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    for part in ("base", "pair", "macro-F1", "McNemar", "can see differences in macro-F1 from 0.", "compare.html", "p (Holm)"):
        assert part in done.stdout
    assert sorted(path.name for path in (tmp_path / "c").iterdir()) == ["compare.html", "compare.json", "compare.md"]


def test_few_documents_are_said_to_tell_nothing(tmp_path: Path) -> None:
    fakes = [
        FakeRun(name=name, seeds=(1,), accuracy=share, documents={"test": 5}, calibrated=False) for name, share in (("a", 0.2), ("b", 0.99))
    ]
    comparison, _ = compare_paths([write_run(tmp_path / fake.name, fake) for fake in fakes])
    row = head(comparison)
    assert (row["p_value"], row["p_smallest"], row["detectable"], row["seed_sd"]) == (0.0625, 0.0625, None, None)
    assert "5 documents: the randomisation test cannot give a p below 0.0625" in comparison["splits"]["test"]["notes"][-1]


def test_verdicts_fit_a_narrow_terminal(runs: Path, comparison: dict[str, Any]) -> None:
    Console(width=80, file=(out := StringIO())).print(verdict_table(comparison["pairs"]))
    lines = [line.rstrip() for line in out.getvalue().splitlines()]
    assert lines[0] == "pair compared with base, test, n = " + f"{head(comparison)['n']:,}"
    assert any(line.startswith("accuracy, McNemar") for line in lines) and "…" not in out.getvalue()
    assert "pair better" in out.getvalue() and max(map(len, lines)) <= 80


def test_a_file_without_probabilities_is_sure_of_nothing(runs: Path, tmp_path: Path) -> None:
    comparison, _ = compare_paths([runs / "base", answers_of(runs / "base", tmp_path / "x.csv")], tmp_path / "out")
    says = comparison["sentences"]["test"]["rows"][0]["actors"][0]["says"]
    assert says[0]["confidence"] > 0 and says[1]["confidence"] is None


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.csv", "id,pred\nx,neutral,favor\n", "more cells than columns"),
        ("a.jsonl", '{"id": "x", "pred": "favor", "probs": [1, 0, 0]}', "probs: expected"),
    ],
)
def test_cells_and_probabilities_that_fit_nothing_are_refused(tmp_path: Path, name: str, text: str, message: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(InputError, match=message):
        read_answers(tmp_path / name)


def test_command_line_refusal(runs: Path, tmp_path: Path) -> None:
    command = [sys.executable, ROOT / "eval/compare.py", runs / "base", runs / "bsae"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert "did you mean" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_default_output_stands_beside_the_first_run(tmp_path: Path) -> None:
    (tmp_path / "runs/a").mkdir(parents=True)
    (tmp_path / "llm.csv").write_text("")
    assert default_output([tmp_path / "llm.csv", tmp_path / "runs/a"]) == tmp_path / "runs/compare-llm-a"


def test_help_needs_no_heavy_library() -> None:
    code = "import sys; sys.argv = ['c', '--help']\ntry:\n import eval.compare as c; c.main()\nexcept SystemExit: pass\n"
    code += "print(sorted({'numpy', 'scipy', 'sklearn', 'matplotlib', 'pydantic', 'torch'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
