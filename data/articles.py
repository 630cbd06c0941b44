"""From a plain-text article to example rows: a paragraph a line, nupunkt sentences, actors found by the registry's names.

Sentence boundaries are looked for line by line, since a headline or a byline must not run into the text that follows.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from data.errors import InputError
from data.files import read_text
from data.records import Example
from data.registry import Registry

TITLE = (
    r"(?:(?:[A-Z][\w.]*(?:[ -][A-Z][\w.]*)*\s+)?"
    r"(?:President|Prime\s+Minister|Minister|Chancellor|Secretary|General|Lieutenant\s+General|Colonel|Admiral|Senator|Ambassador)\s+)?"
)
"""A title before a person's name belongs to the mention: "Czech Prime Minister Mirek Topolanek" is one."""

MAX_SENTENCE = 2_000
"""Characters; a longer "sentence" is a table or a line without punctuation and is cut here."""


@dataclass(frozen=True)
class FoundMention:
    """An actor's mention in a sentence, character offsets end-exclusive."""

    start: int
    end: int
    actor: str


class MentionFinder:
    """Finds the registry's names in text: longest first, on word boundaries, titles before persons included."""

    def __init__(self, registry: Registry) -> None:
        self._actor_of: dict[str, str] = {}
        persons: list[str] = []
        others: list[str] = []
        for actor in registry.values():
            for alias in actor.aliases:
                self._actor_of.setdefault(alias, actor.id)
                (persons if actor.kind == "person" else others).append(alias)
        if not self._actor_of:
            raise InputError("actors.yaml: no actor has aliases, so none can be found in an article")
        self._pattern = re.compile(
            rf"(?<!\w)(?:(?:[Tt]he\s+)?(?P<other>{_alternation(others)})|{TITLE}(?P<person>{_alternation(persons)}))(?!\w)"
        )

    def find(self, sentence: str) -> list[FoundMention]:
        """Return the mentions in their order, without overlaps."""
        found: list[FoundMention] = []
        for match in self._pattern.finditer(sentence):
            name = match["other"] or match["person"]
            found.append(FoundMention(match.start(), match.end(), self._actor_of[name]))
        return found


def _alternation(names: Sequence[str]) -> str:
    longest_first = sorted(set(names), key=lambda name: (-len(name), name))
    return "|".join(re.escape(name) for name in longest_first) or r"(?!)"


@lru_cache(maxsize=1)
def _tokenizer() -> object:
    import nupunkt  # its model takes half a second to load

    return nupunkt


def split_sentences(text: str) -> Iterator[str]:
    """Yield the sentences of a text in their order, stripped; lines end sentences."""
    nupunkt = _tokenizer()
    for line in text.splitlines():
        for sentence in nupunkt.sent_tokenize(line.strip()) if line.strip() else ():  # type: ignore[attr-defined]
            stripped = sentence.strip()
            yield from (stripped[start : start + MAX_SENTENCE] for start in range(0, len(stripped), MAX_SENTENCE))


def article_examples(text: str, doc_id: str, registry: Registry, target: str, context_sentences: int = 1) -> list[Example]:
    """Return a row per actor and sentence: the first mention stands for the actor."""
    finder = MentionFinder(registry)
    sentences = list(split_sentences(text))
    rows: list[Example] = []
    for index, sentence in enumerate(sentences):
        context = " ".join(sentences[max(0, index - context_sentences) : index])
        seen: set[str] = set()
        for mention in finder.find(sentence):
            if mention.actor not in seen:
                seen.add(mention.actor)
                rows.append(
                    Example(
                        id=f"{doc_id}:{index + 1}:{mention.actor}",
                        doc_id=doc_id,
                        sent_id=index + 1,
                        context=context,
                        text=sentence,
                        actor=mention.actor,
                        mention=sentence[mention.start : mention.end],
                        start=mention.start,
                        end=mention.end,
                        target=target,
                    )
                )
    return rows


def read_article(path: Path) -> str:
    """Read an article.

    Raises:
        InputError: missing, binary, not UTF-8, or without text.
    """
    text = read_text(path)
    if "\0" in text:
        raise InputError(f"{path}: binary data, expected plain text")
    if not text.strip():
        raise InputError(f"{path}: empty, expected an article")
    return text
