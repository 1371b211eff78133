"""One trace, measured: its tokens, repetition and thoughts; and its units, once codings are at hand.

measure(trace, SpacyTokenizer())  →  Measured(reasoning=3394, answer=212, thoughts=10, switches=9, …)
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from ..errors import InputError
from ..trace import Trace, Unit
from ..unit.language import language_code, tokenize
from ..unit.unitizer import SWITCH_CUES, Unitizer
from ..wbeb.answers.stated_value import kind_of, read_answer, read_stated, same_answer
from .noise import Codes, NoiseFamilies, NoiseTokens, noise_tokens
from .response_thoughts import Response, Thought, response_correct, verdicts
from .solutions import NEW_BELOW, Solutions, first_of_kind, solutions_of
from .tokenizer import SpacyTokenizer, Tokenizer, Tokens, tokens_of
from .word_repetition import Marks, Repetition, repetition

if TYPE_CHECKING:
    from spacy.tokens import Doc

SEGMENTER = "thought@1"


@dataclass(frozen=True, slots=True)
class Measured:
    """A trace in numbers. ``reasoning``, ``answer``: tokens under the chosen tokenizer; T is their sum.

    ``response`` is ``None`` where ξ_UT cannot take it, and ``why_not`` says why. ``named``: whether its thoughts name a perspective.
    """

    trace_id: str
    item: str
    domain: str | None
    model: str | None
    condition: str | None
    correct: bool | None
    correct_by: str
    reasoning: int
    answer: int
    repetition: Repetition
    thoughts: tuple[Thought, ...]
    thought_tokens: tuple[int, ...]
    thought_correct: tuple[bool | None, ...]
    response: Response | None
    why_not: str | None
    solutions: Solutions
    text_digest: int
    counted: Tokens
    words: Tokens
    marks: Marks
    named: bool = False

    def light(self) -> Measured:
        """Without the thoughts and the places of its tokens, of which a table is written and units are measured: the numbers that a
        report is made of, which of a corpus are kept of every trace."""
        none = NO_TOKENS
        return replace(
            self, thoughts=(), thought_tokens=(), thought_correct=(), counted=none, words=none, marks=NO_MARKS
        )


NO_TOKENS = Tokens(np.empty(0, dtype=np.int64), np.empty(0, dtype=np.uint64))
NO_MARKS = Marks(np.empty(0, dtype=bool), np.empty(0, dtype=bool))


def measure(
    trace: Trace,
    tokenizer: Tokenizer,
    *,
    given: Mapping[str, Sequence[Thought]] | None = None,
    judged: bool = False,
) -> Measured:
    """Measure a trace. ``given``: thoughts by trace instead of ``thought@1``; ``judged``: by their two judges."""
    doc, thoughts, why_not = _read(trace, given)
    words = tokens_of(doc)
    counted = words if isinstance(tokenizer, SpacyTokenizer) else tokenizer(trace.reasoning, trace.lang)
    answer = len(tokenizer(trace.answer, trace.lang)) if trace.answer.strip() else 0
    question = SpacyTokenizer()(trace.question, trace.lang) if trace.question.strip() else None
    measures, marks = repetition(trace.reasoning, words, question)
    ends = counted.before([t.end for t in thoughts]).tolist()
    kind = kind_of(trace.reference)
    stated = [t.answer or read_stated(trace.reasoning[t.start : t.end], kind).value for t in thoughts]
    right = verdicts(thoughts, stated, trace.reference, judged=judged)
    correct, how = response_correct(trace)
    total, item = len(counted) + answer, trace.item or trace.id
    why_not = why_not or _left_out(correct, how, total, judged or bool(trace.reference))
    known = correct is not None and not why_not
    response = Response(trace.id, item, bool(correct), total, tuple(ends), right) if known else None
    return Measured(
        trace.id,
        item,
        trace.domain,
        trace.model,
        trace.condition,
        correct,
        how,
        len(counted),
        answer,
        measures,
        tuple(thoughts),
        tuple(end - begin for begin, end in pairwise([0, *ends])),
        right,
        response,
        why_not,
        _solutions(trace, zip(thoughts, stated, ends, strict=True), total, words, marks),
        hash(trace.reasoning),
        counted.bare(),
        words.bare(),
        marks,
        any(thought.perspective for thought in thoughts),
    )


def _left_out(correct: bool | None, how: str, total: int, can_judge: bool) -> str | None:
    """Why ξ_UT cannot take a response, if so."""
    if correct is None:
        return how
    if not total:
        return "no tokens"
    return None if correct or can_judge else "no reference to tell a correct thought by"


def _read(
    trace: Trace, given: Mapping[str, Sequence[Thought]] | None
) -> tuple[Doc, list[Thought], str | None]:
    """spaCy's reading of the reasoning, its thoughts, and why there are none."""
    if given is None:
        if language_code(trace.lang) not in SWITCH_CUES:
            why = f"{SEGMENTER} knows no switch cues for language {trace.lang}"
            return tokenize(trace.reasoning, trace.lang), [], why
        doc, units = Unitizer(SEGMENTER).with_doc(trace)
        return doc, [Thought(trace_id=trace.id, start=u.start, end=u.end) for u in units], None
    thoughts = list(given.get(trace.id, ()))
    for thought in thoughts:
        if thought.end > len(trace.reasoning):
            raise InputError(
                f"thought {thought.start}–{thought.end} of {trace.id} lies outside its reasoning of {len(trace.reasoning)} characters",
                "offsets are code points, half-open, into the reasoning of this traces file",
            )
    missing = None if thoughts or not trace.reasoning.strip() else "no thoughts in the thoughts file"
    return tokenize(trace.reasoning, trace.lang), thoughts, missing


def _solutions(
    trace: Trace,
    thoughts: Iterable[tuple[Thought, str | None, int]],
    total: int,
    words: Tokens,
    marks: Marks,
) -> Solutions:
    """Stretches that end by stating an answer; the answer part is the last of them.

    ``thoughts``: each with the answer that it states, and the tokens up to its end.
    """
    found: list[Thought] = []
    answers: list[str] = []
    ends: list[int] = [0]
    for thought, answer, end in thoughts:
        if answer is not None:
            found.append(thought)
            answers.append(answer)
            ends.append(end)
    new = _new(found, words, marks)
    if (final := read_answer(trace.answer, kind_of(trace.reference)).value) is not None:
        answers.append(final)
        ends.append(total)
        new.append(not found)  # else it tells again what the thoughts found
    return solutions_of(
        trace.id,
        [end - begin for begin, end in pairwise(ends)],
        correct=[same_answer(answer, trace.reference) is True for answer in answers]
        if trace.reference
        else None,
        new=new,
        total=total,
        item=trace.item,
    )


def _new(found: Sequence[Thought], words: Tokens, marks: Marks) -> list[bool]:
    """Which solutions are new: by the names of their perspectives if all have one, else by their words."""
    names = [thought.perspective for thought in found]
    if names and all(names):
        return first_of_kind(names)
    edges = words.before([0, *(thought.end for thought in found)]).tolist()
    return [
        end == begin or float(marks.earlier[begin:end].mean()) < NEW_BELOW for begin, end in pairwise(edges)
    ]


@dataclass(frozen=True, slots=True)
class UnitRow:
    """A unit as one coder coded it; ``stem`` and ``earlier`` are shares of its words that repeat."""

    trace_id: str
    unit_id: str
    index: int
    start: int
    end: int
    tokens: int
    stem: float
    earlier: float
    coder: str
    codes: Codes
    strict: bool | None
    nonreflective: bool | None


def measure_units(
    measured: Measured,
    units: Sequence[Unit],
    codings: Mapping[str, Codes],
    coder: str,
    families: NoiseFamilies,
) -> tuple[NoiseTokens, list[UnitRow]]:
    """Noise of one trace by one coder; a unit that is not in ``codings`` is missing like one whose codes are ``None``."""
    spans = [(unit.start, unit.end) for unit in units]
    tokens = measured.counted.within(spans).tolist()
    codes = [codings.get(unit.id) for unit in units]
    row = noise_tokens(
        measured.trace_id,
        tokens,
        codes,
        families,
        tokens=measured.reasoning,
        outside=measured.counted.outside(spans),
    )
    edges = measured.words.before(np.array(spans, dtype=np.int64).reshape(-1)).reshape(-1, 2)
    length = np.maximum(edges[:, 1] - edges[:, 0], 1)
    shares = []
    for marks in (measured.marks.stem, measured.marks.earlier):
        running = np.concatenate([[0], np.cumsum(marks)])
        shares.append(((running[edges[:, 1]] - running[edges[:, 0]]) / length).tolist())
    readings = [(None, None) if given is None else families.reading(given) for given in codes]
    rows = [
        UnitRow(u.trace_id, u.id, u.index, u.start, u.end, count, stem, earlier, coder, given, *reading)
        for u, count, stem, earlier, given, reading in zip(
            units, tokens, *shares, codes, readings, strict=True
        )
    ]
    return row, rows
