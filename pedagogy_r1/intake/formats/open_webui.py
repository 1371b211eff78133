"""Chats exported from Open WebUI; the reasoning stands in a ``<details>`` of the answer, quoted line by line.

    {"id": "c1", "title": "Sums", "chat": {"models": ["m"], "messages": [{"role": "user", "content": "2+2?"},
      {"role": "assistant", "content": "<details type=\\"reasoning\\" done=\\"true\\"><summary>Thought for 2 seconds</summary>\\n> Easy.\\n</details>\\n4"}]}}

The last answer of the current branch is the trace's; earlier turns and other branches are in the metadata.
"""

from __future__ import annotations

import html
import re
from typing import Any

from ..format import Format, NoTrace, Record, Said, first, name, obj
from ..messages import is_conversation, last_turn, role_of
from ..replies import is_reply, replies

_DETAILS = re.compile(
    r'<details[^>]*type="(?P<type>[^"]*)"[^>]*>\s*(?:<summary>(?P<summary>.*?)</summary>)?(?P<inside>.*?)</details>',
    re.DOTALL,
)


def fits(record: Record) -> bool:
    chat = obj(record.get("chat"))
    return isinstance(chat.get("messages"), list) or "messages" in obj(chat.get("history"))


def read(record: Record) -> Said:
    whole = _unfolded(record)
    chat = obj(whole["chat"])
    messages = _messages(chat)
    answers = [message for message in messages if role_of(message) == "assistant"]
    if not answers:
        raise NoTrace("a chat without an answer")
    answer = answers[-1]
    turn = last_turn(messages)
    reasoning = turn.reasoning if turn.thinks else None
    said = Said(question=turn.question, response=turn.response, reasoning=reasoning, record=whole)
    if isinstance(answer.get("output"), list) and is_reply({"output": answer["output"]}):
        item = replies({"output": answer["output"]})[0]
        said.reasoning, said.response = said.reasoning or item.reasoning, said.response or item.response
    said.id, said.model = name(record.get("id")), name(answer.get("model")) or name(first(chat.get("models")))
    if turn.system:
        said.more["system"] = turn.system
    return said


def _messages(chat: Record) -> list[Any]:
    """The chat's messages, if they are some; else those of the current branch."""
    found = next(filter(is_conversation, (chat.get("messages"), _branch(obj(chat.get("history"))))), None)
    return found or []


def _branch(history: Record) -> list[Any]:
    """The messages from the current one up to the first."""
    by_id, at = obj(history.get("messages")), history.get("currentId")
    branch: list[Any] = []
    while isinstance(at, str) and at in by_id and len(branch) < len(by_id):
        branch.append(by_id[at])
        at = obj(by_id[at]).get("parentId")
    return branch[::-1]


def _unfolded(value: Any) -> Any:
    """The value with each answer's ``<details>`` told apart, so that its content is a list of parts."""
    if isinstance(value, list):
        return [_unfolded(inner) for inner in value]
    if not isinstance(value, dict):
        return value
    found = {key: _unfolded(inner) for key, inner in value.items()}
    if isinstance(content := value.get("content"), str) and _DETAILS.search(content):
        found["content"] = _parts(content)
    return found


def _parts(content: str) -> list[Record]:
    parts, at = [], 0
    for match in _DETAILS.finditer(content):
        parts.append({"type": "text", "text": content[at : match.start()]})
        inside = "\n".join(
            re.sub(r"^(?:> ?|&gt; ?)", "", line) for line in match["inside"].strip("\n").split("\n")
        )
        kind = "reasoning" if match["type"] == "reasoning" else f"details {match['type']}"
        parts.append(
            {
                "type": kind,
                "text": html.unescape(inside),
                "title": match["summary"],
                "mark": content[match.start() : match.start("inside")],
            }
        )
        at = match.end()
    return [part for part in [*parts, {"type": "text", "text": content[at:]}] if part["text"].strip()]


def format() -> Format:
    details = '<details type="reasoning" done="true" duration="2">\n<summary>Thought for 2 seconds</summary>\n> Two and two.\n</details>\n4'
    messages = [
        {"id": "m1", "role": "user", "content": "2+2?"},
        {"id": "m2", "role": "assistant", "content": details, "model": "m"},
    ]
    return Format(
        what="chats exported from Open WebUI",
        example={"id": "c1", "title": "Sums", "chat": {"models": ["m"], "messages": messages}},
        fits=fits,
        read=read,
    )
