"""A run on a target that it never saw: python bench/zero_labels.py --run runs/target-text --source seesaw --path FOLDER

Scores finished runs on the splits of a public set (or of a corpus folder), none of whose labels they learned from, beside what knows
nothing (the set's most frequent stance) and what learned from all labels of the set's training split (TF-IDF). Runs trained with
`model.target_text` read which target they are asked about. Where a set has no neutral class, each run also answers among the other two.
Prints a table and writes OUTPUT.json.
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

if not __package__:
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

import numpy as np

from bench.learning import BOOTSTRAP_SEED, Json, confusions, figures
from bench.record import describe_machine
from data import blind
from data.errors import InputError, nearest, run_command
from data.files import write_json
from data.records import STANCE_ID, STANCES, Example
from eval.bootstrap import estimate, resample_confusions
from eval.metrics import accuracy_of, f1_favor_against_of, macro_f1_of
from train.loading import OpenRun, open_run
from train.settings import DataSettings, SourceName
from train.sources import Source, load_source, same_data

QUICK_ROWS = 40
METRICS = {"macro_f1": macro_f1_of, "f1_favor_against": f1_favor_against_of, "accuracy": accuracy_of}
TITLES = ("macro-F1", "F1 favor/against", "accuracy")


@dataclass(frozen=True)
class Contender:
    """Who answers, how many labels of the set it learned from, and its probabilities, shape (n, 3)."""

    name: str
    labels: int
    probabilities: np.ndarray


def main() -> None:
    """Answer, score, print and write."""
    given = parse()
    settings = DataSettings(source=given.source, corpus=given.path or "data", path=given.path)
    source = load_source(settings)
    runs = [open_run(folder) for folder in given.run]
    for run in runs:
        refuse_taught(run, settings)
    scored: Json = {}
    for split in splits_of(source, given.split):
        scored[split] = score_split(split, source, runs, QUICK_ROWS if given.quick else None)
        print_table(given.source, split, scored[split])
    details = {"source": given.source, "data_fingerprint": source.fingerprint(), "quick": given.quick, "machine": describe_machine()}
    write_json(given.output, {"schema": 1, **details, "splits": scored})


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False)
    parser.add_argument("--run", type=Path, nargs="+", required=True, help="finished runs")
    parser.add_argument("--source", choices=get_args(SourceName), required=True, help="public set, or corpus for a corpus folder")
    parser.add_argument("--path", help="its folder (default: the variable <SOURCE>_PATH; data for corpus)")
    parser.add_argument("--split", nargs="+", default=[], help="splits to score (default: all but train)")
    parser.add_argument("--output", type=Path, default=Path("runs/zero-labels.json"), help="file to write (default: runs/zero-labels.json)")
    parser.add_argument("--quick", action="store_true", help=f"the first {QUICK_ROWS} rows of a split: says that the program works")
    return parser.parse_args()


def refuse_taught(run: OpenRun, settings: DataSettings) -> None:
    """Refuse a run that learned from the set.

    Raises:
        InputError: it did.
    """
    if same_data(run.config.data, settings):
        raise InputError(f"--run {run.folder.parent}: has learned from {settings.source}; zero labels means another set")


def splits_of(source: Source, chosen: Sequence[str]) -> list[str]:
    """Return the splits to score: those chosen, or all but train that hold documents.

    Raises:
        InputError: no such split, or the one that TF-IDF learns from.
    """
    if "train" in chosen:
        raise InputError("--split train: TF-IDF learns from it; name a split that is held out, e.g. dev")
    known = [name for name, documents in source.splits.items() if documents]
    for name in chosen:
        if name not in known:
            raise InputError(f"--split {name}: no such split{nearest(name, known)}, has {', '.join(known)}")
    return list(chosen) or [name for name in known if name != "train"]


def score_split(split: str, source: Source, runs: Sequence[OpenRun], limit: int | None) -> Json:
    """Return size, classes and every contender's figures on a split."""
    rows = [row for row in source.examples(split) if row.stance][:limit]
    learned = [row for row in source.examples("train") if row.stance]
    blinds = {"majority": "most frequent stance", "tfidf": "TF-IDF"}
    contenders = [Contender(name, len(learned), blind.predict(kind, blind.fit(kind, learned), rows)) for kind, name in blinds.items()]
    for run in runs:
        contenders += answers_of(run, rows, neutral=any(row.stance == "neutral" for row in rows))
    support = {stance: sum(row.stance == stance for row in rows) for stance in STANCES}
    return {
        "n": len(rows),
        "documents": len({row.doc_id for row in rows}),
        "targets": len({row.target for row in rows}),
        "gold": support,
        "contenders": {each.name: score(each, rows) for each in contenders},
    }


def answers_of(run: OpenRun, rows: Sequence[Example], *, neutral: bool) -> list[Contender]:
    """Return what a run answers; where nothing is neutral also its choice between against and favor."""
    context = run.config.data.context_sentences
    seen = rows if context else [row.model_copy(update={"context": ""}) for row in rows]
    probabilities = run.probabilities(seen)
    name = f"{run.config.name}{'' if run.config.model.target_text else ' (does not read the target)'}"
    asked = probabilities.copy()
    asked[:, STANCE_ID["neutral"]] = 0.0
    return [Contender(name, 0, probabilities), *([] if neutral else [Contender(f"{name}, never neutral", 0, asked)])]


def score(contender: Contender, rows: Sequence[Example]) -> Json:
    """Return the headline figures with intervals by document, and how often neutral was answered."""
    predicted = contender.probabilities.argmax(1)
    counts = confusions(rows, [predicted.tolist()])
    resampled = resample_confusions(counts, np.random.default_rng(BOOTSTRAP_SEED)) if len(counts) > 1 else None
    estimates = {name: estimate(counts, metric, resampled).to_json() for name, metric in METRICS.items()}
    return {"labels": contender.labels, "neutral_share": float((predicted == STANCE_ID["neutral"]).mean()), **estimates}


def print_table(source: str, split: str, scored: Mapping[str, Json]) -> None:
    """Print a split's figures as the table that a page takes over."""
    support = ", ".join(f"{count:,} {stance}" for stance, count in scored["gold"].items())
    print(f"\n{source} {split}: {scored['n']:,} labels ({support}), {scored['documents']:,} documents, {scored['targets']:,} targets\n")
    print(f"| model | labels of the set | {' | '.join(TITLES)} | neutral |\n|---|---|{'---|' * len(TITLES)}---|")
    for name, each in scored["contenders"].items():
        print(f"| {name} | {each['labels']:,} | {' | '.join(figures(each[metric]) for metric in METRICS)} | {each['neutral_share']:.0%} |")


if __name__ == "__main__":
    run_command(main)
