"""``pcode tokens``: where the tokens go: noise, repetition, and thoughts given up."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from ..errors import ArgumentError, InputError
from ..formatting import DASH, level_words, shown
from ..limits import MOST_GATHERED
from . import options
from .console import escape, estimate_cells, progress_bar, put, put_json, say, table

if TYPE_CHECKING:
    from ..estimate import Estimate
    from ..runs.run import CoderRun
    from ..runs.where import Picked, Where
    from ..tokens.tokens_report import Coded, CoderNoise, GroupNoise, TokenGroup, TokenReport
    from ..trace import Trace

TABLES = options.folder_of("traces.csv", "thoughts.csv", "noise.csv", "units.csv")


@click.command("tokens", cls=options.Command)
@click.argument("traces", type=options.PATH)
@click.argument("runs", nargs=-1, type=options.PATH)
@options.option(
    "--tokenizer",
    "Count by this model's tokenizer: a hub name, a folder, or a tokenizer.json (needs transformers).",
    default="spacy",
    metavar="NAME_OR_PATH",
)
@options.option(
    "--by",
    "Also for each value of a field of the traces, as condition or metadata.grade; correct: as recorded, else judged.",
    metavar="FIELD",
)
@options.option(
    "--thoughts",
    "Thoughts from this JSONL file (pcode thoughts) instead of thought@1, and two judges' confidences if it has them.",
    options.PATH,
    metavar="FILE",
)
@options.names("--noise strict", "Codebook families that are noise.", metavar="FAMILY,…", default=("UT",))
@options.names(
    "--routine", "Families that the non-reflective share adds.", metavar="FAMILY,…", default=("KA",)
)
@options.choice("--cluster", "What is resampled for noise and repetition.", ["trace", "item"])
@options.where()
@options.partial()
@options.resampling(ways=True)
@options.out("Folder for CSV tables per trace, thought and unit.", TABLES, required=False)
@options.as_json()
@options.json_file()
def command(
    traces: Path, runs: tuple[Path, ...], out: Path | None, as_json: bool, json_file: Path | None, **how: Any
) -> None:
    """Count the tokens of TRACES: noise as coded in RUNS, repetition, underthinking, efficiency.

    Without runs there is no noise share; the rest needs the texts alone. Underthinking needs to know which responses
    are wrong (the field correct) or a reference answer to find out. TRACES may be a corpus, in a folder or under an
    address: its texts pass by, and of each trace some numbers stay.
    """
    report, files = _report(traces, runs, out, **how)
    for path in files:
        say(f"written to {path}", err=True)
    if not put_json(report.as_json(), as_json, json_file):
        _print(report, how["level"])


def _report(
    traces: Path,
    runs: Sequence[Path],
    out: Path | None,
    *,
    tokenizer: str,
    thoughts: Path | None,
    by: str | None,
    where: Where | None,
    partial: bool,
    **how: Any,
) -> tuple[TokenReport, Sequence[Path]]:
    """What was found, and the tables that were written."""
    from ..estimate import Resampling
    from ..runs.run import opened, require_complete
    from ..runs.where import values_of
    from ..tokens.measured import SEGMENTER
    from ..tokens.response_thoughts import read_thoughts
    from ..tokens.thought_run import described
    from ..tokens.token_tables import TokenTables
    from ..tokens.tokenizer import load_tokenizer
    from ..tokens.tokens_report import judge_name, measure_traces, token_report

    given = read_thoughts(thoughts) if thoughts else None
    chosen = _Chosen.of(traces, opened(runs, locked="looked"), where)
    unfinished = require_complete(chosen.runs, partial)
    whole = chosen.needed_whole(tokenizer)
    counter = load_tokenizer(tokenizer)
    values = values_of(chosen.traces(), by) if by and by != "correct" else None
    said = unfinished or chosen.said
    with TokenTables(out, said) as tables:
        with progress_bar("traces") as update:
            step = (lambda done: update(done, 0)) if update else None
            found = tables.measured(measure_traces(chosen.traces(), counter, chosen.thoughts(given), step))
            measured = [one if one.trace_id in whole else one.light() for one in found]
        families = options.taken(how, "strict", "routine")
        coders = list(_coders(chosen.runs, {m.trace_id: m for m in measured}, **families))
        tables.coders(coders)
        segmenter, judge = (described(thoughts) if thoughts else None) or (f"spans of {thoughts}", "")
        report = token_report(
            measured,
            coders,
            tokenizer=counter.name,
            by=by,
            values=values,
            **options.taken(how, "cluster"),
            how=Resampling(**how),
            judge=judge or judge_name(given, str(thoughts)),
            segmenter=segmenter if thoughts else SEGMENTER,
            partial=said,
        )
    return report, tables.files


class _Chosen(NamedTuple):
    """The traces, in a file or a corpus, and the runs, both with none but the traces that ``--where`` asks for."""

    file: Path
    runs: Sequence[CoderRun]
    picked: Picked | None

    @classmethod
    def of(cls, file: Path, runs: Sequence[CoderRun], where: Where | None) -> _Chosen:
        from ..intake import some_traces

        if where is None:
            return cls(file, runs, None)
        picked = where.pick(some_traces(file))
        return cls(file, [run.only(picked) for run in runs], picked)

    @property
    def said(self) -> tuple[str, ...]:
        return (self.picked.said,) if self.picked else ()

    def traces(self) -> Iterator[Trace]:
        from ..intake import some_traces

        return (t for t in some_traces(self.file) if not self.picked or t.id in self.picked.ids)

    def needed_whole(self, tokenizer: str) -> frozenset[str]:
        """Ids of the traces in which units will be measured: not those of runs over a corpus that are so large that they are added up.

        Raises `ArgumentError` or `InputError` for what of these cannot be had.
        """
        from ..runs.gathering import by_shards, require_gathered

        if not by_shards(self.runs):
            require_gathered(self.runs, "The noise of these runs")
            return frozenset(trace.id for run in self.runs for trace in run.traces())
        if tokenizer != "spacy":
            raise ArgumentError(
                f"--tokenizer {tokenizer} cannot count the units of so many codings (more than {MOST_GATHERED:,}): they are added up by "
                "the tokens that were counted when they were coded, spaCy's",
                "leave --tokenizer out, or leave the runs out",
            )
        _require_corpus(self.file, self.runs[0])
        return frozenset()

    def thoughts(self, given: Any) -> Any:
        """Those of the chosen traces."""
        if not (given and self.picked):
            return given
        return {trace: thoughts for trace, thoughts in given.items() if trace in self.picked.ids}


def _require_corpus(file: Path, run: CoderRun) -> None:
    """Raises `InputError` where ``file`` is not the corpus that a run was made over."""
    from ..intake.corpus import TraceCorpus, is_corpus

    assert run.shards is not None
    if not is_corpus(file) or TraceCorpus(file).digest != run.shards.digest:
        raise InputError(f"{file} is not the corpus that {run.folder} coded", f"give {run.shards.corpus}")


def _coders(opened: Sequence[CoderRun], measured: Any, **families: Sequence[str]) -> Iterator[CoderNoise]:
    """One name in two runs is one coder, or two, as everywhere (`coder_names`); under two codebooks it is two."""
    from ..runs.gathering import by_shards
    from ..runs.run_columns import coder_names
    from ..tokens.tokens_report import measure_coder

    if by_shards(opened):
        yield from _added_up(opened, measured, **families)
        return
    parts: dict[str, dict[str, list[tuple[CoderRun, str]]]] = defaultdict(lambda: defaultdict(list))
    for run, names in zip(opened, coder_names(opened), strict=True):
        for own, name in names.items():
            parts[name][run.codebook.stamp].append((run, own))
    for name, by_book in parts.items():
        for held in by_book.values():
            label = name if len(by_book) == 1 else f"{name}@{held[0][0].name}"
            coded = _joined([_coded(run, own) for run, own in held])
            yield measure_coder(label, coded, held[0][0].codebook, measured, **families)


def _added_up(runs: Sequence[CoderRun], measured: Any, **families: Sequence[str]) -> Iterator[CoderNoise]:
    """Coders of runs over one corpus, each of which coded all of it: those of one name are two."""
    from ..runs.corpus_tally import tallied
    from ..runs.run import run_labels
    from ..tokens.corpus_noise import tallied_noise

    often = Counter(coder.name for run in runs for coder in run.manifest.coders)
    for run, label in zip(runs, run_labels(runs), strict=True):
        tally = tallied([run])
        for name in (coder.name for coder in tally.coders):
            yield tallied_noise(
                tally, name, name if often[name] == 1 else f"{name}@{label}", measured, **families
            )


def _joined(parts: Sequence[Iterator[Coded]]) -> Iterator[Coded]:
    """One coder's traces; one that stands in several runs comes once, with the units of all."""
    from ..tokens.tokens_report import Coded

    if len(parts) == 1:
        yield from parts[0]
        return
    found: dict[str, Coded] = {}
    for one in chain.from_iterable(parts):
        units = {unit.id: unit for unit in one.units}
        codes = dict(one.codes)
        if earlier := found.get(one.trace.id):
            units = {unit.id: unit for unit in earlier.units} | units
            codes |= {unit: given for unit, given in earlier.codes.items() if given is not None}
        found[one.trace.id] = Coded(one.trace, list(units.values()), codes)
    yield from found.values()


def _coded(run: Any, coder: str) -> Iterator[Coded]:
    from ..tokens.tokens_report import Coded

    for trace, units, codings in run.by_trace():
        codes = {c.unit_id: c.codes for c in codings if c.coder == coder}
        yield Coded(trace, [u for u in units if u.id in codes] if run.own_units else units, codes)


def _print(report: TokenReport, level: float) -> None:
    head = level_words(level)
    everything = report.groups[0]
    put(
        f"[bold]Tokens[/] · {everything.traces:,} traces · {everything.reasoning:,} of reasoning, "
        f"{everything.answer:,} of answers · {escape(report.tokenizer)}"
    )
    _print_noise(report, head)
    _print_repetition(report, head)
    _print_underthinking(report, head)
    for line in _notes(report):
        put(escape(line), style="yellow")


def _print_noise(report: TokenReport, head: str) -> None:
    from ..tokens.noise import PAPER

    put(f"\n[bold]Noise[/], share of coded tokens   [dim]the paper: {PAPER}, reading not stated[/]")
    if not report.coders:
        put("[dim]no run is given, so nothing is coded: pcode tokens TRACES RUN[/]")
        return
    rows = []
    for group in report.groups:
        for noise in group.noise:
            share = noise.share
            cells = _shares(share.strict, share.nonreflective)
            coded = shown(share.coded / share.tokens if share.tokens else None, "percent")
            rows.append((_name(group), escape(noise.coder), *cells, coded))
    heads = (_by(report), "coder", "strict", head, "non-reflective", head, "coded")
    put(table(*heads, rows=rows, left=heads[:2]))
    for noise in report.groups[0].noise:
        found = [
            f"{name} {' '.join(estimate_cells(e, bold=False))}"
            for name, e in noise.correlation.items()
            if e.value is not None
        ]
        if found:
            put(f"[dim]ρ with strict noise, {escape(noise.coder)}:[/] {'; '.join(found)}")


def _print_repetition(report: TokenReport, head: str) -> None:
    put("\n[bold]Repetition[/], share of words, from the text alone")
    rows = []
    for group in report.groups:
        r = group.repetition
        mean = (group.reasoning + group.answer) / group.traces if group.traces else 0
        size = [shown(group.traces, "count"), shown(mean, "count")]
        loops = [shown(r.loop_share.value, "share"), str(r.tail_loops), shown(r.compression.value, "number")]
        rows.append((_name(group), *size, *_shares(r.stem_repetition, r.self_repetition), *loops))
    heads = (_by(report), "traces", "tokens each", "of the item", head, "of itself", head)
    put(table(*heads, "loops", "end in one", "zlib", rows=rows))


def _print_underthinking(report: TokenReport, head: str) -> None:
    put("\n[bold]Underthinking and efficiency[/]")
    under, efficient = [], []
    for group in report.groups:
        wrong, weighted = group.underthinking, group.underthinking_weighted
        both = ((wrong.score, wrong.n), (weighted.score, weighted.n))
        cells = [cell for e, n in both for cell in (*estimate_cells(e, bold=False), f"{n:,}")]
        under.append((_name(group), *cells))
        w, e = group.wrong_to_right, group.efficiency
        switches = " / ".join(DASH if v is None else f"{v:.1f}" for v in w.mean_switches)
        ratio = estimate_cells(w.tokens, "number", bold=False)
        efficient.append((_name(group), switches, *ratio, *_shares(e.outcome, e.process)))
    put(table(_by(report), "ξ_UT, wrong only", head, "N", "ξ_wUT, all", head, "N", rows=under))
    heads = (
        _by(report),
        "switches wrong/right",
        "tokens wrong:right",
        head,
        "outcome ξ_O",
        head,
        "process ξ_P",
        head,
    )
    put(table(*heads, rows=efficient))
    put(f"[dim]thoughts: {escape(report.segmenter)} · judge: {escape(report.judge)}[/]")
    put(f"[dim]solutions told apart {escape(report.groups[0].efficiency.distinct)}[/]")


def _by(report: TokenReport) -> str:
    """What the rows of a table are groups by."""
    from ..runs.where import label_of

    return escape(label_of(report.by)) if report.by else ""


def _name(group: TokenGroup) -> str:
    return "[bold]all[/]" if group.name is None else escape(group.name)


def _shares(*estimates: Estimate) -> list[str]:
    """Two cells of each: the share and its interval."""
    return [cell for e in estimates for cell in estimate_cells(e, "share")]


def _notes(report: TokenReport) -> Iterator[str]:
    from ..tokens.tokens_report import ADDED_UP, DIFFERENT

    yield from report.partial
    everything = report.groups[0]
    for noise in everything.noise:
        yield from _noise_notes(noise)
    if report.added_up:
        yield f"noise is from {ADDED_UP}"
    if everything.underthinking.score.why_undefined:
        yield f"ξ_UT is undefined: {everything.underthinking.score.why_undefined}"
    for what, e in (
        ("ξ_UT", everything.underthinking.score),
        ("ξ_wUT", everything.underthinking_weighted.score),
        ("tokens wrong:right", everything.wrong_to_right.tokens),
        ("outcome ξ_O", everything.efficiency.outcome),
        ("process ξ_P", everything.efficiency.process),
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


def _noise_notes(noise: GroupNoise) -> Iterator[str]:
    s = noise.share
    if why := s.strict.why_undefined or s.nonreflective.why_undefined:
        yield f"{noise.coder}: no noise share: {why}; name families with --noise and --routine"
    if s.missing or s.outside:
        yield f"{noise.coder}: {s.missing:,} tokens are in units without a coding, {s.outside:,} in no unit; neither is noise"
