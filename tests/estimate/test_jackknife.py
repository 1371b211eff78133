"""Intervals over clusters by leaving out one at a time: the definition, where there is none, and how often they cover."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special, stats

from pedagogy_r1.estimate import (
    Resampling,
    clustered,
    effective,
    jackknife_spread,
    over_clusters,
    quotient,
    unequal,
)
from pedagogy_r1.limits import UNEQUAL_SHARE

HOW = Resampling()


def shares(sums: np.ndarray) -> np.ndarray:
    with np.errstate(all="ignore"):
        return sums[:, 0] / sums[:, 1]


def test_the_interval_is_the_jackknife_of_the_logit_with_a_t() -> None:
    hits, sizes = np.array([3.0, 9, 2, 14, 6, 1]), np.array([20.0, 25, 9, 60, 31, 12])
    found = over_clusters(shares, np.column_stack([hits, sizes]), sizes, HOW, scale="share")
    without = special.logit((hits.sum() - hits) / (sizes.sum() - sizes))
    deviations = without - without.mean()
    resting = (deviations**2).sum() ** 2 / (deviations**4).sum()
    kish = sizes.sum() ** 2 / (sizes**2).sum()
    df = min(kish, 2 * resting) - 1
    more = 1 + UNEQUAL_SHARE * (6 / kish - 1) / np.sqrt(6)  # since the sizes vary
    assert unequal(sizes, UNEQUAL_SHARE) == pytest.approx(more)
    half = stats.t.ppf(0.975, df) * np.sqrt(5 / 6 * (deviations**2).sum() * more)
    middle = special.logit(hits.sum() / sizes.sum())
    assert (found["low"], found["high"]) == pytest.approx(
        (special.expit(middle - half), special.expit(middle + half)), rel=1e-12
    )
    assert found["effective_clusters"] == pytest.approx(effective(sizes))
    assert f"t with {df:.1f} df" in found["method"]


def test_what_it_rests_on_lowers_the_degrees_of_freedom() -> None:
    hits, sizes = np.array([9.0, 1, 1, 1, 2, 1, 1, 1]), np.full(8, 40.0)
    sums = np.column_stack([hits, sizes])
    plain = over_clusters(shares, sums, sizes, HOW, scale="share")
    found = over_clusters(shares, sums, sizes, HOW, scale="share", dissent=hits)
    _, df = jackknife_spread(special.logit(shares(sums.sum(axis=0) - sums)), sizes, hits)
    assert df <= np.sqrt(8 * effective(hits)) - 1 + 1e-12
    assert f"t with {df:.1f} df" in found["method"]
    assert found["high"] - found["low"] >= plain["high"] - plain["low"]


def test_of_a_plain_mean_of_equal_clusters_it_is_the_t_interval_but_for_its_df() -> None:
    values = np.random.default_rng(0).normal(size=30)
    sums = np.column_stack([values, np.ones(30)])
    found = over_clusters(shares, sums, np.ones(30), HOW, scale="plain")
    spread, df = jackknife_spread(shares(sums.sum(axis=0) - sums), np.ones(30))
    assert spread == pytest.approx(values.std(ddof=1) / np.sqrt(30), rel=1e-12)
    assert df <= 29
    assert found["high"] - values.mean() == pytest.approx(stats.t.ppf(0.975, df) * spread, rel=1e-12)


@pytest.mark.parametrize(
    ("hits", "sizes", "words"),
    [
        ([1, 2, 3], [9, 9, 9], "3 traces, and with fewer than 5 none can hold"),
        ([200, 1, 0, 2, 1, 1], [1000, 10, 10, 10, 10, 10], "one of the traces holds more than half of everything (1.1 effective"),
        ([3] * 8, [10] * 8, "it stays the same whichever of the traces is left out"),
        ([9, 0, 0, 0, 0, 0, 0], [20, 10, 10, 12, 11, 10, 13], "more than half of what is not the commonest value is in one of the traces"),
        ([4], [9], "everything comes from one trace"),
    ],
)  # fmt: skip
def test_where_none_can_hold_there_is_none_and_it_says_why(
    hits: list[float], sizes: list[float], words: str
) -> None:
    found = clustered([hits, sizes], list(range(len(hits))), quotient, HOW, scale="share")
    assert found.value is not None
    assert found.interval is None
    assert found.warnings[0].startswith("no interval: ")
    assert words in found.warnings[0]


def test_what_is_rare_needs_many_traces() -> None:
    """1 − share of disagreement, where nearly all values are the same."""

    def agreement(sums: np.ndarray) -> np.ndarray:
        return 1 - sums[:, 0] / sums[:, 1]

    rng = np.random.default_rng(1)
    for traces, words in ((14, None), (40, "studentised")):
        dissent = rng.binomial(25, 0.03, traces).astype(float)
        sums = np.column_stack([dissent / 2, np.full(traces, 25.0)])
        found = over_clusters(agreement, sums, sums[:, 1], HOW, scale="agreement", dissent=dissent)
        if words is None:
            assert "low" not in found
            assert found["warnings"] == ("no interval: what is this rare needs 30 traces, and there are 14",)
        else:
            assert words in found["method"]
            assert found["low"] < agreement(sums.sum(axis=0)[None])[0] < found["high"]


def test_the_confidence_that_the_value_lies_below_agrees_with_the_limits() -> None:
    rng = np.random.default_rng(2)
    sums = np.column_stack([rng.integers(1, 9, 20), np.full(20, 30)]).astype(float)
    for scale in ("share", "plain"):
        found = over_clusters(shares, sums, sums[:, 1], HOW, scale=scale, limits=(0.0001, 0.9))
        low, high = found["low"], found["high"]
        again = over_clusters(shares, sums, sums[:, 1], HOW, scale=scale, limits=(low, high))
        assert list(again["below"].values()) == pytest.approx([0.025, 0.975], abs=2e-3)
        assert found["below"]["0.900"] > 0.999
    high_is_good = over_clusters(
        lambda s: 1 - shares(s), sums, sums[:, 1], HOW, scale="agreement", limits=(0.5, 0.99)
    )
    assert high_is_good["below"]["0.500"] < 0.01
    assert high_is_good["below"]["0.990"] > 0.99


@given(
    st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)), min_size=1, max_size=40),
    st.sampled_from(["share", "agreement", "ratio", "correlation", "plain"]),
    st.sampled_from(["jackknife", "bootstrap"]),
)
def test_any_table_gives_ordered_limits_or_a_reason(
    rows: list[tuple[int, int]], scale: str, interval: str
) -> None:
    columns = [[a for a, _ in rows], [a + b for a, b in rows]]
    how = Resampling(20, interval=interval)  # type: ignore[arg-type]
    found = clustered(columns, list(range(len(rows))), quotient, how, scale=scale)  # type: ignore[arg-type]
    if found.value is None:
        assert found.why_undefined
    elif found.interval is None:
        assert any(w.startswith("no interval") for w in found.warnings)
    else:
        low, high = found.interval
        assert low <= found.value + 1e-9
        assert interval == "bootstrap" or found.value <= high + 1e-9
        assert scale != "share" or (low >= 0 and high <= 1)
        assert scale != "agreement" or low >= min(-1, found.value)


def test_no_limit_of_agreement_lies_below_the_lowest_that_there_is() -> None:
    """α .869 of a code of 7 % in 14 traces had a lower limit of −7.548, and the figure an axis down to it."""
    sums = np.array([[9.0, 10]] + [[10, 10]] * 12 + [[3, 10]])
    found = over_clusters(shares, sums, sums[:, 1], HOW, scale="agreement")
    assert found["low"] == -1.0
    assert found["high"] < 1.0


@pytest.mark.parametrize("traces", [6, 14, 42])
def test_it_covers_with_few_traces_of_unequal_length(traces: int) -> None:
    """A share of .3, lognormal lengths; percentiles of resampled traces cover .80 to .91 here."""
    rng = np.random.default_rng(traces)
    covered = []
    for _ in range(400):
        sizes = np.maximum(2, np.exp(rng.normal(3.2, 1, traces))).round()
        hits = rng.binomial(sizes.astype(int), rng.beta(1.5, 3.5, traces))
        found = over_clusters(shares, np.column_stack([hits, sizes]).astype(float), sizes, HOW, scale="share")
        if "low" in found:
            covered.append(found["low"] <= 0.3 <= found["high"])
    assert len(covered) > 300
    assert 0.91 <= np.mean(covered) <= 0.99
