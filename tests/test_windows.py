from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from transformers import PreTrainedTokenizerBase

from data.records import Example
from train.passages import mark_mentions
from train.settings import ModelSettings
from train.weights import MARKERS, load_tokenizer
from train.windows import IGNORED, PairReader, SpanReader

Make = Callable[..., Example]
TEXT = "Moscow told Prague that it objects."


@pytest.fixture(scope="module")
def tokenizer() -> PreTrainedTokenizerBase:
    return load_tokenizer("tiny")


def test_markers_surround_every_mention_nested_and_adjacent() -> None:
    text = "ab cd"
    marked, spans = mark_mentions(text, [(3, 5), (0, 5), (0, 2)])
    assert marked == "<actor><actor>ab</actor> <actor>cd</actor></actor>"
    assert [marked[start:end] for start, end in spans] == ["<actor>cd</actor>", marked, "<actor>ab</actor>"]


def test_equal_mentions_of_two_actors_get_a_marker_each() -> None:
    marked, spans = mark_mentions("ab", [(0, 2), (0, 2)])
    assert marked == "<actor><actor>ab</actor></actor>"
    assert len(set(spans)) == 2


def test_one_window_serves_all_actors_of_a_sentence(tokenizer: PreTrainedTokenizerBase, make_example: Make) -> None:
    rows = [
        make_example(TEXT, "Moscow", stance="against"),
        make_example(TEXT, "Prague", stance=None, id="p"),
        make_example(TEXT, "it", stance="favor", id="i"),
    ]
    windows = SpanReader(tokenizer, ModelSettings(reading="marker", max_length=64, target_text=False)).encode(rows)
    assert len(windows) == 1
    window = windows[0]
    marker = tokenizer.convert_tokens_to_ids(MARKERS[0])
    assert [window.input_ids[position] for (position,) in window.positions] == [marker] * 3
    assert isinstance(window.labels, list)
    assert [window.labels[position] for (position,) in window.positions] == [0, IGNORED, 2]
    assert sum(label != IGNORED for label in window.labels) == 2


def test_the_mention_reading_covers_the_mentions_own_tokens(tokenizer: PreTrainedTokenizerBase, make_example: Make) -> None:
    (window,) = SpanReader(tokenizer, ModelSettings(reading="mention", max_length=64, target_text=False)).encode(
        [make_example("The Missile Defence Agency objects.", "Missile Defence Agency")]
    )
    tokens = tokenizer.convert_ids_to_tokens([window.input_ids[position] for position in window.positions[0]])
    assert "".join(token.removeprefix("##") for token in tokens) == "missiledefenceagency"


def test_reading_averages_the_logits_of_each_example(tokenizer: PreTrainedTokenizerBase, make_example: Make) -> None:
    reader = SpanReader(tokenizer, ModelSettings(reading="mention", max_length=64, target_text=False))
    (window,) = reader.encode([make_example("The Missile Agency objects.", "Missile Agency")])
    logits = np.arange(len(window.input_ids) * 3, dtype=float).reshape(-1, 3)
    assert reader.read(window, logits) == pytest.approx(logits[list(window.positions[0])].mean(axis=0)[None])


def test_the_context_is_cut_from_the_left_first(tokenizer: PreTrainedTokenizerBase, make_example: Make) -> None:
    row = make_example(TEXT, "Moscow", context="alpha " * 100 + "omega")
    (window,) = SpanReader(tokenizer, ModelSettings(reading="marker", max_length=40, target_text=False)).encode([row])
    decoded = tokenizer.decode(window.input_ids)
    assert len(window.input_ids) == 40
    assert "omega" in decoded
    assert "objects" in decoded


def test_a_sentence_longer_than_any_window_is_read_around_each_mention(tokenizer: PreTrainedTokenizerBase, make_example: Make) -> None:
    text = "Moscow " + "word " * 2000 + "Prague objects."
    rows = [make_example(text, "Moscow"), make_example(text, "Prague", id="p")]
    windows = SpanReader(tokenizer, ModelSettings(reading="marker", max_length=64, target_text=False)).encode(rows)
    assert [window.examples for window in windows] == [(0,), (1,)]
    assert all(len(window.input_ids) <= 64 for window in windows)
    assert "prague" in tokenizer.decode(windows[1].input_ids)
    assert "moscow" in tokenizer.decode(windows[0].input_ids)


def test_the_pair_reader_marks_only_the_actor_asked_for(tokenizer: PreTrainedTokenizerBase, make_example: Make) -> None:
    rows = [make_example(TEXT, "Moscow", stance="against"), make_example(TEXT, "Prague", id="p")]
    windows = PairReader(tokenizer, ModelSettings(max_length=64)).encode(rows)
    assert [window.labels for window in windows] == [0, 1]
    marker = tokenizer.convert_tokens_to_ids(MARKERS[0])
    assert [window.input_ids.count(marker) for window in windows] == [1, 1]


def test_the_target_leads_the_context_when_asked_for(tokenizer: PreTrainedTokenizerBase, make_example: Make) -> None:
    row = make_example(TEXT, "Moscow", target="the shield", context="Before.")
    (window,) = SpanReader(tokenizer, ModelSettings(reading="marker", max_length=64, target_text=True)).encode([row])
    assert "the shield : before. <actor> moscow" in tokenizer.decode(window.input_ids)


@pytest.mark.parametrize("kind", [SpanReader, PairReader])
def test_the_target_stays_where_the_context_is_cut(tokenizer: PreTrainedTokenizerBase, make_example: Make, kind: type) -> None:
    row = make_example(TEXT, "Moscow", target="the shield", context="alpha " * 100 + "omega")
    (window,) = kind(tokenizer, ModelSettings(reading="marker", max_length=40, target_text=True)).encode([row])
    decoded = tokenizer.decode(window.input_ids)
    assert len(window.input_ids) == 40
    assert "the shield : alpha" in decoded and "omega <actor> moscow" in decoded
    endless = row.model_copy(update={"target": "shield " * 100})
    (window,) = kind(tokenizer, ModelSettings(reading="marker", max_length=40, target_text=True)).encode([endless])
    assert len(window.input_ids) == 40 and "shield <actor> moscow" in tokenizer.decode(window.input_ids)


def test_consecutive_sentences_share_a_window(tokenizer: PreTrainedTokenizerBase, make_example: Make) -> None:
    rows = [
        make_example("Moscow objects.", "Moscow", id="1", sent_id=1, stance="against"),
        make_example("Prague agrees.", "Prague", id="2", sent_id=2, context="Moscow objects.", stance="favor"),
        make_example("Warsaw waits.", "Warsaw", id="4", sent_id=4, context="It rained.", stance="neutral"),
        make_example("Berlin too.", "Berlin", id="o", doc_id="other", sent_id=5),
    ]
    windows = SpanReader(tokenizer, ModelSettings(window_sentences=3)).encode(rows)
    assert [window.examples for window in windows] == [(0, 1, 2), (3,)]
    decoded = tokenizer.decode([i for i in windows[0].input_ids if i not in tokenizer.all_special_ids])
    assert decoded == "moscow objects. prague agrees. it rained. warsaw waits."
    assert isinstance(windows[0].labels, list)
    assert [windows[0].labels[position] for (position,) in windows[0].positions] == [0, 2, 1]


def test_a_passage_too_long_for_a_window_is_halved(tokenizer: PreTrainedTokenizerBase, make_example: Make) -> None:
    rows = [make_example("Moscow objects " + "word " * 20, "Moscow", id=str(n), sent_id=n) for n in range(4)]
    windows = SpanReader(tokenizer, ModelSettings(window_sentences=4, max_length=64)).encode(rows)
    assert [window.examples for window in windows] == [(0, 1), (2, 3)]


@pytest.mark.parametrize("kind", [SpanReader, PairReader])
def test_texts_tokenised_together_make_the_windows_of_each_alone(
    tokenizer: PreTrainedTokenizerBase, make_example: Make, kind: type, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("train.windows.TEXTS_AT_ONCE", 3)
    texts = ["Moscow objects.", "Moscow " + "word " * 2000 + "waits.", TEXT, "Prague and Moscow agree.", "Moscow waits."]
    rows = [make_example(text, "Moscow", id=str(n), sent_id=n, context="It rained." * (n % 2)) for n, text in enumerate(texts)]
    reader = kind(tokenizer, ModelSettings(max_length=64))
    alone = [replace(window, examples=(index,)) for index, row in enumerate(rows) for window in reader.encode([row])]
    assert reader.encode(rows) == alone
    assert len(alone) == len(texts)
