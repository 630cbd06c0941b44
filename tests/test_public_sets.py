"""Adapters of public sets on rows written here in the published formats."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from data.errors import InputError
from data.files import write_json, write_jsonl, write_text
from data.public_sets import load_public_set
from data.records import Example
from train.settings import DataSettings
from train.sources import PUBLIC_SETS, collect_splits, load_source


def sentence(number: int, *people: tuple[str, float], text: str = "") -> dict[str, Any]:
    """A line of NewsMTSC; people are named once in the text."""
    text = text or " met ".join(name for name, _ in people) + f" in town {number}."
    gids = [f"press_{number}_7_{number}_{name} Long_{text.index(name)}_{text.index(name) + len(name)}" for name, _ in people]
    targets = [
        {"Input.gid": gid, "from": text.index(name), "to": text.index(name) + len(name), "mention": name, "polarity": polarity}
        for gid, (name, polarity) in zip(gids, people, strict=True)
    ]
    return {"primary_gid": gids[0], "sentence_normalized": text, "targets": targets, "further_mentions": []}


@pytest.fixture
def newsmtsc(tmp_path: Path) -> Path:
    write_jsonl(tmp_path / "train.jsonl", [sentence(number, ("Ann", 2.0), ("Bob", 6.0)) for number in range(20)])
    for name in ("rw", "mt"):
        write_jsonl(tmp_path / name / "dev.jsonl", [sentence(90, ("Cid", 4.0), ("Dot", 2.0))])
    return tmp_path


def load(name: str, folder: Path, **settings: Any) -> dict[str, list[Example]]:
    given = DataSettings(source=name, path=str(folder), **settings)  # type: ignore[arg-type]
    return collect_splits(load_source(given), given)


def test_newsmtsc_gives_a_row_a_person_and_keeps_sentences_and_articles_whole(newsmtsc: Path) -> None:
    splits = load("newsmtsc", newsmtsc)
    assert {name: len(rows) for name, rows in splits.items()} == {"train": 36, "dev": 4, "rw": 2, "mt": 2}
    assert not {row.doc_id for row in splits["train"]} & {row.doc_id for row in splits["dev"]}
    first, second = splits["rw"]
    assert (first.doc_id, first.sent_id, first.text) == (second.doc_id, second.sent_id, second.text) == ("press_90_7", 90, first.text)
    assert [(row.actor, row.mention, row.stance) for row in splits["rw"]] == [
        ("Cid Long", "Cid", "neutral"),
        ("Dot Long", "Dot", "against"),
    ]


def test_newsmtsc_scores_the_test_files_where_a_folder_has_them(newsmtsc: Path) -> None:
    write_jsonl(newsmtsc / "newsmtsc-mt" / "test.jsonl", [sentence(91, ("Eve", 6.0))])
    assert [row.stance for row in load("newsmtsc", newsmtsc)["mt-test"]] == ["favor"]


def test_the_division_is_the_same_every_time_and_a_share_of_documents_is_taken_from_train_alone(newsmtsc: Path) -> None:
    first, again, half = load("newsmtsc", newsmtsc), load("newsmtsc", newsmtsc), load("newsmtsc", newsmtsc, documents=0.5)
    assert first == again
    assert (len(half["train"]), half["dev"], half["rw"]) == (18, first["dev"], first["rw"])
    assert {row.id for row in half["train"]} < {row.id for row in first["train"]}


def test_lines_of_one_sentence_are_brought_together(newsmtsc: Path) -> None:
    text = "Ann met Bob."
    lines = [sentence(1, ("Ann", 2.0), text=text), sentence(2, ("Cid", 4.0)), sentence(1, ("Bob", 6.0), text=text)]
    write_jsonl(newsmtsc / "rw" / "dev.jsonl", lines)
    assert [row.mention for row in load("newsmtsc", newsmtsc)["rw"]] == ["Ann", "Bob", "Cid"]


def test_faulty_rows_are_named_with_file_and_line(newsmtsc: Path) -> None:
    wrong_label, wrong_offset = sentence(1, ("Ann", 3.0)), sentence(2, ("Bob", 2.0))
    wrong_offset["targets"][0]["to"] += 1
    write_jsonl(newsmtsc / "mt" / "dev.jsonl", [sentence(3, ("Cid", 2.0)), wrong_label, wrong_offset, {"primary_gid": "x"}])
    with pytest.raises(InputError) as fault:
        load("newsmtsc", newsmtsc)
    lines = str(fault.value).splitlines()
    assert [line.split(": ")[0] for line in lines] == [f"{newsmtsc}/mt/dev.jsonl:{number}" for number in (2, 3, 4)]
    assert "label '3' is not one of 2, 4, 6" in lines[0]
    assert "expected the mention 'Bob'" in lines[1]


@pytest.mark.parametrize("name", PUBLIC_SETS)
def test_a_missing_set_says_where_it_is_to_be_had(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    public = PUBLIC_SETS[name]
    monkeypatch.delenv(public.variable, raising=False)
    for path in (None, str(tmp_path / "none"), str(tmp_path)):
        with pytest.raises(InputError) as fault:
            load_public_set(public, path, 0.1)
        assert public.url in str(fault.value)
        assert public.licence in str(fault.value)
        assert "\n" not in str(fault.value)


def test_the_folder_may_come_from_the_environment(newsmtsc: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEWSMTSC_PATH", str(newsmtsc))
    assert len(load_source(DataSettings(source="newsmtsc")).examples("rw")) == 2


TRIPLES = [
    ("train", "A_0", 1, "Ada Berg", "the ferry", "POS", "Berg praised the ferry."),
    ("train", "A_0", 1, "Ada Berg", "Cole", "NEG", "Berg praised the ferry."),
    ("train", "B_0", 2, "Reform Party", "Cole", "NEG", "They want Cole gone, not a party."),
    ("valid", "C_0", 0, "None", "Cole", "POS", "Cole was right."),
    ("valid", "C_0", 1, "Not in the list", "Cole", "POS", "Many like Cole."),
    ("valid", "C_0", 2, "Ada Berg", "Cole", "NEG", "She laughed."),
]


def test_seesaw_finds_the_holder_or_puts_it_in_front(tmp_path: Path) -> None:
    keys = ("split", "doc", "sent_id", "subject", "object", "sentiment", "sentence")
    lines = [dict(zip(keys, row, strict=True)) | {"annot_id": number, "prev": "Before."} for number, row in enumerate(TRIPLES)]
    write_jsonl(tmp_path / "seesaw_triples.jsonl", lines)
    splits = load("seesaw", tmp_path, dev_share=0.4)
    train = sorted([*splits["train"], *splits["dev"]], key=lambda row: row.id)
    assert [(row.mention, row.target, row.stance) for row in train] == [
        ("Berg", "the ferry", "favor"),
        ("Berg", "Cole", "against"),
        ("Reform Party", "Cole", "against"),
    ]
    assert [row.text for row in splits["valid"]] == ["The author: Cole was right.", "Ada Berg: She laughed."]
    assert [row.actor for row in splits["valid"]] == ["author", "Ada Berg"]
    assert {row.context for row in train} == {"Before."}


def test_texts_longer_than_a_name_are_read(tmp_path: Path) -> None:
    keys = ("split", "doc", "sent_id", "subject", "object", "sentiment", "sentence")
    long = "Berg praised the ferry, " + "and then, as ever, said so again, " * 40 + "until dusk."
    lines = [dict(zip(keys, (*row[:6], long), strict=True)) | {"annot_id": number} for number, row in enumerate(TRIPLES[:3])]
    write_jsonl(tmp_path / "seesaw_triples.jsonl", lines)
    assert all(row.text.endswith(long) for row in load("seesaw", tmp_path, dev_share=0.4)["train"])


def test_seesaw_reads_the_folders_of_its_repository(tmp_path: Path) -> None:
    for split, story in (("train", "T_1"), ("train", "T_2"), ("test", "T_3")):
        name = f"{story}_DOCUMENT_0.json"
        texts = [{"id": 0, "text": "Cole spoke."}, {"id": 1, "text": "Berg objects to Cole."}]
        triple = {"id": 0, "subject": "Ada Berg", "sentiment": "NEG", "object": "Cole", "annotators": ["A"]}
        write_json(tmp_path / "SEESAW" / "articles" / name, {"title": "T", "text": texts})
        write_json(tmp_path / "SEESAW" / "annotations" / name, {"title": "T", "sentence-level stances": {"1": [triple]}})
        write_json(tmp_path / "SEESAW" / "meta" / f"{story}.json", {"Split": split})
    splits = load("seesaw", tmp_path, dev_share=0.5)
    assert {name: len(rows) for name, rows in splits.items()} == {"train": 1, "dev": 1, "test": 1}
    (row,) = splits["test"]
    assert (row.id, row.mention, row.context, row.stance) == ("T_3_DOCUMENT_0:1:0", "Berg", "Cole spoke.", "against")


def test_semeval_reads_both_published_forms(tmp_path: Path) -> None:
    header = "ID\tTarget\tTweet\tStance\tOpinion towards\tSentiment\n"
    train = [f'{number}\tthe toll\tSome "toll talk {number} #SemST\t{stance}\tx\ty' for number, stance in enumerate(["FAVOR", "NONE"])]
    (tmp_path / "trainingdata-all-annotations.txt").write_bytes((header + "\n".join(train) + "\n").encode("windows-1252"))
    (tmp_path / "test.csv").write_bytes('Tweet,Target,Stance\n"No toll, never – ‘ever’ #SemST",the toll,AGAINST\n'.encode("windows-1252"))
    splits = load("semeval", tmp_path, dev_share=0.5)
    assert {name: len(rows) for name, rows in splits.items()} == {"train": 1, "dev": 1, "test": 1}
    (row,) = splits["test"]
    assert (row.text, row.mention, row.target, row.stance) == ("The author: No toll, never – ‘ever’", "The author", "the toll", "against")
    assert {row.text for row in splits["train"] + splits["dev"]} == {f'The author: Some "toll talk {number}' for number in (0, 1)}


def test_semeval_names_a_wrong_stance_with_its_line(tmp_path: Path) -> None:
    write_text(tmp_path / "train.csv", "Tweet,Target,Stance\nYes!,the toll,FAVOUR\n")
    with pytest.raises(InputError, match=r"train\.csv:2: label 'FAVOUR' is not one of AGAINST, NONE, FAVOR \(did you mean 'FAVOR'\?\)"):
        load("semeval", tmp_path)


def test_vast_reads_its_files_and_scores_unseen_topics_apart(tmp_path: Path) -> None:
    for split in ("train", "dev", "test"):
        with (tmp_path / f"vast_{split}.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["post", "topic_str", "label", "new_id", "seen?"])
            writer.writerow([f"I like it.\nMy {split}, too.", "school uniform", 1, "10", 1])
            writer.writerow([f"I like it.\nMy {split}, too.", "zoo", 0, "11", 0])
    splits = load("vast", tmp_path)
    assert {name: len(rows) for name, rows in splits.items()} == {"train": 2, "dev": 2, "test": 2, "zero-shot": 1, "few-shot": 1}
    first, second = splits["test"]
    assert (first.text, first.target, first.stance) == ("The author: I like it. My test, too.", "school uniform", "favor")
    assert (second.stance, second.doc_id) == ("against", first.doc_id)
    assert splits["zero-shot"][0].target == "zoo"


def test_rows_of_one_sentence_with_other_targets_are_read_apart(tmp_path: Path) -> None:
    from train.passages import group_passages

    row = Example(id="a", doc_id="d", sent_id=1, text="Ann spoke.", actor="Ann", mention="Ann", start=0, end=3, target="toll")
    rows = [row, row.model_copy(update={"id": "b"}), row.model_copy(update={"id": "c", "target": "zoo"})]
    assert [[s.indices for s in passage] for passage in group_passages(rows, 2)] == [[(0, 1)], [(2,)]]


def test_the_fingerprint_changes_with_a_label(newsmtsc: Path) -> None:
    settings = DataSettings(source="newsmtsc", path=str(newsmtsc))
    before = load_source(settings).fingerprint()
    text = (newsmtsc / "train.jsonl").read_text()
    assert '"polarity": 2.0' in text
    (newsmtsc / "train.jsonl").write_text(text.replace('"polarity": 2.0', '"polarity": 4.0', 1))
    assert load_source(settings).fingerprint() != before
    assert json.loads(text.splitlines()[0])["targets"][0]["polarity"] == 2.0
