"""Reading articles with a trained run: who stands where, with the sentences that say so.

from train.reading import load
reading = load("runs/base").read(text)
print(reading.verdicts[0].name, reading.verdicts[0].stance)
"""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from data.articles import Article, actor_name, article_examples, take_apart
from data.errors import InputError, printable
from data.issue import open_finder, read_issue
from data.mentions import How, MentionFinder
from data.newcomers import sentences_to_tag, with_newcomers
from data.records import STANCES, Example, Stance
from train.backends import Backend
from train.loading import OpenRun, open_run
from train.verdicts import Verdict, judge_actors


@dataclass(frozen=True)
class MentionStance:
    """What the text attributes to an actor at one mention; `start` and `end` are offsets into the article."""

    actor: str
    sentence: int
    start: int
    end: int
    text: str
    how: How
    stance: Stance
    confidence: float
    probs: tuple[float, ...]


@dataclass(frozen=True)
class Reading:
    """One article read: its text taken apart, the stance at every mention and the verdict on every actor."""

    article: Article
    mentions: tuple[MentionStance, ...]
    rows: tuple[Example, ...]
    probs: np.ndarray
    verdicts: tuple[Verdict, ...]

    @cached_property
    def by_actor(self) -> Mapping[str, Verdict]:
        """The verdicts by their actors."""
        return {verdict.actor: verdict for verdict in self.verdicts}

    def to_json(self) -> dict[str, Any]:
        """Return plain values: document, verdicts and mentions."""
        return {
            "doc_id": self.article.doc_id,
            "title": self.article.title,
            "date": self.article.date,
            "sentences": len(self.article.sentences),
            "actors": [_rounded(asdict(verdict)) for verdict in self.verdicts],
            "mentions": [_rounded(asdict(mention)) for mention in self.mentions],
        }


@dataclass(frozen=True)
class ArticleReader:
    """A trained run and the registry by which it finds actors, toward what they stand, and the registry's file."""

    run: OpenRun
    finder: MentionFinder
    target: str
    names_from: str

    def read(self, text: str, doc_id: str = "article") -> Reading:
        """Read one article.

        Raises:
            InputError: the text is empty, not English, or names no actor.
        """
        return self.read_many({doc_id: text})[0]

    def read_many(self, texts: Mapping[str, str]) -> list[Reading]:
        """Read articles by their ids; all their windows go through the model together.

        Articles that name no actor are left out, with a note on standard error.

        Raises:
            InputError: a text is empty or not English, or none names an actor.
        """
        articles = self._add_newcomers([take_apart(text, doc_id, self.finder) for doc_id, text in texts.items()])
        rows = [article_examples(article, self.target, self.run.config.data.context_sentences) for article in articles]
        check_actors({article.doc_id: len(own) for article, own in zip(articles, rows, strict=True)}, self.names_from)
        probabilities = self._score([row for own in rows for row in own])
        readings, start = [], 0
        for article, own in zip(articles, rows, strict=True):
            if own:
                readings.append(sum_up(article, own, probabilities[start : start + len(own)], self.run.calibration.threshold))
                start += len(own)
        return readings

    def _add_newcomers(self, articles: list[Article]) -> list[Article]:
        """Let a run that finds mentions add the actors that the registry does not know; other runs change nothing."""
        if not self.run.detects:
            return articles
        sentences = [sentences_to_tag(article, self.run.config.data.context_sentences) for article in articles]
        spans = iter(self.run.detect([each for own in sentences for each in own]))
        return [
            with_newcomers(article, {each.sent_id: next(spans) for each in own}) for article, own in zip(articles, sentences, strict=True)
        ]

    def _score(self, rows: Sequence[Example]) -> np.ndarray:
        """Score an actor's first mention in a sentence and its further ones apart, since training marks one mention an actor."""
        first = [index for index, row in enumerate(rows) if is_first(row)]
        further = [index for index, row in enumerate(rows) if not is_first(row)]
        probabilities = np.zeros((len(rows), len(STANCES)))
        for indices in (first, further):
            if indices:
                probabilities[indices] = self.run.probabilities([rows[index] for index in indices])
        return probabilities


def load(run: str | Path, *, corpus: Path | None = None, seed: int | None = None, backend: Backend = "torch") -> ArticleReader:
    """Open a run for reading articles, with the actors and the target of the corpus that it was trained on, or of another one.

    Raises:
        InputError: no such run, nothing finished in it, or no such corpus.
    """
    opened = open_run(Path(run), seed, backend)
    folder = corpus or opened.corpus_folder
    names_from = (corpus or Path(opened.config.data.corpus)) / "actors.yaml"
    return ArticleReader(opened, open_finder(folder), read_issue(folder).target, str(names_from))


def check_actors(mentions: Mapping[str, int], names_from: str) -> None:
    """Say on standard error which articles, by their ids, have no mention of an actor.

    Raises:
        InputError: none of them has.
    """
    silent = [doc_id for doc_id, count in mentions.items() if not count]
    if not silent:
        return
    fault = f"{', '.join(silent)}: {'names' if len(silent) == 1 else 'name'} no actor of {names_from}"
    if len(silent) == len(mentions):
        raise InputError(f"{fault}; add aliases there, or give example rows (.jsonl)")
    print(printable(f"note: {fault}; left out"), file=sys.stderr)


def is_first(row: Example) -> bool:
    """Tell an actor's first mention in a sentence from its further ones, by the row's id."""
    return row.id == f"{row.doc_id}:{row.sent_id}:{row.actor}"


def sum_up(article: Article, rows: Sequence[Example], probabilities: np.ndarray, threshold: float) -> Reading:
    """Turn the scored mentions of an article, probabilities of shape (n, 3), into its reading."""
    flat = [mention for mentions in article.mentions for mention in mentions]
    mentions = []
    for row, mention, values in zip(rows, flat, probabilities, strict=True):
        start = article.sentences[row.sent_id - 1].start
        stance, confidence = _best(values)
        mentions.append(
            MentionStance(
                row.actor,
                row.sent_id,
                start + row.start,
                start + row.end,
                row.mention,
                mention.how,
                stance,
                confidence,
                tuple(map(float, values)),
            )
        )
    first = [index for index, row in enumerate(rows) if is_first(row)]
    kept = [rows[index] for index in first]
    names = {
        actor: (article.newcomers.get(actor) or actor_name(article.registry, actor), _kind(article, actor))
        for actor in {row.actor for row in kept}
    }
    verdicts = judge_actors(kept, probabilities[first], threshold, names)
    return Reading(article, tuple(mentions), tuple(kept), probabilities[first], verdicts)


def _kind(article: Article, actor: str) -> str:
    return article.registry[actor].kind if actor in article.registry else "unknown"


def _best(values: np.ndarray) -> tuple[Stance, float]:
    index = int(values.argmax())
    return STANCES[index], float(values[index])


def _rounded(fields: dict[str, Any]) -> dict[str, Any]:
    """Round all numbers to four digits, nested ones too."""
    return {key: _round(value) for key, value in fields.items()}


def _round(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, 4)
    if isinstance(value, dict):
        return _rounded(value)
    return [_round(each) for each in value] if isinstance(value, list | tuple) else value
