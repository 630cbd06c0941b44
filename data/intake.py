"""The end that every import of labels shares: refuse or set aside what is faulty, then write what annotators said.

The output folder holds `layers/<annotator>/` (each one's labels), `agreed/` (documents without open conflicts, ready to be copied over
`corpus/`), `adjudication.csv` (open conflicts, without names, to be decided), `report.txt`, and `rejects.*` if anything was set aside.
"""

import argparse
import shutil
import tempfile
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from data.cells import read_number, read_table, write_table
from data.conflicts import ADJUDICATED, Conflict, Decisions, Key, Merged, compare_annotators, describe_pairs, merge
from data.documents import Document
from data.errors import InputFaults, nearest
from data.files import write_text
from data.labelling import UNMARKED, Annotation, Intake, Workspace, apply_marks, check_annotator, read_stance
from data.records import Stance

ADJUDICATION_COLUMNS = ("doc_id", "sent_id", "sentence", "actor", "mention", "answers", "remark", "decision")
LISTED = 20
"""Conflicts printed; the report lists all."""


def add_import_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that every import has."""
    parser.add_argument("--corpus", type=Path, default=Path("data"), help="corpus folder (default: data)")
    parser.add_argument("--output", type=Path, required=True, help="new folder for the labels")
    parser.add_argument("--skip-faulty", action="store_true", help="import the sound documents, write the faulty ones to a rejects file")
    parser.add_argument("--decisions", type=Path, help="an adjudication.csv whose decision column is filled in")


def finish(intake: Intake, workspace: Workspace, given: argparse.Namespace, *, rejects: str) -> None:
    """Write an import's output and print its report; with faults only if `--skip-faulty` allows it.

    Raises:
        InputFaults: every fault of the import, or of the decisions.
    """
    if intake.faults and not given.skip_faulty:
        raise InputFaults(
            [*intake.faults, f"{len(intake.faults)} faults, nothing imported (--skip-faulty sets the faulty documents aside)"]
        )
    if not intake.annotations:
        raise InputFaults([*intake.faults, "no sound annotation, nothing imported"])
    check_annotations(intake.annotations)
    decisions = read_decisions(given.decisions, intake.annotations, workspace) if given.decisions else {}
    merged = merge(intake.annotations, decisions)
    report = format_report(intake, merged)
    write_output(given.output, workspace, intake, merged, {"report.txt": report, **({rejects: intake.rejects} if intake.faults else {})})
    print("\n".join(_shorten(report)))
    print(f"{given.output}: layers, agreed documents" + (", rejects" if intake.faults else ""))


def check_annotations(annotations: Sequence[Annotation]) -> None:
    """Refuse what cannot be merged.

    Raises:
        InputError: an annotator's name that cannot name a folder.
        InputFaults: a document labelled twice by one annotator, or given by two annotators with different texts.
    """
    first: dict[str, Annotation] = {}
    seen: set[tuple[str, str]] = set()
    faults: list[str] = []
    for annotation in annotations:
        doc_id = annotation.document.meta.id
        check_annotator(annotation.annotator, f"{doc_id}: annotator")
        if (doc_id, annotation.annotator) in seen:
            faults.append(f"{doc_id}: labelled twice by {annotation.annotator!r}")
        seen.add((doc_id, annotation.annotator))
        other = first.setdefault(doc_id, annotation)
        if other.document.plain_text() != annotation.document.plain_text():
            faults.append(f"{doc_id}: the text of {annotation.annotator!r} differs from that of {other.annotator!r}")
    if faults:
        raise InputFaults(faults)


def read_decisions(path: Path, annotations: Sequence[Annotation], workspace: Workspace) -> Decisions:
    """Read a filled adjudication file; rows without a decision stay open.

    Raises:
        InputFaults: decisions that are neither a stance nor `none`, or about what does not exist, each with its row.
    """
    documents = {**workspace.documents, **{each.document.meta.id: each.document for each in annotations}}
    marked: dict[tuple[str, int], set[str]] = {}
    for each in annotations:
        for sentence in each.document.sentences:
            actors = {mention.actor for mention in each.marks.get(sentence.sent_id, ()) if mention.stance}
            marked.setdefault((each.document.meta.id, sentence.sent_id), set()).update(actors)
    table = read_table(path, ("doc_id", "sent_id", "actor", "decision"))
    decisions: dict[tuple[str, int, str], Stance | None] = {}
    faults = list(table.faults)
    for row in table.rows:
        cells, answer = row.cells, row.cells["decision"].strip()
        try:
            if answer:
                key = (cells["doc_id"].strip(), _read_sentence(cells["sent_id"]), cells["actor"].strip())
                decisions[key] = _read_decision(answer)
                check_key(key, documents, marked.get(key[:2], workspace.registry.keys()))
        except ValueError as error:
            faults.append(f"{path}: row {row.number}: {error}")
    if faults:
        raise InputFaults(faults)
    return decisions


def _read_sentence(cell: str) -> int:
    number = read_number(cell)
    if number is None:
        raise ValueError(f"sent_id {cell!r}: expected the number of a sentence")
    return number


def _read_decision(answer: str) -> Stance | None:
    try:
        return None if answer.lower() == UNMARKED else read_stance(answer)
    except ValueError as error:
        raise ValueError(f"{error}, or none to take the mark away") from None


def check_key(key: Key, documents: Mapping[str, Document], actors: Collection[str]) -> None:
    """Check that there is what a decision is about; `actors` are those marked there, or all where the document is not imported.

    Raises:
        ValueError: no such document, sentence or actor.
    """
    doc_id, sent_id, actor = key
    if doc_id not in documents:
        raise ValueError(f"no document {doc_id!r}{nearest(doc_id, documents)}")
    if sent_id not in {sentence.sent_id for sentence in documents[doc_id].sentences}:
        raise ValueError(f"{doc_id} has no sentence {sent_id}")
    if actor not in actors:
        raise ValueError(f"nobody marked {actor!r} in sentence {sent_id} of {doc_id}{nearest(actor, actors)}")


def format_report(intake: Intake, merged: Sequence[Merged]) -> str:
    """Lay out what was imported, how far the annotators agree, every open conflict and every fault set aside."""
    conflicts = [conflict for each in merged for conflict in each.conflicts]
    per_name: dict[str, int] = {}
    for annotation in intake.annotations:
        per_name[annotation.annotator] = per_name.get(annotation.annotator, 0) + 1
    lines = [f"{name}: {count} documents" for name, count in sorted(per_name.items())]
    lines += describe_pairs(compare_annotators(intake.annotations))
    lines += intake.notes
    complete = [each for each in merged if not each.conflicts]
    lines.append(f"agreed: {len(complete)} documents, {sum(each.changed for each in complete)} of them differ from the corpus")
    lines.append(f"open conflicts: {len(conflicts)} in {len(merged) - len(complete)} documents")
    lines += map(str, conflicts)
    if intake.faults:
        lines += [f"set aside, {len(intake.faults)} faults:", *intake.faults]
    return "\n".join(lines) + "\n"


def _shorten(report: str) -> list[str]:
    lines = report.rstrip("\n").split("\n")
    head = next(index for index, line in enumerate(lines) if line.startswith("open conflicts:"))
    kept = lines[: head + 1 + LISTED]
    return kept if len(kept) == len(lines) else [*kept, f"... {len(lines) - len(kept)} more lines in report.txt"]


def write_output(output: Path, workspace: Workspace, intake: Intake, merged: Sequence[Merged], texts: dict[str, str]) -> None:
    """Write the whole output folder; it appears by rename."""
    output.parent.mkdir(parents=True, exist_ok=True)
    building = Path(tempfile.mkdtemp(prefix=f".{output.name}.", dir=output.parent))
    try:
        for annotation in intake.annotations:
            write_text(building / "layers" / annotation.annotator / workspace.relative(annotation.document), layer_text(annotation))
        for each in merged:
            if not each.conflicts:
                write_text(building / "agreed" / workspace.relative(each.document), agreed_text(each))
        if conflicts := [conflict for each in merged for conflict in each.conflicts]:
            write_table(building / "adjudication.csv", ADJUDICATION_COLUMNS, map(_adjudication_row, conflicts))
        for name, text in texts.items():
            write_text(building / name, text)
        building.chmod(0o755)
        if output.exists():
            output.rmdir()
        building.rename(output)
    finally:
        shutil.rmtree(building, ignore_errors=True)


def layer_text(annotation: Annotation) -> str:
    """Write one annotator's labels of a document."""
    meta = annotation.document.meta.model_copy(update={"annotators": (annotation.annotator,)})
    return apply_marks(annotation.document, annotation.marks, meta)


def agreed_text(merged: Merged) -> str:
    """Write a document made of all its annotations; one whose marks are those of the corpus stays as it is, byte for byte."""
    document: Document = merged.document
    names = document.meta.annotators
    if merged.changed:
        added = (*merged.annotators, ADJUDICATED) if merged.adjudicated else merged.annotators
        names = (*names, *(name for name in added if name not in names))
    return apply_marks(document, merged.marks, document.meta.model_copy(update={"annotators": names}))


def _adjudication_row(conflict: Conflict) -> tuple[str, ...]:
    """Show the answers without names, so that the adjudicator judges labels and not people."""
    doc_id, sent_id, actor = conflict.key
    answers = " | ".join(sorted({answer for _, answer in conflict.answers}))
    return doc_id, str(sent_id), conflict.sentence.text, actor, conflict.mention.text, answers, conflict.remark, ""
