"""Agreement from tallies of shards is agreement from the codings themselves."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from pedagogy_r1.agreement.agreement_report import (
    comparisons_of,
    hayes_intervals,
    human_machine_differences,
    leave_one_out,
    shared_errors,
)
from pedagogy_r1.agreement.code_accuracy import accuracy, confusions, ranked_units
from pedagogy_r1.agreement.comparison import ReliabilityData, reliability_of
from pedagogy_r1.agreement.corpus_agreement import agree_on
from pedagogy_r1.codebook import parse_codebook
from pedagogy_r1.errors import RunError
from pedagogy_r1.estimate import Interval, Resampling
from pedagogy_r1.runs.tally import Tally, add_up, tally
from pedagogy_r1.runs.where import value_text

from ..corpus_columns import deep, random_columns, same, shards
from ..make_runs import BOOK

HOW = Resampling(replicates=40, seed=3)
FOUR = {"A": "human", "B": "human", "cues": "machine", "llm": "machine"}
ORDINAL = BOOK.replace("title:", "level: ordinal\ntitle:")
EXHAUSTIVE = BOOK.replace("exhaustive: false", "exhaustive: true")


def both(text: str, coders: dict[str, str], **how: Any) -> tuple[ReliabilityData, Tally]:
    """The codings, and the sum of four shards' tallies, of which one is empty."""
    columns = random_columns(parse_codebook(text), coders, **how)
    n = len(columns.traces)
    parts = shards(columns, [n // 3, n // 3, n // 2])
    return reliability_of(columns), add_up(tally(one, f"shard {at}") for at, one in enumerate(parts))


def direct(data: ReliabilityData, how: Resampling) -> dict[str, Any]:
    return {
        "n_units": len(data.unit_ids),
        "n_traces": len(data.traces),
        "comparisons": comparisons_of(data, how),
        "confused": tuple(confusions(data)),
        "n_disagreed": len(ranked_units(data)),
        "differences": human_machine_differences(data, how),
        "leave_one_out": leave_one_out(data, how),
        "machine_errors": shared_errors(data),
        "accuracy": {n: accuracy(data, n, data.names[0], how) for n in data.names[1:]},
        "hayes": hayes_intervals(data, how),
    }


CASES: dict[str, tuple[str, dict[str, str], dict[str, Any]]] = {
    "four coders, second codes": (BOOK, FOUR, {"seconds": 0.15}),
    "two machines, ordinal": (ORDINAL, {"cues": "machine", "llm": "machine"}, {"seconds": 0.0}),
    "a rare code": (
        EXHAUSTIVE,
        {"A": "human", "B": "human", "cues": "machine"},
        {"weights": (0.6, 0.397, 0.003), "seconds": 0.0},
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_everything_that_the_report_has(case: str) -> None:
    text, coders, how = CASES[case]
    data, whole = both(text, coders, traces=150, units=40, **how)
    report = agree_on(whole, hayes=True, reference=data.names[0], how=HOW)
    wanted = direct(data, HOW)
    same(
        {name: deep(getattr(report, name)) for name in wanted},
        {name: deep(one) for name, one in wanted.items()},
    )
    methods = {code.result.method for one in report.comparisons for code in one.per_code}
    assert any("studentised" in method for method in methods) == (case == "a rare code")
    assert report.comparisons[0].result.value
    assert report.comparisons[0].result.low


@pytest.mark.parametrize("field", ["domain", "correct"])
def test_groups_and_percentiles_of_resampled_traces(field: str) -> None:
    columns = random_columns(parse_codebook(BOOK), FOUR, traces=150, units=60, seconds=0.0)
    how = dataclasses.replace(HOW, interval="bootstrap", replicates=50)
    whole, data = tally(columns), reliability_of(columns)
    report = agree_on(whole, by=field, coders=["A", "cues"], how=how)
    of_trace = [value if value is None else value_text(value) for value in columns.traces[field].to_pylist()]
    data = dataclasses.replace(data.of(["A", "cues"]), fields=tuple({field: value} for value in of_trace))
    assert [group.value for group in report.groups] == [*sorted({v for v in of_trace if v}), None]
    for group in report.groups:
        part = data.where(field, group.value)
        assert group.n_units == len(part.unit_ids)
        same(deep(group.comparisons), deep(comparisons_of(part, how)))


def test_few_units_are_resampled_profile_by_profile() -> None:
    """As the order of units is not known; every other number is the same."""
    data, whole = both(BOOK, {"A": "human", "B": "human"}, traces=8, units=4)
    found, wanted = agree_on(whole, how=HOW).comparisons[0].result, comparisons_of(data, HOW)[0].result
    assert (found.value, found.low, found.n) == pytest.approx((wanted.value, wanted.low, wanted.n), abs=1e-12)
    assert found.unit_low is not None
    assert found.unit_low == pytest.approx(wanted.unit_low, abs=0.1)


def test_a_stranger() -> None:
    _, whole = both(BOOK, {"A": "human", "B": "human"}, traces=8)
    with pytest.raises(RunError, match="no field 'metadata"):
        agree_on(whole, by="metadata.grade", how=HOW)
    with pytest.raises(RunError, match="no coder is named 'C'"):
        agree_on(whole, coders=["A", "C"], how=HOW)


def test_no_intervals() -> None:
    how = dataclasses.replace(HOW, replicates=0)
    data, whole = both(BOOK, {"A": "human", "cues": "machine"}, traces=150, units=40, seconds=0.0)
    same(deep(agree_on(whole, how=how).comparisons), deep(comparisons_of(data, how)))


@pytest.mark.parametrize("interval", ["jackknife", "bootstrap"])
@pytest.mark.parametrize("case", [*CASES, "few units", "three people, thirds and quarters"])
def test_units_that_are_counted_give_the_same_to_the_last_digit(case: str, interval: Interval) -> None:
    five = {"A": "human", "B": "human", "C": "human", "cues": "machine", "llm": "machine"}
    more = {
        "few units": (BOOK, FOUR, {"traces": 9, "units": 3}),
        "three people, thirds and quarters": (BOOK, five, {"seconds": 0.2, "traces": 60}),
    }
    text, coders, own = (CASES | more)[case]
    columns = random_columns(parse_codebook(text), coders, **{"traces": 150, "units": 40} | own)
    data, how = reliability_of(columns), dataclasses.replace(HOW, interval=interval)
    parts = [data, data.of(data.names[:2]), *(data.where("domain", one) for one in ("SK", "PK", None))]
    for one in parts:
        counted = one.counted()
        assert len(counted.primary[0]) < one.n_units or case == "few units"
        assert (counted.n_units, counted.n_traces) == (one.n_units, one.n_traces)
        for measure in (comparisons_of, human_machine_differences, leave_one_out, hayes_intervals):
            assert repr(measure(counted, how)) == repr(measure(one, how))
        assert repr(confusions(counted)) == repr(confusions(one))
    within = data.counted().where("domain", "SK")
    assert repr(comparisons_of(within, how)) == repr(comparisons_of(data.where("domain", "SK"), how))
