"""A statement: the place in an answer where it says what it answers. Choices, words, numbers and values are read there first.

    "Pot B is dry, so **the answer is (B)** Moisture."      Statement("statement", "(B) Moisture.", 19)
    "…\\n\\nAnswer: right\\nProbability: 0.73"                Statement("answer line", "right", 2)
    "Thus \\\\boxed{\\\\text{C}}"                                Statement("boxed", "C", 5)
    "【答案】C"                                              Statement("answer line", "C", 0)

Markup (bold, HTML, LaTeX wrappers, full-width letters) is taken off first; what a circled number says is kept as ``#2``. What
stands behind an end-of-text mark is no part of the answer, nor is what stands behind a new question (`before_run_on`). A
statement that is a question or stands behind "if" is none. Reading what it holds is up to the reader.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from functools import cache, lru_cache
from typing import NamedTuple

from .answer_language import any_of, languages
from .formula import unicode_math
from .parsed import Parsed

FORMAL = frozenset({"answer line", "boxed", "tag"})
"""Rules that fire on a form made for answering; ``statement`` fires on a sentence that says it answers."""

LONGEST = 20_000
"""Only the end of a longer answer is read: the answer stands at the end, and time stays linear."""

ASKED_IN = "English"
"""The language of the prompts: a domain's own nouns ("Prediction:") stand in for this language's."""


class Statement(NamedTuple):
    """``text``: what follows the lead, to the end of its line; ``at``: where, in the plain text."""

    rule: str
    text: str
    at: int


_SIGNS = str.maketrans(
    {
        **{
            chr(start + k): f" #{k + 1} "
            for start in (0x2460, 0x2776, 0x2780, 0x278A, 0x24F5)
            for k in range(9)
        },
        **{chr(start + k): chr(65 + k) for start in (0x1F150, 0x1F170) for k in range(26)},
        **dict.fromkeys("\u200b\u200c\u200d\u2060\ufeff\ufe0f", ""),
    }
)
_ENDS = re.compile(
    r"</(?:final[_ ]?)?answer>\s*\Z|<[|｜][^<>|｜\n]{0,30}(?:end|eo[stm]|return|user|human|im_start|pad|call)[^<>|｜\n]{0,30}[|｜]>"
    r"|</s>|<eos>|<pad>|<end_of_(?:turn|text)>|<turn\|>|\[/?INST\]|\[EOS\]|<start_of_turn>\s*user",
    re.I,
)
_SPECIAL = re.compile(
    r"<[|｜][^<>|｜\n]{1,40}[|｜]>|<s>|<bos>|\[BOS\]|<start_of_turn>\s*model|<\|turn>\s*model", re.I
)
_HTML = re.compile(
    r"</?(?:b|i|u|em|strong|span|font|mark|code|kbd|small|big|sub|sup|tt|center|a)(?:\s[^<>\n]{0,200})?/?>"
    r"|(?P<line></?(?:p|br|div|li|ul|ol|h[1-6]|pre|tr|td|th|table|tbody|section|body|html)(?:\s[^<>\n]{0,200})?/?>)",
    re.I,
)
_DRESS = r"(?:text(?:bf|rm|it|sf|tt|up|normal|color)?|math(?:bf|rm|it|sf|tt|bb|cal)|boldsymbol|bm|bf|rm|mbox|hbox|underline|emph|operatorname\*?)"
_COLOR = re.compile(r"\\(?:text|math)?color\s*(?:\[[^\]\n]{0,20}\])?\s*\{[^{}\n]{0,40}\}")
_FRAME = re.compile(r"\\(?:fbox|framebox|fboxed|framed)\b")
_BARE_BOX = re.compile(
    rf"\\boxed\s*(?:\\{_DRESS}\s*\{{(?P<a>[^{{}}\n]{{0,100}})\}}|\s(?P<b>[A-Za-z0-9]{{1,12}})(?![\w{{]))"
)
_MATH = re.compile(rf"\\{_DRESS}\s*\{{([^{{}}\n]{{0,300}})\}}")
_SWITCH = re.compile(
    r"\\(?:bf|rm|it|sf|tt|em|large|Large|LARGE|huge|Huge|small|tiny|bfseries|itshape|displaystyle|textstyle|mathbf|mathrm|boldsymbol|textbf|textrm|text)(?![A-Za-z{])[ \t]*"
)
_MARKUP = re.compile(
    r"[*`$]+|(?<!\w)_+|_+(?!\w)|\\[()\[\]]|\\(?:left|right|quad|,|;|!|:| )(?![a-z])|^[ \t]*[#>]+[ \t]", re.M
)


_TIMES = re.compile(r"(?<=[\d)}])\s?(?<!\*)\*(?!\*)\s?(?=[\d(\\])")
_MARKUP_BUT_MATH = re.compile(r"[*`]+|(?<!\w)_+(?!\w)|^[ \t]*[#>]+[ \t]", re.M)


def plain(text: str, *, formulas: bool = False) -> str:
    """Without markup, full-width and mathematical letters as ordinary ones; lines stay lines. ``formulas``: with the signs of LaTeX.

    >>> plain("**Ａ.** costs \\\\text{two}, or ②")
    'A. costs two, or  #2 '
    """
    text = _before_end(text[-LONGEST:])
    if formulas:
        text = unicode_math(text)
    text = unicodedata.normalize("NFKC", text.translate(_SIGNS))
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    text = _HTML.sub(lambda m: "\n" if m["line"] else "", text)
    if "&" in text:
        text = html.unescape(text).replace("\xa0", " ")
    if formulas:
        text = _TIMES.sub("×", text)
        return _MARKUP_BUT_MATH.sub("", _FRAME.sub(r"\\boxed", text))
    if "\\" in text:
        text = _undressed(text)
    return _MARKUP.sub("", text)


def _undressed(text: str) -> str:
    """Without what LaTeX only wraps around an answer; every box a ``\\\\boxed{…}``."""
    text = _FRAME.sub(r"\\boxed", _COLOR.sub("", text))
    text = _BARE_BOX.sub(lambda m: rf"\boxed{{{m['a'] or m['b'] or ''}}}", text)
    for _ in range(3):
        text = _MATH.sub(r"\1", text)
    return _SWITCH.sub("", text)


def _before_end(text: str) -> str:
    """What stands before the first end-of-text mark that has anything before it; without special tokens."""
    for mark in _ENDS.finditer(text):
        if re.search(r"\w", _SPECIAL.sub("", text[: mark.start()])):
            text = text[: mark.start()]
            break
    return _SPECIAL.sub("", text)


# ------------------------------------------------------------------------------------------------- statements

_TAG = re.compile(r"<(?:final[_ ]?)?(?:answer|option|choice)>\s*([^<]{0,500}?)\s*(?:</|\Z)", re.I)
_BOX = re.compile(r"\\boxed\s*\{")
_JOINED_BOXES = re.compile(r"[\s,;&]*(?:(?:and|or|和|或|와|과|y|o|und|oder|et|ou|e)\s*)?[\s,;&]*", re.I)
_COLON = r"(?:[\"'”\])]?\s*[:=]+>?|[】\]]\s*[:=]*)"
_SAYS = r"(?:[\"'”]?\s*[:=]+>?|[】\]]\s*:?|\s*(?:→|->|–|—|-)\s|(?:\s*\([^()\n]{0,30}\))?\s*:)"
_ABOUT = r"(?:\s+(?:choice|option|letter|key|here|to|for|of)\b[^.,;:?!\n]{0,60}?)?"
_ALONE = r"(?:\s*\n\s*|\s+(?=[(\[]?[A-Z0-9][)\]]?\s*[.!]?\s*$))"
_IF = re.compile(
    r"(?:\b(?:if|whether|suppose|assuming|unless|had|were)\s+(?:that\s+)?(?:the\s+|my\s+)?(?:\w+\s+)?)$", re.I
)


@lru_cache(maxsize=16)
def _leads(nouns: tuple[str, ...]) -> re.Pattern[str]:
    said, every = [], []
    for one in languages():
        called = "|".join(nouns if nouns and one.name == ASKED_IN else one.nouns)
        if called:
            every.append(called)
            says = "|".join([_SAYS, *one.is_])
            said.append(rf"(?<![A-Za-zÀ-ÿа-яё])(?:{called}){_ABOUT}(?:{says})")
        said += one.leads
    head = (
        r"^[^\w\n]*(?:\d{1,2}[.)]\s*)?(?:(?:so|thus|therefore|the|my|final|overall|correct|best)[\s,]+){0,3}"
    )
    line = rf"(?P<line>{head}(?:{'|'.join(every)})(?:\s+(?:choice|option|letter))?(?:{_COLON}|{_ALONE}))"
    return re.compile(f"{line}|(?P<said>{'|'.join(said)})", re.I | re.M)


def statements(text: str, nouns: Sequence[str] = ()) -> list[Statement]:
    """Statements of a `plain` text, in order. ``nouns``: what is said to be something ("prediction", "score"), as patterns,
    instead of ("answer", "choice", …)."""
    boxes = list(_boxes(text))
    found = [Statement("boxed", _cut(inner), start) for start, _, inner in _together(text, boxes)]
    found += [Statement("tag", _cut(m[1]), m.start()) for m in _TAG.finditer(text)]
    for match in _leads(tuple(nouns)).finditer(text):
        rest = _cut(text[match.end() : match.end() + 500])
        inside = any(start <= match.end() + 8 and match.end() <= end for start, end, _ in boxes)
        before = text[max(0, match.start() - 40) : match.start()]
        rule = "statement" if match["line"] is None else "answer line"
        if re.search(r"\w", rest) and not inside and not _asks(rest, rule) and not _IF.search(before):
            found.append(Statement(rule, rest, match.start()))
    return sorted(found, key=lambda s: s.at)


def _asks(rest: str, rule: str) -> bool:
    """Whether a statement is a question; "Answer: C?" is an answer in doubt."""
    ends = re.search(r"[.!?](?=\s|$)", rest)
    if not ends or ends[0] != "?":
        return False
    return rule != "answer line" or len(rest[: ends.start()].split()) > 3


def _boxes(text: str) -> Iterator[tuple[int, int, str]]:
    """Start, end and content of every box whose braces balance within 400 characters; of a box in a box, the outer one."""
    behind = 0
    for match in _BOX.finditer(text):
        depth = 1
        for at in range(match.end(), min(len(text), match.end() + 400)) if match.start() >= behind else ():
            depth += {"{": 1, "}": -1}.get(text[at], 0)
            if not depth:
                behind = at + 1
                yield (
                    match.start(),
                    behind,
                    _BOX.sub("", text[match.end() : at]).strip("{} ")
                    if "boxed" in text[match.end() : at]
                    else text[match.end() : at],
                )
                break


def _together(text: str, boxes: Sequence[tuple[int, int, str]]) -> list[tuple[int, int, str]]:
    """Boxes with nothing but a comma or "and" between them are one answer that names several."""
    joined: list[tuple[int, int, str]] = []
    for start, end, inner in boxes:
        if (
            joined
            and "\n" not in text[joined[-1][1] : start]
            and _JOINED_BOXES.fullmatch(text, joined[-1][1], start)
        ):
            joined[-1] = (joined[-1][0], end, f"{joined[-1][2]}, {inner}")
        else:
            joined.append((start, end, inner))
    return joined


def last_formal(stated: Sequence[Statement]) -> Statement | None:
    """The last in a form made for answering."""
    return next((s for s in reversed(stated) if s.rule in FORMAL), None)


def _cut(text: str) -> str:
    """The first line that holds something; a lead at the end of its line speaks of the next one."""
    return next((line.strip() for line in text.split("\n") if line.strip()), "")


def short(text: str) -> bool:
    """Whether a statement is so short that it must be the answer itself, readable or not ("Answer: unsure")."""
    return bool(re.search(r"\w", text)) and len(text.split()) <= 4


# ------------------------------------------------------------------------------------------------------ run-on


@cache
def _new_part() -> re.Pattern[str]:
    turn, question = any_of("turns"), any_of("questions")
    return re.compile(
        rf"^[^\w\n]*(?:(?P<turn>{turn})|{question})[^\w\n:]{{0,4}}:|^[^\w\n]*+(?=[^\n]*\d[^\w\n]*$)(?:{question})[^\w\n]*$|^[ \t]*(?:###|---)[ \t]*(?:instruction|question|user)\b",
        re.I | re.M,
    )


_STRUCK = re.compile(r"~~(?=\S)[^~\n]+~~")
"""What was crossed out is not said."""


def before_run_on(
    answer: str, read: Callable[[str], Parsed], nouns: Sequence[str] = (), *, formulas: bool = False
) -> Parsed:
    """What ``read`` finds in the plain ``answer`` before a new question or another's turn begins; nothing behind it counts.

    A question at the beginning is the one that was asked, once more: only what was answered before one is cut off from it.
    """
    text = plain(_STRUCK.sub(" ", answer), formulas=formulas)
    if not text.strip():
        return Parsed(None, why="the answer is empty")
    for new in _new_part().finditer(text):
        head = text[: new.start()]
        if re.search(r"\w", head) and ((said := read(head)).value or statements(head, nouns)):
            return said.weaker("before a new question")
        if new["turn"]:
            return Parsed(None, why=f"a new turn ({new[0].strip()!r}) begins before any answer")
    return read(text)


# -------------------------------------------------------------------------------------------------- comparison

_EDGES = " \t\n.,;:!?<>\"'“”‘’「」『』。，；：！？、()[]{}（）【】"


def key(text: str) -> str:
    """What two writings of one text have in common: no markup, case, edge punctuation or doubled spaces."""
    folded = " ".join(plain(text).casefold().split())
    return folded.strip(_EDGES)


_SENTENCE = re.compile(r"[.!?。！？](?=\s|$)|[。！？\n]")


@cache
def _denials() -> re.Pattern[str]:
    return re.compile(any_of("denials"))


def sentence(text: str, at: int) -> tuple[int, int]:
    """Where the sentence around ``at`` begins and ends; no farther than 400 characters away."""
    start = max((m.end() for m in _SENTENCE.finditer(text, max(0, at - 400), at)), default=max(0, at - 400))
    end = _SENTENCE.search(text, at, at + 400)
    return start, end.start() if end else min(len(text), at + 400)


_CLAUSE = re.compile(r"[,;，；]")


def denied(text: str, at: int, *, clause: bool = False) -> bool:
    """Whether the sentence around ``at`` holds a negation, or only the clause: then naming something there does not choose it."""
    start, end = sentence(text, at)
    if clause:
        start = max((m.end() for m in _CLAUSE.finditer(text, start, at)), default=start)
        stop = _CLAUSE.search(text, at, end)
        end = stop.start() if stop else end
    return bool(_denials().search(text[start:end]))


def asked(text: str, at: int) -> bool:
    """Whether the sentence around ``at`` is a question."""
    return text[sentence(text, at)[1] :][:1] in ("?", "？")
