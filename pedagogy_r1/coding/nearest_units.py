"""Which coded units a unit is most like: by words, letters, neighbours and place, or by an encoder's vectors and the same.

    similarity(unit, example) = words + letters + NEIGHBOUR (before + behind) + PLACE (1 − |difference of place in the trace|)

Words (runs of 1 to 3) and letters (runs of 2 to 5 within a word) are those of `learned.unit_features`, weighted by TF-IDF; each part is a
cosine. An encoder stands for words and letters together. The two weights were chosen on reasoningflow's two coders and on the development
part of the teaching corpus, and on nothing that is reported (``benchmarks/retrieval.py``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from ..estimate import Floats
from .learned.unit_features import PLACE as PLACES
from .learned.unit_features import SeenUnit, is_short

VERSION = "nearest@1"
NEIGHBOUR, PLACE = 0.3, 0.6

Embed = Callable[[Sequence[str]], Any]
"""Texts to vectors, (texts, dimensions)."""

Grams = tuple[str, ...]

_AT = PLACES.index("part of the trace")


class SeenTrace:
    """The units of one trace, in order, as what they are compared by. ``texts``: for an encoder."""

    def __init__(self, seen: Sequence[SeenUnit], texts: Sequence[str]) -> None:
        self.seen, self.texts = seen, texts

    def grams(self) -> list[tuple[Grams, Grams, Grams, Grams]]:
        """Words, letters, words of the unit before and of the one behind, unit by unit."""
        short: list[Grams] = [tuple(filter(is_short, unit.word)) for unit in self.seen]
        before, behind = [(), *short[:-1]], [*short[1:], ()]
        return [
            (unit.word, unit.char, one, other)
            for unit, one, other in zip(self.seen, before, behind, strict=True)
        ]


class NearestUnits:
    """Coded units to be searched; ``which``: those of each trace that are (others are seen as neighbours alone)."""

    def __init__(
        self, traces: Sequence[SeenTrace], which: Sequence[Sequence[int]], embed: Embed | None = None
    ) -> None:
        from sklearn.feature_extraction.text import TfidfVectorizer

        self._embed = embed
        rows, seen, texts = [], [], []
        for trace, some in zip(traces, which, strict=True):
            grams = trace.grams()
            rows += [grams[i] for i in some]
            seen += [trace.seen[i] for i in some]
            texts += [trace.texts[i] for i in some]
        self._words, self._chars = (TfidfVectorizer(analyzer=_or_nothing) for _ in range(2))
        self._words.fit([row[0] for row in rows])
        self._chars.fit([row[1] for row in rows])
        self._table = self._sparse(rows).T.tocsc()
        self._places = _places(seen)
        self._vectors = None if embed is None else _lengths_1(embed(texts))

    def similarity(self, trace: SeenTrace) -> Floats:
        """(units, examples): how like each unit of a trace is to each example, the more the larger."""
        import numpy as np

        found: Floats = np.asarray((self._sparse(trace.grams()) @ self._table).todense())
        apart = np.abs(_places(trace.seen)[:, None] - self._places[None, :])
        found = found + PLACE * (1 - apart)
        if self._embed is not None and self._vectors is not None:
            found = found + 2 * _lengths_1(self._embed(trace.texts)) @ self._vectors.T
        return found

    def _sparse(self, rows: Sequence[tuple[Grams, Grams, Grams, Grams]]) -> Any:
        from scipy.sparse import csr_matrix, hstack

        words, chars, before, behind = zip(*rows, strict=True)
        root = NEIGHBOUR**0.5
        beside = [root * self._words.transform(before), root * self._words.transform(behind)]
        own = [] if self._embed is not None else [self._words.transform(words), self._chars.transform(chars)]
        return csr_matrix(hstack([*own, *beside]))


def _lengths_1(vectors: Any) -> Floats:
    """Each row brought to length 1, in double precision; one of zeros stays."""
    import numpy as np

    rows = np.asarray(vectors, dtype=np.float64)
    lengths: Floats = np.linalg.norm(rows, axis=1, keepdims=True)
    return rows / np.where(lengths > 0, lengths, 1.0)


def _or_nothing(grams: Grams) -> Grams:
    """The grams of a unit; a sign of its own for a unit without any."""
    return grams or ("",)


def _places(seen: Iterable[SeenUnit]) -> Floats:
    import numpy as np

    return np.array([unit.place[_AT] for unit in seen], dtype=np.float64)
