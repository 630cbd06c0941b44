"""Who stands where: python train/predict.py --run runs/base --input seeds/000_83f43f7003ad4c7c.txt

The input is an article (.txt, or - for standard input) or example rows (.jsonl). Prints a table of actors and, with
--output, writes one prediction row per actor and sentence.
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

if not __package__:
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

import numpy as np

from data.articles import article_examples, read_article
from data.errors import InputError, run_command
from data.files import write_jsonl
from data.records import STANCES, Example, read_rows
from data.registry import Registry, read_registry

TARGET = "the missile shield"


def main() -> None:
    """Read the input, predict, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False)
    parser.add_argument("--run", type=Path, required=True, help="run folder, e.g. runs/base")
    parser.add_argument("--input", required=True, help="article (.txt or -) or example rows (.jsonl)")
    parser.add_argument("--output", type=Path, help="write prediction rows to this JSONL file")
    parser.add_argument("--seed", type=int, help="seed to use (default: the first finished one)")
    given = parser.parse_args()

    from train.loading import open_run
    from train.runs import prediction_rows
    from train.transformer import predict

    if given.input != "-" and not Path(given.input).is_file():
        raise InputError(f"--input {given.input}: no such file")
    run = open_run(given.run, given.seed)
    registry = read_registry(run.corpus_folder / "actors.yaml")
    rows = read_input(given.input, registry, run.config.data.context_sentences)
    probabilities = predict(run.model, run.tokenizer, run.reader, rows) ** (1 / run.temperature)
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    if given.output:
        write_jsonl(given.output, prediction_rows(rows, probabilities))
    print_actors(rank_actors(rows, probabilities, registry), run.threshold)


def read_input(name: str, registry: Registry, context_sentences: int) -> list[Example]:
    """Return example rows from a file of rows, an article, or an article on standard input.

    Raises:
        InputError: faulty rows, or an article that names no actor of the registry.
    """
    if name.endswith(".jsonl"):
        return read_rows(Path(name), Example)
    text = sys.stdin.read() if name == "-" else read_article(Path(name))
    doc_id = "stdin" if name == "-" else Path(name).stem
    rows = article_examples(text, doc_id, registry, TARGET, context_sentences)
    if not rows:
        raise InputError(f"{name}: names no actor of actors.yaml; add aliases there, or give example rows (.jsonl)")
    return rows


@dataclass(frozen=True)
class Standing:
    """An actor over all its sentences: mean probabilities, in the order of STANCES, and the clearest sentence."""

    actor: str
    name: str
    sentences: int
    shares: tuple[float, ...]
    stance: str
    confidence: float
    evidence: str


def rank_actors(rows: Sequence[Example], probabilities: np.ndarray, registry: Registry) -> list[Standing]:
    """Sum up each actor: a stance is attributed where some sentence attributes it, so the strongest side of all sentences decides."""
    standings: list[Standing] = []
    for actor in dict.fromkeys(row.actor for row in rows):
        mine = [index for index, row in enumerate(rows) if row.actor == actor]
        shares = probabilities[mine].mean(axis=0)
        against, _, favor = probabilities[mine].sum(axis=0)
        counts = [int((probabilities[mine].argmax(axis=1) == index).sum()) for index in range(len(STANCES))]
        side = 0 if (counts[0], against) > (counts[2], favor) else 2
        chosen = side if counts[side] else 1
        best = max(mine, key=lambda index: probabilities[index][chosen])
        name = registry[actor].name if actor in registry else actor
        confidence = float(probabilities[best][chosen])
        standings.append(Standing(actor, name, len(mine), tuple(shares), STANCES[chosen], confidence, rows[best].text))
    return sorted(standings, key=lambda standing: (-standing.sentences, standing.name))


def print_actors(standings: Sequence[Standing], threshold: float) -> None:
    """Print the table of who stands where."""
    from rich.console import Console
    from rich.table import Table

    colours = {"against": "red", "neutral": "dim", "favor": "cyan"}
    table = Table(title=f"stance toward {TARGET}", title_justify="left")
    for heading in ("actor", "stance", "confidence", "sentences", "clearest sentence"):
        table.add_column(heading, justify="right" if heading in {"confidence", "sentences"} else "left", overflow="fold")
    for standing in standings:
        unsure = " (unsure)" if standing.confidence < threshold else ""
        stance = f"[{colours[standing.stance]}]{standing.stance}[/]{unsure}"
        evidence = standing.evidence if len(standing.evidence) < 90 else standing.evidence[:87] + "..."
        table.add_row(standing.name, stance, f"{standing.confidence:.2f}", str(standing.sentences), evidence)
    Console().print(table)


if __name__ == "__main__":
    run_command(main)
