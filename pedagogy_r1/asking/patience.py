"""When asking on is of no use: how many failures stop a run or make it wait, and what is said then. And how many requests are
in flight at once: `Limiter`, at the end, opens up while they succeed and halves when the server is overloaded.

    before the first usable answer   3 of one kind stop the run (8 of "slow down"; 10 in all, or where no unit's coding holds)
    a session that reaches nobody    the same
    after it                         10 in a row: wait, ask one at a time, say so; nothing but failures after 3 waits: stop

Requests that were under way when the first failure came cannot have known of it: what the network or the server did to them
does not count. Before the first answer one request is sent at a time from then on, so that little is spent in vain.
"""

from __future__ import annotations

import asyncio
import heapq
import json
import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import KW_ONLY, dataclass, field
from pathlib import Path
from typing import Literal, NamedTuple, Protocol

from ..chat import CONTENT_FAULTS, ChatFault, ChatRequest, parse_body, printable, rough_tokens
from ..errors import ChatError

ENOUGH = 3
ENOUGH_RATE_LIMITED = 8
ENOUGH_IN_ALL = 10
STRETCH = 10
PAUSES = 3
SHOWN = 80
"""Characters of a reply that are shown."""

AGAIN = "run the same command again to go on; what was answered is kept"

ADVICE = {
    "a web page": "check that the base URL is the API's (it ends like /v1) and that no login page or proxy stands before it",
    "an event stream": "turn streaming off at the server or proxy: nobody asked for it",
    "another API's reply": "give the base URL of the server's OpenAI-compatible API (it ends like /v1)",
    "an empty body": "see the log of the server, or of the proxy before it",
    "an empty reply": "a thinking model may have spent all tokens on thinking: raise --max-output-tokens, or turn thinking off at the server",
    "a tool call": "start the server without tools and without a tool-call parser, or take another model",
    "a think block without an answer": "raise --max-output-tokens, or give the server a reasoning parser",
    "a code fence among other text": "have the form enforced (--backend-option schema=enforce), or take another model",
    "JSON of another form": "try --backend-option schema=ask or a smaller --window, or take another model",
    "no JSON": "try --backend-option schema=json_object, schema=ask or a smaller --window, or take another model",
    "length": "raise --max-output-tokens or leave it out, lower --window, or turn thinking off at the server",
    "refusal": "the model or its provider refuses this material: look at the traces, or take another model",
    "rejected": "the server does not take these parameters (annotate: try --temperature -1; eval: try --no-logprobs)",
    "server_error": "see the server's log",
    "timeout": "raise --timeout, lower --concurrency, or see whether the server is busy with something else",
    "rate_limited": "lower --concurrency, see what the account may ask in a minute and a day, and wait",
    "connection": "see whether the server (or a proxy before it) is well",
}
NOTHING_HOLDS = "the model does not follow the prompt: look at its replies in ledger.jsonl, lower --window, or take another model"

_CONTEXT = re.compile(
    r"context.{0,24}(length|window|size|limit)|n_ctx|max_model_len|too many (input )?tokens|prompt (is )?too long|"
    r"(maximum|limit).{0,40}tokens|tokens; the model takes",
    re.IGNORECASE | re.DOTALL,
)


class NothingUsableError(ChatError):
    """A run that is given up at its beginning. ``reasons``: how often the first requests brought nothing, by reason."""

    def __init__(self, message: str, hint: str, reasons: Mapping[str, int]) -> None:
        super().__init__(message, hint)
        self.reasons = dict(reasons)


class Pause(NamedTuple):
    """Seconds to send nothing, and what to say."""

    seconds: float
    sentence: str


class Batches(Protocol):
    """Of a chat that sends requests in batches, what those who ask need to know. ``unread``: replies that are here already."""

    unread: int

    def keep_in(self, folder: Path, answered: Callable[[str], bool], backoff: float) -> None:
        """Keep the record of batches in a folder, whose ledger says what is answered. ``backoff``: as in `Sending`."""
        ...

    def hold(self, held: bool) -> None:
        """Whether more is about to be asked."""
        ...

    def let_go(self) -> None:
        """Wait for nothing any more."""
        ...


@dataclass(eq=False)
class Patience:
    """Of one run. ``batches``: of these every reply is there, and paid, before the first is looked at; so all are looked at. ``backoff``: as in `Sending`. ``repeatable``: the model would say the same again, so waiting is of no use.

    ``succeeded``: an answer of use came, in an earlier session too. ``heard``, ``reached``: in this one something came back, if
    only that nobody is there; something came from the server.
    """

    backoff: float
    _: KW_ONLY
    repeatable: bool = False
    succeeded: bool = False
    heard: bool = False
    reached: bool = False
    batches: Batches | None = None
    _early: Counter[str] = field(default_factory=Counter)
    _stretch: int = 0
    _pieces: set[int] = field(default_factory=set)
    _pauses: int = 0
    _since: int = 0

    @property
    def beginning(self) -> bool:
        """No answer of use has come yet; or, where a session resumes, the server has not been reached in it."""
        return not (self.succeeded and self.reached)

    @property
    def in_doubt(self) -> bool:
        """Something came, and nothing of use."""
        return self.heard and not self.succeeded

    def success(self, ticket: int) -> bool:
        """An answer of use; whether it was asked for since the last pause, and so says that the server is well again."""
        self.succeeded = self.heard = self.reached = True
        if ticket <= self._since:
            return False
        self._stretch = self._pauses = 0
        self._pieces.clear()
        return True

    def failure(
        self, fault: ChatFault, request: ChatRequest, *, early: bool, ticket: int, piece: int
    ) -> Pause | ChatError | None:
        """What follows from a failure: to wait, to stop, or nothing.

        ``early``: it was sent before anything had come back. ``ticket``: of this request; ``piece``: the number of the trace
        or item that it is about.
        """
        self.heard = True
        self.reached |= not fault.unreachable
        if fault.again:
            return None
        content = fault.kind in CONTENT_FAULTS
        if self.beginning:
            return None if early and not content else self._begun_badly(fault.kind, fault, request)
        if self.batches is not None or ticket <= self._since or (content and self.repeatable):
            return None
        self._stretch += 1
        self._pieces.add(piece)
        if self._stretch < (ENOUGH if self._pauses else STRETCH):
            return None
        return self._stretched(fault, request, content)

    def useless(self, why: str, raw: str, request: ChatRequest) -> ChatError | None:
        """A reply in which nothing holds (``why``: a reason of the first unit) counts before the first answer of use."""
        self.heard = True
        fault = ChatFault("malformed", "no coding in the reply held", raw=raw)
        return None if self.succeeded else self._begun_badly(why, fault, request)

    def _begun_badly(self, kind: str, fault: ChatFault, request: ChatRequest) -> ChatError | None:
        self._early[kind] += 1
        of_unit = kind not in ADVICE and kind != "malformed"
        enough = {"rate_limited": ENOUGH_RATE_LIMITED}.get(kind, ENOUGH_IN_ALL if of_unit else ENOUGH)
        if self.batches is not None and self.batches.unread:
            return None
        if self._early[kind] < enough and self._early.total() < ENOUGH_IN_ALL:
            return None
        if fault.unreachable:
            return _not_there(fault)
        count = f"the first {self._early.total()} requests brought nothing that could be used"
        return NothingUsableError(
            f"{count}: {_said(fault, kind if of_unit else None)}",
            NOTHING_HOLDS if of_unit else advice(fault, request),
            self._early,
        )

    def _stretched(self, fault: ChatFault, request: ChatRequest, content: bool) -> Pause | ChatError | None:
        failed, self._stretch = self._stretch, 0
        # One trace that a model refuses is given up by itself.
        if self._pauses >= PAUSES and (not content or len(self._pieces) >= ENOUGH):
            if fault.unreachable:
                return _not_there(fault)
            return ChatError(f"nothing but failures for a while: {_said(fault)}", advice(fault, request))
        seconds = min(600.0, 60 * self.backoff * 2**self._pauses)
        self._pauses = min(self._pauses + 1, PAUSES)
        sentence = (
            f"{failed} requests in a row failed ({_said(fault)}); waiting {seconds:.0f} s, then one at a time"
        )
        return Pause(seconds, sentence)

    def paused(self, newest: int) -> None:
        """A pause began: what was sent before it says nothing about what comes behind it."""
        self._since = newest


def _not_there(fault: ChatFault) -> ChatError:
    return ChatError(
        f"the server cannot be reached: {fault.message}", f"start it, or see to the base URL; {AGAIN}"
    )


def advice(fault: ChatFault, request: ChatRequest) -> str:
    """What to do about a fault that does not go away."""
    said = f"{fault.message} {(fault.raw or '')[:2000]}"
    if fault.kind == "rejected" and _CONTEXT.search(said):
        return _too_long(request)
    return f"{ADVICE[look(fault.raw)[0] if fault.kind == 'malformed' else fault.kind]}; {AGAIN}"


def _too_long(request: ChatRequest) -> str:
    """A prompt that the model cannot hold: which part of it is too long."""
    frame, own = rough_tokens(request.frame.system), rough_tokens(request.text)
    sizes = f"the system message (of annotate: the codebook) has about {frame:,} tokens, this request's own part {own:,}"
    if frame > own:
        return (
            f"{sizes}: give the model a longer context, or annotate with --codebook-form compact or names; "
            "a smaller --window shortens the second part only"
        )
    fewer = (
        ", or fewer or shorter examples (--k, --example-tokens)" if '{"examples":[' in request.text else ""
    )
    return f"{sizes}: give the model a longer context, or annotate with a smaller --window{fewer}"


def _said(fault: ChatFault, kind: str | None = None) -> str:
    """The fault, and how the reply begins, if one came. ``kind``: another name of it."""
    sort, shown = look(fault.raw)
    quoted = f": {shown!r}" if shown and shown[:40] not in fault.message else ""
    kind = kind or (sort if fault.kind == "malformed" and fault.raw is not None else fault.kind)
    return f"{kind}, {fault.message}{quoted}"


def look(raw: str | None) -> tuple[str, str]:
    """What a reply of no use is (a key of `ADVICE`), and its first 80 characters.

    >>> look("<html><body>Log in</body></html>")
    ('a web page', '<html><body>Log in</body></html>')
    """
    text = (raw or "").lstrip()
    sort = (
        "a web page"
        if text[:1] == "<"
        else "an event stream"
        if text.startswith(("data:", "event:", ":"))
        else ""
    )
    if not sort:
        sort, text = _content(text)
    return sort, printable(text[: 4 * SHOWN])[:SHOWN]


def _content(text: str) -> tuple[str, str]:
    """The same, of what is neither page nor stream: the content of the reply, if it has one."""
    try:
        body = parse_body(text)
        message = body["choices"][0]["message"]
        said = message.get("content")
    except (ValueError, RecursionError):
        return "no JSON" if text else "an empty body", text
    except (KeyError, IndexError, TypeError, AttributeError):
        return "another API's reply", text
    if not said:
        called = message.get("tool_calls") or message.get("function_call")
        return ("a tool call", json.dumps(called)) if called else ("an empty reply", text)
    said = said.strip() if isinstance(said, str) else json.dumps(said)
    if re.match(r"<(think|thinking|reasoning)>", said, re.IGNORECASE) or "</think>" in said:
        return "a think block without an answer", said
    if "```" in said:
        return "a code fence among other text", said
    return "JSON of another form" if said[:1] in "{[" else "no JSON", said


Verdict = Literal["ok", "overload", "neutral"]
"""How the server took a request."""


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
        self._narrow = False

    @property
    def newest(self) -> int:
        """The last ticket that was given."""
        return self._ticket

    async def acquire(self, priority: int = 0) -> int:
        """Wait for a place; returns a ticket to give back with `release`."""
        self._ticket += 1
        if self._waiting or self.in_flight >= self._room or self._paused():
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

    def narrow(self, narrow: bool) -> None:
        """Whether one request at a time is enough, whatever the limit."""
        if narrow is not self._narrow:
            self._narrow = narrow
            self._admit()

    @property
    def _room(self) -> int:
        return 1 if self._narrow else int(self.limit)

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
        while self._waiting and self.in_flight < self._room and not self._paused():
            self._seat()

    def _seat(self) -> None:
        place = heapq.heappop(self._waiting)[2]
        if not place.cancelled():
            self.in_flight += 1
            place.set_result(None)
