"""Only some traces: ``domain=math,condition=cop``, by the fields of a trace or by its metadata.

    Where.parse(["domain=math,domain=law", "metadata.grade=5"])     (math or law) and grade 5

Values of one field are alternatives, several fields have to hold together. A trace without the field never has the value.
A field that no trace has, and a value that none has, are errors: a misspelt word would otherwise be an empty result.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

from ..errors import ArgumentError, did_you_mean
from ..trace import Trace

FIELDS = ("id", "item", "domain", "condition", "model", "correct", "lang")
METADATA = "metadata."
_TRUTH = {"right": "true", "wrong": "false"}
_LISTED = 12
"""Values that an error names."""

_NEXT = re.compile(r",(?=[^,=]+=)")
"""A comma divides conditions where another FIELD= follows; other commas belong to the value."""


class Picked(NamedTuple):
    """Ids of the traces that are taken, the sentence that every output says of it, and what was asked, as `Where.parse` reads it."""

    ids: frozenset[str]
    said: str
    asked: tuple[str, ...] = ()


def field_of(trace: Trace, field: str) -> Any:
    """A field of a trace; ``metadata.a.b`` is ``metadata["a.b"]``, or ``metadata["a"]["b"]``. ``None`` where there is none."""
    if not field.startswith(METADATA):
        return getattr(trace, field)
    found: Any = trace.metadata
    path = field.removeprefix(METADATA)
    if path in trace.metadata:
        return trace.metadata[path]
    for name in path.split("."):
        found = found.get(name) if isinstance(found, dict) else None
    return found


def fields_of(trace: Trace) -> set[str]:
    """The fields of which the trace has a value, ``metadata.grade`` … among them."""
    own = {name for name in FIELDS if getattr(trace, name) is not None}
    return own | {METADATA + name for name in trace.metadata}


def check_field(field: str) -> None:
    """Raises `ArgumentError` for what is neither a field of traces nor ``metadata.NAME``."""
    if field not in FIELDS and not (field.startswith(METADATA) and field != METADATA):
        hint = f"{did_you_mean(field, [*FIELDS, 'metadata.NAME'])}; what lies under metadata is called metadata.{field.removeprefix(METADATA) or 'NAME'}"
        raise ArgumentError(f"traces have no field {field!r}", hint)


def value_text(value: Any) -> str:
    """A value as it is written on the command line: ``true``, ``5`` (of 5 and 5.0), ``math``."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _texts(value: Any) -> list[str]:
    """What a field may be asked for: of a list, each element."""
    if isinstance(value, list):
        return [text for one in value for text in _texts(one)]
    return [] if value is None else [value_text(value)]


def values_of(traces: Iterable[Trace], field: str) -> dict[str, str | None]:
    """Trace id → the value of one field, as text; ``None`` where the trace has none.

    A trace may come several times, and not have the field each time. Raises `ArgumentError` for a field that no trace has,
    that holds lists or objects, or that differs between two traces of one id.
    """
    check_field(field)
    found: dict[str, str | None] = {}
    fields: set[str] = set()
    for trace in traces:
        value = field_of(trace, field)
        fields |= fields_of(trace)
        if isinstance(value, list | dict):
            raise ArgumentError(
                f"{field} of trace {trace.id} is no single value", "name a field that holds one"
            )
        text = None if value is None else value_text(value)
        earlier = found.setdefault(trace.id, text)
        if text is not None and earlier is not None and text != earlier:
            raise ArgumentError(
                f"trace {trace.id} has {field} {earlier} in one run and {text} in another", "mend one of them"
            )
        found[trace.id] = text if earlier is None else earlier
    if not any(value is not None for value in found.values()):
        raise ArgumentError(f"no trace has a value of {field}", did_you_mean(field, sorted(fields)))
    return found


def label_of(field: str) -> str:
    """What a field is called in a heading: ``grade`` of ``metadata.grade``."""
    return field.removeprefix(METADATA)


def in_order(values: Iterable[str | None]) -> list[str]:
    """Values of a field, each once: numbers by size, where all are numbers; else by name. Without ``None``."""
    texts = sorted({value for value in values if value is not None})
    try:
        return sorted(texts, key=float)
    except ValueError:
        return texts


@dataclass(frozen=True)
class Where:
    """``wanted``: by field, the values that are taken."""

    wanted: dict[str, tuple[str, ...]]

    @classmethod
    def parse(cls, texts: Iterable[str]) -> Where | None:
        """From what was given, each ``FIELD=VALUE,…``; ``None`` where nothing was. Raises `ArgumentError`."""
        wanted: dict[str, list[str]] = {}
        for text in (part for given in texts for part in _NEXT.split(given)):
            field, equals, value = (part.strip() for part in text.partition("="))
            if not (field and equals and value):
                raise ArgumentError(
                    f"{text!r} is no condition", "write FIELD=VALUE, as domain=math or metadata.grade=5"
                )
            check_field(field)
            value = _TRUTH.get(value, value) if field == "correct" else value
            wanted.setdefault(field, []).append(value)
        return (
            cls({field: tuple(dict.fromkeys(values)) for field, values in wanted.items()}) if wanted else None
        )

    def __str__(self) -> str:
        parts = [
            (" or ".join(f"{field}={value}" for value in values), len(values))
            for field, values in self.wanted.items()
        ]
        return " and ".join(f"({text})" if n > 1 and len(parts) > 1 else text for text, n in parts)

    def keeps(self, trace: Trace) -> bool:
        """Whether the trace has one of the values of every field."""
        return all(
            not set(values).isdisjoint(_texts(field_of(trace, field)))
            for field, values in self.wanted.items()
        )

    def pick(self, traces: Iterable[Trace]) -> Picked:
        """The traces that are taken, of all that there are; an id that comes twice counts once.

        Raises `ArgumentError` for a metadata field or a value that no trace has, and where no trace is taken.
        """
        seen: dict[str, Counter[str]] = {field: Counter() for field in self.wanted}
        every: set[str] = set()
        kept: set[str] = set()
        fields: set[str] = set()
        for trace in traces:
            every.add(trace.id)
            fields |= fields_of(trace)
            for field, values in seen.items():
                values.update(_texts(field_of(trace, field)))
            if self.keeps(trace):
                kept.add(trace.id)
        self._check(seen, sorted(fields))
        if not kept:
            raise ArgumentError(
                f"no trace has {self}", "each of them is there, but never together: leave one out"
            )
        return Picked(
            frozenset(kept),
            f"only the traces with {self} are taken: {len(kept):,} of {len(every):,}",
            tuple(f"{field}={value}" for field, values in self.wanted.items() for value in values),
        )

    def _check(self, seen: dict[str, Counter[str]], fields: list[str]) -> None:
        for field, values in self.wanted.items():
            if not seen[field]:
                raise ArgumentError(f"no trace has a value of {field}", did_you_mean(field, fields))
            for value in values:
                if value not in seen[field]:
                    raise ArgumentError(f"no trace has {field}={value}", _nearest(field, value, seen[field]))


def _nearest(field: str, value: str, seen: Counter[str]) -> str:
    several = [part.strip() for part in value.split(",")]
    if all(part in seen for part in several):
        return "write one condition for each value: " + ",".join(f"{field}={part}" for part in several)
    hint = did_you_mean(value, list(seen))
    if len(seen) <= _LISTED or not hint.startswith("known:"):
        return hint
    return (
        f"known: {', '.join(name for name, _ in seen.most_common(_LISTED))} and {len(seen) - _LISTED:,} more"
    )
