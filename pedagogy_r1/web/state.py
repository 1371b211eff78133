"""What the server was started for, whether its pages may be served together, and how they are drawn.

    RUNS                                  Read
    --packet P --coder A                  Code, blind: no run beside it
    --packet P --coder A --gold GOLD      Train, then Code
    --adjudicate RUNS, or --packet P      Adjudicate, and Read beside it

A server that lets somebody code holds no other coding: what is not opened cannot be sent.

    state = State(book=run.codebook, pages=("read",), runs=(CoderRun("runs/humans"), CoderRun("runs/cues")))
    state.render(request, "read/list.html", rows=rows)

It is made once and never changes; a page module builds what it needs from it in ``routes(state)``, and keeps that to itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse

from ..codebook import NONE, Codebook
from ..errors import InputError
from ..files.seal import LEDGER, WEB_LOG
from ..formatting import level_words, on_page
from ..human.adjudication import ADJUDICATED
from ..human.packet import Packet
from ..runs.run import FILES, CoderRun, require_complete
from .escape import code_class, kept, shown

HOME = Path(__file__).parent
Row = TypeVar("Row")


@dataclass(frozen=True)
class Visitor:
    """Who is looking (a coder's name, or ``""``), and the token that their forms and requests must carry."""

    who: str
    csrf: str


@dataclass(frozen=True)
class State:
    """``pages``: names of the page modules that are served, the first at ``/``. What a page does not need is empty.

    ``coders``: those who may code here. ``gold``: the run that practice is compared with. ``out``: where decisions go.
    """

    book: Codebook
    pages: tuple[str, ...]
    runs: tuple[CoderRun, ...] = ()
    packet: Packet | None = None
    coders: tuple[str, ...] = ()
    gold: CoderRun | None = None
    out: Path | None = None
    nav: tuple[tuple[str, str], ...] = ()
    """Title and path of each page, filled in by `make_app`."""
    passwords: bool = False
    partial: tuple[str, ...] = ()
    """Of each run that is not complete, a sentence that says so; every page shows it."""

    def logs(self) -> list[tuple[str, Path]]:
        """Where what people say is kept: whose, and the file."""
        if self.packet is not None and self.coders:
            return [(coder, self.packet.folder / coder / WEB_LOG) for coder in self.coders]
        return [(ADJUDICATED, self.decisions() / LEDGER)] if "adjudicate" in self.pages else []

    def decisions(self) -> Path:
        """The folder that the decisions of who adjudicates go to. Raises `InputError` where none can be told."""
        if self.out is not None:
            return self.out
        if self.packet is None:
            raise InputError("where shall the decisions go?", "add -o RUN, a directory for them")
        if ADJUDICATED in self.packet.manifest.coders:
            raise InputError(
                f"a coder of the packet is named {ADJUDICATED}", "add -o RUN, a directory for the decisions"
            )
        return self.packet.folder / ADJUDICATED

    @cached_property
    def templates(self) -> Environment:
        """Escapes everything; a name that a template uses and nobody gave is an error."""
        env = Environment(
            loader=FileSystemLoader(HOME / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            finalize=on_page,
        )
        env.filters |= {"shown": shown, "kept": kept, "level_words": level_words}
        names = {code.id: code.name for code in self.book.codes} | {NONE: "no code applies"}
        env.globals |= {
            "book": self.book,
            "code_names": names,
            "code_class": lambda code: code_class(self.book, code),
            "site": "pcode",
            "nav": self.nav,
            "passwords": self.passwords,
            "partial": self.partial,
            "NONE": NONE,
            "zip": zip,
        }
        return env

    def render(
        self,
        request: Request,
        template: str,
        /,
        *,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
        **values: Any,
    ) -> HTMLResponse:
        """A page, or a part of one. Templates get ``request``, ``visitor`` (or none) and ``values``."""
        visitor = request.scope.get("state", {}).get("visitor")
        html = self.templates.get_template(template).render(request=request, visitor=visitor, **values)
        return HTMLResponse(html, status, headers)

    def problem(self, request: Request, status: int, message: str, hint: str = "") -> HTMLResponse:
        """The page that says what is wrong and what next."""
        return self.render(request, "problem.html", status=status, message=message, hint=hint)


def visitor(request: Request) -> Visitor:
    """Who asks; behind the gate there always is somebody."""
    found: Visitor = request.state.visitor
    return found


def fields(request: Request) -> dict[str, Any]:
    """What a POST carried, as a form or as a JSON object; the gate has read and checked it. Form fields are strings."""
    found: dict[str, Any] = request.state.fields
    return found


def page_of(request: Request, rows: Sequence[Row], size: int) -> tuple[Sequence[Row], int, int]:
    """Of ``rows`` those on the page that the address asks for; its number, from 1; and how many pages there are."""
    pages = max(1, -(-len(rows) // size))
    page = min(max(1, number_of(request.query_params.get("page"), 1)), pages)
    return rows[(page - 1) * size : page * size], page, pages


def number_of(text: str | None, otherwise: int) -> int:
    """A number from an address; anything else counts as not said."""
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 10 else otherwise


def open_state(
    runs: Sequence[Path],
    *,
    packet: Path | None = None,
    coders: tuple[str, ...] = (),
    adjudicate: bool = False,
    gold: Path | None = None,
    out: Path | None = None,
    partial: bool = False,
) -> State:
    """Open and check everything; ``partial``: also runs that are not complete.

    Raises `InputError` for what does not go together, `RunError` for damaged runs.
    """
    _check(runs, packet, coders, adjudicate, gold)
    opened = tuple(_whole(CoderRun(run)) for run in runs)
    practised = [_whole(CoderRun(gold))] if gold else []
    unfinished = require_complete([*opened, *practised], partial)
    parcel = Packet(packet) if packet else None
    books = [(run.folder, run.codebook) for run in opened]
    books += [(parcel.folder, parcel.codebook)] if parcel else []
    if gold and parcel and parcel.manifest.spans:
        raise InputError(
            f"{packet}: its coders draw spans, and --gold practises on units that are given",
            "leave --gold out; traces for practice: pcode sample --spans --practice",
        )
    book = _one_book(books + [(run.folder, run.codebook) for run in practised])
    if parcel and (strangers := [name for name in coders if name not in parcel.manifest.coders]):
        known = ", ".join(parcel.manifest.coders)
        raise InputError(f"{packet} is not for {', '.join(strangers)}", f"its coders: {known}")
    wanted = {
        "practice": bool(gold),
        "code": bool(coders),
        "adjudicate": adjudicate,
        "read": bool(opened),
    }
    return State(
        book=book,
        pages=tuple(page for page, asked in wanted.items() if asked),
        runs=opened,
        packet=parcel,
        coders=coders,
        gold=practised[0] if practised else None,
        out=out,
        partial=unfinished,
    )


def _check(
    runs: Sequence[Path], packet: Path | None, coders: Sequence[str], adjudicate: bool, gold: Path | None
) -> None:
    if coders and packet is None:
        raise InputError(
            "--coder codes a packet, and there is none", "add --packet PACKET (made with: pcode sample)"
        )
    if coders and (runs or adjudicate):
        raise InputError(
            "who codes must not see codings, and this server would hold them",
            "leave RUNS and --adjudicate out; read and adjudicate afterwards, with another command",
        )
    if gold and not coders:
        raise InputError("--gold practises with a packet, as somebody", "add --packet PACKET --coder NAME")
    if packet and not (coders or adjudicate):
        raise InputError("what is the packet for?", "add --coder NAME to code it, or --adjudicate")
    if not (runs or packet):
        raise InputError("nothing to show", "give run directories, or --packet PACKET --coder NAME")


def _whole(run: CoderRun) -> CoderRun:
    for name in FILES:
        run.file(name)
    return run


def _one_book(books: Sequence[tuple[Path, Codebook]]) -> Codebook:
    first, book = books[0]
    for other, found in books[1:]:
        if found.digest != book.digest:
            raise InputError(
                f"{first} is coded with {book.stamp}, {other} with {found.stamp}",
                "look at each by itself, or carry one over with: pcode codebook migrate",
            )
    return book
