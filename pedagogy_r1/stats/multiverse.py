"""Would another model, prompt, window or critic have led to another conclusion? One row a conclusion, one column an analysis.

    conclusion           gpt-4.1, w4      gpt-4.1, w8      qwen3-8b, w4
    IA-SQ: cop/generic   more             more             no difference    flips: significance
    OA-RB: cop/generic   fewer            fewer            fewer            holds
    TR-SP: cop/generic   more             fewer            more             flips: direction

Steegen et al. 2016 (*Perspectives on Psychological Science* 11). A conclusion is *more*, *fewer* or *no difference* at the
level of the test, or *undefined* with its reason. An undefined one is neither a confirmation nor a flip: it is shown.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any, Literal

from ..errors import PedagogyError
from .contrast import ContrastFamily

Verdict = Literal["more", "fewer", "no difference", "undefined"]
Kind = Literal["holds", "flips: direction", "flips: significance", "undefined"]


@dataclass(frozen=True)
class Conclusion:
    """What one analysis says of one question. ``estimate``: with its limits, in any unit the question has."""

    question: str
    verdict: Verdict
    estimate: float | None = None
    low: float | None = None
    high: float | None = None
    p: float | None = None
    why_undefined: str | None = None


@dataclass(frozen=True)
class Analysis:
    """One way through the garden. ``choices``: what was chosen, ``{"model": "gpt-4.1", "window": 4, "critic": False}``."""

    name: str
    conclusions: tuple[Conclusion, ...]
    choices: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Row:
    """One question across the analyses, in their order; ``None``: the analysis does not ask it.

    ``agreeing``: share of the defined verdicts that are the most common one; ``range``: smallest and largest estimate.
    """

    question: str
    conclusions: tuple[Conclusion | None, ...]
    kind: Kind
    agreeing: float | None
    range: tuple[float, float] | None

    @property
    def flips(self) -> bool:
        """Do two analyses conclude differently?"""
        return self.kind.startswith("flips")


@dataclass(frozen=True)
class Lever:
    """One choice: among ``pairs`` of verdicts that differ in nothing else, ``flips`` differ in the conclusion."""

    choice: str
    pairs: int
    flips: int


@dataclass(frozen=True)
class Multiverse:
    """``rows``: one for each question; ``levers``: which choice moves conclusions, the strongest first."""

    analyses: tuple[str, ...]
    rows: tuple[Row, ...]
    levers: tuple[Lever, ...]
    warning: str | None


def conclusions(
    family: ContrastFamily, *, alpha: float = 0.05, against: str | None = None
) -> tuple[Conclusion, ...]:
    """The conclusions of a contrast: one for each code, by its corrected p. ``against``: words for the comparison."""
    words = against or f"{family.a}/{family.b}"
    found = []
    for code in family.contrasts:
        question, points = f"{code.code}: {words}", code.points
        if code.p is None or points.estimate is None:
            why = code.why_undefined or points.why_undefined or "no p"
            found.append(Conclusion(question, "undefined", why_undefined=why))
            continue
        verdict: Verdict = "no difference"
        if code.p <= alpha and points.estimate:
            verdict = "more" if points.estimate > 0 else "fewer"
        found.append(Conclusion(question, verdict, points.estimate, points.low, points.high, code.p))
    return tuple(found)


def multiverse(analyses: Sequence[Analysis]) -> Multiverse:
    """Line up the conclusions. Raises `PedagogyError` for fewer than two analyses or a name that comes twice."""
    if len(analyses) < 2:
        raise PedagogyError(f"{len(analyses)} analyses", "a multiverse compares two or more")
    names = [analysis.name for analysis in analyses]
    if len(set(names)) < len(names):
        raise PedagogyError("two analyses have the same name", "name each for what it chose")
    asked = [{c.question: c for c in analysis.conclusions} for analysis in analyses]
    questions = list(dict.fromkeys(question for known in asked for question in known))
    rows = tuple(_row(question, [known.get(question) for known in asked]) for question in questions)
    holes = sum(conclusion is None for row in rows for conclusion in row.conclusions)
    lost = sum(c is not None and c.verdict == "undefined" for row in rows for c in row.conclusions)
    notes = [f"{holes} questions are not asked by every analysis"] * (holes > 0)
    notes += [f"{lost} conclusions are undefined"] * (lost > 0)
    return Multiverse(tuple(names), rows, _levers(analyses, rows), "; ".join(notes) or None)


def _row(question: str, found: Sequence[Conclusion | None]) -> Row:
    defined = [c for c in found if c is not None and c.verdict != "undefined"]
    verdicts = [c.verdict for c in defined]
    kind: Kind = "holds"
    if not defined:
        kind = "undefined"
    elif {"more", "fewer"} <= set(verdicts):
        kind = "flips: direction"
    elif len(set(verdicts)) > 1:
        kind = "flips: significance"
    agreeing = max(verdicts.count(v) for v in verdicts) / len(verdicts) if verdicts else None
    values = [c.estimate for c in defined if c.estimate is not None]
    return Row(question, tuple(found), kind, agreeing, (min(values), max(values)) if values else None)


def _levers(analyses: Sequence[Analysis], rows: Sequence[Row]) -> tuple[Lever, ...]:
    """Pairs of analyses that differ in a single choice, and how often their conclusions differ."""
    names = list(dict.fromkeys(name for analysis in analyses for name in analysis.choices))
    pairs, flips = dict.fromkeys(names, 0), dict.fromkeys(names, 0)
    for (i, one), (j, two) in combinations(enumerate(analyses), 2):
        differing = [name for name in names if one.choices.get(name) != two.choices.get(name)]
        if len(differing) != 1:
            continue
        for row in rows:
            a, b = row.conclusions[i], row.conclusions[j]
            if a is None or b is None or "undefined" in (a.verdict, b.verdict):
                continue
            pairs[differing[0]] += 1
            flips[differing[0]] += a.verdict != b.verdict
    found = [Lever(name, pairs[name], flips[name]) for name in names if pairs[name]]
    return tuple(sorted(found, key=lambda lever: -lever.flips / lever.pairs))
