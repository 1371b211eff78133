"""Codes by any column of the traces: counts and shares that equal what functions return, and which values have few traces."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from pedagogy_r1.errors import ArgumentError
from pedagogy_r1.report import ReportSettings, open_study
from pedagogy_r1.report.section import ReportTable
from pedagogy_r1.report.sections.frequencies import Crosstab, crosstab_section, measure_crosstab, section
from pedagogy_r1.runs.run import CoderRun
from pedagogy_r1.runs.where import values_of
from pedagogy_r1.stats import code_table, frequency
from pedagogy_r1.trace import Trace

from ..make_runs import make_run, with_fields

Pcode = Callable[..., Result]


def grade(number: int) -> dict[str, Any]:
    """Grades 10, 5 and 6 for six, five and two traces; the last has none."""
    grades = [*[10] * 6, *[5] * 5, 6.0, "6", None]
    return {"metadata": {} if grades[number] is None else {"grade": grades[number]}}


LABEL = {f"t{n}": str(grade(n)["metadata"].get("grade", "no grade")).removesuffix(".0") for n in range(14)}


@pytest.fixture
def runs(tmp_path: Path) -> list[CoderRun]:
    """Fourteen traces of two units; the machine coded all, a person those of grade 10."""
    codes: list[Any] = ["A", "B", "A", "C", ("B", "C"), "A", None, (), "A", "B", "C", "A"]
    make_run(tmp_path / "machine", {"M": (codes * 3)[:28]}, per_trace=2, machines=("M",))
    person = make_run(tmp_path / "person", {"P": codes}, per_trace=2)
    return [person, with_fields(tmp_path / "machine", grade)]


def crosstab(runs: list[CoderRun], by: str = "metadata.grade", **more: Any) -> tuple[Any, Crosstab]:
    study = open_study(runs, ReportSettings(by=by, replicates=0, permutations=10, **more))
    found = measure_crosstab(study)
    assert found is not None
    return study, found


def named(tables: tuple[ReportTable, ...], name: str) -> ReportTable:
    return next(table for table in tables if table.name == name)


def test_counts_and_shares_are_those_of_the_table(runs: list[CoderRun]) -> None:
    study, found = crosstab(runs)
    assert found.values == ("5", "6", "10", "no grade"), "numbers by size, the missing one last"
    assert found.traces == {"5": 5, "6": 2, "10": 6, "no grade": 1}
    page = crosstab_section(study, found)
    counts = {row["code"]: row for row in named(page.tables, "crosstab_counts").rows}
    own = code_table(runs)
    own = own[own["coder"] == "M"]
    value = own["trace_id"].astype(str).map(LABEL)
    for label in found.values:
        primary = own["primary"][value == label]
        for code in study.codes:
            assert counts[code][f"value {label}"] == (primary == code).sum()
        assert counts["all units"][f"value {label}"] == primary.notna().sum()
    for label in found.values:
        part = {s.code: s for s in frequency(own[value == label])}
        rows = [r for r in named(page.tables, "crosstab").rows if (r["coder"], r["by"]) == ("M", label)]
        assert [row["code"] for row in rows] == list(study.codes)
        for row in rows:
            expected = part[row["code"]]
            assert (row["count"], row["total"]) == (expected.count, expected.total)
            assert row["by"] == label
            assert row["n_traces"] == expected.n_traces


def test_intervals_are_those_of_code_shares(runs: list[CoderRun]) -> None:
    study, found = crosstab(runs, level=0.9)
    own = study.table[study.table["coder"] == "M"]
    expected = frequency(own.assign(grade=own["trace_id"].astype(str).map(LABEL)), ["grade"], level=0.9)
    theirs = {(s.group[0][1], s.code): s.share for s in expected}
    ours = {(s.group[0][1], s.code): s.share for s in found.shares if s.coder == "M"}
    assert ours == theirs
    assert {share.level for share in ours.values()} == {0.9}
    assert any(share.low is not None for share in ours.values())


def test_values_with_few_traces_are_named(runs: list[CoderRun]) -> None:
    study, found = crosstab(runs)
    assert crosstab_section(study, found).cautions == (
        "Values of grade with fewer than 5 traces that M coded: 6 (2 traces) and no grade (1 trace).",
    )
    study, found = crosstab(runs, coder="P")
    assert crosstab_section(study, found).cautions == ("P coded no unit of grade 5, 6 and no grade.",)
    (row,) = [
        row
        for row in named(crosstab_section(study, found).tables, "crosstab_counts").rows
        if row["code"] == "A"
    ]
    assert row == {"code": "A", "value 10": 5}


def test_without_by_there_is_no_section(runs: list[CoderRun]) -> None:
    found = section(open_study(runs, ReportSettings(replicates=0)))
    assert [one.id for one in found] == ["frequency"]


@pytest.mark.parametrize(
    ("metadata", "field", "message"),
    [
        ([{"g": 1}, {"g": [1]}], "metadata.g", "metadata.g of trace t1 is no single value"),
        ([{"grade": 1}], "metadata.grad", "no trace has a value of metadata.grad"),
        ([{}], "grade", "traces have no field 'grade'"),
    ],
)
def test_what_cannot_be_tabulated_is_an_error(metadata: list[Any], field: str, message: str) -> None:
    traces = [Trace(id=f"t{n}", metadata=own) for n, own in enumerate(metadata)]
    with pytest.raises(ArgumentError, match=message):
        values_of(traces, field)


def test_two_values_of_one_trace_are_an_error() -> None:
    traces = [Trace(id="t", metadata={"g": 1}), Trace(id="t"), Trace(id="t", metadata={"g": 2})]
    assert values_of(traces[:2], "metadata.g") == {"t": "1"}
    with pytest.raises(ArgumentError, match=r"has metadata.g 1 in one run and 2 in another"):
        values_of(traces, "metadata.g")


def test_a_value_called_as_the_missing_one_is_told_apart(tmp_path: Path) -> None:
    make_run(tmp_path / "r", {"P": ["A", "B", "C"]}, per_trace=1)
    run = with_fields(tmp_path / "r", lambda n: {"metadata": [{"g": "no g"}, {}, {"g": "x"}][n]})
    _, found = crosstab([run], "metadata.g")
    assert found.values == ("no g", "x", "(no g)")


def test_many_values_stand_in_the_long_table_alone(tmp_path: Path) -> None:
    make_run(tmp_path / "r", {"P": ["A"] * 25}, per_trace=1)
    run = with_fields(tmp_path / "r", lambda n: {"model": f"m{n}"})
    study, found = crosstab([run], "model")
    assert [table.name for table in crosstab_section(study, found).tables] == ["crosstab"]


def test_report_by_metadata(runs: list[CoderRun], tmp_path: Path, pcode: Pcode) -> None:
    words = ("report", *(run.folder for run in runs), "--replicates", 10, "--permutations", 20)
    result = pcode(*words, "-o", tmp_path / "out", "--by", "metadata.grade")
    assert result.exit_code == 0, result.output
    page = (tmp_path / "out/report.html").read_text()
    assert '<section id="crosstab">' in page
    assert "Codes by grade" in page
    rows = list(csv.DictReader((tmp_path / "out/tables/crosstab.csv").open()))
    assert {row["by"] for row in rows if row["coder"] == "P"} == {"10"}
    assert (tmp_path / "out/tables/crosstab_counts.tex").is_file()
    result = pcode(*words, "-o", tmp_path / "other", "--by", "metadata.grad")
    assert result.exit_code == 2
    assert "did you mean metadata.grade?" in result.stderr
    assert not (tmp_path / "other").exists()


def test_an_empty_value_is_a_value(tmp_path: Path) -> None:
    """Its units stood in no row of the table."""
    values = ["", "x", '""', None]
    make_run(tmp_path / "run", {"P": ["A", "B", "A", "C"]}, per_trace=1)
    run = with_fields(tmp_path / "run", lambda n: {"metadata": {} if values[n] is None else {"k": values[n]}})
    _, found = crosstab([run], by="metadata.k")
    assert found.values == ('""', "x", '("")', "no k")
    assert found.traces == dict.fromkeys(found.values, 1)
    assert sum(share.count for share in found.shares) == 4


def test_report_by_a_field_of_a_thousand_values(tmp_path: Path) -> None:
    """The keys of all rows were sought again for every row: some minutes."""
    make_run(tmp_path / "run", {"P": ["A", "B"] * 500}, per_trace=1)
    run = with_fields(tmp_path / "run", lambda n: {"metadata": {"k": f"v{n}"}})
    study, found = crosstab([run], by="metadata.k")
    table = named(crosstab_section(study, found).tables, "crosstab")
    rows = list(csv.DictReader(io.StringIO(table.csv())))
    assert len({row["by"] for row in rows}) == 1000
    assert len(rows) == len(table.rows)
