r"""Protected stretches: code and mathematics that no boundary may cut.

    Let \(f(x) = 2. x\). Then        →  Let ■■■■■■■■■■■■■. Then

Fenced code, inline code, ``$…$``, ``$$…$$``, ``\(…\)``, ``\[…\]`` and ``\begin{…}…\end{…}``. Traces are cut off and
misspelt: an opening without its closing protects nothing, and only fenced code reaches across a blank line, so
that a stray mark costs its own paragraph at most. One pass, linear in the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

MASK = "\ue000"
"""Stands for a protected character: private use, so no rule of `sentence.py` sees a letter, stop or line break."""
MASK_STOP = "\ue001"
"""Stands for the last protected character where the formula ends in a stop: ``$x = 3.$ Then``."""

_FENCE = re.compile(r"^[ \t]*+(```+|~~~+)([^`\n]*+)$", re.MULTILINE)
_MARK = re.compile(
    r"(?P<blank>\n[ \t\r]*\n)|(?P<code>`+)|\\\\(?![()\[\]])|\\\$|(?P<dollars>\$\$?)"
    r"|(?P<open>\\[(\[])|(?P<close>\\[)\]])|\\(?P<env>begin|end)[ \t]*\{(?P<name>[A-Za-z]{1,24}\*?)\}"
)
_PROSE = re.compile(r"[a-z]{2,}[,;:.]? [a-z]{2,}")
_CLOSES = {"\\(": "\\)", "\\[": "\\]"}


class ProtectedSpan(NamedTuple):
    """A protected stretch, half-open."""

    start: int
    end: int


def protected(text: str) -> list[ProtectedSpan]:
    """All protected stretches in order, overlapping ones joined."""
    found: list[ProtectedSpan] = []
    before = 0
    for fence in _fences(text):
        found += _marked(text, before, fence.start)
        found.append(fence)
        before = fence.end
    found += _marked(text, before, len(text))
    return found


def mask(text: str) -> str:
    """The text with every protected character replaced; same length, same offsets."""
    parts: list[str] = []
    at = 0
    for start, end in protected(text):
        inner = text[start:end].rstrip("$`\\)] \n\r\t")
        last = MASK_STOP if inner[-1:] in (".", "!", "?", "。") else MASK
        parts += [text[at:start], MASK * (end - start - 1), last]
        at = end
    return "".join([*parts, text[at:]]) if parts else text


def _fences(text: str) -> Iterator[ProtectedSpan]:
    """Fenced code: an opening line and the next line that is a bare fence of the same kind."""
    lines = [(m.start(), m.end(), m[1][0], bool(m[2].strip())) for m in _FENCE.finditer(text)]
    closing: list[int | None] = [None] * len(lines)
    nearest: dict[str, int] = {}
    for i in range(len(lines) - 1, -1, -1):
        _, _, kind, titled = lines[i]
        closing[i] = nearest.get(kind)
        if not titled:
            nearest[kind] = i
    i = 0
    while i < len(lines):
        close = closing[i]
        if close is None:
            i += 1
        else:
            yield ProtectedSpan(lines[i][0], lines[close][1])
            i = close + 1


def _marked(text: str, start: int, end: int) -> list[ProtectedSpan]:
    """Stretches between marks in ``text[start:end]``: each opening waits for its closing until the paragraph ends."""
    marks = _Marks(text)
    for m in _MARK.finditer(text, start, end):
        if m.lastgroup:  # none: an escaped mark
            getattr(marks, m.lastgroup)(m)
    return _joined(marks.found)


class _Marks:
    """What was found, and the openings that wait; one method for each kind of mark (the groups of `_MARK`)."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.found: list[ProtectedSpan] = []
        self.blank()

    def blank(self, _: object = None) -> None:
        self.maths: tuple[str, int] | None = None
        self.dollar: tuple[str, int] | None = None
        self.ticks: dict[int, int] = {}
        self.environments: list[tuple[str, int]] = []

    def code(self, m: re.Match[str]) -> None:
        opened = self.ticks.pop(len(m[0]), None)
        if opened is not None and "\n" not in self.text[opened : m.start()]:
            self.found.append(ProtectedSpan(opened, m.end()))
            self.ticks = {}
        else:
            self.ticks[len(m[0])] = m.start()

    def dollars(self, m: re.Match[str]) -> None:
        opened = self.dollar
        if opened and opened[0] == m[0] and _is_formula(self.text, opened[1], m.start(), m[0]):
            self.found.append(ProtectedSpan(opened[1], m.end()))
            self.dollar = None
        else:
            self.dollar = (m[0], m.start())

    def open(self, m: re.Match[str]) -> None:
        at = m.start()
        if self.maths is None or self.text[at - 1 : at] != "\\":  # the \\\\[2pt] of a row break opens nothing
            self.maths = (m[0], at)

    def close(self, m: re.Match[str]) -> None:
        if self.maths and _CLOSES[self.maths[0]] == m[0]:
            self.found.append(ProtectedSpan(self.maths[1], m.end()))
        self.maths = None

    def name(self, m: re.Match[str]) -> None:
        if m["env"] == "begin":
            self.environments.append((m["name"], m.start()))
        elif self.environments and self.environments[-1][0] == m["name"]:
            self.found.append(ProtectedSpan(self.environments.pop()[1], m.end()))


def _is_formula(text: str, opened: int, closed: int, mark: str) -> bool:
    """Tell ``$x + 1$`` from the prices in "$5 and $7": no space inside the marks, no digit behind, no prose after a digit."""
    if mark == "$$":
        return closed > opened + 2
    inner = text[opened + 1 : closed]
    if (
        not inner
        or "\n" in inner
        or inner[0].isspace()
        or inner[-1].isspace()
        or text[closed + 1 : closed + 2].isdigit()
    ):
        return False
    return not (inner[0].isdigit() and _PROSE.search(inner))


def _joined(stretches: list[ProtectedSpan]) -> list[ProtectedSpan]:
    joined: list[ProtectedSpan] = []
    for stretch in sorted(stretches):
        if joined and stretch.start < joined[-1].end:
            joined[-1] = ProtectedSpan(joined[-1].start, max(joined[-1].end, stretch.end))
        else:
            joined.append(stretch)
    return joined
