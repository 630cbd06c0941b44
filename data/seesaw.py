"""SEESAW: who speaks well or ill of whom or what in US political news, sentence by sentence (Zhang et al., EMNLP 2022).

Each (holder, target, polarity) triple becomes a row: the holder is the actor and the row carries its own target. The set has no
neutral class. A folder is the repository's SEESAW/ (annotations/, articles/, meta/), or holds one triple a line in a JSONL file.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from pydantic import Field, ValidationError

from data.errors import InputError
from data.files import read_json
from data.public_sets import PublicSet, Splits
from data.published import Passage, Placed, PublishedRow, authored, convert_rows, json_lines, together
from data.records import Example, Name, explain

LINES = ("seesaw_triples.jsonl", "train_valid.jsonl")
"""One triple a line; every line names its split."""

NO_HOLDER = "None"
"""The holder is the article's author."""

UNKNOWN = "Not in the list"
"""A holder or target that the annotators left unnamed; such triples cannot be asked about and are passed over."""

GROUP_NOUNS = {"Party", "Administration", "administration"}
"""Last words of names that do not stand for the whole name, as a surname does."""


class Triple(PublishedRow):
    """Who speaks how of what in a sentence."""

    split: Name
    document: Name = Field(alias="doc")
    sent_id: int
    annot_id: int
    sentence: Passage
    previous: str = Field("", alias="prev")
    holder: Name = Field(alias="subject")
    target: Name = Field(alias="object")
    sentiment: Name


def to_examples(triple: Triple) -> list[Example]:
    """Return the row of a triple; a holder that the sentence does not name is put in front of it."""
    if UNKNOWN in (triple.holder, triple.target):
        return []
    start, mention, text = place_holder(triple.holder, triple.sentence)
    return [
        Example(
            id=f"{triple.document}:{triple.sent_id}:{triple.annot_id}",
            doc_id=triple.document,
            sent_id=triple.sent_id,
            context=triple.previous,
            text=text,
            actor="author" if triple.holder == NO_HOLDER else triple.holder,
            mention=mention,
            start=start,
            end=start + len(mention),
            stance=SEESAW.stance(triple.sentiment),
            target=triple.target,
        )
    ]


def place_holder(holder: str, sentence: str) -> tuple[int, str, str]:
    """Return where the holder is mentioned, as what, and in which text: by the whole name, its last word, or put in front."""
    if holder == NO_HOLDER:
        text, mention = authored(sentence)
        return 0, mention, text
    last = holder.split()[-1]
    names = [holder] if last in GROUP_NOUNS or not last[0].isupper() else [holder, last]
    for name in names:
        if found := re.search(rf"(?<!\w){re.escape(name)}(?!\w)", sentence):
            return found.start(), name, sentence
    return 0, holder, f"{holder}: {sentence}"


def published_triples(folder: Path) -> Iterator[Placed[Triple]]:
    """Yield the triples of the repository's folders."""
    for path in sorted((folder / "annotations").glob("*.json")):
        try:
            sentences = {int(sentence["id"]): sentence["text"] for sentence in read_json(folder / "articles" / path.name)["text"]}
            split = read_json(folder / "meta" / f"{path.name.partition('_DOCUMENT')[0]}.json")["Split"]
            stances = read_json(path)["sentence-level stances"]
            listed = [(int(number), triple) for number, triples in stances.items() for triple in triples]
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise InputError(f"{path}: not an annotation of SEESAW, or its article or meta file is another one's: {error!r}") from None
        for number, triple in sorted(listed, key=lambda each: each[0]):
            place = f"{path}: sentence {number}"
            known = {"split": split, "doc": path.stem, "sent_id": number, "annot_id": triple.get("id")}
            text = {"sentence": sentences.get(number), "prev": sentences.get(number - 1, "")}
            try:
                yield place, Triple.model_validate(triple | known | text)
            except ValidationError as error:
                yield place, f"{place}: {explain(error)}"


def read(folder: Path) -> Splits:
    """Read the triples and divide them as the set's authors did: train, valid and, where it is there, test."""
    root = next((place for place in (folder, folder / "SEESAW") if (place / "annotations").is_dir()), None)
    path = root or SEESAW.require(folder, *LINES)
    split_of: dict[str, str] = {}

    def convert(triple: Triple) -> list[Example]:
        split_of[triple.document] = triple.split
        return to_examples(triple)

    rows = together(convert_rows(path, published_triples(path) if root else json_lines(path, Triple), convert))
    splits: Splits = {}
    for row in rows:
        splits.setdefault(split_of[row.doc_id], []).append(row)
    if "train" not in splits:
        raise InputError(f"{path}: no triple of the split 'train'")
    return splits


SEESAW = PublicSet(
    name="seesaw",
    title="SEESAW",
    url="https://github.com/launchnlp/SEESAW",
    licence="CC BY-NC-SA 4.0",
    labels={"NEG": "against", "POS": "favor"},
    read=read,
)
