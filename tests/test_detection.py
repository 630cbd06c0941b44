"""Finding mentions: tags of words, the loss over two groups of labels, a run that learns it, its export, and its scores."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise, product
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import write_corpus
from eval_fakes import FakeRun, write_run
from tiny_run import ARTICLE, make_run
from transformers import AutoModelForTokenClassification, PreTrainedTokenizerBase

from data.articles import take_apart
from data.corpus import Corpus, load_corpus
from data.errors import InputFaults
from data.files import read_json, write_jsonl
from data.mentions import MentionFinder
from data.newcomers import sentences_to_tag, with_newcomers
from data.records import STANCES
from data.registry import Actor
from data.spans import MarkedSentence, Span, TaggedSentence, marked_sentences
from eval.report import write_report
from eval.runs import read_run
from eval.spans import count_spans
from train.config import load_config
from train.export import write_fp32
from train.loading import open_run
from train.losses import WeightedLoss, build_loss
from train.onnx_backend import OnnxScorer
from train.onnx_backend import load_tokenizer as load_plain_tokenizer
from train.reading import load
from train.run import run
from train.settings import ModelSettings, RunConfig
from train.sources import collect_splits
from train.tagging import BEGIN, DETECTING_LABELS, INSIDE, OUTSIDE, Tagger, best_tags, decode, gold_tags
from train.weights import load_model, load_tokenizer
from train.windows import IGNORED, SpanReader, Window

TEXT = "Moscow's anti-US envoy, Dmitry Rogozin, told Prague the plan is off."


@pytest.fixture(scope="module")
def tokenizer() -> PreTrainedTokenizerBase:
    return load_tokenizer("tiny")


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    return load_corpus(write_corpus(tmp_path_factory.mktemp("corpora") / "issue"))


def sentence(text: str, *mentions: str) -> MarkedSentence:
    spans = [Span(start=text.index(each), end=text.index(each) + len(each), stance="against") for each in mentions]
    return MarkedSentence(id="d:1", doc_id="d", sent_id=1, text=text, spans=tuple(spans))


def marks(each: MarkedSentence) -> list[tuple[int, int]]:
    return [(span.start, span.end) for span in each.spans]


@pytest.mark.parametrize("max_length", [64, 16])
def test_marks_survive_words_and_windows(tokenizer: PreTrainedTokenizerBase, max_length: int) -> None:
    marked = sentence(TEXT, "Moscow", "US", "Dmitry Rogozin", "Prague")
    windows = Tagger(tokenizer, ModelSettings(max_length=max_length)).encode([marked])
    assert len(windows) == (1 if max_length == 64 else 2)
    words, tags = [], []
    for window in windows:
        assert isinstance(window.labels, list)
        words += window.words
        tags += [window.labels[position] - len(STANCES) for position in window.firsts]
        assert sum(label != IGNORED for label in window.labels) == len(window.words)
    assert decode(words, tags) == marks(marked), "also the mention that the second window goes on with"


def test_a_word_too_long_for_any_window_is_left_out(tokenizer: PreTrainedTokenizerBase) -> None:
    (window,) = Tagger(tokenizer, ModelSettings(max_length=16)).encode([sentence("俄" * 40 + " and Rovia")])
    assert [(window.words[0], window.words[-1])] == [((41, 44), (45, 50))]


def test_mentions_side_by_side_stay_two() -> None:
    text = "Rovia Belmora talks"
    tags = gold_tags(sentence(text, "Rovia", "Belmora"), [(0, 5), (6, 13), (14, 19)])
    assert tags == [BEGIN, BEGIN, OUTSIDE]
    assert decode([(0, 5), (6, 13), (14, 19)], [INSIDE, INSIDE, OUTSIDE]) == [(0, 13)]
    assert decode([(0, 5), (6, 13), (14, 19)], [BEGIN, OUTSIDE, INSIDE]) == [(0, 5), (14, 19)]


def test_the_likeliest_tags_never_go_on_with_what_has_not_begun() -> None:
    sure_inside = np.log([[0.5, 0.4, 0.1], [0.05, 0.05, 0.9], [0.8, 0.1, 0.1]])
    assert best_tags(sure_inside) == [BEGIN, INSIDE, OUTSIDE], "outside and inside would be likelier one by one"
    assert best_tags(np.log([[0.1, 0.2, 0.7]])) == [BEGIN], "a sentence does not open within a mention"
    for scores in np.log(np.random.default_rng(1).dirichlet(np.ones(3), size=(20, 5))):
        ways = [way for way in product(range(3), repeat=5) if all(b != INSIDE or a != OUTSIDE for a, b in pairwise((OUTSIDE, *way)))]
        assert best_tags(scores) == list(max(ways, key=lambda way: sum(scores[place, tag] for place, tag in enumerate(way))))


def test_every_mark_of_a_document_is_learned(corpus: Corpus) -> None:
    sentences = list(marked_sentences(corpus.by_id["doc-1"], 1))
    rovia = sentences[2]
    assert [rovia.text[start:end] for start, end in marks(rovia)] == ["Rovia", "it"]
    assert [span.stance for span in rovia.spans] == ["against", "against"], "a further mention has its actor's stance"
    assert sentences[0].context == "" and sentences[1].context == sentences[0].text


def windows_of(tokenizer: PreTrainedTokenizerBase, corpus: Corpus) -> list[Window]:
    document = corpus.by_id["doc-1"]
    stances = SpanReader(tokenizer, ModelSettings()).encode(list(document.examples(0)))
    return [*stances, *Tagger(tokenizer, ModelSettings()).encode(list(marked_sentences(document, 0)))]


def plain_loss(windows: list[Window]) -> WeightedLoss:
    labels = np.concatenate([window.labels for window in windows])
    return build_loss(RunConfig(model=ModelSettings(class_weights=0)), [], labels, np.zeros((0, 3)))


def test_each_group_of_labels_has_a_loss_of_its_own(tokenizer: PreTrainedTokenizerBase, corpus: Corpus) -> None:
    loss = plain_loss(windows_of(tokenizer, corpus))
    labels = torch.tensor([[0, IGNORED, 3 + BEGIN, 3 + INSIDE]])
    logits = torch.randn((1, 4, 6), generator=torch.Generator().manual_seed(1))
    other = logits.clone()
    other[0, 0, 3:] += 5  # tags where a stance is read
    other[0, 1] += 5  # a token that is not read
    other[0, 2:, :3] -= 5  # stances where a tag is read
    first = loss({"logits": logits}, labels, 3)
    assert torch.equal(first, loss({"logits": other}, labels, 3))
    stance, tags = logits[0, 0, :3].log_softmax(-1)[0], logits[0, 2:, 3:].log_softmax(-1)
    expected = -(stance + loss.tag_weight * (tags[0, BEGIN] + tags[1, INSIDE])) / (3 * loss.mean_weight)
    assert first.item() == pytest.approx(expected.item(), rel=1e-5)


def test_both_groups_weigh_the_same_and_an_evaluation_is_a_plain_mean(tokenizer: PreTrainedTokenizerBase, corpus: Corpus) -> None:
    windows = windows_of(tokenizer, corpus)
    labels = np.concatenate([np.array(window.labels) for window in windows])
    loss = plain_loss(windows)
    assert loss.tag_weight * (labels >= 3).sum() == pytest.approx(((labels >= 0) & (labels < 3)).sum())
    logits, stances = torch.zeros((1, 2, 6)), torch.tensor([[0, 2]])
    with torch.inference_mode():
        assert loss({"logits": logits}, stances, 2).item() == pytest.approx(np.log(3), rel=1e-5)


@pytest.fixture(scope="module")
def trained(corpus: Corpus, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that learned to find the mentions of the small corpus."""
    settings = ModelSettings(weights="tiny", detect_actors=True, dropout=0.0)
    config = RunConfig(name="found", model=settings)
    config = replace(config, data=replace(config.data, corpus=str(corpus.folder), behaviour="none"))
    trainer = replace(config.trainer, num_train_epochs=10, learning_rate=1e-2, per_device_train_batch_size=8, threads=1)
    config = replace(config, trainer=replace(trainer, early_stopping_patience=10))
    folder = tmp_path_factory.mktemp("runs") / "found"
    run(config, corpus, collect_splits(corpus, config.data), folder, overwrite=False, save_seconds=300)
    return folder


def test_a_run_learns_to_find_mentions_and_reports_it(trained: Path, corpus: Corpus) -> None:
    report = read_json(trained / "report.json")
    test = report["detection"]["test"]
    sentences = [each for doc_id in corpus.splits["test"] for each in corpus.by_id[doc_id].sentences]
    assert test["sentences"] == len(sentences)
    assert test["marked"] == sum(len(each.marked.mentions) for each in sentences)
    assert test["f1"]["mean"] > 0.6 and test["f1"]["mean"] >= test["stance_f1"]["mean"]
    assert "## Finding actors" in (trained / "report.md").read_text(encoding="utf-8")
    assert 'id="detection"' in (trained / "report.html").read_text(encoding="utf-8")


def test_the_saved_model_is_a_stock_token_classifier(trained: Path) -> None:
    model = AutoModelForTokenClassification.from_pretrained(trained / "seed-1" / "model")
    assert list(model.config.id2label.values()) == list(DETECTING_LABELS) == [*STANCES, "outside", "begin", "inside"]


def test_a_head_of_other_labels_starts_anew(trained: Path, tokenizer: PreTrainedTokenizerBase) -> None:
    folder = trained / "seed-1" / "model"
    saved = AutoModelForTokenClassification.from_pretrained(folder)
    model = load_model(AutoModelForTokenClassification, str(folder), tokenizer, 0.1)
    assert model.classifier.out_features == 3
    assert torch.equal(model.get_input_embeddings().weight, saved.get_input_embeddings().weight)


def test_the_export_finds_and_reads_the_same(trained: Path, corpus: Corpus) -> None:
    pytest.importorskip("onnxruntime")
    pytest.importorskip("onnxscript")
    opened = open_run(trained)
    path = trained / "seed-1" / "model.onnx"
    write_fp32(opened.scorer.model, "span", path)  # type: ignore[attr-defined]
    plain = load_plain_tokenizer(trained / "seed-1" / "model")
    exported = OnnxScorer(path, plain, SpanReader(plain, opened.config.model))  # type: ignore[arg-type]
    sentences = [each for document in corpus.split("test") for each in marked_sentences(document, 1)]
    found = opened.detect(sentences)
    assert any(found) and exported.detect(sentences, opened.config.model, 3) == found
    rows = corpus.examples("test")
    np.testing.assert_allclose(exported.score(rows), opened.scorer.score(rows), atol=1e-4)


def test_an_article_gains_the_actors_that_the_registry_lacks(tmp_path: Path) -> None:
    plain, finding = load(make_run(tmp_path / "plain")), load(make_run(tmp_path / "finding", detect_actors=True))
    before, reading = plain.read(ARTICLE), finding.read(ARTICLE)
    tagged = [mention for mention in reading.mentions if mention.how == "tagged"]
    assert tagged, "the random head marks something"
    assert [(each.actor, each.start) for each in reading.mentions if each.how != "tagged"] == [
        (each.actor, each.start) for each in before.mentions
    ]
    assert all(ARTICLE[each.start : each.end] == each.text for each in tagged)
    new = {each.actor for each in tagged} - finding.finder.registry.keys()
    assert new and {verdict.kind for verdict in reading.verdicts if verdict.actor in new} == {"unknown"}
    assert not before.article.newcomers and reading.article.newcomers.keys() == new


def newcomers(text: str, *found: Sequence[str], registry: Sequence[Actor] = ()) -> list[tuple[str, str]]:
    """Return (mention, actor) of the tagged mentions; `found` are the texts found in each sentence."""
    rovia = Actor(id="rovia", name="Rovia", kind="state", aliases=("Rovia", "Rov"))
    article = take_apart(text, "a", MentionFinder({each.id: each for each in (rovia, *registry)}))
    spans = {}
    for each, texts in zip(sentences_to_tag(article, 1), found, strict=True):
        spans[each.sent_id] = [(each.text.index(name), each.text.index(name) + len(name)) for name in texts]
    added = with_newcomers(article, spans)
    return [
        (sentence.text[mention.start : mention.end], mention.actor)
        for sentence, mentions in zip(added.sentences, added.mentions, strict=True)
        for mention in mentions
        if mention.how == "tagged"
    ]


def test_the_same_words_are_the_same_newcomer_and_known_ones_are_left_alone() -> None:
    text = "The Harbour Guild fears Rovia, and they wait in Rovia. Nobody asked the harbour guild or Port Elders."
    assert newcomers(text, ["The Harbour Guild", "fears Rovia", "they"], ["the harbour guild", "Port Elders"]) == [
        ("The Harbour Guild", "harbour-guild"),
        ("the harbour guild", "harbour-guild"),
        ("Port Elders", "port-elders"),
    ]
    place = "The envoy spoke in Rovia on Monday and left, and the mayors went with him to the old river port."
    assert newcomers(place, ["Rovia"]) == [], "an alias that the rules passed over"
    elders = Actor(id="elders", name="the Mayors", kind="group")
    assert newcomers(place, ["the mayors"], registry=[elders]) == [("the mayors", "elders")]
    other = Actor(id="mayors", name="Mayors of Elsewhere", kind="group", aliases=("Mayors of Elsewhere",))
    assert newcomers(place, ["the mayors"], registry=[other]) == [("the mayors", "mayors-unlisted")]


def test_counts_of_a_sentence() -> None:
    gold = [Span(start=0, end=3, stance="favor"), Span(start=5, end=9, stance="against"), Span(start=12, end=14)]
    found = [Span(start=0, end=3, stance="favor"), Span(start=5, end=9, stance="favor"), Span(start=6, end=9, stance="against")]
    assert count_spans(gold, found) == (3, 3, 2, 1)
    assert count_spans(gold, [Span(start=12, end=14, stance="neutral"), Span(start=12, end=14)]) == (3, 2, 2, 0)


def test_span_scores_by_hand(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "base", FakeRun(seeds=(1,), documents={"test": 3, "dev": 3}, mentions=True))
    rows = [
        {"id": "test-0:1", "doc_id": "test-0", "sent_id": 1, "text": "ab cd ef", "spans": [{"start": 0, "end": 2, "stance": "favor"}]},
        {"id": "test-1:1", "doc_id": "test-1", "sent_id": 1, "text": "ab cd", "spans": [{"start": 3, "end": 5, "stance": "against"}]},
    ]
    hit = TaggedSentence(
        id="test-0:1", doc_id="test-0", spans=(Span(start=0, end=2, stance="favor"), Span(start=3, end=5, stance="neutral"))
    )
    miss = TaggedSentence(id="test-1:1", doc_id="test-1", spans=(Span(start=3, end=5, stance="favor"),))
    write_jsonl(folder / "mentions" / "test.jsonl", rows)
    write_jsonl(folder / "seed-1" / "mentions" / "test.jsonl", (each.model_dump() for each in (hit, miss)))
    test = write_report(folder, resamples=100)["detection"]["test"]
    figures = {key: test[key]["mean"] for key in ("precision", "recall", "f1", "stance_f1")}
    assert figures == pytest.approx({"precision": 2 / 3, "recall": 1.0, "f1": 4 / 5, "stance_f1": 2 / 5})
    assert (test["marked"], test["found"], test["resampled_by"]) == (2, 3, "document")
    write_jsonl(folder / "seed-1" / "mentions" / "test.jsonl", [hit.model_dump()])
    with pytest.raises(InputFaults, match=r"seed-1/mentions/test.jsonl: sentence 'test-1:1' was not searched"):
        read_run(folder)


def test_the_experiment_builds_on_base() -> None:
    root = Path(__file__).resolve().parent.parent / "configs"
    base, config = load_config(root / "base.yaml"), load_config(root / "experiments" / "detect-actors.yaml")
    assert replace(config.model, detect_actors=False) == base.model and config.model.detect_actors
