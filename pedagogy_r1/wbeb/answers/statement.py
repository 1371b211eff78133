"""A statement: the place in an answer where it says what it answers. Choices, words and numbers are read there first.

    "Pot B is dry, so **the answer is (B)** Moisture."      Statement("statement", "(B) Moisture.", 19)
    "…\\n\\nAnswer: right\\nProbability: 0.73"                Statement("answer line", "right", 2)
    "Thus \\\\boxed{\\\\text{C}}"                                Statement("boxed", "C", 5)

Markup (bold, LaTeX wrappers, full-width letters) is taken off first; what a circled number says is kept as ``#2``. A
statement that is a question or stands behind "if" is none. Reading what it holds is up to the reader.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

FORMAL = frozenset({"answer line", "boxed", "tag"})
"""Rules that fire on a form made for answering; ``statement`` fires on a sentence that says it answers."""

LONGEST = 20_000
"""Only the end of a longer answer is read: the answer stands at the end, and time stays linear."""


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
_MATH = re.compile(
    r"\\(?:text(?:bf|rm|it|sf|tt)?|math(?:bf|rm|it|sf|tt)|bf|rm|operatorname)\s*\{([^{}\n]{0,300})\}"
)
_MARKUP = re.compile(
    r"[*`$]+|(?<!\w)_+|_+(?!\w)|\\[()\[\]]|\\(?:left|right|quad|,|;|!)(?![a-z])|^[ \t]*[#>]+[ \t]", re.M
)


def plain(text: str) -> str:
    """Without markup, full-width and mathematical letters as ordinary ones; lines stay lines.

    >>> plain("**Ａ.** costs \\\\text{two}, or ②")
    'A. costs two, or  #2 '
    """
    text = unicodedata.normalize("NFKC", text[-LONGEST:].translate(_SIGNS))
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    for _ in range(2):
        text = _MATH.sub(r"\1", text)
    return _MARKUP.sub("", text)


_BOXED = re.compile(r"\\f?boxed\s*\{((?:[^{}\n]|\{[^{}\n]{0,200}\}){0,300})\}")
_TAG = re.compile(r"<(?:final[_ ]?)?answer>\s*([^<]{0,500}?)\s*</", re.I)
_ADVERB = r"(?:\s*(?:therefore|thus|hence|clearly|definitely|most likely|probably|likely|indeed|simply|actually|still|then|also|now|,))*"
_IS = rf"(?:is|are|would be|should be|must be|will be|has to be|remains|becomes){_ADVERB}"
_SAYS = rf"(?:[\"'”]?\s*[:：=]+>?|\s*(?:→|->|–|—|-)\s|(?:\s*\([^()\n]{{0,30}}\))?\s*[:：]|\s+{_IS}(?=[\s:：])\s*[:：]?)"
_OTHERS = (
    r"(?:(?:正确|正確|最终|最終|最佳|标准|参考|本题的?)?答案\s*(?:应该|应|應|就)?(?:是|为|為|选|選|[:：])+|[故应應可]\s*(?:选择|選擇|选|選)|因此选择?|所以选择?|我选择?)\s*[:：]?"
    r"|(?<![가-힣])(?:최종\s*)?(?:정답|답안|답변|답)(?:\s*(?:은|는|[:：])|\s+(?=[A-Z(#]))"
    r"|(?:正解|答え|解答|回答)\s*(?:は|[:：])"
    r"|\b(?:respuesta|opción|alternativa)(?:\s+(?:correcta|final))?\s*(?:es\b|[:：])"
    r"|\bréponse(?:\s+(?:correcte|finale))?\s*(?:est\b|[:：])"
    r"|\bAntwort\s*(?:ist\b|lautet\b|[:：])"
    r"|\bresposta(?:\s+(?:correta|final))?\s*(?:é(?=\s)|[:：])"
    r"|\brisposta(?:\s+(?:corretta|esatta))?\s*(?:è(?=\s)|[:：])"
    r"|\bответ\s*[:：—-]|\bđáp án(?:\s+đúng)?\s*(?:là\b|[:：])|\bjawaban(?:nya)?\s*(?:adalah\b|[:：])|الإجابة\s*(?:هي|[:：])"
)
_IF = re.compile(
    r"(?:\b(?:if|whether|suppose|assuming|unless|had|were)\s+(?:that\s+)?(?:the\s+|my\s+)?(?:\w+\s+)?)$", re.I
)


@lru_cache(maxsize=16)
def _leads(nouns: tuple[str, ...]) -> re.Pattern[str]:
    words = "|".join(nouns)
    about = r"(?:\s+(?:choice|option|letter|key|here|to|for|of)\b[^.,;:：?!\n]{0,60}?)?"
    alone = r"(?:\s*\n\s*|\s+(?=[(\[]?[A-Z0-9][)\]]?\s*[.!]?\s*$))"
    best = r"\b(?:correct|right|best|final|appropriate|suitable|chosen|accurate)\s+(?:option|choice|response|statement|one)"
    line = rf"(?P<line>^[^\w\n]*(?:(?:so|thus|therefore|the|my|final|overall|correct|best)[\s,]+){{0,3}}(?:{words})(?:\s+(?:choice|option))?(?:[\"'”]?\s*[:：=]+>?|{alone}))"
    said = rf"(?P<said>\b(?:{words})s?{about}{_SAYS}|{best}{about}{_SAYS}|{_OTHERS})"
    return re.compile(f"{line}|{said}", re.I | re.M)


def statements(text: str, nouns: Sequence[str] = ("answer", r"ans\b\.?", "choice")) -> list[Statement]:
    """Statements of a `plain` text, in order. ``nouns``: what is said to be something ("answer", "score"), as patterns."""
    found = [Statement("boxed", _cut(m[1]), m.start()) for m in _BOXED.finditer(text)]
    found += [Statement("tag", _cut(m[1]), m.start()) for m in _TAG.finditer(text)]
    boxes = [m.span() for m in _BOXED.finditer(text)]
    for match in _leads(tuple(nouns)).finditer(text):
        rest = _cut(text[match.end() : match.end() + 500])
        inside = any(start <= match.end() + 8 and match.end() <= end for start, end in boxes)
        before = text[max(0, match.start() - 40) : match.start()]
        if rest and not inside and not rest.split(". ")[0].endswith("?") and not _IF.search(before):
            rule = "statement" if match["line"] is None else "answer line"
            found.append(Statement(rule, rest, match.start()))
    return sorted(found, key=lambda s: s.at)


def last_formal(stated: Sequence[Statement]) -> Statement | None:
    """The last in a form made for answering."""
    return next((s for s in reversed(stated) if s.rule in FORMAL), None)


def _cut(text: str) -> str:
    """The first line that holds something; a lead at the end of its line speaks of the next one."""
    return next((line.strip() for line in text.split("\n") if line.strip()), "")


def short(text: str) -> bool:
    """Whether a statement is so short that it must be the answer itself, readable or not ("Answer: unsure")."""
    return bool(re.search(r"\w", text)) and len(text.split()) <= 4


_EDGES = " \t\n.,;:!?<>\"'“”‘’「」『』。，；：！？、()[]{}（）【】"


def key(text: str) -> str:
    """What two writings of one text have in common: no markup, case, edge punctuation or doubled spaces."""
    folded = " ".join(plain(text).casefold().split())
    return folded.strip(_EDGES)


_DENIED = re.compile(
    r"\b(?:not|never|no|none|cannot|incorrect|wrong|false|except|unlike|neither|nor|eliminat\w*|exclud\w*|instead of|rather than|rul(?:e|es|ed|ing) out)\b|n['’]t\b|不|错|錯|아니|아닌|틀|오답",
    re.I,
)
_SENTENCE = re.compile(r"[.!?。！？](?=\s|$)|[。！？\n]")


def sentence(text: str, at: int) -> tuple[int, int]:
    """Where the sentence around ``at`` begins and ends; no farther than 400 characters away."""
    start = max((m.end() for m in _SENTENCE.finditer(text, max(0, at - 400), at)), default=max(0, at - 400))
    end = _SENTENCE.search(text, at, at + 400)
    return start, end.start() if end else min(len(text), at + 400)


def denied(text: str, at: int) -> bool:
    """Whether the sentence around ``at`` holds a negation: then naming something there does not choose it."""
    return bool(_DENIED.search(text[slice(*sentence(text, at))]))
