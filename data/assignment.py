"""What goes out to annotators: which documents, with which marks to begin from, the most uncertain first."""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from data.corpus import read_splits
from data.documents import Document
from data.errors import InputError, InputFaults, nearest
from data.files import read_text, write_text
from data.labelling import Workspace, corpus_marks, open_workspace
from data.markup import Mention
from data.registry import Actor, format_registry
from data.suggestions import Suggestion, Suggestions, document_uncertainty, read_suggestions

PREFILLS = ("none", "marks", "labels", "model")


@dataclass(frozen=True)
class Assignment:
    """A document to be labelled and the marks to begin from, by sentence, with their stances shown or hidden.

    `suggested` is what a model said, where its marks are the ones shown; `uncertainty` orders the round, whatever is shown.
    """

    document: Document
    marks: Mapping[int, Sequence[Mention]]
    stances: bool
    suggested: Mapping[int, Sequence[Suggestion]]
    uncertainty: float

    @property
    def confidence(self) -> float | None:
        """The mean confidence of the stances that a model suggests."""
        values = [each.confidence for sentence in self.suggested.values() for each in sentence if each.confidence is not None]
        return sum(values) / len(values) if values else None


@dataclass(frozen=True)
class Round:
    """One round of labelling: the workspace, the assignments in their order, and actors that the model found new."""

    workspace: Workspace
    assignments: list[Assignment]
    prefill: str
    new_actors: list[Actor]


def add_export_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that say which documents go out and with what."""
    parser.add_argument("--corpus", type=Path, default=Path("data"), help="corpus folder (default: data)")
    parser.add_argument(
        "--documents", type=Path, metavar="FILE", help="a file of document ids, one a line (default: all, or all that were predicted)"
    )
    parser.add_argument("--split", help="only the documents of this split")
    parser.add_argument("--predictions", type=Path, nargs="+", default=[], metavar="FILE", help="what train/predict.py --output wrote")
    parser.add_argument("--prefill", choices=PREFILLS, help="what to begin with (default: model if there are predictions, else marks)")


def prepare_round(given: argparse.Namespace) -> Round:
    """Choose documents and marks by the command line's options.

    Raises:
        InputFaults: whatever is wrong with corpus, predictions or choice.
    """
    if given.prefill == "model" and not given.predictions:
        raise InputError("--prefill model: give --predictions, a file that train/predict.py --output wrote")
    workspace = open_workspace(given.corpus)
    suggestions, new = read_suggestions(given.predictions, workspace)
    prefill = given.prefill or ("model" if given.predictions else "marks")
    documents = choose_documents(workspace, given.documents, given.split)
    if prefill == "model":
        documents = [document for document in documents if document.meta.id in suggestions]
    if not documents:
        raise InputError("--predictions: none of the documents chosen is in these files")
    assignments = [assign(document, prefill, suggestions) for document in documents]
    return Round(workspace, sorted(assignments, key=lambda each: -each.uncertainty), prefill, new)


def choose_documents(workspace: Workspace, ids_file: Path | None, split: str | None) -> list[Document]:
    """Return the documents to be labelled, in the order of the file of ids if there is one.

    Raises:
        InputFaults: ids or a split that the corpus does not have.
    """
    chosen = list(workspace.documents)
    if split:
        splits = read_splits(workspace.folder / "splits.json")
        if split not in splits:
            raise InputError(f"--split: no split {split!r}{nearest(split, splits)}, has {', '.join(splits)}")
        chosen = [doc_id for doc_id in splits[split] if doc_id in workspace.documents]
    if ids_file:
        listed = [line.strip() for line in read_text(ids_file).split("\n") if line.strip()]
        known = set(chosen)
        faults = [f"{ids_file}: no document {doc_id!r}{nearest(doc_id, known)}" for doc_id in listed if doc_id not in known]
        if faults or not listed:
            raise InputFaults(faults or [f"{ids_file}: no document ids"])
        chosen = list(dict.fromkeys(listed))
    return [workspace.documents[doc_id] for doc_id in chosen]


def assign(document: Document, prefill: str, suggestions: Suggestions) -> Assignment:
    """Give a document the marks to begin from: none, the corpus's without or with their stances, or a model's."""
    suggested = suggestions.get(document.meta.id, {})
    uncertainty = document_uncertainty(suggested)
    if prefill == "model":
        marks = {sent_id: [each.mention for each in sentence] for sent_id, sentence in suggested.items()}
        return Assignment(document, marks, True, suggested, uncertainty)
    return Assignment(document, corpus_marks(document) if prefill != "none" else {}, prefill == "labels", {}, uncertainty)


def announce_new_actors(folder: Path, new: Sequence[Actor]) -> None:
    """Write the suggested actors that the registry lacks, in its format, to be pasted into it."""
    if new:
        write_text(folder / "new-actors.yaml", format_registry({actor.id: actor for actor in new}))
        print(
            f"{len(new)} suggested actors are not in actors.yaml: paste those you keep from {folder / 'new-actors.yaml'} before the import"
        )
