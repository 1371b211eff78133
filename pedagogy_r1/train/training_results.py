"""What a training run shows of itself: the loss curve as table and picture, and the model card beside the weights.

loss.csv     step,epoch,loss,held_out_loss,learning_rate,gradient_norm
             1,0.0400,3.214001,,0.000100,1.2031
             25,1.0000,,2.870144,,
README.md    # DeepSeek-R1-Distill-Qwen-1.5B, trained on 1,790 reasoning traces …
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from ..files.records import atomic
from .training_settings import TrainingSettings


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


def lowest(held: Sequence[tuple[int, float]]) -> tuple[int, float]:
    """The measurement of the kept weights: the lowest loss, the earlier of equals."""
    return min(held, key=lambda point: (point[1], point[0]))


def loss_rows(logged: Sequence[dict[str, Any]]) -> Iterator[Sequence[Any]]:
    """``loss.csv``: one row a logged step, one a measurement on the held-out slice; without times, so equal runs are equal."""
    yield "step", "epoch", "loss", "held_out_loss", "learning_rate", "gradient_norm"
    for entry in logged:
        if "loss" in entry or "eval_loss" in entry:
            found = [entry.get(key) for key in ("loss", "eval_loss", "learning_rate", "grad_norm")]
            shown = ["" if value is None else f"{value:.8g}" for value in found]
            yield entry["step"], f"{entry['epoch']:.4f}", *shown


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
        step, low = lowest(held)
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
    what = _HOW[settings.method] + (", merged into the base" if merged else "")
    shown = {k: v for k, v in settings.model_dump(mode="json").items() if v not in (None, [], ())}
    shown["learning_rate"] = settings.rate
    lines = [
        "---",
        f"base_model: {settings.model}",
        f"library_name: {'peft' if adapter else 'transformers'}",
        "pipeline_tag: text-generation",
        *("tags:", "- sft", "- pedagogy_r1", "---", ""),
        f"# {Path(settings.model).name}, trained on {data['used']:,} reasoning traces",
        "",
        f"Supervised fine-tuning of `{settings.model}` with `pcode sft`: {what}.",
        "",
        "The loss was taken on reasoning and answer only. The prompt is the model's own chat template.",
        "",
        *("## Data", "", *_data(data, digests), ""),
        *("## Losses", "", *_losses(logged), ""),
        *("## Settings", "", *_table(shown), ""),
        *("## Versions", "", *_table(versions), ""),
    ]
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


def _losses(logged: Sequence[dict[str, Any]]) -> list[str]:
    train, held = losses(logged)
    lines = []
    if train:
        (first, high), (last, end) = train[0], train[-1]
        lines.append(f"- training: {high:.4f} at step {first}, {end:.4f} at step {last}")
    if held:
        step, low = lowest(held)
        kept = "these weights" if step != held[-1][0] else "these weights, the last"
        best = f"lowest {low:.4f} at step {step} ({kept})"
        lines.append(f"- held out: {held[0][1]:.4f} at step {held[0][0]}, {best}")
    else:
        lines.append("- held out: none, so these are the weights after the last step")
    return [*lines, "", "All of them: `loss.csv`, `loss.png` in the training folder."]


def _table(values: Mapping[str, Any]) -> list[str]:
    return ["| | |", "|---|---|", *(f"| {key} | {value} |" for key, value in values.items())]
