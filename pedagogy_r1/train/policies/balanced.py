"""``balanced``: no domain may outweigh the others.

    balanced              every domain is cut to the size of the smallest
    balanced:cap=400      at most 400 of each
    balanced:cap=400,kt=100,seed=1

Which of a domain's traces stay is drawn by ``seed`` from their ids alone: neither their order in the file nor the other
domains have a say, and raising a cap keeps what a lower one kept.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from ...errors import InputError
from ...provenance import draw_order
from ...trace import Trace
from ...wbeb.item import known_domain
from . import Drop, Given, Policy

OVER = "over the domain's cap"


def policy(*, cap: int | None = None, seed: int = 0, **domains: int | None) -> Policy:
    """``cap``: most traces a domain (default: the smallest domain's number); ``sk`` … ``dm``: that domain's own."""
    own = {known_domain(name.upper()): value for name, value in domains.items()}
    for name, value in {"cap": cap, **own}.items():
        if value is not None and value < 0:
            raise InputError(f"policy balanced: {name.lower()} is {value}", "give a number of traces")

    def keep(traces: Sequence[Trace], given: Given) -> list[Drop | None]:  # noqa: ARG001 - every policy takes it
        sizes = Counter(trace.domain for trace in traces)
        usual = cap if cap is not None else min(sizes.values(), default=0)
        places, met = {}, Counter[str | None]()
        for trace in sorted(traces, key=lambda trace: draw_order(seed, trace.id)):
            places[trace.id] = met[trace.domain]
            met[trace.domain] += 1

        def over(trace: Trace) -> Drop | None:
            most = own.get(trace.domain or "")
            most = usual if most is None else most
            return None if places[trace.id] < most else Drop(OVER, f"{most} of {sizes[trace.domain]} stay")

        return [over(trace) for trace in traces]

    return keep
