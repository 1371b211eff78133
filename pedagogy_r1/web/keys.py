"""The keys of one server process: names it goes by, tokens it gave out, and the signature of its cookies.

    http://127.0.0.1:8123/?token=kX…      "A" may code here
    Cookie: pcode-8123=QQ==.x7Jd….9be1…   who, a random number, and a signature of both

Nothing is kept on the server: the secret ends with the process, and so does every cookie.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import ipaddress
import secrets
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from .passwords import Passwords
from .state import Visitor


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
