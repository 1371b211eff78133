"""Proof by the tools themselves: their own code takes our files, and what it exports comes back as it was coded.

Each test needs a tool in an environment of its own and skips without: PCODE_LABEL_STUDIO names the command ``label-studio``,
PCODE_DOCCANO the Python of an environment that has doccano.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from pedagogy_r1.codebook import load_codebook
from pedagogy_r1.human.import_codings import import_codings
from pedagogy_r1.human.packet import Packet
from pedagogy_r1.human.tools import write_formats
from pedagogy_r1.runs.run import CoderRun

from ..conftest import ROOT
from ..packets import Said, load, make_packet, opinions
from ..proofs.label_studio import LabelStudio


def needed(variable: str) -> str:
    found = os.environ.get(variable, "")
    if not found:
        pytest.skip(f"{variable} is not set")
    return found


def schoen_packet(folder: Path) -> Packet:
    return make_packet(folder, codebook=load_codebook("schoen@1.0.0"))


def back(packet: Packet, file: Path, out: Path) -> dict[str, Said]:
    report = import_codings([file], None, out, packet=packet.folder)
    assert not report.problems
    return {c.unit_id: (c.codes, c.rationale) for c in CoderRun(out).codings()}


@pytest.mark.timeout(400)
def test_label_studio(tmp_path: Path) -> None:
    program = needed("PCODE_LABEL_STUDIO")
    packet = schoen_packet(tmp_path / "packet")
    config, tasks = write_formats(packet, ["label-studio"], ["A"])
    said = opinions(packet, "A")
    with LabelStudio(program, tmp_path / "server") as server:
        project, kept = server.project(config, tasks)
        ours: list[Any] = load(tasks)
        assert sorted(t["data"]["number"] for t in kept) == [t["data"]["number"] for t in ours]
        assert {t["data"]["unit_id"]: t["data"] for t in kept} == {
            t["data"]["unit_id"]: t["data"] for t in ours
        }
        for task in kept:
            codes, memo = said[task["data"]["unit_id"]]
            server.annotate(task["id"], unit_results(codes, memo), skip=codes is None and memo is None)
        for kind, suffix in (("JSON", "json"), ("JSON_MIN", "min.json"), ("CSV", "csv")):
            file = server.export(project, kind, tmp_path / f"export.{suffix}")
            assert back(packet, file, tmp_path / f"run-{kind}") == said, kind
        spans_in_label_studio(server, packet, tmp_path)


def unit_results(codes: tuple[str, ...] | None, memo: str | None) -> list[dict[str, Any]]:
    names = ["none"] if codes == () else [*(codes or ())]
    results = [
        result(name, "choices", {"choices": [code]})
        for name, code in zip(("primary_code", "second_code"), names, strict=False)
    ]
    return results + ([result("memo", "textarea", {"text": [memo]})] if memo else [])


def result(name: str, kind: str, value: dict[str, Any], to: str = "unit", id: str = "") -> dict[str, Any]:
    return {"id": id or f"r{name}", "from_name": name, "to_name": to, "type": kind, "value": value}


def spans_in_label_studio(server: LabelStudio, packet: Packet, place: Path) -> None:
    """Every unit marked as a region, its offsets counted as the browser counts them."""
    config, tasks = write_formats(packet, ["label-studio"], ["B"], place / "spans", spans=True)
    project, kept = server.project(config, tasks)
    codes = packet.codebook.code_ids
    wanted: dict[str, Said] = {}
    units = {trace.reasoning: packet.units[trace.id] for trace in packet.traces.values()}
    for task in kept:
        text, regions = task["data"]["text"], []
        for unit in units[text]:
            start = len(text[: unit.start].encode("utf-16-le")) // 2
            end = start + len(unit.text.encode("utf-16-le")) // 2
            code = codes[unit.index % len(codes)]
            value = {"start": start, "end": end, "text": unit.text, "labels": [code]}
            regions.append(result("spans", "labels", value, "text", unit.id))
            wanted[unit.id] = ((code,), None)
        server.annotate(task["id"], regions)
    file = server.export(project, "JSON", place / "spans.json")
    assert back(packet, file, place / "run-spans") == wanted


def test_doccano(tmp_path: Path) -> None:
    """doccano's own importer and exporter, on a data base made for the test."""
    python = needed("PCODE_DOCCANO")
    packet = schoen_packet(tmp_path / "packet")
    data, names = write_formats(packet, ["doccano"], ["A"])
    said = opinions(packet, "A")
    (tmp_path / "said.json").write_text(json.dumps(said))
    script = ROOT / "tests/proofs/doccano_export.py"
    command = [python, script, data, names, tmp_path / "said.json", tmp_path / "all.jsonl"]
    done = subprocess.run([*map(str, command)], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    assert back(packet, tmp_path / "all.jsonl", tmp_path / "run") == said
