"""The units that coders disagree on most, with their words: what to talk over before anything is coded again.

“I could also share out the 9.0 V as 1.5 to 3.0.”    A: IA-PL   B: IA-MT   cues: KA-RO
"""

from __future__ import annotations

import numpy as np

from ...agreement import MISSING, profiles
from ..section import Gap, Quote, Section, counted
from ..study import Study

MOST = 12
EACH = 2
"""Quotes of one and the same confusion; more would crowd out the others."""

LENGTH = 400


def disagreements(study: Study, most: int = MOST) -> tuple[tuple[Quote, ...], int]:
    """Quotes, the largest share of disagreeing pairs first, then the rarer confusion; and how many units disagree."""
    found = profiles(study.data.primary, len(study.codes))
    m = found.counts.sum(axis=1)
    share = (m**2 - (found.counts**2).sum(axis=1)) / np.maximum(m * (m - 1), 1)
    units_of = np.bincount(found.profile, minlength=len(m))
    order = [p for p in np.lexsort((units_of, -m, -share)) if share[p] > 0]
    chosen: list[int] = []
    for profile in order:
        if len(chosen) >= most:
            break
        chosen += np.flatnonzero(found.profile == profile)[:EACH].tolist()
    units = [int(found.units[i]) for i in chosen[:most]]
    texts = study.quoted({study.data.unit_ids[u] for u in units})
    quotes = tuple(
        Quote(*texts[study.data.unit_ids[u]], _said(study, u))
        for u in units
        if study.data.unit_ids[u] in texts
    )
    return quotes, int(units_of[share > 0].sum())


def _said(study: Study, unit: int) -> tuple[tuple[str, str], ...]:
    return tuple(
        (coder.name, study.codes[value])
        for coder, value in zip(study.data.coders, study.data.primary[:, unit], strict=True)
        if value != MISSING
    )


def quote_section(study: Study) -> Section:
    """Disagreements, quoted."""
    title = "Disagreements, quoted"
    if len(study.data.coders) < 2:
        return Section("quotes", title, absent="one coder cannot disagree")
    quotes, units = disagreements(study)
    if not quotes:
        shared = bool(((study.data.primary != MISSING).sum(axis=0) >= 2).any())
        why = "the coders never disagree" if shared else "no unit was coded by two coders"
        return Section("quotes", title, absent=why, gaps=() if shared else (Gap("Disagreements", why),))
    lead = (
        f"Coders give different primary codes to {counted(units, 'unit')}. Here are some on which most of them differ, rare "
        f"confusions first, at most {EACH} of a kind.",
    )
    return Section("quotes", title, lead, quotes=quotes)
