"""Machine coding of a file of traces: traces → units → a coder → a run directory that can be resumed.

    run = annotate("traces.jsonl", "runs/cues", codebook="schoen", coder="cues")

The same call on the same directory takes up where it was stopped; other inputs or parameters are refused.
"""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from .. import plugins
from ..codebook import Codebook
from ..errors import ArgumentError, LockedWarning, PluginError, RunError
from ..intake.traces import no_trace
from ..intake.traces_file import TracesFile
from ..job import BY_USER, Status
from ..provenance import digest
from ..runs.locked_part import Lock, coder_key, hidden_of, locks_of
from ..runs.run import CoderRun, Coding, Manifest
from ..runs.run_writer import RunWriter, codebook_for, unitizer_of
from ..shipped import folder as shipped
from ..trace import Trace, Unit
from ..unit.unitizer import Unitizer
from . import Coder, Context
from .cascade import CASCADE, cascade

CODERS = "pedagogy_r1.coding.coders"

Progress = Callable[[int, int], None]
"""Called with (traces done, traces in all)."""

Notice = Callable[[str], None]
"""Called with a sentence that the user ought to see, though nothing is wrong any more."""


class Annotation(NamedTuple):
    """A fully specified annotation, before anything is written."""

    traces: TracesFile
    out: Path
    book: Codebook
    coder: Coder
    unitize: Unitizer
    manifest: Manifest
    locks: tuple[Lock, ...] = ()
    skipped: frozenset[str] = frozenset()
    """Ids of the traces that are not coded: those that are locked, or all others where the locked ones are asked for."""
    locked: bool = False
    """Whether the locked traces alone are coded."""
    part: bool = False
    """Whether it is one shard of many, of which alone nothing is summed up."""

    def wanted(self) -> Iterator[Trace]:
        """The traces to be coded: all that are not skipped, or those of them that the given units belong to."""
        spans = self.unitize.spans
        return (t for t in self.traces if t.id not in self.skipped and (spans is None or t.id in spans))

    @property
    def total(self) -> int:
        """How many traces are not skipped."""
        return self.traces.total - len(self.skipped)


def shipped_coder(name: str) -> Path | None:
    """The folder of a learned coder that comes with the package, unless a folder of that name is there."""
    path = shipped("coders") / name
    plain = name not in ("", ".", "..") and Path(name).name == name
    return path if plain and not Path(name).is_dir() and path.is_dir() else None


def prepare(
    traces: str | Path | TracesFile,
    out: str | Path,
    *,
    codebook: str | Path | Codebook | None = None,
    coder: str = "cues",
    scheme: str | None = None,
    lang: str | None = None,
    units: str | Path | None = None,
    seed: int = 0,
    locked: bool = False,
    then: str | None = None,
    **options: Any,
) -> Annotation:
    """Check all inputs and build the coder.

    ``traces``: a file, or one that was read already. ``then``: who is asked for the units that a learned coder with ``error`` defers, `cascade`; options that ``coder`` has not are its.
    ``units``: a run whose units are to be coded, exactly. ``codebook``: schoen, or that of ``units``, if none is given.
    Traces that are locked are left out, and a `LockedWarning` says so; with ``locked`` they alone are coded, if a look was counted
    for this coder.
    """
    book = codebook_for(codebook, units)
    unitize, source = unitizer_of(scheme or book.unit, lang, units)
    own = _options(plugins.load(CODERS, coder))
    if then is None:
        _check_options(coder, own, options)
    given = traces if isinstance(traces, TracesFile) else TracesFile(traces)
    if not given.total:
        raise no_trace(given.path)
    source |= {"traces": str(given.path), "traces_digest": given.digest}
    context = Context(book, "", Path(out), seed)
    if then is None:
        made = _built(coder, context, options)
    else:
        made = cascade(context, coder, then, options, coders=CODERS, own=frozenset(own), build=_built)
        coder = CASCADE
    source |= getattr(made, "sources", {})
    settings = {"coder": coder, "parameters": made.parameters, "scheme": unitize.scheme, "seed": seed}
    locks = locks_of(given.path)
    key = coder_key(book.digest, coder, made.parameters, unitize.scheme, seed, lang or "", source)
    skipped = _locked_alone(given, locks, key) if locked else _not_locked(given, locks)
    if skipped:
        source |= {
            "locked": ", ".join(lock.path.name for lock in locks),
            "locked_digest": digest([locked, *sorted(skipped)]),
        }
    digests = {name: value for name, value in source.items() if name.endswith("_digest")}
    determined_by = settings | {"lang": lang, "source": digests}
    manifest = Manifest.new(
        coder, book, determined_by, coders=made.coders, lang=lang or "", source=source, **settings
    )
    context.run_id = manifest.run_id
    return Annotation(given, Path(out), book, made, unitize, manifest, locks, skipped, locked)


def _not_locked(traces: TracesFile, locks: Sequence[Lock]) -> frozenset[str]:
    """The locked ones, which are skipped."""
    hidden = hidden_of(traces, locks, traces.path, "not coded")
    if hidden.said:
        warnings.warn(hidden.said, LockedWarning, stacklevel=3)
    return hidden.ids


def _locked_alone(traces: TracesFile, locks: Sequence[Lock], key: str) -> frozenset[str]:
    """All but the locked ones. Raises `RunError` where no look was counted for this coder."""
    if shut := next((lock for lock in locks if not lock.opens(key)), None):
        changed = " (it is another one than was looked at: codebook, model, prompt, seed …)" * bool(
            shut.counted
        )
        raise RunError(
            f"{shut.path}: no look was counted for this coder under this codebook{changed}",
            "when all is settled: pcode unlock TRACES RUN… --why WHY, where RUN is what this coder said of the other traces",
        )
    kept = {trace.id for trace in traces if any(lock.holds(trace) for lock in locks)}
    if not kept:
        raise RunError(f"no trace of {traces.path} is locked", "leave out --locked")
    return frozenset(trace.id for trace in traces) - kept


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
    job: Annotation, *, progress: Progress | None = None, notice: Notice | None = None, restart: bool = False
) -> CoderRun:
    """Run a prepared job."""
    with RunWriter(job.out, job.manifest, job.book, restart=restart, locks=job.locks) as writer:
        if writer.damaged and notice:
            names = ", ".join(writer.damaged)
            notice(f"{job.out}: {names} changed since the run was complete; the run is made again")
        if not writer.complete:
            _code(job, writer, progress)
    return CoderRun(job.out, locked="looked" if job.locked else "never")


def _code(job: Annotation, writer: RunWriter, progress: Progress | None) -> None:
    tally = getattr(job.coder, "tally", None)  # counts of the coder's own, which have to survive a kill

    def emit(trace: Trace, units: list[Unit], codings: list[Coding]) -> None:
        writer.write(trace, units, codings, tally(codings, job.unitize.lang or trace.lang) if tally else {})
        if progress:
            progress(writer.done, job.total)

    if progress:
        progress(writer.done, job.total)
    try:
        outcome = job.coder.code(islice(job.wanted(), writer.done, None), job.unitize, emit)
    except KeyboardInterrupt:
        writer.finish("interrupted", why=BY_USER)
        return
    status: Status = "interrupted" if outcome.interrupted else "stopped" if outcome.stopped else "complete"
    why = BY_USER if outcome.interrupted else outcome.stopped
    usage = (outcome.usage or {}) | writer.usage
    sum_up = getattr(job.coder, "sum_up", None)
    if status == "complete" and sum_up and not job.part:
        writer.checkpoint()
        usage |= sum_up(CoderRun(job.out, locked="always"))
    writer.finish(status, why=why, usage=usage)


def plan(job: Annotation) -> dict[str, Any]:
    """What the job would do: traces, units, tokens, and the coder's own plan (requests, tokens to be paid)."""
    counts = {"traces": 0, "units": 0, "tokens": 0}

    def unitize(trace: Trace) -> list[Unit]:
        units = job.unitize(trace)
        counts["traces"] += 1
        counts["units"] += len(units)
        counts["tokens"] += sum(unit.tokens for unit in units)
        return units

    coder_plan = job.coder.plan(job.wanted(), unitize)
    if not counts["traces"]:
        for trace in job.wanted():
            unitize(trace)
    return counts | coder_plan


def _built(name: str, context: Context, options: Mapping[str, Any]) -> Coder:
    """The coder of a plugin, if what it returned is one. Raises `ArgumentError` for options that it has not."""
    factory = plugins.load(CODERS, name)
    _check_options(name, _options(factory), options)
    made = factory(context, **options)
    missing = [part for part in ("coders", "parameters", "plan", "code") if not hasattr(made, part)]
    if missing:
        raise PluginError(
            f"coder {name!r} is no coder: what its coder() returned is a {type(made).__name__}, without {missing[0]!r}",
            "coder() returns an object with coders, parameters, plan() and code(): pedagogy_r1.coding.Coder",
        )
    return made  # type: ignore[no-any-return]


def _options(factory: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    """The options that a coder takes, by name."""
    return {name: p for name, p in inspect.signature(factory).parameters.items() if p.kind is p.KEYWORD_ONLY}


def _check_options(name: str, known: Mapping[str, inspect.Parameter], options: Mapping[str, Any]) -> None:
    """Unknown options are errors, and say which ones the coder has."""
    unknown = sorted(set(options) - known.keys())
    if unknown:
        own = ", ".join(sorted(known)) or "none"
        raise ArgumentError(f"coder {name!r} has no option {unknown[0]!r}", f"its options: {own}")
    needed = [p.name for p in known.values() if p.default is p.empty and p.name not in options]
    if needed:
        how = f"--{needed[0].replace('_', '-')}" if needed[0] != "path" else f"the folder: {name}:FOLDER"
        raise ArgumentError(f"coder {name!r} needs {needed[0]!r}", f"give {how}")
