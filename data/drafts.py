"""Unlabelled documents: articles with every actor found in them marked `?`, for an annotator to correct and label."""

from collections.abc import Sequence
from dataclasses import dataclass

from data.articles import READ_PARTS, part_of, take_apart
from data.coreference import PRONOUNS, find_mentions
from data.documents import Document, FrontMatter, format_document
from data.errors import InputError
from data.markup import UNLABELLED, MarkedText, Mention, comes_back
from data.mentions import FoundMention, MentionFinder
from data.registry import Actor, Registry


@dataclass(frozen=True)
class Draft:
    """A marked, unlabelled document and the actors that only its text told of."""

    meta: FrontMatter
    paragraphs: list[list[MarkedText]]
    new_actors: tuple[Actor, ...]

    @property
    def text(self) -> str:
        """The document's file."""
        return format_document(self.meta, self.paragraphs)

    @property
    def marks(self) -> int:
        """How many marks wait for a label."""
        return sum(mention.stance == UNLABELLED for lines in self.paragraphs for line in lines for mention in line.mentions)


def draft_article(text: str, meta: FrontMatter, finder: MentionFinder) -> Draft:
    """Mark the actors of an article: an actor's first mention in a sentence `?`, further ones without a stance.

    Args:
        text: the article.
        meta: the document's front matter; a title that is empty becomes the article's headline.
        finder: finds the actors.

    Raises:
        InputError: no English article, or a line that would not survive as marked text.
    """
    article = take_apart(text, meta.id, finder)
    paragraphs: dict[int, list[MarkedText]] = {}
    used: dict[str, Actor] = {}
    for sentence, found in zip(article.sentences, article.mentions, strict=True):
        used |= {mention.actor: article.registry[mention.actor] for mention in found if mention.actor not in finder.registry}
        marked = mark_sentence(sentence.text, found)
        check_round_trip(marked, f"{meta.id}: sentence {sentence.number}")
        paragraphs.setdefault(sentence.paragraph, []).append(marked)
    titled = meta if meta.title else meta.model_copy(update={"title": " ".join(article.title.split())})
    return Draft(titled, list(paragraphs.values()), tuple(used.values()))


def mark_sentence(text: str, found: Sequence[FoundMention]) -> MarkedText:
    """Turn found mentions into marks."""
    seen: set[str] = set()
    mentions = []
    for each in found:
        mentions.append(Mention(each.start, each.end, text[each.start : each.end], each.actor, None if each.actor in seen else "?"))
        seen.add(each.actor)
    return MarkedText(text, tuple(mentions))


def check_round_trip(marked: MarkedText, place: str) -> None:
    """Refuse a line that would be read back as something else, such as one that ends in an HTML comment.

    Raises:
        InputError: names the place and the line.
    """
    if not comes_back(marked):
        raise InputError(f"{place}: {marked.text[-60:]!r} cannot be marked up; an HTML comment at its end? remove it")


def is_begun(document: Document) -> bool:
    """Tell whether somebody has given a stance to some mark of a document."""
    return any(mention.stance not in (None, UNLABELLED) for sentence in document.sentences for mention in sentence.marked.mentions)


def redraft(document: Document, finder: MentionFinder) -> Draft:
    """Mark the sentences of a document anew; pronouns and descriptions marked by hand stay, names come from the registry alone."""
    readable = [each.text if part_of(each.text, each.paragraph) in READ_PARTS else "" for each in document.sentences]
    paragraphs: dict[int, list[MarkedText]] = {}
    resolved = find_mentions(readable, finder, paragraphs=[each.paragraph for each in document.sentences])
    for sentence, found in zip(document.sentences, resolved.mentions, strict=True):
        fresh = mark_sentence(sentence.text, [mention for mention in found if mention.actor in finder.registry])
        paragraphs.setdefault(sentence.paragraph, []).append(_keep_own(fresh, sentence.marked, finder.registry))
    return Draft(document.meta, list(paragraphs.values()), ())


def _keep_own(fresh: MarkedText, old: MarkedText, registry: Registry) -> MarkedText:
    mentions = list(fresh.mentions)
    for mention in old.mentions:
        free = all(mention.end <= other.start or mention.start >= other.end for other in mentions)
        name = mention.text.split()[-1][:1].isupper() and mention.text.lower() not in PRONOUNS
        if free and not name and mention.actor in registry:
            mentions.append(mention)
    mentions.sort(key=lambda mention: mention.start)
    found = [FoundMention(mention.start, mention.end, mention.actor) for mention in mentions]
    return MarkedText(fresh.text, mark_sentence(fresh.text, found).mentions, old.phenomena)
