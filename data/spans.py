"""Sentences with every mention that is marked in them, for finding actors: what is learned, what is looked for, what was found."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Annotated, Self

from pydantic import Field, model_validator

from data.documents import Document
from data.records import MAX_CONTEXT, Example, Name, Row, Stance, Text


class Span(Row):
    """A mention by its character offsets, end exclusive; a further mention has its actor's stance in the sentence."""

    start: Annotated[int, Field(ge=0)]
    end: int
    stance: Stance | None = None

    @model_validator(mode="after")
    def _has_length(self) -> Self:
        if self.end <= self.start:
            raise ValueError(f"span from {self.start} to {self.end}, expected the end after the start")
        return self


class TaggedSentence(Row):
    """The spans found in a sentence; `id` is ``document:sentence``."""

    id: Name
    doc_id: Name
    spans: tuple[Span, ...]


class MarkedSentence(Row):
    """A sentence and all that is marked in it; none where it names no actor."""

    id: Name
    doc_id: Name
    sent_id: int
    context: Annotated[str, Field(max_length=MAX_CONTEXT)] = ""
    text: Annotated[Text, Field(min_length=1)]
    target: Text | None = None
    spans: tuple[Span, ...] = ()

    @model_validator(mode="after")
    def _spans_fit(self) -> Self:
        for span in self.spans:
            if span.end > len(self.text):
                raise ValueError(f"span from {span.start} to {span.end}, the text has {len(self.text)} characters")
        return self


def marked_sentences(document: Document, context_sentences: int = 1) -> Iterator[MarkedSentence]:
    """Yield every sentence of a document with its marks, and with as many preceding sentences as `Document.examples` gives."""
    for index, sentence in enumerate(document.sentences):
        stances = {mention.actor: mention.decided for mention in sentence.labelled}
        yield MarkedSentence(
            id=f"{document.meta.id}:{sentence.sent_id}",
            doc_id=document.meta.id,
            sent_id=sentence.sent_id,
            context=document.context_of(index, context_sentences),
            text=sentence.text,
            target=document.meta.target,
            spans=tuple(Span(start=each.start, end=each.end, stance=stances[each.actor]) for each in sentence.marked.mentions),
        )


def sentences_of(rows: Sequence[Example]) -> Iterator[MarkedSentence]:
    """Yield the sentences of example rows, those of one sentence standing together; the rows are taken for all of its marks."""
    for (doc_id, sent_id, text), group in groupby(rows, key=lambda row: (row.doc_id, row.sent_id, row.text)):
        members = list(group)
        spans = {(row.start, row.end): Span(start=row.start, end=row.end, stance=row.stance) for row in members}
        yield MarkedSentence(
            id=f"{doc_id}:{sent_id}",
            doc_id=doc_id,
            sent_id=sent_id,
            context=members[0].context,
            text=text,
            target=members[0].target,
            spans=tuple(spans[key] for key in sorted(spans)),
        )


def span_examples(sentence: MarkedSentence, spans: Sequence[tuple[int, int]]) -> list[Example]:
    """Return a row a span, so that its stance can be read; the actor is the text of the span."""
    return [
        Example(
            id=f"{sentence.id}:{start}-{end}",
            doc_id=sentence.doc_id,
            sent_id=sentence.sent_id,
            context=sentence.context,
            text=sentence.text,
            actor=sentence.text[start:end][:500],
            mention=sentence.text[start:end],
            start=start,
            end=end,
            target=sentence.target,
        )
        for start, end in spans
    ]
