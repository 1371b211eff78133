"""What is to be asked about thoughts, of which models, and how fast: checked before anything is written.

prepare("traces.jsonl", "thoughts", segmenter="openai:A", judges=["openai:A", "openai:B"],
        base_urls=["http://localhost:8000/v1", "openai:B=http://localhost:8001/v1"])
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from ..asking import ModelName, safe_url
from ..chat import ChatFrame
from ..errors import InputError
from ..intake import read_traces
from ..provenance import digest, file_digest, now, versions
from . import judges as judging
from . import segmenter as segmenting
from .thought_run import RULE_SEGMENTER, Asked, ThoughtRun

SERVER = "openai"
"""The backend of models that run elsewhere."""


class Speed(NamedTuple):
    """How, not what, is asked. ``keys``: name of the environment variable with the key, by model."""

    concurrency: int = 16
    timeout: float = 300.0
    retries: int = 6
    backoff: float = 0.5
    max_tokens_total: int | None = None
    retry_missing: bool = False
    keys: Mapping[str, str] = {}


class Job(NamedTuple):
    """All of a run, before anything is written."""

    source: Path
    out: Path
    run: ThoughtRun
    speed: Speed

    @property
    def every(self) -> bool:
        """Whether thoughts of right responses are judged, too."""
        return bool(self.run.parameters["all"])


def prepare(
    traces: str | Path,
    out: str | Path,
    *,
    segmenter: str | None = None,
    judges: Sequence[str] = (),
    base_urls: Sequence[str] = (),
    api_key_envs: Sequence[str] = (),
    every: bool = False,
    temperature: float | None = 0.0,
    max_output_tokens: int | None = None,
    seed: int = 0,
    backend: Mapping[str, Any] | None = None,
    **speed: Any,
) -> Job:
    """Check everything that can be checked without asking.

    ``segmenter``: ``BACKEND:NAME``, else ``thought@1`` cuts. ``judges``: two different models, or none.
    ``base_urls``, ``api_key_envs``: for all models, or ``MODEL=…`` for one. ``every``: judge thoughts of right responses
    too. ``temperature``: negative for models that take none. ``backend``: options of the backends of models that run in
    this process (``dtype``, ``lora`` …). ``speed``: fields of `Speed`.
    """
    if not segmenter and not judges:
        raise InputError("no model is named", "give --segmenter, or --judge twice, or both")
    if judges and len(set(judges)) != 2:
        raise InputError(
            f"{len(set(judges))} different judges are named",
            "the protocol has two: give --judge twice, with two models",
        )
    models = [name for name in dict.fromkeys([segmenter, *judges]) if name]
    for name in models:
        ModelName.read(name)
    urls = {name: safe_url(url) for name, url in _by_model(base_urls, models, "--base-url").items()}
    source = Path(traces)
    parameters = {
        "all": every,
        "temperature": None if temperature is None or temperature < 0 else temperature,
        "max_output_tokens": max_output_tokens,
        "seed": seed,
    } | ({"backend": dict(backend)} if backend else {})
    cutter = Asked(model=RULE_SEGMENTER)
    if segmenter:
        cutter = Asked(model=segmenter, base_url=_url(urls, segmenter), prompt=segmenting.PROMPT)
    jury = [Asked(model=name, base_url=_url(urls, name), prompt=judging.PROMPT) for name in judges]
    count = sum(1 for _ in read_traces(source))
    run = ThoughtRun(
        fingerprint="",
        status="running",
        started=now(),
        traces={"path": str(source), "digest": file_digest(source), "count": count},
        segmenter=cutter,
        judges=jury,
        parameters=parameters,
        versions=versions(),
    )
    parts = [run.traces["digest"], cutter.model_dump(), [j.model_dump() for j in jury], parameters]
    keys = _by_model(api_key_envs, models, "--api-key-env")
    return Job(
        source, Path(out), run.model_copy(update={"fingerprint": digest(parts)}), Speed(**speed, keys=keys)
    )


def _by_model(given: Sequence[str], models: Sequence[str], option: str) -> dict[str, str]:
    """``["X", "openai:B=Y"]`` → X for every model but B, which has Y."""
    general = [text for text in given if not any(text.startswith(f"{name}=") for name in models)]
    if len(general) > 1:
        raise InputError(
            f"{option} is given {len(general)} times for all models ({', '.join(general)})",
            f"give it once for all, and MODEL=… for one of {', '.join(models)}",
        )
    found = {name: text for text in general for name in models}
    for text in given:
        found |= {name: text.removeprefix(f"{name}=") for name in models if text.startswith(f"{name}=")}
    return found


def _url(urls: Mapping[str, str | None], name: str) -> str | None:
    return urls[name] if name in urls else safe_url(None)


def backend_of(job: Job, model: ModelName) -> Mapping[str, Any]:
    """Options of a model's backend: a server takes none, unless there are only servers, which then say so."""
    given: Mapping[str, Any] = job.run.parameters.get("backend", {})
    models = [job.run.segmenter, *job.run.judges]
    local = any(m.prompt and not m.model.startswith(f"{SERVER}:") for m in models)
    return {} if local and model.backend == SERVER else given


def frame_of(model: str, system: str, schema: Mapping[str, Any], parameters: Mapping[str, Any]) -> ChatFrame:
    """What all requests of one part share."""
    sent = {
        "temperature": parameters["temperature"],
        "seed": parameters["seed"],
        "max_completion_tokens": parameters["max_output_tokens"],
    }
    return ChatFrame(model, system, schema, {k: v for k, v in sent.items() if v is not None})
