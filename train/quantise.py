"""int8 products that keep the answers: inputs scaled by channel or by token before onnxruntime rounds them.

onnxruntime gives all tokens of a batch one scale, so that a single spiky channel or token costs every other its precision. Where
channels are spiky, after a layer norm or attention, they are divided by factors that the weights take over (SmoothQuant, Xiao et
al. 2023). Where tokens are, between the two halves of a feed-forward layer, each is divided by its largest value, which the product's
output is multiplied by. Both everywhere keeps no more answers and takes longer (docs/performance.md).
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from data.files import replacing
from train.tagging import DETECTING_LABELS

SMOOTHING = 0.65
"""How much of a channel's range moves into the weights: 0 none, 1 all; 0.5 and 0.8 changed more answers."""
TINY = 1e-6
LOWEST_PEAK = 0.05
"""The least that a token is divided by; GELU's values are no lower than -0.17, so that the largest of a token is the one that counts."""

Peaks = dict[str, np.ndarray]


@dataclass(frozen=True)
class Recipe:
    """What int8 leaves in fp32: the embeddings, and shares, from the input on, of the products.

    Attributes:
        embeddings: whether the word embeddings stay.
        narrowing: share of the products that narrow their input: those between the two halves of a feed-forward layer, whose
            spiky activations quantise worst.
        first: share of all products, so that the first layers' errors do not grow through the others.
    """

    embeddings: bool
    narrowing: float = 0.0
    first: float = 0.0


RECIPES = (Recipe(False), Recipe(True), Recipe(True, 1.0, 0.5))
"""Tried in this order, the smallest and fastest first, until one passes the check."""


def write_int8(model: Any, path: Path, recipe: Recipe, peaks: Mapping[str, np.ndarray]) -> None:
    """Balance and quantise a loaded fp32 export; activations are quantised as they come.

    Args:
        model: the ONNX model; it is left as it is.
        path: the file to write.
        recipe: what stays in fp32.
        peaks: what `measure_peaks` said of this model.
    """
    import onnx
    from onnxruntime.quantization import QuantType, quantize_dynamic

    balanced = onnx.ModelProto()
    balanced.CopyFrom(model)
    products = weight_products(model)
    narrowing = [node.name for node in products if narrows(model, node)]
    kept = [node.name for node in products[: round(recipe.first * len(products))]]
    kept += narrowing[: round(recipe.narrowing * len(narrowing))]
    balance(balanced, peaks, kept)
    with replacing(path) as temporary:
        quantize_dynamic(
            balanced,
            str(temporary),
            op_types_to_quantize=["MatMul", "Gemm"] + ([] if recipe.embeddings else ["Gather"]),
            nodes_to_exclude=kept,
            weight_type=QuantType.QInt8,
            per_channel=True,
            extra_options={"DefaultTensorType": onnx.TensorProto.FLOAT},
        )


def weight_products(model: Any) -> list[Any]:
    """Return the matrix products with weights, not those between activations."""
    shapes = {weight.name: len(weight.dims) for weight in model.graph.initializer}
    return [node for node in model.graph.node if node.op_type == "MatMul" and shapes.get(node.input[1]) == 2]


def narrows(model: Any, product: Any) -> bool:
    """Tell whether a product is the second of a feed-forward layer."""
    (dims,) = (weight.dims for weight in model.graph.initializer if weight.name == product.input[1])
    return bool(dims[0] > dims[1] > len(DETECTING_LABELS))  # not the head


def measure_peaks(model: Any, batches: Sequence[Mapping[str, np.ndarray]]) -> Peaks:
    """Return the largest magnitude of every channel of each product's input, over the tokens that are no padding.

    Args:
        model: the fp32 export.
        batches: inputs as `train.onnx_backend.pad` makes them; those that the export does not know are left out.
    """
    import onnx
    import onnxruntime

    names = list(dict.fromkeys(node.input[0] for node in weight_products(model)))
    watched = onnx.ModelProto()
    watched.CopyFrom(model)
    watched.graph.output.extend(onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None) for name in names)
    session = onnxruntime.InferenceSession(watched.SerializeToString(), providers=["CPUExecutionProvider"])
    known = {each.name for each in session.get_inputs()}
    peaks: Peaks = {}
    for batch in batches:
        kept = batch["attention_mask"].astype(bool)
        for name, values in zip(names, session.run(names, {key: batch[key] for key in known}), strict=True):
            tokens = values[kept] if values.shape[:2] == kept.shape else values.reshape(-1, values.shape[-1])
            peaks[name] = np.maximum(peaks.get(name, 0.0), np.abs(tokens).max(axis=0))
    return peaks


def balance(model: Any, peaks: Mapping[str, np.ndarray], kept: Sequence[str]) -> None:
    """Put the scaling around every product that is not kept, in place; the model's outputs stay the same."""
    products = weight_products(model)
    uses = Counter(node.input[1] for node in products)
    by_input: dict[str, list[Any]] = {}
    for node in products:
        if node.name not in kept and uses[node.input[1]] == 1:  # weights that layers share would take over several factors
            by_input.setdefault(node.input[0], []).append(node)
    before: dict[str, list[Any]] = {}
    after: dict[str, Any] = {}
    for name, nodes in by_input.items():
        if narrows(model, nodes[0]):
            before[nodes[0].name] = _scale_tokens(model, name, nodes)
            after |= {node.name: _restore_tokens(name, node) for node in nodes}
        else:
            before[nodes[0].name] = _scale_channels(model, name, nodes, peaks[name])
    ordered = [
        each
        for node in model.graph.node
        for each in (*before.get(node.name, ()), node, *([after[node.name]] if node.name in after else []))
    ]
    copies = [type(node).FromString(node.SerializeToString()) for node in ordered]
    del model.graph.node[:]
    model.graph.node.extend(copies)


def channel_factors(peaks: np.ndarray, weights: Sequence[np.ndarray]) -> np.ndarray:
    """Return what each input channel is divided by, its weights multiplied by; their geometric mean is one."""
    largest = np.max([np.abs(each).max(axis=1) for each in weights], axis=0)
    factors = np.maximum(peaks, TINY) ** SMOOTHING / np.maximum(largest, TINY) ** (1 - SMOOTHING)
    result: np.ndarray = (factors / np.exp(np.log(factors).mean())).astype(np.float32)
    return result


def _scale_channels(model: Any, name: str, products: Sequence[Any], peaks: np.ndarray) -> list[Any]:
    """Move the channels' ranges from an input into the weights of its products; return the node that goes before the first."""
    from onnx import helper, numpy_helper

    weights = {weight.name: weight for weight in model.graph.initializer}
    factors = channel_factors(peaks, [numpy_helper.to_array(weights[node.input[1]]) for node in products])
    model.graph.initializer.append(numpy_helper.from_array(1 / factors, f"{name}_factors"))
    for node in products:
        scaled = numpy_helper.to_array(weights[node.input[1]]) * factors[:, None]
        weights[node.input[1]].CopyFrom(numpy_helper.from_array(scaled, node.input[1]))
        node.input[0] = f"{name}_smooth"
    return [helper.make_node("Mul", [name, f"{name}_factors"], [f"{name}_smooth"], f"{name}_smooth")]


def _scale_tokens(model: Any, name: str, products: Sequence[Any]) -> list[Any]:
    """Divide each token of an input by its largest value; return the nodes that go before the first of its products."""
    from onnx import helper, numpy_helper

    model.graph.initializer.extend(
        [
            numpy_helper.from_array(np.array([-1], dtype=np.int64), f"{name}_axis"),
            numpy_helper.from_array(np.array(LOWEST_PEAK, dtype=np.float32), f"{name}_lowest"),
        ]
    )
    for node in products:
        node.input[0] = f"{name}_unit"
    return [
        helper.make_node("ReduceMax", [name, f"{name}_axis"], [f"{name}_largest"], f"{name}_largest", keepdims=1),
        helper.make_node("Max", [f"{name}_largest", f"{name}_lowest"], [f"{name}_range"], f"{name}_range"),
        helper.make_node("Div", [name, f"{name}_range"], [f"{name}_unit"], f"{name}_unit"),
    ]


def _restore_tokens(name: str, product: Any) -> Any:
    """Return the node that multiplies a product's output by what its input was divided by."""
    from onnx import helper

    output = product.output[0]
    product.output[0] = f"{output}_unit"
    return helper.make_node("Mul", [f"{output}_unit", f"{name}_range"], [output], f"{output}_scaled")
