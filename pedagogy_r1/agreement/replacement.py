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

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..errors import PedagogyError, did_you_mean
from .additive import Ints
from .coded_units import CodedUnits, from_mappings, from_reliability
from .fit import Metric, scorer
from .left_out import (
    Bools,
    LeftOut,
    MeanTest,
    advantage_interval,
    benjamini_yekutieli,
    leave_out,
    mean_test,
    usable,
    wins_at,
)
from .profile import MISSING
from .reliability import ReliabilityData
from .replacement_report import (
    EPSILON,
    PASS,
    Advantage,
    CoderSkill,
    CoderTest,
    ConstantCoder,
    Decision,
    Errors,
    Minimum,
    ReplacementReport,
)
from .replacement_verdict import warnings


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
) -> ReplacementReport:
    """Test coder ``machine`` against the human coders of ``data`` (or just ``humans``); other machines do not enter.

    What the humans are (``kind``) sets ε, or give ``epsilon``. Compared are primary codes, or all codes of a unit as a set
    (``sets``; the default for ``metric="jaccard"``). Raises `RunError` for an unknown or human ``machine``,
    `PedagogyError` for settings that make no sense. Too few data raise nothing: the report says what is short.
    """
    settings = _settings(metric, kind, epsilon, q, minimum, replicates, seed)
    as_sets = metric == "jaccard" if sets is None else sets
    return _report(from_reliability(data, machine, humans, sets=as_sets), machine, settings)


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
    name: str = "the machine",
) -> ReplacementReport:
    """The same over plain mappings: ``humans[coder][unit]`` and ``machine[unit]``; ``None`` or absent is missing.

    ``traces``: unit → trace, for the clustered test. Raises `PedagogyError` for a code that is NaN, a unit without a trace
    where ``traces`` is given, or settings that make no sense.
    """
    settings = _settings(metric, kind, epsilon, q, minimum, replicates, seed)
    return _report(from_mappings(humans, machine, traces), name, settings)


@dataclass(frozen=True)
class _Settings:
    metric: Metric
    epsilon: float
    epsilon_from: str
    q: float
    minimum: Minimum
    replicates: int
    seed: int


def _settings(
    metric: Metric,
    kind: CoderSkill | None,
    epsilon: float | None,
    q: float,
    minimum: Minimum | None,
    replicates: int,
    seed: int,
) -> _Settings:
    if (kind is None) == (epsilon is None):
        raise PedagogyError(
            "the test needs either what the human coders are, or ε", "say kind='expert', 'skilled' or 'crowd'"
        )
    if kind is not None and kind not in EPSILON:
        raise PedagogyError(f"no kind of coder is named {kind!r}", did_you_mean(kind, list(EPSILON)))
    chosen = EPSILON[kind] if kind is not None else float(epsilon or 0)
    if not 0 <= chosen < 1:
        raise PedagogyError(f"ε is {chosen}", "give a share from 0 to below 1, such as 0.2 for experts")
    if not 0 < q < 1:
        raise PedagogyError(
            f"the false discovery rate q is {q}", "give a share between 0 and 1, such as 0.05"
        )
    origin = f"{kind} coders" if kind is not None else "chosen by hand"
    return _Settings(metric, chosen, origin, q, minimum or Minimum(), replicates, seed)


def _report(coded: CodedUnits, machine: str, s: _Settings) -> ReplacementReport:
    among = usable(coded.values, coded.machine, s.minimum.humans_per_unit)
    left, untested = _leave_out_all(coded, coded.machine, among, s)
    coders = _tests(coded, left, s)
    short = _short(coded.humans, left, s.minimum)
    clustered = [coder.clustered for coder in coders if coder.clustered is not None]
    report = ReplacementReport(
        machine=machine,
        humans=coded.humans,
        metric=s.metric if isinstance(s.metric, str) else getattr(s.metric, "__name__", "a function"),
        epsilon=s.epsilon,
        epsilon_from=s.epsilon_from,
        q=s.q,
        minimum=s.minimum,
        n_units=int(among.sum()),
        n_traces=None if coded.cluster is None else len(np.unique(coded.cluster[among])),
        advantage=_advantage(coded, left, s, short),
        published=_decision("published", [coder.published for coder in coders], short, s),
        clustered=None if coded.cluster is None else _decision("clustered by trace", clustered, short, s),
        coders=coders,
        constant=_constant(coded, among, s) if left else None,
        untested=untested,
        dropped=_dropped(coded, s.minimum),
    )
    return replace(report, warnings=warnings(report))


def _leave_out_all(
    coded: CodedUnits, machine: Ints, among: Bools, s: _Settings
) -> tuple[list[LeftOut], dict[str, int]]:
    """The comparisons with each coder left out who has units enough, and how many the others have."""
    score = scorer(s.metric, coded.domain)
    enough: list[LeftOut] = []
    too_few: dict[str, int] = {}
    for row, name in enumerate(coded.humans):
        n = int((among & (coded.values[row] != MISSING)).sum())
        if n < s.minimum.units_per_human:
            too_few[name] = n
        else:
            enough.append(leave_out(coded.values, machine, among, row, score))
    return enough, too_few


def _tests(coded: CodedUnits, left: Sequence[LeftOut], s: _Settings) -> tuple[CoderTest, ...]:
    by_unit = _corrected([mean_test(one.difference, s.epsilon) for one in left], s.q)
    by_trace: Sequence[MeanTest | None] = [None] * len(left)
    if (cluster := coded.cluster) is not None:
        by_trace = _corrected([mean_test(one.difference, s.epsilon, cluster[one.units]) for one in left], s.q)
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


def _decision(errors: Errors, tests: Sequence[MeanTest], short: str | None, s: _Settings) -> Decision:
    wins, m = sum(test.reject for test in tests), len(tests)
    rate = wins / m if m else None
    if short or rate is None:
        return Decision(errors, wins, m, rate, None, None, short)
    return Decision(errors, wins, m, rate, rate >= PASS, _epsilon_to_pass(tests, s.q))


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


def _advantage(coded: CodedUnits, left: Sequence[LeftOut], s: _Settings, short: str | None) -> Advantage:
    method = f"percentile bootstrap over {'units' if coded.cluster is None else 'traces'}"
    if not left:
        return Advantage(None, None, method, 0.0, 0, s.seed, short)
    rho = float(np.mean([one.machine_wins.mean() for one in left]))
    found = advantage_interval(left, len(coded.machine), coded.cluster, s.replicates, s.seed)
    return Advantage(rho, found.ci, method, found.undefined_share, s.replicates, s.seed)


def _constant(coded: CodedUnits, among: Bools, s: _Settings) -> ConstantCoder:
    """The published test of a machine that knows one code only."""
    said = coded.values[:, among]
    commonest = int(np.bincount(said[said != MISSING]).argmax())
    left, _ = _leave_out_all(coded, np.full_like(coded.machine, commonest), among, s)
    _, reject = benjamini_yekutieli([mean_test(one.difference, s.epsilon).p for one in left], s.q)
    rate = sum(reject) / len(reject)
    rho = float(np.mean([one.machine_wins.mean() for one in left]))
    return ConstantCoder(coded.domain[commonest], rate, rho, rate >= PASS)


def _dropped(coded: CodedUnits, least: Minimum) -> dict[str, int]:
    given = (coded.values != MISSING).sum(axis=0)
    few = given < least.humans_per_unit
    return {
        "coded by no human": int((given == 0).sum()),
        f"coded by fewer than {least.humans_per_unit} humans": int((few & (given > 0)).sum()),
        "not coded by the machine": int((~few & (coded.machine == MISSING)).sum()),
    }
