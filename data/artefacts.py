"""Measures of what a corpus gives away without being read: blind baselines, giveaway words, vocabulary growth."""

import itertools
import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from sklearn.metrics import f1_score

from data import blind
from data.records import STANCE_ID, STANCES, Example

GIVEAWAY_PRECISION = 0.9
GIVEAWAY_SUPPORT = 10
"""A word counts as a giveaway when it predicts a stance with over 90 % precision and stands beside at least ten labels."""

GROWTH_TOKENS = 50_000


@dataclass(frozen=True)
class Giveaways:
    """Words that all but decide a stance, and the share of all favor and against labels that some such word covers."""

    words: tuple[str, ...]
    covered: float


@dataclass(frozen=True)
class Variety:
    """Vocabulary of the first `tokens` running words and the share of word bigrams that are distinct."""

    tokens: int
    types: int
    distinct_bigrams: float


def blind_macro_f1(kind: str, train: Sequence[Example], test: Sequence[Example]) -> float:
    """Return the macro-F1 that a blind baseline fitted on `train` reaches on `test`."""
    predicted = blind.predict(kind, blind.fit(kind, train), test).argmax(axis=1)
    gold = [STANCE_ID[row.stance] for row in test if row.stance]
    return float(f1_score(gold, predicted, labels=range(len(STANCES)), average="macro", zero_division=0.0))


def giveaways(rows: Sequence[Example]) -> Giveaways:
    """Find the words whose presence in a sentence predicts favor or against for every actor of it."""
    stances_of: dict[str, Counter[str]] = defaultdict(Counter)
    words_of = [set(words(row.text)) for row in rows]
    for row, present in zip(rows, words_of, strict=True):
        for word in present:
            stances_of[word][str(row.stance)] += 1
    found = {
        word: stance
        for word, counts in stances_of.items()
        for stance in ("against", "favor")
        if counts.total() >= GIVEAWAY_SUPPORT and counts[stance] / counts.total() > GIVEAWAY_PRECISION
    }
    bearing = [(row, present) for row, present in zip(rows, words_of, strict=True) if row.stance != "neutral"]
    covered = sum(any(found.get(word) == row.stance for word in present) for row, present in bearing)
    return Giveaways(tuple(sorted(found)), covered / max(1, len(bearing)))


def variety(texts: Sequence[str]) -> Variety:
    """Measure vocabulary growth and distinct bigrams over the first 50,000 running words, so that corpora compare."""
    running = [word for text in texts for word in words(text)][:GROWTH_TOKENS]
    bigrams = list(itertools.pairwise(running))
    return Variety(len(running), len(set(running)), len(set(bigrams)) / max(1, len(bigrams)))


def words(text: str) -> list[str]:
    """Return the lower-cased words of a text."""
    return re.findall(r"\w+", text.lower())
