"""The async front of models in this process: what is pending becomes a batch, replies come one by one, errors reach all."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from pedagogy_r1.chat import ChatFault, ChatFrame, ChatReply, ChatRequest, Usage
from pedagogy_r1.chat._in_process import BatchChat, ChatJob, ChatJobs, keep_engines, let_engines_go
from pedagogy_r1.chat._local import (
    Weights,
    check_weights,
    completion_body,
    find_model,
    messages,
    need,
    noise_key,
    share,
    whole,
    yes,
)
from pedagogy_r1.errors import ChatError
from pedagogy_r1.files.written import write_folder

FRAME = ChatFrame("m", "s", None, {"seed": 1})


class Echo:
    """Answers with the text itself, ``size`` at a time, and remembers what came together."""

    def __init__(
        self, size: int = 4, *, act: Callable[[list[ChatJob]], None] = lambda jobs: None, pause: float = 0.0
    ) -> None:
        self.size, self.act, self.pause = size, act, pause
        self.batches: list[list[str]] = []
        self.threads: set[str] = set()
        self.closed = False

    def run(self, jobs: ChatJobs) -> None:
        self.threads.add(threading.current_thread().name)
        taken = jobs.take(self.size)
        self.batches.append([job.request.text for job in taken])
        self.act(taken)
        for job in taken:
            time.sleep(self.pause)
            if job.request.text.startswith("bad"):
                jobs.refuse(job, ChatFault("rejected", "no"))
            else:
                body = completion_body(job.request, "echo", job.request.text, "stop", Usage(1, 0, 1))
                jobs.answer(job, body)

    def close(self) -> None:
        self.closed = True


def ask_all(chat: BatchChat, texts: list[str]) -> list[ChatReply | BaseException]:
    async def run() -> list[ChatReply | BaseException]:
        try:
            return await asyncio.gather(
                *(chat.ask(ChatRequest(FRAME, text)) for text in texts), return_exceptions=True
            )
        finally:
            await chat.close()

    return asyncio.run(run())


def test_what_is_pending_together_is_one_batch_and_everybody_gets_their_own_reply() -> None:
    engine = Echo(4)
    texts = [f"t{n}" for n in range(10)]
    replies = ask_all(BatchChat("echo", engine, full=10), texts)
    assert [reply.text for reply in replies if isinstance(reply, ChatReply)] == texts
    assert [len(batch) for batch in engine.batches] == [4, 4, 2]
    assert len(engine.threads) == 1
    assert engine.closed


def test_a_batch_is_not_waited_for_when_all_are_there_and_not_for_long_otherwise() -> None:
    engine = Echo(64)
    ask_all(BatchChat("echo", engine, full=1000), ["a", "b"])
    assert engine.batches == [["a", "b"]]


def test_a_fault_is_of_one_request_only() -> None:
    good, bad = ask_all(BatchChat("echo", Echo(), full=2), ["good", "bad"])
    assert isinstance(good, ChatReply)
    assert isinstance(bad, ChatFault)
    assert bad.kind == "rejected"


def test_an_engine_that_breaks_tells_all_who_wait_and_all_who_come() -> None:
    def breaks(jobs: list[ChatJob]) -> None:
        raise ChatError("no such model")

    chat = BatchChat("echo", Echo(2, act=breaks), full=4)
    replies = ask_all(chat, ["a", "b", "c", "d"])
    assert [str(reply) for reply in replies] == ["no such model"] * 4
    with pytest.raises(ChatError, match="no such model"):
        asyncio.run(chat.ask(ChatRequest(FRAME, "e")))


def test_replies_come_one_by_one_while_the_batch_goes_on() -> None:
    async def run() -> tuple[bool, bool]:
        chat = BatchChat("echo", Echo(2, pause=0.2), full=2)
        first = asyncio.create_task(chat.ask(ChatRequest(FRAME, "a")))
        second = asyncio.create_task(chat.ask(ChatRequest(FRAME, "b")))
        await first
        early = not second.done()
        await second
        await chat.close()
        return early, second.done()

    assert asyncio.run(run()) == (True, True)


def test_what_nobody_waits_for_any_longer_is_not_taken() -> None:
    async def run() -> list[list[str]]:
        engine = Echo(8)
        chat = BatchChat("echo", engine, full=3)
        tasks = [asyncio.create_task(chat.ask(ChatRequest(FRAME, text))) for text in "ab"]
        await asyncio.sleep(0)
        tasks[0].cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await chat.close()
        return engine.batches

    assert asyncio.run(run()) == [["b"]]


def test_the_noise_is_of_seed_and_messages_not_of_model_or_temperature() -> None:
    def key(model: str = "m", system: str = "s", text: str = "t", **parameters: float) -> int:
        return noise_key(ChatRequest(ChatFrame(model, system, None, {"seed": 1, **parameters}), text))

    assert key() == key(model="n") == key(temperature=0.3)
    assert len({key(), key(text="u"), key(system="r"), key(seed=2)}) == 4
    assert 0 <= key() < 2**63


def test_a_body_is_a_chat_completion_without_a_time_and_equal_for_equal_replies() -> None:
    request = ChatRequest(FRAME, "t")
    first, second = (completion_body(request, "m", "x", "stop", Usage(3, 1, 2)) for _ in range(2))
    assert first == second
    assert json.loads(first)["usage"]["prompt_tokens_details"] == {"cached_tokens": 1}


def test_an_empty_system_message_is_none_and_half_a_character_no_error() -> None:
    assert messages(ChatRequest(ChatFrame("m", ""), "a\ud83d")) == [{"role": "user", "content": "a?"}]
    assert [m["role"] for m in messages(ChatRequest(FRAME, "t"))] == ["system", "user"]


def test_a_model_is_found_or_said_to_be_missing(tmp_path: Path) -> None:
    base, adapter = tmp_path / "base", tmp_path / "adapter"
    base.mkdir()
    adapter.mkdir()
    with pytest.raises(ChatError, match="holds no model"):
        find_model(str(base), None)
    (base / "config.json").write_text("{}")
    (adapter / "adapter_config.json").write_text(json.dumps({"base_model_name_or_path": str(base)}))
    assert find_model(str(base), None) == (str(base), None)
    assert find_model(str(base), str(adapter)) == (str(base), str(adapter))
    assert find_model(str(adapter), None) == (str(base), str(adapter))
    assert find_model("Qwen/Qwen3-8B", None) == ("Qwen/Qwen3-8B", None)
    with pytest.raises(ChatError, match="no such folder"):
        find_model(str(tmp_path / "none"), None)
    with pytest.raises(ChatError, match=r"holds no adapter_config\.json"):
        find_model(str(base), str(base))
    (adapter / "adapter_config.json").write_text("{}")
    with pytest.raises(ChatError, match="names no base model"):
        find_model(str(adapter), None)


def test_options_and_packages_are_checked_before_anything_is_loaded() -> None:
    assert whole("batch_size", "8") == 8
    for bad in ("0", "x", -1):
        with pytest.raises(ChatError, match="batch_size"):
            whole("batch_size", bad)
    need("hf", "train", "json")
    with pytest.raises(ChatError, match="hf: needs no_such_thing") as caught:
        need("hf", "train", "json", "no_such_thing")
    assert caught.value.hint == "pip install 'pedagogy_r1[train]'"


def test_weights_that_pcode_wrote_are_loaded_as_they_were_written(tmp_path: Path) -> None:
    def write(folder: Path) -> None:
        for name in ("config.json", "model.safetensors", "README.md"):
            (folder / name).write_text(name)

    student = write_folder(tmp_path / "student", write)
    (student / "README.md").write_text("a card may be written on")
    (tmp_path / "foreign").mkdir()
    for weights in (Weights(str(student), None), Weights("hub/name", str(tmp_path / "foreign"))):
        check_weights(weights)
    for name in ("model.safetensors", "config.json"):
        (student / name).write_text("other")
        for weights in (Weights(str(student), None), Weights("hub/name", str(student))):
            with pytest.raises(ChatError, match=f"{name} has changed since it was written"):
                check_weights(weights)
        (student / name).unlink()
        with pytest.raises(ChatError, match=f"{name} is missing"):
            check_weights(Weights(str(student), None))
        (student / name).write_text(name)


@pytest.mark.parametrize("given", ["abc", 0, -1, 1.5, "nan"])
def test_a_share_is_a_number_up_to_one(given: object) -> None:
    assert share("x", "0.9") == 0.9
    with pytest.raises(ChatError, match="above 0 and at most 1"):
        share("x", given)  # type: ignore[arg-type]


def test_what_is_neither_true_nor_false_is_refused() -> None:
    assert [yes("x", value) for value in (True, "True", 1, False, "no", 0)] == [True] * 3 + [False] * 3
    with pytest.raises(ChatError, match="x is 'ture'"):
        yes("x", "ture")


def test_a_kept_engine_is_taken_over_by_the_next_chat_with_it_and_by_no_other() -> None:
    first, second, other = Echo(), Echo(), Echo()
    keep_engines()
    try:
        ask_all(BatchChat("echo", first, full=1, key="a"), ["x"])
        ask_all(BatchChat("echo", second, full=1, key="a"), ["y"])
        assert (first.batches, second.batches, first.closed) == ([["x"], ["y"]], [], False)
        assert len(first.threads) == 1
        ask_all(BatchChat("echo", other, full=1, key="b"), ["z"])
        assert (first.closed, other.closed) == (True, False)

        def breaks(_: list[ChatJob]) -> None:
            raise ChatError("out of memory")

        broken = Echo(act=breaks)
        ask_all(BatchChat("echo", broken, full=1, key="c"), ["x"])
        assert broken.closed
        ask_all(BatchChat("echo", other := Echo(), full=1, key="c"), ["x"])
    finally:
        let_engines_go()
    assert other.closed
    ask_all(BatchChat("echo", last := Echo(), full=1, key="c"), ["x"])
    assert last.closed
