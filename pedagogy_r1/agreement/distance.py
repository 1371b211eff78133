"""Distances δ between values: how bad is a disagreement?

    nominal   1 if they differ              ordinal   (Σ of n_g from c to k − (n_c + n_k)/2)², from the data
    interval  (c − k)²                      ratio     ((c − k)/(c + k))²
    jaccard   1 − |C∩K|/|C∪K|               masi      1 − J·M
    dice      1 − 2|C∩K|/(|C| + |K|)        multivalued: Dice's, with another D_e (see `alpha.py`)

(Krippendorff 2011; sets: Passonneau 2006, *MASI*, with M = 1 for equal sets, 2/3 where one contains the other, 1/3
where they overlap, 0 where they do not.) Another "MASI" circulates (DKPro): (1 − J)·M′ with M′ = 0, 1/3, 2/3, 1; it
is here as ``masi-dkpro`` to compare with, and gives other numbers. Two empty sets are equal: distance 0.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction

import numpy as np

from ..errors import did_you_mean
from .profile import Floats

NUMERIC = ("interval", "ratio")
MULTIVALUED = "multivalued"


def distances(measurement: str, domain: Sequence[float] | Sequence[frozenset[str]] | int) -> Floats | None:
    """(K, K) δ over the domain: numbers for interval and ratio, sets for set-valued levels, else how many values.

    ``None`` for ordinal, whose δ depends on how often each value was used.
    """
    known = ["nominal", "ordinal", *NUMERIC, *_SET]
    if measurement not in known:
        raise ValueError(
            f"no level of measurement is named {measurement!r}: {did_you_mean(measurement, known)}"
        )
    if measurement == "ordinal":
        return None
    if measurement == "nominal":
        return 1 - np.eye(domain if isinstance(domain, int) else len(domain))
    if isinstance(domain, int):
        raise ValueError(f"level {measurement!r} needs the values themselves: give the domain")
    if measurement in NUMERIC:
        return _numeric(measurement, np.asarray(domain, dtype=np.float64))
    sets = [frozenset(value) for value in domain]  # type: ignore[arg-type]
    return np.array([[float(_SET[measurement](a, b)) for b in sets] for a in sets])


def _numeric(measurement: str, values: Floats) -> Floats:
    difference = values[:, None] - values[None]
    if measurement == "interval":
        return np.asarray(difference**2)
    total = values[:, None] + values[None]
    return np.divide(difference, total, out=np.zeros_like(difference), where=total != 0) ** 2


def _jaccard(a: frozenset[str], b: frozenset[str]) -> Fraction:
    return 1 - Fraction(len(a & b), len(a | b)) if a | b else Fraction(0)


def _masi(a: frozenset[str], b: frozenset[str]) -> Fraction:
    monotonicity = Fraction(1 if a == b else 2 if a <= b or b <= a else 1 if a & b else 0, 1 if a == b else 3)
    return 1 - (1 - _jaccard(a, b)) * monotonicity


def _masi_dkpro(a: frozenset[str], b: frozenset[str]) -> Fraction:
    penalty = Fraction(0 if a == b else 1 if a <= b or b <= a else 2 if a & b else 3, 3)
    return _jaccard(a, b) * penalty


def _dice(a: frozenset[str], b: frozenset[str]) -> Fraction:
    return 1 - Fraction(2 * len(a & b), len(a) + len(b)) if a or b else Fraction(0)


_SET: dict[str, Callable[[frozenset[str], frozenset[str]], Fraction]] = {
    "jaccard": _jaccard,
    "masi": _masi,
    "dice": _dice,
    "masi-dkpro": _masi_dkpro,
    MULTIVALUED: _dice,
}
