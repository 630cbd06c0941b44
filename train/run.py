"""Train, predict and report one experiment: python train/run.py --config base.yaml

More layers and settings may follow: --config experiments/pair.yaml --trainer.learning_rate 3e-5 --seeds 1,2,3
"""

import shutil
import sys
from pathlib import Path

if not __package__:
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from data.errors import run_command
from data.files import ROOT
from data.records import Example
from train.config import RunConfig, build_parser, parse_config
from train.sources import Source, collect_splits, load_source


def main() -> None:
    """Run every stage that is not done yet."""
    parser = build_parser(__doc__ or "")
    parser.add_argument("--runs", type=str, default=str(ROOT / "runs"), help="folder of all runs")
    parser.add_argument("--overwrite", action="store_true", help="replace a run of the same name")
    parser.add_argument("--print_config", action="store_true", help="print the resolved config and leave")
    config, given = parse_config(parser, sys.argv[1:])
    if given.print_config:
        print(config.to_yaml(), end="")
        return
    folder = Path(given.runs) / config.name
    if given.overwrite:
        shutil.rmtree(folder, ignore_errors=True)
    source = load_source(config.data)
    run(config, source, collect_splits(source, config.data), Path(given.runs))


def run(config: RunConfig, source: Source, splits: dict[str, list[Example]], runs: Path) -> None:
    """Write the run folder stage by stage and print where its report is."""
    from eval.report import summary, write_report
    from train.baselines import score_baselines
    from train.runs import open_run, write_items
    from train.seed import run_seed

    folder = open_run(config, runs)
    write_items(folder, source, splits)
    score_baselines(folder, splits)
    for seed in config.seeds:
        run_seed(config, source, splits, seed, folder / f"seed-{seed}")
    print(summary(write_report(folder), folder))


if __name__ == "__main__":
    run_command(main)
