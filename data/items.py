"""Items: example rows with what is known about their document, so that reports and exports need no corpus."""

from data.documents import Document
from data.records import Example


class Item(Example):
    """One actor in one sentence together with the document's genre, setting and title and the sentence's phenomena."""

    genre: str | None = None
    setting: str | None = None
    title: str | None = None
    phenomena: tuple[str, ...] = ()


def to_item(row: Example, document: Document | None) -> Item:
    """Add to a row what its document says; a row from outside the corpus stays bare."""
    if document is None:
        return Item(**row.model_dump())
    meta, sentence = document.meta, document.sentences[row.sent_id - 1]
    return Item(**row.model_dump(), genre=meta.genre, setting=meta.setting, title=meta.title, phenomena=sentence.marked.phenomena)
