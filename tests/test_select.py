"""What to label next: the ranking, and the program on documents, rows and articles with a tiny run."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from conftest import write_corpus
from tiny_run import ARTICLE, make_run

from data import sheets
from data.cells import read_table
from data.corpus import load_corpus
from data.errors import InputError
from data.files import ROOT, write_jsonl, write_text
from data.records import Example, read_rows
from data.suggestions import entropy
from train import select
from train.acquisition import by_document, by_sentence, margin, mean_of, rank


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_run(tmp_path_factory.mktemp("runs") / "tiny")


@pytest.fixture
def issue(tmp_path: Path) -> Path:
    """A corpus folder with two documents that are still to be labelled."""
    folder = write_corpus(tmp_path / "issue")
    for name in ("doc-3", "doc-7"):
        path = folder / "corpus" / f"{name}.md"
        for stance in ("favor", "against", "neutral"):
            path.write_text(path.read_text(encoding="utf-8").replace(f": {stance})", ": ?)"), encoding="utf-8")
    return folder


def call(monkeypatch: pytest.MonkeyPatch, run: Path, given: Path, *more: str) -> None:
    monkeypatch.setattr(sys, "argv", ["select", "--run", str(run), "--input", str(given), *more])
    select.main()


def test_uncertainty_is_0_when_sure_and_1_when_guessing() -> None:
    probabilities = np.array([[1.0, 0.0, 0.0], [1 / 3, 1 / 3, 1 / 3], [0.5, 0.5, 0.0]])
    assert entropy(probabilities) == pytest.approx([0.0, 1.0, np.log(2) / np.log(3)])
    assert margin(probabilities) == pytest.approx([0.0, 1.0, 1.0])


def test_the_unsure_come_first_and_a_second_of_the_same_kind_late() -> None:
    vectors = np.repeat(np.eye(4), 5, axis=0)
    uncertainty = np.tile([0.001, 0.001, 0.001, 0.001, 0.9], 4)
    order = rank(uncertainty, vectors, 20, seed=1)
    assert sorted(order) == list(range(20))
    assert {index // 5 for index in order[:4]} == {0, 1, 2, 3}
    assert rank(uncertainty, vectors, 3, seed=1) == order[:3] == rank(uncertainty, vectors, 3, seed=1)
    assert {index for seed in range(5) for index in rank(uncertainty, vectors, 4, seed)} == {4, 9, 14, 19}


def test_equal_texts_and_no_doubt_at_all_still_give_every_candidate_once() -> None:
    assert sorted(rank(np.zeros(6), np.ones((6, 3)), 10, seed=2)) == list(range(6))


def test_rows_are_grouped_and_averaged(corpus_folder: Path) -> None:
    rows = load_corpus(write_corpus(corpus_folder)).examples("train", 0)
    documents, sentences = by_document(rows), by_sentence(rows)
    assert len(documents) == len({row.doc_id for row in rows}) and len(sentences) == 4 * len(documents)
    values = np.arange(len(rows), dtype=float)
    assert mean_of(values, documents)[1] == np.mean([index for index, row in enumerate(rows) if row.doc_id == documents[1].rows[0].doc_id])
    assert mean_of(values[:, None], sentences).shape == (len(sentences), 1)


def test_documents_are_ranked_for_the_labelling_tools(run: Path, issue: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    call(monkeypatch, run, issue, "--output", str(tmp_path / "next.txt"))
    names = (tmp_path / "next.txt").read_text().split()
    assert sorted(names) == ["doc-3", "doc-7"]
    command = ["sheets", "make", str(issue), "--documents", str(tmp_path / "next.txt"), "--output", str(tmp_path / "sheets")]
    monkeypatch.setattr(sys, "argv", command)
    sheets.main()
    sheet = (tmp_path / "sheets" / "sheet-01.md").read_text(encoding="utf-8")
    assert [line.split()[1] for line in sheet.split("\n") if line.startswith("## ")] == names


def test_sentences_are_ranked_as_rows_and_as_a_table(run: Path, issue: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    call(monkeypatch, run, issue, "--output", str(tmp_path / "next.jsonl"), "--uncertainty", "margin")
    rows = read_rows(tmp_path / "next.jsonl", Example)
    assert len(rows) == 12 and {row.stance for row in rows} == {None}
    call(monkeypatch, run, tmp_path / "next.jsonl", "--number", "3", "--output", str(tmp_path / "next.csv"))
    table = read_table(tmp_path / "next.csv", select.COLUMNS)
    assert [row.cells["rank"] for row in table.rows] == ["1", "2", "3"]
    assert {row.cells["sentence"] for row in table.rows} <= {row.text for row in rows}


def test_articles_are_ranked(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    write_text(tmp_path / "articles" / "radar.txt", ARTICLE)
    write_text(tmp_path / "articles" / "README.md", "Where they come from.")
    call(monkeypatch, run, tmp_path / "articles", "--output", str(tmp_path / "next.jsonl"))
    rows = read_rows(tmp_path / "next.jsonl", Example)
    assert {row.doc_id for row in rows} == {"radar"} and "russia" in {row.actor for row in rows}
    assert "labels to give, most wanted sentences first" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--output", "next.cvs"], r"expected .txt, .jsonl, .csv.*mean '.csv'"),
        (["--number", "0"], "--number 0: expected 1 or more"),
        (["--seed", "-1"], "--seed -1"),
        ([], "nothing to rank, each of its 1 marks has a stance"),
    ],
)
def test_mistakes_are_told(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, more: list[str], message: str) -> None:
    row = {"id": "r", "doc_id": "d", "sent_id": 1, "text": "Ann left.", "actor": "ann", "mention": "Ann", "start": 0, "end": 3}
    write_jsonl(tmp_path / "rows.jsonl", [row | {"stance": "favor"}])
    with pytest.raises(InputError, match=message):
        call(monkeypatch, run, tmp_path / "rows.jsonl", *more)


@pytest.mark.parametrize("script", sorted(path.name for path in (ROOT / "train").glob("*.py") if "if not __package__" in path.read_text()))
def test_no_script_takes_select_for_the_standard_librarys(script: str) -> None:
    """Run what a script imports before it puts its own folder away, as `python train/<script>` would."""
    before = (ROOT / "train" / script).read_text(encoding="utf-8").partition("if not __package__")[0]
    code = f"import sys; sys.path.insert(0, {str(ROOT / 'train')!r})\n{before}\nassert 'train' not in str(sys.modules.get('select', ''))"
    subprocess.run([sys.executable, "-I", "-c", code], check=True, timeout=60)
