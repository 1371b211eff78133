"""Where the units of a new run come from: a scheme that cuts them, or another run whose units they are, exactly."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..provenance import digest
from ..unit import Unitizer
from .run import CoderRun


def unitizer_of(scheme: str, lang: str | None, units: str | Path | None) -> tuple[Unitizer, dict[str, Any]]:
    """What cuts the units: a scheme, or a run whose units they are; and where they come from, for the record."""
    if units is None:
        return Unitizer(scheme, lang), {}
    run = CoderRun(units)
    spans: dict[str, list[tuple[int, int]]] = {}
    for unit in run.units():
        spans.setdefault(unit.trace_id, []).append((unit.start, unit.end))
    return Unitizer(run.manifest.scheme, lang, spans=spans), {
        "units": str(units),
        "units_digest": digest(spans),
    }
