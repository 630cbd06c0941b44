"""The charts of a report, drawn from report.json's values alone."""

from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from data.records import STANCES
from eval.charts import NARROW, WIDE, Axis, Layout, Series, Whisker, drawing, line_chart, plot_axes, row_texts, tag, whisker_chart

Json = Mapping[str, Any]
SERIES_STYLES = 6


def headline_chart(report: Json, split: str) -> Markup:
    """Draw the macro-F1 of the run and of each baseline."""
    rows = [whisker(report["name"], report["splits"][split]["macro_f1"])]
    for kind, scores in report["baselines"].items():
        if split in scores:
            rows.append(whisker(kind.replace("_", " "), scores[split]["macro_f1"], "baseline"))
    return whisker_chart(rows, f"macro-F1 on {split} with 95 % interval, the run above its baselines")


def whisker(label: str, estimate: Json, style: str = "model") -> Whisker:
    """Turn an estimate of report.json into a row of a chart."""
    ci95 = estimate["ci95"]
    seeds = tuple(value for value in estimate["seeds"] if value is not None)
    return Whisker(label, estimate["mean"], (ci95[0], ci95[1]) if ci95 else None, seeds if len(seeds) > 1 else (), style)


def reliability_chart(calibration: Json) -> Markup:
    """Draw accuracy against confidence: bars after scaling, a stepped line before, the diagonal of perfect trust."""
    x, y = plot_axes((0.0, 1.0), (0.0, 1.0))
    most = max([each["n"] for each in calibration["bins"]] or [1]) or 1
    bars = []
    for each in calibration["bins"]:
        if each["n"]:
            left, right = x.at(each["low"]) + 1, x.at(each["high"]) - 1
            top = y.at(each["accuracy"])
            tip = f"confidence {each['low']:.2f} to {each['high']:.2f}: {each['n']} answers, accuracy {each['accuracy']:.2f}"
            bar = tag("title", tip)
            strength = round(0.35 + 0.65 * each["n"] / most, 2)
            size = {"x": left, "width": round(right - left, 2), "height": round(y.start - top, 2)}
            bars.append(tag("rect", bar, y=top, class_="bar", fill_opacity=strength, **size))
    series = [Series("perfect", ((0.0, 0.0), (1.0, 1.0)), "reference")]
    if calibration["scaled"]:
        raw = tuple((each["confidence"], each["accuracy"]) for each in calibration["raw"]["bins"] if each["n"])
        series.append(Series("before scaling", raw, "series-1"))
    title = f"Reliability diagram, expected calibration error {calibration['ece']:.3f}"
    return line_chart(series, title, ("confidence", "accuracy"), (0, 1), (0, 1), bars)


def selective_chart(selective: Json) -> Markup:
    """Draw accuracy against the share of items answered, with the recommended threshold."""
    points = tuple((each["coverage"], each["accuracy"]) for each in selective["curve"])
    low = min([0.5, *(accuracy for _, accuracy in points)])
    low = int(low * 10) / 10
    x, y = plot_axes((0.0, 1.0), (low, 1.0))
    marks = []
    if selective["threshold"] and selective["accuracy"] is not None:
        at_x, at_y = x.at(selective["coverage"]), y.at(selective["accuracy"])
        text = f"answer above {selective['threshold']:.2f}"
        side = "end" if selective["coverage"] > 0.6 else "start"
        marks = [
            tag("line", x1=at_x, x2=at_x, y1=y.start, y2=at_y, class_="reference line"),
            tag("circle", cx=at_x, cy=at_y, r=5, class_="dot model"),
            tag("text", text, x=at_x + (-8 if side == "end" else 8), y=y.start - 10, class_="value", text_anchor=side),
        ]
    title = "Accuracy against coverage when only the most confident answers are given"
    return line_chart([Series("accuracy", points, "series-0")], title, ("share answered", "accuracy"), (0, 1), (low, 1), marks)


def learning_chart(curve: Sequence[Json], key: str, label: str) -> Markup | None:
    """Draw an evaluated value over epochs, a line a seed; None where no seed logged it."""
    series = []
    for number, seed in enumerate(curve):
        points = tuple((each["epoch"], each[key]) for each in seed["points"] if each.get(key) is not None and "epoch" in each)
        if points:
            series.append(Series(f"seed {seed['seed']}", points, f"series-{number % SERIES_STYLES}"))
    if not series:
        return None
    values = [y for each in series for _, y in each.points]
    epochs = max(x for each in series for x, _ in each.points)
    low, high = (0.0, 1.0) if key.endswith("f1") else (0.0, max(values) * 1.05 or 1.0)
    return line_chart(series, f"{label} over epochs, a line a seed", ("epoch", label), (0.0, epochs), (low, high))


def share_chart(shares: Mapping[str, Json], title: str) -> Markup:
    """Draw stance shares as stacked bars, gold below corrected, a pair of bars a row, for wide screens and phones."""
    return Markup("").join(_shares(layout, shares, title) for layout in (WIDE, NARROW))


def _shares(layout: Layout, shares: Mapping[str, Json], title: str) -> Markup:
    axis = Axis(0.0, 1.0, layout.left, layout.right)
    row_height, offset = (58, 22) if layout.stacked else (38, 0)
    shapes: list[Markup] = []
    for number, (name, row) in enumerate(shares.items()):
        top = number * row_height + 4
        shapes += row_texts(layout, top, name, f"n = {row['n']}")
        shapes += _stack(row["corrected"], axis, top + offset, 15, "corrected")
        shapes += _stack(row["gold"], axis, top + offset + 17, 7, "gold")
    return drawing(layout.width, len(shares) * row_height + 8, title, *shapes, style=layout.style)


def _stack(values: Json, axis: Axis, top: float, height: float, key: str) -> list[Markup]:
    shapes, position = [], 0.0
    for stance in STANCES:
        left, right = axis.at(position), axis.at(position + values[stance])
        position += values[stance]
        tip = tag("title", f"{key}: {stance} {values[stance]:.0%}")
        shapes.append(tag("rect", tip, x=left, y=top, width=max(0, round(right - left, 2)), height=height, class_=f"share {stance}"))
        if height > 10 and right - left > 34:
            shapes.append(tag("text", f"{values[stance]:.0%}", x=left + 5, y=top + height - 4, class_="share-text"))
    return shapes


def delta_chart(pairs: Sequence[Json]) -> Markup:
    """Draw the difference of each pair around zero, over a band of what the test set cannot see."""
    reach = [0.05]
    for row in pairs:
        reach += [abs(value) for value in (row["delta"], row["detectable"], *(row["ci95"] or ())) if value is not None]
    edge = max(reach) * 1.08
    several = len({row["split"] for row in pairs}) > 1
    rows = []
    for row in pairs:
        label = f"{row['b']} − {row['a']}" + (f" ({row['split']})" if several else "")
        interval = (row["ci95"][0], row["ci95"][1]) if row["ci95"] else None
        rows.append(Whisker(label, row["delta"], interval))
    bands = [row["detectable"] for row in pairs if row["detectable"] is not None]
    title = "Difference in macro-F1 of each pair with its 95 % interval"
    return whisker_chart(rows, title, -edge, edge, zero=True, band=min(bands) if bands else None)
