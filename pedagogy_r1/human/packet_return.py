"""What came back of a packet: whose it is, which unit each row means, and what was never asked for.

    A's file says  coder "anna", document "t90c2…", 512–547      →  coder A, trace aime-3, 512–547
    A's file says  unit u4be1… (drawn for B alone)                →  a problem: it was not drawn for A

Files for coders name a trace by `blind_id`, since the id that a trace came with may tell its condition or model.
"""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

from ..files.seal import PACKET
from ..provenance import file_digest
from ..trace import Unit
from ..unit.unitizer import Unitizer
from .packet import Packet, blind_id
from .raw_coding import CodingRowError, RawCoding

NOT_RETURNED = "nothing came back"
"""Why a unit that was drawn for a coder is missing: no file says anything of it."""


class ReturnedPacket:
    """A packet to which codings come back; ``coder`` is whose they are where the files do not say it."""

    def __init__(self, packet: str | Path, coder: str | None = None) -> None:
        self.packet = Packet(packet)
        if coder is not None:
            self.packet.check_coder(coder)
        self.coder = coder
        self._foreign: dict[str, str] = {}

    @property
    def traces(self) -> Path:
        return self.packet.folder / "key/traces.jsonl"

    def source(self) -> dict[str, str]:
        """For ``run.json``."""
        folder = self.packet.folder
        return {"packet": str(folder), "packet_digest": file_digest(folder / PACKET)}

    @property
    def spans(self) -> bool:
        """Whether its coders drew spans, which are the units then."""
        return self.packet.manifest.spans

    @cached_property
    def traces_of(self) -> dict[str, dict[str, bool]]:
        """By coder, the traces that were asked of them, and whether only for practice."""
        return {
            coder: {task.trace.id: task.practice for task in self.packet.tasks(coder)}
            for coder in self.packet.manifest.coders
        }

    @cached_property
    def in_earnest(self) -> frozenset[str]:
        """The traces that were asked of anybody, practice aside."""
        tasks = (task for coder in self.packet.manifest.coders for task in self.packet.tasks(coder))
        return frozenset(task.trace.id for task in tasks if not task.practice)

    def asked(self, place: tuple[str, int, int], coder: str) -> tuple[str, bool | None]:
        """What was asked of the coder at that place (a unit, or the trace in which spans are drawn), and whether only for practice; none: nothing."""
        if self.spans:
            return f"trace {blind_id(place[0])}", self.traces_of.get(coder, {}).get(place[0])
        unit = self.units[place]
        return f"unit {unit.id}", self.drawn.get(coder, {}).get(unit.id)

    @cached_property
    def units(self) -> dict[tuple[str, int, int], Unit]:
        """All units of the packet by trace, start and end."""
        every = (unit for units in self.packet.units.values() for unit in units)
        return {(unit.trace_id, unit.start, unit.end): unit for unit in every}

    @cached_property
    def drawn(self) -> dict[str, dict[str, bool]]:
        """By coder, the units that were asked of them, and whether only for practice."""
        return {
            coder: {task.unit.id: task.practice for task in self.packet.tasks(coder)}
            for coder in self.packet.manifest.coders
        }

    def unitizer(self, lang: str | None) -> Unitizer:
        spans = {
            trace_id: tuple((unit.start, unit.end) for unit in units)
            for trace_id, units in self.packet.units.items()
        }
        return Unitizer(self.packet.manifest.scheme, lang, spans)

    @cached_property
    def _traces_by_name(self) -> dict[str, str]:
        return {blind_id(trace_id): trace_id for trace_id in self.packet.traces}

    def own(self, raw: RawCoding, file: str) -> RawCoding:
        """The row with the packet's names for its coder and its trace. Raises `CodingRowError` if it is nobody's.

        A name that is no coder of the packet stands for the coder of the command, but only one such name a ``file`` (all sheets
        of a workbook): the work of two people is never taken for one person's.
        """
        known = self.packet.manifest.coders
        name = raw.coder
        if name in known and self.coder not in (None, name):
            raise CodingRowError(f"coded by {name}, and --coder says {self.coder}")
        if name not in known:
            if self.coder is None:
                whose = f"coder {name!r} is" if name else "no coder is named, and this is"
                raise CodingRowError(
                    f"{whose} not one of the packet ({', '.join(known)}): say whose the file is with --coder"
                )
            if self._foreign.setdefault(file, name) != name:
                other = self._foreign[file]
                raise CodingRowError(
                    f"coded by {name!r}, and other rows of this file by {other!r}: import one person's at a time"
                )
            name = self.coder
        return raw._replace(coder=name, trace_id=self._traces_by_name.get(raw.trace_id, raw.trace_id))
