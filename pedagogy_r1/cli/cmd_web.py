"""``pcode web``: pages in a browser."""

from __future__ import annotations

from pathlib import Path

import click

from ..errors import PedagogyError
from .options import PATH, Command, coders_option, names_option, out_option, partial_option


@click.command("web", cls=Command)
@click.argument("runs", nargs=-1, type=PATH)
@click.option("--packet", type=PATH, default=None, help="Packet made by pcode sample.")
@coders_option("Code the packet as these people.")
@names_option(
    "--adjudicate",
    "adjudicators",
    metavar="A,B",
    help="Settle disagreements of RUNS, or of the packet's coders, as these people.",
)
@click.option("--gold", type=PATH, default=None, metavar="RUN", help="Practise against this run.")
@out_option("Run directory for the decisions.", required=False)
@partial_option()
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    help="Address to listen on; others need --password-file.",
)
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Port; default: a free one.")
@click.option(
    "--host-name",
    "names",
    multiple=True,
    metavar="NAME",
    help="Further host name that this server is reached by; may be repeated.",
)
@click.option("--password-file", type=PATH, default=None, help="Log in by name and password.")
@click.option(
    "--set-password",
    default=None,
    metavar="NAME",
    help="Ask for NAME's password, write it to the file, and stop.",
)
@click.option("--no-browser", is_flag=True, help="Only print the address.")
def command(
    runs: tuple[Path, ...],
    packet: Path | None,
    coders: tuple[str, ...],
    adjudicators: tuple[str, ...],
    gold: Path | None,
    out: Path | None,
    partial: bool,
    host: str,
    port: int,
    names: tuple[str, ...],
    password_file: Path | None,
    set_password: str | None,
    no_browser: bool,
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

    state = open_state(
        runs,
        packet=packet,
        coders=coders,
        adjudicate=bool(adjudicators),
        gold=gold,
        out=out,
        partial=partial,
    )
    serve(
        state,
        people=coders or adjudicators or ("",),
        host=host,
        port=port,
        names=names,
        password_file=password_file,
        say=_say,
        browser=not no_browser,
    )


def _say(who: str, url: str) -> None:
    """On stdout, so that a script can read it."""
    click.echo(f"{who}: {url}" if who else url)


def _set_password(path: Path | None, name: str) -> None:
    from ..web.keys import set_password

    if path is None:
        raise click.UsageError("--set-password needs --password-file")
    set_password(path, name, click.prompt(f"password for {name}", hide_input=True, confirmation_prompt=True))
    click.echo(f"written to {path}")


def _need_extra() -> None:
    from importlib.util import find_spec

    if missing := [name for name in ("starlette", "uvicorn") if find_spec(name) is None]:
        raise PedagogyError(f"the pages need {' and '.join(missing)}", "pip install 'pedagogy-r1[web]'")
