"""The password file of a server that others can reach: one line a person, nothing in it can be turned back.

    A:scrypt:16384:8:1:q83vEjRWeJA=:5Vd…=

Written by ``pcode web --set-password A --password-file FILE``.
"""

from __future__ import annotations

import base64
import hashlib
import os
import secrets
from hmac import compare_digest
from pathlib import Path
from threading import Lock
from typing import NamedTuple

from ..errors import InputError

N, R, P = 2**14, 8, 1
"""16 MiB and about 50 ms a guess (RFC 7914's interactive setting)."""

_ONE_AT_A_TIME = Lock()


class Hashed(NamedTuple):
    """What is known of a password."""

    n: int
    r: int
    p: int
    salt: bytes
    key: bytes

    @classmethod
    def of(cls, password: str) -> Hashed:
        """With a new salt."""
        salt = secrets.token_bytes(16)
        return cls(N, R, P, salt, _scrypt(password, salt, N, R, P))

    def line(self, name: str) -> str:
        """The line of the file."""
        salt, key = (base64.b64encode(part).decode() for part in (self.salt, self.key))
        return f"{name}:scrypt:{self.n}:{self.r}:{self.p}:{salt}:{key}\n"


class Passwords:
    """A password file in memory."""

    def __init__(self, people: dict[str, Hashed]) -> None:
        self.people = people
        self._nobody = Hashed.of(secrets.token_hex(16))

    @classmethod
    def read(cls, path: Path) -> Passwords:
        """Raises `InputError` naming the line."""
        people: dict[str, Hashed] = {}
        hint = f"write it with: pcode web --set-password NAME --password-file {path}"
        if not path.is_file():
            raise InputError(f"{path}: no such password file", hint)
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            if not line.strip():
                continue
            try:
                name, kind, n, r, p, salt, key = line.rsplit(":", 6)
                if kind != "scrypt" or not name:
                    raise ValueError(kind)
                hashed = Hashed(
                    int(n),
                    int(r),
                    int(p),
                    base64.b64decode(salt, validate=True),
                    base64.b64decode(key, validate=True),
                )
                if not (
                    hashed.key and 2 <= hashed.n <= 2**20 and 1 <= hashed.r <= 32 and 1 <= hashed.p <= 16
                ):
                    raise ValueError("cost")
            except ValueError:
                raise InputError(f"{path}:{number}: not a line of a password file", hint) from None
            people[name] = hashed
        if not people:
            raise InputError(f"{path} names nobody", hint)
        return cls(people)

    def right(self, name: str, password: str) -> bool:
        """Whether it is that person's. Takes as long for a name that nobody has; one guess is tried at a time."""
        known = self.people.get(name, self._nobody)
        with _ONE_AT_A_TIME:
            found = _scrypt(password, known.salt, known.n, known.r, known.p, len(known.key))
        return compare_digest(found, known.key) and name in self.people


def set_password(path: Path, name: str, password: str) -> None:
    """Add a person or change their password; the file can be read by its owner alone."""
    if not name or set(name) & set(":\r\n") or name != name.strip():
        raise InputError(f"{name!r} is no name for a password file", "use the coder's name, without ':'")
    if len(password) < 8:
        raise InputError("the password is shorter than 8 characters", "choose a longer one")
    people = Passwords.read(path).people if path.is_file() else {}
    people[name] = Hashed.of(password)
    part = path.with_name(path.name + ".part")
    part.unlink(missing_ok=True)
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write("".join(hashed.line(who) for who, hashed in people.items()))
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)


def _scrypt(password: str, salt: bytes, n: int, r: int, p: int, length: int = 32) -> bytes:
    return hashlib.scrypt(
        password.encode("utf-8", "surrogatepass"), salt=salt, n=n, r=r, p=p, dklen=length, maxmem=256 * n * r
    )
