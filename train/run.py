"""Train, predict and report one experiment: python train/run.py --config base.yaml

More layers and settings may follow: --config experiments/pair.yaml --trainer.learning_rate 3e-5 --seeds 1,2,3
"""

import shutil
import sys
from pathlib import Path

if not __package__:
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from data.corpus import SPLITS, Corpus, load_corpus
from data.errors import run_command
from data.files import ROOT
from data.records import Example, read_rows
from train.config import RunConfig, build_parser, parse_config


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
    corpus = load_corpus(ROOT / config.data.corpus)
    splits = collect_splits(corpus, config)
    run(config, corpus, splits, Path(given.runs))


def collect_splits(corpus: Corpus, config: RunConfig) -> dict[str, list[Example]]:
    """Return the example rows of every split, and of the extra test file if the config names one."""
    context = config.data.context_sentences
    further = [name for name, ids in corpus.splits.items() if ids and name not in SPLITS]
    splits = {name: corpus.examples(name, context) for name in (*SPLITS, *further)}
    kept = corpus.splits["train"][: max(1, round(config.data.documents * len(corpus.splits["train"])))]
    splits["train"] = [row for row in splits["train"] if row.doc_id in set(kept)]
    if config.data.extra_test:
        path = Path(config.data.extra_test)
        splits[path.stem] = read_rows(path, Example)
    return splits


def run(config: RunConfig, corpus: Corpus, splits: dict[str, list[Example]], runs: Path) -> None:
    """Write the run folder stage by stage and print where its report is."""
    from eval.report import summary, write_report
    from train.baselines import score_baselines
    from train.runs import open_run, write_items
    from train.seed import run_seed

    folder = open_run(config, runs)
    write_items(folder, corpus, splits)
    score_baselines(folder, splits)
    for seed in config.seeds:
        run_seed(config, corpus, splits, seed, folder / f"seed-{seed}")
    print(summary(write_report(folder), folder))


if __name__ == "__main__":
    run_command(main)
