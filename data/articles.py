"""From a plain-text article to example rows: paragraphs, sentences with offsets, and the actors mentioned in them.

Sentence boundaries are looked for line by line, since a headline or a byline must not run into the text that follows.
Bylines and notices ("Comments are closed.") are kept in the text but not read for actors.
"""

import io
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Any, Literal

from data.coreference import find_mentions
from data.errors import InputError
from data.files import read_text
from data.mentions import FoundMention, MentionFinder
from data.records import Example
from data.registry import Actor, Registry
from data.words import FUNCTION_WORDS, TITLES

MAX_SENTENCE = 2_000
"""Characters; a longer "sentence" is a table or a line without punctuation and is cut here."""
MAX_ARTICLE = 1_000_000
"""Characters; a longer text is no article."""
MIN_WORDS_FOR_LANGUAGE = 30
MIN_FUNCTION_WORDS = 0.15
"""English news has 0.35 to 0.5 of its words among the commonest; other languages and tables stay under 0.1."""
MAX_HEADLINE_WORDS = 20
BYLINE_REACH = 4
"""Paragraphs at the head of an article that may be a byline; one in brackets may also end it."""

_CONTROLS = {code: " " for code in (*range(1, 32), *range(127, 160)) if chr(code) != "\n"}
"""Characters that steer a terminal; a space takes their place, so that offsets stay."""

Part = Literal["headline", "byline", "body", "notice"]
READ_PARTS = frozenset({"headline", "body"})

_NAMING = r"(?:[A-Z][\w.’'-]*|\d{1,4}|in|and|for|of|to|on|by|the|additional|writing|editing|reporting)"
_NAMES = rf"{_NAMING}(?:(?:\s*[,;|/]\s*|\s){_NAMING})*"
_BYLINE = re.compile(
    rf"\(?(?:(?:(?i:written|posted|reporting|reported|writing|edited|editing) )?(?i:by|from)[: ]\s?{_NAMES}"
    rf"|{_NAMES}\s?[,|]\s?(?:[A-Z][\w.’'-]*\s)*(?:Writer|Correspondent|Reporter|Columnist|Editor))[.,]?\)?[.,]?"
)
"""Who wrote a text: its words are all capitalised except small ones between names, so a sentence with a verb is none."""
_FEW_WORDS = r"(?:\W+\w+){0,7}"
_NOTICE = re.compile(
    rf"(?:comments?(?: are closed)?|share(?: this{_FEW_WORDS})?|advertisement|related (?:articles|stories)|print|e-?mail|"
    rf"read more(?:\s?:.*| (?:about|at|on|in|here)\b{_FEW_WORDS})?|(?:©|(?:copyright|\(c\))\s*(?:©|\(c\))?\s*\d{{4}}).*|"
    rf"all rights reserved{_FEW_WORDS}|(?:subscribe|sign up)(?: (?:now|today|here|to|for)\b{_FEW_WORDS})?|leave a (?:reply|comment))\W*",
    re.I,
)
_ENDS_WITH_TITLE = re.compile(rf"(?<![\w.])(?:{'|'.join(title for title in TITLES.split('|') if title.endswith('.'))})$")
_MONTHS = "January|February|March|April|May|June|July|August|September|October|November|December"
_MONTH = rf"(?P<month>(?:{_MONTHS}|Sept|{'|'.join(month[:3] for month in _MONTHS.split('|'))})\.?)"
_DATES = (
    re.compile(r"(?P<year>(?:19|20)\d\d)-(?P<month>\d\d)-(?P<day>\d\d)"),
    re.compile(rf"(?P<day>\d{{1,2}}) {_MONTH},? (?P<year>(?:19|20)\d\d)"),
    re.compile(rf"\b{_MONTH} (?P<day>\d{{1,2}}),? (?P<year>(?:19|20)\d\d)"),
)
DATE_REACH = 400
"""Characters at the head of an article in which its date is looked for."""


@dataclass(frozen=True)
class ArticleSentence:
    """A sentence and where it stands in the article's text (end exclusive); `number` and `paragraph` count from 1."""

    number: int
    paragraph: int
    start: int
    end: int
    text: str
    part: Part


@dataclass(frozen=True)
class Article:
    """A text taken apart, and who is mentioned in each of its sentences.

    `registry` also holds the actors of this text alone; `newcomers` are the names of those that a model found, by their ids.
    """

    doc_id: str
    text: str
    date: str | None
    sentences: tuple[ArticleSentence, ...]
    mentions: tuple[tuple[FoundMention, ...], ...]
    registry: Registry
    newcomers: Mapping[str, str] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """The headline, or the first words."""
        first = self.sentences[0].text
        return first if len(first) <= 90 else first[:88].rsplit(" ", 1)[0] + " …"


@lru_cache(maxsize=1)
def _tokenizer() -> Any:
    import nupunkt  # its model takes half a second to load

    return nupunkt


def split_sentences(text: str) -> Iterator[ArticleSentence]:
    """Yield the sentences of a text in their order with their offsets; lines end sentences."""
    number = paragraph = position = 0
    for line in text.split("\n"):
        if line.strip():
            paragraph += 1
            part = part_of(line.strip(), paragraph)
            for start, end in _spans(line):
                number += 1
                yield ArticleSentence(number, paragraph, position + start, position + end, line[start:end], part)
        position += len(line) + 1


def _spans(line: str) -> Iterator[tuple[int, int]]:
    """Yield the spans of a line's sentences without the space around them; none ends with a title, whose name follows."""
    position, start = 0, None
    for sentence in map(str.strip, _tokenizer().sent_tokenize(line)):
        if not sentence:
            continue
        begin = line.index(sentence, position)
        position = begin + len(sentence)
        start = begin if start is None else start
        if _ENDS_WITH_TITLE.search(sentence) and line[position:].strip():
            continue
        for cut in range(start, position, MAX_SENTENCE):
            yield cut, min(cut + MAX_SENTENCE, position)
        start = None


def part_of(line: str, paragraph: int) -> Part:
    """Tell what a line of an article is; `paragraph` counts from 1."""
    if _NOTICE.fullmatch(line):
        return "notice"
    if (paragraph <= BYLINE_REACH or line.startswith("(")) and _BYLINE.fullmatch(line):
        return "byline"
    closed = line.rstrip("\"'”’)").endswith((".", "!", "?", ":", ";"))
    return "headline" if not closed and len(line.split()) <= MAX_HEADLINE_WORDS else "body"


def take_apart(text: str, doc_id: str, finder: MentionFinder) -> Article:
    """Split an article into sentences and find the actors in them.

    Raises:
        InputError: no text, far too much of it, or not English.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n").translate(_CONTROLS)
    check_text(text, doc_id)
    sentences = tuple(split_sentences(text))
    readable = [sentence.text if sentence.part in READ_PARTS else "" for sentence in sentences]
    resolved = find_mentions(readable, finder, paragraphs=[sentence.paragraph for sentence in sentences])
    registry = finder.registry | resolved.new_actors
    return Article(doc_id, text, find_date(doc_id, text), sentences, tuple(map(tuple, resolved.mentions)), registry)


def check_text(text: str, name: str) -> None:
    """Refuse what is no English article.

    Raises:
        InputError: empty, binary, longer than a million characters, or not English.
    """
    if "\0" in text:
        raise InputError(f"{name}: binary data, expected plain text")
    if not text.strip():
        raise InputError(f"{name}: empty, expected an article")
    if len(text) > MAX_ARTICLE:
        raise InputError(f"{name}: {len(text):,} characters, an article has at most {MAX_ARTICLE:,}; split it into files")
    words = re.findall(r"\w+", text[:100_000].lower())
    common = sum(word in FUNCTION_WORDS for word in words)
    if len(words) >= MIN_WORDS_FOR_LANGUAGE and common < MIN_FUNCTION_WORDS * len(words):
        raise InputError(
            f"{name}: does not read like English ({common} of {len(words)} words are common English ones); only English is read"
        )


def find_date(doc_id: str, text: str) -> str | None:
    """Return the date, ISO 8601, that a file's name or the head of its text gives; None where there is none."""
    for place in (doc_id, text[:DATE_REACH]):
        for pattern in _DATES:
            if match := pattern.search(place):
                month = match["month"]
                number = int(month) if month.isdigit() else [name[:3] for name in _MONTHS.split("|")].index(month[:3]) + 1
                if 1 <= number <= 12 and 1 <= int(match["day"]) <= 31:
                    return f"{match['year']}-{number:02}-{int(match['day']):02}"
    return None


def article_examples(article: Article, target: str, context_sentences: int = 1) -> list[Example]:
    """Return a row per mention, with up to `context_sentences` preceding sentences as context.

    Rows of an actor's first mention in a sentence have the id ``document:sentence:actor``, further ones ``…:2`` and so on.
    """
    rows: list[Example] = []
    for index, (sentence, mentions) in enumerate(zip(article.sentences, article.mentions, strict=True)):
        context = context_of(article.sentences[:index], context_sentences) if mentions else ""
        count: dict[str, int] = {}
        for mention in mentions:
            nth = count[mention.actor] = count.get(mention.actor, 0) + 1
            rows.append(
                Example(
                    id=f"{article.doc_id}:{sentence.number}:{mention.actor}" + (f":{nth}" if nth > 1 else ""),
                    doc_id=article.doc_id,
                    sent_id=sentence.number,
                    context=context,
                    text=sentence.text,
                    actor=mention.actor,
                    mention=sentence.text[mention.start : mention.end],
                    start=mention.start,
                    end=mention.end,
                    target=target,
                )
            )
    return rows


def context_of(before: Sequence[ArticleSentence], count: int) -> str:
    """Return the last `count` sentences of those before one that are read."""
    readable = (sentence.text for sentence in reversed(before) if sentence.part in READ_PARTS)
    return " ".join(reversed(list(islice(readable, count))))


def actor_name(registry: dict[str, Actor], actor: str) -> str:
    """Return the name to show for an actor id."""
    return registry[actor].name if actor in registry else actor


def read_article(path: Path) -> str:
    """Read an article.

    Raises:
        InputError: missing, binary, not UTF-8, or without text.
    """
    try:
        text = read_text(path)
    except InputError as error:
        raise InputError(f"{error}{_CONVERT if 'not UTF-8' in str(error) else ''}") from None
    check_text(text, str(path))
    return text


def read_standard_input() -> str:
    """Read an article from standard input.

    Raises:
        InputError: binary, not UTF-8, or without text.
    """
    try:
        text = io.TextIOWrapper(sys.stdin.buffer, encoding="utf-8-sig").read()
    except UnicodeDecodeError as error:
        raise InputError(f"standard input: not UTF-8 text (byte {error.start}){_CONVERT}") from None
    check_text(text, "standard input")
    return text


_CONVERT = "; convert it first, e.g. iconv -f WINDOWS-1252 -t UTF-8"
