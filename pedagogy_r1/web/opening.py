"""Which pages a command line asks for, and whether they may be served together.

    RUNS                                  Read
    --packet P --coder A                  Code, blind: no run beside it
    --packet P --coder A --train GOLD     Train, then Code
    --adjudicate RUNS, or --packet P      Adjudicate, and Read beside it

A server that lets somebody code holds no other coding: what is not opened cannot be sent.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..codebook import Codebook
from ..errors import InputError, RunError
from ..human.packet import Packet
from ..runs.run import CoderRun, require_complete
from .state import State


def open_state(
    runs: Sequence[Path],
    *,
    packet: Path | None = None,
    coders: tuple[str, ...] = (),
    adjudicate: bool = False,
    gold: Path | None = None,
    out: Path | None = None,
    partial: bool = False,
) -> State:
    """Open and check everything; ``partial``: also runs that are not complete. Raises `InputError` for what does not go together, `RunError` for damaged runs."""
    _check(runs, packet, coders, adjudicate, gold)
    opened = tuple(_whole(CoderRun(run)) for run in runs)
    practised = [_whole(CoderRun(gold))] if gold else []
    unfinished = require_complete([*opened, *practised], partial)
    parcel = Packet(packet) if packet else None
    book = _one_book(
        [(str(run.folder), run.codebook) for run in opened]
        + ([(str(packet), parcel.codebook)] if parcel else [])
    )
    if parcel and (strangers := [name for name in coders if name not in parcel.manifest.coders]):
        known = ", ".join(parcel.manifest.coders)
        raise InputError(f"{packet} is not for {', '.join(strangers)}", f"its coders: {known}")
    if coders:
        pages: tuple[str, ...] = ("train", "code") if gold else ("code",)
    else:
        pages = (*(("adjudicate",) if adjudicate else ()), *(("read",) if opened else ()))
    return State(
        book=book,
        pages=pages,
        runs=opened,
        packet=parcel,
        coders=coders,
        gold=practised[0] if practised else None,
        out=out,
        partial=unfinished,
    )


def _check(
    runs: Sequence[Path], packet: Path | None, coders: Sequence[str], adjudicate: bool, gold: Path | None
) -> None:
    if coders and packet is None:
        raise InputError(
            "--coder codes a packet, and there is none", "add --packet PACKET (made with: pcode sample)"
        )
    if coders and (runs or adjudicate):
        raise InputError(
            "who codes must not see codings, and this server would hold them",
            "leave RUNS and --adjudicate out; read and adjudicate afterwards, with another command",
        )
    if gold and not coders:
        raise InputError("--train practises with a packet, as somebody", "add --packet PACKET --coder NAME")
    if packet and not (coders or adjudicate):
        raise InputError("what is the packet for?", "add --coder NAME to code it, or --adjudicate")
    if not (runs or packet):
        raise InputError("nothing to show", "give run directories, or --packet PACKET --coder NAME")


def _whole(run: CoderRun) -> CoderRun:
    if damaged := run.damaged():
        raise RunError(
            f"{run.folder}: {', '.join(damaged)} is not as it was when the run was complete",
            "restore the files, or make the run again with the same command",
        )
    return run


def _one_book(books: Sequence[tuple[str, Codebook]]) -> Codebook:
    first, book = books[0]
    for other, found in books[1:]:
        if found.digest != book.digest:
            raise InputError(
                f"{first} is coded with {book.stamp}, {other} with {found.stamp}",
                "look at each by itself, or carry one over with: pcode codebook migrate",
            )
    return book
