"""Scaffold a corpus for an issue of your own, its articles marked and ready for labelling:

    python data/new.py my-issue --target "the river toll" --articles articles
    python data/new.py my-issue                    after correcting actors.yaml: marks anew what nobody has begun to label
    python data/new.py my-issue --articles more    adds articles later

Writes corpus/*.md (every actor found is marked `?`), articles/*.txt (the texts), actors.yaml (the names found), issue.yaml,
guidelines.md, README.md (the corpus card), splits.json (empty) and config.yaml, which trains on all of it. docs/tutorial.md
goes on from there.
"""

import argparse
import re
import shlex
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import get_args

if not __package__:
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

import yaml
from pydantic import ValidationError

from data.articles import read_article, split_sentences
from data.corpus import SPLITS
from data.documents import FrontMatter, Genre, read_documents
from data.drafts import Draft, draft_article, is_begun, redraft
from data.errors import InputError, InputFaults, run_command
from data.files import ROOT, read_text, write_json, write_text
from data.guidelines import adapt_guidelines
from data.issue import FILE, Issue, format_issue, open_finder, read_issue
from data.mentions import MentionFinder, slug
from data.names import propose_actors
from data.registry import Actor, Registry, format_registry, read_registry

TEMPLATES = Path(__file__).parent / "templates"
HEADER = """\
# Who is who. data/new.py proposed these names, the most frequent first; it guesses. Correct kinds and names, put further names of one
# actor under its aliases, delete what is no actor, then run data/new.py {folder} once more: it marks the documents anew.
"""


@dataclass(frozen=True)
class Marked:
    """What a call wrote: drafts by the path of their document in the folder, and the actors that it added to the registry."""

    drafts: dict[Path, Draft]
    actors: list[Actor]

    @property
    def marks(self) -> int:
        """How many marks wait for a label."""
        return sum(draft.marks for draft in self.drafts.values())


def collect_articles(folder: Path, skip_faulty: bool) -> dict[str, str]:
    """Read the .txt files of a folder by document ids made from their names.

    Raises:
        InputFaults: every file that is no English article, unless they are to be skipped; two names that give one id.
    """
    paths = sorted(folder.rglob("*.txt")) if folder.is_dir() else []
    if not paths:
        raise InputError(f"--articles {folder}: {'the folder holds no .txt file' if folder.is_dir() else 'no such folder'}")
    texts: dict[str, str] = {}
    faults: list[str] = []
    for path in paths:
        doc_id = slug(path.stem)[:80].strip("-")
        try:
            text = read_article(path)
        except InputError as error:
            faults.append(str(error))
            continue
        if doc_id in texts:
            faults.append(f"{path}: a second article of the name {doc_id!r}; rename it")
            continue
        texts[doc_id] = text
    if faults and not skip_faulty:
        raise InputFaults([*faults, f"--articles {folder}: nothing was written; repair or remove these files, or give --skip-faulty"])
    print("\n".join(f"skipped   {fault}" for fault in faults), end="\n" if faults else "")
    return texts


def draft_articles(texts: Mapping[str, str], issue: Issue, known: Registry, given: argparse.Namespace) -> Marked:
    """Propose the actors that texts name and `known` lacks, and mark them.

    Raises:
        InputFaults: no names at all, or lines that cannot be marked up.
    """
    sentences = [[each.text for each in split_sentences(text) if each.part == "body"] for text in texts.values()]
    proposed = [proposal.actor for proposal in propose_actors(sentences, known, given.names)]
    registry = known | {actor.id: actor for actor in proposed}
    if not any(actor.aliases for actor in registry.values()):
        raise InputError(f"--articles {given.articles}: no capitalised name occurs twice in them, so no actor can be proposed")
    finder = MentionFinder(registry, issue.held)
    fields = {"title": "", "target": issue.target, "origin": "collected", "genre": given.genre, "setting": given.setting}
    drafts: list[Draft] = []
    faults: list[str] = []
    for doc_id, text in texts.items():
        try:
            drafts.append(draft_article(text, FrontMatter.model_validate(fields | {"id": doc_id}), finder))
        except InputError as error:
            faults.append(str(error))
    if faults:
        raise InputFaults(faults)
    actors = {actor.id: actor for actor in [*proposed, *(actor for draft in drafts for actor in draft.new_actors)]}
    return Marked({Path("corpus") / f"{draft.meta.id}.md": draft for draft in drafts}, list(actors.values()))


def mark_anew(folder: Path) -> Marked:
    """Mark every document that nobody has begun to label with the actors that the registry has now."""
    finder = open_finder(folder)
    documents = [document for document in read_documents(folder / "corpus") if not is_begun(document)]
    return Marked({document.path.relative_to(folder): redraft(document, finder) for document in documents}, [])


def write_marked(folder: Path, marked: Marked, texts: Mapping[str, str]) -> None:
    """Write documents, the articles that they come from, and the actors added."""
    write_registry(folder, marked.actors)
    for path, draft in marked.drafts.items():
        write_text(folder / path, draft.text)
    for doc_id, text in texts.items():
        write_text(folder / "articles" / f"{doc_id}.txt", text)


def write_registry(folder: Path, actors: Iterable[Actor]) -> None:
    """Add entries at the end of `actors.yaml`; what stands there already, comments too, stays."""
    path = folder / "actors.yaml"
    before = read_text(path).rstrip("\n") + "\n" if path.is_file() else HEADER.format(folder=folder)
    added: Registry = {actor.id: actor for actor in actors}
    if path.is_file() and not added:
        return
    write_text(path, before + format_registry(added).partition("\n")[2])


def write_frame(folder: Path, issue: Issue) -> None:
    """Write everything but documents and actors."""
    inside = folder.resolve().is_relative_to(ROOT)
    place = folder.resolve().relative_to(ROOT) if inside else folder.resolve()
    base = "../" * len(place.parts) + "configs/base.yaml" if inside else str(ROOT / "configs" / "base.yaml")
    card = {"title": _yaml(f"Actor stance toward {issue.target}"), "target": issue.target, "folder": shlex.quote(str(place))}
    config = {"name": slug(folder.resolve().name), "folder": _yaml(str(place)), "base": _yaml(base)}
    config |= {"config": shlex.quote(str(place / "config.yaml"))}
    write_text(folder / FILE, format_issue(issue))
    write_text(folder / "README.md", Template(read_text(TEMPLATES / "card.md")).substitute(card))
    write_text(folder / "config.yaml", Template(read_text(TEMPLATES / "config.yaml")).substitute(config))
    write_text(folder / "guidelines.md", adapt_guidelines(read_text(ROOT / "docs" / "guidelines.md"), issue.target))
    write_json(folder / "splits.json", {name: [] for name in SPLITS})


def _yaml(text: str) -> str:
    """Write a text as a YAML value, quoted where it must be."""
    return str(yaml.safe_dump(text, allow_unicode=True, width=10**6)).partition("\n")[0]


def start(folder: Path, given: argparse.Namespace) -> Marked:
    """Make a new corpus folder.

    Raises:
        InputError: something is there already, target or articles are missing, or the target is too long.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(f"{folder}: is there already and is no corpus made by data/new.py (no {FILE})")
    if not given.target or not given.target.strip() or given.articles is None:
        raise InputError(f"{folder}: a new corpus needs --target and --articles")
    try:
        issue = Issue(target=given.target)
    except ValidationError as error:
        raise InputError(f"--target: {error.errors()[0]['msg']}, got {len(given.target)}") from None
    texts = collect_articles(given.articles, given.skip_faulty)
    marked = draft_articles(texts, issue, {}, given)
    write_frame(folder, issue)
    write_marked(folder, marked, texts)
    return marked


def go_on(folder: Path, given: argparse.Namespace) -> Marked:
    """Add articles to a corpus folder, or mark it anew.

    Raises:
        InputError: another target than the corpus has, or articles that it holds already.
    """
    issue = read_issue(folder)
    if given.target and given.target.strip() != issue.target:
        raise InputError(f"--target {given.target!r}: {folder / FILE} says {issue.target!r}; one folder is about one issue")
    if given.articles is None:
        marked = mark_anew(folder)
        write_marked(folder, marked, {})
        return marked
    texts = collect_articles(given.articles, given.skip_faulty)
    there = {document.meta.id for document in read_documents(folder / "corpus")}
    if doubled := sorted(there & texts.keys()):
        raise InputError(f"--articles {given.articles}: {folder} has articles of these names already: {', '.join(doubled)}")
    marked = draft_articles(texts, issue, read_registry(folder / "actors.yaml"), given)
    write_marked(folder, marked, texts)
    return marked


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False)
    parser.add_argument("folder", type=Path, help="corpus folder to make, or to go on with")
    parser.add_argument("--target", help="the policy toward which stances are labelled, as a text would name it")
    parser.add_argument("--articles", type=Path, help="folder of .txt files, one article each, one paragraph a line")
    parser.add_argument("--genre", choices=get_args(Genre), default="wire", help="genre of the articles (default: wire)")
    parser.add_argument(
        "--setting", choices=("real", "invented"), default="real", help="the world that the articles are set in (default: real)"
    )
    parser.add_argument("--names", type=int, default=60, help="how many capitalised names to propose at most (default: 60)")
    parser.add_argument("--skip-faulty", action="store_true", help="leave out files that are no English articles")
    given = parser.parse_args()
    if given.names < 1:
        raise InputError(f"--names: expected 1 or more, got {given.names}")
    return given


def main() -> None:
    """Scaffold, add articles or mark anew, and say what to do next."""
    given = parse()
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", given.folder.resolve().name):
        raise InputError(f"{given.folder}: name the folder with letters, digits, dots, hyphens and underscores")
    marked = (go_on if (given.folder / FILE).is_file() else start)(given.folder, given)
    print(f"{given.folder}: {len(marked.drafts)} documents marked, {marked.marks} marks to label, {len(marked.actors)} actors proposed")
    if marked.actors:
        print(f"next: correct {given.folder / 'actors.yaml'}, then python data/new.py {given.folder}")
    else:
        print(f"next: put against, neutral or favor in the place of every ? in {given.folder / 'corpus'} (docs/tutorial.md)")


if __name__ == "__main__":
    run_command(main)
