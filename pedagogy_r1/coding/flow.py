"""Traces in, finished traces out in the same order, many at work in between, and never more than a bounded number.

    read ahead →  [ t7 working | t8 done | t9 working | t10 working ]  → emit t7 when it is done, then t8 …

The first trace in the buffer is waited for; meanwhile later ones finish, and when the buffer is full nothing more is
read. So memory does not grow with the number of traces, and a run that is cut off has emitted a prefix.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from typing import NamedTuple

from ..errors import PedagogyError
from ..trace import Trace
from ..unit import Unit
from .coding import Coding

Work = Callable[[int, Trace, list[Unit]], Awaitable[list[Coding] | None]]
"""Codings of a trace; ``None``: not all could be made, the run is being stopped."""

LEAST_OPEN = 4
"""Traces that may be at work however long they are, so that the end of one is not waited out with idle places."""


class _Open(NamedTuple):
    trace: Trace
    units: list[Unit]
    task: asyncio.Task[list[Coding] | None]
    size: int


async def in_order(
    traces: Iterable[tuple[Trace, list[Unit]]],
    work: Work,
    emit: Callable[[Trace, list[Unit], list[Coding]], None],
    *,
    size: Callable[[list[Unit]], int],
    room: int,
    stopped: Callable[[], bool],
) -> bool:
    """Work on traces with their units; returns whether all were emitted. ``size``: places that a trace takes of ``room``.

    An error of the input is raised after what was read before it has been emitted.
    """
    buffer: deque[_Open] = deque()
    held, error, whole = 0, None, True
    source = enumerate(traces)
    try:
        while not stopped():
            try:
                item = next(source, None)
                if item is None:
                    break
                number, (trace, units) = item
            except PedagogyError as wrong:
                error = wrong
                break
            places = size(units)
            while (
                buffer
                and whole
                and (buffer[0].task.done() or (held + places > room and len(buffer) >= LEAST_OPEN))
            ):
                held -= buffer[0].size
                whole = await _finish(buffer.popleft(), emit)
            if not whole:
                break
            task = asyncio.ensure_future(work(number, trace, units))
            buffer.append(_Open(trace, units, task, places))
            held += places
            await asyncio.sleep(0)  # let replies in between two traces
        else:
            whole = False
        while buffer:
            whole = await _finish(buffer.popleft(), emit if whole else None) and whole
    finally:
        for left in buffer:
            left.task.cancel()
        await asyncio.gather(*(left.task for left in buffer), return_exceptions=True)
    if error is not None:
        raise error
    return whole


async def _finish(first: _Open, emit: Callable[[Trace, list[Unit], list[Coding]], None] | None) -> bool:
    codings = await first.task
    if codings is None:
        return False
    if emit is not None:
        emit(first.trace, first.units, codings)
    return True
