"""The tutorial as a newcomer follows it: every command of docs/tutorial.md in an empty folder that holds a fresh copy of the project."""

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from data.documents import read_documents
from data.files import ROOT, read_text
from data.records import Prediction, read_rows

NOT_COPIED = {".git", ".venv", "runs", "tests", "node_modules", "annotations", ".mypy_cache", ".ruff_cache", ".hypothesis", "__pycache__"}
BLOCK = re.compile(r"^```sh(?P<slow> slow)?\n(?P<commands>.*?)^```$", re.M | re.S)


@dataclass(frozen=True)
class Followed:
    """The folder in which the tutorial was followed, and what each command printed."""

    folder: Path
    printed: list[tuple[str, str]]


def commands(*, slow: bool) -> list[str]:
    """The tutorial's commands in their order."""
    blocks = BLOCK.finditer(read_text(ROOT / "docs" / "tutorial.md"))
    return [line for block in blocks if slow or not block["slow"] for line in block["commands"].splitlines() if line.strip()]


def copy_project(folder: Path) -> None:
    """Copy what a newcomer has, the shield's own documents apart, and the environment that `make setup` would make."""

    def left_out(place: str, names: list[str]) -> set[str]:
        own = {"corpus"} if Path(place) == ROOT / "data" else set()
        kept = {"annotations"} if "example" in place else set()
        return (NOT_COPIED - kept | own) & set(names)

    shutil.copytree(ROOT, folder, ignore=left_out, dirs_exist_ok=True)
    (folder / ".venv").symlink_to(sys.prefix)


def follow(folder: Path, *, slow: bool) -> Followed:
    copy_project(folder)
    environment = {"PATH": os.environ["PATH"], "HF_HUB_OFFLINE": "1", "HOME": str(folder)}
    printed = []
    for command in commands(slow=slow):
        done = subprocess.run(["sh", "-c", command], cwd=folder, env=environment, capture_output=True, text=True, timeout=900, check=False)
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
        printed.append((command, done.stdout))
    return Followed(folder, printed)


@pytest.fixture(scope="module")
def followed(tmp_path_factory: pytest.TempPathFactory) -> Followed:
    return follow(tmp_path_factory.mktemp("newcomer"), slow=False)


def said(followed: Followed, part: str, nth: int = 0) -> str:
    """What the nth command that contains `part` printed."""
    return [text for command, text in followed.printed if part in command][nth]


def test_the_tutorial_ends_with_a_report_for_the_second_issue(followed: Followed) -> None:
    report = json.loads(read_text(followed.folder / "runs" / "my-try" / "report.json"))
    assert report["splits"]["test"]["documents"] == 3
    assert report["splits"].keys() == {"dev", "test"}
    assert not report["behaviour"]  # the shield's cases are about the shield
    page = read_text(followed.folder / "runs" / "my-try" / "report.html")
    assert "Lenne" in page
    assert (followed.folder / "runs" / "my-compare" / "compare.json").is_file()


def test_labelling_goes_from_marks_to_checked_labels(followed: Followed) -> None:
    assert "15 documents marked" in said(followed, "data/new.py")
    assert "labelled  0 of 15 documents" in said(followed, "data/validate.py")
    assert "faults    0" in said(followed, "data/validate.py", 1)
    assert "train 9 documents, dev 3 documents, test 3 documents" in said(followed, "data/splits.py")
    assert re.search(r"^all +122 +0\.959", said(followed, "data/agreement.py"), re.M)
    assert all(not document.open_lines for document in read_documents(followed.folder / "my-issue" / "corpus"))


def test_the_article_view_and_the_model_card_are_about_the_second_issue(followed: Followed) -> None:
    assert "Who stands where on the river toll" in read_text(followed.folder / "poll.html")
    assert "Green League" in said(followed, "train/predict.py")
    card = read_text(followed.folder / "runs" / "my-try" / "seed-1" / "model" / "README.md")
    assert "toward the river toll" in card
    assert "license: other" in card, "the corpus is the user's own"


def test_nothing_that_was_written_speaks_of_the_shield(followed: Followed) -> None:
    written = [path for name in ("my-issue", "runs", "my-issue-dataset") for path in (followed.folder / name).rglob("*")]
    kinds, others = {".md", ".json", ".jsonl", ".yaml", ".html"}, {"guidelines.md", "tokenizer.json"}
    texts = [path for path in written if path.suffix in kinds and path.name not in others]
    assert len(texts) > 40
    assert [str(path) for path in texts if re.search(r"\b(?:shield|Moscow|Russia|Kremlin)\b", read_text(path))] == []


def test_the_exported_set_and_the_predictions_hold_the_test_split(followed: Followed) -> None:
    from datasets import load_dataset

    loaded = load_dataset(str(followed.folder / "my-issue-dataset"), cache_dir=str(followed.folder / "cache"))
    rows = read_rows(followed.folder / "runs" / "my-try" / "seed-1" / "predictions" / "test.jsonl", Prediction)
    assert set(loaded) == {"train", "validation", "test"}
    assert [row["id"] for row in loaded["test"]] == [row.id for row in rows]
    assert set(loaded["test"]["target"]) == {"the river toll"}


def test_every_link_of_the_documents_leads_somewhere() -> None:
    pages = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), ROOT / "data" / "README.md", ROOT / "docs" / "example" / "README.md"]
    broken = [
        f"{page.relative_to(ROOT)}: {link}"
        for page in pages
        for link in re.findall(r"\]\(([^)#\s]+?)(?:#[^)]*)?\)", re.sub(r"```.*?```|`[^`]*`", "", read_text(page), flags=re.S))
        if "://" not in link and not (page.parent / link).exists()
    ]
    assert broken == []


@pytest.mark.slow
def test_the_tutorial_with_its_real_training(tmp_path: Path) -> None:
    followed = follow(tmp_path, slow=True)
    assert (followed.folder / "runs" / "my-issue" / "report.html").is_file()
