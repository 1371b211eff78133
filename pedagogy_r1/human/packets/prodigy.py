"""A coder's units for Prodigy: tasks of the choice interface, and the settings of a recipe that shows them.

    A.prodigy.jsonl   {"text": "… >>>>> Wait, is it? <<<<< …", "options": [{"id": "IA-SQ", "text": "IA-SQ …"}, …], …}
    A.prodigy.json    {"view_id": "blocks", "config": {"blocks": [{"view_id": "choice"}, {"view_id": "text_input", …}], …}}

Prodigy is not free, and was not run here: the fields are those of its documentation (interfaces "choice", "text_input",
"spans_manual"). A recipe of ten lines, in docs/packets.md, serves these two files. ``accept`` of a task that comes back has
the chosen ids; second codes have ids of their own ("2nd IA-SQ"), since nothing says that ``accept`` keeps an order.
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
from ._view import MEMO, in_context, in_short, views, whole_traces
from .doccano import second


def packet(packet: Packet, coder: str, out: Path, *, spans: bool = False) -> list[Path]:
    """Write ``OUT/CODER.prodigy.jsonl`` and ``….prodigy.json``."""
    if spans:
        whole_traces(packet, "prodigy")
    tasks, settings = out / f"{coder}.prodigy.jsonl", out / f"{coder}.prodigy.json"
    write_jsonl(tasks, _traces(packet, coder) if spans else _units(packet, coder))
    with atomic(settings) as file:
        file.write(json.dumps(_settings(packet.codebook, spans), ensure_ascii=False, indent=1) + "\n")
    return [tasks, settings]


def _units(packet: Packet, coder: str) -> Iterator[dict[str, Any]]:
    options = _options(packet.codebook)
    for view in views(packet, coder):
        yield {
            "text": in_context(view),
            "options": options,
            "unit": view.unit,
            "unit_id": view.unit_id,
            "practice": view.practice,
            "coder": coder,
            "codebook": packet.codebook.stamp,
            "meta": {"number": view.number, "trace": view.trace},
        }


def _traces(packet: Packet, coder: str) -> Iterator[dict[str, Any]]:
    for trace in {task.trace.id: task.trace for task in packet.tasks(coder)}.values():
        yield {
            "text": trace.reasoning,
            "question": trace.question,
            "document": blind_id(trace.id),
            "coder": coder,
            "codebook": packet.codebook.stamp,
        }


def _options(book: Codebook) -> list[dict[str, str]]:
    first = [{"id": code.id, "text": in_short(code)} for code in book.codes]
    more = [
        {"id": second(rank, code.id), "text": f"{second(rank, code.id)} {code.name}"}
        for rank in range(1, book.max_codes)
        for code in book.codes
    ]
    return [*first, {"id": NONE, "text": "none: no code applies"}, *more]


def _settings(book: Codebook, spans: bool) -> dict[str, Any]:
    if spans:
        names = [code.id for code in book.codes] + ([] if book.exhaustive else [NONE])
        return {"view_id": "spans_manual", "config": {"labels": names, "show_flag": True}}
    blocks = [
        {"view_id": "choice"},
        {"view_id": "text_input", "field_id": MEMO, "field_rows": 2, "field_label": MEMO},
    ]
    config = {"blocks": blocks, "choice_style": "multiple", "show_flag": True, "feed_overlap": True}
    return {"view_id": "blocks", "config": config}
