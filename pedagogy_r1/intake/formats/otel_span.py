"""Spans of model calls by OpenTelemetry's GenAI conventions or OpenInference's (Phoenix), one a record: attributes flat, in an object, or in columns.

    {"gen_ai.request.model": "m", "gen_ai.input.messages": […], "gen_ai.output.messages": [{"role": "assistant", "parts": [
       {"type": "reasoning", "content": "Easy."}, {"type": "text", "content": "4"}]}]}
    {"name": "ChatCompletion", "attributes": {"openinference.span.kind": "LLM", "llm.output_messages.0.message.content": "4", …}}

Messages may be JSON in text. Spans of another kind are no model calls.
"""

from __future__ import annotations

from ..format import Format, Record, Said, name, obj, unfold
from ..logged import attributes_of, is_model_span, span_said


def fits(record: Record) -> bool:
    context = obj(record.get("context"))
    span = "attributes" in record and ("span_id" in record or "spanId" in record or "span_id" in context)
    return "resourceSpans" not in record and (span or is_model_span(attributes_of(record)))


def read(record: Record) -> list[Said]:
    whole = unfold(record)
    found = span_said(attributes_of(whole))
    context = obj(record.get("context"))
    span = next(
        (v for v in (record.get(c) for c in ("spanId", "span_id", "context.span_id")) if v),
        context.get("span_id"),
    )
    for said in found:
        said.record, said.id = whole, name(span)
    return found


def format() -> Format:
    parts = [{"type": "reasoning", "content": "Two and two."}, {"type": "text", "content": "4"}]
    return Format(
        what="spans of model calls: OpenTelemetry GenAI, OpenInference (Phoenix)",
        example={
            "gen_ai.request.model": "m",
            "gen_ai.input.messages": [{"role": "user", "parts": [{"type": "text", "content": "2+2?"}]}],
            "gen_ai.output.messages": [{"role": "assistant", "parts": parts, "finish_reason": "stop"}],
        },
        fits=fits,
        read=read,
    )
