"""The bytes of a request for a chat completion, in the form that a server takes.

    shape = shape_of("gpt-5-mini", frame, {"schema": "enforce", "limit": "max_completion_tokens"})
    shape.head + said(request) + shape.tail        {"model":"gpt-5-mini",…,"messages":[…,{"role":"user","content":"Code …"}]}

Everything that the requests of a frame share comes first, and is encoded once.
"""

from __future__ import annotations

import json
from json.encoder import encode_basestring
from typing import Any, NamedTuple

from . import SCHEMA, ChatFrame, ChatRequest

SCHEMAS = ("enforce", "object_schema", "json_object", "ask")
LIMITS = ("max_completion_tokens", "max_tokens")
USUAL = {"schema": SCHEMAS[0], "limit": LIMITS[0]}
"""The dialect in which a server is asked first."""


class BodyShape(NamedTuple):
    """The body's bytes before and after the user message; in which dialect; the token limit."""

    head: bytes
    tail: bytes
    dialect: dict[str, str]
    limit: int | None


def said(request: ChatRequest) -> bytes:
    """The user message, as it stands in the body."""
    return encode_basestring(request.text).encode("utf-8", "replace")


def shape_of(model: str, frame: ChatFrame, dialect: dict[str, str]) -> BodyShape:
    """What the requests of a frame share, in a dialect."""
    limit = None
    parameters = dict(frame.parameters)
    if LIMITS[0] in parameters:
        limit = parameters.pop(LIMITS[0])
        parameters[dialect["limit"]] = limit
    body: dict[str, Any] = {"model": model, **parameters}
    system = frame.system
    if frame.schema is not None:
        if dialect["schema"] == "enforce":
            body["response_format"] = {
                "type": "json_schema",
                "json_schema": {"name": "codings", "strict": True, "schema": frame.schema},
            }
        else:
            schema = SCHEMA + json.dumps(frame.schema, ensure_ascii=False)
            system = "\n\n".join(part for part in (system, schema) if part)
        if dialect["schema"] in ("object_schema", "json_object"):
            body["response_format"] = {"type": "json_object"}
        if dialect["schema"] == "object_schema":
            body["response_format"]["schema"] = frame.schema
    messages = [{"role": "system", "content": system}] if system else []
    body["messages"] = [*messages, {"role": "user", "content": ""}]
    encoded = json.dumps(body, ensure_ascii=False).encode()
    return BodyShape(encoded[: -len(b'""}]}')], b"}]}", dialect, limit)
