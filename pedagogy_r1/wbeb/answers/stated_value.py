r"""The answer that a stretch of reasoning states to a question without options, and whether it is the right one. Strictly.

    "… Therefore, the answer should be \boxed{\frac{1}{2}}."   reference "0.5"   →   right
    "So the answer is B. But wait"                             reference "C"     →   wrong
    "So the answer is 5 or 6."                                 reference "5"     →   unread: names several: 5, 6
    "So x = 5, and then"                                       reference "5"     →   no answer stated

Only a box, "the answer is …" (in any language of ``languages/``) or, for items with options, a letter that is stated, chosen
or called right states an answer. That a number appears is not enough: a lenient rule finds correct thoughts everywhere, and
ξ_UT rises with it.
"""

from __future__ import annotations

import re
from typing import Literal

from .chosen_option import read_letter
from .formula import NUMBER_WORDS, same_value, value_of, without_dress
from .named_options import peel
from .parsed import DIFFER, Parsed
from .statement import FORMAL, Statement, before_run_on, plain, statements

RULE = 'rule@3: last stated answer (box, "answer is", option letter) equal to the reference'

NOUNS = (r"answers?", r"ans\b\.?", r"correct (?:option|choice)", "result is")

_VALUE = (
    r"(?P<value>\$\$?[^$\n]{1,200}\$\$?|\\\([^\n]{1,200}?\\\)|\\\[[^\n]{1,200}?\\\]"
    r"|\([A-Ja-j]\)|[A-J](?![A-Za-z0-9_'’])"
    r"|[-−+]?\\?[$£€]?\d+[ \t]+\d+/\d+(?![\w/])(?:\s*\\?%)?"
    r"|[-−+]?\\?[$£€]?\d{1,3}(?:(?:[ \u00a0\u202f]\d{3})+|(?:\.\d{3}){2,}|(?:\.\d{3})+,\d+)(?![\d/])"
    r"|[-−+]?\d*\.\d*\\(?:overline|bar)\s*\{\d+\}|[-−+]?\d*\.\d+(?:\.{3}|…)|\d{1,2}:\d{2}(?![\d:])"
    r"|[-−+]?\s?(?:\d+\s*)?\\[dtc]?frac\s*(?:\{[^{}\n]{1,60}\}|\d)\s*(?:\{[^{}\n]{1,60}\}|\d)"
    r"|[-−+]?\\?[$£€]?\d+(?:(?:,|\{,\})\d+)*(?:\.\d+)?(?:\s*/\s*\d+)?(?:\s*\\?%)?(?![A-Za-zÀ-ÿ0-9_^*+\-−/=({\\])"
    r"|[^\s.,;:!?()\[\]*]+(?:\.\d+)?)"
)
_FIRST = re.compile(_VALUE)
_SEVERAL = re.compile(
    rf"\s*(?:(?P<or>or|oder|ou|o|或|또는|または)\s+|(?:and|,|und|et|y|和)\s*)(?:{_VALUE})(?P<end>\s*(?:[.;!?\n]|$|,\s*(?:and|or|und|oder|et|ou|y|o)?\s*\d))?"
)
_RANGE = re.compile(r"\s*(?:to|bis|a|à|~|[-–—]|±|\\pm)\s*(?=[-−]?\d)")
"""Between the two ends of what is no one number: "5 to 6", "5–6", "5 ± 1"."""
_JOINS = r"(?:and|or|und|oder|et|ou|y|o|plus)"
_REASON = r"(?:because|since|as|when|where|if|for|from|by|between|with|after|before|which|so|then)"
_MORE = re.compile(
    rf"\s+(?:out\s+)?of\s+\d|\s+\d|['′]\s*\d|\s*\(?\s*(?:(?!{_REASON}\b)[^\W\d_]+\s+){{0,2}}{_JOINS}\s+\d",
    re.IGNORECASE,
)
"""Behind a number: another one, which belongs to it: "5 hours and 30 minutes", "3 out of 4", "5 (or 6)"."""
_SUM = re.compile(
    r"(?:\s*[-+−*/×·÷^]\s*(?:[\d.(]|\\[a-z]+)[\d.,()\s]*)*\s*(?:=\s*(?P<value>[-−]?\d[\d.,/]*))?"
)
"""The rest of a sum: "5 + 3 = 8"."""
_SCALE = re.compile(r"\s+(?:hundred|thousand|million|billion|trillion)\b", re.IGNORECASE)
_ABOUT = re.compile(
    r"(?:(?P<about>about|approximately|approx\.?|roughly|around|nearly|almost)|exactly|precisely|only|just)\s+(?=\S)",
    re.IGNORECASE,
)
_CLAUSE = re.compile(r"[^.!?;\n]{1,120}")
_NOT = re.compile(
    r"(?:not|no|wrong|incorrect|right|correct|what|that|this|it|which|whether|only|if|unique)\b"
)
"""What stands behind "the answer is" without being one."""
_IF = re.compile(r"\b(?:if|whether|unless|suppose|assuming|check that)\b[^.,;:!?\n]{0,40}$", re.IGNORECASE)
_OPTION = re.compile(r"\(?([A-Ja-j])\)?(?:[.:)].*)?", re.DOTALL)

Kind = Literal["number", "option", "text"]


def kind_of(reference: str | None) -> Kind | None:
    """What sort of answer a reference is: ``73`` a number, ``B`` or ``(b)`` an option, ``osmosis`` text."""
    if not reference or not reference.strip():
        return None
    if re.fullmatch(r"\(?[A-J]\)?[.:)]?|\([a-j]\)", reference.strip()):
        return "option"
    return "text" if value_of(reference) is None and not _alternatives(reference) else "number"


def read_answer(answer: str, kind: Kind | None = None) -> Parsed:
    """The answer that an answer part gives: as `read_stated`, before a new question begins."""

    def stated(text: str) -> Parsed:
        return _last_stated(text, kind)

    if kind == "option":
        return read_letter(answer)
    return before_run_on(answer, stated, NOUNS, formulas=True)


def read_stated(text: str, kind: Kind | None = None) -> Parsed:
    """The last answer that the text states, as written; ``None`` with the reason where it states none.

    ``kind`` is what an answer to the item looks like: where a number is wanted, "the answer is clear" states nothing;
    where a letter is wanted, "option B" and "B is correct" state one too. A question ("is the answer 5?"), a condition
    ("if the answer is 5") and a denial ("the answer is not 5") state nothing; "5 or 6" is no answer.

    >>> read_stated("So the answer is 204. But let me check again")
    Parsed(value='204', rule='statement', strict=True, why=None)
    """
    if kind == "option":
        return read_letter(text)
    return _last_stated(plain(text, formulas=True), kind)


def _last_stated(bare: str, kind: Kind | None) -> Parsed:
    found = [(s, said) for s in statements(bare, NOUNS) if (said := _value_in(s, bare, kind)) is not None]
    if not found:
        return Parsed(None, why="no answer is stated")
    last, said = found[-1]
    formal = last.rule in FORMAL
    earlier = {p.value for s, p in found[:-1] if p.value and (s.rule in FORMAL or not formal)}
    if said.value and any(same_answer(other, said.value) is False for other in earlier):
        return said.weaker(DIFFER)
    return said


def _value_in(statement: Statement, text: str, kind: Kind | None) -> Parsed | None:
    """What one statement holds; ``None`` where it states nothing after all."""
    if statement.rule == "boxed":
        inside = statement.text.strip()
        return _one_of(statement.text, Parsed(inside, "boxed", True)) if inside else None
    if _IF.search(text[max(0, statement.at - 60) : statement.at]):
        return None
    peeled = peel(statement.text)
    bare = statement.text.lstrip("\"'“‘ ")
    rest = bare if bare[:1] in "([{$\\" else peeled.rest
    about = _ABOUT.match(rest) if kind == "number" else None
    rest = rest[about.end() :] if about else rest
    match = _FIRST.match(rest)
    if not match or "boxed" in match["value"] or _NOT.match(rest):
        return None  # a box is found for itself
    said = (
        _text_in(rest, match, statement.rule) if kind == "text" else _number_in(rest, match, statement.rule)
    )
    return said.weaker("in doubt") if said and (peeled.hedged or (about and about["about"])) else said


def _text_in(rest: str, match: re.Match[str], rule: str) -> Parsed:
    clause = _CLAUSE.match(rest)
    return Parsed((clause[0] if clause else match["value"]).strip(), rule, strict=True)


def _number_in(rest: str, match: re.Match[str], rule: str) -> Parsed | None:
    """A number, a formula or a letter; unread where another number is joined to it."""
    value = match["value"]
    if not _is_answer(value):
        return None
    other = _SEVERAL.match(rest, match.end())
    if other and (other["or"] or other["end"] is not None) and re.search(r"\d", other["value"]):
        return Parsed(None, why=f"{rule}: names several: {value.strip()}, {other['value']}")
    if value[-1:].isdigit() and "$" not in value[1:]:
        return _in_full(value.strip(), rest[match.end() :], rule)
    return Parsed(value.strip(), rule, strict=True)


def _in_full(value: str, behind: str, rule: str) -> Parsed:
    """A number with what belongs to it: the rest of a sum, "million"; unread where it is no one number."""
    if scale := _SCALE.match(behind):
        return Parsed(value + scale[0], rule, strict=True)
    if _RANGE.match(behind) or _MORE.match(behind):
        return Parsed(None, why=f"{rule}: no one number: {(value + behind)[:40].strip()}")
    if (total := _SUM.match(behind)) and total[0].strip():
        said = total["value"] or (value + total[0]).strip(" .,")
        if said[-1:] in "+-−*/×·÷^":
            return Parsed(None, why=f"{rule}: no one number: {said} …")
        return Parsed(said.rstrip(".,"), rule, strict=True)
    return Parsed(value, rule, strict=True)


def _one_of(text: str, said: Parsed) -> Parsed:
    several = re.fullmatch(r"(.*\d.*?)\s*(?:\\text\s*\{\s*or\s*\}|\bor\b|\\quad)\s*(.*\d.*)", text)
    if several:
        return Parsed(None, why=f"{said.rule}: names several: {several[1].strip()}, {several[2].strip()}")
    return said


def _is_answer(value: str) -> bool:
    letter = re.fullmatch(r"\(?[A-J]\)?|\([a-j]\)", value) and value != "I"
    return bool(letter) or bool(re.search(r"[\d\\π]", value)) or value.casefold() in NUMBER_WORDS


def same_answer(stated: str, reference: str) -> bool | None:
    r"""Whether two answers are equal: option letters, numbers by value, other text without case and layout.

    ``None``: two formulas with letters that are written differently, or two units; nothing here says whether they are equal.

    >>> same_answer(r"\frac{1}{2}", "0.5"), same_answer("073", "73"), same_answer("(B)", "B"), same_answer("6", "7")
    (True, True, True, False)
    """
    if kind_of(reference) == "option":
        wanted, given = _OPTION.fullmatch(reference.strip()), _OPTION.fullmatch(without_dress(stated))
        return bool(wanted and given and wanted[1].upper() == given[1].upper())
    if alternatives := _alternatives(reference):
        return any(same_answer(stated, one) for one in alternatives)
    a, b = without_dress(stated), without_dress(reference)
    if _words(a) == _words(b):
        return _words(b) != ""
    return _same_by_value(a, b)


def _same_by_value(stated: str, reference: str) -> bool | None:
    left, right = value_of(stated.rsplit("=", 1)[-1]), value_of(reference)
    if left is None and right is not None and re.fullmatch(r"-?\d+,(?:\d{1,2}|\d{4,})", stated):
        left = value_of(stated.replace(",", "."))  # a decimal comma
    if left is not None and right is not None:
        return same_value(left, right)
    both = left is None and right is None and _is_formula(stated) and _is_formula(reference)
    return None if both else False


def _alternatives(reference: str) -> list[str]:
    """One number written several ways, as answer keys of tests do: ".3833,  23/60". Of decimals the last place may be rounded or cut."""
    parts = re.split(r",\s+", reference.strip())
    values = [value_of(part) for part in parts]
    if len(parts) < 2 or None in values:
        return []
    places = [len(part.partition(".")[2]) for part in parts if re.fullmatch(r"-?\d*\.\d+", part)]
    numbers = [value.number for value in values if value]
    near = max(numbers) - min(numbers) < 10 ** -min(places) if places else len(set(numbers)) == 1
    return parts if near else []


def _words(text: str) -> str:
    """Letters and signs without case and white space, and without an article before them."""
    return re.sub(r"^(?:the|an?)\s+(?=[^\W\d_]{3})", "", text.casefold()).replace(" ", "")


def _is_formula(text: str) -> bool:
    return bool(re.search(r"[\\^=+*/{}]|\d\s*[a-z]|[a-z]\s*-\s*\d", text, re.I))
