"""Which sentences to label next: python train/select.py --run runs/base --input my-issue --output next.txt

Ranks what has no stance yet by how unsure the run is and by how much it differs from what stands above it. The input is a corpus folder
or documents with `?` marks (.md), example rows (.jsonl), or articles (.txt, a folder). --output writes, by its ending: .txt document
ids for `--documents` of data/label_studio.py, data/spreadsheet.py and data/sheets.py; .jsonl example rows; .csv a table of sentences.
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if not __package__:
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

import numpy as np

from data.cells import write_table
from data.documents import Document, read_document, read_documents
from data.errors import InputError, nearest, printable, run_command, seed_argument
from data.files import write_jsonl, write_text
from data.published import together
from data.records import Example, read_rows

if TYPE_CHECKING:
    from train.acquisition import Candidate
    from train.loading import OpenRun

OUTPUTS = (".txt", ".jsonl", ".csv")
MEASURES = ("entropy", "margin")
COLUMNS = ("rank", "doc_id", "sent_id", "uncertainty", "actors", "sentence")
SHOWN = 20


@dataclass(frozen=True)
class Scored:
    """What is to be ranked: rows without a stance and what the run says of them, shape (n, 3)."""

    run: "OpenRun"
    rows: list[Example]
    probabilities: np.ndarray


@dataclass(frozen=True)
class Ranked:
    """A candidate in its place, and how unsure the run is of it: 0 sure, 1 a guess."""

    candidate: "Candidate"
    uncertainty: float

    def cells(self, place: int) -> tuple[str, ...]:
        """Return the candidate as a row of the table."""
        first, actors = self.candidate.rows[0], " | ".join(row.mention for row in self.candidate.rows)
        return str(place), first.doc_id, str(first.sent_id), f"{self.uncertainty:.3f}", actors, first.text


def main() -> None:
    """Score, rank, print and write."""
    given = parse()
    scored = score_articles(given.run, given.input) if holds_articles(given.input) else score_rows(given.run, given.input)
    documents = bool(given.output and given.output.suffix == ".txt")
    ranked = rank_candidates(scored, given, documents=documents)
    if given.output:
        write_ranked(given.output, ranked)
    print_ranked(ranked, f"{len(scored.rows)} labels to give, most wanted {'documents' if documents else 'sentences'} first")


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False)
    parser.add_argument("--run", type=Path, required=True, help="run folder, e.g. runs/base")
    parser.add_argument("--input", type=Path, required=True, metavar="PATH", help="corpus folder, .md, .jsonl, .txt or a folder of .txt")
    parser.add_argument("--output", type=Path, help="file to write: .txt (ranks documents), .jsonl or .csv (rank sentences)")
    parser.add_argument("--number", type=int, default=100, help="how many to choose (default: 100)")
    parser.add_argument("--uncertainty", choices=MEASURES, default="entropy", help="of the stance's probabilities (default: entropy)")
    parser.add_argument("--seed", type=seed_argument, default=1, help="of the draw (default: 1)")
    given = parser.parse_args()
    if given.output and given.output.suffix not in OUTPUTS:
        raise InputError(f"--output {given.output}: expected {', '.join(OUTPUTS)}{nearest(given.output.suffix, OUTPUTS)}")
    if given.number < 1:
        raise InputError(f"--number {given.number}: expected 1 or more")
    return given


def holds_articles(path: Path) -> bool:
    """Tell articles from rows and documents; beside articles there may be other files, and a corpus folder keeps its articles too."""
    if path.is_dir():
        return not (path / "corpus").is_dir() and any(path.rglob("*.txt"))
    return path.suffix not in {".md", ".jsonl"}


def score_articles(run: Path, path: Path) -> Scored:
    """Find the actors of articles and score each actor's first mention in a sentence, the one that is labelled."""
    from train.predict import collect_articles, find_inputs

    texts = collect_articles(find_inputs([str(path)]))
    from train.reading import load

    reader = load(run)
    scored = [(row, each) for reading in reader.read_many(texts) for row, each in zip(reading.rows, reading.probs, strict=True)]
    return Scored(reader.run, [row for row, _ in scored], np.array([each for _, each in scored]))


def score_rows(run: Path, path: Path) -> Scored:
    """Score the rows of a file, or the marks of documents, that have no stance; those of a sentence together.

    Raises:
        InputError: there are none, or faulty files.
    """
    from train.loading import find_seed, open_run

    context_sentences = find_seed(run)[0].data.context_sentences
    if path.suffix == ".jsonl":
        rows = read_rows(path, Example)
    else:
        rows = [row for document in open_documents(path) for row in document.examples(context_sentences)]
    left = together(row for row in rows if row.stance is None)
    if not left:
        raise InputError(f"--input {path}: nothing to rank, each of its {len(rows)} marks has a stance; ? marks what is to be labelled")
    opened = open_run(run)
    return Scored(opened, left, opened.probabilities(left))


def open_documents(path: Path) -> list[Document]:
    """Read one document, those of a corpus folder, or those of any folder."""
    if path.suffix == ".md":
        return [read_document(path)]
    return read_documents(path / "corpus" if (path / "corpus").is_dir() else path)


def rank_candidates(scored: Scored, given: argparse.Namespace, *, documents: bool) -> list[Ranked]:
    """Return sentences or documents, the one to label first in front."""
    from train.acquisition import UNCERTAINTY, by_document, by_sentence, mean_of, rank
    from train.embedding import embed
    from train.torch_backend import TorchScorer

    assert isinstance(scored.run.scorer, TorchScorer)
    candidates = (by_document if documents else by_sentence)(scored.rows)
    uncertainty = mean_of(UNCERTAINTY[given.uncertainty](scored.probabilities), candidates)
    vectors = embed(scored.run.scorer, [row.text for row in scored.rows], scored.run.config.model.max_length)
    order = rank(uncertainty, mean_of(vectors, candidates), given.number, given.seed)
    return [Ranked(candidates[index], float(uncertainty[index])) for index in order]


def write_ranked(path: Path, ranked: Sequence[Ranked]) -> None:
    """Write the candidates in labelling order, in the format that the file's ending names."""
    if path.suffix == ".txt":
        write_text(path, "".join(f"{each.candidate.rows[0].doc_id}\n" for each in ranked))
    elif path.suffix == ".jsonl":
        write_jsonl(path, (row.model_dump(exclude_none=True) for each in ranked for row in each.candidate.rows))
    else:
        write_table(path, COLUMNS, [each.cells(place) for place, each in enumerate(ranked, 1)])


def print_ranked(ranked: Sequence[Ranked], title: str) -> None:
    """Print the first of them, a line each."""
    print(title)
    for place, each in enumerate(ranked[:SHOWN], 1):
        _, doc_id, sent_id, uncertainty, _, sentence = map(printable, each.cells(place))
        print(f"{place:4d}  {uncertainty}  {doc_id}:{sent_id}  {sentence if len(sentence) < 90 else sentence[:87] + '...'}")
    if len(ranked) > SHOWN:
        print(f"      and {len(ranked) - SHOWN} more")


if __name__ == "__main__":
    run_command(main)
