"""``pcode sample``: what people shall code, drawn with known probabilities, and packed so that they code it blind."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from ..sampling.draw_sample import DrawnSample

FILE = click.Path(path_type=Path)
ASSUMED = ("alpha", "prevalence", "code", "per_trace", "icc")
"""Options of ``--plan`` alone."""

STEEP = 10.0
"""In simulation intervals of an enriched sample covered 96–97 % with weights up to 5 : 1; with 19 : 1, 92 % or 99 %."""


@click.command("sample")
@click.argument("traces", type=FILE, required=False)
@click.option(
    "-o",
    "--out",
    type=FILE,
    default=None,
    help="Packet to write; with --plan, folder for its table and picture.",
)
@click.option("--coders", default=None, metavar="A,B", help="Who codes.")
@click.option("--fraction", type=float, default=None, help="Share to draw, above 0, at most 1.")
@click.option("--n", type=click.IntRange(1), default=None, help="Number to draw, instead of --fraction.")
@click.option(
    "--what",
    type=click.Choice(["traces", "units"]),
    default="traces",
    show_default=True,
    help="What is drawn: whole traces, or units, which are shown in context.",
)
@click.option(
    "--by",
    default="domain,condition,model",
    show_default=True,
    metavar="FIELD,…",
    help="Strata: fields of a trace, metadata.KEY included; '' for none.",
)
@click.option(
    "--double",
    type=float,
    default=1.0,
    show_default=True,
    help="Share of the drawn that every coder codes; the rest is divided among them.",
)
@click.option(
    "--enrich", default=None, metavar="CODE,…", help="Draw more where --run saw one of these codes."
)
@click.option("--run", type=FILE, default=None, help="Machine run for --enrich; pilot run for --plan.")
@click.option(
    "--enrich-factor",
    type=float,
    default=None,
    help="How many times as likely such units (traces) are drawn. [default: 5]",
)
@click.option(
    "--enrich-share",
    type=float,
    default=None,
    help="Share of the sample that shall be such, instead of a factor.",
)
@click.option(
    "--codebook", default="schoen", show_default=True, help="Codebook: ID, ID@VERSION or a YAML file."
)
@click.option(
    "--scheme",
    default=None,
    help="Unit scheme: sentence@1, paragraph@1, thought@1 [default: the codebook's].",
)
@click.option(
    "--units", type=FILE, default=None, metavar="RUN", help="Draw from exactly the units of this run."
)
@click.option("--lang", default=None, help="Language of the traces [default: each trace's own].")
@click.option(
    "--context", type=click.IntRange(0), default=3, show_default=True, help="Units shown before and after."
)
@click.option(
    "--shuffle",
    type=click.Choice(["traces", "units"]),
    default=None,
    help="Each coder's random order: traces, each read from its beginning, or units. [default: what is drawn]",
)
@click.option(
    "--practice",
    type=click.IntRange(0),
    default=0,
    help="So many traces (units) more, coded first by everybody and counted nowhere.",
)
@click.option("--seed", type=int, default=0, show_default=True)
@click.option("--plan", is_flag=True, help="Say how many units are needed, and draw nothing.")
@click.option(
    "--alpha",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    default=None,
    help="--plan: α that is expected. [default: the pilot's, else .75]",
)
@click.option(
    "--prevalence",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    default=None,
    help="--plan: share of the code of interest. [default: .05]",
)
@click.option(
    "--code", default=None, help="--plan: the code of interest, its share taken from the pilot --run."
)
@click.option(
    "--per-trace",
    type=click.IntRange(1),
    default=None,
    help="--plan: units coded in a trace. [default: the pilot's, else 25]",
)
@click.option(
    "--icc",
    type=click.FloatRange(0, 1, max_open=True),
    default=None,
    help="--plan: how much units of one trace resemble each other. [default: the pilot's, else .1]",
)
@click.option(
    "--precision",
    type=click.FloatRange(0, 1, min_open=True),
    default=0.05,
    show_default=True,
    help="--plan: half width of the 95 % interval that is wanted.",
)
@click.option("--dry-run", is_flag=True, help="Say what would be drawn, and write nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
def command(
    traces: Path | None, out: Path | None, plan: bool, dry_run: bool, as_json: bool, **given: Any
) -> None:
    """Draw from TRACES what people shall code, and write a packet: blind, in an order of its own for each coder.

    \b
    pcode sample traces.jsonl -o packet --fraction .33 --coders A,B              14 of 42 traces, both code them
    pcode sample traces.jsonl -o packet --fraction 1 --double .33 --coders A,B   all 42, of which 14 by both
    pcode sample traces.jsonl -o packet --what units --n 400 --coders A,B --enrich OA-ME --run runs/cues
    pcode sample --plan --alpha .75 --prevalence .02

    How likely each unit was to be drawn is in PACKET/key/sample.csv, and pcode report --inclusion reads it. Give a coder
    their own folder only, never PACKET/key. The same command again puts back what was lost of the packet.
    """
    if plan:
        from ._sample_plan import show_plan

        show_plan(out, as_json, given)
        return
    from ..errors import InputError
    from ..human.write_packet import manifest_of, write_packet

    if traces is None or (out is None and not dry_run):
        missing = "no TRACES are given" if traces is None else "no packet is named"
        raise InputError(missing, "pcode sample TRACES -o PACKET --fraction .33 --coders A,B")
    for name in ASSUMED:
        if given[name] is not None:
            raise InputError(
                f"--{name.replace('_', '-')} belongs to --plan", "drop it, or ask for a plan: --plan"
            )
    sample = _sample(traces, given)
    if not dry_run and out is not None:
        write_packet(sample, out)
    if as_json:
        manifest = manifest_of(sample).model_dump(mode="json")
        click.echo(json.dumps(manifest | {"strata": sample.strata()}, ensure_ascii=False, indent=1))
    else:
        _print(sample)
        click.echo("nothing was written" if dry_run else f"packet {sample.packet_id} written to {out}")


def _sample(traces: Path, given: dict[str, Any]) -> DrawnSample:
    from ..sampling.assignment import Design
    from ..sampling.draw_sample import draw_sample

    design = Design(
        coders=_words(given["coders"]),
        by=_words(given["by"]),
        enrichment=_enrichment(given),
        **{
            name: given[name]
            for name in ("what", "fraction", "n", "double", "practice", "shuffle", "context", "seed")
        },
    )
    how = {name: given[name] for name in ("codebook", "scheme", "lang", "units")}
    return draw_sample(traces, design, **how)


def _enrichment(given: dict[str, Any]) -> Any:
    from ..errors import InputError
    from ..sampling.assignment import FACTOR, Enrichment

    codes, run = _words(given["enrich"]), given["run"]
    factor, share = given["enrich_factor"], given["enrich_share"]
    if not codes:
        if run is not None or factor is not None or share is not None:
            raise InputError("no code to enrich is named", "--enrich CODE --run RUN")
        return None
    if run is None:
        raise InputError("--enrich needs to know where the codes may be", "give a machine run: --run RUN")
    if factor is not None and share is not None:
        raise InputError("--enrich-factor and --enrich-share exclude each other", "say one of them")
    return Enrichment(codes, run, FACTOR if factor is None else factor, share)


def _words(text: str | None) -> tuple[str, ...]:
    return tuple(word.strip() for word in (text or "").split(",") if word.strip())


def _print(sample: DrawnSample) -> None:
    from rich.markup import escape
    from rich.table import Table

    from .console import console

    out, counts, strata = console(), sample.counts(), sample.strata()
    table = Table(box=None, pad_edge=False, header_style="dim")
    for column in ("stratum", "there", "expected", "drawn"):
        table.add_column(column, justify="left" if column == "stratum" else "right")
    for row in strata:
        table.add_row(
            escape(row["stratum"]), f"{row['population']:,}", f"{row['expected']:.2f}", f"{row['drawn']:,}"
        )
    out.print(table)
    what = sample.design.what
    out.print(
        f"{counts['traces']:,} of {counts['population_traces']:,} traces, {counts['units']:,} of "
        f"{counts['population_units']:,} units"
        + (f" ({counts['units_for_all']:,} for every coder)" if len(sample.design.coders) > 1 else "")
    )
    low, high = min(sample.drawing.pi), max(sample.drawing.pi)
    out.print(
        f"probability of each of the {what}: " + (f"{low:.4g}" if low == high else f"{low:.4g} to {high:.4g}")
    )
    if sample.design.enrichment:
        out.print(
            f"{counts['seen']:,} {what} where the run saw {escape(' or '.join(sample.design.enrichment.codes))}, "
            f"{counts['seen_drawn']:,} of them drawn"
        )
    for coder in sample.drawing.orders:
        out.print(f"{escape(coder)}: {counts[f'units of {coder}']:,} units")
    for text in _remarks(sample, counts, strata):
        click.secho(text, fg="yellow", err=True)


def _remarks(sample: DrawnSample, counts: dict[str, int], strata: list[dict[str, Any]]) -> list[str]:
    found = []
    if counts["traces_without_units"]:
        found.append(
            f"{counts['traces_without_units']:,} traces have no unit and were left out of the population"
        )
    if empty := sum(not row["drawn"] for row in strata):
        found.append(
            f"{empty} of {len(strata)} strata are not in the sample: they are small, and had their chance; "
            "draw more, or --by fewer fields"
        )
    if sample.design.enrichment and counts["seen"] == len(sample.drawing.elements):
        found.append(f"the run saw the code in all {sample.design.what}, so --enrich changes nothing")
    low, high = min(sample.drawing.pi), max(sample.drawing.pi)
    if high / low > STEEP:
        found.append(
            f"a code that the run overlooked will count {high / low:.0f} times as much as one that it saw: if only a few "
            "turn up, corrected intervals miss their 95 %; for frequencies a factor of 5 is better"
        )
    return found
