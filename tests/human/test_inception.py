"""Documents for INCEpTION: out, filled in through the library that INCEpTION's own recommenders use, and back."""

from __future__ import annotations

import io
import json
import xml.etree.ElementTree as ET
import zipfile
from collections.abc import Callable, Iterable
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pedagogy_r1.codebook import load_codebook
from pedagogy_r1.errors import InputError, PedagogyError
from pedagogy_r1.files.records import BadRow
from pedagogy_r1.human.import_codings import import_codings
from pedagogy_r1.human.packet import Packet
from pedagogy_r1.human.raw_coding import read_codings_file
from pedagogy_r1.human.shown_text import plain
from pedagogy_r1.human.tools import choose, write_formats
from pedagogy_r1.human.tools.inception import SENTENCE, UNIT, tool
from pedagogy_r1.runs.run import CoderRun
from pedagogy_r1.trace import Trace

from ..packets import HARD, Said, make_packet, opinions
from .test_qdpx import real_traces

cassis = pytest.importorskip("cassis")


def documents(packet: Packet, coder: str) -> list[Path]:
    folder = packet.folder / coder / f"{coder}.inception"
    return sorted([*folder.glob("*.xmi"), *folder.glob("*.json")])


def load(path: Path) -> Any:
    if path.suffix == ".json":
        return cassis.load_cas_from_json(io.BytesIO(path.read_bytes()))
    with path.with_name("TypeSystem.xml").open("rb") as file:
        system = cassis.load_typesystem(file)
    return cassis.load_cas_from_xmi(path, typesystem=system)


def fill_in(cas: Any, said: dict[str, Said]) -> None:
    for unit in cas.select(UNIT):
        codes, memo = said[unit.unit_id]
        names = ["none"] if codes == () else [*(codes or ())]
        for feature, name in zip(("primary_code", "second_code"), names, strict=False):
            unit[feature] = name
        unit.memo = memo


def as_zip(cas: Any, coder: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(f"{coder}.xmi", cas.to_xmi())
        archive.writestr("TypeSystem.xml", cas.typesystem.to_xml())
    return buffer.getvalue()


def one_by_one(filled: dict[str, dict[str, Any]], out: Path) -> list[Path]:
    """Each document of each annotator exported by itself."""
    files = []
    for coder, mine in filled.items():
        for name, cas in mine.items():
            path = out / f"{name} {coder}.zip"
            path.write_bytes(as_zip(cas, coder))
            files.append(path)
    return files


def whole_project(filled: dict[str, dict[str, Any]], out: Path) -> list[Path]:
    """A project of each coder, exported as a whole: an archive of such archives."""
    for coder, mine in filled.items():
        with zipfile.ZipFile(out / f"{coder}'s project.zip", "w") as archive:
            archive.writestr("exportedproject.json", "{}")
            for name, cas in mine.items():
                archive.writestr(f"source/{name}.xmi", "<not read/>")
                archive.writestr(f"annotation/{name}.xmi/{coder}.zip", as_zip(cas, coder))
                archive.writestr(f"annotation/{name}.xmi/INITIAL_CAS.zip", as_zip(cas, "INITIAL_CAS"))
    return sorted(out.iterdir())


def as_json(filled: dict[str, dict[str, Any]], out: Path) -> list[Path]:
    files = []
    for coder, mine in filled.items():
        for name, cas in mine.items():
            (out / name).mkdir(exist_ok=True)
            path = out / name / f"{coder}.json"
            path.write_text(cas.to_json(), encoding="utf-8")
            files.append(path)
    return files


EXPORTS: dict[str, Callable[[dict[str, dict[str, Any]], Path], list[Path]]] = {
    "one by one": one_by_one,
    "project": whole_project,
    "json": as_json,
}


def round_trip(packet: Packet, export: str, place: Path, **options: Any) -> None:
    write_formats(packet, ["inception"], **options)
    said = {coder: opinions(packet, coder) for coder in packet.manifest.coders}
    filled: dict[str, dict[str, Any]] = {}
    for coder, mine in said.items():
        for path in documents(packet, coder):
            cas = load(path)
            fill_in(cas, mine)
            filled.setdefault(coder, {})[path.stem] = cas
    (place / "back").mkdir(exist_ok=True)
    files = EXPORTS[export](filled, place / "back")
    report = import_codings(files, None, place / "run", packet=packet.folder)
    assert not report.problems
    found = {(c.unit_id, c.coder): (c.codes, c.rationale) for c in CoderRun(place / "run").codings()}
    assert found == {(unit, coder): one for coder, mine in said.items() for unit, one in mine.items()}


@pytest.mark.parametrize("export", EXPORTS)
@pytest.mark.parametrize("every", [1, 2])
def test_codings_come_back_the_same(export: str, every: int, tmp_path: Path) -> None:
    round_trip(make_packet(tmp_path / "packet", every=every), export, tmp_path, json=export == "json")


@pytest.mark.parametrize("every", [1, 3])
def test_codings_on_real_traces_come_back_the_same(every: int, shared: Path, tmp_path: Path) -> None:
    traces = [*real_traces(shared), *HARD]
    packet = make_packet(tmp_path / "packet", traces, every=every, codebook=load_codebook("schoen@1.0.0"))
    assert sum(1 for _ in packet.tasks("A")) > 100
    round_trip(packet, "one by one", tmp_path)


# What is sent.


def test_every_unit_is_an_annotation_and_a_line(tmp_path: Path) -> None:
    packet = make_packet(tmp_path / "packet")
    write_formats(packet, ["inception"], ["A"])
    units = {unit.id: plain(unit.text) for units in packet.units.values() for unit in units}
    found = {}
    for path in documents(packet, "A"):
        cas = load(path)
        sentences = [(s.begin, s.end) for s in cas.select(SENTENCE)]
        assert all(a[1] <= b[0] for a, b in pairwise(sentences))
        shown = "".join("".join(cas.sofa_string[slice(*s)].split()) for s in sentences)
        assert shown == "".join(cas.sofa_string.split()), "INCEpTION shows only what is in a sentence"
        for unit in cas.select(UNIT):
            assert (unit.begin, unit.end) in sentences
            found[unit.unit_id] = unit.get_covered_text()
    assert found == units


def test_offsets_in_the_files_count_utf16_as_java_does(tmp_path: Path) -> None:
    packet = make_packet(tmp_path / "packet", [Trace(id="x", reasoning="🙂 One. 𠮷 Two.")])
    write_formats(packet, ["inception"], ["A"])
    (path,) = documents(packet, "A")
    text = load(path).sofa_string.encode("utf-16-le")
    for element in ET.parse(path).getroot():
        if element.tag.endswith("PcodeUnit"):
            start, end = (2 * int(element.get(name, "")) for name in ("begin", "end"))
            assert text[start:end].decode("utf-16-le") in ("🙂 One.", "𠮷 Two.")


def test_the_layer_offers_the_codes(tmp_path: Path) -> None:
    packet = make_packet(tmp_path / "packet")
    layer, *_ = write_formats(packet, ["inception"], ["A"])
    (found,) = json.loads(layer.read_text(encoding="utf-8"))
    assert (found["name"], found["type"], found["anchoring_mode"]) == (UNIT, "span", "CHARACTERS")
    features = {feature["name"]: feature for feature in found["features"]}
    system = load(documents(packet, "A")[0]).typesystem
    assert set(features) == {f.name for f in system.get_type(UNIT).features}
    assert [tag["tag_name"] for tag in features["primary_code"]["tag_set"]["tags"]] == ["A", "B", "C", "none"]
    assert [tag["tag_name"] for tag in features["second_code"]["tag_set"]["tags"]] == ["A", "B", "C"]


@pytest.mark.parametrize("every", [1, 2])
def test_nothing_tells_how_a_trace_was_made_or_who_else_codes(every: int, tmp_path: Path) -> None:
    packet = make_packet(tmp_path / "packet", coders=("anne", "bernd"), every=every)
    files = write_formats(packet, ["inception"], ["anne"], tmp_path / "out")
    everything = "\n".join(path.name + path.read_text(encoding="utf-8") for path in files)
    for word in ("zebra", "okapi", "qwq", "cop-r1", "Elefant", "bernd"):
        assert word not in everything


@pytest.mark.parametrize("json_", [False, True])
def test_the_same_packet_gives_the_same_bytes(json_: bool, tmp_path: Path) -> None:
    packets = [make_packet(tmp_path / name) for name in ("one", "two")]
    one, two = ([f.read_bytes() for f in write_formats(p, ["inception"], ["A"], json=json_)] for p in packets)
    assert one == two


# What comes back otherwise.


def sent(tmp_path: Path) -> tuple[Packet, Any, Path]:
    text = "First this happens. Then that happens."
    packet = make_packet(tmp_path / "packet", [Trace(id="x", question="Why?", reasoning=text)], coders=("A",))
    write_formats(packet, ["inception"])
    (path,) = documents(packet, "A")
    return packet, load(path), path


def save(cas: Any, path: Path, coder: str = "A") -> Path:
    path.write_bytes(as_zip(cas, coder))
    return path


def test_an_annotation_that_the_coder_made_is_of_the_unit_it_overlaps(tmp_path: Path) -> None:
    _, cas, _ = sent(tmp_path)
    first, _ = cas.select(UNIT)
    cas.remove(first)
    made = cas.typesystem.get_type(UNIT)
    second = cas.select(UNIT)[0]
    cas.add(made(begin=second.begin + 2, end=second.end, primary_code="B"))
    cas.add(made(begin=0, end=4, primary_code="A"))
    rows = list(tool().reads["inception"].read(read_codings_file(save(cas, tmp_path / "x.zip"))[0]))
    assert [(r.why if isinstance(r, BadRow) else (r.unit_id == second.unit_id, r.cell)) for r in rows] == [
        f"{tmp_path / 'x.zip'}: A.xmi: '[que' lies in no unit",
        (True, None),
        (True, "B"),
    ]


def test_a_document_exported_alone_needs_its_type_system_beside_it(tmp_path: Path) -> None:
    packet, cas, path = sent(tmp_path)
    cas.select(UNIT)[0].primary_code = "C"
    alone = tmp_path / "alone" / path.name
    alone.parent.mkdir()
    alone.write_text(cas.to_xmi(), encoding="utf-8")
    with pytest.raises(InputError, match=r"no TypeSystem\.xml beside it"):
        import_codings([alone], None, tmp_path / "run", packet=packet.folder, coder="A")
    (alone.parent / "TypeSystem.xml").write_text(cas.typesystem.to_xml(), encoding="utf-8")
    report = import_codings([alone], None, tmp_path / "run", packet=packet.folder, coder="A")
    assert [coding.codes for coding in report.run.codings()] == [("C",), None]


def test_a_changed_text_is_noticed(tmp_path: Path) -> None:
    packet, cas, _ = sent(tmp_path)
    xmi = cas.to_xmi().replace("Then that", "Then this")
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("A.xmi", xmi)
        archive.writestr("TypeSystem.xml", cas.typesystem.to_xml())
    with pytest.raises(InputError, match="the text was changed"):
        import_codings([path], None, tmp_path / "run", packet=packet.folder)


def test_another_projects_layer_is_read_as_spans(tmp_path: Path, write_jsonl: Callable[..., Path]) -> None:
    system = cassis.TypeSystem()
    layer = system.create_type("webanno.custom.Reflection")
    system.create_feature(layer, "label", "uima.cas.String")
    cas = cassis.Cas(typesystem=system, sofa_string="🙂 Hello. Bye.")
    cas.add(layer(begin=2, end=8, label="TR-SP"))
    path = tmp_path / "project.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("exportedproject.json", "{}")
        archive.writestr("annotation/x/anna.zip", as_zip(cas, "anna"))
    traces = write_jsonl("traces.jsonl", {"id": "x", "reasoning": "🙂 Hello. Bye."})
    report = import_codings([path], traces, tmp_path / "run", codebook="schoen", units="own")
    (coding,), (unit,) = report.run.codings(), report.run.units()
    assert (coding.coder, coding.codes, unit.text) == ("anna", ("TR-SP",), "Hello.")


# Made to do harm.


def refused(entries: Iterable[tuple[str, bytes]], tmp_path: Path) -> str:
    path = tmp_path / "evil.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in entries:
            archive.writestr(name, data)
    with pytest.raises(InputError) as caught:
        list(tool().reads["inception"].read(read_codings_file(path)[0]))
    return caught.value.message


DOCTYPE = b'<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;"><!ENTITY e SYSTEM "file:///etc/passwd">]>'


@pytest.mark.parametrize("where", ["A.xmi", "TypeSystem.xml"])
def test_entities_are_refused(where: str, tmp_path: Path) -> None:
    _, cas, _ = sent(tmp_path)
    entries = {"A.xmi": cas.to_xmi().encode(), "TypeSystem.xml": cas.typesystem.to_xml().encode()}
    head, end, rest = entries[where].partition(b"?>")
    entries[where] = head + end + DOCTYPE + rest
    assert "a document type declaration" in refused(entries.items(), tmp_path)


def test_entries_that_point_outside_are_refused_also_in_an_archive_in_an_archive(tmp_path: Path) -> None:
    _, cas, _ = sent(tmp_path)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("A.xmi", cas.to_xmi())
        archive.writestr("../../evil.txt", "x")
    assert "points outside the archive" in refused([("annotation/x/A.zip", buffer.getvalue())], tmp_path)


def test_a_bomb_in_an_archive_in_an_archive_is_refused(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("A.xmi", "w") as file:
        for _ in range(201):
            file.write(bytes(2**20))
    assert "unpacks to more than 200 MiB" in refused([("annotation/x/A.zip", buffer.getvalue())], tmp_path)


def test_a_broken_document_is_named_and_the_others_are_read(tmp_path: Path) -> None:
    _, cas, _ = sent(tmp_path)
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("A.xmi", cas.to_xmi())
        archive.writestr("B.xmi", cas.to_xmi().replace('sofa="1"', 'sofa="x"'))
        archive.writestr("TypeSystem.xml", cas.typesystem.to_xml())
    (table,) = read_codings_file(path)
    assert choose(table)[0] == "inception"
    rows = list(tool().reads["inception"].read(table))
    assert [isinstance(row, BadRow) for row in rows] == [False, False, True]
    assert "B.xmi: no CAS that can be read" in rows[2].why


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_file_makes_the_importer_fail_otherwise_than_with_a_message(
    data: st.DataObject, tmp_path: Path
) -> None:
    """Bytes of a sound document are changed: rows, bad rows, or our error; nothing else."""
    system = cassis.TypeSystem()
    layer = system.create_type(UNIT)
    for name in ("primary_code", "unit_id"):
        system.create_feature(layer, name, "uima.cas.String")
    cas = cassis.Cas(typesystem=system, sofa_string="🙂 Hello.")
    cas.add(layer(begin=2, end=8, primary_code="A", unit_id="u1"))
    in_json = data.draw(st.booleans())
    body = bytearray((cas.to_json() if in_json else cas.to_xmi()).encode())
    for _ in range(data.draw(st.integers(0, 4))):
        at = data.draw(st.integers(0, len(body) - 1))
        body[at : at + data.draw(st.integers(0, 10))] = data.draw(
            st.one_of(
                st.binary(max_size=6), st.sampled_from([b"<", b'"', b"-1", b"null", b"\xff", b"{", b"9" * 30])
            )
        )
    path = tmp_path / ("A.json" if in_json else "x.xmi")
    path.write_bytes(body)
    (tmp_path / "TypeSystem.xml").write_text(system.to_xml(), encoding="utf-8")
    with suppress(PedagogyError):
        (table,) = read_codings_file(path)
        tool().reads["inception"].sniff(table)
        list(tool().reads["inception"].read(table))
