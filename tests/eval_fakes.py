"""Small run folders for the tests of eval, written as train writes them, from a seeded generator."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from data.files import write_json, write_jsonl, write_text
from data.items import Item
from data.records import STANCES, Example, Prediction
from data.spans import TaggedSentence, sentences_of
from eval.behaviour.cases import SUITES, read_suite
from eval.calibration import calibrate

ACTORS = ("moscow", "prague", "warsaw", "washington", "brdy-mayors", "public")
GENRES = ("wire", "op-ed", "debate")
VERBS = {"against": "rejected", "neutral": "described", "favor": "praised"}


@dataclass(frozen=True)
class FakeRun:
    """What a fake run consists of; accuracy is the share of gold labels that predictions keep."""

    name: str = "base"
    seeds: tuple[int, ...] = (1, 2, 3)
    documents: dict[str, int] = field(default_factory=lambda: {"test": 12, "dev": 10, "seeds": 1})
    accuracy: float = 0.7
    sentences: int = 6
    config: dict[str, Any] = field(default_factory=dict)
    config_hash: str = "0123456789ab"
    data_fingerprint: str = "fedcba987654"
    baselines: tuple[str, ...] = ("majority", "tfidf")
    calibrated: bool = True
    behaviour: bool = False
    mentions: bool = False


def make_items(split: str, documents: int, sentences: int = 6) -> list[Item]:
    """Return items of two or three actors a sentence, stances following no pattern that matters."""
    rng = np.random.default_rng([len(split), documents])
    return [item for number in range(documents) for item in _document(f"{split}-{number}", number, sentences, rng)]


def _document(doc_id: str, number: int, sentences: int, rng: np.random.Generator) -> list[Item]:
    items = []
    for sent_id in range(1, sentences + 1):
        count = int(rng.integers(1, 4))
        actors = [ACTORS[each] for each in rng.permutation(len(ACTORS))[:count]]
        stances = [STANCES[each] for each in rng.choice(3, size=count, p=[0.35, 0.4, 0.25])]
        text, spans = "", []
        for actor, stance in zip(actors, stances, strict=True):
            start = len(text)
            text += actor.title()
            spans.append((start, len(text)))
            text += f" {VERBS[stance]} the radar plan & its “costs”, "
        items += [
            Item(
                id=f"{doc_id}:{sent_id}:{actor}", doc_id=doc_id, sent_id=sent_id, text=text, actor=actor,
                mention=text[start:end], start=start, end=end, stance=stance, target="missile-shield",
                genre=GENRES[number % 3], setting="real" if number % 2 else "invented", title=f"Report {number}",
                phenomena=("negation",) if sent_id % 3 == 0 else (),
            )
            for actor, stance, (start, end) in zip(actors, stances, spans, strict=True)
        ]  # fmt: skip
    return items


def predict(items: Sequence[Example], accuracy: float, rng: np.random.Generator) -> list[dict[str, Any]]:
    """Return prediction rows that are right with probability `accuracy`, overconfident on purpose."""
    rows = []
    for item in items:
        gold = STANCES.index(item.stance or "neutral")
        pred = gold if rng.random() < accuracy else int((gold + rng.integers(1, 3)) % 3)
        confidence = float(rng.uniform(0.45, 0.99)) if pred != gold else float(rng.uniform(0.6, 0.999))
        rest = float(rng.uniform(0.2, 0.8)) * (1 - confidence)
        others = iter((rest, 1 - confidence - rest))
        probs = {stance: confidence if index == pred else next(others) for index, stance in enumerate(STANCES)}
        rows.append(
            {
                "id": item.id, "doc_id": item.doc_id, "actor": item.actor, "gold": item.stance,
                "pred": max(STANCES, key=lambda each: probs[each]), "probs": probs,
            }
        )  # fmt: skip
    return rows


def write_run(folder: Path, fake: FakeRun | None = None) -> Path:
    """Write a complete run folder and return it."""
    fake = fake or FakeRun()
    items = {split: make_items(split, count, fake.sentences) for split, count in fake.documents.items()}
    config = {"name": fake.name, "seeds": list(fake.seeds), "model": {"kind": "span"}, "trainer": {"learning_rate": 1e-4}}
    write_text(folder / "config.yaml", yaml.safe_dump(config | fake.config))
    for split, rows in items.items():
        write_jsonl(folder / "items" / f"{split}.jsonl", (row.model_dump(mode="json") for row in rows))
        for kind in fake.baselines:
            rng = np.random.default_rng(len(kind))
            write_jsonl(folder / "baselines" / kind / f"{split}.jsonl", predict(rows, 0.4, rng))
    if fake.behaviour:
        write_behaviour(folder, fake)
    if fake.mentions:
        write_mentions(folder, fake, items)
    for seed in fake.seeds:
        _write_seed(folder / f"seed-{seed}", seed, fake, items)
        if fake.calibrated and "dev" in items:
            rng = np.random.default_rng([seed, 0])
            dev = [Prediction.model_validate(row) for row in predict(items["dev"], fake.accuracy, rng)]
            write_json(folder / f"seed-{seed}" / "calibration.json", calibrate(dev).to_json())
    return folder


def write_behaviour(folder: Path, fake: FakeRun) -> None:
    """Write the first behaviour cases and answers to them into a run folder."""
    rows = read_suite(SUITES / "missile-shield").rows[:60]
    write_jsonl(folder / "behaviour.jsonl", (row.model_dump() for row in rows))
    for seed in fake.seeds:
        rng = np.random.default_rng([seed, int(1000 * fake.accuracy)])
        write_jsonl(folder / f"seed-{seed}" / "predictions" / "behaviour.jsonl", predict(rows, fake.accuracy, rng))


def write_mentions(folder: Path, fake: FakeRun, items: dict[str, list[Item]]) -> None:
    """Write the marks of every split into a run folder, and that each seed finds all but the last of a sentence, with its stance."""
    for split, rows in items.items():
        sentences = list(sentences_of(rows))
        write_jsonl(folder / "mentions" / f"{split}.jsonl", (sentence.model_dump() for sentence in sentences))
        found = [TaggedSentence(id=each.id, doc_id=each.doc_id, spans=each.spans[:-1]) for each in sentences]
        for seed in fake.seeds:
            write_jsonl(folder / f"seed-{seed}" / "mentions" / f"{split}.jsonl", (row.model_dump() for row in found))


def _write_seed(folder: Path, seed: int, fake: FakeRun, items: dict[str, list[Item]]) -> None:
    manifest = {
        "config_hash": fake.config_hash, "data_fingerprint": fake.data_fingerprint, "seed": seed,
        "git_commit": "0" * 40, "git_dirty": False, "versions": {"torch": "2.13.0"}, "hardware": {"cpu": "test"}, "threads": 2,
        "wall_seconds": 61.5 + seed, "cpu_seconds": 120.0, "tokens_per_second": 5400.0, "parameters": 22_700_000,
        "model_sha256": "ab" * 32, "started": "2026-11-24T02:50:00", "kind": "span",
    }  # fmt: skip
    write_json(folder / "run.json", manifest)
    for number, (split, rows) in enumerate(items.items()):
        rng = np.random.default_rng([seed, number, len(fake.name), int(1000 * fake.accuracy)])
        write_jsonl(folder / "predictions" / f"{split}.jsonl", predict(rows, fake.accuracy, rng))
    log = [
        {"step": 10 * epoch, "epoch": epoch, "eval_macro_f1": 0.7 - 0.4 / (epoch + seed), "eval_loss": 1 / (epoch + 1)}
        for epoch in range(1, 6)
    ]
    write_jsonl(folder / "log.jsonl", [{"step": 5, "epoch": 0.5, "loss": 1.1}, *log])
    write_text(folder / "DONE", "")
