"""Who may delete what: a command replaces the files that it wrote itself, and no others unless it is told ``--force``.

    with replacing(Path("tokens"), ["traces.csv", "thoughts.csv"]):      refuses before anything is computed
        …                                                                writes them

What was written is recorded, hidden, in the folder where it lies:

    .pcode.json   {"files": {"traces.csv": "sha256:9c1e…"}, "unfinished": [["thoughts.csv", "traces.csv"]]}

A file that is not in the record, or that somebody changed since, is refused by its name; so is a symbolic link, which leads
to somebody else's. A command that was killed leaves the names that it was about to write in ``unfinished``: what lies under
them counts as its own for who is about to write the same names, so that the same command goes on; for no other command.
"""

from __future__ import annotations

import fcntl
import glob
import json
import os
import shutil
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

from ..errors import RunError, writing
from ..provenance import file_digest
from .records import write_json
from .seal import RECORDS

RECORD = ".pcode.json"


@contextmanager
def replacing(
    out: Path,
    inside: Sequence[str] = (),
    beside: Sequence[str] = (),
    *,
    force: bool = False,
    read: object = (),
) -> Iterator[None]:
    """While a command writes ``out``. Raises `RunError` before that where it would replace what is not its own.

    ``read``: what else the command was given: files and folders among it are not replaced in any case, whoever wrote them.

    ``inside``: names of files (or patterns: ``tables/*``) in the folder ``out``; ``beside``: of such as lie where ``out`` does,
    ``{name}`` and ``{stem}`` being its own.
    """
    if _is_device(out):
        yield
        return
    inputs = list(_paths(read))
    with ExitStack() as stack:
        if "{name}" in beside and out.is_dir():  # ``-o ""`` too
            raise RunError(f"{out} is a directory", "name a file with -o")
        if inside:
            _refuse_inputs(out, inside, inputs)
            _refuse_strange_folder(out, force)
            _refuse_record(out, inside)
            stack.enter_context(own_files(out, inside, force=force))
        if beside:
            names = [glob.escape(name.format(name=out.name, stem=out.stem)) for name in beside]
            _refuse_inputs(out.parent, names, inputs)
            stack.enter_context(own_files(out.parent, names, force=force))
        yield


def _paths(value: object) -> Iterator[Path]:
    """Files and folders that the value of an option or argument names; of texts, those that are there."""
    if isinstance(value, tuple | list):
        for one in value:
            yield from _paths(one)
    elif isinstance(value, Path):
        yield value
    elif isinstance(value, str) and value and "\0" not in value:
        with suppress(OSError):
            if (path := Path(value)).is_file():
                yield path


def _refuse_inputs(folder: Path, names: Sequence[str], inputs: Sequence[Path]) -> None:
    """Raise `RunError` if what is about to be replaced is read, or is part of a folder that is."""
    known = _read(folder)["files"]
    for path in _there(folder, names):
        name = path.relative_to(folder).as_posix()
        for read in inputs:
            part = read.is_dir() and name not in known and folder.samefile(read)
            if part or (read.is_file() and path.is_file() and path.samefile(read)):
                what = f"is part of {read}, which is an input," if part else "is an input"
                raise RunError(f"{path} {what} and would be replaced", "choose another place with -o")


def refuse_foreign(folder: Path, holds: str, ours: Collection[str] = ()) -> None:
    """Raise `RunError` if anything lies in ``folder`` but what is hidden and ``ours``: somebody else's folder is left as it is."""
    there = folder.iterdir() if folder.is_dir() else ()
    strangers = sorted(p.name for p in there if p.name[0] != "." and p.name not in ours)
    if strangers:
        raise RunError(
            f"{folder} is not empty and holds no {holds} ({strangers[0]} …)",
            "choose another directory with -o",
        )


def refuse_links(folder: Path) -> None:
    """Raise `RunError` for a symbolic link in a folder whose files are replaced whole: what it leads to is somebody else's."""
    there = sorted(path for path in (folder.iterdir() if folder.is_dir() else ()) if path.is_symlink())
    if there:
        raise RunError(
            f"{there[0]} is a symbolic link to {os.path.realpath(there[0])}, which would be written over",
            "put the file itself in its place, or choose another directory with -o",
        )


def record_files(folder: Path, names: Sequence[str]) -> None:
    """Record what lies under these names (or patterns) in ``folder`` as written by us."""
    _record(folder, lambda now: _written(folder, names, now))


def recorded(path: Path) -> str | None:
    """The digest that a file had when pcode wrote it, by the record in its folder, if that has one."""
    known = _read(path.parent)["files"].get(path.name)
    return None if known is None else str(known)


def recorded_names(folder: Path) -> list[str]:
    """Names of the files in ``folder`` that pcode wrote, by the record there; they may be gone since."""
    return sorted(map(str, _read(folder)["files"]))


MODEL_FILES = (".safetensors", ".bin", ".json", ".jinja", ".txt", ".model")
"""Suffixes of what a model and its tokenizer are loaded from; its card may be written on."""


def refuse_changed_model(folder: Path) -> None:
    """Raise `RunError` if a file of a model that pcode wrote in ``folder`` is another one now, or gone.

    A digest of 15 GB takes some ten seconds, less than loading them does.
    """
    for name, digest in sorted(_read(folder)["files"].items()):
        path = folder / name
        if path.suffix in MODEL_FILES and not (path.is_file() and file_digest(path) == digest):
            raise RunError(
                f"{path} {'has changed since it was written' if path.is_file() else 'is missing'}",
                "restore it from a copy, or train again; "
                f"what is changed on purpose belongs into a copy of the folder, without its {RECORD}",
            )


def refuse_others(folder: Path) -> None:
    """Raise `RunError` if anything lies in ``folder`` that we did not write: it is about to be replaced whole."""
    if folder.is_symlink():
        raise RunError(f"{folder} is a symbolic link", "put a folder in its place, or choose another one")
    for path in sorted(folder.rglob("*")):
        whole = path.is_dir() and not path.is_symlink()
        if path.name != RECORD and not whole and (why := _foreign(folder, path, (), force=False)):
            raise RunError(f"{path} would be deleted, and {why}", "move it away, or choose another folder")


def write_folder(folder: Path, write: Callable[[Path], None]) -> Path:
    """Replace ``folder`` by what ``write`` makes, whole or not at all. Raises `RunError` if files of others lie in it.

    It is made beside its place and moved there; where that fails, what was there is there still, and nothing else.
    """
    refuse_others(folder)
    half = folder.with_name(f".{folder.name}.half")  # a killed command's, if there is one
    shutil.rmtree(half, ignore_errors=True)
    with writing(folder):
        try:
            half.mkdir(parents=True)
            write(half)
            files = (path for path in half.rglob("*") if path.is_file())
            record_files(half, [glob.escape(path.relative_to(half).as_posix()) for path in files])
            shutil.rmtree(folder, ignore_errors=True)
            half.rename(folder)
        finally:
            shutil.rmtree(half, ignore_errors=True)
    return folder


@contextmanager
def own_files(folder: Path, names: Sequence[str], *, force: bool = False) -> Iterator[None]:
    """While files of these names (or patterns) are written in ``folder``. Raises `RunError` for one that is somebody else's."""
    for path in _there(folder, names):
        if why := _foreign(folder, path, names, force=force):
            raise RunError(f"{path} would be replaced, and {why}", _ELSEWHERE)
    new = [place for place in (folder, *folder.parents) if not place.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    _record(folder, lambda now: now["unfinished"].append(list(names)))
    try:
        yield
    finally:
        record_files(folder, names)
        with suppress(OSError):
            for place in new:  # if nothing came of it
                place.rmdir()


_ELSEWHERE = "move it away, choose another place with -o, or have it replaced with --force"


def _is_device(out: Path) -> bool:
    """``/dev/stdout``, a pipe: nothing lies there."""
    return (
        out.is_relative_to("/dev")
        or out.is_relative_to("/proc")
        or (out.exists() and not out.is_file() and not out.is_dir())
    )


def _refuse_strange_folder(folder: Path, force: bool) -> None:
    """Raise `RunError` for a folder in which we wrote nothing, and somebody else did."""
    if folder.is_symlink():
        raise RunError(
            f"{folder} is a symbolic link", f"name the folder itself: -o {os.path.realpath(folder)}"
        )
    if folder.exists() and not folder.is_dir():
        raise RunError(f"{folder} is a file", "choose another folder with -o")
    if force or not folder.is_dir() or (folder / RECORD).is_file():
        return
    if strangers := sorted(path.name for path in folder.iterdir() if path.name[0] != "."):
        raise RunError(
            f"{folder} is not empty, and nothing in it is known to be pcode's ({strangers[0]} …)",
            "choose another folder with -o, or write into this one with --force",
        )


def _refuse_record(folder: Path, names: Sequence[str]) -> None:
    """Raise `RunError` for a folder that another command's record is about, ``--force`` or not: what it recorded would no longer hold."""
    for name in RECORDS:
        if name not in names and (folder / name).is_file():
            raise RunError(
                f"{folder} holds what another command made ({name})", "choose another folder with -o"
            )


def _there(folder: Path, names: Sequence[str]) -> list[Path]:
    """Files and links of these names, and links in place of folders that such files would lie in."""
    found = _named(folder, names)
    links = _named(folder, [name.split("/")[0] for name in names])
    return sorted({p for p in found if p.is_file() or p.is_symlink()} | {p for p in links if p.is_symlink()})


def _named(folder: Path, names: Iterable[str]) -> Iterator[Path]:
    """`Path.glob` does not see a link that leads nowhere."""
    return (folder / name for wanted in names for name in glob.glob(wanted, root_dir=folder))  # noqa: PTH207


def _foreign(folder: Path, path: Path, names: Sequence[str], *, force: bool) -> str:
    """Why a command that writes ``names`` may not replace a file; nothing where it may."""
    if path.is_symlink():
        return f"it is a symbolic link to {os.path.realpath(path)}"
    if force or not path.stat().st_size:  # nothing is in it, as in one of ``mktemp``
        return ""
    record = _read(folder)
    known = record["files"].get(path.relative_to(folder).as_posix())
    if known is None:
        begun = {name for killed in record["unfinished"] for name in killed} & set(names)
        return "" if path in _there(folder, sorted(begun)) else "pcode has no record of having written it"
    return "" if known == file_digest(path) else "it was changed since pcode wrote it"


def _written(folder: Path, names: Sequence[str], now: dict[str, Any]) -> None:
    """What lies under ``names`` at the end is what was written."""
    now["unfinished"] = [begun for begun in now["unfinished"] if begun != list(names)]  # killed ones' too
    there = {path.relative_to(folder).as_posix(): file_digest(path) for path in _there(folder, names)}
    now["files"] = {name: kept for name, kept in now["files"].items() if (folder / name).is_file()} | there


def _read(folder: Path) -> dict[str, Any]:
    try:
        found = json.loads((folder / RECORD).read_bytes())
        files, unfinished = dict(found["files"]), [list(map(str, names)) for names in found["unfinished"]]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return {"files": {}, "unfinished": []}  # what nobody vouches for is not ours
    return {"files": files, "unfinished": unfinished}


def _record(folder: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Change the record; of two commands that end at once, one waits for the other."""
    if (folder / RECORD).is_symlink():
        raise RunError(f"{folder / RECORD} is a symbolic link, and would be written over", "delete it")
    handle = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):  # some network file systems lock no folders
            fcntl.flock(handle, fcntl.LOCK_EX)
        now = _read(folder)
        change(now)
        if now["files"] or now["unfinished"]:
            write_json(folder / RECORD, now)
        else:
            (folder / RECORD).unlink(missing_ok=True)
    finally:
        os.close(handle)
