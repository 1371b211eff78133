"""The texts that coders read in programs for whole texts, and the way back from a place in such a text.

    ===== t90c2…: code from here on =====           a trace: everything behind the line is its reasoning
    Okay, so the pupil … Wait, is it?

    ===== 7: u4be1… (12) =====                       a unit drawn by itself, with its context: the 12 characters behind
    [question] … [reasoning] … >>>>> Wait, is it? <<<<< No …      the first ">>>>> " are the unit

The lines survive whatever a program does to names, GUIDs and the rest of a project. Line ends are ``\\n`` alone, and
what XML cannot hold is U+FFFD, so that all programs count alike; the anchoring of quotes undoes both.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from ..files.archive import legal
from .packet import Packet, Task
from .packet_return import blind_id

TOGETHER = 100
"""Units drawn by themselves that share one text."""

_OPEN, _CLOSE = ">>>>> ", " <<<<<"
_LINE = re.compile(
    r"^===== (?:(?P<trace>t[0-9a-f]{16}): code from here on|\d+: (?P<unit>u[0-9a-f]{20}) \((?P<length>\d{1,7})\)) =====$",
    re.MULTILINE,
)


class Mark(NamedTuple):
    """A unit to be coded: its place in the shown text."""

    unit_id: str
    start: int
    end: int


class ShownText(NamedTuple):
    """One text, with the units to be coded in it, in order."""

    name: str
    text: str
    marks: tuple[Mark, ...]


class Stretch(NamedTuple):
    """Where codings may lie in a shown text: the reasoning of ``trace``, or the unit ``unit_id``; the other is empty."""

    start: int
    end: int
    trace: str = ""
    unit_id: str = ""


def shown_texts(packet: Packet, coder: str) -> Iterator[ShownText]:
    """What ``coder`` reads: a text a trace, or, where units were drawn one by one, a text for `TOGETHER` of them."""
    tasks = list(packet.tasks(coder))
    if not packet.manifest.whole_traces:
        for number, some in enumerate(_batched(tasks), 1):
            yield _units(f"{number:03d} units {some[0].number}-{some[-1].number}", some)
        return
    by_trace: dict[str, list[Task]] = {}
    for task in tasks:
        by_trace.setdefault(task.trace.id, []).append(task)
    for number, mine in enumerate(by_trace.values(), 1):
        yield _trace(number, mine)


def plain(text: str) -> str:
    """The text with ``\\n`` for every line end, and legal in XML."""
    return legal(text.replace("\r\n", "\n").replace("\r", "\n"))


def stretches(text: str) -> list[Stretch]:
    """Read the lines of a shown text; none are found in another program's own text."""
    found: list[Stretch] = []
    line = _LINE.search(text)
    while line is not None:
        start = line.end() + 1
        if line["trace"]:
            # The first such line opens the reasoning, whatever stands in it.
            return [*found, Stretch(start, len(text), trace=line["trace"])]
        start = text.find(_OPEN, start)
        if start < 0:
            break
        start += len(_OPEN)
        end = min(len(text), start + int(line["length"]))
        found.append(Stretch(start, end, unit_id=line["unit"]))
        line = _LINE.search(text, end)
    return found


def share(start: int, end: int, mark_start: int, mark_end: int) -> float:
    """How much of the shorter one of two spans the other covers."""
    shorter = min(end - start, mark_end - mark_start)
    return max(0, min(end, mark_end) - max(start, mark_start)) / shorter if shorter > 0 else 0.0


def _trace(number: int, tasks: list[Task]) -> ShownText:
    trace = tasks[0].trace
    name = blind_id(trace.id)
    question = f"[question]\n{plain(trace.question)}\n\n" if trace.question else ""
    practice = "[for practice]\n\n" if all(task.practice for task in tasks) else ""
    head = f"{practice}{_defused(question)}===== {name}: code from here on =====\n"
    marks = []
    for unit in sorted((task.unit for task in tasks), key=lambda unit: unit.start):
        start, end = (len(head) + at - trace.reasoning.count("\r\n", 0, at) for at in (unit.start, unit.end))
        marks.append(Mark(unit.id, start, end))
    return ShownText(f"{number:03d} {name}", head + plain(trace.reasoning), tuple(marks))


def _units(name: str, tasks: tuple[Task, ...]) -> ShownText:
    text, marks = "", []
    for task in tasks:
        reasoning, unit = task.trace.reasoning, plain(task.unit.text)
        before = reasoning[task.before[0].start : task.before[-1].end] if task.before else ""
        after = reasoning[task.after[0].start : task.after[-1].end] if task.after else ""
        question = f"[question]\n{task.trace.question}\n\n" if task.trace.question else ""
        practice = "[for practice]\n" if task.practice else ""
        before = f"{before}\n\n" if before else ""
        context = _defused(plain(f"{practice}{question}[reasoning]\n{before}"), _OPEN)
        text += f"===== {task.number}: {task.unit.id} ({len(unit)}) =====\n{context}{_OPEN}"
        marks.append(Mark(task.unit.id, len(text), len(text) + len(unit)))
        text += f"{unit}{_CLOSE}\n\n{_defused(plain(after))}\n\n\n"
    return ShownText(name, text, tuple(marks))


def _batched(tasks: list[Task]) -> Iterator[tuple[Task, ...]]:
    for first in range(0, len(tasks), TOGETHER):
        yield tuple(tasks[first : first + TOGETHER])


def _defused(text: str, *signs: str) -> str:
    """Context in which nothing looks like our own lines and signs."""
    text = _LINE.sub(lambda found: found[0].replace("=====", "=== =="), text)
    for sign in signs:
        text = text.replace(sign, sign.replace(">>>>>", ">>>> >"))
    return text
