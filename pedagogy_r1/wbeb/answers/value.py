"""Which value an answer gives that is no option: a whole number on a scale, or one of a few words.

    scale 1–6    "Answer: 4"           4   answer line     strict
                 "Score: 4/6"          4   answer line     strict
                 "I'd give it a 4."    4   score given     tolerant
                 "Score: 3.5"          –   3.5 is no whole number
                 "Score: 3-4"          –   names several: 3, 4
                 "Score: 8/12"         –   is out of 12, and the scale ends at 6

    words {"right": ("right", "correct"), "wrong": ("wrong", "incorrect")}
    "Answer: right\\nProbability: 0.73"             right   answer line      strict
    "Answer: Incorrect."                           wrong   answer line      strict
    "So the answer is wrong."                      wrong   statement        tolerant: which answer?
    "The student will probably get it wrong."      wrong   said in passing  tolerant
    "Answer: right or wrong"                       –       names several: right, wrong
    "Answer:\n- right: he knows it\n- wrong: he …"  –       repeats the list of answers: right, wrong

The form asked for comes first, and its last occurrence counts (tolerantly, if an earlier one says something else); where it
stands and holds no word, nothing else is read.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache

from .answer_language import any_of
from .answer_language import words as said_in
from .named_options import peel
from .parsed import DIFFER, Parsed
from .statement import FORMAL, Statement, before_run_on, denied, key, last_formal, sentence, short, statements

NOUNS = ("answer", "score", "grade", "rating")
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
        return _unless_against(formal, stated, lambda s: _score(s, low, high, strict=True))
    given = [_score(s, low, high, strict=False) for s in stated if _GIVEN.match(peel(s.text).rest)]
    if given:
        return _one("statement", given)
    *before, last = text.strip().split("\n")
    if _alone().fullmatch(last.strip()):
        said = Statement("last line" if before else "whole answer", last.strip().lstrip("([\"' "), 0)
        return _score(said, low, high, strict=not before)
    return _passing(text, low, high)


def _unless_against(
    formal: Statement, stated: Sequence[Statement], read: Callable[[Statement], Parsed]
) -> Parsed:
    """What the last formal statement says; tolerantly, where an earlier one says something else."""
    said = read(formal)
    earlier = {read(s).value for s in stated if s.rule in FORMAL and s.at < formal.at} - {None}
    return said.weaker(DIFFER) if earlier - {said.value} else said


def _passing(text: str, low: int, high: int) -> Parsed:
    scored = [text[m.end() :] for m in _SCORED.finditer(text) if not denied(text, m.start())]
    out_of = [m[0] for m in _OUT_OF.finditer(text) if m[2] == str(high) and not denied(text, m.start())]
    for rule, found in (("score given", scored), ("out of", out_of)):
        given = [Statement(rule, rest.split("\n")[0], 0) for rest in found if _GIVEN.match(rest)]
        if given:
            return _one(rule, [_score(s, low, high, strict=False) for s in given])
    return Parsed(None, why="no score is named")


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
    if match["rest"] and _number(match["m"]) != said:
        return f"names several: {match['n']}, {match['m']}"
    if match["of"] and float(match["of"]) != high:
        return f"is out of {match['of']}, and the scale ends at {high}"
    if not said.is_integer():
        return f"{match['n']} is no whole number"
    if match["minus"] or not low <= said <= high:
        return f"{match['minus'] or ''}{match['n']} is not in {low}–{high}"
    return None


def _number(text: str) -> float:
    return float(_WORDS.index(text.lower())) if text.lower() in _WORDS else float(text)


Words = Mapping[str, Sequence[str]]
"""Each value with the ways to write it, in lower case, its own name among them if that is one."""

_HEDGE = re.compile(
    r"(?:(?:most likely|likely|probably|definitely|clearly|the|a|an|it is|is|i think|i would say)\s+)+"
)
_DOUBT = re.compile(r"(?:(?:the|it is|is)\s+)*(?:most likely|likely|probably|i think|i would say)\b", re.I)
_NOT = re.compile(r"\b(?:not|never|unlikely|fails?|unable)\b|n['’]t\b", re.I)
_BUT = re.compile(r"[,;]\s+but\b|\brather\b", re.I)
_JOINED = re.compile(r"[\s\"'”)]*(?:[,/&|;]|\band\b|\bor\b)\s*(?:not\s+)?")
_SPACE = re.compile(r"\s+")
_ITEM = re.compile(r"(?:[-–—*•+;,.]|\(?\d{1,2}[.)])\s*(?=[^\W\d])")
_BULLET = re.compile(r"[^\w\n]*(?:\(?\d{1,2}[.)]\s*)?")


def read_word(
    answer: str, words: Words, phrases: Words | None = None, nouns: Sequence[str] = ("answer",)
) -> Parsed:
    """The value that ``answer`` names. ``phrases``: what says a value in passing, as patterns. Never raises.

    >>> read_word("Answer: **No**", {"yes": ["yes"], "no": ["no"]})
    Parsed(value='no', rule='answer line', strict=True, why=None)
    """
    return before_run_on(answer, lambda text: _word_in(text, words, phrases, nouns), nouns)


def _word_in(text: str, words: Words, phrases: Words | None, nouns: Sequence[str]) -> Parsed:
    stated = statements(text, nouns)
    if formal := last_formal(stated):
        repeated = _repeated(formal, text, words)
        return repeated or _unless_against(formal, stated, lambda s: _of(s, words, phrases, strict=True))
    said = [s for s in stated if _names(s.text, words)]
    lines = [line for line in text.strip().split("\n") if line.strip()]
    if _names(lines[-1], words, alone=True) and (len(lines) == 1 or not said):
        return _last_line(lines, words)
    if said:
        every = list(dict.fromkeys(named for s in said for named in _names(s.text, words)))
        if len(every) > 2 and len(said) > 2:  # "The answer is: - low", "The answer is: - mid" …
            return _list_of(every, said[-1].rule)
        return _repeated(said[-1], text, words) or _of(said[-1], words, phrases, strict=False)
    return _in_passing(text, phrases) or Parsed(None, why=f"none of {_listed(words)} is named")


def _last_line(lines: Sequence[str], words: Words) -> Parsed:
    """Where the last line holds an answer and nothing else; not where it ends a list of them."""
    *before, last = lines
    rule = "last line" if before else "whole answer"
    named = [*(_names(before[-1], words, alone=True) if before else ()), *_names(last, words)]
    if before and len(set(named)) > 1:
        return _list_of(dict.fromkeys(named), rule)
    return _of(Statement(rule, last, 0), words, None, strict=not before)


def _repeated(statement: Statement, text: str, words: Words) -> Parsed | None:
    """Unread where what is stated begins a list of several answers: "- low: … - mid: …", or one a line."""
    named = _names(statement.text, words)
    if len(named) != 1:
        return None
    items = _list_items(statement, text, words)
    others = [value for item in items for value in _names(item, words) if value not in named]
    return _list_of(dict.fromkeys([*named, *others]), statement.rule) if others else None


def _list_items(statement: Statement, text: str, words: Words) -> list[str]:
    """Other answers that are listed right before, in, or right behind a statement."""
    after = text[max(0, text.find(statement.text, statement.at)) + len(statement.text) :].strip()
    items = [statement.text[m.end() :] for m in _ITEM.finditer(statement.text) if m.start()]
    if _is_heading(statement.text, words):
        items.append(text[text.rfind("\n", 0, statement.at) + 1 : statement.at])
    items = [item for item in items if _is_heading(item, words)]
    following = _BULLET.sub("", after.split("\n")[0], count=1)
    if _is_heading(following, words) or _names(following, words, alone=True):
        items.append(following)
    return items


def _list_of(named: Iterable[str], rule: str) -> Parsed:
    return Parsed(None, why=f"{rule}: repeats the list of answers: {', '.join(named)}")


def _is_heading(text: str, words: Words) -> bool:
    """Whether ``text`` is an answer and what it means: "low: does not take it up"."""
    text = key(_BULLET.sub("", text, count=1))
    first = _first(text, words)
    return bool(first and re.match(r"[\s\"'”)*]*[:：=]", text[first[1] :]))


def _of(statement: Statement, words: Words, phrases: Words | None, *, strict: bool) -> Parsed:
    named = _names(statement.text, words)
    if len(named) > 1:
        return Parsed(None, why=f"{statement.rule}: names several: {', '.join(named)}")
    if named:
        said = Parsed(named[0], statement.rule, strict)
        return said.weaker("in doubt") if _in_doubt(statement.text) else said
    passing = None if short(statement.text) else _in_passing(statement.text, phrases)
    return passing or Parsed(
        None, why=f"{statement.rule}: {statement.text[:60]!r} is none of {_listed(words)}"
    )


def _in_doubt(text: str) -> bool:
    return bool(_DOUBT.match(text)) or peel(text).hedged or text.rstrip("\"'”’) ").endswith("?")


def _names(text: str, words: Words, *, alone: bool = False) -> list[str]:
    """Values that the text begins with; several where they are joined. ``alone``: and nothing else stands there."""
    folded = " ".join(re.sub(r"[_-]+", " ", key(text)).split())
    hedge = _HEDGE.match(folded)
    starts = dict.fromkeys([folded, *([folded[hedge.end() :]] if hedge else []), peel(folded).rest])
    for start in starts:
        found: list[str] = []
        while named := _first(start, words):
            value, end = named
            found.append(value)
            start = start[end:]
            joined = _JOINED.match(start) or (_SPACE.match(start) if _only_values(start, words) else None)
            if not joined:
                break
            start = start[joined.end() :]
        if found and not (alone and start):
            return list(dict.fromkeys(found))
    return []


def _only_values(text: str, words: Words) -> bool:
    """Whether nothing else is left: "low mid high", but not "none relating to what she said"."""
    while text := text.strip():
        named = _first(text, words)
        if not named:
            return False
        text = text[named[1] :]
    return True


def _first(text: str, words: Words) -> tuple[str, int] | None:
    """The longest writing that ``text`` begins with: its value, and where it ends."""
    fits = [
        (len(word), value)
        for value, writings in words.items()
        for word in writings
        if text.startswith(word) and not re.match(r"\w|['’]\w", text[len(word) :])
    ]
    if not fits:
        return None
    length, value = max(fits)
    return value, length


def _in_passing(text: str, phrases: Words | None) -> Parsed | None:
    found = {
        value
        for value, patterns in (phrases or {}).items()
        for pattern in patterns
        for denies in [
            bool(re.search(r"\bnot\b", pattern))
        ]  # "will not get it right": the negation is the pattern's own
        for match in re.finditer(pattern, text, re.I)
        if not _NOT.search(text[_clause(text, match.start()) : match.start() if denies else match.end()])
    }
    if len(found) > 1:
        return Parsed(None, why=f"said in passing: names several: {', '.join(sorted(found))}")
    return Parsed(found.pop(), "said in passing") if found else None


def _clause(text: str, at: int) -> int:
    """Where what is said at ``at`` begins: its sentence, or what follows "…, but": "not a restatement, but a reasoning move"."""
    start = sentence(text, at)[0]
    return max((m.end() for m in _BUT.finditer(text, start, at)), default=start)


def _listed(words: Words) -> str:
    return ", ".join(words)
