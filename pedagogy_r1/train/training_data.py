"""What a student learns from: usable traces as token ids and labels, a slice held out by group, and what was left out and why.

    <|im_start|>user⏎Which is …?<|im_end|>⏎<|im_start|>assistant⏎  <think>⏎Okay …⏎</think>⏎⏎B<|im_end|>
    └───────────────────── prompt: labels -100 ─────────────────┘  └──── completion: labels = ids ────┘

The prompt is rendered by the model's own chat template, exactly as it will be when the student is asked; the completion is
written by us and never passes through the template. That is the one way that holds for all of them:

- R1-Distill's template cuts everything up to ``</think>`` out of an assistant turn: trained through it (as messages, or with
  TRL's ``prompt``/``completion``), a student would never see a thought.
- QwQ's and newer R1 templates open ``<think>`` themselves: what the prompt already says is not said again.
- Qwen2.5's has no ``{% generation %}`` marks, so ``assistant_only_loss`` cannot work with it.

Prompt and completion are tokenized apart, so no token reaches over the border. The completion ends with the tokenizer's
``eos_token``, at which generation stops. Marks such as ``<|im_end|>`` inside a trace are taken as ordinary text.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from ..errors import InputError
from ..intake import read_traces
from ..trace import Trace

IGNORED = -100
"""PyTorch's label for "no loss here"."""

_OPEN = "<think>"


class TrainingExample(NamedTuple):
    """``labels[i]`` is ``input_ids[i]`` in the completion, and -100 in the prompt."""

    trace: str
    group: str
    domain: str | None
    input_ids: list[int]
    labels: list[int]


def assistant_text(trace: Trace) -> str:
    """What the student shall say: ``<think>⏎reasoning⏎</think>⏎⏎answer``; a reply without tags stays without."""
    if trace.think == "absent":
        return f"{trace.reasoning.strip()}\n\n{trace.answer.strip()}".strip()
    return f"{_OPEN}\n{trace.reasoning.strip()}\n</think>\n\n{trace.answer.strip()}"


def messages_of(trace: Trace) -> list[dict[str, str]]:
    """What was asked: ``metadata["prompt"]`` as generation recorded it, else the question alone."""
    prompt = trace.metadata.get("prompt") or {}
    user = prompt.get("user") or trace.question
    system = prompt.get("system")
    return ([{"role": "system", "content": system}] if system else []) + [{"role": "user", "content": user}]


def prompt_text(tokenizer: Any, messages: list[dict[str, str]]) -> str:
    """The prompt up to where the assistant speaks. Raises `InputError` where the template is missing or refuses."""
    if not getattr(tokenizer, "chat_template", None):
        raise InputError(
            f"{tokenizer.name_or_path or 'the model'} has no chat template",
            "train an instruction-tuned model, or put a chat_template.jinja beside its tokenizer",
        )
    try:
        return str(tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True))
    except Exception as error:  # noqa: BLE001 - a template is a program of its own and raises what it likes
        raise InputError(
            f"the chat template refuses {' + '.join(m['role'] for m in messages)}: {error}",
            "some models take no system prompt; use a condition without one",
        ) from None


def example(trace: Trace, tokenizer: Any) -> TrainingExample:
    """The trace as ids and labels."""
    prompt = prompt_text(tokenizer, messages_of(trace))
    completion = _unsaid(prompt, assistant_text(trace))
    asked = tokenizer(prompt, add_special_tokens=False)["input_ids"]
    said = tokenizer(completion, add_special_tokens=False, split_special_tokens=True)["input_ids"]
    said = [*said, tokenizer.eos_token_id]
    group = trace.metadata.get("group") or trace.item or trace.id
    return TrainingExample(trace.id, str(group), trace.domain, [*asked, *said], [IGNORED] * len(asked) + said)


def opens_think(prompt: str) -> bool:
    """Whether the template has opened the tag already."""
    return prompt.rstrip().endswith(_OPEN)


def _unsaid(prompt: str, text: str) -> str:
    """``text`` without the ``<think>⏎`` with which the prompt already ends."""
    if not (opens_think(prompt) and text.startswith(_OPEN)):
        return text
    said = prompt[prompt.rindex(_OPEN) :]
    while said and not text.startswith(said):
        said = said[:-1]
    return text[len(said) :]


@dataclass(frozen=True)
class TrainingData:
    """``train`` and ``held`` never share a group. ``left_out``: how many traces were not used, by reason."""

    train: list[TrainingExample]
    held: list[TrainingExample]
    traces: int
    left_out: dict[str, int] = field(default_factory=dict)

    def summary(self) -> dict[str, Any]:
        """Counts as JSON: what goes into ``data.json`` and the model card."""
        return {
            "traces": self.traces,
            "used": len(self.train),
            "held_out": len(self.held),
            "left_out": dict(sorted(self.left_out.items())),
            "domains": dict(sorted(Counter(each.domain or "?" for each in self.train).items())),
            "groups": {
                "train": len({each.group for each in self.train}),
                "held_out": len({each.group for each in self.held}),
            },
            "tokens": {
                "train": sum(len(each.input_ids) for each in self.train),
                "with_loss": sum(label != IGNORED for each in self.train for label in each.labels),
                "longest": max(len(each.input_ids) for each in (*self.train, *self.held)),
            },
        }


def load(
    path: str | Path,
    tokenizer: Any,
    *,
    domains: Sequence[str] = (),
    max_length: int,
    held_out: float,
    seed: int,
) -> TrainingData:
    """Read traces and make examples of them.

    Left out, and counted: other domains, no reasoning, no answer, replies cut at the token limit, examples longer than
    ``max_length`` (a thought that breaks off teaches not to finish).

    Raises `InputError` where nothing remains, or too few groups to hold one out.
    """
    left_out: Counter[str] = Counter()
    examples: list[TrainingExample] = []
    seen: Counter[str] = Counter()
    for trace in read_traces(path):
        seen[trace.domain or "?"] += 1
        if (reason := _unusable(trace, domains)) is None:
            made = example(trace, tokenizer)
            reason = _unfit(trace, made, tokenizer, max_length)
        if reason is None:
            examples.append(made)
        else:
            left_out[reason] += 1
    if not examples:
        raise InputError(f"{path}: {_nothing(seen, left_out, domains)}", _hint(left_out))
    train, held = hold_out(examples, held_out, seed)
    return TrainingData(train, held, sum(seen.values()), dict(left_out))


def hold_out(
    examples: Sequence[TrainingExample], share: float, seed: int
) -> tuple[list[TrainingExample], list[TrainingExample]]:
    """Keep whole groups apart until ``share`` of the examples, and at least one group, is held out.

    Which groups: the order of a digest of seed and name, so that a group stays on its side when others come or go.
    """
    if not share:
        return list(examples), []
    sizes = Counter(each.group for each in examples)
    if len(sizes) < 2:
        raise InputError(
            f"all {len(examples)} traces belong to one group, so none can be held out",
            "train without: --held-out 0",
        )
    order = sorted(sizes, key=lambda name: hashlib.sha256(f"{seed}:{name}".encode()).digest())
    held = {order[0]}
    for group in order[1:-1]:
        if sum(sizes[each] for each in held) + sizes[group] / 2 > share * len(examples):
            break
        held.add(group)
    return [e for e in examples if e.group not in held], [e for e in examples if e.group in held]


def _unusable(trace: Trace, domains: Sequence[str]) -> str | None:
    if domains and trace.domain not in domains:
        return "another domain"
    if trace.metadata.get("truncated") or trace.think == "unclosed":
        return "cut at the token limit"
    if not trace.reasoning.strip():
        return "no reasoning"
    if not trace.answer.strip() and trace.think != "absent":
        return "no answer"
    if not (trace.question or (trace.metadata.get("prompt") or {}).get("user")):
        return "no question"
    return None


def _unfit(trace: Trace, made: TrainingExample, tokenizer: Any, max_length: int) -> str | None:
    if trace.think == "absent":
        prompt = [t for t, label in zip(made.input_ids, made.labels, strict=True) if label == IGNORED]
        if opens_think(tokenizer.decode(prompt)):
            return "no think tags, which the model's template opens"
    return f"longer than {max_length} tokens" if len(made.input_ids) > max_length else None


def _nothing(seen: Counter[str], left_out: Counter[str], domains: Sequence[str]) -> str:
    if not seen:
        return "no traces"
    reasons = ", ".join(f"{count} {reason}" for reason, count in left_out.most_common())
    there = f"; domains there: {', '.join(sorted(seen))}" if domains else ""
    return f"none of {sum(seen.values())} traces can be trained on ({reasons}{there})"


def _hint(left_out: Counter[str]) -> str:
    main = left_out.most_common(1)[0][0] if left_out else ""
    if main.startswith("longer"):
        return "raise --max-length"
    if main == "another domain":
        return "check --domain"
    return "a trace needs question, reasoning and answer; make them with: pcode distill"
