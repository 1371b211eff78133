"""``shortest-correct``: of several right answers to one item, the one that took the least reasoning.

aime-3#1  812 tokens  right   dropped: "a shorter one is right"
aime-3#2  640 tokens  right   kept
aime-3#3  201 tokens  wrong   dropped: "wrong answer"
"""

from __future__ import annotations

from collections.abc import Sequence

from ...trace import Trace
from . import Drop, Given, Policy
from .correct import fault

LONGER = "a shorter one is right"


def policy() -> Policy:
    """Keeps one right trace an item. Length is the completion's tokens where the traces have them, else characters."""

    def keep(traces: Sequence[Trace], given: Given) -> list[Drop | None]:  # noqa: ARG001 - every policy takes it
        right = [trace for trace in traces if trace.correct]
        counted = all(_tokens(trace) is not None for trace in right)

        def length(trace: Trace) -> int:
            return (_tokens(trace) or 0) if counted else len(trace.reasoning) + len(trace.answer)

        best: dict[tuple[str | None, str], tuple[int, str]] = {}
        for trace in right:
            key = (trace.domain, trace.item or trace.id)
            best[key] = min(best.get(key, (length(trace), trace.id)), (length(trace), trace.id))
        unit = "tokens" if counted else "characters"

        def longer(trace: Trace) -> Drop | None:
            if not trace.correct:
                return fault(trace)
            size, name = best[trace.domain, trace.item or trace.id]
            return None if name == trace.id else Drop(LONGER, f"{length(trace)} {unit}; {name} has {size}")

        return [longer(trace) for trace in traces]

    return keep


def _tokens(trace: Trace) -> int | None:
    tokens = trace.metadata.get("tokens")
    count = tokens.get("completion") if isinstance(tokens, dict) else None
    return count if isinstance(count, int) else None
