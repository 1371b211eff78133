"""When asking on is of no use: what a run does behind its first answer, and what it finds out about a server."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path
from typing import Any

import pytest

from pedagogy_r1.asking import AskingSession, AskOutcome, GaveUp, Sending
from pedagogy_r1.chat import ChatFault, ChatFrame, ChatReply, ChatRequest, Usage, strict_object, unwrapped
from pedagogy_r1.chat.openai import OpenAIChat, chat
from pedagogy_r1.errors import ChatError, DiskError

from ..full_disk import room_for
from .odd_server import Asked, Behaviour, OddServer, always, completion, http

FRAME = ChatFrame(
    "m", "Say a number. " * 400, strict_object({"a": {"type": "integer"}}), {"max_completion_tokens": 50}
)


async def one(_: Asked, writer: asyncio.StreamWriter) -> None:
    writer.write(http(200, json.dumps(completion('{"a": 1}')).encode()))


class Session:
    """Asks ``count`` things, one piece each."""

    def __init__(self, folder: Path, server: OddServer) -> None:
        self.folder, self.server = folder, server
        self.answers: list[Any] = []
        self.chat: OpenAIChat | None = None

    def __call__(
        self, count: int, *, concurrency: int = 4, frame: ChatFrame = FRAME, **options: Any
    ) -> AskOutcome:
        self.answers.clear()

        async def run() -> AskOutcome:
            self.chat = chat("m", base_url=self.server.url, **options)
            asking = AskingSession(self.folder, self.chat, Sending(concurrency, 20, 2, 0.001))

            async def work(number: int, piece: int) -> Any:
                request = ChatRequest(frame, f"number {piece}")
                return await asking.asker.ask(
                    request, {}, parse=lambda reply: json.loads(reply.text), priority=number, last=True
                )

            return await asking.run(
                range(count), work, lambda _, done: self.answers.append(done), frames=[frame]
            )

        return asyncio.run(run())

    @property
    def ledger(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (self.folder / "ledger.jsonl").read_text().splitlines()]


def after(first: int, then: Behaviour) -> Behaviour:
    """Well at first."""

    async def behave(said: Asked, writer: asyncio.StreamWriter) -> None:
        await (one if said.number <= first else then)(said, writer)

    return behave


def test_a_server_that_goes_bad_is_waited_for_and_then_left(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with OddServer(after(5, always(500, {"error": "gone"}))) as server:
        session = Session(tmp_path, server)
        with pytest.raises(ChatError, match="nothing but failures for a while: server_error") as caught:
            session(500)
        assert "run the same command again" in caught.value.hint
        assert len(server.asked) <= 5 + 4 + 10 + 3 * 3 + 4
        said = [record.getMessage() for record in caplog.records]
        assert len(said) == 3
        assert said[0].startswith("10 requests in a row failed (server_error")
        server.behaviour = one
        assert session(500).whole
    assert sum(isinstance(answer, GaveUp) for answer in session.answers) <= 10


@pytest.mark.parametrize("resumed", [False, True])
def test_a_server_that_is_not_there_is_tried_a_few_times_and_named(tmp_path: Path, resumed: bool) -> None:
    """Issue 11: sixteen requests in flight, each tried seven times, were 112."""
    with OddServer(one) as server:
        session = Session(tmp_path, server)
        if resumed:
            assert session(3).whole
    with pytest.raises(ChatError, match=f"nothing listens at http://127.0.0.1:{server.port}/v1") as caught:
        session(60, concurrency=16)
    assert "start it" in caught.value.hint
    assert not session.answers or resumed
    faults = [line for line in session.ledger if line["kind"] == "fault"]
    assert {line["fault"] for line in faults} == {"connection"}
    assert len(faults) <= 16 + 3
    with OddServer(one, server.port) as server:
        assert session(60, concurrency=16).whole
    assert session.answers == [{"a": 1}] * 60


def test_a_server_that_dies_in_the_middle_is_waited_for_and_then_left(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    dying = OddServer(one)

    async def behave(said: Asked, writer: asyncio.StreamWriter) -> None:
        await one(said, writer)
        if said.number == 40:
            dying.leave()

    dying.behaviour = behave
    with dying as server:
        session = Session(tmp_path, server)
        with pytest.raises(ChatError, match="nothing listens at"):
            session(500, concurrency=16)
    assert "requests in a row failed" in caplog.records[0].getMessage()
    lines = session.ledger
    last = max(n for n, line in enumerate(lines) if line["kind"] == "reply")
    assert sum(line["kind"] == "fault" for line in lines[last:]) <= 16 + 10 + 3 * 3
    assert not [line for line in lines if line["kind"] == "gave_up"]


def test_a_server_that_recovers_is_asked_many_things_at_once_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def behave(said: Asked, writer: asyncio.StreamWriter) -> None:
        await (always(500) if said.number > 20 and not caplog.records else one)(said, writer)

    with OddServer(behave) as server:
        session = Session(tmp_path, server)
        assert session(200).whole
    assert len(caplog.records) == 1
    assert sum(answer == {"a": 1} for answer in session.answers) >= 190


def test_one_thing_that_is_always_refused_does_not_stop_the_others(tmp_path: Path) -> None:
    refused = completion(None, message={"refusal": "no"})

    async def behave(said: Asked, writer: asyncio.StreamWriter) -> None:
        number = int(said.body["messages"][-1]["content"].split()[-1])
        await (always(200, refused) if number == 7 else one)(said, writer)

    with OddServer(behave) as server:
        session = Session(tmp_path, server)
        assert session(20, concurrency=1).whole
    assert [n for n, answer in enumerate(session.answers) if isinstance(answer, GaveUp)] == [7]


def test_a_run_whose_last_units_are_refused_is_finished_by_the_session_that_resumes_it(
    tmp_path: Path,
) -> None:
    """What an earlier session got counts: three refusals at the end are given up, and are no server of no use."""
    refused = completion(None, message={"refusal": "no"})

    async def behave(said: Asked, writer: asyncio.StreamWriter) -> None:
        number = int(said.body["messages"][-1]["content"].split()[-1])
        await (always(200, refused) if number >= 8 else one)(said, writer)

    with OddServer(behave) as server:
        session = Session(tmp_path, server)
        assert session(8, concurrency=1).whole
        assert session(12, concurrency=1).whole
    assert [n for n, answer in enumerate(session.answers) if isinstance(answer, GaveUp)] == [8, 9, 10, 11]


def form_of(said: Asked) -> str:
    form = said.body.get("response_format", {})
    return form.get("type", "none") + (" with schema" if "schema" in form else "")


@pytest.mark.parametrize(
    ("refuses", "settled"),
    [
        (set(), "enforce"),
        ({"json_schema"}, "object_schema"),
        ({"json_schema", "json_object with schema"}, "json_object"),
        ({"json_schema", "json_object with schema", "json_object"}, "ask"),
    ],
)
def test_the_schema_is_asked_for_as_the_server_takes_it_and_that_is_recorded(
    tmp_path: Path, refuses: set[str], settled: str
) -> None:
    async def behave(said: Asked, writer: asyncio.StreamWriter) -> None:
        kind = form_of(said)
        await (
            always(400, {"error": f"response_format {kind} is not supported"}) if kind in refuses else one
        )(said, writer)

    with OddServer(behave) as server:
        session = Session(tmp_path, server)
        outcome = session(12)
        assert (outcome.usage or {})["server"] == {"schema": settled, "limit": "max_completion_tokens"}
        assert session.answers == [{"a": 1}] * 12
        asked = len(server.asked)
        assert asked <= 12 + 4 + len(refuses)
        system = server.asked[-1].body["messages"][0]["content"]
        assert system.startswith(FRAME.system)
        assert ('"additionalProperties": false' in system) == (settled != "enforce")
        # The next session asks like that from the start.
        assert session(15).whole
        assert len(server.asked) == asked + 3
        assert {form_of(said) for said in server.asked[asked:]}.isdisjoint(refuses)
    assert sum(line["kind"] == "server" for line in session.ledger) == 1


def test_a_schema_that_was_ordered_is_not_given_up(tmp_path: Path) -> None:
    with OddServer(always(400, {"error": "response_format is not supported"})) as server:
        with pytest.raises(ChatError, match="response_format is not supported"):
            Session(tmp_path, server)(9, schema="json_object")
        assert {said.body["response_format"]["type"] for said in server.asked} == {"json_object"}
    with pytest.raises(ChatError, match="schema is 'yes'"):
        chat("m", base_url="http://h/v1", schema="yes")


@pytest.mark.parametrize("how", ["refused", "ignored"])
def test_the_limit_is_called_max_tokens_where_the_other_name_is_refused_or_ignored(
    tmp_path: Path, how: str
) -> None:
    async def behave(said: Asked, writer: asyncio.StreamWriter) -> None:
        known = "max_tokens" in said.body
        if how == "refused" and not known:
            await always(400, {"error": "Unrecognized request argument: max_completion_tokens"})(said, writer)
        else:
            made = completion(
                '{"a": 1}', usage={"prompt_tokens": 1600, "completion_tokens": 40 if known else 400}
            )
            await always(200, made)(said, writer)

    with OddServer(behave) as server:
        outcome = Session(tmp_path, server)(12, concurrency=2)
        assert (outcome.usage or {})["server"]["limit"] == "max_tokens"
        assert sum("max_completion_tokens" in said.body for said in server.asked) <= 2
        assert server.asked[-1].body["max_tokens"] == 50


def test_a_prompt_that_the_server_cut_is_no_answer_unless_its_count_is_to_be_ignored(tmp_path: Path) -> None:
    made = completion('{"a": 1}', usage={"prompt_tokens": 512, "completion_tokens": 9})
    with OddServer(always(200, made)) as server:
        session = Session(tmp_path, server)
        with pytest.raises(ChatError, match=r"read 512 tokens of a prompt of about 1,5\d\d") as caught:
            session(9)
        assert "OLLAMA_CONTEXT_LENGTH" in caught.value.hint
        assert all(line["kind"] != "reply" for line in session.ledger)
        assert session(9, prompt_tokens="ignore").whole
        # A count that leaves out what was cached is no cut.
        made["usage"] = {"prompt_tokens": 12, "prompt_tokens_details": {"cached_tokens": 1550}}
        server.behaviour = always(200, made)
        assert session(20).whole


def test_what_was_taken_off_is_counted(tmp_path: Path) -> None:
    with OddServer(always(200, completion('<think>\n{"a": 2}\n</think>\n```json\n{"a": 1}\n```'))) as server:
        session = Session(tmp_path, server)
        outcome = session(5)
    assert session.answers == [{"a": 1}] * 5
    assert (outcome.usage or {})["mended"] == {"code fence": 5, "think block": 5}
    assert [line["mended"] for line in session.ledger if line["kind"] == "reply"] == [
        ["think block", "code fence"]
    ] * 5


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ('{"a": "```json"}', None),
        ('{"a": "<think>x</think>"}', None),
        ("<think>only", None),
        ('before {"a": 1}', None),
        ('```json\n{"a": 1}\n``` behind', None),
        ('<think>a</think><think>b</think>{"a": 1}', None),
        ('```\n{"a": "```"}\n```', '{"a": "```"}'),
        ('{"a": "\\\\ud800"}', None),
        ('{"a": "\\ud83d\\ude00"}', None),
        ('{"a": "\\ud800"}', '{"a": "\ufffd"}'),
    ],
)
def test_nothing_else_is_taken_off(text: str, left: str | None) -> None:
    reply = ChatReply(text, "stop", "m", Usage(), "")
    assert unwrapped(reply) == reply if left is None else unwrapped(reply).text == left


def test_a_fault_says_how_the_reply_begins() -> None:
    from pedagogy_r1.asking.patience import advice, look

    fault = ChatFault("malformed", "the body is no JSON", raw="<html>\x1b[2J" + "x" * 200)
    assert look(fault.raw) == ("a web page", "<html>·[2J" + "x" * 70)
    assert "ends like /v1" in advice(fault, ChatRequest(FRAME, "t"))


def test_a_prompt_that_was_cut_was_paid_for_and_is_in_the_ledger_first(tmp_path: Path) -> None:
    """Issue 11: nothing that was paid for is known to nobody."""
    made = completion('{"a": 1}', usage={"prompt_tokens": 512, "completion_tokens": 9})
    with OddServer(always(200, made)) as server:
        session = Session(tmp_path, server)
        with pytest.raises(ChatError, match="cut the rest off"):
            session(3, concurrency=1)
        faults = [line for line in session.ledger if line["kind"] == "fault"]
        assert [(line["usage"], line["fault"]) for line in faults] == [([512, 0, 9], "malformed")]
        assert faults[0]["raw"]
        assert len(server.asked) == 1


def test_what_was_found_of_a_server_is_adopted_also_beside_what_the_user_fixed() -> None:
    fixed = chat("m", base_url="http://h/v1", schema="enforce")
    assert isinstance(fixed, OpenAIChat)
    fixed.adopt({"schema": "ask", "limit": "max_tokens"})
    assert fixed.dialect == {"schema": "enforce", "limit": "max_tokens"}
    fixed.adopt({"limit": "a line of the ledger that was changed", "other": "x"})
    assert fixed.dialect == {"schema": "enforce", "limit": "max_tokens"}


def test_a_disk_that_is_full_when_a_fault_or_a_give_up_is_recorded(tmp_path: Path) -> None:
    """Issue 11: one sentence, what was recorded is whole, and the same command goes on."""
    for room in (12_000, 14_000, 16_000, 18_000):
        folder = tmp_path / str(room)
        turn = iter(range(10_000))

        async def behave(said: Asked, writer: asyncio.StreamWriter, turn: Any = turn) -> None:
            if next(turn) % 2:
                await always(500, {"error": "overworked " * 30})(said, writer)
            else:
                await one(said, writer)

        with OddServer(behave) as server:
            session = Session(folder, server)
            with room_for(room), pytest.raises(DiskError, match=r"ledger\.jsonl was not written"):
                session(300)
            kinds = {line["kind"] for line in session.ledger}
            assert {"prompt", "reply", "fault"} <= kinds
            assert len(session.ledger) < 300
        with OddServer(one) as server:
            session = Session(folder, server)
            assert session(300).whole
            assert len(session.answers) == 300


def test_one_close_that_fails_hides_no_other(tmp_path: Path) -> None:
    """A chat that cannot be closed leaves the ledger closed, and what came before is recorded."""

    class Stubborn:
        closed = False

        async def ask(self, _: ChatRequest) -> ChatReply:
            return ChatReply('{"a": 1}', "stop", "m", Usage(1, 0, 1), json.dumps(completion('{"a": 1}')))

        async def close(self) -> None:
            raise ChatError("the connection does not close")

    async def run() -> None:
        asking = AskingSession(tmp_path, Stubborn(), Sending(2, 20, 2, 0.001))

        async def work(number: int, piece: int) -> Any:
            return await asking.asker.ask(
                ChatRequest(FRAME, str(piece)), {}, parse=lambda r: r.text, priority=number
            )

        try:
            await asking.run(range(5), work, lambda *_: None, frames=[FRAME])
        finally:
            with pytest.raises(OSError, match="descriptor"):
                asking.transcript.note_dialect({"schema": "ask"})

    with pytest.raises(ChatError, match="does not close"):
        asyncio.run(run())
    lines = (tmp_path / "ledger.jsonl").read_text().splitlines()
    assert sum(json.loads(line)["kind"] == "reply" for line in lines) == 5


def test_whoever_asks_next_does_not_wait_for_requests_that_were_never_sent(tmp_path: Path) -> None:
    """Sixty a minute; the run is stopped while seven wait for their turns, which would last seven seconds."""

    async def stopped_and_again() -> float:
        with OddServer(always(one)) as server:
            client = chat("turns", base_url=server.url)
            first, second = (
                AskingSession(tmp_path / name, client, Sending(8, 20, 2, 0.001, requests_per_minute=60))
                for name in ("a", "b")
            )
            turns = [asyncio.create_task(first.asker._turn(1.0)) for _ in range(8)]
            await asyncio.sleep(0.05)
            first.asker.stop("enough")
            ended = await asyncio.gather(*turns, return_exceptions=True)
            assert [type(one).__name__ for one in ended] == ["NoneType", *["StoppedError"] * 7]
            began = time.monotonic()
            await second.asker._turn(1.0)
            return time.monotonic() - began

    assert 0.5 < asyncio.run(stopped_and_again()) < 3
