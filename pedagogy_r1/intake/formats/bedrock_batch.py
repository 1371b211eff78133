"""Batches and invocation logs of Bedrock: what went in and what came out, in the model's own API.

{"recordId": "item-1", "modelInput": {"messages": […]}, "modelOutput": {"type": "message", "role": "assistant", "content": […]}}
{"schemaType": "ModelInvocationLog", "modelId": "claude-x", "input": {"inputBodyJson": {…}}, "output": {"outputBodyJson": {…}}}
"""

from __future__ import annotations

from ..format import Format, NoTrace, Record, Said, name, obj
from ..replies import error_text, is_reply, pair


def fits(record: Record) -> bool:
    return ("modelInput" in record and "recordId" in record) or record.get(
        "schemaType"
    ) == "ModelInvocationLog"


def read(record: Record) -> list[Said]:
    request = record.get("modelInput", obj(record.get("input")).get("inputBodyJson"))
    reply = record.get("modelOutput", obj(record.get("output")).get("outputBodyJson"))
    if record.get("error") or not is_reply(reply):
        raise NoTrace(
            f"a request that failed: {error_text(record.get('error') or record.get('errorCode') or 'no reply that is known')}"
        )
    found = pair({}, request, reply)
    for said in found:
        said.item = name(record.get("recordId"))
        said.model = name(record.get("modelId")) or said.model
    return found


def format() -> Format:
    content = [{"type": "thinking", "thinking": "Two and two."}, {"type": "text", "text": "4"}]
    return Format(
        what="batches and invocation logs of Bedrock",
        example={
            "recordId": "item-1",
            "modelInput": {"messages": [{"role": "user", "content": [{"type": "text", "text": "2+2?"}]}]},
            "modelOutput": {"type": "message", "role": "assistant", "content": content},
        },
        fits=fits,
        read=read,
    )
