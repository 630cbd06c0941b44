"""Search for better settings: python train/sweep.py --config base.yaml --space sweeps/base.yaml --study base --trials 20

Every trial trains the config with other values of the space and is scored by its macro-F1 on dev; no test split is read. Start the
same command in further terminals or on further machines that see the folder, and they share the trials; start it again after a kill,
and it goes on. The best trial becomes a config: runs/sweeps/STUDY/best.yaml, for train/run.py. Needs the extra [sweep].
"""

import os
import shutil
import sys
import time
from dataclasses import replace
from operator import attrgetter
from pathlib import Path
from typing import Any

if not __package__:
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

import numpy as np
import yaml
from jsonargparse import ArgumentError

from data.corpus import SPLIT_NAME
from data.errors import InputError, run_command
from data.files import ROOT, write_text
from data.records import STANCE_ID, Example, Prediction, read_rows
from eval.metrics import macro_f1
from train.claims import claiming
from train.config import build_parser, find_config, load_config, parse_config
from train.search_space import Space, Value, read_space
from train.settings import SECTIONS, RunConfig, check_values
from train.sources import Source, collect_splits, load_source
from train.study import Sweep, open_sweep, propose_first, surplus
from train.teachers import check_learned

SPLITS = ("train", "dev")
"""All that a sweep may see."""
WAIT = 2.0
"""Seconds between looks at the trials that other processes still work on."""
MAX_FAILURES = 3
"""Trials that may fail one after the other before the sweep gives up."""


def main() -> None:
    """Do trials until the study has as many as wanted, then write the best one's config."""
    parser = build_parser(__doc__ or "")
    parser.prog = "python train/sweep.py"
    parser.add_argument("--space", type=str, default="sweeps/base.yaml", help="search space; a path, or a name under configs/")
    parser.add_argument("--study", type=str, default=None, help="name of the study, its folder under runs/sweeps/ (default: the config's)")
    parser.add_argument("--trials", type=int, default=20, help="finished trials wanted, those of all processes together (default: 20)")
    parser.add_argument("--runs", type=str, default=str(ROOT / "runs"), help="folder of all runs")
    config, given = parse_config(parser, sys.argv[1:])
    name = given.study or config.name
    if not given.config or given.trials < 1 or not SPLIT_NAME.fullmatch(name):
        raise InputError("expected --config, --trials of 1 or more, and --study of letters, digits, - and _")
    space = read_space(given.space)
    check_space(config, space)
    sweep = search(config, space, Path(given.runs) / "sweeps" / name, given.trials)
    print(f"best config: {write_best(sweep, config, find_config(str(given.config[0])))}")


def search(config: RunConfig, space: Space, folder: Path, wanted: int) -> Sweep:
    """Do trials in a study's folder until enough are finished, and return the study.

    Raises:
        InputError: the study is of something else, or training cannot begin or go on.
    """
    from train.faults import explained
    from train.requirements import check_requirements

    source = load_source(config.data)
    collect_splits(source, config.data)  # what is wrong with the data is said before a study is begun
    check_learned(config, source.fingerprint())
    check_requirements(config)
    identity = {"config": config.hash(), "seeds": str(config.seeds), "space": repr(sorted(space.items())), "data": source.fingerprint()}
    sweep = open_sweep(folder, folder.name, space, identity)
    propose_first(sweep, {key: attrgetter(key)(config) for key in space})
    with explained(config, folder):
        run_trials(sweep, config, source, wanted)
    return sweep


def check_space(config: RunConfig, space: Space) -> None:
    """Refuse a space with values that the config does not take.

    Raises:
        InputError: names the setting and the value.
    """
    for name, dimension in space.items():
        for value in dimension.ends:
            apply(config, {name: value})


def apply(config: RunConfig, values: dict[str, Value]) -> RunConfig:
    """Return the config with some settings changed, checked as the command line is."""
    fields = config.to_dict()
    for name, value in values.items():
        section, _, key = name.partition(".")
        fields[section][key] = value
    try:
        parsed = build_parser("").parse_object({section: fields[section] for section in SECTIONS})
    except (ArgumentError, TypeError) as error:
        raise InputError(f"--space: {values}: {' '.join(str(error).split())[:200]}") from None
    chosen = replace(config, **{section: settings(**vars(parsed[section])) for section, settings in SECTIONS.items()})
    check_values(chosen)
    return chosen


def run_trials(sweep: Sweep, config: RunConfig, source: Source, wanted: int) -> None:
    """Do trials until enough are finished; where others work on the last ones, wait for them and take over if they die."""
    failures = 0
    while len(sweep.trials("COMPLETE")) < wanted:
        for number in sweep.retry_abandoned():
            print(f"trial {number}: its process has died, it is tried again")
        waiting = len(sweep.trials("WAITING"))
        if not waiting and len(sweep.trials("COMPLETE", "RUNNING")) >= wanted:
            time.sleep(WAIT)
            continue
        trial = sweep.ask()
        if "retry_of" not in trial.user_attrs and surplus(sweep, trial, wanted):
            sweep.tell(trial, None)
            continue
        failures = 0 if run_trial(sweep, trial, config, source) else failures + 1
        if failures >= MAX_FAILURES:
            raise InputError(f"{sweep.folder}: {failures} trials failed one after the other; see the lines above")


def run_trial(sweep: Sweep, trial: Any, config: RunConfig, source: Source) -> bool:
    """Train and score one trial; tell whether it gave a score."""
    from train.faults import explained
    from train.requirements import check_requirements

    folder = sweep.folder_of(trial)
    with claiming(folder):
        trial.set_user_attr("folder", folder.name)
        values = sweep.suggest(trial)
        try:
            chosen = apply(config, values)
            write_text(folder / "trial.yaml", chosen.to_yaml())
            check_learned(chosen, source.fingerprint())
            check_requirements(chosen)
            splits = {name: rows for name, rows in collect_splits(source, chosen.data).items() if name in SPLITS}
            with explained(chosen, folder):
                scores = [score_seed(chosen, source, splits, seed, folder / f"seed-{seed}") for seed in config.seeds]
        except InputError as error:
            sweep.tell(trial, None)
            print(f"trial {trial.number}: failed: {error}")
            return False
        score = sum(scores) / len(scores)
        sweep.tell(trial, score)
    print(f"trial {trial.number}: dev macro-F1 {score:.4f}  {', '.join(f'{name} {value}' for name, value in values.items())}", flush=True)
    return True


def score_seed(config: RunConfig, source: Source, splits: dict[str, list[Example]], seed: int, folder: Path) -> float:
    """Train one seed and return its macro-F1 on dev; the weights are not kept, the best config gives them again."""
    from train.seed import run_seed

    run_seed(config, source, splits, seed, folder)
    rows = [row for row in read_rows(folder / "predictions" / "dev.jsonl", Prediction) if row.gold]
    shutil.rmtree(folder / "model", ignore_errors=True)
    gold, predicted = (np.array([STANCE_ID[getattr(row, key)] for row in rows]) for key in ("gold", "pred"))
    return float(macro_f1(gold, predicted))


def write_best(sweep: Sweep, config: RunConfig, base: Path) -> Path:
    """Write the best trial as a config that builds on the base and holds only what differs; return its path."""
    best = sweep.study.best_trial
    path = sweep.folder / "best.yaml"
    chosen = apply(config, best.params)
    layer = {"_base_": os.path.relpath(base.resolve(), path.resolve().parent), "name": f"{sweep.study.study_name}-best"}
    fields = layer | difference(load_config(base).to_dict(), chosen.to_dict() | {"name": config.name})
    fields["name"] = layer["name"]
    done = len(sweep.trials("COMPLETE"))
    head = f"# python train/run.py --config {path}\n"
    head += f"# dev macro-F1 {best.value:.4f}, trial {best.number}, the best of {done} of the study {sweep.study.study_name}.\n"
    write_text(path, head + yaml.safe_dump(fields, sort_keys=False, allow_unicode=True))
    return path


def difference(base: dict[str, Any], fields: dict[str, Any]) -> dict[str, Any]:
    """Return what differs from the base, section by section."""
    found: dict[str, Any] = {}
    for key, value in fields.items():
        if isinstance(value, dict):
            if inner := difference(base[key], value):
                found[key] = inner
        elif value != base[key]:
            found[key] = value
    return found


if __name__ == "__main__":
    run_command(main)
