"""Agreement between two annotations of the same documents: python data/agreement.py data/annotations/first data/annotations/second

Stance is ordinal (against < neutral < favor), so the headline is Krippendorff's alpha with interval distance; Cohen's
kappa stands beside it because readers know it.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

if not __package__:
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from nltk.metrics.agreement import AnnotationTask
from sklearn.metrics import cohen_kappa_score

from data.documents import Document, read_documents
from data.errors import InputError, InputFaults, run_command
from data.markup import UNLABELLED
from data.records import STANCE_ID, STANCES


@dataclass(frozen=True)
class Judgement:
    """One (sentence, actor) labelled by both annotators."""

    document: Document
    line: int
    actor: str
    phenomena: tuple[str, ...]
    first: str
    second: str


@dataclass(frozen=True)
class Agreement:
    """How far two annotators agree; alpha and kappa are None where one label covers everything."""

    n: int
    same: float
    alpha: float | None
    kappa: float | None


def pair_annotations(first: Sequence[Document], second: Sequence[Document]) -> list[Judgement]:
    """Pair the labels of two annotations of the same text.

    Raises:
        InputFaults: documents that only one side has, text or marked actors that differ, each with file and line.
    """
    others = {document.meta.id: document for document in second}
    faults = [
        f"{document.path}: {document.meta.id!r} is not annotated on the other side" for document in first if document.meta.id not in others
    ]
    missing = set(others) - {document.meta.id for document in first}
    faults += [f"{others[doc_id].path}: {doc_id!r} is not annotated on the other side" for doc_id in sorted(missing)]
    judgements: list[Judgement] = []
    for document in first:
        if document.meta.id in others:
            judgements += _pair_document(document, others[document.meta.id], faults)
    if faults:
        raise InputFaults(faults)
    return judgements


def shared_documents(first: Sequence[Document], second: Sequence[Document]) -> tuple[list[Document], list[Document]]:
    """Return the documents that both annotations have."""
    ids = {document.meta.id for document in first} & {document.meta.id for document in second}
    return [each for each in first if each.meta.id in ids], [each for each in second if each.meta.id in ids]


def _pair_document(document: Document, other: Document, faults: list[str]) -> list[Judgement]:
    if document.plain_text() != other.plain_text():
        faults.append(f"{other.path}: the text differs from {document.path}")
        return []
    judgements: list[Judgement] = []
    for sentence, twin in zip(document.sentences, other.sentences, strict=True):
        labels = {mention.actor: mention.stance for mention in twin.labelled}
        if labels.keys() != {mention.actor for mention in sentence.labelled}:
            faults.append(f"{other.path}:{twin.line}: the labelled actors differ from {document.path}:{sentence.line}")
            continue
        unlabelled = [
            f"{side.path}:{s.line}" for side, s in ((document, sentence), (other, twin)) for m in s.labelled if m.stance == UNLABELLED
        ]
        if unlabelled:
            faults += [f"{place}: a mark is still to be labelled (?)" for place in unlabelled]
            continue
        judgements += [
            Judgement(document, sentence.line, m.actor, sentence.marked.phenomena, str(m.stance), str(labels[m.actor]))
            for m in sentence.labelled
        ]
    return judgements


def measure(judgements: Sequence[Judgement]) -> Agreement:
    """Return raw agreement, Krippendorff's interval alpha (nltk) and Cohen's kappa (sklearn)."""
    first = [STANCE_ID[judgement.first] for judgement in judgements]
    second = [STANCE_ID[judgement.second] for judgement in judgements]
    same = sum(a == b for a, b in zip(first, second, strict=True)) / len(judgements)
    if len({*first, *second}) < 2:
        return Agreement(len(judgements), same, None, None)
    triples = [(coder, item, label) for coder, labels in (("first", first), ("second", second)) for item, label in enumerate(labels)]
    task = AnnotationTask(data=triples, distance=lambda a, b: float((a - b) ** 2))
    return Agreement(len(judgements), same, float(task.alpha()), float(cohen_kappa_score(first, second)))


def breakdown(judgements: Sequence[Judgement]) -> dict[str, Agreement]:
    """Measure agreement overall, per genre, per phenomenon and per class (labelled so by either annotator)."""
    groups: dict[str, list[Judgement]] = {"all": list(judgements)}
    for judgement in judgements:
        keys = [f"genre {judgement.document.meta.genre}", f"setting {judgement.document.meta.setting}"]
        keys += [f"phenomenon {name}" for name in judgement.phenomena]
        for key in keys:
            groups.setdefault(key, []).append(judgement)
    table = {key: measure(groups[key]) for key in sorted(groups)}
    for stance in STANCES:
        table[f"class {stance}"] = _measure_class(judgements, stance)
    return table


def _measure_class(judgements: Sequence[Judgement], stance: str) -> Agreement:
    """Agreement on one class against the rest; `same` is the share of items both gave it among those either did."""
    first = [judgement.first == stance for judgement in judgements]
    second = [judgement.second == stance for judgement in judgements]
    either = sum(a or b for a, b in zip(first, second, strict=True))
    both = sum(a and b for a, b in zip(first, second, strict=True))
    kappa = float(cohen_kappa_score(first, second)) if len({*first, *second}) > 1 else None
    return Agreement(either, both / either if either else 1.0, None, kappa)


def format_table(table: dict[str, Agreement]) -> str:
    """Lay the measures out as a plain table."""
    lines = [f"{'':34}{'n':>7}{'same':>8}{'alpha':>8}{'kappa':>8}"]
    for key, row in table.items():
        figures = "".join(f"{value:8.3f}" if value is not None else f"{'-':>8}" for value in (row.alpha, row.kappa))
        lines.append(f"{key:34}{row.n:7d}{row.same:8.3f}{figures}")
    return "\n".join(lines)


def disagreements(judgements: Iterable[Judgement]) -> list[str]:
    """Name every disagreement with file and line."""
    return [
        f"{judgement.document.path}:{judgement.line}: {judgement.actor}: {judgement.first} / {judgement.second}"
        for judgement in judgements
        if judgement.first != judgement.second
    ]


def main() -> None:
    """Print the agreement table, and with --list every disagreement."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False)
    parser.add_argument("first", type=Path, help="folder of annotated documents")
    parser.add_argument("second", type=Path, help="folder of the same documents, annotated by another")
    parser.add_argument("--list", action="store_true", help="list every disagreement with file and line")
    parser.add_argument("--shared", action="store_true", help="compare the documents that both have, where one side annotated fewer")
    given = parser.parse_args()
    first, second = read_documents(given.first), read_documents(given.second)
    if given.shared:
        first, second = shared_documents(first, second)
    judgements = pair_annotations(first, second)
    if not judgements:
        raise InputError(f"{given.first}: nothing is labelled")
    if given.list:
        print("\n".join(disagreements(judgements)))
    print(format_table(breakdown(judgements)))
    kinds = Counter(f"{judgement.first} -> {judgement.second}" for judgement in judgements if judgement.first != judgement.second)
    print("disagreements (first -> second): " + (", ".join(f"{kind} {n}" for kind, n in kinds.most_common()) or "none"))


if __name__ == "__main__":
    run_command(main)
