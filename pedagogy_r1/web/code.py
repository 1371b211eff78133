"""Code: one unit at a time, in context, with the codebook beside it; blind.

    /code          on to the first unit that is not done
    /code/7        the seventh in the coder's own order; a POST says something of it
    /code/all      all units with what the coder gave them
    /code/done     when nothing is left

The server has the packet and nothing else: no run, no other coder's log. Who a visitor is comes from the token (or the
login), never from the address, so nobody can open another's pages. A POST is answered when it is on the disk.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from ..errors import InputError
from ..files.seal import WEB_LOG
from .code_groups import code_groups
from .coded_text import TaskPlace
from .span_pages import SpanPages, span_places
from .state import State, fields, number_of, page_of, visitor
from .workplace import WANTED, Workplace, entry_fits, open_log

TITLE, PATH = "Code", "/code"
ROWS = 200
"""Units on a page of the list."""


def routes(state: State) -> list[BaseRoute]:
    """Opens every coder's log; raises `RunError` where another server has one open."""
    if state.packet and state.packet.manifest.spans:
        spans = SpanPages(state, span_places(state, state.packet))
        return _routes(spans, spans.trace)
    pages = CodePages(state, _places(state))
    return _routes(pages, pages.unit)


def _routes(pages: CodePages | SpanPages, one: Callable[[Request], Response]) -> list[BaseRoute]:
    """``one``: the page of one unit, or of one trace in which spans are drawn."""
    return [
        Route(PATH, pages.start),
        Route(PATH + "/all", pages.listed),
        Route(PATH + "/done", pages.done),
        Route(PATH + "/jump", pages.jump),
        Route(PATH + "/{number}", one, methods=["GET", "POST"]),
    ]


def _places(state: State) -> dict[str, Workplace]:
    """With a gold set, practice is done on its own page."""
    packet = state.packet
    if packet is None:
        raise InputError("there is no packet to code", "add --packet PACKET")
    places = {}
    for coder in state.coders:
        tasks = [task for task in packet.tasks(coder) if not (state.gold and task.practice)]
        log = open_log(packet.folder / coder / WEB_LOG, packet.manifest.packet_id, coder, packet.codebook)
        places[coder] = Workplace(tasks, log, whole=packet.manifest.whole_traces)
    return places


class CodePages:
    """The pages' functions; each runs in a thread, and may wait for the disk."""

    path, heading, all_title = PATH, "Unit", "All units"

    def __init__(self, state: State, places: Mapping[str, Workplace]) -> None:
        self.state, self.places = state, places

    def place(self, request: Request) -> Workplace:
        place = self.places.get(visitor(request).who)
        if place is None:
            raise HTTPException(403, "You are not one of those who code here.")
        return place

    def start(self, request: Request) -> Response:
        """Where the coder left off."""
        return self.go(self.place(request).next_open())

    def jump(self, request: Request) -> Response:
        """To the unit whose number was typed."""
        number = number_of(request.query_params.get("n"), 0)
        return self.go(self.place(request).spot(number).number)

    def unit(self, request: Request) -> Response:
        """One unit; a script asks only for the part that changes."""
        place, number = self.place(request), number_of(request.path_params["number"], 0)
        if request.method != "POST":
            return self._unit(request, place, number)
        after = place.act(number, fields(request), visitor(request).who, self.among(request, number))
        if "x-part" not in request.headers:
            return self.go(after, self.query(request))
        if after is None:
            return Response(status_code=204, headers={"X-Go": f"{self.path}/done{self.query(request)}"})
        return self._unit(request, place, after)

    def among(self, request: Request, number: int) -> Sequence[int] | None:  # noqa: ARG002 - a page that has a list takes them
        """The numbers of a list that was picked, and that is gone through; none: all."""
        return None

    def query(self, request: Request) -> str:  # noqa: ARG002 - likewise
        """What the address says of that list."""
        return ""

    def listed(self, request: Request) -> Response:
        """The coder's own units: all, or those of a state, a code, or with words in their text, memo or comments."""
        place = self.place(request)
        wanted = {name: request.query_params.get(name, "") for name in WANTED}
        spots = [spot for spot in place.spots if _fits(place, spot, wanted)]
        listed, page, pages = page_of(request, spots, ROWS)
        return self.render(
            request,
            "code/all.html",
            rows=[(spot, place.entry(spot), place.comments(spot)) for spot in listed],
            found=len(spots),
            wanted=wanted,
            page=page,
            pages=pages,
            traces=place.traces(),
            progress=place.progress(),
        )

    def done(self, request: Request) -> Response:
        """What is left, if anything."""
        place = self.place(request)
        entries = [place.entry(spot) for spot in place.spots]
        return self.render(
            request,
            "code/done.html",
            noun="unit",
            total=len(entries),
            done=place.done,
            flags=sum(entry.flag for entry in entries),
            missing=sum(entry.missing for entry in entries),
        )

    def _unit(self, request: Request, place: Workplace, number: int) -> Response:
        spot = place.spot(number)
        # Where the page has the trace already, only what changed in it is sent.
        fresh = request.headers.get("x-view") != place.view(spot)
        values = place.values(spot, visitor(request).who) | {"fresh": fresh} | self._picked(request, number)
        if "x-part" in request.headers:
            go = {"X-Go": f"{self.path}/{number}"}
            return self.render(request, "code/work.html", headers=go, **values)
        return self.render(request, "code/unit.html", traces=place.traces(), **values)

    def _picked(self, request: Request, number: int) -> dict[str, Any]:
        """Where one is in the list that was picked, if there is one."""
        order = self.among(request, number)
        if order is None:
            return {}
        at = order.index(number)
        return {
            "before": order[at - 1] if at else None,
            "behind": order[at + 1] if at + 1 < len(order) else None,
            "picked": (at + 1, len(order)),
            "query": self.query(request),
        }

    def render(self, request: Request, template: str, **values: Any) -> Response:
        """A page, with what the templates of all of them need."""
        return self.state.render(
            request,
            template,
            path=self.path,
            heading=self.heading,
            all_title=self.all_title,
            groups=code_groups(self.state.book),
            **values,
        )

    def go(self, number: int | None, query: str = "") -> Response:
        """On to a unit, or to the page that says that all is done."""
        return RedirectResponse(f"{self.path}/{number or 'done'}{query}", 303)


def _fits(place: Workplace, spot: TaskPlace, wanted: Mapping[str, str]) -> bool:
    entry = place.entry(spot)
    states = {"open": not place.over(spot), "missing": entry.missing, "practice": spot.task.practice}
    return entry_fits(entry, spot.task.unit.text, place.comments(spot), states, wanted)
