"""Machine coding of a corpus: shard by shard, by whichever engine, into a run over the corpus (`runs/shards.py`).

    run = annotate_corpus("corpora/open", "runs/open", coder="cues", engine="local", workers=8)
    run = annotate_corpus("s3://bucket/open", "s3://bucket/run", coder="cues", engine="ray=auto")

A shard is coded as a file of traces is (`annotate`), into a folder of its own, by one process, and moved where the run is when it is
done. So every engine writes the same bytes, and what a killed process, machine or driver leaves is taken up where it was.
"""

from __future__ import annotations

import pickle
import platform
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

from ..asking import keep_engines, let_engines_go
from ..codebook import Codebook
from ..codebook.codebook import SNAPSHOT
from ..codebook.snapshot import dump_codebook
from ..errors import ArgumentError, RunError
from ..files.places import Place
from ..files.records import write_text
from ..files.seal import RUN
from ..intake.corpus import TraceCorpus
from ..job import JobFolder, locked
from ..provenance import digest
from ..runs.run import CoderRun, Manifest
from ..runs.run_columns import read_columns
from ..runs.shards import write_shard
from ..runs.tally import tally
from ..runs.tally_file import write_tally
from ..runs.unit_coding import DEFERRED
from ..shards.shard_record import ShardRecord, file_name, records_there, summed
from ..shards.sharded_job import (
    ShardDone,
    ShardedJob,
    done_before,
    engine_of,
    folder_of,
    ledger_back,
    made_alone,
    work_of,
)
from .annotate import Annotation, Progress, execute, plan, prepare

_CODED = re.compile(r"(shard|units|codings|tally|ledger)-\d{4,5}\.(json|jsonl|parquet)")
"""The files that shards consist of."""


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


@dataclass(frozen=True)
class CorpusAnnotation:
    """A corpus that is about to be coded. ``whole``: as if it were one file."""

    corpus: TraceCorpus
    whole: Annotation
    job: CorpusJob
    kept: ShardedJob[ShardRecord]

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
    folder = folder_of(place)
    for name in ("path", "encoder", "examples", "example_encoder"):  # other processes may be elsewhere
        if isinstance(how.get(name), str | Path) and Path(how[name]).is_dir():
            how[name] = str(Path(how[name]).resolve())
    whole = prepare(given, folder, codebook=codebook, coder=coder, scheme=scheme, seed=seed, **how)
    manifest = whole.manifest.model_copy(update={"shards": given.shards})
    scratch = work_of(work, folder, manifest.run_id)
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
    kept = ShardedJob(place, folder, scratch, manifest.run_id, given.shards, ShardRecord)
    return CorpusAnnotation(given, whole._replace(manifest=manifest), job, kept)


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
    kept, parts = job.kept, job.corpus.record.shards
    place, run_on = kept.place, engine_of(engine, workers)
    with JobFolder(place.here([RUN, SNAPSHOT]), job.manifest, ours=kept.ours([SNAPSHOT], _CODED)) as held:
        there = records_there(place, ShardRecord)
        done = kept.sound(there, [part.sha256 for part in parts])
        again = [n for n, record in there.items() if n not in done or (restart and _lacks(record))]
        complete = held.previous is not None and held.previous.status == "complete"
        if complete and len(done) == kept.shards and not again and SNAPSHOT in place.names():
            kept.clear()  # a session killed at its very end left it
            return CoderRun(job.job.out)
        # The same run may be made elsewhere with the same --work, and would delete it.
        with locked(kept.work, "--work"):
            write_text(kept.folder / SNAPSHOT, dump_codebook(job.job.book))
            held.save(status="running")
            kept.upload([SNAPSHOT, RUN])
            kept.forget(again)
            done = {number: record for number, record in done.items() if number not in again}
            try:
                work = partial(code_shard, _shared_out(job.job, run_on.workers))
                gpus = getattr(job.whole.coder, "gpus", 0)
                made = kept.make(run_on, work, done, progress, total=job.corpus.total, gpus=gpus)
            finally:
                let_engines_go()
            counts, usage = summed(made.records)
            counts = {"traces": 0, "units": 0, "tokens": 0, "coded": 0, "missing": {}} | counts
            if made.whole and (sum_up := getattr(job.whole.coder, "sum_up", None)):
                usage |= sum_up(CoderRun(job.job.out, locked="always"))
            kept.finish(held, made, [SNAPSHOT], counts=counts, usage=usage)
            if made.whole:
                kept.clear()
    return CoderRun(job.job.out)


def plan_corpus(job: CorpusAnnotation) -> dict[str, Any]:
    """What the job would do, as `annotate.plan` says of a traces file; what any shard's ledger answers is answered."""
    kept = job.kept
    coder: Any = job.whole.coder
    if hasattr(coder, "ledgers"):
        names = set(kept.place.names())
        coder = replace(coder, ledgers=tuple(kept.ledger_of(number, names) for number in range(kept.shards)))
    done = kept.recorded([part.sha256 for part in job.corpus.record.shards])
    return {"shards": kept.shards, "shards_done": len(done)} | plan(job.whole._replace(coder=coder))


def _shared_out(job: CorpusJob, workers: int) -> CorpusJob:
    """With each process's part of what all may do together."""
    most = job.how.get("requests_per_minute")
    return replace(job, how={**job.how, "requests_per_minute": most / workers}) if most else job


def _lacks(record: ShardRecord) -> bool:
    """Whether codings are missing that could be there."""
    return any(n for why, n in record.counts.get("missing", {}).items() if why != DEFERRED)


def code_shard(job: CorpusJob, number: int) -> ShardDone[ShardRecord]:
    """Code one shard, in whichever process this is; one that is done already is not coded again.

    Raises `PedagogyError` for what would go wrong with every shard.
    """
    keep_engines()
    whole, place = _prepared(pickle.dumps(job)), Place(job.out)
    traces = TraceCorpus(job.corpus).shard(number)
    sha256 = traces.part.sha256
    with made_alone(job.work, number) as folder:
        if before := done_before(place, number, ShardRecord, job.run_id, sha256):
            return ShardDone(number, before)
        if getattr(whole.coder, "of_one_run", False):
            whole = _prepare(job, folder)
            ledger_back(place, number, folder)
        fingerprint = digest([whole.manifest.fingerprint, sha256])
        manifest = whole.manifest.model_copy(update={"fingerprint": fingerprint})
        run = execute(whole._replace(traces=traces, out=folder, manifest=manifest, part=True))
        if run.manifest.status != "complete":
            return ShardDone(number, None, run.manifest.stopped_why or run.manifest.status)
        counted = folder / file_name("tally", number)
        write_tally(counted, tally(read_columns([run]), counted.stem))
        record = write_shard(folder, number, sha256, run.manifest, place, also=[counted])
        shutil.rmtree(folder, ignore_errors=True)
    return ShardDone(number, record)


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
