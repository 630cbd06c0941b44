"""The pages in a real browser: they open, sort, filter and page, without an error or a request."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from eval_fakes import FakeRun, write_run

from data.files import ROOT
from eval.compare import compare_paths
from eval.index import write_index
from eval.report import write_report

pytestmark = pytest.mark.browser

CHROMIUM = Path("/usr/bin/chromium")
AXE_PATHS = (os.environ.get("AXE_CORE", ""), str(ROOT / "node_modules/axe-core/axe.min.js"))
PAGES = ("base/report.html", "compare/compare.html", "index.html")
ARGUMENTS = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking")


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs")
    write_run(folder / "base", FakeRun())
    write_run(folder / "pair", FakeRun(name="pair", accuracy=0.85, seeds=(1, 2)))
    for name in ("base", "pair"):
        write_report(folder / name, resamples=200)
    compare_paths([folder / "base", folder / "pair"], folder / "compare", splits=("test", "seeds"))
    write_index(folder)
    return folder


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    playwright = pytest.importorskip("playwright.sync_api")
    if not CHROMIUM.exists():
        pytest.skip("no /usr/bin/chromium")
    with playwright.sync_playwright() as started:
        found = started.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS))
        yield found
        found.close()


@pytest.fixture(params=["light", "dark"])
def page(browser: Any, request: pytest.FixtureRequest) -> Iterator[Any]:
    """A tab that fails its test on any console error, page error or request beyond the file itself."""
    context = browser.new_context(color_scheme=request.param, viewport={"width": 1200, "height": 900})
    tab = context.new_page()
    faults: list[str] = []
    tab.on("console", lambda message: faults.append(message.text) if message.type in {"error", "warning"} else None)
    tab.on("pageerror", lambda error: faults.append(str(error)))
    tab.on("request", lambda sent: None if sent.url.startswith("file:") and sent.is_navigation_request() else faults.append(sent.url))
    yield tab
    context.close()
    assert faults == []


def visible(page: Any, selector: str) -> int:
    return page.evaluate("selector => Array.from(document.querySelectorAll(selector)).filter(each => each.offsetParent).length", selector)


@pytest.mark.parametrize("name", PAGES)
def test_page_opens_and_has_no_serious_violation(page: Any, runs: Path, name: str) -> None:
    page.goto((runs / name).as_uri())
    assert page.title()
    page.evaluate("document.querySelectorAll('details').forEach(each => { each.open = true; })")
    axe = next((Path(path) for path in AXE_PATHS if path and Path(path).exists()), None)
    if axe is None:
        pytest.skip("no axe-core: npm install axe-core, or AXE_CORE=path of axe.min.js")
    found = page.evaluate(axe.read_text(encoding="utf-8") + "; axe.run(document, {resultTypes: ['violations']})")
    assert [(each["id"], each["nodes"][0]["html"]) for each in found["violations"] if each["impact"] in {"serious", "critical"}] == []


def test_tables_sort_by_keyboard(page: Any, runs: Path) -> None:
    page.goto((runs / "base/report.html").as_uri())
    button = page.locator("#actors-test thead button").nth(1)
    counts = "Array.from(document.querySelectorAll('#actors-test tbody tr')).map(row => Number(row.cells[1].textContent))"
    button.focus()
    page.keyboard.press("Enter")
    found = page.evaluate(counts)
    assert found == sorted(found, reverse=True)
    page.keyboard.press("Enter")
    assert page.evaluate(counts) == sorted(found)
    assert page.locator("#actors-test th[aria-sort=ascending]").count() == 1


def test_sentences_filter_and_page(page: Any, runs: Path) -> None:
    page.goto((runs / "base/report.html").as_uri())
    items = page.locator("#browser-list > li")
    assert items.count() == 25
    assert page.locator("#browser-page").text_content() == "page 1 of 3"
    page.click("#browser-next")
    assert page.locator("#browser-page").text_content() == "page 2 of 3"
    page.select_option("select[name=kind]", "wrong")
    assert page.locator("#browser-page").text_content().startswith("page 1 of")
    assert items.count() == page.locator("#browser-list > li:has(mark.wrong)").count() > 0
    page.select_option("select[name=actor]", "moscow")
    assert items.count() == page.locator("#browser-list > li:has(mark.wrong:text('Moscow'))").count() > 0
    page.fill("#browser input[name=text]", "no sentence says this")
    assert items.count() == 0
    assert page.locator("#browser-status").text_content().startswith("0 sentences")
    page.click("text=clear filters")
    page.wait_for_function("document.querySelectorAll('#browser-list > li').length === 25")
    page.select_option("select[name=split]", "seeds")
    assert items.count() == 6


def test_confidence_filter(page: Any, runs: Path) -> None:
    page.goto((runs / "base/report.html").as_uri())
    before = page.locator("#browser-status").text_content()
    page.locator("input[name=from]").fill("80")
    after = page.locator("#browser-status").text_content()
    assert int(after.split(" ")[0]) < int(before.split(" ")[0])
    assert page.locator("output[name=low]").text_content() == "80 %"


def test_compare_page_filters_fixed_items(page: Any, runs: Path) -> None:
    page.goto((runs / "compare/compare.html").as_uri())
    page.select_option("#browser select[name=kind]", "fixed")
    fixed = int(page.locator("#browser-status").text_content().split("with ")[1].split(" ")[0])
    heading = page.locator("#changes summary").first.text_content()
    assert fixed == int(heading.split(" ")[0]) > 0


def test_index_gives_the_command(page: Any, runs: Path) -> None:
    page.goto((runs / "index.html").as_uri())
    page.check("input[aria-label='compare base']")
    assert "Tick two" in page.locator("#compare-command").text_content()
    page.check("input[aria-label='compare pair']")
    command = page.locator("#compare-command").text_content()
    assert command.startswith("python eval/compare.py ")
    assert str(runs / "base") in command
    assert str(runs / "pair") in command


def test_fits_a_phone(page: Any, runs: Path) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    for name in PAGES:
        page.goto((runs / name).as_uri())
        assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_group_table_filter(page: Any, runs: Path, tmp_path: Path) -> None:
    run = write_run(tmp_path / "many", FakeRun(seeds=(1,), documents={"test": 6, "dev": 3}))
    for path in run.rglob("test.jsonl"):  # an actor of its own for each document
        lines = path.read_text().splitlines()
        path.write_text("\n".join(_rename(line) for line in lines) + "\n")
    write_report(run, resamples=100)
    page.goto((run / "report.html").as_uri())
    rows = visible(page, "#actors-test tbody tr")
    page.fill("input[data-filter=actors-test]", "moscow test-1")
    assert visible(page, "#actors-test tbody tr") == 1 < rows
    assert page.locator("[data-count=actors-test]").text_content() == f"1 of {rows}"


def _rename(line: str) -> str:
    import json

    row = json.loads(line)
    return json.dumps(row | {"actor": f"{row['actor']} {row['doc_id']}"})
