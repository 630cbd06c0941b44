"""From example rows to what a transformer reads, and from its outputs back to one distribution an example.

A *window* is a sentence with what precedes it. The span reader makes one window of one or more sentences and reads every actor
off it; the pair reader makes one window an (actor, sentence) pair. Both give `Window`s, so that one training loop serves them.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

import numpy as np

from data.records import STANCE_ID, STANCES, Example
from data.spans import MarkedSentence
from eval.calibration import softmax
from train.passages import MARKERS, Sentence, crop, group_passages, halves, join_sentences, leading_text, mark_mentions
from train.settings import ModelSettings

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

IGNORED = -100
"""The label of tokens that are not read; cross-entropy skips it."""

Tokens = tuple[list[int], list[tuple[int, int]]]
"""Token ids, and the characters that each token stands for."""

TEXTS_AT_ONCE = 256
"""Texts handed to the tokenizer at once: it shares them among the cores."""


@dataclass(frozen=True)
class Window:
    """One forward pass: token ids and, for each example read off it, where its stance is read.

    Attributes:
        input_ids: token ids, length t.
        labels: gold class ids at the positions read (span), or a single class id (pair); -100 elsewhere and where unlabelled. Where
            a distribution is to be learned, the number that the loss knows it by (train/losses.py).
        examples: indices into the rows that were encoded.
        positions: for each of the examples the token positions whose logits are averaged; empty for pair.
    """

    input_ids: list[int]
    labels: list[int] | int
    examples: tuple[int, ...]
    positions: tuple[tuple[int, ...], ...]

    @property
    def read_at(self) -> tuple[int, ...]:
        """The token positions whose logits are needed, each once; none for pair."""
        return tuple(sorted({position for positions in self.positions for position in positions}))


@dataclass(frozen=True)
class Encoded:
    """A window as token ids; `offsets` are the character spans of its text, without the lead, by token position."""

    input_ids: list[int]
    offsets: dict[int, tuple[int, int]]


class Reader(Protocol):
    """How a kind of model sees example rows."""

    def encode(self, rows: Sequence[Example]) -> list[Window]:
        """Return the windows of `rows`, in their order."""

    def read(self, window: Window, logits: np.ndarray) -> np.ndarray:
        """Return logits of shape (examples of the window, 3) from the model's output for this window."""


@dataclass(frozen=True)
class SpanReader:
    """Reads every actor of some consecutive sentences off one pass, at its start marker or over the tokens of its mention."""

    tokenizer: "PreTrainedTokenizerBase"
    settings: ModelSettings

    def encode(self, rows: Sequence[Example]) -> list[Window]:
        """Group consecutive rows of one sentence, and consecutive sentences of one document, and encode each group once."""
        return self._encode_passages(group_passages(rows, self.settings.window_sentences))

    def read(self, window: Window, logits: np.ndarray) -> np.ndarray:
        """Average the token logits of the stances, the first three, over the positions of each example."""
        return np.stack([logits[list(positions), : len(STANCES)].mean(axis=0) for positions in window.positions])

    def _encode_passages(self, passages: Sequence[Sequence[Sentence]]) -> list[Window]:
        marked = [mark_mentions(*join_sentences(passage)) for passage in passages]
        asked = [(passage[0].rows[0], text) for passage, (text, _) in zip(passages, marked, strict=True)]
        windows: list[Window] = []
        for passage, (_, spans), encoded in zip(passages, marked, encode_windows(self.tokenizer, self.settings, asked), strict=True):
            windows += self._encode_passages(halves(passage)) if encoded is None else [self._window(passage, spans, encoded)]
        return windows

    def _window(self, sentences: Sequence[Sentence], marked_spans: Sequence[tuple[int, int]], encoded: Encoded) -> Window:
        rows = [row for sentence in sentences for row in sentence.rows]
        positions = tuple(self._positions(encoded, *span) for span in marked_spans)
        labels = [IGNORED] * len(encoded.input_ids)
        for row, read in zip(rows, positions, strict=True):
            for position in read:
                labels[position] = STANCE_ID[row.stance] if row.stance else IGNORED
        indices = tuple(index for sentence in sentences for index in sentence.indices)
        return Window(encoded.input_ids, labels, indices, positions)

    def _positions(self, encoded: Encoded, start: int, end: int) -> tuple[int, ...]:
        """Return where the actor marked from `start` to `end` (markers included) is read."""
        inner = (start + len(MARKERS[0]), end - len(MARKERS[1]))
        inside = tuple(p for p, (left, right) in encoded.offsets.items() if inner[0] <= left < right <= inner[1])
        marker = tuple(p for p, (left, _) in encoded.offsets.items() if left == start)
        places = {"marker": marker, "mention": inside or marker, "both": marker + inside}
        return places[self.settings.reading]


@dataclass(frozen=True)
class PairReader:
    """Reads one actor a pass: the sentence with only this actor marked, the mention's name after it."""

    tokenizer: "PreTrainedTokenizerBase"
    settings: ModelSettings

    def encode(self, rows: Sequence[Example]) -> list[Window]:
        """Return one window a row."""
        return self._encode_rows(list(enumerate(rows)))

    def read(self, window: Window, logits: np.ndarray) -> np.ndarray:
        """Return the sequence logits, shape (3,), as those of the window's one example."""
        return logits.reshape(1, -1)

    def _encode_rows(self, rows: Sequence[tuple[int, Example]]) -> list[Window]:
        marked = [mark_mentions(row.text, [(row.start, row.end)])[0] for _, row in rows]
        asked = [(row, f"{text} {row.mention}") for (_, row), text in zip(rows, marked, strict=True)]
        windows: list[Window] = []
        for (index, row), encoded in zip(rows, encode_windows(self.tokenizer, self.settings, asked), strict=True):
            windows += self._encode_rows([(index, crop(row))]) if encoded is None else [self._window(index, row, encoded)]
        return windows

    def _window(self, index: int, row: Example, encoded: Encoded) -> Window:
        label = STANCE_ID[row.stance] if row.stance else IGNORED
        return Window(encoded.input_ids, label, (index,), ())


def spread(windows: Sequence[Window], outputs: Iterable[np.ndarray]) -> list[np.ndarray]:
    """Return each window's logits by token, shape (t, labels), from those of its reads, shape (reads, labels); 0 where none are read."""
    tables = []
    for window, logits in zip(windows, outputs, strict=True):
        table = np.zeros((len(window.input_ids), logits.shape[-1]), dtype=logits.dtype)
        table[list(window.read_at)] = logits[: len(window.read_at)]
        tables.append(table)
    return tables


def doubtful(windows: Sequence[Window], logits: np.ndarray, doubt: float) -> list[Window]:
    """Return the windows with an answer whose first two stances lie closer than `doubt`, by the logits of all rows, shape (n, 3)."""
    second, first = np.sort(softmax(logits), axis=1)[:, -2:].T
    close = first - second < doubt
    return [window for window in windows if close[list(window.examples)].any()]


def teach(window: Window, rows: Sequence[Example], numbers: Mapping[str, int]) -> Window:
    """Return a window whose labels are the numbers of its rows by their ids, in place of their classes; itself where there are none."""
    if not numbers:
        return window
    if isinstance(window.labels, int):
        return window if window.labels == IGNORED else replace(window, labels=numbers[rows[window.examples[0]].id])
    labels = list(window.labels)
    for example, positions in zip(window.examples, window.positions, strict=True):
        for position in positions:
            labels[position] = IGNORED if window.labels[position] == IGNORED else numbers[rows[example].id]
    return replace(window, labels=labels)


def encode_windows(
    tokenizer: "PreTrainedTokenizerBase", settings: ModelSettings, asked: Sequence[tuple[Example | MarkedSentence, str]]
) -> Iterator[Encoded | None]:
    """Encode texts, each after what leads up to it in its row, as one segment; None for one that alone is too long.

    The offsets are those of the text's tokens, by token position.
    """
    for start in range(0, len(asked), TEXTS_AT_ONCE):
        rows, texts = zip(*asked[start : start + TEXTS_AT_ONCE], strict=True)
        leads = [leading_text(row, settings.target_text) for row in rows]
        for row, lead, before, (ids, spans) in zip(rows, leads, tokenise(tokenizer, leads), tokenise(tokenizer, texts), strict=True):
            room = settings.max_length - len(ids) - 2
            if room < 0:
                yield None
                continue
            head = [tokenizer.cls_token_id, *cut_lead(row, lead, before, room)]
            yield Encoded([*head, *ids, tokenizer.sep_token_id], {len(head) + index: span for index, span in enumerate(spans)})


def tokenise(tokenizer: "PreTrainedTokenizerBase", texts: Sequence[str]) -> list[Tokens]:
    """Return the token ids of every text and where each token stands in it; no special tokens are added."""
    if not any(texts):
        return [([], [])] * len(texts)
    tokens = tokenizer(list(texts), add_special_tokens=False, return_offsets_mapping=True, truncation=False, verbose=False)
    return list(zip(tokens["input_ids"], tokens["offset_mapping"], strict=True))


def cut_lead(row: Example | MarkedSentence, lead: str, tokens: Tokens, room: int) -> list[int]:
    """Return the tokens of what stands before the sentence; where there are too many, the context is cut from the left, then the target."""
    ids, spans = tokens
    target = sum(start < len(lead) - len(row.context) - 1 for start, _ in spans)
    surplus = max(0, len(ids) - room)
    return [*ids[:target], *ids[target + surplus :]][:room]
