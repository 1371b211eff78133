"""Only some traces: one filter, the same by stream and by column, and every output says what it was restricted to."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import Result
from hypothesis import given
from hypothesis import strategies as st

from pedagogy_r1.agreement.agreement_report import agree
from pedagogy_r1.errors import ArgumentError
from pedagogy_r1.runs.codings_table import frame_of
from pedagogy_r1.runs.run import CoderRun, restricted
from pedagogy_r1.runs.run_columns import read_columns
from pedagogy_r1.runs.where import Where
from pedagogy_r1.trace import Trace

from ..make_runs import make_run, with_fields

Pcode = Callable[..., Result]

SAID = "only the traces with domain=math and condition=cop are taken: 3 of 12"


def fields_of(number: int) -> dict[str, Any]:
    """Domains take turns, conditions by pairs; every third trace has no grade."""
    found: dict[str, Any] = {
        "domain": ("math", "law")[number % 2],
        "condition": ("cop", "generic")[number // 2 % 2],
    }
    found["model"] = "R1, distilled"
    found["correct"] = number % 3 == 0
    found["metadata"] = {"school": {"town": "Ulm"}} | ({"grade": number % 3 + 3} if number % 3 else {})
    return found


def varied(folder: Path, values: dict[str, Any], **more: Any) -> CoderRun:
    """A run whose traces have the fields of `fields_of`."""
    make_run(folder, values, per_trace=2, **more)
    return with_fields(folder, fields_of)


@pytest.fixture
def runs(tmp_path: Path) -> tuple[CoderRun, CoderRun]:
    """Two people, and a machine, on twelve traces of two units."""
    codes = ["A", "B", "C", "A", ("B", "C"), (), None, "A"] * 3
    people = varied(tmp_path / "people", {"P": codes, "Q": codes[1:] + codes[:1]})
    return people, varied(tmp_path / "machine", {"M": codes[2:] + codes[:2]}, machines=("M",))


def parsed(*texts: str) -> Where:
    found = Where.parse(texts)
    assert found is not None
    return found


def test_conditions_are_written_with_commas_or_repeated() -> None:
    both = {"domain": ("math",), "condition": ("cop",)}
    assert parsed("domain=math,condition=cop").wanted == both
    assert parsed("domain=math", " condition = cop ").wanted == both
    assert parsed("domain=math,domain=law,domain=math").wanted == {"domain": ("math", "law")}
    assert parsed("model=R1, distilled,correct=right").wanted == {
        "model": ("R1, distilled",),
        "correct": ("true",),
    }
    assert (
        str(parsed("domain=math,domain=law", "condition=cop"))
        == "(domain=math or domain=law) and condition=cop"
    )
    assert Where.parse([]) is None


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("domain", "'domain' is no condition", "write FIELD=VALUE"),
        ("domain=", "'domain=' is no condition", "write FIELD=VALUE"),
        ("domian=math", "traces have no field 'domian'", "did you mean domain?"),
        ("domain=maths", "no trace has domain=maths", "did you mean math?"),
        ("condition=zzz", "no trace has condition=zzz", "known: cop, generic"),
        ("metadata.grad=5", "no trace has a value of metadata.grad", "did you mean metadata.grade?"),
        ("metadata.grade=5.0", "no trace has metadata.grade=5.0", "did you mean 5?"),
        ("metadata.=5", "traces have no field 'metadata.'", "metadata.NAME"),
        ("item=7", "no trace has a value of item", "known: "),
        ("id=t0,condition=generic", "no trace has id=t0 and condition=generic", "never together"),
    ],
)
def test_what_nobody_has_is_an_error(
    text: str, message: str, hint: str, runs: tuple[CoderRun, CoderRun], pcode: Pcode
) -> None:
    with pytest.raises(ArgumentError) as raised:
        restricted(runs, Where.parse([text]))
    assert message in raised.value.message
    assert hint in raised.value.hint
    result = pcode("agreement", *(run.folder for run in runs), "--where", text)
    assert result.exit_code == 2
    assert message in result.stderr


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("domain=math,condition=cop", [0, 4, 8]),
        ("metadata.grade=5", [2, 5, 8, 11]),
        ("metadata.grade=4,metadata.grade=5,domain=law", [1, 5, 7, 11]),
        ("metadata.school.town=Ulm,id=t3", [3]),
        ("correct=right,model=R1, distilled", [0, 3, 6, 9]),
    ],
)
def test_the_filter_is_one_by_stream_and_by_column(
    text: str, numbers: list[int], runs: tuple[CoderRun, CoderRun]
) -> None:
    ids = [f"t{n}" for n in numbers]
    for run, own in zip(restricted(runs, parsed(text)), runs, strict=True):
        kept = {unit.id for unit in own.units() if unit.trace_id in ids}
        assert [trace.id for trace in run.traces()] == ids
        assert [trace.id for trace, _, _ in run.by_trace()] == ids
        assert list(run.units()) == [u for u in own.units() if u.id in kept]
        assert list(run.codings()) == [c for c in own.codings() if c.unit_id in kept]
        whole, part = frame_of(read_columns([own])), frame_of(read_columns([run]))
        expected = whole[whole["trace_id"].isin(ids)].reset_index(drop=True)
        names = ["trace_id", "unit_id", "index", "position", "coder", "primary", "codes", "condition"]
        assert part[names].astype(object).equals(expected[names].astype(object))
    assert len(list(runs[0].traces())) == 12, "the run itself is as it was"


@given(
    domains=st.lists(st.sampled_from(["a", "b", None]), min_size=1, max_size=8),
    grades=st.lists(st.sampled_from([1, 2.0, "1", True, None, [1, "x"]]), min_size=8, max_size=8),
    asked=st.sampled_from(
        ["domain=a", "metadata.g=1", "metadata.g=2,domain=b", "metadata.g=x", "metadata.g=true"]
    ),
)
def test_a_trace_is_taken_if_it_has_every_value(domains: list[Any], grades: list[Any], asked: str) -> None:
    traces = [
        Trace(id=str(n), domain=domain, metadata={} if grade is None else {"g": grade})
        for n, (domain, grade) in enumerate(zip(domains, grades, strict=False))
    ]
    where = parsed(asked)

    def has(trace: Trace, field: str, value: str) -> bool:
        own = trace.domain if field == "domain" else trace.metadata.get("g")
        texts = {"1": [1, "1"], "2": [2.0], "x": ["x"], "true": [True], "a": ["a"], "b": ["b"]}[value]
        found = own if isinstance(own, list) else [own]
        return any(one == text and type(one) is type(text) for one in found for text in texts)

    expected = {t.id for t in traces if all(has(t, f, v) for f, (v,) in where.wanted.items())}
    if expected:
        assert where.pick(traces).ids == expected
    else:
        with pytest.raises(ArgumentError):
            where.pick(traces)


def test_a_run_that_has_none_of_the_traces_is_a_run_without_codings(tmp_path: Path) -> None:
    one = varied(tmp_path / "one", {"P": ["A", "B", "C", "A"]})
    two = make_run(tmp_path / "two", {"Q": ["A", "B"]}, per_trace=2, offset=40)
    columns = read_columns(restricted([one, two], parsed("domain=math")))
    assert columns.traces["id"].to_pylist() == ["t0"]
    assert [c.name for c in columns.coders] == ["P", "Q"]
    assert set(columns.numbers("codings", "coder")) == {0}


def test_a_trace_that_one_run_takes_is_taken_in_all(tmp_path: Path) -> None:
    """The people's import may lack metadata that the machine's run has."""
    people = make_run(tmp_path / "people", {"P": ["A", "B", "C", "A"]}, per_trace=2)
    machine = varied(tmp_path / "machine", {"M": ["A", "B", "C", "A"]}, machines=("M",))
    kept = restricted([people, machine], parsed("metadata.grade=4"))
    assert [[t.id for t in run.traces()] for run in kept] == [["t1"], ["t1"]]


def folders(runs: tuple[CoderRun, ...]) -> list[Path]:
    return [run.folder for run in runs]


WHERE = ("--where", "domain=math,condition=cop")


def test_agreement_where(runs: tuple[CoderRun, CoderRun], pcode: Pcode) -> None:
    words = ("agreement", *folders(runs), *WHERE, "--replicates", 50)
    assert SAID in " ".join(pcode(*words).stdout.split())
    found = json.loads(pcode(*words, "--json").stdout)
    assert found["partial"] == [SAID]
    assert (found["n_traces"], found["n_units"]) == (3, 6)
    apart = agree(runs, by="condition", replicates=50)
    assert apart.n_traces == 12


def test_report_where(runs: tuple[CoderRun, CoderRun], pcode: Pcode, tmp_path: Path) -> None:
    out = tmp_path / "report"
    result = pcode("report", *folders(runs), *WHERE, "-o", out, "--replicates", 20, "--permutations", 20)
    assert result.exit_code == 0, result.output
    assert SAID in result.stdout
    page = (out / "report.html").read_text()
    assert page.count(SAID) >= 2, "under the title and in the methods"
    for path in (out / "tables").glob("*.csv"):
        rows = list(csv.DictReader(path.open()))
        assert all(row["partial"] == SAID for row in rows), path.name
        assert SAID.replace("_", r"\_") in path.with_suffix(".tex").read_text(), path.name


def test_tokens_where(runs: tuple[CoderRun, CoderRun], pcode: Pcode, tmp_path: Path) -> None:
    traces = runs[0].folder / "traces.jsonl"
    for more in ([], folders(runs[:1])):
        words = ("tokens", traces, *more, *WHERE, "--replicates", 20, "-o", tmp_path / "tables")
        assert SAID in " ".join(pcode(*words).stdout.split())
        found = json.loads(pcode(*words, "--json").stdout)
        assert found["partial"] == [SAID]
        assert found["groups"][0]["traces"] == 3
        rows = list(csv.DictReader((tmp_path / "tables/traces.csv").open()))
        assert [row["trace_id"] for row in rows] == ["t0", "t4", "t8"]
        assert {row["partial"] for row in rows} == {SAID}


def test_tokens_where_leaves_out_the_thoughts_of_other_traces(
    runs: tuple[CoderRun, CoderRun], pcode: Pcode, tmp_path: Path
) -> None:
    thoughts = tmp_path / "thoughts.jsonl"
    rows = [{"trace_id": f"t{n}", "start": 0, "end": 5} for n in range(12)]
    thoughts.write_text("".join(json.dumps(row) + "\n" for row in rows))
    traces = runs[0].folder / "traces.jsonl"
    result = pcode("tokens", traces, "--thoughts", thoughts, *WHERE, "--replicates", 0, "--json")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["groups"][0]["traces"] == 3


def test_unitizing_where(runs: tuple[CoderRun, CoderRun], pcode: Pcode) -> None:
    words = ("unitizing", runs[0].folder, *WHERE, "--replicates", 0)
    assert SAID in " ".join(pcode(*words).stdout.split())
    found = json.loads(pcode(*words, "--json").stdout)
    assert found["partial"] == [SAID]
    assert found["n_continua"] == 3


@pytest.mark.parametrize("more", [(), ("--for", "ena"), ("--for", "tna")])
def test_export_where(
    more: tuple[str, ...], runs: tuple[CoderRun, CoderRun], pcode: Pcode, tmp_path: Path
) -> None:
    out = tmp_path / "out.csv"
    result = pcode("export", *folders(runs), *WHERE, *more, "-o", out)
    assert result.exit_code == 0, "nothing is unfinished"
    assert SAID in result.stderr
    rows = list(csv.DictReader(out.open()))
    assert {row["trace_id"] for row in rows} == {"t0", "t4", "t8"}
    assert {row["where"] for row in rows} == {SAID}
    assert pcode("export", *folders(runs), *more, "-o", out).exit_code == 0
    assert "where" not in csv.DictReader(out.open()).fieldnames  # type: ignore[operator]


def test_before_is_restricted_as_well(runs: tuple[CoderRun, CoderRun], pcode: Pcode) -> None:
    words = ("agreement", runs[0].folder, "--before", runs[0].folder, "--replicates", 0, "--json")
    every, part = (json.loads(pcode(*words, *more).stdout)["drift"] for more in ((), WHERE))
    assert np.isclose(every["first"], every["second"])
    assert (every["clusters"], part["clusters"]) == (12, 3)


def test_values_written_with_one_field_are_told_how_to_be_written(runs: tuple[CoderRun, CoderRun]) -> None:
    with pytest.raises(ArgumentError, match="no trace has domain=math,law") as error:
        restricted(runs, parsed("domain=math,law"))
    assert error.value.hint == "write one condition for each value: domain=math,domain=law"
