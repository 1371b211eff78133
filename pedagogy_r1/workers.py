"""Work on other processes, in order: chunks out, results back in the order of the chunks, a bounded number ahead.

    chunks  c0 c1 c2 c3 c4 …      two workers:  c0 c1 at work, c2 … c5 waiting, nothing else read yet

Processes are spawned, not forked: a fork of a process with threads (a progress bar, Arrow) can hang. Ctrl-C reaches
only the parent, which stops handing out work and lets the workers finish what they have begun. Where the parent is killed, its
workers end at once.
"""

from __future__ import annotations

import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from itertools import islice
from multiprocessing import get_context, parent_process
from typing import TypeVar

from .errors import RunError

Task = TypeVar("Task")
Result = TypeVar("Result")

AHEAD = 3
"""Chunks per worker that are at work or waiting, so that none is idle while the parent writes."""


@contextmanager
def interrupts() -> Iterator[threading.Event]:
    """Ctrl-C sets the event instead of cutting a trace in half; a second one raises ``KeyboardInterrupt``.

    Whoever is outside is told too: it may come when there is nothing left within that would look.
    """
    seen = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield seen
        return

    def note(number: int, frame: object) -> None:  # noqa: ARG001 - the signature is signal's
        if seen.is_set():
            raise KeyboardInterrupt
        tell_of_interrupt()

    before = signal.signal(signal.SIGINT, note)
    _told.append(seen)
    try:
        yield seen
    finally:
        _told.remove(seen)
        signal.signal(signal.SIGINT, before)


_told: list[threading.Event] = []
"""Events that Ctrl-C sets, the innermost last."""


def tell_of_interrupt() -> None:
    """Ctrl-C was pressed: for whoever has a handler of its own for a while."""
    for seen in _told:
        seen.set()


def in_order(
    work: Callable[[Task], Result],
    tasks: Iterable[Task],
    workers: int,
    stop: threading.Event,
    *,
    apart: bool = False,
    ahead: int = AHEAD,
    as_done: bool = False,
) -> Iterator[tuple[Task, Result]]:
    """Each task with its result, in order, until the tasks or ``stop`` end it. ``work`` and its results are picklable.

    ``as_done``: in the order in which they are done, for tasks of which one may take as long as many: none waits behind it.
    One worker is this process, unless it is to be ``apart``. After ``stop`` the results that are finished still come, in order
    up to the first that is not. Raises what ``work`` raises; a worker that dies is a `RunError`.
    """
    if workers == 1 and not apart:
        for task in tasks:
            if stop.is_set():
                return
            yield task, work(task)
        return
    pool = ProcessPoolExecutor(workers, get_context("spawn"), initializer=_begin)
    waiting: deque[tuple[Task, Future[Result]]] = deque()
    source = iter(tasks)
    try:
        while True:
            if not stop.is_set():
                for task in islice(source, ahead * workers - len(waiting)):
                    waiting.append((task, pool.submit(work, task)))
                    if stop.is_set():
                        break
            if as_done:
                _first_done(waiting, stop)
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


def _begin() -> None:
    """In a worker, before its first task."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_the_parent, daemon=True).start()


def _end_with_the_parent() -> None:
    """A worker that nobody waits for would hold what the same command needs to go on."""
    if (parent := parent_process()) is not None:
        parent.join()
        os._exit(1)


def _first_done(waiting: deque[tuple[Task, Future[Result]]], stop: threading.Event) -> None:
    """Wait until one of them is done, and put it first."""
    futures = [future for _, future in waiting]
    while futures and not wait(futures, 0.2, FIRST_COMPLETED).done and not stop.is_set():
        pass
    for one in waiting:
        if one[1].done():
            waiting.remove(one)
            waiting.appendleft(one)
            return


def _finished(future: Future[Result], stop: threading.Event) -> bool:
    """Wait for a result; after ``stop``, only look whether it is there."""
    while not future.done() and not stop.is_set():
        wait([future], timeout=0.2)
    return future.done()
