"""How many requests may be in flight: additive increase, multiplicative decrease, up to a limit.

    ticket = await limiter.acquire(priority=trace_number)
    …ask…
    limiter.release(ticket, "ok")          one step nearer to the limit
    limiter.release(ticket, "overload")    half as many, once per round of requests

The idea is TCP's. A round is every request that started before the last decrease: thirty 429s that come back
together are one message from the server, not thirty.
"""

from __future__ import annotations

import asyncio
import heapq
from typing import Literal

Verdict = Literal["ok", "overload", "neutral"]


class Limiter:
    """Admits up to ``limit`` holders, lowest priority number first. One event loop, no locks."""

    def __init__(self, ceiling: int) -> None:
        self.ceiling = max(1, ceiling)
        self.limit = float(self.ceiling)
        self.in_flight = 0
        self.lowest = self.limit
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
                if (
                    place.done() and not place.cancelled()
                ):  # admitted and cancelled at once: pass the place on
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
            self.lowest = min(self.lowest, self.limit)
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
