"""How often a code truly occurs, and how much a condition changes that, when a machine coded all and humans some.

    >>> import numpy as np
    >>> rng = np.random.default_rng(1)
    >>> true = rng.random(2000) < 0.2                       # 2,000 sentences of 100 traces
    >>> machine = np.where(true, rng.random(2000) < 0.9, rng.random(2000) < 0.15)
    >>> human = np.where(rng.random(2000) < 0.2, true, np.nan)
    >>> result = corrected_prevalence(human, machine, 0.2, np.arange(2000) // 20)
    >>> print(result.verdict())  # doctest: +NORMALIZE_WHITESPACE
    The machine's own frequency, 29.0 %, lies outside the corrected interval: corrected (DSL) 17.0 %
    (14.2 % to 20.3 %); the machine overstates it by 12.0 points (8.7 to 15.0). Report the corrected figure.
    PPI++ (17.1 %) and the human codes alone (15.8 %) lie inside the corrected interval.

Four estimates always stand side by side: *naive* (the machine's codes taken at face value), *human* (the human codes
alone, weighted by 1/π), *DSL* (the default; `dsl`) and *PPI++* (`ppi`). All errors are clustered. The target is the
population that the traces were drawn from, not just these traces. Several people are never made one: the machine is corrected
against each, and the estimate is the mean, with what varies between people in its error (`moment.averaged`).

With fewer than 5 traces of human codes, or 2 effective ones, there is no interval. Of a code that people never saw, at least one
unit a trace is left open: with 10 traces up to 31 %.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from ..estimate import Floats, effective, jackknife_variance, no_interval, square_and_add, two_sided
from ..limits import LEVEL, MORE_THAN_CHANCE
from .corrected_verdict import Corrected, CorrectedEstimate
from .dsl import Folds, Learner, dsl, ppi
from .moment import Alternative, Fit, Link, Scale, averaged, difference, fit, interval
from .sampled import Sampled, sampled


@dataclass(frozen=True)
class _Plan:
    """Options of both corrections. ``people``: names, in the order of the rows of y; ``assumed``: see `Corrected`."""

    level: float = LEVEL
    alternative: Alternative = "two-sided"
    learner: Learner = "logistic"
    folds: Folds = 10
    seed: int = 0
    people: tuple[str, ...] = ()
    assumed: str | None = None


def corrected_prevalence(
    y: Any, f: Any, pi: Any, cluster: Any = None, *, covariates: Any = None, **options: Any
) -> Corrected:
    """Share of units with a code. ``y`` (n,) human 0/1, NaN where not coded, or (people, n); ``f`` (n,) machine code in
    [0, 1]; ``pi`` (n,) or one number: the known probability that a human codes the unit, or (people, n); ``cluster`` (n,)
    trace; ``covariates`` (n, q): help g to tell where the machine errs, and change nothing else.

    ``options``: ``level``; ``alternative`` ("two-sided", "larger", "smaller"); ``learner`` and ``folds`` of `pseudo_outcome`;
    ``seed``; ``people``, names; ``assumed``, what is assumed of π, for the verdict. Raises ``ValueError`` for what ``sampled`` refuses. An estimate that cannot be had is None with its reason.
    """
    units = _of_each(y, f, pi, cluster)
    ones = np.ones((units[0].n, 1))
    helpers = ones if covariates is None else _matrix(covariates, units[0].n)
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
    units = _of_each(y, f, pi, cluster)
    given = _matrix(covariates, units[0].n)
    x = np.column_stack([np.ones(len(given)), given])
    terms = ("(intercept)", *(names or [f"x{k + 1}" for k in range(given.shape[1])]))
    if len(terms) != x.shape[1]:
        raise ValueError(f"{given.shape[1]} covariates have {len(terms) - 1} names")
    return _side_by_side(units, x, x, "logit", terms, _Plan(**options))


def _of_each(y: Any, f: Any, pi: Any, cluster: Any) -> list[Sampled]:
    """The units as each person saw them."""
    rows = np.atleast_2d(np.asarray(y, float))
    chance = np.asarray(pi, float)
    return [sampled(row, f, chance[k] if chance.ndim == 2 else chance, cluster) for k, row in enumerate(rows)]


def _matrix(covariates: Any, n: int) -> Floats:
    x = np.asarray(covariates, float)
    x = x[:, None] if x.ndim == 1 else x
    if x.shape[:1] != (n,) or x.ndim != 2 or not np.isfinite(x).all():
        raise ValueError(f"covariates have shape {x.shape}, or missing values; {n} complete rows are needed")
    return x


class _Fits(NamedTuple):
    """Against one person's codes, or the mean over people."""

    human: Fit
    dsl: Fit
    ppi: Fit
    lam: float | None


def _side_by_side(
    people: Sequence[Sampled], x: Floats, helpers: Floats, link: Link, terms: tuple[str, ...], plan: _Plan
) -> tuple[Corrected, ...]:
    units, scale = people[0], _scale(link)
    every, names = np.bincount(units.cluster).astype(float), _names(people, plan)
    naive = fit(units.f, np.ones(units.n), x, units.cluster, link=link).counted(every)
    fits = [_fits(one, x, helpers, link, plan, name) for one, name in zip(people, names, strict=True)]
    mean = _mean(fits, people, plan)
    coded = np.any([one.coded for one in people], axis=0)
    constants = {one.constant for one in people}
    basis = _Basis(
        size=min(effective(one.sizes) for one in people),
        constant=constants.pop() if len(constants) == 1 else None,
        why_none=next(_no_interval(people, plan), None),
    )
    every_basis = _Basis(effective(every), None, no_interval(every, "items or traces"))
    empty = CorrectedEstimate(None, level=plan.level, n=units.n, seed=plan.seed)
    own = replace(empty, name="naive", method="machine codes taken at face value")
    own = replace(own, clusters=units.n_clusters, effective_clusters=every_basis.size)
    rests = replace(
        empty, clusters=len(np.unique(units.cluster[coded])), effective_clusters=basis.size, lam=None
    )
    blanks = _blanks(rests, plan, mean.lam)

    def term(k: int, what: str) -> Corrected:
        machine = _estimate(own, naive, k, scale, plan, every_basis)
        human, main, powered = (
            _estimate(blank, of, k, scale, plan, basis) for blank, of in zip(blanks, mean[:3], strict=True)
        )
        others = zip(blanks[::2], (mean.human, mean.ppi), strict=True)
        each = zip(people, fits, names, strict=True) if len(people) > 1 else ()
        return Corrected(
            what=what,
            scale=scale,
            naive=machine,
            human=human,
            dsl=main,
            ppi=powered,
            bias=_bias(machine, main, naive, mean.dsl, k, plan, basis),
            n_units=units.n,
            n_coded=int(coded.sum()),
            n_clusters=units.n_clusters,
            n_clusters_coded=rests.clusters,
            level=plan.level,
            seed=plan.seed,
            warnings=_warnings(people, plan),
            apart=tuple(e.name for e, of in others if basis.constant is None and _differs(mean.dsl, of, k)),
            people=tuple(_of_person(blanks[1], *one, k, scale, plan) for one in each),
            alternative=plan.alternative,
            assumed=plan.assumed,
        )

    return tuple(term(k, what) for k, what in enumerate(terms))


def _blanks(rests: CorrectedEstimate, plan: _Plan, lam: float | None) -> tuple[CorrectedEstimate, ...]:
    """Human only, DSL and PPI++, without their figures."""
    method = "weighted by 1/π, λ tuned to the clustered variance"
    return (
        replace(rests, name="human only", method="human codes weighted by 1/π (Hájek)"),
        replace(rests, name="DSL", method=_how_dsl(plan)),
        replace(rests, name="PPI++", method=method, lam=lam),
    )


@dataclass(frozen=True)
class _Basis:
    """What an interval rests on. ``size``: effective clusters; ``constant``: the value that all codes behind the estimate share
    (0, 1), or None where they differ; ``why_none``: why no interval can hold."""

    size: float
    constant: float | None
    why_none: str | None


def _scale(link: Link) -> Scale:
    return "proportion" if link == "identity" else "log odds"


def _names(people: Sequence[Sampled], plan: _Plan) -> tuple[str, ...]:
    if plan.people and len(plan.people) != len(people):
        raise ValueError(f"{len(people)} people have {len(plan.people)} names")
    return plan.people or tuple(f"person {k + 1}" for k in range(len(people)))


def _no_interval(people: Sequence[Sampled], plan: _Plan) -> Iterator[str]:
    for one, name in zip(people, _names(people, plan), strict=True):
        if why := no_interval(
            one.sizes,
            f"items or traces coded by {name}" if len(people) > 1 else "human-coded items or traces",
        ):
            yield why


def _warnings(people: Sequence[Sampled], plan: _Plan) -> tuple[str, ...]:
    """What holds of everybody once, the rest under the names of those of whom it does."""
    of: dict[str, list[str]] = {}
    for one, name in zip(people, _names(people, plan), strict=True):
        for warning in one.warnings():
            of.setdefault(warning, []).append(name)
    return tuple(
        w if len(names) == len(people) else f"of {' and '.join(names)}, {w}" for w, names in of.items()
    )


def _fits(units: Sampled, x: Floats, helpers: Floats, link: Link, plan: _Plan, name: str) -> _Fits:
    if why := _beyond_the_codes(units, x):
        none = Fit.undefined(f"by {name}, {why}" if plan.people[1:] else why)
        return _Fits(none, none, none, None)
    human = fit(units.weight * units.y, units.weight, x, units.cluster, link=link)
    main = dsl(units, x, helpers, link=link, learner=plan.learner, folds=plan.folds, seed=plan.seed)
    powered, lam = ppi(units, x, link=link)
    found = [one.counted(units.sizes, units.dissent) for one in (human, main, powered)]
    return _Fits(found[0], found[1], found[2], lam)


def _mean(fits: Sequence[_Fits], people: Sequence[Sampled], plan: _Plan) -> _Fits:
    """Of a person who never saw the code the traces show no variance: what `interval` leaves open there counts, as ±2 errors."""
    reach = partial(interval, scale="proportion", level=plan.level)
    unseen = [
        0.0
        if one.constant is None
        else (np.ptp(reach(one.constant, 0.0, size=effective(one.sizes))) / 2) ** 2
        for one in people
    ]
    lams = [one.lam for one in fits if one.lam is not None]
    human, main, powered = (averaged([one[k] for one in fits], unseen, plan.level) for k in range(3))  # type: ignore[misc]
    return _Fits(human, main, powered, float(np.mean(lams)) if lams else None)


def _of_person(
    blank: CorrectedEstimate, units: Sampled, fits: _Fits, name: str, k: int, scale: Scale, plan: _Plan
) -> CorrectedEstimate:
    """DSL against one person's codes."""
    basis = _Basis(
        effective(units.sizes), units.constant, no_interval(units.sizes, f"items or traces coded by {name}")
    )
    own = replace(blank, name=name, clusters=len(units.sizes), effective_clusters=basis.size)
    return _estimate(own, fits.dsl, k, scale, plan, basis)


def _differs(one: Fit, other: Fit, k: int) -> bool:
    """By more than chance explains?"""
    gap = difference(one, other)
    if gap.why_undefined or not gap.se[k] > 0:
        return False
    return two_sided(float(gap.coef[k] / gap.se[k]), float(gap.df[k])) < MORE_THAN_CHANCE


def _bias(
    naive: CorrectedEstimate, main: CorrectedEstimate, a: Fit, b: Fit, k: int, plan: _Plan, basis: _Basis
) -> CorrectedEstimate:
    """naive − DSL, two-sided (the machine may err both ways), its limits from theirs and from their correlation over clusters
    (`square_and_add`): so a code that people never saw is not less open here than there."""
    blank = replace(
        main, name="naive − DSL", method="limits from both and their correlation (Zou & Donner 2008)"
    )
    blank = replace(blank, value=None, low=None, high=None, se=None, df=None, n_effective=None)
    if naive.value is None or main.value is None:
        return replace(blank, why_undefined=naive.why_undefined or main.why_undefined)
    value = naive.value - main.value
    scale: Scale = "log odds" if naive.n_effective is None else "proportion"
    either = replace(plan, alternative="two-sided")
    limits = _Basis(naive.effective_clusters or 1.0, None, None)
    own = _estimate(naive, a, k, scale, either, limits).interval
    ends = _estimate(main, b, k, scale, either, basis).interval
    if own is None or ends is None:
        return replace(blank, value=value)
    mixed, together = float(a.se[k] * b.se[k]), difference(a, b)
    shared = 0.0
    if mixed > 0 and basis.constant is None:  # of what varies between people the machine shares nothing
        own_of_b = float(jackknife_variance(b.deltas)[k, k])
        shared = (float(a.se[k] ** 2 - together.se[k] ** 2) + own_of_b) / (2 * mixed)

    low, high = square_and_add(naive.value, own, main.value, ends, shared)
    spread = math.sqrt(float(a.se[k] ** 2 + b.se[k] ** 2) - 2 * shared * mixed)
    return replace(blank, value=value, low=low, high=high, se=spread, df=float(together.df[k]))


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
    blank: CorrectedEstimate, of: Fit, k: int, scale: Scale, plan: _Plan, basis: _Basis
) -> CorrectedEstimate:
    """Coefficient ``k`` of a fit with its interval; proportions outside [0, 1] are cut and say so in ``method``."""
    if of.why_undefined:
        return replace(blank, why_undefined=of.why_undefined)
    value, se, df = float(of.coef[k]), float(of.se[k]), float(of.df[k])
    ends = partial(interval, scale=scale, level=plan.level, alternative=plan.alternative, size=basis.size)
    low, high = ends(value, se, df)
    size, method = None, blank.method
    if scale == "proportion":
        if not 0 <= value <= 1:
            method += f"; the equation gave {value:.4f}, cut to [0, 1]"
        if basis.constant is not None:
            plain = ends(basis.constant, 0.0)
            low, high = min(low, plain[0]), max(high, plain[1])
        value = min(max(value, 0.0), 1.0)
        size = value * (1 - value) / se**2 if se > 0 and 0 < value < 1 else basis.size
    known = replace(blank, value=value, method=method, se=se, df=df, n_effective=size)
    few = (
        None
        if basis.constant is not None or df >= 1
        else "no interval: too few of the items or traces carry it (less than one degree of freedom)"
    )
    if why := basis.why_none or few:
        return replace(known, warnings=(why,))
    return replace(known, low=low, high=high)


def _how_dsl(plan: _Plan) -> str:
    if plan.learner == "machine":
        return "g = the machine's code, not calibrated"
    folds = f"{plan.folds} folds, seed {plan.seed}" if isinstance(plan.folds, int) else "given folds"
    return f"g calibrated on the human codes of other traces ({folds})"
