"""NewsMTSC: sentiment toward each person in sentences of US political news (Hamborg and Donnay, EACL 2021).

A folder holds train.jsonl, rw/ (real-world mix) and mt/ (several targets in every sentence), each with dev.jsonl and test.jsonl;
the layout of its repository (newsmtsc-rw/, newsmtsc-mt/) is read too. Both development files are scored and neither is trained
on or used to choose a checkpoint.
"""

import re
from pathlib import Path

from pydantic import Field

from data.public_sets import PublicSet, Splits
from data.published import Passage, PublishedRow, convert_rows, json_lines, together
from data.records import Example, Name

FILES = {
    "rw": ("rw/dev.jsonl", "newsmtsc-rw/dev.jsonl"),
    "mt": ("mt/dev.jsonl", "newsmtsc-mt/dev.jsonl"),
    "rw-test": ("rw/test.jsonl", "newsmtsc-rw/test.jsonl"),
    "mt-test": ("mt/test.jsonl", "newsmtsc-mt/test.jsonl"),
}
"""The scored splits and where their files may lie."""

TRAIN = ("train.jsonl", "newsmtsc-rw/train.jsonl", "newsmtsc-mt/train.jsonl")

ORIGIN = re.compile(r"(?P<article>[a-z]+(?:_v\d+)?_\d+_-?\d+)_(?P<sentence>-?\d+)_(?P<person>.+)_\d+_\d+$")
"""How an id is made: corpus, article, event, sentence, person, offsets."""


class Target(PublishedRow):
    """A person in a sentence; `to` is exclusive."""

    gid: Name = Field(alias="Input.gid")
    start: int = Field(alias="from")
    end: int = Field(alias="to")
    mention: Name
    polarity: float


class TargetedSentence(PublishedRow):
    """A line of a file: a sentence and the people whose sentiment was annotated."""

    primary_gid: Name
    sentence_normalized: Passage
    targets: tuple[Target, ...]


def to_examples(sentence: TargetedSentence) -> list[Example]:
    """Return a row a person; people are told apart by the names in their ids, pronouns by those they stand for."""
    origin = ORIGIN.match(sentence.primary_gid)
    return [
        Example(
            id=target.gid,
            doc_id=origin["article"] if origin else sentence.primary_gid,
            sent_id=int(origin["sentence"]) if origin else 0,
            text=sentence.sentence_normalized,
            actor=person["person"] if (person := ORIGIN.match(target.gid)) else target.mention,
            mention=target.mention,
            start=target.start,
            end=target.end,
            stance=NEWSMTSC.stance(f"{target.polarity:g}"),
        )
        for target in sentence.targets
    ]


def read_file(path: Path) -> list[Example]:
    """Read one file of the set."""
    return together(convert_rows(path, json_lines(path, TargetedSentence), to_examples))


def read(folder: Path) -> Splits:
    """Read train and both development files, and the test files where the folder has them."""
    splits = {"train": read_file(NEWSMTSC.require(folder, *TRAIN))}
    for name, places in FILES.items():
        path = NEWSMTSC.locate(folder, *places) if name.endswith("-test") else NEWSMTSC.require(folder, *places)
        if path:
            splits[name] = read_file(path)
    return splits


NEWSMTSC = PublicSet(
    name="newsmtsc",
    title="NewsMTSC",
    url="https://github.com/fhamborg/NewsMTSC",
    licence="MIT",
    labels={"2": "against", "4": "neutral", "6": "favor"},
    read=read,
)
