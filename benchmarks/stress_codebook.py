"""How often `pcode codebook stress` tells a coder that reads the codebook from one that does not: scripted coders, by seed.

    python -m benchmarks.stress_codebook --seeds 20

Each seed draws other traces (10 of 12 units, four codes) and other errors (2 % of units of every run); see ``tests/stress_coders.py``.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable
from pathlib import Path

from pedagogy_r1.coding.codebook_stress import NAMES, stress
from pedagogy_r1.coding.stress_report import StressReport
from pedagogy_r1.estimate import Resampling
from tests.fake_openai import FakeOpenAI
from tests.stress_coders import (
    ScriptedCoder,
    faithful,
    first_listed,
    ignoring,
    obeying,
    toy_book,
    toy_traces,
)

CODERS: dict[str, Callable[[int], ScriptedCoder]] = {
    "faithful": faithful,
    "ignores definitions": ignoring,
    "obeys traces": obeying,
    "first listed, half of the time": lambda _: first_listed,
}


def one(coder: ScriptedCoder, seed: int) -> StressReport:
    """The report of one coder on the traces of a seed."""
    with tempfile.TemporaryDirectory() as made, FakeOpenAI(coder=coder) as server:
        folder = Path(made)
        book, traces = toy_book(folder / "toy.yaml"), toy_traces(folder / "traces.jsonl", seed)
        how = {"coder": "llm", "model": "openai:fake", "base_url": server.url, "api_key": "none"}
        found = stress(book, traces, folder / "out", how=Resampling(0), seed=seed, **how)
    assert isinstance(found, StressReport)
    return found


def main() -> None:
    """One line a coder: in how many seeds it passed each test, and the least and greatest share of the swap."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=20)
    seeds = parser.parse_args().seeds
    tests = [*NAMES[1:], "legal"]
    print("| coder | " + " | ".join(tests) + " | followed the swap |\n|---" + "|---" * (len(tests) + 1) + "|")
    for name, make in CODERS.items():
        reports = [{row.name: row for row in one(make(seed), seed).results} for seed in range(seeds)]
        cells = []
        for test in tests:
            verdicts = [report[test].verdict for report in reports]
            tried = len(verdicts) - verdicts.count("not tested")
            cells.append(f"{verdicts.count('passes')}/{tried}")
        shares = [s.value for report in reports if (s := report["swap"].share) and s.value is not None]
        print(f"| {name} | {' | '.join(cells)} | {min(shares):.2f}–{max(shares):.2f} |", flush=True)


if __name__ == "__main__":
    main()
