import copy
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from data import label_studio
from data.conflicts import merge
from data.errors import InputError, InputFaults
from data.intake import agreed_text
from data.label_studio_results import read_exports
from data.label_studio_tasks import ACTOR, FURTHER, MARK, STANCE, labelling_config

RECORDED = Path(__file__).parent / "recorded" / "label_studio"


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    def command(*arguments: object) -> None:
        monkeypatch.setattr(sys, "argv", ["label_studio.py", *map(str, arguments)])
        label_studio.main()

    return command


def annotate(tasks: list[dict[str, Any]], user: int = 1) -> list[dict[str, Any]]:
    """Do what an annotator does who submits every task as it is."""
    return [
        {**task, "id": number, "annotations": [{"completed_by": user, "result": copy.deepcopy(task["predictions"][0]["result"])}]}
        for number, task in enumerate(tasks, 1)
    ]


@pytest.fixture
def exported(run: Callable[..., None], corpus_folder: Path, tmp_path: Path) -> list[dict[str, Any]]:
    run("export", "--corpus", corpus_folder, "--prefill", "labels", "--output", tmp_path / "out")
    return annotate(json.loads((tmp_path / "out" / "tasks.json").read_text()))


def write(folder: Path, tasks: list[dict[str, Any]]) -> Path:
    path = folder / "export.json"
    path.write_text(json.dumps(tasks), encoding="utf-8")
    return path


def test_the_interface_has_a_stance_and_an_actor_for_every_region() -> None:
    root = ElementTree.fromstring(labelling_config())
    regions = {part.get("name"): part for part in root.iter() if part.get("perRegion") == "true"}
    assert set(regions) == {STANCE, ACTOR, "other_actor"}
    assert [choice.get("value") for choice in regions[STANCE]] == ["against", "neutral", "favor"]
    assert regions[ACTOR].get("value") == "$actors"


def test_documents_come_back_byte_for_byte(
    run: Callable[..., None], corpus_folder: Path, exported: list[dict[str, Any]], tmp_path: Path
) -> None:
    run("import", write(tmp_path, exported), "--corpus", corpus_folder, "--annotator", "1=anna", "--output", tmp_path / "back")
    for path in sorted((corpus_folder / "corpus").rglob("*.md")):
        assert (tmp_path / "back" / "agreed" / path.name).read_bytes() == path.read_bytes()
        assert "annotators:\n- anna\n" in (tmp_path / "back" / "layers" / "anna" / path.name).read_text()


def test_the_recorded_export_of_a_real_server(run: Callable[..., None], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = ["--annotator", "2=anna", "--annotator", "3=ben"]
    with pytest.raises(InputFaults, match=r"task 2 \(.*has no stance"):
        run("import", RECORDED / "export.json", "--corpus", RECORDED, *names, "--output", tmp_path / "back")
    assert not (tmp_path / "back").exists()
    run("import", RECORDED / "export.json", "--corpus", RECORDED, *names, "--skip-faulty", "--output", tmp_path / "back")
    printed = capsys.readouterr().out
    assert "anna: 4 documents" in printed
    assert "ben: 2 documents" in printed
    assert "open conflicts: 1 in 1 documents" in printed
    agreed = sorted((tmp_path / "back" / "agreed").rglob("*.md"))
    assert len(agreed) == 3
    for path in agreed:
        assert path.read_bytes() == (RECORDED / "corpus" / path.relative_to(tmp_path / "back" / "agreed")).read_bytes()
    rejects = json.loads((tmp_path / "back" / "rejects.json").read_text())
    assert [len(task["annotations"]) for task in rejects] == [1]
    assert "has no stance" in rejects[0]["annotations"][0]["faults"][0]


def first(task: dict[str, Any], part: str) -> dict[str, Any]:
    return next(item for item in task["annotations"][0]["result"] if item.get("from_name") == part)


def without_stance(task: dict[str, Any]) -> None:
    task["annotations"][0]["result"].remove(first(task, STANCE))


def without_region(task: dict[str, Any]) -> None:
    task["annotations"][0]["result"].remove(first(task, MARK))


def by_a_stranger(task: dict[str, Any]) -> None:
    task["annotations"][0]["completed_by"] = {"id": 9, "email": "x@example.org"}


def with_changed_text(task: dict[str, Any]) -> None:
    task["data"]["text"] = task["data"]["text"].replace("walked out", "stayed")


def with_moved_region(task: dict[str, Any]) -> None:
    first(task, MARK)["value"]["start"] += 1


def with_overlap(task: dict[str, Any]) -> None:
    value = {**first(task, MARK)["value"], "end": first(task, MARK)["value"]["end"] + 7, "labels": ["actor"]}
    del value["text"]
    for part, more in ((MARK, {}), (STANCE, {"choices": ["favor"]}), (ACTOR, {"choices": ["reporters"]})):
        task["annotations"][0]["result"].append({"id": "new", "from_name": part, "type": "labels", "value": {**value, **more}})


def with_two_labels(task: dict[str, Any]) -> None:
    first(task, MARK)["value"]["labels"].append(FURTHER)


def with_two_stances(task: dict[str, Any]) -> None:
    first(task, STANCE)["value"]["choices"].append("neutral")


def with_unknown_actor(task: dict[str, Any]) -> None:
    first(task, ACTOR)["value"]["choices"] = ["state-l"]


def without_actor(task: dict[str, Any]) -> None:
    task["annotations"][0]["result"].remove(first(task, ACTOR))


def across_sentences(task: dict[str, Any]) -> None:
    value = first(task, MARK)["value"]
    value["end"] = len(task["data"]["text"])
    del value["text"]


def with_an_unknown_document(task: dict[str, Any]) -> None:
    task["data"]["doc_id"] = "doc-99"


def with_a_foreign_field(task: dict[str, Any]) -> None:
    task["annotations"][0]["result"].append({"id": "q", "from_name": "stanse", "type": "choices", "value": {"choices": ["favor"]}})


FAULTS: list[tuple[Callable[[dict[str, Any]], None], str]] = [
    (without_stance, "'Arvon' has no stance"),
    (without_region, "stance 'favor' and actor 'state-0' without a marked span"),
    (by_a_stranger, "unknown annotator 9 / x@example.org.*--annotator 9=NAME"),
    (with_changed_text, "the text differs from .*doc-0.md.*first in line 1"),
    (with_moved_region, "the text at 1-5 is 'rvon', the region says 'Arvon'"),
    (with_overlap, "overlap"),
    (with_two_labels, "has the labels actor, further mention, expected one of"),
    (with_two_stances, "several stances: favor, neutral"),
    (with_unknown_actor, "actor 'state-l' is not in actors.yaml.*mean 'state-"),
    (without_actor, "'Arvon' has no actor"),
    (across_sentences, "does not lie within one sentence"),
    (with_an_unknown_document, "no document 'doc-99'"),
    (with_a_foreign_field, "field 'stanse' is not of our labelling interface.*mean 'stance'"),
]


@pytest.mark.parametrize(("spoil", "message"), FAULTS)
def test_faults_name_their_task(
    run: Callable[..., None],
    corpus_folder: Path,
    exported: list[dict[str, Any]],
    tmp_path: Path,
    spoil: Callable[[dict[str, Any]], None],
    message: str,
) -> None:
    spoil(exported[0])
    with pytest.raises(InputFaults, match=rf"export.json: task 1 \(doc-\d+\): .*{message}"):
        run("import", write(tmp_path, exported), "--corpus", corpus_folder, "--annotator", "1=anna", "--output", tmp_path / "back")
    assert not (tmp_path / "back").exists()


def test_all_faults_are_listed_at_once_and_can_be_set_aside(
    run: Callable[..., None], corpus_folder: Path, exported: list[dict[str, Any]], tmp_path: Path
) -> None:
    for task, (spoil, _) in zip(exported, FAULTS[:10], strict=False):
        spoil(task)
    command = ["import", write(tmp_path, exported), "--corpus", corpus_folder, "--annotator", "1=anna", "--output", tmp_path / "back"]
    with pytest.raises(InputFaults) as caught:
        run(*command)
    assert {f"task {number} " in str(caught.value) for number in range(1, 11)} == {True}
    assert "nothing imported" in caught.value.faults[-1]
    run(*command, "--skip-faulty")
    assert len(list((tmp_path / "back" / "agreed").glob("*.md"))) == 2
    assert len(json.loads((tmp_path / "back" / "rejects.json").read_text())) == 10
    assert "has no stance" in (tmp_path / "back" / "report.txt").read_text()


def test_a_further_mention_takes_its_actor_from_the_relation(corpus_folder: Path, exported: list[dict[str, Any]], tmp_path: Path) -> None:
    from data.labelling import open_workspace

    workspace = open_workspace(corpus_folder)
    for task in exported:
        further = {i["id"] for i in task["annotations"][0]["result"] if i.get("value", {}).get("labels") == [FURTHER]}
        task["annotations"][0]["result"] = [
            item for item in task["annotations"][0]["result"] if not (item.get("id") in further and item["from_name"] == ACTOR)
        ]
        assert further
    intake = read_exports([write(tmp_path, exported)], workspace, {"1": "anna"})
    assert intake.faults == []
    for each in merge(intake.annotations, {}):
        assert agreed_text(each) == each.document.path.read_text()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('[{"text": "x", "mark": [], "annotator": 1, "annotation_id": 3}]', "this is JSON-MIN"),
        ('{"tasks": []}', "expected the list of tasks"),
        ("[", "not JSON"),
        ('[{"annotations": [], "data": 3}]', "expected an object `data`"),
    ],
)
def test_other_files_are_refused(run: Callable[..., None], corpus_folder: Path, tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "e.json").write_text(content)
    with pytest.raises(InputError, match=message):
        run("import", tmp_path / "e.json", "--corpus", corpus_folder, "--output", tmp_path / "back")


@pytest.mark.parametrize("pair", ["anna", "=anna", "1=../x", "1="])
def test_annotators_that_are_no_pairs_are_refused(run: Callable[..., None], corpus_folder: Path, tmp_path: Path, pair: str) -> None:
    with pytest.raises(InputError, match="--annotator"):
        run("import", tmp_path / "e.json", "--corpus", corpus_folder, "--annotator", pair, "--output", tmp_path / "back")


def test_a_blind_task_shows_marks_and_no_stance(run: Callable[..., None], corpus_folder: Path, tmp_path: Path) -> None:
    run("export", "--corpus", corpus_folder, "--prefill", "marks", "--output", tmp_path / "out")
    text = (tmp_path / "out" / "tasks.json").read_text()
    assert '"from_name": "mark"' in text
    assert '"from_name": "stance"' not in text
    run("export", "--corpus", corpus_folder, "--prefill", "none", "--output", tmp_path / "bare")
    assert "predictions" not in (tmp_path / "bare" / "tasks.json").read_text()


def test_open_marks_are_labelled_and_name_their_annotator(run: Callable[..., None], corpus_folder: Path, tmp_path: Path) -> None:
    path = corpus_folder / "corpus" / "doc-3.md"
    labelled = path.read_text()
    path.write_text(labelled.replace(": favor)", ": ?)").replace(": neutral)", ": ?)").replace(": against)", ": ?)"))
    (tmp_path / "ids").write_text("doc-3")
    run("export", "--corpus", corpus_folder, "--documents", tmp_path / "ids", "--output", tmp_path / "out")
    tasks = annotate(json.loads((tmp_path / "out" / "tasks.json").read_text()))
    result = tasks[0]["annotations"][0]["result"]
    assert not [item for item in result if item.get("from_name") == STANCE]
    stances = ["favor", "against", "neutral", "neutral", "against", "neutral"]
    marks = [item for item in result if item.get("from_name") == MARK and item["value"]["labels"] != [FURTHER]]
    for mark, stance in zip(marks, stances, strict=True):
        result.append({**mark, "from_name": STANCE, "type": "choices", "value": {**mark["value"], "choices": [stance]}})
    run("import", write(tmp_path, tasks), "--corpus", corpus_folder, "--annotator", "1=anna", "--output", tmp_path / "back")
    expected = labelled.replace("origin: written\n", "origin: written\nannotators:\n- anna\n")
    assert (tmp_path / "back" / "agreed" / "doc-3.md").read_text() == expected


@pytest.mark.parametrize("result", [{"a": 1}, ["x"], [{"from_name": "mark", "value": [1]}]])
def test_a_result_of_another_shape_is_a_fault(run: Callable[..., None], corpus_folder: Path, tmp_path: Path, result: object) -> None:
    run("export", "--corpus", corpus_folder, "--output", tmp_path / "out")
    tasks = annotate(json.loads((tmp_path / "out" / "tasks.json").read_text()))
    tasks[4]["annotations"][0]["result"] = result
    with pytest.raises(InputFaults, match=r"task 5 \(.*its result is no list of regions"):
        run("import", write(tmp_path, tasks), "--corpus", corpus_folder, "--annotator", "1=anna", "--output", tmp_path / "back")


def test_an_output_that_holds_something_is_refused(run: Callable[..., None], corpus_folder: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="not empty"):
        run("export", "--corpus", corpus_folder, "--output", corpus_folder)
