"""Epistemic networks: which codes a group of traces connects, as weights, and where that puts the codes in a plane.

    TR-SP — IA-SQ   cop 0.41   generic 0.22   +0.19 [0.08, 0.30], family p 0.004
    TR-SP at (0.62, -0.10), IA-SQ at (0.71, 0.33), KA-RO at (-0.55, 0.08); axes MR1 and SVD2

A unit is connected to the codes in it and in the ``window`` − 1 units before it (moving stanza). Each trace's connections,
counted over its units, are scaled to length 1, so that a long trace weighs as much as a short one; a group's weight is the
mean over its traces (Shaffer, Collier & Ruis 2016, *J. Learn. Anal.* 3(3)). Counting, scaling, rotation and node placement
are those of pyena, a port of the R package rENA; an optional package (``pip install 'pedagogy-r1[ena]'``).

One thing is done otherwise than pyena 0.2.0 does it: a trace without any connection has no direction; it is counted and left
out (pyena would centre on it, rENA does not). Groups are compared in `epistemic_difference.py`; how far apart they lie on MR1 is
a picture, no evidence. A million units take about a minute.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from importlib import import_module, metadata
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from ..codebook import NONE
from ..errors import PedagogyError, RunError, did_you_mean
from ..provenance import versions
from ..runs.code_table import of_coder
from .epistemic_difference import ConnectionDifference, NetworkDifference, Pair, network_difference
from .estimate import LEVEL
from .permutation import PERMUTATIONS
from .sums import (
    Floats,
    Ints,
    Which,
    coded_units,
    group_numbers,
    item_numbers,
)

__all__ = ["ConnectionDifference", "EpistemicNetwork", "NetworkDifference", "Placement", "epistemic_network"]

if TYPE_CHECKING:
    import pandas as pd

Point = tuple[float, float]
Window = int | Literal["trace"]

_TINY = 1e-9


@dataclass(frozen=True)
class Placement:
    """A plane. ``nodes``: a code without connections has no place; ``points``: by trace; ``fit``: per axis, Pearson r
    of the points with the centroids of their nodes; low (< .9, say), or ``None`` where the centroids all coincide: the nodes do not explain the axis.
    """

    axes: tuple[str, str]
    nodes: dict[str, Point | None]
    points: dict[str, Point]
    centroids: dict[str, Point]
    fit: tuple[float | None, float | None]
    warning: str | None


@dataclass(frozen=True)
class EpistemicNetwork:
    """``weights``: group → pair of codes → mean scaled weight, 0 to 1; a group where nothing is connected has none.

    ``n_traces``: group → traces with a connection, ``n_unconnected``: without; ``n_left_out``: traces without a group;
    ``n_missing``: missing codings. ``placement`` and ``difference`` may be ``None``: the field beside them says why.
    """

    coder: str
    by: str
    codes: tuple[str, ...]
    window: Window
    which: Which
    n_missing: int
    method: str
    versions: dict[str, str]
    weights: dict[str, dict[Pair, float]] = field(default_factory=dict)
    n_traces: dict[str, int] = field(default_factory=dict)
    n_unconnected: dict[str, int] = field(default_factory=dict)
    n_left_out: int = 0
    placement: Placement | None = None
    why_no_placement: str | None = None
    difference: NetworkDifference | None = None
    why_no_difference: str | None = None
    why_undefined: str | None = None
    warning: str | None = None


@dataclass(frozen=True)
class _Networks:
    """Traces with a connection. ``x``: (traces, pairs) of length 1; ``group``, ``trace``: (traces,); ``item``: (traces,)."""

    x: Floats
    group: Any
    trace: Any
    item: Ints
    pairs: tuple[Pair, ...]


def epistemic_network(
    table: pd.DataFrame,
    *,
    coder: str | None = None,
    by: str = "condition",
    groups: tuple[Any, Any] | None = None,
    window: Window = 4,
    codes: Sequence[str] | None = None,
    which: Which = "any",
    permutations: int = PERMUTATIONS,
    seed: int = 0,
    level: float = LEVEL,
) -> EpistemicNetwork:
    """Networks of one coder's codes by the column ``by``, which must be the same throughout a trace.

    ``groups``: the two that are compared and that MR1 separates, default: the two there are. ``window``: units, or the
    whole ``trace`` so far. ``codes``: default all but ``none``. A missing coding takes its place in the window. Raises
    `PedagogyError` if pyena is missing or a window is none, `RunError` for an unknown column, group, code or coder.
    """
    pyena = _version()
    if window != "trace" and window < 1:
        raise PedagogyError(f"a window of {window} units", "give 1 or more, or 'trace'")
    own = of_coder(table, coder)
    chosen = tuple(codes or (str(code) for code in own["primary"].cat.categories if code != NONE))
    within = "the trace so far" if window == "trace" else f"a moving window of {window} units"
    blank = EpistemicNetwork(
        str(own["coder"].iloc[0]) if len(own) else "", by, chosen, window, which,
        n_missing=int(own["primary"].isna().sum()),
        method=f"epistemic network: binary connections of codes ({which}) in {within}, summed by trace, scaled to length 1, "
        f"mean over traces by {by}; pyena {pyena}",
        versions=versions() | {"pyena": pyena},
    )  # fmt: skip
    if blank.n_missing == len(own):
        return replace(blank, why_undefined="no unit is coded")
    if len(chosen) < 2:
        return replace(blank, why_undefined="a connection needs two codes")
    found, network = _networks(own, blank)
    if not len(found.x):
        return replace(network, why_undefined=f"no trace has two codes within {within}")
    sides, why = _sides(network, groups)
    placement, why_not = _placement(found, chosen, sides)
    return replace(
        network,
        placement=placement,
        why_no_placement=why_not,
        difference=network_difference(
            found.x,
            found.group,
            found.item,
            found.pairs,
            sides,
            permutations=permutations,
            seed=seed,
            level=level,
        )
        if sides
        else None,
        why_no_difference=why,
    )


def _pyena(part: str) -> Any:
    try:
        return import_module(f"pyena.{part}")
    except ImportError as error:
        raise PedagogyError(
            f"epistemic networks need the optional package pyena ({error})", "pip install 'pedagogy-r1[ena]'"
        ) from error


def _version() -> str:
    _pyena("core.adjacency")
    return metadata.version("pyena")


def _networks(own: pd.DataFrame, blank: EpistemicNetwork) -> tuple[_Networks, EpistemicNetwork]:
    """Scaled connections of every trace, and the weights and counts by group."""
    import pandas as pd

    trace, names = pd.factorize(own["trace_id"])
    number, levels = group_numbers(own, [blank.by])
    if len(np.unique(np.column_stack([trace, number]), axis=0)) > len(names):
        raise RunError(f"{blank.by!r} changes within a trace", "compare groups of whole traces")
    first = np.unique(trace, return_index=True)[1]
    labels = np.array([None if value is None else str(value) for (value,) in levels], dtype=object)
    group, item = labels[number[first]], item_numbers(own)[first]
    counts, pairs = _connections(own, trace, blank)
    known = group != None  # noqa: E711 - elementwise
    linked = counts.sum(axis=1) > 0
    x = _pyena("core.normalize").sphere_normalize(counts[known & linked])
    found = _Networks(
        x, group[known & linked], np.asarray(names, dtype=object)[known & linked], item[known & linked], pairs
    )
    here = sorted(set(group[known]))
    unlinked = {g: int((~linked & (group == g)).sum()) for g in here}
    weights = {
        g: dict(zip(pairs, x[found.group == g].mean(axis=0).tolist(), strict=True))
        if g in found.group
        else {}
        for g in here
    }
    left = sum(unlinked.values())
    return found, replace(
        blank,
        weights=weights,
        n_traces={g: int((found.group == g).sum()) for g in here},
        n_unconnected=unlinked,
        n_left_out=int((~known).sum()),
        warning=f"{left} of {int(known.sum())} traces connect no codes and are left out" if left else None,
    )


def _connections(own: pd.DataFrame, trace: Ints, blank: EpistemicNetwork) -> tuple[Floats, tuple[Pair, ...]]:
    """(traces, pairs) counts by pyena. Units that are not in the table leave blank rows, so that windows keep their length."""
    import pandas as pd

    accumulate = _pyena("core.adjacency")
    units = coded_units(own, blank.codes, which=blank.which)
    present = np.zeros((len(own), len(blank.codes)))
    present[units.rows] = units.indicator[units.pattern]
    index = own["index"].to_numpy().astype(np.int64)
    order = np.lexsort((index, trace))
    window = int(np.bincount(trace).max()) if blank.window == "trace" else blank.window
    blanks = 0 if blank.window == "trace" else window - 1
    same = np.diff(trace[order], prepend=-1) == 0
    skipped = np.where(same, np.clip(np.diff(index[order], prepend=0) - 1, 0, blanks), 0)
    place = np.cumsum(skipped + 1) - 1
    rows = np.zeros((int(place[-1]) + 1, len(blank.codes)))
    rows[place] = present[order]
    columns = [str(k) for k in range(len(blank.codes))]
    frame = pd.DataFrame(rows, columns=columns)
    frame["unit"] = frame["conversation"] = np.repeat(trace[order], skipped + 1)
    frame["turn"] = np.arange(len(frame))
    counts, _, _ = accumulate.compute_all_avs(frame, columns, window_size=window)
    pairs = accumulate.get_rena_pair_order(list(blank.codes))
    return counts, tuple(tuple(pair) for pair in pairs)


def _sides(network: EpistemicNetwork, groups: tuple[Any, Any] | None) -> tuple[Pair | None, str | None]:
    known = list(network.n_traces)
    for name in map(str, groups or ()):
        if name not in known:
            raise RunError(f"no trace has {network.by} {name!r}", did_you_mean(name, known))
    if groups is None and len(known) != 2:
        return None, f"{network.by} has {len(known)} values: name two with groups=(a, b)"
    a, b = map(str, groups or known)
    if a == b:
        raise RunError(f"{a!r} is compared with itself", did_you_mean("", [g for g in known if g != a]))
    for name in (a, b):
        if not network.n_traces[name]:
            return None, f"no trace of {name} connects two codes"
    return (a, b), None


def _placement(
    found: _Networks, codes: tuple[str, ...], sides: Pair | None
) -> tuple[Placement | None, str | None]:
    """MR1 (group a to the right) and SVD2, or SVD1 and SVD2 where no two groups differ."""
    project = _pyena("core.projection")
    svd = project.svd_project(found.x)
    if np.linalg.matrix_rank(svd.centered, tol=_TINY) < 2:
        return None, "the traces' networks differ along fewer than two dimensions"
    axes, points = ("SVD1", "SVD2"), svd.coords
    if sides:
        a, b = (found.group == side for side in sides)
        if np.linalg.norm(found.x[a].mean(axis=0) - found.x[b].mean(axis=0)) > _TINY:
            axes = ("MR1", "SVD2")
            points = project.means_rotation(svd.centered, found.group, *sides).points[:, :2]
    nodes = project.lws_lsq_positions(found.x, points, len(codes))
    flip = np.where(nodes[np.abs(nodes).argmax(axis=0), [0, 1]] < 0, -1.0, 1.0)
    if axes[0] == "MR1":
        flip[0] = 1.0 if points[a, 0].mean() > points[b, 0].mean() else -1.0
    nodes, points = nodes * flip, points * flip
    ends = np.array([[code in pair for code in codes] for pair in found.pairs], dtype=float)
    share = found.x @ ends / (found.x @ ends).sum(axis=1, keepdims=True)
    placed = share.any(axis=0)
    loose = np.linalg.matrix_rank(share) < placed.sum()
    return Placement(
        axes,
        {code: _point(at) if has else None for code, at, has in zip(codes, nodes, placed, strict=True)},
        {str(name): _point(at) for name, at in zip(found.trace, points, strict=True)},
        {str(g): _point(points[found.group == g].mean(axis=0)) for g in sorted(set(found.group))},
        (_fit(share @ nodes[:, 0], points[:, 0]), _fit(share @ nodes[:, 1], points[:, 1])),
        "too few different networks to place all nodes: other places would fit as well" if loose else None,
    ), None


def _fit(centroids: Floats, points: Floats) -> float | None:
    if min(np.ptp(centroids), np.ptp(points)) < _TINY:
        return None
    return float(np.corrcoef(centroids, points)[0, 1])


def _point(at: Floats) -> Point:
    return float(at[0]), float(at[1])
