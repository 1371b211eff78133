"""``pcode sample``: what people shall code, drawn with known probabilities, and packed so that they code it blind."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..errors import PedagogyError
from ..formatting import counted, interval, level_words, shown
from ..limits import ALPHA_TENTATIVE, LEVEL
from . import options
from .active_sample import active_of, active_options, plan_active, print_saved
from .console import escape, notice, put, put_json, say, table
from .locking import lock_command

if TYPE_CHECKING:
    from ..report.sample_size import SampleSize
    from ..sampling.draw_sample import DrawnSample

ASSUMED = ("alpha", "prevalence", "code", "per_trace", "icc")
"""Options of ``--plan`` alone."""

DRAWN = ("enrich", "enrich_factor", "enrich_share", "deferred", "others")
"""Options of a draw that no plan reckons with."""

SECONDS_A_UNIT = (20, 40)
"""What a sentence is assumed to take a person who knows the codebook; a plan for people's time, and no finding."""

DESIGN = (
    "coders",
    "by",
    "what",
    "fraction",
    "n",
    "double",
    "practice",
    "shuffle",
    "context",
    "seed",
    "spans",
)

STEEP = 10.0
"""In simulation intervals of an enriched sample covered 96–97 % with weights up to 5 : 1; with 19 : 1, 92 % or 99 %."""


@click.command("sample", cls=options.Command)
@click.argument("traces", type=options.PATH, required=False)
@options.out(
    "Packet to write; with --plan, folder for its table and picture; with --lock, the lock [default: beside the traces].",
    options.folder_of("plan.csv", "plan.svg", "plan.png", when="plan"),
    required=False,
)
@options.coders("Who codes.")
@options.option("--fraction", "Share to draw, above 0, at most 1.", options.NUMBER)
@options.option("--n", "Number to draw, instead of --fraction.", options.FROM_1)
@options.choice(
    "--what", "What is drawn: whole traces, or units, which are shown in context.", ["traces", "units"]
)
@options.flag(
    "--spans",
    "Coders draw spans of their own in whole traces (so too where the codebook's unit is span).",
)
@options.names(
    "--strata by",
    "Fields of a trace, metadata.KEY included; '' for none.",
    metavar="FIELD,…",
    default=("domain,condition,model",),
)
@options.option(
    "--double",
    "Share of the drawn that every coder codes; the rest is divided among them.",
    float,
    default=1.0,
)
@options.names("--enrich", "Draw more where --run saw one of these codes.", metavar="CODE,…")
@options.option("--run", "Machine run for --enrich; pilot run for --plan.", options.PATH)
@options.option(
    "--enrich-factor", "How many times as likely such units (traces) are drawn. [default: 5]", options.NUMBER
)
@options.option(
    "--enrich-share", "Share of the sample that shall be such, instead of a factor.", options.NUMBER
)
@active_options
@options.option(
    "--deferred",
    "Draw the units that this run left open (annotate --error): all, or --n or --fraction of them.",
    options.PATH,
    metavar="RUN",
)
@options.option(
    "--others",
    "--deferred: also this share of the units that the run did code, without which no share of a code can be corrected.",
    options.SHARE,
)
@options.codebook(
    "Codebook: ID, ID@VERSION or a YAML file. [default: schoen; with --units, --deferred or --active RUN that run's]",
    default=None,
)
@options.scheme()
@options.units("Draw from exactly the units of this run.")
@options.lang()
@options.option("--context", "Units shown before and after.", options.FEW_0, default=3)
@options.option(
    "--shuffle",
    "Each coder's random order: traces, each read from its beginning, or units. [default: what is drawn]",
    ["traces", "units"],
)
@options.option(
    "--practice",
    "So many traces (units) more, coded first by everybody and counted nowhere.",
    options.FROM_0,
    default=0,
    show_default=False,
)
@options.seed("the draw, and of the plan's simulated studies")
@options.option(
    "--lock",
    "Draw nothing: set this share of the traces aside, whole items, on which nothing is developed or measured until pcode unlock.",
    options.INSIDE,
)
@options.flag("--plan", "Say how many units are needed, and draw nothing.")
@options.option(
    "--alpha",
    "--plan: α that is expected. [default: the pilot's, else .75]",
    options.INSIDE,
)
@options.option(
    "--prevalence",
    "--plan: share of the code of interest. [default: .05]",
    options.INSIDE,
)
@options.option("--code", "--plan: the code of interest, its share taken from the pilot --run.")
@options.option(
    "--per-trace", "--plan: units coded in a trace. [default: the pilot's, else 25]", options.FROM_1
)
@options.option(
    "--icc",
    "--plan: how much units of one trace resemble each other. [default: the pilot's, else .1]",
    options.Share(0, 1, max_open=True),
)
@options.option(
    "--precision",
    "--plan: half width of the interval that is wanted.",
    options.Share(0, 1, min_open=True),
    default=0.05,
)
@options.flag("--dry-run", "Say what would be drawn, and write nothing.")
@options.as_json("what was drawn (or planned)")
def command(
    traces: Path | None,
    out: Path | None,
    lock: float | None,
    plan: bool,
    dry_run: bool,
    as_json: bool,
    **given: Any,
) -> None:
    """Draw from TRACES what people shall code, and write a packet: blind, in an order of its own for each coder.

    \b
    # 14 of 42 traces, both code them; all 42, of which 14 by both
    pcode sample traces.jsonl -o packet --fraction .33 --coders A,B
    pcode sample traces.jsonl -o packet --fraction 1 --double .33 --coders A,B
    # units: more of those where a run saw OA-ME; where a learned coder is unsure
    pcode sample traces.jsonl -o packet --what units --n 400 --coders A,B \\
      --enrich OA-ME --run runs/cues
    pcode sample traces.jsonl -o packet --what units --n 300 --coders A,B \\
      --active runs/learned --target OA-ME
    pcode sample --plan --active runs/learned --target OA-ME --what units --n 300
    pcode sample traces.jsonl -o packet --coders A,B \\
      --deferred runs/learned --others .05
    pcode sample --plan --alpha .75 --prevalence .02
    pcode sample traces.jsonl --lock .3

    How likely each unit was to be drawn is in PACKET/key/sample.csv, and pcode report --inclusion reads it. Give a coder
    their own folder only, never PACKET/key. The same command again puts back what was lost of the packet.
    """
    if lock is not None:
        lock_command(traces, out, lock, given | {"plan": plan}, dry_run=dry_run, as_json=as_json)
        return
    for name in DRAWN if plan else ():
        if given[name]:
            flag = f"--{name.replace('_', '-')}"
            raise PedagogyError(
                f"{flag} draws, and --plan reckons without it",
                f"drop one of both; --dry-run says what {flag} would draw",
            )
    if plan:
        _plan(out, as_json, given) if given["active"] is None else plan_active(traces, out, as_json, given)
        return
    from ..human.write_packet import manifest_of, write_packet

    if traces is None or (out is None and not dry_run):
        missing = "no TRACES are given" if traces is None else "no packet is named"
        raise PedagogyError(missing, "pcode sample TRACES -o PACKET --fraction .33 --coders A,B")
    for name in ASSUMED:
        if given[name] is not None:
            flag = f"--{name.replace('_', '-')}"
            raise PedagogyError(f"{flag} belongs to --plan", "drop it, or ask for a plan: --plan")
    sample = _sample(traces, given)
    if not dry_run and out is not None:
        write_packet(sample, out)
    if not put_json(manifest_of(sample).model_dump(mode="json") | {"strata": sample.strata()}, as_json):
        _print(sample)
        say("nothing was written" if dry_run else f"packet {sample.packet_id} written to {out}")
        if not dry_run:
            coders = " ".join(f"--coder {shlex.quote(coder)}" for coder in sample.design.coders)
            say(f"next: pcode web --packet {out} {coders}, or for another tool: pcode packet write {out}")


def _sample(traces: Path, given: dict[str, Any]) -> DrawnSample:
    from ..sampling.assignment import Design
    from ..sampling.draw_sample import draw_sample

    own = options.taken(given, *DESIGN)
    deferral = _deferral(given)
    if deferral:
        own |= {"what": "units"}
        own |= {} if own["n"] or own["fraction"] else {"fraction": 1.0}
    design = Design(enrichment=_enrichment(given), active=active_of(given), deferral=deferral, **own)
    return draw_sample(traces, design, **options.taken(given, "codebook", "scheme", "lang", "units"))


def _deferral(given: dict[str, Any]) -> Any:
    from ..sampling.assignment import Deferral

    run, others = given["deferred"], given["others"]
    if run is None and others is not None:
        raise PedagogyError("--others is a share beside what a run deferred", "name it: --deferred RUN")
    return None if run is None else Deferral(run, others or 0.0)


def _enrichment(given: dict[str, Any]) -> Any:
    from ..sampling.assignment import FACTOR, Enrichment

    codes, run = given["enrich"], given["run"]
    factor, share = given["enrich_factor"], given["enrich_share"]
    if not codes:
        if run is not None or factor is not None or share is not None:
            raise PedagogyError("no code to enrich is named", "--enrich CODE --run RUN")
        return None
    if run is None:
        raise PedagogyError("--enrich needs to know where the codes may be", "give a machine run: --run RUN")
    if factor is not None and share is not None:
        raise PedagogyError("--enrich-factor and --enrich-share exclude each other", "say one of them")
    return Enrichment(codes, run, FACTOR if factor is None else factor, share)


def _print(sample: DrawnSample) -> None:
    counts, strata = sample.counts(), sample.strata()
    rows = [
        (escape(row["stratum"]), f"{row['population']:,}", f"{row['expected']:.2f}", f"{row['drawn']:,}")
        for row in strata
    ]
    put(table("stratum", "there", "expected", "drawn", rows=rows))
    what = sample.design.what
    put(
        f"{counts['traces']:,} of {counts['population_traces']:,} traces, {counts['units']:,} of "
        f"{counts['population_units']:,} units"
        + (f" ({counts['units_for_all']:,} for every coder)" if len(sample.design.coders) > 1 else "")
    )
    low, high = min(sample.drawing.pi), max(sample.drawing.pi)
    chance = f"{low:.4g}" if low == high else f"{low:.4g} to {high:.4g}"
    put(f"probability of each of the {what}: {chance}")
    if sample.design.enrichment:
        put(
            f"{counts['seen']:,} {what} where the run saw {escape(' or '.join(sample.design.enrichment.codes))}, "
            f"{counts['seen_drawn']:,} of them drawn"
        )
    if sample.design.active:
        print_saved(sample)
    if sample.design.deferral:
        run = escape(str(sample.design.deferral.run))
        put(f"{counts['seen']:,} units that {run} left open, {counts['seen_drawn']:,} of them drawn")
    if sample.design.spans:
        put(
            f"coders draw spans of their own; the units counted here are {sample.unitize.scheme}, by which they are helped"
        )
    covered = ", where spans cover all of it" if sample.design.spans else ""
    for coder in sample.drawing.orders:
        more = f", and {counts['practice_units']:,} to practise on" if counts["practice_units"] else ""
        units = counts[f"units of {coder}"]
        put(
            f"{escape(coder)}: {counted(units, 'unit')}{more}; {_work(units + counts['practice_units'])}{covered}"
        )
    for text in _remarks(sample, counts, strata):
        notice(text)


def _work(units: int) -> str:
    """How long that many units take a person: "2.2 to 4.4 hours at 20 to 40 seconds a unit"."""
    low, high = (units * seconds / 60 for seconds in SECONDS_A_UNIT)
    span = f"{low:.0f} to {high:.0f} minutes" if high < 90 else f"{low / 60:.1f} to {high / 60:.1f} hours"
    return f"{span} at {SECONDS_A_UNIT[0]} to {SECONDS_A_UNIT[1]} seconds a unit"


def _remarks(sample: DrawnSample, counts: dict[str, int], strata: list[dict[str, Any]]) -> Iterator[str]:
    if without := counts["traces_without_units"]:
        yield f"{without:,} traces have no unit and were left out of the population"
    if empty := sum(not row["drawn"] for row in strata):
        yield (
            f"{empty} of {len(strata)} strata are not in the sample: they are small, and had their chance; "
            "draw more, or name fewer fields in --strata"
        )
    if sample.design.deferral and not sample.design.deferral.others:
        yield (
            "nobody checks the units that the coder did code, so that no share of a code can be corrected with these codings; "
            "--others .05 draws from those too"
        )
    if sample.design.enrichment and counts["seen"] == len(sample.drawing.elements):
        yield f"the run saw the code in all {sample.design.what}, so --enrich changes nothing"
    steepness = max(sample.drawing.pi) / min(sample.drawing.pi)
    if steepness > STEEP and not sample.design.active and not sample.design.deferral:
        yield (
            f"a code that the run overlooked will count {steepness:.0f} times as much as one that it saw: if only a few "
            "turn up, corrected intervals miss their 95 %; for frequencies a factor of 5 is better"
        )


def _plan(out: Path | None, as_json: bool, given: dict[str, Any]) -> None:
    """Print the table; with ``out``, write plan.csv, plan.svg and plan.png there."""
    from ..codebook import load_codebook
    from ..files.records import write_csv, write_text
    from ..report.sample_size import assume, sample_size

    assumed = assume(
        codes=len(load_codebook(given["codebook"] or "schoen").codes),
        coders=len(given["coders"]) or 2,
        run=given["run"],
        **options.taken(given, *ASSUMED),
    )
    size = sample_size(assumed, precision=given["precision"], seed=given["seed"])
    if out is not None:
        rows, picture = size.rows(), size.figure().render()
        write_csv(out / "plan.csv", [list(rows[0]), *(row.values() for row in rows)])
        write_text(out / "plan.svg", picture.svg)
        write_text(out / "plan.png", picture.png)
    found = {"assumed": vars(size.assumed), "precision": size.precision, "needed": dict(size.needed)}
    found |= {"rows": size.rows(), "simulated_studies": size.runs, "seed": size.seed}
    if put_json(found, as_json):
        return
    _print_plan(size)
    if out is not None:
        say(f"written to {out}: plan.csv, plan.svg, plan.png")


def _print_plan(size: SampleSize) -> None:
    from ..report.planned_precision import INTERVALS

    a = size.assumed
    put(
        escape(
            f"α {a.alpha:.3g} ({a.origin['alpha']}); {a.code}: {100 * a.prevalence:.3g} % of units "
            f"({a.origin['prevalence']}), α {a.code_alpha:.3g} ({a.origin['code_alpha']}); {a.per_trace} units a trace ({a.origin['per_trace']}), "
            f"intraclass correlation {a.icc:.3g} ({a.origin['icc']}); {a.coders} coders"
        )
    )
    rows = []
    for r in size.rows():
        counts = (f"{r['n_units']:,}", f"{r['n_traces']:,}")
        alphas = (shown(r[name]) for name in ("alpha_half", "alpha_shown", "code_alpha_half"))
        limits = interval(r["code_low"], r["code_high"], "share")
        rows.append((*counts, *alphas, limits, f"{r['code_expected']:.0f}"))
    heads = ("units", "traces", "α ±", f"shown ≥ {shown(ALPHA_TENTATIVE)}", "α of the code ±")
    frequency = f"its frequency, {level_words(LEVEL)}"
    put(table(*heads, frequency, "units with it", rows=rows, left=()))
    own = min(size.precision, a.prevalence / 2)
    words = {
        "alpha": f"α ± {size.precision:g}",
        "code_alpha": f"α of {a.code} ± {size.precision:g}",
        "share": f"the frequency of {a.code} ± {100 * own:.3g} points",
    }
    parts = [f"{words[name]}: {'out of reach' if n is None else f'{n:,}'}" for name, n in size.needed.items()]
    put(escape(f"units needed for {'; '.join(parts)}"))
    put(
        f"α ±: half the interval that such a study would print (the median of {INTERVALS} of {size.runs} simulated ones a row, seed {size.seed}); – where "
        "most would print none. Frequency: by formula, without a machine's help",
        style="dim",
    )
