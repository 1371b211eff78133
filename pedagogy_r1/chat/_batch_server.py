"""OpenAI's Batch API over HTTP: send a file, make a batch of it, look how it goes, fetch what came.

    POST /files (purpose=batch)  →  POST /batches  →  GET /batches/ID …  →  GET /files/ID/content

What may have been done though no answer came is never simply done again: `find_file` and `find_batch` tell, by our key.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

from ..errors import ChatError, writing
from ..files.batch_record import SentBatch
from . import ChatFault, parse_body
from ._batch_file import ENDPOINT
from ._server import Room, Secret, TooLong, connection_fault, status_fault, unpacked
from ._wire import JSON, HttpAnswer, Wire

T = TypeVar("T")

WINDOW = "24h"
"""In which a server promises to be done; the only one there is."""
OURS = "pcode"
"""In the metadata of a batch: the name of our key."""
TRIES = 12
FIRST_WAIT, LONGEST_WAIT = 0.25, 60.0
"""Seconds before the second look, and at most between two."""
STALLED = 900.0
"""Seconds for one request, a whole file sent or fetched included."""
A_DAY = 86_400
"""Seconds by which a server's clock may differ from ours."""

_log = logging.getLogger(__name__)


class NoBatchEndpointError(ChatError):
    """A server that has no Batch API, so that nothing was sent."""


class BatchServer:
    """Raises `ChatError` where no further request can get through, after a while of trying."""

    def __init__(self, wire: Wire, url: str, model: str, secret: Secret) -> None:
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
        """How a batch goes."""
        return await _patiently(lambda: self._json("GET", f"batches/{id}"))

    async def fetch(self, id: str, path: Path) -> None:
        """A file's content, into ``path``."""

        async def fetched(file: BinaryIO) -> None:
            file.truncate(0)
            file.seek(0)
            async with (
                asyncio.timeout(STALLED),
                self._wire.opened("GET", self._at(f"files/{id}/content")) as got,
            ):
                if got.status != 200:
                    answer = HttpAnswer(got.status, got.headers, await got.read())
                    raise status_fault(answer, self._url, self._model, self._secret)
                packed = got.headers.get("Content-Encoding", "identity").lower() not in ("identity", "")
                parts = got.content.iter_any()
                async for part in unpacked(parts) if packed else parts:
                    file.write(part)

        with writing(path), path.open("wb") as file:
            await _patiently(lambda: self._faults(fetched(file)))

    async def find_batch(self, batch: SentBatch) -> dict[str, Any] | None:
        """The batch with our key, if the server has made it."""
        since = (batch.creating or 0) - A_DAY
        async for row in self._rows("batches?limit=100"):
            if (row.get("metadata") or {}).get(OURS) == batch.key:
                return row
            if row.get("created_at", since) < since:  # the newest come first
                break
        return None

    async def find_file(self, batch: SentBatch) -> str | None:
        """The file with our key, if the server has all of it."""
        async for row in self._rows("files?purpose=batch&limit=1000"):
            if row.get("filename") == batch.name and row.get("bytes") == batch.bytes:
                return str(row["id"])
        return None

    async def _rows(self, path: str) -> AsyncIterator[dict[str, Any]]:
        """The rows of a list, page by page."""
        more, after = True, ""
        while more:
            page = await _patiently(partial(self._json, "GET", path + after))
            rows = page.get("data") or []
            for row in rows:
                yield row
            more = bool(rows and page.get("has_more"))
            after = f"&after={rows[-1]['id']}" if more else ""

    async def _once(self, do: Callable[[], Awaitable[T]], find: Callable[[], Awaitable[T | None]]) -> T:
        """Do what must not be done twice: where it is not known whether it was, look before doing it again."""
        doubt = False

        async def attempt() -> T:
            nonlocal doubt
            if doubt and (found := await find()) is not None:
                return found
            try:
                return await do()
            except ChatFault as fault:
                doubt |= fault.kind != "rate_limited"
                raise

        return await _patiently(attempt)

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
                raise status_fault(answer, self._url, self._model, self._secret)
            try:
                found = parse_body(answer.content.decode("utf-8", "replace"))
                found["id" if method == "POST" else "object"]
            except (ValueError, KeyError, TypeError) as error:
                said = f"{self._url}/{path.partition('?')[0]}: no answer of a batch endpoint ({type(error).__name__})"
                raise ChatFault("malformed", said) from None
            return dict(found)

        return await self._faults(sent())

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
            raise connection_fault(error, self._url, self._secret) from None


async def _patiently(do: Callable[[], Awaitable[T]]) -> T:
    """Try again after a fault of the server or the network, for a while."""
    for attempt in range(1, TRIES + 1):
        try:
            return await do()
        except ChatFault as fault:
            if fault.kind == "rejected" or attempt == TRIES:
                raise ChatError(
                    fault.message, "what is out in batches stays there; the same command goes on"
                ) from None
            wait = min(LONGEST_WAIT, FIRST_WAIT * 2**attempt)
            await asyncio.sleep(max(fault.retry_after or 0.0, wait))
    raise AssertionError
