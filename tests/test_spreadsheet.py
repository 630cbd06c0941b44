import csv
import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from data import spreadsheet
from data.cells import format_csv, read_table, write_table
from data.errors import InputError, InputFaults
from data.spreadsheet_rows import COLUMNS


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    def command(*arguments: object) -> None:
        monkeypatch.setattr(sys, "argv", ["spreadsheet.py", *map(str, arguments)])
        spreadsheet.main()

    return command


@pytest.fixture
def sheet(run: Callable[..., None], corpus_folder: Path, tmp_path: Path) -> Path:
    run("export", "--corpus", corpus_folder, "--prefill", "labels", "--output", tmp_path / "anna.csv")
    return tmp_path / "anna.csv"


def rows_of(path: Path) -> list[list[str]]:
    return list(csv.reader(path.read_text(encoding="utf-8-sig").splitlines()))


def write(path: Path, rows: list[list[str]]) -> Path:
    path.write_text(format_csv(rows[0], rows[1:]), encoding="utf-8")
    return path


def assert_same(corpus_folder: Path, back: Path) -> None:
    paths = sorted((corpus_folder / "corpus").glob("*.md"))
    assert [(back / "agreed" / path.name).read_bytes() for path in paths] == [path.read_bytes() for path in paths]


@pytest.mark.parametrize("suffix", ["csv", "xlsx"])
def test_documents_come_back_byte_for_byte(run: Callable[..., None], corpus_folder: Path, tmp_path: Path, suffix: str) -> None:
    run("export", "--corpus", corpus_folder, "--prefill", "labels", "--output", tmp_path / f"anna.{suffix}")
    run("import", tmp_path / f"anna.{suffix}", "--corpus", corpus_folder, "--output", tmp_path / "back")
    assert_same(corpus_folder, tmp_path / "back")
    assert "- anna\n" in (tmp_path / "back" / "layers" / "anna" / "doc-0.md").read_text()


@pytest.mark.parametrize(
    ("encoding", "delimiter", "newline"),
    [("utf-8-sig", ";", "\r\n"), ("utf-16", "\t", "\r\n"), ("utf-8", ",", "\n"), ("utf-8", ",", "\r")],
)
def test_what_excel_makes_of_a_sheet_is_read(
    run: Callable[..., None], corpus_folder: Path, sheet: Path, tmp_path: Path, encoding: str, delimiter: str, newline: str
) -> None:
    rows = rows_of(sheet)
    for row in rows[1:]:
        row[6] = f" {row[6].capitalize()} "
        row[2] = row[2].replace("'", "’")
    with (tmp_path / "saved.csv").open("w", encoding=encoding, newline="") as file:
        csv.writer(file, delimiter=delimiter, lineterminator=newline).writerows([[*row, "", ""] for row in rows[:9]] + rows[9:])
    run("import", tmp_path / "saved.csv", "--corpus", corpus_folder, "--output", tmp_path / "back")
    assert_same(corpus_folder, tmp_path / "back")


def test_another_encoding_is_named_with_the_way_out(run: Callable[..., None], corpus_folder: Path, sheet: Path, tmp_path: Path) -> None:
    text = sheet.read_text(encoding="utf-8-sig")
    (tmp_path / "ben.csv").write_bytes((text + "# é\n").encode("cp1252"))
    with pytest.raises(InputError, match=r"ben.csv: line \d+: not utf-8 text.*--encoding cp1252"):
        run("import", tmp_path / "ben.csv", "--corpus", corpus_folder, "--output", tmp_path / "back")
    (tmp_path / "ben.csv").write_bytes(text.encode("cp1252"))
    run("import", tmp_path / "ben.csv", "--encoding", "cp1252", "--corpus", corpus_folder, "--output", tmp_path / "back")
    assert_same(corpus_folder, tmp_path / "back")


def test_wrong_columns_are_all_named(run: Callable[..., None], corpus_folder: Path, sheet: Path, tmp_path: Path) -> None:
    rows = rows_of(sheet)
    rows[0][6], rows[0][3], rows[0][0] = "stanse", "who", "sent_id"
    with pytest.raises(InputFaults) as caught:
        run("import", write(tmp_path / "ben.csv", rows), "--corpus", corpus_folder, "--output", tmp_path / "back")
    text = str(caught.value)
    assert "row 1: no column 'stance' (did you mean 'stanse'?)" in text
    assert "no column 'actor'" in text
    assert "no column 'doc_id'" in text
    assert "two columns 'sent_id'" in text


FAULTS: list[tuple[int, int, str, str]] = [
    (2, 0, "doc-99", "no document 'doc-99'"),
    (9, 1, "x", "sent_id 'x': expected a number from 1 to 4"),
    (15, 1, "99", "sent_id '99': expected a number"),
    (22, 2, "Something else.", "the sentence differs from .*: 'Something else.'"),
    (27, 3, "state-x", "actor 'state-x' is not in actors.yaml"),
    (34, 4, "Nobody", "mention 'Nobody' does not occur"),
    (39, 5, "999", "start '999': mention '.*' begins at"),
    (45, 6, "favour", "stance 'favour' is not one of against, neutral, favor.*mean 'favor'.*or none"),
    (51, 6, "", "no stance"),
    (58, 3, "", "no actor"),
]


def test_every_faulty_row_is_listed_and_nothing_is_imported(
    run: Callable[..., None], corpus_folder: Path, sheet: Path, tmp_path: Path
) -> None:
    rows = rows_of(sheet)
    for row, column, value, _ in FAULTS:
        rows[row - 1][column] = value
    spoiled = write(tmp_path / "ben.csv", rows)
    with pytest.raises(InputFaults) as caught:
        run("import", spoiled, "--corpus", corpus_folder, "--output", tmp_path / "back")
    for row, _, _, message in FAULTS:
        assert re.search(rf"ben.csv: row {row}: .*{message}", str(caught.value)), (row, message, str(caught.value))
    assert len(caught.value.faults) == len(FAULTS) + 2, "each once, the row that its document now lacks, and the sum"
    assert not (tmp_path / "back").exists()


def test_faulty_documents_are_set_aside_and_come_in_once_mended(
    run: Callable[..., None], corpus_folder: Path, sheet: Path, tmp_path: Path
) -> None:
    rows = rows_of(sheet)
    rows[1][6] = ""
    spoiled = write(tmp_path / "ben.csv", rows)
    run("import", spoiled, "--corpus", corpus_folder, "--skip-faulty", "--output", tmp_path / "back")
    assert len(list((tmp_path / "back" / "agreed").glob("*.md"))) == 11
    rejects = rows_of(tmp_path / "back" / "rejects.csv")
    assert len(rejects) == 1 + 6, "the whole document is set aside"
    assert "no stance" in rejects[1][-1]
    rejects[1][6] = "favor"
    run("import", write(tmp_path / "mended.csv", rejects), "--corpus", corpus_folder, "--output", tmp_path / "rest")
    assert [path.parent.name for path in (tmp_path / "rest" / "layers").rglob("*.md")] == ["ben"]


def test_a_row_that_is_gone_is_a_fault_and_none_takes_a_mark_away(
    run: Callable[..., None], corpus_folder: Path, sheet: Path, tmp_path: Path
) -> None:
    rows = rows_of(sheet)
    gone = rows.pop(2)
    with pytest.raises(InputFaults, match=rf"sentence 1 has no row for {gone[3]!r}"):
        run("import", write(tmp_path / "ben.csv", rows), "--corpus", corpus_folder, "--output", tmp_path / "back")
    rows.insert(2, [*gone[:6], "None", "", ""])
    run("import", write(tmp_path / "ben.csv", rows), "--corpus", corpus_folder, "--output", tmp_path / "back")
    assert "opposition" not in (tmp_path / "back" / "agreed" / "doc-0.md").read_text()


def test_an_added_row_marks_an_actor(run: Callable[..., None], corpus_folder: Path, sheet: Path, tmp_path: Path) -> None:
    rows = rows_of(sheet)
    sentence = rows[5]
    rows.append([*sentence[:3], "reporters", "radar", "", "neutral", "", ""])
    run("import", write(tmp_path / "ben.csv", rows), "--corpus", corpus_folder, "--output", tmp_path / "back")
    assert "[radar](reporters: neutral)" in (tmp_path / "back" / "agreed" / f"{sentence[0]}.md").read_text()


def test_curly_quotes_and_open_quotes_are_explained(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("doc_id,stance\nd,favor\n“d, e”,favor\n", encoding="utf-8")
    table = read_table(tmp_path / "a.csv", ("doc_id", "stance"))
    assert [row.number for row in table.rows] == [2]
    assert table.faults[0].endswith("row 3: 3 cells, expected 2; curly quotes around a cell do not quote it, use straight ones")
    (tmp_path / "b.csv").write_text("doc_id,stance\nd,favor\n" + 'd,"favor\n' + "d,neutral\n" * 9, encoding="utf-8")
    assert "never closed" in read_table(tmp_path / "b.csv", ("doc_id", "stance")).faults[0]
    (tmp_path / "c.csv").write_text("doc_id,stance\nd,favor\n" + 'd,"favor\n' + "d,neutral\n" * 15_000, encoding="utf-8")
    before = csv.field_size_limit(131_072)  # of the csv module; another reader of the project raises it for all
    try:
        with pytest.raises(InputError, match=r"c.csv: line \d+: not CSV: field larger .*never closed"):
            read_table(tmp_path / "c.csv", ("doc_id", "stance"))
    finally:
        csv.field_size_limit(before)


@pytest.mark.parametrize("suffix", [".csv", ".xlsx"])
def test_text_that_looks_like_a_formula_stays_text(tmp_path: Path, suffix: str) -> None:
    cells = ["=1+1", "-5 °C", "'@home", "@home", 'said "no"', "a;b,c\nd", "+"]
    write_table(tmp_path / f"t{suffix}", [str(n) for n in range(len(cells))], [cells])
    table = read_table(tmp_path / f"t{suffix}", ("0",))
    assert list(table.rows[0].cells.values()) == cells
    if suffix == ".csv":
        assert "'=1+1" in (tmp_path / "t.csv").read_text(encoding="utf-8-sig")


@pytest.mark.parametrize("name", ["t.ods", "t.xls", "t.pdf"])
def test_other_files_are_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"PK")
    with pytest.raises(InputError, match=r"expected a table"):
        read_table(tmp_path / name, COLUMNS)


def test_what_is_no_workbook_is_refused(tmp_path: Path) -> None:
    (tmp_path / "t.xlsx").write_bytes(b"doc_id,stance")
    with pytest.raises(InputError, match=r"not an .xlsx workbook"):
        read_table(tmp_path / "t.xlsx", COLUMNS)


def test_files_need_a_name_each(run: Callable[..., None], corpus_folder: Path, sheet: Path, tmp_path: Path) -> None:
    other = tmp_path / "Copy (2).csv"
    other.write_bytes(sheet.read_bytes())
    for arguments, message in (([other], "no name for an annotator"), ([sheet, sheet], "two files by 'anna'")):
        with pytest.raises(InputError, match=message):
            run("import", *arguments, "--corpus", corpus_folder, "--output", tmp_path / "back")
    with pytest.raises(InputError, match="1 names for 2 files"):
        run("import", sheet, other, "--annotator", "x", "--corpus", corpus_folder, "--output", tmp_path / "back")


def test_the_annotator_column_cannot_lead_out_of_the_output(run: Callable[..., None], corpus_folder: Path, sheet: Path) -> None:
    place = sheet.parent / "deep" / "in" / "here"
    rows = [[*row, "../../../pwn"] for row in rows_of(sheet)]
    rows[0][-1] = "annotator"
    command = ["import", write(sheet.parent / "ben.csv", rows), "--corpus", corpus_folder, "--output", place / "back"]
    with pytest.raises(InputFaults, match=r"ben.csv: row 2: annotator: '../../../pwn' is no name for an annotator"):
        run(*command)
    with pytest.raises(InputFaults, match="no sound annotation, nothing imported"):
        run(*command, "--skip-faulty")
    assert not (sheet.parent / "deep").exists()


def test_an_annotators_file_is_never_overwritten(run: Callable[..., None], corpus_folder: Path, sheet: Path) -> None:
    with pytest.raises(InputError, match="exists"):
        run("export", "--corpus", corpus_folder, "--output", sheet)
