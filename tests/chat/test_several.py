"""One model on several real servers: all are asked, one that is not there is left alone, and the limits hold for all together."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from pedagogy_r1.asking import ModelName, gpus_of, open_chat, safe_url
from pedagogy_r1.chat import ChatFault, ChatFrame, ChatReply, ChatRequest, Usage, _several
from pedagogy_r1.chat.openai import SeveralServers
from pedagogy_r1.coding.annotate import annotate
from pedagogy_r1.errors import ArgumentError, ChatError, InputError, PedagogyError
from pedagogy_r1.runs.run import CoderRun

from ..conftest import ROOT
from ..fake_openai import Call, FakeOpenAI, Said

FRAME = ChatFrame("fake", "s", None, {"seed": 1})
MODEL = ModelName("openai", "fake")


def echo(call: Call) -> Said:
    return Said(call.user)


def nobody() -> str:
    """An address where nothing listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}/v1"


def texts(asked: list[str], urls: tuple[str, ...], at_once: int = 8) -> list[ChatReply | BaseException]:
    async def run() -> list[ChatReply | BaseException]:
        chat, places = open_chat(MODEL, base_url=urls, connections=at_once), asyncio.Semaphore(at_once)

        async def one(text: str) -> ChatReply:
            async with places:
                return await chat.ask(ChatRequest(FRAME, text))

        try:
            return await asyncio.gather(*map(one, asked), return_exceptions=True)
        finally:
            await chat.close()

    return asyncio.run(run())


def test_each_request_goes_to_one_server_and_all_have_about_as_many() -> None:
    with FakeOpenAI(answer=echo, latency=0.02) as one, FakeOpenAI(answer=echo, latency=0.02) as other:  # fmt: skip
        asked = [f"t{n}" for n in range(60)]
        replies = texts(asked, (one.url, other.url))
        assert [reply.text for reply in replies if isinstance(reply, ChatReply)] == asked
        counts = [len(one.calls), len(other.calls)]
        assert sum(counts) == 60
        assert min(counts) >= 15


def test_what_a_server_that_is_not_there_would_have_got_goes_to_the_others(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with FakeOpenAI(answer=echo) as server:
        asked = [f"t{n}" for n in range(40)]
        replies = texts(asked, (nobody(), server.url))
        assert [reply.text for reply in replies if isinstance(reply, ChatReply)] == asked
        assert len(server.calls) == 40
    assert len([r for r in caplog.records if "go to the others" in r.message]) == 1
    (said,) = texts(["x"], (nobody(), nobody()))
    assert isinstance(said, ChatFault)
    assert said.unreachable


class Lost:
    """A server whose machine takes no connection, which is only known after a while."""

    url, model, dialect = "http://lost/v1", "fake", dict[str, str]()
    asked = 0

    def adopt(self, dialect: Mapping[str, str]) -> None: ...

    async def ask(self, request: ChatRequest) -> ChatReply:
        self.asked += 1
        await asyncio.sleep(0.05)
        raise ChatFault("connection", f"{self.url} does not take a connection", unreachable=True)

    async def close(self) -> None: ...


class Well(Lost):
    async def ask(self, request: ChatRequest) -> ChatReply:
        await asyncio.sleep(0.05)
        return ChatReply(request.text, "stop", "fake", Usage(), "")


def test_a_server_that_was_left_alone_is_tried_by_one_request() -> None:
    lost = Lost()
    chat = SeveralServers([lost, Well()])

    async def run() -> None:
        await chat.ask(ChatRequest(FRAME, "first"))
        assert lost.asked == 1
        chat._servers[0].until = 0.0
        replies = await asyncio.gather(*(chat.ask(ChatRequest(FRAME, str(n))) for n in range(20)))
        assert [reply.text for reply in replies] == [str(n) for n in range(20)]

    asyncio.run(run())
    assert lost.asked == 2


@pytest.mark.parametrize("fault", ["500", "503", "rate_limited", "not_json", "drop"])
def test_a_server_that_answers_with_errors_at_once_does_not_draw_all_requests(fault: str) -> None:
    with FakeOpenAI(answer=echo, latency=0.02) as well, FakeOpenAI(answer=echo, fault=lambda _: fault) as ill:  # fmt: skip
        replies = texts([f"t{n}" for n in range(60)], (well.url, ill.url))
        assert len(ill.calls) <= 8, "those that were out before the first came back"
        assert sum(isinstance(reply, ChatReply) for reply in replies) == 60 - len(ill.calls)


def test_a_server_that_is_well_again_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_several, "AWAY", 0.05)
    ills = iter([True])
    with FakeOpenAI(answer=echo, latency=0.02) as well, FakeOpenAI(
        answer=echo, latency=0.02, fault=lambda _: "500" if next(ills, False) else None
    ) as other:  # fmt: skip
        texts([f"t{n}" for n in range(200)], (well.url, other.url))
        assert len(other.calls) > 10


def test_a_run_over_two_servers_one_of_which_ends_midway(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pcode: Callable[..., Any]
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    traces, gone = ROOT / "demo" / "traces.jsonl", nobody()
    with FakeOpenAI() as one, FakeOpenAI() as other:
        urls = [f"--base-url={url}" for url in (one.url, gone, other.url)]
        how = ["annotate", traces, "--model", "openai:fake", "--codebook", "schoen@1.0.0", "--window", 3]
        result = pcode(*how, *urls, "-o", tmp_path / "run")
        assert result.exit_code == 0, result.output
        asked = len(one.calls) + len(other.calls)
        assert one.calls
        assert other.calls
        run = CoderRun(tmp_path / "run")
        assert run.manifest.parameters["base_url"] == [one.url, gone, other.url]
        assert not run.manifest.failed
        assert run.manifest.usage["requests"] == asked
        pcode(*how, *urls, "-o", tmp_path / "run")
        assert len(one.calls) + len(other.calls) == asked
    report = pcode("report", tmp_path / "run", "-o", tmp_path / "report")
    assert report.exit_code == 0, report.output
    assert f"base_url {one.url}, {gone}, {other.url}" in (tmp_path / "report" / "report.html").read_text()


def test_requests_a_minute_are_sent_evenly_spaced(tmp_path: Path) -> None:
    traces = ROOT / "demo" / "traces.jsonl"
    with FakeOpenAI() as server:
        how: dict[str, Any] = {"coder": "llm", "model": "openai:fake", "base_url": server.url, "api_key": "k"}
        annotate(traces, tmp_path / "run", requests_per_minute=1200, codebook="schoen@1.0.0", **how)
        came = server.times[3:]  # the first wait for a connection
        assert len(came) > 10
        assert came[-1] - came[0] >= 0.9 * (len(came) - 1) * 60 / 1200
    with pytest.raises(ArgumentError, match="requests a minute"):
        annotate(traces, tmp_path / "no", requests_per_minute=0, codebook="schoen@1.0.0", **how)
    with pytest.raises(ArgumentError, match="--requests-per-minute is not for --batch"):
        annotate(traces, tmp_path / "no", requests_per_minute=60, batch=True, codebook="schoen@1.0.0", **how)
    assert not (tmp_path / "no").exists()


def test_gpus_that_a_process_with_the_model_needs() -> None:
    assert gpus_of(ModelName.read("hf:tiny"), {}) == 1
    assert gpus_of(ModelName.read("hf:tiny"), {"device": "cpu"}) == 0
    assert gpus_of(ModelName.read("vllm:tiny"), {"tensor_parallel_size": "2"}) == 2
    assert gpus_of(MODEL, {}) == 0
    with pytest.raises(ChatError, match="tensor_parallel_size is 'two'"):
        gpus_of(ModelName.read("vllm:tiny"), {"tensor_parallel_size": "two"})


def test_what_is_no_set_of_servers(pcode: Callable[..., Any], tmp_path: Path) -> None:
    assert safe_url(["http://a/v1", "http://a/v1"]) == "http://a/v1"
    assert safe_url(["http://a/v1", "http://b/v1"]) == ("http://a/v1", "http://b/v1")
    with pytest.raises(InputError, match="holds a user name"):
        safe_url(["http://a/v1", "http://me:secret@b/v1"])
    with pytest.raises(InputError, match="batches are of one server"):
        open_chat(MODEL, base_url=("http://a/v1", "http://b/v1"), batch=True)
    with pytest.raises(PedagogyError):
        open_chat(MODEL, base_url=("http://a/v1", "no address"))
    how = ["annotate", ROOT / "demo" / "traces.jsonl", "--model", "openai:fake", "-o", tmp_path / "run"]
    twice = pcode(*how, "--api-key-env", "A", "--api-key-env", "B")
    assert twice.exit_code == 2
    assert "--api-key-env is given 2 times" in twice.output
