"""What the alternative-annotator test found: per coder, the two decisions, ρ, and all that it rests on.

published            ω = 3/4 ≥ ½   passed   from ε = .16 on
clustered by trace   ω = 3/4 ≥ ½   passed   from ε = .18 on        ρ = .772 [.747, .797]
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from ..errors import PedagogyError
from .left_out import MeanTest
from .replacement_verdict import verdict

CoderSkill = Literal["expert", "skilled", "crowd"]

EPSILON: dict[str, float] = {"expert": 0.2, "skilled": 0.15, "crowd": 0.1}
"""What a human costs more than the machine, as the method proposes it: the dearer the coder, the more is conceded."""

PASS = 0.5
"""The winning rate that passes."""

Errors = Literal["published", "clustered by trace"]


@dataclass(frozen=True)
class Minimum:
    """The least data that the method asks for: humans tested, units per human, humans per unit."""

    humans: int = 3
    units_per_human: int = 30
    humans_per_unit: int = 2

    def __post_init__(self) -> None:
        if self.humans < 1 or self.units_per_human < 2 or self.humans_per_unit < 2:
            raise PedagogyError(
                "the test needs a human, two units for each and two humans for each unit at the very least",
                "leave the minimum numbers as they are",
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
class Decision:
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
class Advantage:
    """ρ, the mean over coders of ρ_f, with a 95 % percentile interval (``method`` says what was redrawn)."""

    estimate: float | None
    ci: tuple[float, float] | None
    method: str
    undefined_share: float
    replicates: int
    seed: int
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
    """What ``pcode agreement --replace`` prints. ``dropped``: units that do not enter, by reason; ``untested``: coders with
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
    advantage: Advantage
    published: Decision
    clustered: Decision | None
    coders: tuple[CoderTest, ...]
    constant: ConstantCoder | None
    untested: dict[str, int] = field(default_factory=dict)
    dropped: dict[str, int] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()

    def verdict(self) -> str:
        """The result in sentences to quote, with what it does not show."""
        return verdict(self)

    def as_json(self) -> dict[str, Any]:
        """JSON object; t of a test without variance is the string ``"inf"`` or ``"-inf"``."""
        return {**_plain(asdict(self)), "verdict": self.verdict()}


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(inner) for inner in value]
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    return str(value) if isinstance(value, float) and math.isinf(value) else value
