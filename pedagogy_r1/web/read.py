"""Read: all traces, one trace with everybody's codes, and all that is known of one unit.

    /read?domain=PK&code=IA-SQ             the traces that fit, fifty a page
    /read/trace?id=aime-3&code=IA-SQ       one of them; n and p go on to the next that fits
    /read/unit?trace=aime-3&unit=u3f…      what each coder said of it, and how the coding came to be
    /read/trace?id=aime-3&jump=57          to its 57th unit; at=512: to the unit of that character
    /read/quote?id=aime-3&start=512&end=547, /read/find?id=aime-3&words=…       `passages.py`
    /read/units.csv?code=IA-SQ             the units that fit, to take away (`unit_table.py`)

The first three are pages that work without a script; ``static/read.js`` adds keys, and shows the third beside the second.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator
from functools import lru_cache, partial
from typing import Any, NamedTuple
from urllib.parse import urlencode

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from ..files.records import whole_text
from ..runs.run import Coding
from .filters import DIFFER, OPEN, Filters, TraceHit, select, unit_mask
from .index import MISSING, CoderColumn, Index, TraceRow, fold
from .passages import Passage, passages, quoted
from .ribbons import lead, legend, primaries, ribbons, strip, text_map
from .state import State, number_of, page_of
from .trace_view import Opened, OpenUnit, SchemeUnits, open_trace, pieces
from .unit_table import FORMS, download, unit_rows

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
        Route("/read/find", reader.find),
        Route("/read/quote", reader.quote),
        *(Route(f"/read/units.{form}", partial(reader.table, form)) for form in FORMS),
    ]


class ListedTrace(NamedTuple):
    """One trace in the list. ``hits``: units that fit; ``differ``: units whose primary codes differ, none where no unit has two coders;
    ``who``: whose the bar is."""

    row: TraceRow
    units: int
    hits: int | None
    differ: int | None
    strip: Any
    who: CoderColumn | None
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
            tables=self._tables(filters),
        )

    def trace(self, request: Request) -> Response:
        query, filters = request.query_params, Filters.of(request.query_params)
        number, opened = self._open(query.get("id", ""))
        if "jump" in query or "at" in query:
            return _jump(request, opened)
        view = "text" if query.get("view") == "text" else "units"
        parts = [self._chosen(part, query.getlist("show")) for part in opened.parts]
        count = sum(len(part.units) for part in parts)
        start = min(max(0, number_of(query.get("from"), 0)), max(0, count - 1)) // UNITS * UNITS
        chosen = query.getlist("show")
        keep = {"view": "text" if view == "text" else "", "id": opened.row.id, "show": chosen}
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
            **self._glance(parts, opened, filters),
            pieces=pieces,
            legend_url=lambda code: (
                f"/read/trace{filters.query(**keep, code='' if code == filters.code else code)}"
            ),
            tables=self._tables(filters, id=opened.row.id, show=chosen),
            fits=self._fitting(number, opened, filters),
            step=self._step(number, filters, keep),
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
            quote_url="/read/quote"
            + Filters().query(id=opened.row.id, start=str(unit.start), end=unit.end, scheme=part.scheme),
        )

    def find(self, request: Request) -> Response:
        """Where the words stand in the trace: ``[text, start, end]`` each."""
        _, opened = self._open(request.query_params.get("id", ""))
        return JSONResponse(passages(opened.trace, request.query_params.get("words", "")))

    def quote(self, request: Request) -> Response:
        """A passage and where it stands, as plain text."""
        query = request.query_params
        _, opened = self._open(query.get("id", ""))
        start, end = (number_of(query.get(name), 0) for name in ("start", "end"))
        text = quoted(opened, Passage(query.get("text", "reasoning"), start, end), query.get("scheme", ""))
        return PlainTextResponse(whole_text(text), headers={"Cache-Control": "no-store"})

    def table(self, form: str, request: Request) -> Response:
        """The units that fit with everybody's codes, as a file; of one trace, or of all that fit."""
        query, filters = request.query_params, Filters.of(request.query_params)
        if "id" in query:
            numbers, name = [self._open(query["id"])[0]], query["id"]
        else:
            numbers, name = [hit.number for hit in self.select(filters)], "units"
        asked = query.getlist("show")
        columns = [i for i, c in enumerate(self.index.columns) if not asked or c.label in asked]

        def rows(number: int) -> Iterator[dict[str, Any]]:
            _, opened = self._open(self.index.rows[number].id)
            return unit_rows(self.index, opened, columns, self._fitting(number, opened, filters))

        return download(form, name, (partial(rows, number) for number in numbers))

    def _tables(self, filters: Filters, **more: Any) -> list[tuple[str, str]]:
        """Name and address of each form of the table."""
        return [(form.upper(), f"/read/units.{form}{filters.query(**more)}") for form in FORMS]

    def _glance(self, parts: list[SchemeUnits], opened: Opened, filters: Filters) -> dict[str, Any]:
        """What shows the trace as a whole: bars, what their colours are, and the map of the text."""
        index, row, book = self.index, opened.row, self.state.book
        leads = {part.scheme: self._lead(part, filters) for part in parts}
        length = len(opened.trace.reasoning)
        return {
            "lead": leads,
            "ribbons": {part.scheme: ribbons(index, row, part, book) for part in parts},
            "legend": {part.scheme: legend(index, row, part, book) for part in parts},
            "firsts": {part.scheme: part.units[0].place for part in parts},
            "length": length,
            "map": text_map(
                parts[0], column := leads[parts[0].scheme], length, book, index.columns[column].label
            )
            if parts
            else None,
        }

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
        who = None if column is None else index.columns[column]
        drawn = (
            ""
            if column is None or who is None
            else strip(primaries(said, column, index.sets), self.state.book, who.label)
        )
        first = [None if codes is None else codes[:1] for codes in index.sets]
        two = any(sum(cell > MISSING for cell in cells) > 1 for cells in said)
        differ = sum(len({first[cell] for cell in cells} - {None}) > 1 for cells in said) if two else None
        url = "/read/trace" + filters.query(id=row.id)
        return ListedTrace(row, len(said), hit.units, differ, drawn, who, url)

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

    def _step(self, number: int, filters: Filters, keep: dict[str, Any]) -> Neighbours:
        numbers = [hit.number for hit in self.select(filters)]
        at, end = bisect_left(numbers, number), bisect_right(numbers, number)

        def url(n: int) -> str:
            return "/read/trace" + filters.query(**keep | {"id": self.index.rows[n].id})

        before = url(numbers[at - 1]) if at else None
        after = url(numbers[end]) if end < len(numbers) else None
        return Neighbours(at + 1 if end > at else None, len(numbers), before, after)


def _jump(request: Request, opened: Opened) -> Response:
    """To the page that has the unit of this number, or the unit of this character (the next one, where none has it)."""
    query = request.query_params
    units = list(opened.units)
    place = min(max(1, number_of(query.get("jump"), 1)), max(1, len(units))) - 1
    if (at := query.get("at")) is not None:
        ends = [unit.end for unit in opened.parts[0].units] if opened.parts else [0]
        place = min(bisect_right(ends, number_of(at, 0)), len(ends) - 1)
    rest = [(key, value) for key, value in query.multi_items() if key not in ("jump", "at", "from")]
    rest += [("from", str(place // UNITS * UNITS))] if place >= UNITS else []
    return RedirectResponse(f"/read/trace?{urlencode(rest, errors='replace')}#u{place}", 303)


def _within(units: tuple[OpenUnit, ...], start: int) -> tuple[OpenUnit, ...]:
    return tuple(unit for unit in units if start <= unit.place < start + UNITS)
