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
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .. import provenance
from ..errors import InputError, RunError
from ..files.lock import locked
from ..files.records import atomic
from .student_model import copy_tokenizer, load_tokenizer, need
from .student_model import merge as merge_adapter
from .trainer import best, build, history, is_over, latest, longest, publish, tidy
from .training_data import TrainingData, load
from .training_results import losses, write_card, write_csv, write_picture
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
    asked, out = settings_of(**settings), Path(out)
    need(*_PACKAGES)
    _need_device(asked)
    main = os.environ.get("RANK", "0") == "0"
    # Under `accelerate launch` every process comes here; the first one alone writes.
    with locked(out) if main else nullcontext():
        plan = _plan(asked, Path(traces))
        resumed = _open(out, plan) if main else False
        if not (out / "settings.json").is_file() or _status(out) != "complete":
            _fit(asked, Path(traces), out, progress, main)
        if main:
            _finish(asked, out, plan, merge=merge, keep=keep_checkpoints)
            return _trained(asked, out, resumed)
    return _trained_elsewhere(asked, out)


def _need_device(asked: TrainingSettings) -> None:
    import torch

    if asked.method == "qlora" and not torch.cuda.is_available():
        raise InputError("QLoRA needs a CUDA device, and there is none", "use --method lora")
    if asked.method == "qlora":
        need("bitsandbytes", hint="pip install bitsandbytes, or use --method lora")
    if asked.device == "cuda" and not torch.cuda.is_available():
        raise InputError("there is no CUDA device", "use --device auto")


def _plan(asked: TrainingSettings, traces: Path) -> dict[str, Any]:
    """What determines the result. A folder's weights count by their content up to 2 GiB, by their sizes above."""
    if not traces.is_file():
        raise InputError(
            f"{traces}: {'is a directory' if traces.is_dir() else 'no such file'}", "check the path"
        )
    digests = {"traces": provenance.file_digest(traces), "base": _base_digest(asked.model)}
    devices = int(os.environ.get("WORLD_SIZE", "1"))
    what = {
        "settings": asked.model_dump(mode="json") | {"model": asked.base},
        "digests": digests,
        "devices": devices,
    }
    versions = provenance.versions() | _versions()
    return {"fingerprint": provenance.digest(what), **what, "versions": versions}


def _versions() -> dict[str, str]:
    from importlib.metadata import version

    return {name: version(name) for name in _PACKAGES}


def _base_digest(model: str) -> str:
    folder = Path(model)
    if not folder.is_dir():
        return model
    files = sorted(p for p in folder.iterdir() if p.suffix in (".safetensors", ".json", ".jinja", ".bin"))
    if not any(p.name == "config.json" for p in files):
        raise InputError(f"{folder}: no model (no config.json)", "give a folder in Hugging Face format")
    whole = sum(p.stat().st_size for p in files) < 2**31
    return provenance.digest(
        {
            p.name: provenance.file_digest(p) if whole or p.suffix == ".json" else p.stat().st_size
            for p in files
        }
    )


def _open(out: Path, plan: dict[str, Any]) -> bool:
    """Take up the run in ``out``, or begin one; whether there was a checkpoint, or a finished run, to take up."""
    path = out / "settings.json"
    if not path.is_file():
        strangers = sorted(p.name for p in out.iterdir() if p.name != ".lock")
        if strangers:
            raise RunError(
                f"{out} is not empty and holds no training run ({strangers[0]} …)", "choose another -o"
            )
        _save(path, {**plan, "status": "running"})
        return False
    try:
        there = json.loads(path.read_bytes())
        same = there["fingerprint"] == plan["fingerprint"]
    except (ValueError, KeyError, TypeError):
        raise RunError(f"{path} is damaged", "delete the folder and train again") from None
    if not same and there.get("status") == "running" and latest(out / "checkpoints") is None:
        _save(path, {**plan, "status": "running"})  # it failed before it learnt anything: nothing is lost
        same = True
    if not same:
        raise RunError(
            f"{out} holds another run: {_difference(there, plan)}", "choose another -o, or delete the folder"
        )
    tidy(out / "checkpoints")
    return _status(out) == "complete" or latest(out / "checkpoints") is not None


def _difference(there: dict[str, Any], now: dict[str, Any]) -> str:
    flat = [{**plan.get("settings", {}), "devices": plan.get("devices")} for plan in (there, now)]
    changed = [
        f"{key}: {flat[0].get(key)!r} there, {flat[1][key]!r} now"
        for key in flat[1]
        if flat[0].get(key) != flat[1][key]
    ]
    for name, digest in now["digests"].items():
        if not changed and there.get("digests", {}).get(name) != digest:
            changed.append(
                {"traces": "the traces have changed since", "base": "the model has changed since"}[name]
            )
    return "; ".join(changed[:3]) or "made with other inputs"


def _status(out: Path) -> str:
    return str(json.loads((out / "settings.json").read_bytes())["status"])


def _fit(asked: TrainingSettings, traces: Path, out: Path, progress: Progress | None, main: bool) -> None:
    """Train to the end, from the last checkpoint on if there is one."""
    checkpoints = out / "checkpoints"
    last = latest(checkpoints)
    if last is not None and is_over(last, asked.patience):
        return
    tokenizer = load_tokenizer(asked.base)
    data = load(
        traces,
        tokenizer,
        domains=asked.domains,
        max_length=longest(asked),
        held_out=asked.held_out,
        seed=asked.seed,
    )
    if main:
        _save(out / "data.json", data.summary())
    trainer = build(asked, data, tokenizer, checkpoints, progress)
    began = time.monotonic()
    trainer.train(resume_from_checkpoint=str(last) if last else None)
    if main:
        _save(out / "timings.json", _timings(trainer, data, time.monotonic() - began))


def _timings(trainer: Any, data: TrainingData, seconds: float) -> dict[str, Any]:
    """Of this session only: what came before a kill is not counted."""
    import torch

    found: dict[str, Any] = {"seconds": round(seconds, 3), "steps": trainer.state.global_step}
    found["tokens_an_epoch"] = data.summary()["tokens"]["train"]
    if torch.cuda.is_available():
        found["peak_memory_bytes"] = torch.cuda.max_memory_allocated()
        found["device"] = torch.cuda.get_device_name()
    return found


def _finish(asked: TrainingSettings, out: Path, plan: dict[str, Any], *, merge: bool, keep: bool) -> None:
    """Everything that follows from the checkpoints; each piece is whole or absent, so a kill between two costs nothing."""
    target = out / ("model" if asked.method == "full" else "adapter")
    if _status(out) != "complete":
        last = latest(out / "checkpoints")
        assert last is not None, "the trainer saves at its last step"
        _save(out / "log.json", history(last))
        write_csv(out / "loss.csv", history(last))
        write_picture(out / "loss.png", history(last), Path(asked.model).name)
        _whole(target, lambda half: _publish(asked, best(last), half))
        _card(asked, out, plan, target)
        _save(out / "settings.json", {**plan, "status": "complete"})
    if merge and asked.method != "full" and not (out / "merged" / "README.md").is_file():
        merge_adapter(target, out / "merged", base=asked.base)
        _card(asked, out, plan, out / "merged", merged=True)
    if not keep:
        shutil.rmtree(out / "checkpoints", ignore_errors=True)


def _publish(asked: TrainingSettings, best: Path, folder: Path) -> None:
    publish(best, folder)
    copy_tokenizer(asked.base, folder)


def _whole(folder: Path, write: Callable[[Path], None]) -> None:
    half = folder.with_name(f".{folder.name}.half")
    shutil.rmtree(half, ignore_errors=True)
    shutil.rmtree(folder, ignore_errors=True)
    write(half)
    half.rename(folder)


def _card(
    asked: TrainingSettings, out: Path, plan: dict[str, Any], folder: Path, *, merged: bool = False
) -> None:
    write_card(
        folder / "README.md",
        asked,
        data=json.loads((out / "data.json").read_bytes()),
        digests=plan["digests"],
        logged=json.loads((out / "log.json").read_bytes()),
        versions=plan["versions"],
        merged=merged,
    )


def _save(path: Path, value: Any) -> None:
    with atomic(path) as file:
        file.write(json.dumps(value, indent=1, ensure_ascii=False) + "\n")


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


def _trained_elsewhere(asked: TrainingSettings, out: Path) -> TrainedStudent:
    """In the processes that write nothing."""
    return TrainedStudent(out, out, asked.method, 0, {}, None, None, None, False)
