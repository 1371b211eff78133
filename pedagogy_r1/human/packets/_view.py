"""A task as every format shows it: texts only, nothing that could sway a coder.

    number 7, trace 2   question "Which statement …"   before "Okay, so … "   unit "Wait, is it?"   after " No, 24."

The trace's own id stays in the key: it may tell the condition. Coders see that units belong together by a number.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from ...codebook import Code, Codebook
from ...errors import InputError
from ..packet import Packet, Task

FIRST, SECOND, MEMO, FLAG = "primary_code", "second_code", "memo", "flag"
"""What a coder fills in, under the same names in every tool that lets us name things."""

_RANKS = (FIRST, SECOND, "third_code")


class View(NamedTuple):
    """One task of one coder. ``trace``: which of the coder's traces, counted from 1; texts are slices of the trace."""

    number: int
    trace: int
    practice: bool
    question: str
    before: str
    unit: str
    after: str
    unit_id: str


def views(packet: Packet, coder: str) -> Iterator[View]:
    """A coder's tasks in order."""
    seen: dict[str, int] = {}
    for task in packet.tasks(coder):
        trace = seen.setdefault(task.trace.id, len(seen) + 1)
        yield View(
            task.number,
            trace,
            task.practice,
            task.trace.question,
            _slice(task, before=True),
            task.unit.text,
            _slice(task, before=False),
            task.unit.id,
        )


def _slice(task: Task, *, before: bool) -> str:
    """The units beside it with what stands between them, as they are in the trace."""
    units = task.before if before else task.after
    return task.trace.reasoning[units[0].start : units[-1].end] if units else ""


def ranks(book: Codebook) -> list[str]:
    """Names of the fields for a unit's codes: primary, second, … as many as the codebook allows.

    >>> [rank_name(n) for n in range(4)]
    ['primary_code', 'second_code', 'third_code', 'code_4']
    """
    return [rank_name(n) for n in range(book.max_codes)]


def rank_name(n: int) -> str:
    """The field of the code at place ``n``, from 0."""
    return _RANKS[n] if n < len(_RANKS) else f"code_{n + 1}"


def in_context(view: View) -> str:
    """Everything as one text, for tools that show one: the unit stands between two marks."""
    parts = [f"[question]\n{view.question}"] if view.question else []
    body = [view.before.rstrip(), f">>>>> {view.unit} <<<<<", view.after.lstrip()]
    return "\n\n".join([*parts, "[reasoning]\n" + "\n".join(part for part in body if part)])


def in_short(code: Code) -> str:
    """A code in one line."""
    return f"{code.id} {code.name}: {code.short}"


def in_full(code: Code) -> list[tuple[str, str]]:
    """Headings and texts of a code's definition."""
    rules = [f"{rule.rule} (against {rule.against})" for rule in code.rules]
    hits = [f"“{hit.text}”" for hit in code.hits]
    misses = [f"“{miss.text}” → {miss.code}: {miss.why}" for miss in code.near_misses]
    parts = (
        ("Definition", [code.definition]),
        ("Include", code.include),
        ("Exclude", code.exclude),
        ("Rules", rules),
        ("Examples", hits),
        ("Near misses", misses),
    )
    return [(name, "\n".join(line.strip() for line in lines)) for name, lines in parts if lines]


def whole_traces(packet: Packet, format: str) -> None:
    """Raise `InputError` unless the packet holds whole traces, which alone can be coded by span."""
    if not packet.manifest.whole_traces:
        raise InputError(
            f"{packet.folder}: its units were drawn one by one, and {format} with spans shows whole traces",
            "leave --spans out, or draw whole traces",
        )
