"""Units for a coder that waits on a network: cut in a process of their own, ahead of need.

    reader  t1 t2 t3 …  →  worker: chunks of 16 traces → spans and token counts  →  units, in order

Cutting costs about as much as asking does. With few requests in flight it fits between the replies; with many, the one
core that serves the network would be the limit (benchmarks/annotate_concurrency.py).
"""

from __future__ import annotations

import signal
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from itertools import islice
from multiprocessing import get_context

from ..errors import PedagogyError
from ..trace import Trace
from ..unit import Unit, Unitizer, unit_id

CHUNK = 16
AHEAD = 6
"""Chunks that are cut or waiting to be read."""

Cut = tuple[int, int, int]
"""Start, end, tokens: a unit as it travels between processes, a tenth of the cost of the unit itself."""


def units_ahead(
    traces: Iterable[Trace], unitize: Callable[[Trace], list[Unit]], *, apart: bool
) -> Iterator[tuple[Trace, list[Unit]]]:
    """Each trace with its units, in order; ``apart``: cut by another process, if ``unitize`` can travel there.

    An error in the input is raised behind the traces that were read before it.
    """
    if not apart or not isinstance(unitize, Unitizer):
        for trace in traces:
            yield trace, unitize(trace)
        return
    pool = ProcessPoolExecutor(1, mp_context=get_context("spawn"), initializer=_ignore_interrupts)
    waiting: deque[tuple[list[Trace], Future[list[list[Cut]]]]] = deque()
    source, error = iter(traces), None
    try:
        while True:
            while len(waiting) < AHEAD and error is None:
                chunk, error = _take(source)
                if not chunk:
                    break
                waiting.append((chunk, pool.submit(_cut, unitize, chunk)))
            if not waiting:
                break
            chunk, future = waiting.popleft()
            for trace, cuts in zip(chunk, future.result(), strict=True):
                yield trace, _units(trace, unitize.scheme, cuts)
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
    if error is not None:
        raise error


def _take(source: Iterator[Trace]) -> tuple[list[Trace], PedagogyError | None]:
    chunk: list[Trace] = []
    try:
        for trace in islice(source, CHUNK):
            chunk.append(trace)
    except PedagogyError as error:
        return chunk, error
    return chunk, None


def _cut(unitize: Unitizer, traces: list[Trace]) -> list[list[Cut]]:
    return [[(unit.start, unit.end, unit.tokens) for unit in unitize(trace)] for trace in traces]


def _units(trace: Trace, scheme: str, cuts: list[Cut]) -> list[Unit]:
    return [
        Unit(
            id=unit_id(trace.id, scheme, start, end),
            trace_id=trace.id,
            scheme=scheme,
            index=index,
            start=start,
            end=end,
            text=trace.reasoning[start:end],
            tokens=tokens,
        )
        for index, (start, end, tokens) in enumerate(cuts)
    ]


def _ignore_interrupts() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
