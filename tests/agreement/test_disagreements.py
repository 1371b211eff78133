"""What coders confuse: counts, quotes, rules, the sheet for the meeting."""

from __future__ import annotations

import csv
import json
from collections import Counter
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from pedagogy_r1.agreement import agree, disagreements
from pedagogy_r1.errors import CodebookError, RunError
from pedagogy_r1.report.disagreement_sheet import write_sheet
from pedagogy_r1.runs.run import CoderRun

from ..conftest import ROOT
from ..make_runs import BOOK, book, make_run

RULED = BOOK.replace(
    "{id: A, name: a, family: F, short: a, definition: a}",
    "{id: A, name: a, family: F, short: a, definition: what A is, include: [an a], exclude: [a b],"
    " rules: [{against: B, rule: first come}]}",
)


def test_counts_equal_those_counted_by_hand(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    values = {
        name: [None if rng.random() < 0.1 else str(rng.choice(["A", "B", "C"])) for _ in range(120)]
        for name in "xyz"
    }
    run = make_run(tmp_path / "r", values)
    found = disagreements([run])
    expected: Counter[tuple[str, str]] = Counter()
    agreed, differing = set(), set()
    ids = [unit.id for unit in run.units()]
    for i, unit in enumerate(ids):
        given = [values[name][i] for name in "xyz" if values[name][i] is not None]
        for a, b in combinations(given, 2):
            if a != b:
                expected[min(a, b), max(a, b)] += 1
        (differing if len(set(given)) > 1 else agreed).add(unit)
    assert {pair.codes: pair.count for pair in found.pairs} == expected
    assert {c.codes: c.count for c in agree([run], replicates=0).confused} == expected
    assert sum(pair.share for pair in found.pairs) == pytest.approx(1)
    assert found.n_disagreements == expected.total()
    quoted = {unit.unit_id for pair in found.pairs for unit in pair.units}
    assert quoted == differing
    assert not quoted & agreed
    assert found.n_disagreed == len(differing)


def test_who_said_which_and_what_only_the_second_code_tells(tmp_path: Path) -> None:
    run = make_run(
        tmp_path / "r",
        {"x": ["A", "A", ("A", "B"), ("A", "C"), "A", "B"], "y": ["B", "B", ("B", "A"), ("A", "B"), "A", ()]},
    )
    found = disagreements([run])
    first, second = found.pairs
    assert (first.codes, first.count, first.swapped) == (("A", "B"), 3, 1)
    assert first.by_coder == {"x": {"A": 3, "B": 0}, "y": {"A": 0, "B": 3}}
    assert (second.codes, second.count) == (("B", "none"), 1)
    assert "no rule can decide between B and none" in second.undecided
    assert (found.n_units, found.n_disagreed, found.n_second) == (6, 4, 1)
    assert [one.codes for one in second.units[0].said] == [("B",), ()]


def test_the_rule_that_decides_or_that_there_is_none(tmp_path: Path) -> None:
    run = make_run(tmp_path / "r", {"x": ["A", "A", "B"], "y": ["B", "C", "C"]}, codebook=book(RULED))
    found = {pair.codes: pair for pair in disagreements([run]).pairs}
    assert [(r.code, r.against, r.rule) for r in found["A", "B"].rules] == [("A", "B", "first come")]
    assert found["A", "B"].undecided == ""
    assert found["B", "C"].undecided == "no rule decides between B and C"
    assert [pair.codes for pair in disagreements([run], pair=["C", "A"]).pairs] == [("A", "C")]
    assert disagreements([run], pair=["C", "A"]).pairs[0].share == pytest.approx(1 / 3)


def test_whose_disagreements(tmp_path: Path) -> None:
    people = make_run(tmp_path / "people", {"x": ["A", "B"], "y": ["B", "B"]})
    machine = make_run(tmp_path / "machine", {"m": ["C", "C"]}, machines=["m"])
    one = make_run(tmp_path / "one", {"x": ["A", "B"]})
    assert [coder.name for coder in disagreements([people, machine]).coders] == ["x", "y"]
    assert [coder.name for coder in disagreements([one, machine]).coders] == ["x", "m"]
    named = disagreements([people, machine], coders=["y", "m"])
    assert [(pair.codes, pair.count) for pair in named.pairs] == [(("B", "C"), 2)]
    other = make_run(tmp_path / "other", {"n": ["A", "C"]}, machines=["n"])
    with pytest.raises(RunError, match="whose disagreements"):
        disagreements([one, machine, other])
    with pytest.raises(RunError, match="nobody to disagree with"):
        disagreements([one])
    with pytest.raises(RunError, match="no coder is named 'z'"):
        disagreements([people], coders=["x", "z"])
    with pytest.raises(RunError, match="name two or more"):
        disagreements([people], coders=["x"])
    with pytest.raises(RunError, match="not a pair"):
        disagreements([people], pair=["A"])


def test_runs_of_the_same_coder_are_told_apart_or_joined(tmp_path: Path) -> None:
    """As in pcode agreement: twice the same units is the coder against themselves; other units are more of the same coder."""
    first = make_run(tmp_path / "may" / "x", {"x": ["A", "B", "C", "C"]})
    again = make_run(tmp_path / "june" / "x", {"x": ["A", "C", "C", "C"]})
    found = disagreements([first, again])
    assert [coder.name for coder in found.coders] == ["x@may/x", "x@june/x"]
    (pair,) = found.pairs
    assert [(one.coder, one.codes) for one in pair.units[0].said] == [
        ("x@may/x", ("B",)),
        ("x@june/x", ("C",)),
    ]
    more = make_run(tmp_path / "more", {"x": ["A", "B", "C", "C"]}, offset=4)
    both = make_run(tmp_path / "both", {"y": ["A"] * 8})
    joined = disagreements([first, more, both])
    assert [coder.name for coder in joined.coders] == ["x", "y"]
    assert joined.n_disagreements == 6
    other = make_run(tmp_path / "2.0", {"y": ["A"] * 4}, codebook=book(BOOK.replace("1.0.0", "2.0.0")))
    with pytest.raises(CodebookError, match="pcode codebook migrate"):
        disagreements([first, other])


def test_quotes_come_from_many_traces_and_from_every_way_to_differ(tmp_path: Path) -> None:
    """Eight units a trace; x says A where y says B nearly everywhere, and once it is the other way round."""
    x, y = ["A"] * 32, ["B"] * 32
    x[30], y[30] = "B", "A"
    (pair,) = disagreements([make_run(tmp_path / "r", {"x": x, "y": y}, per_trace=8)]).pairs
    quotes = pair.quotes(4)
    assert len({unit.trace_id for unit in quotes}) >= 3
    assert [unit.said[0].primary for unit in quotes] == ["A", "A", "A", "B"]
    assert len(pair.quotes(100)) == 32
    assert pair.quotes(0) == ()


HOSTILE = ["=1+1 <script>alert(1)</script>", "| a * b | `c` [d](http://e) 😀 한국어 $x^2$"]


@pytest.fixture
def hostile(tmp_path: Path, pcode, write_jsonl) -> list[Path]:  # type: ignore[no-untyped-def]
    text = "\n".join(HOSTILE)
    traces = write_jsonl(
        "traces.jsonl", {"id": "<b>t</b>", "question": "?", "reasoning": text, "model": "secret-7b"}
    )
    runs = []
    for coder, codes in (("x", ("IA-SQ", "KA-RO")), ("y", ("TR-SP", "OA-SR"))):
        rows, start = [], 0
        for line, code in zip(HOSTILE, codes, strict=True):
            rows.append(["<b>t</b>", start, start + len(line), line, coder, code, f"@memo <i>{coder}</i>"])
            start += len(line) + 1
        with (tmp_path / f"{coder}.csv").open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows(
                [["trace_id", "start", "end", "quote", "coder", "code", "memo"], *rows]
            )
        runs.append(tmp_path / "runs" / coder)
        done = pcode(
            *("import", tmp_path / f"{coder}.csv", "--traces", traces, "--codebook", "schoen@1.0.0"),
            *("--units", "own", "-o", runs[-1]),
        )
        assert done.exit_code == 0, done.stderr
    return runs


def test_a_sheet_that_can_be_shown_and_filled_in(tmp_path: Path, hostile: list[Path]) -> None:
    out = tmp_path / "sheet"
    found = disagreements(hostile)
    files = write_sheet(found, out)
    before = {file.name: file.read_bytes() for file in files}
    assert {file.name: file.read_bytes() for file in write_sheet(found, out)} == before
    page, text = ((out / f"disagreements.{end}").read_text(encoding="utf-8") for end in ("html", "md"))
    assert "<script>" not in page
    assert "<script>" not in text
    assert "&lt;script&gt;alert(1)" in page
    assert "<i>" not in page
    for words in ("😀 한국어", "@memo", "If the misfit is stated, TR-SP is primary", "Belongs here"):
        assert words in page
    for name, data in before.items():
        assert b"secret-7b" not in data, name  # who decides should not know the model
    with (out / "units.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [(row["first"], row["second"], row["x: codes"], row["y: codes"]) for row in rows] == [
        ("TR-SP", "IA-SQ", "IA-SQ", "TR-SP"),
        ("KA-RO", "OA-SR", "KA-RO", "OA-SR"),
    ]
    assert rows[0]["text"] == "'" + HOSTILE[0]
    assert rows[1]["before"] == "'" + HOSTILE[0]
    assert rows[0]["x: memo"].startswith("'@memo")
    rows[0]["decision"] = "TR-SP"
    with (out / "units.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    with pytest.raises(RunError, match="decisions were written"):
        write_sheet(found, out)


def test_by_command_on_the_demo(tmp_path: Path, pcode) -> None:  # type: ignore[no-untyped-def]
    runs = []
    for coder in "AB":
        runs.append(tmp_path / coder)
        done = pcode(
            *("import", ROOT / f"demo/coder_{coder}.csv", "--traces", ROOT / "demo/traces.jsonl"),
            *("--codebook", "schoen@1.0.0", "--scheme", "sentence@1", "-o", runs[-1]),
        )
        assert done.exit_code == 0, done.stderr
    shown = pcode("disagreements", *runs, "-o", tmp_path / "sheet")
    assert shown.exit_code == 0, shown.stderr
    for words in (
        "A, B: 120 units coded by both",
        "KA-RO – UT-NF",
        "rule of KA-RO against UT-NF: Ask what would be lost",
    ):
        assert words in shown.stdout
    assert "B UT-NF: copies the option, decides nothing" in shown.stdout  # the memo
    assert "none: to be written" in shown.stdout
    data = json.loads(pcode("disagreements", *runs, "--json").stdout)
    assert data == json.loads((tmp_path / "sheet/disagreements.json").read_text(encoding="utf-8"))
    given = [{c.unit_id: c.primary for c in CoderRun(run).codings() if c.codes is not None} for run in runs]
    differing = {unit for unit in given[0].keys() & given[1].keys() if given[0][unit] != given[1][unit]}
    assert {unit["unit_id"] for pair in data["pairs"] for unit in pair["units"]} == differing
    assert data["n_disagreed"] == len(differing)
    one = pcode("disagreements", *runs, "--pair", "IA-MT,OA-SR", "--quotes", 0)
    assert "no rule decides between IA-MT and OA-SR" in one.stdout
    assert "“" not in one.stdout
    assert pcode("disagreements", runs[0]).exit_code == 2
    assert "did you mean" in pcode("disagreements", *runs, "--pair", "IA-MT,OA-S").stderr


def test_no_disagreement_is_said(tmp_path: Path, pcode) -> None:  # type: ignore[no-untyped-def]
    same = make_run(tmp_path / "same", {"x": ["A", "B"], "y": ["A", "B"]})
    shown = pcode("disagreements", same.folder, "-o", tmp_path / "sheet")
    assert shown.exit_code == 0, shown.stderr
    assert "none to show" in shown.stdout
    assert "No disagreement to show" in (tmp_path / "sheet/disagreements.html").read_text(encoding="utf-8")
    apart = make_run(tmp_path / "apart", {"x": ["A", None], "y": [None, "B"]})
    assert "no unit was coded by two" in pcode("disagreements", apart.folder).stdout
