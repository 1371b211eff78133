"""Does a sample enriched for a rare code still give the code's true share, with intervals that cover it?

    python -m benchmarks.coverage_sampling --runs 1000

Every run makes 200 traces of 15–35 units in five domains under two conditions. The code is rare (3 %), commoner under CoP and
in some traces than in others; a machine finds 70 % of it and sees it in 3 % of the rest. The sample is drawn by what ``pcode
sample`` draws with (`pedagogy_r1.sampling.assignment.draw_from`), stratified by domain × condition; its probabilities and
people's true codes go to what ``pcode report --inclusion`` estimates with (`corrected_prevalence`). Plans:

    simple       500 of about 5,000 units, no enrichment
    factor 5     500 units; where the machine saw the code, five times as likely
    share .5     500 units, half of them where the machine saw the code
    traces       60 of 200 whole traces
    traces × 5   60 whole traces; five times as likely where the machine saw the code

Truth is the share over all traces that might have been made, by quadrature. ``ignored``: people's codes without their
probabilities, for comparison: it is what an enriched sample gives if they are lost. ``π``: the mean over runs of
(drawn − π) over all units in standard errors, 0 ± 1 where the recorded probabilities are the true ones; for what the machine
saw and for the rest.
"""

from __future__ import annotations

import argparse
import math
import time
from typing import Any

import numpy as np

from benchmarks.coverage_corrected import averaged, base_for, population
from pedagogy_r1.sampling.assignment import Design, Enrichment, draw_from
from pedagogy_r1.sampling.population import Member, Population
from pedagogy_r1.stats.corrected import corrected_prevalence

DOMAINS = ("SK", "PK", "KT", "AES", "DM")


def plans(traces: int) -> dict[str, dict[str, Any]]:
    """Arguments of `Design` by name."""
    units, some = round(2.5 * traces), round(0.3 * traces)
    five = Enrichment(("X",), "", 5.0)
    return {
        "simple": {"what": "units", "n": units},
        "factor 5": {"what": "units", "n": units, "enrichment": five},
        "share .5": {"what": "units", "n": units, "enrichment": Enrichment(("X",), "", 5.0, 0.5)},
        "traces": {"what": "traces", "n": some},
        "traces × 5": {"what": "traces", "n": some, "enrichment": five},
    }


def made(rng: np.random.Generator, traces: int, base: float, sd: float) -> dict[str, Any]:
    """Units (truth, machine, trace) and the population as ``pcode sample`` sees it."""
    units = population(rng, traces, base, sd)
    units["machine"] = np.where(
        units["true"] > 0, rng.random(len(units["true"])) < 0.7, rng.random(len(units["true"])) < 0.03
    ).astype(float)
    ids = [f"u{i}" for i in range(len(units["trace"]))]
    members = []
    for t in range(traces):
        own = np.flatnonzero(units["trace"] == t)
        condition = "cop" if units["cop"][own[0]] else "generic"
        members.append(Member(f"t{t}", (DOMAINS[t % 5], condition), tuple(ids[i] for i in own)))
    units["population"] = Population(tuple(members), 0)
    units["ids"] = ids
    return units


def one_run(
    rng: np.random.Generator, how: dict[str, Any], traces: int, base: float, sd: float, seed: int
) -> dict[str, Any]:
    """(estimate, interval) of each way, how many people coded, and how far the draw was from its probabilities."""
    units = made(rng, traces, base, sd)
    seen = frozenset(u for u, hit in zip(units["ids"], units["machine"] > 0, strict=True) if hit)
    design = Design(coders=("A", "B"), by=("domain", "condition"), double=0.33, seed=seed, **how)
    drawing = draw_from(units["population"], design, seen if design.enrichment else frozenset())
    pi_of = {u: p for e, p in zip(drawing.elements, drawing.pi, strict=True) for u in e.unit_ids}
    taken = {u for e in drawing.drawn for u in e.unit_ids}
    pi = np.array([pi_of[u] for u in units["ids"]])
    coded = np.array([u in taken for u in units["ids"]])
    y = np.where(coded, units["true"], np.nan)
    result = corrected_prevalence(y, units["machine"], pi, units["trace"])
    ignored = corrected_prevalence(y, units["machine"], coded.mean(), units["trace"]).human
    row = {e.name: (e.value, e.interval) for e in result.estimates} | {
        "ignored": (ignored.value, ignored.interval)
    }
    hit = units["machine"] > 0
    return row | {
        "n": int(coded.sum()), "with the code": int((units["true"][coded] > 0).sum()),
        "off": (float((coded - pi)[hit].sum()), float((coded - pi)[~hit].sum())),
    }  # fmt: skip


def simulate(
    plan: str, runs: int, traces: int, prevalence: float, sd: float, seed: int
) -> tuple[float, list[dict[str, Any]]]:
    """The truth and every run's row."""
    base = base_for(prevalence, sd)
    truth = (averaged(base, sd) + averaged(base + 0.6, sd)) / 2
    rng = np.random.default_rng([seed, list(plans(traces)).index(plan)])
    how = plans(traces)[plan]
    return truth, [one_run(rng, how, traces, base, sd, 1_000_000 * seed + run) for run in range(runs)]


def summary(truth: float, rows: list[dict[str, Any]], way: str) -> dict[str, float]:
    """Coverage, its error, bias, the bias's error, median width."""
    found = [row[way] for row in rows if row[way][1] is not None]
    values = np.array([value for value, _ in found])
    cover = sum(low <= truth <= high for _, (low, high) in found) / len(rows)
    return {
        "coverage": cover,
        "error": math.sqrt(cover * (1 - cover) / len(rows)),
        "bias": float(values.mean() - truth),
        "bias error": float(values.std(ddof=1) / math.sqrt(len(values))),
        "width": float(np.median([high - low for _, (low, high) in found])),
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--traces", type=int, default=200)
    parser.add_argument("--prevalence", type=float, default=0.03)
    parser.add_argument("--sd", type=float, default=0.8, help="of the trace effects, on the log odds")
    parser.add_argument("--plan", action="append", choices=list(plans(200)))
    parser.add_argument("--seed", type=int, default=0)
    o = parser.parse_args()
    for plan in o.plan or plans(o.traces):
        start = time.perf_counter()
        truth, rows = simulate(plan, o.runs, o.traces, o.prevalence, o.sd, o.seed)
        n, hits = (float(np.mean([row[k] for row in rows])) for k in ("n", "with the code"))
        off = np.array([row["off"] for row in rows])
        z = off.mean(axis=0) / (off.std(axis=0, ddof=1) / math.sqrt(len(rows)) + 1e-12)
        print(
            f"{plan}: truth {truth:.4f}; {n:.0f} units coded, {hits:.1f} with the code; "
            f"π {z[0]:+.1f}, {z[1]:+.1f}   ({time.perf_counter() - start:.0f} s)"
        )
        for way in ("DSL", "PPI++", "human only", "ignored", "naive"):
            s = summary(truth, rows, way)
            print(
                f"  {way:11} covers {100 * s['coverage']:5.1f} ± {100 * s['error']:3.1f}   "
                f"bias {s['bias']:+.5f} ± {s['bias error']:.5f}   width {s['width']:.4f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
