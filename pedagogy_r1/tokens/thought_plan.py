"""What finding and judging thoughts would take, before anything is sent: ``pcode thoughts --dry-run``.

{"segmenter": {"requests": 180, "prompt_tokens": 610000, …}, "judges": [{"requests_at_most": 2100, …}, …]}
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from ..asking import ModelName, answered_digests
from ..chat import ChatRequest
from ..intake import read_traces
from ..trace import Trace
from . import judges as judging
from . import segmenter as segmenting
from .asked_thoughts import cut_by_rule
from .thought_job import Job, frame_of

BYTES_PER_TOKEN = 3.6
"""Of English prose and LaTeX, roughly, over the tokenizers in use."""


def plan(job: Job) -> dict[str, Any]:
    """Requests if every reply holds, and estimates of their tokens; nothing is sent or written.

    The segmenter's are exact, less what its ledger answers; how many thoughts there will be to judge is not known
    before it has answered, so the judges' are an upper bound: as if every cue were genuine.
    """
    run = job.run
    cutting, jury = Counter[str](), Counter[str]()
    name = ModelName.read(run.segmenter.model).name if run.segmenter.prompt else ""
    frame = frame_of(name, segmenting.SYSTEM, segmenting.SCHEMA, run.parameters)
    known = set(answered_digests(job.out / "segmenter"))
    for trace in read_traces(job.source):
        pieces = _pieces(trace, bool(run.segmenter.prompt))
        if run.segmenter.prompt:
            for which in segmenting.windows(pieces):
                text = segmenting.message(trace, pieces, which)
                cutting["requests"] += 1
                if ChatRequest(frame, text).digest in known:
                    cutting["answered_already"] += 1
                    continue
                cutting["prompt_tokens"] += _tokens(segmenting.SYSTEM) + _tokens(text)
                cutting["completion_tokens"] += segmenting.ANSWER_TOKENS * len(which)
        if run.judges and not judging.why_not(trace, every=job.every):
            each = _tokens(judging.SYSTEM) + _tokens(judging.message(trace, (0, 0)))
            jury["requests_at_most"] += len(pieces)
            jury["prompt_tokens_at_most"] += each * len(pieces) + _tokens(trace.reasoning)
            jury["completion_tokens_at_most"] += judging.ANSWER_TOKENS * len(pieces)
    return {
        "traces": run.traces["count"],
        "segmenter": {"model": run.segmenter.model, **cutting},
        "judges": [{"model": judge.model, **jury} for judge in run.judges],
        "estimate": f"UTF-8 bytes / {BYTES_PER_TOKEN}; without retries and hidden thinking",
    }


def _pieces(trace: Trace, asked: bool) -> list[segmenting.Piece]:
    """Of a trace: between possible switches if a model will decide, else the thoughts."""
    if segmenting.why_not(trace):
        return []
    if asked:
        return segmenting.pieces(trace.reasoning, trace.lang)
    return [segmenting.Piece(start, end, end) for start, end in cut_by_rule(trace).thoughts]


def _tokens(text: str) -> int:
    return round(len(text.encode("utf-8", "replace")) / BYTES_PER_TOKEN)
