"""Formulas in a trace: which stretches are drawn, that what is written stays, and that KaTeX is ours to ship and comes only when asked."""

from __future__ import annotations

import hashlib
import json
import re
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from pedagogy_r1.cli.main import cli

from ..conftest import ROOT
from ..web_browser import looks, picture, violations
from ..web_server import WebServer, web_server

pytest.importorskip("uvicorn")

KATEX = ROOT / "pedagogy_r1" / "web" / "static" / "katex"
EVERY = ("minor", "moderate", "serious", "critical")
TEXT = (
    "Okay 👩‍🏫, so $x^2 + 1 = 50%$ holds. "
    "It costs $5 and $6, or US$7. "
    "Then \\(\\frac{1}{2}\\) is it.\n"
    "\\[\\sum_{i=1}^{n} i = \\frac{n(n+1)}{2}\\]\n"
    "So $$a < b$$ and the answer is \\boxed{\\text{B}}. "
    "In code `$x$` is a variable, and $\\color{white} x$ and $\\frac{1}$ stay. "
    "A long one is $" + " + ".join(f"x_{{{n}}}" for n in range(80)) + "$.\n"
    "\\[\\frac{" + " + ".join(f"x_{{{n}}}" for n in range(80)) + "}{2}\\]"
)


def test_katex_is_what_its_package_held_and_the_wheel_holds_it(tmp_path: Path) -> None:
    said = dict(re.findall(r"^([0-9a-f]{64})  (\S+)$", (KATEX / "README.md").read_text(), re.MULTILINE)[::1])
    digests = {name: digest for digest, name in said.items()}
    there = {path.relative_to(KATEX).as_posix() for path in KATEX.rglob("*") if path.is_file()} - {
        "README.md"
    }
    assert set(digests) == there
    assert len([name for name in there if name.endswith(".woff2")]) == 20
    for name, digest in digests.items():
        assert hashlib.sha256((KATEX / name).read_bytes()).hexdigest() == digest, name
    hatchling = pytest.importorskip("hatchling.builders.wheel")
    wheel = next(hatchling.WheelBuilder(str(ROOT)).build(directory=str(tmp_path), versions=["standard"]))
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        for name, digest in digests.items():
            data = archive.read(f"pedagogy_r1/web/static/katex/{name}")
            assert hashlib.sha256(data).hexdigest() == digest, name
    assert any(name.endswith("licenses/pedagogy_r1/web/static/katex/LICENSE") for name in names)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebServer]:
    folder = tmp_path_factory.mktemp("runs")
    trace = {"id": "t", "question": "What is $\\sqrt{2}$?", "reasoning": TEXT, "answer": "\\boxed{2}"}
    (folder / "t.jsonl").write_text(json.dumps(trace) + "\n")
    words = ["annotate", str(folder / "t.jsonl"), "-o", str(folder / "run"), "--coder", "cues"]
    result = CliRunner().invoke(cli, words)
    assert result.exit_code in (0, 1), result.output
    with web_server(folder / "run") as started:
        yield started


def found(page: Any, text: str) -> list[str]:
    """The stretches of a text that are taken for formulas."""
    return page.evaluate("text => maths.formulas(text).map(one => text.slice(one.start, one.end))", text)


FORMULAS: list[tuple[str, list[str]]] = [
    ("so $x + 1$ and $y$.", ["$x + 1$", "$y$"]),
    ("$$x\n+ 1$$", ["$$x\n+ 1$$"]),
    ("\\(x\\) and \\[y\n= 2\\]", ["\\(x\\)", "\\[y\n= 2\\]"]),
    ("is \\boxed{\\frac{1}{2}}.", ["\\boxed{\\frac{1}{2}}"]),
    ("$\\boxed{3}$ and \\[\\boxed{4}\\]", ["$\\boxed{3}$", "\\[\\boxed{4}\\]"]),
    ("\\boxed{never closed", []),
    ("\\boxed{a\n\nb}", []),
    ("\\begin{align} a &= b \\\\ c &= d \\end{align}", ["\\begin{align} a &= b \\\\ c &= d \\end{align}"]),
    ("$\\begin{pmatrix} 1 \\\\[2pt] 2 \\end{pmatrix}$", ["$\\begin{pmatrix} 1 \\\\[2pt] 2 \\end{pmatrix}$"]),
    ("$5$ apples, $2x$ and $50%$", ["$5$", "$2x$", "$50%$"]),
    ("$x \\text{ is even}$", ["$x \\text{ is even}$"]),
    ("costs $5 and $6", []),
    ("costs $5, $6 and $7", []),
    ("from $5-$10", []),
    ("costs 5$ and 6$.", []),
    ("5$. Then 6$", []),
    ("US$5 or A$6", []),
    ("$5, or 5$", []),
    ("$3 million, then US$", []),
    ("$HOME/bin:$PATH", []),
    ("pay $5 for $x$ here", ["$x$"]),
    ("a \\$5 and \\$6", []),
    ("`$x$` and ```\n$y$\n```", []),
    ("$x never\n\nclosed$", []),
    ("$one line\nthe next$", []),
    ("one $ alone", []),
    ("$ x $", []),
    ("costs \u20ac5 and $x^2$", ["$x^2$"]),
]


def test_what_is_a_formula_and_what_is_money(visit: Callable[..., Any]) -> None:
    page = visit("/read/trace?id=t")
    assert [(text, found(page, text)) for text, _ in FORMULAS] == FORMULAS


def test_katex_comes_when_m_is_pressed_and_the_written_text_is_one_key_away(
    visit: Callable[..., Any],
) -> None:
    page = visit("/read/trace?id=t")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    before = page.locator(".units").inner_text()
    assert page.locator("#maths").get_attribute("aria-pressed") == "false"
    page.keyboard.press("m")
    page.locator("#told", has_text="formulas drawn").wait_for()
    assert page.locator("#told").inner_text() == "9 formulas drawn, 2 left as they are written."
    assert page.locator("#maths").get_attribute("aria-pressed") == "true"
    assert any(url.endswith("/static/katex/katex.min.js") for url in asked)
    page.evaluate("document.fonts.ready.then(() => 0)")
    fonts = [url for url in asked if "/fonts/" in url]
    assert fonts
    assert all(url.endswith(".woff2") for url in fonts)
    page.evaluate("document.fonts.load('1em KaTeX_Math')")
    assert page.evaluate("document.fonts.check('1em KaTeX_Math')")
    drawn = page.evaluate("[...document.querySelectorAll('.units .math')].map(math => math.dataset.tex)")
    assert drawn[:2] == ["$x^2 + 1 = 50%$", "\\(\\frac{1}{2}\\)"]
    assert all(tex in TEXT for tex in drawn)
    assert "50%" in page.locator(".math .katex-html").nth(1).inner_text()
    assert "costs $5 and $6, or US$7." in page.locator(".units").inner_text()
    assert "$\\color{white} x$ and $\\frac{1}$ stay" in page.locator(".units").inner_text()
    page.keyboard.press("m")
    page.locator("#told", has_text="as they are written").wait_for()
    assert page.locator(".math").count() == 0
    assert page.locator(".units").inner_text() == before


def test_formulas_stay_drawn_on_the_next_page_of_this_window_only(visit: Callable[..., Any]) -> None:
    page = visit("/read/trace?id=t")
    page.keyboard.press("m")
    page.locator(".math").first.wait_for()
    page.keyboard.press("t")
    page.wait_for_url("**view=text**")
    page.locator(".running .math").first.wait_for()
    page.locator(".running .open").first.click()
    page.locator("#panel .math").first.wait_for()
    other = visit("/read/trace?id=t")
    assert other.locator("#maths").get_attribute("aria-pressed") == "false"


@pytest.mark.parametrize("view", ["", "&view=text"])
def test_quotes_and_offsets_are_of_what_is_written(visit: Callable[..., Any], view: str) -> None:
    page = visit(f"/read/trace?id=t{view}")
    page.keyboard.press("m")
    page.locator("#told", has_text="drawn").wait_for()
    select = """() => {
        const math = document.querySelector('[data-field=reasoning] .math'), range = document.createRange();
        range.setStart(math.previousSibling, math.previousSibling.data.indexOf('so '));
        range.setEnd(math.nextSibling, ' holds'.length);
        getSelection().removeAllRanges();
        getSelection().addRange(range);
    }"""
    page.evaluate(select)
    page.keyboard.press("c")
    page.locator("#told", has_text="Copied").wait_for()
    start = TEXT.index("so ")
    words = "so $x^2 + 1 = 50%$ holds"
    text, _, where = page.evaluate("navigator.clipboard.readText()").partition("\n")
    assert text == words
    assert where.endswith(f", characters {start}–{start + len(words)}")
    assert re.match("— trace t, unit u[0-9a-f]{20}, ", where)
    page.evaluate(select)
    page.keyboard.press("Control+c")
    assert page.evaluate("navigator.clipboard.readText()") == words
    page.evaluate(
        "getSelection().selectAllChildren(document.querySelector('[data-field=reasoning] .math .katex-html'))"
    )
    page.locator("#quote").click()
    page.locator("#told", has_text=f"characters {TEXT.index('$x')}–").wait_for()
    assert page.evaluate("navigator.clipboard.readText()").startswith("$x^2 + 1 = 50%$\n— trace t, ")


def test_words_are_found_in_what_is_written_with_formulas_drawn(visit: Callable[..., Any]) -> None:
    page = visit("/read/trace?id=t")
    page.keyboard.press("/")
    page.keyboard.type("frac{1}{2}")
    page.locator("#found", has_text="1").wait_for()
    page.keyboard.press("Enter")
    page.locator("#found", has_text="1 of 1").wait_for()
    page.keyboard.press("Escape")
    page.keyboard.press("m")
    page.locator("#told", has_text="drawn").wait_for()
    inside = "[...CSS.highlights.get('hit-now')].map(range => range.cloneContents().querySelector('.math')?.dataset.tex)"
    assert page.evaluate(inside) == ["\\(\\frac{1}{2}\\)"]


@pytest.mark.parametrize(("width", "scheme"), looks([390, 640, 1280]))
def test_nothing_to_mend_with_formulas_drawn(visit: Callable[..., Any], scheme: str, width: int) -> None:
    size = {"width": width, "height": 400 if width == 640 else 800}
    page = visit("/read/trace?id=t", color_scheme=scheme, viewport=size)
    page.keyboard.press("m")
    page.locator("#told", has_text="drawn").wait_for()
    for view in ("side by side", "text"):
        if view == "text":
            page.keyboard.press("t")
            page.wait_for_url("**view=text**")
            page.locator("#told", has_text="drawn").wait_for()
        assert page.locator(".math.wide[tabindex='0']").count() >= 1
        page.locator(".open").first.click()
        page.locator("#panel .math").first.wait_for()
        assert not page.locator("#panel .math.wide", has_text="50%").count(), "in the line of its sentence"
        picture(page, f"maths-{view}-{scheme}-{width}")
        assert violations(page, least=EVERY) == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_no_style_of_the_pages_reaches_into_a_formula(visit: Callable[..., Any]) -> None:
    """KaTeX has classes of its own names, ``text`` among them, which a unit's text has too."""
    page = visit("/read/trace?id=t")
    page.keyboard.press("m")
    page.locator(".katex-html .text").first.wait_for(state="attached")
    reached = page.evaluate("""() => {
        const inside = [...document.querySelectorAll(".katex-html *")], found = [];
        for (const sheet of document.styleSheets) if (!sheet.href.includes("katex"))
            for (const rule of sheet.cssRules) {
                const by = rule.selectorText;
                if (by?.includes(".") && !by.includes("katex") && inside.some((one) => one.matches(by))) found.push(by);
            }
        return found;
    }""")
    assert reached == []
