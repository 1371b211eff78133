"""``quiet``: traces that are mostly noise are dropped. Reads codings.

    quiet                                     strict noise share of 0.5 and more is too much
    quiet:below=0.3,reading=nonreflective     noise and routine work together (`tokens.noise` has both readings)

The share is over the tokens of coded units, as in ``pcode tokens``; a trace of which nothing is coded has none.
"""

from __future__ import annotations

from collections.abc import Sequence

from ...errors import CodebookError, InputError
from ...tokens.noise import noise_families, noise_tokens
from ...trace import Trace
from . import CodedTrace, Drop, Given, Policy, coded_traces

NOISY = "too much noise"
UNCODED = Drop("not coded")


def policy(*, below: float = 0.5, reading: str = "strict", coder: str | None = None) -> Policy:
    """Keeps traces whose noise share is less than ``below``. ``reading``: ``strict`` or ``nonreflective``."""
    if reading not in ("strict", "nonreflective"):
        raise InputError(f"policy quiet: no reading is named {reading!r}", "strict or nonreflective")
    if not 0 <= below <= 1:
        raise InputError(f"policy quiet: below is {below}", "give a share between 0 and 1")

    def keep(traces: Sequence[Trace], given: Given) -> list[Drop | None]:
        book, coded = coded_traces(given.codings, traces, coder, "quiet")
        families = noise_families(book)
        why = families.why_no_strict or (families.why_no_routine if reading == "nonreflective" else None)
        if why is not None:
            raise CodebookError(why, "a noise share needs a codebook with these families")

        def fault(trace: Trace) -> Drop | None:
            own = coded.get(trace.id, CodedTrace((), ()))
            row = noise_tokens(trace.id, own.tokens, own.codes, families, tokens=sum(own.tokens))
            if not row.coded:
                return UNCODED
            share = (row.strict if reading == "strict" else row.nonreflective) / row.coded
            return (
                None if share < below else Drop(NOISY, f"{reading} noise share {share:.3f}, limit {below:g}")
            )

        return [fault(trace) for trace in traces]

    return keep
