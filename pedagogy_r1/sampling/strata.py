"""Strata: which traces resemble each other from the outside, so that each kind gets its share of the sample.

    by = domain, condition, model       SK | cop | DeepSeek-R1
    by = domain, metadata.school        SK | Seoul-3

A trace without a value has the value ``–``: it belongs to a stratum like any other.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from ..errors import InputError, did_you_mean
from ..trace import Trace

DEFAULT = ("domain", "condition", "model")
FIELDS = ("domain", "condition", "model", "item", "lang", "correct", "think", "reference")
NOTHING = "–"

Stratum = tuple[str, ...]


def stratum_of(trace: Trace, by: Sequence[str]) -> Stratum:
    """The trace's value of each field of ``by``, as text."""
    return tuple(_text(_value(trace, name)) for name in by)


def words(stratum: Stratum) -> str:
    """How a stratum is written.

    >>> words(("SK", "cop"))
    'SK | cop'
    """
    return " | ".join(stratum) or "all"


def check_fields(by: Sequence[str], traces: Iterable[Trace]) -> None:
    """Raise `InputError` for a field that is named twice, or that no trace has and that is none of `FIELDS`."""
    for name in by:
        if by.count(name) > 1:
            raise InputError(f"--by names {name!r} twice", "name each field once")
    unknown = [name for name in by if name not in FIELDS]
    if not unknown:
        return
    known: dict[str, None] = dict.fromkeys(FIELDS)
    for trace in traces:
        unknown = [name for name in unknown if _value(trace, name) is None]
        if not unknown:
            return
        known |= dict.fromkeys(f"metadata.{key}" for key in list(trace.metadata)[:50])
    raise InputError(f"--by: no trace has a field {unknown[0]!r}", did_you_mean(unknown[0], list(known)))


def _value(trace: Trace, name: str) -> Any:
    """``metadata.a.b``, or ``a.b`` where it is no field of a trace, is looked up in the metadata."""
    if name in FIELDS:
        return getattr(trace, name)
    value: Any = trace.metadata
    for part in name.removeprefix("metadata.").split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return value


def _text(value: Any) -> str:
    if value is None or value == "":
        return NOTHING
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, sort_keys=True)
