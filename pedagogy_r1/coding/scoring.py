"""Scoring: from the cues that fired in a unit to its codes. The algorithm ``cues@1``, whole.

    score of a code   =  weights of its cues that match  +  FEATURE_WEIGHT for each structural feature at its threshold
    veto              :  where an ``unless`` cue of a code's rule matches, the code is out, and the neighbour that the
                         rule names gains VETO_WEIGHT if the code had scored
    primary           =  highest score; ties go to the code that the codebook names first
    second            =  the next one, if the codebook allows two and it scores at least SECOND of the primary's
    nothing scored    :  the codebook's fallback (or the neighbour that a veto of the fallback names), else none
    trace in another language than the codebook's : no cue is tried; where no feature decides, the coding is missing
    confidence        =  primary's score / (sum of all scores + 1); with nothing scored, 1 / number of codes

The 1 in the denominator keeps a single cue of weight 1 at one half. The confidence orders units by how clear the
cues are; it is no probability of being right.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from ..codebook import Codebook
from ..runs.run import Coding
from ..trace import Unit
from .cue_index import CueIndex
from .trace_words import (
    NOTHING,
    SELF_RUN,
    STEM_RUN,
    TraceWords,
    UnitWords,
    WordRun,
    known_words,
    repeated,
    word_runs,
)

if TYPE_CHECKING:
    from spacy.tokens import Doc

CODER = "cues"
ALGORITHM = "cues@1"
FEATURE_WEIGHT = 2.0
VETO_WEIGHT = 1.0
SECOND = 0.75


class Reason(NamedTuple):
    """One thing that speaks for a code: how much, what in words, and from which word to which."""

    weight: float
    why: str
    start: int
    end: int


class SeenCues(NamedTuple):
    """Of a unit, by numbers of codes: weights of the ``fired`` cues, the ``vetoed`` codes, the ``scores`` in the end; and the shares of
    its words that stand in the question's runs, in earlier units' runs, and anywhere in the question (0 where no code asks for them).
    """

    fired: dict[int, float]
    vetoed: frozenset[int]
    scores: dict[int, float]
    shares: tuple[float, float, float]


class _Weighed(NamedTuple):
    reasons: dict[int, list[Reason]]
    vetoed: dict[int, int]
    fired: dict[int, float]
    shares: tuple[float, float, float]


class TraceScorer:
    """Codes the units of one trace, in order; remembers what earlier units said."""

    def __init__(self, book: Codebook, run_id: str, index: CueIndex, question: str, doc: Doc) -> None:
        self._book, self._run_id, self._index = book, run_id, index
        self._stamp = book.stamp
        self._tokens = TraceWords(doc)
        self._features = [
            (number, code.features)
            for number, code in enumerate(book.codes)
            if any(code.features.model_dump().values())
        ]
        self._question: set[WordRun] = set()
        self._earlier: set[WordRun] = set()
        self._item_words: set[int] = set()
        self._stop_words = index.stop_words
        if self._features and question:
            content = list(index.content_of(question))
            self._question = set(word_runs(content, STEM_RUN))
            if any(features.item_words for _, features in self._features):
                self._item_words = set(content)

    def code(self, unit: Unit) -> Coding:
        """The coding of the next unit."""
        words = self._tokens.within(unit.start, unit.end, unit.text)
        weighed = self._weigh(words)
        return self._coding(unit, words, weighed.reasons, weighed.vetoed)

    def seen(self, start: int, text: str) -> SeenCues:
        """What there is to score of the next unit, which stands at ``start``."""
        weighed = self._weigh(self._tokens.within(start, start + len(text), text))
        scores = {code: sum(reason.weight for reason in held) for code, held in weighed.reasons.items()}
        return SeenCues(weighed.fired, frozenset(weighed.vetoed), scores, weighed.shares)

    def _weigh(self, words: UnitWords) -> _Weighed:
        reasons: dict[int, list[Reason]] = {}
        vetoed: dict[int, int] = {}
        fired: dict[int, float] = {}
        for cue, start, end in self._index.fired(words):
            if cue.against is None:
                reasons.setdefault(cue.code, []).append(Reason(cue.weight, f"cue {cue.text!r}", start, end))
                fired[cue.code] = fired.get(cue.code, 0.0) + cue.weight
            else:
                vetoed.setdefault(cue.code, cue.against)
        shares = self._structure(words, reasons) if self._features else (0.0, 0.0, 0.0)
        self._veto(reasons, vetoed)
        return _Weighed(reasons, vetoed, fired, shares)

    def _structure(self, words: UnitWords, reasons: dict[int, list[Reason]]) -> tuple[float, float, float]:
        position = words.content()
        content = [words.lower[i] for i in position]
        own = word_runs(content, SELF_RUN)
        stem = repeated(word_runs(content, STEM_RUN), self._question, STEM_RUN)
        self_ = repeated(own, self._earlier, SELF_RUN)
        known = known_words(content, self._item_words, self._stop_words) if self._item_words else NOTHING
        self._earlier.update(own)
        for number, features in self._features:
            limits = (
                (stem, features.stem_overlap, "its words repeat the question"),
                (self_, features.self_repetition, "its words repeat earlier units"),
                (known, features.item_words, "its content words are the question's"),
            )
            for found, least, what in limits:
                if least and found.share >= least:
                    why = f"{found.share:.0%} of {what}"
                    start, end = position[found.start], position[found.end - 1] + 1
                    reasons.setdefault(number, []).append(Reason(FEATURE_WEIGHT, why, start, end))
        return stem.share, self_.share, known.share

    def _veto(self, reasons: dict[int, list[Reason]], vetoed: dict[int, int]) -> None:
        """Take vetoed codes out; the neighbour that a rule names inherits the strongest reason, unless vetoed itself."""
        for code in sorted(vetoed):
            against = vetoed[code]
            held = reasons.pop(code, None)
            if held and against not in vetoed:
                best = max(held, key=lambda reason: reason.weight)
                why = f"not {self._book.code_ids[code]} by its rule against {self._book.code_ids[against]}"
                reasons.setdefault(against, []).append(Reason(VETO_WEIGHT, why, best.start, best.end))

    def _coding(
        self, unit: Unit, words: UnitWords, reasons: dict[int, list[Reason]], vetoed: dict[int, int]
    ) -> Coding:
        book, foreign = self._book, self._index.foreign
        make = partial(Coding, unit_id=unit.id, coder=CODER, codebook=self._stamp, run_id=self._run_id)
        if not reasons and foreign:
            return make(codes=None, missing_reason=foreign)
        if not reasons:
            codes, why = self._fallback(vetoed)
            return make(codes=codes, confidence=round(1 / len(book.codes), 3), rationale=why)
        scores = {code: sum(reason.weight for reason in held) for code, held in reasons.items()}
        ranked = sorted(scores, key=lambda code: (-scores[code], code))
        top = ranked[0]
        chosen = [top]
        if book.max_codes > 1 and len(ranked) > 1 and scores[ranked[1]] >= SECOND * scores[top]:
            chosen.append(ranked[1])
        best = max(reasons[top], key=lambda reason: (reason.weight, reason.end - reason.start, -reason.start))
        whys = [f"{book.code_ids[c]}: {', '.join(reason.why for reason in reasons[c])}" for c in chosen]
        if foreign:
            whys.append(f"{foreign}: no cue was tried")
        return make(
            codes=tuple(book.code_ids[code] for code in chosen),
            evidence=words.slice(best.start, best.end),
            confidence=round(scores[top] / (sum(scores.values()) + 1), 3),
            rationale="; ".join(whys),
        )

    def _fallback(self, vetoed: dict[int, int]) -> tuple[tuple[str, ...], str]:
        book = self._book
        if book.fallback is None:
            return (), "no cue fired"
        number = book.code_ids.index(book.fallback)
        if number in vetoed and vetoed[number] not in vetoed:
            neighbour = book.code_ids[vetoed[number]]
            return (neighbour,), f"no cue fired; not {book.fallback} by its rule against {neighbour}"
        return (book.fallback,), "no cue fired; the codebook's fallback"
