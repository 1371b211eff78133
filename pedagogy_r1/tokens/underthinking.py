r"""Underthinking: how much of a wrong response comes after its first correct thought.

    ξ_UT  = (1/N) Σ_i (1 − T̂_i / T_i)     over the N *incorrect* responses       Wang et al. 2025, eq. 1
    ξ_wUT = (1/M) Σ_i ξ_UT(i)             over *all* M responses, correct: 0     ibid., eq. 3

T_i: tokens of response i. T̂_i: tokens from its beginning *up to and including* the first correct thought; T̂_i = T_i,
and the term is 0, if no thought is correct. Their example: 1 − 411/7681 = 0.946. (arXiv 2501.18585)

The two have different denominators and are never averaged or compared with one another. ξ_UT says nothing of noise:
it is about tokens *after* a correct thought, in *wrong* responses only. It rises by itself with the length of the
response and with a lenient judge, so N, judge and segmenter belong to it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from ..estimate import BOOTSTRAP, Estimate, Resampling, clustered, no_interval, ratio_of_means
from .response_thoughts import Response
from .solutions import mean_over_items

Name = Literal["xi_ut", "xi_wut"]


def first_correct(thought_correct: Sequence[bool | None]) -> int | None:
    """Index of the first correct thought (0 is the first one, and counts); ``None`` if there is none.

    Raises `ValueError` where a thought that nobody could judge stands before it: then the first is not known.
    """
    for index, verdict in enumerate(thought_correct):
        if verdict is None:
            raise ValueError(f"thought {index} was not judged")
        if verdict:
            return index
    return None


def underthinking_term(response: Response) -> float:
    """1 − T̂/T of one response, whatever its own correctness; `ValueError` where it is not known or T is 0.

    >>> from .response_thoughts import response_of
    >>> round(underthinking_term(response_of("fig. 2", [411, 7270], [True, False])), 3)
    0.946
    """
    if not response.tokens:
        raise ValueError("no tokens")
    index = first_correct(response.thought_correct)
    return 0.0 if index is None else 1 - response.ends[index] / response.tokens


@dataclass(frozen=True)
class Underthinking:
    """One of the two scores. ``n``: responses averaged over; ``n_reached``: those with a correct thought."""

    name: Name
    score: Estimate
    n: int
    n_incorrect: int
    n_reached: int
    judge: str
    segmenter: str
    excluded: Mapping[str, int]
    """Responses left out, by reason."""


def xi_ut(responses: Sequence[Response], *, judge: str, segmenter: str, how: Resampling) -> Underthinking:
    """ξ_UT, equation 1: the mean over incorrect responses. Correct ones do not enter, not even as 0."""
    return _score("xi_ut", responses, judge, segmenter, how)


def xi_wut(responses: Sequence[Response], *, judge: str, segmenter: str, how: Resampling) -> Underthinking:
    """ξ_wUT, equation 3: the mean over all responses, correct ones counting 0.

    The paper averages the samples of an item, 32 of each, and reports items; with as many samples of every item that
    is the mean over all. With unequal numbers an item with more samples weighs more, and the score warns.
    """
    return _score("xi_wut", responses, judge, segmenter, how)


def _score(
    name: Name, responses: Sequence[Response], judge: str, segmenter: str, how: Resampling
) -> Underthinking:
    terms: list[float] = []
    items: list[str] = []
    excluded: Counter[str] = Counter()
    incorrect = reached = 0
    for response in responses:
        if response.correct:
            if name == "xi_wut":
                terms.append(0.0)
                items.append(response.item)
            continue
        try:
            term = underthinking_term(response)
        except ValueError as error:
            excluded["no tokens" if str(error) == "no tokens" else "a thought was not judged"] += 1
            continue
        incorrect += 1
        reached += any(response.thought_correct)
        terms.append(term)
        items.append(response.item)
    why = f"there is no {'incorrect ' if name == 'xi_ut' else ''}response that could be judged"
    score = mean_over_items(terms, items, how, why)
    counts = set(Counter(items).values())
    if name == "xi_wut" and len(counts) > 1:
        uneven = f"items have {min(counts)} to {max(counts)} responses: the mean is over responses, not items"
        score = replace(score, warnings=(*score.warnings, uneven))
    return Underthinking(name, score, len(terms), incorrect, reached, judge, segmenter, dict(excluded))


@dataclass(frozen=True)
class WrongToRight:
    """Mean tokens, and switches of thought, of wrong responses over those of right ones."""

    tokens: Estimate
    switches: Estimate
    n_wrong: int
    n_right: int
    mean_tokens: tuple[float | None, float | None]
    mean_switches: tuple[float | None, float | None]


def _too_few(items: Sequence[str], wrong: Sequence[float]) -> str | None:
    """Why no interval can hold: the items of the wrong responses, or of the right ones, are too few."""
    for side, word in ((1.0, "wrong"), (0.0, "right")):
        sizes = np.array([*Counter(i for i, w in zip(items, wrong, strict=True) if w == side).values()])
        if why := no_interval(sizes, f"items with {word} responses"):
            return why
    return None


def wrong_to_right(responses: Sequence[Response], how: Resampling) -> WrongToRight:
    """How many times as long, and as restless, wrong responses are: mean over wrong ones / mean over right ones."""
    wrong = [0.0 if r.correct else 1.0 for r in responses]
    right = [1 - w for w in wrong]
    items = [r.item for r in responses]
    none = "there are not both wrong and right responses"
    few = None if how.interval == BOOTSTRAP else _too_few(items, wrong)

    def compared(values: list[int]) -> tuple[Estimate, tuple[float | None, float | None]]:
        """The ratio, and the mean over wrong and right ones."""
        columns: list[list[float]] = []
        for group in (wrong, right):
            columns += [[v * g for v, g in zip(values, group, strict=True)], group]
        total, n_wrong, other, n_right = map(sum, columns)
        means = (total / n_wrong if n_wrong else None, other / n_right if n_right else None)
        found = clustered(columns, items, ratio_of_means, how, scale="ratio", over="items", why=none)
        if few and found.value is not None:
            found = replace(found, low=None, high=None, method="", warnings=(few,))
        return found, means

    tokens, mean_tokens = compared([r.tokens for r in responses])
    switches, mean_switches = compared([r.switches for r in responses])
    return WrongToRight(tokens, switches, int(sum(wrong)), int(sum(right)), mean_tokens, mean_switches)
