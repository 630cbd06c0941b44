import dataclasses
import re
from pathlib import Path

import pytest
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_info, threadpool_limits

from data import blind
from data.artefacts import blind_macro_f1, giveaways, variety
from data.corpus import Corpus, load_corpus
from data.documents import read_documents
from data.errors import InputError
from data.export import export
from data.files import write_json
from data.records import Example
from data.registry import read_registry
from data.splits import make_splits
from data.validate import best_run, faults, progress, report


@pytest.fixture
def corpus(corpus_folder: Path) -> Corpus:
    splits = make_splits(read_documents(corpus_folder / "corpus"), read_registry(corpus_folder / "actors.yaml"), seed=1)
    write_json(corpus_folder / "splits.json", splits)
    (corpus_folder / "README.md").write_text("# card\n")
    return load_corpus(corpus_folder)


def test_a_sound_corpus_has_no_faults_and_a_table_of_figures(corpus: Corpus, tmp_path: Path) -> None:
    assert faults(corpus, tmp_path) == []
    text = report(corpus)
    assert "12 documents     48 sentences     72 labels" in text
    assert "neutral 36 (50%)" in text
    assert "opposite stances in 100% of the 12 sentences" in text


def test_labelling_goes_on_at_the_document_begun(corpus: Corpus) -> None:
    untouched, begun = corpus.documents[0].path, corpus.documents[1].path
    body = re.sub(r": (favor|against|neutral)\)", ": ?)", untouched.read_text())
    untouched.write_text(body + "\n".join(f"Day {number} passed." for number in range(20)) + "\n")
    begun.write_text(re.sub(r": (against|neutral)\)", ": ?)", begun.read_text()))
    assert f"go on at {begun}:9" in progress(dataclasses.replace(corpus, documents=read_documents(corpus.folder / "corpus")))


def test_the_best_run_is_found_among_files_that_are_no_reports(corpus: Corpus, tmp_path: Path) -> None:
    fields = {"data_fingerprint": corpus.fingerprint(), "splits": {"test": {"macro_f1": {"mean": 0.5}}}}
    for name, content in (("a", fields | {"name": "a"}), ("b", fields), ("c", [1]), ("d", fields | {"splits": {"test": {}}})):
        write_json(tmp_path / name / "report.json", content)
    (tmp_path / "b" / "report.json").write_text("{")
    assert best_run(corpus, tmp_path) == ("runs/a", 0.5)


def test_a_copied_sentence_is_named_and_a_leak_called_a_leak(corpus: Corpus, tmp_path: Path) -> None:
    source = corpus.split("train")[0].path
    target = corpus.split("test")[0].path
    target.write_text(target.read_text() + source.read_text().splitlines()[9] + "\n")
    found = faults(load_corpus(corpus.folder), tmp_path)
    assert len(found) == 1
    assert "leak across splits" in found[0]
    assert f"{source.name}:10" in found[0]
    assert f"{target.name}:14" in found[0]


def test_a_seed_document_must_equal_its_source_and_stand_in_its_split(corpus: Corpus, tmp_path: Path) -> None:
    path = corpus.split("train")[0].path
    path.write_text(path.read_text().replace("origin: written", "origin: seed"))
    seeds = tmp_path / "seeds"
    seeds.mkdir()
    found = faults(load_corpus(corpus.folder), seeds)
    assert [path.name in fault for fault in found] == [True, True]
    (seeds / "source.txt").write_text(load_corpus(corpus.folder).by_id[path.stem].plain_text() + "\n")
    assert ["seeds split" in fault for fault in faults(load_corpus(corpus.folder), seeds)] == [True]


def test_a_layer_that_labels_other_text_is_a_fault(corpus: Corpus, tmp_path: Path) -> None:
    layer = corpus.folder / "annotations" / "second"
    layer.mkdir(parents=True)
    for document in corpus.documents:
        text = document.path.read_text()
        (layer / document.path.name).write_text(text.replace("left at noon", "left at dawn") if document.meta.id == "doc-3" else text)
    found = faults(corpus, tmp_path)
    assert len(found) == 1
    assert "doc-3.md: the text differs" in found[0]


def rows(*texts_and_stances: tuple[str, str]) -> list[Example]:
    return [
        Example(id=str(n), doc_id="d", sent_id=n, text=f"Actor {text}", actor="a", mention="Actor", start=0, end=5, stance=stance)  # type: ignore[arg-type]
        for n, (text, stance) in enumerate(texts_and_stances)
    ]


def test_giveaway_words_are_found_with_what_they_cover() -> None:
    table = [("loves it", "favor")] * 12 + [("hates it", "against")] * 9 + [("sees it", "neutral")] * 5
    found = giveaways(rows(*table))
    assert found.words == ("loves",)  # nine labels are too few for a word to count
    assert found.covered == pytest.approx(12 / 21)


def test_variety_counts_types_and_distinct_bigrams() -> None:
    measured = variety(["a b a b", "c"])
    assert (measured.tokens, measured.types, measured.distinct_bigrams) == (5, 3, 3 / 4)


def test_the_blind_see_only_what_they_may() -> None:
    train = rows(*[("loves it", "favor")] * 5, *[("hates it", "against")] * 5, *[("sees it", "neutral")] * 5)
    assert blind_macro_f1("sentence_only", train, train) == 1
    assert blind_macro_f1("actor_only", train, train) < 0.4
    assert blind_macro_f1("majority", train, train) == pytest.approx(1 / 6)


def test_a_class_that_training_never_saw_gets_no_probability() -> None:
    train = rows(*[("loves it", "favor")] * 5, *[("sees it", "neutral")] * 5)
    probabilities = blind.predict("tfidf", blind.fit("tfidf", train), train)
    assert probabilities.shape == (10, 3)
    assert probabilities[:, 0].max() == 0
    assert probabilities.sum(axis=1) == pytest.approx(1)


def test_one_stance_is_learned_from_and_no_label_is_told() -> None:
    train = rows(*[("loves it", "favor")] * 5)
    assert blind_macro_f1("tfidf", train, train) == pytest.approx(1 / 3)
    unlabelled = [row.model_copy(update={"stance": None}) for row in train]
    assert (blind.predict("tfidf", blind.fit("tfidf", [*unlabelled, *train]), train)[:, 2] == 1).all()
    with pytest.raises(InputError, match="tfidf: no labelled mention to learn from"):
        blind.fit("tfidf", unlabelled)


def test_the_blind_learn_on_one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    threads: list[int] = []

    class Watched(LogisticRegression):
        def fit(self, *given: object, **named: object) -> "Watched":
            threads.extend(each["num_threads"] for each in threadpool_info())
            return super().fit(*given, **named)

    monkeypatch.setattr(blind, "LogisticRegression", Watched)
    with threadpool_limits(2):
        blind.fit("tfidf", rows(*[("loves it", "favor")] * 5, *[("sees it", "neutral")] * 5))
    assert set(threads) == {1}


def test_the_export_opens_with_the_datasets_library(corpus: Corpus, tmp_path: Path) -> None:
    from datasets import ClassLabel, load_dataset

    counts = export(corpus, tmp_path / "exported")
    loaded = load_dataset(str(tmp_path / "exported"), cache_dir=str(tmp_path / "cache"))
    assert {name: split.num_rows for name, split in loaded.items()} == counts
    assert isinstance(loaded["train"].features["stance"], ClassLabel)
    assert loaded["train"].features["stance"].names == ["against", "neutral", "favor"]
    row = loaded["test"][0]
    assert row["text"][row["start"] : row["end"]] == row["mention"]


def test_an_export_that_cannot_be_whole_is_refused_before_it_begins(corpus: Corpus, tmp_path: Path) -> None:
    doubled = {**corpus.splits, "validation": corpus.splits["dev"]}
    with pytest.raises(InputError, match=r"splits.json: 'dev' is exported as 'validation', which is a split too"):
        export(dataclasses.replace(corpus, splits=doubled), tmp_path / "exported")
    (corpus.folder / "README.md").unlink()
    with pytest.raises(InputError, match=r"README.md: no such file"):
        export(corpus, tmp_path / "exported")
    assert not (tmp_path / "exported").exists()
