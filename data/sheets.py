"""Blind second labelling without a server: sheets that show the marked text but no label, and answers read back.

    python data/sheets.py make data --output sheets
    python data/sheets.py read data sheets/answers-*.txt --annotator ann2 --output data/annotations/second

Both take `--documents FILE`, a file of document ids in labelling order, such as train/select.py writes.
An answer line is `document-id sentence letters`, one letter (a, n, f) for each numbered mark of the sentence: `w-talks 3 ann`.
"""

import argparse
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

if not __package__:
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from data.assignment import choose_documents
from data.documents import Document, Sentence, format_document, read_documents, relabel
from data.errors import InputError, InputFaults, nearest, run_command
from data.files import check_output, read_text, write_text
from data.labelling import check_annotator, open_workspace

LETTERS = {"a": "against", "n": "neutral", "f": "favor"}
Labels = dict[tuple[int, str], str]


def format_sheet(document: Document) -> str:
    """Show a document's sentences with numbered marks and no labels."""
    header = f"## {document.meta.id} ({document.meta.genre}; stance toward: {document.meta.target})"
    return "\n".join([header, *(f"{sentence.sent_id}. {_numbered(sentence)}" for sentence in document.sentences)]) + "\n"


def _numbered(sentence: Sentence) -> str:
    parts: list[str] = []
    position = 0
    for number, mention in enumerate(sentence.labelled, 1):
        parts += [sentence.text[position : mention.start], f"[{mention.text}]({number} {mention.actor})"]
        position = mention.end
    return "".join([*parts, sentence.text[position:]])


def read_answers(paths: Iterable[Path], documents: Sequence[Document]) -> dict[str, Labels]:
    """Read answer files into labels of (sent_id, actor) by document id.

    Raises:
        InputFaults: unknown documents or sentences, a wrong number of letters, unknown letters, missing or doubled sentences.
    """
    expected = {(doc.meta.id, s.sent_id): [m.actor for m in s.labelled] for doc in documents for s in doc.sentences if s.labelled}
    answers: dict[str, Labels] = {}
    seen: set[tuple[str, int]] = set()
    faults: list[str] = []
    for place, doc_id, number, letters in _answer_lines(paths, faults):
        actors = expected.get((doc_id, number))
        if actors is None:
            known = {name for name, _ in expected}
            faults.append(f"{place}: no labelled sentence {number} in {doc_id!r}{nearest(doc_id, known) if doc_id not in known else ''}")
        elif len(letters) != len(actors) or set(letters) - LETTERS.keys():
            faults.append(f"{place}: {letters!r}: expected {len(actors)} letters out of a, n, f")
        elif (doc_id, number) in seen:
            faults.append(f"{place}: sentence {number} of {doc_id!r} is answered twice")
        else:
            seen.add((doc_id, number))
            answers.setdefault(doc_id, {}).update({(number, actor): LETTERS[letter] for actor, letter in zip(actors, letters, strict=True)})
    faults += [f"{doc_id}: sentence {number} is not answered" for doc_id, number in sorted(expected.keys() - seen)]
    if faults:
        raise InputFaults(faults)
    return answers


def _answer_lines(paths: Iterable[Path], faults: list[str]) -> Iterator[tuple[str, str, int, str]]:
    for path in paths:
        for row, line in enumerate(read_text(path).split("\n"), 1):
            fields = line.split()
            if not fields or line.startswith("#"):
                continue
            if len(fields) != 3 or not fields[1].isdecimal():
                faults.append(f"{path}:{row}: expected `document-id sentence letters`, got {line!r}")
                continue
            yield f"{path}:{row}", fields[0], int(fields[1]), fields[2]


def make(documents: Sequence[Document], output: Path, size: int) -> int:
    """Write sheets of `size` documents each and return how many."""
    batches = [documents[start : start + size] for start in range(0, len(documents), size)]
    for number, batch in enumerate(batches, 1):
        write_text(output / f"sheet-{number:02d}.md", "\n".join(format_sheet(document) for document in batch))
    return len(batches)


def read(documents: Sequence[Document], paths: Sequence[Path], annotator: str, output: Path) -> int:
    """Write the answered labels as annotated documents beside the corpus and return how many documents."""
    answers = read_answers(paths, documents)
    for document in documents:
        meta = document.meta.model_copy(update={"annotators": (annotator,)})
        write_text(output / f"{document.meta.id}.md", format_document(meta, relabel(document, answers.get(document.meta.id, {}))))
    return len(documents)


def main() -> None:
    """Make sheets, or read answers."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False)
    parser.add_argument("action", choices=("make", "read"), help="make sheets, or read the answers")
    parser.add_argument("folder", type=Path, help="corpus folder, e.g. data")
    parser.add_argument("answers", type=Path, nargs="*", help="answer files (read)")
    parser.add_argument("--output", type=Path, required=True, help="new folder for the sheets (make) or the annotated documents (read)")
    parser.add_argument("--annotator", default="second", help="who answered (read; default: second)")
    parser.add_argument("--size", type=int, default=40, help="documents a sheet (make; default: 40)")
    parser.add_argument("--documents", type=Path, metavar="FILE", help="only these documents, in this order: ids, one a line")
    given = parser.parse_args()
    if given.size < 1:
        raise InputError(f"--size: expected 1 or more, got {given.size}")
    check_annotator(given.annotator)
    check_output(given.output)
    if given.documents:
        documents = choose_documents(open_workspace(given.folder), given.documents, None)
    else:
        documents = read_documents(given.folder / "corpus")
    if given.action == "make":
        print(f"{make(documents, given.output, given.size)} sheets in {given.output}")
    elif not given.answers:
        raise InputError("read: name the answer files")
    else:
        print(f"{read(documents, given.answers, given.annotator, given.output)} documents in {given.output}")


if __name__ == "__main__":
    run_command(main)
