"""How often the intervals of ``--permute`` hold what they are about: invented repeats of traces of uneven length and difficulty.

    python -m benchmarks.order_effect [--tries 2000]

Three repeats, as `annotate --permute --repeats 3` makes them: the first and the last in one order. A unit has a code of its own; a repeat
departs from it by its seed, and by the order that it reads, more in some traces than in others. Prints, for each design, the true
difference in points, the share of 95 % intervals that hold it, and the share that show an effect (lower limit above 0).
"""

from __future__ import annotations

import argparse

import numpy as np

from pedagogy_r1.coding.order_effect import effect_of

UNITS, CODES = 20, 8


def rows(traces: int, by_seed: float, by_order: float, rng: np.random.Generator) -> list[list[float]]:
    """Counts of the pairs of one try."""
    found = []
    for size in np.maximum(3, rng.lognormal(np.log(UNITS), 0.5, traces)).astype(int):
        hard = rng.choice([0.5, 1.0, 1.5])
        orders = [rng.integers(1, CODES, size), rng.integers(1, CODES, size)]
        moved = rng.random((2, size)) < by_order * hard
        said = []
        for order in (0, 1, 0):
            code = np.where(moved[order], orders[order], 0)
            said.append(np.where(rng.random(size) < by_seed * hard, rng.integers(1, CODES, size), code))
        other = sum(int((said[a] != said[1]).sum()) for a in (0, 2))
        same = int((said[0] != said[2]).sum())
        found.append([other, 2 * size, same, size, size / CODES, size])
    return found


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tries", type=int, default=2000)
    tries = parser.parse_args().tries
    rng = np.random.default_rng(0)
    print("traces  seed  order    true   held  shown  without interval")
    for traces in (8, 15, 40):
        for by_seed, by_order in ((0.05, 0.0), (0.2, 0.0), (0.05, 0.1), (0.1, 0.3)):
            many = np.sum(rows(40_000, by_seed, by_order, rng), axis=0)
            true = 100 * (many[0] / many[1] - many[2] / many[3])
            held = shown = none = 0
            for _ in range(tries):
                more = effect_of(
                    rows(traces, by_seed, by_order, rng), list(map(str, range(traces))), 1 / CODES
                ).more
                if more.interval is None:
                    none += 1
                    continue
                held += more.interval[0] <= true <= more.interval[1]
                shown += more.interval[0] > 0
            made = max(1, tries - none)
            print(
                f"{traces:>6}  {by_seed:.2f}  {by_order:>5.2f}  {true:>+6.1f}  {held / made:.3f}  {shown / made:.3f}  {none}"
            )


if __name__ == "__main__":
    main()
