"""Coders who draw spans in the browser: by mouse and keys, saved before it is shown, imported as they are, agreement as the command line's."""

from __future__ import annotations

import json
import random
import re
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from http.client import HTTPException
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from pedagogy_r1.agreement.continuum import Continuum, Span
from pedagogy_r1.agreement.unitizing import unitizing_alpha
from pedagogy_r1.codebook import Codebook
from pedagogy_r1.codebook.snapshot import dump_codebook
from pedagogy_r1.errors import InputError
from pedagogy_r1.files.records import write_csv, write_jsonl
from pedagogy_r1.human.adjudication_material import from_runs
from pedagogy_r1.human.coding_log import LoggedChange, Work, read_log
from pedagogy_r1.human.drawn_spans import draw_span
from pedagogy_r1.human.packet import Packet, blind_id
from pedagogy_r1.runs.run import CoderRun
from pedagogy_r1.trace import Trace
from pedagogy_r1.web.adjudicate import Adjudication
from pedagogy_r1.web.code_groups import code_groups
from pedagogy_r1.web.pace import reading_left
from pedagogy_r1.web.span_place import SpanPlace
from pedagogy_r1.web.workplace import open_log

from ..packets import HARD, make_packet
from ..web_browser import looks, picture, violations, watched
from ..web_server import WebServer, web_server
from .test_coding_page import ANY, SENTENCES, forty

pytest.importorskip("uvicorn")

WINDOWS = [(390, 844), (1280, 800), (1920, 1080), (640, 400)]


def long_trace(sentences: int, name: str = "sk-1-zebra-okapi") -> Trace:
    """A trace of so many sentences, with an emoji in every fifth, so that code points and UTF-16 part early."""
    chance = random.Random(sentences)
    parts = (("🙂 " if i % 5 == 1 else "") + chance.choice(SENTENCES) for i in range(sentences))
    return Trace(
        id=name, question="Which is larger?", reasoning=" ".join(parts), condition="zebra", model="okapi"
    )


def place_of(packet: Packet, coder: str = "A") -> SpanPlace:
    path = packet.folder / coder / "web.jsonl"
    log = open_log(path, packet.manifest.packet_id, coder, packet.codebook, spans=True)
    return SpanPlace(list(packet.tasks(coder)), packet.units, log)


def drawn(packet: Packet, coder: str) -> list[tuple[str, int, int, str, tuple[str, ...] | None]]:
    """What a coder's log holds: trace, start, end, quote, codes."""
    entries = read_log(packet.folder / coder / "web.jsonl")[1].entries.values()
    spans = [(e.span.document, e.span.start, e.span.end, e.span.quote, e.codes) for e in entries if e.span]
    return sorted(spans)


def small(book: Codebook, **more: Any) -> Codebook:
    return book.model_copy(update=more)


# Without a browser


def test_drawn_trimmed_split_merged_and_taken_back(tmp_path: Path) -> None:
    trace = HARD[0]
    packet = make_packet(tmp_path / "p", [trace], codebook=forty(), spans=True)
    place = place_of(packet)
    text = trace.reasoning
    one = text.index("Wait")
    end = text.index("isn't")
    _, name = place.act(1, {"do": f"draw {one} {end} C01", "quote": text[one:end]})
    assert place.act(1, {"do": f"draw {one} {end} C01", "quote": text[one:end]}) == (1, name), (
        "said twice, drawn once"
    )
    assert place.log.entry(name).span == draw_span(trace, one, end)
    assert text[end - 1] == " ", "and its span has no white space at its ends"
    middle = text.index("is one family")
    place.act(1, {"do": f"split {name} {middle}"})
    first, second = (entry for _, entry in place.spans(place.spot(1)))
    assert (first.codes, second.codes) == (("C01",), ("C01",))
    assert first.span
    assert first.span.quote.endswith("👩‍👩‍👧‍👦")
    assert second.span
    assert second.span.start == middle
    other = next(found for found, entry in place.spans(place.spot(1)) if found != name)
    place.act(1, {"do": f"merge {name} {other}"})
    assert [entry.span for _, entry in place.spans(place.spot(1))] == [draw_span(trace, one, end)]
    place.act(1, {"do": f"trim {name} {one} {middle}"})
    place.act(1, {"do": "memo", "span": name, "memo": "why", "memo_was": ""})
    place.act(1, {"do": f"remove {name}", "span": name})
    assert place.spans(place.spot(1)) == []
    for _ in range(6):
        assert place.log.undoable
        place.act(1, {"do": f"undo {place.log.undoable.n}"})
    assert place.log.undoable is None
    assert place.spans(place.spot(1)) == []
    work = place.log.work
    place.log.close()
    assert read_log(packet.folder / "A/web.jsonl")[1].entries == work.entries


def test_what_cannot_be_drawn_is_refused_and_nothing_is_kept(tmp_path: Path) -> None:
    trace = HARD[0]
    packet = make_packet(tmp_path / "p", [trace], codebook=forty(), spans=True)
    place = place_of(packet)
    _, name = place.act(1, {"do": "draw 0 10 C01"})
    before = (packet.folder / "A/web.jsonl").read_bytes()
    for said, words in (
        ({"do": "draw 5 20"}, "would overlap"),
        ({"do": "draw 12 20", "quote": trace.reasoning[13:21]}, "not the text of the trace"),
        ({"do": f"draw 20 {len(trace.reasoning) + 1}"}, "nothing to draw"),
        ({"do": "draw 20 20"}, "nothing to draw"),
        ({"do": f"split {name} 0"}, "within it"),
        ({"do": f"merge {name} {name}"}, "another one"),
        ({"do": f"merge {name} s00"}, "not there any more"),
        ({"do": "first C01", "span": "s00"}, "no span is chosen"),
        ({"do": "draw 20 30 XX"}, "no code"),
    ):
        with pytest.raises(InputError, match=words):
            place.act(1, said)
    assert (packet.folder / "A/web.jsonl").read_bytes() == before
    place.log.close()


def test_overlap_where_the_codebook_allows_it(tmp_path: Path) -> None:
    packet = make_packet(tmp_path / "p", [HARD[0]], codebook=small(forty(), overlap=True), spans=True)
    place = place_of(packet)
    place.act(1, {"do": "draw 0 10 C01"})
    place.act(1, {"do": "draw 5 20 C02"})
    with pytest.raises(InputError, match="already just there"):
        place.act(1, {"do": f"trim {place.spans(place.spot(1))[1][0]} 0 10"})
    assert len(place.spans(place.spot(1))) == 2
    place.log.close()


def test_sample_import_and_status(tmp_path: Path, pcode: Callable[..., Result]) -> None:
    """Traces drawn by the command, one for practice; what was drawn in it, and by whom it was not asked, is not taken."""
    write_jsonl(tmp_path / "traces.jsonl", (t.model_dump(mode="json", exclude_defaults=True) for t in HARD))
    (tmp_path / "book.yaml").write_text(dump_codebook(small(forty(), unit="span")), encoding="utf-8")
    words = (
        "--n",
        "2",
        "--practice",
        "1",
        "--strata",
        "",
        "--coders",
        "A,B",
        "--codebook",
        tmp_path / "book.yaml",
    )
    result = pcode("sample", tmp_path / "traces.jsonl", "-o", tmp_path / "p", *words)
    assert result.exit_code == 0, result.output + result.stderr
    assert "coders draw spans of their own" in result.output
    packet = Packet(tmp_path / "p")
    assert packet.manifest.spans
    assert packet.manifest.whole_traces
    with_units = pcode("sample", tmp_path / "traces.jsonl", "-o", tmp_path / "q", *words, "--what", "units")
    assert with_units.exit_code == 2
    assert "whole traces" in with_units.stderr
    for coder, shift in (("A", 0), ("B", 2)):
        place = place_of(packet, coder)
        for spot in place.spots:
            text = spot.trace.reasoning
            place.act(spot.number, {"do": f"draw {shift} 14 C01", "quote": text[shift:14]})
            place.act(spot.number, {"do": f"draw 15 {len(text)} C02", "quote": text[15:]})
            if coder == "A":
                place.act(spot.number, {"do": "next"})
        place.log.close()
    logs = [packet.folder / coder / "web.jsonl" for coder in "AB"]
    result = pcode("import", "--packet", packet.folder, *logs, "-o", tmp_path / "run")
    assert result.exit_code == 0, result.output + result.stderr
    run = CoderRun(tmp_path / "run")
    assert run.manifest.scheme.startswith("given@")
    practised = {task.trace.id for task in packet.tasks("A") if task.practice}
    found = {trace.id: (units, codings) for trace, units, codings in run.by_trace()}
    assert len(found) == 2
    assert not practised & found.keys()
    for trace_id, (units, codings) in found.items():
        text = packet.traces[trace_id].reasoning
        assert all(unit.text == text[unit.start : unit.end] for unit in units)
        by = {unit.id: (unit.start, unit.end) for unit in units}
        mine = sorted((c.coder, *by[c.unit_id], c.codes) for c in codings)
        whole = draw_span(packet.traces[trace_id], 15, len(text)).place
        assert mine == [
            ("A", *draw_span(packet.traces[trace_id], 0, 14).place, ("C01",)),
            ("A", *whole, ("C02",)),
            ("B", *draw_span(packet.traces[trace_id], 2, 14).place, ("C01",)),
            ("B", *whole, ("C02",)),
        ]
    rows = [["trace_id", "start", "end", "quote", "coder", "code"]]
    rows += [
        [where, a, b, quote, "B", "; ".join(codes or ())] for where, a, b, quote, codes in drawn(packet, "B")
    ]
    write_csv(tmp_path / "B.csv", rows)
    result = pcode(
        "import", "--packet", packet.folder, logs[0], tmp_path / "B.csv", "-o", tmp_path / "from csv"
    )
    assert result.exit_code == 0, result.output + result.stderr
    again = CoderRun(tmp_path / "from csv")
    assert again.manifest.scheme == run.manifest.scheme, "spans from a table are the same units"
    assert [(c.unit_id, c.coder, c.codes) for c in again.codings()] == [
        (c.unit_id, c.coder, c.codes) for c in run.codings()
    ]
    write_csv(tmp_path / "units.csv", [["unit_id", "coder", "code"], ["u00", "B", "C01"]])
    by_unit = pcode("import", "--packet", packet.folder, tmp_path / "units.csv", "-o", tmp_path / "none")
    assert by_unit.exit_code == 2
    assert "draw spans, and these files name units by unit_id" in by_unit.stderr
    status = pcode("status", tmp_path)
    assert "traces done in the browser: A 2 of 2, B 0 of 2" in " ".join(status.output.split())
    gold = pcode("web", "--packet", packet.folder, "--coder", "A", "--gold", tmp_path / "run", "--no-browser")
    assert gold.exit_code == 2
    assert "leave --gold out" in gold.stderr
    refused = pcode("packet", "write", packet.folder, "--format", "xlsx")
    assert refused.exit_code == 2
    assert "its coders draw spans" in refused.stderr
    sent = pcode("packet", "write", packet.folder, "--format", "label-studio")
    assert sent.exit_code == 0, sent.stderr


def test_sigkill_loses_nothing_that_was_answered(tmp_path: Path) -> None:
    """Spans are drawn, split and merged as fast as the server answers; it is killed at any moment, three times over."""
    packet = make_packet(tmp_path / "p", [long_trace(60)], codebook=forty(), spans=True)
    path = packet.folder / "A/web.jsonl"
    chance, rounds = random.Random(3), []
    for _ in range(3):
        with web_server("--packet", packet.folder, "--coder", "A") as server:
            answers: list[list[list[Any]]] = []
            worker = threading.Thread(target=_busy, args=(server, packet, answers, chance.random()))
            worker.start()
            while len(answers) < 12:
                threading.Event().wait(0.01)
            threading.Event().wait(chance.random() / 4)
            server.process.kill()
            worker.join(60)
        confirmed = sorted((name, start, end) for name, start, end, *_ in answers[-1])
        states = _states(path)
        # What was sent last may have been written without its answer having come through; a split is there whole or not at all.
        assert confirmed in states[-2:]
        rounds.append(len(states))
    assert rounds == sorted(set(rounds))


def _busy(server: WebServer, packet: Packet, answers: list[list[list[Any]]], seed: float) -> None:
    chance, units = random.Random(seed), packet.units["sk-1-zebra-okapi"]
    try:
        server.enter()
        token = server.page("/code/1").split('<meta name="csrf" content="')[1].split('"')[0]
        held: list[list[Any]] = []
        while True:
            unit = chance.choice(units)
            said = f"draw {unit.start} {unit.end} C01"
            if held and chance.random() < 0.7:
                one = chance.choice(held)
                at = held.index(one)
                said = f"split {one[0]} {(one[1] + one[2]) // 2}"
                if at + 1 < len(held) and chance.random() < 0.5:
                    said = f"merge {one[0]} {held[at + 1][0]}"
            answer = server.post("/code/1", {"csrf": token, "do": said}, **{"X-Part": "1", "X-View": "1"})
            if answer.status == 200:
                held = json.loads(answer.text.split("data-own='")[1].split("'")[0])
                answers.append(held)
    except (OSError, AssertionError, HTTPException):
        return  # killed


def _states(path: Path) -> list[list[tuple[str, int, int]]]:
    """The spans after each thing that was said: after each line, or all lines of a batch."""
    spans: dict[str, tuple[str, int, int]] = {}
    states: list[list[tuple[str, int, int]]] = [[]]
    batch = 0
    for change in read_log(path)[1].changes:
        spans.pop(change.unit_id, None)
        if change.span:
            spans[change.unit_id] = (change.unit_id, change.span.start, change.span.end)
        if change.batch and change.batch == batch:
            states.pop()
        batch = change.batch
        states.append(sorted(spans.values()))
    return states


# In a browser


def own(page: Any) -> list[list[Any]]:
    """The spans that the page has, as the server said them: name, start, end, codes, letters."""
    found: list[list[Any]] = page.evaluate("() => JSON.parse(document.getElementById('head').dataset.own)")
    return found


def spans_are(page: Any, expected: list[tuple[str, str]]) -> None:
    """Wait until the text shows just these spans: their text, and their codes."""
    page.wait_for_function(
        """expected => {
          const found = new Map();
          for (const one of document.querySelectorAll("#running .g")) {
            const text = [...one.childNodes].filter((node) => !(node.classList && node.classList.contains("g"))).map((node) => node.textContent).join("");
            const [before, codes] = found.get(one.dataset.id) ?? ["", ""];
            found.set(one.dataset.id, [before + text, codes || (one.dataset.said ?? "")]);
          }
          return JSON.stringify([...found.values()].map(([text, codes]) => [text.trim(), codes])) === JSON.stringify(expected);
        }""",
        arg=[list(one) for one in expected],
    )


def mark(page: Any, first: str, last: str) -> None:
    """Pull the mouse from the beginning of the one text to the end of the other, first occurrence each."""
    box = page.evaluate(
        """([first, last]) => {
          const place = (words, end) => {
            const walk = document.createTreeWalker(document.getElementById("running"), NodeFilter.SHOW_TEXT);
            while (walk.nextNode()) {
              const at = walk.currentNode.data.indexOf(words);
              if (at < 0) continue;
              const range = document.createRange();
              range.setStart(walk.currentNode, end ? at + words.length - 1 : at);
              range.setEnd(walk.currentNode, end ? at + words.length : at + 1);
              const box = range.getBoundingClientRect();
              return [end ? box.right - 1 : box.left + 1, box.top + box.height / 2];
            }
            return null;
          };
          return [place(first, false), place(last, true)];
        }""",
        [first, last],
    )
    (x, y), (to_x, to_y) = box
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move((x + to_x) / 2, (y + to_y) / 2)
    page.mouse.move(to_x, to_y)
    page.mouse.up()


def ready(page: Any) -> None:
    page.wait_for_selector("#help-open:visible")


def test_by_mouse(browser: Any, tmp_path: Path) -> None:
    """Words that are touched are taken whole; the ends are pulled; a click chooses where to split; Shift and a click merge."""
    trace = Trace(id="t", reasoning="🙂 One two three four. Five six seven. Eight nine ten eleven.")
    packet = make_packet(tmp_path / "p", [trace], codebook=forty(10, 2), spans=True)
    with web_server("--packet", packet.folder, "--coder", "A") as server:
        page = browser.new_page()
        page.goto(server.url)
        troubles = watched(page)
        ready(page)
        mark(page, "wo three", "three fo")
        page.wait_for_selector(".sel")
        assert page.inner_text(".sel") == "two three four."
        page.click('[data-code="C02"] .first')
        spans_are(page, [("two three four.", "C02")])
        mark(page, "Eight", "nine")
        page.wait_for_selector(".sel")
        page.click("#do-draw")
        spans_are(page, [("two three four.", "C02"), ("Eight nine", "no code")])
        grip = page.locator('.grip[data-edge="end"]').bounding_box()
        page.mouse.move(grip["x"] + 2, grip["y"] + 8)
        page.mouse.down()
        page.mouse.move(grip["x"] + 60, grip["y"] + 8)
        page.mouse.up()
        page.wait_for_function("() => JSON.parse(document.getElementById('head').dataset.own)[1][2] > 50")
        longer = "Eight nine ten" if "eleven" not in page.inner_text(".g.now") else "Eight nine ten eleven."
        spans_are(page, [("two three four.", "C02"), (longer, "no code")])
        page.click('.g[data-said="C02"]')
        page.wait_for_selector('.g.now[data-said="C02"]')
        page.locator('.g[data-said="no code"]').click(modifiers=["Shift"])
        whole = f"two three four. Five six seven. {longer}"
        spans_are(page, [(whole, "C02")])
        page.click("#do-undo")
        spans_are(page, [("two three four.", "C02"), (longer, "no code")])
        page.click("#do-undo")
        spans_are(page, [("two three four.", "C02"), ("Eight nine", "no code")])
        page.click('.g[data-said="C02"]')
        page.wait_for_selector('.g.now[data-said="C02"]')
        mark_click = page.evaluate(
            """() => { const walk = document.createTreeWalker(document.querySelector(".g.now"), NodeFilter.SHOW_TEXT);
              while (walk.nextNode()) { const at = walk.currentNode.data.indexOf("four"); if (at < 0) continue;
                const range = document.createRange(); range.setStart(walk.currentNode, at); range.setEnd(walk.currentNode, at + 2);
                const box = range.getBoundingClientRect(); return [box.left + 3, box.top + box.height / 2]; } }"""
        )
        page.mouse.click(*mark_click)
        page.wait_for_selector(".cut")
        page.click("#do-split")
        spans_are(page, [("two three", "C02"), ("four.", "C02"), ("Eight nine", "no code")])
        mark(page, "three", "four")  # over a span that is there: said, and nothing is drawn
        page.wait_for_selector(".sel")
        page.click("#do-draw")
        page.wait_for_selector("#trouble:visible")
        assert "would overlap" in page.inner_text("#trouble")
        page.click("#snap")
        mark(page, "ive", "Five")
        page.wait_for_function(
            "() => document.querySelector('.sel')?.textContent.trim() === 'Five six seven.'"
        )
        assert [trouble for trouble in troubles if "409" not in trouble] == [], troubles
        page.context.close()
    assert [(a, b, quote) for _, a, b, quote, _ in drawn(packet, "A")] == [
        (6, 15, "two three"),
        (16, 21, "four."),
        (38, 48, "Eight nine"),
    ]


def test_by_keys(browser: Any, tmp_path: Path) -> None:
    """Sentence and code: two keys a span; words, ends, split, merge, memo, undo, removal."""
    trace = Trace(id="t", reasoning="🙂 One two three four. Five six seven. Eight nine ten eleven.")
    packet = make_packet(tmp_path / "p", [trace], codebook=forty(10, 2), spans=True)
    with web_server("--packet", packet.folder, "--coder", "A") as server:
        page = browser.new_page()
        page.goto(server.url)
        troubles = watched(page)
        ready(page)

        def keys(*those: str) -> None:
            for key in those:
                page.keyboard.press(key)

        keys("j", "Digit1", "j", "Digit2")
        a, b, c = "🙂 One two three four.", "Five six seven.", "Eight nine ten eleven."
        spans_are(page, [(a, "C01"), (b, "C02")])
        keys(",", "Shift+ArrowLeft", "Shift+ArrowLeft")
        spans_are(page, [("🙂 One two", "C01"), (b, "C02")])
        keys("b", "Shift+ArrowRight")
        spans_are(page, [("One two", "C01"), (b, "C02")])
        keys("b", "Shift+J")
        spans_are(page, [("One two three four.", "C01"), (b, "C02")])
        keys("ArrowRight", "ArrowRight", "v")
        spans_are(page, [("One two", "C01"), ("three four.", "C01"), (b, "C02")])
        keys(".", "w")
        spans_are(page, [("One two", "C01"), (f"three four. {b}", "C01")])
        keys("u", "u")
        spans_are(page, [("One two three four.", "C01"), (b, "C02")])
        keys(".")
        page.wait_for_selector('.g.now[data-said="C02"]')
        keys("Shift+Digit3", "m")
        page.keyboard.type("because")
        keys("Escape", "f")  # while the code may still be on its way
        page.wait_for_selector('.g[data-marks="fm"]')
        keys(
            "j",
            "ArrowRight",
            "Shift+ArrowRight",
            "Shift+ArrowRight",
            "Shift+ArrowLeft",
            "Enter",
            "Digit4",
            "Delete",
        )
        spans_are(page, [("One two three four.", "C01"), (b, "C02 C03")])
        keys("u", "u")
        spans_are(page, [("One two three four.", "C01"), (b, "C02 C03"), ("Eight nine", "no code")])
        keys("r")
        page.wait_for_url("**/code/done")
        assert troubles == []
        page.context.close()
    assert c in trace.reasoning
    found = drawn(packet, "A")
    assert [quote for _, _, _, quote, _ in found][:2] == ["One two three four.", b]
    assert found[1][4] == ("C02", "C03")
    assert all(trace.reasoning[start:end] == quote for _, start, end, quote, _ in found)
    entries = read_log(packet.folder / "A/web.jsonl")[1].entries
    assert entries[blind_id("t")].read


def test_steps_go_by_what_is_in_no_span_yet(browser: Any, tmp_path: Path) -> None:
    """Down and up again: the parts of a sentence beside a span, and the span of a sentence that is all in one."""
    trace = Trace(id="t", reasoning="One two three four. Five six seven. Eight nine ten.")
    packet = make_packet(tmp_path / "p", [trace], codebook=forty(10, 2), spans=True)
    place = place_of(packet)
    for words in ("two three", "Five six seven."):
        start = trace.reasoning.index(words)
        place.act(1, {"do": f"draw {start} {start + len(words)} C01"})
    place.log.close()
    parts = ["One", "four.", "Five six seven.", "Eight nine ten."]
    with web_server("--packet", packet.folder, "--coder", "A") as server:
        page = browser.new_page()
        page.goto(server.url)
        ready(page)
        for key, words in [("j", one) for one in parts] + [("k", one) for one in reversed(parts[:-1])]:
            page.keyboard.press(key)
            page.wait_for_function(
                "words => document.querySelector('.sel, .g.now')?.textContent === words", arg=words
            )
        page.context.close()


def test_spans_that_overlap_are_all_seen(browser: Any, tmp_path: Path) -> None:
    """Three over the same words: a line for each under them, none on another, in the colours of their codes."""
    book = small(forty(10, 2), overlap=True)
    packet = make_packet(tmp_path / "p", [long_trace(6)], codebook=book, spans=True)
    place = place_of(packet)
    ends = [unit.end for unit in place.spot(1).units]
    starts = [unit.start for unit in place.spot(1).units]
    for start, end, code in (
        (starts[0], ends[2], "C01"),
        (starts[1], ends[3], "C02"),
        (starts[1], ends[1], "C03"),
        (starts[4], ends[4], "C04"),
    ):
        place.act(1, {"do": f"draw {start} {end} {code}"})
    place.log.close()
    with web_server("--packet", packet.folder, "--coder", "A") as server:
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        page.goto(server.url)
        ready(page)
        lines = page.evaluate(
            """() => {
              const inner = [...document.querySelectorAll("#running .g .g .g")][0], found = [];
              for (let one = inner; one.classList.contains("g"); one = one.parentElement) found.push([one.getClientRects()[0].bottom, getComputedStyle(one).borderBottomColor]);
              return found;
            }"""
        )
        assert len(lines) == 3
        assert all(below[0] - above[0] >= 3 for above, below in pairwise(lines))
        assert len({color for _, color in lines}) == 3
        assert page.locator(".g").first.evaluate("one => getComputedStyle(one).display") == "inline"
        assert page.locator(".g.overlapping[data-said=C04]").count() == 0, "what overlaps nothing has no line"
        boxes = page.evaluate(
            "() => [...document.querySelectorAll('#ribbon rect')].map((one) => [one.getAttribute('y'), one.getAttribute('height')].map(Number))"
        )
        assert len({y for y, _ in boxes[:3]}) == 3
        assert boxes[3] == [0, 1]
        picture(page, "spans-overlap")
        page.context.close()


@pytest.mark.parametrize(("window", "scheme"), looks(WINDOWS, lambda size: f"{size[0]}x{size[1]}"))
def test_text_codes_and_answer_are_on_the_screen(
    browser: Any, tmp_path: Path, window: tuple[int, int], scheme: str
) -> None:
    book = small(forty(10, 2), overlap=True)
    packet = make_packet(tmp_path / "p", [long_trace(120), long_trace(20, "b")], codebook=book, spans=True)
    place = place_of(packet)
    spot = place.spot(1)
    units = spot.units
    for i in range(0, min(len(units), 60), 3):
        place.act(1, {"do": f"draw {units[i].start} {units[i].end - 4} {book.code_ids[i % 10]}"})
    place.act(1, {"do": f"draw {units[3].start + 4} {units[4].end} C05"})
    _, name = place.act(1, {"do": f"draw {units[1].start} {units[1].end}"})
    place.act(1, {"do": "flag", "span": name, "memo": "a memo", "memo_was": ""})
    place.log.close()
    with web_server("--packet", packet.folder, "--coder", "A") as server:
        page = browser.new_page(
            viewport=dict(zip(("width", "height"), window, strict=True)), color_scheme=scheme
        )
        page.goto(server.url)
        troubles = watched(page)
        ready(page)
        picture(page, f"spans-{window[0]}-{scheme}-begin")
        assert violations(page, least=ANY) == []
        page.goto(f"{server.base}/code/1?span={name}")
        ready(page)
        assert page.evaluate(SEEN) == []
        page.keyboard.press("j")
        page.wait_for_selector(".sel")
        assert page.evaluate(SEEN) == []
        picture(page, f"spans-{window[0]}-{scheme}")
        assert violations(page, least=ANY) == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        page.keyboard.press("?")
        assert violations(page, least=ANY) == []
        picture(page, f"spans-{window[0]}-{scheme}-help")
        for path in ("all", "done"):
            page.goto(f"{server.base}/code/{path}")
            assert violations(page, least=ANY) == []
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
            wide = "[...document.querySelectorAll('.scroll')].some(box => box.scrollWidth > box.clientWidth)"
            assert not page.evaluate(wide), "no row of the list is cut"
            picture(page, f"spans-{window[0]}-{scheme}-{path}")
        assert troubles == []
        page.context.close()


SEEN = """() => {
  const seen = (element) => {
    const box = element?.getClientRects()[0];
    if (!box) return false;
    const [x, y] = [box.left + Math.min(12, box.width / 2), box.top + box.height / 2];
    const hit = x >= 0 && y >= 0 && x < innerWidth && y < innerHeight ? document.elementFromPoint(x, y) : null;
    return hit !== null && (element.contains(hit) || hit.contains(element));
  };
  const found = { span: seen(document.querySelector(".sel") ?? document.querySelector(".g.now")), answer: seen(document.querySelector(".verdict")),
    codes: seen(document.querySelector(".handle")) || seen(document.querySelector(".codes .first")), next: seen(document.getElementById("do-next")), acts: seen(document.getElementById("do-draw")) };
  return Object.keys(found).filter((name) => !found[name]);
}"""


@pytest.mark.parametrize(("size", "most"), [(10, 1), pytest.param(40, 2, marks=pytest.mark.whole)])
def test_thirty_spans_by_keys(browser: Any, tmp_path: Path, size: int, most: int) -> None:
    """As fast as they come, and no mouse: a span for every sentence, each with the code that was meant."""
    packet = make_packet(tmp_path / "p", [long_trace(30)], codebook=forty(size, size // 5), spans=True)
    keys = {code.id: key for group in code_groups(packet.codebook) for code, key in group.codes}
    chance = random.Random(size)
    meant = [chance.choice(packet.codebook.code_ids) for _ in range(30)]
    with web_server("--packet", packet.folder, "--coder", "A") as server:
        page = browser.new_page()
        page.goto(server.url)
        troubles = watched(page)
        ready(page)
        for key in ("o", "j"):
            page.keyboard.press(key)
        pressed = 0
        for code in meant:
            for key in keys[code]:
                page.keyboard.press(f"Digit{key}")
                pressed += 1
        page.wait_for_function("() => JSON.parse(document.getElementById('head').dataset.own).length === 30")
        assert troubles == []
        page.context.close()
    assert pressed <= most * 30
    units = packet.units["sk-1-zebra-okapi"]
    assert [(a, b, codes) for _, a, b, _, codes in drawn(packet, "A")] == [
        (unit.start, unit.end, (code,)) for unit, code in zip(units, meant, strict=True)
    ]


def test_by_touch(browser: Any, tmp_path: Path) -> None:
    """What a long press marks is taken as whole words once it rests."""
    trace = Trace(id="t", reasoning="🙂 One two three four. Five six seven.")
    packet = make_packet(tmp_path / "p", [trace], codebook=forty(10, 2), spans=True)
    with web_server("--packet", packet.folder, "--coder", "A") as server:
        page = browser.new_page(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
        page.goto(server.url)
        ready(page)
        page.tap("#unit-title")
        page.evaluate(
            """() => { const walk = document.createTreeWalker(document.getElementById("running"), NodeFilter.SHOW_TEXT);
              let last; while (walk.nextNode()) last = walk.currentNode;
              getSelection().setBaseAndExtent(last, last.data.indexOf("ive"), last, last.data.indexOf("ix s")); }"""
        )
        page.wait_for_function("() => document.querySelector('.sel')?.textContent === 'Five six'")
        line = page.locator(".told")
        assert line.inner_text().endswith("chosen: a code draws it")
        assert line.evaluate("line => line.scrollWidth <= line.clientWidth"), (
            "the quote is cut, not what to do"
        )
        page.tap('[data-code="C03"] .first')
        page.wait_for_selector('.g.now[data-said="C03"]')
        page.context.close()
    assert [quote for _, _, _, quote, _ in drawn(packet, "A")] == ["Five six"]


CODERS = ("A", "B")


def heard(context: Any) -> list[bytes]:
    """The bodies of all answers that a browser gets from here on."""
    bodies: list[bytes] = []

    def take(response: Any) -> None:
        if response.request.resource_type in ("document", "fetch") and response.status == 200:
            bodies.append(response.body())

    context.on("response", take)
    return bodies


def draw_by_keys(page: Any, code: str) -> None:
    """Choose the next sentence and draw it with a code of two keys; wait until the page says that it is saved."""
    before = len(own(page))
    page.keyboard.press("j")
    number = int(code[1:]) - 1
    page.keyboard.press(f"Digit{number // 5 + 1}")
    page.keyboard.press(f"Digit{number % 5 + 1}")
    page.wait_for_function(
        "before => JSON.parse(document.getElementById('head').dataset.own).length > before", arg=before
    )


def act_by_keys(page: Any, *keys: str) -> None:
    """Change the span that is chosen, and wait until the page has it."""
    before = page.get_attribute("#head", "data-own")
    for key in keys:
        page.keyboard.press(key)
    page.wait_for_function("before => document.getElementById('head').dataset.own !== before", arg=before)


def test_two_coders_a_long_trace_a_kill_and_the_agreement(
    browser: Any, tmp_path: Path, pcode: Callable[..., Result]
) -> None:
    """The whole way, on a trace of 900 sentences and a book of 40 codes; the server is killed in the middle."""
    traces = [long_trace(900), long_trace(30, "sk-2-free-qwq")]
    write_jsonl(tmp_path / "traces.jsonl", (t.model_dump(mode="json", exclude_defaults=True) for t in traces))
    (tmp_path / "book.yaml").write_text(dump_codebook(forty()), encoding="utf-8")
    words = (
        "--fraction",
        "1",
        "--strata",
        "",
        "--coders",
        "A,B",
        "--spans",
        "--codebook",
        tmp_path / "book.yaml",
    )
    result = pcode("sample", tmp_path / "traces.jsonl", "-o", tmp_path / "p", *words)
    assert result.exit_code == 0, result.output + result.stderr
    packet = Packet(tmp_path / "p")
    contexts = {who: browser.new_context(viewport={"width": 1400, "height": 900}) for who in CODERS}
    pages = {who: context.new_page() for who, context in contexts.items()}
    bodies = {who: heard(context) for who, context in contexts.items()}
    served = ("--packet", packet.folder, "--coder", "A", "--coder", "B")
    chance = random.Random(11)
    common = [f"C{chance.randrange(1, 41):02}" for _ in range(12)]
    shown: dict[str, str] = {}
    with web_server(*served) as server:
        for who, page in pages.items():
            page.goto(server.urls[who])
            ready(page)
            while "sk-1" not in name_of(packet, who, page):
                page.keyboard.press("]")
                page.wait_for_function("() => document.getElementById('head').dataset.number === '2'")
            assert page.locator("#running > span").count() == 900
        for i, code in enumerate(common):
            draw_by_keys(pages["A"], code)
            draw_by_keys(pages["B"], code if i % 3 else "C40")
        act_by_keys(pages["A"], "Shift+ArrowLeft")
        act_by_keys(pages["B"], "b", "Shift+ArrowRight")
        for who, page in pages.items():
            page.keyboard.press("m")
            page.keyboard.type(f"secret of {who}")
            page.wait_for_function(
                "() => document.getElementById('desk').elements.memo_was.value.startsWith('secret of')"
            )
            page.keyboard.press("Escape")
            act_by_keys(page, ",", "ArrowRight", "ArrowRight", "v")
            act_by_keys(page, ",", "w")
            shown[who] = page.get_attribute("#head", "data-own")
        server.process.kill()
        server.process.wait()
        for who, page in pages.items():
            page.keyboard.press("c")
            page.wait_for_selector("#trouble:visible")
            assert "Not saved" in page.inner_text("#trouble")
            assert page.get_attribute("#head", "data-own") == shown[who], "what is shown is what was saved"
    troubles = []
    with web_server(*served) as server:
        for who, page in pages.items():
            number = page.get_attribute("#head", "data-number")
            page.goto(server.urls[who])
            page.goto(f"{server.base}/code/{number}")
            ready(page)
            troubles.append(watched(page))
            assert own(page) == json.loads(shown[who]), "a kill lost what had been shown"
            text = packet.traces["sk-1-zebra-okapi"].reasoning
            unit = packet.units["sk-1-zebra-okapi"][700]
            page.locator("#running > span").nth(700).scroll_into_view_if_needed()
            left, top = (
                page.locator("#running > span")
                .nth(700)
                .evaluate(
                    "one => { const box = one.getClientRects()[0]; return [box.left + 5, box.top + box.height / 2]; }"
                )
            )
            page.mouse.click(left, top)
            page.wait_for_selector(".sel")
            page.click('.family[data-key="8"] > summary')
            page.click('[data-code="C39"] .first')
            page.wait_for_selector('.g.now[data-said="C39"]')
            start, end = own(page)[-1][1:3]
            assert unit.start <= start < end <= unit.end
            assert text[start:end] == page.inner_text(".g.now").strip()
            shown[who] = page.get_attribute("#head", "data-own")
        for context in contexts.values():
            context.close()
    assert troubles == [[], []]
    for who, other in (("A", "B"), ("B", "A")):
        mine = {name for name, *_ in json.loads(shown[who])}
        theirs = [name for name, *_ in json.loads(shown[other]) if name not in mine]
        for word in (f"secret of {other}", "zebra", "okapi", "sk-1", *theirs):
            assert not [body for body in bodies[who] if word.encode() in body], f"{who} was told {word}"
        assert [body for body in bodies[who] if f"secret of {who}".encode() in body]
    _agreement(packet, shown, tmp_path, pcode)
    _adjudicated(browser, packet, shown, tmp_path, pcode)


def name_of(packet: Packet, who: str, page: Any) -> str:
    """The trace that a coder's page shows, by its number."""
    order = list(dict.fromkeys(task.trace.id for task in packet.tasks(who)))
    return order[int(page.get_attribute("#head", "data-number")) - 1]


def _agreement(packet: Packet, shown: dict[str, str], tmp_path: Path, pcode: Callable[..., Result]) -> None:
    """What the pages showed, against what the commands read and say."""
    logs = [packet.folder / who / "web.jsonl" for who in CODERS]
    result = pcode("import", "--packet", packet.folder, *logs, "-o", tmp_path / "run")
    assert result.exit_code == 0, result.output + result.stderr
    trace = packet.traces["sk-1-zebra-okapi"]
    seen = {
        who: [Span(a, b, codes.split()[0] or None) for _, a, b, codes, _ in json.loads(shown[who])]
        for who in CODERS
    }
    expected = unitizing_alpha([Continuum(trace.id, len(trace.reasoning), seen)])
    said = pcode("unitizing", tmp_path / "run", "--json")
    assert said.exit_code == 0, said.stderr
    found = json.loads(said.stdout)
    for name, one in (("u", expected.u), ("binary", expected.binary), ("coded", expected.coded)):
        assert found[name]["value"] == one.value
    assert {name: one["value"] for name, one in found["per_code"].items()} == {
        name: one.value for name, one in expected.per_code.items()
    }
    assert 0 < found["u"]["value"] < 1
    assert found["coded"]["value"] < found["binary"]["value"], (
        "they drew nearly alike, and coded a third differently"
    )
    alike = {(s.start, s.end) for s in seen["A"]} & {(s.start, s.end) for s in seen["B"]}
    agreement = pcode("agreement", tmp_path / "run", "--json")
    assert agreement.exit_code == 0, agreement.stderr
    own_spans = json.loads(agreement.stdout)["chosen_spans"]["A – B"]
    assert own_spans["alike"] == len(alike)


def _adjudicated(
    browser: Any, packet: Packet, shown: dict[str, str], tmp_path: Path, pcode: Callable[..., Result]
) -> None:
    """What was drawn alike and coded differently, decided one by one; the packet itself is sent the right way."""
    by = {
        who: {(a, b): tuple(codes.split()) for _, a, b, codes, _ in json.loads(shown[who])} for who in CODERS
    }
    differ = [place for place in sorted(by["A"].keys() & by["B"].keys()) if by["A"][place] != by["B"][place]]
    assert len(differ) > 1
    alone = {
        place: who for who in CODERS for place in by[who] if sum(place in one for one in by.values()) == 1
    }
    refused = pcode("web", "--packet", packet.folder, "--adjudicate", "Ada", "--no-browser")
    assert refused.exit_code == 2
    assert "pcode import --packet" in refused.stderr
    words = (tmp_path / "run", "--packet", packet.folder, "--adjudicate", "Ada", "-o", tmp_path / "gold")
    with web_server(*words) as server:
        page = browser.new_page(viewport={"width": 1400, "height": 900})
        page.goto(server.url)
        troubles = watched(page)
        assert f"{len(differ) + len(alone)} disagreements, 0 decided" in page.inner_text("h1")
        page.click("a.primary")
        ready(page)
        for number in range(1, len(differ) + len(alone) + 1):
            page.wait_for_function(
                "n => document.getElementById('head').dataset.number === String(n)", arg=number
            )
            page.keyboard.press("a")
            page.wait_for_selector("#desk[data-lacks]")
            page.keyboard.press("m")
            page.keyboard.type("as A drew it")
            page.keyboard.press("Control+Enter")
        page.wait_for_url("**/adjudicate/done")
        page.click("text=Export the decisions")
        page.wait_for_selector("text=Written to")
        assert troubles == []
        page.context.close()
    gold = CoderRun(tmp_path / "gold")
    found = {}
    for _, units, codings in gold.by_trace():
        at = {unit.id: (unit.start, unit.end) for unit in units}
        found |= {at[coding.unit_id]: coding for coding in codings}
    assert {place: found[place].codes for place in differ} == {place: by["A"][place] for place in differ}
    assert all(found[place].rationale == "as A drew it" for place in differ)
    kept = {place: found[place].codes for place in alone if place in found}
    assert kept == {place: by["A"][place] for place, who in alone.items() if who == "A"}


def test_time_left_where_spans_are_drawn() -> None:
    """By the characters that were gone through and the time between what was said, a long break left out."""
    work, at = Work(), datetime(2026, 1, 1, 9, tzinfo=UTC)
    for n in range(1, 13):
        at += timedelta(seconds=3600 if n == 6 else 60)
        work.take(LoggedChange(n=n, at=at.isoformat(), unit_id=f"s{n}"), n + 1)
    assert [reading_left(work, *sizes) for sizes in ((1000, 500), (1000, 6000), (1000, 0), (0, 500))] == [
        "about 5 min",
        "about 1 h 00 min",
        "",
        "",
    ]
    assert reading_left(Work(), 1000, 500) == "", "nothing to go by"


def drawn_by_two(tmp_path: Path, pcode: Callable[..., Result]) -> tuple[Packet, Path]:
    """Of two traces: one span that both drew alike, one that A alone drew, which overlaps one that B alone drew; B drew nothing in
    the second, and has read only that to its end. Both wrote to each other. The packet, and its import."""
    packet = make_packet(tmp_path / "p", [long_trace(9), long_trace(9, "sk-2-free-qwq")], spans=True)
    ends = [unit.end for unit in packet.units["sk-1-zebra-okapi"]]
    for coder in CODERS:
        place = place_of(packet, coder)
        by = {spot.trace.id: spot.number for spot in place.spots}
        first, second = by["sk-1-zebra-okapi"], by["sk-2-free-qwq"]
        _, both = place.act(first, {"do": f"draw 0 {ends[0]} A"})
        place.act(first, {"do": "comment", "span": both, "comment": f"{coder} sees it so"}, coder)
        place.act(first, {"do": f"draw {ends[1]} {ends[2 if coder == 'A' else 3]} B"})
        if coder == "A":
            place.act(second, {"do": f"draw 0 {ends[0]} C"})
        else:
            place.act(second, {"do": "next"})
        place.log.close()
    logs = [packet.folder / coder / "web.jsonl" for coder in CODERS]
    result = pcode("import", "--packet", packet.folder, *logs, "-o", tmp_path / "run")
    assert result.exit_code == 0, result.output + result.stderr
    return packet, tmp_path / "run"


def test_a_span_that_one_drew_is_kept_or_not(tmp_path: Path, pcode: Callable[..., Result]) -> None:
    """With a code and a reason, or with a reason only; what overlaps it and what was said while coding stands beside it."""
    packet, run = drawn_by_two(tmp_path, pcode)
    without = from_runs([CoderRun(run)])
    assert [dispute.kind for dispute in without.disputes()] == ["alone"] * 2, "B drew nothing in the second"
    material = from_runs([CoderRun(run)], packet)
    assert [dispute.kind for dispute in material.disputes()] == ["alone"] * 3, "B read the second to its end"
    told = [[one.comment for one in comments] for comments in material.comments.values()]
    assert told == [["A sees it so", "B sees it so"]]
    assert set(material.comments) <= {unit.id for units in material.units.values() for unit in units}
    assert place_of(packet, "A").left() == "", "too little was done"
    with web_server(run, "--packet", packet.folder, "--adjudicate", "Ada", "-o", tmp_path / "gold") as server:
        server.enter("Ada" if "Ada" in server.urls else None)
        page = server.page("/adjudicate")
        assert "3 disagreements, 0 decided" in page
        assert "drawn by one" in page
        unit = server.page("/adjudicate/1")
        assert "did not draw it" in unit
        assert "Overlaps" in unit
        csrf = re.search(r'name="csrf" value="([^"]+)"', unit)
        assert csrf
        for number, do in ((1, "first C"), (2, "missing"), (3, "as B")):
            said = {"csrf": csrf[1], "do": do, "memo": f"why {number}", "memo_was": ""}
            assert server.post(f"/adjudicate/{number}", said).status == 303
        assert "3 disagreements, 3 decided" in server.page("/adjudicate")
        assert "not kept" in server.page("/adjudicate/all?show=alone")
        assert server.post("/adjudicate/write", {"csrf": csrf[1]}).status == 303
    found = {
        coding.rationale: (coding.codes, coding.missing_reason)
        for coding in CoderRun(tmp_path / "gold").codings()
    }
    assert found == {
        "agreed by A, B": (("A",), None),
        "why 1": (("C",), None),
    }
    log = (tmp_path / "gold" / "log.md").read_text(encoding="utf-8")
    assert "(3 drawn by one of them)" in log
    assert "**not kept** – why 2" in log
    alphas = pcode("unitizing", run, tmp_path / "gold")
    assert alphas.exit_code == 0, alphas.stderr


def test_two_spans_that_overlap_are_not_both_kept(tmp_path: Path, pcode: Callable[..., Result]) -> None:
    """Where the codebook has none that overlap: by one decision, by one for several, or by taking back that one is not kept."""
    packet, run = drawn_by_two(tmp_path, pcode)
    place = Adjudication(from_runs([CoderRun(run)], packet), tmp_path / "gold")
    one, other = place.spots[:2]

    def kept() -> list[bool]:
        return [place.entry(spot).codes is not None for spot in (one, other)]

    with pytest.raises(InputError, match="would overlap, which the codebook does not allow"):
        place.decide_all([one, other], "first C", "alike", "Ada")
    assert kept() == [False, False]
    place.act(1, {"do": "as A"}, "Ada")
    for do in ("as B", "first C"):
        with pytest.raises(InputError, match="would overlap"):
            place.act(2, {"do": do}, "Bea")
    place.act(1, {"do": "missing"}, "Ada")
    place.act(2, {"do": "as B"}, "Bea")
    step = place.undoable("Ada")
    assert step
    with pytest.raises(InputError, match="would overlap"):
        place.act(1, {"do": f"undo {step.n}"}, "Ada")
    assert kept() == [False, True]
    place.log.close()
