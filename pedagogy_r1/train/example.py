"""One trace as the model sees it in training: token ids, and labels that are -100 wherever no loss is taken.

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

from typing import Any, NamedTuple

from ..errors import InputError
from ..trace import Trace

IGNORED = -100
"""PyTorch's label for "no loss here"."""

_OPEN = "<think>"


class Example(NamedTuple):
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


def example(trace: Trace, tokenizer: Any) -> Example:
    """The trace as ids and labels."""
    prompt = prompt_text(tokenizer, messages_of(trace))
    completion = _unsaid(prompt, assistant_text(trace))
    asked = tokenizer(prompt, add_special_tokens=False)["input_ids"]
    said = tokenizer(completion, add_special_tokens=False, split_special_tokens=True)["input_ids"]
    said = [*said, tokenizer.eos_token_id]
    group = trace.metadata.get("group") or trace.item or trace.id
    return Example(trace.id, str(group), trace.domain, [*asked, *said], [IGNORED] * len(asked) + said)


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
