"""A coder's units for doccano: data set and codes to import into a project of their own.

    A.doccano.jsonl         {"text": "[question] … >>>>> Wait, is it? <<<<< …", "label": [], "unit_id": "u4be1…", …}
    A.doccano.labels.json   [{"text": "IA-SQ", …}, {"text": "2nd IA-SQ", …}, {"text": "none", …}, {"text": "flag", …}]

Make a project *Text Classification* without single choice, Import Dataset (JSONL, columns text and label), then Labels →
Import. doccano sorts the labels of a text when it exports them: hence "2nd" for second codes. A comment is a memo.
With ``spans``: a project *Sequence Labeling*, a trace a text.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ...codebook import NONE, Codebook
from ...files.records import atomic, write_jsonl
from ..packet import Packet
from ..packet_return import blind_id
from ._view import FLAG, in_context, views, whole_traces

_COLOURS = (
    *("#4477aa", "#ee6677", "#228833", "#aa8800", "#3399bb", "#aa3377"),
    *("#666666", "#994455", "#117733", "#332288"),
)


def packet(packet: Packet, coder: str, out: Path, *, spans: bool = False) -> list[Path]:
    """Write ``OUT/CODER.doccano.jsonl`` and ``….labels.json``."""
    if spans:
        whole_traces(packet, "doccano")
    data, names = out / f"{coder}.doccano.jsonl", out / f"{coder}.doccano.labels.json"
    write_jsonl(data, _traces(packet, coder) if spans else _units(packet, coder))
    with atomic(names) as file:
        file.write(json.dumps(_names(packet.codebook, spans), ensure_ascii=False, indent=1) + "\n")
    return [data, names]


def _units(packet: Packet, coder: str) -> Iterator[dict[str, Any]]:
    for view in views(packet, coder):
        yield {
            "text": in_context(view),
            "label": [],
            "number": view.number,
            "practice": view.practice,
            "unit": view.unit,
            "unit_id": view.unit_id,
            "coder": coder,
            "codebook": packet.codebook.stamp,
        }


def _traces(packet: Packet, coder: str) -> Iterator[dict[str, Any]]:
    for trace in {task.trace.id: task.trace for task in packet.tasks(coder)}.values():
        yield {
            "text": trace.reasoning,
            "label": [],
            "question": trace.question,
            "document": blind_id(trace.id),
            "coder": coder,
            "codebook": packet.codebook.stamp,
        }


def second(rank: int, code: str) -> str:
    """The name of a code at a place behind the first.

    >>> second(1, "IA-SQ"), second(2, "IA-SQ"), second(3, "IA-SQ")
    ('2nd IA-SQ', '3rd IA-SQ', '4th IA-SQ')
    """
    return f"{ {1: '2nd', 2: '3rd'}.get(rank, f'{rank + 1}th') } {code}"


def _names(book: Codebook, spans: bool) -> list[dict[str, Any]]:
    """Codes with a key to press each, while there are keys; then what else can be said of a unit."""
    keys = iter("1234567890")
    found = [
        _name(code.id, code.color or _COLOURS[i % len(_COLOURS)], next(keys, None))
        for i, code in enumerate(book.codes)
    ]
    if spans:
        return found if book.exhaustive else [*found, _name(NONE, "#999999", "n")]
    for rank in range(1, book.max_codes):
        found += [
            _name(second(rank, code.id), code.color or _COLOURS[i % len(_COLOURS)])
            for i, code in enumerate(book.codes)
        ]
    return [*found, _name(NONE, "#999999", "n"), _name(FLAG, "#cc3311", "f")]


def _name(text: str, colour: str, key: str | None = None) -> dict[str, Any]:
    return {"text": text, "suffix_key": key, "background_color": colour, "text_color": "#ffffff"}
