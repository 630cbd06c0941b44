import html
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from unittest.mock import Mock

import pytest
from tiny_run import ARTICLE, make_run

from data.errors import InputError
from data.files import ROOT
from train import app


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("runs")
    make_run(folder / "base")
    make_run(folder / "other", "pair")
    (folder / "unfinished" / "seed-1").mkdir(parents=True)
    config = make_run(folder / "peer") / "config.yaml"
    config.write_text(config.read_text(encoding="utf-8").replace("kind: span", "kind: setfit"), encoding="utf-8")
    return app.find_runs(folder)


def test_only_finished_runs_are_offered(runs: dict[str, Path], tmp_path: Path) -> None:
    assert list(runs) == ["base", "other"]
    with pytest.raises(InputError, match="no finished run"):
        app.find_runs(tmp_path)


def test_a_text_is_shown_in_a_frame_that_cannot_break_out(runs: dict[str, Path]) -> None:
    shown = app.read_with(runs, ARTICLE + '"></iframe><script>alert(1)</script> said Russia.', "base", app.NO_SECOND_RUN)
    assert shown.count("<iframe") == 1 and shown.count("</iframe>") == 1
    assert 'sandbox="allow-scripts"' in shown and "<script" not in shown
    inner = html.unescape(shown.partition('srcdoc="')[2].partition('" style')[0])
    assert "Vladimir Putin" in inner and "<script>alert" not in inner


def test_two_runs_stand_side_by_side_with_their_differences(runs: dict[str, Path]) -> None:
    shown = app.read_with(runs, ARTICLE, "base", "other")
    assert shown.count("<iframe") == 2
    first, second = (app.open_reader(runs[name]).read(ARTICLE) for name in ("base", "other"))
    differing = [v.name for v in first.verdicts if v.stance != second.by_actor[v.actor].stance]
    assert f"differ on {len(differing)} of {len(first.verdicts)}" in shown if differing else "agree on all" in shown
    assert all(f"<th>{name}</th>" in shown for name in differing)
    assert app.read_with(runs, ARTICLE, "base", "base").count("<iframe") == 1


def test_wrong_input_is_said_on_the_page(runs: dict[str, Path]) -> None:
    assert "empty, expected an article" in app.read_with(runs, " ", "base", app.NO_SECOND_RUN)
    assert "names no actor" in app.read_with(runs, "<b>It rained.</b>", "base", app.NO_SECOND_RUN)


def test_a_port_that_is_taken_is_told(runs: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    page = Mock(launch=Mock(side_effect=OSError("Cannot find empty port in range: 7860-7860")))
    monkeypatch.setattr(app, "import_gradio", Mock())
    monkeypatch.setattr(app, "build_page", lambda *arguments: page)
    monkeypatch.setattr(sys, "argv", ["app.py", "--runs", str(runs["base"].parent)])
    with pytest.raises(InputError, match=r"^--host 127\.0\.0\.1 --port 7860: cannot be listened on"):
        app.main()


@pytest.mark.browser
def test_pasting_the_seed_article_in_a_browser(runs: dict[str, Path]) -> None:
    pytest.importorskip("gradio")
    playwright = pytest.importorskip("playwright.sync_api")
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("no chromium")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    address = f"http://127.0.0.1:{port}/"
    command = [sys.executable, str(ROOT / "train" / "app.py"), "--runs", str(runs["base"].parent), "--port", str(port)]
    environment = {key: value for key, value in os.environ.items() if not key.lower().endswith("_proxy")}
    server = subprocess.Popen(command, env=environment)
    try:
        wait_for(address)
        with playwright.sync_playwright() as driver:
            browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-quic"])
            page = browser.new_page()
            page.goto(address)
            page.get_by_label("Article").fill(next((ROOT / "seeds").glob("*.txt")).read_text(encoding="utf-8"))
            page.get_by_role("button", name="Read").click()
            view = page.frame_locator("iframe")
            view.get_by_role("button", name="Mirek Topolanek").click(timeout=60_000)
            assert view.locator("mark.chosen").count() >= 5
            assert view.locator("mark").count() >= 60
            browser.close()
    finally:
        server.terminate()
        server.wait(20)


def wait_for(address: str) -> None:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    for _ in range(120):
        try:
            opener.open(address, timeout=2).close()
            return
        except OSError:
            time.sleep(0.5)
    raise AssertionError("the app did not start")
