"""Builds the dictionary of compare.json: paired differences with intervals and tests, groups, and items that changed."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from eval.behaviour.judge import behaviour_deltas
from eval.bootstrap import RESAMPLES, mean_over_seeds, percentile_interval, resample_confusions
from eval.contenders import Contender, Field, align
from eval.metrics import HEADLINES, Floats, Ints, accuracy_of, macro_f1_of, unit_confusions
from eval.render import flatten
from eval.scores import defined_mean, headline_scores, notes_of
from eval.sentences import MAX_BYTES, browser_sentences
from eval.significance import ROUNDS, detectable_difference, holm, mcnemar, randomisation_test, smallest_p
from eval.subsets import GROUPINGS, grouping, subsets
from eval.systems import Split, System, stance_name

SCHEMA = 1
RANDOMISATION = "paired approximate randomisation"
MCNEMAR = "McNemar exact"
SIGNIFICANT = 0.05
MAX_CHANGES = 500
"""Fixed and broken items that compare.json lists a pair and split, of each kind."""

Json = dict[str, Any]


@dataclass(frozen=True)
class Settings:
    """How much is resampled; the source of randomness goes beside it."""

    resamples: int = 10_000
    group_resamples: int = RESAMPLES
    rounds: int = ROUNDS


def compare(
    contenders: Sequence[Contender],
    split_names: Sequence[str],
    rng: np.random.Generator,
    settings: Settings | None = None,
    *,
    intersect: bool = False,
) -> Json:
    """Compare every pair of contenders on each split; deltas are second minus first.

    Raises:
        InputError: the contenders do not share gold and items.
    """
    settings = settings or Settings()
    fields = {name: align(contenders, name, intersect=intersect) for name in split_names}
    pairs = [
        row
        for name, field in fields.items()
        for a, b in combinations(field.systems, 2)
        for row in compare_pair(name, field.split, a, b, rng, settings)
    ]
    adjust(pairs)
    return {
        "schema": SCHEMA,
        "delta": "b minus a",
        "resamples": settings.resamples,
        "rounds": settings.rounds,
        "systems": [_describe(each, fields) for each in contenders],
        "notes": data_notes(contenders),
        "splits": {name: _describe_split(field, settings.rounds) for name, field in fields.items()},
        "pairs": pairs,
        "config_differences": config_differences(contenders),
        "groups": [
            group_deltas(name, field.split, a, b, rng, settings)
            for name, field in fields.items()
            for a, b in combinations(field.systems, 2)
        ],
        "behaviour": behaviour_rows(contenders),
        "changes": [changes(name, field.split, a, b) for name, field in fields.items() for a, b in combinations(field.systems, 2)],
        "sentences": {name: browser_sentences(field.split, field.systems, MAX_BYTES // len(fields)) for name, field in fields.items()},
    }


def compare_pair(split_name: str, split: Split, a: System, b: System, rng: np.random.Generator, settings: Settings) -> list[Json]:
    """Return a row a headline metric by randomisation and one by McNemar's test on the votes."""
    counts_a, counts_b = a.confusions(split), b.confusions(split)
    samples = delta_samples(counts_a, counts_b, rng, settings.resamples)
    p_values = randomisation_test(counts_a, counts_b, HEADLINES, rng, settings.rounds)
    shared = {"a": a.name, "b": b.name, "split": split_name}
    sizes = {"n": len(split.items), "units": split.unit_count, "resampled_by": split.unit_name}
    smallest = smallest_p(split.unit_count, settings.rounds)
    rows = []
    for name, metric in HEADLINES.items():
        score_a, score_b = metric(counts_a.sum(0)), metric(counts_b.sum(0))
        interval = percentile_interval(samples[name]) if split.unit_count > 1 else None
        rows.append(
            {
                **shared,
                "metric": name,
                "score_a": defined_mean(score_a),
                "score_b": defined_mean(score_b),
                "delta": _difference(defined_mean(score_a), defined_mean(score_b)),
                "ci95": list(interval) if interval else None,
                "seed_sd": _seed_sd(score_a, score_b),
                "detectable": detectable_difference(samples[name]) if smallest < SIGNIFICANT else None,
                "p_value": p_values[name],
                "p_smallest": smallest,
                "test": RANDOMISATION,
                **sizes,
            }
        )
    return [*rows, {**shared, **mcnemar_row(split, a, b), **sizes}]


def mcnemar_row(split: Split, a: System, b: System) -> Json:
    """Compare the accuracy of the seeds' votes item by item; documents count as independent items here."""
    right_a, right_b = a.vote == split.gold, b.vote == split.gold
    return {
        "metric": "accuracy",
        "score_a": float(right_a.mean()),
        "score_b": float(right_b.mean()),
        "delta": float(right_b.mean() - right_a.mean()),
        "ci95": None,
        "seed_sd": None,
        "detectable": None,
        "p_value": mcnemar(right_a.tolist(), right_b.tolist()),
        "p_smallest": None,
        "test": MCNEMAR,
        "only_a_right": int((right_a & ~right_b).sum()),
        "only_b_right": int((right_b & ~right_a).sum()),
    }


def delta_samples(a: Floats, b: Floats, rng: np.random.Generator, resamples: int) -> dict[str, Floats]:
    """Bootstrap b minus a for every headline metric, drawing the same units for both."""
    drawn = resample_confusions(np.concatenate([a, b], axis=1), rng, resamples)
    of_a, of_b = drawn[:, : a.shape[1]], drawn[:, a.shape[1] :]
    return {name: mean_over_seeds(metric(of_b)) - mean_over_seeds(metric(of_a)) for name, metric in HEADLINES.items()}


def adjust(pairs: list[Json]) -> None:
    """Add Holm's p-value and a verdict to each row; a family is all pairs under one split, metric and test."""
    families: dict[tuple[str, str, str], list[Json]] = {}
    for row in pairs:
        families.setdefault((row["split"], row["metric"], row["test"]), []).append(row)
    for rows in families.values():
        for row, p_holm in zip(rows, holm([row["p_value"] for row in rows]), strict=True):
            row["p_holm"] = p_holm
            row["verdict"] = verdict(row["delta"], p_holm)


def verdict(delta: float | None, p_holm: float) -> str:
    """Say in a word which system is better: a, b, or neither."""
    if delta is None or delta == 0 or p_holm >= SIGNIFICANT:
        return "not told apart"
    return "b better" if delta > 0 else "a better"


def group_deltas(split_name: str, split: Split, a: System, b: System, rng: np.random.Generator, settings: Settings) -> Json:
    """Return the deltas by actor, phenomenon, genre, setting and kind of sentence, largest groups first."""
    result: Json = {"a": a.name, "b": b.name, "split": split_name}
    tables = {name: grouping(split, name) for name in GROUPINGS}
    tables["subsets"] = {name: index for name, index in subsets(split).items() if len(index)}
    for name, groups in tables.items():
        order = sorted(groups, key=lambda each: (-len(groups[each]), each))
        result[name] = {each: _group_delta(split, a, b, groups[each], rng, settings.group_resamples) for each in order}
    return result


def _group_delta(split: Split, a: System, b: System, index: Ints, rng: np.random.Generator, resamples: int) -> Json:
    units, unit = np.unique(split.units[index], return_inverse=True)
    counts = [unit_confusions(unit, split.gold[index], each.pred[:, index], len(units)) for each in (a, b)]
    row: Json = {"n": len(index)}
    drawn = resample_confusions(np.concatenate(counts, axis=1), rng, resamples) if len(units) > 1 else None
    for name, metric in (("macro_f1", macro_f1_of), ("accuracy", accuracy_of)):
        means = [defined_mean(metric(each.sum(0))) for each in counts]
        interval = None
        if drawn is not None:
            values = metric(drawn)
            cut = len(a.seeds)
            interval = percentile_interval(mean_over_seeds(values[:, cut:]) - mean_over_seeds(values[:, :cut]))
        row[name] = {"a": means[0], "b": means[1], "delta": _difference(*means), "ci95": list(interval) if interval else None}
    return row


def changes(split_name: str, split: Split, a: System, b: System) -> Json:
    """List the items that b fixed and those it broke, by the vote of the seeds."""
    right_a, right_b = a.vote == split.gold, b.vote == split.gold
    fixed, broken = np.flatnonzero(~right_a & right_b), np.flatnonzero(right_a & ~right_b)
    return {
        "a": a.name,
        "b": b.name,
        "split": split_name,
        "fixed_count": len(fixed),
        "broken_count": len(broken),
        "fixed": [_change(split, a, b, int(index)) for index in fixed[:MAX_CHANGES]],
        "broken": [_change(split, a, b, int(index)) for index in broken[:MAX_CHANGES]],
    }


def _change(split: Split, a: System, b: System, index: int) -> Json:
    item = split.items[index]
    return {
        "id": item.id,
        "text": item.text,
        "actor": item.actor,
        "start": item.start,
        "end": item.end,
        "gold": item.stance,
        "pred_a": stance_name(a.vote[index]),
        "pred_b": stance_name(b.vote[index]),
    }


def data_notes(contenders: Sequence[Contender]) -> list[str]:
    """Say when the runs were made from different data, although the items compared are the same, or answered different cases."""
    prints = {each.name: each.run.data_fingerprint for each in contenders if each.run}
    notes = []
    if len(set(prints.values())) > 1:
        listed = ", ".join(f"{name} {fingerprint}" for name, fingerprint in prints.items())
        notes.append(f"the runs were trained on different data ({listed}); the items compared are the same")
    if len({each.run.behaviour.rows for each in contenders if each.run and each.run.behaviour}) > 1:
        notes.append("the runs answered different behaviour cases, which are not compared")
    return notes


def behaviour_rows(contenders: Sequence[Contender]) -> list[Json]:
    """Compare the behaviour of every two runs that answered the same cases."""
    runs = [(each.name, each.run.behaviour) for each in contenders if each.run and each.run.behaviour]
    return [
        row
        for (name_a, a), (name_b, b) in combinations(runs, 2)
        if a and b and a.rows == b.rows
        for row in behaviour_deltas(name_a, a, name_b, b)
    ]


def config_differences(contenders: Sequence[Contender]) -> dict[str, dict[str, Any]]:
    """Return the settings in which runs differ: key, then value by run; None where a run lacks the key."""
    runs = {each.name: flatten(each.config) for each in contenders if each.run}
    keys = dict.fromkeys(key for settings in runs.values() for key in settings)
    rows = {key: {name: settings.get(key) for name, settings in runs.items()} for key in keys if key != "name"}
    return {key: values for key, values in rows.items() if len({repr(value) for value in values.values()}) > 1}


def _describe(contender: Contender, fields: dict[str, Field]) -> Json:
    scores = {}
    for name, field in fields.items():
        system = next(each for each in field.systems if each.name == contender.name)
        counts = system.confusions(field.split)
        scores[name] = {key: value.to_json() for key, value in headline_scores(counts, None).items()}
    run = contender.run
    return {
        "name": contender.name,
        "path": str(contender.path),
        "kind": "run" if run else "file",
        "config_hash": run.config_hash if run else None,
        "data_fingerprint": run.data_fingerprint if run else None,
        "seeds": [seed.seed for seed in run.seeds] if run else [],
        "scores": scores,
    }


def _describe_split(field: Field, rounds: int) -> Json:
    split = field.split
    seen = dict.fromkeys(note for system in field.systems for note in notes_of(split, system) if "seed" not in note)
    notes = list(seen)
    pairs = len(field.systems) * (len(field.systems) - 1) // 2
    if pairs * (smallest := smallest_p(split.unit_count, rounds)) >= SIGNIFICANT:
        units = f"{split.unit_count} {split.unit_name}{'' if split.unit_count == 1 else 's'}"
        notes.append(f"{units}: the randomisation test cannot give a p below {smallest:.3g}, so that it tells no difference, however large")
    if field.left_out:
        notes.append(f"{field.left_out} items that not every system has are left out (--intersect)")
    for system in field.systems:
        if any(len(set(row.tolist())) == 1 for row in system.pred):
            notes.append(f"{system.name} gives every item the same stance: its MCC is 0")
    for a, b in combinations(field.systems, 2):
        if a.pred.shape == b.pred.shape and (a.pred == b.pred).all():
            notes.append(f"{a.name} and {b.name} give identical answers")
    return {"n": len(split.items), "documents": split.documents, "resampled_by": split.unit_name, "notes": notes}


def _difference(a: float | None, b: float | None) -> float | None:
    return None if a is None or b is None else b - a


def _seed_sd(a: Floats, b: Floats) -> float | None:
    defined = [each[~np.isnan(each)] for each in (a, b)]
    if any(len(each) < 2 for each in defined):
        return None
    return float(np.sqrt(sum(each.var(ddof=1) for each in defined)))
