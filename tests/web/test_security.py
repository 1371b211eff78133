"""The gate of the pages: who may ask, from where, for what; and that no text of a trace becomes part of a page."""

from __future__ import annotations

import asyncio
import hashlib
import json
import select
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import quote, urlencode, urlsplit

import pytest
from click.testing import Result

from pedagogy_r1.codebook import load_codebook, parse_codebook
from pedagogy_r1.codebook.code_colors import contrast
from pedagogy_r1.errors import InputError, PedagogyError
from pedagogy_r1.formatting import UNSEEN
from pedagogy_r1.web.escape import DARK, LIGHT, READABLE, shown, stylesheet
from pedagogy_r1.web.keys import Door, Hashed, Keys, Passwords, PutOff, is_loopback, own_names, set_password
from pedagogy_r1.web.state import open_state

from ..web_server import WebServer, web_server

pytest.importorskip("uvicorn")

EVIL_ID = '"><script>alert("id")</script>../../etc'
EVIL = (
    'Look: <script>window.hit=1</script> <img src=x onerror="window.hit=2"> &amp; <a href="javascript:hit(3)">x</a>. '
    "Wait, \u202egnp.exe\u202c is it? Nothing\x00 here\x1b[2J. {{ 7*7 }} ${7*7} </td></table></main>. 한국어 문장이다. 😀 done."
)


TURNED = "t\u202e\u2066gnp\u2069.exe\x9b"
"""What turns round that which stands beside it, in names."""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run whose traces, names and memos are hostile."""
    folder = tmp_path_factory.mktemp("hostile")
    trace = {
        "id": EVIL_ID,
        "question": "<b>bold?</b>",
        "reasoning": EVIL,
        "answer": "<svg onload=alert(1)>",
        "domain": "<i>SK</i>",
        "condition": "' onmouseover='x",
        "model": "</select><script>1</script>",
        "correct": True,
    }
    turned = {"id": TURNED, "question": TURNED, "reasoning": "So it is. Wait, is it?", "domain": TURNED}
    other = {"id": "plain", "question": "Is it so?", "reasoning": "So it is. Wait, is it?", "answer": "yes"}
    (folder / "traces.jsonl").write_text("".join(json.dumps(t) + "\n" for t in (trace, turned, other)))
    coded = folder / "codings.csv"
    end = EVIL.index(".") + 1
    coded.write_text(
        "trace_id,start,end,quote,coder,code,memo\n"
        f'"{_cell(EVIL_ID)}",0,{end},"{_cell(EVIL[:end])}",<u>A</u>,IA-SQ,"<script>window.hit=4</script> =1+1"\n'
    )
    for words in (
        ("annotate", folder / "traces.jsonl", "-o", folder / "cues", "--coder", "cues"),
        (
            "import",
            coded,
            "--traces",
            folder / "traces.jsonl",
            "-o",
            folder / "people",
            "--codebook",
            "schoen",
            "--units",
            "own",
        ),
    ):
        subprocess.run(
            [sys.executable, "-m", "pedagogy_r1", *map(str, words)], check=True, capture_output=True
        )
    return folder


def _cell(text: str) -> str:
    return text.replace('"', '""')


@pytest.fixture(scope="module")
def server(run: Path) -> Iterator[WebServer]:
    with web_server(run / "cues", run / "people") as started:
        started.enter()
        yield started


def test_address_with_token_becomes_cookie_and_leaves_no_trace_in_the_address(server: WebServer) -> None:
    answer = server.enter()
    assert answer.status == 303
    assert answer.headers["location"] == "/"
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    kept = server.ask(f"/read?code=IA-SQ&token={server.url.split('=')[1]}", cookie=False)
    assert kept.headers["location"] == "/read?code=IA-SQ"


@pytest.mark.parametrize(
    "path", ["/", "/read", "/read/trace?id=plain", "/codes.css", "/?token=wrong", "/none"]
)
def test_nothing_without_the_key(server: WebServer, path: str) -> None:
    answer = server.ask(path, cookie=False)
    assert answer.status == 403
    assert "plain" not in answer.text
    forged = server.ask(
        path,
        headers={"Cookie": server.cookie[:-1] + ("0" if server.cookie[-1] != "0" else "1")},
        cookie=False,
    )
    assert forged.status == 403


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "localhost@evil.example", "", "[::1", "a/b"]
)
def test_foreign_host_is_refused_even_with_the_cookie(server: WebServer, host: str) -> None:
    answer = server.ask("/read", headers={"Host": host})
    assert answer.status in (400, 421)
    assert "plain" not in answer.text


@pytest.mark.parametrize("host", ["localhost", "localhost:9000", "127.0.0.1", "[::1]:80"])
def test_own_names_are_served_on_any_port(server: WebServer, host: str) -> None:
    assert server.ask("/read", headers={"Host": host}).status == 200


@pytest.mark.parametrize(
    ("headers", "fields", "status"),
    [
        ({}, {}, 403),
        ({}, {"csrf": "wrong"}, 403),
        ({"Origin": "http://evil.example"}, {"csrf": "right"}, 403),
        ({"Origin": "null"}, {"csrf": "right"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, {"csrf": "right"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, {"csrf": "right"}, 403),
        ({}, {"csrf": "right"}, 405),  # past the gate: the page only has no POST
        ({"Sec-Fetch-Site": "same-origin"}, {"csrf": "right"}, 405),
        ({"X-CSRF-Token": "right"}, {}, 405),
    ],
)
def test_a_change_needs_our_page_and_its_token(
    server: WebServer, headers: dict[str, str], fields: dict[str, str], status: int
) -> None:
    token = server.page("/read").split('name="csrf" content="')[1].split('"')[0]
    right = {key: token if value == "right" else value for key, value in headers.items()}
    answer = server.post("/read", {k: token if v == "right" else v for k, v in fields.items()}, **right)
    assert answer.status == status


def test_large_and_unreadable_bodies_are_refused(server: WebServer) -> None:
    token = server.page("/read").split('name="csrf" content="')[1].split('"')[0]
    headers = {"X-CSRF-Token": token, "Content-Type": "application/json"}
    assert server.ask("/read", method="POST", body=b"x" * 1_100_000, headers=headers).status == 413
    for body in (b"[1]", b"{", b"[" * 100_000, b"\xff\xfe"):
        assert server.ask("/read", method="POST", body=body, headers=headers).status == 400


@pytest.mark.parametrize(
    "path",
    [
        "/static/../app.py",
        "/static/%2e%2e/app.py",
        "/static/..%2fapp.py",
        "/static/..%5capp.py",
        "/static//etc/passwd",
        "/static/%2fetc%2fpasswd",
        "/static/style.css%00.png",
        "/static/",
        "/read/trace?id=../../run.json",
        "/read/unit?trace=plain&unit=../../codebook.yaml",
    ],
)
def test_no_way_out_of_the_folder(server: WebServer, path: str) -> None:
    answer = server.ask(path)
    assert answer.status in (400, 404)
    assert b"from __future__" not in answer.body
    assert b"root:" not in answer.body


def test_every_answer_forbids_inline_script_and_framing(server: WebServer) -> None:
    for path in ("/", "/read", "/static/style.css", "/none", "/read/trace?id=none", "/?token=wrong"):
        headers = server.ask(path).headers
        policy = headers["content-security-policy"]
        assert "default-src 'self'" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert "server" not in headers
    assert server.ask("/read").headers["cache-control"] == "no-store"


class _Page(HTMLParser):
    """Elements that run or load something, and attributes that hold script or style."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.ids: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self.ids += [values["id"] or ""] if "id" in values else []
        if tag == "script" and not (values.get("src") or "").startswith("/static/"):
            self.found.append(f"script {attrs}")
        if tag in ("img", "iframe", "object", "embed", "base", "b", "i", "u"):
            self.found.append(tag)
        for name, value in attrs:
            if name.startswith("on") or name == "style":
                self.found.append(f"{tag} {name}")
            if name in ("href", "src", "action") and not (value or "").startswith(("/", "#")):
                self.found.append(f"{tag} {name}={value}")


@pytest.mark.parametrize(
    "path",
    [
        "/read",
        "/read?q=%3Cscript%3E&domain=%22%3E%3Cscript%3E",
        f"/read/trace?id={quote(EVIL_ID, safe='')}",
        f"/read/trace?id={quote(EVIL_ID, safe='')}&view=text&q=%22onfocus%3Dx",
        "/read/trace?id=%3Cscript%3Ealert(1)%3C/script%3E",
        f"/read?q={quote(TURNED)}&domain={quote(TURNED)}",
        f"/read/trace?id={quote(TURNED)}",
        f"/read/trace?id={quote(TURNED)}&view=text&domain={quote(TURNED)}",
        f"/read/trace?id=x{quote(TURNED)}",
    ],
)
def test_text_stays_text(server: WebServer, path: str) -> None:
    answer = server.ask(path)
    page = _Page()
    page.feed(answer.text)
    assert [one for one in page.found if one not in ("b", "i", "u")] == []
    assert "<i>SK" not in answer.text
    assert "<u>A" not in answer.text
    assert UNSEEN.search(answer.text) is None
    assert len(page.ids) == len(set(page.ids))


def test_what_a_form_sends_back_is_what_it_was_given(server: WebServer) -> None:
    """The field of the filter shows nothing that turns round, and holds it all the same."""
    text = server.page(f"/read?q={quote(TURNED)}")
    value = text.split('name="q" id="q" value="')[1].split('"')[0]
    assert value == "t&#8238;&#8294;gnp&#8297;.exe&#155;"


HUGE = "9" * 5000


@pytest.mark.parametrize(
    ("path", "status"),
    [
        (f"/read?page={HUGE}", 200),
        ("/read?page=-1&page=%F0%9D%9F%97", 200),
        (f"/read/trace?id={HUGE}", 404),
        (f"/read/trace?id=plain&part={HUGE}", 200),
        (f"/read/unit?trace=plain&unit={HUGE}&part={HUGE}", 404),
        (f"/read/{HUGE}", 404),
        (f"/read?domain={HUGE}&q={HUGE * 6}", 200),
        ("/read/trace?id=%ff%fe%00", 404),
    ],
)
def test_huge_numbers_in_addresses(server: WebServer, path: str, status: int) -> None:
    assert server.ask(path).status == status


def test_units_and_memos_are_shown_whole(server: WebServer, run: Path) -> None:
    text = server.page(f"/read/trace?id={quote(EVIL_ID, safe='')}")
    assert "&lt;script&gt;window.hit=1&lt;/script&gt;" in text
    assert 'title="U+202E right-to-left override">RLO</span>gnp.exe' in text
    assert ">␀</span>" in text
    assert "{{ 7*7 }}" in text
    assert "한국어" in text
    unit = json.loads((run / "people" / "units.jsonl").read_text().splitlines()[0])["id"]
    part = server.page(f"/read/unit?trace={quote(EVIL_ID, safe='')}&unit={unit}&part=1")
    assert "&lt;script&gt;window.hit=4&lt;/script&gt; =1+1" in part
    page = _Page()
    page.feed(part)
    assert set(page.found) <= {"b"}


def test_shown_escapes_and_reveals() -> None:
    assert shown('a < b & "c"\n\tд') == "a &lt; b &amp; &#34;c&#34;\n\tд"
    assert shown("\ud83d") == '<span class="ctl" title="U+D83D half of a surrogate pair">D83D</span>'
    assert shown("<\x00>") == '&lt;<span class="ctl" title="U+0000 control character">␀</span>&gt;'
    shown("\ud800\udfff\x85\ufffe" * 3).encode("utf-8")
    assert shown(None) == shown("") == ""


ODD = """
{id: odd, version: 1.0.0, title: odd, families: [{id: F, name: f}], codes: [%s]}
"""


@pytest.mark.parametrize("book", ["schoen", "schoenfeld", "odd"])
def test_every_text_can_be_read_on_its_colour(book: str) -> None:
    colors = ["#000000", "#ffffff", "#777777", "#ff0000", "#00ff00", "#0000ff", "#ffff00", "#808000"]
    codes = (
        f"{{id: C{i}, name: n, family: F, short: s, definition: d, color: '{c}'}}"
        for i, c in enumerate(colors)
    )
    found = parse_codebook(ODD % ", ".join(codes)) if book == "odd" else load_codebook(book)
    light, dark = stylesheet(found).split("@media")
    for text, (card, ink) in ((light, LIGHT), (dark, DARK)):
        rules = [line for line in text.splitlines() if "--code" in line]
        assert len(rules) == len(found.codes) + 1
        for rule in rules:
            code, on, tint = (rule.split(f"--{name}: ")[1][:7] for name in ("code", "on", "tint"))
            assert contrast(code, on) >= READABLE
            assert contrast(tint, ink) >= READABLE
        assert contrast(card, ink) >= READABLE


def test_ticket_is_good_once() -> None:
    keys = Keys(hosts=own_names("127.0.0.1"), tokens={"t": "A"})
    ticket = keys.ticket("A")
    assert [keys.owner(ticket), keys.owner(ticket), keys.owner("t"), keys.owner("t"), keys.owner("")] == [
        "A",
        None,
        "A",
        "A",
        None,
    ]


def test_cookie_holds_only_for_its_process() -> None:
    one, other = (Keys(hosts=frozenset({"localhost"})) for _ in range(2))
    cookie = one.admit("Ä.b")
    seen = one.visitor(cookie)
    assert seen is not None
    assert seen.who == "Ä.b"
    assert other.visitor(cookie) is None
    assert one.visitor(cookie[:-1] + ("A" if cookie[-1] != "A" else "B")) is None
    assert one.visitor("") is None
    assert one.visitor(one.admit("Ä.b")) != seen


class Clock:
    """Stands still until it is told."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_visit_ends_by_leaving_by_staying_away_and_after_a_week() -> None:
    clock = Clock()
    keys = Keys(hosts=frozenset(), clock=clock)
    left, away, busy = (keys.admit("A") for _ in range(3))
    keys.leave(left)
    assert keys.visitor(left) is None
    day = 24 * 3600
    for _ in range(4 * 7):
        clock.now += day / 4
        assert keys.visitor(busy) is not None
        assert keys.visitor(away) is not None
        away = keys.admit("A") if clock.now > 1000 + 6.5 * day else away
    clock.now += 1
    assert keys.visitor(busy) is None
    assert keys.visitor(away) is not None
    clock.now += day / 2 + 1
    assert keys.visitor(away) is None


def test_one_person_ends_nobody_elses_visit() -> None:
    keys = Keys(hosts=frozenset())
    other, *mine = (keys.admit(who) for who in ["B", *["A"] * 200])
    assert keys.visitor(other) is not None
    assert [keys.visitor(cookie) is not None for cookie in mine] == [False] * 150 + [True] * 50


class Counting(Passwords):
    """Knows Ann and Bob, and how often it was asked."""

    def __init__(self) -> None:
        super().__init__({name: Hashed.of(f"{name}'s own") for name in ("Ann", "Bob")})
        self.asked = 0

    def right(self, name: str, password: str) -> bool:
        self.asked += 1
        return name in self.people and password == f"{name}'s own"


class Knock:
    """At a door with a clock of its own: whether it opens, or the seconds that one is put off."""

    def __init__(self) -> None:
        self.clock, self.passwords = Clock(), Counting()
        self.door = Door(self.passwords, self.clock)

    async def __call__(self, name: str, password: str = "wrong", address: str = "10.0.0.1") -> bool | int:
        try:
            return await self.door.opens(name, password, address)
        except PutOff as put_off:
            return put_off.seconds


def test_wrong_passwords_are_put_off_for_longer_and_longer() -> None:
    async def run() -> None:
        knock, waits = Knock(), list[int]()
        while knock.passwords.asked < 14:
            found = await knock("Ann")
            if found is not False:
                waits.append(found)
                knock.clock.now += found
        assert waits == [1, 2, 4, 8, 16, 32, 60, 60, 60, 60]
        assert await knock("Ann", "Ann's own") == 60, "none is looked at meanwhile"
        assert knock.passwords.asked == 14
        knock.clock.now += 901
        assert [await knock("Ann") for _ in range(3)] == [False] * 3
        assert await knock("Ann", "Ann's own") is True

    asyncio.run(run())


@pytest.mark.parametrize("by", ["name", "address"])
def test_the_delay_grows_for_a_name_and_for_an_address(by: str) -> None:
    async def run() -> None:
        knock = Knock()
        for n in range(4):
            one = ("Ann", "wrong", f"10.0.0.{n}") if by == "name" else (f"x{n}", "wrong", f"2001:db8::{n}")
            assert await knock(*one) is False
        same = ("Ann", "Ann's own", "10.9.9.9") if by == "name" else ("Ann", "Ann's own", "2001:db8::ffff")
        other = ("Bob", "Bob's own", "10.9.9.9") if by == "name" else ("Ann", "Ann's own", "2001:db9::1")
        assert await knock(*same) == 1
        assert await knock(*other) is True

    asyncio.run(run())


def test_who_has_been_in_is_not_put_off_by_what_others_try_under_the_name() -> None:
    async def run() -> None:
        knock = Knock()
        assert await knock("Ann", "Ann's own", "10.0.0.7") is True
        for n in range(9):
            await knock("Ann", "wrong", f"10.0.1.{n}")
        assert await knock("Ann", "Ann's own", "10.0.0.8") is not True
        assert await knock("Ann", "Ann's own", "10.0.0.7") is True

    asyncio.run(run())


def test_an_own_password_does_not_pay_for_guesses_at_another() -> None:
    async def run() -> None:
        knock, found = Knock(), []
        for _ in range(6):
            found.append(await knock("Bob"))
            await knock("Ann", "Ann's own")
        assert found[:4] == [False] * 4
        assert False not in found[4:]

    asyncio.run(run())


def test_few_passwords_wait_and_long_ones_are_not_looked_at() -> None:
    async def run() -> None:
        knock = Knock()
        found = await asyncio.gather(*(knock("Ann") for _ in range(100)))
        assert found.count(False) == 4
        assert knock.passwords.asked == 4
        spread = await asyncio.gather(*(knock(f"x{n}", "wrong", f"10.1.0.{n}") for n in range(100)))
        assert spread.count(False) == 32
        asked = knock.passwords.asked
        assert await knock("Bob", "w" * 5000, "10.3.0.1") is False
        assert await knock("B" * 5000, "wrong", "10.3.0.1") is False
        assert knock.passwords.asked == asked
        assert await knock("Bob", "Bob's own", "10.3.0.1") is True

    asyncio.run(run())


@pytest.mark.parametrize(
    ("host", "ours"),
    [
        ("10.0.0.7:80", True),
        ("evil.example", False),
        ("study.example", True),
        ("STUDY.example:1", True),
        ("10.0.0.7.evil", False),
    ],
)
def test_open_to_others_answers_to_addresses_and_named_hosts(host: str, ours: bool) -> None:
    keys = Keys(hosts=own_names("0.0.0.0", ("study.example",)), any_address=True)
    assert keys.ours(host) is ours
    assert [is_loopback(name) for name in ("127.0.0.1", "localhost", "::1", "0.0.0.0", "10.0.0.7", "x")] == [
        True
    ] * 3 + [False] * 3


def test_password_file(tmp_path: Path) -> None:
    path = tmp_path / "passwords"
    set_password(path, "A", "correct horse")
    set_password(path, "B", "battery staple")
    set_password(path, "A", "an other one")
    assert path.stat().st_mode & 0o077 == 0
    assert "horse" not in path.read_text()
    path.chmod(0o644)
    known = Passwords.read(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert known.right("A", "an other one")
    assert not known.right("A", "correct horse")
    assert not known.right("B", "an other one")
    assert not known.right("C", "an other one")
    for name, password in (
        ("a:b", "long enough"),
        ("", "long enough"),
        ("C", "short"),
        ("C", "x" * 1001),
        ("C\u200b", "long enough"),
    ):
        with pytest.raises(InputError):
            set_password(path, name, password)
    for bad in ("A:scrypt:1:1:1:a:b\n", "A:plain\n", "", "A:scrypt:16384:8:1::\n"):
        path.write_text(bad)
        with pytest.raises(InputError, match=r"password|names nobody"):
            Passwords.read(path)


def test_others_are_let_in_by_password_only(run: Path, tmp_path: Path, pcode: Callable[..., Result]) -> None:
    refused = pcode("web", run / "cues", "--host", "0.0.0.0", "--no-browser")
    assert refused.exit_code == 2
    assert "--password-file" in refused.stderr
    path = tmp_path / "passwords"
    set_password(path, "Ann", "correct horse")
    with web_server(run / "cues", "--host", "0.0.0.0", "--password-file", path) as server:
        assert "token" not in server.url
        assert server.url.startswith("http://localhost:")
        assert server.line().startswith("from other machines: http://")
        asked = server.ask("/read?q=a+b")
        assert (asked.status, asked.headers["location"]) == (303, "/login?next=/read%3Fq%3Da%2Bb")
        assert 'name="password"' in server.page("/login?next=/read")
        wrong = server.post("/login", {"name": "Ann", "password": "wrong", "next": "/read"})
        assert wrong.status == 403
        assert "set-cookie" not in wrong.headers
        assert (
            server.post(
                "/login", {"name": "Ann", "password": "correct horse"}, Origin="http://evil.example"
            ).status
            == 403
        )
        for target, lands in (
            ("/read", "/read"),
            ("//evil.example", "/"),
            ("/\\evil.example", "/"),
            ("https://evil.example", "/"),
        ):
            right = server.post("/login", {"name": "Ann", "password": "correct horse", "next": target})
            assert (right.status, right.headers["location"]) == (303, lands)
        server.cookie = right.headers["set-cookie"].split(";")[0]
        page = server.page("/read")
        assert "Ann" in page
        token = page.split('name="csrf" content="')[1].split('"')[0]
        assert server.post("/login", {"name": "Ann", "password": "x" * 20_000}).status == 413
        out = server.post("/logout", {"csrf": token})
        assert out.status == 303
        assert "max-age=0" in out.headers["set-cookie"].lower()
        assert server.ask("/read").status == 303, "a copy of the cookie opens nothing any more"
        refused = server.post("/read", {"csrf": token})
        assert refused.status == 403
        assert "not logged in any more" in refused.text


def test_wrong_passwords_do_not_keep_those_waiting_who_are_in(run: Path, tmp_path: Path) -> None:
    """Each check takes as long as sixteen usual ones, and sixty wrong passwords come at once."""
    path, salt = tmp_path / "passwords", b"0123456789abcdef"
    key = hashlib.scrypt(b"correct horse", salt=salt, n=2**14, r=8, p=16, maxmem=2**27, dklen=32)
    path.write_text(Hashed(2**14, 8, 16, salt, key).line("Ann"))
    with web_server(run / "cues", "--password-file", path) as server:
        right = server.post("/login", {"name": "Ann", "password": "correct horse"})
        server.cookie = right.headers["set-cookie"].split(";")[0]
        place = urlsplit(server.url)
        form = urlencode({"name": "Ann", "password": "wrong"})
        head = f"POST /login HTTP/1.1\r\nHost: {place.netloc}\r\nContent-Type: application/x-www-form-urlencoded\r\n"
        with ExitStack() as stack:
            guesses = [
                stack.enter_context(socket.create_connection((place.hostname, place.port))) for _ in range(60)
            ]
            for guess in guesses:
                guess.sendall(f"{head}Content-Length: {len(form)}\r\n\r\n{form}".encode())
            for path_ in ("/read", "/read/trace?id=plain"):
                server.page(path_)
            answered = select.select(guesses, [], [], 0)[0]
            # One after the other, the pages among them, all but the last or two would be answered by now.
            assert len(guesses) - len(answered) >= 3
            statuses = Counter(guess.recv(64).split()[1] for guess in guesses)
        assert statuses == {b"403": 4, b"429": 56}
        assert server.page("/read")


def test_taken_port_is_said(run: Path, pcode: Callable[..., Result]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        result = pcode("web", run / "cues", "--port", taken.getsockname()[1], "--no-browser")
    assert result.exit_code == 2
    assert "cannot listen" in result.stderr


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"coders": ("A",)}, "packet"),
        ({"adjudicate": True, "coders": ("A",), "packet": Path("p")}, "must not see"),
        ({"gold": Path("g")}, "somebody"),
        ({"packet": Path("p")}, "what is the packet for"),
        ({}, "nothing to show"),
    ],
)
def test_what_may_not_stand_together(options: dict[str, object], why: str) -> None:
    with pytest.raises(InputError, match=why):
        open_state((), **options)  # type: ignore[arg-type]


def test_a_coder_is_not_served_beside_runs(run: Path) -> None:
    with pytest.raises(PedagogyError, match="must not see"):
        open_state((run / "cues",), packet=run, coders=("A",))
