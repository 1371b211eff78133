"""Code: one unit at a time, in context, with the codebook beside it; blind.

    /code          on to the first unit that is not done
    /code/7        the seventh in the coder's own order; a POST says something of it
    /code/all      all units with what the coder gave them
    /code/done     when nothing is left

The server has the packet and nothing else: no run, no other coder's log. Who a visitor is comes from the token (or the
login), never from the address, so nobody can open another's pages. A POST is answered when it is on the disk.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from ..errors import InputError
from ..human.coding_log import NAME
from .state import State, fields, visitor
from .workplace import Workplace, open_log

TITLE, PATH = "Code", "/code"
ROWS = 200
"""Units on a page of the list."""

KEYS = "1234567890"
"""Of the first ten codes, in the book's order."""


def routes(state: State) -> list[BaseRoute]:
    """Opens every coder's log; raises `RunError` where another server has one open."""
    pages = CodePages(state, _places(state))
    return [
        Route(PATH, pages.start),
        Route(PATH + "/all", pages.listed),
        Route(PATH + "/done", pages.done),
        Route(PATH + "/{number:int}", pages.unit, methods=["GET", "POST"]),
    ]


def _places(state: State) -> dict[str, Workplace]:
    """With a gold set, practice is done on its own page."""
    packet = state.packet
    if packet is None:
        raise InputError("there is no packet to code", "add --packet PACKET")
    places = {}
    for coder in state.coders:
        tasks = [task for task in packet.tasks(coder) if not (state.gold and task.practice)]
        log = open_log(packet, coder, packet.folder / coder / NAME)
        places[coder] = Workplace(tasks, log, whole=packet.manifest.whole_traces)
    return places


class CodePages:
    """The pages' functions; each runs in a thread, and may wait for the disk."""

    path, template, part = PATH, "code/unit.html", "code/work.html"

    def __init__(self, state: State, places: Mapping[str, Workplace]) -> None:
        self.state, self.places = state, places

    def place(self, request: Request) -> Workplace:
        """Whose work this is."""
        place = self.places.get(visitor(request).who)
        if place is None:
            raise HTTPException(403, "You are not one of those who code here.")
        return place

    def start(self, request: Request) -> Response:
        """Where the coder left off."""
        return self.go(self.place(request).next_open())

    def unit(self, request: Request) -> Response:
        """One unit; a script asks only for the part that changes."""
        place, number = self.place(request), int(request.path_params["number"])
        if request.method != "POST":
            return self._unit(request, place, number)
        after = place.act(number, fields(request), visitor(request).who)
        if "x-part" not in request.headers:
            return self.go(after)
        if after is None:
            return Response(status_code=204, headers={"X-Go": f"{self.path}/done"})
        return self._unit(request, place, after)

    def listed(self, request: Request) -> Response:
        """All units, those that are open, or those with a flag."""
        place, query = self.place(request), request.query_params
        show = query.get("show", "all")
        spots = [
            spot
            for spot in place.spots
            if show == "all"
            or (show == "open" and not place.over(spot))
            or (show == "flag" and place.entry(spot).flag)
        ]
        pages = max(1, -(-len(spots) // ROWS))
        page = min(max(1, int(text) if (text := query.get("page", "1")).isdecimal() else 1), pages)
        return self.state.render(
            request,
            "code/all.html",
            **self.common(),
            rows=[(spot, place.entry(spot)) for spot in spots[(page - 1) * ROWS : page * ROWS]],
            show=show,
            page=page,
            pages=pages,
            done=place.done,
            total=len(place.spots),
        )

    def done(self, request: Request) -> Response:
        """What is left, if anything."""
        place = self.place(request)
        entries = [place.entry(spot) for spot in place.spots]
        return self.state.render(
            request,
            "code/done.html",
            **self.common(),
            total=len(entries),
            done=place.done,
            flags=sum(entry.flag for entry in entries),
            missing=sum(entry.missing for entry in entries),
        )

    def _unit(self, request: Request, place: Workplace, number: int) -> Response:
        values = self.values(place, number)
        if "x-part" in request.headers:
            go = {"X-Go": f"{self.path}/{number}"}
            return self.state.render(request, self.part, headers=go, **self.common(), **values)
        return self.state.render(request, self.template, **self.common(), **values)

    def values(self, place: Workplace, number: int) -> dict[str, Any]:
        """What the page shows of a unit."""
        return place.values(place.spot(number))

    def common(self) -> dict[str, Any]:
        """What the templates of every page need."""
        book = self.state.book
        return {"path": self.path, "keys": dict(zip(book.code_ids, KEYS, strict=False))} | {
            "heading": "Unit",
            "all_title": "All units",
        }

    def go(self, number: int | None) -> Response:
        """On to a unit, or to the page that says that all is done."""
        return RedirectResponse(f"{self.path}/{number or 'done'}", 303)
