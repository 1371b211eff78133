"""One cue, matched against words: from a place in a unit, how far the longest match reaches.

    "let me|us [just] check"    steps    let │ me or us │ just, or nothing │ check
    let me just check this      reached  {1} → {2} → {2, 3} → {4}: words 0 to 4

Every place that a step can reach is kept, once; so many gaps in a row cost no more than their number times the words. What
matches is what spaCy's Matcher would find with the same cue (`codebook/cue.py`); a test compares them. It is written out here
because a unit has a dozen words, and to hand them to the Matcher costs more than to compare them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from ..codebook.cue import Cue, cue_choices
from .trace_words import UnitWords

_Token = frozenset[int] | bool
"""Hashes of lower-case words of which one must stand there; True: any word; False: a number."""


class CueStep(NamedTuple):
    """One position of a cue. ``words``: one of these words; ``runs``: or one of these runs of tokens; ``optional``: or nothing.

    ``gap``: up to so many words, whichever they are.
    """

    words: frozenset[int]
    runs: tuple[tuple[_Token, ...], ...]
    optional: bool
    gap: int

    @property
    def branches(self) -> bool:
        """Whether it can reach more than one place, or is more than a list of words."""
        return bool(self.runs or self.optional or self.gap)


class CueSteps:
    """The steps of a cue; ``word_hash`` is the vocabulary's, ``split`` its tokenizer."""

    def __init__(self, cue: Cue, split: Callable[[str], list[str]], word_hash: Callable[[str], int]) -> None:
        self._steps = [_step(choices, word_hash) for choices in cue_choices(cue, split)]
        self._heads = _heads(self._steps)
        plain = next((i for i, step in enumerate(self._steps) if step.branches), len(self._steps))
        self._first, self._rest = [step.words for step in self._steps[:plain]], self._steps[plain:]

    def longest(self, unit: UnitWords, starts: range, lead: int | None, trail: int) -> tuple[int, int] | None:
        """The longest match that begins at one of ``starts``, the first of the longest, as words from and to (half-open).

        ``lead``: the last word at which it may begin; ``trail``: the number of words that it must reach.
        """
        lower, heads, best = unit.lower, self._heads, None
        for at in starts if lead is None else range(starts.start, min(starts.stop, lead + 1)):
            if heads is not None and lower[at] not in heads:
                continue
            end = self._reach(unit, at)
            if end >= trail and end > at and (best is None or end - at > best[1] - best[0]):
                best = (at, end)
        return best

    def _reach(self, unit: UnitWords, at: int) -> int:
        """How far the longest match from ``at`` goes; -1: there is none."""
        lower = unit.lower
        last = len(lower)
        for words in self._first:
            if at >= last or lower[at] not in words:
                return -1
            at += 1
        reached = {at}
        for words, runs, optional, gap in self._rest:
            if gap:
                reached = {to for place in reached for to in range(place, min(place + gap, last) + 1)}
                continue
            found = {place + 1 for place in reached if place < last and lower[place] in words}
            for run in runs:
                found |= {place + len(run) for place in reached if _stands(run, unit, place)}
            reached = found | reached if optional else found
            if not reached:
                return -1
        return max(reached)


def _stands(run: Sequence[_Token], unit: UnitWords, at: int) -> bool:
    if at + len(run) > len(unit.lower):
        return False
    for place, token in enumerate(run, at):
        if token is True:
            continue
        if not (unit.is_number(place) if token is False else unit.lower[place] in token):
            return False
    return True


def _step(choices: list[list[dict[str, Any]]], word_hash: Callable[[str], int]) -> CueStep:
    if choices and choices[0] and "OP" in choices[0][0]:
        return CueStep(frozenset(), (), False, int(choices[0][0]["OP"].strip("{}").split(",")[1]))
    runs = [tuple(_token(token, word_hash) for token in run) for run in choices if run]
    single = [run[0] for run in runs if len(run) == 1 and not isinstance(run[0], bool)]
    rest = tuple(run for run in runs if len(run) > 1 or isinstance(run[0], bool))
    return CueStep(frozenset().union(*single), rest, [] in choices, 0)


def _token(token: dict[str, Any], word_hash: Callable[[str], int]) -> _Token:
    if "LOWER" not in token:
        return "LIKE_NUM" not in token
    return frozenset(map(word_hash, words_of(token)))


def words_of(token: dict[str, Any]) -> list[str]:
    """The words that a token of a pattern may be."""
    lower = token["LOWER"]
    return list(lower["IN"]) if isinstance(lower, dict) else [lower]


def _heads(steps: list[CueStep]) -> frozenset[int] | None:
    """The words with which a match can begin; None: with any."""
    heads: frozenset[int] = frozenset()
    for words, runs, optional, gap in steps:
        if gap or any(isinstance(run[0], bool) for run in runs):
            return None
        heads = heads.union(words, *(run[0] for run in runs if not isinstance(run[0], bool)))
        if not optional:
            break
    return heads
