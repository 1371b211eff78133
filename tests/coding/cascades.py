"""A learned coder that is unsure of one unit in four, and traces that are new to it."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any, NamedTuple

from pedagogy_r1.coding.learned.fit_coder import fit_coder

from ..fake_openai import FakeOpenAI
from .test_deferral import EITHER
from .test_learned import SAID, TOPICS, coded

FAKE = "openai:fake"


class Taught(NamedTuple):
    """A coder that is unsure of one unit in four, and traces that are new to it."""

    coder: Path
    traces: Path

    @property
    def how(self) -> dict[str, Any]:
        book = self.coder / "codebook.yaml"
        return {"coder": "learned", "path": self.coder, "codebook": book, "error": 0.1, "confidence": 0.8}

    def command(self, run: Path, server: FakeOpenAI, *more: object) -> list[object]:
        words: list[object] = ["annotate", self.traces, "-o", run, "--coder", f"learned:{self.coder}"]
        words += [
            "--error",
            ".1",
            "--confidence",
            ".8",
            "--then",
            FAKE,
            "--base-url",
            server.url,
            "--window",
            5,
        ]
        return [*words, "--timeout", 5, "--backoff", 0.02, "--retries", 12, *more]


def new_traces(path: Path, count: int, sentences: int = 12) -> Path:
    rng = random.Random(4)
    with path.open("w") as file:
        for n in range(count):
            sayings = [(*said, EITHER) for said in SAID.values()]
            text = " ".join(rng.choice(rng.choice(sayings)).format(f"topic{n}") for _ in range(sentences))
            file.write(json.dumps({"id": f"new-{n}", "question": f"Why {n}?", "reasoning": text}) + "\n")
    return path


def make_taught(folder: Path) -> Taught:
    sayings = {code: (*said, EITHER) for code, said in SAID.items()}
    _, run = coded(folder, TOPICS + tuple(topic + "s" for topic in TOPICS), sayings=sayings)
    fit_coder([run], folder / "coder")
    return Taught(folder / "coder", new_traces(folder / "new.jsonl", 30))
