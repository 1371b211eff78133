"""What the alternative-annotator test found: per coder, the two decisions, ρ, all that it rests on, and sentences to quote.

published            ω = 3/4 ≥ ½   passed   from ε = .16 on
clustered by trace   ω = 3/4 ≥ ½   passed   from ε = .18 on        ρ = .772 [.747, .797]
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from ..estimate import Estimate
from ..formatting import level_words
from .left_out import MeanTest

CoderSkill = Literal["expert", "skilled", "crowd"]

EPSILON: dict[str, float] = {"expert": 0.2, "skilled": 0.15, "crowd": 0.1}
"""What a human costs more than the machine, as the method proposes it: the dearer the coder, the more is conceded."""

PASS = 0.5
"""The winning rate that passes."""

NAMED = 4
"""Coders won over, up to which a sentence names them."""

Errors = Literal["published", "clustered by trace"]


@dataclass(frozen=True)
class Minimum:
    """The least data that the method asks for: humans tested, units per human, humans per unit."""

    humans: int = 3
    units_per_human: int = 30
    humans_per_unit: int = 2

    def __post_init__(self) -> None:
        if self.humans < 1 or self.units_per_human < 2 or self.humans_per_unit < 2:
            raise ValueError(
                "the test needs a human, two units for each and two humans for each unit at the very least"
            )


@dataclass(frozen=True)
class CoderTest:
    """One coder left out: ``n`` units, ``rho_f`` and ``rho_h`` the shares of them on which the machine, and the coder, was
    as good or better, ``mean_d`` = ρ_h − ρ_f. ``clustered`` is ``None`` where no traces are known."""

    coder: str
    n: int
    rho_f: float
    rho_h: float
    mean_d: float
    published: MeanTest
    clustered: MeanTest | None

    @property
    def ties(self) -> float:
        """Share of units on which both were equally good."""
        return self.rho_f + self.rho_h - 1


@dataclass(frozen=True)
class ReplacementDecision:
    """``winning_rate`` ω = ``wins`` / ``m``; ``passed`` if ω ≥ ½, ``None`` where the minimum numbers are not met
    (``why_undefined``). ``epsilon_to_pass``: the smallest ε at which it would pass, ``None`` if at none up to 1."""

    errors: Errors
    wins: int
    m: int
    winning_rate: float | None
    passed: bool | None
    epsilon_to_pass: float | None
    why_undefined: str | None = None


@dataclass(frozen=True)
class ConstantCoder:
    """What a coder that gives every unit the humans' commonest code would reach: the floor to compare with."""

    code: Any
    winning_rate: float
    advantage_prob: float
    passed: bool


@dataclass(frozen=True)
class ReplacementReport:
    """What ``pcode agreement --replace`` prints. ``advantage``: ρ, the mean over coders of ρ_f. ``dropped``: units that do not enter, by reason; ``untested``: coders with
    too few units, and how many they have (they still speak as one of the others)."""

    machine: str
    humans: tuple[str, ...]
    metric: str
    epsilon: float
    epsilon_from: str
    q: float
    minimum: Minimum
    n_units: int
    n_traces: int | None
    advantage: Estimate
    published: ReplacementDecision
    clustered: ReplacementDecision | None
    coders: tuple[CoderTest, ...]
    constant: ConstantCoder | None
    untested: dict[str, int] = field(default_factory=dict)
    dropped: dict[str, int] = field(default_factory=dict)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What is short, left out or too easy, in words."""
        return tuple(_warnings(self))

    def verdict(self) -> str:
        """The result in sentences to quote: pass or not, by both tests; how good, from which ε on; what it does not show;
        what to be wary of."""
        found = self.published
        parts = [_no_verdict(self)] if found.passed is None else [_outcome(self), *_beside(self)]
        parts += [_advantage(self)] if self.coders else []
        parts += [_from_epsilon(self)] if found.passed is not None else []
        parts.append(_limits(self))
        cautions = [warning for warning in self.warnings if warning != found.why_undefined]
        if cautions:
            parts.append("With caution: " + "; ".join(cautions) + ".")
        return " ".join(parts)

    def as_json(self) -> dict[str, Any]:
        """JSON object; t of a test without variance is the string ``"inf"`` or ``"-inf"``."""
        return {**_plain(asdict(self)), "warnings": list(self.warnings), "verdict": self.verdict()}


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(inner) for inner in value]
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    return str(value) if isinstance(value, float) and math.isinf(value) else value


def _no_verdict(report: ReplacementReport) -> str:
    found = report.published
    start = f"No verdict on whether {report.machine} may replace a coder: {found.why_undefined}."
    if found.winning_rate is None:
        return start
    return f"{start} For what it is worth, it won over {found.wins} of {found.m} ({_terms(report)})."


def _outcome(report: ReplacementReport) -> str:
    found = report.published
    return (
        f"{report.machine} {_passes(found)} the alternative-annotator test (Calderon et al. 2025): it wins over {found.wins} "
        f"of {found.m} human coders{_won(report.coders)}, winning rate ω = {found.winning_rate:.2f} where 0.50 passes ({_terms(report)})."
    )


def _terms(report: ReplacementReport) -> str:
    return (
        f"ε = {report.epsilon:g}, {report.epsilon_from}; false discovery rate {report.q:g}; {report.metric} on "
        f"{report.n_units} units"
    )


def _won(coders: Sequence[CoderTest]) -> str:
    """Names, where a reader has an eye for so many."""
    names = [coder.coder for coder in coders if coder.published.reject]
    return f" ({', '.join(names)})" if 0 < len(names) < len(coders) and len(names) <= NAMED else ""


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


def _passes(found: ReplacementDecision) -> str:
    return "passes" if found.passed else "does not pass"


def _advantage(report: ReplacementReport) -> str:
    found = report.advantage
    between = (
        f", {level_words(found.level)} interval {found.low:.2f} to {found.high:.2f}" if found.interval else ""
    )
    return (
        f"Averaged over coders, it fits the other coders at least as well as the one left out on "
        f"{100 * (found.value or 0):.0f} % of units (ties included; advantage probability ρ = {found.value:.2f}{between})."
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


def _warnings(report: ReplacementReport) -> Iterator[str]:
    if report.published.why_undefined:
        yield report.published.why_undefined
    for name, n in report.untested.items():
        yield f"{name} is not tested: {n} comparable units, of {report.minimum.units_per_human} needed"
    alike = [coder.coder for coder in report.coders if coder.published.se == 0]
    if alike:
        yield f"all comparisons with {', '.join(alike)} came out the same: no variance for the t test to go by"
    untested = [c.clustered.why_undefined for c in report.coders if c.clustered and c.clustered.why_undefined]
    if untested:
        yield f"with errors clustered by trace a coder is not tested: {untested[0]}"
    missing = report.dropped["not coded by the machine"]
    if missing:
        yield f"{missing} units that the machine did not code are left out, and the test says nothing of them"
    if report.published.passed is not None:
        yield from _too_easy(report.constant)


def _too_easy(found: ConstantCoder | None) -> Iterator[str]:
    if found is not None and found.passed:
        yield (
            f"giving every unit the commonest code ({_shown(found.code)}) would pass too, with ω = "
            f"{found.winning_rate:.2f}, ρ = {found.advantage_prob:.2f}: the test tells little here"
        )


def _shown(code: Any) -> str:
    return " + ".join(sorted(map(str, code))) if isinstance(code, (set, frozenset)) else str(code)
