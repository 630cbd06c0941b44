"""Packed reading and lanes compute what transformers' model does, with gradients, and the same bits on one thread and on two."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tiny_run import make_run, rows
from torch.nn.functional import cross_entropy
from transformers import AutoModelForSequenceClassification, AutoModelForTokenClassification, set_seed

from data.errors import InputError
from data.records import STANCES
from train import torch_backend
from train.forward import Forward
from train.lanes import Lanes, dealt
from train.loading import open_run
from train.packed import Dropout, PackedReader, fits
from train.process import using_threads
from train.weights import load_model, load_tokenizer
from train.windows import IGNORED, Window

LENGTHS = (41, 7, 29, 12, 33)


def tiny(dropout: float = 0.0, auto_class: Any = AutoModelForTokenClassification) -> Any:
    set_seed(1)
    model = load_model(auto_class, "tiny", load_tokenizer("tiny"), dropout, STANCES).train()
    with torch.no_grad():
        for name, weight in model.named_parameters():  # as made, biases are 0 and norms 1, which would hide that one is left out
            if name.endswith("bias") or "LayerNorm" in name:
                weight.add_(torch.rand_like(weight))
    return model


def batch(lengths: tuple[int, ...] = LENGTHS, every: int = 5) -> dict[str, torch.Tensor]:
    """Windows of several lengths, in each every fifth token read."""
    generator = torch.Generator().manual_seed(2)
    shape = (len(lengths), max(lengths))
    mask = (torch.arange(shape[1]) < torch.tensor(lengths)[:, None]).long()
    labels = torch.randint(0, len(STANCES), shape, generator=generator)
    read = (torch.arange(shape[1]) % every == min(1, every - 1)) & mask.bool()
    return {
        "input_ids": torch.randint(5, 1000, shape, generator=generator) * mask,
        "attention_mask": mask,
        "labels": labels.where(read, IGNORED),
    }


def summed_loss(outputs: dict[str, torch.Tensor], labels: torch.Tensor) -> torch.Tensor:
    return cross_entropy(outputs["logits"].flatten(0, -2), labels.flatten(), reduction="sum")


def test_logits_are_those_of_transformers_where_labels_are() -> None:
    model, given = tiny(), batch()
    wanted = model(input_ids=given["input_ids"], attention_mask=given["attention_mask"]).logits
    read = given["labels"] != IGNORED
    logits = PackedReader(model, lambda *weights: torch.cat(weights), torch.float32)(given["input_ids"], given["attention_mask"], read)
    torch.testing.assert_close(logits, wanted[read], rtol=1e-4, atol=1e-5)


def test_lanes_answer_as_transformers_does_without_dropout() -> None:
    model, given = tiny(dropout=0.5), batch()
    lanes = Lanes(model, torch.float32, threads=2)
    for _ in range(2):
        lanes.learn(1, given, 1, summed_loss)
        with torch.no_grad():
            model.classifier.bias.add_(1)  # as an optimizer does: what lanes share must follow
            wanted = model.eval()(input_ids=given["input_ids"], attention_mask=given["attention_mask"]).logits
        logits, labels = lanes.answer(given)
        order = [row for lane in range(2) for row in range(lane, len(LENGTHS), 2)]
        read = given["labels"][order] != IGNORED
        torch.testing.assert_close(logits, wanted[order][read], rtol=1e-4, atol=1e-5)
        assert labels.equal(given["labels"][order][read])
    assert all(reader.training for reader in lanes.readers)


@pytest.mark.parametrize(
    ("passes", "given"),
    [(1, batch()), (2, batch()), (1, batch(lengths=(40, 40, 24, 24), every=1))],
    ids=["padded", "two passes", "numbers of rows that need no rounding"],
)
def test_gradients_are_those_of_transformers(passes: int, given: dict[str, torch.Tensor]) -> None:
    model, reference = tiny(), tiny()
    outputs = reference(input_ids=given["input_ids"], attention_mask=given["attention_mask"])
    summed_loss(outputs, given["labels"]).backward()  # type: ignore[no-untyped-call]
    lanes = Lanes(model, torch.float32, threads=2)
    for _ in range(2):  # gradients add up, as in accumulation
        loss = lanes.learn(7, given, passes, lambda outputs, labels: summed_loss(outputs, labels) / passes / 2)
    assert loss > 0
    for (name, weight), other in zip(model.named_parameters(), reference.parameters(), strict=True):
        assert other.grad is not None
        torch.testing.assert_close(weight.grad, other.grad, rtol=1e-3, atol=1e-4, msg=name)


@pytest.mark.parametrize("auto_class", [AutoModelForTokenClassification, AutoModelForSequenceClassification])
def test_windows_get_the_logits_of_transformers_whatever_the_batch_and_the_threads(auto_class: Any) -> None:
    model, given = tiny(auto_class=auto_class).eval(), batch()
    tokens = auto_class is AutoModelForTokenClassification
    words = [row[:length].tolist() for row, length in zip(given["input_ids"], LENGTHS, strict=True)]
    windows = [Window(ids, 0, (index,), ((1, 6), (6,)) if tokens else ()) for index, ids in enumerate(words)]
    with torch.inference_mode():
        wanted = [model(input_ids=torch.tensor([ids])).logits[0].numpy() for ids in words]
    forward = Forward(model, 0)
    assert bool(forward.packed) == tokens
    answers = []
    for threads, batch_size in ((1, 2), (2, 2), (2, 64)):
        with using_threads(threads):
            found = {window.examples[0]: logits for window, logits in forward(windows, batch_size)}
        for index, window in enumerate(windows):
            at = list(window.read_at) or slice(None)
            np.testing.assert_allclose(found[index][at], wanted[index][at], rtol=1e-4, atol=1e-5)
        answers.append(found)
    if tokens:
        assert all((answers[0][index] == answers[1][index]).all() for index in range(len(windows)))


def trained(threads: int, windows: int = len(LENGTHS)) -> list[torch.Tensor]:
    model = tiny(dropout=0.1)
    given = {name: values[:windows] for name, values in batch().items()}
    lanes = Lanes(model, torch.bfloat16, threads)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    with using_threads(1):
        for step in range(3):
            optimizer.zero_grad()
            lanes.learn(step, given, 1, summed_loss)
            optimizer.step()
    return [weight.detach() for weight in model.parameters()]


def test_clipping_in_lanes_is_that_of_torch() -> None:
    model, given = tiny(), batch()
    model.get_input_embeddings().weight.requires_grad_(False)
    lanes = Lanes(model, torch.float32, 2)
    lanes.learn(1, given, 1, summed_loss)
    before = {name: weight.grad.clone() for name, weight in model.named_parameters() if weight.grad is not None}
    norm = torch.nn.utils.get_total_norm(before.values())
    torch.testing.assert_close(lanes.clip(1.0), norm)
    assert norm > 1
    for name, weight in model.named_parameters():
        if weight.grad is not None:
            torch.testing.assert_close(weight.grad, before[name] / norm)


def test_lanes_have_about_as_much_to_do_each() -> None:
    sizes = [sum(size for size in dealt([9, 1, 9, 1, 4, 1], lane, int)) for lane in range(2)]
    assert sizes == [14, 11]


def test_bits_are_the_same_on_one_thread_and_on_two() -> None:
    one, two = trained(1), trained(2)
    assert all(a.equal(b) for a, b in zip(one, two, strict=True))
    assert not all(a.equal(b) for a, b in zip(one, [each.detach() for each in tiny().parameters()], strict=True))


def test_a_single_window_leaves_a_lane_empty() -> None:
    assert all(weight.isfinite().all() for weight in trained(2, windows=1))


def test_a_lane_may_have_nothing_to_read() -> None:
    given = batch()
    given["labels"][::2] = IGNORED
    lanes = Lanes(tiny(), torch.float32, 2)
    assert lanes.learn(1, given, 1, summed_loss).isfinite()
    assert len(lanes.answer(given)[1]) == (given["labels"] != IGNORED).sum()


def test_frozen_weights_get_no_gradient() -> None:
    model = tiny()
    model.get_input_embeddings().weight.requires_grad_(False)
    Lanes(model, torch.bfloat16, 2).learn(1, batch(), 1, summed_loss)
    grads = {name: weight.grad is not None for name, weight in model.named_parameters()}
    assert [name for name, has in grads.items() if not has] == ["bert.embeddings.word_embeddings.weight"]


def test_dropout_zeroes_its_share_and_keeps_the_mean() -> None:
    dropped = Dropout(0.1)(torch.ones(1000, 101))
    assert (dropped == 0).float().mean().item() == pytest.approx(0.1, abs=0.01)
    assert dropped.mean().item() == pytest.approx(1, abs=0.01)
    assert Dropout(0.1).eval()(torch.ones(3)).equal(torch.ones(3))


def test_what_packing_cannot_read_is_said() -> None:
    assert fits(tiny(dropout=0.1))
    assert not fits(tiny(auto_class=AutoModelForSequenceClassification))
    other = tiny()
    other.config.hidden_act = "relu"
    assert not fits(other)


def test_bf16_answers_as_fp32_does_and_asks_doubtful_ones_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = make_run(tmp_path / "tiny")
    exact = open_run(folder).uncalibrated(rows())
    monkeypatch.setattr(torch_backend, "BF16_DOUBT", 0.5)
    apart = np.abs(open_run(folder, backend="torch-bf16").uncalibrated(rows()) - exact).max(axis=1)
    second, first = np.sort(exact, axis=1)[:, -2:].T
    doubtful = first - second < 0.4  # in bf16 surely within the half
    assert doubtful.any()
    assert apart[doubtful].max() < 1e-5 < apart.max() < 0.05


@pytest.mark.parametrize(("kind", "able"), [("pair", True), ("span", False)])
def test_bf16_is_refused_where_it_gains_nothing(kind: str, able: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch_backend, "use_bf16", lambda _: able)
    with pytest.raises(InputError, match="torch-bf16 needs a span model of BERT's kind and a processor with bfloat16"):
        open_run(make_run(tmp_path / "tiny", kind), backend="torch-bf16")
