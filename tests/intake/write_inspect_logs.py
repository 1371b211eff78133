"""Run by a Python that has inspect_ai: writes logs with every option, and prints what inspect's own reader finds in them."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from inspect_ai import Task
from inspect_ai import eval as run_eval
from inspect_ai.dataset import Sample
from inspect_ai.log import read_eval_log
from inspect_ai.model import (
    ChatCompletionChoice,
    ChatMessageAssistant,
    ChatMessageSystem,
    ChatMessageUser,
    ContentReasoning,
    ContentText,
    ModelOutput,
    ModelUsage,
    get_model,
)
from inspect_ai.scorer import includes, match, model_graded_qa
from inspect_ai.solver import generate, system_message, use_tools
from inspect_ai.tool import tool


@tool
def add():
    async def execute(x: int, y: int) -> str:
        """Add.

        Args:
            x: one
            y: other
        """
        return str(x + y)

    return execute


def counted(output):
    output.usage = ModelUsage(
        input_tokens=1, output_tokens=1, total_tokens=2
    )  # else mockllm fetches a tokenizer
    return output


def said(*parts):
    message = ChatMessageAssistant(content=list(parts), model="mockllm/model", source="generate")
    return counted(
        ModelOutput(
            model="mockllm/model", choices=[ChatCompletionChoice(message=message, stop_reason="stop")]
        )
    )


def outputs():
    calls = counted(ModelOutput.for_tool_call("mockllm/model", "add", {"x": 2, "y": 2}))
    calls.choices[0].message.content = [
        ContentReasoning(reasoning="I should add with the tool."),
        ContentText(text="Let me add."),
    ]
    for n in range(99):
        yield calls
        yield said(
            ContentReasoning(reasoning="gAAAAAB", redacted=True, summary="A summary only."),
            ContentReasoning(reasoning=f"The tool said four, run {n}. " + "Long thought. " * 20),
            ContentText(text="The answer is 4."),
        )


def own(sample):
    start = max(n for n, message in enumerate(sample.messages) if message.role == "user")
    turn = sample.messages[start:]
    parts = [part for message in turn if isinstance(message.content, list) for part in message.content]
    thoughts = [
        part.summary if part.redacted else part.reasoning for part in parts if part.type == "reasoning"
    ]
    return {
        "id": str(sample.id), "epoch": sample.epoch, "answer": sample.output.completion, "model": sample.output.model,
        "question": sample.input if isinstance(sample.input, str) else sample.input[-1].text, "reasoning": thoughts,
        "scores": {name: score.value for name, score in sample.scores.items()},
        "graded": sample.scores["model_graded_qa"].explanation,
        "tools": [message.text for message in turn if message.role == "tool"],
    }  # fmt: skip


out = Path(sys.argv[1])
grader = get_model(
    "mockllm/model",
    custom_outputs=[counted(ModelOutput.from_content("mockllm/model", "It is right.\n\nGRADE: C"))] * 99,
)
samples = [
    Sample(id="s/1", input="What is 2+2?", target="4", metadata={"level": 1}),
    Sample(
        id=2,
        input=[
            ChatMessageSystem(content="Be short."),
            ChatMessageUser(content="And what is 2+2 here? " + "x" * 200),
        ],
        target=["4", "four"],
    ),
]
found = []
for kind in ("eval", "json"):
    task = Task(
        name="sums", dataset=samples, epochs=2, solver=[system_message("Teach."), use_tools(add()), generate()],
        scorer=[includes(), match(), model_graded_qa(model=grader)],
    )  # fmt: skip
    model = get_model("mockllm/model", custom_outputs=outputs(), memoize=False)
    (log,) = run_eval(task, model=model, log_dir=str(out / kind), log_format=kind, display="none")
    if log.status != "success":
        sys.exit(str(log.error)[:500])
    whole = read_eval_log(log.location, resolve_attachments=True)
    found.append(
        {"file": log.location.removeprefix("file://"), "samples": [own(sample) for sample in whole.samples]}
    )
print(json.dumps(found))
