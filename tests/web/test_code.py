"""Coding in the browser: two people at once, reloads, SIGKILL, blind on the wire, by keys and by plain forms."""

from __future__ import annotations

import json
import os
import random
import re
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import krippendorff
import pytest
from click.testing import Result

from pedagogy_r1.codebook import load_codebook, parse_codebook
from pedagogy_r1.errors import DiskError, InputError, LedgerWarning, RunError
from pedagogy_r1.files.ledger import Ledger
from pedagogy_r1.human.coding_log import CodingLog, LogHeader, read_log
from pedagogy_r1.human.packet import Packet
from pedagogy_r1.runs.run import CoderRun

from ..coders import code_by_keys, form, next_unit
from ..full_disk import room_for
from ..packets import HARD, make_packet
from ..web_browser import looks, picture, violations, watched
from ..web_server import WebServer, web_server

pytest.importorskip("uvicorn")

WIDTHS = {"wide": (1360, 860), "middle": (820, 1100), "phone": (390, 844)}


@pytest.fixture
def packet(tmp_path: Path) -> Packet:
    """Thirteen units of three hard traces, under a codebook in which none may apply."""
    return make_packet(tmp_path / "packet")


def _header(packet: Packet, coder: str = "A") -> LogHeader:
    return LogHeader(desk=1, packet=packet.manifest.packet_id, coder=coder, codebook=packet.codebook.stamp)


def _log(packet: Packet, coder: str = "A") -> CodingLog:
    return CodingLog(packet.folder / coder / "web.jsonl", _header(packet, coder), packet.codebook)


# The desk


def test_the_last_line_counts_and_undo_goes_all_the_way_back(packet: Packet) -> None:
    desk = _log(packet)
    one, two = [task.unit.id for task in packet.tasks("A")][:2]
    desk.change(one, codes=("A",))
    desk.change(one, codes=("A", "C"))
    for text in ("w", "wh", "why"):
        desk.change(one, memo=text)
    desk.change(two, codes=())
    desk.change(two, codes=())  # no change, no line
    assert read_log(desk.path)[1].entries == desk.work.entries
    undone = []
    while step := desk.undoable:
        undone.append(desk.undo(step.n))
        assert desk.undo(step.n) is None, "asked twice, done once"
        undone.append((desk.entry(one).codes, desk.entry(one).memo))
    assert undone == [two, (("A", "C"), "why"), one, (("A", "C"), ""), one, (("A",), ""), one, (None, "")]
    desk.close()
    again = _log(packet)
    assert again.undoable is None
    assert again.work.n == 10
    again.close()


def test_a_torn_line_is_cut_and_the_rest_is_there(packet: Packet) -> None:
    desk = _log(packet)
    units = [task.unit.id for task in packet.tasks("A")]
    desk.change(units[0], codes=("B",))
    desk.close()
    with desk.path.open("ab") as file:
        file.write(b'{"n":2,"at":"2026-01-01T00:00:00+00:00","unit_id":"u1","co')
    assert list(read_log(desk.path)[1].entries) == units[:1]
    with pytest.warns(LedgerWarning, match="were cut off"):
        again = _log(packet)
    again.change(units[1], codes=("C",))
    again.close()
    lines = [json.loads(line) for line in desk.path.read_text().splitlines()]
    assert [line.get("codes") for line in lines] == [None, ["B"], ["C"]]


@pytest.mark.parametrize("there", [False, True])
def test_only_its_owner_reads_a_log_also_one_that_others_could(packet: Packet, there: bool) -> None:
    before = os.umask(0o022)
    try:
        desk = _log(packet)
        desk.close()
        if there:
            desk.path.chmod(0o664)
            _log(packet).close()
    finally:
        os.umask(before)
    assert desk.path.stat().st_mode & 0o777 == 0o600


def test_a_desk_is_one_servers_and_one_coders(packet: Packet) -> None:
    desk = _log(packet)
    with pytest.raises(RunError, match="open in another"):
        _log(packet)
    desk.close()
    with pytest.raises(RunError, match="work of A"):
        CodingLog(desk.path, _header(packet, "B"), packet.codebook)
    with desk.path.open("a") as file:
        file.write('{"n": 1}\n')
    with pytest.raises(InputError, match=r"web\.jsonl:2: its checksum is gone"):
        _log(packet)
    desk.path.write_bytes(desk.path.read_bytes().replace(b'{"n": 1}\n', b""))
    ledger = Ledger(desk.path)
    ledger.append({"n": 1})
    ledger.close()
    with pytest.raises(InputError, match=r"web\.jsonl:2: at: Field required"):
        _log(packet)


@pytest.mark.parametrize(
    ("codes", "message"),
    [(("Z",), "no code 'Z'"), (("A", "A"), "twice"), (("A", "B", "C"), "allows 2")],
)
def test_what_the_codebook_does_not_allow_is_not_written(
    packet: Packet, codes: tuple[str, ...], message: str
) -> None:
    desk = _log(packet)
    with pytest.raises(InputError, match=message):
        desk.change("u1", codes=codes)
    assert desk.work.n == 0
    desk.close()


# On the wire


def test_forms_without_a_script(packet: Packet) -> None:
    with web_server("--packet", packet.folder, "--coder", "A") as server:
        server.enter()
        assert server.ask("/code").headers["location"] == "/code/1"
        assert form(server, "/code/1", do="first B", memo="one\r\ntwo").headers["location"] == "/code/1"
        form(server, "/code/1", do="second A", memo="one\r\ntwo", memo_was="one\r\ntwo")
        assert form(server, "/code/1", do="next").headers["location"] == "/code/2"
        form(server, "/code/2", do="none")
        form(server, "/code/3", do="missing", memo="cut off")
        form(server, "/code/4", do="flag")
        form(server, "/code/5", do="first C", move="1")
        text = server.page("/code/1")
        assert "one\ntwo" in text
        assert server.page("/code/all?show=flag").count("<tr>") == 2  # the head and number 4
        refused = form(server, "/code/6", do="second A")
        assert (refused.status, "give the first code" in refused.text) == (409, True)
        assert form(server, "/code/6", do="explode").status == 400
        assert server.ask("/code/99").status == 404
        undo = form(server, "/code/9", do="undo 6")
        assert undo.headers["location"] == "/code/5"
    entries = read_log(packet.folder / "A/web.jsonl")[1].entries
    units = [task.unit.id for task in packet.tasks("A")]
    assert entries[units[0]].codes == ("B", "A")
    assert entries[units[0]].memo == "one\ntwo"
    assert entries[units[1]].codes == ()
    assert (entries[units[2]].missing, entries[units[2]].memo) == (True, "cut off")
    assert entries[units[3]].flag
    assert entries[units[4]].codes is None


def test_not_saved_is_said_where_the_disk_is_full(packet: Packet) -> None:
    """Issue 11: what was saved before and after is there, and nothing of what was not."""
    log = packet.folder / "A/web.jsonl"
    with web_server("--packet", packet.folder, "--coder", "A") as server:
        server.enter()
        form(server, "/code/1", do="first B")
        with room_for(log.stat().st_size + 30, server.process.pid):
            for script in (False, True, False):
                refused = form(server, "/code/2", script=script, do="first C")
                assert refused.status == 507
                assert "<h1>Not saved: no file may grow as large here</h1>" in refused.text
                assert "Make room on the disk, then do it again." in refused.text
        assert form(server, "/code/3", do="first C").status == 303
    units = [task.unit.id for task in packet.tasks("A")]
    assert list(read_log(log)[1].entries) == [units[0], units[2]]
    _log(packet).close()


def test_a_log_that_cannot_be_opened_keeps_nobody_else_out(packet: Packet) -> None:
    """The lock of a log that is another coder's, or that the disk did not take, was held until the server ended."""
    mine = packet.folder / "A/web.jsonl"
    _log(packet).close()
    header = read_log(mine)[0]
    other = header.model_copy(update={"coder": "B"})
    new = packet.folder / "A/new.jsonl"
    for _ in range(2):
        with pytest.raises(RunError, match="is the work of A"):
            CodingLog(mine, other, packet.codebook)
        with room_for(20), pytest.raises(DiskError, match=r"new\.jsonl was not written"):
            CodingLog(new, header, packet.codebook)
    mine.write_text("{}\n")
    with pytest.raises((InputError, RunError)):
        CodingLog(mine, header, packet.codebook)
    mine.unlink()
    for path in (mine, new):
        CodingLog(path, header, packet.codebook).close()


def test_half_a_character_in_a_memo_is_replaced_and_the_run_can_be_made(
    packet: Packet, tmp_path: Path, pcode: Callable[..., Result]
) -> None:
    """Issue 11: a lone surrogate in a memo; in a log of before, too."""
    log, units = _log(packet), [task.unit.id for task in packet.tasks("A")]
    assert log.change(units[0], codes=("B",), memo="a\ud800b").memo == "a�b"
    log.close()
    line = {"n": 2, "at": "2026-01-01T00:00:00+00:00", "unit_id": units[1], "codes": ["C"], "memo": "\ud800"}
    plain = re.sub(r',"sum":"[^"]*"', "", log.path.read_text())  # as earlier versions wrote their lines
    log.path.write_text(plain + json.dumps(line) + "\n")
    assert [entry.memo for entry in read_log(log.path)[1].entries.values()] == ["a�b", "�"]
    made = pcode("import", log.path, "--packet", packet.folder, "-o", tmp_path / "run")
    assert made.exit_code == 0, made.output + made.stderr
    assert {"a�b", "�"} <= {coding.rationale for coding in CoderRun(tmp_path / "run").codings()}


def test_a_memo_from_another_window_is_not_overwritten(packet: Packet) -> None:
    with web_server("--packet", packet.folder, "--coder", "A") as server:
        server.enter()
        form(server, "/code/1", do="memo", memo="newer", memo_was="")
        form(server, "/code/1", do="first A", memo="", memo_was="")
    (entry,) = read_log(packet.folder / "A/web.jsonl")[1].entries.values()
    assert (entry.codes, entry.memo) == (("A",), "newer")


def test_no_change_without_the_pages_token(packet: Packet) -> None:
    with web_server("--packet", packet.folder, "--coder", "A") as server:
        server.enter()
        assert server.post("/code/1", {"do": "first A"}).status == 403
        evil = server.post("/code/1", {"do": "first A"}, Origin="https://evil.example")
        assert evil.status == 403
    assert not read_log(packet.folder / "A/web.jsonl")[1].entries


def test_a_number_that_is_no_units(packet: Packet) -> None:
    with web_server("--packet", packet.folder, "--coder", "A\u200b") as server:
        server.enter()
        for number in ("9" * 5000, "0", "-1", "x", "1e9", "%D9%A1"):
            assert server.ask(f"/code/{number}").status == 404
        assert server.ask("/code/1").status == 200


def test_an_exhaustive_codebook_has_no_none(tmp_path: Path) -> None:
    packet = make_packet(tmp_path / "p", codebook=load_codebook("schoen"))
    with web_server("--packet", packet.folder, "--coder", "A") as server:
        server.enter()
        assert 'value="none"' not in server.page("/code/1")
        refused = form(server, "/code/1", do="none")
        assert (refused.status, "every unit has a code" in refused.text) == (409, True)


def test_blind_on_the_wire(packet: Packet) -> None:
    """Every body that A's browser can get: nothing of B, of condition, model or correctness, nor the traces' telling names."""
    secrets = ["zebra", "okapi", "cop-r1", "free-qwq", "Elefant", "B-MEMO", "condition", "inclusion"]
    secrets += [trace.id for trace in HARD] + list(packet.units)
    with web_server("--packet", packet.folder, "--coder", "A", "--coder", "B") as server:
        server.enter("B")
        for number in range(1, 14):
            form(server, f"/code/{number}", do="first B", memo="B-MEMO")
            form(server, f"/code/{number}", do="flag", memo="B-MEMO", memo_was="B-MEMO")
        server.enter("A")
        bodies = {path: server.ask(path) for path in _paths(13)}
        for number in range(1, 14):
            bodies[f"POST {number}"] = form(server, f"/code/{number}", script=True, do="first A")
        for path, answer in bodies.items():
            told = answer.text + json.dumps(answer.headers)
            assert [secret for secret in secrets if secret in told] == [], path
        for number in range(1, 14):
            page = bodies[f"/code/{number}"].text
            assert page.count('aria-pressed="true"') == 0, "as if nobody had coded"
        assert bodies["/code/1"].status == 200
        unit = next(iter(packet.tasks("A"))).unit
        assert unit.text[:8] in bodies["/code/1"].text
        # Who one is comes from the cookie alone.
        for path in (
            "/code?coder=B",
            "/code/1?who=B",
            "/B/web.jsonl",
            "/static/../B/web.jsonl",
            "/key/traces.jsonl",
        ):
            told = server.ask(path, headers={"X-Coder": "B", "X-Forwarded-User": "B"}).text
            assert not any(secret in told for secret in secrets)
    mine = read_log(packet.folder / "A/web.jsonl")[1]
    assert {entry.codes for entry in mine.entries.values()} == {("A",)}


def _paths(units: int) -> list[str]:
    pages = [
        "/",
        "/code",
        "/code/all",
        "/code/all?show=open",
        "/code/all?show=flag",
        "/code/done",
        "/codes.css",
    ]
    files = ["/static/code.js", "/static/code.css", "/static/style.css"]
    elsewhere = ["/read", "/adjudicate", "/train", "/code/0", "/code/x"]
    return [*pages, *files, *elsewhere, *(f"/code/{n}" for n in range(1, units + 1))]


def test_runs_and_coders_do_not_go_together(
    packet: Packet, pcode: Callable[..., Result], tmp_path: Path
) -> None:
    result = pcode("web", tmp_path, "--packet", packet.folder, "--coder", "A", "--no-browser")
    assert result.exit_code == 2
    assert "must not see codings" in result.output + result.stderr


def test_sigkill_loses_nothing_that_was_answered(tmp_path: Path) -> None:
    """Two people send as fast as they can; the server is killed at a moment of its own choosing; four times over."""
    packet = make_packet(tmp_path / "packet")
    chance = random.Random(5)
    expected: dict[str, dict[int, str]] = {"A": {}, "B": {}}
    for _ in range(4):
        with web_server("--packet", packet.folder, "--coder", "A", "--coder", "B") as server:
            threads = [
                threading.Thread(target=_send, args=(_as(server, who), expected[who], chance.random()))
                for who in ("A", "B")
            ]
            for thread in threads:
                thread.start()
            had = {who: _latest(expected[who]) for who in expected}
            while any(_latest(expected[who]) < had[who] + 4 for who in expected):
                threading.Event().wait(0.01)  # both have been heard several times in this round
            threading.Event().wait(chance.random() / 2)
            server.process.kill()
            for thread in threads:
                thread.join(120)
        for who, confirmed in expected.items():
            entries = read_log(packet.folder / who / "web.jsonl")[1].entries
            units = [task.unit.id for task in packet.tasks(who)]
            for number, memo in confirmed.items():
                # What was sent last may have been written without its answer having come through.
                assert int(entries[units[number - 1]].memo) >= int(memo), (who, number)
    assert all(len(confirmed) > 3 for confirmed in expected.values())


def _as(server: WebServer, who: str) -> WebServer:
    mine = WebServer(server.process, {who: server.urls[who]})
    mine.enter(who)
    return mine


def _latest(confirmed: dict[int, str]) -> int:
    return max((int(memo) for memo in list(confirmed.values())), default=0)


def _send(server: WebServer, confirmed: dict[int, str], seed: float) -> None:
    chance = random.Random(seed)
    count = 1 + _latest(confirmed)
    try:
        token = server.page("/code/1").split('<meta name="csrf" content="')[1].split('"')[0]
        while True:
            number, memo = chance.randrange(1, 14), str(count)
            fields = {"csrf": token, "do": f"first {chance.choice('ABC')}", "memo": memo}
            if server.post(f"/code/{number}", fields).status == 303:
                confirmed[number] = memo
            count += 1
    except (OSError, AssertionError):
        return  # killed


# In a browser


def _opinions(packet: Packet, coder: str) -> dict[str, dict[str, Any]]:
    """What the coder thinks; the two agree more often than not."""
    chance = random.Random(coder)
    found = {}
    for units in packet.units.values():
        for unit in units:
            common = random.Random(unit.id)
            code = common.choice("ABC") if chance.random() < 0.85 else chance.choice("ABC")
            codes: tuple[str, ...] | None = (code,)
            turn = chance.random()
            if turn < 0.15:
                codes = (code, "ABC"[("ABC".index(code) + 1) % 3])
            elif turn < 0.25:
                codes = ()
            elif turn < 0.32:
                codes = None
            found[unit.id] = {"codes": codes, "memo": f"{coder} 왜? 🙂 <b>" if chance.random() < 0.3 else ""}
    return found


def test_two_people_at_once_reload_kill_and_import(
    browser: Any, tmp_path: Path, pcode: Callable[..., Result]
) -> None:
    packet = make_packet(tmp_path / "packet")
    opinions = {who: _opinions(packet, who) for who in "AB"}
    tasks = {who: list(packet.tasks(who)) for who in "AB"}
    contexts = {who: browser.new_context() for who in "AB"}
    pages = {who: context.new_page() for who, context in contexts.items()}
    words = ("--packet", packet.folder, "--coder", "A", "--coder", "B")
    done = 0
    for until in (5, 13):
        with web_server(*words) as server:
            for who, page in pages.items():
                page.goto(server.urls[who])
                assert page.url.endswith(f"/code/{done + 1}"), "resumed where it was left"
            troubles = [trouble for page in pages.values() for trouble in [watched(page)]]
            while done < until:
                for who, page in pages.items():
                    code_by_keys(page, packet.codebook.code_ids, opinions[who][tasks[who][done].unit.id])
                    if done == 2 and who == "A":
                        page.reload()
                        assert page.locator("[aria-pressed=true]").count() >= 1, "still there after a reload"
                    if not (done == until - 1 and until == 5):
                        next_unit(page)
                done += 1
            assert [trouble for found in troubles for trouble in found] == []
            if until == 5:  # coded and shown as saved, not yet left
                server.process.kill()
                server.process.wait()
                _still_says_what_is_saved(pages["A"])
    for who, page in pages.items():
        assert page.url.endswith("/code/done")
        assert "All 13 units are done" in page.inner_text("h1")
        contexts[who].close()
    run = _imported(packet, tmp_path / "run", pcode)
    said = {(c.coder, c.unit_id): c for c in run.codings()}
    for who in "AB":
        for unit, opinion in opinions[who].items():
            coding = said[who, unit]
            assert coding.codes == opinion["codes"], (who, unit)
            assert (coding.rationale or "") == opinion["memo"]
            assert coding.missing_reason == (None if coding.codes is not None else "cannot be coded")
    _same_alpha(opinions, run, pcode)


def _still_says_what_is_saved(page: Any) -> None:
    """The server is gone: a key changes nothing that is shown, and the page says so."""
    before = page.locator("#desk").get_attribute("data-codes")
    page.keyboard.press("Digit1" if before != "A" else "Digit2")
    page.wait_for_selector("#trouble:not([hidden])")
    assert "Not saved" in page.inner_text("#trouble")
    assert page.locator("#desk").get_attribute("data-codes") == before


def _imported(packet: Packet, out: Path, pcode: Callable[..., Result]) -> CoderRun:
    files = [packet.folder / who / "web.jsonl" for who in packet.manifest.coders]
    result = pcode("import", "--packet", packet.folder, *files, "-o", out)
    assert result.exit_code == 0, result.output + result.stderr
    return CoderRun(out)


def _same_alpha(opinions: dict[str, dict[str, Any]], run: CoderRun, pcode: Callable[..., Result]) -> None:
    """The command line's α of the imported run is that of what the two had in mind."""
    result = pcode("agreement", run.folder, "--replicates", 0, "--json", "-")
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)["comparisons"][0]
    first = lambda said: None if said["codes"] is None else (*said["codes"], "none")[0]  # noqa: E731 - one line says it
    rows = [[first(opinions[who][unit]) for unit in opinions["A"]] for who in "AB"]
    names = ["A", "B", "C", "none"]
    data = [[float("nan") if code is None else float(names.index(code)) for code in row] for row in rows]
    assert told["alpha"] == pytest.approx(krippendorff.alpha(data, level_of_measurement="nominal"))
    assert 0.1 < told["alpha"] < 0.95


def test_every_code_has_a_key(browser: Any, tmp_path: Path) -> None:
    """Issue 11: the eleventh code of schoen@1.1.0, UT-NF, had none."""
    names = [f"K{n:02}" for n in range(1, 24)]
    codes = "".join(f"  - {{id: {n}, name: {n}, family: F, short: s, definition: d}}\n" for n in names)
    head = "id: many\nversion: 1.0.0\ntitle: t\nexhaustive: false\nfamilies: [{id: F, name: f}]\ncodes:\n"
    packet = make_packet(tmp_path / "p", codebook=parse_codebook(head + codes))
    with web_server("--packet", packet.folder, "--coder", "A") as server:
        page = browser.new_page()
        page.goto(server.url)
        troubles = watched(page)
        for keys, code in (("21", 11), ("33", 23), ("20", 20), ("14", 4), ("2u15", 5), ("12", 2)):
            for key in keys:
                page.keyboard.press(f"Digit{key}" if key.isdigit() else key)
            page.wait_for_selector(f'[data-code="K{code:02}"] .first[aria-pressed=true]')
        page.keyboard.press("Digit2")
        page.keyboard.press("Shift+Digit2")
        page.wait_for_selector('[data-code="K12"] .second[aria-pressed=true]')
        shown = page.locator(".codes .first kbd").all_text_contents()
        assert (shown[0], shown[9], shown[10], shown[22]) == ("11", "10", "21", "33")
        assert troubles == []
        page.context.close()


def test_going_on_by_itself_filter_flag_second_and_undo(browser: Any, tmp_path: Path) -> None:
    packet = make_packet(tmp_path / "p", codebook=load_codebook("schoen@1.0.0"))
    with web_server("--packet", packet.folder, "--coder", "A") as server:
        page = browser.new_page()
        page.goto(server.url)
        troubles = watched(page)
        page.keyboard.press("o")
        page.keyboard.press("Digit0")
        page.wait_for_url("**/code/2")
        page.keyboard.press("ArrowLeft")
        page.wait_for_url("**/code/1")
        assert page.get_attribute('[data-code="UT-NF"] .first', "aria-pressed") == "true"
        page.keyboard.press("s")
        page.keyboard.press("Digit9")
        page.wait_for_selector('[data-code="OA-ME"] .second[aria-pressed=true]')
        page.keyboard.press("Shift+Digit9")
        page.wait_for_selector('[data-code="OA-ME"] .second[aria-pressed=false]')
        page.keyboard.press("u")
        page.wait_for_selector('[data-code="OA-ME"] .second[aria-pressed=true]')
        page.keyboard.press("f")
        page.wait_for_selector("#do-flag[aria-pressed=true]")
        page.keyboard.press("/")
        page.keyboard.type("open when it is asked")
        assert page.locator("li[data-code]:visible").evaluate_all(
            "all => all.map(one => one.dataset.code)"
        ) == ["IA-SQ"]
        assert page.locator('[data-code="IA-SQ"] .definition').is_visible()
        page.keyboard.press("3")  # in the field: text, no code
        page.keyboard.press("Escape")
        assert page.locator("li[data-code]:visible").count() == 10
        page.keyboard.press("m")
        page.keyboard.type("12 a")
        page.keyboard.press("Control+Enter")
        page.wait_for_url("**/code/2")
        page.keyboard.press("?")
        assert page.locator("#help").is_visible()
        assert page.evaluate("[document.activeElement.textContent, help.scrollTop]") == ["Close", 0]
        page.keyboard.press("4")
        page.uncheck("#keys-on")
        page.keyboard.press("Escape")
        page.keyboard.press("4")
        page.wait_for_timeout(200)
        assert page.locator("[aria-pressed=true]").count() == 0, "keys are off"
        assert troubles == []
        page.context.close()
    units = [task.unit.id for task in packet.tasks("A")]
    entries = read_log(packet.folder / "A/web.jsonl")[1].entries
    first = entries.pop(units[0])
    assert (first.codes, first.memo, first.flag) == (("UT-NF", "OA-ME"), "12 a", True)
    assert not entries


def test_keys_typed_ahead_never_code_a_unit_that_was_not_shown(browser: Any, packet: Packet) -> None:
    with web_server("--packet", packet.folder, "--coder", "A") as server:
        page = browser.new_page()
        page.goto(server.url)
        page.check("#once")
        # All in one go, faster than any answer can come.
        page.evaluate(
            "for (const n of [1, 2, 3]) document.body.dispatchEvent("
            "new KeyboardEvent('keydown', {code: 'Digit' + n, key: String(n), bubbles: true}))"
        )
        page.wait_for_url("**/code/2")
        page.wait_for_timeout(300)
        page.context.close()
    (entry,) = read_log(packet.folder / "A/web.jsonl")[1].entries.values()
    assert entry.codes == ("A",)


@pytest.mark.parametrize(("width", "scheme"), looks(WIDTHS))
def test_pages_can_be_used_by_all(browser: Any, tmp_path: Path, width: str, scheme: str) -> None:
    """axe-core, hostile text, nothing wider than the window; pictures to be looked at."""
    packet = make_packet(tmp_path / "p", codebook=load_codebook("schoen@1.0.0"), practice=1)
    with web_server("--packet", packet.folder, "--coder", "A") as server:
        size = dict(zip(("width", "height"), WIDTHS[width], strict=True))
        page = browser.new_page(viewport=size, color_scheme=scheme)
        page.goto(server.url)
        troubles = watched(page)
        hard = next(t.number for t in packet.tasks("A") if "script" in t.unit.text or "Done" in t.unit.text)
        for name, path in (("unit", f"/code/{hard}"), ("all", "/code/all"), ("done", "/code/done")):
            page.goto(server.base + path)
            if name == "unit":
                page.keyboard.press("Digit4")
                page.keyboard.press("Shift+Digit9")
                page.wait_for_selector('[data-code="OA-ME"] .second[aria-pressed=true]', state="attached")
                page.keyboard.press("f")
                page.wait_for_selector("#do-flag[aria-pressed=true]")
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), name
            picture(page, f"code-{name}-{width}-{scheme}")
            assert violations(page) == [], name
        assert troubles == []
        page.context.close()
