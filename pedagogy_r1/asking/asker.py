"""Asks a language model, once for every distinct request, and does not let go until it has an answer or a reason.

    answer = await asker.ask(request, about, parse=parse_codings, priority=7)      list of codings, or GaveUp("timeout")

What the ledger holds is not asked. A fault is tried again after a random wait (full jitter: between nothing and a
bound that doubles): server and network faults up to ``retries`` times, faults of the content at most twice as long as
asking for fewer units may cure them, then ``retries`` times too. Each kind is counted by itself. A server that cannot be
reached at all stops the run, instead of having its rest recorded as missing, and so does one that answers nothing of
use (`patience`).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Generic, NamedTuple, Self, TypeVar, get_args

from ..chat import (
    CONTENT_FAULTS,
    Chat,
    ChatFault,
    ChatReply,
    ChatRequest,
    Fault,
    UnusableServerError,
    unwrapped,
)
from ..errors import ArgumentError, ChatError, DiskError, PedagogyError
from .patience import Batches, Limiter, Patience, Pause, Verdict
from .transcript import Transcript

T = TypeVar("T")

CONTENT_RETRIES = 2
LONGEST_WAIT = 60.0
"""Seconds; the bound that doubles stops here."""

_log = logging.getLogger(__name__)
"""What a person ought to see while a run goes on; Python prints it on stderr unless told otherwise."""


_turns: dict[tuple[str, float], float] = {}
"""When the last request to a model under a limit was sent, or will be: all shards that this process makes have one limit together."""


class GaveUp(NamedTuple):
    """No answer, and why; ``content``: asking for fewer units at a time may help."""

    reason: str
    content: bool


class StoppedError(Exception):
    """The run is being stopped: this request was not sent."""


@dataclass(frozen=True)
class Sending:
    """How requests are sent; none of it changes an answer.

    ``batch``: through the server's batch endpoint. ``concurrency``: most requests in flight. ``timeout``: seconds for one. ``backoff``: seconds, the first bound of the random
    wait after a fault. ``max_tokens_total``: prompt and completion, over all sessions, not to be exceeded as far as can be
    foreseen. ``retry_missing``: ask again for what an earlier session gave up. ``requests_per_minute``: no more are sent, evenly spaced.
    """

    concurrency: int = 16
    timeout: float = 300.0
    retries: int = 6
    backoff: float = 0.5
    max_tokens_total: int | None = None
    retry_missing: bool = False
    batch: bool = False
    requests_per_minute: float | None = None

    def __post_init__(self) -> None:
        if self.requests_per_minute is not None and not self.requests_per_minute > 0:
            raise ArgumentError(
                f"{self.requests_per_minute} requests a minute", "give more than 0, or leave the limit out"
            )
        if self.requests_per_minute is not None and self.batch:
            raise ArgumentError(
                "--requests-per-minute is not for --batch: each request would come too late for the batch of the one before",
                "leave it out: the server takes a batch's requests as it can",
            )

    def shared_out(self, workers: int) -> Self:
        """What each of so many processes may do of it."""
        most = self.requests_per_minute
        return self if most is None else replace(self, requests_per_minute=most / workers)


class Asker:
    """One per run. ``expected_tokens``: a guess at one request's, until there is experience."""

    def __init__(
        self, chat: Chat, transcript: Transcript, sending: Sending, *, expected_tokens: int = 0, seed: int = 0
    ) -> None:
        self.chat = chat
        self.transcript = transcript
        self.limiter = Limiter(sending.concurrency)
        self.stopped: str | None = None
        self.failed: PedagogyError | None = None
        self._sending, self._expected = sending, expected_tokens
        self._asking: dict[str, asyncio.Future[object]] = {}
        self._random = random.Random(seed)  # noqa: S311 - jitter, no secret
        self._halt = asyncio.Event()
        repeatable = getattr(chat, "repeatable", False)
        self.batches: Batches | None = getattr(chat, "batches", None)
        self.patience = Patience(
            sending.backoff,
            repeatable=repeatable,
            succeeded=transcript.spent.answered,
            batches=self.batches,
        )
        self._unsaid: dict[str, tuple[str, bool]] = {}
        self._unused: dict[str, tuple[Callable[..., None], ChatReply]] = {}
        self._dialect: dict[str, str] | None = None

    def stop(self, why: str, error: PedagogyError | None = None) -> None:
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
        useless: Callable[[T], str | None] = lambda _: None,
        priority: int = 0,
        last: bool = False,
    ) -> T | GaveUp:
        """What ``parse`` makes of the reply (it raises ``ChatFault`` where it is of no use), or why there is none.

        ``useless``: why nothing in what was parsed holds, if so. ``last``: nothing else will be tried for these units. Raises ``StoppedError`` if the request was not sent because the run is being stopped.
        """
        digest = request.digest
        twin = self._asking.get(digest)
        if twin is not None:  # the same request, asked for another trace at this moment
            await asyncio.wait([twin])
        known = self._known(request, parse)
        if known is not None:
            return known
        if twin is not None:
            raise StoppedError
        done: asyncio.Future[object] = asyncio.get_running_loop().create_future()
        self._asking[digest] = done
        try:
            return await self._ask(_Asked(request, about, parse, useless, priority, last))
        finally:
            del self._asking[digest]
            done.set_result(None)

    def _known(self, request: ChatRequest, parse: Callable[[ChatReply], T]) -> T | GaveUp | None:
        unsaid, unused = self._unsaid.get(request.digest), self._unused.get(request.digest)
        reason = self.transcript.given_up(request.digest) or (unsaid and unsaid[0])
        if reason is not None and reason in get_args(Fault):  # others were found in a reply, which is there
            return GaveUp(reason, reason in CONTENT_FAULTS)
        reply = unused[1] if unused else self.transcript.answered(request.digest)
        with contextlib.suppress(ChatFault):  # a line that was changed since is asked for again
            return None if reply is None else parse(_bare(request, reply))
        return None

    async def _ask(self, asked: _Asked[T]) -> T | GaveUp:
        attempt = 0
        failed = {True: 0, False: 0}  # through the content of the reply, and otherwise
        while True:
            attempt += 1
            outcome = await self._attempt(asked, attempt)
            if not isinstance(outcome, ChatFault):
                return outcome
            if outcome.again:
                continue
            content = outcome.kind in CONTENT_FAULTS
            failed[content] += 1
            if self._enough(outcome, failed[content], last=asked.last):
                with self._stopping():
                    self._give_up(asked.request, outcome, missing=asked.last or not content)
                return GaveUp(outcome.kind, content)
            await self._wait(failed[content], outcome.retry_after)

    def _enough(self, fault: ChatFault, failed: int, *, last: bool) -> bool:
        """Whether nothing more is to be tried at a request that failed so often in this way."""
        retries = self._sending.retries
        if fault.kind not in CONTENT_FAULTS:
            # Before the first answer, and of a server that is not there, it is for `Patience` to say when it is enough.
            return failed > retries and self.patience.succeeded and not fault.unreachable
        # A model in this process would say the very same again.
        settled = fault.kind == "rejected" or self.patience.repeatable
        return settled or failed > (retries if last else min(retries, CONTENT_RETRIES))

    async def _attempt(self, asked: _Asked[T], attempt: int) -> T | ChatFault:
        ticket = await self.limiter.acquire(asked.priority)
        verdict: Verdict = "neutral"
        try:
            self._check_stop()
            if self._sending.requests_per_minute:
                await self._turn(60 / self._sending.requests_per_minute)
            with self._stopping():
                outcome = await self._brought(asked, attempt, ticket)
            fault = outcome if isinstance(outcome, ChatFault) else None
            if fault is None or (fault.kind in CONTENT_FAULTS and not fault.overload):
                verdict = "ok"
            elif fault.overload:
                verdict = "overload"
            return outcome
        finally:
            self.limiter.release(ticket, verdict)

    @contextlib.contextmanager
    def _stopping(self) -> Iterator[None]:
        """Where a server is of no use, or a reply, a fault or that a request was given up cannot be kept, nothing more is asked."""
        try:
            yield
        except (ChatError, DiskError) as error:
            self.stop(error.message, error)
            raise StoppedError from error

    async def _brought(self, asked: _Asked[T], attempt: int, ticket: int) -> T | ChatFault:
        """Ask, and record what came of it; what was paid for before anything is made of it."""
        request, early, began = asked.request, not self.patience.heard, time.monotonic()
        note = partial(self.transcript.attempt, request, about=asked.about, attempt=attempt)
        try:
            reply = await self.chat.ask(request)
            reply, answer = self._parsed(request, reply, asked.parse)
        except ChatFault as fault:
            note(fault, seconds=time.monotonic() - began)
            if fault.retry_after:
                self.limiter.pause(fault.retry_after)
            self._failed(fault, request, early=early, ticket=ticket, piece=asked.priority)
            fault.raw = None  # which may be long, and the next attempt far
            return fault
        except UnusableServerError as error:
            note(error.reply, seconds=time.monotonic() - began)
            raise
        self._note_dialect()
        self._came(asked, answer, reply, partial(note, seconds=time.monotonic() - began), ticket)
        return answer

    def _parsed(
        self, request: ChatRequest, reply: ChatReply, parse: Callable[[ChatReply], T]
    ) -> tuple[ChatReply, T]:
        try:
            reply = _bare(request, reply)
            return reply, parse(reply)
        except ChatFault as fault:
            fault.raw, fault.usage = reply.raw, reply.usage
            raise

    def _note_dialect(self) -> None:
        """Record how the server wants to be asked, when that has been found out."""
        dialect: dict[str, str] | None = getattr(self.chat, "dialect", None)
        if dialect is not None and dialect is not self._dialect:
            self._dialect = dialect
            self.transcript.note_dialect(dialect)

    def _came(
        self, asked: _Asked[T], answer: T, reply: ChatReply, note: Callable[..., None], ticket: int
    ) -> None:
        """Record a reply; one in which nothing holds only when another has shown that it is not the server's fault."""
        useless = asked.useless(answer)
        if useless is None:
            if self.patience.success(ticket):
                self.limiter.narrow(False)
            self.settle(whole=True)
        elif not self.patience.succeeded:
            self._unused[asked.request.digest] = note, reply
            self._narrow()
            if (error := self.patience.useless(useless, reply.raw, asked.request)) is not None:
                self.stop(error.message, error)
            return
        note(reply)

    def _failed(
        self, fault: ChatFault, request: ChatRequest, *, early: bool, ticket: int, piece: int
    ) -> None:
        """Stop, wait, or go on."""
        if self.patience.succeeded and fault.overload and self.limiter.limit > 1:
            return  # the limiter sees to that
        found = self.patience.failure(fault, request, early=early, ticket=ticket, piece=piece)
        if isinstance(found, ChatError):
            self.stop(found.message, found)
        elif isinstance(found, Pause):
            _log.warning(found.sentence)
            self.limiter.pause(found.seconds)
            self.patience.paused(self.limiter.newest)
        if isinstance(found, Pause) or self.patience.beginning:
            self._narrow()

    def _narrow(self) -> None:
        """Ask one at a time, to spend little in vain; of a batch all is spent, and one of a single request takes as long."""
        if self.batches is None:
            self.limiter.narrow(True)

    def give_up(self, digest: str, reason: str, *, missing: bool) -> None:
        """Record that nothing more will be tried; before the first answer of use, not yet."""
        if self.patience.succeeded:
            self.transcript.give_up(digest, reason, missing=missing)
        else:
            self._unsaid[digest] = reason, missing

    def settle(self, *, whole: bool) -> None:
        """Record what came, and was given up, before the first answer of use.

        Without one, and not ``whole``, replies count as faults and nothing as given up: the next session asks again.
        """
        for note, reply in self._unused.values():
            bad = ChatFault("malformed", "no coding in the reply held", raw=reply.raw, usage=reply.usage)
            note(reply if whole else bad)
        for digest, (reason, missing) in self._unsaid.items() if whole else ():
            self.transcript.give_up(digest, reason, missing=missing)
        self._unused.clear()
        self._unsaid.clear()

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

    async def _turn(self, apart: float) -> None:
        """Wait until the request before was sent ``apart`` seconds ago. Raises `StoppedError` where the run is stopped meanwhile."""
        now, asked = time.monotonic(), (self.chat.model, apart)
        turn = _turns[asked] = max(now, _turns.get(asked, 0.0) + apart)
        if turn > now:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._halt.wait(), turn - now)
            if self._halt.is_set():  # turns that nobody takes: whoever asks next need not wait for them
                _turns[asked] = min(_turns[asked], time.monotonic())
            self._check_stop()

    def _give_up(self, request: ChatRequest, fault: ChatFault, *, missing: bool) -> None:
        if self.stopped is not None:
            raise StoppedError
        self.give_up(request.digest, fault.kind, missing=missing)

    async def _wait(self, attempt: int, retry_after: float | None) -> None:
        if (
            self.batches is not None
        ):  # the next batch is sent when no more can come: whoever waited would come too late
            self._check_stop()
            return
        bound = min(LONGEST_WAIT, self._sending.backoff * 2 ** (attempt - 1))
        seconds = (retry_after or 0.0) + self._random.uniform(0.0, bound)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._halt.wait(), seconds)
        if self.stopped is not None:
            raise StoppedError


@dataclass(frozen=True)
class _Asked(Generic[T]):
    """The arguments of `Asker.ask`."""

    request: ChatRequest
    about: dict[str, Any]
    parse: Callable[[ChatReply], T]
    useless: Callable[[T], str | None]
    priority: int
    last: bool


def _bare(request: ChatRequest, reply: ChatReply) -> ChatReply:
    """Of a reply that is to be JSON, what is."""
    return reply if request.frame.schema is None else unwrapped(reply)
