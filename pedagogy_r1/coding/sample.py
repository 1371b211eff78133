"""Who codes what: a sample of traces or units with known probabilities, shared out among coders, in each one's own order.

    population ── strata, enrichment ──► π of every unit ── systematic ──► drawn ── double ──► A: 14 shared + 14 of its own
                                         (`draw.py`)                                           B: 14 shared + 14 of its own

Everything is decided here, from ids alone; `packing.py` writes it down.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Literal, NamedTuple

from ..codebook import Codebook
from ..codebook.check import load_checked
from ..errors import InputError
from ..intake import read_traces
from ..provenance import digest, file_digest
from ..unit import Unitizer
from .annotate import unitizer_of
from .coder_name import check_coders
from .draw import chance, how_many, probabilities, systematic
from .enriching import Enrichment
from .packet import CONTEXT
from .population import Population, seen_by, survey
from .strata import DEFAULT, Stratum, check_fields, words

What = Literal["traces", "units"]
Shuffle = Literal["traces", "units"]


class Element(NamedTuple):
    """What is drawn as a whole: a trace with all its units, or one unit. ``seen``: a machine saw the rare code there."""

    id: str
    trace_id: str
    stratum: Stratum
    unit_ids: tuple[str, ...]
    seen: bool = False


class Line(NamedTuple):
    """A line of ``order.jsonl``."""

    unit_id: str
    practice: bool = False


@dataclass(frozen=True)
class Design:
    """What was asked for. ``n`` or ``fraction`` of the traces (units); ``double``: share of these that every coder codes."""

    coders: tuple[str, ...]
    what: What = "traces"
    fraction: float | None = None
    n: int | None = None
    by: tuple[str, ...] = DEFAULT
    double: float = 1.0
    enrichment: Enrichment | None = None
    practice: int = 0
    shuffle: Shuffle | None = None
    context: int = CONTEXT
    seed: int = 0

    @property
    def shuffled(self) -> Shuffle:
        """Whole traces are read from the beginning, each in one go; single units come in any order."""
        return self.shuffle or self.what

    def check(self) -> None:
        """Raise `InputError` for what contradicts itself."""
        check_coders(self.coders)
        if (self.n is None) == (self.fraction is None):
            raise InputError(
                "say how much to draw, once" if self.n is None else "--n and --fraction exclude each other",
                "--fraction .33 draws a third, --n 14 draws fourteen; --plan says how many units are needed",
            )
        if self.fraction is not None and not 0 < self.fraction <= 1:
            raise InputError(f"--fraction {self.fraction:g} is not above 0 and at most 1", "a third is .33")
        if not 0 <= self.double <= 1:
            raise InputError(
                f"--double {self.double:g} is not between 0 and 1", "1: every coder codes everything"
            )
        if self.enrichment:
            self.enrichment.check()


@dataclass(frozen=True)
class Sample:
    """A sample, before anything is written. ``elements`` in the order of the file, and beside them ``pi`` (of each element
    and all its units) and ``coders`` (who codes it; nobody where it was not drawn). ``orders``: by coder."""

    design: Design
    book: Codebook
    unitize: Unitizer
    traces: Path
    source: dict[str, str]
    population: Population
    elements: tuple[Element, ...]
    pi: tuple[float, ...]
    coders: tuple[tuple[str, ...], ...]
    practice: tuple[Element, ...]
    orders: dict[str, tuple[Line, ...]]

    @property
    def drawn(self) -> list[Element]:
        """What was drawn, practice aside."""
        return [element for element, coders in zip(self.elements, self.coders, strict=True) if coders]

    @property
    def packet_id(self) -> str:
        """``p-`` and 12 hex digits of everything that decided the sample; names of files did not."""
        drawn = self.as_drawn()
        if "enrich" in drawn:
            del drawn["enrich"]["run"]
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
            "n": sum(map(bool, self.coders)),
            "by": list(design.by),
            "double": design.double,
            "method": "systematic, ordered by stratum",
            "shuffle": design.shuffled,
            "practice": design.practice,
        }
        if design.fraction is not None:
            found["fraction"] = design.fraction
        if more:
            size = {"factor": more.factor} if more.share is None else {"share": more.share}
            found["enrich"] = {"codes": list(more.codes), "run": str(more.run), **size}
        return found

    def counts(self) -> dict[str, int]:
        """Traces and units: in the population, drawn, coded by all, coded by each."""
        drawn = self.drawn
        everybody = [
            e for e, c in zip(self.elements, self.coders, strict=True) if len(c) == len(self.design.coders)
        ]
        found = {
            "population_traces": len(self.population.members),
            "population_units": self.population.n_units,
            "traces_without_units": self.population.empty,
            "traces": len({element.trace_id for element in drawn}),
            "units": _units(drawn),
            "units_for_all": _units(everybody),
            "practice_units": _units(self.practice),
        }
        if self.design.enrichment:
            found |= {"seen": sum(e.seen for e in self.elements), "seen_drawn": sum(e.seen for e in drawn)}
        for coder, order in self.orders.items():
            found[f"units of {coder}"] = sum(not line.practice for line in order)
        return found

    def strata(self) -> list[dict[str, Any]]:
        """By stratum: traces (units) there, expected in the sample, and drawn."""
        there: Counter[Stratum] = Counter()
        drawn: Counter[Stratum] = Counter()
        expected: dict[Stratum, float] = {}
        for element, pi, coders in zip(self.elements, self.pi, self.coders, strict=True):
            there[element.stratum] += 1
            drawn[element.stratum] += bool(coders)
            expected[element.stratum] = expected.get(element.stratum, 0.0) + pi
        return [
            {
                "stratum": words(s),
                "population": there[s],
                "expected": round(expected[s], 3),
                "drawn": drawn[s],
            }
            for s in sorted(there)
        ]


def draw_sample(
    traces: str | Path,
    design: Design,
    *,
    codebook: str | Path = "schoen",
    scheme: str | None = None,
    lang: str | None = None,
    units: str | Path | None = None,
) -> Sample:
    """Draw from a traces file. ``units``: a run whose units are the population, instead of a ``scheme``.

    Raises `InputError`, `RunError` or `CodebookError`; nothing is written.
    """
    design.check()
    if units is not None and scheme is not None:
        raise InputError("--units and --scheme exclude each other", "the run has its own scheme")
    path, book = Path(traces), load_checked(codebook)
    check_fields(design.by, read_traces(path))
    unitize, source = unitizer_of(scheme or book.unit, lang, units)
    source |= {"traces": str(path), "traces_digest": file_digest(path)} | ({"lang": lang} if lang else {})
    population = survey(read_traces(path), unitize, design.by)
    return sample_of(population, design, book, unitize, path, {k: str(v) for k, v in source.items()})


def sample_of(
    population: Population,
    design: Design,
    book: Codebook,
    unitize: Unitizer,
    traces: Path,
    source: dict[str, str],
) -> Sample:
    """Draw from a population that is at hand."""
    more = design.enrichment
    seen = seen_by(more.run, more.codes, population) if more else frozenset()
    if more:
        source = source | {"enrich_digest": digest(sorted(seen))}
    elements = tuple(_elements(population, design.what, seen))
    order = _in_order(elements, design.seed)
    pi, drawn = _draw(elements, order, design)
    coders = _deal([i for i in order if drawn[i]], len(elements), design)
    practice = _practice(elements, drawn, design)
    orders = {
        coder: tuple(
            _order(coder, [e for e, c in zip(elements, coders, strict=True) if coder in c], practice, design)
        )
        for coder in design.coders
    }
    return Sample(
        design,
        book,
        unitize,
        traces,
        source,
        population,
        elements,
        tuple(pi),
        tuple(coders),
        practice,
        orders,
    )


def _elements(population: Population, what: What, seen: frozenset[str]) -> Iterator[Element]:
    for member in population.members:
        if what == "traces":
            hit = not seen.isdisjoint(member.unit_ids)
            yield Element(member.trace_id, member.trace_id, member.stratum, member.unit_ids, hit)
        else:
            for unit in member.unit_ids:
                yield Element(unit, member.trace_id, member.stratum, (unit,), unit in seen)


def _in_order(elements: Sequence[Element], seed: int) -> list[int]:
    """Places of the elements, by stratum, what the machine saw apart, then trace by trace and within them at random.

    Units of one trace lie together, so that the sample spreads over the traces.
    """
    of_trace = {e.trace_id: chance(seed, "trace", e.trace_id) for e in elements}

    def key(i: int) -> tuple[Stratum, bool, float, str, float]:
        e = elements[i]
        return e.stratum, e.seen, of_trace[e.trace_id], e.trace_id, chance(seed, "unit", e.id)

    return sorted(range(len(elements)), key=key)


def _draw(
    elements: Sequence[Element], order: Sequence[int], design: Design
) -> tuple[list[float], list[bool]]:
    n = design.n if design.n is not None else how_many(design.fraction or 0, len(elements))
    if not 1 <= n <= len(elements):
        raise InputError(
            f"--n {n}: there are {len(elements):,} {design.what} with something to code",
            f"draw between 1 and {len(elements)}",
        )
    seen = [element.seen for element in elements]
    weights = design.enrichment.weights(seen, n) if design.enrichment else [1.0] * len(elements)
    pi = probabilities(weights, n)
    hits = systematic([pi[i] for i in order], chance(design.seed, "start"))
    drawn = [False] * len(elements)
    for i, hit in zip(order, hits, strict=True):
        drawn[i] = hit
    return pi, drawn


def _deal(drawn: Sequence[int], size: int, design: Design) -> list[tuple[str, ...]]:
    """Every coder gets the shared part; the others take turns with the rest, down the same order, so that each has some of
    every stratum."""
    everybody = design.coders
    found: list[tuple[str, ...]] = [()] * size
    d = 0 if design.double == 0 else how_many(design.double, len(drawn))
    shared = (
        systematic(probabilities([1.0] * len(drawn), d), chance(design.seed, "double"))
        if d
        else [False] * len(drawn)
    )
    turn = int(chance(design.seed, "deal") * len(everybody))
    for i, both in zip(drawn, shared, strict=True):
        found[i] = everybody if both else (everybody[turn % len(everybody)],)
        turn += not both
    return found


def _practice(elements: Sequence[Element], drawn: Sequence[bool], design: Design) -> tuple[Element, ...]:
    """From what was not drawn, so that no probability changes; the same for every coder."""
    if not design.practice:
        return ()
    left = sorted(
        (e for e, hit in zip(elements, drawn, strict=True) if not hit),
        key=lambda e: chance(design.seed, "practice", e.id),
    )
    if len(left) < design.practice:
        raise InputError(
            f"--practice {design.practice}: only {len(left)} {design.what} were not drawn",
            "practise on other traces, or draw less",
        )
    return tuple(islice(left, design.practice))


def _order(coder: str, own: Sequence[Element], practice: Sequence[Element], design: Design) -> Iterator[Line]:
    """Practice, then the coder's own units: traces in random order and read from the beginning, or units in any order."""
    yield from (Line(unit, True) for element in practice for unit in element.unit_ids)
    units = [(element.trace_id, unit) for element in own for unit in element.unit_ids]
    purpose = f"order of {coder}"
    # Elements come in the order of the file, and sorting keeps that among units of one trace: reading order.
    if design.shuffled == "traces":
        units.sort(key=lambda each: (chance(design.seed, purpose, each[0]), each[0]))
    else:
        units.sort(key=lambda each: chance(design.seed, purpose, each[1]))
    yield from (Line(unit) for _, unit in units)


def _units(elements: Sequence[Element]) -> int:
    return sum(len(element.unit_ids) for element in elements)
