"""A server that misbehaves in one given way, in this process, over a real socket.

    with OddServer(always(429, {"error": {"message": "slow down"}})) as server: …

A behaviour is ``async def (said: Asked, write) -> None``; what it leaves out is not sent. The connection is closed afterwards.
"""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

from ..fake_openai import BLOCK, code_unit


class Asked(NamedTuple):
    """One request: its body, its headers, and which one it is, from 1."""

    body: dict[str, Any]
    headers: dict[str, str]
    number: int
    path: str

    @property
    def units(self) -> list[dict[str, Any]]:
        return list(json.loads(BLOCK.findall(self.body["messages"][-1]["content"])[0][1])["units"])

    def answer(self, codes: list[str]) -> str:
        """A right answer, as text."""
        return json.dumps({"codings": [code_unit(unit, codes, two=True) for unit in self.units]})


Behaviour = Callable[[Asked, asyncio.StreamWriter], Awaitable[None]]


class OddServer:
    """``asked``: all requests. ``by_first``: how many had come when the first reply, or whatever it was, went out."""

    def __init__(self, behaviour: Behaviour, port: int = 0) -> None:
        self.behaviour = behaviour
        self.asked: list[Asked] = []
        self.by_first = 0
        self._loop = asyncio.new_event_loop()
        self.port = port

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    def __enter__(self) -> OddServer:
        ready = threading.Event()

        async def serve() -> None:
            self._stop = asyncio.Event()
            self._server = server = await asyncio.start_server(
                self._connection, "127.0.0.1", self.port, limit=1 << 24
            )
            self.port = server.sockets[0].getsockname()[1]
            ready.set()
            await self._stop.wait()
            server.close()
            for task in asyncio.all_tasks() - {asyncio.current_task()}:
                task.cancel()

        self._thread = threading.Thread(target=self._loop.run_until_complete, args=(serve(),), daemon=True)
        self._thread.start()
        ready.wait(60)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(60)

    def leave(self) -> None:
        """Listen no longer; who is connected is still answered. To be called in the server's own loop."""
        self._server.close()

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            headers = {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in head[1:])}
            raw = await reader.readexactly(int(headers.get("content-length", 0)))
            path = head[0].split(" ")[1]
            said = Asked(json.loads(raw) if raw else {}, headers, len(self.asked) + 1, path)
            self.asked.append(said)
            await asyncio.sleep(0.01)  # so that those sent together are here
            self.by_first = self.by_first or len(self.asked)
            await self.behaviour(said, writer)
            await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


def http(status: int | str, body: bytes = b"", *lines: str) -> bytes:
    """A response that ends with the connection."""
    head = "".join(f"{line}\r\n" for line in lines)
    return (
        f"HTTP/1.1 {status} X\r\n{head}Content-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode()
        + body
    )


def always(status: int, body: Any = b"", *lines: str) -> Behaviour:
    """The same to everybody; what is no bytes is sent as JSON."""

    async def behave(_: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(http(status, body if isinstance(body, bytes) else json.dumps(body).encode(), *lines))

    return behave


def raw(*parts: bytes, pause: float = 0.0, abort: bool = False) -> Behaviour:
    """These bytes, and nothing more."""

    async def behave(_: Asked, writer: asyncio.StreamWriter) -> None:
        for part in parts:
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(pause)
        if abort:
            writer.transport.abort()

    return behave


def completion(content: Any, **more: Any) -> dict[str, Any]:
    """The body of a chat completion. ``message``: what else the message holds."""
    message = {"role": "assistant", "content": content, **more.pop("message", {})}
    choice = {"index": 0, "finish_reason": more.pop("finish_reason", "stop"), "message": message}
    return {"id": "c", "object": "chat.completion", "model": "m", "choices": [choice], **more}


def says(content: Any, **more: Any) -> Behaviour:
    """A completion with this content."""
    return always(200, completion(content, **more))


def wraps(codes: list[str], wrap: Callable[[str], Any], **more: Any) -> Behaviour:
    """A right answer in a wrapping: text, or a whole body where ``wrap`` returns an object, or bytes as they are."""

    async def behave(said: Asked, writer: asyncio.StreamWriter) -> None:
        made = wrap(said.answer(codes))
        body = made if isinstance(made, dict | bytes) else completion(made, **more)
        writer.write(http(200, body if isinstance(body, bytes) else json.dumps(body).encode()))

    return behave
