"""The README.md of a saved model: a Hugging Face model card with what it reads and how it was trained."""

from collections.abc import Collection
from pathlib import Path

from huggingface_hub import EvalResult, ModelCard, ModelCardData

from data.files import write_text
from data.records import STANCE_ID, Prediction, read_rows
from eval.behaviour.cases import BEHAVIOUR
from eval.metrics import macro_f1
from train.settings import DataSettings, RunConfig
from train.sources import PUBLIC_SETS

OWN_WEIGHTS = ("embedded", "tiny")
FEW_TARGETS = 3
"""More targets than these are not listed."""

SPAN_USE = """\
Put `<actor>` and `</actor>` around every actor and average the logits over {place}:

```python
import torch
from transformers import AutoModelForTokenClassification, AutoTokenizer

tokenizer = AutoTokenizer.from_pretrained("{model}")
model = AutoModelForTokenClassification.from_pretrained("{model}")
text = "<actor>The ministry</actor> defended the plan, but <actor>the union</actor> called it a mistake."
inputs = tokenizer(text, return_tensors="pt")
tokens, (start, end) = inputs["input_ids"][0].tolist(), tokenizer.convert_tokens_to_ids(["<actor>", "</actor>"])
read = [{positions} for i, token in enumerate(tokens) if token == start]
with torch.inference_mode():
    logits = model(**inputs).logits[0, :, :3]
stances = [model.config.id2label[int(logits[list(positions)].mean(0).argmax())] for positions in read]
```
"""

PLACES = {
    "marker": ("the `<actor>` token", "range(i, i + 1)"),
    "mention": ("the tokens between them", "range(i + 1, tokens.index(end, i))"),
    "both": ("the `<actor>` token and those up to `</actor>`", "range(i, tokens.index(end, i))"),
}
"""Where a span model reads an actor, in words and in Python, by `model.reading`."""

PAIR_USE = """\
One pass an actor: `AutoModelForSequenceClassification` on the sentence with this actor between `<actor>` and `</actor>`,
then the mention once more.
"""


def write_model_card(folder: Path, config: RunConfig, targets: Collection[str]) -> None:
    """Write `model/README.md` beside the weights of a seed's folder, with the macro-F1 of its predictions as model-index.

    Args:
        folder: that of the seed.
        config: the run's settings.
        targets: toward what the stances of the training rows are.
    """
    model = folder / "model"
    task = "token-classification" if config.model.kind == "span" else "text-classification"
    data = ModelCardData(
        language="en",
        license=licence(config),
        library_name="transformers",
        tags=["stance-detection", "entity-level", config.model.kind],
        pipeline_tag=task,
        model_name=f"{config.name}-{folder.name}",
        eval_results=[
            _result(path, task, data_name(config)) for path in sorted((folder / "predictions").glob("*.jsonl")) if path.stem != BEHAVIOUR
        ],
    )
    place, positions = PLACES[config.model.reading]
    use = SPAN_USE.format(model=model, place=place, positions=positions) if config.model.kind == "span" else PAIR_USE
    target = ", ".join(sorted(targets)) if 0 < len(targets) <= FEW_TARGETS else "the target of its text"
    text = f"""---
{data.to_yaml()}
---

# {config.name}, {folder.name}

Reads, for every actor marked in a sentence, which stance the text attributes to it toward {target}: against, neutral
or favor. A label says what the text says, never what the actor thinks.

{use}
{_origin(config)}; figures with intervals are in the run's report.html.

## Settings

```yaml
{config.to_yaml()}```
"""
    ModelCard(text)  # raises if the metadata block is malformed
    write_text(model / "README.md", text)


def licence(config: RunConfig) -> str:
    """Return the licence of a model: ours where the project's corpus and encoder alone made it, else the user has to say."""
    ours = config.data.source == "corpus" and config.data.corpus == DataSettings().corpus and not config.data.teachers
    return "apache-2.0" if ours and config.model.weights in OWN_WEIGHTS else "other"


def data_name(config: RunConfig) -> str:
    """Return what the run's data is called: its corpus folder or public set."""
    return config.data.corpus if config.data.source == "corpus" else config.data.source


def _origin(config: RunConfig) -> str:
    if config.data.source == "corpus":
        return f"Trained on the corpus `{config.data.corpus}`, whose README.md tells where its text and labels come from"
    public = PUBLIC_SETS[config.data.source]
    return f"Trained on {public.title} ({public.url}; {public.licence}), whose terms hold for the model too"


def _result(path: Path, task: str, corpus: str) -> EvalResult:
    rows = [row for row in read_rows(path, Prediction) if row.gold]
    value = macro_f1([STANCE_ID[str(row.gold)] for row in rows], [STANCE_ID[row.pred] for row in rows])
    return EvalResult(
        task_type=task,
        dataset_type=Path(corpus).name,
        dataset_name="actor stance",
        dataset_split=path.stem,
        metric_type="f1",
        metric_name=f"macro-F1 ({path.stem}, n {len(rows)})",
        metric_value=round(value, 4),
    )
