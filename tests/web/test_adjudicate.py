"""Adjudicating: only what differs, both sides with their memos, a third coding with a log, and the originals as they were."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from pedagogy_r1.codebook import load_codebook
from pedagogy_r1.human.adjudication import CoderView, differ
from pedagogy_r1.human.adjudication_material import from_packet
from pedagogy_r1.human.coding_log import CodingLog, LogHeader, read_log
from pedagogy_r1.human.packet import Packet
from pedagogy_r1.job import damaged
from pedagogy_r1.runs.run import FILES, CoderRun

from ..coders import code_by_keys, form, memo_saved, next_unit
from ..make_runs import make_run
from ..packets import make_packet
from ..web_browser import looks, picture, violations, watched
from ..web_server import web_server

pytest.importorskip("uvicorn")

WIDTHS = {"wide": (1360, 860), "middle": (820, 1100), "phone": (390, 844)}

A = ["A", ("A", "B"), "B", (), "C", None, "A", "B", "C", "A", "B", "C", "A"]
B = ["A", ("A", "C"), "C", "A", "C", "A", "A", "B", "C", "A", "B", "A", None]
DIFFER = {1: "second", 2: "first", 3: "first", 5: "missing", 11: "first", 12: "missing"}
"""Which of the thirteen units A and B differ on, and how."""


@pytest.fixture
def packet(tmp_path: Path) -> Packet:
    """Coded in the browser by A and B as above, in the order of the units."""
    return _coded(make_packet(tmp_path / "packet"))


def _coded(packet: Packet) -> Packet:
    units = [unit.id for units in packet.units.values() for unit in units]
    for who, values in (("A", A), ("B", B)):
        desk = _open(packet, who)
        for unit, value in zip(units, values, strict=True):
            if value is None:
                desk.change(unit, missing=True, memo="cut off")
            else:
                codes = (value,) if isinstance(value, str) else value
                desk.change(unit, codes=codes, memo=f"{who}: <i>because</i>" if codes == ("B",) else "")
        desk.close()
    return packet


def _open(packet: Packet, who: str) -> CodingLog:
    header = LogHeader(desk=1, packet=packet.manifest.packet_id, coder=who, codebook=packet.codebook.stamp)
    return CodingLog(packet.folder / who / "web.jsonl", header, packet.codebook)


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ([CoderView(("A",)), CoderView(("A",))], None),
        ([CoderView(("A",)), CoderView(("B",))], "first"),
        ([CoderView(("A", "B")), CoderView(("B", "A"))], "first"),
        ([CoderView(("A", "B")), CoderView(("A",))], "second"),
        ([CoderView(()), CoderView(("A",))], "first"),
        ([CoderView(()), CoderView(())], None),
        ([CoderView(("A",)), CoderView(None, "cut off")], "missing"),
        ([CoderView(("A",)), CoderView(None, "not decided yet")], None),
        ([CoderView(("A",)), CoderView(None, "nothing came back")], None),
        ([CoderView(None, "cut off"), CoderView(None, "garbled")], None),
        ([CoderView(("A",)), CoderView(("A",)), CoderView(("B",))], "first"),
        ([CoderView(("A",))], None),
        ([], None),
    ],
)
def test_what_is_a_disagreement(said: list[CoderView], kind: str | None) -> None:
    assert differ(said) == kind


def test_disputes_of_a_packet(packet: Packet) -> None:
    found = list(from_packet(packet).disputes())
    units = [unit.id for units in packet.units.values() for unit in units]
    assert {units.index(dispute.task.unit.id): dispute.kind for dispute in found} == DIFFER
    assert all(dispute.task.trace.condition is None for dispute in found), "blind to the condition"


def test_the_whole_way_in_a_browser(
    browser: Any, packet: Packet, pcode: Callable[..., Result], tmp_path: Path
) -> None:
    """By keys, with a kill in the middle; then the run, its log, and the agreement on the page against the command line's."""
    before = {who: (packet.folder / who / "web.jsonl").read_bytes() for who in "AB"}
    words = ("--packet", packet.folder, "--adjudicate", "Ada")
    page = browser.new_page()
    decisions = [
        ("as", "b"),
        ("codes", ("C", "B")),
        ("as", "a"),
        ("codes", None),
        ("codes", ("C",)),
        ("as", "a"),
    ]
    for number, (how, what) in enumerate(decisions, 1):
        if number in (1, 4):
            server_at = web_server(*words)
            server = server_at.__enter__()
            page.goto(server.url)
            page.click("a.primary")
            page.wait_for_selector("#help-open:visible")  # the script is there
            assert page.url.endswith(f"/adjudicate/{number}"), "goes on where it was left"
            troubles = watched(page)
        if how == "as":
            page.keyboard.press(what)
            page.wait_for_selector("#do-clear:not([disabled])")
        else:
            code_by_keys(page, packet.codebook.code_ids, {"codes": what})
        if number == 2:
            assert "Nobody" not in page.inner_text("#beside")
            assert page.inner_text(".others tbody tr:first-child td:nth-child(3)") == "A: <i>because</i>"
            assert "say why, then it counts" in page.inner_text("#desk")
        page.keyboard.press("m")
        page.keyboard.type(f"=why {number}")
        page.keyboard.press("Escape")
        memo_saved(page)
        if number == 3:
            assert troubles == []
            server.process.kill()
            server_at.__exit__(None, None, None)
        else:
            next_unit(page)
    assert "6 disagreements, 6 decided" in page.inner_text("h1")
    shown = page.inner_text("table.narrow tbody tr")
    page.click("text=Export the decisions")
    page.wait_for_selector("text=Written to")
    assert troubles == []
    page.context.close()
    server_at.__exit__(None, None, None)

    assert before == {who: (packet.folder / who / "web.jsonl").read_bytes() for who in "AB"}, (
        "originals untouched"
    )
    gold = CoderRun(packet.folder / "adjudicated")
    assert gold.manifest.status == "complete"
    assert damaged(gold.folder, gold.manifest, FILES) == []
    codings = [(c.codes, c.rationale) for c in gold.codings()]
    expected = {
        1: (("A", "C"), "=why 1"), 2: (("C", "B"), "=why 2"), 3: ((), "=why 3"), 5: (None, "=why 4"),
        11: (("C",), "=why 5"), 12: (("A",), "=why 6"),
    }  # fmt: skip
    for i, value in enumerate(A):
        agreed = ((value,) if isinstance(value, str) else value, "agreed by A, B")
        assert codings[i] == expected.get(i, agreed), i

    files = [packet.folder / who / "web.jsonl" for who in "AB"]
    assert pcode("import", "--packet", packet.folder, *files, "-o", tmp_path / "people").exit_code == 0
    result = pcode("agreement", tmp_path / "people", "--replicates", 0, "--json", "-")
    told = json.loads(result.stdout)["comparisons"][0]
    assert shown.split() == ["A", "–", "B", "11", "73", "%", f"{told['alpha']:.3f}".replace("0.", ".")]
    assert told["n_units"] == 11
    joined = pcode("agreement", tmp_path / "people", gold.folder, "--replicates", 0, "--json", "-")
    pairs = {tuple(c["coders"]): c["alpha"] for c in json.loads(joined.stdout)["comparisons"]}
    assert pairs["A", "B"] == told["alpha"]

    rows = list(csv.DictReader((gold.folder / "log.csv").open(encoding="utf-8")))
    assert [row["reason"] for row in rows if row["stands"] == "yes"] == [f"'=why {n}" for n in range(1, 7)]
    assert {row["who"] for row in rows} == {"Ada"}
    assert (rows[0]["A"], rows[0]["B"], rows[0]["decision"]) == ("A; B", "A; C", "A; C")
    page_text = (gold.folder / "log.md").read_text(encoding="utf-8")
    assert "6 units on which A, B differ; 6 decided" in page_text
    assert "<script>" not in page_text
    assert "<i>" not in page_text.replace("\\<i\\>", "")


def test_a_decision_is_open_without_a_reason_and_again_when_a_coder_changes(
    packet: Packet, tmp_path: Path
) -> None:
    words = ("--packet", packet.folder, "--adjudicate", "Ada", "--adjudicate", "Bo", "-o", tmp_path / "gold")
    with web_server(*words) as server:
        server.enter()
        form(server, "/adjudicate/2", do="first C")
        assert "6 disagreements, 0 decided" in server.page("/adjudicate")
        form(server, "/adjudicate/2", do="memo", memo="rule of C")
        assert "6 disagreements, 1 decided" in server.page("/adjudicate")
        form(server, "/adjudicate/write")
    first = list(CoderRun(tmp_path / "gold").codings())
    assert [c.missing_reason for c in first].count("not adjudicated yet") == 5
    desk = _open(packet, "A")
    unit = [unit.id for units in packet.units.values() for unit in units][2]
    desk.change(unit, codes=("A",))
    desk.close()
    with web_server(*words) as server:
        server.enter()
        assert "6 disagreements, 0 decided" in server.page("/adjudicate")
        assert "changed their codes since" in server.page("/adjudicate/2")
        form(server, "/adjudicate/2", do="first C")
        assert "6 disagreements, 1 decided" in server.page("/adjudicate")
        form(server, "/adjudicate/2", do="first B", memo="no", memo_was="rule of C")
        undo = server.page("/adjudicate/2").split('data-undo="')[1].split('"')[0]
        form(server, "/adjudicate/5", do=f"undo {undo}")
        form(server, "/adjudicate/write")
    coding = next(c for c in CoderRun(tmp_path / "gold").codings() if c.unit_id == unit)
    assert (coding.codes, coding.rationale) == (("C",), "rule of C")
    rows = list(csv.DictReader((tmp_path / "gold/log.csv").open(encoding="utf-8")))
    assert [(r["A"], r["decision"], r["stands"]) for r in rows] == [
        ("B", "C", "no"), ("A", "C", "no"), ("A", "B", "no"), ("A", "C", "yes"),
    ]  # fmt: skip


def test_one_reason_for_several_alike(browser: Any, packet: Packet) -> None:
    """By keys: the table of codes picks the list, all of it gets one decision and one reason, one undo takes that back."""
    with web_server("--packet", packet.folder, "--adjudicate", "Ada") as server:
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        page.goto(server.url)
        troubles = watched(page)
        assert page.locator(".heat a").all_inner_texts() == ["1", "1", "1", "1", "1"]
        page.focus('.heat a[aria-label^="C against A"], .heat a[aria-label^="C against B"]')
        page.keyboard.press("Enter")
        page.wait_for_selector(".heat a[aria-current]")
        assert page.locator("#several tbody tr").count() == 1
        page.goto(server.base + "/adjudicate/all?show=first&sort=codes")
        assert page.locator("#several tbody tr").count() == 3
        for key in ("j", "x", "J", "X", "d"):  # J without Shift: Caps Lock
            page.keyboard.press(key)
        assert page.inner_text("#chosen") == "2 chosen"
        page.keyboard.type("as B")
        page.keyboard.press("Enter")
        assert page.evaluate("document.activeElement.name") == "memo"
        page.keyboard.type("the rule of the book")
        page.keyboard.press("Enter")
        page.wait_for_selector("text=6 disagreements, 2 decided")
        assert "show=first" in page.url, "the list is the one that was picked"
        page.goto(server.base + "/adjudicate/1")
        page.keyboard.press("b")
        page.wait_for_selector("#desk[data-lacks]")
        assert page.inner_text("#status") == "Kept. It counts once it has a reason"
        page.keyboard.press("Enter")
        assert page.evaluate("document.activeElement.id") == "memo"
        page.keyboard.press("Escape")
        page.keyboard.press("u")
        page.wait_for_selector("#desk:not([data-lacks])")
        page.keyboard.press("u")
        page.wait_for_function("() => document.getElementById('head').innerText.includes('0 of 6')")
        assert troubles == []
        page.context.close()
    work = read_log(packet.folder / "adjudicated/ledger.jsonl")[1]
    assert [entry.done for entry in work.entries.values()] == [False] * 3
    assert {change.memo for change in work.changes if change.batch and not change.undoes} == {
        "the rule of the book"
    }


def test_the_list_that_was_picked_is_gone_through(browser: Any, tmp_path: Path) -> None:
    """Three coders; C alone differs on some. The filter goes along to the unit, forwards, backwards, and past what is decided."""
    values = {"A": list("AABBAACC"), "B": list("AABBAABC"), "C": list("ABBCABCC")}
    run = make_run(tmp_path / "people", values)
    with web_server(run.folder, "--adjudicate", "Ada", "-o", tmp_path / "gold") as server:
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        page.goto(server.url)
        troubles = watched(page)
        assert page.locator("#several tbody tr").count() == 4  # units 2, 4, 6, and 7 by B

        def listed(**wanted: str) -> list[str]:
            for name, value in wanted.items():
                page.select_option(f"select[name={name}]", value)
            page.click(".narrowing button")
            found: list[str] = page.locator("#several tbody th").all_inner_texts()
            return found

        assert len(listed(coder="C")) == 4
        assert len(listed(coder="B", said="B")) == 2
        chosen = listed(coder="C", said="B", show="open")
        assert len(chosen) == 2
        page.click(f"#several tbody th a >> text={chosen[0]}")
        page.wait_for_selector("#help-open:visible")
        assert "coder=C" in page.url
        assert "1 of 2 picked" in page.inner_text("#head")
        assert page.locator("#go-back").count() == 0
        page.keyboard.press("a")
        page.wait_for_selector("#desk[data-lacks]")
        page.keyboard.press("m")
        page.keyboard.type("why")
        page.keyboard.press("Control+Enter")
        page.wait_for_function("n => document.getElementById('head').dataset.number === n", arg=chosen[1])
        assert "show=open" in page.url
        page.keyboard.press("b")
        page.wait_for_selector("#desk[data-lacks]")
        assert page.locator("#go-on").count() == 0
        page.keyboard.press("m")
        page.keyboard.type("why too")
        page.keyboard.press("Control+Enter")
        page.wait_for_url("**/adjudicate/done?**")
        assert "There are none" in page.inner_text("main"), "all that was picked is decided"
        assert "4 disagreements, 2 decided" in page.inner_text("h1")
        assert troubles == []
        page.context.close()


def test_several_need_a_decision_and_a_reason(packet: Packet) -> None:
    with web_server("--packet", packet.folder, "--adjudicate", "Ada") as server:
        server.enter()
        for fields in (
            {"n1": "on", "do": "as A"},
            {"do": "as A", "memo": "why"},
            {"n1": "on", "memo": "why"},
        ):
            assert form(server, "/adjudicate/several", page="/adjudicate", **fields).status == 409
        assert (
            form(server, "/adjudicate/several", page="/adjudicate", n99="on", do="none", memo="w").status
            == 404
        )
        wrong = form(server, "/adjudicate/several", page="/adjudicate", n1="on", do="first Z", memo="why")
        assert wrong.status == 409
        unknown = form(server, "/adjudicate/several", page="/adjudicate", n1="on", do="missing", memo="why")
        assert unknown.status == 400, "it was decided that no code applies"
        gone = {"n1": "on", "n2": "on", "do": "first C", "memo": "why", "back": "show=open&coder=a~b+c"}
        answer = form(server, "/adjudicate/several", page="/adjudicate", **gone)
        assert answer.headers["location"] == "/adjudicate/all?show=open&coder=a~b+c"
        assert "6 disagreements, 2 decided" in server.page("/adjudicate")
        # A cell of the table that is none narrows to nothing; what is no pair or trace counts as not said or as none.
        assert "There are none" in server.page("/adjudicate/all?row=Z&pair=7")
        assert "There are none" in server.page("/adjudicate/all?trace=%3Cb%3E")


def test_runs_of_two_people(tmp_path: Path) -> None:
    run = make_run(
        tmp_path / "people",
        {"A": list("ABCABC"), "B": list("ABBABA"), "bot": list("CCCCCC")},
        machines=["bot"],
    )
    with web_server(run.folder, "--adjudicate", "Ada", "-o", tmp_path / "gold") as server:
        server.enter()
        page = server.page("/adjudicate")
        assert "2 disagreements, 0 decided" in page
        assert "bot" not in page
        assert server.ask("/read").status == 200
        form(server, "/adjudicate/1", do="as A", memo="as the book says")
        form(server, "/adjudicate/write")
    found = [(c.codes, c.missing_reason) for c in CoderRun(tmp_path / "gold").codings()]
    expected = [(("A",), None), (("B",), None), (("C",), None), (("A",), None), (("B",), None)]
    assert found == [*expected, (None, "not adjudicated yet")]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--packet", "P", "--adjudicate", "Ada"), "A alone has coded in the browser"),
        (("R", "--adjudicate", "Ada"), "-o RUN"),
        (("S", "--adjudicate", "Ada", "-o", "out"), "needs two coders"),
    ],
)
def test_what_cannot_be_adjudicated(
    tmp_path: Path, pcode: Callable[..., Result], words: tuple[str, ...], message: str
) -> None:
    packet = make_packet(tmp_path / "P")
    _open(packet, "A").close()
    make_run(tmp_path / "R", {"A": ["A"], "B": ["B"]})
    make_run(tmp_path / "S", {"A": ["A"]})
    at = [tmp_path / word if word in ("P", "R", "S", "out") else word for word in words]
    result = pcode("web", *at, "--no-browser")
    assert result.exit_code == 2
    assert message in result.output + result.stderr


@pytest.mark.parametrize(("width", "scheme"), looks(WIDTHS))
def test_pages_can_be_used_by_all(browser: Any, tmp_path: Path, width: str, scheme: str) -> None:
    packet = make_packet(tmp_path / "p", codebook=load_codebook("schoen"))
    ids = packet.codebook.code_ids
    for k, who in enumerate("AB"):
        desk = _open(packet, who)
        for i, task in enumerate(from_tasks(packet)):
            desk.change(
                task, codes=(ids[(i + k * (i % 3)) % 10],), memo="왜? 🙂 <script>alert(2)</script>" * (i % 2)
            )
        desk.close()
    with web_server("--packet", packet.folder, "--adjudicate", "Ada") as server:
        size = dict(zip(("width", "height"), WIDTHS[width], strict=True))
        page = browser.new_page(viewport=size, color_scheme=scheme)
        page.goto(server.url)
        troubles = watched(page)
        for name, path in (
            ("over", "/adjudicate"),
            ("one", "/adjudicate/3"),
            ("none", "/adjudicate/all?show=missing"),
        ):
            page.goto(server.base + path)
            if name == "one":
                page.keyboard.press("b")
                page.wait_for_selector("#do-clear:not([disabled])")
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), name
            if (name, width) == ("over", "phone"):
                assert page.locator("#several tbody tr").first.bounding_box()["y"] < 600, (
                    "on the first screen"
                )
                cut = "[...document.querySelectorAll('#several td')].filter(cell => cell.getBoundingClientRect().right > innerWidth)"
                assert page.evaluate(f"{cut}.length") == 0
            picture(page, f"adjudicate-{name}-{width}-{scheme}")
            assert violations(page) == [], name
        assert troubles == []
        page.context.close()
    assert read_log(packet.folder / "adjudicated/ledger.jsonl")[1].n == 1


def test_decision_and_reason_are_in_view_in_a_low_window(browser: Any, packet: Packet) -> None:
    """At 640×400, which is 200 % of a laptop's screen, with nothing in the focus that would unfold them."""
    with web_server("--packet", packet.folder, "--adjudicate", "Ada") as server:
        page = browser.new_page(viewport={"width": 640, "height": 400})
        page.goto(server.url)
        for number in (2, 4):
            page.goto(f"{server.base}/adjudicate/{number}")
            page.wait_for_selector("#help-open:visible")
            page.keyboard.press("b")
            page.wait_for_selector("#do-clear:not([disabled])")
            hidden = page.evaluate(
                """() => [".u.now", ".others tbody td .chip", "#desk .verdict", "#memo", "#do-next", ".handle", ".codes .first"].filter((name) => {
                  const box = document.querySelector(name)?.getBoundingClientRect();
                  const hit = box && document.elementFromPoint(box.left + 6, box.top + Math.min(8, box.height / 2));
                  return !hit || !document.querySelector(name).contains(hit);
                })"""
            )
            assert hidden == []
            assert page.locator("#memo").bounding_box()["width"] > 180
            picture(page, f"adjudicate-{number}-low")
        page.context.close()


def from_tasks(packet: Packet) -> list[str]:
    """Ids of all units in the order of the traces."""
    return [unit.id for units in packet.units.values() for unit in units]
