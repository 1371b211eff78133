"""Find a coded span again in the stored text, by its quote.

    offsets 512–547 and the quote "Wait, that contradicts…" → the same words at 509–544, cause "UTF-16 code units"

Offsets made elsewhere are often counted otherwise: in UTF-16 code units (JavaScript, Java), in bytes, with CRLF line
ends, with a byte-order mark or the ``<think>`` tag in front, from 1. Each is tried, and must lead to the quote. Then the
quote itself is searched. A span that is found nowhere, or in several places equally near, is refused.

In a project of another program the text is there, and `CountedText` finds out how the program counted it.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property
from heapq import nsmallest
from itertools import accumulate, islice
from operator import add
from typing import NamedTuple

WINDOW = 200
"""How far, in characters, a quote that is short or occurs more than once may lie from its offsets."""

LONG = 20
"""Characters from which on a quote that occurs only once is trusted wherever it lies."""


NOWHERE = "the quote is not in the trace"
NAMED_OTHERWISE = "named for something that is not in the text: placed by the offsets alone"


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
        if between(self.text, start, end) == quote:
            return Anchored(start, end)
        moved = [(convert(start), convert(end), cause) for cause, convert in self._counts]
        for first, last, cause in moved:
            if between(self.text, first, last) == quote:
                return Anchored(first, last, cause)
        if fold(between(self.text, start, end)) == folded:
            # The place is right; the quote was trimmed, or its line ends or letters were written another way.
            return Anchored(start, end)
        for first, last, cause in moved:
            inside = between(self.text, first, last)
            # Without white space around it: a wide slice would fit more than one way of counting.
            if inside == inside.strip() and fold(inside) == folded:
                return Anchored(first, last, cause)
        return self._search(quote, folded, start)

    @cached_property
    def _counts(self) -> list[tuple[str, Callable[[int], int]]]:
        """Ways of counting that differ from code points of the stored text, and their conversion."""
        text = self.text
        wide, crlf = any(character > "\uffff" for character in text), "\r\n" in text
        lf = not crlf and "\n" in text
        widths: list[tuple[str, bool, Callable[[str, str], int]]] = [
            ("UTF-16 code units", wide, lambda c, _: utf16_units(c)),
            ("UTF-8 bytes", not text.isascii(), lambda c, _: len(c.encode("utf-8", "surrogatepass"))),
            ("line ends counted as one character", crlf, lambda c, after: c + after != "\r\n"),
            ("CRLF line ends", lf, lambda c, _: 1 + (c == "\n")),
            ("CRLF line ends and UTF-16 code units", lf and wide, lambda c, _: utf16_units(c) + (c == "\n")),
        ]
        shifts = {
            "counted from 1 (or a byte-order mark)": -1,
            "counted with <think>": -len("<think>"),
            "counted with <think> and a line end": -len("<think>\n"),
            "leading white space trimmed": len(text) - len(text.lstrip()),
        }
        found = [
            (cause, code_points(map(width, text, text[1:] + " "))) for cause, holds, width in widths if holds
        ]
        return found + [(cause, shift.__add__) for cause, shift in shifts.items() if shift]

    def _search(self, quote: str, folded: str, start: int | None) -> Anchored | Refused:
        """Where the quote lies, first to the letter, then white space and letter forms aside."""
        places = [Anchored(at, at + len(quote)) for at in _find_all(self.text, quote)]
        how = "other offsets"
        if not places:
            how = "other offsets, white space or letter forms"
            whole, origin = self._folded
            found = (
                Anchored(origin[at], origin[at + len(folded) - 1] + 1) for at in _find_all(whole, folded)
            )
            # Half a letter is no place: decomposed, "à" begins with "a".
            places = [place for place in found if fold(self.text[place.start : place.end]) == folded]
        if not places:
            return Refused(NOWHERE)
        if start is None and len(places) > 1:
            return Refused(f"no offsets, and the quote occurs {len(places)} times")
        if start is None:
            return places[0]._replace(cause="no offsets: placed by the quote")
        if len(places) == 1 and len(folded) >= LONG:
            return places[0]._replace(cause=f"{how}: placed by the quote")
        return self._nearest(places, start, how)

    @staticmethod
    def _nearest(places: list[Anchored], start: int, how: str) -> Anchored | Refused:
        """The nearest of several places, if it is near, and nearer than any other."""
        near = nsmallest(2, places, key=lambda place: abs(place.start - start))
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


def between(text: str, start: int, end: int) -> str:
    """The text between two offsets; empty if they are none of the text."""
    return text[start:end] if 0 <= start < end <= len(text) else ""


def code_points(counts: Iterable[int]) -> Callable[[int], int]:
    """From a program's offsets to code points, of each of which it counts so many."""
    table = [0, *accumulate(counts)]
    return lambda n: bisect_left(table, n) if n >= 0 else n


def utf16_units(character: str) -> int:
    """How many characters JavaScript and Java count."""
    return 1 + (character > "\uffff")


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


Selection = tuple[int, int, str]
"""Start, end, name."""


class CountedText:
    """A text, and the places in it that a program's selections mean, however the program counts characters.

        text "😀 Wait, is it?", selection 3–7 named "Wait"    →    code points 2–6: the program counts UTF-16

    Few programs say how they count; most name a selection by its text, some by its beginning ("Wait, i..."), some not at
    all. A selection that fits no way of counting is placed as most of its text's others are, and as the standard says if
    none fits, unless its name is found elsewhere in the text: then it is there. ``text`` has ``\\n`` for every line end. ``selections`` are all that are known of it.
    """

    def __init__(self, raw: str, selections: Sequence[Selection] = ()) -> None:
        self._raw = raw
        self.text = raw.replace("\r\n", "\n").replace("\r", "\n")
        self._selections = selections

    def anchored(self, start: int, end: int, name: str) -> Anchored | Refused:
        """Where a selection lies: where its offsets and its name agree, else where its name is found, else by its offsets."""
        if fitting := next(filter(None, (self._fitting(way, start, end, name) for way in self._ways)), None):
            return Anchored(*fitting)
        if (found := self._by_name(start, end, name)) is not None:
            return found
        place = self._convert(self._ways[0], start, end)
        if place is None:
            return Refused(f"{start}–{end} lies outside the text ({len(self.text)} characters)")
        return Anchored(*place, NAMED_OTHERWISE if fold(name) else "")

    def _by_name(self, start: int, end: int, name: str) -> Anchored | Refused | None:
        """Where the name is, of a selection whose offsets are elsewhere; ``None`` if it is no text of this length, or nowhere."""
        cut = name.rstrip().removesuffix("…").removesuffix("...").rstrip()
        if not fold(cut) or end - start < len(cut):
            return None
        if cut == name.rstrip() and end - start <= 4 * len(name) + name.count("\n"):
            found = self._anchorer.anchor(start, end, name)
            return None if isinstance(found, Refused) and found.why == NOWHERE else found
        return self._by_beginning(start, end, cut) if cut != name.rstrip() else None

    def _by_beginning(self, start: int, end: int, cut: str) -> Anchored | Refused | None:
        """Where a name that was cut short begins; ``None`` if nowhere."""
        places = list(islice(_find_all(self.text, cut), 2))
        if not places:
            return None
        lengths = {place[1] - place[0] for way in self._ways if (place := self._convert(way, start, end))}
        if len(places) > 1 or len(lengths) != 1 or len(cut) < LONG:
            return Refused(
                "its offsets lead to another text than its name begins with, which is no certain place"
            )
        return Anchored(
            places[0], min(len(self.text), places[0] + lengths.pop()), "other offsets: placed by its name"
        )

    @cached_property
    def _anchorer(self) -> Anchorer:
        return Anchorer(self.text)

    def _fitting(self, way: Callable[[int], int], start: int, end: int, name: str) -> tuple[int, int] | None:
        place = self._convert(way, start, end)
        return place if place and _fits(self.text[slice(*place)], name) else None

    def _convert(self, way: Callable[[int], int], start: int, end: int) -> tuple[int, int] | None:
        if not 0 <= start < end:
            return None
        first, last = way(start), way(end)
        return (first, last) if first < last <= len(self.text) else None

    @cached_property
    def _ways(self) -> list[Callable[[int], int]]:
        """From the other program's count to code points of ``text``; the way that most selections fit comes first.

        Then what the standard has: code points of the file as it is. Ways that cannot differ in this text are left out.
        """
        in_file = [len(character) for character in re.findall("\r\n|.", self._raw, re.DOTALL)]
        counts = [in_file, [1] * len(self.text)]
        if "\r\n" not in self._raw and "\n" in self.text:
            counts.append([1 + (c == "\n") for c in self.text])
        beyond = [utf16_units(character) - 1 for character in self.text]
        if any(beyond):
            counts += [list(map(add, count, beyond)) for count in counts]
        ways = [code_points(count) for count in dict.fromkeys(map(tuple, counts))]
        if len(ways) > 1:
            fits = [sum(bool(self._fitting(way, *each)) for each in self._selections) for way in ways]
            ways.insert(0, ways.pop(fits.index(max(fits))))
        return ways


def _fits(text: str, name: str) -> bool:
    """Whether a selection of that name can hold the text: all of it, or its beginning."""
    wanted = fold(name)
    if not wanted:
        return False
    cut = wanted.removesuffix("…").removesuffix("...").rstrip()
    most = 4 * len(name) + 1000  # white space aside, no more of the text can matter
    folded = fold(text[:most])
    return (folded == wanted and len(text) <= most) or (cut not in (wanted, "") and folded.startswith(cut))
