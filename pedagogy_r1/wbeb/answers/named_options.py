"""Options as an answer may name them: by letter, by number, by text. One statement in, the options it names out.

"(B) Moisture, since …"    {B} letter      "option two"     {B} number      "the second option"  {B} number
"A or C"                   {A, C}          "moisture"       {B} text        "A student who …"    nothing
"B. Temperature"           {B}, and why not: says B with the text of C
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from .statement import denied, key

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


class Reading(NamedTuple):
    """Options named, and how: ``letter``, ``number`` or ``text``. ``why``: what makes the statement unreadable."""

    named: frozenset[str]
    how: str
    why: str | None = None

    def beside(self, text_of: frozenset[str], said: str) -> Reading:
        """Itself; unreadable where one option is ``said`` and the text behind it, ``text_of``, is another's."""
        if self.why or len(self.named) > 1 or not text_of or text_of & self.named:
            return self
        return self._replace(why=f"says {said} with the text of {', '.join(sorted(text_of))}")


@dataclass(frozen=True)
class AnswerOptions:
    """The options of one item; ``keys``: their texts as compared, ``""`` for one that its text cannot name."""

    letters: str
    keys: tuple[str, ...]
    digits: bool
    """Whether an option's text holds a number: then a bare number does not name an option by its place."""

    @classmethod
    def of(cls, texts: Sequence[str]) -> AnswerOptions:
        letters = LETTERS[: len(texts)]
        keys = tuple(key(text) for text in texts)
        own = {letter.casefold() for letter in letters}
        return cls(
            letters, tuple("" if k in own else k for k in keys), any(re.search(r"\d", k) for k in keys)
        )

    def letter(self, letter: str) -> Reading:
        letter = letter.upper()
        if letter in self.letters:
            return Reading(frozenset(letter), "letter")
        return Reading(frozenset(), "letter", f"{letter} is none of the options {self._range}")

    def number(self, number: int) -> Reading:
        """The option at a place, from 1."""
        if 1 <= number <= len(self.letters):
            return Reading(frozenset(self.letters[number - 1]), "number")
        return Reading(frozenset(), "number", f"there is no option {number}: {self._range}")

    @property
    def _range(self) -> str:
        return f"{self.letters[0]}–{self.letters[-1]}"

    def of_text(self, folded: str) -> frozenset[str]:
        """Options whose text is exactly this."""
        return self.where(lambda own: own == folded)

    def where(self, fits: Callable[[str], bool]) -> frozenset[str]:
        return frozenset(a for a, k in zip(self.letters, self.keys, strict=True) if k and fits(k))


_BEFORE = r"(?:(?:both|either)\s+)?(?:(?:the\s+)?(?:options?|choices?|letters?|alternative|opción|选项|選項|选择?|보기)\s*[:#]?\s*)?[(\[{<\"'“‘]*\s*"
_CLOSERS = r"\s*$|\s*[)\]}>\"”’]|\s*[,;:!?、。，；：=]|\.(?=\s|$|[\"')])|\s*[–—](?!\w)|\s+-\s|\s*/|\s*&|\s+\(|\s*→|(?=[^\x00-\x7F–—’é])"
_JOINED = r"\s+(?:and|or|because|since|as|but|while|which|given|due|is|would|in|for|with|from|by|here|best|und|y|e|et|o|ou|oder)\b"
_UPPER = re.compile(rf"{_BEFORE}([A-Z])(?:{_CLOSERS}|(?={_JOINED})|[\r\n]|(?P<open>\s+))")
_LOWER = re.compile(
    rf"{_BEFORE}([a-z])(?:\s*$|\s*[)\]}}\"]|\.(?=\s*$)|[:;,](?=\s|$)|(?=\s+(?:because|since|as)\b))"
)
_MORE = re.compile(
    r"[)\]}\"'.]*\s*(?:,\s*(?:and|or)?|/|&|\+|、|，|\band\b|\bor\b|[및和或과와]|또는|\bund\b|\boder\b|\by\b|\bou?\b)\s*(?:also\s+|maybe\s+|possibly\s+|option\s+)?[(\[]?([A-Za-z])(?=[)\],.;:!?/&、，。]|\s*$|\s+(?:and|or|are|both)\b|[^\x00-\x7F])"
)
_RUN = re.compile(r"[(\[]?([A-Z]{2,6})[)\]]?\W*$")
_NUMBERED = (
    ("one", "first", "1st", "一", "첫", "하나"),
    ("two", "second", "2nd", "二", "두", "둘"),
    ("three", "third", "3rd", "三", "세", "셋"),
    ("four", "fourth", "4th", "四", "네", "넷"),
    ("five", "fifth", "5th", "五", "다섯"),
    ("six", "sixth", "6th", "六", "여섯"),
)
_WORDS = {word: number for number, words in enumerate(_NUMBERED, 1) for word in words}
_PLACE = re.compile(
    r"(?:the\s+)?(?:option|choice|number|alternative|opción|选项|選項|보기|no\.)\s*#?\s*(?P<a>one|two|three|four|five|six|[1-9]|[一二三四五六])(?![\w.])"
    r"|(?:the\s+)?(?P<b>first|second|third|fourth|fifth|sixth|1st|2nd|3rd|4th|5th|6th)\s+(?:option|choice|one|answer|alternative|statement)\b"
    r"|第\s*(?P<c>[一二三四五六1-9])\s*(?:个|個|项|項|选项|選項)|(?P<d>첫|두|세|네|다섯|여섯|[1-9])\s*번(?:째)?|(?:option|choice|选项|보기)?\s*[(\[]?#(?P<e>[1-9])\b"
    r"|[(\[]?(?P<bare>[1-9])(?=[)\]]|\s*$|[.:](?:\s|$)|[。，입이])",
    re.I,
)
_HEADING = re.compile(
    rf"{_BEFORE}([A-Z])(?:\s*$|[)\]}}>\"”’.]+(?=\s|$)|\s*[,;:)。、，：](?=\s|$)|\s*[–—]\s|\s+-\s|(?=\s+(?:because|since|as)\b)|(?P<open>\s+))"
)
_RIGHT = re.compile(
    r"[)\]}\"”’.,。!]*(?:\s*(?:입니다|이다|이에요|예요|です|だ)?[.。!]?\s*$|\s*(?:because|since|as)\b"
    r"|\s+(?:is|seems|must be|would be)\s+(?:the\s+|most\s+|clearly\s+|definitely\s+)*(?:correct|right|best|answer|true)\b)",
    re.I,
)
_CONJOINED = re.compile(r"[\s\"'”)]*(?:,|/|&|\band\b|\bor\b|和|或|및|와|과)\s*(?:the\s+)?")


Mode = Literal["stated", "heading"]
"""``stated``: behind a lead. ``heading``: nothing leads up to it, so nothing may follow but a mark, a reason, or that it
is right."""


def read(text: str, options: AnswerOptions, mode: Mode = "stated") -> Reading | None:
    """What the beginning of ``text`` names, or ``None``."""
    text = text.strip()
    if same := options.of_text(key(text)):
        return Reading(same, "text")
    return _by_letter(text, options, mode) or _by_place(text, options, mode) or _by_start(text, options, mode)


def _by_letter(text: str, options: AnswerOptions, mode: Mode) -> Reading | None:
    run = _RUN.match(text)
    if run and len(set(run[1])) > 1 and set(run[1]) <= set(options.letters):
        return Reading(frozenset(run[1]), "letter")
    match = (_HEADING if mode == "heading" else _UPPER).match(text) or _LOWER.match(text)
    if not match:
        return None
    letter, rest = match[1], text[match.end(1) :]
    if match.groupdict().get("open") and not _opens(letter, rest, options):
        return None
    found = options.letter(letter)
    found = found._replace(named=found.named | _more(letter, rest, options))
    return found.beside(options.of_text(key(rest)), letter.upper())


def _opens(letter: str, rest: str, options: AnswerOptions) -> bool:
    """Whether a letter with a word right behind it names an option: "B Moisture", but not "A plant", "I think", "T cells"."""
    if letter not in options.letters:
        return False
    own = options.keys[options.letters.index(letter)]
    return bool(own) and key(rest).startswith(own)


def _more(first: str, rest: str, options: AnswerOptions) -> frozenset[str]:
    """Further letters: "A or B"."""
    named: set[str] = set()
    at = 0
    while (more := _MORE.match(rest, at)) and more[1].isupper() == first.isupper():
        other = options.letter(more[1])
        if other.why:
            break
        named |= other.named
        at = more.end(1)
    return frozenset(named)


def _by_place(text: str, options: AnswerOptions, mode: Mode) -> Reading | None:
    match = _PLACE.match(text)
    if not match or (match["bare"] and options.digits):
        return None
    said = match[match.lastindex or 0].casefold()
    text_of = options.of_text(key(text[match.end() :]))
    if mode == "heading" and not text_of and not _alone(text, match.end()):
        return None
    found = options.number(int(said) if said.isdigit() else _WORDS[said])
    return found.beside(text_of, f"number {said}")


def _by_start(text: str, options: AnswerOptions, mode: Mode) -> Reading | None:
    """The longest option text that the statement begins with."""
    for article in ("", "the ", "a ", "an "):
        start = key(text).removeprefix(article)
        fits = [k for k in options.keys if k and start.startswith(k) and _ends(start[len(k) :], k)]
        if fits:
            longest = max(fits, key=len)
            return _with_joined(longest, start[len(longest) :], options, mode)
    return None


def _with_joined(own: str, rest: str, options: AnswerOptions, mode: Mode) -> Reading | None:
    """The option of the text ``own``, and what is joined to it in the ``rest``: "Moisture and sunlight"."""
    if mode == "heading" and not _alone(rest, 0):
        return None
    joined = _CONJOINED.match(rest)
    others = options.where(rest[joined.end() :].startswith) if joined else frozenset()
    return Reading(options.of_text(own) | others, "text")


def _ends(rest: str, text: str) -> bool:
    if not text[-1].isalnum():
        return True
    if text[-1].isdigit():
        return not re.match(r"\w|[.,:/^]\d|\s*[-+×*/=^%°]", rest)
    return not re.match(r"[\w'’]|-\w", rest)


def _alone(text: str, at: int) -> bool:
    """Whether nothing follows ``at`` but marks, a reason, or that this is right."""
    return bool(_RIGHT.match(text, at)) and not denied(text, at)
