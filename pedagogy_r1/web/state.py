"""What the server was started for, and how its pages are drawn.

    state = State(book=run.codebook, pages=("read",), runs=(CoderRun("runs/humans"), CoderRun("runs/cues")))
    state.render(request, "read/list.html", rows=rows)

It is made once and never changes; a page module builds what it needs from it in ``routes(state)``, and keeps that to itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse

from ..codebook import NONE, Codebook
from ..human.packet import Packet
from ..runs.run import CoderRun
from .colors import code_class
from .escape import shown

HOME = Path(__file__).parent


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
    title: str = "pcode"
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

    @cached_property
    def templates(self) -> Environment:
        """Escapes everything; a name that a template uses and nobody gave is an error."""
        env = Environment(
            loader=FileSystemLoader(HOME / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        env.filters["shown"] = shown
        names = {code.id: code.name for code in self.book.codes} | {NONE: "no code applies"}
        env.globals |= {
            "book": self.book,
            "code_names": names,
            "code_class": lambda code: code_class(self.book, code),
            "site": self.title,
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
