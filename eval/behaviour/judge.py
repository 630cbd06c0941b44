"""Judging predictions on behaviour cases: which checks pass in which seeds, pass rates a capability, differences between runs."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from data.errors import InputError
from data.records import STANCE_ID, STANCES, Prediction, read_rows
from eval.behaviour.cases import BEHAVIOUR, CHECKS, BehaviourRow, Check
from eval.metrics import Bools, Floats, Ints

ROWS = f"{BEHAVIOUR}.jsonl"
"""The file of the rows in a run folder, and of their predictions in a seed's predictions/."""

MAX_FAILURES = 200
"""Failed checks that a report lists; all are counted."""

Json = dict[str, Any]
Slots = Mapping[str, int]
"""The row numbers of a sentence by actor."""


@dataclass(frozen=True)
class Behaviour:
    """The rows of a suite and what a run predicts for them, class ids of shape (seeds, rows)."""

    rows: tuple[BehaviourRow, ...]
    pred: Ints


@dataclass(frozen=True)
class Outcome:
    """One check: a sentence (MFT) or a sentence beside its original (INV, DIR), and in which seeds it passes, shape (seeds,)."""

    capability: str
    check: Check
    case: str
    original: Slots | None
    sentence: Slots
    passed: Bools


def read_behaviour(folder: Path, seeds: Sequence[Path]) -> Behaviour | None:
    """Read the rows of a run folder and the predictions of its seeds; None for a run without a suite.

    Raises:
        InputError: faulty rows, cases that cannot be judged, or predictions for other ids.
    """
    if not (folder / ROWS).exists():
        return None
    rows = tuple(read_rows(folder / ROWS, BehaviourRow))
    check_cases(folder / ROWS, rows)
    pred = []
    for seed in seeds:
        path = seed / "predictions" / ROWS
        found = {row.id: row.pred for row in read_rows(path, Prediction)}
        if found.keys() != {row.id for row in rows}:
            raise InputError(f"{path}: its ids are not those of {folder / ROWS}; train the run again")
        pred.append([STANCE_ID[found[row.id]] for row in rows])
    return Behaviour(rows, np.array(pred, dtype=np.int64))


def check_cases(path: Path, rows: Sequence[BehaviourRow]) -> None:
    """Check that every row has a gold stance, and every case an original with the actors that its rewordings keep.

    Raises:
        InputError: names the first case that cannot be judged.
    """
    originals = {(row.case, row.actor) for row in rows if row.variant == 0}
    begun = {case for case, _ in originals}
    for row in rows:
        if row.stance is None:
            raise InputError(f"{path}: {row.id}: expected a stance")
        if row.case not in begun or (row.check == "INV" and (row.case, row.actor) not in originals):
            raise InputError(f"{path}: {row.id}: case {row.case!r} has no original (variant 0) of {row.actor!r}")


def judge(behaviour: Behaviour) -> list[Outcome]:
    """Return every check in the order of the cases: one an MFT sentence, one an INV or DIR sentence beside its original."""
    cases: dict[str, dict[int, dict[str, int]]] = {}
    for number, row in enumerate(behaviour.rows):
        cases.setdefault(row.case, {}).setdefault(row.variant, {})[row.actor] = number
    outcomes = []
    for name, variants in cases.items():
        first = behaviour.rows[next(iter(variants[0].values()))]
        original = None if first.check == "MFT" else variants[0]
        for variant, sentence in variants.items():
            if original is None or variant:
                passed = PASSES[first.check](behaviour, original or {}, sentence)
                outcomes.append(Outcome(first.capability, first.check, name, original, sentence, passed))
    return outcomes


def all_right(behaviour: Behaviour, original: Slots, sentence: Slots) -> Bools:
    """Say in which seeds every actor of a sentence gets its gold stance."""
    index = list(sentence.values())
    return np.asarray((behaviour.pred[:, index] == _gold(behaviour, index)).all(1))


def all_the_same(behaviour: Behaviour, original: Slots, sentence: Slots) -> Bools:
    """Say in which seeds every actor gets the stance that it gets in the original, right or wrong."""
    before = [original[actor] for actor in sentence]
    return np.asarray((behaviour.pred[:, list(sentence.values())] == behaviour.pred[:, before]).all(1))


def all_move(behaviour: Behaviour, original: Slots, sentence: Slots) -> Bools:
    """Say in which seeds every actor whose label changes gets a stance further to that side, on the scale against, neutral, favor."""
    shared = [actor for actor in sentence if actor in original]
    before, after = [original[actor] for actor in shared], [sentence[actor] for actor in shared]
    wanted = np.sign(_gold(behaviour, after) - _gold(behaviour, before))
    moved = np.sign(behaviour.pred[:, after] - behaviour.pred[:, before])
    return np.asarray(((moved == wanted) | (wanted == 0)).all(1))


PASSES: dict[Check, Callable[[Behaviour, Slots, Slots], Bools]] = {"MFT": all_right, "INV": all_the_same, "DIR": all_move}


def _gold(behaviour: Behaviour, index: Sequence[int]) -> Ints:
    return np.array([STANCE_ID[behaviour.rows[each].stance or ""] for each in index], dtype=np.int64)


def behaviour_section(behaviour: Behaviour | None) -> Json | None:
    """Return pass rates by kind of check and by capability, and the checks that fail."""
    if behaviour is None:
        return None
    outcomes = judge(behaviour)
    about = {row.capability: row.about for row in behaviour.rows}
    failures = [_failure(behaviour, outcome) for outcome in outcomes if not outcome.passed.all()]
    failures.sort(key=lambda failure: -failure["seeds"])
    return {
        "target": behaviour.rows[0].target,
        "cases": len({row.case for row in behaviour.rows}),
        "checks": len(outcomes),
        "totals": [{"check": check, **pass_rate(group)} for (_, check), group in grouped(outcomes, by_capability=False).items()],
        "capabilities": [
            {"capability": name, "about": about[name], "check": check, **pass_rate(group)}
            for (name, check), group in grouped(outcomes).items()
        ],
        "failed": len(failures),
        "failures": failures[:MAX_FAILURES],
    }


def grouped(outcomes: Sequence[Outcome], *, by_capability: bool = True) -> dict[tuple[str, Check], list[Outcome]]:
    """Group checks by capability and kind, or by kind alone, in the order of `CHECKS`."""
    names = sorted({outcome.capability for outcome in outcomes}) if by_capability else [""]
    groups: dict[tuple[str, Check], list[Outcome]] = {(name, check): [] for name in names for check in CHECKS}
    for outcome in outcomes:
        groups[outcome.capability if by_capability else "", outcome.check].append(outcome)
    return {key: group for key, group in groups.items() if group}


def pass_rate(outcomes: Sequence[Outcome]) -> Json:
    """Return the number of cases and checks and the share of checks that pass: mean, standard deviation and value of the seeds."""
    rates: Floats = np.stack([outcome.passed for outcome in outcomes]).mean(0, dtype=np.float64)
    spread = float(rates.std(ddof=1)) if len(rates) > 1 else None
    return {
        "cases": len({outcome.case for outcome in outcomes}),
        "n": len(outcomes),
        "rate": {"mean": float(rates.mean()), "sd": spread, "seeds": rates.tolist()},
    }


def _failure(behaviour: Behaviour, outcome: Outcome) -> Json:
    seed = int(np.argmin(outcome.passed))
    original = outcome.original or {}
    rows, pred = behaviour.rows, behaviour.pred[seed]
    text = rows[next(iter(outcome.sentence.values()))].text
    before = rows[next(iter(original.values()))].text if original else None
    actors = [
        {
            "mention": rows[index].mention,
            "gold": rows[index].stance,
            "pred": STANCES[pred[index]],
            "before": STANCES[pred[original[actor]]] if actor in original else None,
        }
        for actor, index in outcome.sentence.items()
    ]
    place = {"capability": outcome.capability, "check": outcome.check, "case": outcome.case, "seeds": int((~outcome.passed).sum())}
    return place | {"original": before, "text": text, "actors": actors}


def behaviour_deltas(name_a: str, a: Behaviour, name_b: str, b: Behaviour) -> list[Json]:
    """Return a row a capability and kind of check: both pass rates, second minus first, and checks that most seeds pass in only one."""
    pairs: dict[tuple[str, Check], list[tuple[Outcome, Outcome]]] = {}
    for one, other in zip(judge(a), judge(b), strict=True):
        pairs.setdefault((one.capability, one.check), []).append((one, other))
    rows = []
    for name, check in sorted(pairs, key=lambda key: (key[0], CHECKS.index(key[1]))):
        first, second = ([pair[side] for pair in pairs[name, check]] for side in (0, 1))
        rate_a, rate_b = pass_rate(first), pass_rate(second)
        mostly_a, mostly_b = (np.array([outcome.passed.mean() > 0.5 for outcome in side]) for side in (first, second))
        rows.append(
            {
                "a": name_a, "b": name_b, "capability": name, "check": check, "cases": rate_a["cases"], "n": rate_a["n"],
                "rate_a": rate_a["rate"]["mean"], "rate_b": rate_b["rate"]["mean"],
                "delta": rate_b["rate"]["mean"] - rate_a["rate"]["mean"],
                "fixed": int((mostly_b & ~mostly_a).sum()), "broken": int((mostly_a & ~mostly_b).sum()),
            }
        )  # fmt: skip
    return rows
