"""``rich``: wrong but worth reading. Keeps *incorrect* traces whose codings hold enough of the named codes.

    rich                                       IA-SQ or OA-ME occurs at least once
    rich:codes=IA-SQ+OA-ME,k=2                 both occur
    rich:codes=IA-FR+IA-MT+OA-RB,k=2,times=3   two of the three occur, three times each

Alone it keeps wrong traces only; ``correct|rich`` keeps what is right, and of the wrong ones what is rich. It is how the
question "does filtering by correctness throw away pedagogically rich reasoning?" becomes one line.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from ...errors import CodebookError, InputError, did_you_mean
from ...trace import Trace
from . import Drop, Given, Policy, coded_traces
from .correct import fault
from .quiet import UNCODED

RIGHT = Drop("right answer")
POOR = "too few of the codes"


def policy(*, codes: str = "IA-SQ+OA-ME", k: int = 1, times: int = 1, coder: str | None = None) -> Policy:
    """``codes``: joined by ``+``; ``k``: how many of them must occur; ``times``: in at least so many units, each.

    A code counts wherever it was given, as primary or as secondary. Traces whose answer could not be read are not kept: they
    are not known to be wrong.
    """
    wanted = [code for code in codes.split("+") if code]
    if not 1 <= k <= len(wanted) or times < 1:
        raise InputError(
            f"policy rich: k is {k} of {len(wanted)} codes, times is {times}",
            "1 ≤ k ≤ number of codes, times ≥ 1",
        )

    def keep(traces: Sequence[Trace], given: Given) -> list[Drop | None]:
        book, coded = coded_traces(given.codings, traces, coder, "rich")
        for code in wanted:
            if code not in book.code_ids:
                hint = did_you_mean(code, list(book.code_ids))
                raise CodebookError(f"policy rich: {book.ref} has no code {code!r}", hint)

        def poor(trace: Trace) -> Drop | None:
            if trace.correct is not False:
                return RIGHT if trace.correct else fault(trace)
            if trace.id not in coded:
                return UNCODED
            met = Counter(code for given_codes in coded[trace.id].codes for code in given_codes or ())
            held = sum(met[code] >= times for code in wanted)
            return None if held >= k else Drop(POOR, f"{held} of {'+'.join(wanted)}, {k} needed")

        return [poor(trace) for trace in traces]

    return keep
