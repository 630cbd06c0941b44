"""Labels that were made elsewhere: the forms of a label, whose actor a name means, and documents for texts that the corpus lacks."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from data.documents import Document, FrontMatter, Sentence
from data.errors import nearest
from data.issue import read_issue
from data.labelling import Workspace, read_stance
from data.markup import MarkedText, comes_back
from data.mentions import MentionFinder
from data.records import STANCES, Stance

FURTHER = ("mention", "further mention")
"""Labels of a further mention of an actor that is labelled in the same sentence."""


@dataclass(frozen=True)
class ForeignLabel:
    """A label taken apart: the stance, None for a further mention, and the actor where the label names it."""

    stance: Stance | None
    actor: str | None


def parse_label(label: str) -> ForeignLabel:
    """Take apart `favor`, `russia:favor`, `mention` or `russia:mention`.

    Raises:
        ValueError: none of these.
    """
    actor, _, name = label.rpartition(":")
    if name.strip().lower() in FURTHER:
        return ForeignLabel(None, actor.strip() or None)
    try:
        return ForeignLabel(read_stance(name), actor.strip() or None)
    except ValueError:
        forms = f"{', '.join(STANCES)}, {FURTHER[0]}, or actor:stance"
        raise ValueError(f"label {label!r}: expected {forms}{nearest(name, STANCES)}") from None


class ActorNames:
    """The registry's actors by their names and aliases."""

    def __init__(self, workspace: Workspace) -> None:
        self._finder = MentionFinder(workspace.registry)
        self._known = workspace.registry
        self._ids: dict[str, set[str]] = {}
        for actor in workspace.registry.values():
            for name in (actor.id, actor.name, *actor.aliases):
                self._ids.setdefault(_fold(name), set()).add(actor.id)

    def find(self, mention: str) -> str:
        """Return the one actor that a mention names.

        Raises:
            ValueError: no actor has this name, or several have.
        """
        found = self._ids.get(_fold(mention)) or {each.actor for each in self._finder.find(mention)}
        if len(found) > 1:
            raise ValueError(f"{mention!r} may be {' or '.join(sorted(found))}: name the actor with the label, as actor:stance")
        if not found:
            raise ValueError(f"{mention!r} names no actor of actors.yaml: add an alias there, or name the actor with the label")
        return found.pop()


def _fold(name: str) -> str:
    return re.sub(r"^the\s+", "", re.sub(r"\s+", " ", name.strip().casefold()))


@dataclass(frozen=True)
class NewTexts:
    """What is said of texts that the corpus lacks, so that they can become documents of it."""

    workspace: Workspace
    genre: str
    setting: str
    target: str | None

    def build(self, doc_id: str, title: str, sentences: Sequence[tuple[int, str]]) -> Document:
        """Make a document of (paragraph, sentence) pairs.

        Raises:
            ValueError: the id or some other field of the front matter does not fit, or a sentence would be read back as something else.
            InputError: nothing says what the target is.
        """
        fields: Mapping[str, Any] = {
            "id": doc_id,
            "title": title,
            "genre": self.genre,
            "target": self.target or read_issue(self.workspace.folder).target,
            "setting": self.setting,
            "origin": "collected",
        }
        try:
            meta = FrontMatter.model_validate(fields)
        except ValidationError as error:
            fault = error.errors()[0]
            raise ValueError(f"front matter {'.'.join(map(str, fault['loc']))}: {fault['msg']}, got {fault['input']!r}") from None
        lines = tuple(Sentence(n, paragraph, n, MarkedText(text, ())) for n, (paragraph, text) in enumerate(sentences, 1))
        if lost := next((line for line in lines if not comes_back(line.marked)), None):
            hint = "an HTML comment at its end, or a carriage return in it? remove it"
            raise ValueError(f"sentence {lost.sent_id}: {lost.text[-60:]!r} cannot be marked up; {hint}")
        return Document(self._path(meta), meta, lines)

    def _path(self, meta: FrontMatter) -> Path:
        return self.workspace.folder / "corpus" / meta.genre / f"{meta.id}.md"
