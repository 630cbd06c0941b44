"""What a model says of documents that people are about to label, and how unsure it is: read from files that `train/predict.py` wrote.

`--output P.json` (articles) brings marks and stances for documents without any; `--output P.jsonl` and a run's `predictions/*.jsonl`
(an actor and sentence each) bring stances for the marks that a document has.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from pydantic import BaseModel, Field, ValidationError

from data.bodies import kind_of_body
from data.documents import Document
from data.errors import InputError, InputFaults, nearest
from data.files import read_json
from data.labelling import Workspace
from data.layout import Layout, occurrences, paragraphs_layout
from data.markup import Mention
from data.records import STANCES, Prediction, Stance, read_rows
from data.registry import Actor, Called, Kind


@dataclass(frozen=True)
class Suggestion:
    """A mark that a model proposes; further mentions have no stance and no confidence."""

    mention: Mention
    confidence: float | None
    uncertainty: float | None


Share = Annotated[float, Field(ge=0, le=1)]


class PredictedMention(BaseModel):
    """A mention as `train/predict.py` writes it; what it writes beside is of no use here."""

    actor: Called
    start: Annotated[int, Field(ge=0)]
    text: Annotated[str, Field(min_length=1)]
    stance: Stance
    probs: tuple[Share, Share, Share]


class PredictedActor(BaseModel):
    """An actor as `train/predict.py` writes it; `unknown` is one that only a model's tags told of."""

    actor: Called
    name: Called
    kind: Kind | Literal["unknown"]

    @property
    def entry(self) -> Actor:
        """The actor as an entry for the registry, whose kind is guessed from the name where it is unknown."""
        kind = kind_of_body(self.name) or "organisation" if self.kind == "unknown" else self.kind
        return Actor(id=self.actor, name=self.name, kind=kind)


class PredictedArticle(BaseModel):
    """An article as `train/predict.py` writes it."""

    doc_id: str
    mentions: tuple[PredictedMention, ...]
    actors: tuple[PredictedActor, ...] = ()


Suggestions = Mapping[str, Mapping[int, Sequence[Suggestion]]]
"""Suggestions by document id and sentence number, in the order of the text."""


def read_suggestions(paths: Sequence[Path], workspace: Workspace) -> tuple[Suggestions, list[Actor]]:
    """Read prediction files, and return with them the actors that a model found and the registry lacks.

    Raises:
        InputFaults: predictions about documents or marks that the corpus lacks, text that differs, files of another kind.
    """
    found: dict[str, dict[int, list[Suggestion]]] = {}
    new: dict[str, Actor] = {}
    faults: list[str] = []
    for path in paths:
        if path.suffix == ".json":
            _read_articles(path, workspace, found, new, faults)
        elif path.suffix == ".jsonl":
            _read_predictions(path, workspace, found, faults)
        else:
            faults.append(f"{path}: expected predictions (.json or .jsonl) that train/predict.py --output wrote")
    if faults:
        raise InputFaults(faults)
    return found, list(new.values())


def document_uncertainty(sentences: Mapping[int, Sequence[Suggestion]]) -> float:
    """Return the mean uncertainty of a document's stances: 0 sure, 1 a guess among the three."""
    values = [each.uncertainty for suggestions in sentences.values() for each in suggestions if each.uncertainty is not None]
    return sum(values) / len(values) if values else 0.0


def entropy(probabilities: Sequence[float] | np.ndarray) -> np.ndarray:
    """Return the entropy of a stance's probabilities, the last axis, as a share of the largest possible (Shannon, 1948)."""
    given = np.asarray(probabilities)
    shares: np.ndarray = -(given * np.log(np.where(given > 0, given, 1.0))).sum(-1) / np.log(len(STANCES))
    return shares


def _read_predictions(path: Path, workspace: Workspace, found: dict[str, dict[int, list[Suggestion]]], faults: list[str]) -> None:
    rows = {row.id: row for row in read_rows(path, Prediction)}
    documents = dict.fromkeys(row.doc_id for row in rows.values())
    for doc_id in documents:
        if doc_id not in workspace.documents:
            faults.append(f"{path}: no document {doc_id!r} in {workspace.folder}{nearest(doc_id, workspace.documents)}")
            continue
        document = workspace.documents[doc_id]
        wanted = {f"{doc_id}:{sentence.sent_id}:{mention.actor}" for sentence in document.sentences for mention in sentence.labelled}
        if missing := sorted(wanted - rows.keys()):
            faults.append(f"{path}: {document.path}: {len(missing)} of its {len(wanted)} marks were not scored, e.g. {missing[0]}")
        elif not wanted:
            faults.append(f"{path}: {document.path} has no marks; for unmarked documents give the .json that train/predict.py writes")
        else:
            found[doc_id] = {
                sentence.sent_id: [
                    _relabel(mention, rows.get(f"{doc_id}:{sentence.sent_id}:{mention.actor}")) for mention in sentence.marked.mentions
                ]
                for sentence in document.sentences
                if sentence.marked.mentions
            }


def _relabel(mention: Mention, row: Prediction | None) -> Suggestion:
    if mention.stance is None or row is None:
        return Suggestion(mention, None, None)
    probabilities = [getattr(row.probs, stance) for stance in STANCES]
    marked = Mention(mention.start, mention.end, mention.text, mention.actor, row.pred)
    return Suggestion(marked, max(probabilities), float(entropy(probabilities)))


def _read_articles(
    path: Path, workspace: Workspace, found: dict[str, dict[int, list[Suggestion]]], new: dict[str, Actor], faults: list[str]
) -> None:
    content = read_json(path)
    articles = content.get("documents") if isinstance(content, dict) else None
    if not isinstance(articles, list):
        raise InputError(f"{path}: expected the articles that train/predict.py --output {path.name} writes")
    for number, fields in enumerate(articles, 1):
        try:
            article = PredictedArticle.model_validate(fields)
        except ValidationError as error:
            fault = error.errors()[0]
            place = ".".join(map(str, fault["loc"]))
            faults.append(f"{path}: document {number}: {place}: {fault['msg']}; expected what train/predict.py --output {path.name} writes")
            continue
        document = workspace.documents.get(article.doc_id)
        if document is None:
            faults.append(f"{path}: no document {article.doc_id!r} in {workspace.folder}{nearest(article.doc_id, workspace.documents)}")
            continue
        try:
            found[article.doc_id] = _place_mentions(document, article.mentions)
        except ValueError as error:
            faults.append(f"{path}: {document.path}: {error}")
        new.update({actor.actor: actor.entry for actor in article.actors if actor.actor not in workspace.registry})


def _place_mentions(document: Document, mentions: Sequence[PredictedMention]) -> dict[int, list[Suggestion]]:
    """Find an article's mentions in its document, whose white space may differ, so that offsets drift."""
    layout, drift, end = paragraphs_layout(document), 0, 0
    placed: dict[int, list[Suggestion]] = {}
    for mention in sorted(mentions, key=lambda each: each.start):
        start = _nearest_occurrence(layout, mention.text, mention.start + drift)
        located = layout.locate(start, start + len(mention.text))
        drift = start - mention.start
        if located is None or start < end:
            continue
        end = start + len(mention.text)
        index, first, last = located
        _add_mention(placed.setdefault(document.sentences[index].sent_id, []), mention, first, last)
    return placed


def _nearest_occurrence(layout: Layout, text: str, expected: int) -> int:
    starts = list(occurrences(layout.text, text))
    if not starts:
        raise ValueError(f"{text!r} does not occur; were the predictions made from another text?")
    return min(starts, key=lambda start: abs(start - expected))


def _add_mention(suggestions: list[Suggestion], mention: PredictedMention, start: int, end: int) -> None:
    """Add a mention; the first of an actor in a sentence carries the stance."""
    further = any(each.mention.actor == mention.actor for each in suggestions)
    marked = Mention(start, end, mention.text, mention.actor, None if further else mention.stance)
    suggestions.append(Suggestion(marked, None if further else max(mention.probs), None if further else float(entropy(mention.probs))))
