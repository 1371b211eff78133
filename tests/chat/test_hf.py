"""``hf:`` on a real (tiny, random) Qwen2: replies that do not depend on the batch, logprobs, ends, schema, adapters, runs."""

from __future__ import annotations

import asyncio
import json
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

from pedagogy_r1.asking import ModelName, open_chat
from pedagogy_r1.chat import ChatFault, ChatFrame, ChatReply, ChatRequest
from pedagogy_r1.chat._rows import SampledRow, SampledRows
from pedagogy_r1.chat.hf import HfEngine, chat
from pedagogy_r1.errors import ChatError, InputError
from pedagogy_r1.files.written import write_folder
from pedagogy_r1.runs.run import CoderRun
from pedagogy_r1.train.tiny_model import build_tiny

from ..make_runs import BOOK

SAMPLING = {"temperature": 0.9, "top_p": 0.9, "seed": 3, "max_completion_tokens": 24}
LOGPROBS = {"logprobs": True, "top_logprobs": 4}
TEXTS = [f"Question {n}: " + "why is 1/3 less than 1/2? " * (n % 5 + 1) for n in range(16)]


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    words = ["Why does the pupil think that a third is less?", "Wait, let me check that again.", BOOK]
    return build_tiny(tmp_path_factory.mktemp("tiny"), texts=words * 3, vocab=400, positions=4096)


def request(
    text: str, *, partial: bool = True, schema: Any = None, system: str = "s", **other: Any
) -> ChatRequest:
    return ChatRequest(ChatFrame("m", system, schema, {**SAMPLING, **other}, partial), text)


def ask(model: Path, requests: Sequence[ChatRequest], **options: Any) -> list[Any]:
    async def run() -> list[Any]:
        made = chat(str(model), connections=len(requests), **options)
        try:
            return await asyncio.gather(*(made.ask(each) for each in requests), return_exceptions=True)
        finally:
            await made.close()

    return asyncio.run(run())


def test_a_reply_does_not_depend_on_what_else_is_in_the_batch(tiny: Path) -> None:
    asked = [request(text, temperature=(n % 3) * 0.7) for n, text in enumerate(TEXTS)]
    together = ask(tiny, asked, batch_size=16)
    in_threes = ask(tiny, list(reversed(asked)), batch_size=3)[::-1]
    alone = [ask(tiny, [each])[0] for each in asked[:6]]
    texts = [reply.text for reply in together]
    assert [reply.text for reply in in_threes] == texts
    assert [reply.text for reply in alone] == texts[:6]
    assert len(set(texts)) >= 10  # greedy, a model that knows nothing says the same to everybody


LONG = "You code units. Copy the words of each exactly; give one code and a short reason. " * 4


def test_what_prompts_begin_with_is_computed_once_and_changes_no_reply(tiny: Path) -> None:
    """The system message (and in it the codebook) is the same in thousands of requests; rows of several frames, lengths and none."""
    systems = [LONG, LONG + "Another.", "s", ""]
    asked = [request(t, system=systems[n % 4], **LOGPROBS) for n, t in enumerate([*TEXTS, "", "\n\nx"])]

    async def run(shared: int) -> tuple[list[ChatReply], int]:
        made = chat(str(tiny), connections=len(asked), dtype="float64", batch_size=5)
        engine, read = made._loaded.engine, 0
        assert isinstance(engine, HfEngine)
        engine.shared = shared

        def count(_: Any, given: Any, named: dict[str, Any]) -> None:
            nonlocal read
            rows, width = named["input_ids"].shape
            read += rows if width > 200 else 0

        engine._load()
        engine._model.base_model.register_forward_pre_hook(count, with_kwargs=True)
        try:
            return await asyncio.gather(*(made.ask(each) for each in asked)), read
        finally:
            await made.close()

    (kept, few), (anew, many) = asyncio.run(run(32)), asyncio.run(run(10**9))
    without = [json.loads(reply.raw) | {"usage": None} for reply in kept]
    assert without == [json.loads(reply.raw) | {"usage": None} for reply in anew]
    shares = [reply.usage.cached for reply in kept]
    assert min(shares[0::4] + shares[1::4]) > 200
    assert set(shares[2::4] + shares[3::4]) == {0}
    assert {reply.usage.cached for reply in anew} == {0}
    assert (few, many) == (2, 10), "each of two beginnings is read once, not by each of its five rows"


def test_a_model_that_does_not_keep_every_token_computes_it_anew_and_says_so_once(
    tiny: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A layer with a sliding window forgets the beginning."""
    window = shutil.copytree(tiny, tmp_path / "window")
    config = json.loads((window / "config.json").read_text())
    layers = ["sliding_attention"] * config["num_hidden_layers"]
    config |= {
        "use_sliding_window": True,
        "sliding_window": 48,
        "max_window_layers": 0,
        "layer_types": layers,
    }
    (window / "config.json").write_text(json.dumps(config))
    replies = ask(window, [request(text, system=LONG) for text in TEXTS[:5]], batch_size=2)
    assert [reply.usage.cached for reply in replies] == [0] * 5
    assert [reply.text for reply in replies] == [
        ask(window, [request(text, system=LONG)])[0].text for text in TEXTS[:5]
    ]
    caplog.clear()
    ask(window, [request(text, system=LONG) for text in TEXTS[:5]], batch_size=2)
    assert [record.message.split(":")[0] for record in caplog.records] == ["hf"]
    assert "in common anew" in caplog.text


def test_a_reply_is_there_when_it_is_finished_not_when_its_batch_is(tiny: Path) -> None:
    async def run() -> tuple[list[int], bool]:
        made = chat(str(tiny), connections=2)
        asked = [
            request("a", max_completion_tokens=2, temperature=0),
            request("b", max_completion_tokens=3000, temperature=1),
        ]
        short, long = (asyncio.ensure_future(made.ask(each)) for each in asked)
        await short
        early = not long.done()
        await made.close()  # the long one ends at its next token
        long.cancel()
        return [short.result().usage.completion], early

    assert asyncio.run(run()) == ([2], True)


def test_the_digest_of_the_rendered_prompt_shows_what_a_template_added(tiny: Path, tmp_path: Path) -> None:
    """An empty system message lets some templates insert one of their own."""
    own = shutil.copytree(tiny, tmp_path / "own")
    template = own / "chat_template.jinja"
    helper = "{% if messages[0]['role'] != 'system' %}You are a helpful assistant. {% endif %}"
    template.write_text(helper + template.read_text(encoding="utf-8"), encoding="utf-8")

    def digests(model: Path) -> list[str]:
        asked = [request("a", system=""), request("a", system=""), request("a"), request("b")]
        return [json.loads(reply.raw)["prompt_digest"] for reply in ask(model, asked)]

    plain, added = digests(tiny), digests(own)
    assert plain[0] == plain[1]
    assert len(set(plain)) == 3
    assert added[0] != plain[0]
    assert added[2:] == plain[2:], "where a system message was given nothing is added"


def test_a_gguf_folder_is_said_to_be_one(tmp_path: Path) -> None:
    (tmp_path / "model.Q4_1.gguf").write_bytes(b"GGUF")
    for name in (tmp_path, tmp_path / "model.Q4_1.gguf"):
        with pytest.raises(ChatError, match="is in the GGUF format") as caught:
            chat(str(name))
        assert "docs/models.md" in caught.value.hint


def test_in_float64_not_even_a_digit_of_a_logprob_does(tiny: Path) -> None:
    asked = [request(text, **LOGPROBS) for text in TEXTS]
    together = ask(tiny, asked, dtype="float64")
    assert [reply.raw for reply in ask(tiny, asked, dtype="float64", batch_size=5)] == [
        reply.raw for reply in together
    ]


def test_the_seed_and_the_text_decide_and_greedy_is_what_transformers_calls_greedy(tiny: Path) -> None:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    first, again, other, cold = ask(
        tiny,
        [
            request("a"),
            request("a"),
            request("a", seed=4),
            request("a", temperature=0, max_completion_tokens=12),
        ],
    )
    assert first.text == again.text != other.text
    tokenizer, model = AutoTokenizer.from_pretrained(tiny), AutoModelForCausalLM.from_pretrained(tiny)
    said = [{"role": "system", "content": "s"}, {"role": "user", "content": "a"}]
    ids = tokenizer.apply_chat_template(said, add_generation_prompt=True, return_tensors="pt")["input_ids"]
    with torch.inference_mode():
        made = model.generate(ids, do_sample=False, max_new_tokens=12)
    assert cold.text == tokenizer.decode(made[0, ids.shape[1] :], skip_special_tokens=True)
    assert cold.usage.prompt == ids.shape[1]


def test_logprobs_are_the_models_own(tiny: Path) -> None:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer, model = AutoTokenizer.from_pretrained(tiny), AutoModelForCausalLM.from_pretrained(tiny)
    (reply,) = ask(tiny, [request("Why?", **LOGPROBS)])
    content = json.loads(reply.raw)["choices"][0]["logprobs"]["content"]
    said = [{"role": "system", "content": "s"}, {"role": "user", "content": "Why?"}]
    ids = tokenizer.apply_chat_template(said, add_generation_prompt=True)["input_ids"]
    # The reply's tokens again: each is the one of its text that has its log probability.
    total, given = sum(entry["logprob"] for entry in content), 0.0
    with torch.inference_mode():
        for entry in content:
            logs = model(torch.tensor([ids])).logits[0, -1].log_softmax(-1)
            token = min(
                (t for t in range(len(tokenizer)) if tokenizer.decode([t]) == entry["token"]),
                key=lambda t: abs(float(logs[t]) - entry["logprob"]),
            )
            best = logs.topk(4)
            assert [one["token"] for one in entry["top_logprobs"]] == [
                tokenizer.decode([t]) for t in best.indices
            ]
            assert [one["logprob"] for one in entry["top_logprobs"]] == pytest.approx(
                best.values.tolist(), abs=1e-4
            )
            given += float(logs[token])
            ids = [*ids, token]
    assert total == pytest.approx(given, abs=1e-3)
    assert "".join(entry["token"] for entry in content if entry["bytes"]).replace(
        "\ufffd", ""
    ) in reply.text.replace("\ufffd", "")


def test_tokens_are_drawn_in_proportion_and_within_the_nucleus() -> None:
    import torch

    shares = torch.tensor([0.4, 0.3, 0.2, 0.06, 0.04])
    count = 20_000

    def drawn(**options: float) -> list[float]:
        rows = [SampledRow([0], limit=9, key=n, **options) for n in range(count)]  # type: ignore[arg-type]
        SampledRows(rows, frozenset(), None, 0, lambda: False).process(None, shares.log().repeat(count, 1))
        return [sum(row.tokens == [token] for row in rows) / count for token in range(5)]

    assert drawn() == pytest.approx(shares.tolist(), abs=0.015)
    hot = (shares.log() / 2).softmax(-1)
    assert drawn(temperature=2.0) == pytest.approx(hot.tolist(), abs=0.015)
    # 0.4 + 0.3 is less than 0.75, with 0.2 it is not: three tokens.
    assert drawn(top_p=0.75) == pytest.approx([4 / 9, 3 / 9, 2 / 9, 0, 0], abs=0.015)
    assert drawn(top_p=0.1) == [1, 0, 0, 0, 0]
    assert drawn(temperature=0.0) == [1, 0, 0, 0, 0]


def test_a_reply_ends_at_an_end_token_a_stop_text_or_the_limit(tiny: Path) -> None:
    many = ask(tiny, [request(text, top_p=1.0, max_completion_tokens=400) for text in TEXTS])
    ended = [reply for reply in many if reply.finish == "stop"]
    assert len(ended) >= 4
    assert all("<|" not in reply.text and reply.usage.completion < 400 for reply in ended)
    (whole,) = ask(tiny, [request("x")])
    assert (whole.finish, whole.usage.completion) == ("length", 24)
    stop = whole.text[9:12]
    (cut,) = ask(tiny, [request("x", stop=[stop])])
    assert (cut.text, cut.finish) == (whole.text[: whole.text.index(stop)], "stop")
    (fault,) = ask(tiny, [request("x", partial=False)])
    assert isinstance(fault, ChatFault)
    assert (fault.kind, json.loads(fault.raw or "")["usage"]["completion_tokens"]) == ("length", 24)


SCHEMA = {
    "type": "object",
    "properties": {"code": {"type": "string", "enum": ["A", "B"]}, "sure": {"type": "boolean"}},
    "required": ["code", "sure"],
    "additionalProperties": False,
}


def test_a_schema_is_enforced_beside_requests_that_have_none(tiny: Path) -> None:
    pytest.importorskip("llguidance")
    asked = [request(text, schema=SCHEMA if n % 2 else None) for n, text in enumerate(TEXTS)]
    replies = ask(tiny, asked)
    values = [json.loads(reply.text) for reply in replies[1::2]]
    assert all(list(value) == ["code", "sure"] and value["code"] in "AB" for value in values)
    assert {reply.finish for reply in replies[1::2]} == {"stop"}
    assert replies[0].text == ask(tiny, asked[:1])[0].text


def test_a_schema_may_be_asked_for_only(tiny: Path) -> None:
    plain, asked = ask(tiny, [request("x"), request("x", schema=SCHEMA)], schema="ask")
    assert asked.usage.prompt > plain.usage.prompt + 50


def write_adapter(tiny: Path, folder: Path) -> Path:
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        config = LoraConfig(r=4, target_modules=["q_proj", "v_proj", "down_proj"], init_lora_weights=False)
        get_peft_model(AutoModelForCausalLM.from_pretrained(tiny), config).save_pretrained(folder)
    return folder


def test_an_adapter_changes_the_reply_and_its_folder_stands_for_both(tiny: Path, tmp_path: Path) -> None:
    pytest.importorskip("peft")
    adapter = write_adapter(tiny, tmp_path / "adapter")
    (plain,), (with_it,), (by_folder,) = (
        ask(tiny, [request("x")]),
        ask(tiny, [request("x")], lora=str(adapter)),
        ask(adapter, [request("x")]),
    )
    assert plain.text != with_it.text == by_folder.text
    assert chat(str(tiny), lora=str(adapter)).model == f"{tiny}+{adapter}"


def test_what_does_not_fit_into_memory_is_done_in_halves(tiny: Path) -> None:
    import torch

    class Cramped(HfEngine):
        tried: list[int] = []

        def _generate(self, batch: list[Any], jobs: Any) -> None:
            self.tried.append(len(batch))
            if len(batch) > 2:
                batch[0][1].tokens.append(1)
                raise torch.OutOfMemoryError("out of memory")
            super()._generate(batch, jobs)

    async def run(size: int) -> list[ChatReply]:
        made = chat(str(tiny), connections=5, batch_size=size)
        engine = made._loaded.engine
        assert isinstance(engine, HfEngine)
        engine.__class__ = Cramped
        try:
            return await asyncio.gather(*(made.ask(request(text)) for text in TEXTS[:5]))
        finally:
            await made.close()

    replies = asyncio.run(run(5))
    assert Cramped.tried == [5, 2, 3, 1, 2]
    assert [reply.text for reply in replies] == [
        reply.text for reply in ask(tiny, [request(t) for t in TEXTS[:5]])
    ]


def test_a_tokenizer_without_a_template_gets_the_texts_one_below_the_other(
    tiny: Path, tmp_path: Path
) -> None:
    import shutil

    bare = tmp_path / "bare"
    shutil.copytree(tiny, bare)
    (bare / "chat_template.jinja").unlink()
    (plain,), (other,) = ask(bare, [request("x")]), ask(bare, [request("x", system="")])
    assert plain.usage.prompt > other.usage.prompt > 0


def test_a_student_whose_files_were_changed_is_not_loaded(tiny: Path, tmp_path: Path) -> None:
    student = tmp_path / "student"

    def write(half: Path) -> None:
        shutil.copytree(tiny, half, dirs_exist_ok=True)

    write_folder(student, write)
    (reply,) = ask(student, [request("x")])
    assert isinstance(reply, ChatReply)
    weights = student / "model.safetensors"
    data = bytearray(weights.read_bytes())
    data[-9] ^= 1
    weights.write_bytes(data)
    (refused,) = ask(student, [request("x")])
    assert isinstance(refused, ChatError)
    assert "model.safetensors has changed since it was written" in refused.message


def test_what_cannot_be_done_is_said(tiny: Path, tmp_path: Path) -> None:
    (long,) = ask(tiny, [request("why " * 5000)])
    assert isinstance(long, ChatFault)
    assert (long.kind, "the model takes 4096" in long.message) == ("rejected", True)
    (unknown,) = ask(tiny, [request("x", presence_penalty=1)])
    assert isinstance(unknown, ChatError)
    assert "presence_penalty" in unknown.message
    for name, options, said in (
        (str(tmp_path / "none"), {}, "no such folder"),
        (str(tiny), {"dtype": "int3"}, "dtype is 'int3'"),
        (str(tiny), {"lora": str(tiny)}, "adapter_config"),
        (str(tiny), {"batch_size": 0}, "batch_size"),
    ):
        with pytest.raises(ChatError, match=said):
            chat(name, **options)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="hf: has no option 'colour'"):
        open_chat(ModelName.read(f"hf:{tiny}"), colour="red")
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "config.json").write_text('{"model_type": "qwen2"}')
    (reply,) = ask(broken, [request("x")])
    assert isinstance(reply, ChatError)
    assert "cannot load" in reply.message


def write_run(folder: Path, traces: int) -> tuple[Path, Path]:
    path, book = folder / "traces.jsonl", folder / "abc.yaml"
    book.write_text(BOOK)
    with path.open("w") as file:
        for n in range(traces):
            said = f"Okay, this is trace {n}. Wait, that is wrong. So I try {n} again."
            file.write(json.dumps({"id": f"t{n}", "question": f"Why {n}?", "reasoning": said}) + "\n")
    return path, book


def annotate(traces: Path, book: Path, run: Path, tiny: Path, *more: object) -> list[object]:
    model = ["--model", f"hf:{tiny}", "--codebook", book, "--window", 3, "--temperature", 1]
    return ["annotate", traces, "-o", run, *model, "--max-output-tokens", 24, *more]


def test_annotate_runs_on_it_and_stops_at_a_model_that_knows_nothing(
    tiny: Path, tmp_path: Path, pcode: Callable[..., Any]
) -> None:
    traces, book = write_run(tmp_path, 3)
    result = pcode(*annotate(traces, book, tmp_path / "run", tiny, "--backend-option", "schema=ask"))
    assert result.exit_code == 2, result.output
    assert "brought nothing that could be used" in result.output
    run = CoderRun(tmp_path / "run")
    assert run.manifest.status == "stopped"
    assert run.manifest.parameters["backend"] == {"schema": "ask"}
    lines = [json.loads(line) for line in (tmp_path / "run" / "ledger.jsonl").read_text().splitlines()]
    asked = [line["digest"] for line in lines if line["kind"] == "fault"]
    # The same model would say the same again: nobody is asked twice.
    assert 3 <= len(asked) == len(set(asked)) <= 12
    assert not [line for line in lines if line["kind"] == "gave_up"]


@pytest.mark.slow
def test_a_run_that_was_killed_goes_on_and_ends_the_same(
    tiny: Path, tmp_path: Path, pcode_process: Callable[..., subprocess.Popen[str]]
) -> None:
    """As a run of this model ends that was not killed: it stops, since nothing of use came. Evaluations go on to their end (test_eval)."""
    traces, book = write_run(tmp_path, 6)
    more = ["--backend-option", "schema=ask", "--backend-option", "batch_size=2", "--concurrency", 2]
    env = {"OMP_NUM_THREADS": "1"}
    run = tmp_path / "run"
    process = pcode_process(*annotate(traces, book, run, tiny, *more), env=env)
    ledger = run / "ledger.jsonl"
    while process.poll() is None and not (ledger.is_file() and ledger.read_bytes().count(b"\n") > 1):
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    before = ledger.read_bytes()
    again = pcode_process(*annotate(traces, book, run, tiny, *more), env=env)
    _, said = again.communicate(timeout=200)
    assert again.returncode == 2, said
    assert "brought nothing that could be used" in said
    assert ledger.read_bytes().startswith(before[: before.rindex(b"\n") + 1])
