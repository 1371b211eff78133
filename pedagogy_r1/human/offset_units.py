"""How a program counted the characters of a text, found out from the texts that its selections say they hold.

    text "😀 Wait, is it?", selection 3–7 named "Wait"    →    code points 2–6: the program counts UTF-16

Few programs say how they count; most name a selection by its text, some by its beginning ("Wait, i..."), some not at all.
A selection that fits no way of counting is placed as most of its text's others are, and as the standard says if none fits.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Sequence
from functools import cached_property, partial
from itertools import accumulate

from .anchor import fold

Selection = tuple[int, int, str]
"""Start, end, name."""


class Text:
    """A text and the places in it; ``text`` has ``\\n`` for every line end. ``selections`` are all that are known of it."""

    def __init__(self, raw: str, selections: Sequence[Selection] = ()) -> None:
        self._raw = raw
        self.text = raw.replace("\r\n", "\n").replace("\r", "\n")
        self._selections = selections

    def place(self, start: int, end: int, name: str) -> tuple[int, int] | None:
        """Half-open code points; ``None`` if the selection lies outside of the text or is empty."""
        ways = sorted(self._ways, key=lambda way: way is not self._usual)  # the usual one first
        for way in ways:
            place = self._convert(way, start, end)
            if place and _fits(self.text[slice(*place)], name):
                return place
        return self._convert(self._usual, start, end)

    @cached_property
    def _usual(self) -> Callable[[int], int]:
        """The way of counting that most selections fit; the first of equals."""
        if len(self._ways) == 1:
            return self._ways[0]
        fits = [sum(self._holds(way, each) for each in self._selections) for way in self._ways]
        return self._ways[fits.index(max(fits))]

    def _holds(self, way: Callable[[int], int], selection: Selection) -> bool:
        place = self._convert(way, *selection[:2])
        return place is not None and _fits(self.text[slice(*place)], selection[2])

    def _convert(self, way: Callable[[int], int], start: int, end: int) -> tuple[int, int] | None:
        if not 0 <= start < end:
            return None
        first, last = way(start), way(end)
        return (first, last) if first < last <= len(self.text) else None

    @cached_property
    def _ways(self) -> list[Callable[[int], int]]:
        """From the other program's count to code points of ``text``. What the standard has comes first: code points of the
        file as it is. Ways that cannot differ in this text are left out."""
        wide = any(character > "\uffff" for character in self.text)
        counts = [self._in_file, (1,) * len(self.text)]
        if "\r\n" not in self._raw and "\n" in self.text:
            counts.append([1 + (c == "\n") for c in self.text])
        if wide:
            counts += [
                [n + (c > "\uffff") for n, c in zip(count, self.text, strict=True)] for count in counts
            ]
        tables = dict.fromkeys((0, *accumulate(count)) for count in counts)
        return [partial(bisect_left, table) for table in tables]

    @property
    def _in_file(self) -> list[int]:
        """How many characters of the file each of ``text`` stands for."""
        return [len(end) for end in re.findall("\r\n|.", self._raw, re.DOTALL)]


def _fits(text: str, name: str) -> bool:
    """Whether a selection of that name can hold the text: all of it, or its beginning."""
    wanted = fold(name)
    if not wanted:
        return False
    cut = wanted.removesuffix("…").removesuffix("...").rstrip()
    most = 4 * len(name) + 1000  # white space aside, no more of the text can matter
    folded = fold(text[:most])
    return (folded == wanted and len(text) <= most) or (cut not in (wanted, "") and folded.startswith(cut))
