"""A batch that is over, and of which something else comes than its replies: it is fetched again, and nothing is paid twice."""

from __future__ import annotations

import json
import shutil
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ..batch_server import BatchServer, Sent
from ..fake_openai import FakeOpenAI
from .test_batches import codings, command, record, write_traces

PAGE = b"<!DOCTYPE html>\n<html><body>Please log in</body></html>\n"
REQUESTS = 12
"""Of four traces of twelve sentences, five at a time."""


def each(change: Callable[[dict[str, Any]], Any]) -> Callable[[bytes], Sent]:
    """Every line of a file changed."""
    return lambda content: Sent(
        b"".join(json.dumps(change(json.loads(line))).encode() + b"\n" for line in content.splitlines())
    )


def first(change: Callable[[bytes], bytes]) -> Callable[[bytes], Sent]:
    """The first line of a file changed."""
    return lambda content: Sent(change(content.splitlines()[0]) + content[content.index(b"\n") :])


SPOILT: dict[str, tuple[Callable[[bytes], Sent], str]] = {
    "breaks off": (lambda content: Sent(content, only=len(content) // 2), "broke off after"),
    "half a line": (lambda content: Sent(content[: len(content) // 2]), "or only half of one"),
    "a line less": (lambda content: Sent(content[: content.rindex(b"\n", 0, -1) + 1]), "11 of 12 lines"),
    "gone": (lambda content: Sent(b"{}", 410), "answered 410"),
    "not there": (lambda content: Sent(b'{"error": {"message": "No such File"}}', 404), "No such File"),
    "empty": (lambda content: Sent(b""), "is empty"),
    "blank": (lambda content: Sent(b"\n \n\n"), "is empty"),
    "a page": (lambda content: Sent(PAGE), "<!DOCTYPE html>"),
    "lists": (lambda content: Sent(b'["custom_id"]\n' * 12), "line 1 is no JSON object"),
    "of others": (each(lambda line: line | {"custom_id": "f" * 32}), "12 are of requests that are not in it"),
    "without an id": (each(lambda line: line | {"custom_id": ""}), "line 1 has no custom_id ('')"),
    "ids of a number": (each(lambda line: line | {"custom_id": 7}), "line 1 has no custom_id ('7')"),
    "no answer": (each(lambda line: line | {"response": None}), "has neither a response nor an error"),
    "no body": (each(lambda line: line | {"response": {"status_code": 200, "body": None}}), "neither a response"),
    "a status in words": (each(lambda line: line | {"response": {"status_code": "200", "body": {}}}), "neither a"),
    "bytes in an id": (first(lambda line: line.replace(b'"custom_id": "', b'"custom_id": "\xff')), "11 of 12 lines"),
    "nested": (lambda content: Sent(b"[" * 200_000 + b"\n"), "is no JSON object"),
}  # fmt: skip


OFTEN = {"breaks off", "half a line", "a line less", "gone", "empty", "a page", "of others"}


@pytest.mark.parametrize(
    "how",
    [pytest.param(how, marks=[] if how in OFTEN else [pytest.mark.whole]) for how in SPOILT],
)
def test_a_file_that_is_not_right_is_fetched_again_and_never_paid_again(
    how: str, tmp_path: Path, pcode: Callable[..., Any]
) -> None:
    spoil, said = SPOILT[how]
    traces, run = write_traces(tmp_path / "traces.jsonl", 4), tmp_path / "run"
    fetched: Counter[str] = Counter()

    def sends(id: str, content: bytes) -> Sent:
        fetched[id] += 1
        return spoil(content)

    with BatchServer(FakeOpenAI()) as server:
        server.sends = sends
        stopped = pcode(*command(traces, run, server, "--batch"))
        assert stopped.exit_code == 2, stopped.output
        assert "batch batch_1 is completed at the server" in stopped.stderr
        assert said in " ".join(stopped.stderr.split()), stopped.stderr
        assert "Nothing was sent again" in stopped.stderr
        assert "the same command fetches them again" in stopped.stderr
        assert (len(server.made), len(server.files), server.online) == (1, 1, 0)
        assert fetched.total() == 8
        alone = pcode(*command(traces, run, server))
        assert "--batch" in alone.stderr

        server.sends = lambda id, content: Sent(content)
        again = pcode(*command(traces, run, server, "--batch"))
        assert again.exit_code == 0, again.output
        assert (len(server.made), server.online) == (1, 0)
        assert set(server.executed.values()) == {1}
        assert len(server.executed) == REQUESTS
        server.fake.forget()
        assert pcode(*command(traces, tmp_path / "online", server)).exit_code == 0
    assert codings(run) == codings(tmp_path / "online")
    assert not (run / "batches").exists()


@pytest.mark.parametrize("how", ["breaks off", "a line less", "gone", "a page"])
def test_a_file_that_is_right_after_a_while_is_waited_for(
    how: str, tmp_path: Path, pcode: Callable[..., Any]
) -> None:
    traces, run = write_traces(tmp_path / "traces.jsonl", 4), tmp_path / "run"
    fetched: list[str] = []

    def sends(id: str, content: bytes) -> Sent:
        fetched.append(id)
        return SPOILT[how][0](content) if len(fetched) < 4 else Sent(content)

    with BatchServer(FakeOpenAI()) as server:
        server.sends = sends
        done = pcode(*command(traces, run, server, "--batch"))
        assert done.exit_code == 0, done.output
        assert (len(server.made), len(fetched)) == (1, 4)
    assert record(run)["usage"].get("faults", {}) == {}


def test_what_came_of_a_cut_file_is_kept_and_only_the_rest_is_paid_by_whoever_gives_it_up(
    tmp_path: Path, pcode: Callable[..., Any]
) -> None:
    traces, run = write_traces(tmp_path / "traces.jsonl", 4), tmp_path / "run"
    with BatchServer(FakeOpenAI()) as server:
        server.sends = lambda id, content: SPOILT["a line less"][0](content)
        stopped = pcode(*command(traces, run, server, "--batch"))
        assert "the replies to 1 request of it did not come" in " ".join(stopped.stderr.split())
        assert f"delete {run / 'batches.jsonl'}" in " ".join(stopped.stderr.split()).replace("- ", "-")
        (run / "batches.jsonl").unlink()
        assert pcode(*command(traces, run, server)).exit_code == 0
    assert (len(server.made), server.online) == (1, 1)


def test_a_line_that_is_not_utf_8_is_fetched_again_and_then_taken_as_replies_are_that_come_alone(
    tmp_path: Path, pcode: Callable[..., Any], caplog: pytest.LogCaptureFixture
) -> None:
    traces, run = write_traces(tmp_path / "traces.jsonl", 4), tmp_path / "run"
    spoil = first(lambda line: line.replace(b'"request_id": "r"', b'"request_id": "\xe9"'))
    fetched: list[str] = []

    def sends(id: str, content: bytes) -> Sent:
        fetched.append(id)
        return spoil(content)

    with BatchServer(FakeOpenAI()) as server:
        server.sends = sends
        done = pcode(*command(traces, run, server, "--batch"))
        assert done.exit_code == 0, done.output
        assert "what is not UTF-8 is U+FFFD" in caplog.text
        assert (len(server.made), len(fetched)) == (1, 8)


def test_lines_twice_of_others_and_behind_a_mark_of_utf_8_do_no_harm(
    tmp_path: Path, pcode: Callable[..., Any], caplog: pytest.LogCaptureFixture
) -> None:
    traces, run = write_traces(tmp_path / "traces.jsonl", 4), tmp_path / "run"

    def spoil(content: bytes) -> Sent:
        lines = content.splitlines(keepends=True)
        one = json.loads(lines[0])
        failed = one | {"response": None, "error": {"code": "x", "message": "y"}}
        other = one | {"response": {"status_code": 200, "body": {"choices": []}}}
        strange = one | {"custom_id": "f" * 32}
        before, behind = [json.dumps(row).encode() + b"\n" for row in (failed, strange)], json.dumps(other)
        return Sent(b"\xef\xbb\xbf" + b"".join([*before, *lines, lines[1], behind.encode(), b"\n{not JSON"]))

    with BatchServer(FakeOpenAI()) as server:
        server.sends = lambda id, content: spoil(content)
        done = pcode(*command(traces, run, server, "--batch"))
        assert done.exit_code == 0, done.output
        assert "lines of requests that are not in it: 1, left out" in caplog.text
        assert "say something else of a request than another one: 2" in caplog.text
        assert len(server.made) == 1
        server.fake.forget()
        assert pcode(*command(traces, tmp_path / "online", server)).exit_code == 0
    assert codings(run) == codings(tmp_path / "online")


COUNTS: dict[str, Any] = {
    "absent": None,
    "in words": {"total": "12", "completed": "twelve", "failed": ""},
    "negative": {"total": 12, "completed": 13, "failed": -1},
    "a list": [12, 12, 0],
    "true": {"total": 12, "completed": True, "failed": False},
    "nothing": {"total": 0, "completed": 0, "failed": 0},
    "too many": {"total": 12, "completed": 12, "failed": 12},
}


@pytest.mark.parametrize("counts", COUNTS)
def test_counts_that_are_none_pay_nothing_twice(
    counts: str, tmp_path: Path, pcode: Callable[..., Any]
) -> None:
    traces, run = write_traces(tmp_path / "traces.jsonl", 4), tmp_path / "run"
    with BatchServer(FakeOpenAI()) as server:
        server.shows = lambda batch: batch | {"request_counts": COUNTS[counts]}
        server.sends = lambda id, content: SPOILT["a line less"][0](content)
        stopped = pcode(*command(traces, run, server, "--batch"))
        assert (stopped.exit_code, len(server.made)) == (2, 1), stopped.output
        assert "Nothing was sent again" in stopped.stderr
        server.sends = lambda id, content: Sent(content)
        assert pcode(*command(traces, run, server, "--batch")).exit_code == 0
        assert len(server.made) == 1


def failing(*numbers: int) -> FakeOpenAI:
    """The server's own error at the first attempt of some windows."""
    return FakeOpenAI(fault=lambda call: "500" if call.number in numbers and call.attempt == 1 else None)


@pytest.mark.parametrize("error_file", [None, Sent(b"", 404), Sent(PAGE)], ids=["unnamed", "gone", "a page"])
def test_what_the_server_counts_as_failed_is_asked_again_though_no_line_says_why(
    error_file: Sent | None, tmp_path: Path, pcode: Callable[..., Any], caplog: pytest.LogCaptureFixture
) -> None:
    traces, run = write_traces(tmp_path / "traces.jsonl", 4), tmp_path / "run"
    with BatchServer(failing(2, 5)) as server:
        if error_file is None:
            server.shows = lambda batch: batch | {"error_file_id": None}
        else:
            server.sends = lambda id, content: error_file if "error" in id else Sent(content)
        done = pcode(*command(traces, run, server, "--batch"))
        assert done.exit_code == 0, done.output
        assert "counts as failed, or not done, and of which no line says why: 2" in caplog.text
        totals = [batch["request_counts"]["total"] for batch in server.made.values()]
        assert totals == [REQUESTS, 2]
    assert record(run)["usage"]["faults"] == {"server_error": 2}


def test_an_error_file_that_is_gone_explains_no_reply_that_is_missing(
    tmp_path: Path, pcode: Callable[..., Any]
) -> None:
    traces, run = write_traces(tmp_path / "traces.jsonl", 4), tmp_path / "run"
    with BatchServer(failing(2, 5)) as server:
        server.sends = lambda id, content: (
            Sent(b"", 404) if "error" in id else SPOILT["a line less"][0](content)
        )
        stopped = pcode(*command(traces, run, server, "--batch"))
        assert (stopped.exit_code, len(server.made)) == (2, 1), stopped.output
        assert "the replies to 3 requests of it did not come" in " ".join(stopped.stderr.split())
        assert "the server counts 10 answered" in " ".join(stopped.stderr.split())


def test_an_output_file_that_is_named_late_is_waited_for_and_one_that_never_is_stops_the_run(
    tmp_path: Path, pcode: Callable[..., Any]
) -> None:
    traces, run = write_traces(tmp_path / "traces.jsonl", 4), tmp_path / "run"
    looked: list[str] = []

    def late(batch: dict[str, Any]) -> dict[str, Any]:
        looked.append(batch["status"])
        return batch | ({"output_file_id": None} if looked.count("completed") < 3 else {})

    with BatchServer(FakeOpenAI()) as server:
        server.shows = lambda batch: batch | {"output_file_id": {"id": 5}}
        stopped = pcode(*command(traces, run, server, "--batch"))
        assert (stopped.exit_code, len(server.made)) == (2, 1), stopped.output
        assert "it has neither an output file nor an error file" in " ".join(stopped.stderr.split())
        server.shows = late
        assert pcode(*command(traces, run, server, "--batch")).exit_code == 0
        assert len(server.made) == 1


def test_all_failed_is_no_missing_file_and_the_tries_are_bounded(
    tmp_path: Path, pcode: Callable[..., Any]
) -> None:
    traces, run = write_traces(tmp_path / "traces.jsonl", 2), tmp_path / "run"
    with BatchServer(FakeOpenAI(fault=lambda call: "500")) as server:
        done = pcode(*command(traces, run, server, "--batch", "--retries", 1))
        assert done.exit_code == 2, done.output
        assert len(server.made) == 3  # as many as stop any run whose first requests bring nothing
        assert all(batch["output_file_id"] is None for batch in server.made.values())


@pytest.mark.parametrize("whole", [True, False])
def test_of_an_expired_batch_only_what_the_server_counts_as_undone_is_asked_again(
    whole: bool, tmp_path: Path, pcode: Callable[..., Any]
) -> None:
    traces, run = write_traces(tmp_path / "traces.jsonl", 4), tmp_path / "run"
    with BatchServer(FakeOpenAI(), expires=lambda number: number == 1) as server:
        server.shows = lambda batch: (
            batch
            | (
                {
                    "error_file_id": None,
                    "request_counts": {"total": 12, "completed": 6, "failed": 0},
                }
                if batch["status"] == "expired"
                else {}
            )
        )
        if not whole:
            server.sends = lambda id, content: SPOILT["a line less"][0](content)
        done = pcode(*command(traces, run, server, "--batch"))
        made = [batch["request_counts"]["total"] for batch in server.made.values()]
        assert (done.exit_code, made) == ((0, [12, 6]) if whole else (2, [12])), done.output
        assert set(server.executed.values()) == {1}


@pytest.mark.parametrize("status", ["frobnicating", None, ["completed"], 3])
def test_a_status_that_nobody_knows_is_named_and_the_batch_stays_out(
    status: Any, tmp_path: Path, pcode: Callable[..., Any]
) -> None:
    traces, run = write_traces(tmp_path / "traces.jsonl", 4), tmp_path / "run"
    with BatchServer(FakeOpenAI()) as server:
        server.shows = lambda batch: batch | {"status": status}
        stopped = pcode(*command(traces, run, server, "--batch"))
        assert (stopped.exit_code, len(server.made)) == (2, 1), stopped.output
        assert "batch batch_1 has the status" in " ".join(stopped.stderr.split())
        assert str(status).strip("[]'") in stopped.stderr
        server.shows = lambda batch: batch
        assert pcode(*command(traces, run, server, "--batch")).exit_code == 0
    assert len(server.made) == 1


def test_a_batch_that_never_ends_says_how_to_leave_it_and_after_two_days_so_does_the_run(
    tmp_path: Path, pcode: Callable[..., Any], pcode_process: Callable[..., Any]
) -> None:
    traces, run = write_traces(tmp_path / "traces.jsonl", 4), tmp_path / "run"
    with BatchServer(FakeOpenAI()) as server:
        server.shows = lambda batch: batch | {"status": "validating"}
        process = pcode_process(*command(traces, run, server, "--batch"))
        while "submitted" not in (_text(run / "batches.jsonl")):
            assert process.poll() is None, process.communicate()
            time.sleep(0.01)
        time.sleep(0.5)
        process.terminate()
        _, errors = process.communicate(timeout=60)
        assert "validating, 0 done" in errors
        assert "Ctrl-C leaves it at the server" in errors

        lines = [json.loads(line) for line in _text(run / "batches.jsonl").splitlines()]
        earlier = [line | ({"at": line["at"] - 50 * 3600} if "at" in line else {}) for line in lines]
        (run / "batches.jsonl").write_text("".join(json.dumps(line) + "\n" for line in earlier))
        stopped = pcode(*command(traces, run, server, "--batch"))
        assert (stopped.exit_code, len(server.made)) == (2, 1), stopped.output
        said = " ".join(stopped.stderr.split())
        assert "batch batch_1 is still 'validating', 50 hours after it was made" in said
        assert "the same command looks again" in said
        server.shows = lambda batch: batch
        assert pcode(*command(traces, run, server, "--batch")).exit_code == 0
    assert len(server.made) == 1


def _text(path: Path) -> str:
    return path.read_text() if path.is_file() else ""


@pytest.mark.parametrize("status", [404, 410])
def test_a_batch_that_is_gone_is_not_sent_again_without_a_word(
    status: int, tmp_path: Path, pcode: Callable[..., Any]
) -> None:
    traces, run = write_traces(tmp_path / "traces.jsonl", 4), tmp_path / "run"
    with BatchServer(FakeOpenAI()) as server:
        server.shows = lambda batch: Sent(b'{"error": {"message": "No batch found"}}', status)
        for _ in range(2):
            stopped = pcode(*command(traces, run, server, "--batch"))
            assert (stopped.exit_code, len(server.made)) == (2, 1), stopped.output
            said = " ".join(stopped.stderr.split())
            assert "batch batch_1, with 12 requests out, is not at the server" in said
            assert "nothing was sent again" in said
            assert "No batch found" in said
            assert "batches.jsonl" in said
        server.shows = lambda batch: batch
        assert pcode(*command(traces, run, server, "--batch")).exit_code == 0
    assert len(server.made) == 1


def test_a_refused_batch_with_very_many_errors_names_the_first(
    tmp_path: Path, pcode: Callable[..., Any]
) -> None:
    errors = [{"code": "invalid", "message": f"line {n} \x1b[2J {'x' * 400}"} for n in range(20_000)]
    odd: list[Any] = [{"data": errors}, errors, {"data": "no"}, None, {"data": [None, 3]}]
    traces = write_traces(tmp_path / "traces.jsonl", 1)
    with BatchServer(FakeOpenAI()) as server:
        for number, listed in enumerate(odd):
            counted = {"request_counts": {"total": 0, "completed": 0, "failed": 0}} if number else {}
            shown = {"status": "failed", "errors": listed} | counted
            server.shows = lambda batch, shown=shown: batch | shown  # type: ignore[misc]
            stopped = pcode(*command(traces, tmp_path / f"run{number}", server, "--batch"))
            assert stopped.exit_code == 2, stopped.output
            assert f"the server refused batch batch_{number + 1}" in " ".join(stopped.stderr.split())
            assert len(stopped.stderr) < 2000
            assert "\x1b" not in stopped.stderr
            if number < 2:
                assert "invalid: line 0" in stopped.stderr
                assert "(and 19,999 more errors)" in stopped.stderr


def test_a_failed_batch_of_which_something_was_done_is_collected(
    tmp_path: Path, pcode: Callable[..., Any]
) -> None:
    traces, run = write_traces(tmp_path / "traces.jsonl", 4), tmp_path / "run"

    def shows(batch: dict[str, Any]) -> dict[str, Any]:
        return batch | ({"status": "failed"} if batch["status"] == "expired" else {})

    with BatchServer(FakeOpenAI(), expires=lambda number: number == 1) as server:
        server.shows = shows
        done = pcode(*command(traces, run, server, "--batch"))
        assert done.exit_code == 0, done.output
        assert set(server.executed.values()) == {1}
        assert [batch["request_counts"]["total"] for batch in server.made.values()] == [12, 6]


@pytest.mark.parametrize("id", ["", None, 5, "\x1b[2J"])
def test_a_batch_whose_id_is_none_is_looked_for_and_not_made_again(
    id: Any, tmp_path: Path, pcode: Callable[..., Any]
) -> None:
    traces, run = write_traces(tmp_path / "traces.jsonl", 4), tmp_path / "run"
    with BatchServer(FakeOpenAI()) as server:
        server.makes = lambda batch: batch | {"id": id}
        done = pcode(*command(traces, run, server, "--batch"))
        assert done.exit_code == 0, done.output
        assert len(server.made) == 1


def test_a_batch_that_was_made_behind_a_proxys_page_is_found_without_metadata(
    tmp_path: Path, pcode: Callable[..., Any]
) -> None:
    traces, run = write_traces(tmp_path / "traces.jsonl", 4), tmp_path / "run"

    def makes(batch: dict[str, Any]) -> Sent:
        server.made[batch["id"]]["metadata"] = None
        return Sent(PAGE)

    with BatchServer(FakeOpenAI()) as server:
        server.makes = makes
        done = pcode(*command(traces, run, server, "--batch"))
        assert done.exit_code == 0, done.output
        assert len(server.made) == 1


def test_a_list_whose_rows_have_no_ids_is_said_in_words(tmp_path: Path, pcode: Callable[..., Any]) -> None:
    traces, run = write_traces(tmp_path / "traces.jsonl", 4), tmp_path / "run"
    with BatchServer(FakeOpenAI()) as server:
        server.makes = lambda batch: Sent(PAGE)
        server.lists = lambda row: {name: value for name, value in row.items() if name != "id"}
        stopped = pcode(*command(traces, run, server, "--batch"))
        assert (stopped.exit_code, len(server.made)) == (2, 1), stopped.output
        assert "/batches: no list of what is there" in " ".join(stopped.stderr.split())
        server.lists = lambda row: row
        assert pcode(*command(traces, run, server, "--batch")).exit_code == 0
    assert len(server.made) == 1


@pytest.mark.parametrize("then", ["a page", "gone", "the other half"])
def test_what_an_earlier_try_brought_is_kept_when_a_later_one_brings_less(
    then: str, tmp_path: Path, pcode: Callable[..., Any]
) -> None:
    traces, run = write_traces(tmp_path / "traces.jsonl", 4), tmp_path / "run"
    fetched: list[str] = []

    def sends(id: str, content: bytes) -> Sent:
        fetched.append(id)
        lines = content.splitlines(keepends=True)
        if len(fetched) == 1:
            return Sent(b"".join(lines[:7]))
        return Sent(b"".join(lines[7:])) if then == "the other half" else SPOILT[then][0](content)

    with BatchServer(FakeOpenAI()) as server:
        server.sends = sends
        done = pcode(*command(traces, run, server, "--batch"))
        if then == "the other half":
            assert (done.exit_code, len(fetched), len(server.made)) == (0, 2, 1), done.output
            return
        assert done.exit_code == 2
        assert "the replies to 5 requests of it did not come" in " ".join(done.stderr.split())
        assert len(list((run / "batches").iterdir())) == 1  # the file that has the lines, of eight
        server.sends = lambda id, content: Sent(content)
        assert pcode(*command(traces, run, server, "--batch")).exit_code == 0
        assert (len(server.made), set(server.executed.values())) == (1, {1})


def test_counts_that_lines_contradict_are_no_word_of_the_server(
    tmp_path: Path, pcode: Callable[..., Any]
) -> None:
    """Five are counted as answered, six lines are: whatever the other six are, nobody knows that they failed."""
    traces, run = write_traces(tmp_path / "traces.jsonl", 4), tmp_path / "run"
    with BatchServer(FakeOpenAI()) as server:
        server.shows = lambda batch: batch | {"request_counts": {"total": 12, "completed": 5, "failed": 7}}
        server.sends = lambda id, content: Sent(b"".join(content.splitlines(keepends=True)[:6]))
        stopped = pcode(*command(traces, run, server, "--batch"))
        assert (stopped.exit_code, len(server.made)) == (2, 1), stopped.output
        assert "the replies to 6 requests of it did not come" in " ".join(stopped.stderr.split())
        server.sends = lambda id, content: Sent(content)
        assert pcode(*command(traces, run, server, "--batch")).exit_code == 0
        assert (len(server.made), set(server.executed.values())) == (1, {1})


@pytest.mark.parametrize(
    ("errors", "said"), [("no room", "no code: no room"), (None, "no code: it says no reason")]
)
def test_a_refusal_without_a_reason_is_told_as_it_is(
    errors: str | None, said: str, tmp_path: Path, pcode: Callable[..., Any]
) -> None:
    with BatchServer(FakeOpenAI()) as server:
        server.shows = lambda batch: batch | {"status": "failed", "errors": errors}
        refused = pcode(*command(write_traces(tmp_path / "t.jsonl", 4), tmp_path / "run", server, "--batch"))
    assert f"the server refused batch batch_1: {said}" in " ".join(refused.stderr.split())


PAGES: dict[str, tuple[Callable[[str], tuple[int, Any]], str]] = {
    "one page for ever": (lambda place: (200, {"object": "list", "has_more": True, "data": [{"id": "x"}]}), "the same again"),
    "rows without ids": (lambda place: (200, {"object": "list", "has_more": True, "data": [{"status": "failed"}]}), "no list of"),
    "ids that are numbers": (lambda place: (200, {"object": "list", "data": [{"id": 5}]}), "which is none"),
    "no lists": (lambda place: (404, {"error": {"message": "no"}}), "has no batch endpoint"),
}  # fmt: skip


@pytest.mark.parametrize("how", PAGES)
def test_a_server_whose_lists_tell_nothing_is_not_asked_to_do_a_batch_again(
    how: str, tmp_path: Path, pcode: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever was killed when a batch was about to be made looks for it; of a file alone nothing was done, so it is sent again."""
    page, said = PAGES[how]
    traces = write_traces(tmp_path / "traces.jsonl", 4)
    with BatchServer(FakeOpenAI()) as server:
        server.shows = lambda batch: batch | {"status": None}
        assert pcode(*command(traces, tmp_path / "stopped", server, "--batch")).exit_code == 2
        server.shows = lambda batch: batch
        lines = (tmp_path / "stopped" / "batches.jsonl").read_text().splitlines(keepends=True)
        get = server._get
        monkeypatch.setattr(
            server, "_get", lambda place, query: page(place) if place in LISTS else get(place, query)
        )
        for until, made in ((3, 1), (1, 2)):
            run = tmp_path / f"killed{until}"
            shutil.copytree(tmp_path / "stopped", run)
            (run / "batches.jsonl").write_text("".join(lines[:until]))
            again = pcode(*command(traces, run, server, "--batch"))
            assert (again.exit_code, len(server.made)) == (2 if until == 3 else 0, made), again.output
            if until == 3:
                words = " ".join(again.stderr.split())
                assert "about to make a batch of 12 requests, and the server does not say" in words
                assert said in words
                assert "leave out --batch" not in words
                assert "KeyError" not in words


LISTS = ("/batches", "/files")


def test_all_that_came_is_kept_where_few_are_asked_at_a_time(
    tmp_path: Path, pcode: Callable[..., Any]
) -> None:
    """A batch of many is taken up by a command that asks two at a time: the rest of what came was dropped when the run stopped."""
    traces, run = write_traces(tmp_path / "traces.jsonl", 4), tmp_path / "run"
    with BatchServer(FakeOpenAI()) as server:
        server.sends = lambda id, content: Sent(PAGE)
        assert pcode(*command(traces, run, server, "--batch")).exit_code == 2
        server.sends = lambda id, content: SPOILT["a line less"][0](content)
        assert pcode(*command(traces, run, server, "--batch", "--concurrency", 2)).exit_code == 2
        (run / "batches.jsonl").unlink()
        assert pcode(*command(traces, run, server)).exit_code == 0
        assert (len(server.made), server.online) == (1, 1)
