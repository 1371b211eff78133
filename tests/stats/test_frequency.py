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
from pedagogy_r1.estimate import clopper_pearson, critical, mid_p, unequal, wilson
from pedagogy_r1.limits import UNEQUAL_SHARE
from pedagogy_r1.stats import CodeShare, cooccurrence, frequency, position
from pedagogy_r1.stats.code_shares import Sums, item_numbers, ratio_share, shares

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


def test_korn_graubard_is_what_r_computes() -> None:
    """``svyciprop(~y, svydesign(ids = ~trace), method = "beta")``: t of n − 1 stands where z would, not only of G − 1 below it."""
    table = code_frame(traces("AABBB", "AB", "ABBB", "AAAAB", "BBBBBB", "AB", "ABBBBB", "AABB"))
    share = by_code(frequency(table, interval="korn-graubard"))["A"].share
    assert (share.low, share.high) == pytest.approx((0.130477100010, 0.635484268533), abs=1e-10)


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
    assert share["B"].share.high == pytest.approx(mid_p(0, 20, critical(20))[1])


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


def test_an_item_without_a_name_is_unknown_to_the_report_and_to_frequencies_alike() -> None:
    """Items ``""`` of three traces were one item here, and three in the report's corrections."""
    items = ["", "", None, "7", "7"]
    table = code_frame(traces("AB", "AB", "AB", "AB", "AB", item=items))
    numbers = item_numbers(table)[::2].tolist()
    assert [numbers.index(number) for number in numbers] == [0, 1, 2, 3, 3]


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


def test_the_interval_leaves_out_one_trace_at_a_time() -> None:
    """By hand: logit of the share without each trace, t of as many traces as count; unequal traces add to the variance."""
    texts = ["AAAB", "AB", "ABBBBB", "BBA", "AABBB", "BBBBAB", "BAAA"]
    share = by_code(frequency(code_frame(traces(*texts))))["A"].share
    y, m = (np.array([count(text) for text in texts], dtype=float) for count in (lambda t: t.count("A"), len))
    logit = np.log((y.sum() - y) / (m.sum() - m - y.sum() + y))
    off = logit - logit.mean()
    kish = [x.sum() ** 2 / (x @ x) for x in (m, y)]
    df = min(math.sqrt(kish[0] * kish[1]), 2 * (off @ off) ** 2 / (off**4).sum()) - 1
    assert kish[1] > 5
    half = stats.t.ppf(0.975, df) * math.sqrt(6 / 7 * off @ off * unequal(m, UNEQUAL_SHARE))
    assert unequal(m, UNEQUAL_SHARE) == pytest.approx(1 + UNEQUAL_SHARE * (7 / kish[0] - 1) / math.sqrt(7))
    middle = math.log(y.sum() / (m - y).sum())
    assert share.low == pytest.approx(1 / (1 + math.exp(half - middle)))
    assert share.high == pytest.approx(1 / (1 + math.exp(-half - middle)))
    assert share.effective_clusters == pytest.approx(kish[0])
    assert share.method == f"95% jackknife over traces, t with {df:.1f} df"


def test_every_share_carries_its_effective_clusters_and_a_lopsided_one_no_interval() -> None:
    """One trace of 1,000 units and nine of 10 are 1.2 traces, not 10; of as many equal ones nothing is said."""
    lopsided = by_code(frequency(code_frame(traces("AB" * 500, *["AABBABABBB"] * 9))))["A"].share
    assert lopsided.clusters == 10
    assert lopsided.effective_clusters == pytest.approx(1.19, abs=0.01)
    assert lopsided.interval is None
    assert lopsided.warnings == (
        "no interval: one of the traces holds more than half of everything (1.2 effective traces)",
    )
    equal = by_code(frequency(code_frame(traces(*["AB", "AA", "BB", "BA", "AA"] * 2))))["A"].share
    assert equal.effective_clusters == pytest.approx(10)
    assert equal.warnings == ()
    four = by_code(frequency(code_frame(traces("AB", "AA", "BB", "BA"))))["A"].share
    assert four.warnings == ("no interval: 4 traces, and with fewer than 5 none can hold",)


def test_a_code_of_one_trace_borrows_like_one_of_none() -> None:
    """Wider than its own counts say, and never as if units were independent."""
    texts = ["AABB", "AAAA", "BBBB", "ABBB", "AABA", "BBBA", "BBBC"]
    one = by_code(frequency(code_frame(traces(*texts))))["C"].share
    assert "rests on 1 of 7 traces: the design effect" in one.warnings[0]
    assert "no less than other codes or groups show" in one.warnings[0]
    none = by_code(frequency(code_frame(traces(*texts[:6], "BBBB"))))["C"].share
    assert 0 < (one.low or 0) < 1 / 28 < (none.high or 0) < (one.high or 0) < 1
    assert (one.design_effect or 0) > 1


def test_a_share_that_rests_on_fewer_than_five_traces_is_that_of_counts() -> None:
    """By hand: as many units as its own design effect leaves, or the group's median one where that is larger; what is seen
    counts half. With one effective trace more it is the jackknife's."""
    texts = ["AAAABB", "AAABBB", "ABBBBB", "BBBBBC", "BBBBBB", "BBBBBC", "BBBBBC", "BBBBBC"]
    found = by_code(frequency(code_frame(traces(*texts))))
    a, c = found["A"].share, found["C"].share
    y, n = np.array([4, 3, 1, 0, 0, 0, 0, 0.0]), 48
    own = n * 8 / 7 * (((y - 1) / n) ** 2).sum() / (1 / 6 * 5 / 6)
    assert own > 1
    assert a.interval == pytest.approx(mid_p(1 / 6, n / own, critical(8)))
    assert a.warnings == ("rests on 3 of 8 traces",)
    assert a.design_effect == pytest.approx(own)
    assert c.warnings == (
        f"rests on 4 of 8 traces: the design effect, {c.design_effect:.3g}, is no less than other codes or groups show",
    )
    assert (c.design_effect or 0) > 1
    less, more = (
        by_code(frequency(code_frame(traces(*["ABBBBB"] * n, "AABBBB", "BBBBBB"))))["A"].share for n in (4, 5)
    )
    assert "mid-p" in less.method
    assert "jackknife over traces" in more.method


def test_mid_p_is_between_nothing_and_clopper_pearson_and_grows_with_what_is_seen() -> None:
    """0 of n leaves no more open than 1 of n; what is seen counts half in either tail."""
    limits = [mid_p(hits / 20, 20, 2.0) for hits in (0, 0.2, 1, 5, 19.8, 20)]
    assert limits == sorted(limits)
    for (low, high), hits in zip(limits, (0, 0.2, 1, 5, 19.8, 20), strict=True):
        wide = clopper_pearson(hits / 20, 20, 2.0)
        assert wide[0] <= low <= hits / 20 <= high <= wide[1]
    low, high = mid_p(0.25, 20, stats.norm.ppf(0.975))
    for p, tail in ((low, stats.binom.sf), (high, stats.binom.cdf)):
        half = stats.binom.pmf(5, 20, p) / 2
        assert tail(5 if p == low else 4, 20, p) + half == pytest.approx(0.025)
    low, high = mid_p(1 - 0.25, 20, 2.0)
    assert mid_p(0.25, 20, 2.0) == pytest.approx((1 - high, 1 - low))


def test_zero_of_unequal_traces_is_at_worst_one_unit_an_effective_trace() -> None:
    total = np.array([60.0, 20, 10, 5, 5])
    none = ratio_share(np.zeros(5), Sums(np.zeros((5, 1)), total, 100, 5, "trace"))
    real = 100**2 / (total @ total)
    assert none.high == pytest.approx(mid_p(0, real, critical(real))[1])
    assert none.high > mid_p(0, 5, critical(5))[1]


def test_survey_intervals_say_where_they_are_too_narrow() -> None:
    table = code_frame(traces("AB" * 30, *["AB", "BB", "AA"] * 20))
    share = by_code(frequency(table, interval="wilson"))["A"].share
    assert "61 traces (8.4 effective) only" in " ".join(share.warnings)


def test_shares_of_few_unequal_traces_are_covered() -> None:
    """14 traces of lognormal length: 95 % of 300 intervals, at least 91 % by chance (p < .001)."""
    rng, held, total = np.random.default_rng(4), 0, 0
    for _ in range(300):
        m = np.maximum(2, np.round(40 * np.exp(rng.normal(0, 1, 14) - 0.5)))
        y = rng.binomial(m.astype(int), rng.beta(6, 14, 14)).astype(float)
        (found,) = shares([Sums(y[:, None], m, int(m.sum()), 14, "trace")])[0]
        if found.low is not None and found.high is not None:
            held, total = held + (found.low <= 0.3 <= found.high), total + 1
    assert total > 280
    assert held / total >= 0.91


def test_lift_and_position_have_effective_clusters_or_no_interval() -> None:
    texts = ["AABBC", "ABABA", "BBABA", "CABBA", "AACBB", "BABAC"]
    pair = next(p for p in cooccurrence(code_frame(traces(*texts)), window=2) if (p.a, p.b) == ("A", "B"))
    place = next(p for p in position(code_frame(traces(*texts))) if p.code == "A").mean
    for estimate in (pair.lift, pair.jaccard, place):
        assert estimate.low is not None
        assert estimate.low < (estimate.value or 0) < (estimate.high or 0)
        assert estimate.effective_clusters == pytest.approx(6, abs=0.5)
    assert "jackknife over traces" in pair.lift.method
    assert "jackknife over traces" in place.method
    assert "mid-p" in pair.jaccard.method  # together in what counts for fewer than five traces
    short = next(p for p in position(code_frame(traces(*texts[:4]))) if p.code == "A").mean
    assert short.warnings == (
        "rests on 4 traces",
        "no interval: 4 traces, and with fewer than 5 none can hold",
    )
