"""The example rows that are measured: whole documents of the corpus, or a file of rows."""

from collections.abc import Iterator, Sequence
from itertools import count
from pathlib import Path

from data.corpus import load_corpus
from data.errors import InputError
from data.files import ROOT
from data.records import Example, read_rows
from train.settings import RunConfig


def load_rows(config: RunConfig, file: Path | None, split: str, wanted: int) -> list[Example]:
    """Return about `wanted` labelled rows in whole documents, from `file` or a split of the run's corpus.

    Raises:
        InputError: the file is missing, faulty or without labels.
    """
    if file:
        rows = [row for row in read_rows(file, Example) if row.stance]
    else:
        rows = load_corpus(ROOT / config.data.corpus).examples(split, config.data.context_sentences)
    if not rows:
        raise InputError(f"--rows {file}: no row with a stance")
    end = min(wanted, len(rows))
    while end < len(rows) and rows[end].doc_id == rows[end - 1].doc_id:
        end += 1
    return rows[:end]


def repeated(rows: Sequence[Example], wanted: int) -> Iterator[Example]:
    """Yield `wanted` rows by going through `rows` again and again, each round under document ids of its own."""
    number = 0
    for turn in count():
        for row in rows:
            if number == wanted:
                return
            number += 1
            yield row.model_copy(update={"id": f"{turn}:{row.id}", "doc_id": f"{turn}:{row.doc_id}", "stance": None})
