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
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, NamedTuple

from .. import plugins
from ..chat.hf import keep_engines, let_engines_go
from ..codebook import Codebook
from ..codebook.codebook import SNAPSHOT
from ..codebook.snapshot import dump_codebook
from ..errors import ArgumentError, RunError
from ..files.places import Place, copies_of
from ..files.records import atomic, write_text
from ..files.seal import LEDGER, RUN
from ..intake.corpus import TraceCorpus
from ..job import BY_USER, JobFolder, ended_by
from ..provenance import digest
from ..runs.run import CoderRun, Manifest
from ..runs.run_columns import read_columns
from ..runs.shards import (
    SHARD_FILE,
    ShardRecord,
    changed,
    file_name,
    record_name,
    record_there,
    records_there,
    summed,
    write_shard,
)
from ..runs.tally import tally
from ..runs.tally_file import write_tally
from ..runs.unit_coding import DEFERRED
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
    """Check all inputs. ``work``: a folder for shards while they are coded, each run in a folder of its own there; by default within
    the run, or in the cache of this machine where the run is in an object store: then a language model's ledgers are lost with the
    machine. The rest is as for `prepare`.
    """
    given = corpus if isinstance(corpus, TraceCorpus) else TraceCorpus(corpus)
    for name, why in _NOT_OVER_CORPORA.items():
        if how.get(name):
            option = name.replace("_", "-")
            raise ArgumentError(
                f"--{option} is not for a corpus: {why}", "code a traces file, or leave it out"
            )
    place = Place(out)
    folder = place.folder or copies_of(place.url or "")
    for name in ("path", "encoder", "examples", "example_encoder"):  # other processes may be elsewhere
        if isinstance(how.get(name), str | Path) and Path(how[name]).is_dir():
            how[name] = str(Path(how[name]).resolve())
    whole = prepare(given, folder, codebook=codebook, coder=coder, scheme=scheme, seed=seed, **how)
    manifest = whole.manifest.model_copy(update={"shards": given.shards})
    scratch = Path(work or folder / WORK).resolve() / manifest.run_id
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
    "max_tokens_total": "each shard would use so many by itself",
}


def annotate_corpus(
    corpus: str | Path,
    out: str | Path,
    *,
    engine: str = "local",
    workers: int = 1,
    progress: Progress | None = None,
    restart: bool = False,
    **how: Any,
) -> CoderRun:
    """Code every unit of every trace of a corpus. ``engine``: ``local``, or ``ray``, ``ray=ADDRESS``; ``restart``: as for `execute_corpus`."""
    job = prepare_corpus(corpus, out, **how)
    return execute_corpus(job, engine=engine, workers=workers, progress=progress, restart=restart)


def engine_of(name: str, workers: int) -> ShardEngine:
    """The engine of a plugin: ``local``, ``ray``, ``ray=ADDRESS``."""
    kind, _, address = name.partition("=")
    made: ShardEngine = plugins.load(ENGINES, kind)(address or None, workers)
    return made


def execute_corpus(
    job: CorpusAnnotation,
    *,
    engine: str = "local",
    workers: int = 1,
    progress: Progress | None = None,
    restart: bool = False,
) -> CoderRun:
    """Code the shards that are not done; with ``restart`` also those in which codings are missing, whose requests in the ledger are
    not asked again."""
    place, work = Place(job.job.out), Path(job.job.work)
    run_on = engine_of(engine, workers)
    with JobFolder(place.here([RUN, SNAPSHOT]), job.manifest, ours=_ours(place, job.folder)) as held:
        there = records_there(place)
        done = _sound(place, job, there)
        again = [n for n, record in there.items() if n not in done or (restart and _lacks(record))]
        complete = held.previous is not None and held.previous.status == "complete"
        if complete and len(done) == job.corpus.shards and not again and SNAPSHOT in place.names():
            return CoderRun(job.job.out)
        write_text(job.folder / SNAPSHOT, dump_codebook(job.job.book))
        held.save(status="running")
        _upload(job, place)
        for number in again:
            place.remove(record_name(number))
            done.pop(number, None)
        stopped, interrupted = _code_shards(job, run_on, done, progress)
        _finish(job, held, place, done, stopped, interrupted=interrupted or run_on.interrupted)
        if len(done) == job.corpus.shards:
            shutil.rmtree(work, ignore_errors=True)
            if work.parent == (job.folder / WORK).resolve():
                shutil.rmtree(work.parent, ignore_errors=True)
    return CoderRun(job.job.out)


def _ours(place: Place, folder: Path) -> list[str]:
    """Files that a session killed before its first record may have left. Raises `RunError` where an object store has others."""
    there = place.names()
    if place.folder is None:
        strange = [name for name in there if name != SNAPSHOT and not SHARD_FILE.fullmatch(name)]
        if strange and RUN not in there:
            raise RunError(
                f"{place} is not empty and holds no run ({strange[0]} …)",
                "choose another directory with -o",
            )
        return [path.name for path in folder.iterdir()] if folder.is_dir() else []  # copies
    return [SNAPSHOT, *(name for name in there if SHARD_FILE.fullmatch(name))]


def _lacks(record: ShardRecord) -> bool:
    """Whether codings are missing that could be there."""
    return any(n for why, n in record.counts.get("missing", {}).items() if why != DEFERRED)


def _upload(job: CorpusAnnotation, place: Place) -> None:
    """Put the record where the run is in an object store, for other machines to see whose it is."""
    if place.folder is None:
        for name in (SNAPSHOT, RUN):
            place.put_bytes((job.folder / name).read_bytes(), name)


def _code_shards(
    job: CorpusAnnotation, run_on: ShardEngine, done: dict[int, ShardRecord], progress: Progress | None
) -> tuple[str | None, bool]:
    """Code the shards that are not ``done``, and add them; why some are not, and whether the user ended it."""
    todo = [number for number in range(job.corpus.shards) if number not in done]
    so_far = sum(int(record.counts.get("traces", 0)) for record in done.values())
    if progress:
        progress(so_far, job.corpus.total)
    stopped: str | None = None
    shared = _shared_out(job.job, run_on.workers)
    try:
        for shard in run_on.run(partial(code_shard, shared), todo, gpus=getattr(job.whole.coder, "gpus", 0)):
            if shard.record is None:
                stopped = stopped or shard.stopped
                if shard.stopped == BY_USER:  # in this process
                    return stopped, True
                continue
            done[shard.number] = shard.record
            so_far += int(shard.record.counts.get("traces", 0))
            if progress:
                progress(so_far, job.corpus.total)
    except KeyboardInterrupt as error:
        return ended_by(error)[1], True
    finally:
        let_engines_go()
    return stopped, False


def _shared_out(job: CorpusJob, workers: int) -> CorpusJob:
    """With each process's part of what all may do together."""
    if not (most := job.how.get("requests_per_minute")):
        return job
    return replace(job, how={**job.how, "requests_per_minute": most / workers})


def _sound(place: Place, job: CorpusAnnotation, records: Mapping[int, ShardRecord]) -> dict[int, ShardRecord]:
    """The shards that are done; those whose files, or whose traces, are not what they were any more are done again.

    Raises `RunError` where a shard is of another run.
    """
    parts, there, run_id = job.corpus.record.shards, set(place.names()), job.job.run_id
    for number, record in records.items():
        if record.run_id != run_id:
            raise RunError(
                f"{place} holds another run: shard {number} is of {record.run_id}, this would be {run_id}",
                "choose another place with -o, or delete this one",
            )
    return {
        number: record
        for number, record in records.items()
        if number < len(parts) and record.traces == parts[number].sha256 and not changed(place, record, there)
    }


def _finish(
    job: CorpusAnnotation,
    held: JobFolder[Manifest],
    place: Place,
    done: Mapping[int, ShardRecord],
    stopped: str | None,
    *,
    interrupted: bool,
) -> None:
    whole = len(done) == job.corpus.shards
    if not whole:  # some may have come to their end while the run was ended
        done = records_there(place)
    counts, usage = summed([done[number] for number in sorted(done)])
    known = {name: value for record in done.values() for name, value in record.sha256.items() if value}
    size = {name: value for record in done.values() for name, value in record.bytes.items()}
    status: Any = "complete" if whole else "interrupted" if interrupted else "stopped"
    why = None if whole else stopped or BY_USER
    if whole and (sum_up := getattr(job.whole.coder, "sum_up", None)):
        usage |= sum_up(CoderRun(job.job.out, locked="always"))
    record = held.finish(status, why=why, counts=counts, usage=usage, known=known)
    if place.folder is not None:
        return
    names = {record_name(number): None for number in done}
    record = held.save(
        status=status, sha256={**record.sha256, **names, **known}, bytes={**record.bytes, **size}
    )
    _upload(job, place)


def code_shard(job: CorpusJob, number: int) -> CodedShard:
    """Code one shard, in whichever process this is; one that is done already is not coded again.

    Raises `PedagogyError` for what would go wrong with every shard.
    """
    keep_engines()
    place = Place(job.out)
    folder = Path(job.work) / record_name(number).removesuffix(".json")
    whole = _prepared(pickle.dumps(job))
    if getattr(whole.coder, "of_one_run", False):
        whole = _prepare(job, folder)
    traces = TraceCorpus(job.corpus).shard(number)
    sha256 = traces.part.sha256
    before = record_there(place, number)
    own = before is None or before.run_id == job.run_id
    if before and own and before.traces == sha256 and not changed(place, before, place.names()):
        return CodedShard(number, before)
    if own and getattr(whole.coder, "of_one_run", False):
        _ledger_back(place, file_name("ledger", number), folder)
    manifest = whole.manifest.model_copy(update={"fingerprint": digest([whole.manifest.fingerprint, sha256])})
    run = _when_free(whole._replace(traces=traces, out=folder, manifest=manifest, part=True))
    if run.manifest.status != "complete":
        return CodedShard(number, None, run.manifest.stopped_why or run.manifest.status)
    counted = folder / file_name("tally", number)
    write_tally(counted, tally(read_columns([run]), counted.stem))
    record = write_shard(folder, number, sha256, run.manifest, place, also=[counted])
    shutil.rmtree(folder, ignore_errors=True)
    return CodedShard(number, record)


def _ledger_back(place: Place, name: str, folder: Path) -> None:
    """Take up a shard's replies where they were put already, and the shard is to be made again: nothing is asked twice."""
    if (folder / LEDGER).exists() or name not in place.names():
        return
    folder.mkdir(parents=True, exist_ok=True)
    with atomic(folder / LEDGER, "wb") as file:
        file.write(place.read(name))


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
