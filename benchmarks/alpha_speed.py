"""α and its bootstrap beside the krippendorff package (looped), nltk and irrCAC.

    python -m benchmarks.alpha_speed            # nltk and irrCAC are measured where they are installed
    python -m benchmarks.alpha_speed --beside ../base     # this checkout and another in turn, 10⁶ units of 2,000 traces

Each size runs in a process of its own, so that peak memory is its own. Times are medians of processor seconds, of one thread
on every side, so that other work on the machine takes no part; the package's 1,000
resamples are 20 measured ones times 50. At 1,000,000 units the package's own peak memory is beside ours.
"""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

CODES = 10
ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1"}


def data(units: int, coders: int, missing: float) -> np.ndarray[Any, Any]:
    """(coders, units) codes of coders who agree on seven in ten beyond chance; -1 is missing."""
    rng = np.random.default_rng(0)
    truth = rng.integers(0, CODES, units)
    values = np.array(
        [np.where(rng.random(units) < 0.7, truth, rng.integers(0, CODES, units)) for _ in range(coders)]
    )
    values[rng.random(values.shape) < missing] = -1
    return values


def median(act: Callable[[], Any], times: int) -> float:
    """Processor seconds, median."""
    found = []
    for _ in range(times):
        start = time.process_time()
        act()
        found.append(time.process_time() - start)
    return statistics.median(found)


def ours(units: int, coders: int, missing: float, replicates: int, length: int = 50) -> dict[str, float]:
    """``length``: units of a trace."""
    from pedagogy_r1.agreement import krippendorff_alpha

    values, cluster = data(units, coders, missing), np.arange(units) // length
    krippendorff_alpha(values[:, :200], cluster[:200], CODES, replicates=10)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    seconds = median(lambda: krippendorff_alpha(values, cluster, CODES, replicates=replicates), 5)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {"seconds": seconds, "peak_mb": peak / 1024, "before_mb": before / 1024}


def package(units: int, coders: int, missing: float, replicates: int) -> dict[str, float]:
    import krippendorff

    values = data(units, coders, missing)
    counts = np.zeros((units, CODES), dtype=int)
    for row in values:
        np.add.at(counts, (np.flatnonzero(row >= 0), row[row >= 0]), 1)
    rng = np.random.default_rng(1)

    def resample() -> None:
        krippendorff.alpha(value_counts=counts[rng.integers(0, units, units)], level_of_measurement="nominal")

    as_floats = np.where(values < 0, np.nan, values.astype(float))

    def point() -> None:
        krippendorff.alpha(reliability_data=as_floats, level_of_measurement="nominal")

    seconds = median(resample, 20 if units <= 1000 else 5) * replicates if replicates else median(point, 3)
    return {"seconds": seconds, "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}


def nltk(units: int, coders: int, missing: float, replicates: int) -> dict[str, float]:
    from nltk.metrics.agreement import AnnotationTask

    values = data(units, coders, missing)
    rows = [(c, u, int(v)) for c, row in enumerate(values) for u, v in enumerate(row) if v >= 0]
    return {"seconds": median(lambda: AnnotationTask(data=rows).alpha(), 1)}


def irrcac(units: int, coders: int, missing: float, replicates: int) -> dict[str, float]:
    import pandas as pd
    from irrCAC.raw import CAC

    frame = pd.DataFrame(data(units, coders, missing).T.astype(float)).replace(-1, np.nan)
    return {"seconds": median(lambda: CAC(frame).krippendorff(), 1)}


def apart(who: str, *arguments: float) -> dict[str, float] | None:
    """Run one measurement in a fresh process; ``None`` where the package is not installed."""
    code = f"from benchmarks import alpha_speed as b; import json; print(json.dumps(b.{who}{arguments!r}))"
    env = os.environ | ONE_THREAD
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=env)
    if result.returncode:
        assert "ModuleNotFoundError" in result.stderr, result.stderr
        return None
    found: dict[str, float] = json.loads(result.stdout)
    return found


def beside(checkout: Path, pairs: int = 9) -> None:
    """Seconds of this checkout and of another, in turn, each time in a fresh process; the median of their ratios."""
    here = Path(__file__).resolve().parent
    code = "import alpha_speed as b; print(b.ours(1_000_000, 3, 0.2, 1000, 500)['seconds'])"
    found = []
    for _ in range(pairs):
        both = []
        for root in (here.parent, checkout):
            env = os.environ | ONE_THREAD | {"PYTHONPATH": f"{root}{os.pathsep}{here}"}
            result = subprocess.run(
                [sys.executable, "-c", code], capture_output=True, text=True, env=env, check=True, cwd="/"
            )
            both.append(float(result.stdout))
        found.append(both)
        print(f"  here {both[0]:.3f} s  {checkout} {both[1]:.3f} s  {both[0] / both[1]:.2f} ×", flush=True)
    print(f"median of {pairs} ratios {statistics.median(mine / other for mine, other in found):.2f} ×")


def main() -> None:
    """Print the table."""
    if sys.argv[1:2] == ["--beside"]:
        beside(Path(sys.argv[2]).resolve())
        return
    print(
        "1,000 resamples over units and 1,000 over traces (ours: both) against looping the package over units"
    )
    for units in (1_000, 100_000):
        mine, theirs = apart("ours", units, 3, 0.2, 1000), apart("package", units, 3, 0.2, 1000)
        assert mine is not None
        assert theirs is not None
        print(
            f"  {units:>9,} units  ours {mine['seconds']:.3f} s  package {theirs['seconds']:.1f} s  {theirs['seconds'] / mine['seconds']:,.0f} ×"
        )
    mine = apart("ours", 1_000_000, 3, 0.2, 1000)
    assert mine
    print(
        f"  1,000,000 units  ours {mine['seconds']:.2f} s, peak {mine['peak_mb']:.0f} MB ({mine['before_mb']:.0f} MB of it data and imports)"
    )
    print("point estimate, 1,000,000 units × 5 coders")
    mine = apart("ours", 1_000_000, 5, 0.0, 0)
    assert mine
    print(f"  ours {mine['seconds']:.3f} s, peak {mine['peak_mb']:.0f} MB")
    for name, who in (("krippendorff", "package"), ("irrCAC", "irrcac"), ("nltk", "nltk")):
        other = apart(who, 1_000_000, 5, 0.0, 0)
        print(
            f"  {name}: "
            + (
                f"{other['seconds']:.1f} s, {other['seconds'] / mine['seconds']:,.0f} ×"
                if other
                else "not installed"
            )
        )


if __name__ == "__main__":
    main()
