"""VAST: the stance of news readers' comments toward thousands of topics, many unseen in training (Allaway and McKeown, EMNLP 2020)."""

from hashlib import sha256
from pathlib import Path

from pydantic import Field

from data.public_sets import PublicSet, Splits
from data.published import Passage, PublishedRow, authored_row, convert_rows, table_lines
from data.records import Example, Name

SEEN = {"zero-shot": "0", "few-shot": "1"}
"""The parts of the test file that its authors report apart, by the column `seen?`: topics without and with training comments."""


class Comment(PublishedRow):
    """A line of a file: a reader's comment and a topic."""

    line: int
    post: Passage
    topic: Name = Field(validation_alias="topic_str")
    label: Name
    new_id: Name
    seen: str = Field("", validation_alias="seen?")


def to_examples(comment: Comment) -> list[Example]:
    """Return the row of a comment and topic; the comment's author holds the stance. Comments on several topics are one document."""
    return [
        authored_row(
            " ".join(comment.post.split()),
            row_id=f"{comment.new_id}:{comment.line}",
            doc_id=f"comment-{sha256(comment.post.encode()).hexdigest()[:12]}",
            stance=VAST.stance(comment.label.removesuffix(".0")),
            target=comment.topic,
        )
    ]


def read_file(path: Path, seen: str | None = None) -> list[Example]:
    """Read one file of the set, or only its comments on topics that training has seen ("1") or not ("0")."""
    return convert_rows(path, table_lines(path, Comment), lambda comment: to_examples(comment) if seen in (None, comment.seen) else [])


def read(folder: Path) -> Splits:
    """Read the three files, and the test file once more by whether training has seen the topic."""
    paths = {split: VAST.require(folder, f"vast_{split}.csv", f"data/VAST/vast_{split}.csv") for split in ("train", "dev", "test")}
    splits = {split: read_file(path) for split, path in paths.items()}
    return splits | {name: read_file(paths["test"], seen) for name, seen in SEEN.items()}


VAST = PublicSet(
    name="vast",
    title="VAST",
    url="https://github.com/emilyallaway/zero-shot-stance",
    licence="no licence stated by its authors",
    labels={"0": "against", "2": "neutral", "1": "favor"},
    read=read,
)
