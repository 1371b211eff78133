r"""What a learned coder sees of a unit.

    "Wait, that contradicts 12 of them."
    word     wait · , · that · … · wait , · , that · … · wait , that · …      runs of 1 to 3 words, 0 for every number
    char     "␠w" · "wa" · "wai" · … · "t," …                                 2 to 5 characters within a word
    opening  "wait" · "wait ," · "wait , that" · "wait , that contradicts"    how it begins
    place    PLACE numbers: where in the trace, how long, question mark, equation, how much of it was said before …

    cues     what the codebook's cues say (`unit_cues`): how much for each code, which code, or nothing

The neighbours' runs of 1 and 2 words are seen too (`learned_model`), as *before* and *after*. Nothing is a language's own: what
no white space divides is seen by its characters.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import chain, pairwise
from typing import NamedTuple

from .unit_cues import UnitCues

_TOKEN = re.compile(r"\w+(?:['’]\w+)?|[^\w\s]")
_NUMBER = re.compile(r"\d+")
_WORD = re.compile(r"\w+")

PLACE = (
    *("part of the trace", "its square", "units before", "units behind", "first", "second", "last", "last but one"),
    *("length", "at most 3 words", "at most 8 words", "a question mark", "ends as a question", "an equals sign"),
    *("a number", "ends in a colon", "said before", "mostly said before", "words of the question", "mathematics", "set off"),
)  # fmt: skip
"""The numbers of a unit's place, by name."""

SAID_BEFORE = 3
"""Words in a run that is looked up among earlier units."""


class SeenUnit(NamedTuple):
    """A unit as its n-grams, by kind, the numbers of its place, and those of the codebook's cues.

    ``pieces``: what stands between its white space, each once; its runs of characters are theirs.
    """

    word: tuple[str, ...]
    pieces: tuple[str, ...]
    opening: tuple[str, ...]
    place: tuple[float, ...]
    cues: tuple[float, ...] = ()

    @property
    def char(self) -> tuple[str, ...]:
        """Its runs of characters, each once."""
        return tuple(dict.fromkeys(chain.from_iterable(map(char_grams, self.pieces))))


def see(
    question: str, texts: Sequence[str], cues: UnitCues | None = None, lang: str | None = None
) -> list[SeenUnit]:
    """The units of a trace, in order. ``lang``: the trace's, for the cues."""
    told = cues.of(question, texts, lang).tolist() if cues else [()] * len(texts)
    asked = set(_WORD.findall(question.lower()))
    earlier: set[tuple[str, ...]] = set()
    found = []
    for number, text in enumerate(texts):
        plain = _NUMBER.sub("0", text.lower())
        tokens = _TOKEN.findall(plain)
        words = _WORD.findall(text.lower())
        runs = set(zip(*(words[i:] for i in range(SAID_BEFORE)), strict=False))
        said = len(runs & earlier) / len(runs) if runs else 0.0
        earlier |= runs
        of_question = sum(word in asked for word in words) / len(words) if words else 0.0
        place = _place(number, len(texts), text.strip(), len(words), said, of_question)
        opening = tuple(" ".join(tokens[:n]) for n in range(1, min(4, len(tokens)) + 1))
        grams = tuple(word_grams(tokens)), tuple(dict.fromkeys(plain.split())), opening or ("",)
        found.append(SeenUnit(*grams, place, tuple(told[number])))
    return found


def word_grams(tokens: Sequence[str]) -> dict[str, None]:
    """Runs of 1, 2 and 3 tokens; the short ones first, each once."""
    grams = dict.fromkeys(tokens)
    grams |= dict.fromkeys(map(" ".join, pairwise(tokens)))
    return grams | dict.fromkeys(map(" ".join, zip(tokens, tokens[1:], tokens[2:], strict=False)))


@lru_cache(maxsize=50_000)
def char_grams(word: str) -> dict[str, None]:
    """Runs of 2 to 5 characters of a word with a blank on either side; of a very long word, of its ends."""
    padded = f" {word if len(word) <= 60 else word[:30] + word[-30:]} "
    return dict.fromkeys(padded[i : i + n] for n in range(2, 6) for i in range(len(padded) - n + 1))


def is_short(gram: str) -> bool:
    """Whether a run has at most two tokens: such are seen of the neighbours."""
    return gram.count(" ") < 2


def _place(
    number: int, units: int, text: str, words: int, said: float, of_question: float
) -> tuple[float, ...]:
    part = number / max(1, units - 1)
    behind = units - 1 - number
    return tuple(
        map(
            float,
            (
                *(part, part * part, min(number, 8) / 8, min(behind, 8) / 8),
                *(number == 0, number == 1, behind == 0, behind == 1),
                *(min(words, 40) / 40, words <= 3, words <= 8),
                *(bool({"?", "？"} & set(text)), text.endswith(("?", "？")), "=" in text),
                *(_NUMBER.search(text) is not None, text.endswith((":", "："))),
                *(said, said > 0.6, of_question, "\\" in text, "boxed" in text or "**" in text),
            ),
        )
    )


def shown_grams(seen: Sequence[SeenUnit], kind: str) -> Iterator[tuple[str, ...]]:
    """The n-grams of one kind, unit by unit."""
    return (getattr(unit, kind) for unit in seen)
