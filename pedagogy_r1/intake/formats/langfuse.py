"""Observations of Langfuse, alone or in their trace.

    {"id": "obs1", "traceId": "t1", "type": "GENERATION", "model": "m", "input": [{"role": "user", "content": "2+2?"}],
     "output": {"role": "assistant", "content": "4", "reasoning_content": "Easy."}}

Spans and events are no model calls.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..format import Format, NoTrace, Record, Said, name, obj, unfold
from ..logged import io_said

_NO_CALL = ("SPAN", "EVENT", "AGENT", "TOOL", "CHAIN", "RETRIEVER", "EVALUATOR", "EMBEDDING", "GUARDRAIL")


def fits(record: Record) -> bool:
    one = str(record.get("type", "")).upper() in ("GENERATION", *_NO_CALL) and (
        "trace_id" in record or "traceId" in record
    )
    return one or (
        isinstance(record.get("observations"), list)
        and all(isinstance(o, dict) for o in record["observations"])
    )


def parts(record: Record) -> Iterator[Record]:
    """The observations of a trace; then the trace itself, less them."""
    inner = record.get("observations")
    if not isinstance(inner, list):
        yield record
        return
    yield from (obj(one) for one in inner)
    yield {"type": "TRACE", **{column: value for column, value in record.items() if column != "observations"}}


def read(record: Record) -> list[Said]:
    if record.get("type") != "GENERATION":
        raise NoTrace(f"an observation that is no model call ({record.get('type')})")
    whole = unfold(record)
    if not whole.get("output"):
        why = record.get("statusMessage", record.get("status_message"))
        raise NoTrace("a generation without an output" + (f": {why}" if why else ""))
    found = io_said(whole.get("input"), whole["output"])
    for said in found:
        said.record, said.id = whole, name(record.get("id"))
        said.model = (
            name(record.get("providedModelName", record.get("provided_model_name", record.get("model"))))
            or said.model
        )
    return found


def format() -> Format:
    return Format(
        what="observations of Langfuse, alone or in their trace",
        example={
            "id": "obs1", "traceId": "t1", "type": "GENERATION", "model": "m", "input": [{"role": "user", "content": "2+2?"}],
            "output": {"role": "assistant", "content": "4", "reasoning_content": "Two and two."},
        },
        fits=fits,
        read=read,
        parts=parts,
    )  # fmt: skip
