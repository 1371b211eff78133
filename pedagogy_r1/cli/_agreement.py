"""How an agreement report looks on a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from .console import console

if TYPE_CHECKING:
    from rich.console import Console

    from ..agreement import AgreementReport, Alpha, Comparison, Difference, Share

WIDE = 104
"""Columns that the table takes with the coefficients beside α."""


def print_report(report: AgreementReport, *, codes: bool = False) -> None:
    """The comparisons, what is to be said of them, and the disagreements; ``codes``: also every code's α."""
    from rich.markup import escape

    out = console()
    level = report.comparisons[0].level if report.comparisons else "nominal"
    out.print(
        f"[bold]Krippendorff's α[/], {level}, primary code · {escape(report.codebook)} · "
        f"{report.n_units} units of {report.n_traces} traces"
    )
    _print_comparisons(out, report.comparisons)
    for line in _notes(report):
        out.print(escape(line), style="yellow")
    for name, d in report.differences.items():
        if d.difference is not None:
            out.print(escape(_difference(name, d)))
    for group in report.groups:
        out.print(f"\n[bold]{escape(group.field)} {escape(str(group.value))}[/] · {group.n_units} units")
        _print_comparisons(out, group.comparisons)
    if codes:
        for c in report.comparisons:
            _print_codes(out, c)
    _print_asked_for(out, report)
    for replacement in report.replacements:
        out.print(f"\n[bold]May {escape(replacement.machine)} stand in for a human?[/]")
        out.print(escape(replacement.verdict()))
    _print_disagreements(out, report)


def _print_asked_for(out: Console, report: AgreementReport) -> None:
    from rich.markup import escape
    from rich.table import Table

    for name, codes in report.accuracy.items():
        table = Table(
            box=None, pad_edge=False, header_style="dim", title=escape(f"{name} against the reference")
        )
        table.title_justify, table.title_style = "left", "bold"
        for column in ("code", "precision", "", "recall", "", "F1", "", "prevalence", "bias"):
            table.add_column(column, justify="left" if column == "code" else "right")
        for c in codes:
            cells = [
                cell
                for share in (c.precision, c.recall, c.f1)
                for cell in (_share(share), interval(share.ci))
            ]
            table.add_row(c.code, *cells, _share(c.prevalence), _share(c.bias))
        out.print()
        out.print(table)
    for who, found in report.hayes.items():
        out.print(f"{escape(who)}: Hayes–Krippendorff {interval(found.interval.ci)}")
    for warning in dict.fromkeys(found.warning for found in report.hayes.values()):
        out.print(escape(warning), style="yellow")
    for words, d in (
        ("α before", report.drift),
        ("the earlier codes carried by the migration map: α before", report.drift_carried),
    ):
        if d is not None and d.difference is not None:
            out.print(
                f"{words} {number(d.first or 0)}, after {number(d.second or 0)}: difference "
                f"{number(d.difference)} {interval(d.ci)}, {d.n_units} units of {d.n_traces} traces"
            )
        if d is not None and d.why_undefined:
            out.print(f"before and after: {escape(d.why_undefined)}", style="yellow")
    if report.not_made_again:
        out.print(
            f"{report.not_made_again} codings were carried to the new version and not made again: on them nothing can differ "
            "but by the map",
            style="yellow",
        )


def _share(share: Share) -> str:
    return "–" if share.value is None else number(share.value)


def _print_comparisons(out: Console, comparisons: Sequence[Comparison]) -> None:
    from rich.markup import escape
    from rich.table import Table

    wide = out.width >= WIDE
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in ("coders", ""):
        table.add_column(name)
    for name in (
        "α",
        "95 % over traces",
        "over units",
        *(("agree", "κ", "AC1") if wide else ()),
        "units",
        "values",
    ):
        table.add_column(name, justify="right")
    for c in comparisons:
        beside = ["–" if b.value is None else number(b.value) for b in c.beside] if wide else []
        sizes = (f"{c.result.n_units}", f"{c.result.n_pairable}")
        table.add_row(escape(" – ".join(c.coders)), c.kind, *_cells(c.result), *beside, *sizes)
    out.print(table)


def _difference(name: str, d: Difference) -> str:
    """One sentence on how much worse (or better) people agree with a machine than with each other."""
    assert d.first is not None
    assert d.second is not None
    assert d.difference is not None
    ci = f" [{number(d.ci[0])}, {number(d.ci[1])}]" if d.ci else ""
    return (
        f"with {name} people agree {number(d.second)}, with each other {number(d.first)}: "
        f"difference {number(d.difference)}{ci}, {d.n_units} units of {d.n_traces} traces"
    )


def _cells(result: Alpha) -> tuple[str, str, str]:
    if result.alpha is None:
        return "[yellow]undefined[/]", "–", "–"
    style = "green" if result.alpha >= 0.8 else "yellow" if result.alpha >= 0.667 else "red"
    return f"[{style}]{number(result.alpha)}[/]", interval(result.ci_cluster), interval(result.ci)


def number(value: float) -> str:
    """Three decimals without the leading zero, as the field writes coefficients.

    >>> number(0.7432), number(-0.0804), number(1.0)
    ('.743', '-.080', '1.000')
    """
    return f"{value:.3f}".replace("0.", ".", 1) if abs(value) < 1 else f"{value:.3f}"


def interval(ci: tuple[float, float] | None) -> str:
    """``[.66, .81]`` or a dash."""
    return "–" if ci is None else f"\\[{number(ci[0])}, {number(ci[1])}]"


def _notes(report: AgreementReport) -> Iterator[str]:
    yield from report.partial
    if not report.comparisons:
        yield "one coder only: there is nobody to agree with; add another run"
    for c in report.comparisons:
        who = " – ".join(c.coders)
        if c.result.why_undefined:
            yield f"{who}: α is undefined: {c.result.why_undefined}"
        elif max(c.result.undefined_share) > 0:
            yield f"{who}: α was undefined in {c.result.undefined_share[0]:.1%} of the resamples of units, {c.result.undefined_share[1]:.1%} of traces"
        elif c.result.ci_cluster is None:
            yield f"{who}: no interval over traces: all units come from one trace, or no resamples were asked for"
    yield from dict.fromkeys(warning for c in report.comparisons for warning in c.result.warnings)
    for name, (coverage, missing) in _coverage(report).items():
        reasons = ", ".join(f"{n} {reason}" for reason, n in missing.items())
        yield f"{name} coded {coverage:.0%} of the units" + (f" (missing: {reasons})" if reasons else "")


def _coverage(report: AgreementReport) -> dict[str, tuple[float, dict[str, int]]]:
    found = {}
    for c in report.comparisons:
        for name in c.coders:
            if c.coverage[name] < 1:
                found[name] = (c.coverage[name], c.missing[name])
    return found


def _print_codes(out: Console, comparison: Comparison) -> None:
    from rich.markup import escape
    from rich.table import Table

    table = Table(
        box=None,
        pad_edge=False,
        header_style="dim",
        title=escape(" – ".join(comparison.coders)),
        title_justify="left",
        title_style="bold",
    )
    for name in ("code", "α", "95 % over traces", "over units", "prevalence", "note"):
        table.add_column(name, justify="left" if name in ("code", "note") else "right")
    for c in comparison.per_code:
        prevalence = "–" if c.prevalence is None else f"{c.prevalence:.1%}"
        table.add_row(
            c.code,
            *_cells(c.result),
            prevalence,
            f"[dim]{escape(c.result.why_undefined or ('too rare for its intervals' if c.result.too_uniform else ''))}[/]",
        )
    out.print()
    out.print(table)


def _print_disagreements(out: Console, report: AgreementReport) -> None:
    from rich.markup import escape

    if report.confused:
        pairs = ", ".join(
            f"{a} with {b} ({n}×)" for (a, b), n in ((c.codes, c.count) for c in report.confused)
        )
        out.print(f"\n[bold]most confused[/]  {escape(pairs)}")
    if report.disagreed:
        out.print("[bold]most disagreed units[/]")
    for unit in report.disagreed:
        said = ", ".join(f"{coder}: {code}" for coder, code in unit.codes.items())
        text = " ".join(unit.text.split())
        out.print(
            f"  {escape(said)}  [dim]{escape(unit.trace_id)}[/]\n    “{escape(text[:160] + ('…' if len(text) > 160 else ''))}”"
        )
