"""What an engine costs: a corpus in shards by ``--engine local`` and ``ray`` beside ``--workers`` over the same traces in one file.

    python -m benchmarks.engines                                 10,000 traces as long as real ones; tokens a second, in rounds
    python -m benchmarks.engines --traces 1000 10000 100000 --words 200 --rounds 1     and how the time grows with the shards
    python -m benchmarks.engines --coder learned:schoen

The traces are made of the real ones of ../shared/data, else of the demo's: over and over, each with an item of its own, whole or
(``--words``) in pieces of so many words. Seconds are of the whole command, start and end included. A round is each command once, one
behind the other, so that what else the machine does meets all of them; of more than 10,000 traces there is one. Last comes the log–log
slope of seconds over traces, start and end taken off: those of the command over 16 traces in four shards, in which every process starts.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from itertools import cycle, islice
from pathlib import Path
from typing import NamedTuple

from benchmarks.cues_throughput import demo_texts, real_texts

FEW = 16
"""Traces over which a command does little but start and end."""

KINDS = {"file": [], "local": ["--engine", "local"], "ray": ["--engine", "ray"]}


class Took(NamedTuple):
    """Seconds by the clock and of a processor, all processes of the command together (Ray's are no children: not counted)."""

    clock: float
    processor: float


def pieces(words: int | None) -> Iterator[tuple[str, str]]:
    """Question and reasoning, without end."""
    for question, text in cycle(real_texts() or demo_texts()):
        said = text.split(" ")
        for low in range(0, len(said), words or len(said)):
            yield question, " ".join(said[low : low + (words or len(said))])


def make(folder: Path, traces: int, shards: int, words: int | None) -> None:
    """``traces.jsonl`` and ``corpus`` with the same traces."""
    with (folder / "traces.jsonl").open("w") as file:
        for number, (question, text) in enumerate(islice(pieces(words), traces)):
            row = {"id": f"t{number}", "item": f"i{number}", "question": question, "reasoning": text}
            file.write(json.dumps(row) + "\n")
    pcode(
        "traces",
        "import",
        str(folder / "traces.jsonl"),
        "--shards",
        str(shards),
        "-o",
        str(folder / "corpus"),
    )


def pcode(*arguments: str) -> Took:
    """One command, as a user types it."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    made = subprocess.run(
        [sys.executable, "-m", "pedagogy_r1", *arguments],
        capture_output=True,
        check=False,
        env=os.environ | {"RAY_worker_niceness": "0"},
    )
    took, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    if made.returncode:
        raise SystemExit(made.stderr.decode())
    return Took(took, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


def coded(folder: Path, kind: str, given: argparse.Namespace) -> tuple[Took, int]:
    """What it took, and the tokens of the run."""
    run = folder / "run"
    source = folder / ("traces.jsonl" if kind == "file" else "corpus")
    rest = ["--workers", str(given.workers), *KINDS[kind]]
    took = pcode("annotate", str(source), "--coder", given.coder, "-o", str(run), *rest)
    counts = json.loads((run / "run.json").read_text())["counts"]
    shutil.rmtree(run)
    return took, counts["tokens"]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0], formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--traces", type=int, nargs="+", default=[10_000])
    parser.add_argument("--words", type=int, help="words of a trace; without, as long as the real ones")
    parser.add_argument("--per-shard", type=int, default=250, help="traces")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--coder", default="cues")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--kinds", nargs="+", choices=list(KINDS), default=list(KINDS))
    given = parser.parse_args()
    start = dict.fromkeys(given.kinds, math.inf)
    middle: dict[tuple[int, str], float] = {}
    with tempfile.TemporaryDirectory() as name:
        for traces in [FEW, *sorted(given.traces)]:
            folder = Path(name) / str(traces)
            folder.mkdir()
            shards = max(4, traces // given.per_shard)
            make(folder, traces, shards, given.words)
            rounds = []
            for _ in range(given.rounds if traces <= 10_000 else 1):
                found = {kind: coded(folder, kind, given) for kind in given.kinds}
                rounds.append({kind: took for kind, (took, _) in found.items()})
            shutil.rmtree(folder)
            for kind in given.kinds:
                middle[traces, kind] = statistics.median(each[kind].clock for each in rounds)
            if traces == FEW:
                start = {kind: middle[FEW, kind] for kind in given.kinds}
                print(f"{FEW} traces: " + ", ".join(f"{kind} {start[kind]:.1f} s" for kind in given.kinds))
                continue
            tokens = next(tokens for _, tokens in found.values())
            print(f"{traces:,} traces, {tokens:,} tokens, {shards} shards")
            for kind in given.kinds:
                clock = " ".join(f"{each[kind].clock:.1f}" for each in rounds)
                part = [each[given.kinds[0]].clock / each[kind].clock for each in rounds]
                print(
                    f"  {kind:>6}  {clock} s  {tokens / middle[traces, kind]:>9,.0f} tokens/s  "
                    f"of {given.kinds[0]}'s {statistics.median(part):.2f} ({min(part):.2f} to {max(part):.2f})  "
                    f"processor {statistics.median(each[kind].processor for each in rounds):.1f} s",
                    flush=True,
                )
    sizes = sorted(given.traces)
    if len(sizes) > 1:
        for kind in given.kinds:
            points = [(math.log(n), math.log(middle[n, kind] - start[kind])) for n in sizes]
            slope = statistics.linear_regression(*zip(*points, strict=True)).slope
            print(f"{kind}: slope of seconds over traces {slope:.3f}")


if __name__ == "__main__":
    main()
