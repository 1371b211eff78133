"""``openai:NAME``: any OpenAI-compatible server (OpenAI, vLLM, llama.cpp, OpenRouter …) over HTTP.

    chat("gpt-5-mini")                                          key from OPENAI_API_KEY
    chat("Qwen/Qwen3-8B", base_url="http://localhost:8000/v1")  a local server needs no key

Servers differ in what they take. A schema is enforced where they can (``response_format`` of type ``json_schema``, or ``json_object``
with the schema beside it: llama-cpp-python), else JSON is asked for (``json_object``), else the prompt alone asks; the token limit is ``max_completion_tokens``, or ``max_tokens``
where that is refused or ignored. What was found is the chat's ``dialect``, which the ledger keeps.

Bodies go out encoded: the frame is encoded once, only the user message per request (`_request_body`), over a bare HTTP client
(`_wire`). Retries are the caller's.
"""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Mapping
from urllib.parse import urljoin, urlsplit

from ..errors import ChatError
from . import (
    BYTES_PER_TOKEN,
    ChatFault,
    ChatFrame,
    ChatReply,
    ChatRequest,
    UnusableServerError,
    check_choice,
    read_completion,
    rough_tokens,
    split_url,
)
from ._batch_file import BatchCount as BatchCount
from ._openai_batch import BatchedOpenAI
from ._request_body import LIMITS, SCHEMAS, USUAL, BodyShape, said, shape_of
from ._server import AnsweredBody, Room, Secret, TooLong, body_fault, connection_fault, status_fault
from ._several import SeveralServers as SeveralServers
from ._wire import JSON, HttpAnswer, Wire

OFFICIAL = "https://api.openai.com/v1"

_NO_SCHEMA = re.compile(
    r"response.?format|json.?schema|structured|guided|grammar|requested parameters", re.IGNORECASE
)

BODY, BODY_WITH_LOGPROBS = 4 << 20, 32 << 20
"""Bytes that are read of one reply: a million tokens; with log probabilities `PER_TOKEN` more for each that was asked for, and no more than this."""
PER_TOKEN = 2 << 10
BODIES = 96 << 20
"""Bytes of all replies in flight together: half are shared out among the connections, and replies that are larger than their share
have the other half, as many at a time as go into it."""

CUT = 0.6
"""Share of the tokens that a prompt must have, roughly, under which a server that counted fewer did not read it all.

Six bytes a token: English prose has 3.6 to 4.8 in the tokenizers in use, Chinese 3 to 4.5.
"""
MOVES = 3
"""Redirects, within the same host, that are followed."""
LONG_ENOUGH = 1000
"""Tokens, roughly, from which on a prompt is looked at for that."""


def chat(
    name: str,
    *,
    base_url: str | None = None,
    api_key: str | None = None,
    timeout: float = 300.0,
    connections: int = 64,
    schema: str = "auto",
    prompt_tokens: str = "check",
    batch: bool = False,
) -> OpenAIChat | BatchedOpenAI:
    """A chat with model ``name``. ``timeout``: seconds for one request as a whole.

    Without ``base_url``: ``OPENAI_BASE_URL``, else OpenAI itself, which needs a key. ``schema``: one of `SCHEMAS`;
    "auto" is the first of them that the server takes. ``prompt_tokens``: "check" that the server counted about as many as
    were sent, or "ignore" its count, where that is known to be wrong. ``batch``: through the server's batch endpoint.
    """
    url = base_url or os.environ.get("OPENAI_BASE_URL") or OFFICIAL
    key = _sendable(api_key or os.environ.get("OPENAI_API_KEY"))
    host = split_url(url).hostname or ""
    if not key and (host == "openai.com" or host.endswith(".openai.com")):
        raise ChatError(
            f"no API key for {host}", "set OPENAI_API_KEY, or give --base-url of a server that needs none"
        )
    check_choice("openai", "schema", schema, ("auto", *SCHEMAS))
    check_choice("openai", "prompt_tokens", prompt_tokens, ("check", "ignore"))
    made = OpenAIChat(name, url, key, timeout, connections)
    made.fixed, made.checks = schema != "auto", prompt_tokens == "check"
    if made.fixed:
        made.dialect = made.dialect | {"schema": schema}
    if batch:
        return BatchedOpenAI(made)
    return made


def _sendable(key: str | None) -> str | None:
    """The key. Raises `ChatError`, without it, where no HTTP header can hold it: that would be found out a request at a time."""
    if key and not (key.isascii() and key.isprintable() and key == key.strip()):
        raise ChatError(
            "the API key begins or ends with a space, or holds a line break or a character that no key has",
            "set it again, from where it was given to you: it is one word of letters, digits and signs",
        )
    return key


class OpenAIChat:
    """Many requests at once over kept-alive connections. ``dialect``: how this server is asked; ``fixed``: not to be changed."""

    def __init__(self, name: str, base_url: str, key: str | None, timeout: float, connections: int) -> None:
        self.model = name
        self.dialect: dict[str, str] = USUAL
        self.fixed, self.checks = False, True
        self.url, self._timeout, self.secret = base_url, timeout, Secret(key)
        self._been: set[str] = set()
        self._connections = connections
        # Our own timer bounds the whole request.
        self.wire = Wire(base_url, key, timeout=timeout, connections=connections)
        self._room = Room(BODY, BODIES // 2, connections)
        self._path = self.wire.at("chat/completions")
        self._shapes: dict[str, BodyShape] = {}

    async def ask(self, request: ChatRequest) -> ChatReply:
        """One request, one attempt."""
        shape = self.shape(request.frame)
        text = said(request)
        answer = await self._post(shape.head + text + shape.tail)
        return self.read(request, answer, shape=shape, size=len(shape.head) + len(text))

    def read(self, request: ChatRequest, answer: AnsweredBody, *, shape: BodyShape, size: int) -> ChatReply:
        """The reply in an answer to a body of ``shape`` and ``size`` bytes."""
        if answer.status_code >= 300:
            fault = status_fault(answer, self.url, self.model, self.secret)
            if isinstance(fault, ChatFault):
                fault.again = fault.kind in ("rejected", "server_error") and self._other_form(
                    shape, request, fault
                )
            raise fault
        raw = self.secret.hidden(answer.content.decode("utf-8", "replace"))
        try:
            reply = read_completion(raw, partial=request.frame.partial)
        except ChatFault as fault:
            raise body_fault(fault, self.url) from None
        if self.checks and reply.usage.prompt < CUT * size / BYTES_PER_TOKEN:
            self._check_prompt(request, reply)
        if shape.limit and reply.usage.completion > shape.limit + 16:
            self._change(shape, limit=LIMITS[1])
        return reply

    async def _post(self, body: bytes) -> HttpAnswer:
        """What comes back; a redirect within the same host is followed, for good."""
        import aiohttp

        try:
            async with asyncio.timeout(self._timeout):
                while True:
                    path = self._path
                    answer = await self.wire.send("POST", path, body, room=self._room, headers=JSON)
                    if answer.status_code not in (307, 308) or not self._moved(answer, path):
                        return answer
        except TimeoutError as error:
            if isinstance(error, aiohttp.ClientError):
                raise connection_fault(error, self.url, self.secret) from None
            raise ChatFault("timeout", f"no reply within {self._timeout:g} s") from None
        except TooLong as error:
            raise ChatFault("malformed", str(error)) from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise connection_fault(error, self.url, self.secret) from None

    def _moved(self, response: HttpAnswer, used: str) -> bool:
        """Whether to go on at another address of the same host, over as safe a connection."""
        try:
            there = urljoin(used, response.headers.get("location", ""))
            old, new = urlsplit(used), urlsplit(there)
            same = new.hostname == old.hostname and (new.scheme, new.port) in (
                (old.scheme, old.port),
                ("https", None if old.port == 80 else old.port),
            )
        except ValueError:
            return False
        if not same or there == used or len(self._been) > MOVES:
            return False
        self._been.add(used)
        if there not in self._been:
            self._path = there
        return self._path != used

    def shape(self, frame: ChatFrame) -> BodyShape:
        """How requests of a frame are sent as things stand."""
        shape = self._shapes.get(frame.digest)
        if shape is None or shape.dialect is not self.dialect:
            shape = self._shapes[frame.digest] = shape_of(self.model, frame, self.dialect)
            if frame.parameters.get("logprobs"):
                self._widen(shape.limit)
        return shape

    def _widen(self, limit: int | None) -> None:
        """Make room for the log probabilities of ``limit`` tokens."""
        most = min(BODY_WITH_LOGPROBS, BODY + PER_TOKEN * (limit or BODY_WITH_LOGPROBS))
        if most > self._room.most:
            self._room = Room(most, BODIES // 2, self._connections)

    def _other_form(self, shape: BodyShape, request: ChatRequest, fault: ChatFault) -> bool:
        """Whether the request is worth another attempt in another form, which the server's answer may have asked for."""
        if shape.dialect is not self.dialect:
            return True  # it was sent before another one found out
        said, how = f"{fault.message} {fault.raw}", shape.dialect
        if how["limit"] == LIMITS[0] and shape.limit and LIMITS[0] in said:
            return self._change(shape, limit=LIMITS[1])
        asks = request.frame.schema is not None and how["schema"] != SCHEMAS[-1] and not self.fixed
        if asks and _NO_SCHEMA.search(said):
            return self._change(shape, schema=SCHEMAS[SCHEMAS.index(how["schema"]) + 1])
        return False

    def _change(self, shape: BodyShape, **found: str) -> bool:
        """Ask in another form from now on, unless that was found already."""
        if shape.dialect is self.dialect and shape.dialect | found != shape.dialect:
            self.dialect = {**shape.dialect, **found}
        return True

    def adopt(self, dialect: Mapping[str, str]) -> None:
        """Ask as an earlier session of the same run found that this server is to be asked."""
        known = {"schema": () if self.fixed else SCHEMAS, "limit": LIMITS}
        found = {name: how for name, how in dialect.items() if how in known.get(name, ())}
        self.dialect = {**self.dialect, **found}

    def _check_prompt(self, request: ChatRequest, reply: ChatReply) -> None:
        """Raise where the server counted far fewer tokens than were sent: it cut the prompt, and said nothing."""
        usage = reply.usage
        counted = usage.prompt + (
            usage.cached if usage.cached > usage.prompt else 0
        )  # some leave out what was cached
        sent = rough_tokens(request.frame.system) + rough_tokens(request.text)
        if sent < LONG_ENOUGH or not counted or counted >= CUT * sent:
            return
        raise UnusableServerError(
            f"{self.url} read {counted:,} tokens of a prompt of about {sent:,}: it cut the rest off without a word, "
            "and the codes or the question with it",
            "give the server a longer context (Ollama: OLLAMA_CONTEXT_LENGTH, LM Studio: Context Length, llama.cpp: --ctx-size) "
            "or, with annotate, a shorter codebook (--codebook-form compact) or --window; if its count is known to be wrong: "
            "--backend-option prompt_tokens=ignore",
            ChatFault("malformed", "the server cut the prompt", raw=reply.raw, usage=usage),
        )

    async def close(self) -> None:
        """Close the connections."""
        await self.wire.close()
