"""Packet → each tool's file → filled in → back: the same codings, whatever the tool."""

from __future__ import annotations

import csv
import json
import re
import shutil
import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import openpyxl
import pytest
from click.testing import Result

from pedagogy_r1.codebook import load_codebook
from pedagogy_r1.errors import InputError, PedagogyError, PluginError, RunError
from pedagogy_r1.files.seal import digests
from pedagogy_r1.human.import_codings import import_codings
from pedagogy_r1.human.packet import Packet
from pedagogy_r1.human.tools import formats, write_formats
from pedagogy_r1.job import save_record
from pedagogy_r1.runs.run import CoderRun
from pedagogy_r1.trace import Trace

from ..packets import HARD, Said, fill, load, make_packet, opinions

Pcode = Callable[..., Result]
FORMATS = ["csv", "doccano", "label_studio", "prodigy", "xlsx"]


def test_a_file_of_a_packet_that_was_changed_is_named(tmp_path: Path) -> None:
    """As a packet of an earlier version records no digests, what its files say has to be looked at."""
    changes = {
        "key/traces.jsonl": ('"id"', '"ix"', "traces.jsonl:1: "),
        "key/units.jsonl": ('"start"', '"stard"', "units.jsonl:1: "),
        "A/order.jsonl": ('"unit_id"', '"unit_ix"', "order.jsonl:1: unit_id: Field required"),
        "A/order.jsonl ": ('"unit_id":"', '"unit_id":"x', "order.jsonl:1: .* is no unit of the packet"),
    }
    for number, (name, (old, new, said)) in enumerate(changes.items()):
        for sealed in (False, True):
            folder = tmp_path / f"{number}{sealed}"
            made = make_packet(folder)
            if sealed:
                sums = digests(folder, "packet.json")
                save_record(folder / "packet.json", made.manifest.model_copy(update={"sha256": sums}))
            path = folder / name.strip()
            path.write_text(path.read_text().replace(old, new, 1))
            with pytest.raises(PedagogyError, match="has changed" if sealed else said):
                list(Packet(folder).tasks("A"))
    for name in ("codebook.yaml", "A/order.jsonl", "key/units.jsonl"):
        folder = tmp_path / name.replace("/", "-")
        (make_packet(folder).folder / name).unlink()
        with pytest.raises(RunError, match="is missing"):
            write_formats(Packet(folder), ["csv"])


def back(packet: Packet, files: list[Path], out: Path, **how: Any) -> dict[tuple[str, str], Said]:
    """(unit, coder) → codes and memo, as the imported run has them."""
    report = import_codings(files, None, out, packet=packet.folder, **how)
    assert not report.problems
    return {(c.unit_id, c.coder): (c.codes, c.rationale) for c in CoderRun(out).codings()}


def round_trip(packet: Packet, format: str, place: Path) -> None:
    write_formats(packet, [format])
    everything = {coder: opinions(packet, coder) for coder in packet.manifest.coders}
    files = [fill(format, packet, coder, said, place / format / coder) for coder, said in everything.items()]
    found = back(packet, files, place / "run" / format)
    # A file in which somebody left a unit without a word, and a file that lacks it, say the same: missing.
    assert found == {(unit, coder): one for coder, said in everything.items() for unit, one in said.items()}


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("every", [1, 2])
def test_codings_come_back_the_same(format: str, every: int, tmp_path: Path) -> None:
    round_trip(make_packet(tmp_path / "packet", every=every), format, tmp_path)


@pytest.mark.parametrize("format", FORMATS)
def test_codings_on_real_traces_come_back_the_same(format: str, shared: Path, tmp_path: Path) -> None:
    traces = []
    for file in sorted((shared / "data/reasoningflow/traces").glob("*.jsonl")):
        for line in file.read_text(encoding="utf-8").split("\n")[:2]:
            row = json.loads(line)
            reasoning = row["response"].partition("</think>")[0][:6000]
            traces.append(
                Trace(id=f"{file.stem}-{row['question_id']}", question=row["question"], reasoning=reasoning)
            )
    assert len(traces) >= 4
    packet = make_packet(tmp_path / "packet", [*traces, *HARD], codebook=load_codebook("schoen@1.0.0"))
    assert sum(1 for _ in packet.tasks("A")) > 100
    round_trip(packet, format, tmp_path)


def test_every_format_is_tested() -> None:
    ours = {"qdpx", "inception"}  # test_qdpx.py and the one for INCEpTION
    assert set(formats()) - ours == set(FORMATS)


@pytest.mark.parametrize("format", FORMATS)
def test_nothing_tells_how_a_trace_was_made_or_who_else_codes(format: str, tmp_path: Path) -> None:
    packet = make_packet(tmp_path / "packet", coders=("anne", "bernd"))
    for path in write_formats(packet, [format], ["anne"], tmp_path / "out"):
        data = path.read_bytes()
        if path.suffix == ".xlsx":
            with zipfile.ZipFile(path) as archive:
                data = b"".join(archive.read(name) for name in archive.namelist())
        text = data.decode("utf-8", "replace")
        for word in ("sk-1", "zebra", "okapi", "qwq", "correct", "bernd", "Elefant"):
            assert word not in text, f"{path.name}: {word}"
        assert (
            "Wait, " in text
            or path.suffix == ".xml"
            or "labels" in path.name
            or path.name == "anne.prodigy.json"
        )


@pytest.mark.parametrize("format", FORMATS)
def test_the_same_packet_gives_the_same_bytes(format: str, tmp_path: Path) -> None:
    packet = make_packet(tmp_path / "packet")
    first, second = (write_formats(packet, [format], ["A"], tmp_path / name) for name in ("one", "two"))
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]


def test_the_workbook_leads_its_coder(tmp_path: Path) -> None:
    packet = make_packet(tmp_path / "packet", codebook=load_codebook("schoen@1.0.0"))
    (path,) = write_formats(packet, ["xlsx"], ["A"])
    book = openpyxl.load_workbook(path)
    assert book.sheetnames == ["coding", "codebook", "guide"]
    sheet: Any = book["coding"]
    at = {cell.value: cell.column_letter for cell in sheet[1]}
    assert sheet.freeze_panes == "A2"
    rules = {str(rule.sqref).partition("2")[0]: rule for rule in sheet.data_validations.dataValidation}
    assert rules[at["primary_code"]].formula1 == "codebook!$A$2:$A$12"
    assert rules[at["second_code"]].formula1 == "codebook!$A$2:$A$11"
    assert [cell.value for cell in book["codebook"]["A"][1:]] == [*packet.codebook.code_ids, "none"]
    assert all(sheet.column_dimensions[at[name]].hidden for name in ("unit_id", "coder", "codebook"))
    assert sheet[f"{at['unit']}2"].protection.locked
    assert not sheet[f"{at['memo']}2"].protection.locked
    assert "real question" in str(book["codebook"]["E5"].value)


@pytest.mark.parametrize("format", ["xlsx", "csv"])
def test_no_cell_is_a_formula(format: str, tmp_path: Path) -> None:
    packet = make_packet(tmp_path / "packet")
    (path,) = write_formats(packet, [format], ["A"])
    if format == "csv":
        with path.open(encoding="utf-8-sig", newline="") as file:
            cells = [cell for row in csv.reader(file) for cell in row]
    else:
        sheets = openpyxl.load_workbook(path).worksheets
        every = [cell for sheet in sheets for row in sheet.iter_rows() for cell in row]
        assert not [cell for cell in every if cell.data_type == "f"]
        cells = [str(cell.value) for cell in every]
    assert not [cell for cell in cells if re.match(r"[=+\-@\t\r\n]", cell)]
    assert "'-3 + 4 = 1, so that's fine." in cells


def test_a_unit_no_cell_can_hold_is_named(tmp_path: Path) -> None:
    packet = make_packet(tmp_path / "packet", [Trace(id="t", reasoning="x" * 40_000)])
    with pytest.raises(InputError, match="has 40,000 characters") as caught:
        write_formats(packet, ["xlsx"])
    assert "csv" in caught.value.hint
    long = Trace(id="t", question="? " * 40_000, reasoning="Fine.")
    round_trip(make_packet(tmp_path / "other", [long]), "xlsx", tmp_path)


def test_control_characters_come_through_a_workbook(tmp_path: Path) -> None:
    odd = Trace(id="t", reasoning="A bell \x07 rings. Zero\u200bwidth \ufeff here. Null \x00 too.")
    round_trip(make_packet(tmp_path / "packet", [odd]), "xlsx", tmp_path)


def test_label_studio_configuration_is_sound(tmp_path: Path) -> None:
    packet = make_packet(tmp_path / "packet", codebook=load_codebook("schoen@1.0.0"))
    config, tasks = write_formats(packet, ["label-studio"], ["A"])
    root = ET.parse(config).getroot()
    shown = {tag.get("value", "")[1:] for tag in root.iter("Text")}
    assert shown == {"question", "before", "unit", "after"}
    assert all(shown <= task["data"].keys() for task in load(tasks))  # type: ignore[attr-defined]
    names = {tag.get("name") for tag in root.iter("Choices")}
    assert names == {"primary_code", "second_code", "flag"}
    headers = [tag.get("value", "") for tag in root.iter("Header")]
    assert not [text for text in headers if re.search(r"\$\w", text)]


def test_unknown_formats_options_and_coders_are_named(pcode: Pcode, tmp_path: Path) -> None:
    packet = make_packet(tmp_path / "packet")
    with pytest.raises(PluginError, match="no format is named 'xslx'") as caught:
        write_formats(packet, ["csv", "xslx"])
    assert "did you mean xlsx?" in caught.value.hint
    assert not list(tmp_path.rglob("*.csv"))
    with pytest.raises(PluginError, match="no option 'spans'"):
        write_formats(packet, ["csv"], spans=True)
    result = pcode("packet", "write", packet.folder, "--format", "csv", "--coder", "C")
    assert result.exit_code == 2
    assert "known: A, B" in result.stderr
    units = make_packet(tmp_path / "units", every=2)
    with pytest.raises(InputError, match="drawn one by one"):
        write_formats(units, ["doccano"], spans=True)


def test_command(pcode: Pcode, tmp_path: Path) -> None:
    packet = make_packet(tmp_path / "packet")
    assert pcode("packet", "formats").stdout.split()[:2] == ["csv", "doccano"]
    result = pcode("packet", "write", packet.folder, "--format", "xlsx,label-studio", "--coder", "A")
    names = [Path(line).name for line in result.stdout.splitlines()]
    assert names == ["A.xlsx", "A.label_studio.xml", "A.label_studio.json"]
    file = fill("xlsx", packet, "A", opinions(packet, "A"), tmp_path)
    result = pcode("import", file, "--packet", packet.folder, "-o", tmp_path / "run")
    assert result.exit_code == 0, result.stderr
    assert "codings and 2 missing by A on" in result.stdout


def test_a_spreadsheet_program_reads_and_writes_the_workbook(tmp_path: Path) -> None:
    """LibreOffice opens ours and saves it again, as .xlsx and .csv: drop-downs stay, and the codings come back."""
    office = shutil.which("soffice")
    if office is None:
        pytest.skip("LibreOffice is not here")
    packet = make_packet(tmp_path / "packet", codebook=load_codebook("schoen@1.0.0"))
    write_formats(packet, ["xlsx"], ["A"])
    said = opinions(packet, "A")
    filled = fill("xlsx", packet, "A", said, tmp_path)
    for kind in ("xlsx", "csv:Text - txt - csv (StarCalc):44,34,76"):
        home = f"-env:UserInstallation=file://{tmp_path}/office"
        command = [office, home, "--headless", "--convert-to", kind, "--outdir", tmp_path / "saved", filled]
        subprocess.run(command, check=True, capture_output=True, timeout=120)
        saved = tmp_path / "saved" / filled.with_suffix("." + kind[:4].rstrip(":")).name
        assert back(packet, [saved], tmp_path / kind[:3]) == {(unit, "A"): one for unit, one in said.items()}
    rules = openpyxl.load_workbook(tmp_path / "saved" / filled.name)["coding"].data_validations.dataValidation  # type: ignore[union-attr]
    assert "codebook!$A$2:$A$12" in {rule.formula1.replace("$codebook.", "codebook!") for rule in rules}
