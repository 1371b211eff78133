"""The report in headless Chromium: tables sort and filter, sections fold, downloads hold what the files hold; without the script, in print
and on a phone nothing is lost."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import pedagogy_r1 as pr
from pedagogy_r1.human.import_codings import import_codings
from pedagogy_r1.report import ReportSettings, build_report

from ..conftest import ROOT
from ..web_browser import looks, picture, violations

ANY = ("minor", "moderate", "serious", "critical")
SIZES = {"1280": (1280, 800), "1920": (1920, 1080), "640": (640, 400), "390": (390, 844)}
TABLE = "#table-alpha_by_code"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of the demo's people and rule-based coder, with a column that is asked for."""
    home, sample = tmp_path_factory.mktemp("page"), ROOT / "demo"
    files = [sample / "coder_A.csv", sample / "coder_B.csv"]
    traces = sample / "traces.jsonl"
    people = import_codings(
        files, traces=traces, out=home / "people", codebook="schoen@1.0.0", project="sentence@1"
    ).run
    cues = pr.annotate(traces, home / "cues", codebook="schoen@1.0.0")
    settings = ReportSettings(replicates=20, permutations=100, by="domain")
    build_report([people, cues], home / "report", settings)
    return home / "report"


@pytest.fixture
def opened(folder: Path, browser: Any) -> Iterator[Callable[..., Any]]:
    """The page in a new window; at the end no script may have failed and nothing been asked for but the page."""
    contexts: list[Any] = []
    troubles: list[str] = []

    def open_page(size: str = "1280", at: str = "", **options: Any) -> Any:
        width, height = SIZES[size]
        context = browser.new_context(viewport={"width": width, "height": height}, **options)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.on("console", lambda said: troubles.append(said.text) if said.type == "error" else None)
        page.on(
            "request",
            lambda request: (
                troubles.append(request.url) if not request.url.startswith(("file:", "blob:")) else None
            ),
        )
        page.goto((folder / "report.html").as_uri() + at)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert troubles == []


def cells(page: Any, head: str, table: str = TABLE) -> list[str]:
    """Of the visible rows, what stands in the column called that."""
    found: list[str] = page.evaluate(
        """([table, head]) => {
          const t = document.querySelector(`${table} table`);
          const at = [...t.tHead.rows[0].cells].findIndex((c) => c.textContent === head);
          return [...t.tBodies[0].rows].filter((r) => !r.hidden).map((r) => r.cells[at].textContent);
        }""",
        [table, head],
    )
    return found


def test_a_table_sorts_by_number_and_back(opened: Callable[..., Any]) -> None:
    page = opened()
    asked = page.locator(TABLE).get_by_role("button", name="α", exact=True)
    before = cells(page, "α")
    asked.click()
    values = [float(text.replace("−", "-")) for text in cells(page, "α") if text != "–"]
    assert values == sorted(values, reverse=True)
    assert len(set(values)) > 5
    assert min(values) < 0
    assert page.locator(f"{TABLE} th[aria-sort=descending]").inner_text().startswith("α")
    asked.click()
    assert [float(text.replace("−", "-")) for text in cells(page, "α") if text != "–"] == sorted(values)
    asked.click()
    assert cells(page, "α") == before
    assert page.locator(f"{TABLE} th[aria-sort]").count() == 0


def test_what_has_no_value_stands_last_either_way(opened: Callable[..., Any]) -> None:
    page = opened()
    asked = page.locator(TABLE).get_by_role("button", name="95 % over traces")
    assert "–" in cells(page, "95 % over traces")
    for _ in range(2):
        asked.click()
        column = cells(page, "95 % over traces")
        assert column[0] != "–"
        assert set(column[column.index("–") :]) == {"–"}


def test_a_table_sorts_by_text_from_the_keyboard(opened: Callable[..., Any]) -> None:
    page = opened()
    page.locator(TABLE).get_by_role("button", name="code", exact=True).focus()
    page.keyboard.press("Enter")
    codes = cells(page, "code")
    assert codes == sorted(codes)
    assert codes[0] != codes[-1]


def test_a_table_filters_by_all_words(opened: Callable[..., Any]) -> None:
    page = opened()
    field = page.locator(f"{TABLE} input[type=search]")
    total = len(cells(page, "code"))
    field.fill("ia-sq CUES")
    assert set(cells(page, "code")) == {"IA-SQ"}
    assert all("cues" in who for who in cells(page, "coders"))
    assert page.locator(f"{TABLE} output").inner_text() == f"{len(cells(page, 'code'))} of {total} rows"
    field.fill("")
    assert len(cells(page, "code")) == total
    assert page.locator(f"{TABLE} output").inner_text() == ""


def test_sections_fold_and_a_link_opens_them(opened: Callable[..., Any]) -> None:
    page = opened()
    table = page.locator(TABLE)
    assert table.is_visible()
    page.get_by_role("heading", name="Agreement", exact=True).click()
    assert not table.is_visible()
    page.locator(".contents").get_by_role("link", name="Agreement", exact=True).click()
    assert table.is_visible()
    page.get_by_role("button", name="Fold all").click()
    assert page.locator("main p:visible").count() == len(page.locator("header p, .end p").all())
    page.get_by_role("button", name="Open all").click()
    assert table.is_visible()
    assert opened(at="#codes").locator("#codes dl").is_visible()


def test_downloads_are_the_files(opened: Callable[..., Any], folder: Path) -> None:
    page = opened()
    for name in ("alpha_by_code.csv", "alpha_by_code.tex"):
        with page.expect_download() as waited:
            page.locator(f'{TABLE} a[download="{name}"]').click()
        assert waited.value.suggested_filename == name
        assert Path(waited.value.path()).read_bytes() == (folder / "tables" / name).read_bytes()
    picture_of = page.locator("#figure-alpha_by_code")
    with page.expect_download() as waited:
        picture_of.get_by_role("button", name="alpha_by_code.svg").click()
    saved = Path(waited.value.path()).read_text(encoding="utf-8")
    assert saved.startswith("<svg")
    assert "var(" not in saved
    assert "IA-SQ" in saved
    with page.expect_download() as waited:
        picture_of.get_by_role("button", name="alpha_by_code.png").click()
    png = Path(waited.value.path()).read_bytes()
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    assert int.from_bytes(png[16:20], "big") > 2000  # pixels across
    assert len(png) > 20_000


def test_links_lead_to_the_files_beside_the_page(opened: Callable[..., Any], folder: Path) -> None:
    links = opened().evaluate("[...document.querySelectorAll('.file a:not([download])')].map((a) => a.href)")
    assert len(links) == len(list((folder / "tables").iterdir())) + len(list((folder / "figures").iterdir()))
    assert all((folder / "/".join(link.rsplit("/", 2)[1:])).is_file() for link in links)


TEXT = """() => {
  const main = document.querySelector("main").cloneNode(true);
  for (const tool of main.querySelectorAll(".tools, .file button, .values, script")) tool.remove();
  for (const line of main.querySelectorAll(".file"))
    line.textContent = line.textContent.replace(/^Save , \\\\. /, "");
  return main.textContent.replace(/\\\\s+/g, " ");
}""".replace("\\\\", "\\")


def test_without_the_script_the_page_says_the_same(opened: Callable[..., Any]) -> None:
    plain, alive = opened(java_script_enabled=False), opened()
    assert plain.locator("main").evaluate(TEXT) == alive.evaluate(TEXT)
    assert plain.locator("input, button").count() == 0
    unseen = plain.locator("main :is(p, td, th, li, dt, dd, figcaption, svg):not(:visible)")
    closed = plain.locator("main details:not([open]) :is(p, td, th, li, dt, dd)")
    assert unseen.count() == closed.count()
    assert plain.locator("#codes dl").is_visible()
    plain.locator("#codes summary").click()
    assert not plain.locator("#codes dl").is_visible()


def test_a_figure_says_its_values_under_the_pointer(opened: Callable[..., Any], folder: Path) -> None:
    page = opened()
    with (folder / "tables/alpha_by_code.csv").open(encoding="utf-8") as file:
        row = next(r for r in csv.DictReader(file) if r["coders"] == "A – B" and r["code"] == "KA-RO")
    value, low, high = (f"{float(row[key]):.3f}".lstrip("0") for key in ("value", "low", "high"))
    words = f"KA-RO, human–human (A – B): {value} [{low}, {high}]"
    tip = page.locator(".tip")
    assert not tip.is_visible()
    page.locator(f'#figure-alpha_by_code [data-words="{words}"]').hover()
    assert tip.inner_text() == words
    page.locator("h1").hover()
    assert not tip.is_visible()
    plain = opened(java_script_enabled=False)
    assert words in plain.locator("#figure-alpha_by_code title").all_text_contents()


def test_every_value_lies_on_its_mark(opened: Callable[..., Any]) -> None:
    """The place of a share in the bars covers the bar's piece: it names the code that is written there."""
    page = opened()
    found = page.evaluate(
        """() => {
          const svg = document.querySelector("#figure-composition_by_condition svg");
          const places = [...svg.querySelectorAll(".values rect")].map((r) => [r.getBoundingClientRect(), r.dataset.words]);
          return [...svg.querySelectorAll("text")].map((t) => {
            const b = t.getBoundingClientRect(), x = b.x + b.width / 2, y = b.y + b.height / 2;
            const at = places.find(([p]) => p.left < x && x < p.right && p.top < y && y < p.bottom);
            return [t.textContent, at && at[1]];
          }).filter(([, at]) => at);
        }"""
    )
    assert len(found) > 4
    assert all(f", {code}: " in words for code, words in found)


def test_people_have_a_heat_map_of_their_own(opened: Callable[..., Any], folder: Path) -> None:
    page = opened()
    words = page.locator("#figure-confusion_people .values rect").evaluate_all(
        "all => all.map((r) => r.dataset.words)"
    )
    counted = {
        (found[1], found[2]): int(found[3])
        for found in (re.match(r"A (\S+), B (\S+): (\d+);", w) for w in words)
        if found
    }
    assert len(counted) == len(words) > 15
    with (folder / "tables/confusion_people.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            code, other = row["code"], row["other"]
            assert counted.get((code, other), 0) + counted.get((other, code), 0) == int(row["times"])
    assert sum(counted.values()) == 120  # the units that both coded


def test_codes_stand_with_coders_side_by_side(opened: Callable[..., Any]) -> None:
    page, table = opened(), "#table-alpha_codes_by_coders"
    assert cells(page, "code", table) == list(dict.fromkeys(cells(page, "code")))
    both = cells(page, "A – B", table)
    ours = [
        alpha for alpha, who in zip(cells(page, "α"), cells(page, "coders"), strict=True) if who == "A – B"
    ]
    assert [text.split()[0] for text in both] == ours
    assert {text.split()[1] for text in both if "[" not in text} == {"†"}
    assert page.locator(f"{table} .note").inner_text().startswith("† no interval: ")


@pytest.mark.parametrize("script", [True, False])
def test_printed_nothing_is_folded_or_cut_off(opened: Callable[..., Any], script: bool) -> None:
    page = opened(java_script_enabled=script)
    if script:
        page.get_by_role("button", name="Fold all").click()
    page.emulate_media(media="print")
    page.set_viewport_size({"width": 688, "height": 1000})  # A4 within the page's margins
    hidden = page.locator("main :is(p, td, th, li, dt, dd, h2, figcaption, svg):not(:visible)")
    assert hidden.count() == 0
    cut = page.evaluate(
        """() => [...document.querySelectorAll("main *")].filter((e) => {
          const box = e.getBoundingClientRect();
          return box.width > 1 && box.right > innerWidth + 1 && !e.closest("svg") && !e.closest(".unseen");
        }).map((e) => `${e.closest("figure, section")?.id}: ${e.tagName} ${e.textContent.slice(0, 40)}`)"""
    )
    assert cut == []
    assert page.pdf(format="A4")[:5] == b"%PDF-"


def test_a_table_that_is_filtered_says_so_on_paper(opened: Callable[..., Any]) -> None:
    page = opened()
    total = len(cells(page, "code"))
    page.locator(f"{TABLE} input[type=search]").fill("ia-sq")
    left = len(cells(page, "code"))
    page.emulate_media(media="print")
    assert page.locator(f"{TABLE} output").is_visible()
    assert page.locator(f"{TABLE} output").inner_text() == f"{left} of {total} rows"
    assert page.locator(".tools input:visible").count() == 0


def test_a_phone_loses_nothing(opened: Callable[..., Any]) -> None:
    """What is wider than the screen can be scrolled to; the page itself is never wider."""
    page = opened("390")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    lost = page.evaluate(
        """() => [...document.querySelectorAll("main *")].filter((e) => {
          const box = e.getBoundingClientRect();
          return box.width > 1 && box.right > innerWidth + 1 && !e.closest(".scroll") && !e.closest(".unseen");
        }).map((e) => e.textContent.slice(0, 60))"""
    )
    assert lost == []
    page.locator("nav summary").click()
    page.locator(".contents").get_by_role("link", name="Noise", exact=True).click()
    assert page.locator("#noise h2").bounding_box()["y"] < 200
    assert not page.locator(".contents ol").is_visible()


@pytest.mark.parametrize("size", SIZES)
def test_no_column_or_row_is_cut_without_a_word(opened: Callable[..., Any], size: str) -> None:
    """The table beside its figure had its p cut off, with a faint shadow as the only sign; rows were cut in their middle."""
    page = opened(size)
    page.wait_for_function("document.querySelectorAll('.table .tools.hint').length > 20")
    found = page.evaluate(
        """() => [...document.querySelectorAll("figure.table")].map((f) => {
          const box = f.querySelector(".scroll"), said = [...f.querySelectorAll(".hint:not([hidden])")].map((h) => h.textContent);
          return [f.id, box.scrollWidth > box.clientWidth + 1, said.some((s) => s.startsWith("wider than")),
            box.scrollHeight > box.clientHeight + 1, said.some((s) => /rows; all are shown/.test(s))];
        })"""
    )
    assert [one for one in found if one[1] != one[2] or one[3] != one[4]] == []
    wide = {name for name, cut, *_ in found if cut}
    assert wide <= {"1920": set(), "1280": {"table-corrected"}}.get(size, {one[0] for one in found})
    assert wide or size == "1920"
    assert any(one[3] for one in found)


def test_every_column_has_a_head_of_its_own(opened: Callable[..., Any]) -> None:
    heads = opened().evaluate(
        "[...document.querySelectorAll('thead tr')].map((r) => [...r.cells].map((c) => c.innerText.trim()))"
    )
    assert all(len(set(row)) == len(row) and "" not in row for row in heads)
    assert any("share, 95 %" in row for row in heads)


@pytest.mark.parametrize(("size", "scheme"), looks(SIZES))
def test_axe_finds_nothing(opened: Callable[..., Any], size: str, scheme: str) -> None:
    page = opened(size, color_scheme=scheme)
    picture(page, f"report-{size}-{scheme}")
    assert violations(page, least=ANY) == []


def test_the_csv_is_unrounded_where_the_page_rounds(opened: Callable[..., Any], folder: Path) -> None:
    with (folder / "tables/alpha_by_code.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["code"] for row in rows] == cells(opened(), "code")
