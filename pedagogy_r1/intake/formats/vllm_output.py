"""Request outputs of vLLM's and SGLang's offline engines, dumped as they are.

{"request_id": "0", "prompt": "<|im_start|>user\\n2+2?<|im_end|>\\n<|im_start|>assistant\\n", "outputs": [{"index": 0, "text": "Easy.</think>4"}]}
"""

from __future__ import annotations

from ..format import Format, NoTrace, Record, Said, name, text
from ..messages import NotChat, is_conversation, last_turn
from ..prompt_marks import asked


def fits(record: Record) -> bool:
    outputs = record.get("outputs")
    return (
        isinstance(outputs, list)
        and bool(outputs)
        and all(isinstance(o, dict) and "text" in o for o in outputs)
    )


def read(record: Record) -> list[Said]:
    prompt = text(record.get("prompt"))
    question, system = asked(prompt)
    if not prompt and is_conversation(record.get("messages")):
        turn = last_turn(record["messages"], prompt_only=True)
        question, system = turn.question, turn.system
    found = []
    for output in record["outputs"]:
        if not isinstance(output["text"], str):
            raise NotChat("an output's text is no text")
        if output["text"]:
            more = {"system": system} if system else {}
            found.append(
                Said(
                    question=question,
                    response=output["text"],
                    prompt=prompt,
                    id=name(record.get("request_id")),
                    more=more,
                )
            )
    if not found:
        raise NoTrace("an empty output")
    return found


def format() -> Format:
    prompt = "<|im_start|>user\n2+2?<|im_end|>\n<|im_start|>assistant\n"
    return Format(
        what="request outputs of vLLM's and SGLang's offline engines",
        example={
            "request_id": "0",
            "prompt": prompt,
            "outputs": [{"index": 0, "text": "Two and two.</think>4"}],
        },
        fits=fits,
        read=read,
    )
