"""Finding mentions: each word of an unmarked sentence is outside one, begins one or goes on with it (model.detect_actors).

The head of such a model has six labels, the stances first. The first three are read at mentions as ever, the last three at the
first token of every word of a sentence without markers; neither group is ever compared with the other.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from data.records import STANCES
from data.spans import MarkedSentence
from train.settings import ModelSettings
from train.windows import IGNORED, Encoded, Window, encode_windows

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

TAGS = ("outside", "begin", "inside")
OUTSIDE, BEGIN, INSIDE = range(len(TAGS))
DETECTING_LABELS: tuple[str, ...] = (*STANCES, *TAGS)
"""The labels of a head that also finds mentions, in the order of their ids."""

_WORD = re.compile(r"\w+|[^\w\s]")

Offsets = tuple[int, int]
RunWindows = Callable[[Sequence[Window]], Iterable[tuple[Window, np.ndarray]]]


@dataclass(frozen=True)
class TagWindow(Window):
    """An unmarked sentence, or a part of one too long for a window; it reads no example rows.

    Attributes:
        sentence: index of the sentence among those encoded.
        words: character spans in the sentence, a word each.
        firsts: the position of each word's first token.
    """

    sentence: int
    words: tuple[Offsets, ...]
    firsts: tuple[int, ...]

    @property
    def read_at(self) -> tuple[int, ...]:
        """The positions of the words."""
        return self.firsts


@dataclass(frozen=True)
class Piece:
    """Some consecutive words of the sentence at `index`, with their tags."""

    index: int
    sentence: MarkedSentence
    words: Sequence[tuple[Offsets, int]]

    @property
    def start(self) -> int:
        """Where the first word begins."""
        return self.words[0][0][0]

    @property
    def text(self) -> str:
        """The sentence from the first word to the last."""
        return self.sentence.text[self.start : self.words[-1][0][1]]

    def halves(self) -> "list[Piece]":
        """Return two pieces with half of the words each; of a single word, which fills more than a window and is no mention, none."""
        middle = len(self.words) // 2
        return [replace(self, words=part) for part in (self.words[:middle], self.words[middle:]) if middle]


@dataclass(frozen=True)
class Tagger:
    """Makes windows of sentences and reads the tag of every word off the model's output."""

    tokenizer: "PreTrainedTokenizerBase"
    settings: ModelSettings

    def encode(self, sentences: Sequence[MarkedSentence]) -> list[TagWindow]:
        """Return the windows of `sentences`, in their order, labelled with the tags of their marks."""
        pieces = []
        for index, sentence in enumerate(sentences):
            words = [match.span() for match in _WORD.finditer(sentence.text)]
            pieces.append(Piece(index, sentence, list(zip(words, gold_tags(sentence, words), strict=True))))
        return self._encode_pieces(pieces)

    def read(self, window: TagWindow, logits: np.ndarray) -> np.ndarray:
        """Return the log-probability of each word's tags, shape (words, 3), from token logits of shape (t, 6)."""
        scores: np.ndarray = logits[list(window.firsts), len(STANCES) :].astype(np.float64)
        return scores - np.logaddexp.reduce(scores, axis=-1, keepdims=True)

    def _encode_pieces(self, pieces: Sequence[Piece]) -> list[TagWindow]:
        pieces = [piece for piece in pieces if piece.words]
        asked = [(piece.sentence, piece.text) for piece in pieces]
        windows: list[TagWindow] = []
        for piece, encoded in zip(pieces, encode_windows(self.tokenizer, self.settings, asked), strict=True):
            windows += self._encode_pieces(piece.halves()) if encoded is None else [self._window(piece, encoded)]
        return windows

    def _window(self, piece: Piece, encoded: Encoded) -> TagWindow:
        first_at = {piece.start + left: position for position, (left, right) in reversed(encoded.offsets.items()) if left < right}
        read = [(word, tag) for word, tag in piece.words if word[0] in first_at]
        firsts = tuple(first_at[word[0]] for word, _ in read)
        labels = [IGNORED] * len(encoded.input_ids)
        for position, (_, tag) in zip(firsts, read, strict=True):
            labels[position] = len(STANCES) + tag
        return TagWindow(encoded.input_ids, labels, (), (), piece.index, tuple(word for word, _ in read), firsts)


def gold_tags(sentence: MarkedSentence, words: Iterable[Offsets]) -> list[int]:
    """Return the tag of each word as the sentence's marks have it."""
    tags, begun = [], -1
    for start, end in words:
        inside = next((number for number, span in enumerate(sentence.spans) if span.start <= start and end <= span.end), None)
        tags.append(OUTSIDE if inside is None else INSIDE if inside == begun else BEGIN)
        begun = -1 if inside is None else inside
    return tags


def best_tags(scores: np.ndarray) -> list[int]:
    """Return the likeliest tags, from log-probabilities of shape (words, 3), of which none goes on with a mention not begun (Viterbi)."""
    step = np.zeros((len(TAGS), len(TAGS)))
    step[OUTSIDE, INSIDE] = -np.inf
    total = scores[0] + step[OUTSIDE]
    came_from = []
    for row in scores[1:]:
        paths = total[:, None] + step
        came_from.append(paths.argmax(axis=0))
        total = paths.max(axis=0) + row
    tags = [int(total.argmax())]
    for previous in reversed(came_from):
        tags.append(int(previous[tags[-1]]))
    return tags[::-1]


def decode(words: Sequence[Offsets], tags: Sequence[int]) -> list[Offsets]:
    """Return the spans that the tags of some words make; one that goes on with nothing begins a span."""
    spans: list[Offsets] = []
    open_ended = False
    for (start, end), tag in zip(words, tags, strict=True):
        if tag == INSIDE and open_ended:
            spans[-1] = (spans[-1][0], end)
        elif tag != OUTSIDE:
            spans.append((start, end))
        open_ended = tag != OUTSIDE
    return spans


def find_spans(tagger: Tagger, sentences: Sequence[MarkedSentence], run: RunWindows) -> list[list[Offsets]]:
    """Return the mentions found in each sentence; `run` yields windows, in any order, with the model's logits."""
    windows = tagger.encode(sentences)
    scores: dict[int, dict[Offsets, np.ndarray]] = {index: {} for index in range(len(sentences))}
    for window, logits in run(windows):
        assert isinstance(window, TagWindow)
        scores[window.sentence].update(zip(window.words, tagger.read(window, logits), strict=True))
    return [_spans_of(each) for each in scores.values()]


def _spans_of(scores: dict[Offsets, np.ndarray]) -> list[Offsets]:
    words = sorted(scores)
    return decode(words, best_tags(np.stack([scores[word] for word in words]))) if words else []
