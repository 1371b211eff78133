"""Files of records, in and out: streaming, atomic, and every complaint names ``file:line``.

{"id": "r1-1", "reasoning": "Okay, so …"}      traces.jsonl:1
"""

from __future__ import annotations

import gzip
import io
import json
import os
import tempfile
import zlib
from codecs import BOM_UTF8
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from ..errors import InputError, writing
from .json_text import ONCE, TwiceError, parse_json
from .table_rows import BadRow as BadRow
from .table_rows import Row as Row
from .table_rows import TableHead, put_rows, read_csv, read_workbook

PACKED = (".gz", ".zst")
"""Suffixes of files that are unpacked while they are read."""


def plain_suffix(path: Path) -> str:
    """The suffix of a file, packed or not: ``.jsonl`` of ``a.jsonl.gz``."""
    suffix = path.suffix.lower()
    return Path(path.stem).suffix.lower() if suffix in PACKED else suffix


@contextmanager
def unpacked(path: Path) -> Iterator[IO[bytes]]:
    """A file opened for reading, unpacked by its suffix; a damaged one is an `InputError`."""
    suffix = path.suffix.lower()
    try:
        if suffix == ".gz":
            with gzip.open(path) as file:
                yield file  # type: ignore[misc]
        elif suffix == ".zst":
            import pyarrow

            with pyarrow.input_stream(path, compression="zstd") as stream, io.BufferedReader(stream) as file:
                yield file
        else:
            with path.open("rb") as file:
                yield file
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise InputError(
            f"{path}: damaged, or not packed as its name says ({error})", "pack it again"
        ) from None
    except OSError as error:
        if suffix != ".zst" or error.errno:
            raise
        raise InputError(
            f"{path}: damaged, or not packed as its name says ({error})", "pack it again"
        ) from None


def read_jsonl(
    path: str | Path,
    passing: Callable[[bytes], object] | None = None,
    *,
    nested: bool = False,
) -> Iterator[Row | BadRow]:
    """Each non-blank line of a JSONL file; a line that is not a JSON object comes as a ``BadRow``.

    ``passing`` is called with every line as it is read: for a digest, say. ``nested``: a line may hold a list of objects. A name
    that stands twice in an object makes the line bad.
    """
    with unpacked(Path(path)) as file:
        for number, raw in enumerate(file, 1):
            if passing:
                passing(raw)
            if number == 1:
                raw = raw.removeprefix(b"\xef\xbb\xbf")
            if raw.strip():
                row = parse_line(number, raw)
                yield from _inner(row) if nested and isinstance(row, BadRow) else (row,)


def _inner(row: BadRow) -> Iterator[Row | BadRow]:
    """The objects in a list that stands where an object is expected, lists in it included; else the bad row itself."""
    found = _objects(json.loads(row.raw)) if row.why.endswith("found list") else []
    if not found:
        yield row
    for nth, data in enumerate(found, 1):
        yield Row(row.line, data, nth if len(found) > 1 else None)


def _objects(value: Any) -> list[dict[str, Any]]:
    if isinstance(value, dict):
        return [value]
    if not isinstance(value, list):
        return []
    found = [_objects(inner) for inner in value]
    return [one for many in found for one in many] if all(found) else []


def parse_line(number: int, raw: bytes) -> Row | BadRow:
    """One line of a JSONL file."""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        return BadRow(
            number,
            f"not UTF-8 (byte {error.start + 1})",
            raw.decode("utf-8", "backslashreplace").rstrip("\r\n"),
        )
    text = text.rstrip("\r\n")
    try:
        value = parse_json(text)
    except ValueError as error:
        return BadRow(number, _bad_json(error), text)
    if not isinstance(value, dict):
        return BadRow(number, f"expected a JSON object, found {type(value).__name__}", text)
    return Row(number, value)


def _bad_json(error: Exception) -> str:
    """Without the decoder's own line, which in a file of many values is not the file's."""
    if isinstance(error, json.JSONDecodeError):
        return f"bad JSON: {error.msg} (column {error.colno})"
    return "bad JSON: nested too deeply" if isinstance(error, RecursionError) else f"bad JSON: {error}"


def need_file(path: Path, hint: str = "check the path") -> None:
    """Raise `InputError` unless ``path`` is a file; a directory is told from nothing at all."""
    if not path.is_file():
        raise InputError(f"{path}: {'is a directory' if path.is_dir() else 'no such file'}", hint)


def read_rows(
    path: str | Path, head: TableHead | None = None, *, nested: bool = False
) -> Iterator[Row | BadRow]:
    """Rows of a JSONL, JSON (one array of objects), CSV, TSV, XLSX, ODS or Parquet file, chosen by its suffix.

    Cells of CSV and sheets come as text, except that an empty cell is ``None``. Line numbers count as an
    editor or a spreadsheet would show them. A .csv whose header has no comma may be separated by semicolons or tabs.
    ``head`` finds the header of a table that has titles above it, and the sheets of a workbook that are meant.
    JSON in which a name stands twice in one object is bad: one of the two values would be lost. JSON and CSV may be packed
    (``.gz``, ``.zst``). ``nested``: lists of objects may stand where an object does.
    """
    path, head = Path(path), head or TableHead()
    need_file(path)
    suffix = plain_suffix(path)
    if suffix in (".csv", ".tsv"):
        return read_csv(path, "\t" if suffix == ".tsv" else None, head, unpacked)
    if suffix in (".xlsx", ".xlsm", ".ods"):
        return read_workbook(path, head)
    if suffix in (".jsonl", ".ndjson"):
        return read_jsonl(path, nested=nested)
    if path.suffix.lower() in PACKED and suffix != ".json":
        raise InputError(f"{path}: only JSON, JSONL and CSV are read packed", "unpack it first")
    if suffix not in (".json", ".parquet"):
        raise InputError(
            f"{path}: cannot tell the format from the suffix {suffix!r}",
            "use .jsonl, .json, .csv, .tsv, .xlsx, .ods or .parquet",
        )
    if suffix == ".parquet":
        return _read_parquet(path)
    rows = _read_json(path)
    if not nested:
        return rows
    return (inner for row in rows for inner in (_inner(row) if isinstance(row, BadRow) else (row,)))


def _read_json(path: Path) -> Iterator[Row | BadRow]:
    with unpacked(path) as file:
        text, sound, broken = _decoded(file.read())
    start = len(text) - len(text.lstrip())
    if text.startswith("[", start):
        yield from _elements(text, start + 1, sound, broken)
        return
    try:
        value = ONCE.decode(text) if text.strip() else None
    except (ValueError, RecursionError) as error:
        # A .json that holds JSON lines is common enough to be read as such.
        rows = list(read_jsonl(path))
        if any(isinstance(row, Row) for row in rows):
            yield from rows
            return
        why = f"{broken or _bad_json(error)}; expected one array of objects, or one object per line"
        yield BadRow(_line(text, getattr(error, "pos", start)), why, text.strip())
        return
    if text.strip():
        yield _element(value, _line(text, start), None)


def _decoded(data: bytes) -> tuple[str, int, str]:
    """The text, up to where it is sound, and what is wrong from there on."""
    mark = len(BOM_UTF8) if data.startswith(BOM_UTF8) else 0  # its own decoder counts errors from behind it
    encoding, data = ("utf-8" if mark else json.detect_encoding(data)), data[mark:]
    try:
        text = data.decode(encoding, "surrogatepass")
    except UnicodeDecodeError as error:
        head = data[: error.start].decode(encoding, "surrogatepass")
        rest = data[error.start :].decode(encoding, "backslashreplace")
        return head + rest, len(head), f"not UTF-8 (byte {mark + error.start + 1})"
    return text, len(text), ""


def _elements(text: str, at: int, sound: int, broken: str) -> Iterator[Row | BadRow]:
    """One by one, so that those before an error are kept; the error and all behind it are one bad row."""
    number, line, counted = 0, 1, 0
    at = _skip_space(text, at)
    more = not text.startswith("]", at)
    try:
        while more:
            value, end = _element_at(text, at)
            if end > sound:
                raise json.JSONDecodeError(broken, text, sound)
            number += 1
            line, counted = line + text.count("\n", counted, at), at
            yield _element(value, line, number)
            at = _skip_space(text, end)
            more = text.startswith(",", at)
            at = _skip_space(text, at + 1) if more else at
        if not text.startswith("]", at):
            raise json.JSONDecodeError("Expecting ',' or ']'", text, at)
        at = _skip_space(text, at + 1)
        if at < len(text):
            raise json.JSONDecodeError("Extra data behind the array", text, at)
    except (ValueError, RecursionError) as error:
        place = getattr(error, "pos", at)
        why = broken if broken and place >= sound else _bad_json(error)
        yield BadRow(
            _line(text, place),
            f"{why}; nothing behind element {number} was read" if number else f"{why}; no element was read",
            text[at:].rstrip(),
        )


def _element_at(text: str, at: int) -> tuple[Any, int]:
    try:
        return ONCE.raw_decode(text, at)
    except TwiceError as error:
        return error, json.JSONDecoder().raw_decode(text, at)[1]


def _element(value: Any, line: int, nth: int | None) -> Row | BadRow:
    if isinstance(value, dict):
        return Row(line, value, nth)
    where = f"element {nth}: " if nth else ""
    if isinstance(value, TwiceError):
        return BadRow(line, f"{where}bad JSON: {value}", "")
    return BadRow(line, f"{where}expected a JSON object, found {type(value).__name__}", json.dumps(value))


def _skip_space(text: str, at: int) -> int:
    while at < len(text) and text[at] in " \t\r\n":
        at += 1
    return at


def _line(text: str, at: int) -> int:
    return text.count("\n", 0, at) + 1


def _read_parquet(path: Path) -> Iterator[Row | BadRow]:
    import pyarrow
    import pyarrow.parquet

    line = None
    try:
        # Read through a buffer, so that a row group of gigabytes is not held.
        file, line = pyarrow.parquet.ParquetFile(path, buffer_size=1 << 20, pre_buffer=False), 0
        for batch in file.iter_batches(batch_size=1024):
            for data in batch.to_pylist():
                line += 1
                yield Row(line, data)
    except (pyarrow.ArrowException, OSError, ValueError) as error:
        fault = "not a readable Parquet file" if line is None else f"damaged Parquet file behind row {line}"
        raise InputError(f"{path}: {fault} ({error})", "write it again") from None


def whole_text(text: str) -> str:
    """Text that a file can hold: half a character (a lone surrogate, as in ``"\\ud800"``) becomes U+FFFD.

    >>> whole_text("a\\ud800b"), whole_text("\\ud83d\\ude00")
    ('a\ufffdb', '😀')
    """
    return text if text.isascii() else text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def half_in(fields: Iterable[tuple[str, Any]]) -> str | None:
    """The first field, by its name, with half a character in it: JSON can hold one (``\\ud800``), most of what comes after cannot.

    >>> half_in([("id", "a"), ("metadata", {"k": ["b\\ud800"]})])
    'metadata'
    """
    for name, value in fields:
        try:
            dump(value).encode()
        except UnicodeEncodeError:
            return name
    return None


def dump(value: Any) -> str:
    """One line of JSON, non-ASCII text kept readable."""
    return _ENCODER.encode(value)


_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))
"""Made once: ``json.dumps`` with other than its usual arguments makes one a call."""


PRIVATE, PRIVATE_FOLDER = 0o600, 0o700
"""Modes of what its owner alone may read."""


def usual_mode(most: int) -> int:
    """The mode that a new file (of ``0o666``) or folder (of ``0o777``) has here, which asks for the umask."""
    umask = os.umask(0)
    os.umask(umask)
    return most & ~umask


@contextmanager
def atomic(path: str | Path, mode: str = "w", *, private: bool = False) -> Iterator[IO[Any]]:
    """Write a whole file or nothing: a reader never sees half of it, and a power cut leaves the old one or the new. ``private``: only its owner can read it, whatever was there.

    A symbolic link stays one: what it leads to is written. What is no file (``/dev/stdout``, a pipe) is written into.
    Raises `DiskError` where the disk takes no more; what was there before is then there still.
    """
    path = Path(path)
    with writing(path):
        if path.exists() and not path.is_file() and not path.is_dir():
            with path.open(mode, **_encoding(mode)) as file:
                yield file
            return
        path = Path(os.path.realpath(path))
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, mode, **_encoding(mode)) as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            Path(name).chmod(PRIVATE if private else usual_mode(0o666))
            Path(name).replace(path)
            sync_folder(path.parent)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise


def sync_folder(folder: Path) -> None:
    """Force names onto the disk that are new in ``folder``."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _encoding(mode: str) -> dict[str, Any]:
    """A lone surrogate has no UTF-8; its backslash form is what JSON would have written."""
    return {} if "b" in mode else {"encoding": "utf-8", "errors": "backslashreplace", "newline": ""}


def write_text(path: str | Path, text: str | bytes) -> None:
    """Write a whole file, atomically."""
    with atomic(path, "wb" if isinstance(text, bytes) else "w") as file:
        file.write(text)


def write_csv(
    path: str | Path, rows: Iterable[Iterable[Any]], *, mark: bool = False, private: bool = False
) -> int:
    """Write rows of cells (`put_rows`), the first of them the header, atomically; returns how many stand behind it.

    ``mark``: with a byte-order mark, by which Excel knows UTF-8. ``private``: as for `atomic`.
    """
    with atomic(path, private=private) as file:
        file.write("\ufeff" if mark else "")
        return put_rows(file, rows)


def write_jsonl(path: str | Path, values: Iterable[Any]) -> int:
    """Write JSON values one per line, atomically; returns how many."""
    count = 0
    with atomic(path) as file:
        for count, value in enumerate(values, 1):  # noqa: B007 - returned below
            file.write(dump(value) + "\n")
    return count


def write_json(path: str | Path, value: Any) -> None:
    """Write one JSON value for people to read, atomically."""
    with atomic(path) as file:
        file.write(json.dumps(value, ensure_ascii=False, indent=1) + "\n")
