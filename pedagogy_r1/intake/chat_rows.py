"""Chat-shaped rows, flattened to plain fields before any mapping.

    {"messages": [{"role": "system", …}, {"role": "user", "content": "2+2?"},
                  {"role": "assistant", "reasoning_content": "Easy.", "content": "4"}]}
    →  question "2+2?", reasoning "Easy.", response "4", metadata.system "…"

The last assistant message is the response; the user messages right before it are the question. A conversation
with more in it (earlier turns, tool calls, images) is kept in metadata, less what was taken.
"""

from __future__ import annotations

from typing import Any, NamedTuple

LISTS = ("messages", "conversations", "conversation")
"""Columns that hold a conversation; ``prompt`` and ``completion`` may hold one too."""

_REASONING = ("reasoning", "reasoning_content", "thinking")
_ROLES = {
    "human": "user",
    "gpt": "assistant",
    "model": "assistant",
    "bot": "assistant",
    "ai": "assistant",
    "developer": "system",
}


class ChatRow(NamedTuple):
    """What a chat-shaped row says, by target; the columns it was taken from; what is left of them; a remark."""

    found: dict[str, str]
    columns: dict[str, str]
    left: dict[str, Any]
    note: str | None = None


class NotChat(ValueError):
    """The row looks like a chat and cannot be read as one."""


def read_chat(row: dict[str, Any]) -> ChatRow:
    """Flatten ``messages``, ``choices`` and conversational ``prompt``/``completion`` columns; else find nothing."""
    found: dict[str, str] = {}
    columns: dict[str, str] = {}
    left: dict[str, Any] = {}
    note = None
    answer = _answer_column(row)
    if answer is not None:
        name, holder = answer
        message, rest, note = _choice(holder)
        found |= _message_texts(message)
        columns |= dict.fromkeys(found, name)
        outer = row[name] if isinstance(row[name], dict) and holder is not row[name] else {}
        body = {"body": rest} if rest else {}
        left[name] = {k: v for k, v in outer.items() if k != "body"} | body if outer else rest
    for name in (*LISTS, "prompt"):
        if is_conversation(row.get(name)):
            texts, rest = _conversation(row[name], prompt_only=bool(found) or _has_response(row))
            found = texts | found
            columns = dict.fromkeys(texts, name) | columns
            left |= {name: None} | rest
            break
    return ChatRow(found, columns, left, note)


def is_conversation(value: Any) -> bool:
    """A non-empty list of objects with a role."""
    return (
        isinstance(value, list)
        and bool(value)
        and all(isinstance(m, dict) and ("role" in m or "from" in m) for m in value)
    )


def _has_response(row: dict[str, Any]) -> bool:
    return any(
        isinstance(row.get(name), str) and row[name]
        for name in ("response", "completion", "output", "generation")
    )


def _answer_column(row: dict[str, Any]) -> tuple[str, Any] | None:
    """The column that holds a server's reply (``choices``, also inside ``response.body``) or a completion's messages."""
    if isinstance(row.get("choices"), list) and row["choices"]:
        return "choices", {"choices": row["choices"]}
    for name in ("response", "completion", "output", "message"):
        value = row.get(name)
        if isinstance(value, dict):
            body = value["body"] if isinstance(value.get("body"), dict) else value
            if isinstance(body.get("choices"), list) or "content" in body:
                return name, body
        if name != "message" and is_conversation(value):
            return name, value
    return None


def _choice(holder: Any) -> tuple[dict[str, Any], Any, str | None]:
    """(assistant message, what is left of the reply, remark)."""
    if isinstance(holder, list):
        messages = [m for m in holder if _role(m) == "assistant"]
        if not messages:
            raise NotChat("no assistant message in the completion")
        return messages[-1], None if len(holder) == 1 else holder[:-1], None
    if "choices" not in holder:
        return holder, _unspoken(holder), None
    choices = holder["choices"]
    message = _first_message(choices)
    kept = {k: v for k, v in choices[0].items() if k not in ("message", "text")}
    kept |= {"message": rest} if (rest := _unspoken(message)) else {}
    others = {k: v for k, v in holder.items() if k != "choices"}
    if not kept and len(choices) == 1:
        return message, others, None
    left = [kept, *choices[1:]]
    note = f"{len(choices)} choices in one row: the first is taken, the others are in metadata"
    return message, others | {"choices": left} if others else left, note if len(choices) > 1 else None


def _first_message(choices: list[Any]) -> dict[str, Any]:
    first = choices[0] if choices else None
    if not isinstance(first, dict):
        raise NotChat("choices is empty" if not choices else "choices[0] is no object")
    message = first.get("message", {"content": first.get("text")})
    if not isinstance(message, dict):
        raise NotChat("choices[0].message is no object")
    return message


def _unspoken(message: dict[str, Any]) -> dict[str, Any]:
    taken = {"content", "value", "role", "from"} | {
        name for name in _REASONING if isinstance(message.get(name), str)
    }
    return {k: v for k, v in message.items() if k not in taken and v is not None}


def _conversation(
    messages: list[dict[str, Any]], *, prompt_only: bool
) -> tuple[dict[str, str], dict[str, Any]]:
    """(texts by target, what is left): the last answer, and the users' messages before it."""
    last = len(messages) if prompt_only else _last_answer(messages)
    found = {} if prompt_only else _message_texts(messages[last])
    first = last
    while first and _role(messages[first - 1]) == "user":
        first -= 1
    if question := "\n\n".join(_text(m) for m in messages[first:last]):
        found["question"] = question
    system = [m for m in messages[:first] if _role(m) == "system"]
    left: dict[str, Any] = {"system": "\n\n".join(_text(m) for m in system)} if system else {}
    plain = len(system) == first and last >= len(messages) - 1 and all(_is_plain(m) for m in messages)
    if not plain:
        spoken = {"content": None, "value": None}
        left["messages"] = [
            _unspoken(m) | {"role": "assistant"} | spoken if i == last else m for i, m in enumerate(messages)
        ]
    return found, left


def _last_answer(messages: list[dict[str, Any]]) -> int:
    last = max((i for i, m in enumerate(messages) if _role(m) == "assistant"), default=-1)
    if last < 0:
        raise NotChat("no assistant message in the conversation")
    return last


def _is_plain(message: dict[str, Any]) -> bool:
    parts = message.get("content", message.get("value"))
    texts_only = not isinstance(parts, list) or all(
        isinstance(p, str) or (isinstance(p, dict) and _part(p) is not None) for p in parts
    )
    return texts_only and not _unspoken(message)


def _role(message: dict[str, Any]) -> str:
    role = str(message.get("role", message.get("from", ""))).lower()
    return _ROLES.get(role, role)


def _message_texts(message: dict[str, Any]) -> dict[str, str]:
    """Response and reasoning of an assistant message, reasoning parts of its content included."""
    reasoning = [
        message[name] for name in _REASONING if isinstance(message.get(name), str) and message[name]
    ][:1]
    parts = message.get("content", message.get("value"))
    if not reasoning and isinstance(parts, list):
        reasoning = [
            p[1] for part in parts if isinstance(part, dict) and (p := _part(part)) and p[0] == "reasoning"
        ]
    return {"response": _text(message)} | ({"reasoning": "\n\n".join(reasoning)} if reasoning else {})


def _text(message: dict[str, Any]) -> str:
    """The text of a message: its content, or the text parts of it."""
    content = message.get("content", message.get("value"))
    if content is None:
        return ""
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        parts = [
            ("text", p) if isinstance(p, str) else _part(p) for p in content if isinstance(p, str | dict)
        ]
        return "".join(part[1] for part in parts if part and part[0] == "text")
    raise NotChat(f"a message's content is {type(content).__name__}, not text")


def _part(part: dict[str, Any]) -> tuple[str, str] | None:
    """("text" or "reasoning", its text), or ``None`` for an image, a tool call …"""
    for name, kind in (("thinking", "reasoning"), ("reasoning", "reasoning"), ("text", "text")):
        if isinstance(part.get(name), str):
            return ("reasoning" if part.get("type") in ("thinking", "reasoning") else kind), part[name]
    return None
