"""OTLP in JSON, as a collector's file exporter writes it: spans in scopes in resources; each span of a model call is a trace.

{"resourceSpans": [{"resource": {"attributes": […]}, "scopeSpans": [{"spans": [{"spanId": "eee1", "name": "chat m", "attributes": [
  {"key": "gen_ai.output.messages", "value": {"stringValue": "[{\\"role\\": …}]"}}]}]}]}]}
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..format import Format, Record, Said, obj
from .otel_span import read as read_span

_VALUES = ("stringValue", "boolValue", "intValue", "doubleValue", "bytesValue")


def fits(record: Record) -> bool:
    return isinstance(record.get("resourceSpans", record.get("resource_spans")), list)


def parts(record: Record) -> Iterator[Record]:
    """The spans, each with what its resource and scope say."""
    for resource in map(obj, record.get("resourceSpans") or record.get("resource_spans") or []):
        about = obj(resource.get("resource"))
        scopes = resource.get(
            "scopeSpans", resource.get("scope_spans", resource.get("instrumentationLibrarySpans"))
        )
        for scope in map(obj, scopes if isinstance(scopes, list) else []):
            for span in map(obj, scope.get("spans") or []):
                whole: Record = {"resource": about, "scope": obj(scope.get("scope")), **span}
                yield {column: _plain(value) for column, value in whole.items()}


def _plain(value: Any) -> Any:
    """The value without OTLP's wrapping: lists of key and value become objects."""
    if isinstance(value, list):
        return _pairs(value) or [_plain(v) for v in value]
    if not isinstance(value, dict):
        return value
    for kind in _VALUES:
        if kind in value:
            return value[kind]
    if "arrayValue" in value:
        return [_plain(v) for v in _values(value["arrayValue"])]
    if "kvlistValue" in value:
        return _plain(_values(value["kvlistValue"]))
    return {column: _plain(inner) for column, inner in value.items()}


def _values(held: Any) -> list[Any]:
    return obj(held).get("values") or []


def _pairs(value: list[Any]) -> Record:
    """A list of key and value as an object; empty if it is none, or if a key stands twice in it."""
    pairs = [
        v
        for v in value
        if isinstance(v, dict) and v.keys() <= {"key", "value"} and isinstance(v.get("key"), str)
    ]
    found = {pair["key"]: _plain(pair.get("value")) for pair in pairs}
    return found if len(found) == len(value) else {}


def read(record: Record) -> list[Said]:
    return read_span(record)


def format() -> Format:
    said = '[{"role": "assistant", "parts": [{"type": "reasoning", "content": "Two and two."}, {"type": "text", "content": "4"}]}]'
    span = {
        "traceId": "5b8e",
        "spanId": "eee1",
        "name": "chat m",
        "attributes": [{"key": "gen_ai.output.messages", "value": {"stringValue": said}}],
    }
    return Format(
        what="OTLP in JSON, from a collector's file exporter",
        example={
            "resourceSpans": [
                {"resource": {"attributes": []}, "scopeSpans": [{"scope": {"name": "x"}, "spans": [span]}]}
            ]
        },
        fits=fits,
        read=read,
        parts=parts,
    )
