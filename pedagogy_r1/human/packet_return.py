"""What came back of a packet: whose it is, which unit each row means, and what was never asked for.

    A's file says  coder "anna", document "t90c2…", 512–547      →  coder A, trace aime-3, 512–547
    A's file says  unit u4be1… (drawn for B alone)                →  a problem: it was not drawn for A

Files for coders name a trace by `blind_id`, since the id that a trace came with may tell its condition or model.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property
from hashlib import blake2b
from pathlib import Path

from ..errors import InputError
from ..unit import Unit, Unitizer
from .importers import RawCoding
from .packet import Packet
from .parse_cells import Judgement, Placed, Problem

NOT_RETURNED = "nothing came back"
"""Why a unit that was drawn for a coder is missing: no file says anything of it."""


def blind_id(trace_id: str) -> str:
    """A trace's name in files for coders: ``t`` and 16 hex digits.

    >>> blind_id("sk-17-cop-r1")
    't391de67428077950'
    """
    return "t" + blake2b(trace_id.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


class Returned:
    """A packet to which codings come back; ``coder`` is whose they are where the files do not say it."""

    def __init__(self, packet: str | Path, coder: str | None = None) -> None:
        self.packet = Packet(packet)
        known = self.packet.manifest.coders
        if coder is not None and coder not in known:
            raise InputError(f"{packet}: no coder is named {coder!r}", f"known: {', '.join(known)}")
        self.coder = coder
        self._foreign: dict[str, str] = {}

    @property
    def traces(self) -> Path:
        """The file of the packet's traces."""
        return self.packet.folder / "key/traces.jsonl"

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
        """Cuts the packet's units."""
        spans = {
            trace_id: tuple((unit.start, unit.end) for unit in units)
            for trace_id, units in self.packet.units.items()
        }
        return Unitizer(self.packet.manifest.scheme, lang, spans)

    @cached_property
    def _traces_by_name(self) -> dict[str, str]:
        return {blind_id(trace_id): trace_id for trace_id in self.packet.traces}

    def own(self, raw: RawCoding, file: str) -> RawCoding | str:
        """The row with the packet's names for its coder and its trace, or what is wrong.

        A name that is no coder of the packet stands for the coder of the command, but only one such name a file: the
        work of two people is never taken for one person's.
        """
        known = self.packet.manifest.coders
        name = raw.coder
        if name in known and self.coder not in (None, name):
            return f"coded by {name}, and --coder says {self.coder}"
        if name not in known:
            if self.coder is None:
                return (
                    f"{f'coder {name!r} is' if name else 'no coder is named, and this is'} not one of the packet "
                    f"({', '.join(known)}): say whose the file is with --coder"
                )
            if self._foreign.setdefault(file, name) != name:
                return f"coded by {name!r}, and other rows of this file by {self._foreign[file]!r}: import one person's at a time"
            name = self.coder
        return raw._replace(coder=name, trace_id=self._traces_by_name.get(raw.trace_id, raw.trace_id))

    def exact(self, placed: Iterable[Placed]) -> bool:
        """Whether every span is one of the packet's units."""
        return all((one.trace_id, one.start, one.end) in self.units for one in placed)

    def asked(self, placed: Iterable[Placed]) -> tuple[list[Placed], list[str], list[Problem]]:
        """Rows on units that were asked of their coder, the places of those for practice, and problems."""
        kept: list[Placed] = []
        practice: list[str] = []
        problems: list[Problem] = []
        for one in placed:
            unit = self.units[one.trace_id, one.start, one.end]
            mine = self.drawn.get(one.raw.coder, {})
            if unit.id not in mine:
                why = f"unit {unit.id} was not drawn for {one.raw.coder}"
                problems.append(Problem(one.file, one.raw.row, why, one.raw.coder))
            elif mine[unit.id]:
                practice.append(f"{one.file}:{one.raw.row}")
            else:
                kept.append(one)
        return kept, practice, problems

    def complete(
        self, units: Sequence[Unit], coder: str, column: Sequence[Judgement | None]
    ) -> tuple[list[Judgement | None], list[str]]:
        """A judgement for each unit that was asked of the coder and for no other; and what was said of others."""
        mine = self.drawn[coder]
        asked = [mine.get(unit.id) is False for unit in units]
        empty = Judgement(coder, 0, 0, None, NOT_RETURNED)
        pairs = list(zip(asked, column, strict=True))
        surplus = [one.where for real, one in pairs if one is not None and one.where and not real]
        return [(one or empty) if real else None for real, one in pairs], surplus
