"""What is refused before a training begins."""

import shutil
import sys
from pathlib import Path

import pytest
import torch
from tiny_run import make_run
from transformers import (
    AutoModelForTokenClassification,
    BertConfig,
    CLIPConfig,
    DistilBertConfig,
    PretrainedConfig,
    PreTrainedTokenizerBase,
)

from data.errors import InputError
from data.records import STANCES
from train.requirements import check_requirements
from train.settings import ModelSettings, RunConfig, TrainerSettings
from train.weights import load_model, load_tokenizer


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


@pytest.fixture(scope="module")
def tokenizer() -> PreTrainedTokenizerBase:
    return load_tokenizer("tiny")


def save(folder: Path, tokenizer: PreTrainedTokenizerBase, config: PretrainedConfig | None = None) -> Path:
    """Save a random model with three labels that are not ours, and the tokenizer."""
    torch.manual_seed(3)
    small = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
    config = config or BertConfig(vocab_size=len(tokenizer), **small)
    config.id2label = dict(enumerate(("contradiction", "entailment", "neutral")))
    AutoModelForTokenClassification.from_config(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def test_models_that_no_training_could_start_at_are_refused(tmp_path: Path, tokenizer: PreTrainedTokenizerBase) -> None:
    whole = save(tmp_path / "whole", tokenizer)
    check(str(whole))
    pointer, bare, other = (Path(shutil.copytree(whole, tmp_path / name)) for name in ("pointer", "bare", "other"))
    (pointer / "model.safetensors").write_text("version https://git-lfs.github.com/spec/v1\n")
    (bare / "model.safetensors").rename(bare / "pytorch_model.bin")
    CLIPConfig().save_pretrained(other)
    for folder in (pointer, bare, other):
        with pytest.raises(InputError, match=r"^model\.weights: [^\n]* cannot be opened: [^\n]+$"):
            check(str(folder))
    small = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
    short = save(tmp_path / "short", tokenizer, BertConfig(vocab_size=len(tokenizer), max_position_embeddings=64, **small))
    with pytest.raises(InputError, match=r"^model\.max_length: [^\n]* cannot read 192 tokens"):
        check(str(short))


def test_a_head_with_as_many_other_labels_starts_anew(tmp_path: Path, tokenizer: PreTrainedTokenizerBase) -> None:
    folder = save(tmp_path / "nli", tokenizer)
    saved = AutoModelForTokenClassification.from_pretrained(folder)
    model = load_model(AutoModelForTokenClassification, str(folder), tokenizer, 0.1)
    assert list(model.config.id2label.values()) == list(STANCES)
    assert not torch.equal(model.classifier.weight, saved.classifier.weight)
    assert torch.equal(model.get_input_embeddings().weight, saved.get_input_embeddings().weight)


def test_dropout_reaches_architectures_that_call_it_otherwise(tmp_path: Path, tokenizer: PreTrainedTokenizerBase) -> None:
    small = {"dim": 16, "n_layers": 1, "n_heads": 2, "hidden_dim": 32}
    folder = save(tmp_path / "distil", tokenizer, DistilBertConfig(vocab_size=len(tokenizer), **small))
    model = load_model(AutoModelForTokenClassification, str(folder), tokenizer, 0.37)
    assert {module.p for module in model.modules() if isinstance(module, torch.nn.Dropout)} <= {0.0, 0.37}
    assert (model.config.dropout, model.config.attention_dropout) == (0.37, 0.0)
