"""What to expect of 50 to 1,000 labels: python bench/few_labels.py --config base.yaml --seeds 1,2,3

Draws sentences of the training split at random (the last one may be cut to the number of labels; --per-class: as many labels of each
stance instead), for every seed anew, and lets each kind of model learn from the same labels and answer the same test split: ours from
the pre-trained encoder, ours started from another run's model (--start runs/NAME, which must have learned from other data), SetFit where
it is installed, and TF-IDF. Ours holds a fifth of the labels back to choose its checkpoint by. Writes OUTPUT.json and OUTPUT.svg. All
settings of train/run.py may be given, so that the labels can be those of a public set.
"""

import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from importlib.util import find_spec
from pathlib import Path

if not __package__:
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from bench.curves import Point, learning_curves
from bench.learning import (
    MIN_STEPS,
    Json,
    Predictor,
    confusions,
    draw,
    figures,
    fit_setfit,
    fit_tfidf,
    fit_transformer,
    kept,
    macro_f1_with_interval,
)
from bench.record import describe_machine
from data.errors import InputError, run_command
from data.files import write_json, write_text
from data.records import Example
from train.config import build_parser, parse_config
from train.loading import find_seed
from train.settings import RunConfig
from train.sources import draw_labels, load_source, same_data

SIZES, QUICK_SIZES, QUICK_TEST = "50,100,200,500,1000", "20,40", 60
SMALLEST, SMALLEST_PER_CLASS = 10, 4
"""Labels below which nothing can be held back."""
SCRATCH, SETFIT, TFIDF = "ours", "SetFit", "TF-IDF"

Fit = Callable[[Sequence[Example], int], Predictor]
Draw = Callable[[int, int], list[Example]]
"""From a number of labels and a seed to the rows learned from."""


def main() -> None:
    """Learn, score, draw."""
    parser = build_parser(__doc__ or "")
    parser.prog = "python bench/few_labels.py"
    parser.add_argument("--start", type=str, default=None, help="run whose model is another start, e.g. runs/newsmtsc")
    parser.add_argument("--sizes", type=str, default=SIZES, help=f"numbers of labels (default: {SIZES})")
    parser.add_argument("--per-class", action="store_true", help="the sizes are labels of each stance, drawn as data.labels_per_class")
    parser.add_argument("--split", type=str, default="test", help="split that is answered (default: test)")
    parser.add_argument("--output", type=str, default="runs/few-labels", help="what is written, without ending (default: runs/few-labels)")
    parser.add_argument("--quick", action="store_true", help="two small sizes: says that the program works, not what labels bring")
    config, given = parse_config(parser, sys.argv[1:])
    if given.split == "train":
        raise InputError("--split train: the labels are drawn from it; name a split that is held out, e.g. dev")
    start = start_config(config, Path(given.start)) if given.start else None
    source = load_source(config.data)
    pool, test = (source.examples(name, config.data.context_sentences) for name in ("train", given.split))
    most = min(Counter(row.stance for row in pool).values()) if given.per_class else len(pool)
    sizes = parse_sizes(QUICK_SIZES if given.quick else given.sizes, most, SMALLEST_PER_CLASS if given.per_class else SMALLEST)
    test = test[:QUICK_TEST] if given.quick else test
    fits = learners(config, start, given.start, 2 if given.quick else MIN_STEPS)
    settings = {
        "config": config.hash(),
        "data": source.fingerprint(),
        "start": given.start,
        "split": given.split,
        "quick": given.quick,
        "test": len(test),
        "per_class": given.per_class,
    }
    drawing = partial(draw_labels if given.per_class else draw, pool)
    curves = measure(fits, sizes, config.seeds, drawing, test, Path(given.output), settings)
    details = {**settings, "source": config.data.source, "documents": len({row.doc_id for row in test}), "seeds": config.seeds}
    write_json(Path(f"{given.output}.json"), {"schema": 1, **details, "machine": describe_machine(), "curves": curves})
    what = f"macro-F1 on {len(test):,} {given.split} labels of {config.data.source}"
    learned = " after so many labels of each stance" if given.per_class else ""
    title = f"{what}{learned}, mean of {len(config.seeds)} seeds, 95 % intervals by document"
    write_text(Path(f"{given.output}.svg"), learning_curves(to_points(curves), title))
    print_curves(curves, title)


def start_config(config: RunConfig, run: Path) -> RunConfig:
    """Return the config with the weights of a finished run, head included.

    Raises:
        InputError: a run of another kind of model, or of the data that the labels are drawn from.
    """
    theirs, folder = find_seed(run)
    if same_data(theirs.data, config.data):
        raise InputError(f"--start {run}: has learned from all labels of {config.data.source}; a start must come from other data")
    for key in ("kind", "reading"):
        if getattr(theirs.model, key) != getattr(config.model, key):
            raise InputError(f"--start {run}: model.{key} is {getattr(theirs.model, key)!r}, expected {getattr(config.model, key)!r}")
    return replace(config, model=replace(config.model, weights=str(folder / "model")))


def parse_sizes(text: str, most: int, least: int = SMALLEST) -> list[int]:
    """Read ascending numbers of labels, from `least` to `most`.

    Raises:
        InputError: no numbers, not ascending, too few to learn from or more than there are.
    """
    parts = text.split(",")
    sizes = [int(part) for part in parts if part.strip().isdecimal()]
    if len(sizes) != len(parts) or sizes != sorted(set(sizes)) or sizes[0] < least:
        raise InputError(f"--sizes {text}: expected ascending numbers of {least} or more, e.g. {SIZES}")
    if sizes[-1] > most:
        raise InputError(f"--sizes {text}: at most {most:,}, as many as the training split has")
    return sizes


def learners(config: RunConfig, start: RunConfig | None, name: str | None, min_steps: int) -> dict[str, Fit]:
    """Return what is compared, by the name that the picture shows."""

    def ours(settings: RunConfig, rows: Sequence[Example], seed: int) -> Predictor:
        scorer = fit_transformer(settings, rows, seed, min_steps)
        return lambda given: scorer.score(given, settings.trainer.per_device_eval_batch_size)

    fits: dict[str, Fit] = {SCRATCH: partial(ours, config)}
    if start:
        fits[f"{SCRATCH}, from {Path(str(name)).name}"] = partial(ours, start)
    if find_spec("setfit"):
        fits[SETFIT] = partial(fit_setfit, replace(config, model=replace(config.model, kind="setfit")))
    else:
        print("SetFit is left out: it is not installed (docs/setfit.md)")
    return fits | {TFIDF: lambda rows, seed: fit_tfidf(rows)}


def measure(
    fits: Mapping[str, Fit],
    sizes: Sequence[int],
    seeds: Sequence[int],
    drawing: Draw,
    test: Sequence[Example],
    output: Path,
    settings: Json,
) -> dict[str, list[Json]]:
    """Let everyone learn from every draw and answer the test rows; answers are kept beside the output.

    An interrupted measurement goes on.
    """
    curves: dict[str, list[Json]] = {}
    for name, fit in fits.items():
        for size in sizes:
            answers = []
            for seed in seeds:
                path = output.parent / f"{output.name}-answers" / f"{name.replace(', ', '-').replace(' ', '-')}-{size}-{seed}.json"
                key = {**settings, "name": name, "labels": size, "seed": seed}
                print(f"{name}, {size} labels, seed {seed}", flush=True)
                answers.append(kept(path, key, partial(answer, fit, drawing(size, seed), test, seed))["answers"])
            curves.setdefault(name, []).append({"labels": size, "macro_f1": macro_f1_with_interval(confusions(test, answers))})
    return curves


def answer(fit: Fit, rows: Sequence[Example], test: Sequence[Example], seed: int) -> Json:
    """Return the class ids that a model gives the test rows after learning from some rows."""
    return {"answers": fit(rows, seed)(test).argmax(1).tolist()}


def to_points(curves: Mapping[str, Sequence[Json]]) -> dict[str, list[Point]]:
    """Return the curves as the picture takes them."""
    return {
        name: [Point(each["labels"], each["macro_f1"]["mean"], tuple(each["macro_f1"]["ci95"] or ()) or None) for each in curve]
        for name, curve in curves.items()
    }


def print_curves(curves: Mapping[str, Sequence[Json]], title: str) -> None:
    """Print the figures as the table that a page takes over."""
    sizes = [each["labels"] for each in next(iter(curves.values()))]
    print(f"\n{title}\n\n| model | {' | '.join(f'{size:,}' for size in sizes)} |\n|---|{'---|' * len(sizes)}")
    for name, curve in curves.items():
        print(f"| {name} | {' | '.join(figures(each['macro_f1']) for each in curve)} |")


if __name__ == "__main__":
    run_command(main)
