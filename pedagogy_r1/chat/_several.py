"""One model on several servers: each request goes to the one with the fewest at work.

    SeveralServers([chat("Qwen/Qwen3-8B", base_url=url) for url in ("http://gpu-1:8000/v1", "http://gpu-2:8000/v1")])

A server that cannot be reached is left alone for a while, and its requests go to the others; only when none can be reached is that
said. One that answers with errors is left alone too: it is done with each request at once, has the fewest at work, and would get
nearly all. Then it is tried with one request, until one succeeds. How many requests are out together, and how many a minute, is for who asks: one limit for all of them.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from . import Chat, ChatFault, ChatReply, ChatRequest

AWAY, LONGEST_AWAY = 5.0, 120.0
"""Seconds that a server which was not reached, or is not well, is left alone: the first time, and at most, each time twice as long."""

NOT_WELL = frozenset({"server_error", "connection", "rate_limited"})
"""Faults that another request to the same server is likely to meet. A timeout is none: who takes long has many at work."""

_log = logging.getLogger(__name__)


class ServedChat(Chat, Protocol):
    """A chat with one server. ``dialect``: how it wants to be asked."""

    url: str
    dialect: dict[str, str]

    def adopt(self, dialect: Mapping[str, str]) -> None:
        """Ask in that way."""
        ...


@dataclass(eq=False)
class _Server:
    """``until``: the time (monotonic) to which it is left alone, ``away`` seconds the next time."""

    chat: ServedChat
    at_work: int = 0
    until: float = 0.0
    away: float = AWAY


class SeveralServers:
    """A chat with all of them; they serve the same model."""

    def __init__(self, chats: Sequence[ServedChat]) -> None:
        self.model = chats[0].model
        self._servers = [_Server(chat) for chat in chats]

    @property
    def dialect(self) -> dict[str, str]:
        """How the first wants to be asked."""
        return self._servers[0].chat.dialect

    def adopt(self, dialect: Mapping[str, str]) -> None:
        """Ask all in that way."""
        for server in self._servers:
            server.chat.adopt(dialect)

    async def ask(self, request: ChatRequest) -> ChatReply:
        """One attempt, at whichever server can be reached. Raises as the chat of one does."""
        tried: set[int] = set()
        while True:
            server = min(self._servers, key=lambda one: (id(one) in tried, self._in_doubt(one), one.at_work))
            try:
                return await self._ask(server, request)
            except ChatFault as fault:
                tried.add(id(server))
                if not fault.unreachable or len(tried) == len(self._servers):
                    raise

    async def _ask(self, server: _Server, request: ChatRequest) -> ChatReply:
        server.at_work += 1
        try:
            reply = await server.chat.ask(request)
        except ChatFault as fault:
            if fault.unreachable or fault.kind in NOT_WELL or _no_completion(fault):
                self._leave(server, fault)
            raise
        finally:
            server.at_work -= 1
        server.until, server.away = 0.0, AWAY
        return reply

    def _in_doubt(self, server: _Server) -> bool:
        """Whether it is left alone, or is being tried again."""
        return self._later(server) > 0 or (server.away > AWAY and server.at_work > 0)

    def _later(self, server: _Server) -> float:
        """Seconds for which it is still left alone."""
        return max(0.0, server.until - time.monotonic())

    def _leave(self, server: _Server, fault: ChatFault) -> None:
        if self._later(server):
            return  # another request found out
        if server.away == AWAY:
            _log.warning("%s; its requests go to the others for now", fault.message)
        server.until = time.monotonic() + max(server.away, min(LONGEST_AWAY, fault.retry_after or 0.0))
        server.away = min(LONGEST_AWAY, 2 * server.away)

    async def close(self) -> None:
        """Close all connections."""
        await asyncio.gather(*(server.chat.close() for server in self._servers))


def _no_completion(fault: ChatFault) -> bool:
    """Whether what came was no reply of a model at all: a page of a proxy, half a body."""
    return fault.kind == "malformed" and fault.usage is None
