"""Sentences and consecutive sentences as text: which rows they have, their mentions marked, what leads up to them."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise

from data.records import Example
from data.spans import MarkedSentence

MARKERS = ("<actor>", "</actor>")
"""Tokens put around every mention of a window; a span model reads the stance at the start marker, the tokens between, or both."""

CROP_MARGIN = 300
"""Characters kept on either side of a mention in a sentence that is too long for any window."""


@dataclass(frozen=True)
class Sentence:
    """The rows of one sentence and their indices among the rows that are encoded."""

    indices: tuple[int, ...]
    rows: tuple[Example, ...]


def halves(sentences: Sequence[Sentence]) -> list[list[Sentence]]:
    """Cut a passage that is too long for a window into smaller ones, down to the neighbourhood of a single mention."""
    if len(sentences) > 1:
        middle = len(sentences) // 2
        return [list(sentences[:middle]), list(sentences[middle:])]
    (sentence,) = sentences
    if len(sentence.rows) > 1:
        return [[Sentence((index,), (row,))] for index, row in zip(sentence.indices, sentence.rows, strict=True)]
    return [[Sentence(sentence.indices, (crop(sentence.rows[0]),))]]


def sentence_key(item: tuple[int, Example]) -> tuple[object, ...]:
    """Tell sentences apart, and the targets that one sentence is asked about."""
    row = item[1]
    return row.doc_id, row.sent_id, row.context, row.text, row.target


def follows(row: Example, later: Example) -> bool:
    """Say whether a sentence stands further down in the same document and is asked about the same target."""
    return (row.doc_id, row.target) == (later.doc_id, later.target) and row.sent_id < later.sent_id


def group_passages(rows: Sequence[Example], most: int) -> list[list[Sentence]]:
    """Group rows into sentences, and up to `most` sentences that follow each other in one document into passages."""
    passages: list[list[Sentence]] = []
    for _, group in groupby(enumerate(rows), key=sentence_key):
        indices, examples = zip(*group, strict=True)
        sentence = Sentence(indices, examples)
        previous = passages[-1][-1].rows[0] if passages else None
        if previous is not None and len(passages[-1]) < most and follows(previous, examples[0]):
            passages[-1].append(sentence)
        else:
            passages.append([sentence])
    return passages


def join_sentences(sentences: Sequence[Sentence]) -> tuple[str, list[tuple[int, int]]]:
    """Join sentences to one text and return it with the spans of all their rows in it.

    Where a sentence does not follow directly, what precedes it (its context) is put between.
    """
    text = sentences[0].rows[0].text
    spans = [(row.start, row.end) for row in sentences[0].rows]
    for previous, sentence in pairwise(sentences):
        first = sentence.rows[0]
        if first.context and first.sent_id > previous.rows[0].sent_id + 1:
            text += f" {first.context}"
        spans += [(len(text) + 1 + row.start, len(text) + 1 + row.end) for row in sentence.rows]
        text += f" {first.text}"
    return text, spans


def mark_mentions(text: str, spans: Sequence[tuple[int, int]]) -> tuple[str, list[tuple[int, int]]]:
    """Put the marker tokens around every span and return the new text with the marked spans' offsets, markers included."""
    order = sorted(range(len(spans)), key=lambda index: (spans[index][0], -spans[index][1]))
    inserts: list[tuple[int, int, int, str]] = []
    for rank, index in enumerate(order):
        start, end = spans[index]
        inserts.append((start, 1, rank, MARKERS[0]))
        inserts.append((end, 0, -rank, MARKERS[1]))
    parts: list[str] = []
    opened: dict[int, int] = {}
    marked: dict[int, tuple[int, int]] = {}
    position = length = 0
    for place, opens, rank, marker in sorted(inserts):
        parts += [text[position:place], marker]
        length += place - position
        if opens:
            opened[rank] = length
        length += len(marker)
        if not opens:
            marked[order[-rank]] = (opened[-rank], length)
        position = place
    parts.append(text[position:])
    return "".join(parts), [marked[index] for index in range(len(spans))]


def crop(row: Example) -> Example:
    """Cut a sentence too long for any window down to the neighbourhood of the mention."""
    margin = CROP_MARGIN if len(row.text) > 2 * CROP_MARGIN + len(row.mention) else len(row.text) // 4
    end = min(row.end, row.start + margin)
    left, right = max(0, row.start - margin), min(len(row.text), end + margin)
    return row.model_copy(
        update={
            "context": "",
            "text": row.text[left:right],
            "start": row.start - left,
            "end": end - left,
            "mention": row.text[row.start : end],
        }
    )


def leading_text(row: Example | MarkedSentence, target_text: bool) -> str:
    """Return what stands before the sentence: the target's name if asked for, then the context."""
    return f"{row.target}: {row.context}" if target_text and row.target else row.context
