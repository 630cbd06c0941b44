"""Learning from few labels: the draw of sentences, one way to fit each kind of model on them, and scores by document."""

import math
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from data import blind
from data.files import read_object, write_json
from data.records import STANCE_ID, Example
from eval.bootstrap import estimate, mean_over_seeds, percentile_interval, resample_confusions
from eval.metrics import Floats, macro_f1_of, unit_confusions
from train.settings import RunConfig

HELD_BACK = 0.2
"""Share of the labels that a transformer does not learn from and chooses its checkpoint by: the labels given are all there are."""
MIN_STEPS = 200
"""Updates that even a few labels get; their sentences are repeated within an epoch until there are as many."""
BOOTSTRAP_SEED = 1

Predictor = Callable[[Sequence[Example]], np.ndarray]
Json = dict[str, Any]


def in_sentences(rows: Sequence[Example]) -> list[list[Example]]:
    """Group rows into sentences, the unit that somebody labels."""
    sentences: dict[object, list[Example]] = {}
    for row in rows:
        sentences.setdefault((row.doc_id, row.sent_id, row.text, row.target), []).append(row)
    return list(sentences.values())


def draw(rows: Sequence[Example], labels: int, seed: int) -> list[Example]:
    """Draw sentences at random until there are as many labels; a smaller draw of the same seed is the beginning of a larger one.

    Of the last sentence, only as many labels are taken as are still wanted.
    """
    sentences = in_sentences(rows)
    order = np.random.default_rng(seed).permutation(len(sentences))
    return [row for index in order for row in sentences[index]][:labels]


def hold_back(rows: Sequence[Example]) -> tuple[list[Example], list[Example]]:
    """Divide drawn rows into those learned from and the last fifth of the sentences, by which the checkpoint is chosen."""
    sentences = in_sentences(rows)
    cut = len(sentences) - max(1, round(HELD_BACK * len(sentences)))
    return [row for each in sentences[:cut] for row in each], [row for each in sentences[cut:] for row in each]


def fit_transformer(config: RunConfig, rows: Sequence[Example], seed: int, min_steps: int = MIN_STEPS) -> Any:
    """Fine-tune on some rows and return what scores others, a `TorchScorer`."""
    from train.torch_backend import TorchScorer
    from train.transformer import train

    learned, held = hold_back(rows)
    steps = math.ceil(len(in_sentences(learned)) / config.trainer.per_device_train_batch_size) * config.trainer.num_train_epochs
    with tempfile.TemporaryDirectory() as folder:
        trained = train(config, [learned * math.ceil(max(min_steps, steps) / steps)], held, seed, Path(folder))
    return TorchScorer(trained.model, trained.tokenizer, trained.reader)


def fit_setfit(config: RunConfig, rows: Sequence[Example], seed: int) -> Predictor:
    """Train the SetFit peer on some rows, all of them: it chooses no checkpoint."""
    from train.contrastive import train

    with tempfile.TemporaryDirectory() as folder:
        return train(config, rows, seed, Path(folder)).probabilities


def fit_tfidf(rows: Sequence[Example]) -> Predictor:
    """Fit TF-IDF with logistic regression, or class frequencies where all rows have one stance."""
    model = blind.fit("tfidf", rows)
    return lambda given: blind.predict("tfidf", model, given)


def confusions(test: Sequence[Example], answers: Sequence[Sequence[int]]) -> Floats:
    """Count the answers of several seeds by document, shape (documents, seeds, 3, 3)."""
    documents, units = np.unique([row.doc_id for row in test], return_inverse=True)
    gold = np.array([STANCE_ID[row.stance] for row in test if row.stance])
    return unit_confusions(units, gold, np.array(answers, dtype=np.int64), len(documents))


def macro_f1_with_interval(counts: Floats) -> Json:
    """Return mean, sd over seeds and the interval over resampled documents, as in report.json; a single document has no interval."""
    estimated = estimate(counts, macro_f1_of, resample_confusions(counts, np.random.default_rng(BOOTSTRAP_SEED))).to_json()
    return estimated if len(counts) > 1 else {**estimated, "ci95": None}


def difference_with_interval(counts: Floats, others: Floats) -> Json:
    """Return how much better `counts` is than `others` in macro-F1, both resampled by the same documents."""
    seeds = counts.shape[1]
    resampled = macro_f1_of(resample_confusions(np.concatenate([counts, others], axis=1), np.random.default_rng(BOOTSTRAP_SEED)))
    samples = mean_over_seeds(resampled[:, :seeds]) - mean_over_seeds(resampled[:, seeds:])
    mean = mean_over_seeds(macro_f1_of(counts.sum(0))) - mean_over_seeds(macro_f1_of(others.sum(0)))
    ci95 = percentile_interval(samples) if len(counts) > 1 else None
    return {"mean": float(mean), "ci95": list(ci95) if ci95 else None}


def kept(path: Path, key: Json, compute: Callable[[], Json]) -> Json:
    """Return what an earlier call computed under the same key, so that hours of training survive an interruption."""
    if path.is_file() and (held := read_object(path)).get("key") == key:
        return dict(held["value"])
    value = compute()
    write_json(path, {"key": key, "value": value})
    return value


def figures(estimated: Json) -> str:
    """Write an estimate with its interval as a page's table shows it; a dash where it is undefined."""
    if estimated["mean"] is None:
        return "–"
    interval = f" [{estimated['ci95'][0]:.3f}, {estimated['ci95'][1]:.3f}]" if estimated["ci95"] else ""
    return f"{estimated['mean']:.3f}{interval}"
