"""One family of errors; the command line catches exactly this family and prints message and hint.

PedagogyError                something a user can act on
├── InputError               a file's content is wrong; the message names file:line
├── CodebookError            a codebook is unknown, malformed or does not fit
├── PluginError              no such coder, importer, chat backend …
├── RunError                 a run directory is busy, foreign or unfinished
├── ChatError                a language model did not answer usefully
├── DiskError                what was to be written was not; what was written before is kept
└── ArgumentError            an argument is wrong, with a hint; a ValueError too, as Python's own are
"""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

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

    def __reduce__(self) -> Any:
        return sent_on(self)


def sent_on(error: Exception) -> Any:
    """How an error is pickled, on its way from a worker process, whatever its ``__init__`` takes: ``__reduce__`` of its kind."""
    return _arrived, (type(error), error.args, error.__dict__)


def _arrived(kind: type[Exception], args: tuple[Any, ...], told: dict[str, Any]) -> Exception:
    error = kind.__new__(kind, *args)
    error.__dict__.update(told)
    return error


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


class DiskError(PedagogyError):
    """The disk took no more of a file. Nothing that was said to be saved is lost. ``why``: without the file's name."""

    def __init__(self, why: str, what: object = None) -> None:
        message = f"{why}: {what} was not written" if what else why
        super().__init__(message, "make room there, then give the same command again: what was saved is kept")
        self.why = why


class LedgerWarning(UserWarning):
    """Something of a ledger is not used: what was never finished is cut off; what cannot be read is left out."""


class FontWarning(UserWarning):
    """No font of this machine has letters of a figure."""


class LockedWarning(UserWarning):
    """Traces are locked, and left out."""


_NO_ROOM = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "your share of the disk is used up",
    errno.EFBIG: "no file may grow as large here",
    errno.EIO: "the disk failed",
    errno.EROFS: "the disk is read-only",
}


def disk_error(error: Exception, path: str | Path | None = None) -> DiskError | None:
    """What an error says of the disk, in words; ``None`` if it says something else. Libraries pass the words on, not the number."""
    number = error.errno if isinstance(error, OSError) and error.errno else 0
    said = (n for n in _NO_ROOM if os.strerror(n) in str(error) or str(error) == f"IO_{errno.errorcode[n]}")
    why = _NO_ROOM.get(number or next(said, 0))
    if why is None:
        return None
    return DiskError(why, path or getattr(error, "filename", None))


FEWER_FILES = (
    "raise how many may be open (ulimit -n 4096), or give fewer --shards or --workers, or less --concurrency"
)
"""What to do where a process may open no further file."""


def too_many_open(error: Exception) -> bool:
    """Whether a process may open no further file. Libraries pass the words on, not always the number."""
    numbers = (errno.EMFILE, errno.ENFILE)
    return isinstance(error, OSError) and (
        error.errno in numbers or any(os.strerror(n) in str(error) for n in numbers)
    )


class writing:
    """While ``path`` is written: a full disk is a `DiskError` that names the file."""

    __slots__ = ("path",)

    def __init__(self, path: str | Path) -> None:
        self.path = path

    def __enter__(self) -> None:
        pass

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        if isinstance(error, OSError) and (found := disk_error(error, self.path)) is not None:
            raise found from error


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
