"""Several readings side by side: an actors x documents matrix, how far actors agree, and how they moved over time."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from data.articles import Article
from data.cells import format_csv
from train.reading import Reading
from train.verdicts import Verdict

CSV_COLUMNS = (
    *("doc_id", "date", "actor", "name", "kind", "stance", "confidence"),
    *("unsure", "mixed", "against", "neutral", "favor", "evidence"),
)
MAX_PICTURE = 14
"""Actors in the agreement picture: those with most sentences."""


@dataclass(frozen=True)
class Standing:
    """An actor over several documents; `cells` holds its verdict in each of them, None where it does not occur."""

    actor: str
    name: str
    cells: tuple[Verdict | None, ...]

    @property
    def sentences(self) -> int:
        """How many sentences of all documents speak of the actor."""
        return sum(cell.sentences for cell in self.cells if cell)


@dataclass(frozen=True)
class Agreement:
    """How alike two actors stand: 1 the same side, 0 opposite ones, over the documents that speak of both."""

    first: str
    second: str
    documents: int
    value: float


def matrix(readings: Sequence[Reading]) -> list[Standing]:
    """Return a row per actor with its verdict in every document, actors with most sentences first."""
    names = {verdict.actor: verdict.name for reading in readings for verdict in reading.verdicts}
    standings = [Standing(actor, name, tuple(reading.by_actor.get(actor) for reading in readings)) for actor, name in names.items()]
    return sorted(standings, key=lambda each: (-each.sentences, each.name))


def agreements(standings: Sequence[Standing]) -> dict[tuple[str, str], Agreement]:
    """Return the agreement of every two actors that share a document."""
    found = {}
    for first, second in combinations(standings, 2):
        pairs = [(a, b) for a, b in zip(first.cells, second.cells, strict=True) if a and b]
        if pairs:
            value = sum(1 - abs(a.score - b.score) / 2 for a, b in pairs) / len(pairs)
            found[first.actor, second.actor] = Agreement(first.actor, second.actor, len(pairs), value)
    return found


def taking_sides(standings: Sequence[Standing]) -> list[Standing]:
    """Return the actors with a side in some document, ordered from against to favor, at most `MAX_PICTURE` of them."""
    sided = [each for each in standings if any(cell and cell.score for cell in each.cells)][:MAX_PICTURE]
    return sorted(sided, key=lambda each: sum(cell.score for cell in each.cells if cell) / sum(cell is not None for cell in each.cells))


def dated(readings: Sequence[Reading]) -> list[Reading]:
    """Return the readings that carry a date, in its order."""
    return sorted((reading for reading in readings if reading.article.date), key=lambda each: str(each.article.date))


def to_json(readings: Sequence[Reading], run: str) -> dict[str, Any]:
    """Return all readings, and for several the matrix and the agreements."""
    standings = matrix(readings)
    fields: dict[str, Any] = {"schema": 1, "run": run, "documents": [reading.to_json() for reading in readings]}
    if len(readings) > 1:
        ids = [reading.article.doc_id for reading in readings]
        fields["matrix"] = [
            {"actor": each.actor, "name": each.name, "stances": {i: c.stance for i, c in zip(ids, each.cells, strict=True) if c}}
            for each in standings
        ]
        fields["agreement"] = [
            {"a": each.first, "b": each.second, "documents": each.documents, "value": round(each.value, 4)}
            for each in agreements(standings).values()
        ]
    return fields


def to_csv(readings: Sequence[Reading]) -> str:
    """Return a line an actor and document; text that a spreadsheet would run as a formula gets an apostrophe."""
    return format_csv(CSV_COLUMNS, (_csv_row(reading.article, each) for reading in readings for each in reading.verdicts))


def _csv_row(article: Article, each: Verdict) -> list[object]:
    doubts = [str(each.unsure).lower(), str(each.mixed).lower()]
    counts = [each.against, each.neutral, each.favor]
    evidence = each.evidence[0].text if each.evidence else ""
    known = [article.doc_id, article.date or "", each.actor, each.name, each.kind, each.stance, f"{each.confidence:.4f}"]
    return [*known, *doubts, *counts, evidence]
