r"""The inline markup of annotated documents: ``[Moscow](russia: against) called the plan a threat. <!-- metonymy -->``.

A link with a stance labels the actor in this sentence; a link without one, ``[it](russia)``, is a further mention of an
actor labelled in the same sentence. ``[Moscow](russia: ?)`` is still to be labelled: a document that holds such a mark stands
in no split, so that nothing trains on it. ``\[``, ``\]`` and ``\\`` stand for the characters themselves. The comment that may
end a line lists the sentence's phenomena.
"""

import re
from dataclasses import dataclass
from typing import Literal

from data.errors import nearest
from data.records import STANCES, Stance

UNLABELLED = "?"
"""What stands in a mark until somebody has decided on its stance."""

PHENOMENA = (
    "nested-attribution",
    "negation",
    "double-negation",
    "concession",
    "conditional",
    "bargaining",
    "countermeasure",
    "threatened-party",
    "site-only",
    "owner-modifier",
    "cancellation",
    "asking-talks",
    "change-over-time",
    "internal-split",
    "metonymy",
    "coreference",
    "collective",
    "poll-protest",
    "irony",
    "headline",
    "opposite-stances",
)
"""The hard cases that sentences are tagged with; docs/guidelines.md defines each."""

_ESCAPE = r"\\[\\\[\]]"
_TOKEN = re.compile(
    rf"(?P<escape>{_ESCAPE})"
    rf"|\[(?P<mention>(?:[^\[\]\\]|{_ESCAPE})+)\]\((?P<actor>[^():]*)(?P<colon>:)?(?P<stance>[^()]*)\)"
    r"|(?P<stray>[\[\]\\])"
)
_TAGS = re.compile(r"<!--(?P<tags>[^<>]*)-->\s*$")  # without the space before it: looking for that is quadratic in long runs of it
_ACTOR_ID = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")


@dataclass(frozen=True)
class Mention:
    """A marked span of the plain text (end exclusive); `stance` is None for a further mention, `?` where it is to be labelled."""

    start: int
    end: int
    text: str
    actor: str
    stance: Stance | Literal["?"] | None

    @property
    def decided(self) -> Stance | None:
        """The stance, None for a further mention and where it is still to be labelled."""
        return None if self.stance == "?" else self.stance


@dataclass(frozen=True)
class MarkedText:
    """One line with its markup taken apart."""

    text: str
    mentions: tuple[Mention, ...]
    phenomena: tuple[str, ...] = ()


class MarkupError(ValueError):
    """The line's markup is wrong; the message says what was found and expected."""


def parse_line(line: str) -> MarkedText:
    """Take a marked line apart into plain text, mentions and phenomena.

    Raises:
        MarkupError: unbalanced or nested brackets, an unknown stance or phenomenon, an actor labelled twice,
            a further mention of an actor that the line does not label.
    """
    phenomena: tuple[str, ...] = ()
    if comment := _TAGS.search(line):
        phenomena = _parse_phenomena(comment["tags"])
        line = line[: comment.start()].rstrip()
    parts: list[str] = []
    mentions: list[Mention] = []
    position = length = 0
    for token in _TOKEN.finditer(line):
        before = line[position : token.start()]
        length += len(before)
        if token["stray"]:
            raise MarkupError(
                f"stray {token['stray']!r} at column {token.start() + 1}; "
                "a mark is [mention](actor: stance), a plain bracket is written \\[ or \\]"
            )
        plain = _unescape(token["escape"] or token["mention"])
        if token["mention"]:
            stance = _parse_stance(token["colon"], token["stance"])
            mentions.append(Mention(length, length + len(plain), plain, _parse_actor(token["actor"]), stance))
        parts += [before, plain]
        length += len(plain)
        position = token.end()
    text = "".join([*parts, line[position:]])
    _check_one_label_each(mentions)
    return MarkedText(text, tuple(mentions), phenomena)


def format_line(marked: MarkedText) -> str:
    """Write a marked line; the inverse of `parse_line`."""
    parts: list[str] = []
    position = 0
    for mention in marked.mentions:
        label = f": {mention.stance}" if mention.stance else ""
        parts += [_escape(marked.text[position : mention.start]), f"[{_escape(mention.text)}]({mention.actor}{label})"]
        position = mention.end
    parts.append(_escape(marked.text[position:]))
    if marked.phenomena:
        parts.append(f" <!-- {', '.join(marked.phenomena)} -->")
    return "".join(parts)


def comes_back(marked: MarkedText) -> bool:
    """Tell whether a line, once written, is read as the same: one that ends in an HTML comment of its own is not."""
    line = format_line(marked)
    try:
        return bool(line.strip()) and not {"\n", "\r"} & {*line} and parse_line(line) == marked
    except MarkupError:
        return False


def _escape(text: str) -> str:
    return re.sub(r"[\\\[\]]", r"\\\g<0>", text)


def _unescape(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text)


def _parse_actor(name: str) -> str:
    if not _ACTOR_ID.fullmatch(name.strip()):
        raise MarkupError(f"{name.strip()!r} is not an actor id (lowercase words joined by hyphens)")
    return name.strip()


def _parse_stance(colon: str | None, value: str) -> Stance | Literal["?"] | None:
    if not colon:
        return None
    if value.strip() == UNLABELLED:
        return "?"
    for stance in STANCES:
        if value.strip() == stance:
            return stance
    raise MarkupError(f"unknown stance {value.strip()!r}, expected {', '.join(STANCES)}{nearest(value, STANCES)}")


def _parse_phenomena(tags: str) -> tuple[str, ...]:
    names = tuple(tag.strip() for tag in tags.split(",") if tag.strip())
    for name in names:
        if name not in PHENOMENA:
            raise MarkupError(f"unknown phenomenon {name!r}{nearest(name, PHENOMENA)}")
    return names


def _check_one_label_each(mentions: list[Mention]) -> None:
    labelled: set[str] = set()
    for mention in mentions:
        if mention.stance:
            if mention.actor in labelled:
                raise MarkupError(f"actor {mention.actor!r} is labelled twice; mark a further mention without a stance")
            labelled.add(mention.actor)
    for mention in mentions:
        if mention.actor not in labelled:
            raise MarkupError(f"{mention.actor!r} is mentioned without a stance and not labelled elsewhere in the sentence")
