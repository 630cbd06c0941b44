"""Run folders are read whole, and every fault in them is named."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from eval_fakes import FakeRun, write_run

from data.errors import InputError
from data.files import write_json, write_jsonl, write_text
from data.items import to_item
from eval.runs import read_run

PREDICTIONS = "seed-1/predictions/test.jsonl"


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return write_run(tmp_path / "base", FakeRun(seeds=(1, 2), documents={"test": 3, "dev": 3}, sentences=3))


def rows_of(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def change(path: Path, edit: Callable[[list[dict]], object]) -> None:
    rows = rows_of(path)
    edit(rows)
    write_jsonl(path, rows)


def test_run_is_read_in_the_order_of_the_items(run: Path) -> None:
    change(run / PREDICTIONS, lambda rows: rows.reverse())
    found = read_run(run)
    assert list(found.splits) == ["test", "dev"]
    system = found.systems["test"]
    assert system.ids == found.splits["test"].ids
    assert system.pred.shape == (2, len(system.ids))
    by_id = {row["id"]: row["pred"] for row in rows_of(run / PREDICTIONS)}
    assert [by_id[each] for each in system.ids] == [("against", "neutral", "favor")[each] for each in system.pred[0]]
    assert set(found.baselines) == {"majority", "tfidf"}
    assert found.config_hash == "0123456789ab"


def test_unlabelled_items_are_counted_and_left_out(run: Path) -> None:
    first = rows_of(run / "items/test.jsonl")[0]["id"]
    change(run / "items/test.jsonl", lambda rows: rows[0].update(stance=None))
    for path in run.rglob("test.jsonl"):
        if "items" not in path.parts:  # the gold of a prediction may be left out anywhere
            change(path, lambda rows: [row.update(gold=None) for row in rows])
    split = read_run(run).splits["test"]
    assert split.unlabelled == {first}
    assert first not in split.ids


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda rows: rows.pop(), r"1 of \d+ items have no prediction, first 'test-2:3"),
        (lambda rows: rows.append(rows[0] | {"id": "other"}), "1 predictions have no item in split 'test', first 'other'"),
        (lambda rows: rows.append(rows[0]), "duplicate id"),
        (lambda rows: rows[0].update(probs={"against": 0.5, "neutral": 0.5, "favor": 0.5}), r"test.jsonl:1: .*sum to 1.5"),
        (lambda rows: rows[2].update(pred="favour"), r"test.jsonl:3: pred: 'favour' is not one of .*did you mean 'favor'"),
        (lambda rows: rows[0].update(gold="against" if rows[0]["gold"] != "against" else "favor"), "the items say"),
        (lambda rows: rows.clear(), "no rows"),
        (lambda rows: rows[0].pop("probs"), "probs"),
        (lambda rows: rows[0]["probs"].update(favor=-0.2), "favor"),
    ],
)
def test_faulty_predictions_are_refused(run: Path, edit: Callable[[list[dict]], object], message: str) -> None:
    change(run / PREDICTIONS, edit)
    with pytest.raises(InputError, match=message):
        read_run(run)


def test_faults_name_the_file(run: Path) -> None:
    (run / PREDICTIONS).unlink()
    with pytest.raises(InputError, match=r"seed-1/predictions/test\.jsonl: no such file"):
        read_run(run)


def test_split_without_a_single_label_is_refused(run: Path) -> None:
    change(run / "items/test.jsonl", lambda rows: [row.update(stance=None) for row in rows])
    with pytest.raises(InputError, match=r"none of the .* items has a gold stance"):
        read_run(run)


def test_unfinished_seed_is_left_out_and_refused_by_compare(run: Path) -> None:
    (run / "seed-2/DONE").unlink()
    found = read_run(run)
    assert [seed.seed for seed in found.seeds] == [1]
    assert found.unfinished == (2,)
    with pytest.raises(InputError, match="incomplete run, seed 2"):
        found.require_complete()


def test_seed_that_the_config_asks_for_and_nobody_trained(run: Path) -> None:
    text = (run / "config.yaml").read_text().replace("seeds:\n- 1\n", "seeds:\n- 7\n- 1\n")
    write_text(run / "config.yaml", text)
    assert read_run(run).unfinished == (7,)


def test_run_without_a_finished_seed(run: Path) -> None:
    for path in run.glob("seed-*/DONE"):
        path.unlink()
    with pytest.raises(InputError, match="no finished seed"):
        read_run(run)


def test_seeds_of_different_experiments_are_refused(run: Path) -> None:
    manifest = json.loads((run / "seed-2/run.json").read_text())
    write_json(run / "seed-2/run.json", manifest | {"data_fingerprint": "other"})
    with pytest.raises(InputError, match=r"seed-2/run.json: data_fingerprint is 'other'"):
        read_run(run)


@pytest.mark.parametrize(("key", "value"), [("wall_seconds", "fast"), ("git_commit", 5), ("parameters", True)])
def test_manifest_with_values_of_another_kind(run: Path, key: str, value: object) -> None:
    path = run / "seed-1" / "run.json"
    write_json(path, json.loads(path.read_text()) | {key: value})
    with pytest.raises(InputError, match=f"run.json: {key}: expected a"):
        read_run(run)


def test_manifest_without_its_hashes(run: Path) -> None:
    write_json(run / "seed-1/run.json", {"seed": 1})
    with pytest.raises(InputError, match=r"seed-1/run.json: 'config_hash' is missing"):
        read_run(run)


@pytest.mark.parametrize(
    ("text", "message"), [(":\n- [", "not YAML"), ("- a\n", "expected a mapping"), (None, "not a run folder, it has no config.yaml")]
)
def test_config_that_is_none(run: Path, text: str | None, message: str) -> None:
    (run / "config.yaml").unlink()
    if text is not None:
        write_text(run / "config.yaml", text)
    with pytest.raises(InputError, match=message):
        read_run(run)


def test_missing_folder_offers_the_nearest(run: Path) -> None:
    with pytest.raises(InputError, match=r"no such run folder \(did you mean '.*base'\?\)"):
        read_run(run.parent / "bsae")


def test_run_without_items(run: Path) -> None:
    for path in (run / "items").iterdir():
        path.unlink()
    with pytest.raises(InputError, match="no items"):
        read_run(run)


def test_items_carry_what_is_known_of_their_document(tmp_path: Path) -> None:
    from data.documents import read_document

    path = tmp_path / "a.md"
    front = "id: a\ntitle: A title\ngenre: wire\ntarget: shield\nsetting: real\norigin: written"
    path.write_text(f"---\n{front}\n---\n[Moscow](russia: against) would not [agree](usa: neutral). <!-- negation -->\n")
    document = read_document(path)
    items = [to_item(row, document) for row in document.examples()]
    assert [item.id for item in items] == ["a:1:russia", "a:1:usa"]
    assert (items[0].genre, items[0].setting, items[0].title, items[0].phenomena) == ("wire", "real", "A title", ("negation",))
