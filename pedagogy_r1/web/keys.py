"""The keys of one server process: names it goes by, tokens it gave out, and the signature of its cookies.

    http://127.0.0.1:8123/?token=kX…      "A" may code here
    Cookie: pcode-8123=x7Jd…   a random number, whose visit the server knows until it ends

A visit ends with the process, by logging out, and when nobody has come for half a day. Where others can reach the server, people log in
by a password file, one line a person, in which nothing can be turned back (``pcode web --set-password A --password-file FILE``):

    A:scrypt:16384:8:1:q83vEjRWeJA=:5Vd…=

Passwords are checked one at a time on a thread of its own, few wait for it, and who was wrong more than thrice is put off for longer and
longer, so that guessing takes nothing from those who are in.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import ipaddress
import math
import os
import secrets
import socket
import time
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from ..errors import InputError
from ..files.records import PRIVATE
from ..formatting import plain_coder
from .state import Visitor

N, R, P = 2**14, 8, 1
"""16 MiB and about 50 ms a guess (RFC 7914's interactive setting)."""

LONGEST = 1000
"""Characters of a name or password; longer ones are wrong without being looked at."""


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
        """Raises `InputError` naming the line. From then on only its owner can read the file."""
        people: dict[str, Hashed] = {}
        hint = f"write it with: pcode web --set-password NAME --password-file {path}"
        if not path.is_file():
            raise InputError(f"{path}: no such password file", hint)
        with suppress(PermissionError):  # it is somebody else's
            path.chmod(PRIVATE)
        for number, raw in enumerate(path.read_bytes().splitlines(), 1):
            if not raw.strip():
                continue
            try:
                line = raw.decode("utf-8")
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
        """Whether it is that person's. Takes as long for a name that nobody has."""
        known = self.people.get(name, self._nobody)
        found = _scrypt(password, known.salt, known.n, known.r, known.p, len(known.key))
        return hmac.compare_digest(found, known.key) and name in self.people


def set_password(path: Path, name: str, password: str) -> None:
    """Add a person or change their password; the file can be read by its owner alone."""
    if not name or set(name) & set(":\r\n") or name != plain_coder(name):
        raise InputError(
            f"{name!r} is no name for a password file",
            "use the coder's name, without ':' and without what nobody sees",
        )
    if len(password) < 8:
        raise InputError("the password is shorter than 8 characters", "choose a longer one")
    if max(len(name), len(password)) > LONGEST:
        raise InputError(f"name or password has more than {LONGEST:,} characters", "choose a shorter one")
    people = Passwords.read(path).people if path.is_file() else {}
    people[name] = Hashed.of(password)
    part = path.with_name(path.name + ".part")
    part.unlink(missing_ok=True)
    with os.fdopen(
        os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE), "w", encoding="utf-8"
    ) as file:
        file.write("".join(hashed.line(who) for who, hashed in people.items()))
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)


def _scrypt(password: str, salt: bytes, n: int, r: int, p: int, length: int = 32) -> bytes:
    return hashlib.scrypt(
        password.encode("utf-8", "surrogatepass"), salt=salt, n=n, r=r, p=p, dklen=length, maxmem=256 * n * r
    )


FREE, FIRST, MOST = 3, 1.0, 60.0
"""Wrong passwords that cost nothing; seconds to wait after the next, doubled with each further one; and at most."""

FORGOTTEN = 900.0
"""Seconds after which wrong passwords are forgotten, if no other followed."""

WAITING, WAITING_EACH = 32, 8
"""Passwords that may wait to be checked: in all, and from one address."""

REMEMBERED = 10_000
"""Addresses and names whose wrong passwords are remembered; those longest ago are forgotten first."""


class Failures(NamedTuple):
    """Wrong passwords from one address, for one name, or both: how many, and when the last came."""

    wrong: int = 0
    last: float = float("-inf")

    @property
    def until(self) -> float:
        """When the next may be tried."""
        above = self.wrong - FREE
        return self.last + min(MOST, FIRST * 2.0 ** min(above - 1, 30)) if above > 0 else self.last

    def again(self, now: float) -> Failures:
        """One more."""
        return Failures((0 if now > self.last + FORGOTTEN else self.wrong) + 1, now)


class PutOff(Exception):
    """A password that is not looked at now. ``seconds``: after which it may be."""

    def __init__(self, seconds: float) -> None:
        super().__init__(seconds)
        self.seconds = max(1, math.ceil(seconds))


class Door:
    """Checks passwords so that guesses cannot keep the server busy; used from the event loop alone. ``clock`` gives seconds.

    Wrong ones count against the address (of IPv6 its network, /64) and against the name. What others try under a name does
    not put off who has come in by that name from the same address before. A right one takes back what its own typist had wrong.
    """

    def __init__(self, passwords: Passwords, clock: Callable[[], float] = time.monotonic) -> None:
        self.passwords, self._clock = passwords, clock
        self._failures: dict[tuple[str, ...], Failures] = {}
        self._been_in: set[tuple[str, str]] = set()
        self._waiting: Counter[str] = Counter()
        self._turn = asyncio.Lock()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="passwords")

    async def opens(self, name: str, password: str, address: str) -> bool:
        """Whether it is that person's password. Raises `PutOff` where it is not looked at."""
        if max(len(name), len(password)) > LONGEST:
            return False
        address = network(address)
        self._put_off(name, address)
        if self._waiting[address] >= WAITING_EACH or self._waiting.total() >= WAITING:
            raise PutOff(FIRST)
        self._waiting[address] += 1
        try:
            async with self._turn:
                self._put_off(name, address)  # those before it may have been wrong
                check = asyncio.get_running_loop().run_in_executor
                right = await check(self._thread, self.passwords.right, name, password)
                self._note(name, address, right)
                return right
        finally:
            self._waiting[address] -= 1
            if not self._waiting[address]:
                del self._waiting[address]

    def _put_off(self, name: str, address: str) -> None:
        counted = [(address, "")] if (name, address) in self._been_in else [(address, ""), ("", name)]
        until = max(self._failures.get(key, Failures()).until for key in counted)
        if until > self._clock():
            raise PutOff(until - self._clock())

    def _note(self, name: str, address: str, right: bool) -> None:
        """Count a wrong password; after a right one forget those of the same name from the same address."""
        both, now = (address, name), self._clock()
        mine = self._failures.pop(both, Failures())
        if right:
            self._been_in.add((name, address))
            self._failures.pop(("", name), None)
        for key in ((address, ""),) if right else (both, (address, ""), ("", name)):
            known = mine if key == both else self._failures.pop(key, Failures())
            if right:
                self._failures[key] = known._replace(wrong=max(0, known.wrong - mine.wrong))
            else:
                self._failures[key] = known.again(now)
        while len(self._failures) > REMEMBERED:
            del self._failures[next(iter(self._failures))]


def network(address: str) -> str:
    """What counts as one address: of IPv6 the first 64 bits, which one customer of a provider has to himself.

    >>> network("2001:db8:1:2:3:4:5:6"), network("::ffff:10.0.0.7"), network("10.0.0.7")
    ('2001:db8:1:2::', '10.0.0.7', '10.0.0.7')
    """
    try:
        found = ipaddress.IPv6Address(address.partition("%")[0])
    except ValueError:
        return address
    return str(found.ipv4_mapped or ipaddress.IPv6Address(int(found) >> 64 << 64))


IDLE, LONGEST_VISIT = 12 * 3600.0, 7 * 24 * 3600.0
"""Seconds without a request after which a visit is over; and after which every visit is."""

VISITS = 50
"""Of one person at a time; of more, the one that began first ends."""


class Visit(NamedTuple):
    """Of somebody who was let in: since when, and the last request."""

    who: str
    since: float
    last: float


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
    clock: Callable[[], float] = time.monotonic
    _visits: dict[str, Visit] = field(default_factory=dict, repr=False)

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
        now, cookie = self.clock(), secrets.token_urlsafe(32)
        for key, visit in list(self._visits.items()):
            if _over(visit, now):
                del self._visits[key]
        of_theirs = [key for key, visit in self._visits.items() if visit.who == who]
        for key in of_theirs[: max(0, len(of_theirs) - VISITS + 1)]:
            del self._visits[key]
        self._visits[self._sign("visit " + cookie)] = Visit(who, now, now)
        return cookie

    def visitor(self, cookie: str) -> Visitor | None:
        """Whose cookie it is, if it is one of ours whose visit is not over."""
        key, now = self._sign("visit " + cookie), self.clock()
        visit = self._visits.get(key)
        if visit is None or _over(visit, now):
            return None
        self._visits[key] = visit._replace(last=now)
        return Visitor(visit.who, self._sign("form " + cookie))

    def leave(self, cookie: str) -> None:
        """The visit is over, for copies of the cookie too."""
        self._visits.pop(self._sign("visit " + cookie), None)

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


def _over(visit: Visit, now: float) -> bool:
    return now > visit.last + IDLE or now > visit.since + LONGEST_VISIT


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
