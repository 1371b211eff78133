"""A real ``pcode web`` on a free port, and a browser without pictures to ask it with."""

from __future__ import annotations

import http.client
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import NamedTuple
from urllib.parse import urlencode, urlsplit


class Answer(NamedTuple):
    """Status, headers (names in lower case), body."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode("utf-8")


@dataclass
class WebServer:
    """``urls``: by person, as printed. The cookie of the last entry is kept and sent."""

    process: subprocess.Popen[str]
    urls: dict[str, str]
    cookie: str = ""
    csrf: str = ""
    extra: dict[str, str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        """The first address, with its token."""
        return next(iter(self.urls.values()))

    @property
    def base(self) -> str:
        """Without a path."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc}"

    def ask(
        self,
        path: str,
        *,
        method: str = "GET",
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        cookie: bool = True,
    ) -> Answer:
        """One request, exactly as given; redirects are not followed."""
        netloc = urlsplit(self.url).netloc
        connection = http.client.HTTPConnection(netloc, timeout=120)
        sent = {
            **({"Cookie": self.cookie} if cookie and self.cookie else {}),
            **self.extra,
            **(headers or {}),
        }
        try:
            connection.putrequest(method, path, skip_host="Host" in sent, skip_accept_encoding=True)
            for name, value in sent.items():
                connection.putheader(name, value)
            if body is not None and "Content-Length" not in sent:
                connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body)
            response = connection.getresponse()
            found = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, found, response.read())
        finally:
            connection.close()

    def enter(self, who: str | None = None) -> Answer:
        """Follow the printed address; from then on the cookie is sent."""
        parts = urlsplit(self.urls[who] if who is not None else self.url)
        answer = self.ask(f"{parts.path}?{parts.query}", cookie=False)
        self.cookie = answer.headers.get("set-cookie", "").split(";")[0]
        return answer

    def line(self) -> str:
        """What it prints behind the addresses."""
        assert self.process.stdout is not None
        return self.process.stdout.readline()

    def page(self, path: str) -> str:
        """A page that must be there."""
        answer = self.ask(path)
        assert answer.status == 200, (path, answer.status, answer.text[:500])
        return answer.text

    def post(self, path: str, fields: Mapping[str, str], **headers: str) -> Answer:
        """Send a form."""
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        return self.ask(path, method="POST", body=urlencode(fields).encode(), headers=kind | headers)


@contextmanager
def web_server(*words: object) -> Iterator[WebServer]:
    """``pcode web WORDS --no-browser``, until the block is left. Its own errors are shown when it does not start."""
    command = [sys.executable, "-m", "pedagogy_r1", "web", *map(str, words), "--no-browser"]
    process = subprocess.Popen(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        yield WebServer(process, dict(_printed(process, words.count("--coder"))))
    finally:
        process.terminate()
        process.communicate(timeout=120)


def _printed(process: subprocess.Popen[str], coders: int) -> Iterator[tuple[str, str]]:
    assert process.stdout is not None
    assert process.stderr is not None
    for _ in range(max(1, coders)):
        line = process.stdout.readline().strip()
        if not line:
            raise AssertionError(f"pcode web did not start: {process.stderr.read()}")
        who, _, url = line.rpartition(": ")
        yield who, url
