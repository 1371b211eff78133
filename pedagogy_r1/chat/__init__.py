"""One async interface to language models. The folder is the registry: ``openai:NAME``, ``replay:FILE``.

A backend is a file here that exposes ``chat(name, **options) -> Chat``; names that begin with ``_`` are no plugins.
"""

from ._chat import (
    CONTENT_FAULTS,
    Chat,
    ChatFault,
    ChatFrame,
    ChatReply,
    ChatRequest,
    Fault,
    Usage,
    data_block,
    read_completion,
    read_object,
    strict_object,
)

__all__ = [
    "CONTENT_FAULTS",
    "Chat",
    "ChatFault",
    "ChatFrame",
    "ChatReply",
    "ChatRequest",
    "Fault",
    "Usage",
    "data_block",
    "read_completion",
    "read_object",
    "strict_object",
]
