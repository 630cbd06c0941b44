"""What reads a trained model: PyTorch, exactly or with products in bfloat16, or an export of it by onnxruntime."""

from typing import Literal, get_args

Backend = Literal["torch", "torch-bf16", "onnx", "onnx-int8"]
BACKENDS: tuple[Backend, ...] = get_args(Backend)


def is_torch(backend: str) -> bool:
    """Tell whether a backend reads the saved model, not an export of it."""
    return backend.startswith("torch")
