"""``openai:NAME`` through the server's batch endpoint: half the price at most providers, within a day.

    ask ─┐                            ┌─ batch_a: file, batch, looked at until it is done ─┐
    ask ─┼─ pending, until no more ───┤                                                    ├─ each ask its line, by custom_id
    ask ─┘  can come, or one is full  └─ batch_b …                                         ┘

Whoever asks notices nothing but the time: what is to be asked again, or depends on a reply, goes into the next batch with all that
waits then. What was sent is on the disk before it is sent (`_batch_record`), so that a run that is killed at any moment, or
interrupted, collects its batches by the same command and sends nothing twice.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from ..errors import ChatError, PedagogyError
from ..files.batch_record import BatchRecord, SentBatch, file_name, new_key
from ..formatting import counted
from . import ChatFault, ChatFrame, ChatReply, ChatRequest
from ._batch_file import MOST_BYTES, MOST_REQUESTS, ROUND_A_BODY, body_size, write_batch
from ._batch_replies import Line, fetch_replies, first_error, how_far, line_at, nothing_done, response_of
from ._batch_server import FIRST_WAIT, LONGEST_WAIT, OVER, BatchServer, NoBatchEndpointError, NotThereError
from ._request_body import BodyShape
from ._server import AnsweredBody, Secret
from ._wire import HttpAnswer, Wire

LINGER, CALM = 0.03, 4
"""Seconds between two looks at what is pending, and how many of them without a change say that no more can come."""
LATE = 5.0
"""Seconds after the attempt to make a batch in which it may still turn up, though whoever made it was killed."""
TOLD = 60.0
"""Seconds between two sentences about the same batch, unless its status changes."""
QUEUE_FULL = "token_limit_exceeded"
"""Why a batch was not begun: the account has too many tokens waiting already."""
TOO_LONG = 48 * 3600.0
"""Seconds, twice the server's window, after which a batch that is not over is no longer waited for."""
CLIENT_GONE = ChatError("interrupted", "the same command goes on")

_log = logging.getLogger(__name__)


class Completions(Protocol):
    """Of `openai.OpenAIChat`: how a request is put, and what is made of an answer."""

    model: str
    url: str
    secret: Secret
    wire: Wire
    dialect: dict[str, str]

    def shape(self, frame: ChatFrame) -> BodyShape: ...
    def read(
        self, request: ChatRequest, answer: AnsweredBody, *, shape: BodyShape, size: int
    ) -> ChatReply: ...
    def adopt(self, dialect: Mapping[str, str]) -> None: ...
    async def close(self) -> None: ...


class _Waiting(NamedTuple):
    """Somebody who asks, and for whom a line of a batch is meant."""

    request: ChatRequest
    shape: BodyShape
    size: int
    line: asyncio.Future[dict[str, Any]]


class BatchedOpenAI:
    """A chat in a folder: `keep_in` comes before the first `ask`. ``unread``: replies that are here and not yet handed on."""

    def __init__(self, chat: Completions) -> None:
        self.unread = 0
        self._chat = chat
        self._server = BatchServer(chat.wire, chat.url, chat.model, chat.secret)
        self._waiting: dict[str, _Waiting] = {}
        self._pending: dict[str, int] = {}
        self._bytes = 0
        self._out: dict[str, SentBatch] = {}
        self._found: dict[str, Line] = {}
        self._record: BatchRecord | None = None
        self._looked_at: set[str] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._feeding: asyncio.Task[None] | None = None
        self._begun = self._held = False
        self._broken: PedagogyError | None = None
        self._most = MOST_REQUESTS
        self._finished = asyncio.Event()

    @property
    def batches(self) -> BatchedOpenAI:
        """What a session speaks to about batches."""
        return self

    @property
    def model(self) -> str:
        return self._chat.model

    @property
    def dialect(self) -> dict[str, str]:
        """How the server is asked."""
        return self._chat.dialect

    def adopt(self, dialect: Mapping[str, str]) -> None:
        """Ask as an earlier session of the same run found that this server is to be asked."""
        self._chat.adopt(dialect)

    def keep_in(self, folder: Path, answered: Callable[[str], bool], backoff: float) -> None:
        """Keep the record of batches there, and take up those of an earlier session. ``answered``: by the ledger."""
        self._server.backoff = backoff
        self._record = BatchRecord(folder)
        self._record.forget(answered)
        for batch in self._record.open.values():
            self._out |= dict.fromkeys(batch.left, batch)

    @property
    def record(self) -> BatchRecord:
        """What is out."""
        assert self._record is not None, "keep_in comes first"
        return self._record

    def hold(self, held: bool) -> None:
        """Whether more is about to be asked, so that a batch that is not full is waited with."""
        self._held = held

    def let_go(self) -> None:
        """Wait for nothing any more; what is out stays out, and is collected by the same command."""
        out = {id(batch): batch for batch in self._out.values() if batch.id or batch.creating}
        if out:
            requests = sum(len(batch.left) for batch in out.values())
            _log.warning(
                "%d of the requests are out in %d batches, which the server goes on with: the same command collects them",
                *(requests, len(out)),
            )
        self._break(CLIENT_GONE)

    async def ask(self, request: ChatRequest) -> ChatReply:
        """One request, in whatever batch it was sent or will be."""
        if self._broken is not None:
            raise self._broken
        self._begin()
        digest, shape = request.digest, self._chat.shape(request.frame)
        waiting = _Waiting(
            request, shape, body_size(shape, request), asyncio.get_running_loop().create_future()
        )
        self._waiting[digest] = waiting
        try:
            if digest in self._found:
                self._hand_on(digest, self._found.pop(digest))
            elif digest not in self._out:
                self._add(digest, waiting.size + ROUND_A_BODY)
            line = await waiting.line
        finally:
            del self._waiting[digest]
            self._bytes -= self._pending.pop(digest, 0)
        self.unread -= 1
        if (batch := self._out.pop(digest, None)) is not None:
            batch.left.discard(digest)
        return self._read(waiting, line)

    def _read(self, waiting: _Waiting, line: dict[str, Any]) -> ChatReply:
        request, response, error = waiting.request, response_of(line), line.get("error")
        try:
            if response is not None:
                body = json.dumps(response.get("body"), ensure_ascii=False, separators=(",", ":")).encode(
                    "utf-8", "replace"
                )
                answer = HttpAnswer(response["status_code"], {}, body)
                return self._chat.read(request, answer, shape=waiting.shape, size=waiting.size)
            told = error if isinstance(error, dict) else {"code": "error", "message": error}
            said = f"{told.get('code')}: {told.get('message')}"
            kind = "timeout" if told.get("code") == "batch_expired" else "server_error"
            raise ChatFault(kind, self._chat.secret.hidden_parts(said)[:300])  # type: ignore[arg-type]
        except ChatFault as fault:
            fault.retry_after = None  # the next batch comes later than any server asks to wait
            raise

    def _begin(self) -> None:
        """Take up what an earlier session left out."""
        if not self._begun:
            self._begun = True
            for batch in list(self.record.open.values()):
                self._start(self._take_up(batch))

    def _add(self, digest: str, size: int) -> None:
        if self._pending and (len(self._pending) >= self._most or self._bytes + size > MOST_BYTES):
            self._cut()
        self._pending[digest] = size
        self._bytes += size
        if self._feeding is None or self._feeding.done():
            self._feeding = self._start(self._feed())

    async def _feed(self) -> None:
        """Send what is pending when no more can come."""
        await _calm(lambda: -1 if self._held else len(self._pending))
        if self._pending:
            self._cut()

    def _cut(self) -> None:
        """What is pending is a batch."""
        self.record.close_collected()
        asked = list(self._pending)
        self._pending.clear()
        self._bytes = 0
        for start in range(0, len(asked), self._most):
            self._start(self._send(asked[start : start + self._most]))

    def _start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(self._guarded(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _guarded(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except PedagogyError as error:
            self._break(error)
        except Exception as error:  # noqa: BLE001 - raised again by every ask that waits, and by all that come
            self._break(ChatError(f"{type(error).__name__}: {error}", "what is out in batches stays there"))

    def _break(self, error: PedagogyError) -> None:
        self._broken = self._broken or error
        for waiting in self._waiting.values():
            if not waiting.line.done():
                waiting.line.set_exception(self._broken)

    async def _send(self, digests: list[str]) -> None:
        """A new batch, from its file to its replies."""
        asked = [self._waiting[digest] for digest in digests if digest in self._waiting]
        if not asked:
            return
        key = new_key()
        path = self.record.folder / file_name(key)
        size = write_batch(path, ((waiting.shape, waiting.request) for waiting in asked))
        batch = self.record.begin([waiting.request.digest for waiting in asked], size, key)
        self._out |= dict.fromkeys(batch.requests, batch)
        self.record.sent_file(batch, await self._server.upload(batch, path))
        await self._make(batch)
        path.unlink(missing_ok=True)
        await self._follow(batch)

    async def _make(self, batch: SentBatch) -> None:
        self.record.creating(batch)
        try:
            made = await self._server.create(batch)
        except NoBatchEndpointError:
            self.record.void(batch, "no batch endpoint")
            raise
        self.record.submitted(batch, str(made["id"]))
        _log.warning("%s: %s sent", batch.id, counted(len(batch.requests), "request"))

    async def _take_up(self, batch: SentBatch) -> None:
        """A batch of an earlier session, however far that came."""
        if batch.id is None and batch.creating is not None:
            made = await self._server.made_after_all(batch, batch.creating + LATE, self.record.given_up)
            if made is not None:
                self.record.submitted(batch, str(made["id"]))
        if batch.id is None and batch.file is None:
            with suppress(ChatError):  # of a file nothing is done, and nothing is paid: it is sent again
                if file := await self._server.find_file(batch):
                    self.record.sent_file(batch, file)
        if batch.id is None and batch.file is not None:
            await self._make(batch)
        if batch.id is None:
            self._undo(batch, "never sent")
        else:
            await self._follow(batch)

    def _undo(self, batch: SentBatch, why: str) -> None:
        """What was in a batch that never came to be is to be sent in another one."""
        self.record.void(batch, why)
        for digest in batch.left:
            self._out.pop(digest, None)
            if digest in self._waiting and not self._waiting[digest].line.done():
                self._add(digest, self._waiting[digest].size + ROUND_A_BODY)

    async def _follow(self, batch: SentBatch) -> None:
        """Look at a batch until it is over, and hand on what came."""
        assert batch.id is not None
        wait, told, status = FIRST_WAIT, time.monotonic(), ""
        self._looked_at.add(batch.key)
        while (found := await self._look(batch))["status"] not in OVER:
            if found["status"] != status or time.monotonic() > told + TOLD:
                status, told = found["status"], time.monotonic()
                _log.warning("%s (%s): %s", batch.id, counted(len(batch.requests), "request"), how_far(found))
            if batch.creating and time.time() > batch.creating + TOO_LONG:
                raise ChatError(
                    f"batch {batch.id} is still {status!r}, {(time.time() - batch.creating) / 3600:,.0f} hours after it was made "
                    "(a day is promised)",
                    f"ask the provider, or cancel it there; it stays noted, and the same command looks again. {self.record.afresh}",
                )
            await asyncio.sleep(wait)
            wait = min(LONGEST_WAIT, 1.5 * wait)
        self._looked_at.discard(batch.key)
        if found["status"] == "failed" and nothing_done(found):
            await self._failed(batch, found)
        else:
            await self._collect(batch, found)
        self._finished.set()
        self._finished.clear()

    async def _look(self, batch: SentBatch) -> dict[str, Any]:
        assert batch.id is not None
        try:
            return await self._server.look(batch.id)
        except NotThereError as error:
            raise ChatError(
                f"batch {batch.id}, with {counted(len(batch.left), 'request')} out, is not at the server ({error.message}); "
                "nothing was sent again",
                f"see whether --base-url and the key are those it was sent with, and give the same command. {self.record.afresh}",
            ) from None

    async def _failed(self, batch: SentBatch, found: dict[str, Any]) -> None:
        """A server that refused a batch as a whole has done nothing of it."""
        code, message, more = first_error(found)
        said = self._chat.secret.hidden_parts(f"{code}: {message}")[:300] + more
        others = bool(self._looked_at)
        if code != QUEUE_FULL or (len(batch.requests) == 1 and not others):
            self.record.void(batch, said)
            raise ChatError(
                f"the server refused batch {batch.id}: {said}", "the same command goes on when that is mended"
            )
        _log.warning("%s: %s; sent again in smaller batches, when there is room", batch.id, said)
        self._most = max(1, len(batch.requests) // 2)
        if others:
            await self._finished.wait()
        self._undo(batch, said)

    async def _collect(self, batch: SentBatch, found: dict[str, Any]) -> None:
        """Hand on all that came of a batch; what did not come is a fault of its own where the server says that it failed."""
        replies = await fetch_replies(self._server, batch, found, self.record.folder)
        lines, status = replies.lines, replies.status
        _log.warning(
            "%s: %s, %d of %s came back",
            batch.id,
            status,
            len(lines),
            counted(len(batch.requests), "request"),
        )
        for note in replies.notes():
            _log.warning("%s: %s", batch.id, note)
        lost = {
            "response": None,
            "error": {"code": f"batch_{status}", "message": "no line of the batch answers it"},
        }
        in_doubt, cancelled = replies.in_doubt, status == "cancelled"
        for digest in sorted(batch.left - in_doubt, key=lambda digest: digest not in lines):
            if digest in lines or not cancelled:
                self._hand_on(digest, lines.get(digest, lost))
        if in_doubt:
            await _calm(lambda: sum(digest in self._found for digest in batch.requests))
            raise ChatError(
                f"batch {batch.id} is {status} at the server, and the replies to {counted(len(in_doubt), 'request')} of it did not come: "
                f"{self._chat.secret.hidden_parts(replies.sentence)}. Nothing was sent again",
                f"the same command fetches them again, and pays nothing for it. {self.record.afresh}",
            )
        batch.delivered = status
        if cancelled and (left := batch.left - lines.keys()):
            batch.left -= left
            for digest in left:
                self._out.pop(digest, None)
            raise ChatError(
                f"batch {batch.id} was cancelled at the server, {counted(len(left), 'request')} of it unanswered",
                "the same command sends them again",
            )

    def _hand_on(self, digest: str, line: Line) -> None:
        """To whoever asks; now, or when somebody does."""
        waiting = self._waiting.get(digest)
        if waiting is None:
            self._found[digest] = line
        elif not waiting.line.done():
            self.unread += 1
            waiting.line.set_result(line_at(*line) if isinstance(line, tuple) else line)

    async def close(self) -> None:
        """End the looking; batches go on at the server. What is in the ledger by now is collected."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._record is not None:
            self._record.close_collected()
            self._record.close()
        await self._chat.close()


async def _calm(count: Callable[[], int]) -> None:
    """Wait until a number of what is there stays the same; below 0 it does not count."""
    before, calm = -1, 0
    while calm < CALM:
        await asyncio.sleep(LINGER)
        calm, before = calm + 1 if (now := count()) == before >= 0 else 0, now
