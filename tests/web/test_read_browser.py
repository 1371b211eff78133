"""The Read page in headless Chromium: keys, panel, bars and map, search, quotes, print, widths in light and dark, hostile text, axe-core."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from pedagogy_r1.cli.main import cli

from ..web_browser import looks, picture, violations, watched
from ..web_server import WebServer, web_server

pytest.importorskip("uvicorn")

DEMO = Path(__file__).parent.parent.parent / "demo"
EVERY = ("minor", "moderate", "serious", "critical")
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


@pytest.fixture(scope="module")
def long(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebServer]:
    """A trace on three pages, with letters that take two places in a browser's strings."""
    folder = tmp_path_factory.mktemp("long")
    text = "".join(f"Step \U0001d4d0 {n}\u200d👩‍🏫 holds. " for n in range(1, 2201))
    trace = {"id": "long", "question": "Which step is odd?", "reasoning": text, "answer": "Step 3."}
    (folder / "t.jsonl").write_text(json.dumps(trace) + "\n")
    words = ["annotate", str(folder / "t.jsonl"), "-o", str(folder / "run"), "--coder", "cues"]
    result = CliRunner().invoke(cli, words)
    assert result.exit_code in (0, 1), result.output
    with web_server(folder / "run") as started:
        yield started


def on_screen(page: Any, unit: str) -> bool:
    """Whether all of it can be read: between the head of the page and the bar at its foot."""
    inside = """id => {
        const box = document.getElementById(id).getBoundingClientRect();
        const [top, foot] = [document.querySelector('.top'), document.querySelector('.reader')].map(one => one.getBoundingClientRect());
        return box.top >= top.bottom && box.bottom <= foot.top;
    }"""
    return bool(page.evaluate(inside, unit))


def test_a_click_on_a_bar_or_the_map_goes_to_the_unit(visit: Callable[..., Any]) -> None:
    page = visit("/read/trace?id=sk-circuit-cop", viewport={"width": 1280, "height": 500})
    count = page.locator(".units .unit").count()
    bar = page.locator(".ribbon[data-coder='B']")
    bar.scroll_into_view_if_needed()
    box = bar.bounding_box()
    place = count - 3
    page.mouse.move(box["x"] + box["width"] * (place + 0.5) / count, box["y"] + 5)
    said = page.locator(f"#u{place} [data-coder='B']").inner_text()
    text = page.locator(f"#u{place} .text").inner_text()
    hint = page.locator(".hint").inner_text()
    assert hint.startswith(f"unit {place + 1}  {said}  {text[:40]}")
    page.mouse.down()
    page.mouse.up()
    assert page.locator(".current").get_attribute("id") == f"u{place}"
    assert on_screen(page, f"u{place}")
    here = page.locator(".ribbon .here").first.bounding_box()
    assert here["x"] <= box["x"] + box["width"] * (place + 0.5) / count <= here["x"] + here["width"]
    column = page.locator("#map").bounding_box()
    page.mouse.click(column["x"] + 5, column["y"] + 2)
    page.wait_for_timeout(100)
    assert on_screen(page, "u0")
    frame = page.locator("#map .frame").bounding_box()
    assert frame["y"] <= column["y"] + 2
    page.mouse.move(column["x"] + 5, column["y"] + 2)
    page.mouse.down()
    page.mouse.move(column["x"] + 5, column["y"] + column["height"] - 2)
    page.mouse.up()
    page.wait_for_timeout(100)
    assert on_screen(page, f"u{count - 1}")


def test_the_legend_marks_the_units_of_a_code(visit: Callable[..., Any]) -> None:
    page = visit("/read/trace?id=sk-circuit-cop")
    page.locator(".legend a", has_text="IA-SQ").click()
    page.wait_for_url("**code=IA-SQ**")
    assert page.locator(".legend [aria-current]").inner_text().split()[0] == "IA-SQ"
    page.keyboard.press("f")
    assert "IA-SQ" in page.locator(".current").inner_text()
    bold = (
        "[...document.querySelectorAll('.ribbon path:not(.faded)')].map(path => path.getAttribute('class'))"
    )
    chip = page.locator(".legend [aria-current] .chip").get_attribute("class").split()[1]
    assert set(page.evaluate(bold)) == {chip}
    page.locator(".legend [aria-current]").click()
    page.wait_for_url(lambda url: "code=" not in url)
    assert page.locator(".fits").count() == 0


def test_search_goes_through_all_pages_of_a_trace(visit: Callable[..., Any], long: WebServer) -> None:
    page = visit("/read/trace?id=long", long)
    page.keyboard.press("/")
    page.keyboard.type("STEP  \U0001d4d0 1500")
    page.locator("#found", has_text="1").wait_for()
    page.keyboard.press("Enter")
    page.wait_for_url("**from=1000**")
    page.locator("#found", has_text="1 of 1").wait_for()
    assert page.locator("#words").input_value() == "STEP  \U0001d4d0 1500"
    words = "[...CSS.highlights.get('hit-now')].map(range => range.toString())"
    assert page.evaluate(words) == ["Step \U0001d4d0 1500"]
    page.locator("#words").fill("step")
    page.locator("#found", has_text="2202").wait_for()
    page.locator("#words").press("Enter")
    page.locator("#found", has_text=" of 2202").wait_for()
    first = int(page.locator("#found").inner_text().split()[0])
    assert 1000 < first < 1600
    page.keyboard.press("Escape")
    page.keyboard.press("h")
    page.locator("#found", has_text=f"{first + 1} of 2202").wait_for()
    page.keyboard.press("Shift+H")
    page.keyboard.press("Shift+H")
    page.locator("#found", has_text=f"{first - 1} of 2202").wait_for()
    page.locator("#words").fill("odd?")
    page.locator("#found", has_text="1").wait_for()
    page.locator(".page summary", has_text="Question").click()
    page.locator("#hit-after").click()
    page.locator("#found", has_text="1 of 1").wait_for()
    assert page.locator("[data-field=question]").is_visible()
    page.locator("#words").fill("absent")
    page.locator("#found", has_text="none").wait_for()
    assert page.locator("#hit-after").is_disabled()


def test_one_jumps_to_a_unit_by_its_number(visit: Callable[..., Any], long: WebServer) -> None:
    page = visit("/read/trace?id=long", long)
    page.keyboard.press("g")
    page.keyboard.type("777")
    page.keyboard.press("Enter")
    assert page.locator(".current").get_attribute("id") == "u776"
    assert on_screen(page, "u776")
    page.keyboard.press("g")
    page.keyboard.type("2100")
    page.keyboard.press("Enter")
    page.wait_for_url("**from=2000#u2099")
    assert page.locator(".current th").inner_text() == "2100"
    box = page.locator(".ribbon").bounding_box()
    page.locator(".ribbon").scroll_into_view_if_needed()
    page.locator(".ribbon").click(position={"x": box["width"] * 100.5 / 2200, "y": 5})
    page.wait_for_url(lambda url: "from=" not in url)
    # A unit takes half a pixel of the bar.
    assert abs(int(page.locator(".current th").inner_text()) - 101) <= 2


def test_a_quote_counts_an_emoji_as_what_it_is(visit: Callable[..., Any], long: WebServer) -> None:
    """In code points, not in a browser's UTF-16: of a unit by key, of a selection over several by the button, and from the panel."""
    page = visit("/read/trace?id=long", long)
    whole = "".join(f"Step \U0001d4d0 {n}\u200d👩‍🏫 holds. " for n in range(1, 2201))
    page.keyboard.press("c")
    page.locator("#told", has_text="go to a unit first").wait_for()
    for _ in range(3):
        page.keyboard.press("j")
    page.keyboard.press("c")
    page.locator("#told", has_text="Copied").wait_for()

    def copied() -> tuple[str, int, int]:
        text, _, where = page.evaluate("navigator.clipboard.readText()").rpartition("\n")
        assert where.startswith("— trace long, unit")
        start, _, end = where.rpartition("characters ")[2].partition("–")
        assert page.locator("#told").inner_text() == "Copied: " + where[2:]
        return text, int(start), int(end)

    text, start, end = copied()
    assert whole[start:end] == text == "Step \U0001d4d0 3\u200d👩‍🏫 holds."
    select = """() => {
        const [from, to] = ['#u4 .text', '#u6 .text'].map(one => document.querySelector(one).firstChild), range = document.createRange();
        range.setStart(from, from.data.indexOf('5'));
        range.setEnd(to, to.data.indexOf(' holds'));
        getSelection().removeAllRanges();
        getSelection().addRange(range);
    }"""
    page.evaluate(select)
    page.locator("#quote").click()
    page.locator("#told", has_text="(3)").wait_for()
    text, start, end = copied()
    assert whole[start:end] == text
    assert text.startswith("5\u200d👩‍🏫 holds. Step")
    assert text.endswith("7\u200d👩‍🏫")
    page.evaluate("getSelection().empty()")
    page.locator("#u9 .open").click()
    page.locator("#panel .quote-link").click()
    page.locator("#told", has_text=f"characters {whole.index('Step', whole.index(' 9'))}").wait_for()
    text, start, end = copied()
    assert whole[start:end] == text == "Step \U0001d4d0 10\u200d👩‍🏫 holds."


def test_what_is_filtered_is_taken_away_as_a_file(visit: Callable[..., Any]) -> None:
    page = visit("/read/trace?id=sk-circuit-cop&code=IA-SQ")
    with page.expect_download() as taken:
        page.locator(".take a", has_text="CSV").click()
    assert taken.value.suggested_filename == "sk-circuit-cop.csv"
    lines = Path(taken.value.path()).read_text(encoding="utf-8").splitlines()
    assert lines[0].startswith("trace_id,item,domain,")
    assert len({line.split(",")[5] for line in lines[1:]}) == page.locator(".fits").count() > 0


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


@pytest.mark.parametrize(("width", "scheme"), looks([390, 640, 1280, 1920]))
def test_nothing_to_mend_and_no_sideways_scrolling(
    visit: Callable[..., Any], scheme: str, width: int
) -> None:
    height = {390: 844, 640: 400, 1280: 800, 1920: 1080}[width]
    page = visit("/read", color_scheme=scheme, viewport={"width": width, "height": height})
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
        assert violations(page, least=EVERY) == [], (name, scheme, width)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (name, width)


def test_prints_without_what_is_only_for_the_screen(visit: Callable[..., Any]) -> None:
    page = visit("/read/trace?id=sk-circuit-cop")
    page.emulate_media(media="print", color_scheme="dark")
    assert page.locator(".filters, .bar-tools, .top, #panel, #map, .reader").filter(visible=True).count() == 0
    assert page.locator(".units .chip").first.is_visible()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert (
        page.evaluate("getComputedStyle(document.querySelector('.units .text')).color") == "rgb(29, 31, 35)"
    )
    assert page.pdf()[:5] == b"%PDF-"


def test_words_in_no_unit_are_counted_and_the_page_stays(browser: Any, tmp_path: Path) -> None:
    """Spans that somebody drew leave text between them and behind: side by side it is not shown, and no page has it."""
    text = "Is it 24? So it seems. Wait, is it 25? It is not 24, it is"
    (tmp_path / "t.jsonl").write_text(json.dumps({"id": "t", "reasoning": text}) + "\n")
    rows = [["trace_id", "start", "end", "quote", "coder", "code"]]
    rows += [
        ["t", text.index(said), text.index(said) + len(said), said, "A", "IA-SQ"]
        for said in ("Is it 24?", "Wait, is it 25?")
    ]
    (tmp_path / "a.csv").write_text("".join(",".join(f'"{cell}"' for cell in row) + "\n" for row in rows))
    words = [
        "import",
        str(tmp_path / "a.csv"),
        "--traces",
        str(tmp_path / "t.jsonl"),
        "--codebook",
        "schoen@1.0.0",
    ]
    result = CliRunner().invoke(cli, [*words, "--units", "own", "-o", str(tmp_path / "run")])
    assert result.exit_code == 0, result.output
    with web_server(tmp_path / "run") as server:
        page = browser.new_page()
        page.goto(server.url)
        troubles = watched(page)
        page.goto(server.base + "/read/trace?id=t")
        page.locator("#words").fill("it")
        page.locator("#found", has_text="6").wait_for()
        said = []
        for n in range(1, 7):
            page.locator("#words").press("Enter")
            page.locator("#found", has_text=f"{n} of 6").wait_for()
            said.append(page.locator("#found").inner_text())
        loads: list[str] = []
        page.on("load", lambda: loads.append(page.url))
        page.wait_for_timeout(500)
        assert loads == []
        lost = {2, 5, 6}
        assert said == [f"{n} of 6{', in no unit' if n in lost else ''}" for n in range(1, 7)]
        page.keyboard.press("Escape")
        page.keyboard.press("t")
        page.wait_for_url("**view=text**")
        page.locator("#words").fill("so it")
        page.locator("#words").press("Enter")
        page.locator("#found", has_text="1 of 1").wait_for()
        assert page.locator("#found").inner_text() == "1 of 1"
        page.close()
    assert troubles == []


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


def test_searching_goes_on_in_the_other_view_and_says_when_the_server_is_gone(
    browser: Any, long: WebServer
) -> None:
    words = "\U0001d4d0 15"
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(long.url)
    page.goto(f"{long.base}/read/trace?id=long")
    page.fill("#words", words)
    page.locator("#found", has_text="111").wait_for()
    page.keyboard.press("Enter")
    page.locator("#found", has_text="1 of 111").wait_for()
    page.locator(".switch a").nth(1).click()
    page.wait_for_selector(".running")
    page.locator("#found", has_text="1 of 111").wait_for()
    assert page.input_value("#words") == words
    # As the server counts: code points; half a pair is one, and is shown by its number. A long word is no prose, and costs no second.
    told = page.evaluate(
        """() => [codePoints.count("a\\ud835\\udcd0b\\ud835"), codePoints.at("\\ud835\\udcd0\\udcd0b", 2), Array.from(codePoints.table("a\\ud835\\udcd0b").points),
          Array.from("x\\ud835y\\ud835\\udcd0".matchAll(UNSEEN), (match) => match.index), codePoints.table("\\ud835b"), maths.formulas("$" + "a".repeat(400000) + "$").length,
          maths.formulas("cost $is the, price$ x").length]"""
    )
    assert told == [4, 3, [0, 1, 1, 2, 3], [1], None, 1, 0]
    context.set_offline(True)
    page.fill("#words", "Step 2")
    page.locator("#found", has_text="does not answer").wait_for()
    context.set_offline(False)
    page.fill("#words", words)
    page.locator("#found", has_text="111").wait_for()
    assert errors == []
    context.close()
