"""The Read page: its index against the files, its filters against a plain count, and the pages in a real browser."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pedagogy_r1.errors import RunError
from pedagogy_r1.runs.run import CoderRun
from pedagogy_r1.web.filters import Filters, select
from pedagogy_r1.web.index import ABSENT, MISSING, Index
from pedagogy_r1.web.scan import scan
from pedagogy_r1.web.trace_view import open_trace, pieces

from ..make_runs import change_record, of_an_earlier_version, without_sizes
from ..web_server import WebServer, web_server

pytest.importorskip("uvicorn")

DEMO = Path(__file__).parent.parent.parent / "demo"


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """People (six traces, A and B) and cues (fourteen) of the demo, and the people's own spans."""
    from click.testing import CliRunner

    from pedagogy_r1.cli.main import cli

    folder = tmp_path_factory.mktemp("runs")
    files = [str(DEMO / f"coder_{who}.csv") for who in "AB"]
    traces = str(DEMO / "traces.jsonl")
    for words in (
        ["annotate", traces, "-o", str(folder / "cues"), "--codebook", "schoen@1.0.0"],
        ["import", *files, "--traces", traces, "-o", str(folder / "people"), "--codebook", "schoen@1.0.0", "--project", "sentence@1"],
        ["import", *files, "--traces", traces, "-o", str(folder / "own"), "--codebook", "schoen@1.0.0", "--units", "own"],
    ):  # fmt: skip
        result = CliRunner().invoke(cli, words)
        assert result.exit_code in (0, 1), result.output
    return folder / "people", folder / "cues"


@pytest.fixture(scope="module")
def server(runs: tuple[Path, Path]) -> Iterator[WebServer]:
    with web_server(*runs) as started:
        started.enter()
        yield started


def _index(*runs: Path) -> Index:
    index = Index([CoderRun(run) for run in runs])
    index.start()
    index.wait()
    index.wait_texts()
    return index


def _said(index: Index) -> dict[tuple[str, str, str], Any]:
    """(trace, unit, coder's label) → codes, from the index."""
    found = {}
    for row in index.rows:
        units = list(open_trace(index, row).units)
        for unit, cells in zip(units, index.said(row), strict=True):
            for column, cell in zip(index.columns, cells, strict=True):
                if cell != ABSENT:
                    found[row.id, unit.id, column.label] = index.sets[cell]
    return found


def _plain(*runs: Path) -> dict[tuple[str, str, str], Any]:
    """The same, from the files."""
    return {
        (trace.id, coding.unit_id, coding.coder): coding.codes
        for run in runs
        for trace, _, codings in CoderRun(run).by_trace()
        for coding in codings
    }


def test_index_holds_what_the_files_hold(runs: tuple[Path, Path]) -> None:
    index = _index(*runs)
    assert _said(index) == _plain(*runs)
    assert None in _said(index).values()
    assert [row.id for row in index.rows[:6]] == [trace.id for trace in CoderRun(runs[0]).traces()]
    assert len(index.rows) == 14
    assert int((index.matrix() == MISSING).sum()) == 2


def test_traces_in_another_order_and_lines_of_another_form(runs: tuple[Path, Path], tmp_path: Path) -> None:
    run = tmp_path / "other"
    shutil.copytree(runs[1], run)
    of_an_earlier_version(run)
    found = [(t, u, c) for t, u, c in CoderRun(runs[1]).by_trace()][::-1]
    for name, lines in (
        ("traces.jsonl", [t.model_dump(mode="json") for t, _, _ in found]),
        ("units.jsonl", [u.model_dump(mode="json") for _, units, _ in found for u in units]),
        ("codings.jsonl", [c.model_dump(mode="json") for _, _, codings in found for c in codings]),
    ):
        lines = [dict(sorted(line.items())) for line in lines]
        (run / name).write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert _said(_index(runs[0], run)) == _plain(*runs)
    both = _index(runs[1], run)
    assert [column.label for column in both.columns] == ["cues · cues", "cues · other"]
    assert (both.matrix()[:, 0] == both.matrix()[:, 1]).all()


def test_units_of_two_schemes_stand_apart(runs: tuple[Path, Path]) -> None:
    own = runs[0].parent / "own"
    index = _index(own, runs[1])
    opened = open_trace(index, index.rows[0])
    assert [part.scheme.split("@")[0] for part in opened.parts] == ["given", "sentence"]
    assert [index.columns[i].coder for i in opened.parts[0].columns] == ["A", "B"]
    assert _said(index) == _plain(own, runs[1])
    for part in opened.parts:
        text = "".join(piece.text for piece in pieces(opened.trace.reasoning, part.units))
        assert text == opened.trace.reasoning


def test_a_run_that_is_still_written_is_read_up_to_its_last_whole_line(
    runs: tuple[Path, Path], tmp_path: Path
) -> None:
    run = tmp_path / "torn"
    shutil.copytree(runs[1], run)
    change_record(run / "run.json", status="running", bytes={}, sha256={})
    (run / "codings.jsonl").write_bytes((run / "codings.jsonl").read_bytes()[:-150])
    (run / "units.jsonl").write_bytes((run / "units.jsonl").read_bytes()[:-40])
    index = _index(run)
    whole = _plain(runs[1])
    said = _said(index)
    assert 0 < len(whole) - len(said) <= 2
    assert said.items() <= whole.items()


@pytest.mark.parametrize("name", ["units.jsonl", "codings.jsonl", "traces.jsonl"])
def test_foreign_lines_are_named_not_waited_for(runs: tuple[Path, Path], tmp_path: Path, name: str) -> None:
    run = tmp_path / "foreign"
    shutil.copytree(runs[1], run)
    lines = (run / name).read_bytes().splitlines(keepends=True)
    (run / name).write_bytes(b"".join([*lines[:5], b"{oops}\n", *lines[5:]]))
    index = Index([without_sizes(run)])
    index.start()
    with pytest.raises(RunError, match=rf"{name}.* byte \d+"):
        index.wait()


def test_codings_out_of_order_are_refused(runs: tuple[Path, Path], tmp_path: Path) -> None:
    run = tmp_path / "swapped"
    shutil.copytree(runs[1], run)
    lines = (run / "codings.jsonl").read_bytes().splitlines(keepends=True)
    (run / "codings.jsonl").write_bytes(b"".join(lines[::-1]))
    with pytest.raises(RunError, match=r"codings\.jsonl has changed"):
        list(scan(CoderRun(run)))
    of_an_earlier_version(run)  # which recorded no digests
    index = Index([CoderRun(run)])
    index.start()
    with pytest.raises(RunError, match="out of order"):
        index.wait()


Said = dict[str, dict[str, Any]]


@pytest.mark.parametrize(
    ("filters", "fits"),
    [
        (Filters(code="IA-SQ"), lambda s, _: any(c and "IA-SQ" in c for c in s.values())),
        (Filters(code="IA-SQ", coder="A"), lambda s, _: bool(s.get("A")) and "IA-SQ" in s["A"]),
        (Filters(coder="B"), lambda s, _: s.get("B") is not None),
        (Filters(code="missing"), lambda s, _: None in s.values()),
        (Filters(code="none"), lambda s, _: () in s.values()),
        (Filters(differ="primary"), lambda s, _: _different(s, 1) is True),
        (Filters(differ="any"), lambda s, _: _different(s, 9) is True),
        (Filters(differ="agree"), lambda s, _: _different(s, 1) is False),
        (Filters(code="KA-RO", differ="primary", q="The"), lambda s, t: "the" in t.lower() and _different(s, 1) is True and any(c and "KA-RO" in c for c in s.values())),
        (Filters(code="UT-X"), lambda s, _: False),
    ],
)  # fmt: skip
def test_filters_find_what_a_plain_count_finds(
    runs: tuple[Path, Path], filters: Filters, fits: Callable[[dict[str, Any], str], bool]
) -> None:
    index = _index(*runs)
    texts = {unit.id: unit.text for run in runs for unit in CoderRun(run).units()}
    said: dict[str, Said] = {}
    for (trace, unit, coder), codes in _plain(*runs).items():
        said.setdefault(trace, {}).setdefault(unit, {})[coder] = codes
    wanted = {t: n for t, units in said.items() if (n := sum(fits(s, texts[u]) for u, s in units.items()))}
    assert {index.rows[hit.number].id: hit.units for hit in select(index, filters)} == wanted


def _different(said: dict[str, Any], depth: int) -> bool | None:
    """None where fewer than two coded."""
    given = [codes for codes in said.values() if codes is not None]
    return None if len(given) < 2 else len({(c[:1], frozenset(c[1:depth])) for c in given}) > 1


def test_traces_by_what_they_are_and_what_they_say(runs: tuple[Path, Path]) -> None:
    index = _index(*runs)
    traces = list(CoderRun(runs[1]).traces())

    def found(**filters: str) -> set[str]:
        return {index.rows[hit.number].id for hit in select(index, Filters(**filters))}

    assert found(domain="PK", condition="cop") == {
        t.id for t in traces if t.domain == "PK" and t.condition == "cop"
    }
    assert found(correct="no") == {t.id for t in traces if t.correct is False}
    assert found(domain="Nowhere") == set()
    assert found() == {t.id for t in traces}
    assert found(q="POND  plant") == {
        t.id for t in traces if "pond plant" in (t.question + t.reasoning).lower()
    }
    assert found(q="Ω")
    assert found(q="quite absent") == set()


def test_filters_travel_in_the_address() -> None:
    given = {"domain": "P&K", "code": "IA-SQ", "q": "a+b ü", "page": "3", "evil": "x"}
    filters = Filters.of(given)
    assert filters == Filters(domain="P&K", code="IA-SQ", q="a+b ü")
    assert filters.query(id="t/1") == "?id=t%2F1&domain=P%26K&code=IA-SQ&q=a%2Bb+%C3%BC"
    assert Filters().query() == ""


def test_pages_without_a_script(server: WebServer, runs: tuple[Path, Path]) -> None:
    page = server.page("/read")
    assert "14 traces" in page
    found = re.findall(r'<a class="stop" href="([^"]+)"', page)
    assert len(found) == 14
    assert page.count("one coder at most on each unit") == 8, "only the machine coded these"
    trace = server.page(found[0].replace("&amp;", "&"))
    units = re.findall(r'<a class="open" href="([^"]+)"', trace)
    first = next(iter(CoderRun(runs[0]).by_trace()))
    assert len(units) == len(first[1])
    assert trace.count("primary codes differ") == _differing(runs, first[0].id) > 0
    unit = server.page(units[1].replace("&amp;", "&"))
    memo = next(coding.rationale for coding in first[2] if coding.rationale)
    assert memo in unit
    assert "IA-FR" in unit
    assert "How it came to be" in unit
    for path in (
        "/read/trace?id=none",
        "/read/trace",
        "/read/unit?trace=sk-circuit-cop&unit=x",
        "/read/unit",
    ):
        assert server.ask(path).status == 404
    for path in (
        "/read?page=99",
        "/read?page=x",
        "/read?page=-1",
        "/read?code=%00&q=%ff",
        "/read?differ=odd",
    ):
        assert server.ask(path).status == 200


def _differing(runs: tuple[Path, Path], trace: str) -> int:
    said: dict[str, dict[str, Any]] = {}
    for (found, unit, coder), codes in _plain(*runs).items():
        if found == trace:
            said.setdefault(unit, {})[coder] = codes
    return sum(_different(s, 1) is True for s in said.values())


def test_next_and_previous_stay_within_the_filter(server: WebServer) -> None:
    hrefs = re.findall(r'<a class="stop" href="([^"]+)"', server.page("/read?condition=cop&code=IA-SQ"))
    assert len(hrefs) > 2
    seen, here = [], hrefs[0].replace("&amp;", "&")
    while here:
        seen.append(here.replace("&", "&amp;"))
        following = re.search(r'rel="next" href="([^"]+)"', server.page(here))
        here = following[1].replace("&amp;", "&") if following else ""
    assert seen == hrefs


def test_codes_are_named_wherever_they_are_coloured(server: WebServer) -> None:
    for view in ("", "&view=text"):
        page = server.page(f"/read/trace?id=sk-circuit-cop{view}")
        for chip in re.findall(r'<span class="chip [^>]*>([^<]*)<', page):
            assert chip.strip()
        for name in re.findall(
            r'<span class="unit u[^"]* c\d+".*?<a class="open tag"[^>]*>([^<]*)</a>', page
        ):
            assert re.search(r"[A-Z]{2}-[A-Z]{2}", name)
    bars = re.findall(r'<svg class="strip"[^>]*aria-label="([^"]*)"', server.page("/read"))
    assert len(bars) == 14
    assert all(re.match(r"(A|B|cues): [A-Z]{2}-[A-Z]{2} \d+", bar) for bar in bars)
