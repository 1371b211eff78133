"""Asking a language model thousands of things: each once, many at a time, resumable, in order.

Built once, for everything that asks: the coder ``llm``, the segmenter and judges of thoughts, and generation.
"""

from ..chat.openai import BatchCount
from .asker import Asker, GaveUp, Sending, StoppedError
from .model import (
    BaseUrl,
    ModelName,
    check_backend,
    check_batch,
    gpus_of,
    in_flight,
    keep_engines,
    key_from,
    let_engines_go,
    open_chat,
    safe_url,
)
from .patience import Limiter, NothingUsableError
from .session import AskingSession, AskOutcome, all_of, run_apart
from .transcript import FILE, Transcript, answered_digests

__all__ = [
    "FILE",
    "AskOutcome",
    "Asker",
    "AskingSession",
    "BaseUrl",
    "BatchCount",
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
    "check_batch",
    "gpus_of",
    "in_flight",
    "keep_engines",
    "key_from",
    "let_engines_go",
    "open_chat",
    "run_apart",
    "safe_url",
]
