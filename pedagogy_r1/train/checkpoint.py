"""Checkpoints of a training run: which is whole, whether training is over, and the final model out of them.

    checkpoints/checkpoint-40/model.safetensors optimizer.pt rng_state.pth trainer_state.json … complete

The trainer writes these files one after another, so a process that is killed leaves some of them; ``complete`` is written
last, by us, and a folder without it is thrown away. Everything that comes after training (final model, loss curve, card) is
made from checkpoints alone: killed there, the same command makes it again.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

_MARK = "complete"
_STATE = "trainer_state.json"
_LOGGED = (
    "step",
    "epoch",
    "loss",
    "eval_loss",
    "learning_rate",
    "grad_norm",
    "mean_token_accuracy",
    "entropy",
)


def mark(folder: Path) -> None:
    """The checkpoint is whole."""
    (folder / _MARK).touch()


def tidy(checkpoints: Path) -> None:
    """Throw away what a killed process left half-written."""
    for folder in checkpoints.glob("checkpoint-*"):
        if not (folder / _MARK).is_file():
            shutil.rmtree(folder)


def latest(checkpoints: Path) -> Path | None:
    """The whole checkpoint with the most steps behind it."""
    whole = [folder for folder in checkpoints.glob("checkpoint-*") if (folder / _MARK).is_file()]
    return max(whole, key=lambda folder: int(folder.name.rsplit("-", 1)[1]), default=None)


def history(checkpoint: Path) -> list[dict[str, Any]]:
    """Every loss logged up to the checkpoint, over all sessions of the run; without times, which differ between equal runs."""
    state = json.loads((checkpoint / _STATE).read_bytes())
    return [{key: entry[key] for key in _LOGGED if key in entry} for entry in state["log_history"]]


def is_over(checkpoint: Path, patience: int | None) -> bool:
    """Whether nothing remains to be trained: all steps made, or patience lost."""
    state = json.loads((checkpoint / _STATE).read_bytes())
    return bool(state["global_step"] >= state["max_steps"]) or out_of_patience(state["log_history"], patience)


def out_of_patience(logged: Sequence[dict[str, Any]], patience: int | None) -> bool:
    """Whether the last ``patience`` held-out losses are none of them below the lowest before."""
    losses = [float(entry["eval_loss"]) for entry in logged if "eval_loss" in entry]
    return patience is not None and bool(losses) and len(losses) - 1 - losses.index(min(losses)) >= patience


def best(checkpoint: Path) -> Path:
    """The checkpoint of the lowest held-out loss (the earlier of equals); without any, ``checkpoint`` itself."""
    measured = [(float(e["eval_loss"]), int(e["step"])) for e in history(checkpoint) if "eval_loss" in e]
    if not measured:
        return checkpoint
    return checkpoint.with_name(f"checkpoint-{min(measured)[1]}")


def publish(checkpoint: Path, folder: Path) -> None:
    """Copy weights and configuration, and nothing of the training, to ``folder``, which must not be there yet."""
    kept = (".safetensors", ".index.json")
    folder.mkdir(parents=True)
    for path in sorted(checkpoint.iterdir()):
        config = path.name in ("config.json", "generation_config.json", "adapter_config.json")
        if path.is_file() and (config or path.name.endswith(kept)):
            shutil.copyfile(path, folder / path.name)
    adapter = folder / "adapter_config.json"
    if adapter.is_file():
        # peft keeps the names of the adapted layers in a set, whose order changes from one process to the next.
        config = json.loads(adapter.read_bytes())
        ordered = {
            k: sorted(v) if isinstance(v, list) and k == "target_modules" else v for k, v in config.items()
        }
        adapter.write_text(json.dumps(ordered, indent=2, sort_keys=True) + "\n", encoding="utf-8")
