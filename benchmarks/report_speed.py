"""How long a whole report takes, and how much memory, on synthetic codings.

    python benchmarks/report_speed.py --units 1000000      (codings; seconds by step and peak memory of this process)
    python benchmarks/report_speed.py --units 1000000 --read 5     reading alone, with digests and without, five pairs
    python benchmarks/report_speed.py --units 1000000 --beside ../base     in turn with another checkout, five pairs

Two machine coders code every unit, two people one trace in eleven. Traces of an item resemble each other, ``cop`` differs
from ``generic`` in two codes, and the machines err more on one code than on others. ``--runs FOLDER`` keeps the runs.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from pedagogy_r1.codebook import load_codebook
from pedagogy_r1.codebook.snapshot import dump_codebook
from pedagogy_r1.files.seal import digests
from pedagogy_r1.job import save_record
from pedagogy_r1.report import ReportSettings, build_report
from pedagogy_r1.runs.run import CoderInfo, CoderRun, Manifest
from pedagogy_r1.runs.run_columns import read_columns
from pedagogy_r1.unit import unit_id

PER_TRACE = 250
EVERY = 11
DOMAINS = ("SK", "PK", "KT", "AES", "DM")
BASE = np.array([0.03, 0.44, 0.04, 0.01, 0.12, 0.06, 0.08, 0.03, 0.02, 0.17])


def main() -> None:
    """Write the runs, build the report, print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--units", type=int, default=100_000, help="codings in all")
    parser.add_argument("--runs", type=Path, help="folder to keep the runs and the report in")
    parser.add_argument("--permutations", type=int, default=9999)
    parser.add_argument(
        "--read", type=int, metavar="PAIRS", help="only read the runs, with digests and without"
    )
    parser.add_argument(
        "--beside", type=Path, metavar="CHECKOUT", help="another checkout, in turn with this one"
    )
    parser.add_argument("--pairs", type=int, default=5)
    options = parser.parse_args()
    if options.beside:
        beside(options.beside.resolve(), options.units, options.permutations, options.pairs)
        return
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.runs or Path(temporary)
        runs = write_runs(folder, options.units)
        if options.read:
            read(runs, options.read)
            return
        began, last = time.perf_counter(), ("", time.perf_counter())

        def step(name: str) -> None:
            nonlocal last
            print(f"  {last[0]:20s} {time.perf_counter() - last[1]:6.1f} s" if last[0] else "", flush=True)
            last = (name, time.perf_counter())

        settings = ReportSettings(permutations=options.permutations)
        report = build_report(runs, folder / "report", settings, progress=step)
        step("")
        codings = sum(row["units"] for row in report.table("coverage").rows)
    seconds = time.perf_counter() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"{codings:,} codings: {seconds:.1f} s, {peak:.2f} GiB at most")


_WRITE = "import sys, pathlib; from benchmarks.report_speed import write_runs; write_runs(pathlib.Path(sys.argv[1]), int(sys.argv[2]))"
_REPORT = """
import pathlib, resource, sys, time
from pedagogy_r1.report import ReportSettings, build_report
folder, began = pathlib.Path(sys.argv[1]), time.perf_counter()
runs = [folder / name for name in ("people", "machine_1", "machine_2")]
build_report(runs, folder / "report", ReportSettings(permutations=int(sys.argv[2])))
used = resource.getrusage(resource.RUSAGE_SELF)
print(time.process_time(), time.perf_counter() - began, used.ru_maxrss / 2**20)
"""


def beside(other: Path, codings: int, permutations: int, pairs: int) -> None:
    """Processor seconds (start included), seconds and peak memory of whole reports, this checkout's and another's in turn; one thread
    of BLAS. Each writes its own runs, since records differ between versions."""
    one_thread = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}

    def python(where: Path, *command: object) -> str:
        environment = os.environ | one_thread | {"PYTHONPATH": str(where)}
        call = [sys.executable, "-c", *map(str, command)]
        return subprocess.run(
            call, cwd=where, env=environment, check=True, capture_output=True, text=True
        ).stdout

    checkouts = {"this": Path(__file__).resolve().parent.parent, "other": other}
    with tempfile.TemporaryDirectory() as temporary:
        for name, where in checkouts.items():
            python(where, _WRITE, Path(temporary) / name, codings)
        ratios = []
        for _ in range(pairs):
            spent = {}
            for name, where in checkouts.items():
                found = python(where, _REPORT, Path(temporary) / name, permutations).split()[-3:]
                cpu, clock, peak = map(float, found)
                spent[name] = cpu, clock
                print(f"{name:6s}{cpu:6.1f} s of a processor, {clock:6.1f} s, {peak:.2f} GiB", flush=True)
            ratios.append([a / b for a, b in zip(spent["this"], spent["other"], strict=True)])
    for what, found in zip(("processor", "clock"), zip(*ratios, strict=True), strict=True):
        print(f"{what}: median ratio {statistics.median(found):.3f} ({min(found):.3f} to {max(found):.3f})")


def read(runs: list[Path], pairs: int) -> None:
    """Processor seconds of reading all codings by column, as agreement and report do: checking digests, and where none are recorded."""
    sealed = {run / "run.json": (run / "run.json").read_bytes() for run in runs}
    ratios = []
    for _ in range(pairs):
        spent = []
        for known in (True, False):
            for path, data in sealed.items():
                plain = {k: v for k, v in json.loads(data).items() if k not in ("seal", "sha256", "bytes")}
                path.write_bytes(data if known else json.dumps(plain).encode())
            began = time.process_time()
            columns = read_columns([CoderRun(run) for run in runs])
            spent.append(time.process_time() - began)
            del columns
        ratios.append(spent[0] / spent[1])
        print(f"{spent[0]:.2f} s with digests, {spent[1]:.2f} s without: {ratios[-1]:.3f}", flush=True)
    size = sum(path.stat().st_size for run in runs for path in run.iterdir()) / 1e6
    print(
        f"median {statistics.median(ratios):.3f} ({min(ratios):.3f} to {max(ratios):.3f}), {size:.0f} MB of files"
    )


def write_runs(folder: Path, codings: int) -> list[Path]:
    """Runs ``machine_1``, ``machine_2`` (all traces) and ``people`` (A and B, every eleventh trace)."""
    rng = np.random.default_rng(0)
    traces = max(EVERY * 4, round(codings / PER_TRACE / (2 + 2 / EVERY)))
    book = load_codebook("schoen")
    names = np.array(book.code_ids)
    true = [_codes(rng, number) for number in range(traces)]
    everyone = range(traces)
    some = range(0, traces, EVERY)
    return [
        _write(folder / "people", some, {"A": ("human", 0.1), "B": ("human", 0.15)}, true, names, rng),
        _write(folder / "machine_1", everyone, {"machine_1": ("machine", 0.25)}, true, names, rng),
        _write(folder / "machine_2", everyone, {"machine_2": ("machine", 0.35)}, true, names, rng),
    ]  # fmt: skip


def _codes(rng: np.random.Generator, trace: int) -> np.ndarray:
    share = BASE.copy()
    if trace % 2:  # cop
        share[3] += 0.02
        share[9] -= 0.05
    share = rng.dirichlet(40 * share / share.sum())
    found = rng.choice(len(share), PER_TRACE, p=share)
    again = np.flatnonzero(rng.random(PER_TRACE) < 0.3)
    found[again[again > 0]] = found[again[again > 0] - 1]
    return found


def _write(
    out: Path, traces: range, coders: dict[str, tuple[str, float]], true: list[np.ndarray], names: np.ndarray,
    rng: np.random.Generator,
) -> Path:  # fmt: skip
    out.mkdir(parents=True, exist_ok=True)
    book = load_codebook("schoen")
    (out / "codebook.yaml").write_text(dump_codebook(book), encoding="utf-8")
    stamp = f'"codebook":"{book.stamp}","run_id":"{out.name}"'
    with (
        (out / "traces.jsonl").open("w", encoding="utf-8") as trace_file,
        (out / "units.jsonl").open("w", encoding="utf-8") as unit_file,
        (out / "codings.jsonl").open("w", encoding="utf-8") as coding_file,
    ):
        for t in traces:
            fields = {"id": f"t{t}", "item": f"i{t // 2}", "domain": DOMAINS[t // 2 % 5], "reasoning": "…"}
            fields |= {"condition": "cop" if t % 2 else "generic", "model": "m", "correct": t % 3 > 0}
            trace_file.write(json.dumps(fields) + "\n")
            said = {name: _erring(true[t], error, rng) for name, (_, error) in coders.items()}
            for u in range(PER_TRACE):
                name = unit_id(f"t{t}", "sentence@1", 40 * u, 40 * u + 39)
                unit_file.write(
                    f'{{"id":"{name}","trace_id":"t{t}","scheme":"sentence@1","index":{u},"start":{40 * u},'
                    f'"end":{40 * u + 39},"text":"Sentence {u} of trace t{t}.","tokens":{3 + u % 20}}}\n'
                )
                for coder, codes in said.items():
                    given = "null" if codes[u] < 0 else f'["{names[codes[u]]}"]'
                    why = ',"missing_reason":"timeout"' if codes[u] < 0 else ""
                    coding_file.write(
                        f'{{"unit_id":"{name}","coder":"{coder}","codes":{given}{why},{stamp}}}\n'
                    )
    manifest = Manifest(
        run_id=out.name,
        fingerprint=out.name,
        status="complete",
        started="2026-01-01T00:00:00+00:00",
        finished="2026-01-01T00:00:01+00:00",
        codebook={"id": book.id, "version": book.version, "digest": book.digest},
        coders=[CoderInfo.model_validate({"name": n, "kind": kind}) for n, (kind, _) in coders.items()],
        coder="synthetic",
        scheme="sentence@1",
        parameters={"errors": ", ".join(f"{n} {error}" for n, (_, error) in coders.items())},
        seed=0,
    )
    save_record(out / "run.json", manifest.model_copy(update={"sha256": digests(out, "run.json")}))
    return out


def _erring(true: np.ndarray, error: float, rng: np.random.Generator) -> np.ndarray:
    """Codes with errors, mostly towards the most common code, and one in a thousand missing (−1)."""
    wrong = rng.random(len(true)) < error
    towards = np.where(rng.random(len(true)) < 0.6, 1, rng.integers(0, 10, len(true)))
    codes = np.where(wrong, towards, true)
    return np.where(rng.random(len(true)) < 0.001, -1, codes)


if __name__ == "__main__":
    main()
