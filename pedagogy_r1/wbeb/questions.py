"""What is asked of a model, and the trace that its reply becomes: settings, few-shot examples, one request an item and sample.

    settings = GenerationSettings("openai:Qwen/Qwen3-8B", condition("cop"), shots=5, seed=1)
    questions = Questions(settings, pool)
    asked = questions.ask(item, sample=0)     the question, both messages, and the ChatRequest
    trace_of(questions, item, 0, asked, reply)

    "<think>Air is …</think>The answer is (B)."   →   reasoning "Air is …", answer "The answer is (B).", correct True

Examples come from ``train`` only, of the item's domain and task and never of its group; which ones depends on the seed
and the item alone, so that an item is asked the same in a subset and in the whole.
"""

from __future__ import annotations

import hashlib
import json
import random
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import cached_property
from itertools import islice
from typing import Any, NamedTuple

from ..asking import BaseUrl, ModelName, gpus_of
from ..chat import ChatFrame, ChatReply, ChatRequest
from ..errors import ArgumentError, InputError
from ..intake.think_tags import Parted, split_response
from ..provenance import digest
from ..trace import Trace
from .answers.parsed import READER
from .answers.probability import foretold
from .condition import Condition, Messages
from .domain import DomainTask, Parsed, domain_of
from .item import Item

TOP_LOGPROBS = 20
"""Alternatives asked for beside each token: the most that OpenAI and vLLM give."""


@dataclass(frozen=True)
class GenerationSettings:
    """All that may change an answer. How fast, how often and with which key is not among it.

    ``temperature`` below 0: neither it nor ``top_p`` is sent, for models that take none. ``name``: what the model is
    called in traces and tables. ``backend``: options of an in-process backend (LoRA adapter, dtype …).
    """

    model: str
    condition: Condition
    shots: int = 0
    samples: int = 1
    seed: int = 0
    temperature: float = 0.6
    top_p: float = 0.95
    max_tokens: int = 8192
    probabilities: bool = False
    base_url: BaseUrl | None = None
    name: str | None = None
    backend: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.shots < 0 or self.samples < 1 or self.max_tokens < 1:
            raise ArgumentError(
                f"shots {self.shots}, samples {self.samples}, max_tokens {self.max_tokens}",
                "shots are 0 or more, samples and max_tokens 1 or more",
            )

    @cached_property
    def called(self) -> str:
        """The model's name in traces; an adapter is part of it."""
        lora = self.backend.get("lora")
        return self.name or ModelName.read(self.model).name + (f"+{lora}" if lora else "")

    @property
    def gpus(self) -> int:
        """That a process with the model needs, where there are any."""
        return gpus_of(ModelName.read(self.model), self.backend)

    @property
    def parameters(self) -> dict[str, Any]:
        """As they are recorded."""
        own = {each.name: getattr(self, each.name) for each in fields(self)}
        if self.temperature < 0:
            own |= {"temperature": None, "top_p": None}
        return own | {"condition": self.condition.stamp, "name": self.called, "backend": dict(self.backend)}

    @cached_property
    def stamp(self) -> str:
        """``cop.3fa9c1``: sets traces of one item under different settings apart. Where the server stands does not matter."""
        own = {k: v for k, v in self.parameters.items() if k not in ("base_url", "samples", "name")}
        return f"{self.condition.id}.{digest(own).removeprefix('sha256:')[:6]}"

    def trace_id(self, item: Item, sample: int) -> str:
        """``cj_eval_0772@cop.3fa9c1``, and ``…#2`` for the second of several samples."""
        return f"{item.id}@{self.stamp}" + (f"#{sample + 1}" if self.samples > 1 else "")


class AskedQuestion(NamedTuple):
    """One request. ``question`` is the item's own, without examples and instruction."""

    question: str
    messages: Messages
    request: ChatRequest


class Questions:
    """Makes the requests. Raises `InputError` for a pool that has not enough examples, or others than of ``train``."""

    def __init__(self, settings: GenerationSettings, pool: Sequence[Item] = ()) -> None:
        self.settings = settings
        self._pool: dict[tuple[str, str | None], list[Item]] = defaultdict(list)
        self._frames: dict[tuple[int, bool], ChatFrame] = {}
        for item in pool if settings.shots else ():
            if item.split != "train":
                raise InputError(
                    f"item {item.id!r} is no example: its split is {item.split or 'not known'}",
                    "few-shot examples come from train only; make splits with: pcode wbeb build",
                )
            self._pool[item.key].append(item)

    def ask(self, item: Item, sample: int) -> AskedQuestion:
        """The request for one item and sample (from 0)."""
        task = domain_of(item)
        question = task.prompt(item)
        examples = self.examples(item)
        messages = self.settings.condition.messages(task.prompt(item, examples) if examples else question)
        frame = self.frame(sample, messages.system, task.gives_probability and self.settings.probabilities)
        return AskedQuestion(question, messages, ChatRequest(frame, messages.user))

    def examples(self, item: Item) -> list[Item]:
        """``shots`` items of train, of the same domain and task, none of the item's group."""
        shots = self.settings.shots
        if not shots:
            return []
        source = random.Random(f"{self.settings.seed}\0{item.id}")  # noqa: S311 - a choice of examples, no secret
        there = self._pool.get(item.key, [])
        drawn = (there[k] for k in _shuffled(source, len(there)))
        found = list(islice((one for one in drawn if one.group != item.group and one.id != item.id), shots))
        if len(found) == shots:
            return found
        what = f"{item.domain} {item.task}" if item.task else item.domain
        raise InputError(
            f"item {item.id!r} needs {shots} examples and train has {len(found)} of {what} outside its group",
            "ask for fewer with --shots, or give items with a larger train split",
        )

    def frame(self, sample: int, system: str, logprobs: bool) -> ChatFrame:
        """What all requests of a sample share; only the seed tells samples apart."""
        frame = self._frames.get((sample, logprobs))
        if frame is None:
            s = self.settings
            parameters: dict[str, Any] = {"max_completion_tokens": s.max_tokens, "seed": s.seed + sample}
            if s.temperature >= 0:
                parameters |= {"temperature": s.temperature, "top_p": s.top_p}
            if logprobs:
                parameters |= {"logprobs": True, "top_logprobs": TOP_LOGPROBS}
            frame = ChatFrame(ModelName.read(s.model).name, system, parameters=parameters, partial=True)
            self._frames[sample, logprobs] = frame
        return frame

    def digest(self, items: Sequence[Item]) -> str:
        """``sha256:…`` over all messages and right answers: other items, examples or wordings are another digest."""
        whole = hashlib.sha256()
        for item in items:
            asked = self.ask(item, 0)
            whole.update(digest([item.id, item.answer, item.group, *asked.messages]).encode())
        return "sha256:" + whole.hexdigest()


def _shuffled(source: random.Random, count: int) -> Iterator[int]:
    """All of ``range(count)``: the first 64 at random, which is nearly always enough, then the rest in order."""
    first = source.sample(range(count), min(count, 64))
    yield from first
    yield from (k for k in range(count) if k not in first)


def trace_of(questions: Questions, item: Item, sample: int, asked: AskedQuestion, reply: ChatReply) -> Trace:
    """The trace of a reply. Times and ids of the server are no part of it, so that the same replies give the same file."""
    settings, task = questions.settings, domain_of(item)
    # The server's own field for reasoning where it has one, else by the tags.
    own = reply.reasoning is not None
    said = Parted(reply.reasoning or "", reply.text, "field") if own else split_response(reply.text)
    cut = reply.finish == "length"
    parsed = read_reply(task, item, said, cut)
    body = json.loads(reply.raw)
    metadata: dict[str, Any] = {
        "condition": settings.condition.stamp,
        "prompt": {"system": asked.messages.system or None, "user": asked.messages.user},
        "shots": settings.shots,
        "sample": sample,
        "seed": settings.seed + sample,
        "finish": reply.finish,
        "truncated": cut,
        "tokens": {
            "prompt": reply.usage.prompt,
            "completion": reply.usage.completion,
            "thought": _thought_tokens(said, reply.usage.completion, body),
        },
        "parsed": parsed._asdict(),
        "reader": READER,
        "group": item.group,
        "source": item.source,
        "task": item.task,
    }
    if said.more:
        metadata["beside"] = said.more
    if domain := task.metadata(item):
        metadata["domain"] = domain
    if task.gives_probability:
        content = (body["choices"][0].get("logprobs") or {}).get("content") or ()
        found = foretold(list(content), _answer_text(said), parsed.value)._asdict()
        metadata["probability"] = {k: v for k, v in found.items() if k != "why" or v is not None}
    return Trace(
        id=settings.trace_id(item, sample),
        item=item.id,
        question=asked.question,
        reasoning=said.reasoning,
        answer=said.answer,
        reference=item.answer,
        correct=task.correct(parsed, item),
        domain=item.domain,
        condition=settings.condition.id,
        model=settings.called,
        lang=item.lang,
        think=said.think,
        metadata=metadata,
    )


def _answer_text(said: Parted) -> str:
    """Where the answer is to be found: all of it, if nothing told reasoning and answer apart."""
    return said.answer or (said.reasoning if said.think == "absent" else "")


def read_reply(task: DomainTask, item: Item, said: Parted, cut: bool) -> Parsed:
    """What the reply answers. Of a text that was cut off, and of which nothing tells reasoning from answer, only a strict rule
    may read: what looks like an answer may be a thought on the way to one.
    """
    text = _answer_text(said)
    if not text.strip():
        return Parsed(None, why="cut off before an answer" if cut else "no answer behind the reasoning")
    parsed = task.parse(text, item)
    if cut and said.think == "absent" and parsed.value is not None and not parsed.strict:
        return Parsed(None, why="cut off before an answer")
    return parsed


def _thought_tokens(said: Parted, completion: int, body: dict[str, Any]) -> int:
    """Tokens of the reasoning: as the server counted them, else the completion's in proportion to the characters."""
    counted = ((body.get("usage") or {}).get("completion_tokens_details") or {}).get("reasoning_tokens")
    if counted:
        return int(counted)
    whole = len(said.reasoning) + len(said.answer)
    return round(completion * len(said.reasoning) / whole) if whole else 0
