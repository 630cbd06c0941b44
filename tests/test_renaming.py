from collections.abc import Callable

from data.records import Example
from data.registry import Actor
from train.renaming import group_names, renamed_versions

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


def test_names_are_collected_by_kind_and_words_and_pronouns_are_none(make_example: Make) -> None:
    longer = make_example("New Ardenland agrees.", "New Ardenland", id="n", actor="ardenland")
    names = {("state", 1): ["Ardenland", "Moscow"], ("state", 2): ["New Ardenland"]}
    assert group_names([*rows(make_example), longer], REGISTRY) == names


def test_versions_keep_labels_order_pronouns_and_true_offsets(make_example: Make) -> None:
    given = rows(make_example)
    (version,) = renamed_versions(given, REGISTRY, 1.0, 1, seed=3)
    assert [(row.id, row.stance) for row in version] == [("m", "neutral"), ("h", "against"), (given[2].id, "favor")]
    assert {row.text for row in version if row.doc_id == "d"} <= {"Moscow said he objects.", "Ardenland said he objects."}
    assert all(row.text[row.start : row.end] == row.mention for row in version)
    assert len({row.text for row in version}) == 2
    seen = {row.mention for version in renamed_versions(given, REGISTRY, 1.0, 20, seed=3) for row in version}
    assert seen == {"he", "Moscow", "Ardenland"}


def test_every_epoch_has_names_of_its_own_and_the_seed_decides(make_example: Make) -> None:
    given = rows(make_example) * 8
    versions = renamed_versions(given, REGISTRY, 0.5, 3, seed=7)
    assert versions == renamed_versions(given, REGISTRY, 0.5, 3, seed=7)
    assert versions[0] != versions[1] != versions[2]
    assert [len(version) for version in versions] == [len(given)] * 3


def test_without_a_share_there_is_one_version(make_example: Make) -> None:
    given = rows(make_example)
    assert renamed_versions(given, REGISTRY, 0.0, 3, seed=1) == [given]


def test_overlapping_mentions_are_left_alone(make_example: Make) -> None:
    text = "Moscow City objects."
    overlapping = [make_example(text, "Moscow", id="1"), make_example(text, "Moscow City", id="2", actor="moscow")]
    (version,) = renamed_versions(overlapping, REGISTRY, 1.0, 1, seed=1)
    assert {row.text for row in version} == {text}
