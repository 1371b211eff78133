"""Work on other processes, in order: chunks out, results back in the order of the chunks, a bounded number ahead.

    chunks  c0 c1 c2 c3 c4 …      two workers:  c0 c1 at work, c2 … c5 waiting, nothing else read yet

The rule-based coder codes in several of them; a coder that waits on a network has one that cuts units ahead of need.
Processes are spawned, not forked: a fork of a process with threads (a progress bar, Arrow) can hang. Ctrl-C reaches
only the parent, which stops handing out work and lets the workers finish what they have begun.
"""

from __future__ import annotations

import signal
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from functools import partial
from itertools import islice
from multiprocessing import get_context
from typing import TypeVar

from ..errors import PedagogyError, RunError
from ..trace import Trace, Unit
from ..unit.unitizer import Unitizer, made_units

Task = TypeVar("Task")
Result = TypeVar("Result")

AHEAD = 3
"""Chunks per worker that are at work or waiting, so that none is idle while the parent writes."""

CHUNK = 16
"""Traces that travel together to the process that cuts units."""

Cut = tuple[int, int, int]
"""Start, end, tokens: a unit as it travels between processes, a tenth of the cost of the unit itself."""


@contextmanager
def interrupts() -> Iterator[threading.Event]:
    """Ctrl-C sets the event instead of cutting a trace in half; a second one raises ``KeyboardInterrupt``."""
    seen = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield seen
        return

    def note(number: int, frame: object) -> None:  # noqa: ARG001 - the signature is signal's
        if seen.is_set():
            raise KeyboardInterrupt
        seen.set()

    before = signal.signal(signal.SIGINT, note)
    try:
        yield seen
    finally:
        signal.signal(signal.SIGINT, before)


def in_order(
    work: Callable[[Task], Result],
    tasks: Iterable[Task],
    workers: int,
    stop: threading.Event,
    *,
    apart: bool = False,
    ahead: int = AHEAD,
) -> Iterator[tuple[Task, Result]]:
    """Each task with its result, in order, until the tasks or ``stop`` end it. ``work`` and its results are picklable.

    One worker is this process, unless it is to be ``apart``. After ``stop`` the results that are finished, up to the
    first that is not, still come. Raises what ``work`` raises; a worker that dies is a `RunError`.
    """
    if workers == 1 and not apart:
        for task in tasks:
            if stop.is_set():
                return
            yield task, work(task)
        return
    pool = ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=_ignore_interrupts)
    waiting: deque[tuple[Task, Future[Result]]] = deque()
    source = iter(tasks)
    try:
        while True:
            if not stop.is_set():
                for task in islice(source, ahead * workers - len(waiting)):
                    waiting.append((task, pool.submit(work, task)))
                    if stop.is_set():
                        break
            if not waiting or not _finished(waiting[0][1], stop):
                return
            task, future = waiting.popleft()
            yield task, future.result()
    except BrokenProcessPool:
        raise RunError(
            "a worker process died (killed, or out of memory)",
            "run the same command again, with fewer --workers; a script must start its work under: if __name__ == '__main__'",
        ) from None
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _finished(future: Future[Result], stop: threading.Event) -> bool:
    """Wait for a result; after ``stop``, only look whether it is there."""
    while not future.done() and not stop.is_set():
        try:
            future.exception(timeout=0.2)
        except TimeoutError:
            continue
    return future.done()


def _ignore_interrupts() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def units_ahead(
    traces: Iterable[Trace], unitize: Callable[[Trace], list[Unit]], *, apart: bool
) -> Iterator[tuple[Trace, list[Unit]]]:
    """Each trace with its units, in order; ``apart``: cut by another process, if ``unitize`` can travel there.

    Cutting costs about as much as asking does. With few requests in flight it fits between the replies; with many, the
    one core that serves the network would be the limit (benchmarks/annotate_concurrency.py). An error in the input is
    raised behind the traces that were read before it.
    """
    if not apart or not isinstance(unitize, Unitizer):
        for trace in traces:
            yield trace, unitize(trace)
        return
    errors: list[PedagogyError] = []
    chunks = _chunks(iter(traces), errors)
    cutting = in_order(partial(_cut, unitize), chunks, 1, threading.Event(), apart=True, ahead=2 * AHEAD)
    for chunk, found in cutting:
        for trace, cuts in zip(chunk, found, strict=True):
            yield trace, made_units(trace, unitize.scheme, cuts)
    for error in errors:
        raise error


def _chunks(source: Iterator[Trace], errors: list[PedagogyError]) -> Iterator[list[Trace]]:
    """Chunks up to the first error, which is kept for later."""
    more = True
    while more:
        chunk: list[Trace] = []
        try:
            for trace in islice(source, CHUNK):
                chunk.append(trace)  # noqa: PERF402 - what came before an error is kept
        except PedagogyError as error:
            errors.append(error)
        more = len(chunk) == CHUNK and not errors
        if chunk:
            yield chunk


def _cut(unitize: Unitizer, traces: list[Trace]) -> list[list[Cut]]:
    return [[(unit.start, unit.end, unit.tokens) for unit in unitize(trace)] for trace in traces]
