"""Thoughts by language models, end to end: traces → segmenter → two judges → ``thoughts.jsonl``.

    run = find_thoughts("traces.jsonl", "thoughts", segmenter="openai:A", judges=["openai:A", "openai:B"])
    run.counts["thoughts"], run.missing                      412, 0

One model after the other, so that one server (or one accelerator) may serve all of them in turn. Each has its own
ledger; what a ledger holds is not asked again, so the same call resumes a run that was interrupted or killed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

from ..asking import (
    FILE,
    Asker,
    AskingSession,
    BatchCount,
    ModelName,
    answered_digests,
    key_from,
    open_chat,
    run_apart,
)
from ..asking import AskOutcome as Outcome
from ..chat import BYTES_PER_TOKEN, ChatFrame, ChatRequest, rough_tokens
from ..files.records import write_jsonl
from ..intake import read_traces
from ..job import JobFolder, Status
from ..provenance import file_digest
from ..trace import Trace
from ..unit.sentence import Span
from . import judges as judging
from . import segmenter as segmenting
from .judges import ThoughtVerdicts
from .response_thoughts import SURE
from .segmenter import Cut, cut_by_model, cut_by_rule
from .thought_run import THOUGHTS, AskedModel, ThoughtJob, ThoughtRun, prepare

EXPECTED_TOKENS = 2000
"""Of one request, until there is experience."""

Work = Callable[[Asker, ChatFrame, int, Trace], Awaitable[Any]]
Progress = Callable[[int, int], None]
"""Called with (traces done, traces in all), over all models."""


def find_thoughts(traces: str | Path, out: str | Path, **options: Any) -> ThoughtRun:
    """Find and judge the thoughts of a file of traces. ``options``: those of `thought_run.prepare`.

    Raises `ValueError` for options that do not fit, `RunError` for a folder with another run, `ChatError` for a server
    that cannot be asked.
    """
    return execute(prepare(traces, out, **options))


def execute(job: ThoughtJob, *, progress: Progress | None = None) -> ThoughtRun:
    """Ask what is not answered yet, and write ``thoughts.jsonl`` if everything could be asked."""
    ledgers = ("segmenter", *(f"judge-{number}" for number, _ in enumerate(job.run.judges, 1)))
    with JobFolder(job.out, job.run, ours=ledgers, otherwise="made with other prompts") as folder:
        if folder.previous is not None and _finished(folder.previous, job):
            return folder.previous
        folder.save()
        return _Work(job, folder, progress).run()


def _finished(previous: ThoughtRun, job: ThoughtJob) -> bool:
    path = job.out / THOUGHTS
    again = job.sending.retry_missing and previous.missing
    return (
        previous.status == "complete"
        and not again
        and path.is_file()
        and file_digest(path) == previous.digest
    )


class _Work:
    """One process's share of a run."""

    def __init__(self, job: ThoughtJob, folder: JobFolder[ThoughtRun], progress: Progress | None) -> None:
        self.job, self.folder, self.progress = job, folder, progress
        self.cuts: dict[str, Cut] = {}
        self.judged: list[dict[str, ThoughtVerdicts]] = []
        self.usage: dict[str, Any] = {}
        self.done = 0

    def run(self) -> ThoughtRun:
        asked = self._segment()
        for number, model in enumerate(self.job.run.judges, 1):
            if asked.whole:
                self.judged.append({})
                asked = self._ask(f"judge-{number}", model, judging, self._judge, self.judged[-1])
        if not asked.whole:
            status: Status = "interrupted" if asked.interrupted else "stopped"
            return self.folder.finish(status, why=asked.stopped or "interrupted", usage=self.usage)
        path = self.job.out / THOUGHTS
        counts = self._counts(write_jsonl(path, self._lines()))
        return self.folder.finish("complete", usage=self.usage, counts=counts, digest=file_digest(path))

    def _segment(self) -> Outcome:
        model = self.job.run.segmenter
        if model.prompt is not None:
            return self._ask("segmenter", model, segmenting, cut_by_model, self.cuts)
        for trace in read_traces(self.job.source):
            self._keep(self.cuts, trace, cut_by_rule(trace))
        return Outcome()

    def _judge(self, asker: Asker, frame: ChatFrame, number: int, trace: Trace) -> Awaitable[ThoughtVerdicts]:
        return judging.judge(asker, frame, number, trace, self._to_judge(trace))

    def _to_judge(self, trace: Trace) -> tuple[Span, ...]:
        return () if judging.why_not(trace, every=self.job.every) else self.cuts[trace.id].thoughts

    def _ask(
        self, part: str, model: AskedModel, prompt: ModuleType, work: Work, found: dict[str, Any]
    ) -> Outcome:
        """Ask one model in one part of all traces. ``prompt``: the module with its SYSTEM and SCHEMA; ``found``: by trace."""
        job, sending = self.job, self.job.sending

        async def session() -> Outcome:
            named = ModelName.read(model.model)
            chat = open_chat(
                named,
                base_url=model.base_url,
                api_key=key_from(job.keys.get(model.model)),
                timeout=sending.timeout,
                connections=sending.concurrency,
                batch=sending.batch,
                **job.backend_of(named),
            )
            seed = job.run.parameters["seed"]
            asking = AskingSession(job.out / part, chat, sending, expected_tokens=EXPECTED_TOKENS, seed=seed)
            frame = job.frame_of(chat.model, prompt.SYSTEM, prompt.SCHEMA)
            return await asking.run(
                read_traces(job.source),
                partial(work, asking.asker, frame),
                partial(self._keep, found),
                frames=[frame],
                size=lambda trace: max(1, len(self._to_judge(trace))) if self.judged else 1,
            )

        outcome = run_apart(session)
        self.usage[part] = outcome.usage
        return outcome

    def _keep(self, found: dict[str, Any], trace: Trace, result: Any) -> None:
        found[trace.id] = result
        self.done += 1
        if self.progress:
            self.progress(self.done, (1 + len(self.job.run.judges)) * self.job.run.traces["count"])

    def _lines(self) -> Iterator[dict[str, Any]]:
        for trace_id, cut in self.cuts.items():
            said = [judge[trace_id].confidences for judge in self.judged if judge[trace_id].confidences]
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
        for judge, found in zip(self.job.run.judges, self.judged, strict=True):
            missing.update(f"{judge.model}: {why}" for one in found.values() for why in one.reasons)
        if self.judged:
            counts |= self._judgements(*self.judged)
        return counts | {"missing": dict(sorted(missing.items()))}

    def _judgements(
        self, first: dict[str, ThoughtVerdicts], second: dict[str, ThoughtVerdicts]
    ) -> dict[str, Any]:
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


def plan(job: ThoughtJob) -> dict[str, Any]:
    """What it would take, for ``--dry-run``: requests if every reply holds, and estimates of their tokens. Nothing is sent.

        {"segmenter": {"requests": 180, "prompt_tokens": 610000, …}, "judges": [{"requests_at_most": 2100, …}, …]}

    The segmenter's are exact, less what its ledger answers; how many thoughts there will be to judge is not known
    before it has answered, so the judges' are an upper bound: as if every cue were genuine.
    """
    run = job.run
    cutting, jury = Counter[str](), Counter[str]()
    name = ModelName.read(run.segmenter.model).name if run.segmenter.prompt else ""
    frame = job.frame_of(name, segmenting.SYSTEM, segmenting.SCHEMA)
    known = set(answered_digests(job.out / "segmenter" / FILE))
    files = BatchCount(name)
    for trace in read_traces(job.source):
        if not run.segmenter.prompt:
            count = len(cut_by_rule(trace).thoughts)
        else:
            pieces = [] if segmenting.why_not(trace) else segmenting.pieces(trace.reasoning, trace.lang)
            count = len(pieces)
            for which in segmenting.windows(pieces):
                request = ChatRequest(frame, text := segmenting.message(trace, pieces, which))
                cutting["requests"] += 1
                if request.digest in known:
                    cutting["answered_already"] += 1
                    continue
                if job.sending.batch:
                    files.add(request)
                cutting["prompt_tokens"] += rough_tokens(segmenting.SYSTEM) + rough_tokens(text)
                cutting["completion_tokens"] += segmenting.ANSWER_TOKENS * len(which)
        if run.judges and not judging.why_not(trace, every=job.every):
            each = rough_tokens(judging.SYSTEM) + rough_tokens(judging.message(trace, (0, 0)))
            jury["requests_at_most"] += count
            jury["prompt_tokens_at_most"] += each * count + rough_tokens(trace.reasoning)
            jury["completion_tokens_at_most"] += judging.ANSWER_TOKENS * count
    if job.sending.batch and run.segmenter.prompt:
        cutting.update(files.plan())
    return {
        "traces": run.traces["count"],
        "segmenter": {"model": run.segmenter.model, **cutting},
        "judges": [{"model": judge.model, **jury} for judge in run.judges],
        "estimate": f"UTF-8 bytes / {BYTES_PER_TOKEN}; without retries and hidden thinking",
    }
