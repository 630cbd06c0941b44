from collections.abc import Callable

import numpy as np

from data.records import Example
from data.registry import Actor
from train.renaming import names_by_kind, renamed_copies

REGISTRY = {
    "moscow": Actor(id="moscow", name="Moscow", kind="state"),
    "ardenland": Actor(id="ardenland", name="Ardenland", kind="state"),
    "he": Actor(id="he", name="a man", kind="person"),
}
Make = Callable[..., Example]


def rows(make_example: Make) -> list[Example]:
    text = "Moscow said he objects."
    other = make_example("Ardenland agrees.", "Ardenland", doc_id="e", stance="favor")
    return [make_example(text, "he", id="h", stance="against"), make_example(text, "Moscow", id="m"), other]


def test_names_are_collected_by_kind_and_pronouns_are_none(make_example: Make) -> None:
    assert names_by_kind(rows(make_example), REGISTRY) == {"state": ["Ardenland", "Moscow"]}


def test_copies_keep_labels_pronouns_and_true_offsets(make_example: Make) -> None:
    copies = renamed_copies(rows(make_example), REGISTRY, 1.0, np.random.default_rng(3))
    assert [row.stance for row in copies] == ["neutral", "against", "favor"]
    assert {row.text for row in copies if row.doc_id == "d"} <= {"Moscow said he objects.", "Ardenland said he objects."}
    assert all(row.text[row.start : row.end] == row.mention for row in copies)
    assert len({row.text for row in copies}) == 2
    seen = {row.mention for seed in range(20) for row in renamed_copies(rows(make_example), REGISTRY, 1.0, np.random.default_rng(seed))}
    assert seen == {"he", "Moscow", "Ardenland"}


def test_the_share_and_the_generator_decide(make_example: Make) -> None:
    given = rows(make_example)
    assert renamed_copies(given, REGISTRY, 0.0, np.random.default_rng(1)) == []
    one, two = (renamed_copies(given, REGISTRY, 0.5, np.random.default_rng(7)) for _ in range(2))
    assert one == two


def test_overlapping_mentions_are_left_alone(make_example: Make) -> None:
    text = "Moscow City objects."
    overlapping = [make_example(text, "Moscow", id="1"), make_example(text, "Moscow City", id="2", actor="moscow")]
    copies = renamed_copies(overlapping, REGISTRY, 1.0, np.random.default_rng(1))
    assert {row.text for row in copies} == {text}
