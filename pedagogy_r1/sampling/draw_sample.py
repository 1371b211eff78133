"""A sample of a traces file, before it is packed: what was asked for, where it came from, what was drawn, how much.

sample = draw_sample("traces.jsonl", Design(coders=("A", "B"), fraction=0.33))
sample.counts()     {"population_traces": 42, "traces": 14, "units": 310, "units_for_all": 310, …}
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import fsum
from pathlib import Path
from typing import Any

from ..codebook import Codebook
from ..errors import ArgumentError
from ..intake import read_traces
from ..provenance import digest, file_digest
from ..runs.run import CoderRun, require_texts
from ..runs.run_writer import codebook_for, unitizer_of
from ..unit.unitizer import SPAN, Unitizer
from .active import Active, Target, target_of
from .assignment import Design, DrawnElements, Element, draw_from
from .machine_guess import MachineGuess, machine_guess
from .population import (
    Population,
    Stratum,
    check_fields,
    deferred_by,
    only_units,
    seen_by,
    stratum_name,
    survey,
)

WITHIN = "sentence@1"
"""What helps coders who draw spans: a step of the keyboard, and what a span snaps to."""


@dataclass(frozen=True)
class DrawnSample:
    """``source``: the files it came from, with their digests; ``drawing``: what was drawn."""

    design: Design
    book: Codebook
    unitize: Unitizer
    traces: Path
    source: dict[str, str]
    population: Population
    drawing: DrawnElements
    target: Target | None = None
    """What an active sample is to make precise."""

    @property
    def packet_id(self) -> str:
        """``p-`` and 12 hex digits of everything that decided the sample; names of files did not."""
        drawn = self.as_drawn()
        for name in ("enrich", "active", "deferred"):
            drawn.get(name, {}).pop("run", None)
        made_of = {
            "codebook": self.book.digest,
            "scheme": self.unitize.scheme,
            "sources": {
                name: text for name, text in self.source.items() if name.endswith(("_digest", "lang"))
            },
            "design": drawn,
            "coders": self.design.coders,
            "context": self.design.context,
            "seed": self.design.seed,
        }
        return "p-" + digest(made_of).removeprefix("sha256:")[:12]

    def as_drawn(self) -> dict[str, Any]:
        """How it was drawn, for ``packet.json``."""
        design, more = self.design, self.design.enrichment
        found: dict[str, Any] = {
            "what": design.what,
            "n": sum(map(bool, self.drawing.coders)),
            "by": list(design.by),
            "double": design.double,
            "method": "strata in balanced numbers, systematic within",
            "shuffle": design.shuffled,
            "practice": design.practice,
        }
        if design.spans:
            found["spans"] = True
        if design.fraction is not None:
            found["fraction"] = design.fraction
        if design.deferral:
            found["deferred"] = {"run": str(design.deferral.run), "others": design.deferral.others}
        if more:
            size = {"factor": more.factor} if more.share is None else {"share": more.share}
            found["enrich"] = {"codes": list(more.codes), "run": str(more.run), **size}
        if design.active and self.target:
            found["active"] = design.active.as_drawn(self.target)
        return found

    def counts(self) -> dict[str, int]:
        """Traces and units: in the population, drawn, coded by all, coded by each."""
        drawn = self.drawing.drawn
        everybody = [e for e, _, coders in self.drawing.rows() if len(coders) == len(self.design.coders)]
        found = {
            "population_traces": len(self.population.members),
            "population_units": self.population.n_units,
            "traces_without_units": self.population.empty,
            "traces": len({element.trace_id for element in drawn}),
            "units": _units(drawn),
            "units_for_all": _units(everybody),
            "practice_units": _units(self.drawing.practice),
        }
        if self.design.enrichment or self.design.deferral:
            found |= {
                "seen": sum(e.seen for e in self.drawing.elements),
                "seen_drawn": sum(e.seen for e in drawn),
            }
        for coder, order in self.drawing.orders.items():
            found[f"units of {coder}"] = sum(not line.practice for line in order)
        return found

    def strata(self) -> list[dict[str, Any]]:
        """By stratum: traces (units) there, expected in the sample, and drawn."""
        members: dict[Stratum, list[tuple[float, bool]]] = {}
        for element, pi, coders in self.drawing.rows():
            members.setdefault(element.stratum, []).append((pi, bool(coders)))
        return [
            {
                "stratum": stratum_name(stratum),
                "population": len(found),
                "expected": round(fsum(pi for pi, _ in found), 3),
                "drawn": sum(drawn for _, drawn in found),
            }
            for stratum, found in sorted(members.items())
        ]


def draw_sample(
    traces: str | Path,
    design: Design,
    *,
    codebook: str | Path | None = None,
    scheme: str | None = None,
    lang: str | None = None,
    units: str | Path | None = None,
) -> DrawnSample:
    """Draw from a traces file. ``units``: a run whose units are the population, instead of a ``scheme``. ``codebook``: if none is
    given, that of the run whose units are drawn, or by which they are drawn; else schoen.

    Raises `ValueError` for a design that contradicts itself, and `InputError`, `RunError` or `CodebookError` for what is
    in the files; nothing is written.
    """
    design.check()
    path, left_open = Path(traces), design.deferral
    if left_open and units not in (None, left_open.run):
        raise ArgumentError(
            "--deferred and --units exclude each other", "the run that left units open has its own"
        )
    if left_open:
        units = left_open.run
    if units is not None and scheme is not None:
        raise ArgumentError("--units and --scheme exclude each other", "the run has its own scheme")
    book = codebook_for(codebook, units, design.active.run if design.active else None)
    check_fields(design.by, read_traces(path))
    if book.unit == SPAN and not design.spans:
        design = replace(design, spans=True)
        design.check()
    if design.spans and units is not None:
        raise ArgumentError(
            "--units names units, and here coders draw spans of their own", "leave --units out"
        )
    unitize, source = unitizer_of(scheme or (WITHIN if book.unit == SPAN else book.unit), lang, units)
    source |= {"traces": str(path), "traces_digest": file_digest(path)} | ({"lang": lang} if lang else {})
    population = survey(read_traces(path), unitize, design.by)
    more = design.enrichment
    for by in (more, design.active):
        if by:
            require_texts(CoderRun(by.run, locked="always"), read_traces(path))
    seen = seen_by(more.run, more.codes, population) if more else frozenset()
    if more:
        source |= {"enrich_digest": digest(sorted(seen))}
    target = None
    if design.active:
        guess = machine_guess(design.active.run, book)
        target = population_target(design.active, guess, population, path)
        source |= {"active_digest": guess.digest}
    if left_open:
        seen = deferred_by(left_open.run, population)
        source |= {"deferred_digest": digest(sorted(seen))}
        if not left_open.others:
            population = only_units(population, seen)
    told = {name: str(value) for name, value in source.items()}
    drawing = draw_from(population, design, seen, target)
    return DrawnSample(design, book, unitize, path, told, population, drawing, target)


def population_target(active: Active, guess: MachineGuess, population: Population, traces: Path) -> Target:
    """What ``active`` makes precise in a population of a traces file."""
    of_trace = [(unit, member.trace_id) for member in population.members for unit in member.unit_ids]
    units, trace_ids = zip(*of_trace, strict=True)
    return target_of(active, guess, units, trace_ids, lambda: read_traces(traces))


def _units(elements: Sequence[Element]) -> int:
    return sum(len(element.unit_ids) for element in elements)
