"""Contrasts of two groups: estimates, zero counts, permutation over items."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from pedagogy_r1.errors import RunError
from pedagogy_r1.stats import CodeContrast, binomial_glm, contrast, frequency
from pedagogy_r1.stats.code_contrast import contrast_sums
from pedagogy_r1.stats.code_shares import Sums
from pedagogy_r1.stats.permutation import max_t

from ..code_tables import code_frame, traces


def sums(coded: Any, total: Any) -> Sums:
    coded, total = np.atleast_2d(np.array(coded, dtype=float).T).T, np.array(total, dtype=float)
    return Sums(coded, total, int(total.sum()), len(total))


def paired(a: list[str], b: list[str]) -> pd.DataFrame:
    """Item n under both conditions: texts ``a[n]`` (cop) and ``b[n]`` (generic)."""
    items = [f"i{n}" for n in range(len(a))]
    sides = ["cop"] * len(a) + ["generic"] * len(b)
    return code_frame(traces(*a, *b, item=items * 2, condition=sides))


def of(table: pd.DataFrame, code: str, **how: Any) -> CodeContrast:
    family = contrast(table, "condition", "cop", "generic", **how)
    return next(c for c in family.contrasts if c.code == code)


def test_zero_on_one_side_is_no_error() -> None:
    found = of(paired(["AABB", "ABBB", "BBAB"] * 7, ["BBBB"] * 21), "A")
    assert found.share_b.value == 0
    assert found.share_b.high is not None
    assert 0.01 < found.share_b.high < 0.15
    assert found.points.value == pytest.approx(100 / 3)
    assert found.points.low is not None
    assert found.points.low > 15
    assert found.odds_ratio.value == math.inf
    assert 1 < (found.odds_ratio.low or 0) < math.inf
    assert found.odds_ratio.as_json()["high"] == "inf"
    assert found.p_family is not None
    assert found.p_family == found.p_single < 0.01
    turned = next(
        c
        for c in contrast(
            paired(["AABB", "ABBB", "BBAB"] * 7, ["BBBB"] * 21), "condition", "generic", "cop"
        ).contrasts
        if c.code == "A"
    )
    assert turned.odds_ratio.value == 0
    assert turned.odds_ratio.high == pytest.approx(1 / (found.odds_ratio.low or 0))


@pytest.mark.parametrize(
    ("a", "b", "says"),
    [
        (["AB"] * 12, ["BB"] * 12, "one side has none of the code, or nothing else: the odds ratio lies at its limit"),
        (["AA"] * 12, ["AB"] * 12, "one side has none of the code, or nothing else: the odds ratio lies at its limit"),
        (["ABBB", *["BBBB"] * 11], ["ABBB"] * 12, "on one side more than half of the units with the code, or without it if they are fewer, are of one item"),
        (["AAAA", *["ABBB"] * 4, *["BBBB"] * 7], ["BAAA", *["AAAA"] * 11], "on one side more than half of the units with the code, or without it if they are fewer, are of one item"),
    ],
)  # fmt: skip
def test_what_an_odds_ratio_rests_on_is_said(a: list[str], b: list[str], says: str) -> None:
    assert of(paired(a, b), "A").odds_ratio.warnings[0] == says


def test_a_code_in_every_unit_is_nothing_to_compare() -> None:
    found = of(paired(["AA"] * 12, ["AA"] * 12), "A")
    assert found.why_undefined == found.odds_ratio.why_undefined == "every unit of both sides has the code"
    assert found.p is None


def test_units_without_tokens_have_no_share_of_them() -> None:
    table = code_frame(traces("AB", "AB")).assign(tokens=0)
    assert {s.share.why_undefined for s in frequency(table, basis="tokens")} == {"the units have no tokens"}


def test_zero_on_both_sides_says_why() -> None:
    found = of(paired(["AB"] * 12, ["BB"] * 12), "C")
    assert found.why_undefined == "no unit of either side has the code"
    assert found.p is None
    assert found.odds_ratio.value is None
    assert found.points.value == 0
    assert found.points.low is not None
    assert found.points.low < 0 < (found.points.high or 0)


@settings(deadline=None, max_examples=50)
@given(st.data())
def test_whatever_the_data_nothing_is_silently_undefined(data: st.DataObject) -> None:
    texts = data.draw(st.lists(st.text("ABC-?", min_size=1, max_size=6), min_size=2, max_size=10))
    sides = data.draw(st.lists(st.sampled_from(["cop", "generic"]), min_size=len(texts), max_size=len(texts)))
    items = data.draw(st.lists(st.sampled_from("xyz"), min_size=len(texts), max_size=len(texts)))
    table = code_frame(traces(*texts, condition=sides, item=items))
    coded = table[table["primary"].notna()]
    if set(coded["condition"]) != {"cop", "generic"}:
        with pytest.raises(RunError):
            contrast(table, "condition", "cop", "generic", permutations=49)
        return
    family = contrast(table, "condition", "cop", "generic", permutations=49)
    for code in family.contrasts:
        for estimate in (code.points, code.odds_ratio, code.cohens_h, code.share_a, code.share_b):
            assert (estimate.value is None) == (estimate.why_undefined is not None)
            numbers = [estimate.value, estimate.low, estimate.high]
            assert not any(value is not None and math.isnan(value) for value in numbers)
            if estimate.value is not None and estimate.low is None:
                assert estimate.warnings
            elif estimate.low is not None:
                assert estimate.low <= estimate.value + 1e-9
                assert estimate.value <= estimate.high + 1e-9
        if code.why_undefined is None:
            assert code.p_family >= code.p_single > 0


def test_shares_are_those_of_the_frequency_table() -> None:
    table = paired(["AABC", "ABBB", "BBAB"] * 7, ["BBBB", "BCBB", "BBBA"] * 7)
    ours = contrast(table, "condition", "cop", "generic").contrasts
    for side, name in (("cop", "share_a"), ("generic", "share_b")):
        shares = [s.share for s in frequency(table, ["condition"]) if dict(s.group)["condition"] == side]
        limits = [(s.value, s.low, s.high, s.design_effect) for s in shares]
        found = [getattr(c, name) for c in ours]
        assert [(s.value, s.low, s.high, s.design_effect) for s in found] == limits


def test_no_spread_between_items_is_said() -> None:
    found = of(paired(["AAB"] * 5, ["ABB"] * 5), "A")
    assert found.odds_ratio.value == pytest.approx(4)
    assert found.odds_ratio.low is None
    assert found.points.low is None
    for estimate in (found.odds_ratio, found.points, found.cohens_h):
        assert "stays the same whichever of the items is left out" in " ".join(estimate.warnings)
    assert found.p_single == found.p_family == 2 / 32


def test_independent_units_give_the_classical_tests() -> None:
    """One unit a trace, no items: the design effect is 1 and Rao–Scott's F is Pearson's X²."""
    table = code_frame(
        traces(*"A" * 300, *"B" * 700, *"A" * 350, *"B" * 650, condition=["cop"] * 1000 + ["generic"] * 1000)
    )
    found = of(table, "A", permutations=499)
    chi = stats.chi2_contingency([[300, 700], [350, 650]], correction=False)
    assert found.design_effect == pytest.approx(1, abs=2e-3)
    assert found.p_single == pytest.approx(chi.pvalue, abs=2e-3)
    assert found.points.value == pytest.approx(-5)
    assert found.cohens_h.value == pytest.approx(2 * math.asin(0.3**0.5) - 2 * math.asin(0.35**0.5))
    assert found.p_family == pytest.approx(chi.pvalue, abs=0.03)


def test_shared_items_cancel() -> None:
    """Items differ wildly, conditions by a little in each: pairing sees it, traces as clusters do not."""
    rng = np.random.default_rng(5)
    base = rng.integers(2, 18, 30)
    a, b = ["A" * (n + 2) + "B" * (18 - n) for n in base], ["A" * n + "B" * (20 - n) for n in base]
    paired_table = paired(a, b)
    apart = paired_table.assign(item=paired_table["trace_id"])
    assert of(paired_table, "A").p_single < 1e-6
    assert of(apart, "A").p_single > 0.1
    assert contrast(apart, "condition", "cop", "generic").cluster == "trace"


def test_few_items_are_enumerated_exactly() -> None:
    """Six items, all differences the same way: 2 of 64 sign patterns are as extreme."""
    family = contrast(paired(["AAAB"] * 6, ["AB"] * 3 + ["ABBB"] * 3), "condition", "cop", "generic")
    found = next(c for c in family.contrasts if c.code == "A")
    assert family.exact
    assert family.permutations == 64
    assert found.p_family == pytest.approx(2 / 64)
    small = contrast(paired(["AAAB"] * 5, ["AB"] * 5), "condition", "cop", "generic")
    assert "no permutation p can be below 0.0625" in " ".join(small.warnings)


def test_statistics_of_all_swaps_equal_the_plain_formula() -> None:
    rng = np.random.default_rng(2)
    ma, mb = rng.integers(3, 9, 5).astype(float), rng.integers(3, 9, 5).astype(float)
    ya, yb = rng.binomial(ma.astype(int), 0.6).astype(float), rng.binomial(mb.astype(int), 0.3).astype(float)

    def statistic(ya: Any, yb: Any, ma: Any, mb: Any) -> float:
        pa, pb = ((y.sum() + 0.5) / (m.sum() + 1) for y, m in ((ya, ma), (yb, mb)))
        na, nb = (ma.sum() + 1) * pa * (1 - pa), (mb.sum() + 1) * pb * (1 - pb)
        w = (ya - pa * ma) / na - (yb - pb * mb) / nb
        ratio = math.log(pa / (1 - pa)) - math.log(pb / (1 - pb))
        return float(abs(ratio) / math.sqrt(max(w @ w, 1 / na + 1 / nb)))

    every = []
    for flips in itertools.product([False, True], repeat=5):
        f = np.array(flips)
        sides = [np.where(f, two, one) for one, two in ((ya, yb), (yb, ya), (ma, mb), (mb, ma))]
        every.append(statistic(*sides))
    expected = np.mean(np.array(every) >= statistic(ya, yb, ma, mb) - 1e-9)
    found = max_t(sums(ya, ma), sums(yb, mb))
    assert found.exact
    assert found.p[0] == pytest.approx(expected)


def test_unshared_items_are_permuted_among_themselves() -> None:
    table = code_frame(
        traces(
            *["AB"] * 10,
            *["BB"] * 10,
            item=[f"i{n}" for n in range(20)],
            condition=["cop"] * 10 + ["generic"] * 10,
        )
    )
    family = contrast(table, "condition", "cop", "generic")
    assert family.shared == 0
    assert not family.exact
    assert "permuted among 20 traces that one has" in family.method
    found = next(c for c in family.contrasts if c.code == "A")
    # Only the observed labelling and its mirror are as extreme: 2 of C(20, 10)
    assert (
        max_t(sums([1] * 10 + [0] * 10, [2] * 10 + [0] * 10), sums([0] * 20, [0] * 10 + [2] * 10)).p[0]
        < 0.001
    )
    assert found.p_family == found.p_single < 0.05


def test_family_p_holds_for_the_family_and_bh_for_the_rest() -> None:
    rng = np.random.default_rng(0)
    texts = ["".join(rng.choice(list("ABC-"), 15)) for _ in range(60)]
    family = contrast(paired(texts[:30], texts[30:]), "condition", "cop", "generic", family=["A", "B"])
    by_code = {c.code: c for c in family.contrasts}
    assert family.family == ("A", "B")
    assert [c.confirmatory for c in family.contrasts] == [True, True, False, False]
    for code in "AB":
        assert by_code[code].p_bh is None
        assert by_code[code].p == by_code[code].p_family >= by_code[code].p_single
    for code in ("C", "none"):
        assert by_code[code].p_family is None
        assert by_code[code].p == by_code[code].p_bh
    raw = [by_code[code].p_single for code in ("C", "none")]
    assert [by_code[c].p_bh for c in ("C", "none")] == pytest.approx(stats.false_discovery_control(raw))
    assert "Confirmatory family of 2: A, B" in family.method


def test_seed_repeats_the_result() -> None:
    table = paired(["AABC", "ABBB", "BBAB"] * 7, ["BBBB", "BCBB", "BBBA"] * 7)
    one, same = (contrast(table, "condition", "cop", "generic", seed=3, permutations=99) for _ in range(2))
    assert one == same


def test_what_cannot_be_compared_is_named() -> None:
    table = paired(["AB"], ["BB"])
    with pytest.raises(RunError, match="did you mean generic"):
        contrast(table, "condition", "cop", "generc")
    with pytest.raises(RunError, match="no column"):
        contrast(table, "topic", "cop", "generic")
    with pytest.raises(RunError, match="the family holds 'Z'"):
        contrast(table, "condition", "cop", "generic", family=["Z"])
    empty = code_frame(traces("AB", "??", condition=["cop", "generic"]))
    with pytest.raises(RunError, match="no coded unit"):
        contrast(empty, "condition", "cop", "generic")


def test_right_against_wrong_counts_what_is_left_out() -> None:
    table = code_frame(
        traces("AB", "BB", "AA?", "B", item=["x", "x", "y", "y"], correct=[True, False, True, None])
    )
    family = contrast(table, "correct", True, False)
    assert family.n_left_out == 1
    assert family.n_missing == 1
    assert family.n_units == (4, 2)
    assert family.shared == 1


def test_tokens_of_equal_units_change_nothing_but_the_unit() -> None:
    table = paired(["AABC", "ABBB", "BBAB"] * 7, ["BBBB", "BCBB", "BBBA"] * 7)
    in_units, in_tokens = (of(table, "A", basis=basis) for basis in ("units", "tokens"))
    assert in_tokens.points.value == pytest.approx(in_units.points.value)
    assert in_tokens.points.low == pytest.approx(in_units.points.low)
    assert in_tokens.p_family == pytest.approx(in_units.p_family)
    assert in_tokens.design_effect == pytest.approx(in_units.design_effect, rel=1e-2)


def test_null_data_keep_the_error() -> None:
    """Items and traces vary, conditions do not: 5 % of 200 runs, at most 11 % by chance (p < .001)."""
    rng = np.random.default_rng(11)
    family = item = 0
    for run in range(200):
        eta = (
            np.log([0.5, 0.2, 0.2, 0.1])
            + 0.7 * rng.standard_normal((20, 1, 4))
            + 0.5 * rng.standard_normal((20, 2, 4))
        )
        share = np.exp(eta) / np.exp(eta).sum(axis=2, keepdims=True)
        counts = rng.multinomial(15, share).astype(float)
        sides = [Sums(counts[:, side], counts[:, side].sum(axis=1), 300, 20) for side in (0, 1)]
        found = contrast_sums(*sides, list("ABCD"), list("ABCD"), permutations=199, seed=run)
        family += min(c.p_family for c in found.contrasts) <= 0.05
        item += found.contrasts[0].p_single <= 0.05
    assert family <= 22
    assert item <= 22


def test_glm_equals_statsmodels_with_a_covariate() -> None:
    import statsmodels.api as sm

    rng = np.random.default_rng(4)
    cluster = rng.integers(0, 25, 800)
    x = np.column_stack([np.ones(800), rng.integers(0, 2, 800), rng.standard_normal(800).round(1)])
    y = (
        rng.random(800) < 1 / (1 + np.exp(-(x @ [-0.5, 0.4, 0.3] + rng.standard_normal(25)[cluster])))
    ).astype(float)
    ours = binomial_glm(y, np.ones(800), x, cluster)
    theirs = sm.GLM(y, x, family=sm.families.Binomial()).fit(cov_type="cluster", cov_kwds={"groups": cluster})
    assert ours.coef == pytest.approx(theirs.params, abs=1e-6)
    assert ours.covariance == pytest.approx(theirs.cov_params(), abs=1e-6)


def test_glm_of_cells_equals_glm_of_rows() -> None:
    rng = np.random.default_rng(8)
    cluster, side = np.repeat(np.arange(10), 2), np.tile([0.0, 1.0], 10)
    n, x = rng.integers(2, 9, 20), np.column_stack([np.ones(20), side])
    y = rng.binomial(n, 0.4)
    rows = np.repeat(np.arange(20), n)
    each = np.concatenate([[1.0] * hits + [0.0] * (size - hits) for hits, size in zip(y, n, strict=True)])
    for working in ("independence", "exchangeable"):
        cells = binomial_glm(y, n, x, cluster, working=working)
        single = binomial_glm(each, np.ones(len(each)), x[rows], cluster[rows], working=working)
        assert cells.coef == pytest.approx(single.coef)
        assert cells.covariance == pytest.approx(single.covariance)


def test_glm_says_why_it_does_not_exist() -> None:
    ones = np.ones(4)
    side = np.column_stack([ones, [0, 0, 1, 1]])
    separated = binomial_glm(np.array([0.0, 0, 1, 2]), 3 * ones, side, np.arange(4))
    assert "separation" in (separated.why_undefined or "")
    alone = binomial_glm(ones, 2 * ones, side, np.zeros(4, dtype=int))
    assert "1 cluster" in (alone.why_undefined or "")
    twice = binomial_glm(ones, 2 * ones, np.column_stack([ones, ones]), np.arange(4))
    assert "sum of others" in (twice.why_undefined or "")
    with pytest.raises(ValueError, match="differ in length"):
        binomial_glm(ones, ones[:2], side, np.arange(4))


def apart(a: Any, b: Any) -> tuple[Sums, Sums]:
    """(coded, total) of traces on either side, none shared; ``coded`` has a column a code."""
    (ya, ma), (yb, mb) = (
        (np.array(y, dtype=float).reshape(len(m), -1), np.array(m, dtype=float)) for y, m in (a, b)
    )
    return (
        Sums(np.vstack([ya, 0 * yb]), np.append(ma, 0 * mb), int(ma.sum()), len(ma), "trace"),
        Sums(np.vstack([0 * ya, yb]), np.append(0 * ma, mb), int(mb.sum()), len(mb), "trace"),
    )


def test_one_trace_of_1000_units_and_nine_of_10_is_not_compared() -> None:
    """1.2 effective traces: OR 21, which was [8.6, 52.7] with p = 1e-6, has neither interval nor p, but a reason."""
    a = ([500] + [5] * 9, [1000] + [10] * 9)
    b = ([5, 4, 5, 4, 5, 4, 5, 4, 5, 4], [100] * 10)
    family = contrast_sums(*apart(a, b), ["c"], ["c"])
    (found,) = family.contrasts
    why = "no interval, no test: on one side one of the traces holds more than half of everything (1.2 effective traces)"
    assert found.odds_ratio.value == pytest.approx(21.2, abs=0.1)
    assert (found.p_single, found.p_family, found.p) == (None, None, None)
    for estimate in (found.points, found.odds_ratio, found.cohens_h):
        assert estimate.interval is None
        assert estimate.warnings == (why,)
        assert estimate.effective_clusters == pytest.approx(1.19, abs=0.01)
    assert found.why_undefined == family.why_untested == family.warnings[0] == why
    assert family.effective == (pytest.approx(1.19, abs=0.01), 10)
    assert why.removeprefix("no interval, no test: ") in family.method
    assert not family.exact
    assert family.permutations == 0


def test_four_traces_are_not_compared() -> None:
    family = contrast_sums(*apart(([1, 2, 3, 4], [9] * 4), ([5, 6] * 5, [9] * 10)), ["c"], ["c"])
    assert family.contrasts[0].p is None
    assert (
        family.why_untested
        == "no interval, no test: on one side 4 traces, and with fewer than 5 none can hold"
    )


def test_0_of_361_units_against_76_of_14584_is_no_finding() -> None:
    """In 361 units .52 % leaves none in 15 % of studies; relabelling whole traces alone said .0001."""
    rng = np.random.default_rng(1)
    short = np.array([60, 45, 38, 30, 28, 25, 22, 20, 18, 15, 13, 12, 10, 8, 6, 4, 3, 2, 1, 1])
    long = np.full(20, 729) + np.append(np.zeros(19, dtype=int), 4)
    hits = rng.multinomial(76, np.full(20, 1 / 20))
    assert (short.sum(), long.sum(), hits.sum()) == (361, 14584, 76)
    for sides in (
        apart((np.zeros(20), short), (hits, long)),
        (
            Sums(np.zeros((20, 1)), short.astype(float), 361, 20),
            Sums(hits[:, None] * 1.0, long.astype(float), 14584, 20),
        ),
    ):
        (found,) = contrast_sums(*sides, ["c"], ["c"]).contrasts
        assert found.p_family is not None
        assert found.p_family >= 0.15
        assert found.points.low is not None
        assert found.points.low < 0 < (found.points.high or 0)
        assert found.odds_ratio.value == 0
        assert (found.odds_ratio.high or 0) > 1


def test_6_variable_traces_against_30_steady_ones_keep_the_error() -> None:
    """None shared, no difference; relabelling alone found one in every fifth study and more. 5 % of 120, at most 14 by chance."""
    rng, family, alone, base = np.random.default_rng(0), 0, 0, np.array([0.5, 0.2, 0.15, 0.1, 0.05])
    for run in range(120):
        variable, steady = (
            rng.multinomial(25, rng.dirichlet(base * kind, traces)) for kind, traces in ((2, 6), (200, 30))
        )
        sides = apart((variable, [25] * 6), (steady, [25] * 30))
        found = contrast_sums(*sides, list("ABCDE"), list("ABCDE"), permutations=199, seed=run)
        family += min(c.p_family for c in found.contrasts if c.p_family is not None) <= 0.05
        alone += np.nanmin(max_t(*sides, permutations=199, seed=run).p_family) <= 0.05
    assert family <= 14
    assert alone > family


def test_sides_that_vary_unlike_are_said() -> None:
    rng = np.random.default_rng(3)
    variable, steady = rng.binomial(25, rng.choice([0.1, 0.9], 12)), rng.binomial(25, 0.5, 12)
    family = contrast_sums(*apart((variable, [25] * 12), (steady, [25] * 12)), ["c"], ["c"], permutations=99)
    assert family.unlike > 3
    assert "which relabelling does not allow for" in family.method
    alike = contrast_sums(*apart((steady, [25] * 12), (steady, [25] * 12)), ["c"], ["c"], permutations=99)
    assert alike.unlike == pytest.approx(1)
    assert "relabelling does not allow" not in alike.method
    assert "12.0 against 12.0 effective" in alike.method


def test_family_p_is_never_below_the_codes_own_nor_holms_where_sides_vary_unlike() -> None:
    rng = np.random.default_rng(5)
    shares = rng.dirichlet([2, 1, 1], 10), rng.dirichlet([200, 150, 50], 10)
    coded = [np.array([rng.multinomial(40, one) for one in side]) for side in shares]
    sides = apart(*((y, [40] * 10) for y in coded))
    found = contrast_sums(*sides, list("ABC"), list("ABC"), permutations=199).contrasts
    own = sorted(c.p_single for c in found if c.p_single is not None)
    assert [c.p_family for c in sorted(found, key=lambda c: c.p_single or 0)] >= [
        3 * own[0],
        2 * own[1],
        own[2],
    ]
    assert all((c.p_family or 0) >= (c.p_single or 1) for c in found)


def test_an_interval_of_a_difference_takes_each_sides_own_spread() -> None:
    """Square-and-add by hand, from the limits of the two shares; nothing shared, so no correlation."""
    rng = np.random.default_rng(6)
    a, b = rng.binomial(20, 0.4, 9), rng.binomial(20, 0.3, 12)
    (found,) = contrast_sums(*apart((a, [20] * 9), (b, [20] * 12)), ["c"], ["c"], permutations=99).contrasts
    (pa, la, ua), (pb, lb, ub) = ((s.value, s.low, s.high) for s in (found.share_a, found.share_b))
    assert found.points.low == pytest.approx(100 * (pa - pb - math.hypot(pa - la, ub - pb)))
    assert found.points.high == pytest.approx(100 * (pa - pb + math.hypot(ua - pa, pb - lb)))


def test_the_odds_ratio_leaves_out_whole_items() -> None:
    """By hand: log odds ratio without each item, t of 2E − 1."""
    rng = np.random.default_rng(7)
    ya, yb = rng.binomial(20, 0.4, 9).astype(float), rng.binomial(20, 0.3, 9).astype(float)
    m = np.full(9, 20.0)

    def log_odds(y: Any, m: Any) -> Any:
        return np.log(y / (m - y))

    left = [log_odds(y.sum() - y, 180 - m) for y in (ya, yb)]
    off = left[0] - left[1]
    off = off - off.mean()
    df = min(9, 2 * (off**2).sum() ** 2 / (off**4).sum()) - 1
    half = stats.t.ppf(0.975, df) * math.sqrt(8 / 9 * off @ off)
    found = contrast_sums(sums(ya, m), sums(yb, m), ["c"], ["c"]).contrasts[0]
    value = log_odds(ya.sum(), 180) - log_odds(yb.sum(), 180)
    assert math.log(found.odds_ratio.value or 0) == pytest.approx(value)
    assert math.log(found.odds_ratio.high or 0) == pytest.approx(value + half)
    assert found.p_single == pytest.approx(2 * stats.t.sf(abs(value / half * stats.t.ppf(0.975, df)), df))
