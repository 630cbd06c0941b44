"""Paste an article, see who stands where: python train/app.py --runs runs

Opens on this machine only (127.0.0.1) and needs no network; the extra [app] installs gradio. A second run reads the same text
beside the first, and a table says where the two differ.
"""

import argparse
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if not __package__:
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from markupsafe import Markup, escape

from data.errors import InputError, run_command
from data.extras import import_extra
from data.files import ROOT, read_text
from train.config import load_config
from train.loading import find_seed

if TYPE_CHECKING:
    from train.reading import ArticleReader, Reading

NO_SECOND_RUN = "(none)"
VIEW_HEIGHT = 860
SIGNS = {"against": "▼ against", "neutral": "● neutral", "favor": "▲ favor"}


def main() -> None:
    """Find the runs, build the page and serve it until interrupted."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False)
    parser.add_argument("--runs", type=Path, default=ROOT / "runs", help="folder of runs (default: runs)")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: this machine only)")
    parser.add_argument("--port", type=int, default=7860, help="port to listen on (default: 7860)")
    given = parser.parse_args()
    runs = find_runs(given.runs)
    gradio = import_gradio()
    page = build_page(gradio, runs)
    try:
        page.launch(server_name=given.host, server_port=given.port, share=False, quiet=True, footer_links=[])
    except OSError as error:
        raise InputError(f"--host {given.host} --port {given.port}: cannot be listened on; try another port ({error})") from None


def import_gradio() -> Any:
    """Import gradio with its reports to the outside switched off.

    Raises:
        InputError: it is not installed.
    """
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    return import_extra("gradio", "app", "the app")


def find_runs(folder: Path) -> dict[str, Path]:
    """Return the runs of a folder that can be opened, by their names.

    Raises:
        InputError: there is none.
    """
    runs = {}
    for path in sorted(config.parent for config in folder.glob("*/config.yaml")):
        with suppress(InputError):
            find_seed(path)
            runs[path.name] = path
    if not runs:
        raise InputError(f"--runs {folder}: holds no finished run with a model; train one with make train")
    return runs


@lru_cache(maxsize=4)
def open_reader(run: Path) -> "ArticleReader":
    """Open a run once."""
    from train.reading import load

    return load(run)


def read_with(runs: dict[str, Path], text: str, first: str, second: str) -> str:
    """Return what the page shows for a text: the view of the first run, and for two runs both and where they differ."""
    names = [first] if second in {NO_SECOND_RUN, first} else [first, second]
    try:
        readings = [open_reader(runs[name]).read(text, "article") for name in names]
    except InputError as error:
        return str(Markup('<p role="alert"><strong>{}</strong></p>').format(str(error)))
    frames = Markup("").join(frame(reading, name, open_reader(runs[name])) for reading, name in zip(readings, names, strict=True))
    if len(readings) == 1:
        return str(frames)
    return str(differences(readings[0], readings[1], names) + Markup('<div style="display:flex;gap:1rem">{}</div>').format(frames))


def frame(reading: "Reading", name: str, reader: "ArticleReader") -> Markup:
    """Return the article view in a frame of its own, where its content policy holds."""
    from train.article_view import render_view

    page = render_view([reading], name, reader.run.calibration.threshold, reader.names_from)
    return Markup(
        '<iframe title="{}" sandbox="allow-scripts" srcdoc="{}" style="width:100%;height:{}px;border:1px solid #8884"></iframe>'
    ).format(f"Article read by {name}", escape(page), VIEW_HEIGHT)


def differences(first: "Reading", second: "Reading", names: list[str]) -> Markup:
    """Return a table of the actors on whom two readings of one text disagree."""
    shared = [(verdict, second.by_actor[verdict.actor]) for verdict in first.verdicts if verdict.actor in second.by_actor]
    rows = [(one.name, SIGNS[one.stance], SIGNS[other.stance]) for one, other in shared if one.stance != other.stance]
    if not rows:
        return Markup("<p>{} and {} agree on all {} actors.</p>").format(names[0], names[1], len(shared))
    cells = Markup("").join(Markup("<tr><th>{}</th><td>{}</td><td>{}</td></tr>").format(*row) for row in rows)
    head = Markup("<p>They differ on {} of {} actors.</p><table><tr><th>actor</th><th>{}</th><th>{}</th></tr>{}</table>")
    return head.format(len(rows), len(shared), names[0], names[1], cells)


def build_page(gradio: Any, runs: dict[str, Path]) -> Any:
    """Lay out the page: text, runs, button, view."""
    read: Callable[[str, str, str], str] = lambda text, first, second: read_with(runs, text, first, second)  # noqa: E731
    names = list(runs)
    chosen = "base" if "base" in runs else names[0]
    with gradio.Blocks(title="Who stands where", analytics_enabled=False) as page:
        gradio.Markdown(
            "# Who stands where\nPaste an English news article. Its actors are marked with the stance that the text attributes to them."
        )
        text = gradio.Textbox(label="Article", lines=9, max_lines=16, value=example_article(runs[chosen]))
        with gradio.Row():
            first = gradio.Dropdown(names, value=chosen, label="Run")
            second = gradio.Dropdown([NO_SECOND_RUN, *names], value=NO_SECOND_RUN, label="Compare with")
            button = gradio.Button("Read", variant="primary")
        view = gradio.HTML()
        button.click(read, [text, first, second], view, api_name="read")
    return page


def example_article(run: Path) -> str:
    """Return an article to begin with: one that the run's corpus was made from, else the seed article, else nothing."""
    corpus = ROOT / load_config(run / "config.yaml").data.corpus
    found = [*sorted((corpus / "articles").glob("*.txt")), *sorted((ROOT / "seeds").glob("*.txt"))]
    return read_text(found[0]) if found else ""


if __name__ == "__main__":
    run_command(main)
