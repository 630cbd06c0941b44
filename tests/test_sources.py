"""Which rows a run learns from and scores."""

from pathlib import Path

import pytest
from conftest import write_corpus

from data.records import Example
from train.settings import DataSettings
from train.sources import collect_splits, load_source


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    return write_corpus(tmp_path / "issue")


def collect(corpus: Path, **settings: object) -> dict[str, list[Example]]:
    given = DataSettings(corpus=str(corpus), **settings)  # type: ignore[arg-type]
    return collect_splits(load_source(given), given)


def documents(rows: list[Example]) -> list[str]:
    return list(dict.fromkeys(row.doc_id for row in rows))


def test_shares_of_the_documents_are_random_ones_within_each_other(corpus: Path) -> None:
    every, half, quarter = (documents(collect(corpus, documents=share)["train"]) for share in (1.0, 0.5, 0.25))
    assert every == load_source(DataSettings(corpus=str(corpus))).splits["train"], "all of them in the order of splits.json"
    assert half != every[: len(half)] and quarter != every[: len(quarter)], "not those that come first in the alphabet"
    assert half == [each for each in every if each in half] and set(quarter) < set(half) < set(every)
