"""A local server with OpenAI's Batch API, as it is documented and as it behaves: files, batches, replies in any order.

    with BatchServer(FakeOpenAI(), work=0.2) as server: …server.url, server.made, server.executed

It answers a batch's lines, and requests sent one by one, as `FakeOpenAI` does: `fault` of that spoils a reply, or makes a line of the
error file. Files are checked as the real one checks them (every line a POST to the batch's endpoint, ids all different, one model,
at most `most` lines); a file with a fault makes a batch that failed, of which nothing is done. ``at(event)`` is called within each
request, before the server acts ("POST /batches") and after, before it answers ("made batch"): the moment to kill a client.
``sends(id, content)`` is what comes of a file that is fetched, ``shows(batch)`` of a batch that is looked at, ``makes(batch)`` of one that
is made, ``lists(row)`` of a row of a list: where a server, or what stands before it, spoils what is right.
"""

from __future__ import annotations

import asyncio
import json
import random
import re
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any, NamedTuple

from .fake_openai import FakeOpenAI, spoil

STATUS = {"500": 500, "503": 503, "rate_limited": 429}


class Sent(NamedTuple):
    """What goes out: ``only`` so many bytes of it, whatever the length that is announced, before the connection is closed."""

    body: bytes
    status: int = 200
    only: int | None = None


class BatchServer:
    """``work``: seconds that a batch takes; ``expires(number)``: whether a batch, from 1, expires half done; ``refuse``: answers to
    the next requests, as ``[(429, "slow down")]``; ``queue``: most lines in a batch that the account may have waiting; ``batches``, ``schemas``: whether it has a batch endpoint, and takes a
    ``response_format``."""

    def __init__(
        self,
        fake: FakeOpenAI,
        *,
        work: float = 0.0,
        expires: Callable[[int], bool] = lambda number: False,
        queue: int = 50_000,
        batches: bool = True,
        schemas: bool = True,
        at: Callable[[str], None] = lambda event: None,
    ) -> None:
        self.fake, self.work, self.expires, self.queue, self.at = fake, work, expires, queue, at
        self.batches, self.schemas = batches, schemas
        self.sends: Callable[[str, bytes], Sent] = lambda id, content: Sent(content)
        self.shows: Callable[[dict[str, Any]], Any] = lambda batch: batch
        self.makes: Callable[[dict[str, Any]], Any] = lambda batch: batch
        self.lists: Callable[[dict[str, Any]], Any] = lambda row: row
        self.refuse: dict[str, list[tuple[int, str]]] = {}
        self.files: dict[str, dict[str, Any]] = {}
        self.content: dict[str, bytes] = {}
        self.made: dict[str, dict[str, Any]] = {}
        self.executed: Counter[str] = Counter()
        """How often the server did a line, by its custom id."""
        self.online = 0
        self._ends: dict[str, float] = {}
        self._random = random.Random(5)
        self._loop = asyncio.new_event_loop()
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    def __enter__(self) -> BatchServer:
        ready = threading.Event()

        async def serve() -> None:
            self._stop = asyncio.Event()
            server = await asyncio.start_server(self._connection, "127.0.0.1", 0, limit=1 << 26)
            self.port = server.sockets[0].getsockname()[1]
            ready.set()
            await self._stop.wait()
            server.close()

        self._thread = threading.Thread(target=self._loop.run_until_complete, args=(serve(),), daemon=True)
        self._thread.start()
        ready.wait(60)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(60)

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                length = re.search(r"content-length: *(\d+)", head, re.IGNORECASE)
                if re.search("transfer-encoding: *chunked", head, re.IGNORECASE):
                    body = await _chunks(reader)
                else:
                    body = await reader.readexactly(int(length[1])) if length else b""
                method, path, _ = head.split(" ", 2)
                self.at(f"{method} {_generic(path)}")
                status, answer = self._answer(method, path.removeprefix("/v1"), head, body)
                raw = answer.body if isinstance(answer, Sent) else json.dumps(answer).encode()
                extra = "Retry-After: 0.01\r\n" if status == 429 else ""
                only = answer.only if isinstance(answer, Sent) else None
                writer.write(f"HTTP/1.1 {status} X\r\nContent-Length: {len(raw)}\r\n{extra}\r\n".encode())
                writer.write(raw[:only])
                await writer.drain()
                if only is not None:
                    return
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    def _answer(self, method: str, path: str, head: str, body: bytes) -> tuple[int, Any]:
        place, _, query = path.partition("?")
        if (queued := self.refuse.get(f"{method} {place}")) and queued:
            status, said = queued.pop(0)
            return status, {"error": {"message": said, "type": "x"}}
        if (method, place) == ("POST", "/chat/completions"):
            self.online += 1
            _, fault, reply = self.fake.receive(body, {})
            spoil(reply or {}, fault)
            return 200, reply
        if self.batches and method == "POST":
            return {"/files": self._upload, "/batches": self._make}[place](head, body)
        if self.batches and method == "GET":
            return self._get(place, query)
        return 404, {
            "error": {"message": f"Unknown request URL: {method} {place}", "type": "invalid_request_error"}
        }

    def _upload(self, head: str, body: bytes) -> tuple[int, Any]:
        boundary = re.search(r"boundary=(\S+)", head)
        assert boundary
        parts: dict[str, tuple[str, bytes]] = {}
        for part in body.split(b"--" + boundary[1].encode())[1:-1]:
            about, _, content = part.partition(b"\r\n\r\n")
            names = dict(re.findall(r'(\w+)="([^"]*)"', about.decode()))
            parts[names["name"]] = names.get("filename", ""), content.removesuffix(b"\r\n")
        assert parts["purpose"][1] == b"batch"
        name, content = parts["file"]
        id = f"file-{len(self.files) + 1}"
        self.files[id] = {
            "id": id,
            "object": "file",
            "bytes": len(content),
            "filename": name,
            "purpose": "batch",
        }
        self.content[id] = content
        self.at("stored file")
        return 200, self.files[id]

    def _make(self, _: str, body: bytes) -> tuple[int, Any]:
        asked = json.loads(body)
        if asked["input_file_id"] not in self.files:
            return 400, {"error": {"message": "no such file", "type": "invalid_request_error"}}
        assert asked["completion_window"] == "24h"
        id = f"batch_{len(self.made) + 1}"
        batch = {
            "id": id,
            "object": "batch",
            "endpoint": asked["endpoint"],
            "errors": None,
            "input_file_id": asked["input_file_id"],
            "status": "validating",
            "output_file_id": None,
            "error_file_id": None,
            "created_at": int(time.time()),
            "metadata": asked.get("metadata"),
            "request_counts": {"total": 0, "completed": 0, "failed": 0},
        }
        self.made[id] = batch
        self._ends[id] = time.monotonic() + self.work
        self.at("made batch")
        made = self.makes(dict(batch))
        return (made.status, made) if isinstance(made, Sent) else (200, made)

    def _get(self, place: str, query: str) -> tuple[int, Any]:
        _, what, *rest = place.split("/")
        if what == "files" and rest:
            if rest[0] not in self.content:
                return 404, {}
            sent = self.sends(rest[0], self.content[rest[0]])
            return sent.status, sent
        if rest:
            batch = self.made.get(rest[0])
            if batch is None:
                return 404, {"error": {"message": f"No batch found with id '{rest[0]}'."}}
            self._advance(batch)
            shown = self.shows(dict(batch))
            return (shown.status, shown) if isinstance(shown, Sent) else (200, shown)
        rows = list(reversed(self.made.values() if what == "batches" else self.files.values()))
        after = re.search(r"after=([\w-]+)", query)
        start = [row["id"] for row in rows].index(after[1]) + 1 if after else 0
        page = [
            self.lists(row) for row in rows[start : start + 2]
        ]  # as short as can be, so that whoever looks has to turn pages
        return 200, {"object": "list", "data": page, "has_more": start + 2 < len(rows)}

    def _advance(self, batch: dict[str, Any]) -> None:
        if batch["status"] == "validating":
            lines = [json.loads(line) for line in self.content[batch["input_file_id"]].splitlines()]
            batch["request_counts"]["total"] = len(lines)
            if why := self._wrong(batch, lines):
                batch |= {"status": "failed", "errors": {"object": "list", "data": [why]}}
            else:
                batch["status"] = "in_progress"
        elif batch["status"] == "in_progress" and time.monotonic() >= self._ends[batch["id"]]:
            self._do(batch, [json.loads(line) for line in self.content[batch["input_file_id"]].splitlines()])

    def _wrong(self, batch: dict[str, Any], lines: list[dict[str, Any]]) -> dict[str, Any] | None:
        ids = Counter(line["custom_id"] for line in lines)
        if len(ids) < len(lines):
            return {
                "code": "duplicate_custom_id",
                "message": "The custom_id for this request is a duplicate.",
            }
        if any((line["method"], line["url"]) != ("POST", batch["endpoint"]) for line in lines):
            return {
                "code": "invalid_url",
                "message": "The URL provided for this request does not match the batch endpoint.",
            }
        if len({line["body"]["model"] for line in lines}) > 1:
            return {"code": "mismatched_model", "message": "All requests in a batch must be for one model."}
        if len(lines) > self.queue:
            return {
                "code": "token_limit_exceeded",
                "message": "Enqueued token limit reached. Please try again later.",
            }
        return None

    def _do(self, batch: dict[str, Any], lines: list[dict[str, Any]]) -> None:
        self._random.shuffle(lines)
        expired = self.expires(int(batch["id"].removeprefix("batch_")))
        parts: dict[str, list[dict[str, Any]]] = {"output": [], "error": []}
        for number, line in enumerate(lines):
            row = {
                "id": f"batch_req_{number}",
                "custom_id": line["custom_id"],
                "response": None,
                "error": None,
            }
            if expired and number >= len(lines) // 2:
                said = "This request could not be executed before the completion window expired."
                parts["error"].append(row | {"error": {"code": "batch_expired", "message": said}})
                continue
            self.executed[line["custom_id"]] += 1
            fault, reply = self._done(line["body"])
            if reply is None or fault in STATUS:
                said = f"{fault}: try again" if reply else "response_format is not supported"
                body = {"error": {"message": said, "type": "x"}}
                answer = {"status_code": STATUS.get(fault or "", 400), "request_id": "r", "body": body}
                parts["error"].append(row | {"response": answer})
            else:
                spoil(reply, fault)
                answer = {"status_code": 200, "request_id": "r", "body": reply}
                parts["output"].append(row | {"response": answer})
        for name, rows in parts.items():
            if rows:
                id = f"file-{name}-{batch['id']}"
                self.content[id] = b"".join(json.dumps(row).encode() + b"\n" for row in rows)
                batch[f"{name}_file_id"] = id
        batch["status"] = "expired" if expired else "completed"
        done = {"completed": len(parts["output"]), "failed": len(parts["error"])}
        batch["request_counts"] |= done

    def _done(self, body: dict[str, Any]) -> tuple[str | None, dict[str, Any] | None]:
        """What goes wrong, and the reply; there is none to a request in a form that the server does not take."""
        if not self.schemas and "response_format" in body:
            return None, None
        _, fault, reply = self.fake.receive(json.dumps(body).encode(), {})
        return fault, reply


def _generic(path: str) -> str:
    """The path without what is particular: ``/batches/*``."""
    place = path.removeprefix("/v1").partition("?")[0]
    return re.sub(r"/(batch_|file-)[\w-]+", "/*", place)


async def _chunks(reader: asyncio.StreamReader) -> bytes:
    parts = []
    while size := int(await reader.readline(), 16):
        parts.append(await reader.readexactly(size))
        await reader.readline()
    await reader.readline()
    return b"".join(parts)
