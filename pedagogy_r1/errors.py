"""One family of errors; the command line catches exactly this family and prints message and hint.

PedagogyError                something a user can act on
├── InputError               a file's content is wrong; the message names file:line
├── CodebookError            a codebook is unknown, malformed or does not fit
├── PluginError              no such coder, importer, chat backend …
├── RunError                 a run directory is busy, foreign or unfinished
├── ChatError                a language model did not answer usefully
└── ArgumentError            an argument is wrong, with a hint; a ValueError too, as Python's own are
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydantic import ValidationError


class PedagogyError(Exception):
    """What went wrong and where (``message``), and what to do next (``hint``)."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\n  hint: {self.hint}" if self.hint else self.message


class InputError(PedagogyError):
    """A file's content is wrong."""


class ArgumentError(PedagogyError, ValueError):
    """An argument is wrong; whoever expects Python's `ValueError` catches it as well."""


class CodebookError(PedagogyError):
    """A codebook is unknown, malformed, or does not fit the codings."""


class PluginError(PedagogyError):
    """A name that no plugin has."""


class RunError(PedagogyError):
    """A run directory cannot be used as asked."""


class ChatError(PedagogyError):
    """A language model could not be asked."""


def did_you_mean(name: str, known: list[str]) -> str:
    """``did you mean X?`` for the nearest known name, else the list of known names."""
    import difflib

    near = difflib.get_close_matches(name.lower(), [k.lower() for k in known], n=1, cutoff=0.5)
    if near:
        return f"did you mean {next(k for k in known if k.lower() == near[0])}?"
    return "known: " + ", ".join(known) if known else "none are known"


def first_line(error: Exception) -> str:
    """What another program's error says, without its further lines."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:300]


def first_fault(error: ValidationError) -> str:
    """``field.3.name: what is wrong``: the first thing that pydantic found wrong in a record."""
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"] if part not in ("str", "int"))
    return f"{where}: {first['msg']}" if where else str(first["msg"])
