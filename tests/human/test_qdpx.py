"""REFI-QDA projects: out, coded as each kind of program does it, and back; and projects made to do harm."""

from __future__ import annotations

import io
import json
import uuid
import zipfile
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pedagogy_r1.codebook import load_codebook
from pedagogy_r1.errors import InputError, PedagogyError
from pedagogy_r1.human.anchor import NAMED_OTHERWISE, Anchored, CountedText, Refused
from pedagogy_r1.human.import_codings import import_codings
from pedagogy_r1.human.packet import Packet
from pedagogy_r1.human.raw_coding import read_codings_file
from pedagogy_r1.human.shown_text import codable_places, plain, shown_texts
from pedagogy_r1.human.tools import choose, write_formats
from pedagogy_r1.human.tools.qdpx import tool
from pedagogy_r1.runs.run import CoderRun
from pedagogy_r1.trace import Trace

from ..packets import HARD, Said, make_packet, opinions

NS = "{urn:QDA-XML:project:1.0}"
Entries = dict[str, bytes]


def unzip(path: Path) -> Entries:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def rezip(path: Path, entries: Iterable[tuple[str, bytes]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in entries:
            archive.writestr(name, data)
    return path


def new_guid() -> str:
    return str(uuid.uuid4())


class Program:
    """A program for qualitative analysis at work on a project: opens it, codes units, exports it its own way.

    ``count`` turns code points of the text as sent into its own positions; ``names`` says what it writes as a selection's name.
    """

    def __init__(self, project: Path) -> None:
        self.entries = unzip(project)
        self.root = ET.fromstring(self.entries["project.qde"])
        self.codes = {
            c.get("name", "").split(" · ")[0]: c.get("guid", "") for c in self.root.iter(NS + "Code")
        }

    def texts(self) -> list[tuple[ET.Element, str]]:
        found = []
        for source in self.root.iter(NS + "TextSource"):
            name = source.get("plainTextPath", "").removeprefix("internal://")
            found.append((source, self.entries[f"sources/{name}"].decode()))
        return found

    def save(self, path: Path) -> Path:
        ET.register_namespace("", NS[1:-1])
        self.entries["project.qde"] = ET.tostring(self.root, encoding="utf-8", xml_declaration=True)
        return rezip(path, self.entries.items())


def code_on_marks(program: Program, marks: dict[tuple[str, int, int], Said]) -> None:
    """Codes are put on the selections that are there (ATLAS.ti)."""
    for source, _ in program.texts():
        for selection in source.findall(NS + "PlainTextSelection"):
            where = (
                source.get("name", ""),
                int(selection.get("startPosition", "")),
                int(selection.get("endPosition", "")),
            )
            codes, memo = marks[where]
            if memo:
                note = ET.Element(NS + "Description")
                note.text = memo
                selection.insert(0, note)
            for code in ("none",) if codes == () else codes or ():
                coding = ET.SubElement(selection, NS + "Coding", guid=new_guid())
                ET.SubElement(coding, NS + "CodeRef", targetGUID=program.codes[code])


def code_beside(
    program: Program,
    marks: dict[tuple[str, int, int], Said],
    *,
    count: Callable[[str, int], int] = lambda text, n: n,
    marks_too: bool = True,
    name: Callable[[str], str] = lambda quote: quote,
    ends: str = "\n",
    bom: bytes = b"",
) -> None:
    """A selection of its own for every code, all GUIDs new (QualCoder, MAXQDA, NVivo)."""
    new = {guid: new_guid() for guid in program.codes.values()}
    for code in program.root.iter(NS + "Code"):
        code.set("guid", new.get(code.get("guid", ""), new_guid()))
    for source, text in program.texts():
        path = "sources/" + source.get("plainTextPath", "").removeprefix("internal://")
        program.entries[path] = bom + text.replace("\n", ends).encode()
        source.set("guid", new_guid())
        for selection in source.findall(NS + "PlainTextSelection"):
            source.remove(selection)
            start, end = int(selection.get("startPosition", "")), int(selection.get("endPosition", ""))
            codes, memo = marks[source.get("name", ""), start, end]
            for n, code in enumerate(["UNIT", *(("none",) if codes == () else codes or ())]):
                places = [at if code == "UNIT" and not marks_too else count(text, at) for at in (start, end)]
                made = ET.SubElement(
                    source,
                    NS + "PlainTextSelection",
                    guid=new_guid(),
                    name=name(text[start:end]),
                    startPosition=str(places[0]),
                    endPosition=str(places[1]),
                    creationDateTime=f"2026-01-01T00:00:{n:02d}Z",
                )
                if memo and n == (1 if codes else 0):
                    ET.SubElement(made, NS + "Description").text = memo
                coding = ET.SubElement(made, NS + "Coding", guid=new_guid())
                ET.SubElement(coding, NS + "CodeRef", targetGUID=new[program.codes[code]])
        source[:] = sorted(source, key=lambda each: each.get("guid", ""))  # in no order that means anything


def utf16(text: str, n: int) -> int:
    return len(text[:n].encode("utf-16-le")) // 2


def crlf(text: str, n: int) -> int:
    return len(text[:n].replace("\n", "\r\n"))


WAYS: dict[str, Callable[[Program, dict[tuple[str, int, int], Said]], None]] = {
    "on the marks": code_on_marks,
    "beside": code_beside,
    "UTF-16": lambda p, m: code_beside(p, m, count=utf16),
    "UTF-16, names cut": lambda p, m: code_beside(p, m, count=utf16, name=lambda q: q[:12] + "..."),
    "no names": lambda p, m: code_beside(p, m, name=lambda q: ""),
    "UTF-16 where coded, code points where imported": lambda p, m: code_beside(
        p, m, count=utf16, marks_too=False, name=lambda q: q.replace("\n", "\u2029")
    ),
    "CRLF in the file and in the count": lambda p, m: code_beside(p, m, count=crlf, ends="\r\n"),
    "CRLF in the file alone": lambda p, m: code_beside(p, m, ends="\r\n"),
    "CRLF in the count alone": lambda p, m: code_beside(p, m, count=crlf),
    "CRLF and UTF-16": lambda p, m: code_beside(
        p, m, count=lambda t, n: utf16(t.replace("\n", "\r\n"), crlf(t, n)), ends="\r\n", bom=b"\xef\xbb\xbf"
    ),
}


def fill(packet: Packet, coder: str, said: dict[str, Said], way: str, out: Path) -> Path:
    program = Program(packet.folder / coder / f"{coder}.qdpx")
    marks = {
        (shown.name, mark.start, mark.end): said[mark.unit_id]
        for shown in shown_texts(packet, coder)
        for mark in shown.marks
    }
    WAYS[way](program, marks)
    return program.save(out / coder / f"{coder}.qdpx")


def round_trip(packet: Packet, way: str, place: Path) -> None:
    write_formats(packet, ["qdpx"])
    said = {coder: opinions(packet, coder) for coder in packet.manifest.coders}
    files = [fill(packet, coder, one, way, place / "back") for coder, one in said.items()]
    report = import_codings(files, None, place / "run", packet=packet.folder)
    assert not report.problems
    found = {(c.unit_id, c.coder): (c.codes, c.rationale) for c in CoderRun(place / "run").codings()}
    assert found == {(unit, coder): one for coder, mine in said.items() for unit, one in mine.items()}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("every", [1, 2])
def test_codings_come_back_the_same(way: str, every: int, tmp_path: Path) -> None:
    round_trip(make_packet(tmp_path / "packet", every=every), way, tmp_path)


def real_traces(shared: Path, length: int = 6000) -> list[Trace]:
    found = []
    for file in sorted((shared / "data/reasoningflow/traces").glob("*.jsonl")):
        for line in file.read_text(encoding="utf-8").split("\n")[:2]:
            row = json.loads(line)
            reasoning = row["response"].partition("</think>")[0][:length]
            found.append(
                Trace(id=f"{file.stem}-{row['question_id']}", question=row["question"], reasoning=reasoning)
            )
    assert len(found) >= 4
    return found


@pytest.mark.parametrize("way", ["on the marks", "UTF-16, names cut", "CRLF and UTF-16"])
@pytest.mark.parametrize("every", [1, 3])
def test_codings_on_real_traces_come_back_the_same(
    way: str, every: int, shared: Path, tmp_path: Path
) -> None:
    traces = [*real_traces(shared), *HARD]
    packet = make_packet(tmp_path / "packet", traces, every=every, codebook=load_codebook("schoen@1.0.0"))
    assert sum(1 for _ in packet.tasks("A")) > 100
    round_trip(packet, way, tmp_path)


# What is sent.


def test_the_project_is_what_pyrefiqda_reads_and_the_schema_asks(tmp_path: Path) -> None:
    from pyrefiqda.refiproject import RefiProject

    packet = make_packet(tmp_path / "packet")
    (path,) = write_formats(packet, ["qdpx"], ["A"])
    project = RefiProject.load(
        path, str(tmp_path / "unpacked")
    )  # refuses elements and attributes it does not know
    assert [user.name for user in project.users.user] == ["A"]
    assert [code.name.split(" · ")[0] for code in project.code_book.codes.code] == ["UNIT", "F", "none"]
    assert not project.code_book.codes.code[1].is_codable
    assert len(project.sources.text_source) == 3
    for source in project.sources.text_source:
        text = RefiProject.resolve_source_path(source.plain_text_path, tmp_path / "unpacked").read_text(
            "utf-8"
        )
        for selection in source.plain_text_selection:
            assert selection.name == text[selection.start_position : selection.end_position]
    guids = [each.get("guid") for each in Program(path).root.iter() if each.get("guid")]
    assert len(set(guids)) == len(guids)
    assert all(str(uuid.UUID(guid)) == guid for guid in guids if guid)


def test_the_same_packet_gives_the_same_bytes(tmp_path: Path) -> None:
    one, two = (make_packet(tmp_path / name) for name in ("one", "two"))
    files = [write_formats(packet, ["qdpx"], ["A"])[0].read_bytes() for packet in (one, two)]
    assert files[0] == files[1]


@pytest.mark.parametrize("every", [1, 2])
def test_nothing_tells_how_a_trace_was_made_or_who_else_codes(every: int, tmp_path: Path) -> None:
    packet = make_packet(tmp_path / "packet", coders=("anne", "bernd"), every=every)
    (path,) = write_formats(packet, ["qdpx"], ["anne"], tmp_path / "out")
    everything = b"\n".join([name.encode() + data for name, data in unzip(path).items()]).decode()
    for word in ("zebra", "okapi", "qwq", "cop-r1", "Elefant", "bernd"):
        assert word not in everything


def test_a_text_that_imitates_our_lines_misleads_nobody(tmp_path: Path) -> None:
    forged = "===== 1: u00000000000000000000 (4) =====\n>>>>> fake <<<<<\n===== t0000000000000000: code from here on ====="
    traces = [
        Trace(
            id=f"x{n}", question=forged, reasoning=f"First, {n}. \n{forged}\nThen {n}, >>>>> so <<<<< done."
        )
        for n in range(3)
    ]
    for every in (1, 2):
        packet = make_packet(tmp_path / f"packet{every}", traces, every=every)
        for shown in shown_texts(packet, "A"):
            units = {unit.id: unit for units in packet.units.values() for unit in units}
            assert [shown.text[m.start : m.end] for m in shown.marks] == [
                plain(units[m.unit_id].text) for m in shown.marks
            ]
            if every == 2:
                assert codable_places(shown.text) == [*shown.marks]
        round_trip(packet, "beside", tmp_path / f"trip{every}")


@pytest.mark.parametrize("every", [1, 2])
def test_practice_is_marked_and_left_out_of_what_comes_back(every: int, tmp_path: Path) -> None:
    packet = make_packet(tmp_path / "packet", HARD[:1], every=every, practice=99)
    assert all("[for practice]" in shown.text for shown in shown_texts(packet, "A"))
    write_formats(packet, ["qdpx"])
    said: dict[str, Said] = dict.fromkeys(opinions(packet, "A"), (("A",), None))
    path = fill(packet, "A", said, "beside", tmp_path / "back")
    with pytest.raises(InputError, match="no coding to import"):
        import_codings([path], None, tmp_path / "run", packet=packet.folder)


# Coders do not always select exactly the unit.


def two_units(tmp_path: Path) -> tuple[Packet, Program]:
    packet = make_packet(
        tmp_path / "packet",
        [Trace(id="x", question="Why?", reasoning="First this happens. Then that happens. Last comes this.")],
    )
    write_formats(packet, ["qdpx"], ["A"])
    return packet, Program(packet.folder / "A/A.qdpx")


def select(program: Program, quote: str, code: str, memo: str = "") -> None:
    ((source, text),) = program.texts()
    start = text.index(quote)
    made = ET.SubElement(
        source,
        NS + "PlainTextSelection",
        guid=new_guid(),
        startPosition=str(start),
        endPosition=str(start + len(quote)),
    )
    if memo:
        ET.SubElement(made, NS + "Description").text = memo
    coding = ET.SubElement(made, NS + "Coding", guid=new_guid())
    ET.SubElement(coding, NS + "CodeRef", targetGUID=program.codes[code])


def coded(packet: Packet, path: Path, out: Path, **how: Any) -> dict[str, tuple[str, ...] | None]:
    report = import_codings([path], None, out, packet=packet.folder, **how)
    texts = {unit.id: unit.text for unit in report.run.units()}
    return {texts[coding.unit_id]: coding.codes for coding in report.run.codings()}


def test_a_part_of_a_unit_codes_the_unit_and_a_wide_selection_each_unit_in_it(tmp_path: Path) -> None:
    packet, program = two_units(tmp_path)
    select(program, "this happens", "B", "a memo")
    select(program, "First", "A")
    select(program, " Then that happens. Last comes this. ".strip(), "C")
    found = coded(packet, program.save(tmp_path / "A.qdpx"), tmp_path / "run")
    assert found == {
        "First this happens.": ("B", "A"),
        "Then that happens.": ("C",),
        "Last comes this.": ("C",),
    }


def test_the_same_code_twice_in_one_unit_counts_once(tmp_path: Path) -> None:
    packet, program = two_units(tmp_path)
    select(program, "First", "A", "one")
    select(program, "happens", "A", "two")
    path = program.save(tmp_path / "A.qdpx")
    assert coded(packet, path, tmp_path / "run")["First this happens."] == ("A",)
    (coding, *_) = CoderRun(tmp_path / "run").codings()
    assert coding.rationale == "one\ntwo"


def test_codes_in_the_question_and_unknown_codes_are_named_and_the_rest_is_kept(tmp_path: Path) -> None:
    packet, program = two_units(tmp_path)
    select(program, "Why?", "A")
    select(program, "First", "B")
    for code in program.root.iter(NS + "Code"):
        if code.get("name", "").startswith("C · "):
            code.set("name", "my own idea")
    select(program, "Last", "C")
    path = program.save(tmp_path / "A.qdpx")
    with pytest.raises(InputError) as caught:
        coded(packet, path, tmp_path / "run")
    assert "'Why?' lies in the question" in caught.value.message
    assert "unknown code 'my own idea'" in caught.value.message
    found = coded(packet, path, tmp_path / "run", on_error="skip")
    assert found["First this happens."] == ("B",)
    assert found["Last comes this."] is None


def test_a_project_by_another_account_needs_to_be_told_whose_it_is(tmp_path: Path) -> None:
    packet, program = two_units(tmp_path)
    select(program, "First", "B")
    for user in program.root.iter(NS + "User"):
        user.set("name", "anna@laptop")
    path = program.save(tmp_path / "A.qdpx")
    with pytest.raises(InputError, match=r"anna@laptop.*--coder"):
        coded(packet, path, tmp_path / "run")
    assert coded(packet, path, tmp_path / "run", coder="A")["First this happens."] == ("B",)


def test_notes_become_memos(tmp_path: Path) -> None:
    packet, program = two_units(tmp_path)
    select(program, "First", "B", "said here")
    notes = ET.SubElement(program.root, NS + "Notes")
    description = program.root.find(NS + "Description")
    assert description is not None
    program.root.remove(description)
    inside, beside = new_guid(), new_guid()
    ET.SubElement(ET.SubElement(notes, NS + "Note", guid=inside), NS + "PlainTextContent").text = "in the XML"
    ET.SubElement(notes, NS + "Note", guid=beside, plainTextPath="internal://note.txt")
    program.entries["sources/note.txt"] = "in a file 왜".encode()
    *_, selection = program.root.iter(NS + "PlainTextSelection")
    for guid in (inside, beside):
        ET.SubElement(selection, NS + "NoteRef", targetGUID=guid)
    coded(packet, program.save(tmp_path / "A.qdpx"), tmp_path / "run")
    (coding, *_) = CoderRun(tmp_path / "run").codings()
    assert coding.rationale == "said here\nin the XML\nin a file 왜"


# A project that did not begin as a packet.


def project(
    codes: str = '<Code guid="{c}" name="A" isCodable="true"/>',
    selections: str = '<PlainTextSelection guid="{s}" startPosition="0" endPosition="5"><Coding guid="{k}" creatingUser="{u}"><CodeRef targetGUID="{C}"/></Coding></PlainTextSelection>',
    *,
    head: str = "",
    path: str = "internal://text.txt",
    more: str = "",
) -> bytes:
    c, s, k, u, t = (str(uuid.UUID(int=n)) for n in range(1, 6))
    fill = {"c": c, "C": "{" + c.upper() + "}", "s": s, "k": k, "u": u, "t": t}
    return f"""{head}<Project xmlns="urn:QDA-XML:project:1.0" name="p" origin="x">
      <Users><User guid="{u}" name="anna"/></Users>
      <CodeBook><Codes>{codes.format(**fill)}</Codes></CodeBook>
      <Sources><TextSource guid="{t}" name="x" plainTextPath="{path}">{selections.format(**fill)}</TextSource>{more.format(**fill)}</Sources>
    </Project>""".encode()


def rows(path: Path) -> list[Any]:
    (table,) = read_codings_file(path)
    name, chosen = choose(table)
    assert name == "qdpx"
    return list(chosen.read(table))


def test_any_project_can_be_imported_as_spans(tmp_path: Path, write_jsonl: Callable[..., Path]) -> None:
    traces = write_jsonl("traces.jsonl", {"id": "x", "reasoning": "Hello 🙂 you. Bye."})
    path = rezip(
        tmp_path / "p.qdpx", [("project.qde", project()), ("Sources/TEXT.txt", "Hello 🙂 you. Bye.".encode())]
    )
    book = tmp_path / "book.yaml"
    book.write_text(
        "id: abc\nversion: 1.0.0\ntitle: t\nexhaustive: false\nfamilies: [{id: F, name: f}]\n"
        "codes: [{id: A, name: a, family: F, short: a, definition: a}]\n"
    )
    report = import_codings([path], traces, tmp_path / "run", codebook=book, units="own")
    (coding,) = report.run.codings()
    assert (coding.coder, coding.codes) == ("anna", ("A",))
    assert [unit.text for unit in report.run.units()] == ["Hello"]


@pytest.mark.parametrize(
    ("place", "name", "expected"),
    [
        ((3, 7), "Wait", (2, 6)),  # UTF-16: the emoji counts two
        ((2, 6), "Wait", (2, 6)),
        ((3, 9), "Wait…", (2, 8)),
        ((2, 6), "", (2, 6)),
        ((2, 6), "something else", (2, 6)),
        ((0, 99), "", None),
        ((5, 5), "", None),
        ((-1, 3), "", None),
        ((6, 2), "", None),
    ],
)
def test_how_a_program_counts(place: tuple[int, int], name: str, expected: tuple[int, int] | None) -> None:
    found = CountedText("🙂 Wait, is it?").anchored(*place, name)
    assert (None if isinstance(found, Refused) else found[:2]) == expected


@pytest.mark.parametrize("shift", [-3, 4, 10])
def test_a_selection_beside_its_name_is_laid_on_the_name(shift: int) -> None:
    """It was laid on other text without a word."""
    text = "So 3 + 4 = 7. Wait, is it that? No: the sum of three and five is eight."
    at = text.index("Wait")
    found = CountedText(text).anchored(at + shift, at + shift + 17, "Wait, is it that?")
    assert isinstance(found, Anchored)
    assert text[found.start : found.end] == "Wait, is it that?"
    assert found.cause


@pytest.mark.parametrize("encode", ["utf-8", "utf-16-le"])
def test_offsets_in_bytes_or_with_several_faults_at_once(encode: str) -> None:
    """Bytes; UTF-16, CRLF and a byte-order mark at once."""
    text = "Ça 🙂 va.\nWait, is it that?\nNo, it is é."
    quote, at = "Wait, is it that?", text.index("Wait")
    before = text[:at]
    start = (
        len(before.encode())
        if encode == "utf-8"
        else 1 + len(before.replace("\n", "\r\n").encode(encode)) // 2
    )
    found = CountedText(text).anchored(start, start + len(quote), quote)
    assert isinstance(found, Anchored)
    assert text[found.start : found.end] == quote
    assert found.cause


def test_a_name_in_two_places_equally_near_is_refused_and_a_label_is_none() -> None:
    text = "Wait now. xxxx yyyy Wait now."
    found = CountedText(text).anchored(10, 18, "Wait now")
    assert isinstance(found, Refused)
    assert CountedText(text).anchored(10, 18, "my label") == Anchored(10, 18, NAMED_OTHERWISE)
    assert CountedText(text).anchored(10, 14, "") == Anchored(10, 14)


def test_a_cut_name_places_its_beginning() -> None:
    text = "One. Two. The sum of three and five is eight, as I said. Three."
    at = text.index("The sum")
    found = CountedText(text).anchored(at + 4, at + 50, "The sum of three and five…")
    assert found == Anchored(at, at + 46, "other offsets: placed by its name")


def test_a_selection_without_a_name_is_counted_as_the_others_are() -> None:
    text = "🙂 Wait, 🙂 is it?"
    assert CountedText(text, [(3, 7, "Wait")]).anchored(12, 14, "") == Anchored(10, 12)
    assert CountedText(text, []).anchored(10, 12, "") == Anchored(10, 12)


# Made to do harm.


def refused(entries: Iterable[tuple[str, bytes]], tmp_path: Path) -> str:
    with pytest.raises(InputError) as caught:
        rows(rezip(tmp_path / "evil.qdpx", entries))
    return caught.value.message


@pytest.mark.parametrize(
    "name",
    ["../evil.txt", "sources/../../evil.txt", "/etc/evil.txt", "C:\\evil.txt", "sources\\..\\evil.txt"],
)
def test_entries_that_point_outside_are_refused_and_nothing_is_written(name: str, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    before = sorted(tmp_path.rglob("*"))
    message = refused([("project.qde", project()), (name, b"x")], tmp_path / "in")
    assert "points outside the archive" in message
    assert sorted(p for p in tmp_path.rglob("*") if p.name != "evil.qdpx") == before


@pytest.mark.parametrize(
    "scheme",
    [
        "relative:///../../etc/passwd",
        "absolute:///etc/passwd",
        "internal://../secret.txt",
        "file:///etc/passwd",
    ],
)
def test_texts_outside_the_archive_are_never_opened(scheme: str, tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("Hello secret")
    path = rezip(
        tmp_path / "p/p.qdpx", [("project.qde", project(path=scheme)), ("sources/text.txt", b"Hello")]
    )
    (row,) = rows(path)
    assert "is not in the project" in row.why
    assert "secret" not in row.why.replace("secret.txt", "")


def test_a_billion_laughs_are_refused(tmp_path: Path) -> None:
    lines = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 12))
    head = f'<!DOCTYPE x [<!ENTITY a0 "ha">{lines}]>'
    evil = project('<Code guid="{c}" name="&a11;" isCodable="true"/>', head=head)
    assert "a document type declaration" in refused(
        [("project.qde", evil), ("sources/text.txt", b"Hello")], tmp_path
    )


def test_external_entities_are_refused(tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("the secret")
    head = f'<!DOCTYPE x [<!ENTITY e SYSTEM "file://{tmp_path}/secret.txt">]>'
    evil = project('<Code guid="{c}" name="&e;" isCodable="true"/>', head=head)
    message = refused([("project.qde", evil), ("sources/text.txt", b"Hello")], tmp_path)
    assert "a document type declaration" in message
    assert "the secret" not in message


def test_a_doctype_hidden_by_its_encoding_is_refused(tmp_path: Path) -> None:
    text = project(head="<!DOCTYPE x []>").decode().encode("utf-16")
    assert "a document type declaration" in refused([("project.qde", text)], tmp_path)


@pytest.mark.parametrize("entry", ["project.qde", "sources/text.txt"])
def test_a_zip_bomb_is_refused(entry: str, tmp_path: Path) -> None:
    path = tmp_path / "bomb.qdpx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        if entry != "project.qde":
            archive.writestr("project.qde", project())
        with archive.open(entry, "w", force_zip64=True) as file:
            for _ in range(201):
                file.write(bytes(2**20))
    assert path.stat().st_size < 2**20
    with pytest.raises(InputError, match="unpacks to more than 200 MiB"):
        rows(path)


def test_a_bomb_that_lies_about_its_size_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "bomb.qdpx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("project.qde", bytes(201 * 2**20))
    data = path.read_bytes().replace((201 * 2**20).to_bytes(4, "little"), (100).to_bytes(4, "little"))
    path.write_bytes(data)
    with pytest.raises(InputError):
        rows(path)


@pytest.mark.parametrize("kind", ["Code", "TextSource", "User"])
def test_a_guid_that_two_things_have_is_refused(kind: str, tmp_path: Path) -> None:
    twice = {
        "Code": project(
            '<Code guid="{c}" name="A" isCodable="true"/><Code guid="{C}" name="B" isCodable="true"/>'
        ),
        "TextSource": project(
            more='<TextSource guid="{t}" name="other" plainTextPath="internal://text.txt"/>'
        ),
        "User": project().replace(
            b"</Users>", b'<User guid="00000000-0000-0000-0000-000000000004" name="eve"/></Users>'
        ),
    }[kind]
    message = refused([("project.qde", twice), ("sources/text.txt", b"Hello")], tmp_path)
    assert f"{kind} '" in message
    assert "have the same GUID" in message


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "not a zip archive"),
        (b"PK\x03\x04 nothing", "not a zip archive"),
        (b"<Project/>", "not a zip archive"),
    ],
)
def test_what_is_no_archive_is_refused(data: bytes, message: str, tmp_path: Path) -> None:
    path = tmp_path / "p.qdpx"
    path.write_bytes(data)
    with pytest.raises(InputError, match=message):
        rows(path)


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ([("sources/text.txt", b"x")], "no .qde file"),
        ([("project.qde", b"<Project")], "not well-formed"),
        ([("project.qde", b'<?xml version="1.0" encoding="klingon"?><Project/>')], "not well-formed"),
        ([("project.qde", b"<CodeBook/>")], "the root is <CodeBook>"),
        ([("project.qde", project()), ("project.qde", project())], "there twice"),
    ],
)
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_what_is_no_project_is_refused(
    entries: list[tuple[str, bytes]], message: str, tmp_path: Path
) -> None:
    assert message in refused(entries, tmp_path)


def test_bad_selections_are_listed_and_the_rest_is_read(tmp_path: Path) -> None:
    coding = '<Coding guid="{k}" creatingUser="{u}"><CodeRef targetGUID="{C}"/></Coding>'
    place = (
        '<PlainTextSelection guid="{s}" startPosition="%s" endPosition="%s">'
        + coding
        + "</PlainTextSelection>"
    )
    selections = "".join(
        place % pair for pair in [("0", "5"), ("4", "999"), ("x", "5"), ("", ""), ("9" * 30, "9" * 31)]
    )
    path = rezip(
        tmp_path / "p.qdpx", [("project.qde", project(selections=selections)), ("sources/text.txt", b"Hello")]
    )
    found = rows(path)
    assert len(found) == 5
    assert [row.quote for row in found if hasattr(row, "quote")] == ["Hello"]


def test_selections_that_multiply_the_text_are_refused(tmp_path: Path) -> None:
    coding = '<Coding guid="{k}"><CodeRef targetGUID="{C}"/></Coding>'
    everything = (
        '<PlainTextSelection guid="{s}" startPosition="0" endPosition="1000000">'
        + coding
        + "</PlainTextSelection>"
    )
    entries = [("project.qde", project(selections=everything * 300)), ("sources/text.txt", b"x" * 10**6)]
    assert "many times the text itself" in refused(entries, tmp_path)


def test_deep_nesting_is_read(tmp_path: Path) -> None:
    deep = '<Code guid="{c}" name="A" isCodable="true">' + "<Code>" * 3000 + "</Code>" * 3000 + "</Code>"
    evil = project(deep)
    assert "the same GUID, (none)" in refused(
        [("project.qde", evil), ("sources/text.txt", b"Hello")], tmp_path
    )


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_file_makes_the_importer_fail_otherwise_than_with_a_message(
    data: st.DataObject, tmp_path: Path
) -> None:
    """Bytes of a sound project are changed, in the XML or in the archive: rows, bad rows, or our error; nothing else."""
    xml = bytearray(project())
    for _ in range(data.draw(st.integers(0, 4))):
        at = data.draw(st.integers(0, len(xml) - 1))
        xml[at : at + data.draw(st.integers(0, 12))] = data.draw(
            st.one_of(
                st.binary(max_size=6),
                st.sampled_from([b"<", b'"', b"&#0;", b"-1", b"\xff", b"<!DOCTYPE a>", b"x" * 40]),
            )
        )
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("project.qde", bytes(xml))
        archive.writestr("sources/text.txt", data.draw(st.one_of(st.just(b"Hello"), st.binary(max_size=12))))
    whole = bytearray(buffer.getvalue())
    if data.draw(st.booleans()):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path / "fuzz.qdpx"
    path.write_bytes(whole)
    (table,) = read_codings_file(path)
    with suppress(PedagogyError):
        tool().reads["qdpx"].columns(table)
        list(tool().reads["qdpx"].read(table))
