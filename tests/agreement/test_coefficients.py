"""Set-valued α, coefficients beside α, and the Hayes–Krippendorff procedure: published values and properties."""

from __future__ import annotations

import json
from collections import Counter
from itertools import combinations, permutations, product
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics
from statsmodels.stats import inter_rater

from pedagogy_r1.agreement.alpha import Alpha, Reliability, distances, krippendorff_alpha
from pedagogy_r1.agreement.coefficients import (
    beside_alpha,
    chance_corrected,
    cohen_kappa,
    hayes_krippendorff,
    percent_agreement,
    weights,
)
from pedagogy_r1.agreement.profile import value_counts
from pedagogy_r1.estimate import Resampling


def oracle(shared: Path, name: str) -> Any:
    return json.loads((shared / "oracles" / f"{name}.json").read_text())


def set_alpha(units: list[list[list[str] | None]], measurement: str) -> Alpha:
    sets = [[None if value is None else frozenset(value) for value in unit] for unit in units]
    domain = sorted({value for unit in sets for value in unit if value is not None}, key=sorted)
    values = np.array([[-1 if value is None else domain.index(value) for value in unit] for unit in sets]).T
    return krippendorff_alpha(values, np.arange(len(units)), domain, level=measurement, replicates=0)


def test_masi_dkpro_example(shared: Path) -> None:
    case = oracle(shared, "alpha_masi")["dkpro_example"]
    assert set_alpha(case["units"], "masi-dkpro").value == pytest.approx(
        case["computed_dkpro_definition"], abs=1e-12
    )
    assert set_alpha(case["units"], "masi").value == pytest.approx(
        case["computed_nltk_with_empty_guard"], abs=1e-12
    )


def test_masi_own_example(shared: Path) -> None:
    case = oracle(shared, "alpha_masi")["own_example_nonempty"]
    assert set_alpha(case["units"], "masi").value == pytest.approx(case["masi"], abs=1e-12)
    assert set_alpha(case["units"], "jaccard").value == pytest.approx(case["jaccard"], abs=1e-12)
    assert set_alpha(case["units"], "nominal").value == pytest.approx(case["nominal_sets"], abs=1e-12)


def test_masi_pointwise(shared: Path) -> None:
    expected = oracle(shared, "alpha_masi")["pointwise"]["masi({1,2},{1,2,3,4})"]
    delta = distances("masi", [frozenset("12"), frozenset("1234"), frozenset()])
    assert delta is not None
    assert delta[0, 1] == pytest.approx(expected, abs=1e-12)
    assert delta[2, 2] == 0
    assert delta[0, 2] == 1


def test_multivalued_alpha_table_3(shared: Path) -> None:
    case = oracle(shared, "mvalpha_table3")
    found = set_alpha(case["data"], "multivalued")
    assert found.value == pytest.approx(case["expected_mvalpha"], abs=case["tol"])
    assert [found.value, found.observed, found.expected] == pytest.approx(case["own_result"], abs=1e-12)


def multivalued_by_definition(units: list[list[frozenset[str]]]) -> tuple[float, float]:
    """D_o and D_e, the sums over all pairs of sets written out."""
    sets = [s for unit in units for s in unit]
    used, sizes = Counter(c for s in sets for c in s), Counter(len(s) for s in sets)

    def distance(a: frozenset[str], b: frozenset[str]) -> float:
        return 1 - 2 * len(a & b) / (len(a) + len(b)) if a or b else 0.0

    def weight(a: frozenset[str], b: frozenset[str]) -> int:
        return prod(used[x] for x in a) * prod(used[x] for x in b - a) * prod(used[x] - 1 for x in a & b)

    observed = sum(distance(a, b) / (len(unit) - 1) for unit in units for a, b in permutations(unit, 2))
    expected = 0.0
    for first, second in product(sizes, sizes):
        pairs = [
            (frozenset(a), frozenset(b))
            for a in combinations(sorted(used), first)
            for b in combinations(sorted(used), second)
        ]
        mass = sum(weight(a, b) for a, b in pairs)
        share = sizes[first] * sizes[second] / len(sets) ** 2
        expected += share * sum(distance(a, b) * weight(a, b) for a, b in pairs) / mass if mass else 0.0
    return observed / len(sets), expected


codings = st.frozensets(st.sampled_from("abcd"), max_size=3)


@given(st.lists(st.tuples(codings, codings, codings), min_size=2, max_size=12))
@settings(max_examples=60, deadline=None)
def test_multivalued_alpha_by_definition(rows: list[tuple[frozenset[str], ...]]) -> None:
    found = set_alpha([[sorted(s) for s in row] for row in rows], "multivalued")
    observed, expected = multivalued_by_definition([list(row) for row in rows])
    assert (found.value is None) == (expected == 0)
    if found.value is not None:
        assert (found.observed, found.expected) == pytest.approx((observed, expected), abs=1e-12)
        assert found.value == pytest.approx(1 - observed / expected, abs=1e-12)


def test_multivalued_interval_is_that_of_redrawn_traces() -> None:
    rng = np.random.default_rng(3)
    sets = [frozenset(s) for s in ("a", "b", "c", "ab", "bc", "")]
    truth = rng.integers(0, 6, 40)
    values = np.array([np.where(rng.random(40) < 0.7, truth, rng.integers(0, 6, 40)) for _ in range(2)])
    cluster = np.arange(40) // 5
    found = krippendorff_alpha(
        values, cluster, sets, level="multivalued", replicates=50, seed=4, interval="bootstrap"
    )
    each = []
    for row in np.random.default_rng(4).integers(0, 8, size=(50, 8)):
        redrawn = np.concatenate([np.flatnonzero(cluster == trace) for trace in row])
        d_o, d_e = multivalued_by_definition([[sets[v] for v in values[:, u]] for u in redrawn])
        each.append(1 - d_o / d_e)
    assert found.interval == pytest.approx(np.quantile(each, [0.025, 0.975]), abs=1e-12)


@pytest.mark.parametrize("weighting", ["identity", "linear", "quadratic", "ordinal"])
@pytest.mark.parametrize(
    ("chance", "key"),
    [("gwet", "gwet"), ("fleiss", "fleiss"), ("conger", "conger"), ("brennan-prediger", "bp")],
)
def test_gwet_irrcac_four_coders_with_missing(shared: Path, weighting: str, chance: str, key: str) -> None:
    found = oracle(shared, "gwet_irrcac")
    rows = found["data"]["cac.raw4raters"]
    names = sorted({v for row in rows for v in row if v is not None})
    values = np.array([[-1 if v is None else names.index(v) for v in row] for row in rows]).T
    expected = found["results"][f"cac.raw4raters/{weighting}"][key]
    got = chance_corrected(values, np.arange(12), len(names), chance, weighting=weighting, how=Resampling(0))
    assert (got.value, got.agreement, got.chance) == pytest.approx(
        (expected["coef"], expected["pa"], expected["pe"]), abs=1e-6
    )


@pytest.mark.parametrize(
    "name", ["gwet_fixture_01_paradox_2x2", "gwet_fixture_03_cohen_ex2", "gwet_fixture_05_likert_5x5"]
)
def test_gwet_tables(shared: Path, name: str) -> None:
    fixture = oracle(shared, name)
    values = from_table(fixture["table"])
    for case in fixture["cases"]:
        weighting = "identity" if case["weights"] == "unweighted" else case["weights"]
        got = chance_corrected(
            values,
            np.arange(values.shape[1]),
            len(fixture["table"]),
            "gwet",
            weighting=weighting,
            how=Resampling(0),
        )
        assert got.value == pytest.approx(case["coefficient"], abs=1e-5)
        assert (got.agreement, got.chance) == pytest.approx((case["pa"], case["pe"]), abs=1e-6)


def from_table(table: list[list[int]]) -> np.ndarray[Any, Any]:
    cells = [(a, b) for a, row in enumerate(table) for b, n in enumerate(row) for _ in range(n)]
    return np.array(cells).T


@given(st.lists(st.tuples(*[st.integers(0, 3)] * 3), min_size=4, max_size=40))
@settings(max_examples=100, deadline=None)
def test_kappas_equal_statsmodels(rows: list[tuple[int, int, int]]) -> None:
    values = np.array(rows).T
    cluster = np.arange(len(rows))
    fleiss = chance_corrected(values, cluster, 4, "fleiss", how=Resampling(0))
    counts = value_counts(values, 4)
    if len(set(values.ravel())) > 1:
        assert fleiss.value == pytest.approx(inter_rater.fleiss_kappa(counts), abs=1e-12)
    else:
        assert fleiss.value is None
        assert "one category" in str(fleiss.why_undefined)
    pair = cohen_kappa(values[:2], cluster, 4, Resampling(0))
    table = np.histogram2d(*values[:2], bins=[range(5), range(5)])[0]
    if pair.value is not None:
        assert pair.value == pytest.approx(inter_rater.cohens_kappa(table, return_results=False), abs=1e-12)


def test_percent_agreement_and_intervals() -> None:
    rng = np.random.default_rng(0)
    truth = np.repeat(rng.integers(0, 4, 60), 5)
    values = np.array([np.where(rng.random(300) < 0.8, truth, rng.integers(0, 4, 300)) for _ in range(2)])
    found = percent_agreement(values, np.arange(300) // 5, 4)
    assert found.value == pytest.approx((values[0] == values[1]).mean())
    assert found.interval is not None
    assert found.unit_interval is not None
    assert found.unit_interval[0] < found.value < found.unit_interval[1]
    kappa = cohen_kappa(values, np.arange(300) // 5, 4)
    assert kappa.interval is not None
    assert kappa.interval[0] < kappa.value < kappa.interval[1]  # type: ignore[operator]


def test_hayes_krippendorff_is_too_narrow_where_units_differ_in_difficulty() -> None:
    """Pairs of one unit resemble each other; it redraws them as if they did not. The warning says so."""
    rng = np.random.default_rng(1)
    truth, hard = rng.integers(0, 5, 200), rng.random(200) < 0.5
    skill = np.where(hard, 0.1, 1.0)
    values = np.array([np.where(rng.random(200) < skill, truth, rng.integers(0, 5, 200)) for _ in range(4)])
    found = hayes_krippendorff(Reliability(values, np.arange(200), 5), Resampling(2000))
    alpha = krippendorff_alpha(values, np.arange(200), 5)
    assert found.interval is not None
    assert alpha.unit_interval is not None
    assert alpha.value is not None
    assert found.value == alpha.value
    assert found.interval[0] < alpha.value < found.interval[1]
    assert found.interval[1] - found.interval[0] < 0.8 * (alpha.unit_interval[1] - alpha.unit_interval[0])
    assert "too narrow" in found.warnings[0]
    constant = hayes_krippendorff(Reliability(np.zeros((2, 5), dtype=int), np.arange(5), 2))
    assert constant.value is None
    assert constant.interval is None


def test_unknown_names_are_suggested() -> None:
    with pytest.raises(ValueError, match="did you mean jaccard"):
        distances("jacard", 3)
    with pytest.raises(ValueError, match="did you mean fleiss"):
        chance_corrected(np.zeros((2, 2), dtype=int), np.arange(2), 2, "fleis")


@pytest.mark.parametrize(("weighting", "name"), [("linear", "linear"), ("quadratic", "quadratic")])
def test_weighted_kappa_equals_scikit_learn(weighting: str, name: str) -> None:
    rng = np.random.default_rng(2)
    truth = rng.integers(0, 5, 300)
    values = np.array([np.clip(truth + rng.integers(-1, 2, 300), 0, 4) for _ in range(2)])
    found = cohen_kappa(values, np.arange(300) // 10, 5, Resampling(0), weighting=weighting)
    wanted = metrics.cohen_kappa_score(*values, weights=name, labels=list(range(5)))
    assert found.value == pytest.approx(wanted, abs=1e-12)
    assert found.name == f"Cohen's κ, {weighting} weights"


def test_weights_go_by_the_numbers_that_categories_stand_for() -> None:
    """Gwet 2014, ch. 3: 1 − (x − y)²/(max − min)²; ratio: 1 − ((x − y)/(x + y))² over the same of max and min."""
    assert weights("quadratic", [0.0, 1.0, 4.0])[0] == pytest.approx([1, 1 - 1 / 16, 0])
    assert weights("quadratic", 3)[0] == pytest.approx([1, 0.75, 0])
    assert weights("ratio", [1.0, 2.0, 4.0])[0] == pytest.approx([1, 1 - (1 / 9) / (9 / 25), 0])
    assert weights("ordinal", [0.0, 1.0, 4.0]) == pytest.approx(weights("ordinal", 3))
    assert weights("ordinal", 3)[0] == pytest.approx([1, 1 - 1 / 3, 0])


@pytest.mark.parametrize(
    ("level", "weighting"), [("ordinal", "ordinal"), ("interval", "quadratic"), ("ratio", "ratio")]
)
@pytest.mark.parametrize("coders", [2, 3])
def test_beside_an_alpha_with_distances_stand_coefficients_with_weights(
    level: str, weighting: str, coders: int
) -> None:
    """And they say so in their names; percent agreement is that on the very same value."""
    rng = np.random.default_rng(3)
    truth = rng.integers(0, 4, 200)
    values = np.array([np.clip(truth + rng.integers(-1, 2, 200), 0, 3) for _ in range(coders)])
    domain = 4 if level == "ordinal" else [1.0, 2.0, 3.0, 5.0]
    same, kappa, ac2 = beside_alpha(Reliability(values, np.arange(200) // 5, domain, level), Resampling(0))
    chance = "conger" if coders == 2 else "fleiss"
    how: dict[str, Any] = {"weighting": weighting, "how": Resampling(0)}
    assert kappa.value == chance_corrected(values, np.arange(200) // 5, domain, chance, **how).value
    assert ac2.value == chance_corrected(values, np.arange(200) // 5, domain, **how).value
    assert (
        kappa.value != chance_corrected(values, np.arange(200) // 5, domain, chance, how=Resampling(0)).value
    )
    who = "Cohen's κ" if coders == 2 else "Fleiss' κ"
    assert [kappa.name, ac2.name] == [f"{who}, {weighting} weights", f"Gwet's AC2, {weighting} weights"]
    pairs = list(combinations(range(coders), 2))
    assert same.value == pytest.approx(np.mean([(values[a] == values[b]).mean() for a, b in pairs]))
    assert same.name == "percent agreement"


def test_a_ratio_scale_has_nothing_below_zero() -> None:
    values = np.array([[0, 1], [0, 1]])
    with pytest.raises(ValueError, match="a ratio scale begins at zero, and -1 is below"):
        krippendorff_alpha(values, np.arange(2), [-1.0, 2.0], level="ratio")
    assert krippendorff_alpha(values, np.arange(2), [0.0, 2.0], level="ratio", replicates=0).value == 1


@pytest.mark.parametrize(("level", "scale"), [("interval", [1.0, 1.0, 1.0]), ("ratio", [0.0, 0.0, 0.0])])
@pytest.mark.parametrize("coders", [2, 3])
def test_codes_that_stand_for_one_number_cannot_be_confused(
    level: str, scale: list[float], coders: int
) -> None:
    """κ was 1.000 or undefined, as rounding had it, and the reason was that all values were the same."""
    values = np.random.default_rng(coders).integers(0, 3, (coders, 60))
    data = Reliability(values, np.arange(60) // 3, scale, level)
    alpha = krippendorff_alpha(values, data.cluster, scale, level=level)
    assert alpha.value is None
    assert "all pairable values stand for one number" in str(alpha.why_undefined)
    percent, kappa, ac2 = beside_alpha(data, Resampling(0))
    assert 0 < (percent.value or 0) < 1
    assert [kappa.value, ac2.value] == [None, None]
    assert "all categories stand for one number" in str(kappa.why_undefined)


@pytest.mark.parametrize("value", [1e200, float("inf"), float("nan")])
def test_a_scale_that_cannot_be_squared_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match="use a larger unit"):
        krippendorff_alpha(np.array([[0, 1], [1, 1]]), np.arange(2), [0.0, value], level="interval")
