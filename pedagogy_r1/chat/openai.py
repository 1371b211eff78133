"""``openai:NAME``: any OpenAI-compatible server (OpenAI, vLLM, llama.cpp, OpenRouter …) through ``AsyncOpenAI``.

    chat("gpt-5-mini")                                          key from OPENAI_API_KEY
    chat("Qwen/Qwen3-8B", base_url="http://localhost:8000/v1")  a local server needs no key

The client rides on aiohttp (half the CPU per request of the default, measured in benchmarks/) and is handed
encoded bodies: the frame is encoded once, only the user message per request. Retries are the caller's.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import time
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ..errors import ChatError
from . import ChatFault, ChatFrame, ChatReply, ChatRequest, Fault, read_completion

if TYPE_CHECKING:
    import httpx2

OFFICIAL = "https://api.openai.com/v1"

_TOLD = (
    *("Lang", "Package-Version", "OS", "Arch", "Runtime"),
    *("Runtime-Version", "Async", "Retry-Count", "Read-Timeout"),
)
TELEMETRY = [f"X-Stainless-{name}" for name in _TOLD]
"""Headers about this machine that the client adds by itself; left out, they also save a tenth of its CPU time."""


def chat(
    name: str,
    *,
    base_url: str | None = None,
    api_key: str | None = None,
    timeout: float = 300.0,
    connections: int = 64,
) -> OpenAIChat:
    """A chat with model ``name``. ``timeout``: seconds for one request as a whole.

    Without ``base_url``: ``OPENAI_BASE_URL``, else OpenAI itself, which needs a key.
    """
    url = base_url or os.environ.get("OPENAI_BASE_URL") or OFFICIAL
    key = api_key or os.environ.get("OPENAI_API_KEY")
    host = urlsplit(url).hostname or ""
    if not urlsplit(url).scheme.startswith("http") or not host:
        raise ChatError(f"{url!r} is no base URL", "give it like http://localhost:8000/v1")
    if not key and (host == "openai.com" or host.endswith(".openai.com")):
        raise ChatError(
            f"no API key for {host}", "set OPENAI_API_KEY, or give --base-url of a server that needs none"
        )
    return OpenAIChat(name, url, key or "none", timeout, connections)


class OpenAIChat:
    """Many requests at once over kept-alive connections."""

    def __init__(self, name: str, base_url: str, key: str, timeout: float, connections: int) -> None:
        import httpx2
        import openai

        self.model = name
        self._url = base_url
        self._timeout = timeout
        self._response = httpx2.Response
        limits = httpx2.Limits(
            max_connections=connections + 8, max_keepalive_connections=connections + 8, keepalive_expiry=15.0
        )
        # Our own timer bounds the whole request; the socket's must not fire before it.
        slack = httpx2.Timeout(timeout + 5)
        http = openai.DefaultAioHttpClient(limits=limits, timeout=slack)
        self._client = openai.AsyncOpenAI(
            base_url=base_url,
            api_key=key,
            max_retries=0,
            timeout=slack,
            http_client=http,
            default_headers=dict.fromkeys(TELEMETRY, openai.omit),  # type: ignore[arg-type]
        )
        # Absolute, because joining it to the base costs as much as encoding the body.
        self._path = str(self._client.base_url) + "chat/completions"
        self._errors = openai
        self._shapes: dict[str, tuple[bytes, bytes]] = {}

    async def ask(self, request: ChatRequest) -> ChatReply:
        """One request, one attempt."""
        import aiohttp

        head, tail = self._shape(request.frame)
        text = json.dumps(request.text, ensure_ascii=False).encode("utf-8", "replace")
        try:
            async with asyncio.timeout(self._timeout):
                response: httpx2.Response = await self._client.post(
                    self._path,
                    content=head + text + tail,
                    cast_to=self._response,
                    options={"security": {"bearer_auth": True}},
                )
        except TimeoutError:
            raise ChatFault("timeout", f"no reply within {self._timeout:g} s") from None
        except self._errors.APIStatusError as error:
            raise _status_fault(error.response, self._url, self.model) from None
        except self._errors.APIConnectionError as error:
            raise _connection_fault(error) from None
        except (aiohttp.ClientError, OSError) as error:
            raise ChatFault("connection", f"{type(error).__name__}: {error}") from None
        raw = response.content.decode("utf-8", "replace")
        return read_completion(raw, partial=request.frame.partial)

    def _shape(self, frame: ChatFrame) -> tuple[bytes, bytes]:
        """The body's bytes before and after the user message: everything constant comes first."""
        shape = self._shapes.get(frame.digest)
        if shape is None:
            body: dict[str, Any] = {"model": self.model, **frame.parameters}
            if frame.schema is not None:
                body["response_format"] = {
                    "type": "json_schema",
                    "json_schema": {"name": "codings", "strict": True, "schema": frame.schema},
                }
            system = [{"role": "system", "content": frame.system}] if frame.system else []
            body["messages"] = [*system, {"role": "user", "content": ""}]
            encoded = json.dumps(body, ensure_ascii=False).encode()
            shape = self._shapes[frame.digest] = (encoded[: -len(b'""}]}')], b"}]}")
        return shape

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()


def _status_fault(response: httpx2.Response, url: str, model: str) -> Exception:
    """The fault that a status of 400 or above stands for; a ``ChatError`` where every other request would get it too."""
    status, raw = response.status_code, response.content.decode("utf-8", "replace")
    said = f"{url} answered {status}: {_message(raw)}"
    if status in (401, 403):
        return ChatError(said, "check the API key (OPENAI_API_KEY) and what it may use; run again to go on")
    if status == 404:
        hint = f"check the model's name ({model!r}) and that the base URL ends like /v1; run again to go on"
        return ChatError(said, hint)
    if status == 402 or "insufficient_quota" in raw:
        return ChatError(said, "the account has no credit left; top it up and run again to go on")
    kinds: dict[int, Fault] = {408: "timeout", 429: "rate_limited", 504: "timeout"}
    another_time = status >= 500 or status in (409, 425)
    kind: Fault = kinds.get(status, "server_error" if another_time else "rejected")
    wait = _retry_after(response.headers.get("retry-after-ms"), response.headers.get("retry-after"))
    return ChatFault(kind, said, retry_after=wait, raw=raw, overload=status in (503, 529))


def _message(raw: str) -> str:
    try:
        error = json.loads(raw)["error"]
        return str(error["message"] if isinstance(error, dict) else error)[:300]
    except (ValueError, KeyError, TypeError, RecursionError):
        return raw.strip()[:300] or "(no text)"


def _retry_after(milliseconds: str | None, text: str | None) -> float | None:
    """Seconds to wait, from a number or an HTTP date (RFC 9110, 10.2.3); never more than ten minutes.

    >>> _retry_after(None, "2.5"), _retry_after("40", None), _retry_after(None, "soon")
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
            except (ValueError, TypeError):
                continue
        if seconds == seconds:  # not "nan"
            return min(max(0.0, seconds), 600.0)
    return None


def _connection_fault(error: Exception) -> ChatFault:
    """Timeout or connection, told by the first cause: the transport reports a dropped connection as a timeout."""
    import aiohttp

    cause: BaseException = error
    while cause.__cause__ is not None:
        cause = cause.__cause__
    slow = isinstance(cause, TimeoutError | aiohttp.ServerTimeoutError)
    unreachable = isinstance(cause, aiohttp.ClientConnectorError | ConnectionRefusedError | socket.gaierror)
    return ChatFault(
        "timeout" if slow else "connection", f"{type(cause).__name__}: {cause}", unreachable=unreachable
    )
