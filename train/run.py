"""Train, predict and report one experiment: python train/run.py --config base.yaml

More layers and settings may follow: --config experiments/pair.yaml --trainer.learning_rate 3e-5 --seeds 1,2,3
An interrupted run is continued by the same command; several processes share a run under torchrun (docs/scale-out.md).
"""

import shlex
import sys
from contextlib import nullcontext
from pathlib import Path

if not __package__:
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from data.errors import InputError, run_command
from data.files import ROOT, read_json
from data.records import Example
from train.config import build_parser, load_config, parse_config
from train.interrupts import INTERRUPTS, Interrupted
from train.ranks import is_first, rank, wait_for_all
from train.settings import RunConfig
from train.sources import Source, collect_splits, draw_labels, load_source
from train.teachers import check_learned

PRINT = "--print_config"
"""Read before the parser sees it: jsonargparse takes the name for its own."""


def main() -> None:
    """Run every stage that is not done yet."""
    INTERRUPTS.listen()
    parser = build_parser(__doc__ or "")
    parser.add_argument("--runs", type=str, default=str(ROOT / "runs"), help="folder of all runs")
    parser.add_argument("--overwrite", action="store_true", help="replace a run of the same name")
    parser.add_argument("--save_seconds", type=float, default=300.0, help="a checkpoint within an epoch this often (default: 300)")
    parser.add_argument(PRINT, action="store_true", help="print the resolved config and leave")
    config, given = parse_config(parser, [argument for argument in sys.argv[1:] if argument != PRINT])
    if PRINT in sys.argv:
        print(config.to_yaml(), end="")
        return
    try:
        source = load_source(config.data)
        splits = collect_splits(source, config.data)
        check_learned(config, source.fingerprint())
        run(config, source, splits, Path(given.runs).resolve() / config.name, overwrite=given.overwrite, save_seconds=given.save_seconds)
    except KeyboardInterrupt as error:
        again = [argument for argument in sys.argv if argument != "--overwrite"]
        raise Interrupted(f"{error or 'interrupted'}; to continue: {shlex.join(['python', *again])}") from None


def run(config: RunConfig, source: Source, splits: dict[str, list[Example]], folder: Path, *, overwrite: bool, save_seconds: float) -> None:
    """Open the run folder, for the first of several processes alone, and complete it."""
    from train.faults import explained
    from train.requirements import check_requirements
    from train.run_lock import clear, holding
    from train.runs import is_complete, open_run

    if overwrite or not is_complete(folder, config):
        check_requirements(config)
    with holding(folder) if is_first() else nullcontext(), explained(config, folder):
        if is_first():
            if overwrite:
                clear(folder)
            open_run(config, folder, source.fingerprint())
        wait_for_all()
        if not (folder / "config.yaml").is_file():
            raise InputError(f"{folder}: not seen by process {rank()}; runs must lie where all hosts see them")
        complete(load_config(folder / "config.yaml"), source, splits, folder, save_seconds)


def complete(config: RunConfig, source: Source, splits: dict[str, list[Example]], folder: Path, save_seconds: float) -> None:
    """Do every stage that is not done yet and print where the report is; a complete run is left as it is."""
    from eval.report import summary, write_report
    from train.baselines import score_baselines
    from train.detection import write_marks
    from train.process import prepare_process
    from train.runs import is_complete, write_items
    from train.seed import run_seed

    kept = is_complete(folder, config)
    prepare_process(config.trainer.threads)
    if is_first() and not kept:
        write_items(folder, source, splits)
        if config.model.detect_actors:
            write_marks(folder, source, splits, config.data.context_sentences)
        drawn = draw_labels(splits["train"], config.data.labels_per_class, config.seeds[0])
        score_baselines(folder, splits | {"train": drawn})
    for seed in config.seeds:
        run_seed(config, source, splits, seed, folder / f"seed-{seed}", save_seconds)
    if is_first():
        print(summary(read_json(folder / "report.json") if kept else write_report(folder), folder))


if __name__ == "__main__":
    run_command(main)
