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

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import InputError
from .corrected_estimate import Alternative, CorrectedEstimate, Scale, estimate
from .corrected_verdict import verdict
from .dsl import Folds, Learner, dsl
from .moment import Fit, Link, difference, fit
from .ppi import ppi
from .sampled import Floats, Sampled, sampled


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
        """One paragraph that a reader can quote: do the estimates differ, which one to report."""
        return verdict(self)


@dataclass(frozen=True)
class _Plan:
    level: float
    alternative: Alternative
    learner: Learner
    folds: Folds
    seed: int


def corrected_prevalence(
    y: Any,
    f: Any,
    pi: Any,
    cluster: Any = None,
    *,
    covariates: Any = None,
    level: float = 0.95,
    alternative: Alternative = "two-sided",
    learner: Learner = "logistic",
    folds: Folds = 10,
    seed: int = 0,
) -> Corrected:
    """Share of units with a code. ``y`` (n,) human 0/1, NaN where not coded; ``f`` (n,) machine code in [0, 1];
    ``pi`` (n,) or one number: the known probability that a human codes the unit; ``cluster`` (n,) trace;
    ``covariates`` (n, q): help g to tell where the machine errs, and change nothing else.

    Raises ``InputError`` for what ``sampled`` refuses. An estimate that cannot be had is None with its reason.
    """
    units = sampled(y, f, pi, cluster)
    plan = _Plan(level, alternative, learner, folds, seed)
    helpers = np.ones((units.n, 1)) if covariates is None else _matrix(covariates, units.n)
    return _side_by_side(units, np.ones((units.n, 1)), helpers, "identity", ("prevalence",), plan)[0]


def corrected_logistic(
    y: Any,
    f: Any,
    pi: Any,
    covariates: Any,
    cluster: Any = None,
    *,
    names: Sequence[str] | None = None,
    level: float = 0.95,
    alternative: Alternative = "two-sided",
    learner: Learner = "logistic",
    folds: Folds = 10,
    seed: int = 0,
) -> tuple[Corrected, ...]:
    """Log odds ratios of ``covariates`` (n, q; no column of ones: it is added first, as "(intercept)").

    The rest as in ``corrected_prevalence``. Cluster by item where conditions share items.
    """
    units = sampled(y, f, pi, cluster)
    plan = _Plan(level, alternative, learner, folds, seed)
    given = _matrix(covariates, units.n)
    x = np.column_stack([np.ones(units.n), given])
    terms = ("(intercept)", *(names or [f"x{k + 1}" for k in range(given.shape[1])]))
    if len(terms) != x.shape[1]:
        raise InputError(f"{given.shape[1]} covariates have {len(terms) - 1} names")
    return _side_by_side(units, x, x, "logit", terms, plan)


def _matrix(covariates: Any, n: int) -> Floats:
    x = np.asarray(covariates, float)
    x = x[:, None] if x.ndim == 1 else x
    if x.shape[:1] != (n,) or x.ndim != 2 or not np.isfinite(x).all():
        raise InputError(f"covariates have shape {x.shape}, or missing values; {n} complete rows are needed")
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
    warnings = units.warnings()

    def one(name: str, how: str, of: Fit, k: int, lam: float | None = None) -> CorrectedEstimate:
        machine = name == "naive"
        return estimate(
            name,
            how,
            of,
            k,
            scale=scale,
            level=plan.level,
            alternative=plan.alternative,
            n_kish=float(units.n) if machine else units.kish,
            constant=None if machine else units.constant,
            lam=lam,
        )

    return tuple(
        Corrected(
            what=term,
            scale=scale,
            naive=one("naive", "machine codes taken at face value", naive, k),
            human=one("human only", "human codes weighted by 1/π (Hájek)", human, k),
            dsl=one("DSL", _how_dsl(plan), main, k),
            ppi=one("PPI++", "weighted by 1/π, λ tuned to the clustered variance", powered, k, lam),
            bias=_bias(bias, k, plan.level),
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


def _bias(of: Fit, k: int, level: float) -> CorrectedEstimate:
    """Two-sided whatever the alternative: the machine may err both ways."""
    return estimate(
        "naive − DSL",
        "errors paired by cluster",
        of,
        k,
        scale="difference",
        level=level,
        alternative="two-sided",
        n_kish=1,
    )


def _how_dsl(plan: _Plan) -> str:
    if plan.learner == "machine":
        return "g = the machine's code, not calibrated"
    folds = f"{plan.folds} folds, seed {plan.seed}" if isinstance(plan.folds, int) else "given folds"
    return f"g calibrated on the human codes of other traces ({folds})"
