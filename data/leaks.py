"""Near-duplicate sentences and documents, found by MinHash and confirmed by the exact Jaccard similarity."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from datasketch import MinHash, MinHashLSH

from data.documents import Document

MIN_WORDS = 8
"""Shorter sentences ("The session was adjourned.") repeat in honest text and are not compared."""

SENTENCE_SIMILARITY = 0.6
DOCUMENT_SIMILARITY = 0.4
SHINGLE_WORDS = 2
PERMUTATIONS = 64
CANDIDATE_SLACK = 0.2
"""MinHash estimates; candidates are searched this far below the similarity that counts."""


@dataclass(frozen=True)
class NearDuplicate:
    """Two texts (indices into what was compared) and their Jaccard similarity over word bigrams."""

    first: int
    second: int
    similarity: float


def shingles(text: str) -> frozenset[str]:
    """Return the lower-cased word bigrams of a text."""
    words = re.findall(r"\w+", text.lower())
    return frozenset(" ".join(words[i : i + SHINGLE_WORDS]) for i in range(max(1, len(words) - SHINGLE_WORDS + 1)))


def near_duplicates(texts: Sequence[str], similarity: float) -> list[NearDuplicate]:
    """Return all pairs of texts whose bigram sets reach the Jaccard `similarity`."""
    sets = [shingles(text) for text in texts]
    index = MinHashLSH(threshold=similarity - CANDIDATE_SLACK, num_perm=PERMUTATIONS)
    found: list[NearDuplicate] = []
    for number, words in enumerate(sets):
        minhash = MinHash(num_perm=PERMUTATIONS, seed=1)
        minhash.update_batch([word.encode() for word in words])
        for other in index.query(minhash):
            score = len(words & sets[other]) / len(words | sets[other])
            if score >= similarity:
                found.append(NearDuplicate(other, number, score))
        index.insert(number, minhash)
    return sorted(found, key=lambda pair: (pair.first, pair.second))


@dataclass(frozen=True)
class Place:
    """A sentence of a document, as reports name it."""

    document: Document
    line: int
    text: str

    def __str__(self) -> str:
        return f"{self.document.path}:{self.line}"


def duplicate_sentences(documents: Sequence[Document]) -> list[tuple[Place, Place, float]]:
    """Return the near-duplicate pairs among all sentences of eight or more words."""
    places = [
        Place(document, sentence.line, sentence.text)
        for document in documents
        for sentence in document.sentences
        if len(sentence.text.split()) >= MIN_WORDS
    ]
    pairs = near_duplicates([place.text for place in places], SENTENCE_SIMILARITY)
    return [(places[pair.first], places[pair.second], pair.similarity) for pair in pairs]


def duplicate_documents(documents: Sequence[Document]) -> list[tuple[Document, Document, float]]:
    """Return the near-duplicate pairs among whole documents."""
    pairs = near_duplicates([document.plain_text() for document in documents], DOCUMENT_SIMILARITY)
    return [(documents[pair.first], documents[pair.second], pair.similarity) for pair in pairs]
