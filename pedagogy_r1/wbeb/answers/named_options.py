"""Options as an answer may name them: by letter, by number, by text. One statement in, the options it names out.

"(B) Moisture, since …"    {B} letter      "option two"     {B} number      "the second option"  {B} number
"A or C"                   {A, C}          "moisture"       {B} text        "A student who …"    nothing
"B. Temperature"           {B}, and why not: says B with the text of C
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal, NamedTuple

from .answer_language import alternatives, any_of, numbered, words
from .statement import denied, key

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


class Reading(NamedTuple):
    """Options named, and how: ``letter``, ``number`` or ``text``. ``why``: what makes the statement unreadable."""

    named: frozenset[str]
    how: str
    why: str | None = None
    hedged: bool = False
    """Whether it is said in doubt: "probably B", "B?"."""

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


_MARKS = (
    r"""[\s"'“”‘«「『【(\[{<~|…]|\.\.+|\\boxed\s*\{|∴|[\u2190-\u21ff\u2300-\u2bff\U0001f000-\U0001faff]"""
)
_CLOSERS = r"""\s*$|\s*[)\]}>"”»」』】]|['’](?![A-Za-z])|\s*[,;:!?、。，；：=]|\.+(?=\s|$|["'”)\]])|\s*[–—](?!\w)|\s+-\s|\s*/|\s*&|\s+\(|\s*\((?=[^\x00-\x7F]|[A-Za-z ]{3})|\s*→|\s*</\w|\s*【"""
_SHORTENED = r"\.(?: [a-z]|[A-Za-z])\.\s+\S"
"""Behind the letter of an abbreviation: "D. h.", "B.C."."""
_JOINED = r"\s+(?:and|or|because|since|as|but|while|which|given|due|is|would|in|for|with|from|by|here|best|rather|instead|over|und|y|e|et|o|ou|oder|или|и|atau|dan|hoặc|và)\b"


@dataclass(frozen=True)
class _Grammar:
    """The patterns that need the languages' words; made once."""

    peel: re.Pattern[str]
    upper: re.Pattern[str]
    heading: re.Pattern[str]
    more: re.Pattern[str]
    places: tuple[re.Pattern[str], ...]
    bare_place: re.Pattern[str]
    denied: re.Pattern[str]
    against: re.Pattern[str]
    doubted: re.Pattern[str]
    right: re.Pattern[str]
    conjoined: re.Pattern[str]


@cache
def _grammar() -> _Grammar:
    options, ends, joins = any_of("options"), any_of("ends", bounded=False), any_of("joins")
    short, long = [a for a in words("articles") if len(a) == 1], [a for a in words("articles") if len(a) > 1]
    ahead = rf"(?=[(\[\"'“]*[A-Z](?![A-Za-zÀ-ÿ])|{options})"
    article = rf"(?:(?:{'|'.join(short)})\s+|{alternatives(long, bounded=False)}\s*){ahead}"
    behind = f"{any_of('chosen_behind', bounded=False)}|{any_of('right', bounded=False)}"
    number = "|".join(f"(?:{p})" for p, _ in numbered())
    places = [
        rf"{options}\s*[(\[]?#?\s*(?P<n>[1-9]|{number})(?![\w.]\w|[A-Za-z])",
        *(p.replace("{n}", f"(?P<n>[1-9]|{number})").replace("{d}", "(?P<n>[1-9])") for p in words("places")),
        r"[(\[]?#\s*(?P<n>[1-9])\b",
        rf"(?P<n>{number})(?=\W*$)",
        r"[(\[]?(?P<n>(?P<bare>[1-9]))(?=[)\]]|\s*$|[.:](?:\s|$)|[。，입이])",
    ]
    return _Grammar(
        re.compile(
            rf"(?P<mark>{_MARKS})|(?P<hedge>{any_of('hedges')}[\s,:]*)|(?P<say>{any_of('says')}[\s,:]*)"
            rf"|(?P<article>{article})|(?P<noun>{options}\s*[:#]?\s*)|(?P<both>(?i:both|either)\s+)"
        ),
        re.compile(
            rf"([A-Z])(?!{_SHORTENED})(?:{_CLOSERS}|(?={_JOINED})|[\r\n]|\s*(?={ends})|\s*(?={behind})|\s*(?={any_of('joins', bounded=False)}\s*[A-Z](?![A-Za-z]))|(?P<open>\s+))"
        ),
        re.compile(
            rf"""([A-Z])(?!{_SHORTENED})(?:\s*!*\s*$|\s*</\w|[)\]}}>"”»」』】’'.]+(?=\s|$)|\s*[,;)、，](?=\s|$)|\s*:(?=\s*(?P<colon>\S)|\s*$)|\s*。|\s*[–—]\s|\s+-\s"""
            rf"""|(?=\s+(?:because|since|as)\b)|\s*(?={ends}\W*$)|(?P<open>\s+))"""
        ),
        re.compile(
            rf"""[)\]}}"'.]*\s*(?:(?:[,、，/&+→]|->)\s*(?:and|or)?|{joins}|{any_of("joins", bounded=False)}(?=\s*[(\[]?[A-Z]))\s*(?:also\s+|maybe\s+|possibly\s+)?(?:{options}\s*)?[("'\[]*([A-Za-z])(?=[)\]"'}}”’」,.;:!?/&、，。]|\s*$|\s*{ends}|\s+(?:and|or|are|both)\b|[^\x00-\x7F]|\s*{any_of("joins", bounded=False)}\s*[A-Z](?![A-Za-z]))"""
        ),
        tuple(re.compile(place, re.I) for place in places),
        re.compile(rf"(?P<n>[1-9]|{number})(?![\w.]\w|[A-Za-z])", re.I),
        re.compile(any_of("denials_behind", bounded=False)),
        re.compile(rf"\W*(?:(?i:is|are|was|would be|es|ist|est|é|è)\s+)?{any_of('denials')}"),
        re.compile(rf"\s*[)\]\"'”’」]*\s*\?|[)\]\"'”’」.]*{any_of('hedges_behind', bounded=False)}"),
        re.compile(
            rf"[)\]}}\"”’.,。!]*(?:\s*(?:{ends})?[.。!]?\s*$|\s*(?:because|since|as)\b|\s*{any_of('right', bounded=False)})",
            re.I,
        ),
        re.compile(rf"[\s\"'”)]*(?:[,/&]|{joins})\s*(?:the\s+)?", re.I),
    )


@cache
def _number_of(said: str) -> int:
    """The number that a word says: "second" 2."""
    if said.isdigit():
        return int(said)
    return next(n for pattern, n in numbered() if re.fullmatch(pattern, said, re.I))


_LOWER = re.compile(
    r"""([a-z])(?:\s*$|\s*[)\]}"”»」』]|['’](?!\w)|\.+(?=\s*$)|[:;,](?=\s|$)|(?=\s+(?:because|since|as)\b))"""
)
_GLUED = re.compile(r"([A-Z])(?P<open>\s*[.:|-]\s*)(?=\w)")
"""A letter and the text of its option, with no space between: "C.Temperature"."""
_PREFERRED = re.compile(r"\W*(?:rather than|instead of)\b")
_RUN = re.compile(r"[(\[]?([A-Z]{2,6})[)\]]?\W*$")


class Peeled(NamedTuple):
    """What is left of a statement behind the words that lead up to the answer itself."""

    rest: str
    noun: bool = False
    """Whether "option" or its like was among them."""
    hedged: bool = False
    said: bool = False
    """Whether there were other words: "it's"."""


def peel(text: str) -> Peeled:
    """Without quotes, brackets, ellipses, "it's", "probably", "the option".

    >>> peel("... I think it's option 'C'")
    Peeled(rest="C'", noun=True, hedged=True, said=True)
    """
    at, kinds = 0, set()
    for _ in range(24):
        match = _grammar().peel.match(text, at)
        if not match or match.end() == at:
            break
        kinds.add(match.lastgroup)
        at = match.end()
    return Peeled(text[at:], "noun" in kinds, "hedge" in kinds, bool(kinds & {"say", "both"}))


Mode = Literal["stated", "heading"]
"""``stated``: behind a lead. ``heading``: nothing leads up to it, so nothing may follow but a mark, a reason, or that it
is right."""


def read(text: str, options: AnswerOptions, mode: Mode = "stated") -> Reading | None:
    """What the beginning of ``text`` names, or ``None``."""
    text = text.strip()
    if same := options.of_text(key(text)):
        return Reading(same, "text")
    peeled = peel(text)
    if not peeled.rest:
        return None
    found = _by_letter(peeled.rest, options, mode)
    found = found or _by_place(text, peeled, options, mode)
    for start in dict.fromkeys((text, peeled.rest)):
        found = found or _by_start(start, options, mode)
    found = found or (_by_amount(text, options) if mode == "stated" else None)
    if found and mode == "heading" and peeled.hedged and _names_another(peeled.rest, found, options):
        return None
    if found and (peeled.hedged or (mode == "heading" and peeled.said)):
        return found._replace(hedged=True)
    return found


def _names_another(text: str, found: Reading, options: AnswerOptions) -> bool:
    """Whether another letter comes up behind one that was only guessed: "Maybe B. Hmm, no: C"."""
    letters = re.findall(r"(?<![A-Za-z'’])[A-Z](?![A-Za-z'’])", text)
    return any(letter in options.letters and letter not in found.named for letter in letters)


def _by_letter(text: str, options: AnswerOptions, mode: Mode) -> Reading | None:
    if run := _run_of_letters(text, options):
        return Reading(run, "letter")
    match = (_grammar().heading if mode == "heading" else _grammar().upper).match(text) or _LOWER.match(text)
    match = match or _GLUED.match(text)
    if not match:
        return None
    letter, rest = match[1], text[match.end(1) :]
    told = match.groupdict()
    if (told.get("open") or told.get("colon")) and not _opens(letter, rest, options):
        return None
    if mode == "heading" and _grammar().against.match(rest):
        return None
    if _grammar().denied.match(rest.lstrip("\"'”’」)")) and not _PREFERRED.match(rest):
        return Reading(frozenset(), "letter", f"says that it is not {letter.upper()}")
    found = options.letter(letter)
    found = found._replace(
        named=found.named | _more(letter, rest, options), hedged=bool(_grammar().doubted.match(rest))
    )
    found = found.beside(options.of_text(key(rest)), letter.upper())
    return found._replace(hedged=True) if _begins_as_another(rest, found, options) else found


def _run_of_letters(text: str, options: AnswerOptions) -> frozenset[str]:
    """Several letters in one word: "ACD"."""
    run = _RUN.match(text)
    letters = frozenset(run[1]) if run else frozenset()
    return letters if len(letters) > 1 and letters <= set(options.letters) else frozenset()


def _begins_as_another(rest: str, found: Reading, options: AnswerOptions) -> bool:
    """Whether the sentence behind a letter begins with the words of another option: "C. The skin is the organ that …"."""
    behind = key(rest)
    begun = options.where(lambda own: behind.startswith(own) and _ends(behind[len(own) :], own))
    return bool(begun) and not begun & found.named


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
    while (more := _grammar().more.match(rest, at)) and more[1].isupper() == first.isupper():
        other = options.letter(more[1])
        if other.why:
            break
        named |= other.named
        at = more.end(1)
    return frozenset(named)


def _by_place(text: str, peeled: Peeled, options: AnswerOptions, mode: Mode) -> Reading | None:
    bare = text.lstrip("\"'“‘«「『 ")
    starts = [bare, peeled.rest, re.sub(r"^(?i:the|la|el|die|der|das|le|a|o)\s+", "", bare)]
    tried = (place.match(start) for place in _grammar().places for start in starts)
    match = next(filter(None, tried), None)
    if not match and peeled.noun:
        match = _grammar().bare_place.match(peeled.rest)
    if not match or (match.groupdict().get("bare") and options.digits):
        return None
    rest = match.string[match.end() :]
    text_of = options.of_text(key(rest))
    if mode == "heading" and not text_of and not _alone(rest, 0):
        return None
    return options.number(_number_of(match["n"].casefold())).beside(text_of, f"number {match['n']}")


def _by_start(text: str, options: AnswerOptions, mode: Mode) -> Reading | None:
    """The longest option text that the statement begins with."""
    for article in ("", "the ", "a ", "an "):
        start = key(text).removeprefix(article)
        fits = [k for k in options.keys if k and start.startswith(k) and _ends(start[len(k) :], k)]
        if fits:
            longest = max(fits, key=len)
            return _with_joined(longest, start[len(longest) :], options, mode)
    return None


def _by_amount(text: str, options: AnswerOptions) -> Reading | None:
    """The one option of a bare number, whose unit was left out: "64" for "64 square centimetres"."""
    said = key(text)
    if not re.fullmatch(r"\d+(?:[.,]\d+)*", said):
        return None
    fits = options.where(lambda own: re.match(re.escape(said) + r"\s*[^\W\d]", own) is not None)
    return Reading(fits, "text") if len(fits) == 1 else None


def _with_joined(own: str, rest: str, options: AnswerOptions, mode: Mode) -> Reading | None:
    """The option of the text ``own``, and what is joined to it in the ``rest``: "Moisture and sunlight"."""
    letter = re.fullmatch(r"\W*\(([a-z])\)?\W*", rest)
    if letter and letter[1].upper() in options.letters:
        said = letter[1].upper()
        why = None if said in options.of_text(own) else f"says {said} with the text of another option"
        return Reading(options.of_text(own), "text", why)
    if mode == "heading" and not _alone(rest, 0):
        return None
    joined = _grammar().conjoined.match(rest)
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
    return bool(_grammar().right.match(text, at)) and not denied(text, at)
