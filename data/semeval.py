"""SemEval-2016 Task 6: the stance of tweets toward given targets (Mohammad et al. 2016).

Its official score is the mean F1 of favor and against over all targets, `f1_favor_against` in every report.
"""

from pathlib import Path

from pydantic import AliasChoices, Field

from data.public_sets import PublicSet, Splits
from data.published import Passage, PublishedRow, authored_row, convert_rows, table_lines
from data.records import Example, Name

TRAIN = ("trainingdata-all-annotations.txt", "semeval2016-task6-trainingdata.txt", "train.csv")
FILES = {
    "test": ("testdata-taskA-all-annotations.txt", "SemEval2016-Task6-subtaskA-testdata-gold.txt", "test.csv"),
    "test-b": ("testdata-taskB-all-annotations.txt", "SemEval2016-Task6-subtaskB-testdata-gold.txt"),
}
"""The scored splits - task A, and task B whose target has no training tweets - and the names under which they were published."""

COLLECTION_TAG = "#SemST"
"""Appended by the collectors to every tweet; says nothing."""


class Tweet(PublishedRow):
    """A line of a file."""

    line: int
    id: str | None = Field(None, validation_alias=AliasChoices("ID", "id"))
    target: Name = Field(validation_alias=AliasChoices("Target", "target"))
    tweet: Passage = Field(validation_alias=AliasChoices("Tweet", "tweet"))
    stance: Name = Field(validation_alias=AliasChoices("Stance", "stance"))


def to_examples(tweet: Tweet) -> list[Example]:
    """Return the row of a tweet; its author holds the stance."""
    text = tweet.tweet.replace(COLLECTION_TAG, "").strip()
    name = f"tweet-{tweet.id or f'line-{tweet.line}'}"
    stance = SEMEVAL.stance(tweet.stance.strip().upper())
    return [authored_row(text, row_id=name, doc_id=name, stance=stance, target=tweet.target)]


def read_file(path: Path) -> list[Example]:
    """Read one file of the set."""
    return convert_rows(path, table_lines(path, Tweet), to_examples)


def read(folder: Path) -> Splits:
    """Read the training tweets, the test tweets of task A, and those of task B where the folder has them."""
    splits = {"train": read_file(SEMEVAL.require(folder, *TRAIN)), "test": read_file(SEMEVAL.require(folder, *FILES["test"]))}
    if path := SEMEVAL.locate(folder, *FILES["test-b"]):
        splits["test-b"] = read_file(path)
    return splits


SEMEVAL = PublicSet(
    name="semeval",
    title="SemEval-2016 Task 6",
    url="http://www.saifmohammad.com/WebPages/StanceDataset.htm",
    licence="research use, not to be passed on",
    labels={"AGAINST": "against", "NONE": "neutral", "FAVOR": "favor"},
    read=read,
)
