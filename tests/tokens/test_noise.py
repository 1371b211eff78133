"""Noise shares, their intervals, and their correlation with repetition."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import spearmanr

from pedagogy_r1.codebook import load_codebook
from pedagogy_r1.errors import CodebookError
from pedagogy_r1.estimate import clustered, quotient
from pedagogy_r1.tokens import NoiseTokens, Resampling, noise_families, noise_share, noise_tokens
from pedagogy_r1.tokens.noise import trace_correlation, unit_correlation

HOW = Resampling(300, 1)
SCHOEN = noise_families(load_codebook("schoen"))


def test_both_readings_by_primary_code() -> None:
    row = noise_tokens(
        "t",
        [10, 20, 30, 40, 5, 7],
        [("UT-NF",), ("KA-RO", "IA-SQ"), ("IA-SQ", "KA-RO"), ("OA-ME",), None, ()],
        SCHOEN,
        tokens=120,
        outside=8,
    )
    assert row == NoiseTokens("t", tokens=120, coded=107, missing=5, outside=8, strict=10, nonreflective=30)
    share = noise_share([row], SCHOEN, HOW)
    assert share.strict.value == pytest.approx(10 / 107)
    assert share.nonreflective.value == pytest.approx(30 / 107)
    assert (share.missing, share.outside, share.coded, share.tokens) == (5, 8, 107, 120)
    assert share.strict.interval is None


def test_missing_is_not_noise() -> None:
    """A trace that nobody coded changes the counts and not the share."""
    coded = NoiseTokens("a", 100, 100, 0, 0, 25, 50)
    share = noise_share([coded, NoiseTokens("b", 900, 0, 900, 0, 0, 0)], SCHOEN, HOW)
    assert share.strict.value == 0.25
    assert (share.traces, share.strict.n, share.missing) == (2, 1, 900)
    nothing = noise_share([NoiseTokens("b", 900, 0, 900, 0, 0, 0)], SCHOEN, HOW)
    assert nothing.strict.why_undefined == "no token is coded"


def test_pooled_and_mean_of_traces_differ() -> None:
    rows = [NoiseTokens("a", 900, 900, 0, 0, 90, 90), NoiseTokens("b", 100, 100, 0, 0, 50, 50)]
    share = noise_share(rows, SCHOEN, replace(HOW, interval="bootstrap"))
    assert share.strict.value == pytest.approx(0.14)
    assert share.strict_mean.value == pytest.approx(0.30)
    assert share.strict.interval == (0.1, 0.5)
    assert "2 traces (1.2 effective) only" in " ".join(share.strict.warnings)


def test_a_codebook_without_the_families_says_so() -> None:
    other = noise_families(load_codebook("schoenfeld"))
    share = noise_share([noise_tokens("t", [5], [None], other, tokens=5)], other, HOW)
    assert share.strict.value is None
    assert "has no family UT; it has" in (share.strict.why_undefined or "")
    no_routine = noise_families(load_codebook("schoen"), routine=["XX"])
    half = noise_share([NoiseTokens("a", 10, 10, 0, 0, 2, 2)], no_routine, HOW)
    assert half.strict.value == 0.2
    assert "no family XX" in (half.nonreflective.why_undefined or "")


def test_other_families_can_be_noise() -> None:
    other = noise_families(load_codebook("schoen"), strict=["OA"], routine=["UT", "KA"])
    assert [other.reading((code,)) for code in ("OA-ME", "UT-NF", "IA-SQ")] == [
        (True, True),
        (False, True),
        (False, False),
    ]
    with pytest.raises(CodebookError, match="has no code 'XX'"):
        other.reading(("XX",))


def test_zero_noise_has_an_interval() -> None:
    """0 of 42 traces: resampling gives [0, 0]; the exact bound is 1 − .025^(1/42)."""
    share = noise_share([NoiseTokens(str(i), 100, 100, 0, 0, 0, 100) for i in range(42)], SCHOEN, HOW)
    assert share.strict.interval == (0.0, pytest.approx(1 - 0.025 ** (1 / 42)))
    assert share.nonreflective.interval == (pytest.approx(0.025 ** (1 / 42)), 1.0)
    assert "Clopper" in share.strict.method


def test_the_interval_over_clusters_covers() -> None:
    """Traces differ in their noise; the interval of the pooled share contains the true one nineteen times in twenty."""
    rng = np.random.default_rng(5)
    hits, runs = 0, 300
    for _ in range(runs):
        length = rng.integers(50, 400, 60)
        noisy = rng.binomial(length, rng.beta(2, 3, 60))
        found = clustered([noisy, length], list(range(60)), quotient, Resampling(), scale="share")
        assert found.interval is not None
        hits += found.interval[0] <= 0.4 <= found.interval[1]
    assert 0.90 <= hits / runs <= 0.98


def test_the_same_seed_gives_the_same_interval() -> None:
    rows = [NoiseTokens(str(i), 100, 100, 0, 0, i, 2 * i) for i in range(30)]
    drawn = [noise_share(rows, SCHOEN, Resampling(300, seed, interval="bootstrap")) for seed in (1, 1, 2)]
    assert drawn[0] == drawn[1]
    assert drawn[0].strict.interval != drawn[2].strict.interval
    assert noise_share(rows, SCHOEN, HOW).strict == noise_share(rows, SCHOEN, Resampling(seed=2)).strict


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 4), st.booleans(), st.integers(0, 5)), min_size=3, max_size=40))
def test_unit_correlation_is_spearmans(rows: list[tuple[int, bool, int]]) -> None:
    shares, noise, traces = [r[0] / 4 for r in rows], [r[1] for r in rows], [r[2] for r in rows]
    found = unit_correlation(shares, noise, traces, Resampling(50, 0))
    if len(set(shares)) < 2 or len(set(noise)) < 2:
        assert found.value is None
        assert found.why_undefined
    else:
        assert found.value == pytest.approx(spearmanr(shares, noise).statistic)
        assert found.clusters == len(set(traces))


def test_unit_resamples_are_those_of_whole_traces() -> None:
    """Two traces: each resample is one of AA, AB, BB, and the interval lies between their ρ."""
    shares = [0.1, 0.2, 0.9, 0.5, 0.1, 0.7]
    noise = [False, False, True, False, True, True]
    traces = ["a", "a", "a", "b", "b", "b"]
    drawn = [spearmanr(shares[:3], noise[:3]).statistic, spearmanr(shares[3:], noise[3:]).statistic]
    found = unit_correlation(shares, noise, traces, Resampling(2000, 0, interval="bootstrap"))
    assert found.interval == (pytest.approx(min(*drawn, found.value or 0)), pytest.approx(max(drawn)))


def test_trace_correlation_is_spearmans() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=60)
    y = x + rng.normal(size=60)
    found = trace_correlation(x.tolist(), y.tolist(), list(range(60)), HOW)
    assert found.value == pytest.approx(spearmanr(x, y).statistic)
    assert found.interval is not None
    assert found.interval[0] < (found.value or 0) < found.interval[1]
    assert trace_correlation([1, 2], [1, 2], [0, 1], HOW).why_undefined == "2 traces only"
    assert (
        trace_correlation([1, 1, 1], [1, 2, 3], [0, 1, 2], HOW).why_undefined
        == "no trace differs in repetition"
    )
