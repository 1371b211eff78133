"""Files exchanged with other programs: zip archives and XML, written the same way every time and read without trust.

    project.qdpx = project.qde (XML) + sources/6f35….txt        export.zip = anna.xmi + TypeSystem.xml

What comes in may be made by anybody. Names that point elsewhere, names that come twice, document type declarations (entities
that grow or fetch), and entries that swell beyond `LARGEST` are refused. Nothing is unpacked to disk but by `Archive.unpack`, into a
new folder, with a limit on all of it.
"""

from __future__ import annotations

import hashlib
import io
import re
import shutil
import struct
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import IO, TYPE_CHECKING

from ..errors import InputError, writing

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

LARGEST = 200 * 2**20
"""Bytes that one entry, unpacked, may have."""

SWELLS = 200
"""Times what is packed that a whole archive may come to; text of runs packs to a fifth or a twentieth."""

MOST = 100_000
"""Entries that an archive may have."""

_LONGEST_NAME, _LONGEST_PART = 1000, 255
"""Characters of the name of an entry that is unpacked, and bytes between two slashes."""

NO_ARCHIVE = (zipfile.BadZipFile, ValueError, OverflowError, NotImplementedError)
"""What zipfile raises for bytes that no sound program wrote."""

_ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def legal(text: str) -> str:
    """The text with U+FFFD for each character that XML 1.0 cannot hold: controls, lone surrogates.

    >>> legal("a\\x00b") == "a\\ufffdb"
    True
    """
    return _ILLEGAL.sub("\ufffd", text)


def _entry(name: str) -> zipfile.ZipInfo:
    """An entry that says nothing of when and where it was made."""
    info = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
    info.compress_type = zipfile.ZIP_DEFLATED
    info.external_attr = 0o644 << 16
    info.create_system = 3
    return info


def zipped(entries: Iterable[tuple[str, bytes]]) -> bytes:
    """An archive of these entries; the same entries give the same bytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in entries:
            archive.writestr(_entry(name), data)
    return buffer.getvalue()


def write_zip(file: IO[bytes], entries: Iterable[tuple[str, bytes | Path]]) -> None:
    """Write an archive of these entries, of which files are not held in memory; the same entries give the same bytes."""
    with zipfile.ZipFile(file, "w") as archive:
        for name, data in entries:
            size = len(data) if isinstance(data, bytes) else data.stat().st_size
            with archive.open(_entry(name), "w", force_zip64=size >= _ZIP64) as entry:
                if isinstance(data, bytes):
                    entry.write(data)
                else:
                    with data.open("rb") as source:
                        shutil.copyfileobj(source, entry, 1 << 20)


_ZIP64 = 1 << 31


class Archive:
    """A zip archive, in memory or (a path) on the disk. Raises `InputError` for what no sound program writes."""

    def __init__(self, data: bytes | Path, where: str, again: str = "export the file again") -> None:
        self.where, self._again = where, again
        try:
            self._zip = zipfile.ZipFile(data if isinstance(data, Path) else io.BytesIO(data))
        except (*NO_ARCHIVE, OSError) as error:
            raise InputError(f"{where}: not a zip archive ({error})", again) from None
        self._size = data.stat().st_size if isinstance(data, Path) else len(data)
        if any(entry.header_offset < 0 for entry in self._zip.infolist()):
            raise InputError(f"{where}: not a zip archive (its table of contents is wrong)", again)
        self.names = [name for name in self._zip.namelist() if name and not name.endswith("/")]
        if len(self.names) > MOST:
            raise InputError(f"{where}: {len(self.names):,} files in one archive", "that is no project")
        for name in self._zip.namelist():
            if _points_elsewhere(name):
                raise InputError(
                    f"{where}: the entry {name[:200]!r} points outside the archive",
                    "do not open it with other programs either; ask where it comes from",
                )
        if twice := next((name for name, n in Counter(self.names).items() if n > 1), None):
            raise InputError(f"{where}: the entry {twice!r} is there twice", again)

    def read(self, name: str) -> bytes:
        """One entry, if it is no larger than `LARGEST` unpacked."""
        try:
            with self._zip.open(name) as entry:
                data = entry.read(LARGEST + 1)
        except KeyError:
            raise InputError(f"{self.where}: no entry {name!r}", self._again) from None
        except (*NO_ARCHIVE, zlib.error, RuntimeError, EOFError, OSError) as error:
            raise InputError(f"{self.where}: {name}: {error}", f"{self._again}, unencrypted") from None
        if len(data) > LARGEST:
            raise InputError(
                f"{self.where}: {name} unpacks to more than {LARGEST // 2**20} MiB",
                "that is no project of texts; ask where the file comes from",
            )
        return data

    def unpack(self, folder: Path) -> dict[str, str]:
        """Write all entries below ``folder``, which is empty; their sha256 by name.

        Raises `InputError` before anything is written where all of it swells beyond `SWELLS` times what is packed.
        """
        entries = [entry for entry in self._zip.infolist() if not entry.is_dir()]
        plain, packed = sum(entry.file_size for entry in entries), self._size  # entries may share their bytes
        if plain > LARGEST and plain > SWELLS * packed:
            raise InputError(
                f"{self.where}: its {packed:,} bytes would unpack to {plain:,}",
                "ask where the file comes from",
            )
        self._check_paths()
        found = {}
        for entry in entries:
            path = folder / entry.filename
            path.parent.mkdir(parents=True, exist_ok=True)
            with writing(path), path.open("xb") as file:
                found[entry.filename] = self._unpacked(entry, file)
        return found

    def _check_paths(self) -> None:
        """Raise `InputError` for names that one file system or other has no place for: ``a//b``, one that is a file and a folder."""
        for name in self.names:
            long = len(name) > _LONGEST_NAME or any(
                len(part.encode()) > _LONGEST_PART for part in name.split("/")
            )
            if long or name != str(PurePosixPath(name)) or name == ".":
                raise InputError(f"{self.where}: the entry {name[:80]!r} is no name of a file", self._again)
        folders = {name[:at] for name in self.names for at, sign in enumerate(name) if sign == "/"}
        if both := folders.intersection(self.names):
            raise InputError(f"{self.where}: the entry {min(both)!r} is a file and a folder", self._again)

    def _unpacked(self, entry: zipfile.ZipInfo, file: IO[bytes]) -> str:
        hashed, size = hashlib.sha256(), 0
        try:
            with self._zip.open(entry) as packed:
                while block := packed.read(1 << 20):
                    size += len(block)
                    if size > entry.file_size:
                        raise zipfile.BadZipFile("it is longer than it says")
                    hashed.update(block)
                    file.write(block)
        except (*NO_ARCHIVE, zlib.error, RuntimeError, EOFError) as error:
            raise InputError(f"{self.where}: {entry.filename}: {error}", self._again) from None
        return hashed.hexdigest()

    def as_written(self) -> str | None:
        """What is not as `write_zip` writes it: an entry by its head, or the table of contents; ``None`` where all is.

        Times, flags and what lies between entries are no part of any file, and no digest is about them.
        """
        file, end = self._zip.fp, 0
        assert file is not None
        for entry in self._zip.infolist():
            file.seek(end)
            if entry.header_offset != end or file.read(30) != _local_head(entry):
                return entry.filename
            large = _large(entry)
            end += 30 + len(entry.filename.encode()) + 20 * large + entry.compress_size
        if end > _ZIP64 or any(map(_large, self._zip.infolist())):
            return None  # its table of contents has places of eight bytes more, each in one of two ways
        file.seek(end)
        table = b"".join(map(_table_line, self._zip.infolist()))
        number = len(self._zip.infolist())
        last = struct.pack("<4sHHHHLLH", b"PK\x05\x06", 0, 0, number, number, len(table), end, 0)
        return None if file.read() == table + last else "its table of contents"


def _large(entry: zipfile.ZipInfo) -> bool:
    return entry.file_size >= _ZIP64


def _facts(entry: zipfile.ZipInfo, large: bool) -> bytes:
    """What both the head of an entry and its line in the table of contents say."""
    sizes = (0xFFFFFFFF, 0xFFFFFFFF) if large else (entry.compress_size, entry.file_size)
    flags = 0 if entry.filename.isascii() else 0x800
    name, extra = len(entry.filename.encode()), 20 if large else 0
    about = (45 if large else 20, flags, zipfile.ZIP_DEFLATED, 0, 0x21, entry.CRC)
    return struct.pack("<HHHHHLLLHH", *about, *sizes, name, extra)


def _local_head(entry: zipfile.ZipInfo) -> bytes:
    return b"PK\x03\x04" + _facts(entry, _large(entry))


def _table_line(entry: zipfile.ZipInfo) -> bytes:
    head = b"PK\x01\x02\x14\x03" + _facts(entry, large=False)
    return head + struct.pack("<HHHLL", 0, 0, 0, 0o644 << 16, entry.header_offset) + entry.filename.encode()


class Allowance:
    """How much the rows of one file may come to in all: a small file can say of a long text a million times "all of it"."""

    def __init__(self, where: str, characters: int = LARGEST) -> None:
        self.where = where
        self._left = characters

    def spend(self, characters: int) -> None:
        """Raise `InputError` once all is spent."""
        self._left -= characters
        if self._left < 0:
            raise InputError(
                f"{self.where}: its selections hold many times the text itself",
                "that is no work of a person; ask where the file comes from",
            )


def names_in(path: Path) -> list[str]:
    """Names of the entries, to tell what an archive is; nothing is checked, and what is no archive has none."""
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.namelist()
    except (OSError, *NO_ARCHIVE):
        return []


def read_bytes(path: Path, hint: str) -> bytes:
    """A whole file, if it is no larger than `LARGEST`."""
    if path.stat().st_size > LARGEST:
        raise InputError(f"{path}: larger than {LARGEST // 2**20} MiB", hint)
    return path.read_bytes()


_NO_DOCTYPE = "no program writes one into such a file, and entities could be hidden in it; remove it if you know the file"


def check_xml(data: bytes, where: str) -> None:
    """Raise `InputError` unless this is well-formed XML without a document type declaration."""
    from xml.parsers import expat

    parser = expat.ParserCreate()

    def refuse(name: str, *_: object) -> None:
        line = parser.CurrentLineNumber
        raise InputError(f"{where}: line {line}: a document type declaration ({name[:40]})", _NO_DOCTYPE)

    parser.StartDoctypeDeclHandler = refuse
    try:
        parser.Parse(data, True)
    except (expat.ExpatError, ValueError, LookupError) as error:
        raise InputError(f"{where}: not well-formed XML: {error}", "export the file again") from None


def check_head(data: bytes, where: str) -> None:
    """Like `check_xml`, of what stands before the first element alone: there, and nowhere else, entities are declared."""
    from xml.parsers import expat

    class Enough(Exception):
        pass

    def refuse(name: str, *_: object) -> None:
        raise InputError(f"{where}: a document type declaration ({name[:40]})", _NO_DOCTYPE)

    def enough(*_: object) -> None:
        raise Enough

    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler, parser.StartElementHandler = refuse, enough
    with suppress(Enough, expat.ExpatError, ValueError, LookupError):
        parser.Parse(data, True)


def parse_xml(data: bytes, where: str) -> Element:
    """The root element, of XML that `check_xml` accepts."""
    from xml.etree import ElementTree

    check_xml(data, where)
    try:
        return ElementTree.fromstring(data)  # noqa: S314 - checked above: no entity can be declared
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        raise InputError(f"{where}: not well-formed XML: {error}", "export the file again") from None


def local(tag: object) -> str:
    """The name of an element without its namespace; programs differ in the namespace's version."""
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def _points_elsewhere(name: str) -> bool:
    parts = PurePosixPath(name.replace("\\", "/")).parts
    return ".." in parts or name[:1] in ("/", "\\") or name[1:2] == ":" or "\0" in name


ZSTD = 93
"""The method of zip entries that Python reads from 3.14 on."""


def zip_entries(path: Path, wanted: Callable[[str], bool], first: str = "") -> Iterator[tuple[str, bytes]]:
    """(name, bytes) of the wanted entries of an archive on the disk, one by one, ``first`` before the others; Zstandard too.

    Raises `InputError` for an entry that is damaged or swells beyond `LARGEST`.
    """
    try:
        archive = zipfile.ZipFile(path)
    except (OSError, *NO_ARCHIVE) as error:
        raise InputError(f"{path}: not a zip archive ({error})", "write the file again") from None
    with archive:
        entries = [entry for entry in archive.infolist() if wanted(entry.filename) and not entry.is_dir()]
        for entry in sorted(entries, key=lambda e: e.filename != first):
            if entry.file_size > LARGEST:
                raise InputError(
                    f"{path}: {entry.filename} unpacks to more than {LARGEST // 2**20} MiB",
                    "ask where the file comes from",
                )
            try:
                yield entry.filename, _unzipped(path, archive, entry)
            except (*NO_ARCHIVE, zlib.error, RuntimeError, EOFError, OSError) as error:
                raise InputError(f"{path}: {entry.filename}: {error}", "write the file again") from None


def _unzipped(path: Path, archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    if entry.compress_type != ZSTD:
        return archive.read(entry)
    import pyarrow

    with path.open("rb") as file:
        file.seek(entry.header_offset)
        head = file.read(30)
        file.seek(int.from_bytes(head[26:28], "little") + int.from_bytes(head[28:30], "little"), io.SEEK_CUR)
        packed = file.read(entry.compress_size)
    with pyarrow.CompressedInputStream(pyarrow.BufferReader(packed), "zstd") as stream:
        data: bytes = stream.read(entry.file_size + 1)
    if len(data) != entry.file_size or zlib.crc32(data) != entry.CRC:
        raise zipfile.BadZipFile("damaged")
    return data
