"""Co-occurrence, position in the trace, and the multiverse of analyses."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pedagogy_r1.stats import Analysis, Conclusion, conclusions, contrast, cooccurrence, multiverse, position
from pedagogy_r1.stats.code_cooccurrence import CodePair

from ..code_tables import code_frame, traces


def pair(found: tuple[CodePair, ...], a: str, b: str) -> CodePair:
    return next(p for p in found if (p.a, p.b) == (a, b))


def test_codes_of_one_unit() -> None:
    rows = [
        {"trace_id": f"t{n}", "codes": c} for n in range(12) for c in (("A", "B"), ("A",), ("B", "C"), ())
    ]
    found = pair(cooccurrence(code_frame(rows)), "A", "B")
    assert (found.both, found.only_a, found.only_b, found.n_windows) == (12, 12, 12, 48)
    assert found.expected == 12
    assert found.lift.value == pytest.approx(1)
    assert found.jaccard.value == pytest.approx(1 / 3)


def test_windows_stay_within_their_trace_and_length() -> None:
    table = code_frame(traces("ABC", "CA", *["-"] * 9))
    assert pair(cooccurrence(table, window=1), "A", "B").both == 0
    two = cooccurrence(table, window=2)
    assert [pair(two, *p).both for p in (("A", "B"), ("B", "C"), ("A", "C"))] == [1, 1, 1]
    assert pair(cooccurrence(table, window=3), "A", "C").both == 2
    whole = cooccurrence(table, window="trace")
    assert (pair(whole, "A", "C").both, pair(whole, "A", "C").n_windows) == (2, 11)


def test_a_missing_unit_takes_its_place_in_the_window() -> None:
    table = code_frame(traces("A?B", *["-"] * 9))
    assert pair(cooccurrence(table, window=2), "A", "B").both == 0
    assert pair(cooccurrence(table, window=3), "A", "B").both == 1


@settings(deadline=None, max_examples=40)
@given(
    st.lists(st.text("ABC-?", min_size=1, max_size=8), min_size=1, max_size=6),
    st.sampled_from([1, 2, 5, "trace"]),
)
def test_pairs_are_never_silently_undefined(texts: list[str], window: int | str) -> None:
    for found in cooccurrence(code_frame(traces(*texts)), window=window):
        for estimate in (found.lift, found.jaccard):
            assert (estimate.value is None) == (estimate.why_undefined is not None)
            if estimate.value is not None:
                assert (estimate.low is not None and estimate.high is not None) or estimate.warnings


def test_no_window_is_an_error() -> None:
    with pytest.raises(ValueError, match="window of 0"):
        cooccurrence(code_frame(traces("AB")), window=0)


def test_where_a_code_appears() -> None:
    found = {
        p.code: p for p in position(code_frame(traces(*["AABBBBBBBB"] * 6, *["ABBBBBBBBB"] * 6)), bins=5)
    }
    a, b = found["A"], found["B"]
    assert a.count == 18
    assert a.mean.value == pytest.approx((6 * (0.05 + 0.15) + 6 * 0.05) / 18)
    assert a.distribution == (1.0, 0, 0, 0, 0)
    assert [p.value for p in a.profile] == [0.75, 0, 0, 0, 0]
    assert a.traces_with.value == 1
    assert sum(b.distribution) == pytest.approx(1)
    assert a.edges == pytest.approx((0, 0.2, 0.4, 0.6, 0.8, 1))
    none = found["C"]
    assert none.mean.why_undefined == "the code never occurs"
    assert none.traces_with.value == 0
    assert 0.1 < (none.traces_with.high or 0) < 0.4
    assert none.distribution == ()


@settings(deadline=None, max_examples=40)
@given(st.lists(st.text("ABC-?", min_size=1, max_size=12), min_size=1, max_size=6), st.integers(1, 12))
def test_positions_are_never_silently_undefined(texts: list[str], bins: int) -> None:
    for found in position(code_frame(traces(*texts)), bins=bins):
        assert len(found.profile) == bins
        for estimate in (found.mean, found.traces_with, *found.profile):
            assert (estimate.value is None) == (estimate.why_undefined is not None)
            if estimate.value is not None:
                assert 0 <= estimate.value <= 1
                assert estimate.low is not None or estimate.warnings
        if found.count:
            assert sum(found.distribution) == pytest.approx(1)


def analysis(name: str, choices: dict[str, object], **verdicts: str) -> Analysis:
    found = tuple(
        Conclusion(q, v, value={"more": 2.0, "fewer": -2.0}.get(v, 0.5)) if v != "undefined"
        else Conclusion(q, v, why_undefined="never occurs")
        for q, v in verdicts.items()
    )  # fmt: skip
    return Analysis(name, found, choices)


def test_which_conclusions_flip() -> None:
    found = multiverse([
        analysis("a", {"model": "x", "window": 4}, q="more", r="more", s="more", t="undefined"),
        analysis("b", {"model": "x", "window": 8}, q="more", r="no difference", s="fewer", t="undefined"),
        analysis("c", {"model": "y", "window": 4}, q="more", r="more", s="undefined"),
    ])  # fmt: skip
    rows = {row.question: row for row in found.rows}
    assert [rows[q].kind for q in "qrst"] == ["holds", "flips: significance", "flips: direction", "undefined"]
    assert rows["r"].agreeing == pytest.approx(2 / 3)
    assert rows["s"].range == (-2.0, 2.0)
    assert rows["t"].agreeing is None
    assert rows["t"].conclusions[2] is None
    assert [(lever.choice, lever.pairs, lever.flips) for lever in found.levers] == [
        ("window", 3, 2),
        ("model", 2, 0),
    ]
    assert found.warnings == (
        "1 question is not asked by every analysis",
        "3 of 11 conclusions, each of one analysis, are undefined",
    )


def test_conclusions_of_a_contrast() -> None:
    rng = np.random.default_rng(1)
    items = [f"i{n}" for n in range(20)]
    texts = ["AAAA" + "B" * rng.integers(2, 5) for _ in items] + [
        "A" + "B" * rng.integers(4, 8) for _ in items
    ]
    table = code_frame(traces(*texts, item=items * 2, condition=["cop"] * 20 + ["generic"] * 20))
    found = {c.question: c for c in conclusions(contrast(table, "condition", "cop", "generic"))}
    assert found["A: cop/generic"].verdict == "more"
    assert found["B: cop/generic"].verdict == "fewer"
    assert found["C: cop/generic"].verdict == "undefined"
    assert found["C: cop/generic"].why_undefined == "no unit of either side has the code"


def test_a_multiverse_needs_two_named_worlds() -> None:
    one = analysis("a", {}, q="more")
    with pytest.raises(ValueError, match="1 analyses"):
        multiverse([one])
    with pytest.raises(ValueError, match="same name"):
        multiverse([one, one])
