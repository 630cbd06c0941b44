"""The figures of one system on one split, as they stand in report.json."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from data.records import STANCES
from eval.bootstrap import RESAMPLES, Estimate, estimate, mean_over_seeds, percentile_interval, resample_confusions
from eval.metrics import (
    HEADLINES,
    Floats,
    Ints,
    accuracy_of,
    class_f1,
    class_precision,
    class_recall,
    macro_f1_of,
    unit_confusions,
)
from eval.systems import Split, System

FEW_UNITS = 10
"""Below this many documents a percentile interval is too narrow to be trusted to the digit."""

Json = dict[str, Any]


def headline_scores(counts: Floats, resampled: Floats | None) -> dict[str, Estimate]:
    """Estimate every headline metric from confusions of shape (units, seeds, 3, 3) and their resamples."""
    return {name: estimate(counts, metric, resampled) for name, metric in HEADLINES.items()}


def score_system(split: Split, system: System, rng: np.random.Generator, resamples: int = RESAMPLES) -> Json:
    """Return size, headline metrics, per-class figures and confusion of a system on a split."""
    counts = system.confusions(split)
    resampled = resample_confusions(counts, rng, resamples) if split.unit_count > 1 else None
    total = counts.sum(0).mean(0)
    return {
        "n": len(split.items),
        "documents": split.documents,
        "sentences": len(set(split.sentences)),
        "unlabelled": len(split.unlabelled),
        "resampled_by": split.unit_name,
        "resamples": resamples,
        "notes": notes_of(split, system),
        **{name: each.to_json() for name, each in headline_scores(counts, resampled).items()},
        "per_class": per_class(counts, resampled),
        "confusion": total.round(6).tolist(),
    }


def notes_of(split: Split, system: System) -> list[str]:
    """Say in words what a reader must know before trusting the figures."""
    notes = []
    support = np.bincount(split.gold, minlength=len(STANCES))
    for stance, count in zip(STANCES, support, strict=True):
        if count == 0:
            notes.append(f"no item has the gold stance {stance}: macro-F1 is over the classes that occur in gold or prediction")
    if split.unit_count == 1:
        notes.append("one sentence only: no intervals")
    elif split.documents == 1:
        notes.append(f"resampled by sentence: one document ({split.unit_count} sentences)")
    if 1 < split.unit_count < FEW_UNITS:
        notes.append(f"{split.unit_count} {split.unit_name}s: intervals over so few are rough, and usually too narrow")
    if any(len(set(row.tolist())) == 1 for row in system.pred):
        notes.append("a seed gives every item the same stance: its precision for the others is undefined, its MCC is 0")
    if len(system.seeds) == 1:
        notes.append("one seed: no standard deviation over seeds")
    if split.unlabelled:
        notes.append(f"{len(split.unlabelled)} unlabelled items are left out")
    return notes


def per_class(counts: Floats, resampled: Floats | None) -> Json:
    """Return precision, recall, F1 with interval and support of each class."""
    totals = counts.sum(0)
    samples = None if resampled is None else class_f1(resampled)
    figures = {"precision": class_precision(totals), "recall": class_recall(totals), "f1": class_f1(totals)}
    result: Json = {}
    for index, stance in enumerate(STANCES):
        row: Json = {name: defined_mean(values[:, index]) for name, values in figures.items()}
        interval = None if samples is None else percentile_interval(mean_over_seeds(samples[..., index]))
        row["f1_ci95"] = list(interval) if interval else None
        row["support"] = int(totals[0, index].sum())
        result[stance] = row
    return result


def defined_mean(values: Floats) -> float | None:
    """Average the defined values; None when there are none."""
    defined = values[~np.isnan(values)]
    return float(defined.mean()) if len(defined) else None


def score_groups(
    split: Split,
    system: System,
    groups: Mapping[str, Ints],
    rng: np.random.Generator,
    resamples: int = RESAMPLES,
) -> Json:
    """Score groups of items, given by their indices, largest first."""
    order = sorted(groups, key=lambda name: (-len(groups[name]), name))
    return {name: score_group(split, system, groups[name], rng, resamples) for name in order}


def score_group(split: Split, system: System, index: Ints, rng: np.random.Generator, resamples: int = RESAMPLES) -> Json:
    """Return macro-F1 and accuracy of some of a split's items, resampling the units they come from."""
    units, unit = np.unique(split.units[index], return_inverse=True)
    counts = unit_confusions(unit, split.gold[index], system.pred[:, index], len(units))
    resampled = resample_confusions(counts, rng, resamples) if len(units) > 1 else None
    support = np.bincount(split.gold[index], minlength=len(STANCES))
    return {
        "n": len(index),
        "documents": len({split.items[each].doc_id for each in index}),
        "macro_f1": estimate(counts, macro_f1_of, resampled).to_json(),
        "accuracy": estimate(counts, accuracy_of, resampled).to_json(),
        "gold": dict(zip(STANCES, support.tolist(), strict=True)),
    }


def group_by(names: Iterable[Iterable[str]]) -> dict[str, Ints]:
    """Return for each name the indices of the items that carry it."""
    members: dict[str, list[int]] = {}
    for index, item_names in enumerate(names):
        for name in item_names:
            members.setdefault(name, []).append(index)
    return {name: np.array(index, dtype=np.int64) for name, index in members.items()}
