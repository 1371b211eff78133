"""Order: what follows what, what comes together, and where in the reasoning a code appears.

measure_order(study).transitions.z
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np

from ...estimate import Ints
from ...runs.tally import Tally
from ...stats.code_cooccurrence import CodePair, CodePosition, cooccurrence, position
from ...stats.transition import Transitions, transitions
from ..figures.figure import Figure
from ..figures.heat_maps import heat_map
from ..figures.position_panels import profiles
from ..figures.transition_graph import MOST_ARROWS, Arrow, CodeNode, transition_network
from ..section import Gap, ReportTable, Section, columns, estimate_cells, quoted, with_interval
from ..study import NOT_ADDED_UP, Study

WINDOW = 4
"""Units of a window of co-occurrence: a unit and the three before it."""

LARGEST_Z = 8.0
SHUFFLES = 500


@dataclass(frozen=True)
class CodeOrder:
    """The main coder's codes in order; of a tally what follows what alone."""

    transitions: Transitions
    pairs: tuple[CodePair, ...]
    positions: tuple[CodePosition, ...]


def measure_order(study: Study) -> CodeOrder | str:
    """Transitions at lag 1, co-occurrence in windows of four units, and position; or why the units have no order."""
    if study.main in study.overlaps:
        return f"{study.overlaps[study.main]} and do not follow each other"
    own, s = study.of_main(), study.settings
    moves = transitions(own, permutations=min(SHUFFLES, s.permutations), seed=s.seed)
    if isinstance(own, Tally):
        return CodeOrder(moves, (), ())
    return CodeOrder(
        moves,
        cooccurrence(own, window=WINDOW, level=s.level),
        position(own, level=s.level),
    )


def order_section(study: Study, found: CodeOrder | str) -> Section:
    """Three tables, up to four figures."""
    why = (
        found
        if isinstance(found, str)
        else ""
        if found.transitions.n_pairs
        else "no coded unit follows another"
    )
    if why or isinstance(found, str):
        return Section("order", "Order", absent=why, gaps=(Gap("Order of the codes", why),))
    moves = found.transitions
    used = np.flatnonzero(moves.observed.sum(axis=0) + moves.observed.sum(axis=1))
    absent = [code for k, code in enumerate(moves.codes) if k not in used]
    them = "it" if len(absent) == 1 else "them"
    gaps = [Gap(f"Order of {quoted(absent)}", f"{study.main} never used {them}")] if absent else []
    if not found.positions:
        gaps.append(Gap("Co-occurrence and position of the codes", NOT_ADDED_UP))
    windows = f" Co-occurrence counts windows of {WINDOW} neighbouring units." if found.positions else ""
    lead = (
        f"As {study.main} coded{_order_of(study)}. Transitions are compared with what they would be if each trace's codes stood in random "
        f"order, so that a trace which is mostly one code is not taken for a pattern.{windows}"
    )
    level = study.settings.level
    return Section(
        "order",
        "Order: what follows what, and where",
        (lead,),
        (
            _transition_table(moves),
            *(
                (_pair_table(found.pairs, level), _position_table(found.positions, level))
                if found.positions
                else ()
            ),
        ),
        tuple(_figures(study, found, used)),
        gaps=tuple(gaps),
        cautions=(f"Transitions: {'; '.join(moves.warnings)}.",) if moves.warnings else (),
    )


def _order_of(study: Study) -> str:
    chose = study.main in study.choosers
    return ", in the order of the units that this coder chose" if chose else ""


def _figures(study: Study, found: CodeOrder, used: Ints) -> Iterator[Figure]:
    yield _transition_figure(study, found.transitions, used)
    if (network := _network_figure(study, found.transitions, used)) is not None:
        yield network
    if any(pair.both for pair in found.pairs):
        yield _pair_figure(study, found.pairs)
    if not found.positions:
        return
    seen = [one for one in found.positions if one.count]
    yield Figure(
        "position",
        f"Where in the trace each code appears: share of the units in each tenth of the trace, with {study.settings.percent} "
        "intervals. Each code has its own scale.",
        partial(
            profiles,
            study.called_codes(one.code for one in seen),
            seen[0].edges,
            [one.profile for one in seen],
            [study.palette[one.code] for one in seen],
            axis="position in the trace",
            of="share of units",
            write_share=lambda value: f"{100 * value:.3g} %",
        ),
    )


def _transition_figure(study: Study, moves: Transitions, used: Ints) -> Figure:
    pick = np.ix_(used, used)
    z, counts = moves.z[pick], moves.observed[pick]
    names = study.called_codes(moves.codes[k] for k in used)
    texts = [[f"{n:,}" if n else "" for n in row] for row in counts.tolist()]
    reach = min(LARGEST_Z, float(np.nanmax(np.abs(z), initial=1.0)))
    return Figure(
        "transitions",
        "Which code follows which: counts, coloured by how many standard deviations (z) they lie above (red) or below "
        "(blue) what a random order within each trace gives. Read from the row to the column.",
        partial(
            heat_map,
            names,
            names,
            z,
            texts,
            row_axis="from",
            axis="to",
            scale="z: standard deviations from random order",
            reach=reach,
        ),
    )


def _network_figure(study: Study, moves: Transitions, used: Ints) -> Figure | None:
    """Of the transitions that are shown to be more frequent than in random order; `None` where none leads to another code."""
    alpha = study.settings.alpha
    shown = [
        (float(moves.z[i, j]), int(i), int(j))
        for i in used
        for j in used
        if moves.z[i, j] > 0 and moves.p_family[i, j] < alpha
    ]
    if all(i == j for _, i, j in shown):
        return None
    drawn = sorted(shown, reverse=True)[:MOST_ARROWS]
    place = {int(k): n for n, k in enumerate(used)}
    units = np.maximum(moves.observed.sum(axis=0), moves.observed.sum(axis=1))
    names = study.called_codes(moves.codes[k] for k in used)
    nodes = [
        CodeNode(name, study.palette[moves.codes[k]], int(units[k]))
        for name, k in zip(names, used, strict=True)
    ]
    arrows = [Arrow(place[i], place[j], int(moves.observed[i, j])) for _, i, j in drawn]
    rest = (
        f" The {len(drawn)} with the largest z of {len(shown)} are drawn." if len(shown) > len(drawn) else ""
    )
    return Figure(
        "transition_network",
        "Which code follows which more often than in a random order within each trace (family p < "
        f"{study.settings.alpha_words}): the thicker an arrow, the more often; the larger a circle, the more units. A ring: the code follows itself.{rest}",
        partial(transition_network, nodes, arrows),
    )


def _pair_figure(study: Study, pairs: tuple[CodePair, ...]) -> Figure:
    seen = {code for p in pairs if p.both for code in (p.a, p.b)}
    names = [code for code in study.codes if code in seen]
    values = np.full((len(names), len(names)), np.nan)
    texts = [[""] * len(names) for _ in names]
    for pair in pairs:
        if pair.both and pair.lift.value:
            i, j = sorted((names.index(pair.a), names.index(pair.b)), reverse=True)
            values[i, j] = math.log2(pair.lift.value)
            texts[i][j] = f"{pair.lift.value:.2f}"
    reach = min(3.0, max(1.0, float(np.nanmax(np.abs(values)))))
    below = values[1:, :-1], [row[:-1] for row in texts[1:]]
    called = study.called_codes(names)
    steps = [k for k in range(-3, 4) if abs(k) <= reach]
    ticks = [(float(k), _lift_words(k)) for k in steps]
    return Figure(
        "cooccurrence",
        f"Which codes come together within {WINDOW} units: lift, on a doubling scale; 1 is what independence gives. "
        "Empty: never together, or a code that does not occur.",
        partial(heat_map, called[1:], called[:-1], *below, scale="lift", reach=reach, ticks=ticks),
    )


def _lift_words(power: int) -> str:
    """``¼`` of −2, ``2`` of 1."""
    return str(2**power) if power >= 0 else {-1: "½", -2: "¼", -3: "⅛"}[power]


def _transition_table(moves: Transitions) -> ReportTable:
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
        tuple(sorted(moves.rows(), key=lambda row: -abs(row["z"] or 0.0))),
        note=moves.method,
    )


def _pair_table(pairs: tuple[CodePair, ...], level: float) -> ReportTable:
    ordered = sorted(pairs, key=lambda p: -abs(math.log((p.both + 0.5) / (p.expected + 0.5))))
    return ReportTable(
        "cooccurrence",
        f"Codes that come together within {WINDOW} units, the most unusual first.",
        (
            *columns(("code", "a", "code"), ("with code", "b", "code")),
            *columns(("windows", "windows", "count"), ("by chance", "expected", "number")),
            *with_interval("lift", "lift", "number", level),
            *columns(("Jaccard", "jaccard_value", "number")),
        ),
        tuple(
            {"a": pair.a, "b": pair.b, "windows": pair.both, "expected": pair.expected}
            | estimate_cells({"lift": pair.lift, "jaccard": pair.jaccard}, more=True)
            for pair in ordered
        ),
        note="Lift: how many times as often as if the two were independent. Intervals are clustered by item (by trace where each has its own).",
    )


def _position_table(positions: tuple[CodePosition, ...], level: float) -> ReportTable:
    return ReportTable(
        "position",
        "Where codes appear: mean position in the trace (0 start, 1 end), and the share of traces that have the code at all.",
        (
            *columns(("code", "code", "code"), ("units", "count", "count")),
            *with_interval("mean position", "mean", "number", level),
            *with_interval("traces with it", "traces", "share", level),
        ),
        tuple(
            {"code": one.code, "count": one.count}
            | estimate_cells({"mean": one.mean}, more=True)
            | estimate_cells({"traces": one.traces_with})
            | {f"tenth_{n}": e.value for n, e in enumerate(one.profile, 1)}
            for one in positions
        ),
    )


def section(study: Study) -> Section:
    """For the page."""
    return order_section(study, study.once(measure_order)).at(80)
