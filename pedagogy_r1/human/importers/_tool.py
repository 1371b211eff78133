"""What the exports of annotation tools have in common: nested JSON that may hold anything, and offsets counted as JavaScript does.

    {"value": {"start": 14, "end": 18, "labels": ["TR-SP"]}}  on "🙂 Okay. Wait, …"   →  start 13, end 17, quote "Wait"

Every value is taken for what it must be, or refused by name; nothing is guessed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from ...files.records import BadRow, Row
from . import RawCoding, Table

FLAG = "flag"
_RANKED = re.compile(r"(2nd|3rd|\d+th) (.+)", re.DOTALL)


class Odd(Exception):
    """What in a record is not as the tool writes it."""


def each_record(table: Table, read: Callable[[Row, int], list[RawCoding]]) -> Iterator[RawCoding | BadRow]:
    """Record by record; one that is not as the tool writes it (`Odd`) comes as a bad row, and the rest is read."""
    for row in table.rows:
        if isinstance(row, BadRow):
            yield row
            continue
        number = row.nth or row.line
        try:
            yield from read(row, number)
        except Odd as odd:
            yield bad(row, number, odd)


class Home(NamedTuple):
    """What a record of ours says of itself, whatever the tool: which unit (or trace), whose, under which codebook."""

    unit_id: str
    trace_id: str
    unit: str | None
    text: str | None
    coder: str
    codebook: str | None

    def raw(self, number: int, cell: str | None, **more: Any) -> RawCoding:
        """A coding of the record's unit."""
        return RawCoding(
            number,
            self.coder,
            cell,
            self.unit_id,
            quote=self.unit,
            whole=True,
            codebook=self.codebook,
            **more,
        )

    def span(
        self, number: int, cell: str | None, start: object, end: object, quote: str | None, **more: Any
    ) -> RawCoding:
        """A coding of a stretch of the record's text; offsets in UTF-16 code units, unless the quote says otherwise."""
        found = by_utf16(self.text or "", start, end, quote)
        return RawCoding(
            number,
            self.coder,
            cell,
            trace_id=self.trace_id,
            start=found[0],
            end=found[1],
            quote=found[2],
            codebook=self.codebook,
            **more,
        )


def home(data: dict[str, Any]) -> Home:
    """Read the fields that ``packets/`` put in. Raises `Odd` where one is no text."""
    return Home(
        text_of(data, "unit_id") or "",
        text_of(data, "trace_id") or text_of(data, "document") or "",
        text_of(data, "unit"),
        text_of(data, "text"),
        (text_of(data, "coder") or "").strip(),
        text_of(data, "codebook"),
    )


def text_of(data: dict[str, Any], name: str) -> str | None:
    """A text, or ``None`` if it is empty or not there."""
    value = data.get(name)
    if value is None or isinstance(value, str):
        return value or None
    raise Odd(f"{name} is no text but {kind(value)}")


def texts(value: Any, name: str) -> list[str]:
    """A list of texts; one text alone is a list too, and nothing is an empty one."""
    if value is None:
        return []
    if isinstance(value, str):
        return [value]
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        return value
    raise Odd(f"{name} is no list of texts but {kind(value)}")


def objects(value: Any, name: str) -> list[dict[str, Any]]:
    """A list of objects; nothing is an empty one."""
    if value is None:
        return []
    if isinstance(value, list) and all(isinstance(each, dict) for each in value):
        return value
    raise Odd(f"{name} is no list of objects but {kind(value)}")


def kind(value: Any) -> str:
    """What a value is, shortly."""
    return f"{type(value).__name__} {json.dumps(value, ensure_ascii=False, default=str)[:40]}"


def codes_in_order(names: list[str]) -> str | None:
    """Codes whose places are in their names: ``["2nd OA-ME", "IA-SQ"]`` → ``IA-SQ; OA-ME``. ``None``: none was given."""
    placed: dict[int, str] = {}
    for name in names:
        found = _RANKED.fullmatch(name.strip())
        rank = 1 if not found else {"2nd": 2, "3rd": 3}.get(found[1]) or int(found[1][:-2][:3])
        if rank in placed:
            other = "two first codes" if rank == 1 else f"two codes at place {rank}"
            raise Odd(f"{other}, {placed[rank]} and {name}: which one comes first is not said")
        placed[rank] = found[2] if found else name.strip()
    if placed and sorted(placed) != list(range(1, len(placed) + 1)):
        raise Odd(
            f"{', '.join(placed.values())}: there is no code at place {min(set(range(1, 21)) - set(placed))}"
        )
    return "; ".join(placed[rank] for rank in sorted(placed)) or None


def by_utf16(text: str, start: object, end: object, quote: str | None) -> tuple[str, str, str | None]:
    """Offsets as text, in code points of ``text`` where they lead to the quote (or there is none), else as they were."""
    a, b = offset(start, "start"), offset(end, "end")
    coded = text.encode("utf-16-le", "surrogatepass")
    inside = coded[2 * a : 2 * b].decode("utf-16-le", "surrogatepass") if a < b <= len(coded) // 2 else ""
    if not inside or (quote and inside != quote):
        return str(a), str(b), quote
    first = len(coded[: 2 * a].decode("utf-16-le", "surrogatepass"))
    return str(first), str(first + len(inside)), inside


def offset(value: object, name: str) -> int:
    """A whole number, 0 or more. Raises `Odd`."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 10**12:
        return value
    raise Odd(f"{name} is no offset but {kind(value)}")


def bad(row: Row, number: int, odd: Odd) -> BadRow:
    """The record with what is odd about it."""
    return BadRow(number, str(odd), json.dumps(row.data, ensure_ascii=False, default=str)[:500])
