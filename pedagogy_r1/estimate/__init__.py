"""An estimate with its interval, or why there is none; and the one way in which whole clusters are resampled."""

from .estimate import Estimate, few, joined
from .resample import (
    BLOCK,
    Clusters,
    Percentile,
    Resampling,
    all_alike,
    bootstrap,
    cluster_draws,
    described,
    effective,
    jackknife_variance,
    percentile,
    quotient,
    ratio_of_means,
    unit_draws,
)
from .share import ShareInterval, clopper_pearson, critical, share_interval, two_sided, wilson

__all__ = [
    "BLOCK",
    "Clusters",
    "Estimate",
    "Percentile",
    "Resampling",
    "ShareInterval",
    "all_alike",
    "bootstrap",
    "clopper_pearson",
    "cluster_draws",
    "critical",
    "described",
    "effective",
    "few",
    "jackknife_variance",
    "joined",
    "percentile",
    "quotient",
    "ratio_of_means",
    "share_interval",
    "two_sided",
    "unit_draws",
    "wilson",
]
