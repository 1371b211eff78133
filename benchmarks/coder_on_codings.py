"""How far a coder under `schoen@1.1.0` agrees with the codings of ../shared/data/schoen_coded, which were made under 1.0.0.

    python benchmarks/coder_on_codings.py [--codebook schoen@1.1.0] [--coder cues]
    python benchmarks/coder_on_codings.py --coder learned:schoen

Teaching texts (coders L1 to L3), R1 and QwQ (M1, M2), and both together (L1 and M1 as one coder, and so on). α of the coder with each of them, the mean
weighted by the units that both coded, jackknife over traces. IA-CQ counts as IA-SQ and KA-CL as OA-SR, since the codings know no others; what the new version codes
otherwise counts as disagreement. Also the share of units in which no cue fires and the codebook's fallback is given.
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

import numpy as np

from pedagogy_r1 import plugins
from pedagogy_r1.agreement import MISSING
from pedagogy_r1.agreement.alpha_difference import alpha_with_people
from pedagogy_r1.codebook import load_codebook
from pedagogy_r1.coding import Context
from pedagogy_r1.coding.annotate import CODERS
from pedagogy_r1.intake import read_traces
from pedagogy_r1.runs.run import Coding
from pedagogy_r1.trace import Trace
from pedagogy_r1.unit import Unit, Unitizer

DATA = Path(__file__).resolve().parent.parent.parent / "shared/data/schoen_coded"
AS_THEN = {"IA-CQ": "IA-SQ", "KA-CL": "OA-SR"}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--codebook", default="schoen@1.1.0")
    parser.add_argument("--coder", default="cues", help="cues or learned:FOLDER")
    given = parser.parse_args()
    book = load_codebook(given.codebook)
    codes = list(load_codebook("schoen@1.0.0").code_ids)
    found = {name: measured(name, book.ref, codes, given.coder) for name in ("teaching", "r1_qwq")}
    last = int(found["teaching"][2].max()) + 1
    both = [np.hstack([found["teaching"][part], found["r1_qwq"][part]]) for part in (0, 1, 3)]
    cluster = np.hstack([found["teaching"][2], found["r1_qwq"][2] + last])
    print(f"{given.coder} under {book.ref}")
    for name, (people, cues, traces, fallback) in [*found.items(), ("both", (*both[:2], cluster, both[2]))]:
        alpha = alpha_with_people(people, cues, traces, len(codes))
        limits = alpha.interval or (float("nan"), float("nan"))
        each = [
            alpha_with_people(row[None], cues, traces, len(codes)).value
            for row in people
            if (row != MISSING).any()
        ]
        print(
            f"{name:9} {people.shape[1]:5} units  α {alpha.value:.3f} [{limits[0]:.3f}, {limits[1]:.3f}]"
            f" (each: {', '.join(f'{value:.3f}' for value in each)})  fallback {fallback.mean():.1%}"
        )


def measured(
    name: str, ref: str, codes: list[str], asked: str
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """(3, units) codes of the coders, (units,) those of the coder ``asked``, (units,) traces, (units,) whether it is the fallback."""
    said: dict[tuple[str, int, int], dict[str, str]] = {}
    with (DATA / name / "codings.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            key = (row["trace_id"], int(row["start"]), int(row["end"]))
            said.setdefault(key, {}).setdefault(row["coder"], row["code"])
    people: list[list[int]] = []
    cues: list[int] = []
    cluster: list[int] = []
    fallback: list[bool] = []
    numbers: dict[str, int] = {}

    def emit(trace: Trace, units: list[Unit], codings: list[Coding]) -> None:
        for unit, coding in zip(units, codings, strict=True):
            theirs = said.get((trace.id, unit.start, unit.end))
            if theirs and coding.codes:
                given = {who[-1]: codes.index(code) for who, code in theirs.items()}
                people.append([given.get(number, MISSING) for number in "123"])
                cues.append(codes.index(AS_THEN.get(coding.codes[0], coding.codes[0])))
                cluster.append(numbers.setdefault(trace.id, len(numbers)))
                fallback.append(coding.evidence is None)

    traces = read_traces(DATA / name / "traces.jsonl")
    plugin, _, folder = asked.partition(":")
    coder = plugins.load(CODERS, plugin)
    options = {"path": folder} if folder else {}
    coder(Context(load_codebook(ref), "bench", Path()), **options).code(traces, Unitizer(), emit)
    return np.array(people).T, np.array(cues), np.array(cluster), np.array(fallback)


if __name__ == "__main__":
    main()
