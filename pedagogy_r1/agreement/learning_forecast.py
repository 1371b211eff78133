"""What ten more traces would bring: a learning curve, continued.

    traces    31    62   124        α of five draws (a fifth of the items set aside in each), and in each of them
    α       .492  .585  .634   →    α(n) = a − b·n^−c, and the rise from all traces there are to MORE more

The rise is the mean over draws with c = 1/2. Its interval is Student's, with the variance of a mean of draws that share traces (Nadeau and
Bengio 2003: 1/draws + set aside/learned from, instead of 1/draws), and from the lowest limit to the highest over c = 1/4, 1/2 and 1,
since three sizes do not tell how fast a curve levels off. ``benchmarks/learning_forecast.py`` measures how often it holds the truth.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from ..estimate import Estimate
from ..limits import LEVEL

MORE = 10
"""How many more traces are asked about."""

BENDS = (0.5, 0.25, 1.0)
"""How fast the curve levels off: the first for the value, all for the interval."""

SET_ASIDE = 0.25
"""Units set aside, over those learned from, of each draw: a fifth over four fifths."""

FEWEST_DRAWS, FEWEST_SIZES = 4, 3
FURTHEST = 2.0
"""Nothing is said of more than so many times the traces of the curve's last point."""


def rise_of(draws: Sequence[Mapping[int, float]], traces: int, more: int = MORE) -> Estimate:
    """The rise of α from ``traces`` to ``more`` more. ``draws``: of each, traces learned from → α.

    Undefined where too few draws have an α at three sizes, and where the curve ends too early.
    """
    whole = [draw for draw in draws if len(draw) >= FEWEST_SIZES]
    if len(whole) < FEWEST_DRAWS:
        return Estimate.undefined(
            f"{len(whole)} of {len(draws)} draws have α at {FEWEST_SIZES} sizes, and {FEWEST_DRAWS} are needed"
        )
    last = min(max(draw) for draw in whole)
    if traces + more > FURTHEST * last:
        return Estimate.undefined(
            f"the curve ends at {last} traces, too far from {traces + more} to be continued"
        )
    from scipy.stats import t as student

    n = len(whole)
    t = float(student.ppf((1 + LEVEL) / 2, n - 1))
    values, lows, highs = [], [], []
    for bend in BENDS:
        rises = np.array([_rise(draw, traces, more, bend) for draw in whole])
        half = t * float(rises.std(ddof=1)) * float(np.sqrt(1 / n + SET_ASIDE))
        values.append(float(rises.mean()))
        lows.append(values[-1] - half)
        highs.append(values[-1] + half)
    method = f"curves a − b·n^−c continued, Student's t over {n} draws, c from {min(BENDS)} to {max(BENDS):g}"
    return Estimate(values[0], min(lows), max(highs), method=method, n=n, clusters=n)


def _rise(draw: Mapping[int, float], traces: int, more: int, bend: float) -> float:
    """By least squares of α on n^−c."""
    x, y = np.array(list(draw), dtype=float) ** -bend, np.array(list(draw.values()))
    slope = float(((x - x.mean()) * (y - y.mean())).sum() / ((x - x.mean()) ** 2).sum())
    return slope * float((traces + more) ** -bend - traces**-bend)
