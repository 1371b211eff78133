"""The model card: README.md beside the weights, saying what the student is made of.

---
base_model: deepseek-ai/DeepSeek-R1-Distill-Qwen-1.5B
library_name: peft
---
# DeepSeek-R1-Distill-Qwen-1.5B, trained on 1,790 traces …
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from ..files.records import atomic
from .training_settings import TrainingSettings

COLUMNS = ("step", "epoch", "loss", "held_out_loss", "learning_rate", "gradient_norm")


class Losses(NamedTuple):
    """Mean loss a token, in nats: (step, loss) in training and on the held-out slice."""

    train: list[tuple[int, float]]
    held: list[tuple[int, float]]


def losses(logged: Sequence[dict[str, Any]]) -> Losses:
    """The two curves out of the trainer's log."""
    return Losses(
        [(int(e["step"]), float(e["loss"])) for e in logged if "loss" in e],
        [(int(e["step"]), float(e["eval_loss"])) for e in logged if "eval_loss" in e],
    )


def write_csv(path: Path, logged: Sequence[dict[str, Any]]) -> None:
    """One row a logged step, and one a measurement on the held-out slice; no times, so equal runs make equal files."""
    with atomic(path) as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(COLUMNS)
        for entry in logged:
            if "loss" in entry or "eval_loss" in entry:
                keys = ("loss", "eval_loss", "learning_rate", "grad_norm")
                values = [entry.get(key) for key in keys]
                rows.writerow(
                    [
                        entry["step"],
                        f"{entry['epoch']:.4f}",
                        *("" if v is None else f"{v:.8g}" for v in values),
                    ]
                )


def write_picture(path: Path, logged: Sequence[dict[str, Any]], title: str) -> None:
    """PNG, 1,200 × 750 pixels: training loss as a line, held-out loss as points, the lowest of them marked."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    train, held = losses(logged)
    figure = Figure(figsize=(8, 5), dpi=150, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    if train:
        axes.plot(*zip(*train, strict=True), color="#4477aa", linewidth=1.4, label="training")
    if held:
        axes.plot(
            *zip(*held, strict=True), "o--", color="#cc3311", linewidth=1, markersize=5, label="held out"
        )
        step, low = min(held, key=lambda point: (point[1], point[0]))
        axes.annotate(f"{low:.3f}", (step, low), (0, 8), textcoords="offset points", ha="center", fontsize=9)
    axes.set(xlabel="optimizer step", ylabel="loss a token (nats)", title=title)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(alpha=0.25)
    if train or held:
        axes.legend(frameon=False)
    with atomic(path, "wb") as file:
        figure.savefig(file, format="png", metadata={"Software": None})


_HOW = {"lora": "a LoRA adapter", "qlora": "a LoRA adapter on a 4-bit base (QLoRA)", "full": "all weights"}


def write_card(
    path: Path,
    settings: TrainingSettings,
    *,
    data: Mapping[str, Any],
    digests: Mapping[str, str],
    logged: Sequence[dict[str, Any]],
    versions: Mapping[str, str],
    merged: bool = False,
) -> None:
    """Write the card; ``data`` is `TrainingData.summary`, ``logged`` the trainer's log. No dates: equal runs, equal cards."""
    adapter = settings.method != "full" and not merged
    name = Path(settings.model).name
    front = {
        "base_model": settings.model,
        "library_name": "peft" if adapter else "transformers",
        "pipeline_tag": "text-generation",
    }
    lines = [
        "---",
        *(f"{key}: {value}" for key, value in front.items()),
        "tags:",
        "- sft",
        "- pedagogy_r1",
        "---",
        "",
    ]
    lines += [f"# {name}, trained on {data['used']:,} reasoning traces", ""]
    what = _HOW[settings.method] + (", merged into the base" if merged else "")
    lines += [f"Supervised fine-tuning of `{settings.model}` with `pcode sft`: {what}.", ""]
    lines += [
        "The loss was taken on reasoning and answer only. The prompt is the model's own chat template.",
        "",
    ]
    lines += [
        "## Data",
        "",
        *_data(data, digests),
        "",
        "## Losses",
        "",
        *_losses(settings, logged),
        "",
    ]
    shown = {k: v for k, v in settings.model_dump(mode="json").items() if v not in (None, [], ())}
    shown["learning_rate"] = settings.rate
    lines += ["## Settings", "", *_table(shown), "", "## Versions", "", *_table(versions), ""]
    with atomic(path) as file:
        file.write("\n".join(lines))


def _data(data: Mapping[str, Any], digests: Mapping[str, str]) -> list[str]:
    tokens, groups = data["tokens"], data["groups"]
    domains = ", ".join(f"{name} {count:,}" for name, count in data["domains"].items())
    left = ", ".join(f"{count:,} {reason}" for reason, count in data["left_out"].items()) or "none"
    return [
        f"- traces: {data['traces']:,} read, {data['used']:,} trained on, {data['held_out']:,} held out "
        f"({groups['train']:,} and {groups['held_out']:,} groups, none in both)",
        f"- by domain: {domains}",
        f"- left out: {left}",
        f"- tokens an epoch: {tokens['train']:,}, of them {tokens['with_loss']:,} with loss; longest trace {tokens['longest']:,}",
        *(f"- {name}: `{digest}`" for name, digest in digests.items()),
    ]


def _losses(settings: TrainingSettings, logged: Sequence[dict[str, Any]]) -> list[str]:
    train, held = losses(logged)
    lines = (
        [f"- training: {train[0][1]:.4f} at step {train[0][0]}, {train[-1][1]:.4f} at step {train[-1][0]}"]
        if train
        else []
    )
    if held:
        step, low = min(held, key=lambda point: (point[1], point[0]))
        kept = "these weights" if step != held[-1][0] else "these weights, the last"
        lines.append(
            f"- held out: {held[0][1]:.4f} at step {held[0][0]}, lowest {low:.4f} at step {step} ({kept})"
        )
    else:
        lines.append("- held out: none, so these are the weights after the last step")
    return [*lines, "", "All of them: `loss.csv`, `loss.png` in the training folder."]


def _table(values: Mapping[str, Any]) -> list[str]:
    return ["| | |", "|---|---|", *(f"| {key} | {value} |" for key, value in values.items())]
