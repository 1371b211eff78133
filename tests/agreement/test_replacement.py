"""May the machine replace a coder? Against the authors' program, against the definition, and all that is not a number."""

from __future__ import annotations

import json
from collections.abc import Hashable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.stats
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import false_discovery_control, ttest_1samp

from pedagogy_r1.agreement.comparison import reliability_data
from pedagogy_r1.agreement.left_out import mean_test
from pedagogy_r1.agreement.replacement import alternative_annotator_test, replacement_test
from pedagogy_r1.agreement.replacement_report import Minimum, ReplacementReport
from pedagogy_r1.errors import RunError

from ..make_runs import make_run

MODELS = ("gemini_flash", "gemini_pro", "gpt-4o", "llama-31", "gpt-4o-mini", "mistral-v03")
DATASETS = ("lgbteen", "framing", "cebab_aspects", "10k_prompts")
CASES = [(dataset, model) for dataset in DATASETS for model in MODELS]

Codes = dict[str, dict[Hashable, Any]]
SMALL = Minimum(humans=2, units_per_human=5)


@pytest.fixture(scope="module")
def oracle(shared: Path) -> dict[str, Any]:
    return json.loads((shared / "oracles/alttest.json").read_text())


@pytest.fixture(scope="module")
def codes(shared: Path) -> dict[str, Codes]:
    return {
        f"{dataset} {who}": json.loads((shared / f"data/alttest/{dataset}_{who}.json").read_text())
        for dataset in DATASETS
        for who in ("human", "llm")
    }


def run_case(
    codes: dict[str, Codes], oracle: dict[str, Any], dataset: str, model: str, **options: Any
) -> Any:
    given = oracle["datasets"][dataset]
    return alternative_annotator_test(
        codes[f"{dataset} human"],
        codes[f"{dataset} llm"][model],
        epsilon=given["epsilon"],
        metric=given["metric"],
        q=oracle["procedure"]["q_fdr"],
        minimum=Minimum(
            units_per_human=oracle["procedure"]["min_instances_per_human"],
            humans_per_unit=oracle["procedure"]["min_humans_per_instance"],
        ),
        replicates=0,
        **options,
    )


@pytest.mark.parametrize(("dataset", "model"), CASES, ids=[f"{d}-{m}" for d, m in CASES])
def test_authors_program(codes: dict[str, Codes], oracle: dict[str, Any], dataset: str, model: str) -> None:
    """Calderon et al. 2025, code and data at 18428b1: every figure of every coder."""
    found: ReplacementReport = run_case(codes, oracle, dataset, model)
    expected = oracle["results"][dataset][model]
    assert found.published.winning_rate == pytest.approx(expected["winning_rate"], abs=1e-12)
    assert found.advantage.value == pytest.approx(expected["advantage_prob"], abs=1e-12)
    assert found.published.passed == expected["passed"]
    assert (found.published.m, found.n_units) == (expected["m"], expected["kept_instances"])
    assert [c.coder for c in found.coders] == [a["annotator"] for a in expected["annotators"]]
    for coder, a in zip(found.coders, expected["annotators"], strict=True):
        assert (coder.n, coder.published.reject) == (a["n"], a["reject"]), a["annotator"]
        assert coder.rho_f == pytest.approx(a["rho_f"], abs=1e-12), a["annotator"]
        assert coder.rho_h == pytest.approx(a["rho_h"], abs=1e-12), a["annotator"]
        assert coder.mean_d == pytest.approx(a["mean_d"], abs=1e-12), a["annotator"]
        assert coder.published.p == pytest.approx(a["p"], rel=1e-6, abs=1e-12), a["annotator"]


def test_no_case_of_the_authors_is_left_out(oracle: dict[str, Any]) -> None:
    assert {(d, m) for d, models in oracle["results"].items() for m in models} == set(CASES)


def test_clustered_errors_turn_a_published_pass(codes: dict[str, Codes], oracle: dict[str, Any]) -> None:
    """Ten questions were asked of each of 88 texts: taken together as they are, gpt-4o-mini no longer passes."""
    units = {unit for one in codes["lgbteen human"].values() for unit in one}
    traces = {unit: str(unit).rsplit("__", 1)[0] for unit in units}
    found = run_case(codes, oracle, "lgbteen", "gpt-4o-mini", traces=traces)
    assert (found.published.passed, found.published.winning_rate) == (True, 0.75)
    assert (found.clustered.passed, found.clustered.winning_rate) == (False, 0.0)
    assert (
        "With errors clustered by trace (88 traces) it wins over 0 of 4 and does not pass: units of one trace are alike, "
        "so trust this result rather than the published one." in found.verdict()
    )


def test_the_constant_coder_is_unmasked(codes: dict[str, Codes], oracle: dict[str, Any]) -> None:
    """Always saying 4 passes on 10k_prompts, and better than gpt-4o: the reader is told."""
    found = run_case(codes, oracle, "10k_prompts", "gpt-4o")
    always = {unit: 4 for one in codes["10k_prompts human"].values() for unit in one}
    itself = alternative_annotator_test(
        codes["10k_prompts human"], always, epsilon=0.15, metric="neg_rmse", replicates=0
    )
    assert (found.constant.code, found.constant.passed) == (4, True)
    assert found.constant.winning_rate == itself.published.winning_rate > found.published.winning_rate
    assert found.constant.advantage_prob == itself.advantage.value
    assert "giving every unit the commonest code (4) would pass too, with ω = 0.77" in found.verdict()


# --- against the definition


def by_definition(humans: Codes, machine: dict[Hashable, Any], epsilon: float, least: int) -> Any:
    """The published procedure written out unit by unit, for nominal codes: coder → (ρ_f, ρ_h, p), and who is won over."""
    coded = {u: [h for h in humans if u in humans[h]] for u in machine}
    kept = {u for u, who in coded.items() if len(who) >= 2}
    result = {}
    for left_out, own in humans.items():
        f, h = [], []
        for u in own.keys() & kept:
            others = [humans[o][u] for o in coded[u] if o != left_out]
            s_machine, s_human = others.count(machine[u]), others.count(own[u])
            f.append(s_machine >= s_human)
            h.append(s_human >= s_machine)
        if len(f) >= least:
            d = np.array(h, dtype=float) - np.array(f)
            with np.errstate(all="ignore"):
                p = ttest_1samp(d, epsilon, alternative="less").pvalue if d.std() else float(d[0] >= epsilon)
            result[left_out] = (np.mean(f), np.mean(h), p)
    ps = [p for *_, p in result.values()]
    won = set(np.array(list(result))[false_discovery_control(ps, method="by") <= 0.05]) if ps else set()
    return result, won


@st.composite
def coded_units(draw: st.DrawFn) -> tuple[Codes, dict[Hashable, Any]]:
    n, coders, seed = draw(st.integers(6, 40)), draw(st.integers(2, 5)), draw(st.integers(0, 2**32 - 1))
    rng = np.random.default_rng(seed)
    agree, there = draw(st.floats(0, 1)), draw(st.floats(0.3, 1))
    truth = rng.integers(0, 3, n)

    def one(agree: float, there: float) -> dict[Hashable, Any]:
        said = np.where(rng.random(n) < agree, truth, rng.integers(0, 3, n))
        return {f"u{i}": "ABC"[said[i]] for i in range(n) if rng.random() < there}

    return {f"h{c}": one(agree, there) for c in range(coders)}, one(
        draw(st.floats(0, 1)), draw(st.floats(0.8, 1))
    )


@given(coded_units(), st.sampled_from([0.1, 0.15, 0.2]))
@settings(max_examples=150, deadline=None)
def test_is_the_procedure_as_defined(case: tuple[Codes, dict[Hashable, Any]], epsilon: float) -> None:
    humans, machine = case
    found = alternative_annotator_test(humans, machine, epsilon=epsilon, minimum=SMALL, replicates=0)
    expected, won = by_definition(humans, machine, epsilon, 5)
    assert {c.coder for c in found.coders} == set(expected)
    for c in found.coders:
        assert (c.rho_f, c.rho_h, c.published.p) == pytest.approx(expected[c.coder], abs=1e-9)
    assert {c.coder for c in found.coders if c.published.reject} == won
    assert found.untested.keys() == humans.keys() - expected.keys()
    assert sum(found.dropped.values()) + found.n_units == len(set(machine).union(*humans.values()))


@given(coded_units(), st.randoms(use_true_random=False))
@settings(max_examples=60, deadline=None)
def test_order_of_units_and_coders_is_no_matter(case: tuple[Codes, dict[Hashable, Any]], random: Any) -> None:
    humans, machine = case
    traces = {unit: int(str(unit)[1:]) % 4 for one in (*humans.values(), machine) for unit in one}

    def shuffled(one: dict[Hashable, Any]) -> dict[Hashable, Any]:
        return {key: one[key] for key in random.sample(list(one), len(one))}

    first, second = (
        alternative_annotator_test(h, m, kind="skilled", traces=traces, minimum=SMALL, replicates=0)
        for h, m in (
            (humans, machine),
            (shuffled({name: shuffled(one) for name, one in humans.items()}), shuffled(machine)),
        )
    )
    assert {c.coder: c for c in first.coders} == {c.coder: c for c in second.coders}
    assert (first.published, first.clustered) == (second.published, second.clustered)
    assert first.advantage.value == pytest.approx(second.advantage.value)


@given(coded_units(), st.sampled_from([0.05, 0.1, 0.2, 0.4]))
@settings(max_examples=60, deadline=None)
def test_passes_from_the_named_epsilon_on(case: tuple[Codes, dict[Hashable, Any]], epsilon: float) -> None:
    found = alternative_annotator_test(*case, epsilon=epsilon, minimum=SMALL, replicates=0).published
    if found.passed is not None and abs((found.epsilon_to_pass or 0) - epsilon) > 1e-5:
        assert found.passed == (found.epsilon_to_pass is not None and epsilon > found.epsilon_to_pass)


@given(coded_units())
@settings(max_examples=100, deadline=None)
def test_the_majority_wins(case: tuple[Codes, dict[Hashable, Any]]) -> None:
    """Whoever says what most humans said of each unit fits the others at least as well as the human left out, always: if
    n_w ≥ n_v humans said w and v, then of the others n_w said w and n_v − 1 said v."""
    humans, _ = case
    said: dict[Hashable, list[Any]] = {}
    for own in humans.values():
        for unit, code in own.items():
            said.setdefault(unit, []).append(code)
    majority = {unit: max(sorted(set(of)), key=of.count) for unit, of in said.items()}
    small = alternative_annotator_test(humans, majority, kind="expert", minimum=SMALL, replicates=0)
    assert {c.rho_f for c in small.coders} <= {1.0}
    enough = alternative_annotator_test(humans, majority, kind="expert", replicates=0)
    assert enough.published.winning_rate in (None, 1.0)


def simulated(agree: float, machine_agrees: float, *, n: int = 400, k: int = 8) -> ReplacementReport:
    rng = np.random.default_rng(7)
    truth = rng.integers(0, k, n)

    def one(agree: float) -> dict[Hashable, Any]:
        return dict(enumerate(np.where(rng.random(n) < agree, truth, rng.integers(0, k, n)).tolist()))

    humans = {name: one(agree) for name in "ABCD"}
    return alternative_annotator_test(
        humans, one(machine_agrees), kind="expert", traces={i: i // 20 for i in range(n)}, name="cues"
    )


def test_a_machine_like_the_humans_wins_and_a_random_one_loses() -> None:
    good, bad = simulated(0.85, 0.85), simulated(0.85, 0.0)
    assert (good.published.winning_rate, good.published.passed, good.clustered.passed) == (1.0, True, True)
    assert (bad.published.winning_rate, bad.published.passed, bad.clustered.passed) == (0.0, False, False)
    assert bad.advantage.high < good.advantage.low < good.advantage.value < good.advantage.high


# --- clustered errors


def test_units_that_are_their_own_traces_give_the_published_test_but_for_its_skewness() -> None:
    d = np.random.default_rng(1).integers(-1, 2, 77)
    published, clustered = mean_test(d, 0.2), mean_test(d, 0.2, np.arange(77))
    assert (published.mean, published.se, published.clusters) == (
        clustered.mean,
        clustered.se,
        clustered.clusters,
    )
    assert published.df == pytest.approx(76, rel=1e-9)
    assert clustered.t == max(published.t, published.t + clustered.skew * (1 + 2 * published.t**2) / 6)
    assert published.skew == 0
    assert published.p == pytest.approx(ttest_1samp(d, 0.2, alternative="less").pvalue, rel=1e-12)


def test_clustered_error_is_cr2_with_the_degrees_of_freedom_of_bell_and_mccaffrey() -> None:
    """Against the definition in matrices; without its adjustments it is the sandwich of statsmodels."""
    rng = np.random.default_rng(2)
    d, cluster = rng.integers(-1, 2, 200), rng.integers(0, 17, 200)
    found = mean_test(d, 0.2, cluster)
    m, sums = np.bincount(cluster).astype(float), np.bincount(cluster, d)
    residual_maker = np.eye(17) - np.outer(m, np.ones(17)) / 200
    residuals, working = residual_maker @ sums, np.diag(m**2)
    adjust = np.sqrt(np.diag(working) / np.diag(residual_maker @ working @ residual_maker.T))
    parts = (adjust[:, None] * residual_maker) @ np.diag(m)
    form = parts @ parts.T
    assert found.mean == d.mean()
    assert found.se == pytest.approx(np.sqrt(((adjust * residuals) ** 2).sum()) / 200, rel=1e-12)
    assert found.df == pytest.approx(np.trace(form) ** 2 / (form**2).sum(), rel=1e-12)
    without = (sums.sum() - sums) / (200 - m)
    skew = scipy.stats.skew(-without) / np.sqrt(200**2 / (m**2).sum())
    t = (d.mean() - 0.2) / found.se
    assert found.t == pytest.approx(max(t, t + skew * (1 + 2 * t**2) / 6), rel=1e-9)
    assert found.p == pytest.approx(scipy.stats.t.cdf(found.t, found.df), rel=1e-12)
    fit = sm.OLS(d.astype(float), np.ones(200)).fit(
        cov_type="cluster", cov_kwds={"groups": cluster}, use_t=True
    )
    assert np.sqrt(17 / 16 * (residuals**2).sum()) / 200 == pytest.approx(fit.bse[0], rel=1e-12)
    assert found.clusters == 17


def test_copies_within_a_trace_carry_no_information() -> None:
    d = np.random.default_rng(3).integers(-1, 2, 40)
    single, copied = (
        mean_test(d, 0.2, np.arange(40)),
        mean_test(np.repeat(d, 5), 0.2, np.repeat(np.arange(40), 5)),
    )
    assert copied.p == pytest.approx(single.p, rel=1e-9)
    assert mean_test(np.repeat(d, 5), 0.2).se < 0.5 * single.se


# --- too little, too much alike, out of place


def three(n: int = 40, codes: str = "AB") -> Codes:
    said = {f"u{i}": codes[i % len(codes)] for i in range(n)}
    return {"ann": said, "bea": dict(said), "cem": dict(said)}


def test_two_humans_are_too_few_and_the_report_says_so() -> None:
    humans = three()
    del humans["cem"]
    found = alternative_annotator_test(humans, humans["ann"], kind="expert", name="cues", replicates=0)
    assert (found.published.passed, found.published.winning_rate) == (None, 1.0)
    assert found.published.why_undefined == (
        "the method asks for 3 human coders, each with 30 units that the machine and another human coded too; "
        "2 of 2 here have them (ann, bea)"
    )
    assert found.verdict().startswith(
        "No verdict on whether cues may replace a coder: the method asks for 3 human"
    )
    assert "passes" not in found.verdict()


def test_a_coder_with_29_units_is_not_tested_but_still_heard() -> None:
    humans = three() | {"dua": {f"u{i}": "A" for i in range(29)}, "eli": {f"u{i}": "A" for i in range(30)}}
    found = alternative_annotator_test(humans, humans["ann"], kind="expert", replicates=0)
    assert found.untested == {"dua": 29}
    assert [c.coder for c in found.coders] == ["ann", "bea", "cem", "eli"]
    assert "dua is not tested: 29 comparable units, of 30 needed" in found.warnings


def test_what_is_left_out_is_counted() -> None:
    humans = three()
    humans["ann"] = humans["ann"] | {"alone": "A"}
    machine = {u: c for u, c in humans["bea"].items() if u != "u0"} | {
        "nobody": "A",
        "alone": "A",
        "u1": None,
    }
    found = alternative_annotator_test(humans, machine, kind="expert", replicates=0)
    assert found.dropped == {
        "coded by no human": 1,
        "coded by fewer than 2 humans": 1,
        "not coded by the machine": 2,
    }
    assert found.n_units == 38
    assert any(w.startswith("2 units that the machine did not code") for w in found.warnings)


@pytest.mark.parametrize(
    ("humans", "machine"),
    [({}, {}), ({"ann": {}, "bea": {}, "cem": {}}, {"u": "A"}), (three(), {}), (three(), {"v": "A"})],
    ids=["nobody", "no codes", "silent machine", "no unit in common"],
)
def test_nothing_to_compare_has_a_reason(humans: Codes, machine: dict[Hashable, Any]) -> None:
    found = alternative_annotator_test(humans, machine, kind="crowd")
    assert (found.published.winning_rate, found.advantage.value, found.constant) == (None, None, None)
    assert found.published.why_undefined == found.advantage.why_undefined
    assert found.verdict().startswith("No verdict")
    json.dumps(found.as_json(), allow_nan=False)


def test_constant_codes_win_with_a_warning_and_no_variance() -> None:
    humans = three(codes="A")
    found = alternative_annotator_test(
        humans, humans["ann"], kind="crowd", traces=dict.fromkeys(humans["ann"], "t")
    )
    assert [(c.ties, c.published.p, c.published.t) for c in found.coders] == [(1.0, 0.0, float("-inf"))] * 3
    assert [c.clustered.why_undefined for c in found.coders] == ["all units lie in one trace"] * 3
    assert (found.published.passed, found.clustered.passed, found.advantage.interval) == (True, False, None)
    assert (
        "all comparisons with ann, bea, cem came out the same: no variance for the t test to go by"
        in found.warnings
    )
    assert any(
        w.startswith("giving every unit the commonest code (A) would pass too") for w in found.warnings
    )
    assert json.loads(json.dumps(found.as_json(), allow_nan=False))["coders"][0]["published"]["t"] == "-inf"


def test_a_mean_of_epsilon_without_variance_is_no_test() -> None:
    found = mean_test(np.zeros(30, dtype=np.int64), 0.0)
    assert (found.p, found.why_undefined) == (None, "the mean is ε exactly, without variance")
    assert mean_test(np.ones(30, dtype=np.int64), 0.2).p == 1.0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "either what the human coders are, or ε"),
        ({"kind": "expert", "epsilon": 0.1}, "either what the human coders are, or ε"),
        ({"kind": "experts"}, "did you mean expert?"),
        ({"epsilon": 1.0}, "ε is 1.0"),
        ({"epsilon": -0.1}, "ε is -0.1"),
        ({"epsilon": float("nan")}, "ε is nan"),
        ({"kind": "crowd", "q": 0}, "false discovery rate q is 0"),
        ({"kind": "crowd", "metric": "acuracy"}, "did you mean accuracy?"),
        ({"kind": "crowd", "metric": "neg_rmse"}, "neg_rmse needs numbers; one code is 'A'"),
        ({"kind": "crowd", "metric": "jaccard"}, "jaccard needs sets of codes; one is 'A'"),
        ({"kind": "crowd", "metric": lambda code, others: float("nan")}, "gave no number"),
        ({"kind": "crowd", "traces": {"u0": 1}}, "no trace is given for unit 'u1'"),
    ],
)
def test_settings_that_make_no_sense(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError) as caught:
        alternative_annotator_test(three(), three()["ann"], **options)
    assert message in str(caught.value)


def test_a_code_that_is_nan_is_refused_and_named() -> None:
    with pytest.raises(ValueError, match="bea, unit 'u3': the code is NaN"):
        alternative_annotator_test(three() | {"bea": {"u3": float("nan")}}, {}, kind="crowd")


def test_minimum_below_sense_is_refused() -> None:
    with pytest.raises(ValueError):
        Minimum(humans_per_unit=1)


# --- metrics


def test_a_metric_of_ones_own_sees_codes_and_the_others() -> None:
    """Vectors have no hash and no equality: the metric alone decides. Here it is −distance to the others' mean."""
    rng = np.random.default_rng(5)
    humans: Codes = {name: {u: [u, u + rng.normal()] for u in range(30)} for name in "ABC"}

    def near(code: list[float], others: list[list[float]]) -> float:
        return -float(np.linalg.norm(np.array(code) - np.mean(others, axis=0)))

    exact = {u: list(np.mean([humans[h][u] for h in "ABC"], axis=0)) for u in range(30)}
    found = alternative_annotator_test(humans, exact, kind="skilled", metric=near, replicates=0)
    assert (found.metric, found.published.winning_rate) == ("near", 1.0)


def test_rounding_makes_no_winner() -> None:
    """.1 and .3 are as far from .2, whatever binary fractions say."""
    humans: Codes = {"A": dict.fromkeys(range(30), 0.1), "B": dict.fromkeys(range(30), 0.2)}
    found = alternative_annotator_test(
        humans, dict.fromkeys(range(30), 0.3), kind="crowd", metric="neg_rmse", minimum=SMALL, replicates=0
    )
    assert (found.coders[0].rho_f, found.coders[0].rho_h) == (1.0, 1.0)
    assert (found.coders[1].rho_f, found.coders[1].rho_h) == (0.0, 1.0)


# --- over runs


def test_runs_primary_codes_and_sets(tmp_path: Path) -> None:
    """The machine finds the secondary code only: nothing as primary code, half as a set. Missing is not "none"."""
    codes = [("A", "B"), ("B",), (), ("C", "A")] * 10
    values = {
        "ann": codes,
        "bea": codes,
        "cem": [*codes[:-1], None],
        "cues": [("B",), ("B",), (), ("A",)] * 10,
        "other": [("C",)] * 40,
    }
    data = reliability_data([make_run(tmp_path / "r", values, machines=("cues", "other"))])
    primary = replacement_test(data, "cues", kind="expert")
    sets = replacement_test(data, "cues", kind="expert", metric="jaccard")
    assert primary.humans == ("ann", "bea", "cem")
    assert (primary.n_units, primary.n_traces, [c.n for c in primary.coders]) == (40, 10, [40, 40, 39])
    assert [c.rho_f for c in primary.coders] == [0.5, 0.5, 20 / 39] == [c.rho_f for c in sets.coders]
    assert (primary.epsilon, primary.epsilon_from) == (0.2, "expert coders")

    def own(code: frozenset[str], others: list[frozenset[str]]) -> float:
        return float(np.mean([bool(code & other) for other in others]))

    overlap = replacement_test(data, "cues", kind="expert", metric=own, sets=True)
    assert overlap.advantage.value == 1.0  # one shared code is enough for this metric
    assert "expert coders" in primary.verdict()
    json.dumps(sets.as_json(), allow_nan=False)


def test_machines_and_humans_are_not_taken_for_each_other(tmp_path: Path) -> None:
    values = {"ann": ["A"] * 40, "bea": ["A"] * 40, "cues": ["A"] * 40}
    data = reliability_data([make_run(tmp_path / "r", values, machines=("cues",))])
    with pytest.raises(RunError, match="did you mean cues"):
        replacement_test(data, "cue", kind="expert")
    with pytest.raises(RunError, match=r"'ann' is a human coder\n.*name a machine: cues"):
        replacement_test(data, "ann", kind="expert")
    with pytest.raises(RunError, match="'cues' is a machine, not one of the humans"):
        replacement_test(data, "cues", kind="expert", humans=["ann", "cues"])
    assert replacement_test(data, "cues", kind="expert", humans=["ann", "ann", "bea"]).humans == (
        "ann",
        "bea",
    )


def test_the_verdict_can_be_quoted_whole() -> None:
    found = simulated(0.85, 0.85)
    assert found.verdict() == (
        "cues passes the alternative-annotator test (Calderon et al. 2025): it wins over 4 of 4 human coders, winning rate ω "
        "= 1.00 where 0.50 passes (ε = 0.2, expert coders; false discovery rate 0.05; accuracy on 400 units). With errors "
        "clustered by trace (20 traces) it wins over 4 of 4 and also passes. Averaged over coders, it fits the other coders "
        "at least as well as the one left out on 88 % of units (ties included; advantage probability ρ = 0.88, 95 % interval "
        "0.85 to 0.90). The smallest ε at which it would pass is 0.053 (0.064 clustered). This does not show that the codes "
        "are valid, for coders and machine can share a mistake; nor that coders agree well, for where they disagree the test "
        "is easy to pass (read it beside α); nor that the machine may replace all humans, for it is measured by them. A win "
        "allows the machine to be up to 20 points worse than the coder, and it holds for these coders, these units and this "
        "codebook only."
    )
