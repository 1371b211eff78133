"""Chat: bodies read strictly, digests, waiting times, the limiter, backends found by their folder."""

from __future__ import annotations

import asyncio
import json
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest

from pedagogy_r1.asking import Limiter
from pedagogy_r1.chat import Chat, ChatFault, ChatFrame, ChatRequest, Usage, read_completion
from pedagogy_r1.chat._server import retry_after
from pedagogy_r1.chat.openai import chat
from pedagogy_r1.errors import ChatError
from pedagogy_r1.files.ledger import Ledger
from pedagogy_r1.plugins import available, load

from ..fake_openai import FakeOpenAI


def completion(**message: Any) -> dict[str, Any]:
    return {
        "model": "m-1",
        "choices": [{"message": message, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 9, "completion_tokens": 2},
    }


def test_a_completion_is_read_with_what_providers_add() -> None:
    body = completion(content="hi", reasoning_content="hm")
    body["usage"]["prompt_tokens_details"] = {"cached_tokens": 8}
    reply = read_completion(json.dumps(body))
    assert (reply.text, reply.finish, reply.model, reply.reasoning) == ("hi", "stop", "m-1", "hm")
    assert reply.usage == Usage(9, 8, 2)
    assert json.loads(reply.raw) == body
    assert read_completion(json.dumps({"choices": [{"message": {"content": "x"}}]})).usage == Usage()


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ("<html>", "malformed"),
        ("[]", "malformed"),
        ("{}", "malformed"),
        ('{"choices": []}', "malformed"),
        ('{"choices": [{"message": null}]}', "malformed"),
        ('{"choices": [{"message": {"content": [1]}}]}', "malformed"),
        ('{"error": {"message": "overloaded"}}', "server_error"),
        (json.dumps(completion(content=None, refusal="no")), "refusal"),
        ('{"choices": [{"message": {"content": "x"}, "finish_reason": "content_filter"}]}', "refusal"),
        ('{"choices": [{"message": {"content": "x"}, "finish_reason": "length"}]}', "length"),
        ("[" * 100_000, "malformed"),
    ],
)
def test_a_body_of_no_use_is_a_fault_and_is_kept(body: str, kind: str) -> None:
    with pytest.raises(ChatFault) as caught:
        read_completion(body)
    assert caught.value.kind == kind
    assert caught.value.raw == body


def test_equal_requests_have_equal_digests_and_only_they() -> None:
    def digest(
        model: str = "m", system: str = "s", text: str = "t", seed: int = 1, schema: Any = None
    ) -> str:
        return ChatRequest(ChatFrame(model, system, schema, {"seed": seed, "temperature": 0}), text).digest

    assert digest() == digest()
    assert ChatRequest(ChatFrame("m", "s", None, {"temperature": 0, "seed": 1}), "t").digest == digest()
    others = {
        digest(model="n"),
        digest(system="S"),
        digest(text="T"),
        digest(seed=2),
        digest(schema={}),
        digest(system="st", text=""),
    }
    assert len(others | {digest()}) == 7


def test_waiting_times_come_as_seconds_dates_or_milliseconds() -> None:
    assert retry_after(None, None) is None
    assert retry_after(None, "3") == 3
    assert retry_after("250", "3") == 0.25
    assert retry_after(None, "-4") == 0
    assert retry_after(None, "1e9") == 1e9
    assert retry_after(None, "nan") is None
    assert retry_after(None, "soon") is None
    later = format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True)
    assert retry_after(None, later) == pytest.approx(30, abs=1.5)
    assert retry_after(None, "Wed, 21 Oct 2015 07:28:00 GMT") == 0


def test_backends_are_the_files_of_the_folder() -> None:
    assert available("pedagogy_r1.chat") == ["hf", "openai", "replay", "vllm"]
    assert load("pedagogy_r1.chat", "openai") is chat


def test_a_replay_answers_what_it_holds_and_nothing_else(tmp_path: Path) -> None:
    frame = ChatFrame("m", "s")
    known = ChatRequest(frame, "a")
    path = tmp_path / "ledger.jsonl"
    lines = [
        {"kind": "prompt", "digest": frame.digest, "model": "m"},
        {"kind": "fault", "digest": known.digest, "fault": "length"},
        {"kind": "reply", "digest": known.digest, "raw": json.dumps(completion(content="A"))},
    ]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    replay: Chat = load("pedagogy_r1.chat", "replay")(str(path))
    assert replay.model == "m"
    assert asyncio.run(replay.ask(known)).text == "A"
    with pytest.raises(ChatError, match="holds no reply"):
        asyncio.run(replay.ask(ChatRequest(frame, "b")))
    with pytest.raises(ChatError, match="no such file"):
        load("pedagogy_r1.chat", "replay")(str(tmp_path / "none"))


def test_a_ledger_that_was_changed_is_not_replayed(tmp_path: Path) -> None:
    known = ChatRequest(ChatFrame("m", "s"), "a")
    ledger = Ledger(tmp_path / "ledger.jsonl")
    for line in ({"kind": "prompt", "model": "m"}, {"kind": "reply", "digest": known.digest, "raw": "{}"}):
        ledger.append(line)
    ledger.close()
    replay = load("pedagogy_r1.chat", "replay")
    assert replay(str(ledger.path)).model == "m"
    whole = ledger.path.read_text()
    ledger.path.write_text(whole.replace('"{}"', '"[]"'))
    with pytest.raises(ChatError, match=r"ledger.jsonl:2: is not as it was written"):
        replay(str(ledger.path))


@pytest.mark.parametrize(
    "line", ['{"kind": "reply"}', '{"digest": 5, "raw": 7}', '{"kind": "prompt"}', "[]", "{"]
)
def test_what_is_no_ledger_is_not_replayed(line: str, tmp_path: Path) -> None:
    path = tmp_path / "odd.jsonl"
    path.write_text('{"kind": [1]}\n\n' + line + "\n")
    with pytest.raises(ChatError, match=r"odd.jsonl:3: "):
        load("pedagogy_r1.chat", "replay")(str(path))


@pytest.mark.parametrize(
    "base_url", ["http://localhost:8000", "http://localhost:8000/", "http://localhost:8000//"]
)
def test_a_base_url_without_a_path_is_one(base_url: str) -> None:
    made = chat("fake", base_url=base_url)
    assert made._path == "http://localhost:8000/chat/completions"
    asyncio.run(made.close())


@pytest.mark.parametrize(
    "base_url",
    [
        "localhost:8000/v1",
        "http:/localhost/v1",
        "http://localhost:80000/v1",
        "http://h:x/v1",
        "http://h/v1 ",
        "ftp://h/v1",
        "http://[::1/v1",
    ],
)
def test_what_is_no_base_url_is_said_before_anything_is_sent(base_url: str) -> None:
    with pytest.raises(ChatError, match="is no base URL"):
        chat("fake", base_url=base_url)


def test_a_request_that_hangs_ends_in_its_time() -> None:
    with FakeOpenAI(fault=lambda call: "hang", hang=5) as server:
        made = chat("fake", base_url=server.url, timeout=0.2)
        text = '<data 000000000000>\n{"units": []}\n</data 000000000000>'
        schema = {"properties": {"codings": {"items": {"properties": {"primary": {"enum": ["A"]}}}}}}

        async def ask() -> None:
            try:
                await made.ask(ChatRequest(ChatFrame("fake", "s", schema), text))
            finally:
                await made.close()

        with pytest.raises(ChatFault) as caught:
            asyncio.run(ask())
        assert caught.value.kind == "timeout"


def test_no_more_quota_is_not_waited_for() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        body = b'{"error": {"message": "You exceeded your current quota", "code": "insufficient_quota"}}'
        writer.write(
            b"HTTP/1.1 429 Too Many\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s" % (len(body), body)
        )
        await writer.drain()
        writer.close()

    async def ask() -> None:
        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        made = chat("m", base_url=f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1")
        try:
            await made.ask(ChatRequest(ChatFrame("m", "s"), "t"))
        finally:
            await made.close()
            server.close()

    with pytest.raises(ChatError, match="exceeded your current quota"):
        asyncio.run(ask())


def test_the_limiter_halves_once_a_round_and_climbs_back() -> None:
    async def play() -> None:
        limiter = Limiter(32)
        tickets = [await limiter.acquire() for _ in range(32)]
        for ticket in tickets:  # one overloaded round
            limiter.release(ticket, "overload")
        assert limiter.limit == 16
        limiter.release(await limiter.acquire(), "overload")
        assert limiter.limit == 8
        rounds = 0
        while limiter.limit < 32:
            rounds += 1
            for ticket in [await limiter.acquire() for _ in range(int(limiter.limit))]:
                limiter.release(ticket, "ok")
        assert 8 <= rounds <= 24  # additive: about two places a round
        for _ in range(20):
            limiter.release(await limiter.acquire(), "overload")
        assert limiter.limit == 1
        assert limiter.in_flight == 0

    asyncio.run(play())


def test_the_limiter_serves_the_first_trace_first_and_survives_cancelling() -> None:
    async def play() -> None:
        limiter = Limiter(1)
        ticket = await limiter.acquire()
        order: list[int] = []

        async def wait(priority: int) -> None:
            mine = await limiter.acquire(priority)
            order.append(priority)
            limiter.release(mine)

        tasks = [asyncio.create_task(wait(priority)) for priority in (5, 1, 3, 2)]
        await asyncio.sleep(0)
        tasks[2].cancel()
        limiter.release(ticket)
        await asyncio.gather(*tasks, return_exceptions=True)
        assert order == [1, 2, 5]
        assert limiter.in_flight == 0
        ticket = await limiter.acquire()
        late = asyncio.create_task(wait(1))
        await asyncio.sleep(0)
        limiter.release(ticket)  # admits it …
        late.cancel()  # … and at the same moment it is cancelled
        await asyncio.gather(late, return_exceptions=True)
        await asyncio.wait_for(wait(7), 60)

    asyncio.run(play())


def test_a_pause_holds_everybody() -> None:
    async def play() -> None:
        limiter = Limiter(4)
        limiter.pause(0.15)
        began = time.monotonic()
        await asyncio.gather(*(limiter.acquire() for _ in range(4)))
        assert time.monotonic() - began >= 0.14  # a lower bound: a busy machine can only wait longer

    asyncio.run(play())
