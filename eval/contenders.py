"""The systems of a comparison, brought onto the same items or refused with the reason."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from data.errors import InputError, InputFaults, nearest
from eval.external import Answer, answer_system, read_answers
from eval.runs import Run, read_run
from eval.systems import Split, System


@dataclass(frozen=True)
class Contender:
    """A run folder, or a file of another system's answers."""

    name: str
    path: Path
    run: Run | None = None
    answers: dict[str, Answer] | None = None

    @property
    def config(self) -> dict[str, Any]:
        """The resolved config; empty for a file."""
        return self.run.config if self.run else {}


@dataclass(frozen=True)
class Field:
    """Contenders on one split: the items they share and what each says of them."""

    split: Split
    systems: tuple[System, ...]
    left_out: int = 0


def read_contenders(paths: Sequence[Path]) -> list[Contender]:
    """Read run folders and prediction files.

    Raises:
        InputError: fewer than two, none is a run folder, a run is incomplete, or anything in them is faulty.
    """
    if len(paths) < 2:
        raise InputError("compare needs at least two runs or prediction files")
    if not any(path.is_dir() for path in paths):
        missing = next((path for path in paths if not path.exists()), None)
        raise InputError(f"{missing}: no such run folder" if missing else "compare needs a run folder for the gold labels")
    names = contender_names(paths)
    return [
        Contender(name, path, answers=read_answers(path))
        if path.is_file()
        else Contender(name, path, run=read_run(path).require_complete())
        for name, path in zip(names, paths, strict=True)
    ]


def contender_names(paths: Sequence[Path]) -> list[str]:
    """Return a short and unique name a path: its last part, else the whole path.

    Raises:
        InputError: the same path twice.
    """
    resolved = [path.resolve() for path in paths]
    for index, path in enumerate(resolved):
        if path in resolved[:index]:
            raise InputError(f"{paths[index]}: given twice; a system cannot be compared with itself")
    short = [path.stem if path.is_file() else path.name for path in resolved]
    return [name if short.count(name) == 1 else str(path) for name, path in zip(short, paths, strict=True)]


def align(contenders: Sequence[Contender], split_name: str, *, intersect: bool = False) -> Field:
    """Bring all contenders onto the items of the first run.

    Raises:
        InputFaults: gold, text or ids differ (how many and which); with `intersect` only differing gold or text is refused.
    """
    first = next(each for each in contenders if each.run)
    reference = split_of(first, split_name)
    faults: list[str] = []
    systems: list[System] = []
    for contender in contenders:
        faults += item_faults(reference, contender, split_name)
        systems.append(_system(contender, split_name))
    common = set(reference.ids).intersection(*(system.ids for system in systems))
    if not intersect:
        faults += [fault for pair in zip(contenders, systems, strict=True) for fault in _id_faults(reference, first, *pair)]
    if faults:
        raise InputFaults(faults)
    if not common:
        raise InputError(f"split {split_name!r}: the systems have no item in common")
    kept = [each for each in reference.ids if each in common]
    total = len(set(reference.ids).union(*(system.ids for system in systems)))
    return Field(reference.keep(kept), tuple(system.keep(kept) for system in systems), total - len(kept))


def split_of(contender: Contender, name: str) -> Split:
    """Return a split of a run.

    Raises:
        InputError: the run has no such split.
    """
    assert contender.run is not None
    if name not in contender.run.splits:
        known = list(contender.run.splits)
        raise InputError(f"{contender.path}: has no split {name!r}{nearest(name, known)}, has {', '.join(known)}")
    return contender.run.splits[name]


def item_faults(reference: Split, contender: Contender, split_name: str) -> list[str]:
    """Say how many items of a contender carry the reference's id with another gold label or text."""
    if contender.answers is not None:
        golds = {row.id: row.gold for row in contender.answers.values() if row.gold}
        texts: dict[str, tuple[str, int, int]] = {}
    else:
        items = split_of(contender, split_name).items
        golds = {item.id: str(item.stance) for item in items}
        texts = {item.id: (item.text, item.start, item.end) for item in items}
    other_gold = [item.id for item in reference.items if golds.get(item.id, item.stance) != item.stance]
    other_text = [item.id for item in reference.items if item.id in texts and texts[item.id] != (item.text, item.start, item.end)]
    return [
        f"{contender.path}: {len(ids)} items of split {split_name!r} have another {what} than in the first run, first {ids[0]!r}"
        for what, ids in (("gold stance", other_gold), ("text", other_text))
        if ids
    ]


def _system(contender: Contender, split_name: str) -> System:
    if contender.answers is not None:
        return answer_system(contender.name, contender.answers)
    assert contender.run is not None
    split_of(contender, split_name)
    system = contender.run.systems[split_name]
    return System(contender.name, system.ids, system.seeds, system.pred, system.probs, system.calibrations)


def _id_faults(reference: Split, first: Contender, contender: Contender, system: System) -> list[str]:
    missing = sorted(set(reference.ids) - set(system.ids))
    extra = sorted(set(system.ids) - set(reference.ids))
    hint = "; --intersect compares the common items"
    faults = []
    if missing:
        faults.append(
            f"{contender.path}: lacks {len(missing)} of the {len(reference.ids)} items of {first.path}, first {missing[0]!r}{hint}"
        )
    if extra:
        faults.append(f"{contender.path}: has {len(extra)} items that {first.path} lacks, first {extra[0]!r}{hint}")
    return faults
