"""The baselines as model kinds: predictions of `data/blind.py`'s views, scored beside every model."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from data import blind
from data.files import write_jsonl
from data.records import Example
from eval.behaviour.cases import BEHAVIOUR
from train.runs import prediction_rows
from train.settings import BASELINES


def score_baselines(folder: Path, splits: Mapping[str, Sequence[Example]]) -> None:
    """Fit every baseline on the training rows and write its predictions for the other splits, unless they are there."""
    for kind in BASELINES:
        missing = [name for name in splits if name not in {"train", BEHAVIOUR} and not baseline_path(folder, kind, name).is_file()]
        if missing:
            model = blind.fit(kind, splits["train"])
            for name in missing:
                rows = splits[name]
                write_jsonl(baseline_path(folder, kind, name), prediction_rows(rows, blind.predict(kind, model, rows)))


def baseline_path(folder: Path, kind: str, split: str) -> Path:
    """Return where a baseline's predictions of a split lie in a run folder."""
    return folder / "baselines" / kind / f"{split}.jsonl"
