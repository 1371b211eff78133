"""What development saw, beside what it did not: α on the locked part and on the rest.

On the locked part (traces.locked.json), looked at once, on 2026-11-29, α of A – cues is .47 [.38, .56] (301 units of 12 traces); …
"""

from __future__ import annotations

from ...agreement.locked_alpha import LockedAlpha
from ...formatting import level_words
from ..section import ReportTable, Row, Section, columns, estimate_cells, no_interval
from ..study import Study
from ..study_agreement import measure_agreement

MOST = 6
"""Comparisons that are said in words; the table has all."""


def section(study: Study) -> tuple[Section, ...]:
    """For the page; nothing where no look was counted."""
    found = study.once(measure_agreement).report.locked
    if not found:
        return ()
    level = level_words(study.settings.level)
    table = ReportTable(
        "alpha_locked",
        "α on the locked part and on the rest.",
        columns(
            "coders",
            ("on the locked part", "locked_value", "coefficient"),
            (level, ("locked_low", "locked_high"), "coefficient"),
            ("units", "locked_units", "count"),
            ("on the rest", "rest_value", "coefficient"),
            (level, ("rest_low", "rest_high"), "coefficient"),
            ("units", "rest_units", "count"),
        ),
        tuple(_row(one) for one in found),
        note="What was developed (codebook, prompts, coders) could be fitted to the rest, not to the locked part.",
    )
    lead = tuple(one.sentence() for one in found[:MOST])
    return (Section("locked", "The locked part", lead, (table,)).at(32),)


def _row(one: LockedAlpha) -> Row:
    row: Row = {"coders": " – ".join(one.coders), "lock": one.lock, "looks": len(one.looks)}
    row |= estimate_cells({"locked": one.locked, "rest": one.rest})
    row |= {"locked_units": one.locked.n, "rest_units": one.rest.n}
    for name, alpha in (("locked", one.locked), ("rest", one.rest)):
        row |= {f"{name}_why_undefined": alpha.why_undefined, f"{name}_why_no_interval": no_interval(alpha)}
    return row
