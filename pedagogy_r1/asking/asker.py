"""Asks a language model, once for every distinct request, and does not let go until it has an answer or a reason.

    answer = await asker.ask(request, about, parse=parse_codings, priority=7)      list of codings, or GaveUp("timeout")

What the ledger holds is not asked. A fault is tried again after a random wait (full jitter: between nothing and a
bound that doubles): server and network faults up to ``retries`` times, faults of the content at most twice as long as
asking for fewer units may cure them, then ``retries`` times too. Each kind is counted by itself. A server that cannot be
reached at all stops the run, instead of having its rest recorded as missing.
"""

from __future__ import annotations

import asyncio
import contextlib
import heapq
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, NamedTuple, TypeVar, get_args

from ..chat import CONTENT_FAULTS, Chat, ChatFault, ChatReply, ChatRequest, Fault
from ..errors import ChatError
from .transcript import Transcript

T = TypeVar("T")

Verdict = Literal["ok", "overload", "neutral"]
"""How the server took a request."""

CONTENT_RETRIES = 2
LONGEST_WAIT = 60.0
"""Seconds; the bound that doubles stops here."""
REJECTIONS = 3
"""So many rejected requests before the first answer mean that the parameters are wrong, not the requests."""


class GaveUp(NamedTuple):
    """No answer, and why; ``content``: asking for fewer units at a time may help."""

    reason: str
    content: bool


class StoppedError(Exception):
    """The run is being stopped: this request was not sent."""


@dataclass(frozen=True)
class Sending:
    """How requests are sent; none of it changes an answer.

    ``concurrency``: most requests in flight. ``timeout``: seconds for one. ``backoff``: seconds, the first bound of the random
    wait after a fault. ``max_tokens_total``: prompt and completion, over all sessions, not to be exceeded as far as can be
    foreseen. ``retry_missing``: ask again for what an earlier session gave up.
    """

    concurrency: int = 16
    timeout: float = 300.0
    retries: int = 6
    backoff: float = 0.5
    max_tokens_total: int | None = None
    retry_missing: bool = False


class Asker:
    """One per run. ``expected_tokens``: a guess at one request's, until there is experience."""

    def __init__(
        self, chat: Chat, transcript: Transcript, sending: Sending, *, expected_tokens: int = 0, seed: int = 0
    ) -> None:
        self.chat = chat
        self.transcript = transcript
        self.limiter = Limiter(sending.concurrency)
        self.stopped: str | None = None
        self.failed: ChatError | None = None
        self._sending, self._expected = sending, expected_tokens
        self._asking: dict[str, asyncio.Future[object]] = {}
        self._random = random.Random(seed)  # noqa: S311 - jitter, no secret
        self._halt = asyncio.Event()
        self._successes = self._rejections = 0

    def stop(self, why: str, error: ChatError | None = None) -> None:
        """Send nothing more; what is in flight comes home and is kept."""
        if self.stopped is None:
            self.stopped, self.failed = why, error
            self._halt.set()
            self.limiter.wake()

    async def ask(
        self,
        request: ChatRequest,
        about: dict[str, Any],
        *,
        parse: Callable[[ChatReply], T],
        priority: int = 0,
        last: bool = False,
    ) -> T | GaveUp:
        """What ``parse`` makes of the reply (it raises ``ChatFault`` where it is of no use), or why there is none.

        ``last``: nothing else will be tried for these units. Raises ``StoppedError`` if the request was not sent because the run is being stopped.
        """
        digest = request.digest
        twin = self._asking.get(digest)
        if twin is not None:  # the same request, asked for another trace at this moment
            await asyncio.wait([twin])
        known = self._known(digest, parse)
        if known is not None:
            return known
        if twin is not None:
            raise StoppedError
        done: asyncio.Future[object] = asyncio.get_running_loop().create_future()
        self._asking[digest] = done
        try:
            return await self._ask(request, about, parse, priority, last)
        finally:
            del self._asking[digest]
            done.set_result(None)

    def _known(self, digest: str, parse: Callable[[ChatReply], T]) -> T | GaveUp | None:
        reason = self.transcript.given_up(digest)
        if reason is not None and reason in get_args(Fault):  # others were found in a reply, which is there
            return GaveUp(reason, reason in CONTENT_FAULTS)
        reply = self.transcript.answered(digest)
        return None if reply is None else parse(reply)

    async def _ask(
        self,
        request: ChatRequest,
        about: dict[str, Any],
        parse: Callable[[ChatReply], T],
        priority: int,
        last: bool,
    ) -> T | GaveUp:
        attempt, contents = 0, 0
        while True:
            attempt += 1
            outcome = await self._attempt(request, about, parse, attempt, priority)
            if not isinstance(outcome, ChatFault):
                return outcome
            content = outcome.kind in CONTENT_FAULTS
            contents += content
            tries = contents if content else attempt - contents
            retries = self._sending.retries
            allowed = min(retries, CONTENT_RETRIES) if content and not last else retries
            # A model in this process would say the very same again.
            settled = outcome.kind == "rejected" or (content and getattr(self.chat, "repeatable", False))
            if tries > allowed or settled:
                self._give_up(request, outcome, missing=last or not content)
                return GaveUp(outcome.kind, content)
            await self._wait(attempt, outcome.retry_after)

    async def _attempt(
        self,
        request: ChatRequest,
        about: dict[str, Any],
        parse: Callable[[ChatReply], T],
        attempt: int,
        priority: int,
    ) -> T | ChatFault:
        note = partial(self.transcript.attempt, request, about=about, attempt=attempt)
        ticket = await self.limiter.acquire(priority)
        began = time.monotonic()
        verdict: Verdict = "neutral"
        try:
            self._check_stop()
            reply = await self.chat.ask(request)
            answer = self._parsed(reply, parse)
            note(reply, seconds=time.monotonic() - began)
            verdict = "ok"
            self._successes += 1
            return answer
        except ChatFault as fault:
            note(fault, seconds=time.monotonic() - began)
            verdict = "overload" if fault.overload else "ok" if fault.kind in CONTENT_FAULTS else "neutral"
            if fault.kind == "rejected":
                self._rejected(fault)
            if fault.retry_after:
                self.limiter.pause(fault.retry_after)
            return fault
        except ChatError as error:
            self.stop(error.message, error)
            raise StoppedError from error
        finally:
            self.limiter.release(ticket, verdict)

    def _parsed(self, reply: ChatReply, parse: Callable[[ChatReply], T]) -> T:
        try:
            return parse(reply)
        except ChatFault as fault:
            fault.raw, fault.usage = reply.raw, reply.usage
            raise

    def _check_stop(self) -> None:
        """Stop before this request if it could go over the budget: what is in flight counts as what such requests came to."""
        budget = self._sending.max_tokens_total
        if self.stopped is None and budget is not None:
            spent = self.transcript.spent
            answered = spent.requests - spent.faults.total()
            each = spent.total / answered if answered else self._expected
            if spent.total + each * self.limiter.in_flight > budget:
                self.stop(f"token budget of {budget:,} reached ({spent.total:,} used)")
        if self.stopped is not None:
            raise StoppedError

    def _rejected(self, fault: ChatFault) -> None:
        self._rejections += 1
        if not self._successes and self._rejections >= REJECTIONS:
            hint = "the server does not take these parameters, or so long a prompt (annotate: lower --window; eval: try --no-logprobs); run again with others"
            self.stop(fault.message, ChatError(fault.message, hint))

    def _give_up(self, request: ChatRequest, fault: ChatFault, *, missing: bool) -> None:
        if fault.unreachable:
            why = f"the server cannot be reached ({fault.message})"
            hint = "see to the server or the base URL, then run the same command again; what was answered is kept"
            self.stop(why, None if self._successes else ChatError(why, hint))
        if self.stopped is not None:
            raise StoppedError
        self.transcript.give_up(request.digest, fault.kind, missing=missing)

    async def _wait(self, attempt: int, retry_after: float | None) -> None:
        bound = min(LONGEST_WAIT, self._sending.backoff * 2 ** (attempt - 1))
        seconds = (retry_after or 0.0) + self._random.uniform(0.0, bound)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._halt.wait(), seconds)
        if self.stopped is not None:
            raise StoppedError


class Limiter:
    """How many requests may be in flight: additive increase, multiplicative decrease, up to a ceiling.

        ticket = await limiter.acquire(priority=trace_number)
        …ask…
        limiter.release(ticket, "ok")          one step nearer to the ceiling
        limiter.release(ticket, "overload")    half as many, once per round of requests

    The idea is TCP's. A round is every request that started before the last decrease: thirty 429s that come back
    together are one message from the server, not thirty. Lowest priority number first. One event loop, no locks.
    """

    def __init__(self, ceiling: int) -> None:
        self.ceiling = max(1, ceiling)
        self.limit = float(self.ceiling)
        self.in_flight = 0
        self._waiting: list[tuple[int, int, asyncio.Future[None]]] = []
        self._ticket = 0
        self._decreased_at = 0
        self._resume_at = 0.0

    async def acquire(self, priority: int = 0) -> int:
        """Wait for a place; returns a ticket to give back with `release`."""
        self._ticket += 1
        if self._waiting or self.in_flight >= int(self.limit) or self._paused():
            place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            heapq.heappush(self._waiting, (priority, self._ticket, place))
            try:
                await place
            except asyncio.CancelledError:
                # Admitted and cancelled at once: pass the place on.
                if place.done() and not place.cancelled():
                    self.in_flight -= 1
                    self._admit()
                raise
            self._ticket += 1
        else:
            self.in_flight += 1
        return self._ticket

    def release(self, ticket: int, verdict: Verdict = "neutral") -> None:
        """Give the place back, and say how the server took the request."""
        self.in_flight -= 1
        if verdict == "ok":
            self.limit = min(self.ceiling, self.limit + max(1.0, self.ceiling / 16) / max(self.limit, 1.0))
        elif verdict == "overload" and ticket > self._decreased_at:
            self.limit = max(1.0, self.limit / 2)
            self._decreased_at = self._ticket
        self._admit()

    def pause(self, seconds: float) -> None:
        """Admit nobody for so long: the server asked for it."""
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds
        if until > self._resume_at:
            self._resume_at = until
            loop.call_at(until, self._admit)

    def wake(self) -> None:
        """Admit everybody who waits: they are to find out that the run is being stopped."""
        while self._waiting:
            self._seat()

    def _paused(self) -> bool:
        # The clock's resolution: a timer may fire a moment before its time.
        return self._resume_at > 0 and self._resume_at - asyncio.get_running_loop().time() > 0.001

    def _admit(self) -> None:
        while self._waiting and self.in_flight < int(self.limit) and not self._paused():
            self._seat()

    def _seat(self) -> None:
        place = heapq.heappop(self._waiting)[2]
        if not place.cancelled():
            self.in_flight += 1
            place.set_result(None)
