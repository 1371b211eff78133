r"""The answer that a stretch of reasoning states, and whether it is the right one. By rule, and strictly.

    "… Therefore, the answer should be \boxed{\frac{1}{2}}."   reference "0.5"   →   right
    "So the answer is B. But wait"                             reference "C"     →   wrong
    "So x = 5, and then"                                       reference "5"     →   no answer stated

Only a box, "the answer is …" or, for items with options, a chosen letter states an answer. That a number appears is
not enough: a lenient rule finds correct thoughts everywhere, and ξ_UT rises with it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction
from typing import Literal

RULE = 'rule@1: last stated answer (box, "answer is", option letter) equal to the reference'

_VALUE = (
    r"(?P<value>\$\$?[^$\n]{1,200}\$\$?|\\\([^\n]{1,200}?\\\)|\\\[[^\n]{1,200}?\\\]"
    r"|\([A-Ja-j]\)|[A-J]\b(?!['’])"
    r"|[-−+]?\\?[$£€]?\d+(?:,\d+)*(?:\.\d+)?(?:\s*/\s*\d+)?(?:\s*\\?%)?(?![\w^*+\-−/=({\\])"
    r"|[^\s.,;:!?()\[\]*]+(?:\.\d+)?)"
)
_STATED = re.compile(
    r"\b(?:answer|correct (?:option|choice))\b[*_]*(?:[ \t]+(?:to|for|of|here|in|must|should|would|will|could|then)\b[^.!?\n:]{0,60}?)?"
    r"[ \t]*(?:\b(?:is|be|was|being)\b|=|:)(?:[ \t]+(?:indeed|therefore|thus|then|just|simply|still|now|also|probably|likely|option|choice|letter))*"
    r"[ \t]*:?[\s*_]*" + _VALUE,
    re.IGNORECASE,
)
_CLAUSE = re.compile(r"[^.!?;\n]{1,120}")
_LETTER = re.compile(
    r"(?:\b(?:option|choice|choose|chose|pick|select|go with|going with|answer)[ \t]+(?:is[ \t]+)?\(?(?P<a>[A-J])\b\)?(?!['’])"
    r"|(?:^|[\s*(])\(?(?P<b>[A-J])\)?\**[ \t]+is[ \t]+(?:the[ \t]+)?(?:correct|right|best|answer)\b)"
)
_NOT = re.compile(
    r"(?:not|no|wrong|incorrect|right|correct|what|that|this|it|which|whether|only|if|unique)\b"
)
"""What stands behind "the answer is" without being one."""
_IF = re.compile(r"\b(?:if|whether|unless|suppose|assuming|check that)\b[^.,;:!?\n]{0,40}$", re.IGNORECASE)
_DENIED = re.compile(r"(?:\b(?:not|eliminate|exclude|rule out|reject|than)|n['’]t)\s+(?:\w+\s+){0,2}[*(]*$")
_UNWRAP = re.compile(
    r"\\(?:text|textbf|textrm|mathrm|mathbf|mathit|operatorname|mbox|boldsymbol)\s*\{([^{}]*)\}"
)
_DROP = re.compile(
    r"\\(?:left|right|displaystyle|,|;|!|:|\s)|\\?[$£€%]|\^\\circ|\^\{\\circ\}|°|\s|\*\*|\\[()\[\]]"
)
_FRACTION = re.compile(r"([-+]?)\\[dt]?frac\{([-+]?\d+)\}\{(\d+)\}")
_NUMBER = re.compile(r"[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:/\d+)?")
_OPTION = re.compile(r"\(?([A-Ja-j])\)?(?:[.:)].*)?", re.DOTALL)


Kind = Literal["number", "option", "text"]


def kind_of(reference: str | None) -> Kind | None:
    """What sort of answer a reference is: ``73`` a number, ``B`` or ``(b)`` an option, ``osmosis`` text."""
    if not reference or not reference.strip():
        return None
    if re.fullmatch(r"\(?[A-J]\)?[.:)]?|\([a-j]\)", reference.strip()):
        return "option"
    return "text" if _number(_plain(reference)) is None else "number"


def stated_answer(text: str, kind: Kind | None = None) -> str | None:
    """The last answer that the text states, as written; ``None`` where it states none.

    ``kind`` is what an answer to the item looks like: where a number is wanted, "the answer is clear" states nothing;
    where a letter is wanted, "option B" and "B is correct" state one too. A question ("is the answer 5?"), a condition
    ("if the answer is 5") and a denial ("the answer is not 5") state nothing.

    >>> stated_answer("So the answer is 204. But let me check again")
    '204'
    """
    found: list[tuple[int, str]] = [(at, inner) for at, inner in _boxes(text)]
    for match in _STATED.finditer(text):
        at, value = match.start("value"), match["value"]
        if kind == "text":
            clause = _CLAUSE.match(text, at)
            value = clause[0] if clause else value
        assumed = _IF.search(text[max(0, match.start() - 60) : match.start()])
        if _is_answer(value, kind) and not assumed and not _asked(text, match.end()):
            found.append((at, value))
    if kind == "option":
        found += _letters(text)
    return max(found)[1].strip() if found else None


def _letters(text: str) -> Iterator[tuple[int, str]]:
    """ "Option B" and "B is correct", where no question or denial."""
    for match in _LETTER.finditer(text):
        at = match.start(match.lastgroup or 0)
        if not _asked(text, match.end()) and not _DENIED.search(text[max(0, at - 32) : at]):
            yield at, match["a"] or match["b"]


def _is_answer(value: str, kind: Kind | None) -> bool:
    if "boxed" in value or _NOT.match(value.lstrip("*\"“' ")):
        return False  # a box is found for itself
    letter = re.fullmatch(r"\(?[A-J]\)?|\([a-j]\)", value) and value != "I"
    if kind == "text":
        return True
    return bool(letter) or (kind != "option" and bool(re.search(r"[\d\\π]", value)))


def _asked(text: str, at: int) -> bool:
    """Whether the sentence goes on to a question mark."""
    rest = re.search(r"[.!?\n](?!\d)", text[at : at + 200])
    return bool(rest and rest[0] == "?")


def _boxes(text: str) -> list[tuple[int, str]]:
    r"""Offset and content of every ``\boxed{…}`` whose braces balance."""
    found = []
    for match in re.finditer(r"\\f?boxed\s*\{", text):
        depth = 1
        for at in range(match.end(), min(len(text), match.end() + 400)):
            depth += {"{": 1, "}": -1}.get(text[at], 0)
            if not depth:
                found.append((match.start(), text[match.end() : at]))
                break
    return found


def same_answer(stated: str, reference: str) -> bool:
    r"""Whether two answers are equal: option letters, numbers by value, other text without case and layout.

    >>> same_answer(r"\frac{1}{2}", "0.5"), same_answer("073", "73"), same_answer("(B)", "B"), same_answer("6", "7")
    (True, True, True, False)
    """
    if kind_of(reference) == "option":
        wanted, given = _OPTION.fullmatch(reference.strip()), _OPTION.fullmatch(_plain(stated))
        return bool(wanted and given and wanted[1].upper() == given[1].upper())
    a, b = _plain(stated), _plain(reference)
    left, right = _number(a.rsplit("=", 1)[-1]), _number(b)
    if left is not None and right is not None:
        return left == right
    return _words(a) == _words(b) != ""


def _words(plain: str) -> str:
    """Letters and signs without case, and without an article before them."""
    return re.sub(r"^(?:the|an?)(?=[^\W\d_]{3})", "", plain.casefold())


def _plain(text: str) -> str:
    """Without LaTeX dress, currency, percent and degree signs, white space, and a period at the end."""
    text = text.replace("−", "-").replace("–", "-")
    for _ in range(3):
        text = _UNWRAP.sub(r"\1", text)
    text = _FRACTION.sub(r"\1\2/\3", _DROP.sub("", text))
    text = re.sub(r"(?<=\d),(?=\d{3}(?!\d))", "", text)
    return text.strip("\"“”'").rstrip(".,;")


def _number(plain: str) -> Fraction | None:
    if not _NUMBER.fullmatch(plain):
        return None
    try:
        return Fraction(plain) if "." not in plain or "/" not in plain else None
    except (ValueError, ZeroDivisionError):
        return None
