"""Reading a run folder: what `train` wrote, checked so that every fault names its file."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from data.errors import InputError, InputFaults, nearest
from data.files import check_links, read_object, read_text, read_yaml
from data.items import Item
from data.parsing import parse_json
from data.records import MAX_FAULTS, Prediction, read_rows
from eval.behaviour.judge import Behaviour, read_behaviour
from eval.calibration import Calibration
from eval.spans import Mentions, read_mentions
from eval.splits import in_order
from eval.systems import Split, System, stack_predictions

SAME_IN_ALL_SEEDS = ("config_hash", "data_fingerprint")
MANIFEST_KINDS: dict[str, type | tuple[type, ...]] = {
    **dict.fromkeys(("git_commit", "model_sha256"), str),
    **dict.fromkeys(("wall_seconds", "cpu_seconds", "tokens_per_second", "parameters", "peak_memory_mb"), (int, float)),
}
"""What a report needs of run.json, where it is there."""


@dataclass(frozen=True)
class SeedRun:
    """One trained seed: its folder, manifest, calibration and training curve."""

    seed: int
    folder: Path
    manifest: dict[str, Any]
    calibration: Calibration | None
    log: tuple[dict[str, Any], ...] = ()


@dataclass(frozen=True)
class Run:
    """A run folder in memory; only seeds that are complete."""

    folder: Path
    name: str
    config: dict[str, Any]
    seeds: tuple[SeedRun, ...]
    unfinished: tuple[int, ...]
    splits: dict[str, Split]
    systems: dict[str, System]
    baselines: dict[str, dict[str, System]] = field(default_factory=dict)
    behaviour: Behaviour | None = None
    mentions: dict[str, Mentions] = field(default_factory=dict)

    @property
    def data_fingerprint(self) -> str:
        """The hash of text, labels and splits the run was made with."""
        return str(self.seeds[0].manifest["data_fingerprint"])

    @property
    def config_hash(self) -> str:
        """The hash of everything in the config but name and seeds."""
        return str(self.seeds[0].manifest["config_hash"])

    def require_complete(self) -> "Run":
        """Return the run itself.

        Raises:
            InputError: a seed has not finished.
        """
        if self.unfinished:
            seeds = ", ".join(map(str, self.unfinished))
            raise InputError(f"{self.folder}: incomplete run, seed {seeds} has no DONE; train it to the end first")
        return self


def read_run(folder: Path) -> Run:
    """Read a run folder.

    Raises:
        InputError: not a run folder, no complete seed, seeds of different configs, missing or faulty files,
            predictions whose ids or gold labels are not those of the items.
    """
    config = read_config(folder)
    check_links(folder)
    finished, unfinished = find_seeds(folder, config)
    if not finished:
        raise InputError(f"{folder}: no finished seed (no seed-*/DONE); train the run first")
    seeds = tuple(read_seed(folder / f"seed-{seed}", seed) for seed in finished)
    _check_one_experiment(seeds)
    splits = read_splits(folder)
    return Run(
        folder=folder,
        name=str(config.get("name") or folder.resolve().name),
        config=config,
        seeds=seeds,
        unfinished=unfinished,
        splits=splits,
        systems=_read_systems(folder.resolve().name, seeds, splits),
        baselines=_read_baselines(folder / "baselines", splits),
        behaviour=read_behaviour(folder, [seed.folder for seed in seeds]),
        mentions=read_mentions(folder, [seed.folder for seed in seeds]),
    )


def read_config(folder: Path) -> dict[str, Any]:
    """Read the resolved config of a run folder."""
    if not folder.is_dir():
        known = [str(path) for path in sorted(folder.parent.iterdir())] if folder.parent.is_dir() else []
        raise InputError(f"{folder}: no such run folder{nearest(str(folder), known)}")
    if not (folder / "config.yaml").exists():
        raise InputError(f"{folder}: not a run folder, it has no config.yaml")
    config = read_yaml(folder / "config.yaml")
    if not isinstance(config, dict):
        raise InputError(f"{folder / 'config.yaml'}: expected a mapping of settings")
    return config


def find_seeds(folder: Path, config: dict[str, Any]) -> tuple[list[int], tuple[int, ...]]:
    """Return the finished seeds and those that the config asks for or a folder stands for without being finished."""
    found = {
        int(path.name.removeprefix("seed-"))
        for path in folder.glob("seed-*")
        if path.is_dir() and path.name.removeprefix("seed-").isdecimal()
    }
    wanted = config.get("seeds")
    wanted = {seed for seed in wanted if isinstance(seed, int)} if isinstance(wanted, list) else set()
    finished = {seed for seed in found if (folder / f"seed-{seed}" / "DONE").exists()}
    return sorted(finished), tuple(sorted((found | wanted) - finished))


def read_seed(folder: Path, seed: int) -> SeedRun:
    """Read manifest, calibration and training curve of a seed."""
    manifest = read_object(folder / "run.json")
    for key in SAME_IN_ALL_SEEDS:
        if key not in manifest:
            raise InputError(f"{folder / 'run.json'}: {key!r} is missing")
    for key, kinds in MANIFEST_KINDS.items():
        value = manifest.get(key)
        if value is not None and (not isinstance(value, kinds) or isinstance(value, bool)):
            raise InputError(f"{folder / 'run.json'}: {key}: expected a {'text' if kinds is str else 'number'}, got {value!r}")
    calibration = folder / "calibration.json"
    return SeedRun(
        seed=seed,
        folder=folder,
        manifest=manifest,
        calibration=Calibration.read(calibration) if calibration.exists() else None,
        log=_read_log(folder / "log.jsonl"),
    )


def read_splits(folder: Path) -> dict[str, Split]:
    """Read the items of every split that was scored, test first."""
    paths = {path.stem: path for path in (folder / "items").glob("*.jsonl")}
    if not paths:
        raise InputError(f"{folder / 'items'}: no items, expected a <split>.jsonl for every split that was scored")
    return {name: read_split(paths[name]) for name in in_order(paths)}


def read_split(path: Path) -> Split:
    """Read the items of one split; unlabelled ones are counted and left out.

    Raises:
        InputError: no item, or none with a label.
    """
    items = read_rows(path, Item)
    labelled = tuple(item for item in items if item.stance)
    if not labelled:
        raise InputError(f"{path}: none of the {len(items)} items has a gold stance, there is nothing to score against")
    return Split(path.stem, labelled, frozenset(item.id for item in items if not item.stance))


def read_predictions(path: Path, split: Split) -> list[Prediction]:
    """Read a prediction file in the order of the split's items.

    Raises:
        InputFaults: faulty rows, missing or extra ids, gold labels other than the items'.
    """
    by_id = {row.id: row for row in read_rows(path, Prediction) if row.id not in split.unlabelled}
    faults = id_faults(path, by_id, split)
    faults += [
        f"{path}: {item.id!r} has gold {by_id[item.id].gold!r}, the items say {item.stance!r}"
        for item in split.items
        if item.id in by_id and by_id[item.id].gold not in (None, item.stance)
    ][:MAX_FAULTS]
    if faults:
        raise InputFaults(faults)
    return [by_id[each] for each in split.ids]


def id_faults(path: Path, found: dict[str, Any], split: Split) -> list[str]:
    """Say which items have no prediction and which predictions no item."""
    missing = [each for each in split.ids if each not in found]
    extra = sorted(set(found) - set(split.ids))
    faults = []
    if missing:
        faults.append(f"{path}: {len(missing)} of {len(split.ids)} items have no prediction, first {missing[0]!r}")
    if extra:
        faults.append(f"{path}: {len(extra)} predictions have no item in split {split.name!r}, first {extra[0]!r}")
    return faults


def _read_systems(name: str, seeds: tuple[SeedRun, ...], splits: dict[str, Split]) -> dict[str, System]:
    calibrations = [seed.calibration for seed in seeds if seed.calibration]
    if len(calibrations) < len(seeds):
        calibrations = []
    return {
        split.name: stack_predictions(
            name,
            {seed.seed: read_predictions(seed.folder / "predictions" / f"{split.name}.jsonl", split) for seed in seeds},
            calibrations,
        )
        for split in splits.values()
    }


def _read_baselines(folder: Path, splits: dict[str, Split]) -> dict[str, dict[str, System]]:
    baselines: dict[str, dict[str, System]] = {}
    for kind in sorted(path for path in folder.glob("*") if path.is_dir()):
        for name, split in splits.items():
            path = kind / f"{name}.jsonl"
            if path.exists():
                system = stack_predictions(kind.name, {0: read_predictions(path, split)})
                baselines.setdefault(kind.name, {})[name] = system
    return baselines


def _read_log(path: Path) -> tuple[dict[str, Any], ...]:
    if not path.exists():
        return ()
    rows = []
    for number, line in enumerate(read_text(path).splitlines(), 1):
        if line.strip():
            try:
                rows.append(parse_json(line))
            except ValueError as error:
                raise InputError(f"{path}:{number}: not JSON: {error}") from None
    return tuple(row for row in rows if isinstance(row, dict))


def _check_one_experiment(seeds: tuple[SeedRun, ...]) -> None:
    first = seeds[0]
    for seed in seeds[1:]:
        for key in SAME_IN_ALL_SEEDS:
            if seed.manifest[key] != first.manifest[key]:
                raise InputError(
                    f"{seed.folder / 'run.json'}: {key} is {seed.manifest[key]!r}, seed {first.seed} has {first.manifest[key]!r}; "
                    "the seeds of a run must come from one config and one data set"
                )
