from collections.abc import Callable

import numpy as np

from data.records import Example
from data.registry import Actor
from train.renaming import group_names, rename_some

REGISTRY = {
    "moscow": Actor(id="moscow", name="Moscow", kind="state"),
    "ardenland": Actor(id="ardenland", name="Ardenland", kind="state"),
    "he": Actor(id="he", name="a man", kind="person"),
}
Make = Callable[..., Example]


def renamed(given: list[Example], seed: int) -> list[Example]:
    """Rename every sentence."""
    return rename_some(given, REGISTRY, group_names(given, REGISTRY), 1.0, np.random.default_rng(seed))


def rows(make_example: Make) -> list[Example]:
    text = "Moscow said he objects."
    other = make_example("Ardenland agrees.", "Ardenland", doc_id="e", stance="favor")
    return [make_example(text, "he", id="h", stance="against"), make_example(text, "Moscow", id="m"), other]


def test_names_are_collected_by_kind_and_words_and_pronouns_are_none(make_example: Make) -> None:
    longer = make_example("New Ardenland agrees.", "New Ardenland", id="n", actor="ardenland")
    names = {("state", 1): ["Ardenland", "Moscow"], ("state", 2): ["New Ardenland"]}
    assert group_names([*rows(make_example), longer], REGISTRY) == names


def test_labels_order_pronouns_and_true_offsets_are_kept(make_example: Make) -> None:
    given = rows(make_example)
    version = renamed(given, seed=3)
    assert [(row.id, row.stance) for row in version] == [("m", "neutral"), ("h", "against"), (given[2].id, "favor")]
    assert {row.text for row in version if row.doc_id == "d"} <= {"Moscow said he objects.", "Ardenland said he objects."}
    assert all(row.text[row.start : row.end] == row.mention for row in version)
    assert len({row.text for row in version}) == 2
    seen = {row.mention for seed in range(20) for row in renamed(given, seed)}
    assert seen == {"he", "Moscow", "Ardenland"}


def test_overlapping_mentions_are_left_alone(make_example: Make) -> None:
    text = "Moscow City objects."
    overlapping = [make_example(text, "Moscow", id="1"), make_example(text, "Moscow City", id="2", actor="moscow")]
    version = renamed(overlapping, seed=1)
    assert {row.text for row in version} == {text}
