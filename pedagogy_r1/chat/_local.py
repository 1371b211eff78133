"""What backends in this process have in common: where the model is, its options, the messages, and the body of a reply.

find_model("runs/student", None)      an adapter's folder: Weights("models/base", lora="runs/student")
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

from ..errors import ChatError, RunError
from ..files.written import refuse_changed_model
from ..provenance import canonical, digest
from . import ChatRequest, Usage

PARAMETERS = (
    *("logprobs", "max_completion_tokens", "max_tokens", "seed"),
    *("stop", "temperature", "top_logprobs", "top_p"),
)
"""What may be asked of a model in this process, by OpenAI's names."""


class Weights(NamedTuple):
    """A folder or a name on the hub, and the folder of an adapter to it."""

    base: str
    lora: str | None


def need(backend: str, extra: str, *modules: str) -> None:
    """Raise `ChatError` for the first of ``modules`` that is not installed; nothing is imported."""
    for module in modules:
        if find_spec(module) is None:
            raise ChatError(
                f"{backend}: needs {module}, which is not installed", f"pip install 'pedagogy_r1[{extra}]'"
            )


def find_model(name: str, lora: str | None) -> Weights:
    """Where the weights are. An adapter's folder stands for its base model and itself; `ChatError` if there is no such folder."""
    if lora is not None:
        lora = str(Path(lora).expanduser())
        if not (Path(lora) / "adapter_config.json").is_file():
            hint = "lora takes the folder that peft or pcode sft wrote"
            raise ChatError(f"{lora}: holds no adapter_config.json", hint)
    path = Path(name).expanduser()
    if (path / "config.json").is_file():
        return Weights(str(path), lora)
    adapter = path / "adapter_config.json"
    if lora is None and adapter.is_file():
        try:
            base = json.loads(adapter.read_bytes())["base_model_name_or_path"]
        except (ValueError, KeyError, TypeError):
            raise ChatError(
                f"{adapter}: names no base model", "give the base model, and the adapter as lora=FOLDER"
            ) from None
        return Weights(find_model(str(base), None).base, str(path))
    if path.suffix == ".gguf" or any(path.glob("*.gguf")):
        hint = "convert it once, or serve it with llama.cpp: docs/models.md, A GGUF file"
        raise ChatError(f"{name}: is in the GGUF format, which is not loaded here", hint)
    if path.exists():
        raise ChatError(
            f"{name}: holds no model (no config.json)", "give the folder that save_pretrained wrote"
        )
    if name.startswith((".", "/", "~")) or name.count("/") > 1:
        raise ChatError(f"{name}: no such folder", "give a model's folder, or its name on the hub")
    return Weights(name, lora)


def check_weights(weights: Weights) -> None:
    """Raise `ChatError` if what pcode wrote of a student is not what is about to be loaded."""
    try:
        for folder in filter(None, weights):
            refuse_changed_model(Path(folder))
    except RunError as error:
        raise ChatError(error.message, error.hint) from None


def whole(name: str, value: int | str) -> int:
    """An option that is a number of at least 1; from the command line it comes as text."""
    try:
        number = int(value)
    except ValueError:
        number = 0
    if number < 1:
        raise ChatError(f"{name} is {value!r}", "give a whole number of at least 1")
    return number


def share(name: str, value: float | str) -> float:
    """An option that is a number above 0 and at most 1."""
    try:
        number = float(value)
    except ValueError:
        number = 0.0
    if not 0 < number <= 1:
        raise ChatError(f"{name} is {value!r}", "give a number above 0 and at most 1")
    return number


def yes(name: str, value: bool | int | str) -> bool:
    """An option that is true or false."""
    word = str(value).lower()
    if word not in (*_YES, *_NO):
        raise ChatError(f"{name} is {value!r}", "give true or false")
    return word in _YES


_YES, _NO = ("true", "1", "yes"), ("false", "0", "no")


class Sampling(NamedTuple):
    """How a reply is drawn.

    ``key``: `noise_key`. ``limit``: most tokens, if there is one. ``top``: alternatives to give beside each token; ``None``: no
    logprobs at all. ``stop``: texts that end a reply and are no part of it.
    """

    temperature: float
    top_p: float
    key: int
    limit: int | None
    top: int | None
    stop: list[str]


def sampling(backend: str, request: ChatRequest) -> Sampling:
    """What a request's parameters ask for. Raises `ChatError` for one that would be left out of account in silence."""
    given = request.frame.parameters
    if unknown := sorted(given.keys() - set(PARAMETERS)):
        raise ChatError(
            f"{backend}: does not take the parameter {unknown[0]!r}", f"it takes {', '.join(PARAMETERS)}"
        )
    asked = {name: value for name, value in given.items() if value is not None}
    limit = asked.get("max_completion_tokens") or asked.get("max_tokens")
    stop = asked.get("stop") or []
    return Sampling(
        temperature=float(asked.get("temperature", 1.0)),
        top_p=float(asked.get("top_p", 1.0)),
        key=noise_key(request),
        limit=None if limit is None else int(limit),
        top=int(asked.get("top_logprobs") or 0) if asked.get("logprobs") else None,
        stop=[stop] if isinstance(stop, str) else list(stop),
    )


def messages(request: ChatRequest, ask: str | None = None) -> list[dict[str, str]]:
    """System and user message; an empty system message is none. ``ask``: to be said at the end of the system message.

    Half a character, which no tokenizer takes, becomes a question mark.
    """
    system = "\n\n".join(part for part in (request.frame.system, ask) if part)
    parts = [("system", system), ("user", request.text)] if system else [("user", request.text)]
    return [{"role": role, "content": text.encode("utf-8", "replace").decode()} for role, text in parts]


def noise_key(request: ChatRequest) -> int:
    """Seed of what is random in one reply: of the seed and the messages, not of the model or of what else is asked.

    So two models, or two temperatures, are compared under common random numbers. 63 bits.
    """
    frame = request.frame
    seen = canonical(
        [frame.parameters.get("seed"), frame.system, request.text.encode("utf-8", "replace").decode()]
    )
    return int.from_bytes(hashlib.sha256(seen).digest()[:8], "big") >> 1


def token_logprob(token: str, logprob: float, top: Sequence[tuple[str, float]] = ()) -> dict[str, Any]:
    """One entry of ``logprobs.content`` as OpenAI writes it; ``bytes`` is null for a piece of a character."""
    return {**_scored(token, logprob), "top_logprobs": [_scored(other, value) for other, value in top]}


def _scored(token: str, logprob: float) -> dict[str, Any]:
    # JSON knows no infinity; OpenAI writes -9999 for what cannot be. Six digits are what float32 can tell.
    return {
        "token": token,
        "logprob": float(f"{max(logprob, -9999.0):.6g}"),
        "bytes": None if not token or "\ufffd" in token else list(token.encode()),
    }


def completion_body(
    request: ChatRequest,
    model: str,
    text: str,
    finish: str,
    usage: Usage,
    *,
    prompt: Sequence[int] = (),
    reasoning: str | None = None,
    logprobs: list[dict[str, Any]] | None = None,
) -> str:
    """The reply as a chat completion. No time is in it: equal replies are equal bytes.

    ``prompt``: the tokens that the model read; their digest (``prompt_digest``) tells prompts apart that differ in what a chat
    template added, such as a system message of its own where none was given.
    """
    message: dict[str, Any] = {"role": "assistant", "content": text}
    if reasoning is not None:
        message["reasoning"] = reasoning
    choice: dict[str, Any] = {"index": 0, "message": message, "finish_reason": finish}
    if logprobs is not None:
        choice["logprobs"] = {"content": logprobs}
    body = {
        "id": f"chatcmpl-{request.digest}",
        "object": "chat.completion",
        "created": 0,
        "model": model,
        "choices": [choice],
        "usage": {
            "prompt_tokens": usage.prompt,
            "completion_tokens": usage.completion,
            "total_tokens": usage.prompt + usage.completion,
            "prompt_tokens_details": {"cached_tokens": usage.cached},
        },
    }
    if prompt:
        body["prompt_digest"] = digest(list(prompt))
    return json.dumps(body, ensure_ascii=False)
