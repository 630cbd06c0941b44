"""The article view: one self-contained page with every actor marked in the text and the sentences behind each verdict."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import groupby
from pathlib import Path

from jinja2 import ChoiceLoader, Environment, FileSystemLoader
from markupsafe import Markup

from data.articles import ArticleSentence
from data.records import STANCES
from eval import render
from eval.charts import Axis, drawing, tag
from train.collection import Agreement, Standing, agreements, dated, matrix, taking_sides
from train.reading import MentionStance, Reading
from train.verdicts import Verdict

TEMPLATES = Path(__file__).parent / "templates"
TIMELINE_ACTORS = 12
LABEL_WIDTH, ROW_HEIGHT, WIDTH = 190, 30, 720
BAR_WIDTH = 132


@dataclass(frozen=True)
class Segment:
    """A stretch of text, and the mention that it is, if it is one."""

    text: str
    mention: MentionStance | None = None


@dataclass(frozen=True)
class Paragraph:
    """A paragraph of an article as stretches of text."""

    part: str
    segments: tuple[Segment, ...]


def render_view(readings: Sequence[Reading], run: str, threshold: float, names_from: str = "actors.yaml") -> str:
    """Render the page of one or more readings; `names_from` is the registry's file."""
    standings = matrix(readings)
    template = _environment().get_template("articles.html.j2")
    return template.render(
        readings=readings,
        documents=[(reading, list(paragraphs(reading))) for reading in readings],
        standings=standings,
        headings=headings(readings),
        agreement=_agreement_table(standings) if len(readings) > 1 else None,
        timeline=timeline(readings, standings),
        bar=stance_bar,
        run=run,
        target=readings[0].rows[0].target,
        threshold=threshold,
        names_from=names_from,
        **render.inline_files([render.TEMPLATES / "page.css", TEMPLATES / "articles.css"], TEMPLATES / "articles.js"),
    )


@cache
def _environment() -> Environment:
    return render.environment().overlay(loader=ChoiceLoader([FileSystemLoader(TEMPLATES), FileSystemLoader(render.TEMPLATES)]))


def headings(readings: Sequence[Reading]) -> list[str]:
    """Return what tells each article from the others: its date, its id, or both where articles share the date."""
    dates = Counter(reading.article.date for reading in readings)
    found = []
    for article in (reading.article for reading in readings):
        shared = article.date is None or dates[article.date] > 1
        found.append(" · ".join(filter(None, [article.date, article.doc_id if shared else None])))
    return found


def paragraphs(reading: Reading) -> Iterator[Paragraph]:
    """Yield the paragraphs of an article, cut at the mentions by walking their offsets."""
    for _, group in groupby(reading.article.sentences, key=lambda sentence: sentence.paragraph):
        sentences = list(group)
        yield Paragraph(sentences[0].part, tuple(_segments(reading, sentences)))


def _segments(reading: Reading, sentences: Sequence[ArticleSentence]) -> Iterator[Segment]:
    position, end = sentences[0].start, sentences[-1].end
    inside = [mention for mention in reading.mentions if position <= mention.start and mention.end <= end]
    for mention in sorted(inside, key=lambda each: each.start):
        if mention.start < position:
            continue
        if mention.start > position:
            yield Segment(reading.article.text[position : mention.start])
        yield Segment(reading.article.text[mention.start : mention.end], mention)
        position = mention.end
    if position < end:
        yield Segment(reading.article.text[position:end])


def stance_bar(verdict: Verdict) -> Markup:
    """Draw how many of an actor's sentences stand where; the figures stand beside it for screen readers."""
    shapes, x = [], 0.0
    for stance, count in zip(STANCES, (verdict.against, verdict.neutral, verdict.favor), strict=True):
        width = BAR_WIDTH * count / verdict.sentences
        if count:
            shapes.append(tag("rect", x=round(x, 2), y=0, width=round(width, 2), height=14, class_=f"share {stance}"))
            if width >= 12:
                shapes.append(tag("text", str(count), x=round(x + width / 2, 2), y=11, text_anchor="middle", class_="share-text"))
        x += width
    title = f"{verdict.against} against, {verdict.neutral} neutral, {verdict.favor} in favor"
    return tag("svg", *shapes, viewBox=f"0 0 {BAR_WIDTH} 14", width=BAR_WIDTH, height=14, role="img", aria_label=title, class_="mini")


@dataclass(frozen=True)
class AgreementTable:
    """The actors that take sides, and their agreement with each other, row by row."""

    actors: tuple[Standing, ...]
    rows: tuple[tuple[Agreement | None, ...], ...]


def _agreement_table(standings: Sequence[Standing]) -> AgreementTable | None:
    actors = taking_sides(standings)
    if len(actors) < 2:
        return None
    found = agreements(actors)
    rows = tuple(tuple(found.get((a.actor, b.actor)) or found.get((b.actor, a.actor)) for b in actors) for a in actors)
    return AgreementTable(tuple(actors), rows)


def timeline(readings: Sequence[Reading], standings: Sequence[Standing]) -> Markup | None:
    """Draw the verdicts of dated articles along the time, a row an actor; None without one, or for fewer than two dates."""
    ordered = dated(readings)
    days = [_day(str(reading.article.date)) for reading in ordered]
    actors = [each for each in standings if sum(each.actor in reading.by_actor for reading in ordered) > 1][:TIMELINE_ACTORS]
    if not actors or len(set(days)) < 2:
        return None
    axis = Axis(min(days), max(days), LABEL_WIDTH + 14, WIDTH - 20)
    shapes: list[Markup] = []
    for number, actor in enumerate(actors):
        y = number * ROW_HEIGHT + 18
        label = actor.name if len(actor.name) <= 27 else actor.name[:26] + "…"
        shapes.append(tag("text", label, x=LABEL_WIDTH - 8, y=y + 4, text_anchor="end", class_="label"))
        shapes.append(tag("line", x1=axis.start, x2=axis.end, y1=y, y2=y, class_="grid"))
        for reading, day in zip(ordered, days, strict=True):
            if verdict := reading.by_actor.get(actor.actor):
                shapes.append(_time_mark(reading, verdict, axis.at(day), y))
    bottom = len(actors) * ROW_HEIGHT + 24
    for end, anchor in ((0, "start"), (-1, "end")):
        shapes.append(tag("text", str(ordered[end].article.date), x=axis.at(days[end]), y=bottom, class_="tick", text_anchor=anchor))
    return drawing(WIDTH, bottom + 6, "Verdicts over time", *shapes)


def _time_mark(reading: Reading, verdict: Verdict, x: float, y: float) -> Markup:
    text = f"{reading.article.date}, {reading.article.doc_id}: {verdict.stance} ({verdict.confidence:.2f})"
    sign = render.MARKERS[verdict.stance]
    return tag("text", tag("title", text), sign, x=x, y=y + 5, text_anchor="middle", class_=f"time-mark {verdict.stance}")


def _day(date: str) -> int:
    from datetime import date as calendar

    year, month, day = map(int, date.split("-"))
    return calendar(year, month, min(day, 28)).toordinal() + max(0, day - 28)
