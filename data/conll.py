"""CoNLL files with stance labels: a token a line, tags B-favor, I-favor, O, empty lines between sentences.

The tag stands in the last column that holds only tags; a column after it names the actor (`_` for none), as may the tag itself
(B-russia:favor). Comments open documents (`# doc_id = x`, `# newdoc id = x`), paragraphs (`# newpar`) and may give the sentence's
exact text (`# text = …`); `-DOCSTART-` lines also end a document. Tokens of a document that the corpus has are found in its text.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from data.documents import Document
from data.errors import InputError
from data.files import read_text
from data.foreign import ActorNames, NewTexts, parse_label
from data.labelling import Annotation, Intake, Workspace, mark_faults
from data.markup import Mention

_TAG = re.compile(r"O|[BI]-.+")
_DOCUMENT = re.compile(r"#\s*(?:doc_id|newdoc id)\s*=\s*(?P<id>.+)")
_TEXT = re.compile(r"#\s*text\s*=\s?(?P<text>.+)")
_NO_SPACE_BEFORE = re.compile(r"[,.;:!?%)\]}’”]|n't|'\w{0,2}|’\w{1,2}")
_NO_SPACE_AFTER = frozenset("([{“‘$£€")


@dataclass
class Block:
    """A sentence of the file: the line it begins on, its tokens' columns with their lines, and what comments say of it."""

    line: int
    new_paragraph: bool = False
    text: str | None = None
    tokens: list[tuple[int, list[str]]] = field(default_factory=list)


@dataclass
class Section:
    """A document of the file; `raw` holds its lines for the rejects file."""

    doc_id: str
    line: int
    blocks: list[Block] = field(default_factory=list)
    raw: list[str] = field(default_factory=list)


def read_conll(paths: Sequence[Path], names: Sequence[str], workspace: Workspace, new: NewTexts) -> Intake:
    """Read CoNLL files, one annotator's name each.

    Raises:
        InputError: a file has no tag column.
    """
    intake, actors = Intake(), ActorNames(workspace)
    for path, name in zip(paths, names, strict=True):
        sections = list(read_sections(path))
        tag_column = _tag_column(path, sections)
        for section in sections:
            faults: list[str] = []
            document = _document(section, workspace, new, faults)
            marks = _read_marks(section, document, tag_column, actors, faults) if document else {}
            for sent_id, mentions in marks.items():
                faults += [f"{section.blocks[sent_id - 1].line}: {fault}" for fault in mark_faults(mentions, workspace.registry)]
            if faults or document is None:
                intake.faults += [f"{path}:{fault}" for fault in faults]
                intake.rejects += f"# doc_id = {section.doc_id}\n" + "\n".join(section.raw).strip("\n") + "\n\n"
            else:
                intake.annotations.append(Annotation(document, name, marks))
    return intake


def read_sections(path: Path) -> Iterator[Section]:
    """Yield the documents of a file."""
    count, paragraph, open_block, width = 1, False, False, 2
    section = Section(f"{path.stem}-{count}", 1)
    for number, line in enumerate(read_text(path).split("\n"), 1):
        line = line.rstrip("\r")
        starts = _DOCUMENT.match(line)
        if starts or line.startswith("-DOCSTART-"):
            if section.blocks:
                yield section
                count += 1
            section, open_block = Section(starts["id"].strip() if starts else f"{path.stem}-{count}", number), False
            continue
        section.raw.append(line)
        if not line.strip():
            open_block = False
        elif line.startswith("#") and not _is_token(line, width):
            paragraph |= line.lstrip("# ").startswith("newpar")
            if (given := _TEXT.match(line)) and not open_block:
                section.blocks.append(Block(number, paragraph, given["text"].rstrip()))
                open_block, paragraph = True, False
        else:
            if not open_block:
                section.blocks.append(Block(number, paragraph))
                open_block, paragraph = True, False
            columns = _columns(line)
            section.blocks[-1].tokens.append((number, columns))
            width = len(columns)
    if section.blocks:
        yield section


def _columns(line: str) -> list[str]:
    return line.split("\t") if "\t" in line else line.split()


def _is_token(line: str, width: int) -> bool:
    """Tell a token that begins with # from a comment: it has tabs, or a tag among as many columns as the token before."""
    columns = _columns(line)
    return "\t" in line or (len(columns) == width and not _TEXT.match(line) and any(map(_TAG.fullmatch, columns[1:])))


def _tag_column(path: Path, sections: Sequence[Section]) -> int:
    """Return the last column that holds nothing but tags."""
    rows = [columns for section in sections for block in section.blocks for _, columns in block.tokens]
    if not rows:
        raise InputError(f"{path}: no tokens, expected a token and a tag a line")
    for column in range(min(len(row) for row in rows) - 1, 0, -1):
        if all(_TAG.fullmatch(row[column]) for row in rows):
            return column
    line = next((n for s in sections for b in s.blocks for n, row in b.tokens if len(row) < 2), sections[0].blocks[0].line)
    raise InputError(f"{path}:{line}: no column holds only tags (O, B-favor, I-favor, ...); columns are split at tabs, or else at spaces")


def _document(section: Section, workspace: Workspace, new: NewTexts, faults: list[str]) -> Document | None:
    document = workspace.documents.get(section.doc_id)
    if document is not None:
        if len(document.sentences) != len(section.blocks):
            faults.append(f"{section.line}: {len(section.blocks)} sentences, {document.path} has {len(document.sentences)}")
            return None
        return document
    paragraph, sentences = 1, list[tuple[int, str]]()
    for block in section.blocks:
        paragraph += block.new_paragraph and bool(sentences)
        sentences.append((paragraph, block.text or join_tokens([columns[0] for _, columns in block.tokens])))
    try:
        return new.build(section.doc_id, sentences[0][1][:80], sentences)
    except ValueError as error:
        faults.append(f"{section.line}: {error}")
        return None


def join_tokens(tokens: Sequence[str]) -> str:
    """Join tokens with the spaces that English has; straight quotes open and close by turns."""
    text, quoted = "", False
    glue = True
    for token in tokens:
        closing = token == '"' and quoted
        if not (glue or closing or _NO_SPACE_BEFORE.fullmatch(token)):
            text += " "
        text += token
        glue = token in _NO_SPACE_AFTER or (token == '"' and not quoted)
        quoted ^= token == '"'
    return text


def _read_marks(
    section: Section, document: Document, tag_column: int, actors: ActorNames, faults: list[str]
) -> dict[int, tuple[Mention, ...]]:
    marks: dict[int, tuple[Mention, ...]] = {}
    for sentence, block in zip(document.sentences, section.blocks, strict=True):
        spans = _align(block, sentence.text, faults)
        mentions = list(_mentions(block, spans, sentence.text, tag_column, actors, faults)) if spans else []
        if mentions:
            marks[sentence.sent_id] = tuple(mentions)
    return marks


def _align(block: Block, text: str, faults: list[str]) -> list[tuple[int, int]]:
    """Return the span of every token in the sentence's text, or none after naming the first that is not there."""
    spans, position = [], 0
    for line, columns in block.tokens:
        start = text.find(columns[0], position)
        if start < 0 or text[position:start].strip():
            faults.append(f"{line}: token {columns[0]!r} does not come next in the text: {text[position : position + 40]!r}")
            return []
        position = start + len(columns[0])
        spans.append((start, position))
    if text[position:].strip():
        faults.append(f"{block.line}: the text goes on after the last token: {text[position : position + 40]!r}")
        return []
    return spans


def _mentions(
    block: Block, spans: Sequence[tuple[int, int]], text: str, tag_column: int, actors: ActorNames, faults: list[str]
) -> Iterator[Mention]:
    for first, last in _chunks(block, tag_column, faults):
        line, columns = block.tokens[first]
        start, end = spans[first][0], spans[last][1]
        try:
            label = parse_label(columns[tag_column][2:])
            named = columns[tag_column + 1].strip() if len(columns) > tag_column + 1 else ""
            actor = label.actor or (named if named not in ("", "_", "-", "O") else actors.find(text[start:end]))
            yield Mention(start, end, text[start:end], actor, label.stance)
        except ValueError as error:
            faults.append(f"{line}: {error}")


def _chunks(block: Block, tag_column: int, faults: list[str]) -> Iterator[tuple[int, int]]:
    """Yield the first and last token of every labelled span."""
    begin: int | None = None
    for index, (line, columns) in enumerate(block.tokens):
        tag = columns[tag_column]
        if tag.startswith("I-"):
            before = block.tokens[index - 1][1][tag_column] if index else "O"
            if before[2:] != tag[2:]:
                faults.append(f"{line}: {tag} follows {before}, expected B-{tag[2:]} or I-{tag[2:]} before it")
                begin = None
            continue
        if begin is not None:
            yield begin, index - 1
        begin = index if tag.startswith("B-") else None
    if begin is not None:
        yield begin, len(block.tokens) - 1
