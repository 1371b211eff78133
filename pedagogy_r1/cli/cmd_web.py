"""``pcode web``: pages in a browser."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from ..errors import PedagogyError
from ..formatting import counted, plain_coder
from . import options
from .console import say


@click.command("web", cls=options.Command)
@click.argument("runs", nargs=-1, type=options.PATH)
@options.option("--packet", "Packet made by pcode sample.", options.PATH)
@options.coders("Code the packet as these people.")
@options.option(
    "--adjudicate adjudicators",
    "Settle disagreements of RUNS, or of the packet's coders, as NAME; again for further people.",
    plain_coder,
    multiple=True,
    metavar="NAME",
)
@options.option("--gold", "Practise against this run.", options.PATH, metavar="RUN")
@options.out("Run directory for the decisions.", options.JOB, required=False)
@options.partial()
@options.option("--host", "Address to listen on; others need --password-file.", default="127.0.0.1")
@options.option(
    "--port", "Port; default: a free one.", click.IntRange(0, 65535), default=0, show_default=False
)
@options.option(
    "--host-name names",
    "Further host name that this server is reached by; may be repeated.",
    multiple=True,
    metavar="NAME",
)
@options.option("--password-file", "Log in by name and password.", options.PATH)
@options.option("--set-password", "Ask for NAME's password, write it to the file, and stop.", metavar="NAME")
@options.flag("--no-browser", "Only print the address.")
def command(
    runs: tuple[Path, ...],
    coders: tuple[str, ...],
    adjudicators: tuple[str, ...],
    password_file: Path | None,
    set_password: str | None,
    no_browser: bool,
    **given: Any,
) -> None:
    """Read RUNS in a browser: every trace with everybody's codes, in colour.

    With --packet and --coder: code, blind, and with --gold practise. With --adjudicate: settle disagreements. The pages
    stay on this machine, and need the key in the address that is printed. Ctrl-C stops the server.
    """
    _need_extra()
    if set_password is not None:
        _set_password(password_file, set_password)
        return
    from ..web.server import serve
    from ..web.state import open_state

    where = options.taken(given, "host", "port", "names")
    state = open_state(runs, coders=coders, adjudicate=bool(adjudicators), **given)
    people = coders or adjudicators or ("",)
    for who, path in state.logs():
        say(f"what {who} says is saved at once in {path}; Ctrl-C stops the server", err=True)
    serve(state, people=people, password_file=password_file, say=_say, browser=not no_browser, **where)
    for who, path in state.logs():
        say(f"{who}: {_saved(path)}", err=True)


def _say(who: str, url: str) -> None:
    """On stdout, so that a script can read it."""
    say(f"{who}: {url}" if who else url)


def _saved(path: Path) -> str:
    """What is in a log, when the server has stopped."""
    from ..human.coding_log import read_log

    if not path.is_file():
        return "nothing was saved"
    _, work = read_log(path)
    return f"{counted(work.decided(), 'unit')} decided so far, saved in {path}; the same command goes on"


def _set_password(path: Path | None, name: str) -> None:
    from ..web.keys import set_password

    if path is None:
        raise click.UsageError("--set-password needs --password-file")
    set_password(path, name, click.prompt(f"password for {name}", hide_input=True, confirmation_prompt=True))
    say(f"written to {path}")


def _need_extra() -> None:
    from importlib.util import find_spec

    if missing := [name for name in ("starlette", "uvicorn") if find_spec(name) is None]:
        raise PedagogyError(f"the pages need {' and '.join(missing)}", "pip install 'pedagogy-r1[web]'")
