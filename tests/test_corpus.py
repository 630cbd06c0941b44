import json
import sys
from pathlib import Path

import pytest
from conftest import document_text

from data import splits as split_command
from data.corpus import Corpus, load_corpus
from data.documents import read_documents
from data.errors import InputError, InputFaults
from data.files import write_json
from data.registry import format_registry, read_registry
from data.splits import extend_splits, group_documents, make_splits


@pytest.fixture
def corpus(corpus_folder: Path) -> Corpus:
    splits = make_splits(read_documents(corpus_folder / "corpus"), read_registry(corpus_folder / "actors.yaml"), seed=1)
    write_json(corpus_folder / "splits.json", splits)
    return load_corpus(corpus_folder)


def test_splits_hold_every_document_once(corpus: Corpus) -> None:
    placed = [doc_id for ids in corpus.splits.values() for doc_id in ids]
    assert sorted(placed) == sorted(corpus.by_id)
    assert all(corpus.splits[name] for name in ("train", "dev", "test"))


def test_documents_of_one_world_or_with_a_shared_sentence_stay_together(corpus_folder: Path) -> None:
    path = corpus_folder / "corpus" / "doc-3.md"
    path.write_text(path.read_text() + "[Elvar](state-4: neutral) was not represented.\n")
    other = corpus_folder / "corpus" / "doc-5.md"
    twin = (corpus_folder / "corpus" / "doc-6.md").read_text().splitlines()[8]
    other.write_text(
        other.read_text()
        + twin.split("<!--")[0].replace("state-6", "opposition").replace("[the Opposition](opposition: against)", "they")
        + "\n"
    )
    groups = group_documents(read_documents(corpus_folder / "corpus"), read_registry(corpus_folder / "actors.yaml"))
    assert groups["doc-3"] == groups["doc-4"]
    assert groups["doc-5"] == groups["doc-6"]
    assert len(set(groups.values())) == 10


def test_too_few_documents_for_splits(corpus_folder: Path) -> None:
    documents = read_documents(corpus_folder / "corpus")[:2]
    with pytest.raises(InputError, match="2 independent labelled documents; 3 are needed"):
        make_splits(documents, read_registry(corpus_folder / "actors.yaml"), seed=1)


def test_short_documents_are_divided_and_unmarked_ones_named(corpus_folder: Path) -> None:
    registry = read_registry(corpus_folder / "actors.yaml")
    for number, genre in enumerate(("wire", "local", "debate")):
        line = document_text(number, genre=genre).splitlines()[8].split(",")[0]
        header = document_text(number, genre=genre).partition("[")[0]
        (corpus_folder / "corpus" / f"doc-{number}.md").write_text(f"{header}{line}.\n")
    documents = read_documents(corpus_folder / "corpus")[:12]
    short = [document for document in documents if document.meta.id in {"doc-0", "doc-1", "doc-2"}]
    assert [len(ids) for ids in make_splits(short, registry, seed=1).values()] == [1, 1, 1]
    for document in short:
        document.path.write_text(document.path.read_text().partition("[")[0] + f"Nothing happened on day {document.meta.id}.\n")
    unmarked = [document for document in read_documents(corpus_folder / "corpus") if document.meta.id in {"doc-0", "doc-1", "doc-2"}]
    with pytest.raises(InputError, match="0 independent labelled documents"):
        make_splits(unmarked, registry, seed=1)


def test_a_misspelt_actor_is_named_before_anything_is_divided(corpus: Corpus, monkeypatch: pytest.MonkeyPatch) -> None:
    path = corpus.documents[1].path
    path.write_text(path.read_text().replace("(state-1: favor)", "(sttae-1: favor)"))
    monkeypatch.setattr(sys, "argv", ["splits.py", str(corpus.folder)])
    with pytest.raises(InputFaults, match=rf"{path.name}:9: actor 'sttae-1'"):
        split_command.main()


def test_a_new_seed_document_goes_to_the_seeds(corpus: Corpus) -> None:
    splits = {name: list(ids) for name, ids in corpus.splits.items()}
    new = next(document for document in corpus.documents if document.meta.id in splits["train"])
    splits["train"].remove(new.meta.id)
    new.path.write_text(new.path.read_text().replace("origin: written", "origin: seed"))
    extended = extend_splits(splits, read_documents(corpus.folder / "corpus"), corpus.registry)
    assert extended == splits | {"seeds": [new.meta.id]}


def test_the_fingerprint_changes_with_a_label(corpus: Corpus) -> None:
    before = corpus.fingerprint()
    path = corpus.documents[0].path
    path.write_text(path.read_text().replace("rovia: against", "rovia: favor"))
    assert load_corpus(corpus.folder).fingerprint() != before


def test_unregistered_actors_are_named_with_line_and_nearest(corpus: Corpus) -> None:
    path = corpus.documents[0].path
    path.write_text(path.read_text().replace("(rovia: neutral)", "(rovai: neutral)"))
    with pytest.raises(InputFaults, match=r"doc-0.md:10: actor 'rovai' .* mean 'rovia'"):
        load_corpus(corpus.folder)


def test_splits_that_do_not_fit_the_documents(corpus: Corpus) -> None:
    path = corpus.folder / "splits.json"
    splits = json.loads(path.read_text())
    lost = splits["test"].pop()
    splits["dev"] += [splits["train"][0], "doc-99"]
    path.write_text(json.dumps(splits))
    with pytest.raises(InputFaults) as caught:
        load_corpus(corpus.folder)
    assert [kind for kind in ("two splits", "no document 'doc-99'", f"'{lost}' is in no split") if kind not in str(caught.value)] == []


def test_an_unknown_split(corpus: Corpus) -> None:
    with pytest.raises(InputError, match="did you mean 'test'"):
        corpus.split("tset")


def test_the_registry_survives_writing(corpus_folder: Path) -> None:
    path = corpus_folder / "actors.yaml"
    registry = read_registry(path)
    path.write_text(format_registry(registry))
    assert read_registry(path) == registry


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{}", "expected a list"),
        ("- {id: a, name: A, kind: planet}", "kind"),
        ("- {id: a, name: A, kind: state, aliases: [A, ' ']}", "actor 1: aliases.1: String should have at least 1 character"),
        ("- {id: a, name: A, kind: state}\n- {id: a, name: B, kind: state}", "duplicate actor id 'a'"),
        ("- {id: a, name: A, kind: state, parent: b}", "parent 'b' of 'a'"),
        ("- [", "not YAML"),
    ],
)
def test_faulty_registries(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "actors.yaml"
    path.write_text(text)
    with pytest.raises(InputError, match=message):
        read_registry(path)
