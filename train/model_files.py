"""What a folder of weights may ask for: numbers and settings, never code. Checked before transformers sees it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from data.errors import InputError
from data.files import read_object

CONFIGS = ("config.json", "tokenizer_config.json", "generation_config.json", "processor_config.json")
MAX_NUMBER = 10_000_000
"""A vocabulary has a few hundred thousand entries; a larger size only fills the memory."""
MAX_LAYERS = 500


def check_model_files(folder: Path) -> None:
    """Refuse a model folder whose settings name code to load or sizes that no encoder has.

    Raises:
        InputError: names the file and the key.
    """
    for path in (folder / name for name in CONFIGS):
        if path.is_file():
            for key, value in _settings(read_object(path)):
                if fault := _fault(key, value):
                    raise InputError(f"{path}: {key}: {fault}")


def _settings(value: Any, key: str = "") -> Iterator[tuple[str, Any]]:
    """Yield every key with its value, nested ones too."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield name, inner
            yield from _settings(inner, name)
    elif isinstance(value, list):
        for inner in value:
            yield key, inner
            yield from _settings(inner, key)


def _fault(key: str, value: Any) -> str | None:
    if key in {"auto_map", "custom_pipelines"}:
        return "asks for code of its own; only models that transformers itself knows are opened"
    if "attn_implementation" in key and isinstance(value, str) and "/" in value:
        return f"asks for code from {value!r}; expected eager or sdpa"
    if key == "num_hidden_layers" and isinstance(value, int) and value > MAX_LAYERS:
        return f"{value} layers, expected at most {MAX_LAYERS}"
    if isinstance(value, int) and abs(value) > MAX_NUMBER and key != "model_max_length":
        return f"{value} is too large, expected at most {MAX_NUMBER:,}"
    return None
