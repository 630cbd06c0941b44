"""Turns report, comparison and index dictionaries into Markdown and self-contained HTML; text from data is always escaped."""

import base64
import hashlib
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any, Literal

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from data.records import STANCES
from eval import charts, pictures
from eval.durations import duration
from eval.metrics import HEADLINES, METRIC_TITLES

TEMPLATES = Path(__file__).parent / "templates"
MAX_TABLE_ROWS = 500
"""Rows of a group table in a page; all of them stand in report.json."""

MARKERS = {"against": "▼", "neutral": "●", "favor": "▲"}
"""A sign beside every stance colour, for those who do not see the colour."""

SPLIT_TITLES = {"test": "Test split", "seeds": "Seed article", "dev": "Dev split"}
SPAN_METRIC_TITLES = {"precision": "precision", "recall": "recall", "f1": "span F1", "stance_f1": "span + stance F1"}
GROUP_TITLES = {
    "per_actor": "actor",
    "per_genre": "genre",
    "per_setting": "setting",
    "per_phenomenon": "phenomenon",
    "subsets": "kind of sentence",
}

Form = Literal["html", "md"]


def render_report(report: dict[str, Any], form: Form) -> str:
    """Render report.json's content as Markdown or HTML."""
    return render(f"report.{form}.j2", report=report)


def render_comparison(comparison: dict[str, Any], form: Form) -> str:
    """Render compare.json's content as Markdown or HTML."""
    return render(f"compare.{form}.j2", comparison=comparison)


def render_index(index: dict[str, Any]) -> str:
    """Render the leaderboard page."""
    return render("index.html.j2", index=index)


def render(template: str, **values: Any) -> str:
    """Render a template; the same values give the same bytes."""
    return environment().get_template(template).render(**values)


@cache
def environment() -> Environment:
    """Return the strict, autoescaping template environment with the filters and charts that templates use."""
    env = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=lambda name: name is not None and not name.endswith(".md.j2"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    env.policies["json.dumps_kwargs"] = {"ensure_ascii": False, "separators": (",", ":"), "allow_nan": False}
    env.filters |= {
        "figure": charts.figure,
        "interval": charts.interval_text,
        "p": charts.p_text,
        "percent": percent,
        "breakable": lambda key: Markup(escape(key).replace(".", Markup(".<wbr>")).replace("_", Markup("_<wbr>"))),
        "words": lambda name: str(name).replace("_", " "),
        "duration": duration,
        "thousands": lambda value: "–" if value is None else f"{value:,.0f}".replace(",", "\N{NARROW NO-BREAK SPACE}"),
        "count_text": lambda count: f"{count:.1f}".removesuffix(".0"),
        "cell": markdown_cell,
        "flat": flatten,
    }
    env.globals |= {"chart": pictures, "mini_whisker": charts.mini_whisker, "whisker_chart": charts.whisker_chart}
    env.globals |= {"stances": STANCES, "markers": MARKERS, "headlines": tuple(HEADLINES), "metric_titles": METRIC_TITLES}
    env.globals |= {"span_metrics": SPAN_METRIC_TITLES, "series_styles": pictures.SERIES_STYLES}
    env.globals |= {"split_titles": SPLIT_TITLES, "group_titles": GROUP_TITLES, "max_rows": MAX_TABLE_ROWS}
    env.globals |= inline_files([TEMPLATES / "page.css"], TEMPLATES / "page.js")
    return env


def inline_files(styles: Sequence[Path], script: Path) -> dict[str, Any]:
    """Return the style and script of a page and the content-security policy that allows just these two."""
    style, code = "".join(path.read_text(encoding="utf-8") for path in styles), script.read_text(encoding="utf-8")
    policy = f"default-src 'none'; style-src {_source_hash(style)}; script-src {_source_hash(code)}; "
    policy += "img-src data:; base-uri 'none'; form-action 'none'"
    return {"style": Markup(style), "script": Markup(code), "policy": policy}


def _source_hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def percent(value: float | None, digits: int = 0) -> str:
    """Write a share as a percentage, or a dash where it is undefined."""
    return "–" if value is None else f"{100 * value:.{digits}f}\N{NO-BREAK SPACE}%"


def markdown_cell(text: Any) -> str:
    """Make text safe inside a Markdown table: no line breaks, pipes or markup that changes the page."""
    flat = " ".join(str(text).split())
    for character in "\\|`*_[]<>":
        flat = flat.replace(character, f"\\{character}" if character not in "<>" else {"<": "&lt;", ">": "&gt;"}[character])
    return flat


def flatten(value: Any, prefix: str = "") -> dict[str, Any]:
    """Return nested mappings as one mapping with dotted keys."""
    if not isinstance(value, dict):
        return {prefix: value}
    return {key: leaf for name, each in value.items() for key, leaf in flatten(each, f"{prefix}.{name}".lstrip(".")).items()}
