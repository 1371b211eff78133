"""May the machine replace a coder? The alternative-annotator test (Calderon, Reichart & Dror 2025, ACL, long paper 782).

lgbteen, gpt-4o, ε = .2      coder   n     ρ_f    ρ_h    p        won over
                             net     840   .794   .890   4e-8     yes
                             ofe     880   .794   .900   2e-7     yes
                             sap     720   .810   .908   1e-7     yes
                             lis     120   .692   .883   .44      no       ω = 3/4: passes; ρ = .772

Each human is left out in turn (`left_out.py`); the machine wins over a coder if it is shown to fit the others less well
by no more than ε. ω is the share of coders won over (Benjamini–Yekutieli at q), ρ the mean of ρ_f; ω ≥ ½ passes.
Beside the published t test over units stands one whose errors are clustered by trace, since units of a trace are alike.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..errors import RunError, did_you_mean
from ..estimate import Clusters, Estimate, Flags, Interval, Resampling
from ..limits import LEVEL
from .comparison import ReliabilityData
from .left_out import (
    LeftOut,
    MeanTest,
    Metric,
    advantage,
    benjamini_yekutieli,
    leave_out,
    mean_test,
    scorer,
    wins_at,
)
from .profile import MISSING, Ints
from .replacement_report import (
    EPSILON,
    PASS,
    CoderSkill,
    CoderTest,
    ConstantCoder,
    Errors,
    Minimum,
    ReplacementDecision,
    ReplacementReport,
)


def replacement_test(
    data: ReliabilityData,
    machine: str,
    *,
    kind: CoderSkill | None = None,
    epsilon: float | None = None,
    humans: Sequence[str] = (),
    metric: Metric = "accuracy",
    sets: bool | None = None,
    q: float = 0.05,
    minimum: Minimum | None = None,
    replicates: int = 1000,
    seed: int = 0,
    level: float = LEVEL,
    interval: Interval = "jackknife",
) -> ReplacementReport:
    """Test coder ``machine`` against the human coders of ``data`` (or just ``humans``); other machines do not enter.

    What the humans are (``kind``) sets ε, or give ``epsilon``. Compared are primary codes, or all codes of a unit as a set
    (``sets``; the default for ``metric="jaccard"``). Raises `RunError` for an unknown or human ``machine``,
    `ValueError` for settings that make no sense. Too few data raise nothing: the report says what is short.
    """
    rule = _rule(kind, epsilon, metric, q, minimum, Resampling(replicates, seed, level, interval))
    as_sets = metric == "jaccard" if sets is None else sets
    return _report(_from_reliability(data, machine, humans, sets=as_sets), machine, rule)


def alternative_annotator_test(
    humans: Mapping[str, Mapping[Hashable, Any]],
    machine: Mapping[Hashable, Any],
    *,
    kind: CoderSkill | None = None,
    epsilon: float | None = None,
    traces: Mapping[Hashable, Hashable] | None = None,
    metric: Metric = "accuracy",
    q: float = 0.05,
    minimum: Minimum | None = None,
    replicates: int = 1000,
    seed: int = 0,
    level: float = LEVEL,
    interval: Interval = "jackknife",
    name: str = "the machine",
) -> ReplacementReport:
    """The same over plain mappings: ``humans[coder][unit]`` and ``machine[unit]``; ``None`` or absent is missing.

    ``traces``: unit → trace, for the clustered test. Raises `ValueError` for a code that is NaN, a unit without a trace
    where ``traces`` is given, or settings that make no sense.
    """
    rule = _rule(kind, epsilon, metric, q, minimum, Resampling(replicates, seed, level, interval))
    return _report(_from_mappings(humans, machine, traces), name, rule)


@dataclass(frozen=True)
class _Rule:
    metric: Metric
    epsilon: float
    epsilon_from: str
    q: float
    minimum: Minimum
    how: Resampling


def _rule(
    kind: CoderSkill | None,
    epsilon: float | None,
    metric: Metric,
    q: float,
    minimum: Minimum | None,
    how: Resampling,
) -> _Rule:
    """Raises `ValueError` for settings that make no sense."""
    if (kind is None) == (epsilon is None):
        raise ValueError(
            "the test needs either what the human coders are, or ε: say kind='expert', 'skilled' or 'crowd'"
        )
    if kind is not None and kind not in EPSILON:
        raise ValueError(f"no kind of coder is named {kind!r}: {did_you_mean(kind, list(EPSILON))}")
    chosen = EPSILON[kind] if kind is not None else float(epsilon or 0)
    if not 0 <= chosen < 1:
        raise ValueError(f"ε is {chosen}: give a share from 0 to below 1, such as 0.2 for experts")
    if not 0 < q < 1:
        raise ValueError(f"the false discovery rate q is {q}: give a share between 0 and 1, such as 0.05")
    said = "chosen by hand" if kind is None else f"{kind} coders"
    return _Rule(metric, chosen, said, q, minimum or Minimum(), how)


@dataclass(frozen=True)
class _CodedUnits:
    """What is compared. ``values``: (humans, units), ``machine``: (units,), both indices into ``domain`` or ``MISSING``;
    ``cluster``: (units,) trace of each unit, if known."""

    humans: tuple[str, ...]
    values: Ints
    machine: Ints
    domain: Sequence[Any]
    cluster: Ints | None


def _from_reliability(
    data: ReliabilityData, machine: str, humans: Sequence[str], *, sets: bool
) -> _CodedUnits:
    """``machine`` against all human coders, or just ``humans``: primary codes, or all codes of a unit as a set."""
    chosen = list(dict.fromkeys(humans)) or [data.names[row] for row in data.rows("human")]
    whole = data.of([*chosen, machine])
    *people, last = whole.coders
    if last.kind == "human":
        machines = ", ".join(data.names[row] for row in data.rows("machine"))
        raise RunError(f"{machine!r} is a human coder", f"name a machine: {machines or 'there is none'}")
    for coder in people:
        if coder.kind == "machine":
            raise RunError(f"{coder.name!r} is a machine, not one of the humans", "name human coders only")
    values, domain = whole.sets() if sets else (whole.primary, whole.categories)
    return _CodedUnits(tuple(chosen), values[:-1], values[-1], domain, whole.cluster)


def _from_mappings(
    humans: Mapping[str, Mapping[Hashable, Any]],
    machine: Mapping[Hashable, Any],
    traces: Mapping[Hashable, Hashable] | None,
) -> _CodedUnits:
    units: dict[Hashable, int] = {}
    for codes in (*humans.values(), machine):
        for unit in codes:
            units.setdefault(unit, len(units))
    domain: list[Any] = []
    index: dict[Hashable, int] = {}
    rows = np.full((len(humans) + 1, len(units)), MISSING, dtype=np.int64)
    for row, (name, codes) in zip(rows, (*humans.items(), ("the machine", machine)), strict=True):
        for unit, code in codes.items():
            if code is not None:
                row[units[unit]] = _place(code, domain, index, f"{name}, unit {unit!r}")
    cluster = None
    if traces is not None:
        unknown = [unit for unit in units if unit not in traces]
        if unknown:
            raise ValueError(
                f"no trace is given for unit {unknown[0]!r}: name the trace of every unit, or give none"
            )
        cluster = Clusters.of([traces[unit] for unit in units]).number
    return _CodedUnits(tuple(humans), rows[:-1], rows[-1], domain, cluster)


def _place(code: Any, domain: list[Any], index: dict[Hashable, int], where: str) -> int:
    """Equal codes share a place; what has no hash (a list, a vector, for a metric of one's own) gets one of its own."""
    if isinstance(code, float) and math.isnan(code):
        raise ValueError(
            f"{where}: the code is NaN: leave the unit out, or give None, where a code is missing"
        )
    if not isinstance(code, Hashable):
        domain.append(code)
        return len(domain) - 1
    if code not in index:
        index[code] = len(domain)
        domain.append(code)
    return index[code]


def _report(coded: _CodedUnits, machine: str, rule: _Rule) -> ReplacementReport:
    given = (coded.values != MISSING).sum(axis=0)
    few, silent = given < rule.minimum.humans_per_unit, coded.machine == MISSING
    among = ~few & ~silent
    left, untested = _leave_out_all(coded, coded.machine, among, rule)
    coders = _tests(coded, left, rule)
    short = _short(coded.humans, left, rule.minimum)
    clustered = [coder.clustered for coder in coders if coder.clustered is not None]
    return ReplacementReport(
        machine=machine,
        humans=coded.humans,
        metric=rule.metric
        if isinstance(rule.metric, str)
        else getattr(rule.metric, "__name__", "a function"),
        epsilon=rule.epsilon,
        epsilon_from=rule.epsilon_from,
        q=rule.q,
        minimum=rule.minimum,
        n_units=int(among.sum()),
        n_traces=None if coded.cluster is None else len(np.unique(coded.cluster[among])),
        advantage=advantage(left, len(coded.machine), coded.cluster, rule.how)
        if left
        else Estimate.undefined(short or "no coder is tested", level=rule.how.level),
        published=_decision("published", [coder.published for coder in coders], short, rule),
        clustered=None if coded.cluster is None else _decision("clustered by trace", clustered, short, rule),
        coders=coders,
        constant=_constant(coded, among, rule) if left else None,
        untested=untested,
        dropped={
            "coded by no human": int((given == 0).sum()),
            f"coded by fewer than {rule.minimum.humans_per_unit} humans": int((few & (given > 0)).sum()),
            "not coded by the machine": int((~few & silent).sum()),
        },
    )


def _leave_out_all(
    coded: _CodedUnits, machine: Ints, among: Flags, rule: _Rule
) -> tuple[list[LeftOut], dict[str, int]]:
    """The comparisons with each coder left out who has units enough, and how many the others have."""
    score = scorer(rule.metric, coded.domain)
    enough: list[LeftOut] = []
    too_few: dict[str, int] = {}
    for row, name in enumerate(coded.humans):
        n = int((among & (coded.values[row] != MISSING)).sum())
        if n < rule.minimum.units_per_human:
            too_few[name] = n
        else:
            enough.append(leave_out(coded.values, machine, among, row, score))
    return enough, too_few


def _tests(coded: _CodedUnits, left: Sequence[LeftOut], rule: _Rule) -> tuple[CoderTest, ...]:
    cluster = coded.cluster
    by_unit = _corrected([mean_test(one.difference, rule.epsilon) for one in left], rule.q)
    by_trace = (
        [None] * len(left)
        if cluster is None
        else _corrected([mean_test(one.difference, rule.epsilon, cluster[one.units]) for one in left], rule.q)
    )
    return tuple(
        CoderTest(
            coder=coded.humans[one.coder],
            n=len(one.units),
            rho_f=float(one.machine_wins.mean()),
            rho_h=float(one.coder_wins.mean()),
            mean_d=published.mean,
            published=published,
            clustered=clustered,
        )
        for one, published, clustered in zip(left, by_unit, by_trace, strict=True)
    )


def _corrected(tests: Sequence[MeanTest], q: float) -> list[MeanTest]:
    adjusted, reject = benjamini_yekutieli([test.p for test in tests], q)
    return [
        replace(test, p_adjusted=None if test.p is None else a, reject=r)
        for test, a, r in zip(tests, adjusted, reject, strict=True)
    ]


def _decision(
    errors: Errors, tests: Sequence[MeanTest], short: str | None, rule: _Rule
) -> ReplacementDecision:
    wins, m = sum(test.reject for test in tests), len(tests)
    rate = wins / m if m else None
    if short or rate is None:
        return ReplacementDecision(errors, wins, m, rate, None, None, short)
    return ReplacementDecision(errors, wins, m, rate, rate >= PASS, _epsilon_to_pass(tests, rule.q))


def _epsilon_to_pass(tests: Sequence[MeanTest], q: float) -> float | None:
    """By bisection: every p falls as ε rises, so whatever passes at one ε passes at every larger one."""

    def passes(epsilon: float) -> bool:
        return wins_at(tests, epsilon, q) >= PASS * len(tests)

    low, high = 0.0, 1.0
    if not passes(high):
        return None
    if passes(low):
        return low
    while high - low > 1e-6:
        middle = (low + high) / 2
        low, high = (low, middle) if passes(middle) else (middle, high)
    return high


def _short(humans: Sequence[str], left: Sequence[LeftOut], least: Minimum) -> str | None:
    """What keeps the method from giving a verdict."""
    if len(left) >= least.humans:
        return None
    named = f" ({', '.join(humans[one.coder] for one in left)})" if left else ""
    return (
        f"the method asks for {least.humans} human coders, each with {least.units_per_human} units that the machine and "
        f"another human coded too; {len(left)} of {len(humans)} here {'has' if len(left) == 1 else 'have'} them{named}"
    )


def _constant(coded: _CodedUnits, among: Flags, rule: _Rule) -> ConstantCoder:
    """The published test of a machine that knows one code only."""
    said = coded.values[:, among]
    commonest = int(np.bincount(said[said != MISSING]).argmax())
    left, _ = _leave_out_all(coded, np.full_like(coded.machine, commonest), among, rule)
    _, reject = benjamini_yekutieli([mean_test(one.difference, rule.epsilon).p for one in left], rule.q)
    rate = sum(reject) / len(reject)
    rho = float(np.mean([one.machine_wins.mean() for one in left]))
    return ConstantCoder(coded.domain[commonest], rate, rho, rate >= PASS)
