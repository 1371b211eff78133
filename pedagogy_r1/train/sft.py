"""Supervised fine-tuning: traces in, a student out. TRL's `SFTTrainer` does the work; this says what it is given.

    train("kept.jsonl", "student", model="deepseek-ai/DeepSeek-R1-Distill-Qwen-1.5B", method="lora", merge=True)

    student/settings.json   what was asked for, digests, versions, and whether it is done
    student/data.json       how many traces were used, held out, left out and why
    student/adapter/        the weights and their card (``model/`` where all weights were trained)
    student/merged/         with ``merge``: adapter and base as one model
    student/loss.csv, loss.png
    student/timings.json    seconds, tokens and memory; the only file that differs between equal runs
    student/checkpoints/    while it runs

Killed at any moment, the same call goes on from the last checkpoint and ends with the same files.
"""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer

from .. import provenance
from ..errors import InputError, RunError
from ..files.records import write_csv, write_json
from ..files.written import record_files, write_folder
from ..intake import traces_digest
from ..job import JobFolder, JobRecord, locked, read_record, save_record
from ..plugins import need
from .student_model import copy_tokenizer, load_tokenizer
from .student_model import merge as merge_adapter
from .trainer import best, build, history, is_over, latest, longest, publish, tidy
from .training_data import TrainingData, load
from .training_results import loss_rows, losses, write_card, write_picture
from .training_settings import TrainingSettings, settings_of

Progress = Callable[[int, int], None]
"""Called with (steps done, steps in all)."""

_PACKAGES = ("torch", "transformers", "trl", "peft", "accelerate", "datasets")


@dataclass(frozen=True)
class TrainedStudent:
    """What came out. ``model``: the folder to evaluate (merged, else all weights, else the adapter). Losses in nats a token."""

    folder: Path
    model: Path
    method: str
    steps: int
    data: dict[str, Any]
    first_loss: float | None
    last_loss: float | None
    held_out_loss: float | None
    resumed: bool
    """Whether an earlier session was continued, or found to be done."""


def train(
    traces: str | Path,
    out: str | Path,
    *,
    merge: bool = False,
    keep_checkpoints: bool = False,
    progress: Progress | None = None,
    **settings: Any,
) -> TrainedStudent:
    """Train ``model`` on ``traces`` and write everything under ``out``; the same call resumes or finds it done.

    ``settings``: the fields of `TrainingSettings`. ``merge`` may be asked for later, of a run that is done.

    Raises `InputError` for traces nothing can be learnt from, unknown models and missing packages or devices; `RunError` where
    ``out`` holds a run with other settings or other traces, or is in use.
    """
    asked, out, source = settings_of(**settings), Path(out), Path(traces)
    need(*_PACKAGES)
    _need_device(asked)
    record = _record(asked, source)
    # Under `accelerate launch` every process comes here; the first one alone writes.
    if os.environ.get("RANK", "0") != "0":
        if not _is_complete(out):
            _fit(asked, source, out, progress, main=False)
        return TrainedStudent(out, out, asked.method, 0, {}, None, None, None, False)
    _replace_failed(out, record)
    with JobFolder(out, record, holds="training run", name="settings.json") as job:
        tidy(out / "checkpoints")
        done = job.previous is not None and job.previous.status == "complete"
        if changed := job.damaged():
            raise RunError(
                f"{out / changed[0]} is not what it was when the training was complete",
                f"restore it from a copy; or delete {out}, and the same command trains again",
            )
        resumed = done or latest(out / "checkpoints") is not None
        if not done:
            job.save()
            _fit(asked, source, out, progress, main=True)
            _write_results(asked, out, record)
        merging = merge and asked.method != "full" and not (out / "merged" / "README.md").is_file()
        if merging:
            merge_adapter(out / "adapter", out / "merged", base=asked.base)
            _write_card(asked, out, record, out / "merged", merged=True)
        if not keep_checkpoints:
            shutil.rmtree(out / "checkpoints", ignore_errors=True)
        if merging or not done:
            job.finish("complete", may_change=["timings.json"])
    return _trained(asked, out, resumed)


def _need_device(asked: TrainingSettings) -> None:
    import torch

    cuda = torch.cuda.is_available()
    if asked.method == "qlora":
        if not cuda:
            raise InputError("QLoRA needs a CUDA device, and there is none", "use --method lora")
        need("bitsandbytes", hint="pip install bitsandbytes, or use --method lora")
    if asked.device == "cuda" and not cuda:
        raise InputError("there is no CUDA device", "use --device auto")


class TrainingRecord(JobRecord):
    """``settings.json``: a job's record without its times, so that equal runs write equal files."""

    started: str = ""
    asked: dict[str, Any] = Field(validation_alias="settings")
    digests: dict[str, str]
    devices: int

    def settings(self) -> Mapping[str, Any]:
        """What the student was trained with."""
        return {**self.asked, "devices": self.devices}

    def sources(self) -> Mapping[str, Any]:
        """Of nameless sources: what counts is their content."""
        return {"traces_digest": self.digests["traces"], "weights_digest": self.digests["base"]}

    @model_serializer(mode="wrap")
    def _without_times(self, plain: SerializerFunctionWrapHandler) -> dict[str, Any]:
        value = plain(self)
        kept = {k: v for k, v in value.items() if k not in ("started", "finished", "seconds", "asked")}
        return {"settings": value["asked"], **kept}


def _record(asked: TrainingSettings, traces: Path) -> TrainingRecord:
    """What determines the result. A folder's weights count by their content up to 2 GiB, by their sizes above."""
    what: dict[str, Any] = {
        "settings": asked.model_dump(mode="json") | {"model": asked.base},
        "digests": {"traces": traces_digest(traces), "base": _base_digest(asked.model)},
        "devices": int(os.environ.get("WORLD_SIZE", "1")),
    }
    versions = [provenance.versions() | {name: version(name) for name in _PACKAGES}]
    return TrainingRecord(fingerprint=provenance.digest(what), versions=versions, **what)


def _base_digest(model: str) -> str:
    folder = Path(model)
    if not folder.is_dir():
        return model
    kinds = (".safetensors", ".json", ".jinja", ".bin")
    files = sorted(p for p in folder.iterdir() if p.suffix in kinds and p.name[0] != ".")
    if not any(p.name == "config.json" for p in files):
        raise InputError(f"{folder}: no model (no config.json)", "give a folder in Hugging Face format")
    whole = sum(p.stat().st_size for p in files) < 2**31
    digests = {
        p.name: provenance.file_digest(p) if whole or p.suffix == ".json" else p.stat().st_size for p in files
    }
    return provenance.digest(digests)


def _replace_failed(out: Path, record: TrainingRecord) -> None:
    """Another run that failed before its first checkpoint has learnt nothing: it makes room."""
    path = out / "settings.json"
    if path.is_file() and latest(out / "checkpoints") is None:
        with locked(out):
            there = read_record(path, TrainingRecord, no_file=RunError(f"{path} is missing"))
            if there.status != "complete":
                save_record(path, record)


def _is_complete(out: Path) -> bool:
    path = out / "settings.json"
    return path.is_file() and json.loads(path.read_bytes())["status"] == "complete"


def _fit(asked: TrainingSettings, traces: Path, out: Path, progress: Progress | None, main: bool) -> None:
    """Train to the end, from the last checkpoint on if there is one."""
    checkpoints = out / "checkpoints"
    last = latest(checkpoints)
    if last is not None and is_over(last, asked.patience):
        return
    tokenizer = load_tokenizer(asked.base)
    how: dict[str, Any] = {"domains": asked.domains, "held_out": asked.held_out, "seed": asked.seed}
    data = load(traces, tokenizer, max_length=longest(asked), **how)
    if main:
        write_json(out / "data.json", data.summary())
    trainer = build(asked, data, tokenizer, checkpoints, progress)
    began = time.monotonic()
    trainer.train(resume_from_checkpoint=str(last) if last else None)
    if main:
        write_json(out / "timings.json", _timings(trainer, data, time.monotonic() - began))


def _timings(trainer: Any, data: TrainingData, seconds: float) -> dict[str, Any]:
    """Of this session only: what came before a kill is not counted."""
    import torch

    found: dict[str, Any] = {"seconds": round(seconds, 3), "steps": trainer.state.global_step}
    found["tokens_an_epoch"] = data.summary()["tokens"]["train"]
    if torch.cuda.is_available():
        found["peak_memory_bytes"] = torch.cuda.max_memory_allocated()
        found["device"] = torch.cuda.get_device_name()
    return found


def _write_results(asked: TrainingSettings, out: Path, record: TrainingRecord) -> None:
    """Everything that follows from the checkpoints; each piece is whole or absent, so a kill between two costs nothing."""
    last = latest(out / "checkpoints")
    assert last is not None, "the trainer saves at its last step"
    logged, target = history(last), out / ("model" if asked.method == "full" else "adapter")
    write_json(out / "log.json", logged)
    write_csv(out / "loss.csv", loss_rows(logged))
    write_picture(out / "loss.png", logged, Path(asked.model).name)

    def write(half: Path) -> None:
        publish(best(last), half)
        copy_tokenizer(asked.base, half)

    write_folder(target, write)
    _write_card(asked, out, record, target)


def _write_card(
    asked: TrainingSettings, out: Path, record: TrainingRecord, folder: Path, *, merged: bool = False
) -> None:
    data, logged = (json.loads((out / name).read_bytes()) for name in ("data.json", "log.json"))
    versions, digests = record.versions[0], record.digests
    path = folder / "README.md"
    write_card(path, asked, data=data, digests=digests, logged=logged, versions=versions, merged=merged)
    record_files(folder, [path.name])


def _trained(asked: TrainingSettings, out: Path, resumed: bool) -> TrainedStudent:
    logged = json.loads((out / "log.json").read_bytes())
    curve = losses(logged)
    return TrainedStudent(
        out,
        next(out / name for name in ("merged", "model", "adapter") if (out / name).is_dir()),
        asked.method,
        max((int(entry["step"]) for entry in logged), default=0),
        json.loads((out / "data.json").read_bytes()),
        curve.train[0][1] if curve.train else None,
        curve.train[-1][1] if curve.train else None,
        min((loss for _, loss in curve.held), default=None),
        resumed,
    )
