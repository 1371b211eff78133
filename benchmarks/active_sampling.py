"""What does an active sample save, and do its 95 % intervals hold?

    python -m benchmarks.active_sampling --runs 1000                     simulated, all machines below
    python -m benchmarks.active_sampling --real RUN CODINGS.csv --n 300 --code OA-ME      a run out of fold, and whom it learned from

*Simulated.* Each run makes 200 traces of 15 to 35 units and eight codes. A unit's code comes from a softmax of what a machine can see (a
trace's own leaning, σ .6, and the unit, σ 4) and of what it cannot (the trace, σ .4: its errors resemble each other within a trace). The
machine gives the likeliest code of what it sees, right on 76 % of units, and says how likely its first three are:

    calibrated      as likely as what it sees makes them
    overconfident   its log odds times 1.6: .85 sure on average
    underconfident  times .6
    confidence      calibrated, but it says the first code's probability only, as language models do

n units are drawn by what ``pcode sample`` draws with (`draw_unequal`), once with equal probabilities and once with ``--active --target CODE``,
and coded without error; both give `corrected_prevalence` what ``pcode report --inclusion`` gives it. *times*: variance of the equal
estimates over that of the active ones, how many times the effective sample, with the standard error of that ratio; *planned*: what
``--plan`` promised (mean). Truth is the share over 40,000 traces.

*Real.* A run's own units are drawn anew each time and get the codes of whoever it learned from (a table of ``unit_id`` and
``primary_code``, or a run of one coder); truth is their share in all units. The intervals are for other traces like these, so they
have to hold it more often than 95 %.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np

from pedagogy_r1.codebook import NONE
from pedagogy_r1.estimate import Flags, Floats, Ints
from pedagogy_r1.files.records import BadRow, read_rows
from pedagogy_r1.runs.run import CoderRun
from pedagogy_r1.sampling.active import FLOOR, Active, Target, allocation, target_of, worth
from pedagogy_r1.sampling.active_plan import planned
from pedagogy_r1.sampling.draw import draw, draw_unequal
from pedagogy_r1.sampling.machine_guess import MachineGuess, dealt_out, machine_guess
from pedagogy_r1.stats.corrected import corrected_prevalence

SHARES = (0.25, 0.2, 0.15, 0.12, 0.1, 0.08, 0.05, 0.05)
CODES = tuple(f"C{k}" for k in range(len(SHARES)))
NAMED = 3
SEEN, UNIT, UNSEEN = 0.6, 4.0, 0.4
MACHINES = {"calibrated": 1.0, "overconfident": 1.6, "underconfident": 0.6, "confidence": 1.0}
WAYS = ("dsl", "ppi", "human")


class DrawSettings(NamedTuple):
    """``n`` of ``what``, of so many ``traces`` where they are simulated."""

    n: int = 300
    floor: float = FLOOR
    what: Literal["units", "traces"] = "units"
    traces: int = 200


@dataclass(frozen=True)
class World:
    """``true``: (units,) code; ``guess``: the machine's; ids of ``units`` and of their ``traces``; ``trace``: (units,) number."""

    true: Ints
    guess: MachineGuess
    units: tuple[str, ...]
    traces: tuple[str, ...]
    trace: Ints


def _softmax(x: Floats) -> Floats:
    e = np.exp(x - x.max(axis=1, keepdims=True))
    return np.asarray(e / e.sum(axis=1, keepdims=True))


def units_of(rng: np.random.Generator, traces: int) -> tuple[Ints, Ints, Floats]:
    """(units,) trace, true code; (units, codes) the log odds that a machine sees."""
    trace = np.repeat(np.arange(traces), rng.integers(15, 36, traces))
    own = rng.normal(size=(2, traces, len(SHARES)))
    seen = 2 * np.log(SHARES) + SEEN * own[0][trace] + UNIT * rng.normal(size=(len(trace), len(SHARES)))
    p = _softmax(seen + UNSEEN * own[1][trace])
    true = (p.cumsum(axis=1) < rng.random((len(trace), 1))).sum(axis=1)
    return trace, np.minimum(true, len(SHARES) - 1), seen


def world(rng: np.random.Generator, machine: str, traces: int) -> World:
    """One data set, and what the machine says of it."""
    trace, true, seen = units_of(rng, traces)
    p = _softmax(seen * MACHINES[machine])
    said = p.argmax(axis=1)
    order = np.argsort(-p, axis=1)
    told = np.zeros_like(p)
    for rank in range(1 if machine == "confidence" else NAMED):
        at = np.arange(len(p)), order[:, rank]
        told[at] = p[at].round(2)
    ids = tuple(f"u{i}" for i in range(len(trace)))
    guess = MachineGuess(
        Path("simulated"),
        "",
        "",
        CODES,
        {u: i for i, u in enumerate(ids)},
        said,
        dealt_out(told, said),
        trace,
    )
    return World(true, guess, ids, tuple(f"t{t}" for t in trace), trace)


def of_runs(machine: Path, people: dict[str, str]) -> World:
    """A machine's run, and the primary code of each unit by whom it learned from."""
    run = CoderRun(machine)
    guess = machine_guess(machine, run.codebook)
    of_trace = {u.id: u.trace_id for u in run.units()}
    ids = tuple(u for u in guess.row if u in people)
    number = {t: k for k, t in enumerate(dict.fromkeys(of_trace[u] for u in ids))}
    rows = guess.rows(ids)
    own = replace(
        guess,
        row={u: k for k, u in enumerate(ids)},
        said=guess.said[rows],
        p=guess.p[rows],
        item=guess.item[rows],
    )
    true = np.array([guess.codes.index(people[u]) for u in ids])
    traces = tuple(of_trace[u] for u in ids)
    return World(true, own, ids, traces, np.array([number[t] for t in traces]))


def drawn(
    here: World, target: Target, way: str, n: int, floor: float, what: str, seed: int
) -> tuple[Floats, Flags, Floats]:
    """(units,) π and whether it was drawn, (elements,) π; as `draw_from` does it, with one stratum and cheaper random orders."""
    of = target.elements(what)
    rng = np.random.default_rng(seed)
    own_trace = here.trace if what == "units" else np.arange(of.count)
    order = np.lexsort((rng.random(of.count), rng.permutation(int(own_trace.max()) + 1)[own_trace])).tolist()
    every = [()] * of.count
    if way == "equal":
        pi = np.full(of.count, n / of.count)
        hit = draw(pi.tolist(), every, order, seed, way)
    else:
        pi = allocation(worth(target, of), n, floor)
        hit = draw_unequal(pi.tolist(), every, order, seed, way)
    return pi[of.number], np.array(hit)[of.number], pi


def one_draw(here: World, code: str, how: DrawSettings, seed: int) -> dict[str, Floats]:
    """By *equal* and *active*: value, low, high of each of `WAYS`; *planned*: times; *coded*: units expected by active and equal."""
    target = target_of(Active("", (code,)), here.guess, here.units, here.traces, tuple)
    k = here.guess.codes.index(code)
    found: dict[str, Floats] = {}
    coded: list[float] = []
    for way in ("active", "equal"):
        n = how.n
        if way == "equal" and how.what == "traces":  # as many units
            n = round(coded[0] * (int(here.trace.max()) + 1) / len(here.trace))
        pi, hit, chances = drawn(here, target, way, n, how.floor, how.what, seed)
        if way == "active":
            found["planned"] = np.array([planned(target, how.what, chances).rows[0].times])
        coded.append(float(pi.sum()))
        y = np.where(hit, here.true == k, np.nan)
        result = corrected_prevalence(y, (here.guess.said == k) * 1.0, pi, here.guess.item)
        ends = [(e.value, *(e.interval or (np.nan, np.nan))) for e in (result.dsl, result.ppi, result.human)]
        found[way] = np.array(ends, dtype=float)
    return found | {"coded": np.array(coded)}


def simulated(
    machine: str, codes: Sequence[str], runs: int, how: DrawSettings, seed: int = 0
) -> dict[str, list[dict[str, Floats]]]:
    """A data set and both draws of each code, over and over."""
    rng = np.random.default_rng([seed, list(MACHINES).index(machine)])
    found: dict[str, list[dict[str, Floats]]] = {code: [] for code in codes}
    for run in range(runs):
        here = world(rng, machine, how.traces)
        for code in codes:
            found[code].append(one_draw(here, code, how, 1_000_000 * seed + run))
    return found


def real(here: World, code: str, runs: int, how: DrawSettings, seed: int = 0) -> list[dict[str, Floats]]:
    """Both draws of the same units, over and over."""
    return [one_draw(here, code, how, 1_000_000 * seed + run) for run in range(runs)]


def true_share(code: str, traces: int = 40_000) -> float:
    """Over so many traces."""
    return float((units_of(np.random.default_rng(99), traces)[1] == CODES.index(code)).mean())


def times(draws: list[dict[str, Floats]], way: str = "dsl") -> tuple[float, float]:
    """Ratio of variances, and its standard error (of the log of two independent ones with normal estimates, times the ratio)."""
    k = WAYS.index(way)
    equal, active = (np.array([one[side][k, 0] for one in draws]) for side in ("equal", "active"))
    ratio = float(equal.var(ddof=1) / active.var(ddof=1))
    return ratio, ratio * float(np.sqrt(4 / (len(draws) - 1)))


def coverage(draws: list[dict[str, Floats]], side: str, truth: float, way: str = "dsl") -> float:
    """Share of the intervals that hold the truth; where there is none, it does not."""
    k = WAYS.index(way)
    return float(np.mean([one[side][k, 1] <= truth <= one[side][k, 2] for one in draws]))


def lines(draws: list[dict[str, Floats]], truth: float) -> Iterator[str]:
    """A line for each estimator."""
    plan = float(np.mean([one["planned"][0] for one in draws]))
    coded = np.mean([one["coded"] for one in draws], axis=0)
    yield f"  share {truth:.4f}; units coded: {coded[1]:.0f} equal, {coded[0]:.0f} active; planned {plan:.2f} times"
    for k, way in enumerate(WAYS):
        ratio, error = times(draws, way)
        sides = []
        for side in ("equal", "active"):
            found = np.array([one[side][k] for one in draws])
            cover = coverage(draws, side, truth, way)
            noise = np.sqrt(cover * (1 - cover) / len(draws))
            off = (found[:, 0].mean() - truth) / (found[:, 0].std(ddof=1) / np.sqrt(len(draws)))
            width = 100 * float(np.nanmedian(found[:, 2] - found[:, 1]))
            sides.append(
                f"{side} covers {100 * cover:.1f} ± {100 * noise:.1f}, width {width:.2f}, bias {off:+.1f} se"
            )
        yield f"  {way:6} {ratio:.2f} ± {error:.2f} times   {'   '.join(sides)}"


def codings_of(path: Path) -> dict[str, str]:
    """unit id → primary code, of a run of one coder or of a table."""
    if path.is_dir():
        return {c.unit_id: c.primary for c in CoderRun(path).codings() if c.primary is not None}
    rows = (row for row in read_rows(path) if not isinstance(row, BadRow))
    return {str(row.data["unit_id"]): str(row.data["primary_code"] or NONE) for row in rows}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--machine", action="append", choices=list(MACHINES))
    parser.add_argument("--code", action="append")
    parser.add_argument("--real", nargs=2, type=Path, metavar=("RUN", "CODINGS"))
    parser.add_argument("--n", type=int, default=300, help="units, or with --what traces traces")
    parser.add_argument("--traces", type=int, default=200)
    parser.add_argument("--what", choices=("units", "traces"), default="units")
    parser.add_argument("--floor", type=float, default=FLOOR)
    parser.add_argument("--seed", type=int, default=0)
    o = parser.parse_args()
    how = DrawSettings(o.n, o.floor, o.what, o.traces)
    if o.real:
        here = of_runs(o.real[0], codings_of(o.real[1]))
        print(
            f"{o.real[0].name}: {len(here.true)} units of {int(here.trace.max()) + 1} traces, {o.runs} draws, {how}"
        )
        for code in o.code or [c for k, c in enumerate(here.guess.codes) if (here.guess.said == k).any()]:
            share = float((here.true == here.guess.codes.index(code)).mean())
            print(f" {code}\n" + "\n".join(lines(real(here, code, o.runs, how, o.seed), share)), flush=True)
        return
    codes = o.code or ("C4", "C6")
    for machine in o.machine or MACHINES:
        start = time.process_time()
        found = simulated(machine, codes, o.runs, how, o.seed)
        print(f"{machine}: {o.runs} runs, {how} ({time.process_time() - start:.0f} s)")
        for code, draws in found.items():
            print(f" {code}")
            print("\n".join(lines(draws, true_share(code))), flush=True)


if __name__ == "__main__":
    main()
