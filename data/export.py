"""Write the corpus as a folder that `datasets.load_dataset` opens: python data/export.py data --output my-folder

One Parquet file a split, typed with Features and ClassLabel, and the corpus card as README.md.
"""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

if not __package__:
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from data.corpus import Corpus, load_corpus
from data.errors import InputError, run_command
from data.files import check_output, read_text, replacing, write_text
from data.items import to_item
from data.records import STANCES

RENAMED_SPLITS = {"dev": "validation"}
"""Our split names where the datasets library has another; all others keep theirs."""


def corpus_rows(corpus: Corpus, split: str) -> Iterator[dict[str, Any]]:
    """Yield the example rows of a split with what is known about document, sentence and actor."""
    for document in corpus.split(split):
        for row in document.examples():
            actor = corpus.registry[row.actor]
            yield to_item(row, document).model_dump() | {"actor_name": actor.name, "actor_kind": actor.kind}


def export(corpus: Corpus, output: Path) -> dict[str, int]:
    """Write Parquet files and card; return the number of rows by split.

    Raises:
        InputError: no card, or two splits that the datasets library would call the same.
    """
    from datasets import ClassLabel, Dataset, Features, List, Value

    text_fields = ("id", "doc_id", "context", "text", "actor", "mention", "target", "actor_name", "actor_kind", "genre", "setting", "title")
    features = Features(
        {
            **{name: Value("string") for name in text_fields},
            **{name: Value("int32") for name in ("sent_id", "start", "end")},
            "stance": ClassLabel(names=list(STANCES)),
            "phenomena": List(Value("string")),
        }
    )
    card = read_text(corpus.folder / "README.md")
    names = {split: RENAMED_SPLITS.get(split, split) for split, ids in corpus.splits.items() if ids}
    for split, name in names.items():
        if split != name and name in corpus.splits:
            raise InputError(f"{corpus.folder / 'splits.json'}: {split!r} is exported as {name!r}, which is a split too; rename that one")
    counts: dict[str, int] = {}
    for split, name in names.items():
        rows = list(corpus_rows(corpus, split))
        with replacing(output / "data" / f"{name}-00000-of-00001.parquet") as path:
            Dataset.from_list(rows, features=features).to_parquet(path)
        counts[name] = len(rows)
    write_text(output / "README.md", card)
    return counts


def main() -> None:
    """Export a corpus folder."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False)
    parser.add_argument("folder", type=Path, nargs="?", default=Path("data"), help="corpus folder (default: data)")
    parser.add_argument("--output", type=Path, required=True, help="new or empty folder")
    given = parser.parse_args()
    check_output(given.output)
    counts = export(load_corpus(given.folder), given.output)
    print(f"{given.output}: " + ", ".join(f"{name} {count}" for name, count in counts.items()))


if __name__ == "__main__":
    run_command(main)
