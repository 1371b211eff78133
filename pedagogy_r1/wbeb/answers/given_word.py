"""Which of a few words an answer gives: right or wrong, low, mid or high, the name of a talk move.

    words {"right": ("right", "correct"), "wrong": ("wrong", "incorrect")}
    "Answer: right\\nProbability: 0.73"             right   answer line      strict
    "Answer: Incorrect."                           wrong   answer line      strict
    "So the answer is wrong."                      wrong   statement        tolerant: which answer?
    "The student will probably get it wrong."      wrong   said in passing  tolerant
    "Right. The last two steps were."              right   opening word     tolerant
    "Answer: right or wrong"                       –       names several: right, wrong
    "Answer:\n- right: he knows it\n- wrong: he …"  –       repeats the list of answers: right, wrong

The form asked for comes first, and its last occurrence counts (tolerantly, if an earlier one says something else); where it
stands and holds no word, nothing else is read.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence

from .named_options import peel
from .parsed import DIFFER, Parsed
from .statement import FORMAL, Statement, before_run_on, key, last_formal, sentence, short, statements

Words = Mapping[str, Sequence[str]]
"""Each value with the ways to write it, in lower case, its own name among them if that is one."""

_HEDGE = re.compile(
    r"(?:(?:most likely|likely|probably|definitely|clearly|the|a|an|it is|is|i think|i would say)\s+)+"
)
_DOUBT = re.compile(r"(?:(?:the|it is|is)\s+)*(?:most likely|likely|probably|i think|i would say)\b", re.I)
_NOT = re.compile(r"\b(?:not|never|unlikely|fails?|unable)\b|n['’]t\b", re.I)
_BUT = re.compile(r"[,;]\s+but\b|\brather\b", re.I)
_AGAINST = re.compile(
    r"\b(?:than|rather|instead|nor|neither|unlike|without|would|needs?|requires?|because|since)\b", re.I
)
_JOINED = re.compile(
    r"[\s\"'”)]*(?:[,/&|;→]|[-=]*>|\bto\b|\bvs\b\.?|\bversus\b|\bthrough\b|[(\[]?\b(?:and|or)\b)\s*"
    r"(?:(?:alternatively|else|possibly|perhaps|maybe|even),?\s+)?(?:not\s+)?"
)
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
    if formal := _last_that_says(stated, words, phrases):
        repeated = _repeated(formal, text, words)
        return repeated or unless_against(formal, stated, lambda s: _of(s, words, phrases, strict=True))
    said = [s for s in stated if _names(s.text, words)]
    lines = [line for line in text.strip().split("\n") if line.strip()]
    if _names(lines[-1], words, alone=True) and (len(lines) == 1 or not said):
        return _last_line(lines, words)
    if said:
        every = list(dict.fromkeys(named for s in said for named in _names(s.text, words)))
        if len(every) > 2 and len(said) > 2:  # "The answer is: - low", "The answer is: - mid" …
            return _list_of(every, said[-1].rule)
        return _repeated(said[-1], text, words) or _of(said[-1], words, phrases, strict=False)
    return _unstated(text, lines, words, phrases)


def _unstated(text: str, lines: Sequence[str], words: Words, phrases: Words | None) -> Parsed:
    """Where nothing is stated: what the reply begins with, or says in passing."""
    passing = _in_passing(text, phrases)
    found = unless_passing(_opening_word(lines, words), passing) or passing
    return found or Parsed(None, why=f"none of {_listed(words)} is named")


def _last_that_says(stated: Sequence[Statement], words: Words, phrases: Words | None) -> Statement | None:
    """The last in a form made for answering; of those that are whole sentences, the last that says a value."""
    last = last_formal(stated)
    if last is None or short(last.text):
        return last
    formal = [s for s in stated if s.rule in FORMAL and _of(s, words, phrases, strict=True).value]
    return formal[-1] if formal else last


_LETTERED = re.compile(r"[(\[]?([a-z])(?:\s*[)\].:,(]+|\s+[–—-])\s*[(\[]?")
_EXPLAINED = re.compile(
    r"[\"'”’)\]]*\s*(?:$|[.,:;!(–—]|-\s)(?!\W*(?:so|let|let[’']s|okay|ok|now|well|then|we\s+(?:need|have|must|can|are))\b)"
)
_TAKEN_BACK = re.compile(r"\b(?:no|wait|actually|rather|sorry|hmm)\b\s*[,.:…]")


def _opening_word(lines: Sequence[str], words: Words) -> Parsed | None:
    """The value that a reply begins with, and then explains: "Right. The last two …", "low (not taken up)", "C – high".

    A letter before it must be that of its place. Where other lines begin with other values, it is the list of them.
    """
    begun = _begun(lines[0], words)
    if begun is None or _TAKEN_BACK.search(key(lines[0])):
        return None
    letter, value = begun
    named = dict.fromkeys([value, *(other[1] for line in lines[1:] if (other := _begun(line, words)))])
    if len(named) > 1:
        return _list_of(named, "opening word")
    if letter and list(words).index(value) != ord(letter) - ord("a"):
        return Parsed(None, why=f"opening word: says {letter.upper()} with the words of {value}")
    several = [] if letter else _names(lines[0], words)
    if len(several) > 1:
        return Parsed(None, why=f"opening word: names several: {', '.join(several)}")
    return Parsed(value, "opening word")


def _begun(line: str, words: Words) -> tuple[str, str] | None:
    """(letter, value) that a line begins with, if nothing but a mark stands behind the value."""
    folded = key(_BULLET.sub("", line, count=1))
    lettered = _LETTERED.match(folded)
    for letter, start in ((lettered[1], folded[lettered.end() :]) if lettered else ("", ""), ("", folded)):
        first = _first(start, words)
        if first and _EXPLAINED.match(start[first[1] :]):
            return letter, first[0]
    return None


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
    if len(named) == 1 and _lists_all(statement.text, words):  # "low means …, mid means …, high means …"
        return _list_of(words, statement.rule)
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


def _lists_all(text: str, words: Words) -> bool:
    """Whether three values or more stand in the text, all of them, in their order, and none is set against another."""
    said = [word for word in re.findall(r"\w+", key(text)) if word in words]
    if len(words) < 3 or list(dict.fromkeys(said)) != list(words) or _AGAINST.search(text):
        return False
    return not re.search(rf"(?:\bnot|n['’]t)\s+(?:\w+\s+){{0,2}}(?:{'|'.join(words)})\b", text, re.I)


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


def unless_against(
    formal: Statement, stated: Sequence[Statement], read: Callable[[Statement], Parsed]
) -> Parsed:
    """What the last formal statement says; tolerantly, where an earlier one says something else."""
    said = read(formal)
    earlier = {read(s).value for s in stated if s.rule in FORMAL and s.at < formal.at} - {None}
    return said.weaker(DIFFER) if earlier - {said.value} else said


def unless_passing(opening: Parsed | None, passing: Parsed | None) -> Parsed | None:
    """What a reply begins with, unless it says something else in passing."""
    if opening and opening.value and passing and passing.value and passing.value != opening.value:
        return Parsed(
            None, why=f"{opening.rule}: says {opening.value}, and later, {passing.rule}, {passing.value}"
        )
    return opening
