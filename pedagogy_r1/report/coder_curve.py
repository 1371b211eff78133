"""The learning curve of a learned coder, drawn into its folder from its card.

write_curve(card)      coders/mine/learning_curve.svg, learning_curve.png
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

from ..agreement.learned_card import CoderCard, mean_alpha
from ..files.records import write_text
from ..formatting import shown
from ..limits import ALPHA_RELIABLE, ALPHA_TENTATIVE
from .figures.figure import Figure
from .figures.figure_fonts import warn_of
from .figures.learning_figure import learning_curve

NAME = "learning_curve"


def curve_figure(card: CoderCard) -> Figure | None:
    """`None` where the card has no curve (a coder with an encoder)."""
    if not card.curve:
        return None
    marks = {limit: shown(limit) for limit in (ALPHA_TENTATIVE, ALPHA_RELIABLE)}
    cues = mean_alpha(card.cues)
    if cues is not None:
        marks[cues] = f"cues {shown(cues)}"
    return Figure(
        NAME,
        "α with the code that most of the teachers gave, on traces set aside, by how many traces were learned from.",
        partial(
            learning_curve,
            [(point.traces, point.alpha, point.repeats) for point in card.curve],
            marks=marks,
            reading="α with the teachers, on traces set aside",
            said=card.as_json()["more_traces"]["says"],
        ),
    )


def write_curve(card: CoderCard) -> Path | None:
    """Write both files into the coder's folder; the SVG's path."""
    figure = curve_figure(card)
    if figure is None:
        return None
    files = figure.render()
    path = card.fitted.folder / f"{NAME}.svg"
    write_text(path, files.svg)
    write_text(path.with_suffix(".png"), files.png)
    warn_of(files.missing)
    return path
