"""What the Read page hands out: the table of what is filtered, passages found and quoted, and the way to a unit."""

from __future__ import annotations

import csv
import io
import json
import re
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from pedagogy_r1.cli.main import cli
from pedagogy_r1.errors import LockedWarning
from pedagogy_r1.files.spreadsheet import restore
from pedagogy_r1.intake.traces import read_traces
from pedagogy_r1.runs.run import CoderRun
from pedagogy_r1.trace import Trace
from pedagogy_r1.web.passages import passages

from ..web_server import WebServer, web_server

pytest.importorskip("uvicorn")

DEMO = Path(__file__).parent.parent.parent / "demo"
HARD = "=1+1 wait 👩‍🏫 is it 24?\r\nNo, \x07 it  IS 25. Straße, or STRASSE? " + "\U0001d4d0" * 3 + " end."


def run(*words: object) -> None:
    result = CliRunner().invoke(cli, [str(word) for word in words])
    assert result.exit_code in (0, 1), result.output


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo's people and cues; a run of two traces, one of them hard to count in."""
    folder = tmp_path_factory.mktemp("runs")
    run("demo", "-o", folder / "demo")
    traces = [
        {"id": "hard/=1", "question": "Is it 24?", "reasoning": HARD, "answer": "It is 25.", "domain": "@SK"}
    ]
    traces.append({"id": "long", "reasoning": "".join(f"This is number {n}. " for n in range(1, 2201))})
    (folder / "t.jsonl").write_text("".join(json.dumps(trace) + "\n" for trace in traces))
    run("annotate", folder / "t.jsonl", "-o", folder / "hard", "--coder", "cues")
    return folder


@pytest.fixture(scope="module")
def demo(folder: Path) -> Iterator[WebServer]:
    with web_server(folder / "demo" / "humans", folder / "demo" / "cues") as started:
        started.enter()
        yield started


@pytest.fixture(scope="module")
def hard(folder: Path) -> Iterator[WebServer]:
    with web_server(folder / "hard") as started:
        started.enter()
        yield started


Rows = list[dict[str, Any]]


def table(server: WebServer, path: str) -> Rows:
    """The rows of an address that ends in .csv or .jsonl."""
    answer = server.ask(path)
    assert answer.status == 200, answer.text[:300]
    assert answer.headers["content-disposition"].startswith("attachment")
    if ".csv" in path:
        return list(csv.DictReader(io.StringIO(answer.text, newline="")))
    return [json.loads(line) for line in answer.text.splitlines()]


def key(row: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(str(row[name]) for name in ("trace_id", "unit_id", "coder", "rank"))


@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_the_table_of_everything_is_what_export_writes(demo: WebServer, folder: Path, form: str) -> None:
    out = folder / f"all.{form}"
    run("export", folder / "demo" / "humans", folder / "demo" / "cues", "-o", out)
    text = out.read_text(encoding="utf-8")
    wanted: Rows = (
        list(csv.DictReader(io.StringIO(text, newline="")))
        if form == "csv"
        else [json.loads(line) for line in text.splitlines()]
    )
    found = table(demo, f"/read/units.{form}")
    assert len(found) > 500
    assert list(found[0]) == list(wanted[0])
    assert sorted(found, key=key) == sorted(wanted, key=key)


def test_the_table_holds_the_units_that_the_page_marks(demo: WebServer, folder: Path) -> None:
    query = "code=IA-SQ&coder=A&differ=primary"
    said: dict[str, dict[str, Any]] = {}
    for name in ("humans", "cues"):
        for _, _, codings in CoderRun(folder / "demo" / name).by_trace():
            for one in codings:
                said.setdefault(one.unit_id, {})[one.coder] = one.codes
    wanted = {
        unit
        for unit, codes in said.items()
        if "IA-SQ" in (codes.get("A") or ()) and len({c[:1] for c in codes.values() if c is not None}) > 1
    }
    rows = table(demo, f"/read/units.jsonl?{query}")
    assert {row["unit_id"] for row in rows} == wanted
    assert {row["coder"] for row in rows} == {"A", "B", "cues"}
    assert f"in {len(wanted)} unit" in demo.page(f"/read?{query}")
    trace = rows[0]["trace_id"]
    here = table(demo, f"/read/units.jsonl?id={trace}&{query}&show=A&show=cues")
    assert {row["unit_id"] for row in here} == {row["unit_id"] for row in rows if row["trace_id"] == trace}
    assert {row["coder"] for row in here} == {"A", "cues"}
    page = demo.page(f"/read/trace?id={trace}&{query}")
    assert page.count('class="unit fits') == len({row["unit_id"] for row in here})
    assert f"/read/units.csv?id={trace}" in page


def test_no_spreadsheet_runs_a_cell_of_it(hard: WebServer) -> None:
    text = hard.ask("/read/units.csv?id=hard%2F%3D1")
    assert 'filename="hard_1.csv"' in text.headers["content-disposition"]
    rows = table(hard, "/read/units.csv?id=hard%2F%3D1")
    assert all(cell[:1] not in "=+-@" for row in rows for cell in row.values() if cell)
    assert rows[0]["text"].startswith("'=1+1")
    for row in rows:
        assert restore(row["text"]) == HARD[int(row["start"]) : int(row["end"])]
    assert hard.ask("/read/units.csv?id=none").status == 404


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("it is", ["it  IS"]),
        ("IT  is 25", ["it  IS 25", "It is 25"]),
        ("strasse", ["Straße", "STRASSE"]),
        ("24? no", ["24?\r\nNo"]),
        ("👩‍🏫 is", ["👩‍🏫 is"]),
        ("is it 24", ["Is it 24", "is it 24"]),
        ("\U0001d4d0", ["\U0001d4d0"] * 3),
        ("s", ["s", "I", "S"]),
        ("absent", []),
        ("  ", []),
    ],
)  # fmt: skip
def test_words_are_found_where_they_stand(words: str, found: list[str]) -> None:
    trace = Trace(id="t", question="Is it 24?", reasoning=HARD, answer="It is 25.")
    there = [getattr(trace, one.text)[one.start : one.end] for one in passages(trace, words)]
    if words == "s":
        assert [text.casefold() for text in there if text != "ß"] == ["s"] * (len(there) - 1)
        assert there.count("ß") == 1
    elif words == "it is":
        assert there == ["it  IS", "It is"]
    else:
        assert there == found


def test_the_server_finds_them_in_the_whole_trace(hard: WebServer) -> None:
    found = json.loads(hard.page("/read/find?id=long&words=NUMBER%20%202200."))
    text = next(json.loads(line) for line in hard.page("/read/units.jsonl?id=long").splitlines()[-1:])
    assert found == [["reasoning", text["end"] - len("number 2200."), text["end"]]]
    assert len(json.loads(hard.page("/read/find?id=long&words=this+is"))) == 2200
    assert hard.ask("/read/find?id=none&words=x").status == 404


def test_a_quote_says_where_it_stands_in_code_points(hard: WebServer) -> None:
    start = HARD.index("👩")
    end = HARD.index("24") + 2
    rows = table(hard, "/read/units.jsonl?id=hard%2F%3D1")
    units = list(dict.fromkeys(row["unit_id"] for row in rows if row["start"] < end and start < row["end"]))
    assert len(units) == 1
    quote = hard.ask(f"/read/quote?id=hard%2F%3D1&start={start}&end={end}")
    assert quote.headers["content-type"] == "text/plain; charset=utf-8"
    text, _, where = quote.text.rpartition("\n")
    assert text == "👩‍🏫 is it 24" == HARD[start:end]
    assert where == f"— trace hard/=1, unit {units[0]}, characters {start}–{end}"
    every = hard.page(f"/read/quote?id=hard%2F%3D1&start=0&end={len(HARD)}").rpartition("\n")
    assert every[0] == HARD
    assert f"({len({row['unit_id'] for row in rows})})" in every[2]
    answer = hard.page("/read/quote?id=hard%2F%3D1&text=answer&start=6&end=8")
    assert answer == "25\n— trace hard/=1, answer, characters 6–8"
    for wrong in (
        "start=5&end=5",
        f"start=0&end={len(HARD) + 1}",
        "text=id&start=0&end=1",
        "text=metadata&start=0&end=1",
        "",
    ):
        assert hard.ask(f"/read/quote?id=hard%2F%3D1&{wrong}").status == 404, wrong


@pytest.mark.parametrize(
    ("asked", "place", "start"),
    [("jump=1", 0, 0), ("jump=0", 0, 0), ("jump=1000", 999, 0), ("jump=1001", 1000, 1000), ("jump=9999", 2199, 2000), ("jump=x", 0, 0), ("at=0", 0, 0), ("at=18", 1, 0), ("at=999999", 2199, 2000)],
)  # fmt: skip
def test_one_goes_to_a_unit_without_a_script(hard: WebServer, asked: str, place: int, start: int) -> None:
    answer = hard.ask(f"/read/trace?id=long&code=KA-RO&{asked}&words=x")
    assert answer.status == 303
    where = answer.headers["location"]
    assert where.endswith(f"#u{place}")
    assert ("from=" in where) == bool(start)
    page = hard.page(where.partition("#")[0])
    assert f'id="u{place}"' in page


def test_every_bar_names_a_person_or_a_machine(demo: WebServer) -> None:
    bars = r'<b>([^<]*)</b> (person|machine)</span>(?:</dt><dd[^>]*>)?<svg class="strip"[^>]*aria-label="([^":]*): '
    page = demo.page("/read")
    assert len(re.findall(bars, page)) == page.count('class="strip"') == 14
    assert all(
        (who == "cues") == (sort == "machine") and who == label for who, sort, label in re.findall(bars, page)
    )
    trace = demo.page("/read/trace?id=sk-circuit-cop")
    assert [(who, sort) for who, sort, _ in re.findall(bars, trace)] == [
        ("A", "person"),
        ("B", "person"),
        ("cues", "machine"),
    ]
    assert 'aria-label="The text from top to bottom, in the colours of A’s codes"' in trace


def test_the_legend_counts_what_the_bars_show(demo: WebServer, folder: Path) -> None:
    page = demo.page("/read/trace?id=sk-circuit-cop")
    entries = re.findall(
        r'<li><a href="([^"]*)"[^>]*title="[^:]*: ([^.]*)\.[^"]*"><span[^>]*>([^<]*)</span> (\d+)</a>', page
    )
    wanted: dict[str, dict[str, int]] = {}
    for name in ("humans", "cues"):
        for trace, _, codings in CoderRun(folder / "demo" / name).by_trace():
            for one in codings if trace.id == "sk-circuit-cop" else ():
                if one.primary:
                    count = wanted.setdefault(one.primary, {})
                    count[one.coder] = count.get(one.coder, 0) + 1
    assert {code: said for _, said, code, _ in entries} == {
        code: ", ".join(f"{who} {count[who]}" for who in ("A", "B", "cues") if who in count)
        for code, count in wanted.items()
    }
    assert all(int(n) == wanted[code].get("A", 0) for _, _, code, n in entries)
    url = next(url for url, _, code, _ in entries if code == "IA-SQ").replace("&amp;", "&")
    marked = demo.page(url)
    assert marked.count('class="unit fits') > 0
    assert 'aria-current="true" title="self-questioning' in marked


def test_line_ends_of_another_system_are_all_in_the_page(hard: WebServer) -> None:
    """A browser makes one character of CR LF, and every offset behind it would be one too small."""
    page = hard.page("/read/trace?id=hard%2F%3D1&view=text")
    assert page.count("&#13;\n") == 1
    assert "\r" not in page


def test_locked_traces_are_neither_shown_nor_taken_away(tmp_path: Path) -> None:
    """The pages said so of them, and showed them."""
    traces = tmp_path / "traces.jsonl"
    traces.write_bytes((DEMO / "traces.jsonl").read_bytes())
    run("annotate", traces, "-o", tmp_path / "cues", "--coder", "cues")
    run("sample", traces, "--lock", ".3", "--seed", "1")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", LockedWarning)
        open_ids = [trace.id for trace in CoderRun(tmp_path / "cues").traces()]
    assert len(open_ids) == 10
    with web_server(tmp_path / "cues") as server:
        server.enter()
        page = server.page("/read")
        assert re.findall(r'<a class="stop"[^>]*>([^<]*)</a>', page) == open_ids
        assert "4 of the 14 traces" in page
        assert list(dict.fromkeys(row["trace_id"] for row in table(server, "/read/units.jsonl"))) == open_ids
        shut = next(trace.id for trace in read_traces(DEMO / "traces.jsonl") if trace.id not in open_ids)
        assert server.ask(f"/read/trace?id={shut}").status == 404
        assert server.ask(f"/read/quote?id={shut}&start=0&end=5").status == 404
