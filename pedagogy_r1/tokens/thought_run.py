"""A run of language models over thoughts: what is asked of which models, checked before anything is written, and its record.

prepare("traces.jsonl", "thoughts", segmenter="openai:A", judges=["openai:A", "openai:B"],
        base_urls=["http://localhost:8000/v1", "openai:B=http://localhost:8001/v1"])

DIR/thoughts.jsonl             what ``pcode tokens --thoughts`` reads (`Thought`); written when all is asked
DIR/run.json                   models, prompts, parameters, counts, tokens spent (`ThoughtRun`)
DIR/segmenter/ledger.jsonl     every request and raw reply of the segmenter
DIR/judge-1/, DIR/judge-2/     and of each judge
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from ..asking import BaseUrl, ModelName, Sending, check_backend, check_batch, in_flight, safe_url
from ..chat import ChatFrame
from ..errors import ArgumentError, RunError
from ..intake.traces import no_trace, traces_of
from ..job import JobRecord, read_record
from ..provenance import digest, file_digest, now
from . import judges as judging
from . import segmenter as segmenting
from .response_thoughts import TWO_JUDGES

THOUGHTS = "thoughts.jsonl"
RULE_SEGMENTER = "thought@1"
SERVER = "openai"
"""The backend of models that run elsewhere."""


class AskedModel(BaseModel):
    """One model in its part. ``prompt``: version and digest; ``model``: ``BACKEND:NAME``, or ``thought@1``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str
    base_url: BaseUrl | None = None
    prompt: str | None = None

    def __str__(self) -> str:
        return f"{self.model} (prompt {self.prompt[:16]})" if self.prompt else self.model


class ThoughtRun(JobRecord):
    """``run.json``. ``fingerprint``: digest of what determines the thoughts; ``digest``: of ``thoughts.jsonl``, once written."""

    kind: Literal["thoughts"] = "thoughts"
    traces: dict[str, Any]
    segmenter: AskedModel
    judges: list[AskedModel]
    parameters: dict[str, Any] = Field(default_factory=dict)
    counts: dict[str, Any] = Field(default_factory=dict)
    usage: dict[str, Any] = Field(default_factory=dict)
    """Requests, tokens and faults, by part."""
    digest: str | None = None

    @property
    def missing(self) -> int:
        """Traces without thoughts and thoughts without a judgement that were asked for and not had."""
        return sum(self.counts.get("missing", {}).values())

    def settings(self) -> dict[str, Any]:
        """Models, their servers, and parameters."""
        models = {"segmenter": str(self.segmenter), "judges": " and ".join(map(str, self.judges)) or "none"}
        urls = {f"base URL of {a.model}": str(a.base_url) for a in (self.segmenter, *self.judges)}
        return models | urls | self.parameters

    def sources(self) -> dict[str, Any]:
        """The traces."""
        return {"traces": self.traces.get("path"), "traces_digest": self.traces.get("digest")}


class ThoughtJob(NamedTuple):
    """All of a run, before anything is written. ``keys``: name of the environment variable with the key, by model."""

    source: Path
    out: Path
    run: ThoughtRun
    sending: Sending
    keys: Mapping[str, str]

    @property
    def every(self) -> bool:
        """Whether thoughts of right responses are judged, too."""
        return bool(self.run.parameters["all"])

    def backend_of(self, model: ModelName) -> Mapping[str, Any]:
        """Options of a model's backend: a server takes none, unless there are only servers, which then say so."""
        given: Mapping[str, Any] = self.run.parameters.get("backend", {})
        models = [self.run.segmenter, *self.run.judges]
        local = any(m.prompt and not m.model.startswith(f"{SERVER}:") for m in models)
        return {} if local and model.backend == SERVER else given

    def frame_of(self, model: str, system: str, schema: Mapping[str, Any]) -> ChatFrame:
        """What all requests of one part share."""
        parameters = self.run.parameters
        sent = {
            "temperature": parameters["temperature"],
            "seed": parameters["seed"],
            "max_completion_tokens": parameters["max_output_tokens"],
        }
        return ChatFrame(model, system, schema, {k: v for k, v in sent.items() if v is not None})


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
    **sending: Any,
) -> ThoughtJob:
    """Check everything that can be checked without asking.

    ``segmenter``: ``BACKEND:NAME``, else ``thought@1`` cuts. ``judges``: two different models, or none.
    ``base_urls``, ``api_key_envs``: for all models, or ``MODEL=…`` for one. ``every``: judge thoughts of right responses
    too. ``temperature``: negative for models that take none. ``backend``: options of the backends of models that run in
    this process (``dtype``, ``lora`` …). ``sending``: fields of `asking.Sending`.
    """
    models = _models(segmenter, judges)
    urls = {name: safe_url(own) for name, own in _by_model(base_urls, models).items()}
    source = Path(traces)
    parameters = {
        "all": every,
        "temperature": None if temperature is None or temperature < 0 else temperature,
        "max_output_tokens": max_output_tokens,
        "seed": seed,
    } | ({"backend": dict(backend)} if backend else {})

    def asked(name: str, prompt: str) -> AskedModel:
        return AskedModel(model=name, base_url=urls[name] if name in urls else safe_url(None), prompt=prompt)

    cutter = asked(segmenter, segmenting.PROMPT) if segmenter else AskedModel(model=RULE_SEGMENTER)
    jury = [asked(name, judging.PROMPT) for name in judges]
    given = traces_of(source)
    if not given.total:
        raise no_trace(source)
    run = ThoughtRun(
        fingerprint=digest([given.digest, cutter.model_dump(), [j.model_dump() for j in jury], parameters]),
        started=now(),
        traces={"path": str(source), "digest": given.digest, "count": given.total},
        segmenter=cutter,
        judges=jury,
        parameters=parameters,
    )
    keys = {name: _one_key(own, models) for name, own in _by_model(api_key_envs, models).items()}
    batch = bool(sending.get("batch"))
    how = sending | {"concurrency": in_flight(sending.get("concurrency"), batch), "batch": batch}
    job = ThoughtJob(source, Path(out), run, Sending(**how), keys)
    for named in map(ModelName.read, models):
        check_batch(named, batch)
        check_backend(named, job.backend_of(named))
    return job


def _models(segmenter: str | None, judges: Sequence[str]) -> list[str]:
    """The models named, each once. Raises `ValueError` for none, or for another number of judges than two."""
    if not segmenter and not judges:
        raise ArgumentError("no model is named", "give --segmenter, or --judge twice, or both")
    if judges and len(set(judges)) != 2:
        raise ArgumentError(
            f"{len(set(judges))} different judges are named",
            "the protocol has two: give --judge twice, with two models",
        )
    models = [name for name in dict.fromkeys([segmenter, *judges]) if name]
    for name in models:
        ModelName.read(name)
    return models


def _by_model(given: Sequence[str], models: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """``["X", "openai:B=Y"]`` → X for every model but B, which has Y."""
    general = [text for text in given if not any(text.startswith(f"{name}=") for name in models)]
    found = {}
    for name in models:
        own = [text.removeprefix(f"{name}=") for text in given if text.startswith(f"{name}=")]
        if chosen := tuple(dict.fromkeys(own or general)):
            found[name] = chosen
    return found


def _one_key(variables: tuple[str, ...], models: Sequence[str]) -> str:
    if len(variables) > 1:
        raise ArgumentError(
            f"--api-key-env is given {len(variables)} times for one model ({', '.join(variables)})",
            f"give it once for all, and MODEL=… for one of {', '.join(models)}",
        )
    return variables[0]


def described(path: Path) -> tuple[str, str] | None:
    """(segmenter, judge) of a file of thoughts, as a report names them; ``None`` unless its own run says who made it.

    The digest must be the one recorded: a file changed by hand is nobody's.
    """
    record = path.parent / "run.json"
    if path.name != THOUGHTS or not record.is_file():
        return None
    try:
        run = read_record(record, ThoughtRun, no_file=RunError(f"{record} is missing"))
    except RunError:  # of another kind of job, or changed by hand
        return None
    if run.digest != file_digest(path):
        return None
    judges = f"{TWO_JUDGES}: " + " and ".join(map(str, run.judges)) if run.judges else ""
    return str(run.segmenter), judges
