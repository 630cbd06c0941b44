"""Learning curves as a picture of their own: an SVG file that a page includes, with its colours in it for light and dark."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import log

from markupsafe import Markup

from eval.charts import Axis, tag, ticks

WIDTH, HEIGHT = 720, 400
LEFT, RIGHT, TOP, BOTTOM = 60, 540, 20, 344
NUDGE = 4.0
"""Pixels between the whiskers of neighbouring curves, so that they do not cover each other."""
LABEL_HEIGHT = 17
COLOURS = (("#0b6bcb", "#6cb2ff"), ("#c2410c", "#ff9a6c"), ("#15803d", "#6ee79a"), ("#7e22ce", "#d3a4ff"))


@dataclass(frozen=True)
class Point:
    """What a number of labels came to: macro-F1 and its interval."""

    labels: int
    mean: float
    interval: tuple[float, float] | None


def learning_curves(curves: Mapping[str, Sequence[Point]], title: str) -> str:
    """Draw macro-F1 against the number of labels, which doubles in equal steps, a whiskered line a curve."""
    points = [point for curve in curves.values() for point in curve]
    sizes = sorted({point.labels for point in points})
    bounds = [value for point in points for value in (point.mean, *(point.interval or ()))]
    x = Axis(log(sizes[0]) - 0.1, log(sizes[-1]) + 0.1, LEFT, RIGHT)
    y = Axis(max(0.0, min(bounds) - 0.02), min(1.0, max(bounds) + 0.02), BOTTOM, TOP)
    shapes = _frame(x, y, sizes)
    for number, curve in enumerate(curves.values()):
        shapes += _curve(curve, x, y, number, (number - (len(curves) - 1) / 2) * NUDGE)
    ends = _apart([(y.at(curve[-1].mean), number) for number, curve in enumerate(curves.values())])
    names = list(curves)
    shapes += [tag("text", names[number], x=RIGHT + 14, y=place + 4, class_=f"name c{number}") for place, number in ends]
    attributes = {"xmlns": "http://www.w3.org/2000/svg", "viewBox": f"0 0 {WIDTH} {HEIGHT}", "role": "img", "aria_label": title}
    return str(tag("svg", tag("title", title), tag("style", Markup(_style())), *shapes, **attributes)) + "\n"


def _frame(x: Axis, y: Axis, sizes: Sequence[int]) -> list[Markup]:
    shapes: list[Markup] = []
    for value in ticks(y.low, y.high):
        shapes.append(tag("line", x1=LEFT, x2=RIGHT, y1=y.at(value), y2=y.at(value), class_="grid"))
        shapes.append(tag("text", f"{value:.3g}", x=LEFT - 8, y=y.at(value) + 4, text_anchor="end"))
    for size in sizes:
        shapes.append(tag("text", f"{size:,}", x=x.at(log(size)), y=BOTTOM + 18, text_anchor="middle"))
    middle = (TOP + BOTTOM) / 2
    return [
        *shapes,
        tag("line", x1=LEFT, x2=RIGHT, y1=BOTTOM, y2=BOTTOM, class_="axis"),
        tag("text", "labels", x=(LEFT + RIGHT) / 2, y=BOTTOM + 42, text_anchor="middle"),
        tag("text", "macro-F1", x=16, y=middle, text_anchor="middle", transform=f"rotate(-90 16 {middle:g})"),
    ]


def _curve(curve: Sequence[Point], x: Axis, y: Axis, number: int, nudge: float) -> list[Markup]:
    places = [(x.at(log(point.labels)) + nudge, y.at(point.mean), point) for point in curve]
    shapes = [tag("line", x1=a[0], y1=a[1], x2=b[0], y2=b[1], class_=f"line c{number}") for a, b in pairwise(places)]
    for place, height, point in places:
        if point.interval:
            low, high = (y.at(value) for value in point.interval)
            shapes.append(tag("line", x1=place, x2=place, y1=low, y2=high, class_=f"whisker c{number}"))
        shapes.append(tag("circle", cx=place, cy=height, r=4, class_=f"dot c{number}"))
    return shapes


def _apart(ends: Sequence[tuple[float, int]]) -> list[tuple[float, int]]:
    """Move the names of curves that end close to each other apart."""
    placed: list[tuple[float, int]] = []
    for place, number in sorted(ends):
        lowest = placed[-1][0] + LABEL_HEIGHT if placed else place
        placed.append((max(place, lowest), number))
    return placed


def _style() -> str:
    def colours(which: int) -> str:
        return "".join(f".c{n}{{stroke:{pair[which]};fill:{pair[which]}}}" for n, pair in enumerate(COLOURS))

    return (
        "text{font:13px system-ui,sans-serif;fill:#444}.name{font-weight:600}.grid{stroke:#8884;stroke-width:1}"
        ".axis{stroke:#888}.line{stroke-width:2}.whisker{stroke-width:1.5;opacity:.6}"
        f"{colours(0)}.name,.dot{{stroke:none!important}}@media(prefers-color-scheme:dark){{text{{fill:#bbb}}{colours(1)}}}"
    )
