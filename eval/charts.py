"""Charts as inline SVG that takes its colours from the page, so that light, dark and print each look right."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

SQUARE = 320
MARGIN = 44


@dataclass(frozen=True)
class Layout:
    """Where a chart of rows puts things, in pixels; `style` is the CSS class that shows it on screens of its width.

    `left` and `right` are the ends of the axis. Stacked rows have label and value above the axis, others beside it.
    """

    style: str
    width: int
    row: int
    left: int
    right: int
    stacked: bool
    letters: int


WIDE = Layout("wide", width=720, row=28, left=190, right=570, stacked=False, letters=28)
NARROW = Layout("narrow", width=350, row=50, left=8, right=342, stacked=True, letters=26)
"""For phones, whose screens would shrink the letters of the wide one to half."""


@dataclass(frozen=True)
class Whisker:
    """A row of a dot-and-whisker chart: estimate, interval, single seeds; `style` is a CSS class."""

    label: str
    mean: float | None
    interval: tuple[float, float] | None = None
    seeds: tuple[float, ...] = ()
    style: str = "model"
    note: str = ""


@dataclass(frozen=True)
class Series:
    """A line of a line chart; `style` is a CSS class."""

    label: str
    points: tuple[tuple[float, float], ...]
    style: str = "series-0"


@dataclass(frozen=True)
class Axis:
    """A linear scale from data values to pixels."""

    low: float
    high: float
    start: float
    end: float

    def at(self, value: float) -> float:
        """Return the pixel of a value, held within the axis."""
        share = (min(max(value, self.low), self.high) - self.low) / ((self.high - self.low) or 1)
        return round(self.start + share * (self.end - self.start), 2)


def tag(name: str, *children: Markup | str, **attributes: object) -> Markup:
    """Build an element; attribute names lose a trailing underscore and turn others into hyphens, None leaves one out."""
    parts = [Markup(' {}="{}"').format(key.rstrip("_").replace("_", "-"), value) for key, value in attributes.items() if value is not None]
    return Markup("<{0}{1}>{2}</{0}>").format(Markup(name), Markup("").join(parts), Markup("").join(map(escape, children)))


def drawing(width: float, height: float, title: str, *children: Markup, style: str = "") -> Markup:
    """Wrap shapes into an SVG image that a screen reader announces by its title; `style` is a further CSS class."""
    return tag(
        "svg",
        *children,
        viewBox=f"0 0 {width:g} {height:g}",
        role="img",
        aria_label=title,
        class_=f"chart {style}".strip(),
        width=f"{width:g}",
        height=f"{height:g}",
    )


def ticks(low: float, high: float, count: int = 5) -> list[float]:
    """Return round tick values within a range, about `count` of them."""
    span = high - low
    if span <= 0:
        return [low]
    raw = span / count
    magnitude = 10.0 ** len(str(int(raw))) / 10 if raw >= 1 else 10.0 ** -_leading_zeros(raw)
    step = next((factor * magnitude for factor in (1, 2, 2.5, 5, 10) if factor * magnitude >= raw * 0.99), 10 * magnitude)
    first = int(low / step) - 1
    values = [round((first + each) * step, 10) for each in range(int(span / step) + 4)]
    return [value for value in values if low - 1e-9 <= value <= high + 1e-9]


def _leading_zeros(value: float) -> int:
    zeros = 0
    while value < 1:
        value *= 10
        zeros += 1
    return zeros


def whisker_chart(
    rows: Sequence[Whisker], title: str, low: float = 0.0, high: float = 1.0, *, zero: bool = False, band: float | None = None
) -> Markup:
    """Draw estimates with their intervals, a row each, for wide screens and phones; `band` shades that distance around zero."""
    return Markup("").join(_whiskers(layout, rows, title, (low, high), zero=zero, band=band) for layout in (WIDE, NARROW))


def _whiskers(layout: Layout, rows: Sequence[Whisker], title: str, reach: tuple[float, float], *, zero: bool, band: float | None) -> Markup:
    axis = Axis(*reach, layout.left, layout.right)
    bottom = len(rows) * layout.row + 8
    shapes: list[Markup] = []
    if band is not None:
        left, right = axis.at(-band), axis.at(band)
        shapes.append(tag("rect", x=left, y=0, width=round(right - left, 2), height=bottom, class_="band"))
    for value in ticks(*reach):
        x = axis.at(value)
        shapes += [
            tag("line", x1=x, x2=x, y1=0, y2=bottom, class_="grid"),
            tag("text", _short(value), x=x, y=bottom + 16, class_="tick", text_anchor="middle"),
        ]
    if zero:
        shapes.append(tag("line", x1=axis.at(0), x2=axis.at(0), y1=0, y2=bottom, class_="axis"))
    for number, row in enumerate(rows):
        shapes += _whisker_row(row, layout, axis, number * layout.row + 4, signed=zero)
    return drawing(layout.width, bottom + 24, title, *shapes, style=layout.style)


def _whisker_row(row: Whisker, layout: Layout, axis: Axis, top: float, *, signed: bool) -> list[Markup]:
    y = top + layout.row * (0.72 if layout.stacked else 0.5)
    value = figure(row.mean, signed=signed) + (f"  {interval_text(row.interval, signed=signed)}" if row.interval else "")
    shapes = row_texts(layout, top, row.label, row.note or value, style=row.style)
    if row.interval:
        low, high = (axis.at(value) for value in row.interval)
        shapes.append(tag("line", x1=low, x2=high, y1=y, y2=y, class_=f"whisker {row.style}"))
    shapes += [tag("circle", cx=axis.at(value), cy=y, r=2.2, class_=f"seed {row.style}") for value in row.seeds]
    if row.mean is not None:
        shapes.append(tag("circle", cx=axis.at(row.mean), cy=y, r=5, class_=f"dot {row.style}"))
    return shapes


def row_texts(layout: Layout, top: float, label: str, value: str, style: str = "model") -> list[Markup]:
    """Write a row's label and value, beside the axis or above it."""
    if layout.stacked:
        label_at, value_at, y = (layout.left, "start"), (layout.right, "end"), top + 15
    else:
        label_at, value_at, y = (layout.left - 14, "end"), (layout.right + 16, "start"), top + layout.row / 2 + 4
    return [
        tag("text", _clip(label, layout.letters), x=label_at[0], y=y, text_anchor=label_at[1], class_=f"label {style}"),
        tag("text", value, x=value_at[0], y=y, text_anchor=value_at[1], class_="value"),
    ]


def mini_whisker(mean: float | None, interval: tuple[float, float] | None, low: float = 0.0, high: float = 1.0) -> Markup:
    """Draw one estimate for a table cell; hidden from screen readers, the figures stand beside it."""
    axis = Axis(low, high, 4, 116)
    shapes = [tag("line", x1=4, x2=116, y1=8, y2=8, class_="grid")]
    if low < 0 < high:
        shapes.append(tag("line", x1=axis.at(0), x2=axis.at(0), y1=1, y2=15, class_="axis"))
    if interval:
        shapes.append(tag("line", x1=axis.at(interval[0]), x2=axis.at(interval[1]), y1=8, y2=8, class_="whisker model"))
    if mean is not None:
        shapes.append(tag("circle", cx=axis.at(mean), cy=8, r=3.6, class_="dot model"))
    return tag("svg", *shapes, viewBox="0 0 120 16", width=120, height=16, aria_hidden="true", class_="mini")


def line_chart(
    series: Sequence[Series],
    title: str,
    labels: tuple[str, str],
    x_range: tuple[float, float],
    y_range: tuple[float, float],
    extra: Sequence[Markup] = (),
) -> Markup:
    """Draw lines over two linear axes with the given axis labels; `extra` is drawn beneath them."""
    x, y = plot_axes(x_range, y_range)
    shapes = [*frame(x, y, labels), *extra]
    for each in series:
        path = " ".join(f"{x.at(px)},{y.at(py)}" for px, py in each.points)
        shapes.append(tag("polyline", points=path, class_=f"line {each.style}"))
        if len(each.points) == 1:
            shapes.append(tag("circle", cx=x.at(each.points[0][0]), cy=y.at(each.points[0][1]), r=4, class_=f"dot {each.style}"))
    return drawing(SQUARE + 100, SQUARE, title, *shapes)


def plot_axes(x_range: tuple[float, float], y_range: tuple[float, float]) -> tuple[Axis, Axis]:
    """Return the horizontal and vertical axis of a line chart."""
    return Axis(*x_range, MARGIN + 6, SQUARE + 86), Axis(*y_range, SQUARE - MARGIN, 14)


def frame(x: Axis, y: Axis, labels: tuple[str, str]) -> list[Markup]:
    """Draw grid, tick labels and axis titles."""
    shapes = []
    for value in ticks(x.low, x.high):
        shapes.append(tag("text", _short(value), x=x.at(value), y=y.start + 17, class_="tick", text_anchor="middle"))
        shapes.append(tag("line", x1=x.at(value), x2=x.at(value), y1=y.start, y2=y.start + 4, class_="axis"))
    for value in ticks(y.low, y.high):
        shapes.append(tag("line", x1=x.start, x2=x.end, y1=y.at(value), y2=y.at(value), class_="grid"))
        shapes.append(tag("text", _short(value), x=x.start - 8, y=y.at(value) + 4, class_="tick", text_anchor="end"))
    middle_x, middle_y = (x.start + x.end) / 2, (y.start + y.end) / 2
    return [
        *shapes,
        tag("line", x1=x.start, x2=x.end, y1=y.start, y2=y.start, class_="axis"),
        tag("text", labels[0], x=middle_x, y=y.start + 36, class_="axis-title", text_anchor="middle"),
        tag(
            "text",
            labels[1],
            x=12,
            y=middle_y,
            class_="axis-title",
            text_anchor="middle",
            transform=f"rotate(-90 12 {middle_y:g})",
        ),
    ]


def figure(value: float | None, digits: int = 3, *, signed: bool = False) -> str:
    """Write a number with a true minus sign, or a dash where it is undefined."""
    if value is None:
        return "–"
    return f"{value:{'+' if signed else ''}.{digits}f}".replace("-", "−")


def interval_text(interval: Sequence[float] | None, digits: int = 3, *, signed: bool = False) -> str:
    """Write an interval in brackets, or a dash where there is none."""
    if not interval:
        return "–"
    return f"[{figure(interval[0], digits, signed=signed)}, {figure(interval[1], digits, signed=signed)}]"


def p_text(value: float | None) -> str:
    """Write a p-value to four digits, tiny ones as a bound."""
    return "–" if value is None else "<0.0001" if value < 0.00005 else f"{value:.4f}"


def _short(value: float) -> str:
    return f"{value:.4g}".replace("-", "−")


def _clip(label: str, length: int) -> str:
    return label if len(label) <= length else label[: length - 1] + "…"
