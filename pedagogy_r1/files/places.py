"""A folder on this machine or a prefix of an object store, used the same way.

    Place("corpora/open")                  a folder
    Place("s3://bucket/corpora/open")      Arrow's S3; AWS_ENDPOINT_URL names a server other than Amazon's
    Place("gs://bucket/corpora/open")      Google's

Object stores have whole files only: what is put there is there whole, or not at all. On a folder that is kept the same way, by a
hidden name until the end.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from shutil import copyfileobj
from typing import IO, TYPE_CHECKING, Any

from ..errors import InputError, RunError, first_line, writing
from .records import sync_folder, usual_mode
from .seal import sha256_of

if TYPE_CHECKING:
    from pyarrow import fs as arrow_fs

_URL = re.compile(r"(s3|gs|gcs|file):/+(.+)", re.DOTALL)
"""Also what is left of one when it went through a `Path`, which takes two slashes for one."""

CACHE = "PCODE_CACHE"
"""Environment variable: the folder for copies of what lies in object stores; else ``~/.cache/pedagogy_r1``."""


def as_url(path: str | Path) -> str | None:
    """The address in an object store, if ``path`` is one; ``None`` of what lies in a file system, ``file://`` too.

    >>> as_url("s3://bucket/corpus"), as_url(Path("s3://bucket/corpus")), as_url("file:///tmp/a"), as_url("a/b")
    ('s3://bucket/corpus', 's3://bucket/corpus', None, None)
    """
    found = _URL.fullmatch(str(path))
    if found is None or found[1] == "file":
        return None
    return f"{'gs' if found[1] == 'gcs' else found[1]}://{found[2]}"


def as_folder(path: str | Path) -> Path:
    """The path of what lies in a file system, without ``file://``."""
    found = _URL.fullmatch(str(path))
    return Path("/" + found[2]) if found and found[1] == "file" else Path(path)


class Place:
    """``folder``: where it is, on this machine; ``None`` in an object store. Names are of files directly in it."""

    def __init__(self, path: str | Path) -> None:
        self.url = as_url(path)
        self.folder = None if self.url else as_folder(path)
        self._fs: arrow_fs.FileSystem | None = None
        self._root = ""

    def __str__(self) -> str:
        return self.url or str(self.folder)

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_fs": None}

    def absolute(self) -> str:
        """So that it means the same in any process of this machine."""
        return self.url or str((self.folder or Path()).resolve())

    @property
    def fs(self) -> arrow_fs.FileSystem:
        """The object store. Raises `RunError` where it cannot be reached."""
        if self._fs is None:
            from pyarrow import ArrowException, fs

            try:
                self._fs, self._root = fs.FileSystem.from_uri(self.url)
            except (ArrowException, OSError, ValueError) as error:
                raise RunError(f"{self.url}: {first_line(error)}", _REACH) from None
        return self._fs

    @contextmanager
    def _reached(self, name: str) -> Iterator[str]:
        """The path of a file in the object store, and what goes wrong there in words."""
        fs = self.fs
        path = f"{self._root}/{name}".strip("/")
        try:
            yield path
        except FileNotFoundError:
            raise InputError(f"{self.url}/{name}: no such file", "check the address") from None
        except OSError as error:
            raise RunError(f"{fs.type_name}: {self.url}/{name}: {first_line(error)}", _REACH) from None

    def names(self) -> list[str]:
        """The names of the files there, hidden ones left out; none where the place is not there."""
        if self.folder is not None:
            there = self.folder.iterdir() if self.folder.is_dir() else ()
            return sorted(path.name for path in there if path.is_file() and path.name[0] != ".")
        from pyarrow import fs

        with self._reached("") as path:
            found = self.fs.get_file_info(fs.FileSelector(path, allow_not_found=True))
        return sorted(one.base_name for one in found if one.is_file and one.base_name[:1] != ".")

    def read(self, name: str) -> bytes:
        """A small file's bytes. Raises `InputError` where there is none."""
        if self.folder is not None:
            try:
                return (self.folder / name).read_bytes()
            except FileNotFoundError:
                raise InputError(f"{self.folder / name}: no such file", "check the path") from None
        with self._reached(name) as path, self.fs.open_input_stream(path) as file:
            return bytes(file.read())

    def fetch(self, name: str, to: Path) -> Path:
        """The file on this machine: itself where the place is a folder, else a copy in ``to``."""
        if self.folder is not None:
            return self.folder / name
        to.mkdir(parents=True, exist_ok=True)
        hidden, path = to / f".{name}.{os.getpid()}", to / name
        with writing(path):
            with (
                self._reached(name) as there,
                self.fs.open_input_stream(there) as file,
                hidden.open("wb") as out,
            ):
                copyfileobj(file, out, 1 << 22)
            hidden.replace(path)
        return path

    def here(self, names: Sequence[str]) -> Path:
        """The folder itself; of an object store, a folder of this machine with new copies of these files, where they are there."""
        if self.folder is not None:
            return self.folder
        folder, there = copies_of(self.url or ""), self.names()
        for name in names:
            if name in there:
                self.fetch(name, folder)
            else:
                (folder / name).unlink(missing_ok=True)
        return folder

    def put(self, path: Path, name: str) -> None:
        """Move a file of this machine there. A reader sees all of it, or what was there before."""
        if (
            self.folder is not None
            and self.folder.is_dir()
            and path.stat().st_dev == self.folder.stat().st_dev
        ):
            with writing(self.folder / name), path.open("rb") as file:
                os.fsync(file.fileno())
                path.replace(self.folder / name)
                sync_folder(self.folder)
            return
        with path.open("rb") as file, self.writer(name) as out:
            copyfileobj(file, out, 1 << 22)
        path.unlink()

    def remove(self, name: str) -> None:
        """Delete a file that is there."""
        if self.folder is None:
            with self._reached(name) as path:
                self.fs.delete_file(path)
            return
        with writing(self.folder / name):
            (self.folder / name).unlink()
            sync_folder(self.folder)

    def put_bytes(self, data: bytes, name: str) -> None:
        """The same of a small file's bytes."""
        with self.writer(name) as file:
            file.write(data)

    @contextmanager
    def writer(self, name: str) -> Iterator[IO[bytes]]:
        """A file to be written there, whole or not at all."""
        if self.folder is None:
            with self._reached(name) as there:
                out = self.fs.open_output_stream(there)
                yield out
                out.close()  # what is not closed is not there
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        hidden = self.folder / f".{name}.part"
        with writing(self.folder / name):
            try:
                with hidden.open("wb") as file:
                    yield file
                    file.flush()
                    os.fsync(file.fileno())
                hidden.chmod(usual_mode(0o666))
                hidden.replace(self.folder / name)
            except BaseException:
                hidden.unlink(missing_ok=True)
                raise
            sync_folder(self.folder)


_REACH = (
    "check the address, the credentials (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY) and, for a server other than Amazon's, "
    "AWS_ENDPOINT_URL"
)


def copies_of(url: str) -> Path:
    """The folder of this machine in which copies of files under an address are kept."""
    home = os.environ.get(CACHE)
    base = Path(home) if home else Path.home() / ".cache" / "pedagogy_r1"
    tail = re.sub(r"[^A-Za-z0-9._-]+", "-", url).strip("-")[-40:]
    return base / f"{hashlib.sha256(url.encode()).hexdigest()[:16]}-{tail}"


def copied(place: Place, name: str, sha256: str | None) -> Path:
    """`Place.fetch` into `copies_of` the place; a copy that is there already, with this digest, is taken."""
    if place.folder is not None:
        return place.folder / name
    folder = copies_of(place.url or "")
    path = folder / name
    return path if sha256 and path.is_file() and sha256_of(path) == sha256 else place.fetch(name, folder)


def sound_copy(place: Place, name: str, sha256: str | None, recorded_in: str, hint: str) -> Path:
    """`copied`, of the bytes that ``recorded_in`` knows. Raises `RunError` where the file is missing or not what it was."""
    path = copied(place, name, sha256)
    if not path.is_file():
        raise RunError(f"{path} is missing", hint)
    if sha256_of(path) != sha256:
        raise RunError(f"{path} has changed: it holds other bytes than {recorded_in} recorded", hint)
    return path
