"""How long ``pcode --help`` takes, beside ``python -c pass``: python benchmarks/help_start.py"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from pathlib import Path


def seconds(command: list[str]) -> float:
    """Wall time of one start."""
    start = time.perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - start


def main() -> None:
    """Medians of 21 pairs."""
    pcode = str(Path(sys.executable).with_name("pcode"))
    pairs = [(seconds([pcode, "--help"]), seconds([sys.executable, "-c", "pass"])) for _ in range(21)]
    ours, floor = (statistics.median(column) for column in zip(*pairs, strict=True))
    print(f"pcode --help {ours:.3f} s, python -c pass {floor:.3f} s, ratio {ours / floor:.1f}")


if __name__ == "__main__":
    main()
