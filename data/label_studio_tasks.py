"""From documents to Label Studio: the labelling interface, and tasks with marks to begin from, the most uncertain first."""

from collections.abc import Iterator
from typing import Any
from xml.sax.saxutils import quoteattr

from data.assignment import Assignment, Round
from data.labelling import Workspace, corpus_marks
from data.layout import Layout, lines_layout
from data.markup import Mention
from data.mentions import MentionFinder
from data.records import STANCES, Stance

MARK, STANCE, ACTOR, OTHER_ACTOR, TEXT = "mark", "stance", "actor", "other_actor", "text"
"""Names of the interface's parts, which every region of an export repeats."""
LABELLED, FURTHER = "actor", "further mention"
"""The two labels of a region: one that carries the stance, and one that repeats an actor of the sentence."""
SAME_ACTOR = "same actor"
MODEL_VERSION = "actor-stance"
"""The name under which Label Studio shows the marks to begin from; a project whose `model_version` says so prefills with them."""


def labelling_config() -> str:
    """Return the labelling interface: spans, and for each a stance and an actor of the registry."""
    choices = "\n".join(f'    <Choice value="{stance}" hotkey="{key}"/>' for key, stance in enumerate(STANCES, 1))
    return f"""<View>
  <Header value="$title" size="4"/>
  <Header value={quoteattr("What does the text, here, attribute to each actor: stance toward $target")} size="5"/>
  <Labels name="{MARK}" toName="{TEXT}" choice="single">
    <Label value="{LABELLED}" hotkey="a" background="#f0a202"/>
    <Label value="{FURTHER}" hotkey="m" background="#b8b8b8"/>
  </Labels>
  <Relations>
    <Relation value="{SAME_ACTOR}"/>
  </Relations>
  <Text name="{TEXT}" value="$text" granularity="word"/>
  <Choices name="{STANCE}" toName="{TEXT}" perRegion="true" choice="single" showInline="true"
           required="true" requiredMessage="Some actor has no stance yet"
           visibleWhen="region-selected" whenTagName="{MARK}" whenLabelValue="{LABELLED}">
{choices}
  </Choices>
  <Choices name="{ACTOR}" toName="{TEXT}" perRegion="true" choice="single" layout="select" value="$actors"/>
  <TextArea name="{OTHER_ACTOR}" toName="{TEXT}" perRegion="true" maxSubmissions="1" editable="true" rows="1"
            placeholder="or the id of another actor of actors.yaml"/>
</View>
"""


def make_tasks(round_: Round) -> list[dict[str, Any]]:
    """Return a task a document, in the order of the round."""
    finder = MentionFinder(round_.workspace.registry)
    return [make_task(assignment, round_.workspace, finder) for assignment in round_.assignments]


def make_task(assignment: Assignment, workspace: Workspace, finder: MentionFinder) -> dict[str, Any]:
    """Return one task: what the annotator sees, and the marks to begin from as a prediction."""
    meta, layout = assignment.document.meta, lines_layout(assignment.document)
    data = {
        "doc_id": meta.id,
        "title": meta.title,
        "genre": meta.genre,
        "target": meta.target,
        "text": layout.text,
        "uncertainty": round(assignment.uncertainty, 4),
        "actors": actor_choices(assignment, workspace, finder),
    }
    regions = list(_regions(assignment, layout))
    if not regions:
        return {"data": data}
    score = {} if assignment.confidence is None else {"score": round(assignment.confidence, 4)}
    return {"data": data, "predictions": [{"model_version": MODEL_VERSION, "result": regions, **score}]}


def actor_choices(assignment: Assignment, workspace: Workspace, finder: MentionFinder) -> list[dict[str, str]]:
    """Return the actors to choose from: those named in the document by an alias, marked in the corpus, or suggested."""
    document = assignment.document
    marked = {mention.actor for mentions in (*corpus_marks(document).values(), *assignment.marks.values()) for mention in mentions}
    named = {found.actor for sentence in document.sentences for found in finder.find(sentence.text)}
    return [{"value": actor, "hint": _name(workspace, actor)} for actor in sorted(marked | named)]


def _name(workspace: Workspace, actor: str) -> str:
    return workspace.registry[actor].name if actor in workspace.registry else f"{actor} (not in actors.yaml)"


def _regions(assignment: Assignment, layout: Layout) -> Iterator[dict[str, Any]]:
    """Yield what an annotator's own regions look like: an item for each field of a region, and a relation for a further mention."""
    for sentence, (offset, _) in zip(assignment.document.sentences, layout.spans, strict=True):
        labelled: dict[str, str] = {}
        further: list[tuple[str, str]] = []
        for number, mention in enumerate(assignment.marks.get(sentence.sent_id, ()), 1):
            name = f"s{sentence.sent_id}m{number}"
            yield from _region(name, mention, offset, stance=mention.decided if assignment.stances else None)
            if mention.stance:
                labelled[mention.actor] = name
            else:
                further.append((name, mention.actor))
        for name, actor in further:
            yield {"type": "relation", "from_id": name, "to_id": labelled[actor], "direction": "right", "labels": [SAME_ACTOR]}


def _region(name: str, mention: Mention, offset: int, stance: Stance | None) -> Iterator[dict[str, Any]]:
    span = {"start": offset + mention.start, "end": offset + mention.end, "text": mention.text}
    label = LABELLED if mention.stance else FURTHER
    fields = [(MARK, "labels", {"labels": [label]})]
    if stance:
        fields.append((STANCE, "choices", {"choices": [stance]}))
    fields.append((ACTOR, "choices", {"choices": [mention.actor]}))
    for part, kind, value in fields:
        yield {"id": name, "from_name": part, "to_name": TEXT, "type": kind, "value": {**span, **value}}
