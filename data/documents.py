"""Annotated documents: YAML front matter, then one marked sentence a line, a blank line between paragraphs."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError

from data.errors import InputError, InputFaults, nearest
from data.files import read_text
from data.markup import UNLABELLED, MarkedText, MarkupError, Mention, format_line, parse_line
from data.parsing import parse_yaml
from data.records import MAX_CONTEXT, MAX_TEXT, Example

Genre = Literal["wire", "analysis", "op-ed", "briefing", "communique", "debate", "interview", "local", "brief", "ticker"]
Identifier = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$", max_length=80)]

FENCE = "---"
MAX_FRONT_MATTER = 10_000


class FrontMatter(BaseModel):
    """What is known about a document as a whole; `collected` is a text found elsewhere, `seed` one of the project's own sources."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: Identifier
    title: str
    genre: Genre
    target: str
    setting: Literal["real", "invented"]
    origin: Literal["seed", "written", "collected"]
    annotators: tuple[str, ...] = ()
    notes: str = ""


@dataclass(frozen=True)
class Sentence:
    """One line of a document; `sent_id` and `paragraph` count from 1, `line` is its line in the file."""

    sent_id: int
    paragraph: int
    line: int
    marked: MarkedText

    @property
    def text(self) -> str:
        """The sentence without markup."""
        return self.marked.text

    @property
    def labelled(self) -> tuple[Mention, ...]:
        """The mentions that carry a stance, or `?` where it is to be labelled; one an actor."""
        return tuple(mention for mention in self.marked.mentions if mention.stance)


@dataclass(frozen=True)
class Document:
    """An annotated document and the file it came from."""

    path: Path
    meta: FrontMatter
    sentences: tuple[Sentence, ...]

    @property
    def open_lines(self) -> tuple[int, ...]:
        """The line of every mark that is still to be labelled."""
        return tuple(s.line for s in self.sentences for mention in s.labelled if mention.stance == UNLABELLED)

    def plain_text(self) -> str:
        """The text with all markup removed: a line a paragraph."""
        paragraphs: dict[int, list[str]] = {}
        for sentence in self.sentences:
            paragraphs.setdefault(sentence.paragraph, []).append(sentence.text)
        return "\n".join(" ".join(sentences) for sentences in paragraphs.values())

    def context_of(self, index: int, count: int) -> str:
        """Return up to `count` sentences before the one at `index`, joined and cut from the left."""
        before = self.sentences[max(0, index - count) : index]
        return " ".join(previous.text for previous in before)[-MAX_CONTEXT:]

    def examples(self, context_sentences: int = 1) -> Iterator[Example]:
        """Yield an example per labelled actor and sentence, with up to `context_sentences` preceding sentences; `?` gives no stance."""
        for index, sentence in enumerate(self.sentences):
            context = self.context_of(index, context_sentences)
            for mention in sentence.labelled:
                yield Example(
                    id=f"{self.meta.id}:{sentence.sent_id}:{mention.actor}",
                    doc_id=self.meta.id,
                    sent_id=sentence.sent_id,
                    context=context,
                    text=sentence.text,
                    actor=mention.actor,
                    mention=mention.text,
                    start=mention.start,
                    end=mention.end,
                    stance=mention.decided,
                    target=self.meta.target,
                )


def read_document(path: Path) -> Document:
    """Read one annotated document.

    Raises:
        InputFaults: all faults of the file, each with its line.
    """
    lines = read_text(path).split("\n")
    if lines[0].strip() != FENCE or FENCE not in (line.strip() for line in lines[1:]):
        raise InputError(f"{path}:1: expected YAML front matter between two lines of ---")
    end = next(number for number, line in enumerate(lines[1:], 1) if line.strip() == FENCE)
    meta = _read_front_matter(path, "\n".join(lines[1:end]))
    sentences: list[Sentence] = []
    faults: list[str] = []
    paragraph, in_paragraph = 0, False
    for number, line in enumerate(lines[end + 1 :], end + 2):
        if not line.strip():
            in_paragraph = False
            continue
        paragraph += not in_paragraph
        in_paragraph = True
        if len(line) > MAX_TEXT:
            faults.append(f"{path}:{number}: {len(line):,} characters, a sentence has at most {MAX_TEXT:,}")
            continue
        try:
            sentences.append(Sentence(len(sentences) + 1, paragraph, number, parse_line(line.rstrip("\r"))))
        except MarkupError as error:
            faults.append(f"{path}:{number}: {error}")
    if faults:
        raise InputFaults(faults)
    if not sentences:
        raise InputError(f"{path}: no sentences after the front matter")
    return Document(path, meta, tuple(sentences))


def read_documents(folder: Path) -> list[Document]:
    """Read every ``**/*.md`` of a folder in the order of their ids.

    Raises:
        InputFaults: all faults of all files, duplicate document ids among them.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder of annotated documents")
    documents: list[Document] = []
    faults: list[str] = []
    for path in sorted(folder.rglob("*.md")):
        try:
            documents.append(read_document(path))
        except InputFaults as error:
            faults += error.faults
        except InputError as error:
            faults.append(str(error))
    first: dict[str, Path] = {}
    for document in documents:
        if document.meta.id in first:
            faults.append(f"{document.path}:1: duplicate id {document.meta.id!r}, also in {first[document.meta.id]}")
        first[document.meta.id] = document.path
    if faults:
        raise InputFaults(faults)
    if not documents:
        raise InputError(f"{folder}: empty corpus, no .md documents")
    return sorted(documents, key=lambda document: document.meta.id)


def format_document(meta: FrontMatter, paragraphs: list[list[MarkedText]]) -> str:
    """Write a document's file; the inverse of `read_document`."""
    fields: dict[str, Any] = meta.model_dump(exclude_defaults=True)
    if "annotators" in fields:
        fields["annotators"] = list(fields["annotators"])
    front = yaml.safe_dump(fields, sort_keys=False, allow_unicode=True, width=120, default_flow_style=False)
    body = "\n\n".join("\n".join(format_line(sentence) for sentence in sentences) for sentences in paragraphs)
    return f"{FENCE}\n{front}{FENCE}\n{body}\n"


def relabel(document: Document, stances: dict[tuple[int, str], str]) -> list[list[MarkedText]]:
    """Return the document's paragraphs with the labels of (sent_id, actor) replaced by `stances`."""
    paragraphs: dict[int, list[MarkedText]] = {}
    for sentence in document.sentences:
        mentions = tuple(
            Mention(**{**vars(mention), "stance": stances.get((sentence.sent_id, mention.actor), mention.stance)})
            if mention.stance
            else mention
            for mention in sentence.marked.mentions
        )
        marked = MarkedText(sentence.text, mentions, sentence.marked.phenomena)
        paragraphs.setdefault(sentence.paragraph, []).append(marked)
    return list(paragraphs.values())


def _read_front_matter(path: Path, text: str) -> FrontMatter:
    try:
        return FrontMatter.model_validate(parse_yaml(text, path, first_line=2, limit=MAX_FRONT_MATTER))
    except ValidationError as error:
        fault = error.errors()[0]
        key = ".".join(str(part) for part in fault["loc"])
        hint = nearest(key, FrontMatter.model_fields) if fault["type"] == "extra_forbidden" else ""
        raise InputError(f"{path}:1: front matter key {key!r}: {fault['msg']}{hint}") from None
