"""What commands print: results on stdout, remarks and progress on stderr, tables in one style.

put(table("coders", "α", rows=[("A – B", ".743")]))      notice("3 codings are missing")
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..formatting import DASH, UNSEEN, counted, interval, shown, visible

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from ..estimate import Estimate
    from ..formatting import Kind


class Listing(click.Group):
    """A group whose ``--help`` gives each command's first sentence whole, under the heading that it belongs to."""

    def chapters(self, names: list[str]) -> dict[str, list[str]]:
        """The names of the commands under the headings that they are listed by."""
        return {"Commands": names}

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Like click's, which cuts a sentence that does not fit a line."""
        found = {name: self.get_command(ctx, name) for name in self.list_commands(ctx)}
        said = {
            name: one.get_short_help_str(WHOLE)
            for name, one in found.items()
            if one is not None and not one.hidden
        }
        widest = max(map(len, said), default=0)
        for chapter, names in self.chapters(list(said)).items():
            if names:
                with formatter.section(chapter):
                    formatter.write_dl([(f"{name:<{widest}}", said[name]) for name in names])


WHOLE = 10_000
"""Characters: no first sentence of a command is as long."""


def console() -> Console:
    """A rich console on stdout: coloured on a terminal, and never cut to 80 columns in a pipe."""
    from rich.console import Console

    return Console(
        emoji=False,  # a condition named x:cop:y stays what it is
        highlight=False,
        soft_wrap=not sys.stdout.isatty(),
        width=None if sys.stdout.isatty() else 160,
    )


def put(*what: Any, style: str | None = None) -> None:
    """Print text in rich's markup, or a table, on stdout; a table that the terminal has no room for, row under row."""
    from rich.table import Table

    screen = console()
    screen.print(*(fitted(one, screen) if isinstance(one, Table) else one for one in what), style=style)


def fitted(wide: Table, screen: Console) -> Table:
    """The table with columns as narrow as the screen needs and as wide as their longest words; else its rows as lists.

    Left to itself, rich cuts words and leaves columns out.
    """
    from rich.measure import Measurement

    room = screen.options.update(max_width=WHOLE)
    spans = [
        Measurement(
            max(Measurement.get(screen, room, cell).minimum for cell in (column.header, *column.cells)),
            max(Measurement.get(screen, room, cell).maximum for cell in (column.header, *column.cells)),
        )
        for column in wide.columns
    ]
    between = sum(wide.padding[1::2]) * (len(spans) - 1)
    spare = screen.width - between - sum(span.minimum for span in spans)
    if screen.soft_wrap or sum(span.maximum for span in spans) + between <= screen.width:
        return wide
    if spare < 0:
        return _listed(wide)
    for column, span in sorted(zip(wide.columns, spans, strict=True), key=lambda pair: pair[1].maximum):
        column.width = min(span.maximum, span.minimum + spare)
        spare -= column.width - span.minimum
    return wide


def _listed(wide: Table) -> Table:
    """Row under row, what each column says in a line of its own."""
    from rich.table import Table

    made = Table(box=None, pad_edge=False, show_header=False, title=wide.title)
    made.title_justify, made.title_style = wide.title_justify, wide.title_style
    made.add_column()
    made.add_column(overflow="fold")
    for row in zip(*(column.cells for column in wide.columns), strict=True):
        for n, (column, cell) in enumerate(zip(wide.columns, row, strict=True)):
            head = str(column.header) or "·"
            made.add_row(head if n == 0 else f"[dim]  {head}[/]", cell)
        made.add_row("", "")
    return made


def escape(text: str) -> str:
    """Text as rich markup that shows it as it is (`visible`)."""
    from rich.markup import escape

    return escape(visible(text))


def table(
    *heads: str,
    rows: Iterable[Sequence[str]] = (),
    left: Iterable[str] | None = None,
    title: str | None = None,
    headless: bool = False,
) -> Table:
    """A table without rules. Columns named in ``left`` (default: the first) are set flush left, the others right.

    Cells are rich markup: `escape` what comes from a file.
    """
    from rich.table import Table

    made = Table(box=None, pad_edge=False, header_style="dim", title=None if title is None else escape(title))
    made.show_header = not headless
    made.title_justify, made.title_style = "left", "bold"
    flush_left = set(heads[:1] if left is None else left)
    for head in heads:
        made.add_column(escape(head), justify="left" if head in flush_left else "right")
    for row in rows:
        made.add_row(*row)
    return made


def estimate_cells(e: Estimate, kind: Kind = "coefficient", *, bold: bool = True) -> tuple[str, str]:
    """The value and its interval, as two cells."""
    value = shown(e.value, kind)
    return f"[bold]{value}[/]" if bold else value, f"[dim]{interval(e.low, e.high, kind)}[/]"


COLOURS = {"reliable": "green", "tentative": "yellow", "not shown": "red", "low": "red", "unknown": "yellow"}
"""Of what an α shows (`reliability_verdict.Standing`)."""


def alpha_cells(alpha: Estimate) -> tuple[str, str]:
    """α in the colour of what its interval shows, and the interval."""
    from ..estimate.reliability_verdict import verdict

    if alpha.value is None:
        return "[yellow]undefined[/]", DASH
    return f"[{COLOURS[verdict(alpha).standing]}]{shown(alpha.value)}[/]", interval(alpha.low, alpha.high)


def cluster_cells(e: Estimate) -> tuple[str, str]:
    """Over how many clusters the interval is, and how many of equal size carry as much."""
    real = e.effective_clusters
    return f"{e.clusters}" if e.clusters else DASH, DASH if real is None else f"{real:.1f}"


def put_verdicts(alphas: Iterable[tuple[str, Estimate]]) -> None:
    """What named α's show by the lower limits of their intervals: a line for each verdict, with those that it is about."""
    from ..estimate.reliability_verdict import verdict

    together: dict[str, list[str]] = {}
    for name, alpha in alphas:
        if alpha.value is not None:
            together.setdefault(verdict(alpha).words, []).append(name)
    for words, names in together.items():
        put(escape(f"{words}: {'; '.join(names)}"))


def said_of(said: Iterable[tuple[str, str]]) -> Iterator[str]:
    """Sentences and whom each is said of, the same sentence once: ``A – B; A – C: no interval: …``."""
    together: dict[str, list[str]] = {}
    for words, name in said:
        together.setdefault(words, []).append(name)
    yield from (f"{'; '.join(names)}: {words}" for words, names in together.items())


def notice(text: str, color: str = "yellow") -> None:
    """A sentence that the user ought to see; red: something is lost."""
    click.secho(visible(text), fg=color, err=True, color=_colours())


def _colours() -> bool | None:
    """``False`` where the user wants none (https://no-color.org); else the terminal decides."""
    return False if os.environ.get("NO_COLOR") else None


def say(
    text: object,
    *,
    color: str | None = None,
    err: bool = False,
    nl: bool = True,
    bold: bool | None = None,
    dim: bool | None = None,
) -> None:
    """A line in which something of a file stands: a name, an id, a text, a path (`visible`)."""
    click.secho(visible(str(text)), fg=color, err=err, nl=nl, bold=bold, dim=dim, color=_colours())


def put_json(value: Any, as_json: bool, file: Path | None = None) -> bool:
    """What ``--json`` and ``--json-out FILE`` ask for; true if stdout holds the JSON, and nothing else belongs there."""
    if file is not None:
        from ..files.records import write_json  # 15 ms, which `pcode --help` need not pay

        write_json(file, value)
        say(f"written to {file}", err=True)
    if as_json:
        text = json.dumps(value, ensure_ascii=False, indent=1)
        # The same value to a program; `visible` to a person.
        click.echo(UNSEEN.sub(lambda m: f"\\u{ord(m[0]):04x}", text))
    return as_json


def print_plan(plan: Mapping[str, Any], as_json: bool) -> None:
    """What ``--dry-run`` found: what would be done; nothing was."""
    if put_json(plan, as_json):
        return
    for name, value in plan.items():
        say(f"{name.replace('_', ' '):>28}  {_planned(value)}")
    click.echo("nothing was sent or written")


def _planned(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{count:,} {name}" for name, count in value.items())
    if isinstance(value, list):
        return ", then ".join(map(str, value))
    return f"{value:,}" if isinstance(value, int | float) else str(value)


def exit_status(status: str, stopped_why: str | None, missing: int | bool) -> int:
    """Say why a run ended early; the exit status: 0, 1 (stopped, or something is missing), 130 (interrupted)."""
    if status == "complete":
        return 1 if missing else 0
    more = " and a larger --max-tokens-total" if status == "stopped" else ""
    why = stopped_why or ""
    notice(f"{why if why.startswith(status) else f'{status}: {why}'}; resume with the same command{more}")
    return 130 if status == "interrupted" else 1


def say_renamed(usage: Mapping[str, Any], what: str = "replies") -> None:
    """Say it where a server called its model otherwise in the middle of a run: ``what`` may come of two."""
    if named := usage.get("renamed"):
        count = usage["served_models"]
        first, *others = (
            f"{name} ({counted(count[name], 'reply', 'replies')}, the first to request {at:,})"
            for name, at in named
        )
        notice(
            f"the server changed the name of its model, from {first} to {', then to '.join(others)}: the {what} may not be of one model"
        )
    elif len(count := usage.get("served_models", {})) > 1:  # of shards, which are asked side by side
        names = ", ".join(f"{name} ({counted(n, 'reply', 'replies')})" for name, n in count.items())
        notice(f"the server gave its model {len(count)} names: {names}: the {what} may not be of one model")


LISTED = 10
"""Missing replies that are listed by name."""


def report_missing(manifest: Any) -> int:
    """Say what of a `GenerationManifest` never came, whose name changed, and why it ended early; the exit status."""
    say_renamed(manifest.usage, "answers")
    for lost in manifest.missing[:LISTED]:
        notice(f"no answer to {lost.item} (sample {lost.sample + 1}): {lost.reason}")
    if manifest.missing:
        more = len(manifest.missing) - LISTED
        notice((f"… and {more} more; " if more > 0 else "") + "ask again with --retry-missing")
    return exit_status(manifest.status, manifest.stopped_why, len(manifest.missing))


@contextmanager
def progress_bar(what: str) -> Iterator[Callable[[int, int], None] | None]:
    """A bar on stderr. Yields ``update(done, total)``, or ``None`` where stderr is no terminal."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich import progress
    from rich.console import Console

    columns = (
        progress.TextColumn("{task.description}"),
        progress.BarColumn(),
        progress.MofNCompleteColumn(),
        progress.TimeElapsedColumn(),
        progress.TimeRemainingColumn(),
    )
    with progress.Progress(*columns, console=Console(stderr=True, emoji=False), transient=True) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


OLD_NAMES = {
    "--output": "--out", "--by": "--strata", "--model": "--only", "--name": "--host-name", "--train": "--gold",
}  # fmt: skip
"""What an option was called before, where a command knows the new name and not the old one."""


def renamed(args: Sequence[str], known: set[str]) -> Iterator[str]:
    """The arguments as options are called today; whoever uses an old name is told."""
    words = iter(enumerate(args))
    for place, word in words:
        name, equals, value = word.partition("=")
        new = OLD_NAMES.get(name)
        if new in known and name not in known:
            notice(f"{name} is called {new} now")
            yield new + equals + value
        elif name == "--json" and "--json-out" in known:
            if not equals and place + 1 < len(args) and _was_file(args[place + 1]):
                equals, value = "=", next(words)[1]
            if equals and value != "-":
                notice("--json FILE is called --json-out FILE now")
                yield f"--json-out={value}"
            elif equals:
                notice("--json needs no - now: it prints to stdout")
                yield "--json"
            else:
                yield word
        else:
            yield word


def _was_file(word: str) -> bool:
    """Whether the word behind ``--json`` is its file, as it was once written, and not the command's next argument.

    Arguments are run directories, or files of traces and items, which are JSONL.
    """
    if word[:1] == "-":
        return word == "-"
    file = Path(word)
    return file.suffix == ".json" or not file.exists() or (file.is_file() and file.suffix != ".jsonl")


def backend_options(pairs: Sequence[str]) -> dict[str, Any]:
    """``("batch_size=8", "dtype=float32")`` → ``{"batch_size": 8, "dtype": "float32"}``."""
    found: dict[str, Any] = {}
    for pair in pairs:
        key, equals, text = pair.partition("=")
        if not equals or not key:
            raise click.UsageError(
                f"--backend-option {pair!r} is no KEY=VALUE, as --backend-option batch_size=8"
            )
        found[key.replace("-", "_")] = _number_or_text(text)
    return found


def _number_or_text(text: str) -> Any:
    try:
        value = json.loads(text)
    except ValueError:
        return text
    return value if isinstance(value, bool | int | float) else text
