"""What a run of the language-model coder would ask and cost, before anything is asked: ``--dry-run``.

    {"requests": 120, "answered_already": 40, "prompt_tokens": 612000, "completion_tokens": 90000, …}

Requests are counted exactly, if every reply holds; tokens are estimated from bytes, of the requests that the ledger does not answer.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

from ..asking import FILE, BatchCount, answered_digests
from ..chat import BYTES_PER_TOKEN, ChatRequest, rough_tokens
from ..files.records import Row, read_jsonl
from ..intake.corpus import shard_of_group
from ..trace import Trace, Unit, item_group
from . import Context, Unitizer
from .llm_session import LlmOptions, RunPrompts

TOKENS_PER_CODING = 75
"""Of a completion, beside the quote: keys, code, confidence, a sentence."""

ESTIMATE = (
    f"tokens are of the requests not answered yet: UTF-8 bytes / {BYTES_PER_TOKEN}, a completion {TOKENS_PER_CODING} a unit and its quote; cached "
    "if the provider caches the constant prefix; without retries, units asked alone and hidden thinking"
)


class Planned(Protocol):
    """What is asked of an LlmCoder."""

    @property
    def context(self) -> Context: ...
    @property
    def options(self) -> LlmOptions: ...
    @property
    def prompts(self) -> RunPrompts: ...
    @property
    def name(self) -> str: ...
    @property
    def ledgers(self) -> Sequence[Path]: ...


class RequestPlan:
    """Counts once."""

    def __init__(self, coder: Planned) -> None:
        self.options, self.prompts, self.name = coder.options, coder.prompts, coder.name
        self.context = coder.context
        ledgers = coder.ledgers or [self.context.folder / FILE]
        self.known = {digest for path in ledgers for digest in answered_digests(path)}
        judged = [_judged(path, self.options.window) for path in ledgers if self.options.critic]
        self.judged = frozenset().union(*judged)
        self.system = rough_tokens(self.prompts.prompt.system)
        self.requests = self.answered = self.prompt = self.completion = self.prefixes = 0
        self.examples = self.fewer = 0
        self.first: ChatRequest | None = None
        self.files = BatchCount(self.name)
        self.shards, self.shard = max(1, len(coder.ledgers)), 0

    def of(self, traces: Iterable[Trace], unitize: Unitizer) -> dict[str, Any]:
        """The plan for the traces."""
        for trace in traces:
            self._trace(trace, unitize(trace))
        todo = self.requests - self.answered
        prefixes = self.prefixes if self.prompts.orders else 1
        plan: dict[str, Any] = {
            "requests": self.requests,
            "answered_already": self.answered,
            "prompt_tokens": self.prompt,
            "cached_tokens": self.system * max(0, todo - prefixes),
            "completion_tokens": self.completion,
            "prefix_tokens": self.system,
        }
        if self.prompts.examples:
            plan |= {"examples_shown": self.examples, "requests_with_fewer": self.fewer}
            plan |= {"one_request": self.first.text if self.first else ""}
        if self.options.sending.batch:
            plan |= self.files.plan()
        return plan | {"estimate": ESTIMATE}

    def _trace(self, trace: Trace, units: Sequence[Unit]) -> None:
        o = self.options
        if (shard := shard_of_group(item_group(trace), self.shards)) != self.shard:
            self.shard = shard
            self.files.apart()
        beside = self.prompts.beside(trace, units)
        prompts = [self.prompts.of(trace.id, k)[0] for k in range(o.repeats)]
        frames = [o.frame(self.name, p.system, p.schema, k) for k, p in enumerate(prompts)]
        before = self.requests - self.answered
        for window in o.windows(self.context.positions(trace, list(units))):
            shown = o.shown(beside, window)
            asked = [o.request(frame, trace, units, window, shown=shown) for frame in frames]
            if self.first is None or (shown and '{"examples":' not in self.first.text):
                self.first = asked[0]
            new = [request for request in asked if request.digest not in self.known]
            first = len(new)
            if o.sending.batch:
                for request in new:
                    self.files.add(request)
            second = 0
            if o.critic:
                at = units[window[0]].index // o.window
                second = sum((trace.id, at, f"{name}+critic") not in self.judged for name in o.names)
            todo, every = first + second, len(asked) * (2 if o.critic else 1)
            self.requests, self.answered = self.requests + every, self.answered + every - todo
            self.examples += len(shown) * every
            self.fewer += every * (len(shown) < o.k)
            own = rough_tokens(asked[0].text)
            self.prompt += (self.system + own) * todo + len(window) * TOKENS_PER_CODING * second
            said = sum(TOKENS_PER_CODING + min(40, rough_tokens(units[i].text)) for i in window)
            self.completion += said * todo
        self.prefixes += min(o.repeats, self.requests - self.answered - before)


def _judged(ledger: Path, window: int) -> frozenset[tuple[str, int, str]]:
    """(trace, number of the window, critic) of each critic's reply in the ledger. Its digest depends on what it judged."""
    if not ledger.is_file():
        return frozenset()
    found = set()
    for row in read_jsonl(ledger):
        if isinstance(row, Row) and row.data.get("kind") == "reply":
            with suppress(KeyError, TypeError, IndexError):  # a line that was changed counts as none
                about = row.data["about"]
                if "alone" not in about:
                    found.add((about["trace"], about["units"][0] // window, about["coder"]))
    return frozenset(found)
