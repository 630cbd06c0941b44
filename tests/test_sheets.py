import sys
from pathlib import Path

import pytest

from data.documents import read_documents
from data.errors import InputError, InputFaults
from data.sheets import format_sheet, main, make, read, read_answers

ANSWERS = "doc-1 1 fa\ndoc-1 2 nn\n# a remark\ndoc-1 3 f\ndoc-1 4 n\n"


def test_a_sheet_shows_marks_and_no_labels(corpus_folder: Path) -> None:
    sheet = format_sheet(read_documents(corpus_folder / "corpus")[1])
    assert "[Belmora](1 state-1) signed" in sheet
    assert not [stance for stance in ("against", "favor", "neutral") if f": {stance}" in sheet]


def test_answers_become_a_layer_with_the_new_labels(corpus_folder: Path, tmp_path: Path) -> None:
    documents = [d for d in read_documents(corpus_folder / "corpus") if d.meta.id == "doc-1"]
    answers = tmp_path / "answers.txt"
    answers.write_text(ANSWERS)
    assert read(documents, [answers], "ann2", tmp_path / "second") == 1
    layer = read_documents(tmp_path / "second")[0]
    assert layer.meta.annotators == ("ann2",)
    assert [m.stance for s in layer.sentences for m in s.labelled] == ["favor", "against", "neutral", "neutral", "favor", "neutral"]
    assert layer.plain_text() == documents[0].plain_text()


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("doc-1 3 f\n", "", "doc-1: sentence 3 is not answered"),
        ("doc-1 3 f", "doc-1 3 ff", "answers.txt:4: 'ff': expected 1 letters"),
        ("doc-1 3 f", "doc-1 3 x", "expected 1 letters out of a, n, f"),
        ("doc-1 3 f", "doc-1 3", "answers.txt:4: expected `document-id"),
        ("doc-1 3 f", "doc-1 ² f", "answers.txt:4: expected `document-id"),
        ("doc-1 3 f", "doc-2 3 f", "no labelled sentence 3 in 'doc-2'.*mean 'doc-1'"),
        ("doc-1 4 n", "doc-1 3 f\ndoc-1 4 n", "answered twice"),
    ],
)
def test_faulty_answers_name_file_and_line(corpus_folder: Path, tmp_path: Path, old: str, new: str, message: str) -> None:
    documents = [d for d in read_documents(corpus_folder / "corpus") if d.meta.id == "doc-1"]
    answers = tmp_path / "answers.txt"
    answers.write_text(ANSWERS.replace(old, new))
    with pytest.raises(InputFaults, match=message):
        read_answers([answers], documents)


def test_sheets_are_batched(corpus_folder: Path, tmp_path: Path) -> None:
    assert make(read_documents(corpus_folder / "corpus"), tmp_path / "sheets", 5) == 3
    assert (tmp_path / "sheets" / "sheet-03.md").read_text().count("## doc-") == 2


@pytest.mark.parametrize("size", ["0", "-1"])
def test_a_sheet_holds_a_document_at_least(corpus_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: str) -> None:
    monkeypatch.setattr(sys, "argv", ["sheets.py", "make", str(corpus_folder), "--output", str(tmp_path / "s"), f"--size={size}"])
    with pytest.raises(InputError, match=f"--size: expected 1 or more, got {size}"):
        main()


def test_neither_sheets_nor_a_corpus_are_written_over(corpus_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def run(*arguments: object) -> None:
        monkeypatch.setattr(sys, "argv", ["sheets.py", *map(str, arguments)])
        main()

    run("make", corpus_folder, "--size", 5, "--output", tmp_path / "sheets")
    before = {path: path.read_bytes() for path in tmp_path.rglob("*.md")}
    (tmp_path / "ids").write_text("doc-1\n")
    (tmp_path / "answers.txt").write_text(ANSWERS)
    for arguments in (
        ("make", corpus_folder, "--size", 40, "--output", tmp_path / "sheets"),
        ("read", corpus_folder, tmp_path / "answers.txt", "--documents", tmp_path / "ids", "--output", corpus_folder / "corpus"),
    ):
        with pytest.raises(InputError, match=r"--output .*: not empty; name a new folder"):
            run(*arguments)
    with pytest.raises(InputError, match="--annotator: 'a b' is no name for an annotator"):
        run("read", corpus_folder, tmp_path / "answers.txt", "--annotator", "a b", "--output", tmp_path / "second")
    assert {path: path.read_bytes() for path in tmp_path.rglob("*.md")} == before
