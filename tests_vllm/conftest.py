"""What the tests with the real vLLM share: a tiny model, an adapter that has learnt a little, and a server. See `make test-vllm`."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from pedagogy_r1.train.tiny_model import build_tiny
from pedagogy_r1.wbeb.condition import condition
from pedagogy_r1.wbeb.item import Item, write_items
from pedagogy_r1.wbeb.questions import GenerationSettings, Questions
from tests.conftest import pcode  # noqa: F401 - a fixture
from tests.make_runs import BOOK

# Read by vLLM when it is imported: one GiB for keys and values, nothing sent anywhere.
ENVIRONMENT = {
    "VLLM_CPU_KVCACHE_SPACE": "1",
    "VLLM_LOGGING_LEVEL": "ERROR",
    "OMP_NUM_THREADS": "1",  # two small matrices a thread are no work worth sharing
    "VLLM_NO_USAGE_STATS": "1",
    "HF_HUB_OFFLINE": "1",
}
for name, value in ENVIRONMENT.items():
    os.environ.setdefault(name, value)

POSITIONS = 4096
EAGER = ["--backend-option", "enforce_eager=true"]


def items() -> list[Item]:
    """Twelve students, half of whom will get the next step right; it depends on the first skill alone."""
    skills = ["Mean", "Table", "Venn Diagram", "Ordering Fractions"]
    return [
        Item(
            id=f"kt-{n}",
            domain="KT",
            source="made up",
            answer="right" if n % 2 else "wrong",
            group=f"student {n}",
            split="test" if n < 8 else "train",
            metadata={
                "steps": [
                    {"skills": [skills[(n + k) % 4]], "correct": int((n * 7 + k * k) % 3 == 0)}
                    for k in range(n % 4 + 2)
                ]
            },
        )
        for n in range(12)
    ]


class Tiny(NamedTuple):
    """Folders of a random model and of an adapter that has learnt the answers to ``items``; something to code."""

    model: Path
    adapter: Path
    items: Path
    traces: Path
    book: Path


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Tiny:
    """A random Qwen2, and an adapter that was shown the answers to `items`."""
    folder = tmp_path_factory.mktemp("tiny")
    questions = Questions(GenerationSettings("hf:none", condition("none")))
    asked = [(item, questions.ask(item, 0).messages) for item in items()]
    words = [messages.user for _, messages in asked] + [BOOK, '{"codings":[{"unit":1,"evidence":"Wait, '] * 4
    model = build_tiny(folder / "model", texts=words, vocab=400, positions=POSITIONS)
    pairs = [(messages.user, f"Answer: {item.answer}") for item, messages in asked]
    adapter = teach(model, folder / "adapter", pairs)
    traces, book = folder / "traces.jsonl", folder / "abc.yaml"
    book.write_text(BOOK)
    with traces.open("w") as file:
        for n in range(4):
            said = f"Okay, this is trace {n}. Wait, that is wrong. So I try {n} again."
            file.write(json.dumps({"id": f"t{n}", "question": f"Why {n}?", "reasoning": said}) + "\n")
    write_items(folder / "items.jsonl", items())
    return Tiny(model, adapter, folder / "items.jsonl", traces, book)


def teach(model: Path, adapter: Path, pairs: Sequence[tuple[str, str]], steps: int = 60) -> Path:
    """Write an adapter with which the model has learnt answers by heart."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM, AutoTokenizer

    torch.manual_seed(0)
    tokenizer = AutoTokenizer.from_pretrained(model)
    lora = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear")
    network = get_peft_model(AutoModelForCausalLM.from_pretrained(model), lora)
    rows, masks = [], []
    for question, answer in pairs:
        said = [{"role": "user", "content": question}]
        prompt = tokenizer.apply_chat_template(said, add_generation_prompt=True, tokenize=False)
        start, end = (
            tokenizer(text, add_special_tokens=False)["input_ids"] for text in (prompt, answer + "<|im_end|>")
        )
        rows.append(start + end)
        masks.append([-100] * len(start) + end)
    width = max(map(len, rows))
    ids = torch.tensor([row + [0] * (width - len(row)) for row in rows])
    labels = torch.tensor([mask + [-100] * (width - len(mask)) for mask in masks])
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-2)
    for _ in range(steps):
        optimizer.zero_grad()
        network(input_ids=ids, labels=labels).loss.backward()
        optimizer.step()
    network.save_pretrained(adapter)
    return adapter


@pytest.fixture(scope="session")
def server(tiny: Tiny, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The base URL of a real server of the tiny model (``tiny``) and its adapter (``tuned``)."""
    log = tmp_path_factory.mktemp("server") / "log.txt"
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    structured = json.dumps({"backend": "xgrammar", "disable_any_whitespace": True})
    words: list[Any] = [sys.executable, "-m", "vllm.entrypoints.openai.api_server", "--model", tiny.model]
    words += ["--served-model-name", "tiny", "--host", "127.0.0.1", "--port", port, "--enforce-eager"]
    # Without it, seeded requests end a server on a CPU as soon as their prompts fill a step: docs/models.md.
    words += ["--no-enable-chunked-prefill"]
    words += ["--dtype", "float32", "--structured-outputs-config", structured, "--generation-config", "vllm"]
    words += ["--enable-lora", "--max-lora-rank", 16, "--lora-modules", f"tuned={tiny.adapter}"]
    with log.open("w") as out:
        process = subprocess.Popen([str(word) for word in words], stdout=out, stderr=subprocess.STDOUT)
        try:
            wait_for(f"http://127.0.0.1:{port}/health", process, log)
            yield f"http://127.0.0.1:{port}/v1"
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()


def wait_for(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    """Until the server answers; its log if it ends instead."""
    for _ in range(600):
        if process.poll() is not None:
            pytest.fail(f"the server ended:\n{log.read_text()[-3000:]}")
        try:
            with urllib.request.urlopen(url, timeout=1):
                return
        except OSError:
            time.sleep(0.25)
    pytest.fail(f"the server did not come up:\n{log.read_text()[-3000:]}")
