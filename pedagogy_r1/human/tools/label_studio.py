"""Label Studio: the labeling configuration (Settings → Labeling Interface → Code) and the tasks to import; its JSON export.

    A.label_studio.xml    <View> … <Choices name="primary_code" toName="unit" choice="single"> …
    A.label_studio.json   [{"data": {"unit": "Wait, is it?", "unit_id": "u4be1…", "coder": "A", …}}, …]

    [{"data": {"unit_id": "u4be1…", "unit": "Wait, is it?", "coder": "A", …}, "annotations": [{"completed_by": 1, "result": [
      {"from_name": "primary_code", "type": "choices", "value": {"choices": ["TR-SP"]}},
      {"from_name": "memo", "type": "textarea", "value": {"text": ["asks itself"]}}]}]}]

One task a unit, one project a coder: what comes back (Export → JSON; `excel.py` reads JSON-MIN and CSV) names each unit by
its id. With ``spans``: one task a trace, in which stretches are marked; what comes back is laid on the units:
``{"type": "labels", "value": {"start": 9, "end": 21, "text": "Wait, is it?", "labels": ["TR-SP"]}}``, counted in UTF-16 code
units of the task's text. A skipped task is missing. Row numbers are those of the tasks.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET  # builds only; nothing is parsed here

from ...codebook import NONE, Codebook
from ...files.records import Row, write_json, write_text
from ..packet import (
    FIRST,
    FLAG,
    MEMO,
    RANKS,
    Packet,
    code_line,
    definition,
    ranks,
    trace_records,
    unit_records,
)
from ..raw_coding import (
    CodingRowError,
    CodingsFile,
    RawCoding,
    TaskRecord,
    account,
    codes_without_gap,
    each_record,
    objects,
    text_of,
    texts,
)
from . import CodingsReader, Columns, Tool


def tool() -> Tool:

    def sniff(file: CodingsFile) -> float:
        return 0.95 if {"data", "annotations"} <= file.plain.keys() else 0.0

    def columns(file: CodingsFile) -> Columns:
        return Columns([], ["predictions"] if "predictions" in file.plain else [])

    reader = CodingsReader(sniff, lambda file: each_record(file, _task), columns)
    return Tool({"label_studio": _write}, {"label_studio": reader})


def _write(packet: Packet, coder: str, out: Path, *, spans: bool = False) -> list[Path]:
    """Write ``OUT/CODER.label_studio.xml`` and ``….json``."""
    config, tasks = out / f"{coder}.label_studio.xml", out / f"{coder}.label_studio.json"
    tree = _spans_config(packet.codebook) if spans else _config(packet.codebook)
    ET.indent(tree)
    write_text(config, ET.tostring(tree, encoding="unicode") + "\n")
    # Every field is there, even if it is empty: Label Studio refuses a task that lacks one of the configuration.
    records = trace_records(packet, coder) if spans else unit_records(packet, coder)
    write_json(
        tasks, [{"data": {"question": each["question"], **each} if spans else each} for each in records]
    )
    return [config, tasks]


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
            ET.SubElement(choices, "Choice", value=code.id, hint=_plain(code_line(code)))
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
    marks = ET.SubElement(view, "Labels", name="spans", toName="text", choice="single")
    for code in book.codes:
        mark = ET.SubElement(marks, "Label", value=code.id, hint=_plain(code_line(code)))
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
        for heading, text in definition(code):
            ET.SubElement(inner, "Header", value=heading, size="6")
            for line in text.splitlines():
                ET.SubElement(inner, "Header", value=_plain(line), size="6", style="font-weight: normal")


def _plain(text: str) -> str:
    """Label Studio puts a task's field where a configuration says ``$name``: a zero-width space keeps formulas as they are.

    >>> _plain("so $x = 2$")
    'so $\\u200bx = 2$\\u200b'
    """
    return text.replace("$", "$\u200b")


def _task(row: Row, number: int) -> list[RawCoding]:
    data = row.data.get("data")
    if not isinstance(data, dict):
        raise CodingRowError("the task has no data")
    nowhere = "its data has neither unit_id nor document (or trace_id): it is no task of a packet"
    made = objects(row.data.get("annotations"), "annotations")
    task = TaskRecord(number, data, nowhere, made[0].get("completed_by") if made else None)
    if len(made) > 1:
        who = ", ".join(account(each.get("completed_by"))[:60] or "nobody" for each in made)
        raise CodingRowError(
            f"{len(made)} annotations of one task (completed_by {who}): one project a coder, or export one person's"
        )
    return _annotation(made[0], task) if made else []


def _annotation(made: dict[str, Any], task: TaskRecord) -> list[RawCoding]:
    results = objects(made.get("result"), "result")
    if made.get("was_cancelled") is True:
        return [task.coding(None, missing_reason="skipped")] if task.unit_id else []
    return [_unit(results, task)] if task.unit_id else _spans(results, task)


def _unit(results: list[dict[str, Any]], task: TaskRecord) -> RawCoding:
    said = {name: _said(results, name) for name in (*RANKS, MEMO, FLAG)}
    for name in RANKS:
        if len(said[name]) > 1:
            raise CodingRowError(f"{name} is {' and '.join(said[name])}")
    codes = codes_without_gap(RANKS, [next(iter(said[name]), None) for name in RANKS])
    return task.coding(codes, memo="\n".join(said[MEMO]) or None, flag=bool(said[FLAG]))


def _said(results: list[dict[str, Any]], name: str) -> list[str]:
    found: list[str] = []
    for result in results:
        if result.get("from_name") == name:
            found += texts(_value(result).get("text" if name == MEMO else "choices"), name)
    return found


def _value(result: dict[str, Any]) -> dict[str, Any]:
    value = result.get("value")
    if not isinstance(value, dict):
        raise CodingRowError(f"the value of {str(result.get('from_name'))[:40]} is no object")
    return value


def _spans(results: list[dict[str, Any]], task: TaskRecord) -> list[RawCoding]:
    """A region is all results of one id: what was marked, and a memo about it."""
    memos: dict[str, list[str]] = {}
    for result in results:
        if result.get("type") == "textarea":
            memos.setdefault(str(result.get("id")), []).extend(texts(_value(result).get("text"), "memo"))
    found = []
    for result in results:
        if result.get("type") != "labels":
            continue
        value = _value(result)
        cell = "; ".join(texts(value.get("labels"), "labels")) or None
        memo = "\n".join(memos.get(str(result.get("id")), [])) or None
        place = value.get("start"), value.get("end"), text_of(value, "text")
        found.append(task.span(cell, *place, memo, utf16=True))
    return found
