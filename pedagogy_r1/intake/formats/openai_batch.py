"""The output of a batch: OpenAI (chat and Responses), Mistral, vLLM's ``run-batch``.

    {"id": "batch_req_1", "custom_id": "item-1", "response": {"status_code": 200, "body": {"choices": [{"message": {"content": "<think>Easy.</think>4"}}]}},
     "error": null}

``custom_id`` is the item. A request that failed is no trace; neither is a line of the batch's input, which
gives the question of its reply where its file stands before that of the output.
"""

from __future__ import annotations

from typing import Any

from ..format import Format, NoTrace, Record, Said, name, obj
from ..replies import error_text, pair


def fits(record: Record) -> bool:
    return "custom_id" in record and (
        "response" in record or "error" in record or ("body" in record and "url" in record)
    )


def read(record: Record) -> list[Said]:
    response = obj(record.get("response"))
    body = response.get("body", response)
    if record.get("error"):
        raise NoTrace(f"a request that failed: {error_text(record['error'])}")
    if not response:
        raise NoTrace(
            "a line of a batch's input, without a reply" if "body" in record else "a request without a reply"
        )
    if not isinstance(body, dict) or int(response.get("status_code") or 200) >= 400:
        raise NoTrace(f"a request that failed: {error_text(obj(body).get('error', body))}")
    found = pair(record, _request(record), body)
    for said in found:
        said.id, said.item = name(record.get("id")) or name(record["custom_id"]), name(record["custom_id"])
    return found


def _request(record: Record) -> Any:
    """What was asked: beside the reply, with the URL it was sent to or without."""
    request = obj(record.get("request"))
    return request.get("body", request) or record.get("body")


def format() -> Format:
    reply = {
        "model": "gpt-x",
        "choices": [
            {"index": 0, "message": {"role": "assistant", "content": "<think>Two and two.</think>4"}}
        ],
    }
    return Format(
        what="the output of a batch of OpenAI, Mistral or vLLM",
        example={
            "id": "batch_req_1",
            "custom_id": "item-1",
            "response": {"status_code": 200, "body": reply},
            "error": None,
        },
        fits=fits,
        read=read,
    )
