"""Machine coding of a corpus: shard by shard, by whichever engine, into a run over the corpus (`runs/shards.py`).

    run = annotate_corpus("corpora/open", "runs/open", coder="cues", engine="local", workers=8)
    run = annotate_corpus("s3://bucket/open", "s3://bucket/run", coder="cues", engine="ray=auto")

A shard is coded as a file of traces is (`annotate`), into a folder of its own, by one process, and moved where the run is when it is
done. So every engine writes the same bytes, and what a killed process, machine or driver leaves is taken up where it was.
"""

from __future__ import annotations

import pickle
import platform
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, NamedTuple

from .. import plugins
from ..codebook import Codebook
from ..codebook.codebook import SNAPSHOT
from ..codebook.snapshot import dump_codebook
from ..errors import ArgumentError, RunError
from ..files.places import Place, copies_of
from ..files.records import write_text
from ..files.seal import LEDGER, RUN
from ..intake.corpus import TraceCorpus
from ..job import BY_USER, JobFolder, ended_by
from ..provenance import digest
from ..runs.run import CoderRun, Manifest
from ..runs.run_columns import read_columns
from ..runs.shards import ShardRecord, changed, file_name, record_name, records_there, summed, write_shard
from ..runs.tally import tally
from ..runs.tally_file import write_tally
from .annotate import Annotation, Progress, execute, prepare
from .engines import ShardEngine

ENGINES = "pedagogy_r1.coding.engines"
WORK = ".work"
"""Within a run: where shards lie while they are coded."""
_BUSY = 120.0
"""Seconds to wait for a shard's folder that the process before is about to let go of."""


@dataclass(frozen=True)
class CorpusJob:
    """A fully specified coding of a corpus. ``how``: arguments of `prepare`. Picklable: it goes to other processes and machines."""

    corpus: str
    out: str
    work: str
    book: Codebook
    run_id: str
    how: Mapping[str, Any]
    coder: str
    scheme: str | None
    seed: int


class CodedShard(NamedTuple):
    """What an engine hands back of a shard: what it holds; or why it did not get done."""

    number: int
    record: ShardRecord | None
    stopped: str | None = None


@dataclass(frozen=True)
class CorpusAnnotation:
    """A corpus that is about to be coded. ``whole``: as if it were one file."""

    corpus: TraceCorpus
    whole: Annotation
    job: CorpusJob
    folder: Path
    """Where the record of the job is kept: the run, or where it is in an object store a folder of this machine."""

    @property
    def manifest(self) -> Manifest:
        """Of the whole run."""
        return self.whole.manifest


def prepare_corpus(
    corpus: str | Path | TraceCorpus,
    out: str | Path,
    *,
    work: str | Path | None = None,
    codebook: str | Path | None = None,
    coder: str = "cues",
    scheme: str | None = None,
    seed: int = 0,
    **how: Any,
) -> CorpusAnnotation:
    """Check all inputs. ``work``: a folder for shards while they are coded; by default within the run, or in the cache of this
    machine where the run is in an object store: then a language model's ledgers are lost with the machine. The rest is as for `prepare`.
    """
    given = corpus if isinstance(corpus, TraceCorpus) else TraceCorpus(corpus)
    for name, why in _NOT_OVER_CORPORA.items():
        if how.get(name):
            raise ArgumentError(f"--{name} is not for a corpus: {why}", "code a traces file, or leave it out")
    place = Place(out)
    folder = place.folder or copies_of(place.url or "")
    scratch = Path(work).resolve() if work else (folder / WORK).resolve()
    if isinstance(how.get("path"), str | Path) and Path(how["path"]).is_dir():
        how["path"] = str(Path(how["path"]).resolve())
    whole = prepare(given, folder, codebook=codebook, coder=coder, scheme=scheme, seed=seed, **how)
    manifest = whole.manifest.model_copy(update={"shards": given.shards})
    job = CorpusJob(
        corpus=given.place.absolute(),
        out=place.absolute(),
        work=str(scratch),
        book=whole.book,
        run_id=manifest.run_id,
        how=how,
        coder=coder,
        scheme=scheme,
        seed=seed,
    )
    return CorpusAnnotation(given, whole._replace(manifest=manifest), job, folder)


_NOT_OVER_CORPORA = {
    "units": "the units of another run are of one traces file",
    "locked": "a corpus has no locked part",
    "then": "a cascade is over a traces file",
}


def annotate_corpus(
    corpus: str | Path,
    out: str | Path,
    *,
    engine: str = "local",
    workers: int = 1,
    progress: Progress | None = None,
    **how: Any,
) -> CoderRun:
    """Code every unit of every trace of a corpus. ``engine``: ``local``, or ``ray``, ``ray=ADDRESS``."""
    return execute_corpus(
        prepare_corpus(corpus, out, **how), engine=engine, workers=workers, progress=progress
    )


def engine_of(name: str, workers: int) -> ShardEngine:
    """The engine of a plugin: ``local``, ``ray``, ``ray=ADDRESS``."""
    kind, _, address = name.partition("=")
    made: ShardEngine = plugins.load(ENGINES, kind)(address or None, workers)
    return made


def execute_corpus(
    job: CorpusAnnotation, *, engine: str = "local", workers: int = 1, progress: Progress | None = None
) -> CoderRun:
    """Code the shards that are not done."""
    place, work = Place(job.job.out), Path(job.job.work)
    run_on = engine_of(engine, workers)
    ours = (SNAPSHOT, LEDGER, *place.names())
    with JobFolder(job.folder, job.manifest, ours=ours) as held:
        done = _sound(place, job)
        complete = held.previous is not None and held.previous.status == "complete"
        if complete and len(done) == job.corpus.shards:
            return CoderRun(job.job.out)
        write_text(job.folder / SNAPSHOT, dump_codebook(job.job.book))
        held.save(status="running")
        _upload(job, place)
        todo = [number for number in range(job.corpus.shards) if number not in done]
        so_far = sum(int(record.counts.get("traces", 0)) for record in done.values())
        if progress:
            progress(so_far, job.corpus.total)
        stopped, interrupted = None, False
        try:
            for shard in run_on.run(partial(code_shard, job.job), todo):
                if shard.record is None:
                    stopped = stopped or shard.stopped
                    continue
                done[shard.number] = shard.record
                so_far += int(shard.record.counts.get("traces", 0))
                if progress:
                    progress(so_far, job.corpus.total)
        except KeyboardInterrupt as error:
            interrupted, stopped = True, ended_by(error)[1]
        _finish(job, held, place, done, stopped, interrupted=interrupted or run_on.interrupted)
        if len(done) == job.corpus.shards:
            shutil.rmtree(work, ignore_errors=True)
    return CoderRun(job.job.out)


def _sound(place: Place, job: CorpusAnnotation) -> dict[int, ShardRecord]:
    """The shards that are done; those whose files, or whose traces, are not what they were any more are done again.

    Raises `RunError` where a shard is of another run.
    """
    parts, found = job.corpus.record.shards, {}
    for number, record in records_there(place).items():
        if record.run_id != job.manifest.run_id:
            raise RunError(
                f"{place} holds another run: shard {number} is of {record.run_id}, this would be {job.manifest.run_id}",
                "choose another place with -o, or delete this one",
            )
        if number < len(parts) and record.traces == parts[number].sha256 and not changed(place, record):
            found[number] = record
    return found


def _finish(
    job: CorpusAnnotation,
    held: JobFolder[Manifest],
    place: Place,
    done: Mapping[int, ShardRecord],
    stopped: str | None,
    *,
    interrupted: bool,
) -> None:
    counts, usage = summed([done[number] for number in sorted(done)])
    whole = len(done) == job.corpus.shards
    known = {name: value for record in done.values() for name, value in record.sha256.items() if value}
    size = {name: value for record in done.values() for name, value in record.bytes.items()}
    status: Any = "complete" if whole else "interrupted" if interrupted else "stopped"
    why = None if whole else stopped or BY_USER
    record = held.finish(status, why=why, counts=counts, usage=usage, known=known)
    if place.folder is not None:
        return
    names = {record_name(number): None for number in done}
    record = held.save(
        status=status, sha256={**record.sha256, **names, **known}, bytes={**record.bytes, **size}
    )
    _upload(job, place)


def _upload(job: CorpusAnnotation, place: Place) -> None:
    """Where the run is in an object store, its record and codebook too."""
    for name in (SNAPSHOT, RUN) if place.folder is None else ():
        place.put_bytes((job.folder / name).read_bytes(), name)


def code_shard(job: CorpusJob, number: int) -> CodedShard:
    """Code one shard, in whichever process this is; one that is done already is not coded again.

    Raises `PedagogyError` for what would go wrong with every shard.
    """
    place = Place(job.out)
    folder = Path(job.work) / record_name(number).removesuffix(".json")
    whole = _prepared(pickle.dumps(job))
    if getattr(whole.coder, "of_one_run", False):
        whole = _prepare(job, folder)
    traces = TraceCorpus(job.corpus).shard(number)
    sha256 = traces.part.sha256
    there = records_there(place, [number]).get(number)
    if there and (there.run_id, there.traces) == (job.run_id, sha256) and not changed(place, there):
        return CodedShard(number, there)
    manifest = whole.manifest.model_copy(update={"fingerprint": digest([whole.manifest.fingerprint, sha256])})
    run = _when_free(whole._replace(traces=traces, out=folder, manifest=manifest))
    if run.manifest.status != "complete":
        return CodedShard(number, None, run.manifest.stopped_why or run.manifest.status)
    counted = folder / file_name("tally", number)
    write_tally(counted, tally(read_columns([run]), counted.stem))
    record = write_shard(folder, number, sha256, run.manifest, place, also=[counted])
    shutil.rmtree(folder, ignore_errors=True)
    return CodedShard(number, record)


@lru_cache(maxsize=1)
def _prepared(job: bytes) -> Annotation:
    """The job of this process, with a coder that is made once."""
    opened: CorpusJob = pickle.loads(job)  # noqa: S301 - made by `code_shard`
    return _prepare(opened, Path(opened.work))


def _prepare(job: CorpusJob, folder: Path) -> Annotation:
    """As the driver did. Raises `RunError` where it would be another run here: another version of the package, another file."""
    found = prepare(
        TraceCorpus(job.corpus),
        folder,
        codebook=job.book,
        coder=job.coder,
        scheme=job.scheme,
        seed=job.seed,
        **job.how,
    )
    if found.manifest.run_id != job.run_id:
        raise RunError(
            f"on {platform.node()} this would be another run ({found.manifest.run_id}, not {job.run_id})",
            "every machine needs the same version of pedagogy_r1, and the same files under the same paths",
        )
    return found


def _when_free(shard: Annotation) -> CoderRun:
    """Code it; where the process before, which was killed, still holds the folder, wait until it has let go."""
    until = time.monotonic() + _BUSY
    while True:
        try:
            return execute(shard)
        except RunError as error:
            if "is in use by process" not in error.message or time.monotonic() > until:
                raise
            time.sleep(0.5)
