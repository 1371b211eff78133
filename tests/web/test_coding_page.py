"""The coding page in a real browser: the whole trace, keys counted, small windows, ranges, comments, and what it sends."""

from __future__ import annotations

import json
import os
import random
import re
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from pedagogy_r1.codebook import Codebook, load_codebook, parse_codebook
from pedagogy_r1.errors import DiskError, InputError
from pedagogy_r1.files.records import write_jsonl
from pedagogy_r1.human.coding_log import NO_NOTE, CodingLog, Entry, LoggedChange, LogHeader, Work, read_log
from pedagogy_r1.human.packet import Packet
from pedagogy_r1.trace import Trace
from pedagogy_r1.web.code_groups import code_groups
from pedagogy_r1.web.pace import time_left

from ..coders import form
from ..full_disk import room_for
from ..packets import make_packet
from ..web_browser import looks, picture, violations, watched
from ..web_server import web_server

pytest.importorskip("uvicorn")

MANY = int(os.environ.get("PCODE_UNITS", "6"))
"""Random units looked at in each window; 100 for the bar of the issue."""

WINDOWS = [(390, 844), (1280, 800), (1920, 1080), (1366, 650), (640, 400)]

SENTENCES = (
    "Okay, let me read the question again.",
    "The pupil says that 3/4 is smaller than 5/8.",
    "Wait, that contradicts what was said before.",
    "So 3/4 = 6/8, which is larger.",
    "I should first draw a bar, then compare the two by hand, and only then say which of them is the larger one of both.",
)


def forty(codes: int = 40, families: int = 8) -> Codebook:
    """A codebook of that size: ids C01 …, families F1 …"""
    names = "".join(f"  - {{id: F{n}, name: family {n}}}\n" for n in range(1, families + 1))
    each = codes // families
    rows = "".join(
        f"  - {{id: C{n + 1:02}, name: name {n + 1}, family: F{n // each + 1}, short: s, definition: d}}\n"
        for n in range(codes)
    )
    return parse_codebook(
        f"id: many\nversion: 1.0.0\ntitle: t\nexhaustive: false\nmax_codes: 2\nfamilies:\n{names}codes:\n{rows}"
    )


def in_order(folder: Path, sizes: list[int], book: Codebook, *, practice: int = 0, every: int = 1) -> Packet:
    """Traces of so many sentences, read from the beginning; the first ``practice`` units are practice."""
    chance = random.Random(7)
    traces = [
        Trace(
            id=f"t{i}",
            question="Which is larger, 3/4 or 5/8?",
            reasoning=" ".join(chance.choice(SENTENCES) for _ in range(size)),
        )
        for i, size in enumerate(sizes)
    ]
    packet = make_packet(folder, traces, codebook=book, every=every)
    order = [unit.id for units in packet.units.values() for unit in units][::every]
    for coder in packet.manifest.coders:
        lines = [
            {"unit_id": unit} | ({"practice": True} if i < practice else {}) for i, unit in enumerate(order)
        ]
        write_jsonl(folder / coder / "order.jsonl", lines)
    return Packet(folder)


def log_of(packet: Packet, coder: str) -> CodingLog:
    header = LogHeader(desk=1, packet=packet.manifest.packet_id, coder=coder, codebook=packet.codebook.stamp)
    return CodingLog(packet.folder / coder / "web.jsonl", header, packet.codebook)


def at(page: Any, number: int) -> None:
    """Wait until the page is at that unit."""
    page.wait_for_function("n => document.getElementById('head').dataset.number === String(n)", arg=number)


def said(page: Any, number: int, codes: str) -> None:
    """Wait until the text shows these codes at that unit."""
    there = f'#reading .u[data-n="{number}"]'
    page.wait_for_selector(f'{there}[data-said="{codes}"]' if codes else f"{there}:not([data-said])")


def test_keys_of_codes() -> None:
    """Every code has its own keys, one or two, and none begins as another ends."""
    for book in (
        forty(),
        forty(10, 2),
        forty(20, 2),
        forty(24, 2),
        forty(100, 10),
        load_codebook("schoen@1.1.0"),
    ):
        keys = [key for group in code_groups(book) for _, key in group.codes]
        assert len(set(keys)) == len(book.codes)
        assert all(1 <= len(key) <= 2 for key in keys)
        assert not [a for a in keys for b in keys if a != b and b.startswith(a)]
    last = code_groups(forty(110, 11))[-1].codes
    assert {key for _, key in last} == {""}, "codes beyond the hundredth are found by words"


# What was wrong


def test_not_saved_is_not_said_of_what_was_saved_later(browser: Any, tmp_path: Path) -> None:
    packet = in_order(tmp_path / "p", [6], load_codebook("schoen@1.0.0"))
    with web_server("--packet", packet.folder, "--coder", "A") as server:
        page = browser.new_page()
        page.goto(server.url)
        page.route(
            "**/code/1", lambda route: route.abort() if route.request.method == "POST" else route.continue_()
        )
        page.keyboard.press("Digit1")
        page.wait_for_selector("#trouble:visible")
        assert "Not saved, 1 of 6" in page.inner_text("#trouble")
        assert page.locator('#reading .u[data-n="1"][data-said]').count() == 0
        page.keyboard.press("ArrowRight")
        at(page, 2)
        page.keyboard.press("Digit2")
        said(page, 2, "KA-RO")
        assert not page.locator("#trouble").is_visible()
        assert page.inner_text("#status") == "Saved"
        page.context.close()
    assert len(read_log(packet.folder / "A/web.jsonl")[1].entries) == 1


def test_found_codes_are_ranked_and_the_search_ends_with_the_unit(browser: Any, tmp_path: Path) -> None:
    """With more than ten codes the path by keys used to end after one unit."""
    packet = in_order(tmp_path / "p", [6], load_codebook("schoen@1.1.0"))
    with web_server("--packet", packet.folder, "--coder", "A") as server:
        page = browser.new_page()
        page.goto(server.url)
        page.keyboard.press("/")
        page.keyboard.type("question")
        found = page.locator("#hits > li").evaluate_all("all => all.map(one => one.dataset.code)")
        named = [code.id for code in packet.codebook.codes if "question" in code.name]
        assert found[: len(named)] == named, "those that are named so come first"
        assert len(found) > len(named) == 2
        page.keyboard.press("Escape")
        for number, (words, code) in enumerate(
            (("sq", "IA-SQ"), ("ut-nf", "UT-NF"), ("surprise", "TR-SP")), 1
        ):
            at(page, number)
            page.keyboard.press("/")
            page.keyboard.type(words)
            page.keyboard.press("Enter")
            said(page, number, code)
            assert page.input_value("#filter") == ""
            page.keyboard.press("Enter")
        at(page, 4)
        page.keyboard.press("/")
        page.keyboard.type("surprise")
        page.click("#go-on")
        at(page, 5)
        assert page.input_value("#filter") == ""
        assert page.locator("li[data-code]:visible").count() == len(packet.codebook.codes)
        page.locator('[data-code="KA-RO"] .first').focus()
        page.keyboard.press("Enter")
        said(page, 5, "KA-RO")
        page.keyboard.press("Enter")
        at(page, 6)
        page.context.close()


@pytest.mark.parametrize(("window", "scheme"), looks(WINDOWS, lambda size: f"{size[0]}x{size[1]}"))
def test_unit_codes_and_answer_are_on_the_screen(
    browser: Any, tmp_path: Path, window: tuple[int, int], scheme: str
) -> None:
    """At every one of some random units, coded or not; and axe finds nothing."""
    packet = in_order(tmp_path / "p", [5, 120, 80], load_codebook("schoen@1.1.0"), practice=5)
    log, chance = log_of(packet, "A"), random.Random(3)
    for i, task in enumerate(packet.tasks("A")):
        if i % 3:
            codes = tuple(chance.sample(packet.codebook.code_ids, 1 + (i % 5 == 0)))
            log.change(task.unit.id, codes=codes, memo="odd" * (i % 4 == 0), flag=i % 7 == 0)
    log.close()
    with web_server("--packet", packet.folder, "--coder", "A") as server:
        page = browser.new_page(
            viewport=dict(zip(("width", "height"), window, strict=True)), color_scheme=scheme
        )
        page.goto(server.url)
        troubles = watched(page)
        for number in chance.sample(range(1, 206), MANY):
            page.goto(f"{server.base}/code/{number}")
            assert page.evaluate(ON_SCREEN) == [], number
        picture(page, f"coding-{window[0]}-{scheme}")
        assert violations(page, least=ANY) == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert troubles == []
        page.context.close()


ANY = ("minor", "moderate", "serious", "critical")

ON_SCREEN = """() => {
  const seen = (element, whole) => {
    if (!element) return false;
    const boxes = [...element.getClientRects()];
    const there = (box) => {
      const [x, y] = [box.left + Math.min(12, box.width / 2), box.top + box.height / 2];
      if (x < 0 || y < 0 || x >= innerWidth || y >= innerHeight) return false;
      const hit = document.elementFromPoint(x, y);
      return hit !== null && (element.contains(hit) || hit.contains(element));
    };
    return boxes.length > 0 && (whole ? boxes.every(there) : there(boxes[0]));
  };
  const codes = seen(document.querySelector(".handle")) || seen(document.querySelector(".codes .first"));
  const found = { unit: seen(document.querySelector("#reading .now"), true), codes, answer: seen(document.querySelector(".verdict")),
    next: seen(document.getElementById("do-next")) };
  return Object.keys(found).filter((name) => !found[name]);
}"""


# Keys


@pytest.mark.parametrize(("size", "most"), [pytest.param(10, 1, marks=pytest.mark.whole), (40, 2)])
def test_sixty_units_by_keys(browser: Any, tmp_path: Path, size: int, most: int) -> None:
    """No mouse, and so many keys a unit; every unit gets the code that was meant."""
    packet = in_order(tmp_path / "p", [60], forty(size, size // 5))
    keys = {code.id: key for group in code_groups(packet.codebook) for code, key in group.codes}
    chance = random.Random(size)
    meant = [chance.choice(packet.codebook.code_ids) for _ in range(60)]
    with web_server("--packet", packet.folder, "--coder", "A") as server:
        page = browser.new_page()
        page.goto(server.url)
        troubles = watched(page)
        page.keyboard.press("o")
        pressed = 0
        for number, code in enumerate(meant, 1):
            for key in keys[code]:
                page.keyboard.press(f"Digit{key}")
                pressed += 1
            if number < 60:
                at(page, number + 1)
        page.wait_for_url("**/code/done")
        assert troubles == []
        page.context.close()
    assert pressed <= most * 60
    entries = read_log(packet.folder / "A/web.jsonl")[1].entries
    assert [entries[task.unit.id].codes for task in packet.tasks("A")] == [(code,) for code in meant]


def test_about_in_a_trace(browser: Any, tmp_path: Path) -> None:
    """j and k, the jump box, a click on the text and on the ribbon; practice apart; the next trace."""
    packet = in_order(tmp_path / "p", [3, 30, 4], load_codebook("schoen@1.0.0"), practice=3)
    with web_server("--packet", packet.folder, "--coder", "A") as server:
        page = browser.new_page(viewport={"width": 1600, "height": 900})
        page.goto(server.url)
        troubles = watched(page)
        assert page.inner_text("#head .badge") == "practice"
        assert "0 of 34 done, practice 0 of 3" in page.inner_text("#head")
        assert page.locator(".traces h2").all_inner_texts() == ["Practice", "Traces"]
        for _ in range(5):
            page.keyboard.press("j")
        at(page, 6)
        page.keyboard.press("k")
        at(page, 5)
        page.keyboard.press("g")
        page.keyboard.type("20")
        page.keyboard.press("Enter")
        at(page, 20)
        page.keyboard.press("Digit4")
        said(page, 20, "IA-SQ")
        page.click('#reading .u[data-n="23"]')
        at(page, 23)
        box = page.locator("#ribbon svg").bounding_box()
        page.mouse.move(box["x"] + box["width"] * 16.5 / 30, box["y"] + 4)
        assert "IA-SQ" in page.inner_text(".hint")
        page.mouse.click(box["x"] + box["width"] * 16.5 / 30, box["y"] + 4)
        at(page, 20)
        assert page.get_attribute('#ribbon rect[data-n="20"]', "class") == "c3"
        page.keyboard.press("]")
        at(page, 34)
        assert page.url.endswith("/code/34")
        assert page.locator("#reading .u").count() == 4
        page.go_back()
        at(page, 20)
        assert troubles == []
        page.context.close()


def test_steps_are_counted_while_the_page_is_on_its_way(browser: Any, tmp_path: Path) -> None:
    """Also past the end of a trace, and behind a code that is still being saved: a slow server loses no key."""
    packet = in_order(tmp_path / "p", [3, 8, 4], load_codebook("schoen@1.0.0"))
    with web_server("--packet", packet.folder, "--coder", "A") as server:
        page = browser.new_page()
        page.goto(server.url)

        def late(route: Any) -> None:
            time.sleep(0.2)
            route.continue_()

        page.route("**/code/*", late)
        for _ in range(12):
            page.keyboard.press("j")
        at(page, 13)
        for _ in range(6):
            page.keyboard.press("k")
        at(page, 7)
        for key in ("Digit1", "j", "j", "j", "k"):
            page.keyboard.press(key)
        at(page, 9)
        said(page, 7, "TR-SP")
        page.keyboard.press("Digit2")
        said(page, 9, "KA-RO")
        page.context.close()
    entries = read_log(packet.folder / "A/web.jsonl")[1].entries
    units = [task.unit.id for task in packet.tasks("A")]
    assert {units.index(unit) + 1: entry.codes for unit, entry in entries.items()} == {
        7: ("TR-SP",),
        9: ("KA-RO",),
    }


def test_a_code_for_a_range_is_one_step(browser: Any, tmp_path: Path) -> None:
    packet = in_order(tmp_path / "p", [20], load_codebook("schoen@1.0.0"))
    with web_server("--packet", packet.folder, "--coder", "A") as server:
        page = browser.new_page()
        page.goto(server.url)
        page.keyboard.press("Digit1")
        said(page, 1, "TR-SP")
        page.click('#reading .u[data-n="9"]', modifiers=["Shift"])
        assert page.locator("#reading .picked").count() == 9
        assert "9 units" in page.inner_text("#status")
        page.keyboard.press("Digit2")
        said(page, 9, "KA-RO")
        assert page.locator('#reading .u[data-said="KA-RO"]').count() == 9
        assert page.locator("#reading .picked").count() == 0
        page.keyboard.press("u")
        said(page, 9, "")
        said(page, 1, "TR-SP")
        for key in ("Shift+J", "Shift+J", "Shift+K", "f"):
            page.keyboard.press(key)
        page.wait_for_selector('#reading .u[data-n="2"][data-marks="f"]')
        assert page.locator('#reading .u[data-marks="f"]').count() == 2
        page.keyboard.press("Shift+J")
        page.keyboard.press("Escape")
        assert page.locator("#reading .picked").count() == 0
        page.context.close()
    work = read_log(packet.folder / "A/web.jsonl")[1]
    assert [(step.batch > 0, len(step.others)) for step in work.steps] == [(False, 0), (True, 1)]


def test_single_units_show_what_they_did(browser: Any, tmp_path: Path) -> None:
    """Drawn one by one: the unit and those around it, no more of the trace and no other unit's code."""
    packet = in_order(tmp_path / "p", [40], load_codebook("schoen@1.0.0"), every=3)
    with web_server("--packet", packet.folder, "--coder", "A") as server:
        page = browser.new_page()
        bodies = traffic(page)
        page.goto(server.url)
        page.keyboard.press("Digit1")
        said(page, 1, "TR-SP")
        page.keyboard.press("Enter")
        at(page, 2)
        assert page.locator("#reading .u").count() == 1
        task = list(packet.tasks("A"))[1]
        shown = page.text_content("#reading .running")
        assert shown == task.trace.reasoning[task.before[0].start : task.after[-1].end]
        whole = task.trace.reasoning
        page.context.close()
    assert not [url for url, body in bodies if whole[-200:] in body]


def traffic(page: Any) -> list[tuple[str, str]]:
    """Every address asked from here on, with the body that came back."""
    found: list[tuple[str, str]] = []

    def keep(response: Any) -> None:
        if response.status < 300 or response.status >= 400:
            found.append((response.url, json.dumps(response.headers) + response.text()))

    page.on("response", keep)
    return found


def test_nothing_of_others_in_recorded_traffic(browser: Any, tmp_path: Path) -> None:
    """B codes, flags and comments on every unit; all that A's browser gets while A does the same is searched."""
    packet = in_order(tmp_path / "p", [4, 9], load_codebook("schoen@1.0.0"), practice=4)
    log = log_of(packet, "B")
    for task in packet.tasks("B"):
        log.change(task.unit.id, codes=("OA-ME",), memo="B-MEMO", flag=True)
        log.comment(task.unit.id, "B", "B-COMMENT")
    log.close()
    with web_server("--packet", packet.folder, "--coder", "A", "--coder", "B") as server:
        page = browser.new_page()
        bodies = traffic(page)
        page.goto(server.urls["A"])
        for number in range(1, 14):
            at(page, number)
            page.keyboard.press("Digit2")
            said(page, number, "KA-RO")
            page.keyboard.press("j" if number < 13 else "k")
        for path in ("/code/all", "/code/all?show=flag", "/code/all?q=B", "/code/done", "/code/jump?n=3"):
            page.goto(server.base + path)
        page.context.close()
    assert len(bodies) > 35
    for url, body in bodies:
        assert "B-MEMO" not in body, url
        assert "B-COMMENT" not in body, url
        assert "t0" not in body, "the trace's own name"
        if "/code" in url and "codes.css" not in url and "code." not in url:
            assert 'data-said="OA-ME"' not in body, url
            assert "&#34;OA-ME&#34;" not in body, url
            assert '"OA-ME"]' not in body, url
            assert '[1, "OA-ME"' not in body, url


def test_comments_are_kept_and_seen_by_the_other_only_in_adjudication(browser: Any, tmp_path: Path) -> None:
    packet = in_order(tmp_path / "p", [5], load_codebook("schoen@1.0.0"))
    log = log_of(packet, "B")
    for task in packet.tasks("B"):
        log.change(task.unit.id, codes=("KA-RO",))
    log.close()
    with web_server("--packet", packet.folder, "--coder", "A") as server:
        page = browser.new_page()
        page.goto(server.url)
        page.keyboard.press("y")
        page.keyboard.type("one step or two? 왜 <b>")
        page.keyboard.press("Control+Enter")
        page.wait_for_selector('#reading .u[data-n="1"][data-marks="c"]')
        page.keyboard.press("Escape")
        page.keyboard.press("y")
        assert "one step or two? 왜 <b>" in page.inner_text("#talk")
        page.keyboard.type("not added, and not lost")
        page.keyboard.press("Escape")
        page.keyboard.press("Digit1")
        said(page, 1, "TR-SP")
        page.wait_for_selector('#talk summary:has-text("(2)")')
        server.process.kill()
        page.context.close()
    work = read_log(packet.folder / "A/web.jsonl")[1]
    (told,) = work.comments.values()
    assert [(one.who, one.comment) for one in told] == [
        ("A", "one step or two? 왜 <b>"),
        ("A", "not added, and not lost"),
    ]
    with web_server("--packet", packet.folder, "--adjudicate", "Ada") as server:
        page = browser.new_page()
        page.goto(server.url)
        page.goto(server.base + "/adjudicate/1")
        assert "one step or two? 왜 <b>" in page.text_content("#beside")
        page.context.close()


def test_a_trace_of_935_units(browser: Any, tmp_path: Path) -> None:
    """The text comes once; an answer says only what is said of it."""
    packet = in_order(tmp_path / "p", [935], load_codebook("schoen@1.0.0"))
    with web_server("--packet", packet.folder, "--coder", "A") as server:
        page = browser.new_page()
        bodies = traffic(page)
        page.goto(server.url)
        page.evaluate("window.kept = document.querySelector('#reading .u')")
        for number in range(1, 6):
            page.keyboard.press("Digit1")
            said(page, number, "TR-SP")
            page.keyboard.press("j")
            at(page, number + 1)
        page.keyboard.press("g")
        page.keyboard.type("900")
        page.keyboard.press("Enter")
        at(page, 900)
        assert page.evaluate(ON_SCREEN) == []
        assert page.evaluate("window.kept.isConnected"), "never drawn again"
        page.context.close()
    answers = [body for url, body in bodies if "/code/" in url and "<html" not in body]
    assert len(answers) >= 11
    assert max(map(len, answers)) < 60_000


# The log


def test_a_batch_is_all_or_nothing_and_one_undo_also_after_a_restart(tmp_path: Path) -> None:
    packet = in_order(tmp_path / "p", [6], load_codebook("schoen@1.0.0"))
    units = [task.unit.id for task in packet.tasks("A")]
    log = log_of(packet, "A")
    log.change(units[0], codes=("TR-SP",), memo="why")
    before = log.path.read_bytes()
    with pytest.raises(InputError, match="no code 'ZZ'"):
        log.change_all([(units[1], NO_NOTE, {"codes": ("KA-RO",)}), (units[2], NO_NOTE, {"codes": ("ZZ",)})])
    with room_for(len(before) + 150), pytest.raises(DiskError):
        log.change_all([(unit, NO_NOTE, {"codes": ("KA-RO",)}) for unit in units])
    assert log.path.read_bytes() == before
    log.change_all([(unit, NO_NOTE, {"codes": ("KA-RO",)}) for unit in units])
    log.comment(units[5], "A", "  a word \ud800 ")
    log.comment(units[5], "A", "   ")
    log.close()
    again = log_of(packet, "A")
    assert [one.comment for one in again.work.comments[units[5]]] == ["a word �"]
    step = again.undoable
    assert step is not None
    assert again.undo(step.n) == units[0]
    assert again.undo(step.n) is None
    assert again.entry(units[0]) == Entry(codes=("TR-SP",), memo="why")
    assert not any(again.entry(unit).done for unit in units[1:])
    again.undo(again.undoable.n if again.undoable else 0)
    again.close()
    assert log_of(packet, "A").undoable is None


def test_time_left_at_ones_own_pace() -> None:
    """Breaks are left out; nothing is said before ten units."""
    work = Work()
    clock = datetime(2026, 1, 1, tzinfo=UTC)
    for n in range(1, 40):
        clock += timedelta(seconds=3600 if n == 20 else 30)
        work.take(LoggedChange(n=n, at=clock.isoformat(), unit_id=f"u{n}", codes=("A",)), n + 1)
        if n == 10:
            assert time_left(work, 100) == "", "nine steps so far"
        work.take(
            LoggedChange(n=n, at=clock.isoformat(), unit_id=f"u{n}", codes=("B",)), n + 1
        )  # no unit more
    assert [time_left(work, units) for units in (0, 1, 10, 100, 250)] == [
        "", "less than a minute", "about 5 min", "about 50 min", "about 2 h 05 min",
    ]  # fmt: skip


def test_the_list_of_ones_own_units(tmp_path: Path) -> None:
    packet = in_order(tmp_path / "p", [3, 10], forty(10, 2), practice=3)
    tasks = list(packet.tasks("A"))
    log = log_of(packet, "A")
    log.change(tasks[3].unit.id, codes=("C01", "C02"), memo="Straße")
    log.change(tasks[4].unit.id, codes=(), flag=True)
    log.change(tasks[5].unit.id, missing=True)
    log.comment(tasks[6].unit.id, "A", "look again")
    log.close()
    with web_server("--packet", packet.folder, "--coder", "A") as server:
        server.enter()

        def rows(query: str) -> list[int]:
            return [
                int(n)
                for n in re.findall(
                    r'<th scope="row" class="num"><a href="/code/(\d+)"', server.page(f"/code/all?{query}")
                )
            ]

        assert rows("show=done") == [4, 5, 6]
        assert rows("show=practice") == [1, 2, 3]
        assert rows("code=C02") == [4]
        assert rows("code=none") == [5]
        assert rows("show=missing") == [6]
        assert rows("show=memo&q=STRASSE") == [4]
        assert rows("show=comment") == rows("q=LOOK") == [7]
        assert rows("code=C02&show=flag") == []
        assert len(rows("show=open")) == 10
        assert server.ask("/code/jump?n=5").headers["location"] == "/code/5"
        assert server.ask("/code/jump?n=55").status == 404
        assert form(server, "/code/4", do="first C03", range="4-6,9").status == 303
        assert rows("code=C03") == [4, 5, 6, 9]
        for wrong, status in (("4-99", 404), ("0", 404), ("4-x", 400), ("-4", 400), ("9" * 40, 400)):
            assert form(server, "/code/4", do="first C04", range=wrong).status == status
        assert rows("code=C04") == []
