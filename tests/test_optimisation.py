import copy
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import torch
from transformers import AutoModelForTokenClassification

from train.optimisation import AdamW, depth, freeze, optimizer
from train.settings import ModelSettings, TrainerSettings
from train.weights import load_model, load_tokenizer


@pytest.fixture
def model() -> Any:
    return load_model(AutoModelForTokenClassification, "tiny", load_tokenizer("tiny"), 0.0)


def test_rates_fall_by_the_decay_from_the_head_to_the_embeddings(model: Any) -> None:
    _, options = optimizer(model, 0.5, TrainerSettings(learning_rate=1.0, weight_decay=0.1))
    names = {parameter: name for name, parameter in model.named_parameters()}
    rates = {names[parameter]: group["lr"] for group in options["params"] for parameter in group["params"]}
    assert rates.keys() == set(names.values())
    assert rates["classifier.weight"] == 1.0
    assert rates["bert.encoder.layer.1.output.dense.weight"] == 0.5
    assert rates["bert.encoder.layer.0.output.dense.weight"] == 0.25
    assert rates["bert.embeddings.word_embeddings.weight"] == 0.125


def test_biases_and_norms_do_not_decay(model: Any) -> None:
    _, options = optimizer(model, 1.0, TrainerSettings(weight_decay=0.1))
    names = {parameter: name for name, parameter in model.named_parameters()}
    decays = {names[parameter]: group["weight_decay"] for group in options["params"] for parameter in group["params"]}
    assert decays["classifier.weight"] == 0.1
    assert decays["classifier.bias"] == decays["bert.encoder.layer.0.output.LayerNorm.weight"] == 0.0


def test_frozen_layers_take_the_embeddings_along(model: Any) -> None:
    freeze(model, ModelSettings(freeze_layers=1))
    trained = {depth(name, 2) for name, parameter in model.named_parameters() if parameter.requires_grad}
    assert trained == {1, 2}


def test_frozen_embeddings_are_the_words_alone(model: Any) -> None:
    freeze(model, ModelSettings(freeze_embeddings=True))
    frozen = [name for name, parameter in model.named_parameters() if not parameter.requires_grad]
    assert frozen == ["bert.embeddings.word_embeddings.weight"]


def test_dealt_out_to_threads_the_optimizer_takes_the_same_steps(model: Any) -> None:
    _, options = optimizer(model, 0.5, TrainerSettings(learning_rate=0.1, weight_decay=0.1))
    other = copy.deepcopy(model)
    _, others = optimizer(other, 0.5, TrainerSettings(learning_rate=0.1, weight_decay=0.1))
    with ThreadPoolExecutor(2) as pool:
        alone, dealt_out = AdamW(**options), AdamW(**others)
        dealt_out.pool = pool
        for step in range(3):
            for each in (*model.parameters(), *other.parameters()):
                each.grad = torch.full_like(each, 1.0 + step)
            for group in (*alone.param_groups, *dealt_out.param_groups):
                group["lr"] /= 2  # as a schedule does
            alone.step()
            dealt_out.step()
    assert all(a.equal(b) for a, b in zip(model.parameters(), other.parameters(), strict=True))
    states, others_states = (each.state_dict()["state"] for each in (alone, dealt_out))
    assert list(states) == list(others_states)
    assert all(states[key]["exp_avg"].equal(others_states[key]["exp_avg"]) for key in states)
    assert states[0]["step"] == 3
