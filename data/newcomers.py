"""Actors of an article that the registry does not know: spans that a model found where the names and rules find nobody."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from data.articles import READ_PARTS, Article, context_of
from data.coreference import PRONOUNS
from data.mentions import FoundMention, slug
from data.registry import Registry
from data.spans import MarkedSentence

_ARTICLE = re.compile(r"(?:the|a|an)\s+", re.I)


def sentences_to_tag(article: Article, context_sentences: int) -> list[MarkedSentence]:
    """Return the sentences of an article that are read for actors; bylines and notices are not."""
    return [
        MarkedSentence(
            id=f"{article.doc_id}:{sentence.number}",
            doc_id=article.doc_id,
            sent_id=sentence.number,
            context=context_of(article.sentences[:index], context_sentences),
            text=sentence.text,
        )
        for index, sentence in enumerate(article.sentences)
        if sentence.part in READ_PARTS
    ]


def with_newcomers(article: Article, found: Mapping[int, Sequence[tuple[int, int]]]) -> Article:
    """Return an article that also has the actors found by a model, by the numbers of their sentences.

    A span that touches a mention known already is left out, as are pronouns, which name nobody, and aliases of the registry, which the
    rules had a reason to pass over. The same words are the same actor: one that the registry has under this name, or a new one.
    """
    known = {_bare(actor.name): actor.id for actor in article.registry.values() if not actor.aliases}
    passed_over = {_bare(name) for actor in article.registry.values() if actor.aliases for name in (actor.name, *actor.aliases)}
    names: dict[str, str] = {}
    mentions = []
    for sentence, present in zip(article.sentences, article.mentions, strict=True):
        new = []
        for start, end in _free(found.get(sentence.number, ()), present):
            text = sentence.text[start:end]
            if text.lower() in PRONOUNS or _bare(text) in passed_over:
                continue
            actor = known.get(_bare(text)) or _new_id(_bare(text), article.registry)
            if actor not in article.registry:
                names.setdefault(actor, text)
            new.append(FoundMention(start, end, actor, "tagged"))
        mentions.append(tuple(sorted([*present, *new], key=lambda each: each.start)))
    return replace(article, mentions=tuple(mentions), newcomers=names)


def _bare(name: str) -> str:
    """Return a name without its article and capitals."""
    return _ARTICLE.sub("", name, count=1).casefold() if _ARTICLE.match(name) else name.casefold()


def _free(spans: Iterable[tuple[int, int]], present: Sequence[FoundMention]) -> list[tuple[int, int]]:
    return [(start, end) for start, end in spans if all(end <= each.start or start >= each.end for each in present)]


def _new_id(name: str, registry: Registry) -> str:
    """Make an id that the registry does not have."""
    actor = slug(name)
    return f"{actor}-unlisted" if actor in registry else actor
