"""Requests to language models and their replies, as each provider's API writes them.

    {"choices": [{"message": {…}}]}               OpenAI chat, vLLM, Mistral, OpenRouter, DeepSeek
    {"object": "response", "output": [{"type": "reasoning", …}, {"type": "message", …}]}         OpenAI Responses
    {"type": "message", "content": [{"type": "thinking", …}, {"type": "text", …}]}               Anthropic
    {"candidates": [{"content": {"parts": [{"text": "RRR", "thought": true}, …]}}]}               Gemini, Vertex
    {"output": {"message": {"content": [{"reasoningContent": …}, {"text": …}]}}}                  Bedrock Converse
    {"message": {"content": "AAA", "thinking": "RRR"}, "done": true}                              Ollama
    {"outputs": [{"type": "thought", "summary": […]}, {"type": "text", "text": "AAA"}]}           Gemini, interactions

Formats of logs, batches and pairs find request and reply in their records, and have them read here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .chat_rows import are_choices, choices_said
from .format import NoTrace, Record, Said, first, name, obj, text
from .messages import NotChat, flat, hear, is_conversation, joined, last_turn, part_of, role_of
from .prompt_marks import asked

STREAM = "a piece of a stream: write whole replies, or join the pieces"


def is_reply(body: Any) -> bool:
    """Whether `replies` can read it."""
    return isinstance(body, dict) and any(test(body) for test, _ in _READERS)


def body_of(reply: object) -> Record:
    """A reply without the status that a client puts around it."""
    return obj(obj(reply).get("body")) or obj(reply)


def replies(body: Record) -> list[Said]:
    """What a reply says, choice by choice; raises `NoTrace` for a piece of a stream, an error, an empty reply."""
    if (
        "error" in body
        and body["error"]
        and not any(body.get(n) for n in ("choices", "output", "content", "candidates"))
    ):
        raise NoTrace(f"an error: {error_text(body['error'])}")
    for test, read in _READERS:
        if test(body):
            return read(body)
    raise NoTrace("no reply that is known")


def error_text(error: Any) -> str:
    """What an error says, shortly."""
    if isinstance(error, dict):
        inner = error.get("message", error.get("error", error.get("type", error)))
        return error_text(inner) if isinstance(inner, dict) and inner is not error else str(inner)[:200]
    return str(error)[:200]


def asked_of(request: Any, said: Said) -> None:
    """Add the question and the system's message of a request to what a reply says."""
    request = obj(request)
    question, system = "", ""
    for column in ("messages", "input", "contents", "prompt"):
        question, told = _asked(request.get(column))
        system = told or system
        if question:
            break
    given = (request.get(c) for c in ("system", "systemInstruction", "system_instruction", "instructions"))
    system = system or next(filter(None, map(_spoken, given)), "")
    said.question = said.question or question
    if system:
        said.more.setdefault("system", system)
    said.model = said.model or name(request.get("model"))


def _asked(value: Any) -> tuple[str, str]:
    """(question, system) of a prompt: a text, or messages, in which a message without a role is the user's."""
    messages = [_with_role(m) for m in value] if isinstance(value, list) else []
    messages = [m for m in messages if not isinstance(m, dict) or role_of(m)]  # others: what tools gave back
    if is_conversation(messages):
        turn = last_turn(messages, prompt_only=True)
        return turn.question, turn.system
    return asked(text(value))


def _with_role(message: Any) -> Any:
    if isinstance(message, str):
        return {"role": "user", "content": message}
    return {"role": "user", **message} if isinstance(message, dict) and not message.get("type") else message


def _spoken(value: Any) -> str:
    if isinstance(value, str):
        return value
    parts = obj(value).get("parts", value)
    parts = parts if isinstance(parts, list) else [parts]
    return "\n\n".join(said for kind, said in map(part_of, parts) if kind == "text")


def _chat(body: Record) -> list[Said]:
    if str(body.get("object", "")).endswith(".chunk"):
        raise NoTrace(STREAM)
    found = choices_said(body)
    if not found:
        raise NoTrace("a reply without choices")
    used = obj(obj(body.get("usage")).get("completion_tokens_details")).get("reasoning_tokens")
    for said in found:
        if used and said.reasoning is None:
            said.reasoning = ""  # it was reasoned, and the reasoning was not given out
    return found


def _items(body: Record) -> list[Said]:
    """OpenAI Responses: items of reasoning and messages, in order."""
    thought, spoken = [], []
    for item in body["output"]:
        item = obj(item)
        if item.get("type") == "reasoning":
            thought.append(flat(item.get("content")) or flat(item.get("summary")) or text(item.get("text")))
        elif item.get("type") == "message" or item.get("role") == "assistant":
            heard = hear(item)
            thought.append(heard.reasoning)
            spoken.append(heard.text)
    return [
        Said(
            response="\n\n".join(t for t in spoken if t),
            reasoning=joined(thought),
            model=name(body.get("model")),
        )
    ]


def _anthropic(body: Record) -> list[Said]:
    heard = hear(body)
    return [Said(response=heard.text, reasoning=heard.reasoning, model=name(body.get("model")))]


def _gemini(body: Record) -> list[Said]:
    found = []
    for candidate in body.get("candidates") or []:
        heard = hear({"role": "model", **(obj(obj(candidate).get("content")) or {"parts": []})})
        model = body.get("modelVersion", body.get("model_version"))
        found.append(Said(response=heard.text, reasoning=heard.reasoning, model=name(model)))
    if not found:
        raise NoTrace("a reply without candidates")
    return found


def _interaction(body: Record) -> list[Said]:
    heard = hear({"role": "model", "content": body["outputs"]})
    return [Said(response=heard.text, reasoning=heard.reasoning, model=name(body.get("model")))]


def _converse(body: Record) -> list[Said]:
    heard = hear(body["output"]["message"])
    return [Said(response=heard.text, reasoning=heard.reasoning, model=name(body.get("modelId")))]


def _message(body: Record) -> list[Said]:
    if body.get("done") is False:
        raise NoTrace(STREAM)
    heard = hear(body["message"])
    return [
        Said(
            response=heard.text,
            reasoning=heard.reasoning if heard.thinks else None,
            model=name(body.get("model")),
        )
    ]


def _generate(body: Record) -> list[Said]:
    if body.get("done") is False:
        raise NoTrace(STREAM)
    thinking = text(body.get("thinking"))
    return [
        Said(
            response=body["response"],
            reasoning=thinking or None,
            model=name(body.get("model")),
            question=text(body.get("prompt")),
        )
    ]


def _typed(items: Any) -> bool:
    return (
        isinstance(items, list)
        and bool(items)
        and all(isinstance(i, dict) and ("type" in i or "role" in i) for i in items)
    )


_READERS: tuple[tuple[Callable[[Record], bool], Callable[[Record], list[Said]]], ...] = (
    (lambda b: are_choices(b.get("choices")) or b.get("choices") == [], _chat),
    (lambda b: (b.get("object") == "response" and isinstance(b.get("output"), list)) or _response_items(b.get("output")), _items),
    (lambda b: is_interaction(b.get("outputs")), _interaction),
    (lambda b: "candidates" in b or "promptFeedback" in b, _gemini),
    (lambda b: isinstance(obj(b.get("output")).get("message"), dict), _converse),
    (lambda b: b.get("role") in ("assistant", "model") and ("content" in b or "parts" in b), _anthropic),
    (lambda b: isinstance(b.get("message"), dict) and ("done" in b or "content" in b["message"]), _message),
    (lambda b: isinstance(b.get("response"), str) and "done" in b, _generate),
)  # fmt: skip


def is_interaction(outputs: Any) -> bool:
    """Whether these are what Gemini's interactions give out: typed parts, one after the other."""
    return (
        isinstance(outputs, list)
        and bool(outputs)
        and all(isinstance(part, dict) and "type" in part for part in outputs)
    )


def _response_items(output: Any) -> bool:
    return _typed(output) and any(i.get("type") in ("reasoning", "message") for i in output)


def own_reply(record: Record) -> list[Said]:
    """A record that is a reply, perhaps with its request; the reply's id is the trace's."""
    found = pair(record, record.get("request"), record)
    for said in found:
        said.id = name(record.get("id"))
    return found


def pair(record: Record, request: Any, reply: Any) -> list[Said]:
    """What a request and its reply say; the request may stand in the record itself."""
    if isinstance(reply, list):
        reply = first(reply)
    try:
        found = replies(obj(reply))
    except NotChat as error:
        raise NoTrace(str(error)) from None
    for said in found:
        asked_of(request, said)
        asked_of(record, said)
        said.question = said.question or next(
            (
                record[n]
                for n in ("question", "problem", "instruction", "query")
                if isinstance(record.get(n), str)
            ),
            "",
        )
    return found
