"""Paired differences of α, and errors that machines share."""

from __future__ import annotations

import krippendorff
import numpy as np
import pytest

from pedagogy_r1.agreement.alpha_difference import (
    alpha_with_people,
    human_machine_difference,
    recoding_difference,
)
from pedagogy_r1.agreement.code_accuracy import machine_errors, majority
from pedagogy_r1.agreement.profile import value_counts
from pedagogy_r1.estimate import Resampling


def coders(rng: np.random.Generator, truth: np.ndarray, skills: list[float]) -> np.ndarray:
    noise = [rng.integers(0, 4, len(truth)) for _ in skills]
    return np.array(
        [np.where(rng.random(len(truth)) < s, truth, n) for s, n in zip(skills, noise, strict=True)]
    )


def reference(a: np.ndarray, b: np.ndarray) -> float:
    both = (a >= 0) & (b >= 0)
    data = np.array([a[both], b[both]])
    return float(krippendorff.alpha(reliability_data=data, level_of_measurement="nominal"))


def test_difference_is_the_difference_of_the_reference_packages_alphas() -> None:
    rng = np.random.default_rng(3)
    truth, cluster = rng.integers(0, 4, 300), np.arange(300) // 10
    humans = coders(rng, truth, [0.9, 0.9, 0.85])
    humans[2, ::3] = -1
    machine = coders(rng, truth, [0.5])[0]
    machine[:30] = -1
    found = human_machine_difference(humans, machine, cluster, 4)
    use = machine >= 0
    there = humans[:, use] >= 0
    shared = 1 / (
        there.sum(axis=0) - 1
    )  # every person weighs the same on both sides: by the units he or she coded
    pairs = ((0, 1), (0, 2), (1, 2))
    people = np.average(
        [reference(humans[a, use], humans[b, use]) for a, b in pairs],
        weights=[(shared * (there[a] & there[b])).sum() for a, b in pairs],
    )
    mixed = np.average([reference(h[use], machine[use]) for h in humans], weights=there.sum(axis=1))
    assert found.first == pytest.approx(people, abs=1e-12)
    assert found.second == pytest.approx(mixed, abs=1e-12)
    assert found.value == pytest.approx(mixed - people, abs=1e-12)
    assert (found.n, found.clusters) == (270, 27)
    assert found.interval is not None
    assert found.high < 0


def test_alpha_with_people() -> None:
    """Where two people coded everything, that side of the difference; else the reference package's α, pair by pair."""
    rng = np.random.default_rng(9)
    truth, cluster = rng.integers(0, 4, 300), np.arange(300) // 10
    *people, machine = coders(rng, truth, [0.9, 0.8, 0.6])
    humans = np.array(people)
    side = human_machine_difference(humans, machine, cluster, 4).sides
    assert side is not None
    assert alpha_with_people(humans, machine, cluster, 4) == side[1]
    humans[0, 100:], humans[1, :150] = -1, -1
    found = alpha_with_people(humans, machine, cluster, 4)
    mixed = np.average([reference(h, machine) for h in humans], weights=[100, 150])
    assert found.value == pytest.approx(mixed, abs=1e-12)
    assert (found.n, found.clusters) == (250, 25)
    assert alpha_with_people(humans[:1], machine, cluster, 4).value == pytest.approx(
        reference(humans[0], machine)
    )
    assert alpha_with_people(np.full((1, 300), -1), machine, cluster, 4).why_undefined
    assert alpha_with_people(np.ones((1, 300), dtype=int), np.ones(300, dtype=int), cluster, 4).why_undefined


def test_pairing_narrows_the_interval() -> None:
    """Where hard traces are hard for everybody, redrawing both sides together beats redrawing them apart."""
    rng = np.random.default_rng(4)
    truth, cluster = rng.integers(0, 4, 600), np.arange(600) // 10
    hard = np.repeat(rng.random(60), 10)
    humans = np.array(
        [np.where(rng.random(600) < 1 - 0.8 * hard, truth, rng.integers(0, 4, 600)) for _ in range(2)]
    )
    machine = np.where(rng.random(600) < 1 - 0.8 * hard, truth, rng.integers(0, 4, 600))
    paired = human_machine_difference(humans, machine, cluster, 4, how=Resampling(2000)).interval
    assert paired is not None
    alone = [
        [
            reference(x[rows], y[rows])
            for rows in (
                np.concatenate([np.flatnonzero(cluster == t) for t in rng.integers(0, 60, 60)])
                for _ in range(300)
            )
        ]
        for x, y in ((humans[0], humans[1]), (humans[0], machine))
    ]
    apart = np.quantile(np.array(alone[1]) - rng.permutation(alone[0]), [0.025, 0.975])
    assert paired[1] - paired[0] < 0.9 * (apart[1] - apart[0])


def test_recoding_under_a_clearer_codebook() -> None:
    rng = np.random.default_rng(5)
    truth, cluster = rng.integers(0, 4, 400), np.arange(400) // 10
    before, after = coders(rng, truth, [0.6, 0.6]), coders(rng, truth, [0.95, 0.95])
    found = recoding_difference(before, after, cluster, 4)
    assert found.value == pytest.approx(reference(*after) - reference(*before), abs=1e-12)
    assert found.interval is not None
    assert found.low > 0


def test_no_difference_is_said_in_words() -> None:
    nobody = human_machine_difference(np.full((2, 4), -1), np.zeros(4, dtype=int), np.arange(4), 2)
    assert nobody.value is None
    assert "no unit" in str(nobody.why_undefined)
    constant = human_machine_difference(np.zeros((2, 4), dtype=int), np.zeros(4, dtype=int), np.arange(4), 2)
    assert "undefined" in str(constant.why_undefined)
    one = human_machine_difference(np.array([[0, 1], [0, 1]]), np.array([0, 1]), np.zeros(2, dtype=int), 2)
    assert one.value == 0
    assert one.interval is None
    assert "one trace" in one.warnings[0]


def test_machines_that_share_errors_count_less() -> None:
    rng = np.random.default_rng(6)
    truth = rng.integers(0, 4, 2000)
    humans = coders(rng, truth, [0.99, 0.99, 0.99])
    gold = majority(humans, 4)
    apart = coders(rng, truth, [0.7, 0.7, 0.7])
    wrong = rng.random(2000) < 0.3
    shared = np.array([np.where(wrong, (truth + 1) % 4, truth)] * 3)
    shared[:, rng.random(2000) < 0.02] = 0
    independent, together = machine_errors(apart, gold), machine_errors(shared, gold)
    assert independent.effective == pytest.approx(3, abs=0.3)
    assert together.effective == pytest.approx(1, abs=0.1)
    assert majority(np.array([[0, 1, -1], [1, 1, -1]]), 2).tolist() == [-1, 1, -1]
    assert "fewer than two" in str(machine_errors(apart[:1], gold).why_undefined)


def rotating(rng: np.random.Generator, traces: int = 20, length: int = 10) -> tuple[np.ndarray, ...]:
    """A codes all traces, B the first half of them, C the others; and a machine. People are all equally good."""
    n = traces * length
    truth, cluster = rng.integers(0, 4, n), np.repeat(np.arange(traces), length)
    humans = coders(rng, truth, [0.8, 0.8, 0.8])
    first = cluster < traces // 2
    humans[1, ~first] = humans[2, first] = -1
    return humans, coders(rng, truth, [0.6])[0], cluster


def test_a_rotating_design_keeps_its_difference() -> None:
    """B and C share no unit: the difference is over the pairs that do, and says so; A counts as much on both sides."""
    humans, machine, cluster = rotating(np.random.default_rng(7))
    found = human_machine_difference(humans, machine, cluster, 4)
    people = (reference(humans[0], humans[1]) + reference(humans[0], humans[2])) / 2
    mixed = np.average([reference(h, machine) for h in humans], weights=[2, 1, 1])
    assert (found.first, found.second) == pytest.approx((people, mixed), abs=1e-12)
    assert found.value == pytest.approx(mixed - people, abs=1e-12)
    assert found.interval is not None
    assert found.averaged == (
        "1 of 3 pairs (people with each other) shares no unit: the means are over the other pairs, every coder by the units "
        "that he or she coded"
    )
    assert found.sides is not None
    assert [side.value for side in found.sides] == [found.first, found.second]
    assert all(side.interval is not None for side in found.sides)


def test_a_pair_without_variation_does_not_take_the_difference_away() -> None:
    humans, machine, cluster = rotating(np.random.default_rng(8))
    humans[2] = -1
    humans[2, :3] = humans[0, :3] = 0
    found = human_machine_difference(humans, machine, cluster, 4)
    assert found.value is not None
    assert "1 of 3 pairs (people with each other) shares no unit" not in found.averaged
    assert "gives one and the same value throughout" in found.averaged


@pytest.mark.parametrize("level", ["ordinal", "interval", "ratio"])
def test_differences_above_the_nominal_level(level: str) -> None:
    """Codebooks that are not nominal get differences as well: of α at their own level."""
    humans, machine, cluster = rotating(np.random.default_rng(9))
    humans = humans[:2, :100]
    machine, cluster, numbers = machine[:100], cluster[:100], [1.0, 2.0, 4.0, 8.0]
    found = human_machine_difference(
        humans, machine, cluster, 4 if level == "ordinal" else numbers, level=level
    )

    def alpha(a: np.ndarray, b: np.ndarray) -> float:
        counts = value_counts(np.array([a, b]), 4)
        return float(
            krippendorff.alpha(value_counts=counts, value_domain=numbers, level_of_measurement=level)
        )

    assert found.first == pytest.approx(alpha(*humans), abs=1e-12)
    assert found.second == pytest.approx(np.mean([alpha(h, machine) for h in humans]), abs=1e-12)
    assert found.interval is not None
    again = np.array([humans[0], machine])
    recoded = recoding_difference(humans, again, cluster, 4 if level == "ordinal" else numbers, level=level)
    assert recoded.value == pytest.approx(alpha(*again) - alpha(*humans), abs=1e-12)
