"""``pcode agreement``: how far coders agree, human with human and human with machine."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..errors import ArgumentError
from ..formatting import DASH, counted, interval, level_words, shown
from ..limits import MOST_GATHERED
from . import options
from .console import (
    alpha_cells,
    cluster_cells,
    console,
    escape,
    put,
    put_json,
    put_verdicts,
    said_of,
    table,
)

if TYPE_CHECKING:
    from ..agreement import ChosenSpans
    from ..agreement.agreement_report import AgreementReport
    from ..agreement.alpha import Alpha
    from ..agreement.alpha_difference import AlphaDifference
    from ..agreement.code_accuracy import CodeAccuracy
    from ..agreement.comparison import Comparison
    from ..runs.run import CoderRun
    from ..runs.where import Where

WIDE = 120
"""Columns that the table takes with the coefficients beside α."""


@click.command("agreement", cls=options.Command)
@click.argument("runs", nargs=-1, required=True, type=options.PATH)
@options.option(
    "--by",
    "Also print α by code (code), within the units of each coder of a cascade (stage), or within each value of a field of the "
    "traces, as domain or metadata.grade.",
    metavar="code|stage|FIELD",
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
    """Krippendorff's α over RUNS, with intervals over traces and over units.

    Runs are joined by unit: give the humans' run and the machine's to compare them. α is that of the primary code, at
    the codebook's level (nominal, for Schön); --by code adds the presence or absence of every code, --by domain the
    comparisons within each domain. What an α shows is said by the lower limit of its interval over traces. --replace
    runs the alternative-annotator test (Calderon et al. 2025).
    """
    from ..agreement.agreement_report import agree
    from ..runs.run import opened, restricted

    found, earlier = restricted(runs, where), opened(before, locked="looked")
    picked = found[0].picked
    given["before"] = [run.only(picked) for run in earlier] if picked else earlier
    report = _over_shards(found, by, given) or agree(found, by=None if by == "code" else by, **given)
    spans = _chosen_spans(report, found)
    own = {
        " – ".join(names): {"alike": s.alike, "units": s.total, "unitizing_alpha": s.alpha.as_json()}
        for names, s in spans.items()
    }
    if not put_json(report.as_json() | ({"chosen_spans": own} if own else {}), as_json, json_file):
        _print(report, spans, _cut_differently(report, found), codes=by == "code")


def _over_shards(runs: Sequence[CoderRun], by: str | None, given: dict[str, Any]) -> AgreementReport | None:
    """The report of so large runs over a corpus that what they say is added up shard by shard; ``None`` of all others."""
    from ..agreement.corpus_agreement import agree_on
    from ..estimate import Resampling
    from ..runs.corpus_tally import tallied
    from ..runs.gathering import by_shards

    if not by_shards(runs):
        return None
    for name in ("replace", "before"):
        if given[name]:
            raise ArgumentError(
                f"--{name} needs all codings in memory, and the runs have more than {MOST_GATHERED:,}",
                "code part of the corpus into a run of its own, or leave it out",
            )
    how = Resampling(given["replicates"], given["seed"], given["level"], given["interval"])
    asked = {name: given[name] for name in ("coders", "reference", "hayes")}
    folder = " + ".join(str(run.place) for run in runs)
    return agree_on(tallied(runs), folder=folder, by=None if by == "code" else by, how=how, **asked)


def _chosen_spans(report: AgreementReport, runs: Sequence[CoderRun]) -> dict[tuple[str, ...], ChosenSpans]:
    """By comparison whose coders chose their own units: how many of those are compared at all, and α over the whole text."""
    if not any(run.own_units for run in runs):
        return {}
    from ..agreement import chosen_spans
    from ..agreement.comparison import reliability_data

    data, found = reliability_data(runs), {}
    for c in report.comparisons:
        if spans := chosen_spans(runs, c.coders, data.of(c.coders).primary, report.how):
            found[c.coders] = spans
    return found


def _cut_differently(report: AgreementReport, runs: Sequence[CoderRun]) -> list[str]:
    """What to do where coders share no unit because their runs are cut into different ones."""
    schemes = {run.manifest.scheme: run for run in runs}
    if len(schemes) < 2 or all(c.result.n for c in report.comparisons):
        return []
    run = next((run for run in runs if run.own_units), runs[0])
    return [
        f"the runs are cut into different units ({', '.join(schemes)}), and units of different cuts are never compared; "
        f"a machine codes the units of a run with: pcode annotate TRACES -o NEW --units {run.folder}"
    ]


def _print(
    report: AgreementReport,
    spans: Mapping[tuple[str, ...], ChosenSpans],
    more: Sequence[str],
    *,
    codes: bool,
) -> None:
    """The comparisons, what is to be said of them, ``more`` too, and the disagreements; ``codes``: also every code's α."""
    measurement = report.comparisons[0].measurement if report.comparisons else "nominal"
    put(
        f"[bold]Krippendorff's α[/], {measurement}, primary code · {escape(report.codebook)} · "
        f"{counted(report.n_units, 'unit')} of {counted(report.n_traces, 'trace')}"
    )
    over = f"{level_words(report.how.level)} over traces"
    _print_comparisons(report.comparisons, over)
    if not report.comparisons:
        put("one coder only: there is nobody to agree with; add another run", style="yellow")
    told = {c.coders: c.result.warnings for c in report.comparisons}
    for names, one in spans.items():
        put(escape(f"{' – '.join(names)}: {_spans_words(one, told.get(names, ()))}"))
    chose = {name for names in spans for name in names}
    for line in (*report.partial, *_remarks(report.comparisons), *more, *_coverage(report, chose)):
        put(escape(line), style="yellow")
    for line in (*_differences(report), *(one.sentence() for one in report.locked)):
        put(escape(line))
    for group in report.groups:
        put(f"\n[bold]{escape(group.name)}[/] · {counted(group.n_units, 'unit')}")
        _print_comparisons(group.comparisons, over)
        for line in _remarks(group.comparisons):
            put(escape(line), style="yellow")
    if codes:
        for c in report.comparisons:
            _print_codes(c, over)
    _print_accuracy(report, over)
    _print_before_after(report)
    for replacement in report.replacements:
        put(f"\n[bold]May {escape(replacement.machine)} stand in for a human?[/]")
        put(escape(replacement.verdict()))
    _print_disagreements(report)


def _print_comparisons(comparisons: Sequence[Comparison], over: str) -> None:
    beside = [b.name for b in comparisons[0].beside] if comparisons and console().width >= WIDE else []
    heads = ("coders", "", "α", over, "over units", *_heads(beside), "units", "values", "traces", "effective")
    rows = []
    for c in comparisons:
        more = [shown(b.value) for b in c.beside] if beside else []
        counts = (f"{c.result.n}", f"{c.result.n_pairable}", *cluster_cells(c.result))
        rows.append((escape(_who(c)), c.kind, *_cells(c.result), *more, *counts))
    put(table(*heads, rows=rows, left=("coders", "")))
    if beside and (weights := beside[-1].partition(", ")[2]):
        put(f"κ and AC2: {weights}; agree: the same code", style="dim")
    elif comparisons and not beside and comparisons[0].beside:
        also = ", ".join(b.name for b in comparisons[0].beside)
        put(f"a terminal of {WIDE} columns shows also: {escape(also)}", style="dim")
    put_verdicts((_who(c), c.result) for c in comparisons)


def _spans_words(spans: ChosenSpans, told: Collection[str]) -> str:
    """How many of the chosen units α is about, and the α over the whole text; ``told``: what is said of the chosen units' α."""
    from ..estimate.reliability_verdict import verdict

    alpha = spans.alpha
    said = f"α = {shown(alpha.value)} {interval(alpha.low, alpha.high)}: {verdict(alpha).words}"
    if alpha.interval is None:
        why = "; ".join(one for one in alpha.warnings if one not in told) or "no interval either"
        said = (
            f"α = {shown(alpha.value)}; {why}"
            if alpha.value is not None
            else f"α is undefined: {alpha.why_undefined}"
        )
    return (
        f"of {counted(spans.total, 'unit')} that they chose, two chose {spans.alike:,} alike ({shown(spans.share, 'share')}), and only "
        f"those are compared; over the whole text, where units lie and how they are coded, unitizing {said}"
    )


def _heads(beside: Sequence[str]) -> tuple[str, ...]:
    """Of percent agreement, κ (Cohen's of two coders, Fleiss' of more) and AC1, or AC2 with weights."""
    return ("agree", "κ", "AC2" if "AC2" in beside[-1] else "AC1") if beside else ()


def _who(comparison: Comparison) -> str:
    return " – ".join(comparison.coders)


def _cells(result: Alpha) -> tuple[str, str, str]:
    """α in the colour of what its interval shows, and both intervals."""
    units = DASH if result.value is None else interval(result.unit_low, result.unit_high)
    return *alpha_cells(result), units


def _print_codes(comparison: Comparison, over: str) -> None:
    rows = []
    for c in comparison.per_code:
        note = c.result.why_undefined or "; ".join(c.result.warnings)
        share = shown(c.prevalence, "share")
        rows.append((c.code, *_cells(c.result), share, *cluster_cells(c.result), f"[dim]{escape(note)}[/]"))
    heads = ("code", "α", over, "over units", "prevalence", "traces", "effective", "note")
    title = f"{_who(comparison)} · α of the presence of each code, as primary or second one"
    put()
    put(table(*heads, rows=rows, left=("code", "note"), title=title))


def _print_accuracy(report: AgreementReport, over: str) -> None:
    for name, codes in report.accuracy.items():
        of_each = (("precision", over, "effective"), ("recall", over, "effective"), ("F1", over, "effective"))
        heads = ("code", *chain.from_iterable(of_each), "prevalence", "bias")
        put()
        rows = [_accuracy_cells(c) for c in codes]
        put(table(*heads, rows=rows, left=("code",), title=f"{name} against the reference"))
        measures = [(m, getattr(c, m.lower()), c.code) for c in codes for m in ("precision", "recall", "F1")]
        for line in said_of([(why, f"{code} {m}") for m, share, code in measures for why in share.warnings]):
            put(escape(line), style="yellow")
    for who, found in report.hayes.items():
        put(f"{escape(who)}: Hayes–Krippendorff {interval(found.low, found.high)}")
    for warning in dict.fromkeys(warning for found in report.hayes.values() for warning in found.warnings):
        put(escape(warning), style="yellow")


def _accuracy_cells(c: CodeAccuracy) -> tuple[str, ...]:
    shares = (c.precision, c.recall, c.f1)
    cells = [(shown(s.value), interval(s.low, s.high), cluster_cells(s)[1]) for s in shares]
    return (c.code, *chain.from_iterable(cells), shown(c.prevalence.value), shown(c.bias.value))


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
        carried = counted(report.not_made_again, "coding was", "codings were")
        more = "carried to the new version and not made again: on them nothing can differ but by the map"
        put(f"{carried} {more}", style="yellow")


def _differences(report: AgreementReport) -> Iterator[str]:
    """Of each machine: people's agreement with it and with each other, on the same units, or why that cannot be said."""
    for name, d in report.differences.items():
        if d.value is None:
            yield f"with {name} and with each other, on the same units: no difference: {d.why_undefined}"
        else:
            machine, people = shown(d.second), shown(d.first)
            yield f"with {name} people agree {machine}, with each other {people} (means of α over them): {_size(d)}"


def _size(d: AlphaDifference) -> str:
    """The difference, its interval or why there is none, what it rests on, and which pairs."""
    between = f" {interval(d.low, d.high)}" if d.interval else ""
    traces, real = counted(d.clusters or 0, "trace"), cluster_cells(d)[1]
    more = "".join(f"; {words}" for words in (*d.warnings, d.averaged) if words)
    return f"difference {shown(d.value)}{between}, {counted(d.n, 'unit')} of {traces}, {real} effective{more}"


def _remarks(comparisons: Sequence[Comparison]) -> Iterator[str]:
    """Why an α or its interval is not there, and what else is to be known about them."""
    said = []
    for c in comparisons:
        if c.result.why_undefined:
            said.append((f"α is undefined: {c.result.why_undefined}", _who(c)))
        said += [(warning, _who(c)) for warning in c.result.warnings]
        for share, of in ((c.result.unit_undefined_share, "units"), (c.result.undefined_share, "traces")):
            if share > 0:
                lost = shown(share, "share") if share >= 0.001 else "under 0.1 %"
                said.append((f"{lost} of the resamples of {of} could not be used and are left out", _who(c)))
    yield from said_of(said)


def _coverage(report: AgreementReport, chose: Collection[str]) -> Iterator[str]:
    """How many of the units that a coder was asked about are coded, why others are not, and how many were not asked; of those who
    ``chose`` their units, only what is missing."""
    from ..runs.run import NOT_ASKED

    units = report.n_units
    for name, reasons in {n: c.missing[n] for c in report.comparisons for n in c.coders}.items():
        asked = units - reasons.get(NOT_ASKED, 0)
        missing = {why: n for why, n in reasons.items() if why != NOT_ASKED}
        coded = asked - sum(missing.values())
        if coded < (asked if name in chose else units):
            why = (
                f" (missing: {', '.join(f'{n:,} × {why}' for why, n in missing.items())})" if missing else ""
            )
            rest = f"; {units - asked:,} not asked" if asked < units else ""
            own = f"that {name} chose{why}" if name in chose else f"asked about{why}{rest}"
            yield f"{name} coded {coded:,} of {counted(asked, 'unit')} {own}"


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
