"""Sentences of a reasoning trace, as offsets: the scheme ``sentence@1``.

    Hmm, it is 3.14, cf. \\(x. y\\)... Wait, is B. A. Lee right? So:
    ├───────────────────────────────┤ ├───────────────────────┤ ├─┤
    1. Try x = 3. Then stop.
    ├───────────┤ ├────────┤

A line break ends a unit: models use it so. Inside a line a unit ends at a stop of any script (spaCy's sentencizer
knows 130 of them) and the quotes, brackets and asterisks that close behind it, unless something says that the
sentence goes on. Code, formulas and table rows are never cut. A list marker belongs to its item, and what holds
no letter or digit (``---``) to its neighbour, so that every character but white space lies in exactly one unit.

What is never cut is masked first: fenced code, inline code, ``$…$``, ``$$…$$``, ``\\(…\\)``, ``\\[…\\]`` and
``\\begin{…}…\\end{…}``. Traces are cut off and misspelt: an opening without its closing protects nothing, and only
fenced code reaches across a blank line, so that a stray mark costs its own paragraph at most.

Paragraphs, the scheme ``paragraph@1``: a blank line ends one, except inside fenced code.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from ..spacy_module import spacy_module
from .language import Abbreviations, abbreviations

MASK = "\ue000"
"""Stands for a protected character: private use, so no rule of `sentence.py` sees a letter, stop or line break."""
MASK_STOP = "\ue001"
"""Stands for the last protected character where the formula ends in a stop: ``$x = 3.$ Then``."""

_FENCE = re.compile(r"^[ \t]*+(```+|~~~+)([^`\n]*+)$", re.MULTILINE)
_MARK = re.compile(
    r"(?P<blank>\n[ \t\r]*\n)|(?P<code>`+)|\\\\(?![()\[\]])|\\\$|(?P<dollars>\$\$?)"
    r"|(?P<open>\\[(\[])|(?P<close>\\[)\]])|\\(?P<env>begin|end)[ \t]*\{(?P<name>[A-Za-z]{1,24}\*?)\}"
)
_PROSE = re.compile(r"[a-z]{2,}[,;:.]? [a-z]{2,}")
_CLOSES = {"\\(": "\\)", "\\[": "\\]"}


Span = tuple[int, int]
"""Start and end, half-open."""


def protected(text: str) -> list[Span]:
    """All protected stretches in order, overlapping ones joined."""
    found: list[Span] = []
    before = 0
    for start, end in _fences(text):
        found += _marked(text, before, start)
        found.append((start, end))
        before = end
    found += _marked(text, before, len(text))
    return found


def mask(text: str) -> str:
    """The text with every protected character replaced; same length, same offsets."""
    parts: list[str] = []
    at = 0
    for start, end in protected(text):
        inner = text[start:end].rstrip("$`\\)] \n\r\t")
        last = MASK_STOP if inner[-1:] in (".", "!", "?", "。") else MASK
        parts += [text[at:start], MASK * (end - start - 1), last]
        at = end
    return "".join([*parts, text[at:]]) if parts else text


def _fences(text: str) -> Iterator[Span]:
    """Fenced code: an opening line and the next line that is a bare fence of the same kind."""
    lines = [(m.start(), m.end(), m[1][0], bool(m[2].strip())) for m in _FENCE.finditer(text)]
    closing: list[int | None] = [None] * len(lines)
    nearest: dict[str, int] = {}
    for i in range(len(lines) - 1, -1, -1):
        _, _, kind, titled = lines[i]
        closing[i] = nearest.get(kind)
        if not titled:
            nearest[kind] = i
    i = 0
    while i < len(lines):
        close = closing[i]
        if close is None:
            i += 1
        else:
            yield lines[i][0], lines[close][1]
            i = close + 1


def _marked(text: str, start: int, end: int) -> list[Span]:
    """Stretches between marks in ``text[start:end]``: each opening waits for its closing until the paragraph ends."""
    marks = _Marks(text)
    for m in _MARK.finditer(text, start, end):
        if m.lastgroup:  # none: an escaped mark
            getattr(marks, m.lastgroup)(m)
    return _joined(marks.found)


class _Marks:
    """What was found, and the openings that wait; one method for each kind of mark (the groups of `_MARK`)."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.found: list[Span] = []
        self.blank()

    def blank(self, _: object = None) -> None:
        self.maths: tuple[str, int] | None = None
        self.dollar: tuple[str, int] | None = None
        self.ticks: dict[int, int] = {}
        self.environments: list[tuple[str, int]] = []

    def code(self, m: re.Match[str]) -> None:
        opened = self.ticks.pop(len(m[0]), None)
        if opened is not None and "\n" not in self.text[opened : m.start()]:
            self.found.append((opened, m.end()))
            self.ticks = {}
        else:
            self.ticks[len(m[0])] = m.start()

    def dollars(self, m: re.Match[str]) -> None:
        opened = self.dollar
        if opened and opened[0] == m[0] and _is_formula(self.text, opened[1], m.start(), m[0]):
            self.found.append((opened[1], m.end()))
            self.dollar = None
        else:
            self.dollar = (m[0], m.start())

    def open(self, m: re.Match[str]) -> None:
        at = m.start()
        if self.maths is None or self.text[at - 1 : at] != "\\":  # the \\\\[2pt] of a row break opens nothing
            self.maths = (m[0], at)

    def close(self, m: re.Match[str]) -> None:
        if self.maths and _CLOSES[self.maths[0]] == m[0]:
            self.found.append((self.maths[1], m.end()))
        self.maths = None

    def name(self, m: re.Match[str]) -> None:
        if m["env"] == "begin":
            self.environments.append((m["name"], m.start()))
        elif self.environments and self.environments[-1][0] == m["name"]:
            self.found.append((self.environments.pop()[1], m.end()))


def _is_formula(text: str, opened: int, closed: int, mark: str) -> bool:
    """Tell ``$x + 1$`` from the prices in "$5 and $7": no space inside the marks, no digit behind, no prose after a digit."""
    if mark == "$$":
        return closed > opened + 2
    inner = text[opened + 1 : closed]
    if (
        not inner
        or "\n" in inner
        or inner[0].isspace()
        or inner[-1].isspace()
        or text[closed + 1 : closed + 2].isdigit()
    ):
        return False
    return not (inner[0].isdigit() and _PROSE.search(inner))


def _joined(stretches: list[Span]) -> list[Span]:
    joined: list[Span] = []
    for start, end in sorted(stretches):
        if joined and start < joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], end))
        else:
            joined.append((start, end))
    return joined


_LINE = re.compile(r"[^\n\r\v\f\x85\u2028\u2029]+")
_CLOSERS = "\"'”’»›」』）】》)\\]}*_"
_FRENCH_CLOSER = "[ \u00a0\u202f][»›]"
"""French sets a space inside its quotation marks: « Pourquoi ? »."""
_SKIP = re.compile(r"[\s\"'“‘«‹「『（【《(\[{*_#>]*+")
_SPACED = frozenset(".!?…" + MASK_STOP)
"""Stops that end a sentence only before white space, as a rule; all others are of scripts written without spaces."""
_OPERATORS = frozenset("=+*/^<>≤≥≈≠×·÷,;:)]}|&")
_GOES_ON = frozenset("，、；：")
"""Behind a stop, the sentence goes on: ``“不对！”，``."""
_MARKER = re.compile(
    r"[\W_]*+(?:(?P<word>step|case|part|option|choice|phase|method|approach|question|problem|example|claim|q"
    r"|문제|질문|단계|예제|예시|보기|방법|schritt|fall|aufgabe|frage|beispiel|paso|caso|ejemplo|pregunta|étape|cas|exemple|шаг|случай|задача|пример|вопрос)\s+)?"
    r"(?P<number>\d{1,3}|[A-Za-zÀ-ÿΑ-ωА-яё가나다라마바사ㄱ-ㅎ一二三四五六七八九十甲乙丙丁ア-オ]|[ivxlIVXL]{2,5})[.)\]:、．]\W*",
    re.IGNORECASE,
)
_TABLE_ROW = re.compile(r"\s*\|.*\|\s*")
_OPENERS = "([{\"'“‘«*_"
_WORD = re.compile(r"[^\W\d_]+")
_GLUED = re.compile(r"([A-Z][a-z]*)[ ,]")
_FACTORIAL = re.compile(r"(?:[\d)]|(?<!\w)[A-Za-z])$")
_VARIABLE = re.compile(r"(?!a\b)[a-z]\s*[=<>≤≥≈+*/^-]")
_PARTICLE = re.compile(r"[\u3040-\u309f\uac00-\ud7a3]")
"""Kana or Hangul right behind a quotation: 「왜?」라고, 「なぜ？」と."""
_QUOTED = re.compile(
    r"「[^「」\n]{0,200}」(?=[\u3040-\u309f])|『[^『』\n]{0,200}』(?=[\u3040-\u309f])"
    r"|[\"“][^\"“”\n]{0,200}[\"”](?=\s?(?:이?라고|이?라며|이?라면서|하고|하며|하면서|고 )(?![^\W\d_]*[.!?]?[\"”]))"
)
"""A quotation of several sentences in one that goes on: 「はい。そうです。」と言った, "네. 맞아요."라고 했다."""
_SAYS_ON = re.compile(
    r"\s(?:이?라고|이?라며|하고|하며|하면서)(?!\w)|\s*—\s*(?=[^\W\d_])(?!\s*[A-ZА-ЯЁ])|\s*–\s*(?=[а-яё])"
)
"""Behind a quotation: "왜?" 하고 물었다, «Почему?» — спросил учитель."""
_QUOTE_MARKS = frozenset("\"'”’»›」』")
_TITLE = re.compile(r"[^\w\s]*[》』〉][^\w\s]*")
_CHINESE_GOES_ON = re.compile(
    r"[的都也是这那之和与或等就便还又却而并及]|然后|[^\s，。！？“”「」]{1,4}?(?:说|說|问|問|喊|叫道|道[：:，])"
)
"""What follows a quotation that asks or exclaims within a Chinese sentence: “为什么？”老师问。"""
_CHINESE_SAYS = re.compile(r"[^\s，。！？“”「」没沒不]{1,6}?(?:说|說|问|問|喊|道|答)(?:道)?[，。,.：:！]")
"""What follows a quotation that is a whole sentence: “我不会做。”小明小声说。"""
_DATE = re.compile(r"(?<![\d.])(?:19|20)\d\d\. ?\d{1,2}\.(?: ?\d{1,2}\.)?")
_DOUBLED = re.compile(r"([A-Z])\1")
"""Spanish plurals: "EE. UU.", "FF. AA."."""
_NUMBERED = re.compile(r"(?:(?<![A-Za-z])[A-Za-z]|\d)$")


@cache
def _stop() -> re.Pattern[str]:
    """Runs of stops with what closes behind them. Possessive, and nothing can fail behind a run: linear on any input."""
    marks = spacy_module().pipeline.Sentencizer.default_punct_chars
    stops = re.escape("".join(marks) + "…" + MASK_STOP)
    return re.compile(f"([{stops}]++)((?:[{_CLOSERS}]|{_FRENCH_CLOSER})*+)")


def sentences(text: str, lang: str) -> list[Span]:
    """Half-open offsets of the sentences, in order; each begins and ends with a character that is not white space."""
    masked = mask(text)
    known = abbreviations(lang)
    spans: list[Span] = []
    for line in _LINE.finditer(masked):
        spans += _in_line(masked, line.start(), line.end(), known)
    return merged(text, (trimmed(text, *span) for span in spans))


def trimmed(text: str, start: int, end: int) -> Span:
    """The span without the white space at its ends."""
    part = text[start:end]
    return start + len(part) - len(part.lstrip()), end - len(part) + len(part.rstrip())


def merged(text: str, spans: Iterator[Span]) -> list[Span]:
    """Give a lone list marker to what follows it, and what holds no letter or digit to what precedes it."""
    whole: list[Span] = []
    waiting: int | None = None
    for start, end in spans:
        if start >= end:
            continue
        part = text[start:end]
        if waiting is not None:
            start, waiting = waiting, None
        if end - start <= 32 and _MARKER.fullmatch(part):
            waiting = start
        elif not any(map(str.isalnum, part)):
            if whole:
                whole[-1] = (whole[-1][0], end)
            else:
                waiting = start
        else:
            whole.append((start, end))
    if waiting is not None:  # nothing follows
        begin = whole.pop()[0] if whole else waiting
        whole.append((begin, len(text.rstrip())))
    return whole


def _in_line(text: str, start: int, end: int, known: Abbreviations) -> Iterator[Span]:
    """Cut one line of masked text."""
    if _TABLE_ROW.fullmatch(text, start, end):
        yield start, end
        return
    at, number = start, ""
    quoted = [m.span() for m in _QUOTED.finditer(text, start, end)]
    for stop in _stop().finditer(text, start, end):
        cut = stop.end()
        if cut == end:
            break
        if any(begin < stop.start() and cut < close for begin, close in quoted):
            continue
        marker = _MARKER.fullmatch(text, at, cut) if cut - at <= 32 else None
        if marker and (at == start or marker["word"] or marker["number"] in ("1", "a", "A", _next(number))):
            number = marker["number"]
        elif _ends(text, at, stop, end, known):
            yield at, cut
            at = cut
    yield at, end


def _next(number: str) -> str:
    """What follows a list's number or letter."""
    return str(int(number) + 1) if number.isdecimal() else chr(ord(number) + 1) if len(number) == 1 else ""


def _ends(text: str, at: int, stop: re.Match[str], end: int, known: Abbreviations) -> bool:
    """Whether the unit that began at ``at`` ends behind this stop, which is not the last thing on its line."""
    run, close, cut = stop[1], stop[2], stop.end()
    if text[cut] in _GOES_ON or _in_date(text, at, stop):
        return False
    if _QUOTE_MARKS & set(close) and _SAYS_ON.match(text, cut, end):
        return False
    if not set(run) <= _SPACED:
        numbered = run == "．" and (text[cut].isdigit() or _NUMBERED.search(text, at, stop.start()))
        return not numbered and not _quotes(text, stop)
    if not text[cut].isspace():
        return _ends_unspaced(text, stop, known)
    begin = _SKIP.match(text, cut, end).end()  # type: ignore[union-attr]  # it matches the empty string too
    following = text[begin] if begin < end else " "
    if run == ".":
        return _period_ends(text, max(at, stop.start() - 64), stop.start(), begin, end, known)
    if not _asks(run):  # a formula that ends in a stop; "..." and "…"
        return following.isupper()
    if following in _OPERATORS:
        return False
    if run == "!" and _FACTORIAL.search(text, max(at, stop.start() - 2), stop.start()):
        return following.isupper()
    return not (close and following.islower())


def _ends_unspaced(text: str, stop: re.Match[str], known: Abbreviations) -> bool:
    """A stop with no space behind it: usual in scripts without case, an oversight before "So" and its like."""
    cut = stop.end()
    if _is_uncased(text[cut]):
        before = text[stop.start() - 1 : stop.start()]
        return (_asks(stop[1]) or (stop[1] == "." and _is_uncased(before))) and not _quotes(text, stop)
    word = _GLUED.match(text, cut)
    return bool(word and stop[1] in (".", "?", "!") and word[1] in known.openers)


def _asks(run: str) -> bool:
    """Whether a run of stops asks or exclaims."""
    return "?" in run or "!" in run


def _quotes(text: str, stop: re.Match[str]) -> bool:
    """Whether the stop only ends a quotation or a title, after which a Chinese, Japanese or Korean sentence goes on."""
    close, cut = stop[2], stop.end()
    if not close:
        return False
    if not _QUOTE_MARKS & set(close) and "。" in stop[1]:
        return False  # a sentence in brackets: （間違いだ。）やり直そう。
    if _PARTICLE.match(text, cut) or _TITLE.fullmatch(close):
        return True
    if _QUOTE_MARKS & set(close) and _CHINESE_SAYS.match(text, cut):
        return True
    return bool({"？", "！", "?", "!"} & set(stop[1]) and _CHINESE_GOES_ON.match(text, cut))


def _in_date(text: str, at: int, stop: re.Match[str]) -> bool:
    """Whether the period is one of a date, "2024. 3. 5.": the last one too where what follows cannot begin a sentence visibly."""
    if stop[1] != ".":
        return False
    for date in _DATE.finditer(text, max(at, stop.start() - 12), stop.end() + 8):
        if date.start() <= stop.start() < date.end():
            following = text[stop.end() : stop.end() + 2].lstrip()
            return stop.end() < date.end() or bool(following and _is_uncased(following[0]))
    return False


def _period_ends(text: str, at: int, stop: int, begin: int, end: int, known: Abbreviations) -> bool:
    """Whether the sentence, not only a word, ends at this period; what follows begins at ``begin``."""
    preceding, word = _words_before(text, at, stop)
    after = _WORD.match(text, begin, end)
    following = after[0] if after else ""
    char = text[begin] if begin < end else " "
    if following[:1].isupper() and known.is_unit(preceding, word):
        return True
    if known.holds(word, following, char.isdigit() or char == MASK):
        return False
    if _DOUBLED.fullmatch(word) and _DOUBLED.fullmatch(following):
        return False
    if char.islower():
        return bool(_VARIABLE.match(text, begin, end))
    if len(word) == 1 and word.isalpha():
        if char.isdigit():
            return word.islower() or preceding.isalpha()
        return not known.is_initial(preceding, following, text[begin + 1 : begin + 2] == ".")
    return char not in _OPERATORS


def _words_before(text: str, at: int, stop: int) -> tuple[str, str]:
    """The last two words before a period; the last is empty where a space stands before the period."""
    *_, preceding, word = ("", "", *text[at:stop].split())
    return preceding.lstrip(_OPENERS), "" if text[stop - 1].isspace() else word.lstrip(_OPENERS)


def _is_uncased(char: str) -> bool:
    """A letter of a script without capitals."""
    return char.isalpha() and not char.isupper() and not char.islower()


_BLANK = re.compile(r"\n[^\S\n]*+\n\s*+|\r\n?[^\S\r]*+\r\s*+|\u2029")


def paragraphs(text: str) -> list[Span]:
    """Half-open offsets of the paragraphs, in order."""
    masked = mask(text)
    cuts = [0, *(at for blank in _BLANK.finditer(masked) for at in blank.span()), len(text)]
    return merged(text, (trimmed(text, start, end) for start, end in zip(cuts[::2], cuts[1::2], strict=True)))
