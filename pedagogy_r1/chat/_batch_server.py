"""OpenAI's Batch API over HTTP: send a file, make a batch of it, look how it goes, fetch what came.

    POST /files (purpose=batch)  →  POST /batches  →  GET /batches/ID …  →  GET /files/ID/content

What may have been done though no answer came is never simply done again: `find_file` and `find_batch` tell, by our key.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, TypeVar
from urllib.parse import quote

from ..errors import ChatError, disk_error, writing
from ..files.batch_record import SentBatch
from . import ChatFault, parse_body, printable
from ._batch_file import ENDPOINT
from ._server import Room, Secret, TooLong, connection_fault, status_fault, unpacked
from ._wire import JSON, HttpAnswer, Wire

T = TypeVar("T")

WINDOW = "24h"
"""In which a server promises to be done; the only one there is."""
OURS = "pcode"
"""In the metadata of a batch: the name of our key."""
TRIES, TRIES_AT_CONTENT = 12, 8
"""Of what the network or the server's state spoils; of what comes back whole and is not what it should be."""
FIRST_WAIT, LONGEST_WAIT = 0.25, 60.0
"""Seconds before the second look, and at most between two."""
AT_WORK = frozenset({"validating", "in_progress", "finalizing", "cancelling"})
OVER = frozenset({"completed", "failed", "expired", "cancelled"})
"""What a batch may be, as the Batch API documents it."""
STALLED = 900.0
"""Seconds for one request, a whole file sent or fetched included."""
A_DAY = 86_400
"""Seconds by which a server's clock may differ from ours."""
STAYS = "what is out in batches stays there; the same command goes on, and nothing is sent twice"


class NoBatchEndpointError(ChatError):
    """A server that has no Batch API, so that nothing was sent."""


class NotThereError(ChatError):
    """A batch that the server does not know, or knows no more."""


class _NotThere(ChatFault):
    """404 or 410 to what we have an id of; it may be there in a moment."""


class BatchServer:
    """Raises `ChatError` where no further request can get through, after a while of trying.

    ``backoff``: seconds before the second try; the wait doubles.
    """

    def __init__(self, wire: Wire, url: str, model: str, secret: Secret) -> None:
        self.backoff = 0.5
        self._wire, self._url, self._model, self._secret = wire, url, model, secret
        self._room = Room(64 << 20, 64 << 20, 1)

    async def upload(self, batch: SentBatch, path: Path) -> str:
        """Send the file, unless the server has it; its id."""

        async def send() -> str:
            import aiohttp

            form = aiohttp.FormData()
            form.add_field("purpose", "batch")
            with path.open("rb") as file:
                form.add_field("file", file, filename=batch.name, content_type="application/jsonl")
                return str((await self._json("POST", "files", form))["id"])

        return await self._once(send, lambda: self.find_file(batch))

    async def create(self, batch: SentBatch) -> dict[str, Any]:
        """Make the batch of its file, unless there is one."""
        body = {
            "input_file_id": batch.file,
            "endpoint": ENDPOINT,
            "completion_window": WINDOW,
            "metadata": {OURS: batch.key},
        }

        async def make() -> dict[str, Any]:
            return await self._json("POST", "batches", json.dumps(body).encode(), key=batch.key)

        return await self._once(make, lambda: self.find_batch(batch))

    async def look(self, id: str) -> dict[str, Any]:
        """How a batch goes; its ``status`` is in `AT_WORK` or `OVER`. Raises `NotThereError` where there is none."""

        async def looked() -> dict[str, Any]:
            found = await self._json("GET", f"batches/{quote(id, safe='')}")
            status = found.get("status")
            if not isinstance(status, str) or status not in AT_WORK | OVER:
                said = self._secret.hidden_parts(printable(str(status))[:80])
                raise ChatFault(
                    "malformed", f"{self._url}: batch {id} has the status {said!r}, which is none"
                )
            return found

        return await self.patiently(looked)

    async def fetch(self, id: str, path: Path) -> None:
        """A file's content, into ``path``. One try: a `ChatFault` says why it was none, "malformed" where it broke off."""
        with writing(path), path.open("wb") as file:
            await self._faults(self._fetched(id, file))

    async def _fetched(self, id: str, file: BinaryIO) -> None:
        import aiohttp

        where = f"files/{quote(id, safe='')}/content"
        async with asyncio.timeout(STALLED), self._wire.opened("GET", self._at(where)) as got:
            if got.status != 200:
                raise self._status_fault(HttpAnswer(got.status, got.headers, await got.read()), where)
            packed = got.headers.get("Content-Encoding", "identity").lower() not in ("identity", "")
            parts = got.content.iter_any()
            try:
                async for part in unpacked(parts) if packed else parts:
                    file.write(part)
            except aiohttp.ClientError as error:
                why = connection_fault(error, self._url, self._secret).message
                raise ChatFault("malformed", f"broke off after {file.tell():,} bytes ({why})") from None

    async def find_batch(self, batch: SentBatch) -> dict[str, Any] | None:
        """The batch with our key, if the server has made it. Raises `ChatError` where it cannot be found out."""
        since = (batch.creating or 0) - A_DAY
        async for row in self._rows("batches?limit=100"):
            about, made = row.get("metadata"), row.get("created_at")
            ours = isinstance(about, dict) and about.get(OURS) == batch.key
            if ours or (batch.file and row.get("input_file_id") == batch.file):  # some keep no metadata
                return row | {"id": _id_of(row)}
            if isinstance(made, int | float) and made < since:  # the newest come first
                break
        return None

    async def made_after_all(self, batch: SentBatch, late: float, given_up: str) -> dict[str, Any] | None:
        """What a command that was killed made: looked for until the moment ``late``, by which it would have turned up.

        Raises `ChatError` where the server does not say; ``given_up``: how what is out is given up.
        """
        try:
            while (made := await self.find_batch(batch)) is None and time.time() < late:
                await asyncio.sleep(0.5)
        except ChatError as error:
            raise ChatError(
                f"a command that was killed was about to make a batch of {len(batch.requests):,} requests, and the server does not "
                f"say whether it did ({error.message}); nothing was sent again",
                f"the same command asks again. If the provider shows no such batch: {given_up}",
            ) from None
        return made

    async def find_file(self, batch: SentBatch) -> str | None:
        """The file with our key, if the server has all of it."""
        async for row in self._rows("files?purpose=batch&limit=1000"):
            if row.get("filename") == batch.name and row.get("bytes") == batch.bytes:
                return _id_of(row)
        return None

    async def _rows(self, path: str) -> AsyncIterator[dict[str, Any]]:
        """The rows of a list, page by page, each once.

        Raises `ChatError` of a server that knows no ``after``: it gives its first page for ever, and what it has besides is not known.
        """
        more, after, seen = True, "", set[str]()
        while more:
            page = await self.patiently(partial(self._page, path + after))
            new = [row for row in page["data"] if _id_of(row) not in seen]
            for row in new:
                seen.add(_id_of(row))
                yield row
            more = bool(page["data"] and page.get("has_more"))
            if more and not new:
                raise ChatError(
                    f"{self._url}/{path.partition('?')[0]}: says that there is more, and gives the same again",
                    STAYS,
                )
            after = f"&after={quote(_id_of(page['data'][-1]), safe='')}" if more else ""

    async def _page(self, path: str) -> dict[str, Any]:
        page = await self._json("GET", path)
        rows = page.get("data")
        if not isinstance(rows, list) or not all(isinstance(row, dict) and "id" in row for row in rows):
            raise ChatFault("malformed", f"{self._url}/{path.partition('?')[0]}: no list of what is there")
        for row in rows:
            _id_of(row)
        return page

    async def _once(self, do: Callable[[], Awaitable[T]], find: Callable[[], Awaitable[T | None]]) -> T:
        """Do what must not be done twice: where it is not known whether it was, look before doing it again."""
        doubt = False

        async def attempt() -> T:
            nonlocal doubt
            try:
                if doubt and (found := await find()) is not None:
                    return found
            except NoBatchEndpointError as error:  # of the list alone: it may well have been done
                raise ChatError(error.message, STAYS) from None
            try:
                return await do()
            except ChatFault as fault:
                doubt |= fault.kind != "rate_limited"
                raise

        return await self.patiently(attempt)

    async def patiently(self, do: Callable[[], Awaitable[T]]) -> T:
        """Try again after a fault of the server or the network, for a while."""
        for attempt in range(1, TRIES + 1):
            try:
                return await do()
            except ChatFault as fault:
                most = TRIES_AT_CONTENT if fault.kind == "malformed" else TRIES
                if fault.kind == "rejected" or attempt >= most:
                    kind = NotThereError if isinstance(fault, _NotThere) else ChatError
                    raise kind(fault.message, STAYS) from None
                wait = min(LONGEST_WAIT, self.backoff * 2 ** (attempt - 1))
                await asyncio.sleep(max(fault.retry_after or 0.0, wait))
        raise AssertionError

    def _at(self, path: str) -> str:
        return self._wire.at(path)

    async def _json(self, method: str, path: str, data: Any = None, *, key: str = "") -> dict[str, Any]:
        headers = (JSON if isinstance(data, bytes) else {}) | ({"Idempotency-Key": key} if key else {})

        async def sent() -> dict[str, Any]:
            async with asyncio.timeout(STALLED):
                answer = await self._wire.send(method, self._at(path), data, room=self._room, headers=headers)
            if answer.status_code in (404, 405, 501) and "/" not in path:
                raise NoBatchEndpointError(
                    f"{self._url} has no batch endpoint (it answered {answer.status_code} to /{path.partition('?')[0]})",
                    "leave out --batch: the same requests one by one, many at a time",
                )
            if answer.status_code >= 300:
                raise self._status_fault(answer, path)
            try:
                found = parse_body(answer.content.decode("utf-8", "replace"))
                _ = _id_of(found) if method == "POST" else found["object"]
            except (ValueError, KeyError, TypeError) as error:
                said = f"{self._url}/{path.partition('?')[0]}: no answer of a batch endpoint ({type(error).__name__})"
                raise ChatFault("malformed", said) from None
            return dict(found)

        return await self._faults(sent())

    def _status_fault(self, answer: HttpAnswer, path: str) -> Exception:
        """What a status stands for; of what we have an id of, 404 and 410 are for whoever asked."""
        fault = status_fault(answer, self._url, self._model, self._secret)
        if answer.status_code in (404, 410) and "/" in path:
            return _NotThere("malformed", getattr(fault, "message", str(fault)))
        return fault

    async def _faults(self, work: Awaitable[T]) -> T:
        """The network's errors as faults."""
        import aiohttp

        try:
            return await work
        except TimeoutError:
            raise ChatFault("timeout", f"no answer within {STALLED:g} s") from None
        except TooLong as error:
            raise ChatFault("malformed", str(error)) from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            if disk_error(error) is not None:
                raise
            raise connection_fault(error, self._url, self._secret) from None


def _id_of(found: Any) -> str:
    """The id that a server gave. Raises `ChatFault` where it is none: whatever it is of would never be found again."""
    id = found["id"]
    if not isinstance(id, str) or not id.strip() or not id.isprintable():
        raise ChatFault("malformed", f"the server gave the id {str(id)[:80]!r}, which is none")
    return id
