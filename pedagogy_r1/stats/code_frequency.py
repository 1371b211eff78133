"""Every code's share, by coder and group: from all codings, or from the tally of a corpus, whichever `table_or_tally` found.

    frequency(table_or_tally(runs), ["condition"], basis="tokens")

Both ways give sums within clusters (`CoderGroups`), and what is made of these is one computation.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np

from ..limits import LEVEL
from ..runs.codings_table import of_coder
from ..runs.tally import Tally
from .code_shares import (
    Basis,
    CoderGroups,
    CodeShare,
    ShareMethod,
    Which,
    cluster_sums,
    coded_units,
    group_numbers,
    renumbered,
    shares,
)
from .corpus_shares import groups_of_tally

if TYPE_CHECKING:
    import pandas as pd


def frequency(
    table: pd.DataFrame | Tally,
    by: Sequence[str] = (),
    *,
    basis: Basis = "units",
    which: Which = "primary",
    codes: Sequence[str] | None = None,
    cluster: Literal["item", "trace"] = "item",
    interval: ShareMethod = "jackknife",
    level: float = LEVEL,
) -> tuple[CodeShare, ...]:
    """Every code's share by coder and by the columns ``by`` (domain, condition, model, correct …).

    With ``which="primary"`` the shares of a group sum to 1 (``none`` included). Units whose coding is missing are in no
    total; ``n_missing`` counts them. Raises `RunError` for an unknown code or column; a tally (`table_or_tally`) has the columns
    domain, condition, model and correct.
    """
    groups = groups_of_tally if isinstance(table, Tally) else _groups_of_table
    return tuple(
        CodeShare(code, one.coder, tuple(zip(by, values, strict=True)), basis, which, share, float(count),
                  float(sums.total.sum()), sums.traces, missing, sums.by)
        for one in groups(table, by, codes, basis, which, cluster)  # type: ignore[arg-type]
        for values, sums, missing, estimates in zip(
            one.groups, one.sums, one.missing, shares(one.sums, interval=interval, level=level), strict=True
        )
        for code, share, count in zip(one.codes, estimates, sums.coded.sum(axis=0), strict=True)
    )  # fmt: skip


def _groups_of_table(
    table: pd.DataFrame,
    by: Sequence[str],
    codes: Sequence[str] | None,
    basis: Basis,
    which: Which,
    cluster: Literal["item", "trace"],
) -> Iterator[CoderGroups]:
    for coder in table["coder"].unique():
        own = of_coder(table, str(coder))
        units = coded_units(own, codes, which=which, basis=basis)
        number, groups = group_numbers(own, by)
        inside = number[units.rows]
        missing = np.bincount(number, minlength=len(groups)) - np.bincount(inside, minlength=len(groups))
        key = units.item if cluster == "item" else units.trace
        chosen = [inside == g for g in range(len(groups))]
        sums = [cluster_sums(units, here, renumbered(key, here)) for here in chosen]
        yield CoderGroups(str(coder), units.codes, groups, sums, missing.tolist())
