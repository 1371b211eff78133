"""One process's share of a run of the language-model coder: windows of units, their requests, the traces at work.

trace → windows × repeats → [ window → units whose coding does not hold, alone → critic ] → codings, unit by unit

A window is some units of one trace, with the question and a little context; repeats share a frame each. Units are cut
ahead of need, by a process of their own where many requests are in flight and more than a few traces are to be cut.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import chain, islice, product
from typing import Any, NamedTuple

from ..asking import AskingSession, BaseUrl, GaveUp, Sending, all_of
from ..chat import Chat, ChatFrame, ChatRequest
from ..codebook import NONE, Codebook
from ..errors import PedagogyError
from ..runs.run import Coding
from ..trace import Trace, Unit
from ..unit import unitizer
from ..workers import AHEAD, in_order
from . import Context, Emit, Outcome, Unitizer
from .examples import Example, Examples, TraceExamples
from .order_effect import CodeOrders
from .prompt_and_reply import Prompt, UnitAnswer, check, message, parse_codings

_log = logging.getLogger(__name__)

TRANSPORT = frozenset({"timeout", "rate_limited", "server_error", "connection"})
"""Reasons that have nothing to do with what was asked; asking for less does not help."""

CHUNK = 16
"""Traces that travel together to the process that cuts units."""

INLINE = 64
"""Requests in flight up to which units are cut between the replies; above, in a process of their own."""


class LlmOptions(NamedTuple):
    """The options of `llm.coder`; see there."""

    model: str
    base_url: BaseUrl | None
    window: int
    context: int
    temperature: float | None
    seed: int
    max_output_tokens: int | None
    repeats: int
    critic: bool
    sending: Sending
    k: int = 0
    example_tokens: int = 0

    @property
    def names(self) -> list[str]:
        """Coders of the first pass, one per repeat."""
        numbered = [f"{self.model}#{k}" for k in range(1, self.repeats + 1)]
        return [self.model] if self.repeats == 1 else numbered

    def frame(self, model: str, system: str, schema: Mapping[str, Any], repeat: int) -> ChatFrame:
        """What the requests of one repeat share: the system message comes first, the same bytes in all of them."""
        sent = {
            "temperature": self.temperature,
            "seed": self.seed + repeat,
            "max_completion_tokens": self.max_output_tokens,
        }
        sent = {k: v for k, v in sent.items() if v is not None}
        return ChatFrame(model, system, schema, sent)

    def windows(self, asked: Sequence[int]) -> list[list[int]]:
        """Positions of the units of each window: so many of those that are asked, whatever lies between them."""
        return [list(asked[low : low + self.window]) for low in range(0, len(asked), self.window)]

    def request(
        self,
        frame: ChatFrame,
        trace: Trace,
        units: Sequence[Unit],
        which: Sequence[int],
        *,
        firsts: Mapping[int, UnitAnswer] | None = None,
        why: str | None = None,
        shown: Sequence[Example] = (),
    ) -> ChatRequest:
        """The request to code the units at positions ``which``, numbered from 1.

        ``firsts``: what a critic is to judge. ``why``: an earlier answer for this one unit was of no use. ``shown``: the examples.
        """
        before = [unit.text for unit in units[max(0, which[0] - self.context) : which[0]]]
        asked: list[dict[str, Any]] = []
        last = which[0] - 1
        for number, i in enumerate(which, 1):
            first = {} if firsts is None else {"first": _first(firsts[i])}
            between = [unit.text for unit in units[max(last + 1, i - self.context) : i]]
            own = {"before": between} if between else {}
            asked.append({"unit": number, **own, "text": units[i].text} | first)
            last = i
        examples = [one.shown() for one in shown]
        words = message(trace.question, before, asked, critic=firsts is not None, why=why, examples=examples)
        return ChatRequest(frame, words)

    def shown(self, beside: TraceExamples | None, which: Sequence[int]) -> tuple[Example, ...]:
        """The examples for the units at positions ``which``."""
        return beside.of(which, self.k, tokens=self.example_tokens) if beside else ()


def _first(answer: UnitAnswer) -> dict[str, str | None]:
    primary, secondary = (*answer.codes, None, None)[:2]
    return {"primary": primary or NONE, "secondary": secondary, "rationale": answer.rationale}


class RunPrompts(NamedTuple):
    """What the requests of a run begin with. ``orders``: with ``--permute``, of the codes; ``again``: the prompt of another order."""

    prompt: Prompt
    examples: Examples | None = None
    orders: CodeOrders | None = None
    again: Callable[[Codebook], Prompt] | None = None

    def of(self, trace_id: str, repeat: int) -> tuple[Prompt, tuple[str, ...] | None]:
        """The prompt for one trace and repeat, and the order of its codes where that is not the codebook's."""
        if self.orders is None or self.again is None:
            return self.prompt, None
        order = self.orders.of(trace_id, repeat)
        return self.again(self.orders.codebook(order)), order

    def beside(self, trace: Trace, units: Sequence[Unit]) -> TraceExamples | None:
        """The examples beside the units of a trace, if any are shown."""
        return self.examples.beside(trace, units) if self.examples else None


class LlmSession:
    """Runs once. ``expected_tokens``: a guess at one request's, until there is experience."""

    def __init__(
        self, context: Context, options: LlmOptions, prompts: RunPrompts, chat: Chat, expected_tokens: int
    ) -> None:
        self.context, self.options, self.prompts, self.model = context, options, prompts, chat.model
        self.frames = [self._frame(prompts.prompt, k) for k in range(options.repeats)]
        self.asking = AskingSession(
            context.folder, chat, options.sending, expected_tokens=expected_tokens, seed=options.seed
        )
        self.stamp = context.book.stamp
        self._fewer = False

    def _frame(self, prompt: Prompt, repeat: int) -> ChatFrame:
        return self.options.frame(self.model, prompt.system, prompt.schema, repeat)

    async def run(self, traces: Iterable[Trace], unitize: Unitizer, emit: Emit) -> Outcome:
        """Everything, with Ctrl-C handled and the ledger closed at the end."""
        ahead = units_ahead(traces, unitize, apart=self.options.sending.concurrency > INLINE)
        asked = await self.asking.run(
            ((trace, units, self.context.positions(trace, units)) for trace, units in ahead),
            lambda number, piece: self._trace(number, *piece),
            lambda piece, codings: emit(piece[0], piece[1], codings),
            frames=self.frames,
            size=lambda piece: max(1, len(self.options.windows(piece[2])) * self.options.repeats),
        )
        return Outcome(asked.stopped, asked.interrupted, asked.usage)

    async def _trace(
        self, number: int, trace: Trace, units: list[Unit], which: Sequence[int]
    ) -> list[Coding]:
        """All codings of a trace, unit by unit, of those at positions ``which``."""
        jobs = list(product(self.options.windows(which), range(self.options.repeats)))
        beside = self.prompts.beside(trace, units)
        works = [self._work(number, trace, units, k, beside) for k in range(self.options.repeats)]
        done = await all_of([self._window(works[repeat], window) for window, repeat in jobs])
        by_unit: list[list[Coding]] = [[] for _ in units]
        for (window, _), codings in zip(jobs, done, strict=True):
            for i, of_unit in zip(window, codings, strict=True):
                by_unit[i] += of_unit
        return [coding for of_unit in by_unit for coding in of_unit]

    def _work(
        self, number: int, trace: Trace, units: list[Unit], repeat: int, beside: TraceExamples | None
    ) -> _TraceWork:
        prompt, order = self.prompts.of(trace.id, repeat)
        frame = self.frames[repeat] if order is None else self._frame(prompt, repeat)
        return _TraceWork(self, frame, self.options.names[repeat], number, trace, units, beside, order)

    def say_fewer(self, shown: int) -> None:
        """Once: that a window has fewer examples than were asked for."""
        if shown < self.options.k and not self._fewer:
            self._fewer = True
            _log.warning(
                "some windows show fewer than %d examples: no more of another item, or of at most %s tokens, are there "
                "(which were shown: ledger.jsonl; more room: --example-tokens)",
                self.options.k,
                f"{self.options.example_tokens:,}",
            )

    async def _window(self, work: _TraceWork, window: list[int]) -> list[list[Coding]]:
        """Codings of each unit of a window by one coder, and by its critic."""
        found = await work.answers(window)
        codings = [[work.coding(i, found[i])] for i in window]
        if self.options.critic:
            firsts = {i: answer for i in window if isinstance(answer := found[i], UnitAnswer)}
            critic = work._replace(name=f"{work.name}+critic", firsts=firsts)
            judged = await critic.answers(list(firsts)) if firsts else {}
            for of_unit, i in zip(codings, window, strict=True):
                of_unit.append(critic.coding(i, judged.get(i, "no_first_coding")))
        return codings


class _TraceWork(NamedTuple):
    """What one coder has to do on one trace. ``beside``: the examples to choose from; ``order``: of the codes, where it was drawn;
    ``firsts``: the codings that it, being a critic, is to judge."""

    session: LlmSession
    frame: ChatFrame
    name: str
    number: int
    trace: Trace
    units: list[Unit]
    beside: TraceExamples | None = None
    order: tuple[str, ...] | None = None
    firsts: dict[int, UnitAnswer] | None = None

    async def answers(self, which: list[int]) -> dict[int, UnitAnswer | str]:
        """An answer, or why there is none, for each unit at positions ``which``: together first, then alone."""
        found = await self._ask(which)
        again = {i: why for i, why in found.items() if isinstance(why, str) and why not in TRANSPORT}
        if again:
            for alone in await all_of([self._ask([i], why=why) for i, why in again.items()]):
                found |= alone
        return found

    async def _ask(self, which: list[int], *, why: str | None = None) -> dict[int, UnitAnswer | str]:
        session = self.session
        firsts = None if self.firsts is None else {i: self.firsts[i] for i in which}
        shown = session.options.shown(self.beside, which)
        session.say_fewer(len(shown))
        request = session.options.request(
            self.frame, self.trace, self.units, which, firsts=firsts, why=why, shown=shown
        )
        about: dict[str, Any] = {
            "trace": self.trace.id,
            "units": [self.units[i].index for i in (which[0], which[-1])],
            "coder": self.name,
        }
        if why is not None:
            about["alone"] = why
        if self.beside is not None:
            about["examples"] = [one.unit_id for one in shown]
        if self.order is not None:
            about["order"] = list(self.order)
        texts = [self.units[i].text for i in which]
        checked = await session.asking.asker.ask(
            request,
            about,
            parse=lambda reply: check(parse_codings(reply.text), texts, session.context.book),
            useless=_useless,
            priority=self.number,
            last=why is not None,
        )
        if isinstance(checked, GaveUp):
            return dict.fromkeys(which, checked.reason)
        if why is not None and isinstance(checked[0], str):
            session.asking.asker.give_up(request.digest, checked[0], missing=True)
        return dict(zip(which, checked, strict=True))

    def coding(self, position: int, answer: UnitAnswer | str) -> Coding:
        """The coding of one unit; a reason instead of an answer makes it missing."""
        session = self.session
        missing = answer if isinstance(answer, str) else None
        given = None if isinstance(answer, str) else answer
        return Coding(
            unit_id=self.units[position].id,
            coder=self.name,
            codes=given and given.codes,
            missing_reason=missing,
            evidence=given and given.evidence,
            confidence=given and given.confidence,
            rationale=given and (given.rationale or None),
            codebook=session.stamp,
            run_id=session.context.run_id,
        )


def _useless(answers: Sequence[UnitAnswer | str]) -> str | None:
    """Why none of a reply's codings holds; ``None`` where one does."""
    why = [answer for answer in answers if isinstance(answer, str)]
    return why[0] if why and len(why) == len(answers) else None


def units_ahead(
    traces: Iterable[Trace], unitize: Unitizer, *, apart: bool
) -> Iterator[tuple[Trace, list[Unit]]]:
    """Each trace with its units, in order; ``apart``: cut by another process, if ``unitize`` can travel there.

    Cutting costs about as much as asking does. With few requests in flight it fits between the replies; with many, the
    one core that serves the network would be the limit (benchmarks/annotate_concurrency.py). An error in the input is
    raised behind the traces that were read before it.
    """
    if not apart or not isinstance(unitize, unitizer.Unitizer):
        for trace in traces:
            yield trace, unitize(trace)
        return
    errors: list[PedagogyError] = []
    chunks = _chunks(iter(traces), errors)
    first = next(chunks, [])
    if len(first) < CHUNK:  # sooner cut than a process is started
        for trace in first:
            yield trace, unitize(trace)
    else:
        every = chain([first], chunks)
        cutting = in_order(partial(_cut, unitize), every, 1, threading.Event(), apart=True, ahead=2 * AHEAD)
        for chunk, found in cutting:
            for trace, cuts in zip(chunk, found, strict=True):
                yield trace, unitizer.made_units(trace, unitize.scheme, cuts)
    for error in errors:
        raise error


def _chunks(source: Iterator[Trace], errors: list[PedagogyError]) -> Iterator[list[Trace]]:
    """Chunks up to the first error, which is kept for later."""
    more = True
    while more:
        chunk: list[Trace] = []
        try:
            for trace in islice(source, CHUNK):
                chunk.append(trace)  # noqa: PERF402 - what came before an error is kept
        except PedagogyError as error:
            errors.append(error)
        more = len(chunk) == CHUNK and not errors
        if chunk:
            yield chunk


def _cut(unitize: Unitizer, traces: list[Trace]) -> list[list[tuple[int, int, int]]]:
    """Start, end, tokens: units as they travel between processes, at a tenth of the cost of the units themselves."""
    return [[(unit.start, unit.end, unit.tokens) for unit in unitize(trace)] for trace in traces]
