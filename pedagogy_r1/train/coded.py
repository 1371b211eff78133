"""Codings of the traces that a policy looks at, out of one or more run directories.

    coded = coded_traces(["runs/cues"], traces)
    coded["SK-12#2"].codes       [("KA-RO",), ("IA-SQ", "IA-PL"), None]      one a unit; None is missing

A trace that no run holds is absent: its policies say "not coded". A run that coded another text under the same id is an
error, since the codings would be about something else.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..codebook import Codebook
from ..errors import CodebookError, InputError, RunError, did_you_mean
from ..runs.coding import Coding
from ..runs.run import CoderRun, require_complete
from ..trace import Trace


@dataclass(frozen=True)
class CodedTrace:
    """(units,) tokens and codes, the primary code first, by one coder."""

    tokens: tuple[int, ...]
    codes: tuple[tuple[str, ...] | None, ...]

    @property
    def coded(self) -> bool:
        """Whether any unit has a coding at all."""
        return any(codes is not None for codes in self.codes)


@dataclass(frozen=True)
class CodedTraces:
    """By trace id; and the one codebook that all runs were made with."""

    book: Codebook
    traces: dict[str, CodedTrace]

    def get(self, trace: Trace) -> CodedTrace | None:
        """The trace's codings, if it has any."""
        found = self.traces.get(trace.id)
        return found if found is not None and found.coded else None


def coded_traces(
    folders: Iterable[str | Path], traces: Sequence[Trace], coder: str | None, policy: str
) -> CodedTraces:
    """Open the runs. ``coder``: whose codings, where a run has several. Raises `RunError`, `InputError`, `CodebookError`."""
    runs = [CoderRun(folder) for folder in folders]
    if not runs:
        raise RunError(
            f"the policy {policy!r} reads codings, and none are given",
            "code the traces (pcode annotate TRACES -o RUN) and give --codings RUN",
        )
    require_complete(runs, None)
    texts = {trace.id: trace.reasoning for trace in traces}
    book, found = runs[0].codebook, dict[str, CodedTrace]()
    for run in runs:
        if run.codebook.digest != book.digest:
            raise CodebookError(
                f"{run.folder} was made with {run.codebook.stamp}, {runs[0].folder} with {book.stamp}",
                "give runs of one codebook",
            )
        name = _coder(run, coder)
        for trace, units, codings in run.by_trace():
            if trace.id not in texts:
                continue
            if trace.reasoning != texts[trace.id]:
                raise InputError(
                    f"{run.folder} coded another text under the trace id {trace.id!r}",
                    "give the run that was made from this traces file",
                )
            if trace.id in found:
                raise InputError(f"trace {trace.id!r} is coded in two of the runs", "give one of them")
            given = {c.unit_id: c for c in codings if c.coder == name}
            found[trace.id] = CodedTrace(
                tuple(unit.tokens for unit in units),
                tuple(_codes(given.get(unit.id)) for unit in units),
            )
    return CodedTraces(book, found)


def _codes(coding: Coding | None) -> tuple[str, ...] | None:
    return None if coding is None else coding.codes


def _coder(run: CoderRun, wanted: str | None) -> str:
    names = [coder.name for coder in run.manifest.coders]
    if wanted is not None and wanted not in names:
        raise RunError(f"{run.folder} has no coder {wanted!r}", did_you_mean(wanted, names))
    if wanted is None and len(names) != 1:
        raise RunError(
            f"{run.folder} has {len(names)} coders: {', '.join(names)}",
            f"say whose: coder={(names or ['NAME'])[0]}",
        )
    return wanted or names[0]
