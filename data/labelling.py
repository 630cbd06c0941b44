"""What annotators marked in documents, whichever tool they used, and the checks before any of it becomes a document."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

from data.documents import Document, FrontMatter, format_document, read_documents
from data.errors import InputError, nearest
from data.markup import MarkedText, Mention
from data.records import STANCES, Stance
from data.registry import Registry, read_registry

Marks = Mapping[int, tuple[Mention, ...]]
"""The marks of a document by sentence number, in the order of the text."""

UNMARKED = "none"
"""The answer of an annotator who did not mark an actor that another one marked."""

_ANNOTATOR = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,79}")
_LIKE_ASCII = str.maketrans("‘’‚“”„\u00a0\u2011", "'''\"\"\" -")


@dataclass(frozen=True)
class Workspace:
    """A corpus folder as labelling sees it: its documents, labelled or not, and its actors; no splits are needed yet."""

    folder: Path
    documents: Mapping[str, Document]
    registry: Registry

    def relative(self, document: Document) -> Path:
        """Return where a document's file stands under `corpus/`."""
        return document.path.relative_to(self.folder / "corpus")


@dataclass(frozen=True)
class Annotation:
    """One annotator's marks in one document."""

    document: Document
    annotator: str
    marks: Marks


@dataclass
class Intake:
    """What an import found: sound annotations, every fault with its place, and the faulty part in its own format."""

    annotations: list[Annotation] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    rejects: str = ""
    notes: list[str] = field(default_factory=list)


def open_workspace(folder: Path) -> Workspace:
    """Read a corpus folder's documents, of which there may be none yet, and its registry.

    Raises:
        InputFaults: malformed documents or actors.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: no such corpus folder")
    documents = read_documents(folder / "corpus") if any((folder / "corpus").rglob("*.md")) else []
    return Workspace(folder, {document.meta.id: document for document in documents}, read_registry(folder / "actors.yaml"))


def check_annotator(name: str, place: str = "--annotator") -> str:
    """Return the name of an annotator, which `place` gives.

    Raises:
        InputError: it cannot name a folder.
    """
    if not _ANNOTATOR.fullmatch(name):
        raise InputError(f"{place}: {name!r} is no name for an annotator: letters, digits, - and _, beginning with a letter or digit")
    return name


def file_annotators(paths: Sequence[Path], names: Sequence[str]) -> list[str]:
    """Return a name for each file: those given, else the files' own.

    Raises:
        InputError: names that cannot be names, or more or fewer of them than files.
    """
    if names and len(names) != len(paths):
        raise InputError(f"--annotator: {len(names)} names for {len(paths)} files; give one for each, in their order, or none")
    chosen = list(names) or [path.stem for path in paths]
    if len(set(chosen)) < len(chosen):
        raise InputError(f"--annotator: two files by {max(chosen, key=chosen.count)!r}; give each file its own annotator")
    return [check_annotator(name) for name in chosen]


def corpus_marks(document: Document) -> dict[int, tuple[Mention, ...]]:
    """Return the marks that a document has."""
    return {sentence.sent_id: sentence.marked.mentions for sentence in document.sentences if sentence.marked.mentions}


def apply_marks(document: Document, marks: Marks, meta: FrontMatter) -> str:
    """Write a document's file with other marks and front matter; text, paragraphs and phenomena stay."""
    paragraphs: dict[int, list[MarkedText]] = {}
    for sentence in document.sentences:
        marked = MarkedText(sentence.text, marks.get(sentence.sent_id, ()), sentence.marked.phenomena)
        paragraphs.setdefault(sentence.paragraph, []).append(marked)
    return format_document(meta, list(paragraphs.values()))


def mark_faults(mentions: Sequence[Mention], registry: Registry) -> Iterator[str]:
    """Name what is wrong with the marks of one sentence, given in the order of the text."""
    for first, second in pairwise(mentions):
        if second.start < first.end:
            yield f"the marks {first.text!r} and {second.text!r} overlap"
    labelled: set[str] = set()
    for mention in mentions:
        if mention.actor not in registry:
            yield unknown_actor(mention.actor, registry)
        if mention.stance and mention.actor in labelled:
            yield f"actor {mention.actor!r} has two stances; one mark of an actor carries the stance, others are further mentions"
        if mention.stance:
            labelled.add(mention.actor)
    for mention in mentions:
        if mention.actor not in labelled:
            yield f"{mention.text!r} is a further mention of {mention.actor!r}, which has no stance in this sentence"


def unknown_actor(actor: str, registry: Registry) -> str:
    """Say that the registry lacks an actor and how to add it."""
    return f"actor {actor!r} is not in actors.yaml{nearest(actor, registry)}; a new one needs a line there: {{id, name, kind}}"


def read_stance(value: str) -> Stance:
    """Read a stance as people and spreadsheets write it: any case, quotes and spaces around it.

    Raises:
        ValueError: it is none of the three.
    """
    name = value.translate(_LIKE_ASCII).strip(" '\"\t").lower()
    for stance in STANCES:
        if name == stance:
            return stance
    raise ValueError(f"stance {value!r} is not one of {', '.join(STANCES)}{nearest(name, STANCES)}" if name else "no stance")


def plain_characters(text: str) -> str:
    """Replace curly quotes, fixed spaces and hyphens by the plain ones, character by character, so that offsets stay."""
    return text.translate(_LIKE_ASCII)
