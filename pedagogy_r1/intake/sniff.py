"""Which format a record is of, told by its content; and the records of a file, whatever holds them.

    run.eval            → the samples of an inspect log           spans.jsonl, 1 line   → its three spans
    out.jsonl.zst       → its lines, unpacked as they are read    [[{"generated_text"…}]] → its one record

Every plugin of `pedagogy_r1.intake.formats` is asked, those of other distributions first, ``record`` last.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from ..errors import PluginError, did_you_mean
from ..files.records import BadRow, Row, read_rows
from ..files.table_rows import TableHead
from ..plugins import OURS, found, load_all
from .fields import KNOWN
from .format import PACKAGE, Format, NoTrace, Record
from .lossless import unparted
from .messages import is_conversation, role_of
from .replies import is_reply
from .written import opened

LAST = "record"
"""The format that fits every record."""

_CHATS = dict.fromkeys(
    (
        "messages",
        "conversations",
        "conversation",
        "choices",
        "prompt",
        "completion",
        "input",
        "output",
        "response",
        "generations",
        "generated_text",
        "raw_response",
        "api_response",
        "result",
        *KNOWN["response"],
    )
)


FAULTS = (TypeError, ValueError, LookupError, AttributeError)
"""What a format raises where a record only looks like its own: such a record is refused, or another format's."""


class Found(NamedTuple):
    """A record of a file: its row, its format, and its number among the records of one row, from 1 (0: the only one)."""

    row: Row
    format: str
    part: int = 0


class Formats:
    """All formats that can be used, in the order in which they are asked; with ``forced``, that one alone."""

    def __init__(self, forced: str | None = None) -> None:
        plugins = found(PACKAGE)
        if forced and forced not in plugins:
            raise PluginError(f"no format is named {forced!r}", did_you_mean(forced, sorted(plugins)))
        made = {name: make() for name, make in load_all(PACKAGE).items()}
        ours = {name for name in made if plugins[name][0].origin == OURS}
        names = sorted(made, key=lambda name: (made[name].last, name == LAST, name in ours, name))
        self.all: dict[str, Format] = {name: made[name] for name in names if forced in (None, name)}

    def of(self, record: Record) -> str:
        """The name of the first format that fits."""
        if len(self.all) == 1:
            return next(iter(self.all))
        return next(name for name, format in self.all.items() if _fits(format, record))

    def records(self, path: Path, head: TableHead | None = None) -> Iterator[Found | BadRow]:
        """The records of a file, one by one."""
        for row in self._rows(path, head):
            if isinstance(row, BadRow):
                yield row
                continue
            row = row._replace(data=_opened(row.data))
            name = self.of(row.data)
            try:
                row, records = self._parted(row, name)
            except (NoTrace, *FAULTS) as error:
                yield BadRow(row.line, f"{name}: {error}", json.dumps(row.data, default=str), row.sheet)
                continue
            for n, record in enumerate(records, 1):
                yield Found(row._replace(data=record), name, n if len(records) > 1 else 0)

    def _parted(self, row: Row, name: str) -> tuple[Row, list[Record]]:
        """The row with what it keeps apart put back, and the records in it; raises `NoTrace` if a text is in none of them."""
        format = self.all[name]
        if format.whole:
            row = row._replace(data=format.whole(row.data))
        if format.parts is None:
            return row, [row.data]
        records = list(format.parts(row.data))
        if why := unparted(row.data, records):
            raise NoTrace(f"the text of {why!r} is in none of its records; import it with --format record")
        return row, records

    def _rows(self, path: Path, head: TableHead | None) -> Iterator[Row | BadRow]:
        for format in self.all.values():
            if format.opens and (records := format.opens(path)) is not None:
                for n, record in enumerate(records, 1):
                    yield Row(n, record, n)
                return
        yield from read_rows(path, head, nested=True)


def _fits(format: Format, record: Record) -> bool:
    try:
        return format.fits(record)
    except FAULTS:
        return False


def _opened(record: Record) -> Record:
    """The record with what speaks in it read, where a table holds it as text."""
    found = {c: opened(record[c]) for c in _CHATS if _may_hold(record.get(c))}
    found = {column: value for column, value in found.items() if _speaks(column, value)}
    return record | found if found else record


def _may_hold(value: Any) -> bool:
    return isinstance(value, str) and value[:64].lstrip()[:1] in ("[", "{", '"')


def _speaks(column: str, value: Any) -> bool:
    """Whether a value that was written into a text is a conversation, parts of a message, a reply, or several generations."""
    if isinstance(value, list):
        several = column == "generations" and bool(value) and all(isinstance(v, str) for v in value)
        parts = bool(value) and all(isinstance(part, dict) and "type" in part for part in value)
        return is_conversation(value) or column == "choices" or several or (parts and column != "input")
    return isinstance(value, dict) and (is_reply(value) or bool(role_of(value)))
