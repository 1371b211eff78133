"""Do intervals over traces hold with few and unequal traces, and do tests reject a true null no oftener than they say?

    python -m benchmarks.coverage_intervals --runs 1000              all tables
    python -m benchmarks.coverage_intervals --only alpha noise       some of them

Traces have 25 units each (*equal*), lognormal lengths with σ = 1 (*lognormal*), or such lengths where the longer ones are harder
(*harder*: coders agree less, noise is commoner). They differ in which codes they hold (Dirichlet) and in how hard they are
(Beta), so units of one trace resemble each other. The true value is that of 40,000 traces of the same kind.

A cell is the share of the runs *that print an interval* whose interval holds the true value (nominal .95), with the share
of runs that print one where that is below .995; a dash: printed in fewer than one run of twenty. For tests: the share of runs
that reject a true null at .05.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
from scipy import special

from pedagogy_r1.agreement.alpha import Alpha, Reliability, begin, dissent, krippendorff_alpha
from pedagogy_r1.agreement.alpha_difference import human_machine_difference, recoding_difference
from pedagogy_r1.agreement.left_out import mean_test
from pedagogy_r1.estimate import Ints, Resampling, clustered, quotient

TRACES = (6, 8, 14, 20, 42)
KINDS = ("equal", "lognormal", "harder")
MEAN_LENGTH = 25
POPULATION = 40_000


class Drawn(NamedTuple):
    """(coders, units) values, (units,) trace."""

    values: Ints
    trace: Ints


def lengths(kind: str, traces: int, rng: np.random.Generator) -> Ints:
    """(traces,) units."""
    if kind == "equal":
        return np.full(traces, MEAN_LENGTH)
    return np.maximum(2, np.round(MEAN_LENGTH * np.exp(rng.normal(0, 1, traces) - 0.5))).astype(int)


def draw(
    kind: str, traces: int, coders: int, rare: float | None, rng: np.random.Generator, codes: int = 5
) -> Drawn:
    """``rare``: the share of the second of two codes; else ``codes`` equally common ones."""
    sizes = lengths(kind, traces, rng)
    skill = rng.beta(3, 1, traces)
    if kind == "harder":
        longer = np.log(sizes / MEAN_LENGTH) + 0.5
        mean = special.expit(1.1 - 0.8 * longer)
        skill = rng.beta(6 * mean, 6 * (1 - mean))
    base = np.array([1 - rare, rare]) if rare else np.full(codes, 1 / codes)
    shares = rng.gamma(np.broadcast_to(base * 5, (traces, len(base))))
    steps = (shares / shares.sum(axis=1, keepdims=True)).cumsum(axis=1)
    trace = np.repeat(np.arange(traces), sizes)
    truth = (rng.random(len(trace))[:, None] > steps[trace]).sum(axis=1).clip(0, len(base) - 1)
    guess = rng.choice(len(base), size=(coders, len(trace)), p=base)
    right = rng.random((coders, len(trace))) < skill[trace]
    return Drawn(np.where(right, truth, guess), trace)


def cell(hits: list[bool], runs: int) -> str:
    """Coverage among the intervals, and how often there was one."""
    if len(hits) < runs / 20:
        return "–"
    printed = f" ({len(hits) / runs:.2f})" if len(hits) < 0.995 * runs else ""
    return f"{np.mean(hits):.3f}{printed}".lstrip("0")


def covers(found: dict[str, Any], true: float) -> bool | None:
    """Whether the interval holds the true value; ``None`` where there is no interval."""
    return None if found.get("low") is None else bool(found["low"] <= true <= found["high"])


def alpha_cell(kind: str, traces: int, coders: int, rare: float | None, runs: int, how: Resampling) -> str:
    """Coverage of α of the primary code, or of one code's presence."""
    rng = np.random.default_rng([traces, coders, int(100 * (rare or 0)), KINDS.index(kind)])
    size = 2 if rare else 5
    whole = draw(kind, POPULATION, coders, rare, rng)
    true = krippendorff_alpha(whole.values, whole.trace, size, replicates=0).value
    assert true is not None
    hits = []
    for run in range(runs):
        one = draw(kind, traces, coders, rare, rng)
        started = begin(Reliability(one.values, one.trace, size), how)
        if not isinstance(started, Alpha):
            seeded = Resampling(how.replicates, run, how.level, how.interval)
            rare = dissent(started.found.counts, started.found.sizes)
            found = started.statistic.trace_interval(seeded, "agreement", rare)
            hits.append(covers(found, true))
    return cell([hit for hit in hits if hit is not None], runs)


def alpha_table(runs: int) -> Iterator[str]:
    """By coders, code, kind and number of traces; beside it percentiles of resampled traces."""
    yield "| α of | lengths | " + " | ".join(f"{g} traces" for g in TRACES) + " | percentiles, 14 | 42 |"
    yield "|---|---" * 1 + "|---" * (len(TRACES) + 2) + "|"
    for coders in (2, 3):
        for rare in (None, 0.3, 0.1, 0.03):
            for kind in KINDS:
                what = f"{coders} coders, {'five codes' if rare is None else f'a code of {rare:.0%}'}"
                how, old = Resampling(999), Resampling(500, interval="bootstrap")
                cells = [alpha_cell(kind, g, coders, rare, runs, how) for g in TRACES]
                cells += [alpha_cell(kind, g, coders, rare, min(runs, 500), old) for g in (14, 42)]
                yield f"| {what} | {kind} | " + " | ".join(cells) + " |"


def noise_table(runs: int) -> Iterator[str]:
    """Shares of tokens: pooled over traces."""
    yield "| noise share | lengths | " + " | ".join(f"{g} traces" for g in TRACES) + " |"
    yield "|---|---" + "|---" * len(TRACES) + "|"
    for share in (0.3, 0.1, 0.05):
        for kind in KINDS:
            rng = np.random.default_rng([int(share * 100), KINDS.index(kind)])
            hits, sizes = noisy(kind, POPULATION, share, rng)
            true = hits.sum() / sizes.sum()
            cells = []
            for traces in TRACES:
                found = []
                for _ in range(runs):
                    hits, sizes = noisy(kind, traces, share, rng)
                    one = clustered([hits, sizes], range(traces), quotient, Resampling(), scale="share")
                    if one.interval is not None:
                        found.append(one.interval[0] <= true <= one.interval[1])
                cells.append(cell(found, runs))
            yield f"| {share:.0%} | {kind} | " + " | ".join(cells) + " |"


def noisy(kind: str, traces: int, share: float, rng: np.random.Generator) -> tuple[Ints, Ints]:
    """(traces,) noise tokens and all tokens."""
    sizes = 12 * lengths(kind, traces, rng)
    mean = np.full(traces, share)
    if kind == "harder":
        mean = special.expit(special.logit(share) + 0.3 * (np.log(sizes / 12 / MEAN_LENGTH) + 0.5) - 0.15)
    return rng.binomial(sizes, rng.beta(8 * mean, 8 * (1 - mean))), sizes


def test_table(runs: int) -> Iterator[str]:
    """Rejections of true nulls."""
    yield "| test, true null | lengths | " + " | ".join(f"{g} traces" for g in TRACES) + " |"
    yield "|---|---" + "|---" * len(TRACES) + "|"
    tests: tuple[tuple[str, Callable[[str, int, np.random.Generator], bool | None]], ...] = (
        ("human–machine difference of α", _machine_rejected),
        ("drift between two codings", _drift_rejected),
        ("alternative annotator, one-sided, icc .05", lambda k, g, r: _annotator_rejected(k, g, 0.05, r)),
        ("alternative annotator, one-sided, icc .2", lambda k, g, r: _annotator_rejected(k, g, 0.2, r)),
        (
            "the same as published, errors by unit",
            lambda k, g, r: _annotator_rejected(k, g, 0.2, r, by_unit=True),
        ),
    )
    for name, rejected in tests:
        for kind in KINDS:
            rng = np.random.default_rng(KINDS.index(kind))
            cells = []
            for traces in TRACES:
                found = [rejected(kind, traces, rng) for _ in range(runs)]
                cells.append(cell([one for one in found if one is not None], runs))
            yield f"| {name} | {kind} | " + " | ".join(cells) + " |"


def _machine_rejected(kind: str, traces: int, rng: np.random.Generator) -> bool | None:
    one = draw(kind, traces, 3, None, rng)
    found = human_machine_difference(one.values[:2], one.values[2], one.trace, 5)
    return None if found.interval is None else not found.interval[0] <= 0 <= found.interval[1]


def _drift_rejected(kind: str, traces: int, rng: np.random.Generator) -> bool | None:
    one = draw(kind, traces, 4, None, rng)
    found = recoding_difference(one.values[:2], one.values[2:], one.trace, 5)
    return None if found.interval is None else not found.interval[0] <= 0 <= found.interval[1]


EPSILON, LOST = 0.2, 0.3
"""The machine is worse by exactly ε on average over units; P(d = 1) of a trace is Beta with mean .3, harder where it is long."""


def _annotator_rejected(
    kind: str, traces: int, icc: float, rng: np.random.Generator, *, by_unit: bool = False
) -> bool | None:
    d, trace = lost_units(kind, traces, icc, rng)
    found = mean_test(d, _true_epsilon(kind, icc), None if by_unit else trace)
    return None if found.p is None else found.p < 0.05


_EPSILONS: dict[tuple[str, float], float] = {}


def _true_epsilon(kind: str, icc: float) -> float:
    if (kind, icc) not in _EPSILONS:
        _EPSILONS[kind, icc] = float(lost_units(kind, POPULATION, icc, np.random.default_rng(0))[0].mean())
    return _EPSILONS[kind, icc]


def lost_units(kind: str, traces: int, icc: float, rng: np.random.Generator) -> tuple[Ints, Ints]:
    """(units,) d in −1, 0, 1 and the trace of each."""
    sizes = lengths(kind, traces, rng)
    mean = np.full(traces, LOST)
    if kind == "harder":
        mean = special.expit(special.logit(LOST) + 0.3 * (np.log(sizes / MEAN_LENGTH) + 0.5) - 0.15)
    spread = (1 - icc) / icc
    lost = rng.beta(mean * spread, (1 - mean) * spread)
    trace = np.repeat(np.arange(traces), sizes)
    drawn, here = rng.random(len(trace)), lost[trace]
    won = (LOST - EPSILON) / (1 - LOST)
    return np.where(drawn < here, 1, np.where(drawn < here + won * (1 - here), -1, 0)), trace


def width_table(runs: int) -> Iterator[str]:
    """Median width of the interval of α over that of percentiles, 42 and 100 equal traces."""
    yield "| equal traces | jackknife | percentiles | ratio |"
    yield "|---|---|---|---|"
    for traces in (42, 100):
        rng = np.random.default_rng(traces)
        widths: list[list[float]] = [[], []]
        for run in range(runs):
            one = draw("equal", traces, 2, None, rng)
            for out, interval in zip(widths, ("jackknife", "bootstrap"), strict=True):
                found = krippendorff_alpha(
                    one.values, one.trace, 5, replicates=1000, seed=run, interval=interval
                )
                assert found.interval is not None
                out.append(found.interval[1] - found.interval[0])
        new, old = (float(np.median(w)) for w in widths)
        yield f"| {traces} | {new:.3f} | {old:.3f} | {new / old:.3f} |"


TABLES: dict[str, Callable[[int], Iterator[str]]] = {
    "alpha": alpha_table, "noise": noise_table, "tests": test_table, "width": width_table,
}  # fmt: skip


def main() -> None:
    """Print the tables as Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--only", nargs="+", choices=list(TABLES), default=list(TABLES))
    given = parser.parse_args()
    for name in given.only:
        print(f"\n{name}, {given.runs} runs\n")
        for line in TABLES[name](given.runs if name != "width" else min(given.runs, 200)):
            print(line, flush=True)


if __name__ == "__main__":
    main()
