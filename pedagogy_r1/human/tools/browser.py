"""What `pcode web` saved for a coder: ``PACKET/A/web.jsonl`` (`coding_log.py` says what is in it).

It may be imported while people still code: what is not done yet is missing. Where coders draw spans, each is a row with its place
and quote.
"""

from __future__ import annotations

from collections.abc import Iterator

from ...codebook import NONE
from ...errors import InputError
from ...files.records import BadRow, Row
from ..coding_log import PRACTICE, read_log
from ..raw_coding import CodingsFile, RawCoding
from . import CodingsReader, Tool


def tool() -> Tool:
    """The coder's log of the browser, format "web"; there is nothing to send."""
    return Tool(reads={"web": CodingsReader(_is_log, _read)})


def _is_log(file: CodingsFile) -> float:
    first = file.rows[0] if file.rows else None
    return float(isinstance(first, Row) and {"desk", "packet"} <= first.data.keys())


def _read(file: CodingsFile) -> Iterator[RawCoding | BadRow]:
    header, work = read_log(file.path)
    if header.packet.startswith(PRACTICE):
        raise InputError(f"{file.path} is {header.coder}'s practice", "import the coder's web.jsonl")
    for unit_id, entry in work.entries.items():
        span = entry.span
        if header.spans and span is None:
            continue  # taken away, or said of a whole trace
        raw = RawCoding(
            work.rows[unit_id],
            header.coder,
            None if entry.codes is None else "; ".join(entry.codes) or NONE,
            unit_id,
            memo=entry.memo or None,
            whole=True,
            missing_reason=entry.missing_reason,
            codebook=header.codebook,
            kind="human",
            flag=entry.flag,
        )
        if span is not None:
            start, end = str(span.start), str(span.end)
            raw = raw._replace(unit_id="", trace_id=span.document, start=start, end=end, quote=span.quote)
        yield raw
