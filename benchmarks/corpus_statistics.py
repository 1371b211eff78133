"""Agreement with intervals and shares over 10⁸ codings that nobody holds: seconds and peak memory, from 1,000 shards' tallies.

    python benchmarks/corpus_statistics.py --equal              at 10⁶ codings, against the computation from the codings
    python benchmarks/corpus_statistics.py --shards 1000 --folder /tmp/tallies
    python benchmarks/corpus_statistics.py --shards 100 --folder /tmp/run --report      `pcode report` of 10⁷ codings, in a process of its own

Two machine coders, ten codes, one unit in twenty with a second code, one coding in fifty missing; 1,250 traces a shard of 40
units on average (lognormal). The shards' tallies are there before the clock starts: of 20 random shards, each 50 times with
other traces' ids. What is measured runs in a process of its own, which reads them, checks their digests, adds them up, and
computes all that ``agreement`` has and every code's share by units and tokens, overall and by condition.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from pedagogy_r1.agreement.agreement_report import comparisons_of
from pedagogy_r1.agreement.comparison import reliability_of
from pedagogy_r1.agreement.corpus_agreement import agree_on
from pedagogy_r1.codebook import load_codebook
from pedagogy_r1.codebook.codebook import SNAPSHOT
from pedagogy_r1.codebook.snapshot import dump_codebook
from pedagogy_r1.estimate import Resampling
from pedagogy_r1.files.records import write_text
from pedagogy_r1.files.seal import RUN
from pedagogy_r1.job import save_record
from pedagogy_r1.runs.codings_table import frame_of
from pedagogy_r1.runs.manifest import Manifest
from pedagogy_r1.runs.run import CoderInfo
from pedagogy_r1.runs.run_columns import RunColumns
from pedagogy_r1.runs.shards import ShardRecord
from pedagogy_r1.runs.tally import add_up, tally
from pedagogy_r1.runs.tally_file import read_tally, write_tally
from pedagogy_r1.shards.shard_record import record_name
from pedagogy_r1.stats.code_frequency import frequency

BOOK = load_codebook("schoen")
CODERS = ("cues", "llm")
BASE = np.array([0.03, 0.44, 0.04, 0.01, 0.12, 0.06, 0.08, 0.03, 0.02, 0.17])
TRACES, UNITS = 1_250, 40
DIFFERENT = 20
DIGESTS = "digests.json"
HOW = Resampling()
SHARES = [(by, basis) for by in ((), ("condition",)) for basis in ("units", "tokens")]


def main() -> None:
    """Make the tallies and measure, or compare."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--shards", type=int, default=20)
    parser.add_argument(
        "--folder", type=Path, help="where the tallies are kept, and taken from if they are there"
    )
    parser.add_argument("--equal", action="store_true", help="only compare, at ten shards")
    parser.add_argument("--report", action="store_true", help="write a report of them")
    parser.add_argument("--measure", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        measure(options.folder)
        return
    if options.equal:
        compare()
        return
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.folder or Path(temporary)
        if not (folder / DIGESTS).is_file():
            began = time.perf_counter()
            make(folder, options.shards)
            print(
                f"{options.shards} tallies made in {time.perf_counter() - began:.0f} s, not counted",
                flush=True,
            )
        if options.report:
            report(folder)
            return
        subprocess.run([sys.executable, __file__, "--measure", "--folder", str(folder)], check=True)


def columns_of(seed: int, traces: int) -> RunColumns:
    """Random codings of one shard."""
    rng = np.random.default_rng(seed)
    lengths = np.maximum(1, rng.lognormal(np.log(UNITS) - 0.18, 0.6, traces)).astype(np.int64)
    trace = np.repeat(np.arange(traces), lengths)
    n, k = len(trace), len(BASE)
    usual = rng.dirichlet(BASE * 20, traces).cumsum(axis=1)
    truth = (rng.random(n)[:, None] > usual[trace]).sum(axis=1).clip(0, k - 1)
    patterns: list[tuple[str, ...]] = [(code,) for code in BOOK.code_ids]
    patterns += [(a, b) for a in BOOK.code_ids for b in BOOK.code_ids if a != b]
    said = np.empty((n, len(CODERS)), dtype=np.int64)
    for at, sure in enumerate((0.6, 0.75)):
        first = np.where(rng.random(n) < sure, truth, rng.choice(k, n, p=BASE))
        second = k + first * (k - 1) + rng.integers(0, k - 1, n)
        said[:, at] = np.where(rng.random(n) < 0.05, second, first)
        said[rng.random(n) < 0.02, at] = -1
    index = np.arange(n) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    why = pa.array(["timeout" if one < 0 else None for one in said.ravel().tolist()], pa.string())
    units = {"trace": trace, "index": index, "position": (index + 0.5) / lengths[trace]}
    return RunColumns(
        BOOK,
        tuple(CoderInfo(name=name, kind="machine") for name in CODERS),
        tuple(patterns),
        _traces(rng, traces, f"{seed}-"),
        pa.table({"id": [f"u{seed}-{u}" for u in range(n)]} | units | {"tokens": 1 + rng.poisson(20, n)}),
        pa.table(
            {
                "unit": np.repeat(np.arange(n), len(CODERS)),
                "coder": np.tile(np.arange(len(CODERS)), n),
                "pattern": said.ravel(),
                "missing_reason": why,
            }
        ),
    )


def _traces(rng: np.random.Generator, traces: int, start: str) -> pa.Table:
    items = np.char.add(f"item-{start}", (np.arange(traces) // 2).astype(str))
    some = {
        "domain": ["SK", "PK", "KT", "AES", "DM"],
        "condition": ["cop", "generic"],
        "model": ["R1-7B", "R1-1.5B"],
    }
    return pa.table(
        {"id": np.char.add(f"trace-{start}", np.arange(traces).astype(str)), "item": items}
        | {name: np.array(values)[rng.integers(0, len(values), traces)] for name, values in some.items()}
        | {"correct": rng.random(traces) < 0.6}
    )


def make(folder: Path, shards: int) -> None:
    """Tallies of so many shards, and their digests as a run's record would hold them."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(0)
    different = [tally(columns_of(seed, TRACES)) for seed in range(min(DIFFERENT, shards))]
    digests = {}
    for at in range(shards):
        name = f"tally-{at:04d}.parquet"
        one = dataclasses.replace(different[at % len(different)], traces=_traces(rng, TRACES, f"{at}-"))
        digests[name] = write_tally(folder / name, one)
    (folder / DIGESTS).write_text(json.dumps(digests))


def report(folder: Path) -> None:
    """Record the tallies as a run over a corpus, and write its report: seconds, and the most memory of the process."""
    digests: dict[str, str] = json.loads((folder / DIGESTS).read_text())
    coders = [CoderInfo(name=name, kind="machine") for name in CODERS]
    source = {"traces": "corpus", "traces_digest": "sha256:0"}
    how: dict[str, Any] = {"coders": coders, "coder": "cues", "scheme": "sentence@1", "shards": len(digests)}
    manifest = Manifest.new("cues", BOOK, {"shards": len(digests)}, source=source, **how)
    for number, (name, sha256) in enumerate(digests.items()):
        coded = int(read_tally(folder / name, BOOK).units.sizes.sum()) * len(CODERS)
        save_record(
            folder / record_name(number),
            ShardRecord(
                number=number, run_id=manifest.run_id, source="", counts={"coded": coded},
                sha256={name: sha256}, bytes={name: (folder / name).stat().st_size},
            ),
        )  # fmt: skip
    write_text(folder / SNAPSHOT, dump_codebook(BOOK))
    save_record(folder / RUN, manifest.model_copy(update={"status": "complete"}))
    began = time.perf_counter()
    command = [sys.executable, "-m", "pedagogy_r1", "report", str(folder), "-o", str(folder / "report")]
    subprocess.run([*command, "--by", "condition"], check=True)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = f"{time.perf_counter() - began:.0f} s ({used.ru_utime + used.ru_stime:.0f} s of a processor)"
    print(f"the report of {len(digests):,} shards: {seconds}, {used.ru_maxrss / 2**20:.2f} GiB")


def measure(folder: Path) -> None:
    """Everything from the tallies on disk."""
    began, last = time.perf_counter(), (time.perf_counter(), time.process_time())

    def step(said: str) -> None:
        nonlocal last
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        now = time.perf_counter(), time.process_time()
        spent = f"{now[0] - last[0]:6.1f} s ({now[1] - last[1]:6.1f} s of a processor)"
        print(f"  {said:34s} {spent}   {peak:5.2f} GiB so far", flush=True)
        last = now

    digests = json.loads((folder / DIGESTS).read_text())
    whole = add_up(read_tally(folder / name, BOOK, sha256) for name, sha256 in digests.items())
    step(f"{len(digests):,} tallies read, added up")
    report = agree_on(whole, how=HOW)
    alpha = report.comparisons[0].result
    step("agreement with intervals")
    for by, basis in SHARES:
        frequency(whole, by, basis=basis)  # type: ignore[arg-type]
        step(f"shares by {basis}{' and condition' if by else ''}")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    said = f"α {alpha.value:.4f} [{alpha.low:.4f}, {alpha.high:.4f}], {whole.patterns.shape[1]:,} patterns, {len(whole.units.pattern):,} rows"
    codings = report.n_units * len(CODERS)
    print(
        f"{codings:,} codings of {report.n_traces:,} traces: {time.perf_counter() - began:.1f} s, {peak:.2f} GiB; {said}"
    )


def compare() -> None:
    """At 10⁶ codings: the largest difference between any two numbers, of which one comes from tallies."""
    parts = [columns_of(seed, TRACES) for seed in range(10)]
    whole = add_up(tally(one) for one in parts)
    together = joined(parts)
    data, table = reliability_of(together), frame_of(together)
    found: list[Any] = [agree_on(whole, how=HOW).comparisons]
    wanted: list[Any] = [comparisons_of(data, HOW)]
    for by, basis in SHARES:
        found.append(frequency(whole, by, basis=basis))  # type: ignore[arg-type]
        wanted.append(frequency(table, by, basis=basis))  # type: ignore[arg-type]
    numbers = 0
    worst = 0.0
    for one, other in zip(_leaves(found), _leaves(wanted), strict=True):
        numbers += 1
        if isinstance(other, float):
            worst = max(worst, abs(one - other) / max(1.0, abs(other)))
        elif one != other:
            raise SystemExit(f"{one!r} is not {other!r}")
    print(f"{len(together.codings):,} codings: {numbers:,} values compared, largest difference {worst:.1e}")


def joined(parts: list[RunColumns]) -> RunColumns:
    """The shards' rows behind each other."""
    tables: dict[str, list[pa.Table]] = {"traces": [], "units": [], "codings": []}
    rows = {"traces": 0, "units": 0}
    for part in parts:
        units = part.units.set_column(1, "trace", pa.array(part.numbers("units", "trace") + rows["traces"]))
        codings = part.codings.set_column(
            0, "unit", pa.array(part.numbers("codings", "unit") + rows["units"])
        )
        for name, table in (("traces", part.traces), ("units", units), ("codings", codings)):
            tables[name].append(table)
        rows = {name: rows[name] + len(getattr(part, name)) for name in rows}
    whole = {name: pa.concat_tables(found).combine_chunks() for name, found in tables.items()}
    return dataclasses.replace(parts[0], **whole)


def _leaves(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        value = vars(value)
    if isinstance(value, dict):
        for name, one in value.items():
            yield name
            yield from _leaves(one)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _leaves(one)
    else:
        yield value


if __name__ == "__main__":
    main()
