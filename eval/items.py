"""The scored items: example rows with what is known about their document, so that reports need no corpus."""

from collections.abc import Iterator

from data.documents import Document
from data.records import Example


class Item(Example):
    """One labelled actor in one sentence together with the document's genre, setting and title."""

    genre: str | None = None
    setting: str | None = None
    title: str | None = None
    phenomena: tuple[str, ...] = ()


def document_items(document: Document, context_sentences: int = 1) -> Iterator[Item]:
    """Yield the items of an annotated document in the order of its example rows."""
    phenomena = {sentence.sent_id: sentence.marked.phenomena for sentence in document.sentences}
    for example in document.examples(context_sentences):
        yield Item(
            **example.model_dump(),
            genre=document.meta.genre,
            setting=document.meta.setting,
            title=document.meta.title,
            phenomena=phenomena[example.sent_id],
        )
