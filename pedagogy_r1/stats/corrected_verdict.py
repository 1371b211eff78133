"""What four estimates of one quantity say together, in a paragraph that a reader can quote."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .corrected import Corrected
    from .corrected_estimate import CorrectedEstimate


def verdict(result: Corrected) -> str:
    """Does the machine's figure survive, which figure to report, do the others agree."""
    main = result.dsl
    if main.estimate is None:
        return _without_dsl(result)
    apart = [e for e in (result.ppi, result.human) if e.estimate is not None and not main.covers(e.estimate)]
    parts = [_about_machine(result), *([] if apart else ["Report the corrected figure."])]
    if result.bias.ci and not result.bias.covers(0.0) and main.covers(result.naive.estimate or 0.0):
        parts.append(f"Still, the machine {_gap(result)}.")
    beside = [e for e in (result.ppi, result.human) if e.estimate is not None and main.covers(e.estimate)]
    named = {"PPI++": "PPI++", "human only": "the human codes alone"}
    if beside:
        agree = " and ".join(f"{named[e.method]} ({_figure(result, e.estimate)})" for e in beside)
        parts.append(f"{agree[0].upper()}{agree[1:]} {'agree' if _plural(beside) else 'agrees'} with it.")
    if apart:
        differ = " and ".join(f"{named[e.method]} ({_figure(result, e.estimate)})" for e in apart)
        parts.append(
            f"But {differ} {'lie' if _plural(apart) else 'lies'} outside its interval: "
            "check the recorded inclusion probabilities before quoting any of them."
        )
    for e in (result.ppi, result.human):
        if e.estimate is None:
            parts.append(f"No estimate from {named[e.method]}: {e.why_undefined}.")
    if result.warnings:
        parts.append("With caution: " + "; ".join(result.warnings) + ".")
    return " ".join(parts)


def _about_machine(result: Corrected) -> str:
    main, naive = result.dsl, result.naive
    shown = f"{_figure(result, main.estimate)} ({_range(result, main)})"
    what = "frequency" if result.scale == "proportion" else f"odds ratio for {result.what}"
    if naive.estimate is None:
        return f"Corrected (DSL) {what} {shown}. The machine's own has no estimate: {naive.why_undefined}."
    own = f"The machine's own {what}, {_figure(result, naive.estimate)},"
    if not main.covers(naive.estimate):
        return (
            f"{own} lies outside the corrected interval: corrected (DSL) {shown}; the machine {_gap(result)}."
        )
    return (
        f"{own} lies inside the corrected interval: corrected (DSL) {shown}. "
        "Its own interval is still too narrow: it leaves out that the machine errs."
    )


def _gap(result: Corrected) -> str:
    bias = result.bias
    assert bias.estimate is not None  # naive and DSL both exist where this is called
    verb = "overstates it by" if bias.estimate > 0 else "understates it by"
    low, high = bias.ci or (math.nan, math.nan)
    if result.scale == "proportion":
        sign = 1 if bias.estimate > 0 else -1
        ends = sorted((100 * sign * low, 100 * sign * high))
        return f"{verb} {100 * abs(bias.estimate):.1f} points ({ends[0]:.1f} to {ends[1]:.1f})"
    return f"gives {math.exp(bias.estimate):.2f} times that odds ratio ({_times(low)} to {_times(high)})"


def _without_dsl(result: Corrected) -> str:
    rest = [e for e in (result.ppi, result.human) if e.estimate is not None]
    why = f"No corrected (DSL) estimate of {result.what}: {result.dsl.why_undefined}."
    shown = "; ".join(f"{e.method} {_figure(result, e.estimate)} ({_range(result, e)})" for e in rest)
    tail = (
        f" What there is: {shown}."
        if rest
        else " Neither is there another that knows of the machine's errors."
    )
    return why + tail


def _figure(result: Corrected, value: float | None) -> str:
    assert value is not None
    return f"{100 * value:.1f}%" if result.scale == "proportion" else _times(value)


def _range(result: Corrected, e: CorrectedEstimate) -> str:
    if e.ci is None:
        return "no interval"
    return f"{_figure(result, e.ci[0])} to {_figure(result, e.ci[1])}"


def _times(log_odds: float) -> str:
    return f"{math.exp(min(log_odds, 700.0)):.2f}" if not math.isinf(log_odds) or log_odds < 0 else "∞"


def _plural(some: list[CorrectedEstimate]) -> bool:
    return len(some) > 1 or some[0].method == "human only"
