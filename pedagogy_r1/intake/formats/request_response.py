"""A request and its reply, side by side, as scripts save them, and Vertex's and Gemini's batches.

{"request": {"model": "m", "messages": [{"role": "user", "content": "2+2?"}]}, "response": {"choices": [{"message": {…}}]}}
{"key": "item-1", "request": {"contents": […]}, "response": {"candidates": […]}}
{"inputs": {"messages": […]}, "output": {"choices": […]}}                      Weave; request_body and response_body: Helicone
{"status": "", "processed_time": "…", "request": {"contents": […]}, "response": {"candidates": […]}}
"""

from __future__ import annotations

from typing import Any

from ..format import Format, NoTrace, Record, Said, name, obj, unfold
from ..replies import body_of, error_text, is_reply, pair


def fits(record: Record) -> bool:
    if "key" in record and record.get("error"):
        return True
    if "custom_id" in record or not _request(record):
        return False
    failed = bool(record.get("error")) or bool(record.get("status"))
    reply = unfold(_reply(record))
    return is_reply(body_of(reply)) or (
        ("key" in record or "processed_time" in record) and (failed or isinstance(reply, dict))
    )


def _request(record: Record) -> Any:
    """What was asked, by the names that proxies and tracers give it; inputs only if there are messages in them."""
    request = record.get("request", record.get("request_body"))
    if isinstance(request, dict | str):
        return request
    inputs = (unfold(record.get(column)) for column in ("inputs", "input"))
    return next(
        (one for one in inputs if isinstance(one, dict) and isinstance(one.get("messages"), list)), None
    )


def _reply(record: Record) -> Any:
    return next(
        (record[c] for c in ("response", "completion", "response_body", "output") if c in record), None
    )


def read(record: Record) -> list[Said]:
    whole = unfold(record)
    reply = body_of(_reply(whole))
    failed = record.get("error") or record.get("status")
    if not is_reply(reply):
        raise NoTrace(f"a request that failed: {error_text(failed or reply or 'no reply')}")
    request = obj(_request(whole))
    found = pair(whole, obj(request.get("body")) or request, reply)
    for said in found:
        said.item = name(record.get("key")) or name(record.get("id"))
        said.record = whole
    return found


def format() -> Format:
    return Format(
        what="requests with their replies side by side; Gemini's and Vertex's batches",
        example={
            "request": {"model": "m", "messages": [{"role": "user", "content": "2+2?"}]},
            "response": {"model": "m", "choices": [{"message": {"role": "assistant", "reasoning_content": "Two and two.", "content": "4"}}]},
        },
        fits=fits,
        read=read,
    )  # fmt: skip
