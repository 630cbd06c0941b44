"""int8 products that keep the answers: inputs scaled channel by channel and token by token before onnxruntime rounds them.

onnxruntime gives all tokens of a batch one scale, so that a single spiky channel or token costs every other its precision. Before
each product the input's channels are divided by factors that the weights take over (SmoothQuant, Xiao et al. 2023), then each
token by its largest value, which the product's output is multiplied by (docs/performance.md says what this changed on base).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from data.files import replacing
from data.records import STANCES

SMOOTHING = 0.65
"""How much of a channel's range moves into the weights: 0 none, 1 all; 0.5 and 0.8 changed more answers."""
TINY = 1e-6

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
    narrowing = [node.name for node in products if _narrows(model, node)]
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


def _narrows(model: Any, product: Any) -> bool:
    (dims,) = (weight.dims for weight in model.graph.initializer if weight.name == product.input[1])
    return bool(dims[0] > dims[1] > len(STANCES))  # not the stance head


def measure_peaks(model: Any, batches: Sequence[Mapping[str, np.ndarray]]) -> Peaks:
    """Return the largest magnitude of every channel of each product's input, over the tokens that are no padding.

    Args:
        model: the fp32 export.
        batches: inputs as `train.onnx_backend.pad` makes them.
    """
    import onnx
    import onnxruntime

    names = list(dict.fromkeys(node.input[0] for node in weight_products(model)))
    watched = onnx.ModelProto()
    watched.CopyFrom(model)
    watched.graph.output.extend(onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None) for name in names)
    session = onnxruntime.InferenceSession(watched.SerializeToString(), providers=["CPUExecutionProvider"])
    peaks: Peaks = {}
    for batch in batches:
        kept = batch["attention_mask"].astype(bool)
        for name, values in zip(names, session.run(names, dict(batch)), strict=True):
            tokens = values[kept] if values.ndim == 3 else values
            peaks[name] = np.maximum(peaks.get(name, 0.0), np.abs(tokens).max(axis=0))
    return peaks


def balance(model: Any, peaks: Mapping[str, np.ndarray], kept: Sequence[str]) -> None:
    """Put the scaling before and after every product that is not kept, in place; the model's outputs stay the same."""
    from onnx import numpy_helper

    weights = {weight.name: weight for weight in model.graph.initializer}
    by_input: dict[str, list[Any]] = {}
    for node in weight_products(model):
        if node.name not in kept and np.ndim(peaks[node.input[0]]) == 1:
            by_input.setdefault(node.input[0], []).append(node)
    factors = {
        name: channel_factors(peaks[name], [numpy_helper.to_array(weights[node.input[1]]) for node in nodes])
        for name, nodes in by_input.items()
    }
    for name, nodes in by_input.items():
        for node in nodes:
            scaled = numpy_helper.to_array(weights[node.input[1]]) * factors[name][:, None]
            weights[node.input[1]].CopyFrom(numpy_helper.from_array(scaled.astype(np.float32), node.input[1]))
    _add_scaling(model, by_input, factors)


def channel_factors(peaks: np.ndarray, weights: Sequence[np.ndarray]) -> np.ndarray:
    """Return what each input channel is divided by, its weights multiplied by; their geometric mean is one."""
    largest = np.max([np.abs(each).max(axis=1) for each in weights], axis=0)
    factors = np.maximum(peaks, TINY) ** SMOOTHING / np.maximum(largest, TINY) ** (1 - SMOOTHING)
    result: np.ndarray = (factors / np.exp(np.log(factors).mean())).astype(np.float32)
    return result


def _add_scaling(model: Any, by_input: Mapping[str, Sequence[Any]], factors: Mapping[str, np.ndarray]) -> None:
    from onnx import helper, numpy_helper

    graph = model.graph
    graph.initializer.append(numpy_helper.from_array(np.array([-1], dtype=np.int64), "balance_axis"))
    graph.initializer.append(numpy_helper.from_array(np.array(TINY, dtype=np.float32), "balance_tiny"))
    scaled = {node.name: name for name, nodes in by_input.items() for node in nodes}
    nodes, done = [], set()
    for node in list(graph.node):
        name = scaled.get(node.name)
        if name is None:
            nodes.append(node)
            continue
        if name not in done:
            done.add(name)
            graph.initializer.append(numpy_helper.from_array((1 / factors[name]).astype(np.float32), f"{name}_factors"))
            steps: tuple[tuple[str, list[str], str, dict[str, Any]], ...] = (
                ("Mul", [name, f"{name}_factors"], "smooth", {}),
                ("Abs", [f"{name}_smooth"], "abs", {}),
                ("ReduceMax", [f"{name}_abs", "balance_axis"], "largest", {"keepdims": 1}),
                ("Max", [f"{name}_largest", "balance_tiny"], "range", {}),
                ("Div", [f"{name}_smooth", f"{name}_range"], "unit", {}),
            )
            nodes += [helper.make_node(kind, inputs, [f"{name}_{step}"], f"{name}_{step}", **more) for kind, inputs, step, more in steps]
        output = node.output[0]
        node.input[0], node.output[0] = f"{name}_unit", f"{output}_unit"
        nodes += [node, helper.make_node("Mul", [f"{output}_unit", f"{name}_range"], [output], f"{output}_scaled")]
    copies = [type(node).FromString(node.SerializeToString()) for node in nodes]
    del graph.node[:]
    graph.node.extend(copies)
