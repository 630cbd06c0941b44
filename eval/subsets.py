"""The items by actor, genre, setting, phenomenon and kind of sentence, and target confusion."""

from collections.abc import Callable
from typing import Any

import numpy as np

from data.items import Item
from eval.metrics import CLASSES, Bools, Ints, divide
from eval.scores import defined_mean, group_by
from eval.systems import Split, System

GROUPINGS: dict[str, Callable[[Item], tuple[str, ...]]] = {
    "per_actor": lambda item: (item.actor,),
    "per_genre": lambda item: (item.genre,) if item.genre else (),
    "per_setting": lambda item: (item.setting,) if item.setting else (),
    "per_phenomenon": lambda item: tuple(dict.fromkeys(item.phenomena)),
}
"""The tables of a report that split the items, by their key in report.json."""


def grouping(split: Split, name: str) -> dict[str, Ints]:
    """Return the item indices of each group of one of `GROUPINGS`."""
    return group_by(GROUPINGS[name](item) for item in split.items)


def subsets(split: Split) -> dict[str, Ints]:
    """Return the item indices of single-actor, multi-actor and mixed-stance sentences (actors of differing gold stance)."""
    others = other_stances(split)
    size = sentence_sizes(split)
    masks = {"single_actor": size == 1, "multi_actor": size > 1, "mixed_stance": others.any(-1)}
    return {name: np.flatnonzero(np.asarray(mask)) for name, mask in masks.items()}


def sentence_sizes(split: Split) -> Ints:
    """Return for each item how many labelled actors its sentence has, shape (n,)."""
    members = sentence_numbers(split)
    return np.asarray(np.bincount(members)[members], dtype=np.int64)


def sentence_numbers(split: Split) -> Ints:
    """Return the number of each item's sentence, from 0 in order of appearance, shape (n,)."""
    number = {key: index for index, key in enumerate(dict.fromkeys(split.sentences))}
    return np.array([number[key] for key in split.sentences], dtype=np.int64)


def other_stances(split: Split) -> Bools:
    """Say for each item which stances, differing from its own, other actors of its sentence have, shape (n, 3)."""
    members = sentence_numbers(split)
    present = np.zeros((int(members.max()) + 1, CLASSES), dtype=np.bool_)
    present[members, split.gold] = True
    others = present[members]
    others[np.arange(len(others)), split.gold] = False
    return others


def target_confusion(split: Split, system: System) -> dict[str, Any]:
    """Count errors that give an actor the stance of another actor in the same sentence.

    Eligible are the items of mixed-stance sentences. `rate` is the share of them so confused, `share_of_errors` the
    share of their errors, and `chance` what that share would be if errors chose a wrong stance at random. All are means
    over seeds; None where there is nothing to divide by.
    """
    others = other_stances(split)
    eligible = others.any(-1)
    wrong = (system.pred != split.gold) & eligible
    confused = wrong & others[np.arange(len(others))[None, :], system.pred]
    expected = wrong * (others.sum(-1) / (CLASSES - 1))
    errors = wrong.sum(1).astype(np.float64)
    return {
        "eligible": int(eligible.sum()),
        "errors": float(errors.mean()),
        "confused": float(confused.sum(1).mean()),
        "rate": defined_mean(divide(confused.sum(1), eligible.sum())),
        "share_of_errors": defined_mean(divide(confused.sum(1), errors)),
        "chance": defined_mean(divide(expected.sum(1), errors)),
    }
