"""Fine-tuning on a tiny model: what carries loss, what is learnt, and that a killed run ends as an unbroken one."""

from __future__ import annotations

import csv
import filecmp
import json
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from pedagogy_r1.errors import InputError, RunError
from pedagogy_r1.intake.corpus import CorpusWriter
from pedagogy_r1.trace import Trace
from pedagogy_r1.train.sft import train
from pedagogy_r1.train.student_model import load_model, load_tokenizer, merge
from pedagogy_r1.train.tiny_model import build_tiny
from pedagogy_r1.train.trainer import build, check_packing
from pedagogy_r1.train.training_data import (
    IGNORED,
    TrainingExample,
    assistant_text,
    example,
    hold_out,
    load,
    prompt_text,
)
from pedagogy_r1.train.training_settings import settings_of

from ..make_runs import change_record
from ..tampering import unnoticed

for package in ("torch", "transformers", "trl", "peft", "accelerate", "datasets"):
    pytest.importorskip(package)

QWEN = (
    "{% for m in messages %}{{ '<|im_start|>' + m.role + '\\n' + m.content + '<|im_end|>\\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)
QWQ = QWEN.replace("assistant\\n' }}{% endif", "assistant\\n<think>\\n' }}{% endif")
R1 = (
    "{% for m in messages %}{% if m.role == 'assistant' %}{{ m.content.split('</think>')[-1] + '<|im_end|>' }}"
    "{% else %}{{ '<|im_start|>' + m.content }}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|><think>\\n' }}{% endif %}"
)
"""What matters of three real templates: no generation marks; opens the tag; opens it, and cuts thoughts out of history."""

FAST: dict[str, Any] = {"max_length": 160, "accumulate": 1, "device": "cpu"}


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    """Several test processes with several threads each would only wait for one another."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def trace(number: int, **other: Any) -> dict[str, Any]:
    a, b = number % 7, number % 5
    said = "more" if a > b else "fewer"
    made = {
        "id": f"t{number}",
        "item": f"i{number}",
        "question": f"{a} beads or {b}?",
        "reasoning": f"The first has {a}, the second {b}. Wait: {said}.",
        "answer": said,
        "domain": ("SK", "PK")[number % 2],
        "think": "closed",
        "metadata": {
            "group": f"g{number % 10}",
            "prompt": {"system": "You teach.", "user": f"{a} beads or {b}?"},
        },
    }
    return made | other


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    texts = [text for n in range(40) for text in (trace(n)["question"], trace(n)["reasoning"])]
    return build_tiny(tmp_path_factory.mktemp("tiny"), texts=texts, vocab=400, layers=1, positions=512)


@pytest.fixture(scope="module")
def traces(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("traces") / "traces.jsonl"
    path.write_text("".join(json.dumps(trace(n)) + "\n" for n in range(40)))
    return path


@pytest.fixture(scope="module")
def student(tiny: Path, traces: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("students") / "student"
    train(traces, out, model=str(tiny), merge=True, epochs=2, learning_rate=5e-3, held_out=0.1, **FAST)
    return out


def test_changes_of_a_student_are_noticed(student: Path, tmp_path: Path) -> None:
    tried, missed = unnoticed(student, tmp_path)
    assert (tried > 20, missed) == (True, [])


def same_files(a: Path, b: Path) -> None:
    """Everything but times is equal, byte by byte."""
    names = sorted(
        str(p.relative_to(a)) for p in a.rglob("*") if p.is_file() and p.name not in ("timings.json", ".lock")
    )
    assert names
    assert names == sorted(
        str(p.relative_to(b)) for p in b.rglob("*") if p.is_file() and p.name not in ("timings.json", ".lock")
    )
    assert filecmp.cmpfiles(a, b, names, shallow=False) == (names, [], [])


@pytest.mark.parametrize("template", [None, QWEN, QWQ, R1], ids=["marks", "qwen", "qwq", "r1"])
def test_loss_on_reasoning_and_answer_only(tiny: Path, template: str | None) -> None:
    tokenizer = load_tokenizer(str(tiny))
    tokenizer.chat_template = template or tokenizer.chat_template
    one = Trace.model_validate(trace(3))
    made = example(one, tokenizer)
    unmasked = tokenizer.decode([label for label in made.labels if label != IGNORED])
    masked = tokenizer.decode(
        [i for i, label in zip(made.input_ids, made.labels, strict=True) if label == IGNORED]
    )
    print(f"masked: {masked!r}\nloss:   {unmasked!r}")
    asked = [{"role": "system", "content": "You teach."}, {"role": "user", "content": "3 beads or 3?"}]
    assert masked == tokenizer.apply_chat_template(asked, tokenize=False, add_generation_prompt=True)
    said = "<think>\nThe first has 3, the second 3. Wait: fewer.\n</think>\n\nfewer<|im_end|>"
    opened = "<think>\n" if template in (QWQ, R1) else ""
    assert unmasked == said.removeprefix(opened)
    assert masked + unmasked == masked.removesuffix(opened) + said
    assert [
        i for i, label in zip(made.input_ids, made.labels, strict=True) if label not in (IGNORED, i)
    ] == []


def test_marks_inside_a_trace_are_text(tiny: Path) -> None:
    tokenizer = load_tokenizer(str(tiny))
    made = example(Trace.model_validate(trace(1, reasoning="It says <|im_end|> and goes on.")), tokenizer)
    assert made.labels.count(tokenizer.eos_token_id) == 1
    assert made.labels[-1] == tokenizer.eos_token_id


def test_a_reply_without_tags_stays_without(tiny: Path) -> None:
    whole = Trace.model_validate(trace(1, reasoning="Just so: B", answer="", think="absent"))
    assert assistant_text(whole) == "Just so: B"
    without = Trace(id="x", question="why?", reasoning="r", answer="a")
    assert example(without, load_tokenizer(str(tiny))).group == "x"


def test_no_template_and_a_template_that_refuses(tiny: Path) -> None:
    tokenizer = load_tokenizer(str(tiny))
    messages = [{"role": "system", "content": "x"}]
    tokenizer.chat_template = "{{ raise_exception('no system role') }}"
    with pytest.raises(InputError, match="no system role"):
        prompt_text(tokenizer, messages)
    tokenizer.chat_template = None
    with pytest.raises(InputError, match="no chat template"):
        prompt_text(tokenizer, messages)


def test_what_is_left_out_is_counted(tiny: Path, write_jsonl: Callable[..., Path]) -> None:
    tokenizer = load_tokenizer(str(tiny))
    tokenizer.chat_template = QWQ
    metadata = trace(0)["metadata"]
    path = write_jsonl(
        "mixed.jsonl",
        *(trace(n) for n in range(10)),
        trace(10, reasoning=" "),
        trace(11, answer=""),
        trace(12, think="unclosed", answer=""),
        trace(13, metadata=metadata | {"truncated": True}),
        trace(14, reasoning="so " * 200),
        trace(15, think="absent"),
        trace(16, question="", metadata={}),
        trace(17, domain="KT"),
    )
    data = load(path, tokenizer, domains=["SK", "PK"], max_length=100, held_out=0.2, seed=0)
    assert data.left_out == {
        "no reasoning": 1,
        "no answer": 1,
        "cut at the token limit": 2,
        "longer than 100 tokens": 1,
        "no think tags, which the model's template opens": 1,
        "no question": 1,
        "another domain": 1,
    }
    assert len(data.train) + len(data.held) + sum(data.left_out.values()) == data.traces == 18
    for domains, message in (
        (["AES"], "another domain; domains there: KT, PK, SK"),
        (["KT"], "longer than 5 tokens"),
    ):
        with pytest.raises(InputError, match=message):
            load(path, tokenizer, domains=domains, max_length=5, held_out=0, seed=0)


def test_no_group_on_both_sides() -> None:
    examples = [TrainingExample(f"t{n}", f"g{n % 13}", "SK", [1], [1]) for n in range(100)]
    train_side, held = hold_out(examples, 0.1, 0)
    assert not {e.group for e in train_side} & {e.group for e in held}
    assert len(train_side) + len(held) == 100
    assert 4 <= len(held) <= 16
    assert hold_out(examples, 0.1, 1)[1] != held
    assert hold_out(examples, 0, 0) == (examples, [])
    assert {e.group for e in hold_out(examples[:2], 0.5, 0)[1]} < {"g0", "g1"}
    with pytest.raises(InputError, match="one group"):
        hold_out(examples[:1], 0.1, 0)


def test_lora_learns_and_the_merged_model_says_the_same(student: Path, tiny: Path) -> None:
    import torch
    from peft import PeftModel

    rows = list(csv.DictReader((student / "loss.csv").open()))
    fell = [float(row["loss"]) for row in rows if row["loss"]]
    assert fell[-1] < fell[0] - 0.5
    assert sum(1 for row in rows if row["held_out_loss"]) == 2
    assert (student / "loss.png").read_bytes().startswith(b"\x89PNG")
    ids = torch.tensor([[5, 9, 200, 17, 20]])
    with torch.no_grad():
        base = load_model(str(tiny))
        before = base(ids).logits
        adapted = PeftModel.from_pretrained(base, student / "adapter").eval()(ids).logits
        merged = load_model(str(student / "merged"))(ids).logits
    assert torch.allclose(adapted, merged, atol=1e-5)
    assert not torch.allclose(before, merged, atol=1e-2)
    for folder in ("adapter", "merged"):
        assert (student / folder / "tokenizer.json").read_bytes() == (tiny / "tokenizer.json").read_bytes()
        card = (student / folder / "README.md").read_text()
        settings = json.loads((student / "settings.json").read_text())
        assert settings["digests"]["traces"] in card
        assert settings["digests"]["base"] in card
        assert settings["versions"][0]["trl"] in card
        assert f"{fell[0]:.4f}" in card
    assert not (student / "checkpoints").exists()


def test_equal_runs_equal_files_and_a_second_call_does_nothing(
    student: Path, tiny: Path, traces: Path, tmp_path: Path
) -> None:
    again = tmp_path / "again"
    asked: dict[str, Any] = {"model": str(tiny), "epochs": 2, "learning_rate": 5e-3, "held_out": 0.1, **FAST}
    train(traces, again, **asked)
    assert not (again / "merged").exists()
    timings = (again / "timings.json").read_text()
    done = train(traces, again, merge=True, **asked)
    assert done.resumed
    assert done.model == again / "merged"
    assert (again / "timings.json").read_text() == timings, "it trained again"
    same_files(student, again)
    record = tiny / ".pcode.json"  # of who wrote the base model: no part of it
    record.write_text('{"files": {}, "unfinished": [["*.json"]]}')
    try:
        assert train(traces, again, merge=True, **asked).resumed
    finally:
        record.unlink()


def test_full_training_by_domain(tiny: Path, traces: Path, tmp_path: Path, pcode: Callable[..., Any]) -> None:
    out = tmp_path / "full"
    result = pcode(
        *("sft", traces, "-o", out, "--model", tiny, "--method", "full", "--domain", "SK", "--json"),
        *("--epochs", 1, "--learning-rate", 5e-3, "--max-length", 160, "--accumulate", 1, "--held-out", 0),
        *("--no-packing", "--batch-size", 4, "--device", "cpu"),
    )
    assert result.exit_code == 0, result.output
    shown = json.loads(result.stdout)
    assert shown["data"]["domains"] == {"SK": 20}
    assert shown["data"]["left_out"] == {"another domain": 20}
    assert shown["steps"] == 5
    assert shown["held_out_loss"] is None
    before, after = load_model(str(tiny)).state_dict(), load_model(shown["model"]).state_dict()
    assert any(not before[name].equal(after[name]) for name in before)
    assert load_tokenizer(shown["model"]).chat_template == load_tokenizer(str(tiny)).chat_template


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
def test_packed_traces_do_not_see_each_other(tiny: Path, attention: str) -> None:
    """The same loss for every token, packed without FlashAttention or alone."""
    import torch
    from trl.trainer.sft_trainer import DataCollatorForLanguageModeling

    tokenizer, model = load_tokenizer(str(tiny)), load_model(str(tiny), attn_implementation=attention).eval()
    three = [example(Trace.model_validate(trace(n)), tokenizer) for n in (1, 2, 3)]
    collate = DataCollatorForLanguageModeling(pad_token_id=0, padding_free=True)
    packed = collate(
        [
            {
                "input_ids": [i for e in three for i in e.input_ids],
                "labels": [i for e in three for i in e.labels],
                "seq_lengths": [len(e.input_ids) for e in three],
            }
        ]
    )
    with torch.no_grad():
        together = model(**{k: v for k, v in packed.items() if k != "labels"}, use_cache=False).logits[0]
        alone = torch.cat([model(torch.tensor([e.input_ids])).logits[0] for e in three])
        joined = model(packed["input_ids"]).logits[0]
    assert torch.allclose(together, alone, atol=1e-5)
    assert not torch.allclose(joined, alone, atol=1e-3), "the check could not tell"
    check_packing(model, collate)


def test_our_loss_on_a_cpu_is_trls(tiny: Path, traces: Path, tmp_path: Path) -> None:
    import torch
    from trl import SFTTrainer

    tokenizer = load_tokenizer(str(tiny))
    data = load(traces, tokenizer, max_length=160, held_out=0.1, seed=0)
    for packing in (True, False):
        asked = settings_of(
            model=str(tiny), method="full", packing=packing, batch_size=3, max_length=160, device="cpu"
        )
        trainer = build(asked, data, tokenizer, tmp_path / "checkpoints", None)
        for batch, items in (
            (next(iter(trainer.get_train_dataloader())), torch.tensor(50)),
            (next(iter(trainer.get_eval_dataloader())), None),
        ):
            ours, theirs = (
                loss(trainer.model, dict(batch), num_items_in_batch=items)
                for loss in (trainer.compute_loss, partial(SFTTrainer.compute_loss, trainer))
            )
            assert ours.item() == pytest.approx(theirs.item(), rel=1e-5)
            slopes = [
                torch.autograd.grad(one, trainer.model.model.embed_tokens.weight)[0] for one in (ours, theirs)
            ]
            assert torch.allclose(*slopes, atol=1e-5)


def test_an_attention_code_that_ignores_the_borders_is_refused(tiny: Path) -> None:
    import torch
    from trl.trainer.sft_trainer import DataCollatorForLanguageModeling

    class Blind(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = load_model(str(tiny))
            self.config = self.inner.config

        def forward(self, input_ids: Any, **_: Any) -> Any:
            return self.inner(input_ids)

    with pytest.raises(InputError, match="see each other"):
        check_packing(Blind(), DataCollatorForLanguageModeling(pad_token_id=0, padding_free=True))


def test_killed_and_resumed_ends_as_unbroken(
    tiny: Path, traces: Path, tmp_path: Path, pcode_process: Callable[..., subprocess.Popen[str]]
) -> None:
    words = [
        *("--model", tiny, "--epochs", 6, "--learning-rate", 5e-3, "--held-out", 0.1, "--save-every", 4),
        *("--max-length", 160, "--accumulate", 1, "--device", "cpu"),
    ]
    broken, whole = tmp_path / "broken", tmp_path / "whole"
    process = pcode_process("sft", traces, "-o", broken, *words, env={"OMP_NUM_THREADS": "1"})
    try:
        _wait_for(broken / "checkpoints" / "checkpoint-8" / "complete", process)
    finally:
        process.send_signal(signal.SIGKILL)
        process.communicate()
    assert json.loads((broken / "settings.json").read_text())["status"] == "running"
    half = broken / "checkpoints" / "checkpoint-999"
    half.mkdir()
    (half / "model.safetensors").write_bytes(b"torn")
    asked: dict[str, Any] = {
        "model": str(tiny),
        "epochs": 6,
        "learning_rate": 5e-3,
        "held_out": 0.1,
        "save_every": 4,
    }
    assert train(traces, broken, **asked, **FAST).resumed
    assert not train(traces, whole, **asked, **FAST).resumed
    same_files(broken, whole)


def _wait_for(path: Path, process: subprocess.Popen[str]) -> None:
    for _ in range(6000):
        if path.exists():
            return
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)
    pytest.fail(f"{path} never came")


def test_early_stopping_keeps_the_best(tiny: Path, traces: Path, tmp_path: Path) -> None:
    out = tmp_path / "early"
    asked: dict[str, Any] = {
        "model": str(tiny),
        "method": "full",
        "epochs": 40,
        "learning_rate": 0.05,
        "scheduler": "constant",
        "warmup": 0.0,
        "held_out": 0.1,
        "patience": 2,
        "save_every": 5,
    }
    done = train(traces, out, keep_checkpoints=True, **asked, **FAST)
    measured = [
        (r["step"], r["eval_loss"]) for r in json.loads((out / "log.json").read_text()) if "eval_loss" in r
    ]
    best = min(measured, key=lambda pair: pair[1])
    assert best[1] == done.held_out_loss
    assert done.steps == best[0] + 10, "two measurements later"
    kept = out / "checkpoints" / f"checkpoint-{best[0]}" / "model.safetensors"
    assert kept.read_bytes() == (out / "model" / "model.safetensors").read_bytes()

    # Killed between the last step and the final files: nothing is trained again, and the files are the same.
    first = (out / "model" / "README.md").read_bytes()
    change_record(out / "settings.json", status="running", sha256={}, bytes={})
    (out / "loss.csv").unlink()
    timings = (out / "timings.json").read_text()
    assert train(traces, out, **asked, **FAST).steps == done.steps
    assert (out / "timings.json").read_text() == timings
    assert (out / "model" / "README.md").read_bytes() == first
    assert (out / "loss.csv").is_file()


def test_another_run_in_the_folder(student: Path, tiny: Path, traces: Path, tmp_path: Path) -> None:
    asked: dict[str, Any] = {"model": str(tiny), "epochs": 2, "learning_rate": 5e-3, "held_out": 0.1, **FAST}
    with pytest.raises(RunError, match=r"epochs: 2\.0 there, 3\.0 now"):
        train(traces, student, **asked | {"epochs": 3})
    other = tmp_path / "other.jsonl"
    other.write_text(traces.read_text() + json.dumps(trace(99)) + "\n")
    with pytest.raises(RunError, match="the traces have changed"):
        train(other, student, **asked)
    with pytest.raises(InputError, match="none of 40"):
        train(traces, tmp_path / "second", **asked | {"domains": ["AES"]})
    assert not train(traces, tmp_path / "second", **asked | {"epochs": 1, "steps": 1}).resumed, (
        "the mended command"
    )
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.txt").write_text("mine")
    with pytest.raises(RunError, match="not empty"):
        train(traces, tmp_path / "full", **asked)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--method", "qlora"], "CUDA"),
        (["--domain", "AES"], "none of 40 traces"),
        (["--max-length", "9999"], "512 positions"),
        (["--patience", "1", "--held-out", "0"], "held-out slice"),
        (["--model", "damaged"], "cannot load the"),
        (["--model", "empty"], "no config.json"),
    ],
)
def test_errors(
    tiny: Path, traces: Path, tmp_path: Path, pcode: Callable[..., Any], words: list[str], message: str
) -> None:
    import torch

    if "qlora" in words and torch.cuda.is_available():
        pytest.skip("there is a CUDA device")
    for name, content in (("damaged", "{}"), ("empty", None)):
        (tmp_path / name).mkdir()
        if content:
            (tmp_path / name / "config.json").write_text(content)
    words = [str(tmp_path / word) if word in ("damaged", "empty") else word for word in words]
    result = pcode("sft", traces, "-o", tmp_path / "out", "--model", tiny, "--device", "cpu", *words)
    assert result.exit_code == 2
    assert message in result.stderr
    assert "hint:" in result.stderr


def test_no_reasoning_at_all(tiny: Path, write_jsonl: Callable[..., Path], tmp_path: Path) -> None:
    path = write_jsonl("bare.jsonl", *(trace(n, reasoning="") for n in range(3)))
    with pytest.raises(InputError, match="none of 3 traces can be trained on \\(3 no reasoning\\)"):
        train(path, tmp_path / "out", model=str(tiny), **FAST)
    with pytest.raises(InputError, match="no setting is named 'epoch'"):
        train(path, tmp_path / "out", model=str(tiny), epoch=1)
    with pytest.raises(InputError, match="no adapter"):
        merge(tmp_path, tmp_path / "merged")


def test_merging_replaces_no_folder_that_it_did_not_write(student: Path, tiny: Path, tmp_path: Path) -> None:
    out, adapter = tmp_path / "merged", student / "adapter"
    note = out / "notes.md"
    merge(adapter, out, base=str(tiny))
    merge(adapter, out, base=str(tiny))  # its own it replaces
    for path, why in ((note, "no record of having written it"), (out / "config.json", "was changed since")):
        path.write_text("mine")
        with pytest.raises(RunError, match=rf"{path.name} would be deleted, and .*{why}"):
            merge(adapter, out, base=str(tiny))
        assert path.read_text() == "mine"
        path.unlink()
    (tmp_path / "link").symlink_to(out)
    with pytest.raises(RunError, match="is a symbolic link"):
        merge(adapter, tmp_path / "link", base=str(tiny))
    assert (out / "model.safetensors").is_file()


def test_fsdp_configuration_ships(pcode: Callable[..., Any]) -> None:
    from accelerate.commands.config.config_args import load_config_from_file

    config = load_config_from_file(pcode("sft", "--fsdp-config").stdout.strip())
    assert config.distributed_type == "FSDP"
    assert config.fsdp_config["fsdp_state_dict_type"] == "FULL_STATE_DICT", "else checkpoints hold no model"


def test_a_student_learns_from_a_corpus(tiny: Path, tmp_path: Path) -> None:
    with CorpusWriter(tmp_path / "corpus", 3) as corpus, CorpusWriter(tmp_path / "other", 3) as other:
        for n in range(30):
            corpus.put(Trace.model_validate(trace(n)))
            other.put(Trace.model_validate(trace(n + 1)))
    done = train(tmp_path / "corpus", tmp_path / "student", model=str(tiny), steps=1, **FAST)
    assert done.data["traces"] == 30
    with pytest.raises(RunError, match="another training run"):
        train(tmp_path / "other", tmp_path / "student", model=str(tiny), steps=1, **FAST)
