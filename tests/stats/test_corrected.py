"""Corrected frequencies: every case of the oracle ``ppi_dsl.json``, and what must hold whatever the data."""

from __future__ import annotations

import doctest
import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from scipy import stats

from benchmarks.published_ppi import PublishedPPI, published_logistic, published_mean
from pedagogy_r1.stats import corrected as corrected_module
from pedagogy_r1.stats.corrected import corrected_logistic, corrected_prevalence
from pedagogy_r1.stats.dsl import (
    cross_fitted,
    dsl,
    folds_of,
    ppi,
    pseudo_outcome,
    tuned_lam,
)
from pedagogy_r1.stats.moment import Fit, averaged, fit, interval
from pedagogy_r1.stats.sampled import Sampled, sampled

NEAR = 1e-6  # the oracle README's tolerance for values computed by a program


class Oracle(NamedTuple):
    y: Any
    f: Any
    pi: Any
    trace: Any
    x: Any
    coded: Any
    expected: dict[str, Any]

    @property
    def one(self) -> Any:
        return np.ones((len(self.y), 1))

    def units(self, *, clustered: bool) -> Sampled:
        return sampled(self.y, self.f, self.pi, self.trace if clustered else None)

    def mean(self, lam: float | None) -> PublishedPPI:
        return published_mean(self.y[self.coded], self.f[self.coded], self.f[~self.coded], lam)

    def logistic(self, lam: float | None) -> PublishedPPI:
        on, off = self.coded, ~self.coded
        return published_logistic(self.x[on], self.y[on], self.f[on], self.x[off], self.f[off], lam)


@pytest.fixture(scope="module")
def oracle(shared: Path) -> Oracle:
    found = json.loads((shared / "oracles" / "ppi_dsl.json").read_text(encoding="utf-8"))
    table = np.array(found["data"]["rows"], float)
    column = dict(zip(found["data"]["columns"], table.T, strict=True))
    x = np.column_stack([np.ones(len(table)), column["x1_cop"], column["x2_z"]])
    return Oracle(
        column["y_human_or_null"],
        column["y_llm"],
        column["pi"],
        column["cluster"].astype(int),
        x,
        column["labelled"] == 1,
        found["expected"],
    )


def test_oracle_ppi_mean_point_lam_auto(oracle: Oracle) -> None:
    assert oracle.mean(None).coef[0] == pytest.approx(oracle.expected["ppi_mean_point_lam_auto"], abs=NEAR)


def test_oracle_ppi_mean_ci_95_lam_auto(oracle: Oracle) -> None:
    assert oracle.mean(None).interval()[0] == pytest.approx(
        oracle.expected["ppi_mean_ci_95_lam_auto"], abs=NEAR
    )


def test_oracle_ppi_mean_point_lam1(oracle: Oracle) -> None:
    assert oracle.mean(1.0).coef[0] == pytest.approx(oracle.expected["ppi_mean_point_lam1"], abs=NEAR)


def test_oracle_ppi_mean_ci_95_lam1(oracle: Oracle) -> None:
    assert oracle.mean(1.0).interval()[0] == pytest.approx(oracle.expected["ppi_mean_ci_95_lam1"], abs=NEAR)


def test_oracle_ppi_logistic_ci_95_lam_auto(oracle: Oracle) -> None:
    low, high = zip(*oracle.logistic(None).interval(), strict=True)
    expected = oracle.expected["ppi_logistic_ci_95_lam_auto"]
    assert low == pytest.approx(expected[0], abs=NEAR)
    assert high == pytest.approx(expected[1], abs=NEAR)


def test_oracle_ppi_logistic_ci_95_lam1(oracle: Oracle) -> None:
    low, high = zip(*oracle.logistic(1.0).interval(), strict=True)
    expected = oracle.expected["ppi_logistic_ci_95_lam1"]
    assert low == pytest.approx(expected[0], abs=NEAR)
    assert high == pytest.approx(expected[1], abs=NEAR)


def test_oracle_ppi_logistic_point_lam1(oracle: Oracle) -> None:
    assert oracle.logistic(1.0).coef == pytest.approx(oracle.expected["ppi_logistic_point_lam1"], abs=NEAR)


def test_oracle_alternative_larger_lam1(oracle: Oracle) -> None:
    assert oracle.mean(1.0).interval(alternative="larger")[0] == pytest.approx(
        oracle.expected["alternative_larger_lam1"], abs=NEAR
    )


def test_oracle_alternative_larger_lam_auto_is_the_known_failure_and_not_ours(oracle: Oracle) -> None:
    # ppi-python returns its two-sided interval here. Ours is that interval only when asked for two sides.
    failure = oracle.expected["alternative_larger_lam_auto"]
    found = oracle.mean(None)
    assert found.interval(alternative="two-sided")[0] == pytest.approx(failure, abs=NEAR)
    low, high = found.interval(alternative="larger")[0]
    assert high == math.inf
    assert low == pytest.approx(found.coef[0] - 1.6448536269514722 * found.se[0], abs=1e-9)


def test_oracle_dsl_mean(oracle: Oracle) -> None:
    expected = oracle.expected["dsl_mean"]
    for clustered, key in ((False, "se_iid"), (True, "se_cluster")):
        units = oracle.units(clustered=clustered)
        found = dsl(units, oracle.one, link="identity", learner="machine", errors="published")
        assert found.coef[0] == pytest.approx(expected["est"], abs=NEAR)
        assert found.se[0] == pytest.approx(expected[key], abs=NEAR)


def test_oracle_dsl_logit(oracle: Oracle) -> None:
    expected = oracle.expected["dsl_logit"]
    for clustered, key in ((False, "se_iid"), (True, "se_cluster")):
        units = oracle.units(clustered=clustered)
        found = dsl(units, oracle.x, link="logit", learner="machine", errors="published")
        assert found.coef == pytest.approx(expected["coef"], abs=NEAR)
        assert found.se == pytest.approx(expected[key], abs=NEAR)


def test_oracle_naive(oracle: Oracle) -> None:
    expected = oracle.expected["naive"]
    share = corrected_prevalence(oracle.y, oracle.f, oracle.pi, oracle.trace)
    assert share.naive.value == pytest.approx(expected["prev"], abs=NEAR)
    terms = corrected_logistic(oracle.y, oracle.f, oracle.pi, oracle.x[:, 1:], oracle.trace)
    assert [t.naive.value for t in terms] == pytest.approx(expected["logit"], abs=NEAR)


def test_oracle_full_truth_lies_in_every_corrected_interval(oracle: Oracle) -> None:
    expected = oracle.expected["full_truth"]
    share = corrected_prevalence(oracle.y, oracle.f, oracle.pi, oracle.trace)
    terms = corrected_logistic(oracle.y, oracle.f, oracle.pi, oracle.x[:, 1:], oracle.trace)
    for result, truth in zip((share, *terms), (expected["prev"], *expected["logit"]), strict=True):
        assert [e.name for e in (result.human, result.dsl, result.ppi) if not e.covers(truth)] == []


class Made(NamedTuple):
    y: Any
    f: Any
    pi: Any
    trace: Any
    cop: Any
    true: Any


def made(seed: int, plan: str = "simple", traces: int = 40, base: float = -1.2) -> Made:
    """Traces of 12–25 units with their own propensity, a machine that errs, humans by one of three plans."""
    rng = np.random.default_rng(seed)
    trace = np.repeat(np.arange(traces), rng.integers(12, 26, traces))
    cop = (np.arange(traces) % 2.0)[trace]
    chance = 1 / (1 + np.exp(-(base + 0.6 * cop + rng.normal(0, 0.8, traces)[trace])))
    true = (rng.random(len(trace)) < chance).astype(float)
    f = np.where(true > 0, rng.random(len(trace)) < 0.8, rng.random(len(trace)) < 0.15).astype(float)
    if plan == "traces":
        pi = np.full(len(trace), 0.4)
        coded = (rng.permutation(traces) < round(0.4 * traces))[trace]
    else:
        pi = np.where(f > 0, 0.6, 0.2) if plan == "enriched" else np.full(len(trace), 0.35)
        coded = rng.random(len(trace)) < pi
    return Made(np.where(coded, true, np.nan), f, pi, trace, cop, true)


@pytest.mark.parametrize("plan", ["simple", "enriched", "traces"])
def test_corrected_intervals_hold_where_the_machines_and_ppi_pythons_fail(plan: str) -> None:
    # 60 runs only: enough to tell 95 % from the 40–75 % of the failures (benchmarks/coverage_corrected.py is the proof).
    nodes, weights = np.polynomial.hermite_e.hermegauss(60)
    truth = np.mean([(weights / (1 + np.exp(1.2 - e - 0.8 * nodes))).sum() for e in (0, 0.6)]) / weights.sum()
    hits = dict.fromkeys(("naive", "human only", "DSL", "PPI++", "ppi-python"), 0)
    for seed in range(60):
        d = made(seed, plan)
        result = corrected_prevalence(d.y, d.f, d.pi, d.trace)
        for e in result.estimates:
            hits[e.name] += e.covers(float(truth))
        on = ~np.isnan(d.y)
        low, high = published_mean(d.y[on], d.f[on], d.f[~on]).interval()[0]
        hits["ppi-python"] += low <= truth <= high
    assert min(hits["human only"], hits["DSL"], hits["PPI++"]) >= 53, hits
    assert hits["naive"] <= 45, hits
    if plan != "simple":  # there it only forgets the traces (.82), which 60 runs cannot tell from .95
        assert hits["ppi-python"] <= 51, hits


def test_a_machine_that_is_always_wrong_costs_precision_and_not_truth() -> None:
    d = made(3, traces=200)
    wrong = corrected_prevalence(d.y, 1 - d.true, d.pi, d.trace)
    right = corrected_prevalence(d.y, d.true, d.pi, d.trace)
    for result in (wrong, right):
        assert abs(result.dsl.value - d.true.mean()) < 0.01
    assert not wrong.dsl.covers(wrong.naive.value)


def test_with_every_unit_human_coded_all_corrections_are_the_human_mean() -> None:
    d = made(5)
    result = corrected_prevalence(d.true, d.f, 1.0, d.trace)
    for e in (result.human, result.dsl, result.ppi):
        assert e.value == pytest.approx(d.true.mean(), abs=1e-12)
    assert result.dsl.se == pytest.approx(result.human.se, abs=1e-12)


def test_ppi_spans_human_only_to_difference_and_matches_the_published_point() -> None:
    d = made(6)
    d = d._replace(pi=np.full(len(d.y), np.mean(~np.isnan(d.y))))
    units, one = sampled(d.y, d.f, d.pi), np.ones((len(d.y), 1))
    human = fit(units.weight * units.y, units.weight, one, units.cluster, link="identity")
    none, _ = ppi(units, one, link="identity", lam=0.0)
    assert none.coef == pytest.approx(human.coef, abs=1e-12)
    assert none.se == pytest.approx(human.se, rel=1e-3)
    on = units.coded
    # Same estimator, other reference: all units instead of the uncoded ones scales λ by (n + N)/N.
    some, _ = ppi(units, one, link="identity", lam=0.5)
    published = published_mean(d.y[on], d.f[on], d.f[~on], 0.5 * (~on).mean())
    assert some.coef == pytest.approx(published.coef, abs=1e-12)


def test_tuned_lambda_minimizes_the_clustered_variance() -> None:
    d = made(8, "traces")
    units, one = sampled(d.y, d.f, d.pi, d.trace), np.ones((len(d.y), 1))

    def spread(lam: float) -> float:
        return float(ppi(units, one, link="identity", lam=lam, errors="published")[0].se[0])

    best = tuned_lam(units, one, link="identity")
    grid = np.linspace(0, 1, 101)
    assert abs(best - grid[np.argmin([spread(lam) for lam in grid])]) <= 0.011


def test_cross_fitting_never_shows_a_trace_its_own_codes() -> None:
    d = made(9)
    one = np.ones((len(d.y), 1))
    before = cross_fitted(sampled(d.y, d.f, d.pi, d.trace), one)
    flipped = np.where(d.trace == 7, 1 - d.y, d.y)
    after = cross_fitted(sampled(flipped, d.f, d.pi, d.trace), one)
    assert (before[d.trace == 7] == after[d.trace == 7]).all()
    assert not np.allclose(before[d.trace != 7], after[d.trace != 7])


def test_folds_hold_whole_traces_and_spread_the_human_coded_ones() -> None:
    d = made(10, "traces")
    units = sampled(d.y, d.f, d.pi, d.trace)
    fold = folds_of(units, 4, seed=1)
    assert all(len(set(fold[d.trace == t])) == 1 for t in range(40))
    assert sorted(np.bincount([fold[units.cluster == c][0] for c in units.coded_clusters])) == [4, 4, 4, 4]
    with pytest.raises(ValueError, match="trace lies in two folds"):
        pseudo_outcome(units, np.ones((units.n, 1)), folds=np.arange(units.n) % 2)


def test_given_folds_are_used() -> None:
    d = made(11)
    units, one = sampled(d.y, d.f, d.pi, d.trace), np.ones((len(d.y), 1))
    assert (
        cross_fitted(units, one, folds=folds_of(units, 5, 3)) == cross_fitted(units, one, folds=5, seed=3)
    ).all()


def test_the_jackknife_of_a_mean_is_leaving_each_trace_out() -> None:
    d = made(12)
    n, one = len(d.true), np.ones((len(d.true), 1))
    found = fit(d.true, np.ones(n), one, d.trace, link="identity")
    left_out = np.array([d.true[d.trace != t].mean() for t in range(40)])
    assert found.deltas[:, 0] == pytest.approx(d.true.mean() - left_out, abs=1e-12)
    assert found.se[0] ** 2 == pytest.approx(39 / 40 * ((left_out - d.true.mean()) ** 2).sum(), rel=1e-12)


def test_degrees_of_freedom_are_the_traces_of_the_full_matrix() -> None:
    d = made(13)
    x = np.column_stack([np.ones(len(d.true)), d.cop])
    found = fit(d.true, np.ones(len(d.true)), x, d.trace, link="identity")
    score = x * (d.true - x @ found.coef)[:, None]
    bread, count = np.linalg.inv(x.T @ x), 40
    mine = [d.trace == t for t in range(count)]
    total = score.T @ score
    for k in range(2):
        omega = np.zeros((count, count))
        m = [np.linalg.inv(x.T @ x - x[g].T @ x[g])[k] for g in mine]
        # δ_g = m_g (s_g − J_g J⁻¹ Σ_h s_h): its covariance, cluster by cluster, from the noise of each
        for a in range(count):
            for b in range(count):
                own_a, own_b = (m[c] @ x[mine[c]].T @ x[mine[c]] @ bread for c in (a, b))
                noise_a, noise_b = (score[mine[c]].T @ score[mine[c]] for c in (a, b))
                omega[a, b] = own_a @ total @ own_b - m[a] @ noise_a @ own_b - own_a @ noise_b @ m[b]
                if a == b:
                    omega[a, b] += m[a] @ noise_a @ m[a]
        assert found.df[k] == pytest.approx(np.trace(omega) ** 2 / (omega**2).sum(), rel=1e-9)


def test_few_traces_in_the_condition_leave_few_degrees_of_freedom() -> None:
    d = made(14, traces=60)
    rare = (d.trace < 4).astype(float)
    balanced = corrected_logistic(d.y, d.f, d.pi, d.cop, d.trace)[1]
    lopsided = corrected_logistic(d.y, d.f, d.pi, rare, d.trace)[1]
    assert lopsided.dsl.df < 8 < 20 < balanced.dsl.df


def test_a_code_humans_never_saw_has_an_interval_from_counts_and_no_odds() -> None:
    d = made(15)
    y = np.where(np.isnan(d.y), np.nan, 0.0)
    sizes = np.bincount(d.trace[~np.isnan(y)])
    result = corrected_prevalence(y, np.zeros(len(y)), 0.35, d.trace)
    rule = 1 - 0.025 ** (sizes @ sizes / sizes.sum() ** 2)  # one unit a trace: all of a trace may be alike
    assert result.human.value == 0
    assert result.human.interval == pytest.approx((0.0, rule))
    noisy = corrected_prevalence(y, d.f, 0.35, d.trace)
    assert noisy.dsl.interval[0] == 0
    assert noisy.dsl.interval[1] >= rule
    odds = corrected_logistic(y, d.f, 0.35, d.cop, d.trace)[1]
    assert odds.dsl.value is odds.ppi.value is odds.human.value is None
    assert "no human-coded unit has the code" in odds.dsl.why_undefined
    assert odds.naive.value is not None
    assert "No corrected (DSL) estimate" in odds.verdict()


def test_a_condition_without_human_codes_has_no_corrected_contrast() -> None:
    d = made(16)
    y = np.where(d.cop > 0, np.nan, d.y)
    odds = corrected_logistic(y, d.f, 0.35, d.cop, d.trace)[1]
    assert odds.dsl.value is None
    assert "do not vary in some covariate" in odds.dsl.why_undefined


def test_a_separated_contrast_is_undefined_with_its_reason() -> None:
    d = made(17)
    y = np.where(d.cop > 0, np.where(np.isnan(d.y), np.nan, 0.0), d.y)
    odds = corrected_logistic(y, d.f, d.pi, d.cop, d.trace)[1]
    assert odds.human.value is None
    assert "no finite solution" in odds.human.why_undefined


@pytest.mark.parametrize(
    ("value", "se"), [(0.004, 0.01), (0.02, 0.005), (0.5, 0.3), (0.997, 0.002), (-0.01, 0.02)]
)
def test_intervals_of_proportions_stay_between_0_and_1(value: float, se: float) -> None:
    low, high = interval(value, se, 12.0, scale="proportion", size=50)
    assert 0 <= low < high <= 1
    assert low <= min(max(value, 0), 1) <= high
    assert interval(value, se, 12.0, scale="proportion", size=50, alternative="larger")[1] == 1
    assert interval(value, se, 12.0, scale="proportion", size=50, alternative="smaller")[0] == 0


def test_an_unknown_alternative_is_refused() -> None:
    with pytest.raises(ValueError, match="alternative 'greater'"):
        interval(0.1, 0.1, alternative="greater")  # type: ignore[arg-type]


def test_the_alternative_reaches_every_estimate() -> None:
    d = made(18, "enriched")
    two = corrected_prevalence(d.y, d.f, d.pi, d.trace)
    one = corrected_prevalence(d.y, d.f, d.pi, d.trace, alternative="larger")
    for a, b in zip(two.estimates, one.estimates, strict=True):
        assert b.interval[1] == 1
        assert a.interval[0] < b.interval[0] < a.value
    assert one.bias.interval == two.bias.interval


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"y": [0, 1, 2, np.nan]}, "human codes must be 0, 1 or NaN"),
        ({"f": [0, 1, np.nan, 0]}, "1 machine codes are missing"),
        ({"pi": [0.5, 0.5, 0.0, 0.5]}, "1 units have an inclusion probability outside"),
        ({"pi": [0.5, 0.5, 1.0, 0.5]}, "1 units have probability 1 of being human-coded and no human code"),
        ({"y": [np.nan] * 4}, "no unit is human-coded"),
        ({"f": [0, 1, 0]}, "arrays of one length"),
    ],
)
def test_input_that_cannot_be_corrected_is_refused(change: dict[str, Any], says: str) -> None:
    good: dict[str, Any] = {"y": [0, 1, np.nan, np.nan], "f": [0, 1, 1, 0], "pi": 0.5}
    with pytest.raises(ValueError, match=says):
        corrected_prevalence(**(good | change))


def test_warnings_name_what_is_thin() -> None:
    d = made(19, "traces", traces=20, base=-4.5)
    found = " ".join(corrected_prevalence(d.y, d.f, d.pi, d.trace).warnings)
    assert "come from 8 items or traces that count for 7.8" in found
    assert "only 4 human-coded units have the code" in found
    plenty = made(20, traces=120)
    assert corrected_prevalence(plenty.y, plenty.f, plenty.pi, plenty.trace).warnings == ()


def test_lost_human_codes_are_noticed() -> None:
    d = made(21, traces=120)
    lost = np.where(np.arange(len(d.y)) % 3 > 0, np.nan, d.y)
    assert "promise" in " ".join(corrected_prevalence(lost, d.f, d.pi, d.trace).warnings)


def test_the_verdict_says_when_the_estimates_differ() -> None:
    d = made(22, traces=150)
    off = corrected_prevalence(d.y, d.f, d.pi, d.trace)
    assert "lies outside the corrected interval" in off.verdict()
    assert "overstates it by" in off.verdict()
    same = corrected_prevalence(d.y, d.true, d.pi, d.trace)
    assert "lies inside the corrected interval" in same.verdict()


def test_the_verdict_says_when_the_probabilities_cannot_be_right() -> None:
    # Humans coded every third unit; the record claims that units with the code were sought out.
    d = made(22, traces=150)
    claimed = corrected_prevalence(d.y, d.f, np.where(d.true > 0, 0.9, 0.15), d.trace, learner="machine")
    assert "check the inclusion probabilities" in claimed.verdict()
    assert "Report the corrected figure" not in claimed.verdict()


def test_the_seed_is_recorded_and_repeats() -> None:
    d = made(23)
    first, again, other = (corrected_prevalence(d.y, d.f, d.pi, d.trace, seed=s) for s in (4, 4, 5))
    assert first == again
    assert first.seed == 4
    assert first.dsl.value != other.dsl.value
    assert "seed 4" in first.dsl.method


def test_the_example_in_the_module_is_what_it_prints() -> None:
    assert doctest.testmod(corrected_module).failed == 0
    assert doctest.testmod(corrected_module).attempted > 0


def every_tenth(rng: np.random.Generator, traces: int = 40) -> Made:
    """A code of 5 %, all of it in every tenth trace; ten of forty traces are coded whole."""
    trace = np.repeat(np.arange(traces), 25)
    true = ((rng.random(len(trace)) < 0.5) & (rng.random(traces) < 0.1)[trace]).astype(float)
    f = np.where(true > 0, rng.random(len(trace)) < 0.7, rng.random(len(trace)) < 0.02).astype(float)
    coded = (rng.permutation(traces) < traces // 4)[trace]
    return Made(np.where(coded, true, np.nan), f, 0.25, trace, np.zeros(len(trace)), true)


def test_a_code_nobody_saw_in_10_coded_traces_in_every_tenth_trace_is_left_open_to_31_percent() -> None:
    unseen, covered = 0, 0
    for seed in range(60):
        d = every_tenth(np.random.default_rng(seed))
        result = corrected_prevalence(d.y, d.f, d.pi, d.trace)
        covered += all(e.covers(0.05) for e in (result.human, result.dsl, result.ppi))
        if not np.nansum(d.y):
            unseen += 1
            assert result.human.interval == pytest.approx((0.0, 1 - 0.025 ** (1 / 10)))
            assert result.human.high == pytest.approx(0.308, abs=5e-4)
            assert min(result.dsl.high, result.ppi.high) >= result.human.high - 1e-12
    assert unseen >= 10
    assert covered >= 57


def test_the_bias_does_not_forget_that_peoples_zero_is_uncertain() -> None:
    """ "overstates it by 1.5 points (1.2 to 1.8)" from 0 hits: the interval reaches as far down as people's zero is open."""
    trace = np.repeat(np.arange(40), 25)
    f = np.where(np.arange(1000) % 67 == 0, 1.0, 0.0)  # 1.5 %
    y = np.where(trace < 10, 0.0, np.nan)
    result = corrected_prevalence(y, f, 0.25, trace)
    assert result.bias.value == pytest.approx(0.015, abs=0.004)
    assert result.bias.low < -0.28
    assert result.bias.covers(0.0)
    assert "overstates" not in result.verdict()


@pytest.mark.parametrize(
    ("lengths", "why"),
    [
        ((25,) * 4, "4 human-coded items or traces, and with fewer than 5 none can hold"),
        (
            (2000, 5, 5, 5, 5, 5),
            "one of the human-coded items or traces holds more than half of everything (1.0 effective",
        ),
    ],
)
def test_few_or_one_long_trace_give_no_interval_and_nothing_to_report(
    lengths: tuple[int, ...], why: str
) -> None:
    trace = np.repeat(np.arange(40), [*lengths, *(25,) * (40 - len(lengths))])
    rng = np.random.default_rng(1)
    true = (rng.random(len(trace)) < 0.3).astype(float)
    y = np.where(trace < len(lengths), true, np.nan)
    result = corrected_prevalence(y, true, len(lengths) / 40, trace)
    for e in (result.human, result.dsl, result.ppi):
        assert e.value is not None
        assert e.interval is None
    assert result.recommended is None
    assert why in result.verdict()


def test_effective_coded_traces_stand_beside_each_estimate() -> None:
    trace = np.repeat(np.arange(30), [100, *(10,) * 29])
    true = (np.random.default_rng(2).random(len(trace)) < 0.3).astype(float)
    result = corrected_prevalence(np.where(trace < 10, true, np.nan), true, 1 / 3, trace)
    sizes = np.array([100, *(10,) * 9])
    for e in (result.human, result.dsl, result.ppi):
        assert e.clusters == 10
        assert e.effective_clusters == pytest.approx(sizes.sum() ** 2 / (sizes @ sizes))
    assert "10 items or traces that count for 3.3" in result.verdict()


def test_two_people_are_corrected_against_apart_and_their_mean_carries_their_difference() -> None:
    """UT-NF 16.5 or 24.0 %, by whoever coded most: now the mean, and an interval wider than either's."""
    d = made(30, traces=60)
    stricter = np.where((d.y > 0) & (np.random.default_rng(5).random(len(d.y)) < 0.35), 0.0, d.y)
    both = np.vstack([d.y, stricter])
    a, b = (corrected_prevalence(row, d.f, d.pi, d.trace) for row in both)
    mean = corrected_prevalence(both, d.f, d.pi, d.trace, people=("A", "B"))
    swapped = corrected_prevalence(both[::-1], d.f, d.pi, d.trace, people=("B", "A"))
    for name in ("human", "dsl", "ppi"):
        one, other, own = (getattr(c, name) for c in (a, b, mean))
        assert own.value == pytest.approx((one.value + other.value) / 2)
        assert own.value == pytest.approx(getattr(swapped, name).value)
        between = ((one.value - other.value) / 2) ** 2
        assert own.se**2 > between
        assert own.high - own.low > max(one.high - one.low, other.high - other.low)
    assert [e.name for e in mean.people] == ["A", "B"]
    assert [e.value for e in mean.people] == pytest.approx([a.dsl.value, b.dsl.value])
    alike = corrected_prevalence(np.vstack([d.y, d.y]), d.f, d.pi, d.trace)
    assert alike.dsl.interval == pytest.approx(a.dsl.interval, abs=1e-3)


def test_what_varies_between_people_has_degrees_of_freedom_of_its_own() -> None:
    """t_df √V is both reaches, squared and added: of the traces with their df, of P people with P − 1. Satterthwaite's df for the
    sum let .83 of 95 % intervals of the bias hold where two people differed much."""
    rng = np.random.default_rng(2)
    deltas = rng.normal(0, 0.01, (2, 12, 1))
    cov = [11 / 12 * d.T @ d for d in deltas]
    fits = [
        Fit(np.array([theta]), v, np.array([df]), d)
        for theta, v, df, d in zip((0.2, 0.3), cov, (9.0, 7.0), deltas, strict=True)
    ]
    for level in (0.9, 0.95):
        found = averaged(fits, [0.0, 0.0], level)
        traces, people = (stats.t.ppf((1 + level) / 2, df) for df in (7, 1))
        within = 11 / 12 * (deltas.mean(axis=0) ** 2).sum()
        between = 2 * 0.05**2 / 2
        assert found.coef == pytest.approx([0.25])
        assert found.df == pytest.approx([7])
        assert traces * found.se == pytest.approx([math.sqrt(traces**2 * within + people**2 * between)])
    alike = averaged([fits[0], replace(fits[1], coef=fits[0].coef)], [0.0, 0.0])
    assert alike.se**2 == pytest.approx([within])


def test_the_interval_over_two_people_covers_the_mean_over_people_like_them() -> None:
    """Each person has a propensity of their own for the code; 80 runs (the benchmark has the proof)."""
    covered = 0
    for seed in range(80):
        rng = np.random.default_rng([seed, 3])
        d = made(seed, traces=40)
        rows = []
        for _ in range(2):
            lost = rng.uniform(0.0, 0.6)
            rows.append(np.where((d.y > 0) & (rng.random(len(d.y)) < lost), 0.0, d.y))
        nodes, weights = np.polynomial.hermite_e.hermegauss(60)
        truth = (
            np.mean([(weights / (1 + np.exp(1.2 - e - 0.8 * nodes))).sum() for e in (0, 0.6)]) / weights.sum()
        )
        covered += corrected_prevalence(np.vstack(rows), d.f, d.pi, d.trace).dsl.covers(0.7 * float(truth))
    assert covered >= 72


def test_a_person_who_never_saw_the_code_counts_as_uncertain() -> None:
    d = made(31, traces=40)
    zero = np.where(np.isnan(d.y), np.nan, 0.0)
    alone = corrected_prevalence(d.y, d.f, d.pi, d.trace).human
    mean = corrected_prevalence(np.vstack([d.y, zero]), d.f, d.pi, d.trace).human
    assert mean.value == pytest.approx(alone.value / 2)
    assert mean.se > math.hypot(alone.value / 2, alone.se / 2)
