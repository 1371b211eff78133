"""Starts the server: binds, says where it is, opens a browser, and runs until Ctrl-C.

serve(state, people=("A", "B"))       A: http://127.0.0.1:41233/?token=…   B: http://127.0.0.1:41233/?token=…
"""

from __future__ import annotations

import contextlib
import secrets
import socket
from collections.abc import Callable
from pathlib import Path

from ..errors import InputError, RunError
from .app import make_app
from .keys import Keys, Passwords, is_loopback, own_names
from .state import State

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
    for token, who in tokens.items() if tokens else [("", who) for who in people[:1]]:
        say(who, f"{base}?token={token}" if token else base)
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
