"""Which whole number on a scale an answer gives: the score of an essay.

scale 1–6    "Answer: 4"           4   answer line     strict
             "Score: 4/6"          4   answer line     strict
             "I'd give it a 4."    4   score given     tolerant
             "Score: 3.5"          –   3.5 is no whole number
             "Score: 3-4"          –   names several: 3, 4
             "Score: 8/12"         –   is out of 12, and the scale ends at 6
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from ..domain import Parsed
from .statement import FORMAL, Statement, denied, plain, short, statements

NOUNS = ("answer", "score", "grade", "rating", "점수", "分数", "评分", "得分")
_WORDS = "zero one two three four five six seven eight nine ten".split()  # noqa: SIM905 - a list of numbers, in order
_NUMBER = rf"(?:\d{{1,4}}(?:\.\d+)?|(?:{'|'.join(_WORDS)})\b)"
_GIVEN = re.compile(
    rf"^(?:(?:a|an|about|around|approximately|roughly|the|score|of|level|band|point|grade|rating|holistic|overall|is|[:=])[\s:]+){{0,4}}[\"'“(\[<]*(?P<minus>-)?#?(?P<n>{_NUMBER})"
    rf"(?:\s*(?:/|out of|of)\s*(?P<of>\d+(?:\.\d+)?))?(?P<rest>\s*(?:-|–|—|~|to\b|or\b|and\b|,|/)\s*(?P<m>{_NUMBER})(?![\w.]\d))?(?P<bad>[\w%+]|\.\d)?",
    re.I,
)
_OUT_OF = re.compile(rf"(?<![\w./-])({_NUMBER})\s*(?:/|out of)\s*(\d+(?:\.\d+)?)(?![\w/]|\.\d)", re.I)
_SCORED = re.compile(
    r"\b(?:(?:give|gave|assign|award|rate|score|grade|graded|scored|rated)\b(?:\s+(?:it|this|the|essay|response|paper|him|her|them|at|with|as))*|(?:score|grade|rating|level)\s+of|(?:deserves|earns|merits|receives|gets))\s+(?=an?\s+|\d|the\s+)",
    re.I,
)


def read_number(answer: str, low: int, high: int, nouns: Sequence[str] = NOUNS) -> Parsed:
    """The score that ``answer`` gives, as text. Never raises.

    >>> read_number("Clear, but thin.\\n\\nAnswer: 4", 1, 6)
    Parsed(value='4', rule='answer line', strict=True, why=None)
    """
    text = plain(answer)
    if not text.strip():
        return Parsed(None, why="the answer is empty")
    stated = statements(text, nouns)
    formal = [s for s in stated if s.rule in FORMAL]
    if formal and (short(formal[-1].text) or _GIVEN.match(formal[-1].text)):
        return _read(formal[-1], low, high, strict=True)
    said = [_read(s, low, high, strict=False) for s in stated if _GIVEN.match(s.text)]
    if said:
        return _one("statement", said)
    lines = [line.strip() for line in text.split("\n") if line.strip()]
    if re.fullmatch(rf"[^\w-]*{_NUMBER}(?:\s*(?:/|out of)\s*\d+)?(?:점|分)?\W*", lines[-1], re.I):
        whole = len(lines) == 1
        return _read(
            Statement("whole answer" if whole else "last line", lines[-1].lstrip(" ([\"'"), 0),
            low,
            high,
            strict=whole,
        )
    return _passing(text, low, high)


def _passing(text: str, low: int, high: int) -> Parsed:
    for rule, found in (
        ("score given", [text[m.end() :] for m in _SCORED.finditer(text) if not denied(text, m.start())]),
        (
            "out of",
            [m[0] for m in _OUT_OF.finditer(text) if m[2] == str(high) and not denied(text, m.start())],
        ),
    ):
        read = [
            _read(Statement(rule, rest.split("\n")[0], 0), low, high, strict=False)
            for rest in found
            if _GIVEN.match(rest)
        ]
        if read:
            return _one(rule, read)
    return Parsed(None, why="no score is named")


def _one(rule: str, read: Sequence[Parsed]) -> Parsed:
    """Sentences give scores of parts too ("organisation: 4"): all must say the same."""
    values = sorted({said.value for said in read if said.value})
    if len(values) > 1:
        return Parsed(None, why=f"{rule}: names several: {', '.join(values)}")
    return next((said for said in read if said.value is None), read[-1])


def _read(statement: Statement, low: int, high: int, *, strict: bool) -> Parsed:
    """The number at the beginning of a statement, or why it is none on the scale."""
    match = _GIVEN.match(statement.text)
    if not match:
        return Parsed(None, why=f"{statement.rule}: {statement.text[:60]!r} is no score")
    said, why = _number(match["n"]), None
    if match["bad"] and match["bad"] not in ("점", "分"):
        why = f"{match[0].strip()!r} is no score"
    elif match["rest"] and _number(match["m"]) != said:
        why = f"names several: {match['n']}, {match['m']}"
    elif match["of"] and float(match["of"]) != high:
        why = f"is out of {match['of']}, and the scale ends at {high}"
    elif not said.is_integer():
        why = f"{match['n']} is no whole number"
    elif match["minus"] or not low <= said <= high:
        why = f"{match['minus'] or ''}{match['n']} is not in {low}–{high}"
    if why:
        return Parsed(None, why=f"{statement.rule}: {why}")
    return Parsed(str(int(said)), statement.rule, strict)


def _number(text: str) -> float:
    return float(_WORDS.index(text.lower())) if text.lower() in _WORDS else float(text)
