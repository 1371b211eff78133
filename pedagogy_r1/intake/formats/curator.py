"""Responses that Bespoke's curator keeps (``responses_0.jsonl``): the request in its words, the reply in the provider's.

{"generic_request": {"model": "m", "messages": [{"role": "user", "content": "2+2?"}], "original_row": {…}}, "response_message": "4",
 "raw_response": {"choices": [{"message": {"reasoning_content": "Easy.", "content": "4"}}]}, "response_errors": null}
"""

from __future__ import annotations

from ..format import Format, NoTrace, Record, Said, has, name, obj, unfold
from ..logged import io_said
from ..replies import error_text, is_reply


def fits(record: Record) -> bool:
    return "generic_request" in record and has(record, "response_message")


def read(record: Record) -> list[Said]:
    if record.get("response_errors"):
        errors = record["response_errors"]
        raise NoTrace(
            f"a request that failed: {error_text(errors[0] if isinstance(errors, list) else errors)}"
        )
    whole = unfold(record)
    raw = whole.get("raw_response")
    request = obj(whole["generic_request"])
    said = io_said({"messages": request.get("messages")}, raw if is_reply(raw) else whole["response_message"])
    for one in said:
        one.record, one.model = whole, name(request.get("model")) or one.model
        one.item = name(request.get("original_row_idx"))
    return said


def format() -> Format:
    return Format(
        what="responses that Bespoke's curator keeps",
        example={
            "generic_request": {"model": "m", "messages": [{"role": "user", "content": "2+2?"}], "original_row_idx": 0}, "response_message": "4",
            "raw_response": {"choices": [{"message": {"role": "assistant", "reasoning_content": "Two and two.", "content": "4"}}]},
            "response_errors": None,
        },
        fits=fits,
        read=read,
    )  # fmt: skip
