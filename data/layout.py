"""A document as one running text, and where each of its sentences stands in it; tools that know no sentences work on such texts."""

from collections.abc import Iterator
from dataclasses import dataclass

from data.documents import Document


@dataclass(frozen=True)
class Layout:
    """The text, and the offset of every sentence's first and past its last character."""

    text: str
    spans: tuple[tuple[int, int], ...]

    def locate(self, start: int, end: int) -> tuple[int, int, int] | None:
        """Return the sentence (from 0) that holds a span, and the span's offsets in it; None where no single one holds it."""
        for index, (first, last) in enumerate(self.spans):
            if first <= start < end <= last:
                return index, start - first, end - first
        return None


def lines_layout(document: Document) -> Layout:
    """Lay a document out as its file has it: a line a sentence, an empty line between paragraphs."""
    return _lay_out(document, "\n", "\n\n")


def paragraphs_layout(document: Document) -> Layout:
    """Lay a document out as its article has it: a line a paragraph."""
    return _lay_out(document, " ", "\n")


def _lay_out(document: Document, between_sentences: str, between_paragraphs: str) -> Layout:
    text, spans, paragraph = "", [], document.sentences[0].paragraph
    for sentence in document.sentences:
        if text:
            text += between_sentences if sentence.paragraph == paragraph else between_paragraphs
        paragraph = sentence.paragraph
        spans.append((len(text), len(text) + len(sentence.text)))
        text += sentence.text
    return Layout(text, tuple(spans))


def occurrences(text: str, part: str) -> Iterator[int]:
    """Yield every offset at which `part` begins in `text`."""
    start = text.find(part)
    while start >= 0:
        yield start
        start = text.find(part, start + 1)
