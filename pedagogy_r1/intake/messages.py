"""A chat message, in whatever dialect it is written: who speaks, what is said, what was thought.

    {"role": "assistant", "reasoning_content": "RRR", "content": "AAA"}                                    DeepSeek, vLLM
    {"role": "assistant", "content": [{"type": "thinking", "thinking": "RRR"}, {"type": "text", "text": "AAA"}]}   Anthropic
    {"role": "model", "parts": [{"text": "RRR", "thought": true}, {"text": "AAA"}]}                        Gemini
    {"lc": 1, "type": "constructor", "id": [… "AIMessage"], "kwargs": {"content": "AAA", "additional_kwargs": {…}}}   LangChain

Every format reads its messages here. What is not read (tool calls, images, signatures) stays where it was.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, TypeGuard

from .format import obj
from .switches import is_switch
from .think_tags import split_response
from .written import opened

_ROLES = {
    "human": "user", "developer": "system", "tool_result": "tool", "function": "tool",
    **dict.fromkeys(("gpt", "model", "bot", "ai", "assistant", "chatbot"), "assistant"),
    **dict.fromkeys(("thinking", "reasoning", "thought", "thoughts", "analysis"), "assistant"),
}  # fmt: skip
_LC = {
    "HumanMessage": "user",
    "AIMessage": "assistant",
    "AIMessageChunk": "assistant",
    "SystemMessage": "system",
    "ToolMessage": "tool",
}
_TYPED_ROLES = ("human", "ai", "system", "tool")
_REASONING = (
    "reasoning_content",
    "reasoning",
    "thinking",
    "thought",
    "thoughts",
    "reasoning_text",
    "reasoning_details",
    "thinking_blocks",
    "tool_plan",
)
_HOLDERS = ("additional_kwargs", "provider_specific_fields")
_CONTENT = ("content", "value", "parts", "contents", "content_blocks", "prompt", "text")
_ANSWERED = ("output_text", "answer", "final_answer", "response", "final", "conclusion")
"""What the content is called in an object that models write themselves: {"reasoning": "RRR", "answer": "AAA"}."""
_INNER = ("thinking", "reasoning", "text", "content", "reasoning_text", "summary")
_THOUGHT_TYPES = frozenset(
    ("thinking", "reasoning", "thought", "thoughts", "reasoning_text", "reasoning.text", "reasoning.summary", "summary_text",
     "redacted_thinking", "reasoning.encrypted")
)  # fmt: skip
_THOUGHT = re.compile(r"\W*(?:thinking|reasoning|thoughts?|analysis)\W*", re.IGNORECASE)
_TEXT_TYPES = frozenset(("", "text", "output_text", "input_text", "refusal"))


class NotChat(ValueError):
    """The row looks like a chat and cannot be read as one."""


class Heard(NamedTuple):
    """What a message says. ``thinks``: it has a place of its own for reasoning, though nothing may stand there."""

    role: str
    text: str
    reasoning: str
    thinks: bool = False
    channel: str = ""


def is_conversation(value: Any) -> TypeGuard[list[dict[str, Any]]]:
    """A non-empty list of objects with a role."""
    return isinstance(value, list) and bool(value) and all(isinstance(m, dict) and role_of(m) for m in value)


def role_of(message: dict[str, Any]) -> str:
    """user, assistant, system, tool …; empty if the message has no role."""
    given = _named_role(message)
    role = str(given).lower() if given is not None else ""
    return _ROLES.get(role, role)


def _named_role(message: dict[str, Any]) -> Any:
    """The role as the message's dialect has it: by name, by its author, by its class, in what it is wrapped in, or as its type."""
    author, inner = message.get("author"), message.get("message")
    given = message.get("role", message.get("from", message.get("message.role")))
    if given is None and isinstance(author, dict):
        given = author.get("role")
    if given is None:
        given = _langchain_role(message)
    if given is None and isinstance(inner, dict):
        given = role_of(inner)
    if given is None and message.get("type") in _TYPED_ROLES and "content" in message:
        given = message["type"]
    return given


def _langchain_role(message: dict[str, Any]) -> Any:
    """By the class, ``["langchain", "schema", "messages", "AIMessage"]``; else by the type, within or without."""
    kwargs, path = message.get("kwargs"), message.get("id")
    if not isinstance(kwargs, dict) and not isinstance(message.get("data"), dict):
        return None
    known = _LC.get(str(path[-1])) if isinstance(path, list) and path else None
    return known or (kwargs if isinstance(kwargs, dict) else message).get("type")


def hear(message: Any) -> Heard:
    """Read one message; raises `NotChat` if its content is neither text nor parts of it."""
    if isinstance(message, str):
        return Heard("", message, "")
    role, message = role_of(message), _plain(message)
    content = _content(message)
    said, thought, thinks = _parts(content) if isinstance(content, list) else (_whole(content), [], False)
    for field in _fields(message):
        thinks = True
        thought = [*thought, field] if not _within(field, thought) else thought
    if not said and isinstance(message.get("refusal"), str):
        said = message["refusal"]
    channel = "analysis" if _all_thought(message) else str(message.get("channel") or "")
    return Heard(role, said, joined(thought), thinks or _may_think(message), channel)


def _all_thought(message: dict[str, Any]) -> bool:
    """Whether a message is a thought as a whole: by its role, its type, a mark, or the title that a page gives it."""
    named = [
        message.get("role", message.get("from")),
        message.get("type"),
        obj(message.get("metadata")).get("title"),
    ]
    return message.get("thought") is True or any(_THOUGHT.fullmatch(str(name or "")) for name in named)


def _may_think(message: dict[str, Any]) -> bool:
    """Whether a message has a field for reasoning, though nothing may stand in it; a switch is none."""
    values = [message.get(name) for name in _REASONING[:3]]
    return any(isinstance(v, str | list) and not is_switch(str(v)) for v in values)


def joined(texts: Iterable[str]) -> str:
    """Several stretches of one speaker; what is empty or was just said is left out."""
    kept: list[str] = []
    for text in texts:
        if text.strip() and not _within(text, kept):
            kept.append(text)
    return "\n\n".join(kept)


def _within(text: str, others: Sequence[str]) -> bool:
    """Whether a text was said before, whatever white space a server put between its pieces."""
    bare = "".join(text.split())
    return bool(others) and bare in "".join("".join(other.split()) for other in others)


def _plain(message: dict[str, Any]) -> dict[str, Any]:
    """The message without what a dialect wraps it in."""
    for wrapper in ("kwargs", "data", "message"):
        inner = message.get(wrapper)
        if isinstance(inner, dict) and "content" not in message:
            return _plain(inner)
    if any(name.startswith("message.") for name in message):
        return {name.removeprefix("message."): value for name, value in message.items()}
    return message


def _content(message: dict[str, Any]) -> Any:
    names = _CONTENT if not any(_fields(message)) else (*_CONTENT, *_ANSWERED)
    name = next((name for name in names if message.get(name) is not None), "content")
    content = message.get(name)
    if isinstance(message.get("content_blocks"), list) and isinstance(content, str):
        content = message["content_blocks"]  # LangChain's, which hold the reasoning that the content lacks
    if isinstance(content, dict):
        content = (
            content.get("parts", content.get("content", content.get("text")))
            or _object_parts(content)
            or content
        )
    return json_parts(content) if isinstance(content, str) else content


def json_parts(content: str) -> Any:
    """Parts that were written as JSON into a text, and what a model wrote as an object; another text as it is."""
    begins = content.lstrip()[:1]
    if begins == "{" and isinstance(value := opened(content), dict):
        return _object_parts(value) or content
    if content.lstrip()[:2] != "[{" or '"type"' not in content:
        return content
    try:
        parts = json.loads(content)
    except (ValueError, RecursionError):
        return content
    typed = all(isinstance(part, dict) and "type" in part for part in parts)
    return parts if typed and any(text for _, text in map(part_of, parts)) else content


def _object_parts(value: dict[str, Any]) -> list[dict[str, Any]] | None:
    """Reasoning and answer of an object that holds both: {"reasoning": "RRR", "answer": "AAA"}."""
    thought = next((text for name in _REASONING if (text := reasoning_in(value.get(name)))), "")
    said = next(
        (value[name] for name in (*_ANSWERED, "content", "text") if isinstance(value.get(name), str)), ""
    )
    both = thought and said.strip() and not role_of(value)
    return [{"type": "thinking", "thinking": thought}, {"type": "text", "text": said}] if both else None


def _whole(content: Any) -> str:
    if content is None or isinstance(content, str):
        return content or ""
    raise NotChat(f"a message's content is {type(content).__name__}, not text")


def _parts(content: list[Any]) -> tuple[str, list[str], bool]:
    """(text, stretches of reasoning, whether there is a part for reasoning)."""
    read = [part_of(part) for part in content]
    said = "".join(text for kind, text in read if kind == "text")
    return (
        said,
        [text for kind, text in read if kind == "reasoning" and text],
        any(kind == "reasoning" for kind, _ in read),
    )


def part_of(part: Any) -> tuple[str, str]:
    """("text" or "reasoning", its text); ("", "") for an image, a tool call …"""
    if isinstance(part, str):
        return "text", part
    if not isinstance(part, dict):
        return "", ""
    if isinstance(part.get("message_content"), dict):
        part = part["message_content"]
    part = {name.removeprefix("message_content."): value for name, value in part.items()}
    if (held := _reasoning_content(part)) is not None:
        return "reasoning", flat(held.get("reasoningText", held.get("text", "")))
    if _is_thought(part):
        return "reasoning", flat(part)
    if _kind(part) in _TEXT_TYPES:
        text = next((part[n] for n in ("text", "content", "refusal") if isinstance(part.get(n), str)), None)
        if text is None and isinstance(
            part.get("text"), dict
        ):  # OpenAI's threads: {"value": "AAA", "annotations": []}
            text = part["text"].get("value")
        return ("text", text) if isinstance(text, str) else ("", "")
    return "", ""


def _kind(part: dict[str, Any]) -> str:
    return str(part.get("type") or part.get("kind") or "").lower()


def _reasoning_content(part: dict[str, Any]) -> dict[str, Any] | None:
    """Bedrock's: an object that holds the reasoning."""
    held = (part.get(name) for name in ("reasoningContent", "reasoning_content"))
    return next((value for value in held if isinstance(value, dict)), None)


def _is_thought(part: dict[str, Any]) -> bool:
    kind = _kind(part)
    named = any(isinstance(part.get(name), str | list) for name in ("thinking", "reasoning"))
    return part.get("thought") is True or kind in _THOUGHT_TYPES or (not kind and named)


def flat(value: Any) -> str:
    """The text of reasoning that is written as text, as parts, or as an object that holds one of these."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        pieces = [flat(v) for v in value]
        return ("\n\n" if any(map(_is_summary, value)) else "").join(piece for piece in pieces if piece)
    if not isinstance(value, dict):
        return ""
    # What inspect marks as redacted is encrypted: only its summary is to be read.
    names = ("summary",) if value.get("redacted") is True else _INNER
    return next((text for name in names if name in value and (text := flat(value[name]))), "")


def _is_summary(part: Any) -> bool:
    return isinstance(part, dict) and part.get("type") in ("summary_text", "reasoning.summary")


def reasoning_in(value: Any) -> str:
    """Reasoning in a field that is named for it; a switch (``"on"``, an effort) is none."""
    if isinstance(value, str):
        return "" if is_switch(value) else value
    if isinstance(value, dict) and isinstance(value.get("summary"), str) and not {*_INNER[:5]} & value.keys():
        return ""  # what was asked for: {"effort": "medium", "summary": "detailed"}
    return flat(value) if isinstance(value, dict | list) else ""


def _fields(message: dict[str, Any]) -> Iterable[str]:
    """The reasoning in each field of a message that is named for it."""
    holders = [message, *(message[name] for name in _HOLDERS if isinstance(message.get(name), dict))]
    for holder in holders:
        for name in _REASONING:
            if name in holder and (text := reasoning_in(holder[name])):
                yield text


class Turn(NamedTuple):
    """The last answer in a conversation, what was asked for it, and the system's message."""

    question: str
    response: str
    reasoning: str
    system: str
    thinks: bool


def last_turn(messages: Sequence[Any], *, prompt_only: bool = False) -> Turn:
    """Read a conversation's last turn: what the model thought and said since somebody last asked it something.

    With ``prompt_only`` there is no answer in it. Raises `NotChat` without an assistant's message otherwise.
    """
    heard = [hear(message) for message in messages]
    end = len(heard) if prompt_only else _last_answer(heard)
    first, start = _asking(heard, end)
    question = "\n\n".join(h.text for h in heard[first:start] if h.text)
    system = "\n\n".join(h.text for h in heard if h.role == "system")
    spoken = [] if prompt_only else [h for h in heard[start : end + 1] if h.role == "assistant"]
    return _turn(question, system, spoken)


def _asking(heard: Sequence[Heard], end: int) -> tuple[int, int]:
    """From where to where somebody asks before ``end``: the last messages of a user, of which the last holds text."""
    start = end
    while start and not (heard[start - 1].role == "user" and heard[start - 1].text.strip()):
        start -= 1
    first = start
    while first and heard[first - 1].role == "user":
        first -= 1
    return first, start


def _last_answer(heard: Sequence[Heard]) -> int:
    end = max((i for i, h in enumerate(heard) if h.role == "assistant"), default=-1)
    if end < 0:
        raise NotChat("no assistant message in the conversation")
    return end


def _turn(question: str, system: str, spoken: Sequence[Heard]) -> Turn:
    """What the model said in one turn: its last message is the answer, or its final channel; what it thought in all of them."""
    if not spoken:
        return Turn(question, "", "", system, False)
    if len(spoken) > 1:
        spoken = [*map(_told_apart, spoken[:-1]), _told_apart(spoken[-1]) if _tagged(spoken) else spoken[-1]]
    thought = joined(t for h in spoken for t in (h.reasoning, h.text if h.channel == "analysis" else ""))
    last = spoken[-1].text if spoken[-1].channel != "analysis" else ""
    final = [h.text for h in spoken if h.channel == "final"] or [last]
    return Turn(question, "\n\n".join(final), thought, system, any(h.thinks or h.channel for h in spoken))


def _tagged(spoken: Sequence[Heard]) -> bool:
    """Whether something was thought, in tags, before the last message of a turn."""
    return any(_told_apart(heard) is not heard for heard in spoken[:-1])


def _told_apart(heard: Heard) -> Heard:
    """A message of several in one turn, with what it thought in tags told apart."""
    parted = split_response(heard.text)
    if parted.think not in ("closed", "unopened") or not parted.reasoning.strip():
        return heard
    thought = joined((heard.reasoning, parted.reasoning))
    return heard._replace(text=parted.answer, reasoning=thought, thinks=True)


def aligned(record: dict[str, Any], count: int, k: int) -> dict[str, Any]:
    """The record of one generation: of each list that has as many elements as there are generations, its own."""

    def own(value: Any, deep: bool) -> Any:
        if isinstance(value, list) and len(value) == count and not is_conversation(value):
            return value[k]
        inside = deep and isinstance(value, dict)
        return {name: own(inner, False) for name, inner in value.items()} if inside else value

    return {name: own(value, True) for name, value in record.items()}
