"""One process's share of asking a model many things: chat, ledger, limits, Ctrl-C, and pieces finished in order.

    session = Session(folder, chat, concurrency=64)
    outcome = asyncio.run(session.run(pieces, work, emit, frames=[frame]))

    async def work(number, piece):                       one or more requests for one piece
        return await session.asker.ask(ChatRequest(frame, text), {"item": piece.id}, parse=read, priority=number)

What the ledger in ``folder`` holds is not asked again, so the same call resumes a run that was interrupted or killed.
"""

from __future__ import annotations

import asyncio
import gc
import signal
import threading
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from ..chat import Chat, ChatFrame, Limiter
from .asker import Asker, StoppedError
from .flow import in_order
from .transcript import Transcript

Piece = TypeVar("Piece")
Done = TypeVar("Done")
T = TypeVar("T")

READ_AHEAD = 4
"""Requests held per request in flight: enough that one slow piece does not idle the others, few enough to be flat."""


@dataclass(frozen=True)
class Asked:
    """How it ended. ``stopped``: why it ended early; ``None`` with ``interrupted`` false: everything was done."""

    stopped: str | None = None
    interrupted: bool = False
    usage: dict[str, Any] | None = None

    @property
    def whole(self) -> bool:
        """All pieces were emitted."""
        return self.stopped is None and not self.interrupted


class Session:
    """Runs once. ``expected_tokens``: a guess at one request's, until there is experience. Other options: `Asker`."""

    def __init__(
        self,
        folder: Path,
        chat: Chat,
        *,
        concurrency: int = 16,
        retries: int = 6,
        backoff: float = 0.5,
        budget: int | None = None,
        expected_tokens: int = 0,
        seed: int = 0,
        forgive: bool = False,
    ) -> None:
        self.chat = chat
        self.concurrency = concurrency
        self.transcript = Transcript(folder, forgive=forgive)
        self.asker = Asker(
            chat,
            self.transcript,
            Limiter(concurrency),
            retries=retries,
            backoff=backoff,
            budget=budget,
            expected_tokens=expected_tokens,
            seed=seed,
        )
        self.interrupted = False

    async def run(
        self,
        pieces: Iterable[Piece],
        work: Callable[[int, Piece], Awaitable[Done | None]],
        emit: Callable[[Piece, Done], None],
        *,
        frames: Sequence[ChatFrame],
        size: Callable[[Piece], int] = lambda piece: 1,
    ) -> Asked:
        """Work on all pieces, with Ctrl-C handled, and chat and ledger closed at the end.

        ``work`` may raise `StoppedError`; its piece is then not emitted. ``size``: about how many requests a piece needs.
        Raises the `ChatError` of a server that no request can get through to.
        """
        for frame in frames:
            self.transcript.open_frame(frame)
        main = asyncio.current_task()
        assert main is not None

        async def guarded(number: int, piece: Piece) -> Done | None:
            try:
                return await work(number, piece)
            except StoppedError:
                return None

        try:
            with on_sigint(lambda: self._interrupt(main)), rare_collections():
                whole = await in_order(
                    pieces,
                    guarded,
                    emit,
                    size=size,
                    room=READ_AHEAD * self.concurrency,
                    stopped=lambda: self.asker.stopped is not None,
                )
        except asyncio.CancelledError:
            if not self.interrupted:
                raise
            whole = False
        finally:
            await self.chat.close()
            self.transcript.close()
        if self.asker.failed is not None:
            raise self.asker.failed
        usage = self.transcript.spent.summary()
        if whole:
            return Asked(usage=usage)
        return Asked(self.asker.stopped, self.interrupted, usage)

    def _interrupt(self, main: asyncio.Task[Any]) -> None:
        """First what is in flight comes home; the second time it does not."""
        if self.interrupted:
            main.cancel()
        self.interrupted = True
        self.asker.stop("interrupted")


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
    loop.add_signal_handler(signal.SIGINT, act)
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
