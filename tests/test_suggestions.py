import json
import sys
from pathlib import Path
from types import ModuleType

import pytest

from data import label_studio, spreadsheet
from data.errors import InputError, InputFaults
from data.labelling import Workspace, open_workspace
from data.registry import read_registry
from data.suggestions import document_uncertainty, entropy, read_suggestions


@pytest.fixture
def workspace(corpus_folder: Path) -> Workspace:
    return open_workspace(corpus_folder)


def predictions(workspace: Workspace, path: Path, **sure: float) -> Path:
    """Write prediction rows for all documents, each as sure as its document is in `sure` (doc_3=0.9), else 0.5."""
    rows = []
    for document in workspace.documents.values():
        top = sure.get(document.meta.id.replace("-", "_"), 0.5)
        probs = {"against": top, "neutral": (1 - top) / 2, "favor": (1 - top) / 2}
        for row in document.examples():
            rows.append({"id": row.id, "doc_id": row.doc_id, "actor": row.actor, "pred": "against", "probs": probs})
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return path


def article(workspace: Workspace, path: Path, spaces: str = " ") -> Path:
    """Write what predict.py says of doc-1's article, whose sentences are joined by other white space than ours."""
    document = workspace.documents["doc-1"]
    text = spaces.join(sentence.text for sentence in document.sentences)
    mentions = []
    for name, actor in (("Belmora", "state-1"), ("the Opposition", "opposition"), ("Rovia", "rovia"), ("it", "rovia"), ("at noon", "noon")):
        start = text.index("said it") + 5 if name == "it" else text.rindex(name)
        mention = {"actor": actor, "start": start, "end": start + len(name), "text": name, "stance": "favor", "probs": [0.1, 0.2, 0.7]}
        mentions.append(mention)
    actors = [{"actor": "noon", "name": "high noon", "kind": "group"}, {"actor": "rovia", "name": "Rovia", "kind": "state"}]
    path.write_text(json.dumps({"schema": 1, "documents": [{"doc_id": "doc-1", "mentions": mentions, "actors": actors}]}))
    return path


def test_entropy_is_one_for_a_guess_and_zero_for_certainty() -> None:
    assert entropy([1 / 3, 1 / 3, 1 / 3]) == pytest.approx(1)
    assert entropy([1, 0, 0]) == 0
    assert entropy([0.5, 0.5, 0]) == pytest.approx(0.6309297)  # log 2 / log 3


@pytest.mark.parametrize("spaces", [" ", "\n\n", "   \n"])
def test_an_articles_mentions_find_their_place(workspace: Workspace, tmp_path: Path, spaces: str) -> None:
    found, new = read_suggestions([article(workspace, tmp_path / "p.json", spaces)], workspace)
    sentences = workspace.documents["doc-1"].sentences
    marks = {sent_id: [each.mention for each in each_sentence] for sent_id, each_sentence in found["doc-1"].items()}
    for sent_id, mentions in marks.items():
        for mention in mentions:
            assert sentences[sent_id - 1].text[mention.start : mention.end] == mention.text
    assert [(m.actor, m.stance) for m in marks[1]] == [("opposition", "favor")]
    assert [(m.actor, m.stance) for m in marks[3]] == [("rovia", "favor"), ("rovia", None)], "a further mention has no stance"
    assert [actor.name for actor in new] == ["high noon"]
    assert document_uncertainty(found["doc-1"]) == pytest.approx(entropy([0.1, 0.2, 0.7]))


@pytest.mark.parametrize("prefill", ["marks", "model"])
def test_the_most_uncertain_document_comes_first(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, prefill: str
) -> None:
    path = predictions(workspace, tmp_path / "p.jsonl", doc_3=0.34, doc_7=0.4, doc_5=0.98)
    command = ["export", "--corpus", str(workspace.folder), "--predictions", str(path), "--prefill", prefill]
    monkeypatch.setattr(sys, "argv", ["label_studio.py", *command, "--output", str(tmp_path / "out")])
    label_studio.main()
    tasks = json.loads((tmp_path / "out" / "tasks.json").read_text())
    order = [task["data"]["doc_id"] for task in tasks]
    assert (order[:2], order[-1]) == (["doc-3", "doc-7"], "doc-5")
    assert tasks[0]["data"]["uncertainty"] > 0.99 > 0.2 > tasks[-1]["data"]["uncertainty"]
    stances = [item["value"]["choices"] for item in tasks[0]["predictions"][0]["result"] if item.get("from_name") == "stance"]
    assert stances == ([["against"]] * 6 if prefill == "model" else [])
    assert tasks[-1]["predictions"][0].get("score") == (0.98 if prefill == "model" else None)


def test_a_sheet_suggests_and_leaves_the_stance_open(workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = article(workspace, tmp_path / "p.json")
    command = ["export", "--corpus", str(workspace.folder), "--predictions", str(path), "--output", str(tmp_path / "a.csv")]
    monkeypatch.setattr(sys, "argv", ["spreadsheet.py", *command])
    spreadsheet.main()
    lines = (tmp_path / "a.csv").read_text(encoding="utf-8-sig").splitlines()
    assert {line.split(",")[0] for line in lines[1:]} == {"doc-1"}, "only what was predicted"
    assert lines[1].endswith("opposition,the Opposition,103,,favor,0.70")
    assert "{id: noon, name: high noon, kind: group}" in (tmp_path / "new-actors.yaml").read_text()


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("p.csv", "", "expected predictions"),
        ("p.json", '[{"doc_id": "doc-1"}]', "expected the articles"),
        ("p.json", '{"documents": [3]}', "document 1: .*expected what train"),
        ("p.json", '{"documents": [{"doc_id": "doc-1"}]}', "document 1: mentions: Field required"),
        ("p.json", '{"documents": [{"doc_id": "doc-1", "mentions": [], "actors": null}]}', "document 1: actors: Input should be"),
        (
            "p.json",
            '{"documents": [{"doc_id": "doc-1", "mentions": [], "actors": [{"actor": "x", "name": "X"}]}]}',
            "document 1: actors.0.kind: Field required",
        ),
        ("p.json", '{"documents": [{"doc_id": "doc-x", "mentions": []}]}', "no document 'doc-x'.*mean 'doc-"),
        (
            "p.json",
            '{"documents": [{"doc_id": "doc-1", "mentions": [{"start": 1}]}]}',
            "document 1: mentions.0.actor: Field required; expected what train",
        ),
        (
            "p.json",
            '{"documents": [{"doc_id": "doc-1", "mentions": [{"actor": "x", "start": 1, "text": "Zzz", "stance": "favor",'
            ' "probs": [0, 0, 1]}]}]}',
            "'Zzz' does not occur; were the predictions made from another text",
        ),
        (
            "p.jsonl",
            '{"id": "doc-1:1:rovia", "doc_id": "doc-1", "actor": "rovia", "pred": "favor",'
            ' "probs": {"against": 0, "neutral": 0, "favor": 1}}',
            "6 of its 6 marks were not scored, e.g. doc-1:1:opposition",
        ),
    ],
)
def test_predictions_that_do_not_fit_are_refused(workspace: Workspace, tmp_path: Path, name: str, content: str, message: str) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises((InputError, InputFaults), match=message):
        read_suggestions([tmp_path / name], workspace)


@pytest.mark.parametrize("script", [label_studio, spreadsheet])
def test_actors_that_only_a_models_tags_told_of_get_a_guess_at_their_kind(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: ModuleType
) -> None:
    path = article(workspace, tmp_path / "p.json")
    content = json.loads(path.read_text())
    names = {"noon-party": "Noon Party", "the-villagers": "the villagers"}
    content["documents"][0]["actors"] = [{"actor": actor, "name": name, "kind": "unknown"} for actor, name in names.items()]
    path.write_text(json.dumps(content))
    output = tmp_path / "out" if script is label_studio else tmp_path / "out" / "a.csv"
    monkeypatch.setattr(
        sys, "argv", ["x.py", "export", "--corpus", str(workspace.folder), "--predictions", str(path), "--output", str(output)]
    )
    script.main()
    assert {actor.id: actor.kind for actor in read_registry(tmp_path / "out" / "new-actors.yaml").values()} == {
        "noon-party": "party",
        "the-villagers": "organisation",
    }


def test_documents_are_chosen_by_a_file_of_ids(workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "ids").write_text("doc-4\ndoc-2\n")
    command = ["export", "--corpus", str(workspace.folder), "--documents", str(tmp_path / "ids"), "--output", str(tmp_path / "out")]
    monkeypatch.setattr(sys, "argv", ["label_studio.py", *command])
    label_studio.main()
    assert [task["data"]["doc_id"] for task in json.loads((tmp_path / "out" / "tasks.json").read_text())] == ["doc-4", "doc-2"]
    (tmp_path / "ids").write_text("doc-4\ndoc-22\n")
    monkeypatch.setattr(sys, "argv", ["label_studio.py", *command[:-1], str(tmp_path / "other")])
    with pytest.raises(InputFaults, match=r"ids: no document 'doc-22'.*mean 'doc-2'"):
        label_studio.main()


def test_wide_white_space_before_a_name_that_occurs_twice(workspace: Workspace, tmp_path: Path) -> None:
    document = workspace.documents["doc-1"]
    text = (" " * 60).join(sentence.text for sentence in document.sentences)
    second = text.index("Belmora", 1)
    starts = {"state-1": second, "rovia": text.index("Rovia", second)}  # the sentence ends with Rovia, the next one begins with it
    mentions = [
        {"actor": actor, "start": start, "end": start + 5, "text": text[start : start + 5], "stance": "favor", "probs": [0, 0, 1]}
        for actor, start in starts.items()
    ]
    (tmp_path / "p.json").write_text(json.dumps({"documents": [{"doc_id": "doc-1", "mentions": mentions}]}))
    found, _ = read_suggestions([tmp_path / "p.json"], workspace)
    assert {sent_id: [each.mention.actor for each in marks] for sent_id, marks in found["doc-1"].items()} == {2: ["state-1", "rovia"]}
