"""What a text talks about, as the encoder of a trained model sees it."""

from collections.abc import Sequence

import numpy as np
import torch

from train.torch_backend import TorchScorer


def embed(scorer: TorchScorer, texts: Sequence[str], max_length: int, batch_size: int = 32) -> np.ndarray:
    """Return the mean of each text's last hidden states at unit length, shape (n, d); equal texts are encoded once."""
    order = sorted(set(texts), key=lambda text: (len(text), text))
    vectors: dict[str, np.ndarray] = {}
    scorer.model.eval()
    with torch.inference_mode():
        for start in range(0, len(order), batch_size):
            batch = order[start : start + batch_size]
            inputs = scorer.tokenizer(batch, padding=True, truncation=True, max_length=max_length, return_tensors="pt")
            inputs = inputs.to(scorer.model.device)
            states = scorer.model.base_model(**inputs).last_hidden_state.float()
            mask = inputs["attention_mask"][..., None]
            means = torch.nn.functional.normalize((states * mask).sum(1) / mask.sum(1), dim=-1)
            vectors |= dict(zip(batch, means.cpu().numpy(), strict=True))
    return np.stack([vectors[text] for text in texts])
