"""What a model said of some units, checked: what holds is kept, what does not is named. Nothing is repaired.

    {"codings": [{"unit": 1, "evidence": "Wait", "rationale": "…", "primary": "TR-SP", "secondary": null, "confidence": 0.8}]}

A quote must stand in its unit character for character, but for runs of white space; the unit's own characters are kept.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from ..chat import ChatFault
from ..codebook import NONE, Codebook


class Answer(NamedTuple):
    """A valid coding of one unit; ``codes`` is empty where none applies. ``evidence`` is a slice of the unit."""

    codes: tuple[str, ...]
    evidence: str
    confidence: float
    rationale: str


class Checked(NamedTuple):
    """Answers by unit number (from 1), and for every other number of the window what was wrong."""

    good: dict[int, Answer]
    bad: dict[int, str]


def parse_codings(text: str) -> list[dict[str, Any]]:
    """The list of codings in a reply; a reply of any other form is a malformed one, whole."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ChatFault("malformed", f"the reply is no JSON: {error}") from None
    if not isinstance(value, dict) or list(value) != ["codings"] or not isinstance(value["codings"], list):
        raise ChatFault("malformed", 'the reply is no object with the one field "codings"')
    if not all(isinstance(item, dict) for item in value["codings"]):
        raise ChatFault("malformed", "a coding is no object")
    return value["codings"]


def check(codings: list[dict[str, Any]], texts: Sequence[str], book: Codebook) -> Checked:
    """Tell good from bad codings of the units ``texts`` (numbered from 1)."""
    by_number: dict[int, list[dict[str, Any]]] = {}
    for coding in codings:
        number = coding.get("unit")
        if type(number) is int:
            by_number.setdefault(number, []).append(coding)
    good: dict[int, Answer] = {}
    bad: dict[int, str] = {}
    for number, text in enumerate(texts, 1):
        found = by_number.get(number, [])
        result = (
            _answer(found[0], text, book) if len(found) == 1 else "repeated_unit" if found else "skipped_unit"
        )
        if isinstance(result, Answer):
            good[number] = result
        else:
            bad[number] = result
    return Checked(good, bad)


def _answer(coding: dict[str, Any], text: str, book: Codebook) -> Answer | str:
    expected = {"unit", "evidence", "rationale", "primary", "confidence"} | (
        {"secondary"} if book.max_codes > 1 else set()
    )
    if coding.keys() != expected or not isinstance(coding["rationale"], str):
        return "malformed"
    codes = _codes(coding["primary"], coding.get("secondary"), book)
    if codes is None:
        return "bad_code"
    confidence = coding["confidence"]
    if isinstance(confidence, bool) or not isinstance(confidence, int | float) or not 0 <= confidence <= 1:
        return "bad_confidence"
    evidence = find_quote(coding["evidence"], text)
    if evidence is None:
        return "bad_quote"
    return Answer(codes, evidence, float(confidence), coding["rationale"])


def _codes(primary: object, secondary: object, book: Codebook) -> tuple[str, ...] | None:
    if primary == NONE and not book.exhaustive:
        return () if secondary is None else None
    if primary not in book.code_ids:
        return None
    if secondary is None:
        return (str(primary),)
    if secondary not in book.code_ids or secondary == primary:
        return None
    return (str(primary), str(secondary))


def find_quote(quote: object, text: str) -> str | None:
    """The slice of ``text`` that ``quote`` is, white space apart; ``None`` if it is not there, or empty.

    >>> find_quote("so  x = 5", "Hmm,\\nso x\\n= 5.")
    'so x\\n= 5'
    """
    if not isinstance(quote, str) or not quote.strip():
        return None
    if quote in text:
        return quote
    match = re.search(r"\s+".join(map(re.escape, quote.split())), text)
    return match.group() if match else None
