"""Every check on a corpus, one line per fault, then its table of sizes, shares, agreement, leaks and artefacts.

    python data/validate.py            checks data/
    python data/validate.py my-issue   checks another corpus folder

Exit code 2 if there is a fault.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import combinations
from pathlib import Path

if not __package__:
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from data import artefacts
from data.agreement import measure, pair_annotations, shared_documents
from data.corpus import SPLITS, Corpus, load_corpus
from data.documents import Document, read_documents
from data.drafts import is_begun
from data.errors import InputError, InputFaults, nearest, run_command
from data.files import ROOT, read_object, read_text
from data.leaks import duplicate_documents, duplicate_sentences
from data.markup import PHENOMENA
from data.records import STANCES


def faults(corpus: Corpus, seeds: Path) -> list[str]:
    """Return every fault that loading alone does not find."""
    return [*seed_faults(corpus, seeds), *source_faults(corpus), *duplicate_faults(corpus), *layer_faults(corpus)]


def seed_faults(corpus: Corpus, seeds: Path) -> Iterator[str]:
    """Check that every seed document, markup removed, equals its source and stands in the seeds split alone."""
    sources = {path.name: read_text(path).strip() for path in sorted(seeds.glob("*.txt"))}
    for document in corpus.documents:
        is_seed = document.meta.origin == "seed"
        if is_seed and document.plain_text().strip() not in sources.values():
            yield f"{document.path}: its text, markup removed, equals no file in {seeds}"
        if is_seed != (document.meta.id in corpus.splits.get("seeds", ())):
            yield f"{document.path}: the seeds split holds seed documents and nothing else"


def source_faults(corpus: Corpus) -> Iterator[str]:
    """Check that labelling changed no word of a collected document whose source lies in the corpus's `articles` folder."""
    for document in corpus.documents:
        source = corpus.folder / "articles" / f"{document.meta.id}.txt"
        if document.meta.origin == "collected" and source.is_file() and document.plain_text().split() != read_text(source).split():
            yield f"{document.path}: its text, markup removed, differs from {source}"


def duplicate_faults(corpus: Corpus) -> Iterator[str]:
    """Name near-duplicate sentences and documents, and say where they leak across splits."""
    split_of = {doc_id: name for name, ids in corpus.splits.items() for doc_id in ids}
    for first, second, similarity in duplicate_sentences(corpus.documents):
        leak = split_of.get(first.document.meta.id) != split_of.get(second.document.meta.id)
        yield f"{second}: {'leak across splits, ' if leak else ''}near-duplicate ({similarity:.2f}) of {first}"
    for one, other, similarity in duplicate_documents(corpus.documents):
        yield f"{other.path}: near-duplicate document ({similarity:.2f}) of {one.path}"


def layer_faults(corpus: Corpus) -> Iterator[str]:
    """Check that every annotation layer labels the same actors in the same text as the corpus; it may cover a part of it."""
    for layer in annotation_layers(corpus):
        labelled = [document for document in read_documents(layer) if not document.open_lines]
        for document in labelled:
            if document.meta.id not in corpus.by_id:
                yield f"{document.path}: the corpus has no document {document.meta.id!r}{nearest(document.meta.id, corpus.by_id)}"
        try:
            pair_annotations(*shared_documents(corpus.finished, labelled))
        except InputFaults as error:
            yield from error.faults


def annotation_layers(corpus: Corpus) -> list[Path]:
    """Return the folders of single annotators' labels beside the corpus."""
    return sorted(path for path in (corpus.folder / "annotations").glob("*") if path.is_dir())


def report(corpus: Corpus, runs: Path = ROOT / "runs") -> str:
    """Return the corpus's figures as plain text; what needs labels or splits is left out until there are some."""
    sections = [progress(corpus), sizes(corpus), shares(corpus.finished), phenomena(corpus.finished), agreement(corpus)]
    if all(corpus.splits.get(name) for name in SPLITS):
        sections += [splits(corpus), blind_figures(corpus, runs)]
    return "\n\n".join(section for section in sections if section)


def progress(corpus: Corpus) -> str:
    """Tell how much is still to be labelled, and where to go on; empty when all is."""
    to_do = [(document, document.open_lines) for document in corpus.documents if document.open_lines]
    if not to_do:
        return ""
    first, lines = next((each for each in to_do if is_begun(each[0])), to_do[0])
    done = len(corpus.documents) - len(to_do)
    marks = sum(len(lines) for _, lines in to_do)
    return f"labelled  {done} of {len(corpus.documents)} documents, {marks} marks to go; go on at {first.path}:{lines[0]}"


def sizes(corpus: Corpus) -> str:
    """Count documents, sentences and labels by where the text comes from."""
    lines = []
    for name in sorted({document.meta.origin for document in corpus.finished}, reverse=True):
        documents = [document for document in corpus.finished if document.meta.origin == name]
        sentences = [sentence for document in documents for sentence in document.sentences]
        labels = sum(len(sentence.labelled) for sentence in sentences)
        lines.append(f"{name:10}{len(documents):6} documents {len(sentences):6} sentences {labels:6} labels")
    return "\n".join(lines)


def shares(documents: Sequence[Document]) -> str:
    """Tabulate the shares of classes, genres and settings, and of sentences with two opposite stances."""
    counted = [document for document in documents if document.meta.origin != "seed"]
    if not counted:
        return ""
    labels = [[m.stance for m in s.labelled] for d in counted for s in d.sentences]
    bearing = [stances for stances in ([x for x in row if x != "neutral"] for row in labels) if len(stances) > 1]
    opposite = sum(len(set(stances)) > 1 for stances in bearing) / max(1, len(bearing))
    rows: list[tuple[str, Counter[str | None]]] = [
        ("class", Counter(stance for row in labels for stance in row)),
        ("genre", Counter(document.meta.genre for document in counted)),
        ("setting", Counter(document.meta.setting for document in counted)),
    ]
    lines = []
    for name, counts in rows:
        lines.append(f"{name:10}" + ", ".join(f"{key} {count} ({count / counts.total():.0%})" for key, count in counts.most_common()))
    return "\n".join([*lines, f"opposite stances in {opposite:.0%} of the {len(bearing)} sentences with two or more stance-bearers"])


def phenomena(documents: Sequence[Document]) -> str:
    """Count the sentences of every phenomenon."""
    counts = Counter(name for document in documents for sentence in document.sentences for name in sentence.marked.phenomena)
    return "phenomena " + ", ".join(f"{name} {counts[name]}" for name in PHENOMENA) if counts else ""


def agreement(corpus: Corpus) -> str:
    """Measure how far the annotation layers agree, pair by pair, on the documents that both have finished."""
    finished = {path: [each for each in read_documents(path) if not each.open_lines] for path in annotation_layers(corpus)}
    lines = []
    for one, other in combinations(finished, 2):
        judgements = pair_annotations(*shared_documents(finished[one], finished[other]))
        if not judgements:
            continue
        result = measure(judgements)
        lines.append(
            f"agreement {one.name} / {other.name}: {figure(result.alpha)} alpha (interval), {figure(result.kappa)} kappa, n {result.n}"
        )
    return "\n".join(lines)


def splits(corpus: Corpus) -> str:
    """Tabulate the splits and how much of the test split's actors training has seen."""
    lines = []
    seen = {row.actor for row in corpus.examples("train")}
    for name, ids in corpus.splits.items():
        rows = corpus.examples(name) if ids else []
        unseen = {row.actor for row in rows} - seen
        counts = Counter(row.stance for row in rows)
        shares = " ".join(f"{stance} {counts[stance] / max(1, len(rows)):.0%}" for stance in STANCES)
        lines.append(f"{name:10}{len(ids):6} documents {len(rows):6} labels  {shares}  actors unseen in train {len(unseen)}")
    return "\n".join(lines)


def blind_figures(corpus: Corpus, runs: Path) -> str:
    """Measure what the corpus gives away without being read."""
    train, test = corpus.examples("train"), corpus.examples("test")
    lines = [
        f"{kind:14}macro-F1 {artefacts.blind_macro_f1(kind, train, test):.3f} on test" for kind in ("actor_only", "sentence_only", "tfidf")
    ]
    if best := best_run(corpus, runs):
        lines.append(f"{best[0]:14}macro-F1 {best[1]:.3f} on test")
    found = artefacts.giveaways(train)
    lines.append(f"giveaway words {len(found.words)}, covering {found.covered:.1%} of the favor and against labels")
    lines.append(variety_line("vocabulary", [sentence.text for document in corpus.documents for sentence in document.sentences]))
    return "\n".join(lines)


def best_run(corpus: Corpus, runs: Path) -> tuple[str, float] | None:
    """Return name and test macro-F1 of the best run that was trained on the corpus as it is now."""
    found = [_test_score(path, corpus.fingerprint()) for path in sorted(runs.glob("*/report.json"))]
    return max((each for each in found if each), key=lambda each: each[1], default=None)


def _test_score(path: Path, fingerprint: str) -> tuple[str, float] | None:
    """Read a run's name and test macro-F1; None for a run on other data, and for a file that is no report of ours."""
    try:
        report = read_object(path)
        score = float(report["splits"]["test"]["macro_f1"]["mean"])
        return (f"runs/{report['name']}", score) if report["data_fingerprint"] == fingerprint else None
    except (InputError, KeyError, TypeError, ValueError):
        return None


def variety_line(name: str, texts: Sequence[str]) -> str:
    """Lay out the variety of some texts."""
    measured = artefacts.variety(texts)
    return f"{name}: {measured.types} types in {measured.tokens} running words, distinct bigrams {measured.distinct_bigrams:.3f}"


def figure(value: float | None) -> str:
    """Format a figure that may be undefined."""
    return "-" if value is None else f"{value:.3f}"


def main() -> int:
    """Print faults and figures; 2 if there are faults."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False)
    parser.add_argument("folder", type=Path, nargs="?", default=Path("data"), help="corpus folder (default: data)")
    parser.add_argument("--seeds", type=Path, default=ROOT / "seeds", help="folder of the sources of seed documents (default: seeds)")
    parser.add_argument("--runs", type=Path, default=ROOT / "runs", help="folder of runs; the best one on this corpus is named")
    given = parser.parse_args()
    corpus = load_corpus(given.folder)
    found = faults(corpus, given.seeds)
    if found:
        print("\n".join(found), file=sys.stderr)
    print(report(corpus, given.runs))
    print(f"\nfaults    {len(found)} (of them leaks across splits: {sum('leak across' in fault for fault in found)})")
    return 2 if found else 0


if __name__ == "__main__":
    run_command(main)
