"""Find a coded span again in the stored text, by its quote.

    offsets 512–547 and the quote "Wait, that contradicts…" → the same words at 509–544, cause "UTF-16 code units"

Offsets made elsewhere are often counted otherwise: in UTF-16 code units (JavaScript, Java), in bytes, with CRLF line
ends, with a byte-order mark or the ``<think>`` tag in front, from 1. Each is tried, and must lead to the quote. Then the
quote itself is searched. A span that is found nowhere, or in several places equally near, is refused.
"""

from __future__ import annotations

import unicodedata
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator
from functools import cached_property
from itertools import accumulate
from typing import NamedTuple

WINDOW = 200
"""How far, in characters, a quote that is short or occurs more than once may lie from its offsets."""

LONG = 20
"""Characters from which on a quote that occurs only once is trusted wherever it lies."""


class Anchored(NamedTuple):
    """Half-open offsets in the text. ``cause`` is empty where the file's own offsets hold, and says why they moved else."""

    start: int
    end: int
    cause: str = ""


class Refused(NamedTuple):
    """Why a span has no place in the text."""

    why: str


class Anchorer:
    """Anchors the spans of one text; what it computes about the text is kept for the next span."""

    def __init__(self, text: str) -> None:
        self.text = text

    def anchor(self, start: int | None, end: int | None, quote: str) -> Anchored | Refused:
        """Place one span. Offsets that are ``None`` mean: wherever the quote, which must then be unique, lies."""
        folded = fold(quote)
        if not folded:
            return Refused("the quote is empty, so the offsets cannot be checked")
        if start is None or end is None:
            return self._search(quote, folded, None)
        if self.text[start:end] == quote and start < end <= len(self.text):
            return Anchored(start, end)
        for cause, convert in self._counts():
            moved = (convert(start), convert(end))
            if 0 <= moved[0] < moved[1] <= len(self.text) and self.text[slice(*moved)] == quote:
                return Anchored(*moved, cause)
        if 0 <= start < end <= len(self.text) and fold(self.text[start:end]) == folded:
            # The place is right; the quote was trimmed, or its line ends or letters were written another way.
            return Anchored(start, end)
        for cause, convert in self._counts():
            moved = (convert(start), convert(end))
            inside = self.text[slice(*moved)] if 0 <= moved[0] < moved[1] <= len(self.text) else ""
            # Without white space around it: a wide slice would fit more than one way of counting.
            if inside == inside.strip() and fold(inside) == folded:
                return Anchored(*moved, cause)
        return self._search(quote, folded, start)

    def _counts(self) -> Iterator[tuple[str, Callable[[int], int]]]:
        """Ways of counting that differ from code points of the stored text, and their conversion."""
        if self._wide:
            yield "UTF-16 code units", lambda n: bisect_left(self._utf16, n) if n >= 0 else n
        if not self.text.isascii():
            yield "UTF-8 bytes", lambda n: bisect_left(self._utf8, n) if n >= 0 else n
        if "\r\n" in self.text:
            yield "line ends counted as one character", lambda n: bisect_left(self._lf, n) if n >= 0 else n
        elif "\n" in self.text:
            yield "CRLF line ends", lambda n: bisect_left(self._crlf, n) if n >= 0 else n
            if self._wide:
                yield (
                    "CRLF line ends and UTF-16 code units",
                    lambda n: bisect_left(self._utf16_crlf, n) if n >= 0 else n,
                )
        yield "counted from 1 (or a byte-order mark)", lambda n: n - 1
        yield "counted with <think>", lambda n: n - len("<think>")
        yield "counted with <think> and a line end", lambda n: n - len("<think>\n")
        trimmed = len(self.text) - len(self.text.lstrip())
        if trimmed:
            yield "leading white space trimmed", lambda n: n + trimmed

    @cached_property
    def _wide(self) -> bool:
        return any(character > "\uffff" for character in self.text)

    @cached_property
    def _utf16(self) -> list[int]:
        return [0, *accumulate(1 + (c > "\uffff") for c in self.text)]

    @cached_property
    def _utf16_crlf(self) -> list[int]:
        return [0, *accumulate(1 + (c > "\uffff" or c == "\n") for c in self.text)]

    @cached_property
    def _utf8(self) -> list[int]:
        return [0, *accumulate(len(c.encode("utf-8", "surrogatepass")) for c in self.text)]

    @cached_property
    def _crlf(self) -> list[int]:
        return [0, *accumulate(1 + (c == "\n") for c in self.text)]

    @cached_property
    def _lf(self) -> list[int]:
        pairs = zip(self.text, self.text[1:] + " ", strict=True)
        return [0, *accumulate(0 if a == "\r" and b == "\n" else 1 for a, b in pairs)]

    def _search(self, quote: str, folded: str, start: int | None) -> Anchored | Refused:
        """Where the quote lies, first to the letter, then white space and letter forms aside."""
        places = [Anchored(at, at + len(quote)) for at in _find_all(self.text, quote)]
        how = "other offsets"
        if not places:
            whole, origin = self._folded
            found = ((origin[at], origin[at + len(folded) - 1] + 1) for at in _find_all(whole, folded))
            places, how = [Anchored(*span) for span in found], "other offsets, white space or letter forms"
        if not places:
            return Refused("the quote is not in the trace")
        if start is None:
            why = f"no offsets, and the quote occurs {len(places)} times"
            return (
                places[0]._replace(cause="no offsets: placed by the quote")
                if len(places) == 1
                else Refused(why)
            )
        if len(places) == 1 and len(folded) >= LONG:
            return places[0]._replace(cause=f"{how}: placed by the quote")
        return self._nearest(places, start, how)

    @staticmethod
    def _nearest(places: list[Anchored], start: int, how: str) -> Anchored | Refused:
        """The nearest of several places, if it is near, and nearer than any other."""
        starts = [place.start for place in places]
        near = places[max(0, bisect_left(starts, start) - 1) : bisect_right(starts, start) + 1]
        near.sort(key=lambda place: abs(place.start - start))
        distances = [abs(place.start - start) for place in near]
        if distances[0] > WINDOW:
            times = "once" if len(places) == 1 else f"{len(places)} times"
            return Refused(f"the quote is not at its offsets, and occurs {times} elsewhere, not near")
        if len(near) > 1 and distances[0] == distances[1]:
            return Refused("the quote is not at its offsets, and occurs twice equally near")
        return near[0]._replace(cause=f"{how}: placed by the nearest occurrence of the quote")

    @cached_property
    def _folded(self) -> tuple[str, list[int]]:
        """The folded text, and for each of its characters the offset it came from."""
        letters: list[str] = []
        origin: list[int] = []
        for at, character in enumerate(self.text):
            for piece in _fold_character(character):
                if piece == " " and (not letters or letters[-1] == " "):
                    continue
                letters.append(piece)
                origin.append(at)
        return "".join(letters), origin


def fold(text: str) -> str:
    """The text as a person reads it: runs of white space as one space, outer ones and controls gone, letters decomposed.

    >>> fold(" caf\\u00e9\\r\\n noir ") == fold("cafe\\u0301 noir")
    True
    """
    return " ".join("".join(_fold_character(c) for c in text).split())


def _fold_character(character: str) -> str:
    if character.isascii():
        return character if " " < character <= "~" else " " if character in " \t\r\n" else ""
    if character.isspace():
        return " "
    # Cc, Cf: controls, byte-order mark, zero-width; U+FFFD stands for what a spreadsheet could not hold.
    if unicodedata.category(character) in ("Cc", "Cf") or character == "\ufffd":
        return ""
    return unicodedata.normalize("NFD", character)


def _find_all(text: str, part: str) -> Iterator[int]:
    at = text.find(part)
    while at >= 0:
        yield at
        at = text.find(part, at + 1)
