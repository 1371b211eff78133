"""Thoughts, as offsets: the scheme ``thought@1``. A thought is a run of sentences without a switch between them.

    Compute x. It is 3. │ Wait, x must be even. So no. │ Alternatively, use symmetry.

A sentence opens a new thought if it begins with a *switch cue*: the model drops, doubts or replaces its line of
work. The idea is Wang et al. (2025), "Thoughts Are All Over the Place: On the Underthinking of o1-Like LLMs",
arXiv:2501.18585; the list is ours. What only continues ("So", "Then", "Next", "Hmm, right.") is no switch, nor is
"wait" in the middle of a sentence. For English only: in a language without a list nobody could tell a switch.
"""

from __future__ import annotations

import re

from ..errors import PedagogyError
from .sentence import Span

SWITCH_CUES: dict[str, tuple[str, ...]] = {
    "en": (
        r"(?:but |oh |oh, |ah |ah, |hmm,? |no,? |ok(?:ay)?,? )?wait\b(?! (?:for|until|till|time|and see)\b)",
        r"(?:or )?alternatively\b",
        r"(?:but |or )?(?:maybe|perhaps) (?:there(?:'s| is| are) (?:another|a (?:better|different))|i should (?:try|approach|re)|a (?:better|different))",
        r"but (?:maybe|perhaps)\b",
        r"(?:but |hmm,? |or )*(?:another|a different|a better) (?:approach|way|method|idea|thought|option|strategy|angle|possibility|perspective)\b",
        r"(?:but |hmm,? |no,? |ok(?:ay)?,? )*let(?:'s| me| us) (?:try|approach|consider|think|look|do|see|use|tackle|solve)\b[^.!?]{0,80}"
        r"\b(?:different|differently|another|other way|instead|again|alternative|alternatively|fresh|from scratch)\b",
        r"(?:but |hmm,? )?(?:on|upon) (?:second thought|(?:further )?reflection)\b",
        r"(?:hmm,? |oh,? |but |no,? |well,? )*actually,",
        r"(?:but |hmm,? )*hold on\b",
        r"(?:hmm|no|but),? (?:that(?:'s| is|) (?:not right|wrong|incorrect|can't be|cannot be|doesn't (?:seem|look|make|work|add|match)))",
        r"(?:let me |let's )(?:start over|backtrack|step back|go back|re-?think|reconsider|take a step back)",
        r"(?:but )?what if (?:i|we|instead)\b",
        r"scratch that\b",
    )
}
"""Patterns that a sentence begins with, by language; case and curly apostrophes do not matter."""

_LEAD = r"[\W_]*+"


_PATTERNS = {
    lang: re.compile(_LEAD + "(?:" + "|".join(cues) + ")", re.IGNORECASE)
    for lang, cues in SWITCH_CUES.items()
}


def switches(sentence: str, lang: str) -> bool:
    """Whether a sentence opens a new thought."""
    if lang not in _PATTERNS:
        raise PedagogyError(
            f"thought@1 knows no switch cues for language {lang!r}",
            f"it knows {', '.join(SWITCH_CUES)}; use paragraph@1 or sentence@1",
        )
    return bool(_PATTERNS[lang].match(sentence[:240].replace("’", "'")))


def thoughts(text: str, sentences: list[Span], lang: str) -> list[Span]:
    """Half-open offsets of the thoughts, given the sentences."""
    found: list[Span] = []
    for start, end in sentences:
        if switches(text[start:end], lang) or not found:
            found.append((start, end))
        else:
            found[-1] = (found[-1][0], end)
    return found
