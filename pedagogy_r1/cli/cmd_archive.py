"""``pcode archive``: a study in one file, for the supplement of a paper; and whether its numbers come out of it again."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..formatting import counted, visible_line
from . import options
from .console import escape, notice, put, put_json, say, table

if TYPE_CHECKING:
    from ..supplement.archive_check import ArchiveFinding

SHOWN = 20
"""Differences, and files that are not what was written, that are printed; ``--json`` has all."""


class Archives(options.Group):
    """``pcode archive STUDY`` is ``pcode archive write STUDY``."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """What is no command's name is a study's folder."""
        named = bool(args) and args[0] in self.commands
        return super().resolve_command(ctx, args if named else ["write", *args])

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Options may come before the folder, as everywhere."""
        own = {"-h", "--help", *self.commands}
        return super().parse_args(ctx, args if not args or args[0] in own else ["write", *args])


@click.group("archive", cls=Archives)
def command() -> None:
    """Put a study into one file for a paper's supplement, and check one: every number of its report is rebuilt.

    \b
    pcode archive my-study -o study.zip       the same as: pcode archive write my-study -o study.zip
    pcode archive verify study.zip
    """


@command.command("write")
@click.argument("study", type=options.PATH)
@options.out("The archive, study.zip.", options.FILE)
@options.flag(
    "--without-texts",
    "Leave the texts of traces out; their sha256 goes in, and every number that is not about texts.",
)
@options.option(
    "--license license_",
    "Of what is in it, as CC-BY-4.0 or an address; default: none is named.",
    metavar="NAME",
)
@options.option(
    "--title", "Title of the archive; default: the folder's name.", default="", show_default=False
)
@options.as_json("what was written")
def write(
    study: Path, out: Path, without_texts: bool, license_: str | None, title: str, as_json: bool
) -> None:
    """Write everything that the numbers of STUDY come from into one file, an RO-Crate.

    STUDY is a folder as `pcode status` shows it, with a report in it. In go traces, units, codings, codebooks, packets and their keys,
    ledgers, recipes, reports, versions of the software, a REFI-QDA project, the methods and a reporting checklist; no other file. What
    looks like a key is refused; locked traces that nobody looked at are left out. The same study gives the same bytes.
    """
    from ..supplement.study_archive import write_archive

    made = write_archive(study, out, texts=not without_texts, license_=license_, title=title)
    told = {"archive": str(out), "sha256": made.sha256, "files": made.files}
    told |= made.record.model_dump(
        mode="json", include={"texts", "reports", "left_out", "locked", "needs_texts"}
    )
    if put_json(told, as_json):
        return
    say(f"{counted(made.files, 'file')} written to {out}")
    say(f"sha256 of it, for the paper: {made.sha256}")
    for name, why in made.record.left_out.items():
        say(f"left out: {name} {why}", dim=True)
    for name, number in made.record.locked.items():
        notice(
            f"{name}: {counted(number, 'trace')} left out: locked, and nobody looked at them (pcode unlock)"
        )
    for name, lost in made.record.needs_texts.items():
        notice(f"{name}: {len(lost):,} of its numbers and texts cannot be rebuilt without the texts")
    say(f"next: pcode archive verify {out}")


@command.command("verify")
@click.argument("archive", type=options.PATH)
@options.flag("--files-only", "Check the files, and rebuild nothing.")
@options.as_json("everything")
def verify(archive: Path, files_only: bool, as_json: bool) -> int:
    """Check ARCHIVE: that each file is what was written, and that every number of its reports comes out of it again.

    Nothing is asked of a network. Exit status 1: a file was changed, or a number differs; both are named.
    """
    from ..supplement.archive_check import verify_archive

    found = verify_archive(archive, rebuild=not files_only)
    if not put_json(found.as_json(), as_json):
        _print(found, files_only)
    return 0 if found.holds else 1


def _print(found: ArchiveFinding, files_only: bool) -> None:
    if found.members:
        rows = [
            (f"[red]{one.state}[/]", escape(visible_line(one.file)), escape(one.why))
            for one in found.members[:SHOWN]
        ]
        put(table("", "file", "why", rows=rows, left=("", "file", "why"), headless=True))
        if (more := len(found.members) - SHOWN) > 0:
            say(f"… and {counted(more, 'more file')}; --json has all", dim=True)
        states = Counter(one.state for one in found.members)
        notice(
            f"{found.path} is not what was written: {', '.join(f'{n:,} {state}' for state, n in states.items())}, of "
            f"{counted(found.files, 'file')}; nothing was rebuilt from it",
            "red",
        )
        return
    of = ", ".join(f"{kind} {n:,}" for kind, n in found.kinds.items())
    say(
        f"{counted(found.files, 'file')} ({of}), each with the bytes that were written; sha256 of the archive: {found.sha256}"
    )
    if files_only:
        say("nothing was rebuilt")
    for one in found.reports:
        if one.failed:
            notice(f"{one.report} cannot be rebuilt: {one.failed}", "red")
            continue
        compared = f"{counted(one.numbers, 'number')} and {counted(one.texts, 'text')} compared"
        if one.wrong:
            notice(f"{one.report}: {compared}, {len(one.wrong):,} differ", "red")
            for words in one.wrong[:SHOWN]:
                say(f"  {words}")
        else:
            rest = f", but for {len(one.lost):,} that need the texts" if one.lost else ""
            say(f"{one.report} rebuilt: {compared} of report.json and the tables, all the same{rest}")
        for where in one.lost[:SHOWN]:
            say(f"  needs the texts: {where}", dim=True)
