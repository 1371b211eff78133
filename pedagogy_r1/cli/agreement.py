"""``pcode agreement``: how far coders agree, human with human and human with machine."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ._console import console

if TYPE_CHECKING:
    from rich.console import Console

    from ..agreement import AgreementReport, Alpha, Comparison


@click.command("agreement")
@click.argument("runs", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--by", type=click.Choice(["code"]), default=None, help="Also print every code's own α.")
@click.option("--coders", default=None, help="Only these coders, separated by commas.")
@click.option(
    "--replicates", type=click.IntRange(0), default=1000, show_default=True, help="Bootstrap resamples."
)
@click.option("--seed", type=int, default=0, show_default=True)
@click.option(
    "--json",
    "json_file",
    type=click.Path(path_type=Path, allow_dash=True),
    default=None,
    help="Write everything here; - for stdout.",
)
def command(
    runs: tuple[Path, ...],
    by: str | None,
    coders: str | None,
    replicates: int,
    seed: int,
    json_file: Path | None,
) -> None:
    """Krippendorff's α over RUNS, with bootstrap intervals over units and over traces.

    Runs are joined by unit: give the humans' run and the machine's to compare them. α is nominal, on the primary
    code; --by code adds the presence or absence of every code.
    """
    from ..agreement import agree
    from ..records import atomic

    names = [name.strip() for name in coders.split(",")] if coders else []
    report = agree(runs, coders=names, replicates=replicates, seed=seed)
    if json_file is not None:
        text = json.dumps(report.as_json(), ensure_ascii=False, indent=1)
        if str(json_file) == "-":
            click.echo(text)
            return
        with atomic(json_file) as file:
            file.write(text + "\n")
    _print(report, by)
    if json_file is not None:
        click.echo(f"written to {json_file}", err=True)


def _print(report: AgreementReport, by: str | None) -> None:
    from rich.markup import escape
    from rich.table import Table

    out = console()
    out.print(
        f"[bold]Krippendorff's α[/], nominal, primary code · {escape(report.codebook)} · {report.n_units} units of {report.n_traces} traces"
    )
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name, justify in (
        ("coders", "left"),
        ("", "left"),
        ("α", "right"),
        ("95 % over traces", "center"),
        ("over units", "center"),
    ):
        table.add_column(name, justify=justify)  # type: ignore[arg-type]
    for name in ("units", "values"):
        table.add_column(name, justify="right")
    for c in report.comparisons:
        table.add_row(
            escape(" – ".join(c.coders)),
            c.kind,
            *_cells(c.result),
            f"{c.result.n_units}",
            f"{c.result.n_pairable}",
        )
    out.print(table)
    for line in _notes(report):
        out.print(escape(line), style="yellow")
    if by == "code":
        for c in report.comparisons:
            _print_codes(out, c)
    _print_disagreements(out, report)


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
            c.code, *_cells(c.result), prevalence, f"[dim]{escape(c.result.why_undefined or '')}[/]"
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
