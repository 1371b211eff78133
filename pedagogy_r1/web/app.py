"""The application: page modules behind the gate.

    web/read.py        TITLE = "Read"; PATH = "/read"; def routes(state) -> list[BaseRoute]

A page is a module of this folder with these three names (`Page`). Its routes carry their whole path, beneath ``PATH``. It
draws with ``state.render(request, "read/….html", …)``, whose template extends ``base.html``; asks ``visitor(request)`` who is
there; and reads a POST with ``fields(request)``: the gate has checked it. Forms hold ``{{ csrf() }}`` (from
``parts.html``), scripts send the header ``X-CSRF-Token`` with the content of ``<meta name="csrf">``. There is no inline script
or style. What goes wrong is raised as a `PedagogyError` and shown with its hint.
"""

from __future__ import annotations

import asyncio
import importlib
from dataclasses import replace
from typing import Protocol, cast

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

from ..errors import PedagogyError
from .code_styles import stylesheet
from .keys import Keys
from .security import Gate, admitted
from .state import HOME, State, fields


class Page(Protocol):
    """What a page module offers."""

    TITLE: str
    PATH: str

    def routes(self, state: State) -> list[BaseRoute]:
        """Called once, when the server starts; raises `PedagogyError` where it cannot serve."""
        ...


def make_app(state: State, keys: Keys) -> ASGIApp:
    """The pages that ``state`` names, the first of them at ``/``. The gate stands before everything, error pages included."""
    pages = [cast(Page, importlib.import_module(f".{name}", __package__)) for name in state.pages]
    state = replace(
        state, nav=tuple((page.TITLE, page.PATH) for page in pages), passwords=keys.passwords is not None
    )
    css = stylesheet(state.book)

    async def home(request: Request) -> Response:  # noqa: ARG001 - every handler takes it
        return RedirectResponse(state.nav[0][1], 303)

    async def codes(request: Request) -> Response:  # noqa: ARG001 - every handler takes it
        return Response(css, media_type="text/css")

    async def failed(request: Request, error: Exception) -> Response:
        found = cast(PedagogyError, error)
        return state.problem(request, 409, found.message, found.hint)

    async def refused(request: Request, error: Exception) -> Response:
        found = cast(HTTPException, error)
        return state.problem(request, found.status_code, f"{found.status_code}: {found.detail}")

    async def broken(request: Request, error: Exception) -> Response:  # noqa: ARG001 - every handler takes it
        return state.problem(
            request, 500, "This page has a fault.", "The terminal where pcode runs says more."
        )

    routes: list[BaseRoute] = [Route("/", home), Route("/codes.css", codes)]
    routes += [Mount("/static", StaticFiles(directory=HOME / "static"))]
    routes += _login(state, keys) if keys.passwords else []
    app = Starlette(
        routes=[*routes, *(route for page in pages for route in page.routes(state))],
        exception_handlers={PedagogyError: failed, HTTPException: refused, Exception: broken},
    )
    return Gate(app, state, keys)


def _login(state: State, keys: Keys) -> list[BaseRoute]:
    async def login(request: Request) -> Response:
        target = request.query_params.get("next", "/")
        if request.method != "POST":
            return state.render(request, "login.html", target=target, name="", wrong=False)
        given = {key: str(value) for key, value in fields(request).items()}
        name, password = given.get("name", ""), given.get("password", "")
        assert keys.passwords is not None
        if await run_in_threadpool(keys.passwords.right, name, password):
            return admitted(keys, name, given.get("next", "/"))
        await asyncio.sleep(1)
        target = given.get("next", "/")
        return state.render(request, "login.html", status=403, target=target, name=name, wrong=True)

    async def logout(request: Request) -> Response:  # noqa: ARG001 - every handler takes it
        response = RedirectResponse("/login", 303)
        response.delete_cookie(keys.cookie)
        return response

    return [Route("/login", login, methods=["GET", "POST"]), Route("/logout", logout, methods=["POST"])]
