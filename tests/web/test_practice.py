"""Practice with a gold set: the answer only when it was asked for, α as it goes, and nothing of it among the codings."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import krippendorff
import pytest
from click.testing import Result

from pedagogy_r1.codebook import load_codebook
from pedagogy_r1.errors import InputError, RunError
from pedagogy_r1.human.packet import Packet
from pedagogy_r1.runs.run import CoderRun
from pedagogy_r1.web.practice import Practice, drawn, practice_tasks, read_gold

from ..coders import code_by_keys, form, next_unit
from ..make_runs import BOOK, book, change_record, make_run
from ..packets import make_packet
from ..web_browser import looks, picture, violations, watched
from ..web_server import web_server

pytest.importorskip("uvicorn")

WIDTHS = {"wide": (1360, 860), "middle": (820, 1100), "phone": (390, 844)}
RIGHT = ["A", "B", ("C", "A"), "A", (), "B", "C", "A"]
MINE = ["A", "C", ("C", "B"), "A", "B", "B", "C", "B"]


@pytest.fixture
def gold(tmp_path: Path) -> CoderRun:
    """Eight units of two traces that are not in the packet."""
    return make_run(tmp_path / "gold", {"adjudicated": RIGHT, "A": RIGHT, "B": RIGHT})


@pytest.fixture
def packet(tmp_path: Path) -> Packet:
    return make_packet(tmp_path / "packet", coders=("C", "D"))


def test_whose_codings_are_gold(tmp_path: Path, gold: CoderRun) -> None:
    assert read_gold(gold).coder == "adjudicated"
    one = make_run(tmp_path / "one", {"A": ["A", None], "bot": ["B", "B"]}, machines=["bot"])
    assert (read_gold(one).coder, len(read_gold(one).codings)) == ("A", 1)
    two = make_run(tmp_path / "two", {"A": ["A"], "B": ["B"]})
    with pytest.raises(InputError, match="which of A, B is right"):
        read_gold(two)


def test_windows_side_by_side_see_one_course_and_begin_one_round(packet: Packet, gold: CoderRun) -> None:
    place = Practice(packet, "C", read_gold(gold))
    for spot in place.spots[:6]:
        place.act(spot.number, {"do": "first A"})
        place.act(spot.number, {"do": "check"})
    alone = place.curve(place.pairs())
    place._curve = []
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda _: place.score(), range(16)))
    assert place._curve == alone
    log, number = place.log, place.round
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda _: place.again(), range(8)))
    assert (place.round, place.log.work.n, place.curve(place.pairs())) == (number + 1, 0, [])
    with pytest.raises(RunError, match="a new round has begun"):
        log.change(place.spots[7].task.unit.id, codes=("B",))


def test_practice_units_of_the_packet_come_first_and_earnest_ones_never(
    tmp_path: Path, gold: CoderRun
) -> None:
    packet = make_packet(tmp_path / "p", practice=3)
    own = [task.unit.id for task in packet.tasks("A") if task.practice]
    run = _gold_of(packet, tmp_path / "all")
    assert [task.unit.id for task in practice_tasks(packet, "A", read_gold(run))] == own
    assert len(practice_tasks(packet, "A", read_gold(gold))) == 8
    plain = make_packet(tmp_path / "q")
    with pytest.raises(InputError, match="no unit to practise on"):
        practice_tasks(plain, "A", read_gold(run))


def _gold_of(packet: Packet, out: Path) -> CoderRun:
    """A run in which somebody coded all units of the packet with the first code."""
    from pedagogy_r1.human.adjudication import CoderView, Material, write_adjudicated
    from pedagogy_r1.human.coding_log import Work

    said = {unit.id: {"X": CoderView(("A",))} for units in packet.units.values() for unit in units}
    material = Material(
        packet.codebook, packet.manifest.scheme, ("X",), packet.traces, packet.units, said, "x"
    )
    write_adjudicated(material, Work(), out, ["X"])
    return CoderRun(out)


def test_the_whole_way_in_a_browser(
    browser: Any, packet: Packet, gold: CoderRun, pcode: Callable[..., Result], tmp_path: Path
) -> None:
    ids = packet.codebook.code_ids
    names = [*ids, "none"]
    words = ("--packet", packet.folder, "--coder", "C", "--gold", gold.folder)
    page = browser.new_page()
    answers: list[str] = []
    with web_server(*words) as server:
        page.goto(server.url)
        assert page.url.endswith("/train/1")
        troubles = watched(page)
        page.on(
            "response", lambda response: answers.append(response.text()) if response.status == 200 else None
        )
        for number, value in enumerate(MINE, 1):
            codes = (value,) if isinstance(value, str) else value
            assert page.locator("#feedback").count() == 0
            code_by_keys(page, ids, {"codes": codes})
            page.keyboard.press("Enter")
            page.wait_for_selector("#feedback")
            right = RIGHT[number - 1]
            first = (right if isinstance(right, str) else right[0]) if right else "none"
            mine = codes[0]
            told = page.inner_text("#feedback")
            assert ("otherwise" in told) == (first != mine), number
            assert first in told
            if number == 3:
                assert "the second is not" in told
            page.keyboard.press("Digit1")
            page.wait_for_timeout(50)
            shown = page.inner_text(".score p")
            rows = [[_first(one) for one in said[:number]] for said in (MINE, RIGHT)]
            same = sum(a == b for a, b in zip(*rows, strict=True))
            assert f"{same} of {number} as in the gold set" in shown
            if len({code for row in rows for code in row}) > 1:
                data = [[float(names.index(code)) for code in row] for row in rows]
                alpha = krippendorff.alpha(data, level_of_measurement="nominal")
                found = re.search(r"α (−?[\d.]+)", shown)
                assert found
                assert float(found[1].replace("−", "-")) == pytest.approx(alpha, abs=0.0051)
            if number == 5:
                server.process.kill()
                break
            next_unit(page)
    with web_server(*words) as server:
        page.goto(server.url)
        assert page.url.endswith("/train/6"), "what was checked is checked"
        for value in MINE[5:]:
            code_by_keys(page, ids, {"codes": (value,)})
            page.keyboard.press("Enter")
            page.wait_for_selector("#feedback")
            next_unit(page)
        assert page.url.endswith("/train/done")
        assert "8 of 8 practice units" in page.inner_text("h1")
        assert page.locator("polyline").count() >= 1
        page.click("text=Practise again")
        page.wait_for_url("**/train/1")
        assert page.locator("[aria-pressed=true]").count() == 0
        page.goto(server.base + "/code")
        assert page.url.endswith("/code/1")
        assert "of 13" in page.inner_text("h1")
    assert [t for t in troubles if "ERR_CONNECTION" not in t] == []
    page.context.close()
    practice = sorted((packet.folder / "C/practice").glob("*.jsonl"))
    assert len(practice) == 2, "each round has its file"
    refused = pcode("import", "--packet", packet.folder, practice[0], "-o", tmp_path / "run")
    assert refused.exit_code == 2
    assert "is C's practice" in refused.output + refused.stderr
    lines = [json.loads(line) for line in (packet.folder / "C/web.jsonl").read_text().splitlines()]
    assert len(lines) == 1, "nothing of it among the codings"


def _first(value: Any) -> str:
    return value if isinstance(value, str) else value[0] if value else "none"


def test_no_answer_before_it_is_asked_for(packet: Packet, tmp_path: Path) -> None:
    """On the wire: the gold code's memo is in no body until its own unit was checked, and then in that unit's alone."""
    gold = make_run(tmp_path / "gold", {"adjudicated": RIGHT})
    path = gold.folder / "codings.jsonl"
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    text = "".join(
        json.dumps(line | {"rationale": f"GOLDMEMO{i}."}) + "\n" for i, line in enumerate(lines, 1)
    )
    path.write_text(text)
    change_record(gold.folder / "run.json", bytes={}, sha256={})
    with web_server(
        "--packet", packet.folder, "--coder", "C", "--coder", "D", "--gold", gold.folder
    ) as server:
        server.enter("C")
        paths = ["/train/all", "/train/done", "/code/all", *(f"/train/{n}" for n in range(1, 9))]
        paths += [f"/code/{n}" for n in range(1, 14)]
        assert not [path for path in paths if "GOLDMEMO" in server.ask(path).text]
        refused = form(server, "/train/2", do="check")
        assert (refused.status, "GOLDMEMO" in refused.text) == (409, False)
        assert "GOLDMEMO" not in form(server, "/train/2", script=True, do="first A").text
        assert "GOLDMEMO2." in form(server, "/train/2", script=True, do="check").text
        assert [path for path in paths if "GOLDMEMO" in server.ask(path).text] == ["/train/2"]
        late = form(server, "/train/2", do="first B")
        assert (late.status, "does not change any more" in late.text) == (409, True)
        server.enter("D")
        assert not [path for path in paths if "GOLDMEMO" in server.ask(path).text]


def test_picture_of_the_course() -> None:
    drawing = drawn([None, 0.0, 1.0, None, -0.5, 0.5], 0.8)
    points = [[tuple(map(float, point.split(","))) for point in line.split()] for line in drawing.lines]
    assert [len(line) for line in points] == [2, 2]
    top, bottom = points[0][1][1], points[0][0][1]
    assert points[1][0][1] == bottom, "below 0 is drawn at 0"
    assert points[1][1][1] == pytest.approx((top + bottom) / 2)
    assert drawing.target == pytest.approx(bottom + 0.8 * (top - bottom), abs=0.11)
    assert drawing.last == points[1][1]
    assert drawn([], 0.8).last is None


def test_course_is_of_the_first_units(packet: Packet, gold: CoderRun) -> None:
    practice = Practice(packet, "C", read_gold(gold))
    for spot, value in zip(practice.spots, MINE, strict=True):
        codes = (value,) if isinstance(value, str) else value
        practice.log.change(spot.task.unit.id, codes=codes)
        practice.act(spot.number, {"do": "check"})
    pairs = practice.pairs()
    assert pairs == [(_first(mine), _first(right)) for mine, right in zip(MINE, RIGHT, strict=True)]
    course = practice.curve(pairs)
    assert course[0] is None, "one unit, one value: undefined"
    assert course[-1] == practice.alpha(pairs).value
    assert course[3] == practice.alpha(pairs[:4]).value
    assert sorted(practice.confusions()) == [("B", "A", 1), ("B", "none", 1), ("C", "B", 1)]
    practice.log.close()


def test_books_must_be_the_same(packet: Packet, tmp_path: Path, pcode: Callable[..., Result]) -> None:
    other = book(BOOK.replace("1.0.0", "2.0.0"))
    run = make_run(tmp_path / "gold", {"A": ["A"]}, codebook=other)
    result = pcode("web", "--packet", packet.folder, "--coder", "C", "--gold", run.folder, "--no-browser")
    assert result.exit_code == 2
    assert "abc@2.0.0" in result.output + result.stderr


@pytest.mark.parametrize(("width", "scheme"), looks(WIDTHS))
def test_pages_can_be_used_by_all(browser: Any, tmp_path: Path, width: str, scheme: str) -> None:
    schoen = load_codebook("schoen")
    packet = make_packet(tmp_path / "p", codebook=schoen)
    ids = schoen.code_ids
    gold = make_run(tmp_path / "gold", {"adjudicated": [*ids, *ids]}, codebook=schoen)
    with web_server("--packet", packet.folder, "--coder", "A", "--gold", gold.folder) as server:
        server.enter()
        for number in range(1, 13):
            form(server, f"/train/{number}", do=f"first {ids[(number - 1 + (number % 4 == 0)) % 10]}")
            form(server, f"/train/{number}", do="check")
        size = dict(zip(("width", "height"), WIDTHS[width], strict=True))
        page = browser.new_page(viewport=size, color_scheme=scheme)
        page.goto(server.base)
        page.goto(server.url)
        troubles = watched(page)
        for name, path in (
            ("open", "/train/13"),
            ("shown", "/train/4"),
            ("done", "/train/done"),
            ("all", "/train/all"),
        ):
            page.goto(server.base + path)
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), name
            picture(page, f"train-{name}-{width}-{scheme}")
            assert violations(page) == [], name
        assert troubles == []
        page.context.close()
