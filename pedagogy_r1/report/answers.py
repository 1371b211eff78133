"""The first screen: four questions, answered in plain words for somebody who knows none of this.

How reliable are the codes?
People agree: α = .792, reaches .667, not shown to reach .800. With cues, a rule-based baseline, they agree …

What can be an answer's headline, and what cannot, is decided here: see `Ground`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from ..formatting import counted
from .section import Gap, listed
from .study import Study


@dataclass(frozen=True)
class PlainAnswer:
    """``short``: a few words; ``text``: sentences; ``points``: a list below them, where it helps.

    ``firm``: whether the page may set its `verdict` in bold. It may not where what it rests on is not shown to be reliable.
    """

    question: str
    short: str
    text: tuple[str, ...]
    points: tuple[str, ...] = ()
    firm: bool = True

    @property
    def verdict(self) -> str:
        """The first clause of ``short``, all that the page sets in bold.

        >>> PlainAnswer("?", "Not known: nobody coded 1.5 % of it. 6 more below.", ()).verdict
        'Not known:'
        """
        return re.split(r"(?<=[:;.]) ", self.short, maxsplit=1)[0]


def unit_words(study: Study) -> str:
    """``sentences`` where the units are sentences."""
    schemes = {run.manifest.scheme.split("@")[0] for run in study.runs}
    plural = {"sentence": "sentences", "paragraph": "paragraphs", "thought": "thoughts", "given": "spans"}
    return plural.get(next(iter(schemes)), "units") if len(schemes) == 1 else "units"


def hedged(why: str, head: str) -> str:
    """A headline; what it rests on comes first where that is not shown to be reliable (``why``)."""
    return f"Not to be relied on, {why}: {head}." if why else f"{head}."


MOST_CODERS = 6
"""Coders that a sentence still names one by one."""


def coded_words(study: Study) -> str:
    """Who coded how much: ``A and B coded 121 of them (6 traces); cues coded all.``"""
    every, said = study.data.n_units, dict[str, list[str]]()
    for name in study.data.names:
        n, traces = study.coded(name), study.traces_coded(name)
        some = f"{n:,} of them ({counted(traces, 'trace')})" if n else "none of them"
        said.setdefault("all of them" if n == every else some, []).append(name)
    if len(study.data.names) > MOST_CODERS:
        return f"{len(study.data.names)} coders coded them; “Who coded what” says how many each."
    return f"{'; '.join(f'{listed(names)} coded {what}' for what, names in said.items())}."


def gap_answer(gaps: Sequence[Gap]) -> PlainAnswer:
    """What could not be estimated, and why; grouped by reason."""
    question = "What could not be estimated, and why?"
    if not gaps:
        every = "Every quantity of this report could be estimated."
        return PlainAnswer(question, "Nothing: all was estimated.", (every,))
    by_reason: dict[str, list[str]] = {}
    for gap in gaps:
        by_reason.setdefault(gap.why, []).append(gap.what)
    points = []
    for why, whats in by_reason.items():
        more = f" and {len(whats) - 4} more" if len(whats) > 4 else ""
        points.append(f"{listed(whats[:4])}{more}: {why.rstrip('.')}.")
    rest = f" {len(gaps) - 1} more below." if len(gaps) > 1 else ""
    return PlainAnswer(question, f"{gaps[0].what}: {gaps[0].why.rstrip('.')}.{rest}", (), tuple(points))
