"""The rows of a labelling spreadsheet: out of documents, and back into annotations with every fault named by its row."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from data.assignment import Assignment
from data.cells import TableRow, format_csv, read_number, read_table
from data.documents import Document, Sentence
from data.errors import InputError, InputFaults, nearest
from data.labelling import (
    UNMARKED,
    Annotation,
    Intake,
    Workspace,
    check_annotator,
    mark_faults,
    plain_characters,
    read_stance,
    unknown_actor,
)
from data.layout import occurrences
from data.markup import Mention

COLUMNS = ("doc_id", "sent_id", "sentence", "actor", "mention", "start", "stance", "suggestion", "confidence")
NEEDED = ("doc_id", "sent_id", "sentence", "actor", "mention", "stance")
OPTIONAL = ("start", "suggestion", "confidence", "annotator")
REJECT_COLUMNS = (*COLUMNS, "annotator", "fault")

_MOJIBAKE = ("Ã", "â€", "Â ", "ï»¿", "\ufffd")


@dataclass(frozen=True)
class SheetRow:
    """A row and what was found wrong with it."""

    place: str
    row: TableRow
    annotator: str
    faults: list[str]


def sheet_rows(assignment: Assignment) -> Iterator[tuple[str, ...]]:
    """Yield a row per labelled mark of a document, and one without actor for a sentence that has none."""
    for sentence in assignment.document.sentences:
        head = (assignment.document.meta.id, str(sentence.sent_id), sentence.text)
        marks = [mention for mention in assignment.marks.get(sentence.sent_id, ()) if mention.stance]
        suggested = {(each.mention.start, each.mention.actor): each for each in assignment.suggested.get(sentence.sent_id, ())}
        for mention in marks:
            each = suggested.get((mention.start, mention.actor))
            stance = mention.decided or "" if assignment.stances and each is None else ""
            guess = (str(each.mention.stance), f"{each.confidence:.2f}") if each and each.confidence is not None else ("", "")
            yield (*head, mention.actor, mention.text, str(mention.start), stance, *guess)
        if not marks:
            yield (*head, "", "", "", "", "", "")


def read_sheets(paths: Sequence[Path], names: Sequence[str], workspace: Workspace, encoding: str | None) -> Intake:
    """Read the sheets of annotators, one name a file; a column `annotator` overrides it row by row.

    Raises:
        InputFaults: the columns or the encoding of some file do not fit.
    """
    intake = Intake()
    rows: list[SheetRow] = []
    broken: list[str] = []
    for path, name in zip(paths, names, strict=True):
        try:
            table = read_table(path, NEEDED, OPTIONAL, encoding)
        except InputFaults as error:
            broken += error.faults
            continue
        intake.faults += table.faults
        rows += [_sheet_row(path, row, name) for row in table.rows]
    if broken:
        raise InputFaults(broken)
    groups: dict[tuple[str, str], list[SheetRow]] = {}
    for row in rows:
        groups.setdefault((row.row.cells["doc_id"].strip(), row.annotator), []).append(row)
    rejected: list[SheetRow] = []
    for (doc_id, annotator), group in groups.items():
        _read_group(doc_id, annotator, group, workspace, intake)
        if faults := [f"{row.place}: {fault}" for row in group for fault in row.faults]:
            intake.faults += faults
            rejected += group
    intake.rejects = "\ufeff" + format_csv(REJECT_COLUMNS, map(_reject_row, rejected))
    return intake


def _sheet_row(path: Path, row: TableRow, name: str) -> SheetRow:
    own, faults = row.cells.get("annotator", "").strip() or name, []
    try:
        check_annotator(own, "annotator")
    except InputError as error:
        faults.append(str(error))
    return SheetRow(f"{path}: row {row.number}", row, own, faults)


def _reject_row(row: SheetRow) -> tuple[str, ...]:
    return (*(row.row.cells.get(column, "") for column in COLUMNS), row.annotator, "; ".join(row.faults))


def _read_group(doc_id: str, annotator: str, group: Sequence[SheetRow], workspace: Workspace, intake: Intake) -> None:
    """Add one annotator's rows of one document to the intake, or their faults to the rows."""
    document = workspace.documents.get(doc_id)
    if document is None:
        for row in group:
            row.faults.append(f"no document {doc_id!r} in {workspace.folder}{nearest(doc_id, workspace.documents)}")
        return
    answered: dict[int, dict[str, Mention | None]] = {}
    for row in group:
        _read_row(row, document, workspace, answered)
    _check_complete(document, answered, group)
    marks = {}
    for sentence in document.sentences:
        mentions = _with_further(sentence, answered.get(sentence.sent_id, {}))
        for fault in mark_faults(mentions, workspace.registry):
            _row_of(sentence, group).faults.append(fault)
        if mentions:
            marks[sentence.sent_id] = mentions
    if not any(row.faults for row in group):
        intake.annotations.append(Annotation(document, annotator, marks))


def _read_row(row: SheetRow, document: Document, workspace: Workspace, answered: dict[int, dict[str, Mention | None]]) -> None:
    cells = {name: cell.strip() for name, cell in row.row.cells.items()}
    sentence = _sentence(cells, document, row.faults)
    if sentence is None:
        return
    if plain_characters(cells["sentence"]) != plain_characters(sentence.text.strip()):
        hint = "; UTF-8 read in another encoding?" if any(sign in cells["sentence"] for sign in _MOJIBAKE) else ""
        row.faults.append(f"the sentence differs from {document.path}:{sentence.line}{hint}: {cells['sentence'][:60]!r}")
        return
    if not any(cells[name] for name in ("actor", "mention", "stance")):
        return
    actors = answered.setdefault(sentence.sent_id, {})
    if not cells["actor"]:
        row.faults.append("no actor")
    elif cells["actor"] not in workspace.registry:
        row.faults.append(unknown_actor(cells["actor"], workspace.registry))
    elif cells["actor"] in actors:
        row.faults.append(f"a second row for actor {cells['actor']!r} in sentence {sentence.sent_id}")
    elif cells["stance"].lower() == UNMARKED:
        actors[cells["actor"]] = None
    else:
        actors[cells["actor"]] = _mention(cells, row.row.cells["mention"], sentence, row.faults)


def _sentence(cells: Mapping[str, str], document: Document, faults: list[str]) -> Sentence | None:
    number = read_number(cells["sent_id"])
    if number is None or not 1 <= number <= len(document.sentences):
        faults.append(f"sent_id {cells['sent_id']!r}: expected a number from 1 to {len(document.sentences)}")
        return None
    return document.sentences[number - 1]


def _mention(cells: Mapping[str, str], mention: str, sentence: Sentence, faults: list[str]) -> Mention | None:
    stance, start = None, None
    try:
        stance = read_stance(cells["stance"])
    except ValueError as error:
        faults.append(f"{error}, or none where the row is no actor" if cells["stance"] else "no stance (none where the row is no actor)")
    starts = _starts(sentence.text, mention.strip())
    given = cells.get("start", "")
    if read_number(given) in starts:
        start = read_number(given)
    elif len(starts) == 1 and not given:
        start = starts[0]
    elif not starts:
        faults.append(f"mention {mention!r} does not occur in the sentence")
    else:
        faults.append(f"start {given!r}: mention {mention!r} begins at {' or '.join(map(str, starts))}")
    if stance is None or start is None:
        return None
    end = start + len(mention.strip())
    return Mention(start, end, sentence.text[start:end], cells["actor"], stance)


def _starts(text: str, mention: str) -> list[int]:
    return list(occurrences(plain_characters(text), plain_characters(mention))) if mention else []


def _with_further(sentence: Sentence, answered: Mapping[str, Mention | None]) -> tuple[Mention, ...]:
    """Add the corpus's further mentions of the actors that are labelled; a sheet has no rows for them."""
    labelled = [mention for mention in answered.values() if mention]
    actors = {mention.actor for mention in labelled}
    further = [
        mention
        for mention in sentence.marked.mentions
        if not mention.stance and mention.actor in actors and all(mention.end <= m.start or m.end <= mention.start for m in labelled)
    ]
    return tuple(sorted([*labelled, *further], key=lambda mention: (mention.start, mention.end)))


def _check_complete(document: Document, answered: Mapping[int, Mapping[str, Mention | None]], group: Sequence[SheetRow]) -> None:
    """Name the corpus's marks that have no row: a filter or a deleted row must not unlabel anything unseen."""
    faulty = {read_number(row.row.cells["sent_id"]) for row in group if row.faults}
    if not faulty <= {sentence.sent_id for sentence in document.sentences}:
        return  # a row whose sentence cannot be told may well be the missing one
    for sentence in document.sentences:
        if sentence.sent_id in faulty:
            continue
        for mention in sentence.labelled:
            if mention.actor not in answered.get(sentence.sent_id, {}):
                fault = (
                    f"sentence {sentence.sent_id} has no row for {mention.actor!r} ({mention.text!r}); the stance none takes a mark away"
                )
                _row_of(sentence, group).faults.append(fault)


def _row_of(sentence: Sentence, group: Sequence[SheetRow]) -> SheetRow:
    """Return the row at which to name a fault of a sentence: its last, else the document's first."""
    own = [row for row in group if read_number(row.row.cells["sent_id"]) == sentence.sent_id]
    return own[-1] if own else group[0]
