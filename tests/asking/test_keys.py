"""Issue 11, "nothing let in": the key in every writing, keys that no header can hold, addresses that are none."""

from __future__ import annotations

import base64
import html
import json
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest
from click.testing import Result

from pedagogy_r1.chat._server import Secret
from pedagogy_r1.codebook import load_codebook

from .odd_server import Behaviour, OddServer, always, wraps

CODES = list(load_codebook("schoen").code_ids)
KEY = "sk-SECRET/key+with=odd&chars 0123"
ESCAPED = "".join(f"\\u{ord(c):04x}" for c in KEY)
WRITINGS = {
    "plain": KEY,
    "upper": KEY.upper(),
    "an address": quote(KEY, safe=""),
    "an address that keeps slashes": quote(KEY),
    "a form": quote_plus(KEY),
    "lower hexadecimal": quote(KEY, safe="").replace("%2F", "%2f").replace("%2B", "%2b"),
    "HTML": html.escape(KEY),
    "HTML numbers": "".join(f"&#{ord(c)};" for c in KEY),
    "HTML hexadecimal": "".join(f"&#x{ord(c):X};" for c in KEY),
    "a slash escaped": KEY.replace("/", "\\/"),
    "JSON": json.dumps(KEY)[1:-1],
    "JSON numbers": ESCAPED,
    "JSON in JSON": ESCAPED.replace("\\", "\\\\"),
    "only the slash in JSON": KEY.replace("/", "\\u002F"),
}


@pytest.mark.parametrize("how", WRITINGS)
def test_the_key_is_hidden_however_it_is_written(how: str) -> None:
    assert Secret(KEY).hidden(f"<a {WRITINGS[how]} b>") == "<a *** b>"


@pytest.mark.parametrize("before", range(6))
def test_the_key_is_hidden_in_base64(before: int) -> None:
    said = base64.b64encode(b"user: "[:before] + KEY.encode() + b" end").decode()
    hidden = Secret(KEY).hidden(said)
    assert "***" in hidden
    assert len(hidden) < len(said) - len(KEY)


@pytest.mark.parametrize("run", ["\\", "&#0", "%", "sk-SECRET", "\\u00"])
def test_a_long_run_of_what_the_key_is_written_with_takes_no_time(run: str) -> None:
    began = time.process_time()
    Secret(KEY).hidden("sk-secret \\u00e9 secret " + run * (1_000_000 // len(run)))
    assert time.process_time() - began < 10


@pytest.mark.parametrize("length", range(8, 20))
def test_eight_characters_of_the_key_in_a_row_are_hidden_in_messages(length: int) -> None:
    key = "sk-proj-Qz81LmXw99TrVb42abcd"
    for start in range(len(key) - length + 1):
        part = key[start : start + length]
        assert Secret(key).hidden_parts(f"wrong key: <{part}>, <{part}>.") == "wrong key: <***>, <***>."
    assert Secret(key).hidden_parts(f"{key[:8]}…{key[-4:]}, {key[3:11]}{key[5:16]}") == "***…abcd, ***"
    assert Secret(key).hidden(f"a reply that holds {key[:8]}") == f"a reply that holds {key[:8]}"
    assert Secret(key).hidden_parts("İİİ proj-Qz8 no eight of it") == "İİİ *** no eight of it"
    assert Secret(None).hidden_parts("sk-proj-") == "sk-proj-"


@pytest.mark.parametrize("key", [None, "", "EMPTY", "none"])
def test_a_key_that_is_none_hides_nothing(key: str | None) -> None:
    assert Secret(key).hidden("EMPTY none 100 % \\u00e9 &#233;") == "EMPTY none 100 % \\u00e9 &#233;"


def _rationale(said: str) -> Behaviour:
    """A right answer whose rationale, in the JSON of the answer, is written like this."""

    def wrap(answer: str) -> str:
        codings = [coding | {"rationale": "RATIONALE"} for coding in json.loads(answer)["codings"]]
        return json.dumps({"codings": codings}).replace("RATIONALE", said)

    return wraps(CODES, wrap)


@pytest.fixture
def run(
    tmp_path: Path, pcode: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Result]:
    trace = {"id": "t", "reasoning": "Okay so it begins. Wait, is that so? Let me check it again."}
    (tmp_path / "t.jsonl").write_text(json.dumps(trace) + "\n")

    def run(url: str, key: str = KEY) -> Result:
        monkeypatch.setenv("OPENAI_API_KEY", key)
        how = ("--retries", 0, "--backoff", 0.001, "--base-url", url, "--codebook", "schoen")
        return pcode("annotate", tmp_path / "t.jsonl", "-o", tmp_path / "run", "--model", "openai:m", *how)

    return run


def _nowhere(tmp_path: Path, result: Result, *forms: str) -> None:
    files = [path.read_text() for path in (tmp_path / "run").rglob("*") if path.is_file()]
    for text in (result.output, *files):
        assert not [form for form in forms if form in text]


@pytest.mark.parametrize("said", [KEY, ESCAPED], ids=["plain", "escaped"])
def test_a_key_in_a_right_answer_is_not_kept(tmp_path: Path, run: Callable[..., Result], said: str) -> None:
    with OddServer(_rationale(said)) as server:
        result = run(server.url)
    assert result.exit_code == 0, result.output
    _nowhere(tmp_path, result, KEY, ESCAPED)
    assert '"rationale":"***"' in (tmp_path / "run/codings.jsonl").read_text()


@pytest.mark.parametrize("how", ["HTML", "JSON numbers", "only the slash in JSON"])
def test_a_key_in_an_error_is_not_said(tmp_path: Path, run: Callable[..., Result], how: str) -> None:
    with OddServer(always(401, f'{{"error": {{"message": "bad key {WRITINGS[how]}"}}}}'.encode())) as server:
        result = run(server.url)
    assert "bad key ***" in result.output
    _nowhere(tmp_path, result, KEY, WRITINGS[how])


@pytest.mark.parametrize("key", ["sk-12345678\n", " sk-12345678", "sk-1234\n5678", "sk-12345678ключ", "sk-12345678\udcff", "sk\t12345678"])  # fmt: skip
def test_a_key_that_no_header_can_hold_is_refused_at_once_and_unsaid(
    tmp_path: Path, run: Callable[..., Result], key: str
) -> None:
    with OddServer(always(500)) as server:
        result = run(server.url, key)
        assert not server.asked
    assert result.exit_code == 2
    assert "the API key begins or ends with a space, or holds" in result.output
    _nowhere(tmp_path, result, "12345678", "5678")


@pytest.mark.parametrize(
    "url",
    ["http://[::1", "http://127.0.0.1:-1", "http://127.0.0.1:99999/v1", "http://127.0.0.1:x/v1", "http://\u202e/v1",
     "http://127.0.0.1:9/\x01", "http://exa mple/v1", "http://a..b/v1", f"http://{'b' * 300}/v1"],
)  # fmt: skip
def test_what_is_no_address_is_said_before_anything_is_asked(
    tmp_path: Path, run: Callable[..., Result], url: str
) -> None:
    result = run(url)
    assert result.exit_code == 2
    assert "is no base URL" in result.output
    assert not (tmp_path / "run").exists()


def test_a_name_twice_in_a_coding_is_no_coding(tmp_path: Path, run: Callable[..., Result]) -> None:
    def twice(answer: str) -> str:
        return answer.replace('"primary":', '"primary": "IA-SQ", "primary":', 1)

    with OddServer(wraps(CODES, twice)) as server:
        result = run(server.url)
    assert result.exit_code == 2
    assert "stands twice in one object" in result.output
