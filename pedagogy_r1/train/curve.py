"""The loss curve of a training run, as a table and as a picture.

step,epoch,loss,held_out_loss,learning_rate,gradient_norm
1,0.0400,3.214001,,0.000100,1.2031
25,1.0000,,2.870144,,
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from ..files.records import atomic

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
