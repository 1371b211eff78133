"""HTTP to one OpenAI-compatible server: a body goes out as it is, and what comes back is bytes, read up to a limit.

    wire = Wire("http://127.0.0.1:8000/v1", key=None, connections=64)
    answer = await wire.send("POST", wire.at("chat/completions"), b'{"model":…}')      200, headers, b'{"choices":…}'

aiohttp alone: the openai client builds models of request and reply that nobody reads here, and costs more of a core than all
else that `annotate` does for a request (benchmarks/annotate_concurrency.py). Of what it takes from the environment,
``OPENAI_ORG_ID``, ``OPENAI_PROJECT_ID`` and proxies are kept.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from ._server import Room, TooLong, bounded, unpacked

if TYPE_CHECKING:
    import aiohttp

TO_CONNECT = 30.0
"""Seconds in which a server must take a connection; how long it then thinks is for ``timeout`` to bound."""

KEPT_ALIVE = 15.0
"""Seconds that a connection without requests stays open."""

NO_HEADERS: dict[str, str] = {}
JSON = {"Content-Type": "application/json"}


class HttpAnswer(NamedTuple):
    """What a server answered. ``headers``: found by names in any case."""

    status_code: int
    headers: Mapping[str, str]
    content: bytes


class Wire:
    """Many requests at once over kept-alive connections, opened at the first one."""

    def __init__(self, base_url: str, key: str | None, *, timeout: float, connections: int) -> None:
        self.base = base_url.rstrip("/")
        self._connections = connections + 8
        self._to_connect = min(TO_CONNECT, timeout + 5)
        self._session: aiohttp.ClientSession | None = None
        self._proxy: str | None = None
        told = {"OpenAI-Organization": "OPENAI_ORG_ID", "OpenAI-Project": "OPENAI_PROJECT_ID"}
        self._headers = {
            "Accept": "application/json",
            "Accept-Encoding": "identity",
            "User-Agent": "pedagogy_r1",
            "Authorization": f"Bearer {key or 'none'}",
            **{name: said for name, variable in told.items() if (said := os.environ.get(variable))},
        }

    def at(self, path: str) -> str:
        """The address of something below the base URL."""
        return f"{self.base}/{path}"

    def _open(self) -> aiohttp.ClientSession:
        import aiohttp

        parts = urlsplit(self.base)
        proxies: dict[str, str] = getproxies()
        if not proxy_bypass(parts.hostname or ""):
            self._proxy = proxies.get(parts.scheme, proxies.get("all"))
        tls: Any = True
        if parts.scheme == "https":
            import ssl

            import certifi

            tls = ssl.create_default_context()  # of the machine, which knows a company's own too
            tls.load_verify_locations(certifi.where())  # and where a machine has none
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=self._connections, keepalive_timeout=KEPT_ALIVE, ssl=tls, ttl_dns_cache=300
            ),
            headers=self._headers,
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=self._to_connect),
            auto_decompress=False,
        )

    @asynccontextmanager
    async def opened(
        self, method: str, url: str, data: Any = None, headers: Mapping[str, str] = NO_HEADERS
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """A response whose body is still to be read."""
        if self._session is None:
            self._session = self._open()
        async with self._session.request(
            method, url, data=data, headers=headers, allow_redirects=False, proxy=self._proxy
        ) as response:
            yield response

    async def send(
        self,
        method: str,
        url: str,
        data: Any = None,
        *,
        room: Room,
        headers: Mapping[str, str] = NO_HEADERS,
    ) -> HttpAnswer:
        """The whole answer, whatever its status. Raises aiohttp's errors, and `TooLong`."""
        if self._session is None:
            self._session = self._open()
        async with self._session.request(
            method, url, data=data, headers=headers, allow_redirects=False, proxy=self._proxy
        ) as response:
            packing = response.headers.get("Content-Encoding", "identity").strip().lower()
            if packing in ("identity", ""):
                if (response.content_length or room.share + 1) <= room.share:
                    content = await response.read()
                else:
                    content = await _joined(bounded(response.content.iter_any(), room))
            elif packing in ("gzip", "x-gzip", "deflate"):
                content = await _joined(bounded(unpacked(response.content.iter_any()), room))
            else:
                raise TooLong(f"the reply is packed as {packing[:20]!r}, which was not asked for")
            return HttpAnswer(response.status, response.headers, content)

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()


async def _joined(parts: AsyncIterator[bytes]) -> bytes:
    return b"".join([part async for part in parts])
