"""How fast the rule-based coder reads: unitize (sentence@1) and code with the Schön cues, nothing written to disk.

    python benchmarks/cues_throughput.py [--workers 1 2] [--repeats 5] [--copies 4] [--codebook schoen]

The real traces of ../shared/data if they are there, else the demo's, replicated. Prints reasoning tokens per second (spaCy
tokens, white space left out) for each number of workers, the median of the repeats, and beside it the floor: spaCy's
blank pipeline tokenizing the same texts and doing nothing else. Workers are spawned anew for every repeat; their
start, up to the first trace that comes back, is printed apart, since a long run pays it once.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Iterator
from pathlib import Path

import spacy

from pedagogy_r1.codebook import Codebook, load_codebook
from pedagogy_r1.coding import Context
from pedagogy_r1.coding.coders.cues import coder
from pedagogy_r1.intake.think_tags import split_response
from pedagogy_r1.runs.run import Coding
from pedagogy_r1.trace import Trace
from pedagogy_r1.unit import Unit, Unitizer

ROOT = Path(__file__).resolve().parent.parent


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--copies", type=int, default=4)
    parser.add_argument("--codebook", default="schoen")
    given = parser.parse_args()
    texts, source = real_texts(), "../shared/data"
    if not texts:
        texts, source = demo_texts(), "demo"
    traces = [
        Trace(id=f"{copy}-{number}", question=question, reasoning=reasoning)
        for copy in range(given.copies)
        for number, (question, reasoning) in enumerate(texts)
    ]
    book = load_codebook(given.codebook)
    floors = [floor(traces) for _ in range(given.repeats)]
    print(
        f"{len(traces)} traces ({source}, {given.copies} copies), codebook {book.ref}, median of {given.repeats}"
    )
    print(f"{'':>22}  {'tokens/s':>10}  {'of the floor':>12}  {'start (s)':>9}")
    base = statistics.median(floors)
    print(f"{'floor: spacy.blank':>22}  {base:>10,.0f}  {1:>12.2f}")
    for workers in given.workers:
        runs = [throughput(traces, book, workers) for _ in range(given.repeats)]
        rate, start = (statistics.median(column) for column in zip(*runs, strict=True))
        print(f"{f'cues, {workers} worker(s)':>22}  {rate:>10,.0f}  {rate / base:>12.2f}  {start:>9.2f}")


def floor(traces: list[Trace]) -> float:
    """Tokens per second of spaCy's tokenizer alone."""
    nlp = spacy.blank("en")
    began = time.perf_counter()
    docs = (nlp.tokenizer(trace.reasoning) for trace in traces)
    tokens = sum(len(doc) - int(doc.to_array("IS_SPACE").sum()) for doc in docs)
    return tokens / (time.perf_counter() - began)


def throughput(traces: list[Trace], book: Codebook, workers: int) -> tuple[float, float]:
    """Tokens per second from the first trace that comes back to the last, and seconds up to the first."""
    tokens = 0
    first: float | None = None

    def emit(trace: Trace, units: list[Unit], codings: list[Coding]) -> None:
        nonlocal tokens, first
        if first is None:
            first = time.perf_counter()
        else:
            tokens += sum(unit.tokens for unit in units)

    began = time.perf_counter()
    coder(Context(book, "bench", Path()), workers=workers).code(traces, Unitizer(), emit)
    assert first is not None
    return tokens / (time.perf_counter() - first), first - began


def real_texts() -> list[tuple[str, str]]:
    """Question and reasoning of the DeepSeek-R1 and QwQ traces."""
    data = ROOT.parent / "shared" / "data"
    if not data.is_dir():
        return []
    rows = json.loads((data / "schoenfeld_original.json").read_text(encoding="utf-8"))
    pairs = [(row["Instruction"], row["deepseek-reasoner (response)"]) for row in rows]
    for path in sorted((data / "reasoningflow" / "traces").glob("*.jsonl")):
        pairs += [(row["question"], row["response"]) for row in lines(path)]
    return [(question, split_response(response).reasoning) for question, response in pairs]


def demo_texts() -> list[tuple[str, str]]:
    """The demo's traces, often enough to measure."""
    pairs = [(row["question"], row["reasoning"]) for row in lines(ROOT / "demo" / "traces.jsonl")]
    return pairs * (1 + 1_000_000 // sum(len(reasoning) for _, reasoning in pairs))


def lines(path: Path) -> Iterator[dict[str, str]]:
    """The objects of a JSONL file."""
    with path.open(encoding="utf-8") as file:
        yield from map(json.loads, file)


if __name__ == "__main__":
    main()
