"""``pcode agreement``: how far coders agree, human with human and human with machine."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..formatting import DASH, counted, interval, level_words, shown
from ..limits import ALPHA_RELIABLE, ALPHA_TENTATIVE
from . import options
from .console import console, escape, put, put_json, table

if TYPE_CHECKING:
    from ..agreement.agreement_report import AgreementReport
    from ..agreement.alpha import Alpha
    from ..agreement.alpha_difference import AlphaDifference
    from ..agreement.comparison import Comparison
    from ..runs.where import Where

WIDE = 104
"""Columns that the table takes with the coefficients beside α."""


@click.command("agreement", cls=options.Command)
@click.argument("runs", nargs=-1, required=True, type=options.PATH)
@options.option(
    "--by",
    "Also print α by code, or within each domain, condition …",
    ["code", "domain", "condition", "model", "item"],
)
@options.option(
    "--replace",
    "May a machine replace a human? Say what the humans are; it sets the cost of theirs (ε .2, .15, .1).",
    ["expert", "skilled", "crowd"],
)
@options.option("--reference", "A coder to measure the others against: precision, recall, F1 by code.")
@options.option(
    "--before",
    "A run of the same coders under an earlier codebook version: what did the new one change? May be repeated.",
    options.PATH,
    multiple=True,
)
@options.flag("--hayes", "Also the Hayes–Krippendorff intervals, which are too narrow.")
@options.coders("Only these coders.")
@options.where()
@options.partial()
@options.resampling("units and of traces", ways=True)
@options.as_json()
@options.json_file()
def command(
    runs: tuple[Path, ...],
    by: str | None,
    where: Where | None,
    before: tuple[Path, ...],
    as_json: bool,
    json_file: Path | None,
    **given: Any,
) -> None:
    """Krippendorff's α over RUNS, with bootstrap intervals over units and over traces.

    Runs are joined by unit: give the humans' run and the machine's to compare them. α is that of the primary code, at
    the codebook's level (nominal, for Schön); --by code adds the presence or absence of every code, --by domain the
    comparisons within each domain. --replace runs the alternative-annotator test (Calderon et al. 2025).
    """
    from ..agreement.agreement_report import agree
    from ..runs.run import opened, restricted

    found, earlier = restricted(runs, where), opened(before)
    picked = found[0].picked
    given["before"] = [run.only(picked) for run in earlier] if picked else earlier
    report = agree(found, by=None if by == "code" else by, **given)
    if not put_json(report.as_json(), as_json, json_file):
        _print(report, codes=by == "code")


def _print(report: AgreementReport, *, codes: bool) -> None:
    """The comparisons, what is to be said of them, and the disagreements; ``codes``: also every code's α."""
    measurement = report.comparisons[0].measurement if report.comparisons else "nominal"
    put(
        f"[bold]Krippendorff's α[/], {measurement}, primary code · {escape(report.codebook)} · "
        f"{counted(report.n_units, 'unit')} of {counted(report.n_traces, 'trace')}"
    )
    over = f"{level_words(report.how.level)} over traces"
    _print_comparisons(report.comparisons, over)
    for line in _notes(report):
        put(escape(line), style="yellow")
    for name, d in report.differences.items():
        if d.value is not None:
            machine, people = shown(d.second), shown(d.first)
            put(escape(f"with {name} people agree {machine}, with each other {people}: {_size(d)}"))
    for group in report.groups:
        name = escape(f"{group.field} {group.value}")
        put(f"\n[bold]{name}[/] · {counted(group.n_units, 'unit')}")
        _print_comparisons(group.comparisons, over)
    if codes:
        for c in report.comparisons:
            _print_codes(c, over)
    _print_accuracy(report)
    _print_before_after(report)
    for replacement in report.replacements:
        put(f"\n[bold]May {escape(replacement.machine)} stand in for a human?[/]")
        put(escape(replacement.verdict()))
    _print_disagreements(report)


def _print_comparisons(comparisons: Sequence[Comparison], over: str) -> None:
    beside = ("agree", "κ", "AC1") if console().width >= WIDE else ()
    heads = ("coders", "", "α", over, "over units", *beside, "units", "values")
    rows = []
    for c in comparisons:
        more = [shown(b.value) for b in c.beside] if beside else []
        counts = (f"{c.result.n}", f"{c.result.n_pairable}")
        rows.append((escape(" – ".join(c.coders)), c.kind, *_cells(c.result), *more, *counts))
    put(table(*heads, rows=rows, left=("coders", "")))


def _cells(result: Alpha) -> tuple[str, str, str]:
    if result.value is None:
        return "[yellow]undefined[/]", DASH, DASH
    alpha = result.value
    style = "green" if alpha >= ALPHA_RELIABLE else "yellow" if alpha >= ALPHA_TENTATIVE else "red"
    units = interval(result.unit_low, result.unit_high)
    return f"[{style}]{shown(alpha)}[/]", interval(result.low, result.high), units


def _print_codes(comparison: Comparison, over: str) -> None:
    rows = []
    for c in comparison.per_code:
        note = c.result.why_undefined or "; ".join(c.result.warnings)
        rows.append((c.code, *_cells(c.result), shown(c.prevalence, "share"), f"[dim]{escape(note)}[/]"))
    heads = ("code", "α", over, "over units", "prevalence", "note")
    put()
    put(table(*heads, rows=rows, left=("code", "note"), title=" – ".join(comparison.coders)))


def _print_accuracy(report: AgreementReport) -> None:
    for name, codes in report.accuracy.items():
        rows = []
        for c in codes:
            cells = [
                cell
                for share in (c.precision, c.recall, c.f1)
                for cell in (shown(share.value), interval(share.low, share.high))
            ]
            rows.append((c.code, *cells, shown(c.prevalence.value), shown(c.bias.value)))
        heads = ("code", "precision", "", "recall", "", "F1", "", "prevalence", "bias")
        put()
        put(table(*heads, rows=rows, left=("code",), title=f"{name} against the reference"))
    for who, found in report.hayes.items():
        put(f"{escape(who)}: Hayes–Krippendorff {interval(found.low, found.high)}")
    for warning in dict.fromkeys(warning for found in report.hayes.values() for warning in found.warnings):
        put(escape(warning), style="yellow")


def _print_before_after(report: AgreementReport) -> None:
    for words, d in (
        ("α before", report.drift),
        ("the earlier codes carried by the migration map: α before", report.drift_carried),
    ):
        if d is not None and d.value is not None:
            put(f"{words} {shown(d.first)}, after {shown(d.second)}: {_size(d)}")
        if d is not None and d.why_undefined:
            put(f"before and after: {escape(d.why_undefined)}", style="yellow")
    if report.not_made_again:
        carried = f"{report.not_made_again} codings were carried to the new version and not made again"
        put(f"{carried}: on them nothing can differ but by the map", style="yellow")


def _size(d: AlphaDifference) -> str:
    between = f" {interval(d.low, d.high)}" if d.interval else ""
    units, traces = counted(d.n, "unit"), counted(d.clusters or 0, "trace")
    return f"difference {shown(d.value)}{between}, {units} of {traces}"


def _notes(report: AgreementReport) -> Iterator[str]:
    yield from report.partial
    if not report.comparisons:
        yield "one coder only: there is nobody to agree with; add another run"
    for c in report.comparisons:
        yield from _undefined(" – ".join(c.coders), c.result)
    yield from dict.fromkeys(warning for c in report.comparisons for warning in c.result.warnings)
    coverage = {name: (c.coverage[name], c.missing[name]) for c in report.comparisons for name in c.coders}
    for name, (share, missing) in coverage.items():
        if share < 1:
            reasons = ", ".join(f"{n} {reason}" for reason, n in missing.items())
            missed = f" (missing: {reasons})" if reasons else ""
            yield f"{name} coded {shown(share, 'percent')} of the units{missed}"


def _undefined(who: str, alpha: Alpha) -> Iterator[str]:
    if alpha.why_undefined:
        yield f"{who}: α is undefined: {alpha.why_undefined}"
    elif max(alpha.unit_undefined_share, alpha.undefined_share) > 0:
        units, traces = (shown(n, "share") for n in (alpha.unit_undefined_share, alpha.undefined_share))
        yield f"{who}: α was undefined in {units} of the resamples of units, {traces} of traces"


def _print_disagreements(report: AgreementReport) -> None:
    from ..agreement.agreement_report import CONFUSED

    if report.confused:
        pairs = ", ".join(f"{' with '.join(c.codes)} ({c.count}×)" for c in report.confused[:CONFUSED])
        put(f"\n[bold]most confused[/]  {escape(pairs)}")
    if report.disagreed:
        put("[bold]most disagreed units[/]")
    for unit in report.disagreed:
        said = ", ".join(f"{coder}: {code}" for coder, code in unit.codes.items())
        text = " ".join(unit.text.split())
        quote = text[:160] + ("…" if len(text) > 160 else "")
        put(f"  {escape(said)}  [dim]{escape(unit.trace_id)}[/]\n    “{escape(quote)}”")
