"""The section on corrected shares: every sentence it can print, with the codings that bring it about."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import pedagogy_r1 as pr
from pedagogy_r1.human.import_codings import import_codings
from pedagogy_r1.report import ReportSettings, correction_section, measure_corrections
from pedagogy_r1.report.sections.corrections import Corrections
from pedagogy_r1.report.study import open_study
from pedagogy_r1.sampling.inclusion import plan_of, read_inclusion

from ..make_runs import make_run

PER = 10


def codes(traces: int, share_a: float, seed: int) -> list[str | None]:
    """A, B or C for ten units of each trace."""
    rng = np.random.default_rng(seed)
    return list(rng.choice(["A", "B", "C"], traces * PER, p=[share_a, 0.3, 0.7 - share_a]))


def first(values: Sequence[str | None], traces: int, every: int = 1) -> list[str | None]:
    """Of the first traces, each ``every``-th unit; the rest is missing."""
    return [v if i < traces * PER and i % every == 0 else None for i, v in enumerate(values)]


def measured(folder: Path, values: dict[str, Any], **settings: Any) -> Corrections:
    run = make_run(folder / "r", values, per_trace=PER, machines=["m"])
    return measure_corrections(open_study([run], ReportSettings(replicates=20, permutations=50, **settings)))


M, P, Q = codes(20, 0.3, 1), codes(20, 0.3, 2), codes(20, 0.2, 3)
ZERO: list[str | None] = ["B" if v == "A" else v for v in P]

SENTENCES: dict[str, tuple[dict[str, Any], list[str]]] = {
    "everything coded by one": (
        {"m": M, "P": P},
        [
            "m coded 200 units; P coded 200 of them.",
            "People coded every unit that m coded, so that nothing has to be assumed of how units were chosen.",
            "The corrected figures are what P would have found; how others differ is in no interval.",
            "To be reported: people's own, whose interval is not wider, of A, B, C, “none”.",
        ],
    ),
    "whole traces by two": (
        {"m": M, "P": first(P, 8), "Q": first(Q, 8)},
        [
            "m coded 200 units; P and Q together coded 80 of them.",
            "it is assumed that the 8 of 20 traces that people coded were drawn at random (π = 0.4). No --inclusion file records how units "
            "came to be coded; if people chose them by what they found there, the corrected figures are biased.",
            "The machine is corrected against each of 2 people, and the figures are the means; the intervals hold the difference "
            "between people, as if others like them had coded.",
        ],
    ),
    "half of it by the second": (
        {"m": M, "P": first(P, 10), "Q": first(Q, 10, 2)},
        [
            "it is assumed that the 10 of 20 traces that people coded were drawn at random (π = 0.5); it is assumed that what each of "
            "them coded of it (P 100 %, Q 50 %) was drawn at random."
        ],
    ),
    "single units": (
        {"m": M, "P": first(P, 20, 2)},
        [
            "It is assumed that the 100 of 200 units that people coded were drawn at random, each with the same chance (π = 0.5)."
        ],
    ),
    "three traces only": (
        {"m": M, "P": first(P, 3)},
        [
            "To be reported: no figure for A, B, C, “none” (the CSV says why).",
            "Whether the machine's shares differ from the corrected ones cannot be told: none has an interval.",
        ],
    ),
}


@pytest.mark.parametrize("case", SENTENCES)
def test_every_sentence(case: str, tmp_path: Path) -> None:
    values, sentences = SENTENCES[case]
    run = make_run(tmp_path / "r", values, per_trace=PER, machines=["m"])
    study = open_study([run], ReportSettings(replicates=20, permutations=50))
    lead = " ".join(correction_section(study, measure_corrections(study)).lead)
    for words in sentences:
        assert words in lead


def test_the_share_does_not_depend_on_who_coded_most(tmp_path: Path) -> None:
    """With two people the corrected share was one person's: ties went to whoever coded most."""
    found = measured(tmp_path, {"m": M, "P": first(P, 10), "Q": first(Q, 9)})
    a = found.prevalence["A"]
    assert [e.name for e in a.people] == ["P", "Q"]
    assert a.dsl.value == pytest.approx(np.mean([e.value for e in a.people]))
    assert a.dsl.se > abs(a.people[0].value - a.people[1].value) / 2


def test_the_table_names_what_to_report_and_on_how_many_traces_it_rests(tmp_path: Path) -> None:
    run = make_run(tmp_path / "r", {"m": M, "P": first(P, 8)}, per_trace=PER, machines=["m"])
    study = open_study([run], ReportSettings(replicates=20, permutations=50))
    found = measure_corrections(study)
    for row in correction_section(study, found).tables[0].rows:
        best = found.prevalence[row["code"]].recommended
        assert row["report"] == {None: "none", "DSL": "DSL", "human only": "people alone"}[best and best.name]
        assert row["effective_clusters"] == pytest.approx(8)


def test_an_assumed_probability_is_said_in_the_sentence_itself(tmp_path: Path) -> None:
    found = measured(tmp_path, {"m": M, "P": first(P, 8)})
    for c in found.prevalence.values():
        assert c.recommended is not None
        assert "if it holds that the 8 of 20 traces that people coded were drawn at random." in c.verdict()


def recorded(folder: Path, pi: str, drawn: int | None = None) -> Corrections:
    """P coded 8 of 20 traces, and a file says that each trace was drawn with ``pi`` (and which were: the first ``drawn``)."""
    values = {"m": M, "P": first(P, 8)}
    traces = open_study([make_run(folder / "r", values, per_trace=PER, machines=["m"])]).data.traces
    head = ["trace_id", "inclusion_probability", *(["drawn"] if drawn else [])]
    rows = [[t, pi, *([str(int(k < drawn))] if drawn else [])] for k, t in enumerate(traces)]
    file = folder / "inclusion.csv"
    file.write_text("".join(",".join(row) + "\n" for row in [head, *rows]), encoding="utf-8")
    return measured(folder / "again", values, inclusion=read_inclusion(file))


def test_a_recorded_probability_needs_no_if(tmp_path: Path) -> None:
    found = recorded(tmp_path, "0.4")
    assert found.plan is not None
    assert found.plan.words == (
        "80 of 200 units were coded, and the probability with which each of the traces was drawn is recorded in inclusion.csv "
        "(π = 0.4, expected 80 units)"
    )
    for c in found.prevalence.values():
        assert "if it holds" not in c.verdict()


def test_drawn_units_that_nobody_coded_are_an_assumption_of_the_sentence(tmp_path: Path) -> None:
    found = recorded(tmp_path, "0.5", drawn=10)
    assert found.plan is not None
    assert (
        "; it is assumed that the 20 of 100 units drawn that nobody coded are like the others, and"
        in found.plan.words
    )
    for c in found.prevalence.values():
        assert (
            "if it holds that the 20 of 100 units drawn that nobody coded are like the others." in c.verdict()
        )


def test_probability_1_with_uncoded_units_is_refused(tmp_path: Path) -> None:
    found = recorded(tmp_path, "1")
    assert found.why == "120 units had probability 1 of being given to people, and nobody coded them"
    assert not found.prevalence


def test_whole_traces_but_for_a_unit_leave_no_probability_of_1() -> None:
    trace, coded = np.repeat(np.arange(4), 40), np.ones(160, dtype=bool)
    coded[7] = False
    plan = plan_of(coded, trace)
    assert plan.pi == pytest.approx(159 / 160)
    assert plan.assumed == (
        "the 4 of 4 traces that people coded were drawn at random, and the units left open in them are like the others"
    )


def test_cautions_name_each_once(tmp_path: Path) -> None:
    run = make_run(
        tmp_path / "r", {"m": M, "P": first(ZERO, 8), "Q": first(Q, 8)}, per_trace=PER, machines=["m"]
    )
    study = open_study([run], ReportSettings(replicates=20, permutations=50))
    assert correction_section(study, measure_corrections(study)).cautions == (
        "Only 80 units are human-coded.",
        "Human codes come from 8 items or traces that count for 8.0.",
        "Codes that fewer than 10 human-coded units have: A, “none”.",
    )


def test_units_that_overlap_are_refused_with_the_reason(tmp_path: Path) -> None:
    """A machine coded the own spans of two people, which lie in each other."""
    text = "One two three. Four five six. Seven eight nine. Ten eleven twelve."
    traces, codings, people = tmp_path / "t.jsonl", tmp_path / "c.csv", tmp_path / "people"
    names = [f"t{k}" for k in range(6)]
    traces.write_text(
        "".join(json.dumps({"id": n, "reasoning": text}) + "\n" for n in names), encoding="utf-8"
    )
    spans = (("A", 0, 14), ("A", 15, 66), ("B", 0, 29), ("B", 30, 66))
    rows = [
        f"{n},{start},{end},{text[start:end]},{coder},KA-RO" for n in names for coder, start, end in spans
    ]
    codings.write_text("\n".join(["trace_id,start,end,quote,coder,code", *rows]) + "\n", encoding="utf-8")
    import_codings([codings], traces=traces, out=people, codebook="schoen@1.0.0", units="own")
    pr.annotate(traces, tmp_path / "cues", codebook="schoen@1.0.0", units=people)
    study = open_study([people, tmp_path / "cues"], ReportSettings(replicates=20, permutations=50))
    found = measure_corrections(study)
    why = "18 units of 24 that cues coded overlap another, so that they do not divide the text"
    assert found.why == why
    assert not found.prevalence
    assert str(correction_section(study, found).absent).startswith(why)


def test_who_coded_too_few_traces_is_left_out_and_named(tmp_path: Path) -> None:
    found = measured(tmp_path, {"m": M, "P": first(P, 10), "Q": first(Q, 2)})
    assert found.people == ("P",)
    (gap,) = [g for g in found.gaps if g.what == "Correction against Q"]
    assert gap.why == "no interval: 2 items or traces that Q coded, and with fewer than 5 none can hold"


def test_a_code_that_people_never_saw(tmp_path: Path) -> None:
    """ "overstates it by 1.5 points (1.2 to 1.8)" from 0 hits."""
    found = measured(tmp_path, {"m": M, "P": first(ZERO, 10)})
    a = found.prevalence["A"]
    assert a.human.interval == pytest.approx((0.0, 1 - 0.025 ** (1 / 10)))
    assert a.dsl.high >= a.human.high
    assert a.bias.high - a.bias.low > a.human.high
