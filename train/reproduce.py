"""Run a finished run again in a fresh environment and say how close it comes: python train/reproduce.py runs/base

Says identical, same labels, within interval or different, and what has changed since: data, code, versions, hardware, threads.
The packages are installed anew, in the versions of constraints.txt and of the run's manifest; --no-fresh-env takes those that are here.
"""

import argparse
import os
import re
import sys
import tempfile
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

if not __package__:
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

import subprocess  # not above: it needs the standard library's select, which train/select.py would hide

from data.errors import InputError, run_command
from data.files import ROOT, read_json, read_text, write_text
from data.records import Prediction, read_rows
from train.config import load_config
from train.origin import changes
from train.runs import is_complete
from train.settings import RunConfig

PASSED_ON = ("PATH", "HOME", "TMPDIR", "CUDA_VISIBLE_DEVICES", "LD_LIBRARY_PATH", "SSL_CERT_FILE")
PASSED_PREFIXES = ("PIP_", "NEWSMTSC_", "SEESAW_", "SEMEVAL_", "VAST_")
CHANGING = {"date", "started", "finished", "git_commit", "git_dirty", "notes", "cost"}
"""Keys of a report that tell when and where it was made, and what that took."""
CHANGING_ENDS = ("_seconds", "_per_second", "_mb")


@dataclass(frozen=True)
class Verdict:
    """How close the second run comes to the first, and the lines that say why."""

    name: str
    lines: tuple[str, ...]


def main() -> int:
    """Run again and judge."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, help="run folder")
    parser.add_argument("--fresh-env", action=argparse.BooleanOptionalAction, default=True, help="install the packages anew (default: yes)")
    parser.add_argument("--output", type=Path, help="keep the second run in this folder of runs (default: a temporary one)")
    given = parser.parse_args()
    config, manifests = read_first(given.run)
    if given.output:
        check_output(given.run, given.output / config.name, config, manifests)
    with tempfile.TemporaryDirectory() as workshop:
        python = make_environment(Path(workshop), next(iter(manifests.values()))) if given.fresh_env else Path(sys.executable)
        runs = (given.output or Path(workshop) / "runs").resolve()
        run_again(given.run.resolve(), config, manifests, python, runs)
        verdict = judge(given.run, runs / config.name, manifests)
    print(f"{given.run}: {verdict.name}", *verdict.lines, sep="\n")
    return 2 if verdict.name == "different" else 0


def read_first(folder: Path) -> tuple[RunConfig, dict[int, dict[str, Any]]]:
    """Return a run's config and the manifests of its finished seeds.

    Raises:
        InputError: no run, no finished seed or no report.
    """
    if not (folder / "config.yaml").is_file():
        raise InputError(f"{folder}: not a run folder (no config.yaml)")
    config = load_config(folder / "config.yaml")
    finished = [seed for seed in config.seeds if (folder / f"seed-{seed}" / "DONE").is_file()]
    if not finished or not (folder / "report.json").is_file():
        raise InputError(f"{folder}: not finished; complete it with train/run.py first")
    return config, {seed: read_json(folder / f"seed-{seed}" / "run.json") for seed in finished}


def check_output(first: Path, second: Path, config: RunConfig, manifests: Mapping[int, Mapping[str, Any]]) -> None:
    """Refuse to judge what is not trained now; a second run that was interrupted goes on.

    Raises:
        InputError: the second run would be the first one, or is complete already.
    """
    if second.resolve() == first.resolve():
        raise InputError(f"--output {second.parent}: {second} is the run that is judged; give a folder of its own")
    if is_complete(second, replace(config, seeds=list(manifests))):
        raise InputError(f"--output {second.parent}: {second} is complete, nothing would be run again; remove it, or give another folder")


def make_environment(workshop: Path, manifest: Mapping[str, Any]) -> Path:
    """Install what the project depends on into a virtual environment of its own and return its Python.

    Raises:
        InputError: the packages cannot be installed.
    """
    folder, pins = workshop / "venv", workshop / "constraints.txt"
    write_text(pins, pinned(read_text(ROOT / "constraints.txt"), manifest["versions"]))
    needed = tomllib.loads(read_text(ROOT / "pyproject.toml"))["project"]["dependencies"]
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True, env=environment())
    install = [str(folder / "bin/python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--constraint", str(pins)]
    done = subprocess.run([*install, *needed], env=environment(), capture_output=True, text=True, check=False)
    if done.returncode:
        reason = done.stderr.strip().splitlines()[-1:] or ["pip failed"]
        raise InputError(f"no fresh environment: {reason[0]}; give --no-fresh-env to use the packages that are installed here")
    return folder / "bin/python"


def pinned(constraints: str, versions: Mapping[str, str]) -> str:
    """Return the constraints with the versions that the manifest tells in place of today's."""
    for name, version in versions.items():
        constraints = re.sub(rf"^{re.escape(name)}==.*$", f"{name}=={version.partition('+')[0]}", constraints, flags=re.M)
    return constraints


def environment() -> dict[str, str]:
    """Return the environment of the second run: nothing of this one but where things are."""
    kept = {key: value for key, value in os.environ.items() if key in PASSED_ON or key.startswith(PASSED_PREFIXES)}
    return kept | {"HF_HUB_OFFLINE": "1", "LC_ALL": "C.UTF-8"}


def run_again(folder: Path, config: RunConfig, manifests: Mapping[int, Mapping[str, Any]], python: Path, runs: Path) -> None:
    """Train the finished seeds of a run once more, from another working directory.

    Raises:
        InputError: it did not end well.
    """
    manifest = next(iter(manifests.values()))
    several = ["-m", "torch.distributed.run", "--nproc-per-node", str(manifest["processes"])] if manifest.get("processes", 1) > 1 else []
    settings = ["--config", str(folder / "config.yaml"), "--name", config.name, "--seeds", ",".join(map(str, manifests))]
    settings += ["--trainer.threads", str(manifest["threads"]), "--runs", str(runs)]
    runs.mkdir(parents=True, exist_ok=True)
    done = subprocess.run([str(python), *several, str(ROOT / "train/run.py"), *settings], cwd=runs, env=environment(), check=False)
    if done.returncode:
        raise InputError(f"{folder}: running it again ended with exit code {done.returncode}")


def judge(first: Path, second: Path, manifests: Mapping[int, Mapping[str, Any]]) -> Verdict:
    """Compare two runs of one config: weights, predictions, reports, and where they come from."""
    lines, same_bits, same_labels = [], True, True
    origins: dict[str, str] = {}
    for seed, manifest in manifests.items():
        again = read_json(second / f"seed-{seed}" / "run.json")
        origins |= changes(manifest, again)
        weights = manifest["model_sha256"] == again["model_sha256"]
        bits, labels, rows = compare_predictions(first / f"seed-{seed}" / "predictions", second / f"seed-{seed}" / "predictions")
        same_bits, same_labels = same_bits and weights and bits, same_labels and labels == rows
        lines.append(
            f"seed {seed}: weights {'equal' if weights else 'differ'} ({str(manifest['model_sha256'])[:12]}, "
            f"{str(again['model_sha256'])[:12]}), {labels} of {rows} labels equal, probabilities {'equal' if bits else 'differ'}"
        )
    reports = [read_json(folder / "report.json") for folder in (first, second)]
    differing = [key for key in reports[0].keys() | reports[1].keys() if lasting(reports[0].get(key)) != lasting(reports[1].get(key))]
    differing = sorted(set(differing) - CHANGING)
    lines.append(f"report: {'differs in ' + ', '.join(differing) if differing else 'equal but for times'}")
    within, figures = compare_figures(*reports)
    lines += [*figures, f"changed since: {'; '.join(f'{key} ({text})' for key, text in origins.items()) or 'nothing'}"]
    names = {"identical": same_bits and not differing, "same labels": same_labels, "within interval": within, "different": True}
    return Verdict(next(name for name, holds in names.items() if holds), tuple(lines))


def compare_predictions(first: Path, second: Path) -> tuple[bool, int, int]:
    """Return whether all prediction files have the same bytes, how many labels are equal, and of how many."""
    bits, equal, total = True, 0, 0
    for path in sorted(first.glob("*.jsonl")):
        bits = bits and (second / path.name).is_file() and path.read_bytes() == (second / path.name).read_bytes()
        ours = {row.id: row.pred for row in read_rows(path, Prediction)}
        theirs = {row.id: row.pred for row in read_rows(second / path.name, Prediction)} if (second / path.name).is_file() else {}
        equal += sum(theirs.get(key) == label for key, label in ours.items())
        total += len(ours)
    return bits, equal, total


def compare_figures(first: Mapping[str, Any], second: Mapping[str, Any]) -> tuple[bool, list[str]]:
    """Return whether every split's macro-F1 lies in the first run's interval, and a line for each."""
    within, lines = True, []
    for name, split in first["splits"].items():
        before, now = split["macro_f1"], second["splits"].get(name, {}).get("macro_f1")
        low, high = before["ci95"] or (before["mean"], before["mean"])
        within = within and now is not None and low <= now["mean"] <= high
        figure = f"{now['mean']:.4f}" if now else "not scored"
        lines.append(f"{name}: macro-F1 {before['mean']:.4f} [{low:.4f}, {high:.4f}], now {figure}")
    return within, lines


def lasting(value: Any) -> Any:
    """Return a report's value without what tells times and places."""
    if isinstance(value, dict):
        kept = {key: each for key, each in value.items() if key not in CHANGING and not key.endswith(CHANGING_ENDS)}
        return {key: lasting(each) for key, each in kept.items()}
    return [lasting(each) for each in value] if isinstance(value, list) else value


if __name__ == "__main__":
    run_command(main)
