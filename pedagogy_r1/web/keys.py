"""The keys of one server process: names it goes by, tokens it gave out, and the signature of its cookies.

    http://127.0.0.1:8123/?token=kX…      "A" may code here
    Cookie: pcode-8123=QQ==.x7Jd….9be1…   who, a random number, and a signature of both

Nothing is kept on the server: the secret ends with the process, and so does every cookie. Where others can reach it, people log in
by a password file, one line a person, in which nothing can be turned back (``pcode web --set-password A --password-file FILE``):

    A:scrypt:16384:8:1:q83vEjRWeJA=:5Vd…=
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import ipaddress
import os
import secrets
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import NamedTuple
from urllib.parse import urlsplit

from ..errors import InputError
from .state import Visitor

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
        return hmac.compare_digest(found, known.key) and name in self.people


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


@dataclass(frozen=True)
class Keys:
    """``tokens``: token in the URL → whose it is; with ``passwords`` there are none. ``tickets`` are tokens used once.

    ``hosts``: names in the Host header that are us; with ``any_address`` every IP address is too, since only a *name* can be
    pointed at us by somebody else.
    """

    hosts: frozenset[str]
    cookie: str = "pcode"
    tokens: Mapping[str, str] = field(default_factory=dict)
    passwords: Passwords | None = None
    any_address: bool = False
    secret: bytes = field(default_factory=lambda: secrets.token_bytes(32), repr=False)
    tickets: dict[str, str] = field(default_factory=dict, repr=False)

    def ticket(self, who: str) -> str:
        """A token for the browser that we start ourselves: its address can be read in the list of processes."""
        made = secrets.token_urlsafe(24)
        self.tickets[made] = who
        return made

    def owner(self, token: str) -> str | None:
        """Whose token it is. A ticket is gone afterwards."""
        given = token.encode("utf-8", "replace")
        for known in list(self.tickets):
            if hmac.compare_digest(known.encode(), given):
                return self.tickets.pop(known, None)
        for known, who in self.tokens.items():
            if hmac.compare_digest(known.encode(), given):
                return who
        return None

    def admit(self, who: str) -> str:
        """A new cookie's value."""
        body = f"{base64.urlsafe_b64encode(who.encode()).decode()}.{secrets.token_urlsafe(12)}"
        return f"{body}.{self._sign('visit ' + body)}"

    def visitor(self, cookie: str) -> Visitor | None:
        """Whose cookie it is, if it is ours."""
        body, _, signature = cookie.rpartition(".")
        if not hmac.compare_digest(
            self._sign("visit " + body).encode(), signature.encode("utf-8", "replace")
        ):
            return None
        who = base64.urlsafe_b64decode(body.partition(".")[0]).decode()
        return Visitor(who, self._sign("form " + cookie))

    def ours(self, host: str) -> bool:
        """Whether a Host header names this server; the port does not matter (tunnels and proxies change it)."""
        try:
            name = urlsplit(f"//{host}").hostname
        except ValueError:
            return False
        if name is None or set(host) & set("/?#@\\ "):
            return False
        return name in self.hosts or (self.any_address and _is_address(name))

    def _sign(self, text: str) -> str:
        return hmac.new(self.secret, text.encode("utf-8", "replace"), hashlib.sha256).hexdigest()


def own_names(host: str, also: tuple[str, ...] = ()) -> frozenset[str]:
    """The names under which a server bound to ``host`` answers."""
    names = {"localhost", "127.0.0.1", "::1", host, *also}
    if not is_loopback(host):
        names |= {socket.gethostname(), socket.getfqdn()}
    return frozenset(name.lower().strip("[]") for name in names if name)


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach it."""
    return host == "localhost" or (_is_address(host) and ipaddress.ip_address(host).is_loopback)


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
