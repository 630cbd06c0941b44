"""What is refused before a training begins."""

import shutil
import sys
from pathlib import Path

import pytest
from tiny_run import make_run

from data.errors import InputError
from train.requirements import check_requirements
from train.settings import ModelSettings, RunConfig, TrainerSettings


def check(weights: str = "tiny", kind: str = "span", trackers: tuple[str, ...] = ()) -> None:
    check_requirements(RunConfig(model=ModelSettings(kind=kind, weights=weights), trainer=TrainerSettings(report_to=list(trackers))))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("weights", "trackers", "message"),
    [
        ("roberta-bse", (), "^model.weights: 'roberta-bse' cannot be opened: [^\\n]*$"),
        ("embeded", (), "did you mean 'embedded'"),
        ("tiny", ("trackoi",), "unknown tracker 'trackoi' .did you mean 'trackio'"),
        ("tiny", ("trackio",), r"trackio is not installed: .*--editable '.\[tracking\]'"),
    ],
)
def test_what_cannot_be_opened_is_named(monkeypatch: pytest.MonkeyPatch, weights: str, trackers: tuple[str, ...], message: str) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setitem(sys.modules, "trackio", None)
    with pytest.raises(InputError, match=message):
        check(weights, trackers=trackers)


def test_what_is_there_passes() -> None:
    check("tiny")
    check("embedded", trackers=("none",))
    check("nowhere", kind="tfidf")


def test_setfit_starts_at_no_average(tmp_path: Path) -> None:
    run = make_run(tmp_path / "two")
    shutil.copytree(run / "seed-1", run / "seed-2")
    check(f"average:{run}")
    with pytest.raises(InputError, match=r"^model\.weights: setfit starts at one encoder"):
        check(f"average:{run}", "setfit")
