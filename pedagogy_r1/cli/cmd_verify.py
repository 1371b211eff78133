"""``pcode verify``: whether what lies in a folder is what was written there."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..formatting import counted
from . import options
from .console import escape, notice, put, put_json, table

if TYPE_CHECKING:
    from ..runs.verify import FolderFinding

STYLES = {"holds": "green", "changed": "red", "missing": "red", "added": "red", "not checked": "yellow"}


@click.command("verify", cls=options.Command)
@click.argument("folders", nargs=-1, required=True, type=options.PATH, metavar="RUN...")
@options.as_json("everything")
def command(folders: tuple[Path, ...], as_json: bool) -> int:
    """Check, file by file, that each RUN holds what was written into it.

    RUN is a run, or the folder of answers, thoughts, a student, a filter, a packet or a pipeline. Files are compared with the
    sha256 in the folder's record, the record with its own seal, each line of a ledger with its checksum, the codebook with
    its digest. What an earlier version recorded nothing of cannot be checked, and is listed so. Exit status 1: something was
    changed, is missing, or was added.
    """
    from ..runs.verify import records, verify

    for folder in folders:  # one that is no run is said before any of the others is read
        records(folder)
    found = [each for folder in folders for each in verify(folder)]
    if not put_json({"folders": [each.as_json() for each in found]}, as_json):
        for each in found:
            _print(each)
    return 0 if all(each.holds for each in found) else 1


def _print(found: FolderFinding) -> None:
    rows = [(f"[{STYLES[f.state]}]{f.state}[/]", escape(f.file), escape(f.why)) for f in found.files]
    title = f"{found.folder} ({found.status})"
    put(table("", "file", "why", rows=rows, left=("", "file", "why"), title=title, headless=True))
    wrong = [f for f in found.files if f.state in ("changed", "missing", "added")]
    open_ = [f for f in found.files if f.state == "not checked"]
    if wrong:
        names = ", ".join(
            f"{f.file} {'is missing' if f.state == 'missing' else f'was {f.state}'}" for f in wrong
        )
        notice(
            f"{found.folder} does not hold what was written: {names}; restore from a copy, or run the command that wrote it again",
            "red",
        )
    if open_:
        notice(f"{counted(len(open_), 'file')} of {found.folder} could not be checked: the list says why")
