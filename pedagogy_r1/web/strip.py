"""A trace at a glance: its units from left to right as a bar, each in its code's colour.

<svg class="strip" viewBox="0 0 4 1" role="img" aria-label="A: KA-RO 3, IA-SQ 1"><path class="c1" d="M0 .5h3"/>…
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import groupby

from markupsafe import Markup

from ..codebook import NONE, Codebook
from .colors import code_class
from .index import CoderColumn

NEARLY = 0.9


def lead(coded: Mapping[int, int], columns: Sequence[CoderColumn]) -> int | None:
    """Whose codes colour a trace, given how many units each column coded: none if nobody coded any.

    Of those who coded nearly as much as the one who coded most, the first person; a machine where there is none.
    """
    most = max(coded.values(), default=0)
    fit = [column for column, count in coded.items() if count and count >= NEARLY * most]
    return min(fit, key=lambda column: (columns[column].kind != "human", column), default=None)


def strip(
    said: Sequence[array[int]], column: int, sets: Sequence[tuple[str, ...] | None], book: Codebook, who: str
) -> Markup:
    """The bar of one coder's primary codes; what is missing is a gap."""
    primary = [_primary(sets[cells[column]]) for cells in said]
    paths: dict[str, list[str]] = {}
    at = 0
    for code, run in groupby(primary):
        width = len(list(run))
        if code is not None:
            paths.setdefault(code, []).append(f"M{at} .5h{width}")
        at += width
    counts = Counter(code for code in primary if code is not None)
    label = f"{who}: " + ", ".join(f"{code} {n}" for code, n in counts.most_common())
    drawn = Markup().join(
        Markup('<path class="{}" d="{}"/>').format(code_class(book, code), "".join(parts))
        for code, parts in paths.items()
    )
    return Markup(
        '<svg class="strip" viewBox="0 0 {} 1" preserveAspectRatio="none" role="img" aria-label="{}">{}</svg>'
    ).format(max(1, at), label, drawn)


def _primary(codes: tuple[str, ...] | None) -> str | None:
    return None if codes is None else codes[0] if codes else NONE
