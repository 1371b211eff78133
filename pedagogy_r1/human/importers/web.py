"""What `pcode web` saved for a coder: ``PACKET/A/web.jsonl`` (`coding/desk.py` says what is in it).

    {"desk": 1, "packet": "p-3f…", "coder": "A", "codebook": "schoen@1.0.0#1f0c…"}
    {"n": 1, "at": …, "unit_id": "u3f…", "codes": ["IA-SQ"]}      the last line of a unit counts

It may be imported while people still code: what is not done yet is missing.
"""

from __future__ import annotations

from collections.abc import Iterator

from ...codebook import NONE
from ...errors import InputError
from ...files.records import BadRow
from ..coding_log import CANNOT, PRACTICE, Entry, ends_whole, replay
from . import Columns, Importer, RawCoding, Table

NOT_YET = "not decided yet"
"""The coder wrote a memo or set a flag, and gave no code."""


class _Web:
    def sniff(self, table: Table) -> float:
        first = table.rows[0] if table.rows else None
        ours = first is not None and not isinstance(first, BadRow) and {"desk", "packet"} <= first.data.keys()
        return 1.0 if ours else 0.0

    def columns(self, table: Table) -> Columns:
        return Columns([], [])

    def read(self, table: Table) -> Iterator[RawCoding | BadRow]:
        rows = table.rows
        if rows and isinstance(rows[-1], BadRow) and not ends_whole(table.path):
            rows = rows[:-1]  # torn by a kill, and never confirmed
        header, work = replay(table.path, rows)
        if header.packet.startswith(PRACTICE):
            raise InputError(f"{table.path} is {header.coder}'s practice", "import the coder's web.jsonl")
        for unit_id, entry in work.entries.items():
            yield RawCoding(
                work.rows[unit_id],
                header.coder,
                None if entry.codes is None else "; ".join(entry.codes) or NONE,
                unit_id,
                memo=entry.memo or None,
                whole=True,
                missing_reason=_why_missing(entry),
                codebook=header.codebook,
                kind="human",
                flag=entry.flag,
            )


def importer() -> Importer:
    """The importer of what was coded in the browser."""
    return _Web()


def _why_missing(entry: Entry) -> str | None:
    return None if entry.codes is not None else CANNOT if entry.missing else NOT_YET
