"""One async interface to language models: what is asked, what comes back, and the ways in which it fails to.

    frame = ChatFrame("Qwen3-8B", system="You code …", schema={…}, parameters={"temperature": 0})
    reply = await chat.ask(ChatRequest(frame, "Code these units: …"))
    reply.text, reply.usage.cached      '{"codings": […]}', 4096

A backend is a file here that exposes ``chat(name, **options) -> Chat``: ``openai:NAME``, ``replay:FILE``. Names that begin
with ``_`` are no plugins.

A frame is what many requests share. It comes first on the wire, byte for byte the same every time, so that
providers and vLLM can keep it in their prefix cache.

Text that others wrote goes into a data block, so that nothing in it can end the block (`data_block`). The block carries
a digest of its content, so that equal requests are equal bytes.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass, field
from functools import cached_property
from typing import Any, Literal, NamedTuple, Protocol

from ..provenance import digest

Fault = Literal[
    "timeout", "rate_limited", "server_error", "connection", "malformed", "length", "refusal", "rejected"
]

CONTENT_FAULTS: frozenset[str] = frozenset({"malformed", "length", "refusal", "rejected"})
"""Faults of this very request; asking for less at a time may cure them. The others are the server's or the network's."""


@dataclass(frozen=True)
class ChatFrame:
    """What many requests share: model, system message, JSON Schema of the reply, sampling parameters.

    ``partial``: a reply cut off at the token limit is a reply too (a trace that was cut off is data), no fault.
    """

    model: str
    system: str
    schema: Mapping[str, Any] | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    partial: bool = False

    @cached_property
    def digest(self) -> str:
        """``sha256:…`` of what is asked; how a cut reply is taken is no part of it."""
        return digest([self.model, self.system, self.schema, self.parameters])


@dataclass(frozen=True)
class ChatRequest:
    """One user message within a frame."""

    frame: ChatFrame
    text: str

    @cached_property
    def digest(self) -> str:
        """32 hex digits over model, messages, schema and parameters: equal digests mean equal requests."""
        text = self.text.encode("utf-8", "surrogatepass")
        return hashlib.sha256(self.frame.digest.encode() + b"\0" + text).hexdigest()[:32]


class Usage(NamedTuple):
    """Tokens: of the prompt, of those the cached ones, and of the completion (thinking included)."""

    prompt: int = 0
    cached: int = 0
    completion: int = 0


class ChatReply(NamedTuple):
    """A usable reply. ``model`` is what the server says it is; ``raw`` the body as it came."""

    text: str
    finish: str | None
    model: str | None
    usage: Usage
    raw: str
    reasoning: str | None = None


@dataclass(eq=False)
class ChatFault(Exception):
    """A request that got no usable reply this time; another attempt may get one.

    ``retry_after``: seconds that the server asked us to wait. ``raw`` and ``usage``: of a reply that came but is
    of no use (it was paid for). ``overload``: fewer requests at a time may help. ``unreachable``: it never
    got to the server, so that no other request would.
    """

    kind: Fault
    message: str
    _: KW_ONLY
    retry_after: float | None = None
    raw: str | None = None
    usage: Usage | None = None
    overload: bool = False
    unreachable: bool = False

    def __post_init__(self) -> None:
        super().__init__(self.message)
        self.overload = self.overload or self.kind in ("rate_limited", "timeout")


class Chat(Protocol):
    """A language model that can be asked many things at once."""

    @property
    def model(self) -> str:
        """The name that goes into the frame."""
        ...

    async def ask(self, request: ChatRequest) -> ChatReply:
        """One attempt. Raises ``ChatFault``, or ``ChatError`` where no further request can succeed."""
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...


def read_completion(raw: str, *, partial: bool = False) -> ChatReply:
    """The reply in the body of a chat completion; a body that holds no usable reply is a ``ChatFault``.

    ``partial``: one that was cut off at the token limit, or that ended without an answer behind its reasoning, is usable.
    """
    message, finish, model, usage = _message(raw)
    text, refusal = message.get("content"), message.get("refusal")
    if refusal or finish == "content_filter":
        raise ChatFault("refusal", str(refusal or "stopped by a content filter")[:300], raw=raw, usage=usage)
    thought = message.get("reasoning") or message.get("reasoning_content")
    if partial and (finish == "length" or (text is None and thought)):
        text = text or ""
    elif finish == "length":
        raise ChatFault("length", "the reply was cut off at the token limit", raw=raw, usage=usage)
    if not isinstance(text, str):
        raise ChatFault("malformed", "the reply holds no text", raw=raw, usage=usage)
    return ChatReply(text, finish, model, usage, raw, thought)


def _message(raw: str) -> tuple[dict[str, Any], str | None, str | None, Usage]:
    """Of the first choice: its message, how it ended, the model, the tokens."""
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise ChatFault("malformed", f"the body is no JSON: {error}", raw=raw) from None
    if isinstance(body, dict) and body.get("error"):
        raise ChatFault("server_error", f"error in the body: {str(body['error'])[:300]}", raw=raw)
    try:
        choice = body["choices"][0]
        message = choice["message"]
        message.get("content")
        return message, choice.get("finish_reason"), body.get("model"), _usage(body.get("usage") or {})
    except (KeyError, IndexError, TypeError, AttributeError) as error:
        raise ChatFault(
            "malformed", f"the body is no chat completion ({type(error).__name__}: {error})", raw=raw
        ) from None


def _usage(usage: dict[str, Any]) -> Usage:
    details = usage.get("prompt_tokens_details") or {}
    cached = details.get("cached_tokens") or usage.get("prompt_cache_hit_tokens") or 0
    return Usage(int(usage.get("prompt_tokens") or 0), int(cached), int(usage.get("completion_tokens") or 0))


BYTES_PER_TOKEN = 3.6
"""Of English prose and LaTeX, roughly, over the tokenizers in use."""


def rough_tokens(text: str) -> int:
    """About how many tokens a text has, before anybody has counted them."""
    return round(len(text.encode("utf-8", "replace")) / BYTES_PER_TOKEN)


_FENCE = re.compile(r"<(?=\s*/?\s*data)", re.IGNORECASE)


def data_block(content: Mapping[str, Any]) -> str:
    """One fenced line of JSON that nothing in it can close.

    >>> print(data_block({"units": [{"unit": 1, "text": "x < 5. </data>"}]}))
    <data 2898a27bf826>
    {"units":[{"unit":1,"text":"x < 5. \\u003c/data>"}]}
    </data 2898a27bf826>
    """
    line = _FENCE.sub(r"\\u003c", json.dumps(content, ensure_ascii=False, separators=(",", ":")))
    mark = hashlib.sha256(line.encode("utf-8", "surrogatepass")).hexdigest()[:12]
    return f"<data {mark}>\n{line}\n</data {mark}>"


def strict_object(properties: dict[str, Any]) -> dict[str, Any]:
    """JSON Schema of an object with exactly these fields, within what strict mode (OpenAI, xgrammar in vLLM) supports."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def read_object(text: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    """The JSON object of a reply; one that has other fields than the schema of a `strict_object` is malformed."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ChatFault("malformed", f"the reply is no JSON: {error}") from None
    if not isinstance(value, dict) or value.keys() != schema["properties"].keys():
        raise ChatFault("malformed", "the reply has other fields than were asked for")
    return value
