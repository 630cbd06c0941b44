"""Writing a run folder: what was scored, what was predicted, and the manifest that says how it came about."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from data.errors import InputError
from data.files import read_json, write_json, write_jsonl, write_text
from data.items import to_item
from data.records import STANCES, Example
from eval.behaviour.cases import BEHAVIOUR
from train.checkpoints import sha256
from train.config import load_config
from train.origin import changes
from train.settings import RunConfig
from train.sources import Source

DONE = "DONE"
BEGUN = "begun.json"
"""What a seed was begun with; gone when it is done."""


def open_run(config: RunConfig, folder: Path, fingerprint: str) -> RunConfig:
    """Write the resolved config into a run folder and return it; an unfinished run of the same config is continued.

    Raises:
        InputError: the folder holds a run of another config, or seeds made from data of another fingerprint.
    """
    from torch import get_num_threads

    config = resolve(config)
    path = folder / "config.yaml"
    if path.is_file():
        begun = load_config(path)
        config = replace(with_threads(config, begun.trainer.threads), seeds=sorted({*begun.seeds, *config.seeds}))
        _refuse_another(folder, with_threads(begun, config.trainer.threads), config)
        for manifest in sorted(path for name in ("run.json", BEGUN) for path in folder.glob(f"seed-*/{name}")):
            _refuse_other_data(manifest.parent, changes(read_json(manifest), {"data_fingerprint": fingerprint}))
    config = with_threads(config, get_num_threads())
    write_text(path, config.to_yaml())
    return config


def with_threads(config: RunConfig, threads: int) -> RunConfig:
    """Return the config with a number of threads, unless it has one."""
    return replace(config, trainer=replace(config.trainer, threads=config.trainer.threads or threads))


def resolve(config: RunConfig) -> RunConfig:
    """Return the config with paths that do not depend on the working directory."""
    given = {name: getattr(config.data, name) for name in ("path", "extra_test", "behaviour")}
    paths: dict[str, Any] = {
        name: str(Path(value).resolve()) for name, value in given.items() if value not in {None, "auto", "none"} and Path(value).exists()
    }
    weights = Path(config.model.weights)
    model = replace(config.model, weights=str(weights.resolve())) if (weights / "config.json").is_file() else config.model
    return replace(config, data=replace(config.data, **paths), model=model)


def _refuse_another(folder: Path, begun: RunConfig, config: RunConfig) -> None:
    theirs, ours = (replace(each, seeds=[]).to_yaml().splitlines() for each in (begun, config))
    if theirs != ours:
        changed = [line.strip() for line in ours if line not in theirs]
        raise InputError(
            f"{folder}: holds a run of another config (differs in {', '.join(changed) or 'removed keys'}); "
            "give --overwrite to replace it, or --name for a folder of its own"
        )


def _refuse_other_data(folder: Path, changed: Mapping[str, str]) -> None:
    if "data" in changed:
        raise InputError(
            f"{folder}: made from other data ({changed['data']}); give --overwrite to replace it, or --name for a folder of its own"
        )


def check_origin(folder: Path, origin: dict[str, Any]) -> None:
    """Note in a seed's folder what it is begun with; say what has changed since where it was begun before.

    Raises:
        InputError: the data has changed, so that the seed can neither be continued nor stand for today's corpus.
    """
    path = next((path for path in (folder / "run.json", folder / BEGUN) if path.is_file()), None)
    if path is None:
        write_json(folder / BEGUN, origin)
        return
    changed = changes(read_json(path), origin)
    _refuse_other_data(folder, changed)
    if changed:
        text = "; ".join(f"{aspect} ({what})" for aspect, what in changed.items())
        done = "done" if path.name == "run.json" else "begun"
        print(f"note: {folder}: {done} with other {text}; the bits may differ from those of a run in one go", file=sys.stderr)


def is_complete(folder: Path, config: RunConfig) -> bool:
    """Tell whether every seed is finished and in the report."""
    if not all((folder / name).is_file() for name in ("report.json", *(f"seed-{seed}/{DONE}" for seed in config.seeds))):
        return False
    return {seed["seed"] for seed in read_json(folder / "report.json")["seeds"]} >= set(config.seeds)


def write_items(folder: Path, source: Source, splits: dict[str, list[Example]]) -> None:
    """Write the behaviour cases, and the scored examples with what reports break figures down by: genre, setting, title, phenomena."""
    for name, rows in splits.items():
        if name == BEHAVIOUR:
            write_jsonl(folder / f"{name}.jsonl", (row.model_dump() for row in rows))
        elif name != "train":
            write_jsonl(folder / "items" / f"{name}.jsonl", (to_item(row, source.by_id.get(row.doc_id)).model_dump() for row in rows))


def prediction_rows(rows: Sequence[Example], probabilities: np.ndarray) -> list[dict[str, Any]]:
    """Return prediction rows from probabilities of shape (n, 3), rounded to six digits."""
    return [
        {
            "id": row.id,
            "doc_id": row.doc_id,
            "actor": row.actor,
            "gold": row.stance,
            "pred": STANCES[int(np.argmax(values))],
            "probs": {stance: round(float(value), 6) for stance, value in zip(STANCES, values, strict=True)},
        }
        for row, values in zip(rows, probabilities, strict=True)
    ]


@dataclass(frozen=True)
class Cost:
    """What training one seed took."""

    wall_seconds: float
    cpu_seconds: float
    tokens_per_second: float | None
    parameters: int | None
    peak_memory_mb: float


def write_manifest(folder: Path, origin: dict[str, Any], kind: str, seed: int, cost: Cost) -> None:
    """Write `run.json`: everything needed to tell whether another run should give the same bits."""
    weights = folder / "model" / "model.safetensors"
    write_json(
        folder / "run.json",
        {
            "kind": kind,
            **origin,
            "seed": seed,
            **{key: round(value, 2) if isinstance(value, float) else value for key, value in asdict(cost).items()},
            "model_sha256": sha256(weights) if weights.is_file() else None,
            "finished": datetime.now(UTC).isoformat(timespec="seconds"),
            "command": [Path(sys.argv[0]).name, *sys.argv[1:]],
        },
    )
