"""Whatever a server does: no traceback, the key on no disk and no terminal, and little asked of one that is of no use."""

from __future__ import annotations

import asyncio
import gzip
import json
import re
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pedagogy_r1.codebook import load_codebook
from pedagogy_r1.runs.run import CoderRun

from .odd_server import Asked, Behaviour, OddServer, always, completion, http, raw, says, wraps

CODES = list(load_codebook("schoen").code_ids)
KEY = "sk-very/secret key-0123456789"
ELSEWHERE = "Location: http://127.0.0.2:9/v1/chat/completions"


def error(message: str, **more: Any) -> dict[str, Any]:
    return {"error": {"message": message, "type": "x", **more}}


def unit(**changes: Any) -> Callable[[str], str]:
    """A right answer in which something is changed in every coding."""

    def wrap(answer: str) -> str:
        return json.dumps({"codings": [coding | changes for coding in json.loads(answer)["codings"]]})

    return wrap


def right(**more: Any) -> Behaviour:
    return wraps(CODES, lambda answer: answer, **more)


def body(change: Callable[[dict[str, Any]], Any]) -> Behaviour:
    """A right completion, changed."""

    def wrap(answer: str) -> bytes:
        made = change(completion(answer))
        return made if isinstance(made, bytes) else json.dumps(made).encode()

    return wraps(CODES, wrap)


def packed(how: str, pack: Callable[[bytes], bytes]) -> Behaviour:
    async def behave(said: Asked, writer: asyncio.StreamWriter) -> None:
        made = pack(json.dumps(completion(said.answer(CODES))).encode())
        writer.write(http(200, made, f"Content-Encoding: {how}"))

    return behave


def wire(frame: Callable[[bytes], bytes]) -> Behaviour:
    """A right completion in another envelope."""

    async def behave(said: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(frame(json.dumps(completion(said.answer(CODES))).encode()))

    return behave


def chunked(made: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"%x\r\n%s\r\n" % (len(made), made)


def picky(refuses: Callable[[dict[str, Any]], Any], then: Behaviour | None = None) -> Behaviour:
    """``refuses(body)``: what is said, with status 400, to a body; ``None``: it is answered."""

    async def behave(said: Asked, writer: asyncio.StreamWriter) -> None:
        refused = refuses(said.body)
        await (always(400, refused) if refused else then or right())(said, writer)

    return behave


def of_type(kind: str) -> Callable[[dict[str, Any]], bool]:
    return lambda body: body.get("response_format", {}).get("type") == kind


async def redirects(said: Asked, writer: asyncio.StreamWriter) -> None:
    """To another path of the same host."""
    if said.path == "/v1/chat/completions":
        writer.write(http(308, b"", "Location: /elsewhere/chat/completions"))
    else:
        await right()(said, writer)


async def echoes(said: Asked, writer: asyncio.StreamWriter) -> None:
    """A right answer, with all headers of the request in it."""
    made = completion(said.answer(CODES), debug=said.headers)
    made["model"] = said.headers["authorization"]
    writer.write(http(200, json.dumps(made).encode(), f"X-Echo: {said.headers['authorization']}"))


async def hangs(_: Asked, writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(30)


async def drips(_: Asked, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    for _byte in range(300):
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(0.1)


def doubles(answer: str) -> str:
    codings = json.loads(answer)["codings"]
    return json.dumps({"codings": codings + codings})


THINK = '<think>\nHm, {"codings": []}?\n</think>\n'

COMES = {
    "a code fence": wraps(CODES, lambda a: f"```json\n{a}\n```"),
    "a bare fence": wraps(CODES, lambda a: f"\n```\n{a}```\n"),
    "a think block": wraps(CODES, lambda a: THINK + a),
    "a think block whose opening the template wrote": wraps(CODES, lambda a: "Hm.\n</think>\n\n" + a),
    "a think block and a fence": wraps(CODES, lambda a: f"{THINK}```json\n{a}\n```"),
    "the answer in the reasoning field": wraps(CODES, lambda a: completion("", message={"reasoning": a})),
    "the same, and null": wraps(CODES, lambda a: completion(None, message={"reasoning_content": a})),
    "blanks around it": wraps(CODES, lambda a: f"\n \t{a}\n\n\n"),
    "half a character": wraps(CODES, unit(rationale="a\ud800b")),
    "NUL and escapes": wraps(CODES, unit(rationale="\u0000\x1b[2J\u202e")),
    "usage abc": right(usage="abc"),
    "usage of words": right(usage={"prompt_tokens": "many", "completion_tokens": None}),
    "usage below zero": right(usage={"prompt_tokens": -5, "completion_tokens": -1}),
    "usage NaN": body(lambda b: json.dumps(b | {"usage": {"prompt_tokens": float("nan")}}).encode()),
    "usage 1e400": body(lambda b: json.dumps(b | {"usage": {"prompt_tokens": 0}}).replace(": 0}", ": 1e400}").encode()),
    "usage of lists": right(usage={"prompt_tokens": [1], "prompt_tokens_details": [2]}),
    "no usage": right(),
    "model {}": body(lambda b: b | {"model": {}}),
    "model half a character": body(lambda b: b | {"model": "m\ud800"}),
    "no model": body(lambda b: {"choices": b["choices"]}),
    "finish of a list": wraps(CODES, lambda a: completion(a, finish_reason=["stop"])),
    "choices of many": body(lambda b: b | {"choices": b["choices"] * 50}),
    "reasoning that is no text": wraps(CODES, lambda a: completion(a, message={"reasoning": {"a": 1}})),
    "gzip": packed("gzip", gzip.compress),
    "deflate": packed("deflate", zlib.compress),
    "no length": wire(lambda b: b"HTTP/1.1 200 OK\r\n\r\n" + b),
    "HTTP/1.0": wire(lambda b: b"HTTP/1.0 200 OK\r\n\r\n" + b),
    "chunks": wire(lambda b: chunked(b) + b"0\r\n\r\n"),
    "100 first": wire(lambda b: b"HTTP/1.1 100 Continue\r\n\r\n" + http(200, b)),
    "status 201": wire(lambda b: http(201, b)),
    "text/html": wire(lambda b: http(200, b, "Content-Type: text/html")),
    "many headers": wire(lambda b: http(200, b, *(f"X-{n}: {n}" for n in range(100)))),
    "a redirect within the host": redirects,
    "our headers in the reply": echoes,
    "no json_schema": picky(lambda b: of_type("json_schema")(b) and error("response_format type is unavailable now")),
    "no response_format": picky(lambda b: "response_format" in b and {"detail": [{"loc": ["body", "response_format"]}]}),
    "a grammar that fails": picky(lambda b: of_type("json_schema")(b) and error("failed to parse grammar")),
}  # fmt: skip
"""What a run takes and completes; those above the gzip in spite of what is odd in the reply."""

RATE = error("Rate limit reached, slow down")

STOPS: dict[str, tuple[Behaviour, str]] = {
    # statuses
    "300": (always(300), "answered 300"),
    "301 to another host": (always(301, b"", ELSEWHERE), "no trace and no key is sent to another host"),
    "302 to another host": (always(302, b"", ELSEWHERE), "no trace and no key is sent to another host"),
    "303": (always(303, b"", "Location: /login"), "check the base URL"),
    "304": (always(304), "answered 304"),
    "307 to another host": (always(307, b"", ELSEWHERE), "no trace and no key is sent to another host"),
    "307 for ever": (always(307, b"", "Location: /v1/chat/completions"), "answered 307"),
    "308 to a file": (always(308, b"", "Location: file:///etc/passwd"), "answered 308"),
    "307 to nonsense": (always(307, b"", "Location: http://[::"), "answered 307"),
    "400": (always(400, error("bad request")), "does not take these parameters"),
    "400 without a body": (always(400), "(no text)"),
    "400 temperature": (always(400, error("Unsupported value: 'temperature'")), "--temperature -1"),
    "400 context of the codebook": (always(400, error("This model's maximum context length is 4096 tokens")), "--codebook-form compact"),
    "400 context, llama.cpp": (always(400, error("request (9876 tokens) exceeds the available context size", n_ctx=4096)), "--codebook-form compact"),
    "400 whatever the form": (always(400, error("response_format, json_schema and grammar are all wrong")), "answered 400"),
    "400 credit balance": (always(400, error("Your credit balance is too low to access the API")), "no credit left"),
    "400 arrearage": (always(400, error("Access denied", code="Arrearage")), "no credit left"),
    "401": (always(401, error("no")), "check the API key"),
    "401 with our key": (always(401, error(f"Incorrect API key provided: {KEY}")), "provided: ***"),
    "401 with our key, escaped": (always(401, json.dumps(error(f"Incorrect: {KEY}")).replace("/", "\\/").encode()), "Incorrect: ***"),
    "402": (always(402, error("Insufficient Balance")), "no credit left"),
    "403": (always(403, b"<html><h1>Forbidden</h1>"), "check the API key"),
    "403 credits": (always(403, error("Your team has used all available credits")), "no credit left"),
    "404": (always(404, error("model 'x' not found")), "check the model's name"),
    "404 page": (always(404, b"<!DOCTYPE html><title>404</title>"), "ends like /v1"),
    "405": (always(405), "ends like /v1"),
    "407": (always(407), "check the API key"),
    "408": (always(408, error("late")), "timeout"),
    "409": (always(409, error("conflict")), "server_error"),
    "411": (always(411), "answered 411"),
    "412 suspended": (always(412, error("Account suspended, spending limit reached")), "no credit left"),
    "413": (always(413, b"<html>Request Entity Too Large"), "answered 413"),
    "418": (always(418, error("teapot")), "teapot"),
    "422": (always(422, {"detail": [{"loc": ["body", "seed"], "msg": "extra inputs"}]}), "extra inputs"),
    "425": (always(425), "server_error"),
    "429": (always(429, RATE), "slow down"),
    "429, wait a little": (always(429, RATE, "Retry-After: 0.01"), "slow down"),
    "429, wait a day": (always(429, RATE, "Retry-After: 86400"), "wait 24 hours"),
    "429, wait till 2099": (always(429, RATE, "Retry-After: Fri, 31 Dec 2099 23:59:59 GMT"), "asks to wait"),
    "429, wait for ever": (always(429, RATE, "Retry-After: inf"), "asks to wait"),
    "429 insufficient_quota": (always(429, error("You exceeded your current quota", code="insufficient_quota")), "no credit left"),
    "429 billing_hard_limit": (always(429, error("no", code="billing_hard_limit_reached")), "no credit left"),
    "429 exceeded_current_quota": (always(429, error("no", type="exceeded_current_quota_error")), "no credit left"),
    "429 of a day, in words": (always(429, error("Tokens per day used up. Please try again in 23h59m12s.")), "wait 24 hours"),
    "429 without credit, wait a little": (always(429, error("Insufficient balance", code="x"), "Retry-After: 2"), "no credit left"),
    "429 of a day, said with 200": (always(200, error("Try again in 2 days", code=429)), "wait 48 hours"),
    "429 in Chinese": (always(429, error("余额不足或无可用资源包", code="1113")), "no credit left"),
    "451": (always(451), "answered 451"),
    "500": (always(500, error("CUDA error")), "server's log"),
    "500 without a body": (always(500), "server's log"),
    "500 page": (always(500, b"<html>\n<h1>oops"), "<h1>oops"),
    "500 with our key": (always(500, f"Traceback: headers={{'Authorization': 'Bearer {KEY}'}}".encode()), "Bearer ***"),
    "500 that moves the cursor": (always(500, error("\x1b[2J\x1b]0;x\x07gone")), "gone"),
    "501": (always(501), "server_error"),
    "502": (always(502, b"<html>Bad Gateway"), "Bad Gateway"),
    "503": (always(503, error("loading model")), "loading model"),
    "503, wait a day": (always(503, b"", "Retry-After: 90000"), "wait 25 hours"),
    "504": (always(504), "--timeout"),
    "520": (always(520, b"error code: 520"), "error code: 520"),
    "529": (always(529, error("overloaded")), "overloaded"),
    "599": (always(599), "server_error"),
    "204": (raw(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n"), "an empty body"),
    # bodies
    "an empty body": (always(200), "an empty body"),
    "a page": (always(200, b"<html><body>Please log in</body></html>"), "<html><body>Please log in"),
    "a stream": (always(200, b'data: {"choices": [{"delta": {"content": "a"}}]}\n\ndata: [DONE]\n'), "turn streaming off"),
    "lines": (always(200, b'{"model":"m","response":"a"}\n{"model":"m","done":true}\n'), '{"model":"m","response"'),
    "another API": (always(200, {"model": "m", "message": {"content": "a"}, "done": True}), "OpenAI-compatible"),
    "the older API": (always(200, {"choices": [{"text": "a"}]}), "OpenAI-compatible"),
    "text": (always(200, b"It works!"), "It works!"),
    "null": (always(200, b"null"), "OpenAI-compatible"),
    "a number": (always(200, b"1e999"), "1e999"),
    "a list": (always(200, b"[]"), "OpenAI-compatible"),
    "{}": (always(200, {}), "OpenAI-compatible"),
    "100,000 brackets": (always(200, b"[" * 100_000), "[[[["),
    "100,000 objects": (always(200, b'{"a":' * 100_000), '{"a":'),
    "UTF-16": (body(lambda b: json.dumps(b).encode("utf-16")), "no JSON"),
    "NULs": (always(200, b"\0" * 1000), "no JSON"),
    "bytes": (always(200, bytes(range(256)) * 9), "no JSON"),
    "no choices": (always(200, {"choices": []}), "OpenAI-compatible"),
    "choices null": (always(200, {"choices": None}), "OpenAI-compatible"),
    "a choice null": (always(200, {"choices": [None]}), "OpenAI-compatible"),
    "a message null": (always(200, {"choices": [{"message": None}]}), "OpenAI-compatible"),
    "a message of text": (always(200, {"choices": [{"message": "hi"}]}), "OpenAI-compatible"),
    "an error": (always(200, {"error": "boom"}), "boom"),
    "an error 402": (always(200, error("more credits, please", code=402)), "no credit left"),
    "an error 429": (always(200, error("slower", code=429)), "rate_limited"),
    "credits, said with 200": (always(200, error("Insufficient credits. Add more")), "no credit left"),
    # content
    "null content": (says(None), "a thinking model may have spent"),
    "empty content": (says(""), "a thinking model may have spent"),
    "parts": (says([{"type": "text", "text": "a"}]), "no text"),
    "a number as content": (says(7), "no text"),
    "a tool call": (says(None, message={"tool_calls": [{"function": {"name": "codings"}}]}), "without a tool-call parser"),
    "a function call": (says(None, message={"function_call": {"name": "f"}}), "without a tool-call parser"),
    "refusal": (says(None, message={"refusal": "I cannot"}), "refuses this material"),
    "a filter": (says("a", finish_reason="content_filter"), "refuses this material"),
    "length": (says('{"codings": [', finish_reason="length"), "--max-output-tokens"),
    "prose": (says("Sure! The first unit is a question."), "Sure! The first unit is a question."),
    "only thinking": (says("<think>Hm, the first unit …"), "reasoning parser"),
    "thinking without an answer": (says("Hm.</think>I cannot tell."), "reasoning parser"),
    "fence among prose": (wraps(CODES, lambda a: f"Here:\n```json\n{a}\n```\nGood luck!"), "code fence among other text"),
    "two fences": (wraps(CODES, lambda a: f"```json\n{a}\n```\n```json\n{a}\n```"), "code fence among other text"),
    "prose before": (wraps(CODES, lambda a: "Here you are: " + a), "Here you are"),
    "prose behind": (wraps(CODES, lambda a: a + "\nGood luck!"), "another form"),
    "JSON in JSON": (wraps(CODES, json.dumps), "no JSON"),
    "a bare list": (wraps(CODES, lambda a: json.dumps(json.loads(a)["codings"])), "another form"),
    "another name": (wraps(CODES, lambda a: a.replace("codings", "results")), "another form"),
    "single quotes": (wraps(CODES, lambda a: a.replace('"', "'")), "another form"),
    "a comma too many": (wraps(CODES, lambda a: a[:-2] + ",]}"), "another form"),
    "a comment": (wraps(CODES, lambda a: "// codes\n" + a), "no JSON"),
    "XML": (says("<codings><coding/></codings>"), "<codings>"),
    "YAML": (says("codings:\n- unit: 1\n"), "codings: - unit: 1"),
    "channel marks": (wraps(CODES, lambda a: "<|channel|>final<|message|>" + a), "<|channel|>final"),
    "no codings": (says('{"codings": []}'), "skipped_unit"),
    "many brackets": (always(200, b"[" + b"[]," * 1_000_000 + b"0]"), "OpenAI-compatible"),
    "codes in lower case": (wraps(CODES, lambda a: re.sub(r'"primary": "[A-Z-]+"', '"primary": "tr-sp"', a)), "bad_code"),
    "quotes of nothing": (wraps(CODES, unit(evidence="nowhere to be found")), "bad_quote"),
    "confidence in percent": (wraps(CODES, unit(confidence=85)), "bad_confidence"),
    "confidence NaN": (wraps(CODES, unit(confidence=float("nan"))), "bad_confidence"),
    "everything twice": (wraps(CODES, doubles), "repeated_unit"),
    "a prompt that was cut": (right(usage={"prompt_tokens": 2048, "completion_tokens": 90}), "read 2,048 tokens of a prompt of about"),
    # the wire
    "closes at once": (raw(abort=True), "connection"),
    "closes in order": (raw(), "connection"),
    "no status line": (raw(b"hello\r\n\r\n"), "connection"),
    "half a status line": (raw(b"HTTP/1.1 2"), "connection"),
    "a status of letters": (raw(b"HTTP/1.1 OK\r\n\r\n"), "connection"),
    "half a header": (raw(b"HTTP/1.1 200 OK\r\nContent-Le", abort=True), "connection"),
    "a header without end": (raw(b"HTTP/1.1 200 OK\r\nX: " + b"a" * 200_000), "connection"),
    "a length of letters": (raw(b"HTTP/1.1 200 OK\r\nContent-Length: ten\r\n\r\n{}"), "connection"),
    "two lengths": (raw(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 7\r\n\r\n{}"), "connection"),
    "less than promised": (raw(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{}"), "connection"),
    "a bad chunk": (raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n"), "connection"),
    "chunks without end": (wire(chunked), "connection"),
    "two replies": (wire(lambda b: http(200, b) + http(200, b)), "connection"),
    "TLS": (raw(b"\x15\x03\x01\x00\x02\x02\x28"), "connection"),
    "brotli": (packed("br", lambda b: b), "packed as 'br'"),
    "no gzip in it": (packed("gzip", lambda b: b), "cannot be unpacked"),
    "gzip of which half is missing": (packed("gzip", lambda b: gzip.compress(b)[:-40]), "no JSON"),
}  # fmt: skip
"""What a run stops at, and what is said then."""

SLOW = {"hangs": (hangs, "timeout"), "drips": (drips, "timeout")}


def test_more_than_ninety_kinds() -> None:
    assert len(STOPS) + len(SLOW) >= 90


class Run:
    """``pcode annotate`` of a few short traces, in process."""

    def __init__(self, pcode: Any, write_jsonl: Any, folder: Path) -> None:
        self.pcode, self.out = pcode, folder / "run"
        said = "Okay so trace {} begins. Wait, is that so? Let me check it again. Yes, it is four. I am done here."
        self.traces = write_jsonl(
            "traces.jsonl", *({"id": f"t{n}", "reasoning": said.format(n)} for n in range(4))
        )

    def __call__(self, server: OddServer, monkeypatch: pytest.MonkeyPatch, *more: object) -> Any:
        monkeypatch.setenv("OPENAI_API_KEY", KEY)
        how = ("--window", 2, "--concurrency", 4, "--backoff", 0.001, *more)
        result = self.pcode(
            "annotate", self.traces, "-o", self.out, "--model", "openai:m", "--base-url", server.url, *how
        )
        assert isinstance(result.exception, SystemExit | None), result.exception
        assert KEY not in result.output.replace("\n", "")
        for path in self.out.rglob("*"):
            text = path.read_text() if path.is_file() else ""
            assert not [form for form in (KEY, KEY.replace("/", "\\/"), "very%2Fsecret") if form in text], (
                path
            )
        return result


@pytest.fixture
def run(pcode: Any, write_jsonl: Any, tmp_path: Path) -> Run:
    return Run(pcode, write_jsonl, tmp_path)


@pytest.mark.parametrize("kind", COMES)
def test_what_is_only_wrapped_oddly_is_taken(run: Run, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    with OddServer(COMES[kind]) as server:
        result = run(server, monkeypatch)
        assert result.exit_code == 0, result.output
        assert all(coding.codes for coding in CoderRun(run.out).codings())
        asked = len(server.asked)
        # The ledger is read again, and nothing asked.
        assert run(server, monkeypatch, "--retry-missing").exit_code == 0
        assert len(server.asked) == asked


@pytest.mark.parametrize(
    "kind",
    [
        *(pytest.param(kind, marks=pytest.mark.whole if n % 3 else []) for n, kind in enumerate(STOPS)),
        *SLOW,
    ],
)
def test_a_server_of_no_use_stops_the_run_before_much_is_spent(
    run: Run, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    behaviour, words = (STOPS | SLOW)[kind]
    with OddServer(behaviour) as server:
        result = run(server, monkeypatch, "--timeout", 0.3 if kind in SLOW else 20)
        assert result.exit_code == 2, result.output
        assert words in " ".join(result.output.split())
        assert len(server.asked) <= server.by_first + 10
        assert not [c for c in result.output if not c.isprintable() and c != "\n"]
        assert json.loads((run.out / "run.json").read_text())["status"] == "stopped"
        server.behaviour = right()  # nothing was given up for good
        assert run(server, monkeypatch).exit_code == 0
    assert all(coding.codes for coding in CoderRun(run.out).codings())


GEMINI = """You exceeded your current quota, please check your plan and billing details.
* Quota exceeded for metric: generativelanguage.googleapis.com/generate_content_free_tier_requests, limit: 15, model: gemini-2.5-flash
* Quota exceeded for metric: generativelanguage.googleapis.com/generate_content_free_tier_input_token_count, limit: 250000
Please retry in 0.02s."""

PAUSES = {
    "Retry-After in seconds": always(429, error("You exceeded your current quota, see billing details"), "Retry-After: 0.02"),
    "Retry-After in milliseconds": always(429, error("You exceeded your current quota"), "retry-after-ms: 20"),
    "try again in": always(429, error("You exceeded your current quota. Please try again in 20ms. Visit the billing details")),
    "a list, and far behind": always(429, [error(GEMINI, status="RESOURCE_EXHAUSTED")]),
    "retryDelay": always(429, error("You exceeded your current quota", details=[{"retryDelay": "0.02s"}])),
    "a quota a minute": always(429, error("You exceeded your current quota", details=[{"quotaId": "RequestsPerMinutePerModel"}])),
    "insufficient_quota, and a moment": always(429, error("Out of quota", code="insufficient_quota"), "Retry-After: 0.02"),
    "insufficient_quota a minute": always(429, error("Tokens per minute: quota used up, see billing", code="insufficient_quota")),
    "insufficient_quota, DashScope": always(429, error("You exceeded your current quota, see your plan and billing details: /error-code#token-limit", code="insufficient_quota")),
    "quota and billing, Azure": always(429, error("Call rate limit of your billing tier exceeded: quota used up, retry after 1 second", code="429"), "retry-after-ms: 20"),
    "exceeded_current_quota a minute": always(429, error("TPM of your quota and billing plan reached", type="exceeded_current_quota_error")),
    "said with 200": always(200, error("You exceeded your current quota, try again in 0.02s", code=429)),
}  # fmt: skip
"""A quota that is there again in a moment, in words that are said of an empty account too."""


@pytest.mark.parametrize("kind", PAUSES)
def test_a_quota_of_a_minute_is_a_pause_and_no_empty_account(
    run: Run, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    async def twice(said: Asked, writer: asyncio.StreamWriter) -> None:
        await (PAUSES[kind] if said.number <= 2 else right())(said, writer)

    with OddServer(twice) as server:
        result = run(server, monkeypatch)
    assert result.exit_code == 0, result.output
    assert all(coding.codes for coding in CoderRun(run.out).codings())


ENDLESS = {
    "an endless body": "HTTP/1.1 200 OK\r\n\r\n",
    "an endless chunk": "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffff\r\n",
    "an endless error": "HTTP/1.1 500 No\r\nContent-Length: 99999999999\r\n\r\n",
    "a bomb": "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n",
}

WITH_LOGPROBS = """
import asyncio
from pedagogy_r1.chat import ChatFault, ChatFrame, ChatRequest
from pedagogy_r1.chat.openai import chat

async def run():
    frame = ChatFrame("m", "", parameters={"logprobs": True, "max_completion_tokens": 8192})
    model = chat("m", base_url=sys.argv[1], connections=int(sys.argv[2]))
    found = await asyncio.gather(*(model.ask(ChatRequest(frame, "a")) for _ in range(int(sys.argv[2]))), return_exceptions=True)
    odd = [one for one in found if not isinstance(one, ChatFault) or "not read beyond" not in one.message]
    assert not odd, odd
    await model.close()

asyncio.run(run())
"""

DENSE = {
    "empty lists": (b"[", b"[],", b"0]"),
    "objects": (b"[", b'{"a":1},', b"0]"),
    "names": (b"{", b'"a%d":0,', b'"z":0}'),
    "nested": (b"", b"[", b""),
    "texts": (b"[", b'"ab",', b"0]"),
    "halves of characters": (b"[", b'"\\ud800",', b"0]"),
    "fractions": (b"[", b"1.5,", b"0]"),
}
"""JSON that takes up to thirty times its size in memory."""


def dense(size: int) -> Behaviour:
    """All kinds of such bodies, one after the other, each about ``size`` bytes long."""

    async def behave(said: Asked, writer: asyncio.StreamWriter) -> None:
        first, part, last = list(DENSE.values())[said.number % len(DENSE)]
        parts = b"".join(part % n for n in range(size // 12)) if b"%d" in part else part * (size // len(part))
        writer.write(http(200, first + parts + last))

    return behave


ASKS = """
import asyncio
from pedagogy_r1.chat import ChatFault, ChatFrame, ChatRequest
from pedagogy_r1.chat.openai import chat

async def run():
    frame = ChatFrame("m", "", parameters={"logprobs": True})
    model = chat("m", base_url=sys.argv[1], connections=8)

    async def ask():
        try:
            await model.ask(ChatRequest(frame, "a"))
        except ChatFault as fault:
            return fault.kind

    assert {await one for one in asyncio.as_completed([ask() for _ in range(int(sys.argv[2]))])} == {"malformed"}
    await model.close()

asyncio.run(run())
"""

PEAK = r"""
import re, sys
from pathlib import Path
try:
    {}
finally:  # not of getrusage, which begins with the parent's
    print("peak", int(re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())[1]) // 1024, file=sys.stderr)
"""
ANNOTATE = "from pedagogy_r1.cli.main import cli; cli(sys.argv[1:])"


async def endless(said: Asked, writer: asyncio.StreamWriter) -> None:
    """All kinds, one after the other; up to 2 GB each (packed, 128 GB)."""
    plain, bomb = b" " * (1 << 20), zlib.compressobj(9, zlib.DEFLATED, 31)
    kind = list(ENDLESS)[said.number % len(ENDLESS)]
    writer.write(ENDLESS[kind].encode())
    packed_part = b"".join(bomb.compress(plain) for _ in range(64)) if kind == "a bomb" else plain
    for _part in range(2048):
        writer.write(packed_part)
        await writer.drain()


def peak_of(program: str, *words: object) -> tuple[int, int, str]:
    """Status, MB at most, and what was said on stderr."""
    command = [sys.executable, "-c", PEAK.format("\n    ".join(program.strip().splitlines()))]
    done = subprocess.run([*command, *map(str, words)], capture_output=True, text=True, timeout=300)
    return done.returncode, int(re.findall(r"peak (\d+)", done.stderr)[-1]), done.stderr


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="peak memory is read from /proc")
def test_endless_replies_do_not_fill_the_memory(run: Run) -> None:
    with OddServer(endless) as server:
        words = ("annotate", run.traces, "-o", run.out, "--model", "openai:m", "--base-url", server.url)
        how = ("--window", 1, "--concurrency", 64, "--backoff", 0.001)
        status, peak, said = peak_of(ANNOTATE, *words, *how)
    assert status == 2, said
    assert "Traceback" not in said
    assert peak < 600, said
    assert sum(path.stat().st_size for path in run.out.rglob("*")) < 5_000_000


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="peak memory is read from /proc")
def test_bodies_of_many_small_values_do_not_fill_the_memory() -> None:
    """Issue 11: bodies of brackets that end, short enough to be read where log probabilities are wanted."""
    with OddServer(dense(30 << 20)) as server:
        status, peak, said = peak_of(ASKS, server.url, len(DENSE))
    assert (status, "Traceback" in said) == (0, False), said
    assert peak < 600, said


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="peak memory is read from /proc")
def test_endless_log_probabilities_do_not_fill_the_memory() -> None:
    """Each may be 20 MiB long; were they read side by side, that would be 670 MB beside the program."""
    with OddServer(endless) as server:
        status, peak, said = peak_of(WITH_LOGPROBS, server.url, 32)
    assert status == 0, said
    assert peak < 600, said
