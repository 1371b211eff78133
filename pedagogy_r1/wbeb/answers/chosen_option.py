"""Which option an answer chooses; never a letter out of prose ("A student …" is an article, not an option).

    options Air · Moisture · Temperature · Sunlight
    "Answer: B"                          B   answer line               strict
    "so \\\\boxed{B}. Moisture"            B   boxed                     strict
    "정답은 ②번입니다"                       B   statement, by number      tolerant
    "The answer is moisture."            B   statement, by text        tolerant
    "Option A is wrong, B is correct."   B   called right              tolerant
    "The answer is A or B."              –   names several options: A, B
    "Answer: E"                          –   E is none of the options A–D

**Strict**: a letter in the form asked for, boxed, in a tag, in a sentence that says it is the answer, or alone. The last such
statement counts. One that names several options, or none of those there are, is unreadable, and so is an answer that says a
letter and then, in a tolerant form, something else. **Tolerant**: the rules of `_TOLERANT` in their order; the first that
finds anything decides, and only if all it finds is one option.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import partial

from ..domain import Parsed
from .named_options import AnswerOptions, Mode, Reading, read
from .statement import Statement, denied, last_formal, plain, short, statements

Rule = tuple[str, Callable[[str, AnswerOptions], "list[Reading]"]]


def read_choice(answer: str, options: Sequence[str]) -> Parsed:
    """The option that ``answer`` chooses, as its letter. Never raises; ``None`` comes with a reason.

    >>> read_choice("I would say (C).\\n\\nAnswer: **B**", ["Air", "Moisture", "Heat"])
    Parsed(value='B', rule='answer line', strict=True, why=None)
    """
    if not options:
        return Parsed(None, why="the item has no options")
    text, known = plain(answer), AnswerOptions.of(options)
    if not text.strip():
        return Parsed(None, why="the answer is empty")
    return _stated(text, known) or _tolerated(text, known) or Parsed(None, why="no option is named")


def _stated(text: str, options: AnswerOptions) -> Parsed | None:
    stated = statements(text)
    mode: Mode = "stated" if stated else "heading"
    if not stated and "\n" not in text.strip():
        stated = [Statement("whole answer", text.strip(), 0)]
    found = [(s, reading) for s in stated if (reading := read(s.text, options, mode))]
    formal = last_formal(stated)
    if formal and short(formal.text) and formal not in [s for s, _ in found]:
        return Parsed(None, why=f"{formal.rule}: {formal.text!r} is none of the options")
    return _decided(found) if found else None


def _decided(found: Sequence[tuple[Statement, Reading]]) -> Parsed:
    """The last that names a letter counts, else the last; unless something else is said behind it."""
    letters = (n for n, (_, reading) in enumerate(found) if reading.how == "letter")
    last = max(letters, default=len(found) - 1)
    statement, reading = found[last]
    parsed = _parsed(statement.rule, [reading])
    for later, other in found[last + 1 :] if parsed.value else ():
        if other.named != reading.named:
            said = ", ".join(sorted(other.named))
            return Parsed(None, why=f"says {parsed.value}, and then, {later.rule}, {said}")
    return parsed


def _tolerated(text: str, options: AnswerOptions) -> Parsed | None:
    for name, rule in _TOLERANT:
        if found := rule(text, options):
            return _parsed(name, found)._replace(strict=False)
    return None


def _parsed(rule: str, found: Sequence[Reading]) -> Parsed:
    """One option, or why not."""
    named = frozenset().union(*(r.named for r in found))
    why = next((r.why for r in found if r.why), None)
    if why is None and len(named) > 1:
        why = f"names several options: {', '.join(sorted(named))}"
    if why is not None:
        return Parsed(None, why=f"{rule}: {why}")
    how = found[0].how
    return Parsed(next(iter(named)), rule if how == "letter" else f"{rule}, by {how}", how == "letter")


# ------------------------------------------------------------------------------------------------- tolerant

_AHEAD = r"(?:^|[.,;:!?。，；：\n]\s*|\b(?:so|thus|therefore|hence|that|and|think|believe|because|since|conclude|clearly)\s+,?\s*)"
_CALLED = re.compile(
    rf"(?:\b(?i:option|choice|answer)\s*|{_AHEAD}(?:the\s+)?)[(\[\"'“]?(?P<a>[A-Z])[)\]\"'”]?\s+(?:is|seems|appears|looks|would be|must be|should be)\s+(?:to be\s+)?(?:the\s+|definitely\s+|clearly\s+|most\s+|likely\s+|probably\s+|only\s+|single\s+)*(?:correct|right|best|true|answer|accurate|appropriate|suitable)\b"
    r"|(?:选项|選項)?\s*(?<![A-Za-z])(?P<b>[A-Z])\s*(?:项|項|选项)?(?:是|为)?\s*(?:正确|正確|对的|正解)"
    r"|(?:보기\s*)?(?<![A-Za-z0-9])(?P<c>[A-Z]|[1-9]|\s#[1-9]\s)\s*번?\s*(?:이|가|은|는)?\s*(?:정답|맞|옳|답)"
)
_CHOSEN = re.compile(
    r"\b(?:I|We|we|I['’](?:d|ll|m))\s+(?:would\s+|will\s+|am\s+|have\s+to\s+|must\s+)?(?:choose|chose|pick|select|going with|go with|opt for|say|guess|think|believe)\s+(?:that\s+)?(?:it(?:['’]s| is| must be)\s+)?(?:the\s+answer\s+is\s+)?"
    r"|\b(?:[Ii]t|[Tt]his|[Tt]hat)(?:['’]s| is| must be| should be| would be)\s+(?:therefore\s+)?|(?:^|[.;:]\s+)(?:[Ss]o|[Tt]hus|[Tt]herefore|[Hh]ence|[Cc]hoose|[Ss]elect|[Pp]ick)\s*[,:]?\s+"
    r"|(?:选择?|選擇?)(?![项項出取手修举])\s*[:：]?",
    re.M,
)
_MARKER = re.compile(r"^[^\w\n]*[(\[]?([A-Z])(?:[)\]]?[ \t]*$|[)\].:]+(?=\s|$))", re.M)
_MENTION = re.compile(
    r"\b(?:[Oo]ption|OPTION|[Cc]hoice|[Aa]lternative|[Oo]pción)\s*[:#]?\s*[(\[\"'“]?([A-Z])(?![\w'’])|(?:选项|選項|보기)\s*([A-Z])(?![\w'’])"
)
_BRACKETED = re.compile(r"(?<![\w(])\(([A-Z])\)(?![\w'’])")


def _matches(pattern: re.Pattern[str], text: str, options: AnswerOptions) -> list[Reading]:
    found = []
    for match in pattern.finditer(text):
        said = match[match.lastindex or 0].strip()
        if not denied(text, match.start(match.lastindex or 0)):
            found.append(options.number(int(said[-1])) if said[-1].isdigit() else options.letter(said))
    return found


def _chosen(text: str, options: AnswerOptions) -> list[Reading]:
    found = []
    for match in _CHOSEN.finditer(text):
        rest = text[match.end() : match.end() + 300].split("\n")[0]
        reading = None if denied(text, match.end()) else read(rest, options)
        if reading and not reading.why:
            found.append(reading)
    return found


def _last_line(text: str, options: AnswerOptions) -> list[Reading]:
    lines = [line for line in text.split("\n") if line.strip()]
    if len(set(_MARKER.findall(text))) > 1 and not re.fullmatch(r"\W*[A-Za-z]\W*", lines[-1]):
        return []  # the last of the options, written down once more
    reading = read(lines[-1], options, "heading")
    return [reading] if reading else []


def _marker(text: str, options: AnswerOptions) -> list[Reading]:
    return [options.letter(letter) for letter in _MARKER.findall(text)]


_TOLERANT: tuple[Rule, ...] = (
    ("last line", _last_line),
    ("called right", partial(_matches, _CALLED)),
    ("choice made", _chosen),
    ("marker", _marker),
    ("option named", partial(_matches, _MENTION)),
    ("in brackets", partial(_matches, _BRACKETED)),
)
