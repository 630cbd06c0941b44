"""What a training needs beside its settings and data, looked at before anything is written: weights that open, packages that are there."""

from collections.abc import Sequence

import torch
from transformers.integrations import integration_utils

from data.errors import InputError, nearest
from data.extras import install_command
from train.averaging import KEY as AVERAGED
from train.averaging import averaged_seeds
from train.settings import BASELINES, ModelSettings, RunConfig
from train.weights import check_weights, load_model, load_tokenizer


def check_requirements(config: RunConfig) -> None:
    """Refuse a training that could not begin.

    Raises:
        InputError: the weights cannot be opened, or a tracker or setfit is unknown or not installed.
    """
    if config.model.kind in BASELINES:
        return
    check_weights(config.model.weights)
    if config.model.kind == "setfit":
        from train.contrastive import import_setfit

        if averaged_seeds(config.model.weights):
            raise InputError(f"{AVERAGED}: setfit starts at one encoder, not at an average; name the folder of a model")
        import_setfit()
        return
    check_model(config.model)
    if config.trainer.report_to not in (["all"], ["none"]):
        check_trackers(config.trainer.report_to)


def check_model(settings: ModelSettings) -> None:
    """Load the model that training will start at and let it read a window of `max_length` tokens.

    Raises:
        InputError: it cannot be loaded under the kind's head, or has fewer positions.
    """
    from train.transformer import KINDS

    tokenizer = load_tokenizer(settings.weights)
    model = load_model(KINDS[settings.kind].auto_class, settings.weights, tokenizer, settings.dropout)
    try:
        with torch.inference_mode():
            model.eval()(input_ids=torch.full((1, settings.max_length), tokenizer.sep_token_id))
    except (IndexError, RuntimeError) as error:
        raise InputError(
            f"model.max_length: {settings.weights!r} cannot read {settings.max_length} tokens ({' '.join(str(error).split())[:100]})"
        ) from None


def check_trackers(names: Sequence[str]) -> None:
    """Refuse trackers that transformers does not know or cannot open.

    Raises:
        InputError: names the tracker.
    """
    known = integration_utils.INTEGRATION_TO_CALLBACK
    for name in names:
        if name not in known:
            raise InputError(f"trainer.report_to: unknown tracker {name!r}{nearest(name, known)}, expected some of {', '.join(known)}")
        try:
            known[name]()
        except (ImportError, RuntimeError) as error:
            remedy = install_command("tracking") if name == "trackio" else " ".join(str(error).split())[:200]
            raise InputError(f"trainer.report_to: {name} is not installed: {remedy}") from None
