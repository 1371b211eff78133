"""A coder's units for Label Studio: the labeling configuration (Settings → Labeling Interface → Code) and the tasks to import.

    A.label_studio.xml    <View> … <Choices name="primary_code" toName="unit" choice="single"> …
    A.label_studio.json   [{"data": {"unit": "Wait, is it?", "unit_id": "u4be1…", "coder": "A", …}}, …]

One task a unit, one project a coder: what comes back (Export → JSON, JSON-MIN or CSV) names each unit by its id. With
``spans``: one task a trace, in which stretches are marked; what comes back is laid on the units.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET  # builds only; nothing is parsed here

from ...codebook import NONE, Codebook
from ...files.records import atomic
from ..packet import Packet
from ..packet_return import blind_id
from ._view import FIRST, FLAG, MEMO, in_full, in_short, ranks, views, whole_traces

SPANS = "spans"
"""The control whose regions are spans."""


def packet(packet: Packet, coder: str, out: Path, *, spans: bool = False) -> list[Path]:
    """Write ``OUT/CODER.label_studio.xml`` and ``….json``."""
    if spans:
        whole_traces(packet, "label_studio")
    config, tasks = out / f"{coder}.label_studio.xml", out / f"{coder}.label_studio.json"
    with atomic(config) as file:
        tree = _spans_config(packet.codebook) if spans else _config(packet.codebook)
        ET.indent(tree)
        file.write(ET.tostring(tree, encoding="unicode") + "\n")
    data = _traces(packet, coder) if spans else _units(packet, coder)
    with atomic(tasks) as file:
        file.write(json.dumps([{"data": each} for each in data], ensure_ascii=False, indent=1) + "\n")
    return [config, tasks]


def _units(packet: Packet, coder: str) -> list[dict[str, Any]]:
    """Every field is there, even if it is empty: Label Studio refuses a task that lacks one of the configuration."""
    mine = {"coder": coder, "codebook": packet.codebook.stamp}
    return [{**view._asdict(), **mine} for view in views(packet, coder)]


def _traces(packet: Packet, coder: str) -> list[dict[str, Any]]:
    traces = {task.trace.id: task.trace for task in packet.tasks(coder)}
    return [
        {
            "question": trace.question,
            "text": trace.reasoning,
            "document": blind_id(trace.id),
            "coder": coder,
            "codebook": packet.codebook.stamp,
        }
        for trace in traces.values()
    ]


def _config(book: Codebook) -> ET.Element:
    view = ET.Element("View")
    _text(view, "Question", "question", small=True)
    _text(view, "Before", "before", small=True)
    _text(view, "Code this", "unit")
    _text(view, "After", "after", small=True)
    for name in ranks(book):
        ET.SubElement(view, "Header", value=name.replace("_", " "), size="5")
        choices = ET.SubElement(view, "Choices", name=name, toName="unit", choice="single", showInline="true")
        for code in book.codes:
            ET.SubElement(choices, "Choice", value=code.id, hint=_plain(in_short(code)))
        if name == FIRST:
            ET.SubElement(choices, "Choice", value=NONE, hint="no code applies")
    ET.SubElement(
        view, "TextArea", name=MEMO, toName="unit", placeholder="memo", rows="2", maxSubmissions="1"
    )
    flags = ET.SubElement(view, "Choices", name=FLAG, toName="unit", choice="multiple", showInline="true")
    ET.SubElement(flags, "Choice", value=FLAG, hint="to come back to")
    _codebook(view, book)
    return view


def _spans_config(book: Codebook) -> ET.Element:
    view = ET.Element("View")
    _text(view, "Question", "question", small=True)
    marks = ET.SubElement(view, "Labels", name=SPANS, toName="text", choice="single")
    for code in book.codes:
        mark = ET.SubElement(marks, "Label", value=code.id, hint=_plain(in_short(code)))
        if code.color:
            mark.set("background", code.color)
    if not book.exhaustive:
        ET.SubElement(marks, "Label", value=NONE, hint="no code applies")
    # Word borders would move a span that begins or ends within a formula.
    ET.SubElement(view, "Text", name="text", value="$text", valueType="text", granularity="symbol")
    ET.SubElement(view, "TextArea", name=MEMO, toName="text", perRegion="true", placeholder="memo")
    _codebook(view, book)
    return view


def _text(view: ET.Element, title: str, name: str, *, small: bool = False) -> None:
    ET.SubElement(view, "Header", value=title, size="6" if small else "4")
    ET.SubElement(view, "Text", name=name, value=f"${name}", valueType="text", selectionEnabled="false")


def _codebook(view: ET.Element, book: Codebook) -> None:
    """Folded away below the task."""
    fold = ET.SubElement(view, "Collapse")
    for code in book.codes:
        panel = ET.SubElement(fold, "Panel", value=_plain(f"{code.id} {code.name}"))
        inner = ET.SubElement(panel, "View")
        for heading, text in in_full(code):
            ET.SubElement(inner, "Header", value=heading, size="6")
            for line in text.splitlines():
                ET.SubElement(inner, "Header", value=_plain(line), size="6", style="font-weight: normal")


def _plain(text: str) -> str:
    """Label Studio puts a task's field where a configuration says ``$name``: a zero-width space keeps formulas as they are.

    >>> _plain("so $x = 2$")
    'so $\\u200bx = 2$\\u200b'
    """
    return text.replace("$", "$\u200b")
