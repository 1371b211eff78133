"""Order: what follows what, what comes together, and where in the reasoning a code appears.

measure_order(study).transitions.z
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ...stats.code_cooccurrence import CodePair, cooccurrence
from ...stats.code_position import CodePosition, position
from ...stats.transition import Transitions, transitions
from ..figures import Figure, heat_map, profiles
from ..section import Gap, ReportTable, Row, Section, columns, distinct, estimate_cells
from ..study import Study

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Canvas

WINDOW = 4
"""Units of a window of co-occurrence: a unit and the three before it."""

LARGEST_Z = 8.0
SHUFFLES = 500


@dataclass(frozen=True)
class CodeOrder:
    """The main coder's codes in order."""

    transitions: Transitions
    pairs: tuple[CodePair, ...]
    positions: tuple[CodePosition, ...]


def measure_order(study: Study) -> CodeOrder:
    """Transitions at lag 1, co-occurrence in windows of four units, and position."""
    own, seed = study.of_main(), study.settings.seed
    shuffles = min(SHUFFLES, study.settings.permutations)
    return CodeOrder(
        transitions(own, permutations=shuffles, seed=seed),
        cooccurrence(own, window=WINDOW),
        position(own),
    )


def order_section(study: Study, found: CodeOrder) -> Section:
    """Three tables, three figures."""
    moves = found.transitions
    if not moves.n_pairs:
        why = "no coded unit follows another"
        return Section("order", "Order", absent=why, gaps=(Gap("Order of the codes", why),))
    used = [k for k in range(len(moves.codes)) if moves.observed[k].sum() + moves.observed[:, k].sum()]
    absent = [moves.codes[k] for k in range(len(moves.codes)) if k not in used]
    lead = (
        f"As {study.main} coded. Transitions are compared with what they would be if each trace's codes stood in random "
        "order, so that a trace which is mostly one code is not taken for a pattern. Co-occurrence counts windows of "
        f"{WINDOW} neighbouring units.",
    )
    figures = [
        Figure(
            "transitions",
            "Which code follows which: counts, coloured by how many standard deviations (z) they lie above (red) or below "
            "(blue) what a random order within each trace gives. Read from the row to the column.",
            lambda: _draw_transitions(moves, used),
        ),
        Figure(
            "position",
            "Where in the trace each code appears: share of the units in each tenth of the trace, with 95 % intervals. Each "
            "code has its own scale.",
            lambda: _draw_positions(study, found.positions),
        ),
    ]
    if any(p.both for p in found.pairs):
        figures.insert(
            1,
            Figure(
                "cooccurrence",
                f"Which codes come together within {WINDOW} units: lift, on a doubling scale; 1 is what independence gives. "
                "Empty: never together, or a code that does not occur.",
                lambda: _draw_pairs(study, found.pairs),
            ),
        )
    gaps = (
        [
            Gap(
                f"Order of {', '.join(absent)}",
                f"{study.main} never used {'it' if len(absent) == 1 else 'them'}",
            )
        ]
        if absent
        else []
    )
    return Section(
        "order",
        "Order: what follows what, and where",
        lead,
        (_transition_table(moves), _pair_table(found.pairs), _position_table(found.positions)),
        tuple(figures),
        gaps=tuple(gaps),
        cautions=distinct([f"Transitions: {w}." for w in moves.warnings]),
    )


def _transition_table(moves: Transitions) -> ReportTable:
    rows = sorted(moves.rows(), key=lambda row: -abs(row["z"] or 0.0))
    return ReportTable(
        "transitions",
        "Transitions from one unit's code to the next one's, the most unusual first.",
        columns(
            ("from", "from", "code"),
            ("to", "to", "code"),
            ("observed", "observed", "count"),
            ("in random order", "within", "number"),
            ("z", "z", "signed"),
            ("adjusted residual", "residual", "signed"),
            ("P(to | from)", "probability", "share"),
            ("p, corrected", "p_family", "p"),
        ),
        tuple(rows),
        note=moves.method,
        first=12,
    )


def _pair_table(pairs: tuple[CodePair, ...]) -> ReportTable:
    rows: list[Row] = []
    for pair in sorted(pairs, key=lambda p: -abs(math.log((p.both + 0.5) / (p.expected + 0.5)))):
        own: Row = {"a": pair.a, "b": pair.b, "windows": pair.both, "expected": pair.expected}
        rows.append(own | estimate_cells(pair.lift, "lift_") | estimate_cells(pair.jaccard, "jaccard_"))
    return ReportTable(
        "cooccurrence",
        f"Codes that come together within {WINDOW} units, the most unusual first.",
        columns(
            ("", "a", "code"),
            ("", "b", "code"),
            ("windows", "windows", "count"),
            ("by chance", "expected", "number"),
            ("lift", "lift_value", "number"),
            ("95 %", ("lift_low", "lift_high"), "number"),
            ("Jaccard", "jaccard_value", "number"),
        ),
        tuple(rows),
        note="Lift: how many times as often as if the two were independent. Intervals are clustered by item.",
        first=12,
    )


def _position_table(positions: tuple[CodePosition, ...]) -> ReportTable:
    rows: list[Row] = []
    for one in positions:
        own: Row = {"code": one.code, "count": one.count}
        own |= {k: v for k, v in estimate_cells(one.mean, "mean_").items() if "design" not in k}
        own |= {
            "traces_with": one.traces_with.value,
            "traces_low": one.traces_with.low,
            "traces_high": one.traces_with.high,
        }
        own |= {f"tenth_{n}": e.value for n, e in enumerate(one.profile, 1)}
        rows.append(own)
    return ReportTable(
        "position",
        "Where codes appear: mean position in the trace (0 start, 1 end), and the share of traces that have the code at all.",
        columns(
            ("code", "code", "code"),
            ("units", "count", "count"),
            ("mean position", "mean_value", "number"),
            ("95 %", ("mean_low", "mean_high"), "number"),
            ("traces with it", "traces_with", "share"),
            ("95 % ", ("traces_low", "traces_high"), "share"),
        ),
        tuple(rows),
    )


def _draw_transitions(moves: Transitions, used: list[int]) -> Canvas:
    pick = np.ix_(used, used)
    z, counts = moves.z[pick], moves.observed[pick]
    names = [moves.codes[k] for k in used]
    texts = [[f"{n:,}" if n else "" for n in row] for row in counts.tolist()]
    largest = min(LARGEST_Z, float(np.nanmax(np.abs(z), initial=1.0)))
    return heat_map(
        names,
        names,
        z,
        texts,
        row_axis="from",
        axis="to",
        scale="z",
        span=(-largest, largest),
        diverging=True,
    )


def _draw_pairs(study: Study, pairs: tuple[CodePair, ...]) -> Canvas:
    seen = {code for p in pairs if p.both for code in (p.a, p.b)}
    names = [code for code in study.codes if code in seen]
    values = np.full((len(names), len(names)), np.nan)
    texts = [[""] * len(names) for _ in names]
    for pair in pairs:
        if pair.both and pair.lift.value:
            i, j = sorted((names.index(pair.a), names.index(pair.b)), reverse=True)
            values[i, j] = math.log2(pair.lift.value)
            texts[i][j] = f"{pair.lift.value:.2f}"
    largest = min(3.0, max(1.0, float(np.nanmax(np.abs(values)))))
    return heat_map(
        names[1:], names[:-1], values[1:, :-1], [row[:-1] for row in texts[1:]], row_axis="", axis="",
        scale="lift, powers of 2", span=(-largest, largest), diverging=True,
    )  # fmt: skip


def _draw_positions(study: Study, positions: tuple[CodePosition, ...]) -> Canvas:
    used = [p for p in positions if p.count]
    values = [[e.value for e in p.profile] for p in used]
    bands = [
        [(e.low, e.high) if e.low is not None and e.high is not None else None for e in p.profile]
        for p in used
    ]
    return profiles(
        [p.code for p in used],
        used[0].edges,
        values,
        bands,
        [study.palette[p.code] for p in used],
        axis="position in the trace",
        write=lambda value: f"{100 * value:.3g} %",
    )


def section(study: Study) -> Section:
    """For the page."""
    return order_section(study, study.once(measure_order)).at(80)
