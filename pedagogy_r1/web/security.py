"""Who may ask, and what may be asked: the gate before every page.

    http://127.0.0.1:8123/?token=kX…   →  303 to / with a cookie; from then on the cookie

In this order: the Host header is one of ours (a foreign name pointed at this machine is refused); what changes something comes
from our own pages (Origin, Sec-Fetch-Site); the visitor is known (`keys.py`); a change carries the visitor's token.
"""

from __future__ import annotations

import hmac
from functools import partial
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..files.json_text import parse_json
from .keys import Keys
from .state import State

SAFE = ("GET", "HEAD", "OPTIONS")
LARGEST, OF_STRANGERS = 1 << 20, 1 << 14
"""Bytes of a request's body: a coder's memo needs a thousandth; name and password of who is not in yet."""

HEADERS = {
    "Content-Security-Policy": "default-src 'self'; base-uri 'none'; object-src 'none'; form-action 'self'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
"""``default-src 'self'`` forbids inline script and style: what a trace might smuggle in could not run, nor call home.

The referrer is withheld from others only: with ``no-referrer`` a browser sends ``Origin: null`` to ourselves."""


class Gate:
    """ASGI middleware around all pages."""

    def __init__(self, app: ASGIApp, state: State, keys: Keys) -> None:
        self.app, self.state, self.keys = app, state, keys

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
            return
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        guarded = _with_headers(scope, send)
        scope.setdefault("state", {})["visitor"] = None
        refusal, receive = await self._checked(scope, receive)
        await (refusal or self.app)(scope, receive, guarded)

    async def _checked(self, scope: Scope, receive: Receive) -> tuple[Response | None, Receive]:
        """A refusal, or none and the body as it will be read again. Fills ``state`` with visitor and fields."""
        request, headers = Request(scope), Headers(scope=scope)
        if (refusal := self._stopped(scope, request, headers)) is not None:
            return refusal, receive
        refuse, seen = partial(self.state.problem, request), scope["state"]["visitor"]
        other = "The page is of another visit, or from before the server was started."
        if scope["path"].startswith("/static/") or scope["method"] in SAFE:
            # A page's script says whose page it is also where it only reads: another window may have let in somebody else.
            given = headers.get("x-csrf-token")
            same = seen is None or given is None or _same(seen.csrf, given)
            return None if same else refuse(403, other, "Load it again."), receive
        most = OF_STRANGERS if self._login(scope) else LARGEST
        body = await _body(receive, most)
        if body is None:
            return refuse(413, f"The request is larger than {most >> 10:,} KiB."), receive
        found = _fields(headers.get("content-type", ""), body)
        if found is None:
            return refuse(400, "The request can be read neither as a form nor as JSON."), receive
        given = headers.get("x-csrf-token") or str(found.pop("csrf", ""))
        if not self._login(scope) and not _same(seen.csrf, given):
            return refuse(403, other, "Load it again."), receive
        scope["state"]["fields"] = found
        return None, _again(body)

    def _login(self, scope: Scope) -> bool:
        """Whether it is the page that nobody has to be known for."""
        return self.keys.passwords is not None and scope["path"] == "/login"

    def _stopped(self, scope: Scope, request: Request, headers: Headers) -> Response | None:
        """What the headers are refused with, or none; a page's visitor is known afterwards."""
        refuse = partial(self.state.problem, request)
        hosts = headers.getlist("host")
        if len(hosts) != 1 or not self.keys.ours(hosts[0]):
            return refuse(421, "This server does not go by that name.", "Use the address that pcode printed.")
        if scope["path"].startswith("/static/"):
            return None
        changes = scope["method"] not in SAFE
        if changes and not _from_here(headers, hosts[0]):
            return refuse(403, "The request comes from another site.", "Use the page itself.")
        if (token := request.query_params.get("token")) is not None and not changes:
            return self._enter(request, token)
        scope["state"]["visitor"] = seen = self.keys.visitor(request.cookies.get(self.keys.cookie, ""))
        return self._unknown(request) if seen is None and not self._login(scope) else None

    def _enter(self, request: Request, token: str) -> Response:
        who = self.keys.owner(token)
        if who is None:
            return self.state.problem(
                request, 403, "That address is not valid any more.", "Use the one that pcode printed last."
            )
        rest = urlencode(
            [(key, value) for key, value in request.query_params.multi_items() if key != "token"]
        )
        return admitted(self.keys, who, _local(request.url.path) + (f"?{rest}" if rest else ""))

    def _unknown(self, request: Request) -> Response:
        if self.keys.passwords is None:
            return self.state.problem(
                request,
                403,
                "This page needs its key.",
                "Open the address that pcode printed: it ends in ?token=…",
            )
        if request.method not in SAFE:
            return self.state.problem(
                request,
                403,
                "You are not logged in any more.",
                "Copy what you have just written, load the page again, and log in. What was shown as saved is kept.",
            )
        wanted = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        return RedirectResponse(f"/login?next={quote(wanted)}", 303)


def admitted(keys: Keys, who: str, target: str) -> Response:
    """On to ``target``, with a cookie. ``Lax``: a link in a mail may lead here, another site's form may not."""
    response = RedirectResponse(_local(target), 303)
    response.set_cookie(keys.cookie, keys.admit(who), httponly=True, samesite="lax")
    return response


def _same(token: str, given: str) -> bool:
    return hmac.compare_digest(token.encode(), given.encode("utf-8", "replace"))


def _local(target: str) -> str:
    """A path of this server, whatever was asked for: ``//elsewhere`` and ``/\\elsewhere`` would lead away."""
    plain = (
        target.startswith("/") and not target.startswith(("//", "/\\")) and not set(target) & set("\r\n\t")
    )
    return target if plain else "/"


def _from_here(headers: Headers, host: str) -> bool:
    origin = headers.get("origin")
    if origin is not None:
        return origin.partition("://")[2] == host
    return headers.get("sec-fetch-site", "same-origin") in ("same-origin", "none")


async def _body(receive: Receive, most: int) -> bytes | None:
    """The whole body; none if it is too large or the other side went away."""
    parts, size = [], 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return None
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > most:
            return None
        if not message.get("more_body"):
            return b"".join(parts)


def _again(body: bytes) -> Receive:
    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    return receive


def _fields(kind: str, body: bytes) -> dict[str, Any] | None:
    """The fields of a form or of a JSON object; none if it is neither. An empty body has none."""
    try:
        text = body.decode("utf-8")
        if kind.partition(";")[0].strip() == "application/json":
            value = parse_json(text)
            return value if isinstance(value, dict) else None
        if kind.partition(";")[0].strip() in ("application/x-www-form-urlencoded", ""):
            return dict(parse_qsl(text, keep_blank_values=True, max_num_fields=1000))
    except ValueError:
        return None
    return None


def _with_headers(scope: Scope, send: Send) -> Send:
    async def guarded(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers.update(HEADERS)
            headers["Cache-Control"] = "no-cache" if scope["path"].startswith("/static/") else "no-store"
        await send(message)

    return guarded
