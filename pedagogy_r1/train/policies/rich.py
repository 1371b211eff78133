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
from .correct import CUT, UNREAD
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
        coded = coded_traces(given.codings, traces, coder, "rich")
        known = [code.id for code in coded.book.codes]
        for code in wanted:
            if code not in known:
                raise CodebookError(
                    f"policy rich: {coded.book.ref} has no code {code!r}", did_you_mean(code, known)
                )
        found: list[Drop | None] = []
        for trace in traces:
            own = coded.get(trace)
            if trace.correct is not False:
                found.append(RIGHT if trace.correct else CUT if trace.metadata.get("truncated") else UNREAD)
            elif own is None:
                found.append(UNCODED)
            else:
                met = Counter(code for given_codes in own.codes for code in given_codes or ())
                held = [code for code in wanted if met[code] >= times]
                found.append(
                    None if len(held) >= k else Drop(POOR, f"{len(held)} of {'+'.join(wanted)}, {k} needed")
                )
        return found

    return keep
