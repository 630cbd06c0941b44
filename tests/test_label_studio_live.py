"""The round trip through a real Label Studio server: make test-label-studio."""

import filecmp
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from label_studio_server import Person, annotator, owner, serving

from data.label_studio_tasks import MODEL_VERSION, STANCE

pytestmark = pytest.mark.label_studio
ROOT = Path(__file__).parent.parent
RECORDED = ROOT / "tests" / "recorded" / "label_studio"
BY_HAND = 40
"""Tasks of the whole corpus that are submitted one by one; the server's own bulk action submits the others as they are."""


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    program = os.environ.get("LABEL_STUDIO", ".venv-label-studio/bin/label-studio")
    with serving(ROOT / program, tmp_path_factory.mktemp("label-studio")) as address:
        yield address


@pytest.fixture(scope="module")
def people(url: str) -> dict[str, Person]:
    return {"owner": owner(url), "anna": annotator(url, "anna@example.org"), "ben": annotator(url, "ben@example.org")}


def command(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([sys.executable, "data/label_studio.py", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)


def make_project(person: Person, folder: Path) -> tuple[int, list[dict[str, Any]]]:
    """Create a project from an export and return it with its tasks as the server numbers them."""
    fields = {
        "title": folder.parent.name,
        "label_config": (folder / "interface.xml").read_text(encoding="utf-8"),
        "sampling": "Sequential sampling",
        "show_collab_predictions": True,
        "model_version": MODEL_VERSION,
        "maximum_annotations": 2,
    }
    project = person.call("POST", "/api/projects/", fields)["id"]
    tasks = json.loads((folder / "tasks.json").read_text(encoding="utf-8"))
    answer = person.call("POST", f"/api/projects/{project}/import?return_task_ids=true", tasks)
    assert answer["task_count"] == len(tasks)
    return project, [{**task, "id": number} for task, number in zip(tasks, answer["task_ids"], strict=True)]


def submit(person: Person, task: int, result: list[dict[str, Any]], **fields: Any) -> None:
    """Submit an annotation as the labelling page does."""
    person.call("POST", f"/api/tasks/{task}/annotations/", {"result": result, "lead_time": 12.5, **fields})


def export_json(person: Person, project: int, path: Path) -> Path:
    content = person.call("GET", f"/api/projects/{project}/export?exportType=JSON&download_all_tasks=true")
    path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return path


def same_files(one: Path, other: Path) -> list[str]:
    """Return the files that differ between two folders, byte for byte."""
    names = sorted({str(path.relative_to(folder)) for folder in (one, other) for path in folder.rglob("*.md")})
    return [
        name for name in names if not ((one / name).exists() and (other / name).exists() and filecmp.cmp(one / name, other / name, False))
    ]


def test_two_annotators_a_conflict_and_a_region_without_stance(people: dict[str, Person], tmp_path: Path) -> None:
    owner_, anna, ben = (people[name] for name in ("owner", "anna", "ben"))
    assert command("export", "--corpus", str(RECORDED), "--prefill", "labels", "--output", str(tmp_path / "out")).returncode == 0
    project, tasks = make_project(owner_, tmp_path / "out")
    served = anna.call("GET", f"/api/projects/{project}/next")
    assert served["id"] == tasks[0]["id"], "tasks are served in the order of the export"
    assert served["predictions"][0]["result"] == tasks[0]["predictions"][0]["result"]
    results = [task["predictions"][0]["result"] for task in tasks]
    for task, result in zip(tasks, results, strict=True):
        submit(anna, task["id"], result)
    turned = json.loads(json.dumps(results[0]))
    stance = next(item for item in turned if item.get("from_name") == STANCE)
    stance["value"]["choices"] = ["against" if stance["value"]["choices"] != ["against"] else "favor"]
    submit(ben, tasks[0]["id"], turned)
    submit(ben, tasks[1]["id"], [item for item in results[1] if item.get("from_name") != STANCE])
    submit(ben, tasks[2]["id"], [], was_cancelled=True)
    submit(ben, tasks[3]["id"], results[3])
    exported = export_json(owner_, project, tmp_path / "export.json")
    if keep := os.environ.get("RECORD_EXPORT"):
        Path(keep).write_bytes(exported.read_bytes())
    names = ["--annotator", f"{anna.id}=anna", "--annotator", "ben@example.org=ben", "--annotator", f"{ben.id}=ben"]
    back = ["import", str(exported), "--corpus", str(RECORDED), *names, "--output", str(tmp_path / "back")]
    refused = command(*back)
    assert refused.returncode == 2
    assert "has no stance" in refused.stderr
    assert not (tmp_path / "back").exists()
    done = command(*back, "--skip-faulty")
    assert done.returncode == 0, done.stderr
    assert "anna / ben: 2 documents" in done.stdout
    assert "open conflicts: 1 in 1 documents" in done.stdout
    rejects = json.loads((tmp_path / "back" / "rejects.json").read_text(encoding="utf-8"))
    assert [task["data"]["doc_id"] for task in rejects] == [tasks[1]["data"]["doc_id"]]
    assert same_files(tmp_path / "back" / "layers" / "anna", tmp_path / "back" / "agreed") != []  # agreed keeps the corpus's front matter
    assert len(same_files(tmp_path / "back" / "agreed", RECORDED / "corpus")) == 1, "only the document in conflict is held back"


def test_the_whole_corpus_comes_back_byte_for_byte(people: dict[str, Person], tmp_path: Path) -> None:
    anna = people["anna"]
    assert command("export", "--prefill", "labels", "--output", str(tmp_path / "out")).returncode == 0
    project, tasks = make_project(people["owner"], tmp_path / "out")
    by_hand = tasks[:BY_HAND]
    for task in by_hand:
        submit(anna, task["id"], task["predictions"][0]["result"])
    selected = {"all": True, "excluded": [task["id"] for task in by_hand]}
    path = f"/api/dm/actions?id=predictions_to_annotations&project={project}"
    anna.call("POST", path, {"selectedItems": selected, "model_version": MODEL_VERSION})
    exported = export_json(people["owner"], project, tmp_path / "export.json")
    done = command("import", str(exported), "--annotator", f"{anna.id}=anna", "--output", str(tmp_path / "back"))
    assert done.returncode == 0, done.stderr
    assert f"anna: {len(tasks)} documents" in done.stdout
    assert same_files(tmp_path / "back" / "agreed", ROOT / "data" / "corpus") == []
