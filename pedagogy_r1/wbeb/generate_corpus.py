"""Generation in shards: items → a language model → a corpus of traces, by whichever engine.

    generate_corpus(items, "corpora/qwen", shards=64, workers=8, model="openai:Qwen/Qwen3-8B", condition="cop", base_url=…)

    qwen/run.json               as of any generation, with "shards": 64
    qwen/items.jsonl            the items that were asked, in their order
    qwen/shards.json            the corpus's record: behind it the traces are there, all of them
    qwen/traces-0007.parquet    traces of a shard of the items, which a hash of the item says (`intake/corpus.py`)
    qwen/ledger-0007.jsonl      every request and raw reply of theirs
    qwen/shard-0007.json        counts, what never came, sha256 of both; written last

A shard is a generation (`generate.py`) in a folder of its own, by one process. While they are made, ``items-0007.jsonl`` says what is
to be asked, and with few-shot examples ``pool.jsonl`` where these are from: what a process knows, it knows from there.
"""

from __future__ import annotations

import platform
import re
import shutil
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

from ..asking import keep_engines, let_engines_go
from ..errors import ArgumentError, RunError
from ..files.places import Place, copied
from ..files.seal import LEDGER, RUN
from ..intake.corpus import CORPUS, check_shards, shard_of_group, write_corpus, write_part
from ..job import JobFolder, locked
from ..provenance import digest
from ..shards.shard_record import file_name, put_shard, records_there, summed
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
from ..trace import Trace, group_of_item
from .answers.parsed import READER
from .condition import Condition
from .generate import (
    GenerationJob,
    KeyedSending,
    Progress,
    check_items,
    execute,
    how_asked,
    plan,
    prepared,
    reread_from,
)
from .generation import ITEMS, AnsweredShard, Generation, GenerationManifest, count
from .item import Item, read_items, write_items
from .questions import GenerationSettings, Questions

POOL = "pool.jsonl"
_ASKED = re.compile(r"items-\d{4,5}\.jsonl")


@dataclass(frozen=True)
class CorpusRequest:
    """What a process needs to make a shard. ``sources``: by shard, the digest of what is asked. Picklable."""

    out: str
    work: str
    run_id: str
    settings: GenerationSettings
    sending: KeyedSending
    shards: int
    sources: tuple[str, ...]


@dataclass(frozen=True)
class CorpusGeneration:
    """A generation in shards, before anything is sent or written. ``whole``: as if it were one folder; ``parts``: its items by shard;
    ``pool``: items that few-shot examples come from, where there are any."""

    whole: GenerationJob
    parts: tuple[tuple[Item, ...], ...]
    pool: tuple[Item, ...]
    request: CorpusRequest
    kept: ShardedJob[AnsweredShard]

    @property
    def beside(self) -> list[str]:
        """Files that are kept beside the shards."""
        return [ITEMS, *self.whole.beside]

    def with_beside(self, beside: Mapping[str, Any]) -> CorpusGeneration:
        """With further files, as of `GenerationJob`."""
        return replace(self, whole=replace(self.whole, beside=beside))


def generate_corpus(
    items: Sequence[Item],
    out: str | Path,
    *,
    engine: str = "local",
    workers: int = 1,
    progress: Progress | None = None,
    **asked: Any,
) -> Generation:
    """Ask a model every item, and make a corpus of the answers; ``asked``: as in `prepare_shards`. The same call resumes."""
    return execute_shards(
        prepare_shards(items, out, **asked), engine=engine, workers=workers, progress=progress
    )


def prepare_shards(
    items: Sequence[Item],
    out: str | Path,
    *,
    shards: int,
    work: str | Path | None = None,
    model: str,
    condition: str | Path | Condition,
    pool: Sequence[Item] = (),
    **options: Any,
) -> CorpusGeneration:
    """Check everything, before anything is written; as `generate.prepare`.

    ``work``: a folder for shards while they are made, each job in a folder of its own there; by default within ``out``, or in the cache
    of this machine where that is in an object store: then replies of shards in hand are lost with the machine.
    """
    settings, sending = how_asked(model, condition, options)
    if sending.max_tokens_total is not None:
        raise ArgumentError(
            "--max-tokens-total is not for shards: each would use so many by itself",
            "leave it out; --dry-run estimates the tokens of all",
        )
    check_items(items)
    parts: list[list[Item]] = [[] for _ in range(check_shards(shards))]
    for item in items:
        parts[shard_of_group(group_of_item(item.id), shards)].append(item)
    place, questions = Place(out), Questions(settings, pool)
    sources = tuple(questions.digest(part) for part in parts)
    folder = folder_of(place)
    whole = prepared(items, folder, questions, sending, prompts=digest(list(sources)), shards=shards)
    run_id = whole.manifest.run_id
    scratch = work_of(work, folder, run_id)
    request = CorpusRequest(place.absolute(), str(scratch), run_id, settings, sending, shards, sources)
    kept = ShardedJob(place, folder, scratch, run_id, shards, AnsweredShard)
    examples = tuple(pool) if settings.shots else ()
    return CorpusGeneration(whole, tuple(map(tuple, parts)), examples, request, kept)


def execute_shards(
    job: CorpusGeneration,
    *,
    engine: str = "local",
    workers: int = 1,
    progress: Progress | None = None,
) -> Generation:
    """Make the shards that are not done, or those too in which replies are missing that are to be asked for again; then the corpus."""
    kept, run_on = job.kept, engine_of(engine, workers)
    place = kept.place
    with JobFolder(
        place.here([RUN, *job.beside]),
        job.whole.manifest,
        ours=kept.ours(),
        otherwise="the items, or the words in which they are put, have changed",
    ) as held:
        there = records_there(place, AnsweredShard)
        done = kept.sound(there, job.request.sources)
        lacking = {n for n, one in done.items() if one.missing and job.request.sending.retry_missing}
        if not lacking and len(done) == kept.shards and _stands(job, held):
            kept.clear()  # a session killed at its very end left it
            return Generation(job.request.out)
        with locked(kept.work, "--work"):  # as in `annotate_corpus`
            if CORPUS in place.names():
                place.remove(CORPUS)
            lacking |= {n for n, one in done.items() if one.reader != READER}
            held.save(status="running", reread_from=reread_from(held.previous))
            kept.upload([RUN])
            kept.forget([n for n in there if n not in done or n in lacking])
            done = {n: one for n, one in done.items() if n not in lacking}
            _lay_out(job, done)
            try:
                request = replace(job.request, sending=job.request.sending.shared_out(run_on.workers))
                work, gpus = partial(answer_shard, request), request.settings.gpus
                made = kept.make(run_on, work, done, progress, total=job.whole.total, gpus=gpus)
            finally:
                let_engines_go()
            for name, write in job.whole.beside.items():
                write(kept.folder / name)
            counts, usage = summed(made.records)
            counts.pop("domains", None)
            missing = [lost for record in made.records for lost in record.missing]
            if made.whole:
                write_corpus(place, [one.part for one in made.records], made=held.record.started)
                _clear(job)
            kept.finish(held, made, job.beside, counts=counts, usage=usage, missing=missing)
            if made.whole:
                kept.clear()
    return Generation(job.request.out)


def _stands(job: CorpusGeneration, held: JobFolder[GenerationManifest]) -> bool:
    """Whether all shards are what a session before made of them: complete, and undamaged."""
    if held.previous is None or held.previous.status != "complete" or CORPUS not in job.kept.place.names():
        return False
    names = [*job.beside, *([CORPUS] if job.kept.place.folder is not None else [])]
    return not held.damaged(names)


def _lay_out(job: CorpusGeneration, done: Mapping[int, AnsweredShard]) -> None:
    """Write the items, and what the processes that make the shards read."""
    for name in (ITEMS, POOL, "items-*"):
        for left in job.kept.folder.glob(f".{name}.*"):  # of a process that was killed
            left.unlink()
    files: dict[str, Sequence[Item]] = {ITEMS: job.whole.items}
    files |= {file_name("items", n): part for n, part in enumerate(job.parts) if n not in done}
    files |= {POOL: job.pool} if job.pool else {}
    for name, items in files.items():
        write_items(job.kept.folder / name, items)
    job.kept.upload(files)


def _clear(job: CorpusGeneration) -> None:
    """Delete what only the processes that make shards read."""
    place = job.kept.place
    for name in place.names():
        if name == POOL or _ASKED.fullmatch(name):
            place.remove(name)
            (job.kept.folder / name).unlink(missing_ok=True)


def answer_shard(request: CorpusRequest, number: int) -> ShardDone[AnsweredShard]:
    """Make one shard, in whichever process this is; one that is done already is not made again.

    Raises `PedagogyError` for what would go wrong with every shard.
    """
    keep_engines()
    place, source = Place(request.out), request.sources[number]
    with made_alone(request.work, number) as folder:
        if before := done_before(place, number, AnsweredShard, request.run_id, source):
            return ShardDone(number, before)
        ledger_back(place, number, folder)
        job = _shard_job(request, number, place, folder)
        outcomes: dict[str, Counter[str]] = {}
        if job.items:
            generation = execute(job)
            if generation.manifest.status != "complete":
                return ShardDone(number, None, generation.manifest.stopped_why or generation.manifest.status)
            manifest, traces = generation.manifest, generation.traces()
        else:
            manifest, traces = job.manifest, iter(())
        part = write_part(folder, number, request.shards, _counted(traces, outcomes))
        moved = [(folder / part.name, part.name)]
        if (folder / LEDGER).is_file():
            moved.append((folder / LEDGER, file_name("ledger", number)))
        record = AnsweredShard(
            number=number,
            run_id=request.run_id,
            source=source,
            counts={**manifest.counts, "domains": {name: dict(one) for name, one in outcomes.items()}},
            usage=manifest.usage,
            part=part,
            missing=manifest.missing,
            reader=manifest.reader,
        )
        record = put_shard(place, moved, record)
        shutil.rmtree(folder, ignore_errors=True)
    return ShardDone(number, record)


def _counted(traces: Iterable[Trace], outcomes: dict[str, Counter[str]]) -> Iterator[Trace]:
    for trace in traces:
        count(outcomes, trace)
        yield trace


def _shard_job(request: CorpusRequest, number: int, place: Place, folder: Path) -> GenerationJob:
    """Raises `RunError` where other things would be asked here: by another version of the package, or of other items."""
    items = list(read_items(copied(place, file_name("items", number), None)))
    pool = _pool(request.out, request.run_id) if request.settings.shots else ()
    job = prepared(items, folder, Questions(request.settings, pool), request.sending)
    if job.manifest.source["prompts_digest"] != request.sources[number]:
        raise RunError(
            f"on {platform.node()} other things would be asked in shard {number} than by the command that began it",
            f"every machine needs the same version of pedagogy_r1, and {place}/{file_name('items', number)} as it was written",
        )
    return job


@lru_cache(maxsize=1)
def _pool(out: str, run_id: str) -> tuple[Item, ...]:  # noqa: ARG001 - another job has another pool
    """The pool of this process's job."""
    return tuple(read_items(copied(Place(out), POOL, None)))


def plan_shards(job: CorpusGeneration) -> dict[str, Any]:
    """What would be asked, as `generate.plan` says of one folder. Sends and writes nothing."""
    kept = job.kept
    done, names = kept.recorded(job.request.sources), set(kept.place.names())
    found: dict[str, Any] = {"shards": kept.shards, "shards_done": len(done)}
    for number, part in enumerate(job.parts):
        if number in done:
            asked = len(part) * job.request.settings.samples
            told = {"items": len(part), "requests": asked, "answered_already": asked}
            planned = plan(replace(job.whole, items=())) | told
        else:
            planned = plan(replace(job.whole, items=part), kept.ledger_of(number, names))
        for name, value in planned.items():
            found[name] = found.get(name, 0) + value if isinstance(value, int) else value
    return found
