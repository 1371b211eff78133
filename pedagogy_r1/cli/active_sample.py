"""The part of ``pcode sample`` that draws by a machine's confidences: its options, its plan, and what it prints."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import PedagogyError
from ..formatting import counted
from . import options
from .console import escape, notice, put, put_json, table

if TYPE_CHECKING:
    from ..sampling.active import Active
    from ..sampling.active_plan import ActivePlan
    from ..sampling.draw_sample import DrawnSample

active_options = options.together(
    options.option(
        "--active",
        "Machine run with confidences: draw where people's codes correct most of it, with recorded probabilities.",
        options.PATH,
        metavar="RUN",
    ),
    options.names(
        "--target",
        "--active: codes whose corrected shares shall be precise. [default: all]",
        metavar="CODE,…",
    ),
    options.option(
        "--contrast",
        "--active: their difference between these instead, as condition:cop:generic.",
        multiple=True,
        callback=options.one,
        metavar="COLUMN:A:B",
    ),
    options.option(
        "--floor",
        "--active: least probability of anything, as a share of the equal one. [default: .25]",
        options.NUMBER,
    ),
)


def active_of(given: dict[str, Any]) -> Active | None:
    """What the options ask for; None where nothing is drawn by confidences."""
    from ..sampling.active import FLOOR, Active, ActiveContrast

    run, codes, contrast, floor = (given[name] for name in ("active", "target", "contrast", "floor"))
    if run is None:
        for name in ("target", "contrast", "floor"):
            if given[name] not in (None, ()):
                raise PedagogyError(f"--{name} belongs to --active", "give the machine's run: --active RUN")
        return None
    compared = None if contrast is None else ActiveContrast.parse(contrast)
    return Active(run, codes, compared, FLOOR if floor is None else floor)


def plan_active(traces: Path | None, out: Path | None, as_json: bool, given: dict[str, Any]) -> None:
    """Print what the sample would save. Without TRACES the run's own are drawn from, and its units."""
    from ..sampling.active_plan import active_plan

    if out is not None:
        raise PedagogyError(
            "the plan of an active sample is printed, not written", "drop -o; --json prints it for programs"
        )
    sample = _undrawn(traces, given)
    plan = active_plan(sample)
    if not put_json(plan.as_json(), as_json):
        _print(plan)


def _undrawn(traces: Path | None, given: dict[str, Any]) -> DrawnSample:
    from ..runs.run import CoderRun
    from ..sampling.assignment import Design
    from ..sampling.draw_sample import draw_sample

    active = active_of(given)
    assert active is not None
    if traces is None:
        traces = CoderRun(active.run).file("traces.jsonl")
        given = given | ({} if given["scheme"] or given["units"] else {"units": active.run})
    names = ("what", "fraction", "n", "by", "seed")
    design = Design(coders=given["coders"] or ("A",), active=active, **{name: given[name] for name in names})
    sources = {name: given[name] for name in ("codebook", "scheme", "lang", "units")}
    return draw_sample(traces, design, **sources)


def print_saved(sample: DrawnSample) -> None:
    """Below what was drawn."""
    from ..sampling.active_plan import active_plan

    _print(active_plan(sample))


def _print(plan: ActivePlan) -> None:
    many = f"{plan.units:,.0f} units"
    rows = [
        (
            escape(row.code),
            f"{100 * row.share:.1f}",
            f"{100 * row.equal:.2f}",
            f"{100 * row.active:.2f}",
            *(() if plan.contrast else (f"{row.equal_size or 0:,.0f}", f"{row.active_size or 0:,.0f}")),
            f"{row.times:.2f}",
            f"{row.needed:,}",
        )
        for row in plan.rows
    ]
    figure = f"difference, {plan.contrast}" if plan.contrast else "share %"
    sizes = () if plan.contrast else ("size, equal", "size, active")
    put(
        table(
            "code", escape(figure), "error, equal", "error, active", *sizes, "times", "units, equal",
            rows=rows, title=f"expected of the corrected figures, {many} coded, by what the run believes; size: effective sample, units: of an equal sample as precise",
        )
    )  # fmt: skip
    for text in _remarks(plan):
        notice(text)


def _remarks(plan: ActivePlan) -> Iterator[str]:
    yield (
        f"for anything else these {plan.units:,.0f} units count as {plan.kish:,.0f} drawn with equal probabilities, "
        "and only with their weights: every figure needs --inclusion PACKET/key/sample.csv"
    )
    if plan.left_open:
        yield (
            f"the run left {counted(plan.left_open, 'unit')} open: no correction can use "
            f"{'it' if plan.left_open == 1 else 'them'}, and nothing is drawn for {'its' if plan.left_open == 1 else 'their'} sake"
        )
    if poor := [row.code for row in plan.rows if row.times < 1]:
        yield f"less precise than with equal probabilities: {', '.join(poor)}; ask for fewer codes with --target, or draw equally"
