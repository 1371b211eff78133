"""Two windows, two people, a slow server: what is typed stays what it was said of, and whose it is."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pedagogy_r1.codebook import load_codebook
from pedagogy_r1.errors import InputError, LedgerWarning
from pedagogy_r1.human.adjudication_material import from_packet
from pedagogy_r1.human.coding_log import NO_NOTE, read_log
from pedagogy_r1.human.packet import Packet
from pedagogy_r1.trace import Trace
from pedagogy_r1.web.adjudicate import Adjudication
from pedagogy_r1.web.workplace import Workplace

from ..packets import make_packet
from ..web_server import WebServer, web_server
from .test_coding_page import at, forty, in_order, log_of, said
from .test_spans import ready, spans_are

pytest.importorskip("uvicorn")

SLOW = """() => { const quick = window.fetch; const wait = () => new Promise((go) => setTimeout(go, 250));
  window.fetch = async (...all) => { await wait(); const got = await quick(...all); await wait(); return got; }; }"""


def settled(page: Any) -> None:
    """Wait until nothing is on its way."""
    page.evaluate("async () => { await chain; await chain; }")


def place_of(packet: Packet) -> Workplace:
    return Workplace(list(packet.tasks("A")), log_of(packet, "A"), whole=True)


# In a browser


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Packet, WebServer]]:
    """One server for all, each test with coders of its own."""
    trace = Trace(id="t", reasoning="One two three four. Five six seven. Eight nine ten.")
    coders = ("A", "B", "C", "D")
    book = load_codebook("schoen@1.0.0")
    packet = make_packet(tmp_path_factory.mktemp("windows") / "p", [trace], coders=coders, codebook=book)
    with web_server(
        "--packet", packet.folder, *[word for who in coders for word in ("--coder", who)]
    ) as server:
        yield packet, server


def test_a_memo_stays_with_its_span(browser: Any, tmp_path: Path) -> None:
    trace = Trace(id="t", reasoning="One two three four. Five six seven.")
    packet = make_packet(tmp_path / "p", [trace], codebook=forty(10, 2), spans=True)
    with web_server("--packet", packet.folder, "--coder", "A") as server:
        page = browser.new_page()
        page.goto(server.url)
        ready(page)
        for key in ("j", "Digit1", "j", "Digit2"):
            page.keyboard.press(key)
        spans_are(page, [("One two three four.", "C01"), ("Five six seven.", "C02")])
        page.keyboard.press("m")
        page.keyboard.type("why")
        page.keyboard.press("Escape")
        page.keyboard.press(",")
        page.wait_for_selector('.g.now[data-said="C01"]')
        assert page.input_value("#memo") == ""
        page.keyboard.press("f")
        page.wait_for_selector('.g[data-marks="f"]')
        page.context.close()
    entries = read_log(packet.folder / "A/web.jsonl")[1].entries.values()
    assert {entry.span.quote: entry.memo for entry in entries if entry.span} == {
        "One two three four.": "",
        "Five six seven.": "why",
    }


def test_what_is_typed_while_the_server_is_slow(browser: Any, served: tuple[Packet, WebServer]) -> None:
    """A comment is there to its last letter; behind a key that goes on, letters are no keys of the unit that comes."""
    packet, server = served
    page = browser.new_page()
    page.goto(server.urls["C"])
    page.evaluate(SLOW)
    page.keyboard.press("Digit1")
    page.keyboard.press("y")
    page.keyboard.type("a long comment", delay=40)
    settled(page)
    page.keyboard.type(", on")
    assert page.input_value("#comment") == "a long comment, on"
    page.keyboard.press("Escape")
    page.keyboard.press("m")
    page.keyboard.type("abc")
    page.keyboard.press("Escape")
    page.keyboard.press("y")
    page.keyboard.type(" and on", delay=100)  # the memo is saved meanwhile, and nothing of the comment
    settled(page)
    assert page.input_value("#comment") == "a long comment, on and on"
    page.keyboard.press("Control+Enter")
    settled(page)
    page.keyboard.press("Escape")
    page.keyboard.press("j")
    page.keyboard.press("m")
    page.keyboard.type("nnn no keys", delay=80)
    at(page, 2)
    settled(page)
    page.keyboard.type(" of two")
    assert page.input_value("#memo").endswith(" of two")
    page.wait_for_function("() => desk().elements.memo_was.value.endsWith(' of two')")
    page.context.close()
    work = read_log(packet.folder / "C/web.jsonl")[1]
    first, second = [task.unit.id for task in packet.tasks("C")][:2]
    assert [one.comment for one in work.comments[first]] == ["a long comment, on and on"]
    assert (work.entries[first].codes, work.entries[first].memo) == (("TR-SP",), "abc")
    assert work.entries[second].codes is None
    assert not work.entries[second].flag


def test_a_window_never_goes_on_as_somebody_else(browser: Any, served: tuple[Packet, WebServer]) -> None:
    """One browser, first A's address, then B's: A's window neither shows what B said nor codes for B."""
    packet, server = served
    context = browser.new_context()
    one = context.new_page()
    one.goto(server.urls["A"])
    other = context.new_page()
    other.goto(server.urls["B"])
    other.keyboard.press("Digit3")
    said(other, 1, "IA-FR")
    one.bring_to_front()
    for key in ("j", "Digit1"):
        one.keyboard.press(key)
        one.wait_for_selector("#trouble:visible")
        settled(one)
    assert "of another visit" in one.inner_text("#trouble")
    assert "IA-FR" not in one.get_attribute("#head", "data-own")
    one.reload()
    assert one.inner_text(".who") == "B"
    context.close()
    assert [change.codes for change in read_log(packet.folder / "B/web.jsonl")[1].changes] == [("IA-FR",)]
    assert read_log(packet.folder / "A/web.jsonl")[1].changes == []


def test_a_comment_whose_answer_was_lost_is_added_once(
    browser: Any, served: tuple[Packet, WebServer]
) -> None:
    packet, server = served
    page = browser.new_page()
    page.goto(server.urls["D"])
    page.evaluate(
        """() => { const sent = window.fetch; let n = 0;
          window.fetch = async (...all) => { const got = await sent(...all); if (!n++) throw new TypeError("lost"); return got; }; }"""
    )
    page.keyboard.press("y")
    page.keyboard.type("is it one step?")
    page.keyboard.press("Control+Enter")
    page.click("#again")  # in view, above what is typed
    page.wait_for_selector(".talk li", state="attached")
    page.context.close()
    (comments,) = read_log(packet.folder / "D/web.jsonl")[1].comments.values()
    assert [one.comment for one in comments] == ["is it one step?"]


# Without


def test_two_windows_do_not_replace_each_others_memo(tmp_path: Path) -> None:
    place = place_of(in_order(tmp_path / "p", [6], load_codebook("schoen@1.0.0")))
    place.act(1, {"do": "memo", "memo": "one window", "memo_was": ""})
    with pytest.raises(InputError, match="changed in another window"):
        place.act(1, {"do": "first TR-SP", "memo": "the other", "memo_was": ""})
    assert (place.entry(place.spot(1)).memo, place.entry(place.spot(1)).codes) == ("one window", None)
    # A first answer that was lost is no other window.
    place.act(1, {"do": "memo", "memo": "one window, and more", "memo_was": ""})
    place.act(1, {"do": "memo", "memo": "shorter", "memo_was": "one window, and more"})
    assert place.entry(place.spot(1)).memo == "shorter"
    place.log.close()


def test_of_two_windows_at_once_one_waits_for_the_other(tmp_path: Path) -> None:
    """A second code is added to what the other window made of it, whichever came first."""
    place = place_of(in_order(tmp_path / "p", [40], load_codebook("schoen@1.0.0")))
    together = threading.Barrier(2)

    def window(do: str) -> None:
        for number in range(1, 41):
            together.wait(20)
            place.act(number, {"do": do})

    for number in range(1, 41):
        place.act(number, {"do": "first TR-SP"})
    both = [threading.Thread(target=window, args=(do,)) for do in ("first KA-RO", "second IA-FR")]
    for one in both:
        one.start()
    for one in both:
        one.join(60)
    assert {place.entry(spot).codes for spot in place.spots} == {("KA-RO", "IA-FR")}
    place.log.close()


def test_half_a_batch_counts_for_nothing(tmp_path: Path) -> None:
    """Killed among the lines that were said at once, or read while they are being written."""
    packet = in_order(tmp_path / "p", [6], load_codebook("schoen@1.0.0"))
    units = [task.unit.id for task in packet.tasks("A")]
    log = log_of(packet, "A")
    log.change(units[0], codes=("TR-SP",))
    before = log.path.read_bytes()
    log.change_all([(unit, NO_NOTE, {"codes": ("KA-RO",)}) for unit in units[:4]])
    whole = log.path.read_bytes()
    log.close()
    ends = [i + 1 for i in range(len(before), len(whole) - 1) if whole[i : i + 1] == b"\n"]
    assert len(ends) == 3
    for end in (*ends, ends[0] + 20, len(whole) - 2):
        log.path.write_bytes(whole[:end])
        found = read_log(log.path)[1].entries
        assert {unit: entry.codes for unit, entry in found.items()} == {units[0]: ("TR-SP",)}
        with pytest.warns(LedgerWarning, match="cut off"):
            again = log_of(packet, "A")
        assert log.path.read_bytes() == before
        again.change(units[5], codes=("IA-PL",))
        again.close()
        assert set(read_log(log.path)[1].entries) == {units[0], units[5]}
    log.path.write_bytes(whole)
    assert set(read_log(log.path)[1].entries) == set(units[:4])


def test_those_who_adjudicate_take_back_their_own(tmp_path: Path) -> None:
    packet = in_order(tmp_path / "p", [6], load_codebook("schoen@1.0.0"))
    units = [task.unit.id for task in packet.tasks("A")]
    for coder, code in (("A", "TR-SP"), ("B", "KA-RO")):
        log = log_of(packet, coder)
        log.change_all([(unit, NO_NOTE, {"codes": (code,)}) for unit in units[:3]])
        log.close()
    place = Adjudication(from_packet(packet), tmp_path / "out")
    place.act(1, {"do": "as A", "memo": "Bea's reason", "memo_was": ""}, "Bea")
    place.act(2, {"do": "as B", "memo": "Ada's reason", "memo_was": ""}, "Ada")
    step = place.undoable("Bea")
    assert step
    assert place.values(place.spot(1), "Bea")["undo"] == step.n
    assert place.act(2, {"do": f"undo {step.n}"}, "Bea") == 1
    assert [place.over(spot) for spot in place.spots] == [False, True, False]
    assert place.undoable("Bea") is None
    place.act(3, {"do": "as A", "memo": "because", "memo_was": ""}, "Bea")
    place.act(3, {"do": "as B", "memo": "because", "memo_was": "because"}, "Ada")
    assert place.undoable("Bea") is None, "Ada went on with it"
    place.log.close()
    again = Adjudication(from_packet(packet), tmp_path / "out")
    assert again.log.work.steps == place.log.work.steps
    again.log.close()
