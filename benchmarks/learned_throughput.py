"""How fast the learned coder that ships codes: python benchmarks/learned_throughput.py [--repeats 5] [--coder schoen]

The units of the teaching corpus, cut beforehand, one thread. Prints units a processor second, the median of the repeats, for the
whole (`LearnedModel.probabilities`) and for its parts: the cues alone, what else is seen of a unit, and the arithmetic; beside it
the floor, spaCy's blank pipeline tokenizing the same texts; and the seconds that the imports, the model and the first trace take.
"""

from __future__ import annotations

import argparse
import importlib
import os
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--coder", default="schoen")
    given = parser.parse_args()
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = "1"  # before anything is imported that asks
    os.environ["PCODE_SPACY_ALONE"] = "1"  # as pcode does
    begun = time.process_time()
    annotate, learned, features = (
        importlib.import_module(f"pedagogy_r1.coding.{name}")
        for name in ("annotate", "learned.fit_coder", "learned.unit_features")
    )
    start = time.process_time()
    model: Any = learned.LearnedCoderFolder(annotate.shipped_coder(given.coder) or given.coder).model(None)
    loaded = time.process_time()
    model.probabilities("How many?", ["Wait, that contradicts the graph."])
    first = time.process_time()
    print(
        f"imports {start - begun:.2f} s, the model {loaded - start:.2f} s, the first trace (spaCy, cues) {first - loaded:.2f} s"
    )
    traces = units_of_traces()
    units = sum(len(texts) for _, texts in traces)

    def rate(work: Callable[[str, list[str]], object]) -> float:
        """Units a processor second."""
        begun = time.process_time()
        for question, texts in traces:
            work(question, texts)
        return units / (time.process_time() - begun)

    cues = model.cues
    blank = importlib.import_module("spacy").blank("en")
    parts: dict[str, Callable[[str, list[str]], object]] = {
        "floor: spacy.blank": lambda _, texts: list(blank("\n".join(texts))),
        "the cues alone": cues.of,
        "the rest of what is seen": features.see,
        "all of it": model.probabilities,
    }
    found: dict[str, list[float]] = {name: [] for name in parts}
    for _ in range(given.repeats):
        for name, work in parts.items():
            found[name].append(rate(work))
    floor = statistics.median(found["floor: spacy.blank"])
    print(f"{len(traces)} traces, {units} units, median of {given.repeats}")
    for name, rates in found.items():
        middle = statistics.median(rates)
        print(
            f"{name:>26}  {middle:>9,.0f} units/s  ({min(rates):,.0f}-{max(rates):,.0f})  {middle / floor:.2f} of the floor"
        )


def units_of_traces() -> list[tuple[str, list[str]]]:
    """Question and units of every trace of the teaching corpus."""
    from pedagogy_r1.intake.traces_file import TracesFile
    from pedagogy_r1.unit import Unitizer

    unitize = Unitizer("sentence@1", "en")
    path = Path(__file__).resolve().parent.parent / "corpus" / "teaching" / "traces.jsonl"
    return [(trace.question, [unit.text for unit in unitize(trace)]) for trace in TracesFile(path)]


if __name__ == "__main__":
    main()
