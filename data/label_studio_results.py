"""From a Label Studio export (JSON, not JSON_MIN) to annotations, with every fault of every region named by its task."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from data.documents import Document
from data.errors import InputError, nearest
from data.files import read_json
from data.label_studio_tasks import ACTOR, FURTHER, LABELLED, MARK, OTHER_ACTOR, STANCE
from data.labelling import Annotation, Intake, Workspace, mark_faults, read_stance
from data.layout import Layout, lines_layout
from data.markup import Mention
from data.records import Stance


@dataclass
class Region:
    """The fields that an export spreads over several items of one id."""

    start: int
    end: int
    text: str | None
    labels: list[str] = field(default_factory=list)
    stances: list[str] = field(default_factory=list)
    actors: list[str] = field(default_factory=list)


class RegionFault(ValueError):
    """One thing is wrong with one region."""


@dataclass
class ExportReader:
    """Reads tasks into an intake; `annotators` gives names to user ids and e-mail addresses."""

    workspace: Workspace
    annotators: Mapping[str, str]
    intake: Intake = field(default_factory=Intake)
    places: dict[tuple[str, str], str] = field(default_factory=dict)

    def read(self, task: Mapping[str, Any], annotation: Mapping[str, Any], place: str) -> list[str]:
        """Add one annotation to the intake, or return its faults."""
        faults: list[str] = []
        name = _annotator(annotation, self.annotators, faults)
        document = _document(task, self.workspace, faults)
        if document is None:
            return faults
        marks = _read_marks(document, annotation, self.workspace, faults)
        if name and (other := self.places.get((document.meta.id, name))):
            faults.append(f"a second annotation by {name!r}, the first is {other}; delete one")
        if name and not faults:
            self.places[document.meta.id, name] = place
            self.intake.annotations.append(Annotation(document, name, marks))
        return faults


def read_exports(paths: Sequence[Path], workspace: Workspace, annotators: Mapping[str, str]) -> Intake:
    """Read exports; `annotators` gives names to user ids and e-mail addresses.

    Raises:
        InputError: a file is no export at all.
    """
    reader, rejected, unfinished = ExportReader(workspace, annotators), [], 0
    for path in paths:
        for task in read_tasks(path):
            place = f"{path}: task {task.get('id', '?')} ({_doc_id(task)})"
            done = [each for each in task["annotations"] if not each.get("was_cancelled")]
            unfinished += not done
            faulty = [{**each, "faults": faults} for each in done if (faults := reader.read(task, each, place))]
            if faulty:
                rejected.append({**task, "annotations": faulty})
                reader.intake.faults += [f"{place}: {fault}" for each in faulty for fault in each["faults"]]
    if unfinished:
        reader.intake.notes.append(f"not labelled or skipped: {unfinished} tasks")
    reader.intake.rejects = json.dumps(rejected, indent=1, ensure_ascii=False) + "\n"
    return reader.intake


def read_tasks(path: Path) -> list[dict[str, Any]]:
    """Read an export's tasks.

    Raises:
        InputError: not a list of tasks with annotations, JSON_MIN among it.
    """
    tasks = read_json(path)
    if not isinstance(tasks, list) or not tasks or not all(isinstance(task, dict) for task in tasks):
        raise InputError(f"{path}: expected the list of tasks that Label Studio exports as JSON")
    for number, task in enumerate(tasks, 1):
        if "annotations" not in task:
            kind = "this is JSON-MIN, which lacks regions and relations; " if "annotator" in task or "annotation_id" in task else ""
            raise InputError(f"{path}: task {number}: no annotations; {kind}export as JSON")
        annotations = task["annotations"]
        if not isinstance(task.get("data"), dict) or not isinstance(annotations, list) or not all(isinstance(a, dict) for a in annotations):
            raise InputError(f"{path}: task {number}: expected an object `data` and a list of objects `annotations`")
    return tasks


def _doc_id(task: Mapping[str, Any]) -> str:
    return str(task["data"].get("doc_id", "no doc_id"))


def _annotator(annotation: Mapping[str, Any], annotators: Mapping[str, str], faults: list[str]) -> str | None:
    """Return who made an annotation; exports give a user's id, some of them with the e-mail address."""
    user = annotation.get("completed_by")
    keys = [str(user.get("id")), str(user.get("email"))] if isinstance(user, dict) else [str(user)]
    for key in keys:
        if key in annotators:
            return annotators[key]
    known = ", ".join(f"{key}={name}" for key, name in annotators.items()) or "none is named"
    faults.append(f"unknown annotator {' / '.join(keys)} ({known}); name them with --annotator {keys[0]}=NAME")
    return None


def _document(task: Mapping[str, Any], workspace: Workspace, faults: list[str]) -> Document | None:
    doc_id = _doc_id(task)
    document = workspace.documents.get(doc_id)
    if document is None:
        faults.append(f"no document {doc_id!r} in {workspace.folder}{nearest(doc_id, workspace.documents)}")
    elif task["data"].get("text") != lines_layout(document).text:
        faults.append(f"the text differs from {document.path}: changed after the export{_first_difference(task, document)}")
        return None
    return document


def _first_difference(task: Mapping[str, Any], document: Document) -> str:
    theirs, ours = str(task["data"].get("text", "")), lines_layout(document).text
    for number, (one, other) in enumerate(zip(theirs.split("\n"), ours.split("\n"), strict=False), 1):
        if one != other:
            return f", first in line {number} of the task: {one[:60]!r}"
    return f", {len(theirs)} characters instead of {len(ours)}"


def _read_marks(
    document: Document, annotation: Mapping[str, Any], workspace: Workspace, faults: list[str]
) -> dict[int, tuple[Mention, ...]]:
    result = annotation.get("result") or []
    if not isinstance(result, list) or not all(isinstance(item, dict) and isinstance(item.get("value", {}), dict) for item in result):
        faults.append("its result is no list of regions")
        return {}
    regions, links = _collect_regions(result, faults)
    layout = lines_layout(document)
    found: dict[int, list[Mention]] = {}
    for name, region in regions.items():
        try:
            index, mention = _read_region(region, layout, regions.get(links.get(name, "")))
            found.setdefault(document.sentences[index].sent_id, []).append(mention)
        except RegionFault as error:
            faults.append(f"region {name}: {error}")
    marks = {sent_id: tuple(sorted(mentions, key=lambda m: (m.start, m.end))) for sent_id, mentions in sorted(found.items())}
    for sent_id, mentions in marks.items():
        faults += [f"sentence {sent_id}: {fault}" for fault in mark_faults(mentions, workspace.registry)]
    return marks


def _collect_regions(result: Sequence[Mapping[str, Any]], faults: list[str]) -> tuple[dict[str, Region], dict[str, str]]:
    """Put the items of each region together; return the regions, and what relations link them to."""
    regions: dict[str, Region] = {}
    links: dict[str, str] = {}
    loose: dict[str, list[str]] = {}
    for item in sorted(result, key=lambda item: item.get("from_name") != MARK):  # spans before what is said of them
        part, name = item.get("from_name"), str(item.get("id"))
        if item.get("type") == "relation":
            links[str(item.get("from_id"))] = str(item.get("to_id"))
            links.setdefault(str(item.get("to_id")), str(item.get("from_id")))
        elif part == MARK:
            _add_span(regions, name, item.get("value", {}), faults)
        elif part not in (STANCE, ACTOR, OTHER_ACTOR):
            faults.append(f"region {name}: field {part!r} is not of our labelling interface{nearest(str(part), (MARK, STANCE, ACTOR))}")
        elif name not in regions:
            loose.setdefault(name, []).append(f"{part} {' '.join(_answers(item))!r}")
        else:
            (regions[name].stances if part == STANCE else regions[name].actors).extend(_answers(item))
    faults += [f"region {name}: {' and '.join(parts)} without a marked span" for name, parts in loose.items()]
    return regions, links


def _add_span(regions: dict[str, Region], name: str, value: Mapping[str, Any], faults: list[str]) -> None:
    try:
        region = regions.setdefault(name, Region(int(value["start"]), int(value["end"]), value.get("text")))
        region.labels += map(str, value.get("labels", []))
    except (KeyError, TypeError, ValueError):
        faults.append(f"region {name}: no start and end; was it made with another labelling interface?")


def _answers(item: Mapping[str, Any]) -> list[str]:
    """Return what was chosen or typed; typed text stands under the key that elsewhere holds the region's own."""
    value = item.get("value", {})
    given = value.get("choices", value.get("text", []))
    return [str(each).strip() for each in (given if isinstance(given, list) else [given]) if str(each).strip()]


def _read_region(region: Region, layout: Layout, linked: Region | None) -> tuple[int, Mention]:
    """Return a region's sentence (from 0) and its mark.

    Raises:
        RegionFault: the span fits no sentence or its text differs; the label, the stance or the actor is missing or there are several.
    """
    start, end = _span(region, layout.text)
    text = layout.text[start:end]
    located = layout.locate(start, end)
    if located is None:
        raise RegionFault(f"the span {text[:60]!r} ({region.start}-{region.end}) does not lie within one sentence")
    labels = set(region.labels)
    if len(labels) != 1 or not labels <= {LABELLED, FURTHER}:
        raise RegionFault(f"{text!r} has the labels {', '.join(sorted(labels)) or 'none'}, expected one of {LABELLED!r}, {FURTHER!r}")
    stance = _stance(region, text, further=labels == {FURTHER})
    index, first, last = located
    return index, Mention(first, last, text, _actor(region, text, linked), stance)


def _span(region: Region, text: str) -> tuple[int, int]:
    """Return a region's span, in characters, without the white space at its edges."""
    found = text[region.start : region.end]
    if region.text is not None and found != region.text:
        raise RegionFault(f"the text at {region.start}-{region.end} is {found[:60]!r}, the region says {region.text[:60]!r}")
    return region.start + len(found) - len(found.lstrip()), region.end - (len(found) - len(found.rstrip()))


def _stance(region: Region, text: str, *, further: bool) -> Stance | None:
    stances = set(region.stances)
    if len(stances) > 1:
        raise RegionFault(f"{text!r} has several stances: {', '.join(sorted(stances))}")
    if further and stances:
        raise RegionFault(
            f"{text!r} is a further mention and has the stance {stances.pop()!r}; only an actor's one labelled mark carries it"
        )
    if further:
        return None
    if not stances:
        raise RegionFault(f"{text!r} has no stance")
    try:
        return read_stance(stances.pop())
    except ValueError as error:
        raise RegionFault(f"{text!r}: {error}") from None


def _actor(region: Region, text: str, linked: Region | None) -> str:
    """Return a region's actor; a further mention may leave it to the mark that it is linked to."""
    actors = set(region.actors) or (set(linked.actors) if linked else set())
    if not actors:
        raise RegionFault(f"{text!r} has no actor: choose one, or link it to another mark of the same actor")
    if len(actors) > 1:
        raise RegionFault(f"{text!r} has several actors: {', '.join(sorted(actors))}")
    return actors.pop()
