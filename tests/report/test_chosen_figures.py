"""Figures of chosen traces, of transitions as a network and of many analyses hold what the runs and the tables hold."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from pedagogy_r1.errors import ArgumentError
from pedagogy_r1.report import make_report
from pedagogy_r1.report.sections.chosen_traces import measure_ribbons
from pedagogy_r1.report.study import open_study
from pedagogy_r1.runs.run import CoderRun

from ..make_runs import BOOK
from .scenes import QUICK, Codes, coded, like, machines_alone, people_and_machines, run_of, two_conditions
from .test_figure_layout import faults


def test_a_ribbon_is_what_was_coded(tmp_path: Path) -> None:
    runs = people_and_machines(tmp_path)
    (first, second) = measure_ribbons(open_study(runs, replace(QUICK, ribbons=("t3", "t12"))))
    assert set(first.coders) == {"A", "B", "gpt", "cues"}
    assert set(second.coders) == {"gpt", "cues"}  # people coded the first ten traces
    for trace, ribbon in (("t3", first), ("t12", second)):
        for run in map(CoderRun, runs):
            for found, units, codings in run.by_trace():
                if found.id != trace:
                    continue
                place = {unit.id: (unit.start, unit.end) for unit in units}
                for name in {coding.coder for coding in codings} & set(ribbon.coders):
                    said = [(*place[c.unit_id], c.codes[0]) for c in codings if c.coder == name and c.codes]
                    drawn = [tuple(stretch) for stretch in ribbon.coders[name] if stretch.sign]
                    assert sorted(drawn) == sorted(said)
    with pytest.raises(ArgumentError, match="no trace 't99' is in these runs"):
        measure_ribbons(open_study(runs, replace(QUICK, ribbons=("t99",))))


def test_ribbons_from_the_command_line(pcode: Callable[..., Result], tmp_path: Path) -> None:
    run = run_of(tmp_path / "r", {"A": coded(40, 1), "B": coded(40, 2)})
    quick = ("--permutations", 20, "--replicates", 20)
    made = pcode("report", run, "-o", tmp_path / "out", *quick, "--ribbons", "t0,t2", "--labels", "names")
    assert made.exit_code == 0, made.output
    said = "Traces from their first letter to their last, a ribbon for each coder, each unit in the colour of its primary code. Empty: text that a coder was not asked about."
    assert said in (tmp_path / "out/report.html").read_text(encoding="utf-8")
    svg = (tmp_path / "out/figures/ribbons.svg").read_text(encoding="utf-8")
    assert re.findall(r">(t\d+) · \w+", svg) == ["t0", "t2"]
    wrong = pcode("report", run, "-o", tmp_path / "other", *quick, "--ribbons", "t0,t77")
    assert wrong.exit_code == 2
    assert "no trace 't77' is in these runs" in wrong.stderr
    assert not (tmp_path / "other").exists()


def arguments(report: Any, name: str) -> tuple[Any, ...]:
    """What the figure draws."""
    return tuple(report.figure(name).draw.args)


def test_the_network_has_the_transitions_that_are_shown(tmp_path: Path) -> None:
    in_order: Codes = ["A", "B", "C", "C"] * 50
    report = make_report([run_of(tmp_path / "r", {"A": in_order})], QUICK)
    rows = {(row["from"], row["to"]): row for row in report.table("transitions").rows}
    nodes, arrows = arguments(report, "transition_network")
    drawn = {(nodes[a.start].name, nodes[a.end].name): a.times for a in arrows}
    shown = {
        pair: row["observed"]
        for pair, row in rows.items()
        if row["z"] and row["z"] > 0 and row["p_family"] < 0.05
    }
    assert drawn == shown
    assert ("A", "B") in drawn
    mixed = make_report([run_of(tmp_path / "m", {"A": coded(200, 4)})], QUICK)
    assert "transition_network" not in {figure.name for figure in mixed.figures}


def test_the_specification_curve_has_the_tables_numbers(tmp_path: Path) -> None:
    report = make_report(machines_alone(tmp_path), QUICK)
    name = "multiverse_condition_cop_generic"
    questions, held, lines = arguments(report, name)
    assert len(held) == 2
    assert set(lines) >= {"m", "n"}
    drawn = {q.name: [(("m", "n")[e.specification], e.value, e.shown) for e in q.effects] for q in questions}
    for row in report.table(name).rows:
        own = [
            (m, row[f"{m}_points"], row[m][0] in "▲▼") for m in ("m", "n") if row[f"{m}_points"] is not None
        ]
        assert drawn.get(row["code"], own) == own
    assert drawn


def test_names_and_a_logarithmic_axis(tmp_path: Path) -> None:
    codes = like(coded(200, 1), 0.1, 3)
    settings = replace(QUICK, labels="names", scale="log")
    report = make_report([run_of(tmp_path / "r", {"A": codes}, two_conditions)], settings)
    called = {code.id: code.name for code in report.study.book.codes}
    drawn, _ = report.figure("frequency").canvas()
    (axes,) = drawn.axes
    assert axes.get_xscale() == "log"
    assert [label.get_text() for label in axes.get_yticklabels()][:3] == [
        called[code] for code in report.study.codes[:3]
    ]


def test_forty_codes(tmp_path: Path) -> None:
    """Of which each follows the one before: 40 in order, 60 and more arrows in two orders; and 17 and “none” stand in the bars as one."""
    names = [f"C{k}" for k in range(40)]
    rows = "".join(
        f"  - {{id: {name}, name: code {name}, family: F, short: s, definition: d}}\n" for name in names
    )
    text = BOOK[: BOOK.index("  - {id: A")] + rows
    codes: Codes = [*names, *names[::-1]] * 6
    report = make_report([run_of(tmp_path / "r", {"A": codes}, two_conditions, text=text, per=40)], QUICK)
    assert (
        "Other: 18 codes; the 23 that reach the largest share in any bar are drawn apart."
        in report.figure("composition_by_condition").caption
    )
    network = report.figure("transition_network")
    assert len(arguments(report, "transition_network")[1]) == 60
    assert re.search(r"The 60 with the largest z of \d+ are drawn\.$", network.caption)
    for figure in report.figures:
        assert list(faults(figure.canvas()[0])) == [], figure.name
