"""Asking a language model thousands of things: each once, many at a time, resumable, in order.

Built once, for everything that asks: the coder ``llm``, the segmenter and judges of thoughts, and generation.
"""

from .asker import Asker, GaveUp, Sending, StoppedError
from .patience import Limiter, NothingUsableError
from .session import (
    AskingSession,
    AskOutcome,
    ModelName,
    all_of,
    check_backend,
    key_from,
    open_chat,
    run_apart,
    safe_url,
)
from .transcript import FILE, Transcript, answered_digests

__all__ = [
    "FILE",
    "AskOutcome",
    "Asker",
    "AskingSession",
    "GaveUp",
    "Limiter",
    "ModelName",
    "NothingUsableError",
    "Sending",
    "StoppedError",
    "Transcript",
    "all_of",
    "answered_digests",
    "check_backend",
    "key_from",
    "open_chat",
    "run_apart",
    "safe_url",
]
