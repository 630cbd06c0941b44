"""A finished run with a tiny random model, made without training, for tests of what reads and scores with it, and rows to score."""

from pathlib import Path

import torch

from data.files import write_json, write_text
from data.records import STANCES, Example
from train.settings import DataSettings, ModelSettings, RunConfig
from train.tagging import DETECTING_LABELS
from train.transformer import KINDS
from train.weights import load_model, load_tokenizer

ARTICLE = """Moscow rejects radar plan
By Jane Doe
12 March 2008

Russia rejected the radar on Monday. "We will never accept it," said President Vladimir Putin. He called <b>Poland</b> naive.

The United States said it would build the base. The Czech Republic welcomed American plans.
Comments are closed.
"""


def make_run(folder: Path, kind: str = "span", *, detect_actors: bool = False, context_sentences: int = 1, corpus: str = "data") -> Path:
    """Write the folder of a finished run and return it; the weights are random and the same each time."""
    settings = ModelSettings(kind=kind, weights="tiny", window_sentences=2, reading="both", detect_actors=detect_actors)  # type: ignore[arg-type]
    write_text(
        folder / "config.yaml",
        RunConfig(name=folder.name, data=DataSettings(corpus=corpus, context_sentences=context_sentences), model=settings).to_yaml(),
    )
    seed = folder / "seed-1"
    torch.manual_seed(7)
    tokenizer = load_tokenizer("tiny")
    model = load_model(KINDS[kind].auto_class, "tiny", tokenizer, 0.0, DETECTING_LABELS if detect_actors else STANCES)
    with torch.no_grad():  # spread the answers, so that a mistake in an export or a batch shows
        model.classifier.weight.mul_(60)
    model.save_pretrained(seed / "model")
    tokenizer.save_pretrained(seed / "model")
    write_json(seed / "calibration.json", {"temperature": 1.3, "threshold": 0.5, "target_accuracy": 0.8})
    write_text(seed / "DONE", "")
    return folder


def rows() -> list[Example]:
    """Forty rows of growing length in sentences that share windows."""
    made = []
    for number in range(20):
        text = f"Rovia told Belmora {'once more ' * number}that the radar is a threat number {number}."
        for actor in ("Rovia", "Belmora"):
            start = text.index(actor)
            fields = {"id": f"d:{number}:{actor}", "doc_id": "d", "sent_id": number, "actor": actor, "mention": actor}
            made.append(Example(**fields, text=text, start=start, end=start + len(actor), stance=STANCES[number % 3]))
    return made
