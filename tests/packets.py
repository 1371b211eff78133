"""Packets for tests, laid out by hand as ``human/packet.py`` says; and coders who fill in what they are sent."""

from __future__ import annotations

import csv
import json
import random
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import openpyxl

from pedagogy_r1.codebook import Codebook
from pedagogy_r1.codebook.snapshot import dump_codebook
from pedagogy_r1.files.records import write_jsonl
from pedagogy_r1.human.packet import Packet, PacketManifest
from pedagogy_r1.job import save_record
from pedagogy_r1.trace import Trace
from pedagogy_r1.unit import unitize

from .make_runs import book as little_book

HARD = [
    Trace(
        id="sk-1-zebra-okapi",
        question="=SUM(A1:A9)\nWhich one is right? 🙂 <b>bold</b> & $x_1^2$",
        reasoning="Okay 🙂. Let me compute \\(\\frac{a}{b}\\) = 3. =2+2 is 4.\r\n\r\n-3 + 4 = 1, so that's fine.\r\n"
        "@home it 'works'. Wait, 👩‍👩‍👧‍👦 is one family, isn't it? <script>alert(1)</script> Done.",
        answer="Elefant",
        domain="SK",
        condition="zebra",
        model="okapi",
        correct=True,
    ),
    Trace(
        id="sk-2-free-qwq",
        question="왜 하늘은 파란가요?",
        reasoning="먼저 문제를 읽어 보겠습니다. 빛의 산란이 🌈 원인인가요? 그렇습니다.\n여기서 식은 $I \\propto \\lambda^{-4}$ 입니다.",
        lang="ko",
        condition="free",
    ),
    Trace(
        id="pk-3-cop-r1",
        question="这道题的答案是什么？",
        reasoning="我们先看题目。等一下，𠮷野家的“𠮷”不在基本平面里。所以答案是乙！  \t 真的吗？",
        lang="zh",
        condition="cop",
    ),
]
"""Emoji beyond the basic plane, LaTeX, CRLF, Korean, Chinese, formulas, HTML."""


def make_packet(
    folder: Path,
    traces: Sequence[Trace] = HARD,
    *,
    coders: Sequence[str] = ("A", "B"),
    codebook: Codebook | None = None,
    every: int = 1,
    practice: int = 0,
    scheme: str = "sentence@1",
    spans: bool = False,
) -> Packet:
    """Every ``every``-th unit is drawn, for all coders, in an order of their own; whole traces if ``every`` is 1. ``spans``: coders
    draw them, in traces in an order of their own, the first ``practice`` of them for practice."""
    codebook = codebook or little_book()
    units = [unit for trace in traces for unit in unitize(trace, scheme)]
    drawn = [unit.id for unit in units[::every]]
    (folder / "key").mkdir(parents=True)
    manifest = PacketManifest(
        packet_id="p-test",
        codebook={"id": codebook.id, "version": codebook.version, "digest": codebook.digest},
        scheme=scheme,
        coders=tuple(coders),
        whole_traces=every == 1,
        spans=spans,
        seed=1,
    )
    save_record(folder / "packet.json", manifest)
    (folder / "codebook.yaml").write_text(dump_codebook(codebook), encoding="utf-8")
    write_jsonl(
        folder / "key/traces.jsonl", (t.model_dump(mode="json", exclude_defaults=True) for t in traces)
    )
    (folder / "key/units.jsonl").write_text("".join(unit.json_line() for unit in units), encoding="utf-8")
    for number, coder in enumerate(coders):
        order = drawn.copy()
        random.Random(number).shuffle(order)
        practised = set(order[:practice])
        if spans:
            rank = {
                trace.id: place
                for place, trace in enumerate(random.Random(number).sample(traces, len(traces)))
            }
            order = [unit.id for unit in sorted(units, key=lambda unit: (rank[unit.trace_id], unit.index))]
            practised = {unit.id for unit in units if rank[unit.trace_id] < practice}
        lines = [{"unit_id": unit} | ({"practice": True} if unit in practised else {}) for unit in order]
        write_jsonl(folder / coder / "order.jsonl", lines)
    return Packet(folder)


Said = tuple[tuple[str, ...] | None, str | None]
"""Codes (``()``: none applies, ``None``: left empty) and memo."""

MEMOS = [None, None, "asks itself 🙂, 왜?", '\'tis "so"; a, b\nsecond line', "x = 1, 等一下", None]


def opinions(packet: Packet, coder: str) -> dict[str, Said]:
    """What the coder thinks of each unit asked: two codes, one, none, or nothing, by turns, with memos."""
    ids = packet.codebook.code_ids
    found: dict[str, Said] = {}
    for i, task in enumerate(packet.tasks(coder)):
        turn = (i + len(coder)) % 5
        a, b = ids[i % len(ids)], ids[(i + 1) % len(ids)]
        codes: tuple[str, ...] | None = (
            (a,) if turn < 2 else (b, a) if turn == 2 else () if turn == 3 else None
        )
        found[task.unit.id] = (codes, MEMOS[i % len(MEMOS)])
    return found


def load(path: Path) -> list[dict[str, object]]:
    """The objects of a JSON array, or of JSON lines."""
    text = path.read_text(encoding="utf-8")
    found = (
        json.loads(text)
        if path.suffix == ".json"
        else [json.loads(line) for line in text.split("\n") if line]
    )
    assert isinstance(found, list)
    return found


def save(path: Path, objects: Iterable[object]) -> Path:
    """A JSON array, or JSON lines, by the suffix."""
    if path.suffix == ".json":
        path.write_text(json.dumps(list(objects), ensure_ascii=False), encoding="utf-8")
    else:
        write_jsonl(path, objects)
    return path


# What each tool writes once somebody has coded in it, in the form it documents (or that its server was seen to write).


def fill(format: str, packet: Packet, coder: str, said: dict[str, Said], out: Path) -> Path:
    """Code what ``coder`` was sent, as the tool would, and export it to the folder ``out``."""
    out.mkdir(parents=True, exist_ok=True)
    filler = {
        "xlsx": _fill_xlsx,
        "csv": _fill_csv,
        "label_studio": _fill_label_studio,
        "doccano": _fill_doccano,
        "prodigy": _fill_prodigy,
    }
    return filler[format](packet.folder / coder, coder, said, out)


def _fill_xlsx(sent: Path, coder: str, said: dict[str, Said], out: Path) -> Path:
    book = openpyxl.load_workbook(sent / f"{coder}.xlsx")
    sheet = book["coding"]
    at = {cell.value: cell.column for cell in sheet[1]}
    for row in range(2, sheet.max_row + 1):
        codes, memo = said[str(sheet.cell(row, at["unit_id"]).value)]
        for name, value in _cells(codes, memo).items():
            sheet.cell(row, at[name]).value = value
    book.save(out / "sent back.xlsx")
    return out / "sent back.xlsx"


def _fill_csv(sent: Path, coder: str, said: dict[str, Said], out: Path) -> Path:
    with (sent / f"{coder}.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        row |= {name: value or "" for name, value in _cells(*said[row["unit_id"]]).items()}
    with (out / "sent back.csv").open("w", encoding="utf-8-sig", newline="") as file:
        table = csv.DictWriter(file, list(rows[0]))
        table.writeheader()
        table.writerows(rows)
    return out / "sent back.csv"


def _cells(codes: tuple[str, ...] | None, memo: str | None) -> dict[str, str | None]:
    names = ["none"] if codes == () else [*(codes or ())]
    return {
        "primary_code": names[0] if names else None,
        "second_code": names[1] if len(names) > 1 else None,
    } | {"memo": memo}


def _fill_label_studio(sent: Path, coder: str, said: dict[str, Said], out: Path) -> Path:
    done = []
    for number, task in enumerate(load(sent / f"{coder}.label_studio.json"), 1):
        data: Any = task["data"]
        codes, memo = said[data["unit_id"]]
        if codes is None and memo is None and number % 2:
            continue  # never opened: not in the export
        cells = _cells(codes, None)
        result = [
            {**_result(name, "choices"), "value": {"choices": [value]}}
            for name, value in cells.items()
            if value is not None
        ]
        if memo is not None:
            result.append({**_result("memo", "textarea"), "value": {"text": [memo]}})
        made = {
            "id": number,
            "completed_by": 1,
            "result": result,
            "was_cancelled": False,
            "ground_truth": False,
        }
        made |= {"created_at": "2026-01-01T00:00:00Z", "lead_time": 4.2, "result_count": 0, "task": number}
        done.append(
            {"id": number, "annotations": [made], "drafts": [], "predictions": [], "data": data, "meta": {}}
        )
    return save(out / "project-1-at-2026.json", done)


def _result(name: str, kind: str) -> dict[str, object]:
    return {"id": f"r-{name}", "from_name": name, "to_name": "unit", "type": kind, "origin": "manual"}


def _fill_doccano(sent: Path, coder: str, said: dict[str, Said], out: Path) -> Path:
    done = []
    for number, text in enumerate(load(sent / f"{coder}.doccano.jsonl"), 1):
        codes, memo = said[str(text["unit_id"])]
        names = ["none"] if codes == () else [("", "2nd ")[i] + code for i, code in enumerate(codes or ())]
        meta = {name: value for name, value in text.items() if name not in ("text", "label")}
        done.append(
            {
                "id": number,
                "text": text["text"],
                **meta,
                "label": sorted(names),
                "Comments": [memo] if memo else [],
            }
        )
    return save(out / "all.jsonl", done)


def _fill_prodigy(sent: Path, coder: str, said: dict[str, Said], out: Path) -> Path:
    done = []
    for number, task in enumerate(load(sent / f"{coder}.prodigy.jsonl"), 1):
        codes, memo = said[str(task["unit_id"])]
        names = ["none"] if codes == () else [("", "2nd ")[i] + code for i, code in enumerate(codes or ())]
        answer = {"accept": names[::-1], "answer": "ignore" if codes is None and memo is None else "accept"}
        hashes = {
            "_input_hash": -number,
            "_task_hash": number,
            "_timestamp": 1700000000,
            "_view_id": "blocks",
        }
        done.append({**task, **hashes, **answer, "_annotator_id": "db-a"} | ({"memo": memo} if memo else {}))
    return save(out / "db.jsonl", done)
