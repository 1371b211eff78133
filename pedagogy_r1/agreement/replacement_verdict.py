"""The alternative-annotator test in sentences that a reader can quote, with what it does not show, and its warnings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .left_out import MeanTest
    from .replacement_report import CoderTest, Decision, ReplacementReport

FEW_TRACES = 10
"""With fewer clusters the clustered t test is a rough guide."""

MANY = 4


def verdict(report: ReplacementReport) -> str:
    """Pass or not, by both tests; how good, from which ε on; what it does not show; what to be wary of."""
    found = report.published
    parts = [_no_verdict(report)] if found.passed is None else [_outcome(report), *_beside(report)]
    parts += [_advantage(report)] if report.coders else []
    parts += [_from_epsilon(report)] if found.passed is not None else []
    parts.append(_limits(report))
    cautions = [w for w in report.warnings if w != found.why_undefined]
    if cautions:
        parts.append("With caution: " + "; ".join(cautions) + ".")
    return " ".join(parts)


def _no_verdict(report: ReplacementReport) -> str:
    found = report.published
    start = f"No verdict on whether {report.machine} may replace a coder: {found.why_undefined}."
    if found.winning_rate is None:
        return start
    return f"{start} For what it is worth, it won over {found.wins} of {found.m} ({_terms(report)})."


def _outcome(report: ReplacementReport) -> str:
    found = report.published
    names = _won([(coder, coder.published) for coder in report.coders])
    return (
        f"{report.machine} {_passes(found)} the alternative-annotator test (Calderon et al. 2025): it wins over {found.wins} "
        f"of {found.m} human coders{names}, winning rate ω = {found.winning_rate:.2f} where 0.50 passes ({_terms(report)})."
    )


def _terms(report: ReplacementReport) -> str:
    return (
        f"ε = {report.epsilon:g}, {report.epsilon_from}; false discovery rate {report.q:g}; {report.metric} on "
        f"{report.n_units} units"
    )


def _won(tests: Sequence[tuple[CoderTest, MeanTest]]) -> str:
    """Names, where a reader has an eye for so many."""
    names = [coder.coder for coder, test in tests if test.reject]
    return f" ({', '.join(names)})" if 0 < len(names) < len(tests) and len(names) <= MANY else ""


def _beside(report: ReplacementReport) -> list[str]:
    if report.clustered is None:
        return ["The published test takes the units as independent; no traces were given to check that."]
    found = report.clustered
    same = found.passed == report.published.passed
    tail = (
        "." if same else ": units of one trace are alike, so trust this result rather than the published one."
    )
    return [
        f"With errors clustered by trace ({report.n_traces} traces) it wins over {found.wins} of {found.m} and "
        f"{'also ' if same else ''}{_passes(found)}{tail}"
    ]


def _passes(found: Decision) -> str:
    return "passes" if found.passed else "does not pass"


def _advantage(report: ReplacementReport) -> str:
    found = report.advantage
    between = f", 95 % interval {found.ci[0]:.2f} to {found.ci[1]:.2f}" if found.ci else ""
    return (
        f"Averaged over coders, it fits the other coders at least as well as the one left out on "
        f"{100 * (found.estimate or 0):.0f} % of units (ties included; advantage probability ρ = {found.estimate:.2f}{between})."
    )


def _from_epsilon(report: ReplacementReport) -> str:
    shown = _smallest(report.published.epsilon_to_pass)
    if report.clustered is not None:
        shown += f" ({_smallest(report.clustered.epsilon_to_pass)} clustered)"
    return f"The smallest ε at which it would pass is {shown}."


def _smallest(epsilon: float | None) -> str:
    """Rounded up, so that the ε that is named does pass."""
    return "none" if epsilon is None else f"{-(-epsilon * 1000 // 1) / 1000:.3f}"


def _limits(report: ReplacementReport) -> str:
    points = 100 * report.epsilon
    return (
        "This does not show that the codes are valid, for coders and machine can share a mistake; nor that coders agree "
        "well, for where they disagree the test is easy to pass (read it beside α); nor that the machine may replace all "
        f"humans, for it is measured by them. A win allows the machine to be up to {points:g} points worse than the coder, "
        "and it holds for these coders, these units and this codebook only."
    )


def warnings(report: ReplacementReport) -> tuple[str, ...]:
    """What is short, left out or too easy, in words."""
    found = [report.published.why_undefined] if report.published.why_undefined else []
    least = report.minimum.units_per_human
    found += [
        f"{name} is not tested: {n} comparable units, of {least} needed"
        for name, n in report.untested.items()
    ]
    alike = [coder.coder for coder in report.coders if coder.published.se == 0]
    if alike:
        found.append(
            f"all comparisons with {', '.join(alike)} came out the same: no variance for the t test to go by"
        )
    traces = [coder.clustered.clusters for coder in report.coders if coder.clustered is not None]
    if traces and min(traces) < FEW_TRACES:
        found.append(
            f"a coder's units come from no more than {min(traces)} traces: clustered errors are a rough guide"
        )
    missing = report.dropped["not coded by the machine"]
    if missing:
        found.append(
            f"{missing} units that the machine did not code are left out, and the test says nothing of them"
        )
    if report.constant is not None and report.constant.passed and report.published.passed is not None:
        found.append(
            f"giving every unit the commonest code ({_shown(report.constant.code)}) would pass too, with ω = "
            f"{report.constant.winning_rate:.2f}, ρ = {report.constant.advantage_prob:.2f}: the test tells little here"
        )
    return tuple(found)


def _shown(code: Any) -> str:
    return " + ".join(sorted(map(str, code))) if isinstance(code, (set, frozenset)) else str(code)
