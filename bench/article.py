"""Whether a reader of the seed article would agree: python bench/article.py --run runs/base

Finds the article's actors and judges them as train/predict.py does, and compares with the marks of the annotated copy: mention
recall and precision, and how many of the ten most mentioned actors get the verdict that their marks give.
"""

import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

if not __package__:
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from bench.record import Line, record
from bench.repeat import bench_parser
from data.corpus import Corpus, load_corpus
from data.documents import Document
from data.errors import InputError, run_command
from data.records import STANCES, Example
from train.backends import BACKENDS
from train.reading import Reading, load

RECALL, PRECISION, ACTORS, RIGHT = 0.9, 0.85, 10, 9.0


def main() -> None:
    """Measure, judge and record."""
    parser = bench_parser(__doc__)
    parser.add_argument("--backend", choices=BACKENDS, default="torch", help="what reads the article (default: torch)")
    given = parser.parse_args()
    reader = load(given.run, backend=given.backend)
    corpus = load_corpus(reader.run.corpus_folder)
    document = single_document(corpus)
    reading = reader.read("\n".join(sentence.text for sentence in document.sentences), document.meta.id)
    marked, found = marked_spans(document), found_spans(reading)
    hits = len(marked & found)
    gold = gold_verdicts(corpus.examples("seeds", 0))
    right = [actor for actor, stance in gold.items() if actor in reading.by_actor and reading.by_actor[actor].stance == stance]
    lines = [
        Line("mention recall, exact spans", hits / len(marked), "", RECALL),
        Line("mention precision, exact spans", hits / max(1, len(found)), "", PRECISION),
        Line(f"right verdicts among the {ACTORS} most mentioned actors", len(set(list(gold)[:ACTORS]) & set(right)), "", RIGHT),
        Line(f"right verdicts among all {len(gold)} actors", len(right), ""),
    ]
    details = {"what": f"seed article, {given.run}, {given.backend}", "verdicts": compare_verdicts(gold, reading), "quick": given.quick}
    record(given.output, "article", lines, details)


def single_document(corpus: Corpus) -> Document:
    """Return the only document of the split seeds.

    Raises:
        InputError: there are several, or it has no mark to compare with.
    """
    documents = corpus.split("seeds")
    if len(documents) != 1 or not marked_spans(documents[0]):
        raise InputError(f"{corpus.folder / 'splits.json'}: seeds: expected one document with marks, got {len(documents)} documents")
    return documents[0]


def marked_spans(document: Document) -> set[tuple[int, int, int]]:
    """Return sentence number, start and end of every mark."""
    return {
        (number, mention.start, mention.end)
        for number, sentence in enumerate(document.sentences, 1)
        for mention in sentence.marked.mentions
    }


def found_spans(reading: Reading) -> set[tuple[int, int, int]]:
    """Return sentence number, start and end of every mention found."""
    starts = [sentence.start for sentence in reading.article.sentences]
    return {(each.sentence, each.start - starts[each.sentence - 1], each.end - starts[each.sentence - 1]) for each in reading.mentions}


def gold_verdicts(rows: Sequence[Example]) -> dict[str, str]:
    """Return each actor's verdict by its marks, most mentioned first: the more frequent side; neutral without one."""
    counts: dict[str, Counter[str]] = {}
    for row in rows:
        counts.setdefault(row.actor, Counter())[row.stance or "neutral"] += 1
    against, neutral, favor = STANCES
    order = sorted(counts, key=lambda actor: (-counts[actor].total(), actor))
    sides = {actor: counts[actor][favor] - counts[actor][against] for actor in order}
    return {actor: favor if side > 0 else against if side < 0 else neutral for actor, side in sides.items()}


def compare_verdicts(gold: Mapping[str, str], reading: Reading) -> dict[str, str]:
    """Return for each actor the verdict by its marks and, where it differs, the one that was read."""
    read = {actor: reading.by_actor[actor].stance if actor in reading.by_actor else "not found" for actor in gold}
    return {actor: stance if read[actor] == stance else f"{stance}, read as {read[actor]}" for actor, stance in gold.items()}


if __name__ == "__main__":
    run_command(main)
