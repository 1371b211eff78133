"""From ``BACKEND:NAME`` to a chat that can be asked.

model = ModelName.read("openai:Qwen/Qwen3-8B")      backend "openai", name "Qwen/Qwen3-8B"
chat = open_chat(model, base_url="http://127.0.0.1:8000/v1", timeout=300, connections=64)
"""

from __future__ import annotations

import os
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from ..chat import Chat
from ..errors import ChatError, InputError
from ..plugins import available, load

BACKENDS = "pedagogy_r1.chat"


class ModelName(NamedTuple):
    """A backend and what it calls the model."""

    backend: str
    name: str

    @classmethod
    def read(cls, text: str) -> ModelName:
        """From ``BACKEND:NAME``; raises `InputError` where either is missing and `PluginError` for an unknown backend."""
        backend, _, name = text.partition(":")
        if not name:
            raise InputError(
                f"{text!r} names no model",
                f"write BACKEND:NAME, with BACKEND one of {', '.join(available(BACKENDS))}",
            )
        load(BACKENDS, backend)
        return cls(backend, name)

    def __str__(self) -> str:
        return f"{self.backend}:{self.name}"


def safe_url(base_url: str | None) -> str | None:
    """``base_url``, else ``OPENAI_BASE_URL``; `InputError` if it holds a secret, since it is recorded with the run."""
    base_url = base_url or os.environ.get("OPENAI_BASE_URL")
    parts = urlsplit(base_url or "")
    if "@" in parts.netloc or parts.query:
        raise InputError(
            "the base URL holds a user name, a password or a query",
            "give the key by OPENAI_API_KEY or --api-key-env",
        )
    return base_url


def key_from(variable: str | None) -> str | None:
    """The key in environment variable ``variable``; `ChatError` if it is not set."""
    if variable is None:
        return None
    if not os.environ.get(variable):
        raise ChatError(
            f"the environment variable {variable} is not set",
            f"export {variable}=…, or leave out --api-key-env",
        )
    return os.environ[variable]


def open_chat(
    model: ModelName,
    *,
    base_url: str | None = None,
    api_key: str | None = None,
    timeout: float = 300.0,
    connections: int = 16,
    **more: Any,
) -> Chat:
    """Open a chat. ``connections``: most requests at once. ``more``: options of this backend only; others are errors."""
    connect = load(BACKENDS, model.backend)
    try:
        chat: Chat = connect(
            model.name, base_url=base_url, api_key=api_key, timeout=timeout, connections=connections, **more
        )
    except TypeError as error:
        unknown = [name for name in more if repr(name) in str(error)]
        if not unknown:
            raise
        raise InputError(
            f"{model.backend}: has no option {unknown[0]!r}",
            f"see pcode's help, or {BACKENDS}.{model.backend}",
        ) from None
    return chat
