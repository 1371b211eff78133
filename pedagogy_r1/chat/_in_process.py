"""A model in this process behind the async interface: what is pending together becomes a batch.

    ask ─┐
    ask ─┼─ pending ── take ──▶ [ the engine, in a thread of its own ] ── answer ──▶ each ask by itself
    ask ─┘

An engine is what loads a model and runs it: ``hf`` and ``vllm`` have one each. It lives in one thread, so that the event
loop goes on writing the ledger while the model computes.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Hashable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import NamedTuple, Protocol

from . import ChatFault, ChatReply, ChatRequest, read_completion

LINGER = 0.01
"""Seconds without a further request after which a batch is not waited for any longer."""


class ChatJob(NamedTuple):
    """A request, and where its reply goes."""

    request: ChatRequest
    reply: Future[ChatReply]


class ChatJobs:
    """What an engine sees of the requests; all but `add` may be called from its thread."""

    def __init__(self) -> None:
        self.stopped = False
        self._pending: deque[ChatJob] = deque()
        self._taken: list[ChatJob] = []

    def __len__(self) -> int:
        """How many are pending."""
        return len(self._pending)

    def add(self, job: ChatJob) -> None:
        """Have it taken by the engine when there is room."""
        self._pending.append(job)

    def take(self, most: int) -> list[ChatJob]:
        """Up to ``most`` of what is pending, first come first; what nobody waits for any longer is left out."""
        taken: list[ChatJob] = []
        while self._pending and len(taken) < most:
            job = self._pending.popleft()
            if job.reply.set_running_or_notify_cancel():
                taken.append(job)
        self._taken = [*(job for job in self._taken if not job.reply.done()), *taken]
        return taken

    def answer(self, job: ChatJob, raw: str) -> None:
        """Its reply: the body of a chat completion."""
        try:
            job.reply.set_result(read_completion(raw, partial=job.request.frame.partial))
        except ChatFault as fault:
            self.refuse(job, fault)

    def refuse(self, job: ChatJob, error: Exception) -> None:
        """No reply, and why."""
        job.reply.set_exception(error)

    def refuse_all(self, error: Exception) -> None:
        """No reply for anything that is pending or taken."""
        for job in [*self._taken, *self.take(len(self._pending))]:
            if not job.reply.done():
                self.refuse(job, error)


class Engine(Protocol):
    """A model that answers many requests at once. Both methods run in the engine's one thread."""

    def run(self, jobs: ChatJobs) -> None:
        """Take jobs and answer each, until there is nothing to take (or earlier); `ChatError` if none can be answered."""
        ...

    def close(self) -> None:
        """Let go of the model."""
        ...


class LoadedEngine(NamedTuple):
    """An engine and the one thread it lives in."""

    engine: Engine
    thread: ThreadPoolExecutor

    def close(self) -> None:
        """Let go of the model."""
        self.thread.submit(self.engine.close).result()
        self.thread.shutdown()


class _Kept:
    """Of this process: engines that no chat has at the moment. ``on``: whether they are kept at all."""

    def __init__(self) -> None:
        self.on = False
        self.engines: dict[Hashable, LoadedEngine] = {}

    def taken(self, key: Hashable) -> LoadedEngine | None:
        """The engine of that key; any other is let go of, as two models may be too much."""
        found = self.engines.pop(key, None)
        while self.engines:
            self.engines.popitem()[1].close()
        return found


_kept = _Kept()


def keep_engines() -> None:
    """From now on this process keeps its model from one chat to the next chat with the same one; see `let_engines_go`."""
    _kept.on = True


def let_engines_go() -> None:
    """Let go of the models that are kept, and keep none any more."""
    _kept.on = False
    _kept.taken(None)


class BatchChat:
    """``full``: requests at which a batch need not be waited for, since no more can come. ``key``: the same for engines that answer alike,
    so that the next chat may take over this one's; `None` for one that nobody takes over."""

    repeatable = True
    """The same request gets the same reply: asking again after a reply of no use is of no use either."""

    def __init__(self, model: str, engine: Engine, *, full: int, key: Hashable = None) -> None:
        self.model = model
        self._key = key
        self._loaded = _kept.taken(key) or LoadedEngine(
            engine, ThreadPoolExecutor(1, thread_name_prefix="engine")
        )
        self._full = full
        self._jobs = ChatJobs()
        self._worker: asyncio.Task[None] | None = None
        self._broken: Exception | None = None

    async def ask(self, request: ChatRequest) -> ChatReply:
        """One request; it waits until the engine has room for it."""
        if self._broken is not None:
            raise self._broken
        job = ChatJob(request, Future())
        self._jobs.add(job)
        if self._worker is None or self._worker.done():
            self._worker = asyncio.create_task(self._work())
        return await asyncio.wrap_future(job.reply)

    async def _work(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            while self._jobs:
                await self._settle()
                await loop.run_in_executor(self._loaded.thread, self._loaded.engine.run, self._jobs)
        except Exception as error:  # noqa: BLE001 - raised again by every ask that waits, and by all that come
            self._broken = error
            self._jobs.refuse_all(error)

    async def _settle(self) -> None:
        """Until as many wait as ever can, or nobody has joined for a moment."""
        before = -1
        while before < len(self._jobs) < self._full:
            before = len(self._jobs)
            await asyncio.sleep(LINGER)

    async def close(self) -> None:
        """Have the engine stop at its next token, and let go of the model, unless it is kept for the next chat."""
        self._jobs.stopped = True
        if self._worker is not None:
            await asyncio.gather(self._worker, return_exceptions=True)
        if _kept.on and self._key is not None and self._broken is None:
            _kept.engines[self._key] = self._loaded
        else:
            await asyncio.get_running_loop().run_in_executor(None, self._loaded.close)
