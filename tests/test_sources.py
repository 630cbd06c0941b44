"""Which rows a run learns from and scores."""

from pathlib import Path

import pytest
from conftest import write_corpus

from data.corpus import load_corpus
from data.errors import InputError
from data.files import read_text, write_json, write_jsonl
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


def write_extra(path: Path, *stances: str | None) -> str:
    row = {"doc_id": "r", "sent_id": 1, "text": "Moscow objects.", "actor": "moscow", "mention": "Moscow", "start": 0, "end": 6}
    write_jsonl(path, (row | {"id": str(number), "stance": stance} for number, stance in enumerate(stances)))
    return str(path)


def test_an_extra_test_may_have_rows_without_a_stance(corpus: Path, tmp_path: Path) -> None:
    assert len(collect(corpus, extra_test=write_extra(tmp_path / "real.jsonl", "favor", None))["real"]) == 2


@pytest.mark.parametrize(
    ("name", "stances", "message"),
    [
        ("real", (), "real.jsonl: no rows"),
        ("real", (None, None), "real.jsonl: no row has a stance"),
        ("behaviour", ("favor",), "behaviour, dev, test, train are taken"),
        ("test", ("favor",), "behaviour, dev, test, train are taken"),
    ],
)
def test_an_extra_test_that_cannot_be_scored_is_refused(
    corpus: Path, tmp_path: Path, name: str, stances: tuple[str | None, ...], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        collect(corpus, extra_test=write_extra(tmp_path / f"{name}.jsonl", *stances))


def test_a_split_without_actors_is_left_out_and_training_needs_some(corpus: Path) -> None:
    splits = load_corpus(corpus).splits
    for doc_id in splits["test"]:
        path = corpus / "corpus" / f"{doc_id}.md"
        path.write_text(f"{read_text(path).split('---')[1].join(['---', '---'])}\nNobody is named here.\n")
    assert list(collect(corpus, behaviour="none")) == ["train", "dev"]
    write_json(corpus / "splits.json", {**splits, "dev": splits["test"], "test": splits["dev"]})
    with pytest.raises(InputError, match="the split 'dev' has no labelled actor"):
        collect(corpus)
    write_json(corpus / "splits.json", {"train": splits["train"], "dev": splits["dev"], "behaviour": splits["test"]})
    with pytest.raises(InputError, match="a split of the data is called 'behaviour'"):
        collect(corpus)
