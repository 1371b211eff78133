"""What a pipeline of transformers returns: by default the prompt and what was generated, in one text.

    [[{"generated_text": [{"role": "user", "content": "2+2?"}, {"role": "assistant", "content": "<think>Easy.</think>4"}]}]]
    [{"generated_text": "2+2?\\n<think>Easy.</think>4"}]

Text before the opening tag is the prompt, unless a question stands in a column of its own (then an echo of it is taken off).
"""

from __future__ import annotations

from ..format import Format, Record, Said, text
from ..messages import NotChat, is_conversation, last_turn
from ..prompt_marks import template_turns
from ..think_tags import FAMILIES

_ASKED = ("question", "prompt", "problem", "instruction", "query", "input")


def fits(record: Record) -> bool:
    return "generated_text" in record


def read(record: Record) -> Said:
    said = Said(known=True, where={"response": "generated_text"})
    generated = record["generated_text"]
    if is_conversation(generated):
        turn = last_turn(generated)
        said.question, said.response, said.reasoning = turn.question, turn.response, turn.reasoning or None
        said.more |= {"system": turn.system} if turn.system else {}
        return said
    if not isinstance(generated, str):
        raise NotChat(f"'generated_text' is {type(generated).__name__}, neither text nor messages")
    said.response = generated
    if any(text(record.get(column)) for column in _ASKED) or template_turns(generated):
        return said
    places = [generated.lower().find(opening.lower()) for opening, _ in FAMILIES]
    start = min((place for place in places if place >= 0), default=0)
    if generated[:start].strip():
        said.question, said.response = generated[:start].strip(), generated[start:]
        said.notes.append("the response began with its prompt: taken off")
    return said


def format() -> Format:
    return Format(
        what="what a pipeline of transformers returns",
        example={
            "generated_text": [
                {"role": "user", "content": "2+2?"},
                {"role": "assistant", "content": "<think>Two and two.</think>4"},
            ]
        },
        fits=fits,
        read=read,
    )
