"""doccano's JSONL exports of sequence labelling: `{"text": …, "label": [[start, end, "favor"], …]}`, or `entities` with `relations`.

A line is a document. Its id is the metadata field `doc_id`, else the file's name and the line's `id`. A relation from a `mention` to a
labelled span says that both are one actor.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from data.articles import split_sentences
from data.documents import Document
from data.errors import InputError
from data.files import read_text
from data.foreign import ActorNames, ForeignLabel, NewTexts, parse_label
from data.labelling import Annotation, Intake, Workspace, mark_faults
from data.layout import Layout, lines_layout, paragraphs_layout
from data.markup import Mention
from data.parsing import parse_json


@dataclass(frozen=True)
class Span:
    """A labelled span of the text; `id` is what relations refer to."""

    id: str
    start: int
    end: int
    label: str


def read_doccano(paths: Sequence[Path], names: Sequence[str], workspace: Workspace, new: NewTexts) -> Intake:
    """Read doccano exports, one annotator's name each.

    Raises:
        InputError: a file holds nothing.
    """
    intake, actors = Intake(), ActorNames(workspace)
    for path, name in zip(paths, names, strict=True):
        lines = [(number, line) for number, line in enumerate(read_text(path).split("\n"), 1) if line.strip()]
        if not lines:
            raise InputError(f"{path}: no lines, expected doccano's JSONL")
        for number, line in lines:
            faults: list[str] = []
            annotation = _read_line(line, f"{path.stem}-{number}", name, workspace, new, actors, faults)
            if annotation and not faults:
                intake.annotations.append(annotation)
            else:
                intake.faults += [f"{path}:{number}: {fault}" for fault in faults]
                intake.rejects += line.rstrip("\r") + "\n"
    return intake


def _read_line(
    line: str, spare_id: str, name: str, workspace: Workspace, new: NewTexts, actors: ActorNames, faults: list[str]
) -> Annotation | None:
    try:
        row = parse_json(line)
    except ValueError as error:
        faults.append(f"not JSON: {error}")
        return None
    if not isinstance(row, dict) or not isinstance(row.get("text"), str) or not row["text"].strip():
        faults.append("expected an object with a text")
        return None
    try:
        document, layout = _document(row, spare_id, workspace, new)
    except ValueError as error:
        faults.append(str(error))
        return None
    marks = _read_marks(row, document, layout, actors, faults)
    for sent_id, mentions in marks.items():
        faults += [f"sentence {sent_id}: {fault}" for fault in mark_faults(mentions, workspace.registry)]
    return Annotation(document, name, marks)


def _document(row: Mapping[str, Any], spare_id: str, workspace: Workspace, new: NewTexts) -> tuple[Document, Layout]:
    """Return a line's document, of the corpus or new, and its text with the places of the sentences.

    Raises:
        ValueError: the corpus has the document with another text, or the id cannot be one.
    """
    meta = row["meta"] if isinstance(row.get("meta"), dict) else row
    doc_id = str(meta.get("doc_id") or spare_id)
    text = row["text"].replace("\r\n", "\n")
    if document := workspace.documents.get(doc_id):
        for layout in (lines_layout(document), paragraphs_layout(document)):
            if layout.text == text.rstrip("\n"):
                return document, layout
        raise ValueError(f"the text differs from {document.path}")
    sentences = list(split_sentences(text))
    title = str(meta.get("title") or sentences[0].text[:80])
    built = new.build(doc_id, title, [(sentence.paragraph, sentence.text) for sentence in sentences])
    return built, Layout(text, tuple((sentence.start, sentence.end) for sentence in sentences))


def _spans(row: Mapping[str, Any], faults: list[str]) -> Iterator[Span]:
    """Yield the labelled spans of either form of export."""
    items = row.get("entities", row.get("label", row.get("labels")))
    if not isinstance(items, list):
        faults.append("no labels: expected `label` (or `entities`), a list; was this exported from a sequence labelling project?")
        return
    for number, item in enumerate(items, 1):
        try:
            if isinstance(item, dict):
                name, start, end, label = item.get("id", number), item["start_offset"], item["end_offset"], item["label"]
            else:
                name, start, end, label = number, item[0], item[1], item[2]
            yield Span(str(name), _offset(row["text"], int(start)), _offset(row["text"], int(end)), str(label))
        except (KeyError, IndexError, TypeError, ValueError):
            faults.append(f"label {number}: {json.dumps(item)[:60]}: expected [start, end, label]")


def _offset(text: str, offset: int) -> int:
    """Return an offset of a text as it is once its carriage returns are gone; doccano counts them."""
    return offset - text.count("\r\n", 0, offset)


def _read_marks(
    row: Mapping[str, Any], document: Document, layout: Layout, actors: ActorNames, faults: list[str]
) -> dict[int, tuple[Mention, ...]]:
    spans = {span.id: span for span in _spans(row, faults)}
    relations = row.get("relations") or []
    if not isinstance(relations, list):
        faults.append(f"relations: expected a list, got {type(relations).__name__}")
        return {}
    linked = {str(each.get("from_id")): str(each.get("to_id")) for each in relations if isinstance(each, dict)}
    found: dict[int, set[Mention]] = {}
    for span in spans.values():
        try:
            index, mention = _read_span(span, spans.get(linked.get(span.id, "")), layout, actors)
            found.setdefault(document.sentences[index].sent_id, set()).add(mention)
        except ValueError as error:
            faults.append(str(error))
    return {sent_id: tuple(sorted(mentions, key=lambda m: (m.start, m.end))) for sent_id, mentions in sorted(found.items())}


def _read_span(span: Span, linked: Span | None, layout: Layout, actors: ActorNames) -> tuple[int, Mention]:
    text = layout.text[max(0, span.start) : span.end]
    start, end = span.start + len(text) - len(text.lstrip()), span.end - (len(text) - len(text.rstrip()))
    located = layout.locate(start, end)
    if located is None:
        raise ValueError(f"the span {span.start}-{span.end} ({text[:60]!r}) does not lie within one sentence")
    label = parse_label(span.label)
    index, first, last = located
    return index, Mention(first, last, text.strip(), _actor(label, text.strip(), linked, layout, actors), label.stance)


def _actor(label: ForeignLabel, mention: str, linked: Span | None, layout: Layout, actors: ActorNames) -> str:
    if label.actor:
        return label.actor
    if linked is None:
        return actors.find(mention)
    return parse_label(linked.label).actor or actors.find(layout.text[linked.start : linked.end].strip())
