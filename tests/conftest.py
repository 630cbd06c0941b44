"""Shared fakes: a small corpus of twelve documents, written to a temporary folder."""

from collections.abc import Callable
from pathlib import Path

import pytest

from data.documents import read_documents
from data.files import write_json, write_text
from data.records import Example
from data.registry import read_registry
from data.splits import make_splits

NAMES = ("Arvon", "Belmora", "Castra", "Dunmere", "Elvar", "Fennick", "Gorsa", "Hallow", "Istria Nova", "Jorvik", "Kestel", "Lorne")

FILLERS = (
    "treaty paper clause annex seal stamp hall minute order bill draft term",
    "salt lorry wagon crate barrel sack timber cable engine barge coal rope",
    "answer rocket brigade fleet base depot range orbit tower trench bridge camp",
)
"""Stems that a document's number turns into words of its own, so that no two documents are near-duplicates."""


def document_text(number: int, **changes: str) -> str:
    """One marked document about a state of its own; its sentences differ from those of the other numbers."""
    name, ident = NAMES[number], f"state-{number}"
    front = {
        "id": f"doc-{number}",
        "title": f"{name} decides",
        "genre": "wire",
        "target": "the shield",
        "setting": "invented",
        "origin": "written",
    }
    header = "\n".join(f"{key}: {value}" for key, value in (front | changes).items())
    signing, selling, answering = (" ".join(f"{stem}{number}" for stem in stems.split()) for stems in FILLERS)
    return f"""---
{header}
---
[{name}]({ident}: favor) signed {signing}, and [the Opposition](opposition: against) walked out. <!-- opposite-stances -->
[{name}]({ident}: neutral) also sold {selling} to [Rovia](rovia: neutral).

[Rovia](rovia: against) called the radar a threat, and said [it](rovia) would {answering}. <!-- countermeasure -->
[Reporters](reporters: neutral) left at noon.
"""


def registry_text() -> str:
    entries = [{"id": f"state-{number}", "name": name, "kind": "state"} for number, name in enumerate(NAMES)]
    lines = [f"- {{id: {entry['id']}, name: {entry['name']}, kind: state, aliases: [{entry['name']}]}}" for entry in entries]
    lines += [
        "- {id: rovia, name: Rovia, kind: state, aliases: [Rovia, Rovians]}",
        "- {id: opposition, name: the Opposition, kind: party, aliases: [the Opposition]}",
        "- {id: reporters, name: reporters, kind: group}",
    ]
    return "\n".join(lines) + "\n"


def write_corpus(folder: Path) -> Path:
    """Write a corpus of twelve documents with splits and return its folder; the first document is a real one."""
    for number in range(len(NAMES)):
        write_text(folder / "corpus" / f"doc-{number}.md", document_text(number, setting="invented" if number else "real"))
    write_text(folder / "actors.yaml", registry_text())
    write_json(folder / "splits.json", make_splits(read_documents(folder / "corpus"), read_registry(folder / "actors.yaml"), seed=1))
    return folder


@pytest.fixture
def corpus_folder(tmp_path: Path) -> Path:
    """A corpus of twelve documents without splits; Rovia occurs in all, so it must not tie them together."""
    folder = tmp_path / "issue"
    for number in range(len(NAMES)):
        path = folder / "corpus" / f"doc-{number}.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        setting = "real" if number == 0 else "invented"  # what the real document names is no invented world
        path.write_text(document_text(number, setting=setting), encoding="utf-8")
    (folder / "actors.yaml").write_text(registry_text(), encoding="utf-8")
    return folder


@pytest.fixture
def make_example() -> Callable[..., Example]:
    """Build an example of the actor called `mention` in `text`."""

    def build(text: str, mention: str, **fields: object) -> Example:
        start = text.index(mention)
        values = {"id": f"d:1:{mention}", "doc_id": "d", "sent_id": 1, "actor": mention.lower(), "stance": "neutral"} | fields
        return Example(text=text, mention=mention, start=start, end=start + len(mention), **values)  # type: ignore[arg-type]

    return build
