"""Which score an answer gives: a whole number on a scale.

    scale 1–6    "Answer: 4"           4   answer line     strict
                 "Score: 4/6"          4   answer line     strict
                 "I'd give it a 4."    4   score given     tolerant
                 "2. There's a story, but …"   2   opening number  tolerant
                 "Score: 3.5"          –   3.5 is no whole number
                 "Score: 3-4"          –   names several: 3, 4
                 "Score: 8/12"         –   is out of 12, and the scale ends at 6

The form asked for comes first, and its last occurrence counts (tolerantly, if an earlier one says something else); where it
stands and holds no number, nothing else is read.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache

from .answer_language import any_of
from .answer_language import words as said_in
from .given_word import unless_against, unless_passing
from .named_options import peel
from .parsed import Parsed
from .statement import Statement, before_run_on, denied, last_formal, short, statements

NOUNS = ("answer", "score", "grade", "rating")
_WORDS = "zero one two three four five six seven eight nine ten".split()  # noqa: SIM905 - a list of numbers, in order
_NUMBER = rf"(?:\d{{1,4}}(?:\.\d+)?|(?:{'|'.join(_WORDS)})\b)"
_GIVEN = re.compile(
    rf"^(?:(?:a|an|about|around|approximately|roughly|the|score|of|level|band|point|grade|rating|holistic|overall|is|[:=])[\s:]+){{0,4}}[\"'“(\[<]*(?P<minus>-)?#?(?P<n>{_NUMBER})"
    rf"(?:\s*(?:/|out of|of)\s*(?P<of>\d+(?:\.\d+)?))?(?P<rest>\s*(?:-|–|—|~|->|→|to\b|or\b|and\b|,|/)\s*(?:(?:maybe|perhaps|possibly|even)\s+)?(?P<m>{_NUMBER})(?![\w.]\d))?(?P<bad>[\w%+]|\.\d)?",
    re.I,
)
_OUT_OF = re.compile(rf"(?<![\w./-])({_NUMBER})\s*(?:/|out of)\s*(\d+(?:\.\d+)?)(?![\w/]|\.\d)", re.I)
_SCORED = re.compile(
    r"\b(?:(?:give|gave|assign|award|rate|score|grade|graded|scored|rated)\b(?:\s+(?:it|this|the|essay|response|paper|him|her|them|at|with|as))*|(?:score|grade|rating|level)\s+of|(?:deserves|earns|merits|receives|gets))\s+(?=an?\s+|\d|the\s+)",
    re.I,
)


@cache
def _alone() -> re.Pattern[str]:
    return re.compile(
        rf"[^\w-]*{_NUMBER}(?:\s*(?:/|out of)\s*\d+)?{any_of('points', bounded=False)}?\W*", re.I
    )


@cache
def _points() -> re.Pattern[str]:
    """What may stand right behind a number: "4점"."""
    return re.compile(any_of("points", bounded=False))


def read_number(answer: str, low: int, high: int, nouns: Sequence[str] = NOUNS) -> Parsed:
    """The score that ``answer`` gives, as text. Never raises.

    >>> read_number("Clear, but thin.\\n\\nAnswer: 4", 1, 6)
    Parsed(value='4', rule='answer line', strict=True, why=None)
    """
    called = (*nouns, *said_in("scores"))
    return before_run_on(answer, lambda text: _number_in(text, low, high, called), called)


def _number_in(text: str, low: int, high: int, nouns: Sequence[str]) -> Parsed:
    stated = statements(text, nouns)
    formal = last_formal(stated)
    if formal and (short(formal.text) or _GIVEN.match(peel(formal.text).rest)):
        return unless_against(formal, stated, lambda s: _score(s, low, high, strict=True))
    given = [_score(s, low, high, strict=False) for s in stated if _GIVEN.match(peel(s.text).rest)]
    if given:
        return _one("statement", given)
    *before, last = text.strip().split("\n")
    if _alone().fullmatch(last.strip()):
        said = Statement("last line" if before else "whole answer", last.strip().lstrip("([\"' "), 0)
        return _score(said, low, high, strict=not before)
    passing = _passing(text, low, high)
    return unless_passing(_opening_score(text, low, high), passing) or passing


_OPENING_NUMBER = re.compile(r"\W*(\d{1,4})[\"'”’]*\s*(?:[.:,;(–—]|-\s)\s*[(\[\"“]?[^\W\d]")
_NUMBERED = re.compile(r"^\W*\d{1,2}[.)]\s", re.M)


def _opening_score(text: str, low: int, high: int) -> Parsed | None:
    """The score that a reply begins with, and then explains: "2. There is a story, but …", "5 – a reading of its own".

    Not the number of a list's item: there are others, or it is the first.
    """
    line = text.strip().split("\n")[0]
    match = _OPENING_NUMBER.match(line)
    if not match or len(_NUMBERED.findall(text)) > 1 or (_NUMBERED.match(line) and match[1] == "1"):
        return None
    return _score(Statement("opening number", line, 0), low, high, strict=False)


def _passing(text: str, low: int, high: int) -> Parsed:
    scored = [text[m.end() :] for m in _SCORED.finditer(text) if not _denied_score(text, m)]
    out_of = [m[0] for m in _OUT_OF.finditer(text) if m[2] == str(high) and not _denied_score(text, m)]
    for rule, found in (("score given", scored), ("out of", out_of)):
        given = [Statement(rule, rest.split("\n")[0], 0) for rest in found if _GIVEN.match(rest)]
        if given:
            return _one(rule, [_score(s, low, high, strict=False) for s in given])
    return Parsed(None, why="no score is named")


_CLAUSE_END = re.compile(r"[,;:]\s")


def _denied_score(text: str, match: re.Match[str]) -> bool:
    """Whether there is a negation before a score, or in its own clause: not in "I give this a 5: no step is missing"."""
    stop = _CLAUSE_END.search(text, match.end())
    return denied(text[: stop.start()] if stop else text, match.start())


def _one(rule: str, read: Sequence[Parsed]) -> Parsed:
    """Sentences give scores of parts too ("organisation: 4"): all must say the same."""
    values = sorted({said.value for said in read if said.value})
    if len(values) > 1:
        return Parsed(None, why=f"{rule}: names several: {', '.join(values)}")
    return next((said for said in read if said.value is None), read[-1])


def _score(statement: Statement, low: int, high: int, *, strict: bool) -> Parsed:
    """The number at the beginning of a statement, or why it is none on the scale."""
    peeled = peel(statement.text)
    match = _GIVEN.match(statement.text) or _GIVEN.match(peeled.rest)
    if not match:
        return Parsed(None, why=f"{statement.rule}: {statement.text[:60]!r} is no score")
    if why := _no_score(match, low, high):
        return Parsed(None, why=f"{statement.rule}: {why}")
    said = Parsed(str(int(_number(match["n"]))), statement.rule, strict)
    in_doubt = peeled.hedged or match.string[match.end() :].lstrip("\"'”’)").startswith("?")
    return said.weaker("in doubt") if in_doubt else said


def _no_score(match: re.Match[str], low: int, high: int) -> str | None:
    said = _number(match["n"])
    if match["bad"] and not _points().match(match.string, match.start("bad")):
        return f"{match[0].strip()!r} is no score"
    if _is_range(match) and _number(match["m"]) != said:
        return f"names several: {match['n']}, {match['m']}"
    if match["of"] and float(match["of"]) != high:
        return f"is out of {match['of']}, and the scale ends at {high}"
    if not said.is_integer():
        return f"{match['n']} is no whole number"
    if match["minus"] or not low <= said <= high:
        return f"{match['minus'] or ''}{match['n']} is not in {low}–{high}"
    return None


def _is_range(match: re.Match[str]) -> bool:
    """Whether a second number is joined to the first: "3-4", "3 or four", but not "2 – six reasons are named"."""
    if not match["rest"]:
        return False
    in_one_form = match["n"][0].isdigit() == match["m"][0].isdigit()
    return in_one_form or bool(re.match(r"\s*(?:to|or|and)\b", match["rest"]))


def _number(text: str) -> float:
    return float(_WORDS.index(text.lower())) if text.lower() in _WORDS else float(text)
