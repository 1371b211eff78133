"""``pcode annotate`` as a process that is killed, interrupted and resumed, against a server that fails one time in five."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ..fake_openai import Call, FakeOpenAI, mixed

CONCURRENCY = 8


def write_traces(path: Path, count: int) -> Path:
    with path.open("w") as file:
        for n in range(count):
            said = " ".join(f"Okay, so this is sentence number {i} of trace {n}." for i in range(23))
            file.write(json.dumps({"id": f"t{n}", "question": f"Why {n}?", "reasoning": said}) + "\n")
    return path


def command(traces: Path, run: Path, server: FakeOpenAI) -> list[object]:
    words: list[object] = [
        "annotate",
        traces,
        "-o",
        run,
        "--model",
        "openai:fake",
        "--base-url",
        server.url,
        "--window",
        5,
    ]
    return [*words, "--concurrency", CONCURRENCY, "--timeout", 0.5, "--backoff", 0.02, "--retries", 12]


def wait_for(server: FakeOpenAI, requests: int, process: subprocess.Popen[str]) -> bool:
    """Until the server has got so many requests in all; false if the process ended before."""
    while server.number < requests:
        if process.poll() is not None:
            return False
        time.sleep(0.001)
    return True


def ledger_ids(run: Path) -> set[int]:
    """Numbers of the server's replies that the ledger holds whole."""
    lines = (run / "ledger.jsonl").read_bytes().split(b"\n")[:-1]
    replies = [line for line in map(json.loads, lines) if line["kind"] == "reply"]
    return {int(json.loads(line["raw"])["id"].removeprefix("chatcmpl-")) for line in replies}


@pytest.mark.slow
@pytest.mark.parametrize(("kills", "count"), [(3, 40), pytest.param(10, 90, marks=pytest.mark.whole)])
def test_kills_and_a_fifth_of_faults_change_nothing_and_pay_nothing_twice(
    kills: int,
    count: int,
    tmp_path: Path,
    pcode: Callable[..., Any],
    pcode_process: Callable[..., subprocess.Popen[str]],
) -> None:
    traces, source = write_traces(tmp_path / "traces.jsonl", count), random.Random(7)
    with FakeOpenAI(latency=0.03, hang=2) as server:
        clean = pcode(*command(traces, tmp_path / "clean", server))
        assert clean.exit_code == 0, clean.output
        wanted = (tmp_path / "clean" / "codings.jsonl").read_bytes()
        assert server.number == count * 5

        server.forget()
        server.fault = mixed(0.2, seed=3)
        run, kept = tmp_path / "run", []
        for _ in range(kills):
            process = pcode_process(*command(traces, run, server))
            assert wait_for(server, server.number + source.randint(3, 45), process), (
                process.stderr and process.stderr.read()
            )
            time.sleep(source.random() * 0.03)
            process.send_signal(signal.SIGKILL)
            process.communicate()
            time.sleep(0.1)  # what was in flight runs out at the server
            kept.append((server.number, ledger_ids(run)))
        process = pcode_process(*command(traces, run, server))
        _, errors = process.communicate(timeout=120)
        assert process.returncode == 0, errors

    assert server.violations == []
    assert (run / "codings.jsonl").read_bytes() == wanted
    assert (run / "units.jsonl").read_bytes() == (tmp_path / "clean" / "units.jsonl").read_bytes()
    assert len(kept[-1][1]) > 10 * kills
    assert_nothing_kept_is_asked_again(server, kept)
    twice = sum(count - 1 for count in server.answered.values() if count > 1)
    assert twice <= kills * CONCURRENCY
    assert max(server.answered.values()) <= kills + 1


def assert_nothing_kept_is_asked_again(server: FakeOpenAI, kept: list[tuple[int, set[int]]]) -> None:
    """What the ledger held at a kill never comes to the server again."""
    key_of = {call.number: call.key for call in server.calls}
    for number, ids in kept:
        answered = {key_of[i] for i in ids}
        later = [call for call in server.calls if call.number > number and call.key in answered]
        assert later == []


def test_one_ctrl_c_drains_and_the_same_command_goes_on(
    tmp_path: Path, pcode: Callable[..., Any], pcode_process: Callable[..., subprocess.Popen[str]]
) -> None:
    traces, run = write_traces(tmp_path / "traces.jsonl", 40), tmp_path / "run"
    with FakeOpenAI(latency=0.25) as server:
        process = pcode_process(*command(traces, run, server))
        assert wait_for(server, 30, process)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=30)
        sent = server.number
        assert process.returncode == 130, errors
        assert "same command" in errors
        assert json.loads((run / "run.json").read_text())["status"] == "interrupted"
        assert (
            len(ledger_ids(run)) == sent == sum(server.answered.values())
        )  # all that was in flight came home
        server.latency = 0.0
        assert pcode(*command(traces, run, server)).exit_code == 0
        assert server.number == 40 * 5
        assert max(server.answered.values()) == 1
    assert json.loads((run / "run.json").read_text())["usage"]["requests"] == 200


def test_a_second_ctrl_c_does_not_wait(
    tmp_path: Path, pcode_process: Callable[..., subprocess.Popen[str]]
) -> None:
    def hang_late(call: Call) -> str | None:
        return "hang" if call.number > 10 else None

    traces, run = write_traces(tmp_path / "traces.jsonl", 10), tmp_path / "run"
    with FakeOpenAI(fault=hang_late, hang=60) as server:
        words = command(traces, run, server)
        words[words.index("--timeout") + 1] = 60
        process = pcode_process(*words)
        assert wait_for(server, 18, process)
        process.send_signal(signal.SIGINT)
        time.sleep(0.3)
        assert process.poll() is None
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=10)
        assert process.returncode == 130, errors
        assert len(ledger_ids(run)) == 10
