"""Work in, finished work out in the same order, much of it at work in between, and never more than a bounded amount.

    read ahead →  [ t7 working | t8 done | t9 working | t10 working ]  → emit t7 when it is done, then t8 …

The first piece in the buffer is waited for; meanwhile later ones finish, and when the buffer is full nothing more is
read. So memory does not grow with the number of pieces, and a run that is cut off has emitted a prefix.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any, Generic, NamedTuple, TypeVar

from ..errors import PedagogyError

Piece = TypeVar("Piece")
Done = TypeVar("Done")

LEAST_OPEN = 4
"""Pieces that may be at work however long they are, so that the end of one is not waited out with idle places."""


class _Open(NamedTuple, Generic[Piece, Done]):
    piece: Piece
    task: asyncio.Future[Done | None]
    size: int


async def in_order(
    pieces: Iterable[Piece],
    work: Callable[[int, Piece], Awaitable[Done | None]],
    emit: Callable[[Piece, Done], None],
    *,
    size: Callable[[Piece], int],
    room: int,
    stopped: Callable[[], bool],
) -> bool:
    """Work on all pieces; returns whether all were emitted. ``size``: places that a piece takes of ``room``.

    ``work`` returns ``None`` for a piece that could not be finished because the run is being stopped.
    An error of the input is raised after what was read before it has been emitted.
    """
    buffer: deque[_Open[Piece, Done]] = deque()
    held, error, whole = 0, None, True
    source = enumerate(pieces)
    try:
        while not stopped():
            try:
                item = next(source, None)
                if item is None:
                    break
                number, piece = item
            except PedagogyError as wrong:
                error = wrong
                break
            places = size(piece)
            while (
                buffer
                and whole
                and (buffer[0].task.done() or (held + places > room and len(buffer) >= LEAST_OPEN))
            ):
                held -= buffer[0].size
                whole = await _finish(buffer.popleft(), emit)
            if not whole:
                break
            buffer.append(_Open(piece, asyncio.ensure_future(work(number, piece)), places))
            held += places
            await asyncio.sleep(0)  # let replies in between two pieces
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


async def _finish(first: _Open[Piece, Done], emit: Callable[[Piece, Done], None] | None) -> bool:
    done = await first.task
    if done is None:
        return False
    if emit is not None:
        emit(first.piece, done)
    return True


async def all_of(works: Sequence[Awaitable[Any]]) -> list[Any]:
    """Results of all, none abandoned while in flight; then the first error, if there is one."""
    if len(works) == 1:
        return [await works[0]]
    results = await asyncio.gather(*works, return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException):
            raise result
    return results
