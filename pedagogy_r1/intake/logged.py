"""Calls of language models as observability tools log them: an input, an output, and attributes with dotted names.

{"gen_ai.input.messages": […], "gen_ai.output.messages": [{"role": "assistant", "parts": [{"type": "reasoning", "content": "RRR"}, …]}]}
{"llm.output_messages.0.message.role": "assistant", "llm.output_messages.0.message.contents.0.message_content.text": "AAA"}
{"gen_ai.completion.0.content": "AAA", "gen_ai.prompt.0.content": "QQQ"}
"""

from __future__ import annotations

from typing import Any

from .format import NoTrace, Record, Said, first, name, obj, text, unfold
from .messages import NotChat, hear, is_conversation, joined, last_turn, role_of
from .replies import asked_of, is_reply, replies
from .span_events import first_told, told_by_events

NO_CALL = "a span that is no model call"
NOT_KEPT = "a model call whose messages were not recorded"
_TEXTS = ("output", "content", "text", "completion", "answer", "result", "response", "value")
_ASKED = ("input", "question", "prompt", "prompts", "query", "text", "value")


def io_said(asked: Any, answered: Any) -> list[Said]:
    """What the output of a call says, and the question in its input, whatever both of them are."""
    found = _answered(unfold(answered))
    question, system = question_of(unfold(asked))
    for said in found:
        said.question = said.question or question
        if system:
            said.more.setdefault("system", system)
    return found


def _heard(message: Any) -> list[Said]:
    heard = hear(message)
    return [Said(response=heard.text, reasoning=heard.reasoning if heard.thinks else None)]


def _answered(output: Any, depth: int = 4) -> list[Said]:
    if isinstance(output, str) and output.strip():
        return [Said(response=output)]
    if is_conversation(output):
        turn = last_turn(output)
        reasoning = turn.reasoning if turn.thinks else None
        return [Said(question=turn.question, response=turn.response, reasoning=reasoning)]
    found = None
    if isinstance(output, dict):
        found = _answered_object(output, depth)
    elif isinstance(output, list) and output and depth:
        found = _answered_list(output, depth)
    if found is None:
        raise NoTrace("an empty output" if not output else "an output that is no reply of a model")
    return found


def _answered_list(output: list[Any], depth: int) -> list[Said] | None:
    """Parts of a message, or a list of one."""
    if all(isinstance(part, dict) and "type" in part for part in output):
        return _heard({"role": "assistant", "content": output})
    return _answered(output[0], depth - 1) if len(output) == 1 else None


def _answered_object(output: Record, depth: int) -> list[Said] | None:
    """A reply, a message, or an object that holds one of them."""
    if generations := output.get("generations"):
        return _generations(generations)
    if is_reply(output):
        return replies(output)
    if role_of(output) or any(
        isinstance(output.get(n), str) for n in ("reasoning_content", "reasoning", "thinking")
    ):
        return _heard(output)
    column = next((column for column in ("messages", "message", *_TEXTS) if output.get(column)), None)
    found = _answered(output[column], depth - 1) if depth and column else None
    if column == "answer" and isinstance(output[column], str):
        for said in found or ():
            said.reasoning = ""  # a field that says that it is the answer
    return found


def _generations(value: Any) -> list[Said]:
    """LangChain's: a list of prompts, each with a list of generations."""
    while isinstance(first(value), list):
        value = value[0]
    found = []
    for one in value if isinstance(value, list) else []:
        heard = (
            hear(one["message"])
            if isinstance(obj(one).get("message"), dict)
            else hear(text(obj(one).get("text")))
        )
        found.append(
            Said(
                response=heard.text or text(obj(one).get("text")),
                reasoning=heard.reasoning if heard.thinks else None,
            )
        )
    if not found:
        raise NoTrace("an empty output")
    return found


def question_of(value: Any, depth: int = 4) -> tuple[str, str]:
    """(question, system)."""
    if isinstance(value, str):
        return value, ""
    while isinstance(value, list) and len(value) == 1 and isinstance(value[0], list):
        value = value[0]
    if is_conversation(value):
        turn = last_turn(value, prompt_only=True)
        return turn.question, turn.system
    if isinstance(value, dict):
        return _question_object(value, depth)
    texts = isinstance(value, list) and all(isinstance(v, str) for v in value)
    return ("\n\n".join(value), "") if texts else ("", "")


def _question_object(value: Record, depth: int) -> tuple[str, str]:
    """Of a request; else of a field that is named for a question; else the only text there is."""
    batch = first(value.get("messages"))
    said = Said()
    try:
        asked_of({"messages": batch} if isinstance(batch, list) else value, said)
    except NotChat:
        return "", ""
    if said.question:
        return said.question, said.more.get("system", "")
    inner = next((value[column] for column in _ASKED if depth and value.get(column)), None)
    if inner:
        return question_of(inner, depth - 1)
    words = [v for v in value.values() if isinstance(v, str)]
    return (words[0], "") if len(words) == 1 else ("", "")


def attributes_of(record: Record) -> Record:
    """The attributes of a span, by dotted name, wherever it keeps them; those of its events too."""
    found: Record = {}
    for column, value in record.items():
        if column == "attributes" and isinstance(value, dict):
            found |= value
        elif column == "events" and isinstance(value, list):
            for event in value:
                found |= {k: v for k, v in obj(obj(event).get("attributes")).items() if k not in found}
        else:
            found[column.removeprefix("attributes.")] = value
    told = (told_by_events(events) for events in (record.get("events"), unfold(found.get("events"))))
    return first_told(found, told)


def is_model_span(attributes: Record) -> bool:
    """Whether some attribute is named by a convention for language models."""
    return (
        any(column.startswith(("gen_ai.", "llm.", "openinference.")) for column in attributes)
        or "gen_ai" in attributes
    )


def span_said(attributes: Record) -> list[Said]:
    """What a span of a model call says, by the GenAI conventions or OpenInference's; raises `NoTrace` for another span."""
    nested = nest(unfold(attributes))
    gen, llm = obj(nested.get("gen_ai")), obj(nested.get("llm"))
    found = _said_in_span(nested, gen, llm)
    if not any(said.response or said.reasoning for said in found):
        raise NoTrace("an empty output")
    named = [obj(gen.get(at)).get("model") for at in ("response", "request")] + [llm.get("model_name")]
    model = next(filter(None, map(name, named)), None)
    for said in found:
        said.model = said.model or model
    return found


def _said_in_span(nested: Record, gen: Record, llm: Record) -> list[Said]:
    output = _spoken(gen, "output", "completion") or _messages(llm.get("output_messages"))
    asked = _spoken(gen, "input", "prompt") or _messages(llm.get("input_messages"))
    kind = str(obj(obj(nested.get("openinference")).get("span")).get("kind", "")).upper()
    if kind and kind != "LLM":
        raise NoTrace(f"{NO_CALL} ({kind})")
    answered = obj(nested.get("output")).get("value") if kind == "LLM" else nested.get("response_data")
    request = asked or obj(nested.get("input")).get("value") or nested.get("request_data")
    if output:
        found = _span_replies(output, request)
        if isinstance(answered, dict) and is_reply(answered) and not any(one.reasoning for one in found):
            whole = io_said(
                asked, answered
            )  # the reply itself, in which a reasoning stands that the messages lack
            found = whole if any(one.reasoning for one in whole) else found
        return found
    answered = answered or _completed(llm) or obj(nested.get("pydantic_ai")).get("all_messages")
    if not answered:
        model = obj(gen.get("request")).get("model") or obj(gen.get("response")).get("model") or kind
        raise NoTrace(NOT_KEPT if model else NO_CALL)
    return io_said(request or _prompted(llm), answered)


def _completed(llm: Record) -> str:
    """OpenInference's completion, which is no message."""
    return text(obj(obj(first(llm.get("choices"))).get("completion")).get("text"))


def _prompted(llm: Record) -> str:
    return text(obj(obj(first(llm.get("prompts"))).get("prompt")).get("text"))


def _spoken(gen: Record, now: str, before: str) -> list[Any]:
    """Messages under today's name of the convention, or the earlier one."""
    return _messages(obj(gen.get(now)).get("messages")) or _messages(gen.get(before))


def _span_replies(output: list[Any], asked: Any) -> list[Said]:
    """Messages that each ended are choices; others are one reply, whose reasoning may stand in all of them."""
    heard = [hear(message) for message in output]
    several = len(heard) > 1 and all(obj(message).get("finish_reason") for message in output)
    found = [one for message in (output if several else output[-1:]) for one in _heard(message)]
    if not several and (thought := joined(h.reasoning for h in heard)):
        found[0].reasoning = thought
    question, system = question_of(asked)
    for said in found:
        said.question = question
        said.more |= {"system": system} if system else {}
    return found


def _messages(value: Any) -> list[Any]:
    if isinstance(value, str):
        return [value] if value else []
    return [m for m in value if isinstance(m, dict | str) and m] if isinstance(value, list) else []


def nest(flat: Record) -> Record:
    """Dotted names as nested objects; names that are numbers as lists.

    >>> nest({"a.0.b": "x", "a.1.b": "y", "c": 1})
    {'a': [{'b': 'x'}, {'b': 'y'}], 'c': 1}
    """
    tree: Record = {}
    for column, value in flat.items():
        at, path = tree, column.split(".")
        for part in path[:-1]:
            inner = at.get(part)
            if not isinstance(inner, dict):
                inner = at[part] = {} if inner is None else {"": inner}
            at = inner
        if isinstance(at.get(path[-1]), dict) and not isinstance(value, dict):
            at[path[-1]][""] = value
        else:
            at[path[-1]] = value
    return obj(_listed(tree))


def _listed(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    if value and all(isinstance(k, str) and k.isascii() and k.isdigit() for k in value):
        return [_listed(value[k]) for k in sorted(value, key=int)]
    return {k: _listed(v) for k, v in value.items()}
