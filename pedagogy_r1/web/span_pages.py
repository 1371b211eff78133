"""Code where coders draw spans: one whole trace at a time, one's own spans in it, and the codebook beside it; blind.

    /code          on to the first trace that is not read to its end
    /code/3        the third in the coder's own order; ?span=s81… shows that span; a POST draws, moves or codes one
    /code/all      all spans with what they were given
    /code/done     when nothing is left

What is kept, and how, is as in `code.py`: the page shows what the disk has.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from ..files.seal import WEB_LOG
from ..human.coding_log import Entry, LoggedChange
from ..human.packet import Packet
from .code_groups import code_groups
from .span_place import SpanPlace
from .state import State, fields, number_of, page_of, visitor
from .workplace import WANTED, entry_fits, open_log

PATH = "/code"
ROWS = 200
"""Spans on a page of the list."""


def span_places(state: State, packet: Packet) -> dict[str, SpanPlace]:
    """Opens every coder's log."""
    places = {}
    for coder in state.coders:
        log = open_log(
            packet.folder / coder / WEB_LOG, packet.manifest.packet_id, coder, packet.codebook, spans=True
        )
        places[coder] = SpanPlace(list(packet.tasks(coder)), packet.units, log)
    return places


class SpanPages:
    """The pages' functions; each runs in a thread, and may wait for the disk."""

    def __init__(self, state: State, places: Mapping[str, SpanPlace]) -> None:
        self.state, self.places = state, places

    def _place(self, request: Request) -> SpanPlace:
        place = self.places.get(visitor(request).who)
        if place is None:
            raise HTTPException(403, "You are not one of those who code here.")
        return place

    def start(self, request: Request) -> Response:
        """Where the coder left off."""
        return _go(self._place(request).next_open())

    def jump(self, request: Request) -> Response:
        """To the trace whose number was typed."""
        return _go(self._place(request).spot(number_of(request.query_params.get("n"), 0)).number)

    def trace(self, request: Request) -> Response:
        """One trace; a script asks only for the part that changes."""
        place, number = self._place(request), number_of(request.path_params["number"], 0)
        if request.method != "POST":
            return self._trace(request, place, number, request.query_params.get("span", ""))
        after, span = place.act(number, fields(request), visitor(request).who)
        if "x-part" not in request.headers:
            return _go(after, span)
        if after is None:
            return Response(status_code=204, headers={"X-Go": f"{PATH}/done"})
        return self._trace(request, place, after, span)

    def _trace(self, request: Request, place: SpanPlace, number: int, span: str) -> Response:
        values = place.values(place.spot(number), span)
        # Where the page has the trace already, only what changed in it is sent.
        values |= {"fresh": request.headers.get("x-view") != str(number)}
        if "x-part" in request.headers:
            return self._render(request, "spans/work.html", {"X-Go": f"{PATH}/{number}"}, **values)
        return self._render(request, "spans/trace.html", traces=place.traces(), **values)

    def listed(self, request: Request) -> Response:
        """The coder's own spans: all, or those of a state, a code, or with words in their text, memo or comments."""
        place = self._place(request)
        wanted = {name: request.query_params.get(name, "") for name in WANTED}
        every = [
            (spot, name, entry, place.comments(name))
            for spot in place.spots
            for name, entry in place.spans(spot)
        ]
        found = [row for row in every if _fits(row[2], row[3], wanted)]
        rows, page, pages = page_of(request, found, ROWS)
        return self._render(
            request,
            "spans/all.html",
            rows=rows,
            found=len(found),
            total=len(every),
            wanted=wanted,
            page=page,
            pages=pages,
            traces=place.traces(),
            progress=place.progress(),
        )

    def done(self, request: Request) -> Response:
        """What is left, if anything."""
        place = self._place(request)
        spans = [entry for spot in place.spots for _, entry in place.spans(spot)]
        return self._render(
            request,
            "code/done.html",
            noun="trace",
            total=len(place.spots),
            done=place.done,
            flags=sum(entry.flag for entry in spans),
            missing=0,
        )

    def _render(
        self, request: Request, template: str, headers: Mapping[str, str] | None = None, **values: Any
    ) -> Response:
        return self.state.render(
            request,
            template,
            headers=headers,
            path=PATH,
            all_title="All spans",
            groups=code_groups(self.state.book),
            **values,
        )


def _go(number: int | None, span: str = "") -> Response:
    """On to a trace, or to the page that says that all are read."""
    return RedirectResponse(f"{PATH}/{number or 'done'}{f'?span={quote(span)}' if span else ''}", 303)


def _fits(entry: Entry, comments: Sequence[LoggedChange], wanted: Mapping[str, str]) -> bool:
    quoted = entry.span.quote if entry.span else ""
    return entry_fits(entry, quoted, comments, {"open": not entry.done}, wanted)
