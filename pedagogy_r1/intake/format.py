"""What a format of other people's traces is, and what one of its records says.

    def format() -> Format:                  intake/formats/NAME.py: one file a format, no list to add it to
        return Format(what="…", example={…}, fits=…, read=…)

A format only says where question, reasoning and answer stand. That nothing else is lost is seen to in one place
(`lossless.py`), tags are read in one place (`think_tags.py`), messages in one place (`messages.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..files.json_text import parse_json
from .written import opened

Record = dict[str, Any]

PACKAGE = "pedagogy_r1.intake.formats"
"""Where formats are, and the entry-point group of those in other distributions."""


class NoTrace(Exception):
    """Why a record is no trace by its nature: a request that failed, a span that is no model call, an empty output.

    Such records stop no import: they are counted, and written aside.
    """


@dataclass
class Said:
    """What a record says; what is ``None`` or empty is not said.

    ``response`` may hold its reasoning between tags. ``reasoning`` is what stands in a place of its own: ``None`` where there is no
    such place, empty where there is one and nothing in it, so that a response without tags is an answer. ``prompt``: all that the
    model was given, by which an echo is known. ``record``: the record as it was read, if texts in it had to be unfolded.
    """

    question: str = ""
    response: str = ""
    reasoning: str | None = None
    answer: str = ""
    prompt: str = ""
    id: str | None = None
    item: str | None = None
    reference: Any = None
    correct: Any = None
    model: str | None = None
    domain: str | None = None
    condition: str | None = None
    lang: str | None = None
    more: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    where: dict[str, str] = field(default_factory=dict)
    record: Record | None = None
    exact: bool = False
    """Whether reasoning and answer are stored as they are, tags in them too: our own files."""
    known: bool = False
    """Whether well-known names of columns are looked for too."""


@dataclass(frozen=True)
class Format:
    """A layout of records. ``example``: a real record of it, less its length.

    ``fits`` must be cheap and say yes to this layout only; ``read`` gives the traces in a record (several generations of one question:
    the first is taken, or all with ``--explode generations``). ``whole`` puts texts that a record refers to back in their places, before anything else. ``parts`` tells a record that holds several apart; ``opens`` reads a file
    that is none of records, or gives ``None``. ``joins``: (what records of one response share, what each of them adds); the first
    record becomes the trace, what the others add is in its metadata. ``last``: tried when no other format fits.
    """

    what: str
    example: Record
    fits: Callable[[Record], bool]
    read: Callable[[Record], Said | list[Said]]
    whole: Callable[[Record], Record] | None = None
    parts: Callable[[Record], Iterable[Record]] | None = None
    opens: Callable[[Path], Iterable[Record] | None] | None = None
    joins: Callable[[Record], tuple[str, Any] | None] | None = None
    last: bool = False


def has(record: Mapping[str, Any], *names: str) -> bool:
    """Whether all of these are there."""
    return all(name in record for name in names)


def obj(value: Any) -> Record:
    """The value if it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def first(value: Any) -> Any:
    """The first of a list; ``None`` if there is none."""
    return value[0] if isinstance(value, list) and value else None


def text(value: Any) -> str:
    """The value if it is text, else nothing."""
    return value if isinstance(value, str) else ""


def name(value: Any) -> str | None:
    """A short value as text: an id, a model."""
    return (
        str(value) if isinstance(value, str | int) and not isinstance(value, bool) and value != "" else None
    )


def unfold(value: Any, depth: int = 12) -> Any:
    """The value with each text that is a JSON object or array read as one; a name that stands twice in it keeps it a text."""
    if depth and isinstance(value, dict):
        return {k: unfold(v, depth - 1) for k, v in value.items()}
    if depth and isinstance(value, list):
        return [unfold(v, depth - 1) for v in value]
    if isinstance(value, str) and value.strip()[:1] in ("{", "[") and value.strip()[-1:] in ("}", "]"):
        try:
            read = parse_json(value)
        except ValueError:
            return value
        return unfold(read, depth - 1) if depth else read
    if isinstance(value, str) and value[:1] == value[-1:] == '"':
        return opened(value)
    return value
