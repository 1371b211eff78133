"""Thoughts of a response: where they end, in tokens, and which of them are correct.

    {"trace_id": "aime-3", "start": 0, "end": 1630, "confidences": [2, 1], "perspective": "ellipse"}

Cut by ``thought@1`` or given by a file, one thought a line: somebody's, or that of language models told to find genuine
switches and to judge (`asked_thoughts`). Correct by rule (`wbeb.answers.stated_value`), or by two judges who each say 0, 1 or 2 how sure they are that
the thought leads to the right answer: it does if at least one of them says 2 (Wang et al. 2025, arXiv 2501.18585).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from ..errors import InputError, first_fault
from ..files.records import BadRow, read_rows
from ..trace import Trace
from ..wbeb.answers.stated_value import kind_of, read_answer, read_stated, same_answer

TWO_JUDGES = "two judges: correct if at least one says 2 of 2"
SURE = 2
END = 1000
"""Characters at the end of an undivided response in which its answer may stand."""
SHORT = 24
"""An answer part of fewer characters is the answer."""

Confidence = Annotated[int, Field(ge=0, le=SURE)]


class Thought(BaseModel):
    """One thought of one trace; offsets are code points, half-open, into its reasoning."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    trace_id: str
    start: int = Field(ge=0)
    end: int
    confidences: tuple[Confidence | None, Confidence | None] | None = None
    """What each judge said; ``null`` for a judge who gave no usable answer."""
    answer: str | None = None
    """The answer that the thought reaches, where somebody read it; else the rule looks for it."""
    perspective: str | None = None
    """Name of its line of attack: thoughts of one name are one solution told again."""

    @model_validator(mode="after")
    def _not_empty(self) -> Thought:
        if self.end <= self.start:
            raise ValueError("end lies before start")
        return self


def read_thoughts(path: str | Path) -> dict[str, list[Thought]]:
    """Thoughts by trace, in order; a malformed or overlapping one names its line."""
    found: dict[str, list[tuple[int, Thought]]] = defaultdict(list)
    for row in read_rows(path):
        if isinstance(row, BadRow):
            raise InputError(f"{path}:{row.line}: {row.why}", "mend or delete the line")
        try:
            thought = Thought.model_validate(row.data)
        except ValidationError as error:
            raise InputError(
                f"{path}:{row.line}: {first_fault(error)}",
                'a thought is {"trace_id": …, "start": …, "end": …, "confidences": [2, 1]}',
            ) from None
        found[thought.trace_id].append((row.line, thought))
    ordered = {}
    for trace_id, rows in found.items():
        rows.sort(key=lambda pair: (pair[1].start, pair[1].end))
        for (_, before), (line, after) in pairwise(rows):
            if after.start < before.end:
                raise InputError(
                    f"{path}:{line}: thought {after.start}–{after.end} of {trace_id} overlaps {before.start}–{before.end}",
                    "thoughts follow one another",
                )
        ordered[trace_id] = [thought for _, thought in rows]
    return ordered


def sure(confidences: Sequence[int | None]) -> bool | None:
    """Two judges' verdict: correct if one says 2; unknown if none does and one is missing.

    >>> sure((2, 0)), sure((1, 1)), sure((None, 2)), sure((None, 1))
    (True, False, True, None)
    """
    if SURE in confidences:
        return True
    return None if None in confidences else False


@dataclass(frozen=True, slots=True)
class Response:
    """A response as ξ_UT sees it. ``tokens``: T, of the whole response, what follows the last thought included.

    ``ends``: (thoughts,) tokens from the start of the response up to and including each thought.
    ``thought_correct``: (thoughts,) ``None`` where nobody could tell.
    """

    trace_id: str
    item: str
    correct: bool
    tokens: int
    ends: tuple[int, ...]
    thought_correct: tuple[bool | None, ...]

    def __post_init__(self) -> None:
        if len(self.ends) != len(self.thought_correct):
            raise ValueError(
                f"{self.trace_id}: {len(self.ends)} thoughts, {len(self.thought_correct)} verdicts"
            )
        if list(self.ends) != sorted(self.ends) or (self.ends and self.ends[-1] > self.tokens):
            raise ValueError(f"{self.trace_id}: thoughts end at {self.ends} of {self.tokens} tokens")

    @property
    def switches(self) -> int:
        """Changes of thought: one fewer than there are thoughts."""
        return max(0, len(self.ends) - 1)


def response_of(
    trace_id: str,
    thought_tokens: Sequence[int],
    thought_correct: Sequence[bool | None],
    *,
    correct: bool = False,
    item: str | None = None,
    rest: int = 0,
) -> Response:
    """A `Response` from the tokens of each thought; ``rest``: tokens behind the last one (the answer)."""
    ends = tuple(accumulate(thought_tokens))
    total = (ends[-1] if ends else 0) + rest
    return Response(trace_id, item or trace_id, correct, total, ends, tuple(thought_correct))


def response_correct(trace: Trace) -> tuple[bool | None, str]:
    """Whether a response is right, and how that is known: ``recorded``, ``rule``, ``no answer given``, or why not.

    A response without an answer part (cut off while thinking, or never divided) has one if its end states one; else
    it gave no answer, which is wrong, as every benchmark scores it. An answer part that no rule can read is not judged, nor one
    that gives several answers, or the reference's formula written in another way.
    """
    if trace.correct is not None:
        return trace.correct, "recorded"
    if not trace.reference:
        return None, "neither correctness nor a reference is recorded"
    answer = trace.answer.strip()
    kind = kind_of(trace.reference)
    end = "" if trace.think == "unclosed" else trace.reasoning[-END:]
    said = read_answer(answer, kind) if answer else read_stated(end, kind)
    if said.value is None and "several" in (said.why or ""):
        return None, "several answers are given"
    if stated := said.value or (answer if len(answer) < SHORT else None):
        same = same_answer(stated, trace.reference)
        return same, "rule" if same is not None else "answer and reference are written differently"
    return (None, "no answer was found in the answer part") if answer else (False, "no answer given")


def verdicts(
    thoughts: Sequence[Thought], stated: Sequence[str | None], reference: str | None, *, judged: bool
) -> tuple[bool | None, ...]:
    """(thoughts,) correct or not, by the two judges or by rule; the two are never mixed within a study.

    ``stated``: the answer of each thought; one that states none does not reach the reference.
    """
    if judged:
        return tuple(None if t.confidences is None else sure(t.confidences) for t in thoughts)
    if not reference:
        return (None,) * len(thoughts)
    return tuple(False if answer is None else same_answer(answer, reference) for answer in stated)


def any_judged(thoughts: Mapping[str, Sequence[Thought]]) -> bool:
    """Whether a file of thoughts carries judges' confidences at all."""
    return any(t.confidences is not None for rows in thoughts.values() for t in rows)
