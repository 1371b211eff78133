"""A packet: what a sample of units needs to be coded blind by several people, and to find its way back.

    PACKET/packet.json        codebook, unit scheme, coders, how the units were drawn, seed, digests (`PacketManifest`)
    PACKET/codebook.yaml      the codebook as it was
    PACKET/key/traces.jsonl   the traces whole, with condition, model and correctness: not for the coders
    PACKET/key/units.jsonl    all units of those traces; the drawn ones are coded, the others are their context
    PACKET/key/sample.csv     every unit that could have been drawn: stratum, inclusion_probability, drawn
    PACKET/A/order.jsonl      {"unit_id": …} in the order in which coder A sees them; {"practice": true} where so
    PACKET/A/…                what A is sent: a workbook, a task file, a project

Nothing in a coder's folder says what a machine or another coder thought, nor how the trace was made.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ..codebook import Codebook, parse_codebook
from ..errors import InputError, RunError
from ..files.records import BadRow, read_jsonl
from ..sampling.assignment import CONTEXT
from ..trace import Trace
from ..unit import Unit


class PacketManifest(BaseModel):
    """``packet.json``. ``drawn``: how (fraction, strata, enrichment …), as given; ``counts``: what came of it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    packet_id: str
    codebook: dict[str, str]
    scheme: str
    coders: tuple[str, ...] = Field(min_length=1)
    whole_traces: bool
    context: int = CONTEXT
    seed: int
    drawn: dict[str, Any] = Field(default_factory=dict)
    counts: dict[str, int] = Field(default_factory=dict)
    source: dict[str, str] = Field(default_factory=dict)
    versions: dict[str, str] = Field(default_factory=dict)


class Task(NamedTuple):
    """One unit as a coder sees it: its trace's question, the units before and after, and itself.

    ``number`` counts from 1 in the coder's own order; ``span`` is half-open into ``trace.reasoning``. ``trace`` is blind: no
    condition, model, correctness, reference or metadata.
    """

    number: int
    unit: Unit
    trace: Trace
    before: tuple[Unit, ...]
    after: tuple[Unit, ...]
    practice: bool = False


class Packet:
    """A packet on disk, for reading."""

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        path = self.folder / "packet.json"
        if not path.is_file():
            raise RunError(f"{self.folder}: not a packet (no packet.json)", "make one with: pcode sample")
        try:
            self.manifest = PacketManifest.model_validate_json(path.read_bytes())
        except ValidationError as error:
            raise RunError(
                f"{path}: {error.errors()[0]['msg']} ({error.errors()[0]['loc']})", "restore the file"
            ) from None

    @cached_property
    def codebook(self) -> Codebook:
        """The codebook, checked against the recorded digest."""
        path = self.folder / "codebook.yaml"
        book = parse_codebook(path.read_bytes(), str(path))
        if book.digest != self.manifest.codebook.get("digest"):
            raise RunError(f"{path} is not the codebook of the packet ({book.stamp})", "restore the file")
        return book

    @cached_property
    def traces(self) -> dict[str, Trace]:
        """The sampled traces, whole, by id."""
        return {trace.id: trace for trace in map(Trace.model_validate, self._lines("key/traces.jsonl"))}

    @cached_property
    def units(self) -> dict[str, list[Unit]]:
        """All units of the sampled traces, in order, by trace."""
        found: dict[str, list[Unit]] = {}
        for unit in map(Unit.model_validate, self._lines("key/units.jsonl")):
            found.setdefault(unit.trace_id, []).append(unit)
        return found

    def tasks(self, coder: str) -> Iterator[Task]:
        """What ``coder`` codes, in the coder's own order. Raises `InputError` for a coder the packet is not for."""
        if coder not in self.manifest.coders:
            raise InputError(
                f"{self.folder}: no coder is named {coder!r}", f"known: {', '.join(self.manifest.coders)}"
            )
        place = {unit.id: (unit.trace_id, i) for units in self.units.values() for i, unit in enumerate(units)}
        for number, line in enumerate(self._lines(f"{coder}/order.jsonl"), 1):
            trace_id, i = place[line["unit_id"]]
            units, width = self.units[trace_id], self.manifest.context
            yield Task(
                number,
                units[i],
                blind(self.traces[trace_id]),
                tuple(units[max(0, i - width) : i]),
                tuple(units[i + 1 : i + 1 + width]),
                bool(line.get("practice")),
            )

    def _lines(self, name: str) -> Iterator[dict[str, Any]]:
        path = self.folder / name
        if not path.is_file():
            raise RunError(f"{path} is missing", "restore the packet")
        for row in read_jsonl(path):
            if isinstance(row, BadRow):
                raise InputError(f"{path}:{row.line}: {row.why}", "restore the packet")
            yield row.data


def blind(trace: Trace) -> Trace:
    """The trace without what could sway a coder: condition, model, correctness, reference, metadata."""
    return Trace(
        id=trace.id,
        item=trace.item,
        question=trace.question,
        reasoning=trace.reasoning,
        answer=trace.answer,
        domain=trace.domain,
        lang=trace.lang,
    )
