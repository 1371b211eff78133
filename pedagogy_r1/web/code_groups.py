"""The keys of a codebook's codes: one for each of the first ten, two for all others, whatever the book's size.

    up to 10 codes    1 … 9, 0
    up to 20          1 … 9, 0, then t1 … t0
    more              3 then 2: the third family's second code; families are folded until their key is pressed
                      (groups of ten in the book's order, where a family or the families are more than ten)

Digits go by their place on the keyboard, where 0 stands behind 9. Codes beyond the hundredth are found by ``/`` and words.
"""

from __future__ import annotations

from typing import NamedTuple

from ..codebook import Code, Codebook

DIGITS = "1234567890"
FLAT = 20
"""So many codes are one list."""


class CodeGroup(NamedTuple):
    """Codes that stand together. ``key`` opens it, ``title`` is above it (none where all codes are one list)."""

    key: str
    title: str
    codes: list[tuple[Code, str]]
    """Each with its keys, or "" where there is none."""


def code_groups(book: Codebook) -> list[CodeGroup]:
    """All codes of the book, each once."""
    if len(book.codes) <= FLAT:
        keys = [*DIGITS, *(f"t{digit}" for digit in DIGITS)]
        return [CodeGroup("", "", list(zip(book.codes, keys, strict=False)))]
    families = [
        (f"{family.id} {family.name}", [code for code in book.codes if code.family == family.id])
        for family in book.families
    ]
    families = [(title, codes) for title, codes in families if codes]
    if max(len(families), *(len(codes) for _, codes in families)) > len(DIGITS):
        tens = [book.codes[i : i + 10] for i in range(0, len(book.codes), 10)]
        families = [(f"{codes[0].id} – {codes[-1].id}", list(codes)) for codes in tens]
    return [
        CodeGroup(key, title, [(code, key and key + DIGITS[i]) for i, code in enumerate(codes)])
        for (title, codes), key in zip(families, [*DIGITS, *[""] * len(families)], strict=False)
    ]
