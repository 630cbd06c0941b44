"""Tables that people edit in spreadsheet programs: CSV in the dialects these write, and .xlsx; every cell read as text with its row.

Excel saves "CSV" with semicolons in half of Europe, as Windows-1252 or as UTF-8 with a byte-order mark, and "Unicode text" as UTF-16
with tabs; it runs a cell that begins with = + - @ as a formula, so such text is written behind an apostrophe.
"""

import codecs
import csv
import io
import re
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from data.errors import InputError, InputFaults, nearest
from data.extras import import_extra
from data.files import MAX_TEXT, check_plain, replacing, write_text

DELIMITERS = (",", ";", "\t")
SUFFIXES = (".csv", ".tsv", ".txt", ".xlsx")
MAX_LINES_IN_A_CELL = 5
"""A cell of more lines is a quotation mark that nobody closed."""

_BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_FORMULA = re.compile(r"'*[=+\-@\t\r]")
_GUARDED = re.compile(r"'+[=+\-@\t\r]")
_CURLY = "“”„‟«»"


@dataclass(frozen=True)
class TableRow:
    """A row as the spreadsheet numbers it (the header is 1), and its cells by column."""

    number: int
    cells: dict[str, str]


@dataclass(frozen=True)
class Table:
    """The rows of a file, and the faults of rows whose cells do not fit the columns."""

    path: Path
    columns: tuple[str, ...]
    rows: list[TableRow]
    faults: list[str]


def read_table(path: Path, needed: Sequence[str], optional: Sequence[str] = (), encoding: str | None = None) -> Table:
    """Read a table with the `needed` columns in any order; others than `needed` and `optional` are carried along.

    Raises:
        InputFaults: every missing or doubled column; or no table at all, no CSV, or an encoding that does not fit.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise InputError(f"{path}: expected a table ({', '.join(SUFFIXES)}); save an .ods or .xls file as .xlsx or CSV first")
    if path.suffix.lower() == ".xlsx":
        records = list(_xlsx_records(path))
    else:
        text = _decode(path, encoding)
        records = list(_csv_records(path, text, _delimiter(text, [*needed, *optional])))
    if not records or not any(map(str.strip, records[0])):
        raise InputError(f"{path}: row 1: expected the columns {', '.join(needed)}, got an empty row")
    columns = tuple(_strip(name).lower() for name in records[0])
    while columns and not columns[-1]:  # a spreadsheet's empty columns at the right
        columns = columns[:-1]
    faults = list(_column_faults(columns, needed, optional))
    if faults:
        raise InputFaults([f"{path}: row 1: {fault}" for fault in faults])
    return _check_rows(path, columns, records[1:])


def read_number(cell: str) -> int | None:
    """Read a whole number, also as spreadsheets write it (3.0); None for anything else."""
    digits = cell.strip().removesuffix(".0")
    return int(digits) if digits.isdecimal() else None


def write_table(path: Path, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Write a table as .xlsx or as CSV that Excel opens with the right letters and runs nothing of."""
    if path.suffix.lower() == ".xlsx":
        _write_xlsx(path, columns, rows)
    else:
        write_text(path, "\ufeff" + format_csv(columns, rows))


def format_csv(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Lay a table out as CSV, formulas in its texts disarmed; None is an empty cell."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([_guard(cell) if isinstance(cell, str) else cell for cell in row] for row in rows)
    return file.getvalue()


def _guard(cell: str) -> str:
    return f"'{cell}" if _FORMULA.match(cell) else cell


def _unguard(cell: str) -> str:
    return cell[1:] if _GUARDED.match(cell) else cell


def _decode(path: Path, encoding: str | None) -> str:
    try:
        check_plain(path, path.stat())
        raw = path.read_bytes()
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from None
    name = next((name for mark, name in _BOMS if raw.startswith(mark)), encoding or "utf-8")
    try:
        text = raw.decode(name)
    except LookupError:
        raise InputError(f"--encoding: Python knows no encoding {name!r}, e.g. cp1252 or utf-8") from None
    except UnicodeError as error:
        byte = getattr(error, "start", 0)
        row = raw.count(b"\n", 0, byte) + 1
        hint = (
            "save it as 'CSV UTF-8', or give --encoding cp1252 (Windows, western Europe)" if name == "utf-8" else "try another --encoding"
        )
        raise InputError(f"{path}: line {row}: not {name} text (byte {byte}); {hint}") from None
    if "\0" in text:
        raise InputError(f"{path}: binary data or UTF-16 without its mark; save it as 'CSV UTF-8'")
    return text


def _csv_records(path: Path, text: str, delimiter: str) -> Iterator[list[str]]:
    """Yield the rows of a CSV, whose lines may end as on Windows, Unix or old Macs."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        for record in reader:
            yield list(map(_unguard, record))
    except csv.Error as error:
        raise InputError(f"{path}: line {reader.line_num}: not CSV: {error}; a quotation mark that is never closed?") from None


def _delimiter(text: str, names: Sequence[str]) -> str:
    """Return the delimiter that makes most known columns of the first line."""
    first = re.split(r"[\r\n]", text, maxsplit=1)[0]
    return max(DELIMITERS, key=lambda mark: (sum(_strip(cell).lower() in names for cell in first.split(mark)), first.count(mark)))


def _strip(cell: str) -> str:
    return cell.strip(f" \t\r\"'{_CURLY}\u00a0\ufeff")


def _column_faults(columns: Sequence[str], needed: Sequence[str], optional: Sequence[str]) -> Iterator[str]:
    spare = [name for name in columns if name not in needed]
    for name in needed:
        if name not in columns:
            yield f"no column {name!r}{nearest(name, spare)}, got {', '.join(columns)}"
    for name in (*needed, *optional):
        if columns.count(name) > 1:
            yield f"two columns {name!r}"


def _check_rows(path: Path, columns: tuple[str, ...], records: Sequence[Sequence[str]]) -> Table:
    table = Table(path, columns, [], [])
    for number, record in enumerate(records, 2):
        if not any(cell.strip() for cell in record):
            continue
        place = f"{path}: row {number}"
        extra = [cell for cell in record[len(columns) :] if cell.strip()]
        if len(record) < len(columns) or extra:
            curly = any(_strip(cell) != cell.strip(" \t\r") and cell.strip()[:1] in _CURLY for cell in record)
            hint = "; curly quotes around a cell do not quote it, use straight ones" if curly else ""
            table.faults.append(f"{place}: {len(record)} cells, expected {len(columns)}{hint}")
        elif any(cell.count("\n") >= MAX_LINES_IN_A_CELL for cell in record):
            table.faults.append(f"{place}: a cell runs over many lines: a quotation mark that is never closed?")
        else:
            table.rows.append(TableRow(number, dict(zip(columns, record, strict=False))))
    return table


def _xlsx_records(path: Path) -> Iterator[list[str]]:
    load_workbook = _openpyxl().load_workbook
    try:
        with zipfile.ZipFile(path) as parts:
            size = sum(part.file_size for part in parts.infolist())
        if size > MAX_TEXT:
            raise InputError(f"{path}: unpacks to {size / 2**20:,.0f} MB, expected at most {MAX_TEXT / 2**20:,.0f} MB")
        book = load_workbook(path, read_only=True, data_only=True)
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except (zipfile.BadZipFile, KeyError, ValueError, OSError) as error:
        raise InputError(f"{path}: not an .xlsx workbook: {error}") from None
    sheet = book.worksheets[0]
    sheet.reset_dimensions()
    width = 0
    for row in sheet.iter_rows(values_only=True):
        cells = [_cell_text(value) for value in row]
        width = width or len(cells)
        yield cells + [""] * (width - len(cells))
    book.close()


def _cell_text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def _write_xlsx(path: Path, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    book = _openpyxl().Workbook()
    sheet = book.active
    for number, row in enumerate([columns, *rows], 1):
        for column, cell in enumerate(row, 1):
            target = sheet.cell(number, column)
            target.value = cell
            target.data_type = "s"  # text, even where it begins with =
    sheet.freeze_panes = "A2"
    with replacing(path) as temporary:
        book.save(temporary)


def _openpyxl() -> Any:
    return import_extra("openpyxl", "xlsx", ".xlsx")
