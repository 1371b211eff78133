"""``cues``: the rule-based coder. A baseline that needs no key, no server and no model.

coder(context, workers=2)

"Wait, that contradicts the graph."  →  codes ("TR-SP",), evidence "Wait, that contradicts",
                                        rationale "TR-SP: cue '^ wait', cue 'contradicts|contradict'"

It knows nothing but the codebook it is given: the codes' cues as spaCy Matcher patterns, their ``unless`` vetoes, and
structural features: how much a unit repeats the question, in runs or as single words, and earlier units. `scoring.py` says how
codes come from that. It reads words, not sense: use it to start, to compare against, and where nothing else is at hand.
"""

from __future__ import annotations

import pickle
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any

from ...codebook import Codebook
from ...errors import ArgumentError
from ...runs.run import CoderInfo, Coding
from ...trace import Trace, Unit
from ...unit.language import bounded_memory, language_code, pipeline, tokenize
from ...workers import in_order, interrupts
from .. import Context, Emit, Outcome, Unitizer
from ..cue_index import CueIndex
from ..scoring import ALGORITHM, CODER, FEATURE_WEIGHT, SECOND, VETO_WEIGHT, TraceScorer
from ..trace_words import SELF_RUN, STEM_RUN

if TYPE_CHECKING:
    from spacy.tokens import Doc

ANY_LANGUAGE = "xx"
"""spaCy's code: a codebook with it has cues for traces of every language, matched in words cut by its rules."""

CHUNK = 60_000
"""Characters of reasoning in a chunk: some tenths of a second of work, a few hundred kilobytes of results."""

Coded = tuple[list[Unit], list[Coding]]


def coder(context: Context, *, workers: int = 1) -> CuesCoder:
    """The rule-based coder. ``workers``: processes; the codings are the same for any number."""
    if workers < 1:
        raise ArgumentError(f"workers is {workers}", "give at least 1")
    return CuesCoder(context, workers)


@dataclass(frozen=True)
class CuesCoder:
    """A codebook's cues, ready to code; see `coder`."""

    context: Context
    workers: int = 1

    @property
    def coders(self) -> list[CoderInfo]:
        """One machine."""
        return [CoderInfo(name=CODER, kind="machine")]

    @property
    def trust(self) -> str:
        """How far it is to be trusted on which text, as the codebook says."""
        book = self.context.book
        untried = f"nobody has said how far they can be trusted under {book.ref}; compare them with people's codings (pcode sample)"
        return f"cues: {book.cues_trust or untried}"

    @property
    def parameters(self) -> dict[str, Any]:
        """The algorithm's version and constants; not ``workers``, which change nothing."""
        return {
            "algorithm": ALGORITHM,
            "about": "baseline: cue patterns and two structural features from the codebook, no language model",
            "feature_weight": FEATURE_WEIGHT,
            "veto_weight": VETO_WEIGHT,
            "second_code_from": SECOND,
            "stem_run": STEM_RUN,
            "self_run": SELF_RUN,
        }

    def plan(self, traces: Iterable[Trace], unitize: Unitizer) -> dict[str, Any]:  # noqa: ARG002 - every coder takes it
        """Nothing is sent and nothing is paid."""
        return {"requests": 0}

    def code(self, traces: Iterable[Trace], unitize: Unitizer, emit: Emit) -> Outcome:
        """Code every unit of every trace, in order; Ctrl-C ends between two traces."""
        with interrupts() as stop:
            job = (self.context.book, self.context.run_id, unitize)
            if self.workers == 1:
                for trace, (units, codings) in in_order(_prepared(job), traces, 1, stop):
                    emit(trace, units, codings)
            else:
                sent = pickle.dumps(job)
                for chunk, results in in_order(
                    partial(_code_chunk, sent), chunks(traces), self.workers, stop
                ):
                    for trace, rows in zip(chunk, results, strict=True):
                        emit(trace, *_unpacked(rows))
                        if stop.is_set():
                            return Outcome(interrupted=True)
            return Outcome(interrupted=stop.is_set())

    def tally(self, codings: Sequence[Coding], lang: str) -> Counter[str]:
        """What a trace in ``lang`` adds to the run's usage: units that nothing spoke for, and whether cues were tried."""
        counts = Counter(fallback=sum(c.codes is not None and c.evidence is None for c in codings))
        if (code := language_code(lang)) != self._lang and self._lang != ANY_LANGUAGE:
            counts[f"foreign_traces: {code}"] = 1
        return counts

    @property
    def _lang(self) -> str:
        return language_code(self.context.book.lang)


class _Coding:
    """Codes one trace at a time; prepares once for each language of the traces."""

    def __init__(self, book: Codebook, run_id: str, unitize: Unitizer) -> None:
        self._book, self._run_id, self._unitize = book, run_id, unitize
        self._indexes: dict[str, CueIndex] = {}

    def __call__(self, trace: Trace) -> Coded:
        lang = language_code(getattr(self._unitize, "lang", None) or trace.lang)
        if self._book.lang == ANY_LANGUAGE:
            lang = ANY_LANGUAGE
        if lang not in self._indexes:
            self._indexes[lang] = CueIndex(self._book, pipeline(lang))
        with bounded_memory(lang):
            doc, units = self._tokenized(trace, lang)
            scorer = TraceScorer(self._book, self._run_id, self._indexes[lang], trace.question, doc)
            return units, [scorer.code(unit) for unit in units]

    def _tokenized(self, trace: Trace, lang: str) -> tuple[Doc, list[Unit]]:
        with_doc = getattr(self._unitize, "with_doc", None)  # spares tokenizing twice
        if self._book.lang == ANY_LANGUAGE:
            with_doc = None
        return with_doc(trace) if with_doc else (tokenize(trace.reasoning, lang), self._unitize(trace))


def chunks(traces: Iterable[Trace]) -> Iterator[list[Trace]]:
    """Runs of traces of about ``CHUNK`` characters of reasoning, at least one each."""
    chunk: list[Trace] = []
    size = 0
    for trace in traces:
        chunk.append(trace)
        size += len(trace.reasoning)
        if size >= CHUNK:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk


Rows = tuple[list[dict[str, Any]], list[dict[str, Any]]]


def _code_chunk(job: bytes, chunk: list[Trace]) -> list[Rows]:
    """In a worker process: plain rows, which pickle at a third of the models' cost."""
    code = _opened(job)
    return [
        ([unit.__dict__ for unit in units], [c.__dict__ for c in codings])
        for units, codings in map(code, chunk)
    ]


@lru_cache(maxsize=2)
def _opened(job: bytes) -> _Coding:
    """The job of this process, compiled once, however many chunks or shards it codes."""
    return _Coding(*pickle.loads(job))  # noqa: S301 - written by this program's parent process


def _prepared(job: tuple[Codebook, str, Unitizer]) -> _Coding:
    """For work in this process: kept from shard to shard, but for what cannot be sent (``unitize`` a lambda), which is made anew."""
    try:
        sent = pickle.dumps(job)
    except (pickle.PicklingError, AttributeError, TypeError):
        return _Coding(*job)
    return _opened(sent)


def _unpacked(rows: Rows) -> Coded:
    return [Unit.model_validate(row) for row in rows[0]], [Coding.model_validate(row) for row in rows[1]]
