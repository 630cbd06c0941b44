"""Do chosen labels teach more than random ones? python bench/selection.py --config base.yaml --seeds 1,2,3

Plays labelling on the corpus: some random sentences of the training split are labelled, a model learns from them, says which sentences
to label next (as train/select.py does), learns from all again, and so on; beside it as many random sentences. Each model answers the
test split. Writes OUTPUT.json and OUTPUT.svg and prints the difference with its interval. All settings of train/run.py may be given.
"""

import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

if not __package__:
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

import numpy as np

from bench.curves import learning_curves
from bench.few_labels import parse_sizes, print_curves, to_points
from bench.learning import (
    MIN_STEPS,
    Json,
    confusions,
    difference_with_interval,
    draw,
    figures,
    fit_transformer,
    kept,
    macro_f1_with_interval,
)
from bench.record import describe_machine
from data.errors import InputError, run_command
from data.files import write_json, write_text
from data.records import Example
from train.config import build_parser, parse_config
from train.settings import RunConfig
from train.sources import load_source

SIZES, QUICK_SIZES, QUICK_TEST = "100,200,400,800", "20,40", 60
POOL, QUICK_POOL = 4_000, 200
RANDOM, UNSURE, SELECTED = "random", "unsure only", "unsure and different"

Choose = Callable[[Any, Sequence[Example], int, int], list[Example]]
"""From the last model, rows without a label in it, the number of labels wanted and the seed to the rows labelled next."""


def main() -> None:
    """Play every way of choosing, score, draw."""
    parser = build_parser(__doc__ or "")
    parser.prog = "python bench/selection.py"
    parser.add_argument("--sizes", type=str, default=SIZES, help=f"numbers of labels; the first are random (default: {SIZES})")
    parser.add_argument("--pool", type=int, default=POOL, help=f"labels to choose among, in random sentences (default: {POOL})")
    parser.add_argument("--output", type=str, default="runs/selection", help="what is written, without ending (default: runs/selection)")
    parser.add_argument("--quick", action="store_true", help="two small sizes: says that the program works, not what choosing brings")
    config, given = parse_config(parser, sys.argv[1:])
    if config.model.kind not in {"span", "pair"}:
        raise InputError(f"model.kind: {config.model.kind!r} does not choose; expected span or pair")
    if given.pool < 1:
        raise InputError(f"--pool {given.pool}: expected 1 or more, e.g. {POOL}")
    source = load_source(config.data)
    pool = draw(source.examples("train", config.data.context_sentences), QUICK_POOL if given.quick else given.pool, 0)
    test = source.examples("test", config.data.context_sentences)[: QUICK_TEST if given.quick else None]
    sizes = parse_sizes(QUICK_SIZES if given.quick else given.sizes, len(pool))
    settings: Json = {"config": config.hash(), "data": source.fingerprint(), "sizes": sizes, "pool": len(pool), "test": len(test)}
    settings |= {"quick": given.quick}
    play = partial(play_seed, config, sizes, pool, test, 2 if given.quick else MIN_STEPS)
    answers = {name: [remembered(Path(given.output), settings, name, seed, play) for seed in config.seeds] for name in WAYS}
    curves = score(answers, sizes, test)
    how = f"mean of {len(config.seeds)} seeds, 95 % intervals by document"
    title = f"macro-F1 on {len(test):,} test labels by how the labels were chosen, {how}"
    details = {**settings, "seeds": config.seeds, "documents": len({row.doc_id for row in test}), "machine": describe_machine()}
    write_json(Path(f"{given.output}.json"), {"schema": 1, **details, "curves": curves})
    write_text(Path(f"{given.output}.svg"), learning_curves(to_points(curves), title))
    print_curves(curves, title)
    print_differences(curves)


def choose_random(scorer: Any, rows: Sequence[Example], labels: int, seed: int) -> list[Example]:
    """Choose any sentences."""
    return draw(rows, labels, seed)


def choose_unsure(scorer: Any, rows: Sequence[Example], labels: int, seed: int) -> list[Example]:
    """Choose the sentences of the highest entropy."""
    from data.suggestions import entropy
    from train.acquisition import by_sentence, mean_of

    candidates = by_sentence(rows)
    order = np.argsort(-mean_of(entropy(scorer.score(rows)), candidates), kind="stable")
    return [row for index in order for row in candidates[index].rows][:labels]


def choose_selected(scorer: Any, rows: Sequence[Example], labels: int, seed: int) -> list[Example]:
    """Choose as train/select.py does."""
    from data.suggestions import entropy
    from train.acquisition import by_sentence, mean_of, rank
    from train.embedding import embed

    candidates = by_sentence(rows)
    vectors = mean_of(embed(scorer, [row.text for row in rows], scorer.reader.settings.max_length), candidates)
    order = rank(mean_of(entropy(scorer.score(rows)), candidates), vectors, labels, seed)
    return [row for index in order for row in candidates[index].rows][:labels]


WAYS: dict[str, Choose] = {RANDOM: choose_random, UNSURE: choose_unsure, SELECTED: choose_selected}


def play_seed(
    config: RunConfig, sizes: Sequence[int], pool: Sequence[Example], test: Sequence[Example], min_steps: int, way: str, seed: int
) -> Json:
    """Label in rounds, one a size, and return the class ids that each round's model gives the test rows."""
    labelled = draw(pool, sizes[0], seed)
    scorer: Any = None
    answers = []
    for size in sizes:
        if size > len(labelled):
            left = unseen(pool, labelled)
            labelled = [*labelled, *WAYS[way](scorer, left, size - len(labelled), seed)]
        print(f"{way}, {len(labelled)} labels, seed {seed}", flush=True)
        scorer = fit_transformer(config, draw(labelled, len(labelled), seed), seed, min_steps)  # mixed: the last fifth is held back
        answers.append(scorer.score(test, config.trainer.per_device_eval_batch_size).argmax(1).tolist())
    return {"answers": answers}


def unseen(pool: Sequence[Example], labelled: Sequence[Example]) -> list[Example]:
    """Return the rows of the pool that have not been labelled yet."""
    seen = {row.id for row in labelled}
    return [row for row in pool if row.id not in seen]


def remembered(output: Path, settings: Json, way: str, seed: int, play: Callable[[str, int], Json]) -> list[list[int]]:
    """Return a seed's answers by round; they are kept beside the output, so that an interrupted simulation goes on."""
    path = output.parent / f"{output.name}-answers" / f"{way.replace(' ', '-')}-{seed}.json"
    return list(kept(path, {**settings, "way": way, "seed": seed}, partial(play, way, seed))["answers"])


def score(answers: Mapping[str, Sequence[Sequence[Sequence[int]]]], sizes: Sequence[int], test: Sequence[Example]) -> dict[str, list[Json]]:
    """Return each way's curve, with its difference from random choice at the same number of labels."""
    curves: dict[str, list[Json]] = {}
    for place, size in enumerate(sizes):
        counts = {way: confusions(test, [seed[place] for seed in seeds]) for way, seeds in answers.items()}
        for way, each in counts.items():
            point = {"labels": size, "macro_f1": macro_f1_with_interval(each)}
            if way != RANDOM and place:
                point["difference"] = difference_with_interval(each, counts[RANDOM])
            curves.setdefault(way, []).append(point)
    return curves


def print_differences(curves: Mapping[str, Sequence[Json]]) -> None:
    """Print how much better than random choice each way is."""
    for way, curve in curves.items():
        for point in (each for each in curve if "difference" in each):
            print(f"{way} - {RANDOM}, {point['labels']:,} labels: {figures(point['difference'])}")


if __name__ == "__main__":
    run_command(main)
