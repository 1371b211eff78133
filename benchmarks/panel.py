"""A panel of six language models against people: not worse than the best of them, better than a majority?

    python -m benchmarks.panel            # from the checkout, with ../shared beside it

The sets of ../shared/data/alttest (Calderon et al. 2025): what people said, and six models. α is the mean with each person, nominal.
A weighted panel is measured out of fold over items: an article (framing), a review (cebab), a post (lgbteen), a prompt (10k).
After it: how many units people have to code (`FEW_WEIGHED` of limits.py), each size drawn `DRAWS` times by whole items.
"""

from __future__ import annotations

import json
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pedagogy_r1.agreement.alpha_difference import alpha_with_people
from pedagogy_r1.agreement.comparison import ReliabilityData, reliability_data
from pedagogy_r1.agreement.machine_panel import METHODS, panel
from pedagogy_r1.agreement.panel_votes import decide, fit_vote_weights, vote_shares, weighted_votes
from pedagogy_r1.codebook import Codebook, parse_codebook
from pedagogy_r1.estimate import Resampling
from pedagogy_r1.runs.run import CoderInfo, CoderKind, CoderRun, Coding, Manifest
from pedagogy_r1.runs.run_writer import RunWriter
from pedagogy_r1.trace import Trace
from pedagogy_r1.unit import Unit, unit_id

DATA = Path(__file__).resolve().parents[2] / "shared/data/alttest"
SETS = ("lgbteen", "framing", "cebab_aspects", "10k_prompts")
SIZES, DRAWS = (25, 50, 100, 200, 400, 700), 10
SEEDS = 20
SCHEME = "sentence@1"
Codes = dict[str, dict[str, str]]


@dataclass(frozen=True)
class Measured:
    """α with people: of each coder, and of the panel by method; ``ece``: of the panel's confidence. ``drawn``: α of weighted panels
    whose folds were drawn anew."""

    singles: dict[str, float]
    panels: dict[str, float]
    ece: dict[str, float]
    drawn: tuple[float, ...]


def read(data: Path, name: str) -> tuple[Codes, Codes]:
    """What people and models said, codes as text."""
    both = (json.loads((data / f"{name}_{who}.json").read_text()) for who in ("human", "llm"))
    people, models = (
        {who: {u: str(c) for u, c in said.items()} for who, said in one.items()} for one in both
    )
    return people, models


def write_runs(people: Codes, models: Codes, folder: Path) -> tuple[CoderRun, list[CoderRun]]:
    """A run of the people and one of each model, of the units that people coded; an item is a trace."""
    values = sorted({code for said in (*people.values(), *models.values()) for code in said.values()})
    code = {value: f"C{number}" for number, value in enumerate(values)}
    rows = "".join(f"  - {{id: {c}, name: {c}, family: F, short: c, definition: c}}\n" for c in code.values())
    head = "id: x\nversion: 1.0.0\ntitle: x\nexhaustive: true\nfamilies: [{id: F, name: f}]\ncodes:\n"
    book = parse_codebook(head + rows)
    items: dict[str, list[str]] = {}
    for unit in sorted({unit for said in people.values() for unit in said}):
        items.setdefault(unit.split("__")[0], []).append(unit)
    humans = _write(folder / "people", people, "human", items, code, book)
    return humans, [_write(folder / m, {m: s}, "machine", items, code, book) for m, s in models.items()]


def _write(
    folder: Path,
    said: Codes,
    kind: CoderKind,
    items: dict[str, list[str]],
    code: dict[str, str],
    book: Codebook,
) -> CoderRun:
    coders = [CoderInfo(name=name, kind=kind) for name in said]
    manifest = Manifest.new(
        "bench", book, {"coders": list(said)}, coders=coders, coder="bench", scheme=SCHEME
    )
    with RunWriter(folder, manifest, book) as writer:
        for item, names in items.items():
            texts = [f"Unit {n}." for n in range(len(names))]
            trace = Trace(id=item, question="?", reasoning=" ".join(texts), item=item)
            units, start = [], 0
            for index, text in enumerate(texts):
                end = start + len(text)
                known = {"trace_id": item, "scheme": SCHEME, "index": index, "start": start, "end": end}
                units.append(Unit(id=unit_id(item, SCHEME, start, end), text=text, tokens=3, **known))
                start = end + 1
            stamps = {"codebook": book.stamp, "run_id": manifest.run_id}
            codings = [
                Coding(unit_id=unit.id, coder=who, codes=(code[own[name]],), **stamps)
                for unit, name in zip(units, names, strict=True)
                for who, own in said.items()
                if name in own
            ]
            writer.write(trace, units, codings)
        writer.finish("complete")
    return CoderRun(folder)


def measured(data: Path, name: str, seeds: int = 0) -> Measured:
    """By the command's own function, on runs."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        humans, machines = write_runs(*read(data, name), folder)
        panels, ece, singles = {}, {}, {}
        for method in METHODS:
            found = panel(machines, folder / method, people=[humans], method=method, replicates=0)
            alpha = {who: estimate.value or 0.0 for who, estimate in found.alphas.items()}
            panels[method] = alpha.pop("panel")
            singles = alpha
            ece[method] = _ece(humans, found.run)
        again = (
            panel(machines, folder / f"w{seed}", people=[humans], seed=seed, replicates=0)
            for seed in range(1, seeds)
        )
        drawn = tuple(found.alphas["panel"].value or 0.0 for found in again)
        return Measured(singles, panels, ece, drawn)


def _ece(humans: CoderRun, run: CoderRun) -> float:
    """Right is the share of people who gave the same code; ten bins."""
    said: dict[str, list[str | None]] = {}
    for coding in humans.codings():
        said.setdefault(coding.unit_id, []).append(coding.primary)
    pairs = [
        (c.confidence or 0.0, said[c.unit_id].count(c.primary) / len(said[c.unit_id]))
        for c in run.codings()
        if c.unit_id in said and c.codes is not None
    ]
    sure, right = np.array(pairs).T
    place = np.minimum((sure * 10).astype(int), 9)
    gaps = (abs(sure[place == k].sum() - right[place == k].sum()) for k in range(10))
    return float(sum(gaps) / len(sure))


def learned_from(data: ReliabilityData, size: int, seed: int) -> tuple[float, float, float]:
    """α on all other items of the best coder there, of a majority, and of weights from ``size`` units of whole items."""
    rng = np.random.default_rng(seed)
    people, votes, q = (
        data.primary[data.rows("human")],
        data.primary[data.rows("machine")],
        len(data.categories),
    )
    order = np.argsort(rng.permutation(len(data.traces))[data.cluster], kind="stable")
    first = order[:size]
    out = ~np.isin(data.cluster, data.cluster[first])
    weights = fit_vote_weights(votes[:, first], vote_shares(people[:, first], q), q)
    rest, every = votes[:, out], range(len(votes))
    codes = [
        decide(vote_shares(rest, q), rest, every).code,
        decide(weighted_votes(weights, rest, q), rest, every).code,
    ]
    alphas = [
        alpha_with_people(people[:, out], row, data.cluster[out], q, Resampling(0)).value or 0.0
        for row in (*rest, *codes)
    ]
    return max(alphas[:-2]), alphas[-2], alphas[-1]


def main() -> None:
    """Print both tables."""
    if not DATA.is_dir():
        sys.exit(f"{DATA} is not here: this benchmark needs the real codes beside the checkout")
    print(
        "set            best single    "
        + "".join(f"{method:>22}" for method in METHODS)
        + "   (ECE)   other folds: mean, least"
    )
    for name in SETS:
        found = measured(DATA, name, SEEDS)
        best = max(found.singles, key=lambda who: found.singles[who])
        cells = (f"{found.panels[m]:>14.4f} ({found.ece[m]:.3f})" for m in METHODS)
        print(
            f"{name:<14} {found.singles[best]:.4f} {best:<14}",
            *cells,
            f"  {np.mean(found.drawn):.4f}, {min(found.drawn):.4f}",
        )
    print("\nset            coded   best there   majority   weighted")
    for name in SETS:
        with tempfile.TemporaryDirectory() as place:
            humans, machines = write_runs(*read(DATA, name), Path(place))
            data = reliability_data([humans, *machines])
        for size in SIZES:
            mean = np.mean([learned_from(data, size, seed) for seed in range(DRAWS)], axis=0)
            print(f"{name:<14} {size:>5}" + "".join(f"{value:>12.3f}" for value in mean))


if __name__ == "__main__":
    main()
