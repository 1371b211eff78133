"""Generation: items → a language model → traces, each item asked once, resumable by the same call.

    generate(items, "runs/cop", model="openai:Qwen/Qwen3-8B", condition="cop", base_url="http://127.0.0.1:8000/v1")

What the ledger in the folder holds is not asked again; traces are written from it, in the order of the items. Ctrl-C lets
what is in flight come home and keeps it.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from ..asking import Asked as SessionEnd
from ..asking import (
    GaveUp,
    ModelName,
    Session,
    answered_digests,
    key_from,
    open_chat,
    run_apart,
    safe_url,
)
from ..chat import Chat, ChatReply
from ..errors import InputError, PedagogyError, RunError
from ..files.lock import locked
from ..files.records import atomic, dump
from ..provenance import digest, now, versions
from ..trace import Trace
from .asked import Questions, Settings
from .condition import Condition, condition
from .generation import (
    ITEMS,
    MANIFEST,
    TIMINGS,
    TRACES,
    Generation,
    GenerationManifest,
    Missing,
    save,
    write_timings,
)
from .item import Item, write_items
from .lean import LeanChat
from .reading import trace_of

Progress = Callable[[int, int], None]
"""Called with (answers there, answers in all)."""

SERVER, IN_PROCESS = 16, 256
"""Requests in flight by default: what a server takes from one user, and what lets a backend fill and sort its batches."""
BYTES_PER_TOKEN = 3.6
"""Of English prose, roughly, over the tokenizers in use."""


@dataclass(frozen=True)
class Sending:
    """How requests are sent; none of it changes an answer. ``timeout``: seconds for one request.

    ``concurrency``: most requests in flight; by default 16 for a server, and for a model in this process what fills its
    batches.
    """

    api_key: str | None = None
    api_key_env: str | None = None
    concurrency: int | None = None
    timeout: float = 1800.0
    retries: int = 6
    backoff: float = 0.5
    max_tokens_total: int | None = None
    retry_missing: bool = False


class _Piece(NamedTuple):
    item: Item
    sample: int


class _Done(NamedTuple):
    """A trace, or why there is none."""

    trace: Trace | None
    why: str = ""


@dataclass(frozen=True)
class Job:
    """A fully specified generation, before anything is sent or written."""

    items: tuple[Item, ...]
    folder: Path
    questions: Questions
    sending: Sending
    manifest: GenerationManifest

    @property
    def total(self) -> int:
        """Answers asked for."""
        return len(self.items) * self.questions.settings.samples

    def pieces(self) -> Iterator[_Piece]:
        """Item by item, sample by sample."""
        for item in self.items:
            for sample in range(self.questions.settings.samples):
                yield _Piece(item, sample)


def generate(
    items: Sequence[Item],
    folder: str | Path,
    *,
    model: str,
    condition: str | Path | Condition,
    pool: Sequence[Item] = (),
    progress: Progress | None = None,
    **options: Any,
) -> Generation:
    """Ask ``model`` (``BACKEND:NAME``) every item and write the folder.

    ``pool``: items of train that few-shot examples come from. ``options``: fields of `Settings` (shots, samples, seed,
    temperature, top_p, max_tokens, probabilities, base_url, name, backend) and of `Sending`; others are errors. The
    manifest's ``status`` is ``complete``, ``stopped`` (a budget) or ``interrupted``; ``missing`` lists what never came.
    """
    return execute(prepare(items, folder, model=model, condition=condition, pool=pool, **options), progress)


def prepare(
    items: Sequence[Item],
    folder: str | Path,
    *,
    model: str,
    condition: str | Path | Condition,
    pool: Sequence[Item] = (),
    **options: Any,
) -> Job:
    """Check everything: items, condition, model, examples. Raises `InputError` before anything is written."""
    settings, sending = _options(model, condition, options)
    twice = [id for id, count in Counter(item.id for item in items).items() if count > 1]
    if not items or twice:
        why = f"item {twice[0]!r} is there twice" if twice else "there is no item to ask"
        raise InputError(why, "items come from: pcode wbeb build")
    questions = Questions(settings, pool)
    prompts = questions.digest(items)
    source = {"items": len(items), "prompts_digest": prompts}
    fingerprint = digest({"parameters": settings.parameters, "source": source})
    manifest = GenerationManifest(
        run_id=f"{settings.condition.id}-{fingerprint.removeprefix('sha256:')[:12]}",
        fingerprint=fingerprint,
        status="running",
        started=now(),
        model=settings.called,
        parameters=settings.parameters,
        source=source,
        versions=versions(),
    )
    return Job(tuple(items), Path(folder), questions, sending, manifest)


def _options(
    model: str, which: str | Path | Condition, options: Mapping[str, Any]
) -> tuple[Settings, Sending]:
    own = {k: v for k, v in options.items() if k in Settings.__dataclass_fields__}
    rest = {k: v for k, v in options.items() if k not in own}
    unknown = sorted(set(rest) - set(Sending.__dataclass_fields__))
    if unknown:
        known = sorted({*Settings.__dataclass_fields__, *Sending.__dataclass_fields__})
        raise InputError(f"generation has no option {unknown[0]!r}", "its options: " + ", ".join(known))
    if ModelName.read(model).backend == "openai":
        own["base_url"] = safe_url(own.get("base_url"))
    chosen = which if isinstance(which, Condition) else condition(which)
    return Settings(model=model, condition=chosen, **own), Sending(**rest)


def execute(job: Job, progress: Progress | None = None) -> Generation:
    """Run a prepared job, or take it up again."""
    with locked(job.folder):
        previous = _previous(job)
        if (
            previous is not None
            and previous.whole
            and not (job.sending.retry_missing and previous.manifest.missing)
        ):
            return previous
        for left in job.folder.glob(f".{TRACES}.*"):  # of a process that was killed
            left.unlink()
        before = previous.manifest if previous else job.manifest
        manifest = job.manifest.model_copy(update={"started": before.started})
        write_items(job.folder / ITEMS, job.items)
        save(job.folder, manifest)
        began = time.monotonic()

        def finish(**updates: Any) -> Generation:
            seconds = round((before.seconds if previous else 0.0) + time.monotonic() - began, 3)
            save(job.folder, manifest.model_copy(update={"seconds": seconds, "finished": now(), **updates}))
            return Generation(job.folder)

        try:
            end, found = _ask(job, progress)
        except KeyboardInterrupt:
            return finish(status="interrupted", stopped_why="interrupted by the user")
        except PedagogyError as error:
            finish(status="stopped", stopped_why=error.message)
            raise
        write_timings(job.folder)
        return finish(**_ended(end), **found.record(job.folder), usage=end.usage or {})


def _previous(job: Job) -> Generation | None:
    """What the folder holds already. Raises `RunError` where that is another run, or something else."""
    if not (job.folder / MANIFEST).exists():
        ours = (ITEMS, TRACES, TIMINGS, "ledger.jsonl")
        strangers = sorted(p.name for p in job.folder.iterdir() if p.name[0] != "." and p.name not in ours)
        if strangers:
            raise RunError(
                f"{job.folder} is not empty and holds no answers ({strangers[0]} …)",
                "choose another directory with -o",
            )
        return None
    previous = Generation(job.folder)
    if previous.manifest.fingerprint != job.manifest.fingerprint:
        raise RunError(
            f"{job.folder} holds another run: {_difference(previous.manifest, job.manifest)}",
            "choose another directory with -o, or delete this one",
        )
    return previous


def _difference(old: GenerationManifest, new: GenerationManifest) -> str:
    a, b = old.parameters | {"items": old.source["items"]}, new.parameters | {"items": new.source["items"]}
    for one in (a, b):
        if isinstance(one.get("condition"), dict):
            one["condition"] = f"{one['condition']['id']}@{one['condition']['version']}"
    changed = [f"{k}: {a.get(k)!r} there, {b.get(k)!r} now" for k in {**a, **b} if a.get(k) != b.get(k)]
    return "; ".join(changed[:3]) or "the items, or the words in which they are put, have changed"


def _ended(end: SessionEnd) -> dict[str, Any]:
    if end.interrupted:
        return {"status": "interrupted", "stopped_why": "interrupted by the user"}
    return {"status": "stopped" if end.stopped else "complete", "stopped_why": end.stopped}


class _Found:
    """Counts the traces as they are written."""

    def __init__(self) -> None:
        self.missing: list[Missing] = []
        self.counts: Counter[str] = Counter(
            dict.fromkeys(("traces", "correct", "wrong", "unread", "truncated"), 0)
        )

    def count(self, trace: Trace) -> None:
        verdict = "unread" if trace.correct is None else "correct" if trace.correct else "wrong"
        self.counts.update(["traces", verdict])
        self.counts["truncated"] += bool(trace.metadata["truncated"])

    def record(self, folder: Path) -> dict[str, Any]:
        return {
            "counts": {**self.counts, "missing": len(self.missing)},
            "missing": self.missing,
            "bytes": {TRACES: (folder / TRACES).stat().st_size},
        }


def _ask(job: Job, progress: Progress | None) -> tuple[SessionEnd, _Found]:
    found = _Found()
    sending, settings = job.sending, job.questions.settings
    named = ModelName.read(settings.model)
    concurrency = sending.concurrency or (SERVER if named.backend == "openai" else IN_PROCESS)
    chat: Chat = open_chat(
        named,
        base_url=settings.base_url,
        api_key=sending.api_key or key_from(sending.api_key_env),
        timeout=sending.timeout,
        connections=concurrency,
        **settings.backend,
    )

    async def session() -> SessionEnd:
        asking = Session(
            job.folder,
            LeanChat(chat),
            concurrency=concurrency,
            retries=sending.retries,
            backoff=sending.backoff,
            budget=sending.max_tokens_total,
            expected_tokens=settings.max_tokens,
            seed=settings.seed,
            forgive=sending.retry_missing,
        )

        async def work(number: int, piece: _Piece) -> _Done | None:
            asked = job.questions.ask(piece.item, piece.sample)
            asking.transcript.open_frame(asked.request.frame)
            about = {"item": piece.item.id, "sample": piece.sample}
            reply = await asking.asker.ask(asked.request, about, parse=_as_it_is, priority=number, last=True)
            if isinstance(reply, GaveUp):
                return _Done(None, reply.reason)
            return _Done(trace_of(job.questions, piece.item, piece.sample, asked, reply))

        def emit(piece: _Piece, done: _Done) -> None:
            if done.trace is None:
                found.missing.append(Missing(item=piece.item.id, sample=piece.sample, reason=done.why))
            else:
                file.write(dump(done.trace.model_dump(mode="json", exclude_defaults=True)) + "\n")
                found.count(done.trace)
            if progress:
                progress(found.counts["traces"] + len(found.missing), job.total)

        return await asking.run(job.pieces(), work, emit, frames=())

    if progress:
        progress(0, job.total)
    with atomic(job.folder / TRACES) as file:
        return run_apart(session), found


def _as_it_is(reply: ChatReply) -> ChatReply:
    return reply


def plan(job: Job) -> dict[str, Any]:
    """What would be asked, and estimates from bytes of the tokens that are still to be paid. Sends and writes nothing."""
    known = set(answered_digests(job.folder))
    answered = tokens = 0
    for item, sample in job.pieces():
        asked = job.questions.ask(item, sample)
        if asked.request.digest in known:
            answered += 1
        else:
            text = asked.messages.system + asked.messages.user
            tokens += round(len(text.encode("utf-8", "replace")) / BYTES_PER_TOKEN)
    todo = job.total - answered
    return {
        "items": len(job.items),
        "requests": job.total,
        "answered_already": answered,
        "prompt_tokens": tokens,
        "completion_tokens_at_most": todo * job.questions.settings.max_tokens,
        "estimate": f"tokens are of the requests not answered yet: UTF-8 bytes / {BYTES_PER_TOKEN} for the prompts; "
        "completions if each went to the limit",
    }
