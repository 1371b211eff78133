"""Machine coding of a file of traces: traces → units → a coder → a run directory that can be resumed.

    run = annotate("traces.jsonl", "runs/cues", codebook="schoen", coder="cues")

The same call on the same directory takes up where it was stopped; other inputs or parameters are refused.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from .. import plugins
from ..codebook import Codebook
from ..codebook.check import load_checked
from ..errors import PedagogyError, RunError
from ..intake import read_traces
from ..provenance import digest, file_digest, now, versions
from ..runs.coding import Coding
from ..runs.given_units import unitizer_of
from ..runs.run import CoderRun, Manifest
from ..runs.run_writer import RunWriter
from ..trace import Trace
from ..unit import Unit, Unitizer
from . import Coder, Context

CODERS = "pedagogy_r1.coding.coders"

Progress = Callable[[int, int], None]
"""Called with (traces done, traces in all)."""

Notice = Callable[[str], None]
"""Called with a sentence that the user ought to see, though nothing is wrong any more."""


class Job(NamedTuple):
    """A fully specified annotation, before anything is written."""

    traces: Path
    out: Path
    book: Codebook
    coder: Coder
    unitize: Unitizer
    manifest: Manifest
    total: int


def prepare(
    traces: str | Path,
    out: str | Path,
    *,
    codebook: str | Path = "schoen",
    coder: str = "cues",
    scheme: str | None = None,
    lang: str | None = None,
    units: str | Path | None = None,
    seed: int = 0,
    **options: Any,
) -> Job:
    """Check all inputs and build the coder. ``units``: a run whose units are to be coded, exactly."""
    book = load_checked(codebook)
    unitize, source = unitizer_of(scheme or book.unit, lang, units)
    factory = plugins.load(CODERS, coder)
    _check_options(coder, factory, options)
    total, traces_digest = _survey(Path(traces))
    source |= {"traces": str(traces), "traces_digest": traces_digest}
    made = factory(Context(book, "", Path(out), seed), **options)
    fingerprint = digest(
        {
            "codebook": book.digest,
            "coder": coder,
            "parameters": made.parameters,
            "scheme": unitize.scheme,
            "lang": lang,
            "seed": seed,
            "source": {k: v for k, v in source.items() if k.endswith("_digest")},
        }
    )
    run_id = f"{coder}-{fingerprint.removeprefix('sha256:')[:12]}"
    made = factory(Context(book, run_id, Path(out), seed), **options)
    manifest = Manifest(
        run_id=run_id,
        fingerprint=fingerprint,
        status="running",
        started=now(),
        codebook={"id": book.id, "version": book.version, "digest": book.digest},
        coders=made.coders,
        coder=coder,
        scheme=unitize.scheme,
        lang=lang or "",
        parameters=made.parameters,
        source=source,
        seed=seed,
        versions=versions(),
    )
    return Job(Path(traces), Path(out), book, made, unitize, manifest, total)


def annotate(
    traces: str | Path,
    out: str | Path,
    *,
    progress: Progress | None = None,
    notice: Notice | None = None,
    restart: bool = False,
    **how: Any,
) -> CoderRun:
    """Code every unit of every trace into the run directory ``out``; see `prepare` for the rest.

    Returns the run, whose ``manifest.status`` is ``complete``, ``stopped`` (a budget) or ``interrupted``.
    ``restart`` writes the codings of a finished run again (requests in the ledger are not asked again), as happens by
    itself where files of a finished run were changed since; ``notice`` is told.
    """
    return execute(prepare(traces, out, **how), progress=progress, notice=notice, restart=restart)


def execute(
    job: Job, *, progress: Progress | None = None, notice: Notice | None = None, restart: bool = False
) -> CoderRun:
    """Run a prepared job."""
    writer = RunWriter(job.out, job.manifest, job.book, restart=restart)
    try:
        if writer.damaged and notice:
            names = ", ".join(writer.damaged)
            notice(f"{job.out}: {names} changed since the run was complete; the run is made again")
        if not writer.complete:
            _code(job, writer, progress)
    finally:
        writer.close()
    return CoderRun(job.out)


def _code(job: Job, writer: RunWriter, progress: Progress | None) -> None:
    tally = getattr(job.coder, "tally", None)  # counts of the coder's own, which have to survive a kill

    def emit(trace: Trace, units: list[Unit], codings: list[Coding]) -> None:
        writer.write(trace, units, codings, tally(codings, job.unitize.lang or trace.lang) if tally else {})
        if progress:
            progress(writer.done, job.total)

    if progress:
        progress(writer.done, job.total)
    try:
        outcome = job.coder.code(islice(_wanted(job), writer.done, None), job.unitize, emit)
    except KeyboardInterrupt:
        writer.finish("interrupted", why="interrupted by the user")
        return
    except PedagogyError as error:
        writer.finish("stopped", why=error.message)
        raise
    usage = (outcome.usage or {}) | writer.usage
    if outcome.interrupted:
        writer.finish("interrupted", why="interrupted by the user", usage=usage)
    elif outcome.stopped:
        writer.finish("stopped", why=outcome.stopped, usage=usage)
    else:
        writer.finish("complete", usage=usage)


def _wanted(job: Job) -> Iterator[Trace]:
    """The traces to be coded: all, or those that the given units belong to."""
    spans = job.unitize.spans
    return (trace for trace in read_traces(job.traces) if spans is None or trace.id in spans)


def plan(job: Job) -> dict[str, Any]:
    """What the job would do: traces, units, tokens, and the coder's own plan (requests, tokens to be paid)."""
    counts = {"traces": 0, "units": 0, "tokens": 0}

    def unitize(trace: Trace) -> list[Unit]:
        units = job.unitize(trace)
        counts["traces"] += 1
        counts["units"] += len(units)
        counts["tokens"] += sum(unit.tokens for unit in units)
        return units

    coder_plan = job.coder.plan(_wanted(job), unitize)
    if not counts["traces"]:
        for trace in _wanted(job):
            unitize(trace)
    return counts | coder_plan


def _survey(path: Path) -> tuple[int, str]:
    """Number of traces and digest of the file; the first bad line is an error, before anything is written."""
    total = sum(1 for _ in read_traces(path))
    if not total:
        raise RunError(f"{path} holds no trace", "import some with: pcode traces import FILE -o traces.jsonl")
    return total, file_digest(path)


def _check_options(name: str, factory: Callable[..., Any], options: dict[str, Any]) -> None:
    """Unknown options are errors, and say which ones the coder has."""
    known = {p.name for p in inspect.signature(factory).parameters.values() if p.kind is p.KEYWORD_ONLY}
    unknown = sorted(set(options) - known)
    if unknown:
        raise PedagogyError(
            f"coder {name!r} has no option {unknown[0]!r}",
            "its options: " + (", ".join(sorted(known)) or "none"),
        )
    needed = [
        p.name
        for p in inspect.signature(factory).parameters.values()
        if p.kind is p.KEYWORD_ONLY and p.default is p.empty and p.name not in options
    ]
    if needed:
        raise PedagogyError(f"coder {name!r} needs {needed[0]!r}", f"give --{needed[0].replace('_', '-')}")
