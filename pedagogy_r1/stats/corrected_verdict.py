"""A share (or odds ratio) four ways, side by side, and what may be said of it: which figure to report, if any.

    naive        29.0 %                    the machine's codes taken at face value
    human only   15.8 % (11.1 to 22.0)     people's codes alone, weighted by 1/π
    DSL          17.0 % (14.2 to 20.2)     corrected; to be reported unless …
    PPI++        17.1 % (14.3 to 20.4)

No figure is recommended where people alone have no estimate, where the best interval says nothing (0 to 65 %), or where DSL
and people's codes differ by more than chance; people's own is, where its interval is not wider. Every sentence here is a claim:
``tests/stats/test_corrected_verdict.py`` has them all, with the numbers that bring each about.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from ..estimate import Estimate
from ..formatting import counted, sentence, shown
from ..limits import SAYS_NOTHING, SAYS_NOTHING_TIMES
from .moment import Alternative, Scale


@dataclass(frozen=True)
class CorrectedEstimate(Estimate):
    """One of the four, by ``name``. ``value`` and ``se`` in the scale's unit (a share of units, or log odds); ``df``: degrees of
    freedom of the t quantile (∞: normal); ``n_effective``: how many independently drawn human-coded units would be as
    precise, θ(1−θ)/se², for proportions; ``lam``: the weight PPI++ gave to the machine, the mean over people.

    ``clusters`` are those that the estimate rests on: for all but *naive* the ones with human codes."""

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
    (a share, or log odds); ``bias``: naive − DSL; ``apart``: names of the estimates that differ from DSL by more than chance
    explains; ``people``: DSL against each person's codes alone, where there are several; ``assumed``: what is assumed of the
    inclusion probabilities where they are not recorded; ``warnings``: what to know before trusting it."""

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
    apart: tuple[str, ...] = ()
    people: tuple[CorrectedEstimate, ...] = ()
    alternative: Alternative = "two-sided"
    assumed: str | None = None

    @property
    def estimates(self) -> tuple[CorrectedEstimate, CorrectedEstimate, CorrectedEstimate, CorrectedEstimate]:
        """In the order in which a table shows them."""
        return self.naive, self.human, self.dsl, self.ppi

    @property
    def n_effective(self) -> float | None:
        return self.dsl.n_effective

    @property
    def best(self) -> CorrectedEstimate | None:
        """DSL, or people's codes alone where their interval is not wider; None where either has no estimate or interval."""
        if self.dsl.interval is None or self.human.interval is None:
            return None
        return self.human if self.width(self.human) <= self.width(self.dsl) else self.dsl

    @property
    def recommended(self) -> CorrectedEstimate | None:
        """The figure to report, or None where there is none (`verdict` says why)."""
        best = self.best
        return None if best is None or self.apart or self.says_nothing(best) else best

    def says_nothing(self, e: CorrectedEstimate) -> bool:
        """Is its interval as wide as `SAYS_NOTHING`, or `SAYS_NOTHING_TIMES` for an odds ratio?"""
        most = SAYS_NOTHING if self.scale == "proportion" else math.log(SAYS_NOTHING_TIMES)
        return self.width(e) >= most

    def width(self, e: CorrectedEstimate) -> float:
        """Its interval's width; of a one-sided one, twice the distance to its limit."""
        assert e.value is not None
        low, high = e.interval or (-math.inf, math.inf)
        if self.alternative == "larger":
            return 2 * (e.value - low)
        return 2 * (high - e.value) if self.alternative == "smaller" else high - low

    def verdict(self) -> str:
        """One paragraph that a reader can quote: does the machine's figure survive, which to report, do the others agree."""
        if self.dsl.value is None:
            known = [e for e in (self.ppi, self.human) if e.value is not None]
            there_is = "; ".join(f"{e.name} {_with_range(self, e)}" for e in known)
            rest = (
                f"What there is: {there_is}."
                if known
                else "Neither is there another that knows of the machine's errors."
            )
            what = self.what if self.scale == "proportion" else f"the odds ratio for {self.what}"
            return f"No corrected (DSL) estimate of {what}: {self.dsl.why_undefined}. {rest}"
        parts = [_about_machine(self), _about_people(self), _advice(self), *_others(self)]
        if self.warnings:
            parts.append("With caution: " + "; ".join(self.warnings) + ".")
        return " ".join(part for part in parts if part)


_NAMED = {"PPI++": "PPI++", "human only": "the human codes alone", "DSL": "the corrected figure (DSL)"}


def _about_machine(result: Corrected) -> str:
    main, naive, bias = result.dsl, result.naive, result.bias
    shown = _with_range(result, main)
    what = "frequency" if result.scale == "proportion" else f"odds ratio for {result.what}"
    if naive.value is None:
        return f"Corrected (DSL) {what} {shown}. The machine's own has no estimate: {naive.why_undefined}."
    own = f"The machine's own {what}"
    if main.interval is None:
        return f"{own} is {_figure(result, naive.value)}; corrected (DSL) it is {shown}."
    sure = bias.interval is not None and not bias.covers(0.0)
    if not main.covers(naive.value):
        gap = f"the machine {_gap(result)}" if sure else "the difference may still be chance"
        where = f"lies outside the corrected interval: corrected (DSL) {shown}; {gap}."
        return f"{own}, {_figure(result, naive.value)}, {where}"
    still = f" Still, the machine {_gap(result)}." if sure else ""
    return (
        f"{own}, {_figure(result, naive.value)}, lies inside the corrected interval: corrected (DSL) {shown}. "
        f"Its own interval leaves out that the machine errs.{still}"
    )


def _about_people(result: Corrected) -> str:
    """Against whose codes, where that is more than one person's."""
    if not result.people:
        return ""
    each = ", ".join(f"{e.name} {_figure(result, e.value)}" for e in result.people if e.value is not None)
    allows = ", and its interval allows for how they differ" if result.dsl.interval else ""
    return f"The corrected figure is the mean of those against each of {counted(len(result.people), 'person', 'people')} ({each}){allows}."


def _advice(result: Corrected) -> str:
    """What to report."""
    best = result.best
    if best is None:
        lacking = result.human if result.human.interval is None else result.dsl
        why = lacking.why_undefined or "; ".join(w.removeprefix("no interval: ") for w in lacking.warnings)
        no = "estimate" if lacking.value is None else "interval"
        return f"No figure is to be reported as corrected, since {_NAMED[lacking.name]} {_has(lacking)} no {no}: {why}."
    if result.apart:
        names = " and ".join(_NAMED[name] for name in result.apart)
        differs = "differ" if result.apart != ("PPI++",) else "differs"
        return (
            f"But {names} {differs} from the corrected figure by more than chance explains in 99 of 100 samples: check the "
            "inclusion probabilities before quoting any of them."
        )
    if result.says_nothing(best):
        return f"No figure is precise enough to be reported: the narrowest interval goes from {_ends(result, best)}."
    if_so = f", if it holds that {result.assumed}" if result.assumed else ""
    if best is result.human:
        than = "as narrow as" if result.width(best) == result.width(result.dsl) else "narrower than"
        return f"Report the human codes alone, {_with_range(result, best)}, whose interval is {than} the corrected one{if_so}."
    return f"Report the corrected figure{if_so}."


def _others(result: Corrected) -> list[str]:
    """PPI++ and the human codes beside DSL; those that differ by more than chance are `_advice`'s."""
    both = (result.ppi, result.human)
    other = [e for e in both if e.name not in result.apart and e.value is not None]
    beside, off = _inside_and_outside(result.dsl, other)
    parts = []
    if beside:
        parts.append(f"{sentence(_said(result, beside, 'lie'))} inside the corrected interval.")
    if off:
        parts.append(
            f"{sentence(_said(result, off, 'lie'))} outside it, but no further off than chance may explain."
        )
    absent = [e for e in both if e.value is None and (result.best is not None or e is not result.human)]
    return parts + [f"No estimate from {_NAMED[e.name]}: {e.why_undefined}." for e in absent]


def _inside_and_outside(
    dsl: CorrectedEstimate, others: Sequence[CorrectedEstimate]
) -> tuple[list[CorrectedEstimate], list[CorrectedEstimate]]:
    """Those whose value DSL's interval covers, and those whose it does not; neither where it has no interval."""
    if dsl.interval is None:
        return [], []
    inside = [e for e in others if dsl.covers(e.value or 0.0)]
    return inside, [e for e in others if e not in inside]


def _has(e: CorrectedEstimate) -> str:
    return "have" if e.name == "human only" else "has"


def _said(result: Corrected, some: Sequence[CorrectedEstimate], verb: str) -> str:
    """``PPI++ (17.1 %) and the human codes alone (15.8 %) lie``: with their figures, and the verb in their number."""
    names = " and ".join(f"{_NAMED[e.name]} ({_figure(result, e.value)})" for e in some)
    several = len(some) > 1 or some[0].name == "human only"
    return f"{names} {verb if several else verb + 's'}"


def _gap(result: Corrected) -> str:
    bias = result.bias
    assert bias.value is not None  # asked for where the interval leaves 0 out
    assert bias.interval is not None
    verb = "overstates it by" if bias.value > 0 else "understates it by"
    low, high = bias.interval
    if result.scale == "proportion":
        sign = 1 if bias.value > 0 else -1
        ends = sorted((100 * sign * low, 100 * sign * high))
        return f"{verb} {100 * abs(bias.value):.1f} points ({ends[0]:.1f} to {ends[1]:.1f})"
    return f"gives {math.exp(bias.value):.2f} times that odds ratio ({_times(low)} to {_times(high)})"


def _figure(result: Corrected, value: float | None) -> str:
    assert value is not None
    return shown(value, "share") if result.scale == "proportion" else _times(value)


def _ends(result: Corrected, e: CorrectedEstimate) -> str:
    return " to ".join(_figure(result, end) for end in e.interval or ())


def _with_range(result: Corrected, e: CorrectedEstimate) -> str:
    return f"{_figure(result, e.value)} ({_ends(result, e) or 'no interval'})"


def _times(log_odds: float) -> str:
    return f"{math.exp(min(log_odds, 700.0)):.2f}" if not math.isinf(log_odds) or log_odds < 0 else "∞"
