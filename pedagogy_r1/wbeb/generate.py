"""Generation: items → a language model → traces, each item asked once, resumable by the same call.

    generate(items, "runs/cop", model="openai:Qwen/Qwen3-8B", condition="cop", base_url="http://127.0.0.1:8000/v1")

What the ledger in the folder holds is not asked again; traces are written from it, in the order of the items. Ctrl-C lets
what is in flight come home and keeps it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..asking import (
    AskingSession,
    BatchCount,
    GaveUp,
    ModelName,
    Sending,
    answered_digests,
    check_backend,
    check_batch,
    in_flight,
    key_from,
    open_chat,
    run_apart,
    safe_url,
)
from ..asking import AskOutcome as SessionEnd
from ..chat import BYTES_PER_TOKEN, rough_tokens
from ..errors import ArgumentError, InputError
from ..files.places import as_url
from ..files.records import atomic, dump
from ..files.seal import LEDGER
from ..job import BY_USER, JobFolder, Status
from ..provenance import digest, now
from ..trace import Trace
from .answers.parsed import READER
from .answers.probability import TrimmedChat
from .condition import Condition, condition
from .generation import ITEMS, TRACES, Generation, GenerationManifest, Missing, write_timings
from .item import Item, write_items
from .questions import GenerationSettings, Questions, trace_of

Progress = Callable[[int, int], None]
"""Called with (answers there, answers in all)."""

IN_PROCESS = 256
"""Requests in flight by default that let a backend in this process fill and sort its batches."""


@dataclass(frozen=True)
class KeyedSending(Sending):
    """And with which key; by default as many at once as `in_flight` or `IN_PROCESS` says, and half an hour for each."""

    api_key: str | None = None
    api_key_env: str | None = None


@dataclass(frozen=True)
class GenerationJob:
    """A fully specified generation, before anything is sent or written."""

    items: tuple[Item, ...]
    folder: Path
    questions: Questions
    sending: KeyedSending
    manifest: GenerationManifest
    beside: Mapping[str, Callable[[Path], object]] = field(default_factory=dict)
    """Further files of the folder, and what writes each; written when all is asked."""

    @property
    def total(self) -> int:
        """Answers asked for."""
        return len(self.items) * self.questions.settings.samples

    def pieces(self) -> Iterator[tuple[Item, int]]:
        """Item by item, sample by sample."""
        for item in self.items:
            for sample in range(self.questions.settings.samples):
                yield item, sample


def generate(
    items: Sequence[Item], folder: str | Path, *, progress: Progress | None = None, **asked: Any
) -> Generation:
    """Ask a model every item and write the folder; ``asked``: as in `prepare`.

    The manifest's ``status`` is ``complete``, ``stopped`` (a budget) or ``interrupted``; ``missing`` lists what never came.
    """
    return execute(prepare(items, folder, **asked), progress)


def prepare(
    items: Sequence[Item],
    folder: str | Path,
    *,
    model: str,
    condition: str | Path | Condition,
    pool: Sequence[Item] = (),
    **options: Any,
) -> GenerationJob:
    """Check everything, before anything is written. Raises `InputError` for items, condition, model or examples
    that won't do, `ValueError` for options.

    ``model``: ``BACKEND:NAME``; ``pool``: items of train that few-shot examples come from. ``options``: further fields of
    `GenerationSettings` and of `KeyedSending`; others are errors.
    """
    if as_url(folder):
        raise ArgumentError(f"{folder}: in an object store answers are kept in shards", "add: --shards 64")
    settings, sending = how_asked(model, condition, options)
    check_items(items)
    return prepared(items, folder, Questions(settings, pool), sending)


def check_items(items: Sequence[Item]) -> None:
    """Raise `InputError` where there are none, or one is there twice."""
    twice = [id for id, count in Counter(item.id for item in items).items() if count > 1]
    if not items or twice:
        why = f"item {twice[0]!r} is there twice" if twice else "there is no item to ask"
        raise InputError(why, "items come from: pcode wbeb build")


def prepared(
    items: Sequence[Item],
    folder: str | Path,
    questions: Questions,
    sending: KeyedSending,
    *,
    prompts: str | None = None,
    shards: int = 0,
) -> GenerationJob:
    """The job of checked inputs. ``prompts``: the digest of all that is asked, where it is known; ``shards``: of a corpus."""
    settings = questions.settings
    source = {"items": len(items), "prompts_digest": prompts or questions.digest(items)}
    fingerprint = digest(
        {"parameters": settings.parameters, "source": source} | ({"shards": shards} if shards else {})
    )
    manifest = GenerationManifest(
        run_id=f"{settings.condition.id}-{fingerprint.removeprefix('sha256:')[:12]}",
        fingerprint=fingerprint,
        started=now(),
        model=settings.called,
        parameters=settings.parameters,
        source=source,
        reader=READER,
        shards=shards,
    )
    return GenerationJob(tuple(items), Path(folder), questions, sending, manifest)


def how_asked(
    model: str, which: str | Path | Condition, options: Mapping[str, Any]
) -> tuple[GenerationSettings, KeyedSending]:
    """The options apart: what may change an answer, and how requests are sent. Raises `ArgumentError` for one that there is not."""
    own = {k: v for k, v in options.items() if k in GenerationSettings.__dataclass_fields__}
    rest = {k: v for k, v in options.items() if k not in own}
    unknown = sorted(set(rest) - set(KeyedSending.__dataclass_fields__))
    if unknown:
        known = sorted({*GenerationSettings.__dataclass_fields__, *KeyedSending.__dataclass_fields__})
        raise ArgumentError(f"generation has no option {unknown[0]!r}", f"its options: {', '.join(known)}")
    named = ModelName.read(model)
    check_backend(named, own.get("backend", {}))
    check_batch(named, bool(rest.get("batch")))
    served = named.backend == "openai"
    if served:
        own["base_url"] = safe_url(own.get("base_url"))
    chosen = which if isinstance(which, Condition) else condition(which)
    usual = {
        "timeout": 1800.0,
        "concurrency": in_flight(None, bool(rest.get("batch"))) if served else IN_PROCESS,
    }
    asked = {name: value for name, value in rest.items() if value is not None}
    return GenerationSettings(model=model, condition=chosen, **own), KeyedSending(**{**usual, **asked})


def execute(job: GenerationJob, progress: Progress | None = None) -> Generation:
    """Run a prepared job, or take it up again."""
    with JobFolder(
        job.folder,
        job.manifest,
        ours=(LEDGER,),
        otherwise="the items, or the words in which they are put, have changed",
    ) as folder:
        if _stands(folder, job):
            return Generation(job.folder)
        for left in job.folder.glob(f".{TRACES}.*"):  # of a process that was killed
            left.unlink()
        folder.save(reread_from=reread_from(folder.previous))
        write_items(job.folder / ITEMS, job.items)
        try:
            end, found = _ask(job, progress)
        except KeyboardInterrupt:
            folder.finish("interrupted", why=BY_USER)
            return Generation(job.folder)
        write_timings(job.folder)
        for name, write in job.beside.items():
            write(job.folder / name)
        status, why = _how_it_ended(end)
        folder.finish(status, why=why, **found, usage=end.usage or {})
        return Generation(job.folder)


def _stands(folder: JobFolder[GenerationManifest], job: GenerationJob) -> bool:
    """Whether there is nothing to do: complete, undamaged, and no missing reply to be asked for again."""
    previous = folder.previous
    if previous is None or previous.status != "complete" or folder.damaged([ITEMS, TRACES, *job.beside]):
        return False
    return not (job.sending.retry_missing and previous.missing)


def reread_from(previous: GenerationManifest | None) -> str | None:
    """The reader that read what is now read anew, where it was another one."""
    if previous is None or previous.reader == READER:
        return previous.reread_from if previous else None
    return previous.reader


def _how_it_ended(end: SessionEnd) -> tuple[Status, str | None]:
    if end.interrupted:
        return "interrupted", BY_USER
    return ("stopped", end.stopped) if end.stopped else ("complete", None)


def _ask(job: GenerationJob, progress: Progress | None) -> tuple[SessionEnd, dict[str, Any]]:
    """How it ended; and what the manifest records of the answers."""
    missing: list[Missing] = []
    counts = Counter(dict.fromkeys(("traces", "correct", "wrong", "unread", "truncated"), 0))
    sending, settings = job.sending, job.questions.settings
    chat = open_chat(
        ModelName.read(settings.model),
        base_url=settings.base_url,
        api_key=sending.api_key or key_from(sending.api_key_env),
        timeout=sending.timeout,
        connections=sending.concurrency,
        batch=sending.batch,
        **settings.backend,
    )

    async def session() -> SessionEnd:
        limits = {"expected_tokens": settings.max_tokens, "seed": settings.seed}
        asking = AskingSession(job.folder, TrimmedChat(chat), sending, **limits)

        async def work(number: int, piece: tuple[Item, int]) -> tuple[Trace | None, str]:
            item, sample = piece
            asked = job.questions.ask(item, sample)
            asking.transcript.open_frame(asked.request.frame)
            about = {"item": item.id, "sample": sample}
            reply = await asking.asker.ask(
                asked.request, about, parse=lambda reply: reply, priority=number, last=True
            )
            if isinstance(reply, GaveUp):
                return None, reply.reason
            return trace_of(job.questions, item, sample, asked, reply), ""

        def emit(piece: tuple[Item, int], done: tuple[Trace | None, str]) -> None:
            trace, why = done
            if trace is None:
                missing.append(Missing(item=piece[0].id, sample=piece[1], reason=why))
            else:
                file.write(dump(trace.model_dump(mode="json", exclude_defaults=True)) + "\n")
                counts.update(["traces", {True: "correct", False: "wrong", None: "unread"}[trace.correct]])
                counts["truncated"] += bool(trace.metadata["truncated"])
            if progress:
                progress(counts["traces"] + len(missing), job.total)

        return await asking.run(job.pieces(), work, emit, frames=())

    if progress:
        progress(0, job.total)
    with atomic(job.folder / TRACES) as file:
        end = run_apart(session)
    return end, {"counts": {**counts, "missing": len(missing)}, "missing": missing}


def plan(job: GenerationJob, ledger: Path | None = None) -> dict[str, Any]:
    """What would be asked, and estimates from bytes of the tokens that are still to be paid. Sends and writes nothing.

    ``ledger``: that of the job, where it lies elsewhere than in its folder.
    """
    known = set(answered_digests(ledger or job.folder / LEDGER))
    answered = tokens = 0
    files = BatchCount(ModelName.read(job.questions.settings.model).name)
    for item, sample in job.pieces():
        asked = job.questions.ask(item, sample)
        if asked.request.digest in known:
            answered += 1
        else:
            tokens += rough_tokens(asked.messages.system + asked.messages.user)
            if job.sending.batch:
                files.add(asked.request)
    todo = job.total - answered
    return {
        "items": len(job.items),
        "requests": job.total,
        "answered_already": answered,
        "prompt_tokens": tokens,
        "completion_tokens_at_most": todo * job.questions.settings.max_tokens,
        **(files.plan() if job.sending.batch else {}),
        "estimate": f"tokens are of the requests not answered yet: UTF-8 bytes / {BYTES_PER_TOKEN} for the prompts; "
        "completions if each went to the limit",
    }
