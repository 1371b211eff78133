"""How often a code truly occurs, and how much a condition changes that, when a machine coded all and humans some.

    >>> import numpy as np
    >>> rng = np.random.default_rng(1)
    >>> true = rng.random(2000) < 0.2                       # 2,000 sentences of 100 traces
    >>> machine = np.where(true, rng.random(2000) < 0.9, rng.random(2000) < 0.15)
    >>> human = np.where(rng.random(2000) < 0.2, true, np.nan)
    >>> result = corrected_prevalence(human, machine, 0.2, np.arange(2000) // 20)
    >>> print(result.verdict())  # doctest: +NORMALIZE_WHITESPACE
    The machine's own frequency, 29.0%, lies outside the corrected interval: corrected (DSL) 17.0%
    (14.2% to 20.2%); the machine overstates it by 12.0 points (9.0 to 15.1). Report the corrected figure.
    PPI++ (17.1%) and the human codes alone (15.8%) agree with it.

Four estimates always stand side by side: *naive* (the machine's codes taken at face value), *human* (the human codes
alone, weighted by 1/π), *DSL* (the default; `dsl`) and *PPI++* (`ppi`). All errors are clustered. The target is the
population that the traces were drawn from, not just these traces.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from ..estimate import Estimate, Floats
from ..formatting import sentence
from ..limits import LEVEL
from .dsl import Folds, Learner, dsl, ppi
from .moment import Alternative, Fit, Link, Scale, difference, fit, interval
from .sampled import Sampled, sampled


@dataclass(frozen=True)
class CorrectedEstimate(Estimate):
    """One of the four, by ``name``. ``value`` and ``se`` in the scale's unit (a share of units, or log odds); ``df``: degrees of
    freedom of the t quantile (∞: normal); ``n_effective``: how many independently drawn human-coded units would be as
    precise, θ(1−θ)/se², for proportions; ``lam``: the weight PPI++ gave to the machine."""

    name: str = ""
    se: float | None = None
    df: float | None = None
    n_effective: float | None = None
    lam: float | None = None

    def covers(self, value: float) -> bool:
        """Is ``value`` inside the interval? No where there is none."""
        return self.low is not None and self.high is not None and self.low <= value <= self.high


@dataclass(frozen=True)
class Corrected:
    """One quantity, four ways. ``what``: "prevalence" or a term of the regression; ``scale``: unit of the estimates
    (a share, or log odds); ``bias``: naive − DSL with its paired interval; ``n_effective``: precision of DSL as a
    number of independent human-coded units (proportions only); ``warnings``: what to know before trusting it."""

    what: str
    scale: Scale
    naive: CorrectedEstimate
    human: CorrectedEstimate
    dsl: CorrectedEstimate
    ppi: CorrectedEstimate
    bias: CorrectedEstimate
    n_units: int
    n_coded: int
    n_clusters: int
    n_clusters_coded: int
    level: float
    seed: int
    warnings: tuple[str, ...]

    @property
    def estimates(self) -> tuple[CorrectedEstimate, CorrectedEstimate, CorrectedEstimate, CorrectedEstimate]:
        """In the order in which a table shows them."""
        return self.naive, self.human, self.dsl, self.ppi

    @property
    def n_effective(self) -> float | None:
        return self.dsl.n_effective

    def verdict(self) -> str:
        """One paragraph that a reader can quote: does the machine's figure survive, which to report, do the others agree."""
        main = self.dsl
        known = [e for e in (self.ppi, self.human) if e.value is not None]
        if main.value is None:
            there_is = "; ".join(f"{e.name} {_with_range(self, e)}" for e in known)
            rest = (
                f"What there is: {there_is}."
                if known
                else "Neither is there another that knows of the machine's errors."
            )
            return f"No corrected (DSL) estimate of {self.what}: {main.why_undefined}. {rest}"
        beside, apart = (
            [e for e in known if main.covers(e.value or 0.0) is in_it] for in_it in (True, False)
        )
        parts = [_about_machine(self)] + ["Report the corrected figure."] * (not apart)
        if self.bias.interval and not self.bias.covers(0.0) and main.covers(self.naive.value or 0.0):
            parts.append(f"Still, the machine {_gap(self)}.")
        if beside:
            parts.append(f"{sentence(_said(self, beside, 'agree'))} with it.")
        if apart:
            parts.append(
                f"But {_said(self, apart, 'lie')} outside its interval: "
                "check the recorded inclusion probabilities before quoting any of them."
            )
        absent = [e for e in (self.ppi, self.human) if e.value is None]
        parts += [f"No estimate from {_NAMED[e.name]}: {e.why_undefined}." for e in absent]
        if self.warnings:
            parts.append("With caution: " + "; ".join(self.warnings) + ".")
        return " ".join(parts)


@dataclass(frozen=True)
class _Plan:
    """Options of both corrections."""

    level: float = LEVEL
    alternative: Alternative = "two-sided"
    learner: Learner = "logistic"
    folds: Folds = 10
    seed: int = 0


def corrected_prevalence(
    y: Any, f: Any, pi: Any, cluster: Any = None, *, covariates: Any = None, **options: Any
) -> Corrected:
    """Share of units with a code. ``y`` (n,) human 0/1, NaN where not coded; ``f`` (n,) machine code in [0, 1];
    ``pi`` (n,) or one number: the known probability that a human codes the unit; ``cluster`` (n,) trace;
    ``covariates`` (n, q): help g to tell where the machine errs, and change nothing else.

    ``options``: ``level``; ``alternative`` ("two-sided", "larger", "smaller"); ``learner`` and ``folds`` of `pseudo_outcome`;
    ``seed``. Raises ``ValueError`` for what ``sampled`` refuses. An estimate that cannot be had is None with its reason.
    """
    units = sampled(y, f, pi, cluster)
    ones = np.ones((units.n, 1))
    helpers = ones if covariates is None else _matrix(covariates, units.n)
    return _side_by_side(units, ones, helpers, "identity", ("prevalence",), _Plan(**options))[0]


def corrected_logistic(
    y: Any,
    f: Any,
    pi: Any,
    covariates: Any,
    cluster: Any = None,
    *,
    names: Sequence[str] | None = None,
    **options: Any,
) -> tuple[Corrected, ...]:
    """Log odds ratios of ``covariates`` (n, q; no column of ones: it is added first, as "(intercept)").

    The rest as in ``corrected_prevalence``. Cluster by item where conditions share items.
    """
    units = sampled(y, f, pi, cluster)
    given = _matrix(covariates, units.n)
    x = np.column_stack([np.ones(units.n), given])
    terms = ("(intercept)", *(names or [f"x{k + 1}" for k in range(given.shape[1])]))
    if len(terms) != x.shape[1]:
        raise ValueError(f"{given.shape[1]} covariates have {len(terms) - 1} names")
    return _side_by_side(units, x, x, "logit", terms, _Plan(**options))


def _matrix(covariates: Any, n: int) -> Floats:
    x = np.asarray(covariates, float)
    x = x[:, None] if x.ndim == 1 else x
    if x.shape[:1] != (n,) or x.ndim != 2 or not np.isfinite(x).all():
        raise ValueError(f"covariates have shape {x.shape}, or missing values; {n} complete rows are needed")
    return x


def _side_by_side(
    units: Sampled, x: Floats, helpers: Floats, link: Link, terms: tuple[str, ...], plan: _Plan
) -> tuple[Corrected, ...]:
    naive = fit(units.f, np.ones(units.n), x, units.cluster, link=link)
    if why := _beyond_the_codes(units, x):
        human = main = powered = Fit.undefined(why)
        lam = None
    else:
        human = fit(units.weight * units.y, units.weight, x, units.cluster, link=link)
        main = dsl(units, x, helpers, link=link, learner=plan.learner, folds=plan.folds, seed=plan.seed)
        powered, lam = ppi(units, x, link=link)
    bias = difference(naive, main)
    scale: Scale = "proportion" if link == "identity" else "log odds"
    either = replace(plan, alternative="two-sided")  # the machine may err both ways
    warnings = units.warnings()

    def one(name: str, method: str, of: Fit, k: int, lam: float | None = None) -> CorrectedEstimate:
        size, constant = (float(units.n), None) if name == "naive" else (units.kish, units.constant)
        blank = replace(empty, name=name, method=method, lam=lam)
        return _estimate(blank, of, k, scale, plan, n_kish=size, constant=constant)

    empty = CorrectedEstimate(None, level=plan.level, n=units.n, clusters=units.n_clusters, seed=plan.seed)
    of_bias = replace(empty, name="naive − DSL", method="errors paired by cluster")
    return tuple(
        Corrected(
            what=term,
            scale=scale,
            naive=one("naive", "machine codes taken at face value", naive, k),
            human=one("human only", "human codes weighted by 1/π (Hájek)", human, k),
            dsl=one("DSL", _how_dsl(plan), main, k),
            ppi=one("PPI++", "weighted by 1/π, λ tuned to the clustered variance", powered, k, lam),
            bias=_estimate(of_bias, bias, k, "difference", either, n_kish=1),
            n_units=units.n,
            n_coded=int(units.coded.sum()),
            n_clusters=units.n_clusters,
            n_clusters_coded=len(units.coded_clusters),
            level=plan.level,
            seed=plan.seed,
            warnings=warnings,
        )
        for k, term in enumerate(terms)
    )


def _beyond_the_codes(units: Sampled, x: Floats) -> str | None:
    """Why the human codes cannot carry this regression. DSL would still give a figure, g's extrapolation, with an
    error that knows nothing of it."""
    if x.shape[1] > 1 and units.constant is not None:
        has = "has" if units.constant == 0 else "lacks"
        return f"no human-coded unit {has} the code, so there are no odds to compare"
    if np.linalg.matrix_rank(x[units.coded]) < x.shape[1]:
        return "the human codes do not vary in some covariate (a condition without human codes?)"
    return None


def _estimate(
    blank: CorrectedEstimate,
    of: Fit,
    k: int,
    scale: Scale,
    plan: _Plan,
    *,
    n_kish: float,
    constant: float | None = None,
) -> CorrectedEstimate:
    """Coefficient ``k`` of a fit with its interval; proportions outside [0, 1] are cut and say so in ``method``.

    ``constant``: the value that all codes behind the estimate share (0, 1), or None where they differ.
    """
    if of.why_undefined:
        return replace(blank, why_undefined=of.why_undefined)
    value, se, df = float(of.coef[k]), float(of.se[k]), float(of.df[k])
    ends = partial(interval, scale=scale, level=plan.level, alternative=plan.alternative, n_kish=n_kish)
    low, high = ends(value, se, df)
    size, method = None, blank.method
    if scale == "proportion":
        if not 0 <= value <= 1:
            method += f"; the equation gave {value:.4f}, cut to [0, 1]"
        if constant is not None:
            plain = ends(constant, 0.0)
            low, high = min(low, plain[0]), max(high, plain[1])
        value = min(max(value, 0.0), 1.0)
        size = value * (1 - value) / se**2 if se > 0 and 0 < value < 1 else n_kish
    return replace(blank, value=value, low=low, high=high, method=method, se=se, df=df, n_effective=size)


def _how_dsl(plan: _Plan) -> str:
    if plan.learner == "machine":
        return "g = the machine's code, not calibrated"
    folds = f"{plan.folds} folds, seed {plan.seed}" if isinstance(plan.folds, int) else "given folds"
    return f"g calibrated on the human codes of other traces ({folds})"


_NAMED = {"PPI++": "PPI++", "human only": "the human codes alone"}


def _said(result: Corrected, some: Sequence[CorrectedEstimate], verb: str) -> str:
    """``PPI++ (17.1%) and the human codes alone (15.8%) agree``: with their figures, and the verb in their number."""
    names = " and ".join(f"{_NAMED[e.name]} ({_figure(result, e.value)})" for e in some)
    several = len(some) > 1 or some[0].name == "human only"
    return f"{names} {verb if several else verb + 's'}"


def _about_machine(result: Corrected) -> str:
    main, naive = result.dsl, result.naive
    shown = _with_range(result, main)
    what = "frequency" if result.scale == "proportion" else f"odds ratio for {result.what}"
    if naive.value is None:
        return f"Corrected (DSL) {what} {shown}. The machine's own has no estimate: {naive.why_undefined}."
    own = f"The machine's own {what}, {_figure(result, naive.value)},"
    if not main.covers(naive.value):
        return (
            f"{own} lies outside the corrected interval: corrected (DSL) {shown}; the machine {_gap(result)}."
        )
    return (
        f"{own} lies inside the corrected interval: corrected (DSL) {shown}. "
        "Its own interval is still too narrow: it leaves out that the machine errs."
    )


def _gap(result: Corrected) -> str:
    bias = result.bias
    assert bias.value is not None  # naive and DSL both exist where this is called
    verb = "overstates it by" if bias.value > 0 else "understates it by"
    low, high = bias.interval or (math.nan, math.nan)
    if result.scale == "proportion":
        sign = 1 if bias.value > 0 else -1
        ends = sorted((100 * sign * low, 100 * sign * high))
        return f"{verb} {100 * abs(bias.value):.1f} points ({ends[0]:.1f} to {ends[1]:.1f})"
    return f"gives {math.exp(bias.value):.2f} times that odds ratio ({_times(low)} to {_times(high)})"


def _figure(result: Corrected, value: float | None) -> str:
    assert value is not None
    return f"{100 * value:.1f}%" if result.scale == "proportion" else _times(value)


def _with_range(result: Corrected, e: CorrectedEstimate) -> str:
    ends = [_figure(result, end) for end in e.interval or ()]
    return f"{_figure(result, e.value)} ({' to '.join(ends) or 'no interval'})"


def _times(log_odds: float) -> str:
    return f"{math.exp(min(log_odds, 700.0)):.2f}" if not math.isinf(log_odds) or log_odds < 0 else "∞"
