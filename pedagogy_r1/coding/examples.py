"""Units that were coded before, to be shown to a language model beside those it is to code.

    examples = read_examples("runs/humans", book)
    shown = examples.beside(trace, units)         the trace's units compared with all that are of another trace and item
    shown.of([0, 1, 2], 8, tokens=2000)           for a window of three units, the eight nearest

Of another trace and item: neither the name, the text nor the item is the same, nor the question where one of both has no item.
A window of many units gets the nearest example of each, the likeliest first, then the second nearest; of two with the same text and codes
one. A unit on which no code has most of its coders is no example.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from ..chat import rough_tokens
from ..codebook import NONE, Codebook
from ..errors import InputError
from ..estimate import Floats, Ints
from ..files.records import dump
from ..provenance import digest
from ..runs.locked_part import text_key
from ..runs.run import CoderRun, Coding, require_codebook
from ..trace import Trace, Unit
from .agreed_codes import agreed_codes
from .learned.coded_traces import TaughtTrace, read_coded
from .learned.encoder import EncoderFolder, SentenceEncoder
from .learned.unit_features import see
from .nearest_units import VERSION, NearestUnits, SeenTrace

K, TOKENS = 8, 2000
"""Examples a window, and what they may come to together, by default."""


class Example(NamedTuple):
    """A coded unit. ``before``: the unit before it, if there is one; ``codes``: the first one first, none where none applies."""

    unit_id: str
    trace_id: str
    before: str
    text: str
    codes: tuple[str, ...]

    def shown(self) -> dict[str, Any]:
        """As the model reads it, without what it has not."""
        primary, secondary = (*self.codes, None, None)[:2]
        before = {"before": self.before} if self.before else {}
        second = {"secondary": secondary} if secondary else {}
        return before | {"text": self.text, "primary": primary or NONE} | second


class TraceSource(NamedTuple):
    """What a trace is known again by: its name, its item, its text, its question."""

    id: str
    item: str | None
    text: str
    asked: str

    @classmethod
    def of(cls, trace: Trace) -> TraceSource:
        """Of a trace; white space does not count."""
        return cls(trace.id, trace.item, text_key(trace) or "", " ".join(trace.question.split()))

    def same_as(self, other: TraceSource) -> bool:
        """Whether both are the same trace, or of the same item."""
        if self.id == other.id or (self.text and self.text == other.text):
            return True
        if self.item and other.item:
            return self.item == other.item
        return bool(self.asked) and self.asked == other.asked


@dataclass(frozen=True)
class Examples:
    """Coded units, searchable. ``encoder``: the one that compares them, in place of words; ``sources``: their traces; ``source_of``: the number of each unit's; ``digest``: of all that decides
    what is shown."""

    folder: Path
    encoder: EncoderFolder | None
    units: tuple[Example, ...]
    sources: tuple[TraceSource, ...]
    source_of: Ints
    nearest: NearestUnits
    digest: str

    def beside(self, trace: Trace, units: Sequence[Unit]) -> TraceExamples:
        """The trace's units compared with the examples."""
        import numpy as np

        texts = [unit.text for unit in units]
        seen = SeenTrace(see(trace.question, texts), texts)
        likeness = np.round(self.nearest.similarity(seen), 6) if units else np.zeros((0, len(self.units)))
        mine = TraceSource.of(trace)
        others = np.array([not mine.same_as(source) for source in self.sources], dtype=bool)
        return TraceExamples(self, likeness, others[self.source_of])


@dataclass(frozen=True)
class TraceExamples:
    """The examples for the windows of one trace. ``likeness``: (units, examples); ``allowed``: those of other traces and items."""

    examples: Examples
    likeness: Floats
    allowed: Any

    def of(self, which: Sequence[int], k: int, *, tokens: int = TOKENS) -> tuple[Example, ...]:
        """At most ``k`` examples for the units at positions ``which`` of the trace, of at most so many ``tokens``, roughly."""
        chosen: list[Example] = []
        left = tokens
        said: set[tuple[str, tuple[str, ...]]] = set()
        for number in self._in_order(which, k):
            one = self.examples.units[number]
            key = " ".join(one.text.split()), one.codes
            cost = rough_tokens(dump(one.shown()))
            if key in said or cost > left:
                continue
            said.add(key)
            chosen.append(one)
            left -= cost
            if len(chosen) == k:
                break
        return tuple(chosen)

    def _in_order(self, which: Sequence[int], k: int) -> Iterator[int]:
        """Numbers of examples: first the nearest of each unit, the likeliest first; of equals the one that stands first."""
        import numpy as np

        numbers = np.flatnonzero(self.allowed)
        if not len(numbers):
            return
        mine = self.likeness[np.asarray(which)][:, numbers]
        ranked = np.argsort(-mine, axis=1, kind="stable")[:, : 4 * k + 8]
        for column in ranked.T:
            likeness = mine[np.arange(len(which)), column]
            for row in sorted(range(len(which)), key=lambda row: (-likeness[row], column[row], row)):
                yield int(numbers[column[row]])


def read_examples(folder: str | Path, book: Codebook, encoder: SentenceEncoder | None = None) -> Examples:
    """The coded units of a run: by people, or by machines where there are no people in it.

    ``encoder``: says which are nearest, in place of words and letters. Raises `CodebookError` for a run under another codebook,
    `InputError` for one in which no unit has a code of most of its coders; `RunError` for one that is not complete.
    """
    import numpy as np

    run = CoderRun(folder)
    require_codebook(run, book)
    taught = read_coded([run])
    codes = _settled(run, taught.coders)
    units: list[Example] = []
    which = [[i for i, unit in enumerate(one.units) if unit.id in codes] for one in taught.traces]
    for one, some in zip(taught.traces, which, strict=True):
        units += [_example(one, i, codes[one.units[i].id]) for i in some]
    if not units:
        raise InputError(
            f"{folder}: its coders agree on no unit, so that there is no example",
            "give the run of one coder, or one that was adjudicated",
        )
    sources = tuple(TraceSource.of(one.trace) for one in taught.traces)
    seen = [SeenTrace(one.seen, [unit.text for unit in one.units]) for one in taught.traces]
    # The empty text keeps the digest of runs that were made before; the encoder is recorded by itself.
    known = digest([VERSION, "", [list(unit) for unit in units], [list(source) for source in sources]])
    numbers = np.repeat(np.arange(len(sources)), [len(some) for some in which])
    nearest = NearestUnits(seen, which, encoder.embed if encoder else None)
    return Examples(
        Path(folder), encoder.folder if encoder else None, tuple(units), sources, numbers, nearest, known
    )


def _example(one: TaughtTrace, i: int, codes: tuple[str, ...]) -> Example:
    unit = one.units[i]
    return Example(unit.id, one.trace.id, one.units[i - 1].text if i else "", unit.text, codes)


def _settled(run: CoderRun, coders: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """The codes of each unit that its coders agree on."""
    said: dict[str, list[Coding]] = {}
    for coding in run.codings():
        if coding.codes is not None and coding.coder in coders:
            said.setdefault(coding.unit_id, []).append(coding)
    agreed = {unit: agreed_codes(codings) for unit, codings in said.items()}
    return {unit: codes for unit, codes in agreed.items() if codes is not None}
