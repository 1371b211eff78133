"""The Read page in headless Chromium: keys, panel, print, three widths in light and dark, hostile text, axe-core."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from pedagogy_r1.cli.main import cli

from ..web_browser import chromium, picture, violations, watched
from ..web_server import WebServer, web_server

pytest.importorskip("uvicorn")

DEMO = Path(__file__).parent.parent.parent / "demo"
PATHS = {
    "list": "/read",
    "filtered": "/read?code=IA-SQ&differ=primary",
    "trace": "/read/trace?id=sk-circuit-cop",
    "text": "/read/trace?id=sk-circuit-cop&view=text&code=KA-RO",
    "problem": "/read/trace?id=none",
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebServer]:
    folder = tmp_path_factory.mktemp("runs")
    result = CliRunner().invoke(cli, ["demo", "-o", str(folder)])
    assert result.exit_code in (0, 1), result.output
    with web_server(folder / "humans", folder / "cues") as started:
        yield started


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as started:
        yield started


@pytest.fixture
def visit(server: WebServer, browser: Any) -> Iterator[Callable[..., Any]]:
    """Open a path of the server in a new window; at the end nothing must have gone wrong in any."""
    opened: list[tuple[Any, list[str]]] = []

    def open_page(path: str, **options: Any) -> Any:
        context = browser.new_context(**options)
        page = context.new_page()
        page.goto(server.url)
        opened.append((context, watched(page)))
        page.goto(server.base + path)
        return page

    yield open_page
    for context, troubles in opened:
        context.close()
        assert troubles == []


def test_keys_go_from_list_to_unit_and_back(visit: Callable[..., Any]) -> None:
    page = visit("/read")
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_url("**/read/trace?id=sk-circuit-cop")
    page.keyboard.press("j")
    page.keyboard.press("j")
    assert page.locator(".current th").inner_text() == "2"
    page.keyboard.press("x")
    assert page.locator(".current .mark").inner_text().startswith("≠")
    page.keyboard.press("k")
    number = page.locator(".current th").inner_text()
    page.keyboard.press("Enter")
    page.wait_for_selector("#panel h1")
    assert page.locator("#panel h1").inner_text() == f"Unit {number}"
    assert page.locator("#panel .coding").count() == 3
    assert page.evaluate("document.activeElement.textContent") == f"Unit {number}"
    page.keyboard.press("j")
    # Not wait_for_function: it evaluates a string in the page, which the page's own policy forbids.
    page.locator("#panel h1", has_text=f"Unit {int(number) + 1}").wait_for()
    page.keyboard.press("Escape")
    assert page.locator("#panel").is_hidden()
    assert page.evaluate("document.activeElement.textContent") == str(int(number) + 1)
    page.keyboard.press("t")
    page.wait_for_url("**view=text**")
    page.keyboard.press("n")
    page.wait_for_url("**id=pk-waittime-cop**")
    page.keyboard.press("p")
    page.wait_for_url("**id=sk-circuit-cop**")
    page.keyboard.press("u")
    page.wait_for_url("**/read")
    page.keyboard.press("/")
    page.keyboard.type("j?n")
    assert page.locator("#q").input_value() == "j?n"


def test_help_opens_and_single_keys_can_be_turned_off(visit: Callable[..., Any]) -> None:
    page = visit("/read/trace?id=sk-circuit-cop")
    page.keyboard.press("?")
    assert page.locator("#help").is_visible()
    page.locator("#keys-on").uncheck()
    page.keyboard.press("Escape")
    page.keyboard.press("j")
    assert page.locator(".current").count() == 0
    page.reload()
    page.keyboard.press("j")
    assert page.locator(".current").count() == 0
    page.locator("#help-open").click()
    page.locator("#keys-on").check()
    page.keyboard.press("Escape")
    page.keyboard.press("j")
    assert page.locator(".current").count() == 1


def test_skip_link_comes_first_and_filter_works_by_keyboard(visit: Callable[..., Any]) -> None:
    page = visit("/read")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.locator("#q").focus()
    page.keyboard.type("photosynth")
    page.keyboard.press("Enter")
    page.wait_for_url("**q=photosynth**")
    assert "2 traces of 14 fit" in page.locator("h1").first.inner_text()


def test_works_without_script(visit: Callable[..., Any]) -> None:
    page = visit("/read/trace?id=sk-circuit-cop&code=IA-SQ", java_script_enabled=False)
    page.locator(".fits .open").first.click()
    page.wait_for_url("**/read/unit?**")
    assert "self-questioning" in page.content()
    page.locator("main a").first.click()
    page.wait_for_url("**/read/trace?**#u*")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 820, 1400])
def test_no_serious_violation_and_no_sideways_scrolling(
    visit: Callable[..., Any], scheme: str, width: int
) -> None:
    page = visit("/read", color_scheme=scheme, viewport={"width": width, "height": 900})
    base = page.url.removesuffix("/read")
    for name, path in PATHS.items():
        if name == "problem":
            continue
        page.goto(base + path)
        if name == "trace":
            page.locator(".open").nth(1).click()
            page.wait_for_selector("#panel h1")
            page.locator(".codekey summary").evaluate("summary => summary.click()")
        picture(page, f"read-{name}-{scheme}-{width}")
        assert violations(page) == [], (name, scheme, width)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (name, width)


def test_prints_without_what_is_only_for_the_screen(visit: Callable[..., Any]) -> None:
    page = visit("/read/trace?id=sk-circuit-cop")
    page.emulate_media(media="print", color_scheme="dark")
    assert page.locator(".filters, .bar-tools, .top, #panel").filter(visible=True).count() == 0
    assert page.locator(".units .chip").first.is_visible()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert (
        page.evaluate("getComputedStyle(document.querySelector('.units .text')).color") == "rgb(29, 31, 35)"
    )
    assert page.pdf()[:5] == b"%PDF-"


def test_hostile_text_does_nothing(browser: Any, tmp_path: Path) -> None:
    evil = (
        "<script>window.hit=1</script><img src=x onerror='window.hit=2'><svg onload='window.hit=3'> Wait, "
        "<a href='javascript:window.hit=4'>click</a>. <style>body{display:none}</style> \u202eabc. </span></td></table>. "
        "<iframe src='http://example.invalid'></iframe> \x00 end."
    )
    names = {"id": f"t{evil[:40]}", "domain": evil[:60], "condition": evil[:60], "model": evil[:60]}
    (tmp_path / "t.jsonl").write_text(
        json.dumps({**names, "question": evil, "reasoning": evil, "answer": evil}) + "\n"
    )
    result = CliRunner().invoke(
        cli, ["annotate", str(tmp_path / "t.jsonl"), "-o", str(tmp_path / "run"), "--coder", "cues"]
    )
    assert result.exit_code in (0, 1), result.output
    with web_server(tmp_path / "run") as server:
        page = browser.new_page()
        troubles = watched(page)
        page.goto(server.url)
        for view in ("", "&view=text"):
            page.goto(server.base + "/read")
            page.locator(".stop").click()
            page.goto(page.url + view)
            page.locator(".open").first.click()
            page.wait_for_selector("#panel h1")
            assert page.evaluate("window.hit") is None
            assert page.locator("main img, main iframe, main style, main a[href^=javascript]").count() == 0
            assert "<script>window.hit=1</script>" in page.locator(".page").inner_text()
            assert page.locator(".ctl", has_text="RLO").first.is_visible()
        page.close()
    assert troubles == []
