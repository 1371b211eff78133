"""Every unit that was given one code, with what stands before and after it, and who gave the code.

found = quotations([CoderRun("runs/humans"), CoderRun("runs/cues")], "IA-SQ")
found.quotations[0].text          "Wait, is 7 prime?"
found.quotations[0].said          (Given("A", "human", "humans", ("IA-SQ",)), Given("cues", …, ("KA-RO", "IA-SQ")))
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from ..codebook import NONE, Codebook
from ..errors import CodebookError, RunError, did_you_mean
from ..trace import Trace, Unit
from .run import CoderRun, Coding, one_codebook, opened, require_complete
from .run_columns import coder_names


class Given(NamedTuple):
    """One coder's coding of the unit: all codes, the primary first. ``run``: the directory's name."""

    coder: str
    kind: str
    run: str
    codes: tuple[str, ...]
    evidence: str = ""
    memo: str = ""


@dataclass(frozen=True)
class Quotation:
    """A unit with the one before and the one after it; ``""`` at either end of the trace."""

    trace: Trace
    unit: Unit
    before: str
    after: str
    said: tuple[Given, ...]

    @property
    def text(self) -> str:
        """The unit's."""
        return self.unit.text


@dataclass(frozen=True)
class Quotations:
    """``coders``: whose codings were searched. ``n_traces``: so many traces were searched. ``partial``: of each run that is
    not complete, and of a restriction to some traces, a sentence that says so."""

    code: str
    book: Codebook
    coders: tuple[str, ...]
    n_traces: int
    quotations: tuple[Quotation, ...]
    partial: tuple[str, ...] = ()


def quotations(
    runs: Iterable[CoderRun | str | Path],
    code: str,
    *,
    coders: Sequence[str] = (),
    partial: bool = False,
) -> Quotations:
    """The units that somebody, or one of ``coders``, gave ``code`` as primary or further code; ``none``: that no code applies.

    Runs are joined by unit, which stand as in the traces; they must share one codebook. A coder who coded units twice, in two runs, is
    two, named ``coder@run``. Raises `CodebookError` or `RunError` for a code or coder that there is not.
    """
    found = opened(runs)
    unfinished = require_complete(found, partial)
    book = one_codebook(found)
    known = [*book.code_ids, NONE]
    if code not in known:
        raise CodebookError(f"{book.ref} has no code {code!r}", did_you_mean(code, known))
    names = coder_names(found)
    wanted = _wanted(names, coders)
    by_unit: dict[str, Quotation] = {}
    place: dict[str, int] = {}
    for run, own in zip(found, names, strict=True):
        kinds = {coder.name: coder.kind for coder in run.manifest.coders}
        for trace, units, codings in run.by_trace():
            place.setdefault(trace.id, len(place))
            said: dict[str, list[Given]] = defaultdict(list)
            for coding in codings:
                name = own.get(coding.coder, coding.coder)
                if name in wanted and _has(coding, code):
                    said[coding.unit_id].append(_given(name, kinds.get(coding.coder, ""), run, coding))
            for unit in [unit for unit in units if unit.id in said]:
                earlier = by_unit.get(unit.id) or _quotation(trace, units, unit)
                by_unit[unit.id] = replace(earlier, said=(*earlier.said, *said[unit.id]))
    ordered = sorted(by_unit.values(), key=lambda q: (place[q.trace.id], q.unit.start, q.unit.end))
    return Quotations(code, book, wanted, len(place), tuple(ordered), unfinished)


def _wanted(names: Sequence[Mapping[str, str]], coders: Sequence[str]) -> tuple[str, ...]:
    """Names of all coders of the runs, or of those asked for."""
    everybody = list(dict.fromkeys(name for own in names for name in own.values()))
    for name in coders:
        if name not in everybody:
            raise RunError(f"no coder is named {name!r}", did_you_mean(name, everybody))
    return tuple(name for name in everybody if not coders or name in coders)


def _has(coding: Coding, code: str) -> bool:
    return coding.codes is not None and (code in coding.codes or (code == NONE and not coding.codes))


def _given(name: str, kind: str, run: CoderRun, coding: Coding) -> Given:
    codes = coding.codes or (NONE,)
    return Given(name, kind, run.name, codes, coding.evidence or "", coding.rationale or "")


def _quotation(trace: Trace, units: Sequence[Unit], unit: Unit) -> Quotation:
    """Of units that overlap, as spans of several coders do, the nearest that does not is before or after."""
    before = max((u for u in units if u.end <= unit.start), key=lambda u: u.end, default=None)
    after = min((u for u in units if u.start >= unit.end), key=lambda u: u.start, default=None)
    return Quotation(trace, unit, before.text if before else "", after.text if after else "", ())
