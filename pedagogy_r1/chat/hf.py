"""``hf:PATH_OR_NAME``: a model that transformers loads into this process.

    chat("runs/student")                                    a folder; an adapter's folder brings its base model along
    chat("Qwen/Qwen2.5-0.5B-Instruct", lora="runs/adapter", dtype="bfloat16", batch_size=32)

What the prompts of a frame begin with (template and system message, so the codebook) is computed once: its keys and values are
kept, and every row of every batch goes on from there. Batches are sorted by length and padded before what is each row's own. Temperature, top_p and seed are honoured row by row (`_rows`), so a reply
does not depend on the batch; nothing of the model's own generation settings is applied but its end tokens.
A schema is enforced by llguidance.
"""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from itertools import groupby, takewhile
from typing import Any

from ..errors import ChatError, first_line
from . import SCHEMA, ChatFault, Usage, check_choice
from ._in_process import BatchChat, ChatJob, ChatJobs
from ._in_process import keep_engines as keep_engines
from ._in_process import let_engines_go as let_engines_go
from ._local import (
    Weights,
    check_weights,
    completion_body,
    find_model,
    messages,
    need,
    sampling,
    token_logprob,
)
from ._local import whole as whole
from ._rows import SampledRow, SampledRows

ROUND = 4
"""Batches that are taken, and sorted by length, at once."""
SHARED = 32
"""Tokens from which on the common beginning of prompts is kept."""
DTYPES = ("auto", "float64", "float32", "bfloat16", "float16")
SCHEMAS = ("enforce", "ask")

_log = logging.getLogger(__name__)


def chat(
    name: str,
    *,
    connections: int = 16,
    lora: str | None = None,
    dtype: str = "auto",
    device: str = "auto",
    batch_size: int | str = 16,
    max_model_len: int | str | None = None,
    schema: str = "enforce",
) -> BatchChat:
    """A chat with the model in folder ``name``, or of that name on the hub.

    ``lora``: folder of an adapter. ``dtype``: auto is the checkpoint's, and float32 on a CPU; with float64 even the last digit
    of a log probability does not depend on the batch. ``device``: auto is the first GPU,
    if there is one. ``max_model_len``: tokens of prompt and reply together, by default what the model is made for.
    ``schema``: "enforce" it token by token, or only "ask" for it in the prompt. Raises `ChatError` where a package or a
    folder is missing; the model is loaded at the first request.
    """
    need("hf", "train", "torch", "transformers", *(["peft"] if lora else []))
    check_choice("hf", "dtype", dtype, DTYPES)
    check_choice("hf", "schema", schema, SCHEMAS)
    weights = find_model(name, lora)
    size = whole("batch_size", batch_size)
    longest = None if max_model_len is None else whole("max_model_len", max_model_len)
    model = name if lora is None else f"{name}+{lora}"
    engine = HfEngine(model, weights, dtype, device, size, longest, enforce=schema == "enforce")
    key = ("hf", model, dtype, device, size, longest, schema)
    return BatchChat(model, engine, full=connections, key=key)


@dataclass(eq=False)
class HfEngine:
    """See `chat`. ``longest``: tokens of prompt and reply together; ``enforce``: schemas; ``shared``: see `SHARED`."""

    name: str
    weights: Weights
    dtype: str
    device: str
    batch_size: int
    longest: int | None
    enforce: bool
    shared: int = SHARED

    def __post_init__(self) -> None:
        self._model: Any = None
        self._tokenizer: Any = None
        self._guide: Any = None
        self._begins: tuple[list[dict[str, str]], tuple[int, ...]] | None = None
        self._kept: tuple[tuple[int, ...], list[tuple[Any, Any]]] | None = None

    def run(self, jobs: ChatJobs) -> None:
        """One round: a few batches, the longest prompts first, so that what does not fit into memory shows at once."""
        if self._model is None:
            self._load()
        ready: list[tuple[ChatJob, SampledRow]] = []
        for job in jobs.take(ROUND * self.batch_size):
            try:
                ready.append((job, self._row(job)))
            except ChatFault as fault:
                jobs.refuse(job, fault)
        ready.sort(key=lambda each: (each[1].shared, len(each[1].prompt)), reverse=True)
        for _, group in groupby(ready, key=lambda each: each[1].shared):
            alike = list(group)
            for start in range(0, len(alike), self.batch_size):
                self._answer(alike[start : start + self.batch_size], jobs)

    def _answer(self, batch: list[tuple[ChatJob, SampledRow]], jobs: ChatJobs) -> None:
        """Generate a batch; in halves if it does not fit into memory."""
        if jobs.stopped or not batch:
            return
        try:
            self._generate(batch, jobs)
        except RuntimeError as error:
            if not _out_of_memory(error):
                raise
            if len(batch) == 1:
                hint = "lower max_completion_tokens or max_model_len, or give a smaller dtype"
                raise ChatError(f"hf: {self.name} is out of memory on one request", hint) from None
        else:
            return
        batch = [(job, row) for job, row in batch if not job.reply.done()]
        _free()
        for half in (batch[: len(batch) // 2], batch[len(batch) // 2 :]):
            for _, row in half:
                row.restart()
            self._answer(half, jobs)

    def _finished(self, job: ChatJob, row: SampledRow, jobs: ChatJobs) -> None:
        """Answer one request, while others of its batch may still be at work."""
        if row.finish == "error":
            jobs.refuse(job, ChatFault("malformed", f"the grammar failed: {row.matcher.get_error()[:300]}"))
        else:
            jobs.answer(job, self._body(job, row))

    def _generate(self, batch: list[tuple[ChatJob, SampledRow]], jobs: ChatJobs) -> None:
        import torch
        from transformers import LogitsProcessorList, StoppingCriteriaList

        rows = [row for _, row in batch]
        shared = rows[0].shared
        own = [row.prompt[len(shared) :] for row in rows]
        width = max(map(len, own))
        padded = [[*shared, *[self._pad] * (width - len(ids)), *ids] for ids in own]
        mask = [[1] * len(shared) + [0] * (width - len(ids)) + [1] * len(ids) for ids in own]
        state = SampledRows(rows, self._ends, self._tokenizer, self._pad, lambda: jobs.stopped)
        state.finished = lambda number: self._finished(*batch[number], jobs)
        with torch.inference_mode():
            self._model.generate(
                input_ids=torch.tensor(padded, device=self.device),
                attention_mask=torch.tensor(mask, device=self.device),
                max_new_tokens=max(row.limit for row in rows),
                logits_processor=LogitsProcessorList([state.process]),
                stopping_criteria=StoppingCriteriaList([state.ended]),
                **({"past_key_values": self._begun(shared, len(rows))} if shared else {}),
            )

    def _begun(self, shared: tuple[int, ...], rows: int) -> Any:
        """The cache of keys and values that ``rows`` rows go on from; kept until other prompts begin otherwise."""
        import torch
        from transformers import DynamicCache

        if self._kept is None or self._kept[0] != shared:
            self._kept = None
            ids = torch.tensor([shared], device=self.device)
            made = self._model.base_model(input_ids=ids, use_cache=True).past_key_values
            self._kept = shared, [(layer.keys, layer.values) for layer in made.layers]
        cache: Any = DynamicCache()
        for number, kept in enumerate(self._kept[1]):
            cache.update(*(part.expand(rows, -1, -1, -1) for part in kept), number)
        return cache

    def _beginning(self, said: list[dict[str, str]]) -> tuple[int, ...]:
        """Tokens that all prompts begin with that say the same before the user's message; none if they are few, or cannot be kept."""
        if self._begins is None or self._begins[0] != said[:-1]:
            first, other = (
                self._tokens([*said[:-1], {"role": "user", "content": text}]) for text in ("a", "1")
            )
            alike = takewhile(lambda pair: pair[0] == pair[1], zip(first, other, strict=False))
            common = tuple(token for token, _ in alike)
            if len(common) < self.shared:
                common = ()
            elif not self._keeps:
                _log.warning(
                    "hf: %s computes what its prompts have in common anew for each: not all its layers keep keys and values of every token",
                    self.name,
                )
                self.shared, common = sys.maxsize, ()
            self._begins = said[:-1], common
        return self._begins[1]

    def _tokens(self, said: list[dict[str, str]]) -> list[int]:
        return list(self._tokenizer(self._rendered(said), add_special_tokens=False)["input_ids"])

    def _row(self, job: ChatJob) -> SampledRow:
        """What to generate for a request; `ChatFault` where there is no room for a reply."""
        asked, schema = sampling("hf", job.request), job.request.frame.schema
        wish = None
        if schema is not None and not self.enforce:
            wish = SCHEMA + json.dumps(schema, ensure_ascii=False)
        said = messages(job.request, wish)
        ids, shared = self._tokens(said), self._beginning(said)
        room = self._room - len(ids)
        if room < 1:
            raise ChatFault(
                "rejected", f"the prompt has {len(ids)} tokens; the model takes {self._room} with the reply"
            )
        asked = asked._replace(limit=min(room, asked.limit or room))
        matcher = self._matcher(schema) if schema is not None and self.enforce else None
        # A user's message whose first characters make one token with what stands before it shares nothing.
        if len(ids) <= len(shared) or tuple(ids[: len(shared)]) != shared:
            shared = ()
        return SampledRow(ids or [self._pad], matcher=matcher, shared=shared, **asked._asdict())

    def _rendered(self, said: list[dict[str, str]]) -> str:
        """The prompt in the model's chat template; with none, the texts one below the other."""
        from jinja2 import TemplateError

        texts = "\n\n".join(message["content"] for message in said)
        if not self._tokenizer.chat_template:
            return texts + "\n\n"
        render = partial(self._tokenizer.apply_chat_template, add_generation_prompt=True, tokenize=False)
        try:
            return str(render(said))
        except TemplateError:  # some templates refuse a system message
            return str(render([{"role": "user", "content": texts}]))

    def _matcher(self, schema: Mapping[str, Any]) -> Any:
        """A grammar at its start; `ChatFault` for a schema that it cannot express."""
        if find_spec("llguidance") is None:
            raise ChatError(
                "hf: cannot enforce a schema: llguidance is not installed",
                "pip install llguidance, or have the schema only asked for in the prompt (option schema=ask)",
            )
        from llguidance import LLMatcher
        from llguidance.hf import from_tokenizer

        if self._guide is None:
            size = self._model.get_output_embeddings().weight.shape[0]
            self._guide = from_tokenizer(self._tokenizer, n_vocab=size, eos_token=sorted(self._ends))
        # Compact: a small model can fall into writing blanks for ever.
        grammar = LLMatcher.grammar_from_json_schema(dict(schema), {"whitespace_flexible": False})
        matcher = LLMatcher(self._guide, grammar, log_level=0)
        if matcher.is_error():
            raise ChatFault("rejected", f"hf: cannot enforce the schema: {matcher.get_error()[:300]}")
        return matcher

    def _body(self, job: ChatJob, row: SampledRow) -> str:
        last = row.tokens[-1] in self._ends
        tokens = row.tokens[:-1] if last else row.tokens
        text = self._tokenizer.decode(tokens, skip_special_tokens=True, clean_up_tokenization_spaces=False)
        cuts = [at for at in (text.find(stop) for stop in row.stop) if at >= 0]
        text = text[: min(cuts)] if cuts else text
        logprobs = None
        if row.top is not None:
            logprobs = [
                token_logprob(self._name_of(token), one.logprob, [(self._name_of(t), v) for t, v in one.top])
                for token, one in zip(tokens, row.scored, strict=False)
            ]
        usage = Usage(len(row.prompt), len(row.shared), len(row.tokens))
        finish = row.finish or "stop"
        return completion_body(
            job.request, self.name, text, finish, usage, prompt=row.prompt, logprobs=logprobs
        )

    def _name_of(self, token: int) -> str:
        return str(self._tokenizer.decode([token], clean_up_tokenization_spaces=False))

    def _load(self) -> None:
        import torch
        from transformers import AutoModelForCausalLM, AutoTokenizer, GenerationConfig

        settings: Any = GenerationConfig
        if self.device == "auto":
            self.device = "cuda" if torch.cuda.is_available() else "cpu"
        dtype = "float32" if self.dtype == "auto" and self.device == "cpu" else self.dtype
        base = self.weights.base
        check_weights(self.weights)
        try:
            with no_bars():
                self._tokenizer = AutoTokenizer.from_pretrained(base, trust_remote_code=False)
                model: Any = AutoModelForCausalLM.from_pretrained(base, dtype=dtype, trust_remote_code=False)
                if self.weights.lora is not None:
                    from peft import PeftModel

                    model = PeftModel.from_pretrained(model, self.weights.lora).merge_and_unload()
                model = model.to(self.device).eval()
        except (OSError, ValueError, KeyError, RuntimeError) as error:
            hint = "give a folder that transformers can load, or (with a network) a name on the hub"
            if _out_of_memory(error):
                hint = "give a smaller dtype, another device, or a smaller model"
            raise ChatError(f"hf: cannot load {self.name}: {first_line(error)}", hint) from error
        # We look at the length ourselves, and say so per request.
        self._tokenizer.model_max_length = sys.maxsize
        self._ends = _ends(model, self._tokenizer)
        pad = self._tokenizer.pad_token_id
        self._pad = pad if pad is not None else min(self._ends, default=0)
        made_for = getattr(model.config.get_text_config(), "max_position_embeddings", None) or 4096
        self._room = min(made_for, self.longest or made_for)
        # Our own rows end by their own rules; what the checkpoint would like (top_k, a penalty …) was not asked for.
        model.generation_config = settings(do_sample=False, pad_token_id=self._pad)
        self._keeps = _keeps_all(model, self._pad)
        self._model = model

    def close(self) -> None:
        """Let go of the weights."""
        self._model = self._tokenizer = self._guide = self._begins = self._kept = None
        _free()


@contextmanager
def no_bars() -> Iterator[None]:
    """Leave the terminal to the command's own progress bar."""
    from transformers.utils import logging

    bars: Any = logging
    shown = bars.is_progress_bar_enabled()
    bars.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            bars.enable_progress_bar()


def _ends(model: Any, tokenizer: Any) -> frozenset[int]:
    """Tokens that end a reply: those of the generation settings, the configuration and the tokenizer."""
    found: set[int] = set()
    for ends in (model.generation_config.eos_token_id, model.config.eos_token_id, tokenizer.eos_token_id):
        found |= set(ends) if isinstance(ends, list | tuple) else set() if ends is None else {int(ends)}
    return frozenset(found)


def _keeps_all(model: Any, token: int) -> bool:
    """Whether every layer keeps keys and values of all tokens; not so with a sliding window, a recurrent state, or shared layers."""
    import torch
    from transformers.cache_utils import DynamicCache, DynamicLayer

    try:
        with torch.inference_mode():
            ids = torch.tensor([[token]], device=model.device)
            cache = model.base_model(input_ids=ids, use_cache=True).past_key_values
    except (AttributeError, TypeError, ValueError, RuntimeError):
        return False
    if type(cache) is not DynamicCache:
        return False
    return all(type(layer) is DynamicLayer and layer.get_seq_length() == 1 for layer in cache.layers)


def _out_of_memory(error: Exception) -> bool:
    import torch

    # On a CPU there is no class for it, only the allocator's message.
    return isinstance(error, torch.OutOfMemoryError) or "can't allocate memory" in str(error)


def _free() -> None:
    import gc

    gc.collect()
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        torch.cuda.empty_cache()
