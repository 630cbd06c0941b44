"""From the stances of sentences to one verdict per actor, with the sentences behind it."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from data.records import STANCES, Example, Stance

EVIDENCE = 3
"""Sentences shown for a verdict, the clearest first."""
MIXED = 0.5
"""An actor whose weaker side weighs at least this share of its stronger one is called mixed."""


@dataclass(frozen=True)
class Evidence:
    """A sentence behind a verdict."""

    sentence: int
    text: str
    stance: Stance
    confidence: float


@dataclass(frozen=True)
class Verdict:
    """An actor over a whole article: stance, how sure, in how many sentences it stands where, and the clearest of them."""

    actor: str
    name: str
    kind: str
    stance: Stance
    confidence: float
    unsure: bool
    mixed: bool
    against: int
    neutral: int
    favor: int
    evidence: tuple[Evidence, ...]

    @property
    def sentences(self) -> int:
        """How many sentences speak of the actor."""
        return self.against + self.neutral + self.favor

    @property
    def score(self) -> int:
        """The stance as a number: -1 against, 0 neutral, 1 in favor."""
        return STANCES.index(self.stance) - 1


def judge_actors(
    rows: Sequence[Example], probabilities: np.ndarray, threshold: float, names: Mapping[str, tuple[str, str]]
) -> tuple[Verdict, ...]:
    """Return the verdict on every actor, those with most sentences first.

    Args:
        rows: one row an actor and sentence.
        probabilities: calibrated, shape (n, 3).
        threshold: below this confidence a verdict is unsure.
        names: name and kind by actor.
    """
    indices: dict[str, list[int]] = {}
    for index, row in enumerate(rows):
        indices.setdefault(row.actor, []).append(index)
    verdicts = []
    for actor, mine in indices.items():
        name, kind = names.get(actor, (actor, "unknown"))
        verdicts.append(judge([rows[index] for index in mine], probabilities[mine], threshold, name=name, kind=kind))
    return tuple(sorted(verdicts, key=lambda verdict: (-verdict.sentences, verdict.name)))


def judge(rows: Sequence[Example], probabilities: np.ndarray, threshold: float, *, name: str, kind: str) -> Verdict:
    """Sum up one actor: a text attributes a stance where some sentence does, so the weightier side of those that do decides.

    A side weighs the summed probability of its sentences. Confidence is the clearest sentence's probability, lowered by the
    share that the other side weighs; for an actor without a side it is the geometric mean of the neutral probabilities.
    """
    chosen = probabilities.argmax(axis=1)
    weights = [float(probabilities[chosen == index, index].sum()) for index in range(len(STANCES))]
    against, favor = weights[0], weights[2]
    index = 1 if against == favor == 0 else (2 if favor >= against else 0)
    if index == 1:
        confidence = math.exp(float(np.log(np.clip(probabilities[:, 1], 1e-9, 1)).mean()))
    else:
        confidence = float(probabilities[chosen == index, index].max()) * weights[index] / (against + favor)
    counts = np.bincount(chosen, minlength=len(STANCES))
    clearest = sorted(map(int, np.flatnonzero(chosen == index)), key=lambda place: -probabilities[place, index])[:EVIDENCE]
    return Verdict(
        rows[0].actor,
        name,
        kind,
        STANCES[index],
        confidence,
        unsure=confidence < threshold,
        mixed=index != 1 and min(against, favor) >= MIXED * max(against, favor),
        against=int(counts[0]),
        neutral=int(counts[1]),
        favor=int(counts[2]),
        evidence=tuple(
            Evidence(rows[place].sent_id, rows[place].text, STANCES[index], float(probabilities[place, index])) for place in clearest
        ),
    )
