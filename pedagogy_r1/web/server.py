"""Starts the server: binds, says where it is, opens a browser, and runs until Ctrl-C.

serve(state, people=("A", "B"))       A: http://127.0.0.1:41233/?token=…   B: http://127.0.0.1:41233/?token=…

The application: page modules behind the gate.

    web/read.py        TITLE = "Read"; PATH = "/read"; def routes(state) -> list[BaseRoute]

A page is a module of this folder with these three names (`Page`). Its routes carry their whole path, beneath ``PATH``. It
draws with ``state.render(request, "read/….html", …)``, whose template extends ``base.html``; asks ``visitor(request)`` who is
there; and reads a POST with ``fields(request)``: the gate has checked it. Forms hold ``{{ csrf() }}`` (from
``parts.html``), scripts send the header ``X-CSRF-Token`` with the content of ``<meta name="csrf">``. There is no inline script
or style. What goes wrong is raised as a `PedagogyError` and shown with its hint.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import secrets
import socket
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Protocol, cast

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

from ..errors import DiskError, InputError, PedagogyError, RunError
from ..formatting import counted, plain_coder
from .escape import stylesheet
from .keys import Door, Keys, Passwords, PutOff, is_loopback, own_names
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

    async def full(request: Request, error: Exception) -> Response:
        why = f"Not saved: {cast(DiskError, error).why}"
        hint = "Make room on the disk, then do it again. What was shown as saved is kept."
        return state.problem(request, 507, why, hint)

    async def refused(request: Request, error: Exception) -> Response:
        found = cast(HTTPException, error)
        return state.problem(request, found.status_code, f"{found.status_code}: {found.detail}")

    async def broken(request: Request, error: Exception) -> Response:  # noqa: ARG001 - every handler takes it
        return state.problem(
            request, 500, "This page has a fault.", "The terminal where pcode runs says more."
        )

    routes: list[BaseRoute] = [Route("/", home), Route("/codes.css", codes)]
    routes += [Mount("/static", StaticFiles(directory=HOME / "static"))]
    routes += _login(state, keys, keys.passwords) if keys.passwords else []
    app = Starlette(
        routes=[*routes, *(route for page in pages for route in page.routes(state))],
        exception_handlers={
            DiskError: full,
            PedagogyError: failed,
            HTTPException: refused,
            Exception: broken,
        },
    )
    return Gate(app, state, keys)


def _login(state: State, keys: Keys, passwords: Passwords) -> list[BaseRoute]:
    door = Door(passwords)

    async def login(request: Request) -> Response:
        target = request.query_params.get("next", "/")
        if request.method != "POST":
            return state.render(request, "login.html", target=target, name="", wrong="")
        given = {key: str(value) for key, value in fields(request).items()}
        name, target = plain_coder(given.get("name", "")), given.get("next", "/")
        wrong, status, headers = "Name and password do not go together.", 403, {}
        try:
            address = request.client.host if request.client else ""
            if await door.opens(name, given.get("password", ""), address):
                return admitted(keys, name, target)
        except PutOff as put_off:
            wrong = f"Too many attempts. Try again in {counted(put_off.seconds, 'second')}."
            status, headers = 429, {"Retry-After": str(put_off.seconds)}
        await asyncio.sleep(1)
        known = {"target": target, "name": name, "wrong": wrong}
        return state.render(request, "login.html", status=status, headers=headers, **known)

    async def logout(request: Request) -> Response:
        keys.leave(request.cookies.get(keys.cookie, ""))
        response = RedirectResponse("/login", 303)
        response.delete_cookie(keys.cookie)
        return response

    return [Route("/login", login, methods=["GET", "POST"]), Route("/logout", logout, methods=["POST"])]


LOCAL = "127.0.0.1"


def serve(
    state: State,
    *,
    people: tuple[str, ...] = ("",),
    host: str = LOCAL,
    port: int = 0,
    names: tuple[str, ...] = (),
    password_file: Path | None = None,
    say: Callable[[str, str], None],
    browser: bool = False,
) -> None:
    """Serve ``state``'s pages. ``people``: whom to make an address for; ``say(who, url)`` is told each, once the port listens.

    ``names``: further names under which it is reached, for a proxy. Raises `InputError` if others could reach it
    and there is no password file, `RunError` if the port is taken.
    """
    passwords = _passwords(password_file, host, people)
    bound = _bind(host, port)
    port = bound.getsockname()[1]
    tokens = {} if passwords else {secrets.token_urlsafe(24): who for who in people}
    keys = Keys(
        hosts=own_names(host, names),
        cookie=f"pcode-{port}",
        tokens=tokens,
        passwords=passwords,
        any_address=not is_loopback(host),
    )
    app = make_app(state, keys)
    shown = "localhost" if host in ("0.0.0.0", "::") else f"[{host}]" if ":" in host else host  # noqa: S104 - recognised, not bound
    base = f"http://{shown}:{port}/"
    for token, who in tokens.items():
        say(who, f"{base}?token={token}")
    if not tokens:
        say(", ".join(people), base)
        if shown == "localhost" and not is_loopback(host):
            name = names[0] if names else socket.gethostname()
            say("from other machines", f"http://{name}:{port}/")
    if browser:
        import webbrowser

        webbrowser.open(base if passwords else f"{base}?token={keys.ticket(people[0])}")
    _run(app, bound)


def _passwords(path: Path | None, host: str, people: tuple[str, ...]) -> Passwords | None:
    """The password file, without which only this machine may come in."""
    if path is None:
        if not is_loopback(host):
            raise InputError(
                f"--host {host} lets other machines in, and there is no password",
                "add --password-file FILE (made with --set-password), or reach this machine through: ssh -L",
            )
        return None
    passwords = Passwords.read(path)
    if unknown := [who for who in people if who and who not in passwords.people]:
        raise InputError(
            f"{path} has no password for {', '.join(unknown)}", "add it with: pcode web --set-password"
        )
    return passwords


def _bind(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host, port))
        bound.listen(128)
    except OSError as error:
        bound.close()
        raise RunError(
            f"cannot listen on {host}:{port}: {(error.strerror or str(error)).lower()}",
            "choose another --port or --host",
        ) from None
    return bound


def _run(app: object, bound: socket.socket) -> None:
    """Without an access log, which would hold the tokens."""
    import uvicorn

    config = uvicorn.Config(
        app,  # type: ignore[arg-type]
        log_level="warning",
        access_log=False,
        server_header=False,
        lifespan="off",
        ws="none",
        timeout_graceful_shutdown=3,
    )
    with contextlib.suppress(KeyboardInterrupt):  # the way to stop it
        uvicorn.Server(config).run(sockets=[bound])
