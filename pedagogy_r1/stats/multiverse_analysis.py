"""Would another model, prompt, window or critic have led to another conclusion? One row a conclusion, one column an analysis.

    conclusion           gpt-4.1, w4      gpt-4.1, w8      qwen3-8b, w4
    IA-SQ: cop/generic   more             more             no difference    flips: significance
    OA-RB: cop/generic   fewer            fewer            fewer            holds
    TR-SP: cop/generic   more             fewer            more             flips: direction

Steegen et al. 2016 (*Perspectives on Psychological Science* 11). A conclusion is *more*, *fewer* or *no difference* at the
level of the test, or *undefined* with its reason. An undefined one is neither a confirmation nor a flip: it is shown.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any, Literal

from ..estimate import joined
from ..formatting import counted
from .code_contrast import ContrastFamily

Verdict = Literal["more", "fewer", "no difference", "undefined"]
Kind = Literal["holds", "flips: direction", "flips: significance", "undefined"]


@dataclass(frozen=True)
class Conclusion:
    """What one analysis says of one question. ``value``: with its limits, in any unit the question has."""

    question: str
    verdict: Verdict
    value: float | None = None
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
class QuestionRow:
    """One question across the analyses, in their order; ``None``: the analysis does not ask it.

    ``agreeing``: share of the defined verdicts that are the most common one; ``range``: smallest and largest value.
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
    rows: tuple[QuestionRow, ...]
    levers: tuple[Lever, ...]
    warnings: tuple[str, ...]


def conclusions(
    family: ContrastFamily, *, alpha: float = 0.05, against: str | None = None
) -> tuple[Conclusion, ...]:
    """The conclusions of a contrast: one for each code, by its corrected p. ``against``: words for the comparison."""
    words = against or f"{family.a}/{family.b}"
    found = []
    for code in family.contrasts:
        question, points = f"{code.code}: {words}", code.points
        if code.p is None or points.value is None:
            why = code.why_undefined or points.why_undefined or "no p"
            found.append(Conclusion(question, "undefined", why_undefined=why))
            continue
        verdict: Verdict = "no difference"
        if code.p <= alpha and points.value:
            verdict = "more" if points.value > 0 else "fewer"
        found.append(Conclusion(question, verdict, points.value, points.low, points.high, code.p))
    return tuple(found)


def multiverse(analyses: Sequence[Analysis]) -> Multiverse:
    """Line up the conclusions. Raises `ValueError` for fewer than two analyses or a name that comes twice."""
    if len(analyses) < 2:
        raise ValueError(f"{len(analyses)} analyses: a multiverse compares two or more")
    names = [analysis.name for analysis in analyses]
    if len(set(names)) < len(names):
        raise ValueError("two analyses have the same name: name each for what it chose")
    asked = [{c.question: c for c in analysis.conclusions} for analysis in analyses]
    questions = dict.fromkeys(question for known in asked for question in known)
    rows = tuple(_row(question, [known.get(question) for known in asked]) for question in questions)
    return Multiverse(tuple(names), rows, _levers(analyses, rows), _warnings(rows))


def _warnings(rows: Sequence[QuestionRow]) -> tuple[str, ...]:
    cells = [conclusion for row in rows for conclusion in row.conclusions if conclusion is not None]
    holes = sum(None in row.conclusions for row in rows)
    lost = sum(c.verdict == "undefined" for c in cells)
    return joined(
        f"{counted(holes, 'question is', 'questions are')} not asked by every analysis" if holes else None,
        f"{lost} of {len(cells)} conclusions, each of one analysis, {'is' if lost == 1 else 'are'} undefined"
        if lost
        else None,
    )


def _defined(found: Sequence[Conclusion | None]) -> list[Conclusion]:
    return [c for c in found if c is not None and c.verdict != "undefined"]


def _row(question: str, found: Sequence[Conclusion | None]) -> QuestionRow:
    defined = _defined(found)
    verdicts = [c.verdict for c in defined]
    kind: Kind = "holds" if len(defined) > 1 else "undefined"
    if {"more", "fewer"} <= set(verdicts):
        kind = "flips: direction"
    elif len(set(verdicts)) > 1:
        kind = "flips: significance"
    agreeing = max(map(verdicts.count, verdicts)) / len(verdicts) if verdicts else None
    values = [c.value for c in defined if c.value is not None]
    spread = (min(values), max(values)) if values else None
    return QuestionRow(question, tuple(found), kind, agreeing, spread)


def _levers(analyses: Sequence[Analysis], rows: Sequence[QuestionRow]) -> tuple[Lever, ...]:
    """Pairs of analyses that differ in a single choice, and how often their conclusions differ."""
    names = list(dict.fromkeys(name for analysis in analyses for name in analysis.choices))
    pairs, flips = Counter[str](), Counter[str]()
    for (i, one), (j, two) in combinations(enumerate(analyses), 2):
        differing = [name for name in names if one.choices.get(name) != two.choices.get(name)]
        if len(differing) != 1:
            continue
        both = [_defined((row.conclusions[i], row.conclusions[j])) for row in rows]
        pairs[differing[0]] += sum(len(pair) == 2 for pair in both)
        flips[differing[0]] += sum(len({c.verdict for c in pair}) == 2 for pair in both)
    found = [Lever(name, pairs[name], flips[name]) for name in names if pairs[name]]
    return tuple(sorted(found, key=lambda lever: -lever.flips / lever.pairs))
