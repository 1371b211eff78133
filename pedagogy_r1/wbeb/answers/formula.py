r"""The value of an answer that is a number, however it is written; nothing else is computed, and nothing is guessed.

    2 2/3   2\frac{2}{3}   8/3          8/3            1{,}234   1,234   1\,234       1234
    \frac12   0.5   ½   50\%            1/2            5\text{ cm}   5 cm             5, and the unit "cm"
    2\sqrt{9}   3!   10^4 \cdot 2       6, 6, 20000    5 or 6   2x   x + 1            none

Exact as long as no root and no π comes in. A kept library (math-verify 0.9) was tried: `docs/tokens.md` says why it
is not used.
"""

from __future__ import annotations

import math
import re
import unicodedata
from fractions import Fraction
from typing import NamedTuple

Number = Fraction | float

_UNWRAP = re.compile(
    r"\\(?:text|textbf|textrm|textnormal|mathrm|mathbf|mathit|mathsf|operatorname|mbox|hbox|boldsymbol|bm)\s*\{([^{}]*)\}"
)
_DROP = re.compile(
    r"\\(?:left|right|big|Big|displaystyle|textstyle|limits)(?![a-zA-Z])|\\[,;!:]|\\?[$£€]|\*\*|\\[()\[\]]|(?:\^\s*\\circ|\^\s*\{\s*\\circ\s*\}|°)(?!\s*[CF])"
)
_SHORT_FRACTION = re.compile(
    r"\\[dtc]?frac\s*(?:\{((?:[^{}]|\{[^{}]*\})*)\}|(\d))\s*(?:\{((?:[^{}]|\{[^{}]*\})*)\}|(\d))"
)
_MIXED = re.compile(
    r"(?<![\d.^_{/])(\d+)(?:\s+|\s*(?=\())\((\d+)\)/\((\d+)\)|(?<![\d.^_{/])(\d+)[ \t]+(\d+)/(\d+)(?![\d.])"
)
_GROUPS = re.compile(
    r"(?<![\d.])\d{1,3}(?:(?:,|\{,\})\d{3})+(?!\d)|(?<![\d.])\d{1,3}(?:[ \u00a0\u202f]\d{3})+(?![\d/ ])|(?<![\d.])\d{1,3}(?:\.\d{3}){2,}(?![\d.])"
)
_DECIMAL_COMMA = re.compile(r"(?<=\d)\.\d{3}(?:\.\d{3})*,\d+")
_UNIT = re.compile(
    r"(?P<n>.*[\d)}!])\s*(?P<unit>\\?%|°\s*[CF]?|(?:(?<=[\s}])|(?=(?:[cmkµμn]?m|[mk]?g|[mcd]?l|[mk]?s|min|h|hrs?|k?Hz|[kM]?[JWV]|k?Pa|mol|ft|in|lb|oz|mph|deg)(?![a-z])))"
    r"(?!(?:or|and|to|times|plus|minus|x|y|oder|und|ou|et|o)\b)[A-Za-zµμΩ]+(?:[ /·^][A-Za-z0-9{}^/ -]{0,24})?)",
    re.DOTALL,
)
_ONE_LETTER = frozenset("mgshlLNJWVAKCFΩ")


class Value(NamedTuple):
    """A number, and what is counted or measured: ``""`` where nothing is said, ``%`` for per cent."""

    number: Number
    unit: str = ""


def without_dress(text: str) -> str:
    """Without what LaTeX and typography put around a number; fractions with a slash.

    >>> without_dress(r"2\\frac{1}{2}"), without_dress(r"1{,}234\\text{ cm}")
    ('(2+1/2)', '1234 cm')
    """
    text = unicode_math(text).replace("−", "-").replace("–", "-").replace("~", " ")
    text = _written_out(text)
    for _ in range(3):
        text = _UNWRAP.sub(lambda m: " " + m[1].strip(), text)
    text = _DROP.sub("", text).replace("\\ ", " ").replace("\\%", "%")
    text = _DECIMAL_COMMA.sub(lambda m: m[0].replace(".", "").replace(",", "."), text)
    text = _GROUPS.sub(lambda m: re.sub(r"[,{}\s]|\.(?=\d{3})", "", m[0]), text)
    for _ in range(3):
        text = _SHORT_FRACTION.sub(lambda m: f" ({m[1] or m[2]})/({m[3] or m[4]})", text)
    text = _MIXED.sub(lambda m: "({}+{}/{})".format(*(g for g in m.groups() if g)), text)
    return re.sub(r"(?<![\w)])\((\w+)\)", r"\1", " ".join(text.split())).strip("\"“”' ").rstrip(".,;")


_WORDS = """zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen
eighteen nineteen twenty"""
NUMBER_WORDS = {word: number for number, word in enumerate(_WORDS.split())}
NUMBER_WORDS |= {
    "thirty": 30,
    "forty": 40,
    "fifty": 50,
    "sixty": 60,
    "seventy": 70,
    "eighty": 80,
    "ninety": 90,
}
_SCALES = {"hundred": 2, "thousand": 3, "million": 6, "billion": 9, "trillion": 12}
_SCALED = re.compile(rf"(?<=\d)\s+({'|'.join(_SCALES)})\b", re.IGNORECASE)
_POWER_OF_TEN = re.compile(r"(?<=\d)[eE]([-+]?\d{1,3})(?![\w.])")
_BINOMIAL = re.compile(r"\\[dt]?binom\s*\{\s*(\d{1,2})\s*\}\s*\{\s*(\d{1,2})\s*\}")
_REPEATING = re.compile(
    r"(?P<whole>\d*)\.(?P<head>\d*?)(?:\\(?:overline|bar)\s*\{(?P<bar>\d+)\}|(?P<again>\d+?)(?P=again){2,}(?:\.{3}|…))"
)


def _written_out(text: str) -> str:
    """Powers written as programs do, scales in words, binomials and repeating decimals, in signs that are computed.

    >>> _written_out("1.5 million"), _written_out("2**10"), _written_out("0.333...")
    ('1.5*10^{6}', '2^10', '(0+3/9)')
    """
    text = re.sub(r"(?<=\d)\*\*(?=[\d(])", "^", text)
    text = _SCALED.sub(lambda m: f"*10^{{{_SCALES[m[1].lower()]}}}", text)
    text = _POWER_OF_TEN.sub(lambda m: f"*10^{{{int(m[1])}}}", text)
    text = _BINOMIAL.sub(lambda m: str(math.comb(int(m[1]), int(m[2]))), text)
    return _REPEATING.sub(_fraction, text)


def _fraction(match: re.Match[str]) -> str:
    """A repeating decimal as a sum of fractions."""
    whole, head, again = match["whole"] or "0", match["head"], match["bar"] or match["again"]
    nines = f"{again}/{'9' * len(again)}{'0' * len(head)}"
    return f"({whole}+{head}/1{'0' * len(head)}+{nines})" if head else f"({whole}+{nines})"


_SUPER = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-")


def unicode_math(text: str) -> str:
    """Raised digits as powers, fractions of one character with a space before them: "10²" is no 102, "2½" no 21/2."""
    if text.isascii():
        return text
    text = re.sub(r"[⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+", lambda m: f"^{{{m[0].translate(_SUPER)}}}", text)
    return "".join(
        f" {unicodedata.normalize('NFKC', c)}".replace("⁄", "/")
        if unicodedata.decomposition(c).startswith("<fraction>")
        else c
        for c in text
    )


def value_of(text: str) -> Value | None:
    """The value of a text that is a number, or a formula of numbers alone, with or without a unit; else ``None``."""
    plain = without_dress(text)
    if plain.casefold() in NUMBER_WORDS:
        return Value(Fraction(NUMBER_WORDS[plain.casefold()]))
    number = _computed(plain)
    if number is not None:
        return Value(number)
    match = _UNIT.fullmatch(plain)
    if not match:
        return None
    unit = match["unit"].strip()
    if re.fullmatch(r"[A-Za-z]", unit) and unit not in _ONE_LETTER:
        return None
    number = _computed(match["n"])
    return None if number is None else Value(number, unit)


def same_value(left: Value, right: Value) -> bool | None:
    """Whether two values are equal; ``None`` where their units differ, which are not converted."""
    units = {_unit(left.unit), _unit(right.unit)}
    if "%" in units and len(units) == 2 and "" in units:
        share, other = (left, right) if left.unit == "%" else (right, left)
        return _equal(share.number, other.number) or _equal(share.number / 100, other.number)
    if len(units) == 2 and "" not in units:
        return None
    return _equal(left.number, right.number)


def _unit(unit: str) -> str:
    unit = re.sub(r"[\s{}]", "", unit).casefold()
    return unit[:-1] if len(unit) > 3 and unit.endswith("s") else unit


def _equal(a: Number, b: Number) -> bool:
    if isinstance(a, Fraction) and isinstance(b, Fraction):
        return a == b
    return math.isclose(float(a), float(b), rel_tol=1e-9, abs_tol=1e-12)


# -------------------------------------------------------------------------------------------------- arithmetic

_TOKEN = re.compile(r"\s*(?:(\d+(?:\.\d*)?|\.\d+)|(\\[A-Za-z]+)|([-+*/^!(){}\[\]×·÷√π]))")
_TIMES = {"*", "×", "·", "\\cdot", "\\times"}
_OVER = {"/", "÷", "\\div"}
_LARGEST = 10**60


class _NoNumber(Exception):
    """What is written is not a formula of numbers alone."""


def _computed(text: str) -> Number | None:
    if not text or len(text) > 200:
        return None
    try:
        return _Formula(text).value()
    except (_NoNumber, ZeroDivisionError, OverflowError, ValueError, RecursionError):
        return None


class _Formula:
    """A formula, computed from left to right by its grammar: sums of products of powers."""

    def __init__(self, text: str) -> None:
        self.tokens: list[str] = []
        at = 0
        while at < len(text.rstrip()):
            match = _TOKEN.match(text, at)
            if not match:
                raise _NoNumber
            self.tokens.append(match[0].strip())
            at = match.end()
        self.at = 0

    def value(self) -> Number:
        found = self._sum()
        if self.at < len(self.tokens):
            raise _NoNumber
        return found

    def _next(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def _take(self) -> str:
        token = self._next()
        self.at += 1
        return token

    def _sum(self) -> Number:
        found = self._product()
        while self._next() in ("+", "-"):
            sign = 1 if self._take() == "+" else -1
            found = found + sign * self._product()
        return found

    def _product(self) -> Number:
        sign = 1
        while self._next() in ("+", "-"):
            sign *= -1 if self._take() == "-" else 1
        found = self._power()
        while token := self._next():
            if token in _TIMES:
                self._take()
                found = found * self._signed()
            elif token in _OVER:
                self._take()
                found = found / self._signed()
            elif token in ("(", "{", "√", "π") or token in ("\\sqrt", "\\pi"):
                found = found * self._power()
            else:
                break
        return _bounded(sign * found)

    def _signed(self) -> Number:
        return -self._signed() if self._next() == "-" and self._take() else self._power()

    def _power(self) -> Number:
        base = self._atom()
        while self._next() == "!":
            self._take()
            if not isinstance(base, Fraction) or base.denominator != 1 or not 0 <= base <= 40:
                raise _NoNumber
            base = Fraction(math.factorial(int(base)))
        if self._next() != "^":
            return base
        self._take()
        exponent = self._signed()
        if isinstance(base, Fraction) and isinstance(exponent, Fraction) and exponent.denominator == 1:
            if abs(exponent) > 200:
                raise _NoNumber
            return _bounded(Fraction(base ** int(exponent)))
        if base < 0:
            raise _NoNumber
        return float(math.pow(base, exponent))

    def _atom(self) -> Number:
        token = self._take()
        if token[:1].isdigit() or token[:1] == ".":
            return Fraction(token)
        if token in ("(", "{", "["):
            inner = self._sum()
            if self._take() != {"(": ")", "{": "}", "[": "]"}[token]:
                raise _NoNumber
            return inner
        if token in ("\\pi", "π"):
            return math.pi
        if token in ("\\sqrt", "√"):
            return self._root()
        raise _NoNumber

    def _root(self) -> Number:
        degree: Number = Fraction(2)
        if self._next() == "[":
            degree = self._atom()
        radicand = self._atom()
        if radicand < 0 or degree < 1:
            raise _NoNumber
        root = float(radicand) ** (1 / float(degree))
        exact = Fraction(round(root))
        whole = degree == int(degree) and Fraction(exact ** int(degree)) == radicand
        return exact if whole else root


def _bounded(number: Number) -> Number:
    if not -_LARGEST <= number <= _LARGEST or (
        isinstance(number, Fraction) and number.denominator > _LARGEST
    ):
        raise _NoNumber
    return number
