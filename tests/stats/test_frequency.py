"""Shares of codes and their clustered intervals."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from pedagogy_r1.errors import RunError
from pedagogy_r1.estimate import clopper_pearson, critical, wilson
from pedagogy_r1.stats import CodeShare, frequency

from ..code_tables import code_frame, traces

TEXTS = st.lists(st.text("ABC-?", min_size=1, max_size=12), min_size=1, max_size=8)


def by_code(shares: tuple[CodeShare, ...], **group: object) -> dict[str, CodeShare]:
    return {s.code: s for s in shares if dict(s.group) == group}


@settings(deadline=None, max_examples=60)
@given(TEXTS, st.sampled_from(["units", "tokens"]))
def test_shares_of_the_primary_code_sum_to_one(texts: list[str], basis: str) -> None:
    for share in (found := frequency(code_frame(traces(*texts)), basis=basis)):
        assert (share.share.value is None) == (share.share.why_undefined is not None)
        if share.share.low is not None:
            assert 0 <= share.share.low <= share.share.value <= share.share.high <= 1
            assert share.share.low < share.share.high
        else:
            assert share.share.why_undefined or share.share.warnings
    estimates = [s.share.value for s in found]
    if None not in estimates:
        assert math.fsum(estimates) == pytest.approx(1)
    assert {s.n_missing for s in found} == {"".join(texts).count("?")}


@settings(deadline=None, max_examples=30)
@given(TEXTS)
def test_grouping_by_everything_adds_up(texts: list[str]) -> None:
    conditions = ["cop" if n % 2 else "generic" for n in range(len(texts))]
    table = code_frame(traces(*texts, condition=conditions))
    whole = {s.code: s.count for s in frequency(table)}
    parts = frequency(table, ["condition"])
    assert {code: sum(s.count for s in parts if s.code == code) for code in whole} == whole


def test_the_variance_is_the_ratio_estimators() -> None:
    """By hand: p = 5/12, z_g = y_g − p m_g, v = G/(G−1) Σz² / M²."""
    share = by_code(frequency(code_frame(traces("AAAB", "AB", "ABBBBB")), interval="linear"))["A"].share
    z = np.array([3, 1, 1]) - 5 / 12 * np.array([4, 2, 6])
    variance = 3 / 2 * (z @ z) / 144
    assert share.value == pytest.approx(5 / 12)
    assert share.design_effect == pytest.approx(12 * variance / (5 / 12 * 7 / 12))
    # df = 2: the interval would leave [0, 1] and is cut
    assert share.low == pytest.approx(max(0, 5 / 12 - stats.t.ppf(0.975, 2) * math.sqrt(variance)))


def test_independent_units_get_the_textbook_interval() -> None:
    """One unit a trace, many traces: Clopper–Pearson and Wilson, but for G/(G−1) and t for z."""
    table = code_frame(traces(*["A"] * 300, *["B"] * 700))
    exact = stats.binomtest(300, 1000).proportion_ci(method="exact")
    score = stats.binomtest(300, 1000).proportion_ci(method="wilson")
    for kind, textbook in (("korn-graubard", exact), ("wilson", score)):
        share = by_code(frequency(table, interval=kind))["A"].share
        assert (share.low, share.high) == pytest.approx(textbook, abs=3e-4)


@given(st.integers(1, 500), st.data())
def test_clopper_pearson_and_wilson_equal_scipy(n: int, data: st.DataObject) -> None:
    hits = data.draw(st.integers(0, n))
    z = stats.norm.ppf(0.975)
    test = stats.binomtest(hits, n)
    assert clopper_pearson(hits / n, n, z) == pytest.approx(
        tuple(test.proportion_ci(method="exact")), abs=1e-9
    )
    assert wilson(hits / n, n, z) == pytest.approx(tuple(test.proportion_ci(method="wilson")), abs=1e-9)


def test_zero_of_n_has_an_interval_that_clusters_widen() -> None:
    loose = traces(*["AB"] * 40)
    alike = traces(*["AA", "BB"] * 20)
    found = [by_code(frequency(code_frame(rows)))["C"].share for rows in (loose, alike)]
    for share in found:
        assert share.value == share.low == 0
        assert "none of 80" in " ".join(share.warnings)
    assert found[0].high is not None
    assert found[1].high is not None
    assert 3 / 80 * 0.9 < found[0].high < found[1].high < 3 / 40 * 1.5


def test_nothing_to_borrow_from_is_the_worst_case() -> None:
    share = by_code(frequency(code_frame(traces(*["A" * 5] * 20)), codes=["A", "B"]))
    assert share["B"].share.design_effect == 5
    assert share["B"].share.high == pytest.approx(1 - share["A"].share.low)
    assert share["B"].share.high == pytest.approx(clopper_pearson(0, 20, critical(20))[1])


def test_one_trace_has_a_share_but_no_interval() -> None:
    share = by_code(frequency(code_frame(traces("AAB"))))["A"].share
    assert share.value == pytest.approx(2 / 3)
    assert share.low is share.high is None
    assert "one trace only" in " ".join(share.warnings)


def test_nothing_coded_is_undefined() -> None:
    share = by_code(frequency(code_frame(traces("???", "?"))))["A"]
    assert share.share.value is None
    assert share.share.why_undefined == "no unit was coded"
    assert share.n_missing == 4


def test_tokens_weigh_units() -> None:
    rows = [
        {"trace_id": f"t{n}", "codes": (c,), "tokens": w} for n in range(9) for c, w in (("A", 30), ("B", 10))
    ]
    found = by_code(frequency(code_frame(rows), basis="tokens"))
    assert found["A"].share.value == 0.75
    assert (found["A"].count, found["A"].total) == (270, 360)


def test_secondary_codes_count_when_asked() -> None:
    rows = [{"trace_id": f"t{n}", "codes": c} for n in range(12) for c in (("A", "B"), ("A",), ())]
    any_code, first = (by_code(frequency(code_frame(rows), which=which)) for which in ("any", "primary"))
    assert any_code["B"].share.value == pytest.approx(1 / 3)
    assert first["B"].share.value == 0
    assert any_code["none"].share.value == pytest.approx(1 / 3)


def test_items_are_the_clusters_where_they_have_several_traces() -> None:
    texts = ["AAAA", "AAAB", "BBBB", "BBBA"] * 5
    items = [f"i{n // 2}" for n in range(20)]
    by_item = by_code(frequency(code_frame(traces(*texts, item=items))))["A"]
    by_trace = by_code(frequency(code_frame(traces(*texts, item=items)), cluster="trace"))["A"]
    assert (by_item.cluster, by_item.share.clusters, by_item.n_traces) == ("item", 10, 20)
    assert (by_trace.cluster, by_trace.share.clusters) == ("trace", 20)
    assert by_item.share.high - by_item.share.low > by_trace.share.high - by_trace.share.low


def test_item_numbers_of_two_domains_are_two_items() -> None:
    table = code_frame(traces("AB", "AB", "AB", item="7", domain=["SK", "PK", "PK"]))
    assert by_code(frequency(table))["A"].share.clusters == 2


def test_unknown_groups_stay_visible() -> None:
    table = code_frame(traces("AB", "BB", "AA", condition=["cop", None, "cop"], correct=[True, True, None]))
    assert {dict(s.group)["condition"] for s in frequency(table, ["condition"])} == {"cop", None}
    assert {dict(s.group)["correct"] for s in frequency(table, ["correct"])} == {True, None}
    rows = [s.as_row() for s in frequency(table, ["condition", "correct"])]
    assert json.loads(json.dumps(rows)) == rows


def test_unknown_names_are_errors() -> None:
    table = code_frame(traces("AB"))
    with pytest.raises(RunError, match="did you mean condition"):
        frequency(table, ["conditon"])
    with pytest.raises(RunError, match="no code is named 'Z'"):
        frequency(table, codes=["Z"])
