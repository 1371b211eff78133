"""Rows of no format in particular that hold a chat: ``messages``, ``choices``, ``prompt`` and ``completion``.

    {"messages": [{"role": "system", …}, {"role": "user", "content": "2+2?"},
                  {"role": "assistant", "reasoning_content": "Easy.", "content": "4"}]}
    →  question "2+2?", reasoning "Easy.", response "4", metadata.system "…"

The last assistant message is the response; the user messages right before it are the question. A conversation
with more in it (earlier turns, tool calls, images) is kept in metadata, less what was taken.
"""

from __future__ import annotations

from typing import Any

from .format import Said, first, name, obj
from .messages import Heard, NotChat, hear, is_conversation, last_turn, role_of

LISTS = ("messages", "conversations", "conversation")
"""Columns that hold a conversation; ``prompt`` and ``completion`` may hold one too."""

_SPOKEN = ("response", "completion", "output", "generation")


def read_chat(row: dict[str, Any]) -> Said:
    """What ``messages``, ``choices`` and conversational ``prompt``/``completion`` columns say; nothing where there are none."""
    said = Said()
    answered = _answer_column(row)
    if answered is not None:
        column, holder = answered
        _answer(said, column, holder)
    for column in (*LISTS, "prompt"):
        if is_conversation(messages := row.get(column)):
            _conversation(said, column, messages, prompt_only=answered is not None or _has_response(row))
            break
    return said


def are_choices(value: object) -> bool:
    """Whether these are what a server chose to say, and not the options of an item: ["Air", …], [{"label": "A", "text": "Air"}, …]."""
    one = obj(first(value))
    names = {"message", "delta"} & one.keys()
    return bool(names) or (
        "text" in one
        and bool({"finish_reason", "stop_reason", "index", "logprobs"} & one.keys() or len(one) == 1)
    )


def choices_said(reply: dict[str, Any]) -> list[Said]:
    """Each choice of a server's reply.

    Of a reply that came to its end, what stands in the content without tags is the answer: reasoning has its own place.
    """
    found = []
    for choice in reply["choices"]:
        heard = hear(_message(choice))
        ended = str(choice.get("finish_reason") or choice.get("stop_reason") or "") in ("stop", "end_turn")
        placed = heard.thinks or (ended and "text" not in choice)
        reasoning = heard.reasoning or ("" if placed else None)
        found.append(Said(response=heard.text, reasoning=reasoning, model=name(reply.get("model"))))
    return found


def _message(choice: Any) -> dict[str, Any]:
    if not isinstance(choice, dict):
        raise NotChat("choices[0] is no object")
    message = choice.get("message", {"content": choice.get("text")})
    if not isinstance(message, dict):
        raise NotChat("choices[0].message is no object")
    return message


def _answer(said: Said, column: str, holder: Any) -> None:
    if isinstance(holder, list):
        turn = last_turn(holder)
        heard = Heard("assistant", turn.response, turn.reasoning, turn.thinks)
    elif "choices" in holder:
        choices = holder["choices"]
        if not choices:
            raise NotChat("choices is empty")
        heard = hear(_message(choices[0]))
        if len(choices) > 1:
            said.notes.append(
                f"{len(choices)} choices in one row: the first is taken, the others are in metadata"
            )
    else:
        heard = hear(holder)
    said.response, said.where["response"] = heard.text, column
    if heard.reasoning:
        said.reasoning, said.where["reasoning"] = heard.reasoning, column


def _conversation(said: Said, column: str, messages: list[Any], *, prompt_only: bool) -> None:
    turn = last_turn(messages, prompt_only=prompt_only)
    if turn.question:
        said.question, said.where["question"] = turn.question, column
    if turn.system:
        said.more["system"] = turn.system
    if not prompt_only:
        said.response, said.where["response"] = turn.response, column
        if turn.reasoning or turn.thinks:
            said.reasoning, said.where["reasoning"] = turn.reasoning, column


def _has_response(row: dict[str, Any]) -> bool:
    return any(isinstance(row.get(column), str) and row[column] for column in _SPOKEN)


def _answer_column(row: dict[str, Any]) -> tuple[str, Any] | None:
    """The column that holds a server's reply (``choices``, also inside ``response.body``) or a completion's messages."""
    if are_choices(row.get("choices")):
        return "choices", {"choices": row["choices"]}
    for column in (*_SPOKEN[:3], "message"):
        value = row.get(column)
        if isinstance(value, dict):
            body = obj(value.get("body")) or value
            if are_choices(body.get("choices")) or "content" in body:
                return column, body
        if column != "message" and is_conversation(value) and any(role_of(m) == "assistant" for m in value):
            return column, value
    return None
