"""Reading the files of public sets as their authors wrote them, with every fault named by file and line."""

import csv
import io
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Annotated, TypeVar

from pydantic import ConfigDict, Field, ValidationError

from data.errors import InputError, InputFaults
from data.records import MAX_FAULTS, Example, Row, Stance, Text, explain, parse_rows

csv.field_size_limit(10_000_000)


Passage = Annotated[Text, Field(min_length=1)]
"""A text as its authors published it, longer than a name may be."""


class PublishedRow(Row):
    """Base of the rows as their authors wrote them: fields that are not needed are passed over."""

    model_config = ConfigDict(extra="ignore", frozen=True)


P = TypeVar("P", bound=PublishedRow)

Placed = tuple[str, P | str]
"""Where a row stands, for error messages, and the row or the fault found in its place."""


def json_lines(path: Path, kind: type[P]) -> Iterator[Placed[P]]:
    """Yield every line of a JSONL file."""
    for number, row in parse_rows(path, kind):
        yield f"{path}:{number}", row


def table_lines(path: Path, kind: type[P]) -> Iterator[Placed[P]]:
    """Yield every line of a table with a header: comma-separated with quotes (.csv), else tab-separated without.

    The field `line` is added; text that is not UTF-8 is read as Windows-1252, in which some sets were published.
    """
    comma = path.suffix == ".csv"
    file = io.StringIO(decode(path), newline=None)
    reader = csv.DictReader(file, delimiter="," if comma else "\t", quoting=csv.QUOTE_MINIMAL if comma else csv.QUOTE_NONE)
    for fields in reader:
        place = f"{path}:{reader.line_num}"
        given = {name.strip(): value for name, value in fields.items() if name and value is not None}
        try:
            yield place, kind.model_validate(given | {"line": reader.line_num})
        except ValidationError as error:
            yield place, f"{place}: {explain(error)}"


def decode(path: Path) -> str:
    """Read a text file as UTF-8 or else Windows-1252."""
    raw = path.read_bytes()
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return raw.decode("windows-1252", errors="replace")


def convert_rows(path: Path, rows: Iterable[Placed[P]], convert: Callable[[P], list[Example]]) -> list[Example]:
    """Turn published rows into example rows.

    Raises:
        InputFaults: every faulty line (at most 20), each with file and line.
    """
    examples: list[Example] = []
    faults: list[str] = []
    for place, row in rows:
        try:
            if isinstance(row, str):
                faults.append(row)
            else:
                examples += convert(row)
        except ValidationError as error:
            faults.append(f"{place}: {explain(error)}")
        except ValueError as error:
            faults.append(f"{place}: {error}")
    if faults:
        more = [f"{path}: and {len(faults) - MAX_FAULTS} more faults"] if len(faults) > MAX_FAULTS else []
        raise InputFaults(faults[:MAX_FAULTS] + more)
    if not examples:
        raise InputError(f"{path}: no rows")
    return examples


def together(rows: Iterable[Example]) -> list[Example]:
    """Bring the rows of one sentence and target together, sentences in order of appearance, so that one pass reads them."""
    sentences: dict[tuple[str, int, str, str | None], list[Example]] = {}
    for row in rows:
        sentences.setdefault((row.doc_id, row.sent_id, row.text, row.target), []).append(row)
    return [row for sentence in sentences.values() for row in sentence]


def authored(text: str) -> tuple[str, str]:
    """Put the author in front of a text whose writer holds the stance; return the new text and the mention at its start."""
    return f"{AUTHOR}: {text}", AUTHOR


def authored_row(text: str, *, row_id: str, doc_id: str, stance: Stance, target: str) -> Example:
    """Return the row of a text whose writer holds the stance."""
    sentence, mention = authored(text)
    return Example(
        id=row_id,
        doc_id=doc_id,
        sent_id=1,
        text=sentence,
        actor="author",
        mention=mention,
        start=0,
        end=len(mention),
        stance=stance,
        target=target,
    )


AUTHOR = "The author"
"""How a text names its own writer, who is an actor like any other."""
