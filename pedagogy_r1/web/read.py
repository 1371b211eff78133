"""Read: all traces, one trace with everybody's codes, and all that is known of one unit.

    /read?domain=PK&code=IA-SQ             the traces that fit, fifty a page
    /read/trace?id=aime-3&code=IA-SQ       one of them; n and p go on to the next that fits
    /read/unit?trace=aime-3&unit=u3f…      what each coder said of it, and how the coding came to be

Each is a page that works without a script; ``static/read.js`` adds keys, and shows the third beside the second.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from ..runs.run import Coding
from .escape import lead, strip
from .filters import DIFFER, OPEN, Filters, TraceHit, select, unit_mask
from .index import MISSING, Index, TraceRow, fold
from .state import State, number_of, page_of
from .trace_view import Opened, OpenUnit, SchemeUnits, open_trace, pieces

TITLE, PATH = "Read", "/read"
ROWS = 50
"""Traces on a page of the list."""
UNITS = 1000
"""Units of a trace on one page; few traces have more."""


def routes(state: State) -> list[BaseRoute]:
    """Start to read the runs; pages wait only for what they show."""
    reader = Reader(state, Index(state.runs))
    reader.index.start()
    return [
        Route("/read", reader.listed),
        Route("/read/trace", reader.trace),
        Route("/read/unit", reader.unit),
    ]


class ListedTrace(NamedTuple):
    """One trace in the list. ``hits``: units that fit; ``differ``: units whose primary codes differ."""

    row: TraceRow
    units: int
    hits: int | None
    differ: int
    strip: Any
    url: str


class Neighbours(NamedTuple):
    """Where a trace stands among those that fit, and the addresses of its neighbours."""

    place: int | None
    among: int
    before: str | None
    after: str | None


class Reader:
    """The pages' functions; they are not coroutines, so that each runs in a thread and may wait."""

    def __init__(self, state: State, index: Index) -> None:
        self.state, self.index = state, index
        self.select: Callable[[Filters], list[TraceHit]] = lru_cache(32)(
            lambda filters: select(index, filters)
        )
        self.mask = lru_cache(8)(lambda filters: unit_mask(index, filters))

    def listed(self, request: Request) -> Response:
        filters = Filters.of(request.query_params)
        hits = self.select(filters)
        shown, page, pages = page_of(request, hits, ROWS)
        self.index.wait(max((hit.number for hit in shown), default=-1))
        return self.state.render(
            request,
            "read/list.html",
            **self._common(filters),
            lines=[self._line(hit, filters) for hit in shown],
            found=len(hits),
            found_units=sum(hit.units or 0 for hit in hits) if filters.about_units else None,
            page=page,
            pages=pages,
            page_url=lambda number: PATH + filters.query(page=number if number > 1 else ""),
        )

    def trace(self, request: Request) -> Response:
        query, filters = request.query_params, Filters.of(request.query_params)
        number, opened = self._open(query.get("id", ""))
        view = "text" if query.get("view") == "text" else "units"
        parts = [self._chosen(part, query.getlist("show")) for part in opened.parts]
        count = sum(len(part.units) for part in parts)
        start = min(max(0, number_of(query.get("from"), 0)), max(0, count - 1)) // UNITS * UNITS
        keep = {"view": "text" if view == "text" else "", "id": opened.row.id}
        return self.state.render(
            request,
            "read/trace.html",
            **self._common(filters),
            opened=opened,
            parts=parts
            if view == "text"
            else [part._replace(units=_within(part.units, start)) for part in parts],
            all_columns=sorted({column for part in opened.parts for column in part.columns}),
            shown_columns={column for part in parts for column in part.columns},
            view=view,
            views={
                name: f"/read/trace{filters.query(**(keep | {'view': name if name == 'text' else ''}))}"
                for name in ("units", "text")
            },
            lead={part.scheme: self._lead(part, filters) for part in parts},
            pieces=pieces,
            fits=self._fitting(number, opened, filters),
            step=self._step(number, filters, view),
            start=start,
            count=count,
            part_url=lambda at: f"/read/trace{filters.query(**keep, **{'from': at or ''})}",
            step_size=UNITS,
        )

    def unit(self, request: Request) -> Response:
        """One unit; with ``part`` only what the panel beside the trace shows."""
        query, filters = request.query_params, Filters.of(request.query_params)
        _, opened = self._open(query.get("trace", ""))
        unit = next((unit for unit in opened.units if unit.id == query.get("unit")), None)
        if unit is None:
            raise HTTPException(404, "The trace has no such unit.")
        part = next(part for part in opened.parts if unit in part.units)
        return self.state.render(
            request,
            "read/unit_part.html" if query.get("part") else "read/unit.html",
            **self._common(filters),
            opened=opened,
            unit=unit,
            codings=[(i, Coding.model_validate(data)) for i, data in sorted(unit.codings.items())],
            part=part,
        )

    def _common(self, filters: Filters) -> dict[str, Any]:
        index = self.index
        index.wait_traces()
        values = {
            name: sorted({value for row in index.rows if (value := getattr(row, name))})
            for name in ("domain", "condition", "model")
        }
        return {
            "index": index,
            "filters": filters,
            "values": values,
            "differ_names": DIFFER,
            "OPEN": OPEN,
            "unit_url": lambda row, unit: "/read/unit" + filters.query(trace=row.id, unit=unit.id),
            "trace_url": lambda row: "/read/trace" + filters.query(id=row.id),
            "list_url": PATH + filters.query(),
        }

    def _line(self, hit: TraceHit, filters: Filters) -> ListedTrace:
        row, index = self.index.rows[hit.number], self.index
        said = index.said(row)
        wanted = [i for i, c in enumerate(index.columns) if filters.coder in ("", c.label)]
        column = lead({i: sum(cells[i] > MISSING for cells in said) for i in wanted}, index.columns)
        drawn = (
            ""
            if column is None
            else strip(said, column, index.sets, self.state.book, index.columns[column].label)
        )
        first = [None if codes is None else codes[:1] for codes in index.sets]
        differ = sum(len({first[cell] for cell in cells} - {None}) > 1 for cells in said)
        return ListedTrace(row, len(said), hit.units, differ, drawn, "/read/trace" + filters.query(id=row.id))

    def _open(self, name: str) -> tuple[int, Opened]:
        self.index.wait_traces()
        number = self.index.number.get(name)
        if number is None:
            raise HTTPException(404, "No run has such a trace.")
        self.index.wait(number)
        return number, open_trace(self.index, self.index.rows[number])

    def _chosen(self, part: SchemeUnits, labels: list[str]) -> SchemeUnits:
        """The part with the coders asked for, or all."""
        columns = tuple(i for i in part.columns if self.index.columns[i].label in labels)
        return part._replace(columns=columns) if columns else part

    def _lead(self, part: SchemeUnits, filters: Filters) -> int:
        """The column whose codes colour the text: the coder asked for, else as `lead` says."""
        columns = self.index.columns
        asked = [i for i in part.columns if columns[i].label == filters.coder]
        coded = {
            i: sum(i in unit.codings and unit.codings[i]["codes"] is not None for unit in part.units)
            for i in asked or part.columns
        }
        found = lead(coded, columns)
        return next(iter(coded)) if found is None else found

    def _fitting(self, number: int, opened: Opened, filters: Filters) -> set[str] | None:
        """Ids of the units that are asked for; none where nothing is asked about units."""
        needle = fold(filters.q)
        if not (filters.about_units or needle):
            return None
        first, last = self.index.rows[number].units
        mask = self.mask(filters)[first:last].tolist() if filters.about_units else [True] * (last - first)
        return {
            unit.id
            for unit, fits in zip(opened.units, mask, strict=True)
            if fits and (not needle or needle in fold(unit.text))
        }

    def _step(self, number: int, filters: Filters, view: str) -> Neighbours:
        numbers = [hit.number for hit in self.select(filters)]
        at, end = bisect_left(numbers, number), bisect_right(numbers, number)

        def url(n: int) -> str:
            view_query = "text" if view == "text" else ""
            return "/read/trace" + filters.query(view=view_query, id=self.index.rows[n].id)

        before = url(numbers[at - 1]) if at else None
        after = url(numbers[end]) if end < len(numbers) else None
        return Neighbours(at + 1 if end > at else None, len(numbers), before, after)


def _within(units: tuple[OpenUnit, ...], start: int) -> tuple[OpenUnit, ...]:
    return tuple(unit for unit in units if start <= unit.place < start + UNITS)
