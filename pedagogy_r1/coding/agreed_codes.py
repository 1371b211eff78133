"""What the coders of one unit gave together: the first code of most, with a second one that most of those gave who gave the first.

A: IA-SQ          B: IA-SQ                     IA-SQ
A: IA-SQ, KA-RO   B: IA-SQ, KA-RO   C: OA-ME   IA-SQ, KA-RO
A: IA-SQ          B: OA-ME                     nothing: no code has most
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from ..runs.run import Coding


def agreed_codes(codings: Sequence[Coding]) -> tuple[str, ...] | None:
    """Of codings of one unit, none of them missing; empty where most said that no code applies, ``None`` where they differ."""
    (first, most), *others = Counter(one.primary for one in codings).most_common()
    if others and others[0][1] == most:
        return None
    same = [one.codes or () for one in codings if one.primary == first]
    seconds = Counter(code for codes in same for code in codes[1:])
    return (*same[0][:1], *(code for code, number in seconds.items() if 2 * number > most))
