"""The order in which splits are shown and decide the order of runs."""

from collections.abc import Iterable

_FIRST = ("test", "seeds", "dev")


def in_order(splits: Iterable[str]) -> list[str]:
    """Return the splits of the corpus first, test before the rest; others follow by name."""
    return sorted(splits, key=lambda name: (_FIRST.index(name) if name in _FIRST else len(_FIRST), name))
