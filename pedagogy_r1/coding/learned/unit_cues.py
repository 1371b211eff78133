"""What a codebook's cues say of a unit, as numbers: features for a coder that learns.

    "Wait, that contradicts the graph."   score    TR-SP 2 of at most 3 → .67, every other code 0
                                          given    TR-SP 1                        (nothing where nothing scores)
                                          silent   0
                                          fired    TR-SP .67                      (before vetoes and structural features)
                                          vetoed   0 for every code
                                          shares   of its words in the question's runs, in earlier units' runs, in the question

Cues are those of `scoring.py`, vetoes and features included: a coder that learns sees what ``--coder cues`` would have said.
A codebook without cues and features gives no numbers, and one whose cues are of another language gives the shares alone.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ...codebook import Codebook
from ...unit.language import bounded_memory, language_code, pipeline, tokenize
from ..cue_index import CueIndex
from ..scoring import TraceScorer

Floats = NDArray[np.float64]

MOST = 3.0
"""A score above this is as good as this."""

SHARES = 3
"""How many shares of repeated words there are."""


class UnitCues:
    """The cues of a codebook, ready to look at units; of ``None``, no cues. ``width``: how many numbers a unit has."""

    def __init__(self, book: Codebook | None) -> None:
        self._book = book
        self._indexes: dict[str, CueIndex] = {}
        codes = book.codes if book else ()
        some = any(code.cues or any(code.features.model_dump().values()) for code in codes)
        self.codes = len(codes) if some else 0
        self.width = 4 * self.codes + 1 + SHARES if some else 0

    def of(self, question: str, texts: Sequence[str], lang: str | None = None) -> Floats:
        """The units of a trace, in order: units × ``width``. ``lang``: the trace's, if it is not the codebook's."""
        found = np.zeros((len(texts), self.width))
        if self._book is None or not (self.width and texts):
            return found
        any_language = self._book.lang == "xx"
        lang = language_code(self._book.lang if any_language or not lang else lang)
        if lang not in self._indexes:
            self._indexes[lang] = CueIndex(self._book, pipeline(lang))
        with bounded_memory(lang):
            doc = tokenize("\n".join(texts), lang)
            scorer = TraceScorer(self._book, "", self._indexes[lang], question, doc)
            start, k = 0, self.codes
            for number, text in enumerate(texts):
                seen = scorer.seen(start, text)
                row = [0.0] * self.width
                for code, score in seen.scores.items():
                    row[code] = min(score, MOST) / MOST
                row[k + min(seen.scores, key=lambda code: (-seen.scores[code], code), default=k)] = 1.0
                for code, weight in seen.fired.items():
                    row[2 * k + 1 + code] = min(weight, MOST) / MOST
                for code in seen.vetoed:
                    row[3 * k + 1 + code] = 1.0
                row[4 * k + 1 :] = seen.shares
                found[number] = row
                start += len(text) + 1
        return found

    def given(self, seen: Floats) -> Floats:
        """Of what `of` found, which code the cues would give, or that they are silent: what is seen of the neighbours."""
        return seen[:, self.codes : 2 * self.codes + 1]
