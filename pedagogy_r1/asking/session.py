"""One process's share of asking a model many things: chat, ledger, limits, Ctrl-C, and pieces finished in order.

    session = AskingSession(folder, chat, Sending(concurrency=64))
    outcome = asyncio.run(session.run(pieces, work, emit, frames=[frame]))

    async def work(number, piece):                       one or more requests for one piece
        return await session.asker.ask(ChatRequest(frame, text), {"item": piece.id}, parse=read, priority=number)

The chat comes from a name and its backend: ``open_chat(ModelName.read("openai:Qwen/Qwen3-8B"), …)``.
What the ledger in ``folder`` holds is not asked again, so the same call resumes a run that was interrupted or killed.

    read ahead →  [ t7 working | t8 done | t9 working | t10 working ]  → emit t7 when it is done, then t8 …

The first piece in the buffer is waited for; meanwhile later ones finish, and when the buffer is full nothing more is
read. So memory does not grow with the number of pieces, and a run that is cut off has emitted a prefix.
"""

from __future__ import annotations

import asyncio
import gc
import signal
import threading
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, NamedTuple, TypeVar

from ..chat import Chat, ChatFrame
from ..errors import PedagogyError
from ..files.batch_record import refuse_open
from ..workers import tell_of_interrupt
from .asker import Asker, Sending, StoppedError
from .patience import Batches
from .transcript import Transcript

Piece = TypeVar("Piece")
Done = TypeVar("Done")
T = TypeVar("T")

READ_AHEAD = 4
"""Requests held per request in flight: enough that one slow piece does not idle the others, few enough to be flat."""

LEAST_OPEN = 4
"""Pieces that may be at work however long they are, so that the end of one is not waited out with idle places."""


@dataclass(frozen=True)
class AskOutcome:
    """How it ended. ``stopped``: why it ended early; ``None`` with ``interrupted`` false: everything was done."""

    stopped: str | None = None
    interrupted: bool = False
    usage: dict[str, Any] | None = None

    @property
    def whole(self) -> bool:
        """All pieces were emitted."""
        return self.stopped is None and not self.interrupted


class AskingSession:
    """Runs once. ``expected_tokens``, ``seed``: as for `Asker`."""

    def __init__(
        self, folder: Path, chat: Chat, sending: Sending, *, expected_tokens: int = 0, seed: int = 0
    ) -> None:
        self.chat = chat
        self.transcript = Transcript(folder, forgive=sending.retry_missing)
        if (dialect := self.transcript.spent.dialect) and (adopt := getattr(chat, "adopt", None)):
            adopt(dialect)
        self.batches: Batches | None = getattr(chat, "batches", None)
        if self.batches is not None:
            self.batches.keep_in(folder, self.transcript.settled, sending.backoff)
        else:
            refuse_open(folder, self.transcript.settled)
        self.asker = Asker(chat, self.transcript, sending, expected_tokens=expected_tokens, seed=seed)
        self.interrupted = False

    async def run(
        self,
        pieces: Iterable[Piece],
        work: Callable[[int, Piece], Awaitable[Done]],
        emit: Callable[[Piece, Done], None],
        *,
        frames: Sequence[ChatFrame],
        size: Callable[[Piece], int] = lambda _: 1,
    ) -> AskOutcome:
        """Work on all pieces, with Ctrl-C handled, and chat and ledger closed at the end.

        ``work`` may raise `StoppedError`; its piece is then not emitted. ``size``: about how many requests a piece needs.
        Raises the `ChatError` of a server that no request can get through to.
        """
        main = asyncio.current_task()
        assert main is not None
        emitting = _Emitting(emit, self.asker)
        try:
            for frame in frames:
                self.transcript.open_frame(frame)
            with on_sigint(lambda: self._interrupt(main)), rare_collections():
                whole = await in_order(
                    pieces,
                    work,
                    emitting,
                    size=size,
                    room=(1 if self.batches else READ_AHEAD) * self.asker.limiter.ceiling,
                    stopped=lambda: self.asker.stopped is not None,
                    reading=self.batches.hold if self.batches else lambda _: None,
                )
        except asyncio.CancelledError:
            if not self.interrupted:
                raise
            whole = False
        finally:
            await self._end(emitting)
        if self.asker.failed is not None:
            raise self.asker.failed
        usage = self.transcript.spent.summary()
        if whole:
            return AskOutcome(usage=usage)
        return AskOutcome(self.asker.stopped, self.interrupted, usage)

    async def _end(self, emitting: _Emitting[Any, Any]) -> None:
        """What came is recorded and all is closed, whichever of it fails."""
        async with AsyncExitStack() as ending:  # the last that is named comes first
            ending.callback(self.transcript.close)
            ending.push_async_callback(self.chat.close)
            ending.callback(self.asker.settle, whole=self.asker.stopped is None)
            ending.callback(emitting.end)

    def _interrupt(self, main: asyncio.Task[Any]) -> None:
        """First what is in flight comes home; the second time it does not."""
        if self.interrupted:
            main.cancel()
        self.interrupted = True
        self.asker.stop("interrupted")
        if self.batches is not None:
            self.batches.let_go()


class _Emitting(Generic[Piece, Done]):
    """Emits; but while nothing of use has come, and failures have, it keeps what would be emitted as missing.

    A run that stops there leaves it out, so that the next session asks for it again.
    """

    def __init__(self, emit: Callable[[Piece, Done], None], asker: Asker) -> None:
        self._emit, self._asker = emit, asker
        self._kept: deque[tuple[Piece, Done]] = deque()

    def __call__(self, piece: Piece, done: Done) -> None:
        self._kept.append((piece, done))
        if not self._asker.patience.in_doubt:
            self.end()

    def end(self) -> None:
        """Emit what was kept, unless the run is being stopped in doubt."""
        while self._kept and not (self._asker.patience.in_doubt and self._asker.stopped):
            self._emit(*self._kept.popleft())


def run_apart(start: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """``asyncio.run``, in a thread of its own where a loop (a notebook's) runs in this one already."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(start())
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(lambda: asyncio.run(start())).result()


@contextmanager
def on_sigint(act: Callable[[], None]) -> Iterator[None]:
    """Have Ctrl-C call ``act`` within the running loop; in a thread other than the main one, leave it alone."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.getsignal(signal.SIGINT)
    loop = asyncio.get_running_loop()

    def told() -> None:
        tell_of_interrupt()
        act()

    loop.add_signal_handler(signal.SIGINT, told)
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGINT)
        signal.signal(signal.SIGINT, before)


@contextmanager
def rare_collections() -> Iterator[None]:
    """Keep the cycle collector off what lives as long as the run: libraries, the read-ahead. A sixth of the CPU time."""
    thresholds = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(20_000, 20, 100)
    try:
        yield
    finally:
        gc.set_threshold(*thresholds)
        gc.unfreeze()


class _Open(NamedTuple, Generic[Piece, Done]):
    piece: Piece
    task: asyncio.Future[Done]
    size: int


class _Source(Generic[Piece]):
    """Pieces until there are no more, the input has an ``error``, or the run is being stopped (``cut``)."""

    def __init__(self, pieces: Iterable[Piece], stopped: Callable[[], bool]) -> None:
        self._pieces, self._stopped = iter(pieces), stopped
        self.error: PedagogyError | None = None
        self.cut = False

    def __iter__(self) -> Iterator[Piece]:
        while not self._stopped():
            try:
                piece = next(self._pieces)
            except StopIteration:
                return
            except PedagogyError as error:
                self.error = error
                return
            yield piece
        self.cut = True


async def in_order(
    pieces: Iterable[Piece],
    work: Callable[[int, Piece], Awaitable[Done]],
    emit: Callable[[Piece, Done], None],
    *,
    size: Callable[[Piece], int],
    room: int,
    stopped: Callable[[], bool],
    reading: Callable[[bool], object] = lambda _: None,
) -> bool:
    """Work on all pieces; returns whether all were emitted. ``size``: places that a piece takes of ``room``.

    ``work`` raises `StoppedError` for a piece that cannot be finished because the run is being stopped.
    ``reading`` is told whether pieces are being read, so that more work is to come, or one is waited for.
    An error of the input is raised after what was read before it has been emitted.
    """
    buffer: deque[_Open[Piece, Done]] = deque()
    held, whole = 0, True
    source = _Source(pieces, stopped)
    reading(True)
    try:
        for number, piece in enumerate(source):
            places = size(piece)
            while (
                whole
                and buffer
                and (buffer[0].task.done() or (held + places > room and len(buffer) >= LEAST_OPEN))
            ):
                held -= buffer[0].size
                reading(False)
                whole = await _finish(buffer.popleft(), emit)
                reading(True)
            if not whole:
                break
            buffer.append(_Open(piece, asyncio.ensure_future(work(number, piece)), places))
            held += places
            await asyncio.sleep(0)  # let replies in between two pieces
        reading(False)
        whole = whole and not source.cut
        while buffer:
            whole = await _finish(buffer.popleft(), emit if whole else None) and whole
    finally:
        for left in buffer:
            left.task.cancel()
        await asyncio.gather(*(left.task for left in buffer), return_exceptions=True)
    if source.error is not None:
        raise source.error
    return whole


async def _finish(first: _Open[Piece, Done], emit: Callable[[Piece, Done], None] | None) -> bool:
    try:
        done = await first.task
    except StoppedError:
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
