r"""Efficiency: how much of a response was needed to arrive, and how much of it was a new way of arriving.

    outcome  ξ_O = (1/N) Σ_i σ_i T̂_i / T_i      T̂_i: tokens until the first correct answer; σ_i = 1 if there is one, else 0
    process  ξ_P = (1/N) Σ_i D_i / T_i          D_i = Σ_m τ_im T_im: tokens of solutions whose perspective is new (τ_im = 1)

Over all N responses, right and wrong (Chen et al. 2024, arXiv 2412.21187, eq. 1 and 2). A *solution* is a stretch that
ends by stating an answer: thoughts up to and including one that does, and the answer part. Perspectives were named by
a language model there; without names, a solution counts as new if less than half of its words stand in an 8-gram of
earlier text, which finds retelling in the same words only, so that ξ_P is then an upper bound.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from itertools import accumulate

from ..estimate import Estimate, Resampling, clustered, quotient

NEW_BELOW = 0.5
"""Share of a solution's words that repeat earlier ones, from which on it is no new solution."""
BY_NAME = "perspectives named in the thoughts file"
BY_WORDS = "by words: new if less than half repeats earlier text (an upper bound)"


@dataclass(frozen=True, slots=True)
class Solutions:
    """A response as its solutions: (solutions,) ``tokens`` of each, ``end`` tokens up to and including it, verdicts."""

    trace_id: str
    item: str
    total: int
    tokens: tuple[int, ...]
    ends: tuple[int, ...]
    correct: tuple[bool, ...] | None
    """``None`` without a reference."""
    new: tuple[bool, ...]


def solutions_of(
    trace_id: str,
    tokens: Sequence[int],
    *,
    correct: Sequence[bool] | None = None,
    perspectives: Sequence[Hashable] | None = None,
    new: Sequence[bool] | None = None,
    total: int | None = None,
    item: str | None = None,
) -> Solutions:
    """Solutions one behind the other, with τ from the names of their ``perspectives``, or given as ``new``."""
    ends = tuple(accumulate(tokens))
    fresh = list(new) if new is not None else first_of_kind(perspectives or range(len(tokens)))
    return Solutions(
        trace_id,
        item or trace_id,
        (ends[-1] if ends else 0) if total is None else total,
        tuple(tokens),
        ends,
        None if correct is None else tuple(correct),
        tuple(fresh),
    )


def first_of_kind(names: Sequence[Hashable]) -> list[bool]:
    """τ: whether no earlier solution has the same name.

    >>> first_of_kind(["fact", "counting", "fact"])
    [True, True, False]
    """
    seen: set[Hashable] = set()
    fresh = []
    for name in names:
        fresh.append(name not in seen)
        seen.add(name)
    return fresh


def outcome_term(response: Solutions) -> float:
    """σ T̂/T of one response.

    >>> round(outcome_term(solutions_of("2+3", [39, 862], correct=[True, True])), 3)
    0.043
    """
    if response.correct is None:
        raise ValueError("no reference")
    for end, is_correct in zip(response.ends, response.correct, strict=True):
        if is_correct:
            return end / response.total
    return 0.0


def process_term(response: Solutions) -> float:
    """D/T of one response."""
    return sum(t for t, new in zip(response.tokens, response.new, strict=True) if new) / response.total


@dataclass(frozen=True)
class Efficiency:
    """Both efficiencies, how solutions were told apart, and how many a response has on average."""

    outcome: Estimate
    process: Estimate
    distinct: str
    solutions: float | None
    excluded: dict[str, int]


def efficiency(responses: Sequence[Solutions], how: Resampling, *, distinct: str = BY_NAME) -> Efficiency:
    """ξ_O over responses with a reference, ξ_P over those with a solution, with intervals over items."""
    filled = [r for r in responses if r.total]
    judged = [r for r in filled if r.correct is not None]
    solved = [r for r in filled if r.tokens]
    outcome, process = [outcome_term(r) for r in judged], [process_term(r) for r in solved]
    return Efficiency(
        mean_over_items(outcome, [r.item for r in judged], how, "no response has a reference"),
        mean_over_items(process, [r.item for r in solved], how, "no response states an answer"),
        distinct,
        sum(len(r.tokens) for r in filled) / len(filled) if filled else None,
        {
            "no tokens": len(responses) - len(filled),
            "no reference (outcome)": len(filled) - len(judged),
            "no solution (process)": len(filled) - len(solved),
        },
    )


def mean_over_items(terms: Sequence[float], items: Sequence[str], how: Resampling, why: str) -> Estimate:
    """The mean of (responses,) terms in [0, 1], with its interval over their items; ``why`` there is none, if so."""
    ones = [1.0] * len(terms)
    return clustered([terms, ones], items, quotient, how, scale="share", over="items", why=why)
