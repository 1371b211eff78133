"""Requests go over aiohttp; the openai package says what they should look like. It sends what we send, reads what our test servers answer,
and takes the test server's batch endpoint for the real one."""

from __future__ import annotations

import io
import json
import time
from pathlib import Path
from typing import Any

import pytest

from pedagogy_r1.coding.annotate import annotate

from ..batch_server import BatchServer
from ..conftest import ROOT
from ..fake_openai import FakeOpenAI

openai = pytest.importorskip("openai")


@pytest.fixture
def few(tmp_path: Path) -> Path:
    """Two short traces."""
    lines = (ROOT / "demo" / "traces.jsonl").read_text().splitlines()[:2]
    (tmp_path / "few.jsonl").write_text("\n".join(lines) + "\n")
    return tmp_path / "few.jsonl"


@pytest.fixture
def ours(few: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """The bodies of the requests that ``annotate`` sends."""
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    with FakeOpenAI() as server:
        how = {"coder": "llm", "model": "openai:fake", "base_url": server.url, "codebook": "schoen@1.0.0"}
        annotate(few, tmp_path / "run", **how)
        return [call.body for call in server.calls]


def test_it_sends_the_body_that_we_send_and_reads_the_reply(ours: list[dict[str, Any]]) -> None:
    with FakeOpenAI() as server, openai.OpenAI(base_url=server.url, api_key="none") as client:
        replies = [client.chat.completions.create(**body) for body in ours]
        assert [call.body for call in server.calls] == ours
    assert all(json.loads(reply.choices[0].message.content) for reply in replies)


def test_it_takes_the_batch_servers_endpoint_for_the_real_one(ours: list[dict[str, Any]]) -> None:
    lines = [
        json.dumps({"custom_id": f"c{n}", "method": "POST", "url": "/v1/chat/completions", "body": body})
        for n, body in enumerate(ours)
    ]
    file = ("a.jsonl", io.BytesIO("\n".join(lines).encode()))
    with (
        BatchServer(FakeOpenAI()) as server,
        openai.OpenAI(base_url=server.url, api_key="none") as client,
    ):
        sent = client.files.create(file=file, purpose="batch")
        made = client.batches.create(
            input_file_id=sent.id,
            endpoint="/v1/chat/completions",
            completion_window="24h",
            metadata={"k": "v"},
        )
        until = time.monotonic() + 60
        while (found := client.batches.retrieve(made.id)).status != "completed" and time.monotonic() < until:
            time.sleep(0.05)
        assert (found.status, found.metadata) == ("completed", {"k": "v"})
        assert [one.id for one in client.batches.list()] == [made.id]
        assert (found.request_counts.total, found.request_counts.failed) == (len(ours), 0)
        output = client.files.content(found.output_file_id).text.splitlines()
    assert sorted(json.loads(line)["custom_id"] for line in output) == sorted(
        f"c{n}" for n in range(len(ours))
    )
