"""How often the interval of "what ten more traces would bring" holds the truth: simulated coders, learned anew each time.

    python -m benchmarks.learning_forecast [--tries 400] [--seed 0]

Traces of six to thirty units; a unit's numbers are those of its code, of its trace, and noise; the coder is the nearest mean of a code. The curve is
that of a card: a fifth of the traces set aside, five draws, learned from a quarter, half and all of the rest. The truth is the mean rise of
α over fresh sets of n and n + 10 traces, on 200 traces that nothing is learned from.
"""

from __future__ import annotations

import argparse

import numpy as np

from pedagogy_r1.agreement.learning_forecast import MORE, rise_of
from pedagogy_r1.coding.learned.fit_model import REPEATS, SHARES

CODES = 4


class Teacher:
    """Codes in ``width`` numbers; ``far``: how far their means are from each other."""

    def __init__(self, width: int, far: float, rng: np.random.Generator) -> None:
        self.rng, self.means = rng, rng.normal(0, far, (CODES, width))

    def traces(self, n: int) -> list[tuple[np.ndarray, np.ndarray]]:
        """Numbers and codes of each."""
        found = []
        for size in self.rng.integers(6, 31, n):
            code = self.rng.choice(CODES, size, p=[0.55, 0.25, 0.15, 0.05])
            own = self.rng.normal(0, 0.5, self.means.shape[1])
            found.append((self.means[code] + own + self.rng.normal(0, 1, (size, len(own))), code))
        return found


def alpha_of(taught: list, new: list) -> float:
    """Nominal α of nearest means with the truth; with α's expected disagreement of two coders."""
    x, code = (np.concatenate(part) for part in zip(*taught, strict=True))
    there = np.unique(code)
    means = np.array([x[code == k].mean(axis=0) for k in there])
    x, code = (np.concatenate(part) for part in zip(*new, strict=True))
    said = there[((x[:, None] - means) ** 2).sum(axis=2).argmin(axis=1)]
    counts = np.bincount(np.concatenate([code, said]), minlength=CODES)
    n = counts.sum()
    return float(1 - (code != said).mean() / (1 - (counts * (counts - 1)).sum() / (n * (n - 1))))


def draws_of(traces: list, rng: np.random.Generator) -> list[dict[int, float]]:
    """As `learning_curve` does."""
    found = []
    for _ in range(REPEATS):
        order = rng.permutation(len(traces))
        cut = round(len(traces) / 5)
        out, rest = order[:cut], order[cut:]
        sizes = [max(2, round(share * len(rest))) for share in SHARES]
        new = [traces[i] for i in out]
        found.append({n: alpha_of([traces[i] for i in rest[:n]], new) for n in sizes})
    return found


def main() -> None:
    """Print a row a design."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tries", type=int, default=400)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    for n in (20, 40, 150):
        for width, far in ((5, 0.8), (40, 0.3), (100, 0.2)):
            rng = np.random.default_rng(given.seed)
            teacher = Teacher(width, far, rng)
            test = teacher.traces(200)
            fresh = [teacher.traces(n + MORE) for _ in range(given.tries)]
            truth = float(np.mean([alpha_of(one, test) - alpha_of(one[:n], test) for one in fresh]))
            found = [rise_of(draws_of(one[:n], rng), n) for one in fresh]
            told = [one.interval for one in found if one.interval]
            held = np.mean([low <= truth <= high for low, high in told])
            width_ = np.mean([high - low for low, high in told])
            value = np.mean([one.value for one in found if one.value is not None])
            print(
                f"{n:4} traces, {width:3} numbers: truth {truth:+.4f}, mean forecast {value:+.4f}, "
                f"interval held it in {held:.1%} of {len(told)}, mean width {width_:.3f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
