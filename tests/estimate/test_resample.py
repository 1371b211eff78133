"""The one resampler: its draws, its intervals, and what it says where there is none."""

from __future__ import annotations

import numpy as np
import pytest

from pedagogy_r1.estimate import (
    Clusters,
    Estimate,
    Resampling,
    cluster_draws,
    clustered,
    effective,
    from_draws,
    jackknife_variance,
    percentile,
    quotient,
    unit_draws,
)
from pedagogy_r1.formatting import level_words
from pedagogy_r1.limits import FEW_CLUSTERS


def test_draws_hold_as_many_clusters_as_there_are_and_depend_on_the_seed_alone() -> None:
    first = np.concatenate(list(cluster_draws(7, 50, seed=3)))
    assert first.shape == (50, 7)
    assert (first.sum(axis=1) == 7).all()
    in_small_blocks = np.concatenate(list(cluster_draws(7, 50, seed=3, width=1_000_000)))
    assert (first == in_small_blocks).all(), "the height of a block must not change a number"
    assert not (first == np.concatenate(list(cluster_draws(7, 50, seed=4)))).all()


def test_units_redrawn_by_profile_are_as_many_as_there_were() -> None:
    drawn = np.concatenate(list(unit_draws(np.array([5, 0, 11]), 20, seed=0)))
    assert (drawn.sum(axis=1) == 16).all()
    assert (drawn[:, 1] == 0).all()


def test_the_level_widens_the_interval_and_stands_in_the_method() -> None:
    rng = np.random.default_rng(0)
    hits, ones, names = rng.integers(0, 2, 300).tolist(), [1] * 300, [i // 5 for i in range(300)]
    narrow, wide = (
        clustered([hits, ones], names, quotient, Resampling(500, 0, level, "bootstrap"), scale="share")
        for level in (0.8, 0.99)
    )
    assert None not in (narrow.low, narrow.high, wide.low, wide.high)
    assert wide.low < narrow.low < narrow.high < wide.high
    assert narrow.level == 0.8
    assert narrow.method.startswith("80%")
    assert wide.clusters == 60
    assert wide.effective_clusters == pytest.approx(60)
    assert not wide.warnings


@pytest.mark.parametrize(
    ("level", "words"), [(0.95, "95%"), (0.975, "97.5%"), (0.999, "99.9%"), (0.57, "57%")]
)
def test_the_level_is_not_rounded_in_words(level: float, words: str) -> None:
    columns, how = [[0, 1] * 20, [1] * 40], Resampling(10, 0, level, "bootstrap")
    found = clustered(columns, list(range(40)), quotient, how, scale="share")
    assert found.method == f"{words} percentile cluster bootstrap over traces, 10 resamples"
    alike = clustered(
        [[0] * 40, [1] * 40], list(range(40)), quotient, Resampling(10, 0, level), scale="share"
    )
    assert alike.method == f"{words} Clopper–Pearson over traces"
    assert level_words(level) == words.replace("%", " %")


def test_few_clusters_are_said_and_none_differ_by_statistic() -> None:
    found = clustered(
        [[1, 0] * 25, [1] * 50],
        [i // 2 for i in range(50)],
        quotient,
        Resampling(100, interval="bootstrap"),
        scale="plain",
    )
    assert found.clusters == 25
    assert f"fewer than {FEW_CLUSTERS}" in found.warnings[0]


def test_nothing_to_divide_by_is_undefined_with_the_reason() -> None:
    found = clustered([[0], [0]], ["a"], quotient, Resampling(10), scale="share", why="no token was coded")
    assert found == Estimate.undefined("no token was coded", n=1, clusters=1)


def test_all_alike_gets_the_exact_interval_not_one_of_no_width() -> None:
    found = clustered([[0] * 30, [1] * 30], list(range(30)), quotient, Resampling(100), scale="share")
    assert (found.value, found.low) == (0.0, 0.0)
    assert found.high == pytest.approx(1 - 0.025 ** (1 / 30))


def test_effective_clusters_are_kishs() -> None:
    assert effective(np.array([10, 10, 10])) == pytest.approx(3)
    assert effective(np.array([100, 1, 1])) == pytest.approx(102**2 / 10002)
    assert Clusters.of(["b", "a", "b"]).effective == pytest.approx(9 / 5)


def test_clusters_by_name_do_not_depend_on_the_order_of_rows() -> None:
    assert Clusters.by_name(["b", "a", "b"]).number.tolist() == [1, 0, 1]
    assert Clusters.of(["b", "a", "b"]).number.tolist() == [0, 1, 0]


def test_undefined_resamples_are_left_out_and_counted() -> None:
    found = percentile(np.array([np.nan, 1.0, 2.0, 3.0]))
    assert found.undefined_share == 0.25
    assert len(found.values) == 3
    assert percentile(np.array([np.nan])).low is None


@pytest.mark.parametrize(("lost", "kept"), [(50, True), (51, False), (100, False)])
def test_no_interval_where_most_resamples_are_undefined(lost: int, kept: bool) -> None:
    draws = np.array([np.nan] * lost + [0.5] * (100 - lost))
    found = from_draws(0.5, draws, Resampling(100), n=60, clusters=60)
    assert (found.interval is not None) == kept
    assert found.undefined_share == pytest.approx(lost / 100)
    assert found.warnings == (() if kept else ("no interval: undefined in most resamples",))


def test_the_rule_is_that_of_alpha_and_of_shares_too() -> None:
    """A statistic that only two of the clusters define is undefined in most resamples that miss them."""
    ones = [1.0] * 2 + [0.0] * 48

    def where_seen(sums: np.ndarray) -> np.ndarray:
        return np.where(sums[:, 0] > 2 - (len(sums) == 1), 0.5, np.nan)

    how = Resampling(200, interval="bootstrap")
    found = clustered([ones, [1.0] * 50], list(range(50)), where_seen, how, scale="share")
    assert found.interval is None
    assert found.undefined_share > 0.5
    assert "no interval: undefined in most resamples" in found.warnings


def test_the_jackknife_of_a_mean_is_its_usual_variance() -> None:
    values = np.array([3.0, 1.0, 4.0, 1.0, 5.0])
    without = (values.sum() - values) / 4
    variance = jackknife_variance((without - without.mean())[:, None])
    assert variance[0, 0] == pytest.approx(values.var(ddof=1) / 5)
