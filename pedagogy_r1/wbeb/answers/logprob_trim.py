"""Token probabilities of the answer only: with twenty alternatives a token, those of the reasoning would fill the disk.

    4,096 tokens × 20 alternatives × about 100 bytes = 8 MB a reply; of these, the answer needs the last few kilobytes

`LeanChat` stands between a chat and its ledger and leaves out what lies before the answer, and the ``bytes`` that repeat
each token; how many entries were left out is recorded in the body as ``logprobs.dropped``.
"""

from __future__ import annotations

import json
from typing import Any

from ...chat import Chat, ChatReply, ChatRequest

LONGEST_ANSWER = 512
"""Tokens, counted from the end, whose probabilities are kept at most."""


class LeanChat:
    """A chat whose replies hold no more token probabilities than an answer needs."""

    def __init__(self, chat: Chat) -> None:
        self._chat = chat

    @property
    def model(self) -> str:
        """As the chat itself says."""
        return self._chat.model

    async def ask(self, request: ChatRequest) -> ChatReply:
        """One attempt of the chat's."""
        reply = await self._chat.ask(request)
        return reply._replace(raw=lean(reply.raw)) if request.frame.parameters.get("logprobs") else reply

    async def close(self) -> None:
        """Close the chat."""
        await self._chat.close()


def lean(raw: str) -> str:
    """The body without the entries before the answer."""
    body = json.loads(raw)
    found = body["choices"][0].get("logprobs")
    entries = found.get("content") if isinstance(found, dict) else None
    if not isinstance(entries, list):
        return raw
    start = max(
        answer_start([str(entry.get("token", "")) for entry in entries]), len(entries) - LONGEST_ANSWER
    )
    body["choices"][0]["logprobs"] = {
        "content": [_slim(entry) for entry in entries[start:]],
        "dropped": start,
    }
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"))


def answer_start(tokens: list[str]) -> int:
    """Place of the first token behind the last ``</think>``; 0 where there is none.

    >>> answer_start(["<think>", "no", "</", "think", ">", "right"])
    5
    """
    text = "".join(tokens)
    end = text.rfind("</think>")
    if end < 0:
        return 0
    at = 0
    for place, token in enumerate(tokens):
        at += len(token)
        if at >= end + len("</think>"):
            return place + 1
    return len(tokens)


def _slim(entry: dict[str, Any]) -> dict[str, Any]:
    slim = {key: value for key, value in entry.items() if key != "bytes"}
    slim["top_logprobs"] = [_slim(each) for each in entry.get("top_logprobs") or ()]
    if not slim["top_logprobs"]:
        del slim["top_logprobs"]
    return slim
