"""Who codes what: traces or units drawn with known probabilities, shared out among coders, in each one's own order.

    population ── strata, enrichment ──► π of every unit ── `draw.py` ──► drawn ── double ──► A: 14 shared + 14 of its own
                                                                                             B: 14 shared + 14 of its own

From ids alone: what a sample is does not depend on any text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

from ..errors import ArgumentError, InputError
from .active import Active, Target, allocation, worth
from .draw import draw, draw_unequal, hash_random, how_many, probabilities
from .population import STRATA, Population, Stratum

Whole = Literal["traces", "units"]
"""What is drawn, or put in order, as a whole."""

FACTOR, MOST_FACTOR = 5.0, 1000.0

CONTEXT = 3
"""Units before and after that a coder sees, unless told otherwise; the question is always there."""


_NAME = re.compile(r"\w([\w .-]{0,58}[\w-])?")
RESERVED = frozenset({"key", "none", "gold", "con", "prn", "aux", "nul", "packet.json", "codebook.yaml"})
"""No names of coders, which are folders in a packet, on any system: ``key`` is a folder of the packet itself, and the last two are files of it; ``con`` to ``nul`` are no names for folders on Windows."""


def check_coders(names: Sequence[str]) -> None:
    """Raise `InputError` unless these can be the coders of one packet."""
    if not names:
        raise InputError("no coder is named", "name them: --coders A,B")
    for name in names:
        if not _NAME.fullmatch(name) or name.lower() in RESERVED:
            raise InputError(
                f"--coders: {name!r} cannot be a coder's name",
                "use letters, digits, spaces, points, - and _, at most 60; not key, none, gold, or what a packet's files are called",
            )
    folded = [name.casefold() for name in names]
    for name, fold in zip(names, folded, strict=True):
        if folded.count(fold) > 1:
            raise InputError(f"--coders: {name!r} is there twice", "give every coder a name of their own")


class Element(NamedTuple):
    """What is drawn as a whole: a trace with all its units, or one unit. ``seen``: a machine saw the rare code there."""

    id: str
    trace_id: str
    stratum: Stratum
    unit_ids: tuple[str, ...]
    seen: bool = False


class OrderLine(NamedTuple):
    """A line of ``order.jsonl``."""

    unit_id: str
    practice: bool = False


class Enrichment(NamedTuple):
    """More of what a machine took for a rare code, and by how much its probability rises.

        --enrich OA-ME --run runs/cues               what the run took for OA-ME is five times as likely to be drawn
        --enrich OA-ME --run … --enrich-factor 10    ten times
        --enrich OA-ME --run … --enrich-share .5     as likely as makes it half of the sample (expected)

    What the machine did not see keeps a probability above 0: it may have overlooked some, and only people can tell.
    ``codes`` as ``run`` gave them; ``share``, if given, takes the place of ``factor``.
    """

    codes: tuple[str, ...]
    run: str | Path
    factor: float = FACTOR
    share: float | None = None

    def check(self) -> None:
        """Raise `ValueError` for a factor or share that cannot be."""
        if not 1 <= self.factor <= MOST_FACTOR:
            raise ArgumentError(
                f"--enrich-factor {self.factor:g} is not between 1 and {MOST_FACTOR:g}",
                "5 draws five times as many",
            )
        if self.share is not None and not 0 < self.share < 1:
            raise ArgumentError(
                f"--enrich-share {self.share:g} is not between 0 and 1",
                "with .5 half of the sample is what the machine "
                "took for the code, and the other half keeps it honest",
            )

    def weights(self, seen: Sequence[bool], n: int) -> list[float]:
        """Relative probabilities of the elements, of which ``n`` are to be drawn."""
        if self.share is None:
            return [self.factor if hit else 1.0 for hit in seen]
        hits = sum(seen)
        if hits == len(seen):
            return [1.0] * len(seen)
        there, elsewhere = self.share * n / hits, (1 - self.share) * n / (len(seen) - hits)
        return [there if hit else elsewhere for hit in seen]


class Deferral(NamedTuple):
    """The units that a machine left open, and, where a share is named, some of those that it coded.

        --deferred runs/learned                  what the run deferred, and nothing else
        --deferred runs/learned --others .05     and one in twenty of the units that it did code, to see how often it errs there

    ``others``: share of the other units, 0 for none: then people's codes say nothing of what the machine coded.
    """

    run: str | Path
    others: float = 0.0

    def check(self) -> None:
        """Raise `ValueError` for a share that cannot be."""
        if not 0 <= self.others <= 1:
            raise ArgumentError(
                f"--others {self.others:g} is not between 0 and 1", "one in twenty of the others is .05"
            )


@dataclass(frozen=True)
class Design:
    """What was asked for. ``n`` or ``fraction`` of the traces (units), or with ``deferral`` of the deferred units; ``double``: share of what is drawn that every coder codes."""

    coders: tuple[str, ...]
    what: Whole = "traces"
    fraction: float | None = None
    n: int | None = None
    by: tuple[str, ...] = STRATA
    double: float = 1.0
    enrichment: Enrichment | None = None
    active: Active | None = None
    deferral: Deferral | None = None
    practice: int = 0
    shuffle: Whole | None = None
    context: int = CONTEXT
    seed: int = 0
    spans: bool = False
    """Coders draw spans of their own in what is drawn."""

    @property
    def shuffled(self) -> Whole:
        """Whole traces are read from the beginning, each in one go; single units come in any order."""
        return self.shuffle or self.what

    def check(self) -> None:
        """Raise `ValueError` for what contradicts itself."""
        check_coders(self.coders)
        if (self.n is None) == (self.fraction is None):
            what = "say how much to draw, once" if self.n is None else "--n and --fraction exclude each other"
            raise ArgumentError(
                what,
                "--fraction .33 draws a third, --n 14 draws fourteen; pcode sample --plan, without --active, says how many units are needed",
            )
        if self.fraction is not None and not 0 < self.fraction <= 1:
            raise ArgumentError(
                f"--fraction {self.fraction:g} is not above 0 and at most 1", "a third is .33"
            )
        if not 0 <= self.double <= 1:
            raise ArgumentError(
                f"--double {self.double:g} is not between 0 and 1", "1: every coder codes everything"
            )
        if self.spans and self.shuffled == "units":
            raise ArgumentError(
                "spans are drawn in whole traces, each read from its beginning",
                "leave out --what units and --shuffle units",
            )
        for name in self.by:
            if self.by.count(name) > 1:
                raise ArgumentError(f"--strata names {name!r} twice", "name each field once")
        if self.enrichment and self.active:
            raise ArgumentError(
                "--enrich and --active exclude each other",
                "--active draws by how sure the machine is of every code asked for, --enrich by where it saw a rare one",
            )
        if self.enrichment:
            self.enrichment.check()
        if self.active:
            self.active.check()
        if self.deferral:
            self.deferral.check()
            if self.enrichment or self.active or self.what == "traces":
                other = "--enrich" if self.enrichment else "--active" if self.active else "--what traces"
                raise ArgumentError(f"--deferred and {other} exclude each other", f"leave out {other}")


@dataclass(frozen=True)
class DrawnElements:
    """``elements`` in the order of the population, and beside them ``pi`` (of each element and all its units) and ``coders``
    (who codes it; nobody where it was not drawn). ``orders``: by coder."""

    elements: tuple[Element, ...]
    pi: tuple[float, ...]
    coders: tuple[tuple[str, ...], ...]
    practice: tuple[Element, ...]
    orders: dict[str, tuple[OrderLine, ...]]

    def rows(self) -> Iterator[tuple[Element, float, tuple[str, ...]]]:
        """Every element with its π and its coders."""
        return zip(self.elements, self.pi, self.coders, strict=True)

    @property
    def drawn(self) -> list[Element]:
        """What was drawn, practice aside."""
        return [element for element, _, coders in self.rows() if coders]


def draw_from(
    population: Population, design: Design, seen: frozenset[str] = frozenset(), target: Target | None = None
) -> DrawnElements:
    """Draw from a population. ``seen``: ids of the units where a machine saw the code to be enriched; ``target``: what an active
    sample makes precise, its units those of the population, in order.

    Raises `InputError` if there is less to draw from than is asked for.
    """
    elements = tuple(_elements(population, design.what, seen))
    shuffled = _shuffled(elements, design.seed)
    pi = _probabilities(elements, design, target)
    strata = [(str(e.seen), *e.stratum) for e in elements]
    drawn = (draw_unequal if target else draw)(pi, strata, shuffled, design.seed, "sample")
    coders = _deal([i for i in shuffled if drawn[i]], elements, design)
    practice = _practice(elements, drawn, design)
    orders = {}
    for coder in design.coders:
        own = [e for e, c in zip(elements, coders, strict=True) if coder in c]
        orders[coder] = tuple(_order(coder, own, practice, design))
    return DrawnElements(elements, tuple(pi), tuple(coders), practice, orders)


def _elements(population: Population, what: Whole, seen: frozenset[str]) -> Iterator[Element]:
    for member in population.members:
        if what == "traces":
            hit = not seen.isdisjoint(member.unit_ids)
            yield Element(member.trace_id, member.trace_id, member.stratum, member.unit_ids, hit)
        else:
            for unit in member.unit_ids:
                yield Element(unit, member.trace_id, member.stratum, (unit,), unit in seen)


def _shuffled(elements: Sequence[Element], seed: int) -> list[int]:
    """Places of the elements in random order, but those of one trace together: a sample down the list spreads over traces."""
    of_trace = {e.trace_id: hash_random(seed, "trace", e.trace_id) for e in elements}

    def key(i: int) -> tuple[float, str, float]:
        e = elements[i]
        return of_trace[e.trace_id], e.trace_id, hash_random(seed, "unit", e.id)

    return sorted(range(len(elements)), key=key)


def _probabilities(elements: Sequence[Element], design: Design, target: Target | None) -> list[float]:
    if design.deferral and design.deferral.others:
        deferred = sum(e.seen for e in elements)
        own = _chance(deferred, design, "deferred units")
        rest = len(elements) - deferred
        other = how_many(design.deferral.others, rest) / rest if rest else 0.0
        return [own if e.seen else other for e in elements]
    if design.deferral:
        return [_chance(len(elements), design, "deferred units")] * len(elements)
    n = design.n if design.n is not None else how_many(design.fraction or 0, len(elements))
    if not 1 <= n <= len(elements):
        raise InputError(
            f"--n {n}: there are {len(elements):,} {design.what} with something to code",
            f"draw between 1 and {len(elements)}",
        )
    if target and design.active:
        worths = worth(target, target.elements(design.what))
        return [float(p) for p in allocation(worths, n, design.active.floor)]
    more = design.enrichment
    weights = more.weights([e.seen for e in elements], n) if more else [1.0] * len(elements)
    return probabilities(weights, n)


def _chance(there: int, design: Design, what: str) -> float:
    """Of each of ``there`` elements that are all alike."""
    n = design.n if design.n is not None else how_many(design.fraction or 0, there)
    if not 1 <= n <= there:
        raise InputError(f"--n {n}: there are {there:,} {what}", f"draw between 1 and {there}")
    return n / there


def _deal(drawn: Sequence[int], elements: Sequence[Element], design: Design) -> list[tuple[str, ...]]:
    """Every coder gets the shared part, and the rest is divided; both by stratum, so that no coder gets one condition only."""
    found: list[tuple[str, ...]] = [()] * len(elements)
    left = list(drawn)

    def take(n: int, who: tuple[str, ...], purpose: str) -> list[int]:
        if n == 0:
            return left
        strata = [elements[i].stratum for i in left]
        hits = draw([n / len(left)] * len(left), strata, range(len(left)), design.seed, purpose)
        for i, hit in zip(left, hits, strict=True):
            if hit:
                found[i] = who
        return [i for i, hit in zip(left, hits, strict=True) if not hit]

    left = take(how_many(design.double, len(left)) if design.double else 0, design.coders, "double")
    for k, coder in enumerate(design.coders):
        left = take(round(len(left) / (len(design.coders) - k)), (coder,), f"part of {coder}")
    return found


def _practice(elements: Sequence[Element], drawn: Sequence[bool], design: Design) -> tuple[Element, ...]:
    """From what was not drawn, so that no probability changes; the same for every coder."""
    if not design.practice:
        return ()
    left = sorted(
        (e for e, hit in zip(elements, drawn, strict=True) if not hit),
        key=lambda e: hash_random(design.seed, "practice", e.id),
    )
    if len(left) < design.practice:
        raise InputError(
            f"--practice {design.practice}: only {len(left)} {design.what} were not drawn",
            "practise on other traces, or draw less",
        )
    return tuple(left[: design.practice])


def _order(
    coder: str, own: Sequence[Element], practice: Sequence[Element], design: Design
) -> Iterator[OrderLine]:
    """Practice, then the coder's own units: traces in random order and read from the beginning, or units in any order."""
    yield from (OrderLine(unit, True) for element in practice for unit in element.unit_ids)
    units = [(element.trace_id, unit) for element in own for unit in element.unit_ids]
    purpose = f"order of {coder}"
    # Elements come in the order of the file, and sorting keeps that among units of one trace: reading order.
    if design.shuffled == "traces":
        units.sort(key=lambda each: (hash_random(design.seed, purpose, each[0]), each[0]))
    else:
        units.sort(key=lambda each: hash_random(design.seed, purpose, each[1]))
    yield from (OrderLine(unit) for _, unit in units)
