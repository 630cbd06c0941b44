"""Builds the dictionary of report.json from a run in memory; docs/report-schema.md describes every key."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from eval.aggregates import aggregate_section, measure_confusability
from eval.behaviour.judge import behaviour_section
from eval.bootstrap import RESAMPLES
from eval.metrics import HEADLINES
from eval.runs import Run, SeedRun
from eval.scores import score_groups, score_system
from eval.sentences import MAX_BYTES, browser_sentences, row_bytes
from eval.spans import score_mentions
from eval.subsets import GROUPINGS, grouping, subsets, target_confusion
from eval.systems import Split, System
from eval.trust import calibration_section, selective_section

SCHEMA = 1
CURVE_KEYS = ("epoch", "step", "loss", "eval_macro_f1", "eval_loss")
MAX_CURVE_POINTS = 200
COST_KEYS = ("wall_seconds", "cpu_seconds", "tokens_per_second", "parameters", "peak_memory_mb")
MANIFEST_KEYS = ("started", "finished", "git_commit", "git_dirty", "model_sha256", "threads", *COST_KEYS)

Json = dict[str, Any]


def build_report(run: Run, rng: np.random.Generator, resamples: int = RESAMPLES) -> Json:
    """Return everything a report says of a run; plain JSON values, no NaN."""
    return {
        "schema": SCHEMA,
        "name": run.name,
        "config_hash": run.config_hash,
        "data_fingerprint": run.data_fingerprint,
        "kind": run.seeds[0].manifest.get("kind"),
        "date": max(str(seed.manifest.get("finished") or seed.manifest.get("started") or "") for seed in run.seeds) or None,
        "resamples": resamples,
        "notes": _notes(run),
        "seeds": [_seed(seed) for seed in run.seeds],
        "splits": {name: _split(run, name, rng, resamples) for name in run.splits},
        "baselines": _baselines(run, rng, resamples),
        "behaviour": behaviour_section(run.behaviour),
        "detection": _detection(run, rng, resamples),
        "cost": _cost(run.seeds),
        "curve": [{"seed": seed.seed, "points": curve_points(seed.log)} for seed in run.seeds if seed.log],
        "config": run.config,
        "sentences": _sentences(run),
    }


def _notes(run: Run) -> list[str]:
    notes = []
    if run.unfinished:
        notes.append(f"not finished and left out: seed {', '.join(map(str, run.unfinished))}")
    if any(seed.manifest.get("git_dirty") for seed in run.seeds):
        notes.append("trained from a working tree with uncommitted changes")
    if not run.baselines:
        notes.append("no baselines in this run folder")
    return notes


def _seed(seed: SeedRun) -> Json:
    calibration = seed.calibration.to_json() if seed.calibration else None
    return {"seed": seed.seed, **{key: seed.manifest.get(key) for key in MANIFEST_KEYS}, "calibration": calibration}


def _split(run: Run, name: str, rng: np.random.Generator, resamples: int) -> Json:
    split, system = run.splits[name], run.systems[name]
    section = score_system(split, system, rng, resamples)
    for key in GROUPINGS:
        section[key] = score_groups(split, system, grouping(split, key), rng, resamples)
    kinds = {kind: index for kind, index in subsets(split).items() if len(index)}
    section["subsets"] = score_groups(split, system, kinds, rng, resamples)
    section["target_confusion"] = target_confusion(split, system)
    section["calibration"] = calibration_section(split, system)
    section["selective"] = selective_section(split, system)
    section["aggregates"] = _aggregates(run, split, system, rng)
    return section


def _aggregates(run: Run, split: Split, system: System, rng: np.random.Generator) -> Json | None:
    dev = run.splits.get("dev")
    if dev is None or split.name == "dev" or dev.unit_count < 2:
        return None
    return aggregate_section(split, system, measure_confusability(dev, run.systems["dev"], rng), rng)


def _baselines(run: Run, rng: np.random.Generator, resamples: int) -> Json:
    return {
        kind: {
            name: {key: scores[key] for key in ("n", *HEADLINES)}
            for name, system in systems.items()
            for scores in [score_system(run.splits[name], system, rng, resamples)]
        }
        for kind, systems in run.baselines.items()
    }


def _detection(run: Run, rng: np.random.Generator, resamples: int) -> Json | None:
    order = [name for name in run.splits if name in run.mentions]
    return {name: score_mentions(run.mentions[name], rng, resamples) for name in order} or None


def _cost(seeds: Sequence[SeedRun]) -> Json:
    manifest = seeds[0].manifest
    cost: Json = {key: _mean([seed.manifest.get(key) for seed in seeds]) for key in COST_KEYS}
    cost["wall_seconds_total"] = _total([seed.manifest.get("wall_seconds") for seed in seeds])
    return cost | {key: manifest.get(key) for key in ("hardware", "threads", "versions")}


def _numbers(values: Sequence[Any]) -> list[float]:
    return [value for value in values if isinstance(value, int | float) and np.isfinite(value)]


def _mean(values: Sequence[Any]) -> float | None:
    numbers = _numbers(values)
    return sum(numbers) / len(numbers) if numbers else None


def _total(values: Sequence[Any]) -> float | None:
    numbers = _numbers(values)
    return sum(numbers) if numbers else None


def curve_points(log: Sequence[Json]) -> list[Json]:
    """Keep the evaluations of a trainer log and at most 200 of its training steps."""
    evaluations = [row for row in log if any(key.startswith("eval_") for key in row)]
    steps = [row for row in log if "loss" in row]
    every = max(1, -(-len(steps) // MAX_CURVE_POINTS))
    kept = {id(row) for row in [*evaluations, *steps[::every]]}
    rows = [{key: row[key] for key in CURVE_KEYS if _numbers([row.get(key)])} for row in log if id(row) in kept]
    return [row for row in rows if len(row) > 1]


def _sentences(run: Run) -> Json:
    held: Json = {}
    room = MAX_BYTES
    for number, name in enumerate(sorted(run.splits, key=lambda each: len(run.splits[each].items))):
        held[name] = browser_sentences(run.splits[name], [run.systems[name]], room // (len(run.splits) - number))
        room -= sum(row_bytes(row) for row in held[name]["rows"])
    return {name: held[name] for name in run.splits}
