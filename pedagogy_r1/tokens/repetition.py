"""Repetition, from the text alone: what needs no coder.

    stem repetition   share of the reasoning's words in an n-gram of the item's question
    self-repetition   share in an n-gram that the reasoning has used before
    loop share        share in loops of three turns or more; and the loop in which the text ends
    compression       bytes over zlib-compressed bytes: about 2–3 for prose, more where it repeats itself

Words are spaCy's tokens without regard to case, whatever tokenizer counts. The first occurrence is never repetition.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .loop import Loop, in_loops, loops, tail_loop
from .ngram import repeats_itself, repeats_other

if TYPE_CHECKING:
    from .ngram import Bools
    from .tokenizer import Tokens

STEM_N = 4
SELF_N = 8
"""Words of an n-gram. Longer for repetition of itself: in mathematics, "the value of x" recurs without being noise."""


@dataclass(frozen=True)
class Repetition:
    """One trace. Shares are of its words, in [0, 1]; ``None`` where ``why`` tells the reason."""

    words: int
    stem_repetition: float | None
    self_repetition: float | None
    loop_share: float | None
    compression: float | None
    tail_loop: Loop | None
    why: dict[str, str]


@dataclass(frozen=True)
class Marks:
    """Which words of a trace repeat: (words,) each."""

    stem: Bools
    earlier: Bools


def repetition(
    text: str, words: Tokens, question: Tokens | None, *, stem_n: int = STEM_N, self_n: int = SELF_N
) -> tuple[Repetition, Marks]:
    """Measures of one reasoning text, and which of its words repeat. ``question``: words of the item, if known."""
    import numpy as np

    count = len(words)
    why: dict[str, str] = {}
    if question is None or len(question) < stem_n:
        why["stem_repetition"] = (
            "no question" if not question else f"the question has fewer than {stem_n} words"
        )
    if not count:
        why |= dict.fromkeys(
            ("stem_repetition", "self_repetition", "loop_share", "compression"), "no reasoning"
        )
        return Repetition(0, None, None, None, None, None, why), Marks(
            np.zeros(0, dtype=bool), np.zeros(0, dtype=bool)
        )
    stem = (
        np.zeros(count, dtype=bool)
        if "stem_repetition" in why or question is None
        else repeats_other(words.ids, question.ids, stem_n)
    )
    again = repeats_itself(words.ids, self_n)
    found = loops(words.ids)
    return Repetition(
        words=count,
        stem_repetition=None if "stem_repetition" in why else float(stem.mean()),
        self_repetition=float(again.mean()),
        loop_share=float(in_loops(found, count).mean()),
        compression=compression(text),
        tail_loop=tail_loop(words.ids),
        why=why,
    ), Marks(stem, again)


def compression(text: str) -> float:
    """UTF-8 bytes over zlib-compressed bytes. zlib looks back 32 KB only: it sees nothing of what lies farther."""
    data = text.encode("utf-8", "surrogatepass")
    return len(data) / len(zlib.compress(data))
