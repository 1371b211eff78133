"""Adjudicate: where people differ, both codes and memos side by side; a decision and its reason.

    /adjudicate          how far they agree, and every unit on which they do not
    /adjudicate/7        the seventh; a POST decides it
    /adjudicate/several  a POST decides several, with one reason
    /adjudicate/write    a POST writes the run of the third coder, and the log

Nobody's coding is touched. Decisions are kept in ``OUT/ledger.jsonl`` as they are made; a decision counts once it has a
reason, and for as long as the coders still say what it was made upon.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from ..errors import InputError
from ..files.seal import LEDGER, RUN
from ..human.adjudication import (
    ADJUDICATED,
    NOT_DRAWN,
    CoderView,
    Dispute,
    Material,
    adjudicated_run,
    decided,
    write_adjudicated,
)
from ..human.adjudication_material import from_packet, from_runs
from ..human.coding_log import EMPTY, Attribution, Entry, UndoStep
from ..human.drawn_spans import would_overlap
from ..job import JobFolder
from ..runs.run import primary_code
from ..trace import Unit
from .code import CodePages
from .coded_text import TaskPlace
from .dispute_list import DisputeFilter, coder_pairs, fits, heat_map, ordered
from .state import State, fields, visitor
from .workplace import Workplace, alpha_of_pairs, open_log, rules_between, short_enough
from .workplace import decided as codes_of

TITLE, PATH = "Adjudicate", "/adjudicate"
KINDS = {
    "first": "first code",
    "second": "second code",
    "missing": "one could not code it",
    "alone": "drawn by one",
}


def routes(state: State) -> list[BaseRoute]:
    """Reads everybody's codings, and opens the ledger of decisions."""
    material = (
        from_runs(state.runs, state.packet)
        if state.runs
        else from_packet(state.packet)
        if state.packet
        else None
    )
    if material is None:
        raise InputError("there is nothing to adjudicate", "give RUNS, or --packet PACKET")
    pages = AdjudicatePages(state, Adjudication(material, state.decisions()))
    return [
        Route(PATH, pages.overview),
        Route(PATH + "/all", pages.overview),
        Route(PATH + "/done", pages.overview),
        Route(PATH + "/next", pages.start),
        Route(PATH + "/jump", pages.jump),
        Route(PATH + "/several", pages.several, methods=["POST"]),
        Route(PATH + "/write", pages.write, methods=["POST"]),
        Route(PATH + "/{number}", pages.unit, methods=["GET", "POST"]),
    ]


class CoderPair(NamedTuple):
    """How far two coders agree on first codes. ``alpha``: Krippendorff's, nominal; or why there is none."""

    coders: tuple[str, str]
    units: int
    same: int
    alpha: float | None
    why: str | None


class NearSpan(NamedTuple):
    """A span that overlaps another. ``number``: of its disagreement, if it is one; ``entry``: the decision, if it stands."""

    text: str
    drew: Mapping[str, CoderView]
    number: int | None
    entry: Entry | None


class Adjudication(Workplace):
    """The disputes as a workplace; several people may add to its one log."""

    def __init__(self, material: Material, out: Path) -> None:
        self.material, self.out = material, out
        self.disputes = list(material.disputes())
        # Somebody else's folder is refused now, and not when all is decided and shall be written.
        JobFolder(out, adjudicated_run(material), ours=(LEDGER,)).close()
        log = open_log(out / LEDGER, material.source, ADJUDICATED, material.book)
        super().__init__([dispute.task for dispute in self.disputes], log, whole=material.whole)

    def dispute(self, spot: TaskPlace) -> Dispute:
        """What the unit's coders say."""
        return self.disputes[spot.number - 1]

    def over(self, spot: TaskPlace) -> bool:
        """Whether its decision stands."""
        return decided(self.entry(spot), self.dispute(spot), self.log.work)

    def note(self, spot: TaskPlace, who: str) -> Attribution:
        """Who decides, and upon what."""
        return Attribution(who, self.dispute(spot).codes)

    def updates(self, spot: TaskPlace, verb: str, what: str) -> dict[str, Any]:
        """Beside a coder's own: ``as NAME``, to decide as one of them did."""
        if verb == "as":
            if what not in self.dispute(spot).said:
                raise HTTPException(400, "Nobody of that name has coded this unit.")
            more = _as(self.dispute(spot).said[what])
        else:
            more = super().updates(spot, verb, what)
        self._check_apart({spot.task.unit.id: more["codes"]} if "codes" in more else {})
        return more

    def decide_all(self, spots: Sequence[TaskPlace], what: str, reason: str, who: str) -> None:
        """``what``: ``as NAME``, ``first CODE`` (and no other), or ``none``."""
        verb, _, of = what.partition(" ")
        if verb not in ("as", "first") and what != "none":
            raise HTTPException(400, "The page asks for what is not known here.")
        told = []
        for spot in spots:
            view = self.dispute(spot).said.get(of) if verb == "as" else None
            if verb == "as" and (view is None or view.waiting):
                continue  # that coder has said nothing of it
            now = _as(view) if view else codes_of((of,) if verb == "first" else ())
            told.append((spot.task.unit.id, self.note(spot, who), now | {"memo": reason}))
        with self._turn:
            self._check_apart({unit_id: more["codes"] for unit_id, _, more in told})
            self.log.change_all(told)

    def _undo(self, n: int, number: int, who: str) -> int:
        """Others may have decided since, so that what comes back has no room any more."""
        if (step := self.undoable(who)) and step.n == n:
            self._check_apart({one: was.codes for one, was in ((step.unit_id, step.before), *step.others)})
        return super()._undo(n, number, who)

    def _check_apart(self, decisions: Mapping[str, tuple[str, ...] | None]) -> None:
        """Raise `InputError` where spans would both be kept that overlap and may not. ``decisions``: the codes of each, by unit."""
        if self.material.book.overlap:
            return
        for unit_id, codes in decisions.items():
            spot = self.spot(self._numbers[unit_id])
            if codes is None or self.dispute(spot).kind != "alone":
                continue
            for other in self._overlapping(spot.task.unit):
                if self._kept(other.id, decisions):
                    raise would_overlap(
                        spot.task.unit.text, other.text, "decide first that one of them is not kept"
                    )

    def _kept(self, unit_id: str, decisions: Mapping[str, tuple[str, ...] | None]) -> bool:
        """Whether a span will be in the adjudicated run: one that several drew is, one that one drew where a code is decided."""
        number = self._numbers.get(unit_id)
        if number and self.disputes[number - 1].kind == "alone":
            codes = self.log.work.entries.get(unit_id, EMPTY).codes
            return decisions.get(unit_id, codes) is not None
        return unit_id in self.material.said

    def _overlapping(self, unit: Unit) -> Iterator[Unit]:
        for other in self.material.units[unit.trace_id]:
            if other.id != unit.id and other.start < unit.end and unit.start < other.end:
                yield other

    def undoable(self, who: str) -> UndoStep | None:
        return self.log.undoable_by(who)

    def values(self, spot: TaskPlace, who: str) -> dict[str, Any]:
        """With what everybody says, and what the codebook says of that."""
        dispute, work = self.dispute(spot), self.log.work
        unit_id = spot.task.unit.id
        given = {code for said in dispute.said.values() for code in said.codes or ()}
        return super().values(spot, who) | {
            "said": dispute.said,
            "discussion": self.material.comments.get(unit_id, ()),
            "alone": dispute.kind == "alone",
            "near": self._near(spot) if dispute.kind == "alone" else (),
            "rules": rules_between(self.material.book, given),
            "stale": self.entry(spot).done and work.said.get(unit_id) != dispute.codes,
            "over": self.over(spot),
        }

    def _near(self, spot: TaskPlace) -> list[NearSpan]:
        """Spans that overlap one that is to be kept or not: what is kept should not be there twice."""
        found, work = [], self.log.work
        for other in self._overlapping(spot.task.unit):
            said = self.material.said.get(other.id, {})
            drew = {coder: view for coder, view in said.items() if view.missing_reason != NOT_DRAWN}
            number = self._numbers.get(other.id)
            entry = work.entries.get(other.id) if number and self.over(self.spot(number)) else None
            found.append(NearSpan(other.text, drew, number, entry))
        return found

    def pairs(self) -> list[CoderPair]:
        return [_pair(self.material, a, b) for a, b in combinations(self.material.coders, 2)]


def _as(view: CoderView) -> dict[str, Any]:
    """To decide as this coder did: who drew no span there would not keep it, who could not code it would not either."""
    return {"codes": view.codes, "missing": view.codes is None}


def _pair(material: Material, a: str, b: str) -> CoderPair:
    pairs: list[tuple[str | None, str | None]] = []
    traces: list[int] = []
    for number, units in enumerate(material.units.values()):
        for unit in units:
            said = material.said.get(unit.id, {})
            first = {coder: primary_code(view.codes) for coder, view in said.items()}
            pairs.append((first.get(a), first.get(b)))
            traces.append(number)
    both = [pair for pair in pairs if None not in pair]
    same = sum(x == y for x, y in both)
    if material.book.level != "nominal":
        return CoderPair(
            (a, b), len(both), same, None, f"the codes are {material.book.level}: pcode agreement says it"
        )
    found = alpha_of_pairs(material.book, pairs, traces)
    return CoderPair((a, b), len(both), same, found.value, found.why_undefined)


class AdjudicatePages(CodePages):
    path, heading, all_title = PATH, "Disagreement", "All disagreements"

    def __init__(self, state: State, place: Adjudication) -> None:
        super().__init__(state, {})
        self.adjudication = place

    def place(self, request: Request) -> Adjudication:  # noqa: ARG002 - every handler takes it
        """Whoever has the key may decide; who it was is written down."""
        return self.adjudication

    def _wanted(self, request: Request) -> DisputeFilter:
        return DisputeFilter.of(request.query_params, self.adjudication.material.coders)

    def query(self, request: Request) -> str:
        """Of the list that the unit was opened from."""
        return self._wanted(request).query

    def among(self, request: Request, number: int) -> Sequence[int] | None:
        """The list that the unit was opened from; the unit itself stays in it once it is decided."""
        wanted = self._wanted(request)
        if not wanted.query:
            return None
        spot = self.adjudication.spot(number)
        found = [one.number for one, _ in self._list(wanted, {number: False})]
        if spot.number in found:
            return found
        return [*found, number] if wanted.sort else sorted([*found, number])

    def start(self, request: Request) -> Response:
        """The first that is open, of the list that is shown."""
        wanted = self._wanted(request)
        among = [spot.number for spot, _ in self._list(wanted)] if wanted.query else None
        return self.go(self.adjudication.next_open(among=among), wanted.query)

    def _list(
        self, wanted: DisputeFilter, over: Mapping[int, bool] | None = None
    ) -> list[tuple[TaskPlace, Dispute]]:
        """The disagreements that are wanted, in order. ``over``: which count as decided or as open, whatever they are."""
        place, pair = self.adjudication, coder_pairs(self.adjudication.material.coders)[wanted.pair]
        said = over or {}
        found = [
            (spot, place.dispute(spot))
            for spot in place.spots
            if fits(spot, place.dispute(spot), said.get(spot.number, place.over(spot)), wanted, pair)
        ]
        return ordered(found, wanted.sort, pair)

    def overview(self, request: Request) -> Response:
        """How far they agree, the table of what was taken for what, and the disagreements that it picks."""
        place, wanted = self.adjudication, self._wanted(request)
        pair = coder_pairs(place.material.coders)[wanted.pair]
        over = {spot.number: place.over(spot) for spot in place.spots}
        rows = [(spot, dispute, place.entry(spot), over[spot.number]) for spot, dispute in self._list(wanted)]
        still = frozenset(spot.task.unit.id for spot in place.spots if not over[spot.number])
        written = (place.out / RUN).is_file()
        return self.render(
            request,
            "adjudicate/all.html",
            kinds=KINDS,
            rows=rows,
            wanted=wanted,
            between=coder_pairs(place.material.coders),
            heat=heat_map(place.material, place.material.book, pair, still),
            traces=sorted({spot.trace for spot in place.spots}),
            pairs=place.pairs(),
            coders=place.material.coders,
            drawn=any(dispute.kind == "alone" for dispute in place.disputes),
            done=place.done,
            total=len(place.spots),
            out=place.out,
            written=written,
            fresh="written" in request.query_params and written,
        )

    def several(self, request: Request) -> Response:
        """One decision and one reason for several units; one undo takes them back."""
        place, said = self.adjudication, fields(request)
        numbers = [int(name[1:]) for name in said if re.fullmatch("n[0-9]{1,9}", name)]
        spots = [place.spot(number) for number in numbers]
        reason = str(said.get("memo", "")).strip()
        if not spots or not reason or not said.get("do"):
            raise InputError(
                "nothing was decided: units, a decision and a reason belong together",
                "go back, choose the units, say what they are and why",
            )
        place.decide_all(spots, str(said["do"]), short_enough(reason, "reason"), visitor(request).who)
        # Read and written anew: what a form says is no address, and names hold any character.
        back = DisputeFilter.of(dict(parse_qsl(str(said.get("back", "")))), place.material.coders)
        return RedirectResponse(f"{PATH}/all{back.query}", 303)

    def write(self, request: Request) -> Response:  # noqa: ARG002 - every handler takes it
        """Write run and log; may be done as often as one likes."""
        place = self.adjudication
        with place.log.still:
            work = place.log.work
            people = dict.fromkeys(change.who for change in work.changes if change.who and not change.comment)
            write_adjudicated(place.material, work, place.out, list(people))
        return RedirectResponse(f"{PATH}?written", 303)
