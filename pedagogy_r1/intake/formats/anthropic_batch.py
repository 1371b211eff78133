"""Results of a message batch of Anthropic's API.

{"custom_id": "item-1", "result": {"type": "succeeded", "message": {"id": "msg_1", "type": "message", "role": "assistant", "content": […]}}}
{"custom_id": "item-2", "result": {"type": "errored", "error": {…}}}        no trace; so are canceled and expired
{"custom_id": "item-1", "params": {"messages": […]}}                        a request: no trace, and the question of its reply
"""

from __future__ import annotations

from ..format import Format, NoTrace, Record, Said, name, obj
from ..replies import error_text, pair


def fits(record: Record) -> bool:
    result, params = record.get("result"), record.get("params")
    return "custom_id" in record and (
        (isinstance(result, dict) and "type" in result)
        or (result is None and isinstance(params, dict) and "messages" in params)
    )


def read(record: Record) -> list[Said]:
    result = record.get("result")
    if result is None:
        raise NoTrace("a request of a batch, without a reply")
    if result["type"] != "succeeded" or not isinstance(result.get("message"), dict):
        why = error_text(result["error"]) if result.get("error") else ""
        raise NoTrace(f"a request that was {result['type']}" + (f": {why}" if why else ""))
    found = pair(record, record.get("params", obj(record.get("request")).get("params")), result["message"])
    for said in found:
        said.id, said.item = (
            name(result["message"].get("id")) or name(record["custom_id"]),
            name(record["custom_id"]),
        )
    return found


def format() -> Format:
    content = [
        {"type": "thinking", "thinking": "Two and two.", "signature": "EqQB"},
        {"type": "text", "text": "4"},
    ]
    message = {"id": "msg_1", "type": "message", "role": "assistant", "model": "claude-x", "content": content}
    return Format(
        what="results of a message batch of Anthropic's API",
        example={"custom_id": "item-1", "result": {"type": "succeeded", "message": message}},
        fits=fits,
        read=read,
    )
