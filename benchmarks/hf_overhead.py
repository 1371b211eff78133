"""What the backend ``hf`` costs beside a bare ``model.generate`` on the same batches.

    python benchmarks/hf_overhead.py                                 a random Qwen2 of 16 million parameters, built on the spot
    python benchmarks/hf_overhead.py --width 1536 --layers 28 --heads 12 --vocab 151936 --device cuda --dtype bfloat16
    python benchmarks/hf_overhead.py --system 2000 --tokens 8        the shared beginning kept, beside computed anew for each request
    python benchmarks/hf_overhead.py --system schoen --model FOLDER  the same with the compact Schön prompt and a model of yours

Both sides get the same model, prompts, batches (sorted by length, padded on the left), sampling and numbers of tokens (there is
no end token). Ours does beside that: asyncio, noise by row, replies as JSON. They take turns, so that a busy machine slows
both; medians of pairs, on the clock and in processor time.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, GenerationConfig

from pedagogy_r1.chat import ChatFrame, ChatRequest
from pedagogy_r1.chat._in_process import BatchChat
from pedagogy_r1.chat._local import find_model
from pedagogy_r1.chat.hf import SHARED, HfEngine, chat
from pedagogy_r1.codebook import load_codebook
from pedagogy_r1.coding.prompt_and_reply import make_prompt
from pedagogy_r1.train.tiny_model import build_tiny

SYSTEM = "Consider the pedagogical step by step."
QUESTIONS = [
    f"Question {n}: " + "Why does the pupil think that 1/3 is less than 1/4? " * (n % 7 + 1)
    for n in range(64)
]


class Spent(NamedTuple):
    """Seconds on the clock, and of the processor, which a busy machine does not stretch as much."""

    wall: float
    cpu: float

    @classmethod
    def now(cls) -> Spent:
        """Both clocks."""
        return cls(time.perf_counter(), time.process_time())


def bare(model: Any, tokenizer: Any, batch: int, tokens: int, settings: dict[str, Any]) -> list[str]:
    """What a script of twenty lines does."""
    texts = [
        tokenizer.apply_chat_template(
            [{"role": "system", "content": SYSTEM}, {"role": "user", "content": question}],
            add_generation_prompt=True,
            tokenize=False,
        )
        for question in QUESTIONS
    ]
    texts.sort(key=len, reverse=True)
    found: list[str] = []
    for start in range(0, len(texts), batch):
        inputs = tokenizer(
            texts[start : start + batch], return_tensors="pt", padding=True, add_special_tokens=False
        )
        inputs = inputs.to(model.device)
        with torch.inference_mode():
            made = model.generate(
                input_ids=inputs["input_ids"],
                attention_mask=inputs["attention_mask"],
                max_new_tokens=tokens,
                do_sample=settings["temperature"] > 0,
                **({**settings, "top_k": 0} if settings["temperature"] > 0 else {}),
            )
        found += tokenizer.batch_decode(made[:, inputs["input_ids"].shape[1] :], skip_special_tokens=True)
    return found


async def ours(made: BatchChat, tokens: int, settings: dict[str, Any]) -> list[str]:
    """The same through the backend."""
    frame = ChatFrame(
        "m", SYSTEM, None, {**settings, "seed": 0, "max_completion_tokens": tokens}, partial=True
    )
    replies = await asyncio.gather(*(made.ask(ChatRequest(frame, question)) for question in QUESTIONS))
    assert all(reply.usage.completion == tokens for reply in replies)
    return [reply.text for reply in replies]


def compare(
    folder: Path, batch: int, tokens: int, pairs: int, settings: dict[str, Any], where: dict[str, str]
) -> str:
    """Median seconds of both, and of the ratio within a pair."""
    tokenizer = AutoTokenizer.from_pretrained(folder, padding_side="left")
    model = (
        AutoModelForCausalLM.from_pretrained(folder, dtype=getattr(torch, where["dtype"]))
        .to(where["device"])
        .eval()
    )
    model.generation_config = GenerationConfig(pad_token_id=tokenizer.pad_token_id)

    async def play() -> list[tuple[Spent, Spent]]:
        made = chat(str(folder), connections=len(QUESTIONS), batch_size=batch, **where)
        times: list[tuple[Spent, Spent]] = []
        for number in range(pairs + 1):  # the first pair loads the model and warms up
            sides: dict[str, Spent] = {}
            for side in ("ours", "bare") if number % 2 else ("bare", "ours"):
                began = Spent.now()
                if side == "ours":
                    await ours(made, tokens, settings)
                else:  # in a thread as ours is, so that both have the same threads of torch
                    await asyncio.to_thread(bare, model, tokenizer, batch, tokens, settings)
                sides[side] = Spent(*(b - a for a, b in zip(began, Spent.now(), strict=True)))
            times.append((sides["ours"], sides["bare"]))
        await made.close()
        return times[1:]

    times = asyncio.run(play())
    said = []
    for kind in Spent._fields:
        own, floor = ([getattr(side, kind) for side in column] for column in zip(*times, strict=True))
        ratios = sorted(a / b for a, b in zip(own, floor, strict=True))
        said.append(
            f"{kind}: hf {statistics.median(own):.2f} s, model.generate {statistics.median(floor):.2f} s, "
            f"ratio {statistics.median(ratios):.3f} ({ratios[0]:.3f} to {ratios[-1]:.3f})"
        )
    return "; ".join(said)


def main() -> None:
    """Greedy, and sampling with a nucleus."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    for name, value in {
        "width": 384,
        "layers": 8,
        "heads": 6,
        "vocab": 2000,
        "batch": 16,
        "tokens": 48,
        "pairs": 7,
    }.items():
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--dtype", default="float32")
    parser.add_argument(
        "--system", help="compare with the shared beginning computed anew: its words, or a codebook"
    )
    parser.add_argument("--form", default="compact")
    parser.add_argument("--model", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = build_tiny(
            name,
            layers=given.layers,
            width=given.width,
            heads=given.heads,
            vocab=given.vocab,
            positions=8192,
        )
        mute(folder, given.vocab)
        where = {"device": given.device, "dtype": given.dtype}
        if given.system:
            words = "code a unit as the book says " * (
                int(given.system) // 7 if given.system.isdigit() else 0
            )
            system = words or make_prompt(load_codebook(given.system), given.form).system
            model = given.model or folder
            print(compare_kept(model, system, given.batch, given.tokens, given.pairs, where), flush=True)
            return
        for settings in ({"temperature": 0.0}, {"temperature": 0.6, "top_p": 0.95}):
            print(
                settings, compare(folder, given.batch, given.tokens, given.pairs, settings, where), flush=True
            )


def compare_kept(
    folder: Path, system: str, batch: int, tokens: int, pairs: int, where: dict[str, str]
) -> str:
    """Requests under one system message: its keys and values kept, beside computed anew. The texts must be the same."""
    sides = {
        shared: BatchChat(
            "m",
            HfEngine(
                str(folder),
                find_model(str(folder), None),
                **where,
                batch_size=batch,
                longest=None,
                enforce=True,
                shared=shared,
            ),
            full=len(QUESTIONS),
        )
        for shared in (SHARED, sys.maxsize)
    }

    async def play() -> tuple[list[float], int, int]:
        ratios, replies = [], {}
        for number in range(pairs + 1):  # the first pair loads the models and warms up
            frame = ChatFrame(
                "m",
                f"{number} {system}",  # never kept from the pair before
                parameters={"temperature": 0.0, "max_completion_tokens": tokens},
                partial=True,
            )
            asked = [ChatRequest(frame, question) for question in QUESTIONS[: 2 * batch]]
            spent = {}
            for shared in sides if number % 2 else reversed(sides):
                began = Spent.now()
                replies[shared] = await asyncio.gather(*(sides[shared].ask(each) for each in asked))
                spent[shared] = Spent.now().cpu - began.cpu
            ratios.append(spent[sys.maxsize] / spent[SHARED])
        for made in sides.values():
            await made.close()
        kept, anew = replies[SHARED], replies[sys.maxsize]
        same = sum(a.text == b.text for a, b in zip(kept, anew, strict=True))
        return ratios[1:], same, kept[0].usage.cached

    ratios, same, cached = asyncio.run(play())
    ratios.sort()
    return (
        f"{cached} tokens shared, {2 * batch} requests in batches of {batch}, {tokens} tokens each: anew takes "
        f"{statistics.median(ratios):.2f} times the processor time ({ratios[0]:.2f} to {ratios[-1]:.2f}); "
        f"{same} of {2 * batch} texts the same"
    )


def mute(folder: Path, vocab: int) -> None:
    """Take the end tokens away, so that every reply has the same length on both sides; widen the vocabulary to ``vocab``."""
    for name in ("config.json", "generation_config.json", "tokenizer_config.json"):
        path = folder / name
        kept = {
            key: value
            for key, value in json.loads(path.read_text()).items()
            if not key.startswith("eos_token")
        }
        path.write_text(json.dumps({**kept, "eos_token": None} if name.startswith("tok") else kept))
    model = AutoModelForCausalLM.from_pretrained(folder)
    if vocab > model.config.vocab_size:
        model.resize_token_embeddings(vocab, mean_resizing=False)
        model.save_pretrained(folder)


if __name__ == "__main__":
    main()
