"""Which model is asked, and where: a name and its backend, checked before anything is recorded, and the chat that is opened.

open_chat(ModelName.read("openai:Qwen/Qwen3-8B"), base_url="http://localhost:8000/v1", connections=64)
"""

from __future__ import annotations

import inspect
import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from ..chat import Chat, split_url
from ..chat.hf import keep_engines as keep_engines
from ..chat.hf import let_engines_go as let_engines_go
from ..chat.hf import whole
from ..chat.openai import SeveralServers
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


BaseUrl = str | tuple[str, ...]
"""Of one server, or of several that serve the same model."""


def safe_url(base_url: str | Sequence[str] | None) -> BaseUrl | None:
    """``base_url``, else ``OPENAI_BASE_URL``; `InputError` if it holds a secret, since it is recorded with the run.

    `ChatError` for what is no base URL.
    """
    if base_url is not None and not isinstance(base_url, str):
        each = tuple(dict.fromkeys(str(safe_url(url)) for url in base_url))
        return each if len(each) > 1 else each[0] if each else safe_url(None)
    base_url = base_url or os.environ.get("OPENAI_BASE_URL")
    parts = split_url(base_url) if base_url else None
    if parts and ("@" in parts.netloc or parts.query or parts.fragment):
        raise InputError(
            "the base URL holds a user name, a password, a query or a #",
            "give the key by OPENAI_API_KEY or --api-key-env",
        )
    return base_url


def key_from(variable: str | None) -> str | None:
    """The key in environment variable ``variable``; `ChatError` if it is not set."""
    key = None if variable is None else os.environ.get(variable)
    if variable is not None and not key:
        hint = f"export {variable}=…, or leave out --api-key-env"
        raise ChatError(f"the environment variable {variable} is not set", hint)
    return key


def open_chat(
    model: ModelName,
    *,
    base_url: str | Sequence[str] | None = None,
    api_key: str | None = None,
    timeout: float = 300.0,
    connections: int = 16,
    batch: bool = False,
    **more: Any,
) -> Chat:
    """Open a chat. ``base_url``: of the server, or of several of this model. ``connections``: most requests at once. ``batch``: through the server's batch endpoint. ``more``: options of this backend only; others are errors.

    What the backend has no option for (a model in this process needs no key) it is not given.
    """
    check_backend(model, more)
    usual = {"base_url": base_url, "api_key": api_key, "timeout": timeout, "connections": connections}
    check_batch(model, batch)
    usual |= {"batch": True, "connections": BATCH_CONNECTIONS} if batch else {}
    taken = {name: value for name, value in usual.items() if _takes(model, name)}
    opened = load(BACKENDS, model.backend)
    if "base_url" in taken and base_url is not None and not isinstance(base_url, str):
        if batch and len(base_url) > 1:
            raise InputError("--batch: batches are of one server", "give one --base-url")
        each = [opened(model.name, **taken | {"base_url": url}, **more) for url in base_url]
        return SeveralServers(each) if len(each) > 1 else each[0]
    chat: Chat = opened(model.name, **taken, **more)
    return chat


BATCH_CONNECTIONS = 8
"""However many requests are out in batches, they travel in few files."""

USUAL = {
    "base_url": "--base-url",
    "api_key": "--api-key-env",
    "timeout": "--timeout",
    "connections": "--concurrency",
    "batch": "--batch",
}
"""What every backend may be given, and the option of a command that says it."""


def check_backend(model: ModelName, given: Iterable[str]) -> None:
    """Raise `InputError` for a name that is no option of the model's backend alone, before anything is recorded.

    Options of a backend are recorded with the run: a key among them would be.
    """
    for name in given:
        if name in USUAL:
            raise InputError(
                f"{name} is no option of {model.backend} alone", f"say it with {USUAL[name]} (docs/models.md)"
            )
        if not _takes(model, name):
            hint = f"see pcode's help, or {BACKENDS}.{model.backend}"
            raise InputError(f"{model.backend}: has no option {name!r}", hint)


SERVER, BATCHED = 16, 50_000
"""Requests in flight by default: what a server takes from one user, and how many may be out in batches."""


def in_flight(concurrency: int | None, batch: bool) -> int:
    """The most requests in flight, as given or by default."""
    return concurrency or (BATCHED if batch else SERVER)


def check_batch(model: ModelName, batch: bool) -> None:
    """Raise `InputError` where batches are wanted of a backend that has none."""
    if batch and not _takes(model, "batch"):
        raise InputError(
            f"--batch: {model.backend} has no batches",
            "it is for openai:NAME, a server with a batch endpoint",
        )


def gpus_of(model: ModelName, backend: Mapping[str, Any]) -> int:
    """GPUs that a process with this model needs, where there are any: none for a model that is served, played back, or to be on the CPU."""
    if not _takes(model, "dtype") or backend.get("device") == "cpu":
        return 0
    return whole("tensor_parallel_size", backend.get("tensor_parallel_size", 1))


def _takes(model: ModelName, name: str) -> bool:
    _, *options = inspect.signature(load(BACKENDS, model.backend)).parameters.values()
    return any(option.name == name or option.kind is option.VAR_KEYWORD for option in options)
