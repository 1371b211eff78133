"""``llm``: a language model codes numbered units in windows, behind any backend of ``chat/``.

coder(context, model="openai:Qwen/Qwen3-8B", base_url="http://localhost:8000/v1", window=20, critic=True)

window    20 units, the question and up to 5 units of context → one request
alone     a unit whose coding does not hold (bad quote, unknown code, skipped …) → one request of its own
missing   if that does not hold either, with the reason
critic    a second request over the window: confirm or change; a coder of its own, so that its effect is measurable
repeats   K codings of every unit by K coders that differ in their seed only
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...asking import (
    FILE,
    ModelName,
    Sending,
    answered_digests,
    check_backend,
    key_from,
    open_chat,
    run_apart,
    safe_url,
)
from ...chat import BYTES_PER_TOKEN, Chat, rough_tokens
from ...errors import InputError
from ...files.records import Row, read_jsonl
from ...provenance import digest
from ...runs.run import CoderInfo
from ...trace import Trace
from .. import Context, Emit, Outcome, Unitizer
from ..llm_session import LlmOptions, LlmSession
from ..prompt_and_reply import BETWEEN, FORMS, SCHEMA_VERSION, VERSION, VERSIONS, Prompt, make_prompt

TOKENS_PER_CODING = 75
"""Of a completion, beside the quote: keys, code, confidence, a sentence."""


def coder(
    given: Context,
    /,
    *,
    model: str,
    base_url: str | None = None,
    window: int = 20,
    context: int = 5,
    temperature: float | None = None,
    max_output_tokens: int | None = None,
    repeats: int = 1,
    critic: bool = False,
    concurrency: int = 16,
    timeout: float = 300.0,
    retries: int = 6,
    backoff: float = 0.5,
    max_tokens_total: int | None = None,
    retry_missing: bool = False,
    api_key: str | None = None,
    api_key_env: str | None = None,
    backend: Mapping[str, Any] | None = None,
    codebook_form: str = "full",
) -> LlmCoder:
    """A coder that asks ``model`` (``BACKEND:NAME``).

    ``context``: units before the window that the model sees without coding them. ``temperature``: by default 0, or 0.7
    with ``repeats`` above 1; a negative one is not sent, for models that take none. ``timeout``: seconds per request.
    ``backoff``: seconds, the first bound of the random wait after a fault. ``max_tokens_total``: prompt and completion
    over all sessions of the run. ``retry_missing``: ask again for what an earlier session gave up. ``backend``: options of
    the backend itself (of ``hf`` and ``vllm``: lora, dtype …). ``codebook_form``: how much of the codebook the model reads,
    of `FORMS`.
    """
    base_url, named = safe_url(base_url), ModelName.read(model)
    check_backend(named, backend or {})
    heat = (0.0 if repeats == 1 else 0.7) if temperature is None else temperature
    options = LlmOptions(
        model=model,
        base_url=base_url,
        window=window,
        context=context,
        temperature=None if heat < 0 else heat,
        seed=given.seed,
        max_output_tokens=max_output_tokens,
        repeats=repeats,
        critic=critic,
        sending=Sending(concurrency, timeout, retries, backoff, max_tokens_total, retry_missing),
    )
    _check(options)

    def connect() -> Chat:
        key = api_key or key_from(api_key_env)
        how: dict[str, Any] = {"timeout": timeout, "connections": concurrency, **(backend or {})}
        return open_chat(named, base_url=base_url, api_key=key, **how)

    if codebook_form not in FORMS:
        raise InputError(f"codebook_form is {codebook_form!r}", f"give one of {', '.join(FORMS)}")
    prompt = make_prompt(given.book, codebook_form, _version_there(given.folder))
    return LlmCoder(given, options, prompt, named.name, connect, backend or {}, codebook_form)


def _version_there(folder: Path) -> str:
    """The version of the prompt of a run that was begun in ``folder``; the newest where there is none."""
    try:
        recorded = json.loads((folder / "run.json").read_bytes())["parameters"]
        begun = recorded["then_prompt" if "then" in recorded else "prompt"].partition(" ")[0]
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return VERSION  # what is wrong with the record, the run will say
    return begun if begun in VERSIONS else VERSION


def _check(options: LlmOptions) -> None:
    sending = options.sending
    at_least_1 = {name: getattr(options, name) for name in ("window", "repeats", "max_output_tokens")}
    for name, value in {**at_least_1, "concurrency": sending.concurrency}.items():
        if value is not None and value < 1:
            raise InputError(f"{name} is {value}", "give at least 1")
    if options.context < 0 or sending.retries < 0 or sending.backoff < 0 or sending.timeout <= 0:
        raise InputError(
            "context, retries and backoff are 0 or more, timeout is above 0", "change the option"
        )


@dataclass(frozen=True)
class LlmCoder:
    """See the module. ``name``: what the backend calls the model; ``connect`` opens it, when coding begins."""

    context: Context
    options: LlmOptions
    prompt: Prompt
    name: str
    connect: Callable[[], Chat]
    backend: Mapping[str, Any]
    form: str = "full"

    @property
    def coders(self) -> list[CoderInfo]:
        """First passes, each followed by its critic."""
        endings = ("", "+critic") if self.options.critic else ("",)
        return [
            CoderInfo(name=name + ending, kind="machine") for name in self.options.names for ending in endings
        ]

    @property
    def parameters(self) -> dict[str, Any]:
        """All that may change a coding. How fast, how often and with which key is not among it."""
        o = self.options
        return {
            "model": o.model,
            "base_url": o.base_url,
            "window": o.window,
            "context": o.context,
            "temperature": o.temperature,
            "seed": o.seed,
            "max_output_tokens": o.max_output_tokens,
            "repeats": o.repeats,
            "critic": o.critic,
            "prompt": f"{self.prompt.version} {self.prompt.digest}",
            "schema": SCHEMA_VERSION,
            **({"backend": dict(self.backend)} if self.backend else {}),
            **({"codebook_form": self.form} if self.form != FORMS[0] else {}),
            **({"left_out": digest(BETWEEN)} if self.context.asked else {}),
        }

    def plan(self, traces: Iterable[Trace], unitize: Unitizer) -> dict[str, Any]:
        """Requests of the run if every reply holds, and estimates from bytes of the tokens that are still to be paid."""
        o = self.options
        known = set(answered_digests(self.context.folder))
        judged = _judged(self.context.folder, o.window) if o.critic else frozenset()
        frames = [o.frame(self.name, self.prompt, k) for k in range(o.repeats)]
        requests = answered = prompt = completion = 0
        system = rough_tokens(self.prompt.system)
        for trace in traces:
            units = unitize(trace)
            for window in o.windows(self.context.positions(trace, units)):
                asked = [o.request(frame, trace, units, window) for frame in frames]
                first = sum(request.digest not in known for request in asked)
                second = 0
                if o.critic:
                    at = units[window[0]].index // o.window
                    second = sum((trace.id, at, f"{name}+critic") not in judged for name in o.names)
                todo, every = first + second, len(asked) * (2 if o.critic else 1)
                requests, answered = requests + every, answered + every - todo
                prompt += (system + rough_tokens(asked[0].text)) * todo + len(
                    window
                ) * TOKENS_PER_CODING * second
                completion += (
                    sum(TOKENS_PER_CODING + min(40, rough_tokens(units[i].text)) for i in window) * todo
                )
        return {
            "requests": requests,
            "answered_already": answered,
            "prompt_tokens": prompt,
            "cached_tokens": system * max(0, requests - answered - 1),
            "completion_tokens": completion,
            "prefix_tokens": system,
            "estimate": f"tokens are of the requests not answered yet: UTF-8 bytes / {BYTES_PER_TOKEN}, a completion {TOKENS_PER_CODING} a unit and its quote; cached "
            "if the provider caches the constant prefix; without retries, units asked alone and hidden thinking",
        }

    def code(self, traces: Iterable[Trace], unitize: Unitizer, emit: Emit) -> Outcome:
        """Code all traces. Ctrl-C lets what is in flight come home; a second one does not."""

        async def session() -> Outcome:
            expected = rough_tokens(self.prompt.system) + 2 * TOKENS_PER_CODING * self.options.window
            running = LlmSession(self.context, self.options, self.prompt, self.connect(), expected)
            return await running.run(traces, unitize, emit)

        return run_apart(session)


def _judged(folder: Path, window: int) -> frozenset[tuple[str, int, str]]:
    """(trace, number of the window, critic) of each critic's reply in the ledger. Its digest depends on what it judged."""
    if not (folder / FILE).is_file():
        return frozenset()
    found = set()
    for row in read_jsonl(folder / FILE):
        if isinstance(row, Row) and row.data.get("kind") == "reply":
            with suppress(KeyError, TypeError, IndexError):  # a line that was changed counts as none
                about = row.data["about"]
                if "alone" not in about:
                    found.add((about["trace"], about["units"][0] // window, about["coder"]))
    return frozenset(found)
