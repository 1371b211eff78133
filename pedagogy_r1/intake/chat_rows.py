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
_ROLES = {"human": "user", "developer": "system", **dict.fromkeys(("gpt", "model", "bot", "ai"), "assistant")}


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
        left[name] = _without(outer, "body") | body if outer else rest
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
    names = ("response", "completion", "output", "generation")
    return any(isinstance(row.get(name), str) and row[name] for name in names)


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
        return holder[_last_answer(holder, "completion")], holder[:-1] or None, None
    if "choices" not in holder:
        return holder, _unspoken(holder), None
    choices, others = holder["choices"], _without(holder, "choices")
    message = _first_message(choices)
    kept = _without(choices[0], "message", "text")
    if rest := _unspoken(message):
        kept["message"] = rest
    if not kept and len(choices) == 1:
        return message, others, None
    left = [kept, *choices[1:]]
    note = f"{len(choices)} choices in one row: the first is taken, the others are in metadata"
    return message, others | {"choices": left} if others else left, note if len(choices) > 1 else None


def _without(data: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in data.items() if name not in names}


def _first_message(choices: list[Any]) -> dict[str, Any]:
    first = choices[0] if choices else None
    if not isinstance(first, dict):
        raise NotChat("choices is empty" if not choices else "choices[0] is no object")
    message = first.get("message", {"content": first.get("text")})
    if not isinstance(message, dict):
        raise NotChat("choices[0].message is no object")
    return message


def _unspoken(message: dict[str, Any]) -> dict[str, Any]:
    taken = {name for name in _REASONING if isinstance(message.get(name), str)}
    taken |= {"content", "value", "role", "from"}
    return {k: v for k, v in message.items() if k not in taken and v is not None}


def _conversation(
    messages: list[dict[str, Any]], *, prompt_only: bool
) -> tuple[dict[str, str], dict[str, Any]]:
    """(texts by target, what is left): the last answer, and the users' messages before it."""
    last = len(messages) if prompt_only else _last_answer(messages, "conversation")
    found = {} if prompt_only else _message_texts(messages[last])
    first = last
    while first and _role(messages[first - 1]) == "user":
        first -= 1
    if question := _joined(messages[first:last]):
        found["question"] = question
    return found, _rest(messages, first, last)


def _rest(messages: list[dict[str, Any]], first: int, last: int) -> dict[str, Any]:
    """The system's messages before the question, which begins at ``first``; and all of them, where there is more."""
    system = [m for m in messages[:first] if _role(m) == "system"]
    left: dict[str, Any] = {"system": _joined(system)} if system else {}
    plain = len(system) == first and last >= len(messages) - 1 and all(_is_plain(m) for m in messages)
    if not plain:
        spoken = {"role": "assistant", "content": None, "value": None}
        left["messages"] = [_unspoken(m) | spoken if i == last else m for i, m in enumerate(messages)]
    return left


def _last_answer(messages: list[dict[str, Any]], what: str) -> int:
    last = max((i for i, m in enumerate(messages) if _role(m) == "assistant"), default=-1)
    if last < 0:
        raise NotChat(f"no assistant message in the {what}")
    return last


def _is_plain(message: dict[str, Any]) -> bool:
    content = _content(message)
    texts_only = not isinstance(content, list) or None not in map(_part, content)
    return texts_only and not _unspoken(message)


def _role(message: dict[str, Any]) -> str:
    role = str(message.get("role", message.get("from", ""))).lower()
    return _ROLES.get(role, role)


def _message_texts(message: dict[str, Any]) -> dict[str, str]:
    """Response and reasoning of an assistant message, reasoning parts of its content included."""
    thoughts = [message[name] for name in _REASONING if isinstance(message.get(name), str) and message[name]]
    reasoning, content = thoughts[:1], _content(message)
    if not reasoning and isinstance(content, list):
        reasoning = _parts(content, "reasoning")
    return {"response": _text(message)} | ({"reasoning": "\n\n".join(reasoning)} if reasoning else {})


def _joined(messages: list[dict[str, Any]]) -> str:
    return "\n\n".join(map(_text, messages))


def _text(message: dict[str, Any]) -> str:
    """The text of a message: its content, or the text parts of it."""
    content = _content(message)
    if isinstance(content, list):
        return "".join(_parts(content, "text"))
    if content is None or isinstance(content, str):
        return content or ""
    raise NotChat(f"a message's content is {type(content).__name__}, not text")


def _content(message: dict[str, Any]) -> Any:
    return message.get("content", message.get("value"))


def _parts(content: list[Any], kind: str) -> list[str]:
    return [part[1] for part in map(_part, content) if part and part[0] == kind]


def _part(part: Any) -> tuple[str, str] | None:
    """("text" or "reasoning", its text), or ``None`` for an image, a tool call …"""
    if isinstance(part, str):
        return "text", part
    for name, kind in (("thinking", "reasoning"), ("reasoning", "reasoning"), ("text", "text")):
        if isinstance(part, dict) and isinstance(part.get(name), str):
            return ("reasoning" if part.get("type") in ("thinking", "reasoning") else kind), part[name]
    return None
