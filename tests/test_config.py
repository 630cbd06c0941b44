import dataclasses
from pathlib import Path

import pytest

from data.errors import InputError
from data.files import ROOT
from train.config import build_parser, find_config, load_config, parse_config
from train.settings import RunConfig, TrainerSettings

CONFIGS = sorted(path for path in (ROOT / "configs").rglob("*.yaml") if path.parent.name != "sweeps")


def parse(*arguments: str) -> RunConfig:
    return parse_config(build_parser(""), list(arguments))[0]


def write(tmp_path: Path, name: str, text: str) -> str:
    (tmp_path / name).write_text(text)
    return str(tmp_path / name)


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_every_config_loads_and_opens_with_its_command(path: Path) -> None:
    assert load_config(path).name
    first = path.read_text().splitlines()[0]
    assert first.startswith(f"# python train/run.py --config {path.relative_to(ROOT / 'configs')}")


def test_later_layers_win_and_the_command_line_wins_over_all(tmp_path: Path) -> None:
    one = write(tmp_path, "one.yaml", "trainer: {learning_rate: 1.0e-5, weight_decay: 0.5}\nmodel: {max_length: 64}")
    two = write(tmp_path, "two.yaml", "trainer: {learning_rate: 2.0e-5}")
    config = parse("--config", one, "--config", two, "--trainer.weight_decay", "0.25", "--seeds", "3,4")
    assert (config.trainer.learning_rate, config.trainer.weight_decay, config.model.max_length) == (2e-5, 0.25, 64)
    assert (config.name, config.seeds) == ("two", [3, 4])


@pytest.mark.parametrize("given", [("--config={one}", "--config", "{two}"), ("--config", "{one}", "--config={two}")])
def test_layers_are_laid_in_the_order_of_the_command_line(tmp_path: Path, given: tuple[str, ...]) -> None:
    one, two = (write(tmp_path, f"{name}.yaml", f"trainer: {{weight_decay: {name}}}") for name in ("0.1", "0.2"))
    config = parse(*(each.format(one=one, two=two) for each in given))
    assert (config.name, config.trainer.weight_decay) == ("0.2", 0.2)


def test_a_base_is_found_beside_the_file_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    write(tmp_path, "root.yaml", "trainer: {learning_rate: 1.0e-5, weight_decay: 0.5}")
    write(tmp_path, "deep/middle.yaml", "_base_: ../root.yaml\ntrainer: {weight_decay: 0.25}")
    leaf = write(tmp_path, "leaf.yaml", "_base_: deep/middle.yaml\nname: leafy")
    config = parse("--config", leaf)
    assert (config.name, config.trainer.learning_rate, config.trainer.weight_decay) == ("leafy", 1e-5, 0.25)


def test_the_resolved_config_gives_the_same_config(tmp_path: Path) -> None:
    config = parse("--config", "smoke.yaml", "--trainer.learning_rate", "3e-5", "--seeds", "7")
    assert load_config(Path(write(tmp_path, "again.yaml", config.to_yaml()))) == config


def test_the_hash_ignores_name_and_seeds_only() -> None:
    base = parse("--config", "smoke.yaml")
    assert parse("--config", "smoke.yaml", "--name", "x", "--seeds", "9").hash() == base.hash()
    assert parse("--config", "smoke.yaml", "--model.dropout", "0.2").hash() != base.hash()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("trainer: {lerning_rate: 1}", "bad.yaml: unknown key 'trainer.lerning_rate' .*'learning_rate'"),
        ("trainr: {}", "unknown key 'trainr' .*'trainer'"),
        ("config: other.yaml", "use _base_"),
        ("trainer: {learning_rate: fast}", "bad.yaml: .*learning_rate"),
        ("model: {kind: spam}", "bad.yaml: .*kind"),
        ("model: 3", "expected a mapping"),
        ("- 1", "expected a mapping"),
        ("a: [", r"bad.yaml:\d: not YAML"),
        ("a: &x 1\nb: *x", "aliases"),
        ("_base_: bad.yaml", "goes in a circle"),
        ("_base_: none.yaml", "none.yaml: no such file"),
        ("data: {documents: 7}", "data.documents: 7.0 is out of range"),
        *((f"model: {{class_weights: {value}}}", "model.class_weights: .* is out of range") for value in ("-5", "1.5", ".inf", ".nan")),
        ("model: {detect_actors: true, kind: pair}", "model.detect_actors: needs model.kind span .*; got pair and corpus"),
        ("{model: {detect_actors: true}, data: {source: newsmtsc}}", "model.detect_actors: .* got span and newsmtsc"),
        ("name: ../x", "name: '../x' is out of range"),
    ],
)
def test_faulty_configs_name_file_and_key(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        parse("--config", write(tmp_path, "bad.yaml", text))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--trainer.lerning_rate", "1"], "did you mean 'trainer.learning_rate'"),
        (["--trainer.learning_rate", "fast"], "learning_rate"),
        (["--seeds", "1,1"], "seeds"),
        (["--config", "bse.yaml"], "did you mean 'base.yaml'"),
    ],
)
def test_faulty_command_lines(arguments: list[str], message: str) -> None:
    with pytest.raises(InputError, match=message):
        parse(*arguments)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("trainer.num_train_epochs", ".inf"),
        ("trainer.num_train_epochs", ".nan"),
        ("trainer.rdrop_alpha", ".inf"),
        ("trainer.gradient_accumulation_steps", "0"),
        ("trainer.warmup_steps", "-1"),
        ("trainer.weight_decay", "-0.1"),
        ("trainer.max_grad_norm", "-1"),
        ("trainer.label_smoothing_factor", "1"),
        ("trainer.early_stopping_patience", "0"),
        ("trainer.dataloader_num_workers", "-1"),
        ("seeds", str(2**32)),
    ],
)
def test_values_that_training_cannot_take_are_refused(key: str, value: str) -> None:
    with pytest.raises(InputError, match=rf"{key}: .* is out of range"):
        parse(f"--{key}={value}")


def test_names_stand_for_files_under_configs() -> None:
    assert find_config("base.yaml") == ROOT / "configs" / "base.yaml"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["--data.context_sentences", "0", "--data.context_dropout", "0.5"], "no context to leave out"),
        (["--model.dropout", "0", "--trainer.rdrop_alpha", "1"], "two passes without dropout are the same"),
    ],
)
def test_settings_that_cannot_work_together_are_refused(given: list[str], message: str) -> None:
    with pytest.raises(InputError, match=message):
        parse(*given)


def test_trainer_settings_keep_the_names_of_training_arguments() -> None:
    from transformers import TrainingArguments

    known = {field.name for field in dataclasses.fields(TrainingArguments)}
    ours = {field.name for field in dataclasses.fields(TrainerSettings)}
    assert ours - known == {"early_stopping_patience", "rdrop_alpha", "threads"}


@pytest.mark.parametrize(("text", "key"), [("data: {documents: }", "data.documents"), ("seeds:", "seeds"), ("name:", "name")])
def test_a_key_without_a_value_is_named(tmp_path: Path, text: str, key: str) -> None:
    with pytest.raises(InputError, match=rf"{key}: expected a value, got none"):
        parse("--config", write(tmp_path, "empty.yaml", text))
    assert parse("--config", write(tmp_path, "path.yaml", "data: {path: }")).data.path is None


def test_an_endless_list_is_refused_at_once(tmp_path: Path) -> None:
    endless = write(tmp_path, "endless.yaml", f"seeds: {list(range(15_000))}")
    with pytest.raises(InputError, match=r"seeds: 15,000 values, expected at most 100"):
        parse("--config", endless)
