"""Thoughts by language models, end to end: traces → segmenter → two judges → ``thoughts.jsonl``.

    run = find_thoughts("traces.jsonl", "thoughts", segmenter="openai:A", judges=["openai:A", "openai:B"])
    run.counts["thoughts"], run.missing                      412, 0

One model after the other, so that one server (or one accelerator) may serve all of them in turn. Each has its own
ledger; what a ledger holds is not asked again, so the same call resumes a run that was interrupted or killed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from ..asking import Asked as Outcome
from ..asking import (
    ModelName,
    Session,
    key_from,
    open_chat,
    run_apart,
)
from ..chat import ChatFrame
from ..errors import RunError
from ..files.lock import locked
from ..files.records import write_jsonl
from ..intake import read_traces
from ..provenance import file_digest, now
from ..trace import Trace
from ..unit.language import language_code
from ..unit.sentence import sentences
from ..unit.thought import thoughts
from . import judges as judging
from . import segmenter as segmenting
from .judges import Judge, Judged
from .response_thoughts import SURE
from .segmenter import Cut, Segmenter
from .thought_job import Job, backend_of, frame_of, prepare
from .thought_run import THOUGHTS, Asked, ThoughtRun, difference, read_run

EXPECTED_TOKENS = 2000
"""Of one request, until there is experience."""

Progress = Callable[[int, int], None]
"""Called with (traces done, traces in all), over all models."""


def find_thoughts(traces: str | Path, out: str | Path, **options: Any) -> ThoughtRun:
    """Find and judge the thoughts of a file of traces. ``options``: those of `thought_job.prepare`.

    Raises `InputError` for options that do not fit, `RunError` for a folder with another run, `ChatError` for a server
    that cannot be asked.
    """
    return execute(prepare(traces, out, **options))


def execute(job: Job, *, progress: Progress | None = None) -> ThoughtRun:
    """Ask what is not answered yet, and write ``thoughts.jsonl`` if everything could be asked."""
    with locked(job.out):
        previous = read_run(job.out)
        if previous is not None:
            if previous.fingerprint != job.run.fingerprint:
                raise RunError(
                    f"{job.out} holds another run: {difference(previous, job.run)}",
                    "choose another directory with -o, or delete this one",
                )
            if _finished(previous, job):
                return previous
            job = job._replace(run=job.run.model_copy(update={"started": previous.started}))
        job.run.save(job.out)
        return _Work(job, progress).run().save(job.out)


def _finished(previous: ThoughtRun, job: Job) -> bool:
    path = job.out / THOUGHTS
    again = job.speed.retry_missing and previous.missing
    return (
        previous.status == "complete"
        and not again
        and path.is_file()
        and file_digest(path) == previous.digest
    )


class _Work:
    """One process's share of a run."""

    def __init__(self, job: Job, progress: Progress | None) -> None:
        self.job, self.progress = job, progress
        self.cuts: dict[str, Cut] = {}
        self.judged: list[dict[str, Judged]] = []
        self.usage: dict[str, Any] = {}
        self.passes = 1 + len(job.run.judges)
        self.done = 0

    def run(self) -> ThoughtRun:
        asked = self._segment()
        for number, judge in enumerate(self.job.run.judges, 1):
            if asked is not None and not asked.whole:
                break
            asked = self._judge(number, judge)
        ended = {"usage": self.usage, "finished": now()}
        if asked is not None and not asked.whole:
            status = "interrupted" if asked.interrupted else "stopped"
            return self.job.run.model_copy(
                update=ended | {"status": status, "stopped_why": asked.stopped or "interrupted"}
            )
        path = self.job.out / THOUGHTS
        written = write_jsonl(path, self._lines())
        return self.job.run.model_copy(
            update=ended
            | {"status": "complete", "counts": self._counts(written), "digest": file_digest(path)}
        )

    def _segment(self) -> Outcome | None:
        if self.job.run.segmenter.prompt is None:
            for trace in read_traces(self.job.source):
                self.cuts[trace.id] = cut_by_rule(trace)
                self._step()
            return None

        def keep(trace: Trace, cut: Cut) -> None:
            self.cuts[trace.id] = cut
            self._step()

        def work(session: Session, frame: ChatFrame) -> Callable[[int, Trace], Awaitable[Cut]]:
            return Segmenter(session.asker, frame).cut

        return self._ask(
            "segmenter", self.job.run.segmenter, segmenting.SYSTEM, segmenting.SCHEMA, work, keep
        )

    def _judge(self, number: int, judge: Asked) -> Outcome:
        found: dict[str, Judged] = {}
        self.judged.append(found)

        def keep(trace: Trace, judged: Judged) -> None:
            if judged.confidences:
                found[trace.id] = judged
            self._step()

        def work(session: Session, frame: ChatFrame) -> Callable[[int, Trace], Awaitable[Judged]]:
            asks = Judge(session.asker, frame)

            async def of_trace(place: int, trace: Trace) -> Judged:
                if judging.why_not(trace, every=self.job.every):
                    return Judged(())
                return await asks.judge(place, trace, self.cuts[trace.id].thoughts)

            return of_trace

        return self._ask(f"judge-{number}", judge, judging.SYSTEM, judging.SCHEMA, work, keep)

    def _ask(
        self,
        part: str,
        asked: Asked,
        system: str,
        schema: Mapping[str, Any],
        work: Callable[[Session, ChatFrame], Callable[[int, Trace], Awaitable[Any]]],
        keep: Callable[[Trace, Any], None],
    ) -> Outcome:
        speed = self.job.speed

        async def session() -> Outcome:
            named = ModelName.read(asked.model)
            chat = open_chat(
                named,
                base_url=asked.base_url,
                api_key=key_from(speed.keys.get(asked.model)),
                timeout=speed.timeout,
                connections=speed.concurrency,
                **backend_of(self.job, named),
            )
            asking = Session(
                self.job.out / part,
                chat,
                concurrency=speed.concurrency,
                retries=speed.retries,
                backoff=speed.backoff,
                budget=speed.max_tokens_total,
                expected_tokens=EXPECTED_TOKENS,
                seed=self.job.run.parameters["seed"],
                forgive=speed.retry_missing,
            )
            frame = frame_of(chat.model, system, schema, self.job.run.parameters)
            return await asking.run(
                read_traces(self.job.source),
                work(asking, frame),
                keep,
                frames=[frame],
                size=self._size if part != "segmenter" else lambda trace: 1,
            )

        outcome = run_apart(session)
        self.usage[part] = outcome.usage
        return outcome

    def _size(self, trace: Trace) -> int:
        if judging.why_not(trace, every=self.job.every):
            return 1
        return max(1, len(self.cuts[trace.id].thoughts))

    def _step(self) -> None:
        self.done += 1
        if self.progress:
            self.progress(self.done, self.passes * self.job.run.traces["count"])

    def _lines(self) -> Iterator[dict[str, Any]]:
        for trace_id, cut in self.cuts.items():
            said = [judge[trace_id].confidences for judge in self.judged if trace_id in judge]
            for number, (start, end) in enumerate(cut.thoughts):
                line: dict[str, Any] = {"trace_id": trace_id, "start": start, "end": end}
                if said:
                    line["confidences"] = [one[number] for one in said]
                yield line

    def _counts(self, written: int) -> dict[str, Any]:
        """``judges_agree``: how the two met, over thoughts that both judged; a study of them belongs in a report."""
        counts: dict[str, Any] = {"traces": len(self.cuts), "thoughts": written}
        if self.job.run.segmenter.prompt:
            counts["cues_asked"] = sum(cut.asked for cut in self.cuts.values())
            counts["genuine"] = sum(cut.genuine for cut in self.cuts.values())
        missing = Counter(f"segmenter: {cut.missing}" for cut in self.cuts.values() if cut.missing)
        if self.judged:
            for judge, found in zip(self.job.run.judges, self.judged, strict=True):
                missing.update(f"{judge.model}: {why}" for one in found.values() for why in one.reasons)
            counts |= self._judgements()
        return counts | {"missing": dict(sorted(missing.items()))}

    def _judgements(self) -> dict[str, Any]:
        first, second = self.judged
        pairs = [
            pair
            for key in first
            for pair in zip(first[key].confidences, second[key].confidences, strict=True)
        ]
        both = Counter((a == SURE, b == SURE) for a, b in pairs if a is not None and b is not None)
        skipped = Counter(
            why
            for trace in read_traces(self.job.source)
            if self.cuts[trace.id].thoughts and (why := judging.why_not(trace, every=self.job.every))
        )
        return {
            "judged": len(pairs),
            "correct": sum(SURE in pair for pair in pairs),
            "judges_agree": {
                "both_sure": both[True, True],
                "first_only": both[True, False],
                "second_only": both[False, True],
                "neither_sure": both[False, False],
            },
            "traces_not_judged": dict(sorted(skipped.items())),
        }


def cut_by_rule(trace: Trace) -> Cut:
    """``thought@1``, without a model."""
    missing = segmenting.why_not(trace)
    if missing:
        return Cut((), missing=missing)
    found = sentences(trace.reasoning, trace.lang)
    return Cut(tuple(thoughts(trace.reasoning, found, language_code(trace.lang))))
