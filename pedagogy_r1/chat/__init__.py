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
from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from functools import cached_property
from typing import Any, Literal, NamedTuple, Protocol
from urllib.parse import SplitResult, urlsplit

from ..errors import ChatError, sent_on
from ..files.json_text import parse_json
from ..files.records import dump, whole_text
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
    """A usable reply. ``model`` is what the server says it is; ``raw`` the body as it came.

    ``mended``: what was taken off the text or replaced in it, by name: ``code fence``, ``think block``, ``half character`` …
    """

    text: str
    finish: str | None
    model: str | None
    usage: Usage
    raw: str
    reasoning: str | None = None
    mended: tuple[str, ...] = ()


@dataclass(eq=False)
class ChatFault(Exception):
    """A request that got no usable reply this time; another attempt may get one.

    ``retry_after``: seconds that the server asked us to wait. ``raw`` and ``usage``: of a reply that came but is
    of no use (it was paid for). ``overload``: fewer requests at a time may help. ``unreachable``: it never
    got to the server, so that no other request would. ``again``: the server does not take requests of this form, and the
    next attempt will have another.
    """

    kind: Fault
    message: str
    _: KW_ONLY
    retry_after: float | None = None
    raw: str | None = None
    usage: Usage | None = None
    overload: bool = False
    unreachable: bool = False
    again: bool = False

    def __post_init__(self) -> None:
        super().__init__(self.message)
        self.overload = self.overload or self.kind in ("rate_limited", "timeout")

    def __reduce__(self) -> Any:
        return sent_on(self)


class UnusableServerError(ChatError):
    """A reply shows that no reply of this server is of use. ``reply``: what was paid for, to be recorded."""

    def __init__(self, message: str, hint: str, reply: ChatFault) -> None:
        super().__init__(message, hint)
        self.reply = reply


def split_url(url: str) -> SplitResult:
    """A server's base URL in its parts; `ChatError` for what is none.

    >>> split_url("http://localhost:8000/v1").hostname
    'localhost'
    """
    why = ""
    try:
        parts = urlsplit(url)
        (parts.hostname or "").encode("idna")
        plain = url.isprintable() and not any(map(str.isspace, url))
        if parts.scheme in ("http", "https") and parts.hostname and parts.port != 0 and plain:
            return parts
    except ValueError as error:  # half an IPv6 address, a port beyond 65535, a name that no host can have
        why = f" ({error})"
    raise ChatError(f"{url!r} is no base URL{why}", "give it like http://localhost:8000/v1")


def check_choice(backend: str, option: str, value: str, known: Sequence[str]) -> None:
    """Raise `ChatError` for an option that is none of those a backend knows."""
    if value not in known:
        raise ChatError(f"{backend}: {option} is {value!r}", f"give one of {', '.join(known)}")


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
    refusal = message.get("refusal")
    if refusal or finish == "content_filter":
        raise ChatFault("refusal", str(refusal or "stopped by a content filter")[:300], raw=raw, usage=usage)
    if finish == "length" and not partial:
        raise ChatFault("length", "the reply was cut off at the token limit", raw=raw, usage=usage)
    text, thought = message.get("content"), _thought(message)
    if text is None and (thought or (partial and finish == "length")):
        text = ""  # a schema's answer may stand in the field for reasoning: `unwrapped`
    if not isinstance(text, str):
        raise ChatFault("malformed", "the reply holds no text", raw=raw, usage=usage)
    whole = whole_text(text)
    return ChatReply(whole, finish, model, usage, raw, thought, () if whole == text else ("half character",))


def parse_body(raw: str) -> Any:
    """The JSON of a server's body, unless it would take too much memory: a `ValueError` then, as for what is no JSON.

    64 MiB of brackets are 22 million lists, and 1.4 GB.

    >>> parse_body("[" + "[]," * 2_000_000 + "0]")
    Traceback (most recent call last):
    ValueError: its values would take 352 MB of memory, more than 300
    """
    if len(raw) > LONG_BODY and (size := _size_of_values(raw) // 1_000_000) > MOST_OF_VALUES:
        raise ValueError(f"its values would take {size:,} MB of memory, more than {MOST_OF_VALUES}")
    return json.loads(raw)


def _size_of_values(raw: str) -> int:
    """Bytes of Python's objects, roughly and rather too many, from the signs of JSON in a text: those in strings count too."""
    objects, names = raw.count("{"), raw.count(":")
    sizes = 184 * objects + 64 * raw.count("[") + 32 * raw.count(",") + 30 * raw.count('"')
    return sizes + 160 * max(
        0, names - USUAL_NAMES * objects
    )  # of an object with few names, and those of all others


LONG_BODY, MOST_OF_VALUES, USUAL_NAMES = 4 << 20, 300, 4
"""Characters from which on a body is looked at before it is read; MB that its values may come to; names in an entry of log
probabilities. Those of 8,192 tokens with 20 alternatives each (12 to 18 MiB) come to 110 to 200 MB."""


def _message(raw: str) -> tuple[dict[str, Any], str | None, str | None, Usage]:
    """Of the first choice: its message, how it ended, the model, the tokens."""
    found = _found(raw)
    try:
        if isinstance(
            found, ChatFault
        ):  # raised here, for an error holds what was at hand where it was raised
            raise found
        return found
    finally:
        del found


def _found(raw: str) -> tuple[dict[str, Any], str | None, str | None, Usage] | ChatFault:
    try:
        body = parse_body(raw)
    except (ValueError, RecursionError) as error:
        return ChatFault("malformed", f"the body is no JSON: {error}", raw=raw)
    if isinstance(body, dict) and body.get("error"):
        return ChatFault("server_error", f"error in the body: {printable(str(body['error']))[:300]}", raw=raw)
    try:
        choice = body["choices"][0]
        message = choice["message"]
        message.get("content")
        finish, model = choice.get("finish_reason"), body.get("model")
        return message, _text(finish), _text(model), _usage(body.get("usage"))
    except (KeyError, IndexError, TypeError, AttributeError) as error:
        why = f"the body is no chat completion ({type(error).__name__}: {error})"
        return ChatFault("malformed", why, raw=raw)


def _thought(message: Mapping[str, Any]) -> str | None:
    return _text(message.get("reasoning")) or _text(message.get("reasoning_content"))


def _text(value: object) -> str | None:
    return whole_text(value) if isinstance(value, str) else None


def _usage(usage: object) -> Usage:
    """The tokens that a server counted; what is no number of them is none."""
    given = usage if isinstance(usage, dict) else {}
    details = given.get("prompt_tokens_details")
    cached = details.get("cached_tokens") if isinstance(details, dict) else None
    parts = (
        given.get("prompt_tokens"),
        cached or given.get("prompt_cache_hit_tokens"),
        given.get("completion_tokens"),
    )
    return Usage(*map(_count, parts))


def _count(value: object) -> int:
    return int(value) if type(value) in (int, float) and 0 <= value < 1e12 else 0  # type: ignore[operator,call-overload]


_THINK = re.compile(
    r"(?:<(?:think|thinking|reasoning)>)?.*?</(?:think|thinking|reasoning)>\s*", re.DOTALL | re.IGNORECASE
)
_FENCED = re.compile(r"```[\w-]*[ \t]*\r?\n(.*?)\r?\n?[ \t]*```", re.DOTALL)


def unwrapped(reply: ChatReply) -> ChatReply:
    """A reply that is to be JSON, without what servers wrap around it; the same reply where nothing is.

    That is one leading think block, then one code fence that holds all the rest; or, where there is no content, the field for
    reasoning. Nothing else is taken off; half a character becomes U+FFFD. What was done stands in ``mended``.

    >>> unwrapped(ChatReply('<think>Hm.</think>\\n```json\\n{"a": 1}\\n```', "stop", "m", Usage(), ""))[::6]
    ('{"a": 1}', ('think block', 'code fence'))
    """
    text, mended = reply.text.strip(), list(reply.mended)
    if text[:1] == "{" and not _HALF.search(text):
        return reply
    if not text and reply.reasoning:
        text = reply.reasoning.strip()
        mended.append("reasoning field")
    if (thought := _THINK.match(text)) and text[:1] != "{":
        text = text[thought.end() :]
        mended.append("think block")
    if fenced := _FENCED.fullmatch(text):
        text = fenced[1].strip()
        mended.append("code fence")
    if _HALF.search(text) and (whole := _without_halves(text)) != text:
        text = whole
        mended.append("half character")
    return reply._replace(text=text, mended=tuple(mended)) if text[:1] == "{" else reply


_HALF = re.compile(r"\\u[dD][89a-fA-F]")


def _without_halves(text: str) -> str:
    """JSON in which an escaped half of a character (``\\ud800``) is U+FFFD; the same text where there is none."""
    try:
        said = json.dumps(parse_json(text), ensure_ascii=False)
    except ValueError:
        return text
    return text if (whole := whole_text(said)) == said else whole


def printable(text: str) -> str:
    """One line of what another program said, without what would move a terminal's cursor or hide."""
    return "".join(c if c.isprintable() else "·" for c in " ".join(text.split()))


SCHEMA = "Answer with one JSON document that fits this JSON Schema, and with nothing else:\n"
"""Where a schema cannot be enforced: what stands before it in the prompt."""

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
    line = _FENCE.sub(r"\\u003c", dump(content))
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
        value = parse_json(text)
    except ValueError as error:
        raise ChatFault("malformed", f"the reply is no JSON: {error}") from None
    if not isinstance(value, dict) or value.keys() != schema["properties"].keys():
        raise ChatFault("malformed", "the reply has other fields than were asked for")
    return value
