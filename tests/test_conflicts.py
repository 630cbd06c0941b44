import csv
import sys
from pathlib import Path

import pytest

from data import spreadsheet
from data.conflicts import compare_annotators, merge
from data.documents import read_document
from data.errors import InputError, InputFaults
from data.intake import check_annotations, read_decisions
from data.labelling import Annotation, Workspace, corpus_marks, open_workspace
from data.markup import Mention


@pytest.fixture
def workspace(corpus_folder: Path) -> Workspace:
    return open_workspace(corpus_folder)


def annotation(workspace: Workspace, name: str, **changes: tuple[Mention, ...]) -> Annotation:
    """Annotate doc-1 as the corpus has it, apart from the sentences in `changes` (s1=...)."""
    document = workspace.documents["doc-1"]
    marks = corpus_marks(document) | {int(key[1:]): mentions for key, mentions in changes.items()}
    return Annotation(document, name, marks)


def first_sentence(workspace: Workspace) -> tuple[Mention, ...]:
    return corpus_marks(workspace.documents["doc-1"])[1]


def changed(mention: Mention, **fields: object) -> Mention:
    return Mention(**{**vars(mention), **fields})  # type: ignore[arg-type]


def test_what_all_say_is_agreed(workspace: Workspace) -> None:
    (merged,) = merge([annotation(workspace, name) for name in ("anna", "ben")], {})
    assert merged.conflicts == ()
    assert not merged.changed


def test_other_stances_and_missing_marks_are_conflicts_until_decided(workspace: Workspace) -> None:
    belmora, opposition = first_sentence(workspace)
    ben = annotation(workspace, "ben", s1=(changed(belmora, stance="neutral"),))
    (merged,) = merge([annotation(workspace, "anna"), ben], {})
    assert [conflict.answers for conflict in merged.conflicts] == [
        (("anna", "favor"), ("ben", "neutral")),
        (("anna", "against"), ("ben", "none")),
    ]
    assert "doc-1.md:9: state-1: anna favor, ben neutral" in str(merged.conflicts[0])
    decided = {("doc-1", 1, "state-1"): "favor", ("doc-1", 1, "opposition"): None}
    (merged,) = merge([annotation(workspace, "anna"), ben], decided)  # type: ignore[arg-type]
    assert merged.conflicts == ()
    assert merged.marks[1] == (belmora,)
    assert opposition not in merged.marks[1]


def test_the_span_of_most_annotators_is_kept(workspace: Workspace) -> None:
    belmora, opposition = first_sentence(workspace)
    shorter = changed(opposition, start=opposition.start + 4, text="Opposition")
    people = [annotation(workspace, "anna", s1=(belmora, shorter)), annotation(workspace, "ben"), annotation(workspace, "cem")]
    assert merge(people, {})[0].marks[1] == (belmora, opposition)
    assert merge(people[:2], {})[0].marks[1] == (belmora, shorter), "the first annotator's among equals"


def test_marks_that_overlap_are_a_conflict(workspace: Workspace) -> None:
    belmora, opposition = first_sentence(workspace)
    other = changed(opposition, start=opposition.start + 4, text="Opposition", actor="rovia", stance="neutral")
    people = [annotation(workspace, "anna"), annotation(workspace, "ben", s1=(belmora, other))]
    decided = {("doc-1", 1, "opposition"): "against", ("doc-1", 1, "rovia"): "neutral"}
    (merged,) = merge(people, decided)  # type: ignore[arg-type]
    assert [conflict.remark for conflict in merged.conflicts] == [
        "overlaps 'Opposition': only one can stay",
        "overlaps 'the Opposition': only one can stay",
    ]


def test_a_further_mention_needs_half_of_the_annotators(workspace: Workspace) -> None:
    rovia, it = corpus_marks(workspace.documents["doc-1"])[3]
    people = [annotation(workspace, "anna"), *(annotation(workspace, name, s3=(rovia,)) for name in ("ben", "cem"))]
    assert merge(people, {})[0].marks[3] == (rovia,)
    assert merge(people[:2], {})[0].marks[3] == (rovia, it)


def test_agreement_counts_shared_marks(workspace: Workspace) -> None:
    belmora, _ = first_sentence(workspace)
    ben = annotation(workspace, "ben", s1=(changed(belmora, stance="neutral"),))
    (pair,) = compare_annotators([annotation(workspace, "anna"), ben])
    assert (pair.documents, pair.shared, pair.either) == (1, 5, 6)
    assert pair.agreement is not None
    assert pair.agreement.same == pytest.approx(4 / 5)


def test_adjudication_from_file_to_document(corpus_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def run(*arguments: object) -> None:
        monkeypatch.setattr(sys, "argv", ["spreadsheet.py", *map(str, arguments)])
        spreadsheet.main()

    run("export", "--corpus", corpus_folder, "--prefill", "labels", "--output", tmp_path / "anna.csv")
    text = (tmp_path / "anna.csv").read_text(encoding="utf-8")
    (tmp_path / "ben.csv").write_text(text.replace(",0,favor", ",0,against", 1), encoding="utf-8")
    sheets = [tmp_path / "anna.csv", tmp_path / "ben.csv"]
    run("import", *sheets, "--corpus", corpus_folder, "--output", tmp_path / "one")
    path = tmp_path / "one" / "adjudication.csv"
    rows = list(csv.reader(path.read_text(encoding="utf-8-sig").splitlines()))
    assert [row[3:6] for row in rows[1:]] == [["state-0", "Arvon", "against | favor"]]
    assert "anna" not in path.read_text(), "the adjudicator does not see names"
    assert not (tmp_path / "one" / "agreed" / "doc-0.md").exists()
    for decision, message in (("perhaps", "row 2: stance 'perhaps'"), ("neutral", None)):
        rows[1][-1] = decision
        path.write_text("\n".join(",".join(f'"{cell}"' for cell in row) for row in rows), encoding="utf-8")
        command = ["import", *sheets, "--corpus", corpus_folder, "--decisions", path, "--output", tmp_path / "two"]
        if message:
            with pytest.raises(InputFaults, match=message):
                run(*command)
    run(*command)
    document = read_document(tmp_path / "two" / "agreed" / "doc-0.md")
    assert document.sentences[0].labelled[0].stance == "neutral"
    assert document.meta.annotators == ("anna", "ben", "adjudicated")
    assert read_document(tmp_path / "two" / "agreed" / "doc-1.md").meta.annotators == (), "an unchanged document stays as it is"


def test_no_annotation_is_written_under_a_name_that_leads_elsewhere(workspace: Workspace) -> None:
    with pytest.raises(InputError, match=r"doc-1: annotator: '../x' is no name for an annotator"):
        check_annotations([annotation(workspace, "../x")])


def test_the_sentence_of_a_decision_is_a_number_as_spreadsheets_write_it(workspace: Workspace, tmp_path: Path) -> None:
    path = tmp_path / "adjudication.csv"
    head = "doc_id,sent_id,actor,decision"
    path.write_text(f"{head}\ndoc-1,1.0,state-1,favor\ndoc-1,,state-1,\n", encoding="utf-8")
    assert read_decisions(path, [annotation(workspace, "anna")], workspace) == {("doc-1", 1, "state-1"): "favor"}
    path.write_text(f"{head}\ndoc-1,one,state-1,favor\ndoc-1,,state-1,favor\n", encoding="utf-8")
    with pytest.raises(InputFaults) as caught:
        read_decisions(path, [annotation(workspace, "anna")], workspace)
    messages = [f"{path}: row {row}: sent_id {cell!r}: expected the number of a sentence" for row, cell in ((2, "one"), (3, ""))]
    assert caught.value.faults == messages


def test_decisions_about_what_does_not_exist_are_faults(workspace: Workspace, tmp_path: Path) -> None:
    path = tmp_path / "adjudication.csv"
    rows = ["doc-1,1,state-1,favor", "doc-1,1,state1,favor", "doc-1,9,state-1,favor", "dok-1,1,state-1,none", "doc-2,1,rovia,none"]
    path.write_text("\n".join(["doc_id,sent_id,actor,decision", *rows, "doc-99,1,nobody,"]) + "\n", encoding="utf-8")
    with pytest.raises(InputFaults) as caught:
        read_decisions(path, [annotation(workspace, "anna")], workspace)
    assert [fault.partition(": row ")[2] for fault in caught.value.faults] == [
        "3: nobody marked 'state1' in sentence 1 of doc-1 (did you mean 'state-1'?)",
        "4: doc-1 has no sentence 9",
        "5: no document 'dok-1' (did you mean 'doc-1'?)",
    ]
