"""``--batch`` against a server with a batch endpoint: what an online run gives, nothing sent twice, whenever it is killed."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pedagogy_r1.wbeb.item import write_items

from ..batch_server import BatchServer, Sent
from ..fake_openai import BLOCK, Call, FakeOpenAI, Said
from ..wbeb_items import all_domains, thinker

MOMENTS = [
    "POST /files",
    "stored file",
    "POST /batches",
    "made batch",
    "GET /batches/*",
    "GET /files/*/content",
]


def write_traces(path: Path, count: int, sentences: int = 12) -> Path:
    with path.open("w") as file:
        for n in range(count):
            said = " ".join(f"Okay, so this is sentence number {i} of trace {n}." for i in range(sentences))
            file.write(json.dumps({"id": f"t{n}", "question": f"Why {n}?", "reasoning": said}) + "\n")
    return path


def command(traces: Path, run: Path, server: BatchServer, *more: object) -> list[object]:
    asked = ["--model", "openai:fake", "--base-url", server.url, "--window", 5, "--backoff", 0.01]
    return ["annotate", traces, "-o", run, *asked, *more]


def codings(run: Path) -> bytes:
    return (run / "codings.jsonl").read_bytes()


def record(run: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((run / "run.json").read_text())
    return found


def first_of(units: int, fault: str) -> Callable[[Call], str | None]:
    """A fault of the first attempt at every window of so many units."""
    return lambda call: fault if len(call.units) == units and call.attempt == 1 and not call.critic else None


def test_a_batch_run_is_an_online_run_and_either_goes_on_where_the_other_was(
    tmp_path: Path, pcode: Callable[..., Any]
) -> None:
    traces = write_traces(tmp_path / "traces.jsonl", 6)
    with BatchServer(FakeOpenAI(fault=first_of(5, "bad_quote"))) as server:
        batch = pcode(*command(traces, tmp_path / "batch", server, "--batch", "--critic"))
        assert batch.exit_code == 0, batch.output
        assert server.online == 0
        # all windows, then 12 units that are asked alone and the critics of 6 windows that held, then the other critics
        assert [b["request_counts"]["total"] for b in server.made.values()] == [18, 18, 12]
        assert max(server.executed.values()) == 1

        server.fake.forget()
        online = pcode(*command(traces, tmp_path / "online", server, "--critic"))
        assert online.exit_code == 0, online.output
        assert codings(tmp_path / "batch") == codings(tmp_path / "online")
        asked = {run: record(tmp_path / run)["usage"] for run in ("batch", "online")}
        assert asked["batch"]["requests"] == asked["online"]["requests"] == 48

        again = tmp_path / "again"
        again.mkdir()
        (again / "ledger.jsonl").write_bytes((tmp_path / "batch" / "ledger.jsonl").read_bytes())
        assert pcode(*command(traces, again, server, "--critic")).exit_code == 0
        assert (server.online, len(server.made)) == (48, 3)
        assert codings(again) == codings(tmp_path / "online")
    assert pcode("verify", tmp_path / "batch").exit_code == 0


@pytest.mark.parametrize(
    ("moment", "nth"),
    [
        pytest.param(moment, nth, marks=[] if nth == 1 and place % 2 else [pytest.mark.whole])
        for nth in (1, 2)
        for place, moment in enumerate(MOMENTS)
    ],
)
def test_killed_at_any_moment_nothing_is_sent_twice(
    moment: str, nth: int, tmp_path: Path, pcode: Callable[..., Any], pcode_process: Callable[..., Any]
) -> None:
    assert_killed_and_resumed(moment, nth, tmp_path, pcode, pcode_process)


def test_killed_while_a_file_comes_that_was_cut_nothing_is_sent_twice(
    tmp_path: Path, pcode: Callable[..., Any], pcode_process: Callable[..., Any]
) -> None:
    fetched: list[str] = []

    def cut(id: str, content: bytes) -> Sent:
        """Cut in a line, where a line ends, and as the connection breaks off; whole from the fourth time on, when it has been killed."""
        fetched.append(id)
        half = content[: len(content) // 2]
        spoilt = [Sent(half), Sent(half[: half.rindex(b"\n") + 1]), Sent(content, only=len(half))]
        return spoilt[len(fetched) - 1] if len(fetched) <= len(spoilt) else Sent(content)

    assert_killed_and_resumed("GET /files/*/content", 3, tmp_path, pcode, pcode_process, cut)
    assert len(fetched) > 4


def assert_killed_and_resumed(
    moment: str,
    nth: int,
    tmp_path: Path,
    pcode: Callable[..., Any],
    pcode_process: Callable[..., Any],
    sends: Callable[[str, bytes], Sent] | None = None,
) -> None:
    traces = write_traces(tmp_path / "traces.jsonl", 4)
    seen: list[str] = []
    process: subprocess.Popen[str] | None = None

    def kill(event: str) -> None:
        seen.append(event)
        if process is not None and event == moment and seen.count(moment) == nth:
            process.send_signal(signal.SIGKILL)
            process.wait()

    with BatchServer(FakeOpenAI(fault=first_of(5, "bad_quote")), at=kill) as server:
        server.sends = sends or server.sends
        process = pcode_process(*command(traces, tmp_path / "run", server, "--batch"))
        process.communicate(timeout=120)
        assert process.returncode == -signal.SIGKILL, moment
        process = None
        again = pcode(*command(traces, tmp_path / "run", server, "--batch"))
        assert again.exit_code == 0, again.output
        assert set(server.executed.values()) == {1}
        assert len(server.executed) == 4 * 3 + 4 * 2
        keys = [batch["metadata"]["pcode"] for batch in server.made.values()]
        assert len(set(keys)) == len(keys) == 2
        assert not (tmp_path / "run" / "batches").exists()

        server.fake.forget()
        assert pcode(*command(traces, tmp_path / "online", server)).exit_code == 0
    assert codings(tmp_path / "run") == codings(tmp_path / "online")


def test_ctrl_c_leaves_the_batch_and_the_same_command_collects(
    tmp_path: Path, pcode: Callable[..., Any], pcode_process: Callable[..., subprocess.Popen[str]]
) -> None:
    traces, run = write_traces(tmp_path / "traces.jsonl", 4), tmp_path / "run"
    looked: list[str] = []
    with BatchServer(FakeOpenAI(), work=3600, at=looked.append) as server:
        process = pcode_process(*command(traces, run, server, "--batch"))
        while looked.count("GET /batches/*") < 2:
            assert process.poll() is None, process.communicate()
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
        assert process.returncode == 130, errors
        assert "12 of the requests are out in 1 batches" in errors
        assert "the same command collects them" in errors

        alone = pcode(*command(traces, run, server))
        assert alone.exit_code == 2, alone.output
        assert "12 requests" in alone.stderr
        assert "--batch" in alone.stderr
        server._ends.update(dict.fromkeys(server._ends, 0.0))
        assert pcode(*command(traces, run, server, "--batch")).exit_code == 0
    assert len(server.made) == 1
    assert server.online == 0


def test_what_expired_or_failed_is_asked_again_and_what_never_comes_is_missing(
    tmp_path: Path, pcode: Callable[..., Any]
) -> None:
    def fault(call: Call) -> str | None:
        if "trace 3" in call.units[0]:
            return "refusal"
        return "500" if call.number == 2 else None

    traces = write_traces(tmp_path / "traces.jsonl", 4)
    with BatchServer(FakeOpenAI(fault=fault), expires=lambda number: number == 1) as server:
        server.refuse = {"POST /batches": [(429, "slow down"), (503, "busy")], "POST /files": [(500, "oh")]}
        result = pcode(*command(traces, tmp_path / "run", server, "--batch", "--retries", 1))
        assert result.exit_code == 1, result.output
    found = record(tmp_path / "run")
    assert found["status"] == "complete"
    assert (found["counts"]["units"], found["counts"]["missing"]) == (48, {"refusal": 12})
    assert found["usage"]["faults"]["timeout"] == 6
    assert found["usage"]["faults"]["server_error"] == 1


def test_a_queue_that_is_full_makes_batches_smaller(tmp_path: Path, pcode: Callable[..., Any]) -> None:
    traces = write_traces(tmp_path / "traces.jsonl", 4)
    with BatchServer(FakeOpenAI(), queue=5) as server:
        result = pcode(*command(traces, tmp_path / "run", server, "--batch"))
        assert result.exit_code == 0, result.output
        done = [b["request_counts"]["total"] for b in server.made.values() if b["status"] == "completed"]
    assert sum(done) == 12
    assert max(done) <= 5
    assert set(server.executed.values()) == {1}


def test_a_server_that_takes_no_schema_is_asked_in_another_form(
    tmp_path: Path, pcode: Callable[..., Any]
) -> None:
    def answer(call: Call) -> Said:
        units = json.loads(BLOCK.findall(call.user)[0][1])["units"]
        said = [
            {
                "unit": u["unit"],
                "evidence": u["text"],
                "rationale": "r",
                "primary": "KA-RO",
                "secondary": None,
            }
            for u in units
        ]
        return Said(json.dumps({"codings": [one | {"confidence": 0.5} for one in said]}))

    traces = write_traces(tmp_path / "traces.jsonl", 1)
    with BatchServer(FakeOpenAI(answer=answer), schemas=False) as server:
        result = pcode(*command(traces, tmp_path / "run", server, "--batch"))
        assert result.exit_code == 0, result.output
        assert len(server.made) == 4  # enforced, beside json_object, in the prompt, alone in the prompt
    assert record(tmp_path / "run")["usage"]["server"]["schema"] == "ask"


def test_a_server_without_batches_and_a_backend_without_them_say_so(
    tmp_path: Path, pcode: Callable[..., Any]
) -> None:
    traces = write_traces(tmp_path / "traces.jsonl", 1)
    with BatchServer(FakeOpenAI(), batches=False) as server:
        result = pcode(*command(traces, tmp_path / "run", server, "--batch"))
        assert result.exit_code == 2
        assert "has no batch endpoint" in result.stderr
        assert "leave out --batch" in result.stderr
        assert pcode(*command(traces, tmp_path / "run", server, "--batch")).exit_code == 2
        # nothing came to be, so that nothing is out
        assert pcode(*command(traces, tmp_path / "run", server)).exit_code == 0
    local = pcode("annotate", traces, "-o", tmp_path / "b", "--model", "replay:x.jsonl", "--batch")
    assert "replay has no batches" in local.stderr


def test_a_dry_run_says_how_many_batches(tmp_path: Path, pcode: Callable[..., Any]) -> None:
    traces = write_traces(tmp_path / "traces.jsonl", 3)
    with BatchServer(FakeOpenAI()) as server:
        plan = json.loads(
            pcode(*command(traces, tmp_path / "run", server, "--batch", "--dry-run", "--json")).stdout
        )
        assert plan["batches"] == 1
        assert pcode(*command(traces, tmp_path / "run", server, "--batch")).exit_code == 0
        assert plan["batch_bytes"] == sum(file["bytes"] for file in server.files.values())


@pytest.mark.parametrize("what", ["eval", "distill", "thoughts"])
def test_whatever_asks_a_server_may_ask_in_batches(
    what: str, tmp_path: Path, pcode: Callable[..., Any], write_jsonl: Callable[..., Path]
) -> None:
    items = tmp_path / "items.jsonl"
    write_items(items, [*all_domains(2), *all_domains(2, split="train")])
    said = "Let me see, 1 + 1 is 2 .\n\nAlternatively, I could count them .\n\nWait, that is right ."
    traces = write_jsonl(
        "traces.jsonl", {"id": "t1", "question": "Why?", "reasoning": said, "correct": False}
    )
    words: list[object] = {
        "eval": ["wbeb", "eval", "openai:fake", items, "--replicates", 0],
        "distill": ["distill", items, "--model", "openai:fake", "--n", 10],
        "thoughts": ["thoughts", traces, "--segmenter", "openai:fake"],
    }[what]
    result = {"eval": "traces.jsonl", "distill": "traces.jsonl", "thoughts": "thoughts.jsonl"}[what]

    class Thinker(FakeOpenAI):
        def _reply(self, call: Call) -> dict[str, Any]:
            rows = [{"piece": p["piece"], "reason": "r", "genuine": True} for p in call.data["pieces"]]
            return self._said(call, Said(json.dumps({"pieces": rows}), tokens=10))

    with BatchServer(Thinker(answer=thinker)) as server:

        def run(out: str, *more: object) -> Any:
            return pcode(*words, "-o", tmp_path / out, "--base-url", server.url, "--backoff", 0.01, *more)

        plan = run("plan", "--batch", "--dry-run", "--json")
        assert '"batches": 1' in plan.stdout, plan.output
        assert run("batch", "--batch").exit_code == 0
        assert (len(server.made), server.online) == (1, 0)
        assert run("online").exit_code == 0
    assert server.online == len(server.executed)
    assert (tmp_path / "batch" / result).read_bytes() == (tmp_path / "online" / result).read_bytes()
