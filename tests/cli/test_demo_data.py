"""The demo's data is what demo/README.md says it is."""

from __future__ import annotations

import csv
from collections import Counter, defaultdict
from typing import NamedTuple

import pytest

from pedagogy_r1.codebook import load_codebook
from pedagogy_r1.files.records import Row, read_jsonl
from pedagogy_r1.shipped import folder
from pedagogy_r1.trace import Trace
from pedagogy_r1.unit import unitize

DEMO = folder("demo")
COLUMNS = ["trace_id", "start", "end", "quote", "coder", "code", "memo"]
CODERS = ("A", "B")


class Coded(NamedTuple):
    """One row of a coder's file."""

    trace_id: str
    start: int
    end: int
    quote: str
    coder: str
    code: str
    memo: str

    @property
    def span(self) -> tuple[str, int, int]:
        return self.trace_id, self.start, self.end


@pytest.fixture(scope="module")
def traces() -> dict[str, Trace]:
    rows = list(read_jsonl(DEMO / "traces.jsonl"))
    assert all(isinstance(row, Row) for row in rows)
    read = [Trace.model_validate(row.data) for row in rows]
    by_id = {trace.id: trace for trace in read}
    assert len(by_id) == len(read), "a trace id comes twice"
    return by_id


@pytest.fixture(scope="module")
def codings() -> dict[str, list[Coded]]:
    return {coder: _read(coder) for coder in CODERS}


def _read(coder: str) -> list[Coded]:
    with (DEMO / f"coder_{coder}.csv").open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    assert header == COLUMNS
    return [Coded(row[0], int(row[1]), int(row[2]), *row[3:]) for row in rows]


def test_a_dozen_traces_over_five_domains_and_two_conditions(traces: dict[str, Trace]) -> None:
    assert len(traces) >= 12
    cells = Counter((trace.domain, trace.condition) for trace in traces.values())
    assert set(cells) == {(d, c) for d in ("SK", "PK", "KT", "AES", "DM") for c in ("generic", "cop")}


def test_each_item_comes_once_under_both_conditions(traces: dict[str, Trace]) -> None:
    by_item = defaultdict(list)
    for trace in traces.values():
        by_item[trace.item].append(trace)
    for item, pair in by_item.items():
        assert sorted(trace.condition or "" for trace in pair) == ["cop", "generic"], item
        assert len({(trace.question, trace.reference, trace.domain) for trace in pair}) == 1, item


def test_no_model_is_named_and_right_answers_are_marked_right(traces: dict[str, Trace]) -> None:
    for trace in traces.values():
        assert trace.model == "sample-writer"
        said = trace.answer.rstrip(".").split()[-1].strip("*")
        assert trace.correct == (said == trace.reference), trace.id
    assert {trace.correct for trace in traces.values()} == {True, False}


def test_both_coders_coded_the_same_third_of_the_traces(
    traces: dict[str, Trace], codings: dict[str, list[Coded]]
) -> None:
    spans = {coder: {row.span for row in rows} for coder, rows in codings.items()}
    assert spans["A"] == spans["B"]
    coded = {trace_id for trace_id, _, _ in spans["A"]}
    assert 3 * len(coded) >= len(traces)
    assert len(spans["A"]) >= 70
    assert {traces[trace_id].domain for trace_id in coded} == {"SK", "PK", "KT", "AES", "DM"}
    assert Counter(traces[trace_id].condition for trace_id in coded) == {"generic": 3, "cop": 3}


@pytest.mark.parametrize("coder", CODERS)
def test_quotes_are_their_slices(
    coder: str, traces: dict[str, Trace], codings: dict[str, list[Coded]]
) -> None:
    for row in codings[coder]:
        assert row.coder == coder
        assert traces[row.trace_id].reasoning[row.start : row.end] == row.quote


@pytest.mark.parametrize("coder", CODERS)
def test_codes_exist_one_or_two_a_unit(coder: str, codings: dict[str, list[Coded]]) -> None:
    known = set(load_codebook("schoen@1.0.0").code_ids)
    by_span = defaultdict(list)
    for row in codings[coder]:
        by_span[row.span].append(row.code)
    for span, codes in by_span.items():
        assert codes == [""] or (len(set(codes)) == len(codes) <= 2 and set(codes) <= known), span
    used = {row.code for row in codings[coder]}
    assert used == known | {""}, "every code is used, and something is missing"
    assert any(len(codes) == 2 for codes in by_span.values())


@pytest.mark.parametrize("coder", CODERS)
def test_what_is_left_open_has_a_memo(coder: str, codings: dict[str, list[Coded]]) -> None:
    assert all(row.memo for row in codings[coder] if not row.code)


def test_coded_spans_are_exactly_the_sentences(
    traces: dict[str, Trace], codings: dict[str, list[Coded]]
) -> None:
    coded = {row.span for row in codings["A"]}
    units = {
        (trace_id, unit.start, unit.end)
        for trace_id in {trace_id for trace_id, _, _ in coded}
        for unit in unitize(traces[trace_id], "sentence@1")
    }
    assert coded == units


def test_the_coders_mostly_agree_and_not_always(codings: dict[str, list[Coded]]) -> None:
    primary: dict[str, dict[tuple[str, int, int], str]] = {coder: {} for coder in CODERS}
    for coder, rows in codings.items():
        for row in rows:
            primary[coder].setdefault(row.span, row.code)
    both = [(code, primary["B"][span]) for span, code in primary["A"].items() if code and primary["B"][span]]
    assert 0.7 < sum(a == b for a, b in both) / len(both) < 0.95


def test_generic_traces_hold_no_self_questioning_and_no_meta_evaluation(
    traces: dict[str, Trace], codings: dict[str, list[Coded]]
) -> None:
    seen = defaultdict(set)
    for rows in codings.values():
        for row in rows:
            seen[traces[row.trace_id].condition].add(row.code)
    assert not seen["generic"] & {"IA-SQ", "OA-ME"}
    assert {"IA-SQ", "OA-ME"} <= seen["cop"]


def test_the_texts_exercise_the_unitizer(traces: dict[str, Trace]) -> None:
    text = "\n".join(trace.reasoning for trace in traces.values())
    for what in ("$$", "\\frac", "0.625", "e.g.", "\n- ", "\n1. ", "🙂", "질문"):
        assert what in text, what
