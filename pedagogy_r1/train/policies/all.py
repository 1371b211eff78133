"""``all``: everything is kept; what a filter is compared with."""

from __future__ import annotations

from collections.abc import Sequence

from ...trace import Trace
from . import Drop, Given, Policy


def policy() -> Policy:
    """Keeps every trace."""

    def keep(traces: Sequence[Trace], given: Given) -> list[Drop | None]:  # noqa: ARG001 - every policy takes it
        return [None] * len(traces)

    return keep
