"""Transitions between codes, with and without self-transitions."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pedagogy_r1.runs.code_chains import chains_of, shuffle_moments
from pedagogy_r1.stats import Transitions, transitions
from pedagogy_r1.stats.transition import adjusted_residuals, expected_counts

from ..code_tables import code_frame, traces

TEXTS = st.lists(st.text("ABC-?", min_size=1, max_size=10), min_size=1, max_size=5)


def of(*texts: str, **how: object) -> Transitions:
    return transitions(code_frame(traces(*texts)), **how)


def count(found: Transitions, pair: str) -> int:
    return int(found.observed[found.codes.index(pair[0]), found.codes.index(pair[1])])


def test_pairs_are_counted_within_traces_and_not_across_missing_units() -> None:
    found = of("AAB", "BC?CA", permutations=0)
    assert {p: count(found, p) for p in ("AA", "AB", "BC", "CA", "BB", "CC")} == {
        "AA": 1, "AB": 1, "BC": 1, "CA": 1, "BB": 0, "CC": 0,
    }  # fmt: skip
    assert found.n_pairs == 4
    assert found.n_broken == 2


def test_runs_of_a_code_are_one_without_self_transitions() -> None:
    found = of("AABBBA", "A?ABC", self_transitions=False, permutations=0)
    assert {p: count(found, p) for p in ("AA", "AB", "BA", "BC", "BB")} == {
        "AA": 0, "AB": 2, "BA": 1, "BC": 1, "BB": 0,
    }  # fmt: skip


@settings(deadline=None, max_examples=40)
@given(TEXTS, st.booleans())
def test_sums_agree_and_undefined_cells_say_why(texts: list[str], self_transitions: bool) -> None:
    found = of(*texts, self_transitions=self_transitions, permutations=19)
    assert found.n_pairs == found.observed.sum()
    assert found.expected.sum(axis=1) == pytest.approx(found.observed.sum(axis=1), abs=1e-3)
    for row in found.rows():
        assert (row["residual"] is None) == (row["why_undefined"] is not None)
        for name in ("p", "p_family"):
            assert row[name] is None or 0 < row[name] <= 1
        if row["p"] is not None:
            assert row["p_family"] >= row["p"] - 1e-12
    if not found.n_pairs:
        assert "no unit follows another" in " ".join(found.warnings)


def test_moments_of_the_shuffle_are_exact() -> None:
    """Against all 6! orders of a trace beside another that is shuffled on its own."""
    table = code_frame(traces("AAB?BC", "AB"))
    value = table["primary"].cat.codes.to_numpy().astype(np.int64)
    trace = np.repeat([0, 1], [6, 2])
    chains, broken = chains_of(value, trace, table["index"].to_numpy(), 4)
    mean, variance = shuffle_moments(chains)
    sd = np.sqrt(variance)
    first, second = chains.value[:5], chains.value[5:]
    counts = np.array([
        chains.count(np.array([*one, *two]))
        for one in itertools.permutations(first)
        for two in itertools.permutations(second)
    ])  # fmt: skip
    assert broken == 2
    assert mean == pytest.approx(counts.mean(axis=0))
    assert sd == pytest.approx(counts.std(axis=0))


def test_two_traces_of_one_code_each_have_no_order() -> None:
    """Pooled, A follows A far too often; shuffled within traces nothing can differ."""
    found = of("A" * 30, "B" * 30, permutations=99)
    a = found.codes.index("A")
    assert found.residual[a, a] > 5
    assert np.isnan(found.z[a, a])
    assert found.rows()[0]["p"] is None


def test_a_strong_order_is_found_and_repeats_with_its_seed() -> None:
    texts = ["AB" * 4 + "CC" + "AB" * 3, "CCAB" * 4, "ABCABAB"] * 3
    one, same = (of(*texts, permutations=199, seed=4) for _ in range(2))
    a, b = one.codes.index("A"), one.codes.index("B")
    assert one.z[a, b] > 4
    assert one.p_family[a, b] <= 0.01
    assert np.array_equal(one.p, same.p, equal_nan=True)


def test_permutation_and_normal_p_agree_on_much_data() -> None:
    rng = np.random.default_rng(1)
    texts = ["".join(rng.choice(list("ABC"), 60)) for _ in range(60)]
    for self_transitions in (True, False):
        shuffled = of(*texts, self_transitions=self_transitions, permutations=999)
        normal = of(*texts, self_transitions=self_transitions, permutations=0)
        assert "normal p" in normal.method
        assert shuffled.p == pytest.approx(normal.p, abs=0.06, nan_ok=True)


def test_quasi_independence_is_the_poisson_model() -> None:
    """Fitted counts and Haberman's adjusted residuals against a Poisson regression without the diagonal."""
    import statsmodels.api as sm

    counts = np.array([[0, 12, 5, 3], [7, 0, 9, 4], [2, 11, 0, 6], [8, 3, 4, 0]])
    row, column = np.nonzero(~np.eye(4, dtype=bool))
    x = np.column_stack([np.eye(4)[row], np.eye(4)[column][:, 1:]])
    fit = sm.GLM(counts[row, column], x, family=sm.families.Poisson()).fit()
    expected = expected_counts(counts, diagonal=False)
    assert expected[row, column] == pytest.approx(fit.fittedvalues, abs=1e-6)
    leverage = fit.get_influence().hat_matrix_diag
    adjusted = fit.resid_pearson / np.sqrt(1 - leverage)
    assert adjusted_residuals(counts, expected)[row, column] == pytest.approx(adjusted, abs=1e-6)
    assert np.isnan(np.diag(adjusted_residuals(counts, expected))).all()


def test_leverage_of_the_full_table_is_the_textbook_formula() -> None:
    counts = np.array([[4, 12, 5], [7, 9, 9], [2, 11, 3]])
    expected = expected_counts(counts, diagonal=True)
    n, rows, columns = counts.sum(), counts.sum(axis=1, keepdims=True), counts.sum(axis=0, keepdims=True)
    textbook = (counts - expected) / np.sqrt(expected * (1 - rows / n) * (1 - columns / n))
    assert adjusted_residuals(counts, expected) == pytest.approx(textbook)


def test_full_table_equals_statsmodels_without_its_zero_shift() -> None:
    from statsmodels.stats.contingency_tables import Table

    counts = np.array([[0, 12, 5], [7, 9, 9], [2, 11, 3]])
    theirs = Table(counts, shift_zeros=False)
    expected = expected_counts(counts, diagonal=True)
    assert expected == pytest.approx(theirs.fittedvalues)
    assert adjusted_residuals(counts, expected) == pytest.approx(theirs.standardized_resids)
