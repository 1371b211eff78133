"""``llm``: a language model codes numbered units in windows, behind any backend of ``chat/``.

coder(context, model="openai:Qwen/Qwen3-8B", base_url="http://localhost:8000/v1", window=20, critic=True)

window    20 units, the question and up to 5 units of context → one request
alone     a unit whose coding does not hold (bad quote, unknown code, skipped …) → one request of its own
missing   if that does not hold either, with the reason
critic    a second request over the window: confirm or change; a coder of its own, so that its effect is measurable
repeats   K codings of every unit by K coders that differ in their seed only; with permute, in the order of the codes too
examples  a run of codings: for each window the units of other traces and items that are nearest to it are shown
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

from ...asking import (
    ModelName,
    Sending,
    check_backend,
    check_batch,
    gpus_of,
    in_flight,
    key_from,
    open_chat,
    run_apart,
    safe_url,
)
from ...chat import Chat, rough_tokens
from ...errors import ArgumentError, InputError
from ...provenance import digest
from ...runs.run import CoderInfo, CoderRun
from ...trace import Trace
from .. import Context, Emit, Outcome, Unitizer
from ..examples import TOKENS, Examples, K, read_examples
from ..learned.encoder import SentenceEncoder, read_encoder
from ..llm_session import LlmOptions, LlmSession, RunPrompts
from ..order_effect import CodeOrders, order_effect
from ..prompt_and_reply import BETWEEN, FORMS, SCHEMA_VERSION, VERSION, VERSIONS, Prompt, make_prompt
from ..request_plan import TOKENS_PER_CODING, RequestPlan


def coder(
    given: Context,
    /,
    *,
    model: str,
    base_url: str | Sequence[str] | None = None,
    window: int = 20,
    context: int = 5,
    temperature: float | None = None,
    max_output_tokens: int | None = None,
    repeats: int = 1,
    critic: bool = False,
    concurrency: int | None = None,
    batch: bool = False,
    timeout: float = 300.0,
    retries: int = 6,
    backoff: float = 0.5,
    max_tokens_total: int | None = None,
    retry_missing: bool = False,
    requests_per_minute: float | None = None,
    api_key: str | None = None,
    api_key_env: str | None = None,
    backend: Mapping[str, Any] | None = None,
    codebook_form: str = "full",
    permute: bool = False,
    examples: str | Path | None = None,
    k: int | None = None,
    example_tokens: int | None = None,
    example_encoder: str | Path | None = None,
) -> LlmCoder:
    """A coder that asks ``model`` (``BACKEND:NAME``).

    ``context``: units before the window that the model sees without coding them. ``temperature``: by default 0, or 0.7
    with ``repeats`` above 1; a negative one is not sent, for models that take none. ``base_url``: of several servers of the model one each. ``concurrency`` to ``requests_per_minute``: as in `Sending`.
    ``backend``: options of the backend itself (of ``hf`` and ``vllm``: lora, dtype …). ``codebook_form``: how much of the codebook
    the model reads, of `FORMS`. ``permute``: codes in another order for each trace and repeat. ``examples``: a run, ``k`` (8) of its
    units a window, the nearest by words, or by the sentence encoder in ``example_encoder``."""
    urls, named = safe_url(base_url), ModelName.read(model)
    check_batch(named, batch)
    check_backend(named, backend or {})
    heat = (0.0 if repeats == 1 else 0.7) if temperature is None else temperature
    limits = (max_tokens_total, retry_missing, batch, requests_per_minute)
    sending = Sending(in_flight(concurrency, batch), timeout, retries, backoff, *limits)
    options = LlmOptions(
        *(model, urls, window, context),
        temperature=None if heat < 0 else heat,
        seed=given.seed,
        max_output_tokens=max_output_tokens,
        repeats=repeats,
        critic=critic,
        sending=sending,
        k=_shown(examples, k, example_tokens, example_encoder),
        example_tokens=example_tokens or TOKENS,
    )
    _check(options)

    connect = partial(_connect, named, options, api_key, api_key_env, backend or {})
    shown = _examples(given, examples if options.k else None, example_encoder)
    prompts = _prompts(given, codebook_form, repeats if permute else None, shown)
    return LlmCoder(given, options, prompts, named.name, connect, backend or {}, codebook_form)


def _connect(
    named: ModelName, options: LlmOptions, key: str | None, variable: str | None, backend: Mapping[str, Any]
) -> Chat:
    sent = options.sending
    how = {"timeout": sent.timeout, "connections": sent.concurrency, "batch": sent.batch, **backend}
    return open_chat(named, base_url=options.base_url, api_key=key or key_from(variable), **how)


def _shown(examples: str | Path | None, k: int | None, tokens: int | None, encoder: str | Path | None) -> int:
    """How many examples a window shows."""
    about = {"k": k, "example-tokens": tokens, "example-encoder": encoder}
    if examples is None and (names := [name for name, value in about.items() if value]):
        raise ArgumentError(f"--{names[0]} is of examples, and none are given", "add --examples RUN")
    return (0 if examples is None else K) if k is None else k


def _examples(given: Context, run: str | Path | None, encoder: str | Path | None) -> Examples | None:
    """Those of a run, if there is one, found by their words or by an encoder's vectors."""
    if run is None:
        return None
    return read_examples(run, given.book, SentenceEncoder(read_encoder(encoder)) if encoder else None)


def _prompts(given: Context, form: str, permuted: int | None, shown: Examples | None) -> RunPrompts:
    """What the requests begin with. ``permuted``: so many repeats, each with an order of the codes of its own."""
    if form not in FORMS:
        raise InputError(f"codebook_form is {form!r}", f"give one of {', '.join(FORMS)}")
    version = _version_there(given.folder)
    write = partial(make_prompt, form=form, version=version, examples=shown is not None)
    orders = CodeOrders(given.book, given.seed, permuted) if permuted is not None else None
    return RunPrompts(write(given.book), shown, orders, write)


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
    at_least_1 = {name: getattr(options, name) for name in ("window", "repeats", "max_output_tokens", "example_tokens")}  # fmt: skip
    for name, value in {**at_least_1, "concurrency": sending.concurrency}.items():
        if value is not None and value < 1:
            raise InputError(f"{name} is {value}", "give at least 1")
    if options.k < 0:
        raise InputError(f"k is {options.k}", "give 0 (no examples) or more")
    if options.context < 0 or sending.retries < 0 or sending.backoff < 0 or sending.timeout <= 0:
        raise InputError(
            "context, retries and backoff are 0 or more, timeout is above 0", "change the option"
        )


@dataclass(frozen=True)
class LlmCoder:
    """See the module. ``name``: what the backend calls the model; ``connect`` opens it, when coding begins; ``ledgers``: what `plan`
    takes for answered, where that is not the folder's own."""

    context: Context
    options: LlmOptions
    prompts: RunPrompts
    name: str
    connect: Callable[[], Chat]
    backend: Mapping[str, Any]
    form: str = "full"
    ledgers: tuple[Path, ...] = ()
    of_one_run: ClassVar[bool] = True

    @property
    def prompt(self) -> Prompt:
        """That of the codebook in its own order."""
        return self.prompts.prompt

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
            "base_url": o.base_url if isinstance(o.base_url, str | None) else list(o.base_url),
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
            **({"permute": True} if self.prompts.orders else {}),
            **({"k": o.k, "example_tokens": o.example_tokens} if self.prompts.examples else {}),
            **({"left_out": digest(BETWEEN)} if self.context.asked else {}),
        }

    @property
    def gpus(self) -> int:
        """That a process with this coder needs, where there are any."""
        return gpus_of(ModelName.read(self.options.model), self.backend)

    @property
    def sources(self) -> dict[str, Any]:
        """The run that the examples are of, and the encoder that finds them."""
        shown = self.prompts.examples
        if shown is None:
            return {}
        found = {"examples": str(shown.folder), "examples_digest": shown.digest}
        by = shown.encoder
        return found | ({"example_encoder": by.path, "example_encoder_digest": by.digest} if by else {})

    def plan(self, traces: Iterable[Trace], unitize: Unitizer) -> dict[str, Any]:
        """Requests of the run if every reply holds, and estimates from bytes of the tokens that are still to be paid."""
        return RequestPlan(self).of(traces, unitize)

    def sum_up(self, run: CoderRun) -> dict[str, Any]:
        """What the codings of the whole run tell of the coder, for its record."""
        orders = self.prompts.orders
        return {"code_order": order_effect(run, orders, self.options.names).as_json()} if orders else {}

    def code(self, traces: Iterable[Trace], unitize: Unitizer, emit: Emit) -> Outcome:
        """Code all traces. Ctrl-C lets what is in flight come home; a second one does not."""

        async def session() -> Outcome:
            expected = rough_tokens(self.prompt.system) + 2 * TOKENS_PER_CODING * self.options.window
            running = LlmSession(self.context, self.options, self.prompts, self.connect(), expected)
            return await running.run(traces, unitize, emit)

        return run_apart(session)
