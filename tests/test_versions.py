from collections.abc import Callable

import numpy as np

from data.records import Example
from data.registry import Actor
from train.settings import DataSettings
from train.versions import drop_contexts, training_versions

REGISTRY = {
    "moscow": Actor(id="moscow", name="Moscow", kind="state"),
    "ardenland": Actor(id="ardenland", name="Ardenland", kind="state"),
}
Make = Callable[..., Example]


def rows(make_example: Make) -> list[Example]:
    text = "Moscow said Ardenland objects."
    numbers = range(1, 21)
    return [
        make_example(text, mention, id=f"{number}{mention}", sent_id=number, context="A first sentence.")
        for number in numbers
        for mention in ("Moscow", "Ardenland")
    ]


def test_without_shares_there_is_one_version(make_example: Make) -> None:
    given = rows(make_example)
    assert list(training_versions(given, REGISTRY, DataSettings(), 3, seed=1)) == [given]


def test_every_epoch_has_a_version_of_its_own_and_the_seed_decides(make_example: Make) -> None:
    given = rows(make_example)
    for settings in (DataSettings(renamed=0.5), DataSettings(context_dropout=0.5), DataSettings(renamed=0.5, context_dropout=0.5)):
        versions, again = (list(training_versions(given, REGISTRY, settings, 3, seed=7)) for _ in range(2))
        assert versions == again
        assert versions[0] != versions[1] != versions[2]
        assert [len(version) for version in versions] == [len(given)] * 3


def test_leaving_contexts_out_does_not_change_which_names_are_drawn(make_example: Make) -> None:
    given = rows(make_example)
    (renamed,) = training_versions(given, REGISTRY, DataSettings(renamed=0.5), 1, seed=7)
    (both,) = training_versions(given, REGISTRY, DataSettings(renamed=0.5, context_dropout=0.5), 1, seed=7)
    assert [row.text for row in renamed] == [row.text for row in both]


def test_contexts_are_left_out_by_sentence(make_example: Make) -> None:
    dropped = drop_contexts(rows(make_example), 0.5, np.random.default_rng(1))
    contexts: dict[int, set[str]] = {}
    for row in dropped:
        contexts.setdefault(row.sent_id, set()).add(row.context)
    assert all(len(found) == 1 for found in contexts.values()), "all actors of a sentence are read with the same context"
    assert 4 <= sum(found == {""} for found in contexts.values()) <= 16
