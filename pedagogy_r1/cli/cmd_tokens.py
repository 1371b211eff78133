"""``pcode tokens``: where the tokens go: noise, repetition, and thoughts given up."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .console import console

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from ..estimate import Estimate
    from ..runs.run import CoderRun
    from ..tokens.tokens_report import Coded, CoderNoise, TokenGroup, TokenReport

PATH = click.Path(path_type=Path)


@click.command("tokens")
@click.argument("traces", type=PATH)
@click.argument("runs", nargs=-1, type=PATH)
@click.option(
    "--tokenizer",
    default="spacy",
    show_default=True,
    metavar="NAME_OR_PATH",
    help="Count by this model's tokenizer: a hub name, a folder, or a tokenizer.json (needs transformers).",
)
@click.option(
    "--by",
    type=click.Choice(["domain", "model", "condition", "correct"]),
    default=None,
    help="Also for each of its values.",
)
@click.option(
    "--thoughts",
    type=PATH,
    default=None,
    metavar="FILE",
    help="Thoughts from this JSONL file (pcode thoughts) instead of thought@1, and two judges' confidences if it has them.",
)
@click.option("--noise", "strict", default="UT", show_default=True, help="Codebook families that are noise.")
@click.option(
    "--routine", default="KA", show_default=True, help="Families that the non-reflective share adds."
)
@click.option(
    "--cluster",
    type=click.Choice(["trace", "item"]),
    default="trace",
    show_default=True,
    help="What is resampled for noise and repetition.",
)
@click.option(
    "--replicates", type=click.IntRange(0), default=1000, show_default=True, help="Bootstrap resamples."
)
@click.option("--seed", type=int, default=0, show_default=True)
@click.option(
    "-o", "--out", type=PATH, default=None, help="Folder for CSV tables per trace, thought and unit."
)
@click.option(
    "--json",
    "json_file",
    type=click.Path(path_type=Path, allow_dash=True),
    default=None,
    help="Write everything here; - for stdout.",
)
def command(
    traces: Path, runs: tuple[Path, ...], out: Path | None, json_file: Path | None, **options: Any
) -> None:
    """Count the tokens of TRACES: noise as coded in RUNS, repetition, underthinking, efficiency.

    Without runs there is no noise share; the rest needs the texts alone. Underthinking needs to know which responses
    are wrong (the field correct) or a reference answer to find out.
    """
    from ..files.records import atomic

    report = _report(traces, runs, **options)
    if out is not None:
        from ..tokens.token_tables import write_tables

        for path in write_tables(report, out):
            click.echo(f"written to {path}", err=True)
    if json_file is not None:
        text = json.dumps(report.as_json(), ensure_ascii=False, indent=1)
        if str(json_file) == "-":
            click.echo(text)
            return
        with atomic(json_file) as file:
            file.write(text + "\n")
    _print(report)
    if json_file is not None:
        click.echo(f"written to {json_file}", err=True)


def _report(
    traces: Path,
    runs: Sequence[Path],
    *,
    tokenizer: str,
    by: Any,
    thoughts: Path | None,
    strict: str,
    routine: str,
    cluster: Any,
    replicates: int,
    seed: int,
) -> TokenReport:
    from ..estimate import Resampling
    from ..intake import read_traces
    from ..runs.run import CoderRun, require_complete
    from ..tokens.measured import SEGMENTER
    from ..tokens.response_thoughts import read_thoughts
    from ..tokens.thought_run import described
    from ..tokens.tokenizer import load_tokenizer
    from ..tokens.tokens_report import judge_name, measure_traces, token_report
    from .console import progress_bar

    opened = [CoderRun(path) for path in runs]
    partial = require_complete(opened)
    counter = load_tokenizer(tokenizer)
    given = read_thoughts(thoughts) if thoughts else None
    with progress_bar("traces") as update:
        step = (lambda done: update(done, 0)) if update else None
        measured = list(measure_traces(read_traces(traces), counter, given, step))
    coders = list(_coders(opened, {m.trace_id: m for m in measured}, strict, routine))
    segmenter, judge = (described(thoughts) if thoughts else None) or (f"spans of {thoughts}", "")
    return token_report(
        measured,
        coders,
        tokenizer=counter.name,
        by=by,
        cluster=cluster,
        how=Resampling(replicates, seed),
        judge=judge or judge_name(given, str(thoughts)),
        segmenter=segmenter if thoughts else SEGMENTER,
        partial=partial,
    )


def _coders(opened: Sequence[CoderRun], measured: Any, strict: str, routine: str) -> Iterator[CoderNoise]:
    from ..tokens.tokens_report import measure_coder

    names = [coder.name for run in opened for coder in run.manifest.coders]
    for run in opened:
        for coder in run.manifest.coders:
            label = coder.name if names.count(coder.name) == 1 else f"{run.name}:{coder.name}"
            families = {"strict": _words(strict), "routine": _words(routine)}
            yield measure_coder(label, _coded(run, coder.name), run.codebook, measured, **families)


def _coded(run: Any, coder: str) -> Iterator[Coded]:
    from ..tokens.tokens_report import Coded

    for trace, units, codings in run.by_trace():
        yield Coded(trace, units, {c.unit_id: c.codes for c in codings if c.coder == coder})


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


def _print(report: TokenReport) -> None:
    from rich.markup import escape

    out = console()
    everything = report.groups[0]
    out.print(
        f"[bold]Tokens[/] · {everything.traces:,} traces · {everything.reasoning:,} of reasoning, "
        f"{everything.answer:,} of answers · {escape(report.tokenizer)}"
    )
    _print_noise(out, report)
    _print_repetition(out, report)
    _print_underthinking(out, report)
    for line in _notes(report):
        out.print(escape(line), style="yellow")


def _table(*names: str, left: int = 1) -> Table:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="dim")
    for number, name in enumerate(names):
        table.add_column(name, justify="left" if number < left else "right")
    return table


def _print_noise(out: Console, report: TokenReport) -> None:
    from rich.markup import escape

    from ..tokens.noise import PAPER

    out.print(f"\n[bold]Noise[/], share of coded tokens   [dim]the paper: {PAPER}, reading not stated[/]")
    if not report.coders:
        out.print("[dim]no run is given, so nothing is coded: pcode tokens TRACES RUN[/]")
        return
    table = _table("", "coder", "strict", "95 %", "non-reflective", "95 %", "coded", left=2)
    for group in report.groups:
        for noise in group.noise:
            s = noise.share
            share = s.coded / s.tokens if s.tokens else None
            coded = "–" if share is None else f"{share:.0%}"
            table.add_row(
                _name(report, group),
                escape(noise.coder),
                *_shares(s.strict),
                *_shares(s.nonreflective),
                coded,
            )
    out.print(table)
    for noise in report.groups[0].noise:
        found = [
            f"{name} {_number(e.value)} {_interval(e)}"
            for name, e in noise.correlation.items()
            if e.value is not None
        ]
        if found:
            out.print(f"[dim]ρ with strict noise, {escape(noise.coder)}:[/] {'; '.join(found)}")


def _print_repetition(out: Console, report: TokenReport) -> None:
    out.print("\n[bold]Repetition[/], share of words, from the text alone")
    table = _table(
        "",
        "traces",
        "tokens each",
        "of the item",
        "95 %",
        "of itself",
        "95 %",
        "loops",
        "end in one",
        "zlib",
    )
    for group in report.groups:
        r = group.repetition
        mean = (group.reasoning + group.answer) / group.traces if group.traces else 0
        ratio = r.compression.value
        table.add_row(
            *(_name(report, group), f"{group.traces:,}", f"{mean:,.0f}"),
            *_shares(r.stem_repetition),
            *_shares(r.self_repetition),
            *(_percent(r.loop_share.value), str(r.tail_loops), "–" if ratio is None else f"{ratio:.2f}"),
        )
    out.print(table)


def _print_underthinking(out: Console, report: TokenReport) -> None:
    from rich.markup import escape

    out.print("\n[bold]Underthinking and efficiency[/]")
    table = _table("", "ξ_UT, wrong only", "95 %", "N", "ξ_wUT, all", "95 %", "N")
    other = _table(
        *("", "switches wrong/right", "tokens wrong:right", "95 %"),
        *("outcome ξ_O", "95 %", "process ξ_P", "95 %"),
    )
    for group in report.groups:
        w, e = group.wrong_to_right, group.efficiency
        switches = " / ".join("–" if v is None else f"{v:.1f}" for v in w.mean_switches)
        table.add_row(
            _name(report, group),
            *(_number(group.underthinking.score.value), _interval(group.underthinking.score)),
            f"{group.underthinking.n:,}",
            *(
                _number(group.underthinking_weighted.score.value),
                _interval(group.underthinking_weighted.score),
            ),
            f"{group.underthinking_weighted.n:,}",
        )
        ratio = (_number(w.tokens.value, 2), _interval(w.tokens, 2))
        other.add_row(_name(report, group), switches, *ratio, *_shares(e.outcome), *_shares(e.process))
    out.print(table)
    out.print(other)
    out.print(f"[dim]thoughts: {escape(report.segmenter)} · judge: {escape(report.judge)}[/]")
    out.print(f"[dim]solutions told apart {escape(report.groups[0].efficiency.distinct)}[/]")


def _name(report: TokenReport, group: TokenGroup) -> str:
    from rich.markup import escape

    return "[bold]all[/]" if group.name is None else escape(group.name)


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{value:.1%}"


def _number(value: float | None, digits: int = 3) -> str:
    return "–" if value is None else f"{value:.{digits}f}"


def _shares(e: Estimate) -> tuple[str, str]:
    """A share and its interval, in percent."""
    span = "–" if e.interval is None else f"[dim]\\[{e.interval[0]:.1%}, {e.interval[1]:.1%}][/]"
    return f"[bold]{_percent(e.value)}[/]", span


def _interval(e: Estimate, digits: int = 3) -> str:
    if e.interval is None:
        return "–"
    return f"[dim]\\[{e.interval[0]:.{digits}f}, {e.interval[1]:.{digits}f}][/]"


def _notes(report: TokenReport) -> Iterator[str]:
    from ..tokens.tokens_report import DIFFERENT

    yield from report.partial
    everything = report.groups[0]
    for noise in everything.noise:
        s = noise.share
        if s.strict.why_undefined or s.nonreflective.why_undefined:
            yield f"{noise.coder}: no noise share: {s.strict.why_undefined or s.nonreflective.why_undefined}; name families with --noise and --routine"
        if s.missing or s.outside:
            yield f"{noise.coder}: {s.missing:,} tokens are in units without a coding, {s.outside:,} in no unit; neither is noise"
    if everything.underthinking.score.why_undefined:
        yield f"ξ_UT is undefined: {everything.underthinking.score.why_undefined}"
    for what, e in (
        ("ξ_UT", everything.underthinking.score),
        ("ξ_wUT", everything.underthinking_weighted.score),
        ("repetition", everything.repetition.self_repetition),
    ):
        if e.warnings:
            yield f"{what}: {'; '.join(e.warnings)}"
    left = everything.left_out.items() | everything.underthinking.excluded.items()
    if left:
        yield "ξ_UT leaves out " + "; ".join(f"{n} ({why})" for why, n in sorted(left))
    if report.correct_by.keys() - {"recorded"}:
        yield "right or wrong: " + ", ".join(f"{n} {how}" for how, n in sorted(report.correct_by.items()))
    yield DIFFERENT
