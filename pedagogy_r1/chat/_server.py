"""What can come back from somebody else's server instead of a reply, and what it is taken for.

429, Retry-After: 20                 rate_limited, tried again in 20 s
429, "insufficient_quota"            ChatError: no other request would get through
an endless body                      read up to a limit
our key in an error message          hidden, wherever it stands
"""

from __future__ import annotations

import asyncio
import re
import socket
import time
import zlib
from base64 import b64encode
from collections.abc import AsyncIterable, AsyncIterator, Mapping
from email.utils import parsedate_to_datetime
from typing import Protocol
from urllib.parse import urlsplit

from ..errors import FEWER_FILES, ChatError, too_many_open
from . import ChatFault, Fault, parse_body, printable

LONGEST_WAIT = 600.0
"""Seconds that a server may ask us to wait; for more the run ends, to be taken up then."""

SHORTEST_KEY = 8
"""Characters under which a key is none: what a server that needs no key is given (``EMPTY``, ``none``) may stand in any reply."""

_NO_CREDIT = re.compile(
    r"insufficient[\s_-]*(account[\s_]*)?(credit|balance|fund)|billing[\s_](hard|limit|not|account)|credit balance|"
    r"out of credits?|credits? (are |is |have been )?(depleted|exhausted)|used all (available|your) credits|"
    r"(more|enough|monthly included|remaining) credits|spending limit|payment required|"
    r"arrearage|overdue|余额不足|欠费",
    re.IGNORECASE,
)
_NO_QUOTA = re.compile(
    r"insufficient[\s_-]*quota|exceeded[\s_](your[\s_])?current[\s_]quota|billing details|\bbilling\b.*\bquota|\bquota\b.*\bbilling",
    re.IGNORECASE,
)
"""Said of an account without credit and of a quota a minute alike; which it is, a time to wait tells."""

_SOON = re.compile(
    r"(per|each|a|every)[\s_-]?(minute|second)|/ ?(min|sec|s)\b|\b[rt]p[ms]\b|rate.?limit|throttl|token-limit",
    re.IGNORECASE,
)
_WAIT = re.compile(
    r"(?:(?:try|retry)(?: your request)?(?: again)? (?:in|after)|retry_?-?(?:delay|after|info)\W{1,8}) ?(?P<time>(?:\d+(?:\.\d+)? ?[a-z]+ ?){1,4})",
    re.IGNORECASE,
)
_UNITS = {
    1e-3: "ms millisecond milliseconds",
    1.0: "s sec secs second seconds",
    60.0: "m min mins minute minutes",
    3600.0: "h hr hrs hour hours",
    86400.0: "d day days",
}


NO_CREDIT = "the account has no credit left; top it up and run the same command again to go on"


class Secret:
    """A key that is written nowhere: not in a ledger, a record or on the terminal, however a server echoes it."""

    def __init__(self, key: str | None) -> None:
        self._runs: list[str] = []
        self._parts: list[str] = []
        if key and len(key) >= SHORTEST_KEY:
            starts = range(len(key) - SHORTEST_KEY + 1)
            self._parts = sorted({key[i : i + SHORTEST_KEY].lower() for i in starts})
            self._part = re.compile(f"(?=({'|'.join(map(re.escape, self._parts))}))", re.IGNORECASE)
            self._form = re.compile("|".join(["".join(map(_any_way, key)), *_in_base64(key)]))
            self._runs = [*_ESCAPES, *sorted(re.findall(r"[a-z0-9]+", key.lower()), key=len)[-1:]]
            self._runs += [form.lower() for form in _in_base64(key)]

    def hidden(self, text: str) -> str:
        """``text`` with asterisks in place of the key, in whatever way and case its characters are written."""
        lower = text.lower() if self._runs else ""
        return self._form.sub("***", text) if any(run in lower for run in self._runs) else text

    def hidden_parts(self, text: str) -> str:
        """A message, without so many characters of the key in a row either: servers echo its beginning and its end.

        Not for a model's replies: a key may hold a word.
        """
        text = self.hidden(text)
        lower = text.lower()
        if not any(part in lower for part in self._parts):
            return text
        kept: list[str] = []
        end = 0
        for found in self._part.finditer(text):
            start = found.start(1)
            if start > end or not kept:
                kept.append(text[end:start] + "***")
            end = max(end, found.end(1))
        return "".join(kept) + text[end:]


_ESCAPES = ("\\u00", "%", "&#")
"""One of these, or a run of the key's letters and digits, stands in every text that the key could stand in."""


def _any_way(sign: str) -> str:
    """A pattern for a character, plain, in JSON (escaped up to three times), in an address, and in HTML.

    No run is without an end: a megabyte of backslashes would be gone through anew from each of them.
    """
    code = f"{ord(sign):02x}"
    named = {"&": "amp", "<": "lt", ">": "gt", '"': "quot", "'": "apos"}.get(sign)
    ways = [
        rf"\\{{0,8}}{re.escape(sign)}",
        rf"\\{{1,8}}u00{code}",
        f"%{code}",
        rf"&#0{{0,8}}{ord(sign)};",
        f"&#x0{{0,8}}{code};",
        *([f"&{named};"] if named else []),
        *([r"\+"] if sign == " " else []),
    ]
    return f"(?i:{'|'.join(ways)})"


def _in_base64(key: str) -> list[str]:
    """How the key looks in base64, behind any number of bytes; without what its neighbours have a part in."""
    found = []
    for before in range(3):
        said = b64encode(bytes(before) + key.encode("utf-8", "replace")).decode().rstrip("=")
        found.append(said[(before * 4 + 2) // 3 : -1])
    return [form for form in found if len(form) >= SHORTEST_KEY]


class AnsweredBody(Protocol):
    """A server's answer: status, headers, the whole body."""

    @property
    def status_code(self) -> int: ...
    @property
    def headers(self) -> Mapping[str, str]: ...
    @property
    def content(self) -> bytes: ...


class TooLong(Exception):
    """A body that was not read to its end."""


class Room:
    """Memory for the bodies of replies that are read at once: however many connections, no more than about twice ``half``.

    ``most``: bytes of one reply. Each connection has its share of one half; of replies that are longer only as many go on at a
    time as the other half holds, and the others wait, unread.
    """

    def __init__(self, most: int, half: int, connections: int) -> None:
        self.most = most
        self.share = min(most, half // max(1, connections))
        self.beyond = asyncio.Semaphore(max(1, half // most))


PIECE = 1 << 18
"""Bytes that are unpacked at a time."""


async def bounded(parts: AsyncIterable[bytes], room: Room) -> AsyncIterator[bytes]:
    """No more of a body than there is room for."""
    read, beyond = 0, False
    try:
        async for part in parts:
            read += len(part)
            if read > room.most:
                raise TooLong(f"the reply was not read beyond {room.most:,} bytes")
            if read > room.share and not beyond:
                beyond = await room.beyond.acquire()
            yield part
    finally:
        if beyond:
            room.beyond.release()


async def unpacked(stream: AsyncIterable[bytes]) -> AsyncIterator[bytes]:
    """Of gzip or deflate, a piece at a time: a small part may unpack to a thousand times its size."""
    unpack = zlib.decompressobj(47)
    try:
        async for chunk in stream:
            while chunk:
                yield unpack.decompress(chunk, PIECE)
                chunk = unpack.unconsumed_tail
        yield unpack.flush()
    except zlib.error as error:
        raise TooLong(f"the reply cannot be unpacked: {error}") from None


def status_fault(response: AnsweredBody, url: str, model: str, secret: Secret) -> Exception:
    """The fault that a status of 300 or above stands for; a ``ChatError`` where every other request would get it too."""
    status = response.status_code
    raw = secret.hidden_parts(response.content.decode("utf-8", "replace"))
    message, code = _told(raw)
    said = f"{url} answered {status}: {message}"
    there = secret.hidden_parts(printable(response.headers.get("location", ""))[:200])
    if status < 400:
        return ChatError(f"{said}, and sends us to {there!r}" if there else said, _elsewhere(url, there))
    wait = retry_after(response.headers.get("retry-after-ms"), response.headers.get("retry-after"))
    if wait is None and status in (429, 503):
        wait = said_wait(raw)
    if status == 402 or _out_of_credit(f"{message} {code}", raw, wait):
        return ChatError(said, NO_CREDIT)
    if status in (401, 403, 407):
        return ChatError(
            said,
            "check the API key (OPENAI_API_KEY) and what it may use; run the same command again to go on",
        )
    if status in (404, 405, 410) and not re.search("requested parameters", raw):
        hint = f"check the model's name ({model!r}) and that the base URL ends like /v1; run the same command again to go on"
        return ChatError(said, hint)
    if wait is not None and wait > LONGEST_WAIT:
        return _too_long_a_wait(said, wait)
    kinds: dict[int, Fault] = {408: "timeout", 429: "rate_limited", 504: "timeout", 524: "timeout"}
    another_time = status >= 500 or status in (409, 425)
    kind: Fault = kinds.get(status, "server_error" if another_time else "rejected")
    return ChatFault(kind, said, retry_after=wait, raw=raw, overload=status in (503, 529))


def _out_of_credit(said: str, raw: str, wait: float | None) -> bool:
    """Whether an account is out of credit. A quota that is there again in a while is none of that, whatever it is called."""
    if _NO_CREDIT.search(said):
        return True
    return bool(_NO_QUOTA.search(said)) and wait is None and not _SOON.search(raw[:20_000])


def said_wait(text: str) -> float | None:
    """Seconds to wait, as the text of an error says it.

    >>> said_wait("Please try again in 1m12.5s."), said_wait('"retryDelay": "20s"'), said_wait("Try again in 350ms")
    (72.5, 20.0, 0.35)
    >>> said_wait("retry after 20 seconds"), said_wait("try again in 2 days"), said_wait("try again later")
    (20.0, 172800.0, None)
    """
    found = _WAIT.search(text[:20_000])
    parts = re.findall(r"(\d+(?:\.\d+)?) ?([a-z]+)", found["time"].lower()) if found else []
    known = [float(number) * scale for number, unit in parts if (scale := _unit(unit)) is not None]
    return round(sum(known), 6) if known else None


def _unit(word: str) -> float | None:
    """Seconds of a unit of time."""
    return next((seconds for seconds, names in _UNITS.items() if word in names.split()), None)


def _elsewhere(url: str, there: str) -> str:
    try:
        host = urlsplit(there).hostname
    except ValueError:
        host = None
    if host in (None, urlsplit(url).hostname):
        return "check the base URL"
    return f"no trace and no key is sent to another host than {urlsplit(url).hostname}; if it is the right one, give it as --base-url"


def _too_long_a_wait(said: str, seconds: float) -> ChatError:
    long = f"{seconds / 60:,.0f} minutes" if seconds < 7200 else f"{seconds / 3600:,.0f} hours"
    return ChatError(said, f"the server asks to wait {long}; run the same command then to go on")


def _told(raw: str) -> tuple[str, str]:
    """Of an error's body: its message, and its code and type."""
    try:
        body = parse_body(raw)
        error = (body[0] if isinstance(body, list) and body else body)["error"]
        if not isinstance(error, dict):
            return printable(str(error))[:300], ""
        return printable(str(error["message"]))[:300], f"{error.get('code')} {error.get('type')}"
    except (ValueError, KeyError, TypeError, RecursionError):
        return printable(raw[:3000])[:300] or "(no text)", ""


def body_fault(fault: ChatFault, url: str) -> Exception:
    """What an error is that came with status 200: as `status_fault` would have it, as far as its text says so."""
    if fault.kind != "server_error":
        return fault
    message, code = _told(fault.raw or "")
    wait = said_wait(fault.raw or "")
    if "402" in code.split() or _out_of_credit(f"{message} {code}", fault.raw or "", wait):
        return ChatError(f"{url} answered: {message}", NO_CREDIT)
    if wait is not None and wait > LONGEST_WAIT:
        return _too_long_a_wait(f"{url} answered: {message}", wait)
    if "429" in code.split():
        fault.kind, fault.overload, fault.retry_after = "rate_limited", True, wait
    return fault


def retry_after(milliseconds: str | None, text: str | None) -> float | None:
    """Seconds to wait, from a number or an HTTP date (RFC 9110, 10.2.3).

    >>> retry_after(None, "2.5"), retry_after("40", None), retry_after(None, "soon")
    (2.5, 0.04, None)
    """
    for value, scale in ((milliseconds, 0.001), (text, 1.0)):
        if value is None:
            continue
        try:
            seconds = float(value) * scale
        except ValueError:
            try:
                seconds = parsedate_to_datetime(value).timestamp() - time.time()
            except (ValueError, TypeError, OverflowError):
                continue
        if seconds == seconds:  # not "nan"
            return max(0.0, seconds)
    return None


def connection_fault(error: Exception, url: str, secret: Secret) -> ChatFault:
    """Timeout or connection, told by the first cause: the transport reports a dropped connection as a timeout."""
    import aiohttp

    cause: BaseException = error
    while cause.__cause__ is not None:
        cause = cause.__cause__
    if isinstance(cause, TooLong):
        return ChatFault("malformed", secret.hidden_parts(str(cause)))
    slow = isinstance(cause, TimeoutError | aiohttp.ServerTimeoutError)
    said = secret.hidden_parts(printable(f"{type(cause).__name__}: {cause}"))[:300]
    if isinstance(cause, ConnectionRefusedError):
        said = f"nothing listens at {url} ({said})"
    elif isinstance(cause, socket.gaierror):
        said = f"no host is known by the name in {url} ({said})"
    elif isinstance(cause, aiohttp.ConnectionTimeoutError):
        said, slow = f"{url} does not take a connection ({said})", False
    elif not isinstance(cause, aiohttp.ClientConnectorError):
        more = f"; {FEWER_FILES}" if isinstance(cause, Exception) and too_many_open(cause) else ""
        return ChatFault("timeout" if slow else "connection", said + more)
    return ChatFault("connection", said, unreachable=True)
