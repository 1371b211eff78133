"""Would coarser units help? Codings by sentences, and what is left of their disagreements and doubts when fragments are joined.

    "Then,"  "If "  "Option B:"  "## Check"  "2."      a fragment that opens joins the unit that it opens, of the same trace
    "n=5: L"  "n=6: W"                                 lines that give the value of one trial are one unit

A joined unit takes the coding of its main part, the one with the most words (of several, the last). What its coder would have given to
the whole is not known, so this is what joining alone can bring: a study, and no scheme of units.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import RunError
from ..estimate import Estimate, Flags, Floats, Ints, Resampling, over_clusters
from ..human.doubts import doubt
from ..runs.run import CoderRun, one_codebook, opened, require_complete
from ..trace import Unit
from .alpha_difference import AlphaDifference, recoding_difference
from .comparison import ReliabilityData, reliability_data
from .profile import MISSING

SENTENCES = "sentence@1"

_HEADING = re.compile(r"\s*(?:#{1,6}\s.*|\*\*[^*]+\*\*:?|(?:\d{1,3}|[A-Za-z])[.)])\s*")
_OPENER = re.compile(
    r"(?:and|but|if|or|so|then|thus|hence|also|now|next|first|second|third|finally|therefore)[\s\"“']*,?",
    re.IGNORECASE,
)
_VALUE = re.compile(
    r"\s*(?:[-*•]\s*)?[^\s:=→]{1,12}(?:\s?[^\s:=→]{1,12}){0,2}\s*(?:[:=→]|->)\s*[^.?!]{1,16}[.,;]?\s*"
)
_MOST_OPENING_WORDS, _MOST_VALUE_WORDS = 2, 6


def opens(text: str) -> bool:
    """Whether a unit is a fragment that opens the next one.

    >>> [opens(text) for text in ("Then,", "Option B:", "## Check", "2.", "So it is 4.", "Yes.")]
    [True, True, True, True, False, False]
    """
    words = re.findall(r"\w+", text)
    bare = text.strip().strip("\"“”'")
    if not words or bare.endswith(":") or _HEADING.fullmatch(text) or _OPENER.fullmatch(bare):
        return True
    return len(words) <= _MOST_OPENING_WORDS and bare.endswith(",")


def gives_a_value(text: str) -> bool:
    """Whether a unit gives the value of one trial and nothing else.

    >>> [gives_a_value(text) for text in ("n=5: L", "f(2) = 9", "The sum is 9.")]
    [True, True, False]
    """
    return bool(_VALUE.fullmatch(text)) and len(re.findall(r"\w+", text)) <= _MOST_VALUE_WORDS


def joined(texts: Sequence[str]) -> list[list[int]]:
    """The numbers of a trace's units, those that are joined in one list, in order.

    >>> joined(["Then,", "I add.", "n=5: L", "n=6: W", "So it is 6."])
    [[0, 1], [2, 3], [4]]
    """
    found: list[list[int]] = []
    waiting = False
    for number, text in enumerate(texts):
        trial = bool(found) and gives_a_value(text) and gives_a_value(texts[number - 1])
        if found and (waiting or trial):
            found[-1].append(number)
        else:
            found.append([number])
        waiting = opens(text)
    return found


@dataclass(frozen=True)
class CoarserUnits:
    """What joining would change. ``alike``: of each coder, joined units whose parts all had the same first code, and how many he or
    she coded in all parts. ``doubts``: the shares of units that any coder doubted, before and after. ``shares``: of each code, the share
    of first codes by units, by joined units and by tokens.
    """

    units: int
    joined: int
    left: int
    alike: dict[str, tuple[int, int]]
    alpha: AlphaDifference
    doubt: Estimate
    doubts: tuple[float, float]
    shares: dict[str, tuple[float, float, float]]


def coarser_units(
    runs: Sequence[CoderRun | str | Path], how: Resampling = Resampling(), *, partial: bool = False
) -> CoarserUnits:
    """What joining the units of these runs would change; intervals over traces.

    Raises `RunError` where the units are not sentences.
    """
    found = opened(runs)
    require_complete(found, partial)
    book = one_codebook(found)
    for run in found:
        if run.manifest.scheme != SENTENCES:
            raise RunError(
                f"{run.folder} is of units by {run.manifest.scheme or 'spans of its own'}, and what is joined here are sentences",
                f"give runs that were coded under {SENTENCES}",
            )
    data = reliability_data(found)
    main, groups = _joins({unit.id: unit for run in found for unit in run.units()}, data)
    noted = {c.unit_id for run in found for c in run.codings() if doubt(book, c.codes, c.rationale)}
    doubted = np.array([unit_id in noted for unit_id in data.unit_ids], dtype=bool)
    alike = {}
    for name, row in zip(data.names, data.primary, strict=True):
        whole = [row[group] for group in groups if (row[group] != MISSING).all()]
        alike[name] = (sum(len(set(codes.tolist())) == 1 for codes in whole), len(whole))
    after = np.where(main, data.primary, MISSING)
    return CoarserUnits(
        units=len(main),
        joined=len(groups),
        left=int(main.sum()),
        alike=alike,
        alpha=recoding_difference(data.primary, after, data.cluster, len(data.categories), how, merged=True),
        doubt=_doubt_difference(doubted, main, data.cluster, how),
        doubts=(float(doubted.mean()), float(doubted[main].mean())),
        shares=_shares(data, main, {unit.id: unit.tokens for run in found for unit in run.units()}),
    )


def _joins(units: dict[str, Unit], data: ReliabilityData) -> tuple[Flags, list[list[int]]]:
    """(units,) whether a unit is the main part of its joined unit, and the places of the parts of each that has several."""
    places: dict[int, list[int]] = {}
    for place, cluster in enumerate(data.cluster.tolist()):
        places.setdefault(cluster, []).append(place)
    main, groups = np.ones(len(data.unit_ids), dtype=bool), []
    for of_trace in places.values():
        of_trace.sort(key=lambda place: units[data.unit_ids[place]].start)
        texts = [units[data.unit_ids[place]].text for place in of_trace]
        for numbers in joined(texts):
            if len(numbers) > 1:
                kept = max(numbers, key=lambda number: (len(re.findall(r"\w+", texts[number])), number))
                main[[of_trace[number] for number in numbers if number != kept]] = False
                groups.append([of_trace[number] for number in numbers])
    return main, groups


def _doubt_difference(doubted: Flags, main: Flags, cluster: Ints, how: Resampling) -> Estimate:
    """Share of units in doubt after joining minus that before, over traces."""
    columns = np.stack([doubted & main, main, doubted, np.ones_like(main)]).astype(np.float64)
    sums = np.stack([np.bincount(cluster, weights=column) for column in columns], axis=1).astype(np.float64)
    sums = sums[sums[:, 3] > 0]

    def difference(sums: Floats) -> Floats:
        return np.asarray(sums[:, 0] / sums[:, 1] - sums[:, 2] / sums[:, 3])

    value = float(difference(sums.sum(axis=0, keepdims=True))[0])
    return Estimate(value, **over_clusters(difference, sums, sums[:, 3], how, scale="plain"))


def _shares(
    data: ReliabilityData, main: Flags, tokens: dict[str, int]
) -> dict[str, tuple[float, float, float]]:
    """Of the codes that were given, all coders together."""
    weights = np.ones(len(main)), main, np.array([tokens[unit_id] for unit_id in data.unit_ids], dtype=float)
    there = data.primary != MISSING
    found = {}
    for number, code in enumerate(data.categories):
        given = data.primary == number
        if given.any():
            units, coarser, words = (float((given * w).sum() / (there * w).sum()) for w in weights)
            found[code] = (units, coarser, words)
    return found
