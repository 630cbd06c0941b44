from pathlib import Path

import pytest
from conftest import document_text

from data.documents import format_document, read_document, read_documents, relabel
from data.errors import InputError, InputFaults


def write(tmp_path: Path, text: str, name: str = "doc-1.md") -> Path:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


def test_sentences_paragraphs_and_lines(tmp_path: Path) -> None:
    document = read_document(write(tmp_path, document_text(1)))
    assert [(s.sent_id, s.paragraph, s.line) for s in document.sentences] == [(1, 1, 9), (2, 1, 10), (3, 2, 12), (4, 2, 13)]
    assert document.plain_text().count("\n") == 1
    assert "[" not in document.plain_text()


def test_examples_carry_offsets_and_the_text_before(tmp_path: Path) -> None:
    rows = list(read_document(write(tmp_path, document_text(1))).examples(context_sentences=1))
    assert len(rows) == 6
    assert rows[0].context == ""
    assert rows[2].context == rows[0].text
    assert all(row.text[row.start : row.end] == row.mention for row in rows)
    assert len({row.id for row in rows}) == len(rows)


def test_no_context_is_given_when_none_is_asked_for(tmp_path: Path) -> None:
    assert {row.context for row in read_document(write(tmp_path, document_text(1))).examples(0)} == {""}


def test_formatting_and_reading_are_inverse(tmp_path: Path) -> None:
    document = read_document(write(tmp_path, document_text(1)))
    again = read_document(write(tmp_path, format_document(document.meta, relabel(document, {})), "again.md"))
    assert (again.meta, again.sentences) == (document.meta, document.sentences)


def test_relabelling_changes_one_label_only(tmp_path: Path) -> None:
    document = read_document(write(tmp_path, document_text(1)))
    changed = read_document(write(tmp_path, format_document(document.meta, relabel(document, {(3, "rovia"): "favor"})), "c.md"))
    before = [(s.sent_id, m.actor, m.stance) for s in document.sentences for m in s.marked.mentions]
    after = [(s.sent_id, m.actor, m.stance) for s in changed.sentences for m in s.marked.mentions]
    assert [(a, b) for a, b in zip(before, after, strict=True) if a != b] == [((3, "rovia", "against"), (3, "rovia", "favor"))]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("no front matter", ":1: expected YAML front matter"),
        (document_text(1).replace("genre: wire", "genre: poem"), "'genre'"),
        (document_text(1).replace("title:", "tilte:"), "tilte|title"),
        (document_text(1).replace("setting: invented", "setting: [unclosed"), "not YAML"),
        (document_text(1).split("---\n[")[0] + "---\n", "no sentences"),
    ],
)
def test_faults_name_the_file(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        read_document(write(tmp_path, text))
    assert "doc-1.md" in str(caught.value)


def test_all_faults_of_all_files_are_named_at_once(tmp_path: Path) -> None:
    write(tmp_path, document_text(1).replace("against)", "agianst)"))
    write(tmp_path, document_text(2).replace("(rovia: neutral)", "(rovia neutral"), "doc-2.md")
    with pytest.raises(InputFaults) as caught:
        read_documents(tmp_path)
    assert [fault.split(":")[1] for fault in caught.value.faults] == ["9", "12", "10"]


def test_duplicate_ids_are_refused(tmp_path: Path) -> None:
    write(tmp_path, document_text(1))
    write(tmp_path, document_text(1), "copy.md")
    with pytest.raises(InputFaults, match="duplicate id 'doc-1'"):
        read_documents(tmp_path)


def test_an_empty_folder_is_an_empty_corpus(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="empty corpus"):
        read_documents(tmp_path)
