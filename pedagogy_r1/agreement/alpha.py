"""Krippendorff's α, with intervals over traces (see `estimate`) and, resampled, over units.

    α = 1 − D_o / D_e          D_o = Σ_u d_u / N      d_u = Σ_c Σ_k (n_uc n_uk − [c = k] n_uc) δ_ck / (m_u − 1)
                               D_e = Σ_c Σ_k n_c n_k δ_ck / (N (N − 1))

n_uk: how many coders gave unit u the value k; m_u = Σ_k n_uk, only units with m_u ≥ 2 are pairable; n_k = Σ_u n_uk;
N = Σ_k n_k, the number of pairable values; δ: `distances`. (Krippendorff 2011, *Computing Krippendorff's
Alpha-Reliability*; Hayes & Krippendorff 2007.) So a resample needs no more than the sums of d_u and n_uk over its
units, and for the ordinal level, whose δ depends on the n_k, the sums of the units' coincidences.

Sets of codes have two answers to what chance would do. Jaccard, MASI and Dice draw whole *sets*, as often as they were
used, by the formula above. Multi-valued α (Krippendorff & Craggs 2016) draws how many codes, then the *codes* one by one:

    D_e = Σ_a Σ_b P_a P_b · Σ_{|C|=a, |K|=b} w_CK δ_CK / Σ w_CK      w_CK = Π_{c∈C} n_c · Π_{k∈K∖C} n_k · Π_{k∈C∩K} (n_k − 1)

with Dice's δ; P_a: share of pairable codings with a codes; n_c: how often code c was given in pairable units. The two
answers differ (on the paper's Table 3, .344 with sets and .287 with codes).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np

from ..codebook.codebook import FARTHEST, NUMERIC
from ..errors import did_you_mean
from ..estimate import Flags, HeldCounts, Interval, Resampling
from ..limits import ALPHA_RELIABLE, ALPHA_TENTATIVE, LEVEL
from .profile import (
    Additive,
    ByTrace,
    Floats,
    Ints,
    Profiles,
    TwoIntervals,
    profiles,
    ratio,
    sizes_of,
    unit_interval,
)

MULTIVALUED = "multivalued"

REFERENCE_UNITS = 20_000
"""Up to so many units the ``krippendorff`` package itself gives the point estimate; ours equals it to 1e-12 (tested),
and at a million units is a hundred times faster."""

LIMITS = (ALPHA_TENTATIVE, ALPHA_RELIABLE)


@dataclass(frozen=True)
class Alpha(TwoIntervals):
    """α; ``n``: units coded by two or more. ``observed``, ``expected``: D_o, D_e. ``n_pairable``: values. ``q``:
    for each of Krippendorff's limits, the confidence that the true α lies below it, where there is an interval over traces.
    """

    observed: float | None = None
    expected: float | None = None
    n_pairable: int = 0
    q: dict[str, float] = field(default_factory=dict)

    @property
    def alpha(self) -> float | None:
        """The value."""
        return self.value

    @property
    def ci_cluster(self) -> tuple[float, float] | None:
        """The interval over traces; ``None`` where none can hold."""
        return self.interval

    @property
    def n_units(self) -> int:
        """Units that two coders or more coded."""
        return self.n

    def as_json(self) -> dict[str, Any]:
        """As an `Estimate`, and by the names that α alone has: ``alpha``, ``ci_cluster``, ``n_units``."""
        ends = None if self.interval is None else list(self.interval)
        return super().as_json() | {"alpha": self.value, "ci_cluster": ends, "n_units": self.n}


Domain = int | Sequence[float] | Sequence[frozenset[str]]


class Reliability(NamedTuple):
    """One α to be computed: (coders, units) ``values`` as indices into ``domain`` (how many values there are, or the
    numbers or sets that they stand for), ``MISSING`` (-1) where there is none; ``cluster``: (units,) trace of each unit, or see `ByTrace`."""

    values: Ints
    cluster: ByTrace
    domain: Domain
    measurement: str = "nominal"

    @property
    def size(self) -> int:
        """K, the number of values."""
        return self.domain if isinstance(self.domain, int) else len(self.domain)

    @property
    def n(self) -> int:
        """How many units there are, pairable or not."""
        return int(sizes_of(self.cluster).sum())

    def only(self, units: Flags) -> Reliability:
        """Only these (units,)."""
        return self._replace(values=self.values[:, units], cluster=self.cluster[units])


def krippendorff_alpha(
    values: Ints,
    cluster: ByTrace,
    domain: Domain,
    *,
    level: str = "nominal",
    replicates: int = 1000,
    seed: int = 0,
    confidence: float = LEVEL,
    interval: Interval = "jackknife",
) -> Alpha:
    """α of one set of reliability data (see `Reliability`). ``level``: of measurement, see `distances`.

    Degenerate data raise nothing: ``why_undefined`` says in words why there is no α, ``warnings`` why it has no interval.
    """
    how = Resampling(replicates, seed, confidence, interval)
    return krippendorff_alphas([Reliability(values, cluster, domain, level)], how)[0]


def krippendorff_alphas(data: Sequence[Reliability], how: Resampling = Resampling()) -> list[Alpha]:
    """Several α's, as for the presence of every code of a book."""
    begun = [(begin(one, how), one) for one in data]
    return [b if isinstance(b, Alpha) else _finish(b, one, how) for b, one in begun]


class Begun(NamedTuple):
    """An α before its intervals."""

    found: Profiles
    statistic: Additive
    observed: float
    expected: float
    n_pairable: int


def begin(data: Reliability, how: Resampling) -> Begun | Alpha:
    """α as a statistic of profiles, or why there is none."""
    found = profiles(data.values, data.size, data.cluster)
    n_units = found.n
    if not n_units:
        return Alpha.undefined("no unit was coded by two coders", level=how.level)
    features, parts = alpha_features(found.counts.astype(np.float64), data)
    cluster = data.cluster if len(found.units) == data.values.shape[1] else data.cluster[found.units]
    statistic = Additive(features, found.profile, cluster, lambda sums: parts(sums).alpha)
    _, observed, expected, n_pairable = (float(part[0]) for part in parts(statistic.sums()[None]))
    if expected <= 0:
        what = "are the same" if np.count_nonzero(found.counts.sum(axis=0)) < 2 else "stand for one number"
        same = f"all pairable values {what}, so there is nothing that chance could confuse"
        return Alpha.undefined(same, level=how.level, n=n_units, n_pairable=round(n_pairable))
    return Begun(found, statistic, observed, expected, round(n_pairable))


def _finish(begun: Begun, data: Reliability, how: Resampling) -> Alpha:
    over = begun.statistic.trace_interval(
        how, "agreement", dissent(begun.found.counts, begun.found.sizes), LIMITS
    )
    return Alpha(
        point_estimate(begun.statistic, data, begun.found),
        q=over.pop("below"),
        **over,
        **unit_interval(begun.statistic.over_units(how), how),
        observed=begun.observed,
        expected=begun.expected,
        n_pairable=begun.n_pairable,
    )


def dissent(counts: Ints, sizes: Ints) -> Floats:
    """(profiles,) the share of a unit's values that are not the commonest of all. ``counts``: (profiles, values) how often a unit
    has each; ``sizes``: (profiles,) units."""
    commonest = int((sizes @ counts).argmax())
    return np.asarray(1 - counts[:, commonest] / counts.sum(axis=1))


def point_estimate(statistic: Additive, data: Reliability, found: Profiles) -> float:
    """The one place where our α and the reference package meet; without the package, which is GPL-3, it is ours: the same to 1e-12."""
    held = found.often is None or isinstance(data.cluster, HeldCounts)
    few = held and found.n <= REFERENCE_UNITS
    by_package = few and data.measurement in ("nominal", "ordinal", *NUMERIC)
    if not by_package:
        return statistic.point()
    try:
        import krippendorff
    except ModuleNotFoundError:  # left out of bundles that are given away: Containerfile
        return statistic.point()
    numbers: Any = list(range(data.size)) if isinstance(data.domain, int) else list(data.domain)
    reference: Any = krippendorff.alpha
    counts = found.counts[statistic.profile_of_units]
    return float(reference(value_counts=counts, value_domain=numbers, level_of_measurement=data.measurement))


class _Parts(NamedTuple):
    """(R,) each: α (NaN where it is undefined), D_o, D_e and N."""

    alpha: Floats
    observed: Floats
    expected: Floats
    n: Floats


def alpha_features(counts: Floats, data: Reliability) -> tuple[Floats, Callable[[Floats], _Parts]]:
    """What to sum over units, (rows, F), of (rows, K) counts of values, and what (R, F) sums give.

    A row without values adds nothing; a row with one value does not belong here.
    """
    delta = distances(data.measurement, data.domain)
    if delta is None:
        return coincidences(counts), lambda sums: _ordinal(sums.reshape(-1, data.size, data.size))
    disagreement = ((counts @ delta) * counts).sum(axis=1) / (counts.sum(axis=1) - 1)
    if data.measurement != MULTIVALUED:
        return np.column_stack([disagreement, counts]), lambda sums: _fixed(sums[:, 0], sums[:, 1:], delta)
    sets = [frozenset(value) for value in data.domain]  # type: ignore[union-attr, arg-type]
    sizes = np.array([[len(s) == size for size in range(max(map(len, sets)) + 1)] for s in sets])
    codes = np.array([[code in s for code in sorted(frozenset().union(*sets))] for s in sets])
    features = np.column_stack([disagreement, counts @ sizes, counts @ codes])
    split = 1 + sizes.shape[1]
    return features, lambda sums: _multivalued(sums[:, 0], sums[:, 1:split], sums[:, split:])


def alpha_of(d: Floats, n: Floats, chance: Floats) -> Floats:
    """α from Σ_u d_u, N and Σ_c Σ_k n_c n_k δ_ck; NaN where chance could confuse nothing."""
    return 1 - ratio((n - 1) * d, chance)


def _by_values(d: Floats, n: Floats, chance: Floats) -> _Parts:
    """The same with its parts; there are two values at least."""
    return _Parts(alpha_of(d, n, chance), d / n, chance / (n * (n - 1)), n)


def _fixed(d: Floats, n: Floats, delta: Floats) -> _Parts:
    """``d``: (R,); ``n``: (R, K)."""
    if (
        len(delta) == 2 and delta[0, 1] == 1
    ):  # a code's presence, the commonest case, without sums over so few
        none, some = n.T
        return _by_values(d, none + some, 2 * none * some)
    return _by_values(d, n.sum(axis=1), ((n @ delta) * n).sum(axis=1))


def coincidences(counts: Floats) -> Floats:
    """(profiles, K²) coincidences that one unit of each profile adds."""
    pairs = counts[:, :, None] * counts[:, None, :]
    size = counts.shape[1]
    pairs[:, np.arange(size), np.arange(size)] -= counts
    return np.asarray((pairs / (counts.sum(axis=1) - 1)[:, None, None]).reshape(len(counts), size * size))


def _ordinal(o: Floats) -> _Parts:
    """``o``: (R, K, K) coincidences. The ordinal distance is the squared difference of mid-ranks."""
    n = o.sum(axis=2)
    rank = np.cumsum(n, axis=1) - n / 2
    delta = (rank[:, :, None] - rank[:, None, :]) ** 2
    chance = (n[:, :, None] * n[:, None, :] * delta).sum(axis=(1, 2))
    return _by_values((o * delta).sum(axis=(1, 2)), n.sum(axis=1), chance)


def _multivalued(d: Floats, sizes: Floats, codes: Floats) -> _Parts:
    """``sizes``: (R, sizes) how many codings have 0, 1, … codes; ``codes``: (R, codes) n_c."""
    n = sizes.sum(axis=1)
    expected = _chance_of_codes(sizes / n[:, None], codes)
    return _Parts(1 - ratio(d / n, expected), d / n, expected, n)


def _chance_of_codes(p: Floats, n: Floats) -> Floats:
    """(R,) D_e of multi-valued α from (R, sizes) P_a and (R, codes) n_c.

    Σ w_CK over all pairs of sets with |C| = a, |K| = b and |C∩K| = i is the coefficient of xᵃ yᵇ zⁱ in
    Π_c (1 + n_c x + n_c y + n_c (n_c − 1) x y z), which is multiplied out code by code.
    """
    size = p.shape[1]
    # Weights of one a and b are all of degree a + b, so that any unit of counting will do.
    whole = np.maximum(n.sum(axis=1, keepdims=True), 1)
    # Rows last: each step is then one pass over them.
    ways = np.zeros((size, size, size, len(n)))
    ways[0, 0, 0] = 1
    for once, twice in zip((n / whole).T, (n * (n - 1) / whole**2).T, strict=True):
        more = ways.copy()
        more[1:] += once * ways[:-1]
        more[:, 1:] += once * ways[:, :-1]
        more[1:, 1:, 1:] += twice * ways[:-1, :-1, :-1]
        ways = more
    a, b, i = np.indices((size, size, size))
    delta = 1 - 2 * i / np.maximum(a + b, 1)
    delta[0, 0] = 0
    mass = ways.sum(axis=2)
    mean = np.divide((ways * delta[..., None]).sum(axis=2), mass, out=np.zeros_like(mass), where=mass > 0)
    return np.asarray(np.einsum("ra,rb,rab->r", p, p, np.ascontiguousarray(mean.transpose(2, 0, 1))))


def distances(measurement: str, domain: Domain) -> Floats | None:
    """(K, K) δ between the values of the domain: how bad is a disagreement?

        nominal   1 if they differ              ordinal   (Σ of n_g from c to k − (n_c + n_k)/2)², from the data: None
        interval  (c − k)²                      ratio     ((c − k)/(c + k))²
        jaccard   1 − |C∩K|/|C∪K|               masi      1 − J·M
        dice, multivalued  1 − 2|C∩K|/(|C| + |K|)

    (Krippendorff 2011; sets: Passonneau 2006, *MASI*, with M = 1 for equal sets, 2/3 where one contains the other, 1/3
    where they overlap, 0 where they do not.) Another "MASI" circulates (DKPro): (1 − J)·M′ with M′ = 0, 1/3, 2/3, 1; it
    is here as ``masi-dkpro`` to compare with, and gives other numbers. Two empty sets are equal: distance 0.
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
    if not np.isfinite(values).all() or np.abs(values).max(initial=0) > FARTHEST:
        raise ValueError(f"values of a scale lie between -{FARTHEST:g} and {FARTHEST:g}: use a larger unit")
    difference = values[:, None] - values[None]
    if measurement == "interval":
        return np.asarray(difference**2)
    if (values < 0).any():
        raise ValueError(
            f"a ratio scale begins at zero, and {values.min():g} is below: use the interval level"
        )
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
