from pathlib import Path

from data.documents import read_documents
from data.leaks import duplicate_documents, duplicate_sentences, near_duplicates

SENTENCE = "The defence committee of the lower house postponed its vote on the radar treaty until the end of March."


def test_near_duplicates_are_found_and_scored() -> None:
    texts = [
        SENTENCE,
        SENTENCE.replace("March", "April"),
        "Nothing of the kind was said about the harbour dues in Ostrel this year at all.",
    ]
    pairs = near_duplicates(texts, 0.6)
    assert [(pair.first, pair.second) for pair in pairs] == [(0, 1)]
    assert pairs[0].similarity == 17 / 19  # of 18 bigrams each, the last differs


def test_different_sentences_are_not() -> None:
    texts = [SENTENCE, "The treaty on the radar was voted down by the upper house at the end of a long day in June."]
    assert near_duplicates(texts, 0.6) == []


def test_sentences_and_documents_of_a_corpus(corpus_folder: Path) -> None:
    assert duplicate_sentences(read_documents(corpus_folder / "corpus")) == []
    source = corpus_folder / "corpus" / "doc-1.md"
    (corpus_folder / "corpus" / "copy.md").write_text(source.read_text().replace("id: doc-1", "id: copy"))
    documents = read_documents(corpus_folder / "corpus")
    places = [(str(first), str(second)) for first, second, _ in duplicate_sentences(documents)]
    assert all("copy.md:" in first and "doc-1.md:" in second for first, second in places)
    assert len(places) == 3  # the fourth sentence has fewer than eight words
    assert [(a.meta.id, b.meta.id) for a, b, _ in duplicate_documents(documents)] == [("copy", "doc-1")]
