"""``correct``: the paper's policy. Only traces whose final answer was checked and is right stay (1,948 of 5,000 there)."""

from __future__ import annotations

from collections.abc import Sequence

from ...trace import Trace
from . import Drop, Given, Policy

WRONG = Drop("wrong answer")
UNREAD = Drop("no answer could be read")
CUT = Drop("cut off before an answer")


def policy() -> Policy:
    """Keeps traces with ``correct`` true; an answer that could not be read is no right one."""

    def keep(traces: Sequence[Trace], given: Given) -> list[Drop | None]:  # noqa: ARG001 - every policy takes it
        return [None if trace.correct else fault(trace) for trace in traces]

    return keep


def fault(trace: Trace) -> Drop:
    """Why a trace is not correct."""
    if trace.correct is False:
        return WRONG
    if trace.metadata.get("truncated"):
        return CUT
    parsed = trace.metadata.get("parsed")
    why = parsed.get("why") if isinstance(parsed, dict) else None
    return Drop(UNREAD.reason, why) if isinstance(why, str) else UNREAD
