"""What a corpus is about, `issue.yaml`: the target and other nouns that mean it; and the finder of its actors in articles."""

import re
from pathlib import Path
from typing import Annotated

import yaml
from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError

from data.documents import read_document
from data.errors import InputError, nearest
from data.files import read_yaml
from data.mentions import MentionFinder
from data.registry import read_registry
from data.words import FUNCTION_WORDS

FILE = "issue.yaml"

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]


class Issue(BaseModel):
    """The policy toward which stances are labelled; `nouns` name it or its parts ("the radar") where the target's words do not."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    target: Text
    nouns: tuple[Text, ...] = ()

    @property
    def held(self) -> frozenset[str]:
        """What an actor can be said to own of the issue, so that "the American shield" names an actor."""
        words = re.findall(r"\w+", " ".join([self.target, *self.nouns]).lower())
        return frozenset(word for word in words if word not in FUNCTION_WORDS)


def read_issue(folder: Path) -> Issue:
    """Read a corpus folder's `issue.yaml`; a corpus without one is about the target of its first document.

    Raises:
        InputError: not YAML, an unknown key, no target.
    """
    path = folder / FILE
    if not path.is_file():
        first = min((folder / "corpus").rglob("*.md"), default=None)
        if first is None:
            raise InputError(f"{path}: no such file, and no document in {folder / 'corpus'} that names the target")
        return Issue(target=read_document(first).meta.target)
    fields = read_yaml(path)
    try:
        return Issue.model_validate(fields if isinstance(fields, dict) else {})
    except ValidationError as error:
        fault = min(error.errors(), key=lambda each: each["type"] != "extra_forbidden")  # a wrong name explains a missing key
        key = ".".join(str(part) for part in fault["loc"])
        hint = nearest(key, Issue.model_fields) if fault["type"] == "extra_forbidden" else ""
        raise InputError(f"{path}: {key}: {fault['msg']}{hint}") from None


def format_issue(issue: Issue) -> str:
    """Write an issue; the inverse of `read_issue`."""
    fields = {"target": issue.target, "nouns": list(issue.nouns)}
    text = yaml.safe_dump(fields, sort_keys=False, allow_unicode=True, width=120, default_flow_style=None)
    return f"# What the corpus is about; nouns are further words for the target or its parts, e.g. [radar, interceptors].\n{text}"


def open_finder(folder: Path) -> MentionFinder:
    """Return the finder of a corpus folder's actors in articles."""
    return MentionFinder(read_registry(folder / "actors.yaml"), read_issue(folder).held)
