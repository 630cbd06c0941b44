"""A model trained without context is given none, wherever its rows come from."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from tiny_run import make_run

from data.files import write_jsonl
from data.records import Example
from train.loading import open_run
from train.settings import DataSettings
from train.sources import collect_splits, load_source

Make = Callable[..., Example]


@pytest.mark.parametrize(("context_sentences", "reads_it"), [(0, False), (1, True)])
def test_a_run_reads_contexts_only_if_it_was_trained_with_them(
    make_example: Make, tmp_path: Path, context_sentences: int, reads_it: bool
) -> None:
    run = open_run(make_run(tmp_path / "run", context_sentences=context_sentences))
    alone = make_example("Moscow objects to the radar.", "Moscow")
    within = alone.model_copy(update={"context": "Prague welcomed the plan without conditions."})
    assert np.allclose(run.probabilities([alone]), run.probabilities([within])) is not reads_it
    assert np.allclose(run.uncalibrated([alone]), run.uncalibrated([within])) is not reads_it


@pytest.mark.parametrize("context_sentences", [0, 1])
def test_an_extra_test_file_is_read_as_the_training_rows_are(make_example: Make, tmp_path: Path, context_sentences: int) -> None:
    row = make_example("Moscow objects to the radar.", "Moscow", context="Prague welcomed the plan.")
    write_jsonl(tmp_path / "real.jsonl", [row.model_dump()])
    settings = DataSettings(context_sentences=context_sentences, extra_test=str(tmp_path / "real.jsonl"))
    (read,) = collect_splits(load_source(settings), settings)["real"]
    assert read.context == (row.context if context_sentences else "")
