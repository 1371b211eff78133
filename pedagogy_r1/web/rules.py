"""What a codebook says of codes that were taken for one another.

rules_between(book, ("IA-SQ", "OA-ME"))     ("IA-SQ", against OA-ME: "A question about the case is IA-SQ. …"), …
"""

from __future__ import annotations

from collections.abc import Collection

from ..codebook import Codebook, Rule


def rules_between(book: Codebook, codes: Collection[str]) -> list[tuple[str, Rule]]:
    """The rules that tell these codes apart, with the code that each stands under."""
    return [
        (code.id, rule)
        for code in book.codes
        for rule in code.rules
        if code.id in codes and rule.against in codes
    ]
